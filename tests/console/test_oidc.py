"""Signing in through a provider of identity, a real one in another process; and who tries to be another."""

from __future__ import annotations

import html
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import aiohttp
import msgspec
import pytest
import pytest_asyncio
from sqlalchemy import text
from structlog.testing import capture_logs

from console.freins import ADRESSE, OUBLI
from console.journal_actes import list_actes
from console.oidc.fournisseur import Fournisseur
from console.profils import ProfilCompte
from console.reglages_oidc import Oidc
from console.securite import COOKIE, COOKIE_DEPART
from console.services import Services
from console.sessions import Moyen, list_sessions
from registry.clock import FixedClock
from tests.console.chromium import Pilote
from tests.console.conftest import PkiConsole
from tests.console.fournisseur import CLIENT, SECRET
from tests.console.monde import AUTRE, NOTRE
from tests.console.navigateur import Navigateur, Page, Qui
from tests.console.test_connexion import AGENT, GESTIONNAIRE, change

COURRIEL = "guichet.g0591@exemple.fr"
VOISIN: Qui = (ProfilCompte.GUICHET, AUTRE)


@pytest.fixture(scope="module")
def emetteur(pki_console: PkiConsole) -> Iterator[str]:
    """The address of the provider."""
    command = [sys.executable, "-m", "tests.console.fournisseur", str(pki_console.dossier)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


@pytest.fixture
def services(services: Services, ecoute: socket.socket, emetteur: str, pki_console: PkiConsole) -> Services:
    """Those of a console that has a provider."""
    reglages = Oidc(emetteur=emetteur, client=CLIENT, secret="fichier")
    url = f"https://localhost:{ecoute.getsockname()[1]}"
    return replace(services, oidc=Fournisseur(reglages, url, lambda: SECRET, pki_console.client()))


class Essai:
    """A browser between the console and the provider, and what the provider is told to do."""

    def __init__(self, console: Navigateur, emetteur: str, client: aiohttp.ClientSession) -> None:
        self.console = console
        self.emetteur = emetteur
        self.client = client

    async def tell(self, **regles: object) -> None:
        """How the next sign-ins go (fournisseur.Regles), at the clock of the console."""
        now = int(self.console.services.clock.now().timestamp())
        async with self.client.post(f"{self.emetteur}/regles", json={"heure": now, **regles}) as answer:
            assert answer.status == 200

    async def leave(self, suite: str = "") -> tuple[str, str]:
        """The cookie that the console gives, and where it sends the browser."""
        page = await self.console.get(f"/connexion/oidc?suite={suite}")
        assert page.statut == 303, page.texte
        return page.cookies[COOKIE_DEPART], page.entetes["Location"]

    async def cross(self, vers: str) -> str:
        """What the provider answers: where it sends the browser back."""
        async with self.client.get(vers, allow_redirects=False) as answer:
            assert answer.status == 302, await answer.text()
            return answer.headers["Location"]

    async def come_back(self, vers: str, cookie: str, **cookies: str) -> Page:
        assert vers.startswith(f"{self.console.base}/connexion/oidc/retour?")
        path = vers.removeprefix(self.console.base)
        return await self.console.ask("GET", path, cookies={COOKIE_DEPART: cookie, **cookies})

    async def sign_in(self, suite: str = "") -> Page:
        cookie, vers = await self.leave(suite)
        return await self.come_back(await self.cross(vers), cookie)

    async def calls(self) -> dict[str, int]:
        async with self.client.get(f"{self.emetteur}/compte") as answer:
            found: dict[str, int] = (await answer.json())["appels"]
            return found


@pytest_asyncio.fixture
async def essai(console: Navigateur, emetteur: str, pki_console: PkiConsole) -> AsyncIterator[Essai]:
    connector = aiohttp.TCPConnector(ssl=pki_console.client())
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as client:
        found = Essai(console, emetteur, client)
        await found.tell()
        yield found


def opened(page: Page) -> bool:
    return page.statut == 303 and COOKIE in page.cookies


def with_settings(services: Services, **changes: object) -> None:
    """Other settings of the provider, for a console that runs."""
    assert services.oidc is not None
    services.oidc.reglages = msgspec.structs.replace(services.oidc.reglages, **changes)


async def test_the_provider_opens_the_account_of_its_verified_address(
    essai: Essai, console: Navigateur
) -> None:
    """[CSL-42] [CSL-43] With the rights of the account, and its traces; nothing of the protocol is left
    out."""
    cookie, vers = await essai.leave("/filtres/G0591")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(vers).query).items()}
    assert {name: len(asked.pop(name)) for name in ("state", "nonce", "code_challenge")} == {
        "state": 43,
        "nonce": 43,
        "code_challenge": 43,
    }
    assert asked == {
        "response_type": "code",
        "client_id": CLIENT,
        "redirect_uri": f"{console.base}/connexion/oidc/retour",
        "scope": "openid email",
        "code_challenge_method": "S256",
    }
    page = await essai.come_back(await essai.cross(vers), cookie)
    assert (page.statut, page.entetes["Location"]) == (303, "/filtres/G0591")
    cookies = {COOKIE: page.cookies[COOKIE]}
    assert page.cookies[COOKIE_DEPART] == ""
    assert (await console.ask("GET", "/filtres/G0591", cookies=cookies)).statut == 200
    assert (await console.ask("GET", "/comptes", cookies=cookies)).statut == 403
    compte = console.monde.comptes[AGENT]
    with console.services.engine.connect() as conn:
        (session,) = list_sessions(conn, compte, instant=console.services.clock.now())
        actes = [(acte.acte, acte.refus) for acte in list_actes(conn, compte=compte)]
    assert session.moyen is Moyen.OIDC
    assert actes == [("ouvrir une session par ProConnect", ""), ("relier une identité", "")]
    shown = await console.get(f"/comptes/{compte}", GESTIONNAIRE)
    assert "Relié le" in shown.texte


