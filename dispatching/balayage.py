"""What time makes enter a filter, or leave it: the sweep of each day ([FIL-14]).

An age, a seniority, an abnormal delay reached make a filter take a demande to which nothing happens, or let
go of one. Each day looks only at the filters that depend on time, and for these only at the demandes that
cross one of their thresholds (dispatching.seuils). They are then judged for good, as they were the day before
and as they are: what a filter took already is left to a back-fill, what it took no more to the next event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Engine, Row, text

from dispatching.connu import read_connu
from dispatching.decision import Sortie
from dispatching.hors_evenement import Quittee, Savoir, Trouvee, offer, release
from dispatching.parcours import Recherche
from dispatching.perimetres import Perimetres, last_perimetre
from dispatching.recipients import Raison, Sujet, judge
from dispatching.seuils import Periode, Seuil, crossing, seuils_of
from dispatching.taches import last_done, mark_done
from filters.naive import retains
from filters.source import Connu, contexte_of
from filters.store import VersionFiltre, filtres_in_force
from filters.traits import Traits, traits_of
from registry.controles import PARIS
from registry.documents_gardes import read_kept
from registry.generations import Generation, read
from registry.guichets_store import get_guichet
from registry.journal import Chaine
from schemas.demande import Demande

NOM: Final = "balayage"
_LOT: Final = 100
"""Demandes written at once: what the lock of the chain is held for, a few milliseconds."""


@dataclass(frozen=True, slots=True)
class Balayees:
    """What time did: the demandes that entered a filter, and those that left all of their holder."""

    entrees: int = 0
    sorties: int = 0

    def __add__(self, other: Balayees) -> Balayees:
        return Balayees(self.entrees + other.entrees, self.sorties + other.sorties)


@dataclass(frozen=True, slots=True)
class _Lot:
    """What was found among some demandes."""

    entrees: Sequence[Trouvee]
    sorties: Sequence[Quittee]

    @property
    def nombre(self) -> Balayees:
        return Balayees(len(self.entrees), len(self.sorties))


def sweep(
    engine: Engine,
    instant: datetime,
    sortie: Sortie = Sortie.DROITS,
    *,
    essai: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Balayees:
    """Offer what entered a filter since the last sweep, up to the day of `instant` (aware), and tell what
    left all the filters of its holder, where the national authority wants it told; how many.

    Each batch is a transaction; interrupted, it is run again and does nothing twice. Nights that were missed
    are swept together; the first sweep is of one day. essai: how many there would be.
    """
    jour = instant.astimezone(PARIS).date()
    with engine.connect() as conn:
        dernier = last_done(conn, NOM).get(NOM)
        by_guichet: dict[str, list[VersionFiltre]] = {}
        for version in filtres_in_force(conn, instant):
            by_guichet.setdefault(version.guichet, []).append(version)
    periode = Periode(dernier or jour - timedelta(days=1), jour)
    if periode.veille >= jour:
        return Balayees()
    balayage = _Balayage(engine, periode, instant, sortie)
    total = Balayees()
    for code, versions in sorted(by_guichet.items()):
        seuils = seuils_of(each.filtre for each in versions if each.filtre is not None)
        if seuils:
            for lot in balayage.look(code, versions, seuils):
                total += lot.nombre if essai else balayage.write(code, lot)
                if progress is not None:
                    progress(lot.nombre.entrees + lot.nombre.sorties)
    if not essai:
        with engine.begin() as conn:
            mark_done(conn, NOM, jour)
    return total


class _Balayage:
    """One sweep."""

    def __init__(self, engine: Engine, periode: Periode, instant: datetime, sortie: Sortie) -> None:
        self._engine = engine
        self._periode = periode
        self._instant = instant
        self._sortie = sortie
        # Noon: the day is what counts.
        day = periode.veille
        self._veille = datetime(day.year, day.month, day.day, 12, tzinfo=PARIS)
        self._perimetres = Perimetres()
        # A threshold is often that of several guichets of a territory.
        self._crossed: dict[tuple[str, Seuil], frozenset[str]] = {}

    def look(self, code: str, versions: Sequence[VersionFiltre], seuils: frozenset[Seuil]) -> Iterator[_Lot]:
        """What enters the filters of a guichet since these days, and what leaves them, a batch at a time."""
        with self._engine.connect() as conn:
            guichet = get_guichet(conn, code)
            assert guichet is not None, "un guichet ne s'efface pas"
            numeros: set[str] = set()
            for cle in ((territoire, seuil) for territoire in guichet.territoires for seuil in seuils):
                if cle not in self._crossed:
                    self._crossed[cle] = crossing(conn, *cle, self._periode)
                numeros |= self._crossed[cle]
            recherche = Recherche.of(guichet, versions)
            ordered = sorted(numeros)
            for start in range(0, len(ordered), _LOT):
                values = {
                    "numeros": ordered[start : start + _LOT],
                    "guichet": code,
                    "sorties": self._sortie is Sortie.FILTRES,
                }
                found = self._judge(conn, recherche, conn.execute(_READ, values).all())
                if found.entrees or found.sorties:
                    yield found

    def write(self, code: str, lot: _Lot) -> Balayees:
        """Write them, unless the right or the filters are no longer those that judged: the next event
        decides."""
        with self._engine.begin() as conn:
            Chaine.lock(conn)
            filtres = read(conn, Generation.FILTRES)
            known = {(v.identifiant, v.version) for v in filtres_in_force(conn, self._instant, code)}
            self._perimetres.refresh(conn, read(conn, Generation.IDENTITES), last_perimetre(conn))
            if not self._perimetres.guichets[code].actif:
                return Balayees()
            savoir = Savoir(self._instant, filtres, self._perimetres.retenue)
            entrees = [
                each for each in lot.entrees if (each.filtre.identifiant, each.filtre.version) in known
            ]
            sorties = [each for each in lot.sorties if each.filtres == known]
            return Balayees(
                offer(conn, code, entrees, savoir, Raison.BALAYAGE) if entrees else 0,
                release(conn, code, sorties, savoir) if sorties else 0,
            )

    def _judge(self, conn: Connection, recherche: Recherche, rows: Sequence[Row[Any]]) -> _Lot:
        numeros = [row.numero for row in rows]
        avant, maintenant = (
            read_connu(conn, numeros, jour) for jour in (self._periode.veille, self._periode.jour)
        )
        entrees, sorties = [], []
        for row in rows:
            demande = read_kept(row.document)
            connu = maintenant.get(row.numero)
            now = _traits(row, demande, self._instant, connu)
            before = _traits(row, demande, self._veille, avant.get(row.numero))
            if row.detenue:
                kept = [each.filtre for each in recherche.filtres if each.filtre is not None]
                if any(retains(each, before) for each in kept) and not any(retains(f, now) for f in kept):
                    filtres = frozenset((each.identifiant, each.version) for each in recherche.filtres)
                    sorties.append(Quittee(row.numero, row.version, filtres, connu))
                continue
            version = recherche.find(now)
            if version is None or recherche.find(before) is not None:
                continue
            sujet = Sujet(row.territoire, demande.communes_souhaitees, row.auteur)
            if judge(recherche.guichet, sujet, version).destinataire:
                entrees.append(Trouvee(row.numero, row.version, row.nature, version, connu))
        return _Lot(entrees, sorties)


def _traits(row: Row[Any], demande: Demande, instant: datetime, connu: Connu | None) -> Traits:
    return traits_of(demande, contexte_of(row.nature, row.auteur, instant, connu))


# Not held, or held because it was received, where leaving the filters is told.
_READ: Final = text("""
    SELECT d.numero, d.version, d.territoire, v.nature, v.guichet AS auteur, v.document,
        h.numero IS NOT NULL AS detenue
    FROM demande d JOIN demande_version v ON v.numero = d.numero AND v.version = d.version
    LEFT JOIN detention h ON h.numero = d.numero AND h.guichet = :guichet
    WHERE d.numero = ANY(CAST(:numeros AS text[])) AND d.etat = 'active'
        AND (h.numero IS NULL OR (:sorties AND h.motif = 'distribution'))
    ORDER BY d.numero
""")
