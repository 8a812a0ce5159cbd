"""What the provider signs, judged: signature, issuer, audience, dates, nonce, level. JOSE is joserfc's.

Pure, but for the clock that is passed in. A doubt is a value, with its reason in French; nothing of the token
is quoted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from joserfc import jwt
from joserfc.errors import (
    BadSignatureError,
    ClaimError,
    ExpiredTokenError,
    InvalidKeyIdError,
    JoseError,
    UnsupportedAlgorithmError,
)
from joserfc.jwk import ECKey, Key, KeySet, RSAKey
from joserfc.jwt import ClaimsOption, JWTClaimsRegistry

from console.reglages_oidc import Oidc

ECART: Final = 60
"""Seconds that the clocks of the provider and of the hub may differ by."""
_SUJET_MAX: Final = 255
"""OpenID Connect Core §2."""


@dataclass(frozen=True, slots=True)
class Doute:
    """Why something is not believed. cle_inconnue: the keys that we know may be out of date."""

    raison: str
    cle_inconnue: bool = False


@dataclass(frozen=True, slots=True)
class Revendications:
    """What is believed of an identity. verifie: what is said of the address; None when nothing is."""

    sujet: str
    courriel: str
    verifie: bool | None


def read_keys(document: Mapping[str, object]) -> KeySet | None:
    """The keys of a provider that verify signatures; None when there is none. Symmetric keys are not taken:
    what is public signs nothing."""
    found: list[Key] = []
    entries = document.get("keys")
    for entry in entries if isinstance(entries, list) else ():
        if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
            continue
        try:
            match entry.get("kty"):
                case "RSA":
                    found.append(RSAKey.import_key(entry))
                case "EC":
                    found.append(ECKey.import_key(entry))
        except (JoseError, ValueError, TypeError, KeyError):
            continue  # RFC 7517 §5: a key that is not understood is left aside.
    return KeySet(found) if found else None


def judge_id_token(
    jeton: str, keys: KeySet, reglages: Oidc, nonce: str, *, instant: datetime
) -> Revendications | Doute:
    """OpenID Connect Core §3.1.3.7."""
    claims = _signed(jeton, keys, reglages)
    if isinstance(claims, Doute):
        return claims
    return (
        _judge(claims, reglages, instant, "exp", "iat") or _beyond(claims, reglages, nonce) or _claims(claims)
    )


def judge_userinfo(
    jeton: str, keys: KeySet, reglages: Oidc, sujet: str, *, instant: datetime
) -> Revendications | Doute:
    """Signed claims on the person (OpenID Connect Core §5.3.2): issuer and audience are to be there."""
    claims = _signed(jeton, keys, reglages)
    if isinstance(claims, Doute):
        return claims
    return _judge(claims, reglages, instant) or read_userinfo(claims, sujet)


def read_userinfo(claims: Mapping[str, object], sujet: str) -> Revendications | Doute:
    """Claims on the person, which must be those of that subject (§5.3.4)."""
    if claims.get("sub") != sujet:
        return Doute("deux personnes différentes")
    return _claims(claims)


def _signed(jeton: str, keys: KeySet, reglages: Oidc) -> dict[str, object] | Doute:
    try:
        token = jwt.decode(jeton, keys, algorithms=[reglages.signature])
    except InvalidKeyIdError:
        return Doute("clé inconnue", cle_inconnue=True)
    except UnsupportedAlgorithmError:
        return Doute("algorithme de signature")
    except BadSignatureError:
        # The keys may have changed under the same name.
        return Doute("signature", cle_inconnue=True)
    except (JoseError, ValueError, TypeError, KeyError):
        return Doute("forme du jeton")
    return token.claims


def _judge(claims: dict[str, object], reglages: Oidc, instant: datetime, *dates: str) -> Doute | None:
    """Whether they are of this provider, for this console, on somebody, and not past. dates: those that must
    be there."""
    registry = JWTClaimsRegistry(
        now=int(instant.timestamp()),
        leeway=ECART,
        iss={"essential": True, "value": reglages.emetteur},
        aud={"essential": True, "value": reglages.client},
        **{date: ClaimsOption(essential=True) for date in dates},
        sub={"essential": True},
    )
    try:
        registry.validate(claims)
    except ExpiredTokenError:
        return Doute("périmé")
    except ClaimError as error:
        named = {"iss": "émetteur", "aud": "destinataire", "sub": "sujet"}
        return Doute(named.get(error.claim.partition(",")[0], "date"))
    return None


def _beyond(claims: dict[str, object], reglages: Oidc, nonce: str) -> Doute | None:
    """What the registry of claims does not know, or judges loosely."""
    aud, azp = claims["aud"], claims.get("azp")
    if (isinstance(aud, list) and len(aud) > 1 and azp is None) or azp not in (None, reglages.client):
        return Doute("destinataire")
    if claims.get("nonce") != nonce:
        return Doute("nonce")
    wanted = reglages.niveaux.split()
    if wanted and claims.get("acr") not in wanted:
        return Doute("niveau d'authentification")
    return None


def _claims(claims: Mapping[str, object]) -> Revendications | Doute:
    sujet, courriel, verifie = claims.get("sub"), claims.get("email", ""), claims.get("email_verified")
    if not isinstance(sujet, str) or not 0 < len(sujet) <= _SUJET_MAX or not sujet.isprintable():
        return Doute("sujet")
    # Some providers write the truth value as a text.
    said = {True: True, False: False, "true": True, "false": False, None: None}
    if not isinstance(courriel, str) or not isinstance(verifie, bool | str | None) or verifie not in said:
        return Doute("adresse électronique")
    return Revendications(sujet, courriel, said[verifie])
