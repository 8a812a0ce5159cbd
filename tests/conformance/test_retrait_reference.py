"""The reference partner that pulls: killed between any two steps, nothing is lost, nothing handled twice."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import Engine, text

from conformance.retrait_reference import Distribution, Refuse, RetraitReference
from dispatching.deliveries import Etat
from filters.language import Filtre
from registry.clock import FixedClock
from tests.dispatching.scene import Scene
from tests.soap.conftest import Hub, Pki, pki
from tests.soap.test_distributions import serving

__all__ = ["pki"]

NOMBRE = 3
MORT = 9
RACINE = Path(__file__).parents[2]

# A process of its own, that dies without a word (os._exit: nothing is flushed, rolled back nor closed) before
# the step of that rank. What it does with a distribution is one line in a table: two lines would be twice.
MORTEL = """
import os, sys
from itertools import count
from pathlib import Path
from certs.tls import client_context
from conformance.retrait_reference import RetraitReference
adresse, dossier, base, rang = sys.argv[1:]
pas = count(1)
def entre(etape):
    if next(pas) == int(rang):
        print(etape, flush=True)
        os._exit(9)
def traiter(conn, distribution):
    conn.execute("CREATE TABLE IF NOT EXISTS fait (id TEXT, sequence INTEGER)")
    conn.execute("INSERT INTO fait VALUES (?, ?)", (distribution.id, distribution.sequence))
dossier = Path(dossier)
contexte = client_context(dossier / "ca.pem", dossier / "cert.pem", dossier / "key.pem")
RetraitReference(adresse, contexte, Path(base), traiter, entre=entre).passer(nombre=2)
"""


@pytest.fixture
def scene(engine: Engine, clock: FixedClock) -> Scene:
    scene = Scene(engine, clock)
    auteur = scene.guichet("G1226")
    scene.guichet("G1104", Filtre("Tout"), adresse="")
    scene.register([scene.recue(auteur) for _ in range(NOMBRE)])
    return scene


@pytest_asyncio.fixture
async def hub(scene: Scene, pki: Pki) -> AsyncIterator[Hub]:
    async with serving(scene, pki) as hub:
        yield hub


async def run(*words: object) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, *map(str, words), cwd=RACINE, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    return process.returncode, out.decode().strip()


def handled(base: Path) -> list[int]:
    """What was handled, in order, as many times as it was."""
    with sqlite3.connect(base) as conn:
        known = conn.execute("SELECT name FROM sqlite_master WHERE name = 'fait'").fetchone()
        found = conn.execute("SELECT sequence FROM fait ORDER BY rowid").fetchall() if known else []
    conn.close()
    return [sequence for (sequence,) in found]


async def test_killed_before_each_step_then_run_again(hub: Hub, scene: Scene, tmp_path: Path) -> None:
    """[DST-25] [DST-27] For every step of a whole passage: killed there, then run to its end."""
    seen = []
    for rang in range(1, 100):
        base = tmp_path / f"{rang}.sqlite"
        with scene.engine.begin() as conn:
            conn.execute(text("UPDATE distribution SET etat = 'en_attente', termine_le = NULL"))
        words = ("-c", MORTEL, hub.adresse, pki_of(hub), base)
        code, etape = await run(*words, rang)
        assert code in (0, MORT)
        assert handled(base) == list(range(1, len(handled(base)) + 1))
        if code == MORT:
            seen.append(etape)
            assert await run(*words, 0) == (0, "")
        assert handled(base) == list(range(1, NOMBRE + 1)), etape
        assert {item.etat for item in scene.distributions("G1104")} == {Etat.ACQUITTEE}, etape
        if code == 0:
            break
    assert set(seen) == {"lister", "garder", "traiter", "valider", "acquitter", "noter", "lire la réponse"}
    # Two lists (2, then 1), three kept, two acknowledgements.
    assert len(seen) == 2 * 2 + 3 * NOMBRE + 2 * 3


def pki_of(hub: Hub) -> Path:
    return hub.pki.dossier / "G1104"


async def test_a_lost_base_is_read_again(hub: Hub, scene: Scene, tmp_path: Path) -> None:
    """[DST-30] What was acknowledged comes again when asked for; a withdrawn one is passed over."""
    seen: list[Distribution] = []

    def passer(base: str, depuis: str = "") -> int:
        client = RetraitReference(
            hub.adresse,
            hub.pki.client("G1104"),
            tmp_path / base,
            lambda _, distribution: seen.append(distribution),
        )
        try:
            return client.passer(depuis=depuis)
        finally:
            client.close()

    assert await asyncio.to_thread(passer, "une") == NOMBRE
    assert await asyncio.to_thread(passer, "une") == 0
    assert await asyncio.to_thread(passer, "autre") == 0
    with scene.engine.begin() as conn:
        conn.execute(text("UPDATE distribution SET etat = 'retiree' WHERE sequence = 2"))
    assert await asyncio.to_thread(passer, "autre", "TOUTES") == NOMBRE - 1
    assert [distribution.sequence for distribution in seen] == [1, 2, 3, 1, 3]
    with pytest.raises(Refuse, match="n'existe pas"):
        await asyncio.to_thread(passer, "une", "PERDUES")


async def test_the_program_of_the_kit(hub: Hub, tmp_path: Path) -> None:
    """As its docstring and docs/guide-partenaire.md say."""
    words = ("-m", "conformance.retrait_reference", hub.adresse, pki_of(hub), tmp_path / "base.sqlite")
    assert await run(*words) == (0, f"{NOMBRE} distribution(s) nouvelle(s)")
    assert await run(*words) == (0, "0 distribution(s) nouvelle(s)")


async def test_the_example_of_the_guide_runs_as_it_is(hub: Hub, scene: Scene, tmp_path: Path) -> None:
    """docs/guide-partenaire.md: the program that a partner copies."""
    guide = (RACINE / "docs" / "guide-partenaire.md").read_text(encoding="utf-8")
    found = re.search(r"```python\n(import hashlib.*?)```", guide, re.DOTALL)
    assert found is not None
    program = found[1].replace("https://localhost:8443", hub.adresse)
    for name in ("cert.pem", "key.pem", "ca.pem"):
        (tmp_path / name).write_bytes((pki_of(hub) / name).read_bytes())
    (tmp_path / "programme.py").write_text(program, encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "programme.py", cwd=tmp_path, env={"NO_PROXY": "*"}
    )
    assert await process.wait() == 0
    assert len(list(tmp_path.glob("*.xml"))) == NOMBRE
    assert {item.etat for item in scene.distributions("G1104")} == {Etat.ACQUITTEE}
