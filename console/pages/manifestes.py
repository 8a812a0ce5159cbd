"""The signed manifests of a guichet, to be kept; and what it has against what was made for it."""

from __future__ import annotations

from datetime import date
from typing import Final

from console import anomalies, anomalies_flux
from console.pages.distributions import visible_guichet
from console.profils import D_UN_GUICHET
from console.saisie import Saisie
from console.table import AUDITEURS, EXPLOITANTS, GESTIONNAIRES, GUICHETS, Methode, Objet, Page, Rubrique
from console.vue import Redirection, Refus, Rendu, Reponse, Telechargement, Vue
from dispatching.liste_tenue import ATTENDU, LigneIllisible, read_liste
from dispatching.manifestes import get_manifeste, list_journees
from dispatching.rapprochement import reconcile

VERIFIENT: Final = {**GUICHETS, **GESTIONNAIRES, **EXPLOITANTS, **AUDITEURS}
EMPREINTES_MAX: Final = 100
"""Digests compared by one page: each has its file written again, some 20 ms."""
_JOURS: Final = 62
_LISTE_MAX: Final = 1 << 20


def choose(vue: Vue) -> Reponse:
    """Of which guichet."""
    saisie = Saisie(vue.question)
    code = saisie.code("guichet", 5)
    if vue.agent.profil in D_UN_GUICHET:
        return Redirection(vue.url("distributions.journees", guichet=vue.agent.code_guichet))
    if code and visible_guichet(vue.conn, vue.perimetre, code):
        return Redirection(vue.url("distributions.journees", guichet=code))
    if code:
        saisie.erreurs["guichet"] = f"Vous ne voyez aucun guichet de code {code}."
    return Rendu("manifestes.html", saisie.shown(), statut=422 if code else 200)


def show(vue: Vue) -> Reponse:
    """The manifests of a guichet, the latest first."""
    code = vue.parametres["guichet"]
    avant = _day(vue.question.get("suite", "")) or date.max
    journees = list_journees(vue.conn, code, avant=avant, limite=_JOURS)
    last = journees[-1].jour if len(journees) == _JOURS else None
    suite = vue.url("distributions.journees", guichet=code, suite=last) if last else ""
    return Rendu("journees.html", {"guichet": code, "journees": journees, "suite": suite, "rapport": None})


def give(vue: Vue) -> Reponse:
    """One signed manifest, as it was signed."""
    jour = _day(vue.parametres["jour"])
    found = None if jour is None else get_manifeste(vue.conn, vue.parametres["guichet"], jour)
    if found is None:
        return Refus(anomalies.INTROUVABLE(), 404)
    return Telechargement(found.nom, "application/octet-stream", found.octets)


def compare(vue: Vue) -> Reponse:
    """What the guichet lacks, has in excess, or has otherwise, as `echangeur distribution rapprocher` does:
    nothing is acknowledged, nothing sent."""
    code = vue.parametres["guichet"]
    envoi = vue.envois.get("fichier")
    text = vue.champs.get("liste", "") if envoi is None else envoi.octets.decode("utf-8-sig", "replace")
    tenues = read_liste(text)
    if isinstance(tenues, LigneIllisible):
        return Refus(anomalies_flux.LISTE_ILLISIBLE(f"ligne {tenues.rang}", ATTENDU))
    empreintes = sum(len(each.empreintes) for each in tenues)
    if not tenues or empreintes > EMPREINTES_MAX:
        constat = f"{empreintes} empreintes, {EMPREINTES_MAX} au plus par page" if tenues else "elle est vide"
        return Refus(anomalies_flux.LISTE_ILLISIBLE(constat, ATTENDU))
    rapport = reconcile(vue.conn, code, tenues)
    return Rendu(
        "journees.html",
        {
            "guichet": code,
            "journees": list_journees(vue.conn, code, limite=_JOURS),
            "suite": "",
            "rapport": rapport,
        },
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


PAGES: Final = (
    Page(
        "distributions.manifestes",
        "/manifestes",
        "Manifestes signés",
        choose,
        VERIFIENT,
        rubrique=Rubrique.DISTRIBUTIONS,
        rang=2,
    ),
    Page(
        "distributions.journees",
        "/manifestes/{guichet}",
        "Manifestes d'un guichet",
        show,
        VERIFIENT,
        objet=Objet.GUICHET,
    ),
    Page(
        "distributions.manifeste",
        "/manifestes/{guichet}/{jour}",
        "Un manifeste signé",
        give,
        VERIFIENT,
        objet=Objet.GUICHET,
    ),
    Page(
        "distributions.rapprocher",
        "/manifestes/{guichet}/rapprochement",
        "Rapprocher ce que le guichet a",
        compare,
        VERIFIENT,
        methode=Methode.POST,
        objet=Objet.GUICHET,
        trace="rapprocher des distributions",
        taille_max=_LISTE_MAX,
    ),
)
