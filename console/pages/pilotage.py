"""The steering page: flows of the last hours, what waits, what failed and why."""

from __future__ import annotations

from typing import Final

from console.anomalies_connues import anomalie
from console.exports import FORMATS, Tableau, export
from console.flux import (
    PERIODES,
    SERIES,
    Heure,
    first_hour,
    points_of,
    read_hours,
    read_refusals,
)
from console.graphiques import Point, draw_bars, draw_line
from console.releve_echanges import Echanges
from console.table import AUDITEURS, EXPLOITANTS, GESTIONNAIRES, Page, Rubrique
from console.vue import Rendu, Reponse, Vue, one_of
from dispatching.ampleur import sum_failed, sum_waiting
from dispatching.disjoncteurs import list_disjoncteurs

_LECTEURS: Final = {**GESTIONNAIRES, **EXPLOITANTS, **AUDITEURS}
_TITRES: Final = ("heure", *SERIES, "médiane de la réponse (s)", "95 % sous (s)")


def show(vue: Vue) -> Reponse:
    """The page."""
    heures, codes = _asked(vue), vue.perimetre.codes(vue.conn)
    echanges = _exchanges(vue, heures, codes)
    lignes = read_hours(echanges, vue.maintenant, heures)
    return Rendu(
        "pilotage.html",
        {
            "periode": heures,
            "periodes": tuple(PERIODES),
            "heures": lignes,
            "series": SERIES,
            "echanges": draw_bars(points_of(lignes), SERIES),
            "latences": draw_line(_latencies(lignes), "95 % des réponses sous", " s"),
            "refus": read_refusals(echanges),
            "anomalie": anomalie,
            "files": sum_waiting(vue.conn, codes),
            "echecs": sum_failed(vue.conn, codes),
            "disjoncteurs": [
                each
                for each in list_disjoncteurs(vue.conn)
                if each.ouvert_le is not None and (codes is None or each.guichet in codes)
            ],
            "formats": FORMATS,
        },
    )


def take(vue: Vue) -> Reponse:
    """The flows, hour by hour, as a file."""
    heures = _asked(vue)
    lignes = read_hours(_exchanges(vue, heures, vue.perimetre.codes(vue.conn)), vue.maintenant, heures)
    tableau = Tableau(
        "flux",
        "Échanges par heure",
        f"Les {heures} dernières heures, à l'heure de Paris",
        _TITRES,
        [(f"{h.debut:%Y-%m-%d %H:00}", h.acceptes, h.refuses, h.echecs, h.p50, h.p95) for h in lignes],
    )
    return export(tableau, vue.parametres["format"], vue.maintenant)


def _exchanges(vue: Vue, heures: int, codes: tuple[str, ...] | None) -> Echanges:
    debut = first_hour(vue.maintenant, heures)
    return vue.services.releve.read(vue.conn, debut, vue.maintenant, codes)


def _asked(vue: Vue) -> int:
    return PERIODES[one_of(vue, "heures", tuple(PERIODES), "24")]


def _latencies(heures: list[Heure]) -> list[Point]:
    return [Point(h.etiquette, () if h.p95 is None else (float(h.p95),)) for h in heures]


PAGES: Final = (
    Page(
        "pilotage.voir", "/pilotage", "Flux et files d’attente", show, _LECTEURS, rubrique=Rubrique.PILOTAGE
    ),
    Page("pilotage.exporter", "/pilotage/flux.{format:csv|xlsx|pdf}", "Flux", take, _LECTEURS),
)
