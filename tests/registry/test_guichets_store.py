"""Guichets: what the gestionnaire may declare, and the communes that follow from it (regles §1, §5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine

from registry.constats import Constat
from registry.generations import Generation, read
from registry.guichets import Guichet, TypeGuichet
from registry.guichets_store import (
    NouveauGuichet,
    add_guichet,
    close_guichet,
    get_guichet,
    list_guichets,
    resolve,
    set_adresse_reception,
)
from schemas import cog

INSTANT = datetime(2026, 3, 16, 9, 30, tzinfo=UTC)
BAILLEUR = NouveauGuichet("G1104", "Logis", TypeGuichet.BAILLEUR, "552046484", frozenset({"111", "059"}))
COMMUNE = NouveauGuichet("G0591", "Lille", TypeGuichet.COMMUNE, "", frozenset({"059"}), "59350")
EPCI = NouveauGuichet("G0592", "Métropole de Lille", TypeGuichet.EPCI, "200093201", frozenset({"059"}))


def codes(constats: Guichet | Sequence[Constat]) -> list[str]:
    assert not isinstance(constats, Guichet)
    return [constat.code for constat in constats]


def resolved(nouveau: NouveauGuichet) -> Guichet:
    guichet = resolve(nouveau)
    assert isinstance(guichet, Guichet), guichet
    return guichet


def test_a_bailleur_has_no_commune_of_its_own() -> None:
    assert resolved(BAILLEUR).communes == frozenset()


def test_a_commune_reads_its_epci_too() -> None:
    """regles §5: communes read demandes on their commune or on their EPCI."""
    assert resolved(COMMUNE).communes == cog.communes_of_epci("200093201")
    assert {"59350", "59512"} <= resolved(COMMUNE).communes


def test_a_commune_outside_any_epci_reads_itself() -> None:
    alone = replace(COMMUNE, perimetre="29083", territoires=frozenset({"029"}))
    assert resolved(alone).communes == {"29083"}


def test_paris_reads_its_arrondissements_and_not_the_metropole() -> None:
    """docs/decisions/0021: Paris has no EPT; the métropole du Grand Paris does not widen what it reads."""
    paris = replace(COMMUNE, perimetre="75056", territoires=frozenset({"111"}))
    assert resolved(paris).communes == {"75056"} | {f"751{n:02}" for n in range(1, 21)}


def test_a_commune_of_the_grand_paris_reads_its_ept() -> None:
    montreuil = replace(COMMUNE, perimetre="93048", territoires=frozenset({"111"}))
    assert resolved(montreuil).communes == cog.communes_of_epci("200057875")


def test_an_epci_is_its_own_perimeter_by_its_siren() -> None:
    assert resolved(EPCI) == replace(resolved(replace(EPCI, perimetre="200093201")))
    assert len(resolved(EPCI).communes) > 50


@pytest.mark.parametrize(
    ("nouveau", "code"),
    [
        (replace(BAILLEUR, code="g1104"), "GUICHET-CODE"),
        (replace(BAILLEUR, code="G11041"), "GUICHET-CODE"),
        (replace(BAILLEUR, nom="  "), "GUICHET-NOM"),
        (replace(BAILLEUR, nom="x" * 256), "GUICHET-NOM"),
        (replace(BAILLEUR, siren="55204648"), "GUICHET-SIREN"),
        (replace(BAILLEUR, siren="55204648²"), "GUICHET-SIREN"),
        (replace(BAILLEUR, territoires=frozenset()), "GUICHET-TERRITOIRE"),
        (replace(BAILLEUR, territoires=frozenset({"59"})), "GUICHET-TERRITOIRE"),
        (replace(BAILLEUR, perimetre="59350"), "GUICHET-PERIMETRE"),
        (replace(COMMUNE, perimetre=""), "GUICHET-PERIMETRE"),
        (replace(COMMUNE, perimetre="59000"), "GUICHET-PERIMETRE"),
        (replace(COMMUNE, territoires=frozenset({"111"})), "GUICHET-PERIMETRE"),
        (replace(EPCI, siren=""), "GUICHET-PERIMETRE"),
        (replace(EPCI, perimetre="552046484"), "GUICHET-PERIMETRE"),
        (replace(BAILLEUR, adresse_reception="http://hote/"), "GUICHET-ADRESSE"),
        (replace(BAILLEUR, adresse_reception="https:///chemin"), "GUICHET-ADRESSE"),
        (replace(BAILLEUR, code="GDPUB"), "GUICHET-PORTAIL"),
        (replace(BAILLEUR, type=TypeGuichet.PORTAIL), "GUICHET-PORTAIL"),
        (replace(BAILLEUR, adresse_reception="https://hote:port/"), "GUICHET-ADRESSE"),
        (replace(BAILLEUR, adresse_reception="https://nom:mot@hote/"), "GUICHET-ADRESSE"),
    ],
)
def test_each_mistake_has_its_constat(nouveau: NouveauGuichet, code: str) -> None:
    """[POR-1] The portal among them: GDPUB, and it alone."""
    assert codes(resolve(nouveau)) == [code]


def test_all_mistakes_are_told_at_once() -> None:
    wrong = NouveauGuichet("?", "", TypeGuichet.COMMUNE, "1", frozenset({"999"}), "0", adresse_reception="x")
    assert codes(resolve(wrong)) == [
        "GUICHET-CODE",
        "GUICHET-NOM",
        "GUICHET-SIREN",
        "GUICHET-TERRITOIRE",
        "GUICHET-ADRESSE",
        "GUICHET-PERIMETRE",
    ]


def test_what_is_added_is_read_back_as_it_was_resolved(engine: Engine) -> None:
    full = replace(COMMUNE, numerote=True, adresse_reception="https://127.0.0.1:8444/reception")
    with engine.begin() as conn:
        added = add_guichet(conn, full, instant=INSTANT)
        assert added == resolved(full)
        assert get_guichet(conn, "G0591") == added
        assert isinstance(add_guichet(conn, BAILLEUR, instant=INSTANT), Guichet)
        assert [guichet.code for guichet in list_guichets(conn)] == ["G0591", "G1104"]
        assert get_guichet(conn, "G9999") is None


def test_a_code_is_never_given_twice(engine: Engine) -> None:
    with engine.begin() as conn:
        add_guichet(conn, BAILLEUR, instant=INSTANT)
        close_guichet(conn, "G1104", instant=INSTANT)
        again = add_guichet(conn, replace(BAILLEUR, nom="Autre"), instant=INSTANT)
        assert codes(again) == ["GUICHET-PRIS"]
        guichet = get_guichet(conn, "G1104")
    assert guichet is not None
    assert (guichet.nom, guichet.actif) == ("Logis", False)


def test_closing_and_moving_an_unknown_guichet_is_a_constat(engine: Engine) -> None:
    with engine.begin() as conn:
        assert codes(close_guichet(conn, "G9999", instant=INSTANT)) == ["GUICHET-INCONNU"]
        assert codes(set_adresse_reception(conn, "G9999", "https://h/")) == ["GUICHET-INCONNU"]
        assert codes(set_adresse_reception(conn, "G9999", "ftp://h/")) == ["GUICHET-ADRESSE"]


def test_every_change_moves_the_generation_and_nothing_else_does(engine: Engine) -> None:
    """Other processes see a change because the counter moved in the same transaction."""
    with engine.begin() as conn:
        start = read(conn, Generation.IDENTITES)
        add_guichet(conn, BAILLEUR, instant=INSTANT)
        set_adresse_reception(conn, "G1104", "https://h/")
        close_guichet(conn, "G1104", instant=INSTANT)
        assert read(conn, Generation.IDENTITES) == start + 3
        add_guichet(conn, BAILLEUR, instant=INSTANT)
        close_guichet(conn, "G9999", instant=INSTANT)
        list_guichets(conn)
        assert read(conn, Generation.IDENTITES) == start + 3
        assert read(conn, Generation.FILTRES) == 1
