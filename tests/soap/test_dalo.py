"""The three DALO operations over mutual TLS, by zeep from the published WSDL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest
import pytest_asyncio
import requests
import zeep
from sqlalchemy import Engine

from registry import handlers_dalo
from registry.annexes import BLOC
from registry.clock import FixedClock
from registry.guichets import TypeGuichet
from registry.handlers import Traitement
from registry.handlers_dalo import TraitementDalo
from soap.faults import NS_SOAP, NS_WS
from soap.operations_dalo import operations_dalo
from soap.server import _keep_nothing
from tests.registry.dalo import (
    DecideurReleves,
    date_of,
    declaration,
    declare_all,
    numbers_in,
    radiate,
    register_demandes,
)
from tests.registry.fabrique import AUTRE_BAILLEUR, BAILLEUR, horloge
from tests.soap.conftest import Hub, Pki, start_server, stop_hub

ETAT = replace(AUTRE_BAILLEUR, type=TypeGuichet.ETAT)
"""Bears the certificate of G1226."""
DEBUT = datetime(2026, 1, 1, tzinfo=UTC)
VIDE = {"nomCertificat": "", "certificat": b""}

T = TypeVar("T")


@pytest.fixture
def clock() -> FixedClock:
    return horloge()


@pytest_asyncio.fixture
async def hub(engine: Engine, clock: FixedClock, pki: Pki) -> AsyncIterator[Hub]:
    decideur = DecideurReleves(clock)
    traitement, dalo = Traitement(engine, clock, decideur), TraitementDalo(engine, clock, decideur)
    await traitement.start()
    await dalo.start()
    autres = operations_dalo(dalo, clock, _keep_nothing)
    runner, port = await start_server(pki, traitement, clock, [BAILLEUR, ETAT], autres=autres)
    yield Hub(port, pki)
    await stop_hub(runner)
    await dalo.stop()
    await traitement.stop()


async def call(hub: Hub, guichet: str, talk: Callable[[Any], T]) -> T:
    """What zeep gets, as that guichet."""

    def work() -> T:
        with requests.Session() as session:
            session.trust_env = False  # REQUESTS_CA_BUNDLE would win over `verify`
            folder = hub.pki.dossier / guichet
            session.cert = (str(folder / "cert.pem"), str(folder / "key.pem"))
            session.verify = str(folder / "ca.pem")
            # A connection kept open would outlive the loop of the test.
            session.headers["Connection"] = "close"
            address = f"{hub.adresse}/services/DemandeLogementImplService?wsdl"
            return talk(zeep.Client(address, transport=zeep.Transport(session=session)).service)

    return await asyncio.to_thread(work)


async def test_declared_listed_radiated_listed(hub: Hub, engine: Engine, clock: FixedClock) -> None:
    """[DAL-1] [DAL-8] [DAL-9] [DAL-13] the whole round, each answer in its fields."""
    (numero,) = register_demandes(engine, 1)

    declared = await call(
        hub,
        "G1226",
        lambda service: service.getDeclarationNouveauDalo(
            nomFichierDalo="a.xml", fichierDalo=declaration(numero, guichet="G1226"), **VIDE
        ),
    )
    assert declared["nomFichierDalo"].startswith("DEMG1226-")
    assert b'statutDalo ns1:modifie="true" code="ACTIF"' in _marked(declared["fichierDalo"]["_value_1"])
    new = await call(
        hub,
        "G1104",
        lambda service: service.getNouveauxDaloDepuisLe(dateNouveauDaloDepuisLe=DEBUT, **VIDE),
    )
    liste = new["fichierNouveauxDalo"]["_value_1"]
    assert (new["nomFichierNouveauxDalo"][:9], numbers_in(liste)) == ("DALG1104-", [numero])
    again = await call(
        hub,
        "G1104",
        lambda service: service.getNouveauxDaloDepuisLe(dateNouveauDaloDepuisLe=date_of(liste), **VIDE),
    )
    assert numbers_in(again["fichierNouveauxDalo"]["_value_1"]) == []
    with engine.begin() as conn:
        radiate(conn, numero, DecideurReleves(clock), "RADATT", "PPRIOR")
    for statut, attendus in (("ACTIF", [numero]), ("CADUC", [])):
        criteres = {
            "motifRadiation": {"code": "RADATT"},
            "statutDalo": {"code": statut},
            "typeReservataire": {"code": "PPRIOR"},
        }
        radiated = await call(
            hub,
            "G1104",
            lambda service, criteres=criteres: service.getDemandesRadieesDepuisLe(
                dateRadiationDepuisLe=DEBUT, **criteres, **VIDE
            ),
        )
        assert radiated["nomFichierDemandesRadiees"].startswith("RADG1104-")
        assert numbers_in(radiated["fichierDemandesRadiees"]["_value_1"]) == attendus


def _marked(document: bytes) -> bytes:
    """The order of the attributes is of no meaning."""
    return document.replace(b'code="ACTIF" ns1:modifie="true"', b'ns1:modifie="true" code="ACTIF"')


async def test_a_bailleur_does_not_declare(hub: Hub, engine: Engine) -> None:
    """[DAL-2] the anomaly comes back in the file."""
    (numero,) = register_demandes(engine, 1)
    refused = await call(
        hub,
        "G1104",
        lambda service: service.getDeclarationNouveauDalo(
            nomFichierDalo="a.xml", fichierDalo=declaration(numero, guichet="G1104"), **VIDE
        ),
    )
    assert b'code="DAL201"' in refused["fichierDalo"]["_value_1"]


@pytest.mark.parametrize("client", ["zeep", "mtom"])
async def test_a_large_list_leaves_as_it_is_read(
    hub: Hub, engine: Engine, clock: FixedClock, monkeypatch: pytest.MonkeyPatch, client: str
) -> None:
    """[DAL-9] from its file, inline to those who speak so, in a part of its own to the others."""
    monkeypatch.setattr(handlers_dalo, "EN_MEMOIRE", 1000)
    numeros = register_demandes(engine, 60)
    declare_all(engine, [declaration(each) for each in numeros], clock)
    if client == "zeep":
        answer = await call(
            hub,
            "G1104",
            lambda service: service.getNouveauxDaloDepuisLe(dateNouveauDaloDepuisLe=DEBUT, **VIDE),
        )
        liste = answer["fichierNouveauxDalo"]["_value_1"]
    else:
        envelope = (
            f'<s:Envelope xmlns:s="{NS_SOAP}"><s:Body><w:nouveauxDaloDepuisLeParametres xmlns:w="{NS_WS}">'
            "<dateNouveauDaloDepuisLe>2026-01-01T00:00:00Z</dateNouveauDaloDepuisLe><nomCertificat/><certificat/>"
            "</w:nouveauxDaloDepuisLeParametres></s:Body></s:Envelope>"
        )
        kind = 'multipart/related; type="application/xop+xml"; boundary=B'
        part = 'Content-Type: application/xop+xml; type="application/soap+xml"\r\n\r\n'
        reponse = await hub.post(f"--B\r\n{part}{envelope}\r\n--B--\r\n".encode(), kind)
        assert (reponse.statut, reponse.entetes["Content-Length"]) == (200, str(len(reponse.corps)))
        debut, fin = b"<ns1:listeDemandes ", b"</ns1:listeDemandes>"
        liste = debut + reponse.corps.partition(debut)[2].partition(fin)[0] + fin
    assert len(liste) > BLOC
    assert numbers_in(liste) == numeros


@pytest.mark.parametrize(
    ("depuis", "code"), [("2126-01-01T00:00:00Z", "DAL208"), ("12026-01-01T00:00:00Z", "SOA026")]
)
async def test_a_date_that_cannot_be_is_a_fault(hub: Hub, depuis: str, code: str) -> None:
    """[DAL-12] to come, or out of any calendar."""

    def talk(service: Any) -> str:
        with pytest.raises(zeep.exceptions.Fault) as caught:
            service.getNouveauxDaloDepuisLe(dateNouveauDaloDepuisLe=depuis, **VIDE)
        (subcode,) = caught.value.subcodes
        return str(subcode.localname)

    assert await call(hub, "G1104", talk) == code
