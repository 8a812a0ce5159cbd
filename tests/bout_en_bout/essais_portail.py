"""The same for the portal: what it keeps and deposits, what a guichet makes of it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime
from typing import Any

from lxml import etree

from registry.controles import PARIS
from schemas.generation import generate_demande
from tests.bout_en_bout.appels import Appels, content
from tests.registry.fabrique import demande_of

PORTAIL = "GDPUB"
_seeds = itertools.count(1)


def typed() -> bytes:
    """What another applicant types today."""
    return generate_demande(
        f"zeep portail {next(_seeds)}",
        guichet=PORTAIL,
        avec_cotitulaire=False,
        association=False,
        communes=["93048"],
        date_creation=datetime.now(PARIS).date(),
    )


def keeps(appels: Appels, data: bytes | None = None) -> str:
    """The identifier of a brouillon."""
    garde = appels.call(
        "enregistrerBrouillon",
        guichet=PORTAIL,
        nomFichierDemande="DEM.xml",
        fichierDemande=data or typed(),
    )
    assert garde["manques"] == "0"
    return str(garde["idDepot"])


def deposits(appels: Appels, data: bytes | None = None) -> str:
    """The identifier of a deposit that waits."""
    identifiant = keeps(appels, data)
    depose = appels.call("deposerDemande", guichet=PORTAIL, idDepot=identifiant)
    assert (depose["idDepot"], depose["numUnique"]) == (identifiant, None)
    assert demande_of(content(depose, "fichierDemande")).increment_fichier == identifiant
    return identifiant


def finds_deposits(appels: Appels) -> None:
    data = typed()
    identifiant = deposits(appels, data)
    demandeur = demande_of(data).demandeur
    assert demandeur is not None
    liste = appels.call(
        "listerDepots",
        nom=demandeur.nom.upper(),
        dateNaissance=demandeur.date_naissance,
        territoire="111",
    )
    trouves = [each.text for each in etree.fromstring(content(liste, "listeDepots")).iter("{*}idDepot")]
    assert identifiant in trouves


def reads_a_deposit(appels: Appels) -> None:
    lu = appels.call("consulterDepot", idDepot=deposits(appels))
    assert lu["etat"] == "ATTENT"
    assert demande_of(content(lu, "fichierDemande")).num_guichet == PORTAIL


def validates(appels: Appels) -> None:
    """By the published service too; what it has become, the portal reads."""
    data = typed()
    depose = appels.call(
        "getNumUnique",
        guichet=PORTAIL,
        nomFichierDemande="DEM.xml",
        fichierDemande=data,
        nomCertificat="",
        certificat=b"",
    )
    identifiant = demande_of(content(depose, "fichierDemande")).increment_fichier
    demandeur = demande_of(data).demandeur
    assert demandeur is not None
    valide = appels.call(
        "validerDepot",
        idDepot=identifiant,
        pieceIdentite={"code": "CNI"},
        nom=demandeur.nom,
        prenom=demandeur.prenom,
        dateNaissance=demandeur.date_naissance,
        utilisateur="a.martin",
        complet="oui",
    )
    assert valide["numUnique"].endswith(PORTAIL)
    assert content(valide, "attestation").startswith(b"%PDF")
    suivi = appels.call("consulterDepot", guichet=PORTAIL, idDepot=identifiant)
    assert (suivi["etat"], suivi["numUnique"]) == ("VALIDE", valide["numUnique"])


def refuses(appels: Appels) -> None:
    identifiant = deposits(appels)
    appels.call("invaliderDepot", idDepot=identifiant, motif={"code": "ABSENT"}, utilisateur="a.martin")
    suivi = appels.call("consulterDepot", guichet=PORTAIL, idDepot=identifiant)
    assert (suivi["etat"], suivi["motif"]) == ("INVALI", "ABSENT")


ESSAIS_PORTAIL: dict[str, Callable[[Appels], Any]] = {
    "enregistrerBrouillon": keeps,
    "deposerDemande": deposits,
    "listerDepots": finds_deposits,
    "consulterDepot": reads_a_deposit,
    "validerDepot": validates,
    "invaliderDepot": refuses,
}
