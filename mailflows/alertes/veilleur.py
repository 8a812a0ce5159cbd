"""One turn of the watch: look, judge, keep what is to be told, then tell it.

One process at a time does it, whatever the number of hosts: it holds an advisory lock, which PostgreSQL frees
when it dies. A mail is kept in the transaction that says that it was told; if the process dies before it is
sent, the next turn of any process sends it. If it dies once it is sent and before that is written, the mail
is sent again, under the same Message-ID.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Engine, Row, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError

from mailflows.alertes import courriers, garde
from mailflows.alertes.annonces import ADire, Dite, to_tell, write_mail, write_subject, write_text
from mailflows.alertes.catalogue import CERTIFICAT
from mailflows.alertes.courriers import CourrierAlerte
from mailflows.alertes.faits import Faits
from mailflows.alertes.lecture import read_faits
from mailflows.alertes.presences import keep_presences
from mailflows.alertes.processus import forget_processus
from mailflows.alertes.reglages import Alertes
from mailflows.alertes.regles import FENETRE, Trouvee
from mailflows.alertes.regles_hub import judge
from mailflows.alertes.suivi import Alerte, Etat, follow
from mailflows.alertes.tables import VEILLE
from mailflows.expediteur import Expediteur, NonParti, Parti
from registry.clock import Clock
from registry.conformite import SANS_EXIGENCE, ReglesConformite
from registry.contacts import list_contacts
from registry.journal import ORIGINE, verify_next
from registry.surveillance_certificats import avis_a_envoyer, mark_envoye

VERROU: Final = (0x616C, 1)
"""Advisory lock of the one that watches."""
ENTREES: Final = 2_000
"""Entries of the journal verified at each turn: some tenths of a second."""
REPRISE: Final = timedelta(days=7)
"""How long after a whole verification of the journal the next one begins."""
_NOM: Final = "alertes"


@dataclass(frozen=True, slots=True)
class Veille:
    """How an instance watches. expediteur: our address in the mails. marque: beginning of their subjects.
    lien: public address of the console. taches: those of each day. par_courrier: it does signed mail.
    conformite: what is asked of the reports of guichets."""

    reglages: Alertes
    expediteur: str
    marque: str = "[echangeur]"
    lien: str = ""
    taches: Sequence[str] = ()
    par_courrier: bool = False
    conformite: ReglesConformite = SANS_EXIGENCE


@dataclass(frozen=True, slots=True)
class Bilan:
    """What a turn did. nouvelles, closes: alerts that opened and closed; courriers: mails handed over."""

    ouvertes: int = 0
    nouvelles: int = 0
    closes: int = 0
    courriers: int = 0


class Veilleur:
    """Does the turns of one process. relais: what mails are handed to."""

    def __init__(self, engine: Engine, clock: Clock, veille: Veille, relais: Expediteur) -> None:
        self._engine = engine
        self._clock = clock
        self._veille = veille
        self._relais = relais

    async def tour(self) -> Bilan | None:
        """One turn; None when another process is doing it. Raises SQLAlchemyError without a database."""
        conn = await asyncio.to_thread(self._lock)
        if conn is None:
            return None
        try:
            bilan = await asyncio.to_thread(self.keep)
            sent = await self._send_due()
        finally:
            await asyncio.to_thread(_unlock, conn)
        return Bilan(bilan.ouvertes, bilan.nouvelles, bilan.closes, sent)

    def keep(self) -> Bilan:
        """Look, judge, and keep what is to be told: one transaction. To be called under the lock."""
        instant = self._clock.now()
        with self._engine.begin() as conn:
            faits = self.look(conn, instant)
            known = garde.list_en_cours(conn)
            opened = {each.cle for each in known if each.etat is Etat.OUVERTE}
            found = judge(faits, self._veille.reglages, opened)
            written = garde.write_suite(conn, follow(known, found, instant, self._veille.reglages))
            self._tell(conn, written, instant)
            garde.purge(conn, instant)
            courriers.purge(conn, instant)
        now_open = {each.cle for each in written if each.etat is Etat.OUVERTE}
        closed = sum(each.etat is Etat.CLOSE for each in written)
        return Bilan(len(now_open), len(now_open - opened), closed)

    def try_out(self) -> tuple[Trouvee, ...]:
        """What the rules find now, which is not kept: neither it, nor what was read for it."""
        with self._engine.connect() as conn:
            opened = {each.cle for each in garde.list_ouvertes(conn)}
            found = judge(self.look(conn, self._clock.now()), self._veille.reglages, opened)
            conn.rollback()
        return tuple(found.values())

    def look(self, conn: Connection, instant: datetime) -> Faits:
        """The facts of now; presences and the verification of the journal are carried on."""
        first = insert(VEILLE).values(
            nom=_NOM, commencee_le=instant, presences_le=instant - FENETRE, empreinte=ORIGINE
        )
        conn.execute(first.on_conflict_do_nothing())
        row = conn.execute(select(VEILLE).where(VEILLE.c.nom == _NOM)).one()
        keep_presences(conn, row.presences_le, instant)
        _note(conn, presences_le=instant)
        forget_processus(conn, instant)
        return read_faits(
            conn,
            instant,
            veille_depuis=row.commencee_le,
            rupture=_verify(conn, row, instant),
            attendues=self._veille.taches,
            par_courrier=self._veille.par_courrier,
            conformite=self._veille.conformite,
        )

    def _tell(self, conn: Connection, alertes: Sequence[Alerte], instant: datetime) -> None:
        reglages = self._veille.reglages
        # Those that this turn closes are among those whose end is to be told.
        opened = (each for each in alertes if each.etat is Etat.OUVERTE)
        concerned = (*opened, *garde.list_to_end(conn, instant))
        contacts = {code: each.technique for code, each in list_contacts(conn).items() if each.technique}
        dites = garde.read_dites(conn, concerned)
        addresses = (*reglages.exploitants, *contacts.values())
        told = to_tell(
            concerned,
            dites,
            contacts,
            garde.list_sourdines(conn, instant),
            courriers.last_written(conn, addresses),
            instant,
            reglages,
        )
        for adresse, choses in told.items():
            sujet = f"{self._veille.marque} {write_subject(choses)}"
            courriers.keep(conn, adresse, sujet, write_text(choses, instant, self._veille.lien), instant)
            garde.mark_dites(conn, adresse, choses, instant)
        _mark_notices(conn, alertes, contacts, dites, told, instant)

    async def _send_due(self) -> int:
        """Hand over all the mails that are due; how many have left."""
        sent = 0
        while (courrier := await asyncio.to_thread(self._take)) is not None:
            mail = write_mail(
                courrier.id,
                self._veille.expediteur,
                courrier.destinataire,
                courrier.sujet,
                courrier.texte,
                courrier.cree_le,
            )
            issue = await self._relais.send(courrier.id, courrier.destinataire, mail)
            await asyncio.to_thread(self._finish, courrier, issue)
            sent += isinstance(issue, Parti)
        # Nothing is kept open until the next turn, a minute later at least.
        await self._relais.stop()
        return sent

    def _take(self) -> CourrierAlerte | None:
        with self._engine.begin() as conn:
            return courriers.take(conn, self._clock.now())

    def _finish(self, courrier: CourrierAlerte, issue: Parti | NonParti) -> None:
        with self._engine.begin() as conn:
            courriers.finish(conn, courrier, issue, self._clock.now())

    def _lock(self) -> Connection | None:
        # Nothing is left open on it: a transaction that idles is ended by the server.
        conn = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        classe, cle = VERROU
        taken = conn.execute(
            text("SELECT pg_try_advisory_lock(:classe, :cle)"), {"classe": classe, "cle": cle}
        ).scalar_one()
        if taken:
            return conn
        conn.close()
        return None


def _unlock(conn: Connection) -> None:
    classe, cle = VERROU
    with suppress(DBAPIError):
        conn.execute(text("SELECT pg_advisory_unlock(:classe, :cle)"), {"classe": classe, "cle": cle})
    with suppress(DBAPIError):
        conn.close()


def _verify(conn: Connection, row: Row[Any], instant: datetime) -> str:
    """Carry the verification of the journal on from where the watch left it; the break that stands, or
    empty."""
    sequence, empreinte, en_faute = row.sequence, bytes(row.empreinte), row.en_faute
    verifie_le, rupture = row.verifie_le, str(row.rupture)
    if verifie_le is not None and instant - verifie_le >= REPRISE:
        sequence, empreinte, en_faute, verifie_le = 0, ORIGINE, False, None
    step = verify_next(conn, sequence, empreinte, ENTREES)
    if step.rupture is not None and not en_faute:
        en_faute, rupture = True, f"entrée {step.rupture.sequence}, {step.rupture.constat}"
    if step.finie and verifie_le is None:
        # A whole verification without a break closes what an earlier one had found.
        verifie_le, rupture = instant, rupture if en_faute else ""
    _note(
        conn,
        sequence=step.sequence,
        empreinte=step.empreinte,
        en_faute=en_faute,
        verifie_le=verifie_le,
        rupture=rupture,
    )
    return rupture


def _note(conn: Connection, **values: object) -> None:
    conn.execute(update(VEILLE).where(VEILLE.c.nom == _NOM).values(values))


def _mark_notices(
    conn: Connection,
    alertes: Sequence[Alerte],
    contacts: dict[str, str],
    dites: dict[tuple[int, str], Dite],
    told: dict[str, list[ADire]],
    instant: datetime,
) -> None:
    """What a contact is told of the end of a certificate is no longer waiting for the operator to tell it."""
    now = {
        (each.alerte.id, adresse): each.alerte.niveau for adresse, choses in told.items() for each in choses
    }
    known = {each.objet: each for each in alertes if each.code == CERTIFICAT.code}
    for avis in avis_a_envoyer(conn):
        alerte = known.get(avis.empreinte)
        if alerte is None or not alerte.au_partenaire:
            continue
        key = (alerte.id, contacts.get(alerte.guichet, ""))
        level = now.get(key, dites[key].niveau if key in dites else None)
        if level is not None and level >= -avis.palier:
            mark_envoye(conn, avis, instant=instant)
