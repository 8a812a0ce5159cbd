"""The handler that adds an attestation to the answer of a registration (docs/specification, clauses ATT).

After the commit, in threads of its own: a registration that wants no attestation never waits for one, and a
registration never fails because of its attestation. An answer without the attestation that was asked for is
mended by sending the same file again: it is a replay, and gets the attestation of the same registration.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import StrEnum
from functools import cache, partial
from typing import Final

import structlog
import typst
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from registry.attestation import FAITS, Attestable, describe, name_of
from registry.attestation_pdf import Imprimeur
from registry.batching import Batcher, Saturation
from registry.controles import PARIS
from registry.documents_gardes import read_kept
from registry.echanges import Fichier
from registry.guichets_store import get_guichet
from registry.references import References, read_references
from registry.regles import REGLES, Regles
from schemas.demande import Demande

_log = structlog.get_logger("echangeur.attestations")

FILS: Final = min(4, os.cpu_count() or 1)
"""Attestations printed at once: typst works outside the interpreter lock, hence on another core than the
registrations."""

LOT_MAX: Final = 8
"""Attestations made before any of them is handed over: some 12 ms each."""

ATTENTE_MAX: Final = 500
"""Attestations waiting for one thread, six seconds of work: beyond, the answer leaves without, and the log
says so. Threat: callers whose patience ends while their answer waits for its attestation."""

PORTAIL: Final = "https://www.demande-logement-social.gouv.fr"


class Politique(StrEnum):
    """What to do when the request does not say."""

    SUR_DEMANDE = "sur-demande"
    TOUJOURS = "toujours"
    JAMAIS = "jamais"


_OUI: Final = frozenset({"1", "o", "oui", "true", "vrai", "complet", "avec"})
_NON: Final = frozenset({"0", "n", "non", "false", "faux", "sans"})


def is_wanted(complet: str, politique: Politique) -> bool:
    """Does a request with that `complet` get an attestation? Any other value counts as absent ([ATT-2])."""
    word = complet.strip().casefold()
    if politique is Politique.JAMAIS or word in _NON:
        return False
    return word in _OUI or politique is Politique.TOUJOURS


@dataclass(frozen=True, slots=True)
class _Lue:
    """jour: of the registration, as its answer says it."""

    attestable: Attestable
    demande: Demande
    jour: date


class Attestations:
    """Makes attestations. Lives on one event loop, between `start` and `stop` ([ATT-9])."""

    def __init__(
        self,
        engine: Engine,
        *,
        politique: Politique = Politique.TOUJOURS,
        regles: Regles = REGLES,
        portail: str = PORTAIL,
    ) -> None:
        self._engine = engine
        self._politique = politique
        self._regles = regles
        self._portail = portail
        self._voies: tuple[Batcher[Attestable, Fichier | None], ...] = tuple(
            Batcher(
                # What it prints with is made at its first attestation: 80 ms that a start need not pay.
                partial(self._print, Imprimeur()),
                LOT_MAX,
                f"attestations {voie}",
                max_pending=ATTENTE_MAX,
            )
            for voie in range(1, FILS + 1)
        )

    async def start(self) -> None:
        for voie in self._voies:
            voie.start()

    async def stop(self) -> None:
        await asyncio.gather(*(voie.stop() for voie in self._voies))

    async def attest(self, attestable: Attestable, complet: str) -> Fichier | None:
        """The attestation, or None when none is due, none is wanted, or it could not be made ([ATT-1])."""
        if attestable.nature not in FAITS or not is_wanted(complet, self._politique):
            return None
        try:
            return await min(self._voies, key=lambda voie: voie.pending).submit(attestable)
        except Saturation:
            _log.warning("attestation différée", numero=attestable.numero, cause="saturation")
            return None

    def _print(self, imprimeur: Imprimeur, attestables: Sequence[Attestable]) -> list[Fichier | None]:
        """In the thread: what they cite in one connection, then one PDF after the other."""
        lues = [_read(attestable) for attestable in attestables]
        try:
            with self._engine.connect() as conn:
                references = [
                    read_references(
                        conn,
                        lue.attestable.guichet.code,
                        lue.attestable.numero[:3],
                        lue.demande.communes_souhaitees,
                        lue.jour,
                    )
                    for lue in lues
                ]
        except SQLAlchemyError as error:
            _log.warning("attestations différées", nombre=len(lues), cause=type(error).__name__)
            return [None] * len(lues)
        return [self._one(imprimeur, lue, trouvees) for lue, trouvees in zip(lues, references, strict=True)]

    def _one(self, imprimeur: Imprimeur, lue: _Lue, references: References) -> Fichier | None:
        attestable = lue.attestable
        try:
            return _render(imprimeur, lue, references, self._regles, self._portail)
        except typst.TypstError as error:
            # Its message may quote a name.
            _log.error("attestation impossible", numero=attestable.numero, cause=type(error).__name__)
            return None


_LAST: Final = text("""
    SELECT v.nature, v.guichet, v.instant, v.document FROM demande_version v
    WHERE v.numero = :numero AND v.nature = ANY(CAST(:natures AS text[])) ORDER BY v.version DESC LIMIT 1
""")


def print_again(conn: Connection, numero: str, *, regles: Regles, portail: str) -> Fichier | None:
    """The attestation of the last registration or renewal of that demande, from the register as it is now;
    None once its documents are erased, or for what cannot be printed ([ATT-1])."""
    ligne = conn.execute(_LAST, {"numero": numero, "natures": sorted(FAITS)}).first()
    guichet = None if ligne is None else get_guichet(conn, ligne.guichet)
    if ligne is None or guichet is None:
        return None
    nom = f"DEM{guichet.code}-{ligne.instant.astimezone(PARIS):%Y%m%d%H%M}-{numero}.xml"
    lue = _read(Attestable(numero, ligne.nature, guichet, ligne.document, nom), ligne.instant)
    communes = lue.demande.communes_souhaitees
    references = read_references(conn, guichet.code, numero[:3], communes, lue.jour)
    try:
        return _render(_imprimeur(), lue, references, regles, portail)
    except typst.TypstError as error:
        # Its message may quote a name.
        _log.error("attestation impossible", numero=numero, cause=type(error).__name__)
        return None


@cache
def _imprimeur() -> Imprimeur:
    return Imprimeur()


def _render(imprimeur: Imprimeur, lue: _Lue, references: References, regles: Regles, portail: str) -> Fichier:
    """Raises typst.TypstError."""
    donnees = describe(lue.demande, lue.attestable, references, jour=lue.jour, regles=regles, portail=portail)
    # The day and not the instant: a replay gives the same bytes.
    instant = datetime.combine(lue.jour, time(), UTC)
    return Fichier(name_of(lue.attestable.nom_fichier), imprimeur.render(donnees, instant=instant))


def _read(attestable: Attestable, instant: datetime | None = None) -> _Lue:
    """instant: of the registration; without it, as the header of the answer says."""
    demande = read_kept(attestable.document)
    made = instant or demande.date_fichier
    assert made is not None, "un document émis par l'échangeur est daté"
    return _Lue(attestable, demande, made.astimezone(PARIS).date())
