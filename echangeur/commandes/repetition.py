"""`echangeur certificat repeter`: a rotation tried with the next keys of both sides, before it is done."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer

from certs.paire import Paire, load_paire
from certs.repetition import Serveur
from echangeur.cles import read_trousseau
from echangeur.commandes.guichet import find
from echangeur.contexte import Json, contexte_of, instance_of, transaction
from echangeur.courrier import cut_off_of
from echangeur.instance import Instance
from echangeur.lieux import SERVEUR
from echangeur.sortie import ConstatNegatif, MauvaisUsage, french, note, print_json, print_table, say
from mailflows.epreuves import Etape, Hub, Ligne, lines_of, plan, read_etape, travel, try_here
from mailflows.repetition import Clefs, Issue
from registry.certificats import CertificatEpingle
from registry.constats import Constat

_RELECTURE: Final = 0.2
"""Seconds between two looks at what the server of the instance has received."""


def rehearse(
    ctx: typer.Context,
    code: Annotated[str, typer.Argument(metavar="CODE", help="Code du guichet.")],
    identite: Annotated[
        Path | None,
        typer.Option(
            "--identite",
            help="Dossier (cert.pem, key.pem) du prochain certificat du guichet, pour prouver ses clés ici.",
            file_okay=False,
        ),
    ] = None,
    delai: Annotated[int, typer.Option("--delai", min=1, max=720, help="Heures laissées au guichet.")] = 24,
    attente: Annotated[
        int, typer.Option("--attente", min=0, max=3600, help="Secondes pendant lesquelles attendre ici.")
    ] = 30,
    recommencer: Annotated[
        bool,
        typer.Option("--recommencer", help="Envoie une nouvelle répétition."),
    ] = False,
    sur_place: Annotated[
        bool, typer.Option("--sur-place", help="N'envoie rien : le courrier est éprouvé sur place.")
    ] = False,
    json: Json = False,
) -> None:
    """Répète la rotation avec un guichet, avec les prochaines clés, sans rien basculer.

    À un guichet qui a une adresse de courrier, le serveur envoie un vrai message, et attend de son robot un
    accusé signé : redemandez la même commande pour lire le résultat. Pour les autres, un partenaire de
    référence tient le rôle du guichet ; sans --identite, il a des clés d'un jour, du genre des siennes.
    """
    instance, now = instance_of(ctx), contexte_of(ctx).clock.now()
    hub = hub_of(instance)
    with transaction(ctx) as conn:
        planned = plan(conn, find(conn, code), hub, instant=now, sur_place=sur_place)
    if isinstance(planned, Constat):
        raise ConstatNegatif(f"{planned.texte[0].upper()}{planned.texte[1:]}.", _D_ABORD[planned.code](code))
    epreuves = try_here(planned, hub, None if identite is None else _given(identite, planned.suivant))
    lignes = [Ligne(each.nom, each.reussie, each.detail) for each in epreuves]
    etape = None
    if planned.clefs is not None and all(each.reussie for each in epreuves):
        etape = _travel(ctx, code, planned.clefs, timedelta(hours=delai), attente, recommencer=recommencer)
        lignes += lines_of(etape)
    _show(code, planned.suivant, planned.at, lignes, etape, json=json)
    if etape is None and identite is None and not json:
        say("Rien n'a voyagé : un partenaire de référence avait des clés d'un jour.")
    _conclude(code, lignes, etape)


_D_ABORD: Final[dict[str, Callable[[str], str]]] = {
    "EPREUVE-CERTIFICAT": "D'abord : echangeur certificat enregistrer {} FICHIER".format,
    "EPREUVE-CLE": lambda _code: "D'abord : echangeur certificat rotation preparer",
}
"""What to do about what is missing."""


def hub_of(instance: Instance) -> Hub:
    """What an instance brings to a rehearsal. Raises MauvaisUsage when its keys cannot be read."""
    serveur = instance.dossier / SERVEUR
    return Hub(
        read_trousseau(instance),
        Serveur(serveur / "cert.pem", serveur / "key.pem", serveur / "ca.pem"),
        instance.configuration.courrier.actif,
        cut_off_of(instance),
    )


def _travel(
    ctx: typer.Context, code: str, clefs: Clefs, delai: timedelta, attente: int, *, recommencer: bool
) -> Etape:
    """Begin a rehearsal with these keys, unless there is one; wait some time for its end."""
    clock = contexte_of(ctx).clock
    with transaction(ctx) as conn:
        etape = travel(conn, code, clefs, instant=clock.now(), delai=delai, recommencer=recommencer)
    until = time.monotonic() + attente
    while etape.issue is Issue.EN_ATTENTE and time.monotonic() < until:
        time.sleep(_RELECTURE)
        with transaction(ctx) as conn:
            etape = read_etape(conn, code, instant=clock.now()) or etape
    return etape


def _show(
    code: str,
    suivant: CertificatEpingle,
    at: datetime,
    lignes: list[Ligne],
    etape: Etape | None,
    *,
    json: bool,
) -> None:
    if json:
        print_json([{"epreuve": e.epreuve, "reussie": e.reussie, "detail": e.detail} for e in lignes])
        return
    say(f"Prochain certificat de {code} : {suivant.empreinte}, essayé au {french(at)}")
    if etape is not None:
        repetee = etape.repetee
        say(f"Répétition {repetee.id}, du {french(repetee.cree_le)} : {etape.issue}")
        if suivant.empreinte not in (repetee.clefs.signature_guichet, repetee.clefs.chiffrement_guichet):
            note(f"Le prochain certificat ne commence que le {french(suivant.valide_du)} : à répéter alors.")
    print_table(
        ("épreuve", "résultat", "détail"),
        [(e.epreuve, _RESULTATS[e.reussie], e.detail) for e in lignes],
        vide="",
    )
    if etape is not None and etape.issue is not Issue.REUSSIE:
        for refus, motif in etape.refuses:
            note(f"Un message du guichet reçu depuis est en quarantaine : {refus} {motif}")


_RESULTATS: Final = {True: "réussie", False: "échouée", None: "en attente"}


def _conclude(code: str, lignes: list[Ligne], etape: Etape | None) -> None:
    """Raises ConstatNegatif unless everything is proved."""
    if etape is not None and etape.issue is Issue.SANS_REPONSE:
        raise ConstatNegatif(
            f"Le guichet {code} n'a pas répondu avant le {french(etape.repetee.limite)} : ne basculez pas.",
            f"Voyez avec lui, puis : echangeur certificat repeter {code} --recommencer",
        )
    failed = [each for each in lignes if each.reussie is False]
    if failed:
        raise ConstatNegatif(f"{len(failed)} épreuve(s) échouée(s) : ne basculez pas.", failed[0].detail)
    if etape is not None and etape.issue is Issue.EN_ATTENTE:
        raise ConstatNegatif(
            f"Le guichet {code} n'a pas encore répondu ; il a jusqu'au {french(etape.repetee.limite)}.",
            f"Redemandez le résultat : echangeur certificat repeter {code}",
        )


def _given(dossier: Path, suivant: CertificatEpingle) -> Paire:
    try:
        paire = load_paire((dossier / "cert.pem").read_bytes(), (dossier / "key.pem").read_bytes())
    except (OSError, ValueError) as error:
        raise MauvaisUsage(f"{dossier} : {error}", "cert.pem et key.pem, en PEM.") from error
    if paire.certificat.empreinte != suivant.empreinte:
        raise MauvaisUsage(
            f"{dossier} n'est pas l'identité du prochain certificat du guichet.",
            f"Le prochain est {suivant.empreinte}.",
        )
    return paire
