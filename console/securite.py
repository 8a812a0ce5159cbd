"""What every answer bears, and what every change must bear: headers, cookies, proof against forgery."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Final

COOKIE: Final = "__Host-console"
"""The session. The prefix makes browsers refuse it unless it is Secure, for this host alone, on path /."""
COOKIE_AVANT: Final = "__Host-console-avant"
"""Before a session: what the proof of the sign-in form rests upon."""
COOKIE_APPAREIL: Final = "__Host-console-appareil"
"""A browser that has signed in once (console.freins); gives no right."""
COOKIE_DEPART: Final = "__Host-console-depart"
"""While one is away at the provider of identity: what to come back with, sealed (console.oidc.depart)."""
CHAMP_JETON: Final = "jeton"
"""Field of every form that changes something."""

ENTETES: Final[Mapping[str, str]] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=63072000",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-store",
    "Server": "echangeur",
}
"""For every answer; static files replace Cache-Control. `data:` are the pictures of the style sheet."""

_SEL: Final = b"echangeur console jeton"
_TAILLE: Final = 32


def make_jeton(secret: str) -> str:
    """A proof that a form was made for the holder of that cookie. Different each time: a compressed page that
    repeats it would otherwise give it away (BREACH)."""
    mask = secrets.token_bytes(_TAILLE)
    return base64.urlsafe_b64encode(mask + _mix(mask, _derive(secret))).decode()


def check_jeton(secret: str, jeton: str) -> bool:
    """Was that proof made for the holder of that cookie?"""
    try:
        data = base64.urlsafe_b64decode(jeton.encode())
    except ValueError:
        return False
    if not secret or len(data) != 2 * _TAILLE:
        return False
    return hmac.compare_digest(_mix(data[:_TAILLE], data[_TAILLE:]), _derive(secret))


def same_origin(headers: Mapping[str, str], origine: str) -> bool:
    """Does the browser say that the request comes from a page of ours? What says nothing is refused.

    origine: our own origin, ``https://host[:port]``.
    """
    if "Origin" in headers:
        return headers["Origin"] == origine
    return headers.get("Sec-Fetch-Site") == "same-origin"


def _derive(secret: str) -> bytes:
    return hmac.digest(secret.encode(), _SEL, hashlib.sha256)


def _mix(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def new_secret() -> str:
    """A token of chance, for `COOKIE_AVANT`."""
    return secrets.token_urlsafe(_TAILLE)


def local_path(chemin: str) -> str:
    """That path when it is one of this console, otherwise ``/``: nobody is sent elsewhere by a link to us.

    A browser reads ``//host`` and ``/\\host`` as another host, and drops control characters first.
    """
    plain = chemin.isprintable() and "\\" not in chemin
    return chemin if plain and chemin.startswith("/") and not chemin.startswith("//") else "/"
