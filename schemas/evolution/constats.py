"""A difference between two schemas, and whom it concerns.

A schema that accepts less refuses documents that were right: whoever writes them must change first. One that
accepts more lets documents through that a reader of the old schema refuses: whoever reads them must change
first. A difference may do both, or neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Effet(StrEnum):
    """Whom a difference breaks. Written in answers; never renamed."""

    COMPATIBLE = "compatible"
    EMETTEURS = "rompt les émetteurs"
    """A document written by the old schema may be refused under the new one."""
    RECEPTEURS = "rompt les récepteurs"
    """A document written by the new schema may be refused under the old one."""
    LES_DEUX = "rompt les deux"

    @property
    def emetteurs(self) -> bool:
        """Must those who write change?"""
        return self in (Effet.EMETTEURS, Effet.LES_DEUX)

    @property
    def recepteurs(self) -> bool:
        """Must those who read change?"""
        return self in (Effet.RECEPTEURS, Effet.LES_DEUX)


class Nature(StrEnum):
    """What changed. Written in answers; never renamed."""

    SCHEMA_AJOUTE = "SCHEMA-AJOUTE"
    RACINE_AJOUTEE = "RACINE-AJOUTEE"
    RACINE_RETIREE = "RACINE-RETIREE"
    ELEMENT_AJOUTE = "ELEMENT-AJOUTE"
    ELEMENT_RETIRE = "ELEMENT-RETIRE"
    RENDU_OBLIGATOIRE = "RENDU-OBLIGATOIRE"
    RENDU_FACULTATIF = "RENDU-FACULTATIF"
    MINIMUM = "MINIMUM"
    MAXIMUM = "MAXIMUM"
    CHOIX = "CHOIX"
    ORDRE = "ORDRE"
    ESPACE = "ESPACE"
    CONTENU = "CONTENU"
    TYPE = "TYPE"
    LONGUEUR = "LONGUEUR"
    BORNE = "BORNE"
    MOTIF = "MOTIF"
    VALEUR_AJOUTEE = "VALEUR-AJOUTEE"
    VALEUR_RETIREE = "VALEUR-RETIREE"
    VALEUR_FIXE = "VALEUR-FIXE"
    ATTRIBUT_AJOUTE = "ATTRIBUT-AJOUTE"
    ATTRIBUT_RETIRE = "ATTRIBUT-RETIRE"
    TEXTE = "TEXTE"
    """Its documentation only."""


@dataclass(frozen=True, slots=True)
class Constat:
    """One difference. schema: name of the file. chemin: from the root, in local names; an attribute ends it
    with ``/@nom``. texte: a French sentence. avant, apres: the two values, or empty."""

    schema: str
    chemin: str
    nature: Nature
    effet: Effet
    texte: str
    avant: str = ""
    apres: str = ""


def effet_of(*, restreint: bool, elargit: bool) -> Effet:
    """Whom a difference breaks that makes a schema accept less, or more."""
    return _EFFETS[restreint, elargit]


_EFFETS: Final = {
    (False, False): Effet.COMPATIBLE,
    (True, False): Effet.EMETTEURS,
    (False, True): Effet.RECEPTEURS,
    (True, True): Effet.LES_DEUX,
}
