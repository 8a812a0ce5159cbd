"""The facts that the rules are told, read from the database in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import Connection, text

from dispatching.arrieres import list_arrieres
from dispatching.disjoncteurs import list_disjoncteurs
from dispatching.manifestes import last_days
from dispatching.taches import last_done, mark_done
from mailflows.alertes.faits import CourriersBloques, DernierManifeste, Faits, Partenaire
from mailflows.alertes.presences import Sens, count_served, read_presences
from mailflows.alertes.processus import list_certificats_du_hub, list_processus
from mailflows.avis import list_reached
from registry.conformite import SANS_EXIGENCE, ReglesConformite
from registry.contacts import Contact, list_contacts
from registry.controles import PARIS
from registry.guichets_store import list_guichets
from registry.production import due_reports, read_situations
from registry.surveillance_certificats import due, surveilles_of

_TACHE: Final = "registre."
"""Before the name of a task of the night in `tache_du_jour`."""
_SILENCE_MIN: Final = timedelta(hours=1)
"""Whoever came since is silent for no rule: the least delay that may be set."""

_STUCK: Final = text("""
    SELECT count(*) FILTER (WHERE prochaine_le IS NOT NULL) AS en_attente,
        min(cree_le) FILTER (WHERE prochaine_le IS NOT NULL) AS depuis_le,
        count(*) FILTER (WHERE prochaine_le IS NULL AND envoye_le IS NULL AND cree_le > :veille) AS refuses
    FROM alerte_courrier WHERE prochaine_le IS NOT NULL OR cree_le > :veille
""")


def read_faits(
    conn: Connection,
    instant: datetime,
    *,
    veille_depuis: datetime,
    rupture: str = "",
    attendues: Sequence[str] = (),
    par_courrier: bool = False,
    conformite: ReglesConformite = SANS_EXIGENCE,
) -> Faits:
    """All of them. attendues: the tasks of each day. par_courrier: the hub does signed mail, so that notices
    of the end of certificates are written to the robots. conformite: what is asked of reports."""
    since = instant - _SILENCE_MIN
    return Faits(
        instant,
        veille_depuis,
        partenaires=_partners(conn, instant, list_contacts(conn), par_courrier),
        avis=due((*surveilles_of(conn, instant), *list_certificats_du_hub(conn)), instant),
        rapports=due_reports(read_situations(conn, conformite), conformite, instant=instant),
        appels=read_presences(conn, Sens.APPEL, since),
        passages=read_presences(conn, Sens.PASSAGE, since),
        jours_servis=count_served(conn, instant),
        arrieres=tuple(each for each in list_arrieres(conn) if each.actif),
        disjoncteurs=list_disjoncteurs(conn),
        processus=list_processus(conn),
        courriers=read_stuck(conn, instant),
        taches=_read_taches(conn),
        attendues=attendues,
        manifestes=tuple(DernierManifeste(code, jour) for code, jour in last_days(conn).items()),
        rupture=rupture,
    )


def read_stuck(conn: Connection, instant: datetime) -> CourriersBloques:
    """The mails of alerts that wait, and those given up in the last day."""
    row = conn.execute(_STUCK, {"veille": instant - timedelta(days=1)}).one()
    return CourriersBloques(row.en_attente, row.depuis_le, row.refuses)


def record_tache(conn: Connection, nom: str, instant: datetime) -> None:
    """A task of the day was done, whole."""
    mark_done(conn, _TACHE + nom, instant.astimezone(PARIS).date())


def _read_taches(conn: Connection) -> Mapping[str, date]:
    return {nom.removeprefix(_TACHE): jour for nom, jour in last_done(conn, _TACHE).items()}


def _partners(
    conn: Connection, instant: datetime, contacts: Mapping[str, Contact], par_courrier: bool
) -> Mapping[str, Partenaire]:
    guichets = list_guichets(conn)
    avertis = list_reached(conn, guichets, instant) if par_courrier else frozenset()
    return {
        each.code: Partenaire(
            each.code,
            each.nom,
            contacts.get(each.code, Contact()).technique,
            contacts.get(each.code, Contact()).silence,
            each.code in avertis,
        )
        for each in guichets
        if each.actif
    }
