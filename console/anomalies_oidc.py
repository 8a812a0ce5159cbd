"""The part of the catalogue about the provider of identity."""

from __future__ import annotations

from typing import Final

from registry.anomalies import CATALOGUE, Tour, TypeAnomalie


def _declare(code: str, texte: str, conduite: str, tour: Tour = Tour.PARTENAIRE) -> TypeAnomalie:
    return CATALOGUE.declare(code, texte, tour=tour, conduite=conduite, source="CSL-42")


INJOIGNABLE: Final = _declare(
    "CON117",
    "Le fournisseur d'identité ne répond pas comme il le devrait ({constat}).",
    "Réessayer, ou entrer autrement ; si cela dure, prévenir l'exploitant.",
    Tour.EXPLOITANT,
)
PAS_RECONNU: Final = _declare(
    "CON118",
    "Le fournisseur d'identité n'a pas confirmé votre identité ({constat}).",
    "Recommencer ; si le refus demeure, voir avec ce fournisseur.",
)
RETOUR_INCONNU: Final = _declare(
    "CON119",
    "Cette connexion n'a pas été commencée par ce navigateur, ou elle a trop attendu, ou déjà servi.",
    "Recommencer depuis la page de connexion.",
)
DOUTEUX: Final = _declare(
    "CON120",
    "Ce que dit le fournisseur d'identité ne peut pas être cru ({constat}).",
    "Recommencer ; si cela dure, l'exploitant compare la section [oidc] et ce qui est convenu avec lui.",
    Tour.EXPLOITANT,
)
SANS_COMPTE: Final = _declare(
    "CON121",
    "Aucun compte n'est ouvert pour cette identité.",
    "Demander un compte au gestionnaire territorial, à l'adresse que donne le fournisseur d'identité.",
    Tour.GESTIONNAIRE,
)
COURRIEL_DOUTEUX: Final = _declare(
    "CON122",
    "Le fournisseur d'identité ne garantit pas votre adresse électronique.",
    "La faire vérifier auprès de lui, ou entrer autrement.",
)
AUTRE_IDENTITE: Final = _declare(
    "CON123",
    "Le compte de cette adresse est relié à une autre identité.",
    "Demander au gestionnaire territorial de la délier, s'il vous reconnaît.",
    Tour.GESTIONNAIRE,
)
