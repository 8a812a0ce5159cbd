"""The reading of a mailbox, where its timing matters: a real dovecot, a relay that goes silent."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from mailflows.boite_imap import BoiteImap, BoiteInjoignable, ParametresBoite
from mailflows.releve_imap import ReleveImap
from registry.clock import FixedClock
from tests.interop.relais import Relais
from tests.interop.serveurs import MOT_DE_PASSE, Dovecot

pytestmark = [pytest.mark.foreign, pytest.mark.slow]

BOITE = "echangeur"
MAIL = b"Subject: x\r\n\r\nbonjour\r\n"


def parametres(port: int, certificats: Path, *, delai: float, repos: float) -> ParametresBoite:
    context = ssl.create_default_context(cafile=str(certificats / "ca.pem"))
    return ParametresBoite("localhost", port, BOITE, MOT_DE_PASSE, contexte=context, delai=delai, repos=repos)


async def until_kept(engine: Engine, number: int) -> None:
    def count() -> int:
        with engine.connect() as conn:
            return int(conn.execute(text("SELECT count(*) FROM courrier_entrant")).scalar_one())

    async with asyncio.timeout(60):
        while await asyncio.to_thread(count) < number:
            await asyncio.sleep(0.05)


async def test_found_what_came_while_others_were_moved_waited_for_the_end_of_the_idle(
    dovecot: Dovecot,
    certificats_tls: Path,
    engine: Engine,
    clock: FixedClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """[COU-9] Its EXISTS came in the answer to the move, and the IDLE after it says nothing of it again."""
    dovecot.deliver(BOITE, MAIL)
    settings = parametres(dovecot.imaps, certificats_tls, delai=20, repos=280)
    releve = ReleveImap(engine, clock, settings, 1 << 20)
    boite = await BoiteImap.open(settings)
    assert await releve.collect(boite) == 1
    await boite.close()
    with engine.begin() as conn:
        conn.execute(text("UPDATE courrier_entrant SET etat = 'traite'"))
    move = BoiteImap.move

    async def arrive_then_move(self: BoiteImap, uid: int, dossier: str) -> None:
        await asyncio.to_thread(dovecot.deliver, BOITE, MAIL)
        await move(self, uid, dossier)

    monkeypatch.setattr(BoiteImap, "move", arrive_then_move)
    await releve.start()
    try:
        await until_kept(engine, 2)
    finally:
        await releve.stop()


@pytest.mark.parametrize("rang", [1, 2, 3])
async def test_what_comes_between_two_commands_does_not_wait_for_the_end_of_the_idle(
    dovecot: Dovecot,
    certificats_tls: Path,
    engine: Engine,
    clock: FixedClock,
    monkeypatch: pytest.MonkeyPatch,
    rang: int,
) -> None:
    """[COU-9] Dovecot ends a SEARCH, which does not find it, by its EXISTS; the IDLE after it is silent, but
    for RECENT, which another client takes away (RFC 9051 has none)."""
    call = BoiteImap._call
    commands = 0

    async def arrive_then_call(self: BoiteImap, awaited: Any, what: str, delai: float | None = None) -> Any:
        nonlocal commands
        if what in {"ouverture", "recherche"}:
            commands += 1
            if commands == rang:
                await asyncio.to_thread(dovecot.deliver, BOITE, MAIL)
                await asyncio.to_thread(dovecot.count, BOITE)
        return await call(self, awaited, what, delai)

    monkeypatch.setattr(BoiteImap, "_call", arrive_then_call)
    settings = parametres(dovecot.imaps, certificats_tls, delai=20, repos=280)
    releve = ReleveImap(engine, clock, settings, 1 << 20)
    await releve.start()
    try:
        await until_kept(engine, 1)
    finally:
        await releve.stop()


async def test_half_open_connection_is_given_up_and_opened_again(
    dovecot: Dovecot, certificats_tls: Path, engine: Engine, clock: FixedClock
) -> None:
    """[COU-9] Nothing goes through any more, and nobody says so: neither FIN nor RST."""
    relais = Relais(dovecot.imaps)
    settings = parametres(relais.port, certificats_tls, delai=2, repos=2)
    releve = ReleveImap(engine, clock, settings, 1 << 20)
    await releve.start()
    try:
        dovecot.deliver(BOITE, MAIL)
        await until_kept(engine, 1)
        opened = relais.accepted
        relais.freeze()
        dovecot.deliver(BOITE, MAIL)
        async with asyncio.timeout(60):
            while relais.accepted == opened:
                await asyncio.sleep(0.05)
        relais.thaw()
        await until_kept(engine, 2)
    finally:
        await releve.stop()
        relais.close()


async def test_half_open_connection_fails_the_call(dovecot: Dovecot, certificats_tls: Path) -> None:
    """[COU-9] Within the time given to one call."""
    relais = Relais(dovecot.imaps)
    boite = await BoiteImap.open(parametres(relais.port, certificats_tls, delai=1, repos=60))
    try:
        relais.freeze()
        async with asyncio.timeout(20):
            with pytest.raises(BoiteInjoignable, match="pas de réponse"):
                await boite.uids()
    finally:
        await boite.close()
        relais.close()
