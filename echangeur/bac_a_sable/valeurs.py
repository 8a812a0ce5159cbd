"""The magic values of the sandbox: what provokes each anomaly of the catalogue, and each failure ([BAC-20]).

A value is ``bac-a-sable:CODE`` in any text or file of a call, or in its HTTP header ``X-Bac-A-Sable``: in
`precision` of a demande (255 free characters, which come back in its distributions), in the name of a file.
By mail, ``bac-a-sable.CODE`` in the Message-ID is for what becomes of the answer. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from registry.anomalies import CATALOGUE, TypeAnomalie

ENTETE: Final = "X-Bac-A-Sable"
_VALEUR: Final = re.compile(rb"bac-a-sable[:.]([A-Z0-9]+(?:-[A-Z0-9]+)*)", re.IGNORECASE)


class Panne(StrEnum):
    """What goes wrong on purpose."""

    LENTE = "LENTE"
    SILENCE = "SILENCE"
    COUPURE_AVANT = "COUPURE-AVANT"
    COUPURE_APRES = "COUPURE-APRES"
    TRONQUEE = "TRONQUEE"
    RECEIVER = "RECEIVER"
    PUSH_DOUBLE = "PUSH-DOUBLE"
    PUSH_DESORDRE = "PUSH-DESORDRE"
    PUSH_ACCUSE_PERDU = "PUSH-ACCUSE-PERDU"
    PUSH_CERTIFICAT = "PUSH-CERTIFICAT"
    COURRIER_PERDU = "COURRIER-PERDU"
    COURRIER_TARDIF = "COURRIER-TARDIF"
    COURRIER_DOUBLE = "COURRIER-DOUBLE"


LENTEUR_S: Final = 3.0
"""Seconds before a slow answer."""
SILENCE_MAX_S: Final = 300.0
"""Seconds after which a connection without answer is closed, if the partner has not closed it before."""
RETARD_S: Final = 10.0
"""Seconds before a late mail arrives."""


@dataclass(frozen=True, slots=True)
class Description:
    """What a failure does, for the table. French."""

    effet: str
    attendu: str


PANNES: Final = {
    Panne.LENTE: Description(
        f"l'appel est exécuté ; la réponse arrive {LENTEUR_S:g} s plus tard",
        "attendre : le délai de votre client doit être plus long",
    ),
    Panne.SILENCE: Description(
        f"l'appel est exécuté ; aucune réponse, la connexion reste ouverte ({SILENCE_MAX_S:g} s au plus)",
        "abandonner à votre délai, puis renvoyer le même document : la première réponse revient",
    ),
    Panne.COUPURE_AVANT: Description(
        "la connexion est coupée avant que l'appel soit exécuté",
        "renvoyer le même document",
    ),
    Panne.COUPURE_APRES: Description(
        "l'appel est exécuté ; la connexion est coupée avant la réponse",
        "renvoyer le même document : le même numéro revient, rien n'est doublé",
    ),
    Panne.TRONQUEE: Description(
        "l'appel est exécuté ; la connexion est coupée au milieu de la réponse",
        "ne pas lire une réponse incomplète ; renvoyer le même document",
    ),
    Panne.RECEIVER: Description(
        "faute SOAP `Receiver` (`SOA091`) ; rien n'est exécuté",
        "renvoyer le même document plus tard",
    ),
    Panne.PUSH_DOUBLE: Description(
        "la distribution vous est envoyée deux fois de suite, sous le même `idDistribution`",
        "répondre `RECU`, puis `DEJA_RECU`",
    ),
    Panne.PUSH_DESORDRE: Description(
        "la distribution est retenue à sa première tentative : les suivantes arrivent avant elle",
        "accepter un numéro d'ordre plus petit que le dernier reçu",
    ),
    Panne.PUSH_ACCUSE_PERDU: Description(
        "votre accusé se perd : la distribution revient à la tentative suivante",
        "répondre `DEJA_RECU`",
    ),
    Panne.PUSH_CERTIFICAT: Description(
        "la première tentative présente le certificat d'une autorité inconnue",
        "refuser la connexion TLS, puis accepter la tentative suivante",
    ),
    Panne.COURRIER_PERDU: Description(
        "le message part et n'arrive jamais ; une distribution revient faute d'accusé",
        "renvoyer votre message si la réponse ne vient pas",
    ),
    Panne.COURRIER_TARDIF: Description(
        f"le message arrive {RETARD_S:g} s plus tard, après d'autres",
        "rapprocher par `In-Reply-To`, non par l'ordre d'arrivée",
    ),
    Panne.COURRIER_DOUBLE: Description(
        "le message arrive deux fois, octet pour octet",
        "ne le traiter qu'une fois, par `X-Echangeur-Id`",
    ),
}

D_APPEL: Final = frozenset(
    {Panne.LENTE, Panne.SILENCE, Panne.COUPURE_AVANT, Panne.COUPURE_APRES, Panne.TRONQUEE, Panne.RECEIVER}
)
"""Those of a call to the services."""
D_ENVOI: Final = frozenset(
    {Panne.PUSH_DOUBLE, Panne.PUSH_DESORDRE, Panne.PUSH_ACCUSE_PERDU, Panne.PUSH_CERTIFICAT}
)
"""Those of a distribution that is pushed."""
DE_COURRIER: Final = frozenset({Panne.COURRIER_PERDU, Panne.COURRIER_TARDIF, Panne.COURRIER_DOUBLE})
"""Those of a mail of the hub, answer or distribution."""

_SANS_ECHANGE: Final = ("CON", "HUB", "RPL")
"""Families that no exchange of a partner is ever answered: pages, health, imports of files."""
_DE_COURRIER_SEUL: Final = "COU"
_DE_SOAP_SEUL: Final = "SOA"
DANS_LE_DOCUMENT: Final = ("DEM", "COD", "NUM", "DBL", "VIE", "GUI1", "DAL")
"""Families that getNumUnique, getDoublons and getDeclarationNouveauDalo answer in `listeAnomalie` of the
document."""

EN_VRAI: Final = {
    "SOA002": "appelez `/services/Inconnu`",
    "SOA003": "appelez un service par `PUT`",
    "SOA009": "envoyez un corps plus long que `Content-Length`, puis un autre appel sur la connexion",
}
"""Those that come before there is a message to hold a value: the true cause, which costs nothing to make."""


def find_value(contenus: Iterable[str | bytes]) -> str:
    """The code of the first value in these texts and files, in capitals; empty when there is none."""
    for contenu in contenus:
        found = _VALEUR.search(contenu.encode() if isinstance(contenu, str) else contenu)
        if found is not None:
            return found[1].decode("ascii").upper()
    return ""


def panne_of(code: str) -> Panne | None:
    """The failure of that code."""
    return Panne(code) if code in tuple(Panne) else None


def anomalie_of(code: str, *, courrier: bool = False) -> TypeAnomalie | None:
    """The anomaly that this code provokes by SOAP, or by mail; None when it provokes none there."""
    ailleurs = _DE_SOAP_SEUL if courrier else _DE_COURRIER_SEUL
    if code.startswith((*_SANS_ECHANGE, ailleurs)) or code in EN_VRAI:
        return None
    return CATALOGUE.types.get(code)


def provoked(*, courrier: bool = False) -> list[TypeAnomalie]:
    """Every anomaly that a value provokes, by code. The modules that declare them must have been imported."""
    codes = sorted(CATALOGUE.types)
    return [each for code in codes if (each := anomalie_of(code, courrier=courrier)) is not None]
