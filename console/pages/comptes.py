"""The accounts that one manages: created, invited, certified, closed."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Final

from console import anomalies
from console.certificats_lies import link_certificat, list_certificats_lies, unlink_certificat
from console.comptes import (
    Compte,
    EtatCompte,
    NouveauCompte,
    certify,
    close_compte,
    create_compte,
    get_compte,
    invite,
    list_comptes,
    may_manage,
    untie,
)
from console.journal_actes import list_actes
from console.profils import D_UN_GUICHET, LIBELLES, Portee, ProfilCompte
from console.sessions import close_sessions, list_sessions
from console.table import EXPLOITANTS, GESTIONNAIRES, Methode, Objet, Page, Rubrique
from console.vue import Redirection, Refus, Rendu, Reponse, Vue
from registry.constats import Constat
from registry.guichets_store import get_guichet

_GERENT: Final = {**GESTIONNAIRES, **EXPLOITANTS}
ETATS: Final = {
    EtatCompte.OUVERT: ("certifié", "success"),
    EtatCompte.A_CERTIFIER: ("à certifier", "warning"),
    EtatCompte.FERME: ("fermé", ""),
}


@dataclass(frozen=True, slots=True)
class Ligne:
    """An account and what it opens now: the label and the colour of its state."""

    compte: Compte
    etat: str
    couleur: str


def show_list(vue: Vue) -> Reponse:
    """The accounts that he manages."""
    lines = [_line(vue, compte) for compte in list_comptes(vue.conn, vue.perimetre)]
    return Rendu("comptes.html", {"lignes": lines})


def show_form(vue: Vue) -> Reponse:
    """The form of a new account."""
    return _form(vue, ())


def create(vue: Vue) -> Reponse:
    """Create the account and its invitation."""
    profil = vue.champs.get("profil", "")
    if profil not in _profils(vue):
        return _form(vue, (Constat("PROFIL", "profil", "ce profil ne se donne pas ici"),))
    code = vue.champs.get("guichet", "").strip().upper()
    guichet = get_guichet(vue.conn, code)
    managed = may_manage(
        vue.perimetre, ProfilCompte(profil), code, frozenset() if guichet is None else guichet.territoires
    )
    if not managed:
        return _form(vue, (Constat("GUICHET", "guichet", "ce guichet n'est pas de vos territoires"),))
    nouveau = NouveauCompte(
        vue.champs.get("courriel", ""),
        vue.champs.get("nom", ""),
        ProfilCompte(profil),
        code if profil in D_UN_GUICHET else "",
        frozenset(vue.champs.get("territoires", "").upper().split()),
    )
    found = create_compte(vue.conn, nouveau, par=vue.agent.courriel, instant=vue.maintenant)
    if not isinstance(found, Compte):
        return _form(vue, found)
    return _invited(vue, found)


def show(vue: Vue) -> Reponse:
    """One account: what it opens, its sessions, its acts."""
    return _page(vue, _compte(vue), "")


def certify_account(vue: Vue) -> Reponse:
    """Certify its holder."""
    compte = _compte(vue)
    if compte.id == vue.agent.compte:
        return Refus(anomalies.SOI_MEME(), 403)
    certify(vue.conn, compte.id, par=vue.agent.courriel, instant=vue.maintenant)
    return Redirection(vue.url("comptes.voir", compte=compte.id), "Compte certifié.")


def invite_holder(vue: Vue) -> Reponse:
    """A new link, by which the holder chooses another password: those before serve no more."""
    return _invited(vue, _compte(vue))


def close(vue: Vue) -> Reponse:
    """Close the account for good."""
    compte = _compte(vue)
    if compte.id == vue.agent.compte:
        return Refus(anomalies.SOI_MEME(), 403)
    close_compte(vue.conn, compte.id, instant=vue.maintenant)
    return Redirection(vue.url("comptes.lister"), f"Compte {compte.courriel} fermé.")


def close_all_sessions(vue: Vue) -> Reponse:
    """Close its sessions."""
    compte = _compte(vue)
    count = close_sessions(vue.conn, compte.id, instant=vue.maintenant)
    return Redirection(vue.url("comptes.voir", compte=compte.id), f"Sessions fermées : {count}.")


def untie_identity(vue: Vue) -> Reponse:
    """Let the identity of the provider open it no more; the next one of its address is tied in its place."""
    compte = _compte(vue)
    untie(vue.conn, compte.id)
    close_sessions(vue.conn, compte.id, instant=vue.maintenant)
    return Redirection(vue.url("comptes.voir", compte=compte.id), "Compte délié, sessions fermées.")


def change_certificate(vue: Vue) -> Reponse:
    """Let a certificate open it, or no more."""
    compte = _compte(vue)
    if retire := vue.champs.get("retirer", ""):
        unlink_certificat(vue.conn, compte.id, retire)
        return Redirection(vue.url("comptes.voir", compte=compte.id), "Certificat retiré.")
    sent = vue.envois.get("certificat")
    faults = link_certificat(
        vue.conn, compte.id, b"" if sent is None else sent.octets, instant=vue.maintenant
    )
    if faults:
        return _page(vue, compte, faults[0].texte)
    return Redirection(vue.url("comptes.voir", compte=compte.id), "Certificat lié.")


def _compte(vue: Vue) -> Compte:
    found = get_compte(vue.conn, uuid.UUID(vue.parametres["compte"]))
    assert found is not None, "checked with the right"
    return found


def _line(vue: Vue, compte: Compte) -> Ligne:
    return Ligne(compte, *ETATS[compte.etat(vue.services.reglages, vue.maintenant)])


def _profils(vue: Vue) -> tuple[ProfilCompte, ...]:
    """The profiles that he may give."""
    if vue.perimetre.portee is Portee.TOUT:
        return tuple(ProfilCompte)
    return tuple(profil for profil in ProfilCompte if profil in D_UN_GUICHET)


def _form(vue: Vue, faults: tuple[Constat, ...]) -> Reponse:
    values = {
        "profils_permis": [(profil.value, LIBELLES[profil]) for profil in _profils(vue)],
        "erreurs": {fault.champ: fault.texte for fault in faults},
        "champs": vue.champs,
        "territoires": vue.perimetre.portee is Portee.TOUT,
    }
    return Rendu("compte_nouveau.html", values, statut=422 if faults else 200)


def _invited(vue: Vue, compte: Compte) -> Reponse:
    token = invite(vue.conn, vue.services.coffre, compte.id, instant=vue.maintenant)
    return Rendu("compte_invite.html", {"compte": compte, "lien": vue.url("invitation.voir", jeton=token)})


def _page(vue: Vue, compte: Compte, fault: str) -> Reponse:
    values = {
        "ligne": _line(vue, compte),
        "echeance": compte.certification_due(vue.services.reglages),
        "sessions": list_sessions(vue.conn, compte.id, instant=vue.maintenant),
        "certificats": list_certificats_lies(vue.conn, compte.id),
        "actes": list_actes(vue.conn, compte=compte.id, limite=50),
        "erreur": fault,
        "sien": compte.id == vue.agent.compte,
    }
    return Rendu("compte_gere.html", values, statut=422 if fault else 200)


PAGES: Final = (
    Page("comptes.lister", "/comptes", "Comptes", show_list, _GERENT, rubrique=Rubrique.COMPTES),
    Page("comptes.nouveau", "/comptes/nouveau", "Nouveau compte", show_form, _GERENT),
    Page(
        "comptes.creer",
        "/comptes",
        "Nouveau compte",
        create,
        _GERENT,
        methode=Methode.POST,
        trace="créer un compte",
    ),
    Page("comptes.voir", "/comptes/{compte}", "Compte", show, _GERENT, objet=Objet.COMPTE),
    *(
        Page(
            f"comptes.{nom}",
            f"/comptes/{{compte}}/{nom}",
            "Compte",
            traite,
            _GERENT,
            methode=Methode.POST,
            objet=Objet.COMPTE,
            trace=trace,
        )
        for nom, traite, trace in (
            ("certifier", certify_account, "certifier un compte"),
            ("inviter", invite_holder, "inviter le titulaire d'un compte"),
            ("fermer", close, "fermer un compte"),
            ("sessions", close_all_sessions, "fermer les sessions d'un compte"),
            ("identite", untie_identity, "délier un compte du fournisseur d'identité"),
            ("certificats", change_certificate, "changer les certificats d'un compte"),
        )
    ),
)
