"""What leaves: the answers of the outbox, and the distributions of the dispatching (`dispatching.transport`).

Each is signed and encrypted at the attempt, for the newest certificate that the guichet has then; what it
holds and its identifier are the same at each attempt.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Engine

from certs.algorithmes import PAR_DEFAUT, PROFILS, Profil
from certs.lecture import Certificat, read_certificat
from certs.paire import Paire
from dispatching.transport import Accuse, Echec, Envoi, GenreEchec, Remis
from mailflows import fermeture, repetition, sortants
from mailflows.conventions import Sujets
from mailflows.etats import Evenement, ReglesEnvoi
from mailflows.expediteur import Expediteur, NonParti, Parti
from mailflows.message_emis import Enveloppe, seal, write_entity, write_mail
from mailflows.ouverture import Cles
from mailflows.ouvrier import Cadence
from mailflows.repetition import Repetee
from mailflows.sortants import Depart, NatureSortant
from registry.certificats import certificat_de_chiffrement, list_certificats
from registry.clock import Clock
from registry.echanges import Fichier
from registry.guichets_store import get_guichet

_LOG: Final = structlog.get_logger()

SANS_CERTIFICAT: Final = "le guichet n'a aucun certificat en cours qui permette de chiffrer pour lui"
SANS_ADRESSE: Final = "le guichet n'a pas d'adresse de courrier"


@dataclass(frozen=True, slots=True)
class Identite:
    """Who the hub is in its mails. adresse: where partners write, and its From."""

    adresse: str
    cles: Cles
    sujets: Sujets = field(default_factory=Sujets)

    @property
    def domaine(self) -> str:
        """Right part of the Message-ID."""
        return self.adresse.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class Destinataire:
    """A guichet to write to. adresse: or empty. certificat: the one to encrypt for, or None. profil: what its
    robot reads."""

    adresse: str
    certificat: Certificat | None
    profil: Profil = PAR_DEFAUT


class Guichetier:
    """Seals a content for a guichet and hands it to the relay."""

    def __init__(self, engine: Engine, clock: Clock, expediteur: Expediteur, identite: Identite) -> None:
        self._engine = engine
        self._clock = clock
        self._expediteur = expediteur
        self.identite = identite

    def find(self, guichet: str) -> Destinataire:
        """Where and for whom to seal ([COU-31]). Reads the database."""
        with self._engine.connect() as conn:
            known = get_guichet(conn, guichet)
            return Destinataire(
                known.adresse_courrier if known is not None else "",
                certificat_de_chiffrement(conn, guichet, instant=self._clock.now()),
                PROFILS[known.capacites] if known is not None else PAR_DEFAUT,
            )

    async def deliver(
        self,
        identifiant: uuid.UUID,
        destinataire: Destinataire,
        entite: bytes,
        *,
        sujet: str,
        nature: str,
        reponse_a: str = "",
        signataire: Paire | None = None,
    ) -> Parti | NonParti:
        """Send one entity; signed only when there is no certificate to encrypt for. signataire: who signs,
        when it is not the key in use."""
        instant = self._clock.now()
        enveloppe = Enveloppe(
            identifiant,
            self.identite.adresse,
            destinataire.adresse,
            sujet,
            nature,
            instant,
            self.identite.domaine,
            reponse_a,
        )
        signataire = signataire or self.identite.cles.signataire()
        mail = await asyncio.to_thread(self._seal, enveloppe, destinataire, entite, instant, signataire)
        return await self._expediteur.send(identifiant, destinataire.adresse, mail)

    def _seal(
        self,
        enveloppe: Enveloppe,
        destinataire: Destinataire,
        entite: bytes,
        instant: datetime,
        signataire: Paire,
    ) -> bytes:
        destinataires = () if destinataire.certificat is None else (destinataire.certificat,)
        smime, cms = seal(entite, signataire, destinataires, instant=instant, profil=destinataire.profil)
        return write_mail(enveloppe, smime, cms)


class Sortie:
    """Sends the answers of the outbox."""

    def __init__(self, engine: Engine, clock: Clock, guichetier: Guichetier, regles: ReglesEnvoi) -> None:
        self._engine = engine
        self._clock = clock
        self._guichetier = guichetier
        self._regles = regles
        self._reprise = Cadence()

    def look(self, porteur: int, nombre: int) -> Sequence[Depart]:
        """Take what is due (`mailflows.ouvrier`)."""
        instant = self._clock.now()
        with self._engine.begin() as conn:
            if self._reprise.due():
                sortants.take_back(conn, instant=instant)
                sortants.remind(conn, instant=instant, regles=self._regles)
            return sortants.take(conn, instant=instant, porteur=porteur, nombre=nombre)

    async def send(self, depart: Depart) -> None:
        """Send one answer and record the end of the attempt. Raises only what a lost database raises."""
        try:
            issue = await self._send(depart)
        except Exception as error:  # noqa: BLE001 - ours: the attempt has failed, and the schedule goes on
            _LOG.warning("courrier.envoi", courrier=str(depart.sortant.id), erreur=type(error).__name__)
            issue = NonParti(GenreEchec.INTERNE, f"erreur de l'échangeur ({type(error).__name__})")
        await asyncio.to_thread(self._finish, depart, issue)

    async def _send(self, depart: Depart) -> Parti | NonParti:
        sortant = depart.sortant
        destinataire = await asyncio.to_thread(self._guichetier.find, sortant.guichet)
        if not destinataire.adresse:
            return NonParti(GenreEchec.REFUS, SANS_ADRESSE)
        if sortant.nature is NatureSortant.REPETITION:
            return await self._rehearse(depart, destinataire)
        anonyme = sortant.nature is not NatureSortant.REPONSE
        if destinataire.certificat is None and not anonyme:
            # What is in an answer never leaves in clear; the others hold nothing of anybody.
            return NonParti(GenreEchec.CERTIFICAT, SANS_CERTIFICAT)
        sujets = self._guichetier.identite.sujets
        match sortant.nature:
            case NatureSortant.REFUS:
                sujet = sujets.refusal(sortant.guichet, sortant.id)
            case NatureSortant.AVIS:
                sujet = sujets.notice(sortant.guichet, sortant.id)
            case NatureSortant.MANIFESTE:
                sujet = sujets.manifest(sortant.guichet, sortant.id)
            case NatureSortant.REPONSE:
                sujet = sujets.answer(sortant.guichet, sortant.id, sortant.partie, sortant.parties)
        return await self._guichetier.deliver(
            sortant.id,
            destinataire,
            depart.entite,
            sujet=sujet,
            nature=sortant.nature.value,
            reponse_a=depart.message_id,
        )

    async def _rehearse(self, depart: Depart, destinataire: Destinataire) -> Parti | NonParti:
        """Made with the keys that it rehearses, or not at all."""
        sortant = depart.sortant
        repetee, certificat = await asyncio.to_thread(self._rehearsed, sortant.id)
        if self._clock.now() > repetee.limite:
            return NonParti(GenreEchec.REFUS, "la répétition est finie", definitif=True)
        signataire = self._guichetier.identite.cles.find(repetee.clefs.signature)
        if signataire is None or certificat is None:
            owner = "de l'échangeur" if signataire is None else "du guichet"
            detail = f"le certificat {owner} que cette répétition essaie n'est plus admis"
            return NonParti(GenreEchec.CERTIFICAT, detail, definitif=True)
        return await self._guichetier.deliver(
            sortant.id,
            replace(destinataire, certificat=certificat),
            depart.entite,
            sujet=self._guichetier.identite.sujets.rehearsal(sortant.guichet, sortant.id),
            nature=sortant.nature.value,
            reponse_a=depart.message_id,
            signataire=signataire,
        )

    def _rehearsed(self, message: uuid.UUID) -> tuple[Repetee, Certificat | None]:
        with self._engine.connect() as conn:
            repetee = repetition.get_of(conn, message)
            assert repetee is not None
            known = {each.empreinte: each for each in list_certificats(conn, repetee.guichet)}
        epingle = known.get(repetee.clefs.chiffrement_guichet)
        if epingle is None or epingle.retire_le is not None or not epingle.admis:
            return repetee, None
        lu = read_certificat(epingle.pem)
        return repetee, lu if isinstance(lu, Certificat) else None

    def _finish(self, depart: Depart, issue: Parti | NonParti) -> None:
        evenement, detail = Evenement.DEPART, "remis au relais"
        if isinstance(issue, NonParti):
            evenement = Evenement.REFUS if issue.definitif else Evenement.ECHEC
            detail = issue.detail
        instant = self._clock.now()
        with self._engine.begin() as conn:
            sortants.finish(conn, depart.sortant, evenement, detail, instant=instant, regles=self._regles)


class TransportCourrier:
    """Sends distributions by mail (`dispatching.transport.Transport`). The accusé comes back by mail too.

    delai_accuse: how long it is awaited before the distribution is sent again, under the same identifier.
    configuree: the cut-off that the configuration announces.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        guichetier: Guichetier,
        delai_accuse: timedelta,
        configuree: fermeture.Fermeture | None = None,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._guichetier = guichetier
        self._delai = delai_accuse
        self._fermeture = configuree

    async def send(self, envoi: Envoi) -> Accuse | Remis | Echec:
        """Hand one distribution to the relay. Raises nothing."""
        try:
            issue = await self._send(envoi)
        except Exception as error:  # noqa: BLE001 - the port raises nothing
            _LOG.warning("courrier.distribution", distribution=str(envoi.id), erreur=type(error).__name__)
            return Echec(GenreEchec.INTERNE, f"erreur de l'échangeur ({type(error).__name__})")
        return Remis(self._delai) if isinstance(issue, Parti) else Echec(issue.genre, issue.detail)

    async def _send(self, envoi: Envoi) -> Parti | NonParti:
        if await asyncio.to_thread(self._closed, envoi.guichet):
            return NonParti(GenreEchec.PANNE, "le canal asynchrone est fermé pour ce guichet")
        destinataire = await asyncio.to_thread(self._guichetier.find, envoi.guichet)
        if destinataire.certificat is None:
            return NonParti(GenreEchec.CERTIFICAT, SANS_CERTIFICAT)
        entite = await asyncio.to_thread(write_entity, [Fichier(envoi.nom_fichier, envoi.contenu)])
        return await self._guichetier.deliver(
            envoi.id,
            replace(destinataire, adresse=envoi.adresse),
            entite,
            sujet=self._guichetier.identite.sujets.distribution(envoi.guichet, envoi.sequence, envoi.rang),
            nature="distribution",
        )

    def _closed(self, guichet: str) -> bool:
        with self._engine.connect() as conn:
            found = fermeture.find(conn, guichet, self._fermeture)
        return fermeture.is_closed(found, self._clock.now())
