"""The handlers of the three DALO operations, common to both edges (docs/specification/40-dalo.md)."""

from __future__ import annotations

import asyncio
import hashlib
import mmap
import tempfile
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Engine

from registry import anomalies_dalo as catalogue
from registry.anomalies import Anomalie
from registry.anomalies_document import anomalies_of
from registry.batching import Batcher, Saturation
from registry.clock import Clock
from registry.controles import PARIS
from registry.dalo import DECLARANTS, check_declaration
from registry.declaration_dalo import DaloDeclare, DaloRefuse, DeclarationRecue, declare_dalo
from registry.echanges import Echange, Fichier, Refus
from registry.evenements import Decideur
from registry.exchanges_store import Issue, Lues, Statut, record_outcomes
from registry.guichets import Guichet, TypeGuichet
from registry.listes_dates import Criteres, write_list
from registry.lots import Echec, conclude, run_batch
from registry.noms_fichiers import NomsFichiers, Prefixe
from registry.releves import Releve, cut
from schemas.codes import check_codes, is_valid
from schemas.demande import Demande, read_demande
from schemas.documents import DEMANDES, read_document
from schemas.emission import AnomalieEmise, emit_refus

LOT_MAX: Final = 16
"""Declarations of one transaction: each parses and emits a document under the lock of the chain."""

LISTES_MAX: Final = 4
"""Lists written at once by a process. Threat: a partner that asks for all, many times at once; each list
holds a connection and its temporary file, 10 KB for each demande, until it is written."""

EN_MEMOIRE: Final = 1 << 20
"""Bytes of a list that stay in memory; beyond, it goes to a temporary file, deleted when it is closed."""

AVANCE: Final = timedelta(minutes=5)
"""How far ahead of our clock that of a partner may be."""

_ORIGINE: Final = datetime(1990, 1, 1, tzinfo=PARIS)
"""Nothing is older (registry.controles.PREMIER_DEPOT); dates near year 1 have no Paris time."""

_CRITERES: Final = (
    ("motif", "motifRadiation", "ListeMotifsRadiation"),
    ("statut_dalo", "statutDalo", "ListeStatutDalo"),
    ("type_reservataire", "typeReservataire", "ListeTypeReservataire"),
)


@dataclass(frozen=True, slots=True)
class ReponseDalo:
    """Answer of getDeclarationNouveauDalo: the demande as it is now, or the file sent with its anomalies."""

    fichier: Fichier


@dataclass(frozen=True, slots=True)
class ReponseListe:
    """Answer of the two lists: always there, even when the list is empty, since it bears the date to ask from
    next. contenu: its bytes, mapped from a temporary file when they are many. nombre: demandes in it."""

    nom: str
    contenu: bytes | mmap.mmap
    nombre: int

    @property
    def fichier(self) -> Fichier:
        """The list, held in memory."""
        return Fichier(self.nom, bytes(self.contenu))


