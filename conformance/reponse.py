"""Reading an answer: the element of the body, its texts and its files, or the fault.

MIME is read by the `email` package and XML by the hardened parser; nothing is shared with a server.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from email import message_from_bytes
from typing import Final
from urllib.parse import unquote

from lxml import etree

from conformance.appel import Reponse
from conformance.assertion import Constat, check
from conformance.message import SOAP, WS, XOP
from schemas.documents import DEMANDES, DocumentKind, read_document
from schemas.parser import Limits, parse

FAUTE: Final = "{urn:echangeur:faute}"
NUU: Final = "{http://nuu.application.i2/}"
_S: Final = f"{{{SOAP}}}"
_LIMITES: Final = Limits(max_bytes=32 << 20, max_depth=48, max_elements=50_000)


@dataclass(frozen=True, slots=True)
class Faute:
    """A SOAP 1.2 fault. code: Sender, Receiver…; sous_code: local name, `qualifie` when its prefix is that of
    the services. langue: of the reason. exception: text of demandeLogementException. The last four are the
    attributes and the child of the element anomalie."""

    code: str = ""
    sous_code: str = ""
    qualifie: bool = False
    raison: str = ""
    langue: str = ""
    exception: str = ""
    anomalie: str = ""
    tour: str = ""
    rejouable: str = ""
    conduite: str = ""
    echange: str = ""


@dataclass(frozen=True, slots=True)
class Lu:
    """An answer, read. probleme: why it is not one, in French.

    element: the child of the body, with its files as base64 where the message had parts; champs, fichiers: by
    name. mtom: the answer was in parts; parties: their types and encodings, the root first.
    """

    http: Reponse
    probleme: str = ""
    element: etree._Element | None = None
    champs: Mapping[str, str] = field(default_factory=dict)
    fichiers: Mapping[str, bytes] = field(default_factory=dict)
    faute: Faute | None = None
    mtom: bool = False
    parties: tuple[tuple[str, str], ...] = ()

    @property
    def code(self) -> str:
        """The code of the fault, or of the first anomaly of the document; empty when all went well; what is
        wrong when the answer is none."""
        if self.faute is not None:
            return self.faute.sous_code or self.faute.code
        if self.probleme:
            return self.probleme
        return self.anomalies[0] if self.anomalies else ""

    @property
    def anomalies(self) -> tuple[str, ...]:
        """Codes of the anomalies of the document, in their order."""
        if self.document is None:
            return ()
        return tuple(each.get("code", "") for each in self.document.iter(f"{NUU}anomalie"))

    @property
    def document(self) -> etree._Element | None:
        """Root of the first file that is a document."""
        for contenu in self.fichiers.values():
            root = _root(contenu)
            if root is not None:
                return root
        return None

    @property
    def octets(self) -> bytes:
        """The first file."""
        return next(iter(self.fichiers.values()), b"")

    def text(self, path: str) -> str:
        """Text at a path of the document, below its root, names without namespace; empty if there is none."""
        if self.document is None:
            return ""
        return self.document.findtext("/".join(NUU + step for step in path.split("/"))) or ""

    @property
    def numero(self) -> str:
        """The numéro unique of the document."""
        return self.text("demande/demandeLogement/numUnique")

    @property
    def resume(self) -> str:
        """What a person is told of the answer."""
        if self.probleme:
            return self.probleme
        if self.faute is not None:
            return f"faute {self.code} : {self.faute.raison}"
        found = ", ".join(self.anomalies)
        return f"anomalies {found}" if found else f"{self.http.resume}, sans anomalie"


def read(http: Reponse) -> Lu:
    """Read an answer; never raises."""
    if not http.statut:
        return Lu(http, http.resume)
    data, pieces, kinds = _split(http)
    mtom = bool(kinds)
    root = parse(data, _LIMITES)
    if not isinstance(root, etree._Element):
        return Lu(http, f"{http.resume}, ce n'est pas du XML : {root.message}", mtom=mtom, parties=kinds)
    body = root.find(f"{_S}Body")
    if root.tag != f"{_S}Envelope" or body is None or len(body) != 1:
        return Lu(http, f"{http.resume}, ce n'est pas une enveloppe SOAP 1.2", mtom=mtom, parties=kinds)
    if body[0].tag == f"{_S}Fault":
        return Lu(http, faute=_fault(body[0]), mtom=mtom, parties=kinds)
    champs, fichiers = _fields(body[0], pieces)
    return Lu(http, "", body[0], champs, fichiers, mtom=mtom, parties=kinds)


def _split(http: Reponse) -> tuple[bytes, Mapping[str, bytes], tuple[tuple[str, str], ...]]:
    kind = http.entetes.get("content-type", "")
    if not kind.lower().startswith("multipart/"):
        return http.corps, {}, ()
    message = message_from_bytes(b"Content-Type: " + kind.encode("latin-1") + b"\r\n\r\n" + http.corps)
    found: dict[str, bytes] = {}
    kinds = []
    start = str(message.get_param("start") or "").strip("<>")
    for part in message.walk():
        if not part.is_multipart():
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            found[str(part.get("Content-ID", "")).strip("<>")] = content
            kinds.append((part.get_content_type(), str(part.get("Content-Transfer-Encoding", "")).lower()))
    root = found.get(start, next(iter(found.values()), b""))
    return root, found, tuple(kinds)


def _fields(element: etree._Element, pieces: Mapping[str, bytes]) -> tuple[dict[str, str], dict[str, bytes]]:
    champs: dict[str, str] = {}
    fichiers: dict[str, bytes] = {}
    for child in list(element.iter()):
        if not isinstance(child.tag, str) or child is element:
            continue
        name = etree.QName(child).localname
        include = child.find(f"{{{XOP}}}Include")
        if include is not None:
            content = pieces.get(unquote((include.get("href") or "").removeprefix("cid:")), b"")
            child.remove(include)
            child.text = base64.b64encode(content).decode()
            fichiers.setdefault(name, content)
        elif not len(child):
            champs.setdefault(name, child.text or "")
            if (decoded := _decode(name, child.text or "")) is not None:
                fichiers.setdefault(name, decoded)
    return champs, fichiers


def _decode(name: str, text: str) -> bytes | None:
    if not name.startswith(("fichier", "listeDoublons", "attestation")) or not text:
        return None
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (ValueError, binascii.Error):
        return None


def _fault(element: etree._Element) -> Faute:
    value = element.findtext(f"{_S}Code/{_S}Value") or ""
    sub = element.find(f"{_S}Code/{_S}Subcode/{_S}Value")
    text = element.find(f"{_S}Reason/{_S}Text")
    detail = element.find(f"{_S}Detail")
    anomalie = None if detail is None else detail.find(f"{FAUTE}anomalie")
    exception = None if detail is None else detail.find(f"{{{WS}}}demandeLogementException")
    prefix, _, local = ((sub.text if sub is not None else "") or "").rpartition(":")
    of = dict(anomalie.attrib) if anomalie is not None else {}
    return Faute(
        code=value.rpartition(":")[2],
        sous_code=local,
        qualifie=sub is not None and bool(prefix) and sub.nsmap.get(prefix) == WS,
        raison=(text.text if text is not None else "") or "",
        langue=text.get("{http://www.w3.org/XML/1998/namespace}lang", "") if text is not None else "",
        exception=exception.findtext("message") or "" if exception is not None else "",
        anomalie=str(of.get("code", "")),
        tour=str(of.get("tour", "")),
        rejouable=str(of.get("rejouable", "")),
        conduite=anomalie.findtext(f"{FAUTE}conduite") or "" if anomalie is not None else "",
        echange=str(of.get("echange", "")),
    )


def _root(contenu: bytes) -> etree._Element | None:
    found = parse(contenu, _LIMITES) if contenu.lstrip()[:1] == b"<" else None
    return found if isinstance(found, etree._Element) else None


def violations_of(contenu: bytes, kinds: frozenset[DocumentKind] = DEMANDES) -> str:
    """What is wrong with a document of one of those kinds, in French; empty when it is valid."""
    found = read_document(contenu, kinds, _LIMITES)
    return "" if not isinstance(found, tuple) else f"{found[0].message} {found[0].path}"


def valid(quoi: str, contenu: bytes, kinds: frozenset[DocumentKind] = DEMANDES) -> Constat:
    """Holds when it is a document of one of those kinds, valid under its schema."""
    problem = violations_of(contenu, kinds)
    return check(quoi, not problem, problem or "valide", "valide")


def intact(envoye: bytes, rendu: bytes, *ignores: str) -> Constat:
    """Holds when each value of the first document is in the second, but for the elements of those names."""
    kept = set(_leaves(rendu))
    lost = [each for each in _leaves(envoye) if each not in kept and each[0] not in ignores]
    return check("valeurs perdues ou changées", not lost, lost, "aucune")


def _leaves(document: bytes) -> list[tuple[str, str]]:
    """Its elements without children, in order: local name, and code or text; none when it cannot be read."""
    root = parse(document, _LIMITES)
    return [
        (etree.QName(each).localname, each.get("code") or (each.text or "").strip())
        for each in (root.iter() if isinstance(root, etree._Element) else ())
        if not len(each)
    ]


def anomaly(quoi: str, code: str, lu: Lu) -> Constat:
    """Holds when that anomaly is among those of the document."""
    return check(quoi, code in lu.anomalies, lu.resume, code)
