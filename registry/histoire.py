"""A demande as it was at any past date, rebuilt from the journal and the versions ([VIE-6]).

Nothing is read of the table of current situations: the journal says what happened, by whom and when, each
version says what the demande was. What comes out for today is what that table holds, which tests prove.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, text

from registry.controles import territoire_of
from registry.documents_gardes import read_kept
from registry.echanges import Canal
from registry.lifecycle import Etat, Fait, transition
from registry.situation import Situation

_FACTS: Final = text("""
    SELECT j.sequence, j.instant, j.nature, j.numero, j.version, j.guichet, j.detail, j.canal, j.echange,
        v.document,
        d.instant AS depot_le, d.guichet AS portail
    FROM demande_version v JOIN journal j ON j.sequence = v.sequence_journal
        -- The deposit that the first version validated.
        LEFT JOIN journal d ON d.sequence = (NULLIF(j.detail, '')::json ->> 'depot')::bigint
    WHERE v.numero = :numero AND j.numero = v.numero AND j.version = v.version
    ORDER BY v.version
""")


@dataclass(frozen=True, slots=True)
class Etape:
    """One event of the life of a demande, as the journal tells it, and what it made of the demande.

    sequence: its position in the journal. nature: code of ListeTypeFichier. guichet: its author.
    echange: None when no message made it.
    """

    sequence: int
    instant: datetime
    nature: str
    deradiation: bool
    guichet: str
    canal: Canal
    echange: uuid.UUID | None
    situation: Situation


def list_etapes(conn: Connection, numero: str) -> tuple[Etape, ...]:
    """The life of a demande, from its registration on; nothing once its documents are erased."""
    rows = conn.execute(_FACTS, {"numero": numero})
    return tuple(
        Etape(
            ligne.sequence,
            ligne.instant,
            ligne.nature,
            bool(_detail(ligne).get("deradiation")),
            ligne.guichet,
            Canal(ligne.canal),
            ligne.echange,
            situation,
        )
        for ligne, situation in _walk(rows)
    )


def rebuild(conn: Connection, numero: str, a: datetime | None = None) -> Situation | None:
    """The demande of that number as it was at the instant `a` (aware), or as it is; None before it was
    registered, or when its documents are erased."""
    situation: Situation | None = None
    for _, apres in _walk(_until(conn.execute(_FACTS, {"numero": numero}), a)):
        situation = apres
    return situation


def _walk(lignes: Iterable[Row[Any]]) -> Iterator[tuple[Row[Any], Situation]]:
    situation: Situation | None = None
    for ligne in lignes:
        situation = _first(ligne) if situation is None else _next(situation, ligne)
        yield ligne, situation


def _until(lignes: Iterable[Row[Any]], a: datetime | None) -> Iterable[Row[Any]]:
    for ligne in lignes:
        # What followed was decided after it, whatever the clocks of two processes say.
        if a is not None and ligne.instant > a:
            return
        yield ligne


def _first(ligne: Row[Any]) -> Situation:
    demande = read_kept(ligne.document)
    deposee = ligne.depot_le is not None
    etat = transition(Etat.ATTENTE, Fait.VALIDATION) if deposee else transition(None, Fait(ligne.nature))
    assert etat is not None, "la première version d'une demande la crée"
    return Situation(
        numero=ligne.numero,
        territoire=territoire_of(demande) or "",
        guichet=ligne.portail if deposee else ligne.guichet,
        date_depot=demande.date_creation,
        recue_le=ligne.depot_le if deposee else ligne.instant,
        etat=etat,
        version=ligne.version,
        communes=demande.communes_souhaitees,
        types=demande.types_logement,
        auteur=ligne.guichet,
        instant=ligne.instant,
        document=ligne.document,
        date_renouvellement=demande.date_renouvellement,
        numero_origine=demande.num_unique_associe if ligne.nature == Fait.CREATION_SEPARATION else None,
        derniers={ligne.guichet: ligne.instant},
    )


def _next(avant: Situation, ligne: Row[Any]) -> Situation:
    demande = read_kept(ligne.document)
    detail = _detail(ligne)
    etat, fait = avant.etat, _fact(ligne.nature, detail)
    if fait is not None:
        suite = transition(etat, fait)
        assert suite is not None, f"{fait} ne peut pas suivre l'état {etat}"
        etat = suite
    dernier = avant.derniers.get(ligne.guichet)
    instant = ligne.instant if dernier is None else max(dernier, ligne.instant)
    apres = replace(
        avant,
        etat=etat,
        version=ligne.version,
        communes=demande.communes_souhaitees,
        types=demande.types_logement,
        auteur=ligne.guichet,
        instant=ligne.instant,
        document=ligne.document,
        date_renouvellement=demande.date_renouvellement,
        derniers={**avant.derniers, ligne.guichet: instant},
    )
    match fait:
        case Fait.RENOUVELLEMENT:
            return replace(apres, sursis=None)
        case Fait.RADIATION:
            radiation = demande.radiation
            assert radiation is not None
            return replace(
                apres,
                date_radiation=radiation.date_radiation,
                motif_radiation=radiation.motif,
                sursis=None,
            )
        case Fait.DERADIATION:
            sursis = detail.get("sursis")
            return replace(
                apres,
                date_radiation=None,
                motif_radiation=None,
                sursis=date.fromisoformat(sursis) if sursis else None,
            )
        case _:
            return apres


def _detail(ligne: Row[Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ligne.detail) if ligne.detail else {}
    return found


def _fact(nature: str, detail: dict[str, Any]) -> Fait | None:
    """The fact of the life cycle that an entry tells; None for what leaves the state as it is."""
    if detail.get("deradiation"):
        return Fait.DERADIATION
    return Fait(nature) if nature in set(Fait) else None
