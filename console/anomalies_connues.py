"""What is known of the code that an exchange or a message bears, whatever else the process has imported."""

from __future__ import annotations

from typing import Final

from dispatching import anomalies_distribution
from mailflows import anomalies as anomalies_courrier
from registry import (
    anomalies_dalo,
    anomalies_demande,
    anomalies_document,
    anomalies_partagee,
    anomalies_pieces,
    anomalies_portail,
    anomalies_recherche,
    anomalies_rpls,
    anomalies_vie,
    certificats,
    production,
)
from registry.anomalies import CATALOGUE, TypeAnomalie
from soap import faults

DECLARENT: Final = (
    *(anomalies_dalo, anomalies_demande, anomalies_document, anomalies_partagee, anomalies_pieces),
    *(anomalies_portail, anomalies_recherche, anomalies_rpls, anomalies_vie, certificats, production),
    *(anomalies_distribution, faults, anomalies_courrier),
)
"""The modules that fill the catalogue by being imported: an exchange may bear a code of any of them."""


def anomalie(code: str) -> TypeAnomalie | None:
    """The entry of the catalogue, or None for a code of nothing."""
    return CATALOGUE.types.get(code)
