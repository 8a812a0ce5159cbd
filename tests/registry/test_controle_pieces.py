"""What is admitted as a pièce, and each shape of malware that is not."""

from __future__ import annotations

import mmap
import tempfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry import controle_pdf
from registry.anomalies import Anomalie
from registry.controle_pdf import FENETRE
from registry.controle_pieces import Nature, check_contenu
from tests.registry.documents_pieces import (
    ARCHIVE_VIDE,
    EICAR,
    flux,
    jpeg,
    morceau,
    objstm,
    pdf,
    png,
    segment,
)

ADMIS = {
    "pdf": (pdf(), Nature.PDF),
    "pdf with object stream": (pdf(objstm(b"10 0 <</Type/Annot/S/URI>>")), Nature.PDF),
    "pdf revised": (pdf() + pdf()[9:], Nature.PDF),
    "pdf that opens on its page": (pdf(b"<</OpenAction[3 0 R/Fit]>>"), Nature.PDF),
    "pdf whose text speaks of scripts": (
        pdf(flux(b"", b"BT (le JavaScript et /JS ou /XFA) Tj ET")),
        Nature.PDF,
    ),
    "pdf with a font whose name begins likewise": (pdf(b"<</JSFont 1/LaunchPad 2>>"), Nature.PDF),
    "heavy pdf": (pdf(poids=3 << 20), Nature.PDF),
    "png": (png(), Nature.PNG),
    "jpeg": (jpeg(), Nature.JPEG),
    "jpeg of a telephone, second image behind": (jpeg() + bytes(40) + jpeg(), Nature.JPEG),
    "jpeg filled up": (jpeg() + b"\xff" * 7 + jpeg() + b"\x00\n", Nature.JPEG),
}


@pytest.mark.parametrize(("donnees", "nature"), ADMIS.values(), ids=ADMIS.keys())
def test_documents_of_households_are_admitted(donnees: bytes, nature: Nature) -> None:
    """[PIE-20]"""
    assert check_contenu(donnees) is nature


def _js(nom: bytes = b"/JS") -> bytes:
    return b"<</S/JavaScript%s(app.alert\\(1\\))>>" % nom


