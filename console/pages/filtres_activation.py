"""A draft put in force, now or at an instant, and the stock offered to the guichet little by little."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from console import anomalies
from console.apercus import Apercu, count_offers
from console.bancs import Avancement
from console.filtres import (
    AUTEURS,
    LECTEURS,
    Contenu,
    Essayable,
    chrome,
    load,
    load_one,
    read_effet,
    read_one,
    today,
    told,
    try_on_stock,
)
from console.table import EXPLOITANTS, Methode, Objet, Page
from console.vue import Redirection, Refus, Rendu, Reponse, Vue, read_apart
from dispatching.rattrapages import (
    EtatRattrapage,
    Rattrapage,
    Rythme,
    ask_rattrapage,
    cancel_rattrapage,
    list_rattrapages,
    pause_rattrapage,
    resume_rattrapage,
)
from filters.brouillons import activate_brouillon
from filters.comparaison import Sort, compare
from filters.language import Filtre
from filters.store import VersionFiltre
from registry.constats import Constat

_OUVERTS: Final = (EtatRattrapage.EN_COURS, EtatRattrapage.SUSPENDU)
_GESTES: Final = {
    "suspendre": (pause_rattrapage, "suspendu"),
    "reprendre": (resume_rattrapage, "repris"),
    "annuler": (cancel_rattrapage, "annulé ; ce qui est déjà offert le reste"),
}
_DEBIT_MAX: Final = 60_000
_MONTRES: Final = 10


async def show_activation(vue: Vue) -> Reponse:
    """What would change, before it does."""
    found = await read_one(vue)
    if found is None or found.brouillon is None:
        return Refus(anomalies.INTROUVABLE(), 404)
    return _activation(vue, found, await try_on_stock(vue, found))


def activate(vue: Vue) -> Reponse:
    """Put the draft in force; the stock is offered in the same act when it is asked for."""
    code, nom = vue.parametres["guichet"], vue.question.get("nom", "")
    found = load_one(vue.conn, code, nom, vue.maintenant)
    if found is None or found.brouillon is None:
        return Refus(anomalies.INTROUVABLE(), 404)
    effet = read_effet(vue.champs.get("effet", ""))
    stock = bool(vue.champs.get("rattrapage"))
    if isinstance(effet, str):
        return _activation(vue, found, None, effet)
    if stock and effet is not None:
        erreur = (
            "Le stock s’offre d’après les filtres en vigueur : activez maintenant, ou offrez-le plus tard."
        )
        return _activation(vue, found, None, erreur)
    version = activate_brouillon(vue.conn, code, nom, instant=vue.maintenant, effet_le=effet)
    if not isinstance(version, VersionFiltre):
        vue.conn.rollback()
        return _activation(vue, found, None, told(version))
    message = f"Filtre « {nom} », version {version.version}, " + (
        "activé : il vaut dès la prochaine décision." if effet is None else "activé à l'instant choisi."
    )
    if not stock:
        return Redirection(vue.url("filtres.lister", guichet=code), message)
    asked = ask_rattrapage(vue.conn, code, instant=vue.maintenant, rythme=vue.services.rythme)
    message += " Le stock lui est offert peu à peu." if isinstance(asked, Rattrapage) else f" {told([asked])}"
    return Redirection(vue.url("filtres.rattrapage", guichet=code), message)


async def show_rattrapage(vue: Vue) -> Reponse:
    """Where the offer of the stock is, and what another one would offer."""
    code = vue.parametres["guichet"]
    contenu, found = await read_apart(
        vue,
        lambda conn: (load(conn, code, vue.maintenant), list_rattrapages(conn, code, limite=_MONTRES)),
    )
    offres: int | Avancement | None = None
    if vue.question.get("compter") and contenu.filtres:
        filtres, jour = contenu.filtres, today(vue)
        offres = await vue.services.bancs.stock.ask(
            ("offres", contenu.guichet, filtres, jour),
            vue.services.engine,
            vue.services.clock,
            lambda conn, image: count_offers(conn, image, contenu.guichet, filtres, jour),
        )
    return _rattrapage(vue, contenu, found, offres=offres)


def move_rattrapage(vue: Vue) -> Reponse:
    """Start one, or pause, resume or cancel the one that is open."""
    code, geste = vue.parametres["guichet"], vue.champs.get("geste", "")
    if geste == "lancer":
        rythme = _rythme(vue)
        done = (
            rythme
            if isinstance(rythme, str)
            else ask_rattrapage(vue.conn, code, instant=vue.maintenant, rythme=rythme)
        )
        erreur = told([done]) if isinstance(done, Constat) else done if isinstance(done, str) else ""
        fait = "lancé : le stock est offert peu à peu"
    elif geste in _GESTES:
        move, fait = _GESTES[geste]
        erreur = "" if move(vue.conn, code, instant=vue.maintenant) else "Il n’est plus dans cet état."
    else:
        return Refus(anomalies.FORMULAIRE_ILLISIBLE(), 400)
    if erreur:
        vue.conn.rollback()
        contenu = load(vue.conn, code, vue.maintenant)
        return _rattrapage(vue, contenu, list_rattrapages(vue.conn, code, limite=_MONTRES), erreur=erreur)
    return Redirection(vue.url("filtres.rattrapage", guichet=code), f"Rattrapage {fait}.")


def _activation(vue: Vue, found: Essayable, apercu: Apercu | Avancement | None, erreur: str = "") -> Rendu:
    ecarts = compare(found.contre or Filtre(found.filtre.nom), found.filtre)
    return Rendu(
        "filtres_activer.html",
        {
            **chrome(vue, found.guichet, "filtres.lister"),
            "nom": found.filtre.nom,
            "nouveau": found.contre is None,
            "ecarts": [ecart for ecart in ecarts if ecart.sort is not Sort.GARDEE],
            "apercu": apercu if isinstance(apercu, Apercu) else None,
            "effet": vue.champs.get("effet", ""),
            "rattrapage": bool(vue.champs.get("rattrapage")),
            "debit": vue.services.rythme.debit,
            "erreur": erreur,
        },
        statut=422 if erreur else 200,
    )


def _rattrapage(
    vue: Vue,
    contenu: Contenu,
    found: tuple[Rattrapage, ...],
    *,
    offres: int | Avancement | None = None,
    erreur: str = "",
) -> Rendu:
    ouvert = next((each for each in found if each.etat in _OUVERTS), None)
    return Rendu(
        "filtres_rattrapage.html",
        {
            **chrome(vue, contenu.guichet, "filtres.rattrapage"),
            "mene": vue.agent.profil in _MENEURS,
            "a_des_filtres": bool(contenu.filtres),
            "ouvert": ouvert,
            "pourcent": min(100, 100 * ouvert.examinees // ouvert.total) if ouvert and ouvert.total else 0,
            "en_cours": ouvert is not None and ouvert.etat is EtatRattrapage.EN_COURS,
            "passes": [each for each in found if each is not ouvert],
            "offres": offres if isinstance(offres, int) else None,
            "avancement": offres if isinstance(offres, Avancement) else None,
            "debit": vue.champs.get("debit") or vue.services.rythme.debit,
            "erreur": erreur,
        },
        bloc="etat",
        statut=422 if erreur else 200,
    )


def _rythme(vue: Vue) -> Rythme | str:
    """The pace asked for, or what is wrong with it."""
    text = vue.champs.get("debit", "").strip()
    if not text:
        return vue.services.rythme
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= _DEBIT_MAX:
        return f"Le débit est un nombre de demandes par minute, de 1 à {_DEBIT_MAX}."
    return replace(vue.services.rythme, debit=int(text))


_MENEURS: Final = {**AUTEURS, **EXPLOITANTS}

PAGES: Final = (
    Page(
        "filtres.activation", "/filtres/{guichet}/activation", "Activer un filtre", show_activation, AUTEURS,
        objet=Objet.GUICHET,
    ),
    Page(
        "filtres.activer", "/filtres/{guichet}/activation", "Activer un filtre", activate, AUTEURS,
        methode=Methode.POST, objet=Objet.GUICHET, trace="activer un filtre",
    ),
    Page(
        "filtres.rattrapage", "/filtres/{guichet}/rattrapage", "Rattrapage", show_rattrapage, LECTEURS,
        objet=Objet.GUICHET,
    ),
    Page(
        "filtres.rattraper", "/filtres/{guichet}/rattrapage", "Rattrapage", move_rattrapage, _MENEURS,
        methode=Methode.POST, objet=Objet.GUICHET, trace="mener un rattrapage",
    ),
)  # fmt: skip
