"""The direct reception of the hub behind a real postfix."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.partenaire_courrier import Piece
from mailflows.reception_smtp import Ecoute, Reception
from schemas.courrier import Verdict
from tests.interop.conftest import Outil
from tests.interop.serveurs import DOMAINE_HUB, Dovecot, Postfix, eventually
from tests.mailflows.conftest import monde, pki_courrier
from tests.mailflows.monde import Monde
from tests.registry.fabrique import generate

__all__ = ["monde", "pki_courrier"]

pytestmark = [pytest.mark.foreign, pytest.mark.slow]

ADRESSE = f"echangeur@{DOMAINE_HUB}"


@pytest.fixture
def sock() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        yield bound


@pytest.fixture
def facteur(
    outil: Outil, etabli: Path, certificats_tls: Path, dovecot: Dovecot, sock: socket.socket
) -> Iterator[Postfix]:
    """A postfix that hands what is for the hub over by LMTP."""
    port = sock.getsockname()[1]
    server = Postfix(
        outil("postfix"),
        etabli / "postfix",
        certificats_tls,
        lmtp=dovecot.lmtp,
        hub=port,
        protocole_hub="lmtp:inet",
    )
    try:
        server.start()
        yield server
    finally:
        server.kill()


async def test_postfix_hands_over_by_lmtp_once_the_hub_is_there(
    monde: Monde, facteur: Postfix, sock: socket.socket
) -> None:
    """[COU-15] [COU-3] Kept by postfix until the hub answers; both addresses, one message."""
    partenaire = monde.partenaire()
    mail = partenaire.compose([Piece("DEM.xml", generate("par postfix"))], message_id="postfix")
    alias = f"demandes@{DOMAINE_HUB}"

    def send() -> None:
        with facteur.connect() as client:
            assert client.sendmail(partenaire.adresse, [ADRESSE, alias], mail) == {}

    await asyncio.to_thread(send)
    assert facteur.waiting == 1
    reception = Reception(monde.engine, monde.clock, Ecoute(frozenset({ADRESSE, alias}), lmtp=True))
    await reception.start(sock)
    try:
        await asyncio.to_thread(eventually, lambda: facteur.waiting == 0, facteur.journal)
        async with asyncio.timeout(30):
            (recu,) = await partenaire.answer_to("postfix@partenaire.example")
    finally:
        await reception.stop()
    assert recu.accuse is not None
    assert recu.accuse.verdict is Verdict.ACCEPTE
    (entrant,) = monde.entrants()
    assert (entrant.source, entrant.expediteur) == ("lmtp", partenaire.adresse)
    assert facteur.journal().count("status=sent (250 2.6.0 Recu") == 2
