"""The mail around the messages: its header, its parts, its archives, its accusés and its notices."""

from __future__ import annotations

import io
import zipfile
from functools import cache
from random import Random
from typing import Final

from certs.cms import RefusCms
from certs.enveloppe import encrypt
from certs.paire import Paire
from conformance.partenaire_courrier import Echangeur, PartenaireCourrier, Piece
from dispatching.rapprochement import Tenue, check, gaps, outside, union
from mailflows.accuses import is_notice, read_notice
from mailflows.message_lu import LimitesMessage, read_files, read_outside
from mailflows.ouverture import Etranger, decipher
from registry.anomalies import Anomalie
from schemas.courrier import Accuse, FichierAccuse, Requete, Verdict, read_courrier, write_accuse
from schemas.rapprochement import (
    DemandeRapprochement,
    TrancheTenue,
    read_demande_rapprochement,
    write_demande,
)
from schemas.violations import Violation
from tests.fuzz import mime, octets
from tests.fuzz.campagne import Cible, Issue
from tests.fuzz.cibles import INSTANT, monde, mutate

AVIS: Final = (
    b"From: MAILER-DAEMON@mta.example\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=avis\r\n\r\n"
    b"--avis\r\nContent-Type: text/plain\r\n\r\nNon remis.\r\n"
    b"--avis\r\nContent-Type: message/delivery-status\r\n\r\n"
    b"Reporting-MTA: dns; mta.example\r\n"
    b"Original-Envelope-Id: 01a22429-0f18-7500-8d67-0a54b09e304f\r\n\r\n"
    b"Final-Recipient: rfc822; g1104@partenaire.example\r\nAction: failed\r\n"
    b"Status: 5.1.1\r\n\r\n--avis--\r\n"
)


@cache
def courriels() -> tuple[tuple[Paire, bytes], ...]:
    """Mails of two partners to two keys of the hub: opaque, clear-signed, with files, with an archive."""
    found = []
    for partner, hub in ((0, 1), (1, 0)):
        paire, other = monde().paires[partner], monde().paires[hub]
        robot = PartenaireCourrier(
            "g1104@partenaire.example",
            paire,
            Echangeur("hub@hub.example", "localhost", 0, other.certificat, other.certificat.empreinte),
        )
        pieces = [Piece("DEM.xml", b"<a/>"), Piece("deux.xml", "<b>é</b>".encode() * 50)]
        found += [
            (paire, robot.compose(pieces)),
            (paire, robot.compose(pieces, detache=True)),
            (paire, robot.compose(pieces, archive=True)),
        ]
    return tuple(found)


@cache
def contenus() -> frozenset[tuple[str, bytes]]:
    """Who signed what, in those mails."""
    found = set()
    for paire, mail in courriels():
        issue = _open(mail)
        assert isinstance(issue, tuple)
        assert issue[0] == paire.certificat.empreinte
        found.add(issue)
    return frozenset(found)


@cache
def entites() -> tuple[bytes, ...]:
    """The signed contents, which hold the files."""
    return tuple(sorted(contenu for _, contenu in contenus()))


def _open(mail: bytes) -> tuple[str, bytes] | str:
    """Signer and content, or why it is not opened: the steps of `mailflows.entrant` that need no database."""
    outside = read_outside(mail)
    if isinstance(outside, Anomalie):
        return outside.code
    if is_notice(outside):
        read_notice(outside)
        return "avis"
    deciphered = decipher(outside, monde().paires)
    if isinstance(deciphered, Etranger):
        return deciphered.anomalie.code
    verified = deciphered.signe.verify()
    if isinstance(verified, RefusCms):
        return verified.motif.value
    return verified.signataire.empreinte, verified.octets


def _draw_mail(rng: Random) -> bytes:
    _, mail = rng.choice(courriels())
    for _ in range(rng.choice((1, 1, 2, 3))):
        mail = mime.mutate(mail, rng) if rng.random() < 0.6 else octets.mutate(mail, rng)
    return mail


