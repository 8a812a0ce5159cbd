"""The figures that anybody may see: those of the infocentre, without small numbers ([INF-6])."""

from __future__ import annotations

from typing import Final

from console.exports import FORMATS, Tableau, export
from console.graphiques import Point, draw_bars
from console.table import Page
from console.vue import Rendu, Reponse, Vue, one_of
from registry import infocentre
from registry.infocentre import SEUIL, Ligne, public
from registry.infocentre_arretes import read, weeks

TABLEAUX: Final = {
    "stock": "Demandes actives",
    "stock_anciennete": "Demandes actives par ancienneté (mois)",
    "stock_type": "Demandes actives par type de logement souhaité",
    "entree": "Entrées de la semaine",
    "sortie": "Sorties de la semaine, par motif",
    "attribution": "Attributions de la semaine, par réservataire",
    "attribution_delai": "Attributions de la semaine, par ancienneté (mois)",
    "stock_commune": "Demandes actives par commune souhaitée",
}
"""The public tables, by registry.infocentre.Tableau."""
_TITRES: Final = ("tableau", "territoire", "modalite", "nombre")
_LIGNES: Final = 500


def show(vue: Vue) -> Reponse:
    """The figures of a week: a table, and the stock by territory as a plot."""
    semaines = list(weeks(vue.conn))[::-1]
    if not semaines:
        return Rendu("chiffres.html", {"semaines": ()})
    semaine = one_of(vue, "semaine", semaines, semaines[0])
    tableau = one_of(vue, "tableau", tuple(TABLEAUX), "stock")
    publiees = public(read(vue.conn, semaine).lignes)
    lignes = [ligne for ligne in publiees if ligne.tableau == tableau]
    stock = sorted(_of(publiees, infocentre.Tableau.STOCK), key=lambda ligne: -ligne.nombre)[:20]
    return Rendu(
        "chiffres.html",
        {
            "semaines": semaines,
            "semaine": semaine,
            "tableaux": TABLEAUX,
            "tableau": tableau,
            "lignes": lignes[:_LIGNES],
            "reste": max(len(lignes) - _LIGNES, 0),
            "seuil": SEUIL,
            "dessin": draw_bars([Point(ligne.territoire, (ligne.nombre,)) for ligne in stock], ("demandes",)),
            "formats": FORMATS,
        },
    )


def take(vue: Vue) -> Reponse:
    """All the public figures of a week, as a file."""
    semaines = list(weeks(vue.conn))[::-1]
    semaine = one_of(vue, "semaine", semaines, semaines[0] if semaines else "")
    lignes = public(read(vue.conn, semaine).lignes) if semaine else []
    tableau = Tableau(
        f"chiffres-{semaine or 'aucun'}",
        "Demandes de logement social",
        f"Semaine {semaine}, sans les lignes de moins de {SEUIL} demandes",
        _TITRES,
        [(ligne.tableau.value, ligne.territoire, ligne.modalite, ligne.nombre) for ligne in lignes],
    )
    return export(tableau, vue.parametres["format"], vue.maintenant)


def _of(lignes: list[Ligne], tableau: infocentre.Tableau) -> list[Ligne]:
    return [ligne for ligne in lignes if ligne.tableau is tableau]


PAGES: Final = (
    Page("chiffres.voir", "/chiffres", "Chiffres publics", show, publique=True),
    Page("chiffres.exporter", "/chiffres/semaine.{format:csv|xlsx|pdf}", "Chiffres", take, publique=True),
)
