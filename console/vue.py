"""What a handler is given, and what it answers.

A handler is a plain function that runs in a thread, with one transaction: read-only for GET, committed for
POST unless it answers a refusal. One that must wait for the network is ``async def``: it gets no connection,
and opens its own by `Vue.services`.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

from multidict import MultiDict, MultiDictProxy, MultiMapping
from sqlalchemy import Connection

from console.agent import Agent
from console.perimetre import Perimetre
from console.services import Services
from console.table import Page
from registry.anomalies import Anomalie


@dataclass(frozen=True, slots=True)
class Envoi:
    """A file that a form sent: its name as the browser gave it, not to be trusted, and its bytes."""

    nom: str
    octets: bytes


class Adresses(Protocol):
    """Addresses of pages, by their names (`rendu.Moteur.url`)."""

    def __call__(self, nom: str, /, **parametres: object) -> str: ...


@dataclass(frozen=True, slots=True)
class Vue:
    """One request of one agent to one page.

    parametres: of the path. question: of the query. champs: of the form. envois: files of the form, by field.
    partielle: htmx asks for a part of the page (`Rendu.bloc`).
    adresse: where the request comes from. jeton, avant, appareil, depart: the cookies of securite, or empty.
    certificat: empreinte of the client certificate, or empty. echange: what the answer will bear.
    """

    page: Page
    services: Services
    url: Adresses
    maintenant: datetime
    visiteur: Agent | None
    portee: Perimetre | None
    connexion: Connection | None
    parametres: Mapping[str, str] = field(default_factory=dict)
    question: MultiMapping[str] = field(default_factory=lambda: MultiDictProxy(MultiDict()))
    champs: MultiDictProxy[str] = field(default_factory=lambda: MultiDictProxy(MultiDict()))
    envois: Mapping[str, Envoi] = field(default_factory=dict)
    partielle: bool = False
    adresse: str = ""
    jeton: str = ""
    avant: str = ""
    certificat: str = ""
    navigateur: str = ""
    appareil: str = ""
    depart: str = ""
    echange: uuid.UUID = field(default_factory=uuid.uuid4)
    lus: list[str] = field(default_factory=list)
    messages: list[uuid.UUID] = field(default_factory=list)
    objets: list[str] = field(default_factory=list)

    @property
    def agent(self) -> Agent:
        """Who looks; on a page that is not public, there is always someone."""
        assert self.visiteur is not None, f"{self.page.nom} is public"
        return self.visiteur

    @property
    def perimetre(self) -> Perimetre:
        """Of whose data this page may speak to him: narrow every query by it."""
        assert self.portee is not None, f"{self.page.nom} is public"
        return self.portee

    @property
    def conn(self) -> Connection:
        """The transaction of this request."""
        assert self.connexion is not None, "an async handler opens its own connections"
        return self.connexion

    def note_read(self, *numeros: str) -> None:
        """Say that the answer shows nominative data of these demandes: traced before it leaves ([TRA-1])."""
        assert self.page.nominative, f"{self.page.nom} is not declared nominative"
        self.lus.extend(numeros)

    def note_asked(self, objet: str) -> None:
        """Say what was asked for, when it is more than the demandes that the answer shows: traced with them,
        and even when there is none ([TRA-7]). French, without anything nominative."""
        assert self.page.nominative, f"{self.page.nom} is not declared nominative"
        self.objets.append(objet)

    def note_message(self, message: uuid.UUID, *numeros: str) -> None:
        """Say that the answer gives the message of that exchange, or that mail, as it was received: traced
        even when it was of no demande ([TRA-1])."""
        assert self.page.nominative, f"{self.page.nom} is not declared nominative"
        self.messages.append(message)
        self.lus.extend(numeros)


@dataclass(frozen=True, slots=True)
class Rendu:
    """A template of console/templates with its values; `bloc`: the block that alone answers htmx. ferme: the
    session ended, and the page is shown to nobody in particular."""

    modele: str
    valeurs: Mapping[str, object] = field(default_factory=dict)
    bloc: str = ""
    statut: int = 200
    ferme: bool = False


@dataclass(frozen=True, slots=True)
class Redirection:
    """Elsewhere in the console, by GET. vers: an address made by `Page.url`. message: shown once there.

    ouvre: the token of a session that begins. appareil: that of a browser that has signed in. ferme: the
    session ends. externe: the address of the provider of identity, which the configuration names. depart:
    what the browser comes back with from there.
    """

    vers: str
    message: str = ""
    ouvre: str = ""
    appareil: str = ""
    ferme: bool = False
    externe: bool = False
    depart: str = ""


@dataclass(frozen=True, slots=True)
class Telechargement:
    """A file to keep. nom: without path; type_mime: such as ``text/csv; charset=utf-8``."""

    nom: str
    type_mime: str
    octets: bytes


@dataclass(frozen=True, slots=True)
class Refus:
    """An anomalie instead of the page, with its HTTP status; the transaction is undone."""

    anomalie: Anomalie
    statut: int = 422


@dataclass(frozen=True, slots=True)
class Contenu:
    """What is shown and is no page: JSON, a picture. ailleurs: pages of other sites may show it."""

    type_mime: str
    octets: bytes
    statut: int = 200
    ailleurs: bool = False


Reponse = Rendu | Redirection | Telechargement | Contenu | Refus
T = TypeVar("T")
Handler = Callable[[Vue], Reponse] | Callable[[Vue], Awaitable[Reponse]]


def one_of(vue: Vue, champ: str, permis: Sequence[str], sinon: str = "") -> str:
    """The value of a field of the query when it is one of `permis`."""
    value = vue.question.get(champ, sinon)
    return value if value in permis else sinon


def rank_of(vue: Vue, champ: str) -> int:
    """From which rank of a list its page begins, as a field of the query says; 0 when it says none."""
    text = vue.question.get(champ, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0


async def read_apart(vue: Vue, lit: Callable[[Connection], T]) -> T:
    """For an async handler: what `lit` reads in a thread, in a read-only transaction of its own."""

    def read() -> T:
        with vue.services.engine.connect().execution_options(postgresql_readonly=True) as conn:
            return lit(conn)

    return await asyncio.to_thread(read)
