"""How a service is described: operations, wrappers and their fields, in a notation that is read as data.

A message is a line of words: `nomFichierDemande fichierDemande:fichier complet?`. A word is the name of a
field, its type after a colon unless it is a text, a question mark when it is optional. What follows a word
between parentheses, each apart, makes it a group.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from soap.faults import NS_WS


class TypeChamp(StrEnum):
    """Type of a child of a wrapper, named as in the contract."""

    TEXTE = "xs:string"
    INSTANT = "xs:dateTime"
    JOUR = "xs:date"
    CODE = "ws:codeElement"
    FICHIER = "ws:base64Binary"
    ENTIER = "xs:long"
    GROUPE = ""
    """Children of its own, told where it is declared; may be repeated."""


@dataclass(frozen=True, slots=True)
class Champ:
    """A child element of a wrapper, in no namespace. champs: those of a group, which is never nested."""

    nom: str
    type: TypeChamp
    facultatif: bool = False
    champs: tuple[Champ, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """A wrapper element of the target namespace; the order of its fields matters."""

    element: str
    champs: tuple[Champ, ...]

    @property
    def tag(self) -> str:
        """The name of the wrapper in the notation of lxml."""
        return f"{{{NS_WS}}}{self.element}"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the contract."""

    nom: str
    parametres: Message
    reponse: Message

    @property
    def action(self) -> str:
        """The whole SOAP action."""
        return NS_WS + self.nom


@dataclass(frozen=True, slots=True)
class Service:
    """One published service. `alias` are the further names that its address may end with.

    flux: True when what its MTOM messages join is too large to be held (`soap.flux`).
    """

    nom: str
    operations: Mapping[str, Operation]
    alias: tuple[str, ...] = ()
    flux: bool = False

    def chemins(self) -> tuple[str, ...]:
        """Every path on which the service answers (`interface/services`, Addresses) ([SOA-4])."""
        return tuple(
            f"{contexte}/services/{nom}{barre}"
            for contexte in ("", "/nuu", "/nuu-ws")
            for nom in (self.nom, *self.alias)
            for barre in ("", "/")
        )


_TYPES: Final = {
    "": TypeChamp.TEXTE,
    "instant": TypeChamp.INSTANT,
    "jour": TypeChamp.JOUR,
    "code": TypeChamp.CODE,
    "fichier": TypeChamp.FICHIER,
    "entier": TypeChamp.ENTIER,
}


def describe_service(
    nom: str, *operations: Operation, alias: tuple[str, ...] = (), flux: bool = False
) -> Service:
    """A service and its operations, in the order of its contract."""
    return Service(nom, MappingProxyType({each.nom: each for each in operations}), alias, flux)


def describe_operation(nom: str, parametres: str, reponse: str, *, element: str = "") -> Operation:
    """An operation whose two messages are in the notation. element: what the wrappers are named after, when
    it is not the operation. Raises KeyError for a type that the notation does not have."""
    racine = element or nom
    return Operation(
        nom,
        Message(f"{racine}Parametres", tuple(_read(iter(parametres.split())))),
        Message(f"{racine}Reponse", tuple(_read(iter(reponse.split())))),
    )


def _read(words: Iterator[str]) -> list[Champ]:
    """The fields until the end of the message, or of the group."""
    found: list[Champ] = []
    for word in words:
        if word == ")":
            break
        if word == "(":
            found[-1] = replace(found[-1], type=TypeChamp.GROUPE, champs=tuple(_read(words)))
        else:
            nom, _, genre = word.removesuffix("?").partition(":")
            found.append(Champ(nom, _TYPES[genre], facultatif=word.endswith("?")))
    return found
