"""A set of schemas: the published files, or new ones laid over them; compiled, to validate what was recorded.

Files come from whoever studies a change. They are read by the hardened parser, and may include only one
another: nothing is fetched.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from lxml import etree

from schemas.contract import OWN_SERVICES, PARTNER_SERVICES, SERVICES, wsdl_source, xsd_bytes, xsd_names
from schemas.evolution.modele import XS, SchemaIllisible, schema_of
from schemas.kinds import DocumentKind
from schemas.parser import Limits, parse
from schemas.violations import Violation

_LIMITES: Final = Limits(max_bytes=4 << 20, max_depth=64, max_elements=100_000)
"""Some ten times our largest schema."""


def published() -> dict[str, bytes]:
    """The files of the interface: XSD and WSDL, by name."""
    names = (*SERVICES, *OWN_SERVICES, *PARTNER_SERVICES)
    return {
        **{name: xsd_bytes(name) for name in xsd_names()},
        **{f"{name}.wsdl": wsdl_source(name) for name in names},
    }


def read_trees(fichiers: Mapping[str, bytes]) -> dict[str, etree._Element]:
    """The ``xs:schema`` of each file. Raises SchemaIllisible, also for an inclusion from elsewhere."""
    trees = {}
    for nom, octets in fichiers.items():
        root = parse(octets, _LIMITES)
        if isinstance(root, Violation):
            line = f", ligne {root.line}" if root.line else ""
            raise SchemaIllisible(f"{nom}{line} : {root.message}")
        schema = schema_of(nom, root)
        for place in schema.iter(f"{XS}include", f"{XS}import", f"{XS}redefine"):
            where = place.get("schemaLocation", "")
            if where != Path(where).name or place.tag == f"{XS}redefine":
                raise SchemaIllisible(f"{nom} : l'inclusion de « {where[:100]} » n'est pas suivie")
        trees[nom] = schema
    return trees


def compile_kinds(fichiers: Mapping[str, bytes]) -> dict[DocumentKind, etree.XMLSchema]:
    """The compiled schema of each kind of document, of a whole set of files. Raises SchemaIllisible."""
    compiled = {}
    with tempfile.TemporaryDirectory() as folder:
        for nom, octets in fichiers.items():
            (Path(folder) / Path(nom).name).write_bytes(octets)
        for kind in DocumentKind:
            nom = f"{kind.value}.xsd"
            try:
                compiled[kind] = etree.XMLSchema(file=str(Path(folder) / nom))
            except etree.XMLSchemaParseError as error:
                raise SchemaIllisible(f"{nom} n'est pas un schéma valable : {error}") from error
    return compiled
