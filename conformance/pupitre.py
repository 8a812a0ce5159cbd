"""The partner under test, as the hub that the kit plays sees it: its client, and its service of reception."""

from __future__ import annotations

import re
import ssl
import subprocess
import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from certs.autorite import Identite, create_autorite
from certs.lecture import Certificat, read_certificat
from certs.tls import client_context, server_context
from conformance.appel import Poste
from conformance.assertion import Absente, Capacite
from conformance.cible import PARIS
from conformance.donnees import Donnees, put
from conformance.ecoute import Appel, Ecoute, Reaction
from conformance.guichet_factice import GuichetFactice
from conformance.profil import Profil

_DECLAREES: Final = (Capacite.APPELS, Capacite.RECEPTION, Capacite.RETRAIT)


@dataclass(frozen=True, slots=True)
class Compte:
    """What the client of the partner says of what it did. reussi: None when only a person knows; sortie: what
    it wrote."""

    reussi: bool | None = None
    sortie: str = ""


@dataclass(frozen=True, slots=True)
class Jeu:
    """One action of the client: the calls that it made, and what it says of it."""

    appels: tuple[Appel, ...]
    compte: Compte

    @property
    def reussi(self) -> bool:
        """Whether the client believes that it succeeded. Raises Absente when it cannot tell."""
        if self.compte.reussi is None:
            raise Absente("sans commande, ce que le client a compris n'est pas connu")
        return self.compte.reussi


Repond = Callable[[Appel], Reaction]
Pilote = Callable[[str, Mapping[str, str]], Compte]
"""Makes the client act: the action, and what its words stand for."""


