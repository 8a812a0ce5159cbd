"""Manifests, and what a guichet has against what was made for it."""

from registry.controles import PARIS
from tests.console.cas import Cas
from tests.console.manifestes import establish
from tests.console.monde import Monde


def _day(monde: Monde, _code: str) -> dict[str, str]:
    establish(monde)
    return {"jour": f"{monde.scene.now.astimezone(PARIS).date():%Y-%m-%d}"}


CAS = {
    # AILLEURS has no distribution, hence no manifest.
    "distributions.manifeste": Cas(_day, telechargement=True, statuts=frozenset({200, 404})),
    "distributions.rapprocher": Cas(champs=lambda _monde, _code: {"liste": "1"}),
}
