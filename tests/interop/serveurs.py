"""A private dovecot and a private postfix: their own folders, ports and certificates, nothing of the machine.

Both are killed and started again at will, on the same ports and the same folders.
"""

from __future__ import annotations

import grp
import imaplib
import os
import pwd
import secrets
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tools.etrangers import Chaine

DELAI = 30.0
"""Seconds in which a server must answer: some thirty times what it takes."""
SALUT = 3.0
"""Seconds for one greeting while a server starts: a process that just dies may take it and never answer."""
MOT_DE_PASSE = "secret-de-banc"
HOTE = "127.0.0.1"
DOMAINE = "partenaires.example"
"""Mail for this domain goes to the mailboxes of dovecot, one for each local part."""
DOMAINE_HUB = "echangeur.example"
"""Mail for this domain goes to the direct reception of the hub."""
_PREMIER_PORT = 10_000
TAILLE_MAX = 32 * 1024 * 1024
SANS_DROITS = "nobody"

# Accounts that every Debian has: postfix asks for two that nobody else uses while it runs.
_PROPRIETAIRE, _GROUPE = "news", "uucp"
_FILES = [
    "active",
    "bounce",
    "corrupt",
    "defer",
    "deferred",
    "flush",
    "hold",
    "incoming",
    "private",
    "saved",
    "trace",
]

_DOVECOT = """
base_dir = {run}
state_dir = {run}
log_path = {dossier}/journal
protocols = imap lmtp
listen = {hote}
default_internal_user = {utilisateur}
default_internal_group = {groupe}
default_login_user = {utilisateur}
ssl = required
ssl_cert = <{certificats}/cert.pem
ssl_key = <{certificats}/key.pem
mail_location = maildir:{boites}/%n
mail_max_userip_connections = 100
first_valid_uid = 1
passdb {{
  driver = static
  args = password={mot_de_passe}
}}
userdb {{
  driver = static
  args = uid={utilisateur} gid={groupe} home={boites}/%n
}}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = {hote}
    port = {lmtp}
  }}
}}
"""

_MAIN = """
compatibility_level = 3.6
queue_directory = {dossier}/queue
data_directory = {dossier}/data
daemon_directory = /usr/lib/postfix/sbin
command_directory = /usr/sbin
mail_owner = {proprietaire}
setgid_group = {groupe}
default_privs = nobody
maillog_file = {dossier}/journal
maillog_file_prefixes = {dossier}
myhostname = mta.{domaine}
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = {hote}
inet_protocols = ipv4
alias_maps =
alias_database =
local_recipient_maps =
relay_domains = {domaine}, {domaine_hub}
smtpd_relay_restrictions = permit_mynetworks, reject
transport_maps = inline:{{ {domaine}=lmtp:inet:{hote}:{lmtp}, {domaine_hub}={protocole_hub}:[{hote}]:{hub} }}
smtpd_tls_cert_file = {certificats}/cert.pem
smtpd_tls_key_file = {certificats}/key.pem
smtpd_tls_CAfile = {certificats}/ca.pem
smtpd_tls_security_level = may
smtpd_tls_ask_ccert = yes
smtpd_tls_received_header = yes
smtp_tls_CAfile = {certificats}/ca.pem
smtp_tls_security_level = {tls_vers_hub}
smtp_tls_secure_cert_match = localhost
smtp_host_lookup = native
message_size_limit = {taille}
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
smtpd_client_connection_count_limit = 0
anvil_rate_time_unit = 1s
"""

