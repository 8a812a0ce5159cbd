"""Our own conformity, as the kit finds it; and that it finds the defects of a hub.

One hub serves all of it, in one test: a campaign straight at it, then one through a proxy that changes
nothing and notes what passes. Some variants, others each day, are then tried against the assertions meant for
them; `make conformite-defauts` tries all of them, and `make conformite-variantes` each of them against every
assertion of which it changes some octet: to the others it is the hub that was tried already.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from certs.autorite import load_autorite
from conformance.assertions import server_assertions
from conformance.campagne import Resultat, Verdict, run, select
from conformance.cible import Cible
from conformance.contrefacon import Genre, forge, server_trait
from conformance.profil import Profil, read_profil
from tests.conformance.cible_deformee import CibleDeformee, Journal
from tests.conformance.cible_essai import serve
from tests.conformance.mandataire import Deformation, Mandataire
from tests.conformance.variante import Variante
from tests.conformance.variantes import PARTENAIRE, SERVEUR

TOURS = 8
"""In so many days the ordinary tests have tried each variant; `make conformite-defauts` tries all."""


@dataclass(frozen=True)
class Essai:
    """A hub, a proxy in front of it, and the profile of what it makes of it."""

    fichier: Path
    proxy: Mandataire
    profil: Profil

    def campaign(self) -> tuple[Resultat, ...]:
        """Straight at the hub."""
        return _run(Cible(read_profil(self.fichier)[0], "directe", datetime.now(UTC)), ())

    def observe(self) -> tuple[tuple[Resultat, ...], Journal]:
        """Through the proxy; and what passed."""
        cible = CibleDeformee(self.profil, "observée", datetime.now(UTC), self.proxy, Deformation())
        return _run(cible, ()), cible.journal

    def judge(self, variante: Variante, journal: Journal | None = None) -> str:
        """What is wrong with how a variant is seen; nothing when it is as it should.

        journal: of a campaign when nothing was broken, to try all that the variant touches; without it, only
        what must see it.
        """
        wanted = variante.exigees
        if journal is not None:
            wanted |= set(variante.portee) or journal.touched(variante.deformation)
        # What does not come is waited for: not as long as when it must.
        hasty = msgspec.structs.replace(
            self.profil,
            reception=msgspec.structs.replace(self.profil.reception, attente=12.0),
            courrier=self.profil.courrier and msgspec.structs.replace(self.profil.courrier, attente=20.0),
        )
        # The documents of one campaign are known to the hub in another.
        graine = f"{variante.nom} {journal is None}"
        cible = CibleDeformee(hasty, graine, datetime.now(UTC), self.proxy, variante.deformation)
        found = {each.id for each in _run(cible, sorted(wanted)) if each.verdict is Verdict.ECHOUEE}
        missed, wrong = variante.exigees - found, found - variante.permises
        if not missed and not wrong:
            return ""
        return f"{variante.nom} : non vue par {sorted(missed)}, vue à tort par {sorted(wrong)}"


def _run(cible: Cible, idents: Sequence[str]) -> tuple[Resultat, ...]:
    known = server_assertions()
    try:
        # Without what they depend on: that held, and is not what the defect touches.
        chosen = [each for each in known if each.id in idents or each.famille in idents] if idents else known
        return run(chosen, cible)
    finally:
        cible.close()


@pytest.fixture(scope="module")
def essai(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Essai]:
    folder = tmp_path_factory.mktemp("conformite")
    with serve(folder) as fichier:
        profil = read_profil(fichier)[0]
        known = {**profil.guichets, **profil.certificats}
        postes = {role: Path(each.certificat).parent for role, each in known.items()}
        serveur = folder / "instance" / "serveur"
        autorite = load_autorite(folder / "instance" / "autorite")
        for nom, genre in (("autre-nom", Genre.AUTRE_NOM), ("cle-faible", Genre.CLE_FAIBLE)):
            trait = server_trait("localhost")
            forge(genre, trait, autorite, now=datetime.now(UTC)).write(serveur.parent / nom)
        proxy = Mandataire(profil.cible.adresse, postes, serveur, Path(profil.cible.autorites))
        proxy.start()
        try:
            cible = msgspec.structs.replace(profil.cible, adresse=proxy.adresse)
            yield Essai(fichier, proxy, msgspec.structs.replace(profil, cible=cible))
        finally:
            proxy.stop()


@pytest.mark.slow
def test_the_hub_conforms_and_the_variants_of_the_day_do_not(essai: Essai) -> None:
    """[SOA-5] [SOA-16] [SOA-17] [SOA-18] Twice: what a run leaves is in nobody's way."""
    straight = essai.campaign()
    through, _ = essai.observe()
    for found in (straight, through):
        assert [each for each in found if each.verdict is not Verdict.REUSSIE] == []
        assert len(found) == len(server_assertions())
    chosen = SERVEUR[datetime.now(UTC).date().toordinal() % TOURS :: TOURS]
    assert [found for each in chosen if (found := essai.judge(each))] == []


@pytest.mark.long
def test_every_broken_hub_is_caught_by_the_assertions_meant_for_it(essai: Essai) -> None:
    """Some ten minutes. The next test does this too: no target of the Makefile runs both."""
    assert [found for each in SERVEUR if (found := essai.judge(each))] == []


@pytest.mark.long
def test_every_broken_hub_is_caught_by_no_other_assertion(essai: Essai) -> None:
    """An hour or more."""
    _, journal = essai.observe()
    assert [found for each in SERVEUR if (found := essai.judge(each, journal))] == []


def test_no_target_of_the_makefile_tries_the_variants_twice(request: pytest.FixtureRequest) -> None:
    """What it leaves out exists: pytest takes a wrong name without a word."""
    text = Path("Makefile").read_text(encoding="utf-8")
    (prefix,) = re.findall(r"^CHAQUE_SERVEUR := (\S+)$", text, re.M)
    left = {f"{prefix}{rest}" for rest in re.findall(r"--deselect \$\(CHAQUE_SERVEUR\)(\S+)", text)}
    both = (
        test_every_broken_hub_is_caught_by_the_assertions_meant_for_it,
        test_every_broken_hub_is_caught_by_no_other_assertion,
    )
    assert left == {f"{request.path.relative_to(Path.cwd())}::{each.__name__}" for each in both}


def test_each_variant_has_a_name_and_names_assertions() -> None:
    names = [each.nom for each in (*SERVEUR, *PARTENAIRE)]
    assert len(names) == len(set(names))
    assert f"{len(names)} deliberately broken" in Path("README.md").read_text(encoding="utf-8")
    known = {each.id for each in server_assertions()}
    for each in SERVEUR:
        assert each.permises <= known, each.nom
        assert select(server_assertions(), each.portee), each.nom


def test_each_assertion_of_these_families_is_proved_by_a_variant() -> None:
    """Mail, pushed distributions, certificates: none is only passed."""
    seen = {ident for each in SERVEUR for ident in each.exigees}
    for each in server_assertions():
        if each.famille in ("09", "10") or (each.id >= "S0718" and each.famille == "07"):
            assert each.id in seen, each.id
