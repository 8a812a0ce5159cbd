"""Steering pages: what they show is what happened, of whom one may see (docs/specification/92-console.md)."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import timedelta

from sqlalchemy import text

from console.profils import ProfilCompte
from registry.infocentre_arretes import close
from tests.console.conftest import Navigateur
from tests.console.monde import NOTRE

GESTIONNAIRE = (ProfilCompte.GESTIONNAIRE, "059")
EXPLOITANT = (ProfilCompte.EXPLOITANT, "")


def rows(octets: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(octets.decode("utf-8-sig")), delimiter=";"))


def end(console: Navigateur, statut: str, code: str | None = None) -> None:
    """Every exchange was answered so, two seconds after it came."""
    query = text(
        "UPDATE echange SET statut = :statut, code = :code, termine_le = recu_le + interval '2 seconds'"
    )
    with console.services.engine.begin() as conn:
        conn.execute(query, {"statut": statut, "code": code})


async def test_flows_are_those_of_the_perimeter(console: Navigateur) -> None:
    """[CSL-60] the manager of a territory counts two exchanges of the three; the operator all of them."""
    end(console, "accepte")
    for qui, nombre in ((GESTIONNAIRE, 2), (EXPLOITANT, 3)):
        page = await console.get("/pilotage", qui)
        assert page.statut == 200, page.texte
        lus = rows((await console.get("/pilotage/flux.csv?heures=48", qui)).octets)
        assert len(lus) == 48
        assert sum(int(row["acceptés"]) for row in lus) == nombre
        (dite,) = [row for row in lus if row["acceptés"] != "0"]
        assert dite["médiane de la réponse (s)"] == "2"


async def test_the_page_says_what_to_do_of_refusals(console: Navigateur) -> None:
    """[CSL-60] a code is told with its conduct and whose turn it is."""
    end(console, "refuse", "CON103")
    page = await console.get("/pilotage", EXPLOITANT)
    assert "CON103" in page.texte
    assert "Vérifier l'adresse" in page.texte
    assert "<rect" in page.html


async def test_quality_shows_each_guichet_and_compares_it(console: Navigateur) -> None:
    """[INF-8] [CSL-61]"""
    vide = await console.get("/pilotage/qualite", GESTIONNAIRE)
    assert "Aucune semaine" in vide.texte
    engine, clock = console.services.engine, console.services.clock
    semaine = close(engine, clock.now()).semaine
    close(engine, clock.now() + timedelta(days=7))
    page = await console.get(f"/pilotage/qualite?indicateur=creations&semaine={semaine}", GESTIONNAIRE)
    assert NOTRE in page.texte
    assert "G1111" not in page.texte
    fiche = await console.get(f"/pilotage/qualite/{NOTRE}", (ProfilCompte.GUICHET, NOTRE))
    assert "Créations" in fiche.texte
    for qui, codes in ((GESTIONNAIRE, {"G0591", "G0592"}), (EXPLOITANT, {"G0591", "G0592", "G1111"})):
        lus = rows((await console.get("/pilotage/qualite.csv", qui)).octets)
        assert {row["guichet"] for row in lus} == codes


async def test_tables_are_taken_away_in_three_formats(console: Navigateur) -> None:
    """[CSL-62]"""
    close(console.services.engine, console.services.clock.now())
    for chemin in ("/pilotage/flux", "/pilotage/qualite", f"/pilotage/qualite/{NOTRE}/indicateurs"):
        for extension, debut in (("csv", b"\xef\xbb\xbf"), ("xlsx", b"PK"), ("pdf", b"%PDF-")):
            page = await console.get(f"{chemin}.{extension}", EXPLOITANT)
            assert page.statut == 200, page.texte
            assert page.octets.startswith(debut)
            assert page.entetes["Content-Disposition"].endswith(f".{extension}")
    feuille = (await console.get("/pilotage/qualite.xlsx", EXPLOITANT)).octets
    with zipfile.ZipFile(io.BytesIO(feuille)) as archive:
        assert NOTRE.encode() in archive.read("xl/sharedStrings.xml")
    assert (await console.get("/pilotage/flux.exe", EXPLOITANT)).statut == 404


async def test_public_figures_hide_small_numbers_from_anybody(console: Navigateur) -> None:
    """[INF-6] [CSL-63] three demandes are too few to be told; nobody signs in to see that."""
    close(console.services.engine, console.services.clock.now())
    page = await console.get("/chiffres")
    assert page.statut == 200
    assert "Aucune ligne n’atteint le seuil" in page.texte
    assert rows((await console.get("/chiffres/semaine.csv")).octets) == []
