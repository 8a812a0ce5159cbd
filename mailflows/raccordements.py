"""What is known of the connection of a guichet, read: for `registry.raccordement`, which judges it.

The table of exchanges has no index by guichet: each would be paid for at every registration. What is read of
it is its end, which bounds the work; a guichet that registered longer ago is known by the demandes it holds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, text

from mailflows.epreuves import read_etape
from mailflows.repetition import Issue
from registry.certificats import list_certificats
from registry.conformite import SANS_EXIGENCE, ReglesConformite
from registry.essais_reception import last_essai
from registry.exchanges_store import Statut
from registry.guichets import Guichet
from registry.production import read_production
from registry.propositions import list_propositions
from registry.raccordement import Appel, Faits

FENETRE: Final = 10_000
"""Exchanges of the hub looked at, from the last one: most of a working day of the whole country."""

# Its last exchange, then the first accepted one, in one reading.
_APPELS: Final = text("""
    WITH e AS MATERIALIZED (
        SELECT * FROM (
            SELECT id, guichet, recu_le, operation, statut, COALESCE(code, '') AS code
            FROM echange ORDER BY id DESC LIMIT :fenetre) fin
        WHERE guichet = :guichet)
    (SELECT 'dernier' AS place, recu_le, operation, statut, code FROM e ORDER BY id DESC LIMIT 1)
    UNION ALL
    (SELECT 'accepte', recu_le, operation, statut, code FROM e
     WHERE statut IN ('accepte', 'rejeu') ORDER BY id LIMIT 1)
""")
_DERNIERS: Final = text("""
    SELECT DISTINCT ON (guichet) guichet, recu_le, operation, statut, COALESCE(code, '') AS code
    FROM (SELECT * FROM echange ORDER BY id DESC LIMIT :fenetre) e
    WHERE guichet = ANY(:guichets) ORDER BY guichet, id DESC
""")
# A guichet that only receives may hold a great many: what it registered is looked for among the first found.
_AUTEUR: Final = text("""
    SELECT depuis_le FROM (SELECT depuis_le, motif FROM detention WHERE guichet = :guichet LIMIT 1000) d
    WHERE motif = 'auteur' LIMIT 1
""")
# The first ones that it was sent: what was acknowledged is not indexed.
_REMISES: Final = text("""
    SELECT EXISTS (
        SELECT FROM (SELECT etat FROM distribution WHERE guichet = :guichet ORDER BY sequence LIMIT 100) d
        WHERE etat = 'acquittee')
""")


def read_faits(
    conn: Connection, guichet: Guichet, conformite: ReglesConformite = SANS_EXIGENCE, *, instant: datetime
) -> Faits:
    """All that the steps of its connection depend on. conformite: what is asked of its report."""
    etape = read_etape(conn, guichet.code, instant=instant)
    issue = None if etape is None else etape.issue
    proved = {Issue.REUSSIE: True, Issue.ECHOUEE: False, Issue.SANS_REPONSE: False}
    known = {"guichet": guichet.code}
    calls = {row.place: _appel(row) for row in conn.execute(_APPELS, {**known, "fenetre": FENETRE})}
    accepted = calls.get("accepte")
    if accepted is None and (depuis := conn.scalar(_AUTEUR, known)) is not None:
        accepted = Appel(depuis, "", accepte=True)
    return Faits(
        guichet,
        list_certificats(conn, guichet.code),
        len(list_propositions(conn, guichet.code)),
        last_essai(conn, guichet.code),
        None if issue is None else proved.get(issue),
        issue is Issue.EN_ATTENTE,
        calls.get("dernier"),
        accepted,
        bool(conn.scalar(_REMISES, known)),
        read_production(conn, guichet.code, conformite, instant=instant),
    )


def last_calls(conn: Connection, codes: Collection[str]) -> Mapping[str, Appel]:
    """The last exchange of each of these guichets that has one among the last `FENETRE` of the hub."""
    values = {"guichets": list(codes), "fenetre": FENETRE}
    return {row.guichet: _appel(row) for row in conn.execute(_DERNIERS, values)}


def _appel(row: Row[Any]) -> Appel:
    accepted = row.statut in (Statut.ACCEPTE, Statut.REJEU)
    return Appel(row.recu_le, row.operation, row.code, accepted)
