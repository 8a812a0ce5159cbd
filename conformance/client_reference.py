"""The reference client: it speaks to the hub exactly as known partners do, and reads as naively as they do.

The request is the byte-for-byte packaging of interface/wire §2 (constant boundary, `start` without angle
brackets, CRLF everywhere, empty certificate part, no final line end); the answer is read as in interface/wire
§4, by searching text in the whole body, without parsing MIME nor SOAP. What this client can read, the poorest
partner can read.
"""

from __future__ import annotations

import http.client
import ssl
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit
from xml.etree import ElementTree

WS: Final = "http://ws.metier.nuu.application.i2/"
NUU: Final = "{http://nuu.application.i2/}"
INATTENDUE: Final = "Une erreur inattendue est survenue lors du traitement de la demande."
_BOUNDARY: Final = "MIME_BOUNDARY"
_CID: Final = "soaproot"
_TYPE: Final = 'type="application/soap+xml"'


@dataclass(frozen=True, slots=True)
class Lecture:
    """What the client understood of an answer.

    document: the text cut out of the answer, or empty.
    anomalies: pairs (code, text) of listeAnomalie, empty when it was not there.
    erreur: text of the whole answer when no document could be cut out of it.
    """

    document: str = ""
    anomalies: tuple[tuple[str, str], ...] = ()
    erreur: str = ""

    def find(self, path: str) -> str:
        """Text of the first element at `path` below the root, names without namespace; empty if none."""
        if not self.document:
            return ""
        qualified = "/".join(NUU + step for step in path.split("/"))
        return ElementTree.fromstring(self.document).findtext(qualified) or ""  # noqa: S314 - our own hub


