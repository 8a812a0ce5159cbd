"""The reference partner that proves that it has all: it finds what it lost, and repairs it."""

from __future__ import annotations

import asyncio
import base64
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import pytest
import pytest_asyncio
from sqlalchemy import Engine, text

from certs.paire import Paire
from certs.signature import sign
from conformance import preuve_reference
from conformance.preuve_reference import Jour, PreuveReference, Reparation
from conformance.retrait_reference import RetraitReference
from filters.language import Filtre
from registry.clock import FixedClock
from tests.conformance.test_retrait_reference import RACINE
from tests.dispatching.scene import Scene
from tests.soap.conftest import Hub, Pki, pki
from tests.soap.test_distributions import prove, serving

__all__ = ["pki"]

T = TypeVar("T")
NOMBRE = 9


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


class Partenaire:
    """A partner of the hub, whose calls are made in a thread: its base belongs to one."""

    def __init__(self, hub: Hub, base: Path, empreinte: str) -> None:
        self._hub, self._base, self._empreinte = hub, base, empreinte

    async def do(self, faire: Callable[[RetraitReference, PreuveReference], T]) -> T:
        def work() -> T:
            client = RetraitReference(self._hub.adresse, self._hub.pki.client("G1104"), self._base)
            try:
                return faire(client, PreuveReference(client, self._empreinte))
            finally:
                client.close()

        return await asyncio.to_thread(work)

    async def passer(self) -> int:
        return await self.do(lambda client, _: client.passer())

    async def verifier(self) -> list[Jour]:
        return await self.do(lambda _, preuve: preuve.verifier())

    async def rapprocher(self) -> Reparation:
        return await self.do(lambda _, preuve: preuve.rapprocher())

    def spoil(self, statement: str) -> None:
        with sqlite3.connect(self._base) as conn:
            conn.execute(statement)
        conn.close()


@pytest.fixture
def hub_key(scene: Scene, pki: Pki, hub: Hub) -> Paire:
    """What signs the manifests of the first two days, made by then."""
    return prove(scene, pki, 2)


@pytest.fixture
def partenaire(hub: Hub, hub_key: Paire, tmp_path: Path) -> Partenaire:
    return Partenaire(hub, tmp_path / "base.sqlite", hub_key.certificat.empreinte)


PREMIER, SECOND = "2026-07-01", "2026-07-02"


async def test_a_base_that_is_whole_is_proven_so(partenaire: Partenaire) -> None:
    """[DST-60] [DST-61] [DST-65] Once verified, a manifest is not fetched again."""
    assert await partenaire.passer() == NOMBRE
    assert await partenaire.verifier() == [Jour(PREMIER, NOMBRE), Jour(SECOND, 0)]
    assert await partenaire.verifier() == []
    assert await partenaire.rapprocher() == Reparation()


async def test_what_is_lost_or_spoiled_is_found_and_read_again(partenaire: Partenaire, scene: Scene) -> None:
    """[DST-70] [DST-71] Acknowledged, hence never sent again by itself; then the manifest agrees."""
    await partenaire.passer()
    partenaire.spoil("DELETE FROM distribution WHERE sequence IN (2, 3, 5, 9)")
    partenaire.spoil("UPDATE distribution SET contenu = X'00' WHERE sequence IN (6, 7)")
    with scene.engine.begin() as conn:
        # Lost, and withdrawn since: there is nothing to be read again.
        conn.execute(text("UPDATE distribution SET etat = 'retiree' WHERE sequence = 5"))
    ecart = "ce qui est gardé n'a pas son condensat"
    assert await partenaire.verifier() == [Jour(PREMIER, NOMBRE, ecart)]
    assert await partenaire.passer() == 0
    assert await partenaire.rapprocher() == Reparation((2, 3, 9), (6, 7))
    assert await partenaire.rapprocher() == Reparation()
    with scene.engine.begin() as conn:
        conn.execute(text("UPDATE distribution SET etat = 'acquittee' WHERE sequence = 5"))
    assert await partenaire.rapprocher() == Reparation((5,))
    assert [jour.ecart for jour in await partenaire.verifier()] == ["", ""]


async def test_what_the_hub_never_made_is_told_and_left(partenaire: Partenaire) -> None:
    """[DST-70] A hub restored from an old copy would be seen so."""
    await partenaire.passer()
    partenaire.spoil("INSERT INTO distribution VALUES ('x', 12, 'x', X'00', 1)")
    assert await partenaire.rapprocher() == Reparation(en_trop=(12,))


@pytest.mark.parametrize(("tranches", "empreintes"), [(1, 1_000), (200, 2), (2, 3), (1, 1)])
async def test_a_large_base_is_compared_call_by_call(
    partenaire: Partenaire, monkeypatch: pytest.MonkeyPatch, tranches: int, empreintes: int
) -> None:
    """[DST-72] [DST-73] However it is cut, what is found is the same."""
    monkeypatch.setattr(preuve_reference, "TRANCHES_MAX", tranches)
    monkeypatch.setattr(preuve_reference, "EMPREINTES_MAX", empreintes)
    await partenaire.passer()
    partenaire.spoil("DELETE FROM distribution WHERE sequence IN (1, 4, 5, 9)")
    partenaire.spoil("UPDATE distribution SET contenu = X'00' WHERE sequence IN (2, 8)")
    assert await partenaire.rapprocher() == Reparation((1, 4, 5, 9), (2, 8))


async def test_a_manifest_that_does_not_follow_is_refused(partenaire: Partenaire, hub_key: Paire) -> None:
    """[DST-60] [DST-62] A day that is left out, another signer, a content that was changed."""
    await partenaire.passer()

    def fetch(client: RetraitReference, _: PreuveReference) -> list[bytes]:
        answer = client.call("listerManifestes", "")
        return [base64.b64decode(each.text or "") for each in answer.iter("fichierManifeste")]

    first, second = await partenaire.do(fetch)
    spoiled = first.replace(b"<ns1:nombre>9<", b"<ns1:nombre>8<")
    other = sign(b"<manifeste/>", [hub_key], instant=hub_key.certificat.valide_du)
    for message, expected in (
        (second, "il ne suit pas le dernier manifeste gardé"),
        (spoiled, "la signature ne vaut rien"),
        (other, "le contenu signé n'est pas un manifeste"),
        (first, ""),
        (second, ""),
    ):
        found = await partenaire.do(lambda _, preuve, message=message: preuve.verifier_message(message))
        assert found.ecart.startswith(expected)
        assert bool(found.ecart) is bool(expected)
    stranger = await partenaire.do(
        lambda client, _: PreuveReference(client, "0" * 64).verifier_message(first)
    )
    assert stranger.ecart == "le message n'est pas signé par l'échangeur"


async def test_the_program_of_the_kit(
    hub: Hub, hub_key: Paire, partenaire: Partenaire, tmp_path: Path
) -> None:
    """As its docstring and docs/guide-partenaire.md say."""
    await partenaire.passer()
    partenaire.spoil("DELETE FROM distribution WHERE sequence = 2")
    folder = hub.pki.dossier / "G1104"
    words = [sys.executable, "-m", "conformance.preuve_reference", hub.adresse, str(folder)]
    words += [str(tmp_path / "base.sqlite"), hub_key.certificat.empreinte]
    done = await asyncio.to_thread(
        subprocess.run, words, cwd=RACINE, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.splitlines()) == (
        0,
        [
            "1 relue(s), 0 remplacée(s), 0 en trop",
            f"{PREMIER} : {NOMBRE} distribution(s), complet",
            f"{SECOND} : 0 distribution(s), complet",
        ],
    ), done.stderr
