"""Install the foreign programs of tests/etrangers and tests/interop.

``python -m tools.etrangers [--force] [NOM…]``

Debian packages are downloaded with those they need, checked by apt, and unpacked in a cache of the user:
nothing of the machine changes, no maintainer script runs, root is not needed. Packages that the machine
already has are used where they are. The npm package goes into the same cache. The cache is outside of the
repository: ``$ECHANGEUR_ETRANGERS``, else ``$XDG_CACHE_HOME/echangeur/etrangers``, else ``~/.cache/…``.

A program that knows its own files by fixed addresses in /usr (the mail servers) runs with the unpacked files
laid over /usr, in a mount namespace that it alone sees: `Chaine.overlay`.

Without network the failure is quick (probes of 3 s at most before anything is asked) and is remembered one
hour, so that a test session offline pays nothing. ``ECHANGEUR_ETRANGERS=non`` installs and uses nothing.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

MEMOIRE: Final = 3600
"""Seconds during which a failure is not tried again."""
DELAI_APT: Final = 90
DELAI_NPM: Final = 90
DELAI_SONDE: Final = 3
NODE_SOAP: Final = "1.13.0"

_SONDE: Final = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 2).close()"
_MANDATAIRES: Final = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy")


@dataclass(frozen=True, slots=True)
class Recette:
    """How a toolchain is had: Debian packages or npm ones, and the programs it takes from the machine.

    programmes: by program that must be on the PATH, the package that gives it. superpose: it runs only with
    its files in /usr. root: it starts only as root.
    """

    debian: tuple[str, ...] = ()
    npm: tuple[str, ...] = ()
    programmes: Mapping[str, str] | None = None
    superpose: bool = False
    root: bool = False


RECETTES: Final[Mapping[str, Recette]] = {
    "php": Recette(debian=("php-cli", "php-soap")),
    "node-soap": Recette(npm=(f"soap@{NODE_SOAP}",), programmes={"node": "nodejs", "npm": "npm"}),
    "jax-ws": Recette(
        debian=("libjaxws-java", "libgeronimo-annotation-1.3-spec-java"),
        programmes={"java": "default-jdk-headless", "javac": "default-jdk-headless"},
    ),
    "gsoap": Recette(debian=("gsoap", "libgsoap-dev", "libssl-dev", "zlib1g-dev"), programmes={"gcc": "gcc"}),
    "dovecot": Recette(debian=("dovecot-imapd", "dovecot-lmtpd"), superpose=True),
    "postfix": Recette(debian=("postfix",), superpose=True, root=True),
    "nss": Recette(debian=("libnss3-tools",)),
    "gpgsm": Recette(debian=("gpgsm", "gpg-agent")),
    "bouncy-castle": Recette(
        debian=("libbcprov-java", "libbcpkix-java", "libbcmail-java"),
        programmes={"java": "default-jdk-headless", "javac": "default-jdk-headless"},
    ),
    "chromium": Recette(debian=("chromium",)),
    "haproxy": Recette(debian=("haproxy",)),
    "curl": Recette(programmes={"curl": "curl"}),
    "openssl": Recette(programmes={"openssl": "openssl"}),
}


@dataclass(frozen=True, slots=True)
class Chaine:
    """A toolchain ready for use. racines: where its files are, the first that has one wins."""

    racines: tuple[Path, ...]

    def find(self, *motifs: str) -> Path | None:
        """The first file that one of these glob patterns names, relative to a root."""
        for racine in self.racines:
            for motif in motifs:
                if found := sorted(racine.glob(motif)):
                    return found[0]
        return None

    def folders(self, *motifs: str) -> list[Path]:
        """All the folders that these patterns name."""
        return [path for racine in self.racines for motif in motifs for path in sorted(racine.glob(motif))]

    def environment(self) -> dict[str, str]:
        """The environment in which its programs find their libraries."""
        own = [
            str(path)
            for path in self.folders("usr/lib/*-linux-*", "lib/*-linux-*", "usr/lib/*-linux-*/pulseaudio")
            if not path.is_relative_to("/usr") and not path.is_relative_to("/lib")
        ]
        inherited = os.environ.get("LD_LIBRARY_PATH")
        paths = os.pathsep.join([*own, *([inherited] if inherited else [])])
        return {**os.environ, **({"LD_LIBRARY_PATH": paths} if paths else {}), "LC_ALL": "C.UTF-8"}

    def overlay(self, words: Sequence[object], utilisateur: str = "") -> list[str]:
        """The command that runs `words` with the files of this toolchain in /usr, under the same process id.

        utilisateur: as whom it runs; only root may choose, anybody else stays who they are.
        """
        own = [str(racine / "usr") for racine in self.racines if racine != Path("/")]
        root = os.geteuid() == 0
        plain = [*(_become(utilisateur) if utilisateur and root else ()), *map(str, words)]
        if not own:
            return plain
        mount = f"mount -t overlay overlay -o lowerdir={':'.join(own)}:/usr /usr"
        if root:
            return ["unshare", "--mount", "sh", "-c", f'{mount} && exec "$@"', "sh", *plain]
        # Only who is root in a namespace may mount; the program then finds its own user again.
        back = f'{mount} && exec unshare --map-user={os.geteuid()} --map-group={os.getegid()} "$@"'
        return ["unshare", "--map-root-user", "--mount", "sh", "-c", back, "sh", *plain]


@dataclass(frozen=True, slots=True)
class Absence:
    """Why a toolchain cannot be used, in French."""

    raison: str


class _EchecError(Exception):
    """An installation that did not succeed; the text is for people."""


def chaine(nom: str, *, force: bool = False) -> Chaine | Absence:
    """The toolchain `nom`, installed now if need be. force: try again what has failed lately."""
    recette = RECETTES[nom]
    for programme, paquet in (recette.programmes or {}).items():
        if shutil.which(programme) is None:
            return Absence(f"{programme} n'est pas sur cette machine (apt-get install {paquet})")
    if recette.root and os.geteuid():
        return Absence(f"{nom} ne démarre que sous root")
    if not recette.debian and not recette.npm:
        return Chaine((Path("/"),))
    wanted = os.environ.get("ECHANGEUR_ETRANGERS", "")
    if wanted == "non":
        return Absence("ECHANGEUR_ETRANGERS=non")
    if recette.debian and _on_the_machine(recette.debian):
        return Chaine((Path("/"),))
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "echangeur" / "etrangers"
    cache = Path(wanted) if wanted else base
    try:
        with _alone(cache):
            found = _cached(cache, nom, recette, force=force)
    except OSError as error:
        return Absence(f"le cache {cache} n'est pas utilisable : {error.strerror}")
    if isinstance(found, Chaine) and recette.superpose:
        try:
            _run(found.overlay(["true"]), DELAI_APT)
        except _EchecError as error:
            packages = " ".join(recette.debian)
            return Absence(f"rien ne peut être superposé à /usr ({error}) ; apt-get install {packages}")
    return found


def _become(utilisateur: str) -> list[str]:
    account = pwd.getpwnam(utilisateur)
    return ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]


def _cached(cache: Path, nom: str, recette: Recette, *, force: bool) -> Chaine | Absence:
    # The recipe is in the name: another version or another distribution is another folder.
    recipe = "+".join([*recette.debian, *recette.npm]).replace("/", "_")
    folder = cache / f"{nom}-{_distribution()}-{recipe}"
    racines = (folder, Path("/"))
    if folder.is_dir():
        return Chaine(racines)
    failure = folder.with_name(folder.name + ".echec")
    if not force and failure.exists() and time.time() - failure.stat().st_mtime < MEMOIRE:
        return Absence(f"{failure.read_text(encoding='utf-8')} (essai récent ; --force pour recommencer)")
    with tempfile.TemporaryDirectory(dir=cache) as work:
        target = Path(work) / "racine"
        target.mkdir()
        try:
            if recette.npm:
                _npm(recette.npm, target)
            else:
                _debian(recette.debian, cache, target)
        except _EchecError as error:
            failure.write_text(str(error), encoding="utf-8")
            return Absence(str(error))
        target.rename(folder)
    failure.unlink(missing_ok=True)
    return Chaine(racines)


@contextmanager
def _alone(cache: Path) -> Iterator[None]:
    """One installation at a time: the workers of a test session come here together."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "verrou").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _distribution() -> str:
    """Such as ``debian-12-x86_64``."""
    known = {}
    for line in Path("/etc/os-release").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition("=")
        known[name] = value.strip('"')
    return f"{known.get('ID', 'linux')}-{known.get('VERSION_ID', '')}-{os.uname().machine}"


