"""The reference partner as the kit drives it: its client, its service of reception, its passages."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

from certs.autorite import create_autorite
from certs.lecture import Certificat, read_certificat
from certs.paire import load_paire
from certs.tls import client_context, server_context
from conformance.boucle import Boucle
from conformance.client_reference import ClientReference, Lecture
from conformance.partenaire_courrier import Echangeur, PartenaireCourrier, Piece
from conformance.partenaire_reference import PartenaireReference
from conformance.profil import Profil, read_profil
from conformance.pupitre import Compte, Pilote
from conformance.retrait_reference import Refuse, RetraitReference
from tests.interop.serveurs import free_ports

CODE = "G1104"
ADRESSE = "g1104@partenaire.example"
HOTE = "127.0.0.1"


class Service:
    """A `PartenaireReference` and a `PartenaireCourrier`, on a loop and a thread of their own."""

    def __init__(self, partenaire: PartenaireReference, robot: PartenaireCourrier) -> None:
        self.partenaire = partenaire
        self.robot = robot
        self._boucle = Boucle("partenaire")

    def start(self) -> tuple[str, int]:
        """The address of the service, the port of the mail."""
        self._boucle.start()
        return self._boucle.run(self.partenaire.start("localhost")), self._boucle.run(self.robot.start(HOTE))

    def stop(self) -> None:
        self._boucle.stop(self.partenaire.stop(), self.robot.stop())


@contextmanager
def partner(
    folder: Path,
    service: type[PartenaireReference] = PartenaireReference,
    robot: type[PartenaireCourrier] = PartenaireCourrier,
) -> Iterator[Profil]:
    """The profile of a reference partner whose service and robot of mail listen."""
    now = datetime.now(UTC)
    autorite = create_autorite("Essai", now=now, delegue=True)
    autorite.write(folder / "autorite")
    autorite.issue_guichet("HUB00", now=now).write(folder / "hub")
    autorite.issue_guichet(CODE, now=now).write(folder / "partenaire")
    own = folder / "partenaire"
    (kit,) = free_ports(1)
    running = Service(
        service(server_context(own / "cert.pem", own / "key.pem", own / "ca.pem")),
        _robot(folder, kit, robot),
    )
    adresse, port = running.start()
    try:
        text = _PROFIL.format(code=CODE, adresse=adresse, port=port, kit=kit)
        (folder / "profil.toml").write_text(text, encoding="utf-8")
        yield read_profil(folder / "profil.toml")[0]
    finally:
        running.stop()


def _robot(
    folder: Path, port: int, kind: type[PartenaireCourrier] = PartenaireCourrier
) -> PartenaireCourrier:
    """The robot of the partner, towards a hub that listens there."""
    lu = read_certificat((folder / "hub" / "cert.pem").read_bytes())
    assert isinstance(lu, Certificat)
    own = folder / "partenaire"
    paire = load_paire((own / "cert.pem").read_bytes(), (own / "key.pem").read_bytes())
    return kind(ADRESSE, paire, Echangeur("echangeur@kit.example", HOTE, port, lu, lu.empreinte))


_PROFIL = """
[cible]
nom = "Partenaire de référence"
delai = 120.0
capacites = ["appels", "réception des distributions", "retrait des distributions", "courrier"]
[guichets.emetteur]
code = "{code}"
certificat = "partenaire/cert.pem"
cle = "partenaire/key.pem"
[reception]
adresse = "{adresse}"
[pilotage]
certificat = "hub/cert.pem"
cle = "hub/key.pem"
autorites = "hub/ca.pem"
[pilotage.autorite]
certificat = "autorite/ca.pem"
cle = "autorite/ca.key.pem"
[courrier]
adresse = "g1104@partenaire.example"
hote = "127.0.0.1"
port = {port}
chiffrement = "partenaire/cert.pem"
signature = "partenaire/cert.pem"
local_adresse = "echangeur@kit.example"
local_hote = "127.0.0.1"
local_port = {kit}
"""


def pilot(
    folder: Path,
    client: type[ClientReference] = ClientReference,
    retrait: type[RetraitReference] = RetraitReference,
    robot: type[PartenaireCourrier] = PartenaireCourrier,
) -> Pilote:
    """Drives the client of reference, in this process; its base of distributions is kept from one passage to
    the next."""

    def act(action: str, words: Mapping[str, str]) -> Compte:
        own = folder / "partenaire"
        context = client_context(own / "ca.pem", own / "cert.pem", own / "key.pem")
        if action == "relever":
            return _fetch(words["adresse"], context, folder / "retrait.sqlite", retrait)
        if action == "envoyer-courrier":
            courrier = read_profil(folder / "profil.toml")[0].courrier
            assert courrier is not None
            piece = Piece("DEM.xml", Path(words["document"]).read_bytes())
            asyncio.run(_robot(folder, courrier.local_port, robot).post(piece))
            return Compte(True)
        caller = client(words["adresse"], context, delai=120)
        document = Path(words["document"]).read_bytes().decode().encode("ascii", "xmlcharrefreplace")
        try:
            match action:
                case "enregistrer":
                    return _told(caller.num_unique("DEM.xml", document), "demande/demandeLogement/numUnique")
                case "lire":
                    found = caller.demande_logement(words["numero"])
                    return _told(found, "demande/demandeLogement/numUnique")
                case _:
                    found = caller.doublons("DEM.xml", document)
                    # This client cannot tell « none » from a failure (interface/wire §4).
                    return _told(found, "")
        except (OSError, ElementTree.ParseError, ValueError) as error:
            return Compte(False, f"{type(error).__name__} : {error}")

    return act


def _told(lecture: Lecture, path: str) -> Compte:
    if not lecture.document or lecture.anomalies:
        return Compte(False, lecture.erreur + " ".join(code for code, _ in lecture.anomalies))
    return Compte(True, lecture.find(path) if path else lecture.document)


def _fetch(adresse: str, context: ssl.SSLContext, base: Path, retrait: type[RetraitReference]) -> Compte:
    client = retrait(adresse, context, base)
    try:
        return Compte(True, str(client.passer()))
    except (OSError, Refuse) as error:
        return Compte(False, str(error))
    finally:
        client.close()
