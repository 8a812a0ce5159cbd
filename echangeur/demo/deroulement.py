"""Running the demonstration and checking what came of it.

What partners send goes through a real TLS socket to a hub in its own process; distributions come back from
its worker to their endpoints. The database is read afterwards, only to tell and to check.
"""

from __future__ import annotations

import asyncio
import re
import signal
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from conformance.client_reference import ClientReference, Lecture
from conformance.partenaire_reference import Reception
from dispatching.explanation import Explication, explain_distribution
from echangeur.demo import console, courrier, stock, vie
from echangeur.demo.arrivees import Arrivees
from echangeur.demo.partenaires import Preparation
from echangeur.demo.recit import Recit
from echangeur.demo.scenario import PARTENAIRES, Envoi, Partenaire, build_envois
from echangeur.demo.serveur import serve
from echangeur.instance import Instance, create_instance
from echangeur.sortie import ConstatNegatif
from registry.clock import Clock
from registry.journal import verify

_FAULT: Final = re.compile(r"Subcode><[^>]*>\w+:(\w+)</.*?Text[^>]*>([^<]+)</", re.DOTALL)


@dataclass
class _Faits:
    """What happened, to be told and checked."""

    numeros: dict[str, str] = field(default_factory=dict)
    refus: dict[str, str] = field(default_factory=dict)
    ecarts: list[str] = field(default_factory=list)
    arrivees: Arrivees = field(default_factory=Arrivees)


async def run(dossier: Path, documents: Path, clock: Clock, *, garder: bool, port: int) -> None:
    """Play the whole demonstration in `dossier`; with `garder`, serve until Ctrl-C.

    documents: folder where the attestation and the pièces of the second part are left.

    Raises ConstatNegatif when something did not happen as the scenario says.
    """
    recit, faits = Recit(), _Faits()
    recit.title("Préparation")
    recit.line("Base PostgreSQL embarquée, autorité de test, certificats…")
    instance = await asyncio.to_thread(create_instance, dossier, now=clock.now())
    preparation = Preparation(instance, dossier / "partenaires")
    async with AsyncExitStack() as stack:
        await _register(preparation, stack, recit, faits, clock)
        acte = await stack.enter_async_context(courrier.prepare(preparation, recit, clock))
        adresses = await stack.enter_async_context(serve(dossier, port))
        base = adresses.services
        recit.line(f"Échangeur : {base}, TLS mutuel")
        await _play(preparation.client(PARTENAIRES[0], base), recit, faits, clock)
        await asyncio.to_thread(_tell, instance, recit, faits, clock)
        faits.ecarts += await vie.play(preparation, base, documents, recit, faits.arrivees, clock)
        faits.ecarts += await stock.play(instance, recit, faits.arrivees, clock)
        faits.ecarts += await courrier.play(acte, recit, clock)
        compte = await asyncio.to_thread(console.create_account, instance, PARTENAIRES[1].code, clock)
        autorite = preparation.folder(PARTENAIRES[0]) / "ca.pem"
        faits.ecarts += await console.sign_in(adresses.console, compte, autorite)
        recit.console(adresses.console, compte, autorite, ouverte=garder)
        if faits.ecarts:
            raise ConstatNegatif(
                "La démonstration ne s'est pas passée comme prévu : " + " ; ".join(faits.ecarts)
            )
        if garder:
            recit.keep(base, preparation.folder(PARTENAIRES[0]))
            await _until_interrupted()
    if not garder:
        recit.line(
            "Pour garder le serveur ouvert et l'appeler vous-même : make run, ou echangeur demo --garder"
        )


async def _register(
    preparation: Preparation, stack: AsyncExitStack, recit: Recit, faits: _Faits, clock: Clock
) -> None:
    def received(partenaire: Partenaire, reception: Reception) -> None:
        recit.received(partenaire, reception)
        faits.arrivees.add(partenaire.code, reception)

    adresses = {}
    for partenaire in PARTENAIRES:
        recit.partner(partenaire)
        adresses[partenaire.code] = await preparation.receiver(stack, partenaire, received, clock.now())
    database = preparation.instance.database()
    with database as engine, engine.begin() as conn:
        for partenaire in PARTENAIRES:
            preparation.register(conn, partenaire, adresses[partenaire.code], clock.now())


