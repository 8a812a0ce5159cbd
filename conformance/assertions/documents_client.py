"""Family 04, of a partner: what it sends, what it understands of the answers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from conformance.assertion import Absente, Capacite, Constat, check, client, equal
from conformance.ecoute import Reaction
from conformance.guichet_factice import read_call
from conformance.pupitre import Pupitre, first_request
from conformance.reponse import intact, valid
from schemas.documents import DocumentKind
from schemas.ecriture import Style
from schemas.generation_autres import generate_document

_CORPS = "demande/demandeLogement"
_APPELS = (Capacite.APPELS,)


@client(
    "C0401",
    "SOA-21",
    titre="Le document envoyé est valide selon son schéma",
    conduite="Valider avant d'envoyer, selon le schéma 02.01.",
    exige=_APPELS,
)
def sends_a_valid_document(p: Pupitre) -> Iterator[Constat]:
    yield valid("document", first_request(p).fichiers.get("fichierDemande", b""))


@client(
    "C0402",
    "ENR-4",
    titre="Le document porte le guichet du certificat",
    conduite="Écrire dans numGuichet le code du guichet du certificat.",
    exige=_APPELS,
)
def sends_its_own_code(p: Pupitre) -> Iterator[Constat]:
    yield equal("numGuichet", p.code, first_request(p).text(f"{_CORPS}/numGuichet"))


@client(
    "C0403",
    "ENR-11",
    titre="Une création ne porte pas de numéro",
    conduite="Laisser l'échangeur donner le numéro.",
    exige=_APPELS,
)
def sends_no_number(p: Pupitre) -> Iterator[Constat]:
    lu = first_request(p)
    yield equal("typeFichier", "CRE", lu.text("entete/typeFichier"))
    yield equal("numUnique", "", lu.numero)


@client(
    "C0404",
    "ENR-1",
    titre="Le document voyage sans perte",
    conduite="Ne rien changer du document entre sa composition et l'envoi : accents, caractères réservés, blancs.",
    exige=_APPELS,
)
def sends_everything(p: Pupitre) -> Iterator[Constat]:
    jeu, document = p.observe("enregistrer")
    if jeu.compte.reussi is None:
        raise Absente("sans commande, le document n'est pas celui du kit")
    yield intact(document, first_request(p).fichiers.get("fichierDemande", b""))


@client(
    "C0405",
    "ENR-30",
    titre="La lecture demande le numéro voulu, et rend la demande",
    conduite="Écrire le numéro dans numUnique, tel quel.",
    exige=_APPELS,
)
def asks_for_the_number(p: Pupitre) -> Iterator[Constat]:
    jeu, _ = p.observe("lire")
    yield equal("numUnique", p.numero, first_request(p, "lire").champs.get("numUnique", ""))
    told = p.numero in jeu.compte.sortie or jeu.compte.reussi is None
    yield check("demande comprise", told, jeu.compte.sortie, p.numero)


@client(
    "C0406",
    "ENR-3",
    titre="Sans réponse, le client renvoie le même document, octet pour octet",
    conduite="Garder le document envoyé et le renvoyer tel quel : un autre dateFichier en ferait un doublon.",
    exige=_APPELS,
)
def sends_the_same_again(p: Pupitre) -> Iterator[Constat]:
    document = p.document()
    lost = p.play("enregistrer", lambda _: Reaction(couper=True), document=document)
    again = p.play("enregistrer", p.factice().answer, document=document)
    calls = (*lost.appels, *again.appels)
    yield check("envois", len(calls) >= 2, len(calls), "deux au moins")
    files = {read_call(each).fichiers.get("fichierDemande", b"") for each in calls}
    yield equal("documents différents", 1, len(files))


@client(
    "C0407",
    "ENR-2",
    titre="Une demande refusée n'est pas tenue pour enregistrée, et son code est dit",
    conduite="Lire listeAnomalie avant numUnique ; montrer le code et le texte.",
    exige=_APPELS,
)
def understands_a_refusal(p: Pupitre) -> Iterator[Constat]:
    factice = p.factice()
    factice.anomalie = "COD101"
    jeu = p.play("enregistrer", factice.answer, document=p.document())
    yield equal("réussite annoncée", False, jeu.reussi)
    yield check("code compris", "COD101" in jeu.compte.sortie, jeu.compte.sortie, "COD101")


@client(
    "C0408",
    "ENR-2",
    titre="Une demande refusée n'est pas renvoyée telle quelle",
    conduite="Corriger avant de renvoyer : la même demande aurait le même refus.",
    exige=_APPELS,
)
def does_not_insist(p: Pupitre) -> Iterator[Constat]:
    factice = p.factice()
    factice.anomalie = "COD101"
    jeu = p.play("enregistrer", factice.answer, document=p.document())
    yield equal("envois", 1, len(jeu.appels))


@client(
    "C0409",
    "ENR-23",
    titre="Les doublons rendus sont lus",
    conduite="Lire listeDoublons dans son document à lui.",
    exige=_APPELS,
)
def reads_doublons(p: Pupitre) -> Iterator[Constat]:
    factice = p.factice()
    factice.doublon = generate_document(DocumentKind.DOUBLONS, 1, guichet=p.code, style=Style())
    number = re.findall(rb"numUnique>([^<]+)<", factice.doublon)[0].decode()
    jeu = p.play("doublons", factice.answer, document=p.document())
    yield equal("réussite annoncée", True, jeu.reussi)
    yield check("doublon compris", number in jeu.compte.sortie, jeu.compte.sortie, number)
