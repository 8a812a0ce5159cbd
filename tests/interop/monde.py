"""A hub in this process, whose clock is moved at will, that sends by a real postfix."""

from __future__ import annotations

from dataclasses import replace

from mailflows.envoi import Identite
from mailflows.expediteur import Relais
from mailflows.reception_smtp import Ecoute
from mailflows.service import Parametres
from tests.mailflows.monde import HUB, Monde


class MondeRelaye(Monde):
    """relais: the way out, set before `start`. adresse: where partners write."""

    relais: Relais
    adresse: str = HUB

    def parametres(self) -> Parametres:
        return replace(
            super().parametres(),
            identite=Identite(self.adresse, self.cles),
            relais=self.relais,
            ecoute=Ecoute(frozenset({self.adresse}), tls=self.pki.serveur()),
        )
