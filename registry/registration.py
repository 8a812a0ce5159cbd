"""Registration: a batch of demandes, in one transaction (design, decision 4).

Journal entry, state, number, identity keys, holder, answer for a replay, dispatch decision and deliveries to
be made commit together or not at all.

Order inside the transaction: first the head of the chain is locked, then everything is read. Under READ
COMMITTED each statement sees what was committed before it started, hence all that the previous holders of the
lock wrote; and what is read under the lock (doublons, numbers, counters, replays) cannot change before the
commit. A stricter isolation would be wrong: its snapshot, older than the lock, would let a doublon slip
through.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from registry import anomalies_demande as catalogue
from registry import doublons, numero_unique
from registry.anomalies import Anomalie
from registry.connaissances import read_connaissances
from registry.doublons import Doublons
from registry.echanges import Fichier
from registry.evaluation import (
    Accord,
    CleRejeu,
    DemandeRecue,
    Evaluation,
    Rejet,
    Rejeu,
    ReponseDonnee,
    evaluate,
)
from registry.evenements import Decideur, EvenementDemande
from registry.inscription import Inscription, inscribe
from registry.journal import Chaine, Ecriture
from registry.lifecycle import Etat, Fait, transition
from registry.lignes import encode_rows
from registry.separation import demande_of_origin
from schemas.demande import read_demande
from schemas.emission import TYPE_RETOUR, emit_demande, rehead
from schemas.revision import keep, stamp, unmark


@dataclass(frozen=True, slots=True)
class Enregistrement:
    """The demande is in the register. fichier: the answer. rejeu: True when it was there already."""

    numero: str
    fichier: Fichier
    rejeu: bool


@dataclass(frozen=True, slots=True)
class RefusDemande:
    """The demande is not registered. anomalies: at least one. doublons: what may be shown of them."""

    anomalies: tuple[Anomalie, ...]
    doublons: Doublons


Resultat = Enregistrement | RefusDemande

_SANS_DOUBLON: Final = Doublons((), 0)


def register(
    conn: Connection, items: Sequence[DemandeRecue], *, decideur: Decideur, repondu_le: datetime
) -> list[Resultat]:
    """Register a batch in the transaction of `conn`; one result for each item, in their order ([ENR-1]).

    repondu_le: aware; the dateFichier of the answers. The certified date is that of each reception. Nothing
    holds until the caller commits. Raises what the database and the decideur raise: the whole batch is then
    to be rolled back; registering its items again one by one is safe, even when the commit itself was in
    doubt, since what was accepted is then a replay.
    """
    if all(item.anomalies for item in items):
        # Nothing to register: the lock of the chain is for those who write.
        evaluation = evaluate(items, read_connaissances(conn, items))
        return _answer(conn, items, evaluation, {})
    chaine = Chaine.lock(conn)
    evaluation = _evaluate(conn, items)
    inscriptions = _seal(chaine, items, evaluation, repondu_le)
    if inscriptions:
        inscribe(conn, list(inscriptions.values()), evaluation.derniers, repondu_le)
        decideur.decide(conn, [_event(inscription) for inscription in inscriptions.values()])
    return _answer(conn, items, evaluation, inscriptions)


def _evaluate(conn: Connection, items: Sequence[DemandeRecue]) -> Evaluation:
    """Decide the batch against the register, read under the lock."""
    connues = read_connaissances(conn, items)
    while True:
        evaluation = evaluate(items, connues)
        donnes = [decision.numero for decision in evaluation.decisions if isinstance(decision, Accord)]
        # A number that we are about to issue may have been brought by a système particulier: then decide
        # again, knowing it. Each turn learns at least one number, so this ends.
        deja = numero_unique.read_taken(conn, donnes)
        if not deja:
            return evaluation
        connues = replace(connues, pris=frozenset(connues.pris) | deja)


def _seal(
    chaine: Chaine, items: Sequence[DemandeRecue], evaluation: Evaluation, repondu_le: datetime
) -> dict[int, Inscription]:
    """Emit and journal what was accepted; by place in the batch."""
    accords = [
        (place, items[place], decision)
        for place, decision in enumerate(evaluation.decisions)
        if isinstance(decision, Accord)
    ]
    accords = [(place, _prepare(item, accord), accord) for place, item, accord in accords]
    documents = [
        stamp(
            emit_demande(
                item.demande.root, type_fichier=TYPE_RETOUR, date_fichier=repondu_le, num_unique=accord.numero
            ),
            1,
        )
        for _, item, accord in accords
    ]
    empreintes = [hashlib.sha256(document).digest() for document in documents]
    entrees = chaine.append(
        [
            Ecriture.of(
                item.echange,
                item.demande.type_fichier,
                accord.numero,
                version=1,
                document=empreinte,
                detail=_detail(item, accord),
            )
            for (_, item, accord), empreinte in zip(accords, empreintes, strict=True)
        ]
    )
    inscriptions = {}
    for (place, item, accord), document, empreinte, entree in zip(
        accords, documents, empreintes, entrees, strict=True
    ):
        fait = Fait(item.demande.type_fichier)
        etat = transition(None, fait) if item.depot is None else transition(Etat.ATTENTE, Fait.VALIDATION)
        assert etat is not None, "les contrôles n'acceptent que des faits qui créent"
        inscriptions[place] = Inscription(
            item, accord.numero, etat, entree.sequence, document, empreinte, bool(accord.doublons)
        )
    return inscriptions


def _prepare(item: DemandeRecue, accord: Accord) -> DemandeRecue:
    """The demande as the hub emits it: without marks, since nothing changed yet ([VIE-15]); after a
    separation, with the last renewal of the couple, on which its validity rests ([VIE-73])."""
    root = item.demande.root
    unmark(root)
    if accord.origine is None:
        return item
    keep(root, demande_of_origin(accord.origine).root, ("renouvellement",))
    return replace(item, demande=read_demande(root))


def _detail(item: DemandeRecue, accord: Accord) -> str:
    """That the doublons were known and set aside is part of what the journal proves (regles §16); so are the
    demande whose seniority is kept, the deposit that was validated, and that its état civil was corrected."""
    detail: dict[str, object] = {}
    if item.depot is not None:
        detail |= {"depot": item.depot.sequence, "piece": item.depot.piece}
        if item.depot.corrige is not None:
            detail["etat_civil"] = "change"
    if accord.doublons:
        detail["doublons"] = sorted(accord.doublons)
    if accord.origine is not None:
        detail["origine"] = accord.origine.situation.numero
    return json.dumps(detail, separators=(",", ":")) if detail else ""


def _event(inscription: Inscription) -> EvenementDemande:
    recue = inscription.recue
    return EvenementDemande(
        sequence=inscription.sequence,
        numero=inscription.numero,
        version=1,
        nature=recue.demande.type_fichier,
        territoire=recue.territoire,
        auteur=recue.guichet,
        instant=recue.echange.recu_le,
        demande=recue.demande,
    )


def _answer(
    conn: Connection,
    items: Sequence[DemandeRecue],
    evaluation: Evaluation,
    inscriptions: dict[int, Inscription],
) -> list[Resultat]:
    decisions = evaluation.decisions
    donnees = [d.reponse for d in decisions if isinstance(d, Rejeu) and d.reponse is not None]
    documents = read_versions(conn, donnees)
    vus = iter(
        doublons.read_for(
            conn,
            [
                (item.echange.emetteur.guichet, decision.doublons)
                for item, decision in zip(items, decisions, strict=True)
                if isinstance(decision, Rejet) and decision.doublons
            ],
        )
    )
    resultats: list[Resultat] = []
    for place, (item, decision) in enumerate(zip(items, decisions, strict=True)):
        if isinstance(decision, Accord):
            fichier = Fichier(item.nom_fichier, inscriptions[place].document)
            resultats.append(Enregistrement(decision.numero, fichier, rejeu=False))
        elif isinstance(decision, Rejet):
            trouves = next(vus) if decision.doublons else _SANS_DOUBLON
            anomalies = (*decision.anomalies, *describe_doublons(trouves, item.guichet, item.territoire))
            resultats.append(RefusDemande(anomalies, trouves))
        elif decision.reponse is not None:
            resultats.append(replay(decision.reponse, documents))
        else:
            assert decision.premier is not None
            premier = resultats[decision.premier]
            assert isinstance(premier, Enregistrement)
            resultats.append(Enregistrement(premier.numero, premier.fichier, rejeu=True))
    return resultats


def describe_doublons(trouves: Doublons, guichet: str, territoire: str) -> Iterable[Anomalie]:
    """The anomalies that tell the doublons found, without naming those out of the reach of the guichet."""
    if trouves.lisibles:
        numeros = ", ".join(doublon.numero for doublon in trouves.lisibles)
        yield catalogue.DOUBLON(numeros, territoire)
    if trouves.caches:
        yield catalogue.DOUBLON_HORS_PERIMETRE(str(trouves.caches), guichet)


def replay(reponse: ReponseDonnee, documents: dict[tuple[str, int], bytes]) -> Enregistrement:
    """The first answer again, byte for byte: same document, same header, same name."""
    document = documents[reponse.numero, reponse.version]
    contenu = rehead(document, type_fichier=TYPE_RETOUR, date_fichier=reponse.repondu_le)
    return Enregistrement(reponse.numero, Fichier(reponse.nom_fichier, contenu), rejeu=True)


_READ_VERSIONS: Final = text("""
    SELECT v.numero, v.version, v.document
    FROM demande_version v JOIN unnest(CAST(:numero AS text[]), CAST(:version AS int[]))
        AS t(numero, version) USING (numero, version)
