"""Signed mail: what came, what was put in quarantine and why, what was sent and what became of it."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection

from console import anomalies, anomalies_flux
from console.anomalies_connues import anomalie
from console.libelles import ENTRANTS, SORTANTS
from console.pages.distributions import sees_nominative
from console.pages.echanges import PARTIES
from console.perimetre import Perimetre
from console.profils import ProfilCompte
from console.saisie import Saisie
from console.table import EXPLOITANTS, Methode, Page, Rubrique
from console.vue import Redirection, Refus, Rendu, Reponse, Telechargement, Vue
from mailflows.consultation import (
    Entrants,
    Sortants,
    find_entrants,
    find_sortants,
    list_avis,
    list_fichiers,
)
from mailflows.entrants import Entrant, EtatEntrant, get_entrant, read_brut
from mailflows.etats import Etat
from mailflows.rejeu import replay_courriers
from mailflows.sortants import Sortant, get_sortant, list_sortants, list_tentatives
from registry.fenetres import read_uuid
from registry.guichets_store import get_guichet

_PAR_PAGE: Final = 50


def show_received(vue: Vue) -> Reponse:
    """Mails received, the latest first; those of the quarantine when asked for."""
    saisie = Saisie(vue.question)
    etat, (du, avant) = saisie.parmi("etat", tuple(EtatEntrant)), saisie.periode()
    found = Entrants(())
    if not saisie.erreurs:
        found = find_entrants(
            vue.conn,
            vue.perimetre.of_codes,
            etat=EtatEntrant(etat) if etat else None,
            du=du,
            avant=avant,
            suite=vue.question.get("suite", ""),
            limite=_PAR_PAGE,
        )
    return _list(
        vue,
        saisie,
        "courriers.recus",
        found.suite,
        {
            "recus": [(each, ENTRANTS[each.etat], anomalie(each.code)) for each in found.courriers],
            "etats": [(each.value, badge.texte) for each, badge in ENTRANTS.items()],
        },
    )


def show_sent(vue: Vue) -> Reponse:
    """Mails of ours, the latest first."""
    saisie = Saisie(vue.question)
    etat, (du, avant) = saisie.parmi("etat", tuple(Etat)), saisie.periode()
    found = Sortants(())
    if not saisie.erreurs:
        found = find_sortants(
            vue.conn,
            vue.perimetre.of_codes,
            etat=Etat(etat) if etat else None,
            du=du,
            avant=avant,
            suite=vue.question.get("suite", ""),
            limite=_PAR_PAGE,
        )
    return _list(
        vue,
        saisie,
        "courriers.envoyes",
        found.suite,
        {
            "envoyes": [(each, SORTANTS[each.situation.etat]) for each in found.courriers],
            "etats": [(each.value, badge.texte) for each, badge in SORTANTS.items()],
        },
    )


def show(vue: Vue) -> Reponse:
    """One mail, received or sent."""
    entrant, sortant = _find(vue)
    replays = vue.agent.profil is ProfilCompte.EXPLOITANT
    if entrant is not None:
        return Rendu(
            "courrier_recu.html",
            {
                "courrier": entrant,
                "etat": ENTRANTS[entrant.etat],
                "anomalie": anomalie(entrant.code),
                "fichiers": list_fichiers(vue.conn, entrant.id),
                "reponses": [
                    (each, SORTANTS[each.situation.etat])
                    for each in list_sortants(vue.conn, entrant=entrant.id)
                ],
                "peut_rejouer": replays and entrant.etat is EtatEntrant.QUARANTAINE,
                "nominatif": sees_nominative(vue),
            },
        )
    if sortant is not None:
        return Rendu(
            "courrier_envoye.html",
            {
                "courrier": sortant,
                "etat": SORTANTS[sortant.situation.etat],
                "tentatives": list_tentatives(vue.conn, sortant.id),
                "avis": list_avis(vue.conn, sortant.id),
                "peut_rejouer": replays and sortant.situation.etat in (Etat.ECHEC, Etat.ENVOYE),
            },
        )
    return Refus(anomalies.INTROUVABLE(), 404)


def give_message(vue: Vue) -> Reponse:
    """A mail as it was received, signed and encrypted, to be kept, never shown."""
    entrant, _ = _find(vue)
    octets = None if entrant is None else read_brut(vue.conn, entrant.id)
    if entrant is None or octets is None:
        return Refus(anomalies_flux.MESSAGE_EFFACE(), 404)
    numeros = {each.numero for each in list_fichiers(vue.conn, entrant.id) if each.numero}
    vue.note_message(entrant.id, *sorted(numeros))
    return Telechargement(f"courrier-{entrant.id}.eml", "application/octet-stream", octets)


def replay(vue: Vue) -> Reponse:
    """Handle again a mail of the quarantine, or send again one of ours: `echangeur courrier rejouer`."""
    entrant, sortant = _find(vue)
    courrier = entrant or sortant
    if courrier is None:
        return Refus(anomalies.INTROUVABLE(), 404)
    done = replay_courriers(vue.conn, [courrier.id], instant=vue.maintenant)
    message = "Le message est repris." if done else "Ni en quarantaine, ni en échec : rien n'est fait."
    return Redirection(vue.url("courriers.voir", courrier=courrier.id), message)


def _find(vue: Vue) -> tuple[Entrant | None, Sortant | None]:
    """The mail that the address names, when he may see it; whoever sees everything sees those of nobody."""
    key = read_uuid(vue.parametres["courrier"])
    if key is None:
        return None, None
    entrant, sortant = get_entrant(vue.conn, key), get_sortant(vue.conn, key)
    courrier = entrant or sortant
    if courrier is None or not _sees(vue.conn, vue.perimetre, courrier.guichet):
        return None, None
    return entrant, sortant


def _sees(conn: Connection, perimetre: Perimetre, code: str | None) -> bool:
    if perimetre.tout:
        return True
    guichet = None if code is None else get_guichet(conn, code)
    return guichet is not None and perimetre.covers_guichet(guichet.code, guichet.territoires)


def _list(vue: Vue, saisie: Saisie, page: str, suite: str, valeurs: dict[str, object]) -> Rendu:
    return Rendu(
        "courriers.html",
        {
            "recus": None,
            "envoyes": None,
            **valeurs,
            **saisie.shown(),
            "adresse": vue.url(page),
            "suite": vue.url(page, **saisie.criteres, suite=suite) if suite else "",
        },
        statut=422 if saisie.erreurs else 200,
    )


PAGES: Final = (
    Page(
        "courriers.recus",
        "/courriers/recus",
        "Courriers reçus et quarantaine",
        show_received,
        PARTIES,
        rubrique=Rubrique.ECHANGES,
        rang=2,
    ),
    Page(
        "courriers.envoyes",
        "/courriers/envoyes",
        "Courriers envoyés",
        show_sent,
        PARTIES,
        rubrique=Rubrique.ECHANGES,
        rang=3,
    ),
    Page("courriers.voir", "/courriers/message/{courrier}", "Un courrier", show, PARTIES),
    Page(
        "courriers.message",
        "/courriers/message/{courrier}/octets",
        "Le courrier tel que reçu",
        give_message,
        PARTIES,
        nominative=True,
        trace="courriers.message",
    ),
    Page(
        "courriers.rejouer",
        "/courriers/message/{courrier}/rejeu",
        "Rejouer un courrier",
        replay,
        EXPLOITANTS,
        methode=Methode.POST,
        trace="rejouer un courrier",
    ),
)
