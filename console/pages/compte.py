"""One's own account: its sessions, its password, the codes that replace the telephone."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select

from console.certificats_lies import list_certificats_lies
from console.comptes import get_compte, set_secrets
from console.connexion import recognise
from console.scellement import TOTP
from console.secrets_compte import hash_password, refusal_of_password
from console.sessions import close_session, close_sessions, digest, list_sessions
from console.table import SOI_MEME, Methode, Page
from console.tables import COMPTE
from console.vue import Redirection, Rendu, Reponse, Vue
from registry.anomalies import Anomalie


def show(vue: Vue) -> Reponse:
    """The account of whoever looks."""
    return _page(vue, {})


def close_others(vue: Vue) -> Reponse:
    """Close the other sessions, or the one that the form names."""
    named = vue.champs.get("session", "")
    if not named:
        count = close_sessions(vue.conn, vue.agent.compte, instant=vue.maintenant, sauf=digest(vue.jeton))
        return Redirection(vue.url("compte.voir"), f"Sessions fermées : {count}.")
    for session in list_sessions(vue.conn, vue.agent.compte, instant=vue.maintenant):
        if session.empreinte.hex() == named:
            close_session(vue.conn, session.empreinte, instant=vue.maintenant)
    return Redirection(vue.url("compte.voir"), "Session fermée.")


def change_password(vue: Vue) -> Reponse:
    """Change the password: with the one that was, and a code. Every other session ends."""
    agent = vue.agent
    password = vue.champs.get("nouveau", "")
    errors = {"nouveau": refusal_of_password(password, agent.courriel)}
    if password != vue.champs.get("confirmation", ""):
        errors["confirmation"] = "Les deux mots de passe diffèrent."
    if any(errors.values()):
        return _page(vue, errors)
    found = recognise(vue, agent.courriel, vue.champs.get("ancien", ""), vue.champs.get("code", ""))
    if isinstance(found, Anomalie):
        return _page(vue, {"ancien": found.message})
    secrets = vue.conn.execute(
        select(COMPTE.c.totp, COMPTE.c.totp_dernier).where(COMPTE.c.id == agent.compte)
    ).one()
    coffre = vue.services.coffre
    codes = set_secrets(
        vue.conn,
        coffre,
        agent.compte,
        hash_password(password),
        coffre.open(secrets.totp, TOTP.contexte(agent.compte)),
        secrets.totp_dernier,
        instant=vue.maintenant,
    )
    return Rendu("codes.html", {"codes": codes, "suite": vue.url("session.connexion")})


def _page(vue: Vue, errors: dict[str, str]) -> Reponse:
    compte = get_compte(vue.conn, vue.agent.compte)
    assert compte is not None
    values = {
        "compte": compte,
        "sessions": list_sessions(vue.conn, compte.id, instant=vue.maintenant),
        "celle_ci": digest(vue.jeton),
        "certificats": list_certificats_lies(vue.conn, compte.id),
        "echeance": compte.certification_due(vue.services.reglages),
        "erreurs": errors,
    }
    return Rendu("compte.html", values, statut=422 if any(errors.values()) else 200)


PAGES: Final = (
    Page("compte.voir", "/mon-compte", "Mon compte", show, SOI_MEME),
    Page(
        "compte.sessions",
        "/mon-compte/sessions",
        "Mes sessions",
        close_others,
        SOI_MEME,
        methode=Methode.POST,
        trace="fermer ses sessions",
    ),
    Page(
        "compte.secret",
        "/mon-compte/mot-de-passe",
        "Mon mot de passe",
        change_password,
        SOI_MEME,
        methode=Methode.POST,
        trace="changer son mot de passe",
        taille_max=10_000,
    ),
)
