"""The steering pages with a busy week behind them, in a real Chromium: axe finds nothing."""

from __future__ import annotations

import random
import uuid
from datetime import timedelta

from sqlalchemy import insert

from console.profils import ProfilCompte
from registry.infocentre_arretes import close
from registry.qualite import INDICATEURS
from registry.tables import ECHANGE
from registry.tables_infocentre import INFOCENTRE_QUALITE
from soap.correlation import new_id
from tests.console.chromium import Pilote
from tests.console.monde import NOTRE, TERRITOIRES

CODES = ("DEM101", "GUI101", "VIE204", "XML103")


def fill(pilote: Pilote) -> None:
    """Two days of exchanges, and twelve weeks of quality, drawn from a seed."""
    rng = random.Random("pilotage")
    services = pilote.console.services
    now = services.clock.now()
    echanges = []
    for heure in range(48):
        for _ in range(rng.randint(0, 40)):
            recu = now - timedelta(hours=heure, minutes=rng.random() * 50)
            statut = rng.choices(["accepte", "refuse", "echec"], [90, 9, 1])[0]
            code = None if statut == "accepte" else rng.choice(CODES)
            echanges.append(
                {
                    "id": new_id(recu),
                    "guichet": rng.choice(list(TERRITOIRES)),
                    "certificat": "0" * 64,
                    "canal": "soap",
                    "operation": "getNumUnique",
                    "recu_le": recu,
                    "taille": 4000,
                    "empreinte": uuid.uuid4().bytes * 2,
                    "statut": statut,
                    "code": code,
                    "termine_le": recu + timedelta(seconds=rng.expovariate(8)),
                }
            )
    mesures = []
    for rang in range(12):
        semaine = close(services.engine, now - timedelta(weeks=12 - rang)).semaine
        for guichet in TERRITOIRES:
            for indicateur in INDICATEURS:
                base = rng.randint(20, 90) if indicateur.part_de else 0
                nombre = int(base * rng.uniform(0.1, 0.9)) if base else rng.randint(10, 900)
                mesures.append((semaine, guichet, indicateur.code, nombre, base))
    colonnes = ("semaine", "guichet", "indicateur", "nombre", "base")
    with services.engine.begin() as conn:
        conn.execute(insert(ECHANGE), echanges)
        conn.execute(INFOCENTRE_QUALITE.delete())
        conn.execute(insert(INFOCENTRE_QUALITE), [dict(zip(colonnes, each, strict=True)) for each in mesures])


async def test_steering_pages_of_a_busy_week(console_navigateur: Pilote) -> None:
    """[CSL-60] [CSL-61] [CSL-62] [CSL-27]"""
    fill(console_navigateur)
    exploitant = (ProfilCompte.EXPLOITANT, "")
    agent = (ProfilCompte.GUICHET, NOTRE)
    for nom, chemin, qui in (
        ("pilotage.voir-rempli", "/pilotage?heures=48", exploitant),
        ("qualite.lister-rempli", "/pilotage/qualite", exploitant),
        ("qualite.guichet-rempli", f"/pilotage/qualite/{NOTRE}", agent),
    ):
        page = await console_navigateur.open(chemin, qui)
        for details in await page.query_selector_all("details > summary"):
            await details.click()
        await console_navigateur.capture(page, nom)
        assert await console_navigateur.violations(page) == []
        assert console_navigateur.plaintes == []
        await page.set_viewport_size({"width": 360, "height": 740})
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360
