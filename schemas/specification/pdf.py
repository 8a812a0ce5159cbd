"""The specification as a PDF, tagged (PDF/UA-1), by typst, as the attestation is (docs/decisions/0034)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from importlib.resources import files
from typing import Final

import msgspec
import typst

from schemas.specification.arbre import Arbre, Bloc, Fragment, plain

_LARGEUR_MOT: Final = 40
"""Characters after which a word of a code may be cut: an empreinte or an address has no blanks."""
_LARGEUR_EN_TABLE: Final = 28
_COUPURE: Final = "\u200b"
_LARGEUR_MAX: Final = 60
"""Greatest share of a column of a table."""


def write_pdf(arbre: Arbre, titre: str, sous_titre: str, *, instant: datetime) -> bytes:
    """The PDF; the same text and instant give the same bytes. Some seconds of processor.

    instant: aware, the date that the file bears. Raises typst.TypstError when the layout is at fault.
    """
    donnees = {"titre": titre, "sous_titre": sous_titre, "blocs": [_bloc(each) for each in arbre.blocs]}
    source = files("schemas").joinpath("specification", "specification.typ").read_bytes()
    fichiers = {"main.typ": source, "donnees.json": msgspec.json.encode(donnees)}
    compiler = typst.Compiler(fichiers, ignore_system_fonts=True)  # type: ignore[type-var]
    pdf = compiler.compile(
        fichiers,  # type: ignore[type-var]
        format="pdf",
        pdf_standards="ua-1",
        timestamp=instant,
    )
    assert isinstance(pdf, bytes)
    return pdf


def _bloc(bloc: Bloc) -> dict[str, object]:
    """As the layout reads it: without what it does not use."""
    match bloc.genre:
        case "titre":
            return {
                "genre": "titre",
                "niveau": bloc.niveau,
                "numero": bloc.numero,
                "ancre": bloc.ancre,
                "contenu": _line(bloc.contenu),
            }
        case "code":
            return {"genre": "code", "texte": _cut(bloc.texte)}
        case "table":
            return {
                "genre": "table",
                "largeurs": _widths(bloc),
                "lignes": [
                    [_cell(cell) if rang == 0 else {"suite": _cell(cell)} for cell in row]
                    for rang, row in enumerate(bloc.lignes)
                ],
            }
        case _:
            return {
                "genre": bloc.genre,
                "contenu": _line(bloc.contenu),
                "blocs": [_bloc(each) for each in bloc.blocs],
            }


def _cell(contenu: Sequence[Fragment]) -> list[dict[str, object]]:
    return _line(contenu, _LARGEUR_EN_TABLE)


def _line(contenu: Sequence[Fragment], largeur: int = _LARGEUR_MOT) -> list[dict[str, object]]:
    return [
        {
            "genre": each.genre,
            "texte": _cut(each.texte, largeur) if each.genre == "code" else each.texte,
            "vers": each.vers,
            "contenu": _line(each.contenu, largeur),
        }
        for each in contenu
    ]


def _widths(bloc: Bloc) -> list[int]:
    """The share of each column: its longest word at least, and what its cells hold on the whole."""
    return [_width([plain(row[rang]) for row in bloc.lignes]) for rang in range(len(bloc.lignes[0]))]


def _width(cells: Sequence[str]) -> int:
    longest = max((len(word) for cell in cells for word in cell.split()), default=1)
    mean = sum(map(len, cells)) // len(cells)
    return max(min(longest, _LARGEUR_EN_TABLE) + 2, min(mean, _LARGEUR_MAX))


def _cut(texte: str, largeur: int = _LARGEUR_MOT) -> str:
    return re.sub(rf"\S{{{largeur}}}(?=\S)", lambda found: found[0] + _COUPURE, texte)
