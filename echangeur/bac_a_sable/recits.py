"""The demandes of a sandbox: a life for each, told as what was sent, by whom, how many days ago. Pure data.

Together they are in every state of the life cycle (a test says which state is in none), and meet what a
partner's software must handle: a demande that others changed, DALO, doublons, a deadline that comes, a
deposit to validate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from lxml import etree

from echangeur.bac_a_sable.monde import ETAT, VOISIN
from echangeur.demo.fichiers import Change, recognise_dalo, renew
from registry.guichets import PORTAIL
from schemas.kinds import NAMESPACE
from schemas.revision import body_of, put, put_text

VOUS: Final = "vous"
"""In place of the code of the partner's guichet."""


class Geste(StrEnum):
    """What is sent."""

    CREATION = "CRE"
    MODIFICATION = "MOD"
    RENOUVELLEMENT = "REN"
    RADIATION = "RAD"
    SUPPRESSION = "SUP"
    SEPARATION = "CRS"
    DALO = "DALO"
    BROUILLON = "BROUILLON"
    INVALIDATION = "INVALIDATION"
    VALIDATION = "VALIDATION"


Changement = Callable[[date], Change]
"""What a file changes in the demande, given the day of the file."""


@dataclass(frozen=True, slots=True)
class Etape:
    """jours: how many days ago. auteur: code of a guichet, or VOUS."""

    jours: int
    auteur: str
    geste: Geste
    change: Changement | None = None


@dataclass(frozen=True, slots=True)
class Recit:
    """One life. personne: who it is about, when two lives are about the same. couple: with a co-applicant."""

    titre: str
    etapes: tuple[Etape, ...]
    personne: str = ""
    couple: bool = False
    forcee: bool = False


def _precise(texte: str) -> Changement:
    def change(root: etree._Element) -> None:
        put_text(body_of(root), "precision", texte)

    return lambda _jour: change


def _radiate(motif: str, suite: Callable[[date], str] = lambda _jour: "") -> Changement:
    """motif: empty for a déradiation. suite: what follows it, in XML."""

    def at(jour: date) -> Change:
        code = f' code="{motif}"' if motif else ""
        element = etree.fromstring(
            f'<radiation xmlns="{NAMESPACE}"><dateRadiation>{jour.isoformat()}</dateRadiation>'
            f"<motifRadiation{code}/>{suite(jour)}</radiation>"
        )
        return lambda root: put(body_of(root), "radiation", element)

    return at


def _no_answer(jour: date) -> str:
    courrier = jour - timedelta(days=40)
    return f"<absenceReponse><dateCourrier>{courrier.isoformat()}</dateCourrier></absenceReponse>"


def _housing(jour: date) -> str:
    return (
        f"<attributionLogement><dateSignatureBail>{jour.isoformat()}</dateSignatureBail>"
        '<dejaLogeParcBailleur code="NON"/><numeroRpls>0123456789</numeroRpls><accordCollectif code="AUCUN"/>'
        '<typeReservataire code="AUCUN"/><codeSirenBailleur>552046955</codeSirenBailleur>'
        "</attributionLogement>"
    )


def _created(jours: int, auteur: str = VOUS) -> Etape:
    return Etape(jours, auteur, Geste.CREATION)


RECITS: Final = (
    Recit("active, enregistrée par vous", (_created(40),)),
    Recit("active, enregistrée par un voisin, qui vous arrive", (_created(2, VOISIN),)),
    Recit(
        "active, enregistrée par vous, modifiée hier par un voisin",
        (_created(200), Etape(1, VOISIN, Geste.MODIFICATION, _precise("Attend une réponse avant l'été."))),
    ),
    Recit(
        "active, renouvelée par vous",
        (_created(400), Etape(45, VOUS, Geste.RENOUVELLEMENT, renew)),
    ),
    Recit("active, à renouveler dans 50 jours", (_created(315),)),
    Recit("active, à renouveler dans 20 jours", (_created(345),)),
    Recit("active, échue depuis 20 jours : bientôt radiée faute de renouvellement", (_created(385),)),
    Recit("radiée d'office il y a peu, faute de renouvellement", (_created(420),)),
    Recit(
        "radiée pour attribution, par un voisin",
        (_created(150), Etape(1, VOISIN, Geste.RADIATION, _radiate("RADATT", _housing))),
    ),
    Recit(
        "radiée pour abandon",
        (_created(100), Etape(10, VOUS, Geste.RADIATION, _radiate("RADABA"))),
    ),
    Recit(
        "active de nouveau : radiée faute de réponse, puis déradiée",
        (
            _created(160),
            Etape(90, VOUS, Geste.RADIATION, _radiate("RADCON", _no_answer)),
            Etape(30, VOUS, Geste.RADIATION, _radiate("")),
        ),
    ),
    Recit("supprimée : enregistrée par erreur", (_created(5), Etape(4, VOUS, Geste.SUPPRESSION))),
    Recit("active, DALO reconnu par l'État", (_created(60), Etape(3, ETAT, Geste.DALO, recognise_dalo))),
    Recit(
        "active, DALO reconnu, chez un voisin",
        (_created(80, VOISIN), Etape(2, ETAT, Geste.DALO, recognise_dalo)),
    ),
    Recit("active, un couple", (_created(90),), couple=True),
    Recit("active, doublon de la suivante", (_created(70),), personne="doublon"),
    Recit(
        "active, doublon forcé de la précédente, chez un voisin",
        (_created(25, VOISIN),),
        "doublon",
        forcee=True,
    ),
    Recit("brouillon, à vous", (Etape(3, VOUS, Geste.BROUILLON),)),
    Recit("en attente de validation, déposée sur le portail", (_created(2, PORTAIL),)),
    Recit("en attente de validation, bientôt trop tard", (_created(80, PORTAIL),)),
    Recit(
        "déposée sur le portail, validée par vous",
        (_created(12, PORTAIL), Etape(6, VOUS, Geste.VALIDATION)),
    ),
    Recit(
        "déposée sur le portail, invalidée par vous",
        (_created(20, PORTAIL), Etape(9, VOUS, Geste.INVALIDATION)),
    ),
    *(Recit("active, enregistrée par vous", (_created(30 + 20 * rang),)) for rang in range(12)),
    *(Recit("active, enregistrée par un voisin, qui vous arrive", (_created(1, VOISIN),)) for _ in range(10)),
)
"""In the order in which `bac-a-sable demandes` lists them."""
