"""The values in distributions carried out: what a partner meets when something goes wrong on the way to it.

Each is done at the first attempt of a distribution; the attempts that follow are those of every hub.
"""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

import structlog

from certs import tls
from certs.autorite import create_autorite
from dispatching.transport import Accuse, Echec, Envoi, GenreEchec, Remis, Transport
from echangeur.bac_a_sable.relais import Relais
from echangeur.bac_a_sable.valeurs import D_ENVOI, DE_COURRIER, Panne, find_value, panne_of
from registry.guichets import CanalDistribution
from soap.client import DistributionClient

_log = structlog.get_logger("echangeur")


class RemiseProvoquee:
    """A transport, with what the values ask for (`dispatching.transport.Transport`).

    autorites: those of the servers of partners, for the client that presents the certificate of nobody.
    """

    def __init__(
        self, canal: CanalDistribution, transport: Transport, relais: Relais, autorites: Path
    ) -> None:
        self._canal = canal
        self._transport = transport
        self._relais = relais
        self._autorites = autorites

    async def send(self, envoi: Envoi) -> Accuse | Remis | Echec:
        """Send one distribution, as its value asks at the first attempt."""
        panne = panne_of(find_value([envoi.contenu])) if envoi.rang == 1 else None
        if self._canal is CanalDistribution.COURRIER:
            if panne in DE_COURRIER:
                self._relais.expect(str(envoi.id), panne)
            return await self._transport.send(envoi)
        if panne not in D_ENVOI or self._canal is not CanalDistribution.PUSH:
            return await self._transport.send(envoi)
        match panne:
            case Panne.PUSH_DESORDRE:
                return Echec(GenreEchec.REFUS, "retenue à sa première tentative (bac à sable)")
            case Panne.PUSH_CERTIFICAT:
                return await self._send_as_nobody(envoi)
        issue = await self._transport.send(envoi)
        if panne is Panne.PUSH_DOUBLE:
            return await self._transport.send(envoi)
        if isinstance(issue, Accuse):
            return Echec(GenreEchec.DELAI, f"accusé {issue.statut} perdu (bac à sable)")
        return issue

    async def _send_as_nobody(self, envoi: Envoi) -> Accuse | Echec:
        now = datetime.now(UTC)
        inconnue = create_autorite("Autorité inconnue (bac à sable)", now=now)
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            inconnue.issue_guichet("PIRAT", now=now).write(place)
            context = tls.client_context(self._autorites, place / "cert.pem", place / "key.pem")
        client = DistributionClient(context)
        await client.start()
        try:
            issue = await client.send(envoi)
        finally:
            await client.stop()
        if isinstance(issue, Accuse):
            _log.warning("certificat inconnu accepté par le partenaire", distribution=str(envoi.id))
        return issue
