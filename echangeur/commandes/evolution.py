"""`echangeur schema evolution`: what a change of schemas would break, for whom, on what was exchanged."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.progress import TimeRemainingColumn

from echangeur.contexte import Json, transaction
from echangeur.evolution import Periode, count_recorded, replay
from echangeur.progression import open_bar
from echangeur.saisie import read_day
from echangeur.sortie import PARIS, Code, MauvaisUsage, note, print_json, print_table, say
from schemas.evolution.comparaison import compare
from schemas.evolution.constats import Constat, Effet
from schemas.evolution.jeu import compile_kinds, published, read_trees
from schemas.evolution.modele import SchemaIllisible
from schemas.evolution.rejeu import Rejeu

_CONSTATS: Final = ("effet", "schéma", "chemin", "nature", "constat", "avant", "après")
_REJEU: Final = ("guichet", "sens", "documents", "déjà refusés", "refusés", "règle", "chemin", "dont")
_ORDRE: Final = (Effet.LES_DEUX, Effet.EMETTEURS, Effet.RECEPTEURS, Effet.COMPATIBLE)


def tell_evolution(
    ctx: typer.Context,
    dossier: Annotated[
        Path,
        typer.Argument(
            metavar="DOSSIER",
            help="Dossier des nouveaux schémas (.xsd, .wsdl) ; ceux qui manquent restent ce qu'ils sont.",
            exists=True,
            file_okay=False,
        ),
    ],
    du: Annotated[
        str,
        typer.Option("--du", help="Premier jour rejoué, AAAA-MM-JJ.", show_default="tout ce qui est gardé"),
    ] = "",
    au: Annotated[
        str, typer.Option("--au", help="Dernier jour rejoué, AAAA-MM-JJ.", show_default="aujourd'hui")
    ] = "",
    un_sur: Annotated[int, typer.Option("--un-sur", min=1, help="Un message sur N, toujours les mêmes.")] = 1,
    sans_rejeu: Annotated[
        bool, typer.Option("--sans-rejeu", help="Compare les schémas seulement, sans instance.")
    ] = False,
    csv_dossier: Annotated[
        Path | None,
        typer.Option("--csv", help="Dossier où écrire constats.csv et rejeu.csv.", file_okay=False),
    ] = None,
    json: Json = False,
) -> None:
    """Dit ce qu'un changement de schémas romprait, pour qui, sur les échanges enregistrés.

    Compare les schémas élément par élément, puis donne aux nouveaux les documents reçus et distribués que
    l'instance garde : combien de qui seraient refusés, et pourquoi. Rien de nominatif n'est écrit. Code de
    retour 0 si rien n'est rompu, 1 sinon.
    """
    avant = published()
    try:
        new = _read_folder(dossier)
        constats = compare(read_trees(avant), read_trees(new))
        rejeu = Rejeu(compile_kinds(avant | new))
    except SchemaIllisible as error:
        raise MauvaisUsage(f"{error}.") from error
    if not sans_rejeu:
        _replay(ctx, rejeu, Periode(_start(du), _end(au), un_sur))
    constats.sort(key=lambda each: _ORDRE.index(each.effet))
    if csv_dossier is not None:
        csv_dossier.mkdir(parents=True, exist_ok=True)
        _write_csv(csv_dossier / "constats.csv", _CONSTATS, map(_row, constats))
        _write_csv(csv_dossier / "rejeu.csv", _REJEU, _replayed(rejeu))
    if json:
        print_json(_value(constats, rejeu))
    else:
        print_table(_CONSTATS, [_row(each) for each in constats], vide="Les schémas sont les mêmes.")
        if not sans_rejeu:
            print_table(_REJEU, _replayed(rejeu), vide="Aucun document enregistré dans cette période.")
        _conclude(constats, rejeu)
    if rejeu.refuses or any(each.effet is not Effet.COMPATIBLE for each in constats):
        raise typer.Exit(Code.CONSTAT)


def _read_folder(dossier: Path) -> dict[str, bytes]:
    found = {
        path.name: path.read_bytes() for path in sorted(dossier.iterdir()) if path.suffix in (".xsd", ".wsdl")
    }
    if not found:
        raise MauvaisUsage(f"{dossier} n'a ni .xsd ni .wsdl.")
    return found


def _replay(ctx: typer.Context, rejeu: Rejeu, periode: Periode) -> None:
    with transaction(ctx) as conn, open_bar(TimeRemainingColumn()) as progress:
        task = progress.add_task("Rejeu des échanges", total=count_recorded(conn, periode))
        replay(conn, rejeu, periode, lambda: progress.advance(task))
    if rejeu.illisibles:
        note(f"{rejeu.illisibles} message(s) que l'échangeur n'avait pas su lire : laissés de côté.")


def _conclude(constats: Sequence[Constat], rejeu: Rejeu) -> None:
    senders = sum(each.effet.emetteurs for each in constats)
    readers = sum(each.effet.recepteurs for each in constats)
    documents = sum(bilan.documents for bilan in rejeu.bilans.values())
    say(
        f"{len(constats)} différence(s) : {senders} rompent les émetteurs, {readers} les récepteurs."
        f" {rejeu.refuses} document(s) refusé(s) sur {documents}."
    )


def _row(each: Constat) -> tuple[str, ...]:
    return (each.effet, each.schema, each.chemin, each.nature, each.texte, each.avant, each.apres)


def _replayed(rejeu: Rejeu) -> list[tuple[object, ...]]:
    """A line for each reason; one without a reason for whoever would have nothing refused."""
    lines: list[tuple[object, ...]] = []
    for (guichet, sens), bilan in sorted(rejeu.bilans.items()):
        head = (guichet, sens.value, bilan.documents, bilan.deja, bilan.refuses)
        if not bilan.motifs:
            lines.append((*head, "", "", 0))
        for motif, count in bilan.motifs.most_common():
            lines.append((*head, motif.regle, motif.chemin, count))
    return lines


def _value(constats: Sequence[Constat], rejeu: Rejeu) -> dict[str, object]:
    return {
        "constats": constats,
        "rejeu": [
            {
                "guichet": guichet,
                "sens": sens.value,
                "documents": bilan.documents,
                "deja_refuses": bilan.deja,
                "refuses": bilan.refuses,
                "motifs": [
                    {"regle": motif.regle, "chemin": motif.chemin, "documents": count}
                    for motif, count in bilan.motifs.most_common()
                ],
            }
            for (guichet, sens), bilan in sorted(rejeu.bilans.items())
        ],
        "illisibles": rejeu.illisibles,
        "refuses": rejeu.refuses,
    }


def _write_csv(path: Path, titres: Sequence[str], lignes: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(titres)
        writer.writerows(lignes)


def _start(text: str) -> datetime | None:
    return datetime.combine(read_day(text), time(), PARIS) if text else None


def _end(text: str) -> datetime | None:
    return datetime.combine(read_day(text) + timedelta(days=1), time(), PARIS) if text else None
