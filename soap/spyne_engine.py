"""The SOAP engine: spyne, bent to the published contract (docs/decisions/0002-spyne.md).

The only module that may import spyne. spyne keeps the declaration of services and operations, the life of a
call (contexts, events) and the call itself; the protocol below replaces what it does wrongly or slowly:
dispatch on the SOAP action, MTOM in and out, validation against our contract, strict base64, faults.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from registry.annexes import Sortie
from registry.anomalies import Anomalie
from registry.echanges import Echange, Refus
from soap import spyne_compat
from soap.description import Message, Operation, Service, TypeChamp
from soap.envelope import Parametres, Retour, open_envelope, read_parametres, write_reponse
from soap.faults import NS_WS, write_fault
from soap.mtom import MessageRecu, open_message, write_message
from soap.services import choose_operation

spyne_compat.prepare()

import spyne  # noqa: E402 - only after what it lacks has been prepared
import spyne.const  # noqa: E402
from spyne.model.complex import ComplexModelMeta  # noqa: E402
from spyne.protocol.soap import Soap12  # noqa: E402
from spyne.server import ServerBase  # noqa: E402

# spyne would otherwise run the garbage collector inside requests.
spyne.const.MIN_GC_INTERVAL = float("inf")
# It logs whole invalid documents, which are personal data; what matters is in our own log.
logging.getLogger("spyne").setLevel(logging.CRITICAL + 1)

XML_UTF8: Final = "application/soap+xml; charset=utf-8"

SEUIL_FIL: Final = 1 << 20
"""Bodies above 1 MiB are read in a thread: 5 MB inline would hold the event loop for 150 ms."""

Executant = Callable[[Operation, Echange, Parametres], Awaitable[Retour | Refus]]
"""What runs an operation: `soap.operations.Operations.execute`."""


@dataclass(frozen=True, slots=True)
class Requete:
    """An HTTP request as the engine needs it. `soap_action` is the SOAPAction field, or empty."""

    content_type: str
    soap_action: str
    corps: bytes


@dataclass(frozen=True, slots=True)
class ReponseHttp:
    """The HTTP answer of the engine.

    operation: its name when it could be told, or empty. anomalies: empty when the operation answered.
    executee: False when the message was refused before the operation was run. sorties: the contents whose
    tokens `corps` holds.
    """

    statut: int
    content_type: str
    corps: bytes
    operation: str = ""
    anomalies: tuple[Anomalie, ...] = ()
    executee: bool = False
    sorties: tuple[Sortie, ...] = ()


@dataclass(slots=True)
class _Appel:
    """Our part of the context of a call (`ctx.udc` of spyne)."""

    requete: Requete
    echange: Echange
    executant: Executant
    message: MessageRecu | None = None
    operation: Operation | None = None
    anomalies: tuple[Anomalie, ...] = ()
    executee: bool = False
    content_type: str = XML_UTF8


class _Contexte(spyne.MethodContext):  # type: ignore[misc]
    """The context of one call, without what costs half of spyne's own time: the events, to which nobody
    listens, and a watch on every attribute that is set."""

    __setattr__ = object.__setattr__

    def fire_event(self, event: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""


class _FauteContrat(spyne.Fault):  # type: ignore[misc]
    """The form in which our anomalies cross spyne."""

    def __init__(self, anomalies: tuple[Anomalie, ...]) -> None:
        super().__init__(faultcode="Client", faultstring=anomalies[0].message)
        self.anomalies = anomalies


class _Protocole(Soap12):  # type: ignore[misc]
    """SOAP 1.2 as the contract has it, in and out. One instance belongs to one application of spyne."""

    def __init__(self, service: Service) -> None:
        super().__init__()
        self._service = service

    def create_in_document(self, ctx: Any, _charset: str | None = None) -> None:
        """HTTP body to the wrapper element."""
        call: _Appel = ctx.udc
        request = call.requete
        call.message = _or_fault(open_message(request.content_type, request.soap_action, request.corps))
        ctx.in_document = _or_fault(open_envelope(call.message.racine, call.message.charset))

    def decompose_incoming_envelope(self, ctx: Any, _message: Any = Soap12.REQUEST) -> None:
        """The action, and the wrapper when there is none, name the operation."""
        call: _Appel = ctx.udc
        assert call.message is not None
        call.operation = _or_fault(
            choose_operation(self._service, call.message.actions, str(ctx.in_document.tag))
        )
        ctx.in_body_doc = ctx.in_document
        ctx.method_request_string = call.operation.nom

    def generate_method_contexts(self, ctx: Any) -> tuple[Any, ...]:
        """One operation, one context: spyne would copy it to allow for several."""
        ctx.descriptor = self.app.descripteurs[ctx.method_request_string]
        return (ctx,)

    def deserialize(self, ctx: Any, message: Any) -> None:  # noqa: ARG002 - spyne passes it by name
        """Wrapper to `Parametres`, held against the contract."""
        call: _Appel = ctx.udc
        assert call.message is not None
        assert call.operation is not None
        ctx.in_object = _or_fault(
            read_parametres(ctx.in_body_doc, call.operation.parametres, call.message.parties)
        )

    def serialize(self, ctx: Any, message: Any) -> None:  # noqa: ARG002 - spyne passes it by name
        """`Retour` or fault to bytes. The tree that spyne would build and then write is never needed."""
        call: _Appel = ctx.udc
        if ctx.out_error is not None:
            error = ctx.out_error
            if not isinstance(error, _FauteContrat):
                # spyne turned an exception into a fault of its own; the edge above says it, and logs it.
                raise MoteurEnDefaut(str(error.faultstring))
            call.anomalies = error.anomalies
            ctx.out_string = [write_fault(error.anomalies, call.echange.id)]
            return
        assert call.message is not None
        assert call.operation is not None
        envelope, files = write_reponse(call.operation.reponse, ctx.out_object[0], mtom=call.message.mtom)
        if call.message.mtom:
            call.content_type, envelope = write_message(envelope, files, graine=call.echange.id.hex)
        ctx.out_string = [envelope]

    def create_out_string(self, ctx: Any, _charset: str | None = None) -> None:
        """Done by `serialize`."""


class MoteurEnDefaut(RuntimeError):
    """spyne failed on its own: a defect of ours, never of the message."""


T = TypeVar("T")


def _or_fault(value: T | Anomalie) -> T:
    if isinstance(value, Anomalie):
        raise _FauteContrat((value,))
    return value


async def _run(ctx: Any, parametres: Parametres) -> Retour:
    """The body of every operation declared to spyne."""
    call: _Appel = ctx.udc
    assert call.operation is not None
    echange = call.echange
    if echange.operation != call.operation.nom:
        # The transport did not name the operation, or not by its bare name.
        echange = replace(echange, operation=call.operation.nom)
    call.executee = True
    outcome = await call.executant(call.operation, echange, parametres)
    if isinstance(outcome, Refus):
        raise _FauteContrat(outcome.anomalies)
    return outcome


_TYPES: Final = {
    TypeChamp.TEXTE: spyne.Unicode,
    TypeChamp.INSTANT: spyne.DateTime,
    TypeChamp.JOUR: spyne.Date,
    TypeChamp.CODE: spyne.Unicode,
    TypeChamp.FICHIER: spyne.ByteArray,
    TypeChamp.ENTIER: spyne.Integer64,
    # Declared only: spyne never looks inside a wrapper.
    TypeChamp.GROUPE: spyne.AnyXml,
}


def _model(message: Message) -> Any:
    """The class by which spyne knows a wrapper. It is declared, never instantiated."""
    members = {
        champ.nom: _TYPES[champ.type].customize(sub_ns="", min_occurs=0 if champ.facultatif else 1)
        for champ in message.champs
    }
    # spyne refuses a model without members, which the contract has; nobody ever reads this one.
    members = members or {"rien": spyne.AnyXml}
    namespace = {
        "__namespace__": NS_WS,
        "__type_name__": message.element,
        "_type_info": list(members.items()),
    }
    return ComplexModelMeta(message.element, (spyne.ComplexModel,), namespace)


def _declare(service: Service) -> Any:
    """The service class of spyne for `service`, one method per operation of the contract."""
    models = {
        message.element: _model(message)
        for operation in service.operations.values()
        for message in (operation.parametres, operation.reponse)
    }
    methods: dict[str, Any] = {}
    for operation in service.operations.values():

        async def method(ctx: Any, parametres: Any) -> Retour:
            return await _run(ctx, parametres)

        method.__name__ = operation.nom
        methods[operation.nom] = spyne.rpc(
            models[operation.parametres.element],
            _returns=models[operation.reponse.element],
            _body_style="bare",
        )(method)
    return type(spyne.Service)(service.nom, (spyne.Service,), methods)


class _Transport(ServerBase):  # type: ignore[misc]
    """What spyne calls a server: only its steps are used, the connections are those of `soap.server`."""

    transport = "echangeur"


class Moteur:
    """The engine of one service: an HTTP body in, an HTTP answer out. Usable by many tasks at once."""

    def __init__(self, service: Service, executant: Executant) -> None:
        self._executant = executant
        declared = _declare(service)
        application = spyne.Application(
            [declared],
            NS_WS,
            name=service.nom,
            in_protocol=_Protocole(service),
            out_protocol=_Protocole(service),
        )
        application.descripteurs = dict(declared.public_methods)
        self._transport = _Transport(application)

    async def answer(self, requete: Requete, echange: Echange) -> ReponseHttp:
        """Answer one request, already authenticated and journalled.

        What is wrong with the message gives a fault. Raises what the handlers raise, and `MoteurEnDefaut`.
        """
        transport = self._transport
        ctx = _Contexte(transport, spyne.MethodContext.SERVER)
        ctx.udc = call = _Appel(requete, echange, self._executant)
        if len(requete.corps) > SEUIL_FIL:
            await asyncio.to_thread(self._read, ctx)
        else:
            self._read(ctx)
        if ctx.in_error is None:
            transport.get_out_object(ctx)
            if ctx.out_error is None:
                try:
                    ctx.out_object = [await ctx.out_object[0]]
                except _FauteContrat as fault:
                    ctx.out_error = fault
        transport.get_out_string(ctx)
        ctx.close()
        return ReponseHttp(
            500 if call.anomalies else 200,
            XML_UTF8 if call.anomalies else call.content_type,
            ctx.out_string[0],
            call.operation.nom if call.operation else "",
            call.anomalies,
            call.executee,
            () if call.anomalies else tuple(echange.annexes.sorties),
        )

    def _read(self, ctx: Any) -> None:
        self._transport.generate_contexts(ctx)
        if ctx.in_error is None:
            self._transport.get_in_object(ctx)
