"""From a request to a page: sessions, proof against forgery, headers, errors."""

from __future__ import annotations

import gzip
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import quote

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from sqlalchemy import text

from console import anomalies
from console.application import create_console, create_console_runner
from console.profils import ProfilCompte
from console.reglages import Console
from console.securite import COOKIE, COOKIE_AVANT, make_jeton
from console.services import Services
from console.table import TOUS, Methode, Page, load_table
from console.vue import Redirection, Refus, Rendu, Reponse, Telechargement, Vue
from registry.clock import FixedClock
from tests.console.conftest import PkiConsole
from tests.console.monde import NOTRE, Monde
from tests.console.navigateur import Navigateur

AGENT = (ProfilCompte.GUICHET, NOTRE)
REGLAGES = Console()


async def test_a_session_ends_unused_and_ends_whatever_happens(
    console: Navigateur, clock: FixedClock
) -> None:
    """[CSL-12] Idle, then absolute; the last use counts."""
    assert (await console.get("/", AGENT)).statut == 200
    clock.advance(timedelta(minutes=REGLAGES.inactivite) - timedelta(seconds=1))
    assert (await console.get("/", AGENT)).statut == 200
    clock.advance(timedelta(minutes=REGLAGES.inactivite) - timedelta(seconds=1))
    assert (await console.get("/", AGENT)).statut == 200
    clock.advance(timedelta(minutes=REGLAGES.inactivite))
    page = await console.get("/?page=2", AGENT)
    assert (page.statut, page.entetes["Location"]) == (303, "/connexion?suite=%2F%3Fpage%3D2")
    console.forget(AGENT)
    opened = clock.now()
    assert (await console.get("/", AGENT)).statut == 200
    while clock.now() < opened + timedelta(hours=REGLAGES.duree_session) - timedelta(minutes=20):
        clock.advance(timedelta(minutes=20))
        last = await console.get("/", AGENT)
    assert last.statut == 200
    clock.advance(timedelta(minutes=20))
    assert (await console.get("/", AGENT)).statut == 303


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE compte SET ferme_le = now() WHERE guichet = 'G0591'",
        "UPDATE guichet SET ferme_le = now() WHERE code = 'G0591'",
    ],
)
async def test_closing_the_account_or_its_guichet_closes_its_sessions(
    console: Navigateur, change: str
) -> None:
    """[CSL-12]"""
    assert (await console.get("/", AGENT)).statut == 200
    with console.services.engine.begin() as conn:
        conn.execute(text(change))
    assert (await console.get("/", AGENT)).statut == 303


async def test_signing_out_closes_the_session_for_whoever_kept_its_token(console: Navigateur) -> None:
    """[CSL-12]"""
    page = await console.post("/deconnexion", {}, AGENT)
    assert (page.statut, page.cookies[COOKIE]) == (303, "")
    assert (await console.get("/", AGENT)).statut == 303


@pytest.mark.parametrize(
    ("entetes", "secret"),
    [
        ({}, "sien"),
        ({"Origin": "https://ailleurs.example"}, "sien"),
        ({"Origin": "null"}, "sien"),
        ({"Sec-Fetch-Site": "cross-site"}, "sien"),
        ({"Sec-Fetch-Site": "same-origin"}, "autre"),
        ({"Sec-Fetch-Site": "same-origin"}, ""),
    ],
)
async def test_a_form_made_elsewhere_changes_nothing(
    console: Navigateur, entetes: dict[str, str], secret: str
) -> None:
    """[CSL-22] Wrong or missing origin, token of somebody else, no token."""
    token = console.token(AGENT)
    autre = console.token((ProfilCompte.EXPLOITANT, ""))
    jeton = make_jeton({"sien": token, "autre": autre}[secret]) if secret else ""
    page = await console.ask(
        "POST", "/deconnexion", cookies={COOKIE: token}, entetes=entetes, data={"jeton": jeton}
    )
    assert (page.statut, "CON104" in page.texte) == (403, True)
    assert (await console.get("/", AGENT)).statut == 200


async def test_the_proof_changes_each_time_and_holds_for_the_same_session(console: Navigateur) -> None:
    """[CSL-22]"""
    made = {
        found
        for _ in range(2)
        for found in re.findall(r'name="jeton" value="([^"]+)"', (await console.get("/", AGENT)).html)
    }
    assert len(made) == 2
    for jeton in made:
        data = {"jeton": jeton}
        cookies = {COOKIE: console.token(AGENT)}
        page = await console.ask(
            "POST", "/deconnexion", cookies=cookies, entetes={"Origin": console.base}, data=data
        )
        assert page.statut in (303, 401)


