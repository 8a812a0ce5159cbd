"""Speaking with the provider of identity: its discovery document, its keys, the code exchanged, the person.

What goes wrong is an anomalie for whoever signs in; its reason goes to the technical log too. Neither the
secret, nor a code, nor a token is ever in one or the other.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

import aiohttp
import msgspec
import structlog
from joserfc.jwk import KeySet

from console import anomalies_oidc
from console.oidc.depart import Depart, authorization_url
from console.oidc.jetons import (
    Doute,
    Revendications,
    judge_id_token,
    judge_userinfo,
    read_keys,
    read_userinfo,
)
from console.reglages_oidc import Oidc
from console.securite import new_secret
from registry.anomalies import Anomalie

_log = structlog.get_logger("echangeur")

_DECOUVERTE: Final = "/.well-known/openid-configuration"
_FRAICHEUR: Final = timedelta(hours=1)
_DELAI: Final = aiohttp.ClientTimeout(total=10)
"""Seconds for each call; a code of ProConnect lives thirty."""
_TAILLE_MAX: Final = 256 * 1024
_JWT: Final = "application/jwt"
_ERREUR: Final = re.compile(r"[a-z_]{1,40}")
RETOUR: Final = "/connexion/oidc/retour"
"""Path that the provider sends back to: registered with it, with the public address before."""
FIN: Final = "/connexion"
"""Path that it sends back to once it has closed its own session."""


@dataclass(frozen=True, slots=True)
class Decouverte:
    """What the provider says of itself (OpenID Connect Discovery §3). fin: empty when it closes no session.
    dit_emetteur: its answers name their issuer (RFC 9207)."""

    autorisation: str
    jetons: str
    cles: str
    informations: str
    fin: str
    dit_emetteur: bool


@dataclass(frozen=True, slots=True)
class Identite:
    """Who came, believed. courriel: as the provider writes it; verifie: it vouches for it. jeton: what signed
    that, to be shown again when the session ends."""

    emetteur: str
    sujet: str
    courriel: str
    verifie: bool
    jeton: str


@dataclass(frozen=True, slots=True)
class _Reponse:
    statut: int
    genre: str
    octets: bytes

    def json(self) -> Mapping[str, object]:
        """The object that it holds; empty when it holds none."""
        try:
            found = msgspec.json.decode(self.octets)
        except msgspec.DecodeError:
            return {}
        return found if isinstance(found, dict) else {}


class Injoignable(Exception):
    """The provider does not answer, or not as the protocol says. str() is French."""


class Fournisseur:
    """One provider, for one console.

    url: public address of the console. secret: reads what the provider gave with the identifier. tls: whom to
    trust; None for the authorities of the system.
    """

    def __init__(
        self, reglages: Oidc, url: str, secret: Callable[[], str], tls: ssl.SSLContext | None = None
    ) -> None:
        self.reglages = reglages
        self._url = url
        self._secret = secret
        self._tls: ssl.SSLContext | bool = True if tls is None else tls
        self._decouverte: tuple[datetime, Decouverte] | None = None
        self._cles: tuple[datetime, KeySet] | None = None

    @property
    def nom(self) -> str:
        """As the button says it."""
        return self.reglages.nom

    async def departure(self, depart: Depart, *, instant: datetime) -> str | Anomalie:
        """Where to send the browser."""
        try:
            found = await self._discover(instant)
        except Injoignable as error:
            return self._unreachable(str(error))
        return authorization_url(found.autorisation, self.reglages, depart, self._url + RETOUR)

    async def identify(
        self, retour: Mapping[str, str], depart: Depart, *, instant: datetime
    ) -> Identite | Anomalie:
        """Who came back, from the parameters of the address that the provider sent the browser to."""
        try:
            return await self._identify(retour, depart, instant)
        except Injoignable as error:
            return self._unreachable(str(error))

    async def farewell(self, jeton: str, *, instant: datetime) -> str:
        """Where to send the browser so that the provider ends its session too (RP-Initiated Logout §2); empty
        when it has no such place, or does not answer: the session of the console is closed already."""
        try:
            found = await self._discover(instant)
        except Injoignable as error:
            self._unreachable(str(error))
            return ""
        if not found.fin:
            return ""
        values = {
            "id_token_hint": jeton,
            "post_logout_redirect_uri": self._url + FIN,
            # ProConnect demands one. It comes back to a page that changes nothing: nobody looks at it.
            "state": new_secret(),
        }
        return f"{found.fin}{'&' if '?' in found.fin else '?'}{urlencode(values)}"

    async def _identify(
        self, retour: Mapping[str, str], depart: Depart, instant: datetime
    ) -> Identite | Anomalie:
        found = await self._discover(instant)
        emetteur = retour.get("iss")
        if emetteur != self.reglages.emetteur and (emetteur is not None or found.dit_emetteur):
            return self._doubtful(Doute("émetteur"))
        if "error" in retour:
            return anomalies_oidc.PAS_RECONNU(_named(retour["error"]))
        if not retour.get("code"):
            return anomalies_oidc.PAS_RECONNU("sans code")
        given = await self._exchange(found, retour["code"], depart)
        if isinstance(given, Anomalie):
            return given
        id_token, access_token = given

        def judge(keys: KeySet) -> Revendications | Doute:
            return judge_id_token(id_token, keys, self.reglages, depart.nonce, instant=instant)

        who = await self._with_keys(found, judge, instant)
        if isinstance(who, Doute):
            return self._doubtful(who)
        if found.informations:
            said = await self._inform(found, access_token, who.sujet, instant)
            if isinstance(said, Doute):
                return self._doubtful(said)
            who = said
        verified = who.verifie if who.verifie is not None else self.reglages.courriel_non_dit == "admis"
        return Identite(self.reglages.emetteur, who.sujet, who.courriel, verified, id_token)

    async def _exchange(self, found: Decouverte, code: str, depart: Depart) -> tuple[str, str] | Anomalie:
        """The tokens given for the code (§3.1.3)."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._url + RETOUR,
            "code_verifier": depart.verificateur,
        }
        client, secret = self.reglages.client, await asyncio.to_thread(self._secret)
        headers = {}
        if self.reglages.identification == "client_secret_post":
            form |= {"client_id": client, "client_secret": secret}
        else:
            # RFC 6749 §2.3.1: both are encoded as in a form first.
            auth = aiohttp.BasicAuth(quote(client, safe=""), quote(secret, safe=""), "utf-8")
            headers["Authorization"] = auth.encode()
        answer = await self._ask("POST", found.jetons, data=form, headers=headers)
        body = answer.json()
        if answer.statut == 400 and body.get("error") == "invalid_grant":
            return anomalies_oidc.RETOUR_INCONNU()
        if answer.statut != 200:
            raise Injoignable(f"jetons : {answer.statut} {_named(body.get('error'))}")
        id_token, access_token = body.get("id_token"), body.get("access_token")
        if not isinstance(id_token, str) or not isinstance(access_token, str):
            raise Injoignable("jetons : réponse incomplète")
        return id_token, access_token

    async def _inform(
        self, found: Decouverte, access_token: str, sujet: str, instant: datetime
    ) -> Revendications | Doute:
        """What the provider says of the person, signed or not (§5.3)."""
        headers = {"Authorization": f"Bearer {access_token}"}
        answer = await self._ask("GET", found.informations, headers=headers)
        if answer.statut != 200:
            raise Injoignable(f"informations : {answer.statut}")
        if answer.genre != _JWT:
            return read_userinfo(answer.json(), sujet)
        jeton = answer.octets.decode("ascii", "replace").strip()

        def judge(keys: KeySet) -> Revendications | Doute:
            return judge_userinfo(jeton, keys, self.reglages, sujet, instant=instant)

        return await self._with_keys(found, judge, instant)

    async def _with_keys(
        self, found: Decouverte, judge: Callable[[KeySet], Revendications | Doute], instant: datetime
    ) -> Revendications | Doute:
        """Judge with the keys of the provider; read again, once, when one is not known: it changes them."""
        keys, fresh = await self._keys(found, instant)
        first = judge(keys)
        if not isinstance(first, Doute) or not first.cle_inconnue or fresh:
            return first
        self._cles = None
        keys, _ = await self._keys(found, instant)
        return judge(keys)

    async def _keys(self, found: Decouverte, instant: datetime) -> tuple[KeySet, bool]:
        """The keys, and whether they were read just now."""
        if self._cles is not None and _recent(self._cles[0], instant):
            return self._cles[1], False
        answer = await self._ask("GET", found.cles)
        keys = read_keys(answer.json()) if answer.statut == 200 else None
        if keys is None:
            raise Injoignable(f"clés : {answer.statut}")
        self._cles = (instant, keys)
        return keys, True

    async def _discover(self, instant: datetime) -> Decouverte:
        if self._decouverte is not None and _recent(self._decouverte[0], instant):
            return self._decouverte[1]
        answer = await self._ask("GET", self.reglages.emetteur.rstrip("/") + _DECOUVERTE)
        found = _decouverte(answer.json(), self.reglages.emetteur) if answer.statut == 200 else None
        if found is None:
            raise Injoignable(f"découverte : {answer.statut}")
        self._decouverte = (instant, found)
        return found

    async def _ask(
        self,
        methode: str,
        url: str,
        *,
        data: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> _Reponse:
        """One call, without following where it would send us. Raises Injoignable."""
        connector = aiohttp.TCPConnector(ssl=self._tls)
        try:
            async with (
                aiohttp.ClientSession(connector=connector, timeout=_DELAI) as session,
                session.request(methode, url, data=data, headers=headers, allow_redirects=False) as answer,
            ):
                octets = bytearray()
                async for chunk in answer.content.iter_chunked(16 * 1024):
                    octets += chunk
                    if len(octets) > _TAILLE_MAX:
                        raise Injoignable("réponse trop longue")
                return _Reponse(answer.status, answer.content_type, bytes(octets))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Injoignable(type(error).__name__) from error

    def _unreachable(self, raison: str) -> Anomalie:
        _log.warning("fournisseur d'identité injoignable", raison=raison)
        return anomalies_oidc.INJOIGNABLE(raison)

    def _doubtful(self, doute: Doute) -> Anomalie:
        _log.warning("fournisseur d'identité mis en doute", raison=doute.raison)
        return anomalies_oidc.DOUTEUX(doute.raison)


def _decouverte(document: Mapping[str, object], emetteur: str) -> Decouverte | None:
    """What the document says; None unless it is that of this issuer (§4.3) and speaks of TLS alone."""
    if document.get("issuer") != emetteur:
        return None
    names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    optional = ("userinfo_endpoint", "end_session_endpoint")
    needed = [document.get(name) for name in names]
    others = [document.get(name) or "" for name in optional]
    if not all(map(_secure, needed)) or not all(not each or _secure(each) for each in others):
        return None
    said = document.get("authorization_response_iss_parameter_supported") is True
    autorisation, jetons, cles, informations, fin = map(str, (*needed, *others))
    return Decouverte(autorisation, jetons, cles, informations, fin, said)


def _secure(adresse: object) -> bool:
    if not isinstance(adresse, str) or not adresse.isprintable() or " " in adresse:
        return False
    parts = urlsplit(adresse)
    return parts.scheme == "https" and bool(parts.hostname) and not parts.fragment


def _named(erreur: object) -> str:
    """The code of an error of the protocol; whatever else came is not repeated."""
    return erreur if isinstance(erreur, str) and _ERREUR.fullmatch(erreur) else "sans motif"


def _recent(lu: datetime, instant: datetime) -> bool:
    return abs(instant - lu) < _FRAICHEUR
