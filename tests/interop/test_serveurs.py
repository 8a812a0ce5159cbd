"""The instruments themselves: a message goes through both servers, and survives what is done to them."""

from __future__ import annotations

import smtplib
import socket
import threading
from collections.abc import Iterator

import pytest

from tests.interop.relais import Relais
from tests.interop.serveurs import DOMAINE, HOTE, Dovecot, Postfix, eventually

pytestmark = [pytest.mark.foreign, pytest.mark.slow]

MESSAGE = b"Subject: essai %d\r\nMessage-ID: <%d@banc.example>\r\n\r\nbonjour\r\n"


def test_a_message_goes_through_postfix_and_dovecot_over_tls(postfix: Postfix, dovecot: Dovecot) -> None:
    postfix.send(MESSAGE % (1, 1), f"guichet@{DOMAINE}")
    eventually(lambda: dovecot.count("guichet") == 1, postfix.journal)
    (received,) = dovecot.messages("guichet")
    assert b"Subject: essai 1\r\n" in received
    assert b"using TLSv1" in received
    assert received.endswith(b"\r\n\r\nbonjour\r\n")


def test_what_postfix_took_survives_its_death_and_that_of_dovecot(postfix: Postfix, dovecot: Dovecot) -> None:
    dovecot.kill()
    for number in range(5):
        postfix.send(MESSAGE % (number, number), f"guichet@{DOMAINE}")
    eventually(lambda: postfix.waiting == 5, postfix.journal)
    postfix.kill()
    with pytest.raises(OSError):
        postfix.greet()
    dovecot.start()
    postfix.start()
    eventually(lambda: postfix.waiting == 0 and dovecot.count("guichet") == 5, postfix.journal)


@pytest.fixture
def echo() -> Iterator[int]:
    """A port where what is said comes back."""
    listener = socket.create_server((HOTE, 0))

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=repeat, args=(client,), daemon=True).start()

    def repeat(client: socket.socket) -> None:
        with client:
            try:
                while block := client.recv(1000):
                    client.sendall(block)
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    yield listener.getsockname()[1]
    listener.close()


def test_relay_forwards_freezes_and_cuts(echo: int) -> None:
    relais = Relais(echo)
    try:
        with socket.create_connection((HOTE, relais.port), timeout=5) as client:
            client.sendall(b"un")
            assert client.recv(10) == b"un"
            relais.freeze()
            client.sendall(b"deux")
            client.settimeout(0.2)
            with pytest.raises(TimeoutError):
                client.recv(10)
            client.settimeout(5)
            relais.thaw()
            assert client.recv(10) == b"deux"
            relais.cut()
            with pytest.raises(ConnectionResetError):
                client.recv(10)
        relais.cut_after = 10
        with socket.create_connection((HOTE, relais.port), timeout=5) as client:
            client.sendall(b"trois et plus de dix")
            with pytest.raises(ConnectionResetError):
                client.recv(10)
    finally:
        relais.close()


def test_smtp_through_a_relay_that_cuts_leaves_nothing(postfix: Postfix, dovecot: Dovecot) -> None:
    relais = Relais(postfix.smtp)
    relais.cut_after = 5_000
    client = smtplib.SMTP(HOTE, relais.port, timeout=10)
    try:
        with pytest.raises((smtplib.SMTPException, OSError)):
            client.sendmail(f"a@{DOMAINE}", [f"b@{DOMAINE}"], MESSAGE % (1, 1) + b"long\r\n" * 10_000)
    finally:
        client.close()
        relais.close()
    eventually(lambda: postfix.waiting == 0, postfix.journal)
    assert dovecot.count("b") == 0
