"""A campaign: assertions run one after the other against one target, and what was found.

The order is that of the identifiers. Each assertion draws its data from the seed of the campaign and its own
identifier: run alone or among the others, it sends the same. A campaign that was cut goes on where it was:
each result is written down as soon as it is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from conformance.assertion import COUPE, Absente, Assertion, Capacite, Empeche
from schemas.rapport_conformite import Verdict as Verdict


class Resultat(msgspec.Struct, frozen=True):
    """What was found for one assertion.

    quoi, trouve, attendu: of the finding that failed, or of the last one. raison: why there is no verdict.
    constats: how many findings were looked at.
    """

    id: str
    verdict: Verdict
    quoi: str = ""
    trouve: str = ""
    attendu: str = ""
    raison: str = ""
    constats: int = 0


class Terrain(Protocol):
    """What the assertions of a campaign act on."""

    def lacks(self, exige: Sequence[Capacite]) -> str:
        """What the target does not have of what is asked, in French; empty when nothing lacks."""
        ...

    def begin(self, ident: str) -> None:
        """Get ready for that assertion: its own source of data. What it raises ends that assertion alone."""
        ...


T = TypeVar("T", bound=Terrain)


def select(connues: Sequence[Assertion[T]], voulues: Iterable[str]) -> tuple[Assertion[T], ...]:
    """Those of the given identifiers or families (two digits), with what they depend on; all if none.

    Raises KeyError for one that does not exist.
    """
    by_id = {each.id: each for each in connues}
    wanted: set[str] = set()
    for each in voulues:
        found = {one.id for one in connues if each in (one.id, one.famille)}
        if not found:
            raise KeyError(each)
        wanted |= found
    pending = list(wanted)
    while pending:
        for before in by_id[pending.pop()].apres:
            if before not in wanted:
                wanted.add(before)
                pending.append(before)
    return tuple(each for each in connues if not wanted or each.id in wanted)


def run(
    assertions: Sequence[Assertion[T]],
    terrain: T,
    *,
    connus: Mapping[str, Resultat] | None = None,
    sur_resultat: Callable[[Assertion[T], Resultat], None] = lambda _assertion, _resultat: None,
) -> tuple[Resultat, ...]:
    """Run them; what each gave. connus: results of an earlier part of the same campaign, not run again."""
    results: dict[str, Resultat] = {}
    for assertion in assertions:
        known = (connus or {}).get(assertion.id)
        result = known or _run_one(assertion, terrain, results)
        results[assertion.id] = result
        if known is None:
            sur_resultat(assertion, result)
    return tuple(results.values())


def _run_one(assertion: Assertion[T], terrain: T, results: Mapping[str, Resultat]) -> Resultat:
    for before in assertion.apres:
        found = results.get(before)
        if found is not None and found.verdict is not Verdict.REUSSIE:
            raison = f"dépend de {before}, {found.verdict}"
            return Resultat(assertion.id, Verdict.NON_CONCLUANTE, raison=raison)
    if lacking := terrain.lacks(assertion.exige):
        return Resultat(assertion.id, Verdict.SANS_OBJET, raison=lacking)
    count = 0
    last = None
    try:
        terrain.begin(assertion.id)
        for constat in assertion.controle(terrain):
            count += 1
            last = constat
            if not constat.tenu:
                return Resultat(
                    assertion.id, Verdict.ECHOUEE, constat.quoi, constat.trouve, constat.attendu, "", count
                )
    except Absente as absente:
        return Resultat(assertion.id, Verdict.SANS_OBJET, raison=str(absente), constats=count)
    except Empeche as empeche:
        return Resultat(assertion.id, Verdict.NON_CONCLUANTE, raison=str(empeche), constats=count)
    except Exception as error:  # noqa: BLE001 - an answer that no check foresaw must not end the campaign
        raison = f"contrôle interrompu : {type(error).__name__} {error}"[:COUPE]
        return Resultat(assertion.id, Verdict.NON_CONCLUANTE, raison=raison, constats=count)
    if last is None:
        return Resultat(assertion.id, Verdict.NON_CONCLUANTE, raison="rien n'a été constaté")
    return Resultat(assertion.id, Verdict.REUSSIE, last.quoi, last.trouve, last.attendu, "", count)


class Reprise:
    """The results of a campaign, kept line by line in a file.

    cle: what makes two campaigns the same one (seed, target); a file of another one is begun again.
    """

    def __init__(self, fichier: Path, cle: str) -> None:
        self._fichier = fichier
        self._cle = cle

    def load(self) -> dict[str, Resultat]:
        """What is known of the same campaign; a line cut by a crash is not."""
        try:
            head, *lines = self._fichier.read_bytes().splitlines()
        except (FileNotFoundError, ValueError):
            return {}
        if head.decode("utf-8", "replace") != self._cle:
            return {}
        found = {}
        for line in lines:
            try:
                result = msgspec.json.decode(line, type=Resultat)
            except msgspec.DecodeError:
                break
            found[result.id] = result
        return found

    def start(self, connus: Iterable[Resultat] = ()) -> None:
        """Begin the file again, with what is known already."""
        lines = [self._cle.encode(), *(msgspec.json.encode(each) for each in connus)]
        self._fichier.parent.mkdir(parents=True, exist_ok=True)
        self._fichier.write_bytes(b"\n".join(lines) + b"\n")

    def add(self, resultat: Resultat) -> None:
        """Keep one more."""
        with self._fichier.open("ab") as file:
            file.write(msgspec.json.encode(resultat) + b"\n")
