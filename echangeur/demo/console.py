"""The console of the demonstration: a ready account, which the demonstration itself signs in with."""

from __future__ import annotations

import re
import secrets
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp

from certs.tls import client_context
from console.comptes import Compte, NouveauCompte, certify, create_compte, set_secrets
from console.profils import ProfilCompte
from console.secrets_compte import hash_password, new_totp
from echangeur.instance import Instance
from echangeur.scellement import open_coffre
from registry.clock import Clock

COURRIEL: Final = "agent@exemple.fr"
_JETON: Final = re.compile(r'name="jeton" value="([^"]+)"')
_PAR: Final = "démonstration"


@dataclass(frozen=True, slots=True)
class CompteDemo:
    """What opens the console: an address, a password, and codes that serve once each, for a telephone."""

    courriel: str
    mot_de_passe: str
    codes: tuple[str, ...]


def create_account(instance: Instance, guichet: str, clock: Clock) -> CompteDemo:
    """A certified agent of that guichet, with a password of chance."""
    instant = clock.now()
    password = secrets.token_urlsafe(12)
    with instance.database() as engine, engine.begin() as conn:
        nouveau = NouveauCompte(COURRIEL, "Agent de la démonstration", ProfilCompte.GUICHET, guichet)
        compte = create_compte(conn, nouveau, par=_PAR, instant=instant)
        assert isinstance(compte, Compte), compte
        certify(conn, compte.id, par=_PAR, instant=instant)
        coffre = open_coffre(instance, conn, instant=instant)
        codes = set_secrets(conn, coffre, compte.id, hash_password(password), new_totp(), 0, instant=instant)
    return CompteDemo(COURRIEL, password, codes)


async def sign_in(base: str, compte: CompteDemo, autorite: Path) -> tuple[str, ...]:
    """Sign in as a browser does, with the last code, and read the home page; what did not go as it should."""
    context: ssl.SSLContext = client_context(autorite)
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context), cookie_jar=jar) as client:
        async with client.get(f"{base}/connexion") as answer:
            found = _JETON.search(await answer.text())
        form = {
            "jeton": found[1] if found else "",
            "courriel": compte.courriel,
            "mot_de_passe": compte.mot_de_passe,
            "code": compte.codes[-1],
        }
        async with client.post(f"{base}/connexion", data=form, headers={"Origin": base}) as answer:
            page = await answer.text()
            if answer.status != 200 or "Ce qui vous concerne" not in page:
                return (f"la console n'a pas ouvert sa page d'accueil ({answer.status})",)
    return ()
