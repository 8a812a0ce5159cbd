"""The weekly closings: counted once, in one snapshot, then read again ([INF-1] to [INF-5])."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from sqlalchemy import Connection, Engine, Select, insert, select, text
from sqlalchemy.exc import IntegrityError

from registry.infocentre import Acte, Bilan, Ligne, Tableau, balance, delta_of, fact_of, flows, week_of
from registry.qualite_mesures import keep, measure
from registry.tables_infocentre import INFOCENTRE_ARRETE, INFOCENTRE_LIGNE

_TRANCHES: Final = ((6, "0-5"), (12, "6-11"), (24, "12-23"), (36, "24-35"), (60, "36-59"), (120, "60-119"))
"""Seniority: months not reached, and the name of what is below; beyond: ``120+``."""

_HEAD: Final = text("SELECT sequence, empreinte FROM chaine WHERE nom = 'registre'")


def _tranche(mois: str) -> str:
    """The SQL of a class of seniority, from the SQL of a number of months."""
    cas = " ".join(f"WHEN {mois} < {borne} THEN '{nom}'" for borne, nom in _TRANCHES)
    return f"CASE {cas} ELSE '120+' END"


_AGE: Final = _tranche("(extract(year FROM a) * 12 + extract(month FROM a))")
_STOCKS: Final = {
    Tableau.STOCK: ("''", ""),
    Tableau.ANCIENNETE: (_AGE, ", LATERAL (SELECT age(:jour, date_depot) AS a) d"),
    Tableau.TYPE: ("type", ", unnest(types) AS type"),
    Tableau.COMMUNE: ("commune", ", unnest(communes) AS commune"),
}
"""By what the active demandes of a territory are counted, and where that is."""

_ACTS: Final = text("""
    SELECT left(j.numero, 3) AS territoire, j.nature, j.canal,
        j.detail LIKE '%"deradiation"%' AS deradiation, coalesce(r.motif, '') AS motif, count(*) AS nombre
    FROM journal j LEFT JOIN releve_radiation r ON r.sequence = j.sequence
    WHERE j.sequence > :apres AND j.sequence <= :jusqua AND j.numero IS NOT NULL
    GROUP BY 1, 2, 3, 4, 5
