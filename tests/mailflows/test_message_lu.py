"""Reading messages within bounds."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailflows.anomalies import MESSAGE_ILLISIBLE, NON_SIGNE, SANS_FICHIER, TROP_VOLUMINEUX
from mailflows.archives import write_archive
from mailflows.message_emis import Enveloppe, write_entity, write_mail
from mailflows.message_lu import (
    Exterieur,
    LimitesMessage,
    Signe,
    read_encrypted,
    read_files,
    read_outside,
    read_signed_entity,
)
from registry.anomalies import Anomalie
from registry.echanges import Fichier

LIMITES = LimitesMessage()
NOM = st.text(
    st.characters(min_codepoint=32, max_codepoint=126, exclude_characters='/\\"'), min_size=1, max_size=60
)


def outside(octets: bytes) -> Exterieur:
    found = read_outside(octets)
    assert isinstance(found, Exterieur), found
    return found


@given(st.lists(st.tuples(NOM, st.binary(min_size=1, max_size=300)), min_size=1, max_size=5))
def test_what_is_written_is_read(files: list[tuple[str, bytes]]) -> None:
    fichiers = [Fichier(f"a{nom.strip()}", b"<" + contenu) for nom, contenu in files]
    assert read_files(write_entity(fichiers), LIMITES) == tuple(fichiers)


@given(st.binary(max_size=2000))
def test_nothing_received_raises(octets: bytes) -> None:
    """[COU-5]"""
    found = read_outside(octets)
    if isinstance(found, Exterieur):
        read_encrypted(found)
    read_signed_entity(octets)
    read_files(octets, LIMITES)


def test_a_mail_of_ours_is_read_back() -> None:
    """[COU-33]"""
    identifier = uuid.uuid4()
    enveloppe = Enveloppe(
        identifier, "a@hub.fr", "b@c.fr", "[x] REPONSE", "reponse", datetime.now(UTC), "hub.fr", "abc@def"
    )
    found = outside(write_mail(enveloppe, "enveloped-data", b"\x30\x00" * 50))
    assert found.message_id == f"{identifier}@hub.fr"
    assert found.identifiant == str(identifier)
    assert found.automatique
    assert read_encrypted(found) == b"\x30\x00" * 50


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Type: application/x-pkcs7-mime\r\nContent-Transfer-Encoding: BASE64",
        b'Content-Type: application/octet-stream; name="smime.p7m"\r\nContent-Transfer-Encoding: base64',
        (
            b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n"
            b'Content-Disposition: attachment; filename="SMIME.P7M"'
        ),
    ],
)
def test_the_forms_of_an_encrypted_message(head: bytes) -> None:
    """[COU-1]"""
    assert read_encrypted(outside(head + b"\r\n\r\nMAA=\r\n\r\n")) == b"\x30\x00"


@pytest.mark.parametrize("kind", ["text/plain", "multipart/mixed; boundary=a", "application/pdf", ""])
def test_another_content_is_no_encrypted_message(kind: str) -> None:
    """[COU-1]"""
    found = read_encrypted(outside(b"Content-Type: " + kind.encode() + b"\r\n\r\n--a--"))
    assert isinstance(found, Anomalie)
    assert found.type is NON_SIGNE


def test_what_is_clear_signed_is_cut_byte_for_byte() -> None:
    """[COU-1]"""
    part = b"Content-Type: text/xml\n\n<a>\n</a>\n"
    octets = (
        b'Content-Type: multipart/signed; boundary="b"\n\nignored\n--b\n' + part + b"\n--b\n"
        b"Content-Type: application/pkcs7-signature\nContent-Transfer-Encoding: base64\n\nMAA=\n--b--\n"
    )
    found = read_signed_entity(octets)
    assert found == Signe(b"\x30\x00", part.replace(b"\n", b"\r\n"))


def test_a_boundary_that_begins_another_one() -> None:
    octets = (
        b'Content-Type: multipart/signed; boundary="b"\r\n\r\n--b\r\n'
        b'Content-Type: multipart/mixed; boundary="bb"\r\n\r\n--bb\r\n\r\nx\r\n--bb--\r\n'
        b"\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\nMAA=\r\n--b--\r\n"
    )
    found = read_signed_entity(octets)
    assert isinstance(found, Signe)
    assert found.contenu is not None
    assert found.contenu.endswith(b"--bb--\r\n")


def test_names_beyond_ascii_and_paths() -> None:
    parts = (
        b"--b\r\nContent-Disposition: attachment; filename*=utf-8''d%C3%A9p%C3%B4t.xml\r\n\r\n<a/>\r\n"
        b"--b\r\nContent-Type: text/xml; name==?utf-8?Q?=C3=A9t=C3=A9.xml?=\r\n\r\n<a/>\r\n"
        b'--b\r\nContent-Disposition: attachment; filename="..\\\\..\\\\etc/passwd"\r\n\r\n<a/>\r\n'
        b"--b\r\nContent-Type: text/plain\r\n\r\nBonjour\r\n"
        b"--b\r\nContent-Type: text/xml\r\n\r\n<a/>\r\n--b--"
    )
    found = read_files(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + parts, LIMITES)
    assert isinstance(found, tuple)
    assert [fichier.nom for fichier in found] == ["dépôt.xml", "été.xml", "passwd", "fichier-5.xml"]


def test_a_file_alone_and_an_archive_alone() -> None:
    """[COU-6]"""
    assert read_files(b"<?xml version='1.0'?><a/>", LIMITES) == (
        Fichier("fichier-1.xml", b"<?xml version='1.0'?><a/>"),
    )
    fichiers = (Fichier("a.xml", b"<a/>"), Fichier("b.xml", b"<b/>"))
    assert read_files(write_archive(iter(fichiers)), LIMITES) == fichiers
    assert read_files(write_entity([Fichier("lot.zip", write_archive(iter(fichiers)))]), LIMITES) == fichiers


def test_a_message_without_a_file() -> None:
    found = read_files(b"Content-Type: text/plain\r\n\r\nBonjour\r\n", LIMITES)
    assert isinstance(found, Anomalie)
    assert found.type is SANS_FICHIER


@pytest.mark.parametrize(
    ("octets", "kind"),
    [
        (
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n<a/>\r\n" * 6 + b"--b--",
            MESSAGE_ILLISIBLE,
        ),
        (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n<a/>\r\n", MESSAGE_ILLISIBLE),
        (b"Content-Transfer-Encoding: uuencode\r\n\r\n<a/>", MESSAGE_ILLISIBLE),
        (b"Content-Type: text/xml\r\n\r\n<a>" + b" " * 2000, TROP_VOLUMINEUX),
        (b"x" * 70_000, MESSAGE_ILLISIBLE),
    ],
)
def test_bounds_of_a_content(octets: bytes, kind: object) -> None:
    """[COU-5]"""
    found = read_files(octets, LimitesMessage(parties=5, octets=1000))
    assert isinstance(found, Anomalie)
    assert found.type is kind


def test_nesting_is_bounded() -> None:
    """[COU-5]"""
    octets = b"Content-Type: text/xml\r\n\r\n<a/>"
    for depth in range(6):
        name = f"b{depth}".encode()
        octets = (
            b"Content-Type: multipart/mixed; boundary="
            + name
            + b"\r\n\r\n--"
            + name
            + b"\r\n"
            + octets
            + b"\r\n--"
            + name
            + b"--"
        )
    found = read_files(octets, LIMITES)
    assert isinstance(found, Anomalie)
    assert "4 niveaux" in found.message


def test_a_hostile_header_costs_little() -> None:
    """[COU-5] A header of 60 KB of addresses took the new policy of email seconds."""
    octets = b"To: " + b"a@b.fr, " * 7_500 + b"\r\nMessage-ID: <x@y>\r\n\r\n"
    assert outside(octets).message_id == "x@y"
    too_long = read_outside(b"To: " + b"a@b.fr, " * 10_000 + b"\r\n\r\n")
    assert isinstance(too_long, Anomalie)


def test_an_identifier_of_the_sender_cannot_write_our_header() -> None:
    """[COU-33]"""
    assert outside(b"Message-ID: <a\r\n b@c>\r\n\r\n").message_id == ""
    assert outside(b"Message-ID: <" + b"a" * 400 + b">\r\n\r\n").message_id == ""
