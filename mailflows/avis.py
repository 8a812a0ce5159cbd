"""The notices of the end of certificates, put in the outbox for the guichets that are reached by mail."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from dispatching.deliveries import uuid7s
from mailflows import fermeture, sortants
from mailflows.message_emis import write_entity
from mailflows.sortants import ASortir, NatureSortant
from registry.echanges import Fichier
from registry.guichets import CanalDistribution, Guichet
from registry.guichets_store import list_guichets
from registry.surveillance_certificats import Avis, avis_a_envoyer, mark_envoye

FICHIER: Final = "avis-certificat.txt"


def list_reached(conn: Connection, guichets: Iterable[Guichet], instant: datetime) -> frozenset[str]:
    """Those of the mail channel, which is not closed for them: their robots read notices."""
    closed = fermeture.list_fermetures(conn)
    return frozenset(
        each.code
        for each in guichets
        if each.actif
        and each.canal is CanalDistribution.COURRIER
        and each.adresse_courrier
        and not fermeture.is_closed(fermeture.fermeture_of(closed, each.code), instant)
    )


def post_avis(conn: Connection, *, instant: datetime) -> tuple[Avis, ...]:
    """Write to the guichets of the mail channel what waits for them, once; the notices written.

    Those of the others still wait: somebody tells them.
    """
    reached = list_reached(conn, list_guichets(conn), instant)
    waiting = [each for each in avis_a_envoyer(conn) if each.guichet in reached]
    for identifiant, avis in zip(uuid7s(instant, len(waiting)), waiting, strict=True):
        assert avis.guichet is not None
        entite = write_entity([Fichier(FICHIER, f"{avis.texte}\n".encode())])
        message = ASortir(identifiant, avis.guichet, NatureSortant.AVIS, identifiant, 1, 1, entite)
        sortants.write(conn, [message], instant=instant)
        mark_envoye(conn, avis, instant=instant)
    return tuple(waiting)
