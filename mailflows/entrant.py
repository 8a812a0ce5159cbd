"""The pipeline of a message received, in its fixed order (conception, décision 8).

The raw bytes are kept already. Then: opened, identified, verified; its files read; each handed to the handler
that SOAP calls, committed there, its result kept; at last one transaction writes the answers in the outbox
and the end of the message. Interrupted anywhere, it is taken again: what was committed is a replay with its
first answer, what was kept is not even asked again, and the answers are written once.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import structlog
from sqlalchemy import Engine

from dispatching.deliveries import uuid7s
from mailflows import accuses, entrants, fermeture, resultats, sortants
from mailflows.anomalies import (
    CANAL_FERME,
    SANS_ADRESSE,
)
from mailflows.entrants import EtatEntrant, Nature, Pris
from mailflows.etats import ReglesEnvoi
from mailflows.execution import Execution
from mailflows.fermeture import Fermeture
from mailflows.message_lu import Exterieur, LimitesMessage, read_files, read_outside
from mailflows.operations import Operations
from mailflows.ouverture import (
    Cles,
    Etranger,
    Identification,
    Ouvert,
    Refuse,
    open_mail,
)
from mailflows.ouvrier import Cadence
from mailflows.places import sort_files
from mailflows.quarantaine import Quarantaine
from mailflows.repetition import Provenance
from mailflows.resultats import Tete
from mailflows.sortants import ASortir, NatureSortant
from registry.anomalies import Anomalie
from registry.certificats import CERTIFICAT_SUSPENDU
from registry.clock import Clock
from registry.echanges import Fichier
from registry.guichets_store import get_guichet
from registry.moments import say_moment
from schemas.courrier import Accuse

_LOG: Final = structlog.get_logger()


ENSEMBLE: Final = 32 << 20
"""Octets of the messages handled together; a larger one is handled alone. Threat: memory; one takes some six
times its size while it is opened."""


@dataclass(frozen=True, slots=True)
class Reglages:
    """taille_max: bytes of a mail of ours. accuse_attendu: whether answers must be acknowledged.
    refus_par_heure: refusals sent to one guichet in an hour; beyond, messages are only put in quarantine.
    fermeture: the cut-off that the configuration announces."""

    limites: LimitesMessage = field(default_factory=LimitesMessage)
    taille_max: int = 10 << 20
    accuse_attendu: bool = False
    envoi: ReglesEnvoi = field(default_factory=ReglesEnvoi)
    refus_par_heure: int = 20
    fermeture: Fermeture | None = None


class Entrant:
    """Handles the messages taken from the inbox."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        operations: Operations,
        identites: Identification,
        cles: Cles,
        reglages: Reglages,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._execution = Execution(engine, clock, operations)
        self._identites = identites
        self._cles = cles
        self._reglages = reglages
        self._quarantaine = Quarantaine(engine, clock, reglages.refus_par_heure)
        self._reprise = Cadence()
        self._tenus: dict[uuid.UUID, int] = {}

    def look(self, porteur: int, nombre: int) -> Sequence[Pris]:
        """Take what is due (`mailflows.ouvrier`)."""
        instant = self._clock.now()
        with self._engine.begin() as conn:
            if self._reprise.due():
                entrants.take_back(conn, instant=instant)
            # Copied at once: this is a thread, and the loop ends messages meanwhile.
            held = tuple(self._tenus.values())
            return entrants.take(
                conn,
                instant=instant,
                porteur=porteur,
                nombre=nombre,
                octets=ENSEMBLE - sum(held),
                seul=not held,
            )

    async def handle(self, pris: Pris) -> None:
        """Handle one message, or postpone it. Raises only what a lost database raises."""
        self._tenus[pris.id] = pris.taille
        try:
            with structlog.contextvars.bound_contextvars(courrier=str(pris.id)):
                await self._handle(pris)
        except Exception as error:  # noqa: BLE001 - whatever happened, the message is tried again, then shown
            _LOG.warning("courrier.reporte", courrier=str(pris.id), erreur=type(error).__name__)
            await asyncio.to_thread(self._quarantaine.postpone, pris, type(error).__name__)
        finally:
            del self._tenus[pris.id]

    # -- the message ----------------------------------------------------------------------------------------

    async def _handle(self, pris: Pris) -> None:
        exterieur = read_outside(pris.give())
        if isinstance(exterieur, Anomalie):
            await asyncio.to_thread(
                self._quarantaine.put_aside, pris, None, Etranger(exterieur, exterieur.constat)
            )
            return
        if accuses.is_notice(exterieur):
            await asyncio.to_thread(self._notice, pris, exterieur)
            return
        opened = await open_mail(exterieur, self._cles, self._identites, pris.recu_le)
        if isinstance(opened, Refuse) and opened.anomalie.type is CERTIFICAT_SUSPENDU:
            await asyncio.to_thread(self._quarantaine.wait, pris, exterieur, opened)
            return
        if not isinstance(opened, Ouvert):
            await asyncio.to_thread(self._quarantaine.put_aside, pris, exterieur, opened)
            return
        # What was read is let go: of a batch, its files alone are held while they are handled.
        exterieur = replace(exterieur, corps=b"")
        refus = await asyncio.to_thread(self._admit, pris, opened)
        fichiers: tuple[Fichier, ...] | Anomalie = ()
        if refus is None:
            fichiers = await asyncio.to_thread(read_files, opened.contenu.octets, self._reglages.limites)
        opened = replace(opened, contenu=replace(opened.contenu, octets=b""))
        if refus is not None or isinstance(fichiers, Anomalie):
            anomalie = refus if refus is not None else fichiers
            assert isinstance(anomalie, Anomalie)
            refuse = Refuse(opened.emetteur.empreinte, anomalie, anomalie.constat)
            empreinte = bytes.fromhex(opened.contenu.empreinte)
            await asyncio.to_thread(self._quarantaine.put_aside, pris, exterieur, refuse, empreinte)
            return
        recus, places = sort_files(fichiers)
        if places:
            await self._execution.run(pris, opened.emetteur, places)
        await asyncio.to_thread(self._conclude, pris, exterieur, opened, len(places), recus)

    def _admit(self, pris: Pris, opened: Ouvert) -> Anomalie | None:
        """Write who signed what; what keeps it from being handled, if anything."""
        guichet = opened.emetteur.guichet
        with self._engine.begin() as conn:
            entrants.identify(
                conn,
                pris.id,
                guichet=guichet.code,
                certificat=opened.emetteur.empreinte,
                contenu=bytes.fromhex(opened.contenu.empreinte),
            )
            found = fermeture.find(conn, guichet.code, self._reglages.fermeture)
            # Read now: what identifies partners is some seconds old, and a first message may follow at once
            # the declaration of the address.
            declared = get_guichet(conn, guichet.code)
        if found is not None and fermeture.is_closed(found, pris.recu_le):
            return CANAL_FERME(attendu=say_moment(found.ferme_le))
        if declared is None or not declared.adresse_courrier:
            return SANS_ADRESSE(guichet.code)
        return None

    # -- its end --------------------------------------------------------------------------------------------

    def _conclude(
        self,
        pris: Pris,
        exterieur: Exterieur,
        opened: Ouvert,
        fichiers: int,
        recus: Sequence[Accuse],
    ) -> None:
        instant = self._clock.now()
        guichet = opened.emetteur.guichet.code
        with self._engine.begin() as conn:
            venu = Provenance(
                pris.id,
                exterieur.message_id,
                bytes.fromhex(opened.contenu.empreinte),
                pris.recu_le,
                opened.emetteur.empreinte,
                opened.destinataire,
            )
            remarques = [
                accuses.take_accuse(conn, guichet, recu, venu, instant=instant, regles=self._reglages.envoi)
                for recu in recus
            ]
            ended = entrants.conclude(
                conn,
                pris.id,
                EtatEntrant.TRAITE,
                instant=instant,
                nature=Nature.FICHIERS if fichiers else Nature.ACCUSE,
                fichiers=fichiers,
                motif=" ; ".join(remarques),
                message_id=exterieur.message_id,
            )
            if not ended or not fichiers:
                return
            annonce = fermeture.find(conn, guichet, self._reglages.fermeture)
            tete = Tete(
                exterieur.identifiant or exterieur.message_id,
                bytes.fromhex(opened.contenu.empreinte),
                pris.recu_le,
                fermeture.warning_of(annonce, instant),
            )
            read = resultats.reader(conn, pris.id, fichiers)
            coupe = resultats.plan(read, self._reglages.taille_max)
            ids = uuid7s(instant, len(coupe.fins))
            # One part at a time: what is in memory is a mail, not the whole answer.
            for rang, debut, fin in coupe.parts():
                message = ASortir(
                    ids[rang - 1],
                    guichet,
                    NatureSortant.REPONSE,
                    pris.id,
                    rang,
                    len(coupe.fins),
                    resultats.compose(tete, coupe, rang, read(debut, fin)),
                    self._reglages.accuse_attendu,
                )
                sortants.write(conn, [message], instant=instant)
            resultats.forget(conn, pris.id)

    def _notice(self, pris: Pris, exterieur: Exterieur) -> None:
        instant = self._clock.now()
        avis = accuses.read_notice(exterieur)
        with self._engine.begin() as conn:
            motif = "avis d'un serveur qui ne concerne aucun message de l'échangeur"
            if avis is not None:
                motif = accuses.take_notice(conn, pris, avis, instant=instant, regles=self._reglages.envoi)
            entrants.conclude(
                conn, pris.id, EtatEntrant.TRAITE, instant=instant, nature=Nature.AVIS, motif=motif
            )