""")


def read_versions(conn: Connection, donnees: Sequence[ReponseDonnee]) -> dict[tuple[str, int], bytes]:
    """The documents from which these answers can be made again, by number and version."""
    cles = {(donnee.numero, donnee.version) for donnee in donnees}
    if not cles:
        return {}
    lignes = conn.execute(
        _READ_VERSIONS,
        {"numero": [numero for numero, _ in cles], "version": [version for _, version in cles]},
    )
    return {(numero, version): document for numero, version, document in lignes}


_REPLAYS: Final = text("""
    SELECT r.guichet, r.operation, r.empreinte, r.numero, r.version, r.repondu_le, r.nom_fichier
    FROM rejeu r
    JOIN json_to_recordset(CAST(:rejeux AS json)) AS t(guichet text, operation text, empreinte text)
        ON r.guichet = t.guichet AND r.operation = t.operation
        AND r.empreinte = decode(t.empreinte, 'base64')
""")


def read_replays(conn: Connection, cles: Sequence[CleRejeu]) -> dict[CleRejeu, ReponseDonnee]:
    """The answers already given to these files."""
    rejeux = encode_rows(
        {"guichet": guichet, "operation": operation, "empreinte": empreinte}
        for guichet, operation, empreinte in set(cles)
    )
    return {
        (row.guichet, row.operation, row.empreinte): ReponseDonnee(
            row.numero, row.version, row.repondu_le, row.nom_fichier
        )
        for row in conn.execute(_REPLAYS, {"rejeux": rejeux})
    }
