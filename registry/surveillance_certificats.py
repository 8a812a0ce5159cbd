"""Watching the end of certificates: a notice to the partner and to the operator at each step.

From 60 days before the end, every 14 days; after it, every 7 days for 90 days: renewing a certificate takes
weeks in an administration. No notice for one whose successor is there and outlives the first step.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert

from certs.lecture import Certificat, read_certificat
from certs.trousseau import EtatCle, Trousseau
from registry.certificats import CertificatEpingle, list_certificats
from registry.guichets_store import list_guichets
from registry.tables_certificats import AVIS_CERTIFICAT
from registry.usages_certificats import EtatCertificat, UsageCertificat

AVANT: Final = (60, 46, 32, 18, 4)
APRES: Final = tuple(range(0, -91, -7))
DERNIER: Final = timedelta(days=90)
"""After the end; beyond it nothing is said any more."""

PREMIER: Final = timedelta(days=AVANT[0])


@dataclass(frozen=True, slots=True)
class Surveille:
    """A certificate to watch. guichet: None for one of the hub."""

    empreinte: str
    guichet: str | None
    sujet: str
    valide_au: datetime
    usages: frozenset[UsageCertificat]


@dataclass(frozen=True, slots=True)
class Avis:
    """A notice that is due. palier: days left at its step; zero or below: it has ended."""

    empreinte: str
    guichet: str | None
    sujet: str
    valide_au: datetime
    palier: int

    @property
    def texte(self) -> str:
        """What the partner and the operator read."""
        qui = f"du guichet {self.guichet}" if self.guichet else "de l'échangeur"
        fin = self.valide_au.strftime("%d/%m/%Y")
        if self.palier > 0:
            return f"Le certificat {qui} ({self.sujet}) expire le {fin} : préparez le suivant."
        return f"Le certificat {qui} ({self.sujet}) a expiré le {fin} : il n'ouvre plus rien."


def palier_of(valide_au: datetime, instant: datetime) -> int | None:
    """The last step reached, in days before the end; None when it is too early, or too late to say."""
    restant = valide_au - instant
    reached = [step for step in (*AVANT, *APRES) if restant <= timedelta(days=step)]
    if not reached or -restant > DERNIER:
        return None
    return min(reached)


def due(surveilles: Sequence[Surveille], instant: datetime) -> tuple[Avis, ...]:
    """The notices due at an instant, whether or not they were given already. Pure."""
    found = []
    for each in surveilles:
        palier = palier_of(each.valide_au, instant)
        if palier is None or _replaced(each, surveilles, instant):
            continue
        found.append(Avis(each.empreinte, each.guichet, each.sujet, each.valide_au, palier))
    return tuple(found)


def _replaced(one: Surveille, surveilles: Iterable[Surveille], instant: datetime) -> bool:
    """Whether other certificates of the same owner, that last, do all that this one does.

    One without a use of the registry's (the server of the hub) is replaced in its place, by nothing listed.
    """
    if not one.usages:
        return False
    covered: set[UsageCertificat] = set()
    for other in surveilles:
        if other.guichet == one.guichet and other is not one and other.valide_au - instant > PREMIER:
            covered |= other.usages
    return one.usages <= covered


def surveilles_of(conn: Connection, instant: datetime) -> tuple[Surveille, ...]:
    """The certificates of the open guichets that are not withdrawn."""
    ouverts = {guichet.code for guichet in list_guichets(conn) if guichet.actif}
    gone = {EtatCertificat.RETIRE, EtatCertificat.REVOQUE}
    return tuple(
        _watched(each)
        for each in list_certificats(conn)
        if each.guichet in ouverts and each.etat(instant) not in gone
    )


def surveilles_du_hub(trousseau: Trousseau, autres: Iterable[bytes]) -> tuple[Surveille, ...]:
    """The certificates of the hub itself. autres: PEM of those that are not keys of mail (its server, its
    client of TLS); what does not read is left out."""
    found = [
        Surveille(
            each.empreinte,
            None,
            each.paire.certificat.sujet,
            each.paire.certificat.valide_au,
            frozenset(UsageCertificat(usage) for usage in each.usages),
        )
        for each in trousseau.clefs
        if each.etat is not EtatCle.RETIRE
    ]
    for pem in autres:
        lu = read_certificat(pem)
        if isinstance(lu, Certificat):
            # No use of the registry's: only another file in the same place replaces it.
            found.append(Surveille(lu.empreinte, None, lu.sujet, lu.valide_au, frozenset()))
    return tuple(found)


def _watched(each: CertificatEpingle) -> Surveille:
    return Surveille(each.empreinte, each.guichet, each.sujet, each.valide_au, each.usages)


def produce_avis(
    conn: Connection, instant: datetime, *, siens: Sequence[Surveille] = (), essai: bool = False
) -> tuple[Avis, ...]:
    """Keep the notices that are due and were not given yet, and return them.

    siens: the certificates of the hub itself. essai: only say. Running it again gives none.
    """
    known = {(row.empreinte, row.palier) for row in conn.execute(select(AVIS_CERTIFICAT))}
    neufs = tuple(
        avis
        for avis in due((*surveilles_of(conn, instant), *siens), instant)
        if (avis.empreinte, avis.palier) not in known
    )
    if essai or not neufs:
        return neufs
    rows = [
        {
            "empreinte": each.empreinte,
            "palier": each.palier,
            "guichet": each.guichet,
            "sujet": each.sujet,
            "valide_au": each.valide_au,
            "cree_le": instant,
        }
        for each in neufs
    ]
    conn.execute(insert(AVIS_CERTIFICAT).on_conflict_do_nothing(), rows)
    return neufs


def avis_a_envoyer(conn: Connection) -> tuple[Avis, ...]:
    """The notices that wait to be sent to their guichet."""
    table = AVIS_CERTIFICAT.c
    query = select(AVIS_CERTIFICAT).where(table.envoye_le.is_(None), table.guichet.is_not(None))
    return tuple(
        Avis(row.empreinte, row.guichet, row.sujet, row.valide_au, row.palier)
        for row in conn.execute(query.order_by(table.cree_le, table.empreinte))
    )


def mark_envoye(conn: Connection, avis: Avis, *, instant: datetime) -> None:
    """Keep that a notice was sent."""
    table = AVIS_CERTIFICAT.c
    conn.execute(
        update(AVIS_CERTIFICAT)
        .where(table.empreinte == avis.empreinte, table.palier == avis.palier)
        .values(envoye_le=instant)
    )


@dataclass(frozen=True, slots=True)
class AvisGarde:
    """A notice that was produced. envoye_le: None until its guichet received it."""

    palier: int
    cree_le: datetime
    envoye_le: datetime | None


def list_avis(conn: Connection, empreinte: str) -> tuple[AvisGarde, ...]:
    """The notices produced for a certificate, oldest first."""
    table = AVIS_CERTIFICAT.c
    query = select(AVIS_CERTIFICAT).where(table.empreinte == empreinte).order_by(table.cree_le)
    return tuple(AvisGarde(row.palier, row.cree_le, row.envoye_le) for row in conn.execute(query))
