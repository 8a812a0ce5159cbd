"""The role `console`: the pages for people, on a port of their own.

A client certificate is asked for and not demanded: who has none signs in otherwise, or reads the page that
says so.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Final

from console.application import create_console, create_console_runner
from console.bancs import Bancs
from console.services import Services
from dispatching.decision import Sortie
from dispatching.rattrapages import Rythme
from echangeur.images import IMAGE, PASSE
from echangeur.instance import Instance
from echangeur.moyens import moyens_of
from echangeur.roles.cycle import Epreuve
from echangeur.roles.fichiers_tls import console_tls, sonde_tls
from echangeur.roles.http import Ecouteur
from echangeur.roles.noms import NomRole
from echangeur.roles.socle import Socle
from echangeur.sante.epreuves import prove_console
from registry.anomalies import Anomalie


def _services(socle: Socle) -> Services:
    """What the pages stand on: the images of filters are those of the instance, that commands share."""
    instance, distribution = socle.instance, socle.instance.configuration.distribution
    return Services(
        socle.engine,
        socle.clock,
        instance.configuration.console,
        moyens_of(instance),
        bancs=Bancs(instance.dossier / IMAGE, instance.dossier / PASSE),
        rythme=Rythme(
            distribution.rattrapage_debit,
            distribution.rattrapage_attente,
            distribution.rattrapage_attente_retrait,
        ),
        sortie=Sortie(distribution.sortie),
        regles=instance.configuration.regles,
        portail=instance.configuration.attestation.portail,
    )


class RoleConsole:
    """Serves the pages on `sock`, bound before."""

    nom: Final = NomRole.CONSOLE

    def __init__(self, socle: Socle, sock: socket.socket) -> None:
        configuration = socle.instance.configuration
        self._socle = socle
        app = create_console(_services(socle))
        self._ecouteur = Ecouteur(create_console_runner(app), sock, configuration.serveur.delai_arret)

    @property
    def epreuves(self) -> Mapping[str, Epreuve]:
        """The first page, asked of this process by itself."""
        return {self.nom: self._prove}

    async def _prove(self) -> Anomalie | None:
        settings = self._socle.instance.configuration.console
        context = sonde_tls(self._socle.sonde, self._socle.instance.path(settings.certificat))
        return await prove_console(self._ecouteur.adresse, context)

    async def start(self) -> None:
        """Accept connections. Raises MauvaisUsage when the certificate of the console cannot be read."""
        await self._ecouteur.start(
            self._socle.keep_trusting(console_tls(self._socle.instance, self._socle.pins))
        )

    async def drain(self) -> None:
        """Accept no more, and let the pages in progress end."""
        await self._ecouteur.drain()

    async def stop(self) -> None:
        """Nothing is left after the drain."""

    async def reload(self, instance: Instance) -> None:
        """Present the certificate, and trust the authorities and the pins, as they now are."""
        await self._ecouteur.replace(self._socle.keep_trusting(console_tls(instance, self._socle.pins)))
