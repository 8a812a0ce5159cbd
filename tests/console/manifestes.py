"""The manifests of the day of the small world."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache

from certs.autorite import create_autorite
from certs.paire import Paire, load_paire
from dispatching.manifestes import produce
from tests.console.monde import Monde


@cache
def _paire() -> Paire:
    now = datetime.now(UTC)
    made = create_autorite(now=now).issue_guichet("HUB00", now=now)
    return load_paire(made.chaine, made.cle)


def establish(monde: Monde) -> None:
    """Sign what was distributed today, as the night would."""
    for _ in produce(monde.scene.engine, _paire, monde.scene.now + timedelta(days=1)):
        pass
