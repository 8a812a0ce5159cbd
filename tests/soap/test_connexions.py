"""What is no HTTP request: an answer in French, without an echo, and nothing nominative in the logs."""

from __future__ import annotations

import asyncio
import logging
import re
import uuid

import pytest

from tests.soap.conftest import CHEMIN, Hub
from tests.soap.messages import CLAIR, inline_num_unique

NOMINATIF = "Mme-DUPONT"
REQUETE = f"POST {CHEMIN} HTTP/1.1\r\nHost: x\r\nContent-Type: {CLAIR}\r\n"
PAS_HTTP = [
    ("no HTTP at all", f"<nom>{NOMINATIF}</nom>\r\n\r\n"),
    ("header too long", f"{REQUETE}X: {NOMINATIF * 2000}\r\n\r\n"),
    ("too many headers", REQUETE + "".join(f"X-{n}: {NOMINATIF}\r\n" for n in range(300)) + "\r\n"),
    ("two lengths", f"{REQUETE}Content-Length: 5\r\nContent-Length: 6; {NOMINATIF}\r\n\r\n"),
    ("length and chunks", f"{REQUETE}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
]


async def exchange(hub: Hub, data: bytes) -> str:
    """All that the hub answers to `data` until it ends the connection."""
    reader, writer = await asyncio.open_connection("localhost", hub.port, ssl=hub.pki.client("G1104"))
    writer.write(data)
    answer = await reader.read()
    writer.close()
    return answer.decode()


@pytest.mark.parametrize(("case", "text"), PAS_HTTP, ids=[case for case, _ in PAS_HTTP])
async def test_what_is_not_http_is_refused_in_french(
    hub: Hub, case: str, text: str, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = await exchange(hub, text.encode())
    assert answer.startswith("HTTP/1.0 400 "), case
    assert "SOA009 : Ce qui est arrivé n'est pas une requête HTTP lisible" in answer
    identifiant = re.search("Echange-Id: (.*)\r\n", answer)
    assert identifiant is not None
    assert uuid.UUID(identifiant[1]).version == 7
    logged = caplog.text + "".join(capsys.readouterr())
    assert identifiant[1] in logged
    assert NOMINATIF not in answer + logged
    assert not re.search("aiohttp|Python|Traceback", answer)
    assert "Traceback" not in logged


async def test_a_length_announced_too_short_does_not_log_the_rest_of_the_document(
    hub: Hub, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """The rest of the body comes where the next request should be."""
    body = inline_num_unique().replace(b"DEMG1226", NOMINATIF.encode())
    with caplog.at_level(logging.DEBUG):
        answer = await exchange(hub, f"{REQUETE}Content-Length: 60\r\n\r\n".encode() + body)
    assert "SOA009" in answer
    assert NOMINATIF not in answer
    assert NOMINATIF not in caplog.text + "".join(capsys.readouterr())


@pytest.mark.parametrize(("client", "code"), [("INCON", "GUI001"), (None, "SOA001")])
async def test_a_request_refused_unread_leaves_a_line_for_the_operator(
    hub: Hub, client: str | None, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """No exchange is kept of it, and the partner gives the operator its identifier."""
    answer = await hub.post(inline_num_unique(), CLAIR, client=client)
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "avant lecture" in line]
    assert answer.entetes["Echange-Id"] in line
    assert code in line
    assert client is None or hub.pki.empreinte(client) in line
    assert NOMINATIF not in line
