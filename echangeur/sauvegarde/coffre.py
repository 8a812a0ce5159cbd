"""A stream of octets, kept as files encrypted for the holders of certificates, and read back.

Each file is a whole CMS message (RFC 5083, AES-256-GCM) of a part of the stream: memory is bounded by a part
whatever the size of the base, nothing is ever written in clear, and `openssl cms -decrypt` reads each one.
The manifest holds their order and their digests: one that misses, or was changed or exchanged, is seen before
anything is decrypted.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Protocol

from certs.algorithmes import PROFILS
from certs.autorite import write_secret
from certs.cms import RefusCms
from certs.enveloppe import decrypt, encrypt
from certs.lecture import Certificat
from certs.paire import Paire
from echangeur.sauvegarde.manifeste import Fichier
from echangeur.sortie import ConstatNegatif, MauvaisUsage

PART: Final = 8 << 20
"""Octets of a part in clear. A message is built and read with some eight copies of its content: 64 MiB."""

_PROFIL: Final = PROFILS["moderne"]


class Source(Protocol):
    """What is read to its end."""

    def read(self, taille: int, /) -> bytes: ...


def seal(
    source: Source, dossier: Path, nom: str, destinataires: Sequence[Certificat], *, part: int = PART
) -> tuple[Fichier, ...]:
    """Keep all of `source` in files of `dossier` named after `nom`; an empty source makes no file."""
    fichiers: list[Fichier] = []
    while morceau := _read_whole(source, part):
        octets = encrypt(morceau, destinataires, _PROFIL)
        path = dossier / f"{nom}.{len(fichiers) + 1:06}.cms"
        write_secret(path, octets)
        fichiers.append(Fichier(path.name, len(octets), hashlib.sha256(octets).hexdigest()))
    return tuple(fichiers)


def _read_whole(source: Source, taille: int) -> bytes:
    """As many octets as asked for, unless the source ends: a pipe gives less at a time."""
    morceaux, reste = [], taille
    while reste and (morceau := source.read(reste)):
        morceaux.append(morceau)
        reste -= len(morceau)
    return b"".join(morceaux)


def check(dossier: Path, fichiers: Sequence[Fichier]) -> Iterator[str]:
    """What is wrong with the files of a backup, each in a French sentence."""
    for fichier in fichiers:
        try:
            octets = (dossier / fichier.nom).read_bytes()
        except OSError:
            yield f"{fichier.nom} manque"
            continue
        if hashlib.sha256(octets).hexdigest() != fichier.empreinte:
            yield f"{fichier.nom} n'est plus ce qui a été sauvegardé"


def unseal(dossier: Path, fichiers: Sequence[Fichier], paire: Paire) -> Iterator[bytes]:
    """The stream, part by part. Raises ConstatNegatif for a file that is not the one of the manifest, and
    MauvaisUsage when the key opens nothing."""
    for fichier in fichiers:
        octets = (dossier / fichier.nom).read_bytes()
        if hashlib.sha256(octets).hexdigest() != fichier.empreinte:
            raise ConstatNegatif(f"{fichier.nom} n'est plus ce qui a été sauvegardé.")
        ouvert = decrypt(octets, [paire], profil=_PROFIL)
        if isinstance(ouvert, RefusCms):
            raise MauvaisUsage(
                "Cette clé n'ouvre pas la sauvegarde.",
                "Prenez celle d'un des destinataires : le manifeste dit les empreintes de leurs certificats.",
            )
        # Vouched for by the digest above, as far as the manifest is.
        yield ouvert.octets_non_verifies


def sync(dossier: Path) -> None:
    """Wait until all that is in a folder is on the disk."""
    for path in (*dossier.iterdir(), dossier):
        fd = os.open(path, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
