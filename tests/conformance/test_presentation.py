"""The certificates that the kit makes for a campaign."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

from certs.autorite import create_autorite
from conformance.contrefacon import Genre
from conformance.presentation import Presentation
from conformance.profil import Pilotage


def test_a_certificate_whose_writing_was_cut_is_made_again_and_a_whole_one_kept(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    create_autorite("Essai", now=now).issue_guichet("HUB00", now=now).write(tmp_path / "hub")
    made = tmp_path / "faits"
    presentation = Presentation(Pilotage(autorites=str(tmp_path / "hub" / "ca.pem")), made, now)
    presentation.serve(Genre.EXPIRE)
    (folder,) = made.iterdir()
    whole = (folder / "cert.pem").read_bytes()
    assert isinstance(presentation.serve(Genre.EXPIRE), ssl.SSLContext)
    assert (folder / "cert.pem").read_bytes() == whole
    for each in ("ca.pem", "key.pem"):
        (folder / each).unlink()
    assert isinstance(presentation.serve(Genre.EXPIRE), ssl.SSLContext)
    assert (folder / "cert.pem").read_bytes() != whole
