"""The services and their operations, as data (`interface/services`): the three published ones, and ours.

The WSDL files of `schemas.contract` are the contract; a test holds this table against them. It exists so
that the edge knows operation, wrapper and fields without reading a WSDL. The notation: `soap.description`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from registry.anomalies import Anomalie
from soap.description import Operation, Service, describe_operation, describe_service
from soap.faults import ACTION_ABSENTE, CORPS_ET_ACTION, NS_WS, OPERATION_INCONNUE

_DEMANDE: Final = "nomFichierDemande fichierDemande:fichier"
_DEMANDE_FACULTATIVE: Final = "nomFichierDemande? fichierDemande:fichier?"
_DALO: Final = "nomFichierDalo fichierDalo:fichier"
_ATTESTATION: Final = "nomAttestation? attestation:fichier?"
_CERTIFICAT: Final = "nomCertificat certificat:fichier"
_AGENT: Final = "utilisateur profil?"

DEMANDE_LOGEMENT: Final = describe_service(
    "DemandeLogementImplService",
    describe_operation(
        "getNumUnique",
        f"{_DEMANDE} {_CERTIFICAT} complet?",
        f"{_DEMANDE} {_ATTESTATION}",
        element="numUnique",
    ),
    describe_operation(
        "getDemandeLogement", f"numUnique {_CERTIFICAT} complet?", _DEMANDE, element="demandeLogement"
    ),
    describe_operation(
        "getDoublons",
        _DEMANDE,
        f"nomFichierDoublons? listeDoublons:fichier? {_DEMANDE_FACULTATIVE}",
        element="rechercheDoublons",
    ),
    describe_operation(
        "getDeclarationNouveauDalo", f"{_DALO} {_CERTIFICAT}", _DALO, element="declarationNouveauDalo"
    ),
    describe_operation(
        "getDemandesRadieesDepuisLe",
        "dateRadiationDepuisLe:instant motifRadiation:code? statutDalo:code? typeReservataire:code?"
        f" {_CERTIFICAT}",
        "nomFichierDemandesRadiees? fichierDemandesRadiees:fichier?",
        element="demandesRadieesDepuisLe",
    ),
    describe_operation(
        "getNouveauxDaloDepuisLe",
        f"dateNouveauDaloDepuisLe:instant {_CERTIFICAT}",
        "nomFichierNouveauxDalo? fichierNouveauxDalo:fichier?",
        element="nouveauxDaloDepuisLe",
    ),
    alias=("DemandeLogement",),
)


def _fichier_xml(nom: str) -> Operation:
    """Seven operations have the same two wrappers: what they carry tells them apart, or the action."""
    return describe_operation(
        nom,
        "nomFichier fichierXml:fichier nomCertificat",
        "nomFichierXmlRetour fichierXmlRetour:fichier",
        element="fichierXml",
    )


GESTION_PARTAGEE: Final = describe_service(
    "GestionPartageeEVTImplService",
    _fichier_xml("listerTypesEvenementsNationaux"),
    _fichier_xml("listerTypesEvenementsTerritoriaux"),
    _fichier_xml("listerEvenementsDemande"),
    _fichier_xml("ajouterEvenementDemande"),
    _fichier_xml("modifierEvenementDemande"),
    _fichier_xml("supprimerEvenementDemande"),
)

RECHERCHE_DEMANDE: Final = describe_service(
    "RechercheDemandeImplService", _fichier_xml("rechercheDemandeMulticritere")
)

DOSSIER_UNIQUE: Final = describe_service(
    "DossierUniqueImplService",
    describe_operation(
        "deposerPiece",
        f"numUnique categorie:code nomFichier fichierPiece:fichier empreinte? pourLeCompteDe? {_AGENT}",
        "idPiece empreinte typeContenu taille dateDepot:instant",
    ),
    describe_operation("listerPieces", f"numUnique {_AGENT}", "nomFichierListe listePieces:fichier"),
    describe_operation(
        "consulterPiece",
        f"numUnique idPiece {_AGENT}",
        "nomFichier typeContenu empreinte fichierPiece:fichier",
    ),
    describe_operation(
        "marquerPiece",
        f"numUnique idPiece marque:code? categorie:code? commentaire? {_AGENT}",
        "idPiece dateAction:instant",
    ),
    describe_operation("supprimerPiece", f"numUnique idPiece motif {_AGENT}", "idPiece dateAction:instant"),
    describe_operation(
        "historiquePieces", f"numUnique {_AGENT}", "nomFichierHistorique historiquePieces:fichier"
    ),
    flux=True,
)
"""Ours, in the style of the others (docs/specification/70-pieces.md)."""

DISTRIBUTIONS: Final = describe_service(
    "DistributionsImplService",
    describe_operation(
        "listerDistributions",
        "apresSequence:entier? nombreMax:entier? etat?",
        "derniereSequence:entier suite distribution? ("
        " idDistribution sequence:entier etat dateDistribution:instant typeFichier? numUnique?"
        " nomFichierDemande? empreinte? fichierDemande:fichier? )",
    ),
    describe_operation(
        "acquitterDistributions",
        "acquit ( sequence:entier empreinte )",
        "resultat ( sequence:entier statut dateAcquit:instant? code? motif? )",
    ),
    describe_operation(
        "situerDistributions",
        "",
        "canal derniereSequence:entier enAttente:entier enEchec:entier premiereEnAttente:entier?"
        " datePremiereEnAttente:instant? derniereAcquittee:entier? dateDernierAcquit:instant?",
    ),
    describe_operation("rejouerDistributions", "sequence:entier?", "nombre:entier"),
    describe_operation(
        "listerManifestes",
        "apresJour:jour? nombreMax:entier?",
        "suite manifeste? ( jour:jour nombre:entier premiereSequence:entier? derniereSequence:entier?"
        " empreinte nomFichierManifeste fichierManifeste:fichier )",
    ),
    describe_operation(
        "rapprocherDistributions",
        "apresSequence:entier? jusquaSequence:entier?"
        " tranche? ( premiere:entier derniere:entier empreintes? )",
        "derniereSequence:entier jusqua:entier suite manquante? ( premiere:entier derniere:entier etat )"
        " enTrop? ( premiere:entier derniere:entier ) differente? ( sequence:entier )",
    ),
)
"""Ours: what a guichet comes for itself (docs/specification/02-distribution.md)."""

PORTAIL: Final = describe_service(
    "PortailImplService",
    describe_operation(
        "enregistrerBrouillon",
        f"idDepot? {_DEMANDE}",
        "idDepot dateEnregistrement:instant dateEcheance:jour manques",
    ),
    describe_operation(
        "deposerDemande",
        f"idDepot? {_DEMANDE_FACULTATIVE} complet?",
        f"idDepot? numUnique? {_DEMANDE} {_ATTESTATION}",
    ),
    describe_operation(
        "listerDepots",
        "etat:code? mel? nom? prenom? dateNaissance:jour? territoire? deposeAvant:instant? apres?",
        "nomFichierListe listeDepots:fichier",
    ),
    describe_operation(
        "consulterDepot",
        "idDepot",
        "idDepot etat guichet dateDepot:instant? dateEcheance:jour? numUnique? motif? commentaire?"
        f" dateIssue:instant? {_DEMANDE_FACULTATIVE}",
    ),
    describe_operation(
        "validerDepot",
        f"idDepot pieceIdentite:code nom prenom? dateNaissance:jour? {_DEMANDE_FACULTATIVE}"
        " utilisateur complet?",
        f"numUnique? {_DEMANDE} {_ATTESTATION}",
    ),
    describe_operation(
        "invaliderDepot",
        "idDepot motif:code commentaire? utilisateur",
        "idDepot dateIssue:instant canal",
    ),
)
"""Ours too: brouillons, deposits of the portal, validation (docs/specification/80-portail.md)."""

SERVICES: Final = (
    DEMANDE_LOGEMENT,
    GESTION_PARTAGEE,
    RECHERCHE_DEMANDE,
    DOSSIER_UNIQUE,
    DISTRIBUTIONS,
    PORTAIL,
)


def choose_operation(service: Service, actions: Sequence[str], tag: str) -> Operation | Anomalie:
    """The operation of a request: the first of `actions` that is given, else the wrapper `tag` (as lxml
    writes it) when a single operation has it ([SOA-11]).

    An action is a whole URI or the bare name of the operation (`interface/wire` §2). Seven operations share
    one wrapper, hence the wrapper alone decides only when it can; when both speak, they must agree.
    """
    known = ", ".join(service.operations)
    if actions:
        operation = service.operations.get(actions[0].removeprefix(NS_WS))
        if operation is None:
            return OPERATION_INCONNUE(actions[0][:200], known)
        if tag != operation.parametres.tag:
            return CORPS_ET_ACTION(tag[:200], operation.parametres.tag)
        return operation
    possible = [each for each in service.operations.values() if each.parametres.tag == tag]
    if not possible:
        return OPERATION_INCONNUE(tag[:200], known)
    if len(possible) > 1:
        return ACTION_ABSENTE(tag[:200], ", ".join(each.nom for each in possible))
    return possible[0]
