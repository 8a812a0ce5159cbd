"""A dwelling of the directory, read from a line of its file. Pure (regles §9, arrêté du 5 janvier 2010)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from schemas import cog

TITRES: Final = (
    "numero_rpls",
    "identifiant_bailleur",
    "siret",
    "commune",
    "code_postal",
    "numero_voie",
    "voie",
    "complement",
    "batiment",
    "escalier",
    "etage",
    "appartement",
    "zus",
    "construction",
    "pieces",
    "surface",
    "annee",
    "occupation",
    "loyer",
    "contingent",
)
"""Columns that the file must have, in any order; it may have others, which are not kept."""

RESERVATAIRES: Final[Mapping[str, str]] = {
    "1": "PFONCT",
    "2": "PPRIOR",
    "3": "COLACT",
    "4": "COLTER",
    "5": "AUTRES",
    "6": "AUTRES",
    "7": "AUCUN",
}
"""Contingent of the directory (item 63) to ListeTypeReservataire."""

SANS_LOYER: Final = 9999
"""What the arrêté has for a rent that does not apply."""

_NUMERO: Final = re.compile(r"[0-9A-Z]{10}", re.ASCII)
_SIRET: Final = re.compile(r"[0-9]{14}", re.ASCII)
_CODE_POSTAL: Final = re.compile(r"[0-9]{5}", re.ASCII)
_LONGUEURS: Final = {
    "numero_voie": 5,
    "voie": 32,
    "complement": 33,
    "batiment": 4,
    "escalier": 4,
    "etage": 2,
    "appartement": 4,
}
_CODES: Final = {"zus": "12", "construction": "IC", "occupation": "123459", "contingent": "1234567"}
_LIBELLES: Final = {
    "zus": "1 ou 2",
    "construction": "I ou C",
    "occupation": "1 à 5, ou 9",
    "contingent": "1 à 7",
}


@dataclass(frozen=True, slots=True)
class Logement:
    """A dwelling. Texts are empty and numbers None when the directory does not say; see tables_rpls."""

    numero: str
    interne: str
    siren: str
    commune: str
    code_postal: str
    numero_voie: str
    voie: str
    complement: str
    batiment: str
    escalier: str
    etage: str
    appartement: str
    zus: str
    construction: str
    occupation: str
    contingent: str
    pieces: int
    surface: int | None
    loyer: int | None
    annee: int | None


def read_ligne(ligne: Mapping[str, str]) -> Logement | str:
    """The dwelling of a line that has the TITRES, or what is wrong with it, in French ([RPL-1] [RPL-2]).

    Texts longer than their place are cut: an address is there to be read, not compared.
    """
    valeurs = {titre: (ligne.get(titre) or "").strip() for titre in TITRES}
    numero = valeurs["numero_rpls"].upper()
    if not _NUMERO.fullmatch(numero):
        return f"numero_rpls « {numero[:20]} » : attendu 10 chiffres ou lettres"
    if not _SIRET.fullmatch(valeurs["siret"]):
        return f"siret « {valeurs['siret'][:20]} » : attendu 14 chiffres"
    commune = valeurs["commune"].upper()
    if cog.commune(commune) is None:
        return f"commune « {commune[:20]} » : inconnue au code officiel géographique"
    if valeurs["code_postal"] and not _CODE_POSTAL.fullmatch(valeurs["code_postal"]):
        return f"code_postal « {valeurs['code_postal'][:20]} » : attendu 5 chiffres"
    for titre, codes in _CODES.items():
        code = valeurs[titre] = valeurs[titre].upper()
        if len(code) > 1 or code not in codes:
            return f"{titre} « {code[:20]} » : attendu {_LIBELLES[titre]}, ou rien"
    nombres: dict[str, int | None] = {}
    for titre, bas, haut in (
        ("pieces", 1, 99),
        ("surface", 1, 9999),
        ("annee", 1000, 2999),
        ("loyer", 0, SANS_LOYER),
    ):
        texte = valeurs[titre]
        try:
            # A rent or a surface may have decimals; the register, as the interface, keeps whole numbers.
            nombre = (
                round(float(texte.replace(",", "."))) if re.fullmatch(r"\d{1,6}([.,]\d+)?", texte) else None
            )
        except ValueError:
            nombre = None
        if texte and (nombre is None or not bas <= nombre <= haut):
            return f"{titre} « {texte[:20]} » : attendu un nombre de {bas} à {haut}"
        nombres[titre] = nombre
    pieces = nombres["pieces"]
    if pieces is None:
        return "pieces : le nombre de pièces principales manque"
    return Logement(
        numero=numero,
        interne=valeurs["identifiant_bailleur"][:50],
        siren=valeurs["siret"][:9],
        commune=commune,
        code_postal=valeurs["code_postal"],
        **{titre: valeurs[titre][:longueur].strip() for titre, longueur in _LONGUEURS.items()},
        **{titre: valeurs[titre] for titre in _CODES},
        pieces=pieces,
        surface=nombres["surface"],
        loyer=None if nombres["loyer"] == SANS_LOYER else nombres["loyer"],
        annee=nombres["annee"],
    )


def type_of(pieces: int) -> str:
    """Code of ListeTypeLogementRPLS for a number of main rooms."""
    return f"T{pieces}" if pieces < 9 else "T9P"
