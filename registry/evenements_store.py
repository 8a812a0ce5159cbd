"""The events of shared management, kept: read, and written in one transaction with their journal entries.

An event does not change the document of its demande: it makes no version of it and nothing is distributed
([GPE-3]). It is journalled: nature `EVT`, and the SHA-256 of its canonical form (`seal_of`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection, Row, text

from registry import anomalies_demande
from registry.anomalies import Anomalie
from registry.droits import may_read
from registry.echanges import Echange
from registry.evenements_partages import (
    Action,
    DemandeSuivie,
    Ecriture,
    EvenementPartage,
    count_attributions,
    evaluate,
)
from registry.guichets import Guichet
from registry.journal import Chaine
from registry.journal import Ecriture as EcritureJournal
from registry.tables_recherche import EVENEMENT_PARTAGE, TYPE_EVENEMENT
from schemas.gestion_partagee import EvenementRecu
from schemas.parser import parse
from schemas.types_evenements import TypeEvenement, read_types, types_nationaux
from schemas.violations import Violation

NATURE: Final = "EVT"
"""Nature of the journal entries of events."""


@dataclass(frozen=True, slots=True)
class EvenementsRecus:
    """A file of events to be written. empreinte: SHA-256 of the file as received."""

    echange: Echange
    numero: str
    action: Action
    recus: tuple[EvenementRecu, ...]
    empreinte: bytes


@dataclass(frozen=True, slots=True)
class Suivi:
    """The events of a demande that a guichet may read, with the types that they may be of.

    rejeu: True when the file had already been taken.
    """

    evenements: tuple[EvenementPartage, ...]
    types: Mapping[str, TypeEvenement]
    rejeu: bool = False


_DEMANDE: Final = text("""
    SELECT d.numero, d.territoire, d.etat, d.date_depot, d.communes, EXISTS (
        SELECT FROM detention h WHERE h.numero = d.numero AND h.guichet = :guichet
    ) AS detenteur
    FROM demande d WHERE d.numero = :numero
