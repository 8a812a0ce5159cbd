"""getNouveauxDaloDepuisLe and getDemandesRadieesDepuisLe: the file of an answer, written as it is read.

The document (DAL-9) is ours, the contract describes none: a root `listeDemandes` of the namespace of the
interface, the header that every document has, then whole `interfaceNuu` documents. Each is the stored emitted
form with another header, so that the list costs no parsing and the size of one document of memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from registry.droits import may_read
from registry.guichets import Guichet
from registry.lifecycle import Etat
from registry.releves import Releve
from registry.versions import in_version
from schemas.emission import TYPE_RETOUR, format_instant, rehead

_LOT: Final = 100
"""Documents of 8 KB or so fetched at once: under a megabyte of memory for a list of any length."""

# The latest row of each demande in the window only: a demande is in an answer once, as it is now.
_COLUMNS: Final = """
    SELECT d.numero, d.territoire, d.communes, v.document,
        EXISTS (
            SELECT FROM detention h WHERE h.numero = d.numero AND h.guichet = :guichet
        ) AS detenteur
"""
_READ: Final = {
    Releve.DALO: text(f"""{_COLUMNS}
        FROM releve_dalo r
        JOIN demande d ON d.numero = r.numero
        JOIN demande_version v ON v.numero = d.numero AND v.version = d.version
        WHERE r.vu_le >= :depuis AND r.vu_le < :jusqu_au
            AND NOT EXISTS (
                SELECT FROM releve_dalo s
                WHERE s.numero = r.numero AND s.sequence > r.sequence AND s.vu_le < :jusqu_au)
        ORDER BY r.vu_le, r.sequence
    """),
    Releve.RADIATIONS: text(f"""{_COLUMNS}
        FROM releve_radiation r
        JOIN demande d ON d.numero = r.numero
        JOIN demande_version v ON v.numero = d.numero AND v.version = d.version
        WHERE r.vu_le >= :depuis AND r.vu_le < :jusqu_au AND d.etat = :radiee
            AND (CAST(:motif AS text) IS NULL OR r.motif = :motif)
            AND (CAST(:statut_dalo AS text) IS NULL OR r.statut_dalo = :statut_dalo)
            AND (CAST(:type_reservataire AS text) IS NULL OR r.type_reservataire = :type_reservataire)
            AND NOT EXISTS (
                SELECT FROM releve_radiation s
                WHERE s.numero = r.numero AND s.sequence > r.sequence AND s.vu_le < :jusqu_au)
        ORDER BY r.vu_le, r.sequence
    """),
}


@dataclass(frozen=True, slots=True)
class Criteres:
    """The optional criteria of getDemandesRadieesDepuisLe: codes, None when not given (ListeMotifsRadiation,
    ListeStatutDalo, ListeTypeReservataire) ([DAL-13])."""

    motif: str | None = None
    statut_dalo: str | None = None
    type_reservataire: str | None = None


def write_list(
    conn: Connection,
    releve: Releve,
    guichet: Guichet,
    depuis: datetime,
    jusqu_au: datetime,
    write: Callable[[bytes], object],
    criteres: Criteres | None = None,
) -> tuple[str, ...]:
    """Write the file of the demandes that the guichet may read, seen from `depuis` (included) to `jusqu_au`
    (excluded, given by `registry.releves.cut` and committed); return their numbers ([DAL-14]).

    Memory grows with the list by its numbers only. Raises what the database and `write` raise.
    """
    criteres = criteres or Criteres()
    write(
        f'<ns1:listeDemandes xmlns:ns1="http://nuu.application.i2/" depuisLe="{format_instant(depuis)}">'
        f"<ns1:entete><ns1:typeFichier>{TYPE_RETOUR}</ns1:typeFichier>"
        f"<ns1:dateFichier>{format_instant(jusqu_au)}</ns1:dateFichier></ns1:entete>".encode()
    )
    parametres: Mapping[str, object] = {
        "guichet": guichet.code,
        "depuis": depuis,
        "jusqu_au": jusqu_au,
    }
    if releve is Releve.RADIATIONS:
        parametres = {
            **parametres,
            "radiee": Etat.RADIEE.value,
            "motif": criteres.motif,
            "statut_dalo": criteres.statut_dalo,
            "type_reservataire": criteres.type_reservataire,
        }
    numeros = []
    lignes = conn.execute(
        _READ[releve], parametres, execution_options={"stream_results": True, "yield_per": _LOT}
    )
    for ligne in lignes:
        if may_read(guichet, ligne.territoire, ligne.communes, detenteur=ligne.detenteur).accorde:
            demande = rehead(ligne.document, type_fichier=TYPE_RETOUR, date_fichier=jusqu_au)
            write(in_version(demande, guichet))
            numeros.append(ligne.numero)
    write(b"</ns1:listeDemandes>")
    return tuple(numeros)
