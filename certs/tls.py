"""TLS contexts of both edges: TLS 1.2 at least, mutual authentication, resumption.

The server asks for a certificate without demanding it: a partner without one reads a French fault instead
of a bare handshake alert, and the WSDL stays public. What a certificate may do is decided above, by its
fingerprint. OpenSSL still refuses in the handshake what nobody vouches for.
"""

from __future__ import annotations

import ssl
from asyncio.sslproto import SSLProtocol
from collections.abc import Iterable
from pathlib import Path
from typing import Final

NO_CHECK_TIME: Final = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL (x509_vfy.h), which Python does not name."""


def server_context(
    certificat: Path,
    cle: Path,
    autorites: Path,
    *,
    epingles: Iterable[bytes] = (),
    dates_verifiees_au_dessus: bool = False,
) -> ssl.SSLContext:
    """The context of a server that asks partners for their certificate ([SOA-1]).

    certificat: PEM chain of the server; cle: its key, PEM; autorites: PEM file of trusted authorities.
    epingles: certificates in PEM that are trusted by themselves, whatever their authority: pinning is the
        identity, so a partner keeps the certificate of its own IGC without our trusting that whole IGC.
    dates_verifiees_au_dessus: True when the caller judges the validity dates of each certificate at its own
        clock, which lets it answer « certificat expiré » in words; False leaves it to OpenSSL.

    Raises OSError or ssl.SSLError when a file cannot be read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificat, cle)
    context.load_verify_locations(cafile=autorites)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if dates_verifiees_au_dessus:
        context.verify_flags |= ssl.VerifyFlags(NO_CHECK_TIME)
    trust(context, epingles)
    # One connection per call is what partners do (interface/wire §1): resumption saves them the asymmetric
    # part. CPython sets the session id context that OpenSSL wants when certificates are asked for. Two
    # tickets per handshake, the default, only serve parallel browsers.
    context.num_tickets = 1
    # Compression of TLS leaks secrets (CRIME, RFC 7525 §3.3); renegotiation costs the server more than the
    # caller.
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    return context


TAMPON: Final = 32 * 1024
"""Bytes of the buffer of one TLS connection: two records (RFC 8446 §5.1)."""


def bound_buffers() -> None:
    """Give each TLS connection of asyncio a buffer of `TAMPON`; to be called before the first is opened.

    asyncio allocates 256 KiB for each, whatever it carries: 1,600 partners would hold 400 MB in buffers that
    a distribution of 8 KB never fills. Measured: 293 KiB for each end of a connection, 69 with this.
    """
    SSLProtocol.max_size = TAMPON


def trust(context: ssl.SSLContext, epingles: Iterable[bytes]) -> None:
    """Add certificates in PEM to those that `context` trusts by themselves; usable while it serves."""
    data = b"\n".join(epingles)
    if data:
        context.load_verify_locations(cadata=data.decode("ascii"))


def client_context(
    autorites: Path | bytes | None, certificat: Path | None = None, cle: Path | None = None
) -> ssl.SSLContext:
    """The context of a client: checks host name and chain against `autorites` (PEM file or PEM bytes; None
    for those of the system), presents `certificat` when given.

    Raises OSError or ssl.SSLError when a file cannot be read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    match autorites:
        case None:
            context.load_default_certs(ssl.Purpose.SERVER_AUTH)
        case bytes():
            context.load_verify_locations(cadata=autorites.decode("ascii"))
        case Path():
            context.load_verify_locations(cafile=autorites)
    if certificat is not None:
        context.load_cert_chain(certificat, cle)
    return context
