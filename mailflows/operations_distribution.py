"""What a guichet of the mail channel asks about its distributions: to compare them, and its manifests.

As by the services; but a robot of mail does not come back for each file: when it asks so, those that it lacks
and those that it has spoiled are joined to the answer ([COU-25]).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from dispatching.manifestes import LotManifestes
from dispatching.rapprochement import Plage, Rapprochement, Tenue
from dispatching.retraits import Lot
from mailflows.anomalies import RAPPROCHEMENT_INVALIDE
from registry.anomalies import Anomalie
from registry.clock import Clock
from registry.echanges import Echange, Fichier, Refus
from registry.noms_fichiers import NomsFichiers, Prefixe
from schemas.rapprochement import (
    DemandeRapprochement,
    Relue,
    ResultatRapprochement,
    TrancheManquante,
    read_demande_rapprochement,
    write_resultat,
)
from schemas.violations import Violation


class TraitementRetraits(Protocol):
    """The handlers (`dispatching.handlers_retrait`). Each may raise what the database raises."""

    async def rapprocher_et_relire(
        self, echange: Echange, tenues: Sequence[Tenue], *, apres: int = 0, jusqua: int | None = None
    ) -> tuple[Rapprochement, Lot] | Refus: ...

    async def rapprocher(
        self, echange: Echange, tenues: Sequence[Tenue], *, apres: int = 0, jusqua: int | None = None
    ) -> Rapprochement | Refus: ...

    async def manifestes(
        self, echange: Echange, *, apres: date | None = None, nombre: int | None = None
    ) -> LotManifestes | Refus: ...


class OperationsDistribution:
    """The two operations."""

    def __init__(self, traitement: TraitementRetraits, clock: Clock) -> None:
        self._traitement = traitement
        self._clock = clock
        self._noms = NomsFichiers()

    async def rapprocher(self, echange: Echange, fichier: bytes) -> tuple[Fichier, ...] | Refus | Anomalie:
        """Compare; the answer, then the files that it names. An Anomalie when the file does not read."""
        lue = read_demande_rapprochement(fichier)
        if isinstance(lue, Violation):
            return RAPPROCHEMENT_INVALIDE(lue.message)
        tenues = [Tenue(each.premiere, each.derniere, each.empreintes) for each in lue.tranches]
        answer = await self._answer(echange, tenues, lue)
        if isinstance(answer, Refus):
            return answer
        found, lot = answer
        nom = self._noms.name(Prefixe.RAPPROCHEMENT, echange.emetteur.guichet.code, self._clock.now())
        given = [each for each in lot.distributions if each.fichier is not None] if lot else []
        return (
            Fichier(nom, write_resultat(_resultat(found, lot))),
            *(Fichier(each.fichier.nom, each.fichier.contenu) for each in given if each.fichier),
        )

    async def _answer(
        self, echange: Echange, tenues: Sequence[Tenue], lue: DemandeRapprochement
    ) -> tuple[Rapprochement, Lot | None] | Refus:
        if lue.relire:
            return await self._traitement.rapprocher_et_relire(
                echange, tenues, apres=lue.apres, jusqua=lue.jusqua
            )
        found = await self._traitement.rapprocher(echange, tenues, apres=lue.apres, jusqua=lue.jusqua)
        return found if isinstance(found, Refus) else (found, None)

    async def manifestes(self, echange: Echange, apres: date | None) -> tuple[Fichier, ...] | Refus:
        """The manifests of the days after that one."""
        lot = await self._traitement.manifestes(echange, apres=apres)
        if isinstance(lot, Refus):
            return lot
        return tuple(Fichier(signe.nom, signe.octets) for signe in lot.manifestes)


def _resultat(found: Rapprochement, lot: Lot | None) -> ResultatRapprochement:
    return ResultatRapprochement(
        found.derniere,
        found.jusqua,
        found.suite,
        tuple(TrancheManquante(each.premiere, each.derniere, each.etat.name) for each in found.manquantes),
        tuple(map(_bornes, found.en_trop)),
        found.differentes,
        tuple(
            Relue(each.sequence, str(each.id), each.fichier.nom, each.fichier.empreinte)
            for each in (lot.distributions if lot else ())
            if each.fichier is not None
        ),
    )


def _bornes(plage: Plage) -> tuple[int, int]:
    return plage.premiere, plage.derniere
