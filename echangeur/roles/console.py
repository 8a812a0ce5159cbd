"""The role `console`: the pages for people, on a port of their own.

A client certificate is asked for and not demanded: who has none signs in otherwise, or reads the page that
says so.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Final

from aiohttp import web

from echangeur.instance import Instance
from echangeur.roles.fichiers_tls import console_tls
from echangeur.roles.http import Ecouteur
from echangeur.roles.noms import NomRole
from echangeur.roles.socle import Socle
from soap.connexions import Runner

FabriqueConsole = Callable[[Socle], web.Application]
"""Makes the application of the console."""


class RoleConsole:
    """Serves the pages on `sock`, bound before."""

    nom: Final = NomRole.CONSOLE

    def __init__(self, socle: Socle, sock: socket.socket, create_app: FabriqueConsole) -> None:
        self._socle = socle
        delai = socle.instance.configuration.serveur.delai_arret
        self._ecouteur = Ecouteur(Runner(create_app(socle), socle.clock), sock, delai)

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
