"""The attempts, in the database: taken, ended, taken back from the dead.

An attempt is written before it is made. Taking a distribution pushes its next attempt to the end of a lease:
as long as the lease runs nobody else takes it, and if the worker dies the distribution comes back by itself.
A sending never lasts as long as a lease (`Bail`), so two workers never send the same distribution at once.
When the death of a worker is certain, because the advisory lock of its session is free, nobody waits for the
end of the lease.

Order: a distribution is not taken while an earlier one of the same demande to the same guichet waits. So
those that are sent to a guichet at once are of different demandes.

Functions take many steps at once: one transaction serves all the guichets that are being served.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, text

from dispatching.canaux import ADRESSE
from dispatching.disjoncteur import is_counted
from dispatching.disjoncteurs import (
    Observation,
    record_failures,
    record_handovers,
    record_successes,
)
from dispatching.fichier import name_of, write_contenu
from dispatching.retry import REGLES, ReglesRemise, next_delay
from dispatching.transport import Accuse, Cause, Echec, Envoi, GenreEchec, Remis
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


# The channels that a guichet `g` may be served by now: its own, unless its circuit breaker is open; and,
# while it is served by its fallback, the one to come back to, when a probe of it is due. `libre_le` is what
# keeps to the pace that was asked for.
_CANAUX: Final = f"""
    LEFT JOIN remise_guichet r ON r.guichet = g.code
    CROSS JOIN LATERAL (VALUES (1, r.principal), (2, g.canal)) AS c(rang, canal)
    LEFT JOIN disjoncteur e ON e.guichet = g.code AND e.canal = c.canal
    WHERE g.ferme_le IS NULL AND c.canal = ANY(:canaux)
        AND (c.rang = 2 OR e.ouvert_le IS NOT NULL AND {ADRESSE} <> '')
        AND (e.suspendu_jusqu_a IS NULL OR e.suspendu_jusqu_a <= :instant)
        AND (r.libre_le IS NULL OR r.libre_le <= :instant)
"""
# The earlier distributions of the same demande are looked up by number. NOT EXISTS, or a condition on
# 'en_attente', would let the planner walk the index of what waits instead: the whole backlog at each step.
_PREMIERE: Final = """
    AND (SELECT true FROM distribution avant
        WHERE avant.numero = d.numero AND avant.guichet = d.guichet AND avant.sequence < d.sequence
            AND avant.etat NOT IN ('acquittee', 'echec', 'retiree') LIMIT 1) IS NULL
"""
# Of what is due, what has been due longest: among the new ones, which are in the order of their sequences,
# and among those put off, which are in the order of their instants. Of a channel that is half-open, only
# whoever locks its row takes something: one probe for all the workers.
_NEUVE: Final = """
    SELECT d.id, d.prochaine_tentative AS due_le FROM distribution d
    WHERE d.guichet = v.code AND d.etat = 'en_attente' AND NOT d.differee
        AND d.prochaine_tentative <= :instant AND d.raison {raison} 'rattrapage' {premiere}
    ORDER BY d.sequence LIMIT v.places FOR UPDATE OF d SKIP LOCKED
