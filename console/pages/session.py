"""Opening and closing a session."""

from __future__ import annotations

from typing import Final

from console.sessions import close_session, digest
from console.table import SOI_MEME, Methode, Page
from console.vue import Redirection, Rendu, Reponse, Vue


def show_sign_in(vue: Vue) -> Reponse:
    """The page that asks who is there."""
    return Rendu("connexion.html", {"suite": vue.question.get("suite", "")})


def close(vue: Vue) -> Reponse:
    """End the session of this browser."""
    close_session(vue.conn, digest(vue.jeton), instant=vue.maintenant)
    return Redirection(vue.url("session.connexion"), "Vous êtes déconnecté.", ferme=True)


PAGES: Final = (
    Page("session.connexion", "/connexion", "Se connecter", show_sign_in, publique=True),
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
