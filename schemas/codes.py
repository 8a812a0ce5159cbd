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
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Final

from lxml import etree

from schemas.kinds import DEMANDES, NAMESPACE, DocumentKind, identify
from schemas.violations import Violation

_WITH_CODE: Final = etree.XPath("descendant-or-self::*[@code]")
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
    index = _index()
    by_tag = _by_tag()
    for element in _WITH_CODE(root):
        lists = by_tag.get(element.tag)
        if lists is None:
            continue
        liste = lists.get("") or _list_by_ancestors(element, lists)
        if liste is None:
            continue
        code = str(element.get("code"))
        lines = index[liste].get(code)
        if lines is None or not any(line.is_valid(on) for line in lines):
            violations.append(_violation(element, "/@code", liste, code, on))
    for element, liste in _texts(root):
        code = element.text or ""
        if code and not is_valid(liste, code, on):  # an empty criterion asks for nothing
            violations.append(_violation(element, "", liste, code, on))
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


@cache
def _by_tag() -> Mapping[str, Mapping[str, str]]:
    """Return, by qualified tag, either the one list of all its paths (key ``""``) or the list by ancestors.

    Most names use one list wherever they stand, so the tag alone decides; `ressource` and `typeLogement`
    need the two names above them.
    """
    paths: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for path, liste in usages().items():
        steps = path.split("/")
        paths[f"{{{NAMESPACE}}}{steps[-1]}"]["/".join(steps[-3:-1])] = liste
    return {
        tag: {"": next(iter(lists.values()))} if len(set(lists.values())) == 1 else lists
        for tag, lists in paths.items()
    }


def _list_by_ancestors(element: etree._Element, lists: Mapping[str, str]) -> str | None:
    parent = element.getparent()
    above = None if parent is None else parent.getparent()
    if parent is None or above is None:
        return None
    return lists.get(f"{_local(above)}/{_local(parent)}")


_TEXT_PATHS: Final[Mapping[DocumentKind, tuple[str, ...]]] = {
    # The other kinds have a typeFichier without any published list (interface/wire §11).
    **dict.fromkeys(DEMANDES, ("/interfaceNuu/entete/typeFichier",)),
    DocumentKind.RECHERCHE: (
        "/interfaceNuu/operation/demandeMulticritere/motifDemande",
        "/interfaceNuu/operation/demandeMulticritere/motifRadiation",
    ),
}


def _texts(root: etree._Element) -> Iterator[tuple[etree._Element, str]]:
    """Yield the elements whose text is a code, with their list."""
    kind = identify(root)
    if kind is None:
        return
    for path in _TEXT_PATHS.get(kind, ()):
        steps = path.split("/")[2:]
        element = root.find("/".join(f"{{{NAMESPACE}}}{step}" for step in steps))
        if element is not None:
            yield element, usages()[path]


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
