"""The rehearsal of a rotation: real round trips with the next keys, before anything is switched.

Hub → reference partner → hub: a TLS handshake on loopback, then a mail each way with its receipt: all six
uses. The reference partner reads and writes with the same code as the hub; what is proved is that these
certificates and these keys, whose kinds and uses vary, do their work. Foreign stacks are tried by the tests.
"""

from __future__ import annotations

import hashlib
import secrets
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from certs.algorithmes import Profil
from certs.autorite import write_secret
from certs.cms import RefusCms
from certs.enveloppe import decrypt, encrypt
from certs.lecture import empreinte_of
from certs.paire import Paire
from certs.signature import ContenuVerifie, sign, verify_signature
from certs.tls import NO_CHECK_TIME, client_context, server_context
from certs.trousseau import UsageRotation
from certs.verification import Usage, verify

DELAI: Final = 10.0
"""Seconds that the handshake on loopback may take."""


@dataclass(frozen=True, slots=True)
class Epreuve:
    """One thing tried. detail: French; why it failed, or what it was done with."""

    nom: str
    reussie: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Acteur:
    """The keys of one side: the same pair for all, or one for each use."""

    signature: Paire
    chiffrement: Paire


@dataclass(frozen=True, slots=True)
class Serveur:
    """Files of the TLS server of the hub, PEM."""

    certificat: Path
    cle: Path
    autorites: Path


class _Echec(Exception):
    """A step failed; the message is French."""


def rehearse_mail(
    echangeur: Acteur, partenaire: Acteur, profil: Profil, *, instant: datetime
) -> tuple[Epreuve, ...]:
    """A mail each way with its receipt. The steps that follow a failed one of the same way are not tried."""
    content = secrets.token_bytes(2000)
    there = _way(content, echangeur, partenaire, profil, instant)
    back = _way(content, partenaire, echangeur, profil, instant)
    names = (
        (UsageRotation.CHIFFRER_SORTANT, UsageRotation.SIGNER_SORTANT, UsageRotation.VERIFIER_ACCUSE),
        (UsageRotation.DECHIFFRER_ENTRANT, UsageRotation.VERIFIER_ENTRANT, UsageRotation.SIGNER_ACCUSE),
    )
    found = []
    for steps, labels in zip((there, back), names, strict=True):
        failed = ""
        for step, label in zip(steps, labels, strict=True):
            if failed:
                found.append(Epreuve(label, False, f"non tentée : {failed}"))
                continue
            try:
                found.append(Epreuve(label, True, step()))
            except _Echec as echec:
                failed = str(echec)
                found.append(Epreuve(label, False, failed))
    return tuple(found)


def _way(
    content: bytes, auteur: Acteur, lecteur: Acteur, profil: Profil, instant: datetime
) -> tuple[Callable[[], str], ...]:
    """Encryption, signature and receipt of a mail from one side to the other, each run when it is called."""
    opened: list[bytes] = []
    read: list[ContenuVerifie] = []

    def seal() -> str:
        _usable(lecteur.chiffrement, Usage.CHIFFREMENT, profil, instant)
        signed = sign(content, [auteur.signature], instant=instant, profil=profil)
        sealed = encrypt(signed, [lecteur.chiffrement.certificat], profil)
        found = decrypt(sealed, [lecteur.chiffrement], profil=profil)
        if isinstance(found, RefusCms):
            raise _Echec(f"{found.texte} {found.detail}")
        opened.append(found.octets_non_verifies)
        return found.algorithmes

    def verify_content() -> str:
        _usable(auteur.signature, Usage.SIGNATURE, profil, instant)
        found = _verified(opened[0], auteur.signature, profil)
        if found.octets != content:
            raise _Echec("le contenu lu n'est pas celui qui a été envoyé")
        read.append(found)
        return found.algorithme

    def receipt() -> str:
        _usable(lecteur.signature, Usage.SIGNATURE, profil, instant)
        text = f"accusé {read[0].empreinte}".encode()
        sealed = encrypt(
            sign(text, [lecteur.signature], instant=instant, profil=profil),
            [auteur.chiffrement.certificat],
            profil,
        )
        found = decrypt(sealed, [auteur.chiffrement], profil=profil)
        if isinstance(found, RefusCms):
            raise _Echec(f"accusé : {found.texte} {found.detail}")
        verified = _verified(found.octets_non_verifies, lecteur.signature, profil)
        if verified.octets != f"accusé {hashlib.sha256(content).hexdigest()}".encode():
            raise _Echec("l'accusé n'est pas celui du contenu envoyé")
        return verified.algorithme

    return seal, verify_content, receipt


