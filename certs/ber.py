"""From the BER that foreign agents send to the definite lengths that parsers read well, within bounds.

NSS, gpgsm, Bouncy Castle and `openssl -stream` send indefinite lengths and strings in chunks (X.690
§8.1.3.6, §8.7.3). This walk gives definite lengths and whole strings, touches nothing else, and counts: 4 MB
of elements of two bytes cost a general parser 12 seconds. What was signed (certificates, signed attributes)
is in DER already and comes out byte for byte.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_SEQUENCE: Final = 0x30
_OID: Final = 0x06
_OCTETS: Final = 0x04
_OCTETS_CONSTRUITS: Final = 0x24
_CONTEXTE_0: Final = 0xA0
_CONTEXTE_0_PRIMITIF: Final = 0x80
_CONSTRUIT: Final = 0x20
_INDEFINIE: Final = 0x80


MAX_IDENTIFIANT: Final = 128
"""Octets of an object identifier. Threat: time; reading one is quadratic, 200 KB of it took 15 s. Real ones
have 5 to 30."""


@dataclass(frozen=True, slots=True)
class Limites:
    """What a message may hold.

    octets: of the whole. elements: a message with 16 certificates, 4 signers and 200 recipients has about
    8,000. profondeur: signed attributes of a certificate in a signed message sit at 14.
    """

    octets: int = 32 * 1024 * 1024
    elements: int = 50_000
    profondeur: int = 24


LIMITES: Final = Limites()


class BerIllisible(ValueError):
    """The bytes are no BER within the bounds. The message is for our log, never for the sender."""


@dataclass(frozen=True, slots=True)
class _Element:
    tag: int
    entete: int
    octets: bytes | memoryview
    change: bool

    @property
    def contenu(self) -> bytes | memoryview:
        return self.octets[self.entete :]


def normalise(data: bytes, limites: Limites = LIMITES) -> bytes:
    """`data`, one BER element, with definite lengths and whole octet strings. Raises BerIllisible."""
    if len(data) > limites.octets:
        raise BerIllisible(f"{len(data)} octets")
    lecture = _Lecture(data, limites)
    element, fin = lecture.element(0, len(data), 0)
    if fin != len(data):
        raise BerIllisible(f"{len(data) - fin} octets après la fin")
    return bytes(element.octets) if element.change else data


class _Lecture:
    """data: looked at through a view, so that a level does not copy the content of all those below it."""

    def __init__(self, data: bytes | memoryview, limites: Limites) -> None:
        self._data = memoryview(data)
        self._limites = limites
        self._reste = limites.elements

    def element(self, pos: int, fin: int, profondeur: int) -> tuple[_Element, int]:
        """The element that begins at `pos` and must end at `fin` at the latest, and where it ends."""
        self._reste -= 1
        if self._reste < 0:
            raise BerIllisible(f"plus de {self._limites.elements} éléments")
        if profondeur > self._limites.profondeur:
            raise BerIllisible(f"plus de {self._limites.profondeur} niveaux")
        data = self._data
        debut = pos
        if fin - pos < 2:
            raise BerIllisible("élément tronqué")
        tag = data[pos]
        pos += 1
        if tag & 0x1F == 0x1F:
            # High tag numbers: none in CMS, some in unknown extensions; carried as they are.
            while data[pos] & 0x80:
                pos += 1
                if pos >= fin or pos - debut > 4:
                    raise BerIllisible("étiquette trop longue")
            pos += 1
            if pos >= fin:
                raise BerIllisible("élément tronqué")
        etiquette = bytes(data[debut:pos])
        longueur = data[pos]
        pos += 1
        if longueur == _INDEFINIE:
            if not tag & _CONSTRUIT:
                raise BerIllisible("longueur indéfinie d'un élément primitif")
            return self._construit(tag, etiquette, debut, pos, None, fin, profondeur)
        if longueur & 0x80:
            taille = longueur & 0x7F
            if taille > 4 or fin - pos < taille:
                raise BerIllisible("longueur illisible")
            longueur = int.from_bytes(data[pos : pos + taille])
            pos += taille
        if longueur > fin - pos:
            raise BerIllisible("élément plus long que son contenant")
        if tag == _OID and longueur > MAX_IDENTIFIANT:
            raise BerIllisible(f"identifiant de {longueur} octets")
        if not tag & _CONSTRUIT:
            return _Element(tag, pos - debut, data[debut : pos + longueur], change=False), pos + longueur
        return self._construit(tag, etiquette, debut, pos, pos + longueur, fin, profondeur)

    def _construit(
        self, tag: int, etiquette: bytes, debut: int, pos: int, terme: int | None, fin: int, profondeur: int
    ) -> tuple[_Element, int]:
        """A constructed element whose content begins at `pos`; terme: where it ends, None when indefinite."""
        entete = pos - debut
        enfants: list[_Element] = []
        while True:
            if terme is not None:
                if pos == terme:
                    break
            elif bytes(self._data[pos : pos + 2]) == b"\0\0" and pos + 2 <= fin:
                pos += 2
                break
            enfant, pos = self.element(pos, fin if terme is None else terme, profondeur + 1)
            enfants.append(enfant)
        if tag == _OCTETS_CONSTRUITS:
            return _whole(bytes([_OCTETS]), enfants), pos
        if tag == _SEQUENCE and _holds_encrypted_chunks(enfants):
            enfants[2] = _whole(bytes([_CONTEXTE_0_PRIMITIF]), _children(enfants[2]))
        if terme is not None and not any(enfant.change for enfant in enfants):
            return _Element(tag, entete, self._data[debut:pos], change=False), pos
        return _encode(etiquette, b"".join(enfant.octets for enfant in enfants)), pos


def _holds_encrypted_chunks(enfants: list[_Element]) -> bool:
    """EncryptedContentInfo (RFC 5652 §6.1): its [0] is an implicit string, so if constructed, chunks."""
    return (
        len(enfants) == 3
        and (enfants[0].tag, enfants[1].tag, enfants[2].tag) == (_OID, _SEQUENCE, _CONTEXTE_0)
        and all(chunk.tag == _OCTETS for chunk in _children(enfants[2]))
    )


def _children(element: _Element) -> list[_Element]:
    """The children of an element that was walked already: no bound to check again."""
    lecture = _Lecture(element.octets, LIMITES)
    pos, enfants = element.entete, []
    while pos < len(element.octets):
        enfant, pos = lecture.element(pos, len(element.octets), 0)
        enfants.append(enfant)
    return enfants


def _whole(etiquette: bytes, morceaux: list[_Element]) -> _Element:
    if any(morceau.tag != _OCTETS for morceau in morceaux):
        raise BerIllisible("chaîne d'octets faite d'autre chose")
    return _encode(etiquette, b"".join(morceau.contenu for morceau in morceaux))


def _encode(etiquette: bytes, contenu: bytes) -> _Element:
    taille = len(contenu)
    if taille < 0x80:
        entete = etiquette + bytes([taille])
    else:
        octets = taille.to_bytes((taille.bit_length() + 7) // 8)
        entete = etiquette + bytes([0x80 | len(octets)]) + octets
    return _Element(etiquette[0], len(entete), entete + contenu, change=True)
