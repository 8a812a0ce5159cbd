"""What the rules are told: facts, as the database has them at one instant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from dispatching.arrieres import Arriere
from dispatching.disjoncteur import Disjoncteur
from registry.production import Echeance
from registry.surveillance_certificats import Avis

Cle = tuple[str, str]
"""Code of a kind of alert, and what it is about: what makes it one and the same alert."""


@dataclass(frozen=True, slots=True)
class Partenaire:
    """An open guichet. silence: hours of working time of its own, or None. averti: its robot of mail is told
    of the end of its certificates by a signed notice ([CER-56])."""

    code: str
    nom: str
    contact: str = ""
    silence: int | None = None
    averti: bool = False


@dataclass(frozen=True, slots=True)
class Presence:
    """When something last came of a guichet, and the days before: their first and last instants, in order."""

    derniere_le: datetime
    journees: Sequence[tuple[datetime, datetime]] = ()


@dataclass(frozen=True, slots=True)
class ProcessusVu:
    """A process as it last told itself. depuis_le: when it was not ready, since when. codes: why."""

    machine: str
    pid: int
    roles: tuple[str, ...]
    pret: bool
    codes: tuple[str, ...]
    depuis_le: datetime
    vu_le: datetime
    disque_libre: float | None = None


@dataclass(frozen=True, slots=True)
class DernierManifeste:
    """The days of a guichet. dernier: of its last manifest, or the day before its first distribution."""

    guichet: str
    dernier: date


@dataclass(frozen=True, slots=True)
class CourriersBloques:
    """The mails of alerts that do not leave. refuses: given up in the last day."""

    en_attente: int = 0
    depuis_le: datetime | None = None
    refuses: int = 0


@dataclass(frozen=True, slots=True)
class Faits:
    """All of them. veille_depuis: since when the hub is watched. taches: the last day of each one that was
    done; attendues: those that are to be done each day. rapports: of
    conformity, that are missing or end soon. rupture: of the journal, in French, or empty."""

    instant: datetime
    veille_depuis: datetime
    partenaires: Mapping[str, Partenaire] = field(default_factory=dict)
    avis: Sequence[Avis] = ()
    rapports: Sequence[Echeance] = ()
    appels: Mapping[str, Presence] = field(default_factory=dict)
    passages: Mapping[str, Presence] = field(default_factory=dict)
    jours_servis: int = 0
    arrieres: Sequence[Arriere] = ()
    disjoncteurs: Sequence[Disjoncteur] = ()
    processus: Sequence[ProcessusVu] = ()
    courriers: CourriersBloques = CourriersBloques()
    taches: Mapping[str, date] = field(default_factory=dict)
    attendues: Sequence[str] = ()
    manifestes: Sequence[DernierManifeste] = ()
    rupture: str = ""
