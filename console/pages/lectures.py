"""Who read what, and who did what: the traces of nominative data and the acts of the console."""

from __future__ import annotations

from typing import Final

from console.journal_actes import list_actes
from console.lectures import list_lectures
from console.table import AUDITEURS, EXPLOITANTS, GESTIONNAIRES, Page, Rubrique
from console.vue import Rendu, Reponse, Vue

_VERIFIENT: Final = {**GESTIONNAIRES, **EXPLOITANTS, **AUDITEURS}
_LIMITE: Final = 50
_NUMERO_MAX: Final = 18


def show_lectures(vue: Vue) -> Reponse:
    """The readings of the guichets of the perimeter, all of them or those of a demande."""
    numero = vue.question.get("numero", "").strip()[:_NUMERO_MAX]
    avant = _cursor(vue)
    found = list_lectures(vue.conn, vue.perimetre, numero=numero, avant=avant, limite=_LIMITE)
    plus = vue.url("lectures.lister", numero=numero, avant=found[-1].id) if len(found) == _LIMITE else ""
    return Rendu("lectures.html", {"lectures": found, "numero": numero, "plus": plus})


def show_actes(vue: Vue) -> Reponse:
    """The acts of the accounts of the perimeter."""
    found = list_actes(vue.conn, perimetre=vue.perimetre, avant=_cursor(vue), limite=_LIMITE)
    plus = vue.url("actes.lister", avant=found[-1].id) if len(found) == _LIMITE else ""
    return Rendu("actes.html", {"actes": found, "plus": plus})


def _cursor(vue: Vue) -> int | None:
    text = vue.question.get("avant", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


PAGES: Final = (
    Page(
        "lectures.lister",
        "/lectures",
        "Lectures de données",
        show_lectures,
        _VERIFIENT,
        rubrique=Rubrique.COMPTES,
        rang=1,
    ),
    Page(
        "actes.lister",
        "/actes",
        "Actes dans la console",
        show_actes,
        _VERIFIENT,
        rubrique=Rubrique.COMPTES,
        rang=2,
    ),
)
