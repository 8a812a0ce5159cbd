"""A schema as a document sees it: for every path from a root, what may stand there. Names of types are gone.

Two schemas that accept the same documents may be written quite differently; those that differ by a path, a
cardinality or a facet never accept the same ones. Hence types, groups and inclusions are resolved here, and
only what a document can meet is left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

XS: Final = "{http://www.w3.org/2001/XMLSchema}"
SANS_BORNE: Final = 1 << 31
"""maxOccurs="unbounded"."""

FACETTES: Final = frozenset(
    {
        *("minLength", "maxLength", "minInclusive", "maxInclusive", "minExclusive", "maxExclusive"),
        *("totalDigits", "fractionDigits"),
    }
)
"""The facets that bound a number or a length; ``length`` is read as both its bounds."""

_INCLUSIONS: Final = (f"{XS}include", f"{XS}import")
_PROFONDEUR_MAX: Final = 40
"""Levels that are followed. Threat: a type that holds itself; no document of ours has more than 32."""


class SchemaIllisible(Exception):
    """A file that is no schema, or one that uses what this reader does not follow. The text is French."""


@dataclass(frozen=True, slots=True)
class Valeur:
    """What a text may be. base: a built-in type, with the prefix ``xs:``.

    facettes: the narrowest of each numeric facet, by name, as written. motifs: the patterns of each level of
    derivation, all to be met. liste: the values of the last enumeration, or None when there is none.
    """

    base: str
    facettes: Mapping[str, str] = field(default_factory=dict)
    motifs: tuple[str, ...] = ()
    liste: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Attribut:
    """nom: with its namespace between braces when it is qualified. fixe: its imposed value, or empty."""

    nom: str
    requis: bool
    fixe: str
    valeur: Valeur


@dataclass(frozen=True, slots=True)
class Enfant:
    """A place for elements of one name. maximum: `SANS_BORNE` when there is none.

    choix: the alternative that it stands in, ``"2.1"`` for the first branch of the choice that is the third
    particle, or empty: in a choice, nothing is demanded by itself.
    """

    nom: str
    minimum: int
    maximum: int
    choix: str = ""


@dataclass(frozen=True, slots=True)
class Noeud:
    """One element. espace: its namespace. valeur: None when it holds elements only, or nothing.

    enfants: in the order of the schema. choix: minimum and maximum of each choice, by its rank.
    """

    espace: str
    valeur: Valeur | None
    enfants: tuple[Enfant, ...] = ()
    choix: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    attributs: Mapping[str, Attribut] = field(default_factory=dict)
    ouvert: bool = False
    """Any element is accepted below (xs:any)."""
    documentation: str = ""


Modele = dict[str, Noeud]
"""By path, ``/interfaceNuu/demande/…``, in the order of a document."""


def read_modele(nom: str, arbres: Mapping[str, etree._Element]) -> Modele:
    """The model of the schema `nom` with all that it includes. arbres: the ``xs:schema`` of each file, by
    name. Raises SchemaIllisible."""
    return _Lecteur(nom, arbres).read()


def schema_of(nom: str, racine: etree._Element) -> etree._Element:
    """The ``xs:schema`` of a file: its root, or that of the types of a WSDL. Raises SchemaIllisible."""
    found = racine if racine.tag == f"{XS}schema" else next(racine.iter(f"{XS}schema"), None)
    if found is None:
        raise SchemaIllisible(f"{nom} n'est ni un schéma XSD ni un WSDL")
    return found


class _Lecteur:
    """Follows one schema from its roots."""

    def __init__(self, nom: str, arbres: Mapping[str, etree._Element]) -> None:
        self._globals: dict[tuple[str, str], etree._Element] = {}
        self._modele: Modele = {}
        pending, seen = [nom], set[str]()
        while pending:
            current = pending.pop()
            if current in seen:
                continue
            seen.add(current)
            if current not in arbres:
                raise SchemaIllisible(f"{nom} inclut {current}, qui manque")
            for child in arbres[current]:
                if child.tag in _INCLUSIONS:
                    if place := child.get("schemaLocation"):
                        pending.append(place)
                elif isinstance(child.tag, str) and child.get("name"):
                    self._globals.setdefault((child.tag, child.get("name", "")), child)
        # The roots of a schema are its own: what it includes brings types.
        self._roots = arbres[nom].findall(f"{XS}element")

    def read(self) -> Modele:
        for root in self._roots:
            self._element(f"/{root.get('name')}", root, qualified=True, depth=1)
        return self._modele

    def _element(self, path: str, element: etree._Element, *, qualified: bool, depth: int) -> None:
        if path in self._modele or depth > _PROFONDEUR_MAX:
            return
        espace = _schema(element).get("targetNamespace", "") if qualified else ""
        definition = element.find(f"{XS}complexType")
        named = element.get("type", "")
        if definition is None and named and not _is_builtin(named, element):
            definition = self._globals.get((f"{XS}complexType", _bare(named)))
        if definition is None:
            self._modele[path] = Noeud(espace, self._value(element), documentation=_documentation(element))
            return
        places = _Places()
        simple = definition.find(f"{XS}simpleContent/*")
        if simple is None:
            self._contents(definition, places)
            mixed = definition.get("mixed") in ("true", "1")
            valeur = Valeur("xs:string") if mixed else None
        else:
            valeur = self._narrowed(self._named(simple.get("base", ""), simple), simple)
        # Kept before those below: the order is that of a document.
        self._modele[path] = Noeud(
            espace,
            valeur,
            tuple(enfant for enfant, _ in places.enfants),
            places.choix,
            {each.nom: each for each in self._attributes(definition)},
            places.ouvert,
            _documentation(element),
        )
        for enfant, child in places.enfants:
            local = self._find("element", child.get("ref", "")) if child.get("ref") else child
            below = local is not child or _qualified(child, "elementFormDefault")
            self._element(f"{path}/{enfant.nom}", local, qualified=below, depth=depth + 1)

    def _contents(self, definition: etree._Element, places: _Places) -> None:
        """The content of a complex type, that of its base first."""
        derived = definition.find(f"{XS}complexContent/*")
        base = "" if derived is None else derived.get("base", "")
        if derived is None or _is_builtin(base, derived):
            self._particles(definition if derived is None else derived, places)
            return
        if derived.tag == f"{XS}extension":
            self._contents(self._find("complexType", base), places)
        self._particles(derived, places)

    def _particles(self, holder: etree._Element, places: _Places, choix: str = "") -> None:
        for child in holder:
            self._particle(child, places, choix)

    def _particle(self, child: etree._Element, places: _Places, choix: str) -> None:
        if child.tag == f"{XS}element":
            nom = child.get("name") or _bare(child.get("ref", ""))
            places.enfants.append((Enfant(nom, *_occurs(child), choix), child))
        elif child.tag in (f"{XS}sequence", f"{XS}all"):
            self._particles(child, places, choix)
        elif child.tag == f"{XS}group":
            self._particles(self._find("group", child.get("ref", "")), places, choix)
        elif child.tag == f"{XS}any":
            places.ouvert = True
        elif child.tag == f"{XS}choice":
            rank = str(len(places.choix))
            places.choix[rank] = _occurs(child)
            for number, branch in enumerate(each for each in child if each.tag != f"{XS}annotation"):
                self._particle(branch, places, f"{rank}.{number}")

    def _attributes(self, definition: etree._Element) -> Iterator[Attribut]:
        derived = definition.find(f"{XS}complexContent/*")
        if derived is None:
            derived = definition.find(f"{XS}simpleContent/*")
        if derived is not None:
            base = self._globals.get((f"{XS}complexType", _bare(derived.get("base", ""))))
            if base is not None and not _is_builtin(derived.get("base", ""), derived):
                yield from self._attributes(base)
        for each in (definition if derived is None else derived).findall(f"{XS}attribute"):
            if each.get("use") == "prohibited":
                continue
            target = self._find("attribute", each.get("ref", "")) if each.get("ref") else each
            qualified = target is not each or _qualified(each, "attributeFormDefault")
            espace = _schema(target).get("targetNamespace", "") if qualified else ""
            nom = target.get("name", "")
            yield Attribut(
                f"{{{espace}}}{nom}" if espace else nom,
                each.get("use") == "required",
                each.get("fixed") or target.get("fixed") or "",
                self._value(target),
            )

    def _value(self, holder: etree._Element) -> Valeur:
        inline = holder.find(f"{XS}simpleType")
        if inline is not None:
            return self._simple(inline)
        return self._named(holder.get("type", "xs:anyType"), holder)

    def _named(self, nom: str, holder: etree._Element) -> Valeur:
        if nom == "xs:anyType" or _is_builtin(nom, holder):
            return Valeur(f"xs:{_bare(nom)}")
        simple = self._globals.get((f"{XS}simpleType", _bare(nom)))
        if simple is not None:
            return self._simple(simple)
        # The base of a simple content may be a complex type, of simple content itself.
        content = self._find("complexType", nom).find(f"{XS}simpleContent/*")
        if content is None:
            raise SchemaIllisible(f"le type {nom} n'a pas de valeur")
        return self._narrowed(self._named(content.get("base", ""), content), content)

    def _simple(self, simple: etree._Element) -> Valeur:
        restriction = simple.find(f"{XS}restriction")
        if restriction is None:
            # A list or a union: its text tells it from another.
            written = etree.tostring(simple, method="c14n").decode()
            return Valeur("xs:anySimpleType", motifs=(" ".join(written.split()),))
        inline = restriction.find(f"{XS}simpleType")
        base = (
            self._named(restriction.get("base", ""), restriction) if inline is None else self._simple(inline)
        )
        return self._narrowed(base, restriction)

    def _narrowed(self, base: Valeur, restriction: etree._Element) -> Valeur:
        facettes = dict(base.facettes)
        motifs: list[str] = []
        liste: list[str] = []
        for facet in restriction:
            nom, value = str(facet.tag).removeprefix(XS), facet.get("value", "")
            if nom == "pattern":
                motifs.append(value)
            elif nom == "enumeration":
                liste.append(value)
            elif nom == "length":
                facettes["minLength"] = facettes["maxLength"] = value
            elif nom in FACETTES:
                facettes[nom] = value
        levels = (*base.motifs, "|".join(motifs)) if motifs else base.motifs
        return Valeur(base.base, facettes, levels, tuple(liste) if liste else base.liste)

    def _find(self, kind: str, nom: str) -> etree._Element:
        found = self._globals.get((f"{XS}{kind}", _bare(nom)))
        if found is None:
            raise SchemaIllisible(f"{kind} {nom} est employé sans être défini")
        return found


@dataclass
class _Places:
    enfants: list[tuple[Enfant, etree._Element]] = field(default_factory=list)
    choix: dict[str, tuple[int, int]] = field(default_factory=dict)
    ouvert: bool = False


def _schema(element: etree._Element) -> etree._Element:
    return next(each for each in element.iterancestors(f"{XS}schema"))


def _qualified(local: etree._Element, default: str) -> bool:
    return (local.get("form") or _schema(local).get(default)) == "qualified"


def _is_builtin(nom: str, holder: etree._Element) -> bool:
    prefix, colon, _ = nom.rpartition(":")
    return holder.nsmap.get(prefix if colon else None) == XS[1:-1]


def _occurs(particle: etree._Element) -> tuple[int, int]:
    low, high = particle.get("minOccurs", "1"), particle.get("maxOccurs", "1")
    return int(low), SANS_BORNE if high == "unbounded" else int(high)


def _documentation(element: etree._Element) -> str:
    found = element.find(f"{XS}annotation/{XS}documentation")
    return "" if found is None else " ".join("".join(found.itertext()).split())


def _bare(nom: str) -> str:
    return nom.rpartition(":")[2]
