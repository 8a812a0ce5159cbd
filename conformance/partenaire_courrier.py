"""The legacy reference partner: a mail robot that signs, encrypts, sends, receives and acknowledges.

It composes and reads its mails with the `email` package, as a robot of a partner would, and shares with the
hub the CMS of `certs` and the schema `courrier.xsd`, not the code of `mailflows`. It can be told to
misbehave.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import ssl
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import SMTP as POLITIQUE
from enum import StrEnum
from io import BytesIO
from types import MappingProxyType
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import aiosmtplib
from aiosmtpd.smtp import SMTP, Envelope, Session

from certs.cms import RefusCms
from certs.enveloppe import decrypt, encrypt
from certs.lecture import Certificat
from certs.paire import Paire
from certs.signature import ContenuVerifie, sign, verify_signature
from schemas.courrier import (
    Accuse,
    FichierAccuse,
    Repetition,
    Verdict,
    is_courrier,
    read_courrier,
    write_accuse,
)


class Conduite(StrEnum):
    """How the partner behaves towards what it receives."""

    NORMAL = "normal"
    """Keeps it, and acknowledges distributions."""
    MUET = "muet"
    """Keeps it, and acknowledges nothing."""
    EN_PANNE = "en-panne"
    """Its server takes nothing for the moment."""
    DISPARU = "disparu"
    """Its server says that the address does not exist."""
    AUTRE_EMPREINTE = "autre-empreinte"
    """Acknowledges other bytes than those received."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A file that travels."""

    nom: str
    contenu: bytes


@dataclass(frozen=True, slots=True)
class Recu:
    """A mail of the hub, opened. chiffre: False when it was only signed. accuse, repetition: those it holds,
    if any. entetes: names in lower case. algorithme: of the signature."""

    id: str
    nature: str
    sujet: str
    en_reponse_a: str
    chiffre: bool
    accuse: Accuse | None
    fichiers: tuple[Piece, ...]
    empreinte: bytes
    repetition: Repetition | None = None
    entetes: Mapping[str, str] = field(default_factory=dict)
    algorithme: str = ""


@dataclass(frozen=True, slots=True)
class Echangeur:
    """What the partner was told of the hub. empreinte: of the certificate that signs for it."""

    adresse: str
    hote: str
    port: int
    chiffrement: Certificat
    empreinte: str
    contexte: ssl.SSLContext | None = None


