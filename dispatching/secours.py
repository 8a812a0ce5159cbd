"""The fallback channel of a guichet, and its pace: what is set by hand, what happens by itself ([DST-50] to
[DST-53]).

A guichet whose channel has been open long enough is served by the other one, as if somebody had changed its
channel: nothing waits any more for the old one, and each distribution keeps its identifier, its sequence, its
name and its bytes. Meanwhile the first is probed at its own instants, with one distribution each time; what
does not pass by it leaves by the fallback at once. It comes back when a probe passes: what had left by the
fallback and waits for its acknowledgement is not sent again.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from dispatching.canaux import make_due
from dispatching.incidents import GenreIncident, Incident, record_incidents
from registry.constats import Constat
from registry.guichets import CanalDistribution
from registry.guichets_store import get_guichet, set_canal

APRES: Final = 15
"""Minutes of an open circuit breaker before failing over, unless said otherwise."""


@dataclass(frozen=True, slots=True)
class ReglageRemise:
    """How a guichet is served, beyond its channel.

    secours, secours_apres: the fallback, and after how many minutes. principal, bascule_le: while it is
    served by the fallback, the channel to come back to, and since when. debit: sendings a minute at most.
    simultanes: sendings at once at most, in each process; None: as the configuration says.
    """

    secours: CanalDistribution | None = None
    secours_apres: int | None = None
    principal: CanalDistribution | None = None
    bascule_le: datetime | None = None
    debit: int | None = None
    simultanes: int | None = None


_READ: Final = text("""
    SELECT secours, secours_apres, principal, bascule_le, debit, simultanes
    FROM remise_guichet WHERE guichet = :guichet
""")
_SET_SECOURS: Final = text("""
    INSERT INTO remise_guichet (guichet, secours, secours_apres) VALUES (:guichet, :secours, :apres)
    ON CONFLICT (guichet) DO UPDATE SET secours = excluded.secours, secours_apres = excluded.secours_apres
""")
_SET_DEBIT: Final = text("""
    INSERT INTO remise_guichet (guichet, debit) VALUES (:guichet, :debit)
    ON CONFLICT (guichet) DO UPDATE SET debit = excluded.debit, libre_le = NULL
""")
_SET_SIMULTANES: Final = text("""
    INSERT INTO remise_guichet (guichet, simultanes) VALUES (:guichet, :simultanes)
    ON CONFLICT (guichet) DO UPDATE SET simultanes = excluded.simultanes
""")
_LATE: Final = text("""
    SELECT r.guichet, r.secours, g.canal FROM remise_guichet r
    JOIN guichet g ON g.code = r.guichet AND g.ferme_le IS NULL AND g.canal <> r.secours
    JOIN disjoncteur e ON e.guichet = r.guichet AND e.canal = g.canal
    WHERE r.principal IS NULL AND e.ouvert_le <= :instant - r.secours_apres * interval '1 minute'
    ORDER BY r.guichet FOR UPDATE OF r SKIP LOCKED
""")
_LEAVE: Final = text("""
    UPDATE remise_guichet SET principal = :principal, bascule_le = :instant WHERE guichet = :guichet
""")
_COME_BACK: Final = text("""
    WITH avant AS (
        SELECT guichet, principal FROM remise_guichet
        WHERE (guichet, principal) IN (
            SELECT * FROM unnest(CAST(:guichets AS text[]), CAST(:canaux AS text[])))
        ORDER BY guichet FOR UPDATE
    )
    UPDATE remise_guichet r SET principal = NULL, bascule_le = NULL
    FROM avant WHERE r.guichet = avant.guichet RETURNING avant.guichet, avant.principal
