"""Family 04, of a hub: the number of a demande, and the demandes that it doubles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

from conformance import message
from conformance.assertion import Constat, check, equal, serveur
from conformance.cible import Cible
from conformance.donnees import insert, put
from conformance.reponse import anomaly, valid
from schemas.documents import DocumentKind

_CORPS = "demande/demandeLogement"


@serveur(
    "S0417",
    "ENR-10",
    titre="Le numéro porte le territoire, le mois et l'année du dépôt, un rang et le guichet",
    conduite="Composer : territoire (3), MMAA du dépôt, rang (6 chiffres), guichet (5).",
    apres=("S0401",),
)
def number(c: Cible) -> Iterator[Constat]:
    creee = c.create()
    month = (c.donnees.le - timedelta(days=3)).strftime("%m%y")
    pattern = rf"{c.emetteur.territoire}{month}\d{{6}}{c.emetteur.code}"
    yield check("numUnique", re.fullmatch(pattern, creee.numero) is not None, creee.numero, pattern)


@serveur(
    "S0418",
    "ENR-10",
    titre="Deux demandes n'ont jamais le même numéro, et les rangs croissent",
    conduite="Donner le rang dans la transaction qui enregistre.",
    apres=("S0417",),
)
def distinct_numbers(c: Cible) -> Iterator[Constat]:
    numbers = [c.create().numero for _ in range(3)]
    ranks = [each[7:13] for each in numbers]
    yield check(
        "rangs", len(set(ranks)) == 3 and ranks == sorted(ranks), ", ".join(ranks), "croissants et distincts"
    )


@serveur(
    "S0419",
    "ENR-11",
    titre="Un guichet qui ne numérote pas n'apporte pas de numéro (NUM101)",
    conduite="Refuser numUnique dans une création, sauf d'un système particulier.",
)
def brought_number(c: Cible) -> Iterator[Constat]:
    number = f"{c.emetteur.territoire}0118999999{c.emetteur.code}"
    document = insert(c.document(), "dateCreationDemande", f"<numUnique>{number}</numUnique>")
    if b"refInterne" in document:
        document = re.sub(rb"<(\w+:)?refInterne>.*?</(\w+:)?refInterne>", b"", document)
    yield anomaly("anomalies", "NUM101", c.register(document))


@serveur(
    "S0420",
    "ENR-4",
    "DRO-3",
    titre="Le guichet du numéro de fichier ou du nom de certificat ne décide de rien",
    conduite="Ne tirer l'identité que du certificat de la connexion.",
)
def name_of_certificate(c: Cible) -> Iterator[Constat]:
    lu = c.register(c.document(), nomCertificat="CERG9999-201708311530.pem")
    yield check("création", bool(lu.numero), lu.resume, "un numéro unique")
    yield equal("numGuichet", c.emetteur.code, lu.text(f"{_CORPS}/numGuichet"))


@serveur(
    "S0421",
    "ENR-21",
    titre="Un doublon refuse la création (DBL101) et revient dans listeDoublons",
    conduite="Chercher dans le territoire, parmi les demandes actives, le demandeur et le conjoint.",
    apres=("S0401",),
)
def doublon(c: Cible) -> Iterator[Constat]:
    creee = c.create()
    lu = c.register(c.twin(creee.envoye))
    yield anomaly("anomalies", "DBL101", lu)
    yield equal("numUnique", "", lu.numero)
    shown = creee.numero.encode() in lu.octets and b"listeDoublons" in lu.octets
    yield check("listeDoublons", shown, "sans la première demande", f"contient {creee.numero}")


@serveur(
    "S0422",
    "ENR-20",
    titre="Casse, accents, tirets, espaces et inversion du nom et du prénom ne comptent pas",
    conduite="Comparer les noms normalisés, sans ordre entre nom et prénom.",
    apres=("S0421",),
)
def doublon_by_other_writing(c: Cible) -> Iterator[Constat]:
    creee = c.create()
    document = c.twin(creee.envoye)
    root = creee.lu.document
    assert root is not None
    demandeur = f"{_CORPS}/personnePhysique/demandeur"
    nom, prenom = creee.lu.text(f"{demandeur}/nom"), creee.lu.text(f"{demandeur}/prenom")
    # The first two elements of those names are those of the demandeur.
    swapped = put(put(document, "nom", prenom.lower()), "prenom", nom.replace(" ", "-").lower())
    for quoi, sent in (
        ("inversion et casse", swapped),
        ("tiret", put(document, "nom", nom.replace(" ", "-"))),
    ):
        yield anomaly(quoi, "DBL101", c.register(sent))


@serveur(
    "S0423",
    "ENR-22",
    titre="forcerDoublon enregistre malgré le doublon",
    conduite="Enregistrer quand forcerDoublon vaut true, et le garder.",
    apres=("S0421",),
)
def forced(c: Cible) -> Iterator[Constat]:
    creee = c.create(forcer_doublon=False)
    lu = c.register(put(c.twin(creee.envoye), "forcerDoublon", "true"))
    yield check("création forcée", bool(lu.numero), lu.resume, "un numéro unique")
    yield check("numéro", lu.numero != creee.numero, lu.numero, f"autre que {creee.numero}")


@serveur(
    "S0424",
    "ENR-23",
    titre="getDoublons rend les doublons dans un document à eux, valide",
    conduite="Rendre listeDoublons, racine listeDoublons, quand il y en a.",
    apres=("S0401",),
)
def list_of_doublons(c: Cible) -> Iterator[Constat]:
    creee = c.create()
    lu = c.send(message.doublons(c.nom, c.twin(creee.envoye)))
    liste = lu.fichiers.get("listeDoublons", b"")
    yield check("listeDoublons", creee.numero.encode() in liste, lu.resume, f"contient {creee.numero}")
    yield valid("document", liste, frozenset({DocumentKind.DOUBLONS}))


@serveur(
    "S0425",
    "ENR-23",
    titre="Sans doublon, getDoublons répond sans fichier",
    conduite="Ne joindre aucun fichier : le schéma interdit une liste vide.",
)
def no_doublon(c: Cible) -> Iterator[Constat]:
    lu = c.send(message.doublons(c.nom, c.document()))
    yield equal("code", "", lu.code)
    yield equal("fichiers", [], list(lu.fichiers))


@serveur(
    "S0426",
    "ENR-23",
    titre="Chercher les doublons n'enregistre rien",
    conduite="getDoublons ne doit rien écrire de ce qu'il reçoit.",
)
def search_keeps_nothing(c: Cible) -> Iterator[Constat]:
    document = c.document()
    c.accepted(c.send(message.doublons(c.nom, document)), "la recherche")
    lu = c.send(message.doublons(c.nom, c.twin(document)))
    yield equal("fichiers de la seconde recherche", [], list(lu.fichiers))


@serveur(
    "S0442",
    "ENR-20",
    titre="Une personne d'un autre prénom ou d'une autre naissance n'est pas un doublon",
    conduite="N'opposer un doublon qu'à la même identité : le reste se montre, et ne refuse pas.",
    apres=("S0401",),
)
def not_a_doublon(c: Cible) -> Iterator[Constat]:
    creee = c.create()
    for quoi, element, value in (
        ("prénom", "prenom", "Zéphirine"),
        ("naissance", "dateNaissance", "1951-02-03"),
    ):
        lu = c.register(put(c.twin(creee.envoye), element, value))
        yield check(f"autre {quoi}", bool(lu.numero), lu.resume, "un numéro unique")