def _run(words: Sequence[str], delay: float, folder: Path | None = None) -> str:
    """Standard output of a command. Raises _EchecError when it fails or is too slow."""
    try:
        done = subprocess.run(  # noqa: S603 - our own words
            words, cwd=folder, timeout=delay, capture_output=True, text=True, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        raise _EchecError(f"{words[0]} n'a pas fini en {delay:g} s") from None
    except FileNotFoundError:
        raise _EchecError(f"{words[0]} n'est pas sur cette machine") from None
    if done.returncode:
        said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        raise _EchecError(f"{words[0]} : {said[-1] if said else f'code {done.returncode}'}")
    return done.stdout


def _on_the_machine(packages: Sequence[str]) -> bool:
    try:
        found = _run(["dpkg-query", "-W", "-f", "${db:Status-Status}\n", *packages], DELAI_APT)
    except _EchecError:
        return False
    return found.split() == ["installed"] * len(packages)


def _probe(*addresses: str) -> None:
    """Fail at once when none of these sites can be reached; a machine behind a proxy is not probed."""
    if not addresses or any(os.environ.get(name) for name in _MANDATAIRES):
        return
    for address in addresses:
        site = urlsplit(address)
        port = site.port or (443 if site.scheme == "https" else 80)
        words = [sys.executable, "-c", _SONDE, site.hostname or "", str(port)]
        try:
            # In a process of its own: a name resolution cannot be interrupted.
            done = subprocess.run(words, timeout=DELAI_SONDE, capture_output=True)  # noqa: S603
        except subprocess.TimeoutExpired:
            continue
        if not done.returncode:
            return
    hosts = ", ".join(urlsplit(address).hostname or "" for address in addresses)
    raise _EchecError(f"pas de réseau : {hosts} injoignable")


def _sites(uris: str) -> list[str]:
    """One address for each of the first sites that apt would ask, the distribution before third parties."""
    found = [line.split()[0].strip("'") for line in uris.splitlines() if line.startswith("'http")]
    by_host = {urlsplit(address).hostname or "": address for address in found}
    own = [host for host in by_host if "debian" in host or "ubuntu" in host]
    return [by_host[host] for host in dict.fromkeys([*own, *by_host])][:2]


def _debian(packages: Sequence[str], cache: Path, target: Path) -> None:
    """Unpack `packages` and what they need beyond this machine into `target`."""
    if shutil.which("apt-get") is None:
        raise _EchecError("apt-get n'est pas sur cette machine (Debian ou Ubuntu)")
    lists, archives = cache / "listes", cache / "archives"
    for folder in (lists / "partial", archives / "partial"):
        folder.mkdir(parents=True, exist_ok=True)
    options = [
        *("-o", f"Dir::State::lists={lists}", "-o", f"Dir::Cache={archives}", "-o", "Debug::NoLocking=true"),
        *("-o", "Acquire::http::Timeout=10", "-o", "Acquire::https::Timeout=10", "-o", "Acquire::Retries=0"),
        *(("-o", "APT::Sandbox::User=root") if os.geteuid() == 0 else ()),
    ]
    if not _run(["apt-config", "dump", "--format", "%v", "Acquire::http::Proxy"], DELAI_APT).strip():
        _probe(*_sites(_run(["apt-get", "update", "--print-uris", *options], DELAI_APT)))
    fresh = cache / "listes.date"
    if not fresh.exists() or time.time() - fresh.stat().st_mtime > MEMOIRE:
        try:
            # By default a list that cannot be had is a mere warning.
            _run(["apt-get", "update", "-qq", "-o", "APT::Update::Error-Mode=any", *options], DELAI_APT)
        except _EchecError:
            # A third-party source may be down: whether the packages are there is seen just below.
            if not any(lists.glob("*_Packages*")):
                raise
        fresh.touch()
    wanted = _run(
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "--print-uris", *options, *packages],
        DELAI_APT,
    )
    names = [_package_of(line.split()[1]) for line in wanted.splitlines() if line.startswith("'")]
    with tempfile.TemporaryDirectory(dir=cache) as packed:
        if names:
            _run(["apt-get", "download", "-qq", *options, *names], DELAI_APT, Path(packed))
        for package in sorted(Path(packed).glob("*.deb")):
            _run(["dpkg-deb", "--extract", str(package), str(target)], DELAI_APT)


