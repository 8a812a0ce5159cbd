"""The hub under test, as the partners that the kit plays see it."""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from zoneinfo import ZoneInfo

from cryptography.x509.oid import ExtendedKeyUsageOID

from certs.autorite import create_autorite
from certs.tls import client_context
from conformance import message
from conformance.appel import Poste
from conformance.assertion import Absente, Capacite, Empeche
from conformance.boite import Boite
from conformance.donnees import Donnees, follow, insert_fact, put
from conformance.message import Message
from conformance.profil import Guichet, Profil
from conformance.quai import Quai
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

    maintenant: the instant of the campaign, from which its documents are dated. graine: its seed.
    """

    def __init__(self, profil: Profil, graine: str, maintenant: datetime) -> None:
        self.profil = profil
        self.graine = graine
        self.maintenant = maintenant
        self._stack = ExitStack()
        self._dossier = Path(self._stack.enter_context(TemporaryDirectory(prefix="conformite-")))
        self._contextes: dict[str, ssl.SSLContext] = {}
        self._quai: Quai | None = None
        self._boite: Boite | None = None
        self.donnees = Donnees(graine, maintenant.astimezone(PARIS).date())
        self.nom = ""

    def close(self) -> None:
        """Stop what listens and forget the keys made."""
        for each in (self._quai, self._boite):
            if each is not None:
                each.stop()
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
        self.nom = (
            f"DEM{self.emetteur.code}-{self.maintenant.astimezone(PARIS):%Y%m%d%H%M}-{ident[1:]:0>6}.xml"
        )

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
        """Where a certificate of `[certificats]` calls from."""
        identite = self.profil.certificats[nom]
        return self._poste(nom, identite.certificat, identite.cle)

    def anonyme(self) -> Poste:
        """A caller without certificate."""
        return self._poste("", "", "")

    def inconnu(self) -> Poste:
        """A caller whose certificate nobody registered, of an authority that nobody trusts."""
        folder = self._dossier / "inconnu"
        if not folder.exists():
            autorite = create_autorite("Autorité inconnue", now=self.maintenant)
            # The subject of the emetteur: names do not identify.
            autorite.issue_guichet(self.emetteur.code, now=self.maintenant).write(folder)
        return self._poste("inconnu", str(folder / "cert.pem"), str(folder / "key.pem"))

    def limite(self, poste: Poste, version: ssl.TLSVersion) -> Poste:
        """The same caller, that speaks no later version of TLS."""
        context = self._context("", "")
        with warnings.catch_warnings():
            # An old version is asked for so that it be refused.
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = version
            context.maximum_version = version
        context.set_ciphers("DEFAULT@SECLEVEL=0")
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

    def document(self, role: str = "emetteur", **options: object) -> bytes:
        """A new demande of that guichet, dated of now."""
        guichet = self.profil.guichets[role]
        document = self.donnees.document(guichet.code, guichet.territoire, **options)
        return put(document, "dateFichier", self.stamp())

    def stamp(self) -> str:
        """The instant of now, as documents write it."""
        return datetime.now(UTC).astimezone(PARIS).isoformat(timespec="milliseconds")

    def day(self, avant: int = 0) -> str:
        """The day of today, or that many days before."""
        return (self.donnees.le - timedelta(days=avant)).isoformat()

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

    @cached_property
    def quai(self) -> Quai:
        """Where the hub pushes distributions, listening since the first use."""
        reception = self.profil.reception
        if not reception.certificat:
            raise Absente("le profil ne dit pas où le kit reçoit les distributions ([reception])")
        self._quai = Quai(reception, self.profil.cible.autorites, delai=self.profil.cible.delai)
        self._quai.start()
        return self._quai

    @cached_property
    def boite(self) -> Boite:
        """Where the hub sends mail, listening since the first use."""
        if self.profil.courrier is None:
            raise Absente("le profil ne dit pas où est le courrier ([courrier])")
        self._boite = Boite(self.profil.courrier, self.guichet("courrier"), delai=self.profil.cible.delai)
        self._boite.start()
        return self._boite
