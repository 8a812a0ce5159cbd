"""A small territory for the tests: guichets, filters, demandes registered through the real registration."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, Engine, text

from dispatching.decision import Distributeur
from dispatching.deliveries import Distribution, list_distributions
from filters.language import Filtre
from filters.store import VersionFiltre, save_filtre
from registry.clock import FixedClock
from registry.evaluation import DemandeRecue
from registry.evenements import EvenementDemande
from registry.exchanges_store import record_receptions
from registry.guichets import Guichet, TypeGuichet
from registry.guichets_store import NouveauGuichet, add_guichet
from registry.registration import Enregistrement, register
from tests.registry.fabrique import RECU_LE, generate, recue_of

LILLE = "59350"
ROUBAIX = "59512"
DOUAI = "59178"
ADRESSE = "https://127.0.0.1:9/services/ReceptionDistributionService/"

_seeds = itertools.count(1)


class Scene:
    """Guichets and demandes of the territory 059 on one database, with one Distributeur."""

    def __init__(self, engine: Engine, clock: FixedClock) -> None:
        clock.set(RECU_LE)
        self.engine = engine
        self.clock = clock
        self.distributeur = Distributeur(clock)

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def guichet(
        self,
        code: str,
        *filtres: Filtre,
        genre: TypeGuichet = TypeGuichet.BAILLEUR,
        perimetre: str = "",
        territoires: Sequence[str] = ("059",),
        adresse: str = ADRESSE,
    ) -> Guichet:
        """Add a guichet with filters in force."""
        nouveau = NouveauGuichet(
            code, f"Guichet {code}", genre, "", frozenset(territoires), perimetre, adresse_reception=adresse
        )
        with self.engine.begin() as conn:
            found = add_guichet(conn, nouveau, instant=self.now)
            assert isinstance(found, Guichet), found
        for filtre in filtres:
            self.filtre(code, filtre)
        return found

    def filtre(self, code: str, filtre: Filtre) -> VersionFiltre:
        with self.engine.begin() as conn:
            saved = save_filtre(conn, code, filtre, instant=self.now)
        assert isinstance(saved, VersionFiltre), saved
        return saved

    def recue(
        self,
        auteur: Guichet,
        communes: Sequence[str] = (LILLE,),
        types: Sequence[str] = ("T2",),
        graine: str = "",
        territoire: str = "059",
    ) -> DemandeRecue:
        """A new demande as the handlers hand it to the registration. graine: draws always the same one."""
        seed = graine or f"scene-{next(_seeds)}"
        data = generate(seed, auteur, territoire=territoire, communes=communes, types_logement=types)
        return recue_of(data, auteur)

    def register(self, recues: Sequence[DemandeRecue], distributeur: Distributeur | None = None) -> list[str]:
        """Register in one transaction; the numbers."""
        with self.engine.begin() as conn:
            record_receptions(conn, [recue.echange for recue in recues])
        with self.engine.begin() as conn:
            return self.register_in(conn, recues, distributeur)

    def register_in(
        self, conn: Connection, recues: Sequence[DemandeRecue], distributeur: Distributeur | None = None
    ) -> list[str]:
        """Register in the transaction of the caller."""
        decideur = distributeur or self.distributeur
        results = register(conn, recues, decideur=decideur, repondu_le=self.now)
        numeros = []
        for result in results:
            assert isinstance(result, Enregistrement), result
            numeros.append(result.numero)
        return numeros

    def demande(
        self, auteur: Guichet, communes: Sequence[str] = (LILLE,), types: Sequence[str] = ("T2",)
    ) -> str:
        """Register one demande; its number."""
        return self.register([self.recue(auteur, communes, types)])[0]

    def distributions(self, guichet: str | None = None) -> tuple[Distribution, ...]:
        with self.engine.connect() as conn:
            return list_distributions(conn, guichet=guichet)

    def count(self, table: str) -> int:
        with self.engine.connect() as conn:
            return int(conn.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())

    def events(self, recue: DemandeRecue, numero: str, versions: Iterable[int]) -> None:
        """Later events of a demande: versions from 2 on, each in a transaction of its own."""
        for version in versions:
            with self.engine.begin() as conn:
                event = (version, numero, version, "MOD", "059", "G0001", self.now, recue.demande)
                self.distributeur.decide(conn, [EvenementDemande(*event)])
                conn.execute(
                    text(
                        "INSERT INTO demande_version SELECT numero, :v, :v, 'MOD', guichet, instant,"
                        " document, empreinte FROM demande_version WHERE numero = :numero AND version = 1"
                    ),
                    {"v": version, "numero": numero},
                )
