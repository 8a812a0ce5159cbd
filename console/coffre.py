"""What seals the secrets that the base keeps: AES-256-GCM, by keys that are in a file and never in the base.

A sealed text is ``<identifier of the key>.<nonce and ciphertext, base64url>``. What it belongs to, an account
or a session, is associated data: moved to another row, it does not open any more.

The file has one key a line, base64; the last one seals, the others still open. It is read again as soon as it
changes: a key added by a command seals from then on in every process that reads the same file.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_OCTETS: Final = 32
_NONCE: Final = 12
"""96 bits of chance (NIST SP 800-38D §8.2.2): far from 2^32 texts under one key."""
_SEL: Final = b"echangeur coffre"


class CoffreIllisible(Exception):
    """The file of keys is absent or does not hold keys; str() is French."""


class CleAbsente(Exception):
    """A text is sealed with a key that the file does not hold. `cle`: its identifier."""

    def __init__(self, cle: str) -> None:
        self.cle = cle
        super().__init__(cle)


class ScelleAltere(Exception):
    """A text is not sealed, was changed, or belongs to something else."""


@dataclass(frozen=True, slots=True)
class _Lues:
    """The keys as read, by identifier, in the order of the file, and what the file then was."""

    trace: tuple[int, int, int]
    cles: dict[str, bytes]

    @property
    def courante(self) -> str:
        return next(reversed(self.cles))


class Coffre:
    """The keys of one file. May be used from several threads."""

    def __init__(self, fichier: Path) -> None:
        """Raises CoffreIllisible."""
        self.fichier = fichier
        self._lues = _read(fichier)

    @property
    def cles(self) -> tuple[str, ...]:
        """Identifiers of the keys, the one that seals last."""
        return tuple(self._current().cles)

    @property
    def courante(self) -> str:
        """Identifier of the key that seals."""
        return self._current().courante

    def seal(self, clair: str, contexte: str) -> str:
        """Seal a text for what `contexte` names."""
        lues = self._current()
        nonce = secrets.token_bytes(_NONCE)
        scelle = AESGCM(lues.cles[lues.courante]).encrypt(nonce, clair.encode(), contexte.encode())
        return f"{lues.courante}.{base64.urlsafe_b64encode(nonce + scelle).decode('ascii')}"

    def open(self, scelle: str, contexte: str) -> str:
        """The text that was sealed for what `contexte` names. Raises CleAbsente, ScelleAltere."""
        nom, dot, data = scelle.partition(".")
        cle = self._current().cles.get(nom)
        if not dot:
            raise ScelleAltere
        if cle is None:
            raise CleAbsente(nom)
        try:
            octets = base64.b64decode(data.encode(), b"-_", validate=True)
            return AESGCM(cle).decrypt(octets[:_NONCE], octets[_NONCE:], contexte.encode()).decode()
        except (InvalidTag, ValueError):
            raise ScelleAltere from None

    def _current(self) -> _Lues:
        if _trace(self.fichier) != self._lues.trace:
            self._lues = _read(self.fichier)
        return self._lues


def create_cles(fichier: Path) -> None:
    """Make the file with a first key. Raises FileExistsError when there is one already."""
    fichier.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(fichier, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(_line(secrets.token_bytes(_OCTETS)))


def add_cle(coffre: Coffre) -> str:
    """Add a key to the file, which seals from now on; its identifier."""
    cle = secrets.token_bytes(_OCTETS)
    _replace(coffre.fichier, coffre.fichier.read_text(encoding="ascii") + _line(cle))
    return name_of(cle)


def drop_cles(coffre: Coffre, noms: Collection[str]) -> None:
    """Take keys off the file; the one that seals stays."""
    lues = _read(coffre.fichier)
    kept = (cle for nom, cle in lues.cles.items() if nom not in noms or nom == lues.courante)
    _replace(coffre.fichier, "".join(map(_line, kept)))


def name_of(cle: bytes) -> str:
    """The identifier of a key: made from it, so that a file never takes one key for another."""
    return hashlib.sha256(_SEL + cle).hexdigest()[:16]


def _line(cle: bytes) -> str:
    return base64.b64encode(cle).decode("ascii") + "\n"


def _replace(fichier: Path, contenu: str) -> None:
    """All or nothing: a file half written would be keys lost."""
    neuf = fichier.with_name(f"{fichier.name}.{os.getpid()}")
    with os.fdopen(os.open(neuf, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(contenu)
        file.flush()
        os.fsync(file.fileno())
    neuf.replace(fichier)


def _trace(fichier: Path) -> tuple[int, int, int]:
    try:
        found = fichier.stat()
    except OSError as error:
        raise CoffreIllisible(f"{fichier} ne se lit pas ({os.strerror(error.errno or 0)})") from error
    return found.st_ino, found.st_mtime_ns, found.st_size


def _read(fichier: Path) -> _Lues:
    trace = _trace(fichier)
    try:
        lines = fichier.read_text(encoding="ascii").split()
        cles = [base64.b64decode(line, validate=True) for line in lines]
    except OSError as error:
        raise CoffreIllisible(f"{fichier} ne se lit pas ({os.strerror(error.errno or 0)})") from error
    except (UnicodeDecodeError, binascii.Error):
        raise CoffreIllisible(f"{fichier} n'est pas fait de clés, une par ligne, en base64") from None
    if not cles or any(len(cle) != _OCTETS for cle in cles):
        raise CoffreIllisible(f"{fichier} n'a pas que des clés de {8 * _OCTETS} bits, au moins une")
    return _Lues(trace, {name_of(cle): cle for cle in cles})
