"""The decision: who receives the events of a registration, in its transaction.

Given to the registry as its `Decideur`. For a batch, whatever its size: one statement reads what may have
changed, one writes the decisions and takes the sequences, one writes the distributions and wakes the workers;
one more reads the holders when an event is not the first of its demande, and one more what the registry
knows beyond the documents when a filter asks for it. All else is memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from threading import Lock
from typing import Final

from sqlalchemy import Connection, Engine, text

from dispatching.connu import read_connu
from dispatching.deliveries import Decision, write_decisions
from dispatching.perimetres import Perimetres
from dispatching.recipients import FINALES, SORTIES, Raison, Sujet, recipients
from filters.criteria import CONNUS
from filters.en_vigueur import FiltresEnVigueur
from filters.source import Connu, contexte_of
from filters.store import VersionFiltre, versions_between
from filters.traits import Traits, traits_of
from registry import releves
from registry.clock import Clock
from registry.controles import PARIS
from registry.evenements import EvenementDemande
from registry.generations import Generation, read

_GENERATIONS: Final = text("""
    SELECT (SELECT valeur FROM generation WHERE nom = 'filtres') AS filtres,
        (SELECT valeur FROM generation WHERE nom = 'identites') AS identites,
        (SELECT coalesce(max(generation), 0) FROM perimetre) AS perimetres
""")
_HOLDERS: Final = text("SELECT numero, guichet, motif FROM detention WHERE numero = ANY(:numeros)")


class Sortie(StrEnum):
    """When a demande leaves what a guichet receives ([DST-110]): what the national authority chooses."""

    DROITS = "droits"
    """When the guichet may no longer read it; until then it gets every change."""
    FILTRES = "filtres"
    """Also when none of its filters takes it any more."""


class Distributeur:
    """Decides who receives, and writes the distributions to be made (`registry.evenements.Decideur`).

    One per process. To be called under the lock of the chain, which orders all decisions of all processes;
    a lock of its own keeps them apart from `follow`, which any thread may call at any time.
    """

    def __init__(self, clock: Clock, sortie: Sortie = Sortie.DROITS) -> None:
        self._clock = clock
        self._sortie = sortie
        self._filtres = FiltresEnVigueur()
        self._perimetres = Perimetres()
        # Held from before the generation is read: what `follow` has learnt was then committed before, hence
        # the generation read is never older than the one in memory, unless the database was restored.
        self._verrou = Lock()

    @property
    def filtres(self) -> tuple[int, int]:
        """The generation of the filters in memory, and how many are in force."""
        return self._filtres.generation, len(self._filtres)

    def warm(self, conn: Connection) -> None:
        """Load filters and perimeters before the first registration has to wait for it."""
        with self._verrou:
            self._refresh(conn)

    def follow(self, engine: Engine) -> None:
        """Load the versions made since and put in force those whose instant has come, decisions going on
        meanwhile. Raises what the database raises."""
        with engine.connect() as conn:
            known = self._filtres.generation
            generation = read(conn, Generation.FILTRES)
            # An older one is a restored database: the next decision reads all of it again.
            versions = versions_between(conn, known, generation) if generation > known else ()
        with self._verrou:
            # A decision may have read the same ones meanwhile, or started again.
            if self._filtres.generation >= known:
                self._filtres.learn(versions, generation)
                self._filtres.advance(self._clock.now())

    def decide(self, conn: Connection, evenements: Sequence[EvenementDemande]) -> None:
        """Write the decisions and the distributions. Raises what the database raises."""
        if not evenements:
            return
        with self._verrou:
            self._decide(conn, evenements)

    def _decide(self, conn: Connection, evenements: Sequence[EvenementDemande]) -> None:
        self._refresh(conn)
        # What partners ask by date must miss nothing that changes a demande: everything passes here.
        releves.record(conn, evenements, self._instant)
        holders = self._holders(conn, evenements)
        connus = self._connus(conn, evenements)
        decisions = []
        for event in evenements:
            propres, recus = holders.setdefault(event.numero, (set(), set()))
            found = connus.get(event.numero)
            traits = traits_of(event.demande, contexte_of(event.nature, event.auteur, self._instant, found))
            matching = self._filtres.match(traits)
            sujet = Sujet(
                event.territoire,
                event.demande.communes_souhaitees,
                event.auteur,
                detenteurs=propres | recus,
                recus=frozenset(recus),
                relachees=self._released(event.nature, recus, matching, traits),
            )
            verdicts = recipients(sujet, self._perimetres.guichets, matching)
            decisions.append(Decision(event, verdicts, found))
            # What they hold at its next event, which may be in this batch.
            recus -= {each.guichet.code for each in verdicts if each.raison in SORTIES}
            recus |= {each.guichet.code for each in verdicts if each.raison is Raison.FILTRE}
        write_decisions(
            conn,
            decisions,
            instant=self._instant,
            filtres=self._filtres.generation,
            perimetres=self._perimetres.retenue,
        )

    def _refresh(self, conn: Connection) -> None:
        known = conn.execute(_GENERATIONS).one()
        self._instant = self._clock.now()
        self._filtres.refresh(conn, known.filtres, self._instant)
        self._perimetres.refresh(conn, known.identites, known.perimetres)

    def _connus(self, conn: Connection, evenements: Sequence[EvenementDemande]) -> dict[str, Connu]:
        """What the registry knows of the demandes, when a filter in force asks for it."""
        if CONNUS.isdisjoint(self._filtres.criteres):
            return {}
        return read_connu(
            conn, (event.numero for event in evenements), self._instant.astimezone(PARIS).date()
        )

    def _released(
        self, nature: str, recus: set[str], matching: Sequence[VersionFiltre], traits: Traits
    ) -> frozenset[str]:
        """Of those that received the demande, those whose filters let go of it. That it is radiated or
        suppressed is told to all of them."""
        if not recus or self._sortie is Sortie.DROITS or nature in FINALES:
            return frozenset()
        taken = {version.guichet for version in matching}
        return frozenset(code for code in recus - taken if not self._filtres.retains(code, traits))

    def _holders(
        self, conn: Connection, evenements: Sequence[EvenementDemande]
    ) -> dict[str, tuple[set[str], set[str]]]:
        """Who held the demandes before these events: in their own right, and because they received them; a
        first version has no holder but its author."""
        numeros = [event.numero for event in evenements if event.version > 1]
        found: dict[str, tuple[set[str], set[str]]] = {}
        if numeros:
            for row in conn.execute(_HOLDERS, {"numeros": numeros}):
                propres, recus = found.setdefault(row.numero, (set(), set()))
                (recus if row.motif == "distribution" else propres).add(row.guichet)
        return found
