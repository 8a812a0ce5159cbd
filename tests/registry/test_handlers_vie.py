"""The facts of a life through the handlers that both edges call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta

import pytest
import pytest_asyncio
from sqlalchemy import Engine, func, select

from registry import anomalies_demande, anomalies_vie
from registry.clock import FixedClock
from registry.echanges import Echange, ReponseDemandeLogement, ReponseNumUnique
from registry.exchanges_store import Statut, get_echange
from registry.guichets import Guichet
from registry.handlers import Traitement
from registry.tables import JOURNAL
from schemas.documents import DEMANDES, Document, read_document
from tests.registry.fabrique import (
    AUTRE_BAILLEUR,
    BAILLEUR,
    COMMUNE,
    DecideurTemoin,
    demande_of,
    echange_of,
    generate,
    horloge,
)
from tests.registry.test_handlers import codes
from tests.registry.vies import numero_of, sent


@pytest.fixture
def clock() -> FixedClock:
    return horloge()


@pytest_asyncio.fixture
async def traitement(engine: Engine, clock: FixedClock) -> AsyncIterator[Traitement]:
    traitement = Traitement(engine, clock, DecideurTemoin())
    await traitement.start()
    yield traitement
    await traitement.stop()


async def send(
    traitement: Traitement, clock: FixedClock, data: bytes, guichet: Guichet = BAILLEUR
) -> tuple[bytes, Echange]:
    echange = echange_of(guichet, data, clock.now())
    await traitement.receive(echange)
    reponse = await traitement.get_num_unique(echange, data)
    assert isinstance(reponse, ReponseNumUnique)
    return reponse.demande.contenu, echange


async def test_a_modification_is_answered_and_read(
    traitement: Traitement, clock: FixedClock, engine: Engine
) -> None:
    """[VIE-5] [VIE-10] [VIE-16] The answer, the reading and the replay are the same version."""
    document, _ = await send(traitement, clock, generate(1, communes=["75113"]))
    clock.advance(timedelta(hours=1))
    data = sent(document, "MOD", ('commune code="75113"', 'commune code="75112"'), ecrit=clock.now())
    reponse, echange = await send(traitement, clock, data)
    assert demande_of(reponse).communes_souhaitees == ("75112",)
    lue = await traitement.get_demande_logement(echange_of(AUTRE_BAILLEUR), numero_of(document))
    assert isinstance(lue, ReponseDemandeLogement)
    assert lue.demande.contenu == reponse
    clock.advance(timedelta(days=1))
    assert (await send(traitement, clock, data))[0] == reponse
    with engine.connect() as conn:
        connu = get_echange(conn, echange.id)
        assert conn.scalar(select(func.count()).select_from(JOURNAL)) == 2
    assert connu is not None
    assert (connu.statut, connu.numero) == (Statut.ACCEPTE, numero_of(document))


async def test_a_refused_change_tells_all_and_changes_nothing(
    traitement: Traitement, clock: FixedClock, engine: Engine
) -> None:
    """[VIE-5] Every anomaly at once, in a valid document."""
    document, _ = await send(traitement, clock, generate(1, date_creation=date(2026, 6, 15)))
    data = sent(document, "REN", ("2026-06-15</ns1:dateCreation", "2026-06-14</ns1:dateCreation"))
    reponse, echange = await send(traitement, clock, data)
    assert codes(reponse) == [
        anomalies_vie.SANS_RENOUVELLEMENT.code,
        anomalies_vie.DEPOT_DISCORDANT.code,
    ]
    assert isinstance(read_document(reponse, DEMANDES), Document)
    with engine.connect() as conn:
        connu = get_echange(conn, echange.id)
        assert conn.scalar(select(func.count()).select_from(JOURNAL)) == 1
    assert connu is not None
    assert (connu.statut, connu.code) == (Statut.REFUSE, anomalies_vie.SANS_RENOUVELLEMENT.code)


async def test_a_copy_is_a_reading(traitement: Traitement, clock: FixedClock, engine: Engine) -> None:
    """[VIE-80] Of type COP, traced, without effect; out of reach, as a reading."""
    document, _ = await send(traitement, clock, generate(1, communes=["75113"]))
    copie, echange = await send(
        traitement, clock, sent(document, "COP", guichet=AUTRE_BAILLEUR), AUTRE_BAILLEUR
    )
    assert demande_of(copie).type_fichier == "COP"
    assert numero_of(copie) == numero_of(document)
    with engine.connect() as conn:
        connu = get_echange(conn, echange.id)
        assert conn.scalar(select(func.count()).select_from(JOURNAL)) == 1
    assert connu is not None
    assert (connu.statut, connu.numero) == (Statut.ACCEPTE, numero_of(document))
    refus, _ = await send(traitement, clock, sent(document, "COP", guichet=COMMUNE), COMMUNE)
    assert codes(refus) == [anomalies_demande.DEMANDE_HORS_PORTEE.code]
    numero = f"<ns1:numUnique>{numero_of(document)}</ns1:numUnique>"
    sans, _ = await send(traitement, clock, sent(document, "COP", (numero, "")))
    assert codes(sans) == [anomalies_vie.SANS_NUMERO.code]
