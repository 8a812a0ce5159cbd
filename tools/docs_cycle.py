"""docs/cycle-de-vie.md, generated from the table that the code follows."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from registry.cycle import LIBELLES, TABLE, Ligne
from registry.lifecycle import TRANSITIONS, Etat, Fait

PAGE: Final = Path("docs/cycle-de-vie.md")

_FAITS: Final = {
    Fait.SAISIE: "saisie",
    Fait.DEPOT: "dépôt sur le portail",
    Fait.VALIDATION: "validation",
    Fait.INVALIDATION: "invalidation",
    Fait.CREATION: "`CRE` création",
    Fait.CREATION_SEPARATION: "`CRS` création après séparation",
    Fait.MODIFICATION: "`MOD` modification",
    Fait.RENOUVELLEMENT: "`REN` renouvellement",
    Fait.RADIATION: "`RAD` radiation",
    Fait.DERADIATION: "`RAD` sans motif : déradiation",
    Fait.SUPPRESSION: "`SUP` suppression",
    Fait.PURGE: "effacement, à la fin du délai de conservation",
}

_ENTETE: Final = """# Cycle de vie d'une demande

Page engendrée depuis le code par `make docs` ; ne pas la modifier à la main.
Les règles en toutes lettres : [spécification](specification/10-vie-de-la-demande.md).

## États et faits

Ce que ce tableau ne contient pas n'est pas permis.

| état | fait | état suivant |
| --- | --- | --- |
"""

_SUITE: Final = """
## Ce que les partenaires envoient sur une demande existante

| état | fait | motif | état suivant | qui | conditions (anomalie sinon) |
| --- | --- | --- | --- | --- | --- |
"""


def render() -> str:
    """The whole page."""
    etats = [
        f"| {_etat(de)} | {_FAITS[fait]} | {_etat(vers)} |\n" for (de, fait), vers in TRANSITIONS.items()
    ]
    return _ENTETE + "".join(etats) + _SUITE + "".join(map(_ligne, TABLE))


def _etat(etat: Etat | None) -> str:
    return "–" if etat is None else LIBELLES[etat]


def _ligne(ligne: Ligne) -> str:
    conditions = " ; ".join(f"{one.texte} (`{one.anomalie.code}`)" for one in ligne.conditions) or "–"
    motif = f"`{ligne.motif}`" if ligne.motif else "–"
    return (
        f"| {_etat(ligne.depuis)} | {_FAITS[ligne.fait]} | {motif} | {_etat(ligne.vers)} | {ligne.qui.texte}"
        f" (`{ligne.qui.anomalie.code}`) | {conditions} |\n"
    )
