"""The three DALO operations of DemandeLogement, from the contract to the handlers and back."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Protocol

from registry.annexes import BLOC, Sortie, token_of
from registry.clock import Clock
from registry.echanges import Echange, Fichier, Refus
from registry.handlers_dalo import ReponseDalo, ReponseListe
from registry.listes_dates import Criteres
from registry.versions import file_in_version
from schemas.lecture import parse_instant
from soap.envelope import Parametres, Retour
from soap.faults import CONTRAT_NON_RESPECTE
from soap.operations import Refuser, Servie, carry

_DALO: Final = ("nomFichierDalo", "fichierDalo")
_NOUVEAUX: Final = ("nomFichierNouveauxDalo", "fichierNouveauxDalo")
_RADIEES: Final = ("nomFichierDemandesRadiees", "fichierDemandesRadiees")


class TraitementDalo(Protocol):
    """The handlers (`registry.handlers_dalo`). Each may raise what the database raises."""

    async def get_declaration_nouveau_dalo(self, echange: Echange, fichier: bytes) -> ReponseDalo | Refus: ...

    async def get_nouveaux_dalo_depuis_le(
        self, echange: Echange, depuis: datetime
    ) -> ReponseListe | Refus: ...

    async def get_demandes_radiees_depuis_le(
        self, echange: Echange, depuis: datetime, criteres: Criteres
    ) -> ReponseListe | Refus: ...


def operations_dalo(traitement: TraitementDalo, clock: Clock, refuser: Refuser) -> Mapping[str, Servie]:
    """The operations served, by name (`soap.operations.Operations`)."""

    async def declare(echange: Echange, parametres: Parametres) -> Retour | Refus:
        answer = await traitement.get_declaration_nouveau_dalo(echange, parametres.fichiers["fichierDalo"])
        if isinstance(answer, Refus):
            return answer
        lisible = file_in_version(answer.fichier, echange.emetteur.guichet)
        return carry(lisible, _DALO, parametres, clock.now())

    async def list_dalo(echange: Echange, parametres: Parametres) -> Retour | Refus:
        depuis = parse_instant(parametres.textes["dateNouveauDaloDepuisLe"])
        if depuis is None:
            return await _unreadable(echange, "dateNouveauDaloDepuisLe", refuser)
        answer = await traitement.get_nouveaux_dalo_depuis_le(echange, depuis)
        if isinstance(answer, Refus):
            return answer
        return _carry_list(echange, answer, _NOUVEAUX, parametres, clock.now())

    async def list_radiations(echange: Echange, parametres: Parametres) -> Retour | Refus:
        depuis = parse_instant(parametres.textes["dateRadiationDepuisLe"])
        if depuis is None:
            return await _unreadable(echange, "dateRadiationDepuisLe", refuser)
        criteres = Criteres(
            parametres.textes.get("motifRadiation"),
            parametres.textes.get("statutDalo"),
            parametres.textes.get("typeReservataire"),
        )
        answer = await traitement.get_demandes_radiees_depuis_le(echange, depuis, criteres)
        if isinstance(answer, Refus):
            return answer
        return _carry_list(echange, answer, _RADIEES, parametres, clock.now())

    return {
        "getDeclarationNouveauDalo": declare,
        "getNouveauxDaloDepuisLe": list_dalo,
        "getDemandesRadieesDepuisLe": list_radiations,
    }


def _carry_list(
    echange: Echange, liste: ReponseListe, champs: tuple[str, str], parametres: Parametres, instant: datetime
) -> Retour | Refus:
    """A list in the answer. A large one in clear leaves as it is read from its file ([DAL-9]); to be
    encrypted, it must be whole in memory."""
    contenu = liste.contenu
    if isinstance(contenu, bytes) or parametres.fichiers.get("certificat"):
        return carry(liste.fichier, champs, parametres, instant)
    jeton = token_of(hashlib.sha256(contenu).digest())

    def read(rang: int) -> bytes:
        return contenu[rang * BLOC : (rang + 1) * BLOC]

    echange.annexes.sorties.append(Sortie(jeton, len(contenu), read))
    return carry(Fichier(liste.nom, jeton), champs, parametres, instant)


async def _unreadable(echange: Echange, champ: str, refuser: Refuser) -> Refus:
    """A date that the contract allows and no calendar here holds (24:00, a year of five digits)."""
    anomalies = (
        CONTRAT_NON_RESPECTE(
            f"{champ} n'est pas une date et une heure (AAAA-MM-JJThh:mm:ss).", propriete=champ
        ),
    )
    await refuser(echange, anomalies)
    return Refus(anomalies)
