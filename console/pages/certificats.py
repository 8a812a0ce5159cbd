"""The certificates of guichets: what ends when, worst first; one of them; what agents propose."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, and_, or_, select, tuple_

from console import anomalies
from console.libelles_partenaires import COULEURS, USAGES
from console.pages.nouveau_guichet import by_field
from console.pages.partenaires import GERANTS, LigneCertificat, find, manages, tell
from console.pages.raccordement import read_data, read_day, read_usages
from console.perimetre import Perimetre
from console.table import GUICHETS, Methode, Objet, Page, Rubrique
from console.vue import Redirection, Refus, Rendu, Reponse, Telechargement, Vue, one_of
from registry.certificats import (
    ALERTE,
    CertificatEpingle,
    get_certificat,
    list_certificats,
    withdraw_certificat,
)
from registry.constats import Constat
from registry.propositions import accept, list_propositions, propose, refuse
from registry.surveillance_certificats import AvisGarde, list_avis
from registry.tables import CERTIFICAT
from registry.tables_certificats import VERDICT_CERTIFICAT
from registry.usages_certificats import ADMIS
from registry.verdicts_certificats import judge_due

PAR_PAGE: Final = 50
_ETATS: Final = ("a_traiter", "en_service", "retires")


def show_list(vue: Vue) -> Reponse:
    """The certificates of the perimeter: those that need somebody first, then by their end."""
    etat = one_of(vue, "etat", _ETATS, "en_service")
    guichet = vue.question.get("guichet", "")[:5].upper()
    apres = _cursor(vue.question.get("apres", ""))
    found = read_echeances(
        vue.conn, vue.perimetre, etat, guichet, instant=vue.maintenant, apres=apres, limite=PAR_PAGE + 1
    )
    suite = ""
    if len(found) > PAR_PAGE:
        found = found[:PAR_PAGE]
        last = found[-1].epingle
        cursor = f"{last.valide_au.isoformat()}_{last.empreinte}"
        suite = vue.url("certificats.lister", etat=etat, guichet=guichet, apres=cursor)
    codes = () if vue.perimetre.tout else vue.perimetre.guichets(vue.conn)
    valeurs = {
        "lignes": found,
        "etat": etat,
        "guichet": guichet,
        "suite": suite,
        "propositions": list_propositions(vue.conn, *codes) if codes or vue.perimetre.tout else (),
        "gere": manages(vue),
        "alerte": ALERTE.days,
        "usages": USAGES,
        "couleurs": COULEURS,
    }
    return Rendu("certificats.html", valeurs)


def read_echeances(
    conn: Connection,
    perimetre: Perimetre,
    etat: str,
    guichet: str,
    *,
    instant: datetime,
    apres: tuple[datetime, str] | None,
    limite: int,
) -> list[LigneCertificat]:
    """Certificates by their end, from after a cursor (end, empreinte)."""
    table, verdict = CERTIFICAT.c, VERDICT_CERTIFICAT.c
    query = (
        select(table.empreinte)
        .outerjoin(VERDICT_CERTIFICAT, verdict.empreinte == table.empreinte)
        .where(perimetre.of_codes(table.guichet))
    )
    match etat:
        case "retires":
            query = query.where(table.retire_le.is_not(None))
        case "a_traiter":
            disowned = and_(verdict.motif.is_not(None), verdict.motif.not_in([each.value for each in ADMIS]))
            query = query.where(table.retire_le.is_(None), or_(table.valide_au < instant + ALERTE, disowned))
        case _:
            query = query.where(table.retire_le.is_(None))
    if guichet:
        query = query.where(table.guichet == guichet)
    if apres is not None:
        query = query.where(tuple_(table.valide_au, table.empreinte) > tuple_(*apres))
    keys = list(conn.scalars(query.order_by(table.valide_au, table.empreinte).limit(limite)))
    found = {each.empreinte: each for each in list_certificats(conn, empreintes=keys)}
    return [tell(found[key], instant) for key in keys]


def _cursor(text: str) -> tuple[datetime, str] | None:
    """The cursor of the query; None for none, or one that does not read. Pure."""
    moment, _, empreinte = text.partition("_")
    try:
        instant = datetime.fromisoformat(moment)
    except ValueError:
        return None
    return (instant, empreinte[:64]) if instant.tzinfo is not None else None


def show_one(vue: Vue) -> Reponse:
    """A certificate."""
    return _page(vue)


def _page(vue: Vue) -> Rendu:
    epingle = find_certificat(vue)
    avis: Sequence[AvisGarde] = list_avis(vue.conn, epingle.empreinte)
    valeurs = {
        "ligne": tell(epingle, vue.maintenant),
        "epingle": epingle,
        "avis": avis,
        "gere": manages(vue),
        "usages": USAGES,
        "couleurs": COULEURS,
        "maintenant": vue.maintenant,
    }
    return Rendu("certificat.html", valeurs)


def find_certificat(vue: Vue) -> CertificatEpingle:
    """The certificate that the address names; that it exists was checked before."""
    found = get_certificat(vue.conn, vue.parametres["empreinte"])
    assert found is not None
    return found


def download(vue: Vue) -> Reponse:
    """The certificate and, when the authority of the instance made it, that authority: PEM, public data."""
    epingle = find_certificat(vue)
    moyens = vue.services.moyens
    autorite = None if moyens is None else moyens.autorite()
    pem = epingle.pem
    if autorite is not None and autorite.issued(epingle.pem):
        pem += autorite.pem
    return Telechargement(f"{epingle.guichet}-{epingle.empreinte[:16]}.pem", "application/x-pem-file", pem)


def withdraw(vue: Vue) -> Reponse:
    """Trust a certificate no more; revoked, when its key may be in other hands."""
    epingle = find_certificat(vue)
    motif = vue.champs.get("motif", "")
    if motif not in ("retirer", "revoquer") or vue.champs.get("confirme") != "oui":
        return Refus(anomalies.NON_CONFIRME(attendu="la case qui confirme, et un motif"))
    withdraw_certificat(vue.conn, epingle.empreinte, instant=vue.maintenant, revoque=motif == "revoquer")
    done = "révoqué" if motif == "revoquer" else "retiré"
    vers = vue.url("certificats.voir", empreinte=epingle.empreinte)
    return Redirection(vers, f"Certificat {done} : il n'ouvre plus rien.")


def show_proposal(vue: Vue) -> Reponse:
    """The form by which an agent proposes the next certificate of his guichet."""
    return _proposal(vue, ())


def propose_one(vue: Vue) -> Reponse:
    """Propose it: it opens nothing before it is accepted."""
    code = vue.parametres["guichet"]
    jour = read_day(vue.champs.get("actif_du", ""))
    if isinstance(jour, Constat):
        return _proposal(vue, (jour,), 422)
    found = propose(
        vue.conn,
        code,
        read_data(vue),
        par=vue.agent.courriel,
        instant=vue.maintenant,
        usages=read_usages(vue),
        actif_du=jour,
    )
    if isinstance(found, tuple):
        return _proposal(vue, found, 422)
    message = "Certificat proposé : il servira quand votre gestionnaire l'aura accepté."
    return Redirection(vue.url("partenaires.voir", guichet=code), message)


def _proposal(vue: Vue, constats: Sequence[Constat], statut: int = 200) -> Rendu:
    valeurs = {"guichet": find(vue), "erreurs": by_field(constats), "usages": list(USAGES.items())}
    return Rendu("proposer.html", valeurs, statut=statut)


def decide(vue: Vue) -> Reponse:
    """Accept or refuse a certificate proposed for that guichet."""
    code = vue.parametres["guichet"]
    identifiant = _uuid(vue.parametres["proposition"])
    known = {each.id for each in list_propositions(vue.conn, code)}
    if identifiant is None or identifiant not in known:
        return Refus(anomalies.INTROUVABLE(), 404)
    par, vers = vue.agent.courriel, vue.url("partenaires.voir", guichet=code)
    if vue.champs.get("decision") == "refuser":
        refuse(vue.conn, identifiant, par=par, instant=vue.maintenant)
        return Redirection(vers, "Proposition refusée.")
    found = accept(vue.conn, identifiant, par=par, instant=vue.maintenant)
    if not isinstance(found, CertificatEpingle):
        return Refus(anomalies.PARTENAIRE_REFUSE(" ; ".join(each.texte for each in found)))
    if vue.services.moyens is not None:
        judge_due(vue.conn, vue.services.moyens.juge, instant=vue.maintenant)
    return Redirection(vers, f"Certificat enregistré : {found.sujet}")


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


_VOIENT: Final = {**GUICHETS, **GERANTS}

PAGES: Final = (
    Page(
        "certificats.lister", "/certificats", "Certificats", show_list, _VOIENT, rubrique=Rubrique.CERTIFICATS
    ),
    Page(
        "certificats.voir",
        "/certificats/{empreinte}",
        "Certificat",
        show_one,
        _VOIENT,
        objet=Objet.CERTIFICAT,
    ),
    Page(
        "certificats.prendre",
        "/certificats/{empreinte}/chaine.pem",
        "Fichier du certificat",
        download,
        _VOIENT,
        objet=Objet.CERTIFICAT,
    ),
    Page(
        "certificats.retirer",
        "/certificats/{empreinte}/retirer",
        "Retirer un certificat",
        withdraw,
        GERANTS,
        methode=Methode.POST,
        objet=Objet.CERTIFICAT,
        trace="retirer un certificat",
    ),
    Page(
        "certificats.proposer",
        "/partenaires/{guichet}/proposer",
        "Proposer un certificat",
        show_proposal,
        GUICHETS,
        objet=Objet.GUICHET,
    ),
    Page(
        "certificats.envoyer",
        "/partenaires/{guichet}/proposer",
        "Proposer un certificat",
        propose_one,
        GUICHETS,
        methode=Methode.POST,
        objet=Objet.GUICHET,
        trace="proposer un certificat",
    ),
    Page(
        "certificats.decider",
        "/partenaires/{guichet}/propositions/{proposition}",
        "Décider d'une proposition",
        decide,
        GERANTS,
        methode=Methode.POST,
        objet=Objet.GUICHET,
        trace="décider d'un certificat proposé",
    ),
)
