"""Whether a guichet may exchange in production: by its reports of conformity, and from when one is required.

Pure, but for what reads the base. One instant says it all for a guichet: when its calls stop being served,
if they do. `registry.certificats.Identites` keeps it in memory beside the certificates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, text
from sqlalchemy.dialects.postgresql import insert

from registry.anomalies import CATALOGUE, Tour
from registry.conformite import SANS_EXIGENCE, ReglesConformite
from registry.generations import Generation, bump
from registry.guichets import CanalDistribution
from registry.tables_conformite import EXIGENCE_RAPPORT

RAPPORT_EXIGE: Final = CATALOGUE.declare(
    "GUI010",
    "Le guichet {constat} n'a plus, depuis le {attendu}, de rapport de conformité en vigueur : il n'échange"
    " que dans l'environnement d'essai.",
    tour=Tour.PARTENAIRE,
    conduite="Passer le kit de conformité et déposer le rapport signé (docs/conformite.md) ; renvoyer ensuite"
    " le même message.",
    source="spécification, CNF-7",
    rejouable=True,
)


class EtatProduction(StrEnum):
    """Where the right to exchange in production is."""

    NON_EXIGE = "non exigé"
    """No report is required of this guichet."""
    A_VENIR = "à déposer"
    """One will be required, and there is none yet."""
    OUVERTE = "ouverte"
    BIENTOT = "expire bientôt"
    GRACE = "délai de grâce"
    """The report has expired; calls are still served for a while."""
    FERMEE = "fermée"


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known of a guichet.

    canal: the one that is its own, fallback left aside. deroge: it has a day of its own, `a_partir_du`; None
    then: no report is ever required. fin: the latest end among its reports that are in force, or were until
    they ended, for this channel.
    """

    guichet: str
    canal: CanalDistribution
    deroge: bool = False
    a_partir_du: datetime | None = None
    fin: datetime | None = None


@dataclass(frozen=True, slots=True)
class Production:
    """etat, and the instants that made it: exige_le, when a report is required from; fin, the end of the
    report; ferme_le, when calls stop being served, None when they do not."""

    etat: EtatProduction
    exige_le: datetime | None = None
    fin: datetime | None = None
    ferme_le: datetime | None = None


LIBRE: Final = Production(EtatProduction.NON_EXIGE)


def production_of(situation: Situation, regles: ReglesConformite, *, instant: datetime) -> Production:
    """Where the right of a guichet is at that instant. Pure ([CNF-7], [CNF-8])."""
    exige_le = situation.a_partir_du if situation.deroge else regles.a_partir_du
    # A channel that the kit cannot try is never proved, and nothing is required of it.
    if exige_le is None or not any(situation.canal in each.canaux for each in regles.exigees):
        return Production(EtatProduction.NON_EXIGE, fin=situation.fin)
    fin = situation.fin
    ferme_le = exige_le if fin is None else max(exige_le, fin + regles.grace)
    if instant >= ferme_le:
        etat = EtatProduction.FERMEE
    elif fin is None:
        etat = EtatProduction.A_VENIR
    elif instant >= fin:
        etat = EtatProduction.GRACE
    elif instant >= fin - regles.alerte:
        etat = EtatProduction.BIENTOT
    else:
        etat = EtatProduction.OUVERTE
    return Production(etat, exige_le, fin, ferme_le)


_ANNONCES: Final = frozenset(
    {EtatProduction.A_VENIR, EtatProduction.BIENTOT, EtatProduction.GRACE, EtatProduction.FERMEE}
)


@dataclass(frozen=True, slots=True)
class Echeance:
    """What is to be told of a guichet before its calls are refused, or once they are."""

    guichet: str
    production: Production


def due_reports(
    situations: Iterable[Situation], regles: ReglesConformite, *, instant: datetime
) -> tuple[Echeance, ...]:
    """The guichets whose report is missing, ends within `regles.alerte`, or has ended: the first to be closed
    first. Pure: for alerts ([CNF-8])."""
    found = []
    for each in situations:
        production = production_of(each, regles, instant=instant)
        far = production.ferme_le is not None and production.ferme_le > instant + regles.alerte
        if production.etat in _ANNONCES and not (production.etat is EtatProduction.A_VENIR and far):
            found.append(Echeance(each.guichet, production))
    return tuple(sorted(found, key=lambda each: (each.production.ferme_le or instant, each.guichet)))


# A guichet served by its fallback is judged on its own channel: a failure must not close it.
_SITUATIONS: Final = text("""
    SELECT g.code, g.canal, e.guichet IS NOT NULL AS deroge, e.a_partir_du,
        (SELECT max(r.expire_le) FROM rapport_conformite r
         WHERE r.guichet = g.code AND g.canal = ANY(r.canaux)
            AND r.revoque_le IS NULL AND r.remplace_le IS NULL
            AND (r.confiance = 'exploitant' OR r.contresigne_le IS NOT NULL)
            AND r.version_interface = ANY(:versions)) AS fin
    FROM (
        SELECT guichet.code, COALESCE(s.principal, guichet.canal) AS canal
        FROM guichet LEFT JOIN remise_guichet s ON s.guichet = guichet.code
        WHERE guichet.ferme_le IS NULL
    ) AS g
    LEFT JOIN exigence_rapport e ON e.guichet = g.code
    WHERE CAST(:guichet AS text) IS NULL OR g.code = :guichet
    ORDER BY g.code
""")


def read_situations(
    conn: Connection, regles: ReglesConformite, guichet: str | None = None
) -> tuple[Situation, ...]:
    """What is known of each open guichet, or of that one."""
    values = {"versions": sorted(regles.versions), "guichet": guichet}
    return tuple(_situation(row) for row in conn.execute(_SITUATIONS, values))


def read_production(
    conn: Connection, guichet: str, regles: ReglesConformite = SANS_EXIGENCE, *, instant: datetime
) -> Production:
    """Where the right of that guichet is; nothing is required of a closed one, which has none."""
    found = read_situations(conn, regles, guichet)
    return production_of(found[0], regles, instant=instant) if found else LIBRE


def closings(conn: Connection, regles: ReglesConformite, *, instant: datetime) -> Mapping[str, datetime]:
    """When the calls of each guichet stop being served, for those of which they do."""
    ends = {
        each.guichet: production_of(each, regles, instant=instant).ferme_le
        for each in read_situations(conn, regles)
    }
    return {guichet: end for guichet, end in ends.items() if end is not None}


def set_exigence(
    conn: Connection, guichet: str, a_partir_du: datetime | None, *, par: str, instant: datetime
) -> None:
    """A report is required of that guichet from a day of its own; None: never."""
    values = {"a_partir_du": a_partir_du, "posee_par": par, "posee_le": instant}
    pose = insert(EXIGENCE_RAPPORT).values(guichet=guichet, **values)
    conn.execute(pose.on_conflict_do_update(index_elements=["guichet"], set_=values))
    bump(conn, Generation.IDENTITES)


def clear_exigence(conn: Connection, guichet: str) -> None:
    """That guichet is like the others again."""
    conn.execute(delete(EXIGENCE_RAPPORT).where(EXIGENCE_RAPPORT.c.guichet == guichet))
    bump(conn, Generation.IDENTITES)


def _situation(row: Row[Any]) -> Situation:
    return Situation(row.code, CanalDistribution(row.canal), row.deroge, row.a_partir_du, row.fin)
