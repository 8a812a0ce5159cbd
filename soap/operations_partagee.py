"""The operations whose wrapper is `fichierXmlParametres`: one file in, one file out, always in clear.

Seven operations share that wrapper, the SOAP action alone tells them apart (`interface/services`). The
contract gives the name of a certificate and no certificate: nothing is made of `nomCertificat`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from registry.echanges import Echange, Fichier, Refus
from soap.envelope import FichierEmis, Parametres, Retour
from soap.operations import Servie


class GestionPartagee(Protocol):
    """The handlers (`registry.gestion_partagee`). Each may raise what the database raises."""

    async def rechercher(self, echange: Echange, fichier: bytes) -> Fichier | Refus: ...

    async def lister_types_nationaux(self, echange: Echange, fichier: bytes) -> Fichier | Refus: ...

    async def lister_types_territoriaux(self, echange: Echange, fichier: bytes) -> Fichier | Refus: ...

    async def lister_evenements(self, echange: Echange, fichier: bytes) -> Fichier | Refus: ...

    async def ajouter_evenement(self, echange: Echange, fichier: bytes) -> Fichier | Refus: ...

    async def modifier_evenement(self, echange: Echange, fichier: bytes) -> Fichier | Refus: ...

    async def supprimer_evenement(self, echange: Echange, fichier: bytes) -> Fichier | Refus: ...


def operations_partagee(gestion: GestionPartagee) -> Mapping[str, Servie]:
    """The operations that `gestion` serves, by name."""
    return {
        "rechercheDemandeMulticritere": _servie(gestion.rechercher),
        "listerTypesEvenementsNationaux": _servie(gestion.lister_types_nationaux),
        "listerTypesEvenementsTerritoriaux": _servie(gestion.lister_types_territoriaux),
        "listerEvenementsDemande": _servie(gestion.lister_evenements),
        "ajouterEvenementDemande": _servie(gestion.ajouter_evenement),
        "modifierEvenementDemande": _servie(gestion.modifier_evenement),
        "supprimerEvenementDemande": _servie(gestion.supprimer_evenement),
    }


def _servie(handler: Callable[[Echange, bytes], Awaitable[Fichier | Refus]]) -> Servie:
    async def servie(echange: Echange, parametres: Parametres) -> Retour | Refus:
        answer = await handler(echange, parametres.fichiers["fichierXml"])
        if isinstance(answer, Refus):
            return answer
        return Retour({"nomFichierXmlRetour": answer.nom}, {"fichierXmlRetour": FichierEmis(answer.contenu)})

    return servie
