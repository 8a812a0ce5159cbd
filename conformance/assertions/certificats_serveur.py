"""Family 10, of a hub: the TLS that it speaks, the certificates that it admits, and its own."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime

from certs.lecture import Certificat, read_certificat
from certs.verification import Usage, verify
from conformance import message
from conformance.appel import Poste, read_certificate
from conformance.assertion import Capacite, Constat, Empeche, Niveau, check, equal, one_of, serveur
from conformance.boite import load_pair
from conformance.cible import Cible
from conformance.contrefacon import issued_by_leaf, self_signed
from conformance.reponse import read
from schemas import contract

_INCONNU = "000000000000000000"
_SERVICE = f"/services/{contract.DEMANDE_LOGEMENT}"


def _code(poste: Poste) -> str:
    """The code of the answer to a reading; « refus TLS » when there is none."""
    headers, body = message.inline(message.lecture(_INCONNU))
    answer = poste.post(_SERVICE, body, headers)
    return "refus TLS" if answer.statut == 0 else read(answer).code


def _refused(c: Cible, poste: Poste, *codes: str) -> Iterator[Constat]:
    """Refused with one of these codes, or in the handshake, by a hub that answers the emetteur."""
    if _code(c.poste()) != "GUI103":
        raise Empeche("l'échangeur ne répond pas comme il doit au certificat de l'émetteur")
    yield one_of("issue", (*codes, "refus TLS"), _code(poste))


@serveur(
    "S0102",
    "SOA-1",
    titre="TLS 1.1 est refusé",
    conduite="N'accepter que TLS 1.2 et TLS 1.3.",
)
def old_tls(c: Cible) -> Iterator[Constat]:
    answer = c.limite(c.anonyme(), ssl.TLSVersion.TLSv1_1).get(f"{_SERVICE}?wsdl")
    yield check("poignée de main en TLS 1.1", answer.statut == 0, answer.resume, "aucune réponse")


@serveur(
    "S0103",
    "SOA-1",
    titre="TLS 1.2 est accepté",
    conduite="Accepter TLS 1.2 avec les suites courantes : des partenaires n'ont que lui.",
)
def tls_12(c: Cible) -> Iterator[Constat]:
    answer = c.limite(c.anonyme(), ssl.TLSVersion.TLSv1_2).get(f"{_SERVICE}?wsdl")
    yield equal("version de TLS", "TLSv1.2", answer.tls or answer.resume)


@serveur(
    "S0104",
    "SOA-1",
    titre="TLS 1.3 est accepté",
    conduite="Activer TLS 1.3.",
    niveau=Niveau.DEVRAIT,
)
def tls_13(c: Cible) -> Iterator[Constat]:
    answer = c.limite(c.anonyme(), ssl.TLSVersion.TLSv1_3).get(f"{_SERVICE}?wsdl")
    yield equal("version de TLS", "TLSv1.3", answer.tls or answer.resume)


@serveur(
    "S0105",
    "SOA-2",
    titre="Un certificat inconnu est refusé, quel que soit le nom qu'il porte",
    conduite="Identifier par l'empreinte enregistrée ; refuser le reste (GUI001) ou dès la poignée de main.",
)
def unknown_certificate(c: Cible) -> Iterator[Constat]:
    yield from _refused(c, c.inconnu(), "GUI001")


@serveur(
    "S0113",
    "SOA-2",
    "CER-4",
    titre="Un certificat retiré est refusé",
    conduite="Refuser (GUI002) un certificat que l'exploitant a retiré.",
    exige=(Capacite.RETIRE,),
)
def withdrawn(c: Cible) -> Iterator[Constat]:
    yield from _refused(c, c.poste_certificat("retire"), "GUI002")


@serveur(
    "S1001",
    "CER-1",
    "CER-31",
    titre="Un certificat expiré est refusé (GUI004)",
    conduite="Juger les dates du certificat à chaque appel, même s'il est enregistré.",
)
def expired(c: Cible) -> Iterator[Constat]:
    yield from _refused(c, c.poste_certificat("expire"), "GUI004")


@serveur(
    "S1002",
    "CER-31",
    titre="Un certificat pas encore valide est refusé (GUI003)",
    conduite="L'enregistrer d'avance, et ne l'admettre qu'à partir de son début.",
)
def not_yet(c: Cible) -> Iterator[Constat]:
    yield from _refused(c, c.poste_certificat("futur"), "GUI003")


@serveur(
    "S1003",
    "CER-36",
    "CER-33",
    titre="Un certificat révoqué par son autorité est refusé",
    conduite="Suivre la liste de révocation de l'autorité déclarée (GUI007, GUI008).",
)
def revoked(c: Cible) -> Iterator[Constat]:
    yield from _refused(c, c.poste_certificat("revoque"), "GUI007", "GUI008")


@serveur(
    "S1004",
    "CER-1",
    titre="Un certificat enregistré pour la signature seulement n'ouvre pas TLS (GUI006)",
    conduite="Ne l'admettre qu'aux usages pour lesquels il est enregistré.",
)
def other_usage(c: Cible) -> Iterator[Constat]:
    yield from _refused(c, c.poste_certificat("autre_usage"), "GUI006")


@serveur(
    "S1005",
    "CER-30",
    "CER-36",
    titre="Un certificat dont le chemin n'est pas valide est refusé",
    conduite="Vérifier le chemin jusqu'à l'autorité déclarée : longueur, dates, usages (GUI008).",
)
def bad_path(c: Cible) -> Iterator[Constat]:
    yield from _refused(c, c.poste_certificat("chemin"), "GUI008")


@serveur(
    "S1006",
    "CER-1",
    titre="Deux certificats valides côte à côte désignent le même guichet",
    conduite="Admettre tous les certificats en service d'un guichet : une rotation n'interrompt rien.",
    apres=("S0408",),
)
def side_by_side(c: Cible) -> Iterator[Constat]:
    second = c.poste_certificat("second")
    document = c.document()
    first = c.register(document)
    headers, body = message.inline(message.demande(c.nom, document))
    again = read(second.post(_SERVICE, body, headers))
    yield equal("numéro unique rendu au second certificat", first.numero, again.numero or again.resume)
    yield equal("code rendu au premier certificat, ensuite", "GUI103", _code(c.poste()))


@serveur(
    "S1007",
    "CER-2",
    titre="Un certificat préparé, qui n'est pas encore en service, est déjà accepté",
    conduite="L'accepter s'il se présente ; ne pas l'employer vers le guichet.",
)
def prepared(c: Cible) -> Iterator[Constat]:
    yield equal("code d'un numéro inconnu", "GUI103", _code(c.poste_certificat("prepare")))


@serveur(
    "S1008",
    "SOA-2",
    titre="Un autre certificat de la même clé, signé par elle-même, n'est pas celui du guichet",
    conduite="Comparer l'empreinte du certificat entier, ni sa clé ni son nom.",
)
def same_key(c: Cible) -> Iterator[Constat]:
    pair = load_pair(c.emetteur.certificat, c.emetteur.cle)
    poste = c.made("auto-signe", lambda: self_signed(pair, now=c.maintenant))
    yield from _refused(c, poste, "GUI001")


@serveur(
    "S1009",
    "SOA-2",
    "CER-30",
    titre="Un guichet ne certifie personne : un certificat signé avec sa clé est refusé",
    conduite="Ne tenir aucun certificat de guichet pour une autorité.",
)
def no_authority(c: Cible) -> Iterator[Constat]:
    pair = load_pair(c.emetteur.certificat, c.emetteur.cle)
    poste = c.made("subordonne", lambda: issued_by_leaf(pair, now=c.maintenant))
    yield from _refused(c, poste, "GUI001")


@serveur(
    "S1010",
    "SOA-1",
    titre="TLS 1.0 est refusé",
    conduite="N'accepter que TLS 1.2 et TLS 1.3.",
)
def oldest_tls(c: Cible) -> Iterator[Constat]:
    answer = c.limite(c.anonyme(), ssl.TLSVersion.TLSv1).get(f"{_SERVICE}?wsdl")
    yield check("poignée de main en TLS 1.0", answer.statut == 0, answer.resume, "aucune réponse")


@serveur(
    "S1011",
    "SOA-1",
    titre="Une suite sans chiffrement, ou sans authentification du serveur, est refusée",
    conduite="Ne garder que les suites authentifiées et chiffrées.",
)
def empty_suites(c: Cible) -> Iterator[Constat]:
    for nom, suites in (("sans chiffrement", "eNULL"), ("anonyme", "aNULL")):
        poste = c.limite(c.anonyme(), ssl.TLSVersion.TLSv1_2, suites)
        answer = poste.get(f"{_SERVICE}?wsdl")
        yield check(f"suite {nom}", answer.statut == 0, answer.resume, "aucune réponse")


@serveur(
    "S1012",
    "SOA-1",
    titre="Le certificat du serveur mène à l'autorité annoncée et porte le nom de l'adresse",
    conduite="Envoyer la chaîne entière ; y mettre le nom que les partenaires appellent (subjectAltName).",
)
def right_server(c: Cible) -> Iterator[Constat]:
    answer = c.anonyme().get(f"{_SERVICE}?wsdl")
    yield equal("vérification du certificat", "HTTP 200", answer.resume)


@serveur(
    "S1013",
    "SOA-1",
    "CER-17",
    titre="Le certificat du serveur est valide, pour un serveur, sur une clé assez forte",
    conduite="RSA d'au moins 2048 bits ou courbe d'au moins 256, usage serverAuth, dates en cours.",
)
def strong_server(c: Cible) -> Iterator[Constat]:
    read_one = read_certificat(read_certificate(c.anonyme()))
    if not isinstance(read_one, Certificat):
        raise Empeche(f"le certificat du serveur ne se lit pas : {read_one.message}")
    verdict = verify(read_one, Usage.SERVEUR, at=datetime.now(UTC))
    yield check("certificat du serveur", verdict.accepte, f"{verdict.texte} {verdict.constat}", "valide")
