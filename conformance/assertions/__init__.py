"""The assertions of the kit, a module for each family; the modules hold nothing else.

The first two digits of an identifier are those of its family; a number never serves twice.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from conformance.assertion import Assertion, declared_client, declared_server

if TYPE_CHECKING:
    from conformance.cible import Cible
    from conformance.pupitre import Pupitre

FAMILLES: Final = {
    "01": ("transport", "Connexion et transport"),
    "02": ("enveloppe", "Enveloppe SOAP"),
    "03": ("mtom", "MTOM"),
    "04": ("documents", "Documents"),
    "05": ("cycle_de_vie", "Vie de la demande"),
    "06": ("erreurs", "Fautes et anomalies"),
    "07": ("distributions", "Distributions"),
    "08": ("sequence_manifeste", "Suite des numéros et manifestes"),
    "11": ("resilience", "Coupures et reprises"),
    "12": ("autres_operations", "Recherche, DALO, gestion partagée, pièces"),
}
"""By their two digits: the module and the title."""


def server_assertions() -> tuple[Assertion[Cible], ...]:
    """All those about a server, by identifier."""
    _load()
    return declared_server()


def client_assertions() -> tuple[Assertion[Pupitre], ...]:
    """All those about a client, by identifier."""
    _load()
    return declared_client()


def _load() -> None:
    for module, _ in FAMILLES.values():
        import_module(f"conformance.assertions.{module}")