DOUTES: list[tuple[dict[str, object], str, str]] = [
    ({"identite": {"nonce": "un-autre"}}, "CON120", "nonce"),
    ({"identite": {"nonce": None}}, "CON120", "nonce"),
    ({"identite": {"aud": "un-autre"}}, "CON120", "destinataire"),
    ({"identite": {"aud": [CLIENT, "un-autre"]}}, "CON120", "destinataire"),
    ({"identite": {"azp": "un-autre"}}, "CON120", "destinataire"),
    ({"identite": {"iss": "https://ailleurs.example"}}, "CON120", "émetteur"),
    ({"identite": {"exp": 1}}, "CON120", "périmé"),
    ({"identite": {"exp": None}}, "CON120", "date"),
    ({"identite": {"iat": 2**33}}, "CON120", "date"),
    ({"identite": {"sub": ""}}, "CON120", "sujet"),
    ({"alg": "none"}, "CON120", "algorithme"),
    ({"alg": "HS256"}, "CON120", "algorithme"),
    ({"alg": "ES256"}, "CON120", "algorithme"),
    ({"cle": "autre"}, "CON120", "signature"),
    ({"infos": {"sub": "sujet-2"}}, "CON120", "deux personnes"),
    ({"infos": {"sub": "sujet-2"}, "signe_infos": False}, "CON120", "deux personnes"),
    ({"infos": {"aud": "un-autre"}}, "CON120", "destinataire"),
    ({"infos": {"iss": "https://ailleurs.example"}}, "CON120", "émetteur"),
    ({"infos": {"email": ["a@exemple.fr"]}}, "CON120", "adresse"),
    ({"retour": {"iss": "https://ailleurs.example"}}, "CON120", "émetteur"),
    ({"retour": {"iss": None}}, "CON120", "émetteur"),
    ({"retour": {"code": None}}, "CON118", "sans code"),
    ({"erreur": "access_denied"}, "CON118", "access_denied"),
    ({"erreur": "<b>Appelez le 01 02 03</b>"}, "CON118", "sans motif"),
    ({"verifie": False}, "CON122", ""),
    ({"verifie": None}, "CON122", ""),
    ({"infos": {"email_verified": "false"}}, "CON122", ""),
    ({"courriel": "personne@exemple.fr"}, "CON121", ""),
    ({"courriel": ""}, "CON121", ""),
]
"""What the provider is told to do, and what refuses it: the code, and a word of the reason."""