""")


def get_reglage(conn: Connection, guichet: str) -> ReglageRemise:
    """How that guichet is served."""
    row = conn.execute(_READ, {"guichet": guichet}).first()
    if row is None:
        return ReglageRemise()
    return ReglageRemise(
        row.secours and CanalDistribution(row.secours),
        row.secours_apres,
        row.principal and CanalDistribution(row.principal),
        row.bascule_le,
        row.debit,
        row.simultanes,
    )


def set_secours(
    conn: Connection,
    guichet: str,
    secours: CanalDistribution | None,
    apres: int = APRES,
    *,
    instant: datetime,
) -> tuple[Constat, ...]:
    """Declare the fallback of a guichet, or that it has none; empty answer when done ([DST-50]).

    apres: minutes, from 0. Without a fallback any more, a guichet that is served by it comes back.
    """
    found = get_guichet(conn, guichet)
    if found is None:
        return (Constat("GUICHET-INCONNU", "code", f"aucun guichet n'a le code {guichet}"),)
    reglage = get_reglage(conn, guichet)
    if secours is not None:
        canal = reglage.principal or found.canal
        if secours is canal:
            texte = f"le canal {secours} est déjà celui du guichet {guichet}"
            return (Constat("GUICHET-SECOURS", "secours", texte),)
        if canal is CanalDistribution.RETRAIT:
            texte = f"le guichet {guichet} vient chercher ses distributions : rien n'y échoue"
            return (Constat("GUICHET-SECOURS", "secours", texte),)
        if not _has_address(found.adresse_reception, found.adresse_courrier, secours):
            texte = f"le canal {secours} demande une adresse, et le guichet {guichet} n'en a pas"
            return (Constat("GUICHET-SECOURS", "secours", texte),)
    values = {
        "guichet": guichet,
        "secours": secours and secours.value,
        "apres": None if not secours else apres,
    }
    conn.execute(_SET_SECOURS, values)
    if reglage.principal is not None and secours is not found.canal:
        come_back(conn, {(guichet, reglage.principal)}, instant=instant, detail="le secours est changé")
    return ()


def set_debit(conn: Connection, guichet: str, debit: int | None) -> None:
    """Say how many sendings a minute that guichet takes at most, from 1; None: as many as it answers
    ([DST-53])."""
    conn.execute(_SET_DEBIT, {"guichet": guichet, "debit": debit})


def set_simultanes(conn: Connection, guichet: str, simultanes: int | None) -> None:
    """Say how many sendings that guichet takes at once, from 1; None: as the configuration says
    ([DST-53])."""
    conn.execute(_SET_SIMULTANES, {"guichet": guichet, "simultanes": simultanes})


def fail_over(conn: Connection, *, instant: datetime) -> int:
    """Serve by their fallback the guichets whose channel has been open long enough; how many ([DST-51])."""
    incidents = []
    for row in conn.execute(_LATE, {"instant": instant}).all():
        secours, principal = CanalDistribution(row.secours), CanalDistribution(row.canal)
        if set_canal(conn, row.guichet, secours):
            # Its address was taken away meanwhile: there is nothing to fail over to.
            continue
        conn.execute(_LEAVE, {"guichet": row.guichet, "principal": principal.value, "instant": instant})
        make_due(conn, row.guichet, instant=instant)
        detail = f"le canal {principal} ne répond plus ; les envois passent au canal {secours}"
        incidents.append(Incident(row.guichet, secours, GenreIncident.BASCULE, instant, detail))
    record_incidents(conn, incidents)
    return len(incidents)


def come_back(
    conn: Connection,
    canaux: Collection[tuple[str, CanalDistribution]],
    *,
    instant: datetime,
    detail: str = "le canal répond",
) -> None:
    """Serve again by these channels, by guichet, those that are served by a fallback instead ([DST-52])."""
    ordered = sorted(canaux)
    values = {"guichets": [code for code, _ in ordered], "canaux": [canal.value for _, canal in ordered]}
    incidents = []
    for row in conn.execute(_COME_BACK, values).all():
        principal = CanalDistribution(row.principal)
        set_canal(conn, row.guichet, principal)
        incidents.append(Incident(row.guichet, principal, GenreIncident.RETOUR, instant, detail))
    record_incidents(conn, incidents)


def _has_address(reception: str, courrier: str, canal: CanalDistribution) -> bool:
    adresses = {CanalDistribution.PUSH: reception, CanalDistribution.COURRIER: courrier}
    return canal not in adresses or bool(adresses[canal])
