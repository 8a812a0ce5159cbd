"""zeep, knowing nothing but the address of the WSDL, against the hub in its own process; MTOM included."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from registry.controles import PARIS
from schemas import contract
from schemas.generation import generate_demande
from tests.bout_en_bout.appels import SERVICE_OF, Appels, content, text_of
from tests.bout_en_bout.essais import ESSAIS, ETAT
from tests.bout_en_bout.essais_portail import PORTAIL
from tests.bout_en_bout.monde import RECEVEURS, administer
from tests.bout_en_bout.partenaires import Partenaires
from tests.bout_en_bout.processus import Serveur
from tests.registry.test_separation import leaving
from tests.registry.vies import attribution, radiation, renewal, sent

GUICHET = "G1104"
TYPES = {GUICHET: "bailleur", ETAT: "etat", PORTAIL: "portail"}
SERVIES = sorted(SERVICE_OF)
EN_PARTIES = [name for name in SERVIES if SERVICE_OF[name] not in contract.PARTNER_SERVICES]
"""A distribution holds one small file: the service that partners serve promises no MTOM."""


@pytest.fixture(scope="module")
def hub(place: Path) -> Iterator[Appels]:
    """A hub for a bailleur and for the State, which comes for every demande; and a partner that receives."""
    dossier = place / "instance"
    administer("init", dossier)
    serveur, partenaires = Serveur(dossier), Partenaires(dossier)
    try:
        serveur.start()
        for code, type_guichet in TYPES.items():
            words = ("--nom", f"Guichet {code}", "--type", type_guichet, "--territoire", "111")
            administer("--instance", dossier, "guichet", "ajouter", code, *words)
            emettre = ("certificat", "emettre", code, "--dossier", dossier / code)
            administer("--instance", dossier, *emettre)
        administer("--instance", dossier, "filtre", "ajouter", ETAT, "--nom", "Tout")
        adresses = partenaires.start()
        appels = Appels(serveur.adresse, adresses[RECEVEURS[0].code], dossier, mtom=False)
        yield appels
        appels.close()
        partenaires.stop()
    finally:
        serveur.close()


@pytest.mark.parametrize("operation", SERVIES)
def test_every_operation_is_accepted(hub: Appels, operation: str) -> None:
    """Files in the envelope, in base64."""
    appels = replace(hub, acceptees=set())
    ESSAIS[operation](appels)
    assert operation in appels.acceptees


@pytest.mark.parametrize("operation", EN_PARTIES)
def test_every_operation_is_accepted_in_parts(hub: Appels, operation: str) -> None:
    """MTOM, both ways."""
    appels = replace(hub, acceptees=set(), mtom=True)
    ESSAIS[operation](appels)
    assert operation in appels.acceptees


def test_zeep_lives_the_whole_life_of_a_demande(hub: Appels) -> None:
    """[VIE-2] Each type of file through the socket: created, modified, copied, renewed, radiated,
    reactivated; left after a separation; taken out."""

    def register(data: bytes) -> bytes:
        answer = hub.call(
            "getNumUnique", nomFichierDemande="DEM.xml", fichierDemande=data, nomCertificat="", certificat=b""
        )
        return content(answer, "fichierDemande")

    jour = datetime.now(PARIS).date()
    document = generate_demande(
        "zeep vie", guichet=GUICHET, avec_cotitulaire=True, lien="M", communes=["75113"]
    )
    created = register(document)

    def fact(type_fichier: str, *changes: tuple[str, str]) -> bytes:
        return sent(created, type_fichier, *changes, ecrit=datetime.now(PARIS))

    modified = register(fact("MOD", ('commune code="75113"', 'commune code="75112"')))
    assert text_of(modified, "incrementFichier") == "V000002"
    assert text_of(register(fact("COP")), "typeFichier") == "COP"
    assert register(renewal(modified, jour.isoformat(), ecrit=datetime.now(PARIS)))
    separated = register(leaving(created))
    assert text_of(separated, "numUniqueAssocie") == text_of(created, "numUnique")
    assert register(sent(separated, "SUP", ecrit=datetime.now(PARIS)))
    lettre = (jour - timedelta(days=62)).isoformat()
    letter = f"<ns1:absenceReponse><ns1:dateCourrier>{lettre}</ns1:dateCourrier></ns1:absenceReponse>"
    now = datetime.now(PARIS)
    radiated = register(radiation(modified, "RADCON", jour.isoformat(), letter, ecrit=now))
    assert b'code="RADCON"' in radiated
    assert register(radiation(modified, "", jour.isoformat(), ecrit=datetime.now(PARIS)))
    assert register(attribution(modified, jour.isoformat(), bail=jour.isoformat(), ecrit=datetime.now(PARIS)))