@pytest.mark.parametrize("chemin", ["/", "/rien", "/connexion", "/statique/rien.css"])
async def test_every_answer_bears_the_headers(console: Navigateur, chemin: str) -> None:
    """[CSL-20] Errors included; nothing inline, nothing from elsewhere, in no frame."""
    page = await console.get(chemin, AGENT)
    policy = page.entetes["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert page.entetes["X-Content-Type-Options"] == "nosniff"
    assert page.entetes["Strict-Transport-Security"].startswith("max-age=")
    assert page.entetes["Cache-Control"] == "no-store"
    assert page.entetes["Referrer-Policy"] == "same-origin"


async def test_cookies_are_of_this_host_alone(console: Navigateur) -> None:
    """[CSL-20]"""
    page = await console.get("/connexion")
    (header,) = page.entetes.getall("Set-Cookie")
    assert header.startswith(f"{COOKIE_AVANT}=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(header.split("; "))
    assert "Domain" not in header


@pytest.mark.parametrize("methode", ["PUT", "DELETE", "POST", "OPTIONS"])
async def test_a_wrong_method_is_refused_in_french(console: Navigateur, methode: str) -> None:
    """[CSL-21]"""
    page = await console.ask(methode, "/")
    assert page.statut == 405
    assert "CON106" in page.texte


@pytest.mark.parametrize(
    "chemin", ["/rien", "/statique/../tables.py", "/statique/%2e%2e%2ftables.py", "/statique/dsfr.css", "//x"]
)
async def test_an_unknown_address_is_a_page(console: Navigateur, chemin: str) -> None:
    """[CSL-21] Nothing of the disk but the files of the console, by their hashed names."""
    page = await console.get(chemin)
    assert page.statut == 404
    assert "CON103" in page.texte


async def test_static_files_are_kept_a_year_and_named_by_their_content(console: Navigateur) -> None:
    """[CSL-25] Every file that a page asks for comes from here."""
    html = (await console.get("/", AGENT)).html
    asked = re.findall(r'(?:src|href)="(/statique/[^"]+)"', html)
    assert len(asked) >= 5
    for chemin in asked:
        page = await console.get(chemin)
        assert page.statut == 200
        assert "immutable" in page.entetes["Cache-Control"]
        assert re.search(r"\.[0-9a-f]{16}\.\w+$", chemin)
    assert re.findall(r'(?:src|href|action)="(?!/|#)[^"]*"', html) == []


async def test_a_page_weighs_little_after_the_first(console: Navigateur) -> None:
    """[CSL-25] 150 kB at most; and no style or script inside."""
    page = await console.get("/", AGENT)
    assert len(gzip.compress(page.octets)) < 150_000
    assert re.findall(r"<style|<script(?![^>]*src=)|\son\w+=|\sstyle=", page.html) == []


# --- pages of tests, beside the real ones -----------------------------------------------------------------


def fail(_vue: Vue) -> Reponse:
    raise RuntimeError("2 3 Dupont secret")


def refuse(vue: Vue) -> Reponse:
    vue.conn.execute(text("UPDATE compte SET nom = 'refusé'"))
    return Refus(anomalies.INTROUVABLE())


def change(vue: Vue) -> Reponse:
    vue.conn.execute(text("UPDATE compte SET nom = :nom"), {"nom": vue.champs["nom"]})
    return Redirection(vue.url("accueil.voir"), "C'est fait.")


def write_while_reading(vue: Vue) -> Reponse:
    vue.conn.execute(text("UPDATE compte SET nom = 'écrit'"))
    return Rendu("accueil.html", {"chiffres": []})


def read(vue: Vue) -> Reponse:
    vue.note_read("059012600000100001", "059012600000200001", "059012600000100001")
    return Telechargement('../é"\r\nX: 1.csv', "text/csv; charset=utf-8", b"a;b")


async def wait(vue: Vue) -> Reponse:
    with pytest.raises(AssertionError):
        _ = vue.conn
    return Redirection(vue.url("accueil.voir"))


ESSAIS = (
    Page("essai.echec", "/essai/echec", "Essai", fail, TOUS),
    Page("essai.refus", "/essai/refus", "Essai", refuse, TOUS, methode=Methode.POST, trace="essayer"),
    Page(
        "essai.change",
        "/essai/change",
        "Essai",
        change,
        TOUS,
        methode=Methode.POST,
        trace="changer",
        taille_max=500,
    ),
    Page("essai.ecrit", "/essai/ecrit", "Essai", write_while_reading, TOUS),
    Page("essai.lit", "/essai/lit", "Essai", read, TOUS, nominative=True, trace="essai"),
    Page("essai.attend", "/essai/attend", "Essai", wait, TOUS),
)


@pytest_asyncio.fixture
async def essais(services: Services, monde: Monde, pki_console: PkiConsole) -> AsyncIterator[Navigateur]:
    """A console that has the pages above too."""
    runner = create_console_runner(create_console(services, table=(*load_table(), *ESSAIS)))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=pki_console.serveur()).start()
    connector = aiohttp.TCPConnector(ssl=pki_console.client())
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as client:
        yield Navigateur(f"https://localhost:{runner.addresses[0][1]}", client, services, monde)
    await runner.cleanup()


@pytest.mark.parametrize("chemin", ["/essai/echec", "/essai/ecrit"])
async def test_what_fails_inside_tells_nothing_of_it(
    essais: Navigateur, chemin: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """[CSL-23] A page that reads cannot write; neither the page nor the log repeats the error."""
    page = await essais.get(chemin, AGENT)
    assert page.statut == 500
    assert "CON199" in page.texte
    assert page.entetes["Echange-Id"] in page.texte
    logged = "".join(capsys.readouterr())
    for told in (page.html, logged):
        assert "Dupont" not in told
        assert "UPDATE" not in told
    assert page.entetes["Echange-Id"] in logged


async def test_a_refusal_undoes_and_a_change_is_told_once(essais: Navigateur) -> None:
    """[CSL-26] Each act is kept, with the code of what refused it."""
    refused = await essais.post("/essai/refus", {}, AGENT)
    assert refused.statut == 422
    done = await essais.post("/essai/change", {"nom": "Mme Ève <b>"}, AGENT)
    assert (done.statut, done.entetes["Location"]) == (303, "/")
    with essais.services.engine.connect() as conn:
        acts = conn.execute(text("SELECT acte, refus, echange::text FROM acte_console ORDER BY id")).all()
        assert conn.scalar(text("SELECT count(DISTINCT nom) FROM compte")) == 1
    assert [tuple(act) for act in acts] == [
        ("essayer", "CON103", refused.entetes["Echange-Id"]),
        ("changer", "", done.entetes["Echange-Id"]),
    ]
    cookies = {COOKIE: essais.token(AGENT), "__Host-console-message": quote("C'est fait.")}
    page = await essais.ask("GET", "/", cookies=cookies)
    assert "C'est fait." in page.texte
    assert "Mme Ève &lt;b&gt;" in page.html
    assert page.cookies["__Host-console-message"] == ""


async def test_a_reading_is_traced_before_it_leaves(essais: Navigateur) -> None:
    """[TRA-1] Each demande once, with the account; a file name cannot reach into the headers."""
    page = await essais.get("/essai/lit", AGENT)
    assert page.entetes["Content-Disposition"] == (
        "attachment; filename=\"_____X__1.csv\"; filename*=UTF-8''..%2F%C3%A9%22%0D%0AX%3A%201.csv"
    )
    with essais.services.engine.connect() as conn:
        query = "SELECT canal, operation, guichet, utilisateur, numeros FROM trace_lecture"
        row = conn.execute(text(query)).one()
    assert tuple(row) == (
        *("console", "essai", NOTRE, "guichet.g0591@exemple.fr"),
        ["059012600000100001", "059012600000200001"],
    )


async def test_a_page_that_waits_holds_no_connection(essais: Navigateur) -> None:
    assert (await essais.get("/essai/attend", AGENT)).statut == 303


async def test_a_form_that_is_too_large_is_refused_unread(essais: Navigateur) -> None:
    """[CSL-24]"""
    page = await essais.post("/essai/change", {"nom": "x" * 400}, AGENT)
    assert page.statut == 413
    assert "CON105" in page.texte


async def test_htmx_is_answered_a_part_or_told_where_to_go(essais: Navigateur) -> None:
    part = {"HX-Request": "true", "HX-Request-Type": "partial"}
    page = await essais.get("/rien", AGENT, **part)
    assert page.html.lstrip().startswith('<div class="fr-alert')
    page = await essais.post("/essai/change", {"nom": "a"}, AGENT, **part)
    assert (page.statut, page.entetes["HX-Redirect"]) == (200, "/")
    page = await essais.get("/", **part)
    assert page.entetes["HX-Redirect"] == "/connexion"
