"""Time travel: who should have received what, at any past instant, and who did ([DST-80] to [DST-83]).

What was to be received is judged anew, by the plainest evaluator, from what is kept of then: the document of
that version, the versions of the filters, the rights of the guichets, who held the demande. It is never read
from the distributions; they are what it is compared with.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, text

from dispatching.connu import connu_from_json
from dispatching.perimetres import Perimetre, read_perimetres
from dispatching.recipients import RAISONS_D_ENVOI, Raison, Sujet, Verdict, judge
from dispatching.sort import Sort, read_sorts
from dispatching.tenue import AU, AVANT, Tenue
from filters.naive import matches
from filters.source import contexte_of
from filters.store import VersionFiltre, list_versions
from filters.traits import Traits, traits_of
from registry.documents_gardes import read_kept
from registry.guichets import Guichet

_LUES_ENSEMBLE: Final = 50
"""Decisions read at once, with their documents."""


@dataclass(frozen=True, slots=True)
class Attendu:
    """One guichet and one event, at an instant.

    attendu: it was to receive it. verdict: None for what no event made (an offer from the stock), and for
    what can no longer be judged, its documents being erased. sort: what was made for it by then, or None.
    """

    numero: str
    version: int
    nature: str
    decidee_le: datetime
    guichet: str
    attendu: bool
    verdict: Verdict | None
    sort: Sort | None

    @property
    def rompu(self) -> bool:
        """What was to be made was not, or the reverse: never, unless something was changed afterwards."""
        return self.attendu is not (self.sort is not None)

    @property
    def texte(self) -> str:
        """Where it stands, in one French sentence."""
        if self.sort is None:
            return "aurait dû être distribuée, et ne l'a pas été"
        if not self.attendu:
            return f"distribuée sans qu'aucune règle d'alors ne le veuille ; {self.sort.texte}"
        return self.sort.texte


@dataclass(frozen=True, slots=True)
class Hypothese:
    """Where a demande stood at an instant, and the verdict of each guichet known then on a change of it.

    version, nature, decidee_le: of its last event.
    """

    version: int
    nature: str
    decidee_le: datetime
    verdicts: Mapping[str, Verdict]


@dataclass(frozen=True, slots=True)
class Histoire:
    """What decisions depend on, all its versions. guichets_lus: those it is of, or None for all: judging a
    whole country for one demande takes most of a second."""

    versions: tuple[VersionFiltre, ...]
    perimetres: tuple[Perimetre, ...]
    guichets_lus: Collection[str] | None

    def filtres(self, generation: int, instant: datetime) -> Iterable[VersionFiltre]:
        """The versions in force at an instant, as a decision that used this generation knew them."""
        last: dict[int, VersionFiltre] = {}
        for version in self.versions:
            if version.generation <= generation and version.effet_le <= instant:
                known = last.get(version.identifiant)
                if known is None or known.version < version.version:
                    last[version.identifiant] = version
        return last.values()

    def guichets(self, generation: int) -> Mapping[str, Guichet]:
        """The guichets as a decision that used this generation knew them, by code."""
        last: dict[str, Perimetre] = {}
        for perimetre in self.perimetres:
            known = last.get(perimetre.guichet.code)
            if perimetre.generation <= generation and (
                known is None or known.generation < perimetre.generation
            ):
                last[perimetre.guichet.code] = perimetre
        return {code: perimetre.guichet for code, perimetre in last.items()}


def read_histoire(conn: Connection, guichets: Collection[str] | None = None) -> Histoire:
    """The history of these guichets, or of all."""
    return Histoire(list_versions(conn, guichets), read_perimetres(conn, guichets), guichets)


COLONNES: Final = f"""d.numero, d.version, d.nature, d.territoire, d.auteur, d.decidee_le,
        d.generation_filtres, d.generation_perimetres, d.connu, v.document,
        {AVANT}"""
"""What `compare` reads of a decision `d` and of its version `v`."""

_DECISIONS: Final = text(f"""
    SELECT {COLONNES}
    FROM decision d LEFT JOIN demande_version v ON v.numero = d.numero AND v.version = d.version
    WHERE d.decidee_le <= :au AND (CAST(:depuis AS timestamptz) IS NULL OR d.decidee_le > :depuis)
        AND (CAST(:numero AS text) IS NULL OR d.numero = :numero)
    ORDER BY d.evenement
""")  # noqa: S608 (constant columns)


# As `_DECISIONS`, at an instant after an event: its own author and recipients hold the demande too.
_STATE: Final = text(f"""
    SELECT d.version, d.nature, d.territoire, d.auteur, d.decidee_le, d.connu, v.document,
        (SELECT coalesce(max(generation), 0) FROM filtre_version WHERE cree_le <= :au) AS generation_filtres,
        coalesce(
            (SELECT max(generation_perimetres) FROM decision
            WHERE decidee_le <= :au AND decidee_le > :au - interval '7 days'),
            (SELECT max(generation_perimetres) FROM decision WHERE decidee_le <= :au)
        ) AS generation_perimetres,
        {AU}
    FROM decision d LEFT JOIN demande_version v ON v.numero = d.numero AND v.version = d.version
    WHERE d.numero = :numero AND d.decidee_le <= :au ORDER BY d.version DESC LIMIT 1
