"""The report of conformity: the JSON document that the kit writes and signs, and that the hub reads again.

The kit and the hub know nothing of each other but this form. What is signed is the JSON, byte for byte.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

import msgspec

FORMAT: Final = "echangeur-conformite/1"
"""Of the report; a reader passes over members that it does not know."""

ANNEES: Final = range(2000, 3000)
"""Those that a report may be of: its instants are added to and told in other zones, which those of year 1 or
9999 do not bear."""

Mot = Annotated[str, msgspec.Meta(pattern=r"\A[^\x00]*\Z")]
"""What a database keeps as text. What an assertion found is quoted, and may hold anything."""

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class Mode(StrEnum):
    """Which side is under test."""

    SERVEUR = "serveur"
    """A hub: the kit is a partner."""
    CLIENT = "client"
    """A partner: the kit is the hub."""


class Niveau(StrEnum):
    """What the clause asks (RFC 2119)."""

    DOIT = "doit"
    DEVRAIT = "devrait"


class Verdict(StrEnum):
    """The outcome of an assertion."""

    REUSSIE = "réussie"
    ECHOUEE = "échouée"
    SANS_OBJET = "sans objet"
    NON_CONCLUANTE = "non concluante"


class Ligne(msgspec.Struct, frozen=True):
    """One assertion of a report. regles: by clause, its rule."""

    id: str
    famille: str
    titre: str
    niveau: Niveau
    clauses: tuple[str, ...]
    regles: dict[str, str]
    conduite: str
    verdict: Verdict
    quoi: str
    attendu: str
    trouve: str
    raison: str


class Rapport(msgspec.Struct, frozen=True, kw_only=True):
    """A whole report.

    identifiant: a UUID, drawn once. conforme: no assertion of level « doit » failed, and each was decided or
    without object. complet: every assertion of the mode is in it. controle: where its state can be asked for.
    guichet: for which it is to be deposited, or empty.
    """

    format: str
    identifiant: str
    kit: Mot
    mode: Mode
    cible: str
    adresse: str
    guichet: Mot = ""
    version_interface: Mot
    graine: str
    profil: str
    debut: datetime
    fin: datetime
    expire: datetime
    complet: bool
    conforme: bool
    totaux: dict[str, int]
    controle: str
    resultats: tuple[Ligne, ...]


def conforms(lignes: Sequence[Ligne]) -> bool:
    """Nothing that must hold failed or was left undecided, and something held."""
    must = [each.verdict for each in lignes if each.niveau is Niveau.DOIT]
    return Verdict.REUSSIE in must and not {Verdict.ECHOUEE, Verdict.NON_CONCLUANTE} & set(must)


def count_verdicts(lignes: Sequence[Ligne]) -> dict[str, int]:
    """How many of each verdict, all four there."""
    counted = Counter(each.verdict for each in lignes)
    return {str(verdict): counted[verdict] for verdict in Verdict}


def contradictions(rapport: Rapport) -> tuple[str, ...]:
    """Where a report does not conclude from its own results, in French; none for one that the kit wrote."""
    found = []
    if rapport.conforme is not conforms(rapport.resultats):
        found.append("sa conclusion ne suit pas de ses résultats")
    if rapport.totaux != count_verdicts(rapport.resultats):
        found.append("ses totaux ne sont pas ceux de ses résultats")
    return tuple(found)


def write_json(rapport: Rapport) -> bytes:
    """The report as indented JSON in UTF-8: what is signed."""
    return msgspec.json.format(msgspec.json.encode(rapport), indent=2) + b"\n"


def read_json(data: bytes) -> Rapport | str:
    """The report in `data`, or why it is none, in French. Whoever wants sends it: what is read can
    be kept and told."""
    try:
        rapport = msgspec.json.decode(data, type=Rapport)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return f"{_AUCUN} : {error}"
    dates = (rapport.debut, rapport.fin, rapport.expire)
    if rapport.format != FORMAT or not all(each.tzinfo and each.year in ANNEES for each in dates):
        return f"{_AUCUN} : {FORMAT} attendu, daté avec son fuseau, de {ANNEES[0]} à {ANNEES[-1]}"
    if not _UUID.fullmatch(rapport.identifiant):
        return f"{_AUCUN} : son identifiant n'est pas un UUID"
    return rapport


_AUCUN: Final = "ce n'est pas un rapport de conformité"
