"""The values of SOAP calls carried out: anomalies said as the edge says its own, failures of the
connection."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from echangeur.bac_a_sable.horloge import HorlogeDeBac
from echangeur.bac_a_sable.provocations import PROVOQUEE, Souvenirs, contents_of
from echangeur.bac_a_sable.valeurs import (
    D_APPEL,
    DANS_LE_DOCUMENT,
    ENTETE,
    LENTEUR_S,
    SILENCE_MAX_S,
    Panne,
    anomalie_of,
    find_value,
    panne_of,
)
from registry.anomalies import Anomalie
from registry.echanges import Echange, Fichier, Refus
from registry.noms_fichiers import NomsFichiers, Prefixe
from registry.refus_demandes import refuse
from schemas.demande import read_demande
from schemas.documents import DEMANDES, Document, read_document
from soap.description import Operation
from soap.envelope import Parametres, Retour
from soap.faults import ERREUR_INATTENDUE, SATURATION
from soap.operations import Refuser, carry
from soap.spyne_engine import Executant

_FICHIERS: Final = {
    "getNumUnique": ("fichierDemande", ("nomFichierDemande", "fichierDemande"), Prefixe.DEMANDE),
    "getDoublons": ("fichierDemande", ("nomFichierDemande", "fichierDemande"), Prefixe.DEMANDE),
    "getDeclarationNouveauDalo": ("fichierDalo", ("nomFichierDalo", "fichierDalo"), Prefixe.DALO),
}
"""Operations that answer their file with its anomalies: the field that holds it, those of the answer."""


@dataclass(slots=True)
class _Consigne:
    """What the message of a request asks of its connection; `entete` is what its header says."""

    entete: str
    panne: Panne | None = None


_CONSIGNE: ContextVar[_Consigne | None] = ContextVar("consigne", default=None)


class Appels:
    """Around the SOAP edge of a sandbox. One for a process."""

    def __init__(self, horloge: HorlogeDeBac, souvenirs: Souvenirs) -> None:
        self._horloge = horloge
        self._souvenirs = souvenirs
        self._noms = NomsFichiers()

    def around(self, executant: Executant, refuser: Refuser) -> Executant:
        """What runs an operation, unless a value asks for something else. refuser: keeps the outcome."""

        async def execute(operation: Operation, echange: Echange, parametres: Parametres) -> Retour | Refus:
            consigne = _CONSIGNE.get()
            contenus = list(contents_of(parametres))
            code = find_value(contenus) or ("" if consigne is None else consigne.entete)
            panne = panne_of(code)
            if panne in D_APPEL and self._souvenirs.first(code, contenus):
                assert panne is not None
                if consigne is not None:
                    consigne.panne = panne
                if panne in (Panne.COUPURE_AVANT, Panne.RECEIVER):
                    type_anomalie = SATURATION if panne is Panne.RECEIVER else ERREUR_INATTENDUE
                    return await _refuse(refuser, echange, type_anomalie(PROVOQUEE))
                return await executant(operation, echange, parametres)
            voulue = anomalie_of(code)
            if voulue is None or not self._souvenirs.due(voulue, contenus):
                return await executant(operation, echange, parametres)
            anomalie = voulue(PROVOQUEE, "toute autre valeur")
            refus = await _refuse(refuser, echange, anomalie)
            return self._in_document(operation, echange, parametres, anomalie) or refus

        return execute

    def _in_document(
        self, operation: Operation, echange: Echange, parametres: Parametres, anomalie: Anomalie
    ) -> Retour | Refus | None:
        """The file of the call with the anomaly; None when a fault says it."""
        if operation.nom not in _FICHIERS or not anomalie.code.startswith(DANS_LE_DOCUMENT):
            return None
        champ, champs, prefixe = _FICHIERS[operation.nom]
        document = read_document(parametres.fichiers[champ], DEMANDES)
        if not isinstance(document, Document):
            return None
        instant = self._horloge.now()
        contenu = refuse(read_demande(document.root), (anomalie,), None, instant)
        nom = self._noms.name(prefixe, echange.emetteur.guichet.code, instant)
        return carry(Fichier(nom, contenu), champs, parametres, instant)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Around a request: the answer late, cut, or never given."""
        consigne = _Consigne(find_value([f"bac-a-sable:{request.headers.get(ENTETE, '')}"]))
        token = _CONSIGNE.set(consigne)
        try:
            response = await handler(request)
        finally:
            _CONSIGNE.reset(token)
        match consigne.panne:
            case Panne.LENTE:
                await asyncio.sleep(LENTEUR_S)
            case Panne.SILENCE:
                await _wait_for_departure(request)
                _cut(request)
            case Panne.COUPURE_AVANT | Panne.COUPURE_APRES:
                _cut(request)
            case Panne.TRONQUEE:
                return await _write_half(request, response)
        return response


async def _refuse(refuser: Refuser, echange: Echange, anomalie: Anomalie) -> Refus:
    await refuser(echange, (anomalie,))
    return Refus((anomalie,))


def _cut(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


async def _wait_for_departure(request: web.Request) -> None:
    """Until the partner closes, or has been left long enough."""
    fin = asyncio.get_running_loop().time() + SILENCE_MAX_S
    # Nothing tells that a connection is closed while its request is being handled.
    while request.transport is not None and asyncio.get_running_loop().time() < fin:  # noqa: ASYNC110
        await asyncio.sleep(0.2)


async def _write_half(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    body = response.body if isinstance(response, web.Response) else None
    if not isinstance(body, bytes):
        _cut(request)
        return response
    half = web.StreamResponse(
        status=response.status, headers={"Content-Type": response.headers["Content-Type"]}
    )
    half.content_length = len(body)
    await half.prepare(request)
    await half.write(body[: len(body) // 2])
    if request.transport is not None:
        # Not aborted: what was written must have left.
        request.transport.close()
    return half
