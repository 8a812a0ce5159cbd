"""May this account see this page, and the thing that its address names? Decided from the table of pages."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from sqlalchemy import Connection, select

from console import anomalies
from console.agent import Agent
from console.perimetre import Perimetre
from console.profils import D_UN_GUICHET, LIBELLES, Portee, ProfilCompte
from console.table import Objet, Page
from console.tables import COMPTE
from registry.anomalies import Anomalie
from registry.tables import CERTIFICAT, ECHANGE, GUICHET


def check_page(page: Page, agent: Agent) -> Perimetre | Anomalie:
    """Of whose data this page speaks to `agent`, or why he may not see it. Pure."""
    portee = page.droits.get(agent.profil)
    if portee is None:
        permis = ", ".join(LIBELLES[profil] for profil in page.droits)
        return anomalies.PAGE_REFUSEE(LIBELLES[agent.profil], permis)
    if page.nominative and agent.profil is ProfilCompte.EXPLOITANT and not agent.habilite:
        return anomalies.HABILITATION()
    return Perimetre(agent, portee)


def check_objet(
    conn: Connection, page: Page, perimetre: Perimetre, parametres: Mapping[str, str]
) -> Anomalie | None:
    """None when what the address names exists and is in the perimeter; otherwise one refusal for both cases:
    telling them apart would tell what others have."""
    if page.objet is Objet.AUCUN:
        return None
    value = parametres[page.objet.value]
    return None if _covers(conn, page.objet, perimetre, value) else anomalies.INTROUVABLE()


def _covers(conn: Connection, objet: Objet, perimetre: Perimetre, value: str) -> bool:
    match objet:
        case Objet.GUICHET:
            return _covers_guichet(conn, perimetre, value)
        case Objet.DEMANDE:
            return perimetre.covers_demande(conn, value)
        case Objet.ECHANGE:
            key = _uuid(value)
            return key is not None and _covers_guichet(
                conn, perimetre, conn.scalar(select(ECHANGE.c.guichet).where(ECHANGE.c.id == key))
            )
        case Objet.CERTIFICAT:
            query = select(CERTIFICAT.c.guichet).where(CERTIFICAT.c.empreinte == value)
            return _covers_guichet(conn, perimetre, conn.scalar(query))
        case Objet.COMPTE:
            key = _uuid(value)
            return key is not None and _covers_compte(conn, perimetre, key)
        case _:
            raise AssertionError(objet)


def _covers_guichet(conn: Connection, perimetre: Perimetre, code: str | None) -> bool:
    if code is None:
        return False
    row = conn.execute(select(GUICHET.c.territoires).where(GUICHET.c.code == code)).first()
    return row is not None and perimetre.covers_guichet(code, row.territoires)


def _covers_compte(conn: Connection, perimetre: Perimetre, compte: uuid.UUID) -> bool:
    """An account belongs to its guichet. One that belongs to none is managed by those who see everything."""
    row = conn.execute(select(COMPTE.c.profil, COMPTE.c.guichet).where(COMPTE.c.id == compte)).first()
    if row is None:
        return False
    match perimetre.portee:
        case Portee.SOI:
            return compte == perimetre.agent.compte
        case Portee.TOUT:
            return True
        case _:
            return row.profil in D_UN_GUICHET and _covers_guichet(conn, perimetre, row.guichet)


def _uuid(value: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(value)
    except ValueError:
        return None
