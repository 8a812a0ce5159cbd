"""The services and their operations, as data (`interface/services`): the three published ones, and ours.

The WSDL files of `schemas.contract` are the contract; a test holds this table against them. It exists so
that the edge knows operation, wrapper and fields without reading a WSDL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from registry.anomalies import Anomalie
from soap.faults import ACTION_ABSENTE, CORPS_ET_ACTION, NS_WS, OPERATION_INCONNUE


class TypeChamp(StrEnum):
    """Type of a child of a wrapper, named as in the contract."""

    TEXTE = "xs:string"
    INSTANT = "xs:dateTime"
    JOUR = "xs:date"
    CODE = "ws:codeElement"
    FICHIER = "ws:base64Binary"
    ENTIER = "xs:long"
    GROUPE = ""
    """Children of its own, told where it is declared; may be repeated."""


@dataclass(frozen=True, slots=True)
class Champ:
    """A child element of a wrapper, in no namespace. champs: those of a group, which is never nested."""

    nom: str
    type: TypeChamp
    facultatif: bool = False
    champs: tuple[Champ, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """A wrapper element of the target namespace; the order of its fields matters."""

    element: str
    champs: tuple[Champ, ...]

    @property
    def tag(self) -> str:
        """The name of the wrapper in the notation of lxml."""
        return f"{{{NS_WS}}}{self.element}"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. `assuree` is False for what the contract declares and the hub does not serve yet."""

    nom: str
    parametres: Message
    reponse: Message
    assuree: bool = False

    @property
    def action(self) -> str:
        """The whole SOAP action."""
        return NS_WS + self.nom


@dataclass(frozen=True, slots=True)
class Service:
    """One published service. `alias` are the further names that its address may end with.

    flux: True when what its MTOM messages join is too large to be held (`soap.flux`).
    """

    nom: str
    operations: Mapping[str, Operation]
    alias: tuple[str, ...] = ()
    flux: bool = False

    def chemins(self) -> tuple[str, ...]:
        """Every path on which the service answers (`interface/services`, Addresses) ([SOA-4])."""
        return tuple(
            f"{contexte}/services/{nom}{barre}"
            for contexte in ("", "/nuu", "/nuu-ws")
            for nom in (self.nom, *self.alias)
            for barre in ("", "/")
        )


def _texte(nom: str, *, facultatif: bool = False) -> Champ:
    return Champ(nom, TypeChamp.TEXTE, facultatif)


def _fichier(nom: str, *, facultatif: bool = False) -> Champ:
    return Champ(nom, TypeChamp.FICHIER, facultatif)


def _code(nom: str) -> Champ:
    return Champ(nom, TypeChamp.CODE, facultatif=True)


_CERTIFICAT: Final = (_texte("nomCertificat"), _fichier("certificat"))
_COMPLET: Final = _texte("complet", facultatif=True)
_DEMANDE: Final = (_texte("nomFichierDemande"), _fichier("fichierDemande"))
_DALO: Final = (_texte("nomFichierDalo"), _fichier("fichierDalo"))


def _entier(nom: str, *, facultatif: bool = False) -> Champ:
    return Champ(nom, TypeChamp.ENTIER, facultatif)


def _groupe(nom: str, *champs: Champ, facultatif: bool = False) -> Champ:
    return Champ(nom, TypeChamp.GROUPE, facultatif, champs)


def _service(nom: str, *operations: Operation, alias: tuple[str, ...] = (), flux: bool = False) -> Service:
    return Service(nom, MappingProxyType({each.nom: each for each in operations}), alias, flux)


