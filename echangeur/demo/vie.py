"""Playing the life of one demande, step after step, then telling it from the register."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from pathlib import Path

from echangeur.demo import etapes
from echangeur.demo.arrivees import Arrivees
from echangeur.demo.chronologie import read_life
from echangeur.demo.etapes import Etape, EtapeRefusee, Vecu
from echangeur.demo.partenaires import Preparation
from echangeur.demo.recit import Recit
from echangeur.demo.scenario import PARTENAIRES
from registry.clock import Clock
from registry.verification import verify


async def play(
    preparation: Preparation, base: str, documents: Path, recit: Recit, arrivees: Arrivees, clock: Clock
) -> list[str]:
    """Play the steps against the hub at `base`; the differences with the scenario, in French.

    documents: a folder where the attestation and the pièces are left. The first step refused ends the life.
    """
    recit.title("Toute la vie d'une demande")
    await asyncio.to_thread(documents.mkdir, parents=True, exist_ok=True)
    with ExitStack() as stack:
        clients = {each.code: stack.enter_context(preparation.soap(each, base)) for each in PARTENAIRES}
        vecu = Vecu(preparation.instance, clients, clock, documents)
        for rang, etape in enumerate(etapes.ETAPES, 1):
            recit.step(rang, etape)
            debut = len(arrivees.recues)
            with recit.holding():
                try:
                    recit.done(etape, await asyncio.to_thread(etape.faire, vecu))
                except EtapeRefusee as error:
                    return [f"« {etape.titre} » : {error}"]
            ecarts = await receive(etape, vecu.connues, arrivees, debut)
            if ecarts:
                return ecarts
    return await asyncio.to_thread(_tell, vecu, recit)


async def receive(etape: Etape, connues: dict[str, bytes], arrivees: Arrivees, debut: int) -> list[str]:
    """Wait for the distributions of a step, those after the first `debut`; the differences, in French.

    connues: by code, what each guichet knows; those who receive know the demande as it is now.
    """

    def codes() -> list[str]:
        return sorted(code for code, _ in arrivees.recues[debut:])

    await arrivees.wait_for(lambda: etape.recue_par <= set(codes()))
    for code, reception in arrivees.recues[debut:]:
        connues[code] = reception.contenu
    if codes() == sorted(etape.recue_par):
        return []
    attendus, recus = (", ".join(each) or "personne" for each in (sorted(etape.recue_par), codes()))
    return [f"« {etape.titre} » devait être reçue par {attendus}, elle l'a été par {recus}"]


def _tell(vecu: Vecu, recit: Recit) -> list[str]:
    """The table of the life, and the verification of the whole register."""
    with vecu.instance.database() as engine, engine.connect() as conn:
        moments = read_life(conn, vecu.numero)
        rapport = verify(conn)
    recit.life(vecu.numero, moments)
    etat = "intact" if rapport.intact else "ROMPU"
    recit.line(f"Registre {etat} : {rapport.chaine.entrees} entrées du journal vérifiées et rapprochées.")
    attendus = [
        (nature, etape.auteur, etape.recue_par) for etape in etapes.ETAPES for nature in etape.natures
    ]
    ecarts = [] if rapport.intact else ["le registre n'est pas intact"]
    if [(moment.nature, moment.auteur, moment.distribuee_a) for moment in moments] != attendus:
        ecarts.append("le journal et les décisions ne disent pas la vie qui a été jouée")
    return ecarts
