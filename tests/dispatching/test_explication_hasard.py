"""What is explained is what was decided, for every guichet and every event of random histories, whatever made
a guichet hold the demande; and the change that is proposed flips the answer."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection, text

from dispatching.attendus import list_attendus, read_histoire
from dispatching.decision import Distributeur, Sortie
from dispatching.explanation import Explication, explain_distribution
from dispatching.recipients import Raison
from filters.changes import Cote
from filters.language import Condition, Filtre, filtre
from filters.naive import lasting, matches
from filters.source import contexte_of
from filters.store import withdraw_filtre
from filters.traits import Traits, traits_of
from registry.evaluation import DepotPortail
from registry.exchanges_store import record_receptions
from registry.fusion import Fusion, merge
from registry.guichets import Guichet, TypeGuichet
from registry.journal import Chaine, Ecriture
from tests.dispatching.scene import DOUAI, LILLE, ROUBAIX, Scene
from tests.dispatching.test_vie import changed, current
from tests.registry.fabrique import demande_of
from tests.registry.vies import sent

LIEUX = (LILLE, ROUBAIX, DOUAI)
OPERATIONS = ("créer", "déposer", "changer", "changer", "changer", "réunir", "filtrer", "filtrer", "ôter")
PAS = 180


class Histoire:
    """One random history: two authors, a portal, and guichets of every kind."""

    def __init__(self, scene: Scene, graine: int, sortie: Sortie) -> None:
        scene.distributeur = Distributeur(scene.clock, sortie)
        self.scene = scene
        self.rng = random.Random(graine)
        self.auteurs = [scene.guichet("G0001"), scene.guichet("G0002", filtre("F0", communes=[LILLE]))]
        self.portail = scene.guichet("GDPUB", genre=TypeGuichet.PORTAIL)
        scene.guichet("G0004", Filtre("F0"), genre=TypeGuichet.COMMUNE, perimetre=ROUBAIX)
        scene.guichet("G0005", filtre("F0", communes=[DOUAI]))
        scene.guichet("G0006", Filtre("F0"), territoires=("111",))
        self.codes = ["G0001", "G0002", "G0004", "G0005", "G0006", "GDPUB"]
        self.numeros: list[str] = []

    def do(self, operation: str) -> None:
        scene, rng = self.scene, self.rng
        scene.clock.advance(timedelta(minutes=1))
        auteur, code = rng.choice(self.auteurs), rng.choice(self.codes[1:5])
        match operation:
            case "créer":
                self.numeros.append(scene.demande(auteur, [rng.choice(LIEUX)], [rng.choice(["T2", "T3"])]))
            case "déposer":
                self._deposit(auteur)
            case "changer" if self.numeros:
                self._move(rng.choice(self.numeros), auteur)
            case "réunir" if len(self.numeros) > 1:
                self._merge(*rng.sample(self.numeros, 2))
            case "filtrer":
                conditions = [
                    Condition("communes", frozenset(rng.sample(LIEUX, rng.randint(1, 2)))),
                    Condition("types_logement", frozenset({rng.choice(["T2", "T3"])})),
                    Condition("evenements", frozenset({rng.choice(["CRE", "MOD"])})),
                ]
                voulu = Filtre(f"F{rng.randrange(2)}", tuple(c for c in conditions if rng.random() < 0.6))
                scene.filtre(code, voulu)
            case "ôter":
                with scene.engine.begin() as conn:
                    withdraw_filtre(conn, code, f"F{rng.randrange(2)}", instant=scene.now)

    def _deposit(self, auteur: Guichet) -> None:
        """Deposited on the portal, then validated by the author."""
        scene = self.scene
        recue = scene.recue(auteur, [self.rng.choice(LIEUX)])
        with scene.engine.begin() as conn:
            record_receptions(conn, [recue.echange])
        with scene.engine.begin() as conn:
            emetteur = replace(recue.echange.emetteur, guichet=self.portail)
            deposit = Ecriture.of(replace(recue.echange, emetteur=emetteur), "DEP", "")
            (entree,) = Chaine.lock(conn).append([replace(deposit, numero=None)])
            depot = DepotPortail(self.portail.code, scene.now, entree.sequence, "CNI")
            self.numeros += scene.register_in(conn, [replace(recue, depot=depot)])

    def _move(self, numero: str, auteur: Guichet) -> None:
        scene = self.scene
        document = current(scene, numero).document
        here = next(lieu for lieu in LIEUX if f'commune code="{lieu}"'.encode() in document)
        place = f'commune code="{here}"', f'commune code="{self.rng.choice(LIEUX)}"'
        changed(scene, sent(document, "MOD", place, guichet=auteur, ecrit=scene.now), auteur)

    def _merge(self, une: str, autre: str) -> None:
        """The older one goes on, unless they cannot be merged."""
        scene = self.scene
        conservee, absorbee = sorted((une, autre), key=lambda numero: current(scene, numero).date_depot)
        with scene.engine.begin() as conn:
            options = {"conservee": conservee, "absorbee": absorbee, "auteur": "gestionnaire"}
            instant = scene.now
            found = merge(
                conn, scene.distributeur, motif="essai", instant=instant, malgre_ecart=True, **options
            )
        if isinstance(found, Fusion):
            self.numeros.remove(absorbee)
            # Whoever holds by the merge is told of what follows at the same instant.
            self._move(conservee, self.rng.choice(self.auteurs))


@pytest.mark.parametrize("sortie", list(Sortie))
def test_explanation_equals_engine_on_every_pair_of_random_histories(scene: Scene, sortie: Sortie) -> None:
    """[DST-3] [FIL-31] [FIL-32] [DST-80] Holders by what they sent, deposited on the portal, received, or
    held of a demande merged into this one; notices of leaving; rights, filters, and those that get nothing.
    """
    histoire = Histoire(scene, int(sortie is Sortie.FILTRES), sortie)
    for _ in range(PAS):
        histoire.do(histoire.rng.choice(OPERATIONS))
    seen: Counter[tuple[Raison, bool]] = Counter()
    flipped = 0
    with scene.engine.connect() as conn:
        events = conn.execute(text("SELECT numero, version FROM decision")).all()
        made = {(d.numero, d.version, d.guichet): d for d in scene.distributions()}
        for numero, version in events:
            for code in histoire.codes:
                found = explain_distribution(conn, numero, code, version=version)
                assert found is not None
                assert found.verdict is not None
                assert found.texte
                distribution = made.get((numero, version, code))
                assert found.destinataire is (distribution is not None), (numero, version, found.texte)
                if distribution is not None:
                    assert found.verdict.raison is distribution.raison
                seen[found.verdict.raison, found.propre] += 1
                flipped += _flips(conn, found)
        assert not any(each.rompu for each in list_attendus(conn, read_histoire(conn), au=scene.now))
        motifs = set(conn.execute(text("SELECT DISTINCT motif FROM detention")).scalars())
    assert motifs == {"auteur", "distribution", "fusion"}
    expected = {
        (Raison.FILTRE, False),
        (Raison.DETENTEUR, False),
        (Raison.DETENTEUR, True),
        (Raison.AUTEUR, False),
        (Raison.AUTEUR, True),
        (Raison.SORTIE_DROITS, False),
        (Raison.SANS_DROIT, False),
        (Raison.HORS_FILTRES, False),
    }
    assert expected <= seen.keys()
    assert ((Raison.SORTIE_FILTRES, False) in seen) is (sortie is Sortie.FILTRES)
    assert flipped > 200


def _flips(conn: Connection, found: Explication) -> int:
    """Apply every change that is proposed; how many."""
    assert found.verdict is not None
    leaves = found.verdict.raison is Raison.SORTIE_FILTRES
    traits = _traits(conn, found)
    count = 0
    for item in found.filtres:
        assert item.version.filtre is not None
        judged = lasting(item.version.filtre) if leaves else item.version.filtre
        assert item.explication.correspond is matches(judged, traits)
        for change in item.explication.changements:
            assert matches(*change.apply(judged, traits)) is not item.explication.correspond
            count += 1
    if found.verdict.raison in {Raison.HORS_FILTRES, Raison.SORTIE_FILTRES} and found.filtres:
        assert any(c.cote is Cote.FILTRE for f in found.filtres for c in f.explication.changements)
        assert found.conseils
    return count


def _traits(conn: Connection, found: Explication) -> Traits:
    query = text("SELECT document FROM demande_version WHERE numero = :numero AND version = :version")
    values = {"numero": found.numero, "version": found.version}
    demande = demande_of(conn.execute(query, values).scalar_one())
    return traits_of(demande, contexte_of(found.nature, found.auteur, found.decidee_le, None))
