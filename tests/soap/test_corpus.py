"""The corpus of broken and forbidden messages, through a TLS socket: each gets its one anomaly and text."""

from __future__ import annotations

import base64
import io
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Protocol

import pytest
from aiohttp import web
from lxml import etree
from sqlalchemy import Engine

from dispatching.handlers_retrait import Retraits
from registry.anomalies import CATALOGUE
from registry.clock import FixedClock
from registry.echanges import Emetteur
from registry.gestion_partagee import GestionPartagee
from registry.guichets import Guichet
from registry.handlers import Traitement
from registry.handlers_dalo import TraitementDalo
from registry.handlers_pieces import DossierUnique
from registry.profils import Profil
from registry.projection import Projection
from registry.rpls_import import import_rpls
from soap.faults import NS_FAUTE
from soap.operations_dalo import operations_dalo
from soap.operations_distribution import operations_distribution
from soap.operations_partagee import operations_partagee
from soap.operations_pieces import operations_pieces
from soap.operations_portail import operations_portail
from soap.server import _keep_nothing, create_app, create_runner
from tests.corpus import atelier
from tests.corpus.atelier import Message
from tests.registry.dalo import ETAT, DecideurReleves
from tests.registry.fabrique import (
    AUTRE_BAILLEUR,
    BAILLEUR,
    COMMUNE,
    PARTICULIER,
    RECU_LE,
    horloge,
)
from tests.registry.rpls import fichier, ligne
from tests.soap.conftest import FauxIdentites, Hub, Pki, Reponse, stop_hub
from tests.soap.messages import SOAP

CORPUS = atelier.read_corpus()
NS = {"s": SOAP, "f": NS_FAUTE, "n": atelier.NS}
GUICHETS = {
    "bailleur": BAILLEUR,
    "autre bailleur": AUTRE_BAILLEUR,
    "commune": COMMUNE,
    "commune lointaine": replace(COMMUNE, code="G5900", communes=frozenset({"59350"})),
    "commune de Paris": replace(COMMUNE, code="G7513", communes=frozenset({"75113"})),
    "etat": ETAT,
    "systeme particulier": PARTICULIER,
}


class Incarner(Protocol):
    """Makes the certificate of the test that of a guichet."""

    def __call__(self, guichet: Guichet, profil: Profil = ...) -> None: ...


Verdict = list[tuple[str, str]]
"""Code and text of each anomaly of an answer."""


@asynccontextmanager
async def start(engine: Engine, pki: Pki, clock: FixedClock) -> AsyncIterator[tuple[Hub, Incarner]]:
    """The hub, and what makes the one certificate of the test that of a guichet, with a profile."""
    decideur = Projection(DecideurReleves(clock))
    traitement, dalo = Traitement(engine, clock, decideur), TraitementDalo(engine, clock, decideur)
    gestion = GestionPartagee(engine, clock)
    retraits = Retraits(engine, clock)
    dossier = DossierUnique(engine, clock)
    parts = (traitement, dalo, gestion, retraits, dossier)
    for part in parts:
        await part.start()
    identites = FauxIdentites()
    empreinte = pki.empreinte("G1104")

    def act_as(guichet: Guichet, profil: Profil = Profil.GUICHET) -> None:
        identites.connus[empreinte] = Emetteur(guichet, empreinte, profil)

    autres = {
        **operations_partagee(gestion),
        **operations_dalo(dalo, clock, _keep_nothing),
        **operations_distribution(retraits),
        **operations_pieces(dossier),
        **operations_portail(traitement.portail, clock),
    }
    runner = create_runner(create_app(traitement, identites, clock, autres=autres))
    await runner.setup()
    await web.TCPSite(runner, "localhost", 0, ssl_context=pki.serveur()).start()
    try:
        yield Hub(runner.addresses[0][1], pki), act_as
    finally:
        await stop_hub(runner)
        for part in parts:
            await part.stop()


async def send(hub: Hub, message: Message) -> Reponse:
    document = atelier.mutate(atelier.prepare(message, GUICHETS[message.guichet].code), message)
    service, _ = atelier.operation_of(message.operation)
    return await hub.post(
        atelier.body_of(message, document),
        atelier.content_type(message),
        chemin=f"/services/{service.nom}",
    )


def verdict_of(answer: Reponse) -> Verdict:
    """The anomalies of a fault, those of the results of an answer, or those of its document."""
    root = etree.fromstring(answer.corps)
    fault = root.find("s:Body/s:Fault", NS)
    if fault is not None:
        reason = fault.findtext("s:Reason/s:Text", "", NS)
        codes = [each.get("code", "") for each in fault.findall("s:Detail/f:anomalie", NS)]
        return [(code, reason) for code in codes]
    if root.find(".//resultat") is not None:
        return [(each.findtext("code", ""), each.findtext("motif", "")) for each in root.iter("resultat")]
    files = [
        each.text or ""
        for each in root.iter()
        if etree.QName(each).localname.startswith(("fichier", "liste"))
    ]
    document = etree.fromstring(base64.b64decode(files[-1]))
    return [
        (each.get("code", ""), each.findtext("n:message", "", NS))
        for each in document.iterfind(".//n:anomalie", NS)
    ]


RADIATION = '<radiation><dateRadiation>2026-07-01</dateRadiation><motifRadiation code="RADABA"/></radiation>'
CREE = Message("création", "")
RADIE = Message("radiation", "", type="RAD", document=[["ajouter", atelier.CORPS, RADIATION]])
BASES = {"vide": [], "active": [CREE], "radiée": [CREE, RADIE], "répertoire": [CREE]}
"""What makes the state of the register from which messages are refused."""


async def run(engine: Engine, pki: Pki, base: str) -> dict[str, Verdict]:
    """What each message of that base gets. None of them changes the register."""
    found = {}
    clock = horloge()
    if base == "répertoire":
        lignes = [ligne(), ligne(numero_rpls="7500000002", siret="99999999900019")]
        with engine.begin() as conn:
            import_rpls(conn, io.StringIO(fichier(lignes), newline=""), RECU_LE)
    async with start(engine, pki, clock) as (hub, act_as):
        for message in BASES[base]:
            act_as(GUICHETS[message.guichet])
            assert verdict_of(await send(hub, message)) == []
        clock.set(RECU_LE + timedelta(hours=2))
        for message in CORPUS:
            if message.base == base:
                act_as(GUICHETS[message.guichet], Profil(message.profil))
                found[message.nom] = verdict_of(await send(hub, message))
    return found


@pytest.mark.parametrize("base", BASES)
async def test_each_message_gets_its_one_anomaly(engine: Engine, pki: Pki, base: str) -> None:
    """[SOA-21] [ENR-2] [ENR-6] [VIE-2] [VIE-3] [DRO-2]"""
    found = await run(engine, pki, base)
    expected = {each.nom: [(each.code, each.texte)] for each in CORPUS if each.base == base}
    assert {nom: verdict for nom, verdict in found.items() if verdict != expected[nom]} == {}


def test_the_corpus_is_large_and_its_names_are_distinct() -> None:
    names = Counter(message.nom for message in CORPUS)
    assert [name for name, count in names.items() if count > 1] == []
    assert len(names) >= 380
    assert {message.base for message in CORPUS} == BASES.keys()


def test_the_texts_are_those_of_the_catalogue() -> None:
    """A text is French and tells what was found: it is no bare template."""
    for message in CORPUS:
        pattern = re.sub(r"\\\{(?:constat|attendu)\\\}", ".*", re.escape(CATALOGUE.types[message.code].texte))
        assert re.match(pattern, message.texte, re.DOTALL), message.nom
