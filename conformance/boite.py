"""The mail of the kit: signs, encrypts and sends to the target, receives and opens what it sends.

A `PartenaireCourrier` on a loop and a thread of its own. It speaks as a partner to a hub under test, and as
the hub to a partner under test: only the keys and the addresses change.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

import aiosmtplib

from certs.enveloppe import encrypt
from certs.lecture import Certificat, CertificatIllisible, read_certificat
from certs.paire import Paire, load_paire
from certs.signature import sign
from certs.tls import client_context
from conformance.assertion import Empeche
from conformance.boucle import Boucle
from conformance.donnees import NOM
from conformance.partenaire_courrier import Conduite, Echangeur, PartenaireCourrier, Piece, Recu
from conformance.profil import Courrier

T = TypeVar("T")
_DOMAINE: Final = "partenaire.example"


@dataclass(frozen=True, slots=True)
class Pli:
    """A mail ready to go. id: its Message-ID, without angle brackets."""

    id: str
    mail: bytes


class Boite:
    """Between `start` and `stop`. paire: what the kit signs and decrypts with; autres: what it decrypts with
    too. conduite: how the first mails are received."""

    def __init__(
        self,
        courrier: Courrier,
        paire: Paire,
        *,
        delai: float,
        autres: tuple[Paire, ...] = (),
        robot: type[PartenaireCourrier] = PartenaireCourrier,
        conduite: Conduite = Conduite.NORMAL,
    ) -> None:
        self._courrier = courrier
        self._paire = paire
        self._autres = autres
        self._robot = robot
        self._conduite = conduite
        self.delai = delai
        self._boucle = Boucle("courrier")
        self._partenaire: PartenaireCourrier | None = None
        self._serie = time.time_ns()

    @property
    def partenaire(self) -> PartenaireCourrier:
        """The robot; only its immutable parts may be used from another thread."""
        assert self._partenaire is not None
        return self._partenaire

    def start(self) -> None:
        """Listen where the profile says."""
        self._boucle.start()
        self._run(self._start())

    def stop(self) -> None:
        """Stop listening."""
        self._boucle.stop(*(() if self._partenaire is None else (self._partenaire.stop(),)))

    # -- composing ------------------------------------------------------------------------------------------

    def compose(self, *pieces: Piece, **how: Any) -> Pli:
        """These files, signed then encrypted; how: as `PartenaireCourrier.compose`."""
        name = self._name()
        return Pli(f"{name}@{_DOMAINE}", self.partenaire.compose(pieces, message_id=name, **how))

    def sign(self, *pieces: Piece, signataires: tuple[Paire, ...] = ()) -> bytes:
        """These files, signed, by those or by us."""
        entity = self.partenaire.write_entity(pieces)
        return sign(entity, list(signataires) or [self._paire], instant=datetime.now(UTC))

    def forge(self, contenu: bytes) -> bytes:
        """A demande of the kit and nothing around it, signed, whose name was changed afterwards."""
        signed = sign(contenu, [self._paire], instant=datetime.now(UTC))
        head, name, rest = signed.partition(NOM.encode())
        assert name, "le document n'est pas du kit"
        return head + b"Q" + name[1:] + rest

    def seal(
        self,
        contenu: bytes,
        *,
        pour: tuple[Certificat, ...] = (),
        entetes: Mapping[str, str] = MappingProxyType({}),
    ) -> Pli:
        """A signed message (CMS), or whatever takes its place, encrypted for those or for the target."""
        return self.carry(encrypt(contenu, list(pour) or [self.partenaire.echangeur.chiffrement]), entetes)

    def carry(self, cms: bytes, entetes: Mapping[str, str] = MappingProxyType({})) -> Pli:
        """An encrypted message, or whatever takes its place."""
        name = self._name()
        return Pli(f"{name}@{_DOMAINE}", self.partenaire.wrap(cms, message_id=name, entetes=entetes))

    def clear(self, contenu: bytes) -> Pli:
        """A mail whose fields of content and content are these bytes."""
        name = self._name()
        return Pli(f"{name}@{_DOMAINE}", self.partenaire.head(message_id=name) + contenu)

    def _name(self) -> str:
        self._serie += 1
        return f"kit-{self._serie:x}"

    # -- sending and receiving ------------------------------------------------------------------------------

    def send(self, pli: Pli, expediteur: str | None = None) -> None:
        """Hand a mail over. Raises Empeche when the target does not take it."""
        try:
            self._run(self.partenaire.send(pli.mail, expediteur))
        except (OSError, aiosmtplib.SMTPException) as error:
            raise Empeche(f"le message n'a pas été pris : {error}") from None

    def tell(self, nature: str, guichet: str, sequence: int, *pieces: Piece, **how: Any) -> Pli:
        """A mail as the hub writes them: its identifier is that of its X-Echangeur-Id."""
        ident = how.pop("ident", "") or str(uuid.uuid4())
        fields = {
            "Subject": f"[echangeur] {nature.upper()} {guichet} {sequence}",
            "X-Echangeur-Id": ident,
            "X-Echangeur-Nature": nature,
        }
        return Pli(ident, self.partenaire.compose(pieces, entetes=fields, **how))

    def report(self, cms: bytes, guichet: str) -> Pli:
        """As `tell`, of a distribution that is already encrypted."""
        ident = str(uuid.uuid4())
        fields = {"X-Echangeur-Id": ident, "X-Echangeur-Nature": "distribution"}
        return Pli(ident, self.partenaire.wrap(cms, entetes={"Subject": f"[echangeur] {guichet}", **fields}))

    def command(self, *options: str, destinataire: str = "") -> int:
        """The answer to RCPT, or to MAIL if it is refused, of a dialogue that goes no further."""
        partenaire = self.partenaire

        async def dialogue() -> int:
            async with partenaire.dial() as client:
                try:
                    await client.mail(partenaire.adresse, options=list(options))
                    answer = await client.rcpt(destinataire or partenaire.echangeur.adresse)
                except aiosmtplib.SMTPResponseException as error:
                    return error.code
                return answer.code

        try:
            return self._run(dialogue())
        except (OSError, aiosmtplib.SMTPException) as error:
            raise Empeche(f"le serveur de courrier ne répond pas : {error}") from None

    def wait(self, fact: Callable[[list[Recu]], bool], delai: float = 0) -> bool:
        """Wait for the mails that make `fact` true; False when they have not come in `delai` seconds."""
        delai = delai or self.delai
        try:
            self._run(asyncio.wait_for(self.partenaire.wait_for(fact), delai), delai)
        except TimeoutError:
            return False
        return True

    def answers(self, pli: Pli) -> list[Recu]:
        """What has come so far in answer to a mail."""
        return [each for each in list(self.partenaire.recus) if each.en_reponse_a == pli.id]

    def answer(self, pli: Pli) -> Recu | None:
        """The answer to a mail, or None when it does not come."""
        self.wait(lambda recus: any(each.en_reponse_a == pli.id for each in recus))
        return next(iter(self.answers(pli)), None)

    def behave(self, conduite: Conduite) -> None:
        """How the next mails are received."""
        self.partenaire.conduite = conduite

    def acknowledge(self, recu: Recu) -> None:
        """Send an accusé of a mail, as the conduct says."""
        self._run(self.partenaire.acknowledge(recu))

    async def _start(self) -> None:
        told = self._courrier
        hub = Echangeur(
            told.adresse,
            told.hote,
            told.port,
            _certificat(told.chiffrement),
            _certificat(told.signature).empreinte,
            client_context(Path(told.autorites)) if told.autorites else None,
        )
        self._partenaire = self._robot(told.local_adresse, self._paire, hub)
        self._partenaire.autres = self._autres
        self._partenaire.conduite = self._conduite
        await self._partenaire.start(told.local_hote, told.local_port)

    def _run(self, coroutine: Coroutine[Any, Any, T], delai: float = 0) -> T:
        """delai: what it may take by itself, in seconds; well beyond, the loop is not waited for any more."""
        return self._boucle.run(coroutine, (delai or self.delai) * 4)


def _certificat(fichier: str) -> Certificat:
    lu = read_certificat(Path(fichier).read_bytes())
    if isinstance(lu, CertificatIllisible):
        raise Empeche(f"{fichier} : {lu.message}")
    return lu


def load_pair(certificat: str, cle: str) -> Paire:
    """The pair of two files of a profile."""
    return load_paire(Path(certificat).read_bytes(), Path(cle).read_bytes())
