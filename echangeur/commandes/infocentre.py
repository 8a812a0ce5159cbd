"""`echangeur infocentre`: the weekly figures, their files and their proof."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import TimeElapsedColumn

from echangeur.contexte import Json, contexte_of, instance_of
from echangeur.francais import Commande, create_group
from echangeur.progression import open_spinner
from echangeur.sortie import Code, MauvaisUsage, note, print_json, print_table, say
from registry.infocentre_arretes import Arrete, close, read, recount, weeks

app = create_group("L'infocentre : arrêter les chiffres de la semaine, les diffuser, les vérifier.")


@app.command("arreter", cls=Commande)
def close_week(
    ctx: typer.Context,
    dossier: Annotated[
        Path, typer.Argument(metavar="DOSSIER", help="Où écrire les fichiers.", file_okay=False)
    ],
    semaine: Annotated[
        str | None,
        typer.Option(
            "--semaine", help="Semaine déjà arrêtée à écrire de nouveau, 2026-W48 ; à défaut, celle-ci."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Arrête les chiffres de la semaine et écrit leurs fichiers, en CSV et en Parquet.

    À lancer une fois par semaine, serveur en marche ou non. Une semaine déjà arrêtée n'est pas recomptée :
    ses fichiers sont écrits de nouveau, à l'octet près. Le code de retour est 1 si, dans un territoire,
    ouverture + entrées − sorties n'est pas la clôture ; les fichiers le disent et sont écrits quand même.
    """
    # Imported here: the library of Parquet files takes a quarter of a second that no other command needs.
    from registry.infocentre_export import write_files

    with instance_of(ctx).database() as engine:
        if semaine is None:
            with open_spinner("{task.description}", TimeElapsedColumn()) as progress:
                task = progress.add_task("Arrêté", total=None)
                arrete = close(
                    engine,
                    contexte_of(ctx).clock.now(),
                    progress=lambda etape: progress.update(task, description=f"Arrêté : {etape}"),
                )
        else:
            with engine.connect() as conn:
                if semaine not in weeks(conn):
                    raise MauvaisUsage(f"La semaine « {semaine} » n'est pas arrêtée.")
                arrete = read(conn, semaine)
    try:
        sommaire = write_files(arrete, dossier)
    except OSError as error:
        raise MauvaisUsage(f"Le dossier {dossier} ne s'écrit pas ({error.strerror}).") from error
    if json:
        print_json(sommaire)
    else:
        _print_identity(arrete)
        say(f"Semaine {arrete.semaine} : {len(sommaire.fichiers)} fichiers et leur sommaire dans {dossier}.")
    if arrete.ecarts:
        raise typer.Exit(Code.CONSTAT)


@app.command("lister", cls=Commande)
def list_weeks(ctx: typer.Context, json: Json = False) -> None:
    """Les semaines arrêtées, avec leur stock et leur identité."""
    with instance_of(ctx).database() as engine, engine.connect() as conn:
        arretes = [read(conn, semaine) for semaine in weeks(conn)]
    lignes = [
        {
            "semaine": arrete.semaine,
            "arrete_le": arrete.arrete_le,
            "ouverture": sum(bilan.ouverture for bilan in arrete.bilans),
            "entrees": sum(bilan.entrees for bilan in arrete.bilans),
            "sorties": sum(bilan.sorties for bilan in arrete.bilans),
            "cloture": sum(bilan.cloture for bilan in arrete.bilans),
            "ecarts": len(arrete.ecarts),
        }
        for arrete in arretes
    ]
    if json:
        print_json(lignes)
    else:
        titres = (
            "semaine",
            "arrêtée le",
            "ouverture",
            "entrées",
            "sorties",
            "clôture",
            "territoires en écart",
        )
        print_table(titres, [list(ligne.values()) for ligne in lignes], vide="Aucune semaine n'est arrêtée.")


@app.command("verifier", cls=Commande)
def verify(ctx: typer.Context, json: Json = False) -> None:
    """Recompte dans le journal, depuis sa première entrée, le stock de chaque semaine arrêtée.

    Le code de retour est 1 si une clôture n'est pas ce que le journal dit, ou si une identité ne tient pas.
    """
    constats: list[dict[str, object]] = []
    with (
        instance_of(ctx).database() as engine,
        engine.connect() as conn,
        open_spinner("{task.description}", TimeElapsedColumn()) as progress,
    ):
        semaines = weeks(conn)
        task = progress.add_task("Vérification", total=None)
        for semaine in semaines:
            progress.update(task, description=f"Vérification : {semaine}")
            constats += [
                {
                    "semaine": semaine,
                    "territoire": bilan.territoire,
                    "constat": "identite",
                    "ecart": bilan.ecart,
                }
                for bilan in read(conn, semaine).ecarts
            ]
            constats += [
                {"semaine": semaine, "territoire": territoire, "constat": "journal", "ecart": arrete - compte}
                for territoire, (arrete, compte) in recount(conn, semaine).items()
            ]
    if json:
        print_json({"semaines": len(semaines), "constats": constats})
    else:
        for constat in constats:
            cause = "avec le journal" if constat["constat"] == "journal" else "ouverture, entrées, sorties"
            note(
                f"{constat['semaine']}, territoire {constat['territoire']} : "
                f"écart de {constat['ecart']} ({cause})."
            )
        say(f"{len(semaines)} semaine(s) vérifiée(s), {len(constats)} écart(s).")
    if constats:
        raise typer.Exit(Code.CONSTAT)


def _print_identity(arrete: Arrete) -> None:
    titres = ("territoire", "ouverture", "entrées", "sorties", "clôture", "écart")
    lignes = [
        (bilan.territoire, bilan.ouverture, bilan.entrees, bilan.sorties, bilan.cloture, bilan.ecart)
        for bilan in arrete.bilans
    ]
    print_table(titres, lignes, vide="Aucune demande.")
