"""The rehearsal of a rotation by real mails, with the next keys of both sides ([CER-55], [CER-57]).

A message leaves through the outbox, signed with the next key of the hub, encrypted for the next certificate
of the guichet. Its robot acknowledges it with that certificate, encrypted for the next key of the hub: the
accusé comes back by the way of any mail, and is answered by a second message, signed like the first, which
the robot acknowledges too. Each of the six uses is then proven, or known to fail, and kept.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from certs.trousseau import UsageRotation
from dispatching.deliveries import uuid7s
from mailflows import sortants
from mailflows.conventions import NOM_ACCUSE, NOM_REPETITION
from mailflows.etats import Etat
from mailflows.message_emis import write_entity
from mailflows.sortants import ASortir, NatureSortant, Sortant
from mailflows.tables import COURRIER_EPREUVE, COURRIER_REPETITION
from registry.echanges import Fichier
from schemas.courrier import POSITIFS, Accuse, Repetition, Verdict, write_accuse, write_repetition


class Issue(StrEnum):
    """Where a rehearsal is."""

    EN_ATTENTE = "en attente"
    REUSSIE = "réussie"
    ECHOUEE = "échouée"
    SANS_REPONSE = "sans réponse"


@dataclass(frozen=True, slots=True)
class Clefs:
    """The empreintes of the certificates rehearsed: those of the hub, then those of the guichet."""

    signature: str
    chiffrement: str
    signature_guichet: str
    chiffrement_guichet: str


@dataclass(frozen=True, slots=True)
class Epreuve:
    """What was found of one use. detail: French."""

    reussie: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Repetee:
    """A rehearsal as kept. id: that of its first message; retour: of the second, once it is written."""

    id: uuid.UUID
    guichet: str
    clefs: Clefs
    cree_le: datetime
    limite: datetime
    retour: uuid.UUID | None
    epreuves: Mapping[UsageRotation, Epreuve]


@dataclass(frozen=True, slots=True)
class Provenance:
    """How an accusé came: the message that brought it, with its Message-ID, the SHA-256 of its signed content
    and when; the certificate that signed it; that of ours for which it was encrypted."""

    courrier: uuid.UUID
    message_id: str
    contenu: bytes
    recu_le: datetime
    signataire: str
    destinataire: str


def begin(conn: Connection, guichet: str, clefs: Clefs, *, instant: datetime, delai: timedelta) -> Repetee:
    """Write the first message in the outbox. An earlier rehearsal with that guichet sends nothing more."""
    conn.execute(
        update(COURRIER_REPETITION)
        .where(COURRIER_REPETITION.c.guichet == guichet, COURRIER_REPETITION.c.limite > instant)
        .values(limite=instant)
    )
    (identifiant,) = uuid7s(instant, 1)
    limite = instant + delai
    conn.execute(
        COURRIER_REPETITION.insert().values(
            id=identifiant,
            guichet=guichet,
            signature=clefs.signature,
            chiffrement=clefs.chiffrement,
            signature_guichet=clefs.signature_guichet,
            chiffrement_guichet=clefs.chiffrement_guichet,
            cree_le=instant,
            limite=limite,
        )
    )
    repetee = Repetee(identifiant, guichet, clefs, instant, limite, None, {})
    _post(conn, repetee, identifiant, identifiant, instant)
    return repetee


def get_last(conn: Connection, guichet: str) -> Repetee | None:
    """The last rehearsal with a guichet."""
    return _read(conn, COURRIER_REPETITION.c.guichet == guichet)


def get_of(conn: Connection, message: uuid.UUID) -> Repetee | None:
    """The rehearsal to which a message of ours belongs."""
    return _read(conn, or_(COURRIER_REPETITION.c.id == message, COURRIER_REPETITION.c.retour == message))


def take_accuse(
    conn: Connection, sortant: Sortant, accuse: Accuse, venu: Provenance, *, instant: datetime
) -> str:
    """Record what the accusé of a message of rehearsal proves, and answer that of the first; French words on
    it. The caller acknowledges the message itself."""
    repetee = get_of(conn, sortant.id)
    assert repetee is not None
    aller = sortant.id == repetee.id
    found = judge(repetee.clefs, accuse, venu, aller=aller)
    pose = insert(COURRIER_EPREUVE).values(
        [
            {
                "repetition": repetee.id,
                "usage": usage.value,
                "reussie": each.reussie,
                "detail": each.detail[:500],
                "constatee_le": instant,
            }
            for usage, each in found.items()
        ]
    )
    # The first accusé decides: a reminder crosses its answer.
    conn.execute(pose.on_conflict_do_nothing())
    if aller and repetee.retour is None and accuse.verdict in POSITIFS:
        (retour,) = uuid7s(instant, 1)
        conn.execute(
            update(COURRIER_REPETITION).where(COURRIER_REPETITION.c.id == repetee.id).values(retour=retour)
        )
        recu = Accuse(venu.message_id or str(venu.courrier), venu.recu_le, Verdict.RECU, venu.contenu)
        joint = Fichier(NOM_ACCUSE, write_accuse(recu))
        _post(conn, repetee, retour, venu.courrier, instant, joint)
    failed = [usage.value for usage, each in found.items() if not each.reussie]
    return f"répétition {repetee.id} : " + (f"échec de {', '.join(failed)}" if failed else "prouvé")


def judge(clefs: Clefs, accuse: Accuse, venu: Provenance, *, aller: bool) -> dict[UsageRotation, Epreuve]:
    """What an accusé proves of each use. Pure. aller: of the first message; else of the second.

    That its digest is the one of the message was verified: whoever made it has decrypted it.
    """
    refus = "" if accuse.verdict in POSITIFS else f"le guichet la refuse : {_told(accuse)}"
    signature = Epreuve(not refus, refus or "le guichet a vérifié la signature")
    if not aller:
        return {UsageRotation.SIGNER_ACCUSE: signature}
    signe = _compare(venu.signataire, clefs.signature_guichet, "l'accusé est signé avec")
    return {
        UsageRotation.CHIFFRER_SORTANT: Epreuve(True, "le guichet a rendu l'empreinte du contenu"),
        UsageRotation.SIGNER_SORTANT: signature,
        UsageRotation.VERIFIER_ENTRANT: signe,
        UsageRotation.VERIFIER_ACCUSE: signe,
        UsageRotation.DECHIFFRER_ENTRANT: _compare(
            venu.destinataire, clefs.chiffrement, "l'accusé est chiffré pour"
        ),
    }


def issue_of(repetee: Repetee, envois: Sequence[Sortant], instant: datetime) -> Issue:
    """Where it is. Pure. envois: its messages, as the outbox has them."""
    if any(not each.reussie for each in repetee.epreuves.values()):
        return Issue.ECHOUEE
    if len(repetee.epreuves) == len(UsageRotation):
        return Issue.REUSSIE
    # Before the failures: past its limit, a message that waited for its accusé ends in one.
    if instant > repetee.limite:
        return Issue.SANS_REPONSE
    failed = any(each.situation.etat is Etat.ECHEC for each in envois)
    return Issue.ECHOUEE if failed else Issue.EN_ATTENTE


def list_envois(conn: Connection, repetee: Repetee) -> tuple[Sortant, ...]:
    """Its messages, as the outbox has them."""
    ids = [each for each in (repetee.id, repetee.retour) if each is not None]
    return tuple(found for each in ids if (found := sortants.get_sortant(conn, each)) is not None)


def list_refused(conn: Connection, repetee: Repetee) -> list[tuple[str, str]]:
    """Code and cause of what came from the guichet since then and was put aside: perhaps its accusé."""
    lignes = conn.execute(
        text("""
            SELECT code, motif FROM courrier_entrant
            WHERE etat = 'quarantaine' AND guichet = :guichet AND recu_le >= :depuis ORDER BY id LIMIT 5
        """),
        {"guichet": repetee.guichet, "depuis": repetee.cree_le},
    )
    return [(code, motif) for code, motif in lignes]


def _post(
    conn: Connection,
    repetee: Repetee,
    identifiant: uuid.UUID,
    entrant: uuid.UUID,
    instant: datetime,
    *joints: Fichier,
) -> None:
    clefs = repetee.clefs
    document = write_repetition(
        Repetition(
            str(identifiant),
            bytes.fromhex(clefs.signature_guichet),
            bytes.fromhex(clefs.chiffrement),
            repetee.limite,
        )
    )
    entite = write_entity([*joints, Fichier(NOM_REPETITION, document)])
    message = ASortir(
        identifiant, repetee.guichet, NatureSortant.REPETITION, entrant, 1, 1, entite, accuse_attendu=True
    )
    sortants.write(conn, [message], instant=instant)


def _compare(found: str, wanted: str, words: str) -> Epreuve:
    if found == wanted:
        return Epreuve(True, f"{words} {wanted[:16]}")
    return Epreuve(False, f"{words} {found[:16]} ; attendu : {wanted[:16]}")


def _told(accuse: Accuse) -> str:
    anomalie = next(iter(accuse.anomalies), None)
    return accuse.verdict.value if anomalie is None else f"{anomalie.code} {anomalie.message}"


def _read(conn: Connection, condition: Any) -> Repetee | None:
    query = select(COURRIER_REPETITION).where(condition).order_by(COURRIER_REPETITION.c.id.desc()).limit(1)
    ligne = conn.execute(query).first()
    return None if ligne is None else _repetee(conn, ligne)


def _repetee(conn: Connection, ligne: Row[Any]) -> Repetee:
    table = COURRIER_EPREUVE.c
    epreuves = conn.execute(
        select(table.usage, table.reussie, table.detail).where(table.repetition == ligne.id)
    )
    return Repetee(
        ligne.id,
        ligne.guichet,
        Clefs(ligne.signature, ligne.chiffrement, ligne.signature_guichet, ligne.chiffrement_guichet),
        ligne.cree_le,
        ligne.limite,
        ligne.retour,
        {UsageRotation(usage): Epreuve(reussie, detail) for usage, reussie, detail in epreuves},
    )
