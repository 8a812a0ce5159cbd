"""A sign-in that goes through the provider: what is drawn for it, and what the browser keeps meanwhile.

Nothing is kept in the base for whoever starts: the state, the nonce and the verifier of PKCE leave sealed in
a cookie of this browser, for ten minutes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

import msgspec

from console.coffre import CleAbsente, Coffre, ScelleAltere
from console.reglages_oidc import Oidc
from console.securite import local_path, new_secret

DUREE: Final = timedelta(minutes=10)
_SUITE_MAX: Final = 1_000
"""Of a longer address, nothing is kept: a cookie has 4,096 bytes."""
_CONTEXTE: Final = "oidc.depart"


@dataclass(frozen=True, slots=True)
class Depart:
    """state: proves that who comes back is who left (RFC 6749 §10.12). nonce: that the token was made for
    this sign-in (OpenID Connect Core §3.1.2.1). verificateur: that whoever brings the code asked for it (RFC
    7636). suite: the page to open. expire: seconds since 1970."""

    state: str
    nonce: str
    verificateur: str
    suite: str
    expire: int


def new_depart(suite: str, *, instant: datetime) -> Depart:
    """Draw what a new sign-in needs; each 256 bits of chance."""
    suite = local_path(suite)
    end = instant + DUREE
    return Depart(
        new_secret(),
        new_secret(),
        new_secret(),
        suite if len(suite) <= _SUITE_MAX else "/",
        int(end.timestamp()),
    )


def seal_depart(coffre: Coffre, depart: Depart) -> str:
    """What the cookie holds."""
    return coffre.seal(msgspec.json.encode(depart).decode(), _CONTEXTE)


def open_depart(coffre: Coffre, cookie: str, state: str, *, instant: datetime) -> Depart | None:
    """The sign-in that this browser began under that state, while it may end; None for any other."""
    if not cookie or not state:
        return None
    try:
        depart = msgspec.json.decode(coffre.open(cookie, _CONTEXTE), type=Depart)
    except (CleAbsente, ScelleAltere, msgspec.DecodeError):
        return None
    same = hmac.compare_digest(depart.state.encode(), state.encode())
    return depart if same and instant.timestamp() < depart.expire else None


def authorization_url(adresse: str, reglages: Oidc, depart: Depart, retour: str) -> str:
    """Where the browser goes (OpenID Connect Core §3.1.2.1). Pure. Nothing that was not agreed upon:
    ProConnect refuses a request with a parameter that it does not know."""
    values = {
        "response_type": "code",
        "client_id": reglages.client,
        "redirect_uri": retour,
        "scope": reglages.portees,
        "state": depart.state,
        "nonce": depart.nonce,
        "code_challenge": challenge_of(depart.verificateur),
        "code_challenge_method": "S256",
        **_levels(reglages),
    }
    return f"{adresse}{'&' if '?' in adresse else '?'}{urlencode(values)}"


def challenge_of(verificateur: str) -> str:
    """RFC 7636 §4.2."""
    return base64.urlsafe_b64encode(hashlib.sha256(verificateur.encode()).digest()).rstrip(b"=").decode()


def _levels(reglages: Oidc) -> Mapping[str, str]:
    wanted = reglages.niveaux.split()
    if not wanted:
        return {}
    if reglages.demande_niveaux == "acr_values":
        return {"acr_values": " ".join(wanted)}
    claims = {"id_token": {"acr": {"essential": True, "values": wanted}}}
    return {"claims": msgspec.json.encode(claims).decode()}
