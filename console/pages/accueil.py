"""The first page: what concerns the agent, in figures that lead to the pages that tell more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, func, select

from console.formats import nombre
from console.perimetre import Perimetre
from console.profils import ProfilCompte
from console.table import TOUS, Page, Rubrique
from console.vue import Rendu, Reponse, Vue
from dispatching.tables import DISTRIBUTION
from filters.tables import FILTRE
from registry.exchanges_store import Statut
from registry.tables import CERTIFICAT, ECHANGE, GUICHET

PLAFOND: Final = 1_000
"""Beyond, a count says « plus de » and stops there: a first page must not read a whole table."""
_ALERTE_CERTIFICAT: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Chiffre:
    """A figure. alerte: somebody is expected to do something. adresse: where it is told, or empty."""

    libelle: str
    valeur: str
    adresse: str = ""
    alerte: bool = False


def show(vue: Vue) -> Reponse:
    """The home page."""
    return Rendu("accueil.html", {"chiffres": _figures(vue)})


def _figures(vue: Vue) -> list[Chiffre]:
    conn, perimetre = vue.conn, vue.perimetre
    codes = DISTRIBUTION.c.guichet
    waiting = _count(conn, perimetre, codes, DISTRIBUTION.c.etat == "en_attente")
    failed = _count(conn, perimetre, codes, DISTRIBUTION.c.etat == "echec")
    expiring = _count(
        conn,
        perimetre,
        CERTIFICAT.c.guichet,
        CERTIFICAT.c.retire_le.is_(None),
        CERTIFICAT.c.valide_au.between(vue.maintenant, vue.maintenant + _ALERTE_CERTIFICAT),
    )
    figures = [
        Chiffre("Distributions en attente", _bounded(waiting)),
        Chiffre("Distributions en échec", _bounded(failed), alerte=failed > 0),
        Chiffre("Filtres", _bounded(_count(conn, perimetre, FILTRE.c.guichet))),
        Chiffre("Certificats qui expirent sous 30 jours", _bounded(expiring), alerte=expiring > 0),
    ]
    if perimetre.tout or vue.agent.profil is ProfilCompte.GESTIONNAIRE:
        ours = _failed_exchanges(conn, perimetre)
        figures += [
            Chiffre(
                "Guichets ouverts",
                _bounded(_count(conn, perimetre, GUICHET.c.code, GUICHET.c.ferme_le.is_(None))),
            ),
            Chiffre("Échecs parmi les 1 000 derniers échanges", nombre(ours), alerte=ours > 0),
        ]
    return figures


def _count(
    conn: Connection, perimetre: Perimetre, codes: ColumnElement[str], *conditions: ColumnElement[bool]
) -> int:
    rows = select(codes).where(perimetre.of_codes(codes), *conditions).limit(PLAFOND + 1).subquery()
    return int(conn.scalar(select(func.count()).select_from(rows)) or 0)


def _failed_exchanges(conn: Connection, perimetre: Perimetre) -> int:
    last = select(ECHANGE.c.statut, ECHANGE.c.guichet).order_by(ECHANGE.c.id.desc()).limit(PLAFOND).subquery()
    query = (
        select(func.count())
        .select_from(last)
        .where(last.c.statut == Statut.ECHEC.value, perimetre.of_codes(last.c.guichet))
    )
    return int(conn.scalar(query) or 0)


def _bounded(count: int) -> str:
    return f"plus de {nombre(PLAFOND)}" if count > PLAFOND else nombre(count)


PAGES: Final = (Page("accueil.voir", "/", "Accueil", show, TOUS, rubrique=Rubrique.ACCUEIL),)
