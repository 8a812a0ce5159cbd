"""Who calls through a proxy of connections: believed from those of the configuration, and nobody else."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from echangeur.ecoute import bind
from echangeur.roles.http import Ecouteur
from echangeur.roles.proxy import (
    ANNONCE_MAX,
    ENTETE,
    SIGNATURE,
    AnnonceIllisible,
    length_of,
    read_networks,
    source_of,
)
from echangeur.sortie import MauvaisUsage

MANDATAIRE = "127.0.0.2"
APPEL = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def announce(source: str, port: int = 4242, commande: int = 1) -> bytes:
    """What haproxy writes with `send-proxy-v2`, followed by a TLV as it may add."""
    famille = socket.AF_INET6 if ":" in source else socket.AF_INET
    adresse = socket.inet_pton(famille, source)
    suite = adresse + adresse + struct.pack("!HH", port, 8443) + b"\x04\x00\x02ok"
    return (
        SIGNATURE
        + bytes([0x20 | commande, 0x21 if ":" in source else 0x11])
        + struct.pack("!H", len(suite))
        + suite
    )


@pytest.fixture
async def ecouteur() -> AsyncIterator[Ecouteur]:
    """Answers who calls, in clear: what matters comes before TLS."""

    async def tell(request: web.Request) -> web.Response:
        return web.Response(text=request.remote or "")

    app = web.Application()
    app.router.add_get("/", tell)
    sock = bind("0.0.0.0", 0)
    found = Ecouteur(web.AppRunner(app, access_log=None), sock, 5, read_networks([MANDATAIRE]))
    await found.start(None)
    yield found
    await found.drain()


async def ask(ecouteur: Ecouteur, depuis: str, octets: bytes) -> bytes:
    """What is answered to these octets, sent from that address of the machine; nothing when it is cut."""
    port = int(ecouteur.adresse.rpartition(":")[2])
    async with asyncio.timeout(30):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(depuis, 0))
        writer.write(octets)
        try:
            answer = await reader.read()
        except ConnectionResetError:
            answer = b""
        writer.close()
    return answer.rpartition(b"\r\n")[2]


@pytest.mark.parametrize("source", ["192.0.2.7", "2001:db8::7"])
async def test_l_adresse_annoncee_est_crue(ecouteur: Ecouteur, source: str) -> None:
    """[EXP-40]"""
    assert await ask(ecouteur, MANDATAIRE, announce(source) + APPEL) == source.encode()


async def test_le_mandataire_pour_lui_meme(ecouteur: Ecouteur) -> None:
    """[EXP-40] Command LOCAL: its own probes."""
    assert await ask(ecouteur, MANDATAIRE, announce("192.0.2.7", commande=0) + APPEL) == MANDATAIRE.encode()


async def test_personne_d_autre_n_est_cru(ecouteur: Ecouteur) -> None:
    """[EXP-40] From elsewhere, an announce is what it is for HTTP: a bad request."""
    assert await ask(ecouteur, "127.0.0.1", APPEL) == b"127.0.0.1"
    assert b"192.0.2.7" not in await ask(ecouteur, "127.0.0.1", announce("192.0.2.7") + APPEL)


async def test_un_mandataire_annonce_toujours(ecouteur: Ecouteur) -> None:
    """[EXP-40] What does not begin by an announce is cut, and those that follow are served."""
    assert await ask(ecouteur, MANDATAIRE, APPEL) == b""
    assert await ask(ecouteur, MANDATAIRE, announce("192.0.2.7") + APPEL) == b"192.0.2.7"


def test_un_reseau_mal_ecrit() -> None:
    assert len(read_networks(["10.77.0.2", "2001:db8::/32"])) == 2
    with pytest.raises(MauvaisUsage, match="mandataires"):
        read_networks(["10.77.0.2/24"])


@given(st.binary(min_size=ENTETE, max_size=ENTETE), st.binary(max_size=64))
def test_rien_d_autre_ne_sort_que_ce_refus(entete: bytes, suite: bytes) -> None:
    for debut in (b"", SIGNATURE):
        octets = (debut + entete)[:ENTETE]
        try:
            assert length_of(octets) <= ANNONCE_MAX
            source_of(octets, suite)
        except AnnonceIllisible:
            continue
