"""What the kit says of a document that is not as it should."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from conformance.assertion import Constat
from conformance.assertions import courrier_distributions, courrier_reponses
from conformance.donnees import Donnees, put
from conformance.partenaire_courrier import Piece, Recu
from conformance.reponse import intact, valid
from schemas.courrier import Accuse, FichierAccuse, Verdict
from schemas.documents import DocumentKind


@pytest.fixture(scope="module")
def demande() -> bytes:
    return Donnees("graine", date(2026, 3, 2)).document("G1104", "111")


@pytest.fixture(scope="module")
def fautive(demande: bytes) -> bytes:
    """Its date is none."""
    return put(demande, "dateCreationDemande", "hier")


def test_an_invalid_document_is_told_by_what_is_wrong_in_it(demande: bytes, fautive: bytes) -> None:
    """[SOA-21]"""
    assert valid("document", demande).tenu
    found = valid("document", fautive)
    assert not found.tenu
    assert "dateCreationDemande" in found.trouve
    other = valid("document", demande, frozenset({DocumentKind.DOUBLONS}))
    assert not other.tenu
    assert "dateCreationDemande" not in other.trouve


def recu(nature: str, contenu: bytes) -> Recu:
    told = FichierAccuse("DEM.xml", b"", Verdict.ACCEPTE, numero="1" * 18, reponses=("R.xml",))
    accuse = Accuse("m", datetime(2026, 3, 2, tzinfo=UTC), Verdict.ACCEPTE, fichiers=(told,))
    return Recu(
        *("i", nature, "[echangeur] DISTRIBUTION G0592 7", "m", True, accuse),
        *((Piece("R.xml", contenu),), b""),
    )


def last(constats: Iterator[Constat]) -> Constat:
    """The one that a report quotes: the first that does not hold."""
    return next(each for each in constats if not each.tenu)


def test_a_report_quotes_what_is_wrong_in_a_document_that_came_by_mail(
    fautive: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """[DST-10] [COU-30] S0943 and S0901: it said that no demande was expected."""
    answer = recu("reponse", fautive)
    boite = SimpleNamespace(
        post=lambda *_: "", send=lambda *_: "", compose=lambda *_: "", answer=lambda *_: answer
    )
    c: Any = SimpleNamespace(
        boite=boite, document=lambda *_: b"", guichet=lambda _: SimpleNamespace(code="G0592")
    )
    monkeypatch.setattr(courrier_distributions, "_distributed", lambda _: recu("distribution", fautive))
    for control in (courrier_reponses.accepted, courrier_distributions.distributed):
        found = last(control(c))
        assert (found.quoi, "dateCreationDemande" in found.trouve) == ("document", True)


def test_a_value_that_is_lost_or_changed_is_told(demande: bytes) -> None:
    """[ENR-1] [ENR-2]"""
    assert intact(demande, demande).tenu
    changed = put(demande, "typeFichier", "RET")
    assert "typeFichier" in intact(demande, changed).trouve
    assert intact(demande, changed, "typeFichier", "dateFichier").tenu


def test_a_comment_is_no_value_and_what_cannot_be_read_keeps_none(demande: bytes) -> None:
    """A client may write comments; an answer that is none has lost everything."""
    commented = demande.replace(b"</", b"<!-- note --></", 1)
    assert intact(demande, commented).tenu
    assert intact(commented, demande).tenu
    for nothing in (b"", b"ceci n'est pas du XML"):
        assert not intact(demande, nothing).tenu
