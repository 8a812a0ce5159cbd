"""The attributions file, back to the directory: one line for each dwelling attributed ([RPL-9])."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import datetime
from typing import Final, TextIO

from lxml import etree
from sqlalchemy import Connection, text

from registry.documents_gardes import read_tree
from registry.lifecycle import Etat
from schemas.demande import read_demande
from schemas.lecture import PREFIX

TITRES: Final = (
    "numero_rpls",
    "siren_bailleur",
    "date_bail",
    "numero_unique",
    "commune",
    "type_logement",
    "surface",
    "loyer",
    "zus",
    "deja_locataire",
    "accord_collectif",
    "dalo",
    "contingent",
    "contingent_rpls",
)

_CONTINGENTS: Final = {
    "PFONCT": "1",
    "PPRIOR": "2",
    "COLACT": "3",
    "COLTER": "4",
    "AUTRES": "6",
    "AUCUN": "7",
}
"""ListeTypeReservataire to the contingent of the directory (item 63); 5 and 6 are one code here."""

_ATTRIBUTION: Final = "/".join(
    PREFIX + name for name in ("demande", "demandeLogement", "radiation", "attributionLogement")
)
_LOT: Final = 200
_READ: Final = text("""
    SELECT d.numero, v.document
    FROM releve_radiation r
    JOIN demande d ON d.numero = r.numero
    JOIN demande_version v ON v.numero = d.numero AND v.version = d.version
    WHERE r.motif = 'RADATT' AND r.vu_le >= :depuis AND r.vu_le < :jusqu_au AND d.etat = :radiee
        AND NOT EXISTS (
            SELECT FROM releve_radiation s
            WHERE s.numero = r.numero AND s.sequence > r.sequence AND s.vu_le < :jusqu_au)
    ORDER BY r.sequence
""")


def export_attributions(
    conn: Connection,
    fichier: TextIO,
    depuis: datetime,
    jusqu_au: datetime,
    *,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Write the attributions registered from `depuis` (included) to `jusqu_au` (excluded); how many
    ([RPL-10]).

    fichier: text open with newline=''. Nothing nominative is in the file. Memory holds a batch.
    """
    writer = csv.writer(fichier, delimiter=";", lineterminator="\r\n")
    writer.writerow(TITRES)
    nombre = 0
    parametres = {"depuis": depuis, "jusqu_au": jusqu_au, "radiee": Etat.RADIEE.value}
    options = {"stream_results": True, "yield_per": _LOT}
    for numero, document in conn.execute(_READ, parametres, execution_options=options):
        writer.writerow(_ligne(numero, read_tree(document)))
        nombre += 1
        if progress is not None and nombre % _LOT == 0:
            progress(nombre)
    return nombre


def _ligne(numero: str, root: etree._Element) -> list[str]:
    radiation = read_demande(root).radiation
    attribution = radiation.attribution if radiation is not None else None
    element = root.find(_ATTRIBUTION)
    assert attribution is not None, "une radiation pour attribution dit le logement"
    assert element is not None
    zus = element.find(f"{PREFIX}zus")
    dalo = (element.findtext(f"{PREFIX}attribueEnComDALO") or "").strip()
    bail = attribution.date_signature_bail
    return [
        attribution.numero_rpls.strip().upper(),
        attribution.siren_bailleur,
        "" if bail is None else bail.isoformat(),
        numero,
        attribution.commune or "",
        attribution.type_logement or "",
        "" if attribution.surface is None else str(attribution.surface),
        "" if attribution.montant_loyer is None else str(attribution.montant_loyer),
        "" if zus is None else zus.get("code", ""),
        attribution.deja_loge_parc_bailleur or "",
        attribution.accord_collectif or "",
        {"true": "OUI", "1": "OUI", "false": "NON", "0": "NON"}.get(dalo, ""),
        attribution.type_reservataire or "",
        _CONTINGENTS.get(attribution.type_reservataire or "", ""),
    ]
