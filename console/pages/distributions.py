"""Distributions: looking for them, and one of them from its decision to its acknowledgement."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select

from console import anomalies
from console.libelles import CANAUX, CAUSES, ETATS, ISSUES, RAISONS, Badge, Diagnostic, nature
from console.perimetre import Perimetre
from console.profils import D_UN_GUICHET, ProfilCompte
from console.saisie import Saisie
from console.table import CONSULTANTS, EXPLOITANTS, GESTIONNAIRES, GUICHETS, Objet, Page, Rubrique
from console.tableur import LIGNES_MAX, csv_of, gather
from console.vue import Refus, Rendu, Reponse, Vue
from dispatching.consultation import Recherche, Trouvees, find_distributions
from dispatching.deliveries import Distribution, Etat, list_distributions
from dispatching.disjoncteur import Disjoncteur
from dispatching.disjoncteurs import list_disjoncteurs
from dispatching.explanation import TentativeFaite, list_attempts
from dispatching.retraits import list_readings
from dispatching.tables import DISTRIBUTION
from filters.store import get_version
from registry.guichets import CanalDistribution, Guichet
from registry.guichets_store import get_guichet
from registry.production import EtatProduction, read_production
from registry.tables import GUICHET

LISEURS: Final = {**GUICHETS, **CONSULTANTS, **GESTIONNAIRES, **EXPLOITANTS}
"""Those who read the distributions of their guichet, of their territories, of all."""
_PAR_PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class Ligne:
    """One distribution in a list. constat: why it failed, or what it waits for, in a few words."""

    distribution: Distribution
    nature: str
    raison: str
    canal: str
    etat: Badge
    constat: str


@dataclass(frozen=True, slots=True)
class Fiche:
    """One distribution. attend: the earlier one of the same demande behind which it waits, or None.
    ferme_le: since when nothing is sent to its guichet, whose production is closed ([CNF-14]), or None."""

    distribution: Distribution
    guichet: Guichet
    ligne: Ligne
    filtre: str
    diagnostic: Diagnostic | None
    acquit: uuid.UUID | None
    attend: int | None
    ferme_le: datetime | None
    disjoncteurs: tuple[Disjoncteur, ...]
    tentatives: tuple[tuple[TentativeFaite, Badge], ...]
    lectures: tuple[tuple[uuid.UUID, datetime], ...]


def show_list(vue: Vue) -> Reponse:
    """The distributions that meet the criteria, the latest first."""
    saisie, recherche = read_recherche(vue)
    trouvees = Trouvees(())
    if not saisie.erreurs:
        trouvees = find_distributions(
            vue.conn,
            recherche,
            visibles=vue.perimetre.of_codes,
            suite=vue.question.get("suite", ""),
            limite=_PAR_PAGE,
        )
    suite = vue.url("distributions.lister", **saisie.criteres, suite=trouvees.suite) if trouvees.suite else ""
    return Rendu(
        "distributions.html",
        {
            "lignes": rows_of(vue.conn, trouvees.distributions),
            "suite": suite,
            **saisie.shown(),
            "etats": [(etat.value, badge.texte) for etat, badge in ETATS.items()],
            "un_guichet": vue.agent.profil in D_UN_GUICHET,
            "export": vue.url("distributions.exporter", **saisie.criteres),
            "plafond": LIGNES_MAX,
        },
        bloc="resultats",
        statut=422 if saisie.erreurs else 200,
    )


def export(vue: Vue) -> Reponse:
    """The same as a file."""
    saisie, recherche = read_recherche(vue)

    def read(suite: str, limite: int) -> tuple[Sequence[Distribution], str]:
        page = find_distributions(
            vue.conn, recherche, visibles=vue.perimetre.of_codes, suite=suite, limite=limite
        )
        return page.distributions, page.suite

    found = [] if saisie.erreurs else gather(read)
    titres = ("guichet", "numéro d'ordre", "numéro unique", "version", "événement", "raison", "canal")
    return csv_of(
        "distributions.csv",
        (*titres, "état", "essais", "créée le", "prochain essai", "terminée le", "cause", "identifiant"),
        [
            (
                *(d.guichet, d.sequence, d.numero, d.version, ligne.nature, ligne.raison, ligne.canal),
                *(ligne.etat.texte, d.tentatives, d.cree_le),
                *(d.prochaine_tentative if d.etat is Etat.EN_ATTENTE else None, d.termine_le),
                *(d.cause, d.id),
            )
            for ligne in rows_of(vue.conn, found)
            for d in (ligne.distribution,)
        ],
    )


def show(vue: Vue) -> Reponse:
    """One distribution."""
    found, guichet = find_one(vue), get_guichet(vue.conn, vue.parametres["guichet"])
    if found is None or guichet is None:
        return Refus(anomalies.INTROUVABLE(), 404)
    fails = found.etat is Etat.ECHEC
    return Rendu(
        "distribution.html",
        {
            "fiche": _record(vue, found, guichet),
            "peut_rejouer": vue.agent.profil is ProfilCompte.EXPLOITANT and fails,
            "nominatif": sees_nominative(vue),
        },
    )


def find_one(vue: Vue) -> Distribution | None:
    """The distribution that the address names."""
    rang = vue.parametres["sequence"]
    if not (rang.isascii() and rang.isdigit() and len(rang) <= 18):
        return None
    guichet = vue.parametres["guichet"]
    found = list_distributions(vue.conn, guichet=guichet, apres=int(rang) - 1, limite=1)
    return found[0] if found and found[0].sequence == int(rang) else None


def read_recherche(vue: Vue) -> tuple[Saisie, Recherche]:
    """What the form of search asks for; an agent of a guichet looks at his own."""
    saisie = Saisie(vue.question)
    guichet = saisie.code("guichet", 5)
    if vue.agent.profil in D_UN_GUICHET:
        guichet = vue.agent.code_guichet
        saisie.valeurs["guichet"] = ""
    etat = saisie.parmi("etat", tuple(Etat))
    du, avant = saisie.periode()
    numero, sequence = saisie.code("numero", 40), saisie.entier("rang")
    if sequence is not None and not guichet and not numero:
        saisie.erreurs["rang"] = "Un numéro d'ordre est celui d'un guichet : donner aussi le guichet."
    return saisie, Recherche(guichet, numero, sequence, Etat(etat) if etat else None, du, avant)


def rows_of(conn: Connection, distributions: Iterable[Distribution]) -> list[Ligne]:
    """Distributions as a list shows them."""
    distributions = list(distributions)
    codes = sorted({each.guichet for each in distributions})
    query = select(GUICHET.c.code, GUICHET.c.canal).where(GUICHET.c.code.in_(codes))
    canaux = {row.code: CanalDistribution(row.canal) for row in conn.execute(query)} if codes else {}
    return [_row(each, canaux[each.guichet]) for each in distributions]


def sees_nominative(vue: Vue) -> bool:
    """Would a nominative page be opened to him? (console.acces)"""
    return vue.agent.profil is not ProfilCompte.EXPLOITANT or vue.agent.habilite


def visible_guichet(conn: Connection, perimetre: Perimetre, code: str) -> bool:
    """Does that guichet exist, and does he see its data?"""
    query = select(GUICHET.c.code).where(GUICHET.c.code == code, perimetre.of_guichets())
    return conn.scalar(query) is not None


def _row(distribution: Distribution, canal: CanalDistribution) -> Ligne:
    constat = ""
    if distribution.etat is Etat.ECHEC and distribution.cause is not None:
        constat = CAUSES[distribution.cause].constat
    return Ligne(
        distribution,
        nature(distribution.nature),
        RAISONS[distribution.raison],
        CANAUX[canal],
        ETATS[distribution.etat],
        constat,
    )


def _record(vue: Vue, distribution: Distribution, guichet: Guichet) -> Fiche:
    conn, filtre = vue.conn, ""
    if distribution.filtre is not None and distribution.filtre_version is not None:
        version = get_version(conn, distribution.filtre, distribution.filtre_version)
        filtre = "" if version is None else f"{version.nom}, version {version.version}"
    waits = distribution.etat is Etat.EN_ATTENTE
    return Fiche(
        distribution,
        guichet,
        _row(distribution, guichet.canal),
        filtre,
        CAUSES[distribution.cause] if distribution.cause else None,
        conn.scalar(select(DISTRIBUTION.c.acquit).where(DISTRIBUTION.c.id == distribution.id)),
        _held_behind(conn, distribution) if waits else None,
        _closed_since(vue, guichet) if waits else None,
        list_disjoncteurs(conn, guichet.code),
        tuple(
            (each, ISSUES.get(each.issue, Badge(each.issue))) for each in list_attempts(conn, distribution)
        ),
        list_readings(conn, distribution.id),
    )


def _closed_since(vue: Vue, guichet: Guichet) -> datetime | None:
    if guichet.canal is CanalDistribution.RETRAIT:
        return None
    production = read_production(vue.conn, guichet.code, vue.services.conformite, instant=vue.maintenant)
    return production.ferme_le if production.etat is EtatProduction.FERMEE else None


def _held_behind(conn: Connection, distribution: Distribution) -> int | None:
    """An earlier distribution of the same demande that still waits: they leave in their order ([DST-24])."""
    earlier = [
        each.sequence
        for each in list_distributions(conn, guichet=distribution.guichet, numero=distribution.numero)
        if each.etat is Etat.EN_ATTENTE and each.sequence < distribution.sequence
    ]
    return min(earlier, default=None)


PAGES: Final = (
    Page(
        "distributions.lister",
        "/distributions",
        "Chercher des distributions",
        show_list,
        LISEURS,
        rubrique=Rubrique.DISTRIBUTIONS,
    ),
    Page("distributions.exporter", "/distributions/export.csv", "Distributions, en fichier", export, LISEURS),
    Page(
        "distributions.voir",
        "/distributions/de/{guichet}/{sequence}",
        "Une distribution",
        show,
        LISEURS,
        objet=Objet.GUICHET,
    ),
)
