"""Reading a message within bounds: its header, what it encrypts, what is signed, the files inside.

Nothing here trusts anything: bytes in, values out. The header of the message is unsigned, so that nothing of
it decides; it is read with the old policy of `email`, the new one being quadratic on a hostile list of
addresses (200 KB: 12 s). The bodies are cut by `schemas.mime`, never by the tree parser (200,000 parts: 40
s).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import compat32
from typing import Final

from mailflows.anomalies import MESSAGE_ILLISIBLE, NON_SIGNE, SANS_FICHIER, TROP_VOLUMINEUX
from mailflows.archives import LimitesArchive, is_archive, read_archive
from mailflows.message_emis import ENTETE_ID
from registry.anomalies import Anomalie
from registry.echanges import Fichier
from schemas.mime import Malforme, Partie, TypeContenu, decode, read_header, read_type, split

MAX_ENTETE: Final = 64 << 10
"""Bytes of the header of a message. Threat: time; a real one, with the traces of ten relays, has 10 KB."""

_TYPES_CMS: Final = ("application/pkcs7-mime", "application/x-pkcs7-mime")
_SUFFIXES_CMS: Final = (".p7m", ".p7")
_SEQUENCE: Final = b"\x30"
"""First byte of a CMS message (ASN.1 SEQUENCE)."""
_DEBUT_XML: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*<|\xff\xfe|\xfe\xff")
_CONTROLE: Final = re.compile(r"[\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class LimitesMessage:
    """Caps on a message once opened.

    parties: parts of one multipart, and files in all. profondeur: multiparts within multiparts. octets: of
    all the files, archives included.
    """

    parties: int = 2_000
    profondeur: int = 4
    octets: int = 512 << 20
    archive: LimitesArchive = field(default_factory=LimitesArchive)


@dataclass(frozen=True, slots=True)
class Exterieur:
    """The unsigned outside of a message: for correlation and display, never to decide.

    message_id: without angle brackets. identifiant: X-Echangeur-Id, or empty. retour: Return-Path, which the
    last server wrote, or empty. automatique: answered by no answer (RFC 3834 §2).
    """

    message_id: str
    identifiant: str
    retour: str
    automatique: bool
    type: TypeContenu
    encodage: str
    nom: str
    corps: bytes


@dataclass(frozen=True, slots=True)
class Signe:
    """A signed message as bytes: the CMS, and the octets signed when the signature is apart from them."""

    cms: bytes
    contenu: bytes | None = None


def read_outside(octets: bytes) -> Exterieur | Anomalie:
    """The header and the body of a message."""
    found = _cut(octets, MAX_ENTETE)
    if found is None:
        return MESSAGE_ILLISIBLE("l'en-tête ne finit pas", f"une ligne vide avant {MAX_ENTETE} octets")
    block, corps = found
    message = BytesHeaderParser(policy=compat32).parsebytes(block)
    kind, _, encodage, nom = read_header(_content_header(message))
    return Exterieur(
        message_id=_identifier(message, "Message-ID"),
        identifiant=_identifier(message, ENTETE_ID),
        retour=_identifier(message, "Return-Path"),
        automatique=_line(message, "Auto-Submitted").lower() not in ("", "no"),
        type=kind,
        encodage=encodage,
        nom=nom,
        corps=corps,
    )


def read_encrypted(exterieur: Exterieur) -> bytes | Anomalie:
    """The CMS that the message carries as its only content (RFC 8551 §3.3), still encrypted."""
    octets = _cms_of(exterieur.type, exterieur.nom, exterieur.encodage, exterieur.corps)
    if octets is None:
        return NON_SIGNE(
            f"le type {exterieur.type.valeur[:80] or 'absent'}", "application/pkcs7-mime, chiffré puis signé"
        )
    return octets


def read_signed_entity(octets: bytes) -> Signe | Anomalie:
    """What was in the envelope: a signed message, opaque or clear-signed (RFC 8551 §3.5), or a bare CMS."""
    if octets.startswith(_SEQUENCE):
        return Signe(octets)
    found = _cut(octets, MAX_ENTETE)
    if found is None:
        return NON_SIGNE("un contenu sans signature", "un message signé")
    kind, _, encodage, nom = read_header(found[0])
    if kind.valeur == "multipart/signed":
        return _clear_signed(kind, found[1])
    cms = _cms_of(kind, nom, encodage, found[1])
    return NON_SIGNE("un contenu sans signature", "un message signé") if cms is None else Signe(cms)


def read_files(octets: bytes, limites: LimitesMessage) -> tuple[Fichier, ...] | Anomalie:
    """The files of a signed content, archives opened, in the order of the message.

    The content is a MIME entity, or a file alone. A text for people is left aside; a file without a name gets
    one from its place.
    """
    parties: list[Partie] = []
    if is_archive(octets) or (_DEBUT_XML.match(octets) and not octets.startswith(b"Content-")):
        parties.append(Partie(read_type(""), "", "binary", octets))
    else:
        refus = _gather(octets, limites, parties, 1)
        if refus is not None:
            return refus
    fichiers: list[Fichier] = []
    total = 0
    for rang, partie in enumerate(parties, 1):
        contenu = decode(partie)
        if contenu is None:
            return MESSAGE_ILLISIBLE(
                f"la partie {rang} ne se décode pas", "7bit, 8bit, binary, base64 ou quoted-printable"
            )
        if _is_for_people(partie, contenu):
            continue
        total += len(contenu)
        if is_archive(contenu):
            opened = read_archive(contenu, limites.archive)
            if isinstance(opened, Anomalie):
                return opened
            total += sum(len(each.contenu) for each in opened) - len(contenu)
            fichiers += opened
        else:
            fichiers.append(Fichier(_clean(partie.nom) or f"fichier-{rang}.xml", contenu))
        if total > limites.octets:
            return TROP_VOLUMINEUX(f"{total} octets de fichiers", f"{limites.octets} octets au plus")
    return tuple(fichiers) if fichiers else SANS_FICHIER()


def canonical(octets: bytes) -> bytes:
    """With CRLF line ends: the form in which a text is signed (RFC 8551 §3.1.1)."""
    return octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def entity_of(octets: bytes, max_entete: int = MAX_ENTETE) -> tuple[TypeContenu, bytes] | None:
    """The type and the body of an entity; None when its header does not end."""
    found = _cut(octets, max_entete)
    return None if found is None else (read_header(found[0])[0], found[1])


def _gather(
    octets: bytes, limites: LimitesMessage, parties: list[Partie], profondeur: int
) -> Anomalie | None:
    """Add the leaves of an entity to `parties`."""
    found = _cut(octets, MAX_ENTETE)
    if found is None:
        return MESSAGE_ILLISIBLE("l'en-tête d'une partie ne finit pas", "une ligne vide après l'en-tête")
    kind, identifiant, encodage, nom = read_header(found[0])
    return _add(Partie(kind, identifiant, encodage, found[1], nom), limites, parties, profondeur)


def _add(partie: Partie, limites: LimitesMessage, parties: list[Partie], profondeur: int) -> Anomalie | None:
    if not partie.type.valeur.startswith("multipart/"):
        parties.append(partie)
        if len(parties) > limites.parties:
            return MESSAGE_ILLISIBLE("trop de parties", f"{limites.parties} au plus, ou une archive")
        return None
    if profondeur > limites.profondeur:
        return MESSAGE_ILLISIBLE("trop de parties emboîtées", f"{limites.profondeur} niveaux au plus")
    found = split(partie.contenu, partie.type.get("boundary"), limites.parties)
    if isinstance(found, Malforme):
        return MESSAGE_ILLISIBLE(found.constat, found.attendu)
    for each in found:
        refus = _add(each, limites, parties, profondeur + 1)
        if refus is not None:
            return refus
    return None


def _clear_signed(kind: TypeContenu, corps: bytes) -> Signe | Anomalie:
    boundary = kind.get("boundary")
    found = split(corps, boundary, 2)
    if isinstance(found, Malforme):
        return MESSAGE_ILLISIBLE(found.constat, found.attendu)
    signature = decode(found[-1])
    # Cut by hand: what is signed is the octets of the first part, its header included (RFC 1847 §2.1).
    delimiter = re.escape(b"--" + boundary.encode("ascii"))
    opening = re.search(rb"(?:\A|\n)" + delimiter + rb"[ \t]*\r?\n", corps)
    closing = opening and re.compile(rb"\r?\n" + delimiter + rb"[ \t]*\r?\n").search(corps, opening.end())
    if signature is None or opening is None or closing is None:
        return MESSAGE_ILLISIBLE(
            "le contenu ou sa signature manque", "le contenu, puis sa signature en base64"
        )
    return Signe(signature, canonical(corps[opening.end() : closing.start()]))


def _cms_of(kind: TypeContenu, nom: str, encodage: str, corps: bytes) -> bytes | None:
    named = kind.valeur in ("application/octet-stream", "") and nom.lower().endswith(_SUFFIXES_CMS)
    if kind.valeur not in _TYPES_CMS and not named:
        return None
    if encodage == "base64":
        # Mail ends with line ends that are no part of it.
        corps = corps.rstrip(b"\r\n")
    return decode(Partie(kind, "", encodage, corps))


def _is_for_people(partie: Partie, contenu: bytes) -> bool:
    """A text that a mail program writes around the files."""
    return (
        partie.type.valeur in ("text/plain", "text/html")
        and not partie.nom
        and _DEBUT_XML.match(contenu) is None
    ) or not contenu.strip()


def _cut(octets: bytes, maximum: int) -> tuple[bytes, bytes] | None:
    """Header block with its last line end, and body."""
    if octets.startswith((b"\r\n", b"\n")):
        return b"", octets[2:] if octets.startswith(b"\r\n") else octets[1:]
    found = re.search(rb"\r?\n\r?\n", octets[: maximum + 4])
    return None if found is None else (octets[: found.start()] + b"\r\n", octets[found.end() :])


def _content_header(message: Message) -> bytes:
    names = ("Content-Type", "Content-Transfer-Encoding", "Content-Disposition")
    lines = [f"{name}: {_line(message, name)}\r\n" for name in names if name in message]
    return "".join(lines).encode("utf-8", "replace")


def _line(message: Message, name: str) -> str:
    return _CONTROLE.sub(" ", str(message.get(name, "")))[:2000].strip()


def _identifier(message: Message, name: str) -> str:
    """An identifier of the sender, which goes back to it in our header; empty when it is none."""
    found = re.fullmatch(r"<?([!-;=?-~]{1,250})>?", _line(message, name))
    return found[1] if found else ""


def _clean(nom: str) -> str:
    """A name that is only a name: shown, answered, never joined to a path."""
    return _CONTROLE.sub("", nom.replace("\\", "/").rpartition("/")[2])[:255].strip()
