"""A rotation rehearsed through real servers: the message comes by dovecot, its accusé goes by postfix."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from certs.autorite import load_autorite
from certs.lecture import Certificat
from certs.paire import load_paire
from certs.trousseau import EtatCle, UsageCle, load_trousseau
from conformance.partenaire_courrier import Recu
from echangeur.cli import run
from registry.clock import SystemClock
from tests.interop.canal import Canal
from tests.interop.serveurs import eventually

pytestmark = [pytest.mark.foreign, pytest.mark.slow]


def prepared(canal: Canal, usage: UsageCle) -> Certificat:
    """The next certificate of the hub for this use."""
    clefs = load_trousseau(canal.instance / "courrier").clefs
    return next(
        each.paire.certificat for each in clefs if usage in each.usages and each.etat is EtatCle.PREPARE
    )


def test_rehearsal_through_postfix_and_dovecot(canal: Canal) -> None:
    """[CER-57] Asked for, acknowledged twice by the robot from its mailbox, then told by the command."""
    partner = canal.correspondant(canal.next_code())
    files = canal.instance.parent / f"{partner.code}-suivant"
    load_autorite(canal.instance / "autorite").issue_guichet(partner.code, now=datetime.now(UTC)).write(files)
    canal.administer("certificat", "rotation", "preparer")
    canal.administer("certificat", "enregistrer", partner.code, files / "cert.pem")
    partner.robot.autres = (load_paire((files / "cert.pem").read_bytes(), (files / "key.pem").read_bytes()),)
    partner.robot.echangeurs = frozenset({prepared(canal, UsageCle.SIGNATURE).empreinte})
    partner.robot.chiffrements = (prepared(canal, UsageCle.CHIFFREMENT),)

    async def post(mail: bytes, expediteur: str | None = None) -> str:
        canal.postfix.send(mail, canal.adresse, partner.robot.adresse)
        return ""

    partner.robot.send = post  # type: ignore[method-assign]

    def ask(*options: str) -> int:
        words = ["--instance", str(canal.instance), "certificat", "repeter", partner.code, *options]
        return run(words, clock=SystemClock())

    def received() -> list[Recu]:
        return [each for found in partner.collect().values() for each in found if each.repetition is not None]

    assert ask("--attente", "0") == 1
    for rang in (1, 2):
        eventually(lambda rang=rang: len(received()) == rang, canal.journal, 60)  # type: ignore[misc]
        asyncio.run(partner.robot.acknowledge(received()[-1]))
    assert ask("--attente", "60") == 0, canal.journal()
