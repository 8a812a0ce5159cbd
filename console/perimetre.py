"""Of whose data a page may speak to an agent: questions put to the guichets and to the demandes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Connection, select, text, true

from console.agent import Agent
from console.profils import Portee
from registry.droits import may_read
from registry.guichets import Guichet
from registry.tables import DEMANDE, GUICHET

_DETENTEUR: Final = text(
    "SELECT EXISTS (SELECT FROM detention WHERE numero = :numero AND guichet = :guichet)"
)


@dataclass(frozen=True, slots=True)
class Perimetre:
    """What `agent` sees on a page whose right gives him `portee`."""

    agent: Agent
    portee: Portee

    @property
    def tout(self) -> bool:
        return self.portee is Portee.TOUT

    def guichets(self, conn: Connection) -> tuple[str, ...]:
        """The codes of the guichets whose data he sees, closed ones included; of all of them for TOUT."""
        query = select(GUICHET.c.code).where(self.of_guichets()).order_by(GUICHET.c.code)
        return tuple(conn.scalars(query))

    def codes(self, conn: Connection) -> tuple[str, ...] | None:
        """The same; None for all of them, whom no query needs to name."""
        return None if self.tout else self.guichets(conn)

    def of_guichets(self) -> ColumnElement[bool]:
        """The condition on rows of GUICHET."""
        match self.portee:
            case Portee.TOUT:
                return true()
            case Portee.TERRITOIRE:
                return GUICHET.c.territoires.bool_op("&&")(sorted(self.agent.territoires))
            case _:
                return GUICHET.c.code == self.agent.code_guichet

    def of_codes(self, column: ColumnElement[str]) -> ColumnElement[bool]:
        """The condition on a column that holds a code of guichet."""
        match self.portee:
            case Portee.TOUT:
                return true()
            case Portee.TERRITOIRE:
                return column.in_(select(GUICHET.c.code).where(self.of_guichets()))
            case _:
                return column == self.agent.code_guichet

    def covers_guichet(self, code: str, territoires: Collection[str]) -> bool:
        """Does he see the data of the guichet of that code and those territories?"""
        match self.portee:
            case Portee.TOUT:
                return True
            case Portee.TERRITOIRE:
                return not self.agent.territoires.isdisjoint(territoires)
            case _:
                return code == self.agent.code_guichet

    def covers_demande(self, conn: Connection, numero: str) -> bool:
        """Does he see that demande? False alike for one that does not exist ([ENR-32])."""
        query = select(DEMANDE.c.territoire, DEMANDE.c.communes).where(DEMANDE.c.numero == numero)
        row = conn.execute(query).first()
        if row is None:
            return False
        match self.portee:
            case Portee.TOUT:
                return True
            case Portee.TERRITOIRE:
                return row.territoire in self.agent.territoires
            case _:
                return self._reads(conn, self.agent.guichet, numero, row.territoire, row.communes)

    def _reads(
        self,
        conn: Connection,
        guichet: Guichet | None,
        numero: str,
        territoire: str,
        communes: Collection[str],
    ) -> bool:
        if guichet is None:
            return False
        holder = conn.scalar(_DETENTEUR, {"numero": numero, "guichet": guichet.code})
        return may_read(guichet, territoire, communes, detenteur=bool(holder)).accorde
