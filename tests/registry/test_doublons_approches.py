"""getDoublons shows what looks alike, and only what the guichet may read (specification, clauses DBL)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from sqlalchemy import Engine

from registry.echanges import ReponseDoublons
from registry.exchanges_store import record_receptions
from registry.guichets import Guichet
from registry.handlers import Traitement
from tests.registry.fabrique import (
    AUTRE_BAILLEUR,
    BAILLEUR,
    COMMUNE,
    DecideurTemoin,
    echange_of,
    horloge,
)
from tests.registry.test_fusion import document, registered


@pytest_asyncio.fixture
async def traitement(engine: Engine) -> AsyncIterator[Traitement]:
    handler = Traitement(engine, horloge(), DecideurTemoin())
    await handler.start()
    yield handler
    await handler.stop()


async def ask(engine: Engine, traitement: Traitement, data: bytes, guichet: Guichet) -> ReponseDoublons:
    echange = echange_of(guichet, data)
    with engine.begin() as conn:
        record_receptions(conn, [echange])
    reponse = await traitement.get_doublons(echange, data)
    assert isinstance(reponse, ReponseDoublons)
    return reponse


async def test_the_most_alike_come_first_weak_signals_included(
    engine: Engine, traitement: Traitement
) -> None:
    """[DBL-5]"""
    faute = registered(engine, document("a", ("Martin", "Katherine", "1980-03-11")))
    meme = registered(engine, document("b"))
    inverse = registered(engine, document("c", ("Martin", "Catherine", "1980-11-03")))
    reponse = await ask(engine, traitement, document("d", guichet="G1226"), AUTRE_BAILLEUR)
    assert reponse.doublons is not None
    texte = reponse.doublons.contenu.decode()
    places = [texte.index(f">{numero}<") for numero in (meme, inverse, faute)]
    assert places == sorted(places)


async def test_a_weak_signal_refuses_no_creation(engine: Engine, traitement: Traitement) -> None:
    """[DBL-4]"""
    registered(engine, document("a", ("Martin", "Katherine", "1980-03-11")))
    assert registered(engine, document("b"))


async def test_a_weak_signal_out_of_reach_is_not_even_counted(engine: Engine, traitement: Traitement) -> None:
    """[DBL-5] The same identity is counted without being shown (DBL102)."""
    ailleurs = (b'"93066"', b'"93001"')
    registered(engine, document("a", ("Martin", "Catherine", "1980-11-03")).replace(*ailleurs))
    demandee = document("d", guichet=COMMUNE.code)
    faible = await ask(engine, traitement, demandee, COMMUNE)
    assert faible == ReponseDoublons()
    registered(engine, document("b").replace(*ailleurs), BAILLEUR)
    certain = await ask(engine, traitement, demandee, COMMUNE)
    assert certain.doublons is None
    assert certain.demande is not None
    assert b"DBL102" in certain.demande.contenu
