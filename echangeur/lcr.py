"""Fetching revocation lists, from the addresses that the operator gave and no other: bounded, and never while
a certificate is being judged."""

from __future__ import annotations

from typing import Final

import aiohttp

from certs.chemin import MAX_LCR_OCTETS

DELAI: Final = 30.0
"""Seconds for one list, connection included."""


class LcrInaccessible(Exception):
    """The list could not be fetched; the message is French, for the operator."""


async def fetch_lcr(url: str) -> bytes:
    """The bytes at an address. Raises LcrInaccessible: no answer, another status than 200, too big, too slow.

    Redirections are not followed: the address is the one that the operator gave.
    """
    timeout = aiohttp.ClientTimeout(total=DELAI)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(url, allow_redirects=False) as answer,
        ):
            if answer.status != 200:
                raise LcrInaccessible(f"le serveur répond {answer.status}")
            data = await answer.content.read(MAX_LCR_OCTETS + 1)
            while len(data) <= MAX_LCR_OCTETS and (more := await answer.content.read(MAX_LCR_OCTETS)):
                data += more
    except (TimeoutError, aiohttp.ClientError, ValueError) as error:
        raise LcrInaccessible(f"le serveur ne répond pas ({type(error).__name__})") from error
    if len(data) > MAX_LCR_OCTETS:
        raise LcrInaccessible(f"la liste dépasse {MAX_LCR_OCTETS // 1024 // 1024} Mio")
    return data