async def test_what_the_provider_says_is_not_believed_blindly(essai: Essai, clock: FixedClock) -> None:
    """[CSL-42] [CSL-43]"""
    believed = []
    for regles, code, raison in DOUTES:
        await essai.tell(**regles)
        page = await essai.sign_in()
        told = (page.statut, code in page.texte, raison in page.texte, COOKIE in page.cookies)
        if told != (422, True, True, False) or "01 02 03" in page.html:
            believed.append((regles, page.texte))
        # The brake is another matter.
        clock.advance(OUBLI)
    assert believed == []
    with essai.console.services.engine.connect() as conn:
        assert conn.scalar(text("SELECT count(*) FROM compte WHERE relie_le IS NOT NULL")) == 0
    await essai.tell()
    assert opened(await essai.sign_in())


async def test_a_lookalike_letter_is_not_that_of_an_account(essai: Essai, console: Navigateur) -> None:
    """[CSL-43] An account whose address has a k: U+212A becomes one in lower case."""
    change(console, "courriel = 'kevin@exemple.fr'", COURRIEL)
    await essai.tell(courriel="\u212aevin@exemple.fr")
    assert "CON121" in (await essai.sign_in()).texte
    await essai.tell(courriel="Kevin@exemple.fr")
    assert opened(await essai.sign_in())


async def test_a_discovery_document_must_be_that_of_the_issuer(essai: Essai) -> None:
    """[CSL-42] And speak of TLS alone."""
    documents: list[dict[str, object]] = [
        {"issuer": "https://ailleurs.example"},
        {"token_endpoint": "http://localhost/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": None},
    ]
    for decouverte in documents:
        await essai.tell(decouverte=decouverte)
        page = await essai.console.get("/connexion/oidc")
        assert (page.statut, "CON117" in page.texte) == (503, True)


async def test_who_comes_back_is_who_left_once_and_soon(
    essai: Essai, console: Navigateur, clock: FixedClock
) -> None:
    """[CSL-42] Wrong state, another browser, a state or a code that served, too late."""
    cookie, vers = await essai.leave()
    other, _ = await essai.leave()
    back = await essai.cross(vers)
    state = parse_qs(urlsplit(vers).query)["state"][0]
    refused = [
        await essai.come_back(back.replace(state, state[:-1] + "é"), cookie),
        await essai.come_back(back.replace(state, ""), cookie),
        await essai.come_back(back, other),
        await essai.come_back(back, ""),
        await essai.come_back(back, "un.autre"),
    ]
    assert opened(await essai.come_back(back, cookie))
    before = (await essai.calls())["/token"]
    refused.append(await essai.come_back(back, cookie))
    assert (await essai.calls())["/token"] == before
    # The code that served, brought back under a state of its own.
    code = parse_qs(urlsplit(back).query)["code"][0]
    third, vers = await essai.leave()
    fresh = await essai.cross(vers)
    refused.append(await essai.come_back(re.sub(r"code=[^&]+", f"code={code}", fresh), third))
    # A code stolen from another browser: its verifier is not there (PKCE).
    thief, vers = await essai.leave()
    stolen = parse_qs(urlsplit(fresh).query)["code"][0]
    there = await essai.cross(vers)
    refused.append(await essai.come_back(re.sub(r"code=[^&]+", f"code={stolen}", there), thief))
    late, vers = await essai.leave()
    back = await essai.cross(vers)
    clock.advance(timedelta(minutes=10))
    refused.append(await essai.come_back(back, late))
    assert [(page.statut, "CON119" in page.texte) for page in refused] == [(422, True)] * len(refused)
    assert not [page for page in refused if COOKIE in page.cookies]


async def test_an_account_closed_or_not_certified_opens_nothing(essai: Essai, console: Navigateur) -> None:
    """[CSL-43] As by any other way; and no identity is tied to it."""
    change(console, "certifie_le = NULL", COURRIEL)
    assert "CON113" in (await essai.sign_in()).texte
    change(console, "certifie_le = cree_le, ferme_le = cree_le", COURRIEL)
    assert "CON121" in (await essai.sign_in()).texte
    with console.services.engine.connect() as conn:
        assert conn.scalar(text("SELECT count(*) FROM compte WHERE relie_le IS NOT NULL")) == 0
    change(console, "ferme_le = NULL", COURRIEL)
    page = await essai.sign_in()
    assert opened(page)
    change(console, "ferme_le = cree_le", COURRIEL)
    assert (await console.ask("GET", "/", cookies={COOKIE: page.cookies[COOKIE]})).statut == 303
    assert "CON121" in (await essai.sign_in()).texte


