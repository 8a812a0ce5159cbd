"""A file sent back with its anomalies, whichever handler refuses it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from registry.anomalies import Anomalie
from registry.documents_gardes import read_kept
from registry.doublons import Doublons
from schemas.demande import Demande
from schemas.emission import AnomalieEmise, DoublonEmis, doublon_of, emit_refus


def refuse(
    demande: Demande, anomalies: Sequence[Anomalie], trouves: Doublons | None, instant: datetime
) -> bytes:
    """The document of a refusal. trouves: the doublons that may be shown with it."""
    return emit_refus(
        demande.root,
        [AnomalieEmise(anomalie.code, anomalie.message, anomalie.propriete) for anomalie in anomalies],
        () if trouves is None else emitted(trouves),
        date_fichier=instant,
    )


def emitted(trouves: Doublons) -> list[DoublonEmis]:
    """The doublons, as documents hold them."""
    return [doublon_of(doublon.numero, read_kept(doublon.document)) for doublon in trouves.lisibles]
