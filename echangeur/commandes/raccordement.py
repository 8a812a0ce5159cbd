"""`echangeur guichet raccordement` and `essayer`: where the connection of a partner is, and trying it."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

import typer

from echangeur.commandes.guichet import Code, find
from echangeur.conformite import regles_of
from echangeur.contexte import Json, contexte_of, instance_of, machine_account, transaction
from echangeur.roles.fichiers_tls import client_tls
from echangeur.sortie import ConstatNegatif, print_json, print_table, say
from mailflows.raccordements import read_faits
from registry.essais_reception import EssaiReception, record_essai
from registry.raccordement import advance, current
from soap.essai_reception import try_reception


def show(ctx: typer.Context, code: Code, json: Json = False) -> None:
    """Montre où en est le raccordement d'un guichet : ce qui est fait, ce qui manque, à qui est le tour."""
    instant, regles = contexte_of(ctx).clock.now(), regles_of(instance_of(ctx))
    with transaction(ctx) as conn:
        states = advance(read_faits(conn, find(conn, code), regles, instant=instant), instant=instant)
    if json:
        print_json([asdict(each) for each in states])
        return
    print_table(
        ("étape", "faite", "constat", "au tour de"),
        [(e.etape, e.faite, e.constat or e.manque, e.tour or "") for e in states],
        vide="",
    )
    step = current(states)
    if step is not None:
        raise ConstatNegatif(f"Le guichet {code} n'est pas raccordé : {step.manque}.")


def rehearse_reception(ctx: typer.Context, code: Code, json: Json = False) -> None:
    """Essaie l'adresse de réception d'un guichet, sans rien lui envoyer : nom, connexion, TLS, service."""
    instance, instant = instance_of(ctx), contexte_of(ctx).clock.now()
    with transaction(ctx) as conn:
        adresse = find(conn, code).adresse_reception
    if not adresse:
        raise ConstatNegatif(
            f"Le guichet {code} n'a pas d'adresse de réception.",
            f"D'abord : echangeur guichet adresse {code} https://…",
        )
    # Whoever types it is on the machine: its addresses hide nothing from him.
    found = asyncio.run(try_reception(adresse, lambda: client_tls(instance), locales=True))
    constats = tuple((each.etape, each.reussie, each.detail) for each in found)
    essai = EssaiReception(code, adresse, instant, machine_account(), constats)
    with transaction(ctx) as conn:
        record_essai(conn, essai)
    if json:
        print_json([asdict(each) for each in found])
    else:
        say(f"Essai de {adresse}")
        print_table(("étape", "réussie", "constat"), list(constats), vide="")
    if not essai.reussi:
        raise ConstatNegatif(f"L'essai échoue : {found[-1].detail}.")
