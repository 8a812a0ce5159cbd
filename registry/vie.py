"""A batch of facts about demandes that exist, in one transaction (design, decision 4).

As at registration: the head of the chain is locked first, then all is read; each fact sees what those before
it in the batch made of its demande.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from registry import anomalies_demande as catalogue
from registry import doublons, etat_civil
from registry.anomalies import Anomalie
from registry.changement import ChangementRecu, Suite, plan
from registry.documents_gardes import read_kept
from registry.droits import may_read
from registry.echanges import Fichier
from registry.evaluation import CleRejeu
from registry.evenements import Decideur
from registry.identites import cles_of
from registry.journal import Chaine
from registry.lifecycle import Fait
from registry.registration import (
    Enregistrement,
    RefusDemande,
    Resultat,
    describe_doublons,
    read_replays,
    read_versions,
    replay,
)
from registry.regles import REGLES, Regles
from registry.situation import Situation, read_situations
from registry.suites import Auteur, Registre, Revision


def change(
    conn: Connection,
    items: Sequence[ChangementRecu],
    *,
    decideur: Decideur,
    repondu_le: datetime,
    regles: Regles = REGLES,
) -> list[Resultat]:
    """Make the facts happen, in the transaction of `conn`; one result for each item, in their order
    ([VIE-5] [VIE-16]).

    repondu_le: aware; the dateFichier of the answers. Nothing holds until the caller commits. Raises what the
    database and the decideur raise; as for a registration, trying again is then safe.
    """
    chaine = Chaine.lock(conn)
    lot = _Lot(conn, items, Registre(conn, chaine, repondu_le), regles)
    resultats = [lot.decide(item) for item in items]
    lot.registre.write(decideur)
    return resultats


class _Lot:
    """Where a batch stands: the demandes as the facts before have left them."""

    def __init__(
        self, conn: Connection, items: Sequence[ChangementRecu], registre: Registre, regles: Regles
    ) -> None:
        numeros = {item.demande.num_unique for item in items if item.demande.num_unique}
        self.registre = registre
        self._conn = conn
        self._regles = regles
        self._situations = read_situations(conn, numeros)
        self._detentions = set(doublons.find_holders(conn, numeros, {item.guichet.code for item in items}))
        self._rejeux = read_replays(conn, [item.cle_rejeu for item in items])
        self._versions = read_versions(conn, list(self._rejeux.values()))
        self._faits: dict[CleRejeu, Enregistrement] = {}

    def decide(self, item: ChangementRecu) -> Resultat:
        connue = self._rejeux.get(item.cle_rejeu)
        if connue is not None:
            return replay(connue, self._versions)
        deja = self._faits.get(item.cle_rejeu)
        if deja is not None:
            return Enregistrement(deja.numero, deja.fichier, rejeu=True)
        situation = self._readable(item)
        if item.anomalies or situation is None:
            hors = () if situation is not None or not item.demande.num_unique else (_out_of_reach(item),)
            return _refuse((*item.anomalies, *hors))
        suite = plan(item, situation, self._regles)
        if not isinstance(suite, Suite):
            return _refuse(suite)
        trouves = self._find_doublons(item, situation, suite)
        if trouves:
            vus = doublons.read_for(self._conn, [(item.guichet, trouves)])[0]
            return RefusDemande(tuple(describe_doublons(vus, item.guichet.code, situation.territoire)), vus)
        return self._accept(item, suite)

    def _readable(self, item: ChangementRecu) -> Situation | None:
        situation = self._situations.get(item.demande.num_unique or "")
        if situation is None:
            return None
        detenteur = (situation.numero, item.guichet.code) in self._detentions
        droit = may_read(item.guichet, situation.territoire, situation.communes, detenteur=detenteur)
        return situation if droit.accorde else None

    def _find_doublons(self, item: ChangementRecu, situation: Situation, suite: Suite) -> list[str]:
        """Other active demandes of persons that this fact brings into an active demande ([VIE-17])."""
        if item.demande.forcer_doublon:
            return []
        if item.fait is Fait.DERADIATION:
            nouvelles = {cle.cle for cle in cles_of(suite.demande)}
        elif suite.cles is not None:
            ancien = read_kept(situation.document)
            nouvelles = {cle.cle for cle in suite.cles} - {cle.cle for cle in cles_of(ancien)}
        else:
            return []
        trouves = doublons.find(self._conn, {(situation.territoire, cle) for cle in nouvelles})
        return sorted({numero for numeros in trouves.values() for numero in numeros} - {situation.numero})

    def _accept(self, item: ChangementRecu, suite: Suite) -> Enregistrement:
        emetteur = item.echange.emetteur
        apres = self.registre.add(
            Revision(
                auteur=Auteur(
                    emetteur.guichet.code,
                    emetteur.empreinte,
                    item.echange.canal,
                    item.echange.recu_le,
                    item.echange.id,
                ),
                nature=item.demande.type_fichier,
                apres=suite.apres,
                root=suite.root,
                demande=suite.demande,
                cles=suite.cles,
                detail=_detail(item, suite, self._situations[suite.apres.numero]),
                rejeu=item.cle_rejeu,
                nom_fichier=item.nom_fichier,
            )
        )
        self._situations[apres.numero] = apres
        self._detentions.add((apres.numero, emetteur.guichet.code))
        fait = Enregistrement(apres.numero, Fichier(item.nom_fichier, apres.document), rejeu=False)
        self._faits[item.cle_rejeu] = fait
        return fait


def _detail(item: ChangementRecu, suite: Suite, avant: Situation) -> dict[str, object]:
    """What the journal proves beyond the document: it outlives it, and holds nothing nominative."""
    detail: dict[str, object] = {}
    if item.fait is Fait.DERADIATION:
        detail["deradiation"] = True
        if suite.apres.sursis is not None:
            detail["sursis"] = suite.apres.sursis.isoformat()
    if item.motif:
        detail["motif"] = item.motif
    if suite.cles is not None:
        detail["identite"] = "changee"
        if etat_civil.changes(read_kept(avant.document), suite.demande):
            detail["etat_civil"] = "change"
    return detail


def _refuse(anomalies: Iterable[Anomalie]) -> RefusDemande:
    return RefusDemande(tuple(anomalies), doublons.Doublons((), 0))


def _out_of_reach(item: ChangementRecu) -> Anomalie:
    return catalogue.DEMANDE_HORS_PORTEE(f"« {item.demande.num_unique} »", item.guichet.code)
