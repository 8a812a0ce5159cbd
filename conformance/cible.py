"""The hub under test, as the partners that the kit plays see it."""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from zoneinfo import ZoneInfo

from cryptography.x509.oid import ExtendedKeyUsageOID

from certs import autorite
from certs.autorite import create_autorite
from certs.paire import Paire, load_paire
from certs.tls import client_context
from conformance import message
from conformance.appel import Poste
from conformance.assertion import Absente, Capacite, Empeche
from conformance.boite import Boite, load_pair
from conformance.donnees import Donnees, follow, insert_fact, put
from conformance.message import Message
from conformance.ouverture import Ouverture
from conformance.partenaire_courrier import Conduite, PartenaireCourrier
from conformance.profil import Guichet, Identite, Profil
from conformance.quai import Quai, acknowledge
from conformance.reponse import Lu, read

PARIS: Final = ZoneInfo("Europe/Paris")

_ROLES: Final[Mapping[Capacite, str]] = {
    Capacite.LECTEUR: "lecteur",
    Capacite.EXTERIEUR: "exterieur",
    Capacite.ETAT: "etat",
    Capacite.CONSULTANT: "consultant",
    Capacite.RECEPTION: "receveur",
    Capacite.COURRIER: "courrier",
}
_DECLAREES: Final = frozenset(
    {
        Capacite.ATTESTATION,
        Capacite.RECHERCHE,
        Capacite.PARTAGEE,
        Capacite.PIECES,
        Capacite.RECEPTION,
        Capacite.RETRAIT,
        Capacite.COURRIER,
        Capacite.MANIFESTES,
    }
)


@dataclass(frozen=True, slots=True)
class Creee:
    """A demande that the kit registered: its number, what was sent, what came back."""

    numero: str
    envoye: bytes
    lu: Lu


