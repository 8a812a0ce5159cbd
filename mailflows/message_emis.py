"""Writing a message: files into an entity, the entity signed then encrypted, the whole into a mail.

The entity is a multipart of base64 parts with CRLF line ends: nothing on the way has a reason to touch it. It
is signed opaque, so that no relay can break the signature, then encrypted.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.utils import format_datetime, quote
from typing import Final

from certs.algorithmes import PAR_DEFAUT, Profil
from certs.enveloppe import encrypt
from certs.lecture import Certificat
from certs.paire import Paire
from certs.signature import sign
from registry.echanges import Fichier
from schemas.mime import PartieEmise, free_boundary, join

GROSSISSEMENT: Final = 2.6
"""A file of n octets takes so many in the mail: base64 three times, with its line ends (1.37³)."""

ENTETE_ID: Final = "X-Echangeur-Id"
ENTETE_NATURE: Final = "X-Echangeur-Nature"

_TYPES: Final = {
    "xml": "application/xml",
    "pdf": "application/pdf",
    "zip": "application/zip",
    "txt": "text/plain; charset=utf-8",
    # RFC 8551 §3.2: the signed file is itself a part.
    "p7m": "application/pkcs7-mime; smime-type=signed-data",
}


@dataclass(frozen=True, slots=True)
class Enveloppe:
    """The outside of a mail of ours.

    domaine: right part of its Message-ID. reponse_a: Message-ID that it answers, or empty. nature: for the
    robots that sort before they open.
    """

    id: uuid.UUID
    expediteur: str
    destinataire: str
    sujet: str
    nature: str
    instant: datetime
    domaine: str
    reponse_a: str = ""


def write_entity(fichiers: Sequence[Fichier]) -> bytes:
    """The entity that holds these files, to be signed."""
    parts = [
        PartieEmise(
            (
                (
                    "Content-Type",
                    _TYPES.get(fichier.nom.rpartition(".")[2].lower(), "application/octet-stream"),
                ),
                ("Content-Transfer-Encoding", "base64"),
                ("Content-Disposition", f'attachment; filename="{_ascii(fichier.nom)}"'),
            ),
            _base64(fichier.contenu),
        )
        for fichier in fichiers
    ]
    # What is in base64 holds no hyphen: any boundary is free.
    boundary = free_boundary("parties", ())
    head = f'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="{boundary}"\r\n\r\n'
    return head.encode("ascii") + join(parts, boundary)


def seal(
    entite: bytes,
    signataire: Paire,
    destinataires: Sequence[Certificat],
    *,
    instant: datetime,
    profil: Profil = PAR_DEFAUT,
) -> tuple[str, bytes]:
    """smime-type and CMS of the entity signed, then encrypted for these certificates; signed only when there
    is none."""
    signed = sign(entite, (signataire,), instant=instant, profil=profil)
    if not destinataires:
        return "signed-data", signed
    inner = _header("signed-data").encode("ascii") + b"\r\n" + _base64(signed) + b"\r\n"
    smime = "authEnveloped-data" if profil.contenu.endswith("gcm") else "enveloped-data"
    return smime, encrypt(inner, destinataires, profil)


def write_mail(enveloppe: Enveloppe, smime: str, cms: bytes) -> bytes:
    """The mail that carries a sealed entity."""
    identifier = f"<{enveloppe.id}@{enveloppe.domaine}>"
    lines = [
        f"From: {enveloppe.expediteur}",
        f"To: {enveloppe.destinataire}",
        f"Subject: {Header(enveloppe.sujet, 'us-ascii' if enveloppe.sujet.isascii() else 'utf-8').encode()}",
        f"Date: {format_datetime(enveloppe.instant)}",
        f"Message-ID: {identifier}",
        f"{ENTETE_ID}: {enveloppe.id}",
        f"{ENTETE_NATURE}: {enveloppe.nature}",
        # RFC 3834 §5: an automatic message answers none of these.
        f"Auto-Submitted: {'auto-replied' if enveloppe.reponse_a else 'auto-generated'}",
        "MIME-Version: 1.0",
    ]
    if enveloppe.reponse_a:
        reference = f"<{enveloppe.reponse_a}>"
        lines += [f"In-Reply-To: {reference}", f"References: {reference}"]
    head = "\r\n".join(lines) + "\r\n" + _header(smime)
    return head.encode("ascii", "replace") + b"\r\n" + _base64(cms) + b"\r\n"


def _header(smime: str) -> str:
    return (
        f'Content-Type: application/pkcs7-mime; smime-type={smime}; name="smime.p7m"\r\n'
        "Content-Transfer-Encoding: base64\r\n"
        'Content-Disposition: attachment; filename="smime.p7m"\r\n'
    )


def _base64(octets: bytes) -> bytes:
    return base64.encodebytes(octets).replace(b"\n", b"\r\n").removesuffix(b"\r\n")


def _ascii(nom: str) -> str:
    """A name in a header: quoted, ASCII, on one line."""
    return quote(nom.encode("ascii", "replace").decode("ascii"))
