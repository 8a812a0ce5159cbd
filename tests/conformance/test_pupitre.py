"""What the kit does with a client that fails, or that a person drives."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import msgspec
import pytest

from conformance.assertion import Empeche
from conformance.profil import Profil
from conformance.pupitre import Compte, Pilote, Pupitre, first_call
from tests.conformance.partenaire_essai import partner, pilot

ECHOUE = [sys.executable, "-c", "import sys; print('Envoi…'); sys.exit('relais injoignable')"]


@pytest.fixture(scope="module")
def dossier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("partenaire")


@pytest.fixture(scope="module")
def profil(dossier: Path) -> Iterator[Profil]:
    with partner(dossier) as found:
        yield found


def driven(profil: Profil, pilote: Pilote | None = None) -> Pupitre:
    return Pupitre(profil, "graine", datetime.now(UTC), pilote)


def test_a_command_that_fails_is_quoted_and_waited_for_no_longer_than_a_mail_is_on_its_way(
    profil: Profil, monkeypatch: pytest.MonkeyPatch
) -> None:
    actions = {"envoyer-courrier": ECHOUE, "enregistrer": ECHOUE}
    pilotage = msgspec.structs.replace(profil.pilotage, actions=actions)
    pupitre = driven(msgspec.structs.replace(profil, pilotage=pilotage))
    try:
        waits: list[float] = []
        monkeypatch.setattr(pupitre.boite, "wait", lambda _, delai: waits.append(delai))
        with pytest.raises(Empeche, match=r"aucun message du client n'est venu : relais injoignable$"):
            pupitre.written()
        with pytest.raises(Empeche, match=r"le client n'a pas appelé : relais injoignable$"):
            first_call(pupitre)
        assert waits == [5.0]
    finally:
        pupitre.close()


def test_a_mail_that_came_is_read_whatever_the_command_says(profil: Profil, dossier: Path) -> None:
    """A robot that awaits an answer may end in a failure: there is none here."""
    send = pilot(dossier)

    def pilote(action: str, words: Mapping[str, str]) -> Compte:
        send(action, words)
        return Compte(False, "aucune réponse")

    pupitre = driven(profil, pilote)
    try:
        recu, document = pupitre.written()
    finally:
        pupitre.close()
    assert recu.fichiers[0].contenu == document


def test_a_mail_that_is_on_its_way_when_the_command_fails_is_read(profil: Profil, dossier: Path) -> None:
    send = pilot(dossier)
    hands: list[Thread] = []

    def pilote(action: str, words: Mapping[str, str]) -> Compte:
        hands.append(Thread(target=send, args=(action, words)))
        hands[0].start()
        return Compte(False, "aucune réponse")

    pupitre = driven(profil, pilote)
    try:
        recu, document = pupitre.written()
    finally:
        hands[0].join()
        pupitre.close()
    assert recu.fichiers[0].contenu == document


def test_a_person_has_the_time_of_the_profile_to_send_a_mail(profil: Profil, dossier: Path) -> None:
    """[pilotage] attente, and not that in which an answer comes by mail."""
    send = pilot(dossier)
    hands: list[Thread] = []

    def pilote(action: str, words: Mapping[str, str]) -> Compte:
        hands.append(Thread(target=send, args=(action, words)))
        hands[0].start()
        return Compte()

    pupitre = driven(profil, pilote)
    delai, pupitre.boite.delai = pupitre.boite.delai, 0.000_1
    try:
        recu, document = pupitre.written()
    finally:
        pupitre.boite.delai = delai
        hands[0].join()
        pupitre.close()
    assert recu.fichiers[0].contenu == document
