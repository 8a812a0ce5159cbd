"""The act of the mail: a legacy partner whose robot signs and encrypts, and three mails that are refused.

Its server receives what the hub sends, as the relay of the hub: the mails travel on real sockets, with TLS.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import msgspec
from sqlalchemy import Connection, text

from certs import tls
from certs.autorite import create_autorite, write_secret
from certs.enveloppe import encrypt
from certs.paire import Paire, load_paire
from certs.signature import sign
from conformance.partenaire_courrier import Echangeur, PartenaireCourrier, Piece, Recu, tamper
from dispatching.canaux import switch_canal
from echangeur.config import render
from echangeur.courrier import load_cles
from echangeur.demo.partenaires import Preparation
from echangeur.demo.recit import Recit
from echangeur.demo.scenario import MONTREUIL
from echangeur.instance import Instance
from filters.language import filtre
from filters.store import save_filtre
from mailflows.entrants import EtatEntrant, list_entrants
from registry.certificats import pin_certificat
from registry.clock import Clock
from registry.guichets import CanalDistribution, TypeGuichet
from registry.guichets_store import NouveauGuichet, add_guichet, set_adresse_courrier
from schemas.courrier import Verdict
from schemas.generation import generate_demande

M: Final = "G1400"
ADRESSE: Final = "robot@guichet.example"
ECHANGEUR: Final = "echangeur@localhost"
_DELAI: Final = 60.0
"""Seconds for an answer to come back: some two are seen."""

REFUS: Final = {"altéré": "COU003", "expiré": "GUI004", "inconnu": "GUI001"}
"""The three mails refused, and the code that the operator must read."""


@dataclass(frozen=True, slots=True)
class Acte:
    """The partner by mail, ready. expire: a pair whose certificate was its own, and is over."""

    partenaire: PartenaireCourrier
    expire: Paire
    instance: Instance


@asynccontextmanager
async def prepare(preparation: Preparation, recit: Recit, clock: Clock) -> AsyncIterator[Acte]:
    """Register the partner, start its server, open the channel, all before the hub starts."""
    instance = preparation.instance
    with socket.create_server(("localhost", 0)) as free:
        port = free.getsockname()[1]
    autorite = instance.load_autorite()
    identite = autorite.issue_guichet(M, now=clock.now(), nom="Office par courrier")
    ancienne = autorite.issue_guichet(M, now=clock.now() - timedelta(days=30), duree=timedelta(days=10))
    ca = instance.dossier / "autorite" / "ca.pem"
    hub = load_cles(instance, clock)
    recit.line(f"Partenaire M : Office par courrier ({M}, bailleur), par courrier signé seulement")
    partenaire = PartenaireCourrier(
        ADRESSE,
        load_paire(identite.chaine, identite.cle),
        Echangeur(
            ECHANGEUR,
            "localhost",
            port,
            hub.dechiffrement()[0].certificat,
            hub.signataire().certificat.empreinte,
            tls.client_context(ca),
        ),
        contexte=_server(preparation, clock),
    )
    relais = await partenaire.start()
    configuration = msgspec.structs.replace(
        instance.configuration,
        courrier=msgspec.structs.replace(
            instance.configuration.courrier, actif=True, ecoute="localhost", port=port, adresse=ECHANGEUR
        ),
        relais=msgspec.structs.replace(
            instance.configuration.relais, port=relais, autorites="autorite/ca.pem"
        ),
    )
    write_secret(instance.fichier, render(configuration).encode("utf-8"))
    with instance.database() as engine, engine.begin() as conn:
        _register(conn, identite.certificat, ancienne.certificat, clock)
    try:
        yield Acte(partenaire, load_paire(ancienne.chaine, ancienne.cle), instance)
    finally:
        await partenaire.stop()


async def play(acte: Acte, recit: Recit, clock: Clock) -> list[str]:
    """The act; what did not happen as it should."""
    recit.title("Un partenaire ancien : tout par courrier signé et chiffré")
    partenaire, ecarts = acte.partenaire, []
    document = generate_demande(
        "démonstration courrier",
        territoire="111",
        guichet=M,
        communes=[MONTREUIL],
        types_logement=["T3"],
        le=clock.now().date() - timedelta(days=1),
        date_creation=clock.now().date() - timedelta(days=1),
    )
    recit.line("M ~> échangeur  courrier signé et chiffré, une demande")
    recu = await _answer(
        partenaire, await partenaire.post(Piece(f"DEM{M}-202601010000-000001.xml", document))
    )
    (fichier,) = recu.accuse.fichiers if recu.accuse is not None else ()
    recit.line(f"M <~ échangeur  {recu.sujet} : {fichier.verdict}, numéro unique {fichier.numero}", "green")
    if fichier.verdict is not Verdict.ACCEPTE or not fichier.numero:
        ecarts.append("la demande par courrier n'a pas eu de numéro")
    async with asyncio.timeout(_DELAI):
        await partenaire.wait_for(lambda recus: any(each.nature == "distribution" for each in recus))
    distribution = next(each for each in partenaire.recus if each.nature == "distribution")
    recit.line(f"échangeur ~> M  {distribution.sujet}, accusé de réception signé par M", "cyan")
    await _refused(acte, document, recit, ecarts, clock)
    if not await _acknowledged(acte):
        ecarts.append("la distribution par courrier n'a pas été acquittée")
    return ecarts


async def _refused(acte: Acte, document: bytes, recit: Recit, ecarts: list[str], clock: Clock) -> None:
    partenaire = acte.partenaire
    sealed = encrypt(
        sign(document, [partenaire.paire], instant=clock.now()), [partenaire.echangeur.chiffrement]
    )
    inconnu = create_autorite("Autorité d'ailleurs", now=clock.now()).issue_guichet(M, now=clock.now())
    etranger = load_paire(inconnu.chaine, inconnu.cle)
    piece = Piece("DEM.xml", document)
    await partenaire.send(partenaire.wrap(tamper(sealed)))
    await partenaire.send(partenaire.compose([piece], signataire=acte.expire))
    await partenaire.send(partenaire.compose([piece], signataire=etranger), expediteur="qui@ailleurs.example")
    async with asyncio.timeout(_DELAI):
        await partenaire.wait_for(lambda recus: sum(each.nature == "refus" for each in recus) == 2)
        # The hub is another process: nothing here tells when it has written.
        while len(found := await asyncio.to_thread(_quarantine, acte.instance)) < len(REFUS):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    for code, motif in found:
        recit.line(f"quarantaine     {code} : {motif}", "yellow")
    for recu in partenaire.recus:
        if recu.nature == "refus" and recu.accuse is not None:
            (anomalie,) = recu.accuse.anomalies
            recit.line(f"M <~ échangeur  refus signé, {anomalie.code} : {anomalie.message}", "yellow")
    recit.line("L'expéditeur inconnu ne reçoit rien.")
    if sorted(code for code, _ in found) != sorted(REFUS.values()):
        ecarts.append(f"la quarantaine contient {found}")


async def _answer(partenaire: PartenaireCourrier, message_id: str) -> Recu:
    async with asyncio.timeout(_DELAI):
        (recu, *_) = await partenaire.answer_to(message_id)
    return recu


async def _acknowledged(acte: Acte) -> bool:
    def look() -> bool:
        with acte.instance.database() as engine, engine.connect() as conn:
            query = text("SELECT count(*) FROM distribution WHERE guichet = :code AND etat = 'acquittee'")
            return bool(conn.execute(query, {"code": M}).scalar_one())

    try:
        async with asyncio.timeout(_DELAI):
            while not await asyncio.to_thread(look):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
    except TimeoutError:
        return False
    return True


def _quarantine(instance: Instance) -> list[tuple[str, str]]:
    with instance.database() as engine, engine.connect() as conn:
        return [(each.code, each.motif) for each in list_entrants(conn, etat=EtatEntrant.QUARANTAINE)]


def _register(conn: Connection, certificat: bytes, ancien: bytes, clock: Clock) -> None:
    """As the commands do; the old certificate was registered while it was valid."""
    now = clock.now()
    nouveau = NouveauGuichet(
        M, "Office par courrier", TypeGuichet.BAILLEUR, "552046955", frozenset({"111"}), numerote=False
    )
    refus: list[object] = [add_guichet(conn, nouveau, instant=now - timedelta(days=29))]
    refus.append(pin_certificat(conn, M, ancien, instant=now - timedelta(days=29)))
    refus.append(pin_certificat(conn, M, certificat, instant=now))
    refus.append(set_adresse_courrier(conn, M, ADRESSE) or None)
    refus.append(switch_canal(conn, M, CanalDistribution.COURRIER, instant=now) or None)
    save_filtre(
        conn, M, filtre("Deux pièces à Montreuil", communes=[MONTREUIL], types_logement=["T2"]), instant=now
    )
    if any(isinstance(each, tuple) for each in refus):
        raise RuntimeError(f"préparation refusée : {refus}")


def _server(preparation: Preparation, clock: Clock) -> ssl.SSLContext:
    folder = preparation.dossier / M
    preparation.instance.load_autorite().issue_serveur(now=clock.now()).write(folder)
    context = tls.server_context(folder / "cert.pem", folder / "key.pem", folder / "ca.pem")
    context.verify_mode = ssl.CERT_NONE
    return context
