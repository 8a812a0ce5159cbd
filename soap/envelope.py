"""The SOAP 1.2 envelope: opening it, reading the wrapper of an operation, writing that of its answer.

The wrapper is held against the contract here, field by field, because the reader goes through the fields
anyway and can say in French which one is wrong; a test holds this reader against the schema of the WSDL, and
they must agree on every message. Tolerated beyond the schema: `contentType` without its namespace, blanks
around an instant.
"""

from __future__ import annotations

import base64
import codecs
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final
from xml.sax.saxutils import escape

from lxml import etree

from registry.anomalies import Anomalie
from schemas.mime import Partie
from schemas.parser import ENVELOPE_LIMITS, parse
from schemas.violations import Violation
from soap.description import Champ, Message, TypeChamp
from soap.faults import (
    CONTRAT_NON_RESPECTE,
    CORPS_INATTENDU,
    DTD_INTERDITE,
    ENTETE_INCOMPRIS,
    NS_SOAP,
    NS_WS,
    PAS_SOAP_12,
    XML_DEMESURE,
    XML_MALFORME,
)
from soap.mtom import PieceEmise, take_file

_ENVELOPE: Final = f"{{{NS_SOAP}}}Envelope"
_HEADER: Final = f"{{{NS_SOAP}}}Header"
_BODY: Final = f"{{{NS_SOAP}}}Body"
_MUST_UNDERSTAND: Final = f"{{{NS_SOAP}}}mustUnderstand"
_ROLE: Final = f"{{{NS_SOAP}}}role"
_NOS_ROLES: Final = frozenset({"", f"{NS_SOAP}/role/next", f"{NS_SOAP}/role/ultimateReceiver"})
"""A header for another role is not for us, whatever it demands (SOAP 1.2 part 1 §2.4)."""
_CONTENT_TYPE: Final = f"{{{NS_WS}}}contentType"
_XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
_DECLARATION: Final = re.compile(r"^\s*<\?xml\s[^>]*\?>")
_BLANCS: Final = " \t\r\n"
_CODE: Final = re.compile(r"[a-zA-Z0-9]{1,6}")
_ENTIER: Final = re.compile(r"[+-]?[0-9]{1,20}")
_LONG: Final = 1 << 63
"""The values of xs:long are below."""
_INSTANT: Final = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-](?:0\d|1[0-3]):[0-5]\d|[+-]14:00)?"
)
_JOUR: Final = re.compile(r"\d{4}-\d\d-\d\d(?:Z|[+-](?:0\d|1[0-3]):[0-5]\d|[+-]14:00)?", re.ASCII)
_CHARSETS_DE_XML: Final = frozenset({"", "utf-8", "utf8", "us-ascii", "ascii"})
"""Charsets that leave the bytes as they are: without a declaration XML is UTF-8, and ASCII is part of it."""
_TAILLE: Final = frozenset({"XML-TAILLE", "XML-PROFONDEUR", "XML-NOEUDS"})
_DTD: Final = frozenset({"XML-DTD", "XML-ENTITE"})


@dataclass(frozen=True, slots=True)
class Parametres:
    """What the wrapper of a request holds, by name of field. Optional fields that are absent are missing.

    groupes: each occurrence of a group, in order.
    """

    textes: Mapping[str, str]
    fichiers: Mapping[str, bytes]
    groupes: Mapping[str, Sequence[Parametres]] = field(default_factory=dict)

    def entier(self, nom: str) -> int | None:
        """The value of a field of type xs:long, or None when it is absent."""
        return int(self.textes[nom]) if nom in self.textes else None


@dataclass(frozen=True, slots=True)
class FichierEmis:
    """A file of an answer. `type` is its media type; `annonce` says whether contentType tells it."""

    contenu: bytes
    type: str = "text/xml; charset=UTF-8"
    annonce: bool = False


@dataclass(frozen=True, slots=True)
class Retour:
    """What the wrapper of an answer holds, by name of field. groupes: as in `Parametres`."""

    textes: Mapping[str, str]
    fichiers: Mapping[str, FichierEmis]
    groupes: Mapping[str, Sequence[Retour]] = field(default_factory=dict)


