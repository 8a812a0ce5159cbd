"""The quality of what guichets do, week by week: all those of a perimeter, then one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from sqlalchemy import select

from console.exports import FORMATS, Cellule, Tableau, export
from console.graphiques import Dessin, Point, draw_line
from console.table import CONSULTANTS, EXPLOITANTS, GESTIONNAIRES, GUICHETS, Objet, Page, Rubrique
from console.vue import Rendu, Reponse, Vue, one_of
from registry.infocentre_arretes import weeks
from registry.qualite import INDICATEURS, PAR_CODE, Indicateur, Mesure, Sens, total
from registry.qualite_mesures import read_guichet, read_total, read_week
from registry.tables import GUICHET

_SEMAINES: Final = 26
_ENSEMBLE: Final = {**GESTIONNAIRES, **EXPLOITANTS}
_UN_GUICHET: Final = {**GUICHETS, **CONSULTANTS, **_ENSEMBLE}


@dataclass(frozen=True, slots=True)
class Ligne:
    """An indicator of a guichet. mesure: None when the guichet did nothing of the kind. ensemble: what all
    the guichets of its territories do together. moins_bien: it is on the wrong side of them."""

    indicateur: Indicateur
    mesure: Mesure | None
    ensemble: Mesure | None
    dessin: Dessin | None = None

    @property
    def moins_bien(self) -> bool:
        """More than a tenth worse than the others together, on at least ten cases: less says nothing."""
        if self.mesure is None or self.ensemble is None or self.mesure.base < 10:
            return False
        part, autres = self.mesure.part, self.ensemble.part
        if part is None or autres is None:
            return False
        match self.indicateur.sens:
            case Sens.HAUT:
                return part < autres - 0.1
            case Sens.BAS:
                return part > autres + 0.1
            case _:
                return False


def show_all(vue: Vue) -> Reponse:
    """Every guichet of the perimeter, for one indicator, the worst first."""
    semaines = list(weeks(vue.conn))[::-1]
    if not semaines:
        return Rendu("qualite.html", {"semaines": (), "lignes": ()})
    semaine, indicateur = _asked(vue, semaines)
    return Rendu(
        "qualite.html",
        {
            "semaines": semaines,
            "semaine": semaine,
            "indicateurs": INDICATEURS,
            "indicateur": indicateur,
            "lignes": _ranked(vue, semaine, indicateur),
            "formats": FORMATS,
        },
    )


def show_one(vue: Vue) -> Reponse:
    """All the indicators of a guichet: its last week beside that of its territories, and its trend."""
    code = vue.parametres["guichet"]
    suite = read_guichet(vue.conn, code, _SEMAINES)
    nom = vue.conn.scalar(select(GUICHET.c.nom).where(GUICHET.c.code == code))
    lignes = _lines(vue, code, suite)
    familles = [
        (famille, list(group)) for famille, group in groupby(lignes, key=lambda x: x.indicateur.famille)
    ]
    return Rendu(
        "qualite_guichet.html",
        {
            "code": code,
            "nom": nom,
            "semaine": max(suite, default=""),
            "familles": familles,
            "formats": FORMATS,
        },
    )


def take_all(vue: Vue) -> Reponse:
    """Every indicator of every guichet of the perimeter for a week, as a file."""
    semaines = list(weeks(vue.conn))[::-1]
    semaine = one_of(vue, "semaine", semaines, semaines[0] if semaines else "")
    codes = set(vue.perimetre.guichets(vue.conn))
    mesures: dict[str, dict[str, Mesure]] = {}
    for mesure in read_week(vue.conn, semaine):
        if mesure.guichet in codes:
            mesures.setdefault(mesure.guichet, {})[mesure.indicateur] = mesure
    noms = _names(vue)
    lignes = [
        (code, noms.get(code, ""), *(_cell(found.get(each.code)) for each in INDICATEURS))
        for code, found in sorted(mesures.items())
    ]
    titres = ("guichet", "nom", *(_title(each) for each in INDICATEURS))
    tableau = Tableau(f"qualite-{semaine}", "Qualité par guichet", f"Semaine {semaine}", titres, lignes)
    return export(tableau, vue.parametres["format"], vue.maintenant)


def take_one(vue: Vue) -> Reponse:
    """The indicators of a guichet, as a file."""
    code = vue.parametres["guichet"]
    suite = read_guichet(vue.conn, code, _SEMAINES)
    lignes = [
        (ligne.indicateur.libelle, ligne.indicateur.part_de, _count(ligne.mesure), _base(ligne.mesure),
         _percent(ligne.mesure), _percent(ligne.ensemble))
        for ligne in _lines(vue, code, suite)
    ]  # fmt: skip
    titres = ("indicateur", "part de", "nombre", "sur", "part (%)", "ensemble du territoire (%)")
    semaine = max(suite, default="")
    tableau = Tableau(f"qualite-{code}", f"Qualité du guichet {code}", f"Semaine {semaine}", titres, lignes)
    return export(tableau, vue.parametres["format"], vue.maintenant)


def _asked(vue: Vue, semaines: Sequence[str]) -> tuple[str, Indicateur]:
    semaine = one_of(vue, "semaine", semaines, semaines[0])
    return semaine, PAR_CODE[one_of(vue, "indicateur", tuple(PAR_CODE), "sans_contact")]


def _ranked(vue: Vue, semaine: str, indicateur: Indicateur) -> list[tuple[str, str, Mesure]]:
    """Code, name and measure, the worst first; a volume: the greatest first."""
    codes, noms = set(vue.perimetre.guichets(vue.conn)), _names(vue)
    found = [
        mesure
        for mesure in read_week(vue.conn, semaine, indicateur.code)
        if mesure.guichet in codes and (mesure.base or not indicateur.part_de)
    ]
    signe = 1 if indicateur.sens is Sens.HAUT else -1
    found.sort(key=lambda m: (signe * (m.nombre if m.part is None else m.part), -m.base, m.guichet))
    return [(mesure.guichet, noms.get(mesure.guichet, ""), mesure) for mesure in found]


def _lines(vue: Vue, code: str, suite: dict[str, list[Mesure]]) -> list[Ligne]:
    if not suite:
        return []
    semaine = max(suite)
    territoires = vue.conn.scalar(select(GUICHET.c.territoires).where(GUICHET.c.code == code)) or []
    ensemble = total(read_total(vue.conn, semaine, territoires))
    dernier = {mesure.indicateur: mesure for mesure in suite[semaine]}
    return [
        Ligne(each, dernier.get(each.code), ensemble.get(each.code), _trend(each, suite))
        for each in INDICATEURS
    ]


def _trend(indicateur: Indicateur, suite: dict[str, list[Mesure]]) -> Dessin | None:
    """The line of the last weeks; None with fewer than two points."""
    points = []
    for semaine, mesures in sorted(suite.items()):
        found = next((m for m in mesures if m.indicateur == indicateur.code), None)
        value = None if found is None else (found.part if indicateur.part_de else float(found.nombre))
        shown = () if value is None else ((value * 100 if indicateur.part_de else value),)
        points.append(Point(semaine[5:], shown))
    if sum(bool(point.parts) for point in points) < 2:
        return None
    part = bool(indicateur.part_de)
    return draw_line(points, indicateur.libelle, " %" if part else "", 100.0 if part else None)


def _names(vue: Vue) -> dict[str, str]:
    return {row.code: row.nom for row in vue.conn.execute(select(GUICHET.c.code, GUICHET.c.nom))}


def _title(indicateur: Indicateur) -> str:
    return f"{indicateur.libelle} (% des {indicateur.part_de})" if indicateur.part_de else indicateur.libelle


def _cell(mesure: Mesure | None) -> Cellule:
    if mesure is None:
        return None
    return mesure.nombre if not PAR_CODE[mesure.indicateur].part_de else _percent(mesure)


def _count(mesure: Mesure | None) -> Cellule:
    return None if mesure is None else mesure.nombre


def _base(mesure: Mesure | None) -> Cellule:
    return None if mesure is None or not mesure.base else mesure.base


def _percent(mesure: Mesure | None) -> Cellule:
    return None if mesure is None or mesure.part is None else round(100 * mesure.part, 1)


PAGES: Final = (
    Page(
        "qualite.lister",
        "/pilotage/qualite",
        "Qualité par guichet",
        show_all,
        _ENSEMBLE,
        rubrique=Rubrique.PILOTAGE,
        rang=1,
    ),
    Page("qualite.exporter", "/pilotage/qualite.{format:csv|xlsx|pdf}", "Qualité", take_all, _ENSEMBLE),
    Page(
        "qualite.guichet",
        "/pilotage/qualite/{guichet}",
        "Qualité du guichet",
        show_one,
        _UN_GUICHET,
        objet=Objet.GUICHET,
    ),
    Page(
        "qualite.guichet.exporter",
        "/pilotage/qualite/{guichet}/indicateurs.{format:csv|xlsx|pdf}",
        "Qualité du guichet",
        take_one,
        _UN_GUICHET,
        objet=Objet.GUICHET,
    ),
)