def _package_of(file: str) -> str:
    """``php-cli_2%3a8.2+93_all.deb`` is the package ``php-cli=2:8.2+93``."""
    name, version, _ = file.removesuffix(".deb").split("_")
    return f"{name}={unquote(version)}"


def _npm(packages: Sequence[str], target: Path) -> None:
    """Install `packages` into `target`/node_modules; none of their scripts runs."""
    _probe(_run(["npm", "config", "get", "registry"], DELAI_NPM).strip())
    (target / "package.json").write_text('{"private": true}\n', encoding="utf-8")
    _run(
        [
            *("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock"),
            *("--no-update-notifier", "--fetch-retries=0", "--fetch-timeout=20000", *packages),
        ],
        DELAI_NPM,
        target,
    )


def main(words: Sequence[str]) -> int:
    """Install what is named, or everything; 0 when all of it can be used."""
    force = "--force" in words
    names = [word for word in words if word != "--force"] or list(RECETTES)
    if unknown := [name for name in names if name not in RECETTES]:
        print(f"Inconnu : {', '.join(unknown)}. Connus : {', '.join(RECETTES)}.", file=sys.stderr)
        return 2
    missing = 0
    for name in names:
        found = chaine(name, force=force)
        missing += isinstance(found, Absence)
        print(f"{name:10} {f'absent : {found.raison}' if isinstance(found, Absence) else 'prêt'}", flush=True)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