def _verified(signed: bytes, auteur: Paire, profil: Profil) -> ContenuVerifie:
    found = verify_signature(signed, profil=profil)
    if isinstance(found, RefusCms):
        raise _Echec(f"{found.texte} {found.constat}")
    if found.signataire.empreinte != auteur.certificat.empreinte:
        raise _Echec("le signataire lu n'est pas celui qui a signé")
    return found


def _usable(paire: Paire, usage: Usage, profil: Profil, instant: datetime) -> None:
    verdict = verify(paire.certificat, usage, at=instant, rsa_min=profil.rsa_min)
    if not verdict.accepte:
        raise _Echec(f"{verdict.texte} {verdict.constat}".strip())


def rehearse_tls(serveur: Serveur, partenaire: Paire, *, instant: datetime) -> Epreuve:
    """A handshake of the partner with the TLS server of the hub, on loopback, the certificate pinned."""
    nom = "tls"
    verdict = verify(partenaire.certificat, Usage.CLIENT, at=instant)
    if not verdict.accepte:
        return Epreuve(nom, False, f"{verdict.texte} {verdict.constat}".strip())
    try:
        seen = _handshake(serveur, partenaire)
    except (OSError, ssl.SSLError) as error:
        return Epreuve(nom, False, f"la poignée de main échoue ({type(error).__name__})")
    if seen != partenaire.certificat.empreinte:
        return Epreuve(nom, False, "le serveur n'a pas vu le certificat du partenaire")
    return Epreuve(nom, True, "le serveur a reconnu l'empreinte")


def _handshake(serveur: Serveur, partenaire: Paire) -> str:
    """The empreinte that the server saw."""
    context = server_context(
        serveur.certificat,
        serveur.cle,
        serveur.autorites,
        epingles=[partenaire.certificat.pem],
        dates_verifiees_au_dessus=True,
    )
    seen: list[str] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        socket.create_server(("127.0.0.1", 0)) as listener,
    ):
        listener.settimeout(DELAI)

        def serve() -> None:
            try:
                raw, _ = listener.accept()
                raw.settimeout(DELAI)
                with context.wrap_socket(raw, server_side=True) as secure:
                    der = secure.getpeercert(binary_form=True)
                    seen.append(empreinte_of(der) if der else "")
                    secure.sendall(b"ok")
            except OSError:
                seen.append("")

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            _call(serveur, partenaire, Path(folder), listener.getsockname()[1])
        finally:
            thread.join(2 * DELAI)
    return seen[0] if seen else ""


def _call(serveur: Serveur, partenaire: Paire, folder: Path, port: int) -> None:
    cle = partenaire.cle.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "cert.pem").write_bytes(partenaire.certificat.pem)
    write_secret(folder / "key.pem", cle)
    client = client_context(serveur.autorites, folder / "cert.pem", folder / "key.pem")
    # The dates of the server are not what is rehearsed, nor the name under which it is reached here.
    client.check_hostname = False
    client.verify_flags |= ssl.VerifyFlags(NO_CHECK_TIME)
    with (
        socket.create_connection(("127.0.0.1", port), timeout=DELAI) as raw,
        client.wrap_socket(raw) as secure,
    ):
        # In TLS 1.3 the client learns only by reading that its certificate was accepted.
        if secure.recv(2) != b"ok":
            raise ConnectionError