""")
_ATTRIBUTIONS: Final = {
    Tableau.ATTRIBUTION: """
        SELECT territoire, coalesce(nullif(type_reservataire, ''), 'NON_DIT') AS modalite, count(*)
        FROM releve_radiation
        WHERE motif = 'RADATT' AND sequence > :apres AND sequence <= :jusqua GROUP BY 1, 2""",
    # At the day of the certified entry, not of the lease: a late radiation is of the week that knew it.
    Tableau.ATTRIBUTION_DELAI: f"""
        SELECT r.territoire, {_AGE} AS modalite, count(*)
        FROM releve_radiation r JOIN journal j ON j.sequence = r.sequence
            JOIN demande d ON d.numero = r.numero,
            LATERAL (SELECT age(CAST(j.instant AT TIME ZONE 'Europe/Paris' AS date), d.date_depot) AS a) x
        WHERE r.motif = 'RADATT' AND r.sequence > :apres AND r.sequence <= :jusqua GROUP BY 1, 2""",  # noqa: S608 (our own names)
}


@dataclass(frozen=True, slots=True)
class Arrete:
    """The figures of a week. sequence: position of the journal; depuis_sequence: that of the one before."""

    semaine: str
    arrete_le: datetime
    depuis_sequence: int
    sequence: int
    empreinte: bytes
    lignes: tuple[Ligne, ...]
    bilans: tuple[Bilan, ...]

    @property
    def ecarts(self) -> tuple[Bilan, ...]:
        """The territories whose identity does not hold."""
        return tuple(bilan for bilan in self.bilans if bilan.ecart)


def close(engine: Engine, instant: datetime, *, progress: Callable[[str], None] | None = None) -> Arrete:
    """Close the week of `instant` (aware), or read it again when it is closed already ([INF-1]).

    One snapshot: what is registered meanwhile belongs to the next week. Raises what the database raises.
    """
    semaine = week_of(instant)
    try:
        with engine.connect().execution_options(isolation_level="REPEATABLE READ") as conn, conn.begin():
            if conn.execute(select(INFOCENTRE_ARRETE.c.semaine).filter_by(semaine=semaine)).first() is None:
                _close(conn, semaine, instant, progress or (lambda _: None))
            return read(conn, semaine)
    except IntegrityError:
        # Another process has just closed the same week: its figures are those of the week.
        with engine.connect() as conn:
            return read(conn, semaine)


def _close(conn: Connection, semaine: str, instant: datetime, progress: Callable[[str], None]) -> None:
    head = conn.execute(_HEAD).one()
    avant = conn.execute(_before(semaine)).first()
    depuis = 0 if avant is None else avant.sequence
    bornes = {"apres": depuis, "jusqua": head.sequence}
    jour = date.fromisocalendar(int(semaine[:4]), int(semaine[6:]), 7)
    lignes: list[Ligne] = []
    for tableau, (modalite, source) in _STOCKS.items():
        progress(tableau)
        query = text(
            f"SELECT territoire, {modalite}, count(*) FROM demande{source}"  # noqa: S608 (our own names)
            " WHERE etat = 'active' GROUP BY 1, 2"
        )
        parametres = {"jour": jour} if tableau is Tableau.ANCIENNETE else {}
        lignes += [Ligne(tableau, *row) for row in conn.execute(query, parametres)]
    progress(Tableau.ACTE)
    lignes += flows(_acts(conn, depuis, head.sequence))
    for tableau, attributions in _ATTRIBUTIONS.items():
        progress(tableau)
        lignes += [Ligne(tableau, *row) for row in conn.execute(text(attributions), bornes)]
    conn.execute(
        insert(INFOCENTRE_ARRETE),
        {
            "semaine": semaine,
            "arrete_le": instant,
            "depuis_sequence": depuis,
            "sequence": head.sequence,
            "empreinte": head.empreinte,
        },
    )
    progress("qualite")
    debut = datetime.min.replace(tzinfo=UTC) if avant is None else avant.arrete_le
    keep(conn, semaine, measure(conn, depuis, head.sequence, debut, instant))
    if lignes:
        conn.execute(
            insert(INFOCENTRE_LIGNE),
            [
                {
                    "semaine": semaine,
                    "tableau": ligne.tableau,
                    "territoire": ligne.territoire,
                    "modalite": ligne.modalite,
                    "nombre": ligne.nombre,
                }
                for ligne in lignes
            ],
        )


def _acts(conn: Connection, apres: int, jusqua: int) -> list[Acte]:
    return [Acte(*row) for row in conn.execute(_ACTS, {"apres": apres, "jusqua": jusqua})]


def weeks(conn: Connection) -> Sequence[str]:
    """The weeks closed, in their order."""
    return list(conn.scalars(select(INFOCENTRE_ARRETE.c.semaine).order_by(INFOCENTRE_ARRETE.c.semaine)))


def read(conn: Connection, semaine: str) -> Arrete:
    """A week as it was closed. Raises NoResultFound when it was not."""
    arrete = conn.execute(select(INFOCENTRE_ARRETE).filter_by(semaine=semaine)).one()
    lignes = sorted(
        Ligne(Tableau(row.tableau), row.territoire, row.modalite, row.nombre)
        for row in conn.execute(select(INFOCENTRE_LIGNE).filter_by(semaine=semaine))
    )
    return Arrete(
        semaine,
        arrete.arrete_le,
        arrete.depuis_sequence,
        arrete.sequence,
        arrete.empreinte,
        tuple(lignes),
        tuple(balance(_opening(conn, semaine), lignes)),
    )


def _before(semaine: str) -> Select[tuple[str, int, datetime]]:
    """The last closing before a week: its week, position, instant. Weeks sort as they follow each other."""
    arretes = INFOCENTRE_ARRETE.c
    return (
        select(arretes.semaine, arretes.sequence, arretes.arrete_le)
        .where(arretes.semaine < semaine)
        .order_by(arretes.semaine.desc())
        .limit(1)
    )


def _opening(conn: Connection, semaine: str) -> dict[str, int]:
    """The stock of the closing before, by territory; nothing for the first."""
    avant = conn.execute(_before(semaine)).first()
    if avant is None:
        return {}
    query = select(INFOCENTRE_LIGNE.c.territoire, INFOCENTRE_LIGNE.c.nombre).filter_by(
        semaine=avant.semaine, tableau=Tableau.STOCK
    )
    return {row.territoire: row.nombre for row in conn.execute(query)}


def recount(conn: Connection, semaine: str) -> dict[str, tuple[int, int]]:
    """The territories whose stock of that week is not what the whole journal gives: (closed, recounted).

    Nothing of the closings is used but the position: the journal is read from its first entry ([INF-5]).
    """
    arrete = read(conn, semaine)
    arretes = {ligne.territoire: ligne.nombre for ligne in arrete.lignes if ligne.tableau is Tableau.STOCK}
    comptes: dict[str, int] = {}
    for acte in _acts(conn, 0, arrete.sequence):
        delta = delta_of(fact_of(acte))
        comptes[acte.territoire] = comptes.get(acte.territoire, 0) + delta * acte.nombre
    return {
        territoire: (arretes.get(territoire, 0), comptes.get(territoire, 0))
        for territoire in sorted(arretes.keys() | comptes.keys())
        if arretes.get(territoire, 0) != comptes.get(territoire, 0)
    }
