"""Mutations of a document that know its schema: elements, values, names, attributes; then its bytes."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from random import Random
from typing import Final

from lxml import etree

from tests.fuzz.facettes import edge, facettes

_ESPACES: Final = (
    "",
    "http://nuu.application.i2",
    "http://nuu.application.i2/%20",
    "urn:autre",
    "http://www.w3.org/XML",
)
_ATTRIBUTS: Final = (
    ("{http://www.w3.org/2001/XMLSchema-instance}nil", "true"),
    ("{http://www.w3.org/2001/XMLSchema-instance}type", "xs:string"),
    (
        "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation",
        "http://nuu.application.i2/ file:///etc/passwd",
    ),
    ("{http://www.w3.org/XML/1998/namespace}base", "file:///"),
    ("{http://nuu.application.i2/}modifie", "true"),
    ("modifie", "peut-être"),
    ("code", "ZZZ"),
    ("id", "1"),
    ("href", "cid:xml_id"),
)


def mutate(root: etree._Element, rng: Random, donneurs: list[etree._Element]) -> etree._Element:
    """Between one and three mutations of a copy. donneurs: elements of other documents, to be put in."""
    root = copy.deepcopy(root)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        elements = [each for each in root.iter() if isinstance(each.tag, str)]
        rng.choice(_MUTATIONS)(root, rng.choice(elements), rng, donneurs)
    return root


Mutation = Callable[[etree._Element, etree._Element, Random, list[etree._Element]], None]


def _remove(root: etree._Element, one: etree._Element, rng: Random, _: list[etree._Element]) -> None:
    parent = one.getparent()
    if parent is not None:
        parent.remove(one)


def _double(root: etree._Element, one: etree._Element, rng: Random, _: list[etree._Element]) -> None:
    parent = one.getparent()
    if parent is not None:
        for _ in range(rng.choice((1, 1, 1, 5, 200))):
            parent.insert(parent.index(one), copy.deepcopy(one))


def _move(root: etree._Element, one: etree._Element, rng: Random, _: list[etree._Element]) -> None:
    if one is root:
        return
    inside = set(one.iter())
    places = [each for each in root.iter() if each not in inside and isinstance(each.tag, str)]
    place = rng.choice(places)
    place.insert(rng.randrange(len(place) + 1), one)


def _swap(root: etree._Element, one: etree._Element, rng: Random, _: list[etree._Element]) -> None:
    if len(one) > 1:
        one.append(one[rng.randrange(len(one) - 1)])


def _value(root: etree._Element, one: etree._Element, rng: Random, _: list[etree._Element]) -> None:
    leaves = [each for each in root.iter() if isinstance(each.tag, str) and len(each) == 0]
    chosen = rng.choice(leaves)
    name = etree.QName(chosen).localname
    if chosen.attrib and rng.random() < 0.6:
        attribute = rng.choice(list(chosen.attrib))
        chosen.set(attribute, _legal(edge(etree.QName(attribute).localname, chosen.get(attribute, ""), rng)))
    else:
        chosen.text = _legal(edge(name, chosen.text or "", rng))


def _attribute(root: etree._Element, one: etree._Element, rng: Random, _: list[etree._Element]) -> None:
    if one.attrib and rng.random() < 0.4:
        del one.attrib[rng.choice(list(one.attrib))]
    else:
        one.set(*rng.choice(_ATTRIBUTS))


def _namespace(root: etree._Element, one: etree._Element, rng: Random, _: list[etree._Element]) -> None:
    space = rng.choice(_ESPACES)
    local = etree.QName(one).localname
    try:
        one.tag = f"{{{space}}}{local}" if space else local
    except ValueError:
        one.tag = local


def _rename(root: etree._Element, one: etree._Element, rng: Random, _: list[etree._Element]) -> None:
    space, known = etree.QName(one).namespace, sorted(facettes())
    local = rng.choice((rng.choice(known), etree.QName(one).localname.upper(), "x" * 2_000, "_"))
    one.tag = f"{{{space}}}{local}" if space else local


def _text(root: etree._Element, one: etree._Element, rng: Random, _: list[etree._Element]) -> None:
    one.tail = rng.choice(("texte", " \n", "\u00a0", "0"))


def _comment(root: etree._Element, one: etree._Element, rng: Random, _: list[etree._Element]) -> None:
    inside = rng.choice(
        (etree.Comment(" x "), etree.ProcessingInstruction("xml-stylesheet", "href='file:///'"))
    )
    inside.tail, one.text = one.text, None
    one.insert(0, inside)


def _nest(root: etree._Element, one: etree._Element, rng: Random, _: list[etree._Element]) -> None:
    inside = one
    for _ in range(rng.choice((1, 3, 60, 400))):
        inside = etree.SubElement(inside, one.tag)


def _graft(root: etree._Element, one: etree._Element, rng: Random, donneurs: list[etree._Element]) -> None:
    one.insert(rng.randrange(len(one) + 1), copy.deepcopy(rng.choice(donneurs)))


_MUTATIONS: Final[tuple[Mutation, ...]] = (
    *(_remove, _remove, _double, _double, _move, _move, _swap),
    *(_value,) * 8,
    *(_attribute, _attribute, _namespace, _rename, _text, _comment, _nest, _graft),
)


def _legal(value: str) -> str:
    return re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", value)


_ENCODAGES: Final = (
    *("utf-8", "us-ascii", "iso-8859-1", "iso-8859-15", "windows-1252", "utf-16", "utf-16-le", "utf-16-be"),
    *("utf-7", "utf-32", "cp037", "utf-8-sig", "shift_jis", "x-inconnu", ""),
)


def write(root: etree._Element, rng: Random) -> bytes:
    """The bytes of a document; seldom in another encoding than said, or with what only bytes can hold."""
    data = etree.tostring(root, encoding="UTF-8", xml_declaration=rng.random() < 0.8)
    match rng.randrange(24):
        case 0:
            said, real = rng.choice(_ENCODAGES), rng.choice(_ENCODAGES[:8])
            body = re.sub(rb"^<\?xml[^>]*\?>", b"", data).decode()
            return f'<?xml version="1.0" encoding="{said}"?>{body}'.encode(real, "xmlcharrefreplace")
        case 1:
            return rng.choice((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\n", b" ", b"\0")) + data
        case 2:
            place = rng.randrange(len(data))
            bad = (
                b"\0",
                b"\x0b",
                b"\xff",
                b"\xc3\x28",
                b"\xed\xa0\x80",
                b"&#0;",
                b"&#x1f;",
                b"&inconnue;",
                b"]]>",
                b"<",
            )
            return data[:place] + rng.choice(bad) + data[place:]
        case 3:
            doctype = (
                b"<!DOCTYPE x>",
                b'<!DOCTYPE x SYSTEM "file:///etc/passwd">',
                b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
                b'<!DOCTYPE x [<!ENTITY % p SYSTEM "http://localhost:1/"> %p;]>',
            )
            return rng.choice(doctype) + re.sub(rb"^<\?xml[^>]*\?>\s*", b"", data)
        case 4:
            return data[: rng.randrange(len(data))]
        case 5:
            return re.sub(rb'version="1.0"', rng.choice((b'version="1.1"', b'version="2.0"')), data, count=1)
        case 6:
            return re.sub(rb">([^<>]{1,60})</", rb"><![CDATA[\1]]></", data, count=rng.choice((1, 0)))
        case 7:
            name = re.search(rb" (\w+)=\"[^\"]*\"", data)
            return data if name is None else data.replace(name[0], name[0] + name[0], 1)
        case _:
            return data
