"""Time travel: who should have received what at a past instant, of a demande or by a guichet whole, and who
did ([DST-80], [DST-85])."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from console.libelles import RAISONS
from console.pages.distributions import LISEURS, visible_guichet
from console.profils import D_UN_GUICHET, Portee
from console.saisie import Saisie
from console.table import Objet, Page, Rubrique
from console.vue import Redirection, Rendu, Reponse, Vue, rank_of
from dispatching.attendus import Attendu, judge_at, list_attendus, read_histoire
from dispatching.attendus_guichet import JUGEES, Curseur, read_attendus, tell_asked
from dispatching.deliveries import list_distributions

_LIGNES_MAX: Final = 200
GUICHETS: Final = 25
"""Guichets judged for one demande on one page."""
_VEILLE: Final = timedelta(days=1)
_RIEN: Final = {"demande": "", "entier": "", "attendus": (), "hypothese": None, "verdicts": (), "suite": ""}


def show(vue: Vue) -> Reponse:
    """What was to be received of a demande by that instant, by one's guichet, or by those in one's sight."""
    saisie = Saisie(vue.question)
    numero, guichet = saisie.code("numero", 40), saisie.code("guichet", 5)
    saisie.instant("depuis")
    instant = _read_instant(vue, saisie)
    if numero and not vue.perimetre.covers_demande(vue.conn, numero):
        saisie.erreurs["numero"] = f"Aucune demande de numéro {numero} que vous puissiez lire."
    if guichet and not visible_guichet(vue.conn, vue.perimetre, guichet):
        saisie.erreurs["guichet"] = f"Vous ne voyez aucun guichet de code {guichet}."
    if guichet and not numero and not saisie.erreurs:
        entier = {nom: saisie.valeurs[nom] for nom in ("depuis", "au")}
        return Redirection(vue.url("distributions.attendus.guichet", guichet=guichet, **entier))
    if not numero or saisie.erreurs:
        return _page(vue, saisie, instant)
    seul = vue.agent.code_guichet if vue.agent.profil in D_UN_GUICHET else guichet
    codes, suite = ((seul,), "") if seul else _some_guichets(vue, saisie, numero)
    histoire = read_histoire(vue.conn, codes)
    found = list_attendus(vue.conn, histoire, au=instant, numero=numero)
    attendus = list(islice(found, _LIGNES_MAX))
    hypothese = judge_at(vue.conn, histoire, numero, instant)
    vue.note_read(numero)
    verdicts = [
        (code, RAISONS[verdict.raison], verdict.destinataire)
        for code, verdict in (hypothese.verdicts if hypothese is not None else {}).items()
    ]
    valeurs: dict[str, object] = {
        "demande": numero,
        "attendus": attendus,
        "hypothese": hypothese,
        "verdicts": verdicts,
        "suite": suite,
    }
    return _page(vue, saisie, instant, valeurs)


def show_whole(vue: Vue) -> Reponse:
    """What a guichet was to receive, of every demande: a page at a time, each of which leaves one trace that
    says what was asked for and names the demandes shown."""
    saisie = Saisie(vue.question)
    code = saisie.valeurs["guichet"] = vue.parametres["guichet"]
    saisie.valeurs["numero"] = ""
    depuis, instant = saisie.instant("depuis"), _read_instant(vue, saisie)
    debut = depuis or instant - _VEILLE
    if debut > instant:
        saisie.erreurs["depuis"] = "La période commence après sa fin."
    if saisie.erreurs:
        return _page(vue, saisie, instant)
    curseur = Curseur.read(vue.question.get("suite", "")) or Curseur(debut)
    dans = vue.agent.territoires if vue.perimetre.portee is Portee.TERRITOIRE else None
    page = read_attendus(vue.conn, code, du=curseur, au=instant, dans=dans, limite=JUGEES)
    attendus = [each for each in page.attendus if _may_show(vue, each)]
    vue.note_asked(tell_asked(code, debut=curseur.instant, au=instant))
    vue.note_read(*(each.numero for each in attendus))
    suite = ""
    if page.suite is not None:
        # The instants are said again: otherwise each page would be of another one.
        bornes = {"depuis": debut.isoformat(), "au": instant.isoformat()}
        suite = vue.url("distributions.attendus.guichet", guichet=code, **bornes, suite=page.suite)
    return _page(vue, saisie, instant, {"entier": code, "attendus": attendus, "suite": suite})


def _some_guichets(vue: Vue, saisie: Saisie, numero: str) -> tuple[tuple[str, ...], str]:
    """A page of the guichets in his sight, those to which something of the demande was distributed first; and
    where the next one is. Each has its filters of then tried on each event: a country has 20,000."""
    servis = {each.guichet for each in list_distributions(vue.conn, numero=numero)}
    codes = sorted(vue.perimetre.guichets(vue.conn), key=lambda code: (code not in servis, code))
    rang = rank_of(vue, "rang")
    reste = len(codes) > rang + GUICHETS
    suite = vue.url("distributions.attendus", **saisie.criteres, rang=rang + GUICHETS) if reste else ""
    return tuple(codes[rang : rang + GUICHETS]), suite


def _read_instant(vue: Vue, saisie: Saisie) -> datetime:
    """The instant asked for, or now."""
    instant = saisie.instant("au") or vue.maintenant
    if instant > vue.maintenant:
        saisie.erreurs["au"] = "Cet instant n'est pas encore passé."
    return instant


def _may_show(vue: Vue, attendu: Attendu) -> bool:
    """What was distributed to a guichet is in its list; what was not is shown if the demande may be read."""
    return attendu.sort is not None or vue.perimetre.covers_demande(vue.conn, attendu.numero)


def _page(vue: Vue, saisie: Saisie, instant: datetime, valeurs: dict[str, object] | None = None) -> Rendu:
    shown = {**_RIEN, **(valeurs or {}), **saisie.shown(), "instant": instant, "mien": vue.agent.code_guichet}
    return Rendu("attendus.html", shown, statut=422 if saisie.erreurs else 200)


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
    Page(
        "distributions.attendus.guichet",
        "/distributions/attendus/{guichet}",
        "Ce qu'un guichet devait recevoir",
        show_whole,
        LISEURS,
        objet=Objet.GUICHET,
        nominative=True,
        trace="distributions.attendus",
    ),
)
