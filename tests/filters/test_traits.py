"""What filters see of a demande."""

from __future__ import annotations

from filters.traits import traits_from
from schemas import cog


def test_geography_is_derived_from_the_wished_communes() -> None:
    traits = traits_from(["59350", "75115"], ["T2"])
    assert traits["territoires"] == {"059", "111"}
    assert cog.epci_of("59350") in traits.codes("epci")
    assert traits.souhaits == {"59350", "75115"}


def test_an_arrondissement_counts_for_its_city() -> None:
    """[FIL-11] Who asks for the fifteenth arrondissement asks for Paris; the reverse is not true."""
    assert traits_from(["75115"], [])["communes"] == {"75115", "75056"}
    assert traits_from(["75056"], [])["communes"] == {"75056"}


def test_a_commune_of_grand_paris_has_its_territory_and_its_metropole() -> None:
    saint_denis = traits_from(["93066"], [])
    found = cog.commune("93066")
    assert found is not None
    assert saint_denis["epci"] == {found.epci, found.epci_fiscal}
    assert len(saint_denis.codes("epci")) == 2


def test_an_unknown_commune_is_a_place_of_nowhere() -> None:
    traits = traits_from(["99999"], [])
    assert traits["communes"] == {"99999"}
    assert not traits["epci"]
    assert not traits["territoires"]
