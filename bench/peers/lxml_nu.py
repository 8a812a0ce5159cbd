"""Bare lxml over aiohttp: parses the envelope and the file, echoes the file. The floor of SOAP here.

Run as ``python -m bench.peers.lxml_nu PORT DIR`` where DIR holds cert.pem, key.pem and ca.pem.
"""

from __future__ import annotations

import base64
import ssl
import sys
from pathlib import Path

from aiohttp import web
from lxml import etree

SOAP = "http://www.w3.org/2003/05/soap-envelope"
WS = "http://ws.metier.nuu.application.i2/"


async def echo(request: web.Request) -> web.Response:
    """Answer numUniqueReponse with the very file that came."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    envelope = etree.fromstring(await request.read(), parser)
    name = envelope.findtext(".//nomFichierDemande") or ""
    document = base64.b64decode(envelope.findtext(".//fichierDemande") or "")
    etree.fromstring(document, parser)
    answer = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"soap": SOAP, "ws": WS})
    body = etree.SubElement(answer, f"{{{SOAP}}}Body")
    wrapper = etree.SubElement(body, f"{{{WS}}}numUniqueReponse")
    etree.SubElement(wrapper, "nomFichierDemande").text = name
    etree.SubElement(wrapper, "fichierDemande").text = base64.b64encode(document).decode()
    return web.Response(body=etree.tostring(answer), content_type="application/soap+xml")


def main() -> None:
    port, folder = int(sys.argv[1]), Path(sys.argv[2])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(folder / "ca.pem"))
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    app = web.Application(client_max_size=2**24)
    app.router.add_post("/", echo)
    web.run_app(app, host="127.0.0.1", port=port, ssl_context=context, print=None, access_log=None)


if __name__ == "__main__":
    main()
