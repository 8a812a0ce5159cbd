"""The role `courrier`: the asynchronous edge, signed mail received, handled and sent."""

from __future__ import annotations

import socket
from typing import Final

from echangeur.courrier import create_courrier
from echangeur.instance import Instance
from echangeur.roles.fichiers_tls import mail_tls, present_again
from echangeur.roles.metier import Metier
from echangeur.roles.noms import NomRole
from echangeur.roles.socle import Socle
from mailflows.operations import Operations
from mailflows.operations_distribution import OperationsDistribution


class RoleCourrier:
    """Receives on `sock`, bound before, or only reads a mailbox when there is none."""

    nom: Final = NomRole.COURRIER

    def __init__(self, socle: Socle, metier: Metier, sock: socket.socket | None) -> None:
        instance, clock = socle.instance, socle.clock
        self._sock = sock
        self._tls = None if sock is None else mail_tls(instance)
        operations = Operations(
            metier.traitement,
            metier.dalo,
            OperationsDistribution(metier.retraits, clock),
            metier.refus.keep,
            metier.attestations,
        )
        self.service = create_courrier(instance, socle.engine, clock, operations, socle.identites, self._tls)

    async def start(self) -> None:
        """Read the mailbox, receive and send."""
        await self.service.start(self._sock)

    async def drain(self) -> None:
        """The worker may still be sending by mail: all ends at the stop, within the same bounds."""

    async def stop(self) -> None:
        """Receive no more, and let what is in progress end."""
        await self.service.stop()

    async def reload(self, instance: Instance) -> None:
        """Present the certificate of the server as it now is; the keys of mail are read again by themselves,
        at each rotation."""
        if self._tls is not None and mail_tls(instance) is not None:
            serveur = instance.configuration.serveur
            present_again(self._tls, instance, serveur.certificat, serveur.cle)
