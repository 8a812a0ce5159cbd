"""The filters of a guichet: list, creation, import and export, history, comparison, withdrawal."""

from __future__ import annotations

from typing import Final

from sqlalchemy import func, select

from console import anomalies
from console.apercus import count_filtres
from console.bancs import Avancement
from console.conditions import named
from console.filtres import (
    AUTEURS,
    LECTEURS,
    Contenu,
    chrome,
    load,
    read_effet,
    today,
    told,
)
from console.profils import Portee
from console.table import Methode, Objet, Page, Rubrique
from console.vue import Redirection, Refus, Rendu, Reponse, Telechargement, Vue, one_of, read_apart
from filters.brouillons import Brouillon, drop_brouillon, get_brouillon, keep_brouillon
from filters.comparaison import Sort, compare
from filters.language import Filtre
from filters.reading import read_json, read_toml
from filters.situations import Situation
from filters.store import VersionFiltre, withdraw_filtre
from filters.tables import FILTRE
from filters.texts import tell_filtre
from filters.writing import write_json, write_toml
from registry.tables import GUICHET

_GUICHETS_PAR_PAGE: Final = 50
_BROUILLON: Final = "brouillon"


def show_guichets(vue: Vue) -> Reponse:
    """Which guichet: its own for the agent of one, otherwise a list, by code."""
    if vue.perimetre.portee is Portee.GUICHET:
        return Redirection(vue.url("filtres.lister", guichet=vue.agent.code_guichet))
    apres, cherche = vue.question.get("apres", ""), vue.question.get("cherche", "").strip()
    combien = select(func.count()).select_from(FILTRE).where(FILTRE.c.guichet == GUICHET.c.code)
    query = (
        select(GUICHET.c.code, GUICHET.c.nom, combien.scalar_subquery().label("filtres"))
        .where(vue.perimetre.of_guichets(), GUICHET.c.code > apres)
        .order_by(GUICHET.c.code)
        .limit(_GUICHETS_PAR_PAGE + 1)
    )
    if cherche:
        query = query.where(
            GUICHET.c.nom.icontains(cherche, autoescape=True)
            | GUICHET.c.code.istartswith(cherche, autoescape=True)
        )
    rows = vue.conn.execute(query).all()
    more = len(rows) > _GUICHETS_PAR_PAGE
    rows = rows[:_GUICHETS_PAR_PAGE]
    suite = vue.url("filtres.accueil", apres=rows[-1].code, cherche=cherche) if more else ""
    return Rendu("filtres_guichets.html", {"guichets": rows, "suite": suite, "cherche": cherche})


async def show_list(vue: Vue) -> Reponse:
    """The filters of a guichet; how many demandes each takes comes after, for those who ask."""
    code = vue.parametres["guichet"]
    contenu = await read_apart(vue, lambda conn: load(conn, code, vue.maintenant))
    comptes: dict[str, int] | Avancement | None = None
    if vue.question.get("comptes") and contenu.filtres:
        filtres, jour = contenu.filtres, today(vue)
        comptes = await vue.services.bancs.stock.ask(
            ("comptes", contenu.guichet, filtres, jour),
            vue.services.engine,
            vue.services.clock,
            lambda conn, image: count_filtres(conn, image, contenu.guichet, filtres, jour),
        )
    return _list(vue, contenu, comptes=comptes)


def create(vue: Vue) -> Reponse:
    """A draft: empty, or with the conditions in force under the same name or another."""
    code = vue.parametres["guichet"]
    contenu = load(vue.conn, code, vue.maintenant)
    nom, depuis = vue.champs.get("nom", "").strip(), vue.champs.get("depuis", "")
    saisie = named(nom, contenu.en_vigueur(depuis) if depuis else None)
    if saisie.erreurs:
        erreur = " ; ".join(each.message for each in saisie.erreurs)
        return _list(vue, contenu, nom=nom, erreur=f"Nom refusé : {erreur}.", statut=422)
    editeur = vue.url("filtres.editer", guichet=code, nom=saisie.filtre.nom)
    if get_brouillon(vue.conn, code, saisie.filtre.nom) is not None:
        return Redirection(editeur, "Ce brouillon existait déjà : le voici.")
    kept = keep_brouillon(vue.conn, code, saisie.filtre, instant=vue.maintenant)
    if not isinstance(kept, Brouillon):
        return _list(vue, contenu, nom=nom, erreur=told(kept), statut=422)
    return Redirection(editeur, "Brouillon créé. Il n'a aucun effet tant qu'il n'est pas activé.")


def discard(vue: Vue) -> Reponse:
    """Drop a draft."""
    code, nom = vue.parametres["guichet"], vue.champs.get("nom", "")
    if drop_brouillon(vue.conn, code, nom) is None:
        return Refus(anomalies.INTROUVABLE(), 404)
    return Redirection(vue.url("filtres.lister", guichet=code), f"Brouillon « {nom} » écarté.")


def show_import(vue: Vue) -> Reponse:
    """The form that takes a file of filters."""
    return _import(vue, "", ())