_MASTER = """
{hote}:{smtp} inet n - n - - smtpd
{hote}:{smtps} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
lmtp unix - - n - - lmtp
  -o smtp_tls_security_level=none
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


def free_ports(nombre: int) -> list[int]:
    """Ports of loopback that nobody holds, all different.

    Below those that the system gives to whoever asks for any: between here and the start of a server, a test
    in another process may be given one of these.
    """
    given = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    found: list[int] = []
    with ExitStack() as probes:
        while len(found) < nombre:
            port = _PREMIER_PORT + secrets.randbelow(given - _PREMIER_PORT)
            with suppress(OSError):
                probes.enter_context(socket.create_server((HOTE, port)))
                found.append(port)
    return found


def _is_alive(groupe: int) -> bool:
    """Is there a process of that group that has not ended?"""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # one that ends meanwhile
            etat, _, autre, *_ = path.read_text().rpartition(")")[2].split()
            if int(autre) == groupe and etat != "Z":
                return True
    return False


class Serveur:
    """A foreign server in a process group of its own."""

    def __init__(self, mots: Sequence[str], dossier: Path, environnement: Mapping[str, str]) -> None:
        self._mots = mots
        self._dossier = dossier
        self._environnement = environnement
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of its first process. Raises AssertionError when it does not run."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it answers."""
        with (self._dossier / "sortie").open("ab") as sortie:
            self._process = subprocess.Popen(
                self._mots, stdout=sortie, stderr=sortie, env=self._environnement, start_new_session=True
            )
        deadline = time.monotonic() + DELAI
        while True:
            try:
                self.greet()
            except (OSError, imaplib.IMAP4.error, smtplib.SMTPException):
                assert self._process.poll() is None, self.journal()
                assert time.monotonic() < deadline, self.journal()
                time.sleep(0.05)
            else:
                return

    def greet(self) -> None:
        """Talk to it; raises one of the exceptions of the protocol while it is not there."""
        raise NotImplementedError

    def kill(self) -> None:
        """SIGKILL of every process of it at once: nothing is asked, nothing is flushed."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it as its operator would."""
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        group = self._process.pid
        if number is signal.SIGKILL:
            with suppress(ProcessLookupError):  # one that ended by itself, and left nobody
                os.killpg(group, number)
        else:
            self._process.send_signal(number)
        self._process.wait(DELAI)
        self._process = None
        # What outlives its master: children that serve a connection.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
        # A child that is being killed holds the port until it has ended.
        deadline = time.monotonic() + DELAI
        while _is_alive(group) and time.monotonic() < deadline:
            time.sleep(0.01)

    def journal(self) -> str:
        """What it said, for the text of a failure."""
        return "\n".join(
            path.read_text(errors="replace")[-4000:]
            for name in ("sortie", "journal")
            if (path := self._dossier / name).exists()
        )


class Dovecot(Serveur):
    """IMAP over implicit TLS and LMTP; a mailbox for whatever name asks. imaps, lmtp: its ports."""

    def __init__(self, chaine: Chaine, dossier: Path, certificats: Path) -> None:
        dossier.mkdir()
        self.imaps, self.lmtp = free_ports(2)
        self._autorite = certificats / "ca.pem"
        root = os.geteuid() == 0
        user = pwd.getpwnam(SANS_DROITS) if root else pwd.getpwuid(os.geteuid())
        own = dossier / "certificats"
        shutil.copytree(certificats, own)
        self._boites = dossier / "boites"
        self._boites.mkdir()
        (dossier / "run").mkdir()
        configuration = dossier / "dovecot.conf"
        configuration.write_text(
            _DOVECOT.format(
                run=dossier / "run",
                dossier=dossier,
                hote=HOTE,
                utilisateur=user.pw_name,
                groupe=_group_name(user.pw_gid),
                certificats=own,
                boites=self._boites,
                mot_de_passe=MOT_DE_PASSE,
                imaps=self.imaps,
                lmtp=self.lmtp,
            )
        )
        for path in (dossier, *dossier.rglob("*")) if root else ():
            os.chown(path, user.pw_uid, user.pw_gid)
        words = chaine.overlay(("/usr/sbin/dovecot", "-F", "-c", configuration), SANS_DROITS if root else "")
        super().__init__(words, dossier, {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})

    def greet(self) -> None:
        with self.connect("personne", SALUT):
            pass

    @contextmanager
    def connect(self, boite: str, delai: float = DELAI) -> Iterator[imaplib.IMAP4_SSL]:
        """A session on the INBOX of `boite`, by a client that is not ours."""
        context = ssl.create_default_context(cafile=str(self._autorite))
        client = imaplib.IMAP4_SSL(HOTE, self.imaps, ssl_context=context, timeout=delai)
        try:
            client.login(boite, MOT_DE_PASSE)
            client.select()
            yield client
        finally:
            # A logout that fails leaves the socket open.
            with suppress(OSError, imaplib.IMAP4.error):
                client.logout()
            with suppress(OSError):
                client.shutdown()

    def messages(self, boite: str, dossier: str = "INBOX", connus: set[bytes] | None = None) -> list[bytes]:
        """The messages of a folder of `boite`, whole; none when it does not exist.

        connus: UIDs of messages to pass over, completed with those read.
        """
        connus = set() if connus is None else connus
        with self.connect(boite) as client:
            if client.select(f'"{dossier}"', readonly=True)[0] != "OK":
                return []
            _, numbers = client.uid("search", "ALL")
            found: list[bytes] = []
            for uid in numbers[0].split():
                if uid not in connus:
                    _, parts = client.uid("fetch", uid.decode(), "(BODY.PEEK[])")
                    assert isinstance(parts[0], tuple)
                    found.append(parts[0][1])
                    connus.add(uid)
            return found

    def count(self, boite: str, dossier: str = "INBOX") -> int:
        """How many messages a folder of `boite` holds."""
        with self.connect(boite) as client:
            status, found = client.select(f'"{dossier}"', readonly=True)
            return int(found[0] or 0) if status == "OK" else 0

    def deliver(self, boite: str, message: bytes, de: str = f"banc@{DOMAINE}") -> None:
        """Deliver by LMTP. Raises smtplib.SMTPException when it is refused."""
        self.deliver_all(boite, [message], de)

    def deliver_all(self, boite: str, messages: Sequence[bytes], de: str = f"banc@{DOMAINE}") -> None:
        """Deliver on one connection."""
        with smtplib.LMTP(HOTE, self.lmtp) as client:
            for message in messages:
                client.sendmail(de, [f"{boite}@{DOMAINE}"], message)


