"""Why a guichet received a demande, or did not: as it was decided then ([DST-3])."""

from __future__ import annotations

from typing import Final

from console.pages.distributions import LISEURS, visible_guichet
from console.profils import D_UN_GUICHET
from console.saisie import Saisie
from console.table import Objet, Page
from console.vue import Rendu, Reponse, Vue
from dispatching.explanation import Explication, explain_distribution


def show(vue: Vue) -> Reponse:
    """The explanation for one guichet, or the form that asks which."""
    numero, saisie = vue.parametres["numero"], Saisie(vue.question)
    guichet, version = saisie.code("guichet", 5), saisie.entier("version")
    if vue.agent.profil in D_UN_GUICHET:
        guichet = vue.agent.code_guichet
    elif guichet and not visible_guichet(vue.conn, vue.perimetre, guichet):
        saisie.erreurs["guichet"] = f"Vous ne voyez aucun guichet de code {guichet}."
    if version is not None and version >= 1 << 31:
        saisie.erreurs["version"] = "Aucune demande n'a autant de versions."
    found: Explication | None = None
    if guichet and not saisie.erreurs:
        found = explain_distribution(vue.conn, numero, guichet, version=version)
    vue.note_read(numero)
    return Rendu(
        "explication.html",
        {
            "numero": numero,
            "guichet": guichet,
            **saisie.shown(),
            "explication": found,
            "choisit": vue.agent.profil not in D_UN_GUICHET,
        },
        statut=422 if saisie.erreurs else 200,
    )


PAGES: Final = (
    Page(
        "distributions.expliquer",
        "/distributions/explication/{numero}",
        "Pourquoi ce guichet",
        show,
        LISEURS,
        objet=Objet.DEMANDE,
        nominative=True,
        trace="distributions.expliquer",
    ),
)
