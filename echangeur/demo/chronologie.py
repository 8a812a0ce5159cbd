"""The whole life of a demande, read afterwards in the register: journal, versions, events, distributions."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, text

from dispatching.deliveries import list_distributions
from registry import pieces_store
from registry.controles import format_jour
from registry.cycle import LIBELLES
from registry.histoire import rebuild
from registry.pieces import categories
from registry.situation import Situation
from schemas import cog
from schemas.codes import label
from schemas.demande import Demande, read_demande
from schemas.parser import parse
from schemas.types_evenements import types_nationaux
from schemas.violations import Violation

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


def describe_change(avant: Situation | None, apres: Situation) -> Iterator[str]:
    """What a version changed of what matters most. Pure. avant: None for the first version."""
    demande = _read(apres.document)
    connue = None if avant is None else _read(avant.document)
    if avant is None or connue is None:
        yield f"déposée le {format_jour(apres.date_depot)}, {' ou '.join(apres.types)}"
        yield f"communes : {_places(apres.communes)}"
        return
    ajoutees = [commune for commune in apres.communes if commune not in avant.communes]
    if ajoutees:
        yield f"commune ajoutée : {_places(ajoutees)}"
    if demande.dalo is not None and demande.dalo != connue.dalo:
        decision = (
            f", décision du {format_jour(demande.dalo.date_decision)}" if demande.dalo.date_decision else ""
        )
        yield f"DALO : {label('ListeStatutDalo', demande.dalo.statut or '') or 'sans statut'}{decision}"
    if apres.date_renouvellement != avant.date_renouvellement and apres.date_renouvellement is not None:
        yield f"renouvelée le {format_jour(apres.date_renouvellement)}"
    if apres.etat is not avant.etat:
        motif = label("ListeMotifsRadiation", apres.motif_radiation or "")
        yield f"{LIBELLES[avant.etat]} → {LIBELLES[apres.etat]}{f' : {motif}' if motif else ''}"
        yield from _describe_dwelling(demande)


def _describe_dwelling(demande: Demande) -> Iterator[str]:
    attribution = demande.radiation.attribution if demande.radiation else None
    if attribution is not None:
        yield (
            f"logement RPLS {attribution.numero_rpls} : {attribution.type_logement}, "
            f"{attribution.surface} m², {attribution.montant_loyer} €"
        )


def _places(codes: Iterable[str]) -> str:
    found = [(code, cog.commune(code)) for code in codes]
    return ", ".join(code if commune is None else f"{commune.nom} ({code})" for code, commune in found)


def _describe_entry(conn: Connection, numero: str, nature: str, detail: dict[str, str]) -> str:
    """What an entry that makes no version says."""
    if nature == "EVT":
        return types_nationaux()[detail["type"]].libelle
    piece = pieces_store.find_piece(conn, numero, UUID(detail["piece"]))
    if piece is None:
        return f"{detail['action'].lower()} d'une pièce qui n'y est plus"
    return f"{piece.nom} : {categories()[piece.categorie].libelle}"


def _read(document: bytes) -> Demande:
    root = parse(document)
    assert not isinstance(root, Violation), "un document émis par l'échangeur se relit"
    return read_demande(root)
