"""`echangeur registre lectures`: who read nominative data, and when."""

from __future__ import annotations

from typing import Annotated

import typer

from echangeur.contexte import Json, transaction
from echangeur.sortie import print_json, print_table
from registry.traces import Trace, list_traces


def list_readings(
    ctx: typer.Context,
    numero: Annotated[
        str | None, typer.Argument(metavar="[NUMERO]", help="Numéro unique ; sans lui, toutes les demandes.")
    ] = None,
    guichet: Annotated[str | None, typer.Option("--guichet", help="Celles de ce guichet seulement.")] = None,
    limite: Annotated[int, typer.Option("--limite", min=1, max=10_000, help="Nombre de lectures.")] = 50,
    json: Json = False,
) -> None:
    """Liste les lectures de données nominatives, la plus récente d'abord : qui, quand, par quelle opération.

    Une réponse qui porte plusieurs demandes (doublons, recherche, listes) est une lecture de chacune. La
    trace est gardée après l'effacement des données, le temps que dit « traces_mois » de la section [regles].
    """
    with transaction(ctx) as conn:
        found = list_traces(conn, numero=numero, guichet=guichet, limite=limite)
    if json:
        print_json([_value(trace) for trace in found])
        return
    print_table(
        ("lue le", "guichet", "profil", "utilisateur", "opération", "canal", "demandes", "objet", "échange"),
        [
            (
                trace.lue_le,
                trace.guichet,
                trace.profil,
                trace.utilisateur,
                trace.operation,
                trace.canal.value,
                trace.numeros[0] if len(trace.numeros) == 1 else len(trace.numeros),
                trace.objet,
                trace.echange or "",
            )
            for trace in found
        ],
        vide="Aucune lecture.",
    )


def _value(trace: Trace) -> dict[str, object]:
    return {
        "lue_le": trace.lue_le,
        "guichet": trace.guichet,
        "certificat": trace.certificat,
        "profil": trace.profil,
        "utilisateur": trace.utilisateur,
        "canal": trace.canal.value,
        "operation": trace.operation,
        "echange": None if trace.echange is None else str(trace.echange),
        "numeros": trace.numeros,
        "objet": trace.objet,
    }
