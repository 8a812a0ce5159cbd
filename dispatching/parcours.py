"""The walk through the stock for one guichet: which of the demandes that it does not hold its filters take,
by the rights and the filters of the moment ([DST-100]). Reads, without any lock."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, text

from dispatching.connu import read_connu
from dispatching.hors_evenement import Trouvee
from dispatching.recipients import Sujet, judge
from filters.criteria import CONNUS
from filters.index import FilterIndex, required_place
from filters.lieux import communes_in
from filters.source import Connu, contexte_of
from filters.store import VersionFiltre, filtres_in_force
from filters.traits import Traits, traits_of
from registry.controles import PARIS
from registry.documents_gardes import read_kept
from registry.guichets import Guichet
from registry.guichets_store import get_guichet

_TRANCHE: Final = 2_000
"""Demandes looked at in one statement."""
_LUES_MAX: Final = 1_000
"""Documents read in one step: some 300 ms, between which a cancellation is heard."""
_TRANCHES_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class Recherche:
    """What to look for: for whom, by which filters. portee: what both come from."""

    guichet: Guichet
    filtres: Sequence[VersionFiltre]
    index: FilterIndex
    portee: str

    @classmethod
    def of(cls, guichet: Guichet, filtres: Sequence[VersionFiltre]) -> Recherche:
        numbered = ((key, each.filtre) for key, each in enumerate(filtres) if each.filtre is not None)
        return cls(guichet, filtres, FilterIndex(numbered), portee_of(guichet, filtres))

    def find(self, traits: Traits) -> VersionFiltre | None:
        """The filter that takes a demande, the oldest if there are several."""
        found = (self.filtres[key] for key in self.index.match(traits))
        return min(found, key=lambda version: version.identifiant, default=None)

    @property
    def communes(self) -> frozenset[str] | None:
        """The communes that a demande must wish one of for some filter to take it; None for any."""
        return _communes_of([version for version in self.filtres if version.filtre is not None])


@dataclass(frozen=True, slots=True)
class Parcours:
    """A part of the walk. apres: the last number looked at. fini: there is nothing after it."""

    trouvees: Sequence[Trouvee]
    apres: str
    examinees: int
    fini: bool


def portee_of(guichet: Guichet, filtres: Sequence[VersionFiltre]) -> str:
    """What decides whether a demande of the stock is offered to a guichet, as a digest."""
    parts = [
        str(guichet.actif),
        *sorted(guichet.territoires),
        *sorted(guichet.communes),
        *sorted(f"{version.identifiant}.{version.version}" for version in filtres),
    ]
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()


def search(conn: Connection, recherche: Recherche, apres: str, place: int, instant: datetime) -> Parcours:
    """Walk on from a number until `place` demandes are found, or enough was read, or the end. No lock."""
    guichet = recherche.guichet
    communes = recherche.communes
    if guichet.communes:
        communes = guichet.communes if communes is None else guichet.communes & communes
    trouvees: list[Trouvee] = []
    examinees = lues = 0
    for _ in range(_TRANCHES_MAX):
        tranche = _next(conn, sorted(guichet.territoires), apres)
        if tranche is None:
            return Parcours(trouvees, apres, examinees, fini=True)
        debut, fin, nombre = tranche
        rows = _read(conn, guichet.code, debut, fin, communes)
        connus = _connus(conn, recherche, rows, instant)
        arret = rows[-1].numero if len(rows) == _PAGE else fin
        for row in rows:
            lues += 1
            found = _judge(recherche, row, connus.get(row.numero), instant)
            if found is not None:
                trouvees.append(found)
                if len(trouvees) == place:
                    arret = row.numero
                    break
        if arret != fin:
            nombre = conn.execute(_COUNT, {"apres": debut, "fin": arret}).scalar_one()
        apres = arret
        examinees += nombre
        if len(trouvees) == place or lues >= _LUES_MAX:
            break
    return Parcours(trouvees, apres, examinees, fini=False)


def count_offers(conn: Connection, code: str, instant: datetime, progress: Callable[[int], None]) -> int:
    """How many demandes a back-fill of that guichet would offer now. progress: demandes looked at."""
    guichet = get_guichet(conn, code)
    assert guichet is not None, "le guichet existe"
    recherche = Recherche.of(guichet, filtres_in_force(conn, instant, code))
    nombre, apres, fini = 0, "", False
    while not fini:
        parcours = search(conn, recherche, apres, _LUES_MAX, instant)
        nombre, apres, fini = nombre + len(parcours.trouvees), parcours.apres, parcours.fini
        progress(parcours.examinees)
    return nombre


def _next(conn: Connection, territoires: Sequence[str], apres: str) -> tuple[str, str, int] | None:
    """The demandes to be looked at next: after which number, up to which, how many; None at the end."""
    for territoire in territoires:
        if territoire >= apres[:3]:
            debut = max(apres, territoire)
            values = {"apres": debut, "fin": f"{territoire}{_APRES_TOUT}", "lot": _TRANCHE}
            nombre, fin = conn.execute(_TRANCHE_DE, values).one()
            if nombre:
                return debut, fin, nombre
    return None


def _judge(recherche: Recherche, row: Row[Any], connu: Connu | None, instant: datetime) -> Trouvee | None:
    """The demande as its last event left it, on the day of `instant`."""
    demande = read_kept(row.document)
    sujet = Sujet(row.territoire, demande.communes_souhaitees, row.auteur)
    contexte = contexte_of(row.nature, row.auteur, instant, connu)
    version = recherche.find(traits_of(demande, contexte))
    if version is None or not judge(recherche.guichet, sujet, version).destinataire:
        return None
    return Trouvee(row.numero, row.version, row.nature, version, connu)


def _connus(
    conn: Connection, recherche: Recherche, rows: Sequence[Row[Any]], instant: datetime
) -> dict[str, Connu]:
    if not rows or CONNUS.isdisjoint(recherche.index.criteres):
        return {}
    return read_connu(conn, (row.numero for row in rows), instant.astimezone(PARIS).date())


def _communes_of(filtres: Sequence[VersionFiltre]) -> frozenset[str] | None:
    found: set[str] = set()
    for version in filtres:
        assert version.filtre is not None
        place = required_place(version.filtre)
        if place is None:
            return None
        found |= communes_in(place.critere, place.valeurs)
    return frozenset(found)


def _read(
    conn: Connection, guichet: str, apres: str, fin: str, communes: frozenset[str] | None
) -> Sequence[Row[Any]]:
    return conn.execute(
        _READ,
        {
            "guichet": guichet,
            "apres": apres,
            "fin": fin,
            "partout": communes is None,
            "communes": sorted(communes or ()),
            "page": _PAGE,
        },
    ).all()


_PAGE: Final = 200
"""Documents read at once."""
_APRES_TOUT: Final = "Z" * 15
"""After any number of a territory, in any collation that puts letters after digits."""

_TRANCHE_DE: Final = text("""
    SELECT count(*), max(numero) FROM (
        SELECT numero FROM demande WHERE numero > :apres AND numero <= :fin ORDER BY numero LIMIT :lot) AS t
""")
_COUNT: Final = text("SELECT count(*) FROM demande WHERE numero > :apres AND numero <= :fin")
_READ: Final = text("""
    SELECT d.numero, d.version, d.territoire, v.nature, v.guichet AS auteur, v.document
    FROM demande d JOIN demande_version v ON v.numero = d.numero AND v.version = d.version
    WHERE d.numero > :apres AND d.numero <= :fin AND d.etat = 'active'
        AND (:partout OR EXISTS (
            SELECT FROM unnest(d.communes) AS c WHERE c = ANY(CAST(:communes AS text[]))))
        AND NOT EXISTS (SELECT FROM detention h WHERE h.numero = d.numero AND h.guichet = :guichet)
    ORDER BY d.numero LIMIT :page
""")
