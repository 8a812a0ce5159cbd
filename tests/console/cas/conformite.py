"""Reports of conformity: those of a guichet, and what anybody is answered about one."""

from collections.abc import Mapping

from sqlalchemy import Connection

from registry.conformite import RapportDepose
from registry.guichets_store import get_guichet
from registry.rapports_deposes import deposit
from tests.console.cas import Cas
from tests.console.monde import Monde
from tests.registry.rapports import identity, report, rules, signed

INCONNU = "00000000-0000-0000-0000-000000000000"


def keep(conn: Connection, monde: Monde, code: str) -> RapportDepose:
    """A report of that guichet, run by the operator."""
    now = monde.scene.now
    exploitant = identity("EXPLO", now=now)
    guichet = get_guichet(conn, code)
    assert guichet is not None
    data = signed(report(code, now), exploitant)
    kept = deposit(conn, guichet, data, rules(exploitant), par="tests", instant=now)
    assert isinstance(kept, RapportDepose), kept
    return kept


def _rapport(monde: Monde, code: str) -> Mapping[str, str]:
    with monde.scene.engine.begin() as conn:
        return {"rapport": str(keep(conn, monde, code).identifiant)}


def _reference(monde: Monde, code: str) -> Mapping[str, str]:
    with monde.scene.engine.begin() as conn:
        return {"reference": str(keep(conn, monde, code).identifiant)}


CAS = {
    # Without a file: refused for what it lacks.
    "rapports.deposer": Cas(statuts=frozenset({422})),
    "rapports.contresigner": Cas(parametres=_rapport, statuts=frozenset({303, 422})),
    "rapports.revoquer": Cas(parametres=_rapport, champs=lambda _monde, _code: {"motif": "clé volée"}),
    "conformite.rapport": Cas(parametres=_reference),
    "conformite.json": Cas(parametres=_reference, telechargement=True),
    "conformite.badge": Cas(parametres=_reference, telechargement=True),
}
