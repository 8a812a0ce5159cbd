"""What a guichet comes for itself: its distributions with their files, and where it stands.

Reading changes nothing: what is not acknowledged comes back ([DST-27]). It is read again from the register
each time, in the rights of the guichet at that moment; what these no longer cover is withdrawn ([DST-28]),
and what is given is traced ([DST-29]).
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, Row, TextClause, text

from dispatching.deliveries import NATURE_SORTIE, Etat
from dispatching.fichier import name_of, type_of, write_contenu
from registry.droits import may_read
from registry.guichets import CanalDistribution, Guichet

NOMBRE_MAX: Final = 100
"""Distributions of one answer: some 800 KB of usual documents, and as few calls as a client may want."""

OCTETS_MAX: Final = 4 << 20
"""Bytes of files beyond which an answer stops. Threat: memory; a document may have 1 MB."""

_LUS_ENSEMBLE: Final = 10
"""Rows fetched at once: the files that an answer has no room for are not all read."""


class Vue(StrEnum):
    """What a guichet may ask to see."""

    A_ACQUITTER = "A_ACQUITTER"
    """What is left to be acknowledged: waiting, or failed for good on the way of a push."""
    EN_ATTENTE = "EN_ATTENTE"
    ECHEC = "ECHEC"
    ACQUITTEE = "ACQUITTEE"
    RETIREE = "RETIREE"
    TOUTES = "TOUTES"


@dataclass(frozen=True, slots=True)
class FichierDistribue:
    """The file of a distribution. empreinte: SHA-256, hexadecimal."""

    numero: str
    type_fichier: str
    nom: str
    contenu: bytes
    empreinte: str


@dataclass(frozen=True, slots=True)
class Retiree:
    """One distribution as the guichet reads it. fichier: None when it may not be, or no longer is."""

    id: uuid.UUID
    sequence: int
    etat: Etat
    cree_le: datetime
    fichier: FichierDistribue | None


@dataclass(frozen=True, slots=True)
class Lot:
    """An answer. derniere: sequence to go on from. suite: there is more."""

    distributions: Sequence[Retiree]
    derniere: int
    suite: bool


@dataclass(frozen=True, slots=True)
class Situation:
    """Where a guichet stands. derniere: sequence of the last one made for it, 0 when there is none yet.

    premiere, premiere_le: the oldest that is left to be acknowledged. acquittee, acquittee_le: the one of the
    greatest sequence that is acknowledged, and when it was.
    """

    canal: CanalDistribution
    derniere: int
    en_attente: int
    en_echec: int
    premiere: int | None
    premiere_le: datetime | None
    acquittee: int | None
    acquittee_le: datetime | None


_CHOICE: Final = """
    (SELECT id, sequence, etat, nature, cree_le, interface, numero, version FROM distribution
    WHERE guichet = :guichet AND sequence > :apres {etat} ORDER BY sequence LIMIT :limite)
"""
_EN_ATTENTE: Final = " UNION ALL ".join(
    _CHOICE.format(etat=f"AND etat = '{Etat.EN_ATTENTE}' AND {sort}") for sort in ("NOT differee", "differee")
)
# Each state has its own index, or none: what was acknowledged long ago is never walked through to reach what
# waits.
_CHOICES: Final = {
    **{Vue[etat.name]: _CHOICE.format(etat=f"AND etat = '{etat}'") for etat in Etat},
    Vue.EN_ATTENTE: _EN_ATTENTE,
    Vue.A_ACQUITTER: " UNION ALL ".join((_EN_ATTENTE, _CHOICE.format(etat=f"AND etat = '{Etat.ECHEC}'"))),
    Vue.TOUTES: _CHOICE.format(etat=""),
}
_FILES: Final = """
    SELECT d.*, m.territoire, m.communes, v.document, EXISTS (
        SELECT FROM detention h WHERE h.numero = d.numero AND h.guichet = :guichet) AS detenteur
    FROM ({choice}) AS d
    LEFT JOIN demande m ON m.numero = d.numero
    LEFT JOIN demande_version v ON v.numero = d.numero AND v.version = d.version
    ORDER BY d.sequence LIMIT :limite
