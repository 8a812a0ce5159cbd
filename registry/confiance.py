"""The authorities trusted for the certificates of partners, and their revocation lists, kept.

The pin names the guichet; an authority registered here adds that it still vouches for the certificate.
Without any, the pin alone decides. Lists are fetched by an edge (`echangeur.lcr`), judged and kept here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.dialects.postgresql import insert

from certs.chemin import Ancres, Exigence, Lcr, Revocation, is_signed_by, read_lcr
from certs.lecture import Certificat, CertificatIllisible, read_certificat
from certs.verdicts import Verdicts
from registry.constats import Constat
from registry.tables_certificats import AUTORITE_CONFIANCE

GRACE: Final = timedelta(hours=24)
"""A list published a day late suspends nobody; beyond, what depends on it waits."""


@dataclass(frozen=True, slots=True)
class AutoriteConfiance:
    """An authority trusted (ancre) or only known, to build paths with.

    lcr_url: where its list is fetched, or empty. erreur: why the last attempt failed, in French, or empty.
    """

    certificat: Certificat
    ancre: bool
    lcr_url: str
    ajoutee_le: datetime
    lcr: Lcr | None
    obtenue_le: datetime | None
    erreur: str

    def a_rafraichir(self, instant: datetime) -> bool:
        """Whether its list should be fetched: none yet, or past half of its life."""
        if not self.lcr_url:
            return False
        return self.lcr is None or (
            self.lcr.a_rafraichir_le is not None and instant >= self.lcr.a_rafraichir_le
        )


def add_autorite(
    conn: Connection, data: bytes, *, ancre: bool, lcr_url: str, instant: datetime
) -> AutoriteConfiance | tuple[Constat, ...]:
    """Trust an authority (PEM or DER), or only know it; or say why not. Again: its settings change."""
    lu = read_certificat(data)
    if isinstance(lu, CertificatIllisible):
        return (Constat(lu.code, "certificat", lu.message),)
    if not lu.autorite:
        texte = f"{lu.sujet[:200]} n'est pas le certificat d'une autorité (basicConstraints)"
        return (Constat("AUTORITE-USAGE", "certificat", texte),)
    if lcr_url and not lcr_url.startswith(("http://", "https://")):
        return (Constat("AUTORITE-URL", "lcr", f"« {lcr_url} » n'est pas une adresse http ou https"),)
    settings = {"ancre": ancre, "lcr_url": lcr_url, "retiree_le": None}
    pose = insert(AUTORITE_CONFIANCE).values(
        empreinte=lu.empreinte, nom=lu.sujet, pem=lu.pem.decode("ascii"), ajoutee_le=instant, **settings
    )
    conn.execute(pose.on_conflict_do_update(index_elements=["empreinte"], set_=settings))
    return next(each for each in list_autorites(conn) if each.certificat.empreinte == lu.empreinte)


def remove_autorite(conn: Connection, empreinte: str, *, instant: datetime) -> tuple[Constat, ...]:
    """Trust it no more. Empty answer when done."""
    table = AUTORITE_CONFIANCE.c
    pose = update(AUTORITE_CONFIANCE).where(table.empreinte == empreinte, table.retiree_le.is_(None))
    if not conn.execute(pose.values(retiree_le=instant)).rowcount:
        return (Constat("AUTORITE-INCONNUE", "empreinte", f"aucune autorité d'empreinte {empreinte}"),)
    return ()


def list_autorites(conn: Connection) -> tuple[AutoriteConfiance, ...]:
    """Those in force, by name."""
    table = AUTORITE_CONFIANCE.c
    query = select(AUTORITE_CONFIANCE).where(table.retiree_le.is_(None)).order_by(table.nom, table.empreinte)
    return tuple(_autorite(row) for row in conn.execute(query))


def keep_lcr(
    conn: Connection, autorite: AutoriteConfiance, der: bytes, *, instant: datetime
) -> tuple[Constat, ...]:
    """Keep a list of this authority; or say why not, and keep that: not a list, of another, older, ended."""
    lcr = read_lcr(der)
    if lcr is None:
        return refuse_lcr(conn, autorite, "ce n'est pas une liste de révocation lisible")
    if not is_signed_by(lcr, autorite.certificat):
        return refuse_lcr(conn, autorite, "la liste n'est pas signée par cette autorité")
    # A former list replayed would forget those revoked since.
    if autorite.lcr is not None and lcr.publiee_le < autorite.lcr.publiee_le:
        return refuse_lcr(conn, autorite, "la liste est plus ancienne que celle qui est gardée")
    if lcr.prochaine_le is not None and lcr.prochaine_le < instant:
        return refuse_lcr(conn, autorite, f"la liste n'est plus à jour depuis le {lcr.prochaine_le:%d/%m/%Y}")
    conn.execute(
        update(AUTORITE_CONFIANCE)
        .where(AUTORITE_CONFIANCE.c.empreinte == autorite.certificat.empreinte)
        .values(
            lcr=der,
            lcr_publiee_le=lcr.publiee_le,
            lcr_prochaine_le=lcr.prochaine_le,
            lcr_obtenue_le=instant,
            lcr_erreur="",
        )
    )
    return ()


def refuse_lcr(conn: Connection, autorite: AutoriteConfiance, erreur: str) -> tuple[Constat, ...]:
    """Keep why the last attempt failed; the list that was kept stays."""
    conn.execute(
        update(AUTORITE_CONFIANCE)
        .where(AUTORITE_CONFIANCE.c.empreinte == autorite.certificat.empreinte)
        .values(lcr_erreur=erreur)
    )
    return (Constat("LCR-REFUSEE", "lcr", erreur),)


def load_verdicts(
    conn: Connection, *, exigence: Exigence = Exigence.SI_DECLAREE, grace: timedelta = GRACE
) -> tuple[Verdicts, tuple[Certificat, ...]]:
    """What judges the certificates of partners now, and the intermediates known, to build paths with.

    Without an anchor, the pin alone decides: dates, key and use are judged, and no path.
    """
    known = list_autorites(conn)
    anchors = [each.certificat for each in known if each.ancre]
    others = tuple(each.certificat for each in known if not each.ancre)
    if not anchors:
        return Verdicts(None), others
    lists = tuple(each.lcr for each in known if each.lcr is not None)
    return Verdicts(Ancres.of(anchors), Revocation(exigence, lists, grace=grace)), others


def _autorite(row: Row[Any]) -> AutoriteConfiance:
    lu = read_certificat(row.pem.encode("ascii"))
    assert isinstance(lu, Certificat)
    return AutoriteConfiance(
        lu,
        row.ancre,
        row.lcr_url,
        row.ajoutee_le,
        None if row.lcr is None else read_lcr(row.lcr),
        row.lcr_obtenue_le,
        row.lcr_erreur,
    )