""")  # noqa: S608 (constant columns)


def list_attendus(
    conn: Connection,
    histoire: Histoire,
    *,
    au: datetime,
    numero: str | None = None,
    depuis: datetime | None = None,
) -> Iterator[Attendu]:
    """What the guichets of that history were to receive by `au` of the events decided after `depuis`, and
    what became of it by then.

    numero: of that demande only. In the order of the events, then of the guichets; those that were not to
    receive, and did not, are left out.
    """
    values = {"au": au, "depuis": depuis, "numero": numero}
    options = {"stream_results": True, "yield_per": _LUES_ENSEMBLE}
    with conn.execute(_DECISIONS, values, execution_options=options) as rows:
        for lot in rows.partitions():
            yield from compare(conn, lot, histoire, au=au)


def compare(
    conn: Connection, lot: Sequence[Row[Any]], histoire: Histoire, *, au: datetime
) -> Iterator[Attendu]:
    """What was to be received of these decisions, rows of `COLONNES`, and what became of it by `au`."""
    versions = [(row.numero, row.version) for row in lot]
    sorts = read_sorts(conn, versions, au=au, guichets=histoire.guichets_lus)
    for row in lot:
        yield from _compare(row, sorts.get((row.numero, row.version), ()), histoire)


def judge_at(conn: Connection, histoire: Histoire, numero: str, au: datetime) -> Hypothese | None:
    """What a change of that demande would have led to at that instant, sent by nobody of those it goes to;
    None when it was not registered by then, or is erased ([DST-84]).

    Rights are those that the last decision of the hub used by then: a guichet that changed after it, without
    any decision, is not seen changed.
    """
    row = conn.execute(_STATE, {"numero": numero, "au": au}).first()
    if row is None or row.document is None:
        return None
    verdicts = _judge(row, Tenue.of(row), au, "", histoire)
    return Hypothese(row.version, row.nature, row.decidee_le, verdicts)


def _judge(
    row: Row[Any], tenue: Tenue, instant: datetime, auteur: str, histoire: Histoire
) -> dict[str, Verdict]:
    """The verdict of each guichet that was known then about one version; its document is there."""
    demande = read_kept(row.document)
    contexte = contexte_of(row.nature, row.auteur, instant, connu_from_json(row.connu))
    first = _first_matching(histoire.filtres(row.generation_filtres, instant), traits_of(demande, contexte))
    sujet = Sujet(
        row.territoire,
        demande.communes_souhaitees,
        auteur,
        tenue.detenteurs,
        tenue.recus,
        tenue.relachees,
    )
    guichets = histoire.guichets(row.generation_perimetres)
    return {code: judge(guichet, sujet, first.get(code)) for code, guichet in sorted(guichets.items())}


def _compare(row: Row[Any], made: Iterable[Sort], histoire: Histoire) -> Iterator[Attendu]:
    base = (row.numero, row.version, row.nature, row.decidee_le)
    offered = [sort for sort in made if sort.raison not in _PAR_EVENEMENT]
    direct = {sort.guichet: sort for sort in made if sort.raison in _PAR_EVENEMENT}
    if row.document is None:
        # Erased: what was made is told, and what was to be made can no longer be judged.
        for sort in (*direct.values(), *offered):
            yield Attendu(*base, sort.guichet, attendu=True, verdict=None, sort=sort)
        return
    # The first event of a demande finds no holder.
    tenue = Tenue.of(row) if row.version > 1 else Tenue()
    # Which of the two rules of leaving was in use then is told by what was made.
    relachees = frozenset(code for code, sort in direct.items() if sort.raison is Raison.SORTIE_FILTRES)
    tenue = replace(tenue, relachees=relachees & tenue.recus)
    verdicts = _judge(row, tenue, row.decidee_le, row.auteur, histoire)
    for code in sorted(verdicts.keys() | direct.keys()):
        verdict = verdicts.get(code)
        attendu = verdict is not None and verdict.raison in RAISONS_D_ENVOI
        if attendu or code in direct:
            yield Attendu(*base, code, attendu=attendu, verdict=verdict, sort=direct.get(code))
    for sort in offered:
        yield Attendu(*base, sort.guichet, attendu=True, verdict=None, sort=sort)


_PAR_EVENEMENT: Final = frozenset(
    {Raison.FILTRE, Raison.DETENTEUR, Raison.SORTIE_DROITS, Raison.SORTIE_FILTRES}
)
"""Reasons of what an event makes; the others are told with their own."""


def _first_matching(versions: Iterable[VersionFiltre], traits: Traits) -> dict[str, VersionFiltre]:
    """By guichet, the oldest of its filters that takes the demande."""
    found: dict[str, VersionFiltre] = {}
    for version in sorted(versions, key=lambda each: each.identifiant):
        if version.filtre is not None and version.guichet not in found and matches(version.filtre, traits):
            found[version.guichet] = version
    return found
