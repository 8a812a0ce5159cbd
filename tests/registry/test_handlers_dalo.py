"""The handlers of DALO, on the real database (docs/specification/40-dalo.md)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from sqlalchemy import Engine

from registry import handlers_dalo
from registry.batching import Saturation
from registry.clock import FixedClock
from registry.echanges import Echange, Refus
from registry.exchanges_store import Statut, get_echange, record_receptions
from registry.guichets import Guichet
from registry.handlers_dalo import ReponseDalo, ReponseListe, TraitementDalo
from registry.listes_dates import Criteres
from tests.registry.dalo import (
    ETAT,
    DecideurReleves,
    date_of,
    declaration,
    numbers_in,
    radiate,
    register_demandes,
)
from tests.registry.fabrique import AUTRE_BAILLEUR, echange_of, horloge

DEBUT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def clock() -> FixedClock:
    return horloge()


@pytest_asyncio.fixture
async def traitement(engine: Engine, clock: FixedClock) -> AsyncIterator[TraitementDalo]:
    traitement = TraitementDalo(engine, clock, DecideurReleves(clock))
    await traitement.start()
    yield traitement
    await traitement.stop()


def received(engine: Engine, data: bytes = b"x", guichet: Guichet = ETAT) -> Echange:
    echange = echange_of(guichet, data)
    with engine.begin() as conn:
        record_receptions(conn, [echange])
    return echange


def outcome(engine: Engine, echange: Echange) -> tuple[Statut, str, str]:
    with engine.connect() as conn:
        kept = get_echange(conn, echange.id)
    assert kept is not None
    return kept.statut, kept.code, kept.numero


async def test_declare_then_list(engine: Engine, traitement: TraitementDalo) -> None:
    """[DAL-1] [DAL-8] the declaration answers with the demande; the list shows it to the bailleurs."""
    (numero,) = register_demandes(engine, 1)
    data = declaration(numero)
    echange = received(engine, data)
    reponse = await traitement.get_declaration_nouveau_dalo(echange, data)
    assert isinstance(reponse, ReponseDalo)
    assert b"listeAnomalie" not in reponse.fichier.contenu
    assert reponse.fichier.nom.startswith("DEMG7500-202607011130-")
    assert outcome(engine, echange) == (Statut.ACCEPTE, "", numero)
    demandee = received(engine, guichet=AUTRE_BAILLEUR)
    liste = await traitement.get_nouveaux_dalo_depuis_le(demandee, DEBUT)
    assert isinstance(liste, ReponseListe)
    assert (liste.nombre, numbers_in(liste.fichier.contenu)) == (1, [numero])
    assert liste.fichier.nom.startswith("DALG1226-202607011130-")
    assert outcome(engine, demandee)[0] is Statut.ACCEPTE


async def test_a_refused_declaration_comes_back_with_its_anomalies(
    engine: Engine, traitement: TraitementDalo
) -> None:
    """[DAL-1] [DAL-3] the file sent, with all its anomalies at once."""
    data = declaration("", decision=None)
    echange = received(engine, data)
    reponse = await traitement.get_declaration_nouveau_dalo(echange, data)
    assert isinstance(reponse, ReponseDalo)
    assert b'code="DAL202"' in reponse.fichier.contenu
    assert b'code="DAL204"' in reponse.fichier.contenu
    assert outcome(engine, echange) == (Statut.REFUSE, "DAL202", "")


async def test_a_refusal_by_the_register_comes_back_too(engine: Engine, traitement: TraitementDalo) -> None:
    """[DAL-4] a demande out of reach."""
    data = declaration("1110626000009G1104")
    echange = received(engine, data)
    reponse = await traitement.get_declaration_nouveau_dalo(echange, data)
    assert isinstance(reponse, ReponseDalo)
    assert b'code="GUI103"' in reponse.fichier.contenu
    assert outcome(engine, echange) == (Statut.REFUSE, "GUI103", "")


async def test_a_file_that_is_no_demande_is_a_fault(engine: Engine, traitement: TraitementDalo) -> None:
    """[DAL-1] nothing could carry its anomalies."""
    echange = received(engine)
    assert isinstance(await traitement.get_declaration_nouveau_dalo(echange, b"<a/>"), Refus)
    assert outcome(engine, echange)[0] is Statut.REFUSE


async def test_an_empty_list_has_a_file_and_a_date(engine: Engine, traitement: TraitementDalo) -> None:
    """[DAL-9] without it a partner would not know from when to ask next."""
    liste = await traitement.get_demandes_radiees_depuis_le(received(engine), DEBUT, Criteres())
    assert isinstance(liste, ReponseListe)
    assert (liste.nombre, numbers_in(liste.fichier.contenu)) == (0, [])
    assert date_of(liste.fichier.contenu) > DEBUT


async def test_a_date_without_zone_is_that_of_paris(
    engine: Engine, clock: FixedClock, traitement: TraitementDalo
) -> None:
    """[DAL-7] 11:30 in Paris is the instant of the test: what was seen before is left out."""
    (numero,) = register_demandes(engine, 1)
    with engine.begin() as conn:
        radiate(conn, numero, DecideurReleves(clock))
    for minute, attendus in ((30, [numero]), (31, [])):
        heure = datetime(2026, 7, 1, 11, minute)  # noqa: DTZ001 - without zone on purpose
        liste = await traitement.get_demandes_radiees_depuis_le(received(engine), heure, Criteres())
        assert isinstance(liste, ReponseListe)
        assert numbers_in(liste.fichier.contenu) == attendus


async def test_the_oldest_date_is_allowed(engine: Engine, traitement: TraitementDalo) -> None:
    """[DAL-11] any past date, were it the first of the calendar."""
    premiere = datetime(1, 1, 1)  # noqa: DTZ001 - without zone on purpose
    liste = await traitement.get_nouveaux_dalo_depuis_le(received(engine), premiere)
    assert isinstance(liste, ReponseListe)


async def test_a_date_to_come_is_refused(
    engine: Engine, clock: FixedClock, traitement: TraitementDalo
) -> None:
    """[DAL-12] five minutes are left to the clock of the partner."""
    proche = clock.now() + timedelta(minutes=5)
    assert isinstance(await traitement.get_nouveaux_dalo_depuis_le(received(engine), proche), ReponseListe)
    echange = received(engine)
    refus = await traitement.get_nouveaux_dalo_depuis_le(echange, proche + timedelta(seconds=1))
    assert isinstance(refus, Refus)
    assert outcome(engine, echange) == (Statut.REFUSE, "DAL208", "")


async def test_criteria_hold_codes_of_their_lists(engine: Engine, traitement: TraitementDalo) -> None:
    """[DAL-13] each of the three is checked; all the wrong ones are told."""
    refus = await traitement.get_demandes_radiees_depuis_le(
        received(engine), DEBUT, Criteres("PASUN", "PASUN", "PASUN")
    )
    assert isinstance(refus, Refus)
    assert [(each.code, each.propriete) for each in refus.anomalies] == [
        ("DAL207", "motifRadiation"),
        ("DAL207", "statutDalo"),
        ("DAL207", "typeReservataire"),
    ]


async def test_a_file_sent_at_once_by_many_makes_one_version(
    engine: Engine, traitement: TraitementDalo
) -> None:
    """[DAL-6] in one batch or several."""
    (numero,) = register_demandes(engine, 1)
    data = declaration(numero)
    echanges = [received(engine, data) for _ in range(12)]
    reponses = await asyncio.gather(
        *(traitement.get_declaration_nouveau_dalo(echange, data) for echange in echanges)
    )
    assert len({each.fichier.contenu for each in reponses if isinstance(each, ReponseDalo)}) == 1
    statuts = [outcome(engine, echange)[0] for echange in echanges]
    assert sorted(statuts) == sorted([Statut.ACCEPTE] + [Statut.REJEU] * 11)


async def test_too_many_lists_at_once_are_put_off(
    engine: Engine, traitement: TraitementDalo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """[DAL-9] a list holds a connection while it is written: those in excess are told to come back."""
    monkeypatch.setattr(handlers_dalo, "LISTES_MAX", 0)
    echange = received(engine)
    with pytest.raises(Saturation):
        await traitement.get_nouveaux_dalo_depuis_le(echange, DEBUT)
    assert outcome(engine, echange)[0] is Statut.ECHEC
