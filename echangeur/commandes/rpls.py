"""`echangeur rpls`: the directory of social dwellings, in and out."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, time
from pathlib import Path
from typing import Annotated, TextIO

import typer
from rich.progress import TimeElapsedColumn

from echangeur.contexte import Json, contexte_of, instance_of
from echangeur.francais import Commande, create_group
from echangeur.progression import open_spinner
from echangeur.saisie import read_day
from echangeur.sortie import PARIS, Code, MauvaisUsage, note, print_json, say
from registry.rpls_export import export_attributions
from registry.rpls_import import FauteLigne, RepertoireIllisible, import_rpls

app = create_group("Le répertoire des logements sociaux (RPLS) : l'importer, lui rendre les attributions.")


@app.command("importer", cls=Commande)
def import_directory(
    ctx: typer.Context,
    fichier: Annotated[
        Path, typer.Argument(metavar="FICHIER", help="CSV à point-virgule, titres en tête.", dir_okay=False)
    ],
    encodage: Annotated[str, typer.Option("--encodage", help="Encodage du fichier.")] = "utf-8-sig",
    rejets: Annotated[
        Path | None,
        typer.Option(
            "--rejets", help="Fichier où écrire toutes les lignes laissées de côté.", dir_okay=False
        ),
    ] = None,
    essai: Annotated[bool, typer.Option("--essai", help="Dit ce qui serait fait, sans rien écrire.")] = False,
    json: Json = False,
) -> None:
    """Ajoute au répertoire les logements d'un fichier, et met à jour ceux qu'il connaît.

    Colonnes : docs/specification/41-rpls.md. Importer de nouveau le même fichier ne change rien. Une ligne
    fautive est dite et laissée de côté : le code de retour est alors 1.
    """
    with (
        _reading(fichier, encodage) as entree,
        _writing(rejets) as sortie,
        instance_of(ctx).database() as engine,
        engine.connect() as conn,
        open_spinner("{task.description}", TimeElapsedColumn()) as progress,
    ):
        task = progress.add_task("Import : 0 ligne", total=None)
        ecrire = None if sortie is None else csv.writer(sortie, delimiter=";")
        if ecrire is not None:
            ecrire.writerow(("ligne", "constat"))

        def refuse(faute: FauteLigne) -> None:
            if ecrire is not None:
                ecrire.writerow((faute.ligne, faute.constat))

        try:
            bilan = import_rpls(
                conn,
                entree,
                contexte_of(ctx).clock.now(),
                progress=lambda lues: progress.update(task, description=f"Import : {lues} lignes"),
                refuse=refuse,
            )
        except RepertoireIllisible as error:
            raise MauvaisUsage(f"{error} Rien n'a été importé.") from error
        if essai:
            conn.rollback()
        else:
            conn.commit()
    if json:
        print_json(bilan)
    else:
        for faute in bilan.fautes:
            note(f"ligne {faute.ligne} : {faute.constat}")
        say(
            f"{bilan.lues} ligne(s) lue(s) : {bilan.nouveaux} logement(s) nouveau(x), "
            f"{bilan.changes} changé(s), {bilan.inchanges} inchangé(s)"
            f"{' ; essai, rien n’a été écrit' if essai else ''}."
        )
        if bilan.nombre_fautes:
            note(f"{bilan.nombre_fautes} ligne(s) laissée(s) de côté.")
    if bilan.nombre_fautes:
        raise typer.Exit(Code.CONSTAT)


@app.command("exporter", cls=Commande)
def export_file(
    ctx: typer.Context,
    fichier: Annotated[Path, typer.Argument(metavar="FICHIER", help="CSV à écrire.", dir_okay=False)],
    depuis: Annotated[str, typer.Option("--depuis", help="Premier jour, AAAA-MM-JJ.")],
    jusqu_au: Annotated[
        str | None,
        typer.Option("--jusqu-au", help="Premier jour laissé de côté, AAAA-MM-JJ ; à défaut, maintenant."),
    ] = None,
    json: Json = False,
) -> None:
    """Écrit les attributions enregistrées depuis un jour, avec le logement du répertoire de chacune."""
    debut = _midnight(depuis)
    fin = contexte_of(ctx).clock.now() if jusqu_au is None else _midnight(jusqu_au)
    with (
        instance_of(ctx).database() as engine,
        engine.connect() as conn,
        _writing(fichier) as sortie,
        open_spinner("{task.description}", TimeElapsedColumn()) as progress,
    ):
        assert sortie is not None, "un fichier est donné"
        task = progress.add_task("Export : 0 attribution", total=None)
        nombre = export_attributions(
            conn,
            sortie,
            debut,
            fin,
            progress=lambda faites: progress.update(task, description=f"Export : {faites} attributions"),
        )
    if json:
        print_json({"fichier": str(fichier), "attributions": nombre})
    else:
        say(f"{nombre} attribution(s) écrite(s) dans {fichier}.")


def _midnight(texte: str) -> datetime:
    return datetime.combine(read_day(texte), time(), PARIS)


@contextmanager
def _reading(fichier: Path, encodage: str) -> Iterator[TextIO]:
    try:
        entree = fichier.open(encoding=encodage, newline="")
    except OSError as error:
        raise MauvaisUsage(f"Le fichier {fichier} ne se lit pas ({error.strerror}).") from error
    except LookupError as error:
        raise MauvaisUsage(f"L'encodage « {encodage} » n'existe pas.") from error
    with entree:
        yield entree


@contextmanager
def _writing(fichier: Path | None) -> Iterator[TextIO | None]:
    if fichier is None:
        yield None
        return
    try:
        sortie = fichier.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise MauvaisUsage(f"Le fichier {fichier} ne s'écrit pas ({error.strerror}).") from error
    with sortie:
        yield sortie
