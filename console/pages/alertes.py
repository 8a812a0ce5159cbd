"""The alerts: those that are open, those that were, the planned stops, and the mails that tell them."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from console.libelles import TOURS
from console.saisie import Saisie
from console.table import AUDITEURS, EXPLOITANTS, GESTIONNAIRES, Methode, Page, Rubrique
from console.vue import Redirection, Rendu, Reponse, Vue
from mailflows.alertes.catalogue import GENRES
from mailflows.alertes.courriers import list_courriers
from mailflows.alertes.garde import add_sourdine, end_sourdine, list_closes, list_ouvertes, list_sourdines
from registry.guichets_store import get_guichet

_LECTEURS: Final = {**GESTIONNAIRES, **EXPLOITANTS, **AUDITEURS}
_CLOSES: Final = 100
_COURRIERS: Final = 20
_DUREE_MAX: Final = 2_000


def show(vue: Vue) -> Reponse:
    """The page. A gestionnaire sees what concerns his guichets; who sees everything, the hub too."""
    saisie = Saisie(vue.question)
    return _page(vue, saisie, 200)


def mute(vue: Vue) -> Reponse:
    """Plan a stop: what it covers is not told meanwhile."""
    saisie = Saisie(vue.champs)
    du = saisie.instant("du") or vue.maintenant
    heures = saisie.entier("heures")
    guichet = saisie.code("guichet", 5)
    code = saisie.parmi("code", tuple(GENRES))
    motif = saisie.texte("motif", 200)
    if heures is None or not 1 <= heures <= _DUREE_MAX:
        saisie.erreurs.setdefault("heures", f"Un nombre d’heures de 1 à {_DUREE_MAX} est attendu.")
    elif du + timedelta(hours=heures) <= vue.maintenant:
        saisie.erreurs.setdefault("du", "Cet arrêt est déjà passé.")
    if guichet and get_guichet(vue.conn, guichet) is None:
        saisie.erreurs["guichet"] = f"Aucun guichet n’a le code {guichet}."
    if saisie.erreurs or heures is None:
        return _page(vue, saisie, 422)
    fin = du + timedelta(hours=heures)
    add_sourdine(vue.conn, du=du, au=fin, code=code, guichet=guichet, motif=motif, par=vue.agent.courriel)
    return Redirection(vue.url("alertes.voir"), "L’arrêt est prévu : rien de ce qu’il couvre ne sera envoyé.")


def unmute(vue: Vue) -> Reponse:
    """End a stop, or give it up."""
    arret = Saisie(vue.champs).entier("arret")
    ended = arret is not None and end_sourdine(vue.conn, arret, instant=vue.maintenant)
    message = "L’arrêt est fini." if ended else "Cet arrêt n’est ni en cours ni prévu."
    return Redirection(vue.url("alertes.voir"), message)


def _page(vue: Vue, saisie: Saisie, statut: int) -> Reponse:
    wanted = None if vue.perimetre.tout else vue.perimetre.guichets(vue.conn)
    operates = vue.agent.profil in EXPLOITANTS
    for champ in ("du", "heures", "guichet", "code", "motif"):
        saisie.valeurs.setdefault(champ, "")
    return Rendu(
        "alertes.html",
        {
            "ouvertes": list_ouvertes(vue.conn, wanted),
            "closes": list_closes(vue.conn, wanted, limite=_CLOSES),
            "arrets": list_sourdines(vue.conn, vue.maintenant, wanted),
            "courriers": list_courriers(vue.conn, limite=_COURRIERS) if operates else (),
            "exploite": operates,
            "genres": {code: genre.type for code, genre in GENRES.items()},
            "codes": [(code, code) for code in GENRES],
            "tours": TOURS,
            **saisie.shown(),
        },
        statut=statut,
    )


PAGES: Final = (
    Page(
        "alertes.voir",
        "/pilotage/alertes",
        "Alertes",
        show,
        _LECTEURS,
        rubrique=Rubrique.PILOTAGE,
        rang=3,
    ),
    Page(
        "alertes.taire",
        "/pilotage/alertes/arrets",
        "Prévoir un arrêt",
        mute,
        EXPLOITANTS,
        methode=Methode.POST,
        trace="prévoir un arrêt sans alertes",
    ),
    Page(
        "alertes.reprendre",
        "/pilotage/alertes/arrets/fin",
        "Finir un arrêt",
        unmute,
        EXPLOITANTS,
        methode=Methode.POST,
        trace="finir un arrêt sans alertes",
    ),
)
