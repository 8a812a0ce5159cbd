"""From a file or a requête of a message to the handlers that both edges share, and back.

The operations, their names, their rules and their anomalies are those of the services: nothing is decided
here but which handler is called, and what it lacks to be called.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Protocol

from mailflows.anomalies import (
    FICHIER_ABSENT,
    JOUR_INVALIDE,
    OPERATION_INCONNUE,
    PARAMETRE_INVALIDE,
    PAS_PAR_COURRIER,
)
from mailflows.conventions import (
    AVEC_FICHIER,
    DECLARATION_DALO,
    DEMANDE_LOGEMENT,
    DOUBLONS,
    MANIFESTES,
    NOUVEAUX_DALO,
    NUM_UNIQUE,
    PAR_COURRIER,
    RADIEES,
    RAPPROCHEMENT,
)
from mailflows.operations_distribution import OperationsDistribution
from registry.actes import OPERATIONS
from registry.anomalies import Anomalie
from registry.attestation import Attestable
from registry.droits import check_profil
from registry.echanges import (
    Echange,
    Fichier,
    Refus,
    ReponseDemandeLogement,
    ReponseDoublons,
    ReponseNumUnique,
)
from registry.guichets import Guichet
from registry.handlers_dalo import ReponseDalo, ReponseListe
from registry.listes_dates import Criteres
from registry.versions import file_in_version
from schemas.contract import DOSSIER_UNIQUE, GESTION_PARTAGEE, RECHERCHE_DEMANDE, operations
from schemas.courrier import Requete
from schemas.lecture import parse_instant

_INTERDITES: Final = frozenset(
    operation.name
    for service in (GESTION_PARTAGEE, RECHERCHE_DEMANDE, DOSSIER_UNIQUE)
    for operation in operations(service)
) | {"deposerPiece", "historiquePieces", "rechercheDemandeLogement", "evenement", "typeEvenement"}
"""What only the services do (regles §6: the dossier unique and the gestion partagée exist only there)."""


@dataclass(frozen=True, slots=True)
class Demandee:
    """What one file of a message asks for. fichier: the one of the operation, or the requête itself."""

    operation: str
    fichier: Fichier
    requete: Requete | None = None


class Traitement(Protocol):
    """The handlers common to both edges (`registry.handlers`). Each may raise what the database raises."""

    async def receive(self, echange: Echange) -> None: ...

    async def get_num_unique(self, echange: Echange, fichier: bytes) -> ReponseNumUnique | Refus: ...

    async def get_demande_logement(
        self, echange: Echange, num_unique: str
    ) -> ReponseDemandeLogement | Refus: ...

    async def get_doublons(self, echange: Echange, fichier: bytes) -> ReponseDoublons | Refus: ...


class TraitementDalo(Protocol):
    """The handlers of DALO (`registry.handlers_dalo`)."""

    async def get_declaration_nouveau_dalo(self, echange: Echange, fichier: bytes) -> ReponseDalo | Refus: ...

    async def get_nouveaux_dalo_depuis_le(
        self, echange: Echange, depuis: datetime
    ) -> ReponseListe | Refus: ...

    async def get_demandes_radiees_depuis_le(
        self, echange: Echange, depuis: datetime, criteres: Criteres
    ) -> ReponseListe | Refus: ...


class Attestateur(Protocol):
    """Makes the attestation of a registration (`registry.attestations`); None when there is to be none."""

    async def attest(self, attestable: Attestable, complet: str) -> Fichier | None: ...


Refuser = Callable[[Echange, tuple[Anomalie, ...]], Awaitable[None]]
"""Keeps the outcome of an exchange that the edge refused before any handler saw it."""


class Operations:
    """The operations that signed mail does; the others are refused with their anomalie."""

    def __init__(
        self,
        traitement: Traitement,
        dalo: TraitementDalo,
        distributions: OperationsDistribution,
        refuser: Refuser,
        attestations: Attestateur | None = None,
    ) -> None:
        self._traitement = traitement
        self._dalo = dalo
        self._distributions = distributions
        self._refuser = refuser
        self._attestations = attestations

    async def execute(self, demandee: Demandee, echange: Echange) -> tuple[Fichier, ...] | Refus:
        """Keep the bytes, then run one operation; the files of the answer. Raises what the handlers raise."""
        await self._traitement.receive(echange)
        refus = check(demandee)
        if refus is not None:
            return await self._refuse(echange, refus)
        guichet = echange.emetteur.guichet
        match demandee.operation:
            case op if op == NUM_UNIQUE:
                return await self._num_unique(demandee, echange)
            case op if op == DOUBLONS:
                return _found(await self._traitement.get_doublons(echange, demandee.fichier.contenu), guichet)
            case op if op == DECLARATION_DALO:
                declared = await self._dalo.get_declaration_nouveau_dalo(echange, demandee.fichier.contenu)
                if isinstance(declared, Refus):
                    return declared
                return (file_in_version(declared.fichier, guichet),)
            case op if op == DEMANDE_LOGEMENT:
                read = await self._traitement.get_demande_logement(echange, _parametre(demandee, "numUnique"))
                return read if isinstance(read, Refus) else (file_in_version(read.demande, guichet),)
            case op if op in (RAPPROCHEMENT, MANIFESTES):
                return await self._distribution(demandee, echange)
            case _:
                return await self._list(demandee, echange)

    async def _num_unique(self, demandee: Demandee, echange: Echange) -> tuple[Fichier, ...] | Refus:
        answer = await self._traitement.get_num_unique(echange, demandee.fichier.contenu)
        if isinstance(answer, Refus):
            return answer
        demande = file_in_version(answer.demande, echange.emetteur.guichet)
        if self._attestations is None or not answer.numero:
            return (demande,)
        attestation = await self._attestations.attest(
            Attestable(
                answer.numero,
                answer.nature,
                echange.emetteur.guichet,
                answer.demande.contenu,
                answer.demande.nom,
            ),
            _parametre(demandee, "complet"),
        )
        return (demande,) if attestation is None else (demande, attestation)

    async def _distribution(self, demandee: Demandee, echange: Echange) -> tuple[Fichier, ...] | Refus:
        interdit = check_profil(echange.emetteur.profil, *OPERATIONS[demandee.operation])
        if interdit is not None:
            return await self._refuse(echange, interdit)
        if demandee.operation == RAPPROCHEMENT:
            answer = await self._distributions.rapprocher(echange, demandee.fichier.contenu)
            return await self._refuse(echange, answer) if isinstance(answer, Anomalie) else answer
        jour = _parametre(demandee, "apresJour")
        try:
            apres = date.fromisoformat(jour) if jour else None
        except ValueError:
            return await self._refuse(echange, JOUR_INVALIDE("apresJour"))
        return await self._distributions.manifestes(echange, apres)

    async def _list(self, demandee: Demandee, echange: Echange) -> tuple[Fichier, ...] | Refus:
        name = DATES[demandee.operation]
        depuis = parse_instant(_parametre(demandee, name))
        if depuis is None:
            return await self._refuse(echange, PARAMETRE_INVALIDE(name))
        if demandee.operation == NOUVEAUX_DALO:
            answer = await self._dalo.get_nouveaux_dalo_depuis_le(echange, depuis)
        else:
            requete = demandee.requete
            assert requete is not None, "une liste ne se demande que par une requête"
            criteres = Criteres(
                requete.get("motifRadiation"), requete.get("statutDalo"), requete.get("typeReservataire")
            )
            answer = await self._dalo.get_demandes_radiees_depuis_le(echange, depuis, criteres)
        return answer if isinstance(answer, Refus) else (answer.fichier,)

    async def _refuse(self, echange: Echange, anomalie: Anomalie) -> Refus:
        await self._refuser(echange, (anomalie,))
        return Refus((anomalie,))


DATES: Final = {NOUVEAUX_DALO: "dateNouveauDaloDepuisLe", RADIEES: "dateRadiationDepuisLe"}
"""The parameter that each list needs."""

_OBLIGATOIRES: Final = {DEMANDE_LOGEMENT: "numUnique", **DATES}


def check(demandee: Demandee) -> Anomalie | None:
    """What keeps an operation from being called by mail, if anything. Pure."""
    operation = demandee.operation
    if operation in _INTERDITES:
        return PAS_PAR_COURRIER(operation)
    if operation not in PAR_COURRIER:
        return OPERATION_INCONNUE(operation[:100], ", ".join(sorted(PAR_COURRIER)))
    if operation in AVEC_FICHIER:
        if demandee.requete is not None and not demandee.requete.fichier:
            return FICHIER_ABSENT(operation, "un fichier que la requête nomme")
        return None
    needed = _OBLIGATOIRES.get(operation)
    if needed and not _parametre(demandee, needed):
        return FICHIER_ABSENT(operation, f"le paramètre {needed} d'une requête")
    return None


def _parametre(demandee: Demandee, nom: str) -> str:
    value = demandee.requete.get(nom) if demandee.requete is not None else None
    return (value or "").strip()


def _found(answer: ReponseDoublons | Refus, guichet: Guichet) -> tuple[Fichier, ...] | Refus:
    if isinstance(answer, Refus):
        return answer
    demande = answer.demande and file_in_version(answer.demande, guichet)
    return tuple(fichier for fichier in (answer.doublons, demande) if fichier is not None)
