"""Signing in through the provider of identity: the way out, and the way back."""

from __future__ import annotations

import asyncio
from typing import Final

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from console import anomalies, anomalies_oidc, freins
from console.connexion import Entree
from console.formats import duree
from console.identites import enter_by_identity
from console.oidc.depart import Depart, new_depart, open_depart, seal_depart
from console.oidc.fournisseur import RETOUR, Identite
from console.pages.session import sign_in_form
from console.securite import local_path
from console.sessions import digest
from console.table import Page
from console.tables import RETOUR_OIDC
from console.vue import Redirection, Refus, Reponse, Vue
from registry.anomalies import Anomalie


async def leave(vue: Vue) -> Reponse:
    """Send the browser to the provider, with what it must bring back. A link and not a form: browsers hold a
    form to the places that the policy of its page allows, and the provider sends it on to others."""
    fournisseur = vue.services.oidc
    if fournisseur is None:
        return Refus(anomalies.INTROUVABLE(), 404)
    depart = new_depart(vue.question.get("suite", ""), instant=vue.maintenant)
    vers = await fournisseur.departure(depart, instant=vue.maintenant)
    if isinstance(vers, Anomalie):
        return sign_in_form(vue, depart.suite, vers, statut=503)
    return Redirection(vers, externe=True, depart=seal_depart(vue.services.coffre, depart))


async def come_back(vue: Vue) -> Reponse:
    """Open a session for whoever the provider says. Read by its method, this page changes things as the
    protocol has it: what stands for the proof of a form is the state that this browser left with, which
    serves once."""
    fournisseur, coffre = vue.services.oidc, vue.services.coffre
    if fournisseur is None:
        return Refus(anomalies.INTROUVABLE(), 404)
    depart = open_depart(coffre, vue.depart, vue.question.get("state", ""), instant=vue.maintenant)
    if depart is None:
        return sign_in_form(vue, "", anomalies_oidc.RETOUR_INCONNU())
    refused = await asyncio.to_thread(_begin, vue, depart)
    if refused is not None:
        return sign_in_form(vue, depart.suite, refused)
    found = await fournisseur.identify(dict(vue.question), depart, instant=vue.maintenant)
    entree = found if isinstance(found, Anomalie) else await asyncio.to_thread(_enter, vue, found)
    if isinstance(entree, Anomalie):
        return sign_in_form(vue, depart.suite, entree)
    return Redirection(local_path(depart.suite), ouvre=entree.jeton, appareil=entree.appareil)


def _begin(vue: Vue, depart: Depart) -> Anomalie | None:
    """Count the attempt as failed, and see that this state has not served yet."""
    row = {
        "empreinte": digest(depart.state),
        "expire": depart.expire,
    }
    with vue.services.engine.begin() as conn:
        wait = freins.begin_attempt(conn, _keys(vue), instant=vue.maintenant)
        if wait is not None:
            return anomalies.ATTENTE(attendu=duree(wait))
        conn.execute(delete(RETOUR_OIDC).where(RETOUR_OIDC.c.expire < int(vue.maintenant.timestamp())))
        pose = insert(RETOUR_OIDC).values(row).on_conflict_do_nothing()
        if conn.execute(pose.returning(RETOUR_OIDC.c.empreinte)).first() is None:
            return anomalies_oidc.RETOUR_INCONNU()
    return None


def _enter(vue: Vue, identite: Identite) -> Entree | Anomalie:
    with vue.services.engine.begin() as conn:
        entree = enter_by_identity(vue, conn, identite)
        if isinstance(entree, Entree):
            freins.forgive(conn, _keys(vue), instant=vue.maintenant)
        return entree


def _keys(vue: Vue) -> dict[str, freins.Frein]:
    """Apart from those of passwords: whoever fails with one does not keep out those who come another way."""
    return {f"oidc:{vue.adresse}": freins.ADRESSE}


PAGES: Final = (
    Page("oidc.partir", "/connexion/oidc", "Se connecter", leave, publique=True),
    Page("oidc.revenir", RETOUR, "Se connecter", come_back, publique=True),
)
