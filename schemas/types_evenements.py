"""The types of events of shared management: what may be written about a demande, and with which fields.

The national types are data, `codes/types_evenements.csv` and `codes/caracteristiques_evenements.csv`: those
of regles §10 (décret 2015-523, CCH R441-2-15). The codes are ours, the interface publishes none. A type that
is withdrawn keeps its line and gets a last day, so that older events can still be read. Those of a territory
come from a document of the interface itself (`read_types`).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Final

from lxml import etree

from schemas import cog
from schemas.gestion_partagee import Champs, oui
from schemas.lecture import Noeud

_ENTIER: Final = re.compile(r"[0-9]{1,9}")
_JOUR: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Format(StrEnum):
    """Format of a field (typeCaracteristiqueSpecifique); the codes are ours, none is published ([GPE-5])."""

    TEXTE = "TXT"
    JOUR = "DAT"
    ENTIER = "ENT"
    BOOLEEN = "BOO"
    COMMUNE = "COM"

    @property
    def attendu(self) -> str:
        """What a value must be, in French."""
        return {
            Format.TEXTE: "un texte",
            Format.JOUR: "un jour, comme 2026-07-15",
            Format.ENTIER: "un nombre entier",
            Format.BOOLEEN: "true ou false",
            Format.COMMUNE: "le code officiel géographique d'une commune",
        }[self]

    def accepts(self, valeur: str) -> bool:
        """May a field of this format hold that value, which is not empty?"""
        if self is Format.TEXTE:
            return True
        if self is Format.ENTIER:
            return _ENTIER.fullmatch(valeur) is not None
        if self is Format.BOOLEEN:
            return valeur in ("true", "false")
        if self is Format.COMMUNE:
            return cog.commune(valeur) is not None
        if not _JOUR.fullmatch(valeur):
            return False
        try:
            date.fromisoformat(valeur)
        except ValueError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Validite:
    """First and last day, both included; None: no bound."""

    du: date | None = None
    au: date | None = None

    def holds(self, jour: date) -> bool:
        """Is that day within it?"""
        return (self.du is None or self.du <= jour) and (self.au is None or jour <= self.au)


@dataclass(frozen=True, slots=True)
class Champ:
    """A field of a type of event."""

    code: str
    libelle: str
    format: Format
    obligatoire: bool
    texte: str
    aide: str
    validite: Validite = Validite()


@dataclass(frozen=True, slots=True)
class TypeEvenement:
    """A type of event.

    territoire: empty for a national type. auteurs: types of guichet that may write such an event; empty for
    all. multiples: such an event is an attribution under condition. champs: by code, in their order.
    """

    code: str
    libelle: str
    texte_pgp: str
    texte_sne: str
    publier: bool
    multiples: bool
    recherche: bool
    reglementaire: bool
    validite: Validite
    champs: Mapping[str, Champ]
    territoire: str = ""
    auteurs: frozenset[str] = frozenset()


@cache
def types_nationaux() -> Mapping[str, TypeEvenement]:
    """The national types by code, those of the past included."""
    champs: dict[str, dict[str, Champ]] = {}
    for ligne in _rows("caracteristiques_evenements.csv"):
        champs.setdefault(ligne["type"], {})[ligne["code"]] = Champ(
            code=ligne["code"],
            libelle=ligne["libelle"],
            format=Format(ligne["format"]),
            obligatoire=_vrai(ligne["obligatoire"]),
            texte=ligne["texte"],
            aide=ligne["aide"],
            validite=_validite(ligne),
        )
    return MappingProxyType(
        {
            ligne["code"]: TypeEvenement(
                code=ligne["code"],
                libelle=ligne["libelle"],
                texte_pgp=ligne["texte_pgp"],
                texte_sne=ligne["texte_sne"],
                publier=_vrai(ligne["publier"]),
                multiples=_vrai(ligne["multiples"]),
                recherche=_vrai(ligne["recherche"]),
                reglementaire=_vrai(ligne["reglementaire"]),
                validite=_validite(ligne),
                champs=MappingProxyType(champs.get(ligne["code"], {})),
                auteurs=frozenset(ligne["auteurs"].split()),
            )
            for ligne in _rows("types_evenements.csv")
        }
    )


def read_types(root: etree._Element) -> tuple[TypeEvenement, ...]:
    """The types that a valid document GPTypeEvenement lists. Raises ValueError, in French, for a format of
    field that we do not know ([GPE-7])."""
    return tuple(_type(each) for each in Noeud(root).noeuds("listeTypesEvenements", "typeEvenement"))


def write_types(types: Iterable[TypeEvenement]) -> tuple[str, Champs]:
    """`listeTypesEvenements`."""
    return "listeTypesEvenements", [("typeEvenement", _write_type(each)) for each in types]


def _write_type(each: TypeEvenement) -> Champs:
    return [
        ("codeTypeEvenement", each.code),
        ("texteDescriptifPGP", each.texte_pgp),
        ("texteDescriptifSNE", each.texte_sne),
        ("aPublierSurPGP", oui(each.publier)),
        ("utilisableMultiplesAttributionsSousConditions", oui(each.multiples)),
        ("utilisableRechercheInstruction", oui(each.recherche)),
        ("reglementaire", oui(each.reglementaire)),
        *_write_validite(each.validite),
        ("codeTerritoire", each.territoire or None),
        ("libelleTypeEvenement", [("libelle", each.libelle)]),
        (
            "listeCaracteristiquesSpecifiques",
            [("caracteristiqueSpecifique", _write_champ(champ)) for champ in each.champs.values()] or None,
        ),
    ]


def _write_champ(champ: Champ) -> Champs:
    return [
        ("code", champ.code),
        ("libelle", champ.libelle),
        ("typeCaracteristiqueSpecifique", champ.format.value),
        ("obligatoire", oui(champ.obligatoire)),
        ("texteDescriptif", champ.texte),
        ("aideALaSaisie", champ.aide),
        *_write_validite(champ.validite),
    ]


def _write_validite(validite: Validite) -> Champs:
    return [
        ("dateDebutValidite", None if validite.du is None else validite.du.isoformat()),
        ("dateFinValidite", None if validite.au is None else validite.au.isoformat()),
    ]


def _type(noeud: Noeud) -> TypeEvenement:
    libelle = noeud.noeud("libelleTypeEvenement")
    champs = map(_champ, noeud.noeuds("listeCaracteristiquesSpecifiques", "caracteristiqueSpecifique"))
    return TypeEvenement(
        code=noeud.texte("codeTypeEvenement"),
        libelle=noeud.texte("codeTypeEvenement") if libelle is None else libelle.texte("libelle"),
        texte_pgp=noeud.texte("texteDescriptifPGP"),
        texte_sne=noeud.texte("texteDescriptifSNE"),
        publier=noeud.booleen("aPublierSurPGP") or False,
        multiples=noeud.booleen("utilisableMultiplesAttributionsSousConditions") or False,
        recherche=noeud.booleen("utilisableRechercheInstruction") or False,
        reglementaire=noeud.booleen("reglementaire") or False,
        validite=Validite(noeud.jour("dateDebutValidite"), noeud.jour("dateFinValidite")),
        champs=MappingProxyType({champ.code: champ for champ in champs}),
        territoire=noeud.texte("codeTerritoire").upper(),
    )


def _champ(noeud: Noeud) -> Champ:
    nature = noeud.texte("typeCaracteristiqueSpecifique")
    if nature not in {each.value for each in Format}:
        raise ValueError(f"format de champ inconnu : « {nature} » ; attendu : {', '.join(Format)}")
    return Champ(
        code=noeud.texte("code"),
        libelle=noeud.texte("libelle"),
        format=Format(nature),
        obligatoire=noeud.booleen("obligatoire") or False,
        texte=noeud.texte("texteDescriptif"),
        aide=noeud.texte("aideALaSaisie"),
        validite=Validite(noeud.jour("dateDebutValidite"), noeud.jour("dateFinValidite")),
    )


def _rows(nom: str) -> Iterator[dict[str, str]]:
    texte = (resources.files("schemas") / "codes" / nom).read_text("utf-8")
    return iter(csv.DictReader(texte.splitlines()))


def _vrai(texte: str) -> bool:
    return {"oui": True, "non": False}[texte]


def _validite(ligne: Mapping[str, str]) -> Validite:
    du, au = ligne["valide_du"], ligne["valide_au"]
    return Validite(date.fromisoformat(du) if du else None, date.fromisoformat(au) if au else None)
