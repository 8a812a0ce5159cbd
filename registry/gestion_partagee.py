"""The handlers of the search and of shared management: those whose wrapper is `fichierXmlParametres`.

Same shape as registry.handlers.Traitement: the event loop reads and controls, threads speak to the database.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from registry import anomalies_demande, recherche
from registry import anomalies_recherche as catalogue
from registry.anomalies import Anomalie
from registry.anomalies_document import anomalies_of
from registry.batching import Batcher
from registry.clock import Clock
from registry.controles import PARIS
from registry.echanges import Echange, Fichier, Refus
from registry.exchanges_store import Issue, Statut, record_outcomes, relax
from registry.lots import Echec, run_batch
from registry.noms_fichiers import NomsFichiers, Prefixe
from registry.recherche import DUREE_MAX, RESULTATS_MAX, Trouvees
from schemas.codes import check_codes
from schemas.documents import Document, DocumentKind, read_document
from schemas.emission import AnomalieEmise
from schemas.gestion_partagee import (
    Champs,
    Criteres,
    read_criteres,
    read_entete,
    write_document,
    write_numeros,
)

VOIES: Final = 2
"""Searches at a time: a slow one leaves the other lane to the quick ones, and the pool to registrations."""

_ANNULEE: Final = "57014"
"""SQLSTATE of a statement that lasted too long."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _RechercheDemandee:
    echange: Echange
    criteres: Criteres


class GestionPartagee:
    """The handlers. Lives on one event loop, between `start` and `stop`.

    Every handler may raise registry.batching.Saturation, or what the database raises.
    """

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._noms = NomsFichiers()
        self._recherches: tuple[Batcher[_RechercheDemandee, Trouvees | Echec], ...] = tuple(
            # One search a transaction: the time it is given is its own.
            Batcher(self._search, 1, f"recherches {voie}", max_pending=64)
            for voie in range(1, VOIES + 1)
        )
        self._issues: Batcher[Issue, Echec | None] = Batcher(self._conclude, 64, "issues partagées")

    async def start(self) -> None:
        """Start the threads."""
        for voie in self._recherches:
            voie.start()
        self._issues.start()

    async def stop(self) -> None:
        """Finish what was submitted, then end the threads."""
        await asyncio.gather(*(batcher.stop() for batcher in self._recherches))
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
                trop_long = catalogue.RECHERCHE_TROP_LONGUE("", f"{DUREE_MAX:g} s")
                return await self._refuse(echange, document, Prefixe.RECHERCHE, (trop_long,))
            raise await self._failed(echange, trouvees)
        anomalies = ()
        if not trouvees.entier:
            anomalies = (catalogue.TROP_DE_DEMANDES(str(len(trouvees.numeros)), str(RESULTATS_MAX)),)
        await self._finish(
            echange, Statut.ACCEPTE, anomalies[0].code if anomalies else "", ",".join(trouvees.numeros[:1])
        )
        return self._answer(echange, document, Prefixe.RECHERCHE, write_numeros(trouvees.numeros), anomalies)

    # -- on the event loop ----------------------------------------------------------------------------------

    async def _read(self, echange: Echange, fichier: bytes, kind: DocumentKind) -> Document | Refus:
        document = read_document(fichier, frozenset({kind}))
        if isinstance(document, Document):
            return document
        refus = Refus(anomalies_of(document))
        await self._finish(echange, Statut.REFUSE, refus.anomalies[0].code)
        return refus

    def _check_guichet(self, echange: Echange, document: Document) -> tuple[Anomalie, ...]:
        """The document must name the guichet of the certificate (regles §14)."""
        guichet = echange.emetteur.guichet.code
        annonce = read_entete(document.root).guichet
        if annonce == guichet:
            return ()
        return (anomalies_demande.GUICHET_DISCORDANT(annonce, guichet, "/interfaceNuu/entete/codeGuichet"),)

    async def _refuse(
        self, echange: Echange, document: Document, prefixe: Prefixe, anomalies: tuple[Anomalie, ...]
    ) -> Fichier:
        await self._finish(echange, Statut.REFUSE, anomalies[0].code)
        return self._answer(echange, document, prefixe, None, anomalies)

    def _answer(
        self,
        echange: Echange,
        document: Document,
        prefixe: Prefixe,
        resultat: tuple[str, Champs] | None,
        anomalies: Sequence[Anomalie] = (),
    ) -> Fichier:
        guichet = echange.emetteur.guichet.code
        maintenant = self._clock.now()
        contenu = write_document(
            document.root,
            guichet=guichet,
            date_fichier=maintenant,
            resultat=resultat,
            anomalies=[AnomalieEmise(each.code, each.message) for each in anomalies],
        )
        return Fichier(self._noms.name(prefixe, guichet, maintenant), contenu)

    async def _finish(self, echange: Echange, statut: Statut, code: str = "", numero: str = "") -> None:
        issue = await self._issues.submit(Issue(echange.id, statut, self._clock.now(), code, numero))
        if isinstance(issue, Echec):
            raise issue.cause

    async def _failed(self, echange: Echange, echec: Echec) -> Exception:
        """Mark the exchange as our failure, if the database still can; the exception to raise."""
        await self._issues.submit(Issue(echange.id, Statut.ECHEC, self._clock.now()))
        return echec.cause

    # -- in the threads -------------------------------------------------------------------------------------

    def _conclude(self, issues: Sequence[Issue]) -> list[Echec | None]:
        def work(conn: Connection, lot: Sequence[Issue]) -> list[None]:
            relax(conn)
            record_outcomes(conn, lot)
            return [None] * len(lot)

        return run_batch(self._engine, work, issues)

    def _search(self, items: Sequence[_RechercheDemandee]) -> list[Trouvees | Echec]:
        return self._each(
            items,
            lambda conn, item: recherche.search(
                conn,
                item.echange.emetteur.guichet,
                item.criteres,
                item.echange.recu_le.astimezone(PARIS).date(),
            ),
        )

    def _each(
        self,
        items: Sequence[_RechercheDemandee],
        work: Callable[[Connection, _RechercheDemandee], T],
    ) -> list[T | Echec]:
        return run_batch(self._engine, lambda conn, lot: [work(conn, item) for item in lot], items)


def _timed_out(echec: Echec) -> bool:
    return isinstance(echec.cause, DBAPIError) and getattr(echec.cause.orig, "sqlstate", "") == _ANNULEE
