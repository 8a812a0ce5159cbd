"""The circuit breakers in the database, where all the workers share them ([DST-41]), and their lifting."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, text

from dispatching.disjoncteur import Disjoncteur, ReglesDisjoncteur, after_failure, after_handover
from dispatching.incidents import GenreIncident, Incident, record_incidents
from dispatching.secours import come_back
from dispatching.transport import GenreEchec
from registry.guichets import CanalDistribution


@dataclass(frozen=True, slots=True)
class Observation:
    """A failed attempt. detail: as in `transport.Echec`."""

    guichet: str
    canal: CanalDistribution
    distribution: uuid.UUID
    genre: GenreEchec
    detail: str


_COLONNES: Final = "guichet, canal, echecs, refus, suspendu_jusqu_a, ouvert_le, sonde, cause, detail"
# A row to lock for each, in the order of the keys, by everyone: no deadlock.
_APPEAR: Final = text("""
    INSERT INTO disjoncteur (guichet, canal, echecs, cause, detail, maj_le)
    SELECT guichet, canal, 0, '', '', :instant
    FROM unnest(CAST(:guichets AS text[]), CAST(:canaux AS text[])) AS t(guichet, canal)
    ORDER BY guichet, canal ON CONFLICT DO NOTHING
""")
_LOCK: Final = text(f"""
    SELECT {_COLONNES} FROM disjoncteur
    WHERE (guichet, canal) IN (
        SELECT * FROM unnest(CAST(:guichets AS text[]), CAST(:canaux AS text[])))
    ORDER BY guichet, canal FOR UPDATE
""")  # noqa: S608 (constant column list)
_WRITE: Final = text("""
    UPDATE disjoncteur SET echecs = :echecs, refus = :refus, suspendu_jusqu_a = :suspendu_jusqu_a,
        ouvert_le = :ouvert_le, sonde = :sonde, cause = :cause, detail = :detail, maj_le = :instant
    WHERE guichet = :guichet AND canal = :canal
""")
_CLOSE: Final = text("""
    DELETE FROM disjoncteur WHERE (guichet, canal) IN (
        SELECT * FROM unnest(CAST(:guichets AS text[]), CAST(:canaux AS text[])))
    RETURNING guichet, canal, ouvert_le
""")
_LIST: Final = text(f"""
    SELECT {_COLONNES} FROM disjoncteur
    WHERE CAST(:guichet AS text) IS NULL OR guichet = :guichet
    ORDER BY ouvert_le NULLS LAST, guichet, canal
