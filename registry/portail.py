"""The life of what has no number yet, one transaction each (docs/specification/80-portail.md).

Who may do what: registry.droits and registry.acces_depots. A deposit and what ends it are entries of the
journal, under the lock of the chain; how it gets its number: registry.validation_depots. A brouillon
certifies nothing, and the journal knows nothing of it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from registry import anomalies_portail as catalogue
from registry import depots
from registry import depots_store as store
from registry.acces_depots import find_kept, find_own, find_readable, say_ended
from registry.actes import Acte
from registry.anomalies import Anomalie
from registry.controles import PARIS, check_creation, territoire_of
from registry.depots import Depot, Motif
from registry.depots_store import Message
from registry.droits import check_profil, may_do
from registry.echanges import Echange, Fichier
from registry.journal import Chaine
from registry.lifecycle import Etat, Fait, transition
from registry.suites import Auteur
from schemas.codes import check_codes
from schemas.demande import Demande
from schemas.emission import TYPE_RETOUR, emit_demande
from schemas.revision import stamp_text, unmark

NATURE_DEPOT: Final = "DEPOT"
NATURE_INVALIDATION: Final = "INVALID"
"""Natures of the journal entries of a deposit. Stored; never renamed."""


@dataclass(frozen=True, slots=True)
class DepotFait:
    """A deposit that waits. fichier: the answer."""

    depot: Depot
    fichier: Fichier
    rejeu: bool = False


def save(
    conn: Connection, echange: Echange, message: Message, fichier: bytes, demande: Demande, identifiant: str
) -> tuple[Depot, bool] | Anomalie:
    """Keep a brouillon, new or in place of what it was; and whether it was there already."""
    guichet, instant = echange.emetteur.guichet, echange.recu_le
    if identifiant:
        avant = find_kept(conn, guichet, identifiant)
        if isinstance(avant, Anomalie):
            return avant
        if transition(avant.etat, Fait.SAISIE) is None:
            return say_ended(avant, Etat.BROUILLON)
        cle = avant.id
    else:
        vu = store.find_message(conn, message)
        if vu is not None:
            connu = store.find_depot(conn, str(vu.depot))
            assert connu is not None, "un message gardé nomme un dépôt"
            return connu, True
        cle = echange.id
    depot = Depot(cle, Etat.BROUILLON, guichet.code, instant, document=fichier)
    store.write_depot(conn, depot, depots.cles_of(demande), message, instant)
    return depot, False


def deposit(
    conn: Connection,
    echange: Echange,
    message: Message,
    demande: Demande,
    identifiant: str,
    repondu_le: datetime,
) -> DepotFait | tuple[Anomalie, ...]:
    """Put a demande of the portal to be validated. identifiant: the brouillon it was, or empty."""
    Chaine.lock(conn)
    vu = store.find_message(conn, message)
    if vu is not None:
        connu = store.find_depot(conn, str(vu.depot))
        assert connu is not None, "un message gardé nomme un dépôt"
        contenu = answer_of(demande, connu, vu.repondu_le)
        return DepotFait(connu, Fichier(vu.nom_fichier, contenu), rejeu=True)
    guichet, jour = echange.emetteur.guichet, echange.recu_le.astimezone(PARIS).date()
    avant = find_own(conn, guichet, identifiant) if identifiant else None
    if isinstance(avant, Anomalie):
        return (avant,)
    anomalies = (
        *check_creation(demande, guichet, jour, check_codes(demande.root, jour)),
        *depots.check_depot(demande, guichet, jour),
    )
    if anomalies:
        return anomalies
    unmark(demande.root)
    document = emit_demande(demande.root, type_fichier="CRE", date_fichier=echange.recu_le, num_unique=None)
    cle = echange.id if avant is None else avant.id
    entree = _write(conn, author_of(echange), NATURE_DEPOT, cle.hex, hashlib.sha256(document).digest(), {})
    depot = Depot(
        id=cle,
        etat=Etat.ATTENTE,
        guichet=guichet.code,
        maj_le=echange.recu_le,
        territoire=territoire_of(demande) or "",
        communes=demande.communes_souhaitees,
        depose_le=echange.recu_le,
        sequence_depot=entree,
        document=document,
    )
    store.write_depot(conn, depot, depots.cles_of(demande), message, repondu_le)
    return DepotFait(depot, Fichier(message.nom_fichier, answer_of(demande, depot, repondu_le)))


def answer_of(demande: Demande, depot: Depot, repondu_le: datetime) -> bytes:
    """The demande without a number, with the identifier of its deposit ([POR-21])."""
    unmark(demande.root)
    emis = emit_demande(demande.root, type_fichier=TYPE_RETOUR, date_fichier=repondu_le, num_unique=None)
    return stamp_text(emis, str(depot.id))


def end(
    conn: Connection, echange: Echange, identifiant: str, motif: str, commentaire: str, utilisateur: str
) -> Depot | Anomalie:
    """What a guichet refuses, or the portal withdraws for the applicant."""
    Chaine.lock(conn)
    guichet = echange.emetteur.guichet
    acte = Acte.RETIRER if motif == Motif.RETRAIT else Acte.VALIDER
    interdit = check_profil(echange.emetteur.profil, acte)
    if interdit is not None:
        return interdit
    permis = [Motif.RETRAIT] if not may_do(guichet, Acte.VALIDER) else [m for m in Motif if m != Motif.EXPIRE]
    if motif not in permis:
        return catalogue.CODE_REFUSE(motif, ", ".join(permis), "motif")
    depot = find_readable(conn, guichet, identifiant)
    if isinstance(depot, Anomalie):
        return depot
    return invalidate(conn, author_of(echange), depot, Motif(motif), commentaire, utilisateur)


def invalidate(
    conn: Connection, auteur: Auteur, depot: Depot, motif: Motif, commentaire: str, utilisateur: str
) -> Depot | Anomalie:
    """Refuse a deposit, under the lock of the chain; a second time for the same motive changes nothing."""
    if depot.etat is Etat.INVALIDEE and (depot.issue_guichet, depot.motif) == (auteur.guichet, motif):
        return depot
    if transition(depot.etat, Fait.INVALIDATION) is None:
        return say_ended(depot, Etat.ATTENTE)
    _write(
        conn,
        auteur,
        NATURE_INVALIDATION,
        depot.id.hex,
        None,
        {"motif": motif, "entree": depot.sequence_depot},
    )
    store.mark_invalidated(
        conn,
        depot,
        motif=motif,
        commentaire=commentaire,
        guichet=auteur.guichet,
        utilisateur=utilisateur,
        instant=auteur.instant,
    )
    return replace(
        depot,
        etat=Etat.INVALIDEE,
        motif=motif,
        commentaire=commentaire,
        issue_le=auteur.instant,
        issue_guichet=auteur.guichet,
    )


def author_of(echange: Echange) -> Auteur:
    """Who sent the exchange."""
    emetteur = echange.emetteur
    return Auteur(emetteur.guichet.code, emetteur.empreinte, echange.canal, echange.recu_le, echange.id)


def _write(
    conn: Connection,
    auteur: Auteur,
    nature: str,
    depot: str,
    empreinte: bytes | None,
    detail: dict[str, object],
) -> int:
    (entree,) = Chaine.lock(conn).append(
        [auteur.entry(nature, document=empreinte, detail={"identifiant": depot, **detail})]
    )
    return entree.sequence
