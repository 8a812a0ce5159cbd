"""The typed view of a demande: every part, and the tolerances of interface/wire §8, §9 and §11."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from schemas.demande import Demande, read_demande
from schemas.generation import generate_demande
from schemas.lecture import parse_date, parse_instant

NS = 'xmlns="http://nuu.application.i2/"'


def demande(body: str, entete: str = "", attributes: str = 'versionInterface="02.00"') -> Demande:
    return read_demande(
        etree.fromstring(
            f"<interfaceNuu {NS} {attributes}><entete>{entete}</entete>"
            f"<demande><demandeLogement>{body}</demandeLogement></demande></interfaceNuu>"
        )
    )


def test_the_head_of_a_demande() -> None:
    read = demande(
        "<numGuichet>G1104</numGuichet><numUnique>1110318016982G1104</numUnique><refInterne>R 1</refInterne>"
        "<dateCreationDemande>2018-03-15</dateCreationDemande><forcerDoublon>1</forcerDoublon>",
        "<typeFichier>CRE</typeFichier><dateFichier>2018-03-15T16:54:06.339+01:00</dateFichier>",
    )
    assert read.version_interface == "02.00"
    assert read.type_fichier == "CRE"
    assert read.date_fichier == datetime(2018, 3, 15, 15, 54, 6, 339000, UTC)
    assert (read.num_guichet, read.num_unique, read.ref_interne) == ("G1104", "1110318016982G1104", "R 1")
    assert read.date_creation == date(2018, 3, 15)
    assert read.forcer_doublon


@pytest.mark.parametrize("body", ["", "<numUnique/>", "<numUnique>  </numUnique>"])
def test_an_empty_number_is_no_number(body: str) -> None:
    assert demande(body).num_unique is None


def test_an_incomplete_document_reads_without_an_error() -> None:
    """interface/wire §8: the real system's documents lack mandatory elements."""
    read = read_demande(etree.fromstring(f"<interfaceNuu {NS}/>"))
    assert (read.type_fichier, read.num_guichet, read.precision) == ("", "", "")
    assert read.date_creation == date.min
    assert read.date_fichier is None
    assert read.demandeur is None
    assert read.association is None
    assert not read.logement_recherche
    assert read.communes_souhaitees == read.types_logement == read.motifs == ()
    assert read.cotitulaires == ()
    assert read.personnes_a_charge == ()
    assert read.handicaps == ()
    assert read.dalo is None
    assert read.radiation is None
    assert read.demande_elargie is None
    assert read.ressources == ()


def test_a_comment_does_not_cut_a_text() -> None:
    read = demande("<!-- a --><numGuichet>G1<!-- b -->104</numGuichet>")
    assert read.num_guichet == "G1104"


def test_wished_communes_keep_their_order_and_skip_codes_left_out() -> None:
    """interface/wire §11: `code` is optional everywhere."""
    places = "".join(
        f"<localisationSouhaite><commune{code}/></localisationSouhaite>"
        for code in (' code="59350"', "", ' code="2A004"', ' code="59350"')
    )
    read = demande(
        f"<logementRecherche><listeLocalisationSouhaite>{places}</listeLocalisationSouhaite></logementRecherche>"
    )
    assert read.communes_souhaitees == ("59350", "2A004")
    assert [code for code, _ in read.localisations] == ["59350", None, "2A004", "59350"]


def test_a_deradiation_is_a_radiation_without_a_motif() -> None:
    """interface/wire §11."""
    read = demande(
        "<radiation><dateRadiation>2026-01-02</dateRadiation><motifRadiation/></radiation>"
    ).radiation
    assert read is not None
    assert read.motif is None
    assert read.date_radiation == date(2026, 1, 2)


def test_every_part_of_a_complete_demande_is_read() -> None:
    read = read_demande(etree.fromstring(generate_demande(3, type_fichier="RAD", complet=True)))
    who = read.demandeur
    assert who is not None
    assert who.civilite in {"1", "2"}
    assert who.mel.endswith("@example.org")
    assert who.notif_sms is not None
    assert who.tel_portable.startswith("063998")
    assert who.adresse_postale is not None
    assert who.adresse_postale.voie
    assert who.situation_professionnelle is not None
    assert who.situation_professionnelle.type_contrat
    assert read.revenu_fiscal is not None
    assert read.revenu_fiscal.montant_moins1 is not None
    assert read.ressources
    assert read.ressources[0].montant is not None
    assert who.ressources_versees
    assert who.ressources_recues_pers_a_charge
    assert [c.lien for c in read.cotitulaires] != []
    assert read.cotitulaires[0].mel == ""
    assert read.adresse_logement is not None
    assert read.personnes_en_garde[0].co_parentalite in {"G", "D"}
    assert read.naissances is not None
    assert read.logement_actuel is not None
    assert read.logement_actuel.modeles
    assert read.handicaps[0].etat in {"STA", "EVO"}
    assert read.dalo is not None
    assert read.dalo.statut is not None
    assert read.date_renouvellement is not None
    assert read.radiation is not None
    assert read.radiation.attribution is not None
    assert len(read.radiation.attribution.numero_rpls) == 10
    assert read.radiation.attribution.commune is not None
    assert read.categorie in {"A", "M", "I"}
    assert read.loyer_max is not None
    assert read.increment_fichier.isdigit()
    assert read.renouvellement_elec is not None
    assert None not in (read.avec_parking, read.rez_de_chaussee, read.sans_ascenseur, read.demande_elargie)


def test_the_demande_of_an_association_has_no_household() -> None:
    read = read_demande(etree.fromstring(generate_demande(3, association=True)))
    assert read.association is not None
    assert read.association.nom
    assert read.association.adresse_postale is not None
    assert read.demandeur is None
    assert read.cotitulaires == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2018-03-15", date(2018, 3, 15)),
        (" 2018-03-15+01:00 ", date(2018, 3, 15)),
        ("2018-03-15Z", date(2018, 3, 15)),
        ("12018-03-15", date.max),
        ("-2018-03-15", date.min),
        ("-12018-03-15", date.min),
        ("", date.min),
    ],
)
def test_a_date_that_python_cannot_hold_reads_as_the_nearest_bound(text: str, expected: date) -> None:
    assert parse_date(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2017-08-31T15:30:00.0+02:00", datetime(2017, 8, 31, 15, 30, tzinfo=timezone(timedelta(hours=2)))),
        ("2017-08-31T15:30:00Z", datetime(2017, 8, 31, 15, 30, tzinfo=UTC)),
        ("2017-08-31T15:30:00.123456789Z", datetime(2017, 8, 31, 15, 30, 0, 123456, tzinfo=UTC)),
        ("2017-08-31T15:30:00", datetime(2017, 8, 31, 15, 30)),  # noqa: DTZ001 (as sent: no zone)
        ("2017-08-31T24:00:00", None),
        ("12017-08-31T15:30:00Z", None),
    ],
)
def test_instants_as_partners_write_them(text: str, expected: datetime | None) -> None:
    assert parse_instant(text) == expected


@given(st.integers(-9999, 99999), st.integers(1, 12), st.integers(1, 28))
def test_reading_a_valid_xs_date_never_fails(year: int, month: int, day: int) -> None:
    parse_date(f"{'-' if year < 0 else ''}{abs(year):04}-{month:02}-{day:02}")
