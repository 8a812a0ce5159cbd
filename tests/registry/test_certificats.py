"""The certificate names the guichet (design, decision 7): pinned, withdrawn, expired, seen at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event

from certs.autorite import Autorite, create_autorite
from certs.lecture import Certificat, read_certificat
from registry.anomalies import Anomalie
from registry.certificats import (
    CertificatEpingle,
    Identites,
    list_certificats,
    pin_certificat,
    withdraw_certificat,
)
from registry.clock import FixedClock
from registry.constats import Constat
from registry.echanges import Emetteur
from registry.guichets import Guichet, TypeGuichet
from registry.guichets_store import NouveauGuichet, add_guichet, close_guichet
from registry.profils import Profil, default_profil
from registry.profils_store import set_profil

NOUVEAU = NouveauGuichet("G1104", "Logis", TypeGuichet.BAILLEUR, "552046484", frozenset({"111"}))


@pytest.fixture
def autorite(clock: FixedClock) -> Autorite:
    return create_autorite(now=clock.now())


@pytest.fixture
def guichet(engine: Engine, clock: FixedClock) -> Guichet:
    with engine.begin() as conn:
        added = add_guichet(conn, NOUVEAU, instant=clock.now())
    assert isinstance(added, Guichet)
    return added


@pytest.fixture
def identites(engine: Engine, clock: FixedClock) -> Identites:
    return Identites(engine, clock)


def pin(engine: Engine, clock: FixedClock, data: bytes, code: str = "G1104") -> CertificatEpingle:
    with engine.begin() as conn:
        pinned = pin_certificat(conn, code, data, instant=clock.now())
    assert isinstance(pinned, CertificatEpingle), pinned
    return pinned


def code_of(found: Emetteur | Anomalie) -> str:
    return found.code if isinstance(found, Anomalie) else found.guichet.code


def test_a_pinned_certificate_names_its_guichet(
    engine: Engine, clock: FixedClock, autorite: Autorite, guichet: Guichet, identites: Identites
) -> None:
    """[SOA-2]"""
    pinned = pin(engine, clock, autorite.issue_guichet("G1104", now=clock.now()).chaine)
    assert identites.identify(pinned.empreinte) == Emetteur(guichet, pinned.empreinte)
    with engine.connect() as conn:
        assert list_certificats(conn) == list_certificats(conn, "G1104") == (pinned,)
        assert list_certificats(conn, "G9999") == ()


def test_a_profile_is_followed_within_a_second(
    engine: Engine, clock: FixedClock, autorite: Autorite, guichet: Guichet, identites: Identites
) -> None:
    """[DRO-5] Without one, a guichet enregistreur; the portal speaks for the applicant."""
    pinned = pin(engine, clock, autorite.issue_guichet("G1104", now=clock.now()).chaine)
    assert identites.identify(pinned.empreinte) == Emetteur(guichet, pinned.empreinte, Profil.GUICHET)
    with engine.begin() as conn:
        set_profil(conn, pinned.empreinte, Profil.CONSULTANT_SIMPLE, instant=clock.now())
    clock.set(clock.now() + timedelta(seconds=1))
    found = identites.identify(pinned.empreinte)
    assert found == Emetteur(guichet, pinned.empreinte, Profil.CONSULTANT_SIMPLE)
    assert default_profil("GDPUB") is Profil.DEMANDEUR


def test_the_pin_is_of_the_certificate_whatever_its_form(
    engine: Engine, clock: FixedClock, autorite: Autorite, guichet: Guichet
) -> None:
    """PEM chain or DER: the leaf is what partners present, and its DER is what is hashed."""
    issued = read_certificat(autorite.issue_guichet("G1104", now=clock.now()).chaine)
    assert isinstance(issued, Certificat)
    assert pin(engine, clock, issued.der).empreinte == issued.empreinte


def test_names_do_not_identify(
    engine: Engine, clock: FixedClock, autorite: Autorite, guichet: Guichet, identites: Identites
) -> None:
    """[SOA-2] A certificate of the same authority, with the same names, is a stranger until it is
    registered."""
    pin(engine, clock, autorite.issue_guichet("G1104", now=clock.now()).chaine)
    twin = read_certificat(autorite.issue_guichet("G1104", now=clock.now()).chaine)
    assert isinstance(twin, Certificat)
    assert code_of(identites.identify(twin.empreinte)) == "GUI001"


def test_a_certificate_expires_by_the_clock(
    engine: Engine, clock: FixedClock, autorite: Autorite, guichet: Guichet, identites: Identites
) -> None:
    issued = autorite.issue_guichet("G1104", now=clock.now(), duree=timedelta(days=1))
    pinned = pin(engine, clock, issued.chaine)
    clock.set(pinned.valide_au)
    assert code_of(identites.identify(pinned.empreinte)) == "G1104", "RFC 5280: the bound is included"
    clock.advance(timedelta(seconds=1))
    assert code_of(identites.identify(pinned.empreinte)) == "GUI004"
    clock.set(pinned.valide_du - timedelta(seconds=1))
    assert code_of(identites.identify(pinned.empreinte)) == "GUI003"


def test_the_next_certificate_may_be_registered_before_its_time(
    engine: Engine, clock: FixedClock, autorite: Autorite, guichet: Guichet, identites: Identites
) -> None:
    later = autorite.issue_guichet("G1104", now=clock.now() + timedelta(days=30))
    assert code_of(identites.identify(pin(engine, clock, later.chaine).empreinte)) == "GUI003"


def test_a_closed_guichet_speaks_no_more(
    engine: Engine, clock: FixedClock, autorite: Autorite, guichet: Guichet, identites: Identites
) -> None:
    """[SOA-2]"""
    pinned = pin(engine, clock, autorite.issue_guichet("G1104", now=clock.now()).chaine)
    with engine.begin() as conn:
        close_guichet(conn, "G1104", instant=clock.now())
    assert code_of(identites.identify(pinned.empreinte)) == "GUI005"


def test_a_change_is_seen_at_once_when_unknown_and_within_a_second_when_known(
    engine: Engine, clock: FixedClock, autorite: Autorite, guichet: Guichet, identites: Identites
) -> None:
    issued = autorite.issue_guichet("G1104", now=clock.now())
    read_ = read_certificat(issued.chaine)
    assert isinstance(read_, Certificat)
    assert code_of(identites.identify(read_.empreinte)) == "GUI001"
    pin(engine, clock, issued.chaine)
    assert code_of(identites.identify(read_.empreinte)) == "G1104", "registered just now, served just now"
    with engine.begin() as conn:
        assert withdraw_certificat(conn, read_.empreinte, instant=clock.now()) == ()
    assert code_of(identites.identify(read_.empreinte)) == "G1104", "from memory within the second"
    clock.advance(timedelta(seconds=1))
    assert code_of(identites.identify(read_.empreinte)) == "GUI002"


def test_a_clock_set_back_does_not_make_the_copy_eternal(
    engine: Engine, clock: FixedClock, autorite: Autorite, guichet: Guichet, identites: Identites
) -> None:
    pinned = pin(engine, clock, autorite.issue_guichet("G1104", now=clock.now() - timedelta(days=1)).chaine)
    identites.identify(pinned.empreinte)
    with engine.begin() as conn:
        withdraw_certificat(conn, pinned.empreinte, instant=clock.now())
    clock.advance(timedelta(hours=-1))
    assert code_of(identites.identify(pinned.empreinte)) == "GUI002"


@pytest.fixture
def statements(engine: Engine) -> Iterator[list[str]]:
    """The SQL that is sent."""
    sent: list[str] = []

    def note(_c: object, _u: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


async def test_what_is_known_and_fresh_asks_the_database_nothing(
    engine: Engine,
    clock: FixedClock,
    autorite: Autorite,
    guichet: Guichet,
    identites: Identites,
    statements: list[str],
) -> None:
    """Identification is on the path of every message."""
    pinned = pin(engine, clock, autorite.issue_guichet("G1104", now=clock.now()).chaine)
    assert code_of(await identites.resolve(pinned.empreinte)) == "G1104"
    statements.clear()
    for _ in range(50):
        clock.advance(timedelta(milliseconds=10))
        assert code_of(await identites.resolve(pinned.empreinte)) == "G1104"
    assert statements == []
    clock.advance(timedelta(seconds=1))
    await identites.resolve(pinned.empreinte)
    assert len(statements) == 1, "an unchanged generation is not loaded again"


def test_epingles_are_those_trusted_now(
    engine: Engine, clock: FixedClock, autorite: Autorite, guichet: Guichet, identites: Identites
) -> None:
    kept = pin(engine, clock, autorite.issue_guichet("G1104", now=clock.now()).chaine)
    gone = pin(engine, clock, autorite.issue_guichet("G1104", now=clock.now()).chaine)
    with engine.begin() as conn:
        withdraw_certificat(conn, gone.empreinte, instant=clock.now())
    assert identites.epingles() == (kept.pem,)


def test_what_cannot_be_pinned_says_why(
    engine: Engine, clock: FixedClock, autorite: Autorite, guichet: Guichet
) -> None:
    issued = autorite.issue_guichet("G1104", now=clock.now(), duree=timedelta(days=1)).chaine
    other = autorite.issue_guichet("G1104", now=clock.now(), duree=timedelta(days=1)).chaine

    def attempt(code: str, data: bytes) -> str:
        with engine.begin() as conn:
            found = pin_certificat(conn, code, data, instant=clock.now())
        assert isinstance(found, tuple)
        (constat,) = found
        assert isinstance(constat, Constat)
        return constat.code

    assert attempt("G9999", issued) == "GUICHET-INCONNU"
    assert attempt("G1104", b"") == "CERT-VIDE"
    assert attempt("G1104", b"bonjour") == "CERT-FORME"
    assert attempt("G1104", autorite.pem) == "CERTIFICAT-AUTORITE"
    pinned = pin(engine, clock, issued)
    assert attempt("G1104", issued) == "CERTIFICAT-PRIS"
    with engine.begin() as conn:
        withdraw_certificat(conn, pinned.empreinte, instant=clock.now())
        (unknown,) = withdraw_certificat(conn, "0" * 64, instant=clock.now())
    assert unknown.code == "CERTIFICAT-INCONNU"
    assert attempt("G1104", issued) == "CERTIFICAT-PRIS", "a withdrawn certificate never comes back"
    clock.advance(timedelta(days=2))
    assert attempt("G1104", other) == "CERTIFICAT-EXPIRE"
    with engine.begin() as conn:
        close_guichet(conn, "G1104", instant=clock.now())
    assert attempt("G1104", issued) == "GUICHET-INCONNU"
