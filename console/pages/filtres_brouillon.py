"""Writing a filter: a draft, condition by condition, and beside it what it would take of the stock."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Final

from console import anomalies, lieux
from console.apercus import NUMEROS, Apercu, Liste, list_numeros, make_bilan
from console.bancs import Avancement
from console.conditions import (
    EXCLUES,
    SENS,
    VOULUES,
    Saisie,
    condition_on,
    is_lieu,
    is_liste,
    move_lieux,
    put,
    read_condition,
    shown,
)
from console.filtres import (
    AUTEURS,
    LECTEURS,
    Essayable,
    chrome,
    load_one,
    read_one,
    today,
    told,
    try_on_stock,
    within,
)
from console.lieux import Lieu, Sorte
from console.table import Methode, Objet, Page
from console.vue import Redirection, Refus, Rendu, Reponse, Telechargement, Vue, one_of
from dispatching.bilan import Bilan
from filters.brouillons import Brouillon, get_brouillon, keep_brouillon
from filters.criteria import CRITERE, CRITERES
from filters.genres import Critere, CritereCodes, CritereNombre
from filters.language import AnyCondition, Condition, Filtre
from filters.texts import tell_wanted
from registry.guichets import Guichet

_EXPORT_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class Ligne:
    """A condition of the filter, told."""

    critere: str
    libelle: str
    rubrique: str
    texte: str


@dataclass(frozen=True, slots=True)
class Cote:
    """The places of one side of a condition. sens: name of its field."""

    sens: str
    titre: str
    lieux: tuple[Lieu, ...]


@dataclass(frozen=True, slots=True)
class Choix:
    """Where to pick places. trouves: what the search gives. groupes: where there is a list to tick, the one
    chosen in `groupe`, its places in `liste`."""

    cotes: tuple[Cote, ...]
    cherche: str
    trouves: tuple[Lieu, ...]
    se_cherche: bool
    departements: tuple[Lieu, ...]
    epci: tuple[Lieu, ...]
    departement: str
    groupe: str
    liste: tuple[Lieu, ...]
    cochees: frozenset[str]


async def show_editor(vue: Vue) -> Reponse:
    """The draft, the form of one condition when one is asked for, and the trial."""
    found = await read_one(vue)
    if found is None or found.brouillon is None:
        return Refus(anomalies.INTROUVABLE(), 404)
    apercu = await try_on_stock(vue, found) if not vue.partielle else None
    return _editor(vue, found, found.filtre, apercu=apercu, bloc="lieux")


def change(vue: Vue) -> Reponse:
    """One condition put, changed or taken away: the draft is kept as it then is."""
    code, nom = vue.parametres["guichet"], vue.question.get("nom", "")
    brouillon = get_brouillon(vue.conn, code, nom, verrou=True)
    critere = CRITERE.get(vue.question.get("critere", ""))
    if brouillon is None or critere is None:
        return Refus(anomalies.INTROUVABLE(), 404)
    saisie = _changed(vue, brouillon.filtre, critere)
    erreur = " ; ".join(each.message for each in saisie.erreurs)
    if not erreur and saisie.filtre != brouillon.filtre:
        kept = keep_brouillon(vue.conn, code, saisie.filtre, instant=vue.maintenant)
        erreur = "" if isinstance(kept, Brouillon) else told(kept)
    if erreur or vue.partielle:
        found = load_one(vue.conn, code, nom, vue.maintenant)
        assert found is not None, "the draft is locked"
        bloc = "ecriture" if is_lieu(critere) else "suite"
        return _editor(vue, found, found.filtre, critere, erreur=erreur, bloc=bloc)
    editeur = vue.url(
        "filtres.editer", guichet=code, nom=nom, critere=critere.nom if is_lieu(critere) else ""
    )
    return Redirection(editeur, f"{_title(critere)} : condition enregistrée.")


async def show_trial(vue: Vue) -> Reponse:
    """What the filter would take of the stock."""
    found = await read_one(vue)
    if found is None:
        return Refus(anomalies.INTROUVABLE(), 404)
    apercu = await try_on_stock(vue, found)
    values = {**_frame(vue, found, found.filtre), **_told_trial(apercu)}
    return Rendu("filtres_essai.html", values, bloc="essai")


async def show_past(vue: Vue) -> Reponse:
    """What it would have delivered in the last twelve months."""
    found = await read_one(vue)
    if found is None:
        return Refus(anomalies.INTROUVABLE(), 404)
    jour, sortie = today(vue), vue.services.sortie
    bilan = await vue.services.bancs.passe.ask(
        ("bilan", found.guichet.code, found.filtre, jour),
        vue.services.engine,
        vue.services.clock,
        lambda conn, image: make_bilan(conn, image, found.guichet.code, found.filtre, jour, sortie),
    )
    values = {
        **_frame(vue, found, found.filtre),
        "bilan": bilan if isinstance(bilan, Bilan) else None,
        "avancement": bilan if isinstance(bilan, Avancement) else None,
    }
    return Rendu("filtres_passe.html", values, bloc="passe")


async def show_numbers(vue: Vue) -> Reponse:
    """Which demandes: those taken, new, entering or leaving; a page of them, or a file of many."""
    found = await read_one(vue)
    liste = Liste(one_of(vue, "liste", tuple(Liste), Liste.RETENUES))
    if found is None:
        return Refus(anomalies.INTROUVABLE(), 404)
    jour, apres, csv = today(vue), vue.question.get("apres", "")[:18], vue.question.get("format") == "csv"
    guichet, contre = within(vue, found.guichet), found.contre if found.brouillon else None
    limite = _EXPORT_MAX if csv else NUMEROS
    numeros = await vue.services.bancs.stock.ask(
        ("numeros", guichet, found.filtre, contre, jour, liste, apres, limite),
        vue.services.engine,
        vue.services.clock,
        lambda conn, image: list_numeros(
            conn, image, guichet, found.filtre, contre, jour, liste, apres, limite + 1
        ),
    )
    avancement = numeros if isinstance(numeros, Avancement) else None
    shown_now = [] if isinstance(numeros, Avancement) else numeros[:limite]
    vue.note_read(*shown_now)
    if csv and avancement is None:
        text = "numero\r\n" + "".join(f"{numero}\r\n" for numero in shown_now)
        return Telechargement(f"{liste.value}-{guichet.code}.csv", "text/csv; charset=utf-8", text.encode())
    more = isinstance(numeros, list) and len(numeros) > limite
    suite = {"guichet": guichet.code, "nom": found.filtre.nom, "liste": liste.value}
    values = {
        **_frame(vue, found, found.filtre),
        "liste": liste,
        "listes": [each for each in Liste if contre is not None or each in (Liste.RETENUES, Liste.NOUVELLES)],
        "numeros": [(numero, vue.url("demandes.voir", numero=numero)) for numero in shown_now],
        "avancement": avancement,
        "suite": vue.url("filtres.numeros", **suite, apres=shown_now[-1]) if more else "",
        "export": vue.url("filtres.numeros", **suite, format="csv"),
    }
    return Rendu("filtres_numeros.html", values)


def _changed(vue: Vue, filtre: Filtre, critere: Critere) -> Saisie:
    """The filter after what the form asks."""
    if vue.champs.get("geste") == "retirer":
        return put(filtre, critere.nom, None)
    if not is_lieu(critere):
        return put(filtre, critere.nom, read_condition(critere, vue.champs))
    valeur = move_lieux(
        condition_on(filtre, critere.nom),
        vue.champs.get("geste", ""),
        vue.champs.get("sens", ""),
        vue.champs.getall("code", []),
        [
            lieu.code
            for lieu in _liste_of(critere, vue.champs.get("groupe", ""), vue.champs.get("departement", ""))
        ],
        absent=bool(vue.champs.get("absent")),
    )
    return put(filtre, critere.nom, valeur)


def _editor(
    vue: Vue,
    found: Essayable,
    filtre: Filtre,
    critere: Critere | None = None,
    *,
    apercu: Apercu | Avancement | None = None,
    erreur: str = "",
    bloc: str = "",
) -> Rendu:
    choisi = critere or CRITERE.get(vue.question.get("critere", ""))
    condition = None if choisi is None else condition_on(filtre, choisi.nom)
    values = {
        **_frame(vue, found, filtre),
        **_told_trial(apercu),
        "critere": choisi,
        "genre": _genre(choisi),
        "options": _options(choisi),
        # What was typed is shown again with what is wrong in it.
        "valeurs": _typed(vue) if erreur else shown(condition),
        "choix": _choix(vue, choisi, condition, found.guichet),
        "rubriques": _rubriques(),
        "erreur": erreur,
        # After a change in place, the trial is asked for again; a whole page has it already.
        "recharge": vue.partielle and not erreur and vue.page.methode is Methode.POST,
        "maj_le": None if found.brouillon is None else found.brouillon.maj_le,
    }
    return Rendu("filtres_editer.html", values, bloc=bloc, statut=422 if erreur else 200)


def _frame(vue: Vue, found: Essayable, filtre: Filtre) -> dict[str, object]:
    return {
        **chrome(vue, found.guichet, "filtres.lister"),
        "nom": filtre.nom,
        "est_brouillon": found.brouillon is not None,
        "en_vigueur": found.contre is not None,
        "lignes": [_ligne(condition) for condition in filtre.conditions],
    }


def _told_trial(apercu: Apercu | Avancement | None) -> dict[str, object]:
    return {
        "apercu": apercu if isinstance(apercu, Apercu) else None,
        "avancement": apercu if isinstance(apercu, Avancement) else None,
    }


def _ligne(condition: AnyCondition) -> Ligne:
    critere = CRITERE[condition.critere]
    return Ligne(critere.nom, _title(critere), critere.rubrique, tell_wanted(condition))


def _title(critere: Critere) -> str:
    return critere.libelle[:1].upper() + critere.libelle[1:]


def _genre(critere: Critere | None) -> str:
    """Which form shows it."""
    if critere is None:
        return ""
    if isinstance(critere, CritereNombre):
        return "nombre"
    if critere.oui_non:
        return "oui_non"
    return "codes" if is_liste(critere) else "lieux" if is_lieu(critere) else "saisie"


def _options(critere: Critere | None) -> list[tuple[str, str]]:
    """The codes of a criterion that shows them all, with their names."""
    if not isinstance(critere, CritereCodes):
        return []
    return [(code, critere.designe(code)) for code in critere.codes]


def _rubriques() -> list[tuple[str, list[tuple[str, str]]]]:
    return [
        (rubrique, [(critere.nom, _title(critere)) for critere in found])
        for rubrique, found in groupby(CRITERES, key=lambda critere: critere.rubrique)
    ]


def _typed(vue: Vue) -> dict[str, object]:
    return {
        **{name: vue.champs.get(name, "") for name in ("min", "max", "vaut")},
        "hors": bool(vue.champs.get("hors")),
        "absent": bool(vue.champs.get("absent")),
        **{sens: vue.champs.getall(sens, []) for sens in SENS},
    }


def _choix(
    vue: Vue, critere: Critere | None, condition: AnyCondition | None, guichet: Guichet
) -> Choix | None:
    if critere is None or not is_lieu(critere):
        return None
    known = condition if isinstance(condition, Condition) else Condition(critere.nom)
    sorte = _sorte_of(critere)
    asked = vue.champs if vue.champs else vue.question
    departement, groupe = asked.get("departement", ""), asked.get("groupe", "")
    cherche = asked.get("cherche", "").strip()[:60]
    side = known.exclues if asked.get("sens") == EXCLUES else known.valeurs
    # A département of another territory than those of the guichet is of little use: they come first.
    return Choix(
        tuple(
            Cote(sens, titre, tuple(sorted(map(sorte.nomme, codes), key=lambda lieu: (lieu.nom, lieu.code))))
            for sens, titre, codes in (
                (VOULUES, "Voulus : au moins un", known.valeurs),
                (EXCLUES, "Exclus : aucun", known.exclues),
            )
        ),
        cherche,
        sorte.cherche(cherche, guichet.territoires) if sorte.cherche and cherche else (),
        sorte.cherche is not None,
        lieux.departements_of(guichet.territoires) if sorte.liste else (),
        lieux.epci_of_departement(departement) if critere.nom.startswith("communes") and departement else (),
        departement,
        groupe,
        _liste_of(critere, groupe, departement),
        side,
    )


def _sorte_of(critere: Critere) -> Sorte:
    match critere.nom:
        case "epci":
            return lieux.EPCI
        case "departements":
            return lieux.DEPARTEMENTS
        case "territoires":
            return lieux.TERRITOIRES
        case _:
            return lieux.COMMUNES


def _liste_of(critere: Critere, groupe: str, departement: str) -> tuple[Lieu, ...]:
    """The places to tick: of an EPCI, otherwise of a département; all of those that are few."""
    sorte = _sorte_of(critere)
    if sorte.liste is None:
        return sorte.tous()
    return sorte.liste(groupe or departement) if groupe or departement else ()


PAGES: Final = (
    Page(
        "filtres.editer", "/filtres/{guichet}/brouillon", "Écrire un filtre", show_editor, AUTEURS,
        objet=Objet.GUICHET,
    ),
    Page(
        "filtres.condition", "/filtres/{guichet}/condition", "Écrire une condition", change, AUTEURS,
        methode=Methode.POST, objet=Objet.GUICHET, trace="écrire une condition d'un brouillon",
    ),
    Page(
        "filtres.essai", "/filtres/{guichet}/essai", "Essai d'un filtre", show_trial, LECTEURS,
        objet=Objet.GUICHET,
    ),
    Page(
        "filtres.passe", "/filtres/{guichet}/passe", "Essai sur les douze derniers mois", show_past,
        LECTEURS, objet=Objet.GUICHET,
    ),
    Page(
        "filtres.numeros", "/filtres/{guichet}/numeros", "Demandes d'un essai", show_numbers, LECTEURS,
        objet=Objet.GUICHET, nominative=True, trace="filtre.essayer",
    ),
)  # fmt: skip
