"""What the registry knows of a demande beyond its document, for the criteria of filters that ask for it.

Read in the deciding transaction, only when a filter in force uses one of these criteria, and kept with the
decision: an explanation months later judges with what was known then ([FIL-13]).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final

from sqlalchemy import Connection, text

from filters.source import Connu

# evenement_partage: the type of national code PRIORITE (schemas/codes/types_evenements.csv).
_READ: Final = text("""
    SELECT d.numero, coalesce(r.anormal_le <= :jour, false) AS delai_anormal,
        EXISTS (SELECT FROM evenement_partage e
            WHERE e.numero = d.numero AND e.type = 'PRIORITE' AND e.courante) AS prioritaire
    FROM unnest(CAST(:numeros AS text[])) AS d(numero) LEFT JOIN recherche r ON r.numero = d.numero
""")


def read_connu(conn: Connection, numeros: Iterable[str], jour: date) -> dict[str, Connu]:
    """What is known of each of these demandes on that day, in one statement."""
    rows = conn.execute(_READ, {"numeros": list(numeros), "jour": jour})
    return {row.numero: Connu(row.prioritaire, row.delai_anormal) for row in rows}


def connu_to_json(connu: Connu) -> dict[str, bool]:
    """As kept with a decision."""
    return {"prioritaire": connu.prioritaire, "delai_anormal": connu.delai_anormal}


def connu_from_json(value: dict[str, bool] | None) -> Connu | None:
    """The inverse of `connu_to_json`; None when the decision did not ask."""
    return None if value is None else Connu(value["prioritaire"], value["delai_anormal"])
