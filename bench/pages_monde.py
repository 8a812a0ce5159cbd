"""What a stock (bench.stock) lacks to be the world of the console: partners, accounts, what went wrong.

`enrich` adds, once, what a year of a whole country leaves beside the demandes: 1,600 guichets and their
20,000 filters, the other exchanges of a fortnight and the traces of their readings, mails, what waits and
what failed, breakers and their incidents, manifests, accounts with their acts, pièces, fifty-two weeks of
figures; and one demande with a long life, made by the product itself. What grows with the demandes is in
proportion to them.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psycopg
from rich.console import Console
from sqlalchemy import Engine, text

from bench import pointe_monde
from bench.modele import Acteur, Fait, follow
from filters.brouillons import keep_brouillon
from filters.language import filtre
from filters.store import VersionFiltre, save_filtre
from registry.acces_pieces import Acteur as Deposant
from registry.annexes import Contenu
from registry.controle_pieces import Nature
from registry.dossier_unique import Depot, deposit
from registry.echanges import Canal, Echange, Emetteur
from registry.guichets_store import get_guichet
from registry.infocentre_arretes import close
from registry.pieces_store import Piece
from soap.correlation import new_id

AGENT: Final = "B1111"
"""The guichet of the accounts: a bailleur of Île-de-France with filters, the busiest of all."""
TERRITOIRE: Final = "111"
FAIT: Final = "pages.fait"
_ICI: Final = Path(__file__).parent

_PLEIN: Final = 3_000_000
"""The stock for which the numbers below are told."""
_GUICHETS: Final = 1_600
_FILTRES: Final = 20_000
_SEMAINES: Final = 52
_VIES: Final = 40
"""Modifications of the demande that has a long life."""


def _run(conn: psycopg.Connection, fichier: str, valeurs: Mapping[str, object]) -> None:
    """Run the statements of a file of this folder, each with those of the values that it names."""
    for statement in (_ICI / fichier).read_text(encoding="utf-8").split(";\n"):
        voulues = {nom: valeur for nom, valeur in valeurs.items() if f"%({nom})s" in statement}
        if statement.strip():
            conn.execute(statement if voulues else statement.replace("%%", "%"), voulues or None)


def enrich(engine: Engine, url: str, instance: Path, instant: datetime, console: Console) -> None:
    """Add it all to the base of that instance, unless it is there. instant: when the console is looked at."""
    fait = instance / FAIT
    if fait.exists():
        return
    etapes: dict[str, Any] = {
        "guichets et filtres": lambda: _add_partners(engine, instant),
        "une longue vie": lambda: _live_long(engine, instant),
        "le reste": lambda: _fill(url, instant),
        "chiffres de la semaine": lambda: _close_weeks(engine, url, instant),
        "nettoyage": lambda: _vacuum(url),
    }
    for nom, etape in etapes.items():
        with _step(instance, nom) as todo:
            if todo:
                console.print(f"  {nom}")
                etape()
    fait.touch()


@contextmanager
def _step(instance: Path, nom: str) -> Iterator[bool]:
    """Each step is done once, whatever stops between two of them."""
    marque = instance / f"pages.{nom.replace(' ', '-')}"
    yield not marque.exists()
    marque.touch()


def _add_partners(engine: Engine, instant: datetime) -> None:
    with engine.connect() as conn:
        pris = set(conn.scalars(text("SELECT code FROM guichet")))
    simules = [each for each in pointe_monde.draw(_GUICHETS, _FILTRES) if each.nouveau.code not in pris]
    adresses = {each.nouveau.code: "https://localhost/reception" for each in simules}
    pointe_monde.settle(engine, simules, adresses, instant - timedelta(days=1))
    with engine.begin() as conn:
        for rang in range(1, 31):
            voulu = filtre("Par versions", territoires=[TERRITOIRE], types_logement=[f"T{1 + rang % 5}"])
            pose = save_filtre(conn, AGENT, voulu, instant=instant - timedelta(hours=31 - rang))
            assert isinstance(pose, VersionFiltre), pose
        for rang in range(60):
            voulu = filtre(f"Brouillon {rang}", territoires=[TERRITOIRE], types_logement=["T1", "T2"])
            keep_brouillon(conn, AGENT, voulu, instant=instant - timedelta(hours=1))


def _live_long(engine: Engine, instant: datetime) -> None:
    """Forty modifications and twelve pièces of one demande of the agent."""
    query = text("""SELECT v.numero, v.document FROM demande d
        JOIN demande_version v ON v.numero = d.numero AND v.version = d.version
        WHERE d.territoire = :t AND d.guichet = :g AND d.etat = 'active' LIMIT 1""")
    with engine.connect() as conn:
        numero, document = conn.execute(query, {"t": TERRITOIRE, "g": AGENT}).one()
        guichet = get_guichet(conn, AGENT)
    assert guichet is not None
    acteur = Acteur(engine)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(acteur.start())
    for rang in range(_VIES):
        le = (instant - timedelta(minutes=2 * _VIES - rang)).replace(microsecond=0)
        data = follow(bytes(document), Fait(le, 0, "MOD"), AGENT)
        data = data.replace("mise à jour par le guichet.".encode(), f"mise à jour n° {rang}.".encode())
        document = loop.run_until_complete(acteur.send(data, guichet, le))
    loop.run_until_complete(acteur.stop())
    loop.close()
    for rang in range(12):
        le = instant - timedelta(minutes=12 - rang)
        with engine.begin() as conn:
            echange = Echange(new_id(le), Emetteur(guichet, ""), Canal.SOAP, "deposerPiece", le, b"")
            contenu = Contenu.of(b"%PDF-1.4 " + bytes([65 + rang]) * 200_000)
            depot = Depot(numero, "IDE01", f"piece-{rang}.pdf", contenu)
            piece = deposit(conn, Deposant(echange, "agent"), depot, Nature.PDF)
            assert isinstance(piece, Piece), piece


def _fill(url: str, instant: datetime) -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        (demandes,) = conn.execute("SELECT count(*) FROM demande").fetchone() or (0,)
        part = max(1, demandes * 100 // _PLEIN)
        valeurs = {
            "le": instant,
            "agent": AGENT,
            "actes": 5_000 * part,
            # Fifty thousand a day: some 0.6 a second, all day long.
            "echanges": 7_000 * part,
            "courriers": 2_000 * part,
            "muet": 1_000 * part,
            "pieces": 10_000 * part,
        }
        with conn.transaction():
            _run(conn, "pages_monde.sql", valeurs)


def _close_weeks(engine: Engine, url: str, instant: datetime) -> None:
    """One week closed by the product, then as many copies of it as a year has."""
    semaine = instant - timedelta(weeks=1)
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(
            "INSERT INTO infocentre_arrete SELECT to_char(%s::timestamptz, 'IYYY-\"W\"IW'), %s, 0,"
            " greatest(0, sequence - sequence / 57), empreinte FROM chaine ON CONFLICT DO NOTHING",
            (semaine - timedelta(weeks=1), semaine - timedelta(weeks=1)),
        )
        arrete = close(engine, semaine)
        valeurs = {"semaine": arrete.semaine, "semaines": _SEMAINES, "agent": AGENT}
        _run(conn, "pages_semaines.sql", valeurs)


def _vacuum(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("VACUUM ANALYZE")


def add_comptes(engine: Engine, instant: datetime) -> dict[str, uuid.UUID]:
    """The accounts that look, by profile."""
    found = {}
    with engine.begin() as conn:
        for profil in ("guichet", "consultant_simple", "consultant_demande", "consultant_sensible",
                       "gestionnaire", "exploitant", "auditeur"):  # fmt: skip
            row = conn.execute(
                text("""INSERT INTO compte (id, courriel, nom, profil, guichet, territoires, habilite,
                        cree_le, cree_par, certifie_le, certifie_par)
                    VALUES (gen_random_uuid(), :c, :c, :p, :g, :t, true, :le, 'banc', :le, 'banc')
                    ON CONFLICT (courriel) DO UPDATE SET certifie_le = excluded.certifie_le RETURNING id"""),
                {
                    "c": f"banc.{profil}@exemple.fr",
                    "p": profil,
                    "g": AGENT if profil.startswith(("guichet", "consultant")) else None,
                    "t": [TERRITOIRE] if profil == "gestionnaire" else [],
                    "le": instant - timedelta(days=1),
                },
            )
            found[profil] = row.scalar_one()
    return found
