"""`echangeur certificat confiance`: the authorities of partners, and their revocation lists."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from certs.chemin import is_signed_by, read_lcr
from echangeur.commandes.guichet import refusal
from echangeur.confiance import charge_of
from echangeur.contexte import Json, contexte_of, instance_of, transaction
from echangeur.francais import Commande, create_group
from echangeur.lcr import LcrInaccessible, fetch_lcr
from echangeur.ocsp import ask_all
from echangeur.sortie import ConstatNegatif, note, print_json, print_table, say
from registry.certificats import list_certificats
from registry.confiance import (
    AutoriteConfiance,
    add_autorite,
    keep_lcr,
    list_autorites,
    refuse_lcr,
    remove_autorite,
)
from registry.usages_certificats import SUSPENDUS
from registry.verdicts_certificats import judge_all, keep_ocsp, questions_due

app = create_group("Les autorités de confiance des partenaires et leurs listes de révocation.")

Fichier = Annotated[
    Path,
    typer.Argument(metavar="FICHIER", help="Certificat de l'autorité.", exists=True, dir_okay=False),
]


@app.command("ajouter", cls=Commande)
def add(
    ctx: typer.Context,
    fichier: Fichier,
    lcr: Annotated[str, typer.Option("--lcr", help="Adresse http de sa liste de révocation.")] = "",
    ocsp: Annotated[str, typer.Option("--ocsp", help="Adresse http de son répondeur OCSP.")] = "",
    intermediaire: Annotated[
        bool, typer.Option("--intermediaire", help="Seulement connue : sert à construire les chaînes.")
    ] = False,
) -> None:
    """Ajoute une autorité de confiance (certificat PEM ou DER), ou change ses réglages."""
    with transaction(ctx) as conn:
        added = add_autorite(
            conn,
            fichier.read_bytes(),
            ancre=not intermediaire,
            lcr_url=lcr,
            ocsp_url=ocsp,
            instant=contexte_of(ctx).clock.now(),
        )
    if not isinstance(added, AutoriteConfiance):
        raise refusal("L'autorité n'est pas ajoutée", added)
    say(f"Autorité ajoutée : {added.certificat.sujet}")
    say(f"Empreinte : {added.certificat.empreinte}")
    _judge(ctx)


@app.command("lister", cls=Commande)
def list_all(ctx: typer.Context, json: Json = False) -> None:
    """Liste les autorités de confiance et l'état de leurs listes."""
    with transaction(ctx) as conn:
        found = list_autorites(conn)
    if json:
        print_json([_value(each) for each in found])
        return
    print_table(
        ("empreinte", "autorité", "confiance", "liste à jour jusqu'au", "dernier essai"),
        [
            (
                each.certificat.empreinte,
                each.certificat.sujet,
                "oui" if each.ancre else "connue",
                each.lcr.prochaine_le if each.lcr else None,
                each.erreur,
            )
            for each in found
        ],
        vide="Aucune autorité : l'empreinte enregistrée décide seule.",
    )


@app.command("retirer", cls=Commande)
def remove(
    ctx: typer.Context,
    empreinte: Annotated[str, typer.Argument(metavar="EMPREINTE", help="Empreinte SHA-256.")],
) -> None:
    """Retire une autorité de confiance."""
    key = empreinte.replace(":", "").lower()
    with transaction(ctx) as conn:
        found = remove_autorite(conn, key, instant=contexte_of(ctx).clock.now())
    if found:
        raise refusal("L'autorité n'est pas retirée", found)
    say(f"Autorité {key} retirée.")
    _judge(ctx)


