"""Exchanges: what guichets sent, what became of it in plain words, and the message for those entitled."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from console import anomalies, anomalies_flux
from console.anomalies_connues import anomalie
from console.libelles import CANAUX_ECHANGE, STATUTS, Badge, plainly
from console.pages.distributions import sees_nominative
from console.profils import D_UN_GUICHET
from console.saisie import Saisie
from console.table import EXPLOITANTS, GESTIONNAIRES, GUICHETS, Objet, Page, Rubrique
from console.tableur import LIGNES_MAX, csv_of, gather
from console.vue import Refus, Rendu, Reponse, Telechargement, Vue
from mailflows.consultation import find_courrier_of
from registry.actes import OPERATIONS
from registry.anomalies import TypeAnomalie
from registry.consultation_echanges import Fait, Recherche, Trouves, find_echanges, list_faits
from registry.echanges import Canal
from registry.exchanges_store import EchangeConnu, Statut, get_echange, read_octets

PARTIES: Final = {**GUICHETS, **GESTIONNAIRES, **EXPLOITANTS}
"""Those who see the exchanges of their guichet, of their territories, of all."""
_PAR_PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class Ligne:
    """One exchange in a list. constat: what was wrong, in plain words, or empty."""

    echange: EchangeConnu
    canal: str
    statut: Badge
    constat: str


@dataclass(frozen=True, slots=True)
class Fiche:
    """One exchange. anomalie: the entry of the catalogue for its code; courrier: the mail that brought it."""

    echange: EchangeConnu
    ligne: Ligne
    anomalie: TypeAnomalie | None
    faits: tuple[Fait, ...]
    courrier: uuid.UUID | None


def show_list(vue: Vue) -> Reponse:
    """The exchanges that meet the criteria, the latest first."""
    saisie, recherche = _read(vue)
    trouves = Trouves(())
    if not saisie.erreurs:
        trouves = find_echanges(
            vue.conn,
            recherche,
            vue.perimetre.of_codes,
            suite=vue.question.get("suite", ""),
            limite=_PAR_PAGE,
        )
    suite = vue.url("echanges.lister", **saisie.criteres, suite=trouves.suite) if trouves.suite else ""
    return Rendu(
        "echanges.html",
        {
            "lignes": [_row(each) for each in trouves.echanges],
            "suite": suite,
            **saisie.shown(),
            "statuts": [(statut.value, badge.texte) for statut, badge in STATUTS.items()],
            "canaux": [(canal.value, CANAUX_ECHANGE[canal]) for canal in (Canal.SOAP, Canal.COURRIER)],
            "operations": [(nom, nom) for nom in sorted(OPERATIONS)],
            "un_guichet": vue.agent.profil in D_UN_GUICHET,
            "export": vue.url("echanges.exporter", **saisie.criteres),
            "plafond": LIGNES_MAX,
        },
        bloc="resultats",
        statut=422 if saisie.erreurs else 200,
    )


def export(vue: Vue) -> Reponse:
    """The same as a file."""
    saisie, recherche = _read(vue)

    def read(suite: str, limite: int) -> tuple[Sequence[EchangeConnu], str]:
        page = find_echanges(vue.conn, recherche, vue.perimetre.of_codes, suite=suite, limite=limite)
        return page.echanges, page.suite

    found = [] if saisie.erreurs else gather(read)
    return csv_of(
        "echanges.csv",
        (
            *("reçu le", "guichet", "canal", "opération", "statut", "code", "constat", "numéro unique"),
            *("taille", "terminé le", "identifiant"),
        ),
        [
            (
                *(e.recu_le, e.guichet, ligne.canal, e.operation, ligne.statut.texte, e.code, ligne.constat),
                *(e.numero, e.taille, e.termine_le, e.id),
            )
            for ligne in map(_row, found)
            for e in (ligne.echange,)
        ],
    )


def show(vue: Vue) -> Reponse:
    """One exchange."""
    echange = get_echange(vue.conn, uuid.UUID(vue.parametres["echange"]))
    if echange is None:
        return Refus(anomalies.INTROUVABLE(), 404)
    fiche = Fiche(
        echange,
        _row(echange),
        anomalie(echange.code),
        list_faits(vue.conn, echange),
        find_courrier_of(vue.conn, echange.id) if echange.canal is Canal.COURRIER else None,
    )
    return Rendu("echange.html", {"fiche": fiche, "nominatif": sees_nominative(vue)})


def give_message(vue: Vue) -> Reponse:
    """The message as it was received, to be kept, never shown; the reading is traced even when it made no
    demande."""
    key = uuid.UUID(vue.parametres["echange"])
    echange, octets = get_echange(vue.conn, key), read_octets(vue.conn, key)
    if echange is None or octets is None:
        return Refus(anomalies_flux.MESSAGE_EFFACE(), 404)
    vue.note_message(key, *([echange.numero] if echange.numero else []))
    return Telechargement(f"echange-{key}.bin", "application/octet-stream", octets)


def _read(vue: Vue) -> tuple[Saisie, Recherche]:
    """What the form of search asks for; an agent of a guichet looks at his own."""
    saisie = Saisie(vue.question)
    guichet = saisie.code("guichet", 5)
    if vue.agent.profil in D_UN_GUICHET:
        guichet, saisie.valeurs["guichet"] = vue.agent.code_guichet, ""
    statut = saisie.parmi("statut", tuple(Statut))
    du, avant = saisie.periode()
    return saisie, Recherche(
        guichet,
        saisie.code("numero", 40),
        saisie.parmi("operation", sorted(OPERATIONS)),
        Statut(statut) if statut else None,
        saisie.code("code", 10),
        saisie.parmi("canal", (Canal.SOAP, Canal.COURRIER)),
        du,
        avant,
    )


def _row(echange: EchangeConnu) -> Ligne:
    entry = anomalie(echange.code)
    return Ligne(
        echange,
        CANAUX_ECHANGE[echange.canal],
        STATUTS[echange.statut],
        "" if entry is None else plainly(entry),
    )


PAGES: Final = (
    Page(
        "echanges.lister",
        "/echanges",
        "Messages reçus",
        show_list,
        PARTIES,
        rubrique=Rubrique.ECHANGES,
    ),
    Page("echanges.exporter", "/echanges/export.csv", "Messages reçus, en fichier", export, PARTIES),
    Page(
        "echanges.voir",
        "/echanges/{echange}",
        "Un message reçu",
        show,
        PARTIES,
        objet=Objet.ECHANGE,
    ),
    Page(
        "echanges.message",
        "/echanges/{echange}/message",
        "Le message tel que reçu",
        give_message,
        PARTIES,
        objet=Objet.ECHANGE,
        nominative=True,
        trace="echanges.message",
    ),
)
