"""The distributions: made by the decision, listed, replayed.

Each guichet has its own sequence 1, 2, 3… without gap: the counter is a row updated in the transaction that
makes the distributions, so a rollback gives the numbers back, and its lock orders those who make some.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, Row, text

from dispatching.connu import connu_to_json
from dispatching.recipients import SORTIES, Raison, Verdict
from dispatching.transport import Cause
from filters.source import Connu
from registry.evenements import EvenementDemande
from registry.lignes import encode_rows
from schemas.kinds import VERSIONS_DEMANDE

CANAL_NOTIFICATION: Final = "distribution"
"""Channel of NOTIFY: told at the commit of a transaction that made distributions due, with the codes of their
guichets, separated by a space; without any, whoever hears of it looks for what is due."""

_TEXTE_MAX: Final = 7_900
"""Bytes of the text of a notification (PostgreSQL allows 7,999)."""


NATURE_SORTIE: Final = "SOR"
"""Nature of the notice that a demande has left what a guichet receives: of our own, never on the wire."""


class Etat(StrEnum):
    """State of a distribution. Stored; never renamed."""

    EN_ATTENTE = "en_attente"
    """To be sent, or being sent."""
    ACQUITTEE = "acquittee"
    """The partner has acknowledged it: it is never sent again."""
    ECHEC = "echec"
    """All the attempts have failed: it waits for a replay, or for the guichet to come for it."""
    RETIREE = "retiree"
    """Nothing is to be delivered any more: the demande was erased, or may no longer be read."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """One distribution. `raison`, `filtre` and `filtre_version` tell why the guichet gets it; `cause`, why it
    failed for good."""

    id: uuid.UUID
    guichet: str
    sequence: int
    numero: str
    version: int
    nature: str
    raison: Raison
    filtre: int | None
    filtre_version: int | None
    cree_le: datetime
    etat: Etat
    prochaine_tentative: datetime
    tentatives: int
    termine_le: datetime | None
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided for one event, with the state of knowledge that decided it."""

    evenement: EvenementDemande
    verdicts: Sequence[Verdict]
    connu: Connu | None = None


# JSON in, rows out: one parameter for a batch instead of one for each column (docs/decisions/0041).
# One round trip: the decisions, and the last sequences after adding those of this transaction.
_DECIDE: Final = text("""
    WITH decisions AS (
        INSERT INTO decision (numero, version, evenement, nature, territoire, auteur, decidee_le,
            generation_filtres, generation_perimetres, destinataires, connu)
        SELECT numero, version, evenement, nature, territoire, auteur, :instant,
            :filtres, :perimetres, destinataires, connu
        FROM json_to_recordset(CAST(:decisions AS json)) AS t(numero text, version int, evenement bigint,
            nature text, territoire text, auteur text, destinataires int, connu jsonb)
    )
    INSERT INTO compteur_distribution (guichet, dernier)
    SELECT guichet, nombre
    FROM json_to_recordset(CAST(:nombres AS json)) AS t(guichet text, nombre bigint)
    ORDER BY guichet
    ON CONFLICT (guichet) DO UPDATE SET dernier = compteur_distribution.dernier + excluded.dernier
    RETURNING guichet, dernier
""")
_DISTRIBUTE: Final = text("""
    WITH lot AS MATERIALIZED (
        SELECT * FROM json_to_recordset(CAST(:lot AS json)) AS t(id uuid, guichet text, sequence bigint,
            numero text, version int, nature text, raison text, filtre bigint, filtre_version int)
    ), distributions AS (
        INSERT INTO distribution (id, guichet, sequence, numero, version, nature, raison, filtre,
            filtre_version, interface, cree_le, prochaine_tentative)
        SELECT id, guichet, sequence, numero, version, lot.nature, raison, filtre,
            filtre_version, NULLIF(g.version_demande, :courante), :instant, :instant
        FROM lot LEFT JOIN guichet g ON g.code = lot.guichet
    ), detentions AS (
        INSERT INTO detention (numero, guichet, depuis_le, motif)
        SELECT DISTINCT numero, guichet, CAST(:instant AS timestamptz), 'distribution' FROM lot
        ON CONFLICT DO NOTHING
    )
    SELECT pg_notify('distribution', :guichets)
""")


