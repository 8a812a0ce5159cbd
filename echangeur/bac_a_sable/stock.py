"""The demandes of a sandbox made: each file of each life handed to the handlers of the hub, on its own day.

Nothing is written beside them: the numbers, the journal, the distributions, the notices and radiations of the
daily task are those that the hub makes. The same seed on the same day makes the same stock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, TypeVar

from lxml import etree
from sqlalchemy import Engine

from certs.autorite import MARGE
from dispatching.decision import Distributeur
from echangeur.bac_a_sable.monde import TYPES_RECHERCHES, Choix
from echangeur.bac_a_sable.recits import RECITS, VOUS, Etape, Geste, Recit
from echangeur.demo.fichiers import follow_up
from registry.clock import FixedClock
from registry.controles import PARIS
from registry.depots import Constat as PieceVue
from registry.echanges import Canal, Echange, Emetteur, Refus, ReponseNumUnique
from registry.handlers import Traitement
from registry.handlers_dalo import TraitementDalo
from registry.preavis import produce_notices
from registry.projection import Projection
from registry.radiations_office import radiate_expired
from registry.regles import REGLES
from schemas.demande import read_demande
from schemas.ecriture import REFERENCE
from schemas.generation import Options, generate_demande
from schemas.kinds import DocumentKind
from schemas.parser import parse
from soap.correlation import new_id

T = TypeVar("T")

DEBUT: Final = timedelta(days=450)
"""How long before today the story begins."""
_TACHES: Final = range(130, 0, -7)
"""How many days ago the daily task ran: notices must come before radiations."""


@dataclass(slots=True)
class Semee:
    """A life as it stands. numero: of the demande; empty for a deposit or a brouillon, which have `depot`."""

    titre: str
    enregistree_par: str
    numero: str = ""
    depot: str = ""
    connue: bytes = b""


class RecitImpossibleError(RuntimeError):
    """The hub refused a file of the stock: a defect of the recits, never of who runs the sandbox."""


class Semeur:
    """Plays the lives. emetteurs: who speaks, by code."""

    def __init__(
        self, engine: Engine, choix: Choix, emetteurs: Mapping[str, Emetteur], maintenant: datetime
    ) -> None:
        self._engine = engine
        self._choix = choix
        self._emetteurs = emetteurs
        self._maintenant = maintenant
        self._clock = FixedClock(maintenant - DEBUT)
        self._decideur = Projection(Distributeur(self._clock))
        self._traitement = Traitement(engine, self._clock, self._decideur)
        self._dalo = TraitementDalo(engine, self._clock, self._decideur)

    async def sow(self) -> list[Semee]:
        """All the lives, as they end. Raises RecitImpossibleError."""
        semees = [Semee(recit.titre, self._code(recit.etapes[0].auteur)) for recit in RECITS]
        jours: dict[int, list[tuple[int, Etape]]] = {}
        for rang, recit in enumerate(RECITS):
            for etape in recit.etapes:
                jours.setdefault(etape.jours, []).append((rang, etape))
        await self._traitement.start()
        await self._dalo.start()
        try:
            for jour in sorted({*jours, *_TACHES}, reverse=True):
                self._wake(jour, time(3))
                if jour in _TACHES:
                    await asyncio.to_thread(self._daily)
                self._wake(jour, time(9))
                for rang, etape in jours.get(jour, ()):
                    self._clock.advance(timedelta(minutes=1))
                    await self._play(RECITS[rang], rang, etape, semees[rang])
        finally:
            await self._traitement.stop()
            await self._dalo.stop()
        return semees

    def _wake(self, jours: int, heure: time) -> None:
        """Be at that hour of that day, never after now."""
        jour = self._maintenant.astimezone(PARIS).date() - timedelta(days=jours)
        self._clock.set(min(datetime.combine(jour, heure, PARIS), self._maintenant - MARGE))

    def _daily(self) -> None:
        instant = self._clock.now()
        for _ in produce_notices(self._engine, REGLES, instant):
            pass
        for _ in radiate_expired(self._engine, REGLES, instant, self._decideur):
            pass

    async def _play(self, recit: Recit, rang: int, etape: Etape, semee: Semee) -> None:
        code, instant = self._code(etape.auteur), self._clock.now()
        jour = instant.astimezone(PARIS).date()
        match etape.geste:
            case Geste.CREATION:
                await self._register(semee, code, self._draw(recit, rang, code, jour))
            case Geste.BROUILLON:
                echange = self._exchange(code, "enregistrerBrouillon", self._draw(recit, rang, code, jour))
                await self._traitement.receive(echange)
                fait = await self._traitement.portail.enregistrer_brouillon(echange, echange.octets, "")
                semee.depot = str(_done(fait, semee).depot.id)
            case Geste.VALIDATION:
                lue = read_demande(_root(semee.connue))
                assert lue.demandeur is not None
                vue = PieceVue(
                    "CNI", lue.demandeur.nom, lue.demandeur.prenom, lue.demandeur.date_naissance, "bac"
                )
                echange = self._exchange(code, "validerDepot", semee.depot.encode())
                await self._traitement.receive(echange)
                reponse = await self._traitement.portail.valider(echange, semee.depot, vue, None)
                self._keep(semee, _done(reponse, semee))
            case Geste.INVALIDATION:
                echange = self._exchange(code, "invaliderDepot", semee.depot.encode())
                await self._traitement.receive(echange)
                _done(
                    await self._traitement.portail.invalider(echange, semee.depot, "ABSENT", "", "bac"), semee
                )
            case Geste.DALO:
                assert etape.change is not None
                data = follow_up(semee.connue, "MOD", code, instant, etape.change(jour))
                echange = self._exchange(code, "getDeclarationNouveauDalo", data)
                await self._traitement.receive(echange)
                declaree = _done(await self._dalo.get_declaration_nouveau_dalo(echange, data), semee)
                semee.connue = declaree.fichier.contenu
            case _:
                change = etape.change(jour) if etape.change is not None else lambda _root: None
                data = follow_up(semee.connue, etape.geste.value, code, instant, change)
                await self._register(semee, code, data)

    async def _register(self, semee: Semee, code: str, data: bytes) -> None:
        echange = self._exchange(code, "getNumUnique", data)
        await self._traitement.receive(echange)
        self._keep(semee, _done(await self._traitement.get_num_unique(echange, data), semee))

    def _keep(self, semee: Semee, reponse: ReponseNumUnique) -> None:
        if not reponse.numero and not reponse.depot:
            found = _root(reponse.demande.contenu).findall(".//{*}message")
            raise RecitImpossibleError(f"{semee.titre} : {[each.text for each in found]}")
        semee.numero, semee.connue = reponse.numero, reponse.demande.contenu
        semee.depot = reponse.depot or semee.depot

    def _draw(self, recit: Recit, rang: int, code: str, jour: date) -> bytes:
        options: Options = {
            "territoire": self._choix.territoire,
            "guichet": code,
            "kind": DocumentKind.DEMANDE_0201,
            "types_logement": list(TYPES_RECHERCHES),
            "le": jour,
            "date_creation": jour,
            "avec_cotitulaire": recit.couple,
            "style": REFERENCE,
        }
        if recit.couple:
            options["lien"] = "M"
        if recit.forcee:
            options["forcer_doublon"] = True
        if recit.personne:
            # The same person, whose age must not depend on the day of the file.
            options["le"] = self._maintenant.astimezone(PARIS).date() - timedelta(days=100)
        return generate_demande(f"{self._choix.graine}/{recit.personne or rang}", **options)

    def _exchange(self, code: str, operation: str, octets: bytes) -> Echange:
        instant = self._clock.now()
        return Echange(new_id(instant), self._emetteurs[code], Canal.SOAP, operation, instant, octets)

    def _code(self, auteur: str) -> str:
        return self._choix.guichet if auteur == VOUS else auteur


def _root(document: bytes) -> etree._Element:
    root = parse(document)
    assert isinstance(root, etree._Element), "un document émis par l'échangeur se relit"
    return root


def _done(resultat: T | Refus, semee: Semee) -> T:
    if isinstance(resultat, Refus):
        raise RecitImpossibleError(f"{semee.titre} : {[each.message for each in resultat.anomalies]}")
    return resultat
