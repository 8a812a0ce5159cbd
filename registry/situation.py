"""A demande as the register holds it, when a fact about it arrives."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

import msgspec
from sqlalchemy import Connection, text

from registry.lifecycle import Etat
from registry.regles import Regles
from registry.validite import echeance


@dataclass(frozen=True, slots=True)
class Situation:
    """One demande, its current version included.

    guichet: the one that registered it first. date_depot: start of the seniority. recue_le: certified date.
    auteur, instant: who made the current version, and its certified instant. document: its emitted form.
    derniers: for each guichet that made a version, the instant of its last one.
    date_radiation, motif_radiation: None when it is not radiated. sursis: see registry.tables.DEMANDE.
    """

    numero: str
    territoire: str
    guichet: str
    date_depot: date
    recue_le: datetime
    etat: Etat
    version: int
    communes: tuple[str, ...]
    types: tuple[str, ...]
    auteur: str
    instant: datetime
    document: bytes
    date_renouvellement: date | None = None
    date_radiation: date | None = None
    motif_radiation: str | None = None
    sursis: date | None = None
    numero_origine: str | None = None
    derniers: Mapping[str, datetime] = field(default_factory=dict)

    def seen_from(self, guichet: str) -> datetime | None:
        """The instant of the last version that another than this guichet made, if any."""
        return max((instant for auteur, instant in self.derniers.items() if auteur != guichet), default=None)

    def echeance(self, regles: Regles) -> date:
        """First day on which the demande is no longer valid."""
        return echeance(self.date_depot, self.date_renouvellement, regles)


_READ: Final = text("""
    SELECT d.numero, d.territoire, d.guichet, d.date_depot, d.recue_le, d.etat, d.version, d.communes,
        d.types, d.date_renouvellement, d.date_radiation, d.motif_radiation, d.sursis, d.numero_origine,
        v.guichet AS auteur, v.instant, v.document,
        (SELECT json_object_agg(u.guichet, u.dernier)::text FROM (
            SELECT w.guichet, max(w.instant) AS dernier FROM demande_version w WHERE w.numero = d.numero
            GROUP BY w.guichet) u) AS derniers
    FROM demande d JOIN demande_version v ON v.numero = d.numero AND v.version = d.version
    WHERE d.numero = ANY(CAST(:numeros AS text[]))
""")
_DERNIERS: Final = msgspec.json.Decoder(dict[str, datetime])


def read_situations(conn: Connection, numeros: Collection[str]) -> dict[str, Situation]:
    """The demandes of these numbers that still have their document, by number.

    To decide on them, hold the lock of the chain.
    """
    if not numeros:
        return {}
    return {
        ligne.numero: Situation(
            numero=ligne.numero,
            territoire=ligne.territoire,
            guichet=ligne.guichet,
            date_depot=ligne.date_depot,
            recue_le=ligne.recue_le,
            etat=Etat(ligne.etat),
            version=ligne.version,
            communes=tuple(ligne.communes),
            types=tuple(ligne.types),
            auteur=ligne.auteur,
            instant=ligne.instant,
            document=ligne.document,
            date_renouvellement=ligne.date_renouvellement,
            date_radiation=ligne.date_radiation,
            motif_radiation=ligne.motif_radiation,
            sursis=ligne.sursis,
            numero_origine=ligne.numero_origine,
            derniers=_DERNIERS.decode(ligne.derniers),
        )
        for ligne in conn.execute(_READ, {"numeros": sorted(numeros)})
    }
