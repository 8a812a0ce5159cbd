"""The controls of a creation (regles §14): each wrong demande gets its own anomaly, a right one none."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from registry import anomalies_demande as catalogue
from registry.anomalies import Anomalie
from registry.controles import check_creation, check_search, searched_territoires, territoire_of
from registry.guichets import Guichet
from schemas.codes import check_codes
from tests.registry.fabrique import AUTRE_BAILLEUR, BAILLEUR, COMMUNE, PARTICULIER, demande_of, generate

JOUR = date(2026, 7, 1)


def check(data: bytes, guichet: Guichet = BAILLEUR, jour: date = JOUR) -> tuple[Anomalie, ...]:
    demande = demande_of(data)
    return check_creation(demande, guichet, jour, check_codes(demande.root, jour))


def codes(data: bytes, guichet: Guichet = BAILLEUR, jour: date = JOUR) -> list[str]:
    return [anomalie.code for anomalie in check(data, guichet, jour)]


def changed(data: bytes, *changes: tuple[str, str]) -> bytes:
    texte = data.decode()
    for avant, apres in changes:
        assert avant in texte, f"{avant!r} n'est pas dans le document"
        texte = texte.replace(avant, apres, 1)
    return texte.encode()


def test_generated_demandes_are_registrable() -> None:
    for seed in range(30):
        assert codes(generate(seed)) == []
        assert codes(generate(seed, association=True)) == []


@pytest.mark.parametrize("type_fichier", ["CRE", "CRS", "MOD", "RAD", "REN", "SUP", "COP"])
def test_everything_a_partner_may_send_is_served(type_fichier: str) -> None:
    """[VIE-2]"""
    trouves = codes(generate(1, type_fichier=type_fichier))
    assert not {catalogue.OPERATION_NON_ASSUREE.code, catalogue.OPERATION_RESERVEE.code} & set(trouves)


@pytest.mark.parametrize("type_fichier", ["DIS", "RET"])
def test_what_the_hub_emits_is_no_request(type_fichier: str) -> None:
    assert codes(generate(1, type_fichier=type_fichier)) == [catalogue.OPERATION_RESERVEE.code]


def test_an_unknown_type_of_file_is_an_unknown_code_and_nothing_more() -> None:
    data = generate(1).replace(b">CRE<", b">ZZZ<")
    assert codes(data) == [catalogue.CODE_INCONNU.code]


def test_the_document_names_the_guichet_of_the_certificate() -> None:
    """[ENR-4]"""
    (anomalie,) = check(generate(1), AUTRE_BAILLEUR)
    assert anomalie.code == catalogue.GUICHET_DISCORDANT.code
    assert "G1104" in anomalie.message
    assert "G1226" in anomalie.message
    assert anomalie.propriete.endswith("/numGuichet")


def test_a_guichet_that_does_not_number_may_not_bring_a_number() -> None:
    """[ENR-11]"""
    assert codes(generate(1, num_unique="1110626000001G1104")) == [catalogue.NUMERO_PRESENT.code]


def foreign(numero: str, territoire: str = "059") -> list[str]:
    data = generate(1, PARTICULIER, num_unique=numero, territoire=territoire, date_creation=date(2026, 6, 15))
    return codes(data, PARTICULIER)


def test_a_systeme_particulier_numbers_its_own_demandes() -> None:
    """Its number is accepted, whichever guichet first registered (regles §7)."""
    assert foreign("0590626000001G0590") == []
    assert foreign("0590626999999G1234") == []


def test_a_number_of_a_systeme_particulier_must_be_right() -> None:
    """[ENR-11]"""
    assert foreign("ABC") == [catalogue.NUMERO_MALFORME.code]
    assert foreign("1110626000001G0590") == [catalogue.NUMERO_AUTRE_TERRITOIRE.code]
    assert foreign("0590526000001G0590") == [catalogue.NUMERO_AUTRE_MOIS.code]


def test_a_systeme_particulier_may_not_leave_its_number_to_the_hub() -> None:
    """[ENR-11]"""
    assert codes(generate(1, PARTICULIER, territoire="059"), PARTICULIER) == [catalogue.NUMERO_ABSENT.code]


def test_the_deposit_is_neither_in_the_future_nor_before_1990() -> None:
    """[ENR-6]"""
    assert codes(generate(1, date_creation=JOUR)) == []
    assert codes(generate(1, date_creation=date(2026, 7, 2))) == [catalogue.DEPOT_FUTUR.code]
    ancien = codes(generate(1, date_creation=date(1989, 12, 31)))
    assert catalogue.DEPOT_TROP_ANCIEN.code in ancien


def test_a_year_that_python_cannot_hold_is_a_wrong_date_not_a_crash() -> None:
    data = generate(1, date_creation=date(2026, 6, 15))
    assert codes(data.replace(b">2026-06-15<", b">12026-06-15<")) == [catalogue.DEPOT_FUTUR.code]
    assert catalogue.DEPOT_TROP_ANCIEN.code in codes(data.replace(b">2026-06-15<", b">-0044-03-15<"))


def test_nobody_is_born_after_the_deposit() -> None:
    """[ENR-6]"""
    demande = demande_of(generate(1, date_creation=date(2026, 6, 15)))
    assert demande.demandeur is not None
    ne = demande.demandeur.date_naissance.isoformat()
    data = changed(generate(1, date_creation=date(2026, 6, 15)), (f">{ne}<", ">2026-06-16<"))
    assert codes(data) == [catalogue.NAISSANCE_APRES_DEPOT.code]


@pytest.mark.parametrize("vide", [" ", "-", "…"])
@pytest.mark.parametrize("nom", ["nom", "prenom"])
def test_a_name_without_a_letter_is_no_name(nom: str, vide: str) -> None:
    """[ENR-6]"""
    data = generate(1, avec_cotitulaire=False)
    demandeur = demande_of(data).demandeur
    assert demandeur is not None
    valeur = getattr(demandeur, nom)
    data = changed(data, (f"nom>{valeur}<" if nom == "nom" else f"prenom>{valeur}<", f"{nom}>{vide}<"))
    (anomalie,) = check(data)
    assert anomalie.code == catalogue.NOM_VIDE.code
    assert anomalie.propriete.endswith(f"/demandeur/{nom}")


def test_wished_communes_are_real_and_of_one_territory_of_the_guichet() -> None:
    """[ENR-5]"""
    assert codes(generate(1, communes=["75113", "93048"])) == []
    assert codes(generate(1, communes=["75113", "99999"])) == [catalogue.COMMUNE_INCONNUE.code]
    assert codes(generate(1, communes=["75113", "59350"])) == [catalogue.PLUSIEURS_TERRITOIRES.code]
    hors = check(generate(1, communes=["2A004"]))
    assert [anomalie.code for anomalie in hors] == [catalogue.HORS_TERRITOIRES.code]
    assert "2A004" in hors[0].message


def test_a_demande_without_a_place_is_refused() -> None:
    """[ENR-5]"""
    data = generate(1, communes=["75113"])
    assert codes(data.replace(b' code="75113"', b""))[:1] == [catalogue.SANS_COMMUNE.code]
    texte = data.decode()
    debut = texte.index("logementRecherche>")
    debut = texte.rindex("<", 0, debut)
    fin = texte.index("logementRecherche>", debut + 20) + len("logementRecherche>")
    assert codes((texte[:debut] + texte[fin:]).encode()) == [catalogue.SANS_LOGEMENT_RECHERCHE.code]


def test_codes_are_checked_against_their_lists() -> None:
    """[ENR-6]"""
    data = generate(1)
    civilite = demande_of(data).demandeur
    assert civilite is not None
    data = changed(data, (f'civilite code="{civilite.civilite}"', 'civilite code="9"'))
    (anomalie,) = check(data)
    assert anomalie.code == catalogue.CODE_INCONNU.code
    assert "civilite" in anomalie.message


def test_all_the_anomalies_are_told_at_once() -> None:
    """[ENR-2]"""
    data = generate(1, date_creation=date(2026, 7, 2), num_unique="X", communes=["99999"])
    assert codes(data, AUTRE_BAILLEUR) == [
        catalogue.GUICHET_DISCORDANT.code,
        catalogue.NUMERO_PRESENT.code,
        catalogue.DEPOT_FUTUR.code,
        catalogue.COMMUNE_INCONNUE.code,
    ]


def test_the_territory_is_that_of_the_wished_communes() -> None:
    assert territoire_of(demande_of(generate(1, communes=["75113", "93048"]))) == "111"
    assert territoire_of(demande_of(generate(1, communes=["75113", "59350"]))) is None


def test_doublons_are_looked_for_within_the_territories_of_the_guichet_only() -> None:
    assert searched_territoires(demande_of(generate(1, communes=["75113", "59350"])), BAILLEUR) == {
        "111",
        "059",
    }
    ailleurs = demande_of(generate(1, COMMUNE, communes=["59350"]))
    assert searched_territoires(ailleurs, COMMUNE) == frozenset()
    assert [a.code for a in check_search(ailleurs, COMMUNE)] == [catalogue.HORS_TERRITOIRES.code]


def test_doublons_of_an_association_are_not_looked_for() -> None:
    """The real system fails with a generic error there (interface/wire §5): ours says why."""
    (anomalie,) = check_search(demande_of(generate(1, association=True)), BAILLEUR)
    assert anomalie.code == catalogue.DOUBLON_SANS_PERSONNE.code


def test_the_day_of_a_guichet_that_lost_a_territory() -> None:
    sans = replace(BAILLEUR, territoires=frozenset({"059"}))
    assert codes(generate(1, communes=["75113"]), sans) == [catalogue.HORS_TERRITOIRES.code]
