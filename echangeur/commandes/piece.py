"""`echangeur piece`: the dossier unique seen by the gestionnaire and the operator."""

from __future__ import annotations

from typing import Annotated

import typer

from echangeur.contexte import Json, contexte_of, trace_reading, transaction
from echangeur.francais import Commande, create_group
from echangeur.sortie import print_json, print_table
from registry.pieces import categories
from registry.pieces_store import list_pieces

app = create_group("Les pièces du dossier unique : catégories, contenu d'un dossier.")


@app.command("categories", cls=Commande)
def list_categories(ctx: typer.Context, json: Json = False) -> None:
    """Liste les catégories de pièces, celles qui sont fermées comprises."""
    jour = contexte_of(ctx).clock.now().date()
    if json:
        print_json(
            [
                {
                    "code": each.code,
                    "libelle": each.libelle,
                    "classe": each.classe,
                    "sensible": each.sensible,
                    "valide_du": each.valide_du,
                    "valide_au": each.valide_au,
                }
                for each in categories().values()
            ]
        )
        return
    print_table(
        ("code", "libellé", "classe", "sensible", "état"),
        [
            (
                each.code,
                each.libelle,
                each.classe,
                "oui" if each.sensible else "non",
                "ouverte" if each.is_open(jour) else "fermée",
            )
            for each in categories().values()
        ],
        vide="Aucune catégorie.",
    )


@app.command("lister", cls=Commande)
def list_dossier(
    ctx: typer.Context,
    numero: Annotated[str, typer.Argument(metavar="NUMERO", help="Numéro unique de la demande.")],
    json: Json = False,
) -> None:
    """Liste les pièces du dossier d'une demande, sans leur contenu."""
    with transaction(ctx) as conn:
        found = list_pieces(conn, numero)
        if found:
            trace_reading(ctx, conn, numero)
    if json:
        print_json(
            [
                {
                    "id": str(piece.id),
                    "categorie": piece.categorie,
                    "type": piece.type,
                    "taille": piece.taille,
                    "empreinte": piece.empreinte.hex(),
                    "marque": piece.marque,
                    "guichet": piece.guichet,
                    "depose_le": piece.depose_le,
                }
                for piece in found
            ]
        )
        return
    print_table(
        ("pièce", "catégorie", "type", "octets", "marque", "guichet", "déposée le"),
        [(p.id, p.categorie, p.type, p.taille, p.marque, p.guichet, p.depose_le) for p in found],
        vide="Aucune pièce dans ce dossier.",
    )
