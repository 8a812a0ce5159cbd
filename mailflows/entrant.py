"""The pipeline of a message received, in its fixed order (conception, décision 8).

The raw bytes are kept already. Then: opened, identified, verified; its files read; each handed to the handler
that SOAP calls, committed there, its result kept; at last one transaction writes the answers in the outbox
and the end of the message. Interrupted anywhere, it is taken again: what was committed is a replay with its
first answer, what was kept is not even asked again, and the answers are written once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Connection, Engine, text

from dispatching.deliveries import uuid7s
from mailflows import accuses, entrants, fermeture, resultats, sortants
from mailflows.anomalies import (
    CANAL_FERME,
    ERREUR_INATTENDUE,
    SANS_ADRESSE,
)
from mailflows.entrants import EtatEntrant, Nature, Pris, Source
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
    addressee_of,
    open_mail,
    owner_of,
)
from mailflows.ouvrier import Cadence
from mailflows.places import sort_files
from mailflows.repetition import Provenance
from mailflows.resultats import Tete
from mailflows.sortants import ASortir, NatureSortant
from registry.anomalies import Anomalie
from registry.certificats import CERTIFICAT_SUSPENDU
from registry.clock import Clock
from registry.echanges import Fichier
from registry.guichets_store import get_guichet
from schemas.courrier import Accuse

_LOG: Final = structlog.get_logger()


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
        self._reprise = Cadence()

    def look(self, porteur: int, nombre: int) -> Sequence[Pris]:
        """Take what is due (`mailflows.ouvrier`)."""
        instant = self._clock.now()
        with self._engine.begin() as conn:
            if self._reprise.due():
                entrants.take_back(conn, instant=instant)
            return entrants.take(conn, instant=instant, porteur=porteur, nombre=nombre)

    async def handle(self, pris: Pris) -> None:
        """Handle one message, or postpone it. Raises only what a lost database raises."""
        try:
            await self._handle(pris)
        except Exception as error:  # noqa: BLE001 - whatever happened, the message is tried again, then shown
            _LOG.warning("courrier.reporte", courrier=str(pris.id), erreur=type(error).__name__)
            await asyncio.to_thread(self._postpone, pris, type(error).__name__)

    # -- the message ----------------------------------------------------------------------------------------

    async def _handle(self, pris: Pris) -> None:
        exterieur = read_outside(pris.octets)
        if isinstance(exterieur, Anomalie):
            await asyncio.to_thread(self._quarantine, pris, None, Etranger(exterieur, exterieur.constat))
            return
        if accuses.is_notice(exterieur):
            await asyncio.to_thread(self._notice, pris, exterieur)
            return
        opened = await open_mail(exterieur, self._cles, self._identites, pris.recu_le)
        if isinstance(opened, Refuse) and opened.anomalie.type is CERTIFICAT_SUSPENDU:
            await asyncio.to_thread(self._wait, pris, exterieur, opened)
            return
        if not isinstance(opened, Ouvert):
            await asyncio.to_thread(self._quarantine, pris, exterieur, opened)
            return
        refus = await asyncio.to_thread(self._admit, pris, opened)
        fichiers: tuple[Fichier, ...] | Anomalie = ()
        if refus is None:
            fichiers = await asyncio.to_thread(read_files, opened.contenu.octets, self._reglages.limites)
        if refus is not None or isinstance(fichiers, Anomalie):
            anomalie = refus if refus is not None else fichiers
            assert isinstance(anomalie, Anomalie)
            refuse = Refuse(opened.emetteur.empreinte, anomalie, anomalie.constat)
            empreinte = bytes.fromhex(opened.contenu.empreinte)
            await asyncio.to_thread(self._quarantine, pris, exterieur, refuse, empreinte)
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
            return CANAL_FERME(attendu=fermeture.say(found.ferme_le))
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

    def _quarantine(
        self,
        pris: Pris,
        exterieur: Exterieur | None,
        refus: Etranger | Refuse,
        empreinte: bytes = b"",
    ) -> None:
        """Put a message aside with its reason, and tell a known partner."""
        instant = self._clock.now()
        anomalie = refus.anomalie
        with self._engine.begin() as conn:
            proven = owner_of(conn, refus.certificat) if isinstance(refus, Refuse) else None
            ended = entrants.conclude(
                conn,
                pris.id,
                EtatEntrant.QUARANTAINE,
                instant=instant,
                code=anomalie.code,
                motif=refus.motif or anomalie.message,
                guichet=proven,
                certificat=refus.certificat if isinstance(refus, Refuse) else None,
                message_id="" if exterieur is None else exterieur.message_id,
            )
            if not ended or exterieur is None or exterieur.automatique:
                return
            expediteur = exterieur.retour if pris.source is Source.IMAP else pris.expediteur
            told = proven or addressee_of(conn, expediteur)
            if not expediteur or told is None:
                return
            connu = get_guichet(conn, told)
            if connu is None or not connu.adresse_courrier or self._told_enough(conn, told, instant):
                return
            tete = Tete(exterieur.identifiant or exterieur.message_id, empreinte, pris.recu_le)
            entite = resultats.refuse(tete, (anomalie,))
            (identifiant,) = uuid7s(instant, 1)
            sortants.write(
                conn,
                [ASortir(identifiant, told, NatureSortant.REFUS, pris.id, 1, 1, entite)],
                instant=instant,
            )

    def _wait(self, pris: Pris, exterieur: Exterieur, refus: Refuse) -> None:
        """Keep a message until its signer may be judged ([CER-37]); put it aside when that took too long."""
        with self._engine.begin() as conn:
            if entrants.postpone(conn, pris, refus.anomalie.message, instant=self._clock.now()):
                return
        self._quarantine(pris, exterieur, refus)

    def _told_enough(self, conn: Connection, guichet: str, instant: datetime) -> bool:
        nombre = conn.execute(
            text("""
                SELECT count(*) FROM courrier_sortant
                WHERE guichet = :guichet AND nature = 'refus' AND cree_le > :depuis
            """),
            {"guichet": guichet, "depuis": instant - timedelta(hours=1)},
        ).scalar_one()
        return int(nombre) >= self._reglages.refus_par_heure

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

    def _postpone(self, pris: Pris, cause: str) -> None:
        """Try again later; a message tried enough waits for the operator."""
        instant = self._clock.now()
        with self._engine.begin() as conn:
            if not entrants.postpone(conn, pris, f"interrompu ({cause})", instant=instant):
                entrants.conclude(
                    conn,
                    pris.id,
                    EtatEntrant.QUARANTAINE,
                    instant=instant,
                    code=ERREUR_INATTENDUE.code,
                    motif=f"{pris.tentatives} essais, le dernier interrompu ({cause})",
                )