async def _play(client: ClientReference, recit: Recit, faits: _Faits, clock: Clock) -> None:
    """Partner A sends its files, then reads one back and looks for doublons."""
    recit.title("Partenaire A enregistre ; B et C reçoivent")
    envois = build_envois(clock.now())
    for rang, envoi in enumerate(envois, 1):
        nom = f"DEM{PARTENAIRES[0].code}-202601010000-{rang:06}.xml"
        lecture = await asyncio.to_thread(client.num_unique, nom, envoi.document)
        numero = "" if lecture.anomalies else lecture.find("demande/demandeLogement/numUnique")
        fautes = _FAULT.findall(lecture.erreur) if lecture.erreur else []
        recit.answered(rang, envoi, numero, lecture, fautes)
        _check(envoi, numero, lecture, fautes, faits)
    first = faits.numeros[envois[0].titre]
    lue = await asyncio.to_thread(client.demande_logement, first)
    recit.line(f"A lit {first} : déposée le {lue.find('demande/demandeLogement/dateCreationDemande')}")
    cherchee = await asyncio.to_thread(
        client.doublons, "DEMG1104-202601010000-000099.xml", envois[0].document
    )
    trouves = cherchee.document.count(":doublon>") // 2
    recit.line(f"A cherche les doublons de la première personne : {trouves} trouvés")
    wanted = {(faits.numeros[envoi.titre], code) for envoi in envois for code in envoi.destinataires}

    def received() -> Counter[tuple[str, str]]:
        return Counter((reception.numero, code) for code, reception in faits.arrivees.recues)

    await faits.arrivees.wait_for(lambda: wanted <= set(received()))
    if received() != Counter(wanted):
        manquantes, en_trop = Counter(wanted) - received(), received() - Counter(wanted)
        faits.ecarts.append(f"distributions manquantes {dict(manquantes)}, en trop {dict(en_trop)}")


def _check(envoi: Envoi, numero: str, lecture: Lecture, fautes: list[tuple[str, str]], faits: _Faits) -> None:
    if numero:
        faits.numeros[envoi.titre] = numero
    codes = [code for code, _ in lecture.anomalies]
    faits.refus[envoi.titre] = ", ".join(codes or [code for code, _ in fautes])
    if envoi.anomalie:
        if envoi.anomalie not in codes and envoi.anomalie not in lecture.erreur:
            faits.ecarts.append(f"« {envoi.titre} » devait être refusée avec {envoi.anomalie}")
    elif not numero:
        faits.ecarts.append(f"« {envoi.titre} » devait recevoir un numéro")
    elif envoi.comme and numero != faits.numeros[envoi.comme]:
        faits.ecarts.append(f"« {envoi.titre} » devait recevoir le premier numéro")


def _tell(instance: Instance, recit: Recit, faits: _Faits, clock: Clock) -> None:
    """The table, with the explanation of each decision, and the verification of the journal."""
    lignes: list[tuple[Envoi, str, str, dict[str, Explication]]] = []
    with instance.database() as engine, engine.connect() as conn:
        for envoi in build_envois(clock.now()):
            numero = faits.numeros.get(envoi.titre, "")
            explications = {}
            for partenaire in PARTENAIRES if numero and not envoi.comme else ():
                found = explain_distribution(conn, numero, partenaire.code)
                if found is not None:
                    explications[partenaire.code] = found
            lignes.append((envoi, numero, faits.refus.get(envoi.titre, ""), explications))
        verification = verify(conn)
    recit.table(lignes)
    distinct = set(faits.numeros.values())
    recit.line(
        f"{len(distinct)} numéros uniques, {len(faits.arrivees.recues)} distributions acquittées, journal de "
        f"{verification.entrees} entrées {'intact' if verification.intacte else 'ROMPU'}."
    )
    if not verification.intacte or verification.entrees != len(distinct):
        faits.ecarts.append("le journal n'est pas celui des numéros donnés")


async def _until_interrupted() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
