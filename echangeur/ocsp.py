"""Asking OCSP responders, at the addresses that the operator gave and no other: bounded, and never while a
certificate is being judged."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import aiohttp

from certs.ocsp import ask_about
from registry.verdicts_certificats import Question

DELAI: Final = 10.0
"""Seconds for one answer, connection included."""

MAX_OCTETS: Final = 64 * 1024
"""An answer with the certificates of a delegated responder is some 5 KB."""

PARALLELE: Final = 8
"""Questions in flight at once."""


async def ask_all(questions: Sequence[Question]) -> list[bytes | str]:
    """The answer to each question, in DER; or why there is none, in French."""
    free = asyncio.Semaphore(PARALLELE)
    timeout = aiohttp.ClientTimeout(total=DELAI)
    async with aiohttp.ClientSession(timeout=timeout) as session:

        async def one(question: Question) -> bytes | str:
            async with free:
                return await _ask(session, question)

        return await asyncio.gather(*map(one, questions))


async def _ask(session: aiohttp.ClientSession, question: Question) -> bytes | str:
    demande = ask_about(question.certificat, question.autorite.certificat)
    try:
        async with session.post(
            question.autorite.ocsp_url,
            data=demande,
            headers={"Content-Type": "application/ocsp-request"},
            allow_redirects=False,
        ) as answer:
            if answer.status != 200:
                return f"le répondeur répond {answer.status}"
            data = b""
            while len(data) <= MAX_OCTETS and (more := await answer.content.read(MAX_OCTETS)):
                data += more
    except (TimeoutError, aiohttp.ClientError, ValueError) as error:
        return f"le répondeur ne répond pas ({type(error).__name__})"
    return data if len(data) <= MAX_OCTETS else f"la réponse dépasse {MAX_OCTETS // 1024} Kio"