class Pupitre:
    """A partner and what the kit knows of it, for one campaign; to be closed.

    pilote: how its client is made to act; by default the commands of the profile, or the person.
    """

    def __init__(
        self, profil: Profil, graine: str, maintenant: datetime, pilote: Pilote | None = None
    ) -> None:
        self.profil = profil
        self.graine = graine
        self.maintenant = maintenant
        self.donnees = Donnees(graine, maintenant.astimezone(PARIS).date())
        self._pilote = pilote or self._command
        self._stack = ExitStack()
        self._dossier = Path(self._stack.enter_context(TemporaryDirectory(prefix="conformite-")))
        self._ecoutes: dict[str, Ecoute] = {}
        self._repond: dict[str, Repond] = {}
        self._observes: dict[str, tuple[Jeu, bytes]] = {}
        self._identites: dict[str, Path] = {}
        self._sequence = 1 + int(maintenant.timestamp()) % 1_000_000_000 * 1_000

    def close(self) -> None:
        """Stop what listens."""
        for each in self._ecoutes.values():
            each.stop()
        self._stack.close()

    # -- the campaign ---------------------------------------------------------------------------------------

    def lacks(self, exige: Sequence[Capacite]) -> str:
        """What the partner does not claim."""
        for each in exige:
            if each in _DECLAREES and each not in self.profil.cible.capacites:
                return f"la cible ne déclare pas « {each} »"
        return ""

    def begin(self, ident: str) -> None:
        """Other data for each assertion."""
        self.donnees = Donnees(f"{self.graine} {ident}", self.donnees.le)

    @property
    def code(self) -> str:
        """The guichet of the partner."""
        return self.profil.guichets["emetteur"].code

    @property
    def empreinte(self) -> str:
        """Fingerprint of the certificate of the partner; empty when the profile does not give it."""
        read = read_certificat(Path(self.profil.guichets["emetteur"].certificat).read_bytes())
        return read.empreinte if isinstance(read, Certificat) else ""

    def document(self, type_fichier: str = "CRE", **options: object) -> bytes:
        """A demande of a new person; what is not a creation has a number."""
        guichet = self.profil.guichets["emetteur"]
        made = self.donnees.document(guichet.code, guichet.territoire, type_fichier=type_fichier, **options)
        return put(made, "dateFichier", self.stamp())

    def ident(self) -> str:
        """An idDistribution that no other distribution has."""
        return str(uuid.UUID(int=self.donnees.rng.getrandbits(128), version=4))

    def sequences(self, count: int) -> int:
        """The first of that many sequences, which no other distribution of the campaign has."""
        first = self._sequence
        self._sequence += count
        return first

    def exit_notice(self) -> bytes:
        """A notice that a demande is received no more ([DST-111])."""
        number = f"{self.profil.guichets['emetteur'].territoire}0326000001{self.code}"
        return _AVIS.format(
            guichet=self.code, numero=number, jour=self.donnees.le.isoformat(), instant=self.stamp()
        ).encode()

    def stamp(self) -> str:
        """The instant of now, as documents write it."""
        return datetime.now(UTC).astimezone(PARIS).isoformat(timespec="milliseconds")

    # -- the client of the partner --------------------------------------------------------------------------

    def factice(self) -> GuichetFactice:
        """A hub that knows nothing yet."""
        return GuichetFactice(self.code)

    def play(
        self, action: str, *repond: Repond, document: bytes = b"", numero: str = "", chez: str = "bon"
    ) -> Jeu:
        """Make the client act, the n-th call answered by the n-th of `repond`, the last one for all others.

        chez: the server it is sent to: `bon`, or one of a wrong certificate.
        """
        listener = self._listener(chez)
        turns = list(repond)

        def answer(appel: Appel) -> Reaction:
            return (turns.pop(0) if len(turns) > 1 else turns[0])(appel)

        self._repond[chez] = answer
        before = len(listener.appels)
        place = self._dossier / "document.xml"
        place.write_bytes(document)
        words = {
            "adresse": listener.adresse,
            "document": str(place),
            "numero": numero,
            "dossier": str(self._dossier),
        }
        compte = self._pilote(action, words)
        if compte.reussi is None:
            listener.wait(lambda: len(listener.appels) > before, self.profil.pilotage.attente)
        return Jeu(tuple(listener.appels[before:]), compte)

    def observe(self, action: str) -> tuple[Jeu, bytes]:
        """One ordinary action, made once for all the assertions that look at it; and the document given."""
        if action not in self._observes:
            document = self.document()
            numero = f"{self.profil.guichets['emetteur'].territoire}0326000001{self.code}"
            jeu = self.play(action, self.factice().answer, document=document, numero=numero)
            self._observes[action] = (jeu, document)
        return self._observes[action]

    def _listener(self, chez: str) -> Ecoute:
        if chez not in self._ecoutes:
            folder, autorites = self._server_files(chez)
            context = server_context(folder / "cert.pem", folder / "key.pem", autorites)
            listener = Ecoute(context, lambda appel: self._repond[chez](appel))
            pilotage = self.profil.pilotage
            listener.start(pilotage.hote, pilotage.port if chez == "bon" else 0)
            self._ecoutes[chez] = listener
        return self._ecoutes[chez]

    def _server_files(self, chez: str) -> tuple[Path, Path]:
        pilotage = self.profil.pilotage
        autorites = Path(pilotage.autorites)
        if chez == "bon":
            good = self._dossier / "serveur"
            good.mkdir(exist_ok=True)
            (good / "cert.pem").write_bytes(Path(pilotage.certificat).read_bytes())
            (good / "key.pem").write_bytes(Path(pilotage.cle).read_bytes())
            return good, autorites
        folder = self._dossier / chez
        self._wrong_server(chez).write(folder)
        return folder, autorites

    def _wrong_server(self, chez: str) -> Identite:
        """A server certificate of an authority that the partner does not know."""
        autorite = create_autorite("Autorité inconnue", now=self.maintenant - timedelta(days=400))
        if chez == "expire":
            return autorite.issue_serveur(now=self.maintenant - timedelta(days=300), duree=timedelta(days=30))
        return autorite.issue_serveur(now=self.maintenant)

    def _command(self, action: str, words: Mapping[str, str]) -> Compte:
        command = self.profil.pilotage.actions.get(action)
        if command is None:
            sys.stderr.write(f"À faire avec votre client : {_CONSIGNES[action]}\n")
            sys.stderr.writelines(f"  {key} : {value}\n" for key, value in words.items() if value)
            sys.stderr.flush()
            return Compte()
        filled = [_PLACE.sub(lambda found: words.get(found[1], found[0]), each) for each in command]
        try:
            done = subprocess.run(  # noqa: S603 - the command of the partner, from its own profile
                filled, capture_output=True, text=True, timeout=self.profil.pilotage.attente, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return Compte(False, f"{type(error).__name__} : {error}")
        return Compte(done.returncode == 0, done.stdout)

    # -- its service of reception ---------------------------------------------------------------------------

    def poste(self, qui: str = "hub") -> Poste:
        """Where the kit calls the service from: as the hub, as `inconnu`, or without certificate (``""``)."""
        reception = self.profil.reception
        if not reception.adresse:
            raise Absente("le profil ne donne pas l'adresse du service de réception ([reception] adresse)")
        pilotage = self.profil.pilotage
        certificat, cle = pilotage.certificat, pilotage.cle
        if qui == "inconnu":
            if qui not in self._identites:
                autorite = create_autorite("Autorité inconnue", now=self.maintenant)
                autorite.issue_guichet("HUB00", now=self.maintenant).write(self._dossier / qui)
                self._identites[qui] = self._dossier / qui
            certificat, cle = (str(self._identites[qui] / each) for each in ("cert.pem", "key.pem"))
        elif not qui:
            certificat = cle = ""
        context: ssl.SSLContext = client_context(
            Path(pilotage.autorites), Path(certificat) if certificat else None, Path(cle) if cle else None
        )
        base, _, _ = reception.adresse.partition("/services/")
        return Poste(base, context, self.profil.cible.delai)

    @property
    def chemin(self) -> str:
        """Path of the service of reception."""
        _, found, rest = self.profil.reception.adresse.partition("/services/")
        return found + rest


_CONSIGNES: Final = {
    "enregistrer": "enregistrez la demande de ce document (getNumUnique)",
    "lire": "lisez la demande de ce numéro (getDemandeLogement)",
    "doublons": "cherchez les doublons de ce document (getDoublons)",
    "relever": "relevez et acquittez vos distributions (DistributionsImplService)",
}

_PLACE: Final = re.compile(r"\{(\w+)\}")
"""What is filled in a word of a command; its other braces, those of a JSON for instance, are left."""
_AVIS: Final = (
    '<ns1:interfaceNuu xmlns:ns1="http://nuu.application.i2/" versionInterface="02.01"><ns1:entete>'
    "<ns1:typeFichier>SUP</ns1:typeFichier><ns1:dateFichier>{instant}</ns1:dateFichier></ns1:entete>"
    "<ns1:demande><ns1:demandeLogement><ns1:numGuichet>{guichet}</ns1:numGuichet>"
    "<ns1:numUnique>{numero}</ns1:numUnique><ns1:dateCreationDemande>{jour}</ns1:dateCreationDemande>"
    "<ns1:precision>Cette demande n'est plus de celles que vous recevez.</ns1:precision>"
    "<ns1:association><ns1:nom>SORTIE DE PERIMETRE</ns1:nom></ns1:association>"
    "</ns1:demandeLogement></ns1:demande></ns1:interfaceNuu>"
)
