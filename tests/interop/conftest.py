"""The foreign programs, the mail servers and the certificates that they need."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from certs.autorite import Autorite, create_autorite
from tests.interop.canal import PAR_IMAP, PAR_SMTP, Canal, open_canal
from tests.interop.serveurs import Dovecot, Postfix
from tools.etrangers import Absence, Chaine, chaine

Outil = Callable[[str], Chaine]


@pytest.fixture(scope="session")
def outil() -> Outil:
    """``outil("dovecot")``: the toolchain, installed if it can be; else the test is skipped by name."""

    @cache
    def get(nom: str) -> Chaine:
        found = chaine(nom)
        if isinstance(found, Absence):
            pytest.skip(f"programme étranger {nom} non éprouvé : {found.raison}")
        return found

    return get


@pytest.fixture(scope="session")
def autorite_tls() -> Autorite:
    """Issues the certificates of the connections, not those of the messages."""
    return create_autorite("Autorité des liaisons", now=datetime.now(UTC))


@pytest.fixture(scope="session")
def certificats_tls(autorite_tls: Autorite, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """cert.pem, key.pem and ca.pem of localhost."""
    folder = tmp_path_factory.mktemp("tls")
    autorite_tls.issue_serveur(now=datetime.now(UTC)).write(folder)
    return folder


def create_etabli() -> Path:
    """A folder for servers: its address is short (a Unix socket has 108 octets for it), other users pass."""
    base = Path(os.environ["ECHANGEUR_TESTS_DOSSIER"])
    base.chmod(0o711)
    folder = Path(tempfile.mkdtemp(prefix="s", dir=base))
    folder.chmod(0o711)
    return folder


def remove_etabli(folder: Path) -> None:
    """What its servers left, whoever owns it."""
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def etabli() -> Iterator[Path]:
    folder = create_etabli()
    yield folder
    remove_etabli(folder)


@pytest.fixture
def dovecot(outil: Outil, etabli: Path, certificats_tls: Path) -> Iterator[Dovecot]:
    """A dovecot of this test's own, empty, started."""
    server = Dovecot(outil("dovecot"), etabli / "dovecot", certificats_tls)
    try:
        server.start()
        yield server
    finally:
        server.kill()


@pytest.fixture
def postfix(outil: Outil, etabli: Path, certificats_tls: Path, dovecot: Dovecot) -> Iterator[Postfix]:
    """A postfix of this test's own before that dovecot, started."""
    server = Postfix(outil("postfix"), etabli / "postfix", certificats_tls, lmtp=dovecot.lmtp)
    try:
        server.start()
        yield server
    finally:
        server.kill()


@pytest.fixture(
    scope="session",
    params=[pytest.param(PAR_IMAP, id="imap"), pytest.param(PAR_SMTP, id="smtp", marks=pytest.mark.long)],
)
def canal(request: pytest.FixtureRequest, outil: Outil, certificats_tls: object) -> Iterator[Canal]:
    from pathlib import Path

    assert isinstance(certificats_tls, Path)
    dovecot, postfix = outil("dovecot"), outil("postfix")
    folder = create_etabli()
    try:
        with open_canal(folder, certificats_tls, request.param, dovecot, postfix) as canal:
            yield canal
    finally:
        remove_etabli(folder)
