"""One model of a schema, read either from the tables of facts or from an XSD, so that they can be compared.

The model is what a document can see: for every path from a root, the order, number and form of the
elements, the choices, the attributes, the values with their facets. Names of types are not in it.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lxml import etree

FACTS = Path(__file__).parent / "facts"
SCHEMAS = Path(__file__).parents[2] / "schemas"
XS = "{http://www.w3.org/2001/XMLSchema}"
FACETS = ("minLength", "maxLength", "pattern", "minInclusive", "maxInclusive")

Facets = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Attribute:
    name: str  # {namespace}name when qualified
    use: str
    fixed: str
    base: str
    facets: Facets


@dataclass(frozen=True)
class Node:
    """What may stand in one element: its particles in order, its value, its attributes."""

    content: str  # sequence, empty, value
    form: str
    base: str = ""
    facets: Facets = ()
    particles: tuple[tuple[object, ...], ...] = ()
    attributes: frozenset[Attribute] = frozenset()


Model = dict[str, Node]


@dataclass
class Facts:
    """The rows of elements.csv for one document and what it includes."""

    rows: list[dict[str, str]]
    namespace: str
    model: Model = field(default_factory=dict)

    @classmethod
    def of(cls, document: str) -> Facts:
        known = {row["schema_version_doc"]: row for row in read_facts("schemas.csv")}
        wanted = {document, *known[document]["includes"].split(",")}
        rows = [row for row in read_facts("elements.csv") if row["schema_version_doc"] in wanted]
        return cls(rows, known[document]["targetNamespace"])

    def read(self) -> Model:
        for row in self.rows:
            if row["kind"] == "global-element":
                owner = row["type"] if row["type"] != "(anonymous)" else row["name"]
                self._complex(f"/{row['name']}", owner, "qualified")
        return self.model

    def types(self, *names: str) -> Model:
        for name in names:
            self._complex(f"type {name}", name, "")
        return self.model

    def _declared(self, name: str, kinds: tuple[str, ...]) -> dict[str, str] | None:
        for row in self.rows:
            if row["parent_kind"] == "schema" and row["name"] == name and row["kind"] in kinds:
                return row
        return None

    def _members(self, owner: str) -> list[dict[str, str]]:
        return [r for r in self.rows if r["parent_kind"] != "schema" and r["parent_type"] == owner]

    def _element(self, path: str, row: dict[str, str]) -> None:
        if self._declared(row["type"], ("complexType",)) is None:
            self.model[path] = Node("value", row["namespace_form"], row["value_base"], _facets(row))
        else:
            self._complex(path, row["type"], row["namespace_form"], row)

    def _complex(self, path: str, owner: str, form: str, row: dict[str, str] | None = None) -> None:
        declared = self._declared(owner, ("complexType",)) or self._declared(owner, ("global-element",))
        assert declared is not None, owner
        members = self._members(owner)
        attributes = frozenset(self._attribute(m) for m in members if m["kind"].startswith("attribute"))
        if declared["content"] == "simpleContent":
            value = row or declared
            self.model[path] = Node("value", form, value["value_base"], _facets(value), attributes=attributes)
            return
        particles = self._particles(path, members)
        content = "sequence" if declared["content"] == "sequence" else "empty"
        self.model[path] = Node(content, form, particles=particles, attributes=attributes)

    def _particles(self, path: str, members: list[dict[str, str]]) -> tuple[tuple[object, ...], ...]:
        ordered = [m for m in members if not m["kind"].startswith("attribute") and not m["choice_branch"]]
        particles: list[tuple[object, ...]] = []
        for member in sorted(ordered, key=lambda m: int(m["position"])):
            if member["kind"] == "choice":
                branches = [
                    m for m in members if m["choice_id"] == member["choice_id"] and m["choice_branch"]
                ]
                parts = tuple(
                    self._branch(path, b) for b in sorted(branches, key=lambda b: int(b["choice_branch"]))
                )
                particles.append(("choice", member["min"], member["max"], parts))
            else:
                particles.append(self._particle(path, member))
        return tuple(particles)

    def _particle(self, path: str, member: dict[str, str]) -> tuple[object, ...]:
        self._element(f"{path}/{member['name']}", member)
        return (member["name"], member["min"], member["max"])

    def _branch(self, path: str, member: dict[str, str]) -> tuple[object, ...]:
        if member["kind"] == "group-ref":
            group = [m for m in self._members(member["name"]) if m["parent_kind"] == "group"]
            return tuple(self._particle(path, m) for m in sorted(group, key=lambda m: int(m["position"])))
        return (self._particle(path, member),)

    def _attribute(self, row: dict[str, str]) -> Attribute:
        qualified = row["namespace_form"] == "qualified"
        name = f"{{{self.namespace}}}{row['name']}" if qualified else row["name"]
        return Attribute(name, row["use"] or "optional", row["fixed"], row["value_base"], _facets(row))


class Xsd:
    """A schema and what it includes, as trees; the inclusions come from `trees`, hence may be mutated."""

    def __init__(self, name: str, trees: Mapping[str, etree._Element]) -> None:
        self.model: Model = {}
        self._globals: dict[tuple[str, str], etree._Element] = {}
        pending, seen = [name], set()
        self.root = trees[name]
        self.namespace = self.root.get("targetNamespace", "")
        while pending:
            current = pending.pop()
            if current in seen:
                continue
            seen.add(current)
            for child in trees[current]:
                if child.tag == f"{XS}include":
                    pending.append(child.get("schemaLocation", ""))
                elif isinstance(child.tag, str) and child.get("name"):
                    self._globals[child.tag.removeprefix(XS), child.get("name", "")] = child

    def roots(self) -> list[str]:
        return [name for kind, name in self._globals if kind == "element"]

    def read(self) -> Model:
        for name in self.roots():
            self._element(f"/{name}", self._globals["element", name], "qualified")
        return self.model

    def types(self, *names: str) -> Model:
        for name in names:
            self._complex(f"type {name}", self._globals["complexType", name], "")
        return self.model

    def _form(self, local: etree._Element, default: str) -> str:
        schema = local.getroottree().getroot() if local.getparent() is not None else self.root
        schema = next((a for a in local.iterancestors(f"{XS}schema")), schema)
        return local.get("form") or schema.get(default) or "unqualified"

    def _element(self, path: str, element: etree._Element, form: str) -> None:
        inline = element.find(f"{XS}complexType")
        if inline is not None:
            self._complex(path, inline, form)
            return
        named = self._globals.get(("complexType", _bare(element.get("type", ""))))
        if named is not None and not element.get("type", "").startswith("xs:"):
            self._complex(path, named, form)
            return
        base, facets = self._value(element)
        self.model[path] = Node("value", form, base, facets)

    def _complex(self, path: str, definition: etree._Element, form: str) -> None:
        simple = definition.find(f"{XS}simpleContent/{XS}extension")
        holder = definition if simple is None else simple
        attributes = frozenset(self._attribute(a) for a in holder.findall(f"{XS}attribute"))
        if simple is not None:
            base, facets = self._named_value(simple.get("base", ""))
            self.model[path] = Node("value", form, base, facets, attributes=attributes)
            return
        sequence = definition.find(f"{XS}sequence")
        if sequence is None:
            self.model[path] = Node("empty", form, attributes=attributes)
            assert definition.find(f"{XS}choice") is None
            return
        node = Node("sequence", form, particles=self._particles(path, sequence), attributes=attributes)
        self.model[path] = node

    def _particles(self, path: str, holder: etree._Element) -> tuple[tuple[object, ...], ...]:
        return tuple(self._particle(path, child) for child in holder if child.tag != f"{XS}annotation")

    def _particle(self, path: str, child: etree._Element) -> tuple[object, ...]:
        low, high = child.get("minOccurs", "1"), child.get("maxOccurs", "1")
        if child.tag == f"{XS}choice":
            return ("choice", low, high, tuple(self._branch(path, branch) for branch in child))
        assert child.tag == f"{XS}element", child.tag
        name = child.get("name", "")
        self._element(f"{path}/{name}", child, self._form(child, "elementFormDefault"))
        return (name, low, high)

    def _branch(self, path: str, child: etree._Element) -> tuple[object, ...]:
        if child.tag == f"{XS}group":
            assert child.get("minOccurs") is None
            assert child.get("maxOccurs") is None
            group = self._globals["group", _bare(child.get("ref", ""))]
            sequence = group.find(f"{XS}sequence")
            assert sequence is not None
            return self._particles(path, sequence)
        return (self._particle(path, child),)

    def _attribute(self, attribute: etree._Element) -> Attribute:
        use, fixed = attribute.get("use", "optional"), attribute.get("fixed", "")
        if attribute.get("ref"):
            target = self._globals["attribute", _bare(attribute.get("ref", ""))]
            name = f"{{{self.namespace}}}{target.get('name')}"
        else:
            target = attribute
            qualified = self._form(attribute, "attributeFormDefault") == "qualified"
            name = f"{{{self.namespace}}}" * qualified + attribute.get("name", "")
        return Attribute(name, use, fixed, *self._value(target))

    def _value(self, holder: etree._Element) -> tuple[str, Facets]:
        inline = holder.find(f"{XS}simpleType")
        return self._restriction(inline) if inline is not None else self._named_value(holder.get("type", ""))

    def _named_value(self, name: str) -> tuple[str, Facets]:
        if name.startswith("xs:"):
            return name, ()
        return self._restriction(self._globals["simpleType", _bare(name)])

    def _restriction(self, simple: etree._Element) -> tuple[str, Facets]:
        restriction = simple.find(f"{XS}restriction")
        assert restriction is not None
        base, inherited = self._named_value(restriction.get("base", ""))
        own = tuple((child.tag.removeprefix(XS), child.get("value", "")) for child in restriction)
        return base, tuple(sorted((*inherited, *own)))


def read_facts(name: str) -> list[dict[str, str]]:
    with (FACTS / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_trees(folder: str) -> dict[str, etree._Element]:
    """Return the schema element of every XSD and WSDL of a folder of `schemas/`, by file name."""
    trees = {}
    for path in sorted((SCHEMAS / folder).iterdir()):
        root = etree.parse(str(path)).getroot()
        if path.suffix == ".wsdl":
            inline = root.findall(f".//{XS}schema")
            assert len(inline) == 1
            root = inline[0]
        trees[path.name] = root
    return trees


def differences(expected: Model, found: Model) -> list[str]:
    """Say, path by path, where two models differ."""
    lines = []
    for path in sorted(expected.keys() | found.keys()):
        if path not in found:
            lines.append(f"{path}: missing")
        elif path not in expected:
            lines.append(f"{path}: too much")
        elif expected[path] != found[path]:
            lines.append(f"{path}: expected {expected[path]}, found {found[path]}")
    return lines


def _facets(row: dict[str, str]) -> Facets:
    return tuple(sorted((facet, row[facet]) for facet in FACETS if row[facet]))


def _bare(name: str) -> str:
    return name.rpartition(":")[2]