@app.command("rafraichir", cls=Commande)
def refresh(
    ctx: typer.Context,
    fichier: Annotated[
        Path | None,
        typer.Option("--fichier", help="Liste (DER) à prendre ici.", exists=True, dir_okay=False),
    ] = None,
    tout: Annotated[
        bool, typer.Option("--tout", help="Même celles qui ne sont pas à la moitié de leur vie.")
    ] = False,
) -> None:
    """Va chercher les listes de révocation et les réponses OCSP qui ont passé la moitié de leur vie.

    À lancer chaque heure. Les certificats des partenaires sont ensuite jugés.
    """
    now = contexte_of(ctx).clock.now()
    with transaction(ctx) as conn:
        known = list_autorites(conn)
    if fichier is not None:
        _take(ctx, known, fichier.read_bytes())
        _judge(ctx)
        return
    due = [each for each in known if each.a_rafraichir(now) or (tout and each.lcr_url)]
    failed = 0
    for each in due:
        try:
            data = asyncio.run(fetch_lcr(each.lcr_url))
        except LcrInaccessible as error:
            data, erreur = b"", str(error)
        else:
            erreur = ""
        with transaction(ctx) as conn:
            refuse = refuse_lcr(conn, each, erreur) if erreur else keep_lcr(conn, each, data, instant=now)
        for constat in refuse:
            failed += 1
            note(f"{each.certificat.sujet} : {constat.texte}")
    say(f"{len(due) - failed} liste(s) rafraîchie(s) sur {len(due)}.")
    unanswered = _ask(ctx)
    _judge(ctx)
    if failed:
        raise ConstatNegatif(f"{failed} liste(s) non rafraîchie(s).", "Voir : confiance lister")
    if unanswered:
        raise ConstatNegatif(f"{unanswered} réponse(s) OCSP non obtenue(s).", "Vérifiez le répondeur.")


def _ask(ctx: typer.Context) -> int:
    """Ask the responders about the certificates that need it; how many questions have no usable answer."""
    instance, now = instance_of(ctx), contexte_of(ctx).clock.now()
    load = charge_of(instance.configuration)
    with transaction(ctx) as conn:
        confiance = load(conn)
        questions = questions_due(conn, confiance, instant=now)
    if not questions:
        return 0
    failed = 0
    answers = asyncio.run(ask_all(questions))
    with transaction(ctx) as conn:
        for question, answer in zip(questions, answers, strict=True):
            if isinstance(answer, str):
                refus = [answer]
            else:
                refus = [c.texte for c in keep_ocsp(conn, question, answer, confiance, instant=now)]
            for texte in refus:
                failed += 1
                note(f"OCSP, {question.certificat.sujet} : {texte}")
    say(f"{len(questions) - failed} réponse(s) OCSP obtenue(s) sur {len(questions)}.")
    return failed


def _judge(ctx: typer.Context) -> None:
    """Judge again the certificates of partners, and name those that are not admitted."""
    instance, now = instance_of(ctx), contexte_of(ctx).clock.now()
    with instance.database() as engine:
        judge_all(engine, charge_of(instance.configuration), instant=now)
        with engine.connect() as conn:
            known = [each for each in list_certificats(conn) if each.retire_le is None]
    for each in known:
        if not each.admis:
            etat = "suspendu" if each.motif in SUSPENDUS else "refusé"
            note(f"Certificat {each.empreinte} de {each.guichet} {etat} : {each.constat}")


def _take(ctx: typer.Context, known: tuple[AutoriteConfiance, ...], data: bytes) -> None:
    """Keep a list that the operator brought, for the authority that signed it."""
    lue = read_lcr(data)
    signed = [each for each in known if lue is not None and is_signed_by(lue, each.certificat)]
    if not signed:
        raise ConstatNegatif("Aucune autorité de confiance n'a signé cette liste.", "Voir : confiance lister")
    with transaction(ctx) as conn:
        found = keep_lcr(conn, signed[0], data, instant=contexte_of(ctx).clock.now())
    if found:
        raise refusal("La liste n'est pas gardée", found)
    say(f"Liste de {signed[0].certificat.sujet} gardée.")


def _value(each: AutoriteConfiance) -> dict[str, object]:
    return {
        "empreinte": each.certificat.empreinte,
        "sujet": each.certificat.sujet,
        "confiance": each.ancre,
        "lcr_url": each.lcr_url,
        "ocsp_url": each.ocsp_url,
        "lcr_prochaine_le": each.lcr.prochaine_le if each.lcr else None,
        "lcr_entrees": each.lcr.entrees if each.lcr else None,
        "erreur": each.erreur,
    }