class Cible:
    """A hub and what the kit knows of it, for one campaign; to be closed.

    maintenant: the instant of the campaign, from which its documents are dated. graine: its seed. casier,
    robot, receveur: what receives mails, and distributions.
    """

    casier: type[Boite] = Boite
    robot: type[PartenaireCourrier] = PartenaireCourrier
    receveur: type[Quai] = Quai

    def __init__(self, profil: Profil, graine: str, maintenant: datetime) -> None:
        self.profil = profil
        self.graine = graine
        self.maintenant = maintenant
        self._stack = ExitStack()
        self._dossier = Path(self._stack.enter_context(TemporaryDirectory(prefix="conformite-")))
        self._contextes: dict[str, ssl.SSLContext] = {}
        self._quai = Ouverture("la réception des distributions", self._make_quai, self._stack)
        self._boite = Ouverture("la boîte du kit", self._make_boite, self._stack)
        self.donnees = Donnees(graine, maintenant.astimezone(PARIS).date())
        self.nom = ""

    def close(self) -> None:
        """Stop what listens and forget the keys made."""
        self._stack.close()

    # -- the campaign ---------------------------------------------------------------------------------------

    def lacks(self, exige: Sequence[Capacite]) -> str:
        for each in exige:
            role = _ROLES.get(each)
            if role is not None and role not in self.profil.guichets:
                return f"le profil ne donne pas le guichet {role}"
            if each in _DECLAREES and each not in self.profil.cible.capacites:
                return f"la cible ne déclare pas « {each} »"
            if each is Capacite.RETIRE and "retire" not in self.profil.certificats:
                return "le profil ne donne pas de certificat retiré"
        return ""

    def begin(self, ident: str) -> None:
        self.donnees = Donnees(f"{self.graine} {ident}", self.donnees.le)
        self._listen()
        self.nom = (
            f"DEM{self.emetteur.code}-{self.maintenant.astimezone(PARIS):%Y%m%d%H%M}-{ident[1:]:0>6}.xml"
        )

    def _listen(self) -> None:
        """Receive all along: a hub that finds nobody soon sends at long intervals only. What cannot be opened
        is for the assertions that use it to say."""
        with suppress(Absente, Empeche):
            if not self.lacks((Capacite.RECEPTION,)):
                self.quai.accueil = acknowledge
        with suppress(Absente, Empeche):
            if not self.lacks((Capacite.COURRIER,)):
                self.boite.behave(Conduite.NORMAL)

    # -- who calls ------------------------------------------------------------------------------------------

    @property
    def emetteur(self) -> Guichet:
        """The guichet that registers."""
        return self.profil.guichets["emetteur"]

    def guichet(self, role: str) -> Guichet:
        """The guichet of a role that `exige` has asked for."""
        return self.profil.guichets[role]

    def poste(self, role: str = "emetteur") -> Poste:
        """Where the guichet of that role calls from."""
        guichet = self.profil.guichets[role]
        return self._poste(role, guichet.certificat, guichet.cle)

    def poste_certificat(self, nom: str) -> Poste:
        """Where a certificate of `[certificats]` calls from. Raises Absente when the profile has it not."""
        identite = self.certificat(nom)
        return self._poste(nom, identite.certificat, identite.cle)

    def certificat(self, nom: str) -> Identite:
        """A certificate of `[certificats]`. Raises Absente when the profile has it not."""
        if nom not in self.profil.certificats:
            raise Absente(f"le profil ne donne pas [certificats.{nom}]")
        return self.profil.certificats[nom]

    def anonyme(self) -> Poste:
        """A caller without certificate."""
        return self._poste("", "", "")

    def inconnu(self) -> Poste:
        """A caller whose certificate nobody registered, of an authority that nobody trusts."""
        others = create_autorite("Autorité inconnue", now=self.maintenant)
        # The subject of the emetteur: names do not identify.
        return self.made("inconnu", lambda: others.issue_guichet(self.emetteur.code, now=self.maintenant))

    def stranger(self) -> Paire:
        """A key that nobody registered, that bears the name of the guichet of the mail."""
        others = create_autorite("Autorité inconnue", now=self.maintenant)
        made = others.issue_guichet(self.guichet("courrier").code, now=self.maintenant)
        return load_paire(made.chaine, made.cle)

    def made(self, nom: str, make: Callable[[], autorite.Identite]) -> Poste:
        """A caller whose certificate the kit makes, once in a campaign."""
        folder = self._dossier / nom
        if not folder.exists():
            make().write(folder)
        return self._poste(nom, str(folder / "cert.pem"), str(folder / "key.pem"))

    def limite(self, poste: Poste, version: ssl.TLSVersion, suites: str = "DEFAULT") -> Poste:
        """The same caller without certificate, that speaks this version of TLS only, and these suites."""
        context = self._context("", "")
        with warnings.catch_warnings():
            # An old version is asked for so that it be refused.
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = version
            context.maximum_version = version
        context.set_ciphers(f"{suites}:@SECLEVEL=0")
        return Poste(poste.adresse, context, poste.delai)

    def _poste(self, cle: str, certificat: str, key: str) -> Poste:
        if cle not in self._contextes:
            self._contextes[cle] = self._context(certificat, key)
        cible = self.profil.cible
        return Poste(cible.adresse.rstrip("/"), self._contextes[cle], cible.delai)

    def _context(self, certificat: str, cle: str) -> ssl.SSLContext:
        autorites = self.profil.cible.autorites
        return client_context(
            Path(autorites) if autorites else None,
            Path(certificat) if certificat else None,
            Path(cle) if cle else None,
        )

    # -- calls ----------------------------------------------------------------------------------------------

    def send(self, msg: Message, role: str = "emetteur") -> Lu:
        """Send inline, read the answer."""
        headers, body = message.inline(msg)
        return read(self.poste(role).post(msg.chemin, body, headers))

    def register(self, document: bytes, **champs: message.Champ) -> Lu:
        """getNumUnique of the emetteur, under the name of the file of this assertion."""
        return self.send(message.demande(self.nom, document, **champs))

    def document(self, role: str = "emetteur", **options: object) -> bytes:
        """A new demande of that guichet, dated of now."""
        guichet = self.profil.guichets[role]
        document = self.donnees.document(guichet.code, guichet.territoire, **options)
        return put(document, "dateFichier", self.stamp())

    def twin(self, document: bytes) -> bytes:
        """Another file about the same person."""
        return put(document, "dateFichier", self.stamp())

    def stamp(self) -> str:
        """The instant of now, as documents write it."""
        return datetime.now(UTC).astimezone(PARIS).isoformat(timespec="milliseconds")

    def day(self, avant: int = 0) -> str:
        """The day of today, or that many days before."""
        return (self.donnees.le - timedelta(days=avant)).isoformat()

    def auteur(self, role: str) -> str:
        """The role whose demandes that one may receive: of the same territory, and another guichet.

        Raises Absente when the profile has none.
        """
        receveur = self.guichet(role)
        for each in ("emetteur", "exterieur"):
            guichet = self.profil.guichets.get(each)
            if guichet and guichet.territoire == receveur.territoire and guichet.code != receveur.code:
                return each
        raise Absente(f"ni emetteur ni exterieur n'est du territoire {receveur.territoire} de {role}")

    def create(self, role: str = "emetteur", **options: object) -> Creee:
        """Register a new demande. Raises Empeche when it is refused."""
        document = self.document(role, **options)
        lu = self.send(message.demande(self.nom, document), role)
        if not lu.numero or lu.anomalies:
            raise Empeche(f"la création préalable d'une demande n'a pas abouti : {lu.resume}")
        return Creee(lu.numero, document, lu)

    def follow(self, creee: Creee, type_fichier: str) -> bytes:
        """The document of the demande as it came back, ready to be sent again as that type of file."""
        return follow(creee.lu.octets, type_fichier, self.stamp())

    def radiate(self, creee: Creee, motif: str, *, jour: str = "", courrier: str = "") -> bytes:
        """The file that radiates a demande. jour: of the radiation, today if empty; courrier: of the
        letter."""
        letter = (
            f"<absenceReponse><dateCourrier>{courrier}</dateCourrier></absenceReponse>" if courrier else ""
        )
        xml = (
            f"<radiation><dateRadiation>{jour or self.day()}</dateRadiation>"
            f'<motifRadiation code="{motif}"/>{letter}</radiation>'
        )
        return insert_fact(self.follow(creee, "RAD"), xml)

    def key_pair(self) -> tuple[bytes, bytes]:
        """A certificate that can encrypt and its key, made for this campaign, in PEM."""
        made = create_autorite("Kit", now=self.maintenant).issue_guichet(
            self.emetteur.code,
            now=self.maintenant,
            usages=(ExtendedKeyUsageOID.EMAIL_PROTECTION,),
            cle="rsa2048",
        )
        return made.certificat, made.cle

    def accepted(self, lu: Lu, quoi: str) -> Lu:
        """The answer, when it is one without anomaly. Raises Empeche otherwise."""
        if lu.code:
            raise Empeche(f"{quoi} : {lu.resume}")
        return lu

    # -- what the hub sends ---------------------------------------------------------------------------------

    @property
    def quai(self) -> Quai:
        """Where the hub pushes distributions, listening since the first use. Raises Absente when the profile
        has it not, Empeche when it cannot be opened."""
        return self._quai.open()

    def _make_quai(self) -> Quai:
        reception = self.profil.reception
        if not reception.certificat:
            raise Absente("le profil ne dit pas où le kit reçoit les distributions ([reception])")
        autorites = reception.autorites or self.profil.cible.autorites
        return self.receveur(reception, autorites, delai=reception.attente)

    @property
    def boite(self) -> Boite:
        """Where the hub sends mail, listening since the first use. Raises as `quai`."""
        return self._boite.open()

    def _make_boite(self) -> Boite:
        if self.profil.courrier is None:
            raise Absente("le profil ne dit pas où est le courrier ([courrier])")
        guichet = self.guichet("courrier")
        second = self.profil.certificats.get("courrier_second")
        return self.casier(
            self.profil.courrier,
            load_pair(guichet.certificat, guichet.cle),
            delai=self.profil.courrier.attente,
            # What is newest may be what the hub encrypts for.
            autres=(load_pair(second.certificat, second.cle),) if second is not None else (),
            robot=self.robot,
        )
