"""Archives within bounds."""

from __future__ import annotations

import io
import zipfile

import pytest

from mailflows.anomalies import ARCHIVE_REFUSEE
from mailflows.archives import LimitesArchive, read_archive, write_archive
from registry.anomalies import Anomalie
from registry.echanges import Fichier

LIMITES = LimitesArchive(fichiers=10, octets=3 << 20, rapport=200)


def pack(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return out.getvalue()


def refusal(octets: bytes, limites: LimitesArchive = LIMITES) -> str:
    found = read_archive(octets, limites)
    assert isinstance(found, Anomalie), found
    assert found.type is ARCHIVE_REFUSEE
    return found.message


def test_files_come_out_under_their_last_name() -> None:
    """[COU-6]"""
    octets = pack(("a/b/x.xml", b"<x/>"), ("y.xml", b"<y/>"), ("dossier/", b""))
    assert read_archive(octets, LIMITES) == (Fichier("x.xml", b"<x/>"), Fichier("y.xml", b"<y/>"))


def test_what_is_written_is_the_same_each_time() -> None:
    fichiers = [Fichier("a.xml", b"<a/>")]
    assert write_archive(iter(fichiers)) == write_archive(iter(fichiers))


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (pack(), "vide"),
        (pack(*((f"{n}.xml", b"<a/>") for n in range(11))), "11 fichiers"),
        (pack(("a.xml", b" " * (4 << 20))), "une fois ouverte"),
        (pack(("a.xml", bytes(2 << 20))), "un rapport de 200"),
        (pack(("a.zip", pack(("b.xml", b"<b/>")))), "contient une archive"),
        (pack(("a/x.xml", b"<x/>"), ("b/x.xml", b"<x/>")), "deux fichiers du même nom"),
        (pack(("a.xml", b"<a/>"), method=zipfile.ZIP_BZIP2), "compression inconnue"),
        (b"PK\x03\x04 rien de plus", "abîmée"),
        (pack(("a.xml", b"<a/>" * 500))[:-60], "abîmée"),
    ],
    # An archive holds the time at which it was made: two workers would name the same test differently.
    ids=["vide", "nombre", "taille", "rapport", "imbriquee", "homonymes", "compression", "rien", "coupee"],
)
def test_bounds(octets: bytes, said: str) -> None:
    """[COU-5] [COU-6]"""
    assert said in refusal(octets)


def test_a_password_is_refused() -> None:
    """[COU-6]"""
    octets = bytearray(pack(("a.xml", b"<a/>")))
    # The flag of encryption, in the directory and before the file.
    octets[octets.index(b"PK\x01\x02") + 8] |= 1
    assert "mot de passe" in refusal(bytes(octets))


def test_a_directory_that_lies_about_a_size() -> None:
    """[COU-5] Inflating stops at what was announced and judged."""
    octets = bytearray(pack(("a.xml", b"<a/>" * 100_000)))
    place = octets.index(b"PK\x01\x02") + 24
    octets[place : place + 4] = (4).to_bytes(4, "little")
    assert "abîmée" in refusal(bytes(octets)) or "taille annoncée" in refusal(bytes(octets))
