"""What the two edges call: one exchange in, one answer out (design, decision 3).

The event loop parses, validates and controls; the threads of the batchers speak to the database. An answer is
made only after the commit that makes it true.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine

from registry import anomalies_demande as catalogue
from registry import reading
from registry.actes import acte_of
from registry.anomalies import Anomalie
from registry.anomalies_document import anomalies_of
from registry.batching import Batcher
from registry.clock import Clock
from registry.controles import COPIE, check_search, searched_territoires
from registry.doublons import Doublons
from registry.droits import check_profil
from registry.echanges import (
    Echange,
    Fichier,
    Refus,
    ReponseDemandeLogement,
    ReponseDoublons,
    ReponseNumUnique,
)
from registry.evaluation import DemandeRecue
from registry.evenements import Decideur
from registry.exchanges_store import Issue, Statut, record_receptions
from registry.guichets import Guichet, TypeGuichet
from registry.handlers_portail import OPERATION_NUM_UNIQUE, Portail
from registry.identites import cles_of
from registry.lifecycle import SUITES, Fait
from registry.lots import Echec, conclude, run_batch
from registry.noms_fichiers import NomsFichiers, Prefixe
from registry.reading import Lecture
from registry.recherche_doublons import Recherchee
from registry.recus import change_of, check_copy, creation_of
from registry.refus_demandes import emitted, refuse
from registry.registration import Enregistrement, Resultat, describe_doublons, register
from registry.regles import REGLES, Regles
from registry.resultats import record_results
from registry.traitement_lectures import CONSTAT_MAX, LectureDemandee, Lectures, RechercheDemandee
from registry.traitement_vie import Vie
from schemas import territoires
from schemas.demande import Demande, read_demande
from schemas.documents import DEMANDES, read_document
from schemas.emission import emit_doublons

LOT_MAX: Final = 64
"""Registrations of one transaction: at about 1 ms each, other processes wait 64 ms for the chain."""

# Enough of a demande to be identified, hence to have the schema compiled.
_SQUELETTE: Final = b"<interfaceNuu xmlns='http://nuu.application.i2/'><entete/><demande/></interfaceNuu>"

T = TypeVar("T")


class Traitement:
    """The handlers common to both edges. Lives on one event loop, between `start` and `stop`.

    Every method but these two may raise registry.batching.Saturation, or what the database raises when it
    fails: the edge then says that it is our fault, and that sending again is safe.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        decideur: Decideur,
        *,
        lot_max: int = LOT_MAX,
        regles: Regles = REGLES,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._decideur = decideur
        self._noms = NomsFichiers()
        self.portail = Portail(engine, clock, decideur, regles)
        self._vie = Vie(engine, clock, decideur, regles, lot_max)
        self._receptions: Batcher[Echange, Echec | None] = Batcher(self._receive, lot_max, "réceptions")
        self._issues: Batcher[Issue, Echec | None] = Batcher(self._conclude, lot_max, "issues")
        self._enregistrements: Batcher[DemandeRecue, Resultat | Echec] = Batcher(
            self._register, lot_max, "enregistrements"
        )
        self._lectures = Lectures(engine, clock, lot_max)

    async def start(self) -> None:
        """Load what the first exchange would otherwise wait for, half a second or so; start the threads."""
        territoires.territoire_of("75056")
        read_document(_SQUELETTE, DEMANDES)
        for batcher in (
            self._receptions,
            self._enregistrements,
            self._issues,
        ):
            batcher.start()
        self._vie.start()
        self.portail.start()
        self._lectures.start()

    async def stop(self) -> None:
        """Finish what was submitted, then end the threads."""
        await asyncio.gather(
            self._receptions.stop(),
            self._enregistrements.stop(),
            self._lectures.stop(),
            self._vie.stop(),
            self.portail.stop(),
        )
        await self._issues.stop()

    # -- the handlers ---------------------------------------------------------------------------------------

    async def receive(self, echange: Echange) -> None:
        """Keep the raw bytes; to be awaited before anything else is done with them (design, decision 8)
        ([SOA-32])."""
        _value(await self._receptions.submit(echange))

    async def get_num_unique(self, echange: Echange, fichier: bytes) -> ReponseNumUnique | Refus:
        """Do what the typeFichier of `fichier` asks; a Refus when it is no valid document, or
        when the profile does not allow it."""
        demande = await self._read_document(echange, fichier)
        if isinstance(demande, Refus):
            return demande
        guichet = echange.emetteur.guichet
        interdit = check_profil(echange.emetteur.profil, acte_of(demande))
        if interdit is not None:
            await self._finish(echange, Statut.REFUSE, interdit.code)
            return Refus((interdit,))
        if demande.type_fichier == COPIE:
            return await self._copy(echange, demande)
        if guichet.type is TypeGuichet.PORTAIL and demande.type_fichier == Fait.CREATION:
            return await self.portail.deposer_demande(echange, fichier, demande)
        if demande.type_fichier in SUITES:
            resultat = await self._vie.submit(
                change_of(
                    echange, OPERATION_NUM_UNIQUE, fichier, demande, self._name(Prefixe.DEMANDE, guichet)
                )
            )
        else:
            resultat = await self._enregistrements.submit(
                creation_of(
                    echange, OPERATION_NUM_UNIQUE, fichier, demande, self._name(Prefixe.DEMANDE, guichet)
                )
            )
        if isinstance(resultat, Echec):
            raise await self._failed(echange, resultat)
        if isinstance(resultat, Enregistrement):
            return ReponseNumUnique(resultat.fichier, resultat.numero, demande.type_fichier)
        return ReponseNumUnique(self._refuse(demande, guichet, resultat.anomalies, resultat.doublons))

    async def get_demande_logement(self, echange: Echange, num_unique: str) -> ReponseDemandeLogement | Refus:
        """The demande of that number as it is now, if the guichet may read it."""
        guichet = echange.emetteur.guichet
        lecture = Lecture(guichet, num_unique.strip())
        lue = await self._lectures.read(LectureDemandee(echange, lecture))
        if isinstance(lue, Echec):
            raise await self._failed(echange, lue)
        if lue is None:
            return Refus((_out_of_reach(lecture),))
        contenu = reading.answer(lue, self._clock.now())
        return ReponseDemandeLogement(Fichier(self._name(Prefixe.DEMANDE, guichet), contenu))

    async def get_doublons(self, echange: Echange, fichier: bytes) -> ReponseDoublons | Refus:
        """The active demandes about the same persons that the guichet may read; an answer without any file
        says that there is none ([ENR-23])."""
        demande = await self._read_document(echange, fichier)
        if isinstance(demande, Refus):
            return demande
        guichet = echange.emetteur.guichet
        anomalies = check_search(demande, guichet)
        if anomalies:
            await self._finish(echange, Statut.REFUSE, anomalies[0].code)
            return ReponseDoublons(demande=self._refuse(demande, guichet, anomalies))
        cherches = searched_territoires(demande, guichet)
        cherchees = tuple(Recherchee(cle.cle, cle.role) for cle in cles_of(demande))
        trouves = await self._lectures.search(
            RechercheDemandee(echange, frozenset(cherches), cherchees, demande.num_unique)
        )
        if isinstance(trouves, Echec):
            raise await self._failed(echange, trouves)
        if trouves.lisibles:
            contenu = emit_doublons(emitted(trouves))
            return ReponseDoublons(doublons=Fichier(self._name(Prefixe.DOUBLONS, guichet), contenu))
        if trouves.caches:
            anomalies = tuple(describe_doublons(trouves, guichet.code, ", ".join(sorted(cherches))))
            return ReponseDoublons(demande=self._refuse(demande, guichet, anomalies))
        return ReponseDoublons()

    # -- on the event loop ----------------------------------------------------------------------------------

    async def _read_document(self, echange: Echange, fichier: bytes) -> Demande | Refus:
        document = read_document(fichier, DEMANDES)
        if isinstance(document, tuple):
            refus = Refus(anomalies_of(document))
            await self._finish(echange, Statut.REFUSE, refus.anomalies[0].code)
            return refus
        return read_demande(document.root)

    async def _copy(self, echange: Echange, demande: Demande) -> ReponseNumUnique:
        """The demande as it is, as a digital copy ([VIE-80]): a reading, whatever else the file says."""
        guichet = echange.emetteur.guichet
        anomalies = check_copy(demande, guichet)
        if anomalies:
            await self._finish(echange, Statut.REFUSE, anomalies[0].code)
            return ReponseNumUnique(self._refuse(demande, guichet, anomalies))
        lecture = Lecture(guichet, demande.num_unique or "")
        lue = await self._lectures.read(LectureDemandee(echange, lecture))
        if isinstance(lue, Echec):
            raise await self._failed(echange, lue)
        if lue is None:
            return ReponseNumUnique(self._refuse(demande, guichet, (_out_of_reach(lecture),)))
        contenu = reading.answer(lue, self._clock.now(), COPIE)
        return ReponseNumUnique(Fichier(self._name(Prefixe.DEMANDE, guichet), contenu))

    def _refuse(
        self,
        demande: Demande,
        guichet: Guichet,
        anomalies: Sequence[Anomalie],
        trouves: Doublons | None = None,
    ) -> Fichier:
        contenu = refuse(demande, anomalies, trouves, self._clock.now())
        return Fichier(self._name(Prefixe.DEMANDE, guichet), contenu)

    def _name(self, prefixe: Prefixe, guichet: Guichet) -> str:
        return self._noms.name(prefixe, guichet.code, self._clock.now())

    async def _finish(self, echange: Echange, statut: Statut, code: str = "") -> None:
        _value(await self._issues.submit(Issue(echange.id, statut, self._clock.now(), code)))

    async def _failed(self, echange: Echange, echec: Echec) -> Exception:
        """Mark the exchange as our failure, if the database still can; the exception to raise."""
        await self._issues.submit(Issue(echange.id, Statut.ECHEC, self._clock.now()))
        return echec.cause

    # -- in the threads: each gets a batch and does it in one transaction -----------------------------------

    def _receive(self, echanges: Sequence[Echange]) -> list[Echec | None]:
        def work(conn: Connection, lot: Sequence[Echange]) -> list[None]:
            record_receptions(conn, lot)
            return [None] * len(lot)

        return run_batch(self._engine, work, echanges)

    def _conclude(self, issues: Sequence[Issue]) -> list[Echec | None]:
        return conclude(self._engine, issues)

    def _register(self, items: Sequence[DemandeRecue]) -> list[Resultat | Echec]:
        def work(conn: Connection, lot: Sequence[DemandeRecue]) -> list[Resultat]:
            maintenant = self._clock.now()
            resultats = register(conn, lot, decideur=self._decideur, repondu_le=maintenant)
            record_results(conn, lot, resultats, maintenant)
            return resultats

        return run_batch(self._engine, work, items)


def _value(resultat: T | Echec) -> T:
    if isinstance(resultat, Echec):
        raise resultat.cause
    return resultat


def _out_of_reach(lecture: Lecture) -> Anomalie:
    return catalogue.DEMANDE_HORS_PORTEE(f"« {lecture.numero[:CONSTAT_MAX]} »", lecture.guichet.code)