""")  # noqa: S608 (constant column list)
_TELL: Final = text("SELECT pg_notify('distribution', '')")


def record_failures(
    conn: Connection, observations: Sequence[Observation], *, instant: datetime, regles: ReglesDisjoncteur
) -> None:
    """Count failed attempts, and open what has failed too often ([DST-40])."""
    keys = {(each.guichet, each.canal) for each in observations}
    values = _keys(keys)
    conn.execute(_APPEAR, {**values, "instant": instant})
    avant = {(each.guichet, each.canal): each for each in map(_disjoncteur, conn.execute(_LOCK, values))}
    apres = dict(avant)
    for each in observations:
        key = (each.guichet, each.canal)
        apres[key] = after_failure(
            apres[key], each.distribution, each.genre, each.detail[:500], instant=instant, regles=regles
        )
    changed = [apres[key] for key in avant if apres[key] != avant[key]]
    if changed:
        conn.execute(_WRITE, [{**_row(each), "instant": instant} for each in changed])
    incidents = [
        _incident(apres[key], opened=apres[key].ouvert_le is not None, instant=instant)
        for key in avant
        if (apres[key].ouvert_le is None) != (avant[key].ouvert_le is None)
    ]
    record_incidents(conn, incidents)
    closed = {key for key in avant if avant[key].ouvert_le is not None and apres[key].ouvert_le is None}
    if closed:
        come_back(conn, closed, instant=instant)


def record_successes(
    conn: Connection, canaux: Collection[tuple[str, CanalDistribution]], *, instant: datetime
) -> None:
    """These channels work, by guichet: what their failures had suspended goes on."""
    _close(conn, canaux, GenreIncident.FERMETURE, "un envoi est passé", instant)


def record_handovers(
    conn: Connection,
    remises: Sequence[tuple[str, CanalDistribution, uuid.UUID]],
    *,
    instant: datetime,
    regles: ReglesDisjoncteur,
) -> None:
    """These distributions have left without an answer, by guichet and channel ([DST-24])."""
    values = _keys({(guichet, canal) for guichet, canal, _ in remises})
    avant = {(each.guichet, each.canal): each for each in map(_disjoncteur, conn.execute(_LOCK, values))}
    apres: dict[tuple[str, CanalDistribution], Disjoncteur | None] = dict(avant)
    for guichet, canal, distribution in remises:
        known = apres.get((guichet, canal))
        if known is not None:
            apres[guichet, canal] = after_handover(known, distribution, instant=instant, regles=regles)
    changed = [each for key, each in apres.items() if each is not None and each != avant[key]]
    if changed:
        conn.execute(_WRITE, [{**_row(each), "instant": instant} for each in changed])
    works = {key for key, each in apres.items() if each is None}
    if works:
        record_successes(conn, works, instant=instant)


def lift(conn: Connection, guichet: str, canal: CanalDistribution | None, *, instant: datetime) -> int:
    """Forget the failures of a channel of a guichet, or of all its channels, at the word of the operator:
    what waits is sent at once, all of it ([DST-43]). Returns how many were open."""
    canaux = tuple(CanalDistribution) if canal is None else (canal,)
    keys = {(guichet, each) for each in canaux}
    closed = _close(conn, keys, GenreIncident.LEVEE, "levé par l'exploitant", instant)
    conn.execute(_TELL)
    return closed


def list_disjoncteurs(conn: Connection, guichet: str | None = None) -> tuple[Disjoncteur, ...]:
    """The channels that fail, those open longest first."""
    return tuple(_disjoncteur(row) for row in conn.execute(_LIST, {"guichet": guichet}))


def _close(
    conn: Connection,
    canaux: Collection[tuple[str, CanalDistribution]],
    genre: GenreIncident,
    detail: str,
    instant: datetime,
) -> int:
    rows = conn.execute(_CLOSE, _keys(canaux)).all()
    closed = [
        Incident(row.guichet, CanalDistribution(row.canal), genre, instant, detail)
        for row in rows
        if row.ouvert_le is not None
    ]
    if closed:
        record_incidents(conn, closed)
        come_back(conn, {(each.guichet, each.canal) for each in closed}, instant=instant)
    return len(closed)


def _keys(canaux: Collection[tuple[str, CanalDistribution]]) -> dict[str, list[str]]:
    ordered = sorted(canaux)
    return {"guichets": [code for code, _ in ordered], "canaux": [canal.value for _, canal in ordered]}


def _incident(disjoncteur: Disjoncteur, *, opened: bool, instant: datetime) -> Incident:
    genre = GenreIncident.OUVERTURE if opened else GenreIncident.FERMETURE
    detail = f"{disjoncteur.echecs} échecs de suite ; le dernier : {disjoncteur.detail}"
    if not opened:
        detail = "le guichet répond : il a refusé un document"
    return Incident(disjoncteur.guichet, disjoncteur.canal, genre, instant, detail)


def _row(each: Disjoncteur) -> dict[str, Any]:
    return {
        "guichet": each.guichet,
        "canal": each.canal.value,
        "echecs": each.echecs,
        "refus": each.refus,
        "suspendu_jusqu_a": each.suspendu_jusqu_a,
        "ouvert_le": each.ouvert_le,
        "sonde": each.sonde,
        "cause": each.cause,
        "detail": each.detail,
    }


def _disjoncteur(row: Row[Any]) -> Disjoncteur:
    return Disjoncteur(
        row.guichet,
        CanalDistribution(row.canal),
        row.echecs,
        row.refus,
        row.suspendu_jusqu_a,
        row.ouvert_le,
        row.sonde,
        row.cause,
        row.detail,
    )
