"""What a process counts of what it does itself: the exchanges it answers, the attempts it makes."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from dispatching.transport import Accuse, Echec, Envoi, Remis, Transport
from mailflows.conventions import DEMANDE_LOGEMENT
from mailflows.operations import Demandee, Operations
from registry.anomalies import Anomalie, Tour
from registry.echanges import Canal, Echange, Fichier, Refus
from registry.guichets import CanalDistribution
from soap.services import SERVICES

SEUILS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Seconds: a registration takes some 20 ms; beyond 10 s a partner has given up."""

AUTRE: Final = "autre"
"""In place of an operation that is none of ours: what a partner writes is no label."""

OPERATIONS: Final = frozenset(nom for service in SERVICES for nom in service.operations) | {DEMANDE_LOGEMENT}

Issue = Accuse | Remis | Echec
TentativeDite = Callable[[Envoi, Issue, float], None]
EchangeDit = Callable[[Echange, tuple[Anomalie, ...], float], None]


def verdict_of(anomalies: tuple[Anomalie, ...]) -> str:
    """`accepte`, `refuse` (it is the partner's turn) or `echec` (it is ours)."""
    if not anomalies:
        return "accepte"
    return "echec" if anomalies[0].type.tour is Tour.EXPLOITANT else "refuse"


def name_of(issue: Issue) -> str:
    """How a sending ended, in one word."""
    match issue:
        case Accuse():
            return "acquittee"
        case Remis():
            return "remise"
        case Echec():
            return issue.genre.value


def name_operation(operation: str) -> str:
    """An operation of the contract, or `AUTRE`: what a partner writes is no label and no word of the log."""
    return operation if operation in OPERATIONS else AUTRE


class Compteurs:
    """The counters of one process, on a registry of its own."""

    def __init__(self) -> None:
        self.registre: Final = CollectorRegistry()
        self._echanges = Counter(
            "echangeur_echanges",
            "Échanges terminés, par opération, canal et verdict.",
            ("operation", "canal", "verdict"),
            registry=self.registre,
        )
        self._durees = Histogram(
            "echangeur_echange_secondes",
            "Durée d'un échange, de sa réception à sa réponse.",
            ("operation", "canal"),
            buckets=SEUILS,
            registry=self.registre,
        )
        self._tentatives = Counter(
            "echangeur_tentatives",
            "Envois tentés, par canal et par issue.",
            ("canal", "issue"),
            registry=self.registre,
        )
        self._durees_tentatives = Histogram(
            "echangeur_tentative_secondes",
            "Durée d'un envoi, réponse du guichet comprise.",
            ("canal",),
            buckets=SEUILS,
            registry=self.registre,
        )

    def count_echange(self, operation: str, canal: Canal, verdict: str, secondes: float) -> None:
        """One exchange was answered."""
        nom = name_operation(operation)
        self._echanges.labels(nom, canal.value, verdict).inc()
        self._durees.labels(nom, canal.value).observe(secondes)

    def count_tentative(self, canal: CanalDistribution, issue: Issue, secondes: float) -> None:
        """One sending has ended."""
        self._tentatives.labels(canal.value, name_of(issue)).inc()
        self._durees_tentatives.labels(canal.value).observe(secondes)


class TransportCompte:
    """A transport whose sendings are told, each with how long it took."""

    def __init__(self, transport: Transport, told: TentativeDite) -> None:
        self._transport = transport
        self._told = told

    async def send(self, envoi: Envoi) -> Accuse | Remis | Echec:
        """As the transport does."""
        start = time.perf_counter()
        issue = await self._transport.send(envoi)
        self._told(envoi, issue, time.perf_counter() - start)
        return issue


ExecutionCourrier = Callable[[Demandee, Echange], Awaitable[tuple[Fichier, ...] | Refus]]
"""What runs an operation asked by mail."""


class OperationsComptees(Operations):
    """The operations of signed mail, each told when it has ended, if `told` is set. autour: what is put
    around them, if anything is."""

    told: EchangeDit | None = None
    autour: Callable[[ExecutionCourrier], ExecutionCourrier] | None = None

    async def execute(self, demandee: Demandee, echange: Echange) -> tuple[Fichier, ...] | Refus:
        """As the operations do."""
        start = time.perf_counter()
        run: ExecutionCourrier = super().execute
        answer = await (run if self.autour is None else self.autour(run))(demandee, echange)
        if self.told is not None:
            anomalies = answer.anomalies if isinstance(answer, Refus) else ()
            self.told(echange, anomalies, time.perf_counter() - start)
        return answer
