"""Passwords and second factors: Argon2id (RFC 9106) and TOTP (RFC 6238), by libraries that are theirs."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime
from typing import Final

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HACHEUR: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""The least that OWASP advises: 19 MiB and some 30 ms of one core, which a hundred agents may ask for at once
at eight o'clock; the brakes (console.freins) bound what is tried."""
_FAUX: Final = _HACHEUR.hash(secrets.token_urlsafe(16))
"""Verified when there is no account: as long as when there is one."""
LONGUEUR_MIN: Final = 12
LONGUEUR_MAX: Final = 128
_DISTINCTS_MIN: Final = 5
_PAS_TOTP: Final = 30
_FENETRE: Final = 1
"""Time steps accepted on either side: clocks of telephones are a few seconds off."""
_EMETTEUR: Final = "Echangeur"
NOMBRE_CODES: Final = 10
_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without letters and figures that look alike."""


def refusal_of_password(password: str, courriel: str) -> str:
    """Why that password cannot be kept, in French; empty when it can. Pure."""
    if len(password) < LONGUEUR_MIN:
        return f"Le mot de passe compte au moins {LONGUEUR_MIN} caractères."
    if len(password) > LONGUEUR_MAX:
        return f"Le mot de passe compte au plus {LONGUEUR_MAX} caractères."
    if len(set(password)) < _DISTINCTS_MIN:
        return "Le mot de passe répète trop les mêmes caractères."
    if courriel.partition("@")[0].lower() in password.lower():
        return "Le mot de passe ne contient pas le nom du compte."
    return ""


def hash_password(password: str) -> str:
    """What is kept of a password."""
    return _HACHEUR.hash(password)


def check_password(kept: str | None, password: str) -> bool:
    """Is that the password? As long to answer when there is none."""
    try:
        _HACHEUR.verify(kept or _FAUX, password[:LONGUEUR_MAX])
    except (VerificationError, InvalidHashError):
        return False
    return kept is not None


def new_totp() -> str:
    """A secret for a telephone, base32."""
    return pyotp.random_base32()


def totp_uri(secret: str, courriel: str) -> str:
    """What the picture for the telephone says (otpauth)."""
    return pyotp.TOTP(secret).provisioning_uri(name=courriel, issuer_name=_EMETTEUR)


def check_totp(secret: str | None, code: str, last: int | None, *, instant: datetime) -> int | None:
    """The time step of a right code not yet used, to be kept; None for any other. Pure.

    last: time step of the last code accepted.
    """
    if secret is None:
        return None
    step = int(instant.timestamp()) // _PAS_TOTP
    totp = pyotp.TOTP(secret)
    for each in range(step - _FENETRE, step + _FENETRE + 1):
        if hmac.compare_digest(totp.generate_otp(each).encode(), normalise_code(code).encode()):
            return each if last is None or each > last else None
    return None


def new_codes() -> tuple[str, ...]:
    """Codes that replace the telephone, once each: 10 characters, some 49 bits."""
    found = ("".join(secrets.choice(_ALPHABET) for _ in range(10)) for _ in range(NOMBRE_CODES))
    return tuple(f"{code[:5]}-{code[5:]}" for code in found)


def digest_code(code: str) -> str:
    """What is kept of such a code, once sealed: hexadecimal."""
    return hashlib.sha256(normalise_code(code).encode()).hexdigest()


def normalise_code(code: str) -> str:
    """A code as typed, without spaces and dashes."""
    return "".join(each for each in code.lower() if each.isalnum())
