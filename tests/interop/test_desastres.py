"""What happens to mail on its way: servers killed, connections cut or silent, floods, duplicates, disorder.

Always the same judgement: nothing lost, nothing done twice ([COU-3], [COU-9], [COU-12], [COU-34]).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from conformance.partenaire_courrier import Recu
from schemas.generation import generate_demandes
from tests.interop.canal import (
    PAR_IMAP,
    Canal,
    Correspondant,
    check_nothing_lost_nothing_twice,
)
from tests.interop.serveurs import eventually

pytestmark = [pytest.mark.foreign, pytest.mark.slow]

LOT = 24
"""Messages under way when the disaster strikes."""

PATIENCE = 300.0
"""Seconds for all the answers: dovecot, killed while it wrote, keeps the lock of its dead process for some
two minutes, in which it opens no mailbox."""


@pytest.fixture
def correspondant(canal: Canal) -> Correspondant:
    return canal.correspondant(canal.next_code())


def draw(partner: Correspondant, nom: str, nombre: int) -> list[bytes]:
    """Demandes of that guichet, of persons all different."""
    seed = f"{nom} {partner.code}"
    return list(generate_demandes(seed, nombre, guichet=partner.code, association=False))


def send_batch(partner: Correspondant, nom: str, nombre: int = LOT) -> list[str]:
    """That many messages of one demande each, taken by postfix; their keys."""
    keys = []
    for rang, document in enumerate(draw(partner, nom, nombre)):
        keys.append(f"{nom}-{rang}")
        partner.post(keys[-1], document)
    return keys


def wait_for_answers(partner: Correspondant, keys: list[str], delai: float = PATIENCE) -> None:
    def tell() -> str:
        return f"{partner.canal.journal()}\nsans réponse : {sorted(set(keys) - set(partner.vus))}"

    eventually(lambda: set(keys) <= set(partner.collect()), tell, delai)


def half_way(canal: Canal, partner: Correspondant, keys: list[str]) -> None:
    """Wait until some of the messages are answered, and not all."""
    eventually(lambda: bool(set(keys) & set(partner.collect())), canal.journal)


def kill_dovecot(canal: Canal) -> None:
    canal.dovecot.kill()
    canal.dovecot.start()


def kill_postfix(canal: Canal) -> None:
    canal.postfix.kill()
    canal.postfix.start()


def kill_hub(canal: Canal) -> None:
    canal.hub.kill()
    canal.hub.start()


def cut_connections(canal: Canal) -> None:
    canal.imap.cut()
    canal.smtp.cut()


@pytest.mark.parametrize("desastre", [kill_dovecot, kill_postfix, kill_hub, cut_connections])
def test_servers_killed_and_connections_cut(
    canal: Canal, correspondant: Correspondant, desastre: Callable[[Canal], None]
) -> None:
    """[COU-12] [COU-34] Struck while messages are read, registered and answered; then once more."""
    before = canal.demandes()
    keys = send_batch(correspondant, desastre.__name__)
    half_way(canal, correspondant, keys)
    desastre(canal)
    keys += send_batch(correspondant, f"{desastre.__name__}-encore")
    desastre(canal)
    wait_for_answers(correspondant, keys)
    check_nothing_lost_nothing_twice(canal, correspondant, keys, before)


def test_connection_cut_in_the_middle_of_an_answer(canal: Canal, correspondant: Correspondant) -> None:
    """[COU-34] Postfix never has half of a mail; the whole leaves again under its identifier."""
    before = canal.demandes()
    canal.smtp.cut_after = 6_000
    keys = send_batch(correspondant, "coupure", 6)
    wait_for_answers(correspondant, keys)
    assert canal.smtp.cut_after is None
    check_nothing_lost_nothing_twice(canal, correspondant, keys, before)


def test_the_same_mail_delivered_three_times(canal: Canal, correspondant: Correspondant) -> None:
    """[COU-12] A relay that lost its memory: one demande, the same number each time."""
    before = canal.demandes()
    (document,) = draw(correspondant, "triple", 1)
    mail = correspondant.compose("triple", document)
    done = canal.entrants("traite")
    for _ in range(3):
        canal.postfix.send(mail, canal.adresse, correspondant.robot.adresse)
    eventually(lambda: canal.entrants("traite") == done + 3, canal.journal)
    wait_for_answers(correspondant, ["triple"])
    assert len(canal.demandes()) == len(before) + 1
    numbers = {
        fichier.numero
        for recu in correspondant.collect()["triple"]
        if recu.accuse is not None
        for fichier in recu.accuse.fichiers
    }
    assert numbers == set(canal.demandes()) - set(before)


@pytest.mark.long
def test_ten_megabytes(canal: Canal, correspondant: Correspondant) -> None:
    """[COU-5] One message of a thousand demandes, and its answer as large."""
    before = canal.demandes()
    documents = draw(correspondant, "gros", 1_200)
    mail = correspondant.compose("gros", *documents)
    assert len(mail) > 10 << 20
    canal.postfix.send(mail, canal.adresse, correspondant.robot.adresse)
    wait_for_answers(correspondant, ["gros"])
    accuses = [recu.accuse for recu in correspondant.vus["gros"]]
    parts = next(accuse.parties for accuse in accuses if accuse is not None)
    eventually(lambda: len(correspondant.collect()["gros"]) == parts, canal.journal, 60)
    given = [f.numero for recu in correspondant.vus["gros"] if recu.accuse for f in recu.accuse.fichiers]
    assert len(set(given)) == len(documents)
    assert sorted([*before, *given]) == canal.demandes()


def test_acknowledgements_in_disorder(canal: Canal, correspondant: Correspondant) -> None:
    """[COU-43] Of distributions: the last first, some twice; each is acquitted once, none asked again."""
    recipient = canal.correspondant(canal.next_code())
    canal.administer("guichet", "canal", recipient.code, "courrier")
    canal.administer("filtre", "ajouter", recipient.code, "--nom", "Tout", "--territoire", "111")
    keys = send_batch(correspondant, "desordre", 8)
    wait_for_answers(correspondant, keys)

    def distributions() -> list[Recu]:
        return [
            each for found in recipient.collect().values() for each in found if each.nature == "distribution"
        ]

    eventually(lambda: len(distributions()) >= len(keys), canal.journal, 120)

    async def post(mail: bytes, expediteur: str | None = None) -> str:
        canal.postfix.send(mail, canal.adresse, recipient.robot.adresse)
        return ""

    recipient.robot.send = post  # type: ignore[method-assign]
    received = distributions()[::-1]
    for recu in [*received, *received[:3]]:
        asyncio.run(recipient.robot.acknowledge(recu))
    eventually(lambda: canal.acquitted(recipient.code) == len(received), canal.journal, 60)
    assert len({recu.id for recu in distributions()}) == len(received)


@pytest.mark.long
def test_mailbox_of_five_thousand_messages(canal: Canal, correspondant: Correspondant) -> None:
    """[COU-9] Found at once after a long stop: read one by one, all answered."""
    if canal.adresse != PAR_IMAP:
        pytest.skip("le courrier direct n'a pas de boîte")
    # Those of the tests before are still being moved.
    eventually(lambda: canal.dovecot.count("echangeur") == 0, canal.journal, 120)
    before = canal.demandes()
    canal.hub.kill()
    drawn = draw(correspondant, "foule", 5_000)
    keys = [f"foule-{rang}" for rang in range(5_000)]
    mails = [correspondant.compose(key, document) for key, document in zip(keys, drawn, strict=True)]
    canal.dovecot.deliver_all("echangeur", mails, correspondant.robot.adresse)
    assert canal.dovecot.count("echangeur") == 5_000
    started = datetime.now(UTC)
    canal.hub.start()
    wait_for_answers(correspondant, keys, 1_500)
    print(f"5 000 messages en {(datetime.now(UTC) - started).total_seconds():.0f} s")
    check_nothing_lost_nothing_twice(canal, correspondant, keys, before)
    # Moved one by one, each in its own command, beside the answers: five minutes on a busy machine.
    eventually(lambda: canal.dovecot.count("echangeur") == 0, canal.journal, 600)
