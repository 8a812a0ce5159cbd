"""The back-fills: asked for, followed, paused, cancelled ([DST-100] to [DST-104]).

A back-fill offers to a guichet the stock that its filters take, that it may read and that it does not hold.
It is a walk through the demandes of its territories, moved on step by step by whoever is there
(dispatching.offres), a server or a command; its row says all that there is to know, so that it goes on from
there after any death.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, Row, text

from filters.store import filtres_in_force
from registry.constats import Constat
from registry.guichets import CanalDistribution, Guichet
from registry.guichets_store import get_guichet


class EtatRattrapage(StrEnum):
    """State of a back-fill. Stored; never renamed."""

    EN_COURS = "en_cours"
    SUSPENDU = "suspendu"
    """Paused: it goes on from where it was when it is resumed."""
    TERMINE = "termine"
    ANNULE = "annule"
    """What was offered stays offered."""


@dataclass(frozen=True, slots=True)
class Rythme:
    """How fast stock is offered.

    debit: offers a minute to one guichet. attente: how many distributions of the guichet may wait when some
    are made, so that what happens meanwhile is soon its turn. attente_retrait: the same for a guichet that
    comes for them, seldom and for many.
    """

    debit: int = 600
    attente: int = 200
    attente_retrait: int = 10_000


@dataclass(frozen=True, slots=True)
class Rattrapage:
    """One back-fill. apres, portee: see `dispatching.offres`.

    total: demandes of the territories of the guichet when it was asked for; examinees, offertes: so far. A
    change of filters or rights on the way starts the walk again: `examinees` then starts from 0.
    """

    id: int
    guichet: str
    etat: EtatRattrapage
    demande_le: datetime
    debit: int
    attente: int
    apres: str
    portee: str
    total: int
    examinees: int
    offertes: int
    prochain_le: datetime
    termine_le: datetime | None


COLONNES: Final = """
    id, guichet, etat, demande_le, debit, attente, apres, portee, total, examinees, offertes, prochain_le,
    termine_le
"""
# The territories of a demande are those of its number.
_ASK: Final = text(f"""
    INSERT INTO rattrapage (guichet, demande_le, debit, attente, total, prochain_le)
    SELECT :guichet, :instant, :debit, :attente,
        (SELECT count(*) FROM demande WHERE territoire = ANY(CAST(:territoires AS text[]))), :instant
    ON CONFLICT (guichet) WHERE etat IN ('en_cours', 'suspendu') DO NOTHING
    RETURNING {COLONNES}
""")  # noqa: S608 (constant column list)
_LIST: Final = text(f"""
    SELECT {COLONNES} FROM rattrapage
    WHERE CAST(:guichet AS text) IS NULL OR guichet = :guichet ORDER BY id DESC LIMIT :limite
""")  # noqa: S608
_MOVE: Final = text(f"""
    UPDATE rattrapage SET etat = :vers, prochain_le = :instant,
        termine_le = CASE WHEN :vers = 'annule' THEN CAST(:instant AS timestamptz) END
    WHERE guichet = :guichet AND etat = ANY(CAST(:depuis AS text[])) RETURNING {COLONNES}
""")  # noqa: S608


def check_rattrapage(conn: Connection, code: str, *, instant: datetime) -> Guichet | Constat:
    """The guichet, when something may be offered to it."""
    guichet = get_guichet(conn, code)
    if guichet is None:
        return Constat("GUICHET-INCONNU", "guichet", f"aucun guichet n'a le code {code}")
    if not guichet.actif:
        return Constat("GUICHET-FERME", "guichet", f"le guichet {code} est fermé : il ne reçoit rien")
    if not filtres_in_force(conn, instant, code):
        return Constat(
            "FILTRE-ABSENT",
            "guichet",
            f"le guichet {code} n'a aucun filtre en vigueur : rien ne peut lui être offert",
        )
    return guichet


def ask_rattrapage(conn: Connection, code: str, *, instant: datetime, rythme: Rythme) -> Rattrapage | Constat:
    """Start a back-fill of a guichet, from the next step of whoever moves them on."""
    guichet = check_rattrapage(conn, code, instant=instant)
    if isinstance(guichet, Constat):
        return guichet
    retrait = guichet.canal is CanalDistribution.RETRAIT
    row = conn.execute(
        _ASK,
        {
            "guichet": code,
            "instant": instant,
            "debit": rythme.debit,
            "attente": rythme.attente_retrait if retrait else rythme.attente,
            "territoires": sorted(guichet.territoires),
        },
    ).first()
    if row is None:
        return Constat("RATTRAPAGE-OUVERT", "guichet", f"un rattrapage du guichet {code} est déjà en cours")
    return rattrapage_of(row)


def list_rattrapages(
    conn: Connection, guichet: str | None = None, *, limite: int = 100
) -> tuple[Rattrapage, ...]:
    """The latest first."""
    rows = conn.execute(_LIST, {"guichet": guichet, "limite": limite})
    return tuple(map(rattrapage_of, rows))


def pause_rattrapage(conn: Connection, guichet: str, *, instant: datetime) -> Rattrapage | None:
    """Pause the one in progress; None when there is none."""
    return _move(conn, guichet, (EtatRattrapage.EN_COURS,), EtatRattrapage.SUSPENDU, instant)


def resume_rattrapage(conn: Connection, guichet: str, *, instant: datetime) -> Rattrapage | None:
    """Resume the one paused; None when there is none."""
    return _move(conn, guichet, (EtatRattrapage.SUSPENDU,), EtatRattrapage.EN_COURS, instant)


def cancel_rattrapage(conn: Connection, guichet: str, *, instant: datetime) -> Rattrapage | None:
    """Cancel the one in progress or paused; None when there is none. What was offered stays so."""
    ouverts = (EtatRattrapage.EN_COURS, EtatRattrapage.SUSPENDU)
    return _move(conn, guichet, ouverts, EtatRattrapage.ANNULE, instant)


def _move(
    conn: Connection,
    guichet: str,
    depuis: tuple[EtatRattrapage, ...],
    vers: EtatRattrapage,
    instant: datetime,
) -> Rattrapage | None:
    values = {"guichet": guichet, "depuis": list(depuis), "vers": vers.value, "instant": instant}
    row = conn.execute(_MOVE, values).first()
    return None if row is None else rattrapage_of(row)


def rattrapage_of(row: Row[Any]) -> Rattrapage:
    """From the columns COLONNES."""
    return Rattrapage(
        id=row.id,
        guichet=row.guichet,
        etat=EtatRattrapage(row.etat),
        demande_le=row.demande_le,
        debit=row.debit,
        attente=row.attente,
        apres=row.apres,
        portee=row.portee,
        total=row.total,
        examinees=row.examinees,
        offertes=row.offertes,
        prochain_le=row.prochain_le,
        termine_le=row.termine_le,
    )