"""
_READ: Final = {vue: text(_FILES.format(choice=choice)) for vue, choice in _CHOICES.items()}
_READ_THESE: Final = text(
    _FILES.format(
        choice="""
            SELECT id, sequence, etat, nature, cree_le, interface, numero, version FROM distribution
            WHERE guichet = :guichet AND sequence = ANY(:sequences)
        """
    )
)
_TRACE: Final = text("""
    INSERT INTO retrait (distribution, echange, lu_le)
    SELECT id, :echange, :instant FROM unnest(CAST(:ids AS uuid[])) AS t(id) ON CONFLICT DO NOTHING
""")
_PASS: Final = text("""
    INSERT INTO passage (guichet, vu_le) VALUES (:guichet, :instant)
    ON CONFLICT (guichet) DO UPDATE SET vu_le = greatest(passage.vu_le, excluded.vu_le)
""")
_WITHDRAW: Final = text("""
    UPDATE distribution SET etat = 'retiree', termine_le = :instant
    WHERE id = ANY(:ids) AND etat IN ('en_attente', 'echec')
""")


def list_readable(
    conn: Connection,
    guichet: Guichet,
    vue: Vue,
    *,
    apres: int,
    nombre: int,
    instant: datetime,
    echange: uuid.UUID,
) -> Lot:
    """The distributions of that guichet after a sequence, in order, with their files; traced in this
    transaction, which is to be committed before they leave."""
    statement = _READ[vue].bindparams(apres=apres)
    return _give(conn, guichet, statement, apres=apres, nombre=nombre, instant=instant, echange=echange)


def read_these(
    conn: Connection, guichet: Guichet, sequences: Sequence[int], *, instant: datetime, echange: uuid.UUID
) -> Lot:
    """The distributions of that guichet under these sequences, as `list_readable`; `NOMBRE_MAX` at most."""
    statement = _READ_THESE.bindparams(sequences=list(sequences))
    return _give(conn, guichet, statement, apres=0, nombre=NOMBRE_MAX, instant=instant, echange=echange)


def _give(
    conn: Connection,
    guichet: Guichet,
    statement: TextClause,
    *,
    apres: int,
    nombre: int,
    instant: datetime,
    echange: uuid.UUID,
) -> Lot:
    values = {"guichet": guichet.code, "limite": nombre + 1}
    found: list[Retiree] = []
    lost: list[uuid.UUID] = []
    octets = 0
    suite = False
    options = {"stream_results": True, "yield_per": _LUS_ENSEMBLE}
    with conn.execute(statement, values, execution_options=options) as rows:
        for row in rows:
            if len(found) == nombre or octets >= OCTETS_MAX:
                suite = True
                break
            item = _read(row, guichet)
            if item.fichier is not None:
                octets += len(item.fichier.contenu)
            elif item.etat is not Etat(row.etat):
                lost.append(item.id)
            found.append(item)
    if lost:
        conn.execute(_WITHDRAW, {"ids": lost, "instant": instant})
    given = [item.id for item in found if item.fichier is not None]
    if given:
        conn.execute(_TRACE, {"ids": given, "echange": echange, "instant": instant})
    conn.execute(_PASS, {"guichet": guichet.code, "instant": instant})
    return Lot(found, found[-1].sequence if found else apres, suite)


def _read(row: Row[Any], guichet: Guichet) -> Retiree:
    etat = Etat(row.etat)
    # A notice that the demande was left holds nothing of it.
    readable = row.document is not None and (
        (row.nature == NATURE_SORTIE and guichet.actif)
        or may_read(guichet, row.territoire, row.communes, detenteur=row.detenteur).accorde
    )
    if etat is Etat.RETIREE or not readable:
        # What was acknowledged stays so: the guichet has it.
        suite = etat if etat is Etat.ACQUITTEE else Etat.RETIREE
        return Retiree(row.id, row.sequence, suite, row.cree_le, None)
    contenu = write_contenu(row.document, row.nature, row.cree_le, row.interface)
    fichier = FichierDistribue(
        row.numero,
        type_of(row.nature),
        name_of(guichet.code, row.sequence, row.cree_le),
        contenu,
        hashlib.sha256(contenu).hexdigest(),
    )
    return Retiree(row.id, row.sequence, etat, row.cree_le, fichier)


_SITUATE: Final = text("""
    SELECT g.canal, coalesce(c.dernier, 0) AS derniere, reste.en_attente, reste.en_echec,
        premiere.sequence AS premiere, premiere.cree_le AS premiere_le,
        acquittee.sequence AS acquittee, acquittee.termine_le AS acquittee_le
    FROM guichet g
    LEFT JOIN compteur_distribution c ON c.guichet = g.code
    CROSS JOIN LATERAL (SELECT
        (SELECT count(*) FROM distribution WHERE guichet = g.code AND etat = 'en_attente') AS en_attente,
        (SELECT count(*) FROM distribution WHERE guichet = g.code AND etat = 'echec') AS en_echec) AS reste
    LEFT JOIN LATERAL (SELECT sequence, cree_le FROM (
        (SELECT sequence, cree_le FROM distribution WHERE guichet = g.code AND etat = 'en_attente'
            AND NOT differee ORDER BY sequence LIMIT 1)
        UNION ALL
        (SELECT sequence, cree_le FROM distribution WHERE guichet = g.code AND etat = 'en_attente'
            AND differee ORDER BY sequence LIMIT 1)
        UNION ALL
        (SELECT sequence, cree_le FROM distribution WHERE guichet = g.code AND etat = 'echec'
            ORDER BY sequence LIMIT 1)) AS tetes ORDER BY sequence LIMIT 1) AS premiere ON true
    LEFT JOIN LATERAL (SELECT sequence, termine_le FROM distribution
        WHERE guichet = g.code AND etat = 'acquittee' ORDER BY sequence DESC LIMIT 1) AS acquittee ON true
    WHERE g.code = :guichet
