"""`echangeur reference`: the tables that the attestation cites."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from echangeur.contexte import Json, instance_of
from echangeur.francais import Commande, create_group
from echangeur.progression import open_bar
from echangeur.sortie import Code, MauvaisUsage, note, print_json, say
from registry.references_import import FichierIllisible, Reference, import_reference

app = create_group("Les tables de référence : bailleurs, délais, commissions, coordonnées.")


@app.command("importer", cls=Commande)
def import_file(
    ctx: typer.Context,
    table: Annotated[Reference, typer.Argument(metavar="TABLE", help="La table à remplacer.")],
    fichier: Annotated[
        Path, typer.Argument(metavar="FICHIER", help="CSV en UTF-8, à point-virgule.", dir_okay=False)
    ],
    essai: Annotated[bool, typer.Option("--essai", help="Dit ce qui serait fait, sans rien écrire.")] = False,
    json: Json = False,
) -> None:
    """Remplace une table de référence par le contenu d'un fichier.

    Tables et titres : bailleurs (commune;siren;nom), delais (territoire;zone;typologie;valide_du;mois),
    commissions (departement;nom;adresse), coordonnees (guichet;adresse;telephone;mel). Une ligne fautive est
    dite et laissée de côté : le code de retour est alors 1.
    """
    try:
        data = fichier.read_bytes()
    except OSError as error:
        raise MauvaisUsage(f"Le fichier {fichier} ne se lit pas ({error.strerror}).") from error
    with (
        instance_of(ctx).database() as engine,
        engine.connect() as conn,
        open_bar() as progress,
    ):
        task = progress.add_task("Import", total=None)
        try:
            bilan = import_reference(
                conn, table, data, lambda done, total: progress.update(task, completed=done, total=total)
            )
        except FichierIllisible as error:
            raise MauvaisUsage(str(error)) from error
        if essai:
            conn.rollback()
        else:
            conn.commit()
    if json:
        print_json(bilan)
    else:
        for faute in bilan.fautes:
            note(f"ligne {faute.ligne} : {faute.constat}")
        fait = "serai(en)t importée(s)" if essai else "importée(s)"
        say(f"{bilan.importees} ligne(s) {fait}, à la place de {bilan.remplacees}.")
        if bilan.nombre_fautes:
            note(f"{bilan.nombre_fautes} ligne(s) laissée(s) de côté.")
    if bilan.nombre_fautes:
        raise typer.Exit(Code.CONSTAT)
