"""What the pages stand on, given once by the composition root."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Engine

from console.bancs import Bancs
from console.coffre import Coffre
from console.debits import Debit
from console.moyens import Moyens
from console.oidc.fournisseur import Fournisseur
from console.reglages import Console
from console.releve_echanges import Releve
from dispatching.decision import Sortie
from dispatching.rattrapages import Rythme
from registry.attestations import PORTAIL
from registry.clock import Clock
from registry.conformite import SANS_EXIGENCE, ReglesConformite
from registry.regles import REGLES, Regles


@dataclass(frozen=True, slots=True)
class Services:
    """The database, the clock, the settings of the console, the keys that seal second factors.

    moyens: the keys and the network of the instance, when this process has them.
    bancs: where filters are tried. releve: the exchanges of the last days. rythme: of the back-fills asked
    for here. sortie: when a demande leaves what a guichet receives, as the decisions are configured. regles,
    portail: the rules of the registry and the address of the portal, which the attestations say. conformite:
    what is asked of the reports of guichets. oidc: the provider of identity, when there is one. debit: how
    often the check address is served.
    """

    engine: Engine
    clock: Clock
    reglages: Console
    coffre: Coffre
    moyens: Moyens | None = None
    bancs: Bancs = field(default_factory=Bancs)
    releve: Releve = field(default_factory=Releve)
    rythme: Rythme = field(default_factory=Rythme)
    sortie: Sortie = Sortie.DROITS
    regles: Regles = REGLES
    portail: str = PORTAIL
    conformite: ReglesConformite = SANS_EXIGENCE
    oidc: Fournisseur | None = None
    debit: Debit = field(default_factory=Debit)