DEMANDE_LOGEMENT: Final = _service(
    "DemandeLogementImplService",
    Operation(
        "getNumUnique",
        Message("numUniqueParametres", (*_DEMANDE, *_CERTIFICAT, _COMPLET)),
        Message(
            "numUniqueReponse",
            (
                *_DEMANDE,
                _texte("nomAttestation", facultatif=True),
                _fichier("attestation", facultatif=True),
            ),
        ),
        assuree=True,
    ),
    Operation(
        "getDemandeLogement",
        Message("demandeLogementParametres", (_texte("numUnique"), *_CERTIFICAT, _COMPLET)),
        Message("demandeLogementReponse", _DEMANDE),
        assuree=True,
    ),
    Operation(
        "getDoublons",
        Message("rechercheDoublonsParametres", _DEMANDE),
        Message(
            "rechercheDoublonsReponse",
            (
                _texte("nomFichierDoublons", facultatif=True),
                _fichier("listeDoublons", facultatif=True),
                _texte("nomFichierDemande", facultatif=True),
                _fichier("fichierDemande", facultatif=True),
            ),
        ),
        assuree=True,
    ),
    Operation(
        "getDeclarationNouveauDalo",
        Message("declarationNouveauDaloParametres", (*_DALO, *_CERTIFICAT)),
        Message("declarationNouveauDaloReponse", _DALO),
        assuree=True,
    ),
    Operation(
        "getDemandesRadieesDepuisLe",
        Message(
            "demandesRadieesDepuisLeParametres",
            (
                Champ("dateRadiationDepuisLe", TypeChamp.INSTANT),
                _code("motifRadiation"),
                _code("statutDalo"),
                _code("typeReservataire"),
                *_CERTIFICAT,
            ),
        ),
        Message(
            "demandesRadieesDepuisLeReponse",
            (
                _texte("nomFichierDemandesRadiees", facultatif=True),
                _fichier("fichierDemandesRadiees", facultatif=True),
            ),
        ),
        assuree=True,
    ),
    Operation(
        "getNouveauxDaloDepuisLe",
        Message(
            "nouveauxDaloDepuisLeParametres",
            (Champ("dateNouveauDaloDepuisLe", TypeChamp.INSTANT), *_CERTIFICAT),
        ),
        Message(
            "nouveauxDaloDepuisLeReponse",
            (
                _texte("nomFichierNouveauxDalo", facultatif=True),
                _fichier("fichierNouveauxDalo", facultatif=True),
            ),
        ),
        assuree=True,
    ),
    alias=("DemandeLogement",),
)

_FICHIER_XML: Final = Message(
    "fichierXmlParametres", (_texte("nomFichier"), _fichier("fichierXml"), _texte("nomCertificat"))
)
_FICHIER_XML_RETOUR: Final = Message(
    "fichierXmlReponse", (_texte("nomFichierXmlRetour"), _fichier("fichierXmlRetour"))
)

GESTION_PARTAGEE: Final = _service(
    "GestionPartageeEVTImplService",
    *(
        Operation(nom, _FICHIER_XML, _FICHIER_XML_RETOUR, assuree=True)
        for nom in (
            "listerTypesEvenementsNationaux",
            "listerTypesEvenementsTerritoriaux",
            "listerEvenementsDemande",
            "ajouterEvenementDemande",
            "modifierEvenementDemande",
            "supprimerEvenementDemande",
        )
    ),
)

RECHERCHE_DEMANDE: Final = _service(
    "RechercheDemandeImplService",
    Operation("rechercheDemandeMulticritere", _FICHIER_XML, _FICHIER_XML_RETOUR, assuree=True),
)

