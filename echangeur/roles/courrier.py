"""The role `courrier`: the asynchronous edge, signed mail received, handled and sent."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from functools import partial
from typing import Final

from echangeur.courrier import create_courrier, mailbox_of, relay_of
from echangeur.instance import Instance
from echangeur.metriques.compteurs import OperationsComptees
from echangeur.roles.cycle import Epreuve
from echangeur.roles.fichiers_tls import mail_tls, present_again
from echangeur.roles.metier import Metier
from echangeur.roles.noms import NomRole
from echangeur.roles.socle import Socle
from echangeur.sante.epreuves import prove_mailbox, prove_reception, prove_relay
from mailflows.operations_distribution import OperationsDistribution
from registry.anomalies import Anomalie
from registry.echanges import Canal, Echange


class RoleCourrier:
    """Receives on `sock`, bound before, or only reads a mailbox when there is none."""

    nom: Final = NomRole.COURRIER

    def __init__(self, socle: Socle, metier: Metier, sock: socket.socket | None) -> None:
        instance, clock = socle.instance, socle.clock
        self._sock = sock
        self._tls = None if sock is None else mail_tls(instance)
        operations = OperationsComptees(
            metier.traitement,
            metier.dalo,
            OperationsDistribution(metier.retraits, clock),
            metier.refus.keep,
            metier.attestations,
        )
        operations.told = self._count
        operations.autour = partial(socle.greffes.around_mail, metier)
        self._socle = socle
        self.service = create_courrier(instance, socle.engine, clock, operations, socle.identites, self._tls)

    @property
    def epreuves(self) -> Mapping[str, Epreuve]:
        """The reception of this process, the relay, the mailbox: those that it has."""
        instance = self._socle.instance
        found: dict[str, Epreuve] = {"relais": partial(prove_relay, relay_of(instance))}
        boite = mailbox_of(instance)
        if boite is not None:
            found["boîte"] = partial(prove_mailbox, boite)
        if self._sock is not None:
            hote, port = self._sock.getsockname()[:2]
            lmtp = instance.configuration.courrier.protocole == "lmtp"
            found["réception"] = partial(prove_reception, hote, port, lmtp=lmtp)
        return found

    def _count(self, echange: Echange, anomalies: tuple[Anomalie, ...], secondes: float) -> None:
        self._socle.tell_echange(echange.id, echange.operation, Canal.COURRIER, anomalies, secondes)

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