_LEAVE: Final = text("""
    DELETE FROM detention h USING json_to_recordset(CAST(:lot AS json)) AS t(numero text, guichet text)
    WHERE h.numero = t.numero AND h.guichet = t.guichet AND h.motif = 'distribution'
""")


def write_decisions(
    conn: Connection, decisions: Sequence[Decision], *, instant: datetime, filtres: int, perimetres: int
) -> None:
    """Write decisions and their distributions: two statements for a batch, one when nobody receives
    ([DST-2] [DST-11]).

    filtres, perimetres: generations that decided. The sequences of a guichet follow the order of `decisions`.
    """
    counts: dict[str, int] = {}
    for decision in decisions:
        for verdict in decision.verdicts:
            counts[verdict.guichet.code] = counts.get(verdict.guichet.code, 0) + 1
    rows = conn.execute(
        _DECIDE,
        {
            "instant": instant,
            "filtres": filtres,
            "perimetres": perimetres,
            "decisions": encode_rows(map(_decision_row, decisions)),
            # Counters are locked in the order of the codes, by everyone: no deadlock.
            "nombres": encode_rows([{"guichet": code, "nombre": counts[code]} for code in sorted(counts)]),
        },
    )
    last = {row.guichet: row.dernier - counts[row.guichet] for row in rows}
    if not counts:
        return
    ids = iter(uuid7s(instant, sum(counts.values())))
    lot = []
    for decision in decisions:
        event = decision.evenement
        for verdict in decision.verdicts:
            code = verdict.guichet.code
            last[code] += 1
            row = {
                "id": next(ids),
                "guichet": code,
                "sequence": last[code],
                "numero": event.numero,
                "version": event.version,
                "nature": NATURE_SORTIE if verdict.raison in SORTIES else event.nature,
                "raison": verdict.raison,
            }
            if verdict.filtre is not None:
                row["filtre"] = verdict.filtre.identifiant
                row["filtre_version"] = verdict.filtre.version
            lot.append(row)
    distribute(conn, lot, instant=instant)


def distribute(conn: Connection, lot: Sequence[Mapping[str, object]], *, instant: datetime) -> None:
    """Write distributions made at `instant`, their holders, and wake the workers; each in the version of the
    demande that its guichet reads by now ([SOA-44]).

    Of each: id, guichet, sequence, numero, version, nature, raison; filtre and filtre_version when a filter
    is the reason. The sequences were taken in this transaction.
    """
    codes = " ".join(dict.fromkeys(str(row["guichet"]) for row in lot))
    told = codes if len(codes) <= _TEXTE_MAX else ""
    values = {"instant": instant, "lot": encode_rows(lot), "guichets": told, "courante": VERSIONS_DEMANDE[-1]}
    conn.execute(_DISTRIBUTE, values)
    # The last of each pair decides: a demande may leave and enter again in one batch.
    natures = {(row["numero"], row["guichet"]): row["nature"] for row in lot}
    sorties = [{"numero": n, "guichet": g} for (n, g), nature in natures.items() if nature == NATURE_SORTIE]
    if sorties:
        conn.execute(_LEAVE, {"lot": encode_rows(sorties)})


def uuid7s(instant: datetime, nombre: int) -> list[uuid.UUID]:
    """UUIDs version 7 (RFC 9562 §5.7) of this instant: sorted by millisecond, so the index stays dense.

    One draw for all: asking the system for each is what they would cost most.
    """
    head = (int(instant.timestamp() * 1000) & (2**48 - 1)) << 80 | 0x7 << 76 | 0b10 << 62
    draws = secrets.token_bytes(10 * nombre)
    found = []
    for place in range(0, 10 * nombre, 10):
        draw = int.from_bytes(draws[place : place + 10], "big")
        found.append(uuid.UUID(int=head | (draw >> 68) << 64 | draw & (2**62 - 1)))
    return found


def _decision_row(decision: Decision) -> dict[str, object]:
    event = decision.evenement
    connu = {} if decision.connu is None else {"connu": connu_to_json(decision.connu)}
    return {
        "numero": event.numero,
        "version": event.version,
        "evenement": event.sequence,
        "nature": event.nature,
        "territoire": event.territoire,
        "auteur": event.auteur,
        "destinataires": len(decision.verdicts),
        **connu,
    }


