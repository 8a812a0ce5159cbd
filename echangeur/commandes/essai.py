"""`echangeur filtre essayer`: what a draft of a filter would take, before it is put in force."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy import Engine

from dispatching.essai import Essai, essayer, not_held
from echangeur.commandes.fichier_filtres import checked, read_file
from echangeur.commandes.guichet import find as find_guichet
from echangeur.contexte import Json, contexte_of, instance_of, trace_reading
from echangeur.instance import Instance
from echangeur.sortie import ConstatNegatif, MauvaisUsage, print_fiche, print_json, print_table, say
from filters.criteria import CRITERE
from filters.genres import CritereCodes
from filters.image import Image
from filters.language import conditions_to_json
from filters.stock import Stock
from filters.store import filtres_in_force
from filters.tableaux import Lignes
from registry.clock import Clock
from registry.controles import PARIS

IMAGE: Final = "image"
"""Folder of an instance that holds the image of its stock."""
_SHOWN: Final = 10


class Liste(StrEnum):
    """The numbers that may be listed."""

    RETENUES = "retenues"
    NOUVELLES = "nouvelles"
    ENTRANTES = "entrantes"
    SORTANTES = "sortantes"


def try_filtres(
    ctx: typer.Context,
    guichet: Annotated[str, typer.Argument(metavar="GUICHET", help="Code du guichet.")],
    fichier: Annotated[
        Path,
        typer.Argument(metavar="FICHIER", help="Filtres en TOML ou en JSON.", exists=True, dir_okay=False),
    ],
    contre: Annotated[
        str,
        typer.Option(
            "--contre",
            help="Filtre en vigueur auquel comparer.",
            show_default="celui du même nom, s'il existe",
        ),
    ] = "",
    numeros: Annotated[
        Liste | None, typer.Option("--numeros", help="Liste aussi ces demandes, par numéro.")
    ] = None,
    apres: Annotated[str, typer.Option("--apres", help="Liste à partir d'après ce numéro.")] = "",
    limite: Annotated[int, typer.Option("--limite", min=1, max=100_000, help="Nombre de numéros.")] = 50,
    json: Json = False,
) -> None:
    """Essaie des filtres sur les demandes actives, sans rien enregistrer : combien, et ce qui changerait.

    Le premier essai lit tout le registre ; les suivants, ce qui a changé depuis.
    """
    filtres = checked(read_file(fichier))
    if contre and len(filtres) > 1:
        raise MauvaisUsage("--contre compare un filtre, et le fichier en a plusieurs.")
    instance, clock = instance_of(ctx), contexte_of(ctx).clock
    with instance.database() as engine, image_of(instance, engine, clock) as image, engine.begin() as conn:
        found = find_guichet(conn, guichet)
        known = {v.nom: v.filtre for v in filtres_in_force(conn, clock.now(), guichet)}
        if contre and contre not in known:
            raise ConstatNegatif(f"Le guichet {guichet} n'a pas de filtre « {contre} » en vigueur.")
        jour = clock.now().astimezone(PARIS).date()
        essais = [essayer(conn, image, found, f, known.get(contre or f.nom), jour) for f in filtres]
        nouvelles = [not_held(conn, image, guichet, essai.retenues) for essai in essais]
        listes = [
            [] if numeros is None else image.numbers_of(_rows(essai, nouveau, numeros), apres, limite)
            for essai, nouveau in zip(essais, nouvelles, strict=True)
        ]
        if numeros is not None:
            trace_reading(ctx, conn, *sorted({numero for liste in listes for numero in liste}))
    results = list(zip(essais, nouvelles, listes, strict=True))
    if json:
        print_json([_value(essai, len(nouveau), numeros, liste) for essai, nouveau, liste in results])
        return
    for essai, nouveau, liste in results:
        _tell(essai, len(nouveau))
        for numero in liste:
            say(numero)


@contextmanager
def image_of(instance: Instance, engine: Engine, clock: Clock) -> Iterator[Image]:
    """The image of the stock of an instance, up to date; shows its progress."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Image du stock", total=None)
        follow = Stock(instance.dossier / IMAGE).follow(
            engine, clock.now(), lambda done, total: progress.update(task, completed=done, total=total)
        )
        with follow as image:
            progress.stop()
            yield image


def _rows(essai: Essai, nouvelles: Lignes, liste: Liste) -> Lignes:
    match liste:
        case Liste.RETENUES:
            return essai.retenues
        case Liste.NOUVELLES:
            return nouvelles
        case Liste.ENTRANTES if essai.contre is not None:
            return essai.contre.entrantes
        case Liste.SORTANTES if essai.contre is not None:
            return essai.contre.sortantes
        case _:
            return essai.retenues[:0]


def _tell(essai: Essai, nouvelles: int) -> None:
    lignes: list[tuple[str, object]] = [
        ("filtre", essai.filtre.nom),
        ("demandes actives", essai.stock),
        (f"que {essai.guichet} peut lire", essai.lisibles),
        ("retenues", len(essai.retenues)),
        ("dont il n'a pas encore", nouvelles),
    ]
    if essai.contre is not None:
        contre = essai.contre
        lignes += [
            (f"retenues par « {contre.nom} » en vigueur", len(contre.retenues)),
            ("différence", f"+{len(contre.entrantes)} / −{len(contre.sortantes)}"),
        ]
    print_fiche(lignes)
    for critere, counts in essai.par.items():
        if counts:
            found = CRITERE[critere]
            assert isinstance(found, CritereCodes)
            say("")
            print_table((found.libelle, "demandes"), _top(counts, found), vide="")
    if essai.mois:
        say("")
        mois = list(essai.mois.items())[-12:]
        print_table(("mois de dépôt", "demandes"), mois, vide="")


def _top(counts: Mapping[str, int], critere: CritereCodes) -> list[tuple[str, int]]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = [(critere.designe(code), count) for code, count in ordered[:_SHOWN]]
    others = len(ordered) - _SHOWN
    return shown if others <= 0 else [*shown, (f"et {others} autres", sum(c for _, c in ordered[_SHOWN:]))]


def _value(essai: Essai, nouvelles: int, liste: Liste | None, numeros: list[str]) -> dict[str, object]:
    contre = essai.contre
    return {
        "filtre": {"nom": essai.filtre.nom, **conditions_to_json(essai.filtre)},
        "guichet": essai.guichet,
        "jour": essai.jour,
        "stock": essai.stock,
        "lisibles": essai.lisibles,
        "retenues": len(essai.retenues),
        "nouvelles": nouvelles,
        "par": essai.par,
        "par_mois_de_depot": essai.mois,
        "contre": None
        if contre is None
        else {
            "nom": contre.nom,
            "retenues": len(contre.retenues),
            "entrantes": len(contre.entrantes),
            "sortantes": len(contre.sortantes),
        },
        **({} if liste is None else {"liste": liste.value, "numeros": numeros}),
    }
