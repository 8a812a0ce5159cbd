"""The calls that bench.volumes measures: requests drawn from a stock, each answered for good.

Random numbers and names are drawn evenly in the whole stock, so that nothing is asked for twice and the
memory of the database serves a large stock no better than it would in a year of real use.
"""

from __future__ import annotations

import base64
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

import psycopg

from bench import messages, modele
from bench.load import Request
from schemas.demande import Demande, read_demande
from schemas.documents import DEMANDES, Document, read_document
from schemas.emission import format_instant
from schemas.generation import generate_demandes

RADIEES: Final = 100
"""Demandes of one list of radiations: as many whatever the stock."""

_DEMANDE: Final = "/services/DemandeLogementImplService/"
_RECHERCHE: Final = "/services/RechercheDemandeImplService/"


@dataclass(frozen=True, slots=True)
class Appels:
    """Requests of one kind to one hub. guichet: who speaks. attendu: what an answer holds."""

    nom: str
    guichet: str
    requetes: Sequence[Request]
    attendu: bytes


Tireur = Callable[[psycopg.Connection, random.Random, int], Appels]
"""Draws that many calls in the stock of a connection."""


def lectures(conn: psycopg.Connection, rng: random.Random, nombre: int) -> Appels:
    """getDemandeLogement of random numbers."""
    requetes = [messages.mtom_read(_DEMANDE, numero) for numero in numbers(conn, rng, nombre)]
    return Appels("lecture", modele.NATIONAL, requetes, b"fichierDemande")


def creations(_conn: psycopg.Connection, rng: random.Random, nombre: int) -> Appels:
    """getNumUnique, CRE, of people who are not in the stock."""
    fichiers = _creations(rng, nombre, modele.NATIONAL)
    requetes = [messages.mtom_registration(_DEMANDE, fichier) for fichier in fichiers]
    return Appels("création", modele.NATIONAL, requetes, b"<ns1:numUnique>")


def modifications(conn: psycopg.Connection, rng: random.Random, nombre: int) -> Appels:
    """getNumUnique, MOD, of random numbers, by another guichet than their author."""
    fait = modele.Fait(datetime.now(UTC), 0, "MOD")
    requetes = [
        messages.mtom_registration(_DEMANDE, modele.follow(document, fait, modele.NATIONAL))
        for document in _documents(conn, numbers(conn, rng, nombre))
    ]
    return Appels("modification", modele.NATIONAL, requetes, b"<ns1:incrementFichier>V")


def doublons_inconnus(_conn: psycopg.Connection, rng: random.Random, nombre: int) -> Appels:
    """getDoublons in Île-de-France for households that are not in the stock."""
    return _doublons("doublons, ménage inconnu", _creations(rng, nombre))


def doublons_connus(conn: psycopg.Connection, rng: random.Random, nombre: int) -> Appels:
    """getDoublons for people of the stock: the answer shows their demande."""
    fichiers = []
    for document in _documents(conn, numbers(conn, rng, nombre, territoire="111")):
        fait = modele.Fait(datetime.now(UTC), 0, "MOD")
        fichier = modele.follow(document, fait, modele.REGIONAL).decode()
        fichiers.append(re.sub(r"<ns1:numUnique>[^<]*</ns1:numUnique>", "", fichier).encode())
    return _doublons("doublons, personne du registre", fichiers)


def doublons_du_premier_janvier(_conn: psycopg.Connection, rng: random.Random, nombre: int) -> Appels:
    """getDoublons for JEAN MARTIN, born on a first of January: the worst that the register holds."""
    fichiers = [
        re.sub(
            r"(<ns1:demandeur>.*?<ns1:nom>)[^<]*(</ns1:nom>.*?<ns1:prenom>)[^<]*(</ns1:prenom>"
            r"<ns1:dateNaissance>)[^<]*",
            rf"\g<1>MARTIN\g<2>Jean\g<3>{rng.randrange(1955, 2000)}-01-01",
            fichier.decode(),
            count=1,
        ).encode()
        for fichier in _creations(rng, nombre)
    ]
    return _doublons("doublons, MARTIN né un 1er janvier", fichiers)


