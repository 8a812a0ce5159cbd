"""`echangeur distribution`: who gets what, why, and what has not arrived."""

from __future__ import annotations

import uuid
from typing import Annotated

import typer

from dispatching.deliveries import Distribution, Etat, list_distributions, replay
from echangeur.commandes.guichet import find
from echangeur.contexte import Json, contexte_of, transaction
from echangeur.francais import Commande, create_group
from echangeur.sortie import MauvaisUsage, print_json, print_table, say

app = create_group("Les distributions : qui reçoit chaque demande, et pourquoi.")


@app.command("lister", cls=Commande)
def list_all(
    ctx: typer.Context,
    guichet: Annotated[str | None, typer.Option("--guichet", help="Celles de ce guichet seulement.")] = None,
    numero: Annotated[str | None, typer.Option("--numero", help="Celles de cette demande seulement.")] = None,
    etat: Annotated[Etat | None, typer.Option("--etat", help="Celles dans cet état seulement.")] = None,
    apres: Annotated[
        int | None,
        typer.Option("--apres", min=0, help="Celles dont le numéro d'ordre chez le guichet suit celui-ci."),
    ] = None,
    limite: Annotated[
        int, typer.Option("--limite", min=1, max=100_000, help="Nombre de distributions.")
    ] = 1_000,
    json: Json = False,
) -> None:
    """Liste les distributions, par guichet et numéro d'ordre."""
    with transaction(ctx) as conn:
        found = list_distributions(
            conn, guichet=guichet, numero=numero, etat=etat, apres=apres, limite=limite
        )
    if json:
        print_json([_value(item) for item in found])
        return
    print_table(
        ("guichet", "n°", "numéro unique", "version", "nature", "raison", "état", "essais", "créée le"),
        [
            (d.guichet, d.sequence, d.numero, d.version, d.nature, d.raison.value, *_progress(d))
            for d in found
        ],
        vide="Aucune distribution.",
    )


@app.command("rejouer", cls=Commande)
def replay_failed(
    ctx: typer.Context,
    identifiants: Annotated[
        list[str] | None, typer.Argument(metavar="[IDENTIFIANT]...", help="Distributions à reprendre.")
    ] = None,
    guichet: Annotated[str | None, typer.Option("--guichet", help="Toutes celles de ce guichet.")] = None,
    tout: Annotated[bool, typer.Option("--tout", help="Toutes celles de tous les guichets.")] = False,
) -> None:
    """Reprend des distributions en échec.

    Elles repartent avec le même identifiant et le même numéro d'ordre. Ce qui a été acquitté n'est jamais
    renvoyé.
    """
    if sum((bool(identifiants), guichet is not None, tout)) != 1:
        raise MauvaisUsage("Donnez des identifiants, ou --guichet, ou --tout.")
    ids = [_identifier(text) for text in identifiants] if identifiants else None
    with transaction(ctx) as conn:
        if guichet is not None:
            find(conn, guichet)
        count = replay(conn, instant=contexte_of(ctx).clock.now(), guichet=guichet, ids=ids)
    say(f"{count} distribution(s) reprise(s).")


def _progress(item: Distribution) -> tuple[object, ...]:
    return (item.etat.value, item.tentatives, item.cree_le)


def _value(item: Distribution) -> dict[str, object]:
    return {
        "id": str(item.id),
        "guichet": item.guichet,
        "sequence": item.sequence,
        "numero": item.numero,
        "version": item.version,
        "nature": item.nature,
        "raison": item.raison.value,
        "filtre": item.filtre,
        "filtre_version": item.filtre_version,
        "etat": item.etat.value,
        "cree_le": item.cree_le,
        "prochaine_tentative": item.prochaine_tentative,
        "tentatives": item.tentatives,
        "termine_le": item.termine_le,
    }


def _identifier(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise MauvaisUsage(f"« {text} » n'est pas un identifiant de distribution.") from None
