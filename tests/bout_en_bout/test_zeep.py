"""zeep, knowing nothing but the address of the WSDL, against the hub in its own process; MTOM included."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import zeep
from lxml import etree

from registry.controles import PARIS
from schemas.generation import generate_demande
from tests.bout_en_bout.monde import administer
from tests.bout_en_bout.processus import Serveur
from tests.registry.test_separation import leaving
from tests.registry.vies import attribution, radiation, renewal, sent

GUICHET = "G1104"
XOP = "http://www.w3.org/2004/08/xop/include"
RECU = "{http://nuu.application.i2/}"


class Mtom(zeep.Transport):
    """Sends the files of a request as parts (MTOM, XOP), which zeep itself cannot do; zeep reads the answer.

    types: Content-Type of the answers, in order.
    """

    def __init__(self, session: requests.Session) -> None:
        super().__init__(session=session)
        self.types: list[str] = []

    def post_xml(self, address: str, envelope: etree._Element, headers: dict[str, str]) -> requests.Response:
        parts = [_part(f"<{name}>", "application/octet-stream", data) for name, data in _take(envelope)]
        soap = headers["Content-Type"].partition(";")[0]
        root = _part(
            "<racine>", f'application/xop+xml; charset=utf-8; type="{soap}"', etree.tostring(envelope)
        )
        boundary = uuid.uuid4().hex
        body = b"".join(f"--{boundary}\r\n".encode() + part + b"\r\n" for part in (root, *parts))
        packed = (
            f'multipart/related; type="application/xop+xml"; start="<racine>"; start-info="{soap}"; '
            f'boundary="{boundary}"'
        )
        answer = self.post(address, body + f"--{boundary}--\r\n".encode(), {"Content-Type": packed})
        assert isinstance(answer, requests.Response)
        self.types.append(answer.headers["Content-Type"])
        return answer


def _take(envelope: etree._Element) -> list[tuple[str, bytes]]:
    """Put a reference in the place of each file; the files, by Content-ID."""
    taken = []
    for element in envelope.iter("fichierDemande", "certificat"):
        name = f"{len(taken)}@client"
        taken.append((name, base64.b64decode(element.text or "")))
        element.text = None
        etree.SubElement(element, f"{{{XOP}}}Include", href=f"cid:{name}")
    return taken


def _part(identifier: str, kind: str, data: bytes) -> bytes:
    headers = f"Content-Type: {kind}\r\nContent-Transfer-Encoding: binary\r\nContent-ID: {identifier}\r\n\r\n"
    return headers.encode() + data


@pytest.fixture(scope="module")
def hub(place: Path) -> Iterator[tuple[str, Path]]:
    """The address of a hub that serves one bailleur, and the folder of its certificate."""
    dossier = place / "instance"
    administer("init", dossier)
    serveur = Serveur(dossier)
    try:
        serveur.start()
        to_instance = ("--instance", dossier)
        words = ("--nom", "Habitat exemple", "--type", "bailleur", "--territoire", "111")
        administer(*to_instance, "guichet", "ajouter", GUICHET, *words)
        administer(*to_instance, "certificat", "emettre", GUICHET, "--dossier", dossier / GUICHET)
        yield serveur.adresse, dossier / GUICHET
    finally:
        serveur.close()


@pytest.fixture
def session(hub: tuple[str, Path]) -> Iterator[requests.Session]:
    _, folder = hub
    with requests.Session() as session:
        session.trust_env = False  # REQUESTS_CA_BUNDLE would win over `verify`
        session.cert = (str(folder / "cert.pem"), str(folder / "key.pem"))
        session.verify = str(folder / "ca.pem")
        yield session


def talk(client: Any, seed: str) -> None:
    """Register, read, search; what comes back is what was sent."""
    document = generate_demande(f"zeep {seed}", guichet=GUICHET, association=False)
    registered = client.service.getNumUnique(
        nomFichierDemande=f"DEM{GUICHET}-202601010000-000001.xml",
        fichierDemande=document,
        nomCertificat="",
        certificat=b"",
    )
    numero = text_of(registered["fichierDemande"], "numUnique")
    assert numero.startswith("111")
    assert numero.endswith(GUICHET)
    lue = client.service.getDemandeLogement(numUnique=numero, nomCertificat="", certificat=b"")
    assert text_of(lue["fichierDemande"], "numUnique") == numero
    assert text_of(lue["fichierDemande"], "nom") == text_of({"_value_1": document}, "nom")
    found = client.service.getDoublons(nomFichierDemande="DEM.xml", fichierDemande=document)
    assert text_of(found["listeDoublons"], "numUnique") == numero


def text_of(fichier: Any, name: str) -> str:
    """Text of the first element of this name in a file."""
    return etree.fromstring(fichier["_value_1"]).findtext(f".//{RECU}{name}") or ""


def test_zeep_registers_reads_and_searches(hub: tuple[str, Path], session: requests.Session) -> None:
    client = zeep.Client(
        f"{hub[0]}/services/DemandeLogementImplService?wsdl", transport=zeep.Transport(session=session)
    )
    talk(client, "simple")


def test_zeep_reads_mtom_answers(hub: tuple[str, Path], session: requests.Session) -> None:
    transport = Mtom(session)
    client = zeep.Client(f"{hub[0]}/services/DemandeLogementImplService?wsdl", transport=transport)
    talk(client, "mtom")
    assert len(transport.types) == 3
    assert all(kind.startswith("multipart/related") for kind in transport.types)


def test_zeep_lives_the_whole_life_of_a_demande(hub: tuple[str, Path], session: requests.Session) -> None:
    """[VIE-2] Each type of file through the socket: created, modified, copied, renewed, radiated,
    reactivated; left after a separation; taken out."""
    client = zeep.Client(
        f"{hub[0]}/services/DemandeLogementImplService?wsdl", transport=zeep.Transport(session=session)
    )

    def register(data: bytes) -> bytes:
        answer = client.service.getNumUnique(
            nomFichierDemande="DEM.xml", fichierDemande=data, nomCertificat="", certificat=b""
        )
        found: bytes = answer["fichierDemande"]["_value_1"]
        assert b"listeAnomalie" not in found, found.decode()
        return found

    jour = datetime.now(PARIS).date()
    document = generate_demande(
        "zeep vie", guichet=GUICHET, avec_cotitulaire=True, lien="M", communes=["75113"]
    )
    created = register(document)

    def fact(type_fichier: str, *changes: tuple[str, str]) -> bytes:
        return sent(created, type_fichier, *changes, ecrit=datetime.now(PARIS))

    modified = register(fact("MOD", ('commune code="75113"', 'commune code="75112"')))
    assert text_of({"_value_1": modified}, "incrementFichier") == "V000002"
    assert text_of({"_value_1": register(fact("COP"))}, "typeFichier") == "COP"
    assert register(renewal(modified, jour.isoformat(), ecrit=datetime.now(PARIS)))
    separated = register(leaving(created))
    assert text_of({"_value_1": separated}, "numUniqueAssocie") == text_of({"_value_1": created}, "numUnique")
    assert register(sent(separated, "SUP", ecrit=datetime.now(PARIS)))
    lettre = (jour - timedelta(days=62)).isoformat()
    letter = f"<ns1:absenceReponse><ns1:dateCourrier>{lettre}</ns1:dateCourrier></ns1:absenceReponse>"
    now = datetime.now(PARIS)
    radiated = register(radiation(modified, "RADCON", jour.isoformat(), letter, ecrit=now))
    assert b'code="RADCON"' in radiated
    assert register(radiation(modified, "", jour.isoformat(), ecrit=datetime.now(PARIS)))
    assert register(attribution(modified, jour.isoformat(), bail=jour.isoformat(), ecrit=datetime.now(PARIS)))
