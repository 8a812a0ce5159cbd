"""Whole mails made by agents that are not ours, through postfix to the hub; its answers, opened by them.

The agent signs the files, encrypts them, and reads the answer in its mailbox down to the number given.
`openssl cms` writes and reads the mail itself (S/MIME, clear-signed); the others make the CMS that a mailer
carries.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import SMTP
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import Engine, text

from certs.autorite import create_autorite
from certs.tls import client_context
from mailflows.expediteur import Relais
from mailflows.ouverture import ClesFixes
from registry.certificats import pin_certificat
from registry.clock import FixedClock
from registry.usages_certificats import UsageCertificat
from schemas.courrier import Accuse, Verdict, read_courrier
from tests.interop.agents import Agent
from tests.interop.conftest import Outil
from tests.interop.matrice import AGENTS, opened
from tests.interop.monde import MondeRelaye
from tests.interop.serveurs import DOMAINE, DOMAINE_HUB, Dovecot, Postfix, eventually
from tests.interop.titulaires import Titulaire, create_titulaire
from tests.mailflows.monde import Pki
from tests.registry.fabrique import generate

pytestmark = [pytest.mark.foreign, pytest.mark.slow]

HUB = f"echangeur@{DOMAINE_HUB}"
GUICHET = "G1104"
ECRITURES = [
    pytest.param("rsa2048", "compatible", id="rsa2048-compatible"),
    pytest.param("rsa2048", "moderne", id="rsa2048-moderne", marks=pytest.mark.long),
    pytest.param("p256", "compatible", id="p256-compatible", marks=pytest.mark.long),
]
"""Key of the partner, and the profile that both write by."""


@pytest.fixture(scope="module")
def titulaires(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Titulaire]:
    """The hub, and a partner for each kind of key."""
    autorite = create_autorite("Autorité de banc", now=datetime.now(UTC))
    folder = tmp_path_factory.mktemp("titulaires")
    return {
        nom: create_titulaire(f"titulaire-{nom}", nature, autorite, folder / nom)
        for nom, nature in (("hub", "rsa2048"), ("rsa2048", "rsa2048"), ("p256", "p256"))
    }


@pytest.fixture(scope="module", params=AGENTS, ids=lambda kind: kind.outil)
def agent(
    request: pytest.FixtureRequest,
    outil: Outil,
    titulaires: dict[str, Titulaire],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Agent]:
    kind: type[Agent] = request.param
    folder = tmp_path_factory.mktemp(kind.outil) / "agent"
    with opened(kind, outil(kind.outil), folder, list(titulaires.values())) as agent:
        yield agent


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki.create(tmp_path_factory.mktemp("courrier"))


@dataclass
class Scene:
    """The hub, postfix on both sides of it, and the mailboxes."""

    monde: MondeRelaye
    postfix: Postfix
    dovecot: Dovecot


@pytest_asyncio.fixture
async def scene(
    engine: Engine,
    clock: FixedClock,
    pki: Pki,
    titulaires: dict[str, Titulaire],
    dovecot: Dovecot,
    outil: Outil,
    etabli: Path,
    certificats_tls: Path,
) -> AsyncIterator[Scene]:
    monde = MondeRelaye(engine, clock, pki)
    # The certificates of the agents are those of today.
    clock.set(datetime.now(UTC))
    paire = titulaires["hub"].paire
    monde.cles = ClesFixes(paire, (paire,))
    monde.adresse = HUB
    postfix = Postfix(
        outil("postfix"),
        etabli / "postfix",
        certificats_tls,
        lmtp=dovecot.lmtp,
        hub=monde.port,
        tls_vers_hub="may",
    )
    monde.relais = Relais("localhost", postfix.smtp, HUB, contexte=client_context(certificats_tls / "ca.pem"))
    try:
        postfix.start()
        await monde.start()
        yield Scene(monde, postfix, dovecot)
        await monde.stop()
    finally:
        postfix.kill()


def settle(scene: Scene, holder: Titulaire, capacites: str) -> str:
    """The guichet of the partner; its mailbox."""
    monde, boite = scene.monde, GUICHET.lower()
    monde.partenaire(adresse=f"{boite}@{DOMAINE}")
    usages = frozenset({UsageCertificat.SIGNATURE, UsageCertificat.CHIFFREMENT})
    with monde.engine.begin() as conn:
        # The one of the partner of reference does not hide that of the agent.
        conn.execute(text("UPDATE certificat SET retire_le = :now"), {"now": monde.now})
        conn.execute(text("UPDATE guichet SET capacites = :c"), {"c": capacites})
        pinned = pin_certificat(
            conn, GUICHET, holder.certificat.read_bytes(), instant=monde.now, usages=usages
        )
        assert not isinstance(pinned, tuple), pinned
    return boite


def entity_of(nom: str, document: bytes) -> bytes:
    """The files, as a mailer joins them."""
    entity = EmailMessage(policy=SMTP)
    entity.set_content("Bonjour,\r\nvoici la demande de Zoé Müller.\r\n")
    entity.add_attachment(document, "application", "xml", filename=nom)
    return entity.as_bytes()


def files_of(content: bytes) -> dict[str, bytes]:
    """By their names."""
    found = {}
    for part in message_from_bytes(content).walk():
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes) and part.get_filename():
            found[str(part.get_filename())] = payload
    return found


@pytest.mark.parametrize(("cle", "profil"), ECRITURES)
async def test_a_mail_of_the_agent_and_the_answer_that_it_opens(
    scene: Scene, agent: Agent, titulaires: dict[str, Titulaire], cle: str, profil: str
) -> None:
    """[COU-1] [COU-30] [COU-31] [CER-11] [CER-12]"""
    if profil not in agent.manieres or (cle == "p256" and agent.outil in ("nss", "gpgsm")):
        pytest.skip(f"{agent.nom} ne chiffre pas ainsi")
    holder, hub = titulaires[cle], titulaires["hub"]
    boite = settle(scene, holder, profil)
    document = generate(f"courriel {agent.outil} {cle} {profil}")
    mail = agent.compose(entity_of("DEM.xml", document), holder, hub, profil)
    headers = f"From: {boite}@{DOMAINE}\r\nTo: {HUB}\r\nSubject: envoi\r\nMessage-ID: <{boite}@{DOMAINE}>\r\n"
    await asyncio.to_thread(scene.postfix.send, headers.encode() + mail, HUB, f"{boite}@{DOMAINE}")
    await scene.monde.until(["traite"], lambda: [each.etat for each in scene.monde.entrants()])

    def answered() -> bool:
        return scene.dovecot.count(boite) == 1

    await asyncio.to_thread(eventually, answered, scene.postfix.journal)
    (answer,) = await asyncio.to_thread(scene.dovecot.messages, boite)
    message: Message = message_from_bytes(answer)
    assert message["In-Reply-To"] == f"<{boite}@{DOMAINE}>"
    files = files_of(agent.read(answer, holder, hub))
    accuse = read_courrier(files.pop("accuse.xml"))
    assert isinstance(accuse, Accuse), accuse
    assert accuse.verdict is Verdict.ACCEPTE
    (fichier,) = accuse.fichiers
    assert fichier.nom == "DEM.xml"
    (reponse,) = files.values()
    assert fichier.numero.encode() in reponse
    assert scene.monde.count("demande") == 1


async def test_an_agent_that_nobody_knows_is_answered_nothing(
    scene: Scene, agent: Agent, titulaires: dict[str, Titulaire]
) -> None:
    """[COU-8] The same mail, from a certificate that is registered for nobody."""
    holder, hub = titulaires["rsa2048"], titulaires["hub"]
    mail = agent.compose(entity_of("DEM.xml", generate("inconnu")), holder, hub, "compatible")
    headers = f"From: inconnu@{DOMAINE}\r\nTo: {HUB}\r\nSubject: envoi\r\n"
    await asyncio.to_thread(scene.postfix.send, headers.encode() + mail, HUB, f"inconnu@{DOMAINE}")
    await scene.monde.until(["GUI001"], lambda: [each.code for each in scene.monde.entrants()])
    assert scene.monde.sortants() == ()
    assert scene.monde.count("demande") == 0
