"""Family 09, of a hub: distributions by mail, and their acknowledgement."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from conformance.assertion import Capacite, Constat, Empeche, check, equal, serveur
from conformance.cible import Cible
from conformance.courrier import ask, requete
from conformance.partenaire_courrier import Conduite, Recu
from conformance.releve import acknowledge, entries, list_after, results, situation, text
from conformance.reponse import valid

_COURRIER = (Capacite.COURRIER,)


def _distributed(c: Cible, conduite: Conduite = Conduite.NORMAL) -> Recu:
    """The distribution of a new demande, so received. Raises Empeche when none comes."""
    if situation(c, "courrier").champs.get("canal") != "courrier":
        raise Empeche("le canal du guichet courrier n'est pas « courrier »")
    c.boite.behave(conduite)
    creee = c.create(c.auteur("courrier"))

    def about(recus: list[Recu]) -> list[Recu]:
        return [
            each
            for each in recus
            if each.nature == "distribution"
            and any(creee.numero.encode() in piece.contenu for piece in each.fichiers)
        ]

    if not c.boite.wait(lambda recus: bool(about(recus))):
        raise Empeche("la distribution de la demande créée n'est pas venue par courrier")
    return about(list(c.boite.partenaire.recus))[0]


def _sequence(recu: Recu) -> str:
    return recu.sujet.split()[3] if len(recu.sujet.split()) > 3 else ""


def _waits(c: Cible, recu: Recu) -> bool:
    """Whether the hub still awaits the acknowledgement, a message later."""
    ask(c, c.boite.compose(requete("getDemandeLogement", numUnique="0" * 18)))
    sequence = int(_sequence(recu))
    left = entries(list_after(c, sequence - 1, 1, role="courrier"))
    return any(text(each, "sequence") == str(sequence) for each in left)


@serveur(
    "S0943",
    "COU-33",
    "COU-40",
    "DST-10",
    titre="Une distribution vient chiffrée et signée : DIS, sujet DISTRIBUTION GUICHET SEQUENCE",
    conduite="Envoyer la demande par courrier au guichet dont c'est le canal.",
    exige=_COURRIER,
)
def distributed(c: Cible) -> Iterator[Constat]:
    recu = _distributed(c)
    yield equal("chiffrée", True, recu.chiffre)
    code = c.guichet("courrier").code
    words = recu.sujet.split()
    yield check("sujet", words[1:3] == ["DISTRIBUTION", code], recu.sujet, f"… DISTRIBUTION {code} …")
    yield check("numéro d'ordre du sujet", _sequence(recu).isdigit(), recu.sujet, "un numéro")
    yield equal("fichiers", 1, len(recu.fichiers))
    content = recu.fichiers[0].contenu
    yield valid("document", content)
    yield check("typeFichier", b"typeFichier>DIS<" in content, content[:200], "DIS")


@serveur(
    "S0944",
    "COU-40",
    titre="L'accusé signé du guichet finit la distribution",
    conduite="Attendre accuse.xml : message égal à X-Echangeur-Id, RECU, le fichier et son empreinte.",
    exige=_COURRIER,
    apres=("S0943",),
)
def acknowledged(c: Cible) -> Iterator[Constat]:
    recu = _distributed(c)
    # Sent as soon as it came; the hub takes it before it answers what is sent after it.
    yield equal("distribution en attente", False, all(_waits(c, recu) for _ in range(10)))


@serveur(
    "S0945",
    "COU-41",
    titre="L'accusé d'autres octets n'acquitte rien",
    conduite="Comparer l'empreinte de l'accusé à celle du fichier envoyé.",
    exige=_COURRIER,
    apres=("S0944",),
)
def other_bytes(c: Cible) -> Iterator[Constat]:
    recu = _distributed(c, Conduite.AUTRE_EMPREINTE)
    waits = [_waits(c, recu) for _ in range(2)]
    yield equal("distribution en attente", [True, True], waits)
    c.boite.behave(Conduite.NORMAL)
    c.boite.acknowledge(recu)
    yield equal("en attente, après l'accusé juste", False, all(_waits(c, recu) for _ in range(10)))


@serveur(
    "S0946",
    "COU-41",
    titre="Un accusé répété est sans effet de plus, et ne reçoit pas de refus",
    conduite="Tenir pour bon l'accusé de ce qui est déjà acquitté.",
    exige=_COURRIER,
    apres=("S0944",),
)
def repeated(c: Cible) -> Iterator[Constat]:
    recu = _distributed(c)
    before = len(c.boite.partenaire.recus)
    c.boite.acknowledge(recu)
    c.boite.acknowledge(recu)
    yield equal("distribution en attente", False, all(_waits(c, recu) for _ in range(10)))
    natures = [each.nature for each in c.boite.partenaire.recus[before:]]
    yield equal("refus reçus", 0, natures.count("refus"))


@serveur(
    "S0947",
    "DST-25",
    "COU-50",
    titre="Ce qui est parti par courrier s'acquitte aussi par SOAP",
    conduite="Un seul état par distribution, quel que soit le canal qui l'acquitte.",
    exige=_COURRIER,
    apres=("S0943",),
)
def other_channel(c: Cible) -> Iterator[Constat]:
    recu = _distributed(c, Conduite.MUET)
    yield equal("en attente, sans accusé", True, _waits(c, recu))
    digest = hashlib.sha256(recu.fichiers[0].contenu).hexdigest()
    lu = acknowledge(c, (_sequence(recu), digest), role="courrier")
    yield equal("acquit par SOAP", [("ACQUITTEE", "")], results(lu) or lu.resume)
    c.boite.behave(Conduite.NORMAL)
    c.boite.acknowledge(recu)
    yield equal("en attente, après l'accusé croisé", False, _waits(c, recu))
