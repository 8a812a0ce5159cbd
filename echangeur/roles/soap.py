"""The role `soap`: the synchronous edge, over mutual TLS."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from functools import partial
from typing import Final

from echangeur.instance import Instance
from echangeur.roles.cycle import Epreuve
from echangeur.roles.fichiers_tls import server_tls, sonde_tls
from echangeur.roles.http import Ecouteur
from echangeur.roles.metier import Metier
from echangeur.roles.noms import NomRole
from echangeur.roles.proxy import read_networks
from echangeur.roles.socle import Socle
from echangeur.sante.epreuves import prove_soap
from registry.anomalies import Anomalie
from registry.echanges import Canal
from soap.operations_dalo import operations_dalo
from soap.operations_distribution import operations_distribution
from soap.operations_partagee import operations_partagee
from soap.operations_pieces import operations_pieces
from soap.operations_portail import operations_portail
from soap.server import Limites, Servi, create_app, create_runner


class RoleSoap:
    """Answers the partners on `sock`, bound before."""

    nom: Final = NomRole.SOAP

    def __init__(self, socle: Socle, metier: Metier, sock: socket.socket) -> None:
        configuration = socle.instance.configuration
        serveur, clock = configuration.serveur, socle.clock
        self._socle = socle
        app = create_app(
            metier.traitement,
            socle.identites,
            clock,
            limites=Limites(serveur.taille_max, serveur.delai_lecture, configuration.pieces.taille_max),
            refuser=metier.refus.keep,
            attestations=metier.attestations,
            observer=self._observe,
            entourer=partial(socle.greffes.around_calls, metier),
            autres={
                **operations_partagee(metier.gestion),
                **operations_dalo(metier.dalo, clock, metier.refus.keep),
                **operations_pieces(metier.dossier),
                **operations_distribution(metier.retraits),
                **operations_portail(metier.traitement.portail, clock, metier.attestations),
            },
        )
        app.middlewares.extend(socle.greffes.intergiciels)
        mandataires = read_networks(serveur.mandataires)
        self._ecouteur = Ecouteur(create_runner(app), sock, serveur.delai_arret, mandataires)

    @property
    def epreuves(self) -> Mapping[str, Epreuve]:
        """A call of this process to itself."""
        return {self.nom: self._prove}

    async def _prove(self) -> Anomalie | None:
        configuration = self._socle.instance.configuration.serveur
        context = sonde_tls(self._socle.sonde, self._socle.instance.path(configuration.certificat))
        return await prove_soap(self._ecouteur.adresse, context)

    def _observe(self, servi: Servi) -> None:
        self._socle.tell_echange(
            servi.echange,
            servi.operation,
            Canal.SOAP,
            servi.anomalies,
            servi.secondes,
            servi.traceparent,
        )

    async def start(self) -> None:
        """Accept calls. Raises MauvaisUsage when the certificate of the server cannot be read."""
        await self._ecouteur.start(
            self._socle.keep_trusting(server_tls(self._socle.instance, self._socle.pins))
        )

    async def drain(self) -> None:
        """Accept no more, and let the exchanges in progress end."""
        await self._ecouteur.drain()

    async def stop(self) -> None:
        """Nothing is left after the drain."""

    async def reload(self, instance: Instance) -> None:
        """Present the certificate, and trust the authorities and the pins, as they now are."""
        await self._ecouteur.replace(self._socle.keep_trusting(server_tls(instance, self._socle.pins)))
