"""From nothing to the first accepted exchange: the steps by which a partner is connected.

No step is remembered as done: each is read from what is in the registry now, so that the sequence can be left
and taken up again by anybody, and goes back by itself when something is undone (a certificate expires, an
address changes).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from registry.anomalies import Tour
from registry.certificats import CertificatEpingle
from registry.essais_reception import EssaiReception
from registry.guichets import CanalDistribution, Guichet
from registry.production import LIBRE, EtatProduction, Production
from registry.usages_certificats import EtatCertificat, UsageCertificat


class EtapeRaccordement(StrEnum):
    """The steps, in their order. What is before the last is done by the gestionnaire with the partner."""

    GUICHET = "guichet"
    CANAL = "canal"
    CERTIFICATS = "certificats"
    ESSAI = "essai"
    CONFORMITE = "conformite"
    ECHANGE = "echange"
    PRET = "pret"


@dataclass(frozen=True, slots=True)
class Etat:
    """Where a step is. manque: French, what is still missing; empty when it is done. tour: whose turn."""

    etape: EtapeRaccordement
    faite: bool
    manque: str = ""
    tour: Tour | None = None
    constat: str = ""
    """What was found, when it is done."""


@dataclass(frozen=True, slots=True)
class Appel:
    """An exchange of the guichet: when, and the code of what refused it, or empty."""

    recu_le: datetime
    operation: str
    code: str = ""
    accepte: bool = False


@dataclass(frozen=True, slots=True)
class Faits:
    """What the registry knows of a guichet.

    propositions: certificates that wait to be accepted. essai: the last trial of its reception endpoint.
    courrier_prouve: True when its last rehearsal by mail proved everything, False when it failed, None
    when there was none or it is under way. dernier: its last exchange. accepte: its first accepted one.
    remises: it has acknowledged distributions. production: its right to exchange here, by its report.
    """

    guichet: Guichet
    certificats: tuple[CertificatEpingle, ...] = ()
    propositions: int = 0
    essai: EssaiReception | None = None
    courrier_prouve: bool | None = None
    repetition_en_cours: bool = False
    dernier: Appel | None = None
    accepte: Appel | None = None
    remises: bool = False
    production: Production = LIBRE


_USAGES: Final = {
    CanalDistribution.COURRIER: frozenset({UsageCertificat.SIGNATURE, UsageCertificat.CHIFFREMENT}),
    CanalDistribution.PUSH: frozenset({UsageCertificat.TLS}),
    CanalDistribution.RETRAIT: frozenset({UsageCertificat.TLS}),
}
"""What the certificates of a guichet must serve for, by channel."""

NOMS_USAGES: Final = {
    UsageCertificat.TLS: "appeler les services (TLS)",
    UsageCertificat.SIGNATURE: "signer ses courriers",
    UsageCertificat.CHIFFREMENT: "recevoir des courriers chiffrés",
}


def advance(faits: Faits, *, instant: datetime) -> tuple[Etat, ...]:
    """The state of each step, in their order. Pure ([RAC-1], [RAC-2])."""
    states = [
        _guichet(faits),
        _canal(faits.guichet),
        _certificats(faits, instant),
        _essai(faits),
        _conformite(faits.production),
        _echange(faits),
    ]
    missing = [each.etape for each in states if not each.faite]
    if missing:
        pret = Etat(EtapeRaccordement.PRET, False, f"{len(missing)} étape(s) à finir", None)
    else:
        pret = Etat(EtapeRaccordement.PRET, True, constat="le guichet échange")
    return (*states, pret)


def current(states: Iterable[Etat]) -> Etat | None:
    """The first step that is not done; None when all are."""
    return next((each for each in states if not each.faite), None)


def _guichet(faits: Faits) -> Etat:
    if not faits.guichet.actif:
        manque = "le guichet est fermé : il ne peut plus rien envoyer ni recevoir"
        return Etat(EtapeRaccordement.GUICHET, False, manque, Tour.GESTIONNAIRE)
    return Etat(EtapeRaccordement.GUICHET, True, constat=faits.guichet.nom)


def _canal(guichet: Guichet) -> Etat:
    match guichet.canal:
        case CanalDistribution.PUSH if not guichet.adresse_reception:
            manque = "l'adresse https où le guichet reçoit ses distributions"
        case CanalDistribution.COURRIER if not guichet.adresse_courrier:
            manque = "l'adresse de courrier électronique du guichet"
        case CanalDistribution.PUSH:
            return Etat(EtapeRaccordement.CANAL, True, constat=f"envoi à {guichet.adresse_reception}")
        case CanalDistribution.COURRIER:
            return Etat(EtapeRaccordement.CANAL, True, constat=f"courrier à {guichet.adresse_courrier}")
        case CanalDistribution.RETRAIT:
            return Etat(EtapeRaccordement.CANAL, True, constat="le guichet vient chercher ses distributions")
    return Etat(EtapeRaccordement.CANAL, False, manque, Tour.PARTENAIRE)


def _certificats(faits: Faits, instant: datetime) -> Etat:
    etape = EtapeRaccordement.CERTIFICATS
    served: set[UsageCertificat] = set()
    for each in faits.certificats:
        if each.etat(instant) is EtatCertificat.ACTIF and each.admis and each.valide_du <= instant:
            served |= each.usages
    missing = sorted(_USAGES[faits.guichet.canal] - served)
    if not missing:
        return Etat(etape, True, constat=", ".join(NOMS_USAGES[each] for each in sorted(served)))
    manque = f"un certificat pour {' et '.join(NOMS_USAGES[each] for each in missing)}"
    if faits.propositions:
        return Etat(etape, False, f"{manque} : une proposition attend d'être acceptée", Tour.GESTIONNAIRE)
    if any(
        each.etat(instant) is EtatCertificat.ACTIF and instant < each.valide_du for each in faits.certificats
    ):
        return Etat(etape, False, f"{manque} : celui qui est enregistré n'est pas encore valide", None)
    return Etat(etape, False, manque, Tour.PARTENAIRE)


def _essai(faits: Faits) -> Etat:
    etape = EtapeRaccordement.ESSAI
    match faits.guichet.canal:
        case CanalDistribution.PUSH:
            essai = faits.essai
            if essai is None and faits.remises:
                return Etat(etape, True, constat="le guichet acquitte ce qu'il reçoit")
            if essai is None or essai.adresse != faits.guichet.adresse_reception:
                return Etat(etape, False, "un essai de l'adresse de réception", Tour.GESTIONNAIRE)
            if not essai.reussi:
                detail = essai.constats[-1][2] if essai.constats else "rien n'a été essayé"
                return Etat(etape, False, f"l'essai a échoué : {detail}", Tour.PARTENAIRE)
            return Etat(etape, True, constat="le point de réception répond")
        case CanalDistribution.COURRIER:
            if faits.courrier_prouve:
                return Etat(etape, True, constat="un courrier signé et chiffré a fait l'aller et le retour")
            if faits.repetition_en_cours:
                return Etat(etape, False, "l'accusé signé du guichet", Tour.PARTENAIRE)
            if faits.courrier_prouve is False:
                return Etat(etape, False, "l'essai du courrier a échoué : à refaire", Tour.GESTIONNAIRE)
            return Etat(etape, False, "un essai du courrier signé", Tour.GESTIONNAIRE)
        case CanalDistribution.RETRAIT:
            if faits.dernier is None and faits.accepte is None:
                return Etat(etape, False, "un premier appel du partenaire, accepté ou non", Tour.PARTENAIRE)
            return Etat(etape, True, constat="le certificat du partenaire a été reconnu")


def _conformite(production: Production) -> Etat:
    etape = EtapeRaccordement.CONFORMITE
    match production.etat:
        case EtatProduction.NON_EXIGE:
            return Etat(etape, True, constat="aucun rapport n'est exigé")
        case EtatProduction.A_VENIR | EtatProduction.FERMEE | EtatProduction.GRACE:
            return Etat(etape, False, "un rapport de conformité en vigueur", Tour.PARTENAIRE)
        case EtatProduction.OUVERTE | EtatProduction.BIENTOT:
            assert production.fin is not None
            return Etat(etape, True, constat=f"rapport en vigueur jusqu'au {production.fin:%d/%m/%Y}")


def _echange(faits: Faits) -> Etat:
    etape = EtapeRaccordement.ECHANGE
    if faits.accepte is not None:
        constat = f"{faits.accepte.operation}, accepté" if faits.accepte.operation else "accepté"
        return Etat(etape, True, constat=constat)
    if faits.dernier is not None:
        code = f" ({faits.dernier.code})" if faits.dernier.code else ""
        manque = f"un échange accepté : le dernier ne l'a pas été{code}"
        return Etat(etape, False, manque, Tour.PARTENAIRE)
    return Etat(etape, False, "un premier échange accepté", Tour.PARTENAIRE)
