"""Composing a request: the fields of an operation in a SOAP 1.2 envelope, inline or in MTOM parts.

Written from the WSDL and interface/wire §2 alone. Every liberty that a partner may take is a parameter.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final
from xml.sax.saxutils import escape

from schemas import contract

SOAP: Final = "http://www.w3.org/2003/05/soap-envelope"
WS: Final = contract.NAMESPACE_SERVICES
XOP: Final = "http://www.w3.org/2004/08/xop/include"
_XOP_TYPE: Final = "application/xop+xml"
_SOAP_TYPE: Final = "application/soap+xml"


@dataclass(frozen=True, slots=True)
class CodeChamp:
    """A field that has only a code."""

    code: str


@dataclass(frozen=True, slots=True)
class Groupe:
    """A field made of fields."""

    champs: Sequence[tuple[str, Champ]]


Champ = str | bytes | CodeChamp | Groupe


@dataclass(frozen=True, slots=True)
class Ecriture:
    """How a partner writes an MTOM message; by default, as most libraries do.

    start: value of the parameter, empty to leave it out. racine_en_tete: False puts the root part last.
    encodage: of the files. cid: identifiers, where ``{}`` is the field. href: what the reference holds, from
    the identifier. boundary, action: of the message; action_racine: in the root part.
    en_base64: fields whose part is so encoded whatever `encodage` says.
    """

    start: str = "<racine@kit>"
    racine_en_tete: bool = True
    encodage: str = "binary"
    cid: str = "{}@kit"
    href: str = "cid:{}"
    boundary: str = "kit-de-conformite"
    action: str = "complete"
    action_racine: str = ""
    action_start_info: bool = False
    en_base64: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """One request: its operation and its fields, in their order. element: that of the body, when it is not
    the one of the requests of the operation: an answer."""

    service: str
    operation: str
    champs: tuple[tuple[str, Champ], ...]
    entete: str = "<s:Header/>"
    element: str = ""

    @property
    def chemin(self) -> str:
        """Path of the service."""
        return f"/services/{self.service}"

    @property
    def action(self) -> str:
        """The full SOAP action."""
        return WS + self.operation

    def change(self, **champs: Champ) -> Message:
        """With other values for some fields, or more fields at the end."""
        changed = {**dict(self.champs), **champs}
        return replace(self, champs=tuple(changed.items()))


def envelope(message: Message, corps: str) -> bytes:
    """The envelope around the children of the wrapper."""
    wrapper = message.element or _wrapper(message.service, message.operation)
    return (
        f'<s:Envelope xmlns:s="{SOAP}" xmlns:ws="{WS}">{message.entete}<s:Body><ws:{wrapper}>{corps}'
        f"</ws:{wrapper}></s:Body></s:Envelope>"
    ).encode()


def inline(message: Message) -> tuple[dict[str, str], bytes]:
    """Headers and body, files in base64."""
    body = envelope(message, "".join(_inline(nom, champ) for nom, champ in message.champs))
    return {"Content-Type": f'{_SOAP_TYPE}; charset=utf-8; action="{message.action}"'}, body


def parts(message: Message, ecriture: Ecriture | None = None) -> tuple[dict[str, str], bytes]:
    """Headers and body, files in parts of their own."""
    how = ecriture or Ecriture()
    files: list[tuple[str, bytes]] = []
    text = "".join(_included(nom, champ, how, files) for nom, champ in message.champs)
    root_type = f'{_XOP_TYPE}; charset=UTF-8; type="{_SOAP_TYPE}"'
    if how.action_racine:
        root_type += f'; action="{how.action_racine}"'
    # The part says its identifier between angle brackets whatever `start` does.
    identifier = how.start.strip("<>") or "racine@kit"
    root = _part(root_type, "8bit", identifier, envelope(message, text), how)
    rest = [_part("application/octet-stream", _encoding(cid, how), cid, data, how) for cid, data in files]
    ordered = [root, *rest] if how.racine_en_tete else [*rest, root]
    head = f'multipart/related; type="{_XOP_TYPE}"; boundary="{how.boundary}"'
    if how.start:
        head += f'; start="{how.start}"'
    info = f'{_SOAP_TYPE}; action=\\"{message.action}\\"' if how.action_start_info else _SOAP_TYPE
    head += f'; start-info="{info}"'
    if how.action:
        head += f'; action="{message.action if how.action == "complete" else how.action}"'
    return {"Content-Type": head, "MIME-Version": "1.0"}, b"".join(
        ordered
    ) + f"--{how.boundary}--\r\n".encode()


def _encoding(cid: str, how: Ecriture) -> str:
    return "base64" if any(how.cid.format(each) == cid for each in how.en_base64) else how.encodage


def _part(kind: str, encoding: str, cid: str, data: bytes, how: Ecriture) -> bytes:
    if encoding.lower() == "base64":
        data = base64.encodebytes(data).replace(b"\n", b"\r\n")
    elif encoding.lower() == "quoted-printable":
        data = b"".join(b"=%02X" % each if each > 126 or each == 61 else bytes([each]) for each in data)
    lines = (
        f"--{how.boundary}",
        f"Content-Type: {kind}",
        f"Content-Transfer-Encoding: {encoding}",
        f"Content-ID: <{cid}>",
        "",
        "",
    )
    return "\r\n".join(lines).encode() + data + b"\r\n"


def _inline(nom: str, champ: Champ) -> str:
    match champ:
        case bytes():
            return f"<{nom}>{base64.b64encode(champ).decode()}</{nom}>"
        case CodeChamp():
            return f'<{nom} code="{champ.code}"/>'
        case Groupe():
            return f"<{nom}>{''.join(_inline(*each) for each in champ.champs)}</{nom}>"
        case _:
            return f"<{nom}>{escape(champ)}</{nom}>"


def _included(nom: str, champ: Champ, how: Ecriture, files: list[tuple[str, bytes]]) -> str:
    if isinstance(champ, Groupe):
        inside = "".join(_included(name, each, how, files) for name, each in champ.champs)
        return f"<{nom}>{inside}</{nom}>"
    if not isinstance(champ, bytes) or not champ:
        return _inline(nom, champ)
    cid = how.cid.format(nom)
    if any(cid == known for known, _ in files):
        cid += f".{len(files)}"
    files.append((cid, champ))
    return f'<{nom}><xop:Include xmlns:xop="{XOP}" href="{how.href.format(cid)}"/></{nom}>'


@cache
def _wrapper(service: str, operation: str) -> str:
    return next(each.request for each in contract.operations(service) if each.name == operation)


def demande(nom: str, document: bytes, **champs: Champ) -> Message:
    """getNumUnique."""
    fields: Mapping[str, Champ] = {
        "nomFichierDemande": nom,
        "fichierDemande": document,
        "nomCertificat": "",
        "certificat": b"",
        **champs,
    }
    return Message(contract.DEMANDE_LOGEMENT, "getNumUnique", tuple(fields.items()))


def lecture(numero: str, **champs: Champ) -> Message:
    """getDemandeLogement."""
    fields: Mapping[str, Champ] = {"numUnique": numero, "nomCertificat": "", "certificat": b"", **champs}
    return Message(contract.DEMANDE_LOGEMENT, "getDemandeLogement", tuple(fields.items()))


def doublons(nom: str, document: bytes) -> Message:
    """getDoublons."""
    fields = (("nomFichierDemande", nom), ("fichierDemande", document))
    return Message(contract.DEMANDE_LOGEMENT, "getDoublons", fields)


def fichier(service: str, operation: str, document: bytes) -> Message:
    """An operation of the two services whose message is one file."""
    fields = (("nomFichier", "kit.xml"), ("fichierXml", document), ("nomCertificat", ""))
    return Message(service, operation, fields)


def distributions(operation: str, *champs: tuple[str, Champ]) -> Message:
    """An operation of DistributionsImplService."""
    return Message(contract.DISTRIBUTIONS, operation, champs)
