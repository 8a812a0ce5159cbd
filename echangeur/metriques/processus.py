"""What a process holds: its connections to the database, its filters."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Engine
from sqlalchemy.pool import QueuePool


class Processus(Collector):
    """The pool and the filters. filtres: generation and number of those in memory; None without the edges."""

    def __init__(self, engine: Engine, filtres: Callable[[], tuple[int, int]] | None) -> None:
        self._engine = engine
        self._filtres = filtres

    def collect(self) -> Iterable[Metric]:
        """The figures of this instant."""
        pool = self._engine.pool
        if isinstance(pool, QueuePool):
            connexions = GaugeMetricFamily(
                "echangeur_base_connexions", "Connexions à la base, par état.", labels=("etat",)
            )
            connexions.add_metric(("prises",), pool.checkedout())
            connexions.add_metric(("libres",), pool.checkedin())
            connexions.add_metric(("permises",), pool.size())
            yield connexions
        if self._filtres is not None:
            generation, nombre = self._filtres()
            yield GaugeMetricFamily("echangeur_filtres", "Filtres en vigueur, en mémoire.", value=nombre)
            yield GaugeMetricFamily(
                "echangeur_filtres_generation", "Génération des filtres en mémoire.", value=generation
            )