def open_envelope(racine: bytes, charset: str = "") -> etree._Element | Anomalie:
    """The only child of the body of the envelope in `racine`, or what is wrong with the envelope ([SOA-14]).

    charset: what the transport announces; it wins over the XML declaration (RFC 7303 §3).
    """
    data = racine if charset in _CHARSETS_DE_XML else _transcode(racine, charset)
    if data is None:
        return XML_MALFORME(f"le jeu de caractères annoncé ({charset[:40]}) ne convient pas.")
    root = parse(data, ENVELOPE_LIMITS)
    if isinstance(root, Violation):
        return _anomalie_of(root)
    if root.tag != _ENVELOPE:
        return PAS_SOAP_12(str(root.tag)[:200], _ENVELOPE)
    header: etree._Element | None = None
    children = list(root)
    if children and children[0].tag == _HEADER:
        header = children.pop(0)
    if len(children) != 1 or children[0].tag != _BODY:
        found = ", ".join(str(child.tag) for child in children)[:200] or "rien"
        return CORPS_INATTENDU(found, "un en-tête facultatif puis un soap:Body, et rien d'autre")
    if header is not None:
        for block in header:
            demanded = block.get(_MUST_UNDERSTAND, "").strip() in ("true", "1")
            if demanded and block.get(_ROLE, "").strip() in _NOS_ROLES:
                return ENTETE_INCOMPRIS(str(block.tag)[:200])
    body = children[0]
    if len(body) != 1:
        return CORPS_INATTENDU(f"{len(body)} éléments", "un seul élément, celui de l'opération")
    return body[0]


def _transcode(data: bytes, charset: str) -> bytes | None:
    try:
        if codecs.lookup(charset).name not in ("iso8859-1", "iso8859-15", "cp1252", "utf-16"):
            return None
        text = data.decode(charset)
    except (LookupError, ValueError):
        return None
    return _DECLARATION.sub("", text, count=1).encode("utf-8", "surrogatepass")


def _anomalie_of(violation: Violation) -> Anomalie:
    if violation.rule in _DTD:
        return DTD_INTERDITE()
    place = f" (ligne {violation.line})" if violation.line else ""
    if violation.rule in _TAILLE:
        return XML_DEMESURE(
            violation.found or violation.message, violation.expected, propriete=violation.path[:255]
        )
    return XML_MALFORME(f"{violation.message}{place}")


def read_parametres(
    wrapper: etree._Element, message: Message, parties: Mapping[str, Partie]
) -> Parametres | Anomalie:
    """The fields of `wrapper`, held against `message`; its files are taken out of the tree ([SOA-12])."""
    return _read_fields(wrapper, message.element, message.champs, parties)


def _read_fields(
    wrapper: etree._Element, element: str, champs: tuple[Champ, ...], parties: Mapping[str, Partie]
) -> Parametres | Anomalie:
    textes: dict[str, str] = {}
    fichiers: dict[str, bytes] = {}
    groupes: dict[str, list[Parametres]] = {}
    position = 0
    if any(not name.startswith(_XSI) for name in wrapper.attrib):
        return CONTRAT_NON_RESPECTE(f"l'élément {element} porte un attribut de trop.")
    if (wrapper.text or "").strip(_BLANCS):
        return CONTRAT_NON_RESPECTE(f"l'élément {element} contient du texte.")
    for child in wrapper:
        name = str(child.tag)
        while (
            position < len(champs)
            and champs[position].nom != name
            and (champs[position].facultatif or champs[position].nom in groupes)
        ):
            position += 1
        if position == len(champs) or champs[position].nom != name:
            return _misplaced(child, element, champs, position)
        if (child.tail or "").strip(_BLANCS):
            return CONTRAT_NON_RESPECTE(f"du texte suit l'élément {name}.")
        champ = champs[position]
        if champ.type is TypeChamp.GROUPE:
            group = _read_fields(child, name, champ.champs, parties)
            if isinstance(group, Anomalie):
                return group
            groupes.setdefault(name, []).append(group)
            continue
        position += 1
        if champ.type is TypeChamp.FICHIER:
            content = _read_file(child, parties)
            if isinstance(content, Anomalie):
                return content
            fichiers[name] = content
        else:
            text = _read_text(child, champ)
            if isinstance(text, Anomalie):
                return text
            if text is not None:
                textes[name] = text
    missing = next(
        (champ for champ in champs[position:] if not champ.facultatif and champ.nom not in groupes), None
    )
    if missing is not None:
        return CONTRAT_NON_RESPECTE(
            f"l'élément {missing.nom} manque à la fin de {element}.", propriete=missing.nom
        )
    return Parametres(textes, fichiers, groupes)


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname


def _misplaced(child: etree._Element, element: str, champs: tuple[Champ, ...], position: int) -> Anomalie:
    expected = []
    for champ in champs[position:]:
        expected.append(champ.nom)
        if not champ.facultatif:
            break
    wanted = " ou ".join(expected) if expected else "la fin de l'élément"
    local = _local(child)
    hint = ""
    if local != child.tag and any(champ.nom == local for champ in champs):
        # The commonest fault of all: a default namespace on the wrapper swallows its children.
        hint = " Les éléments fils ne doivent être dans aucun espace de noms."
    return CONTRAT_NON_RESPECTE(
        f"{str(child.tag)[:200]} trouvé dans {element}, attendu {wanted}.{hint}",
        propriete=local[:255],
    )


