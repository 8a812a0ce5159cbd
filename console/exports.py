"""Tables to take away: CSV, Excel and PDF, with the same columns and the same values."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Final

import msgspec
import typst
import xlsxwriter

from console.formats import nombre
from console.tableur import TYPE_CSV, write_csv
from console.vue import Telechargement

Cellule = str | int | float | None
_TYPES: Final = {
    "csv": TYPE_CSV,
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
}
FORMATS: Final = tuple(_TYPES)


@dataclass(frozen=True, slots=True)
class Tableau:
    """A table. nom: of its file, without extension. titre, sous_titre: French. A column is of numbers when
    none of its cells is a text."""

    nom: str
    titre: str
    sous_titre: str
    titres: tuple[str, ...]
    lignes: Sequence[Sequence[Cellule]]

    @property
    def numeriques(self) -> tuple[bool, ...]:
        return tuple(
            not any(isinstance(ligne[rang], str) for ligne in self.lignes) for rang in range(len(self.titres))
        )


def export(tableau: Tableau, format_: str, instant: datetime) -> Telechargement:
    """The file. format_: one of FORMATS. instant: aware, the date that a PDF bears."""
    match format_:
        case "csv":
            octets = write_csv(tableau.titres, tableau.lignes)
        case "xlsx":
            octets = to_xlsx(tableau, instant)
        case "pdf":
            octets = to_pdf(tableau, instant)
        case _:
            raise ValueError(format_)
    return Telechargement(f"{tableau.nom}.{format_}", _TYPES[format_], octets)


def to_xlsx(tableau: Tableau, instant: datetime) -> bytes:
    """One sheet, titles frozen and filtered; texts are texts, whatever they begin with."""
    sortie = io.BytesIO()
    classeur = xlsxwriter.Workbook(
        sortie, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    classeur.set_properties({"title": tableau.titre, "created": instant.replace(tzinfo=None)})
    feuille = classeur.add_worksheet("Tableau")
    gras = classeur.add_format({"bold": True, "text_wrap": True, "valign": "top"})
    for colonne, titre in enumerate(tableau.titres):
        feuille.write_string(0, colonne, titre, gras)
        largeur = max([len(titre) // 2, *(len(str(ligne[colonne] or "")) for ligne in tableau.lignes)])
        feuille.set_column(colonne, colonne, min(max(largeur + 2, 10), 60))
    for rang, ligne in enumerate(tableau.lignes, start=1):
        for colonne, cell in enumerate(ligne):
            if isinstance(cell, str):
                feuille.write_string(rang, colonne, cell)
            elif cell is not None:
                feuille.write_number(rang, colonne, cell)
    feuille.freeze_panes(1, 0)
    feuille.autofilter(0, 0, max(len(tableau.lignes), 1), len(tableau.titres) - 1)
    classeur.close()
    return sortie.getvalue()


def to_pdf(tableau: Tableau, instant: datetime) -> bytes:
    """A4, tagged (PDF/UA-1)."""
    donnees = {
        "titre": tableau.titre,
        "sous_titre": tableau.sous_titre,
        "titres": tableau.titres,
        "numeriques": tableau.numeriques,
        "lignes": [[_printed(cell) for cell in ligne] for ligne in tableau.lignes],
    }
    modele = (files("console") / "modeles" / "tableau.typ").read_bytes()
    fichiers = {"main.typ": modele, "donnees.json": msgspec.json.encode(donnees)}
    # Its own fonts only, so that every machine prints the same.
    compiler = typst.Compiler(fichiers, ignore_system_fonts=True)  # type: ignore[type-var]
    pdf = compiler.compile(format="pdf", pdf_standards="ua-1", timestamp=instant)
    assert isinstance(pdf, bytes)
    return pdf


def _printed(cell: Cellule) -> str:
    match cell:
        case None:
            return ""
        case str():
            return cell
        case int():
            return nombre(cell)
        case _:
            return nombre(cell, 1)
