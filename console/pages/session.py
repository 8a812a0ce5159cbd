"""Opening and closing a session."""

from __future__ import annotations

import asyncio
from typing import Final

from console.connexion import Entree, enter_by_certificate, enter_by_password
from console.identites import token_of
from console.securite import local_path
from console.sessions import close_session, digest
from console.table import SOI_MEME, Methode, Page
from console.vue import Redirection, Rendu, Reponse, Vue
from registry.anomalies import Anomalie


def show_sign_in(vue: Vue) -> Reponse:
    """The page that asks who is there."""
    return sign_in_form(vue, vue.question.get("suite", ""))


def sign_in(vue: Vue) -> Reponse:
    """By password and second factor."""
    found = enter_by_password(
        vue, vue.champs.get("courriel", ""), vue.champs.get("mot_de_passe", ""), vue.champs.get("code", "")
    )
    return _go(vue, found)


def sign_in_by_certificate(vue: Vue) -> Reponse:
    """By the certificate that the browser presents."""
    return _go(vue, enter_by_certificate(vue))


async def close(vue: Vue) -> Reponse:
    """End the session of this browser; and, if it was opened there, that of the provider of identity."""
    jeton = await asyncio.to_thread(_close, vue)
    fournisseur = vue.services.oidc
    vers = await fournisseur.farewell(jeton, instant=vue.maintenant) if fournisseur and jeton else ""
    if fournisseur and vers:
        # A page that leads there by itself: the policy of the page left would hold its form to this console.
        return Rendu("depart.html", {"vers": vers, "nom": fournisseur.nom}, ferme=True)
    return Redirection(vue.url("session.connexion"), "Vous êtes déconnecté.", ferme=True)


def _go(vue: Vue, found: Entree | Anomalie) -> Reponse:
    suite = vue.champs.get("suite", "")
    if isinstance(found, Anomalie):
        # A page and not a Refus: what was counted of this attempt must stay.
        return sign_in_form(vue, suite, found)
    return Redirection(local_path(suite), ouvre=found.jeton, appareil=found.appareil)


def _close(vue: Vue) -> str:
    """What signed the identity that opened it, or empty."""
    with vue.services.engine.begin() as conn:
        jeton = token_of(conn, vue.services.coffre, vue.jeton)
        close_session(conn, digest(vue.jeton), instant=vue.maintenant)
    return jeton


def sign_in_form(vue: Vue, suite: str, anomalie: Anomalie | None = None, *, statut: int = 422) -> Reponse:
    """The page that asks who is there, with what was wrong of the last attempt."""
    fournisseur = vue.services.oidc
    values = {
        "suite": local_path(suite),
        "refus": anomalie,
        "courriel": vue.champs.get("courriel", ""),
        "certificat": bool(vue.certificat),
        "fournisseur": "" if fournisseur is None else fournisseur.nom,
    }
    return Rendu("connexion.html", values, statut=200 if anomalie is None else statut)


PAGES: Final = (
    Page("session.connexion", "/connexion", "Se connecter", show_sign_in, publique=True),
    Page(
        "session.ouvrir",
        "/connexion",
        "Se connecter",
        sign_in,
        publique=True,
        methode=Methode.POST,
        trace="ouvrir une session",
        taille_max=10_000,
    ),
    Page(
        "session.certificat",
        "/connexion/certificat",
        "Se connecter",
        sign_in_by_certificate,
        publique=True,
        methode=Methode.POST,
        trace="ouvrir une session",
        taille_max=10_000,
    ),
    Page(
        "session.fermer",
        "/deconnexion",
        "Se déconnecter",
        close,
        SOI_MEME,
        methode=Methode.POST,
        trace="fermer sa session",
    ),
)