async def test_an_account_follows_the_identity_and_not_the_address(essai: Essai, console: Navigateur) -> None:
    """[CSL-43] An address that changes moves nobody to another account; one given to somebody else gives him
    nothing, until the gestionnaire has untied the account."""
    assert opened(await essai.sign_in())
    await essai.tell(courriel="guichet.g0592@exemple.fr")
    page = await essai.sign_in()
    assert opened(page)
    mine = await console.ask("GET", "/mon-compte", cookies={COOKIE: page.cookies[COOKIE]})
    assert COURRIEL in mine.texte
    await essai.tell(sujet="sujet-2")
    refused = await essai.sign_in()
    assert ("CON123" in refused.texte, COOKIE in refused.cookies) == (True, False)
    compte = console.monde.comptes[AGENT]
    with console.services.engine.connect() as conn:
        assert list_actes(conn, compte=compte)[0].refus == "CON123"
    done = await console.post(f"/comptes/{compte}/identite", {}, GESTIONNAIRE)
    assert done.statut == 303
    assert opened(await essai.sign_in())
    # Whom it was tied to before no longer enters by it.
    await essai.tell(courriel="personne@exemple.fr")
    assert "CON121" in (await essai.sign_in()).texte


async def test_keys_that_change_are_read_again_once(essai: Essai) -> None:
    """[CSL-42]"""
    assert opened(await essai.sign_in())
    before = (await essai.calls())["/jwks"]
    assert opened(await essai.sign_in())
    assert (await essai.calls())["/jwks"] == before
    async with essai.client.post(f"{essai.emetteur}/rotation") as answer:
        assert answer.status == 200
    assert opened(await essai.sign_in())
    assert (await essai.calls())["/jwks"] == before + 1
    await essai.tell(cle="autre")
    assert "CON120" in (await essai.sign_in()).texte
    assert (await essai.calls())["/jwks"] == before + 2


async def test_the_way_back_stays_in_the_console(essai: Essai) -> None:
    """[CSL-37]"""
    for suite in ("https://ailleurs.example/", "//ailleurs.example", "/%5Cailleurs.example"):
        assert (await essai.sign_in(suite)).entetes["Location"] == "/"


async def test_a_session_that_was_there_ends(essai: Essai, console: Navigateur) -> None:
    """[CSL-37] As by any other way."""
    planted = console.token(VOISIN)
    cookie, vers = await essai.leave()
    page = await essai.come_back(await essai.cross(vers), cookie, **{COOKIE: planted})
    assert opened(page)
    assert page.cookies[COOKIE] != planted
    assert (await console.ask("GET", "/", cookies={COOKIE: planted})).statut == 303


async def test_signing_out_ends_the_session_of_the_provider_too(
    essai: Essai, console: Navigateur, clock: FixedClock
) -> None:
    """[CSL-44] And what was kept for it is erased, as it is of a session that ended by itself."""
    assert opened(await essai.sign_in())
    clock.advance(timedelta(hours=console.services.reglages.duree_session))
    await essai.tell()
    page = await essai.sign_in()
    cookies = {COOKIE: page.cookies[COOKIE]}
    with console.services.engine.connect() as conn:
        (kept,) = conn.scalars(text("SELECT jeton_oidc FROM session_console WHERE jeton_oidc IS NOT NULL"))
    assert "eyJ" not in kept
    left = await console.post("/deconnexion", {}, cookies=cookies)
    assert left.statut == 200
    assert left.cookies[COOKIE] == ""
    (vers,) = re.findall(r'http-equiv="refresh" content="0;url=([^"]+)"', left.html)
    async with essai.client.get(html.unescape(vers), allow_redirects=False) as answer:
        assert answer.status == 303, await answer.text()
        assert answer.headers["Location"].startswith(f"{console.base}/connexion?state=")
    assert (await console.ask("GET", "/", cookies=cookies)).statut == 303
    with console.services.engine.connect() as conn:
        assert conn.scalar(text("SELECT count(*) FROM session_console WHERE jeton_oidc IS NOT NULL")) == 0
    assert (await console.post("/deconnexion", {}, VOISIN)).statut == 303
    # A provider that is not there keeps nobody signed in here.
    page = await essai.sign_in()
    assert console.services.oidc is not None
    console.services.oidc._decouverte = None
    with_settings(console.services, emetteur="https://localhost:9")
    left = await console.post("/deconnexion", {}, cookies={COOKIE: page.cookies[COOKIE]})
    assert (left.statut, left.entetes["Location"]) == (303, "/connexion")