DOSSIER_UNIQUE: Final = _service(
    "DossierUniqueImplService",
    Operation(
        "deposerPiece",
        Message(
            "deposerPieceParametres",
            (
                _texte("numUnique"),
                Champ("categorie", TypeChamp.CODE),
                _texte("nomFichier"),
                _fichier("fichierPiece"),
                _texte("empreinte", facultatif=True),
                _texte("pourLeCompteDe", facultatif=True),
                _texte("utilisateur"),
                _texte("profil", facultatif=True),
            ),
        ),
        Message(
            "deposerPieceReponse",
            (
                _texte("idPiece"),
                _texte("empreinte"),
                _texte("typeContenu"),
                _texte("taille"),
                Champ("dateDepot", TypeChamp.INSTANT),
            ),
        ),
        assuree=True,
    ),
    Operation(
        "listerPieces",
        Message(
            "listerPiecesParametres",
            (
                _texte("numUnique"),
                _texte("utilisateur"),
                _texte("profil", facultatif=True),
            ),
        ),
        Message(
            "listerPiecesReponse",
            (
                _texte("nomFichierListe"),
                _fichier("listePieces"),
            ),
        ),
        assuree=True,
    ),
    Operation(
        "consulterPiece",
        Message(
            "consulterPieceParametres",
            (
                _texte("numUnique"),
                _texte("idPiece"),
                _texte("utilisateur"),
                _texte("profil", facultatif=True),
            ),
        ),
        Message(
            "consulterPieceReponse",
            (
                _texte("nomFichier"),
                _texte("typeContenu"),
                _texte("empreinte"),
                _fichier("fichierPiece"),
            ),
        ),
        assuree=True,
    ),
    Operation(
        "marquerPiece",
        Message(
            "marquerPieceParametres",
            (
                _texte("numUnique"),
                _texte("idPiece"),
                Champ("marque", TypeChamp.CODE, facultatif=True),
                Champ("categorie", TypeChamp.CODE, facultatif=True),
                _texte("commentaire", facultatif=True),
                _texte("utilisateur"),
                _texte("profil", facultatif=True),
            ),
        ),
        Message(
            "marquerPieceReponse",
            (
                _texte("idPiece"),
                Champ("dateAction", TypeChamp.INSTANT),
            ),
        ),
        assuree=True,
    ),
    Operation(
        "supprimerPiece",
        Message(
            "supprimerPieceParametres",
            (
                _texte("numUnique"),
                _texte("idPiece"),
                _texte("motif"),
                _texte("utilisateur"),
                _texte("profil", facultatif=True),
            ),
        ),
        Message(
            "supprimerPieceReponse",
            (
                _texte("idPiece"),
                Champ("dateAction", TypeChamp.INSTANT),
            ),
        ),
        assuree=True,
    ),
    Operation(
        "historiquePieces",
        Message(
            "historiquePiecesParametres",
            (
                _texte("numUnique"),
                _texte("utilisateur"),
                _texte("profil", facultatif=True),
            ),
        ),
        Message(
            "historiquePiecesReponse",
            (
                _texte("nomFichierHistorique"),
                _fichier("historiquePieces"),
            ),
        ),
        assuree=True,
    ),
    flux=True,
)
"""Ours, in the style of the others (docs/specification/70-dossier-unique.md)."""

DISTRIBUTIONS: Final = _service(
    "DistributionsImplService",
    Operation(
        "listerDistributions",
        Message(
            "listerDistributionsParametres",
            (
                _entier("apresSequence", facultatif=True),
                _entier("nombreMax", facultatif=True),
                _texte("etat", facultatif=True),
            ),
        ),
        Message(
            "listerDistributionsReponse",
            (
                _entier("derniereSequence"),
                _texte("suite"),
                _groupe(
                    "distribution",
                    _texte("idDistribution"),
                    _entier("sequence"),
                    _texte("etat"),
                    Champ("dateDistribution", TypeChamp.INSTANT),
                    _texte("typeFichier", facultatif=True),
                    _texte("numUnique", facultatif=True),
                    _texte("nomFichierDemande", facultatif=True),
                    _texte("empreinte", facultatif=True),
                    _fichier("fichierDemande", facultatif=True),
                    facultatif=True,
                ),
            ),
        ),
        assuree=True,
    ),
    Operation(
        "acquitterDistributions",
        Message(
            "acquitterDistributionsParametres",
            (_groupe("acquit", _entier("sequence"), _texte("empreinte")),),
        ),
        Message(
            "acquitterDistributionsReponse",
            (
                _groupe(
                    "resultat",
                    _entier("sequence"),
                    _texte("statut"),
                    Champ("dateAcquit", TypeChamp.INSTANT, facultatif=True),
                    _texte("code", facultatif=True),
                    _texte("motif", facultatif=True),
                ),
            ),
        ),
        assuree=True,
    ),
    Operation(
        "situerDistributions",
        Message("situerDistributionsParametres", ()),
        Message(
            "situerDistributionsReponse",
            (
                _texte("canal"),
                _entier("derniereSequence"),
                _entier("enAttente"),
                _entier("enEchec"),
                _entier("premiereEnAttente", facultatif=True),
                Champ("datePremiereEnAttente", TypeChamp.INSTANT, facultatif=True),
                _entier("derniereAcquittee", facultatif=True),
                Champ("dateDernierAcquit", TypeChamp.INSTANT, facultatif=True),
            ),
        ),
        assuree=True,
    ),
    Operation(
        "rejouerDistributions",
        Message("rejouerDistributionsParametres", (_entier("sequence", facultatif=True),)),
        Message("rejouerDistributionsReponse", (_entier("nombre"),)),
        assuree=True,
    ),
)
"""Ours: what a guichet comes for itself (docs/specification/02-distribution.md)."""

