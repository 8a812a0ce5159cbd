"""The lists that partners ask by date: new DALO, radiations. What feeds them, and where an answer stops.

The cut-off ([DAL-10], [DAL-11]). An answer holds what was seen from the date asked (included) to its own
date (excluded), and its date is what the next call asks from. Nothing may then slip in before a date already
given, although transactions commit late, processes are many and their clocks disagree. Hence one row per
list, `releve_coupure`: whoever adds to the list locks it until the commit and dates its rows no earlier than
it; whoever asks locks it, so waits for those in progress, dates the answer after all that they wrote, moves
it to that date and lets it go. What is then read does not change any more: it takes no lock, however long.

Lock order: head of the chain, then cut-offs in the order of their names. Readers take the cut-off alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, text

from registry.evenements import EvenementDemande
from registry.lignes import encode_rows

ACTIF: Final = "ACTIF"
"""Code of ListeStatutDalo of a demande recognised as priority and urgent."""

_RADIATION: Final = "RAD"
_MILLISECONDE: Final = timedelta(milliseconds=1)


class Releve(StrEnum):
    """A list, by the name of its cut-off."""

    DALO = "dalo"
    RADIATIONS = "radiations"


@dataclass(frozen=True, slots=True)
class Reconnaissance:
    """A demande that became DALO ACTIF by the journal entry `sequence`."""

    sequence: int
    numero: str
    territoire: str


@dataclass(frozen=True, slots=True)
class RadiationVue:
    """A radiation and the three criteria of the list; a criterion that the document does not say is empty."""

    sequence: int
    numero: str
    territoire: str
    motif: str
    statut_dalo: str
    type_reservataire: str


@dataclass(frozen=True, slots=True)
class Suivi:
    """What a batch of events adds to the lists. statuts: DALO status by demande, and its journal entry."""

    statuts: dict[str, tuple[str, int]]
    reconnaissances: tuple[Reconnaissance, ...]
    radiations: tuple[RadiationVue, ...]


def follow(evenements: Iterable[EvenementDemande], connus: dict[str, str]) -> Suivi:
    """What these events, in the order of the journal, add to the lists. Pure.

    connus: DALO statuses before them, by number.
    """
    courants = dict(connus)
    statuts: dict[str, tuple[str, int]] = {}
    reconnaissances = []
    radiations = []
    for event in evenements:
        dalo = event.demande.dalo
        statut = (dalo.statut if dalo is not None else None) or ""
        avant = courants.get(event.numero, "")
        if statut != avant:
            courants[event.numero] = statut
            statuts[event.numero] = (statut, event.sequence)
            if statut == ACTIF:
                reconnaissances.append(Reconnaissance(event.sequence, event.numero, event.territoire))
        radiation = event.demande.radiation if event.nature == _RADIATION else None
        if radiation is not None and radiation.motif:
            attribution = radiation.attribution
            reservataire = attribution.type_reservataire if attribution is not None else None
            radiations.append(
                RadiationVue(
                    event.sequence,
                    event.numero,
                    event.territoire,
                    radiation.motif,
                    statut,
                    reservataire or "",
                )
            )
    return Suivi(statuts, tuple(reconnaissances), tuple(radiations))


_KNOWN: Final = text("SELECT numero, statut FROM dalo_statut WHERE numero = ANY(CAST(:numeros AS text[]))")
# The locks are taken first: what is inserted waits for the rows of `coupures`, read again once they are free.
_WRITE: Final = text("""
    WITH coupures AS MATERIALIZED (
        SELECT nom, jusqu_au FROM releve_coupure WHERE nom = ANY(CAST(:noms AS text[]))
        ORDER BY nom FOR UPDATE
    ), statuts AS (
        INSERT INTO dalo_statut (numero, statut, sequence)
        SELECT numero, statut, sequence
        FROM json_to_recordset(CAST(:statuts AS json)) AS t(numero text, statut text, sequence bigint)
        ON CONFLICT (numero) DO UPDATE SET statut = excluded.statut, sequence = excluded.sequence
    ), reconnaissances AS (
        INSERT INTO releve_dalo (sequence, numero, territoire, vu_le)
        SELECT sequence, numero, territoire, greatest(jusqu_au, :maintenant)
        FROM json_to_recordset(CAST(:dalo AS json)) AS t(sequence bigint, numero text, territoire text)
        JOIN coupures ON nom = 'dalo'
    )
    INSERT INTO releve_radiation (sequence, numero, territoire, vu_le, motif, statut_dalo, type_reservataire)
    SELECT sequence, numero, territoire, greatest(jusqu_au, :maintenant), motif, statut_dalo,
        type_reservataire
    FROM json_to_recordset(CAST(:radiations AS json)) AS t(sequence bigint, numero text, territoire text,
        motif text, statut_dalo text, type_reservataire text)
    JOIN coupures ON nom = 'radiations'
""")


def record(conn: Connection, evenements: Sequence[EvenementDemande], maintenant: datetime) -> None:
    """Add to the lists what these events bring, in their transaction, under the lock of the chain ([DAL-8]).

    maintenant: aware. A batch of creations without DALO costs no statement. Raises what the database raises.
    """
    suivis = [
        event
        for event in evenements
        if event.version > 1 or event.demande.dalo is not None or event.nature == _RADIATION
    ]
    if not suivis:
        return
    anciens = sorted({event.numero for event in suivis if event.version > 1})
    connus = (
        {ligne.numero: ligne.statut for ligne in conn.execute(_KNOWN, {"numeros": anciens})}
        if anciens
        else {}
    )
    suivi = follow(suivis, connus)
    if not suivi.statuts and not suivi.radiations:
        return
    noms = [
        nom
        for nom, lignes in ((Releve.DALO, suivi.reconnaissances), (Releve.RADIATIONS, suivi.radiations))
        if lignes
    ]
    conn.execute(
        _WRITE,
        {
            "noms": noms,
            "maintenant": maintenant,
            "statuts": encode_rows(
                {"numero": numero, "statut": statut, "sequence": sequence}
                for numero, (statut, sequence) in suivi.statuts.items()
            ),
            "dalo": encode_rows(suivi.reconnaissances),
            "radiations": encode_rows(suivi.radiations),
        },
    )


_TABLES: Final = {Releve.DALO: "releve_dalo", Releve.RADIATIONS: "releve_radiation"}
_CUT: Final = {
    releve: (
        text("SELECT jusqu_au FROM releve_coupure WHERE nom = :nom FOR UPDATE"),
        # The name of the table comes from the line above, never from a caller.
        text(f"SELECT max(vu_le) FROM {table}"),  # noqa: S608
        text("UPDATE releve_coupure SET jusqu_au = :jusqu_au WHERE nom = :nom"),
    )
    for releve, table in _TABLES.items()
}


def cut(conn: Connection, releve: Releve, maintenant: datetime) -> datetime:
    """The date of an answer about to be made: later than all that is in the list, earlier or equal to all
    that will be. To be committed before the list is read. A whole number of milliseconds, as dateFichier.
    """
    lock, latest, move = _CUT[releve]
    deja: datetime = conn.execute(lock, {"nom": releve}).scalar_one()
    # Another statement, hence a snapshot taken after the lock: those who held it have committed.
    dernier: datetime | None = conn.execute(latest).scalar_one()
    vus = maintenant if dernier is None else max(maintenant, dernier)
    jusqu_au = max(deja, vus.replace(microsecond=vus.microsecond // 1000 * 1000) + _MILLISECONDE)
    if jusqu_au != deja:
        conn.execute(move, {"nom": releve, "jusqu_au": jusqu_au})
    return jusqu_au
