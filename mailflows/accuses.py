"""What comes back about our own messages: the signed accusés of partners, and the notices of mail servers.

An accusé is a receipt: it is signed, and names the SHA-256 of what was received. A notice (RFC 3464) is not:
nothing signs it, so that it may make us try again, or tell the operator, and nothing more.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from dispatching.acquittement import Acquit, Acquittee, acknowledge
from mailflows import repetition, sortants
from mailflows.entrants import Pris
from mailflows.etats import Evenement, ReglesEnvoi
from mailflows.message_lu import Exterieur
from mailflows.repetition import Provenance
from mailflows.sortants import NatureSortant, Sortant
from registry.anomalies import Anomalie
from registry.guichets import CanalDistribution
from schemas.courrier import POSITIFS, Accuse
from schemas.mime import Malforme, split

_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_PARTIES_AVIS: Final = 8
_AVIS_MAX: Final = 64 << 10
"""Bytes of the machine-readable part that are read. Threat: time; a real one has 500."""


def take_accuse(
    conn: Connection,
    guichet: str,
    accuse: Accuse,
    venu: Provenance,
    *,
    instant: datetime,
    regles: ReglesEnvoi,
) -> str:
    """Record the accusé of a guichet for one message of ours; French words on what it changed.

    Late, repeated and crossed accusés are harmless ([COU-41]).
    """
    found = _UUID.search(accuse.message)
    if found is None:
        return "l'accusé ne nomme aucun message de l'échangeur"
    identifiant = uuid.UUID(found[0])
    sortant = sortants.get_sortant(conn, identifiant)
    if sortant is not None and sortant.guichet == guichet:
        return _of_answer(conn, sortant, accuse, venu, instant=instant, regles=regles)
    sequence = conn.execute(
        text("SELECT sequence FROM distribution WHERE id = :id AND guichet = :guichet"),
        {"id": identifiant, "guichet": guichet},
    ).scalar_one_or_none()
    if sequence is None:
        return f"l'accusé nomme {identifiant}, qui n'a pas été envoyé à ce guichet"
    return _of_distribution(conn, guichet, sequence, accuse, venu.courrier, instant)


def _of_answer(
    conn: Connection,
    sortant: Sortant,
    accuse: Accuse,
    venu: Provenance,
    *,
    instant: datetime,
    regles: ReglesEnvoi,
) -> str:
    rehearsed = sortant.nature is NatureSortant.REPETITION
    if rehearsed and not accuse.empreinte:
        return f"l'accusé de la répétition {sortant.id} ne dit pas l'empreinte du contenu"
    if accuse.empreinte and accuse.empreinte != sortant.empreinte:
        return f"l'accusé de {sortant.id} porte l'empreinte d'un autre contenu"
    positif = accuse.verdict in POSITIFS
    evenement = Evenement.ACCUSE if positif else Evenement.REFUS
    detail = "accusé du guichet" if positif else f"le guichet refuse la réponse ({accuse.verdict})"
    sortants.apply(conn, sortant.id, evenement, detail, instant=instant, regles=regles)
    if rehearsed:
        return repetition.take_accuse(conn, sortant, accuse, venu, instant=instant)
    return f"{sortant.id} : {detail}"


def _of_distribution(
    conn: Connection, guichet: str, sequence: int, accuse: Accuse, courrier: uuid.UUID, instant: datetime
) -> str:
    if accuse.verdict not in POSITIFS:
        # It stays to be acknowledged: its schedule sends it again, then shows the failure.
        return f"le guichet refuse la distribution {sequence} ({accuse.verdict})"
    if not accuse.fichiers:
        return f"l'accusé de la distribution {sequence} ne dit pas l'empreinte du fichier"
    for fichier in accuse.fichiers:
        acquit = Acquit(sequence, fichier.empreinte.hex())
        (answer,) = acknowledge(
            conn,
            guichet,
            [acquit],
            instant=instant,
            echange=courrier,
            canal=CanalDistribution.COURRIER,
        )
        if isinstance(answer, Acquittee):
            return f"distribution {sequence} acquittée"
    assert isinstance(answer, Anomalie)
    return f"distribution {sequence} : {answer.message}"


@dataclass(frozen=True, slots=True)
class Avis:
    """What a server says of a message of ours. action: failed, delayed, delivered… statut: such as 5.1.1."""

    objet: uuid.UUID
    action: str
    statut: str


def is_notice(exterieur: Exterieur) -> bool:
    """True for a notice of a mail server: it is never answered, whatever it holds."""
    return exterieur.type.valeur == "multipart/report"


def read_notice(exterieur: Exterieur) -> Avis | None:
    """What a notice says, when it is about a message of ours. Pure."""
    parts = split(exterieur.corps, exterieur.type.get("boundary"), _PARTIES_AVIS)
    if isinstance(parts, Malforme):
        return None
    for part in parts:
        if part.type.valeur in ("message/delivery-status", "message/global-delivery-status"):
            status = part.contenu[:_AVIS_MAX].decode("ascii", "replace")
            objet = _UUID.search(_field(status, "Original-Envelope-Id")) or _UUID.search(
                # A server that forgets ENVID sends our header back.
                b" ".join(each.contenu[:_AVIS_MAX] for each in parts[-1:]).decode("ascii", "replace")
            )
            if objet is not None:
                action = _field(status, "Action").lower()
                return Avis(uuid.UUID(objet[0]), action[:40], _field(status, "Status")[:40])
    return None


def take_notice(conn: Connection, pris: Pris, avis: Avis, *, instant: datetime, regles: ReglesEnvoi) -> str:
    """Record a notice; French words on what it changed."""
    conn.execute(
        text("""
            INSERT INTO courrier_avis (entrant, objet, action, statut, recu_le)
            VALUES (:entrant, :objet, :action, :statut, :instant) ON CONFLICT DO NOTHING
        """),
        {
            "entrant": pris.id,
            "objet": avis.objet,
            "action": avis.action,
            "statut": avis.statut,
            "instant": instant,
        },
    )
    detail = f"avis d'un serveur : {avis.action} {avis.statut}"
    if avis.action == "failed":
        definitif = avis.statut.startswith("5")
        evenement = Evenement.REFUS if definitif else Evenement.ECHEC
        sortants.apply(conn, avis.objet, evenement, detail, instant=instant, regles=regles)
    return f"{avis.objet} : {detail}"


def _field(block: str, name: str) -> str:
    found = re.search(rf"^{name}:[ \t]*([^\r\n]{{0,200}})", block, re.MULTILINE | re.IGNORECASE)
    return found[1].strip() if found else ""
