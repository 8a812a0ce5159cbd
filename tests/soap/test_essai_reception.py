"""Trying a reception endpoint: real names, connections and handshakes; no step that failed is called good."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from certs.autorite import create_autorite
from certs.tls import client_context
from conformance.partenaire_reference import PartenaireReference
from soap.essai_reception import ETAPES, Constatee, is_elsewhere, try_reception
from tests.conformance.pki import Pki


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest_asyncio.fixture
async def partner(pki: Pki) -> AsyncIterator[PartenaireReference]:
    partner = PartenaireReference(pki.serveur())
    await partner.start()
    yield partner
    await partner.stop()


@dataclass
class Page:
    """A server of one answer. vues: the requests that reached it."""

    adresse: str
    vues: list[str]


async def serve(pki: Pki, answer: web.Response) -> tuple[web.AppRunner, Page]:
    app, vues = web.Application(), []

    async def handle(request: web.Request) -> web.Response:
        vues.append(f"{request.method} {request.path_qs}")
        return answer

    app.router.add_route("*", "/{reste:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "localhost", 0, ssl_context=pki.serveur()).start()
    return runner, Page(f"https://localhost:{runner.addresses[0][1]}/services/X/", vues)


async def tried(pki: Pki, adresse: str) -> tuple[Constatee, ...]:
    return await try_reception(adresse, pki.client, locales=True)


async def test_a_good_partner_passes_every_step_and_receives_nothing(
    pki: Pki, partner: PartenaireReference
) -> None:
    """[RAC-4] Name, connection, mutual TLS, HTTP: a reading without effect."""
    found = await tried(pki, partner.adresse)
    assert [each.etape for each in found] == list(ETAPES)
    assert all(each.reussie for each in found), found
    assert "TLSv1.3, certificat valide jusqu'au" in found[2].detail
    assert partner.deliveries == {}


async def test_whoever_refuses_our_certificate_is_told(
    pki: Pki, partner: PartenaireReference, tmp_path: Path
) -> None:
    """[RAC-4] TLS 1.3 lets the client believe that it is in: only the answer tells."""
    now = datetime.now(UTC)
    create_autorite("Une autre", now=now).issue_guichet("HUB01", now=now).write(tmp_path)

    def stranger() -> ssl.SSLContext:
        context = pki.client()
        context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
        return context

    found = await try_reception(partner.adresse, stranger, locales=True)
    assert not found[-1].reussie
    assert "notre certificat" in found[-1].detail


async def test_a_server_of_an_unknown_authority_or_of_another_name_is_refused(
    pki: Pki, partner: PartenaireReference
) -> None:
    """[RAC-4]"""
    unknown = create_autorite("Une autre", now=datetime.now(UTC)).pem
    found = await try_reception(partner.adresse, lambda: client_context(unknown), locales=True)
    assert [each.etape for each in found] == ["adresse", "connexion", "tls"]
    assert "autorité" in found[-1].detail
    named = partner.adresse.replace("localhost", "127.0.0.2").replace("127.0.0.1", "127.0.0.2")
    found = await tried(pki, named)
    assert not found[-1].reussie


@pytest.mark.parametrize(
    ("answer", "reussie", "mot"),
    [
        (web.Response(status=200, text="secret"), True, "HTTP 200"),
        (web.Response(status=405, text="secret"), True, "HTTP 405"),
        (web.Response(status=404, text="secret"), False, "chemin"),
        (web.Response(status=403, text="secret"), False, "certificat"),
        (web.Response(status=503, text="secret"), False, "arrêté"),
        (web.Response(status=302, headers={"Location": "https://localhost:1/secret"}), False, "ailleurs"),
    ],
)
async def test_the_answer_is_told_by_its_status_alone(
    pki: Pki, answer: web.Response, reussie: bool, mot: str
) -> None:
    """[RAC-5] Nothing of what a server answers is shown; no redirection is followed."""
    runner, page = await serve(pki, answer)
    found = await tried(pki, page.adresse)
    await runner.cleanup()
    assert (found[-1].etape, found[-1].reussie) == ("service", reussie)
    assert mot in found[-1].detail
    assert not any("secret" in each.detail for each in found)
    assert page.vues == ["GET /services/X/?wsdl"]


async def test_what_does_not_speak_tls_or_http_is_told(pki: Pki) -> None:
    """[RAC-4] A mail server at the end of the address."""

    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 courrier ESMTP\r\n")
        await writer.drain()
        writer.close()

    for context, etape in ((None, "tls"), (pki.serveur(), "service")):
        server = await asyncio.start_server(greet, "localhost", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        found = await tried(pki, f"https://localhost:{port}/")
        server.close()
        assert (found[-1].etape, found[-1].reussie) == (etape, False), found
        assert "ESMTP" not in found[-1].detail


async def test_a_silent_server_does_not_hold_us(pki: Pki) -> None:
    """[RAC-4] The delay is bounded at each step."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        found = await try_reception(f"https://127.0.0.1:{port}/", pki.client, locales=True, delai=0.2)
    assert (found[-1].etape, found[-1].reussie) == ("tls", False)
    assert "pas de réponse" in found[-1].detail


async def test_a_closed_port_and_an_unknown_name(pki: Pki) -> None:
    """[RAC-4]"""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    found = await tried(pki, f"https://127.0.0.1:{port}/")
    assert found[-1] == Constatee("connexion", False, "connexion refusée : rien n'écoute sur ce port")
    found = await tried(pki, "https://nulle-part.invalid/")
    assert (found[-1].etape, found[-1].reussie) == ("adresse", False)


async def test_this_machine_is_not_tried_unless_the_operator_allows_it(
    pki: Pki, partner: PartenaireReference
) -> None:
    """[RAC-5] A declared address is no way to what listens behind our own doors."""
    found = await try_reception(partner.adresse, pki.client)
    assert [each.reussie for each in found] == [False]
    assert "refusée" in found[0].detail
    assert partner.deliveries == {}


@pytest.mark.parametrize(
    ("address", "elsewhere"),
    [
        ("203.0.114.7", True),
        ("10.1.2.3", True),
        ("2001:4860::1", True),
        ("127.0.0.1", False),
        ("127.8.9.1", False),
        ("0.0.0.0", False),
        ("169.254.169.254", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:169.254.169.254", False),
    ],
)
def test_addresses_that_are_ours(address: str, elsewhere: bool) -> None:
    """[RAC-5] A private network between administrations is elsewhere; the metadata of a cloud is not."""
    assert is_elsewhere(address) is elsewhere
