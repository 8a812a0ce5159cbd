"""What an assertion of the kit is: a numbered check of one or several clauses of docs/specification.

An assertion is data (identifier, clauses, level, title, what to do) and one small function that decides.
The function yields its findings one after the other: the first that does not hold ends it. What must be
there before (a demande, a message received) is made by the context; when that fails, `Empeche` says that
nothing was proved either way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from schemas.rapport_conformite import Mode as Mode
from schemas.rapport_conformite import Niveau as Niveau

if TYPE_CHECKING:
    from conformance.cible import Cible
    from conformance.pupitre import Pupitre


class Capacite(StrEnum):
    """What the profile must give for an assertion to have an object."""

    LECTEUR = "lecteur"
    EXTERIEUR = "extérieur"
    ETAT = "état"
    CONSULTANT = "consultant"
    RETIRE = "certificat retiré"
    ATTESTATION = "attestation"
    RECHERCHE = "recherche"
    PARTAGEE = "gestion partagée"
    PIECES = "pièces"
    RECEPTION = "réception des distributions"
    RETRAIT = "retrait des distributions"
    COURRIER = "courrier"
    AUTORITE = "autorité d'essai"
    APPELS = "appels"
    MANIFESTES = "manifestes"


@dataclass(frozen=True, slots=True)
class Constat:
    """One finding: what was looked at, what the clause expects, what was there, and whether they agree."""

    quoi: str
    attendu: str
    trouve: str
    tenu: bool


class Empeche(Exception):
    """What has to precede the check could not be done; str() says what, in French."""


class Absente(Exception):
    """The check has no object with this target; str() says why, in French."""


C = TypeVar("C")


DEPLACEES: Final[Mapping[str, str]] = dict.fromkeys(
    ("S0102", "S0103", "S0104", "S0105", "S0113", "C0102", "C0103", "C0104", "C0705", "C0706"), "10"
)
"""By number, the family of those that were numbered before it: a number never changes."""


@dataclass(frozen=True, slots=True)
class Fiche:
    """What is said of a numbered check, whatever it acts on.

    id: stable, four digits after S (server under test) or C (client under test), the first two those of the
    family, but for those that went to another one since. conduite: what the one under test should do when it
    fails. exige: what the profile must give. apres: assertions without which this one proves nothing.
    """

    id: str
    mode: Mode
    clauses: tuple[str, ...]
    niveau: Niveau
    titre: str
    conduite: str
    exige: tuple[Capacite, ...]
    apres: tuple[str, ...]

    @property
    def famille(self) -> str:
        """Its two digits."""
        return DEPLACEES.get(self.id, self.id[1:3])


@dataclass(frozen=True, slots=True)
class Assertion(Fiche, Generic[C]):
    """One numbered check, and the function that decides."""

    controle: Callable[[C], Iterator[Constat]]


COUPE: Final = 300
"""Characters of a value that a finding quotes: enough to recognise it, too few to carry a file away."""


def equal(quoi: str, attendu: object, trouve: object) -> Constat:
    """Holds when both are equal."""
    return Constat(quoi, _text(attendu), _text(trouve), attendu == trouve)


def check(quoi: str, tenu: bool, trouve: object, attendu: str) -> Constat:
    """Holds when `tenu`."""
    return Constat(quoi, attendu, _text(trouve), tenu)


def one_of(quoi: str, attendus: tuple[str, ...], trouve: str) -> Constat:
    """Holds when what was found is one of those."""
    return Constat(quoi, " ou ".join(attendus), _text(trouve), trouve in attendus)


def _text(value: object) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, bool):
        value = "oui" if value else "non"
    text = str(value) or "(rien)"
    return text if len(text) <= COUPE else text[:COUPE] + "…"


_SERVEUR: Final[dict[str, Assertion[Cible]]] = {}
_CLIENT: Final[dict[str, Assertion[Pupitre]]] = {}


def serveur(
    ident: str,
    *clauses: str,
    titre: str,
    conduite: str,
    niveau: Niveau = Niveau.DOIT,
    exige: tuple[Capacite, ...] = (),
    apres: tuple[str, ...] = (),
) -> Callable[[Callable[[Cible], Iterator[Constat]]], Callable[[Cible], Iterator[Constat]]]:
    """Declare the decorated function as an assertion about a server."""

    def declare(controle: Callable[[Cible], Iterator[Constat]]) -> Callable[[Cible], Iterator[Constat]]:
        made = Assertion(ident, Mode.SERVEUR, clauses, niveau, titre, conduite, exige, apres, controle)
        _keep(_SERVEUR, made)
        return controle

    return declare


def client(
    ident: str,
    *clauses: str,
    titre: str,
    conduite: str,
    niveau: Niveau = Niveau.DOIT,
    exige: tuple[Capacite, ...] = (),
    apres: tuple[str, ...] = (),
) -> Callable[[Callable[[Pupitre], Iterator[Constat]]], Callable[[Pupitre], Iterator[Constat]]]:
    """Declare the decorated function as an assertion about a client."""

    def declare(controle: Callable[[Pupitre], Iterator[Constat]]) -> Callable[[Pupitre], Iterator[Constat]]:
        made = Assertion(ident, Mode.CLIENT, clauses, niveau, titre, conduite, exige, apres, controle)
        _keep(_CLIENT, made)
        return controle

    return declare


def declared_server() -> tuple[Assertion[Cible], ...]:
    """Those of the modules imported so far, by identifier."""
    return tuple(_SERVEUR[each] for each in sorted(_SERVEUR))


def declared_client() -> tuple[Assertion[Pupitre], ...]:
    """Those of the modules imported so far, by identifier."""
    return tuple(_CLIENT[each] for each in sorted(_CLIENT))


def _keep(kept: dict[str, Assertion[C]], made: Assertion[C]) -> None:
    letter = "S" if made.mode is Mode.SERVEUR else "C"
    if made.id in kept or made.id[0] != letter or not (made.id[1:].isdigit() and len(made.id) == 5):
        raise ValueError(f"identifiant d'assertion repris ou mal formé : {made.id}")
    if not made.clauses:
        raise ValueError(f"{made.id} ne cite aucune clause")
    kept[made.id] = made