def import_filtres(vue: Vue) -> Reponse:
    """Filters of a file, or typed, become drafts: all of them, or none."""
    code = vue.parametres["guichet"]
    texte, is_json = vue.champs.get("texte", ""), False
    envoi = vue.envois.get("fichier")
    if envoi is not None and envoi.octets:
        try:
            texte = envoi.octets.decode("utf-8-sig")
        except UnicodeDecodeError:
            return _import(vue, "", ("Le fichier n'est pas en UTF-8.",))
        is_json = envoi.nom.lower().endswith(".json")
    if not texte.strip():
        return _import(vue, "", ("Choisissez un fichier, ou collez des filtres.",))
    lecture = read_json(texte) if is_json or texte.lstrip().startswith("{") else read_toml(texte)
    if lecture.erreurs:
        return _import(vue, texte, tuple(str(each) for each in lecture.erreurs))
    for filtre in lecture.filtres:
        kept = keep_brouillon(vue.conn, code, filtre, instant=vue.maintenant)
        if not isinstance(kept, Brouillon):
            vue.conn.rollback()
            return _import(vue, texte, (told(kept),))
    count = len(lecture.filtres)
    message = f"{count} brouillon{'s' if count > 1 else ''} importé{'s' if count > 1 else ''}."
    return Redirection(vue.url("filtres.lister", guichet=code), message)


def export(vue: Vue) -> Reponse:
    """The filters in force, or a draft or one of them alone, as a file that the import reads."""
    code, nom = vue.parametres["guichet"], vue.question.get("nom", "")
    contenu = load(vue.conn, code, vue.maintenant)
    filtres: tuple[Filtre, ...]
    if nom:
        drafts = {each.filtre.nom: each.filtre for each in contenu.brouillons}
        found = drafts.get(nom) if vue.question.get("etat") == _BROUILLON else contenu.en_vigueur(nom)
        filtres = () if found is None else (found,)
    else:
        filtres = contenu.filtres
    if not filtres:
        return Refus(anomalies.INTROUVABLE(), 404)
    label = f"filtres-{code}"
    if one_of(vue, "format", ("toml", "json"), "toml") == "json":
        return Telechargement(f"{label}.json", "application/json", write_json(filtres).encode())
    return Telechargement(f"{label}.toml", "application/toml; charset=utf-8", write_toml(filtres).encode())


def show_history(vue: Vue) -> Reponse:
    """All the versions of a filter."""
    return _history(vue, vue.question.get("nom", ""))


def withdraw(vue: Vue) -> Reponse:
    """Withdraw a filter, now or at an instant."""
    code, nom = vue.parametres["guichet"], vue.champs.get("nom", "")
    effet = read_effet(vue.champs.get("effet", ""))
    if isinstance(effet, str):
        return _history(vue, nom, effet)
    done = withdraw_filtre(vue.conn, code, nom, instant=vue.maintenant, effet_le=effet)
    if not isinstance(done, VersionFiltre):
        vue.conn.rollback()
        return _history(vue, nom, told(done))
    adresse = vue.url("filtres.historique", guichet=code, nom=nom)
    when = "" if effet is None else " à l'instant choisi"
    return Redirection(adresse, f"Filtre « {nom} » retiré{when}. Ses versions restent consultables.")


def show_comparison(vue: Vue) -> Reponse:
    """Two versions, condition by condition; by default the one in force and the draft, or the last one."""
    code, nom = vue.parametres["guichet"], vue.question.get("nom", "")
    contenu = load(vue.conn, code, vue.maintenant)
    sides = sides_of(contenu, nom)
    if not sides:
        return Refus(anomalies.INTROUVABLE(), 404)
    situation = contenu.situation(nom)
    current = situation.en_vigueur if situation else None
    first = next(iter(sides)) if current is None else str(current.version)
    de = one_of(vue, "de", tuple(sides), first)
    a = one_of(vue, "a", tuple(sides), next(reversed(sides)))
    ecarts = compare(sides[de][1] or Filtre(nom), sides[a][1] or Filtre(nom))
    return Rendu(
        "filtres_comparer.html",
        {
            **chrome(vue, contenu.guichet, "filtres.lister"),
            "nom": nom,
            "de": de,
            "a": a,
            "cotes": [(key, label) for key, (label, _) in sides.items()],
            "retires": [sides[key][0] for key in (de, a) if sides[key][1] is None],
            "libelles": (sides[de][0], sides[a][0]),
            "ecarts": ecarts,
            "changes": [ecart for ecart in ecarts if ecart.sort is not Sort.GARDEE],
        },
    )


def sides_of(contenu: Contenu, nom: str) -> dict[str, tuple[str, Filtre | None]]:
    """What may be compared under a name, oldest first: by version, or « brouillon », its label and its
    conditions; None for a version that withdraws the filter. Pure."""
    found: dict[str, tuple[str, Filtre | None]] = {}
    situation = contenu.situation(nom)
    for version in () if situation is None else situation.versions:
        mark = ", en vigueur" if situation is not None and version is situation.en_vigueur else ""
        found[str(version.version)] = (f"version {version.version}{mark}", version.filtre)
    for brouillon in contenu.brouillons:
        if brouillon.filtre.nom == nom:
            found[_BROUILLON] = (_BROUILLON, brouillon.filtre)
    return found


