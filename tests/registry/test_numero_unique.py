"""The form of the numéro unique (regles §3)."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.numero_unique import NumeroUnique, compose, month_of, parse


@pytest.mark.parametrize("texte", ["1110318016982G1104", "1111023512345GDPUB", "02A1226000001G2A01"])
def test_the_public_samples_are_numbers(texte: str) -> None:
    assert str(parse(texte)) == texte


def test_the_parts_of_the_public_sample() -> None:
    numero = parse("1110318016982G1104")
    assert numero == NumeroUnique("111", 3, 18, 16982, "G1104")
    assert numero.agrees_with(date(2018, 3, 15))
    assert not numero.agrees_with(date(2018, 4, 1))


@pytest.mark.parametrize(
    "texte",
    [
        "",
        "0123456789ABCDEFGH",
        "1110018016982G1104",
        "1111318016982G1104",
        "1110318016982g1104",
        "1110318016982G1104 ",
        "1110318016982G1104\n",
        "02C0318016982G1104",
        "11103180१६982G1104",
        "1110318016982G110",
    ],
)
def test_what_has_not_the_form_is_no_number(texte: str) -> None:
    assert parse(texte) is None


TERRITOIRES = st.sampled_from(["111", "059", "02A", "02B", "974"])


@given(
    TERRITOIRES,
    st.dates(date(1990, 1, 1), date(2089, 12, 31)),
    st.integers(0, 999_999),
    st.from_regex(r"[A-Z0-9]{5}", fullmatch=True),
)
def test_a_number_reads_back_as_it_was_composed(
    territoire: str, depot: date, sequence: int, guichet: str
) -> None:
    numero = compose(territoire, depot, sequence, guichet)
    assert len(str(numero)) == 18
    assert parse(str(numero)) == numero
    assert numero.agrees_with(depot)
    assert str(numero)[3:7] == month_of(depot)


@pytest.mark.parametrize(
    ("territoire", "sequence", "guichet"),
    [("11", 1, "G1104"), ("111", 1_000_000, "G1104"), ("111", 1, "g1104")],
)
def test_parts_that_make_no_number_are_refused(territoire: str, sequence: int, guichet: str) -> None:
    with pytest.raises(ValueError, match="numéro unique impossible"):
        compose(territoire, date(2026, 1, 1), sequence, guichet)
