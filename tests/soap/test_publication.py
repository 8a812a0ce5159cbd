"""The specification as a server publishes it: what is there, to whom, under which headers; nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from lxml import etree, html

from registry.clock import FixedClock
from schemas.contract import xsd_bytes
from schemas.specification.site import RACINE, Site
from tests.soap.conftest import FauxTraitement, Hub, Pki, start_hub, stop_hub

CHEMINS = Site().chemins
TYPES = {"html": "text/html", "pdf": "application/pdf", "xsd": "application/xml", "wsdl": "application/xml"}


IDENTITE = {"Accept-Encoding": "identity"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def publie(pki: Pki) -> AsyncIterator[Hub]:
    runner, hub = await start_hub(pki, FauxTraitement(), FixedClock(datetime(2026, 3, 16, 9, 30, tzinfo=UTC)))
    yield hub
    await stop_hub(runner)


@pytest.mark.asyncio(loop_scope="module")
async def test_all_is_read_without_a_certificate(publie: Hub) -> None:
    """[SOA-40] [SOA-41] Each address, from the index on; its type, its tag, and nothing the second time."""
    for chemin in CHEMINS:
        answer = await publie.send("GET", RACINE + chemin, client=None)
        assert answer.statut == 200, chemin
        kind = TYPES[chemin.rpartition(".")[2] or "html"]
        assert answer.entetes["Content-Type"].partition(";")[0] == kind
        assert answer.entetes["X-Content-Type-Options"] == "nosniff"
        again = {"If-None-Match": f'"autre", W/{answer.entetes["Etag"]}'}
        known = await publie.send("GET", RACINE + chemin, headers=again, client=None)
        assert (known.statut, known.corps) == (304, b"")
        head = await publie.send("HEAD", RACINE + chemin, client=None)
        assert (head.statut, head.corps, head.entetes["Etag"]) == (200, b"", answer.entetes["Etag"])


@pytest.mark.asyncio(loop_scope="module")
async def test_every_link_of_the_index_leads_somewhere(publie: Hub) -> None:
    """[SOA-41] And it names them all."""
    page = html.fromstring((await publie.send("GET", RACINE, headers=IDENTITE, client=None)).corps)
    links = {each.get("href", "") for each in page.iter("a")} - {"#contenu"}
    # The copy that the WSDL include is not told of twice.
    assert links == {each for each in CHEMINS if each and not each.endswith("wsdl/xmlmime.xsd")}
    # Without the last slash, the client is sent to the index.
    followed = await publie.send("GET", "/specification", headers=IDENTITE, client=None)
    assert html.fromstring(followed.corps).findtext(".//h1") == page.findtext(".//h1")


@pytest.mark.asyncio(loop_scope="module")
async def test_services_are_told_where_the_caller_reaches_them(publie: Hub) -> None:
    """[SOA-40] What the WSDL and the schemas include is beside them."""
    at = RACINE + Site().edition
    answer = await publie.send("GET", f"{at}wsdl/PortailImplService.wsdl", client=None)
    assert f'location="{publie.adresse}/services/PortailImplService"' in answer.texte
    included = await publie.send("GET", f"{at}wsdl/xmlmime.xsd", client=None)
    assert included.corps == xsd_bytes("xmlmime.xsd")
    strange = {"Host": "ailleurs/<x>"}
    answer = await publie.send("GET", f"{at}wsdl/PortailImplService.wsdl", headers=strange, client=None)
    assert "ailleurs" not in answer.texte
    for chemin in CHEMINS:
        if chemin.endswith((".xsd", ".wsdl")):
            root = etree.fromstring((await publie.send("GET", RACINE + chemin, client=None)).corps)
            for include in root.iter("{http://www.w3.org/2001/XMLSchema}include"):
                assert chemin.rpartition("/")[0] + "/" + include.get("schemaLocation", "") in CHEMINS


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    "chemin",
    [
        "1",
        "1/",
        "0/specification.html",
        "1/xsd/",
        "1/xsd/autre.xsd",
        "1/xsd/../../../etc/passwd",
        "1/xsd/..%2f..%2fcontract.py",
        "texte.md",
        "1/texte.md",
        "1/specification.html/",
        "%00",
    ],
)
async def test_nothing_else_is_published(publie: Hub, chemin: str) -> None:
    """[SOA-40]"""
    answer = await publie.send("GET", RACINE + chemin, client=None)
    assert answer.statut == 404
    assert "SOA002" in answer.texte


@pytest.mark.asyncio(loop_scope="module")
async def test_it_is_only_read(publie: Hub) -> None:
    """[SOA-40]"""
    answer = await publie.send("POST", RACINE, b"<a/>")
    assert (answer.statut, answer.entetes["Allow"]) == (405, "GET, HEAD")
    assert "SOA003" in answer.texte


@pytest.mark.asyncio(loop_scope="module")
async def test_the_page_loads_and_runs_nothing(publie: Hub) -> None:
    """[SOA-40] Its policy allows the style sheet that it holds, and that alone."""
    chemin = f"{RACINE}{Site().edition}specification.html"
    answer = await publie.send("GET", chemin, headers=IDENTITE, client=None)
    assert "default-src 'none'" in answer.entetes["Content-Security-Policy"]
    page = html.fromstring(answer.corps)
    assert not list(page.iter("script", "img", "iframe", "object", "form"))
    assert [each.get("href") for each in page.iter("link")] == ["data:,"]
    assert not any(each.get("style") or each.get("onclick") for each in page.iter())
