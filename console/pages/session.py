"""Opening and closing a session."""

from __future__ import annotations

from typing import Final

from console.connexion import Entree, enter_by_certificate, enter_by_password
from console.securite import local_path
from console.sessions import close_session, digest
from console.table import SOI_MEME, Methode, Page
from console.vue import Redirection, Rendu, Reponse, Vue
from registry.anomalies import Anomalie


def show_sign_in(vue: Vue) -> Reponse:
    """The page that asks who is there."""
    return _form(vue, vue.question.get("suite", ""))


def sign_in(vue: Vue) -> Reponse:
    """By password and second factor."""
    found = enter_by_password(
        vue, vue.champs.get("courriel", ""), vue.champs.get("mot_de_passe", ""), vue.champs.get("code", "")
    )
    return _go(vue, found)


def sign_in_by_certificate(vue: Vue) -> Reponse:
    """By the certificate that the browser presents."""
    return _go(vue, enter_by_certificate(vue))


def close(vue: Vue) -> Reponse:
    """End the session of this browser."""
    close_session(vue.conn, digest(vue.jeton), instant=vue.maintenant)
    return Redirection(vue.url("session.connexion"), "Vous êtes déconnecté.", ferme=True)


def _go(vue: Vue, found: Entree | Anomalie) -> Reponse:
    suite = vue.champs.get("suite", "")
    if isinstance(found, Anomalie):
        # A page and not a Refus: what was counted of this attempt must stay.
        return _form(vue, suite, found)
    return Redirection(local_path(suite), ouvre=found.jeton, appareil=found.appareil)


def _form(vue: Vue, suite: str, anomalie: Anomalie | None = None) -> Reponse:
    values = {
        "suite": local_path(suite),
        "refus": anomalie,
        "courriel": vue.champs.get("courriel", ""),
        "certificat": bool(vue.certificat),
    }
    return Rendu("connexion.html", values, statut=200 if anomalie is None else 422)


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