def _doublons(nom: str, fichiers: Sequence[bytes]) -> Appels:
    requetes = [
        messages.plain_call(
            _DEMANDE,
            "getDoublons",
            "rechercheDoublonsParametres",
            "<nomFichierDemande>DEM.xml</nomFichierDemande>"
            f"<fichierDemande>{base64.b64encode(fichier).decode()}</fichierDemande>",
        )
        for fichier in fichiers
    ]
    return Appels(nom, modele.REGIONAL, requetes, b"rechercheDoublonsReponse")


def recherches_de_personne(conn: psycopg.Connection, rng: random.Random, nombre: int) -> Appels:
    """By name, first name and birth date, of people of the stock."""
    criteres = []
    for document in _documents(conn, numbers(conn, rng, 2 * nombre, territoire="111")):
        qui = _read(document).demandeur
        if qui is not None:
            criteres.append(
                f"<personneRecherchee><nom>{_xml(qui.nom)}</nom><prenom>{_xml(qui.prenom)}</prenom>"
                f"<dateNaissance>{qui.date_naissance}</dateNaissance></personneRecherchee>"
            )
    return _recherches("recherche, personne", modele.REGIONAL, criteres[:nombre])


def recherches_de_nom(conn: psycopg.Connection, rng: random.Random, nombre: int) -> Appels:
    """By the most common name alone, within a commune."""
    communes = _communes(conn, rng, nombre)
    criteres = [
        f"<communeSouhaitee>{commune}</communeSouhaitee>"
        "<personneRecherchee><nom>MARTIN</nom></personneRecherchee>"
        for commune in communes
    ]
    return _recherches("recherche, MARTIN et commune", modele.REGIONAL, criteres)


def recherches_de_periode(conn: psycopg.Connection, rng: random.Random, nombre: int) -> Appels:
    """By wished commune, motive and days of deposit: more answers than are shown, at both sizes."""
    criteres = []
    for commune in _communes(conn, rng, nombre):
        debut = _today() - timedelta(days=rng.randrange(60, 390))
        criteres.append(
            f"<dateDepotDebut>{debut}</dateDepotDebut>"
            f"<dateDepotFin>{debut + timedelta(days=60)}</dateDepotFin>"
            f"<motifDemande>{rng.choice(('01', '13', '09'))}</motifDemande>"
            f"<communeSouhaitee>{commune}</communeSouhaitee>"
        )
    return _recherches("recherche, commune, motif et dépôt", modele.REGIONAL, criteres)


def recherches_d_un_jour(_conn: psycopg.Connection, rng: random.Random, nombre: int) -> Appels:
    """By the day of the deposit alone."""
    criteres = []
    for _ in range(nombre):
        jour = _today() - timedelta(days=rng.randrange(10, 390))
        criteres.append(f"<dateDepotDebut>{jour}</dateDepotDebut><dateDepotFin>{jour}</dateDepotFin>")
    return _recherches("recherche, jour de dépôt", modele.REGIONAL, criteres)


def recherches_de_commune(_conn: psycopg.Connection, rng: random.Random, nombre: int) -> Appels:
    """Overdue demandes, by the guichet of a commune: a criterion that no index holds."""
    criteres = [
        f"<etatDemande>E</etatDemande><motifDemande>{rng.choice(('01', '13', '09', '11'))}</motifDemande>"
        for _ in range(nombre)
    ]
    return _recherches("recherche, échues d'une commune", modele.COMMUNAL, criteres)


def _recherches(nom: str, guichet: str, criteres: Sequence[str]) -> Appels:
    requetes = [
        messages.plain_call(
            _RECHERCHE,
            "rechercheDemandeMulticritere",
            "fichierXmlParametres",
            "<nomFichier>REC.xml</nomFichier><fichierXml>"
            + base64.b64encode(_question(each, guichet)).decode()
            + "</fichierXml><nomCertificat/>",
        )
        for each in criteres
    ]
    return Appels(nom, guichet, requetes, b"fichierXmlRetour")


