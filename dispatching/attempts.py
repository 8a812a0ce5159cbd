"""The attempts, in the database: taken, ended, taken back from the dead.

An attempt is written before it is made. Taking a distribution pushes its next attempt to the end of a lease:
as long as the lease runs nobody else takes it, and if the worker dies the distribution comes back by itself.
A sending never lasts as long as a lease (`Bail`), so two workers never send the same distribution at once.
When the death of a worker is certain, because the advisory lock of its session is free, nobody waits for the
end of the lease.

Order: a distribution is not taken while an earlier one of the same demande to the same guichet waits.

Functions take many steps at once: one transaction serves all the guichets that are being served.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, text

from dispatching.canaux import ADRESSE
from dispatching.fichier import name_of, write_contenu
from dispatching.retry import next_delay, suspension
from dispatching.transport import CONNEXION, Accuse, Echec, Envoi, GenreEchec, Remis
from registry.guichets import CanalDistribution

CLASSE_VERROU: Final = 0x6469_7374
"""First key of the advisory locks by which workers prove that they live."""

INTERROMPUE: Final = "interrompue"
"""Issue of an attempt whose worker died."""

REMISE: Final = "remise"
"""Issue of an attempt that left without an answer: the acknowledgement comes by another way."""


@dataclass(frozen=True, slots=True)
class Bail:
    """How long a distribution is one worker's own. Raises ValueError when a sending could outlive it.

    marge: time for the end of a sending to be noticed and recorded by a busy process.
    """

    envoi_max: timedelta = timedelta(seconds=30)
    marge: timedelta = timedelta(seconds=30)

    def __post_init__(self) -> None:
        if self.envoi_max <= timedelta(0) or self.marge < timedelta(seconds=1):
            raise ValueError("un bail dépasse la durée d'un envoi d'au moins une seconde")

    @property
    def duree(self) -> timedelta:
        return self.envoi_max + self.marge


@dataclass(frozen=True, slots=True)
class Fin:
    """The end of one attempt."""

    envoi: Envoi
    resultat: Accuse | Remis | Echec


# The earlier distributions of the same demande are looked up by number. NOT EXISTS, or a condition on
# 'en_attente', would let the planner walk the index of what waits instead: the whole backlog at each step.
_TAKE: Final = text(f"""
    WITH choix AS (
        SELECT d.id, g.canal, {ADRESSE} AS adresse
        FROM unnest(CAST(:guichets AS text[])) AS voulu(code)
        JOIN guichet g ON g.code = voulu.code AND g.canal = ANY(:canaux) AND g.ferme_le IS NULL
        LEFT JOIN envoi_guichet e ON e.guichet = g.code
        CROSS JOIN LATERAL (
            SELECT d.id FROM distribution d
            WHERE d.guichet = g.code AND d.etat = 'en_attente' AND d.prochaine_tentative <= :instant
                AND (SELECT true FROM distribution avant
                    WHERE avant.numero = d.numero AND avant.guichet = d.guichet AND avant.version < d.version
                        AND avant.etat NOT IN ('acquittee', 'echec', 'retiree') LIMIT 1) IS NULL
            ORDER BY d.sequence LIMIT 1 FOR UPDATE OF d SKIP LOCKED
        ) AS d
        WHERE e.suspendu_jusqu_a IS NULL OR e.suspendu_jusqu_a <= :instant
    ), prises AS (
        UPDATE distribution d SET tentatives = d.tentatives + 1, prochaine_tentative = :fin_du_bail
        FROM choix WHERE d.id = choix.id
        RETURNING d.id, d.guichet, d.sequence, d.numero, d.version, d.nature, d.cree_le, d.tentatives AS rang,
            choix.canal, choix.adresse
    ), ecrites AS (
        INSERT INTO tentative (distribution, rang, commencee_le, porteur)
        SELECT id, rang, :instant, :porteur FROM prises
    )
    SELECT prises.*, v.document FROM prises
    JOIN demande_version v ON v.numero = prises.numero AND v.version = prises.version
""")  # noqa: S608 (constant expression)
_CLOSE: Final = text("""
    UPDATE tentative t SET terminee_le = :instant, issue = fin.issue, detail = fin.detail
    FROM unnest(CAST(:ids AS uuid[]), CAST(:rangs AS int[]), CAST(:issues AS text[]),
        CAST(:details AS text[])) AS fin(id, rang, issue, detail)
    WHERE t.distribution = fin.id AND t.rang = fin.rang
