"""A browser without a screen: asks pages of a console as any account, and reads what comes back."""

from __future__ import annotations

import html
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from multidict import CIMultiDictProxy

from console.profils import ProfilCompte
from console.securite import COOKIE, COOKIE_AVANT, make_jeton
from console.services import Services
from console.sessions import Moyen, open_session
from tests.console.monde import Monde

Qui = tuple[ProfilCompte, str]
"""An account of the world: its profile, and its guichet or territory, or empty."""


@dataclass(frozen=True, slots=True)
class Page:
    """What came back."""

    statut: int
    entetes: CIMultiDictProxy[str]
    cookies: Mapping[str, str]
    octets: bytes

    @property
    def texte(self) -> str:
        """What a person reads: without tags, without entities."""
        return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", self.html)))

    @property
    def html(self) -> str:
        return self.octets.decode("utf-8")


class Navigateur:
    """Asks pages of one console, without following redirections nor keeping cookies."""

    def __init__(self, base: str, client: aiohttp.ClientSession, services: Services, monde: Monde) -> None:
        self.base = base
        self.services = services
        self.monde = monde
        self._client = client
        self._jetons: dict[uuid.UUID, str] = {}

    def token(self, qui: Qui) -> str:
        """The session of that account, opened when first asked for."""
        compte = self.monde.comptes[qui]
        if compte not in self._jetons:
            with self.services.engine.begin() as conn:
                self._jetons[compte] = open_session(
                    conn,
                    compte,
                    Moyen.MOT_DE_PASSE,
                    self.services.reglages,
                    instant=self.services.clock.now(),
                    adresse="127.0.0.1",
                )
        return self._jetons[compte]

    def forget(self, qui: Qui) -> None:
        """Sign in again next time: the session may have been closed."""
        self._jetons.pop(self.monde.comptes[qui], None)

    async def get(self, chemin: str, qui: Qui | None = None, **entetes: str) -> Page:
        return await self._ask("GET", chemin, self._cookies(qui), entetes, None)

    async def post(
        self,
        chemin: str,
        champs: Mapping[str, str] | aiohttp.FormData,
        qui: Qui | None = None,
        *,
        cookies: Mapping[str, str] | None = None,
        **entetes: str,
    ) -> Page:
        """Send a form as its page would have made it: with its token and its origin."""
        given = {**self._cookies(qui), **(cookies or {})}
        if COOKIE not in given:
            given[COOKIE_AVANT] = "avant"
        jeton = make_jeton(given.get(COOKIE) or given[COOKIE_AVANT])
        if isinstance(champs, aiohttp.FormData):
            champs.add_field("jeton", jeton)
            data: aiohttp.FormData | dict[str, str] = champs
        else:
            data = {"jeton": jeton, **champs}
        return await self._ask("POST", chemin, given, {"Origin": self.base, **entetes}, data)

    async def ask(
        self,
        methode: str,
        chemin: str,
        *,
        cookies: Mapping[str, str] | None = None,
        entetes: Mapping[str, str] | None = None,
        data: bytes | Mapping[str, str] | aiohttp.FormData | None = None,
    ) -> Page:
        """A request made by hand."""
        return await self._ask(methode, chemin, cookies or {}, entetes or {}, data)

    def _cookies(self, qui: Qui | None) -> dict[str, str]:
        return {} if qui is None else {COOKIE: self.token(qui)}

    async def _ask(
        self,
        methode: str,
        chemin: str,
        cookies: Mapping[str, str],
        entetes: Mapping[str, str],
        data: bytes | Mapping[str, str] | aiohttp.FormData | None,
    ) -> Page:
        headers = dict(entetes)
        if cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        async with self._client.request(
            methode, self.base + chemin, headers=headers, data=data, allow_redirects=False
        ) as answer:
            found = {name: morsel.value for name, morsel in answer.cookies.items()}
            return Page(answer.status, answer.headers, found, await answer.read())
