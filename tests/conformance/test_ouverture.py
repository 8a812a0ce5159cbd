"""What the kit cannot listen with hinders the assertions that need it, and no other."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from certs.autorite import create_autorite
from conformance.assertion import Assertion, Capacite, Constat, equal
from conformance.boite import Boite
from conformance.campagne import Verdict, run
from conformance.cible import Cible
from conformance.ecoute import Reaction
from conformance.profil import Profil, read_profil
from conformance.pupitre import Pupitre
from conformance.quai import Quai
from tests.conformance.test_kit_campagne import Banc, made
from tests.interop.serveurs import free_ports

PROFIL = """
[cible]
nom = "Échangeur que personne n'appelle"
autorites = "kit/ca.pem"
capacites = ["réception des distributions", "courrier"]
[guichets.emetteur]
code = "G1104"
certificat = "kit/cert.pem"
cle = "kit/key.pem"
[guichets.receveur]
code = "G0591"
certificat = "kit/cert.pem"
cle = "kit/key.pem"
[guichets.courrier]
code = "G0592"
certificat = "kit/cert.pem"
cle = "kit/key.pem"
[reception]
certificat = "kit/cert.pem"
cle = "kit/key.pem"
[courrier]
adresse = "echangeur@localhost"
hote = "127.0.0.1"
port = 1
chiffrement = "kit/cert.pem"
signature = "kit/cert.pem"
local_hote = "127.0.0.1"
[pilotage]
certificat = "kit/cert.pem"
cle = "kit/key.pem"
autorites = "kit/ca.pem"
"""
Change = Callable[[Profil, Path, int], Profil]


@pytest.fixture(scope="module")
def dossier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kit")
    now = datetime.now(UTC)
    create_autorite("Essai", now=now).issue_guichet("G0592", now=now).write(folder / "kit")
    (folder / "profil.toml").write_text(PROFIL, encoding="utf-8")
    (folder / "abime.pem").write_text("-----BEGIN CERTIFICATE-----\nrien\n-----END CERTIFICATE-----\n")
    return folder


@pytest.fixture
def pris() -> Iterator[int]:
    """A port that is taken."""
    (port,) = free_ports(1)
    with closing(socket.create_server(("127.0.0.1", port))):
        yield port


def of_mail(**changes: Any) -> Callable[[Profil], Profil]:
    def change(profil: Profil) -> Profil:
        assert profil.courrier is not None
        return msgspec.structs.replace(profil, courrier=msgspec.structs.replace(profil.courrier, **changes))

    return change


MANQUES: dict[str, Change] = {
    "certificat illisible": lambda profil, ici, _: of_mail(chiffrement=str(ici / "abime.pem"))(profil),
    "fichier absent": lambda profil, ici, _: of_mail(signature=str(ici / "absent.pem"))(profil),
    "port pris": lambda profil, _, port: of_mail(local_port=port)(profil),
    "port impossible": lambda profil, _ici, _port: of_mail(local_port=99_999)(profil),
}


def checks(controle: Callable[[Any], object]) -> Callable[[Any], Iterator[Constat]]:
    def control(terrain: Any) -> Iterator[Constat]:
        controle(terrain)
        yield equal("un", 1, 1)

    return control


ASSERTIONS: tuple[Assertion[Any], ...] = (
    made("S0101", controle=checks(lambda _: None)),
    made("S0718", controle=checks(lambda terrain: terrain.quai), exige=(Capacite.RECEPTION,)),
    made("S0901", controle=checks(lambda terrain: terrain.boite), exige=(Capacite.COURRIER,)),
    made("S0902", controle=checks(lambda terrain: terrain.boite), exige=(Capacite.COURRIER,)),
)


def counted(kind: type[Any], starts: list[str]) -> type[Any]:
    """One that notes each time it is started."""

    class Compte(kind):  # type: ignore[misc]
        def start(self) -> None:
            starts.append(kind.__name__)
            super().start()

    return Compte


@pytest.mark.parametrize("manque", MANQUES)
def test_mail_that_cannot_be_opened_hinders_what_needs_mail(manque: str, dossier: Path, pris: int) -> None:
    """Tried once in a campaign; the rest of it is made."""
    profil = MANQUES[manque](read_profil(dossier / "profil.toml")[0], dossier, pris)
    cible, starts = Cible(profil, "graine", datetime.now(UTC)), list[str]()
    cible.casier, cible.receveur = counted(Boite, starts), counted(Quai, starts)
    try:
        found = {each.id: each for each in run(ASSERTIONS, cible)}
    finally:
        cible.close()
    assert {ident: each.verdict for ident, each in found.items()} == {
        "S0101": Verdict.REUSSIE,
        "S0718": Verdict.REUSSIE,
        "S0901": Verdict.NON_CONCLUANTE,
        "S0902": Verdict.NON_CONCLUANTE,
    }
    assert found["S0901"].raison.startswith("la boîte du kit ne s'ouvre pas : ")
    assert found["S0901"].raison == found["S0902"].raison
    assert sorted(starts) == ["Boite", "Quai"]


@pytest.mark.parametrize("manque", ["certificat illisible", "fichier absent", "port pris"])
def test_a_quai_that_cannot_be_opened_hinders_what_is_pushed(manque: str, dossier: Path, pris: int) -> None:
    base = read_profil(dossier / "profil.toml")[0]
    changes: dict[str, dict[str, Any]] = {
        "certificat illisible": {"certificat": str(dossier / "abime.pem")},
        "fichier absent": {"cle": str(dossier / "absent.pem")},
        "port pris": {"port": pris},
    }
    reception = msgspec.structs.replace(base.reception, **changes[manque])
    cible = Cible(msgspec.structs.replace(base, reception=reception), "graine", datetime.now(UTC))
    try:
        found = {each.id: each for each in run(ASSERTIONS, cible)}
    finally:
        cible.close()
    assert {ident for ident, each in found.items() if each.verdict is Verdict.NON_CONCLUANTE} == {"S0718"}
    assert found["S0718"].raison.startswith("la réception des distributions ne s'ouvre pas : ")


def test_a_client_under_test_is_tried_without_mail_that_cannot_be_opened(dossier: Path, pris: int) -> None:
    profil = MANQUES["port pris"](read_profil(dossier / "profil.toml")[0], dossier, pris)
    pupitre = Pupitre(profil, "graine", datetime.now(UTC))
    try:
        found = run((ASSERTIONS[0], *ASSERTIONS[2:]), pupitre)
    finally:
        pupitre.close()
    assert [each.verdict for each in found] == [Verdict.REUSSIE, *[Verdict.NON_CONCLUANTE] * 2]
    assert {each.raison.partition(" : ")[0] for each in found[1:]} == {"la boîte du kit ne s'ouvre pas"}


def test_a_client_under_test_that_finds_no_server_is_told_why(dossier: Path, pris: int) -> None:
    """The port of [pilotage] is taken: said by what needs the client, mail is looked at."""
    base = read_profil(dossier / "profil.toml")[0]
    pilotage = msgspec.structs.replace(base.pilotage, port=pris)
    pupitre = Pupitre(msgspec.structs.replace(base, pilotage=pilotage), "graine", datetime.now(UTC))
    plays = made("C0401", controle=checks(lambda terrain: terrain.play("enregistrer", lambda _: Reaction())))
    try:
        found = run((plays, ASSERTIONS[2]), pupitre)
    finally:
        pupitre.close()
    assert [each.verdict for each in found] == [Verdict.NON_CONCLUANTE, Verdict.REUSSIE]
    assert found[0].raison.startswith("le service que joue le kit ne s'ouvre pas : ")


def test_a_terrain_that_cannot_get_ready_does_not_end_the_campaign() -> None:
    """The net under what `begin` may still raise."""

    class Penche(Banc):
        def begin(self, ident: str) -> None:
            super().begin(ident)
            if ident == "S0101":
                raise OSError("rien ne va")

    banc = Penche()
    found = run((made("S0101"), made("S0102")), banc)
    assert [each.verdict for each in found] == [Verdict.NON_CONCLUANTE, Verdict.REUSSIE]
    assert "rien ne va" in found[0].raison
