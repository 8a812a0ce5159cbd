"""The kit sees the defects of a hub: each broken variant, by the assertion meant for it and no other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from conformance.assertions import server_assertions
from conformance.campagne import Resultat, Verdict, run, select
from conformance.cible import Cible
from conformance.profil import Profil, read_profil
from tests.conformance.cible_essai import serve
from tests.conformance.mandataire import Deformation, Mandataire
from tests.conformance.variantes_partenaire import VARIANTES as VARIANTES_PARTENAIRE
from tests.conformance.variantes_serveur import VARIANTES, Variante

COURTES = VARIANTES[::4]
"""Those of every run of the tests, against the assertion meant for them; `make interop` tries all of them,
against every assertion."""


@pytest.fixture(scope="module")
def devant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Mandataire, Profil]]:
    """A proxy in front of a hub, and the profile of what it makes of it."""
    folder = tmp_path_factory.mktemp("variantes")
    with serve(folder) as fichier:
        profil = read_profil(fichier)[0]
        known = {**profil.guichets, **profil.certificats}
        postes = {role: Path(each.certificat).parent for role, each in known.items()}
        serveur = folder / "instance" / "serveur"
        proxy = Mandataire(profil.cible.adresse, postes, serveur, Path(profil.cible.autorites))
        proxy.start()
        try:
            cible = msgspec.structs.replace(profil.cible, adresse=proxy.adresse)
            yield proxy, msgspec.structs.replace(profil, cible=cible)
        finally:
            proxy.stop()


def campaign(devant: tuple[Mandataire, Profil], deformation: Deformation, nom: str, *choix: str) -> set[str]:
    """The assertions that failed."""
    proxy, profil = devant
    cible = Cible(profil, nom, datetime.now(UTC))
    proxy.deformation = deformation
    try:
        found: tuple[Resultat, ...] = run(select(server_assertions(), choix), cible)
    finally:
        cible.close()
    return {each.id for each in found if each.verdict is Verdict.ECHOUEE}


@pytest.mark.slow
def test_the_proxy_alone_breaks_nothing(devant: tuple[Mandataire, Profil]) -> None:
    assert campaign(devant, Deformation(), "rien", *sorted({each.assertion for each in VARIANTES})) == set()


@pytest.mark.slow
@pytest.mark.parametrize("variante", COURTES, ids=lambda each: each.nom)
def test_broken_hubs_are_caught(devant: tuple[Mandataire, Profil], variante: Variante) -> None:
    failed = campaign(devant, variante.deformation, variante.nom, variante.assertion)
    assert variante.assertion in failed
    assert failed <= {variante.assertion, *variante.consequences}


@pytest.mark.long
@pytest.mark.parametrize("variante", VARIANTES, ids=lambda each: each.nom)
def test_each_broken_hub_is_caught_by_the_assertion_meant_for_it(
    devant: tuple[Mandataire, Profil], variante: Variante
) -> None:
    failed = campaign(devant, variante.deformation, variante.nom)
    assert variante.assertion in failed
    assert failed <= {variante.assertion, *variante.consequences}


def test_there_are_enough_of_them_and_each_has_a_name() -> None:
    names = [each.nom for each in (*VARIANTES, *VARIANTES_PARTENAIRE)]
    assert len(names) == len(set(names)) >= 60
