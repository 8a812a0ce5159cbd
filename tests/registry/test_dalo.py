"""getDeclarationNouveauDalo in the register (docs/specification/40-dalo.md)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from lxml import etree
from sqlalchemy import Engine, text

from registry.dalo import check_declaration
from registry.declaration_dalo import DaloDeclare, DaloRefuse
from registry.guichets import TypeGuichet
from registry.verification import verify
from schemas.codes import check_codes
from schemas.documents import DEMANDES, Document, read_document
from tests.registry.dalo import (
    ETAT,
    NS,
    DecideurReleves,
    declaration,
    declare_all,
    radiate,
    register_demandes,
)
from tests.registry.fabrique import demande_of, horloge

JOUR = date(2026, 7, 1)
NUMERO = "111062600000100000"[:13] + "G1104"


def codes_of_check(data: bytes, guichet: object = ETAT) -> list[str]:
    demande = demande_of(data)
    return [
        each.code
        for each in check_declaration(demande, guichet, JOUR, check_codes(demande.root, JOUR))  # type: ignore[arg-type]
    ]


def test_a_well_made_declaration_has_no_anomaly() -> None:
    """[DAL-3] number, status, date of the decision."""
    assert codes_of_check(declaration(NUMERO)) == []


@pytest.mark.parametrize("genre", [each for each in TypeGuichet if each is not TypeGuichet.ETAT])
def test_only_the_state_declares(genre: TypeGuichet) -> None:
    """[DAL-2] the secretariat of the commission is a State service."""
    assert codes_of_check(declaration(NUMERO), replace(ETAT, type=genre)) == ["DAL201"]


def test_who_declares_is_configurable() -> None:
    """[DAL-2] the types of guichet that declare are given by the configuration."""
    demande = demande_of(declaration(NUMERO))
    bailleur = replace(ETAT, type=TypeGuichet.BAILLEUR)
    assert check_declaration(demande, bailleur, JOUR, declarants={TypeGuichet.BAILLEUR}) == ()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (declaration(""), "DAL202"),
        (declaration("NUMERO"), "NUM102"),
        (declaration(NUMERO, statut=None), "DAL203"),
        (declaration(NUMERO, decision=None), "DAL204"),
        (declaration(NUMERO, decision=date(2026, 7, 2)), "DAL205"),
        (declaration(NUMERO, statut="PEUT"), "COD101"),
        (declaration(NUMERO, guichet="G9999"), "GUI101"),
    ],
    ids=["no number", "malformed number", "no status", "no date", "future date", "unknown code", "guichet"],
)
def test_what_a_declaration_must_say(data: bytes, code: str) -> None:
    """[DAL-3] each lack has its anomaly."""
    assert codes_of_check(data) == [code]


def test_a_declaration_makes_a_version(engine: Engine) -> None:
    """[DAL-4] the DALO part alone is applied; journal, version and event are those of a modification."""
    clock = horloge()
    (numero,) = register_demandes(engine, 1)
    decideur = DecideurReleves(clock)
    (fait,) = declare_all(engine, [declaration(numero)], clock, decideur)
    assert isinstance(fait, DaloDeclare)
    document = read_document(fait.fichier.contenu, DEMANDES)
    assert isinstance(document, Document), document
    demande = demande_of(fait.fichier.contenu)
    assert demande.dalo is not None
    assert (demande.dalo.statut, demande.dalo.date_decision) == ("ACTIF", date(2026, 6, 15))
    # The guichet and the persons of the demande stay, those of the declaration are not read.
    assert (demande.num_guichet, demande.num_unique, demande.type_fichier) == ("G1104", numero, "RET")
    (evenement,) = decideur.evenements
    assert (evenement.version, evenement.nature, evenement.auteur) == (2, "MOD", ETAT.code)
    with engine.connect() as conn:
        assert verify(conn).intact
        version = conn.execute(text("SELECT version FROM demande")).scalar_one()
        assert version == 2


def test_marks_are_on_what_changed(engine: Engine) -> None:
    """[DAL-5] a new status marks the status alone; a lost element marks the part that held it."""
    clock = horloge()
    (numero,) = register_demandes(engine, 1)
    suite = "<ns1:diagnosticSocialDalo>true</ns1:diagnosticSocialDalo>"
    marks = []
    for data in (
        declaration(numero, suite=suite),
        declaration(numero, statut="ACTREL", suite=suite),
        declaration(numero, statut="ACTREL"),
    ):
        (fait,) = declare_all(engine, [data], clock)
        assert isinstance(fait, DaloDeclare)
        root = etree.fromstring(fait.fichier.contenu)
        marks.append(
            [etree.QName(each).localname for each in root.iter() if each.get(f"{{{NS}}}modifie") == "true"]
        )
    assert marks == [
        ["informationDalo", "statutDalo", "dateDecisionDalo", "diagnosticSocialDalo"],
        ["statutDalo"],
        ["informationDalo"],
    ]


def test_the_same_file_again_gets_the_same_answer(engine: Engine) -> None:
    """[DAL-6] replay, later or in the same batch: byte for byte, and one version."""
    clock = horloge()
    (numero,) = register_demandes(engine, 1)
    data = declaration(numero)
    one, two = declare_all(engine, [data, data], clock)
    clock.advance(timedelta(hours=1))
    (three,) = declare_all(engine, [data], clock)
    assert isinstance(one, DaloDeclare)
    assert isinstance(two, DaloDeclare)
    assert isinstance(three, DaloDeclare)
    assert one.fichier == three.fichier
    assert (one.rejeu, two.rejeu, three.rejeu) == (False, True, True)
    with engine.connect() as conn:
        assert conn.execute(text("SELECT max(version) FROM demande_version")).scalar_one() == 2


def test_saying_again_what_is_known_makes_no_version(engine: Engine) -> None:
    """[DAL-6] another file that says the same is accepted, and changes nothing."""
    clock = horloge()
    (numero,) = register_demandes(engine, 1)
    declare_all(engine, [declaration(numero)], clock)
    (fait,) = declare_all(engine, [declaration(numero) + b"\n"], clock)
    assert isinstance(fait, DaloDeclare)
    with engine.connect() as conn:
        assert conn.execute(text("SELECT max(version) FROM demande_version")).scalar_one() == 2


def test_unknown_and_unreadable_demandes_are_refused_alike(engine: Engine) -> None:
    """[DAL-4] within the reading right of the guichet; telling the two apart would tell who has a demande."""
    clock = horloge()
    (ailleurs,) = register_demandes(engine, 1, territoire="059")
    resultats = declare_all(engine, [declaration(ailleurs), declaration(NUMERO)], clock)
    assert [each.anomalies[0].code for each in resultats if isinstance(each, DaloRefuse)] == ["GUI103"] * 2


def test_a_radiated_demande_is_refused(engine: Engine) -> None:
    """[DAL-4] only an active demande gets a DALO status."""
    clock = horloge()
    (numero,) = register_demandes(engine, 1)
    with engine.begin() as conn:
        radiate(conn, numero, DecideurReleves(clock))
    (refus,) = declare_all(engine, [declaration(numero)], clock)
    assert isinstance(refus, DaloRefuse)
    assert [each.code for each in refus.anomalies] == ["DAL206"]