class TraitementDalo:
    """The handlers of DALO. Lives on one event loop, between `start` and `stop`.

    Its methods may raise registry.batching.Saturation, or what the database raises when it fails.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        decideur: Decideur,
        *,
        declarants: Collection[TypeGuichet] = DECLARANTS,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._decideur = decideur
        self._declarants = declarants
        self._noms = NomsFichiers()
        self._declarations: Batcher[DeclarationRecue, DaloDeclare | DaloRefuse | Echec] = Batcher(
            self._declare, LOT_MAX, "déclarations DALO"
        )
        self._issues: Batcher[Issue, Echec | None] = Batcher(self._conclude, LOT_MAX, "issues DALO")
        self._fils = ThreadPoolExecutor(LISTES_MAX, "listes")
        self._en_cours = 0

    async def start(self) -> None:
        """Start the threads."""
        self._declarations.start()
        self._issues.start()

    async def stop(self) -> None:
        """Finish what was submitted, then end the threads."""
        await self._declarations.stop()
        await asyncio.to_thread(self._fils.shutdown)
        await self._issues.stop()

    # -- the handlers ---------------------------------------------------------------------------------------

    async def get_declaration_nouveau_dalo(self, echange: Echange, fichier: bytes) -> ReponseDalo | Refus:
        """Apply the DALO part of `fichier` to the demande that it names (DAL-1 to DAL-7)."""
        document = read_document(fichier, DEMANDES)
        if isinstance(document, tuple):
            return await self._refuse(echange, anomalies_of(document))
        demande = read_demande(document.root)
        guichet = echange.emetteur.guichet
        jour = echange.recu_le.astimezone(PARIS).date()
        anomalies = check_declaration(
            demande, guichet, jour, check_codes(demande.root, jour), self._declarants
        )
        if anomalies:
            await self._finish(echange, Statut.REFUSE, anomalies[0].code)
            return ReponseDalo(self._returned(demande, guichet, anomalies))
        resultat = await self._declarations.submit(
            DeclarationRecue(
                echange,
                hashlib.sha256(fichier).digest(),
                demande,
                demande.num_unique or "",
                self._name(guichet),
            )
        )
        if isinstance(resultat, Echec):
            await self._finish(echange, Statut.ECHEC)
            raise resultat.cause
        if isinstance(resultat, DaloRefuse):
            return ReponseDalo(self._returned(demande, guichet, resultat.anomalies))
        return ReponseDalo(resultat.fichier)

    async def get_nouveaux_dalo_depuis_le(self, echange: Echange, depuis: datetime) -> ReponseListe | Refus:
        """The demandes whose DALO became ACTIF since that instant; naive means Paris time (DAL-8 to 12)."""
        return await self._list(echange, Releve.DALO, depuis, Criteres())

    async def get_demandes_radiees_depuis_le(
        self, echange: Echange, depuis: datetime, criteres: Criteres
    ) -> ReponseListe | Refus:
        """The demandes radiated since that instant, and still so, that meet the criteria (DAL-8 to 14)."""
        jour = echange.recu_le.astimezone(PARIS).date()
        inconnus = tuple(_check_criteres(criteres, jour))
        if inconnus:
            return await self._refuse(echange, inconnus)
        return await self._list(echange, Releve.RADIATIONS, depuis, criteres)

    # -- on the event loop ----------------------------------------------------------------------------------

    async def _list(
        self, echange: Echange, releve: Releve, depuis: datetime, criteres: Criteres
    ) -> ReponseListe | Refus:
        depuis = max(depuis if depuis.tzinfo else depuis.replace(tzinfo=PARIS), _ORIGINE)
        maintenant = self._clock.now()
        if depuis > maintenant + AVANCE:
            constat, attendu = (
                f"{instant.astimezone(PARIS):%d/%m/%Y %H:%M:%S}" for instant in (depuis, maintenant)
            )
            return await self._refuse(echange, (catalogue.DATE_A_VENIR(constat, attendu),))
        if self._en_cours >= 2 * LISTES_MAX:
            await self._finish(echange, Statut.ECHEC)
            raise Saturation
        self._en_cours += 1
        try:
            contenu, numeros = await asyncio.get_running_loop().run_in_executor(
                self._fils, self._write, echange.emetteur.guichet, releve, depuis, criteres
            )
        except Exception:
            await self._finish(echange, Statut.ECHEC)
            raise
        finally:
            self._en_cours -= 1
        await self._finish(echange, Statut.ACCEPTE, lues=Lues(numeros, echange.emetteur.profil))
        prefixe = Prefixe.DALO if releve is Releve.DALO else Prefixe.RADIATIONS
        nom = self._noms.name(prefixe, echange.emetteur.guichet.code, maintenant)
        return ReponseListe(nom, contenu, len(numeros))

    async def _refuse(self, echange: Echange, anomalies: tuple[Anomalie, ...]) -> Refus:
        await self._finish(echange, Statut.REFUSE, anomalies[0].code)
        return Refus(anomalies)

    def _returned(self, demande: Demande, guichet: Guichet, anomalies: Sequence[Anomalie]) -> Fichier:
        contenu = emit_refus(
            demande.root,
            [AnomalieEmise(anomalie.code, anomalie.message, anomalie.propriete) for anomalie in anomalies],
            date_fichier=self._clock.now(),
        )
        return Fichier(self._name(guichet), contenu)

    def _name(self, guichet: Guichet) -> str:
        return self._noms.name(Prefixe.DEMANDE, guichet.code, self._clock.now())

    async def _finish(
        self, echange: Echange, statut: Statut, code: str = "", lues: Lues | None = None
    ) -> None:
        issue = Issue(echange.id, statut, self._clock.now(), code, lues=lues)
        fini = await self._issues.submit(issue)
        if isinstance(fini, Echec) and statut is not Statut.ECHEC:
            raise fini.cause

    # -- in the threads -------------------------------------------------------------------------------------

    def _declare(self, items: Sequence[DeclarationRecue]) -> list[DaloDeclare | DaloRefuse | Echec]:
        def work(conn: Connection, lot: Sequence[DeclarationRecue]) -> list[DaloDeclare | DaloRefuse]:
            maintenant = self._clock.now()
            resultats = declare_dalo(conn, lot, decideur=self._decideur, repondu_le=maintenant)
            issues = []
            for item, resultat in zip(lot, resultats, strict=True):
                if isinstance(resultat, DaloDeclare):
                    statut = Statut.REJEU if resultat.rejeu else Statut.ACCEPTE
                    lues = Lues((resultat.numero,), item.echange.emetteur.profil)
                    issues.append(
                        Issue(item.echange.id, statut, maintenant, numero=resultat.numero, lues=lues)
                    )
                else:
                    code = resultat.anomalies[0].code
                    issues.append(Issue(item.echange.id, Statut.REFUSE, maintenant, code))
            record_outcomes(conn, issues)
            return resultats

        return run_batch(self._engine, work, items)

    def _conclude(self, issues: Sequence[Issue]) -> list[Echec | None]:
        return conclude(self._engine, issues)

    def _write(
        self, guichet: Guichet, releve: Releve, depuis: datetime, criteres: Criteres
    ) -> tuple[bytes | mmap.mmap, tuple[str, ...]]:
        with self._engine.begin() as conn:
            jusqu_au = cut(conn, releve, self._clock.now())
        with (
            tempfile.SpooledTemporaryFile(max_size=EN_MEMOIRE) as fichier,
            self._engine.connect() as conn,
        ):
            numeros = write_list(conn, releve, guichet, depuis, jusqu_au, fichier.write, criteres)
            if fichier.tell() > EN_MEMOIRE:
                fichier.flush()
                # The file has no name: it is gone with the last who holds the map.
                return mmap.mmap(fichier.fileno(), 0, access=mmap.ACCESS_READ), numeros
            fichier.seek(0)
            return fichier.read(), numeros


def _check_criteres(criteres: Criteres, jour: date) -> list[Anomalie]:
    anomalies = []
    for nom, element, liste in _CRITERES:
        code = getattr(criteres, nom)
        if code is not None and not is_valid(liste, code, jour):
            anomalies.append(catalogue.CRITERE_INCONNU(code, liste, element))
    return anomalies
