"""Whose account an identity of the provider opens: by its verified address the first time, then by itself.

[CSL-43] An address may change at the provider, or go to somebody else: from the first sign-in on, the account
follows the issuer and the subject, and no other identity opens it until somebody entitled has untied it.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, select, update

from console import anomalies_oidc
from console.coffre import CleAbsente, Coffre, ScelleAltere
from console.comptes import Compte, EtatCompte, find_compte, get_compte
from console.connexion import Entree, keep_attempt, open_for
from console.journal_actes import record_acte
from console.oidc.fournisseur import Identite
from console.scellement import JETON
from console.sessions import Moyen, digest
from console.tables import COMPTE, SESSION_CONSOLE
from console.vue import Vue
from registry.anomalies import Anomalie

RELIER: Final = "relier une identité"


def enter_by_identity(vue: Vue, conn: Connection, identite: Identite) -> Entree | Anomalie:
    """Open a session for who came from the provider, in the account that he has: none is made here."""
    compte = _find(vue, conn, identite)
    if isinstance(compte, Anomalie):
        return compte
    if compte.relie_le is None and compte.etat(vue.services.reglages, vue.maintenant) is EtatCompte.OUVERT:
        _tie(vue, conn, compte, identite)
    entree = open_for(vue, compte, Moyen.OIDC, conn)
    if isinstance(entree, Entree):
        _keep_token(vue, conn, compte, entree, identite)
    return entree


def token_of(conn: Connection, coffre: Coffre, session: str) -> str:
    """What signed the identity that opened that session; empty when it was opened otherwise."""
    empreinte = digest(session)
    query = select(SESSION_CONSOLE.c.jeton_oidc).where(SESSION_CONSOLE.c.empreinte == empreinte)
    scelle = conn.scalar(query)
    try:
        return coffre.open(scelle, JETON.contexte(empreinte)) if scelle else ""
    except (CleAbsente, ScelleAltere):
        # Only good for telling the provider that the session ends.
        return ""


def _find(vue: Vue, conn: Connection, identite: Identite) -> Compte | Anomalie:
    query = select(COMPTE.c.id).where(
        COMPTE.c.emetteur_oidc == identite.emetteur, COMPTE.c.sujet_oidc == identite.sujet
    )
    known = conn.scalar(query)
    compte = None if known is None else get_compte(conn, known)
    if compte is not None and compte.ferme_le is None:
        return compte
    if not identite.verifie:
        return anomalies_oidc.COURRIEL_DOUTEUX()
    # Letters that look alike, or become ASCII in lower case (U+212A), are not those of an account.
    courriel = identite.courriel
    compte = find_compte(conn, courriel) if courriel.isascii() and courriel.isprintable() else None
    if compte is None or compte.ferme_le is not None:
        return anomalies_oidc.SANS_COMPTE()
    # Two identities of that address at the same time: the second sees what the first has tied.
    conn.execute(select(COMPTE.c.id).where(COMPTE.c.id == compte.id).with_for_update())
    compte = get_compte(conn, compte.id)
    assert compte is not None
    if compte.relie_le is None:
        return compte
    refused = anomalies_oidc.AUTRE_IDENTITE()
    keep_attempt(vue, compte, Moyen.OIDC, refused.code, conn)
    return refused


def _tie(vue: Vue, conn: Connection, compte: Compte, identite: Identite) -> None:
    values = {
        "emetteur_oidc": identite.emetteur,
        "sujet_oidc": identite.sujet,
        "relie_le": vue.maintenant,
    }
    conn.execute(update(COMPTE).where(COMPTE.c.id == compte.id).values(values))
    record_acte(conn, compte.agent, RELIER, "", vue.echange, "", instant=vue.maintenant)


def _keep_token(vue: Vue, conn: Connection, compte: Compte, entree: Entree, identite: Identite) -> None:
    """For the end of this session; what was kept for those that ended by themselves goes."""
    session, empreinte = SESSION_CONSOLE.c, digest(entree.jeton)
    ended = update(SESSION_CONSOLE).where(session.compte == compte.id, session.expire_le <= vue.maintenant)
    conn.execute(ended.values(jeton_oidc=None))
    scelle = vue.services.coffre.seal(identite.jeton, JETON.contexte(empreinte))
    conn.execute(update(SESSION_CONSOLE).where(session.empreinte == empreinte).values(jeton_oidc=scelle))
