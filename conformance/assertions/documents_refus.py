"""Family 04, of a hub: what a demande may not say, and what is no demande."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from conformance.assertion import Constat, equal, serveur
from conformance.cible import Cible
from conformance.donnees import insert, put, put_code
from conformance.reponse import anomaly


@serveur(
    "S0410",
    "ENR-4",
    titre="Le document doit porter le guichet du certificat (GUI101)",
    conduite="Comparer numGuichet au guichet que le certificat désigne.",
)
def other_guichet(c: Cible) -> Iterator[Constat]:
    yield anomaly("anomalies", "GUI101", c.register(put(c.document(), "numGuichet", "G9999")))


@serveur(
    "S0411",
    "ENR-5",
    titre="Une commune souhaitée hors des territoires du guichet est refusée (GUI102)",
    conduite="Vérifier chaque commune souhaitée avec le code officiel géographique.",
)
def other_territory(c: Cible) -> Iterator[Constat]:
    elsewhere = "59350" if c.emetteur.territoire != "059" else "13055"
    yield anomaly("anomalies", "GUI102", c.register(put_code(c.document(), "commune", elsewhere)))


@serveur(
    "S0412",
    "ENR-6",
    titre="Une date de dépôt à venir est refusée (DEM103)",
    conduite="Comparer au jour de réception, à Paris.",
)
def future_deposit(c: Cible) -> Iterator[Constat]:
    tomorrow = (c.donnees.le + timedelta(days=2)).isoformat()
    yield anomaly("anomalies", "DEM103", c.register(put(c.document(), "dateCreationDemande", tomorrow)))


@serveur(
    "S0413",
    "ENR-6",
    titre="Une date de dépôt antérieure à 1990 est refusée (DEM104)",
    conduite="Refuser un dépôt antérieur au 1er janvier 1990.",
)
def old_deposit(c: Cible) -> Iterator[Constat]:
    yield anomaly("anomalies", "DEM104", c.register(put(c.document(), "dateCreationDemande", "1989-12-31")))


@serveur(
    "S0414",
    "ENR-6",
    titre="Personne n'est né après le dépôt (DEM105)",
    conduite="Comparer chaque date de naissance à la date de dépôt.",
)
def born_later(c: Cible) -> Iterator[Constat]:
    document = put(c.document(), "dateNaissance", c.day(0))
    yield anomaly("anomalies", "DEM105", c.register(document))


@serveur(
    "S0415",
    "ENR-6",
    titre="Un nom sans lettre ni chiffre est refusé (DEM106)",
    conduite="Exiger une lettre ou un chiffre dans chaque nom et prénom.",
)
def no_letter(c: Cible) -> Iterator[Constat]:
    yield anomaly("anomalies", "DEM106", c.register(put(c.document(), "prenom", "---")))


@serveur(
    "S0416",
    "ENR-6",
    titre="Un code hors de sa liste est refusé (COD101)",
    conduite="Vérifier chaque code avec sa liste : le schéma ne le fait pas.",
)
def unknown_code(c: Cible) -> Iterator[Constat]:
    for element in ("civilite", "typeLogement", "motifDemande"):
        yield anomaly(f"code ZZ pour {element}", "COD101", c.register(put_code(c.document(), element, "ZZ")))


@serveur(
    "S0433",
    "SOA-21",
    titre="Un fichier qui n'est pas du XML est refusé par une faute (XML101)",
    conduite="Répondre par une faute : aucun document ne peut porter l'anomalie.",
)
def not_xml(c: Cible) -> Iterator[Constat]:
    for quoi, data in (("texte", b"bonjour"), ("document coupé", c.document()[:-30])):
        yield equal(quoi, "XML101", c.register(data).code)


@serveur(
    "S0434",
    "SOA-21",
    titre="Un fichier à DTD ou à entité est refusé par une faute (XML102)",
    conduite="Refuser toute DTD avant d'analyser le fichier.",
)
def document_dtd(c: Cible) -> Iterator[Constat]:
    external = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + c.document()
    yield equal("code", "XML102", c.register(external).code)


@serveur(
    "S0435",
    "SOA-21",
    titre="Un fichier démesuré est refusé par une faute (XML103)",
    conduite="Borner taille, profondeur et nombre d'éléments.",
)
def huge_document(c: Cible) -> Iterator[Constat]:
    data = c.document()
    yield equal("taille", "XML103", c.register(data.replace(b"</", b" " * (1 << 20) + b"</", 1)).code)
    yield equal("profondeur", "XML103", c.register(b"<a>" * 200 + b"</a>" * 200).code)


@serveur(
    "S0436",
    "SOA-21",
    titre="Un document d'une autre nature est refusé par une faute (XML104)",
    conduite="Reconnaître le document par sa racine et son contenu.",
)
def other_kind(c: Cible) -> Iterator[Constat]:
    yield equal("code", "XML104", c.register(b'<listeDoublons xmlns="http://nuu.application.i2/"/>').code)
    yield equal("racine étrangère", "XML104", c.register(b"<facture/>").code)


@serveur(
    "S0437",
    "SOA-21",
    titre="Un document contraire à son schéma est refusé par une faute (XML105)",
    conduite="Valider selon le schéma 02.01 quelle que soit la version annoncée.",
)
def invalid_document(c: Cible) -> Iterator[Constat]:
    yield equal("date", "XML105", c.register(put(c.document(), "dateCreationDemande", "hier")).code)
    yield equal("élément", "XML105", c.register(insert(c.document(), "precision", "<inventee/>")).code)
