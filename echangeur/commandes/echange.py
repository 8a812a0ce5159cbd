"""`echangeur echange`: what partners sent, and what became of it."""

from __future__ import annotations

from typing import Annotated

import typer

from certs.autorite import write_secret
from console.anomalies_connues import anomalie
from echangeur.contexte import Json, trace_reading, transaction
from echangeur.francais import Commande, create_group
from echangeur.saisie import Octets, read_identifiant
from echangeur.sortie import ConstatNegatif, print_fiche, print_json, print_table, say
from registry.exchanges_store import EchangeConnu, Statut, get_echange, list_echanges, read_octets

app = create_group("Les échanges : les messages reçus des partenaires et leur issue.")


@app.command("lister", cls=Commande)
def list_latest(
    ctx: typer.Context,
    guichet: Annotated[str | None, typer.Option("--guichet", help="Ceux de ce guichet seulement.")] = None,
    statut: Annotated[Statut | None, typer.Option("--statut", help="Ceux de ce statut seulement.")] = None,
    limite: Annotated[int, typer.Option("--limite", min=1, max=10_000, help="Nombre d'échanges.")] = 50,
    avant: Annotated[
        str,
        typer.Option(
            "--avant", help="Identifiant du dernier échange de la page précédente.", show_default=False
        ),
    ] = "",
    json: Json = False,
) -> None:
    """Liste les derniers échanges, du plus récent au plus ancien."""
    with transaction(ctx) as conn:
        found = list_echanges(
            conn,
            limite=limite,
            avant=read_identifiant(avant, "d'échange") if avant else None,
            guichet=guichet,
            statut=statut,
        )
    if json:
        print_json([_value(echange) for echange in found])
        return
    print_table(
        ("identifiant", "reçu le", "guichet", "canal", "opération", "statut", "code", "numéro unique"),
        [
            (e.id, e.recu_le, e.guichet, e.canal.value, e.operation, e.statut.value, e.code, e.numero)
            for e in found
        ],
        vide="Aucun échange.",
    )


@app.command("montrer", cls=Commande)
def show(
    ctx: typer.Context,
    identifiant: Annotated[
        str, typer.Argument(metavar="IDENTIFIANT", help="Identifiant de l'échange, donné au partenaire.")
    ],
    octets: Octets = None,
    json: Json = False,
) -> None:
    """Montre un échange, son issue et ce qu'il reste à faire."""
    key = read_identifiant(identifiant, "d'échange")
    with transaction(ctx) as conn:
        echange = get_echange(conn, key)
        raw = read_octets(conn, key) if octets is not None else None
        if raw is not None and echange is not None:
            # The message of a refused creation is of no demande: its exchange says which it was.
            trace_reading(ctx, conn, *([echange.numero] if echange.numero else []), echange=key)
    if echange is None:
        raise ConstatNegatif(f"Aucun échange n'a l'identifiant {key}.")
    if octets is not None:
        if raw is None:
            raise ConstatNegatif("Le message tel que reçu n'est plus conservé.")
        write_secret(octets, raw)
    if json:
        print_json(_value(echange))
        return
    print_fiche(_fiche(echange))
    if octets is not None:
        say(f"Message tel que reçu : {octets}")


def _fiche(echange: EchangeConnu) -> list[tuple[str, object]]:
    fiche: list[tuple[str, object]] = [
        ("identifiant", echange.id),
        ("guichet", echange.guichet),
        ("certificat", echange.certificat),
        ("canal", echange.canal.value),
        ("opération", echange.operation),
        ("reçu le", echange.recu_le),
        ("taille", f"{echange.taille} octets"),
        ("empreinte", echange.empreinte),
        ("statut", echange.statut.value),
        ("terminé le", echange.termine_le),
        ("numéro unique", echange.numero),
        ("code", echange.code),
    ]
    entry = anomalie(echange.code)
    if entry is not None:
        fiche += [
            ("à qui d'agir", entry.tour.value),
            ("que faire", entry.conduite),
            ("renvoi utile tel quel", entry.rejouable),
        ]
    return fiche


def _value(echange: EchangeConnu) -> dict[str, object]:
    return {
        "id": str(echange.id),
        "guichet": echange.guichet,
        "certificat": echange.certificat,
        "canal": echange.canal.value,
        "operation": echange.operation,
        "recu_le": echange.recu_le,
        "taille": echange.taille,
        "empreinte": echange.empreinte.hex(),
        "statut": echange.statut.value,
        "code": echange.code,
        "numero": echange.numero,
        "termine_le": echange.termine_le,
    }
