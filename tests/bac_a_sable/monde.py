"""A sandbox made here, for a partner that has a certificate of its own, an endpoint and a mail server."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import os
import re
import signal
import ssl
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from lxml import etree

from certs import tls
from echangeur.bac_a_sable import voisin
from echangeur.bac_a_sable.dossier import Bac
from echangeur.cli import run
from soap.faults import NS_FAUTE, NS_SOAP, NS_WS

ECHANGEUR = str(Path(sys.executable).with_name("echangeur"))
DEMANDE = "DemandeLogementImplService"
DELAI = 300.0
"""Seconds after which what is waited for will never come."""


@dataclass
class Recue:
    """An answer. anomalies: codes in the document. faute: code of the fault, or empty."""

    statut: int
    anomalies: list[str] = field(default_factory=list)
    faute: str = ""
    role: str = ""
    numero: str = ""
    texte: str = ""


@dataclass
class Serveur:
    """The process of a sandbox. lignes: what its screen says."""

    process: asyncio.subprocess.Process
    lignes: list[str]

    def find(self, motif: str) -> str:
        """The first group of a pattern on the screen."""
        for ligne in self.lignes:
            found = re.search(motif, ligne)
            if found is not None:
                return found[1]
        raise AssertionError(f"{motif} n'est pas à l'écran : {self.lignes}")

    @property
    def base(self) -> str:
        return self.find(r"^Prêt : (\S+)")


@contextlib.asynccontextmanager
async def started(*words: object, dossier: Path, commande: str = "bac-a-sable") -> AsyncIterator[Serveur]:
    """The command, until its readiness line, ended by Ctrl-C."""
    with (dossier.parent / f"{dossier.name}.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(ECHANGEUR, commande, *map(str, words)),
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            # A shell that starts tests in the background has them ignore Ctrl-C.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
    assert process.stdout is not None
    lignes = []
    try:
        async with asyncio.timeout(DELAI):
            async for line in process.stdout:
                lignes.append(line.decode().rstrip("\n"))
                if lignes[-1].startswith("Prêt"):
                    break
        assert lignes, (dossier.parent / f"{dossier.name}.log").read_text()
        assert lignes[-1].startswith("Prêt"), lignes
        yield Serveur(process, lignes)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        async with asyncio.timeout(DELAI):
            await process.communicate()


async def command(dossier: Path, *words: object) -> str:
    """A sub-command of the sandbox of `dossier`, in this process: starting Python costs more than the rest;
    its output."""
    said = io.StringIO()

    def call() -> int:
        with contextlib.redirect_stdout(said):
            return run(["bac-a-sable", "--dossier", str(dossier), *map(str, words)])

    async with asyncio.timeout(DELAI):
        assert await asyncio.to_thread(call) == 0, said.getvalue()
    return said.getvalue()


class Appelant:
    """Calls the services as the partner, each on a new connection unless it is kept."""

    def __init__(self, bac: Bac, base: str, contexte: ssl.SSLContext) -> None:
        self._bac = bac
        self._base = base
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=contexte))

    async def close(self) -> None:
        await self._session.close()

    def demande(self, graine: str, precision: str = "") -> bytes:
        """A demande of the partner; precision: code of a value."""
        choix = self._bac.fiche.choix
        return voisin.draw(choix, choix.guichet, self._bac.horloge, graine, precision)

    async def num_unique(self, demande: bytes, *, entete: str = "", delai: float = 60) -> Recue:
        """getNumUnique. Raises what a client raises when there is no answer."""
        fichier = base64.b64encode(demande).decode()
        corps = (
            f"<nomFichierDemande>demande.xml</nomFichierDemande><fichierDemande>{fichier}</fichierDemande>"
            "<nomCertificat></nomCertificat><certificat></certificat><complet>non</complet>"
        )
        return await self.call(DEMANDE, "getNumUnique", "numUniqueParametres", corps, entete, delai)

    async def call(
        self, service: str, operation: str, enveloppe: str, corps: str, entete: str = "", delai: float = 60
    ) -> Recue:
        action = f'application/soap+xml; charset=utf-8; action="{NS_WS}{operation}"'
        headers = {"Content-Type": action} | ({"X-Bac-A-Sable": entete} if entete else {})
        message = (
            f'<s:Envelope xmlns:s="{NS_SOAP}" xmlns:ws="{NS_WS}"><s:Body>'
            f"<ws:{enveloppe}>{corps}</ws:{enveloppe}></s:Body></s:Envelope>"
        )
        async with self._session.post(
            f"{self._base}/services/{service}",
            data=message.encode(),
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=delai),
        ) as reponse:
            return read(reponse.status, await reponse.read())


def read(statut: int, octets: bytes) -> Recue:
    """An answer of the services."""
    recue = Recue(statut, texte=octets.decode())
    root = etree.fromstring(octets)
    faute = root.find(f".//{{{NS_FAUTE}}}anomalie")
    if faute is not None:
        recue.faute = faute.get("code", "")
        recue.role = (root.findtext(f".//{{{NS_SOAP}}}Value") or "").rpartition(":")[2]
    fichier = root.find(".//{*}fichierDemande")
    if fichier is not None and fichier.text:
        document = etree.fromstring(base64.b64decode(fichier.text))
        recue.anomalies = [each.get("code", "") for each in document.iterfind(".//{*}anomalie")]
        recue.numero = document.findtext(".//{*}numUnique") or ""
    return recue


def context_of(bac: Bac, cert: Path, key: Path) -> ssl.SSLContext:
    return tls.client_context(bac.partenaire / "ca.pem", cert, key)
