"""The search and shared management through a TLS socket, by zeep from the published WSDL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
import requests
import zeep
from lxml import etree
from sqlalchemy import Engine

from registry.clock import FixedClock
from registry.gestion_partagee import GestionPartagee
from registry.handlers import Traitement
from registry.projection import Projection
from soap.operations_partagee import operations_partagee
from tests.registry.fabrique import AUTRE_BAILLEUR, BAILLEUR, DecideurTemoin, echange_of, generate, horloge
from tests.registry.test_evenements_store import EVENEMENT, evenements, types
from tests.registry.test_gestion_partagee import question
from tests.soap.conftest import Hub, Pki, start_server, stop_hub

NS1 = "{http://nuu.application.i2/}"


@pytest.fixture
def clock() -> FixedClock:
    return horloge()


@pytest_asyncio.fixture
async def traitement(engine: Engine, clock: FixedClock) -> AsyncIterator[Traitement]:
    traitement = Traitement(engine, clock, Projection(DecideurTemoin()))
    await traitement.start()
    yield traitement
    await traitement.stop()


@pytest_asyncio.fixture
async def hub(engine: Engine, clock: FixedClock, pki: Pki, traitement: Traitement) -> AsyncIterator[Hub]:
    gestion = GestionPartagee(engine, clock)
    await gestion.start()
    runner, port = await start_server(
        pki, traitement, clock, [BAILLEUR, AUTRE_BAILLEUR], autres=operations_partagee(gestion)
    )
    yield Hub(port, pki)
    await stop_hub(runner)
    await gestion.stop()


async def register(traitement: Traitement, seed: str) -> str:
    donnees = generate(seed, communes=["93066"])
    echange = echange_of(BAILLEUR, donnees)
    await traitement.receive(echange)
    reponse = await traitement.get_num_unique(echange, donnees)
    numero = etree.fromstring(reponse.demande.contenu).findtext(f".//{NS1}numUnique")  # type: ignore[union-attr]
    assert numero
    return numero


async def call(hub: Hub, service: str, operation: str, fichier: bytes, code: str = "G1104") -> etree._Element:
    """The document that answers, called as a partner who knows the address of the WSDL only."""

    def talk() -> Any:
        with requests.Session() as session:
            session.trust_env = False  # REQUESTS_CA_BUNDLE would win over `verify`
            folder = hub.pki.dossier / code
            session.cert = (str(folder / "cert.pem"), str(folder / "key.pem"))
            session.verify = str(folder / "ca.pem")
            client = zeep.Client(
                f"{hub.adresse}/services/{service}?wsdl", transport=zeep.Transport(session=session)
            )
            session.headers["Connection"] = "close"
            method: Callable[..., Any] = getattr(client.service, operation)
            return method(nomFichier="a.xml", fichierXml=fichier, nomCertificat="")

    answer = await asyncio.to_thread(talk)
    assert str(answer["nomFichierXmlRetour"]).endswith(".xml")
    return etree.fromstring(answer["fichierXmlRetour"]["_value_1"])


async def test_search(hub: Hub, traitement: Traitement) -> None:
    """[REC-1] [REC-2] What one bailleur registered, another of the territory finds."""
    numeros = sorted([await register(traitement, "un"), await register(traitement, "deux")])
    fichier = question("<communeSouhaitee>93066</communeSouhaitee>", "G1226")
    found = await call(hub, "RechercheDemandeImplService", "rechercheDemandeMulticritere", fichier, "G1226")
    assert [each.text for each in found.iterfind(f"{NS1}listeDemandes/{NS1}numUnique")] == numeros


async def test_search_that_is_no_document_is_a_fault(hub: Hub) -> None:
    with pytest.raises(zeep.exceptions.Fault) as caught:
        await call(hub, "RechercheDemandeImplService", "rechercheDemandeMulticritere", b"<a/>")
    assert [code.localname for code in caught.value.subcodes] == ["XML104"]


async def test_events(hub: Hub, traitement: Traitement) -> None:
    """[GPE-1] The six operations share an envelope; each is told by its action."""
    numero = await register(traitement, "un")
    service = "GestionPartageeEVTImplService"

    async def ask(operation: str, fichier: bytes) -> etree._Element:
        answer = await call(hub, service, operation, fichier)
        assert answer.find(f"{NS1}listeAnomalies") is None, etree.tostring(answer)
        return answer

    nationaux = await ask("listerTypesEvenementsNationaux", types())
    assert nationaux.find(f"{NS1}listeTypesEvenements") is not None
    assert (await ask("listerTypesEvenementsTerritoriaux", types("111"))).find(
        f"{NS1}listeTypesEvenements"
    ) is None
    ajoute = await ask("ajouterEvenementDemande", evenements(numero, EVENEMENT.format("DESIGN", "A", "")))
    identifiant = ajoute.findtext(f".//{NS1}idEvenement")
    cible = f"<evenement><idEvenement>{identifiant}</idEvenement><commentaire>vu</commentaire></evenement>"
    change = await ask("modifierEvenementDemande", evenements(numero, cible))
    assert change.findtext(f".//{NS1}commentaire") == "vu"
    assert (await ask("listerEvenementsDemande", evenements(numero))).findtext(
        f".//{NS1}idEvenement"
    ) == identifiant
    await ask("supprimerEvenementDemande", evenements(numero, cible))
    assert (await ask("listerEvenementsDemande", evenements(numero))).find(f".//{NS1}evenement") is None
