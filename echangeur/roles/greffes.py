"""What a process may put around its parts without their knowing. A hub in production puts nothing: `AUCUNE`.

The one user is the sandbox (`echangeur.bac_a_sable`), which alone gives another one to
`echangeur.composition.run`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Protocol

from aiohttp.typedefs import Middleware

from dispatching.transport import Transport
from echangeur.metriques.compteurs import ExecutionCourrier
from registry.guichets import CanalDistribution
from soap.spyne_engine import Executant

if TYPE_CHECKING:
    from echangeur.roles.metier import Metier


class Greffes(Protocol):
    """Around SOAP calls, files of mail, sendings, and the life of a process."""

    @property
    def intergiciels(self) -> Sequence[Middleware]:
        """Around each HTTP request to the services."""
        ...

    def around_calls(self, metier: Metier, executant: Executant) -> Executant:
        """What runs an operation of the services, its message read."""
        ...

    def around_mail(self, metier: Metier, execution: ExecutionCourrier) -> ExecutionCourrier:
        """What runs an operation asked by mail."""
        ...

    def around_sending(self, canal: CanalDistribution, transport: Transport) -> Transport:
        """What sends distributions by a channel."""
        ...

    def around_life(self, metier: Metier) -> contextlib.AbstractAsyncContextManager[None]:
        """From before the roles start until after they have stopped."""
        ...


class _Aucune:
    @property
    def intergiciels(self) -> Sequence[Middleware]:
        return ()

    def around_calls(self, metier: Metier, executant: Executant) -> Executant:  # noqa: ARG002
        return executant

    def around_mail(self, metier: Metier, execution: ExecutionCourrier) -> ExecutionCourrier:  # noqa: ARG002
        return execution

    def around_sending(self, canal: CanalDistribution, transport: Transport) -> Transport:  # noqa: ARG002
        return transport

    def around_life(self, metier: Metier) -> contextlib.AbstractAsyncContextManager[None]:  # noqa: ARG002
        return contextlib.nullcontext()


AUCUNE: Final[Greffes] = _Aucune()
"""Of every hub but a sandbox."""
