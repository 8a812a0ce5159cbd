"""Who is there: by password and second factor, by client certificate, by invitation.

Whatever the way, the last steps are the same (`open_for`): the account must be open and certified; a new
session is opened, the browser is remembered, and the act is kept.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.dialects.postgresql import insert

from console import anomalies, freins
from console.certificats_lies import find_compte_of
from console.coffre import Coffre
from console.comptes import Compte, EtatCompte, find_compte, get_compte, set_secrets
from console.formats import duree
from console.journal_actes import record_acte
from console.scellement import CODE, TOTP, TOTP_INVITATION
from console.secrets_compte import check_password, check_totp, digest_code, hash_password
from console.securite import new_secret
from console.sessions import Moyen, close_session, digest, open_session
from console.tables import APPAREIL_CONNU, CODE_SECOURS, COMPTE, INVITATION
from console.vue import Vue
from registry.anomalies import Anomalie

ACTES: Final = {
    Moyen.CERTIFICAT: "ouvrir une session par certificat",
    Moyen.MOT_DE_PASSE: "ouvrir une session par mot de passe",
    Moyen.OIDC: "ouvrir une session par ProConnect",
}


@dataclass(frozen=True, slots=True)
class Entree:
    """A session opened: its token, and that of the browser, for `vue.Redirection`."""

    jeton: str
    appareil: str


@dataclass(frozen=True, slots=True)
class Invitation:
    """A link that still serves: whose, and the secret that it proposes for the telephone."""

    empreinte: bytes
    compte: Compte
    totp: str


def enter_by_password(vue: Vue, courriel: str, mot_de_passe: str, code: str) -> Entree | Anomalie:
    """Open a session for the holder of a password and of a second factor."""
    found = recognise(vue, courriel, mot_de_passe, code)
    return found if isinstance(found, Anomalie) else open_for(vue, found, Moyen.MOT_DE_PASSE)


def recognise(vue: Vue, courriel: str, mot_de_passe: str, code: str) -> Compte | Anomalie:
    """The account of that password and of that second factor, or of a code that replaces it.

    Every wrong pair gets the same answer, in the same time, whether or not the account exists.
    """
    conn, instant = vue.conn, vue.maintenant
    courriel = courriel.strip().lower()
    compte = find_compte(conn, courriel)
    known = _known_browser(conn, compte, vue.appareil)
    keys = freins.keys_of(courriel, vue.adresse, known)
    wait = freins.begin_attempt(conn, keys, instant=instant)
    if wait is not None:
        return anomalies.ATTENTE(attendu=duree(wait))
    if not _right(vue, compte, mot_de_passe, code) or compte is None:
        if compte is not None:
            keep_attempt(vue, compte, Moyen.MOT_DE_PASSE, anomalies.IDENTIFIANTS.code)
        return anomalies.IDENTIFIANTS()
    freins.forgive(conn, keys, instant=instant)
    return compte


def enter_by_certificate(vue: Vue) -> Entree | Anomalie:
    """Recognise the holder of the certificate of this connection, whose key TLS has proved."""
    identifiant = find_compte_of(vue.conn, vue.certificat, instant=vue.maintenant)
    compte = None if identifiant is None else get_compte(vue.conn, identifiant)
    if compte is None or compte.ferme_le is not None:
        return anomalies.CERTIFICAT_SANS_COMPTE()
    return open_for(vue, compte, Moyen.CERTIFICAT)


def open_for(vue: Vue, compte: Compte, moyen: Moyen, conn: Connection | None = None) -> Entree | Anomalie:
    """Open a session for a holder who was recognised, unless his account opens nothing."""
    conn = conn or vue.conn
    reglages = vue.services.reglages
    match compte.etat(reglages, vue.maintenant):
        case EtatCompte.FERME:
            return anomalies.IDENTIFIANTS()
        case EtatCompte.A_CERTIFIER:
            keep_attempt(vue, compte, moyen, anomalies.A_CERTIFIER.code, conn)
            return anomalies.A_CERTIFIER()
        case EtatCompte.OUVERT:
            pass
    keep_attempt(vue, compte, moyen, "", conn)
    if vue.jeton:
        # Whatever session this browser had ends here: none is ever carried on into another account.
        close_session(conn, digest(vue.jeton), instant=vue.maintenant)
    token = open_session(
        conn,
        compte.id,
        moyen,
        reglages,
        instant=vue.maintenant,
        adresse=vue.adresse,
        navigateur=vue.navigateur,
    )
    appareil = vue.appareil or new_secret()
    row = {"empreinte": digest(appareil), "compte": compte.id, "vu_le": vue.maintenant}
    conn.execute(insert(APPAREIL_CONNU).values(row).on_conflict_do_nothing())
    return Entree(token, appareil)


def find_invitation(conn: Connection, coffre: Coffre, jeton: str, *, instant: datetime) -> Invitation | None:
    """The invitation of that link, while it serves."""
    query = select(INVITATION).where(
        INVITATION.c.empreinte == digest(jeton),
        INVITATION.c.close_le.is_(None),
        INVITATION.c.expire_le > instant,
    )
    row = conn.execute(query).first()
    compte = None if row is None else get_compte(conn, row.compte)
    if row is None or compte is None or compte.ferme_le is not None:
        return None
    return Invitation(row.empreinte, compte, coffre.open(row.totp, TOTP_INVITATION.contexte(compte.id)))


def accept_invitation(
    vue: Vue, invitation: Invitation, mot_de_passe: str, code: str
) -> tuple[str, ...] | None:
    """Keep the password and the telephone of the holder; his codes, or None when the code is not right."""
    step = check_totp(invitation.totp, code, None, instant=vue.maintenant)
    if step is None:
        return None
    return set_secrets(
        vue.conn,
        vue.services.coffre,
        invitation.compte.id,
        hash_password(mot_de_passe),
        invitation.totp,
        step,
        instant=vue.maintenant,
    )


def _right(vue: Vue, compte: Compte | None, mot_de_passe: str, code: str) -> bool:
    """Are they those of that account, if it is open? As long to answer when there is none."""
    row = None
    if compte is not None and compte.ferme_le is None:
        row = vue.conn.execute(select(COMPTE).where(COMPTE.c.id == compte.id).with_for_update()).one()
    right = check_password(None if row is None else row.mot_de_passe, mot_de_passe)
    return right and row is not None and _second_factor(vue, row, code)


def _known_browser(conn: Connection, compte: Compte | None, appareil: str) -> bytes | None:
    if compte is None or not appareil:
        return None
    query = select(APPAREIL_CONNU.c.empreinte).where(
        APPAREIL_CONNU.c.empreinte == digest(appareil), APPAREIL_CONNU.c.compte == compte.id
    )
    return conn.scalar(query)


def _second_factor(vue: Vue, compte: Row[*tuple[object, ...]], code: str) -> bool:
    """A right code of the telephone, or one that replaces it; it will not serve again."""
    conn, coffre = vue.conn, vue.services.coffre
    secret = None if compte.totp is None else coffre.open(compte.totp, TOTP.contexte(compte.id))
    step = check_totp(secret, code, compte.totp_dernier, instant=vue.maintenant)
    if step is not None:
        conn.execute(update(COMPTE).where(COMPTE.c.id == compte.id).values(totp_dernier=step))
        return True
    # The row of the account is locked: nobody else uses its codes meanwhile.
    ones = (CODE_SECOURS.c.compte == compte.id, CODE_SECOURS.c.utilise_le.is_(None))
    wanted, contexte = digest_code(code), CODE.contexte(compte.id)
    for scelle in conn.scalars(select(CODE_SECOURS.c.empreinte).where(*ones)).all():
        if hmac.compare_digest(coffre.open(scelle, contexte), wanted):
            used = update(CODE_SECOURS).where(*ones, CODE_SECOURS.c.empreinte == scelle)
            conn.execute(used.values(utilise_le=vue.maintenant))
            return True
    return False


def keep_attempt(vue: Vue, compte: Compte, moyen: Moyen, refus: str, conn: Connection | None = None) -> None:
    """That somebody signed in, or tried to, as that account."""
    record_acte(conn or vue.conn, compte.agent, ACTES[moyen], "", vue.echange, refus, instant=vue.maintenant)
