"""The handlers of the portal, of brouillons and of validations, common to both edges.

One transaction for each message: they are few (a portal of 1.3 million demandes a year sends some 15 a
minute), and each has its own locks to take.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar, cast

from sqlalchemy import Connection, Engine

from registry import anomalies_portail as catalogue
from registry import depots, portail, validation_depots
from registry import depots_store as store
from registry.acces_depots import find_readable
from registry.anomalies import Anomalie
from registry.anomalies_document import anomalies_of
from registry.batching import Batcher
from registry.clock import Clock
from registry.controles import check_creation
from registry.depots import Constat
from registry.depots_store import Message
from registry.doublons import Doublons
from registry.echanges import Echange, Fichier, Refus, ReponseNumUnique
from registry.evenements import Decideur
from registry.exchanges_store import record_outcomes
from registry.guichets import TypeGuichet
from registry.lots import Echec, run_batch
from registry.noms_fichiers import NomsFichiers, Prefixe
from registry.portail import DepotFait
from registry.recus import creation_of
from registry.recus_portail import (
    Brouillon,
    DepotInvalide,
    DepotLu,
    Recherche,
    channel_of_depot,
    criteres_of,
    day_of,
    issue_of,
    own_document,
    read_brouillon,
)
from registry.refus_demandes import refuse
from registry.registration import Enregistrement, RefusDemande, Resultat
from registry.regles import REGLES, Regles
from registry.releve_depots import write_liste
from schemas.codes import check_codes
from schemas.demande import Demande, read_demande
from schemas.documents import DEMANDES, Document, read_document
from schemas.revision import body_of, put_text

OPERATION_NUM_UNIQUE: Final = "getNumUnique"
"""Operation under which deposits and creations are kept for replays: the same file is the same act, whatever
the service that it comes by."""

LISTE_MAX: Final = 100
"""Deposits of one list: each is parsed; the next ones are asked for from the last identifier."""

T = TypeVar("T")

_Traite = DepotFait | Resultat | tuple[Anomalie, ...]


@dataclass(frozen=True, slots=True)
class _Travail:
    """Something to be done in its transaction, for an exchange; and what the outcome is called."""

    echange: Echange
    faire: Callable[[Connection], object]


class Portail:
    """Lives on one event loop, between `start` and `stop`. Its methods may raise
    registry.batching.Saturation, or what the database raises when it fails."""

    def __init__(self, engine: Engine, clock: Clock, decideur: Decideur, regles: Regles = REGLES) -> None:
        self._engine = engine
        self._clock = clock
        self._decideur = decideur
        self._noms = NomsFichiers()
        self.regles = regles
        self._travaux: Batcher[_Travail, object] = Batcher(self._run, 1, "dépôts", max_pending=256)

    def start(self) -> None:
        """Start the thread."""
        self._travaux.start()

    async def stop(self) -> None:
        """Finish what was submitted, then end the thread."""
        await self._travaux.stop()

    # -- the handlers ---------------------------------------------------------------------------------------

    async def enregistrer_brouillon(
        self, echange: Echange, fichier: bytes, identifiant: str
    ) -> Brouillon | Refus:
        """Keep an incomplete demande ([POR-10])."""
        root = read_brouillon(fichier)
        if isinstance(root, Refus):
            return await self._refuse(echange, root)
        demande = read_demande(root)
        anomalies = depots.check_brouillon(demande, echange.emetteur.guichet)
        if anomalies:
            return await self._refuse(echange, Refus(anomalies))
        message = self._message(echange, "enregistrerBrouillon", fichier)
        fait = await self._do(
            echange, lambda conn: portail.save(conn, echange, message, fichier, demande, identifiant)
        )
        if isinstance(fait, Anomalie):
            return Refus((fait,))
        return Brouillon(fait[0], self._missing(echange, fichier))

    async def deposer(
        self, echange: Echange, fichier: bytes | None, identifiant: str = ""
    ) -> ReponseNumUnique | Refus:
        """Deposit a demande of the portal, or create that of a guichet; from the brouillon that is named."""
        guichet = echange.emetteur.guichet
        contenu = fichier
        if contenu is None:
            if not identifiant:
                return await self._refuse(echange, Refus((catalogue.SANS_FICHIER(),)))
            found = await self._do(echange, lambda conn: own_document(conn, echange, identifiant))
            if isinstance(found, Anomalie):
                return Refus((found,))
            contenu = found
        document = read_document(contenu, DEMANDES)
        if isinstance(document, tuple):
            return await self._refuse(echange, Refus(anomalies_of(document)))
        if fichier is None and guichet.type is TypeGuichet.PORTAIL:
            # The seniority starts with the deposit, whenever the brouillon was begun.
            put_text(body_of(document.root), "dateCreationDemande", day_of(echange).isoformat())
        demande = read_demande(document.root)
        return await self.deposer_demande(echange, contenu, demande, identifiant)

    async def deposer_demande(
        self, echange: Echange, fichier: bytes, demande: Demande, identifiant: str = ""
    ) -> ReponseNumUnique:
        """The same for a valid document."""
        guichet = echange.emetteur.guichet
        message = self._message(echange, OPERATION_NUM_UNIQUE, fichier)
        if guichet.type is TypeGuichet.PORTAIL:

            def work(conn: Connection) -> _Traite:
                maintenant = self._clock.now()
                return portail.deposit(conn, echange, message, demande, identifiant, maintenant)

        else:
            item = creation_of(echange, OPERATION_NUM_UNIQUE, fichier, demande, message.nom_fichier)

            def work(conn: Connection) -> _Traite:
                return validation_depots.create_from(
                    conn, item, identifiant, decideur=self._decideur, repondu_le=self._clock.now()
                )

        return self._answer(echange, demande, await self._do(echange, work))

    async def lister(self, echange: Echange, recherche: Recherche) -> Fichier | Refus:
        """The deposits that the guichet may read and that it looks for, at most LISTE_MAX ([POR-32])."""
        criteres = criteres_of(echange, recherche)
        if isinstance(criteres, Anomalie):
            return await self._refuse(echange, Refus((criteres,)))
        lus = await self._do(echange, lambda conn: store.list_depots(conn, criteres, LISTE_MAX + 1))
        contenu = write_liste(lus[:LISTE_MAX], self.regles, self._clock.now(), tronquee=len(lus) > LISTE_MAX)
        return Fichier(self._name(Prefixe.DEPOTS, echange), contenu)

    async def consulter(self, echange: Echange, identifiant: str) -> DepotLu | Refus:
        """A deposit, or a brouillon of the guichet ([POR-33])."""
        guichet = echange.emetteur.guichet
        depot = await self._do(echange, lambda conn: find_readable(conn, guichet, identifiant))
        if isinstance(depot, Anomalie):
            return Refus((depot,))
        if depot.document is None:
            return DepotLu(depot, None)
        return DepotLu(depot, Fichier(self._name(Prefixe.DEMANDE, echange), depot.document))

    async def valider(
        self, echange: Echange, identifiant: str, constat: Constat, fichier: bytes | None
    ) -> ReponseNumUnique | Refus:
        """Give its number to a deposit ([POR-31]); a Refus when the message or its file cannot be read."""
        anomalies = depots.check_constat(constat)
        if anomalies:
            return await self._refuse(echange, Refus(anomalies))
        document = None if fichier is None else read_document(fichier, DEMANDES)
        if isinstance(document, tuple):
            return await self._refuse(echange, Refus(anomalies_of(document)))
        corrigee = None if document is None else read_demande(document.root)
        message = self._message(
            echange,
            validation_depots.VALIDATION,
            b"\0".join((identifiant.encode(), repr(constat).encode(), fichier or b"")),
        )

        def work(conn: Connection) -> tuple[Resultat, Demande | None]:
            return validation_depots.validate(
                conn,
                echange,
                message,
                identifiant,
                constat,
                corrigee,
                decideur=self._decideur,
                repondu_le=self._clock.now(),
            )

        resultat, demande = await self._do(echange, work)
        if isinstance(resultat, RefusDemande) and demande is None:
            return Refus(resultat.anomalies)
        return self._answer(echange, demande, resultat)

    async def invalider(
        self, echange: Echange, identifiant: str, motif: str, commentaire: str, utilisateur: str
    ) -> DepotInvalide | Refus:
        """Refuse a deposit, or withdraw it for the applicant ([POR-40])."""
        anomalies = depots.check_utilisateur(utilisateur)
        if anomalies:
            return await self._refuse(echange, Refus(anomalies))
        depot = await self._do(
            echange,
            lambda conn: portail.end(
                conn, echange, identifiant, motif, commentaire[: depots.TEXTE_MAX], utilisateur
            ),
        )
        if isinstance(depot, Anomalie):
            return Refus((depot,))
        return DepotInvalide(depot, channel_of_depot(depot))

    # -- on the event loop ----------------------------------------------------------------------------------

    def _answer(self, echange: Echange, demande: Demande | None, resultat: _Traite) -> ReponseNumUnique:
        if isinstance(resultat, DepotFait):
            return ReponseNumUnique(resultat.fichier, depot=str(resultat.depot.id))
        if isinstance(resultat, Enregistrement):
            return ReponseNumUnique(resultat.fichier, resultat.numero, "CRE")
        if isinstance(resultat, tuple):
            resultat = RefusDemande(resultat, Doublons((), 0))
        assert demande is not None, "un refus revient avec le fichier refusé"
        contenu = refuse(demande, resultat.anomalies, resultat.doublons, self._clock.now())
        return ReponseNumUnique(Fichier(self._name(Prefixe.DEMANDE, echange), contenu))

    def _missing(self, echange: Echange, fichier: bytes) -> int:
        document = read_document(fichier, DEMANDES)
        if not isinstance(document, Document):
            return len(document)
        demande, jour = read_demande(document.root), day_of(echange)
        guichet = echange.emetteur.guichet
        creation = check_creation(demande, guichet, jour, check_codes(demande.root, jour))
        return len(creation) + len(depots.check_depot(demande, guichet, jour))

    def _message(self, echange: Echange, operation: str, fichier: bytes) -> Message:
        empreinte = hashlib.sha256(fichier).digest()
        nom = self._name(Prefixe.DEMANDE, echange)
        return Message(echange.id, echange.emetteur.guichet.code, operation, empreinte, nom)

    def _name(self, prefixe: Prefixe, echange: Echange) -> str:
        return self._noms.name(prefixe, echange.emetteur.guichet.code, self._clock.now())

    async def _refuse(self, echange: Echange, refus: Refus) -> Refus:
        await self._do(echange, lambda _conn: refus.anomalies)
        return refus

    async def _do(self, echange: Echange, faire: Callable[[Connection], T]) -> T:
        # The batcher carries works of several types: each comes back with the type that it went with.
        resultat = cast("T | Echec", await self._travaux.submit(_Travail(echange, faire)))
        if isinstance(resultat, Echec):
            # Mark the exchange as our failure, if the database still can.
            await self._travaux.submit(_Travail(echange, lambda _conn: resultat))
            raise resultat.cause
        return resultat

    # -- in the thread --------------------------------------------------------------------------------------

    def _run(self, travaux: Sequence[_Travail]) -> list[object]:
        def work(conn: Connection, lot: Sequence[_Travail]) -> list[object]:
            resultats = [travail.faire(conn) for travail in lot]
            maintenant = self._clock.now()
            record_outcomes(
                conn,
                [
                    issue_of(travail.echange, resultat, maintenant)
                    for travail, resultat in zip(lot, resultats, strict=True)
                ],
            )
            return resultats

        return list(run_batch(self._engine, work, travaux))
