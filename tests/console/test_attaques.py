"""What an attacker would type: in every parameter that a page reads, and in every name that it shows.

Beside test_droits (broken access), test_connexion (authentication, fixation, redirection) and
test_application (forgery, headers, traversal, misconfiguration): injection and scripts.
"""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from sqlalchemy import text

from console.profils import ProfilCompte
from console.table import Methode, Objet
from tests.console.monde import NOTRE
from tests.console.navigateur import Navigateur
from tests.console.test_droits import CAS, TABLE, account, address

HOSTILES = (
    "'; DROP TABLE compte; --",
    '" OR 1=1 --',
    "{{ 7 * 7 }}",
    "<script>alert(1)</script>",
    "../../../../etc/passwd",
    "%00",
    "\r\nSet-Cookie: x=1",
    "-1",
    "9" * 30,
    "é" * 300,
)
CHAMPS = (
    "page",
    "avant",
    "numero",
    "guichet",
    "etat",
    "statut",
    "du",
    "au",
    "tri",
    "q",
    "suite",
    "nom",
    "jour",
)
LUES = [page for page in TABLE if page.methode is Methode.GET]


@pytest.mark.parametrize("page", LUES, ids=lambda page: page.nom)
async def test_hostile_questions_break_nothing(page, console: Navigateur) -> None:  # type: ignore[no-untyped-def]
    """[CSL-41] In every parameter at once: an answer in words, nothing of it as it came."""
    profil = next(iter(page.droits), ProfilCompte.GUICHET)
    qui = None if page.publique else account(profil)
    chemin = address(page, console.monde, NOTRE, profil)
    for hostile in HOSTILES:
        question = "&".join(f"{champ}={quote(hostile)}" for champ in CHAMPS)
        answer = await console.get(f"{chemin}{'&' if '?' in chemin else '?'}{question}", qui)
        assert answer.statut < 500, hostile
        assert "Set-Cookie: x" not in str(answer.entetes)
        if "html" in answer.entetes.get("Content-Type", ""):
            assert "<script>alert" not in answer.html
            assert "49" not in re.findall(r'value="([^"]*)"', answer.html) or hostile != HOSTILES[2]
    with console.services.engine.connect() as conn:
        assert conn.scalar(text("SELECT count(*) FROM compte"))


@pytest.mark.parametrize("objet", [objet for objet in Objet if objet is not Objet.AUCUN])
async def test_hostile_identifiers_are_not_found(objet: Objet, console: Navigateur) -> None:
    """[CSL-41] In the address too."""
    pages = [page for page in LUES if page.objet is objet and page.nom not in CAS]
    for page in pages:
        for hostile in HOSTILES:
            chemin = re.sub(r"\{[^}]*\}", lambda _: quote(hostile, safe=""), page.chemin)  # noqa: B023
            answer = await console.get(chemin, account(next(iter(page.droits))))
            assert answer.statut == 404, (page.nom, hostile)


async def test_names_are_shown_as_they_are(console: Navigateur) -> None:
    """[CSL-41] A script in a name of guichet, of account, of file: read, never run."""
    name = "<img src=x onerror=alert(1)>"
    with console.services.engine.begin() as conn:
        conn.execute(text("UPDATE guichet SET nom = :nom"), {"nom": name})
        conn.execute(text("UPDATE compte SET nom = :nom"), {"nom": name})
    for page in LUES:
        if page.objet in (Objet.AUCUN, Objet.GUICHET, Objet.COMPTE) and not page.publique:
            profil = next(iter(page.droits))
            chemin = address(page, console.monde, NOTRE, profil)
            answer = await console.get(chemin, account(profil))
            if "html" in answer.entetes.get("Content-Type", ""):
                assert "<img src=x" not in answer.html, page.nom
    home = await console.get("/", account(ProfilCompte.GUICHET))
    assert "&lt;img src=x onerror=alert(1)&gt;" in home.html
