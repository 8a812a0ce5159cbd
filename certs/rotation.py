"""Changing the keys of the hub, on disk: prepare the next ones, put them in use, destroy the last ones.

What each step means is `certs.trousseau`. Here one change at a time is made to the folder, whoever asks:
the command line and the console of several processes share it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from certs.autorite import P256, Autorite
from certs.paire import Paire
from certs.trousseau import Clef, EtatCle, Trousseau, UsageCle, keep, load_trousseau, save

DUREE: Final = timedelta(days=1095)
"""Lifetime of a key of mail that the authority of the instance makes."""

CLES_DU_COURRIER: Final = (UsageCle.SIGNATURE, UsageCle.CHIFFREMENT)
"""One key, one use: what a rotation prepares unless told otherwise."""

_VERROU: Final = ".verrou"


def prepare_issued(
    dossier: Path,
    autorite: Autorite,
    ensembles: Iterable[frozenset[UsageCle]],
    *,
    nom: str,
    instant: datetime,
    cle: str = P256,
) -> tuple[Clef, ...]:
    """Make one key for each set of uses, issued by the authority of the instance to the name `nom`.

    cle: one of certs.autorite.CLES. Raises OSError or ValueError when the keyring does not read.
    """
    made = []
    with _locked(dossier):
        trousseau = load_trousseau(dossier)
        for usages in ensembles:
            identite = autorite.issue_guichet(nom, now=instant, nom="Échangeur", duree=DUREE, cle=cle)
            trousseau = trousseau.prepare(keep(dossier, identite), usages, instant=instant)
            made.append(trousseau.clefs[0])
        save(dossier, trousseau)
    return tuple(made)


def prepare_given(dossier: Path, paire: Paire, usages: Iterable[UsageCle], *, instant: datetime) -> None:
    """Keep a key whose certificate was issued elsewhere. Raises as `prepare_issued`."""
    with _locked(dossier):
        save(dossier, load_trousseau(dossier).prepare(paire, usages, instant=instant))


def switch(dossier: Path, empreintes: Sequence[str] = (), *, instant: datetime) -> tuple[str, ...]:
    """Put prepared keys in use, all of them when none is named; their empreintes, none when none was
    prepared. Those that they replace still decrypt for `certs.trousseau.CONSERVATION` ([CER-53]).

    Raises ValueError (French) when a named one is not a prepared key; nothing is then changed.
    """
    with _locked(dossier):
        trousseau = load_trousseau(dossier)
        wanted = tuple(empreintes) or prepared(trousseau)
        for each in wanted:
            trousseau = trousseau.basculer(each, instant=instant)
        if wanted:
            save(dossier, trousseau)
    return wanted


def purge(dossier: Path, *, instant: datetime) -> tuple[Clef, ...]:
    """Destroy the keys that no message in flight can need any more; those destroyed."""
    with _locked(dossier):
        trousseau, finies = load_trousseau(dossier).purger(instant)
        if finies:
            save(dossier, trousseau)
    return finies


def prepared(trousseau: Trousseau) -> tuple[str, ...]:
    """The empreintes of the keys that wait to be put in use."""
    return tuple(each.empreinte for each in trousseau.clefs if each.etat is EtatCle.PREPARE)


def following(trousseau: Trousseau, usage: UsageCle) -> Paire | None:
    """The key that will serve after the next switch: the one prepared, else the present one; or None."""
    waiting = [each for each in trousseau.clefs if each.etat is EtatCle.PREPARE and usage in each.usages]
    found = waiting[0] if waiting else trousseau.active(usage)
    return None if found is None else found.paire


@contextmanager
def _locked(dossier: Path) -> Iterator[None]:
    """One change at a time: two that read the same states would lose one another's keys."""
    dossier.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(dossier / _VERROU, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
