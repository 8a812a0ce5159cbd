"""Stock spyne as a WSGI application: the same echo, with the library as released and no tuning.

Served by gunicorn: ``gunicorn bench.peers.spyne_nu:application``. It is given its own dialect (it cannot read
the published contract as it is: docs/decisions/0002-spyne.md).
"""

from __future__ import annotations

import logging

from spyne import Application, ByteArray, ComplexModel, Service, Unicode, rpc
from spyne.protocol.soap import Soap12
from spyne.server.wsgi import WsgiApplication

WS = "http://ws.metier.nuu.application.i2/"
logging.disable(logging.CRITICAL)


class NumUniqueReponse(ComplexModel):
    """What the echo answers."""

    __namespace__ = WS
    nomFichierDemande = Unicode  # noqa: N815 - names of the wire
    fichierDemande = ByteArray  # noqa: N815


class Echo(Service):
    """One operation, the echo."""

    @rpc(Unicode, ByteArray, Unicode, ByteArray, _returns=NumUniqueReponse)
    def getNumUnique(ctx, nomFichierDemande, fichierDemande, nomCertificat, certificat):  # noqa: N802, N803, N805, ARG002
        """Return the file as it came."""
        return NumUniqueReponse(nomFichierDemande=nomFichierDemande, fichierDemande=fichierDemande)


application = WsgiApplication(
    Application([Echo], WS, in_protocol=Soap12(validator="soft"), out_protocol=Soap12())
)