def _list(
    vue: Vue,
    contenu: Contenu,
    *,
    comptes: dict[str, int] | Avancement | None = None,
    nom: str = "",
    erreur: str = "",
    statut: int = 200,
) -> Rendu:
    alive = [each for each in contenu.situations if not each.retire]
    return Rendu(
        "filtres_lister.html",
        {
            **chrome(vue, contenu.guichet, "filtres.lister"),
            "situations": alive,
            "retires": [each for each in contenu.situations if each.retire],
            "brouillons": contenu.brouillons,
            "conditions": {each.nom: _formula(each) for each in alive},
            "formules": {each.filtre.nom: tell_filtre(each.filtre) for each in contenu.brouillons},
            "comptes": comptes if isinstance(comptes, dict) else {},
            "avancement": comptes if isinstance(comptes, Avancement) else None,
            "demandes": comptes is not None,
            "nom": nom,
            "erreur": erreur,
        },
        bloc="tableau",
        statut=statut,
    )


def _formula(situation: Situation) -> str:
    shown = situation.en_vigueur or (situation.a_venir[0] if situation.a_venir else None)
    return "" if shown is None or shown.filtre is None else tell_filtre(shown.filtre)


def _import(vue: Vue, texte: str, erreurs: tuple[str, ...]) -> Rendu:
    contenu = load(vue.conn, vue.parametres["guichet"], vue.maintenant)
    values = {**chrome(vue, contenu.guichet, "filtres.lister"), "texte": texte, "erreurs": erreurs}
    return Rendu("filtres_importer.html", values, statut=422 if erreurs else 200)


def _history(vue: Vue, nom: str, erreur: str = "") -> Reponse:
    contenu = load(vue.conn, vue.parametres["guichet"], vue.maintenant)
    situation = contenu.situation(nom)
    if situation is None:
        return Refus(anomalies.INTROUVABLE(), 404)
    versions = [
        (
            version,
            _state(situation, version),
            "retire le filtre" if version.filtre is None else tell_filtre(version.filtre),
        )
        for version in reversed(situation.versions)
    ]
    return Rendu(
        "filtres_historique.html",
        {
            **chrome(vue, contenu.guichet, "filtres.lister"),
            "nom": nom,
            "versions": versions,
            "situation": situation,
            "brouillon": any(each.filtre.nom == nom for each in contenu.brouillons),
            "erreur": erreur,
        },
        statut=422 if erreur else 200,
    )


def _state(situation: Situation, version: VersionFiltre) -> tuple[str, str]:
    """French, and the colour of its badge."""
    if version is situation.en_vigueur:
        return "en vigueur", "success"
    if version in situation.a_venir:
        return "à venir", "info"
    return "passée", ""


PAGES: Final = (
    Page("filtres.accueil", "/filtres", "Filtres", show_guichets, LECTEURS, rubrique=Rubrique.FILTRES),
    Page("filtres.lister", "/filtres/{guichet}", "Filtres", show_list, LECTEURS, objet=Objet.GUICHET),
    Page(
        "filtres.creer", "/filtres/{guichet}/creer", "Créer un filtre", create, AUTEURS,
        methode=Methode.POST, objet=Objet.GUICHET, trace="créer un brouillon de filtre",
    ),
    Page(
        "filtres.ecarter", "/filtres/{guichet}/ecarter", "Écarter un brouillon", discard, AUTEURS,
        methode=Methode.POST, objet=Objet.GUICHET, trace="écarter un brouillon de filtre",
    ),
    Page(
        "filtres.import", "/filtres/{guichet}/import", "Importer des filtres", show_import, AUTEURS,
        objet=Objet.GUICHET,
    ),
    Page(
        "filtres.importer", "/filtres/{guichet}/import", "Importer des filtres", import_filtres, AUTEURS,
        methode=Methode.POST, objet=Objet.GUICHET, trace="importer des filtres", taille_max=8 << 20,
    ),
    Page(
        "filtres.exporter", "/filtres/{guichet}/export", "Exporter des filtres", export, LECTEURS,
        objet=Objet.GUICHET,
    ),
    Page(
        "filtres.historique", "/filtres/{guichet}/historique", "Historique d'un filtre", show_history,
        LECTEURS, objet=Objet.GUICHET,
    ),
    Page(
        "filtres.retirer", "/filtres/{guichet}/retirer", "Retirer un filtre", withdraw, AUTEURS,
        methode=Methode.POST, objet=Objet.GUICHET, trace="retirer un filtre",
    ),
    Page(
        "filtres.comparer", "/filtres/{guichet}/comparaison", "Comparer deux versions", show_comparison,
        LECTEURS, objet=Objet.GUICHET,
    ),
)  # fmt: skip
