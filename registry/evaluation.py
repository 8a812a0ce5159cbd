"""What becomes of a batch of demandes, one after the other, given what the register holds. Pure.

The order of the batch is the order of the register: each demande sees those accepted before it in the same
batch as if they had been committed. So two identical persons in one batch give one demande and one refusal,
one file sent twice gives one demande and its replay, and a number taken by one is refused to the next.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from registry import anomalies_demande as catalogue
from registry import numero_unique
from registry.anomalies import Anomalie
from registry.echanges import Echange
from registry.etat_civil import EtatCivil
from registry.identites import CleIdentite
from registry.numero_unique import Compteur
from registry.separation import Origine, check_separation
from schemas.demande import Demande

CleRejeu = tuple[str, str, bytes]
"""What makes a replay: guichet, operation, SHA-256 of the file as received."""


@dataclass(frozen=True, slots=True)
class DepotPortail:
    """The deposit that a guichet validates (docs/specification/80-portail.md).

    guichet: the portal, which registers it. recu_le: its certified reception. sequence: its journal entry.
    piece: code of the identity document that the guichet has seen. corrige: the état civil as deposited, when
    the guichet changes it.
    """

    guichet: str
    recu_le: datetime
    sequence: int
    piece: str
    corrige: EtatCivil | None = None


@dataclass(frozen=True, slots=True)
class DemandeRecue:
    """A valid document to be registered, with all that could be said of it beforehand.

    operation: name of the service operation, part of what makes a replay.
    empreinte: SHA-256 of the file as received, 32 bytes.
    anomalies: findings of registry.controles; when there are some, only a replay saves the demande.
    territoire: that of the wished communes; empty only when there are anomalies.
    cles: identity keys (registry.identites).
    nom_fichier: name of the file of the answer, should the demande be registered.
    depot: what this demande was, when it is a deposit that the guichet of the exchange validates.
    """

    echange: Echange
    operation: str
    empreinte: bytes
    demande: Demande
    anomalies: tuple[Anomalie, ...]
    territoire: str
    cles: tuple[CleIdentite, ...]
    nom_fichier: str
    depot: DepotPortail | None = None

    @property
    def guichet(self) -> str:
        """Who asks for the registration."""
        return self.echange.emetteur.guichet.code

    @property
    def enregistreur(self) -> str:
        """The guichet that registers it first, whose code ends the number."""
        return self.guichet if self.depot is None else self.depot.guichet

    @property
    def certifiee_le(self) -> datetime:
        """The certified date of the demande: that of its reception, deposited or sent."""
        return self.echange.recu_le if self.depot is None else self.depot.recu_le

    @property
    def cle_rejeu(self) -> CleRejeu:
        return (self.guichet, self.operation, self.empreinte)

    @property
    def origine(self) -> str | None:
        """The number of the demande whose seniority this one keeps (CRS)."""
        return self.demande.num_unique_associe if self.demande.type_fichier == "CRS" else None

    @property
    def compteur(self) -> Compteur:
        """The counter that would number it."""
        return (self.territoire, numero_unique.month_of(self.demande.date_creation))


@dataclass(frozen=True, slots=True)
class ReponseDonnee:
    """The first answer to a file, from which the same bytes can be made again."""

    numero: str
    version: int
    repondu_le: datetime
    nom_fichier: str


@dataclass(frozen=True, slots=True)
class Accord:
    """The demande is registered under this number, in spite of these doublons (forcerDoublon).

    origine: the demande of the couple, for a creation after a separation.
    """

    numero: str
    doublons: tuple[str, ...]
    origine: Origine | None = None


@dataclass(frozen=True, slots=True)
class Rejet:
    """The demande is refused. doublons: numbers of those that look like it, when that is the reason
    ([ENR-2])."""

    anomalies: tuple[Anomalie, ...]
    doublons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejeu:
    """The file was already accepted: before (`reponse`), or at the place `premier` of the same batch
    ([ENR-3])."""

    reponse: ReponseDonnee | None
    premier: int | None = None


Decision = Accord | Rejet | Rejeu


@dataclass(frozen=True, slots=True)
class Connaissances:
    """What the register holds that matters to a batch.

    rejeux: answers already given. pris: numbers already taken, among those that the batch may want.
    doublons: numbers of the active demandes by territory and identity key.
    derniers: last sequence of each counter that the batch may use.
    origines: the demandes of the couples that separations name, by number.
    """

    rejeux: Mapping[CleRejeu, ReponseDonnee] = field(default_factory=dict)
    pris: Collection[str] = frozenset()
    doublons: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    derniers: Mapping[Compteur, int] = field(default_factory=dict)
    origines: Mapping[str, Origine] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """decisions: one for each item, in their order. derniers: the counters that moved, and where to."""

    decisions: tuple[Decision, ...]
    derniers: dict[Compteur, int]


def evaluate(items: Sequence[DemandeRecue], connues: Connaissances) -> Evaluation:
    """Decide each item in turn."""
    lot = _Lot(connues)
    return Evaluation(tuple(lot.decide(place, item) for place, item in enumerate(items)), lot.bouges)


class _Lot:
    """The register as it becomes while the batch goes on."""

    def __init__(self, connues: Connaissances) -> None:
        self._connues = connues
        self._acceptes: dict[CleRejeu, int] = {}
        self._pris: set[str] = set(connues.pris)
        self._presents: dict[tuple[str, str], list[str]] = {}
        self.bouges: dict[Compteur, int] = {}

    def decide(self, place: int, item: DemandeRecue) -> Decision:
        cle = item.cle_rejeu
        if cle in self._connues.rejeux:
            return Rejeu(self._connues.rejeux[cle])
        if cle in self._acceptes:
            return Rejeu(None, self._acceptes[cle])
        if item.anomalies:
            return Rejet(item.anomalies)
        origine = None
        if item.origine is not None:
            origine = self._connues.origines.get(item.origine)
            guichet = item.echange.emetteur.guichet
            separation = check_separation(item.demande, guichet, item.territoire, item.cles, origine)
            if separation:
                return Rejet(separation)
        doublons = self._find_doublons(item)
        retenus = () if item.demande.forcer_doublon else doublons
        anomalie, numero = self._number(item, refuse=bool(retenus))
        if anomalie is not None or retenus:
            return Rejet(() if anomalie is None else (anomalie,), retenus)
        self._pris.add(numero)
        self._acceptes[cle] = place
        for identite in item.cles:
            presents = self._presents.setdefault((item.territoire, identite.cle), [])
            if numero not in presents:
                presents.append(numero)
        return Accord(numero, doublons, origine)

    def _find_doublons(self, item: DemandeRecue) -> tuple[str, ...]:
        trouves: dict[str, None] = {}
        for identite in item.cles:
            cle = (item.territoire, identite.cle)
            trouves.update(dict.fromkeys(self._connues.doublons.get(cle, ())))
            trouves.update(dict.fromkeys(self._presents.get(cle, ())))
        # Who separates is on the demande of the couple: that is no doublon.
        return tuple(numero for numero in trouves if numero != item.origine)

    def _number(self, item: DemandeRecue, *, refuse: bool) -> tuple[Anomalie | None, str]:
        """The number of the item, or why it has none; a demande that is refused anyway takes no sequence."""
        porte = item.demande.num_unique
        if porte is not None:
            if porte in self._pris:
                return catalogue.NUMERO_PRIS(porte), ""
            return None, porte
        if refuse:
            return None, ""
        territoire, mois = item.compteur
        sequence = self.bouges.get(item.compteur, self._connues.derniers.get(item.compteur, 0))
        while sequence < numero_unique.SEQUENCE_MAX:
            sequence += 1
            numero = str(
                numero_unique.compose(territoire, item.demande.date_creation, sequence, item.enregistreur)
            )
            # A système particulier may have issued this very number: it is passed over.
            if numero not in self._pris:
                self.bouges[item.compteur] = sequence
                return None, numero
        return catalogue.NUMEROS_EPUISES(territoire, mois), ""
