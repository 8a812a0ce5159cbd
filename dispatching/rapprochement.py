"""What a guichet has against what was made for it: the numbers that it lacks, those that never were, those
whose bytes are others ([DST-70] to [DST-73]).

Reading only: nothing is acknowledged, nothing sent. What was withdrawn is neither missing nor in excess: the
guichet may have had it before, or never.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import chain
from typing import Final

from sqlalchemy import Connection, text

from dispatching import anomalies_distribution as catalogue
from dispatching.deliveries import Etat
from dispatching.fichier import LUS_ENSEMBLE, is_empreinte, write_contenu
from registry.anomalies import Anomalie

TRANCHES_MAX: Final = 200
"""Ranges of one call: an envelope has 1,000 elements at most (`schemas.parser.ENVELOPE_LIMITS`)."""

EMPREINTES_MAX: Final = 1_000
"""Digests of one call: as many files are written again, some 20 ms of processor."""

FENETRE: Final = 100_000
"""Sequences looked through for what is missing, by call. Threat: time; a guichet may have had millions."""

PLAGES_MAX: Final = 1_000
"""Missing ranges of one answer."""


@dataclass(frozen=True, slots=True)
class Plage:
    """Sequences, both ends included."""

    premiere: int
    derniere: int


@dataclass(frozen=True, slots=True)
class Tenue:
    """Sequences that a guichet says it has. empreintes: the SHA-256 of each file in order, hexadecimal; or
    none."""

    premiere: int
    derniere: int
    empreintes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Manquante:
    """Sequences that the guichet lacks, all in the same state: what is acknowledged is read again, the rest
    waits for it."""

    premiere: int
    derniere: int
    etat: Etat


@dataclass(frozen=True, slots=True)
class Rapprochement:
    """What differs.

    derniere: last sequence made for the guichet. jusqua: what is missing is told up to this one; suite: the
    rest is to be asked for after it. en_trop: sequences that were never made. differentes: those whose file
    has another digest than the one given.
    """

    derniere: int
    jusqua: int
    suite: bool
    manquantes: tuple[Manquante, ...]
    en_trop: tuple[Plage, ...]
    differentes: tuple[int, ...]

    @property
    def complet(self) -> bool:
        """The guichet has all, as it was made, and nothing else; nothing is left to be looked through."""
        return not (self.suite or self.manquantes or self.en_trop or self.differentes)

    def a_relire(self) -> Iterator[int]:
        """The sequences whose files the guichet wants, in order."""
        manquantes = (range(each.premiere, each.derniere + 1) for each in self.manquantes)
        return merge(chain.from_iterable(manquantes), self.differentes)


def check(tenues: Sequence[Tenue]) -> Anomalie | None:
    """What keeps these ranges from being compared, if anything. Pure."""
    if len(tenues) > TRANCHES_MAX:
        return catalogue.TROP_DE_TRANCHES(str(len(tenues)), str(TRANCHES_MAX), "tranche")
    nombre = sum(len(tenue.empreintes) for tenue in tenues)
    if nombre > EMPREINTES_MAX:
        return catalogue.TROP_D_EMPREINTES(str(nombre), str(EMPREINTES_MAX), "empreintes")
    for tenue in tenues:
        if tenue.premiere > tenue.derniere:
            return catalogue.TRANCHE_INVERSEE(f"{tenue.premiere} à {tenue.derniere}")
        attendu = tenue.derniere - tenue.premiere + 1
        if tenue.empreintes and len(tenue.empreintes) != attendu:
            return catalogue.NOMBRE_D_EMPREINTES(
                f"{len(tenue.empreintes)} de {tenue.premiere} à {tenue.derniere}", str(attendu)
            )
        for sequence, empreinte in enumerate(tenue.empreintes, tenue.premiere):
            if not is_empreinte(empreinte.lower()):
                return catalogue.EMPREINTE_MAL_FORMEE(str(sequence))
    return None


def union(tenues: Iterable[Tenue | Plage]) -> Iterator[Plage]:
    """The sequences of all these, in order, in as few ranges as can be. Pure."""
    run: Plage | None = None
    for premiere, derniere in sorted((each.premiere, each.derniere) for each in tenues):
        if run is not None and premiere <= run.derniere + 1:
            run = Plage(run.premiere, max(run.derniere, derniere))
            continue
        if run is not None:
            yield run
        run = Plage(premiere, derniere)
    if run is not None:
        yield run


def gaps(plages: Iterable[Plage], apres: int, jusqua: int) -> Iterator[Plage]:
    """What of apres + 1 to jusqua is in none of these, which are in order and apart. Pure."""
    suivante = apres + 1
    for plage in plages:
        if plage.premiere > jusqua:
            break
        if plage.premiere > suivante:
            yield Plage(suivante, plage.premiere - 1)
        suivante = max(suivante, plage.derniere + 1)
    if suivante <= jusqua:
        yield Plage(suivante, jusqua)


def outside(plages: Iterable[Plage], derniere: int) -> Iterator[Plage]:
    """What of these is not from 1 to derniere. Pure."""
    for plage in plages:
        if plage.premiere < 1:
            yield Plage(plage.premiere, min(plage.derniere, 0))
        if plage.derniere > derniere:
            yield Plage(max(plage.premiere, derniere + 1), plage.derniere)


_LAST: Final = text("SELECT dernier FROM compteur_distribution WHERE guichet = :guichet")
# The sequences of a guichet follow each other without gap, and nearly all are acknowledged: those are what is
# left of the wanted ones once the others are taken off, which partial indexes hold. Consecutive sequences are
# one range: there, a sequence minus its rank is the same.
_RUNS: Final = """(SELECT coalesce(range_agg(suite), '{{}}') FROM (
            SELECT int8range(min(sequence), max(sequence), '[]') AS suite FROM (
                SELECT sequence, sequence - row_number() OVER (ORDER BY sequence) AS ecart FROM ({})
            AS vues) AS rangees GROUP BY ecart) AS suites)"""
_IN_STATE: Final = """SELECT sequence FROM distribution
                WHERE guichet = :guichet AND {} AND sequence BETWEEN :premiere AND :derniere"""
_WAITING: Final = " UNION ALL ".join(
    _IN_STATE.format(f"etat = 'en_attente' AND {which}") for which in ("NOT differee", "differee")
)
_MISSING: Final = text(f"""
    WITH etats AS MATERIALIZED (
        SELECT {_RUNS.format(_WAITING)} AS en_attente,
        {_RUNS.format(_IN_STATE.format("etat = 'echec'"))} AS echec,
        {_RUNS.format(_IN_STATE.format("etat = 'retiree'"))} AS retiree,
        range_agg(int8range(premiere, derniere, '[]')) AS voulues
        FROM unnest(CAST(:premieres AS bigint[]), CAST(:dernieres AS bigint[])) AS v(premiere, derniere)
    )
    SELECT lower(plage) AS premiere, upper(plage) - 1 AS derniere, etat FROM (
        SELECT 'acquittee' AS etat, unnest(voulues - en_attente - echec - retiree) AS plage FROM etats
        UNION ALL SELECT 'en_attente', unnest(voulues * en_attente) FROM etats
        UNION ALL SELECT 'echec', unnest(voulues * echec) FROM etats) AS plages
    ORDER BY premiere LIMIT :limite
