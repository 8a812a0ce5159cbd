"""A rotation tried with the next keys of both sides, before it is done ([CER-55], [CER-57]).

`plan` says what can be tried with a guichet, `try_here` tries what needs no mail, `travel` has the rest
travel (mailflows.repetition) and `read_etape` reads where it is. The command line and the console do the
same with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from certs.algorithmes import PROFILS
from certs.autorite import CLES, P256, create_autorite
from certs.chiffrement import RaisonRefus, encrypt_for
from certs.lecture import Certificat, read_certificat
from certs.paire import Paire, load_paire
from certs.repetition import Acteur, Epreuve, Serveur, rehearse_mail, rehearse_tls
from certs.rotation import CLES_DU_COURRIER, following
from certs.trousseau import Trousseau, UsageRotation
from certs.verification import verify
from mailflows import fermeture, repetition
from mailflows.fermeture import Fermeture
from mailflows.repetition import Clefs, Issue, Repetee
from mailflows.sortants import Sortant
from registry.certificats import CertificatEpingle, list_certificats
from registry.constats import Constat
from registry.guichets import Guichet
from registry.usages_certificats import VERIFIES, EtatCertificat, UsageCertificat

DELAI: Final = timedelta(hours=24)
"""What a guichet is given to answer."""


@dataclass(frozen=True, slots=True)
class Hub:
    """What the hub brings. courrier: it exchanges mail. fermeture: what the configuration announces."""

    trousseau: Trousseau
    serveur: Serveur
    courrier: bool
    fermeture: Fermeture | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be tried. suivant: the certificate that the guichet will use next, tried at `at`. clefs:
    what a mail rehearses; None when nothing travels. echangeur: the next keys of the hub."""

    guichet: Guichet
    suivant: CertificatEpingle
    at: datetime
    clefs: Clefs | None
    echangeur: Acteur


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


def plan(
    conn: Connection, guichet: Guichet, hub: Hub, *, instant: datetime, sur_place: bool = False
) -> Plan | Constat:
    """What can be tried with a guichet, or what is missing. sur_place: nothing travels."""
    epingles = list_certificats(conn, guichet.code)
    suivant = next_of(epingles, instant)
    if suivant is None:
        texte = f"le guichet {guichet.code} n'a aucun certificat en cours ou préparé"
        return Constat("EPREUVE-CERTIFICAT", "certificat", texte)
    ours = [following(hub.trousseau, usage) for usage in CLES_DU_COURRIER]
    signature, chiffrement = ours
    if signature is None or chiffrement is None:
        usage = CLES_DU_COURRIER[ours.index(None)]
        return Constat("EPREUVE-CLE", "usage", f"l'échangeur n'a pas de clé pour l'usage {usage}")
    closed = fermeture.is_closed(fermeture.find(conn, guichet.code, hub.fermeture), instant)
    travels = hub.courrier and bool(guichet.adresse_courrier) and not closed and not sur_place
    return Plan(
        guichet,
        suivant,
        # A prepared certificate may begin later: it is tried at the first instant when it will serve.
        max(instant, suivant.valide_du, suivant.actif_du),
        _clefs(signature, chiffrement, epingles, instant) if travels else None,
        Acteur(signature, chiffrement),
    )


def try_here(plan: Plan, hub: Hub, partenaire: Paire | None = None) -> tuple[Epreuve, ...]:
    """What needs no mail; all of it when nothing travels. Takes the time of a handshake on loopback.

    partenaire: the pair of the next certificate of the guichet, when its key is at hand; without it, a
    reference partner holds its place, with keys of one day.
    """
    lu = read_certificat(plan.suivant.pem)
    assert isinstance(lu, Certificat)
    profil = PROFILS[plan.guichet.capacites]
    found: list[Epreuve] = []
    if partenaire is None:
        partenaire = _reference(plan.guichet.code, lu, plan.at)
        found += [_public(lu, usage, plan.at, profil.rsa_min) for usage in sorted(plan.suivant.usages)]
    if UsageCertificat.TLS in plan.suivant.usages:
        found.append(rehearse_tls(hub.serveur, partenaire, instant=plan.at))
    if plan.clefs is None:
        acteur = Acteur(partenaire, partenaire)
        found += rehearse_mail(plan.echangeur, acteur, profil, instant=plan.at)
    return tuple(found)


def travel(
    conn: Connection,
    guichet: str,
    clefs: Clefs,
    *,
    instant: datetime,
    delai: timedelta = DELAI,
    recommencer: bool = False,
) -> Etape:
    """Begin a rehearsal by mail with these keys, unless there is one already; where it is."""
    last = repetition.get_last(conn, guichet)
    if recommencer or last is None or last.clefs != clefs:
        repetition.begin(conn, guichet, clefs, instant=instant, delai=delai)
    found = read_etape(conn, guichet, instant=instant)
    assert found is not None
    return found


def read_etape(conn: Connection, guichet: str, *, instant: datetime) -> Etape | None:
    """Where the last rehearsal with a guichet is; None when there was none."""
    found = repetition.get_last(conn, guichet)
    if found is None:
        return None
    envois = repetition.list_envois(conn, found)
    refuses = tuple(repetition.list_refused(conn, found))
    return Etape(found, envois, refuses, repetition.issue_of(found, envois, instant))


def lines_of(etape: Etape) -> tuple[Ligne, ...]:
    """What is known of each of the six uses. Pure."""
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
    return tuple(lignes)


def next_of(epingles: Iterable[CertificatEpingle], instant: datetime) -> CertificatEpingle | None:
    """The certificate that the guichet will use next: the last one prepared, else the last one in use."""
    epingles = list(epingles)
    for etat in (EtatCertificat.PREPARE, EtatCertificat.ACTIF):
        found = [each for each in epingles if each.etat(instant) is etat]
        if found:
            return max(found, key=lambda each: (each.actif_du, each.valide_du))
    return None


def _clefs(
    signature: Paire, chiffrement: Paire, epingles: Sequence[CertificatEpingle], instant: datetime
) -> Clefs | None:
    """What a mail can rehearse today: the next certificates, but those that are not valid yet."""
    begun = [each for each in epingles if each.valide_du <= instant]
    signe = next_of((each for each in begun if UsageCertificat.SIGNATURE in each.usages), instant)
    lit = next_of((each for each in begun if UsageCertificat.CHIFFREMENT in each.usages), instant)
    if signe is None or lit is None:
        return None
    return Clefs(
        signature.certificat.empreinte, chiffrement.certificat.empreinte, signe.empreinte, lit.empreinte
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
