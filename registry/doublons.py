"""The search of doublons: active demandes of the same territory about the same persons (regles §3).

Who a demande is about, as keys: registry.identites. What of a doublon a guichet may see: its rights, and
no more; that there are others out of its reach is told as a count.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ARRAY, Connection, Text, any_, bindparam, select

from registry.droits import may_read
from registry.guichets import Guichet
from registry.tables import DEMANDE, DEMANDE_VERSION, DETENTION, IDENTITE

LISTE_MAX: Final = 20
"""Doublons shown in one answer: beyond, the keys are those of a test or of an error, and each one costs the
reading of a document under the lock of the chain."""


@dataclass(frozen=True, slots=True)
class Doublon:
    """A demande that looks like another one. document: its current version, as emitted."""

    numero: str
    document: bytes


@dataclass(frozen=True, slots=True)
class Doublons:
    """What a guichet may know of the doublons found.

    lisibles: those that it may read, at most `LISTE_MAX`. caches: how many it may not read.
    """

    lisibles: tuple[Doublon, ...]
    caches: int


_FIND: Final = select(IDENTITE.c.territoire, IDENTITE.c.cle, IDENTITE.c.numero).where(
    IDENTITE.c.active,
    IDENTITE.c.territoire == any_(bindparam("territoires", type_=ARRAY(Text))),
    IDENTITE.c.cle == any_(bindparam("cles", type_=ARRAY(Text))),
)


def find(conn: Connection, cherches: Collection[tuple[str, str]]) -> dict[tuple[str, str], tuple[str, ...]]:
    """Numbers of the active demandes for each (territory, identity key), in the order of their numbers
    ([ENR-20]).

    One statement for all: it crosses territories and keys, and what was not asked for is left out here (the
    same person in two territories is no doublon: one demande per territory, regles §3).
    """
    if not cherches:
        return {}
    voulus = set(cherches)
    trouves: dict[tuple[str, str], list[str]] = {}
    for territoire, cle, numero in conn.execute(
        _FIND,
        {
            "territoires": sorted({territoire for territoire, _ in voulus}),
            "cles": sorted({cle for _, cle in voulus}),
        },
    ):
        if (territoire, cle) in voulus:
            numeros = trouves.setdefault((territoire, cle), [])
            if numero not in numeros:
                numeros.append(numero)
    return {cle: tuple(sorted(numeros)) for cle, numeros in trouves.items()}


_DETENUS: Final = select(DETENTION.c.numero, DETENTION.c.guichet).where(
    DETENTION.c.numero == any_(bindparam("numeros", type_=ARRAY(Text))),
    DETENTION.c.guichet == any_(bindparam("guichets", type_=ARRAY(Text))),
)

_LIEUX: Final = select(DEMANDE.c.numero, DEMANDE.c.territoire, DEMANDE.c.communes).where(
    DEMANDE.c.numero == any_(bindparam("numeros", type_=ARRAY(Text)))
)

_DOCUMENTS: Final = (
    select(DEMANDE.c.numero, DEMANDE_VERSION.c.document)
    .join_from(
        DEMANDE,
        DEMANDE_VERSION,
        (DEMANDE_VERSION.c.numero == DEMANDE.c.numero) & (DEMANDE_VERSION.c.version == DEMANDE.c.version),
    )
    .where(DEMANDE.c.numero == any_(bindparam("numeros", type_=ARRAY(Text))))
)


def find_holders(
    conn: Connection, numeros: Collection[str], guichets: Collection[str]
) -> frozenset[tuple[str, str]]:
    """The pairs (number, guichet) among those asked where the guichet holds the demande."""
    if not numeros:
        return frozenset()
    lignes = conn.execute(_DETENUS, {"numeros": sorted(set(numeros)), "guichets": sorted(set(guichets))})
    return frozenset((numero, guichet) for numero, guichet in lignes)


def read_for(conn: Connection, cherches: Sequence[tuple[Guichet, Sequence[str]]]) -> list[Doublons]:
    """For each guichet and the numbers found for it, what it may see of them ([ENR-21])."""
    numeros = sorted({numero for _, trouves in cherches for numero in trouves})
    if not numeros:
        return [Doublons((), 0) for _ in cherches]
    detenus = find_holders(conn, numeros, [guichet.code for guichet, _ in cherches])
    lieux = {
        numero: (territoire, communes)
        for numero, territoire, communes in conn.execute(_LIEUX, {"numeros": numeros})
    }
    lisibles: list[list[str]] = []
    caches: list[int] = []
    for guichet, trouves in cherches:
        permis = [
            numero
            for numero in trouves
            if numero in lieux
            and may_read(guichet, *lieux[numero], detenteur=(numero, guichet.code) in detenus).accorde
        ]
        lisibles.append(permis[:LISTE_MAX])
        caches.append(len(trouves) - len(permis))
    montres = sorted({numero for permis in lisibles for numero in permis})
    documents = (
        {ligne.numero: ligne.document for ligne in conn.execute(_DOCUMENTS, {"numeros": montres})}
        if montres
        else {}
    )
    return [
        Doublons(tuple(Doublon(numero, documents[numero]) for numero in permis), nombre)
        for permis, nombre in zip(lisibles, caches, strict=True)
    ]