def _read_file(element: etree._Element, parties: Mapping[str, Partie]) -> bytes | Anomalie:
    for name, value in element.attrib.items():
        if name not in (_CONTENT_TYPE, "contentType") and not str(name).startswith(_XSI):
            return CONTRAT_NON_RESPECTE(f"{_local(element)} porte l'attribut {str(name)[:100]}, inconnu.")
        if name == _CONTENT_TYPE and len(value) < 3:
            return CONTRAT_NON_RESPECTE(f"contentType de {_local(element)} fait moins de 3 caractères.")
    return take_file(element, parties)


def _read_text(element: etree._Element, champ: Champ) -> str | Anomalie | None:
    """The text of a field that is not a file; None for a code that is not given."""
    for name in element.attrib:
        allowed = champ.type is TypeChamp.CODE and name == "code"
        if not allowed and not str(name).startswith(_XSI):
            return CONTRAT_NON_RESPECTE(f"{champ.nom} porte l'attribut {str(name)[:100]}, inconnu.")
    if len(element):
        return CONTRAT_NON_RESPECTE(f"{champ.nom} contient des éléments.", propriete=champ.nom)
    text = element.text or ""
    match champ.type:
        case TypeChamp.INSTANT:
            text = text.strip(_BLANCS)
            if not _is_instant(text):
                return CONTRAT_NON_RESPECTE(
                    f"{champ.nom} n'est pas une date et une heure (AAAA-MM-JJThh:mm:ss).", propriete=champ.nom
                )
        case TypeChamp.ENTIER:
            text = text.strip(_BLANCS)
            if not (_ENTIER.fullmatch(text) and -_LONG <= int(text) < _LONG):
                return CONTRAT_NON_RESPECTE(f"{champ.nom} n'est pas un nombre entier.", propriete=champ.nom)
        case TypeChamp.JOUR:
            text = text.strip(_BLANCS)
            if not _is_day(text):
                return CONTRAT_NON_RESPECTE(
                    f"{champ.nom} n'est pas une date (AAAA-MM-JJ).", propriete=champ.nom
                )
            text = text[:10]
        case TypeChamp.CODE:
            code = element.get("code")
            if text:
                return CONTRAT_NON_RESPECTE(
                    f"{champ.nom} doit être vide ; la valeur va dans l'attribut code."
                )
            if code is None:
                return None
            if not _CODE.fullmatch(code):
                return CONTRAT_NON_RESPECTE(f"le code de {champ.nom} fait de 1 à 6 lettres ou chiffres.")
            text = code
    return text


def _is_instant(text: str) -> bool:
    found = _INSTANT.fullmatch(text)
    if found is None:
        return False
    try:
        datetime.fromisoformat(found[1])
    except ValueError:
        return False
    return True


def _is_day(text: str) -> bool:
    if not _JOUR.fullmatch(text):
        return False
    try:
        date.fromisoformat(text[:10])
    except ValueError:
        return False
    return True


def write_reponse(message: Message, retour: Retour, *, mtom: bool) -> tuple[bytes, Sequence[PieceEmise]]:
    """The envelope of an answer, and the files it includes when `mtom`; otherwise they are inline base64
    ([SOA-10]).

    Identifiers of files are neutral on purpose: a partner cuts its answer at the first `:interfaceNuu` or
    `:listeDoublons` it meets, wherever that is (`interface/wire` §4).
    """
    pieces: list[PieceEmise] = []
    written = [
        f'<soap:Envelope xmlns:soap="{NS_SOAP}"><soap:Body><ws:{message.element} xmlns:ws="{NS_WS}">',
    ]
    _write_fields(message.champs, retour, written, pieces, mtom=mtom)
    written.append(f"</ws:{message.element}></soap:Body></soap:Envelope>")
    return "".join(written).encode(), pieces


def _write_fields(
    champs: tuple[Champ, ...],
    retour: Retour,
    written: list[str],
    pieces: list[PieceEmise],
    *,
    mtom: bool,
) -> None:
    for champ in champs:
        if champ.nom in retour.textes:
            written.append(f"<{champ.nom}>{escape(retour.textes[champ.nom])}</{champ.nom}>")
            continue
        for group in retour.groupes.get(champ.nom, ()):
            written.append(f"<{champ.nom}>")
            _write_fields(champ.champs, group, written, pieces, mtom=mtom)
            written.append(f"</{champ.nom}>")
        fichier = retour.fichiers.get(champ.nom)
        if fichier is None:
            continue
        attribute = f' ws:contentType="{fichier.type}"' if fichier.annonce else ""
        if mtom:
            piece = PieceEmise(f"piece{len(pieces) + 1}@echangeur", fichier.type, fichier.contenu)
            pieces.append(piece)
            content = (
                '<xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include"'
                f' href="cid:{piece.identifiant}"/>'
            )
        else:
            content = base64.b64encode(fichier.contenu).decode("ascii")
        written.append(f"<{champ.nom}{attribute}>{content}</{champ.nom}>")