class PartenaireCourrier:
    """One partner, between `start` and `stop`, on one event loop.

    adresse: its own. paire: signs and decrypts. recus: the mails received, in order. During a rotation:
    autres, pairs that decrypt too; echangeurs, other certificates (empreintes) that may sign for the hub;
    chiffrements, other certificates of the hub to encrypt for. A rehearsal is acknowledged with those of them
    that it names.
    """

    def __init__(
        self,
        adresse: str,
        paire: Paire,
        echangeur: Echangeur,
        *,
        contexte: ssl.SSLContext | None = None,
        sur_reception: Callable[[Recu], None] | None = None,
    ) -> None:
        self.adresse = adresse
        self.paire = paire
        self.echangeur = echangeur
        self.autres: tuple[Paire, ...] = ()
        self.echangeurs: frozenset[str] = frozenset()
        self.chiffrements: tuple[Certificat, ...] = ()
        self.conduite = Conduite.NORMAL
        self.recus: list[Recu] = []
        self.illisibles: list[str] = []
        self._contexte = contexte
        self._told = sur_reception
        self._changed = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._taches: set[asyncio.Task[object]] = set()

    async def start(self, hote: str = "localhost", port: int = 0) -> int:
        """Listen, with STARTTLS when there is a context; returns the port. port 0: any free one."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SMTP(
                self, hostname=hote, tls_context=self._contexte, data_size_limit=64 << 20, loop=loop
            ),
            hote,
            port,
        )
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening."""
        for tache in list(self._taches):
            tache.cancel()
        if self._server is not None:
            self._server.close()
            self._server = None

    # -- sending --------------------------------------------------------------------------------------------

    def compose(
        self,
        pieces: Sequence[Piece],
        *,
        archive: bool = False,
        signataire: Paire | None = None,
        chiffrement: Certificat | None = None,
        message_id: str = "",
        detache: bool = False,
        entetes: Mapping[str, str] = MappingProxyType({}),
    ) -> bytes:
        """A mail with these files, signed then encrypted for the hub. signataire, chiffrement, entetes:
        others than usual."""
        if archive:
            packed = BytesIO()
            with ZipFile(packed, "w", ZIP_DEFLATED) as zipped:
                for piece in pieces:
                    zipped.writestr(piece.nom, piece.contenu)
            pieces = [Piece("lot.zip", packed.getvalue())]
        signer = signataire or self.paire
        entity = self.write_entity(pieces)
        instant = datetime.now(UTC)
        if detache:
            signed = _clear_signed(entity, sign(entity, [signer], instant=instant, detache=True))
        else:
            signed = signed_entity(sign(entity, [signer], instant=instant))
        sealed = encrypt(signed, [chiffrement or self.echangeur.chiffrement])
        return self.wrap(sealed, message_id=message_id, entetes=entetes)

    @staticmethod
    def write_entity(pieces: Sequence[Piece]) -> bytes:
        """What is signed: these files, joined to a text."""
        inner = EmailMessage(policy=POLITIQUE)
        inner.set_content("Fichiers joints.\r\n")
        for piece in pieces:
            subtype = "zip" if piece.nom.endswith(".zip") else "xml"
            inner.add_attachment(piece.contenu, "application", subtype, filename=piece.nom)
        return inner.as_bytes()

    def wrap(
        self, cms: bytes, *, message_id: str = "", entetes: Mapping[str, str] = MappingProxyType({})
    ) -> bytes:
        """The mail that carries an encrypted message. entetes: further fields, or others than usual."""
        return self.head(message_id=message_id, entetes=entetes) + _entity("enveloped-data", cms)

    def head(self, *, message_id: str = "", entetes: Mapping[str, str] = MappingProxyType({})) -> bytes:
        """The fields of a mail to the hub, but for those of its content."""
        fields = {
            "From": self.adresse,
            "To": self.echangeur.adresse,
            "Subject": "envoi",
            "Message-ID": f"<{message_id or uuid.uuid4()}@partenaire.example>",
            "MIME-Version": "1.0",
            **entetes,
        }
        return "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode()

    async def send(self, mail: bytes, expediteur: str | None = None) -> str:
        """Hand a mail to the hub; what it answered. Raises aiosmtplib.SMTPException."""
        async with self.dial() as client:
            sender = self.adresse if expediteur is None else expediteur
            _, answer = await client.sendmail(sender, [self.echangeur.adresse], mail)
        return answer

    @asynccontextmanager
    async def dial(self) -> AsyncIterator[aiosmtplib.SMTP]:
        """A dialogue with the hub."""
        hub = self.echangeur
        client = aiosmtplib.SMTP(
            hostname=hub.hote,
            port=hub.port,
            start_tls=hub.contexte is not None,
            tls_context=hub.contexte,
        )
        transport = None
        try:
            async with client:
                transport = client.transport
                yield client
        finally:
            # The last words of TLS are not waited for: a loop that ends before them leaves a socket open.
            if isinstance(transport, asyncio.Transport):
                transport.abort()

    async def post(self, *pieces: Piece, archive: bool = False) -> str:
        """Compose and send; the Message-ID, without angle brackets."""
        identifier = str(uuid.uuid4())
        await self.send(self.compose(pieces, archive=archive, message_id=identifier))
        return f"{identifier}@partenaire.example"

    # -- receiving ------------------------------------------------------------------------------------------

    async def wait_for(self, wanted: Callable[[list[Recu]], bool]) -> None:
        """Wait until the mails received satisfy `wanted`."""
        while not wanted(self.recus):
            self._changed.clear()
            await self._changed.wait()

    async def answer_to(self, message_id: str) -> list[Recu]:
        """All the parts of the answer to a message, in order; one that came twice, once."""

        def parts(recus: list[Recu]) -> list[Recu]:
            found = (recu for recu in recus if recu.accuse is not None and recu.en_reponse_a == message_id)
            return list({recu.id: recu for recu in found}.values())

        def whole(recus: list[Recu]) -> bool:
            found = parts(recus)
            return bool(found) and len(found) >= (found[0].accuse.parties if found[0].accuse else 1)

        await self.wait_for(whole)
        return sorted(parts(self.recus), key=lambda recu: recu.accuse.partie if recu.accuse else 0)

    async def acknowledge(self, recu: Recu, verdict: Verdict = Verdict.RECU) -> None:
        """Send the signed accusé of a mail of the hub."""
        fichiers = tuple(
            FichierAccuse(piece.nom, hashlib.sha256(piece.contenu).digest(), verdict)
            for piece in recu.fichiers
        )
        if self.conduite is Conduite.AUTRE_EMPREINTE:
            fichiers = tuple(replace(fichier, empreinte=bytes(32)) for fichier in fichiers)
        accuse = Accuse(recu.id, datetime.now(UTC), verdict, recu.empreinte, fichiers=fichiers)
        piece = Piece("accuse.xml", write_accuse(accuse))
        if recu.repetition is None:
            await self.post(piece)
        else:
            await self.send(self._rehearsed(piece, recu.repetition))

    def _rehearsed(self, piece: Piece, repetition: Repetition) -> bytes:
        """Made with the keys that are named; with the usual ones, where those are not known here."""
        pairs = {each.certificat.empreinte: each for each in (self.paire, *self.autres)}
        known = {each.empreinte: each for each in self.chiffrements}
        return self.compose(
            [piece],
            signataire=pairs.get(repetition.signer.hex()),
            chiffrement=known.get(repetition.chiffrer.hex()),
        )

    async def handle_MAIL(  # noqa: N802 (name given by aiosmtpd)
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.conduite is Conduite.EN_PANNE:
            return "451 4.3.2 en panne"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.conduite is Conduite.DISPARU:
            return "550 5.1.1 adresse inconnue"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        recu = self.read(envelope.content)
        if isinstance(recu, str):
            self.illisibles.append(recu)
            self._changed.set()
            return "250 OK"
        self.recus.append(recu)
        self._changed.set()
        if self._told is not None:
            self._told(recu)
        if recu.nature in ("distribution", "repetition") and self.conduite is not Conduite.MUET:
            tache = asyncio.ensure_future(self.acknowledge(recu, self._verdict(recu)))
            self._taches.add(tache)
            tache.add_done_callback(self._taches.discard)
        return "250 OK"

    def _verdict(self, recu: Recu) -> Verdict:
        known = [each for each in self.recus if each.id == recu.id]
        return Verdict.DEJA_RECU if len(known) > 1 else Verdict.RECU

    def read(self, mail: bytes) -> Recu | str:
        """A mail of the hub, or why it cannot be read."""
        message = message_from_bytes(mail)
        cms = message.get_payload(decode=True)
        assert isinstance(cms, bytes)
        chiffre = message.get_param("smime-type") != "signed-data"
        if chiffre:
            opened = decrypt(cms, [self.paire, *self.autres])
            if isinstance(opened, RefusCms):
                return opened.texte
            inside = message_from_bytes(opened.octets_non_verifies).get_payload(decode=True)
            assert isinstance(inside, bytes)
            cms = inside
        verified = verify_signature(cms)
        if isinstance(verified, RefusCms):
            return verified.texte
        if verified.signataire.empreinte not in {self.echangeur.empreinte, *self.echangeurs}:
            return "signé par un autre que l'échangeur"
        return self._recu(message, verified, chiffre=chiffre)

    def _recu(self, message: Message, verified: ContenuVerifie, *, chiffre: bool) -> Recu:
        accuse: Accuse | None = None
        repetition: Repetition | None = None
        fichiers = []
        for part in message_from_bytes(verified.octets).walk():
            payload: Any = part.get_payload(decode=True)
            if part.is_multipart() or not isinstance(payload, bytes):
                continue
            if part.get_content_type() == "text/plain" and not part.get_filename():
                # A text for people.
                continue
            found = read_courrier(payload) if is_courrier(payload) else None
            if isinstance(found, Accuse):
                accuse = found
            elif isinstance(found, Repetition):
                repetition = found
            elif part.get_content_type() == "application/zip":
                with ZipFile(BytesIO(payload)) as zipped:
                    fichiers += [Piece(nom, zipped.read(nom)) for nom in zipped.namelist()]
            else:
                fichiers.append(Piece(part.get_filename() or "", payload))
        return Recu(
            id=str(message["X-Echangeur-Id"]),
            nature=str(message["X-Echangeur-Nature"]),
            sujet=str(message["Subject"]),
            en_reponse_a=str(message.get("In-Reply-To", "")).strip("<>"),
            chiffre=chiffre,
            accuse=accuse,
            fichiers=tuple(fichiers),
            empreinte=bytes.fromhex(verified.empreinte),
            repetition=repetition,
            entetes={name.lower(): str(value) for name, value in message.items()},
            algorithme=verified.algorithme,
        )


def tamper(cms: bytes) -> bytes:
    """An encrypted message whose last blocks were changed on the way."""
    return cms[:-20] + bytes(each ^ 0x55 for each in cms[-20:])


def signed_entity(cms: bytes) -> bytes:
    """What is encrypted: a signed message."""
    return _entity("signed-data", cms)


def _entity(smime: str, cms: bytes) -> bytes:
    head = (
        f'Content-Type: application/pkcs7-mime; smime-type={smime}; name="smime.p7m"\r\n'
        "Content-Transfer-Encoding: base64\r\n\r\n"
    )
    return head.encode() + base64.encodebytes(cms).replace(b"\n", b"\r\n")


def _clear_signed(entity: bytes, signature: bytes) -> bytes:
    head = (
        'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256; '
        'boundary="signe"\r\n\r\n--signe\r\n'
    )
    tail = (
        '\r\n--signe\r\nContent-Type: application/pkcs7-signature; name="smime.p7s"\r\n'
        "Content-Transfer-Encoding: base64\r\n\r\n"
    )
    packed = base64.encodebytes(signature).replace(b"\n", b"\r\n")
    return head.encode() + entity + tail.encode() + packed + b"--signe--\r\n"