""")
_ATTRIBUTIONS: Final = text("UPDATE recherche SET attributions = :nombre WHERE numero = :numero")
_REMPLACE: Final = text(
    "UPDATE evenement_partage SET courante = false WHERE numero = :numero AND id = :id AND courante"
)


def read_evenements(conn: Connection, guichet: Guichet, numero: str) -> Suivi | Anomalie:
    """The current events of a demande, in the order in which they happened ([GPE-2])."""
    demande = _readable(conn, guichet, numero)
    if isinstance(demande, Anomalie):
        return demande
    types = types_of(conn, demande.territoire)
    return Suivi(_sorted(_current(conn, numero).values()), types)


def write_evenements(conn: Connection, item: EvenementsRecus) -> Suivi | tuple[Anomalie, ...]:
    """Take a file whole, or say why not. The head of the chain is locked first: two guichets that write about
    one demande do so one after the other. Returns what was written."""
    guichet = item.echange.emetteur.guichet
    chaine = Chaine.lock(conn)
    demande = _readable(conn, guichet, item.numero)
    if isinstance(demande, Anomalie):
        return (demande,)
    types = types_of(conn, demande.territoire)
    deja = _already(conn, item)
    if deja:
        return Suivi(deja, types, rejeu=True)
    presents = _current(conn, item.numero)
    ecriture = Ecriture(item.action, item.recus, guichet, item.echange.recu_le)
    jugement = evaluate(ecriture, demande, types, presents)
    versions = [each for each in jugement if isinstance(each, EvenementPartage)]
    if len(versions) != len(jugement):
        return tuple(each for each in jugement if isinstance(each, Anomalie))
    ecrits = _write(conn, chaine, item, versions)
    for ecrit in ecrits:
        presents[ecrit.id] = ecrit
        if ecrit.action is Action.SUPPRESSION:
            del presents[ecrit.id]
    nombre = count_attributions(presents.values(), types)
    conn.execute(_ATTRIBUTIONS, {"numero": item.numero, "nombre": nombre})
    return Suivi(ecrits, types)


def types_of(conn: Connection, territoire: str) -> Mapping[str, TypeEvenement]:
    """The types that the events of a demande of that territory may be of, by code."""
    return {**{each.code: each for each in read_territoriaux(conn, territoire)}, **types_nationaux()}


def read_territoriaux(conn: Connection, territoire: str) -> tuple[TypeEvenement, ...]:
    """The types of a territory, sorted by code."""
    lignes = conn.scalars(
        TYPE_EVENEMENT.select()
        .with_only_columns(TYPE_EVENEMENT.c.definition)
        .where(TYPE_EVENEMENT.c.territoire == territoire)
        .order_by(TYPE_EVENEMENT.c.code)
    )
    types: list[TypeEvenement] = []
    for definition in lignes:
        root = parse(definition)
        assert not isinstance(root, Violation), "une définition gardée se relit"
        types.extend(replace(each, territoire=territoire) for each in read_types(root))
    return tuple(types)


def seal_of(evenement: EvenementPartage) -> bytes:
    """SHA-256 of the canonical form: what the journal proves of an event, without holding it."""
    forme = json.dumps(
        [
            "evenement-1",
            evenement.type,
            evenement.territoire,
            evenement.action,
            evenement.survenance.isoformat(),
            evenement.commentaire,
            dict(sorted(evenement.champs.items())),
        ],
        separators=(",", ":"),
    )
    return hashlib.sha256(forme.encode("ascii")).digest()


def _readable(conn: Connection, guichet: Guichet, numero: str) -> DemandeSuivie | Anomalie:
    """The demande, if it exists and the guichet may read it: the two refusals are one (regles §5)
    ([GPE-2])."""
    ligne = conn.execute(_DEMANDE, {"numero": numero, "guichet": guichet.code}).first()
    if (
        ligne is None
        or not may_read(guichet, ligne.territoire, ligne.communes, detenteur=ligne.detenteur).accorde
    ):
        return anomalies_demande.DEMANDE_HORS_PORTEE(f"« {numero} »", guichet.code)
    return DemandeSuivie(ligne.numero, ligne.territoire, ligne.etat, ligne.date_depot)


def _current(conn: Connection, numero: str) -> dict[int, EvenementPartage]:
    table = EVENEMENT_PARTAGE.c
    lignes = conn.execute(EVENEMENT_PARTAGE.select().where(table.numero == numero, table.courante))
    return {ligne.id: _evenement(ligne) for ligne in lignes}


def _already(conn: Connection, item: EvenementsRecus) -> tuple[EvenementPartage, ...]:
    """What this very file has already made, if it was taken before ([GPE-17])."""
    table = EVENEMENT_PARTAGE.c
    lignes = conn.execute(
        EVENEMENT_PARTAGE.select()
        .where(
            table.numero == item.numero,
            table.fichier == item.empreinte,
            table.action == item.action.value,
        )
        .order_by(table.sequence_journal)
    )
    return tuple(_evenement(ligne) for ligne in lignes)


def _write(
    conn: Connection, chaine: Chaine, item: EvenementsRecus, versions: Sequence[EvenementPartage]
) -> tuple[EvenementPartage, ...]:
    premiere = chaine.sequence + 1
    numerotes = [replace(each, id=each.id or premiere + rang) for rang, each in enumerate(versions)]
    entrees = chaine.append(
        [
            EcritureJournal.of(
                item.echange,
                NATURE,
                item.numero,
                document=seal_of(each),
                detail=json.dumps(
                    {"action": each.action, "evenement": each.id, "type": each.type, "version": each.version},
                    separators=(",", ":"),
                ),
            )
            for each in numerotes
        ]
    )
    for each, entree in zip(numerotes, entrees, strict=True):
        conn.execute(_REMPLACE, {"numero": item.numero, "id": each.id})
        conn.execute(
            EVENEMENT_PARTAGE.insert().values(
                id=each.id,
                version=each.version,
                numero=item.numero,
                type=each.type,
                territoire=each.territoire,
                action=each.action.value,
                auteur=each.auteur,
                cree_le=each.cree_le,
                auteur_modification=each.auteur_modification,
                modifie_le=each.modifie_le,
                survenance=each.survenance,
                commentaire=each.commentaire,
                champs=json.dumps(each.champs, ensure_ascii=False),
                sequence_journal=entree.sequence,
                fichier=item.empreinte,
                courante=each.action is not Action.SUPPRESSION,
            )
        )
    return tuple(numerotes)


def _sorted(evenements: Iterable[EvenementPartage]) -> tuple[EvenementPartage, ...]:
    return tuple(sorted(evenements, key=lambda each: (each.survenance, each.id)))


def _evenement(ligne: Row[*tuple[object, ...]]) -> EvenementPartage:
    return EvenementPartage(
        id=ligne.id,
        version=ligne.version,
        type=ligne.type,
        territoire=ligne.territoire,
        action=Action(ligne.action),
        auteur=ligne.auteur,
        cree_le=ligne.cree_le,
        auteur_modification=ligne.auteur_modification,
        modifie_le=ligne.modifie_le,
        survenance=ligne.survenance,
        commentaire=ligne.commentaire,
        champs=json.loads(ligne.champs),
    )