"""
# What an event made goes before what is offered from the stock, of which few wait at a time
# (dispatching.offres): the second look is not made when the first one finds enough. An offer is due last of
# all. A probe, and what keeps to a pace, leave one at a time.
_TAKE: Final = text(f"""
    WITH voulus AS MATERIALIZED (
        SELECT DISTINCT ON (g.code) g.code, c.canal, {ADRESSE} AS adresse, e.ouvert_le IS NOT NULL AS sonde,
            r.debit, r.simultanes,
            CASE WHEN e.ouvert_le IS NULL AND r.debit IS NULL THEN voulu.places ELSE 1 END AS places
        FROM unnest(CAST(:guichets AS text[]), CAST(:places AS int[])) AS voulu(code, places)
        JOIN guichet g ON g.code = voulu.code
        {_CANAUX}
        ORDER BY g.code, c.rang
    ), verrous AS MATERIALIZED (
        SELECT e.guichet FROM disjoncteur e
        JOIN voulus v ON v.sonde AND v.code = e.guichet AND v.canal = e.canal
        WHERE e.ouvert_le IS NOT NULL AND e.suspendu_jusqu_a <= :instant
        FOR UPDATE OF e SKIP LOCKED
    ), admis AS MATERIALIZED (
        SELECT * FROM voulus WHERE NOT sonde OR code IN (SELECT guichet FROM verrous)
    ), neuves AS MATERIALIZED (
        SELECT v.*, d.* FROM admis v CROSS JOIN LATERAL (
            SELECT id, due_le FROM ({_NEUVE.format(raison="<>", premiere=_PREMIERE)}) AS directe
            UNION ALL
            SELECT id, :instant FROM ({_NEUVE.format(raison="=", premiere=_PREMIERE)}) AS offerte
            LIMIT v.places
        ) AS d
    ), differees AS MATERIALIZED (
        SELECT v.*, d.* FROM admis v CROSS JOIN LATERAL (
            SELECT d.id, d.prochaine_tentative AS due_le FROM distribution d
            WHERE d.guichet = v.code AND d.etat = 'en_attente' AND d.differee
                AND d.prochaine_tentative <= :instant {_PREMIERE}
            ORDER BY d.prochaine_tentative, d.sequence LIMIT v.places FOR UPDATE OF d SKIP LOCKED
        ) AS d
    ), choix AS MATERIALIZED (
        SELECT * FROM (
            SELECT *, row_number() OVER (PARTITION BY code ORDER BY due_le, id) AS place
            FROM (TABLE differees UNION ALL TABLE neuves) AS c
        ) AS c WHERE place <= places
    ), sondes AS (
        UPDATE disjoncteur e SET sonde = choix.id, suspendu_jusqu_a = :fin_du_bail, maj_le = :instant
        FROM choix WHERE choix.sonde AND e.guichet = choix.code AND e.canal = choix.canal
    ), cadences AS (
        UPDATE remise_guichet r SET libre_le = greatest(r.libre_le, :instant - interval '2 seconds')
            + interval '1 minute' / r.debit
        FROM choix WHERE choix.debit IS NOT NULL AND r.guichet = choix.code
    ), prises AS (
        UPDATE distribution d SET tentatives = d.tentatives + 1, prochaine_tentative = :fin_du_bail
        FROM choix WHERE d.id = choix.id
        RETURNING d.id, d.guichet, d.sequence, d.numero, d.version, d.nature, d.cree_le, d.interface,
            d.tentatives AS rang, choix.canal, choix.adresse, choix.sonde, choix.simultanes
    ), ecrites AS (
        INSERT INTO tentative (distribution, rang, commencee_le, porteur)
        SELECT id, rang, :instant, :porteur FROM prises
    )
    SELECT prises.*, v.document FROM prises
    JOIN demande_version v ON v.numero = prises.numero AND v.version = prises.version
    ORDER BY prises.guichet, prises.sequence
""")  # noqa: S608 (constant expressions)
# The later events of a demande are looked up by its number and nothing else, as the earlier ones: what is
# asked of them is asked of what was found. Otherwise the planner, with statistics of before a backlog, walks
# all that was put off at each acknowledgement.
_SUIVANTES: Final = """
    CROSS JOIN LATERAL (
        SELECT s.id, s.etat, s.differee, s.tentatives, s.prochaine_tentative FROM distribution s
        WHERE s.numero = avant.numero AND s.guichet = avant.guichet AND s.sequence > avant.sequence OFFSET 0
    ) AS suivante
"""
DELIVRER: Final = f"""
    UPDATE distribution SET prochaine_tentative = :instant WHERE id = ANY(ARRAY(
        SELECT suivante.id FROM finies AS avant {_SUIVANTES}
        WHERE suivante.etat = 'en_attente' AND suivante.differee AND suivante.tentatives = 0
            AND suivante.prochaine_tentative > :instant))
"""  # noqa: S608 (constant expression)
"""SQL: what was put off behind the distributions of `finies` (numero, guichet, sequence) is due."""

_CLOSE: Final = text("""
    UPDATE tentative t SET terminee_le = :instant, issue = fin.issue, detail = fin.detail
    FROM unnest(CAST(:ids AS uuid[]), CAST(:rangs AS int[]), CAST(:issues AS text[]),
        CAST(:details AS text[])) AS fin(id, rang, issue, detail)
    WHERE t.distribution = fin.id AND t.rang = fin.rang
""")
# Whatever the rank: what the partner has acknowledged is acknowledged, even if the lease had run out. What
# was put off behind it is due.
_ACKNOWLEDGE: Final = text(f"""
    WITH finies AS (
        UPDATE distribution SET etat = 'acquittee', termine_le = :instant, cause = NULL
        WHERE id = ANY(:ids) AND etat <> 'acquittee' RETURNING numero, guichet, sequence
    )
    {DELIVRER}
