"""`echangeur partagee`: types of events of a territory, delays applied to the stock, index of the search."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import TimeRemainingColumn

from echangeur.contexte import Json, contexte_of, instance_of
from echangeur.francais import Commande, create_group
from echangeur.progression import open_bar
from echangeur.sortie import Arret, MauvaisUsage, print_json, say
from registry.controles import PARIS
from registry.projection import rebuild, redate
from registry.types_territoriaux import import_types
from schemas.documents import Document, DocumentKind, read_document

app = create_group("La gestion partagée et la recherche de demandes.")


@app.command("types", cls=Commande)
def bring_types(
    ctx: typer.Context,
    fichier: Annotated[
        Path,
        typer.Argument(
            metavar="FICHIER", help="Document GPTypeEvenement qui liste les types.", dir_okay=False
        ),
    ],
    json: Json = False,
) -> None:
    """Apporte les types d'événements d'un territoire.

    Un type déjà connu est remplacé ; aucun n'est retiré : pour en clore un, donnez-lui une fin de validité.
    """
    try:
        data = fichier.read_bytes()
    except OSError as error:
        raise MauvaisUsage(f"Le fichier {fichier} ne se lit pas ({error.strerror}).") from error
    document = read_document(data, frozenset({DocumentKind.TYPE_EVENEMENT}))
    if not isinstance(document, Document):
        raise Arret(
            f"Le fichier n'est pas un document de types d'événements : {document[0].message}",
            f"echangeur schema valider {fichier}",
        )
    with instance_of(ctx).database() as engine, engine.begin() as conn:
        try:
            apportes = import_types(conn, document.root, contexte_of(ctx).clock.now())
        except ValueError as error:
            raise Arret(f"Rien n'est apporté : {error}.", "Corrigez le fichier.") from error
    if json:
        print_json([{"territoire": territoire, "code": code} for territoire, code in apportes])
    else:
        for territoire, code in apportes:
            say(f"{territoire} {code}")
        say(f"{len(apportes)} type(s) apporté(s).")


@app.command("delais", cls=Commande)
def apply_delays(
    ctx: typer.Context,
    territoire: Annotated[
        str, typer.Option("--territoire", metavar="CODE", help="Ce territoire seulement.")
    ] = "",
    essai: Annotated[bool, typer.Option("--essai", help="Dit ce qui serait fait, sans rien écrire.")] = False,
    json: Json = False,
) -> None:
    """Applique aux demandes les délais anormalement longs en vigueur ce jour.

    À lancer après « echangeur reference importer delais ». « echangeur registre taches » le fait chaque
    jour : un arrêté peut prendre effet.
    """
    jour = contexte_of(ctx).clock.now().astimezone(PARIS).date()
    with instance_of(ctx).database() as engine:
        changes = redate(engine, jour, territoire, essai=essai)
    if json:
        print_json({"demandes": changes, "essai": essai})
    else:
        say(f"{changes} demande(s) {'à recalculer' if essai else 'recalculée(s)'}.")


@app.command("index", cls=Commande)
def rebuild_index(ctx: typer.Context, json: Json = False) -> None:
    """Refait l'index de la recherche à partir des demandes."""
    jour = contexte_of(ctx).clock.now().astimezone(PARIS).date()
    with (
        instance_of(ctx).database() as engine,
        engine.begin() as conn,
        open_bar(TimeRemainingColumn()) as progress,
    ):
        task = progress.add_task("Index de la recherche", total=None)
        lues = rebuild(conn, jour, lambda done, total: progress.update(task, completed=done, total=total))
    if json:
        print_json({"demandes": lues})
    else:
        say(f"{lues} demande(s) indexée(s).")
