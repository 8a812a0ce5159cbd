"""Why a guichet received a demande, or did not: the decision, condition by condition, for a number typed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from console.filtres import LECTEURS, chrome, load
from console.table import Objet, Page
from console.vue import Rendu, Reponse, Vue
from dispatching.explanation import Explication, FiltreExplique, explain_distribution, explain_filtres
from filters.criteria import CRITERE
from filters.explanation import Constat, ExplicationFiltre
from filters.texts import tell_value, tell_wanted

_NUMERO: Final = re.compile(r"[0-9A-Z]{18}", re.ASCII)
_INCONNUE: Final = (
    "Aucune demande de ce numéro, ou aucune que vous puissiez lire : un guichet lit les demandes de ses"
    " territoires, une commune ou un EPCI celles qui visent ses communes, et chacun celles qu’il détient."
)
_NON_DECIDEE: Final = "Cette demande n’a encore donné lieu à aucune décision."


@dataclass(frozen=True, slots=True)
class Comparee:
    """One condition against what the demande says."""

    libelle: str
    voulu: str
    dit: str
    satisfaite: bool


@dataclass(frozen=True, slots=True)
class FiltreCompare:
    """One filter: what it says of the demande, and the smallest changes that would flip it."""

    titre: str
    correspond: bool
    conditions: tuple[Comparee, ...]
    changements: tuple[str, ...]


def show(vue: Vue) -> Reponse:
    """The form; and for a number that he may read, the decision, then the drafts as they are."""
    code = vue.parametres["guichet"]
    contenu = load(vue.conn, code, vue.maintenant)
    saisi = vue.question.get("numero", "")
    numero = "".join(saisi.split()).upper()
    values: dict[str, object] = {
        **chrome(vue, contenu.guichet, "filtres.pourquoi"),
        "numero": saisi,
        "explication": None,
        "filtres": (),
        "brouillons": (),
        "adresse": "",
        "erreur": "",
    }
    if not numero:
        return Rendu("filtres_pourquoi.html", values)
    if _NUMERO.fullmatch(numero) is None:
        erreur = "Un numéro unique a 18 caractères, chiffres et lettres."
        return Rendu("filtres_pourquoi.html", {**values, "erreur": erreur}, statut=422)
    if not vue.perimetre.covers_demande(vue.conn, numero):
        return Rendu("filtres_pourquoi.html", {**values, "erreur": _INCONNUE}, statut=404)
    vue.note_read(numero)
    found = explain_distribution(vue.conn, numero, code)
    if found is None:
        return Rendu("filtres_pourquoi.html", {**values, "erreur": _NON_DECIDEE})
    drafts = tuple(each.filtre for each in contenu.brouillons)
    told = explain_filtres(vue.conn, numero, drafts, instant=vue.maintenant) if drafts else ()
    return Rendu(
        "filtres_pourquoi.html",
        {
            **values,
            "numero": numero,
            "explication": found,
            "droit": _right(found),
            "filtres": tuple(map(_filtre, found.filtres)),
            "brouillons": tuple(_compared(f"Brouillon « {each.filtre.nom} »", each) for each in told),
            "adresse": vue.url("demandes.voir", numero=numero),
        },
    )


def _right(found: Explication) -> str:
    verdict = found.verdict
    return "" if verdict is None or verdict.droit is None else verdict.droit.texte


def _filtre(found: FiltreExplique) -> FiltreCompare:
    version = found.version
    return _compared(f"Filtre « {version.nom} », version {version.version}", found.explication)


def _compared(titre: str, explication: ExplicationFiltre) -> FiltreCompare:
    return FiltreCompare(
        titre,
        explication.correspond,
        tuple(map(_condition, explication.constats)),
        tuple(changement.texte for changement in explication.changements),
    )


def _condition(constat: Constat) -> Comparee:
    nom = constat.condition.critere
    return Comparee(
        CRITERE[nom].libelle,
        tell_wanted(constat.condition),
        tell_value(nom, constat.valeur),
        constat.satisfaite,
    )


PAGES: Final = (
    Page(
        "filtres.pourquoi", "/filtres/{guichet}/pourquoi", "Pourquoi cette demande ?", show, LECTEURS,
        objet=Objet.GUICHET, nominative=True, trace="distribution.expliquer",
    ),
)  # fmt: skip
