"""What the hub writes: valid under its own schema, readable by the reference partner (interface/wire §4)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from schemas.demande import read_demande
from schemas.ecriture import STYLES
from schemas.emission import (
    AnomalieEmise,
    DoublonEmis,
    doublon_of,
    emit_demande,
    emit_doublons,
    emit_refus,
    format_instant,
    rehead,
)
from schemas.generation import TYPES_FICHIER, generate_demande
from schemas.kinds import DEMANDES, DocumentKind, identify
from schemas.validation import validate

AT = datetime(2026, 7, 1, 8, 30, 15, 250_999, UTC)
NUMBER = "1110626000001G1104"
ANOMALY = AnomalieEmise("DEM001", "La commune souhaitée n'existe pas.", "localisationSouhaite/commune")
P = "{http://nuu.application.i2/}"

requests = st.builds(
    lambda seed, kind, type_fichier, association, complet, style: generate_demande(
        seed, kind=kind, type_fichier=type_fichier, association=association, complet=complet, style=style
    ),
    st.integers(0, 10**6),
    st.sampled_from(sorted(DEMANDES)),
    st.sampled_from(TYPES_FICHIER),
    st.booleans(),
    st.booleans(),
    st.sampled_from(STYLES),
)
types_fichier = st.sampled_from(TYPES_FICHIER)
instants = st.datetimes(
    datetime(2000, 1, 1),  # noqa: DTZ001 (hypothesis adds the zone)
    datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours))),
)


def emitted(request: bytes, number: str | None = NUMBER) -> bytes:
    return emit_demande(etree.fromstring(request), type_fichier="RET", date_fichier=AT, num_unique=number)


def refused(request: bytes, doublons: tuple[DoublonEmis, ...] = ()) -> bytes:
    return emit_refus(etree.fromstring(request), [ANOMALY], doublons, date_fichier=AT)


def doublon(seed: int = 9, *, complet: bool = False, association: bool = False) -> DoublonEmis:
    data = generate_demande(seed, complet=complet, association=association)
    return doublon_of(NUMBER, read_demande(etree.fromstring(data)))


def assert_valid(data: bytes) -> etree._Element:
    root = etree.fromstring(data)
    kind = identify(root)
    assert kind is not None
    assert validate(root, kind) == ()
    return root


def cut(answer: bytes, name: str = "interfaceNuu") -> etree._Element:
    """What the reference client takes out of a whole answer (interface/wire §4, step 2)."""
    text = answer.decode()
    start = text.index(f":{name}") - 4
    end = text.index(f":{name}>") + len(f":{name}>")
    return etree.fromstring(text[start:end])


def assert_readable(data: bytes, name: str = "interfaceNuu") -> None:
    assert re.match(rb"<ns1:" + name.encode() + rb" xmlns:ns1=", data)
    assert data.count(b"xmlns") == 1
    assert set(re.findall(rb"</?([^:>\s/]+):", data)) == {b"ns1"}
    assert b"<!--" not in data
    assert b"<?" not in data
    around = b"--MIME\r\nContent-Type: text/xml\r\n\r\n" + data + b"\r\n--MIME--"
    assert etree.tostring(cut(around, name), method="c14n") == etree.tostring(
        etree.fromstring(data), method="c14n"
    )


@settings(max_examples=60, deadline=None)
@given(requests)
def test_an_emitted_demande_is_valid_and_readable_whatever_the_style_of_the_request(request: bytes) -> None:
    data = emitted(request)
    assert_valid(data)
    assert_readable(data)


@settings(max_examples=40, deadline=None)
@given(requests)
def test_an_emitted_demande_says_what_the_request_says_but_for_header_and_number(request: bytes) -> None:
    ours = {"entete", "typeFichier", "dateFichier", "numUnique", "incrementFichier"}

    def content(data: bytes) -> list[tuple[str, str, dict[str, str]]]:
        root = etree.fromstring(data)
        for name in ("listeAnomalie", "listeDoublons"):
            for answer in root.findall(f".//{P}{name}"):
                answer.getparent().remove(answer)  # type: ignore[union-attr]
        return [
            (str(e.tag), (e.text or "").strip(), dict(e.attrib))
            for e in root.iter()
            if etree.QName(e).localname not in ours | {"interfaceNuu"}
        ]

    assert content(emitted(request)) == content(request)
    assert read_demande(etree.fromstring(emitted(request))).num_unique == NUMBER
    assert read_demande(etree.fromstring(emitted(request, None))).num_unique is None


@settings(max_examples=40, deadline=None)
@given(requests, types_fichier, instants, types_fichier, instants)
def test_reheading_is_emitting_again(
    request: bytes, first: str, before: datetime, second: str, after: datetime
) -> None:
    root = etree.fromstring(request)
    once = emit_demande(root, type_fichier=first, date_fichier=before, num_unique=NUMBER)
    again = emit_demande(root, type_fichier=second, date_fichier=after, num_unique=NUMBER)
    assert rehead(once, type_fichier=second, date_fichier=after) == again


def test_the_request_is_left_as_it_was() -> None:
    root = etree.fromstring(generate_demande(1, complet=True))
    before = etree.tostring(root)
    emit_demande(root, type_fichier="DIS", date_fichier=AT, num_unique=NUMBER, guichet="G1226")
    emit_refus(root, [ANOMALY], date_fichier=AT)
    assert etree.tostring(root) == before


def test_the_guichet_can_be_another() -> None:
    root = etree.fromstring(generate_demande(1, guichet="G1104"))
    data = emit_demande(root, type_fichier="DIS", date_fichier=AT, num_unique=NUMBER, guichet="G1226")
    assert read_demande(assert_valid(data)).num_guichet == "G1226"


def test_0200_is_kept_only_without_an_element_of_0201() -> None:
    """interface/wire §9: the version is a declaration; six elements exist in 02.01 only."""
    old = generate_demande(1, kind=DocumentKind.DEMANDE_0200)
    assert etree.fromstring(emitted(old)).get("versionInterface") == "02.00"
    new = generate_demande(1, kind=DocumentKind.DEMANDE_0201, complet=True)
    lying = new.replace(b'versionInterface="02.01"', b'versionInterface="02.00"')
    assert assert_valid(emitted(lying)).get("versionInterface") == "02.01"
    assert etree.fromstring(emitted(new)).get("versionInterface") == "02.01"


@pytest.mark.parametrize("name", ["informationTraitement", "notifSms", "notifEvt"])
def test_each_element_of_0201_alone_makes_the_document_0201(name: str) -> None:
    root = etree.fromstring(generate_demande(1, type_fichier="DIS", complet=True))
    root.set("versionInterface", "02.00")
    for other in {"informationTraitement", "notifSms", "notifEvt"} - {name}:
        for element in root.findall(f".//{P}{other}"):
            element.getparent().remove(element)  # type: ignore[union-attr]
    assert assert_valid(emitted(etree.tostring(root))).get("versionInterface") == "02.01"


def test_text_that_looks_like_the_end_of_the_document_does_not_end_it() -> None:
    text = "</ns1:interfaceNuu> :interfaceNuu> <ns1:entete/> xmlns"
    root = etree.fromstring(generate_demande(1))
    precision = root.find(f".//{P}precision")
    assert precision is not None
    precision.text = text
    data = emitted(etree.tostring(root))
    assert read_demande(cut(data)).precision == text
    assert read_demande(etree.fromstring(rehead(data, type_fichier="DIS", date_fichier=AT))).precision == text


def test_comments_foreign_declarations_and_schema_hints_do_not_pass() -> None:
    noise = (
        b'<!-- x:interfaceNuu> --><?x :interfaceNuu>?><demande xmlns:z="urn:z" '
        b'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:a b">'
    )
    request = generate_demande(1).replace(b"ns1:", b"").replace(b"xmlns:ns1", b"xmlns")
    request = request.replace(b'xmlns="', b'xmlns="', 1).replace(b"<demande>", noise)
    if b'xmlns="' not in request:
        request = request.replace(b"<interfaceNuu ", b'<interfaceNuu xmlns="http://nuu.application.i2/" ')
    data = emitted(request)
    assert_valid(data)
    assert_readable(data)


def test_a_refusal_echoes_the_request_with_its_anomalies() -> None:
    """interface/wire §4: message only, never an empty list."""
    root = assert_valid(refused(generate_demande(1, complet=True)))
    assert read_demande(root).type_fichier == "RET"
    (item,) = root.findall(f".//{P}listeAnomalie/{P}anomalie")
    assert dict(item.attrib) == {"code": ANOMALY.code, "propriete": ANOMALY.propriete}
    assert [(child.tag, child.text) for child in item] == [(f"{P}message", ANOMALY.message)]


@settings(max_examples=40, deadline=None)
@given(requests, st.integers(0, 2))
def test_a_refusal_is_valid_and_readable_whatever_the_request(request: bytes, count: int) -> None:
    data = refused(request, tuple(doublon(seed) for seed in range(count)))
    root = assert_valid(data)
    assert_readable(data)
    assert len(root.findall(f".//{P}doublon")) == count  # those of the request do not come back


@settings(max_examples=40, deadline=None)
@given(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=700).filter(lambda text: text.strip()),
    st.text(max_size=300),
)
def test_any_message_is_cut_and_cleaned_to_what_the_schema_holds(message: str, propriete: str) -> None:
    root = etree.fromstring(generate_demande(1))
    try:
        data = emit_refus(root, [("DEM001", message, propriete)], date_fichier=AT)
    except ValueError:
        pytest.fail("a message cannot break an answer")
    assert_valid(data)


def test_a_long_message_is_cut_at_the_length_that_the_schema_holds() -> None:
    root = etree.fromstring(generate_demande(1))
    data = emit_refus(root, [("DEM001", "é" * 600, "p" * 300)], date_fichier=AT)
    item = assert_valid(data).find(f".//{P}anomalie")
    assert item is not None
    assert (item.findtext(f"{P}message"), item.get("propriete")) == ("é" * 512, "p" * 255)


@pytest.mark.parametrize(
    "anomalies", [[], [("DEM001", "", "")], [("DEM001", " ", "")], [("", "x", "")], [("A" * 11, "x", "")]]
)
def test_a_refusal_that_would_crash_a_partner_is_not_written(anomalies: list[tuple[str, str, str]]) -> None:
    with pytest.raises(ValueError, match="anomalie"):
        emit_refus(etree.fromstring(generate_demande(1)), anomalies, date_fichier=AT)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=3), st.booleans())
def test_doublons_are_a_document_of_their_own(seeds: list[int], complet: bool) -> None:
    data = emit_doublons([doublon(seed, complet=complet) for seed in seeds])
    root = assert_valid(data)
    assert identify(root) is DocumentKind.DOUBLONS
    assert_readable(data, "listeDoublons")
    assert len(root) == len(seeds)


def test_a_doublon_says_who_where_and_with_whom() -> None:
    demande = read_demande(etree.fromstring(generate_demande(9, complet=True)))
    root = etree.fromstring(emit_doublons([doublon_of(NUMBER, demande)]))
    assert root.findtext(f"{P}doublon/{P}numUnique") == NUMBER
    assert demande.demandeur is not None
    assert root.findtext(f".//{P}demandeur/{P}nom") == demande.demandeur.nom
    assert root.findtext(f".//{P}demandeur/{P}dateNaissance") == demande.demandeur.date_naissance.isoformat()
    assert len(root.findall(f".//{P}cotitulaire")) == len(demande.cotitulaires) == 1
    wished = [e.get("code") for e in root.findall(f".//{P}localisationSouhaitee/{P}commune")]
    assert wished == [code for code, _ in demande.localisations]


def test_no_doublon_for_an_association_nor_an_empty_list() -> None:
    with pytest.raises(ValueError, match="personne physique"):
        doublon(association=True)
    with pytest.raises(ValueError, match="vide"):
        emit_doublons([])


def test_instants_are_written_as_the_real_system_does() -> None:
    """interface/wire §8."""
    assert format_instant(datetime(2018, 3, 15, 15, 54, 6, 339_999, UTC)) == "2018-03-15T16:54:06.339+01:00"
    assert format_instant(datetime(2026, 7, 1, tzinfo=UTC)) == "2026-07-01T02:00:00.000+02:00"
    with pytest.raises(ValueError, match="fuseau"):
        format_instant(datetime(2026, 7, 1))  # noqa: DTZ001 (that is the point)


@pytest.mark.parametrize("type_fichier", ["", "CR", "CREE", "C-E", "<a>"])
def test_a_malformed_type_of_file_is_not_written(type_fichier: str) -> None:
    with pytest.raises(ValueError, match="typeFichier"):
        rehead(emitted(generate_demande(1)), type_fichier=type_fichier, date_fichier=AT)


def test_only_a_document_of_ours_can_be_reheaded() -> None:
    with pytest.raises(ValueError, match="not found"):
        rehead(b"<interfaceNuu/>", type_fichier="DIS", date_fichier=AT)
