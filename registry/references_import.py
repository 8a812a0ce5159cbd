"""Importing the reference tables of the attestation from CSV files (clause ATT-12).

A file holds the whole table and replaces it, in the transaction of the caller: importing it twice changes
nothing more. A wrong line is reported and left out: one commune misspelt must not keep out the others.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, Table, delete, insert, select

from registry.tables import GUICHET
from registry.tables_references import BAILLEUR_COMMUNE, COMMISSION_MEDIATION, COORDONNEES, DELAI_ANORMAL
from schemas import cog, territoires
from schemas.codes import label

_LOT: Final = 1000
_SIREN: Final = re.compile(r"[0-9]{9}")
_MOIS_MAX: Final = 600
_FAUTES_MAX: Final = 100


class Reference(StrEnum):
    """A table to import."""

    BAILLEURS = "bailleurs"
    DELAIS = "delais"
    COMMISSIONS = "commissions"
    COORDONNEES = "coordonnees"


@dataclass(frozen=True, slots=True)
class FauteLigne:
    """A line left out. ligne: its number in the file, the titles being line 1."""

    ligne: int
    constat: str


@dataclass(frozen=True, slots=True)
class Bilan:
    """What an import did. fautes: the first hundred; nombre_fautes counts them all."""

    importees: int
    remplacees: int
    fautes: tuple[FauteLigne, ...]
    nombre_fautes: int


class FichierIllisible(Exception):
    """The file is no CSV of this table: nothing was changed. str() is the French text."""


Ligne = Mapping[str, str]
Valeurs = dict[str, object]


def import_reference(
    conn: Connection,
    reference: Reference,
    data: bytes,
    progress: Callable[[int, int], None] | None = None,
) -> Bilan:
    """Replace the table by what the file holds. Raises FichierIllisible ([ATT-12]).

    data: CSV in UTF-8, semicolons, titles first. progress: called with (lines written, lines in all).
    """
    table, titres, read = _TABLES[reference]
    guichets = frozenset(conn.scalars(select(GUICHET.c.code))) if reference is Reference.COORDONNEES else None
    valides: dict[tuple[object, ...], Valeurs] = {}
    fautes: list[FauteLigne] = []
    cles = [column.name for column in table.primary_key]
    for numero, ligne in _rows(data, titres):
        valeurs = read(ligne)
        if isinstance(valeurs, dict) and guichets is not None and valeurs["guichet"] not in guichets:
            valeurs = f"le guichet « {valeurs['guichet']} » n'existe pas"
        if isinstance(valeurs, str):
            fautes.append(FauteLigne(numero, valeurs))
            continue
        cle = tuple(valeurs[name] for name in cles)
        if cle in valides:
            fautes.append(FauteLigne(numero, "déjà donnée par une ligne plus haut"))
        else:
            valides[cle] = valeurs
    remplacees = conn.execute(delete(table)).rowcount
    lignes = list(valides.values())
    for debut in range(0, len(lignes), _LOT):
        conn.execute(insert(table), lignes[debut : debut + _LOT])
        if progress is not None:
            progress(min(debut + _LOT, len(lignes)), len(lignes))
    return Bilan(len(lignes), remplacees, tuple(fautes[:_FAUTES_MAX]), len(fautes))


def _rows(data: bytes, titres: Sequence[str]) -> Iterator[tuple[int, Ligne]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FichierIllisible("Le fichier n'est pas en UTF-8.") from None
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";", strict=True)
    try:
        trouves = next(reader, [])
        if [titre.strip() for titre in trouves] != list(titres):
            raise FichierIllisible(
                f"Titres attendus : {';'.join(titres)} ; trouvés : {';'.join(trouves)[:200] or 'rien'}."
            )
        for valeurs in reader:
            if valeurs:
                manque = [""] * (len(titres) - len(valeurs))
                yield reader.line_num, dict(zip(titres, [*valeurs, *manque], strict=False))
    except csv.Error as error:
        raise FichierIllisible(f"Le fichier n'est pas un CSV, ligne {reader.line_num}.") from error


def _bailleur(ligne: Ligne) -> Valeurs | str:
    commune, siren, nom = (ligne[titre].strip() for titre in ("commune", "siren", "nom"))
    if cog.commune(commune) is None:
        return f"la commune « {commune} » n'existe pas au code officiel géographique"
    if not _SIREN.fullmatch(siren):
        return f"le SIREN « {siren} » n'a pas 9 chiffres"
    return {"commune": commune, "siren": siren, "nom": nom} if nom else "le nom du bailleur manque"


def _delai(ligne: Ligne) -> Valeurs | str:
    territoire, zone, typologie = (ligne[titre].strip() for titre in ("territoire", "zone", "typologie"))
    if not territoires.exists(territoire):
        return f"le territoire « {territoire} » n'existe pas"
    if not _is_zone(zone, territoire):
        return f"la zone « {zone} » n'est ni une commune, ni un EPCI, ni un département du territoire"
    if typologie and label("ListeTypeLogement", typologie) is None:
        return f"le type de logement « {typologie} » n'existe pas"
    mois = ligne["mois"].strip()
    if not mois.isascii() or not mois.isdigit() or not 1 <= int(mois) <= _MOIS_MAX:
        return f"le délai « {mois} » n'est pas un nombre de mois de 1 à {_MOIS_MAX}"
    try:
        valide_du = date.fromisoformat(ligne["valide_du"].strip())
    except ValueError:
        return f"la date « {ligne['valide_du'].strip()} » n'a pas la forme aaaa-mm-jj"
    return {
        "territoire": territoire,
        "zone": zone,
        "typologie": typologie,
        "valide_du": valide_du,
        "mois": int(mois),
    }


def _is_zone(zone: str, territoire: str) -> bool:
    if not zone or territoires.territoire_of_departement(zone) == territoire:
        return True
    communes = {zone} if cog.commune(zone) is not None else cog.communes_of_epci(zone)
    return any(territoires.territoire_of(commune) == territoire for commune in communes)


def _commission(ligne: Ligne) -> Valeurs | str:
    departement, nom, adresse = (ligne[titre].strip() for titre in ("departement", "nom", "adresse"))
    if departement not in cog.departements():
        return f"le département « {departement} » n'existe pas"
    if not nom or not adresse:
        return "le nom ou l'adresse de la commission manque"
    return {"departement": departement, "nom": nom, "adresse": adresse.replace("|", ", ")}


def _coordonnees(ligne: Ligne) -> Valeurs | str:
    guichet, adresse = ligne["guichet"].strip(), ligne["adresse"].strip()
    if not adresse:
        return "l'adresse manque"
    lignes = [part.strip() for part in adresse.split("|")]
    return {
        "guichet": guichet,
        "adresse": "\n".join(lignes),
        "telephone": ligne["telephone"].strip(),
        "mel": ligne["mel"].strip(),
    }


_TABLES: Final[Mapping[Reference, tuple[Table, tuple[str, ...], Callable[[Ligne], Valeurs | str]]]] = {
    Reference.BAILLEURS: (BAILLEUR_COMMUNE, ("commune", "siren", "nom"), _bailleur),
    Reference.DELAIS: (DELAI_ANORMAL, ("territoire", "zone", "typologie", "valide_du", "mois"), _delai),
    Reference.COMMISSIONS: (COMMISSION_MEDIATION, ("departement", "nom", "adresse"), _commission),
    Reference.COORDONNEES: (COORDONNEES, ("guichet", "adresse", "telephone", "mel"), _coordonnees),
}
