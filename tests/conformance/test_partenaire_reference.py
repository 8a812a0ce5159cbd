"""The reference partner behaves as the contract wants, seen by zeep from its WSDL over mutual TLS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from conformance.partenaire_reference import PartenaireReference, Reception
from dispatching.transport import Accuse, Echec, Statut
from soap.client import DistributionClient
from tests.conformance.pki import Pki
from tests.soap.test_client import envoi_to


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest_asyncio.fixture
async def client(pki: Pki) -> AsyncIterator[DistributionClient]:
    client = DistributionClient(pki.client())
    await client.start()
    yield client
    await client.stop()


async def test_what_was_received_survives_a_restart(
    pki: Pki, client: DistributionClient, tmp_path: Path
) -> None:
    """Kept before it is acknowledged: after a restart the same identifier is DEJA_RECU."""
    told: list[Reception] = []
    partner = PartenaireReference(pki.serveur(), dossier=tmp_path, sur_reception=told.append)
    envoi = envoi_to(await partner.start())
    assert await client.send(envoi) == Accuse(Statut.RECU)
    await asyncio.wait_for(partner.wait_for(1), 5)
    await partner.stop()
    (kept,) = tmp_path.iterdir()
    assert kept.read_bytes() == envoi.contenu
    again = PartenaireReference(pki.serveur(), dossier=tmp_path, sur_reception=told.append)
    second = envoi_to(await again.start())
    assert second.id == envoi.id
    assert await client.send(second) == Accuse(Statut.DEJA_RECU)
    await again.stop()
    assert [item.id for item in told] == [str(envoi.id)]


async def test_an_invalid_document_is_refused_and_not_kept(pki: Pki, client: DistributionClient) -> None:
    partner = PartenaireReference(pki.serveur())
    good = envoi_to(await partner.start())
    bad = type(good)(
        good.id, 1, good.guichet, 1, good.numero, good.adresse, good.nom_fichier,
        good.contenu.replace(b"ns1:typeFichier", b"ns1:typeFichie"),
    )  # fmt: skip
    found = await client.send(bad)
    assert isinstance(found, Echec)
    assert "la demande distribuée n'est pas conforme" in found.detail
    assert partner.receptions == {}
    # A failed first reception is no reception: the same identifier is then received.
    assert await client.send(good) == Accuse(Statut.RECU)
    await partner.stop()


async def test_only_the_pinned_hub_may_push(pki: Pki, client: DistributionClient) -> None:
    partner = PartenaireReference(pki.serveur(), echangeurs=frozenset({pki.empreinte("partenaire")}))
    found = await client.send(envoi_to(await partner.start()))
    assert isinstance(found, Echec)
    assert "certificat inattendu" in found.detail
    await partner.stop()
    partner = PartenaireReference(pki.serveur(), echangeurs=frozenset({pki.empreinte("hub")}))
    assert await client.send(envoi_to(await partner.start())) == Accuse(Statut.RECU)
    await partner.stop()


async def test_its_wsdl_names_its_own_address(pki: Pki) -> None:
    partner = PartenaireReference(pki.serveur())
    adresse = await partner.start()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=pki.client())) as session:
        async with session.get(adresse + "?wsdl") as response:
            text = await response.text()
        async with session.get(adresse + "xmlmime.xsd") as response:
            assert response.status == 200
        async with session.get(adresse) as response:
            assert response.status == 404
        async with session.post(adresse, data=b"<a/>") as response:
            assert response.status == 500
            assert "distributionParametres est attendu" in await response.text()
    assert adresse in text
    await partner.stop()
