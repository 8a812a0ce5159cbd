"""Validation of a document under its schema, with violations in French.

libxml2 validates; what it says in English about types and facets becomes one `Violation` per fault: line,
path, rule, what was found, what was expected. Its wording is read with patterns that the tests pin; an
error of an unforeseen type still gives a violation, of rule XSD-AUTRE.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Final

from lxml import etree

from schemas.kinds import DocumentKind
from schemas.violations import Violation

MAX_VIOLATIONS: Final = 100
"""Violations reported for one document. Threat: an answer far larger than the request; 20,000 bad elements
would give some 5 MB of text."""

_TEXT_MAX: Final = 200

# libxml2 error types (xmlerror.h, SCHEMAV_…).
_NOT_A_VALUE: Final = 1824
_MIN_LENGTH: Final = 1831
_MAX_LENGTH: Final = 1832
_MIN_INCLUSIVE: Final = 1833
_MAX_INCLUSIVE: Final = 1834
_PATTERN: Final = 1839
_NOT_EMPTY: Final = 1841
_ENUMERATION: Final = 1840
_CHILD_IN_TEXT: Final = (1828, 1842)
_TEXT_IN_CHILDREN: Final = 1843
_ROOT: Final = 1845
_ATTRIBUTE_REFUSED: Final = (1827, 1866)
_ATTRIBUTE_MISSING: Final = 1868
_NIL_REFUSED: Final = (1847, 1848, 1849)
_TYPE_REFUSED: Final = (1850, 1851, 1852)
_CONTENT: Final = 1871
_FIXED: Final = 1874

# When several errors concern one value, the first of this list is the one worth telling.
_PRECEDENCE: Final = (
    _MAX_LENGTH,
    _MIN_LENGTH,
    _MAX_INCLUSIVE,
    _MIN_INCLUSIVE,
    _PATTERN,
    _ENUMERATION,
    _FIXED,
    _NOT_A_VALUE,
)

_ATTRIBUTE: Final = re.compile(r"attribute '(?:\{[^}]*\})?([^']+)'")
_MISSING_ATTRIBUTE: Final = re.compile(r"The attribute '(?:\{[^}]*\})?([^']+)' is required")
_EXPECTED: Final = re.compile(r"Expected is (?:one of )?\( (.*) \)\.")
_LAST_QUOTED: Final = re.compile(r"'([^']*)'\)?\.?$")
_TYPE: Final = re.compile(r"type '([^']+)'\.$")
_NAME: Final = re.compile(r"\{[^}]*\}")
_STEP: Final = re.compile(r"(?:([^:\[\]]+):)?([^:\[\]]+)(?:\[(\d+)\])?$")

# Shapes of the patterns of the schemas, told to people.
_SHAPES: Final = {
    "[a-zA-Z0-9]{1,6}": "1 à 6 lettres sans accent ou chiffres",
    "[a-zA-Z0-9]{1,5}": "1 à 5 lettres sans accent ou chiffres",
    "[a-zA-Z0-9]{3}": "3 lettres sans accent ou chiffres",
    "[a-zA-Z0-9]+": "des lettres sans accent ou des chiffres, un au moins",
    "[0-9]{0,10}": "0 à 10 chiffres, sans blanc, point ni indicatif international",
    "[0-9]{1,5}": "1 à 5 chiffres",
    "[0-9]{2}\\.[0-9]{2}": "deux chiffres, un point, deux chiffres",
    "([a-zA-Z0-9_.\\-]+@[a-zA-Z0-9_.\\-]+\\.[a-zA-Z]{1,3})?": (
        "vide, ou une adresse électronique dont l'extension a 1 à 3 lettres"
    ),
}
_TYPES: Final = {
    "xs:date": "une date AAAA-MM-JJ qui existe",
    "xs:dateTime": "une date et une heure AAAA-MM-JJThh:mm:ss",
    "xs:boolean": "true, false, 1 ou 0",
    "xs:base64Binary": "du base64",
    "xs:long": "un nombre entier",
}

_compiled = threading.local()


def schema_of(kind: DocumentKind) -> etree.XMLSchema:
    """Return the compiled schema of `kind`, one per thread: its error log is not safe to share."""
    cached: dict[DocumentKind, etree.XMLSchema] = _compiled.__dict__.setdefault("schemas", {})
    schema = cached.get(kind)
    if schema is None:
        with resources.as_file(resources.files("schemas") / "xsd") as folder:
            schema = etree.XMLSchema(file=str(Path(folder) / f"{kind.value}.xsd"))
        cached[kind] = schema
    return schema


def validate(root: etree._Element, kind: DocumentKind) -> tuple[Violation, ...]:
    """Validate the document of root `root` under the schema of `kind`; an empty tuple means valid.

    At most `MAX_VIOLATIONS`, in the order of the document. The tree is left as it is.
    """
    return validate_with(schema_of(kind), root)


def validate_with(schema: etree.XMLSchema, root: etree._Element) -> tuple[Violation, ...]:
    """Validate `root` under any compiled schema of ours, as `validate` does."""
    if schema.validate(root):
        return ()
    violations: list[Violation] = []
    for entry in _one_per_value(schema.error_log):
        violations.append(_violation(entry, root))
        if len(violations) == MAX_VIOLATIONS:
            break
    return tuple(violations)


def _one_per_value(log: Iterable[etree._LogEntry]) -> Iterable[etree._LogEntry]:
    # A value too long for its pattern breaks both facets: tell the more telling one only.
    kept: dict[tuple[str | None, str, int], etree._LogEntry] = {}
    for number, entry in enumerate(log):
        if entry.type not in _PRECEDENCE:
            kept[entry.path, "", number] = entry
            continue
        attribute = _ATTRIBUTE.search(entry.message)
        key = (entry.path, attribute[1] if attribute else "", -1)
        other = kept.get(key)
        if other is None or _PRECEDENCE.index(entry.type) < _PRECEDENCE.index(other.type):
            kept[key] = entry
    return kept.values()


def _violation(entry: etree._LogEntry, root: etree._Element) -> Violation:
    element, path = _locate(entry.path or "/*", root)
    name = _local(element)
    text = entry.message
    attribute = _ATTRIBUTE.search(text)
    if attribute is not None and entry.type != _ATTRIBUTE_MISSING:
        path = f"{path}/@{attribute[1]}"
        value = next((str(v) for k, v in element.items() if _NAME.sub("", k) == attribute[1]), "")
        subject = f"L'attribut « {attribute[1]} » de « {name} »"
    else:
        value = element.text or ""
        subject = f"L'élément « {name} »"
    rule, message, found, expected = _explain(entry.type, text, subject, name, value, element)
    return Violation(
        rule=rule,
        message=message,
        path=path,
        line=element.sourceline or entry.line or None,
        found=_cut(found),
        expected=_cut(expected),
    )


def _explain(
    kind: int, text: str, subject: str, name: str, value: str, element: etree._Element
) -> tuple[str, str, str, str]:
    """Return rule, message, found, expected."""
    if kind == _CONTENT:
        return _explain_content(text, name, element)
    if kind in (_MAX_LENGTH, _MIN_LENGTH):
        limit = _last_quoted(text)
        too, bound = ("long", "au plus") if kind == _MAX_LENGTH else ("court", "au moins")
        return "XSD-LONGUEUR", f"{subject} est trop {too}.", value, f"{limit} caractères {bound}"
    if kind in (_MAX_INCLUSIVE, _MIN_INCLUSIVE):
        limit = _last_quoted(text)
        too, bound = ("grand", "au plus") if kind == _MAX_INCLUSIVE else ("petit", "au moins")
        return "XSD-BORNES", f"{subject} est trop {too}.", value, f"{limit} {bound}"
    if kind == _PATTERN:
        pattern = text.partition("by the pattern '")[2].removesuffix(".").removesuffix("'")
        return "XSD-MOTIF", f"{subject} n'a pas la forme voulue.", value, _SHAPES.get(pattern, pattern)
    if kind == _NOT_A_VALUE:
        of = _TYPE.search(text)
        wanted = _TYPES.get(of[1], "un nombre entier") if of else ""
        return "XSD-TYPE", f"{subject} n'a pas une valeur admise.", value, wanted
    if kind == _ENUMERATION:
        values = text.partition("of the set {")[2].removesuffix(".").removesuffix("}").replace("'", "")
        return "XSD-LISTE", f"{subject} n'est pas une des valeurs admises.", value, f"l'une de : {values}"
    if kind == _FIXED:
        return "XSD-FIXE", f"{subject} n'a pas la valeur imposée.", value, _last_quoted(text)
    if kind == _NOT_EMPTY:
        found = value if value.strip() else "un blanc ou un saut de ligne"
        return "XSD-VIDE", f"{subject} ne doit rien contenir, pas même un blanc.", found, f"<{name}/>"
    if kind in _CHILD_IN_TEXT:
        return "XSD-ELEMENT", f"{subject} ne peut contenir que du texte.", "un élément", "du texte"
    if kind == _TEXT_IN_CHILDREN:
        return "XSD-TEXTE", f"{subject} ne peut contenir que des éléments.", "du texte", "des éléments"
    if kind in _ATTRIBUTE_REFUSED:
        return "XSD-ATTRIBUT", f"{subject} n'est pas admis, ou pas dans cet espace de noms.", value, ""
    if kind in _NIL_REFUSED:
        message = f"L'élément « {name} » ne peut être dit sans valeur par xsi:nil."
        return "XSD-ATTRIBUT", message, "xsi:nil", "l'élément et sa valeur, ou rien"
    if kind in _TYPE_REFUSED:
        return "XSD-ATTRIBUT", f"{subject} ne peut donner un autre type que celui du schéma.", value, ""
    if kind == _ATTRIBUTE_MISSING:
        missing = _MISSING_ATTRIBUTE.search(text)
        wanted = missing[1] if missing else ""
        return "XSD-ATTRIBUT-MANQUANT", f"Il manque l'attribut « {wanted} » de « {name} ».", "", wanted
    if kind == _ROOT:
        return (
            "XSD-RACINE",
            f"La racine « {name} » n'est pas celle du document attendu.",
            str(element.tag),
            "",
        )
    return "XSD-AUTRE", f"{subject} n'est pas conforme au schéma.", "", ""


def _explain_content(text: str, name: str, element: etree._Element) -> tuple[str, str, str, str]:
    listed = _EXPECTED.search(text)
    names = [_NAME.sub("", part) for part in listed[1].split(", ")] if listed else []
    expected = ", ".join(names)
    if len(names) > 1:
        expected = f"l'un de : {expected}"
    if "Missing child" in text:
        if len(names) == 1:
            return "XSD-MANQUANT", f"Il manque l'élément « {names[0]} » dans « {name} ».", "", expected
        return "XSD-MANQUANT", f"Il manque un élément obligatoire à la fin de « {name} ».", "", expected
    found = f"<{name}>"
    if len(names) == 1 and names[0] == name:
        message = f"L'élément « {name} » n'est pas dans l'espace de noms attendu."
        return "XSD-ESPACE", message, str(element.tag), expected
    parent = element.getparent()
    siblings = () if parent is None else {_local(child) for child in parent}
    if len(names) == 1 and names[0] not in siblings:
        message = f"Il manque l'élément « {names[0]} » avant « {name} »."
        return "XSD-MANQUANT", message, found, expected
    message = f"L'élément « {name} » n'est pas attendu ici : inconnu, répété ou mal placé."
    return "XSD-ELEMENT", message, found, expected


def _locate(libxml2_path: str, root: etree._Element) -> tuple[etree._Element, str]:
    """Follow a path of libxml2 (``/*/ns1:b[2]``); return the element and its path in local names."""
    element = root
    path = f"/{_local(root)}"
    for step in libxml2_path.split("/")[2:]:
        parts = _STEP.match(step)
        if parts is None:
            break
        prefix, local, index = parts[1], parts[2], int(parts[3] or 1)
        same = [
            child for child in element if local == "*" or (child.prefix == prefix and _local(child) == local)
        ]
        if index > len(same):
            break
        parent, element = element, same[index - 1]
        name = _local(element)
        twins = [child for child in parent if child.tag == element.tag]
        path += f"/{name}" if len(twins) == 1 else f"/{name}[{twins.index(element) + 1}]"
    return element, path


def _local(element: etree._Element) -> str:
    return _NAME.sub("", str(element.tag))


def _last_quoted(text: str) -> str:
    quoted = _LAST_QUOTED.search(text)
    return quoted[1] if quoted else ""


def _cut(text: str) -> str:
    return text if len(text) <= _TEXT_MAX else f"{text[: _TEXT_MAX - 1]}…"