_COLUMNS: Final = """
    id, guichet, sequence, numero, version, nature, raison, filtre, filtre_version, cree_le, etat,
    prochaine_tentative, tentatives, termine_le, cause
"""
_LIST: Final = text(f"""
    SELECT {_COLUMNS} FROM distribution
    WHERE (CAST(:guichet AS text) IS NULL OR guichet = :guichet)
        AND (CAST(:numero AS text) IS NULL OR numero = :numero)
        AND (CAST(:etat AS text) IS NULL OR etat = :etat)
        AND (CAST(:apres AS bigint) IS NULL OR sequence > :apres)
    ORDER BY guichet, sequence LIMIT :limite
""")  # noqa: S608 (constant column list)
_REPLAY: Final = text("""
    WITH rejouees AS (
        UPDATE distribution SET etat = 'en_attente', prochaine_tentative = :instant, differee = true,
            termine_le = NULL, cause = NULL, relancee_le = :instant, tentatives_oubliees = tentatives
        WHERE etat = 'echec' AND (CAST(:guichet AS text) IS NULL OR guichet = :guichet)
            AND (CAST(:ids AS uuid[]) IS NULL OR id = ANY(:ids))
            AND (CAST(:cause AS text) IS NULL OR cause = :cause)
            AND (CAST(:depuis AS timestamptz) IS NULL OR termine_le >= :depuis)
            AND (CAST(:avant AS timestamptz) IS NULL OR termine_le < :avant)
        RETURNING guichet
    ), reprises AS (
        UPDATE disjoncteur SET suspendu_jusqu_a = :instant, maj_le = :instant
        WHERE sonde IS NULL AND guichet IN (SELECT guichet FROM rejouees)
    )
    SELECT count(*), pg_notify('distribution', '') FROM rejouees
""")


def list_distributions(
    conn: Connection,
    *,
    guichet: str | None = None,
    numero: str | None = None,
    etat: Etat | None = None,
    apres: int | None = None,
    limite: int = 1_000,
) -> tuple[Distribution, ...]:
    """The distributions that meet all the criteria given, by guichet and sequence.

    apres: only the sequences after this one, to read on where `limite` cut.
    """
    values = {"guichet": guichet, "numero": numero, "etat": etat and etat.value, "apres": apres}
    return tuple(distribution_of(row) for row in conn.execute(_LIST, {**values, "limite": limite}))


def count_by_etat(conn: Connection, guichet: str | None = None) -> dict[tuple[str, Etat], int]:
    """How many distributions, by guichet and state."""
    rows = conn.execute(
        text("""
            SELECT guichet, etat, count(*) AS nombre FROM distribution
            WHERE CAST(:guichet AS text) IS NULL OR guichet = :guichet GROUP BY guichet, etat ORDER BY 1, 2
        """),
        {"guichet": guichet},
    )
    return {(row.guichet, Etat(row.etat)): row.nombre for row in rows}


def replay(
    conn: Connection,
    *,
    instant: datetime,
    guichet: str | None = None,
    ids: Iterable[uuid.UUID] | None = None,
    cause: Cause | None = None,
    depuis: datetime | None = None,
    avant: datetime | None = None,
) -> int:
    """Try again what has failed for good and meets all that is given; how many ([DST-45]).

    depuis, avant: when it failed; `avant` excluded. The attempts and the deadline start over; the identifiers
    and the sequences stay. What is acknowledged is not touched.
    """
    values = {
        "instant": instant,
        "guichet": guichet,
        "ids": None if ids is None else list(ids),
        "cause": cause and cause.value,
        "depuis": depuis,
        "avant": avant,
    }
    return int(conn.execute(_REPLAY, values).scalar_one())


def distribution_of(row: Row[Any]) -> Distribution:
    """The distribution of a row that has all its columns."""
    return Distribution(
        id=row.id,
        guichet=row.guichet,
        sequence=row.sequence,
        numero=row.numero,
        version=row.version,
        nature=row.nature,
        raison=Raison(row.raison),
        filtre=row.filtre,
        filtre_version=row.filtre_version,
        cree_le=row.cree_le,
        etat=Etat(row.etat),
        prochaine_tentative=row.prochaine_tentative,
        tentatives=row.tentatives,
        termine_le=row.termine_le,
        cause=row.cause and Cause(row.cause),
    )
