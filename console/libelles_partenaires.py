"""The French words of partners and certificates, by the values that are stored."""

from __future__ import annotations

from typing import Final

from certs.trousseau import EtatCle, UsageRotation
from registry.anomalies import Tour
from registry.guichets import CanalDistribution, TypeGuichet
from registry.production import EtatProduction
from registry.raccordement import EtapeRaccordement
from registry.usages_certificats import UsageCertificat

TYPES: Final[dict[str, str]] = {
    TypeGuichet.BAILLEUR: "Bailleur",
    TypeGuichet.COMMUNE: "Commune",
    TypeGuichet.EPCI: "EPCI",
    TypeGuichet.ETAT: "Service de l'État",
    TypeGuichet.AUTRE: "Autre réservataire",
    TypeGuichet.PORTAIL: "Portail grand public",
}

CANAUX: Final[dict[str, str]] = {
    CanalDistribution.PUSH: "Envoi au service du guichet (push)",
    CanalDistribution.RETRAIT: "Le guichet vient chercher (retrait)",
    CanalDistribution.COURRIER: "Courrier signé et chiffré",
}

ETAPES: Final[dict[str, str]] = {
    EtapeRaccordement.GUICHET: "Le guichet",
    EtapeRaccordement.CANAL: "Le canal et ses adresses",
    EtapeRaccordement.CERTIFICATS: "Les certificats",
    EtapeRaccordement.ESSAI: "L'essai de connexion",
    EtapeRaccordement.CONFORMITE: "Le rapport de conformité",
    EtapeRaccordement.ECHANGE: "Le premier échange accepté",
    EtapeRaccordement.PRET: "Prêt",
}

PRODUCTIONS: Final[dict[str, tuple[str, str]]] = {
    EtatProduction.NON_EXIGE: ("info", "Aucun rapport n’est exigé"),
    EtatProduction.A_VENIR: ("warning", "Un rapport de conformité sera exigé"),
    EtatProduction.OUVERTE: ("success", "La production est ouverte"),
    EtatProduction.BIENTOT: ("warning", "Le rapport expire bientôt"),
    EtatProduction.GRACE: ("warning", "Le rapport a expiré : délai de grâce"),
    EtatProduction.FERMEE: ("error", "La production est fermée"),
}
"""Kind and title of the alert that says where the right to production is."""

TOURS: Final[dict[str, str]] = {
    Tour.PARTENAIRE: "au partenaire",
    Tour.GESTIONNAIRE: "au gestionnaire",
    Tour.EXPLOITANT: "à l'exploitant",
}

USAGES: Final[dict[str, str]] = {
    UsageCertificat.TLS: "connexion (TLS)",
    UsageCertificat.SIGNATURE: "signature",
    UsageCertificat.CHIFFREMENT: "chiffrement",
}

ETATS_CLES: Final[dict[str, str]] = {
    EtatCle.PREPARE: "préparée",
    EtatCle.ACTIF: "en service",
    EtatCle.RETIRE: "remplacée",
}

ROTATIONS: Final[dict[str, str]] = {
    UsageRotation.DECHIFFRER_ENTRANT: "Déchiffrer ce qui entre",
    UsageRotation.VERIFIER_ENTRANT: "Vérifier la signature de ce qui entre",
    UsageRotation.SIGNER_ACCUSE: "Signer l'accusé",
    UsageRotation.VERIFIER_ACCUSE: "Vérifier l'accusé du partenaire",
    UsageRotation.SIGNER_SORTANT: "Signer ce qui sort",
    UsageRotation.CHIFFRER_SORTANT: "Chiffrer ce qui sort",
}

COULEURS: Final[dict[str, str]] = {
    "valide": "success",
    "préparé": "info",
    "pas encore valide": "info",
    "expire bientôt": "warning",
    "suspendu": "warning",
    "expiré": "error",
    "désavoué": "error",
    "révoqué": "error",
    "retiré": "",
}
"""Of the badge of a certificate, by registry.certificats.state_of."""
