"""Family 07, of a hub: what is acknowledged, what follows a change, what is sent again."""

from __future__ import annotations

from collections.abc import Iterator

from conformance import message
from conformance.assertion import Capacite, Constat, check, equal, one_of, serveur
from conformance.cible import Cible
from conformance.donnees import follow
from conformance.releve import (
    acknowledge,
    distributed,
    entries,
    last,
    list_after,
    results,
    text,
)

_RETRAIT = (Capacite.LECTEUR, Capacite.RETRAIT)


@serveur(
    "S0706",
    "DST-25",
    titre="Un acquit juste est accepté, et la distribution n'attend plus",
    conduite="Répondre ACQUITTEE et sortir la distribution de ce qui reste à acquitter.",
    exige=_RETRAIT,
    apres=("S0701",),
)
def acknowledged(c: Cible) -> Iterator[Constat]:
    before = last(c)
    creee = c.create()
    entry = distributed(c, creee, before)
    lu = acknowledge(c, (text(entry, "sequence"), text(entry, "empreinte")))
    yield equal("résultat", [("ACQUITTEE", "")], results(lu) or lu.resume)
    left = [text(each, "numUnique") for each in entries(list_after(c, before))]
    yield check("ce qui reste à acquitter", creee.numero not in left, left, f"sans {creee.numero}")


@serveur(
    "S0707",
    "DST-25",
    titre="Un acquit répété reçoit la même réponse",
    conduite="Rendre ACQUITTEE, avec l'instant du premier acquit.",
    exige=_RETRAIT,
    apres=("S0706",),
)
def acknowledged_twice(c: Cible) -> Iterator[Constat]:
    before = last(c)
    entry = distributed(c, c.create(), before)
    couple = (text(entry, "sequence"), text(entry, "empreinte"))
    first, again = acknowledge(c, couple), acknowledge(c, couple)
    yield equal("second acquit", [("ACQUITTEE", "")], results(again) or again.resume)
    yield equal("dateAcquit", first.champs.get("dateAcquit"), again.champs.get("dateAcquit"))


@serveur(
    "S0708",
    "DST-25",
    titre="L'acquit d'autres octets est refusé, et n'acquitte rien",
    conduite="Comparer l'empreinte donnée à celle du fichier.",
    exige=_RETRAIT,
    apres=("S0706",),
)
def other_bytes(c: Cible) -> Iterator[Constat]:
    before = last(c)
    creee = c.create()
    entry = distributed(c, creee, before)
    lu = acknowledge(c, (text(entry, "sequence"), "0" * 64))
    yield equal("statut", ["REFUSE"], [statut for statut, _ in results(lu)] or lu.resume)
    left = [text(each, "numUnique") for each in entries(list_after(c, before))]
    yield check("ce qui reste à acquitter", creee.numero in left, left, creee.numero)


@serveur(
    "S0709",
    "DST-25",
    titre="L'acquit d'un numéro jamais donné est refusé (DIS203)",
    conduite="Refuser ce numéro seul, et juger les autres.",
    exige=_RETRAIT,
    apres=("S0706",),
)
def unknown_sequence(c: Cible) -> Iterator[Constat]:
    before = last(c)
    entry = distributed(c, c.create(), before)
    good = (text(entry, "sequence"), text(entry, "empreinte"))
    lu = acknowledge(c, ("999999999", "0" * 64), good)
    yield equal("résultats", [("REFUSE", "DIS203"), ("ACQUITTEE", "")], results(lu) or lu.resume)


@serveur(
    "S0715",
    "DST-1",
    "VIE-51",
    titre="Qui a reçu une demande reçoit ses changements, et sa suppression de type SUP",
    conduite="Suivre les détenteurs quels que soient leurs filtres ; dire la suppression par typeFichier SUP.",
    exige=_RETRAIT,
    apres=("S0701", "S0502", "S0522"),
)
def changes_follow(c: Cible) -> Iterator[Constat]:
    before = last(c)
    creee = c.create()
    changed = c.send(message.demande(c.nom, c.follow(creee, "MOD")))
    c.accepted(changed, "la modification")
    c.accepted(c.send(message.demande(c.nom, follow(changed.octets, "SUP", c.stamp()))), "la suppression")
    found = [
        text(each, "typeFichier")
        for each in entries(list_after(c, before))
        if text(each, "numUnique") == creee.numero
    ]
    yield equal("types distribués", "SUP", found[-1] if found else "")
    yield check("création et modification", found.count("DIS") >= 2, found, "DIS, DIS, SUP")


@serveur(
    "S0717",
    "DST-32",
    titre="Rejouer ce qui n'est pas en échec ne renvoie rien",
    conduite="Ne compter que les distributions en échec ; refuser un numéro inconnu (DIS203).",
    exige=_RETRAIT,
    apres=("S0701",),
)
def replay(c: Cible) -> Iterator[Constat]:
    c.create()
    lu = c.send(message.distributions("rejouerDistributions"), "lecteur")
    yield one_of("nombre", ("0",), lu.champs.get("nombre", lu.resume))
    unknown = c.send(message.distributions("rejouerDistributions", ("sequence", "999999999")), "lecteur")
    yield equal("numéro inconnu", "DIS203", unknown.code)
