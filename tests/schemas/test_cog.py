"""Geography: the facts that the registry's rules lean on (regles §1, §3, §5)."""

from __future__ import annotations

import pytest

from schemas import cog, territoires


def test_a_commune_is_known_with_its_epci_and_postal_codes() -> None:
    lille = cog.commune("59350")
    assert lille is not None
    assert (lille.nom, lille.departement, lille.epci) == ("Lille", "59", "200093201")
    assert "59000" in lille.codes_postaux
    assert lille.population > 200_000


@pytest.mark.parametrize("code", ["", "00000", "2a004", "593500", "59 50", "75999"])
def test_an_unknown_code_is_none_and_never_an_error(code: str) -> None:
    assert cog.commune(code) is None
    assert cog.epci_of(code) is None
    assert territoires.territoire_of(code) is None
    assert cog.communes_of_ville(code) == frozenset()


def test_an_arrondissement_belongs_to_the_epci_and_territory_of_its_city() -> None:
    assert cog.epci_of("69381") == cog.epci_of("69123") == "200046977"
    assert territoires.territoire_of("13201") == "013"
    assert "75120" in territoires.communes_of_territoire("111")
    assert {"13055", "13201", "13216"} <= cog.communes_of_ville("13055")
    assert cog.communes_of_ville("59350") == {"59350"}


def test_inside_the_grand_paris_the_epci_is_the_etablissement_public_territorial() -> None:
    """regles §5 names EPCI and EPT alike; docs/decisions/0021."""
    assert cog.epci_of("93066") == "200057867"
    grand_paris = cog.epci("200054781")
    assert grand_paris is not None
    assert {"93066", "75056", "75101"} <= cog.communes_of_epci("200054781")
    assert cog.epci_of("75056") == "200054781"


@pytest.mark.parametrize(
    ("commune", "territoire", "name"),
    [
        ("75056", "111", "Île-de-France"),
        ("95127", "111", "Île-de-France"),
        ("59350", "059", "Nord"),
        ("01053", "001", "Ain"),
        ("2A004", "02A", "Corse-du-Sud"),
        ("2B033", "02B", "Haute-Corse"),
        ("97411", "974", "La Réunion"),
        ("97608", "976", "Mayotte"),
    ],
)
def test_the_territory_of_a_commune(commune: str, territoire: str, name: str) -> None:
    assert territoires.territoire_of(commune) == territoire
    assert territoires.name(territoire) == name
    assert commune in territoires.communes_of_territoire(territoire)


def test_the_overseas_collectivities_are_outside_the_registry() -> None:
    assert cog.commune("97502") is not None
    assert territoires.territoire_of("97502") is None
    assert not territoires.exists("975")


def test_territories_partition_the_communes_of_the_registry() -> None:
    codes = territoires.territoires()
    assert len(codes) == 94  # 96 départements of the mainland, 8 of them in one region, and 5 overseas
    assert all(len(code) == 3 and territoires.exists(code) for code in codes)
    members = [territoires.communes_of_territoire(code) for code in codes]
    outside = {c.code for c in cog.communes() if territoires.territoire_of(c.code) is None}
    assert sum(map(len, members)) + len(outside) == len(cog.communes())
    assert {c[:3] for c in outside} == {"975", "977", "978", "984", "986", "987", "988", "989"}


@pytest.mark.parametrize("code", ["", "075", "075 ", "111 ", "020", "975", "999"])
def test_what_is_not_a_territory(code: str) -> None:
    assert not territoires.exists(code)
    assert territoires.name(code) is None
    assert territoires.communes_of_territoire(code) == frozenset()


def test_codes_are_five_characters_and_epci_are_known() -> None:
    for item in cog.communes():
        assert len(item.code) == 5
        assert item.epci == "" or cog.epci(item.epci) is not None
        assert item.commune_mere == "" or cog.commune(item.commune_mere) is not None
