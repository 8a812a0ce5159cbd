"""`echangeur distribution rapprocher`: what a guichet has, from a list, against what was made for it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection

from dispatching.liste_tenue import ATTENDU, LigneIllisible, read_liste
from dispatching.rapprochement import Manquante, Rapprochement, Tenue, reconcile, union
from echangeur.commandes.guichet import find
from echangeur.contexte import Json, transaction
from echangeur.saisie import Guichet
from echangeur.sortie import Code, MauvaisUsage, print_json, say


def reconcile_list(
    ctx: typer.Context,
    guichet: Guichet,
    liste: Annotated[
        Path, typer.Argument(metavar="FICHIER", exists=True, dir_okay=False, help="Ce que le guichet a.")
    ],
    json: Json = False,
) -> None:
    """Compare ce qu'un guichet dit avoir à ce qui lui a été distribué, sans qu'il appelle.

    FICHIER a une ligne par numéro d'ordre ou par tranche : « 12 », « 12-40 », ou « 12;SHA-256 du fichier ».
    Dit ce qui manque, ce qui est en trop, ce qui diffère. Code de retour 1 si tout n'est pas complet.
    """
    tenues = _read(liste)
    with transaction(ctx) as conn:
        find(conn, guichet)
        manquantes, found = _compare(conn, guichet, tenues)
    complet = not (manquantes or found.en_trop or found.differentes)
    if json:
        print_json(
            {
                "complet": complet,
                "derniere": found.derniere,
                "manquantes": [asdict(each) for each in manquantes],
                "en_trop": [asdict(each) for each in found.en_trop],
                "differentes": found.differentes,
            }
        )
    else:
        _tell(manquantes, found, complet)
    if not complet:
        raise typer.Exit(Code.CONSTAT)


def _compare(conn: Connection, guichet: str, tenues: list[Tenue]) -> tuple[list[Manquante], Rapprochement]:
    """What is missing, whole, and the rest."""
    found = reconcile(conn, guichet, tenues)
    manquantes = list(found.manquantes)
    # The digests were compared by the first call.
    plages = [Tenue(plage.premiere, plage.derniere) for plage in union(tenues)]
    lot = found
    while lot.suite:
        lot = reconcile(conn, guichet, plages, apres=lot.jusqua)
        manquantes += lot.manquantes
    return manquantes, found


def _tell(manquantes: list[Manquante], found: Rapprochement, complet: bool) -> None:
    for each in manquantes:
        say(f"manque : {_bornes(each.premiere, each.derniere)} ({each.etat})")
    for plage in found.en_trop:
        say(f"en trop : {_bornes(plage.premiere, plage.derniere)}")
    for sequence in found.differentes:
        say(f"autre fichier : {sequence}")
    if complet:
        say(f"Complet : tout ce qui a été distribué, jusqu'au numéro d'ordre {found.derniere}.")


def _bornes(premiere: int, derniere: int) -> str:
    return str(premiere) if premiere == derniere else f"{premiere} à {derniere}"


def _read(liste: Path) -> list[Tenue]:
    tenues = read_liste(liste.read_text(encoding="utf-8"))
    if isinstance(tenues, LigneIllisible):
        raise MauvaisUsage(
            f"{liste}, ligne {tenues.rang} : ce n'est ni un numéro d'ordre, ni une tranche.",
            f"Attendu : {ATTENDU}.",
        )
    return tenues
