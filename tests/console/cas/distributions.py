"""Looking for distributions, one of them, its explanation, trying it again."""

from collections.abc import Mapping

from tests.console.cas import Cas
from tests.console.monde import AILLEURS, PARIS_13, Monde

VOISIN = "G1112"


def _first(monde: Monde, code: str) -> Mapping[str, str]:
    """The first distribution of that guichet; that of AILLEURS comes from a neighbour added here."""
    if code == AILLEURS and not monde.scene.distributions(AILLEURS):
        voisin = monde.scene.guichet(VOISIN, territoires=("111",))
        monde.scene.register([monde.scene.recue(voisin, (PARIS_13,), territoire="111")])
    return {"sequence": "1"}


CAS = {
    "distributions.exporter": Cas(telechargement=True),
    "distributions.voir": Cas(_first),
    "distributions.reprendre": Cas(_first),
    "distributions.rejouer": Cas(champs=lambda _monde, code: {"guichet": code}),
    "distributions.lever": Cas(),
    "distributions.expliquer": Cas(lambda _monde, code: {"guichet": code}),
}
