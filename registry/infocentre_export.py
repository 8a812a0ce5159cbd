"""The files of a week, in open formats: CSV and Parquet, whole and public ([INF-7])."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from datetime import UTC
from pathlib import Path
from typing import Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from registry.infocentre import Bilan, Ligne, public
from registry.infocentre_arretes import Arrete

TITRES: Final = ("semaine", "tableau", "territoire", "modalite", "nombre")


class FichierEcrit(msgspec.Struct, frozen=True):
    """A file, and the SHA-256 of its bytes in hexadecimal."""

    nom: str
    diffusion: str
    lignes: int
    sha256: str


class Sommaire(msgspec.Struct, frozen=True):
    """What ``infocentre-<semaine>.json`` says: where the figures stop, the files, and the identity.

    sequence, empreinte: position of the journal, to be compared with what `echangeur registre verifier` says.
    """

    semaine: str
    arrete_le: str
    depuis_sequence: int
    sequence: int
    empreinte: str
    fichiers: tuple[FichierEcrit, ...]
    identite: tuple[Bilan, ...]
    ecarts: int


def write_files(arrete: Arrete, dossier: Path) -> Sommaire:
    """Write the files of a week in `dossier`, made when it does not exist; each appears whole or not at all.

    The same week gives the same bytes. Raises OSError.
    """
    dossier.mkdir(parents=True, exist_ok=True)
    fichiers = []
    for diffusion, lignes in (("complet", arrete.lignes), ("public", public(arrete.lignes))):
        for suffixe, octets in (
            ("csv", to_csv(arrete.semaine, lignes)),
            ("parquet", to_parquet(arrete.semaine, lignes)),
        ):
            nom = f"infocentre-{arrete.semaine}-{diffusion}.{suffixe}"
            _put(dossier / nom, octets)
            fichiers.append(FichierEcrit(nom, diffusion, len(lignes), hashlib.sha256(octets).hexdigest()))
    sommaire = Sommaire(
        arrete.semaine,
        arrete.arrete_le.astimezone(UTC).isoformat(timespec="seconds"),
        arrete.depuis_sequence,
        arrete.sequence,
        arrete.empreinte.hex(),
        tuple(fichiers),
        arrete.bilans,
        len(arrete.ecarts),
    )
    _put(dossier / f"infocentre-{arrete.semaine}.json", msgspec.json.format(msgspec.json.encode(sommaire)))
    return sommaire


def to_csv(semaine: str, lignes: Sequence[Ligne]) -> bytes:
    """Semicolons, UTF-8, titles first."""
    texte = io.StringIO()
    writer = csv.writer(texte, delimiter=";", lineterminator="\r\n")
    writer.writerow(TITRES)
    writer.writerows(
        (semaine, ligne.tableau.value, ligne.territoire, ligne.modalite, ligne.nombre) for ligne in lignes
    )
    return texte.getvalue().encode("utf-8")


def to_parquet(semaine: str, lignes: Sequence[Ligne]) -> bytes:
    """The same columns; `nombre` is an int64, the others are texts."""
    colonnes = {
        "semaine": [semaine] * len(lignes),
        "tableau": [ligne.tableau.value for ligne in lignes],
        "territoire": [ligne.territoire for ligne in lignes],
        "modalite": [ligne.modalite for ligne in lignes],
        "nombre": [ligne.nombre for ligne in lignes],
    }
    schema = pa.schema([(titre, pa.int64() if titre == "nombre" else pa.string()) for titre in TITRES])
    sortie = io.BytesIO()
    pq.write_table(pa.table(colonnes, schema=schema), sortie, compression="zstd")
    return sortie.getvalue()


def _put(chemin: Path, octets: bytes) -> None:
    provisoire = chemin.with_name(f".{chemin.name}.en-cours")
    provisoire.write_bytes(octets)
    provisoire.replace(chemin)
