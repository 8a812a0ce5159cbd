"""All the broken hubs and partners by which the kit is proved."""

from __future__ import annotations

from tests.conformance import (
    variantes_certificats,
    variantes_courrier,
    variantes_partenaire,
    variantes_partenaire_courrier,
    variantes_partenaire_tls,
    variantes_poussees,
    variantes_serveur,
)

SERVEUR = (
    *variantes_serveur.VARIANTES,
    *variantes_poussees.VARIANTES,
    *variantes_courrier.VARIANTES,
    *variantes_certificats.VARIANTES,
)
PARTENAIRE = (
    *variantes_partenaire.VARIANTES,
    *variantes_partenaire_courrier.VARIANTES,
    *variantes_partenaire_tls.VARIANTES,
)
