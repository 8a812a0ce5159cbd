"""The decision: who receives the events of a registration, in its transaction.

Given to the registry as its `Decideur`. For a batch, whatever its size: one statement reads what may have
changed, one writes the decisions and takes the sequences, one writes the distributions and wakes the workers;
one more reads the holders when an event is not the first of its demande, and one more what the registry
knows beyond the documents when a filter asks for it. All else is memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, text

from dispatching.connu import read_connu
from dispatching.deliveries import Decision, write_decisions
from dispatching.perimetres import Perimetres
from dispatching.recipients import Sujet, recipients
from filters.criteria import CONNUS
from filters.en_vigueur import FiltresEnVigueur
from filters.source import Connu, contexte_of
from filters.traits import traits_of
from registry import releves
from registry.clock import Clock
from registry.controles import PARIS
from registry.evenements import EvenementDemande

_GENERATIONS: Final = text("""
    SELECT (SELECT valeur FROM generation WHERE nom = 'filtres') AS filtres,
        (SELECT valeur FROM generation WHERE nom = 'identites') AS identites,
        (SELECT coalesce(max(generation), 0) FROM perimetre) AS perimetres
""")
_HOLDERS: Final = text("SELECT numero, guichet FROM detention WHERE numero = ANY(:numeros)")


class Distributeur:
    """Decides who receives, and writes the distributions to be made (`registry.evenements.Decideur`).

    One per process. To be called under the lock of the chain, which orders all decisions of all processes:
    that is what makes the memory of filters and perimeters safe without a lock of its own.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._filtres = FiltresEnVigueur()
        self._perimetres = Perimetres()

    def warm(self, conn: Connection) -> None:
        """Load filters and perimeters before the first registration has to wait for it."""
        self._refresh(conn)

    def decide(self, conn: Connection, evenements: Sequence[EvenementDemande]) -> None:
        """Write the decisions and the distributions. Raises what the database raises."""
        if not evenements:
            return
        self._refresh(conn)
        # What partners ask by date must miss nothing that changes a demande: everything passes here.
        releves.record(conn, evenements, self._instant)
        holders = self._holders(conn, evenements)
        connus = self._connus(conn, evenements)
        decisions = []
        for event in evenements:
            communes = event.demande.communes_souhaitees
            sujet = Sujet(event.territoire, communes, event.auteur, holders.get(event.numero, frozenset()))
            found = connus.get(event.numero)
            contexte = contexte_of(event.nature, event.auteur, self._instant, found)
            matching = self._filtres.match(traits_of(event.demande, contexte))
            verdicts = recipients(sujet, self._perimetres.guichets, matching)
            decisions.append(Decision(event, verdicts, found))
            # They hold the demande for its next event, which may be in this batch.
            holders[event.numero] = frozenset(sujet.detenteurs) | {each.guichet.code for each in verdicts}
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

    def _holders(self, conn: Connection, evenements: Sequence[EvenementDemande]) -> dict[str, frozenset[str]]:
        """Who held the demandes before these events; a first version has no holder but its author."""
        numeros = [event.numero for event in evenements if event.version > 1]
        found: dict[str, frozenset[str]] = {}
        if numeros:
            for row in conn.execute(_HOLDERS, {"numeros": numeros}):
                found[row.numero] = found.get(row.numero, frozenset()) | {row.guichet}
        return found
