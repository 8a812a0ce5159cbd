"""`informationTraitement`: the indicators that the registry computes, written in what is read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from schemas.emission import format_instant

# `precision` is mandatory and has text only; `<` never stands for itself in a text of what we emit, hence the
# first match is the element. What a partner wrote after it is not ours to repeat.
_PLACE: Final = re.compile(
    rb"(<ns1:precision(?: [^>]*)?(?:/>|>[^<]*</ns1:precision>))"
    rb"(?:\s*<ns1:informationTraitement(?: [^>]*)?(?:/>|>.*?</ns1:informationTraitement>))?",
    re.DOTALL,
)
_ANCIENNE: Final = b'versionInterface="02.00"'
_NOUVELLE: Final = b'versionInterface="02.01"'


@dataclass(frozen=True, slots=True)
class Indicateurs:
    """What the registry knows of the treatment of a demande."""

    delai_anormal: bool
    attributions_multiples: bool


def set_indicateurs(emitted: bytes, indicateurs: Indicateurs, calcule_le: datetime) -> bytes:
    """A demande that `schemas.emission` wrote, with these indicators, without parsing it again.

    It becomes version 02.01, the only one that has them. calcule_le: aware. Raises ValueError when `emitted`
    is no such document.
    """
    place = _PLACE.search(emitted)
    version = emitted.find(_ANCIENNE if _NOUVELLE not in emitted[:300] else _NOUVELLE)
    if place is None or version < 0:
        raise ValueError("document de demande sans precision ou sans version")
    element = (
        "<ns1:informationTraitement>"
        f"<ns1:estDelaiAnormalementLong>{_oui(indicateurs.delai_anormal)}</ns1:estDelaiAnormalementLong>"
        "<ns1:estMultiplesAttributionsSousConditions>"
        f"{_oui(indicateurs.attributions_multiples)}</ns1:estMultiplesAttributionsSousConditions>"
        f"<ns1:dateCalculIndicateur>{format_instant(calcule_le)}</ns1:dateCalculIndicateur>"
        "</ns1:informationTraitement>"
    ).encode()
    # In this order: the version is before the place.
    return (
        emitted[:version]
        + _NOUVELLE
        + emitted[version + len(_NOUVELLE) : place.end(1)]
        + element
        + emitted[place.end() :]
    )


def _oui(valeur: bool) -> str:
    return "true" if valeur else "false"