PORTAIL: Final = _service(
    "PortailImplService",
    Operation(
        "enregistrerBrouillon",
        Message(
            "enregistrerBrouillonParametres",
            (
                _texte("idDepot", facultatif=True),
                _texte("nomFichierDemande"),
                _fichier("fichierDemande"),
            ),
        ),
        Message(
            "enregistrerBrouillonReponse",
            (
                _texte("idDepot"),
                Champ("dateEnregistrement", TypeChamp.INSTANT),
                Champ("dateEcheance", TypeChamp.JOUR),
                _texte("manques"),
            ),
        ),
        assuree=True,
    ),
    Operation(
        "deposerDemande",
        Message(
            "deposerDemandeParametres",
            (
                _texte("idDepot", facultatif=True),
                _texte("nomFichierDemande", facultatif=True),
                _fichier("fichierDemande", facultatif=True),
                _texte("complet", facultatif=True),
            ),
        ),
        Message(
            "deposerDemandeReponse",
            (
                _texte("idDepot", facultatif=True),
                _texte("numUnique", facultatif=True),
                _texte("nomFichierDemande"),
                _fichier("fichierDemande"),
                _texte("nomAttestation", facultatif=True),
                _fichier("attestation", facultatif=True),
            ),
        ),
        assuree=True,
    ),
    Operation(
        "listerDepots",
        Message(
            "listerDepotsParametres",
            (
                Champ("etat", TypeChamp.CODE, facultatif=True),
                _texte("mel", facultatif=True),
                _texte("nom", facultatif=True),
                _texte("prenom", facultatif=True),
                Champ("dateNaissance", TypeChamp.JOUR, facultatif=True),
                _texte("territoire", facultatif=True),
                Champ("deposeAvant", TypeChamp.INSTANT, facultatif=True),
                _texte("apres", facultatif=True),
            ),
        ),
        Message(
            "listerDepotsReponse",
            (
                _texte("nomFichierListe"),
                _fichier("listeDepots"),
            ),
        ),
        assuree=True,
    ),
    Operation(
        "consulterDepot",
        Message("consulterDepotParametres", (_texte("idDepot"),)),
        Message(
            "consulterDepotReponse",
            (
                _texte("idDepot"),
                _texte("etat"),
                _texte("guichet"),
                Champ("dateDepot", TypeChamp.INSTANT, facultatif=True),
                Champ("dateEcheance", TypeChamp.JOUR, facultatif=True),
                _texte("numUnique", facultatif=True),
                _texte("motif", facultatif=True),
                _texte("commentaire", facultatif=True),
                Champ("dateIssue", TypeChamp.INSTANT, facultatif=True),
                _texte("nomFichierDemande", facultatif=True),
                _fichier("fichierDemande", facultatif=True),
            ),
        ),
        assuree=True,
    ),
    Operation(
        "validerDepot",
        Message(
            "validerDepotParametres",
            (
                _texte("idDepot"),
                Champ("pieceIdentite", TypeChamp.CODE),
                _texte("nom"),
                _texte("prenom", facultatif=True),
                Champ("dateNaissance", TypeChamp.JOUR, facultatif=True),
                _texte("nomFichierDemande", facultatif=True),
                _fichier("fichierDemande", facultatif=True),
                _texte("utilisateur"),
                _texte("complet", facultatif=True),
            ),
        ),
        Message(
            "validerDepotReponse",
            (
                _texte("numUnique", facultatif=True),
                _texte("nomFichierDemande"),
                _fichier("fichierDemande"),
                _texte("nomAttestation", facultatif=True),
                _fichier("attestation", facultatif=True),
            ),
        ),
        assuree=True,
    ),
    Operation(
        "invaliderDepot",
        Message(
            "invaliderDepotParametres",
            (
                _texte("idDepot"),
                Champ("motif", TypeChamp.CODE),
                _texte("commentaire", facultatif=True),
                _texte("utilisateur"),
            ),
        ),
        Message(
            "invaliderDepotReponse",
            (
                _texte("idDepot"),
                Champ("dateIssue", TypeChamp.INSTANT),
                _texte("canal"),
            ),
        ),
        assuree=True,
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
