"""The partner under test, as the hub that the kit plays sees it: its client, and its service of reception."""

from __future__ import annotations

import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from certs.lecture import Certificat, read_certificat
from conformance.appel import Poste
from conformance.assertion import COUPE, Absente, Capacite, Empeche
from conformance.boite import Boite, load_pair
from conformance.cible import PARIS
from conformance.donnees import Donnees, put
from conformance.ecoute import Appel, Ecoute, Reaction
from conformance.guichet_factice import GuichetFactice, read_call
from conformance.ouverture import Ouverture
from conformance.partenaire_courrier import Conduite, Recu
from conformance.presentation import BON, Presentation
from conformance.profil import Profil
from conformance.reponse import Lu

_EN_ROUTE: Final = 5.0
"""Seconds that a mail takes at most to reach the kit, once it is sent."""
_DECLAREES: Final = (Capacite.APPELS, Capacite.RECEPTION, Capacite.RETRAIT, Capacite.COURRIER)


@dataclass(frozen=True, slots=True)
class Compte:
    """What the client of the partner says of what it did. reussi: None when only a person knows; sortie: what
    it wrote; erreurs: what it wrote beside, on its error output."""

    reussi: bool | None = None
    sortie: str = ""
    erreurs: str = ""

    def hinder(self, constat: str) -> Empeche:
        """What could not be done, with the last words of the client when it says that it failed."""
        words = (self.erreurs or self.sortie).strip()[-COUPE:] if self.reussi is False else ""
        return Empeche(f"{constat} : {words}" if words else constat)


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
        self._presentation = Presentation(profil.pilotage, self._dossier, maintenant)
        self._ecoutes: dict[str, Ouverture[Ecoute]] = {}
        self._repond: dict[str, Repond] = {}
        self._observes: dict[str, tuple[Jeu, bytes]] = {}
        self._boite = Ouverture("la boîte du kit", self._make_boite, self._stack)
        self._ecrit: tuple[Recu | None, bytes] | None = None
        self._sequence = 1 + int(maintenant.timestamp()) % 1_000_000_000 * 1_000

    def close(self) -> None:
        """Stop what listens."""
        self._stack.close()

    # -- the campaign ---------------------------------------------------------------------------------------

    def lacks(self, exige: Sequence[Capacite]) -> str:
        """What the partner does not claim."""
        for each in exige:
            if each in _DECLAREES and each not in self.profil.cible.capacites:
                return f"la cible ne déclare pas « {each} »"
            if each is Capacite.AUTORITE and self.profil.pilotage.autorite is None:
                return "le profil ne donne pas d'autorité d'essai ([pilotage.autorite])"
        return ""

    def begin(self, ident: str) -> None:
        """Other data for each assertion."""
        self.donnees = Donnees(f"{self.graine} {ident}", self.donnees.le)

    @property
    def code(self) -> str:
        """The guichet of the partner."""
        return self.profil.guichets["emetteur"].code

    @property
    def numero(self) -> str:
        """The number of a demande that the kit names and nobody registered."""
        return f"{self.profil.guichets['emetteur'].territoire}0326000001{self.code}"

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
        return _AVIS.format(
            guichet=self.code, numero=self.numero, jour=self.donnees.le.isoformat(), instant=self.stamp()
        ).encode()

    def stamp(self) -> str:
        """The instant of now, as documents write it."""
        return datetime.now(UTC).astimezone(PARIS).isoformat(timespec="milliseconds")

    # -- the client of the partner --------------------------------------------------------------------------

    def factice(self) -> GuichetFactice:
        """A hub that knows nothing yet."""
        return GuichetFactice(self.code)

    def play(
        self, action: str, *repond: Repond, document: bytes = b"", numero: str = "", chez: str = BON
    ) -> Jeu:
        """Make the client act, the n-th call answered by the n-th of `repond`, the last one for all others.

        chez: the server it is sent to: see `Presentation.serve`.
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

    def by_hand(self, action: str) -> bool:
        """Whether a person does that action: what was sent is then not known."""
        return self._pilote == self._command and action not in self.profil.pilotage.actions

    def observe(self, action: str) -> tuple[Jeu, bytes]:
        """One ordinary action, made once for all the assertions that look at it; and the document given."""
        if action not in self._observes:
            document = self.document()
            jeu = self.play(action, self.factice().answer, document=document, numero=self.numero)
            self._observes[action] = (jeu, document)
        return self._observes[action]

    def _listener(self, chez: str) -> Ecoute:
        if chez not in self._ecoutes:
            make = partial(self._make_listener, chez)
            self._ecoutes[chez] = Ouverture("le service que joue le kit", make, self._stack)
        return self._ecoutes[chez].open()

    def _make_listener(self, chez: str) -> Ecoute:
        pilotage = self.profil.pilotage
        port = pilotage.port if chez == BON else 0
        context = self._presentation.serve(chez)
        return Ecoute(context, lambda appel: self._repond[chez](appel), pilotage.hote, port)

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
        return Compte(done.returncode == 0, done.stdout, done.stderr)

    # -- its mail -------------------------------------------------------------------------------------------

    @property
    def boite(self) -> Boite:
        """Where the partner writes to the hub that the kit plays, and where that writes to it. Raises Absente
        when the profile has it not, Empeche when it cannot be opened."""
        return self._boite.open()

    def _make_boite(self) -> Boite:
        if self.profil.courrier is None:
            raise Absente("le profil ne dit pas où est le courrier ([courrier])")
        pilotage = self.profil.pilotage
        pair = load_pair(pilotage.certificat, pilotage.cle)
        # A hub acknowledges nothing by itself: each assertion says what is answered.
        return Boite(self.profil.courrier, pair, delai=self.profil.courrier.attente, conduite=Conduite.MUET)

    def written(self) -> tuple[Recu, bytes]:
        """One ordinary mail of the partner, sent once for all the assertions that look at it, and the
        document that it was given. Raises Empeche when none comes that can be opened."""
        if self._ecrit is None:
            document = self.document()
            place = self._dossier / "courrier.xml"
            place.write_bytes(document)
            robot = self.boite.partenaire
            before, unread = len(robot.recus), len(robot.illisibles)

            def came(recus: list[Recu]) -> bool:
                return len(recus) > before or len(robot.illisibles) > unread

            compte = self._pilote("envoyer-courrier", {"document": str(place), "dossier": str(self._dossier)})
            if not came(robot.recus) and not self.boite.wait(came, self._patience(compte)):
                raise compte.hinder("aucun message du client n'est venu")
            self._ecrit = (robot.recus[before] if len(robot.recus) > before else None, document)
        recu, document = self._ecrit
        if recu is None:
            raise Empeche(f"le message du client ne s'ouvre pas : {self.boite.partenaire.illisibles[-1]}")
        return recu, document

    def _patience(self, compte: Compte) -> float:
        """Seconds in which the mail of a client comes, from when it has said that."""
        if compte.reussi is None:
            return self.profil.pilotage.attente
        # What a command that failed has not sent will not come; what it has sent may be on its way.
        return self.boite.delai if compte.reussi else min(_EN_ROUTE, self.boite.delai)

    # -- its service of reception ---------------------------------------------------------------------------

    def poste(self, qui: str = BON) -> Poste:
        """Where the kit calls the service from, as the hub or as another: see `Presentation.call`."""
        reception = self.profil.reception
        if not reception.adresse:
            raise Absente("le profil ne donne pas l'adresse du service de réception ([reception] adresse)")
        base, _, _ = reception.adresse.partition("/services/")
        return Poste(base, self._presentation.call(qui), self.profil.cible.delai)

    @property
    def chemin(self) -> str:
        """Path of the service of reception."""
        _, found, rest = self.profil.reception.adresse.partition("/services/")
        return found + rest


def first_call(p: Pupitre, action: str = "enregistrer") -> Appel:
    """The first call of an ordinary action. Raises Empeche when there is none."""
    jeu, _ = p.observe(action)
    if not jeu.appels:
        raise jeu.compte.hinder("le client n'a pas appelé")
    return jeu.appels[0]


def first_request(p: Pupitre, action: str = "enregistrer") -> Lu:
    """That call, read."""
    return read_call(first_call(p, action))


_CONSIGNES: Final = {
    "enregistrer": "enregistrez la demande de ce document (getNumUnique)",
    "lire": "lisez la demande de ce numéro (getDemandeLogement)",
    "doublons": "cherchez les doublons de ce document (getDoublons)",
    "envoyer-courrier": "envoyez ce document par courrier signé et chiffré, à l'adresse que donne le profil",
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
