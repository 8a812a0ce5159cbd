"""The receiving partners: reference partners on one event loop, in a thread beside the test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from certs import tls
from certs.autorite import load_autorite
from conformance.partenaire_reference import PartenaireReference, Reception
from tests.bout_en_bout.monde import RECEVEURS
from tests.bout_en_bout.processus import DELAI

T = TypeVar("T")
Humeur = Callable[[PartenaireReference, Reception], None]
"""Told of each new reception, on the loop of the partners; what it raises is answered as HTTP 500."""


class Partenaires:
    """One endpoint for each guichet that has filters. `received` counts the new receptions of all."""

    def __init__(self, dossier: Path, humeurs: dict[str, Humeur] | None = None) -> None:
        """dossier: of the instance, whose authority issues the certificate of the endpoints."""
        self.endpoints: dict[str, PartenaireReference] = {}
        self.received = 0
        self.changed = threading.Condition()
        self._humeurs = humeurs or {}
        self._dossier = dossier
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="partenaires")

    def start(self) -> dict[str, str]:
        """Listen; the addresses by code."""
        self._thread.start()
        folder = self._dossier / "reception"
        load_autorite(self._dossier / "autorite").issue_serveur(now=datetime.now(UTC)).write(folder)
        return {bureau.code: self._await(self._open(bureau.code, folder)) for bureau in RECEVEURS}

    def stop(self) -> None:
        for endpoint in self.endpoints.values():
            self._await(endpoint.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(DELAI)
        self._loop.close()

    def wait_for(self, count: int) -> None:
        """Wait until that many distributions in all have been received."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.received >= count, DELAI), self.received

    def receptions(self, code: str) -> list[Reception]:
        """In the order of arrival."""
        return list(self.endpoints[code].receptions.values())

    async def _open(self, code: str, folder: Path) -> str:
        context = tls.server_context(folder / "cert.pem", folder / "key.pem", folder / "ca.pem")
        humeur = self._humeurs.get(code)

        def received(reception: Reception) -> None:
            with self.changed:
                self.received += 1
                self.changed.notify_all()
            if humeur is not None:
                humeur(endpoint, reception)

        endpoint = self.endpoints[code] = PartenaireReference(context, sur_reception=received)
        return await endpoint.start("localhost")

    def _await(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(DELAI)
