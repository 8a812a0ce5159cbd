"""The simulated guichets answer as the contract says; the world of the load run is the same each time."""

from __future__ import annotations

import asyncio
import json
import sys
import uuid
from datetime import timedelta
from pathlib import Path

from lxml import etree

from bench import courbe, pointe_monde
from bench.partenaires_simules import Conduite
from dispatching.transport import Accuse, Echec, Envoi, GenreEchec, Statut
from soap.client import Delais, DistributionClient
from tests.conformance.pki import Pki


async def test_simulated_guichets_acknowledge_what_they_get(tmp_path: Path) -> None:
    """[DST-12] [DST-13] Bytes and identifier acknowledged, then as known; the stuck one says nothing,
    and nobody is behind the dead one."""
    pki = Pki(tmp_path)
    plan = tmp_path / "plan.json"
    conduites = (Conduite.RAPIDE, Conduite.FIGE, Conduite.ETEINT)
    plan.write_text(json.dumps({each: [each, 0.0] for each in conduites}), encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.partenaires_simules", str(plan), str(tmp_path / "partenaire")),
        cwd=Path(__file__).parents[2],
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    ports = json.loads(await process.stdout.readline())
    client = DistributionClient(pki.client(), delais=Delais(total=timedelta(seconds=2)))
    await client.start()

    async def send(conduite: Conduite) -> object:
        adresse = f"https://127.0.0.1:{ports[conduite]}/"
        return await client.send(Envoi(known, 1, "G0001", 1, "numéro", adresse, "DEM.xml", b"<x/>"))

    known = uuid.uuid4()
    assert await send(Conduite.RAPIDE) == Accuse(Statut.RECU)
    assert await send(Conduite.RAPIDE) == Accuse(Statut.DEJA_RECU)
    for conduite, genre in ((Conduite.FIGE, GenreEchec.DELAI), (Conduite.ETEINT, GenreEchec.INJOIGNABLE)):
        found = await send(conduite)
        assert isinstance(found, Echec)
        assert found.genre is genre
    await client.stop()
    assert process.stdin is not None
    process.stdin.close()
    told, _ = await process.communicate()
    assert json.loads(told)[Conduite.RAPIDE][:2] == [2, 1]


def test_the_world_is_drawn_the_same_and_has_what_was_asked() -> None:
    world = pointe_monde.draw(30, 200)
    assert world == pointe_monde.draw(30, 200)
    assert sum(len(simule.filtres) for simule in world) == 200
    assert min(len(simule.filtres) for simule in world) >= 1


def test_a_curve_is_readable_xml() -> None:
    drawn = courbe.draw([("Un & deux", {"p50": [(0, 0.5), (10, 2)], "p99": []})], abscisse="secondes")
    assert "Un &amp; deux" in drawn
    assert etree.fromstring(drawn).tag.endswith("svg")
