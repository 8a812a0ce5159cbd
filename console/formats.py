"""How values are written for people: French, hours of Paris. Pure."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from registry.controles import PARIS

_MOIS: Final = (
    *("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre"),
    *("novembre", "décembre"),
)
INSECABLE: Final = "\N{NO-BREAK SPACE}"
FINE: Final = "\N{NARROW NO-BREAK SPACE}"
ABSENT: Final = "–"


def jour(value: date | datetime | None) -> str:
    """``3 mars 2026``; an en dash for nothing."""
    if value is None:
        return ABSENT
    local = value.astimezone(PARIS).date() if isinstance(value, datetime) else value
    rang = "1er" if local.day == 1 else str(local.day)
    return f"{rang}{INSECABLE}{_MOIS[local.month - 1]}{INSECABLE}{local.year}"


def moment(value: datetime | None) -> str:
    """``03/03/2026 14:05:07``, hour of Paris; an en dash for nothing."""
    if value is None:
        return ABSENT
    at = value.astimezone(PARIS)
    # Without strftime: a file has twenty thousand of them.
    return f"{at.day:02}/{at.month:02}/{at.year:04} {at.hour:02}:{at.minute:02}:{at.second:02}"


def iso(value: date | datetime) -> str:
    """For the attribute ``datetime`` of <time>."""
    return value.isoformat()


def nombre(value: float | None, decimales: int = 0) -> str:
    """``12 345,6``; an en dash for nothing."""
    if value is None:
        return ABSENT
    return f"{value:,.{decimales}f}".replace(",", FINE).replace(".", ",")


def taille(octets: int | None) -> str:
    """``12,3 ko``."""
    if octets is None:
        return ABSENT
    if octets < 1000:
        return f"{octets}{INSECABLE}o"
    value = float(octets)
    for unite in ("ko", "Mo", "Go", "To"):
        value /= 1000
        if value < 1000 or unite == "To":
            return f"{nombre(value, 1)}{INSECABLE}{unite}"
    raise AssertionError


def duree(value: timedelta | None) -> str:
    """``3 j 4 h``, ``5 min 2 s``, ``0,25 s``: two units at most."""
    if value is None:
        return ABSENT
    secondes = value.total_seconds()
    if abs(secondes) < 10:
        return f"{nombre(secondes, 2)}{INSECABLE}s"
    parts: list[str] = []
    rest = int(abs(secondes))
    for unite, longueur in (("j", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, rest = divmod(rest, longueur)
        if count and len(parts) < 2:
            parts.append(f"{count}{INSECABLE}{unite}")
    return ("-" if secondes < 0 else "") + " ".join(parts)


def capitale(texte: str) -> str:
    """The first letter in capital, the others as they are."""
    return texte[:1].upper() + texte[1:]


FILTRES: Final = {
    "jour": jour,
    "moment": moment,
    "iso": iso,
    "nombre": nombre,
    "taille": taille,
    "duree": duree,
    "capitale": capitale,
}
"""By their name in templates."""