def _draw_inside(rng: Random) -> bytes:
    """A mutated entity, encrypted well: nothing but its signature protects it."""
    world = monde()
    entity = b"Content-Type: application/pkcs7-mime; smime-type=signed-data\r\n\r\n" + mutate(
        rng.choice(world.messages), rng
    )
    if rng.random() < 0.6:
        entity = mime.mutate(entity, rng)
    sealed = encrypt(entity, [rng.choice(world.paires).certificat])
    return b"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: binary\r\n\r\n" + sealed


def _judge_mail(mail: bytes) -> Issue:
    found = _open(mail)
    if isinstance(found, str):
        return Issue(motif=found)
    if found not in contenus() | monde().signes:
        known = {paire.certificat.empreinte for paire in monde().paires}
        return Issue(altere="contenu") if found[0] in known else Issue(motif="certificat inconnu")
    return Issue(accepte=True)


def _draw_entity(rng: Random) -> bytes:
    entity = rng.choice(entites())
    if rng.random() < 0.3:
        entity = _archive(rng)
    for _ in range(rng.choice((1, 1, 2, 4))):
        entity = mime.mutate(entity, rng) if rng.random() < 0.6 else octets.mutate(entity, rng)
    return entity


def _archive(rng: Random) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for rang in range(rng.choice((1, 3, 50))):
            archive.writestr(f"DEM{rang}.xml", b"<a/>" * rng.choice((1, 1_000)))
    return packed.getvalue()


def _judge_entity(entity: bytes) -> Issue:
    found = read_files(entity, LimitesMessage())
    return Issue(motif=found.code) if isinstance(found, Anomalie) else Issue(accepte=True)


def _draw_bomb(rng: Random) -> bytes:
    return mime.inflate(rng.choice((*entites(), AVIS, *(mail for _, mail in courriels()))), rng)


def _judge_bomb(mail: bytes) -> Issue:
    opened, files = _judge_mail(mail), _judge_entity(mail)
    return opened if opened.altere or not files.accepte else files


def _draw_notice(rng: Random) -> bytes:
    return mime.mutate(AVIS, rng) if rng.random() < 0.6 else octets.mutate(AVIS, rng)


def _judge_notice(mail: bytes) -> Issue:
    outside = read_outside(mail)
    if isinstance(outside, Anomalie) or not is_notice(outside):
        return Issue(motif="autre chose qu'un avis")
    return Issue(motif="illisible") if read_notice(outside) is None else Issue(accepte=True)


@cache
def _accuse() -> bytes:
    fichiers = (FichierAccuse("DEM.xml", bytes(32), Verdict.RECU),)
    return write_accuse(Accuse("01a22429", INSTANT, Verdict.RECU, bytes(32), fichiers=fichiers))


def _judge_accuse(data: bytes) -> Issue:
    found = read_courrier(data)
    return Issue(accepte=True) if isinstance(found, Accuse | Requete) else Issue(motif="refusé")


RAPPROCHEMENT: Final = write_demande(
    DemandeRapprochement((TrancheTenue(1, 2, ("0" * 64, "a" * 64)), TrancheTenue(5, 900)), 3, 12, relire=True)
)


def _judge_rapprochement(data: bytes) -> Issue:
    """What is asked, as far as it is handled without a database."""
    lue = read_demande_rapprochement(data)
    if isinstance(lue, Violation):
        return Issue(motif=lue.rule)
    tenues = [Tenue(each.premiere, each.derniere, each.empreintes) for each in lue.tranches]
    refus = check(tenues)
    if refus is not None:
        return Issue(motif=refus.code)
    plages = list(union(tenues))
    list(outside(plages, 900))
    list(gaps(plages, min(max(lue.apres, 0), 900), 900))
    return Issue(accepte=True)


COURRIER: Final[tuple[Cible, ...]] = (
    Cible("courriel", _draw_mail, _judge_mail),
    Cible("contenu d'un courriel", _draw_inside, _judge_mail),
    Cible("fichiers", _draw_entity, _judge_entity),
    Cible("bombes de courrier", _draw_bomb, _judge_bomb, part=1),
    Cible("avis", _draw_notice, _judge_notice, part=2),
    Cible("accusé", lambda rng: octets.mutate(_accuse(), rng), _judge_accuse, part=2),
    Cible("rapprochement", lambda rng: octets.mutate(RAPPROCHEMENT, rng), _judge_rapprochement, part=2),
)
