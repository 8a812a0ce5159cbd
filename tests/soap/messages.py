"""Messages that partners send, and pieces to make bad ones."""

from __future__ import annotations

import base64
from collections.abc import Sequence

SOAP = "http://www.w3.org/2003/05/soap-envelope"
WS = "http://ws.metier.nuu.application.i2/"
XOP = "http://www.w3.org/2004/08/xop/include"
INCLUDE = f'<xop:Include xmlns:xop="{XOP}" href="cid:{{}}"/>'

DOCUMENT = (
    b'<n:interfaceNuu xmlns:n="http://nuu.application.i2/" versionInterface="02.01">'
    b"<n:demande>&#233;t&#233;</n:demande></n:interfaceNuu>"
)
REPONSE = (
    '<ns1:interfaceNuu xmlns:ns1="http://nuu.application.i2/" versionInterface="02.01">'
    "<ns1:demande>été</ns1:demande></ns1:interfaceNuu>"
).encode()
DOUBLONS = b'<ns1:listeDoublons xmlns:ns1="http://nuu.application.i2/"><ns1:doublon/></ns1:listeDoublons>'


def envelope(body: str, header: str = "<s:Header/>") -> bytes:
    """An envelope with `ws` declared on it."""
    return (
        f'<s:Envelope xmlns:s="{SOAP}" xmlns:ws="{WS}">{header}<s:Body>{body}</s:Body></s:Envelope>'
    ).encode()


def inline_num_unique(document: bytes = DOCUMENT) -> bytes:
    """A plain SOAP 1.2 envelope of getNumUnique."""
    return envelope(
        "<ws:numUniqueParametres><nomFichierDemande>DEMG1226-201708311530-000000.xml</nomFichierDemande>"
        f"<fichierDemande>{base64.b64encode(document).decode()}</fichierDemande>"
        "<nomCertificat/><certificat/></ws:numUniqueParametres>"
    )


def xop_num_unique(href: str = "cid:xml_id") -> bytes:
    """An envelope of getNumUnique whose document is a part."""
    return envelope(
        "<ws:numUniqueParametres><nomFichierDemande>a.xml</nomFichierDemande><fichierDemande>"
        f'<xop:Include xmlns:xop="{XOP}" href="{href}"/></fichierDemande>'
        "<nomCertificat/><certificat/></ws:numUniqueParametres>"
    )


def multipart(parts: Sequence[tuple[str, bytes]], boundary: str = "B", final: bytes = b"--") -> bytes:
    """A multipart body; each part is its header lines joined by newlines, and its content."""
    out = b""
    for header, content in parts:
        lines = header.strip().replace("\n", "\r\n").encode("latin-1")
        out += b"--" + boundary.encode() + b"\r\n" + lines + b"\r\n\r\n" + content + b"\r\n"
    return out + b"--" + boundary.encode() + final


RACINE = """Content-Type: application/xop+xml; charset=UTF-8; type="application/soap+xml"
Content-Transfer-Encoding: 8bit
Content-ID: <racine>"""
PIECE = """Content-Type: text/xml; charset=us-ascii
Content-Transfer-Encoding: 7bit
Content-ID: <xml_id>"""
MTOM = 'multipart/related; type="application/xop+xml"; start="<racine>"; boundary="B"'
"""Content-Type of a body made of RACINE and PIECE by `multipart`."""
CLAIR = f'application/soap+xml; charset=utf-8; action="{WS}getNumUnique"'


def mtom_num_unique(document: bytes = DOCUMENT, href: str = "cid:xml_id") -> bytes:
    """A whole MTOM body of getNumUnique, to be sent as MTOM."""
    return multipart([(RACINE, xop_num_unique(href)), (PIECE, document)])
