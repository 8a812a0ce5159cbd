"""Which brouillons and deposits a guichet reaches, and what it is told of the others ([POR-32], [POR-33])."""

from __future__ import annotations

import uuid
from dataclasses import replace

from sqlalchemy import Connection

from registry import anomalies_portail as catalogue
from registry import depots_store as store
from registry.anomalies import Anomalie
from registry.cycle import LIBELLES
from registry.depots import Depot
from registry.depots_store import Criteres
from registry.droits import PAR_COMMUNES, may_read
from registry.guichets import Guichet, TypeGuichet
from registry.lifecycle import Etat
from registry.moments import say_moment


def find_own(conn: Connection, guichet: Guichet, identifiant: str) -> Depot | Anomalie:
    """The brouillon of that guichet."""
    depot = find_kept(conn, guichet, identifiant)
    if isinstance(depot, Depot) and depot.etat is not Etat.BROUILLON:
        return say_ended(depot, Etat.BROUILLON)
    return depot


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


def find_kept(conn: Connection, guichet: Guichet, identifiant: str) -> Depot | Anomalie:
    """The brouillon or deposit that the guichet keeps itself, whatever its state."""
    depot = store.find_depot(conn, identifiant)
    if depot is None or depot.guichet != guichet.code:
        return _unknown(identifiant, guichet)
    return depot


def _unknown(identifiant: str, guichet: Guichet) -> Anomalie:
    return catalogue.DEPOT_INCONNU(f"« {identifiant[:40]} »", guichet.code, "idDepot")


def say_ended(depot: Depot, attendu: Etat) -> Anomalie:
    """The refusal of what is no longer in the expected state: what became of it, when, by whom."""
    issue = ""
    if depot.issue_le is not None:
        issue = f", le {say_moment(depot.issue_le)}, par le guichet {depot.issue_guichet}"
    if depot.numero is not None:
        issue += f", sous le numéro {depot.numero}"
    etat = "validé" if depot.etat is Etat.ACTIVE else LIBELLES[depot.etat]
    return catalogue.DEPOT_TRAITE(f"{etat}{issue}", LIBELLES[attendu], "idDepot")
