"""Steering: flows, quality, files to take away."""

from collections.abc import Mapping

from tests.console.cas import Cas
from tests.console.monde import Monde


def _csv(_monde: Monde, _code: str) -> Mapping[str, str]:
    return {"format": "csv"}


CAS = {
    "alertes.taire": Cas(champs=lambda _monde, _code: {"heures": "2", "motif": "essai"}),
    "alertes.reprendre": Cas(champs=lambda _monde, _code: {"arret": "1"}),
    "chiffres.exporter": Cas(parametres=_csv, telechargement=True),
    "pilotage.exporter": Cas(parametres=_csv, telechargement=True),
    "qualite.exporter": Cas(parametres=_csv, telechargement=True),
    "qualite.guichet.exporter": Cas(parametres=_csv, telechargement=True),
}
