"""The messages of the benchmark: the same document packed in the three ways that the servers read."""

from __future__ import annotations

import base64

from bench.load import Request

SOAP = "http://www.w3.org/2003/05/soap-envelope"
WS = "http://ws.metier.nuu.application.i2/"
CRLF = b"\r\n"
ATTESTATION = ""
SANS_ATTESTATION = "<complet>non</complet>"
"""End of a wrapper of getNumUnique: what is said of the attestation."""


def http(path: str, content_type: str, body: bytes) -> Request:
    """The exact bytes of one HTTP/1.1 request with keep-alive."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return Request(head.encode() + body)


def _envelope(inner: bytes) -> bytes:
    return (
        f'<soap:Envelope xmlns:soap="{SOAP}" xmlns:ws="{WS}"><soap:Header/><soap:Body>'.encode()
        + inner
        + b"</soap:Body></soap:Envelope>"
    )


def plain_call(path: str, operation: str, wrapper: str, inner: str) -> Request:
    """Any operation in plain SOAP 1.2. inner: the children of the wrapper, as XML."""
    body = _envelope(f"<ws:{wrapper}>{inner}</ws:{wrapper}>".encode())
    return http(path, f'application/soap+xml; charset=UTF-8; action="{WS}{operation}"', body)


def plain_registration(path: str, document: bytes, complet: str = SANS_ATTESTATION) -> Request:
    """getNumUnique in plain SOAP 1.2, the file inline in base64."""
    inner = (
        b"<ws:numUniqueParametres><nomFichierDemande>DEMG1104-202601010000-000001.xml</nomFichierDemande>"
        b"<fichierDemande>" + base64.b64encode(document) + b"</fichierDemande>"
        b"<nomCertificat/><certificat/>" + complet.encode() + b"</ws:numUniqueParametres>"
    )
    return http(path, f'application/soap+xml; charset=UTF-8; action="{WS}getNumUnique"', _envelope(inner))


def stock_spyne_registration(path: str, document: bytes) -> Request:
    """The same in the dialect of stock spyne: wrapper named after the operation, qualified children."""
    inner = (
        b"<ws:getNumUnique><ws:nomFichierDemande>DEMG1104-202601010000-000001.xml</ws:nomFichierDemande>"
        b"<ws:fichierDemande>" + base64.b64encode(document) + b"</ws:fichierDemande>"
        b"<ws:nomCertificat/><ws:certificat/></ws:getNumUnique>"
    )
    return http(path, "application/soap+xml; charset=UTF-8", _envelope(inner))


def _mtom(path: str, action: str, inner: bytes, parts: list[tuple[str, str, bytes]]) -> Request:
    boundary = "MIME_BOUNDARY"
    chunks = [
        f'--{boundary}\r\nContent-Type: application/xop+xml; charset=UTF-8; type="application/soap+xml"; '
        f'action="{action}"\r\nContent-Transfer-Encoding: 8bit\r\nContent-ID: <soaproot>\r\n\r\n'.encode(),
        _envelope(inner),
    ]
    for cid, mime, content in parts:
        chunks.append(
            f"\r\n--{boundary}\r\nContent-Type: {mime}\r\nContent-ID: <{cid}>\r\n"
            f"Content-Transfer-Encoding: binary\r\nContent-Disposition: attachment\r\n\r\n".encode()
        )
        chunks.append(content)
    chunks.append(f"\r\n--{boundary}--".encode())
    content_type = (
        'multipart/related; type="application/xop+xml"; start="soaproot"; '
        f'start-info="application/soap+xml"; boundary="{boundary}"; action="{WS}{action}"'
    )
    return http(path, content_type, b"".join(chunks))


def mtom_registration(path: str, document: bytes, complet: str = SANS_ATTESTATION) -> Request:
    """getNumUnique as partners send it (MTOM, empty certificate)."""
    inner = (
        b"<ws:numUniqueParametres><nomFichierDemande>DEMG1104-202601010000-000001.xml</nomFichierDemande>"
        b'<fichierDemande><xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include" '
        b'href="cid:xml_id"/></fichierDemande><nomCertificat/>'
        b'<certificat ws:contentType="application/x-x509-ca-cert"><xop:Include '
        b'xmlns:xop="http://www.w3.org/2004/08/xop/include" href="cid:certificate"/></certificat>'
        + complet.encode()
        + b"</ws:numUniqueParametres>"
    )
    parts = [("certificate", "application/octet-stream", b""), ("xml_id", "text/xml", document)]
    return _mtom(path, "getNumUnique", inner, parts)


def mtom_read(path: str, numero: str) -> Request:
    """getDemandeLogement as partners send it."""
    inner = (
        f"<ws:demandeLogementParametres><numUnique>{numero}</numUnique><nomCertificat/>"
        '<certificat ws:contentType="application/x-x509-ca-cert"><xop:Include '
        'xmlns:xop="http://www.w3.org/2004/08/xop/include" href="cid:certificate"/></certificat>'
        "</ws:demandeLogementParametres>"
    ).encode()
    return _mtom(path, "getDemandeLogement", inner, [("certificate", "application/octet-stream", b"")])


def plain_read(path: str, numero: str) -> Request:
    """getDemandeLogement in plain SOAP 1.2."""
    inner = (
        f"<ws:demandeLogementParametres><numUnique>{numero}</numUnique><nomCertificat/><certificat/>"
        "</ws:demandeLogementParametres>"
    ).encode()
    return http(
        path, f'application/soap+xml; charset=UTF-8; action="{WS}getDemandeLogement"', _envelope(inner)
    )
