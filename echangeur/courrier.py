"""Wiring of signed mail: from the configuration and the files of an instance to the asynchronous edge."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine

from certs import trousseau as certs_trousseau
from certs.paire import Paire
from certs.trousseau import UsageRotation
from echangeur.cles import read_secret, trust_of
from echangeur.instance import Instance
from echangeur.lieux import COURRIER
from echangeur.sortie import MauvaisUsage
from mailflows.boite_imap import ParametresBoite
from mailflows.conventions import Sujets
from mailflows.entrant import Reglages
from mailflows.envoi import Identite
from mailflows.etats import ReglesEnvoi
from mailflows.expediteur import Relais, Securite
from mailflows.fermeture import Fermeture, configured
from mailflows.operations import Operations
from mailflows.ouverture import Identification
from mailflows.reception_smtp import Ecoute
from mailflows.releve_imap import ReleveImap
from mailflows.service import Courrier, Parametres
from registry.clock import Clock


class ClesDuTrousseau:
    """The keys of mail of an instance, read again when `echangeur certificat rotation` has changed them."""

    def __init__(self, dossier: Path, clock: Clock) -> None:
        """Raises MauvaisUsage when there is no key that signs, or none that decrypts."""
        self._dossier = dossier
        self._clock = clock
        self._version = -1
        self._trousseau = certs_trousseau.Trousseau()
        if not self._of(UsageRotation.SIGNER_SORTANT) or not self._of(UsageRotation.DECHIFFRER_ENTRANT):
            raise MauvaisUsage(
                f"Il manque une clé de signature ou de déchiffrement dans {dossier}.",
                "Voir : echangeur certificat rotation etat",
            )

    def signataire(self) -> Paire:
        return self._of(UsageRotation.SIGNER_SORTANT)[0]

    def dechiffrement(self) -> Sequence[Paire]:
        return self._of(UsageRotation.DECHIFFRER_ENTRANT)

    def find(self, empreinte: str) -> Paire | None:
        found = (each.paire for each in self._read().clefs if each.empreinte == empreinte)
        return next(found, None)

    def _of(self, usage: UsageRotation) -> tuple[Paire, ...]:
        return self._read().pour(usage, self._clock.now())

    def _read(self) -> certs_trousseau.Trousseau:
        fichier = self._dossier / certs_trousseau.FICHIER
        version = fichier.stat().st_mtime_ns if fichier.exists() else 0
        if version != self._version:
            try:
                self._trousseau = certs_trousseau.load_trousseau(self._dossier)
            except (OSError, ValueError) as error:
                raise MauvaisUsage(
                    f"Le trousseau ne se lit pas : {error}", f"Voir {self._dossier}"
                ) from error
            self._version = version
        return self._trousseau


def load_cles(instance: Instance, clock: Clock) -> ClesDuTrousseau:
    """The keys of the hub. Raises MauvaisUsage when they cannot be read."""
    return ClesDuTrousseau(instance.dossier / COURRIER, clock)


def create_courrier(
    instance: Instance,
    engine: Engine,
    clock: Clock,
    operations: Operations,
    identites: Identification,
    serveur: ssl.SSLContext | None,
) -> Courrier:
    """The asynchronous edge of an instance. serveur: TLS of the listener. Raises MauvaisUsage."""
    settings = instance.configuration.courrier
    cles = load_cles(instance, clock)
    boite = mailbox_of(instance)
    delai = timedelta(hours=settings.delai_accuse)
    ecoute = None
    if settings.ecoute:
        ecoute = Ecoute(
            frozenset({settings.adresse.lower()}),
            lmtp=settings.protocole == "lmtp",
            octets=settings.taille_max_recue,
            tls=serveur if settings.tls != "non" else None,
            tls_exige=settings.tls == "exige",
            nom=settings.adresse.rpartition("@")[2],
        )
    reglages = Reglages(
        taille_max=settings.taille_max_emise,
        accuse_attendu=settings.accuse_des_reponses,
        refus_par_heure=settings.refus_par_heure,
        envoi=ReglesEnvoi(delai, settings.rappels),
        fermeture=cut_off_of(instance),
    )
    parametres = Parametres(
        Identite(settings.adresse, cles, Sujets(settings.marque)),
        relay_of(instance),
        reglages,
        ecoute,
        delai_accuse=delai,
        grace=instance.configuration.serveur.delai_arret,
    )
    boites = [] if boite is None else [ReleveImap(engine, clock, boite, settings.taille_max_recue)]
    return Courrier(engine, clock, operations, identites, cles, parametres, boites)


def cut_off_of(instance: Instance) -> Fermeture | None:
    """The cut-off for all that the configuration announces. Raises MauvaisUsage when there is no such day."""
    le = instance.configuration.courrier.fermeture
    try:
        return configured(le)
    except ValueError as error:
        raise MauvaisUsage(f"Aucun jour n'est {le}.", "Corrigez courrier.fermeture.") from error


def relay_of(instance: Instance) -> Relais:
    """The relay of an instance. Raises MauvaisUsage when a file cannot be read."""
    settings = instance.configuration.relais
    return Relais(
        settings.hote,
        settings.port,
        instance.configuration.courrier.adresse,
        Securite(settings.securite),
        trust_of(instance, settings.autorites, "relais.autorites"),
        settings.utilisateur,
        _password(instance, settings.mot_de_passe, "relais"),
        settings.connexions,
        settings.delai,
    )


def mailbox_of(instance: Instance) -> ParametresBoite | None:
    """The mailbox of an instance, if it reads one. Raises MauvaisUsage when a file cannot be read."""
    settings = instance.configuration.boite
    if not settings.hote:
        return None
    return ParametresBoite(
        settings.hote,
        settings.port,
        settings.utilisateur,
        _password(instance, settings.mot_de_passe, "boite"),
        settings.dossier,
        settings.traites,
        settings.quarantaine,
        trust_of(instance, settings.autorites, "boite.autorites"),
    )


def _password(instance: Instance, fichier: str, section: str) -> str:
    return read_secret(instance, fichier, f"{section}.mot_de_passe") if fichier else ""