""")  # noqa: S608 (constant expression)
_LEFT_BEFORE: Final = text("""
    SELECT t.distribution FROM tentative t
    JOIN unnest(CAST(:ids AS uuid[]), CAST(:rangs AS int[])) AS avant(id, rang)
        ON t.distribution = avant.id AND t.rang = avant.rang
    JOIN distribution d ON d.id = t.distribution AND d.etat = 'en_attente'
    WHERE t.issue = 'remise'
""")
_SANS_ACCUSE: Final = "la distribution n° %d est partie, et son accusé n'est pas venu à temps"
_FAILED: Final = text("""
    SELECT id, guichet, tentatives - tentatives_oubliees AS echecs FROM distribution
    WHERE id = ANY(:ids) AND etat = 'en_attente' ORDER BY guichet, sequence FOR UPDATE
""")
# Only the last attempt decides of the next one: that of an attempt overtaken is already written. The rows are
# those that _FAILED has just locked, still waiting.
_POSTPONE: Final = text("""
    UPDATE distribution d SET etat = suite.etat, prochaine_tentative = suite.prochaine, differee = true,
        tentatives_oubliees = d.tentatives_oubliees + suite.oubliees, cause = suite.cause,
        termine_le = CASE WHEN suite.etat = 'echec' THEN CAST(:instant AS timestamptz) END
    FROM unnest(CAST(:ids AS uuid[]), CAST(:rangs AS int[]), CAST(:etats AS text[]),
        CAST(:prochaines AS timestamptz[]), CAST(:oubliees AS int[]), CAST(:causes AS text[]))
        AS suite(id, rang, etat, prochaine, oubliees, cause)
    WHERE d.id = suite.id AND d.tentatives = suite.rang
""")
# The later events of the same demande cannot leave before: nobody walks past them meanwhile. Those behind a
# failure for good are due.
_FOLLOW: Final = text(f"""
    UPDATE distribution d SET differee = true, prochaine_tentative = suite.prochaine
    FROM (
        SELECT suivante.id, CASE avant.etat WHEN 'en_attente' THEN
            greatest(suivante.prochaine_tentative, avant.prochaine_tentative) ELSE :instant END AS prochaine
        FROM distribution avant {_SUIVANTES}
        WHERE avant.id = ANY(:ids) AND suivante.etat = 'en_attente' AND suivante.tentatives = 0
    ) AS suite
    WHERE d.id = suite.id
""")  # noqa: S608 (constant expression)
# Not EXISTS, which may be planned as a join over the whole backlog: two looks at the index per guichet.
# Without an order, a table that holds mostly the backlog of one guichet is read whole for each of the others.
_DUE: Final = text(f"""
    SELECT DISTINCT g.code FROM guichet g
    {_CANAUX}
        AND g.code <> ALL(:sauf)
        AND ((SELECT true FROM distribution d
                WHERE d.guichet = g.code AND d.etat = 'en_attente' AND NOT d.differee
                    AND d.prochaine_tentative <= :instant ORDER BY d.sequence LIMIT 1)
            OR (SELECT true FROM distribution d
                WHERE d.guichet = g.code AND d.etat = 'en_attente' AND d.differee
                    AND d.prochaine_tentative <= :instant ORDER BY d.prochaine_tentative LIMIT 1))
    ORDER BY g.code
