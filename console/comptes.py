"""The accounts: created, certified, closed, invited; one address, one account.

An account opens nothing until somebody entitled has certified its holder, and again every
`Console.certification` days.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import ColumnElement, Connection, Row, insert, select, true, update
from sqlalchemy.dialects.postgresql import insert as pg_insert

from console.agent import Agent
from console.coffre import Coffre
from console.perimetre import Perimetre
from console.profils import D_UN_GUICHET, LIBELLES, Portee, ProfilCompte
from console.reglages import Console
from console.scellement import CODE, TOTP, TOTP_INVITATION
from console.secrets_compte import digest_code, new_codes, new_totp
from console.securite import new_secret
from console.sessions import close_sessions, digest
from console.tables import CODE_SECOURS, COMPTE, COMPTE_CERTIFICAT, INVITATION
from registry.constats import Constat
from registry.guichets_store import get_guichet
from schemas import territoires
from soap.correlation import new_id

_COURRIEL: Final = re.compile(r"[a-z0-9._%+-]{1,64}@[a-z0-9-]+(\.[a-z0-9-]+)+")
_COURRIEL_MAX: Final = 254
_NOM_MAX: Final = 100
DELAI_INVITATION: Final = timedelta(hours=72)


class EtatCompte(StrEnum):
    """What an account opens."""

    OUVERT = "ouvert"
    A_CERTIFIER = "a_certifier"
    """Never certified, or too long ago: opens nothing."""
    FERME = "ferme"


@dataclass(frozen=True, slots=True)
class NouveauCompte:
    """What is said of an account to be created. guichet, territoires: as its profile needs."""

    courriel: str
    nom: str
    profil: ProfilCompte
    guichet: str = ""
    territoires: frozenset[str] = frozenset()
    habilite: bool = False


@dataclass(frozen=True, slots=True)
class Compte:
    """An account as kept, without its secrets. protege: has a password and a second factor. relie_le: since
    when an identity of the provider opens it, if one does."""

    id: uuid.UUID
    courriel: str
    nom: str
    profil: ProfilCompte
    guichet: str
    territoires: frozenset[str]
    habilite: bool
    cree_le: datetime
    cree_par: str
    certifie_le: datetime | None
    certifie_par: str
    ferme_le: datetime | None
    protege: bool
    relie_le: datetime | None

    @property
    def agent(self) -> Agent:
        """Its holder, for the journal of acts: without what he may see."""
        return Agent(self.id, self.courriel, self.nom, self.profil)

    def etat(self, reglages: Console, instant: datetime) -> EtatCompte:
        """What it opens at that instant."""
        if self.ferme_le is not None:
            return EtatCompte.FERME
        due = self.certification_due(reglages)
        return EtatCompte.OUVERT if due is not None and instant < due else EtatCompte.A_CERTIFIER

    def certification_due(self, reglages: Console) -> datetime | None:
        """When it is to be certified again; None when it never was."""
        return None if self.certifie_le is None else self.certifie_le + timedelta(days=reglages.certification)


def create_compte(
    conn: Connection, nouveau: NouveauCompte, *, par: str, instant: datetime
) -> Compte | tuple[Constat, ...]:
    """Create it, not certified; or all that is wrong with what is said of it.

    par: address of the account, or account of the machine, that creates it.
    """
    courriel = nouveau.courriel.strip().lower()
    faults = [*_forms(nouveau, courriel), *_place(conn, nouveau)]
    if faults:
        return tuple(faults)
    identifiant = new_id(instant)
    row = {
        "id": identifiant,
        "courriel": courriel,
        "nom": nouveau.nom.strip(),
        "profil": nouveau.profil.value,
        "guichet": nouveau.guichet or None,
        "territoires": sorted(nouveau.territoires),
        "habilite": nouveau.habilite,
        "cree_le": instant,
        "cree_par": par,
    }
    done = conn.execute(pg_insert(COMPTE).values(row).on_conflict_do_nothing().returning(COMPTE.c.id)).first()
    if done is None:
        return (Constat("COMPTE-PRIS", "courriel", f"l'adresse {courriel} a déjà un compte"),)
    found = get_compte(conn, identifiant)
    assert found is not None
    return found


def may_manage(perimetre: Perimetre, profil: ProfilCompte, code: str, territoires: frozenset[str]) -> bool:
    """May he create, certify or close an account of that profile and guichet? Nobody raises himself: a
    gestionnaire manages the agents of the guichets of his territories, and nobody else."""
    if perimetre.portee is Portee.TOUT:
        return True
    return profil in D_UN_GUICHET and perimetre.covers_guichet(code, territoires)


def get_compte(conn: Connection, identifiant: uuid.UUID) -> Compte | None:
    return _one(conn, COMPTE.c.id == identifiant)


def find_compte(conn: Connection, courriel: str) -> Compte | None:
    """The account of that address."""
    return _one(conn, COMPTE.c.courriel == courriel.strip().lower())


def list_comptes(
    conn: Connection, perimetre: Perimetre | None = None, *, limite: int = 1_000
) -> tuple[Compte, ...]:
    """The accounts that he manages, or all of them: open ones first, by address."""
    scope: ColumnElement[bool] = true()
    if perimetre is not None and perimetre.portee is not Portee.TOUT:
        scope = perimetre.of_codes(COMPTE.c.guichet)
    query = (
        select(COMPTE).where(scope).order_by(COMPTE.c.ferme_le.is_not(None), COMPTE.c.courriel).limit(limite)
    )
    return tuple(_compte(row) for row in conn.execute(query))


def certify(conn: Connection, compte: uuid.UUID, *, par: str, instant: datetime) -> None:
    """Keep that `par` certifies the holder from now on."""
    conn.execute(update(COMPTE).where(COMPTE.c.id == compte).values(certifie_le=instant, certifie_par=par))


def entitle(conn: Connection, compte: uuid.UUID, *, habilite: bool) -> None:
    """Give or take the right to nominative data that the profile alone does not give."""
    conn.execute(update(COMPTE).where(COMPTE.c.id == compte).values(habilite=habilite))


def close_compte(conn: Connection, compte: uuid.UUID, *, instant: datetime) -> None:
    """Close it for good, with its sessions, its invitations, its certificates and its identity. Its address
    stays taken."""
    conn.execute(
        update(COMPTE).where(COMPTE.c.id == compte, COMPTE.c.ferme_le.is_(None)).values(ferme_le=instant)
    )
    untie(conn, compte)
    conn.execute(COMPTE_CERTIFICAT.delete().where(COMPTE_CERTIFICAT.c.compte == compte))
    _close_invitations(conn, compte, instant)
    close_sessions(conn, compte, instant=instant)


def untie(conn: Connection, compte: uuid.UUID) -> None:
    """No identity of the provider opens it any more; the next one of its verified address will (CSL-43)."""
    nothing = {"emetteur_oidc": None, "sujet_oidc": None, "relie_le": None}
    conn.execute(update(COMPTE).where(COMPTE.c.id == compte).values(nothing))


def invite(conn: Connection, coffre: Coffre, compte: uuid.UUID, *, instant: datetime) -> str:
    """The token of a link by which its holder chooses his password; those given before serve no more."""
    _close_invitations(conn, compte, instant)
    token = new_secret()
    row = {
        "empreinte": digest(token),
        "compte": compte,
        "totp": coffre.seal(new_totp(), TOTP_INVITATION.contexte(compte)),
        "expire_le": instant + DELAI_INVITATION,
    }
    conn.execute(insert(INVITATION).values(row))
    return token


def set_secrets(
    conn: Connection,
    coffre: Coffre,
    compte: uuid.UUID,
    mot_de_passe: str,
    totp: str,
    pas: int,
    *,
    instant: datetime,
) -> tuple[str, ...]:
    """Keep a password (hashed) and a second factor (sealed here); close every session and invitation. The new
    codes."""
    conn.execute(
        update(COMPTE)
        .where(COMPTE.c.id == compte)
        .values(mot_de_passe=mot_de_passe, totp=coffre.seal(totp, TOTP.contexte(compte)), totp_dernier=pas)
    )
    _close_invitations(conn, compte, instant)
    close_sessions(conn, compte, instant=instant)
    return renew_codes(conn, coffre, compte)


def renew_codes(conn: Connection, coffre: Coffre, compte: uuid.UUID) -> tuple[str, ...]:
    """New codes in place of those that were."""
    codes = new_codes()
    conn.execute(CODE_SECOURS.delete().where(CODE_SECOURS.c.compte == compte))
    contexte = CODE.contexte(compte)
    rows = [{"compte": compte, "empreinte": coffre.seal(digest_code(code), contexte)} for code in codes]
    conn.execute(insert(CODE_SECOURS), rows)
    return codes


def _close_invitations(conn: Connection, compte: uuid.UUID, instant: datetime) -> None:
    conn.execute(
        update(INVITATION)
        .where(INVITATION.c.compte == compte, INVITATION.c.close_le.is_(None))
        .values(close_le=instant, totp="")
    )


def _forms(nouveau: NouveauCompte, courriel: str) -> list[Constat]:
    faults = []
    if len(courriel) > _COURRIEL_MAX or not _COURRIEL.fullmatch(courriel):
        faults.append(Constat("COURRIEL", "courriel", "ce n'est pas une adresse de courriel"))
    if not 0 < len(nouveau.nom.strip()) <= _NOM_MAX or not nouveau.nom.isprintable():
        faults.append(Constat("NOM", "nom", f"le nom compte de 1 à {_NOM_MAX} caractères"))
    return faults


def _place(conn: Connection, nouveau: NouveauCompte) -> list[Constat]:
    """A guichet for whoever belongs to one, territories for a gestionnaire, neither for the others."""
    faults = []
    nom = LIBELLES[nouveau.profil]
    if nouveau.profil in D_UN_GUICHET:
        guichet = get_guichet(conn, nouveau.guichet)
        if guichet is None or not guichet.actif:
            faults.append(Constat("GUICHET", "guichet", f"un compte « {nom} » est d'un guichet ouvert"))
    elif nouveau.guichet:
        faults.append(Constat("GUICHET", "guichet", f"un compte « {nom} » n'est d'aucun guichet"))
    if nouveau.profil is ProfilCompte.GESTIONNAIRE:
        unknown = sorted(each for each in nouveau.territoires if not territoires.exists(each))
        if unknown or not nouveau.territoires:
            found = ", ".join(unknown) or "aucun"
            faults.append(
                Constat(
                    "TERRITOIRE", "territoires", f"un gestionnaire a un territoire au moins, connu : {found}"
                )
            )
    elif nouveau.territoires:
        faults.append(Constat("TERRITOIRE", "territoires", f"un compte « {nom} » n'a pas de territoire"))
    if nouveau.habilite and nouveau.profil is not ProfilCompte.EXPLOITANT:
        faults.append(Constat("HABILITATION", "habilite", "seul un exploitant s'habilite à part"))
    return faults


def _one(conn: Connection, condition: ColumnElement[bool]) -> Compte | None:
    row = conn.execute(select(COMPTE).where(condition)).first()
    return None if row is None else _compte(row)


def _compte(row: Row[*tuple[object, ...]]) -> Compte:
    return Compte(
        row.id,
        row.courriel,
        row.nom,
        ProfilCompte(row.profil),
        row.guichet or "",
        frozenset(row.territoires),
        row.habilite,
        row.cree_le,
        row.cree_par,
        row.certifie_le,
        row.certifie_par,
        row.ferme_le,
        row.mot_de_passe is not None and row.totp is not None,
        row.relie_le,
    )
