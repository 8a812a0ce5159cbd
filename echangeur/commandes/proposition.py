"""`echangeur certificat proposition`: the certificates that agents of guichets propose in the console."""

from __future__ import annotations

import uuid
from typing import Annotated

import typer

from echangeur.commandes.guichet import refusal
from echangeur.confiance import charge_of
from echangeur.contexte import Json, contexte_of, instance_of, machine_account, transaction
from echangeur.francais import Commande, create_group
from echangeur.sortie import print_json, print_table, say
from registry.certificats import CertificatEpingle
from registry.propositions import accept, list_propositions, refuse
from registry.verdicts_certificats import judge_due

app = create_group("Les certificats que des agents proposent : accepter, refuser.")

Identifiant = Annotated[
    uuid.UUID, typer.Argument(metavar="PROPOSITION", help="Identifiant de la proposition.")
]


@app.command("lister", cls=Commande)
def list_all(ctx: typer.Context, json: Json = False) -> None:
    """Liste les certificats proposés qui attendent une décision."""
    with transaction(ctx) as conn:
        found = list_propositions(conn)
    if json:
        print_json(found)
        return
    print_table(
        ("proposition", "guichet", "sujet", "valide jusqu'au", "par"),
        [(str(p.id), p.guichet, p.sujet, p.valide_au, p.proposee_par) for p in found],
        vide="Aucune proposition n'attend.",
    )


@app.command("accepter", cls=Commande)
def accept_one(ctx: typer.Context, proposition: Identifiant) -> None:
    """Enregistre un certificat proposé, pour les usages demandés."""
    instant = contexte_of(ctx).clock.now()
    with transaction(ctx) as conn:
        found = accept(conn, proposition, par=machine_account(), instant=instant)
        if not isinstance(found, CertificatEpingle):
            raise refusal("Le certificat n'est pas enregistré", found)
        judge_due(conn, charge_of(instance_of(ctx).configuration), instant=instant)
    say(f"Certificat enregistré pour {found.guichet} : {found.empreinte}")


@app.command("refuser", cls=Commande)
def refuse_one(ctx: typer.Context, proposition: Identifiant) -> None:
    """Écarte un certificat proposé."""
    with transaction(ctx) as conn:
        found = refuse(conn, proposition, par=machine_account(), instant=contexte_of(ctx).clock.now())
    if found:
        raise refusal("La proposition n'est pas écartée", found)
    say(f"Proposition {proposition} refusée.")