""")  # noqa: S608 (constant expression)
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
    ), sondes AS (
        UPDATE disjoncteur SET sonde = NULL, suspendu_jusqu_a = :instant
        WHERE sonde IN (SELECT distribution FROM mortes)
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
) -> list[Envoi]:
    """Take the next distributions due to these guichets, and write their attempts.

    guichets: as many mentions of each as sendings wanted at most; of different demandes. canaux: the channels
    that the caller has a transport for; a guichet on another one is left alone. In the order of the guichets,
    then of the sequences. The attempts may be made once the transaction is committed, not before.
    """
    wanted = sorted(Counter(guichets).items())
    rows = conn.execute(
        _TAKE,
        {
            "guichets": [code for code, _ in wanted],
            "places": [places for _, places in wanted],
            "instant": instant,
            "canaux": list(canaux),
            "fin_du_bail": instant + bail.duree,
            "porteur": porteur,
        },
    )
    # The receivers of one event get the same bytes: written once.
    written: dict[tuple[str, int, str, datetime, str | None], bytes] = {}
    envois = []
    for row in rows:
        key = (row.numero, row.version, row.nature, row.cree_le, row.interface)
        if key not in written:
            written[key] = write_contenu(row.document, row.nature, row.cree_le, row.interface)
        envois.append(_envoi(row, written[key]))
    return envois


def finish(
    conn: Connection, fins: Sequence[Fin], *, instant: datetime, regles: ReglesRemise = REGLES
) -> None:
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
    accepted = [fin.envoi.id for fin in fins if isinstance(fin.resultat, Accuse)]
    if accepted:
        conn.execute(_ACKNOWLEDGE, {"instant": instant, "ids": accepted})
    answered = {(fin.envoi.guichet, fin.envoi.canal) for fin in fins if isinstance(fin.resultat, Accuse)}
    if answered:
        record_successes(conn, answered, instant=instant)
    left = [fin.envoi for fin in fins if isinstance(fin.resultat, Remis)]
    unanswered = _unanswered(conn, left)
    handed = [(each.guichet, each.canal, each.id) for each in left if each.id not in unanswered]
    if handed:
        record_handovers(conn, handed, instant=instant, regles=regles.disjoncteur)
    _postpone(
        conn, {fin.envoi.id: fin for fin in fins if not isinstance(fin.resultat, Accuse)}, instant, regles
    )
    failed = [
        Observation(fin.envoi.guichet, fin.envoi.canal, fin.envoi.id, fin.resultat.genre, fin.resultat.detail)
        for fin in fins
        if isinstance(fin.resultat, Echec)
    ] + [
        Observation(each.guichet, each.canal, each.id, GenreEchec.SANS_ACCUSE, _SANS_ACCUSE % each.sequence)
        for each in left
        if each.id in unanswered
    ]
    if failed:
        record_failures(conn, failed, instant=instant, regles=regles.disjoncteur)


def _unanswered(conn: Connection, left: Sequence[Envoi]) -> set[uuid.UUID]:
    """Of those that have just left, those that had left the time before, and whose acknowledgement is still
    to come."""
    again = [each for each in left if each.rang > 1]
    if not again:
        return set()
    values = {"ids": [each.id for each in again], "rangs": [each.rang - 1 for each in again]}
    return set(conn.execute(_LEFT_BEFORE, values).scalars())


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


def _postpone(
    conn: Connection, unfinished: dict[uuid.UUID, Fin], instant: datetime, regles: ReglesRemise
) -> None:
    rows = conn.execute(_FAILED, {"ids": list(unfinished)}).all() if unfinished else ()
    if not rows:
        return
    fins = [unfinished[row.id] for row in rows]
    delays = [_delay(fin, row.echecs, regles) for fin, row in zip(fins, rows, strict=True)]
    conn.execute(
        _POSTPONE,
        {
            "instant": instant,
            "ids": [fin.envoi.id for fin in fins],
            "rangs": [fin.envoi.rang for fin in fins],
            "etats": ["echec" if delay is None else "en_attente" for delay in delays],
            "prochaines": [instant if delay is None else instant + delay for delay in delays],
            "oubliees": [int(_is_spared(fin)) for fin in fins],
            "causes": [
                _cause(fin.resultat) if delay is None else None
                for fin, delay in zip(fins, delays, strict=True)
            ],
        },
    )
    conn.execute(_FOLLOW, {"instant": instant, "ids": [fin.envoi.id for fin in fins]})


def _delay(fin: Fin, essais: int, regles: ReglesRemise) -> timedelta | None:
    """When to try again; None after the last time: an acknowledgement that comes later still counts."""
    if _is_spared(fin):
        return timedelta(0)
    delay = next_delay(essais, regles.echeancier(fin.envoi.canal).delais)
    return delay if delay is None or not isinstance(fin.resultat, Remis) else fin.resultat.delai


def _is_spared(fin: Fin) -> bool:
    """A probe that failed with its channel loses no attempt: it is the guichet that is tried, and left alone
    until the next probe ([DST-42])."""
    return fin.envoi.sonde and isinstance(fin.resultat, Echec) and is_counted(fin.resultat.genre)


def _cause(resultat: Accuse | Remis | Echec) -> str:
    return resultat.genre.value if isinstance(resultat, Echec) else Cause.SANS_ACCUSE.value


def _issue(resultat: Accuse | Remis | Echec) -> str:
    if isinstance(resultat, Remis):
        return REMISE
    return resultat.statut.value if isinstance(resultat, Accuse) else resultat.genre.value


def _envoi(row: Row[Any], contenu: bytes) -> Envoi:
    return Envoi(
        id=row.id,
        rang=row.rang,
        guichet=row.guichet,
        sequence=row.sequence,
        numero=row.numero,
        canal=CanalDistribution(row.canal),
        adresse=row.adresse,
        sonde=row.sonde,
        nom_fichier=name_of(row.guichet, row.sequence, row.cree_le),
        contenu=contenu,
        simultanes=row.simultanes,
    )
