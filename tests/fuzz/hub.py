"""The hub under attack, in this process: real handlers, database and TLS; and how an answer is judged."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import re
import time
import warnings
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Final

import aiohttp
import structlog
from lxml import etree
from sqlalchemy import Engine

from certs import tls
from echangeur.instance import Instance, create_instance
from echangeur.roles.socle import Socle
from registry.anomalies import CATALOGUE
from registry.certificats import pin_certificat
from registry.clock import SystemClock
from registry.guichets import Guichet, TypeGuichet
from registry.guichets_store import NouveauGuichet, add_guichet
from schemas.generation import generate_demande
from soap.faults import NS_FAUTE, NS_SOAP
from tests.fuzz.appels_valides import LE, Message, mutate, num_unique, write_valid
from tests.fuzz.campagne import Bilan
from tools.exemples import serve

CIBLE: Final = "appels SOAP, d'après les schémas"
DELAI: Final = 30.0
"""Seconds without an answer that are a hang, on a busy machine: a call takes some tens of milliseconds."""
SIMULTANES: Final = 8
AUTRE: Final = "Zzygomatique"
"""The name of somebody whom another guichet, of another territory, registered: nobody here may read it."""

_FUITES: Final = re.compile(
    rb"Traceback|File \"|line \d+, in |\.py\b|psycopg|sqlalchemy|lxml\.|SELECT |INSERT |/tmp/|/home/"
    rb"|0x[0-9a-f]{8}|KeyError|ValueError|TypeError|AttributeError|Exception\(|" + AUTRE.encode()
)


@dataclass
class Attaque:
    """A hub ready to be attacked. connue: a demande as it emitted it."""

    base: str
    session: aiohttp.ClientSession
    connue: bytes

    def draw(self, graine: str, numero: int) -> Message:
        """The mutated call of this number, whatever was sent before it."""
        return mutate(Random(f"{graine}/{CIBLE}/{numero}"), self.connue)

    async def send(self, message: Message) -> tuple[int, bytes]:
        """Status and body of the answer. Raises what a client raises without one."""
        async with self.session.post(
            f"{self.base}/services/{message.service}",
            data=message.corps,
            headers={"Content-Type": message.content_type},
        ) as answer:
            return answer.status, await answer.read()

    async def run(self, graine: str, numeros: Sequence[int]) -> Bilan:
        """Every mutation of these numbers, some at once."""
        bilan = Bilan(CIBLE)
        restants = iter(numeros)

        async def attack() -> None:
            for numero in restants:
                await self._try(graine, numero, bilan)

        await asyncio.gather(*(attack() for _ in range(SIMULTANES)))
        return bilan

    async def _try(self, graine: str, numero: int, bilan: Bilan) -> None:
        message = self.draw(graine, numero)
        bilan.essais += 1
        before = time.perf_counter()
        try:
            statut, corps = await self.send(message)
        except (aiohttp.ClientError, TimeoutError) as error:
            bilan.fautes.append(f"n° {numero} : {type(error).__name__} {str(error)[:100]}")
            return
        spent = time.perf_counter() - before
        if spent > bilan.plus_long:
            bilan.plus_long, bilan.numero_plus_long = spent, numero
        motif, faute = judge(statut, corps)
        if faute:
            bilan.fautes.append(f"n° {numero} : {faute}")
        bilan.motifs[motif] += 1
        bilan.acceptes += motif == "accepté"


def judge(statut: int, corps: bytes) -> tuple[str, str]:
    """The codes that an answer gives, or « accepté »; and what must not be, or empty."""
    try:
        root = etree.fromstring(_without_parts(corps))
    except etree.XMLSyntaxError:
        return "illisible", f"HTTP {statut}, réponse qui n'est pas une enveloppe : {corps[:80]!r}"
    leak = _FUITES.search(_without_echo(root))
    if leak is not None:
        return "fuite", f"la réponse dit {leak[0]!r}"
    codes = [each.get("code", "") for each in root.iter(f"{{{NS_FAUTE}}}anomalie")]
    if codes:
        unknown = [code for code in codes if code not in CATALOGUE.types]
        if unknown or statut != 500:
            return codes[0], f"HTTP {statut}, faute {codes}"
        if codes[0] in ("SOA090", "SOA091"):
            return codes[0], f"faute {codes[0]}, qui ne dit rien du message"
        return codes[0], ""
    if statut != 200 or root.find(f"{{{NS_SOAP}}}Body") is None:
        return "muette", f"HTTP {statut} sans faute"
    found = re.findall(rb'anomalie code="(\w+)"', _files(root, corps))
    return (found[0].decode() if found else "accepté"), ""


def _without_parts(corps: bytes) -> bytes:
    """The envelope of an answer that may have parts."""
    debut = corps.find(b"<soap:Envelope")
    fin = corps.find(b"</soap:Envelope>")
    return corps if debut < 0 or fin < 0 else corps[debut : fin + 16]


def _without_echo(root: etree._Element) -> bytes:
    """What the hub says, without what it quotes of the message between « » or sends back to its author."""
    textes = [
        re.sub(r"« .*? »|\{[^}]*\}\w*", "", each.text or "", flags=re.DOTALL)
        for each in root.iter()
        if isinstance(each.tag, str) and not str(each.tag).startswith(("fichier", "liste"))
    ]
    return "\n".join(textes).encode()


def _files(root: etree._Element, corps: bytes) -> bytes:
    inline = b"".join(
        base64.b64decode(each.text)
        for each in root.iter("{*}fichierDemande", "{*}fichierDalo", "{*}fichierXmlRetour")
        if each.text and each.text.strip() and not len(each)
    )
    return inline + corps


@contextlib.asynccontextmanager
async def attacked(dossier: Path, url: str = "", *, muet: bool = True) -> AsyncIterator[Attaque]:
    """A hub on an instance made in `dossier`, until the block ends. url: of its database; none, embedded."""
    clock = SystemClock()
    instance = await asyncio.to_thread(create_instance, dossier, now=clock.now(), url=url)
    with instance.database(pool_size=8) as engine:
        _settle(instance, engine, clock.now())
        socle = Socle(instance, engine, clock)
        async with contextlib.AsyncExitStack() as stack:
            port = await stack.enter_async_context(serve(socle))
            folder = dossier / "G1104"
            session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    ssl=tls.client_context(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
                ),
                timeout=aiohttp.ClientTimeout(total=DELAI),
            )
            stack.push_async_callback(session.close)
            attaque = Attaque(f"https://localhost:{port}", session, b"")
            attaque.connue = await _first(attaque)
            # A line of the log for each call is what a hub writes; what a library warns of while it reads
            # hostile bytes is no exception.
            if muet:
                structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
            stack.callback(structlog.reset_defaults)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield attaque


def _settle(instance: Instance, engine: Engine, now: datetime) -> None:
    autorite = instance.load_autorite()
    with engine.begin() as conn:
        for code, territoire in (("G1104", "111"), ("G6900", "069")):
            identite = autorite.issue_guichet(code, now=now)
            identite.write(instance.dossier / code)
            nouveau = NouveauGuichet(code, code, TypeGuichet.BAILLEUR, "552046484", frozenset({territoire}))
            assert isinstance(add_guichet(conn, nouveau, instant=now), Guichet)
            pin_certificat(conn, code, identite.certificat, instant=now)


async def _first(attaque: Attaque) -> bytes:
    """Register a demande; it as the hub emitted it."""
    document = generate_demande("fuzz connue", le=LE, date_creation=LE)
    statut, octets = await attaque.send(write_valid(num_unique(document)))
    fichier = etree.fromstring(octets).findtext(".//{*}fichierDemande")
    assert statut == 200, octets
    assert fichier, octets
    return base64.b64decode(fichier)
