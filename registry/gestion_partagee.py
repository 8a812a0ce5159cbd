"""The handlers of the search and of shared management: those whose wrapper is `fichierXmlParametres`.

Same shape as registry.handlers.Traitement: the event loop reads and controls, threads speak to the database.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from registry import anomalies_partagee, evenements_store, recherche
from registry import anomalies_recherche as catalogue
from registry.anomalies import Anomalie
from registry.batching import Batcher
from registry.clock import Clock
from registry.controles import PARIS
from registry.echanges import Echange, Fichier, Refus
from registry.evenements_emis import write_evenements
from registry.evenements_partages import Action
from registry.evenements_store import EvenementsRecus, Suivi
from registry.exchanges_store import Issue, Statut, record_outcomes, relax
from registry.limites import LIMITES_RECHERCHE, LimitesRecherche
from registry.lots import Echec, run_batch
from registry.noms_fichiers import Prefixe
from registry.recherche import Trouvees
from registry.reponses_fichier import ReponsesFichier
from schemas.codes import check_codes
from schemas.documents import DocumentKind
from schemas.gestion_partagee import (
    Criteres,
    read_code_territoire,
    read_criteres,
    read_evenements,
    read_num_unique,
    write_numeros,
)
from schemas.types_evenements import TypeEvenement, types_nationaux, write_types

VOIES: Final = 2
"""Searches at a time: a slow one leaves the other lane to the quick ones, and the pool to registrations."""

LOT_MAX: Final = 16
"""Files of events of one transaction: registrations wait for the chain meanwhile, 2 ms each."""

_ANNULEE: Final = "57014"
"""SQLSTATE of a statement that lasted too long."""


@dataclass(frozen=True, slots=True)
class _RechercheDemandee:
    echange: Echange
    criteres: Criteres


@dataclass(frozen=True, slots=True)
class _SuiviDemande:
    echange: Echange
    numero: str


@dataclass(frozen=True, slots=True)
class _TypesDemandes:
    echange: Echange
    territoire: str


_Lecture = _SuiviDemande | _TypesDemandes
_Lu = Suivi | Anomalie | tuple[TypeEvenement, ...]


class GestionPartagee(ReponsesFichier):
    """The handlers. Lives on one event loop, between `start` and `stop` ([GPE-1]).

    Every handler may raise registry.batching.Saturation, or what the database raises.
    """

    def __init__(
        self, engine: Engine, clock: Clock, *, limites: LimitesRecherche = LIMITES_RECHERCHE
    ) -> None:
        super().__init__(engine, clock)
        self._limites = limites
        self._recherches: tuple[Batcher[_RechercheDemandee, Trouvees | Echec], ...] = tuple(
            # One search a transaction: the time it is given is its own.
            Batcher(self._search, 1, f"recherches {voie}", max_pending=64)
            for voie in range(1, VOIES + 1)
        )
        self._ecritures: Batcher[EvenementsRecus, Suivi | tuple[Anomalie, ...] | Echec] = Batcher(
            self._write, LOT_MAX, "événements partagés"
        )
        self._lectures: Batcher[_Lecture, _Lu | Echec] = Batcher(self._look_up, LOT_MAX, "lectures partagées")

    async def start(self) -> None:
        """Start the threads."""
        for voie in self._recherches:
            voie.start()
        self._ecritures.start()
        self._lectures.start()
        self._issues.start()

    async def stop(self) -> None:
        """Finish what was submitted, then end the threads."""
        await asyncio.gather(
            *(voie.stop() for voie in self._recherches), self._ecritures.stop(), self._lectures.stop()
        )
        await self._issues.stop()

    # -- the handlers ---------------------------------------------------------------------------------------

    async def rechercher(self, echange: Echange, fichier: bytes) -> Fichier | Refus:
        """rechercheDemandeMulticritere [REC-1]: the numbers of the demandes that meet the criteria."""
        document = await self._read(echange, fichier, DocumentKind.RECHERCHE)
        if isinstance(document, Refus):
            return document
        jour = echange.recu_le.astimezone(PARIS).date()
        criteres = read_criteres(document.root)
        anomalies = (
            *self._check_guichet(echange, document),
            *recherche.check(criteres, check_codes(document.root, jour)),
        )
        if anomalies:
            return await self._refuse(echange, document, Prefixe.RECHERCHE, anomalies)
        voie = min(self._recherches, key=lambda batcher: batcher.pending)
        trouvees = await voie.submit(_RechercheDemandee(echange, criteres))
        if isinstance(trouvees, Echec):
            if _timed_out(trouvees):
                trop_long = catalogue.RECHERCHE_TROP_LONGUE("", f"{self._limites.duree_max:g} s")
                return await self._refuse(echange, document, Prefixe.RECHERCHE, (trop_long,))
            raise await self._failed(echange, trouvees)
        anomalies = ()
        if not trouvees.entier:
            maximum = str(self._limites.resultats_max)
            anomalies = (catalogue.TROP_DE_DEMANDES(str(len(trouvees.numeros)), maximum),)
        await self._finish(echange, Statut.ACCEPTE, anomalies[0].code if anomalies else "", trouvees.numeros)
        return self._answer(echange, document, Prefixe.RECHERCHE, write_numeros(trouvees.numeros), anomalies)

    async def lister_types_nationaux(self, echange: Echange, fichier: bytes) -> Fichier | Refus:
        """listerTypesEvenementsNationaux [GPE-4]."""
        document = await self._read(echange, fichier, DocumentKind.TYPE_EVENEMENT)
        if isinstance(document, Refus):
            return document
        anomalies = self._check_guichet(echange, document)
        if anomalies:
            return await self._refuse(echange, document, Prefixe.TYPES_EVENEMENTS, anomalies)
        await self._finish(echange, Statut.ACCEPTE)
        resultat = write_types(types_nationaux().values())
        return self._answer(echange, document, Prefixe.TYPES_EVENEMENTS, resultat)

    async def lister_types_territoriaux(self, echange: Echange, fichier: bytes) -> Fichier | Refus:
        """listerTypesEvenementsTerritoriaux [GPE-4]."""
        document = await self._read(echange, fichier, DocumentKind.TYPE_EVENEMENT)
        if isinstance(document, Refus):
            return document
        guichet = echange.emetteur.guichet
        territoire = read_code_territoire(document.root)
        anomalies = self._check_guichet(echange, document)
        element = "/interfaceNuu/operation/codeTerritoire"
        if not territoire:
            anomalies += (anomalies_partagee.TERRITOIRE_ABSENT("", "", element),)
        elif territoire not in guichet.territoires:
            siens = ", ".join(sorted(guichet.territoires))
            anomalies += (anomalies_partagee.TERRITOIRE_HORS_PORTEE(territoire, siens, element),)
        if anomalies:
            return await self._refuse(echange, document, Prefixe.TYPES_EVENEMENTS, anomalies)
        lus = await self._lectures.submit(_TypesDemandes(echange, territoire))
        if isinstance(lus, Echec):
            raise await self._failed(echange, lus)
        assert isinstance(lus, tuple)
        await self._finish(echange, Statut.ACCEPTE)
        return self._answer(echange, document, Prefixe.TYPES_EVENEMENTS, write_types(lus))

    async def lister_evenements(self, echange: Echange, fichier: bytes) -> Fichier | Refus:
        """listerEvenementsDemande [GPE-6]."""
        document = await self._read(echange, fichier, DocumentKind.EVENEMENT)
        if isinstance(document, Refus):
            return document
        anomalies = self._check_guichet(echange, document)
        if anomalies:
            return await self._refuse(echange, document, Prefixe.EVENEMENTS, anomalies)
        numero = read_num_unique(document.root)
        suivi = await self._lectures.submit(_SuiviDemande(echange, numero))
        if isinstance(suivi, Echec):
            raise await self._failed(echange, suivi)
        if isinstance(suivi, Anomalie):
            return await self._refuse(echange, document, Prefixe.EVENEMENTS, (suivi,))
        assert isinstance(suivi, Suivi)
        await self._finish(echange, Statut.ACCEPTE, lues=(numero,))
        resultat = write_evenements(suivi.evenements, suivi.types)
        return self._answer(echange, document, Prefixe.EVENEMENTS, resultat)

    async def ajouter_evenement(self, echange: Echange, fichier: bytes) -> Fichier | Refus:
        """ajouterEvenementDemande [GPE-10]."""
        return await self._change(echange, fichier, Action.AJOUT)

    async def modifier_evenement(self, echange: Echange, fichier: bytes) -> Fichier | Refus:
        """modifierEvenementDemande [GPE-20]."""
        return await self._change(echange, fichier, Action.MODIFICATION)

    async def supprimer_evenement(self, echange: Echange, fichier: bytes) -> Fichier | Refus:
        """supprimerEvenementDemande [GPE-20]."""
        return await self._change(echange, fichier, Action.SUPPRESSION)

    async def _change(self, echange: Echange, fichier: bytes, action: Action) -> Fichier | Refus:
        document = await self._read(echange, fichier, DocumentKind.EVENEMENT)
        if isinstance(document, Refus):
            return document
        anomalies = self._check_guichet(echange, document)
        if anomalies:
            return await self._refuse(echange, document, Prefixe.EVENEMENTS, anomalies)
        suivi = await self._ecritures.submit(
            EvenementsRecus(
                echange=echange,
                numero=read_num_unique(document.root),
                action=action,
                recus=read_evenements(document.root),
                empreinte=hashlib.sha256(fichier).digest(),
            )
        )
        if isinstance(suivi, Echec):
            raise await self._failed(echange, suivi)
        if isinstance(suivi, tuple):
            # The outcome was written with what was not done.
            return self._answer(echange, document, Prefixe.EVENEMENTS, None, suivi)
        resultat = write_evenements(suivi.evenements, suivi.types)
        return self._answer(echange, document, Prefixe.EVENEMENTS, resultat)

    # -- in the threads -------------------------------------------------------------------------------------

    def _search(self, items: Sequence[_RechercheDemandee]) -> list[Trouvees | Echec]:
        def work(conn: Connection, lot: Sequence[_RechercheDemandee]) -> list[Trouvees]:
            return [
                recherche.search(
                    conn,
                    item.echange.emetteur.guichet,
                    item.criteres,
                    item.echange.recu_le.astimezone(PARIS).date(),
                    self._limites,
                )
                for item in lot
            ]

        return run_batch(self._engine, work, items)

    def _look_up(self, items: Sequence[_Lecture]) -> list[_Lu | Echec]:
        def work(conn: Connection, lot: Sequence[_Lecture]) -> list[_Lu]:
            return [_read_one(conn, item) for item in lot]

        return run_batch(self._engine, work, items)

    def _write(self, items: Sequence[EvenementsRecus]) -> list[Suivi | tuple[Anomalie, ...] | Echec]:
        def work(conn: Connection, lot: Sequence[EvenementsRecus]) -> list[Suivi | tuple[Anomalie, ...]]:
            maintenant = self._clock.now()
            resultats = [evenements_store.write_evenements(conn, item) for item in lot]
            issues = []
            for item, resultat in zip(lot, resultats, strict=True):
                if isinstance(resultat, Suivi):
                    statut, code = Statut.REJEU if resultat.rejeu else Statut.ACCEPTE, ""
                else:
                    statut, code = Statut.REFUSE, resultat[0].code
                issues.append(Issue(item.echange.id, statut, maintenant, code, item.numero))
            if all(issue.statut is not Statut.ACCEPTE for issue in issues):
                relax(conn)
            record_outcomes(conn, issues)
            return resultats

        return run_batch(self._engine, work, items)


def _read_one(conn: Connection, item: _Lecture) -> _Lu:
    if isinstance(item, _TypesDemandes):
        return evenements_store.read_territoriaux(conn, item.territoire)
    return evenements_store.read_evenements(conn, item.echange.emetteur.guichet, item.numero)


def _timed_out(echec: Echec) -> bool:
    return isinstance(echec.cause, DBAPIError) and getattr(echec.cause.orig, "sqlstate", "") == _ANNULEE
