"""What the handlers of the portal make of a message, and what they answer. Pure, but for `own_document`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from lxml import etree
from sqlalchemy import Connection

from registry import acces_depots, depots
from registry import anomalies_portail as catalogue
from registry.anomalies import Anomalie
from registry.anomalies_document import anomalies_of
from registry.controles import PARIS
from registry.depots import Depot
from registry.depots_store import Criteres
from registry.echanges import Echange, Fichier, Refus
from registry.exchanges_store import Issue, Lues, Statut
from registry.identites import normalise
from registry.lots import Echec
from registry.portail import DepotFait
from registry.preavis import CanalPreavis, channel_of
from registry.registration import Enregistrement, RefusDemande
from schemas.demande import Demande, read_demande
from schemas.documents import DEMANDES
from schemas.kinds import identify
from schemas.parser import parse
from schemas.violations import Violation


@dataclass(frozen=True, slots=True)
class Recherche:
    """What a guichet looks for, as written. etat: a state; mel and the like: empty for anything."""

    etat: str = ""
    mel: str = ""
    nom: str = ""
    prenom: str = ""
    naissance: date | None = None
    territoire: str = ""
    depose_avant: datetime | None = None
    apres: str = ""


@dataclass(frozen=True, slots=True)
class Brouillon:
    """A brouillon kept. manques: how many anomalies it would have if it were deposited as it is."""

    depot: Depot
    manques: int


@dataclass(frozen=True, slots=True)
class DepotLu:
    """A deposit, and its document when it still has one."""

    depot: Depot
    fichier: Fichier | None


@dataclass(frozen=True, slots=True)
class DepotInvalide:
    """A deposit refused, and the channel by which the applicant will be told."""

    depot: Depot
    canal: CanalPreavis


def channel_of_depot(depot: Depot) -> CanalPreavis:
    """How the applicant is told: by the lightest channel that he gave, as for a first notice."""
    root = None if depot.document is None else parse(depot.document)
    if root is None or isinstance(root, Violation):
        return CanalPreavis.LETTRE
    demande = read_demande(root)
    qui = demande.demandeur or demande.association
    if qui is None:
        return CanalPreavis.LETTRE
    return channel_of(1, qui.mel, qui.tel_portable, electronique=True)


def shown_in(resultat: object) -> Iterator[str]:
    """What others had given that the answer shows ([TRA-1]): deposits listed, read or validated, and the
    doublons of a refusal."""
    match resultat:
        case (Enregistrement(numero=numero), Demande()):
            yield numero
        case RefusDemande(doublons=trouves) | (RefusDemande(doublons=trouves), _):
            yield from (doublon.numero for doublon in trouves.lisibles)
        case list() | Depot():
            lus = resultat if isinstance(resultat, list) else [resultat]
            yield from (str(depot.id) for depot in lus if depot.document is not None)


def issue_of(echange: Echange, resultat: object, maintenant: datetime) -> Issue:
    """What is kept of the exchange; a list, a deposit and a content are all acceptances."""
    statut, code, numero = Statut.ACCEPTE, "", ""
    lues = Lues(tuple(shown_in(resultat)), echange.emetteur.profil)
    if isinstance(resultat, tuple) and resultat:
        resultat = resultat[0]
    match resultat:
        case Echec():
            statut = Statut.ECHEC
        case Anomalie(code=code) | RefusDemande(anomalies=(Anomalie(code=code), *_)):
            statut = Statut.REFUSE
        case Enregistrement(numero=numero) if resultat.rejeu:
            statut = Statut.REJEU
        case Enregistrement(numero=numero):
            pass
        case DepotFait():
            statut = Statut.REJEU if resultat.rejeu else Statut.ACCEPTE
            numero = str(resultat.depot.id)
        case Depot():
            numero = resultat.numero or str(resultat.id)
    return Issue(echange.id, statut, maintenant, code, numero, lues)


def read_brouillon(fichier: bytes) -> etree._Element | Refus:
    """The tree of a demande that may lack anything; it is XML without danger, and of our interface."""
    root = parse(fichier)
    if isinstance(root, Violation):
        return Refus(anomalies_of((root,)))
    if identify(root) not in DEMANDES:
        constat = f"l'élément {etree.QName(root).localname[:60]}"
        return Refus((catalogue.PAS_UN_BROUILLON(constat, "un document interfaceNuu"),))
    return root


def own_document(conn: Connection, echange: Echange, identifiant: str) -> bytes | Anomalie:
    """The file of a brouillon of the guichet."""
    depot = acces_depots.find_own(conn, echange.emetteur.guichet, identifiant)
    if isinstance(depot, Anomalie):
        return depot
    assert depot.document is not None, "un brouillon a un document"
    return depot.document


def criteres_of(echange: Echange, recherche: Recherche) -> Criteres | Anomalie:
    """What is asked, within what the guichet may see."""
    guichet = echange.emetteur.guichet
    voulu = recherche.etat or "ATTENT"
    etats = {code: etat for etat, code in depots.CODES_ETATS.items()}
    if voulu not in etats:
        return catalogue.CODE_REFUSE(voulu, ", ".join(etats), "etat")
    return acces_depots.criteres_for(
        guichet,
        Criteres(
            etat=etats[voulu],
            territoires=frozenset({recherche.territoire} if recherche.territoire else guichet.territoires),
            communes=None,
            guichet="",
            mel=depots.normalise_mel(recherche.mel),
            nom=normalise(recherche.nom),
            prenom=normalise(recherche.prenom),
            naissance=recherche.naissance,
            depose_avant=recherche.depose_avant,
        ),
        recherche.apres,
    )


def day_of(echange: Echange) -> date:
    """The day of reception, in Paris."""
    return echange.recu_le.astimezone(PARIS).date()
