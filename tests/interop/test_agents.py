"""Each foreign agent against `certs`: signature and encryption, both ways, per key and per profile.

RFC 5652 (CMS), RFC 8551 (S/MIME 4), RFC 5083 and 5084 (AuthEnvelopedData, AES-GCM), RFC 5753 (curves).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from certs.algorithmes import PROFILS
from certs.autorite import create_autorite
from certs.cms import MotifCms, RefusCms
from certs.enveloppe import decrypt
from certs.signature import verify_signature
from tests.etrangers.page import VERSIONS, read_table
from tests.interop.agents import Agent, EchecError
from tests.interop.conftest import Outil
from tests.interop.matrice import (
    AGENTS,
    CONTENU,
    ECRITS,
    LUS,
    PAGE,
    create_titulaires,
    opened,
    try_agent,
)
from tests.interop.titulaires import CLES, Titulaire

pytestmark = [pytest.mark.foreign, pytest.mark.slow]


@pytest.fixture(scope="module")
def titulaires(tmp_path_factory: pytest.TempPathFactory) -> list[Titulaire]:
    autorite = create_autorite("Autorité de banc", now=datetime.now(UTC))
    return create_titulaires(autorite, tmp_path_factory.mktemp("titulaires"))


@pytest.fixture(scope="module", params=AGENTS, ids=lambda kind: kind.outil)
def agent(
    request: pytest.FixtureRequest,
    outil: Outil,
    titulaires: list[Titulaire],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Agent]:
    kind: type[Agent] = request.param
    folder = tmp_path_factory.mktemp(kind.outil) / "agent"
    with opened(kind, outil(kind.outil), folder, titulaires) as agent:
        yield agent


def test_every_cell_of_the_page_is_what_the_agent_does(agent: Agent) -> None:
    found = try_agent(agent)
    for title, rows in ((LUS, found.lus), (ECRITS, found.ecrits)):
        page = {key: row for key, row in read_table(title, PAGE).items() if key.startswith(f"{agent.nom},")}
        assert rows == page


def test_what_only_an_old_partner_may_send_is_refused_from_the_others(
    agent: Agent, titulaires: list[Titulaire]
) -> None:
    """SHA-1 and 3DES, from a partner that nobody flagged."""
    holder = titulaires[0]
    if "ancien" not in agent.manieres:
        pytest.skip(f"{agent.nom} n'écrit rien d'ancien")
    signed = verify_signature(agent.sign(CONTENU, holder, "ancien"), profil=PROFILS["compatible"])
    assert isinstance(signed, RefusCms)
    assert signed.motif is MotifCms.ALGORITHME
    if agent.outil != "nss":  # it chooses its cipher itself, and chooses AES
        sealed = decrypt(
            agent.encrypt(CONTENU, holder, "ancien"), [holder.paire], profil=PROFILS["compatible"]
        )
        assert isinstance(sealed, RefusCms)
        assert sealed.motif is MotifCms.ALGORITHME


def test_a_message_for_somebody_else_is_read_by_nobody(agent: Agent, titulaires: list[Titulaire]) -> None:
    """Against RSA PKCS#1 v1.5, a wrong key gives one drawn at random, never an error that would tell
    (RFC 3218): it opens one CBC content in some 256, on noise."""
    message = agent.encrypt(CONTENU, titulaires[0], "compatible")
    for _ in range(3):
        read = decrypt(message, [titulaires[1].paire, titulaires[2].paire])
        if isinstance(read, RefusCms):
            break
        assert CONTENU not in read.octets_non_verifies
    assert isinstance(read, RefusCms)
    assert read.motif is MotifCms.DECHIFFREMENT


def test_signed_then_encrypted_by_the_agent_as_a_partner_sends_it(
    agent: Agent, titulaires: list[Titulaire]
) -> None:
    signer, recipient = titulaires[0], titulaires[1]
    message = agent.encrypt(agent.sign(CONTENU, signer, "compatible"), recipient, "compatible")
    opened_message = decrypt(message, [recipient.paire])
    assert not isinstance(opened_message, RefusCms)
    read = verify_signature(opened_message.octets_non_verifies)
    assert not isinstance(read, RefusCms)
    assert (read.octets, read.signataire) == (CONTENU, signer.paire.certificat)


def test_page_tells_of_every_agent_and_key(tmp_path: Path) -> None:
    """The cells are compared with what each agent did, where it can be had."""
    assert set(read_table(VERSIONS, PAGE)) == {"dovecot", "postfix", *(kind.nom for kind in AGENTS)}
    assert set(read_table(ECRITS, PAGE)) == {f"{kind.nom}, {cle}" for kind in AGENTS for cle in CLES}
    rows = {f"{kind.nom}, {cle}, {profil}" for kind in AGENTS for cle in CLES for profil in kind.manieres}
    assert set(read_table(LUS, PAGE)) == rows


def test_an_agent_that_fails_says_so(titulaires: list[Titulaire], agent: Agent) -> None:
    """Else every « non » of the page could be a program that did not even start."""
    with pytest.raises(EchecError):
        agent.verify(b"rien de lisible", titulaires[0])
    with pytest.raises(EchecError):
        agent.decrypt(b"rien de lisible", titulaires[0])