""")
# Whatever the rank: what the partner has acknowledged is acknowledged, even if the lease had run out.
_ACKNOWLEDGE: Final = text("""
    UPDATE distribution SET etat = 'acquittee', termine_le = :instant
    WHERE id = ANY(:ids) AND etat <> 'acquittee'
""")
_FAILED: Final = text("""
    SELECT id, guichet, tentatives - tentatives_oubliees AS echecs FROM distribution
    WHERE id = ANY(:ids) AND etat = 'en_attente' ORDER BY guichet, sequence FOR UPDATE
""")
# Only the last attempt decides of the next one: that of an attempt overtaken is already written. The rows are
# those that _FAILED has just locked, still waiting.
_POSTPONE: Final = text("""
    UPDATE distribution d SET etat = suite.etat, prochaine_tentative = suite.prochaine,
        termine_le = CASE WHEN suite.etat = 'echec' THEN CAST(:instant AS timestamptz) END
    FROM unnest(CAST(:ids AS uuid[]), CAST(:rangs AS int[]), CAST(:etats AS text[]),
        CAST(:prochaines AS timestamptz[])) AS suite(id, rang, etat, prochaine)
    WHERE d.id = suite.id AND d.tentatives = suite.rang
""")
_COUNT_FAILURES: Final = text("""
    INSERT INTO envoi_guichet (guichet, echecs, maj_le)
    SELECT code, nombre, :instant
    FROM unnest(CAST(:guichets AS text[]), CAST(:nombres AS int[])) AS t(code, nombre)
    ON CONFLICT (guichet) DO UPDATE
        SET echecs = envoi_guichet.echecs + excluded.echecs, maj_le = excluded.maj_le
    RETURNING guichet, echecs
""")
_SUSPEND: Final = text("""
    UPDATE envoi_guichet e SET suspendu_jusqu_a = s.jusqu_a
    FROM unnest(CAST(:guichets AS text[]), CAST(:instants AS timestamptz[])) AS s(code, jusqu_a)
    WHERE e.guichet = s.code
""")
_RECOVERED: Final = text("DELETE FROM envoi_guichet WHERE guichet = ANY(:guichets)")
# Not EXISTS, which may be planned as a join over the whole backlog: one look at the index per guichet.
_DUE: Final = text("""
    SELECT g.code FROM guichet g
    LEFT JOIN envoi_guichet e ON e.guichet = g.code
    WHERE g.canal = ANY(:canaux) AND g.ferme_le IS NULL AND g.code <> ALL(:sauf)
        AND (e.suspendu_jusqu_a IS NULL OR e.suspendu_jusqu_a <= :instant)
        AND (SELECT true FROM distribution d
            WHERE d.guichet = g.code AND d.etat = 'en_attente' AND d.prochaine_tentative <= :instant
            LIMIT 1)
    ORDER BY g.code
""")
_TAKE_BACK: Final = text("""
    WITH mortes AS (
        UPDATE tentative t SET terminee_le = :instant, issue = 'interrompue',
            detail = 'le processus qui envoyait s''est arrêté ; l''envoi est refait sous le même identifiant'
        WHERE t.terminee_le IS NULL AND NOT EXISTS (
            SELECT FROM pg_locks l
            WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
                AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                AND l.classid::bigint = :classe AND l.objid::bigint = t.porteur)
        RETURNING t.distribution, t.rang
    )
    UPDATE distribution d SET prochaine_tentative = :instant, tentatives_oubliees = tentatives_oubliees + 1
    FROM mortes WHERE d.id = mortes.distribution AND d.tentatives = mortes.rang AND d.etat = 'en_attente'
