"""The handlers of both edges, on the real database."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
import pytest_asyncio
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import DBAPIError

from registry import anomalies_demande as catalogue
from registry import anomalies_document
from registry.clock import FixedClock
from registry.echanges import (
    Echange,
    Refus,
    ReponseDemandeLogement,
    ReponseDoublons,
    ReponseNumUnique,
)
from registry.exchanges_store import EchangeConnu, Statut, get_echange
from registry.guichets import Guichet
from registry.handlers import Traitement
from registry.numero_unique import parse
from registry.tables import DEMANDE, ECHANGE, IDENTITE, JOURNAL
from registry.verification import verify
from schemas.documents import Document as Valide
from schemas.documents import DocumentKind, read_document
from schemas.generation import generate_demandes
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

VIDE = (
    b'<n:interfaceNuu xmlns:n="http://nuu.application.i2/" versionInterface="02.01">'
    b"<n:entete/><n:demande/></n:interfaceNuu>"
)
NOM = re.compile(r"DEMG1104-202607011130-[0-9]{6}\.xml")


@pytest.fixture
def clock() -> FixedClock:
    return horloge()


@pytest.fixture
def temoin() -> DecideurTemoin:
    return DecideurTemoin()


@pytest_asyncio.fixture
async def traitement(engine: Engine, clock: FixedClock, temoin: DecideurTemoin) -> AsyncIterator[Traitement]:
    traitement = Traitement(engine, clock, temoin)
    await traitement.start()
    yield traitement
    await traitement.stop()


async def send(
    traitement: Traitement, data: bytes, guichet: Guichet = BAILLEUR
) -> tuple[ReponseNumUnique | Refus, Echange]:
    echange = echange_of(guichet, data)
    await traitement.receive(echange)
    return await traitement.get_num_unique(echange, data), echange


async def accepted(traitement: Traitement, data: bytes, guichet: Guichet = BAILLEUR) -> str:
    reponse, _ = await send(traitement, data, guichet)
    assert isinstance(reponse, ReponseNumUnique)
    numero = demande_of(reponse.demande.contenu).num_unique
    assert numero is not None, reponse.demande.contenu.decode()
    return numero


def outcome(engine: Engine, echange: Echange) -> EchangeConnu:
    with engine.connect() as conn:
        connu = get_echange(conn, echange.id)
    assert connu is not None
    return connu


def codes(contenu: bytes) -> list[str]:
    return re.findall(r'<ns1:anomalie code="([A-Z0-9]+)"', contenu.decode())


async def test_a_demande_is_registered_and_answered(traitement: Traitement, engine: Engine) -> None:
    """[ENR-1]"""
    reponse, echange = await send(traitement, generate(1, date_creation=date(2026, 6, 15)))
    assert isinstance(reponse, ReponseNumUnique)
    assert NOM.fullmatch(reponse.demande.nom)
    connu = outcome(engine, echange)
    assert (connu.statut, connu.numero) == (Statut.ACCEPTE, "1110626000001G1104")
    assert connu.termine_le is not None


async def test_a_resend_gets_the_first_answer(
    traitement: Traitement, clock: FixedClock, engine: Engine
) -> None:
    """Byte for byte, name included, however much later."""
    data = generate(1)
    premiere, _ = await send(traitement, data)
    clock.advance(timedelta(days=2))
    seconde, echange = await send(traitement, data)
    assert seconde == premiere
    assert outcome(engine, echange).statut is Statut.REJEU


async def test_a_refusal_carries_every_anomaly_in_a_valid_document(
    traitement: Traitement, engine: Engine
) -> None:
    """[ENR-2]"""
    reponse, echange = await send(traitement, generate(1, communes=["99999"], num_unique="X"))
    assert isinstance(reponse, ReponseNumUnique)
    assert codes(reponse.demande.contenu) == [
        catalogue.NUMERO_PRESENT.code,
        catalogue.COMMUNE_INCONNUE.code,
    ]
    assert isinstance(read_document(reponse.demande.contenu, frozenset(DocumentKind)), Valide)
    connu = outcome(engine, echange)
    assert (connu.statut, connu.code) == (Statut.REFUSE, catalogue.NUMERO_PRESENT.code)


async def test_a_doublon_is_refused_with_the_demande_it_resembles(traitement: Traitement) -> None:
    """[ENR-21]"""
    numero = await accepted(traitement, generate(1, avec_cotitulaire=False))
    reponse, _ = await send(traitement, generate(1, AUTRE_BAILLEUR, avec_cotitulaire=False), AUTRE_BAILLEUR)
    assert isinstance(reponse, ReponseNumUnique)
    contenu = reponse.demande.contenu.decode()
    assert codes(reponse.demande.contenu) == [catalogue.DOUBLON.code]
    assert f"<ns1:doublon><ns1:numUnique>{numero}</ns1:numUnique>" in contenu
    assert isinstance(read_document(reponse.demande.contenu, frozenset(DocumentKind)), Valide)


@pytest.mark.parametrize(
    ("fichier", "attendue"),
    [
        (b"", anomalies_document.DOCUMENT_ILLISIBLE),
        (b"pas du XML", anomalies_document.DOCUMENT_ILLISIBLE),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', anomalies_document.DOCUMENT_DEFENDU),
        (b"<a/>", anomalies_document.DOCUMENT_INATTENDU),
        (VIDE, anomalies_document.DOCUMENT_INVALIDE),
        (b"<a>" * 500 + b"</a>" * 500, anomalies_document.DOCUMENT_DEMESURE),
    ],
)
async def test_a_file_that_is_no_demande_has_its_own_refusal(
    traitement: Traitement, engine: Engine, fichier: bytes, attendue: object
) -> None:
    reponse, echange = await send(traitement, fichier)
    assert isinstance(reponse, Refus)
    assert reponse.anomalies[0].type is attendue
    connu = outcome(engine, echange)
    assert (connu.statut, connu.code) == (Statut.REFUSE, reponse.anomalies[0].code)


async def test_one_bad_item_hurts_nobody_and_is_marked(
    traitement: Traitement, temoin: DecideurTemoin, engine: Engine
) -> None:
    """The decision of one demande fails in the database: the others of its batch are registered."""
    fichiers = list(generate_demandes(1, 30))
    fautif = next(n for n, data in enumerate(fichiers) if demande_of(data).ref_interne and n > 5)
    temoin.refuse = {demande_of(fichiers[fautif]).ref_interne}
    echanges = [echange_of(octets=data) for data in fichiers]
    await asyncio.gather(*(traitement.receive(echange) for echange in echanges))
    reponses = await asyncio.gather(
        *(traitement.get_num_unique(e, data) for e, data in zip(echanges, fichiers, strict=True)),
        return_exceptions=True,
    )
    assert [n for n, r in enumerate(reponses) if isinstance(r, DBAPIError)] == [fautif]
    assert sum(isinstance(r, ReponseNumUnique) for r in reponses) == 29
    assert outcome(engine, echanges[fautif]).statut is Statut.ECHEC
    with engine.connect() as conn:
        assert verify(conn).intact
        assert conn.scalar(select(func.count()).select_from(DEMANDE)) == 29


async def test_reading_gives_the_demande_under_a_new_header(
    traitement: Traitement, clock: FixedClock, engine: Engine
) -> None:
    """[ENR-30]"""
    numero = await accepted(traitement, generate(1))
    clock.advance(timedelta(hours=1))
    echange = echange_of(AUTRE_BAILLEUR)
    await traitement.receive(echange)
    reponse = await traitement.get_demande_logement(echange, f" {numero}\n")
    assert isinstance(reponse, ReponseDemandeLogement)
    assert reponse.demande.nom.startswith("DEMG1226-202607011230-")
    lue = demande_of(reponse.demande.contenu)
    assert (lue.num_unique, lue.type_fichier, lue.date_fichier) == (numero, "RET", clock.now())
    connu = outcome(engine, echange)
    assert (connu.statut, connu.numero) == (Statut.ACCEPTE, numero)


async def test_unknown_and_unreadable_are_the_same_refusal(traitement: Traitement) -> None:
    """[ENR-32] Telling them apart would tell who has a demande (regles §5)."""
    numero = await accepted(traitement, generate(1, communes=["75113"]))
    refus = await traitement.get_demande_logement(echange_of(COMMUNE), numero)
    inconnu = await traitement.get_demande_logement(echange_of(COMMUNE), "1110626000002G1104")
    assert isinstance(refus, Refus)
    assert isinstance(inconnu, Refus)
    assert refus.anomalies[0].type is inconnu.anomalies[0].type is catalogue.DEMANDE_HORS_PORTEE
    assert refus.anomalies[0].message == inconnu.anomalies[0].message.replace("1110626000002G1104", numero)


async def test_a_demande_no_longer_active_is_not_listed_as_a_doublon(
    traitement: Traitement, engine: Engine
) -> None:
    await accepted(traitement, generate(1))
    with engine.begin() as conn:
        conn.execute(IDENTITE.update().values(active=False))
    reponse = await traitement.get_doublons(echange_of(AUTRE_BAILLEUR), generate(1, AUTRE_BAILLEUR))
    assert reponse == ReponseDoublons()


async def test_doublons_are_listed_in_a_document_of_their_own(traitement: Traitement) -> None:
    """[ENR-23]"""
    numero = await accepted(traitement, generate(1, avec_cotitulaire=True, lien="M"))
    reponse = await traitement.get_doublons(
        echange_of(AUTRE_BAILLEUR), generate(1, AUTRE_BAILLEUR, avec_cotitulaire=True, lien="M")
    )
    assert reponse.doublons is not None
    assert reponse.demande is None
    assert reponse.doublons.nom.startswith("DBLG1226-202607011130-")
    document = read_document(reponse.doublons.contenu, frozenset({DocumentKind.DOUBLONS}))
    assert isinstance(document, Valide)
    assert numero.encode() in reponse.doublons.contenu


async def test_no_doublon_is_an_answer_without_a_file(traitement: Traitement) -> None:
    """[ENR-23]"""
    assert await traitement.get_doublons(echange_of(), generate(1)) == ReponseDoublons()


async def test_a_demande_is_no_doublon_of_itself(traitement: Traitement) -> None:
    """[ENR-23]"""
    numero = await accepted(traitement, generate(1))
    sien = generate(1, type_fichier="MOD", num_unique=numero)
    assert await traitement.get_doublons(echange_of(), sien) == ReponseDoublons()


async def test_a_doublon_out_of_reach_is_told_and_not_shown(traitement: Traitement) -> None:
    numero = await accepted(traitement, generate(1, communes=["75113"], avec_cotitulaire=False))
    reponse = await traitement.get_doublons(
        echange_of(COMMUNE), generate(1, COMMUNE, communes=["75113"], avec_cotitulaire=False)
    )
    assert reponse.doublons is None
    assert reponse.demande is not None
    assert codes(reponse.demande.contenu) == [catalogue.DOUBLON_HORS_PERIMETRE.code]
    assert numero.encode() not in reponse.demande.contenu


async def test_a_search_for_another_guichet_or_an_association_is_refused(traitement: Traitement) -> None:
    autre = await traitement.get_doublons(echange_of(AUTRE_BAILLEUR), generate(1))
    association = await traitement.get_doublons(echange_of(), generate(1, association=True))
    assert isinstance(autre, ReponseDoublons)
    assert isinstance(association, ReponseDoublons)
    assert autre.demande is not None
    assert association.demande is not None
    assert codes(autre.demande.contenu) == [catalogue.GUICHET_DISCORDANT.code]
    assert codes(association.demande.contenu) == [catalogue.DOUBLON_SANS_PERSONNE.code]


async def test_a_failure_of_reading_is_raised_to_the_edge(traitement: Traitement, engine: Engine) -> None:
    with engine.begin() as conn:
        conn.exec_driver_sql("ALTER TABLE detention RENAME TO detention_perdue")
    echange = echange_of()
    await traitement.receive(echange)
    with pytest.raises(DBAPIError):
        await traitement.get_demande_logement(echange, "1110626000001G1104")
    assert outcome(engine, echange).statut is Statut.ECHEC


@pytest.mark.slow
async def test_two_thousand_concurrent_registrations(
    traitement: Traitement, temoin: DecideurTemoin, engine: Engine, clock: FixedClock
) -> None:
    """16 clients × 125 over two hubs on one database: distinct contiguous numbers, an unbroken chain, one
    event for each demande, in the order of the journal."""
    second = Traitement(engine, clock, temoin)
    await second.start()
    guichets = [BAILLEUR, AUTRE_BAILLEUR, replace(BAILLEUR, code="G1300")]
    # Two months: two counters. Those who draw the same person force: everybody must get a number.
    fichiers = [
        list(
            generate_demandes(
                f"client {n}",
                125,
                guichet=guichets[n % 3].code,
                date_creation=date(2026, 5 + n % 2, 12),
                forcer_doublon=True,
            )
        )
        for n in range(16)
    ]

    async def client(n: int) -> list[str]:
        hub = (traitement, second)[n // 2 % 2]
        return [await accepted(hub, data, guichets[n % 3]) for data in fichiers[n]]

    numeros = [n for donnes in await asyncio.gather(*map(client, range(16))) for n in donnes]
    await second.stop()
    assert len(numeros) == len(set(numeros)) == 2000
    par_mois: dict[int, list[int]] = {5: [], 6: []}
    for numero in map(parse, numeros):
        assert numero is not None
        par_mois[numero.mois].append(numero.sequence)
    assert all(sorted(sequences) == list(range(1, 1001)) for sequences in par_mois.values())
    with engine.connect() as conn:
        rapport = verify(conn)
        assert rapport.intact, rapport
        assert rapport.chaine.entrees == 2000
        assert list(conn.scalars(select(JOURNAL.c.numero).order_by(JOURNAL.c.sequence))) == [
            evenement.numero for evenement in temoin.evenements
        ]
        statuts = conn.execute(select(ECHANGE.c.statut, func.count()).group_by(ECHANGE.c.statut)).all()
    assert [tuple(ligne) for ligne in statuts] == [("accepte", 2000)]
