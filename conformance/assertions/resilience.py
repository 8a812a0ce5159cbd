"""Family 11: connections cut, answers lost, the same message at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from conformance import message
from conformance.assertion import Capacite, Constat, check, client, equal, serveur
from conformance.cible import Cible
from conformance.ecoute import Appel, Reaction
from conformance.message import Message
from conformance.pupitre import Pupitre
from conformance.reponse import read


def _octets(c: Cible, msg: Message) -> bytes:
    headers, body = message.inline(msg)
    fields = {"Host": c.poste().hote, "Content-Length": str(len(body)), **headers}
    head = f"POST {msg.chemin} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields.items())
    return head.encode() + b"\r\n" + body


@serveur(
    "S1101",
    "ENR-3",
    titre="Une réponse perdue se redemande : le même fichier reçoit le même numéro",
    conduite="Enregistrer avant de répondre, et tenir le renvoi pour un rejeu.",
    apres=("S0408",),
)
def lost_answer(c: Cible) -> Iterator[Constat]:
    msg = message.demande(c.nom, c.document())
    c.poste().send(_octets(c, msg), couper=True)
    first, again = c.send(msg), c.send(msg)
    yield check("renvoi", bool(first.numero), first.resume, "un numéro unique, pas un doublon")
    yield equal("second renvoi", first.numero, again.numero)


@serveur(
    "S1102",
    "SOA-5",
    "ENR-2",
    titre="Un message coupé au milieu du corps n'enregistre rien",
    conduite="Ne traiter qu'un corps reçu en entier.",
)
def cut_in_the_middle(c: Cible) -> Iterator[Constat]:
    document = c.document()
    data = _octets(c, message.demande(c.nom, document))
    c.poste().send(data[: len(data) - 200], couper=True)
    lu = c.send(message.demande(c.nom, variant(document)))
    yield check(
        "création qui suit, d'un autre fichier", bool(lu.numero), lu.resume, "un numéro unique, sans doublon"
    )


@serveur(
    "S1103",
    "ENR-3",
    titre="Le même fichier envoyé huit fois en même temps n'enregistre qu'une demande",
    conduite="Sérialiser les rejeux : tous reçoivent la réponse du premier.",
    apres=("S0408",),
)
def simultaneous_replays(c: Cible) -> Iterator[Constat]:
    msg = message.demande(c.nom, c.document())
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: c.send(msg), range(8)))
    yield equal("réponses", 8, sum(bool(each.numero) for each in found))
    yield equal("numéros différents", 1, len({each.numero for each in found}))


@serveur(
    "S1104",
    "ENR-20",
    "ENR-1",
    titre="Deux fichiers d'une même personne envoyés en même temps ne font pas deux demandes",
    conduite="Chercher les doublons dans la transaction qui enregistre.",
    apres=("S0421",),
)
def simultaneous_doublons(c: Cible) -> Iterator[Constat]:
    document = c.document()
    files = [document, variant(document)]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda each: c.send(message.demande(c.nom, each)), files))
    yield equal("demandes enregistrées", 1, sum(bool(each.numero) for each in found))
    yield equal("doublons refusés", 1, sum("DBL101" in each.anomalies for each in found))


def variant(document: bytes) -> bytes:
    """The same demande in other bytes."""
    return document + b"\n"


@serveur(
    "S1105",
    "ENR-10",
    titre="Des créations simultanées ont des numéros différents",
    conduite="Donner le rang sous un verrou.",
    apres=("S0401",),
)
def simultaneous_creations(c: Cible) -> Iterator[Constat]:
    messages = [message.demande(c.nom, c.document()) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(c.send, messages))
    yield equal("demandes enregistrées", 8, sum(bool(each.numero) for each in found))
    yield equal("numéros différents", 8, len({each.numero for each in found}))


@serveur(
    "S1106",
    "SOA-1",
    "SOA-5",
    titre="Plusieurs messages passent sur une même connexion",
    conduite="Garder la connexion ouverte : l'ouverture coûte plus que l'appel.",
)
def kept_connection(c: Cible) -> Iterator[Constat]:
    data = _octets(c, message.lecture("000000000000000000"))
    answer = c.poste().send(data + data.replace(b"POST ", b"POST ", 1))
    yield equal("première réponse", "GUI103", read(answer).code)


@serveur(
    "S1107",
    "SOA-31",
    titre="Après un message refusé, la connexion ou la suivante sert encore",
    conduite="Un refus n'est pas une panne : ne pas bannir l'appelant.",
)
def after_a_refusal(c: Cible) -> Iterator[Constat]:
    for _ in range(5):
        lu = c.send(message.demande(c.nom, b"rien"))
        yield equal("message refusé", "XML101", lu.code)
    yield check(
        "création qui suit",
        bool(c.send(message.demande(c.nom, c.document())).numero),
        "refusée",
        "un numéro unique",
    )


# --- the client of a partner ------------------------------------------------------------------------------

_APPELS = (Capacite.APPELS,)


@client(
    "C1101",
    "ENR-3",
    titre="Une connexion coupée sans réponse n'est pas un succès",
    conduite="Ne tenir pour enregistré que ce dont le numéro est reçu.",
    exige=_APPELS,
)
def cut(p: Pupitre) -> Iterator[Constat]:
    jeu = p.play("enregistrer", lambda _: Reaction(couper=True), document=p.document())
    yield equal("réussite annoncée", False, jeu.reussi)


@client(
    "C1102",
    "SOA-31",
    titre="Une réponse qui tarde trois secondes est lue",
    conduite="Attendre une réponse trente secondes au moins.",
    exige=_APPELS,
)
def slow(p: Pupitre) -> Iterator[Constat]:
    factice = p.factice()
    late = p.play(
        "enregistrer", lambda appel: replace(factice.answer(appel), attente=3.0), document=p.document()
    )
    yield equal("réussite annoncée", True, late.reussi)


@client(
    "C1103",
    "ENR-3",
    titre="Une réponse tronquée n'est pas un succès",
    conduite="Exiger un document entier avant d'en croire le numéro.",
    exige=_APPELS,
)
def truncated_answer(p: Pupitre) -> Iterator[Constat]:
    factice = p.factice()

    def half(appel: Appel) -> Reaction:
        whole = factice.answer(appel)
        return replace(whole, corps=whole.corps[: len(whole.corps) // 2])

    jeu = p.play("enregistrer", half, document=p.document())
    yield equal("réussite annoncée", False, jeu.reussi)
