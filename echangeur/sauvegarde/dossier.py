"""The folder of an instance as one stream, without its embedded database and what only processes need."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Final

import msgspec

from echangeur.config import FICHIER, Configuration
from echangeur.instance import POSTGRES, Instance
from echangeur.sante.ecoute import DOSSIER as PROCESSUS

_LAISSES: Final = frozenset({POSTGRES, f".{POSTGRES}.demarrage", f".{POSTGRES}.utilisateurs", PROCESSUS})
_EN_ATTENTE: Final = f"{FICHIER}.restauration"
_CHEMINS: Final = frozenset({"certificat", "cle", "autorites", "mot_de_passe"})
"""Keys of the configuration that name files, in whatever section."""


def pack(instance: Instance) -> io.BytesIO:
    """The files of the folder: some tens of kilobytes of keys, certificates and configuration; without the
    keys that seal second factors, which are never kept with the base."""
    scellement = _sealing(instance)

    def kept(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        return None if instance.dossier / member.name == scellement else member

    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for path in sorted(instance.dossier.iterdir()):
            if path.name not in _LAISSES:
                archive.add(path, arcname=path.name, filter=kept)
    stream.seek(0)
    return stream


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
    paths = {instance.path(name) for name in _named(instance.configuration)}
    left = {path for path in paths if not path.is_relative_to(instance.dossier)} | {_sealing(instance)}
    return tuple(sorted(map(str, left)))


def _sealing(instance: Instance) -> Path:
    return instance.path(instance.configuration.console.scellement)


def _named(configuration: Configuration) -> list[str]:
    sections = msgspec.to_builtins(configuration).values()
    return [value for section in sections for key, value in section.items() if key in _CHEMINS and value]