LOIN = b"%" + b"x" * (FENETRE - 200)
REFUSES = {
    "empty": (b"", "PIE221"),
    "text": (b"Bonjour", "PIE221"),
    "gif": (b"GIF89a" + bytes(50), "PIE221"),
    "eicar": (EICAR, "PIE223"),
    "eicar in a pdf": (pdf(flux(b"", EICAR)), "PIE223"),
    "eicar astride two windows": (pdf(flux(b"", b"x" * (FENETRE - 640) + EICAR)), "PIE223"),
    "windows": (b"MZ" + bytes(100), "PIE223"),
    "linux": (b"\x7fELF" + bytes(100), "PIE223"),
    "java": (b"\xca\xfe\xba\xbe" + bytes(100), "PIE223"),
    "shell": (b"#!/bin/sh\n", "PIE223"),
    "office": (b"PK\x03\x04" + bytes(100), "PIE223"),
    "windows in a pdf": (
        pdf(flux(b"", b"MZ..This program cannot be run in DOS mode.")),
        "PIE223",
    ),
    "pdf, script": (pdf(_js()), "PIE224"),
    "pdf, script, name escaped": (
        pdf(_js().replace(b"JavaScript", b"J#61vaScr#69pt").replace(b"/JS", b"/J#53")),
        "PIE224",
    ),
    "pdf, script in an object stream": (pdf(objstm(_js())), "PIE224"),
    "pdf, script far in an object stream": (pdf(objstm(b" " * 3_000_000 + _js())), "PIE224"),
    "pdf, script astride two inflated blocks": (pdf(objstm(b" " * (FENETRE - 7) + _js())), "PIE224"),
    "pdf, script in an object stream that does not say so": (
        pdf(flux(b"/N 1/First 4/Filter/FlateDecode", zlib.compress(_js()))),
        "PIE224",
    ),
    "pdf, script in an object stream, abbreviated filter": (pdf(objstm(_js(), b"/Filter/Fl")), "PIE224"),
    "pdf, script in a false stream": (pdf(flux(b"/Type/XObject", _js())), "PIE224"),
    "pdf, script after a fake stream word": (pdf(b"(stream\n)" + _js() + b"(endstream)"), "PIE224"),
    "pdf, script astride two windows": (pdf(_js(), avant=LOIN), "PIE224"),
    "pdf, launch": (pdf(b"<</S/Launch/F(cmd.exe)>>"), "PIE224"),
    "pdf, hidden file": (pdf(b"<</Names<</EmbeddedFiles 7 0 R>>>>"), "PIE224"),
    "pdf, programmable form": (pdf(b"<</AcroForm<</XFA 7 0 R>>>>"), "PIE224"),
    "pdf, encrypted": (pdf(b"<</Encrypt 9 0 R>>"), "PIE226"),
    "pdf, objects in ascii": (pdf(objstm(_js(), b"/Filter[/ASCIIHexDecode/FlateDecode]")), "PIE226"),
    "pdf, objects with a predictor": (
        pdf(objstm(b"", b"/Filter/FlateDecode/DecodeParms<</Predictor 12>>")),
        "PIE226",
    ),
    "pdf, objects not deflated": (pdf(flux(b"/Type/ObjStm/Filter/FlateDecode", b"rien")), "PIE226"),
    "pdf, cut": (pdf()[:-30], "PIE222"),
    "pdf, stream without end": (pdf().replace(b"endstream", b"endstr"), "PIE222"),
    "pdf, then a page": (pdf(apres=b"<html><script>1</script>"), "PIE225"),
    "pdf, then an archive": (pdf(apres=ARCHIVE_VIDE), "PIE225"),
    "pdf, archive in its end": (pdf(b"(" + ARCHIVE_VIDE + b")"), "PIE225"),
    "pdf in a page": (b"%PDF-1.4 <html><script>1</script>" + pdf(), "PIE225"),
    "pdf not first": (b"GIF89a;" + pdf(), "PIE221"),
    "png, then an archive": (png() + ARCHIVE_VIDE, "PIE225"),
    "png, pdf inside": (png(morceau(b"tEXt", b"a\x00" + pdf())), "PIE225"),
    "png, script inside": (png(morceau(b"tEXt", b"a\x00<ScRiPt >1</script>")), "PIE225"),
    "png, server script inside": (png(morceau(b"tEXt", b"a\x00<?php system($_GET[0]);")), "PIE225"),
    "png, cut": (png()[:-8], "PIE222"),
    "png, damaged": (png().replace(b"IDAT", b"IDAU"), "PIE222"),
    "png, bomb": (png(largeur=60_000, hauteur=60_000), "PIE222"),
    "jpeg, then an archive": (jpeg() + ARCHIVE_VIDE, "PIE225"),
    "jpeg, pdf in a comment": (jpeg(segment(0xFE, pdf())), "PIE225"),
    "jpeg, page in a comment": (jpeg(segment(0xFE, b"<script>1</script>")), "PIE225"),
    "jpeg, cut": (jpeg()[:-2], "PIE222"),
    "jpeg, no image": (b"\xff\xd8\xff\xd9", "PIE222"),
    "jpeg, bomb": (jpeg(hauteur=0xFFFF).replace(b"\x00\x01\x01\x01\x11", b"\xff\xff\x01\x01\x11"), "PIE222"),
}


@pytest.mark.parametrize(("donnees", "code"), REFUSES.values(), ids=REFUSES.keys())
def test_each_hostile_or_damaged_shape_is_refused(donnees: bytes, code: str) -> None:
    """[PIE-21] [PIE-22] [PIE-23] [PIE-24] [PIE-25]"""
    found = check_contenu(donnees)
    assert isinstance(found, Anomalie), found
    assert found.code == code, found.message


def test_an_object_stream_that_inflates_beyond_measure_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """[PIE-25] A deflate bomb stops at the limit, not at the end of the memory."""
    monkeypatch.setattr(controle_pdf, "GONFLE_MAX", 1 << 20)
    assert check_contenu(pdf(objstm(bytes(1 << 19)), objstm(bytes(1 << 18)))) is Nature.PDF
    found = check_contenu(pdf(objstm(bytes(1 << 19)), objstm(bytes(1 << 20))))
    assert isinstance(found, Anomalie)
    assert (found.code, "démesuré" in found.message) == ("PIE226", True)


@given(st.data(), st.sampled_from([pdf(), png(), jpeg(), pdf(objstm(b"<<>>"))]))
def test_nothing_that_arrives_makes_the_check_fail(data: st.DataObject, document: bytes) -> None:
    """[PIE-21] Whatever is cut out of a document or put into it, the check answers."""
    octets = bytearray(document)
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(octets)))
        octets[place : place + data.draw(st.integers(0, 20))] = data.draw(st.binary(max_size=20))
    check_contenu(bytes(octets))


@pytest.mark.parametrize("donnees", [ADMIS["heavy pdf"][0], REFUSES["pdf, script"][0], png(), jpeg()])
def test_a_mapped_file_is_judged_as_its_bytes_are(donnees: bytes) -> None:
    """[PIE-30] What is streamed to disk gets the same checks as what is held."""
    with tempfile.TemporaryFile() as file:
        file.write(donnees)
        file.flush()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            assert check_contenu(mapped) == check_contenu(donnees)
