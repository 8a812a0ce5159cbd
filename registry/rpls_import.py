"""Importing the directory of dwellings: hundreds of thousands of lines, wrong ones told and left out.

A file adds and changes, never removes: each bailleur has its own, and a dwelling sold is still the one of
past attributions. Importing the same file again changes nothing ([RPL-3]).
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TextIO

from sqlalchemy import Connection, text

from registry.lignes import encode_rows
from registry.rpls import TITRES, Logement, read_ligne
from registry.tables_rpls import LOGEMENT_RPLS

_LOT: Final = 5000
"""Lines of one statement: 2 MB or so of JSON."""

_FAUTES_MAX: Final = 100

_COLONNES: Final = tuple(
    column.name for column in LOGEMENT_RPLS.columns if column.name not in ("numero", "maj_le")
)
_ENTIERS: Final = ("pieces", "surface", "loyer", "annee")
_DECLAREES: Final = ", ".join(
    f"{name} {'int' if name in _ENTIERS else 'text'}" for name in ("numero", *_COLONNES)
)
# A line that says what is known already is not written: maj_le stays the day of the last change.
_ECRITURE: Final = f"""
    WITH ecrits AS (
        INSERT INTO logement_rpls AS l (numero, {", ".join(_COLONNES)}, maj_le)
        SELECT numero, {", ".join(_COLONNES)}, :maj_le
        FROM json_to_recordset(CAST(:lot AS json)) AS t({_DECLAREES})
        ON CONFLICT (numero) DO UPDATE
        SET {", ".join(f"{name} = excluded.{name}" for name in _COLONNES)}, maj_le = excluded.maj_le
        WHERE ({", ".join(f"l.{name}" for name in _COLONNES)})
            IS DISTINCT FROM ({", ".join(f"excluded.{name}" for name in _COLONNES)})
        RETURNING xmax = 0 AS nouveau
    )
    SELECT count(*) FILTER (WHERE nouveau) AS nouveaux, count(*) FILTER (WHERE NOT nouveau) AS changes
    FROM ecrits
"""  # noqa: S608 - the names are those of the table
_WRITE: Final = text(_ECRITURE)


@dataclass(frozen=True, slots=True)
class FauteLigne:
    """A line left out. ligne: its number in the file, the titles being line 1."""

    ligne: int
    constat: str


@dataclass(frozen=True, slots=True)
class Bilan:
    """What an import did. fautes: the first hundred; nombre_fautes counts them all."""

    lues: int = 0
    nouveaux: int = 0
    changes: int = 0
    inchanges: int = 0
    nombre_fautes: int = 0
    fautes: tuple[FauteLigne, ...] = ()


class RepertoireIllisible(Exception):
    """The file is not one of the directory: what follows its last good line was not read. str() is French."""


def import_rpls(
    conn: Connection,
    fichier: TextIO,
    maj_le: datetime,
    *,
    progress: Callable[[int], None] | None = None,
    refuse: Callable[[FauteLigne], None] | None = None,
) -> Bilan:
    """Import a file in the transaction of the caller. Raises RepertoireIllisible.

    fichier: text open with newline='', semicolons, titles first. progress: called with the lines read.
    refuse: called with each line left out, however many. Memory holds a batch and the numbers seen ([RPL-4]).
    """
    bilan = Bilan()
    fautes: list[FauteLigne] = []
    vus: set[str] = set()
    lot: list[Logement] = []

    def fail(faute: FauteLigne) -> None:
        nonlocal bilan
        bilan = replace(bilan, nombre_fautes=bilan.nombre_fautes + 1)
        if len(fautes) < _FAUTES_MAX:
            fautes.append(faute)
        if refuse is not None:
            refuse(faute)

    def write() -> None:
        nonlocal bilan
        if lot:
            ecrit = conn.execute(_WRITE, {"lot": encode_rows(lot), "maj_le": maj_le}).one()
            bilan = replace(
                bilan,
                nouveaux=bilan.nouveaux + ecrit.nouveaux,
                changes=bilan.changes + ecrit.changes,
                inchanges=bilan.inchanges + len(lot) - ecrit.nouveaux - ecrit.changes,
            )
            lot.clear()
        if progress is not None:
            progress(bilan.lues)

    for numero, ligne in _rows(fichier):
        bilan = replace(bilan, lues=bilan.lues + 1)
        logement = (
            read_ligne(ligne) if ligne is not None else "la ligne n'a pas autant de valeurs que de titres"
        )
        if isinstance(logement, str):
            fail(FauteLigne(numero, logement))
        elif logement.numero in vus:
            fail(
                FauteLigne(numero, f"numero_rpls « {logement.numero} » : déjà donné par une ligne plus haut")
            )
        else:
            vus.add(logement.numero)
            lot.append(logement)
        if len(lot) >= _LOT:
            write()
    write()
    return replace(bilan, fautes=tuple(fautes))


def _rows(fichier: TextIO) -> Iterator[tuple[int, Mapping[str, str] | None]]:
    reader = csv.reader(fichier, delimiter=";")
    try:
        titres = [titre.strip().lower().removeprefix("\ufeff") for titre in next(reader, [])]
        manquants = [titre for titre in TITRES if titre not in titres]
        if manquants:
            raise RepertoireIllisible(f"Titres manquants : {', '.join(manquants)}.")
        for valeurs in reader:
            if valeurs:
                complete = len(valeurs) == len(titres)
                yield reader.line_num, dict(zip(titres, valeurs, strict=True)) if complete else None
    except UnicodeDecodeError as error:
        raise RepertoireIllisible("Le fichier n'est pas dans l'encodage annoncé.") from error
    except csv.Error as error:
        raise RepertoireIllisible(f"Le fichier n'est pas un CSV, vers la ligne {reader.line_num}.") from error
