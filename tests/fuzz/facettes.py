"""What the schemas say of each value: read from the XSD and the WSDL, so that mutations go to their edges."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from random import Random
from typing import Final

from lxml import etree

from schemas import contract

_XS: Final = "{http://www.w3.org/2001/XMLSchema}"
_DOSSIER: Final = Path(contract.__file__).parent


@dataclass(frozen=True)
class Facettes:
    """A simple type: its base among those of XML Schema, and what restricts it."""

    base: str = "string"
    longueurs: tuple[int, ...] = ()
    bornes: tuple[str, ...] = ()
    motif: str = ""
    enumeration: tuple[str, ...] = field(default=())


@cache
def facettes() -> dict[str, tuple[Facettes, ...]]:
    """By name of element or attribute, the types that it has in any schema."""
    files = [*sorted((_DOSSIER / "xsd").glob("*.xsd")), *sorted((_DOSSIER / "wsdl").glob("*.wsdl"))]
    roots = [etree.fromstring(file.read_bytes()) for file in files]
    types = {each.get("name"): each for root in roots for each in root.iter(f"{_XS}simpleType")}
    contents = {each.get("name"): each for root in roots for each in root.iter(f"{_XS}complexType")}

    def resolve(name: str, depth: int = 0) -> Facettes:
        local = name.rpartition(":")[2]
        if local in types and depth < 8:
            return read(types[local], depth + 1)
        content = contents.get(local)
        extension = None if content is None else content.find(f"{_XS}simpleContent/{_XS}extension")
        if extension is not None and depth < 8:
            return resolve(extension.get("base", ""), depth + 1)
        return Facettes(local)

    def read(simple: etree._Element, depth: int) -> Facettes:
        restriction = simple.find(f"{_XS}restriction")
        if restriction is None:
            return Facettes()
        found = resolve(restriction.get("base", "string"), depth)
        for facet in restriction:
            kind, value = str(facet.tag).removeprefix(_XS), facet.get("value", "")
            match kind:
                case "length" | "minLength" | "maxLength":
                    found = replace(found, longueurs=(*found.longueurs, int(value)))
                case "minInclusive" | "maxInclusive" | "minExclusive" | "maxExclusive":
                    found = replace(found, bornes=(*found.bornes, value))
                case "pattern":
                    found = replace(found, motif=value)
                case "enumeration":
                    found = replace(found, enumeration=(*found.enumeration, value))
        return found

    table: dict[str, set[Facettes]] = {}
    for root in roots:
        for each in root.iter(f"{_XS}element", f"{_XS}attribute"):
            name, inline = each.get("name"), each.find(f"{_XS}simpleType")
            if name is None:
                continue
            if inline is not None:
                table.setdefault(name, set()).add(read(inline, 0))
            elif each.get("type") is not None:
                table.setdefault(name, set()).add(resolve(each.get("type", "")))
    return {name: tuple(sorted(found, key=repr)) for name, found in table.items()}


_DATES: Final = (
    *("0000-01-01", "0001-01-01", "-0044-03-15", "1582-10-10", "1899-12-31", "2026-02-29", "2026-02-30"),
    *("2026-13-01", "2026-1-1", "9999-12-31", "10000-01-01", "99999999-01-01", "2026-06-30Z"),
    *("2026-06-30+14:00", "2026-06-30-14:01", "30/06/2026", "2026-06-30T00:00:00", " 2026-06-30 "),
)
_INSTANTS: Final = (
    *("2026-06-30T24:00:00", "2026-06-30T24:00:01", "2026-06-30T23:59:60", "2026-06-30T10:00:00"),
    *("2026-06-30T10:00:00.123456789012345678", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"),
    *("12026-06-30T10:00:00Z", "-0001-01-01T00:00:00Z", "2026-06-30", "2026-06-30 10:00:00", "maintenant"),
    "2026-03-29T02:30:00",
)
_NOMBRES: Final = (
    *("0", "-0", "-1", "+1", "1e3", "1.5", "007", "NaN", "INF", "2147483647", "2147483648", "-2147483649"),
    *(
        "9223372036854775807",
        "9223372036854775808",
        "9" * 40,
        "9" * 4_500,
        "1,5",
        "１２",
        "0x10",
        " 12 ",
        ".",
    ),
)
_BOOLEENS: Final = ("1", "0", "TRUE", "True", "oui", "2", "", " true ")
_BASE64: Final = ("", "=", "A", "AAA", "AAAA====", "A" * 1_001, "é", "-_-_", "AA AA", "AAAA" * 30_000)
_TEXTES: Final = (
    *(
        "",
        " ",
        "\t\n",
        "\u00a0",
        "\u200b",
        "\u202e",
        "\ufeff",
        "é" * 300,
        "\U0001f3e0",
        "e\u0301",
        "<![CDATA[",
    ),
    *("&amp;amp;", "' OR 1=1 --", "%s%n{0}{constat}", "../../etc/passwd", "\ud7ff", "\ufffd", "A" * 70_000),
    *("\u2028", "${jndi:ldap://x}", "\u0130\u0131", "ﬁ", "NULL", "null", "None"),
)
_PAR_BASE: Final = {
    "date": _DATES,
    "dateTime": _INSTANTS,
    "boolean": _BOOLEENS,
    "base64Binary": _BASE64,
    **dict.fromkeys(("integer", "int", "long", "short", "decimal", "double", "nonNegativeInteger"), _NOMBRES),
}


def edge(name: str, value: str, rng: Random) -> str:
    """Another value for the element or attribute of that name, most often at an edge of its type."""
    found = facettes().get(name)
    facette = rng.choice(found) if found else Facettes()
    kinds = [_TEXTES, _PAR_BASE.get(facette.base, _TEXTES), _PAR_BASE.get(facette.base, _TEXTES)]
    if facette.longueurs:
        fill = rng.choice(("a", "é", "0", "Z", " "))
        kinds += [
            tuple(fill * max(0, longueur + delta) for longueur in facette.longueurs for delta in (-1, 0, 1))
        ] * 2
    if facette.bornes:
        kinds += [tuple(each for borne in facette.bornes for each in _around(borne))] * 2
    if facette.enumeration:
        one = rng.choice(facette.enumeration)
        kinds += [(one, one.lower(), one + " ", one * 2, one[:-1], "ZZZZ")] * 3
    if facette.motif or name == "code":
        kinds += [_near(value, rng)] * 3
    return rng.choice(rng.choice(kinds))


def _around(borne: str) -> tuple[str, ...]:
    try:
        number = int(borne)
    except ValueError:
        return (borne, f"{borne}1", f"-{borne}")
    return (borne, str(number - 1), str(number + 1), f"{borne}.5")


def _near(value: str, rng: Random) -> tuple[str, ...]:
    """A value that a pattern takes, one character away."""
    place = rng.randrange(len(value) + 1)
    other = rng.choice("aZ09 -_é\t.")
    return (
        value[:place] + other + value[place:],
        value[:place] + value[place + 1 :],
        value.swapcase(),
        value[::-1],
    )
