"""What has not arrived: by guichet, by cause; trying it again, and lifting the breaker of a channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from console import anomalies, anomalies_flux
from console.formats import nombre
from console.libelles import CAUSES, Diagnostic
from console.pages.distributions import LISEURS, find_one
from console.profils import ProfilCompte
from console.table import EXPLOITANTS, Methode, Objet, Page, Rubrique
from console.vue import Redirection, Refus, Rendu, Reponse, Vue, rank_of
from dispatching.arrieres import PLAFOND, Rejet, list_arrieres, list_rejets
from dispatching.deliveries import replay
from dispatching.disjoncteurs import lift, list_disjoncteurs
from dispatching.incidents import list_incidents
from dispatching.transport import Cause

_INCIDENTS: Final = 20
_PAR_PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class LigneRejet:
    """What failed for good for one guichet and one cause. nombre: as it is told."""

    rejet: Rejet
    diagnostic: Diagnostic | None
    nombre: str


def show(vue: Vue) -> Reponse:
    """What waits and what failed, with the state of the channels."""
    conn, codes = vue.conn, vue.perimetre.codes(vue.conn)
    debut, debut_rejets = rank_of(vue, "guichets"), rank_of(vue, "rejets")
    guichets = list_arrieres(conn, codes, debut=debut, nombre=_PAR_PAGE + 1)
    rejets = list_rejets(conn, codes)[debut_rejets:]
    return Rendu(
        "arrieres.html",
        {
            "arrieres": [
                (each, _bounded(each.en_attente), _bounded(each.en_echec)) for each in guichets[:_PAR_PAGE]
            ],
            "suite": _next(vue, "guichets", debut, len(guichets)),
            "rejets": [
                LigneRejet(each, CAUSES[each.cause] if each.cause else None, _bounded(each.nombre))
                for each in rejets[:_PAR_PAGE]
            ],
            "suite_rejets": _next(vue, "rejets", debut_rejets, len(rejets)),
            "disjoncteurs": [
                each for each in list_disjoncteurs(conn) if codes is None or each.guichet in codes
            ],
            "incidents": [
                each
                for each in list_incidents(conn, limite=10 * _INCIDENTS)
                if codes is None or each.guichet in codes
            ][:_INCIDENTS],
            "peut_rejouer": vue.agent.profil is ProfilCompte.EXPLOITANT,
        },
    )


def _next(vue: Vue, champ: str, debut: int, reste: int) -> str:
    """Where the list goes on, when more than a page is left. reste: how many from `debut` on."""
    return vue.url("distributions.attente", **{champ: debut + _PAR_PAGE}) if reste > _PAR_PAGE else ""


def replay_one(vue: Vue) -> Reponse:
    """Try one again; what has not failed for good is left as it is."""
    found = find_one(vue)
    if found is None:
        return Refus(anomalies.INTROUVABLE(), 404)
    count = replay(vue.conn, instant=vue.maintenant, ids=[found.id])
    where = vue.url("distributions.voir", guichet=found.guichet, sequence=found.sequence)
    return Redirection(where, _told(count))


def replay_some(vue: Vue) -> Reponse:
    """Try again those of a guichet, of a cause, or all: `echangeur distribution rejouer`."""
    guichet, cause = vue.champs.get("guichet", ""), vue.champs.get("cause", "")
    if cause and cause not in tuple(Cause):
        return Refus(anomalies.FORMULAIRE_ILLISIBLE(), 400)
    if not guichet and not cause and vue.champs.get("tout") != "oui":
        return Refus(anomalies_flux.RIEN_DE_CHOISI())
    count = replay(
        vue.conn,
        instant=vue.maintenant,
        guichet=guichet or None,
        cause=Cause(cause) if cause else None,
    )
    return Redirection(vue.url("distributions.attente"), _told(count))


def lift_breaker(vue: Vue) -> Reponse:
    """Lift the breakers of a guichet: `echangeur distribution lever`."""
    code = vue.parametres["guichet"]
    count = lift(vue.conn, code, None, instant=vue.maintenant)
    message = f"Guichet {code} : {count} disjoncteur(s) levé(s), ce qui attend part."
    return Redirection(vue.url("distributions.attente"), message)


def _told(count: int) -> str:
    match count:
        case 0:
            return "Rien n'était en échec : rien n'est repris."
        case 1:
            return "Une distribution est reprise : elle repart avec le même identifiant."
        case _:
            return f"{nombre(count)} distributions sont reprises ; elles repartent avec leurs identifiants."


def _bounded(count: int) -> str:
    return f"plus de {nombre(PLAFOND)}" if count > PLAFOND else nombre(count)


PAGES: Final = (
    Page(
        "distributions.attente",
        "/distributions/attente",
        "Ce qui n'est pas arrivé",
        show,
        LISEURS,
        rubrique=Rubrique.DISTRIBUTIONS,
        rang=1,
    ),
    Page(
        "distributions.reprendre",
        "/distributions/de/{guichet}/{sequence}/rejeu",
        "Rejouer une distribution",
        replay_one,
        EXPLOITANTS,
        methode=Methode.POST,
        objet=Objet.GUICHET,
        trace="rejouer une distribution",
    ),
    Page(
        "distributions.rejouer",
        "/distributions/rejouer",
        "Rejouer",
        replay_some,
        EXPLOITANTS,
        methode=Methode.POST,
        trace="rejouer des distributions",
    ),
    Page(
        "distributions.lever",
        "/distributions/disjoncteur/{guichet}",
        "Lever un disjoncteur",
        lift_breaker,
        EXPLOITANTS,
        methode=Methode.POST,
        objet=Objet.GUICHET,
        trace="lever un disjoncteur",
    ),
)