def _crlf(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _part(headers: tuple[str, ...], body: bytes) -> bytes:
    return "\r\n".join((f"--{_BOUNDARY}", *headers, "", "")).encode("ascii") + body + b"\r\n"


def build_request(
    operation: str, wrapper: str, fields: str, document: bytes | None, *, certificat: bool
) -> bytes:
    """The body of one request.

    fields: the children of the wrapper, already XML.
    document: bytes of the file in pure ASCII, or None when the operation carries none.
    certificat: whether the (empty) certificate part is sent; getDoublons has none.
    """
    envelope = (
        '<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope" '
        f'xmlns:ws="{WS}"><soap:Header/><soap:Body><ws:{wrapper}>{fields}</ws:{wrapper}></soap:Body></soap:Envelope>'
    )
    parts = [
        _part(
            (
                f'Content-Type: application/xop+xml; charset=UTF-8; {_TYPE}; action="{operation}"',
                "Content-Transfer-Encoding: 8bit",
                f"Content-ID: <{_CID}>",
            ),
            _crlf(envelope.encode()),
        )
    ]
    if certificat:
        parts.append(
            _part(
                (
                    "Content-Type: application/octet-stream",
                    "Content-ID: <certificate>",
                    "Content-Transfer-Encoding: BASE64",
                    "Content-Disposition: attachment",
                ),
                b"",
            )
        )
    if document is not None:
        parts.append(
            _part(
                (
                    "Content-Type: text/xml; charset=us-ascii",
                    "Content-Transfer-Encoding: 7bit",
                    "Content-ID: <xml_id>",
                    "Content-Disposition: attachment",
                ),
                _crlf(document),
            )
        )
    return b"".join(parts) + f"--{_BOUNDARY}--".encode("ascii")


def build_headers(operation: str) -> dict[str, str]:
    """The HTTP headers of one request, in the order sent."""
    return {
        "Host": "nuu-ws.ecole.application.developpement-durable.gouv.fr",
        "MIME-Version": "1.0",
        "Accept-Encoding": "deflate",
        "User-Agent": "Apache-HttpClient/4.1.1 (java 1.5)",
        "Content-Type": (
            'multipart/related; type="application/xop+xml"; start="soaproot"; '
            f'start-info="application/soap+xml"; boundary="{_BOUNDARY}"; action="{WS}{operation}"'
        ),
        "Connection": "Keep-Alive",
    }


_INCLUDE = '<xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include" href="cid:{}"/>'
_FICHIER = "<fichierDemande>" + _INCLUDE.format("xml_id") + "</fichierDemande>"


def _certificat(nom: str) -> str:
    return (
        f'<nomCertificat>{nom}</nomCertificat><certificat ws:contentType="application/x-x509-ca-cert">'
        + _INCLUDE.format("certificate")
        + "</certificat>"
    )


def num_unique_request(nom_fichier: str, document: bytes, nom_certificat: str) -> bytes:
    """Body of getNumUnique."""
    fields = f"<nomFichierDemande>{nom_fichier}</nomFichierDemande>{_FICHIER}{_certificat(nom_certificat)}"
    return build_request("getNumUnique", "numUniqueParametres", fields, document, certificat=True)


def doublons_request(nom_fichier: str, document: bytes) -> bytes:
    """Body of getDoublons."""
    fields = f"<nomFichierDemande>{nom_fichier}</nomFichierDemande>{_FICHIER}"
    return build_request("getDoublons", "rechercheDoublonsParametres", fields, document, certificat=False)


def demande_logement_request(num_unique: str, nom_certificat: str) -> bytes:
    """Body of getDemandeLogement."""
    fields = f"<numUnique>{num_unique}</numUnique>{_certificat(nom_certificat)}"
    return build_request("getDemandeLogement", "demandeLogementParametres", fields, None, certificat=True)


def read_answer(body: bytes, root: str = "interfaceNuu") -> Lecture:
    """Cut the document out of the answer and look at its anomalies (interface/wire §4, steps 1 to 4).

    Raises UnicodeDecodeError when the body is not UTF-8 and ElementTree.ParseError when what was cut out
    is not a document: the reference client would fail just so.
    """
    text = body.decode("utf-8")
    if INATTENDUE in text or f":{root}" not in text:
        return Lecture(erreur=text)
    begin, end = text.index(f":{root}") - 4, text.index(f":{root}>") + len(root) + 2
    document = text[begin:end]
    liste = ElementTree.fromstring(document).find(f"{NUU}demande/{NUU}demandeLogement/{NUU}listeAnomalie")  # noqa: S314
    if liste is None:
        return Lecture(document)
    return Lecture(document, tuple((a.get("code", ""), a[0].text or "") for a in liste))


class ClientReference:
    """One partner: its certificate and the address of the hub. A connection per call, as partners do."""

    def __init__(
        self, adresse: str, contexte: ssl.SSLContext, *, nom_certificat: str = "", delai: float = 60
    ) -> None:
        """adresse: ``https://localhost:8443``; contexte: TLS with the certificate; delai in seconds."""
        parts = urlsplit(adresse)
        self._host = parts.hostname or "localhost"
        self._port = parts.port or 443
        self._contexte = contexte
        self._nom_certificat = nom_certificat
        self._delai = delai

    def post(self, operation: str, body: bytes) -> bytes:
        """Send one request, return the body of the answer whatever its status. Raises OSError."""
        connection = http.client.HTTPSConnection(
            self._host, self._port, timeout=self._delai, context=self._contexte
        )
        try:
            headers = build_headers(operation)
            connection.putrequest(
                "POST", "/services/DemandeLogementImplService/", skip_host=True, skip_accept_encoding=True
            )
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            with connection.getresponse() as response:
                return response.read()
        finally:
            connection.close()

    def num_unique(self, nom_fichier: str, document: bytes) -> Lecture:
        """Register a demande."""
        body = num_unique_request(nom_fichier, document, self._nom_certificat)
        return read_answer(self.post("getNumUnique", body))

    def demande_logement(self, num_unique: str) -> Lecture:
        """Read a demande by its number."""
        return read_answer(
            self.post("getDemandeLogement", demande_logement_request(num_unique, self._nom_certificat))
        )

    def doublons(self, nom_fichier: str, document: bytes) -> Lecture:
        """Look for doublons; `document` of the result is the list, empty when the answer holds none."""
        return read_answer(self.post("getDoublons", doublons_request(nom_fichier, document)), "listeDoublons")
