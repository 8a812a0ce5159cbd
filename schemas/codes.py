"""The code lists of the interface: labels, validity, and the check of a document against them.

The schemas check the shape of a code, never its list (interface/wire §11): `<civilite code="ZZ"/>` is valid
and wrong. The lists are data, `codes/codes.csv`, one line a code: list, version of the list, code, label,
first and last day of validity (empty: no bound). A code that is withdrawn keeps its line and gets a last
day, so that older documents can still be read. `codes/emplois.csv` says which element uses which list.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from importlib import resources
from types import MappingProxyType
from typing import Final

from lxml import etree

from schemas.kinds import DEMANDES, NAMESPACE, DocumentKind, identify
from schemas.violations import Violation

_TEXT_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Code:
    """One code of a list.

    code: the code, empty for the déradiation. libelle: its label. version: version of the list that brought
    the line. valide_du, valide_au: first and last day of validity, None when there is no bound.
    """

    code: str
    libelle: str
    version: str
    valide_du: date | None
    valide_au: date | None

    def is_valid(self, on: date) -> bool:
        """Say whether the code may be used on that day, both bounds included."""
        return (self.valide_du is None or self.valide_du <= on) and (
            self.valide_au is None or on <= self.valide_au
        )


@cache
def code_lists() -> Mapping[str, tuple[Code, ...]]:
    """Return the lists by name (``ListeCivilite``…), each in the order of publication."""
    lists: defaultdict[str, list[Code]] = defaultdict(list)
    for row in _rows("codes.csv"):
        lists[row["liste"]].append(
            Code(row["code"], row["libelle"], row["version"], _day(row["valide_du"]), _day(row["valide_au"]))
        )
    return MappingProxyType({name: tuple(codes) for name, codes in lists.items()})


def is_valid(liste: str, code: str, on: date) -> bool:
    """Say whether `code` belongs to `liste` on that day. Raises KeyError for an unknown list."""
    return any(each.is_valid(on) for each in _index()[liste].get(code, ()))


def label(liste: str, code: str) -> str | None:
    """Return the newest label of `code` in `liste`, even when it is no longer valid; None when it is unknown.

    Raises KeyError for an unknown list.
    """
    lines = _index()[liste].get(code)
    return lines[-1].libelle if lines else None


def check_codes(root: etree._Element, on: date) -> tuple[Violation, ...]:
    """Check every code of the document of root `root` against its list on the day `on`.

    Rules: CODE-INCONNU (not in the list), CODE-PERIME (in the list, not valid on that day). A missing code
    is no violation: the schemas make every code optional and the déradiation has none.
    """
    violations: list[Violation] = []
    usages_on = _usages_on(on)
    for element in root.iter():
        code = element.get("code")
        if code is None:
            continue
        usage = usages_on.get(str(element.tag))
        if usage is None or code in usage.sure:
            continue
        liste = usage.liste or _list_by_ancestors(element, usage.by_ancestors)
        if liste is not None and not is_valid(liste, code, on):
            violations.append(_violation(element, "/@code", liste, code, on))
    for path, liste in _TEXT_PATHS.get(identify(root), ()):
        text = root.find(path)
        # An empty criterion asks for nothing.
        if text is not None and text.text and not is_valid(liste, text.text, on):
            violations.append(_violation(text, "", liste, text.text, on))
    return tuple(violations)


def list_names() -> tuple[str, ...]:
    """Return the names of the lists in the order of publication."""
    return tuple(code_lists())


def _rows(name: str) -> Iterator[dict[str, str]]:
    text = (resources.files("schemas") / "codes" / name).read_text("utf-8")
    return iter(csv.DictReader(text.splitlines()))


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


@cache
def _index() -> Mapping[str, Mapping[str, tuple[Code, ...]]]:
    index: dict[str, dict[str, tuple[Code, ...]]] = {}
    for name, codes in code_lists().items():
        lines = index[name] = {}
        for code in codes:
            lines[code.code] = (*lines.get(code.code, ()), code)
    return index


@cache
def usages() -> Mapping[str, str]:
    """Return the list used by each element, by path (``/interfaceNuu/entete/typeFichier``…)."""
    return MappingProxyType({row["chemin"]: row["liste"] for row in _rows("emplois.csv")})


@dataclass(frozen=True, slots=True)
class _Usage:
    """How one tag uses lists. sure: codes valid wherever it stands. liste: its one list, if it has one.

    by_ancestors: its list by the two names above it, for `ressource` and `typeLogement`.
    """

    sure: frozenset[str]
    liste: str | None
    by_ancestors: Mapping[str, str]


@lru_cache(maxsize=8)  # a day or two are asked for at a time
def _usages_on(on: date) -> Mapping[str, _Usage]:
    """Return the usages by qualified tag, for that day: one lookup then settles almost every code."""
    paths: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for path, liste in usages().items():
        steps = path.split("/")
        paths[f"{{{NAMESPACE}}}{steps[-1]}"]["/".join(steps[-3:-1])] = liste
    found = {}
    for tag, lists in paths.items():
        names = set(lists.values())
        valid = [frozenset(c.code for c in code_lists()[name] if c.is_valid(on)) for name in names]
        sure = frozenset.intersection(*valid)
        found[tag] = _Usage(sure, names.pop() if len(names) == 1 else None, lists)
    return found


def _list_by_ancestors(element: etree._Element, lists: Mapping[str, str]) -> str | None:
    parent = element.getparent()
    above = None if parent is None else parent.getparent()
    if parent is None or above is None:
        return None
    return lists.get(f"{_local(above)}/{_local(parent)}")


def _path_of(*names: str) -> str:
    return "/".join(f"{{{NAMESPACE}}}{name}" for name in names)


# Codes written in a text rather than an attribute, by kind: path from the root and list.
_TYPE_FICHIER: Final = ((_path_of("entete", "typeFichier"), "ListeTypeFichier"),)
_TEXT_PATHS: Final[Mapping[DocumentKind | None, tuple[tuple[str, str], ...]]] = {
    # The other kinds have a typeFichier without any published list (interface/wire §11).
    **dict.fromkeys(DEMANDES, _TYPE_FICHIER),
    DocumentKind.RECHERCHE: (
        (_path_of("operation", "demandeMulticritere", "motifDemande"), "ListeMotifDemande"),
        (_path_of("operation", "demandeMulticritere", "motifRadiation"), "ListeMotifsRadiation"),
    ),
}


def _violation(element: etree._Element, suffix: str, liste: str, code: str, on: date) -> Violation:
    lines = _index()[liste].get(code)
    if lines is None:
        rule = "CODE-INCONNU"
        message = f"Le code « {code} » de « {_local(element)} » n'est pas dans {liste}."
    else:
        rule = "CODE-PERIME"
        message = f"Le code « {code} » de « {_local(element)} » n'est pas valable le {on.isoformat()}."
    valid = [each.code or "(vide)" for each in code_lists()[liste] if each.is_valid(on)]
    expected = f"{liste} : {', '.join(valid)}"
    return Violation(
        rule=rule,
        message=message,
        path=_path(element) + suffix,
        line=element.sourceline,
        found=code[:_TEXT_MAX],
        expected=expected if len(expected) <= _TEXT_MAX else f"{expected[: _TEXT_MAX - 1]}…",
    )


def _path(element: etree._Element) -> str:
    steps: list[str] = []
    step: etree._Element | None = element
    while step is not None:
        parent = step.getparent()
        twins = [] if parent is None else [child for child in parent if child.tag == step.tag]
        steps.append(_local(step) if len(twins) < 2 else f"{_local(step)}[{twins.index(step) + 1}]")
        step = parent
    return "/" + "/".join(reversed(steps))


def _local(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]