def _question(criteres: str, guichet: str) -> bytes:
    return (
        '<interfaceNuu xmlns="http://nuu.application.i2/" versionInterface="02.00"><entete>'
        f"<typeFichier>EVT</typeFichier><dateFichier>{format_instant(datetime.now(UTC))}</dateFichier>"
        f"<codeGuichet>{guichet}</codeGuichet></entete><operation><demandeMulticritere>{criteres}"
        "</demandeMulticritere></operation></interfaceNuu>"
    ).encode()


def radiations(conn: psycopg.Connection, _rng: random.Random, nombre: int) -> Appels:
    """getDemandesRadieesDepuisLe, by a guichet of all the territories."""
    return _radiations(conn, "radiations, toutes", modele.NATIONAL, nombre)


def radiations_regionales(conn: psycopg.Connection, _rng: random.Random, nombre: int) -> Appels:
    """The same dates, by a guichet of one territory."""
    return _radiations(conn, "radiations, un territoire", modele.REGIONAL, nombre)


def _radiations(conn: psycopg.Connection, nom: str, guichet: str, nombre: int) -> Appels:
    (depuis,) = conn.execute(
        "SELECT min(vu_le) FROM (SELECT vu_le FROM releve_radiation ORDER BY vu_le DESC LIMIT %s) AS d",
        (RADIEES,),
    ).fetchone() or (None,)
    assert isinstance(depuis, datetime)
    requete = messages.plain_call(
        _DEMANDE,
        "getDemandesRadieesDepuisLe",
        "demandesRadieesDepuisLeParametres",
        f"<dateRadiationDepuisLe>{format_instant(depuis)}</dateRadiationDepuisLe><nomCertificat/><certificat/>",
    )
    return Appels(nom, guichet, [requete] * nombre, b"fichierDemandesRadiees")


def numbers(conn: psycopg.Connection, rng: random.Random, nombre: int, territoire: str = "") -> list[str]:
    """Random numbers of active demandes, each once."""
    (total,) = conn.execute(
        "SELECT reltuples::bigint FROM pg_class WHERE relname = 'demande'"
    ).fetchone() or (0,)
    part = min(100.0, 100 * 8 * nombre / max(total, 1))
    trouves = [
        numero
        for (numero,) in conn.execute(
            f"SELECT numero FROM demande TABLESAMPLE BERNOULLI ({part}) WHERE etat = 'active'"
            " AND (%(t)s = '' OR territoire = %(t)s)",
            {"t": territoire},
        )
    ]
    return rng.sample(sorted(trouves), nombre)


def _documents(conn: psycopg.Connection, numeros: Sequence[str]) -> list[bytes]:
    return [
        document
        for (document,) in conn.execute(
            "SELECT v.document FROM demande d JOIN demande_version v USING (numero, version)"
            " WHERE d.numero = ANY(%s)",
            (list(numeros),),
        )
    ]


def _communes(conn: psycopg.Connection, rng: random.Random, nombre: int) -> list[str]:
    """The wished communes of random demandes of Île-de-France: the popular ones come often."""
    trouvees = [
        commune
        for (communes,) in conn.execute(
            "SELECT communes FROM demande WHERE numero = ANY(%s)", (numbers(conn, rng, nombre, "111"),)
        )
        for commune in communes[:1]
    ]
    rng.shuffle(trouvees)
    return trouvees


def _creations(rng: random.Random, nombre: int, guichet: str = modele.REGIONAL) -> list[bytes]:
    return list(generate_demandes(f"appels {rng.getrandbits(64)}", nombre, le=_today(), guichet=guichet))


def _today() -> date:
    return datetime.now(UTC).date()


def _read(document: bytes) -> Demande:
    lu = read_document(document, DEMANDES)
    assert isinstance(lu, Document)
    return read_demande(lu.root)


def _xml(texte: str) -> str:
    return texte.replace("&", "&amp;").replace("<", "&lt;")


TIREURS: Final[tuple[Tireur, ...]] = (
    lectures,
    creations,
    modifications,
    doublons_inconnus,
    doublons_connus,
    doublons_du_premier_janvier,
    recherches_de_personne,
    recherches_de_nom,
    recherches_de_periode,
    recherches_d_un_jour,
    recherches_de_commune,
    radiations,
    radiations_regionales,
)
