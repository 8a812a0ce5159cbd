"""The erasure of nominative data, one year after the radiation (décret 2017-917 art. 4, regles §12).

What stays proves and counts: the journal, with the empreintes of what is erased; the number, which is never
given again; territory, communes, dates and motive of the demande, for the statistics; who read what.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Final

from sqlalchemy import Connection, Engine, text

from registry.controles import PARIS
from registry.journal import Chaine
from registry.projection import forget
from registry.regles import Regles
from registry.suites import system
from registry.validite import add_months

NATURE: Final = "PURGE"
"""Nature of the journal entry that says that a demande was erased."""

_LOT: Final = 500

_DUE: Final = text("""
    SELECT numero FROM demande
    WHERE numero > :apres AND (
        (etat = 'radiee' AND date_radiation <= :limite) OR (etat = 'supprimee' AND maj_le < :limite_le))
    ORDER BY numero LIMIT :lot
""")

# In this order: the exchanges are found by the versions. A table that holds nominative data of a demande adds
# its line here.
_ERASE: Final = tuple(
    text(statement)
    for statement in (
        # The mails that carried or named a demande, with their answers ([COU-71]); who names a file may
        # name a person. One that is being handled right now goes with the retention.
        """
        WITH nommes AS (
            SELECT f.courrier, f.rang FROM courrier_fichier f
            JOIN courrier_entrant e ON e.id = f.courrier AND e.etat <> 'recu'
            WHERE f.numero = ANY(CAST(:numeros AS text[])) OR f.echange = ANY(ARRAY(
                SELECT j.echange FROM demande_version v JOIN journal j ON j.sequence = v.sequence_journal
                WHERE v.numero = ANY(CAST(:numeros AS text[]))))
        ), bruts AS (
            DELETE FROM courrier_brut WHERE courrier IN (SELECT courrier FROM nommes)
        ), contenus AS (
            DELETE FROM courrier_contenu c USING courrier_sortant s
            WHERE s.id = c.courrier AND s.entrant IN (SELECT courrier FROM nommes)
        ), sortants AS (
            UPDATE courrier_sortant SET etat = 'echec', prochaine_tentative = NULL, termine_le = :instant,
                detail = 'effacé avec une demande'
            WHERE etat IN ('a_envoyer', 'attend_accuse') AND entrant IN (SELECT courrier FROM nommes)
        )
        UPDATE courrier_fichier f SET nom = '', reponse = NULL FROM nommes n
        WHERE f.courrier = n.courrier AND f.rang = n.rang
        """,
        """
        DELETE FROM echange_brut b USING demande_version v JOIN journal j ON j.sequence = v.sequence_journal
        WHERE v.numero = ANY(CAST(:numeros AS text[])) AND b.echange = j.echange
        """,
        """
        DELETE FROM piece_bloc b USING piece p
        WHERE p.numero = ANY(CAST(:numeros AS text[])) AND b.piece = p.id
        """,
        # A pièce bears the identifier of its exchange, whose message holds it when it came inline.
        """
        DELETE FROM echange_brut b USING piece p
        WHERE p.numero = ANY(CAST(:numeros AS text[])) AND b.echange = p.id
        """,
        "DELETE FROM piece WHERE numero = ANY(CAST(:numeros AS text[]))",
        "DELETE FROM piece_action WHERE numero = ANY(CAST(:numeros AS text[]))",
        """
        DELETE FROM echange_brut b USING evenement_partage e JOIN journal j ON j.sequence = e.sequence_journal
        WHERE e.numero = ANY(CAST(:numeros AS text[])) AND b.echange = j.echange
        """,
        "DELETE FROM evenement_partage WHERE numero = ANY(CAST(:numeros AS text[]))",
        """
        DELETE FROM echange_brut b USING depot d JOIN depot_message m ON m.depot = d.id
        WHERE d.numero = ANY(CAST(:numeros AS text[])) AND b.echange = m.echange
        """,
        """
        DELETE FROM depot_message m USING depot d
        WHERE d.numero = ANY(CAST(:numeros AS text[])) AND m.depot = d.id
        """,
        """
        UPDATE depot SET etat = 'purgee', nom_depose = NULL, prenom_depose = NULL
        WHERE numero = ANY(CAST(:numeros AS text[]))
        """,
        "DELETE FROM rejeu WHERE numero = ANY(CAST(:numeros AS text[]))",
        "DELETE FROM identite WHERE numero = ANY(CAST(:numeros AS text[]))",
        "DELETE FROM preavis WHERE numero = ANY(CAST(:numeros AS text[]))",
        "DELETE FROM detention WHERE numero = ANY(CAST(:numeros AS text[]))",
        # What had not arrived never will; the sequence stays, so that the guichet sees no gap ([DST-26]).
        """
        UPDATE distribution SET etat = 'retiree', termine_le = :instant
        WHERE numero = ANY(CAST(:numeros AS text[])) AND etat IN ('en_attente', 'echec')
        """,
        "DELETE FROM demande_version WHERE numero = ANY(CAST(:numeros AS text[]))",
        "UPDATE demande SET etat = 'purgee', maj_le = :instant WHERE numero = ANY(CAST(:numeros AS text[]))",
    )
)
# What brought a version, a pièce, a shared event or a deposit goes with it; everything else is due, whatever
# became of it: refused, interrupted, seen before, or a mere question, which may name people too. A table
# whose messages go with it adds its line.
_ERASE_EXCHANGES: Final = text("""
    DELETE FROM echange_brut b WHERE b.echange < :avant
    AND NOT EXISTS (SELECT FROM journal j JOIN demande_version v ON v.sequence_journal = j.sequence
        WHERE j.echange = b.echange)
    AND NOT EXISTS (SELECT FROM journal j JOIN evenement_partage e ON e.sequence_journal = j.sequence
        WHERE j.echange = b.echange)
    AND NOT EXISTS (SELECT FROM piece p WHERE p.id = b.echange)
    AND NOT EXISTS (SELECT FROM depot_message m WHERE m.echange = b.echange)
