"""The parser lets nothing in but plain XML within its caps, and answers with values only."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from schemas.parser import DOCUMENT_LIMITS, ENVELOPE_LIMITS, Limits, parse
from schemas.violations import Violation
from tests.schemas.modeles_xml import demande

SMALL = Limits(max_bytes=1000, max_depth=5, max_elements=10)


def rule(data: bytes, limits: Limits = DOCUMENT_LIMITS) -> str:
    result = parse(data, limits)
    assert isinstance(result, Violation), etree.tostring(result)[:100]
    assert result.message.endswith(".")
    return result.rule


def root(data: bytes, limits: Limits = DOCUMENT_LIMITS) -> etree._Element:
    result = parse(data, limits)
    assert not isinstance(result, Violation), result
    return result


BOMB = b"""<?xml version="1.0"?>
<!-- rien --><!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;">]>
<a>&d;</a>"""


@pytest.mark.parametrize(
    "data",
    [
        BOMB,
        b"<!DOCTYPE a><a/>",
        b"\xef\xbb\xbf<!DOCTYPE a><a/>",
        b"\n <!--\n--><?p i?>\r\n<!DOCTYPE a SYSTEM 'http://127.0.0.1/x'><a/>",
        b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>",
        b"<!DOCTYPE a [<!ATTLIST a b CDATA 'defaut'>]><a/>",
        b"<!DOCTYPE a [<!ENTITY % x SYSTEM 'http://127.0.0.1/x'> %x;]><a/>",
        BOMB.decode().replace('"1.0"', '"1.0" encoding="UTF-16"').encode("utf-16"),
        "<!DOCTYPE a><a/>".encode("utf-16"),
    ],
)
def test_any_document_type_is_refused(data: bytes) -> None:
    assert rule(data) == "XML-DTD"


@pytest.mark.parametrize(
    "data",
    [b"<a><!-- <!DOCTYPE b> --></a>", b"<a><![CDATA[<!DOCTYPE b>]]></a>", b"<a/><!-- <!DOCTYPE b> -->"],
)
def test_a_quoted_document_type_is_only_text(data: bytes) -> None:
    assert root(data).tag == "a"


def test_no_file_is_ever_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.xml"
    secret.write_text("<secret/>")
    include = f"""<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="{secret.as_uri()}"/></a>"""
    assert b"secret/" not in etree.tostring(root(include.encode()))
    assert rule(f'<!DOCTYPE a [<!ENTITY x SYSTEM "{secret.as_uri()}">]><a>&x;</a>'.encode()) == "XML-DTD"


@pytest.mark.parametrize("data", [b"<a>&nbsp;</a>", b'<a b="&x;"/>'])
def test_entities_other_than_those_of_xml_are_refused(data: bytes) -> None:
    assert rule(data) == "XML-ENTITE"
    assert root(b"<a>&lt;&amp;&#233;&#xE9;</a>").text == "<&éé"


def test_size_is_checked_before_anything_else() -> None:
    result = parse(b"x" * 1001, SMALL)
    assert isinstance(result, Violation)
    assert (result.rule, result.found, result.expected) == (
        "XML-TAILLE",
        "1001 octets",
        "1000 octets au plus",
    )
    assert rule(b"x" * (DOCUMENT_LIMITS.max_bytes + 1)) == "XML-TAILLE"


def test_depth_is_capped_exactly() -> None:
    for depth in (5, 6):
        data = b"<a>" * depth + b"</a>" * depth
        assert (not isinstance(parse(data, SMALL), Violation)) is (depth <= 5)
    assert rule(b"<a>" * 6 + b"</a>" * 6, SMALL) == "XML-PROFONDEUR"
    assert rule(b"<a>" * 10_000 + b"</a>" * 10_000) == "XML-PROFONDEUR"


def test_elements_are_capped_exactly() -> None:
    for count in (10, 11):
        data = b"<a>" + b"<b/>" * (count - 1) + b"</a>"
        assert (not isinstance(parse(data, SMALL), Violation)) is (count <= 10)
    assert rule(b"<a>" + b"<b/>" * 10 + b"</a>", SMALL) == "XML-NOEUDS"
    closed = b"<a>" + b"<b></b>" * 9 + b"<!-- --><?p i?></a>"
    assert root(closed, SMALL).tag == "a"


def test_a_text_over_ten_megabytes_is_a_value_not_a_crash() -> None:
    wide = Limits(max_bytes=20 << 20, max_depth=5, max_elements=10)
    assert rule(b"<a>" + b"x" * 10_000_001 + b"</a>", wide) == "XML-TAILLE"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "us-ascii", "ISO-8859-1", "iso-8859-15", "windows-1252", "UTF-16"]
)
def test_the_encodings_of_partners_are_read(encoding: str) -> None:
    text = "Zoe" if encoding == "us-ascii" else "Zoé"
    data = f'<?xml version="1.0" encoding="{encoding}" standalone="yes"?>\n<a>{text}</a>'.encode(encoding)
    assert root(data).text == text


def test_utf16_of_either_order_without_declaration() -> None:
    for codec, mark in (("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff")):
        assert root(mark + "<a>é\U00010348</a>".encode(codec)).text == "é\U00010348"
    assert rule(b"\xff\xfe<\x00a") == "XML-CODAGE"


@pytest.mark.parametrize(
    "data",
    [
        b'<?xml version="1.0" encoding="UTF-7"?><a/>',
        b"<?xml version='1.0' encoding='ebcdic-cp-fr'?><a/>",
        b'<?xml version="1.0" encoding="inconnu"?><a/>',
        "<a/>".encode("utf-16-le"),
        "<a/>".encode("utf-32"),
        b"<a>\xe9</a>",
        b"<a>\x00</a>",
    ],
)
def test_other_encodings_and_bytes_out_of_encoding_are_refused(data: bytes) -> None:
    """In an encoding that is not ASCII-compatible, a DTD would escape the search for it."""
    assert rule(data) in ("XML-CODAGE", "XML-CARACTERE")


def test_ebcdic_is_not_guessed() -> None:
    assert rule('<?xml version="1.0"?><!DOCTYPE a><a/>'.encode("cp500")) == "XML-FORME"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "XML-FORME"),
        (b"  \n", "XML-FORME"),
        (b"bonjour", "XML-FORME"),
        (b"<a><b>", "XML-FORME"),
        (b"<a><b></a></b>", "XML-FORME"),
        (b"<a/>suite", "XML-FORME"),
        (b"<a/><b/>", "XML-FORME"),
        (b"<x:a/>", "XML-FORME"),
        (b'<a b="1" b="2"/>', "XML-FORME"),
        (b"<a>1 & 2</a>", "XML-FORME"),
        (b'<a b="<"/>', "XML-FORME"),
        (b'\n<?xml version="1.0"?><a/>', "XML-FORME"),
        (b"<a>\x01</a>", "XML-CARACTERE"),
    ],
)
def test_malformed_documents_have_a_rule_a_line_and_a_french_message(data: bytes, expected: str) -> None:
    result = parse(data)
    assert isinstance(result, Violation)
    assert result.rule == expected
    assert result.line is not None
    assert result.line >= 1
    assert "libxml" not in result.message


def test_a_comment_does_not_hide_the_rest_of_a_text() -> None:
    """With comments kept, .text would be the first half only: another name than the one signed."""
    assert root(b"<a>DU<!-- x -->RAND<?p i?>-<![CDATA[ROY]]></a>").text == "DURAND-ROY"


def test_crlf_is_read_as_a_line_end() -> None:
    assert root(b"<a>1\r\n2</a>").text == "1\n2"


def test_a_hint_of_schema_location_is_harmless() -> None:
    data = demande().replace(
        b"versionInterface",
        b'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:x /nulle/part.xsd"'
        b" versionInterface",
    )
    assert root(data).get("versionInterface") == "02.01"


@given(st.binary(max_size=200))
def test_any_bytes_give_a_tree_or_a_violation(data: bytes) -> None:
    assert isinstance(parse(data), (etree._Element, Violation))


@given(st.data())
def test_any_damage_to_a_document_gives_a_tree_or_a_violation(data: st.DataObject) -> None:
    document = bytearray(demande())
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(document) - 1))
        document[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    assert isinstance(parse(bytes(document)), (etree._Element, Violation))


def test_envelopes_may_be_larger_but_hold_fewer_elements() -> None:
    assert ENVELOPE_LIMITS.max_bytes > DOCUMENT_LIMITS.max_bytes * 4 / 3
    assert ENVELOPE_LIMITS.max_elements < DOCUMENT_LIMITS.max_elements
