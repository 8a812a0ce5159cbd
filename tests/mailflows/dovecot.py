"""A real IMAP server on loopback: Debian's dovecot, in a folder of its own, without root."""

from __future__ import annotations

import grp
import os
import pwd
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.mailflows.monde import Pki

MOT_DE_PASSE = "secret"
COMPTE = "robot"

_CONF = """
base_dir = {dossier}/run
state_dir = {dossier}/etat
log_path = {dossier}/journal
protocols = imap
listen = localhost
default_internal_user = {qui}
default_internal_group = {groupe}
default_login_user = {porte}
first_valid_uid = 0
mail_location = maildir:{dossier}/courrier
ssl = required
ssl_cert = <{pki}/cert.pem
ssl_key = <{pki}/key.pem
passdb {{
  driver = static
  args = password={secret}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={dossier}/home
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


@dataclass
class Dovecot:
    """The server. `deliver` puts a message in the mailbox as a mail server would."""

    dossier: Path
    port: int
    process: subprocess.Popen[bytes]
    rang: int = 0

    def deliver(self, mail: bytes, retour: str) -> None:
        """Into the maildir (new/), with the Return-Path that delivery adds."""
        self.rang += 1
        name = f"{int(time.time())}.M{self.rang}P{os.getpid()}.essai"
        folder = self.dossier / "courrier"
        path = folder / "tmp" / name
        path.write_bytes(f"Return-Path: <{retour}>\r\n".encode() + mail)
        owner = folder.stat()
        os.chown(path, owner.st_uid, owner.st_gid)
        path.rename(folder / "new" / name)

    def count(self, nom: str) -> int:
        """Messages of a folder; INBOX is the empty name."""
        folder = self.dossier / "courrier" / (f".{nom}" if nom else "")
        return sum(len(list((folder / sub).glob("*"))) for sub in ("new", "cur") if (folder / sub).is_dir())


@contextmanager
def run_dovecot(dossier: Path, pki: Pki, port: int = 0) -> Iterator[Dovecot]:
    """Start it, wait until it listens, stop it."""
    if not port:
        with socket.create_server(("localhost", 0)) as free:
            port = free.getsockname()[1]
    uid, gid = os.getuid(), os.getgid()
    dossier.mkdir(exist_ok=True)
    dossier.chmod(0o755)
    qui = pwd.getpwuid(uid).pw_name
    # Dovecot wants root neither at its door nor in a mailbox: nobody then stands there.
    porte = pwd.getpwnam("nobody") if uid == 0 else pwd.getpwuid(uid)
    for sub in ("", "tmp", "new", "cur"):
        (dossier / "courrier" / sub).mkdir(parents=True, exist_ok=True)
        os.chown(dossier / "courrier" / sub, porte.pw_uid, porte.pw_gid)
    conf = dossier / "dovecot.conf"
    conf.write_text(
        _CONF.format(
            dossier=dossier,
            qui=qui,
            porte=porte.pw_name,
            groupe=grp.getgrgid(gid).gr_name,
            pki=pki.dossier,
            secret=MOT_DE_PASSE,
            uid=porte.pw_uid,
            gid=porte.pw_gid,
            port=port,
        )
    )
    process = subprocess.Popen(["dovecot", "-F", "-c", str(conf)])
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("localhost", port), 1).close()
                break
            except OSError:
                if time.monotonic() > deadline or process.poll() is not None:
                    journal = dossier / "journal"
                    raise RuntimeError(journal.read_text() if journal.exists() else "dovecot ?") from None
                time.sleep(0.05)
        yield Dovecot(dossier, port, process)
    finally:
        process.terminate()
        process.wait(10)
