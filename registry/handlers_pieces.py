"""The handlers of the dossier unique: same shape as those of the demandes (registry.handlers).

Short operations share the transactions of a batcher. A deposit has its own transaction, in one of a few
threads: its content is judged, then written block by block.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar, cast

from sqlalchemy import Connection, Engine

from registry import anomalies_pieces as catalogue
from registry import dossier_unique as dossier
from registry import pieces_store as store
from registry.acces_pieces import Acteur, open_dossier
from registry.annexes import Sortie, token_of
from registry.anomalies import Anomalie
from registry.batching import Batcher, Saturation
from registry.clock import Clock
from registry.controle_pieces import Nature, check_contenu
from registry.dossier_unique import Depot
from registry.echanges import Echange, Fichier, Refus
from registry.exchanges_store import Issue, Statut, record_outcomes
from registry.limites import LIMITES_PIECES, LimitesPieces
from registry.lots import Echec, run_batch
from registry.noms_fichiers import NomsFichiers, Prefixe
from registry.pieces import Action
from registry.pieces_store import Piece
from registry.releve_pieces import write_historique, write_liste

FILS_DEPOT: Final = 2
"""Deposits written at once, each on a connection of its own: 20 MB take a third of a second."""

DEPOTS_MAX: Final = 32
"""Deposits waiting or in progress beyond which a caller is told to come back: some 5 s of work."""

LOT_MAX: Final = 64
NUMERO_MAX: Final = 40

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Travail:
    """Something to be done in a transaction, and for which exchange and demande. lecteur: who reads the
    dossier, when that is what is done."""

    echange: Echange
    numero: str
    faire: Callable[[Connection], object]
    lecteur: Acteur | None = None


class DossierUnique:
    """The handlers of the dossier unique. Lives on one event loop, between `start` and `stop`.

    Each may raise registry.batching.Saturation, or what the database raises when it fails.
    """

    def __init__(self, engine: Engine, clock: Clock, *, limites: LimitesPieces = LIMITES_PIECES) -> None:
        self._engine = engine
        self._limites = limites
        self._clock = clock
        self._noms = NomsFichiers()
        self._courtes: Batcher[_Travail, object] = Batcher(self._run, LOT_MAX, "pièces")
        self._fils: ThreadPoolExecutor | None = None
        self._depots = 0

    async def start(self) -> None:
        """Start the threads."""
        self._courtes.start()
        self._fils = ThreadPoolExecutor(FILS_DEPOT, "dépôts")

    async def stop(self) -> None:
        """Finish what was submitted, then end the threads."""
        await self._courtes.stop()
        if self._fils is not None:
            await asyncio.to_thread(self._fils.shutdown)

    async def deposer(self, acteur: Acteur, depot: Depot, empreinte: str = "") -> Piece | Refus:
        """Judge a content, then add it to a dossier. empreinte: the SHA-256 that was announced, or empty
        ([PIE-21])."""
        if self._fils is None:
            raise RuntimeError("dépôts : arrêté")
        if self._depots >= DEPOTS_MAX:
            raise Saturation(f"dépôts : {self._depots} en attente")
        self._depots += 1
        try:
            loop = asyncio.get_running_loop()
            result = await loop.run_in_executor(
                self._fils, self._deposit, acteur, depot, empreinte.strip().lower()
            )
        finally:
            self._depots -= 1
        return await self._answer(acteur, depot.numero, result)

    async def lister(self, acteur: Acteur, numero: str) -> Fichier | Refus:
        """The list of the pièces that the actor may see, as a document."""
        pieces = await self._do(
            acteur, numero, lambda conn: dossier.list_readable(conn, acteur, numero), lit=True
        )
        if isinstance(pieces, Refus):
            return pieces
        return Fichier(self._name(Prefixe.PIECES, acteur), write_liste(numero, pieces))

    async def historique(self, acteur: Acteur, numero: str) -> Fichier | Refus:
        """The history of the dossier, as a document."""
        actions = await self._do(
            acteur, numero, lambda conn: dossier.read_history(conn, acteur, numero), lit=True
        )
        if isinstance(actions, Refus):
            return actions
        return Fichier(self._name(Prefixe.HISTORIQUE_PIECES, acteur), write_historique(numero, actions))

    async def consulter(self, acteur: Acteur, numero: str, identifiant: str) -> tuple[Piece, bytes] | Refus:
        """A pièce, and the token that stands for its content in the answer."""
        piece = await self._do(
            acteur, numero, lambda conn: dossier.read_piece(conn, acteur, numero, identifiant), lit=True
        )
        if isinstance(piece, Refus):
            return piece
        jeton = token_of(piece.empreinte)
        acteur.echange.annexes.sorties.append(Sortie(jeton, piece.taille, partial(self._bloc, piece)))
        return piece, jeton

    async def marquer(
        self, acteur: Acteur, numero: str, identifiant: str, *, marque: str, categorie: str, note: str
    ) -> Piece | Refus:
        """Mark a pièce, or correct its category."""

        def work(conn: Connection) -> Piece | Anomalie:
            return dossier.mark(
                conn, acteur, numero, identifiant, marque=marque, categorie=categorie, note=note
            )

        return await self._do(acteur, numero, work)

    async def supprimer(self, acteur: Acteur, numero: str, identifiant: str, motif: str) -> Piece | Refus:
        """Take a pièce out of the dossier."""

        def work(conn: Connection) -> Piece | Anomalie:
            return dossier.remove(conn, acteur, numero, identifiant, motif)

        return await self._do(acteur, numero, work)

    # -- in the threads -------------------------------------------------------------------------------------

    async def _do(
        self,
        acteur: Acteur,
        numero: str,
        faire: Callable[[Connection], T | Anomalie],
        *,
        lit: bool = False,
    ) -> T | Refus:
        travail = _Travail(acteur.echange, numero, faire, acteur if lit else None)
        # The batcher carries works of several types: each comes back with the type that it went with.
        result = cast("T | Anomalie | Echec", await self._courtes.submit(travail))
        return await self._answer(acteur, numero, result)

    async def _answer(self, acteur: Acteur, numero: str, resultat: T | Anomalie | Echec) -> T | Refus:
        if isinstance(resultat, Echec):
            # Mark the exchange as our failure, if the database still can.
            await self._courtes.submit(_Travail(acteur.echange, numero, lambda _conn: resultat))
            raise resultat.cause
        return Refus((resultat,)) if isinstance(resultat, Anomalie) else resultat

    def _run(self, travaux: Sequence[_Travail]) -> list[object]:
        def work(conn: Connection, lot: Sequence[_Travail]) -> list[object]:
            resultats = [travail.faire(conn) for travail in lot]
            record_outcomes(conn, [self._issue(*couple) for couple in zip(lot, resultats, strict=True)])
            return resultats

        return list(run_batch(self._engine, work, travaux))

    def _issue(self, travail: _Travail, resultat: object) -> Issue:
        statut, code = Statut.ACCEPTE, ""
        if isinstance(resultat, Anomalie):
            statut, code = Statut.REFUSE, resultat.code
        elif isinstance(resultat, Echec):
            statut = Statut.ECHEC
        numero, lues = travail.numero[:NUMERO_MAX], None
        if statut is Statut.ACCEPTE and travail.lecteur is not None:
            lues = travail.lecteur.reads(numero)
        return Issue(travail.echange.id, statut, self._clock.now(), code, numero, lues)

    def _deposit(self, acteur: Acteur, depot: Depot, empreinte: str) -> Piece | Anomalie | Echec:
        """In a thread: refuse what may not be deposited before looking at it, look, then write."""
        with self._engine.connect() as conn:
            acces = open_dossier(conn, acteur, depot.numero, Action.DEPOT)
        refus = acces if isinstance(acces, Anomalie) else _judge(depot, empreinte, self._limites)

        def work(conn: Connection, _lot: Sequence[Depot]) -> list[object]:
            resultat = (
                refus
                if isinstance(refus, Anomalie)
                else dossier.deposit(conn, acteur, depot, refus, self._limites.nombre_max)
            )
            travail = _Travail(acteur.echange, depot.numero, _nothing)
            record_outcomes(conn, [self._issue(travail, resultat)])
            return [resultat]

        (resultat,) = run_batch(self._engine, work, [depot])
        return cast("Piece | Anomalie | Echec", resultat)

    def _bloc(self, piece: Piece, rang: int) -> bytes:
        with self._engine.connect() as conn:
            return store.read_bloc(conn, piece.id, rang)

    def _name(self, prefixe: Prefixe, acteur: Acteur) -> str:
        return self._noms.name(prefixe, acteur.echange.emetteur.guichet.code, self._clock.now())


def _judge(depot: Depot, empreinte: str, limites: LimitesPieces) -> Nature | Anomalie:
    contenu = depot.contenu
    if empreinte and empreinte != contenu.empreinte.hex():
        return catalogue.EMPREINTE_DIFFERENTE(contenu.empreinte.hex(), empreinte[:64], "empreinte")
    if contenu.taille > limites.taille_max:
        return catalogue.PIECE_TROP_GROSSE(str(contenu.taille), str(limites.taille_max))
    with contenu.opened() as donnees:
        nature = check_contenu(donnees)
    if isinstance(nature, Nature) and nature not in limites.types:
        return catalogue.TYPE_NON_RECU(nature, ", ".join(limites.types))
    return nature


def _nothing(_conn: Connection) -> None:
    """A work already done."""
