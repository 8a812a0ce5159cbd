"""What the attestation of one demande cites of the reference tables, read in four short statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, select

from registry.delais import Delai
from registry.tables_references import BAILLEUR_COMMUNE, COMMISSION_MEDIATION, COORDONNEES, DELAI_ANORMAL
from schemas import cog


@dataclass(frozen=True, slots=True)
class Coordonnees:
    """How to reach a guichet. adresse: lines separated by line ends."""

    adresse: str = ""
    telephone: str = ""
    mel: str = ""


@dataclass(frozen=True, slots=True)
class Commission:
    """A commission de médiation."""

    departement: str
    nom: str
    adresse: str


@dataclass(frozen=True, slots=True)
class References:
    """bailleurs: names by INSEE code of commune. delais: all the lines of the territory."""

    coordonnees: Coordonnees
    bailleurs: dict[str, tuple[str, ...]]
    commissions: tuple[Commission, ...]
    delais: tuple[Delai, ...]


def read_delais(conn: Connection, territoire: str, jour: date) -> tuple[Delai, ...]:
    """The lines of a territory already in force on that day."""
    table = DELAI_ANORMAL.c
    lignes = conn.execute(
        select(table.zone, table.typologie, table.valide_du, table.mois)
        .where(table.territoire == territoire, table.valide_du <= jour)
        .order_by(table.zone, table.typologie, table.valide_du)
    )
    return tuple(Delai(*ligne) for ligne in lignes)


def read_references(
    conn: Connection, guichet: str, territoire: str, communes: Sequence[str], jour: date
) -> References:
    """For a demande registered by `guichet` that wishes `communes` (INSEE codes) of `territoire`
    ([ATT-6] [ATT-7])."""
    coordonnees = conn.execute(
        select(COORDONNEES.c.adresse, COORDONNEES.c.telephone, COORDONNEES.c.mel).where(
            COORDONNEES.c.guichet == guichet
        )
    ).one_or_none()
    # The stock of a city may be known by arrondissement or as a whole.
    meres = {code: found.commune_mere for code in communes if (found := cog.commune(code)) is not None}
    cherchees = sorted({*communes, *meres.values()} - {""})
    bailleurs: dict[str, set[str]] = {}
    for commune, nom in conn.execute(
        select(BAILLEUR_COMMUNE.c.commune, BAILLEUR_COMMUNE.c.nom).where(
            BAILLEUR_COMMUNE.c.commune.in_(cherchees)
        )
    ):
        bailleurs.setdefault(commune, set()).add(nom)
    departements = sorted(
        {found.departement for code in communes if (found := cog.commune(code)) is not None}
    )
    commissions = conn.execute(
        select(COMMISSION_MEDIATION.c.departement, COMMISSION_MEDIATION.c.nom, COMMISSION_MEDIATION.c.adresse)
        .where(COMMISSION_MEDIATION.c.departement.in_(departements))
        .order_by(COMMISSION_MEDIATION.c.departement)
    )
    return References(
        coordonnees=Coordonnees() if coordonnees is None else Coordonnees(*coordonnees),
        bailleurs={
            code: tuple(sorted(bailleurs.get(code, set()) | bailleurs.get(meres.get(code, ""), set())))
            for code in communes
        },
        commissions=tuple(Commission(*ligne) for ligne in commissions),
        delais=read_delais(conn, territoire, jour),
    )
