"""Renewals, radiations, déradiations, suppressions: who may, on what conditions (docs/cycle-de-vie.md)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine, select

from registry import anomalies_demande, anomalies_vie
from registry.guichets import Guichet, TypeGuichet
from registry.lifecycle import Etat
from registry.regles import Regles
from registry.tables import IDENTITE, JOURNAL
from schemas.documents import DEMANDES, Document, read_document
from tests.registry.fabrique import (
    AUTRE_BAILLEUR,
    BAILLEUR,
    RECU_LE,
    demande_of,
    generate,
    recue_of,
    register_all,
)
from tests.registry.test_vie_mod import marked
from tests.registry.vies import (
    accept,
    attribution,
    created,
    numero_of,
    radiation,
    refused,
    renewal,
    sent,
    situation_of,
)

VILLE = Guichet("G7500", "Ville", TypeGuichet.COMMUNE, "", frozenset({"111"}), communes=frozenset({"75113"}))
SANS_IDENTIFIANT = "0123456789"


@pytest.fixture
def document(engine: Engine) -> bytes:
    return created(engine, communes=["75113"], date_creation=date(2026, 6, 15))


def state(engine: Engine, document: bytes) -> tuple[Etat, str | None, date | None]:
    situation = situation_of(engine, numero_of(document))
    return situation.etat, situation.motif_radiation, situation.date_radiation


# --- renewal ------------------------------------------------------------------------------------------------


def test_a_renewal_gives_a_new_validity(engine: Engine, document: bytes) -> None:
    """[VIE-20] By any guichet that may read; number and date of deposit stay."""
    reponse = accept(engine, renewal(document, "2026-07-01", guichet=VILLE), VILLE)
    situation = situation_of(engine, numero_of(document))
    assert situation.date_renouvellement == date(2026, 7, 1)
    assert situation.echeance(Regles()) == date(2027, 7, 1)
    assert situation.echeance(Regles(echeance="anniversaire")) == date(2027, 6, 15)
    assert (situation.numero, situation.date_depot) == (numero_of(document), date(2026, 6, 15))
    assert marked(reponse) == ["numGuichet", "renouvellement", "dateRenouvellement"]
    assert isinstance(read_document(reponse, DEMANDES), Document)


def test_the_renewal_stays_when_the_demande_is_modified(engine: Engine, document: bytes) -> None:
    """[VIE-11] A file that does not know the renewal does not undo it."""
    accept(engine, renewal(document, "2026-07-01"))
    suite = accept(engine, sent(document, "MOD", ecrit=RECU_LE + timedelta(hours=4)))
    assert demande_of(suite).date_renouvellement == date(2026, 7, 1)
    assert situation_of(engine, numero_of(document)).date_renouvellement == date(2026, 7, 1)


def test_a_modification_does_not_renew(engine: Engine, document: bytes) -> None:
    """[VIE-12]"""
    data = renewal(document, "2026-07-01").replace(b">REN<", b">MOD<")
    assert refused(engine, data) == [anomalies_vie.PARTIE_RESERVEE.code]


def test_a_renewal_has_its_date(engine: Engine, document: bytes) -> None:
    """[VIE-21] Present, not in the future, not before the deposit nor the renewal before."""
    assert refused(engine, sent(document, "REN")) == [anomalies_vie.SANS_RENOUVELLEMENT.code]
    for jour in ("2026-07-02", "2026-06-14"):
        assert refused(engine, renewal(document, jour)) == [anomalies_vie.DATE_RENOUVELLEMENT.code]


def test_a_radiated_demande_is_not_renewed(engine: Engine, document: bytes) -> None:
    """[VIE-22]"""
    accept(engine, radiation(document, "RADABA", "2026-07-01"))
    assert refused(engine, renewal(document, "2026-07-01")) == [anomalies_vie.ETAT_INCOMPATIBLE.code]


# --- radiation ----------------------------------------------------------------------------------------------


def test_an_attribution_radiates_and_updates(engine: Engine, document: bytes) -> None:
    """[VIE-31] By the bailleur that attributed; the household data of the file are those of that day."""
    data = attribution(document).replace(b'commune code="75113"', b'commune code="75112"', 1)
    reponse = accept(engine, data)
    assert state(engine, document) == (Etat.RADIEE, "RADATT", date(2026, 7, 1))
    assert demande_of(reponse).communes_souhaitees == ("75112",)
    trouve = demande_of(reponse).radiation
    assert trouve is not None
    assert trouve.attribution is not None
    assert trouve.attribution.numero_rpls == SANS_IDENTIFIANT
    with engine.connect() as conn:
        assert conn.scalar(select(JOURNAL.c.detail).where(JOURNAL.c.version == 2)) == '{"motif":"RADATT"}'


def test_only_the_bailleur_that_attributed_says_so(engine: Engine, document: bytes) -> None:
    """[VIE-31] [VIE-3] Neither a commune, nor a bailleur of another SIREN."""
    assert refused(engine, attribution(document, guichet=VILLE), VILLE) == [anomalies_vie.ACTEUR.code]
    assert refused(engine, attribution(document, siren="123456789")) == [anomalies_vie.ACTEUR.code]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"siren": ""}, anomalies_vie.ATTRIBUTION_INCOMPLETE.code),
        ({"bail": "2026-07-02"}, anomalies_vie.DATE_BAIL.code),
        ({"rpls": "12345"}, anomalies_vie.RPLS_MALFORME.code),
    ],
)
def test_an_attribution_is_complete(
    engine: Engine, document: bytes, options: dict[str, str], code: str
) -> None:
    """[VIE-31]"""
    assert refused(engine, attribution(document, **options)) == [code]  # type: ignore[arg-type]


def test_a_dwelling_without_identifier_is_described(engine: Engine, document: bytes) -> None:
    """[VIE-32]"""
    codes = refused(engine, attribution(document, rpls=""))
    assert codes == [anomalies_vie.ATTRIBUTION_INCOMPLETE.code] * 4
    reste = (
        '<ns1:typeLogement code="T3"/><ns1:surface>61</ns1:surface><ns1:montantLoyer>410</ns1:montantLoyer>'
        '<ns1:adresse><ns1:commune code="75113"/></ns1:adresse>'
    )
    accept(engine, attribution(document, rpls="", reste=reste))


def test_an_attribution_without_dwelling_is_told(engine: Engine, document: bytes) -> None:
    """[VIE-31]"""
    data = radiation(document, "RADATT", "2026-07-01")
    assert refused(engine, data) == [anomalies_vie.SANS_ATTRIBUTION.code]


def test_a_file_of_radiation_holds_one(engine: Engine, document: bytes) -> None:
    """[VIE-30]"""
    assert refused(engine, sent(document, "RAD")) == [anomalies_vie.SANS_RADIATION.code]
    for jour in ("2026-07-02", "2026-06-14"):
        codes = refused(engine, radiation(document, "RADABA", jour))
        assert codes == [anomalies_vie.DATE_RADIATION.code]


def test_an_abandon_changes_nothing_else(engine: Engine, document: bytes) -> None:
    """[VIE-30] [VIE-35] The rest of the file is not read: an old copy undoes nothing."""
    data = radiation(document, "RADABA", "2026-07-01", guichet=VILLE)
    data = data.replace(b'commune code="75113"', b'commune code="99999"')
    reponse = accept(engine, data, VILLE)
    assert demande_of(reponse).communes_souhaitees == ("75113",)
    assert marked(reponse) == ["numGuichet", "radiation", "dateRadiation", "motifRadiation"]
    assert state(engine, document) == (Etat.RADIEE, "RADABA", date(2026, 7, 1))


def test_no_answer_needs_a_letter_and_its_delay(engine: Engine, document: bytes) -> None:
    """[VIE-34]"""
    sans = radiation(document, "RADCON", "2026-07-01")
    assert refused(engine, sans) == [anomalies_vie.COURRIER.code]
    courrier = "<ns1:absenceReponse><ns1:dateCourrier>{}</ns1:dateCourrier></ns1:absenceReponse>"
    tot = radiation(document, "RADCON", "2026-07-01", courrier.format("2026-06-02"))
    assert refused(engine, tot) == [anomalies_vie.COURRIER.code]
    accept(engine, radiation(document, "RADCON", "2026-07-01", courrier.format("2026-06-01")))


def test_irrecevability_is_a_bailleur_s_with_its_ground(engine: Engine, document: bytes) -> None:
    """[VIE-33] Configurable: any guichet."""
    assert refused(engine, radiation(document, "RADIRR", "2026-07-01")) == [anomalies_vie.SOUS_MOTIF.code]
    sous = '<ns1:sousMotifIrrecevabilite code="IRRRES"/>'
    ville = radiation(document, "RADIRR", "2026-07-01", sous, guichet=VILLE)
    assert refused(engine, ville, VILLE) == [anomalies_vie.ACTEUR.code]
    ouvert = Regles(irrecevabilite_bailleur_seul=False)
    sans = radiation(document, "RADIRR", "2026-07-01", guichet=VILLE)
    assert refused(engine, sans, VILLE, ouvert) == [anomalies_vie.SOUS_MOTIF.code]
    accept(engine, radiation(document, "RADIRR", "2026-07-01", sous))


def test_nobody_radiates_for_want_of_renewal(engine: Engine, document: bytes) -> None:
    """[VIE-36] But the hub, and a système particulier for its own."""
    assert refused(engine, radiation(document, "RADREN", "2026-07-01")) == [anomalies_vie.ACTEUR.code]
    particulier = replace(BAILLEUR, numerote=True)
    accept(engine, radiation(document, "RADREN", "2026-07-01"), particulier)


def test_a_radiated_demande_is_no_doublon(engine: Engine, document: bytes) -> None:
    """[VIE-37]"""
    accept(engine, radiation(document, "RADABA", "2026-07-01"))
    with engine.connect() as conn:
        assert not any(conn.scalars(select(IDENTITE.c.active)))
    created(engine, communes=["75113"], date_creation=date(2026, 6, 16))


# --- déradiation --------------------------------------------------------------------------------------------


def radiated(engine: Engine, document: bytes, motif: str = "RADREN", jour: str = "2026-07-01") -> bytes:
    particulier = replace(BAILLEUR, numerote=True)
    courrier = "<ns1:absenceReponse><ns1:dateCourrier>2026-05-01</ns1:dateCourrier></ns1:absenceReponse>"
    data = radiation(document, motif, jour, courrier if motif == "RADCON" else "")
    return accept(engine, data, particulier)


def test_a_radiation_is_undone_within_its_window(engine: Engine, document: bytes) -> None:
    """[VIE-40] [VIE-41] [VIE-42] Number and seniority kept; a respite until the end of the window."""
    radiated(engine, document)
    retour = accept(engine, radiation(document, "", "2026-07-01", guichet=AUTRE_BAILLEUR), AUTRE_BAILLEUR)
    situation = situation_of(engine, numero_of(document))
    assert state(engine, document) == (Etat.ACTIVE, None, None)
    assert (situation.date_depot, situation.sursis) == (date(2026, 6, 15), date(2027, 12, 15))
    trouvee = demande_of(retour).radiation
    assert trouvee is not None
    assert trouvee.motif is None
    accept(engine, renewal(retour, "2026-07-01", ecrit=RECU_LE + timedelta(hours=3)))
    assert situation_of(engine, numero_of(document)).sursis is None
    with engine.connect() as conn:
        assert all(conn.scalars(select(IDENTITE.c.active)))


def test_after_the_window_it_is_too_late(engine: Engine, document: bytes) -> None:
    """[VIE-41] Five months after a radiation without answer: the last day, then the day after."""
    radiated(engine, document, "RADCON")
    data = radiation(document, "", "2026-07-01")
    tard = datetime(2026, 12, 2, 9, tzinfo=UTC)
    assert refused(engine, data, recu_le=tard) == [anomalies_vie.REACTIVATION_TARDIVE.code]
    accept(engine, data, recu_le=tard - timedelta(days=1))


def test_other_motives_are_not_undone(engine: Engine, document: bytes) -> None:
    """[VIE-41]"""
    radiated(engine, document, "RADABA")
    assert refused(engine, radiation(document, "", "2026-07-01")) == [anomalies_vie.REACTIVATION_EXCLUE.code]


def test_only_a_radiated_demande_is_reactivated(engine: Engine, document: bytes) -> None:
    """[VIE-2]"""
    assert refused(engine, radiation(document, "", "2026-07-01")) == [anomalies_vie.ETAT_INCOMPATIBLE.code]


def test_a_reactivation_may_meet_a_doublon(engine: Engine, document: bytes) -> None:
    """[VIE-40] The same person filed another demande meanwhile."""
    radiated(engine, document)
    register_all(engine, [recue_of(generate(1, avec_cotitulaire=False, communes=["75113"]))])
    assert refused(engine, radiation(document, "", "2026-07-01")) == [anomalies_demande.DOUBLON.code]


# --- suppression --------------------------------------------------------------------------------------------


def test_a_mistake_is_taken_out_by_its_author(engine: Engine, document: bytes) -> None:
    """[VIE-50] Its document leaves as it was; it can no more be changed."""
    accept(engine, sent(document, "SUP"))
    assert state(engine, document)[0] is Etat.SUPPRIMEE
    suite = sent(document, "MOD", ecrit=RECU_LE + timedelta(days=1))
    assert refused(engine, suite) == [anomalies_vie.ETAT_INCOMPATIBLE.code]


def test_a_demande_is_not_taken_out_by_another_nor_late(engine: Engine, document: bytes) -> None:
    """[VIE-50]"""
    autre = sent(document, "SUP", guichet=AUTRE_BAILLEUR)
    assert refused(engine, autre, AUTRE_BAILLEUR) == [anomalies_vie.ACTEUR.code]
    tard = RECU_LE + timedelta(days=31)
    assert refused(engine, sent(document, "SUP"), recu_le=tard) == [anomalies_vie.SUPPRESSION_TARDIVE.code]
    accept(engine, sent(document, "MOD", guichet=VILLE), VILLE)
    assert refused(engine, sent(document, "SUP")) == [anomalies_vie.SUPPRESSION_TARDIVE.code]
