"""The steps of a connection, judged from what is known; proposals of certificates; trials kept."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from certs.autorite import Autorite, create_autorite
from certs.verification import Motif
from registry.anomalies import Tour
from registry.certificats import CertificatEpingle, list_certificats, pin_certificat
from registry.clock import FixedClock
from registry.essais_reception import EssaiReception, last_essai, list_essais, record_essai
from registry.guichets import CanalDistribution, Guichet, TypeGuichet
from registry.guichets_store import NouveauGuichet, add_guichet, close_guichet
from registry.propositions import Proposition, accept, list_propositions, propose, refuse
from registry.raccordement import Appel, EtapeRaccordement, Faits, advance, current
from registry.usages_certificats import UsageCertificat

NOW = datetime(2026, 3, 16, 9, 30, tzinfo=UTC)
GUICHET = Guichet("G1104", "Habitat", TypeGuichet.BAILLEUR, "", frozenset({"111"}))
ADRESSE = "https://partenaire.exemple/services/X/"
PUSH = replace(GUICHET, canal=CanalDistribution.PUSH, adresse_reception=ADRESSE)
COURRIER = replace(GUICHET, canal=CanalDistribution.COURRIER, adresse_courrier="g@exemple.fr")
ACCEPTE = Appel(NOW, "getNumUnique", accepte=True)
REFUSE = Appel(NOW, "getNumUnique", "DEM001")
TOUS = frozenset(UsageCertificat)


def epingle(usages: frozenset[UsageCertificat] = TOUS, **autres: object) -> CertificatEpingle:
    one = CertificatEpingle("0" * 64, "G1104", "CN=x", NOW, NOW + timedelta(days=365), b"", NOW, NOW, usages)
    return replace(one, **autres)  # type: ignore[arg-type]


def essai(adresse: str = ADRESSE, *, reussi: bool = True) -> EssaiReception:
    return EssaiReception("G1104", adresse, NOW, "g@exemple.fr", (("tls", reussi, "détail"),))


def at(faits: Faits) -> tuple[EtapeRaccordement | None, Tour | None, str]:
    found = current(advance(faits, instant=NOW))
    return (None, None, "") if found is None else (found.etape, found.tour, found.manque)


ETAPE = EtapeRaccordement


@pytest.mark.parametrize(
    ("faits", "etape", "tour", "mot"),
    [
        (Faits(replace(GUICHET, actif=False)), ETAPE.GUICHET, Tour.GESTIONNAIRE, "fermé"),
        (Faits(replace(PUSH, adresse_reception="")), ETAPE.CANAL, Tour.PARTENAIRE, "https"),
        (Faits(replace(COURRIER, adresse_courrier="")), ETAPE.CANAL, Tour.PARTENAIRE, "courrier"),
        (Faits(GUICHET), ETAPE.CERTIFICATS, Tour.PARTENAIRE, "TLS"),
        (Faits(GUICHET, propositions=1), ETAPE.CERTIFICATS, Tour.GESTIONNAIRE, "proposition"),
        (
            Faits(GUICHET, (epingle(frozenset({UsageCertificat.SIGNATURE})),)),
            ETAPE.CERTIFICATS,
            Tour.PARTENAIRE,
            "TLS",
        ),
        (Faits(GUICHET, (epingle(retire_le=NOW),)), ETAPE.CERTIFICATS, Tour.PARTENAIRE, "TLS"),
        (Faits(GUICHET, (epingle(motif=Motif.REVOQUE),)), ETAPE.CERTIFICATS, Tour.PARTENAIRE, "TLS"),
        (
            Faits(GUICHET, (epingle(valide_du=NOW + timedelta(days=1)),)),
            ETAPE.CERTIFICATS,
            None,
            "pas encore",
        ),
        (
            Faits(COURRIER, (epingle(frozenset({UsageCertificat.SIGNATURE})),)),
            ETAPE.CERTIFICATS,
            Tour.PARTENAIRE,
            "chiffrés",
        ),
        (Faits(PUSH, (epingle(),)), ETAPE.ESSAI, Tour.GESTIONNAIRE, "essai"),
        (
            Faits(PUSH, (epingle(),), essai=essai("https://ailleurs/")),
            ETAPE.ESSAI,
            Tour.GESTIONNAIRE,
            "essai",
        ),
        (Faits(PUSH, (epingle(),), essai=essai(reussi=False)), ETAPE.ESSAI, Tour.PARTENAIRE, "détail"),
        (Faits(COURRIER, (epingle(),)), ETAPE.ESSAI, Tour.GESTIONNAIRE, "courrier"),
        (Faits(COURRIER, (epingle(),), repetition_en_cours=True), ETAPE.ESSAI, Tour.PARTENAIRE, "accusé"),
        (Faits(COURRIER, (epingle(),), courrier_prouve=False), ETAPE.ESSAI, Tour.GESTIONNAIRE, "échoué"),
        (Faits(GUICHET, (epingle(),)), ETAPE.ESSAI, Tour.PARTENAIRE, "premier appel"),
        (Faits(GUICHET, (epingle(),), dernier=REFUSE), ETAPE.ECHANGE, Tour.PARTENAIRE, "DEM001"),
        (Faits(PUSH, (epingle(),), essai=essai()), ETAPE.ECHANGE, Tour.PARTENAIRE, "premier échange"),
        (Faits(PUSH, (epingle(),), essai=essai(), accepte=ACCEPTE), None, None, ""),
        (Faits(PUSH, (epingle(),), remises=True, accepte=ACCEPTE), None, None, ""),
        (
            Faits(PUSH, (epingle(),), essai=essai(reussi=False), remises=True),
            ETAPE.ESSAI,
            Tour.PARTENAIRE,
            "détail",
        ),
        (Faits(COURRIER, (epingle(),), courrier_prouve=True, accepte=ACCEPTE), None, None, ""),
        (Faits(GUICHET, (epingle(),), dernier=ACCEPTE, accepte=ACCEPTE), None, None, ""),
    ],
)
def test_each_step_says_what_is_missing_and_whose_turn_it_is(
    faits: Faits, etape: EtapeRaccordement | None, tour: Tour | None, mot: str
) -> None:
    """[RAC-1] [RAC-2] [RAC-3]"""
    found = at(faits)
    assert found[:2] == (etape, tour)
    assert mot in found[2]


@given(
    st.sampled_from([GUICHET, PUSH, COURRIER, replace(PUSH, actif=False)]),
    st.lists(st.sampled_from([epingle(), epingle(retire_le=NOW), epingle(frozenset())]), max_size=2),
    st.sampled_from([None, essai(), essai(reussi=False)]),
    st.sampled_from([None, True, False]),
    st.sampled_from([None, ACCEPTE]),
)
def test_ready_means_that_nothing_is_missing(
    guichet: Guichet,
    certificats: list[CertificatEpingle],
    tried: EssaiReception | None,
    prouve: bool | None,
    accepte: Appel | None,
) -> None:
    """[RAC-1] All the steps, always, in their order; the last is done when all the others are, and what is
    missing is said of each of those that are not."""
    faits = Faits(guichet, tuple(certificats), 0, tried, prouve, dernier=accepte, accepte=accepte)
    states = advance(faits, instant=NOW)
    assert [each.etape for each in states] == list(EtapeRaccordement)
    assert states[-1].faite == all(each.faite for each in states[:-1])
    assert all(bool(each.manque) != each.faite for each in states)


@pytest.fixture
def autorite() -> Autorite:
    return create_autorite(now=NOW)


@pytest.fixture
def guichet(engine: Engine, clock: FixedClock) -> str:
    with engine.begin() as conn:
        nouveau = NouveauGuichet("G1104", "Habitat", TypeGuichet.BAILLEUR, "", frozenset({"111"}))
        assert isinstance(add_guichet(conn, nouveau, instant=clock.now()), Guichet)
    return "G1104"


def test_a_proposal_opens_nothing_until_it_is_accepted(
    engine: Engine, clock: FixedClock, guichet: str, autorite: Autorite
) -> None:
    """[RAC-6]"""
    pem = autorite.issue_guichet(guichet, now=clock.now()).certificat
    tls = frozenset({UsageCertificat.TLS})
    with engine.begin() as conn:
        asked = propose(conn, guichet, pem, par="a@exemple.fr", instant=clock.now())
        again = propose(conn, guichet, pem, par="b@exemple.fr", instant=clock.now(), usages=tls)
        assert isinstance(asked, Proposition)
        assert isinstance(again, Proposition)
        assert (again.id, again.proposee_par, again.usages) == (asked.id, "b@exemple.fr", tls)
        assert list_certificats(conn, guichet) == ()
        assert list_propositions(conn, guichet) == (again,)
        assert list_propositions(conn, "G9999") == ()
        accepted = accept(conn, asked.id, par="g@exemple.fr", instant=clock.now())
        assert isinstance(accepted, CertificatEpingle)
        assert (accepted.guichet, accepted.usages) == (guichet, tls)
        assert list_propositions(conn) == ()
        refused = accept(conn, asked.id, par="g@exemple.fr", instant=clock.now())
        assert isinstance(refused, tuple)
        assert refused[0].code == "PROPOSITION-INCONNUE"


def test_a_proposal_is_judged_again_when_it_is_accepted(
    engine: Engine, clock: FixedClock, guichet: str, autorite: Autorite
) -> None:
    """[RAC-6] The guichet may have closed, the certificate may have been registered otherwise."""
    pem = autorite.issue_guichet(guichet, now=clock.now()).certificat
    with engine.begin() as conn:
        one = propose(conn, guichet, pem, par="a@exemple.fr", instant=clock.now())
        assert isinstance(one, Proposition)
        pin_certificat(conn, guichet, pem, instant=clock.now())
        found = accept(conn, one.id, par="g@exemple.fr", instant=clock.now())
        assert isinstance(found, tuple)
        assert found[0].code == "CERTIFICAT-PRIS"
        # It waits still, and may be set aside.
        assert [each.id for each in list_propositions(conn, guichet)] == [one.id]
        assert refuse(conn, one.id, par="g@exemple.fr", instant=clock.now()) == ()
        assert list_propositions(conn, guichet) == ()
        assert refuse(conn, uuid.uuid4(), par="g@exemple.fr", instant=clock.now())[0].code
        close_guichet(conn, guichet, instant=clock.now())
        closed = propose(conn, guichet, pem, par="a@exemple.fr", instant=clock.now())
        assert isinstance(closed, tuple)
        assert closed[0].code == "GUICHET-INCONNU"


def test_trials_are_kept_with_the_address_that_was_tried(
    engine: Engine, clock: FixedClock, guichet: str
) -> None:
    """[RAC-4]"""
    with engine.begin() as conn:
        assert last_essai(conn, guichet) is None
        for reussi in (False, True):
            record_essai(conn, essai(reussi=reussi))
        assert [each.reussi for each in list_essais(conn, guichet)] == [True, False]
        assert last_essai(conn, guichet) == essai()