async def test_failures_are_braked_apart_from_those_of_passwords(essai: Essai, console: Navigateur) -> None:
    """[CSL-33]"""
    await essai.tell(courriel="personne@exemple.fr")
    for _ in range(ADRESSE.libres):
        assert "CON121" in (await essai.sign_in()).texte
    before = (await essai.calls())["/token"]
    assert "CON112" in (await essai.sign_in()).texte
    assert (await essai.calls())["/token"] == before
    refused = await console.post("/connexion", {"courriel": COURRIEL, "mot_de_passe": "x", "code": "x"})
    assert "CON111" in refused.texte


async def test_settings_agreed_with_the_provider(essai: Essai, console: Navigateur) -> None:
    """[CSL-42] Elliptic signature, claims not signed, an address vouched for otherwise, a level that is
    demanded; a secret that is refused is said, and written nowhere."""
    with_settings(console.services, signature="ES256", courriel_non_dit="admis", niveaux="eidas1 eidas2")
    await essai.tell(alg="ES256", verifie=None, signe_infos=False)
    _, vers = await essai.leave()
    assert parse_qs(urlsplit(vers).query)["acr_values"] == ["eidas1 eidas2"]
    assert opened(await essai.sign_in())
    with_settings(console.services, niveaux="eidas2", demande_niveaux="claims")
    _, vers = await essai.leave()
    (claims,) = parse_qs(urlsplit(vers).query)["claims"]
    assert msgspec.json.decode(claims) == {"id_token": {"acr": {"essential": True, "values": ["eidas2"]}}}
    assert "niveau" in (await essai.sign_in()).texte
    assert console.services.oidc is not None
    console.services.oidc._secret = lambda: "zzz-" + SECRET
    with capture_logs() as logs:
        page = await essai.sign_in()
    assert ("CON117" in page.texte, "invalid_client" in page.texte) == (True, True)
    assert [each["raison"] for each in logs if "raison" in each] == ["jetons : 401 invalid_client"]
    assert "zzz" not in page.html + str(logs)


async def test_a_provider_of_another_authority_is_not_spoken_to(essai: Essai, console: Navigateur) -> None:
    """[CSL-42] TLS first."""
    assert console.services.oidc is not None
    console.services.oidc._tls = ssl.create_default_context()
    page = await console.get("/connexion/oidc")
    assert (page.statut, "CON117" in page.texte) == (503, True)


async def test_a_sign_in_in_a_browser(
    essai: Essai, console_navigateur: Pilote, console: Navigateur, clock: FixedClock
) -> None:
    """[CSL-42] [CSL-44] From the button to the page that was asked for, and out again."""
    await essai.tell(page=True)
    page = await console_navigateur.open(f"/filtres/{NOTRE}")
    await console_navigateur.capture(page, "connexion-fournisseur")
    assert await console_navigateur.violations(page) == []
    await page.get_by_role("link", name="S’identifier avec ProConnect").click()
    await page.get_by_role("link", name="Zoé").click()
    await page.wait_for_url(f"{console.base}/filtres/{NOTRE}")
    assert await page.get_by_role("link", name="mon compte").count() == 1
    await page.get_by_role("button", name="Se déconnecter").click()
    await page.wait_for_url(f"{console.base}/connexion?state=*")
    assert (await essai.calls())["/session/end"] >= 1
    assert console_navigateur.plaintes == []
    await page.goto(f"{console.base}/filtres/{NOTRE}")
    assert "/connexion" in page.url
