"""Family 07, of a hub: what it pushes to the endpoint that the kit opens, and how it takes the answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from conformance import message
from conformance.assertion import Capacite, Constat, Empeche, check, equal, serveur
from conformance.cible import Cible, Creee
from conformance.donnees import follow
from conformance.ecoute import Reaction
from conformance.quai import Accueil, Envoi, acknowledge, fault
from conformance.releve import acknowledge as acknowledge_read
from conformance.releve import compare, distributed, entries, list_after, ranges, situation, text
from conformance.reponse import valid
from schemas import contract

_PUSH = (Capacite.RECEPTION,)


def _create(c: Cible) -> Creee:
    """A demande that the hub must push to the kit."""
    return c.create(c.auteur("receveur"))


def _pushed(c: Cible, creee: Creee) -> Envoi:
    """Its first send. Raises Empeche when it does not come."""
    found = c.quai.wait_about(creee.numero)
    if not found:
        raise Empeche("la demande créée n'a pas été poussée")
    return found[0]


def _change(c: Cible, creee: Creee, *types: str) -> None:
    document = creee.lu.octets
    for kind in types:
        msg = message.demande(c.nom, follow(document, kind, c.stamp()))
        sent = c.send(msg, c.auteur("receveur"))
        document = c.accepted(sent, f"le fichier {kind}").octets


def _first(answer: Callable[[Envoi], Reaction]) -> Accueil:
    """That answer to the next send that is none of those seen, the one of a good partner to all others."""
    turns = [answer]
    return lambda envoi, fois: turns.pop()(envoi) if turns and not fois else acknowledge(envoi, fois)


def _first_only(reaction: Reaction) -> Accueil:
    """As `_first`, whatever is sent."""
    return _first(lambda _: reaction)


def _again(c: Cible, accueil: Accueil) -> tuple[list[Envoi], list[Envoi]]:
    """The sends of a demande whose first one was so received; then, with what came up to the next demande."""
    c.quai.accueil = accueil
    creee = _create(c)
    found = c.quai.wait_about(creee.numero, 2)
    return found, _settled(c, creee)


def _settled(c: Cible, creee: Creee) -> list[Envoi]:
    """The sends of a demande, once a later one has come too."""
    c.quai.wait_about(_create(c).numero)
    return c.quai.about(creee.numero)


def _same(found: list[Envoi]) -> Iterator[Constat]:
    """Sent again, and the same in everything."""
    yield check("envois", len(found) >= 2, len(found), "deux au moins")
    first, again = found[0], found[1]
    yield equal("idDistribution du renvoi", first.id, again.id)
    yield equal("sequence du renvoi", first.sequence, again.sequence)
    yield equal("nomFichierDemande du renvoi", first.nom, again.nom)
    yield equal("empreinte du renvoi", first.empreinte, again.empreinte)


@serveur(
    "S0718",
    "DST-1",
    "DST-10",
    titre="Une création est poussée : un message conforme au WSDL, la demande valide, typeFichier DIS",
    conduite="Appeler recevoirDistribution du guichet dont un filtre retient la demande.",
    exige=_PUSH,
    apres=("S0401",),
)
def pushed(c: Cible) -> Iterator[Constat]:
    creee = _create(c)
    found = c.quai.wait_about(creee.numero)
    yield check("envois", len(found) >= 1, len(found), "un")
    yield equal("écart au WSDL", "", found[0].probleme)
    yield valid("document", found[0].contenu)
    yield check("typeFichier", b"typeFichier>DIS<" in found[0].contenu, found[0].contenu[:200], "DIS")


@serveur(
    "S0719",
    "SOA-10",
    "DST-10",
    titre="L'appel est un POST SOAP 1.2, à l'adresse déclarée, avec sa longueur et son action",
    conduite="Envoyer application/soap+xml, charset utf-8 et l'action de recevoirDistribution.",
    exige=_PUSH,
    apres=("S0718",),
)
def call(c: Cible) -> Iterator[Constat]:
    appel = _pushed(c, _create(c)).appel
    yield equal("méthode", "POST", appel.methode)
    kind, _, rest = appel.entetes.get("content-type", "").partition(";")
    yield equal("type de contenu", "application/soap+xml", kind.strip().lower())
    (operation,) = contract.operations(contract.RECEPTION_DISTRIBUTION)
    yield check("action", operation.action in rest, rest, operation.action)
    yield equal("Content-Length", str(len(appel.corps)), appel.entetes.get("content-length", ""))


@serveur(
    "S0720",
    "DST-15",
    titre="L'échangeur se présente avec son certificat, en TLS 1.2 ou plus",
    conduite="Donner à la pile qui pousse le certificat client de l'échangeur.",
    exige=_PUSH,
    apres=("S0718",),
)
def presents_itself(c: Cible) -> Iterator[Constat]:
    appel = _pushed(c, _create(c)).appel
    yield check("certificat présenté", bool(appel.empreinte), appel.empreinte or "aucun", "un certificat")
    yield check("version de TLS", appel.tls in ("TLSv1.2", "TLSv1.3"), appel.tls, "TLSv1.2 ou TLSv1.3")


@serveur(
    "S0721",
    "DST-11",
    titre="Les numéros poussés croissent de un en un, sans trou",
    conduite="Donner le numéro dans la transaction qui distribue.",
    exige=_PUSH,
    apres=("S0718",),
)
def no_gap(c: Cible) -> Iterator[Constat]:
    found = [_pushed(c, _create(c)).sequence for _ in range(4)]
    # What others register meanwhile comes too: between the first and the last, every number came.
    came = {each.sequence for each in c.quai.envois}
    missing = [each for each in range(found[0], found[-1] + 1) if each not in came]
    yield equal("numéros qui manquent", [], missing)
    yield equal("ordre des créations", sorted(found), found)


@serveur(
    "S0722",
    "DST-11",
    "VIE-51",
    titre="Les changements d'une demande sont poussés dans leur ordre, sa suppression de type SUP à la fin",
    conduite="Attendre qu'une distribution soit acquittée avant d'envoyer la suivante de la même demande.",
    exige=_PUSH,
    apres=("S0718", "S0502", "S0522"),
)
def in_order(c: Cible) -> Iterator[Constat]:
    creee = _create(c)
    _change(c, creee, "MOD", "SUP")
    found = c.quai.wait_about(creee.numero, 3)
    numbers = [each.sequence for each in found]
    yield check("envois", len(found) >= 3, len(found), "trois")
    yield equal("numéros, dans l'ordre d'arrivée", sorted(numbers), numbers)
    yield check("type du dernier", b"typeFichier>SUP<" in found[-1].contenu, found[-1].contenu[:200], "SUP")


@serveur(
    "S0723",
    "DST-10",
    titre="Le nom du fichier porte le guichet et le numéro d'ordre",
    conduite="Composer le nom selon l'interface, sans en changer d'un envoi à l'autre.",
    exige=_PUSH,
    apres=("S0718",),
)
def name(c: Cible) -> Iterator[Constat]:
    envoi = _pushed(c, _create(c))
    code = c.guichet("receveur").code
    yield check("guichet du nom", envoi.nom[3:8] == code, envoi.nom, f"…{code}-…")
    yield check(
        "numéro du nom",
        envoi.nom.endswith(f"-{envoi.sequence:06d}.xml"),
        envoi.nom,
        f"…-{envoi.sequence:06d}.xml",
    )


@serveur(
    "S0724",
    "DST-12",
    titre="Ce qui est accusé n'est plus envoyé",
    conduite="Finir la distribution à l'accusé RECU.",
    exige=_PUSH,
    apres=("S0718",),
)
def once(c: Cible) -> Iterator[Constat]:
    creee = _create(c)
    c.quai.wait_about(creee.numero)
    yield equal("envois", 1, len(_settled(c, creee)))


@serveur(
    "S0725",
    "DST-13",
    "DST-10",
    titre="Après un accusé perdu, le même envoi revient, et DEJA_RECU le finit",
    conduite="Renvoyer sous le même identifiant, le même numéro, le même nom, les mêmes octets.",
    exige=_PUSH,
    apres=("S0718",),
)
def lost(c: Cible) -> Iterator[Constat]:
    found, settled = _again(c, _first_only(Reaction(couper=True)))
    yield from _same(found)
    yield check("envois après DEJA_RECU", len(settled) <= 3, len(settled), "plus aucun")


@serveur(
    "S0726",
    "DST-12",
    titre="L'accusé d'une autre empreinte n'en est pas un : l'envoi revient",
    conduite="Comparer l'empreinte de l'accusé à celle du fichier envoyé.",
    exige=_PUSH,
    apres=("S0718",),
)
def other_bytes(c: Cible) -> Iterator[Constat]:
    found, _ = _again(c, _first(lambda envoi: acknowledge(envoi, empreinte="0" * 64)))
    yield from _same(found)


@serveur(
    "S0727",
    "DST-12",
    titre="L'accusé d'une autre distribution n'en est pas un : l'envoi revient",
    conduite="Comparer l'identifiant de l'accusé à celui de l'envoi.",
    exige=_PUSH,
    apres=("S0718",),
)
def other_distribution(c: Cible) -> Iterator[Constat]:
    other = "00000000-0000-7000-8000-000000000000"
    found, _ = _again(c, _first(lambda envoi: acknowledge(envoi, ident=other)))
    yield from _same(found)


@serveur(
    "S0728",
    "DST-12",
    titre="Un statut que le WSDL n'a pas, ou une page, n'est pas un accusé : l'envoi revient",
    conduite="Valider l'accusé selon le WSDL.",
    exige=_PUSH,
    apres=("S0718",),
)
def nonsense(c: Cible) -> Iterator[Constat]:
    found, _ = _again(c, _first(lambda envoi: acknowledge(envoi, statut="PEUT_ETRE")))
    yield from _same(found)
    page = Reaction(200, b"<p>Bienvenue", {"Content-Type": "text/html"})
    found, _ = _again(c, _first_only(page))
    yield from _same(found)


@serveur(
    "S0729",
    "DST-14",
    titre="Après une panne du guichet, l'envoi revient",
    conduite="Retenter à des délais croissants ce qui a reçu une faute Receiver.",
    exige=_PUSH,
    apres=("S0718",),
)
def breakdown(c: Cible) -> Iterator[Constat]:
    found, _ = _again(c, _first_only(fault("Receiver", "Le guichet est en panne.")))
    yield from _same(found)


@serveur(
    "S0730",
    "DST-14",
    titre="Un document refusé n'arrête pas ceux qui le suivent",
    conduite="Noter le refus, et envoyer la suite.",
    exige=_PUSH,
    apres=("S0718",),
)
def refused(c: Cible) -> Iterator[Constat]:
    c.quai.accueil = _first_only(fault("Sender", "Le guichet refuse ce document."))
    refusee = _create(c)
    yield check("envoi refusé", bool(c.quai.wait_about(refusee.numero)), "aucun", "un")
    suivante = _create(c)
    yield check("envoi suivant", bool(c.quai.wait_about(suivante.numero)), "aucun", "un")


@serveur(
    "S0731",
    "DST-14",
    titre="Une réponse lente est attendue, et compte",
    conduite="Laisser au guichet le temps de répondre ; ne pas renvoyer ce qui est en cours.",
    exige=_PUSH,
    apres=("S0718",),
)
def slow(c: Cible) -> Iterator[Constat]:
    c.quai.accueil = _first(lambda envoi: replace(acknowledge(envoi), attente=0.8))
    creee = _create(c)
    c.quai.wait_about(creee.numero)
    yield equal("envois", 1, len(_settled(c, creee)))


@serveur(
    "S0732",
    "DST-14",
    titre="Sans réponse, l'envoi est abandonné puis revient, et la suite n'attend pas",
    conduite="Borner l'attente d'une réponse ; ne pas retenir les autres demandes.",
    exige=_PUSH,
    apres=("S0718",),
)
def mute(c: Cible) -> Iterator[Constat]:
    c.quai.accueil = _first(lambda envoi: replace(acknowledge(envoi), attente=c.quai.delai))
    creee = _create(c)
    c.quai.wait_about(creee.numero)
    suivante = _create(c)
    yield check("envoi suivant", bool(c.quai.wait_about(suivante.numero)), "aucun", "un")
    yield from _same(c.quai.wait_about(creee.numero, 2))


@serveur(
    "S0733",
    "DST-14",
    titre="Une redirection n'est pas suivie : l'envoi revient à l'adresse déclarée",
    conduite="N'envoyer qu'à l'adresse que l'exploitant a déclarée.",
    exige=_PUSH,
    apres=("S0718",),
)
def redirected(c: Cible) -> Iterator[Constat]:
    away = Reaction(307, b"", {"Location": "/ailleurs"})
    found, _ = _again(c, _first_only(away))
    yield equal("appels ailleurs", 0, sum(each.appel.chemin == "/ailleurs" for each in c.quai.envois))
    yield from _same(found)


@serveur(
    "S0734",
    "DST-22",
    "DST-23",
    "DST-25",
    titre="Ce qui ne passe pas se retire, et ce qui est retiré n'est plus poussé",
    conduite="Offrir par listerDistributions ce qui attend, sous le même identifiant, et finir à l'acquit.",
    exige=_PUSH,
    apres=("S0718", "S0706"),
)
def fetched(c: Cible) -> Iterator[Constat]:
    c.quai.accueil = lambda _envoi, _fois: fault("Receiver", "Le guichet est en panne.")
    before = int(situation(c, "receveur").champs.get("derniereSequence", "0"))
    creee = _create(c)
    envoi = _pushed(c, creee)
    entry = distributed(c, creee, before, "receveur")
    yield equal("idDistribution", envoi.id, text(entry, "idDistribution"))
    yield equal("sequence", str(envoi.sequence), text(entry, "sequence"))
    yield equal("nomFichierDemande", envoi.nom, text(entry, "nomFichierDemande"))
    yield equal("empreinte", envoi.empreinte, text(entry, "empreinte"))
    acknowledge_read(c, (text(entry, "sequence"), text(entry, "empreinte")), role="receveur")
    c.quai.accueil = acknowledge
    known = len(c.quai.about(creee.numero))
    # One may have been on its way while it was acknowledged.
    settled = len(_settled(c, creee))
    yield check("envois après l'acquit", settled <= known + 1, settled - known, "un au plus, en route")
    left = [text(each, "numUnique") for each in entries(list_after(c, before, role="receveur"))]
    yield check("ce qui reste à acquitter", creee.numero not in left, left, f"sans {creee.numero}")


@serveur(
    "S0735",
    "DST-70",
    "DST-12",
    titre="Le rapprochement de ce qui a été poussé et accusé ne trouve rien",
    conduite="Comparer les numéros et les empreintes de ce que le guichet dit avoir à ce qui a été fait pour lui.",
    exige=_PUSH,
    apres=("S0721",),
)
def agrees(c: Cible) -> Iterator[Constat]:
    for _ in range(2):
        c.quai.wait_about(_create(c).numero)
    last = c.quai.envois[-1].sequence
    kept = {each.sequence: each.empreinte for each in c.quai.envois if each.sequence <= last}
    first = last
    while first - 1 in kept and last - first < 200:
        first -= 1
    found = compare(
        c,
        (first, last, " ".join(kept[each] for each in range(first, last + 1))),
        apres=first - 1,
        jusqua=last,
        role="receveur",
    )
    for nom in ("manquante", "enTrop", "differente"):
        yield equal(nom, [], ranges(found, nom) or ([] if not found.code else found.resume))
