"""Mutations of BER that know its structure: after one of them, every length around it is true again.

Flipping bytes alone hardly gets past the first length; these reach the fields behind it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Final

_CONSTRUIT: Final = 0x20
_OCTETS: Final = 0x04
_PROFOND: Final = 40
"""Levels beyond which bytes are left as they are: the tree is for mutating, not for judging."""

_ETIQUETTES: Final = (
    0x00,
    0x01,
    0x02,
    0x03,
    0x04,
    0x05,
    0x06,
    0x0C,
    0x13,
    0x17,
    0x18,
    0x1F,
    0x24,
    0x30,
    0x31,
)
_ETIQUETTES_CONTEXTE: Final = (0x80, 0x81, 0x82, 0xA0, 0xA1, 0xA2, 0xA3, 0xBF)
_ENTIERS: Final = (b"", b"\0", b"\x7f", b"\x80", b"\xff" * 8, b"\x7f" + b"\xff" * 300, b"\0" * 40)


@dataclass
class Noeud:
    """An element. enfants: None when it is primitive. forme: how its length is written, "" for DER."""

    etiquette: bytes
    contenu: bytes = b""
    enfants: list[Noeud] | None = None
    forme: str = ""

    def dump(self) -> bytes:
        inside = self.contenu if self.enfants is None else b"".join(each.dump() for each in self.enfants)
        match self.forme:
            case "indefinie":
                return self.etiquette + b"\x80" + inside + b"\0\0"
            case "longue":
                return self.etiquette + b"\x84" + len(inside).to_bytes(4) + inside
            case "fausse":
                return self.etiquette + _length(len(inside) + 1) + inside
            case "enorme":
                return self.etiquette + b"\x84\xff\xff\xff\xff" + inside
            case "courte":
                return self.etiquette + _length(max(0, len(inside) - 1)) + inside
        return self.etiquette + _length(len(inside)) + inside

    def walk(self) -> Iterator[Noeud]:
        yield self
        for each in self.enfants or ():
            yield from each.walk()


@dataclass
class Arbre:
    """The elements of some bytes, and all of them in one list."""

    racines: list[Noeud]
    tous: list[Noeud] = field(default_factory=list)

    def dump(self) -> bytes:
        return b"".join(each.dump() for each in self.racines)


def parse(data: bytes) -> Arbre | None:
    """The tree of `data`; None when it is no series of elements."""
    try:
        racines, _ = _series(data, 0, len(data), 0)
    except _Autre:
        return None
    return Arbre(racines, [each for racine in racines for each in racine.walk()])


def mutate(data: bytes, rng: Random, donneurs: list[Noeud]) -> bytes:
    """One mutation of a well-formed message; `donneurs` are elements of others, grafted at times."""
    arbre = parse(data)
    if arbre is None or not arbre.tous:
        return data
    noeud = rng.choice(arbre.tous)
    _MUTATIONS[rng.randrange(len(_MUTATIONS))](noeud, rng, donneurs)
    return arbre.dump()


def to_ber(data: bytes, rng: Random) -> bytes:
    """The same message with indefinite lengths and octet strings in chunks, as streams are written."""
    arbre = parse(data)
    assert arbre is not None
    for noeud in arbre.tous:
        if noeud.enfants is not None and noeud.etiquette[0] in (0x30, 0xA0) and rng.random() < 0.5:
            noeud.forme = "indefinie"
        elif noeud.etiquette == b"\x04" and len(noeud.contenu) > 200:
            _chunk(noeud, rng, [])
    return arbre.dump()


class _Autre(Exception):
    pass


def _series(
    data: bytes, pos: int, fin: int, profondeur: int, *, ouverte: bool = False
) -> tuple[list[Noeud], int]:
    """The elements from `pos` to `fin`, or to the end mark of an indefinite length when `ouverte`."""
    found = []
    while pos < fin:
        if ouverte and data[pos : pos + 2] == b"\0\0":
            return found, pos + 2
        debut = pos
        if data[pos] & 0x1F == 0x1F:
            pos += 1
            while pos < fin and data[pos] & 0x80:
                pos += 1
        pos += 1
        if pos >= fin:
            raise _Autre
        noeud = Noeud(data[debut:pos])
        longueur = data[pos]
        pos += 1
        if longueur == 0x80:
            if profondeur >= _PROFOND:
                raise _Autre
            noeud.forme = "indefinie"
            noeud.enfants, pos = _series(data, pos, fin, profondeur + 1, ouverte=True)
            found.append(noeud)
            continue
        if longueur & 0x80:
            taille = longueur & 0x7F
            longueur = int.from_bytes(data[pos : pos + taille])
            pos += taille
            if taille > 4:
                raise _Autre
        if longueur > fin - pos:
            raise _Autre
        noeud.contenu = data[pos : pos + longueur]
        pos += longueur
        if profondeur < _PROFOND and (noeud.etiquette[0] & _CONSTRUIT or _looks_nested(noeud)):
            with suppress(_Autre):
                noeud.enfants, _ = _series(noeud.contenu, 0, longueur, profondeur + 1)
        found.append(noeud)
    if ouverte:
        raise _Autre
    return found, pos


def _looks_nested(noeud: Noeud) -> bool:
    # Extensions of certificates and signed messages sit in octet strings.
    return noeud.etiquette == b"\x04" and noeud.contenu[:1] == b"\x30"


def _length(size: int) -> bytes:
    if size < 0x80:
        return bytes([size])
    octets = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([0x80 | len(octets)]) + octets


def _retag(noeud: Noeud, rng: Random, donneurs: list[Noeud]) -> None:
    noeud.etiquette = bytes([rng.choice((*_ETIQUETTES, *_ETIQUETTES_CONTEXTE))])


def _relength(noeud: Noeud, rng: Random, donneurs: list[Noeud]) -> None:
    noeud.forme = rng.choice(("indefinie", "longue", "fausse", "enorme", "courte"))


def _empty(noeud: Noeud, rng: Random, donneurs: list[Noeud]) -> None:
    noeud.contenu, noeud.enfants = b"", None


def _drop(noeud: Noeud, rng: Random, donneurs: list[Noeud]) -> None:
    if noeud.enfants:
        del noeud.enfants[rng.randrange(len(noeud.enfants))]
    else:
        noeud.contenu = noeud.contenu[: rng.randrange(len(noeud.contenu) + 1)]


def _duplicate(noeud: Noeud, rng: Random, donneurs: list[Noeud]) -> None:
    if noeud.enfants:
        chosen = rng.choice(noeud.enfants)
        noeud.enfants.insert(rng.randrange(len(noeud.enfants) + 1), chosen)
        if rng.random() < 0.1:
            noeud.enfants.extend([chosen] * rng.choice((5, 20, 300)))


def _swap(noeud: Noeud, rng: Random, donneurs: list[Noeud]) -> None:
    if noeud.enfants:
        rng.shuffle(noeud.enfants)


def _graft(noeud: Noeud, rng: Random, donneurs: list[Noeud]) -> None:
    if donneurs:
        other = rng.choice(donneurs)
        noeud.etiquette, noeud.contenu, noeud.enfants = other.etiquette, other.contenu, other.enfants


def _append_graft(noeud: Noeud, rng: Random, donneurs: list[Noeud]) -> None:
    if donneurs and noeud.enfants is not None:
        noeud.enfants.insert(rng.randrange(len(noeud.enfants) + 1), rng.choice(donneurs))


def _nest(noeud: Noeud, rng: Random, donneurs: list[Noeud]) -> None:
    inner = Noeud(noeud.etiquette, noeud.contenu, noeud.enfants)
    for _ in range(rng.choice((1, 1, 2, 20, 60))):
        inner = Noeud(b"\x30", enfants=[inner])
    noeud.etiquette, noeud.contenu, noeud.enfants = inner.etiquette, inner.contenu, inner.enfants


def _chunk(noeud: Noeud, rng: Random, donneurs: list[Noeud]) -> None:
    inside = noeud.contenu if noeud.enfants is None else b"".join(each.dump() for each in noeud.enfants)
    size = rng.choice((1, 7, 100, 1000)) if len(inside) < 2000 else 1000
    chunks = [Noeud(b"\x04", inside[pos : pos + size]) for pos in range(0, len(inside), size)]
    noeud.etiquette = bytes([noeud.etiquette[0] | _CONSTRUIT])
    noeud.contenu, noeud.enfants = b"", chunks


def _integer(noeud: Noeud, rng: Random, donneurs: list[Noeud]) -> None:
    noeud.enfants, noeud.contenu = None, rng.choice(_ENTIERS)


def _flip(noeud: Noeud, rng: Random, donneurs: list[Noeud]) -> None:
    if noeud.enfants is None and noeud.contenu:
        octets = bytearray(noeud.contenu)
        octets[rng.randrange(len(octets))] ^= 1 << rng.randrange(8)
        noeud.contenu = bytes(octets)


_MUTATIONS: Final = (
    *(_retag, _relength, _empty, _drop, _duplicate, _swap, _graft, _append_graft, _nest, _chunk, _integer),
    # Most often the least: what a check must see is one bit.
    *(_flip, _flip, _flip, _flip),
)
