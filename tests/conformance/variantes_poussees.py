"""Broken hubs: those that push badly, or take what a guichet answers for what it is not."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from conformance.ecoute import Reaction
from conformance.quai import Envoi, acknowledge
from tests.conformance.mandataire import Deformation, Demande, Retour
from tests.conformance.variante import Variante

VARIANTES: list[Variante] = []


def _pushes(
    nom: str, assertion: str, change: Callable[[Envoi, int], list[Envoi]], *consequences: str
) -> None:
    VARIANTES.append(Variante(nom, assertion, Deformation(pousse=change), consequences))


def _believes(nom: str, assertion: str, when: Callable[[Reaction], bool], *consequences: str) -> None:
    """That answer is taken for an acknowledgement."""

    def change(envoi: Envoi, reaction: Reaction) -> Reaction:
        return acknowledge(envoi) if when(reaction) else reaction

    VARIANTES.append(Variante(nom, assertion, Deformation(reaction=change), consequences))


def _each(change: Callable[[Envoi], Envoi]) -> Callable[[Envoi, int], list[Envoi]]:
    return lambda envoi, _fois: [change(envoi)]


def _fields(envoi: Envoi, **champs: str) -> Envoi:
    return replace(envoi, appel=replace(envoi.appel, entetes={**envoi.appel.entetes, **champs}))


_pushes("rien n'est poussé", "S0718", lambda _envoi, _fois: [])
_pushes(
    "l'appel qui pousse se dit text/xml",
    "S0719",
    _each(lambda envoi: _fields(envoi, **{"content-type": "text/xml; charset=utf-8"})),
)
_pushes(
    "l'échangeur pousse sans certificat",
    "S0720",
    _each(lambda envoi: replace(envoi, appel=replace(envoi.appel, empreinte=""))),
)
_pushes(
    "un numéro sur deux est poussé",
    "S0721",
    _each(lambda envoi: replace(envoi, sequence=envoi.sequence * 2)),
    *("S0723", "S0734", "S0735"),
)
_pushes(
    "une suppression a le premier numéro",
    "S0722",
    _each(lambda envoi: replace(envoi, sequence=1) if b"typeFichier>SUP<" in envoi.contenu else envoi),
    *("S0721", "S0723", "S0734", "S0735"),
)
_pushes(
    "le nom du fichier ne dit rien", "S0723", _each(lambda envoi: replace(envoi, nom="demande.xml")), "S0734"
)
_pushes(
    "chaque envoi part deux fois",
    "S0724",
    lambda envoi, _fois: [envoi, envoi],
    *("S0725", "S0731", "S0734", "S0721"),
)
_pushes(
    "un renvoi a un autre identifiant",
    "S0725",
    lambda envoi, fois: [replace(envoi, id=f"{envoi.id}-{fois}") if fois else envoi],
    *("S0726", "S0727", "S0728", "S0729", "S0732", "S0733"),
)
_pushes(
    "le fichier poussé a une fin de ligne de plus",
    "S0735",
    _each(lambda envoi: replace(envoi, contenu=envoi.contenu + b"\n")),
    "S0734",
)
_believes("une réponse coupée vaut un accusé", "S0725", lambda reaction: reaction.couper)
_believes("l'empreinte de l'accusé n'est pas comparée", "S0726", lambda r: b"<empreinte>000000" in r.corps)
_believes("l'identifiant de l'accusé n'est pas comparé", "S0727", lambda r: b">00000000-0000-7000" in r.corps)
_believes("l'accusé n'est pas validé", "S0728", lambda r: b"PEUT_ETRE" in r.corps)
_believes("une page est prise pour un accusé", "S0728", lambda r: b"Bienvenue" in r.corps)
_believes("une panne est prise pour un accusé", "S0729", lambda r: b":Receiver<" in r.corps, "S0734")
_believes("une redirection est prise pour un accusé", "S0733", lambda r: r.statut == 307)
_believes("le silence est pris pour un accusé", "S0732", lambda r: r.attente > 2)


def _other_list(demande: Demande, retour: Retour) -> None:
    if demande.role == "receveur" and b"listerDistributions" in demande.corps:
        retour.corps = re.sub(rb"(<idDistribution>)[^<]+", rb"\g<1>un-autre", retour.corps)


VARIANTES.append(
    Variante(
        "le retrait rend un autre identifiant que celui qui a été poussé",
        "S0734",
        Deformation(reponse=_other_list),
    )
)


class _SansPatience:
    """Pushes again what is being answered slowly, before the next."""

    def __init__(self) -> None:
        self.lents: list[Envoi] = []

    def reaction(self, envoi: Envoi, reaction: Reaction) -> Reaction:
        if 0 < reaction.attente < 2:
            self.lents.append(envoi)
        return reaction

    def pousse(self, envoi: Envoi, _fois: int) -> list[Envoi]:
        again, self.lents = self.lents, []
        return [*again, envoi]


_SANS_PATIENCE = _SansPatience()
VARIANTES.append(
    Variante(
        "une réponse lente n'est pas attendue",
        "S0731",
        Deformation(pousse=_SANS_PATIENCE.pousse, reaction=_SANS_PATIENCE.reaction),
    )
)


class _Bloque:
    """Does not push the one after a refusal. What was left by others and comes only now has a lower rank."""

    def __init__(self) -> None:
        self.refuse: int | None = None

    def reaction(self, envoi: Envoi, reaction: Reaction) -> Reaction:
        if b":Sender<" in reaction.corps and envoi.probleme == "":
            self.refuse = envoi.sequence
        return reaction

    def pousse(self, envoi: Envoi, fois: int) -> list[Envoi]:
        if self.refuse is not None and envoi.sequence > self.refuse and not fois:
            self.refuse = None
            return []
        return [envoi]


_BLOQUE = _Bloque()
VARIANTES.append(
    Variante(
        "un document refusé arrête la suite",
        "S0730",
        Deformation(pousse=_BLOQUE.pousse, reaction=_BLOQUE.reaction),
        ("S0731",),
    )
)
