"""Three worker processes on one database: one is killed, one is frozen, nothing is lost nor done twice."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections import defaultdict
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from conformance.partenaire_reference import Comportement, PartenaireReference
from dispatching.deliveries import Etat
from filters.language import Filtre
from registry.clock import FixedClock
from tests.conformance.pki import Pki
from tests.dispatching.scene import Scene
from tests.dispatching.test_worker import TIMEOUT, eventually

CODES = ("G0002", "G0003", "G0004")
DEMANDES = 6
VERSIONS = 4
ATTENTE = 60
"""Seconds: the lease of the frozen one, and a slow machine."""


async def _start(url: str, folder: Path, depart: float) -> Process:
    command = (sys.executable, "-m", "tests.soap.ouvrier", url, str(folder / "hub"), str(depart))
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), TIMEOUT) == "prêt\n".encode()
    return process


def _check(scene: Scene, partners: dict[str, PartenaireReference]) -> None:
    """By the account of each partner: everything once, no number missing, each demande in its order."""
    versions = {str(item.id): (item.numero, item.version) for item in scene.distributions()}
    for code, partner in partners.items():
        receptions = list(partner.receptions.values())
        sequences = sorted(item.sequence for item in receptions)
        assert sequences == list(range(1, DEMANDES * VERSIONS + 1)), code
        order = defaultdict(list)
        for item in receptions:
            numero, version = versions[item.id]
            order[numero].append(version)
        assert set(map(tuple, order.values())) == {tuple(range(1, VERSIONS + 1))}, code


@pytest.mark.slow
async def test_one_killed_and_one_frozen_lose_nothing(
    engine: Engine, clock: FixedClock, tmp_path: Path, database_url: str
) -> None:
    """[DST-54] [DST-41] Each of the three holds something when one is killed (-9) and another is stopped
    (SIGSTOP), its session and its lock alive. The third finishes everything; the frozen one wakes up and
    disturbs nothing."""
    scene = Scene(engine, clock)
    pki = Pki(tmp_path)
    partners = {code: PartenaireReference(pki.serveur()) for code in CODES}
    author = scene.guichet("G0001")
    for code, partner in partners.items():
        partner.comportement = Comportement.MUET
        scene.guichet(code, Filtre("Tout"), adresse=await partner.start())
    depart = time.time()
    processes = [await _start(database_url, tmp_path, depart) for _ in range(3)]
    killed, frozen, survivor = processes
    try:
        recues = [scene.recue(author) for _ in range(DEMANDES)]
        numeros = await asyncio.to_thread(scene.register, recues)
        held = "SELECT count(DISTINCT porteur) FROM tentative WHERE terminee_le IS NULL"

        def count(query: str) -> int:
            with engine.connect() as conn:
                return int(conn.execute(text(query)).scalar_one())

        await eventually(lambda: count(held) == 3)
        os.kill(killed.pid, signal.SIGKILL)
        os.kill(frozen.pid, signal.SIGSTOP)
        assert await killed.wait() == -signal.SIGKILL
        for partner in partners.values():
            partner.comportement = Comportement.NORMAL
        for recue, numero in zip(recues, numeros, strict=True):
            await asyncio.to_thread(scene.events, recue, numero, range(2, VERSIONS + 1))
        total = len(CODES) * DEMANDES * VERSIONS
        left = "SELECT count(*) FROM distribution WHERE etat <> 'acquittee'"
        for _ in range(ATTENTE * 5):
            if count(left) == 0:
                break
            await asyncio.sleep(0.2)
        assert count(left) == 0
        assert count("SELECT count(*) FROM tentative WHERE issue = 'interrompue'") > 0
        # The frozen one is not taken for dead: its lock is held, its attempts are open still.
        assert count(held) == 1
        _check(scene, partners)
        os.kill(frozen.pid, signal.SIGCONT)
        await eventually(lambda: count(held) == 0)
        _check(scene, partners)
        assert {item.etat for item in scene.distributions()} == {Etat.ACQUITTEE}
        assert len(scene.distributions()) == total
        assert survivor.returncode is None
    finally:
        for process in processes:
            if process.returncode is None:
                process.kill()
                await process.wait()
        for partner in partners.values():
            await partner.stop()
