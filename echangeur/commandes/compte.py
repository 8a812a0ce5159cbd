"""`echangeur compte`: the accounts of the console."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection

from console.certificats_lies import link_certificat
from console.coffre import add_cle, drop_cles
from console.comptes import (
    Compte,
    NouveauCompte,
    certify,
    close_compte,
    create_compte,
    entitle,
    find_compte,
    invite,
    list_comptes,
    untie,
)
from console.profils import LIBELLES, ProfilCompte
from console.reglages import Console
from console.scellement import count_by_key, declare, forget
from console.sessions import close_sessions
from echangeur.contexte import Json, contexte_of, instance_of, machine_account, transaction
from echangeur.francais import Commande, create_group
from echangeur.scellement import give_up_lost_keys, open_coffre, seal_what_is_not
from echangeur.sortie import ConstatNegatif, print_json, print_table, say

app = create_group("Les comptes de la console : qui entre, au nom de quel guichet, certifié par qui.")

Courriel = Annotated[str, typer.Argument(metavar="COURRIEL", help="Adresse électronique du compte.")]


@app.command("creer", cls=Commande)
def create(
    ctx: typer.Context,
    courriel: Courriel,
    nom: Annotated[str, typer.Option("--nom", help="Nom et prénom du titulaire.")],
    profil: Annotated[ProfilCompte, typer.Option("--profil", help="Ce que le compte permet.")],
    guichet: Annotated[
        str,
        typer.Option("--guichet", help="Code du guichet d'un agent ou consultant.", show_default=False),
    ] = "",
    territoire: Annotated[
        list[str] | None,
        typer.Option("--territoire", help="Code d'un territoire d'un gestionnaire ; peut être répétée."),
    ] = None,
    habilite: Annotated[
        bool, typer.Option("--habilite", help="Exploitant habilité aux données nominatives.")
    ] = False,
    certifie: Annotated[
        bool,
        typer.Option("--certifie", help="Certifie aussi le titulaire ; sinon il n'ouvre rien."),
    ] = False,
) -> None:
    """Crée un compte et donne le lien par lequel son titulaire choisit son mot de passe."""
    instant, par = contexte_of(ctx).clock.now(), machine_account()
    nouveau = NouveauCompte(courriel, nom, profil, guichet, frozenset(territoire or ()), habilite)
    with transaction(ctx) as conn:
        found = create_compte(conn, nouveau, par=par, instant=instant)
        if not isinstance(found, Compte):
            raise ConstatNegatif("Compte refusé : " + " ; ".join(each.texte for each in found) + ".")
        if certifie:
            certify(conn, found.id, par=par, instant=instant)
        _invite(ctx, conn, found)


@app.command("lister", cls=Commande)
def list_all(ctx: typer.Context, json: Json = False) -> None:
    """Liste les comptes, fermés compris."""
    instant = contexte_of(ctx).clock.now()
    with transaction(ctx) as conn:
        comptes = list_comptes(conn)
    reglages = Console()
    if json:
        print_json(
            [
                {
                    "courriel": each.courriel,
                    "nom": each.nom,
                    "profil": each.profil,
                    "guichet": each.guichet,
                    "territoires": sorted(each.territoires),
                    "habilite": each.habilite,
                    "etat": each.etat(reglages, instant),
                    "certifie_le": each.certifie_le,
                    "certifie_par": each.certifie_par,
                }
                for each in comptes
            ]
        )
        return
    print_table(
        ("adresse", "nom", "profil", "guichet ou territoires", "état", "certifié le"),
        [
            (
                each.courriel,
                each.nom,
                LIBELLES[each.profil],
                each.guichet or each.territoires,
                each.etat(reglages, instant).replace("_", " "),
                each.certifie_le,
            )
            for each in comptes
        ],
        vide="Aucun compte.",
    )


@app.command("certifier", cls=Commande)
def certify_holder(ctx: typer.Context, courriel: Courriel) -> None:
    """Certifie que le titulaire est qui il dit, habilité par son organisme ; à refaire chaque année."""
    with transaction(ctx) as conn:
        compte = _open_compte(conn, courriel)
        certify(conn, compte.id, par=machine_account(), instant=contexte_of(ctx).clock.now())
    say(f"Compte {compte.courriel} certifié.")


@app.command("inviter", cls=Commande)
def invite_again(ctx: typer.Context, courriel: Courriel) -> None:
    """Donne un nouveau lien, pour un mot de passe ou un téléphone perdu ; les précédents ne servent plus."""
    with transaction(ctx) as conn:
        compte = _open_compte(conn, courriel)
        _invite(ctx, conn, compte)


@app.command("habiliter", cls=Commande)
def entitle_operator(
    ctx: typer.Context,
    courriel: Courriel,
    retirer: Annotated[bool, typer.Option("--retirer", help="Retire l'habilitation.")] = False,
) -> None:
    """Donne à un exploitant le droit de voir des données nominatives, ou le lui retire."""
    with transaction(ctx) as conn:
        compte = _open_compte(conn, courriel)
        if compte.profil is not ProfilCompte.EXPLOITANT:
            raise ConstatNegatif("Seul un exploitant s'habilite : les autres profils disent leurs droits.")
        entitle(conn, compte.id, habilite=not retirer)
    say(f"Compte {compte.courriel} : habilitation {'retirée' if retirer else 'donnée'}.")


@app.command("delier", cls=Commande)
def untie_identity(ctx: typer.Context, courriel: Courriel) -> None:
    """Délie le compte de l'identité du fournisseur qui l'ouvre ; la prochaine de son adresse la remplace."""
    with transaction(ctx) as conn:
        compte = _open_compte(conn, courriel)
        untie(conn, compte.id)
        close_sessions(conn, compte.id, instant=contexte_of(ctx).clock.now())
    say(f"Compte {compte.courriel} délié, sessions fermées.")


@app.command("certificat", cls=Commande)
def link(
    ctx: typer.Context,
    courriel: Courriel,
    fichier: Annotated[
        Path, typer.Argument(metavar="FICHIER", help="Certificat, PEM ou DER.", exists=True, dir_okay=False)
    ],
) -> None:
    """Lie un certificat au compte : son porteur entre sans mot de passe."""
    with transaction(ctx) as conn:
        compte = _open_compte(conn, courriel)
        faults = link_certificat(conn, compte.id, fichier.read_bytes(), instant=contexte_of(ctx).clock.now())
        if faults:
            raise ConstatNegatif(f"Certificat refusé : {faults[0].texte}.")
    say(f"Certificat lié au compte {compte.courriel}.")


@app.command("revoquer", cls=Commande)
def revoke(ctx: typer.Context, courriel: Courriel) -> None:
    """Ferme le compte pour toujours, avec ses sessions, ses liens et ses certificats."""
    with transaction(ctx) as conn:
        compte = _open_compte(conn, courriel)
        close_compte(conn, compte.id, instant=contexte_of(ctx).clock.now())
    say(f"Compte {compte.courriel} fermé.")


@app.command("sceller", cls=Commande)
def seal(
    ctx: typer.Context,
    nouvelle_cle: Annotated[
        bool, typer.Option("--nouvelle-cle", help="Ajoute d'abord une clé au fichier, qui scelle désormais.")
    ] = False,
    oublier: Annotated[
        bool, typer.Option("--oublier", help="Retire du fichier les clés qui ne scellent plus rien.")
    ] = False,
    cles_perdues: Annotated[
        bool,
        typer.Option(
            "--cles-perdues",
            help="Efface d'abord ce que scellaient des clés que le fichier n'a plus : les titulaires sont à"
            " inviter de nouveau.",
        ),
    ] = False,
) -> None:
    """Scelle de nouveau, avec la dernière clé du fichier, les seconds facteurs que garde la base.

    Les consoles qui lisent ce fichier continuent sans redémarrer. Avec plusieurs machines, copiez-y aussitôt
    le fichier ; « --oublier » vient ensuite, une fois que toutes l'ont.
    """
    instance, instant = instance_of(ctx), contexte_of(ctx).clock.now()
    if cles_perdues:
        with transaction(ctx) as conn:
            say(f"Effacés : {give_up_lost_keys(instance, conn)}.")
    with transaction(ctx) as conn:
        coffre = open_coffre(instance, conn, instant=instant)
    if nouvelle_cle:
        add_cle(coffre)
    with transaction(ctx) as conn:
        declare(conn, coffre, instant=instant)
        done = seal_what_is_not(conn, coffre)
        found = count_by_key(conn)
        inutiles = tuple(nom for nom in coffre.cles if nom != coffre.courante and not found.get(nom))
        if oublier:
            forget(conn, inutiles)
    if oublier:
        drop_cles(coffre, inutiles)
    say(f"Scellés de nouveau : {done}. Clé qui scelle : {coffre.courante}.")
    if inutiles:
        say(f"{'Clés retirées' if oublier else 'Clés qui ne scellent plus rien'} : {', '.join(inutiles)}.")


def _open_compte(conn: Connection, courriel: str) -> Compte:
    found = find_compte(conn, courriel)
    if found is None or found.ferme_le is not None:
        raise ConstatNegatif(f"Il n'y a pas de compte ouvert pour {courriel}.", "echangeur compte lister")
    return found


def _invite(ctx: typer.Context, conn: Connection, compte: Compte) -> None:
    instant = contexte_of(ctx).clock.now()
    jeton = invite(conn, open_coffre(instance_of(ctx), conn, instant=instant), compte.id, instant=instant)
    say(f"Lien d'invitation, à la suite de l'adresse de la console : /invitation/{jeton}")
    say("Il sert une fois, pendant trois jours.")
