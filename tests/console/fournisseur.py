"""A provider of identity of its own, in its own process, over TLS: `python -m tests.console.fournisseur`.

It checks what a provider checks (client, secret, address of return, PKCE, one use of a code) and signs with
joserfc. Where it should misbehave, a test says so: ``POST /regles`` takes `Regles` in JSON. ``GET /compte``
tells how many times each address was asked for.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import ssl
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

CLIENT = "console-essai"
SECRET = "un secret : & des signes"


@dataclass
class Regles:
    """How the next sign-ins go.

    signe_infos: userinfo as a signed JWT. page: shows a page to click instead of going back at once.
    identite, infos: claims put in place of those of the id_token, of userinfo; null takes one away. alg: of
    the id_token, `none` and `HS256` among them. cle: `autre` signs with a key that is not published. erreur:
    refused with that code. retour: parameters put in place of those of the way back. decouverte: the same, of
    the discovery document. heure: seconds since 1970 that tokens are made at.
    """

    sujet: str = "sujet-1"
    courriel: str = "guichet.g0591@exemple.fr"
    verifie: bool | None = True
    signe_infos: bool = True
    page: bool = False
    alg: str = "RS256"
    cle: str = ""
    erreur: str = ""
    heure: int = 0
    identite: dict[str, Any] = field(default_factory=dict)
    infos: dict[str, Any] = field(default_factory=dict)
    retour: dict[str, Any] = field(default_factory=dict)
    decouverte: dict[str, Any] = field(default_factory=dict)


class Fournisseur:
    """The provider, at `base`."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.regles = Regles()
        self.compte: Counter[str] = Counter()
        self.rang = 0
        self.codes: dict[str, dict[str, str]] = {}
        self.acces: dict[str, str] = {}
        self.demandes: list[dict[str, str]] = []
        self.turn()

    def turn(self) -> None:
        """Change the keys, and their names."""
        self.rang += 1
        self.rsa = RSAKey.generate_key(2048, {"kid": f"rsa-{self.rang}", "use": "sig"})
        self.ec = ECKey.generate_key("P-256", {"kid": f"ec-{self.rang}", "use": "sig"})
        self.autre = RSAKey.generate_key(2048, {"kid": f"rsa-{self.rang}", "use": "sig"})

    async def discover(self, _request: web.Request) -> web.Response:
        document = {
            "issuer": self.base,
            "authorization_endpoint": f"{self.base}/authorize",
            "token_endpoint": f"{self.base}/token",
            "userinfo_endpoint": f"{self.base}/userinfo",
            "jwks_uri": f"{self.base}/jwks",
            "end_session_endpoint": f"{self.base}/session/end",
            "authorization_response_iss_parameter_supported": True,
        }
        return web.json_response(_changed(document, self.regles.decouverte))

    async def jwks(self, _request: web.Request) -> web.Response:
        return web.json_response({"keys": [self.rsa.as_dict(False), self.ec.as_dict(False)]})

    async def authorize(self, request: web.Request) -> web.StreamResponse:
        asked = dict(request.query)
        self.demandes.append(asked)
        if asked.get("client_id") != CLIENT or asked.get("code_challenge_method") != "S256":
            return web.Response(status=400, text="demande refusée")
        answer = {"state": asked["state"], "iss": self.base}
        if self.regles.erreur:
            answer["error"] = self.regles.erreur
        else:
            answer["code"] = secrets.token_urlsafe(16)
            self.codes[answer["code"]] = asked
        to = f"{asked['redirect_uri']}?{urlencode(_changed(answer, self.regles.retour))}"
        if self.regles.page:
            link = f'<a href="{to.replace("&", "&amp;")}">Zoé</a>'
            page = f'<!doctype html><title>Fournisseur</title><link rel="icon" href="data:,">{link}'
            return web.Response(text=page, content_type="text/html")
        return web.Response(status=302, headers={"Location": to})

    async def token(self, request: web.Request) -> web.Response:
        form = dict(await request.post())
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT, SECRET):
            return web.json_response({"error": "invalid_client"}, status=401)
        asked = self.codes.pop(str(form.get("code")), None)
        verifier = hashlib.sha256(str(form.get("code_verifier")).encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
        if (
            asked is None
            or asked["redirect_uri"] != form.get("redirect_uri")
            or asked["code_challenge"] != challenge
        ):
            return web.json_response({"error": "invalid_grant"}, status=400)
        access = secrets.token_urlsafe(16)
        self.acces[access] = self.regles.sujet
        claims = {
            "iss": self.base,
            "aud": CLIENT,
            "sub": self.regles.sujet,
            "nonce": asked["nonce"],
            "acr": "eidas1",
            **self._dates(),
        }
        answer = {
            "access_token": access,
            "token_type": "Bearer",
            "id_token": self._sign(_changed(claims, self.regles.identite)),
        }
        return web.json_response(answer)

    async def userinfo(self, request: web.Request) -> web.Response:
        access = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if access not in self.acces:
            return web.Response(status=401)
        claims: dict[str, Any] = {"sub": self.acces[access], "email": self.regles.courriel}
        if self.regles.verifie is not None:
            claims["email_verified"] = self.regles.verifie
        if not self.regles.signe_infos:
            return web.json_response(_changed(claims, self.regles.infos))
        claims |= {"iss": self.base, "aud": CLIENT, **self._dates()}
        text = self._sign(_changed(claims, self.regles.infos))
        return web.Response(text=text, content_type="application/jwt")

    async def end(self, request: web.Request) -> web.StreamResponse:
        hint = jwt.decode(request.query["id_token_hint"], self.rsa, algorithms=["RS256"])
        assert hint.claims["aud"] == CLIENT
        to = f"{request.query['post_logout_redirect_uri']}?{urlencode({'state': request.query['state']})}"
        return web.Response(status=303, headers={"Location": to})

    async def rules(self, request: web.Request) -> web.Response:
        self.regles = Regles(**{**asdict(Regles()), **await request.json()})
        return web.json_response({})

    async def rotate(self, _request: web.Request) -> web.Response:
        self.turn()
        return web.json_response({})

    async def count(self, _request: web.Request) -> web.Response:
        return web.json_response({"appels": self.compte, "demandes": self.demandes[-1:]})

    @web.middleware
    async def note(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.compte[request.path] += 1
        answer: web.StreamResponse = await handler(request)
        return answer

    def _dates(self) -> dict[str, int]:
        now = self.regles.heure or int(time.time())
        return {"iat": now, "exp": now + 60}

    def _sign(self, claims: dict[str, Any]) -> str:
        alg = self.regles.alg
        if alg == "none":
            return _unsigned(claims, {"alg": "none"}, b"")
        if alg == "HS256":
            # The public key, that everybody has, taken for a shared secret.
            return _unsigned(claims, {"alg": "HS256", "kid": self.rsa.kid}, self.rsa.as_pem(private=False))
        key = self.ec if alg == "ES256" else self.autre if self.regles.cle else self.rsa
        return jwt.encode({"alg": alg, "kid": key.kid}, claims, key)


def _unsigned(claims: dict[str, Any], header: dict[str, Any], secret: bytes) -> str:
    parts = [
        base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=").decode() for each in (header, claims)
    ]
    mac = hmac.digest(secret, ".".join(parts).encode(), "sha256") if secret else b""
    return ".".join([*parts, base64.urlsafe_b64encode(mac).rstrip(b"=").decode()])


def _changed(values: dict[str, Any], put: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**values, **put}.items() if value is not None}


async def serve(dossier: Path) -> None:
    """Serve until killed; the port is told on the standard output."""
    app = web.Application()
    runner = web.AppRunner(app, access_log=None)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(dossier / "cert.pem", dossier / "key.pem")
    provider = Fournisseur("")
    app.middlewares.append(provider.note)
    app.router.add_get("/.well-known/openid-configuration", provider.discover)
    for path in ("jwks", "authorize", "userinfo"):
        app.router.add_get(f"/{path}", getattr(provider, path))
    app.router.add_post("/token", provider.token)
    app.router.add_get("/session/end", provider.end)
    app.router.add_post("/regles", provider.rules)
    app.router.add_post("/rotation", provider.rotate)
    app.router.add_get("/compte", provider.count)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    provider.base = f"https://localhost:{runner.addresses[0][1]}"
    print(provider.base, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("dossier", type=Path)
    asyncio.run(serve(parser.parse_args().dossier))
