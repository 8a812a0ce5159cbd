"""The persisted steps under their names, in French: the rows of the table of a campaign.

A transaction is named after the function of the hub that commits it and, where one function commits several
kinds, after what it wrote. What has no name here keeps that of its function; a new transaction on the way of
a demande is then told by the test, to be named here and struck (`campagne.POINTS`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

AVANT: Final = "avant"
APRES: Final = "après"
ECRIT: Final = "écrit, non validé"

# The first that fits: the function that commits, then what must have been written.
_TRANSACTIONS: Final = (
    ("registry.handlers.Traitement._receive", "", "échange gardé"),
    ("registry.handlers.Traitement._register", "inscribe", "enregistrement, décision et distributions"),
    ("registry.handlers.Traitement._register", "", "enregistrement déjà fait"),
    ("registry.traitement_vie.Vie._change", "write", "changement, décision et distributions"),
    ("registry.traitement_vie.Vie._change", "", "changement déjà fait"),
    ("dispatching.worker.Worker._step", "finish+take", "fin d'un envoi et prise du suivant"),
    ("dispatching.worker.Worker._step", "finish", "fin d'un envoi"),
    ("dispatching.worker.Worker._step", "", "prise d'un envoi"),
    ("dispatching.worker.Worker._look", "", "reprise après la mort d'un ouvrier"),
    ("dispatching.handlers_retrait.Retraits._run", "acknowledge", "acquittement par le guichet"),
    ("dispatching.handlers_retrait.Retraits._run", "", "lecture par le guichet"),
    ("mailflows.reception_smtp.Reception._record", "", "courrier gardé"),
    ("mailflows.entrant.Entrant.look", "", "courrier pris"),
    ("mailflows.entrant.Entrant._admit", "", "signataire d'un courrier écrit"),
    ("mailflows.entrant.Entrant._conclude", "", "accusé d'un courrier pris en compte"),
    ("mailflows.envoi.Sortie.look", "", "réponses par courrier relevées"),
    ("echangeur.roles.metier.Metier.start", "", "démarrage"),
    ("registry.database.upgrade", "", "démarrage"),
)
_ECRITURES: Final = {
    "registry.exchanges_store.record_receptions": "octets de l'échange",
    "registry.exchanges_store.record_outcomes": "issue de l'échange",
    "registry.journal.Chaine.append": "journal et tête de la chaîne",
    "registry.inscription.inscribe": "demande, numéro et rejeu",
    "registry.suites.Registre.write": "version de la demande",
    "registry.projection.project": "colonnes de recherche",
    "registry.releves.record": "relevés par date",
    "dispatching.deliveries.write_decisions": "décision, puis distributions",
    "dispatching.deliveries.distribute": "distributions",
    "dispatching.perimetres.Perimetres.refresh": "périmètres",
    "dispatching.attempts.take": "tentative",
    "dispatching.attempts.take_back": "tentatives d'un mort",
    "dispatching.attempts.finish": "issue de la tentative, puis accusé",
    "dispatching.attempts._postpone": "report de la distribution",
    "dispatching.rebut.expire": "distributions échues",
    "dispatching.retraits._give": "trace de la lecture",
    "dispatching.acquittement.acknowledge": "acquit du guichet",
    "mailflows.entrants.record": "octets du courrier",
    "mailflows.entrants.take": "courrier en main",
    "mailflows.entrants.take_back": "courriers d'un mort",
    "mailflows.entrants.identify": "signataire",
    "mailflows.entrants.conclude": "fin du courrier",
    "mailflows.sortants.take_back": "réponses d'un mort",
    "mailflows.sortants.remind": "rappels",
    "mailflows.sortants.take": "réponse en main",
}
DEPARTS: Final = (
    "réponse à getNumUnique",
    "réponse à listerDistributions",
    "réponse à acquitterDistributions",
    "envoi au guichet",
    "remise au relais",
    "réception d'un courrier",
)
"""What leaves, or is said to have come."""

TRANSACTIONS: Final = tuple(dict.fromkeys(nom for _, _, nom in _TRANSACTIONS))
NOMS: Final = (*TRANSACTIONS, *DEPARTS)
"""The steps that are seen from outside; the writings of a transaction are not."""


def name_transaction(auteur: str, ecrits: Iterable[str]) -> str:
    """The name of a transaction. auteur: function that commits; ecrits: the functions that wrote."""
    courts = {ecrit.rpartition(".")[2] for ecrit in ecrits}
    for known, needed, nom in _TRANSACTIONS:
        if known == auteur and courts.issuperset(filter(None, needed.split("+"))):
            return nom
    return f"{auteur} ({', '.join(sorted(courts))})"


def name_writing(auteur: str) -> str:
    """The name of one writing. auteur: function that wrote."""
    return _ECRITURES.get(auteur, auteur)
