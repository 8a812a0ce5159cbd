"""Names of files, of operations, subjects; what a requête asks for."""

from __future__ import annotations

import uuid

import pytest

from mailflows.conventions import Sujets, operation_of
from mailflows.operations import Demandee, check
from mailflows.places import lane_of, sort_files
from registry.echanges import Fichier
from schemas.contract import DOSSIER_UNIQUE, GESTION_PARTAGEE, RECHERCHE_DEMANDE, operations
from schemas.courrier import Requete, write_requete

DOC = b"<interfaceNuu/>"


@pytest.mark.parametrize(
    ("nom", "operation"),
    [
        ("DEMG1104-202601010000-000001.xml", "getNumUnique"),
        ("demG1104.xml", "getNumUnique"),
        ("DBLG1104-202601010000-000001.xml", "getDoublons"),
        ("DALG1104.xml", "getDeclarationNouveauDalo"),
        ("lot du 3 mars.xml", "getNumUnique"),
        ("", "getNumUnique"),
    ],
)
def test_the_name_of_a_file_tells_its_operation(nom: str, operation: str) -> None:
    """[COU-21]"""
    assert operation_of(nom) == operation
    assert check(Demandee(operation, Fichier(nom, DOC))) is None


@pytest.mark.parametrize(
    "operation",
    [
        each.name
        for service in (GESTION_PARTAGEE, RECHERCHE_DEMANDE, DOSSIER_UNIQUE)
        for each in operations(service)
    ]
    + [operation_of(f"{prefix}G1104.xml") for prefix in ("PIL", "PIH", "RCH", "EVT", "TEV")],
)
def test_what_mail_does_not_do_is_refused_as_such(operation: str) -> None:
    """[COU-23]"""
    refus = check(Demandee(operation, Fichier("x.xml", DOC)))
    assert refus is not None
    assert refus.code == "COU010"


@pytest.mark.parametrize(
    ("demandee", "code"),
    [
        (Demandee("getRien", Fichier("x.xml", DOC)), "COU009"),
        (Demandee("getDemandeLogement", Fichier("x.xml", DOC), Requete("getDemandeLogement")), "COU013"),
        (Demandee("getNumUnique", Fichier("x.xml", DOC), Requete("getNumUnique")), "COU013"),
    ],
)
def test_what_a_requete_lacks(demandee: Demandee, code: str) -> None:
    """[COU-24]"""
    refus = check(demandee)
    assert refus is not None
    assert refus.code == code


def test_a_requete_speaks_for_the_file_that_it_names() -> None:
    """[COU-22]"""
    requete = Requete("getDoublons", "mien.xml", {"complet": "oui"})
    recus, (place,) = sort_files([Fichier("q.xml", write_requete(requete)), Fichier("mien.xml", DOC)])
    assert recus == []
    assert (place.demandee.operation, place.demandee.fichier.nom) == ("getDoublons", "mien.xml")
    assert place.demandee.requete is not None
    assert place.demandee.requete.get("complet") == "oui"
    _, (alone,) = sort_files([Fichier("q.xml", write_requete(requete))])
    assert alone.refus is not None
    assert alone.refus.code == "COU013"


def test_a_requete_out_of_its_schema_is_refused() -> None:
    """[COU-24]"""
    octets = write_requete(Requete("getDoublons")).replace(b"operation>", b"operatoin>")
    _, (place,) = sort_files([Fichier("q.xml", octets)])
    assert place.refus is not None
    assert place.refus.code == "COU008"


def test_files_about_one_demande_share_a_lane() -> None:
    """[COU-13]"""
    first = lane_of(b"<n:numUnique>111051812345600001</n:numUnique>", 1)
    assert first == lane_of(b"<numUnique a='b'> 111051812345600001 </numUnique>", 2)
    assert first != lane_of(b"<n:numUnique>111051812345600002</n:numUnique>", 1)
    assert lane_of(DOC, 1) != lane_of(DOC, 2)
    assert lane_of("<a/>".encode("utf-16"), 1) == lane_of("<b/>".encode("utf-16"), 2)


def test_subjects_hold_nothing_nominative_and_say_what_they_are() -> None:
    """[COU-33]"""
    sujets, identifier = Sujets("[SNE]"), uuid.UUID(int=7)
    assert sujets.answer("G1104", identifier, 1, 1) == f"[SNE] REPONSE G1104 {identifier}"
    assert sujets.answer("G1104", identifier, 2, 3).endswith("(2/3)")
    assert sujets.refusal("G1104", identifier).startswith("[SNE] REFUS G1104")
    assert sujets.distribution("G1104", 42, 1) == "[SNE] DISTRIBUTION G1104 42"
    assert sujets.distribution("G1104", 42, 3).endswith("RAPPEL 2")
