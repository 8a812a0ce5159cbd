"""Time travel: who should have received what of a demande at a past instant, and who did ([DST-80])."""

from __future__ import annotations

from itertools import islice
from typing import Final

from console.libelles import RAISONS
from console.pages.distributions import LISEURS
from console.profils import D_UN_GUICHET
from console.saisie import Saisie
from console.table import Page, Rubrique
from console.vue import Rendu, Reponse, Vue
from dispatching.attendus import Attendu, Hypothese, judge_at, list_attendus

_LIGNES_MAX: Final = 200


def show(vue: Vue) -> Reponse:
    """What was to be received of a demande by that instant, by one's guichet, or by those in one's sight."""
    saisie = Saisie(vue.question)
    numero, au = saisie.code("numero", 40), saisie.instant("au")
    instant = au or vue.maintenant
    if instant > vue.maintenant:
        saisie.erreurs["au"] = "Cet instant n'est pas encore passé."
    if numero and not vue.perimetre.covers_demande(vue.conn, numero):
        saisie.erreurs["numero"] = f"Aucune demande de numéro {numero} que vous puissiez lire."
    attendus: list[Attendu] = []
    hypothese: Hypothese | None = None
    verdicts: list[tuple[str, str, bool]] = []
    asked = bool(numero) and not saisie.erreurs
    if asked:
        guichet = vue.agent.code_guichet if vue.agent.profil in D_UN_GUICHET else None
        codes = set(vue.perimetre.guichets(vue.conn))
        found = list_attendus(vue.conn, au=instant, numero=numero, guichet=guichet)
        attendus = list(islice((each for each in found if each.guichet in codes), _LIGNES_MAX))
        hypothese = judge_at(vue.conn, numero, instant, guichet=guichet)
        vue.note_read(numero)
    if hypothese is not None:
        verdicts = [
            (code, RAISONS[verdict.raison], verdict.destinataire)
            for code, verdict in hypothese.verdicts.items()
            if code in codes
        ]
    return Rendu(
        "attendus.html",
        {
            **saisie.shown(),
            "demande": numero if asked else "",
            "instant": instant,
            "attendus": attendus,
            "hypothese": hypothese,
            "verdicts": verdicts,
        },
        statut=422 if saisie.erreurs else 200,
    )


PAGES: Final = (
    Page(
        "distributions.attendus",
        "/distributions/attendus",
        "Qui devait recevoir quoi",
        show,
        LISEURS,
        rubrique=Rubrique.DISTRIBUTIONS,
        rang=3,
        nominative=True,
        trace="distributions.attendus",
    ),
)
