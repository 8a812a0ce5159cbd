"""The life of what has no number yet, one transaction each (docs/specification/80-portail.md).

Who may do what: registry.droits. A deposit and what ends it are entries of the journal, under the lock of the
chain; a validation is a registration like any other (registry.registration), which bears in addition the
deposit that it validates. A brouillon certifies nothing, and the journal knows nothing of it.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from lxml import etree
from sqlalchemy import Connection

from registry import anomalies_portail as catalogue
from registry import anomalies_vie, depots
from registry import depots_store as store
from registry.actes import Acte
from registry.anomalies import Anomalie
from registry.anomalies_demande import ACTE_REFUSE
from registry.controles import PARIS, check_creation, format_jour, territoire_of
from registry.cycle import LIBELLES
from registry.depots import Constat, Depot, Motif
from registry.depots_store import Criteres, Message
from registry.doublons import Doublons
from registry.droits import PAR_COMMUNES, check_profil, may_do, may_read
from registry.echanges import Echange, Fichier
from registry.etat_civil import changes, etat_civil_of
from registry.evaluation import CleRejeu, DemandeRecue, DepotPortail
from registry.evenements import Decideur
from registry.guichets import Guichet, TypeGuichet
from registry.identites import cles_of
from registry.journal import Chaine, Ecriture
from registry.lifecycle import Etat, Fait, transition
from registry.registration import (
    Enregistrement,
    RefusDemande,
    Resultat,
    read_replays,
    read_versions,
    register,
    replay,
)
from registry.suites import Auteur
from schemas.codes import check_codes
from schemas.demande import Demande, read_demande
from schemas.emission import TYPE_RETOUR, emit_demande
from schemas.parser import parse
from schemas.revision import body_of, put_text, stamp_text, unmark
from schemas.violations import Violation

NATURE_DEPOT: Final = "DEPOT"
NATURE_INVALIDATION: Final = "INVALID"
"""Natures of the journal entries of a deposit. Stored; never renamed."""

VALIDATION: Final = "validerDepot"
"""Operation under which a validation is kept for replays."""

_SANS_DOUBLON: Final = Doublons((), 0)


@dataclass(frozen=True, slots=True)
class DepotFait:
    """A deposit that waits. fichier: the answer."""

    depot: Depot
    fichier: Fichier
    rejeu: bool = False


Refusees = tuple[Anomalie, ...]


def save(
    conn: Connection, echange: Echange, message: Message, fichier: bytes, demande: Demande, identifiant: str
) -> tuple[Depot, bool] | Anomalie:
    """Keep a brouillon, new or in place of what it was; and whether it was there already."""
    guichet, instant = echange.emetteur.guichet, echange.recu_le
    if identifiant:
        avant = _own(conn, guichet, identifiant)
        if isinstance(avant, Anomalie):
            return avant
        if transition(avant.etat, Fait.SAISIE) is None:
            return _ended(avant, Etat.BROUILLON)
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


def find_own(conn: Connection, guichet: Guichet, identifiant: str) -> Depot | Anomalie:
    """The brouillon of that guichet."""
    depot = _own(conn, guichet, identifiant)
    if isinstance(depot, Depot) and depot.etat is not Etat.BROUILLON:
        return _ended(depot, Etat.BROUILLON)
    return depot


def deposit(
    conn: Connection,
    echange: Echange,
    message: Message,
    demande: Demande,
    identifiant: str,
    repondu_le: datetime,
) -> DepotFait | Refusees:
    """Put a demande of the portal to be validated. identifiant: the brouillon it was, or empty."""
    Chaine.lock(conn)
    vu = store.find_message(conn, message)
    if vu is not None:
        connu = store.find_depot(conn, str(vu.depot))
        assert connu is not None, "un message gardé nomme un dépôt"
        contenu = answer_of(demande, connu, vu.repondu_le)
        return DepotFait(connu, Fichier(vu.nom_fichier, contenu), rejeu=True)
    guichet, jour = echange.emetteur.guichet, _day(echange.recu_le)
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


def create_from(
    conn: Connection, item: DemandeRecue, identifiant: str, *, decideur: Decideur, repondu_le: datetime
) -> Resultat:
    """Register the demande of a guichet, which kept it as a brouillon when one is named."""
    Chaine.lock(conn)
    connue = _replayed(conn, item.cle_rejeu)
    if connue is not None:
        return connue
    depot = find_own(conn, item.echange.emetteur.guichet, identifiant) if identifiant else None
    if isinstance(depot, Anomalie):
        return RefusDemande((depot,), _SANS_DOUBLON)
    (resultat,) = register(conn, [item], decideur=decideur, repondu_le=repondu_le)
    if depot is not None and isinstance(resultat, Enregistrement):
        _close(conn, depot, item, resultat.numero, "", repondu_le)
    return resultat


def find_readable(conn: Connection, guichet: Guichet, identifiant: str) -> Depot | Anomalie:
    """The deposit that the guichet may read. One that does not exist and one that may not be read are refused
    alike: what the portal or another guichet keeps to itself is not known."""
    depot = store.find_depot(conn, identifiant)
    if depot is not None:
        if depot.guichet == guichet.code and guichet.actif:
            return depot
        depose = depot.depose_le is not None and guichet.type is not TypeGuichet.PORTAIL
        if depose and may_read(guichet, depot.territoire, depot.communes).accorde:
            return depot
    return _unknown(identifiant, guichet)


def criteres_for(guichet: Guichet, voulus: Criteres, apres: str) -> Criteres | Anomalie:
    """The same within what the guichet may see: deposits that wait, where it reads; in another state, what
    it keeps itself. The portal sees its own."""
    try:
        debut = uuid.UUID(apres) if apres else voulus.apres
    except ValueError:
        return catalogue.CRITERE_REFUSE("apres", "l'identifiant d'un dépôt", "apres")
    if guichet.type is TypeGuichet.PORTAIL or voulus.etat is not Etat.ATTENTE:
        return replace(voulus, guichet=guichet.code, apres=debut)
    return replace(
        voulus,
        territoires=voulus.territoires & guichet.territoires,
        communes=guichet.communes if guichet.type in PAR_COMMUNES else None,
        apres=debut,
    )


def validate(
    conn: Connection,
    echange: Echange,
    message: Message,
    identifiant: str,
    constat: Constat,
    corrigee: Demande | None,
    *,
    decideur: Decideur,
    repondu_le: datetime,
) -> tuple[Resultat, Demande | None]:
    """Give its number to a deposit: the demande as deposited, or as the guichet corrects it.

    With the result, the demande that was judged; None when there is none to show.
    """
    Chaine.lock(conn)
    guichet = echange.emetteur.guichet
    connue = _replayed(conn, (guichet.code, VALIDATION, message.empreinte))
    if connue is not None:
        return connue, None
    if not may_do(guichet, Acte.VALIDER):
        return RefusDemande((ACTE_REFUSE(guichet.type),), _SANS_DOUBLON), None
    depot = find_readable(conn, guichet, identifiant)
    if isinstance(depot, Anomalie):
        return RefusDemande((depot,), _SANS_DOUBLON), None
    if transition(depot.etat, Fait.VALIDATION) is None or depot.document is None:
        return RefusDemande((_ended(depot, Etat.ATTENTE),), _SANS_DOUBLON), None
    assert depot.depose_le is not None
    assert depot.sequence_depot is not None
    deposee = _read(depot.document)
    anomalies = () if corrigee is None else _check_correction(corrigee, deposee, depot, guichet)
    demande = deposee if corrigee is None else _of_portal(corrigee, depot)
    item = DemandeRecue(
        echange=echange,
        operation=VALIDATION,
        empreinte=message.empreinte,
        demande=demande,
        anomalies=anomalies or depots.check_identite(demande, constat),
        territoire=depot.territoire,
        cles=cles_of(demande),
        nom_fichier=message.nom_fichier,
        depot=DepotPortail(
            depot.guichet,
            depot.depose_le,
            depot.sequence_depot,
            constat.piece,
            corrige=etat_civil_of(deposee) if changes(deposee, demande) else None,
        ),
    )
    (resultat,) = register(conn, [item], decideur=decideur, repondu_le=repondu_le)
    if isinstance(resultat, Enregistrement):
        _close(conn, depot, item, resultat.numero, constat.utilisateur, repondu_le)
    return resultat, demande


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
        return _ended(depot, Etat.ATTENTE)
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


def _own(conn: Connection, guichet: Guichet, identifiant: str) -> Depot | Anomalie:
    depot = store.find_depot(conn, identifiant)
    if depot is None or depot.guichet != guichet.code:
        return _unknown(identifiant, guichet)
    return depot


def _unknown(identifiant: str, guichet: Guichet) -> Anomalie:
    return catalogue.DEPOT_INCONNU(f"« {identifiant[:40]} »", guichet.code, "idDepot")


def _ended(depot: Depot, attendu: Etat) -> Anomalie:
    issue = ""
    if depot.issue_le is not None:
        le = f"{depot.issue_le.astimezone(PARIS):%d/%m/%Y à %H:%M}"
        issue = f", le {le}, par le guichet {depot.issue_guichet}"
    if depot.numero is not None:
        issue += f", sous le numéro {depot.numero}"
    etat = "validé" if depot.etat is Etat.ACTIVE else LIBELLES[depot.etat]
    return catalogue.DEPOT_TRAITE(f"{etat}{issue}", LIBELLES[attendu], "idDepot")


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
        [
            Ecriture(
                instant=auteur.instant,
                nature=nature,
                guichet=auteur.guichet,
                certificat=auteur.certificat,
                canal=auteur.canal,
                echange=auteur.echange,
                document=empreinte,
                detail=json.dumps({"identifiant": depot, **detail}, separators=(",", ":"), sort_keys=True),
            )
        ]
    )
    return entree.sequence


def _replayed(conn: Connection, cle: CleRejeu) -> Enregistrement | None:
    reponse = read_replays(conn, [cle]).get(cle)
    return None if reponse is None else replay(reponse, read_versions(conn, [reponse]))


def _close(
    conn: Connection, depot: Depot, item: DemandeRecue, numero: str, utilisateur: str, repondu_le: datetime
) -> None:
    message = Message(item.echange.id, item.guichet, item.operation, item.empreinte, item.nom_fichier)
    store.keep_message(conn, depot.id, message, repondu_le)
    store.mark_validated(
        conn,
        depot,
        numero=numero,
        guichet=item.guichet,
        utilisateur=utilisateur,
        instant=item.echange.recu_le,
        corrige=None if item.depot is None else item.depot.corrige,
    )


def _check_correction(corrigee: Demande, deposee: Demande, depot: Depot, guichet: Guichet) -> Refusees:
    """A corrected file is a creation of the guichet that validates, of the day and territory of the
    deposit."""
    assert depot.depose_le is not None
    jour = _day(depot.depose_le)
    corps = "/interfaceNuu/demande/demandeLogement"
    # A système particulier too may validate what was typed on the national portal: the hub numbers it.
    found = list(
        check_creation(corrigee, replace(guichet, numerote=False), jour, check_codes(corrigee.root, jour))
    )
    if corrigee.type_fichier != Fait.CREATION:
        element = "/interfaceNuu/entete/typeFichier"
        found.append(catalogue.CODE_REFUSE(corrigee.type_fichier, str(Fait.CREATION), element))
    if corrigee.date_creation != deposee.date_creation:
        found.append(
            anomalies_vie.DEPOT_DISCORDANT(
                format_jour(corrigee.date_creation),
                format_jour(deposee.date_creation),
                f"{corps}/dateCreationDemande",
            )
        )
    territoire = territoire_of(corrigee)
    if territoire is not None and territoire != depot.territoire:
        element = f"{corps}/logementRecherche/listeLocalisationSouhaite"
        found.append(anomalies_vie.AUTRE_TERRITOIRE(territoire, depot.territoire, element))
    return tuple(found)


def _of_portal(corrigee: Demande, depot: Depot) -> Demande:
    """The demande stays that of the portal, which its number names."""
    put_text(body_of(corrigee.root), "numGuichet", depot.guichet)
    return read_demande(corrigee.root)


def _read(document: bytes) -> Demande:
    return read_demande(_parse(document))


def _parse(document: bytes) -> etree._Element:
    root = parse(document)
    assert not isinstance(root, Violation), "un document émis par l'échangeur se relit"
    return root


def _day(instant: datetime) -> date:
    return instant.astimezone(PARIS).date()
