"""The assertions of the kit, one or several modules for each family; the modules hold nothing else.

The first two digits of an identifier are those of its family; a number never serves twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Final

from conformance.assertion import Assertion, declared_client, declared_server

if TYPE_CHECKING:
    from conformance.cible import Cible
    from conformance.pupitre import Pupitre

FAMILLES: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "01": (("transport",), "Connexion et transport"),
    "02": (("enveloppe",), "Enveloppe SOAP"),
    "03": (("mtom",), "MTOM"),
    "04": (
        (
            *("documents_enregistrement", "documents_refus", "documents_identite", "documents_rendus"),
            "documents_client",
        ),
        "Documents",
    ),
    "05": (("cycle_de_vie",), "Vie de la demande"),
    "06": (("erreurs",), "Fautes et anomalies"),
    "07": (
        (
            *("distributions_lecture", "distributions_acquit", "distributions_poussees"),
            *("distributions_recues", "distributions_refusees", "distributions_relevees"),
        ),
        "Distributions",
    ),
    "08": (("sequence_manifeste",), "Suite des numéros et manifestes"),
    "09": (
        (
            *("courrier_reponses", "courrier_refus", "courrier_distributions"),
            *("courrier_envois", "courrier_receptions"),
        ),
        "Courrier signé",
    ),
    "10": (("certificats_serveur", "certificats_client", "certificats_reception"), "Certificats et TLS"),
    "11": (("resilience",), "Coupures et reprises"),
    "12": (("autres_operations",), "Recherche, DALO, gestion partagée, pièces"),
}
"""By their two digits: the modules and the title."""


def server_assertions() -> tuple[Assertion[Cible], ...]:
    """All those about a server, by identifier."""
    _load()
    return declared_server()


def client_assertions() -> tuple[Assertion[Pupitre], ...]:
    """All those about a client, by identifier."""
    _load()
    return declared_client()


def _load() -> None:
    for modules, _ in FAMILLES.values():
        for module in modules:
            import_module(f"conformance.assertions.{module}")