class Postfix(Serveur):
    """SMTP: in the clear then STARTTLS on `smtp`, over TLS on `smtps`; it asks for a client certificate.

    hub: port of the direct reception of the hub, for mail to DOMAINE_HUB; with `tls_vers_hub` "secure", the
    connection to it is over TLS and its certificate is checked. protocole_hub: "smtp", or "lmtp:inet".
    """

    def __init__(
        self,
        chaine: Chaine,
        dossier: Path,
        certificats: Path,
        *,
        lmtp: int,
        hub: int = 9,
        tls_vers_hub: str = "secure",
        protocole_hub: str = "smtp",
    ) -> None:
        dossier.mkdir()
        self.smtp, self.smtps = free_ports(2)
        self._autorite = certificats / "ca.pem"
        etc = dossier / "etc"
        etc.mkdir()
        values = {
            "dossier": dossier,
            "proprietaire": _PROPRIETAIRE,
            "groupe": _GROUPE,
            "domaine": DOMAINE,
            "domaine_hub": DOMAINE_HUB,
            "hote": HOTE,
            "certificats": certificats,
            "taille": TAILLE_MAX,
            "tls_vers_hub": tls_vers_hub,
            "protocole_hub": protocole_hub,
            "lmtp": lmtp,
            "hub": hub,
            "smtp": self.smtp,
            "smtps": self.smtps,
        }
        (etc / "main.cf").write_text(_MAIN.format(**values))
        (etc / "master.cf").write_text(_MASTER.format(**values).lstrip())
        _create_queue(dossier)
        words = chaine.overlay(("/usr/lib/postfix/sbin/master", "-s", "-c", etc))
        super().__init__(words, dossier, {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})

    def greet(self) -> None:
        with self.connect(SALUT):
            pass

    def connect(self, delai: float = DELAI) -> smtplib.SMTP_SSL:
        """A session over implicit TLS, by a client that is not ours."""
        context = ssl.create_default_context(cafile=str(self._autorite))
        return smtplib.SMTP_SSL(HOTE, self.smtps, context=context, timeout=delai)

    def send(self, message: bytes, vers: str, de: str = f"banc@{DOMAINE}") -> None:
        """Hand a message over. Raises smtplib.SMTPException when it is refused."""
        with self.connect() as client:
            client.sendmail(de, [vers], message)

    @property
    def waiting(self) -> int:
        """How many messages it has taken and not yet delivered."""
        queue = self._dossier / "queue"
        names = ("maildrop", "incoming", "active", "deferred", "hold")
        # By name: one that goes from a folder to the next meanwhile is there twice.
        return len({path.name for name in names for path in (queue / name).rglob("*") if path.is_file()})


def _create_queue(dossier: Path) -> None:
    """What `postfix post-install` would create, with its rights."""
    owner = pwd.getpwnam(_PROPRIETAIRE).pw_uid
    queue = dossier / "queue"
    for name in _FILES:
        (queue / name).mkdir(parents=True, mode=0o700)
        os.chown(queue / name, owner, -1)
    (dossier / "data").mkdir(mode=0o700)
    os.chown(dossier / "data", owner, -1)
    (queue / "pid").mkdir()
    for name, mode in (("maildrop", 0o730), ("public", 0o710)):
        (queue / name).mkdir()
        shutil.chown(queue / name, owner, _GROUPE)
        (queue / name).chmod(mode)


def _group_name(gid: int) -> str:
    return grp.getgrgid(gid).gr_name


def eventually(fact: Callable[[], bool], what: Callable[[], str], delai: float = DELAI) -> None:
    """Wait for a fact that no notification tells: look five times a second."""
    deadline = time.monotonic() + delai
    while not fact():
        assert time.monotonic() < deadline, what()
        time.sleep(0.2)
