"""`echangeur certificat repeter`: a rotation tried with the next keys of both sides, before it is done."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer

from certs.algorithmes import PROFILS
from certs.autorite import CLES, P256, create_autorite
from certs.chiffrement import RaisonRefus, encrypt_for
from certs.lecture import Certificat, read_certificat
from certs.paire import Paire, load_paire
from certs.repetition import Acteur, Epreuve, Serveur, rehearse_mail, rehearse_tls
from certs.trousseau import EtatCle, Trousseau, UsageCle, UsageRotation
from certs.verification import verify
from echangeur.commandes.guichet import find
from echangeur.commandes.rotation import CLES_DU_COURRIER, read_trousseau
from echangeur.contexte import Json, contexte_of, instance_of, transaction
from echangeur.courrier import cut_off_of
from echangeur.instance import SERVEUR, Instance
from echangeur.sortie import ConstatNegatif, MauvaisUsage, french, note, print_json, print_table, say
from mailflows import fermeture, repetition
from mailflows.repetition import Clefs, Issue, Repetee
from mailflows.sortants import Sortant
from registry.certificats import CertificatEpingle, list_certificats
from registry.guichets import Guichet
from registry.usages_certificats import VERIFIES, EtatCertificat, UsageCertificat

_RELECTURE: Final = 0.2
"""Seconds between two looks at what the server of the instance has received."""


@dataclass(frozen=True, slots=True)
class Ligne:
    """One line of the result. reussie: None as long as the answer is awaited."""

    epreuve: str
    reussie: bool | None
    detail: str


@dataclass(frozen=True, slots=True)
class Etape:
    """Where the mails of a rehearsal are. refuses: what came from the guichet since and was put aside."""

    repetee: Repetee
    envois: tuple[Sortant, ...]
    refuses: tuple[tuple[str, str], ...]
    issue: Issue


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
    with transaction(ctx) as conn:
        guichet, epingles = find(conn, code), list_certificats(conn, code)
        closed = fermeture.find(conn, code, cut_off_of(instance))
    suivant = next_of(epingles, now)
    if suivant is None:
        raise ConstatNegatif(
            f"Le guichet {code} n'a aucun certificat en cours ou préparé.",
            f"D'abord : echangeur certificat enregistrer {code} FICHIER",
        )
    # A prepared certificate may begin later: it is tried at the first instant when it will serve.
    at = max(now, suivant.valide_du, suivant.actif_du)
    trousseau = read_trousseau(instance)
    clefs = _clefs(trousseau, epingles, now)
    sur_place = sur_place or not instance.configuration.courrier.actif or not guichet.adresse_courrier
    sur_place = sur_place or fermeture.is_closed(closed, now)
    epreuves, partenaire = _try_here(instance, guichet, suivant, identite, at)
    if clefs is None or sur_place:
        echangeur = Acteur(*(following(trousseau, usage) for usage in CLES_DU_COURRIER))
        acteur = Acteur(partenaire, partenaire)
        epreuves += rehearse_mail(echangeur, acteur, PROFILS[guichet.capacites], instant=at)
    lignes = [Ligne(each.nom, each.reussie, each.detail) for each in epreuves]
    etape = None
    if clefs is not None and not sur_place and all(each.reussie for each in epreuves):
        etape = _travel(ctx, code, clefs, timedelta(hours=delai), attente, recommencer=recommencer)
        lignes += _lines(etape)
    _show(code, suivant, at, lignes, etape, json=json)
    if etape is None and identite is None and not json:
        say("Rien n'a voyagé : un partenaire de référence avait des clés d'un jour.")
    _conclude(code, lignes, etape)


def following(trousseau: Trousseau, usage: UsageCle) -> Paire:
    """The key that will serve after the next switch: the one prepared, else the present one.

    Raises ConstatNegatif when there is none.
    """
    prepared = [c for c in trousseau.clefs if c.etat is EtatCle.PREPARE and usage in c.usages]
    found = prepared[0] if prepared else trousseau.active(usage)
    if found is None:
        raise ConstatNegatif(
            f"L'échangeur n'a pas de clé pour l'usage {usage}.",
            "D'abord : echangeur certificat rotation preparer",
        )
    return found.paire


def next_of(epingles: Iterable[CertificatEpingle], now: datetime) -> CertificatEpingle | None:
    """The certificate that the guichet will use next: the last one prepared, else the last one in use."""
    epingles = list(epingles)
    for etat in (EtatCertificat.PREPARE, EtatCertificat.ACTIF):
        found = [each for each in epingles if each.etat(now) is etat]
        if found:
            return max(found, key=lambda each: (each.actif_du, each.valide_du))
    return None


def _clefs(trousseau: Trousseau, epingles: Iterable[CertificatEpingle], now: datetime) -> Clefs | None:
    """What a mail can rehearse today: the next certificates, but those that are not valid yet."""
    begun = [each for each in epingles if each.valide_du <= now]
    signe = next_of((each for each in begun if UsageCertificat.SIGNATURE in each.usages), now)
    lit = next_of((each for each in begun if UsageCertificat.CHIFFREMENT in each.usages), now)
    if signe is None or lit is None:
        return None
    return Clefs(
        following(trousseau, UsageCle.SIGNATURE).certificat.empreinte,
        following(trousseau, UsageCle.CHIFFREMENT).certificat.empreinte,
        signe.empreinte,
        lit.empreinte,
    )


def _try_here(
    instance: Instance, guichet: Guichet, suivant: CertificatEpingle, identite: Path | None, at: datetime
) -> tuple[list[Epreuve], Paire]:
    """What needs no mail, and the pair of whoever holds the place of the guichet."""
    lu = read_certificat(suivant.pem)
    assert isinstance(lu, Certificat)
    if identite is None:
        partenaire, rsa_min = _reference(guichet.code, lu, at), PROFILS[guichet.capacites].rsa_min
        epreuves = [_public(lu, usage, at, rsa_min) for usage in sorted(suivant.usages)]
    else:
        partenaire, epreuves = _given(identite, suivant), []
    if UsageCertificat.TLS in suivant.usages:
        serveur = instance.dossier / SERVEUR
        files = Serveur(serveur / "cert.pem", serveur / "key.pem", serveur / "ca.pem")
        epreuves.append(rehearse_tls(files, partenaire, instant=at))
    return epreuves, partenaire


def _travel(
    ctx: typer.Context, code: str, clefs: Clefs, delai: timedelta, attente: int, *, recommencer: bool
) -> Etape:
    """Begin a rehearsal with these keys, unless there is one; wait some time for its end."""
    clock = contexte_of(ctx).clock
    with transaction(ctx) as conn:
        last = repetition.get_last(conn, code)
        if recommencer or last is None or last.clefs != clefs:
            repetition.begin(conn, code, clefs, instant=clock.now(), delai=delai)
    until = time.monotonic() + attente
    while True:
        with transaction(ctx) as conn:
            found = repetition.get_last(conn, code)
            assert found is not None
            envois = repetition.list_envois(conn, found)
            refuses = tuple(repetition.list_refused(conn, found))
        etape = Etape(found, envois, refuses, repetition.issue_of(found, envois, clock.now()))
        if etape.issue is not Issue.EN_ATTENTE or time.monotonic() >= until:
            return etape
        time.sleep(_RELECTURE)


def _lines(etape: Etape) -> list[Ligne]:
    waiting = etape.issue is Issue.EN_ATTENTE
    last = etape.envois[-1] if etape.envois else None
    why = last.detail if last is not None and last.detail else "pas encore parti"
    if etape.issue is Issue.SANS_REPONSE:
        why = "sans réponse"
    lignes = []
    for usage in UsageRotation:
        found = etape.repetee.epreuves.get(usage)
        if found is None:
            lignes.append(Ligne(usage, None if waiting else False, why))
        else:
            lignes.append(Ligne(usage, found.reussie, found.detail))
    return lignes


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


def _public(certificat: Certificat, usage: UsageCertificat, at: datetime, rsa_min: int) -> Epreuve:
    """What can be tried of a certificate without its private key."""
    verdict = verify(certificat, VERIFIES[usage], at=at, rsa_min=rsa_min)
    detail = f"{verdict.texte} {verdict.constat}".strip()
    if verdict.accepte and usage is UsageCertificat.CHIFFREMENT:
        sealed = encrypt_for(certificat.pem, b"essai", at=at)
        if isinstance(sealed, RaisonRefus):
            return Epreuve(f"certificat : {usage}", False, sealed.texte)
    return Epreuve(f"certificat : {usage}", verdict.accepte, detail)


def _reference(code: str, modele: Certificat, at: datetime) -> Paire:
    """A pair of one day, of the same kind of key as that of the guichet."""
    kind = f"rsa{modele.cle.bits}" if modele.cle.famille == "RSA" else f"p{modele.cle.bits}"
    made = create_autorite("Partenaire de référence", now=at).issue_guichet(
        code, now=at, duree=timedelta(days=1), cle=kind if kind in CLES else P256
    )
    return load_paire(made.chaine, made.cle)


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
