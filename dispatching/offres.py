"""What is offered from the stock: one step of a back-fill ([DST-100] to [DST-104]).

A step is one transaction: it takes the row of a back-fill, walks on through the demandes of the territories
of the guichet in the order of their numbers, judges those that it does not hold by its filters and rights of
the moment, and makes distributions of those that they take. Killed anywhere, it is as if it had not begun.

The walk reads without any lock. What it found is then written under the lock of the chain, which orders all
decisions: what changed meanwhile was decided with the same filters by its own event, and is left to it; so a
demande is offered once, in its newest state, and never after an event that told it better. When the filters
or the rights of the guichet (`portee`) are no longer those of the walk, it starts again; what it holds by
then is not offered again.

A sequence is given when a distribution is made, and few are made ahead: no event waits behind the stock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Engine, text

from dispatching.hors_evenement import Savoir, offer
from dispatching.parcours import Recherche, portee_of, search
from dispatching.perimetres import Perimetres, last_perimetre
from dispatching.rattrapages import COLONNES, EtatRattrapage, Rattrapage, rattrapage_of
from dispatching.recipients import Raison
from filters.store import VersionFiltre, filtres_in_force
from registry.clock import Clock
from registry.generations import Generation, read
from registry.guichets import Guichet
from registry.guichets_store import get_guichet
from registry.journal import Chaine

LOT_MAX: Final = 100
"""Offers of one step: what the lock of the chain is held for, a few milliseconds."""
PAS_PAR_MINUTE: Final = 12
"""Steps in which the offers of a minute are made, when there are enough of them."""
_REPIT: Final = timedelta(seconds=5)
"""When the guichet has enough waiting: how long before looking again."""


class Offreur:
    """Moves back-fills on, step by step. Not thread-safe; as many as one likes, in as many processes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._perimetres = Perimetres()
        self._recherche: Recherche | None = None

    def step(self, engine: Engine, guichet: str | None = None) -> Rattrapage | None:
        """Move on the back-fill that has waited longest, or that of this guichet; as it is after the step.

        None when none is due, or when another process moves it on.
        """
        with engine.begin() as conn:
            return self.step_in(conn, guichet)

    def step_in(self, conn: Connection, guichet: str | None = None) -> Rattrapage | None:
        """The same in the transaction of the caller."""
        instant = self._clock.now()
        row = conn.execute(_TAKE, {"instant": instant, "guichet": guichet}).first()
        if row is None:
            return None
        known = rattrapage_of(row)
        moved = self._move(conn, known, instant)
        if moved is not None:
            _keep(conn, moved)
        return moved or known

    def _move(self, conn: Connection, known: Rattrapage, instant: datetime) -> Rattrapage | None:
        """None when what the walk rested on has just changed: nothing of it is kept."""
        generation = read(conn, Generation.FILTRES)
        guichet = get_guichet(conn, known.guichet)
        assert guichet is not None, "un guichet ne s'efface pas"
        recherche = self._prepare(guichet, filtres_in_force(conn, instant, guichet.code))
        if known.portee != recherche.portee:
            known = replace(known, portee=recherche.portee, apres="", examinees=0)
        place = min(_room(conn, known), LOT_MAX, max(1, known.debit // PAS_PAR_MINUTE))
        if not place or not guichet.actif:
            return replace(known, prochain_le=instant + _REPIT)
        parcours = search(conn, recherche, known.apres, place, instant)
        offertes = 0
        if parcours.trouvees:
            Chaine.lock(conn)
            generation = read(conn, Generation.FILTRES)
            self._perimetres.refresh(conn, read(conn, Generation.IDENTITES), last_perimetre(conn))
            now = filtres_in_force(conn, instant, guichet.code, generation=generation)
            if portee_of(self._perimetres.guichets[guichet.code], now) != recherche.portee:
                return None
            offertes = offer(
                conn,
                guichet.code,
                parcours.trouvees,
                Savoir(instant, generation, self._perimetres.retenue, known.id),
                Raison.RATTRAPAGE,
            )
        return replace(
            known,
            apres=parcours.apres,
            examinees=known.examinees + parcours.examinees,
            offertes=known.offertes + offertes,
            prochain_le=instant + timedelta(minutes=offertes / known.debit),
            etat=EtatRattrapage.TERMINE if parcours.fini else EtatRattrapage.EN_COURS,
            termine_le=instant if parcours.fini else None,
        )

    def _prepare(self, guichet: Guichet, filtres: Sequence[VersionFiltre]) -> Recherche:
        """The index of the filters, kept from one step to the next."""
        if self._recherche is None or self._recherche.portee != portee_of(guichet, filtres):
            self._recherche = Recherche.of(guichet, filtres)
        return self._recherche


def _room(conn: Connection, rattrapage: Rattrapage) -> int:
    """How many distributions may be made before enough of them wait for the guichet, whatever made them."""
    values = {"guichet": rattrapage.guichet, "attente": rattrapage.attente}
    return rattrapage.attente - int(conn.execute(_WAITING, values).scalar_one())


def _keep(conn: Connection, rattrapage: Rattrapage) -> None:
    conn.execute(
        _KEEP,
        {
            "id": rattrapage.id,
            "etat": rattrapage.etat.value,
            "apres": rattrapage.apres,
            "portee": rattrapage.portee,
            "examinees": rattrapage.examinees,
            "offertes": rattrapage.offertes,
            "prochain_le": rattrapage.prochain_le,
            "termine_le": rattrapage.termine_le,
        },
    )


_TAKE: Final = text(f"""
    SELECT {COLONNES} FROM rattrapage
    WHERE etat = 'en_cours' AND prochain_le <= :instant
        AND (CAST(:guichet AS text) IS NULL OR guichet = :guichet)
    ORDER BY prochain_le, id LIMIT 1 FOR UPDATE SKIP LOCKED
""")  # noqa: S608 (constant column list)
_KEEP: Final = text("""
    UPDATE rattrapage SET etat = :etat, apres = :apres, portee = :portee, examinees = :examinees,
        offertes = :offertes, prochain_le = :prochain_le, termine_le = :termine_le
    WHERE id = :id
""")
_WAITING: Final = text("""
    SELECT count(*) FROM (
        SELECT FROM distribution WHERE guichet = :guichet AND etat = 'en_attente' LIMIT :attente) AS t
""")
