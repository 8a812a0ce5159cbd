"""The link by which the holder of an account chooses his password and ties his telephone."""

from __future__ import annotations

from typing import Final

import segno

from console import anomalies
from console.connexion import Invitation, accept_invitation, find_invitation
from console.secrets_compte import refusal_of_password, totp_uri
from console.table import Methode, Page
from console.vue import Refus, Rendu, Reponse, Vue


def show(vue: Vue) -> Reponse:
    """The form. Opening the link does not use it: mail robots open links too."""
    invitation = _invitation(vue)
    return _closed() if invitation is None else _form(vue, invitation, {})


def accept(vue: Vue) -> Reponse:
    """Keep what was chosen; the codes that replace the telephone are shown this once."""
    invitation = _invitation(vue)
    if invitation is None:
        return _closed()
    password = vue.champs.get("mot_de_passe", "")
    errors = {"mot_de_passe": refusal_of_password(password, invitation.compte.courriel)}
    if password != vue.champs.get("confirmation", ""):
        errors["confirmation"] = "Les deux mots de passe diffèrent."
    if any(errors.values()):
        return _form(vue, invitation, errors)
    codes = accept_invitation(vue, invitation, password, vue.champs.get("code", ""))
    if codes is None:
        return _form(vue, invitation, {"code": "Ce n'est pas le code que l'application affiche."})
    return Rendu("codes.html", {"codes": codes, "suite": vue.url("session.connexion")})


def _invitation(vue: Vue) -> Invitation | None:
    return find_invitation(vue.conn, vue.services.coffre, vue.parametres["jeton"], instant=vue.maintenant)


def _closed() -> Refus:
    return Refus(anomalies.INVITATION_CLOSE(), 410)


def _form(vue: Vue, invitation: Invitation, errors: dict[str, str]) -> Reponse:
    picture = segno.make(totp_uri(invitation.totp, invitation.compte.courriel), error="m")
    values = {
        "compte": invitation.compte,
        "totp": " ".join(invitation.totp[i : i + 4] for i in range(0, len(invitation.totp), 4)),
        "image": picture.svg_data_uri(scale=4),
        "erreurs": errors,
        "lien": vue.parametres["jeton"],
    }
    return Rendu("invitation.html", values, statut=422 if errors else 200)


PAGES: Final = (
    Page("invitation.voir", "/invitation/{jeton}", "Votre mot de passe", show, publique=True),
    Page(
        "invitation.accepter",
        "/invitation/{jeton}",
        "Votre mot de passe",
        accept,
        publique=True,
        methode=Methode.POST,
        trace="choisir son mot de passe",
        taille_max=10_000,
    ),
)
