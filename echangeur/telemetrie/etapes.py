"""The steps of an exchange, each told when it has ended: registration, decision, attempts to deliver."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from dispatching.transport import Accuse, Echec, Envoi, GenreEchec, Remis, Transport
from echangeur.metriques.compteurs import name_of, verdict_of
from registry.echanges import Echange, Refus, ReponseNumUnique
from registry.evenements import Decideur, EvenementDemande
from registry.handlers import Traitement

if TYPE_CHECKING:
    from echangeur.telemetrie.traceur import Traceur

_CAUSES: Final = text("""
    SELECT j.sequence, j.echange, coalesce(d.destinataires, 0) AS destinataires
    FROM journal j LEFT JOIN decision d ON d.numero = j.numero AND d.version = j.version
    WHERE j.sequence = ANY(:sequences) AND j.echange IS NOT NULL
""")
_CAUSE: Final = text("""
    SELECT j.echange FROM distribution x
    JOIN decision d ON d.numero = x.numero AND d.version = x.version
    JOIN journal j ON j.sequence = d.evenement
    WHERE x.id = :id AND j.echange IS NOT NULL
        AND NOT EXISTS (SELECT FROM offre o WHERE o.distribution = x.id)
""")


class TraitementTrace(Traitement):
    """The handlers, whose registrations are told, once `traceur` is set."""

    traceur: Traceur | None = None

    async def get_num_unique(self, echange: Echange, fichier: bytes) -> ReponseNumUnique | Refus:
        """As the handlers do."""
        start = time.perf_counter()
        answer = await super().get_num_unique(echange, fichier)
        if self.traceur is not None:
            anomalies = answer.anomalies if isinstance(answer, Refus) else ()
            facts = {"verdict": verdict_of(anomalies), "code": anomalies[0].code if anomalies else ""}
            self.traceur.tell(echange.id, "enregistrement", time.perf_counter() - start, facts)
        return answer


class DecideurTrace:
    """A decideur whose decisions are told, each in the trace of the exchange that caused it."""

    def __init__(self, decideur: Decideur, traceur: Traceur) -> None:
        self._decideur = decideur
        self._traceur = traceur

    def decide(self, conn: Connection, evenements: Sequence[EvenementDemande]) -> None:
        """As the decideur does."""
        start = time.perf_counter()
        self._decideur.decide(conn, evenements)
        secondes = time.perf_counter() - start
        natures = {event.sequence: event.nature for event in evenements}
        for row in conn.execute(_CAUSES, {"sequences": list(natures)}):
            facts = {
                "entree": row.sequence,
                "nature": natures[row.sequence],
                "destinataires": row.destinataires,
                "lot": len(evenements),
            }
            self._traceur.tell(row.echange, "décision", secondes, facts)


class TransportTrace:
    """A transport whose attempts are told, each in the trace of the exchange that caused the distribution. It
    tells the partner of that trace, if it is propagated."""

    def __init__(self, transport: Transport, traceur: Traceur, engine: Engine) -> None:
        self._transport = transport
        self._traceur = traceur
        self._engine = engine

    async def send(self, envoi: Envoi) -> Accuse | Remis | Echec:
        """As the transport does."""
        echange = await asyncio.to_thread(self._cause, envoi.id)
        span = self._traceur.new_span()
        if self._traceur.propager and self._traceur.keeps(echange or envoi.id):
            envoi = replace(envoi, traceparent=self._traceur.write_context(echange or envoi.id, span))
        start = time.perf_counter()
        issue: Accuse | Remis | Echec = Echec(GenreEchec.DELAI, "")
        try:
            issue = await self._transport.send(envoi)
        finally:
            # Cut by the worker, which had waited long enough: it is told too.
            self._tell(envoi, issue, echange, span, time.perf_counter() - start)
        return issue

    def _tell(
        self,
        envoi: Envoi,
        issue: Accuse | Remis | Echec,
        echange: uuid.UUID | None,
        span: int,
        secondes: float,
    ) -> None:
        facts: dict[str, str | int] = {
            "distribution": str(envoi.id),
            "guichet": envoi.guichet,
            "sequence": envoi.sequence,
            "rang": envoi.rang,
            "canal": envoi.canal.value,
            "issue": name_of(issue),
        }
        erreur = issue.genre.value if isinstance(issue, Echec) else ""
        if echange is None:
            self._traceur.tell_alone(envoi.id, "tentative", secondes, facts, erreur=erreur, span=span)
        else:
            self._traceur.tell(echange, "tentative", secondes, facts, erreur=erreur, span=span)

    def _cause(self, distribution: uuid.UUID) -> uuid.UUID | None:
        """The exchange that caused it; None for one that was offered with the stock, or when the database
        does not answer."""
        try:
            with self._engine.connect() as conn:
                return conn.execute(_CAUSE, {"id": distribution}).scalar_one_or_none()
        except SQLAlchemyError:
            return None