""")


def take(
    conn: Connection,
    guichets: Iterable[str],
    *,
    instant: datetime,
    porteur: int,
    bail: Bail,
    canaux: Iterable[CanalDistribution] = (CanalDistribution.PUSH,),
) -> dict[str, Envoi]:
    """Take the next distribution of each guichet that has one due, and write the attempt. By guichet.

    canaux: the channels that the caller has a transport for; a guichet on another one is left alone. The
    attempt may be made once the transaction is committed, not before.
    """
    rows = conn.execute(
        _TAKE,
        {
            "guichets": sorted(guichets),
            "instant": instant,
            "canaux": list(canaux),
            "fin_du_bail": instant + bail.duree,
            "porteur": porteur,
        },
    )
    return {row.guichet: _envoi(row) for row in rows}


def finish(conn: Connection, fins: Sequence[Fin], *, instant: datetime) -> None:
    """Record the ends of attempts: acknowledged for ever, or postponed, or failed for good."""
    if not fins:
        return
    conn.execute(
        _CLOSE,
        {
            "instant": instant,
            "ids": [fin.envoi.id for fin in fins],
            "rangs": [fin.envoi.rang for fin in fins],
            "issues": [_issue(fin.resultat) for fin in fins],
            "details": [fin.resultat.detail[:500] if isinstance(fin.resultat, Echec) else "" for fin in fins],
        },
    )
    accepted = [fin.envoi for fin in fins if isinstance(fin.resultat, Accuse)]
    left = [fin.envoi for fin in fins if isinstance(fin.resultat, Remis)]
    failed = {fin.envoi.id: (fin.envoi, fin.resultat) for fin in fins if isinstance(fin.resultat, Echec)}
    if accepted:
        conn.execute(_ACKNOWLEDGE, {"instant": instant, "ids": [envoi.id for envoi in accepted]})
    if accepted or left:
        conn.execute(_RECOVERED, {"guichets": sorted({envoi.guichet for envoi in (*accepted, *left)})})
    _postpone(conn, {fin.envoi.id: fin for fin in fins if not isinstance(fin.resultat, Accuse)}, instant)
    if failed:
        _spare(conn, failed, instant)


def due_guichets(
    conn: Connection,
    *,
    instant: datetime,
    canaux: Iterable[CanalDistribution] = (CanalDistribution.PUSH,),
    sauf: Iterable[str] = (),
) -> tuple[str, ...]:
    """The guichets of these channels that have something to be sent now, but those already being served."""
    values = {"instant": instant, "canaux": list(canaux), "sauf": list(sauf)}
    return tuple(conn.execute(_DUE, values).scalars())


def take_back(conn: Connection, *, instant: datetime) -> int:
    """Make due at once what dead workers had taken; their attempts do not count. Returns how many."""
    return conn.execute(_TAKE_BACK, {"instant": instant, "classe": CLASSE_VERROU}).rowcount


def _postpone(conn: Connection, unfinished: dict[uuid.UUID, Fin], instant: datetime) -> None:
    rows = conn.execute(_FAILED, {"ids": list(unfinished)}).all() if unfinished else ()
    if not rows:
        return
    delays = [_delay(unfinished[row.id].resultat, row.echecs) for row in rows]
    conn.execute(
        _POSTPONE,
        {
            "instant": instant,
            "ids": [row.id for row in rows],
            "rangs": [unfinished[row.id].envoi.rang for row in rows],
            "etats": ["echec" if delay is None else "en_attente" for delay in delays],
            "prochaines": [instant if delay is None else instant + delay for delay in delays],
        },
    )


def _delay(resultat: Accuse | Remis | Echec, essais: int) -> timedelta | None:
    """When to try again; None after the last time: an acknowledgement that comes later still counts."""
    delay = next_delay(essais)
    return delay if delay is None or not isinstance(resultat, Remis) else resultat.delai


def _spare(conn: Connection, failed: dict[uuid.UUID, tuple[Envoi, Echec]], instant: datetime) -> None:
    """Count the failures of the guichets; suspend those that cannot be reached or that refuse everything."""
    counts: dict[str, int] = {}
    unreachable: set[str] = set()
    for envoi, echec in failed.values():
        if echec.genre is GenreEchec.INTERNE:
            continue
        counts[envoi.guichet] = counts.get(envoi.guichet, 0) + 1
        if echec.genre in CONNEXION:
            unreachable.add(envoi.guichet)
    codes = sorted(counts)
    values = {"guichets": codes, "nombres": [counts[code] for code in codes], "instant": instant}
    until: dict[str, datetime] = {}
    for row in conn.execute(_COUNT_FAILURES, values).all():
        pause = suspension(row.echecs, injoignable=row.guichet in unreachable)
        if pause is not None:
            until[row.guichet] = instant + pause
    if until:
        conn.execute(_SUSPEND, {"guichets": list(until), "instants": list(until.values())})


def _issue(resultat: Accuse | Remis | Echec) -> str:
    if isinstance(resultat, Remis):
        return REMISE
    return resultat.statut.value if isinstance(resultat, Accuse) else resultat.genre.value


def _envoi(row: Row[Any]) -> Envoi:
    return Envoi(
        id=row.id,
        rang=row.rang,
        guichet=row.guichet,
        sequence=row.sequence,
        numero=row.numero,
        canal=CanalDistribution(row.canal),
        adresse=row.adresse,
        nom_fichier=name_of(row.guichet, row.sequence, row.cree_le),
        contenu=write_contenu(row.document, row.nature, row.cree_le),
    )