""")


def situate(conn: Connection, guichet: str) -> Situation:
    """Where that guichet stands. Raises sqlalchemy.exc.NoResultFound when there is no such guichet."""
    row = conn.execute(_SITUATE, {"guichet": guichet}).one()
    return Situation(
        CanalDistribution(row.canal),
        row.derniere,
        row.en_attente,
        row.en_echec,
        row.premiere,
        row.premiere_le,
        row.acquittee,
        row.acquittee_le,
    )


def find_id(conn: Connection, guichet: str, sequence: int) -> uuid.UUID | None:
    """The distribution of that sequence, or None."""
    found: uuid.UUID | None = conn.execute(
        text("SELECT id FROM distribution WHERE guichet = :guichet AND sequence = :sequence"),
        {"guichet": guichet, "sequence": sequence},
    ).scalar_one_or_none()
    return found


def list_readings(conn: Connection, distribution: uuid.UUID) -> tuple[tuple[uuid.UUID, datetime], ...]:
    """The exchanges by which a guichet read that distribution, and when, in order ([DST-29]).

    The table `retrait` says more than the common trace of readings (registry.traces), which tells whose data
    left, by the numbers alone: which distribution, hence which version and which bytes. Of two events of one
    demande in one answer, the common trace is the same. It is also kept when the common trace is erased: it
    names nobody.
    """
    rows = conn.execute(
        text("SELECT echange, lu_le FROM retrait WHERE distribution = :id ORDER BY echange"),
        {"id": distribution},
    )
    return tuple((row.echange, row.lu_le) for row in rows)
