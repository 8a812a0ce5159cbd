"""Distributions that no event makes: what is offered from the stock, and the notices of leaving that time
alone makes. Written under the lock of the chain, each with what was known when it was decided, as a decision
keeps it for an event.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from sqlalchemy import Connection, TextClause, text

from dispatching.connu import connu_to_json
from dispatching.deliveries import NATURE_SORTIE, distribute, uuid7s
from dispatching.recipients import Raison
from filters.source import Connu
from filters.store import VersionFiltre
from registry.lignes import encode_rows


@dataclass(frozen=True, slots=True)
class Savoir:
    """What judges: the generations of filters and perimeters, at an instant. rattrapage: the walk, if any."""

    instant: datetime
    filtres: int
    perimetres: int
    rattrapage: int | None = None


@dataclass(frozen=True, slots=True)
class Trouvee:
    """A demande to be offered, in the version that was judged."""

    numero: str
    version: int
    nature: str
    filtre: VersionFiltre
    connu: Connu | None


@dataclass(frozen=True, slots=True)
class Quittee:
    """A demande that no filter of its holder takes any more, in the version that was judged.

    filtres: those that judged, identifiers and versions.
    """

    numero: str
    version: int
    filtres: frozenset[tuple[int, int]]
    connu: Connu | None


def offer(conn: Connection, guichet: str, trouvees: Sequence[Trouvee], savoir: Savoir, raison: Raison) -> int:
    """Make the distributions of those that are still as they were judged and that the guichet still does not
    hold; how many. To be called under the lock of the chain."""
    rows = [
        {
            "numero": each.numero,
            "version": each.version,
            "nature": each.nature,
            "raison": raison,
            "filtre": each.filtre.identifiant,
            "filtre_version": each.filtre.version,
        }
        for each in _same(conn, _NOT_HELD, guichet, trouvees)
    ]
    return _make(conn, guichet, rows, {each.numero: each.connu for each in trouvees}, savoir)


def release(conn: Connection, guichet: str, quittees: Sequence[Quittee], savoir: Savoir) -> int:
    """Make the notices of leaving of those that are still as they were judged, and that the guichet still
    holds because it received them; how many. To be called under the lock of the chain."""
    rows = [
        {
            "numero": each.numero,
            "version": each.version,
            "nature": NATURE_SORTIE,
            "raison": Raison.SORTIE_TEMPS,
        }
        for each in _same(conn, _RECEIVED, guichet, quittees)
    ]
    return _make(conn, guichet, rows, {each.numero: each.connu for each in quittees}, savoir)


_Lue = TypeVar("_Lue", Trouvee, Quittee)


def _same(conn: Connection, query: TextClause, guichet: str, lot: Sequence[_Lue]) -> list[_Lue]:
    """Those that the query still finds as they were judged."""
    versions = encode_rows({"numero": each.numero, "version": each.version} for each in lot)
    same = set(conn.execute(query, {"lot": versions, "guichet": guichet}).scalars())
    return [each for each in lot if each.numero in same]


def _make(
    conn: Connection,
    guichet: str,
    rows: Sequence[dict[str, object]],
    connus: Mapping[str, Connu | None],
    savoir: Savoir,
) -> int:
    if not rows:
        return 0
    nombre = len(rows)
    dernier = conn.execute(_COUNT_UP, {"guichet": guichet, "nombre": nombre}).scalar_one()
    origins = []
    for rang, (identifiant, row) in enumerate(
        zip(uuid7s(savoir.instant, nombre), rows, strict=True), start=1
    ):
        row |= {"id": identifiant, "guichet": guichet, "sequence": dernier - nombre + rang}
        connu = connus[str(row["numero"])]
        origins.append(
            {"distribution": identifiant, "connu": None if connu is None else connu_to_json(connu)}
        )
    distribute(conn, rows, instant=savoir.instant)
    conn.execute(
        _ORIGINS,
        {
            "lot": encode_rows(origins),
            "rattrapage": savoir.rattrapage,
            "filtres": savoir.filtres,
            "perimetres": savoir.perimetres,
        },
    )
    return nombre


_STILL: Final = """
    SELECT d.numero FROM json_to_recordset(CAST(:lot AS json)) AS t(numero text, version int)
    JOIN demande d ON d.numero = t.numero AND d.version = t.version AND d.etat = 'active'
"""
_NOT_HELD: Final = text(f"""{_STILL}
    WHERE NOT EXISTS (SELECT FROM detention h WHERE h.numero = t.numero AND h.guichet = :guichet)
""")
_RECEIVED: Final = text(f"""{_STILL}
    JOIN detention h ON h.numero = t.numero AND h.guichet = :guichet AND h.motif = 'distribution'
""")
_COUNT_UP: Final = text("""
    INSERT INTO compteur_distribution (guichet, dernier) VALUES (:guichet, :nombre)
    ON CONFLICT (guichet) DO UPDATE SET dernier = compteur_distribution.dernier + excluded.dernier
    RETURNING dernier
""")
_ORIGINS: Final = text("""
    INSERT INTO offre (distribution, rattrapage, generation_filtres, generation_perimetres, connu)
    SELECT distribution, CAST(:rattrapage AS bigint), :filtres, :perimetres, connu
    FROM json_to_recordset(CAST(:lot AS json)) AS t(distribution uuid, connu jsonb)
""")
