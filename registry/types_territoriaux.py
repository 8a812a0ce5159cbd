"""The types of events of a territory: brought by the gestionnaire as a document of the interface itself."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from lxml import etree
from sqlalchemy import Connection, text

from schemas.emission import NSMAP
from schemas.gestion_partagee import VERSION, write_document
from schemas.lecture import PREFIX
from schemas.types_evenements import read_types, types_nationaux, write_types

_IMPORT: Final = text("""
    INSERT INTO type_evenement (territoire, code, definition, maj_le)
    VALUES (:territoire, :code, :definition, :instant)
    ON CONFLICT (territoire, code) DO UPDATE SET definition = excluded.definition, maj_le = excluded.maj_le
""")


def import_types(conn: Connection, root: etree._Element, instant: datetime) -> list[tuple[str, str]]:
    """Bring the types of a valid document GPTypeEvenement: those known already are replaced, none is removed
    (a type is ended by its last day). Returns their territory and code.

    Raises ValueError, in French, for a type without territory, with a national code, or with an unknown
    format of field: nothing is then to be kept.
    """
    vus = []
    vide = etree.Element(f"{PREFIX}interfaceNuu", nsmap=NSMAP, versionInterface=VERSION)
    for each in read_types(root):
        if not each.territoire:
            raise ValueError(f"le type « {each.code} » ne dit pas son territoire (codeTerritoire)")
        if each.code in types_nationaux():
            raise ValueError(f"le code « {each.code} » est celui d'un type national")
        definition = write_document(vide, guichet="", date_fichier=instant, resultat=write_types([each]))
        conn.execute(
            _IMPORT,
            {"territoire": each.territoire, "code": each.code, "definition": definition, "instant": instant},
        )
        vus.append((each.territoire, each.code))
    return vus