""")


def erase(
    engine: Engine,
    regles: Regles,
    instant: datetime,
    *,
    essai: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Iterator[str]:
    """Erase what is due on the day of `instant` (aware), one transaction a batch; the numbers erased
    ([VIE-63]).

    A reactivation cancels the erasure: its windows end within the year, and what is active is not looked at.
    essai: what would be erased.
    """
    limite = add_months(instant.astimezone(PARIS).date(), -regles.conservation_mois)
    apres = ""
    while True:
        with engine.begin() as conn:
            chaine = None if essai else Chaine.lock(conn)
            numeros = list(
                conn.scalars(
                    _DUE, {"apres": apres, "limite": limite, "limite_le": _midnight(limite), "lot": _LOT}
                )
            )
            if chaine is not None and numeros:
                _erase(conn, chaine, numeros, instant)
        if not numeros:
            return
        apres = numeros[-1]
        if progress is not None:
            progress(len(numeros))
        yield from numeros


def erase_exchanges(engine: Engine, regles: Regles, instant: datetime, *, essai: bool = False) -> int:
    """Erase the raw bytes of the exchanges that nothing kept came from, once older than the retention; how
    many ([VIE-64]).

    The others go with what they brought (`erase`, registry.depots_taches). The exchange itself stays, with
    its size and its empreinte. essai: how many would be.
    """
    limite = limite_of(regles, instant)
    # A UUID version 7 begins with its instant: the key is the order of reception.
    avant = uuid.UUID(int=int(limite.timestamp() * 1000) << 80)
    with engine.connect() as conn:
        nombre = conn.execute(_ERASE_EXCHANGES, {"avant": avant}).rowcount
        if essai:
            conn.rollback()
        else:
            conn.commit()
    return nombre


def limite_of(regles: Regles, instant: datetime) -> datetime:
    """Start of the retention on the day of `instant` (aware)."""
    return _midnight(add_months(instant.astimezone(PARIS).date(), -regles.conservation_mois))


def _erase(conn: Connection, chaine: Chaine, numeros: list[str], instant: datetime) -> None:
    auteur = system(instant)
    chaine.append([auteur.entry(NATURE, numero=numero) for numero in numeros])
    forget(conn, numeros)
    for statement in _ERASE:
        conn.execute(statement, {"numeros": numeros, "instant": instant})


def _midnight(jour: date) -> datetime:
    return datetime(jour.year, jour.month, jour.day, tzinfo=PARIS).astimezone(UTC)
