"""Postal addresses, of a demande or of a doublon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from schemas.lecture import Noeud


@final
@dataclass(frozen=True, slots=True)
class Adresse:
    """A postal address; `commune` is an INSEE code, `pays` and the two others only abroad."""

    etranger: bool
    appartement: str = ""
    etage: str = ""
    escalier: str = ""
    batiment: str = ""
    comp_adresse: str = ""
    numero: str = ""
    voie: str = ""
    lieu_dit: str = ""
    code_postal: str = ""
    commune: str | None = None
    code_postal_etranger: str = ""
    commune_etranger: str = ""
    pays: str = ""
    nom_hebergeant: str = ""


def read_adresse(noeud: Noeud | None) -> Adresse | None:
    """An address, of the demande or of a doublon; None when there is none."""
    if noeud is None:
        return None
    texte = noeud.texte
    return Adresse(
        etranger=noeud.booleen("etranger") or False,
        appartement=texte("appartement"),
        etage=texte("etage"),
        escalier=texte("escalier"),
        batiment=texte("batiment"),
        comp_adresse=texte("compAdresse"),
        numero=texte("numero"),
        voie=texte("voie"),
        lieu_dit=texte("lieuDit"),
        code_postal=texte("codePostal"),
        commune=noeud.code("commune"),
        code_postal_etranger=texte("codePostalEtranger"),
        commune_etranger=texte("communeEtranger"),
        pays=texte("pays"),
        nom_hebergeant=texte("nomHebergeant"),
    )
