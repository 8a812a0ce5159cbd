"""What travels by signed mail beside the files of the contract: requête, accusé, répétition (courrier.xsd).

A requête asks for what no file of demande can ask, or says more about one that is joined; an accusé says, in
both directions, what was received and what became of it; a répétition asks for an accusé made with the keys
that it names.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Final

from lxml import etree

from schemas.lecture import parse_instant, text_of
from schemas.parser import Limits, parse
from schemas.validation import validate_with
from schemas.violations import Violation

NAMESPACE_COURRIER: Final = "urn:echangeur:courrier:1"
_NS: Final = f"{{{NAMESPACE_COURRIER}}}"
ACCUSE: Final = f"{_NS}accuse"
REQUETE: Final = f"{_NS}requete"
REPETITION: Final = f"{_NS}repetition"

LIMITES: Final = Limits(max_bytes=16 << 20, max_depth=8, max_elements=200_000)
"""Threat: memory. An accusé of 20,000 files takes some 6 MB and 60,000 elements."""

_compiled = threading.local()


class Verdict(StrEnum):
    """What became of a message or of a file; the worst last."""

    RECU = "RECU"
    DEJA_RECU = "DEJA_RECU"
    ACCEPTE = "ACCEPTE"
    REJEU = "REJEU"
    REFUSE = "REFUSE"
    ECHEC = "ECHEC"


POSITIFS: Final = frozenset({Verdict.RECU, Verdict.DEJA_RECU, Verdict.ACCEPTE, Verdict.REJEU})
"""Those by which whoever received a message has it, and keeps it."""


@dataclass(frozen=True, slots=True)
class AnomalieDite:
    """An anomalie as an accusé tells it."""

    code: str
    message: str
    conduite: str = ""
    tour: str = ""
    rejouable: bool = False


@dataclass(frozen=True, slots=True)
class FichierAccuse:
    """What became of one file.

    empreinte: SHA-256 of the file as received. echange: correlation identifier. reponses: names of the files
    of the answer that concern it. code: of the first anomalie; anomalies: those that no file of the answer
    tells.
    """

    nom: str
    empreinte: bytes
    verdict: Verdict
    operation: str = ""
    echange: str = ""
    numero: str = ""
    code: str = ""
    reponses: tuple[str, ...] = ()
    anomalies: tuple[AnomalieDite, ...] = ()


@dataclass(frozen=True, slots=True)
class Accuse:
    """An accusé. message: identifier of the message that it acknowledges. empreinte: SHA-256 of its signed
    content, empty when none could be read. partie, parties: an answer that is cut has several."""

    message: str
    recu_le: datetime
    verdict: Verdict
    empreinte: bytes = b""
    anomalies: tuple[AnomalieDite, ...] = ()
    avertissements: tuple[str, ...] = ()
    fichiers: tuple[FichierAccuse, ...] = ()
    partie: int = 1
    parties: int = 1


@dataclass(frozen=True, slots=True)
class Requete:
    """A requête. fichier: name of the joined file that it is about, or empty."""

    operation: str
    fichier: str = ""
    parametres: Mapping[str, str] | None = None

    def get(self, nom: str) -> str | None:
        """The value of a parameter."""
        return (self.parametres or {}).get(nom)


@dataclass(frozen=True, slots=True)
class Repetition:
    """A rehearsal of a rotation. message: identifier of the message to acknowledge. signer: SHA-256 of the
    certificate of the guichet to sign the accusé with; chiffrer: of that of the hub to encrypt it for.
    avant: when it is awaited no more."""

    message: str
    signer: bytes
    chiffrer: bytes
    avant: datetime


def read_courrier(data: bytes) -> Accuse | Requete | Repetition | Violation:
    """The document in `data`, or the first rule that it breaks."""
    root = parse(data, LIMITES)
    if isinstance(root, Violation):
        return root
    if root.tag not in (ACCUSE, REQUETE, REPETITION):
        return Violation(
            "XSD-RACINE",
            "La racine n'est ni accuse, ni requete, ni repetition.",
            found=str(root.tag)[:200],
        )
    violations = validate_with(_schema(), root)
    if violations:
        return violations[0]
    if root.tag == REPETITION:
        return _repetition(root)
    return _accuse(root) if root.tag == ACCUSE else _requete(root)


def is_courrier(data: bytes) -> bool:
    """True when `data` looks like one of these documents: their name is in the beginning."""
    return NAMESPACE_COURRIER.encode() in data[:2048]


def write_accuse(accuse: Accuse) -> bytes:
    """The accusé as XML in UTF-8."""
    root = etree.Element(ACCUSE, nsmap={None: NAMESPACE_COURRIER})
    if accuse.parties > 1:
        root.set("partie", str(accuse.partie))
        root.set("parties", str(accuse.parties))
    _add(root, "message", accuse.message)
    if accuse.empreinte:
        _add(root, "empreinte", accuse.empreinte.hex())
    _add(root, "recuLe", accuse.recu_le.isoformat(timespec="milliseconds"))
    _add(root, "verdict", accuse.verdict.value)
    for anomalie in accuse.anomalies:
        _add_anomalie(root, anomalie)
    for texte in accuse.avertissements:
        _add(root, "avertissement", texte)
    for fichier in accuse.fichiers:
        element = etree.SubElement(root, f"{_NS}fichier")
        for nom, valeur in (
            ("nom", fichier.nom),
            ("empreinte", fichier.empreinte.hex()),
            ("verdict", fichier.verdict.value),
            ("operation", fichier.operation),
            ("echange", fichier.echange),
            ("numUnique", fichier.numero),
            ("code", fichier.code),
        ):
            if valeur:
                element.set(nom, _text(valeur))
        for reponse in fichier.reponses:
            _add(element, "reponse", reponse)
        for anomalie in fichier.anomalies:
            _add_anomalie(element, anomalie)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def write_requete(requete: Requete) -> bytes:
    """The requête as XML in UTF-8."""
    root = etree.Element(REQUETE, nsmap={None: NAMESPACE_COURRIER})
    _add(root, "operation", requete.operation)
    if requete.fichier:
        _add(root, "fichier", requete.fichier)
    for nom, valeur in (requete.parametres or {}).items():
        _add(root, "parametre", valeur).set("nom", nom)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def write_repetition(repetition: Repetition) -> bytes:
    """The répétition as XML in UTF-8."""
    root = etree.Element(REPETITION, nsmap={None: NAMESPACE_COURRIER})
    _add(root, "message", repetition.message)
    _add(root, "signer", repetition.signer.hex())
    _add(root, "chiffrer", repetition.chiffrer.hex())
    _add(root, "avant", repetition.avant.isoformat(timespec="milliseconds"))
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _schema() -> etree.XMLSchema:
    schema: etree.XMLSchema | None = _compiled.__dict__.get("schema")
    if schema is None:
        # A compiled schema is not shared between threads.
        schema = etree.XMLSchema(file=str(Path(str(resources.files("schemas"))) / "xsd" / "courrier.xsd"))
        _compiled.schema = schema
    return schema


def _add(parent: etree._Element, nom: str, valeur: str) -> etree._Element:
    element = etree.SubElement(parent, _NS + nom)
    element.text = _text(valeur)
    return element


def _add_anomalie(parent: etree._Element, anomalie: AnomalieDite) -> None:
    element = etree.SubElement(parent, f"{_NS}anomalie", code=anomalie.code)
    if anomalie.tour:
        element.set("tour", anomalie.tour)
        element.set("rejouable", "true" if anomalie.rejouable else "false")
    _add(element, "message", anomalie.message)
    if anomalie.conduite:
        _add(element, "conduite", anomalie.conduite)


def _text(valeur: str) -> str:
    """What XML 1.0 §2.2 does not admit is replaced: names come from the outside."""
    return "".join(
        car
        if car in "\t\n\r" or " " <= car <= "\ud7ff" or "\ue000" <= car <= "\ufffd" or car >= "\U00010000"
        else "\N{REPLACEMENT CHARACTER}"
        for car in valeur
    )


def _requete(root: etree._Element) -> Requete:
    return Requete(
        _of(root, "operation").strip(),
        _of(root, "fichier").strip(),
        {each.get("nom", ""): text_of(each) for each in root.iterfind(f"{_NS}parametre")},
    )


def _repetition(root: etree._Element) -> Repetition | Violation:
    avant = _instant(root, "avant")
    if isinstance(avant, Violation):
        return avant
    return Repetition(
        _of(root, "message").strip(),
        bytes.fromhex(_of(root, "signer")),
        bytes.fromhex(_of(root, "chiffrer")),
        avant,
    )


def _instant(root: etree._Element, nom: str) -> datetime | Violation:
    found = parse_instant(_of(root, nom))
    if found is None:
        return Violation("XSD-VALEUR", f"{nom} n'est pas une date et une heure.", found=_of(root, nom)[:200])
    return found


def _accuse(root: etree._Element) -> Accuse | Violation:
    recu_le = _instant(root, "recuLe")
    if isinstance(recu_le, Violation):
        return recu_le
    return Accuse(
        message=_of(root, "message").strip(),
        recu_le=recu_le,
        verdict=Verdict(_of(root, "verdict")),
        empreinte=bytes.fromhex(_of(root, "empreinte")),
        anomalies=tuple(_anomalies(root)),
        avertissements=tuple(text_of(each) for each in root.iterfind(f"{_NS}avertissement")),
        fichiers=tuple(_fichier(each) for each in root.iterfind(f"{_NS}fichier")),
        partie=int(root.get("partie", "1")),
        parties=int(root.get("parties", "1")),
    )


def _fichier(element: etree._Element) -> FichierAccuse:
    return FichierAccuse(
        nom=element.get("nom", ""),
        empreinte=bytes.fromhex(element.get("empreinte", "")),
        verdict=Verdict(element.get("verdict", "")),
        operation=element.get("operation", ""),
        echange=element.get("echange", ""),
        numero=element.get("numUnique", ""),
        code=element.get("code", ""),
        reponses=tuple(text_of(each) for each in element.iterfind(f"{_NS}reponse")),
        anomalies=tuple(_anomalies(element)),
    )


def _anomalies(parent: etree._Element) -> Iterator[AnomalieDite]:
    for element in parent.iterfind(f"{_NS}anomalie"):
        yield AnomalieDite(
            element.get("code", ""),
            _of(element, "message"),
            _of(element, "conduite"),
            element.get("tour", ""),
            element.get("rejouable") in ("true", "1"),
        )


def _of(parent: etree._Element, nom: str) -> str:
    element = parent.find(_NS + nom)
    return "" if element is None else text_of(element)
