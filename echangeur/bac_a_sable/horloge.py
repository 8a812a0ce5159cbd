"""The clock of a sandbox: that of the machine, moved forward by what a file says.

The file is the whole message: every process of the sandbox, and every command run in it, reads it at each
instant asked, so that none is ever told late. Time only goes forward: a register whose journal would go back
proves nothing.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from echangeur.bac_a_sable.lieux import HORLOGE, HORLOGE_NOUVELLE
from echangeur.sortie import PARIS

_SAUT: Final = re.compile(r"\+(\d{1,3})(an|mois|semaine|jour|heure)s?")
_DUREES: Final = {"semaine": timedelta(weeks=1), "jour": timedelta(days=1), "heure": timedelta(hours=1)}
_HEURE: Final = time(9, 0)
"""The hour at which a day named alone begins: partners call in the morning."""
HORIZON: Final = timedelta(days=10 * 365)
"""How far the clock may be moved: the certificates that a sandbox issues last as long."""


class Etat(Struct, frozen=True, forbid_unknown_fields=True):
    """What the file holds. decalage: seconds ahead of the machine. epoque: how many times the stock was put
    back."""

    decalage: float = 0.0
    epoque: int = 0


class HorlogeDeBac:
    """The clock of the sandbox of a folder (`registry.clock.Clock`). machine: what it is moved from."""

    def __init__(self, dossier: Path, machine: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._fichier = dossier / HORLOGE
        self._nouveau = dossier / HORLOGE_NOUVELLE
        self._machine = machine
        self._version = (0, 0)
        self._etat = Etat()

    @property
    def etat(self) -> Etat:
        """What the file says now; a file that is not there says nothing."""
        try:
            stat = self._fichier.stat()
        except FileNotFoundError:
            return Etat()
        version = (stat.st_mtime_ns, stat.st_ino)
        if version != self._version:
            self._etat = msgspec.json.decode(self._fichier.read_bytes(), type=Etat)
            self._version = version
        return self._etat

    def now(self) -> datetime:
        return self._machine() + timedelta(seconds=self.etat.decalage)

    def check(self, instant: datetime) -> timedelta:
        """How far ahead of the machine `instant` is. Raises ValueError (French) when it is past or too
        far."""
        if instant < self.now():
            raise ValueError("un registre ne remonte pas le temps ; videz-le : bac-a-sable horloge reprendre")
        ahead = instant - self._machine()
        if ahead > HORIZON:
            raise ValueError(f"l'horloge n'avance pas de plus de {HORIZON.days // 365} ans")
        return ahead

    def advance_to(self, instant: datetime) -> None:
        """Be at `instant` from now on. Raises ValueError as `check`."""
        ahead = self.check(instant)
        self._write(msgspec.structs.replace(self.etat, decalage=ahead.total_seconds()))

    def resume(self) -> None:
        """Be at the instant of the machine again, in a new epoch: what the register holds was put back
        too."""
        self._write(Etat(epoque=self.etat.epoque + 1))

    def _write(self, etat: Etat) -> None:
        # Replaced at once: another process reads it at any moment.
        self._nouveau.write_bytes(msgspec.json.encode(etat))
        self._nouveau.replace(self._fichier)


def parse_jump(texte: str, instant: datetime) -> datetime:
    """Where a jump leads: ``+13mois``, ``+3jours``, ``2027-01-01`` (9 h in Paris), ``2027-01-01T08:30``.

    Raises ValueError (French) when it is none of these.
    """
    found = _SAUT.fullmatch(texte.replace(" ", ""))
    if found is not None:
        nombre, unite = int(found[1]), found[2]
        if unite in _DUREES:
            return instant + nombre * _DUREES[unite]
        return _add_months(instant, nombre * (12 if unite == "an" else 1))
    try:
        lu = datetime.fromisoformat(texte)
    except ValueError:
        raise ValueError(
            f"« {texte} » n'est ni +13mois, +3jours, +1an…, ni une date 2027-01-01 ou 2027-01-01T08:30"
        ) from None
    if "T" not in texte:
        lu = datetime.combine(lu.date(), _HEURE)
    return (lu if lu.tzinfo is not None else lu.replace(tzinfo=PARIS)).astimezone(UTC)


def _add_months(instant: datetime, mois: int) -> datetime:
    """The same day of the month in Paris, or its last one."""
    local = instant.astimezone(PARIS)
    rang = local.year * 12 + local.month - 1 + mois
    annee, rang_mois = divmod(rang, 12)
    jour = min(local.day, monthrange(annee, rang_mois + 1)[1])
    return local.replace(year=annee, month=rang_mois + 1, day=jour).astimezone(UTC)
