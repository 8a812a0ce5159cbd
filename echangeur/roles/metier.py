"""The handlers behind both edges: what arrives by SOAP and by mail is handled by the same ones."""

from __future__ import annotations

import contextlib

from dispatching.decision import Distributeur, Sortie
from dispatching.handlers_retrait import Retraits
from dispatching.veille import Veille
from echangeur.refus import RefusDuBord
from echangeur.roles.socle import Socle
from echangeur.telemetrie.etapes import DecideurTrace, TraitementTrace
from registry.attestations import Attestations, Politique
from registry.evenements import Decideur
from registry.gestion_partagee import GestionPartagee
from registry.guichets import TypeGuichet
from registry.handlers_dalo import TraitementDalo
from registry.handlers_pieces import DossierUnique
from registry.projection import Projection


class Metier:
    """The handlers of a process, between `start` and `stop`."""

    def __init__(self, socle: Socle) -> None:
        engine, clock, configuration = socle.engine, socle.clock, socle.instance.configuration
        self._engine = engine
        self._distributeur = Distributeur(clock, Sortie(configuration.distribution.sortie))
        decideur: Decideur = Projection(self._distributeur)
        if socle.traceur is not None:
            decideur = DecideurTrace(decideur, socle.traceur)
        declarants = frozenset(map(TypeGuichet, configuration.regles.dalo_declarants))
        self.traitement = TraitementTrace(engine, clock, decideur, regles=configuration.regles)
        self.traitement.traceur = socle.traceur
        self.dalo = TraitementDalo(engine, clock, decideur, declarants=declarants)
        self.gestion = GestionPartagee(engine, clock, limites=configuration.recherche)
        self.dossier = DossierUnique(engine, clock, limites=configuration.pieces)
        self.retraits = Retraits(engine, clock)
        self.refus = RefusDuBord(engine, clock)
        self.attestations = Attestations(
            engine,
            politique=Politique(configuration.attestation.politique),
            regles=configuration.regles,
            portail=configuration.attestation.portail,
        )
        self._stack = contextlib.AsyncExitStack()

    @property
    def filtres(self) -> tuple[int, int]:
        """The generation of the filters in memory, and how many are in force."""
        return self._distributeur.filtres

    async def start(self) -> None:
        """Read the filters, then start what handles; all or nothing."""
        with self._engine.begin() as conn:
            self._distributeur.warm(conn)
        async with contextlib.AsyncExitStack() as stack:
            veille = Veille(self._engine, self._distributeur)
            await veille.start()
            stack.push_async_callback(veille.stop)
            for part in (self.traitement, self.dalo, self.gestion, self.dossier, self.retraits):
                await part.start()
                stack.push_async_callback(part.stop)
            self.refus.start()
            stack.push_async_callback(self.refus.stop)
            await self.attestations.start()
            stack.push_async_callback(self.attestations.stop)
            self._stack = stack.pop_all()

    def read_again(self) -> None:
        """Read the filters again, as after the database was put back to what it was."""
        with self._engine.begin() as conn:
            self._distributeur.warm(conn)

    async def stop(self) -> None:
        """Finish what was submitted."""
        await self._stack.aclose()
