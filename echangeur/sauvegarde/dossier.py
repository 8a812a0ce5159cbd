"""The folder of an instance as one stream, without what is made again and what must not be with the base."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from echangeur.config import FICHIER, files_named
from echangeur.instance import Instance
from echangeur.lieux import IMAGES, POSTGRES, PROCESSUS

_LAISSES: Final = (POSTGRES, f".{POSTGRES}.demarrage", f".{POSTGRES}.utilisateurs", PROCESSUS, *IMAGES)
_EN_ATTENTE: Final = f"{FICHIER}.restauration"


def pack(instance: Instance) -> io.BytesIO:
    """The files of the folder: some tens of kilobytes of keys, certificates and configuration.

    Without its embedded database, what only running processes need, the images, which may be of hundreds of
    megabytes and are made again, and the keys that seal second factors, which are never kept with the base.
    What a link leads to is taken as if it were there; a link that leads nowhere, or to a folder that it is
    in, is left.
    """
    left = frozenset(_real(path) for path in (*map(instance.dossier.joinpath, _LAISSES), _sealing(instance)))
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz", dereference=True) as archive:
        for path in _held(instance.dossier, left):
            archive.add(path, arcname=path.relative_to(instance.dossier), recursive=False)
    stream.seek(0)
    return stream


def _held(folder: Path, left: frozenset[Path]) -> Iterator[Path]:
    """What a folder holds, each folder before its files. left: what is passed over, without links."""
    # Itself, and all that it is in: a link to the root would bring the machine into the memory.
    left |= {real := _real(folder), *real.parents}
    for path in sorted(folder.iterdir()):
        if _real(path) in left:
            continue
        if path.is_dir():
            yield path
            yield from _held(path, left)
        elif path.is_file():
            yield path


def _real(path: Path) -> Path:
    # Not Path.resolve: a link to itself is an error for it.
    return Path(os.path.realpath(path))


def unpack(octets: bytes, dossier: Path) -> Path:
    """Put them back, private as they were; nothing is written outside of `dossier`. Returns where the
    configuration waits, under another name: a folder that has one is an instance."""
    with tarfile.open(fileobj=io.BytesIO(octets), mode="r:gz") as archive:
        archive.extractall(dossier, filter=_aside)  # noqa: S202 (each member is checked)
    return dossier / _EN_ATTENTE


def _aside(member: tarfile.TarInfo, folder: str) -> tarfile.TarInfo | None:
    checked = tarfile.data_filter(member, folder)
    return checked.replace(name=_EN_ATTENTE, deep=False) if checked.name == FICHIER else checked


def outside(instance: Instance) -> tuple[str, ...]:
    """The files that the configuration names and that are not in a backup, sorted: those that are not in the
    folder of the instance, and the keys that seal second factors."""
    paths = {_place(instance, name) for name in files_named(instance.configuration)}
    folder = os.path.normpath(instance.dossier)
    left = {path for path in paths if not path.is_relative_to(folder)} | {_sealing(instance)}
    return tuple(sorted(map(str, left)))


def _sealing(instance: Instance) -> Path:
    return _place(instance, instance.configuration.console.scellement)


def _place(instance: Instance, name: str) -> Path:
    """Where a file of the configuration is, without ``..``: `Path.is_relative_to` reads names only."""
    return Path(os.path.normpath(instance.path(name)))