""")  # noqa: S608 (constant states)
_FILES: Final = text("""
    SELECT d.sequence, d.nature, d.cree_le, d.interface, v.document FROM distribution d
    JOIN demande_version v ON v.numero = d.numero AND v.version = d.version
    WHERE d.guichet = :guichet AND d.sequence = ANY(:sequences) AND d.etat <> 'retiree'
    ORDER BY d.sequence
""")


def reconcile(
    conn: Connection, guichet: str, tenues: Sequence[Tenue], *, apres: int = 0, jusqua: int | None = None
) -> Rapprochement:
    """Compare what that guichet says it has with what was made for it. tenues: checked.

    apres, jusqua: what is missing is told after the one, up to the other; the rest is told whatever they are.
    """
    derniere = conn.execute(_LAST, {"guichet": guichet}).scalar_one_or_none() or 0
    plages = list(union(tenues))
    borne = derniere if jusqua is None else min(max(jusqua, 0), derniere)
    apres = min(max(apres, 0), borne)
    manquantes, vue = _missing(conn, guichet, plages, apres, min(borne, apres + FENETRE))
    return Rapprochement(
        derniere,
        vue,
        vue < borne,
        manquantes,
        tuple(outside(plages, derniere)),
        tuple(_different(conn, guichet, tenues)),
    )


def _missing(
    conn: Connection, guichet: str, plages: Sequence[Plage], apres: int, jusqua: int
) -> tuple[tuple[Manquante, ...], int]:
    """The missing ranges, and up to which sequence they are told."""
    voulues = list(gaps(plages, apres, jusqua))
    values = {
        "guichet": guichet,
        "premiere": apres + 1,
        "derniere": jusqua,
        "premieres": [each.premiere for each in voulues],
        "dernieres": [each.derniere for each in voulues],
        "limite": PLAGES_MAX + 1,
    }
    rows = conn.execute(_MISSING, values).all() if voulues else []
    found = tuple(Manquante(row.premiere, row.derniere, Etat(row.etat)) for row in rows[:PLAGES_MAX])
    return found, found[-1].derniere if len(rows) > PLAGES_MAX else jusqua


def _different(conn: Connection, guichet: str, tenues: Sequence[Tenue]) -> Iterator[int]:
    """What was erased since it was acknowledged has no bytes left to compare with."""
    given: dict[int, set[str]] = {}
    for tenue in tenues:
        for sequence, empreinte in enumerate(tenue.empreintes, tenue.premiere):
            given.setdefault(sequence, set()).add(empreinte.lower())
    if not given:
        return
    options = {"stream_results": True, "yield_per": LUS_ENSEMBLE}
    values = {"guichet": guichet, "sequences": sorted(given)}
    for row in conn.execute(_FILES, values, execution_options=options):
        contenu = write_contenu(row.document, row.nature, row.cree_le, row.interface)
        if given[row.sequence] != {hashlib.sha256(contenu).hexdigest()}:
            yield row.sequence
