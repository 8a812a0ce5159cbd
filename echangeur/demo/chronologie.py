"""The whole life of a demande, read afterwards in the register: journal, versions, events, distributions."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, text

from dispatching.deliveries import list_distributions
from registry import pieces_store
from registry.histoire import rebuild
from registry.pieces import categories
from registry.recit import describe_change
from registry.situation import Situation
from schemas.types_evenements import types_nationaux

_ENTRIES: Final = text("""
    SELECT sequence, instant, nature, guichet, version, detail FROM journal
    WHERE numero = :numero ORDER BY sequence
""")


@dataclass(frozen=True, slots=True)
class Moment:
    """One entry of the journal. changements: French. distribuee_a: codes of the guichets."""

    instant: datetime
    nature: str
    auteur: str
    changements: tuple[str, ...]
    distribuee_a: frozenset[str]


def read_life(conn: Connection, numero: str) -> tuple[Moment, ...]:
    """The moments of a demande, in the order of the journal; none for a number that is not known."""
    distribuees: dict[int, set[str]] = defaultdict(set)
    for distribution in list_distributions(conn, numero=numero):
        distribuees[distribution.version].add(distribution.guichet)
    moments = []
    avant: Situation | None = None
    for entree in conn.execute(_ENTRIES, {"numero": numero}):
        if entree.version is None:
            changements = [_describe_entry(conn, numero, entree.nature, json.loads(entree.detail))]
        else:
            apres = rebuild(conn, numero, entree.instant)
            assert apres is not None, "le journal dit qu'elle existait"
            changements = list(describe_change(avant, apres))
            avant = apres
        guichets = frozenset(distribuees.get(entree.version, ()))
        moments.append(Moment(entree.instant, entree.nature, entree.guichet, tuple(changements), guichets))
    return tuple(moments)


def _describe_entry(conn: Connection, numero: str, nature: str, detail: dict[str, str]) -> str:
    """What an entry that makes no version says."""
    if nature == "EVT":
        return types_nationaux()[detail["type"]].libelle
    piece = pieces_store.find_piece(conn, numero, UUID(detail["piece"]))
    if piece is None:
        return f"{detail['action'].lower()} d'une pièce qui n'y est plus"
    return f"{piece.nom} : {categories()[piece.categorie].libelle}"
