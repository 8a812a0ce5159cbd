"""TLS contexts over a real socket: who gets through, who does not, resumption."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from asyncio.sslproto import SSLProtocol
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from certs.autorite import Autorite, Identite, create_autorite
from certs.lecture import Certificat, empreinte_of, read_certificat
from certs.tls import TAMPON, bound_buffers, client_context, server_context, trust

MAINTENANT = datetime.now(UTC)


class Serveur:
    """Accepts connections one by one; keeps the certificate that each presented (None: nobody)."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.context = context
        self.vus: list[bytes | None] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self) -> None:
        while True:
            connection, _ = self.listener.accept()
            with connection:
                connection.settimeout(10)
                try:
                    with self.context.wrap_socket(connection, server_side=True) as tls:
                        data = tls.recv(4)
                        if data == b"stop":
                            return
                        self.vus.append(tls.getpeercert(binary_form=True))
                        tls.sendall(b"vu")
                except (ssl.SSLError, OSError):
                    self.vus.append(b"refus")

    def close(self, ca: bytes) -> None:
        call(self.port, client_context(ca), b"stop")
        self.thread.join(10)
        self.listener.close()


def call(
    port: int, context: ssl.SSLContext, data: bytes = b"ping", session: ssl.SSLSession | None = None
) -> tuple[bytes, ssl.SSLSession | None, bool | None]:
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as raw,
        context.wrap_socket(raw, server_hostname="localhost", session=session) as tls,
    ):
        tls.sendall(data)
        answer = tls.recv(2)
        return answer, tls.session, tls.session_reused


@pytest.fixture(scope="module")
def autorite() -> Autorite:
    return create_autorite(now=MAINTENANT)


@contextmanager
def serving(tmp_path: Path, autorite: Autorite, **options: object) -> Iterator[Serveur]:
    autorite.issue_serveur(now=MAINTENANT).write(tmp_path)
    context = server_context(
        tmp_path / "cert.pem",
        tmp_path / "key.pem",
        tmp_path / "ca.pem",
        **options,  # type: ignore[arg-type]
    )
    serveur = Serveur(context)
    try:
        yield serveur
    finally:
        serveur.close(autorite.pem)


def client(tmp_path: Path, ca: bytes, identite: Identite) -> ssl.SSLContext:
    folder = tmp_path / "client"
    identite.write(folder)
    return client_context(ca, folder / "cert.pem", folder / "key.pem")


def test_sans_certificat_la_connexion_passe(tmp_path: Path, autorite: Autorite) -> None:
    """[SOA-1] The fault « aucun certificat » is said above TLS: the handshake must let it through."""
    with serving(tmp_path, autorite) as serveur:
        assert call(serveur.port, client_context(autorite.pem))[0] == b"vu"
        assert serveur.vus == [None]


def test_certificat_de_l_autorite_est_lu_par_le_serveur(tmp_path: Path, autorite: Autorite) -> None:
    identite = autorite.issue_guichet("G1104", now=MAINTENANT)
    lu = read_certificat(identite.certificat)
    assert isinstance(lu, Certificat)
    with serving(tmp_path, autorite) as serveur:
        assert call(serveur.port, client(tmp_path, autorite.pem, identite))[0] == b"vu"
        assert serveur.vus[0] is not None
        assert empreinte_of(serveur.vus[0]) == lu.empreinte


def test_certificat_d_une_autre_autorite_est_refuse_puis_accepte_epingle(
    tmp_path: Path, autorite: Autorite
) -> None:
    autre = create_autorite("Autre autorité", now=MAINTENANT)
    identite = autre.issue_guichet("G9999", now=MAINTENANT)
    context = client(tmp_path, autorite.pem, identite)
    with serving(tmp_path, autorite) as serveur:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            call(serveur.port, context)
        trust(serveur.context, [identite.certificat])
        assert call(serveur.port, context)[0] == b"vu"
        # The pin trusts one certificate, never its whole authority.
        voisin = client(tmp_path, autorite.pem, autre.issue_guichet("G9998", now=MAINTENANT))
        with pytest.raises((ssl.SSLError, ConnectionError)):
            call(serveur.port, voisin)


@pytest.mark.parametrize("au_dessus", [False, True])
def test_certificat_expire(tmp_path: Path, autorite: Autorite, au_dessus: bool) -> None:
    """Refused by the handshake, unless the caller said that it judges the dates itself."""
    identite = autorite.issue_guichet("G1104", now=MAINTENANT - timedelta(days=10), duree=timedelta(days=1))
    context = client(tmp_path, autorite.pem, identite)
    with serving(tmp_path, autorite, dates_verifiees_au_dessus=au_dessus) as serveur:
        if au_dessus:
            assert call(serveur.port, context)[0] == b"vu"
        else:
            with pytest.raises((ssl.SSLError, ConnectionError)):
                call(serveur.port, context)


def test_certificat_de_serveur_ne_sert_pas_de_client(tmp_path: Path, autorite: Autorite) -> None:
    """RFC 5280 §4.2.1.12: without clientAuth a certificate does not authenticate a client."""
    identite = autorite.issue_serveur(now=MAINTENANT)
    with (
        serving(tmp_path, autorite) as serveur,
        pytest.raises((ssl.SSLError, ConnectionError)),
    ):
        call(serveur.port, client(tmp_path, autorite.pem, identite))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_reprise_de_session_garde_le_certificat(
    tmp_path: Path, autorite: Autorite, version: ssl.TLSVersion
) -> None:
    """A resumed connection still tells who speaks, or the partner would become nobody."""
    context = client(tmp_path, autorite.pem, autorite.issue_guichet("G1104", now=MAINTENANT))
    context.minimum_version = context.maximum_version = version
    with serving(tmp_path, autorite) as serveur:
        _, session, reused = call(serveur.port, context)
        assert not reused
        _, _, reused = call(serveur.port, context, session=session)
        assert reused
        assert serveur.vus[0] is not None
        assert serveur.vus[0] == serveur.vus[1]


def test_tls_1_1_est_refuse(tmp_path: Path, autorite: Autorite) -> None:
    """[SOA-1]"""
    context = client_context(autorite.pem)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match=r"TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with serving(tmp_path, autorite) as serveur, pytest.raises((ssl.SSLError, ConnectionError)):
        call(serveur.port, context)


def test_client_refuse_un_serveur_d_une_autre_autorite(tmp_path: Path, autorite: Autorite) -> None:
    autre = create_autorite("Autre", now=MAINTENANT)
    with serving(tmp_path, autorite) as serveur, pytest.raises(ssl.SSLCertVerificationError):
        call(serveur.port, client_context(autre.pem))


async def test_a_connection_holds_a_small_buffer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two records, whatever asyncio does by itself; a megabyte passes all the same."""
    monkeypatch.setattr(SSLProtocol, "max_size", SSLProtocol.max_size)
    bound_buffers()
    now = datetime.now(UTC)
    create_autorite(now=now).issue_serveur(now=now).write(tmp_path)
    serveur = server_context(tmp_path / "cert.pem", tmp_path / "key.pem", tmp_path / "ca.pem")
    sent = bytes(range(256)) * 4096

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(sent)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=serveur) as server:
        port = server.sockets[0].getsockname()[1]
        client = client_context(tmp_path / "ca.pem")
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client)
        assert await reader.readexactly(len(sent)) == sent
        protocol = writer.transport._ssl_protocol
        assert len(protocol._ssl_buffer) == TAMPON
        writer.close()
        await writer.wait_closed()
