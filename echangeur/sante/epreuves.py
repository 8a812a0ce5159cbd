"""The round trips by which each role proves that it serves. Each returns what is wrong, or None.

All of them leave nothing: what they write is rolled back, what they ask is refused before it is handled.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import uuid
from datetime import date, datetime
from typing import Final

import aiohttp
import aiosmtplib
from sqlalchemy import Engine, insert, text
from sqlalchemy.exc import SQLAlchemyError

from dispatching.tables import TACHE_DU_JOUR
from echangeur.sante import anomalies
from mailflows.alertes.faits import CourriersBloques
from mailflows.alertes.lecture import read_stuck
from mailflows.alertes.regles_hub import DEPART, is_stuck
from mailflows.boite_imap import BoiteImap, BoiteInjoignable, ParametresBoite
from mailflows.expediteur import Relais, open_session
from registry.anomalies import Anomalie
from registry.certificats import CERTIFICAT_INCONNU
from registry.clock import Clock
from registry.database import head_revision

_CHEMIN: Final = "/services/DemandeLogementImplService"
_ACTION: Final = "http://ws.metier.nuu.application.i2/getDemandeLogement"
_ENVELOPPE: Final = (
    b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"'
    b' xmlns:w="http://ws.metier.nuu.application.i2/"><s:Body><w:demandeLogementParametres>'
    b"<numUnique>SONDE</numUnique><nomCertificat/><certificat/>"
    b"</w:demandeLogementParametres></s:Body></s:Envelope>"
)


async def prove_base(engine: Engine) -> Anomalie | None:
    """Write in the database and take it back: a standby, a full disk or another schema do not pass."""
    try:
        return await asyncio.to_thread(_write_and_roll_back, engine)
    except SQLAlchemyError as error:
        return anomalies.BASE_MUETTE(type(error).__name__, "une écriture annulée aussitôt")


def _write_and_roll_back(engine: Engine) -> Anomalie | None:
    with engine.connect() as conn:
        revision = str(conn.execute(text("SELECT version_num FROM version_schema")).scalar_one())
        conn.execute(insert(TACHE_DU_JOUR).values(nom=f"sonde {uuid.uuid4()}", jour=date.min))
        conn.rollback()
    if revision < head_revision():
        return anomalies.SCHEMA_AUTRE(revision, head_revision())
    return None


async def prove_alertes(engine: Engine, clock: Clock) -> Anomalie | None:
    """Whether the mails of alerts leave: they cannot tell it themselves ([ALE-7])."""
    instant = clock.now()
    try:
        found = await asyncio.to_thread(_read_stuck, engine, instant)
    except SQLAlchemyError:
        # The proof of the database says it.
        return None
    if not is_stuck(found, instant):
        return None
    return anomalies.ALERTES_BLOQUEES(f"{found.en_attente} en attente", DEPART)


def _read_stuck(engine: Engine, instant: datetime) -> CourriersBloques:
    with engine.connect() as conn:
        return read_stuck(conn, instant)


async def prove_soap(adresse: str, context: ssl.SSLContext) -> Anomalie | None:
    """Call the SOAP services of this process, over TLS and with a certificate: nobody's, which only the
    database can tell. adresse: of this process, without a path."""
    attendu = f"une faute {CERTIFICAT_INCONNU.code}"
    headers = {"Content-Type": f'application/soap+xml; charset=utf-8; action="{_ACTION}"'}
    try:
        async with (
            _session(context) as session,
            session.post(adresse + _CHEMIN, data=_ENVELOPPE, headers=headers) as answer,
        ):
            body = await answer.text()
    except (aiohttp.ClientError, OSError) as error:
        return anomalies.APPEL_MANQUE(_cause(error), attendu)
    if answer.status == 500 and CERTIFICAT_INCONNU.code in body:
        return None
    return anomalies.APPEL_MANQUE(f"statut {answer.status}", attendu)


async def prove_console(adresse: str, context: ssl.SSLContext) -> Anomalie | None:
    """Ask the console of this process for its first page, as somebody who has not signed in."""
    try:
        async with _session(context) as session, session.get(adresse + "/") as answer:
            await answer.read()
    except (aiohttp.ClientError, OSError) as error:
        return anomalies.CONSOLE_MUETTE(_cause(error), "une page")
    return None if answer.status == 200 else anomalies.CONSOLE_MUETTE(f"statut {answer.status}", "une page")


async def prove_reception(hote: str, port: int, *, lmtp: bool) -> Anomalie | None:
    """Talk to the reception of mail of this process: its greeting, a word, and goodbye."""
    try:
        reader, writer = await asyncio.open_connection(hote, port)
    except OSError as error:
        return anomalies.COURRIER_ARRETE(_cause(error), "une réception à l'écoute")
    try:
        await _expect(reader, "220")
        await _ask(reader, writer, f"{'LHLO' if lmtp else 'EHLO'} sonde", "250")
        await _ask(reader, writer, "NOOP", "250")
        await _ask(reader, writer, "QUIT", "221")
    except (OSError, ValueError) as error:
        return anomalies.COURRIER_ARRETE(str(error)[:80] or _cause(error), "un dialogue jusqu'au bout")
    finally:
        writer.close()
    return None


async def prove_relay(relais: Relais) -> Anomalie | None:
    """Open a session with the relay, as a mail that leaves does: TLS, account, and a word."""
    try:
        client = await open_session(relais)
        try:
            await client.noop()
        finally:
            client.close()
    except (aiosmtplib.SMTPException, OSError) as error:
        return anomalies.COURRIER_ARRETE(f"relais, {_cause(error)}", "une session ouverte")
    return None


async def prove_mailbox(boite: ParametresBoite) -> Anomalie | None:
    """Open the mailbox, as its reading does."""
    try:
        opened = await BoiteImap.open(boite)
    except BoiteInjoignable:
        return anomalies.COURRIER_ARRETE("boîte injoignable", "une boîte ouverte")
    with contextlib.suppress(BoiteInjoignable):
        await opened.close()
    return None


def _session(context: ssl.SSLContext) -> aiohttp.ClientSession:
    # A connection for each: a new handshake is what is to be proved.
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context, force_close=True))


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: str, code: str) -> None:
    writer.write(line.encode() + b"\r\n")
    await writer.drain()
    await _expect(reader, code)


async def _expect(reader: asyncio.StreamReader, code: str) -> None:
    """Read an answer to its last line (RFC 5321 §4.2.1). Raises ValueError when it is another."""
    while True:
        line = (await reader.readline()).decode("ascii", "replace")
        if not line.startswith(code):
            raise ValueError(f"réponse {line[:3] or 'vide'} au lieu de {code}")
        if line[3:4] != "-":
            return


def _cause(error: BaseException) -> str:
    return type(error).__name__
