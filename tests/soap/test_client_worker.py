"""Registration, decision, worker, client, TLS, reference partner: nothing is replaced."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from conformance.partenaire_reference import Comportement, PartenaireReference, Reception
from dispatching.deliveries import Etat
from dispatching.worker import Worker
from filters.language import Filtre, filtre
from registry.clock import FixedClock
from registry.guichets import CanalDistribution
from registry.guichets_store import set_version
from soap.client import DistributionClient
from tests.conformance.pki import Pki
from tests.dispatching.scene import DOUAI, Scene
from tests.dispatching.test_worker import TIMEOUT, acknowledged, eventually
from tests.registry.fabrique import generate, read_version, recue_of


@pytest.fixture
def scene(engine: Engine, clock: FixedClock) -> Scene:
    return Scene(engine, clock)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pki")


@pytest.fixture(scope="module")
def pki(folder: Path) -> Pki:
    return Pki(folder)


async def test_partners_receive_exactly_what_their_filters_take(scene: Scene, pki: Pki) -> None:
    """Two healthy partners and one that never answers: the healthy ones get all of theirs, in order."""
    author = scene.guichet("G0001")
    partners = {code: PartenaireReference(pki.serveur()) for code in ("G0002", "G0003", "G0004")}
    for partner in partners.values():
        await partner.start()
    scene.guichet("G0002", Filtre("Tout"), adresse=partners["G0002"].adresse)
    scene.guichet("G0003", filtre("Douai", communes=[DOUAI]), adresse=partners["G0003"].adresse)
    scene.guichet("G0004", Filtre("Tout"), adresse=partners["G0004"].adresse)
    partners["G0004"].comportement = Comportement.MUET
    client = DistributionClient(pki.client())
    await client.start()
    worker = Worker(scene.engine, {CanalDistribution.PUSH: client}, scene.clock)
    await worker.start()
    recues = [scene.recue(author, [DOUAI] if rank % 3 == 0 else ["59350"]) for rank in range(9)]
    numeros = await asyncio.to_thread(scene.register, recues)
    await asyncio.wait_for(partners["G0002"].wait_for(9), TIMEOUT)
    await asyncio.wait_for(partners["G0003"].wait_for(3), TIMEOUT)
    await eventually(lambda: acknowledged(scene) == 12)
    await partners["G0004"].stop()
    await worker.stop()
    await client.stop()
    received = {code: list(partner.receptions.values()) for code, partner in partners.items()}
    assert [item.numero for item in received["G0002"]] == numeros
    assert [item.numero for item in received["G0003"]] == numeros[::3]
    assert [item.sequence for item in received["G0003"]] == [1, 2, 3]
    assert {item.type_fichier for item in received["G0002"]} == {"DIS"}
    for partner in partners.values():
        await partner.stop()


async def test_a_distribution_is_of_the_version_that_its_guichet_reads(scene: Scene, pki: Pki) -> None:
    """[SOA-44] [DST-10] Two guichets take the same demande, that holds all that 02.00 has no place for."""
    author = scene.guichet("G0001")
    lecteurs = {"02.00": ("G0002", PartenaireReference(pki.serveur()))}
    lecteurs["02.01"] = ("G0003", PartenaireReference(pki.serveur()))
    for version, (code, partner) in lecteurs.items():
        scene.guichet(code, Filtre("Tout"), adresse=await partner.start())
        with scene.engine.begin() as conn:
            assert set_version(conn, code, version) == ()
    client = DistributionClient(pki.client())
    await client.start()
    worker = Worker(scene.engine, {CanalDistribution.PUSH: client}, scene.clock)
    await worker.start()
    document = generate("complète", author, territoire="059", complet=True, association=False)
    await asyncio.to_thread(scene.register, [recue_of(document, author)])
    await eventually(lambda: acknowledged(scene) == 2)
    await worker.stop()
    await client.stop()
    for version, (_, partner) in lecteurs.items():
        (reception,) = partner.receptions.values()
        assert read_version(reception.contenu) == (version, version == "02.01")
        await partner.stop()


async def test_a_worker_process_killed_before_the_acknowledgement_is_recorded(
    scene: Scene, pki: Pki, folder: Path, database_url: str
) -> None:
    """SIGKILL as the partner has just kept the distribution: another worker sends it again at once, under the
    same identifier, and the partner answers DEJA_RECU."""
    author = scene.guichet("G0001")
    process: asyncio.subprocess.Process | None = None

    def kill(_: Reception) -> None:
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)

    partner = PartenaireReference(pki.serveur(), sur_reception=kill)
    scene.guichet("G0002", Filtre("Tout"), adresse=await partner.start())
    command = (sys.executable, "-m", "tests.soap.ouvrier", database_url, str(folder / "hub"))
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), TIMEOUT) == "prêt\n".encode()
    await asyncio.to_thread(scene.demande, author)
    assert await asyncio.wait_for(process.wait(), TIMEOUT) == -signal.SIGKILL
    assert scene.distributions()[0].etat is Etat.EN_ATTENTE

    client = DistributionClient(pki.client())
    await client.start()
    worker = Worker(scene.engine, {CanalDistribution.PUSH: client}, scene.clock)
    await worker.start()
    await eventually(lambda: acknowledged(scene) == 1)
    await worker.stop()
    await client.stop()
    await partner.stop()
    assert partner.deliveries == {str(scene.distributions()[0].id): 2}
    assert len(partner.receptions) == 1
    with scene.engine.connect() as conn:
        issues = conn.execute(text("SELECT issue FROM tentative ORDER BY rang")).scalars().all()
    assert issues == ["interrompue", "DEJA_RECU"]
