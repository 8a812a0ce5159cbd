"""A filter from draft to stock: tried, put in force, offered what was there before it, and explained.

The draft is tried on the image of the stock; the stock is offered by the worker of the hub and received by
the endpoint of the partner. What the trial said is what must arrive.
"""

from __future__ import annotations

import asyncio
from typing import Final

from dispatching.essai import Essai, essayer, not_held
from dispatching.explanation import explain_distribution
from dispatching.rattrapages import Rattrapage, Rythme, ask_rattrapage
from echangeur.demo.arrivees import Arrivees
from echangeur.demo.recit import Recit
from echangeur.demo.scenario import D
from echangeur.instance import Instance
from filters.language import filtre
from filters.stock import Stock
from filters.store import VersionFiltre, save_filtre
from filters.texts import tell_filtre
from registry.clock import Clock
from registry.controles import PARIS
from registry.guichets_store import get_guichet

BROUILLON: Final = filtre("Grands logements", types_logement=["T4", "T5"])
ATTENDUES: Final = 3
"""The couple who also wish a T4, the family of Boulogne, the person who wishes a T5: written here by hand."""


async def play(instance: Instance, recit: Recit, arrivees: Arrivees, clock: Clock) -> list[str]:
    """Play the act; what did not happen as the scenario says."""
    recit.title("D essaie un filtre, l'active, et reçoit le stock qu'il retient")
    recit.line(f"brouillon « {BROUILLON.nom} » : {tell_filtre(BROUILLON)}")
    essai, voulues = await asyncio.to_thread(_try, instance, clock)
    recit.line(
        f"essayé : {len(essai.retenues)} demandes retenues sur {essai.lisibles} actives que D peut lire, "
        f"{len(voulues)} qu'il n'a pas"
    )
    lance = await asyncio.to_thread(_activate, instance, clock)
    recit.line(
        f"filtre activé, rattrapage lancé : {lance.total} demandes à examiner, {lance.debit} par minute"
    )

    def received() -> list[str]:
        return sorted(reception.numero for code, reception in arrivees.recues if code == D)

    await arrivees.wait_for(lambda: voulues <= set(received()))
    explication = await asyncio.to_thread(_explain, instance, min(voulues, default=""))
    recit.line(f"pourquoi ? {explication}")
    if len(voulues) == ATTENDUES and received() == sorted(voulues):
        return []
    return [f"D devait recevoir {ATTENDUES} demandes du stock, {sorted(voulues)}, et a reçu {received()}"]


def _try(instance: Instance, clock: Clock) -> tuple[Essai, set[str]]:
    """What the draft takes, and the numbers of what D has not."""
    instant = clock.now()
    with (
        instance.database() as engine,
        Stock().follow(engine, instant) as image,
        engine.connect() as conn,
    ):
        guichet = get_guichet(conn, D)
        assert guichet is not None, "D est enregistré"
        essai = essayer(conn, image, guichet, BROUILLON, None, instant.astimezone(PARIS).date())
        nouvelles = not_held(conn, image, D, essai.retenues)
        return essai, set(image.numbers_of(nouvelles))


def _activate(instance: Instance, clock: Clock) -> Rattrapage:
    instant = clock.now()
    with instance.database() as engine, engine.begin() as conn:
        saved = save_filtre(conn, D, BROUILLON, instant=instant)
        assert isinstance(saved, VersionFiltre), saved
        lance = ask_rattrapage(conn, D, instant=instant, rythme=Rythme())
        assert isinstance(lance, Rattrapage), lance
        return lance


def _explain(instance: Instance, numero: str) -> str:
    with instance.database() as engine, engine.connect() as conn:
        found = explain_distribution(conn, numero, D)
    return "rien n'a été offert" if found is None else f"{numero} : {found.texte}"
