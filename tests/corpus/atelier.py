"""From an entry of the corpus to the bytes that are sent: the named mutations."""

from __future__ import annotations

import base64
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

import msgspec
from lxml import etree

from soap.description import Champ, Operation, Service, TypeChamp
from soap.services import SERVICES
from tests.registry.documents_pieces import pdf
from tests.soap.messages import WS, envelope

DOSSIER: Final = Path(__file__).parent
NS: Final = "http://nuu.application.i2/"
CORPS: Final = "demande/demandeLogement"


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One message of the corpus.

    document: mutations of the document, in order; each is a name of MUTATIONS and its arguments. Paths start
    under the root, without prefix. champs: values of the fields that are not the document, those of
    a group included. enveloppe: pairs of texts replaced in the envelope. contenu: its Content-Type, when it
    is not the usual one. profil: that of the certificate. depart: a document of bases/, or `piece` for a PDF.
    """

    nom: str
    code: str
    texte: str = ""
    base: str = "vide"
    operation: str = "getNumUnique"
    guichet: str = "bailleur"
    profil: str = "guichet"
    depart: str = "creation"
    type: str = ""
    document: list[list[str]] = []
    champs: dict[str, str] = {}
    enveloppe: list[list[str]] = []
    contenu: str = ""


class Corpus(msgspec.Struct, forbid_unknown_fields=True):
    """One file."""

    message: list[Message]


def read_corpus() -> list[Message]:
    """Every message of every file."""
    return [
        message
        for path in sorted(DOSSIER.glob("*.toml"))
        for message in msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Corpus).message
    ]


@cache
def start(name: str) -> bytes:
    """A document of bases/."""
    return (DOSSIER / "bases" / f"{name}.xml").read_bytes()


# --- mutations --------------------------------------------------------------------------------------------


def _find(root: etree._Element, path: str) -> etree._Element:
    found = root.find("/".join(f"{{{NS}}}{step}" for step in path.split("/")))
    assert found is not None, f"{path} n'est pas dans le document"
    return found


def _parent(element: etree._Element) -> etree._Element:
    parent = element.getparent()
    assert parent is not None
    return parent


def _fragment(xml: str) -> list[etree._Element]:
    """Elements written without prefix."""
    return list(etree.fromstring(f'<ns1:x xmlns:ns1="{NS}" xmlns="{NS}">{xml}</ns1:x>'))


def _remove(root: etree._Element, path: str) -> None:
    element = _find(root, path)
    _parent(element).remove(element)


def _put(root: etree._Element, path: str, value: str) -> None:
    _find(root, path).text = value


def _long(root: etree._Element, path: str, size: str) -> None:
    _find(root, path).text = "x" * int(size)


def _code(root: etree._Element, path: str, value: str) -> None:
    _find(root, path).set("code", value)


def _without_code(root: etree._Element, path: str) -> None:
    del _find(root, path).attrib["code"]


def _attribute(root: etree._Element, path: str, name: str, value: str) -> None:
    (_find(root, path) if path else root).set(name, value)


def _double(root: etree._Element, path: str) -> None:
    element = _find(root, path)
    element.addnext(etree.fromstring(etree.tostring(element, with_tail=False)))


def _rename(root: etree._Element, path: str, name: str) -> None:
    _find(root, path).tag = f"{{{NS}}}{name}"


def _unqualify(root: etree._Element, path: str) -> None:
    element = _find(root, path)
    element.tag = etree.QName(element).localname


def _append(root: etree._Element, path: str, xml: str) -> None:
    (_find(root, path) if path else root).extend(_fragment(xml))


def _before(root: etree._Element, path: str, xml: str) -> None:
    element = _find(root, path)
    parent = _parent(element)
    for each in _fragment(xml):
        parent.insert(parent.index(element), each)


def _move_last(root: etree._Element, path: str) -> None:
    element = _find(root, path)
    _parent(element).append(element)


MUTATIONS: Final[dict[str, Callable[..., None]]] = {
    "ôter": _remove,
    "mettre": _put,
    "allonger": _long,
    "code": _code,
    "sans-code": _without_code,
    "attribut": _attribute,
    "doubler": _double,
    "renommer": _rename,
    "sans-espace-de-noms": _unqualify,
    "ajouter": _append,
    "avant": _before,
    "en-dernier": _move_last,
}
"""By the name that the corpus gives them. Two more work on the text: `remplacer` and `octets`."""


SUITES: Final = frozenset({"MOD", "REN", "RAD", "SUP", "COP"})
NUMERO: Final = "1110626000001G1104"
"""Of the demande that the register holds before the message, when its base is not `vide`."""


def prepare(message: Message, guichet: str) -> bytes:
    """The document before its mutations: what that guichet may send, of that type."""
    if message.depart == "piece":
        return pdf()
    root = etree.fromstring(start(message.depart))
    if message.depart != "creation":
        _put(root, "entete/codeGuichet", guichet)
        return etree.tostring(root, encoding="utf-8")
    _put(root, f"{CORPS}/numGuichet", guichet)
    if message.type:
        _put(root, "entete/typeFichier", message.type)
    if message.type in SUITES:
        # Written after what the register holds.
        _put(root, "entete/dateFichier", "2026-07-01T13:00:00.000+02:00")
        _before(root, f"{CORPS}/dateCreationDemande", f"<numUnique>{NUMERO}</numUnique>")
    return etree.tostring(root, encoding="utf-8")


def mutate(document: bytes, message: Message) -> bytes:
    """The document, mutated."""
    texts = [(name, arguments) for name, *arguments in message.document if name in ("remplacer", "octets")]
    data = document
    if message.depart != "piece":
        root = etree.fromstring(document)
        for name, *arguments in message.document:
            if name in MUTATIONS:
                MUTATIONS[name](root, *arguments)
        data = etree.tostring(root, encoding="utf-8")
    for name, arguments in texts:
        if name == "octets":
            data = arguments[0].encode("latin-1")
        else:
            before, after = (each.encode() for each in arguments)
            assert before in data, before
            data = data.replace(before, after, 1)
    return data


# --- envelope ---------------------------------------------------------------------------------------------


def operation_of(name: str) -> tuple[Service, Operation]:
    """The operation of that name, and its service."""
    for service in SERVICES:
        if name in service.operations:
            return service, service.operations[name]
    raise KeyError(name)


def body_of(message: Message, document: bytes) -> bytes:
    """The envelope that carries the document."""
    _, operation = operation_of(message.operation)
    fields = "".join(
        _field(champ, message, document)
        for champ in operation.parametres.champs
        if not champ.facultatif or champ.nom in message.champs
    )
    data = envelope(f"<ws:{operation.parametres.element}>{fields}</ws:{operation.parametres.element}>")
    for before, after in message.enveloppe:
        assert before.encode() in data, before
        data = data.replace(before.encode(), after.encode(), 1)
    return data


def _field(champ: Champ, message: Message, document: bytes) -> str:
    value = message.champs.get(champ.nom)
    if champ.type is TypeChamp.GROUPE:
        children = "".join(_field(each, message, document) for each in champ.champs)
        return f"<{champ.nom}>{children}</{champ.nom}>"
    if champ.type is TypeChamp.CODE:
        return f'<{champ.nom} code="{value}"/>'
    if value is None and champ.type is TypeChamp.FICHIER and champ.nom != "certificat":
        value = base64.b64encode(document).decode()
    if value is None:
        value = "a.xml" if champ.nom.startswith("nomFichier") else ""
    return f"<{champ.nom}>{value}</{champ.nom}>"


def content_type(message: Message) -> str:
    return message.contenu or f'application/soap+xml; charset=utf-8; action="{WS}{message.operation}"'
