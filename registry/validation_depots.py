"""What becomes a demande, one transaction each: a deposit that a guichet validates, a brouillon that it ends.

A registration like any other (registry.registration), which bears in addition the deposit that it comes from
(docs/specification/80-portail.md).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from registry import anomalies_portail as catalogue
from registry import anomalies_vie, depots
from registry import depots_store as store
from registry.acces_depots import find_own, find_readable, say_ended
from registry.actes import Acte
from registry.anomalies import Anomalie
from registry.anomalies_demande import ACTE_REFUSE
from registry.controles import PARIS, check_creation, format_jour, territoire_of
from registry.depots import Constat, Depot
from registry.depots_store import Message
from registry.documents_gardes import read_kept
from registry.doublons import Doublons
from registry.droits import may_do
from registry.echanges import Echange
from registry.etat_civil import changes, etat_civil_of
from registry.evaluation import CleRejeu, DemandeRecue, DepotPortail
from registry.evenements import Decideur
from registry.guichets import Guichet
from registry.identites import cles_of
from registry.journal import Chaine
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
from schemas.codes import check_codes
from schemas.demande import Demande, read_demande
from schemas.revision import body_of, put_text

VALIDATION: Final = "validerDepot"
"""Operation under which a validation is kept for replays."""

_SANS_DOUBLON: Final = Doublons((), 0)


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
        return RefusDemande((say_ended(depot, Etat.ATTENTE),), _SANS_DOUBLON), None
    assert depot.depose_le is not None
    assert depot.sequence_depot is not None
    deposee = read_kept(depot.document)
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


def _check_correction(
    corrigee: Demande, deposee: Demande, depot: Depot, guichet: Guichet
) -> tuple[Anomalie, ...]:
    """A corrected file is a creation of the guichet that validates, of the day and territory of the
    deposit."""
    assert depot.depose_le is not None
    jour = depot.depose_le.astimezone(PARIS).date()
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
