"""Family 07, of a partner: what its service of reception must not acknowledge."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from conformance import message
from conformance.assertion import Capacite, Constat, Niveau, check, client, equal
from conformance.donnees import put
from conformance.livraison import deliver, delivery, not_taken, taken
from conformance.pupitre import Pupitre
from conformance.reponse import read

_RECEPTION = (Capacite.RECEPTION,)


@client(
    "C0707",
    "DST-12",
    titre="Un document contraire à son schéma n'est pas accusé : une faute le refuse",
    conduite="Valider ce qui est reçu ; répondre par une faute Sender, que l'échangeur montre à l'exploitant.",
    exige=_RECEPTION,
    apres=("C0701",),
)
def refuses_invalid(p: Pupitre) -> Iterator[Constat]:
    lu = deliver(p, put(p.document("DIS"), "dateCreationDemande", "hier"), 1)
    yield check("faute", lu.faute is not None, lu.champs.get("statut", lu.resume), "une faute SOAP")
    yield equal("code SOAP", "Sender", lu.faute.code if lu.faute else "")


@client(
    "C0709",
    "DST-12",
    "SOA-10",
    titre="Ce qui n'est pas une enveloppe SOAP 1.2 reçoit une faute, pas une page nue",
    conduite="Répondre par une faute SOAP 1.2 à tout message illisible.",
    exige=_RECEPTION,
    apres=("C0701",),
)
def refuses_nonsense(p: Pupitre) -> Iterator[Constat]:
    headers, _ = message.inline(delivery(p, b"<x/>", 1))
    for quoi, body in (("texte", b"bonjour"), ("rien", b""), ("autre XML", b"<x/>")):
        lu = read(p.poste().post(p.chemin, body, headers))
        yield check(quoi, lu.faute is not None, lu.champs.get("statut", lu.resume), "une faute SOAP")


@client(
    "C0713",
    "DST-12",
    titre="Un document d'une version inconnue n'est pas accusé",
    conduite="Refuser par une faute une version que le logiciel ne connaît pas ; ne pas la perdre en l'accusant.",
    exige=_RECEPTION,
    apres=("C0701",),
)
def refuses_unknown_version(p: Pupitre) -> Iterator[Constat]:
    contenu = re.sub(rb'versionInterface="[^"]+"', b'versionInterface="99.99"', p.document("DIS"))
    yield not_taken("version 99.99", deliver(p, contenu, 1))


@client(
    "C0717",
    "DST-12",
    titre="Un message sans identifiant, ou à la base64 fautive, n'est pas accusé",
    conduite="Valider le message selon le WSDL avant de garder.",
    exige=_RECEPTION,
    apres=("C0701",),
)
def refuses_a_bad_message(p: Pupitre) -> Iterator[Constat]:
    msg = delivery(p, p.document("DIS"), 1)
    headers, body = message.inline(replace(msg, champs=msg.champs[1:]))
    yield not_taken("sans idDistribution", read(p.poste().post(p.chemin, body, headers)))
    headers, body = message.inline(msg)
    spoiled = body.replace(b"<fichierDemande>", b"<fichierDemande>*!")
    yield not_taken("base64 fautive", read(p.poste().post(p.chemin, spoiled, headers)))


@client(
    "C0718",
    "DST-12",
    titre="Un document démesuré n'est pas accusé",
    conduite="Borner ce qui est reçu, et refuser au-delà.",
    exige=_RECEPTION,
    apres=("C0701",),
)
def refuses_the_huge(p: Pupitre) -> Iterator[Constat]:
    contenu = p.document("DIS").replace(b"</", b" " * (2 << 20) + b"</", 1)
    yield not_taken("document de 2 Mio", deliver(p, contenu, 1))


@client(
    "C0719",
    "SOA-21",
    "DST-12",
    titre="Un document à DTD n'est pas accusé",
    conduite="Refuser toute DTD, même de l'échangeur.",
    exige=_RECEPTION,
    apres=("C0701",),
)
def refuses_a_dtd(p: Pupitre) -> Iterator[Constat]:
    contenu = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + p.document("DIS")
    yield not_taken("DTD", deliver(p, contenu, 1))


@client(
    "C0721",
    "DST-12",
    titre="Ce qui a été refusé puis revient corrigé sous le même identifiant est RECU",
    conduite="Ne tenir pour reçu que ce qui a été gardé.",
    exige=_RECEPTION,
    apres=("C0707",),
)
def refused_is_not_known(p: Pupitre) -> Iterator[Constat]:
    contenu, ident = p.document("DIS"), p.ident()
    yield not_taken("refusée", deliver(p, put(contenu, "dateCreationDemande", "hier"), 1, ident))
    yield from taken("corrigée", deliver(p, contenu, 1, ident), contenu)


@client(
    "C0722",
    "SOA-3",
    titre="Le service publie son WSDL",
    conduite="Servir le contrat par GET avec ?wsdl.",
    niveau=Niveau.DEVRAIT,
    exige=_RECEPTION,
)
def publishes_the_contract(p: Pupitre) -> Iterator[Constat]:
    answer = p.poste().get(f"{p.chemin}?wsdl")
    yield check("WSDL", b"recevoirDistribution" in answer.corps, answer.resume, "le contrat")
