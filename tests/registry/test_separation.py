"""Creation after a separation: the seniority of the couple, under a new number."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import Engine, select

from registry import anomalies_demande, anomalies_vie
from registry.guichets import Guichet
from registry.histoire import rebuild
from registry.registration import Enregistrement, RefusDemande
from registry.tables import DEMANDE, JOURNAL
from tests.registry.fabrique import (
    AUTRE_BAILLEUR,
    BAILLEUR,
    COMMUNE,
    RECU_LE,
    demande_of,
    recue_of,
    register_all,
)
from tests.registry.vies import accept, created, numero_of, radiation, renewal, sent, situation_of

DEPOT = date(2024, 3, 12)


@pytest.fixture
def couple(engine: Engine) -> bytes:
    return created(engine, "couple", avec_cotitulaire=True, lien="M", communes=["75113"], date_creation=DEPOT)


def leaving(document: bytes, guichet: Guichet = BAILLEUR, **options: object) -> bytes:
    """The demande that the co-applicant files."""
    demande = demande_of(document)
    moi, autre = demande.demandeur, demande.cotitulaires[0]
    assert moi is not None
    numero = numero_of(document)
    data = sent(document, "CRS", guichet=guichet, **options).decode()  # type: ignore[arg-type]
    data = re.sub(r"<ns1:listeCotitulaire>.*</ns1:listeCotitulaire>", "", data, flags=re.DOTALL)
    data = data.replace(
        f"<ns1:numUnique>{numero}</ns1:numUnique>", f"<ns1:numUniqueAssocie>{numero}</ns1:numUniqueAssocie>"
    )
    for nom, avant, apres in (
        ("nom", moi.nom, autre.nom),
        ("prenom", moi.prenom, autre.prenom),
        ("dateNaissance", moi.date_naissance, autre.date_naissance),
    ):
        data = data.replace(f"<ns1:{nom}>{avant}", f"<ns1:{nom}>{apres}", 1)
    return data.encode()


def codes(engine: Engine, data: bytes, guichet: Guichet = BAILLEUR) -> list[str]:
    (refus,) = register_all(engine, [recue_of(data, guichet)])
    assert isinstance(refus, RefusDemande), refus
    return [anomalie.code for anomalie in refus.anomalies]


def test_the_co_applicant_keeps_the_seniority_under_a_new_number(engine: Engine, couple: bytes) -> None:
    """[VIE-70] [VIE-71] [VIE-73] By any guichet that reads the demande; that of the couple stays as it is."""
    avant = situation_of(engine, numero_of(couple))
    (fait,) = register_all(engine, [recue_of(leaving(couple, AUTRE_BAILLEUR), AUTRE_BAILLEUR)])
    assert isinstance(fait, Enregistrement), fait
    assert fait.numero == "1110324000002G1226"
    with engine.connect() as conn:
        ligne = conn.execute(select(DEMANDE).where(DEMANDE.c.numero == fait.numero)).one()
        detail = conn.scalar(select(JOURNAL.c.detail).where(JOURNAL.c.numero == fait.numero))
        assert rebuild(conn, fait.numero) == situation_of(engine, fait.numero)
    assert (ligne.date_depot, ligne.recue_le) == (DEPOT, RECU_LE)
    assert ligne.numero_origine == numero_of(couple) == demande_of(fait.fichier.contenu).num_unique_associe
    assert detail == f'{{"origine":"{numero_of(couple)}"}}'
    assert situation_of(engine, numero_of(couple)) == avant


def test_the_validity_is_that_of_the_couple(engine: Engine, couple: bytes) -> None:
    """[VIE-73] A demande of 2024 that was renewed is not expired the day it is copied."""
    renouvelee = accept(engine, renewal(couple, "2026-07-01"))
    (fait,) = register_all(engine, [recue_of(leaving(renouvelee))])
    assert isinstance(fait, Enregistrement), fait
    assert situation_of(engine, fait.numero).date_renouvellement == date(2026, 7, 1)
    assert demande_of(fait.fichier.contenu).date_renouvellement == date(2026, 7, 1)


def test_the_number_associated_stays(engine: Engine, couple: bytes) -> None:
    """[VIE-12]"""
    (fait,) = register_all(engine, [recue_of(leaving(couple))])
    assert isinstance(fait, Enregistrement)
    numero = f"<ns1:numUniqueAssocie>{numero_of(couple)}</ns1:numUniqueAssocie>"
    suite = accept(engine, sent(fait.fichier.contenu, "MOD", (numero, "")))
    assert demande_of(suite).num_unique_associe == numero_of(couple)


def test_a_separation_names_a_demande(engine: Engine, couple: bytes) -> None:
    """[VIE-70]"""
    numero = f"<ns1:numUniqueAssocie>{numero_of(couple)}</ns1:numUniqueAssocie>".encode()
    assert codes(engine, leaving(couple).replace(numero, b"")) == [anomalies_vie.SANS_ORIGINE.code]


def test_the_demande_of_the_couple_is_active_and_readable(engine: Engine, couple: bytes) -> None:
    """[VIE-71]"""
    assert codes(engine, leaving(couple, COMMUNE), COMMUNE) == [anomalies_demande.DEMANDE_HORS_PORTEE.code]
    inconnue = leaving(couple).replace(numero_of(couple).encode(), b"1110324999999G1104")
    assert codes(engine, inconnue) == [anomalies_demande.DEMANDE_HORS_PORTEE.code]
    accept(engine, radiation(couple, "RADABA", "2026-07-01"))
    assert codes(engine, leaving(couple)) == [anomalies_vie.ORIGINE_INCOMPATIBLE.code]


def test_the_date_and_the_territory_are_those_of_the_couple(engine: Engine, couple: bytes) -> None:
    """[VIE-71]"""
    autre = leaving(couple).replace(b"2024-03-12</ns1:dateCreation", b"2024-03-11</ns1:dateCreation")
    assert codes(engine, autre) == [anomalies_vie.DEPOT_DISCORDANT.code]
    ailleurs = leaving(couple).replace(b'commune code="75113"', b'commune code="59350"')
    assert anomalies_vie.AUTRE_TERRITOIRE.code in codes(engine, ailleurs)


def test_only_the_other_of_the_couple_leaves_with_the_seniority(engine: Engine, couple: bytes) -> None:
    """[VIE-72] Neither a stranger nor a colocataire."""
    autre = demande_of(couple).cotitulaires[0]
    etranger = leaving(couple).replace(
        f"<ns1:dateNaissance>{autre.date_naissance}".encode(), b"<ns1:dateNaissance>1970-01-01"
    )
    assert codes(engine, etranger) == [anomalies_vie.DEMANDEUR_ETRANGER.code]
    colocation = created(engine, "coloc", avec_cotitulaire=True, lien="L", date_creation=DEPOT)
    assert codes(engine, leaving(colocation)) == [anomalies_vie.DEMANDEUR_ETRANGER.code]


def test_another_demande_of_the_same_person_is_a_doublon(engine: Engine, couple: bytes) -> None:
    """[VIE-73] Leaving twice makes two demandes for one person."""
    (fait,) = register_all(engine, [recue_of(leaving(couple))])
    assert isinstance(fait, Enregistrement)
    assert codes(engine, leaving(couple) + b"\n") == [anomalies_demande.DOUBLON.code]


def test_a_creation_tells_no_radiation_and_a_plausible_renewal(engine: Engine, couple: bytes) -> None:
    """[VIE-12] [VIE-20] A système particulier brings the last renewal of what it already renewed."""
    autre = replace(BAILLEUR, territoires=frozenset({"111"}))
    data = leaving(couple).replace(b">CRS<", b">CRE<")
    avec = radiation(data, "RADABA", "2026-07-01").replace(b">RAD<", b">CRE<")
    assert anomalies_vie.PARTIE_RESERVEE.code in codes(engine, avec, autre)
    tard = renewal(data, (RECU_LE.date() + timedelta(days=1)).isoformat()).replace(b">REN<", b">CRE<")
    assert anomalies_vie.DATE_RENOUVELLEMENT.code in codes(engine, tard, autre)
