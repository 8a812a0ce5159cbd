"""The pages of filters: drafts, trials, activation, back-fills."""

from __future__ import annotations

from collections.abc import Mapping

from filters.brouillons import keep_brouillon
from filters.language import filtre
from tests.console.cas import Cas
from tests.console.monde import Monde

BROUILLON = "Petits logements"


def named(_monde: Monde, code: str) -> Mapping[str, str]:
    """The filter that the guichet has in force."""
    return {"nom": f"Tout {code}"}


def drafted(monde: Monde, code: str) -> Mapping[str, str]:
    """A draft of the guichet, kept first."""
    with monde.scene.engine.begin() as conn:
        draft = filtre(BROUILLON, types_logement=["T1", "T2"])
        keep_brouillon(conn, code, draft, instant=monde.scene.now)
    return {"nom": BROUILLON}


def on_condition(monde: Monde, code: str) -> Mapping[str, str]:
    return {**drafted(monde, code), "critere": "categories"}


CAS = {
    "filtres.creer": Cas(champs=lambda _monde, _code: {"nom": "Nouveau"}),
    "filtres.ecarter": Cas(champs=drafted),
    "filtres.importer": Cas(champs=lambda _monde, _code: {"texte": '[[filtre]]\nnom = "Importé"\n'}),
    "filtres.retirer": Cas(champs=named, statuts=frozenset({303, 422})),
    "filtres.exporter": Cas(telechargement=True),
    "filtres.historique": Cas(named),
    "filtres.comparer": Cas(named),
    "filtres.editer": Cas(drafted),
    "filtres.condition": Cas(on_condition, lambda _monde, _code: {"valeurs": "A"}),
    "filtres.essai": Cas(named),
    "filtres.passe": Cas(named),
    "filtres.numeros": Cas(named),
    "filtres.activation": Cas(drafted),
    "filtres.activer": Cas(drafted, lambda _monde, _code: {"effet": ""}),
    "filtres.rattraper": Cas(champs=lambda _monde, _code: {"geste": "lancer"}, statuts=frozenset({303, 422})),
}
