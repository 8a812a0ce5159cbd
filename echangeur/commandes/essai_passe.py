"""The part of `echangeur filtre essayer` that looks at the past: what a draft would have delivered."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from sqlalchemy import Engine

from dispatching.bilan import Bilan, Cote, bilan_of
from dispatching.decision import Sortie
from dispatching.passe import MOIS, Passe, start_of
from dispatching.retrospective import look_back
from echangeur.images import followed
from echangeur.instance import Instance
from echangeur.lieux import PASSE
from echangeur.sortie import MauvaisUsage, print_fiche, print_table, say
from filters.language import Filtre
from registry.clock import Clock
from registry.controles import PARIS
from registry.guichets import Guichet

_SUR: Final = re.compile(r"([0-9]{1,2})[- ]mois", re.ASCII)


def bilan_value(bilan: Bilan) -> dict[str, object]:
    """For ``--json``."""
    return {
        "depuis": bilan.depuis,
        "evenements": bilan.evenements,
        "sans": bilan.sans,
        "avec": bilan.avec,
        "en_plus": bilan.en_plus,
        "en_moins": bilan.en_moins,
        "par_mois": {mois: {"sans": sans, "avec": avec} for mois, (sans, avec) in bilan.mois.items()},
    }


def tell_bilan(bilan: Bilan) -> None:
    """Show it."""
    print_fiche(
        [
            ("événements passés", f"{bilan.evenements} depuis le {bilan.depuis:%d/%m/%Y}"),
            ("aurait reçu avec lui", _told(bilan.avec)),
            ("aurait reçu sans lui", _told(bilan.sans)),
            ("différence", f"+{bilan.en_plus} / −{bilan.en_moins}"),
        ]
    )
    if bilan.mois:
        say("")
        rows = [(mois, sans, avec) for mois, (sans, avec) in bilan.mois.items()]
        print_table(("mois", "sans lui", "avec lui"), rows, vide="")


def months_of(sur: str) -> int:
    """The number of months of ``--sur``; 0 when it is empty. Raises MauvaisUsage."""
    if not sur:
        return 0
    found = _SUR.fullmatch(sur)
    if found is None or not 1 <= int(found[1]) <= MOIS:
        raise MauvaisUsage(f"« {sur} » n'est pas une durée.", f"Écrivez 1-mois à {MOIS}-mois.")
    return int(found[1])


def look_at_past(
    instance: Instance,
    engine: Engine,
    clock: Clock,
    guichet: Guichet,
    filtres: Sequence[Filtre],
    contre: str,
    mois: int,
) -> Iterator[Bilan]:
    """The drafts of a guichet, one after the other."""
    sortie = Sortie(instance.configuration.distribution.sortie)
    depuis = start_of(clock.now().astimezone(PARIS).date(), mois)
    passe = Passe(instance.dossier / PASSE)
    with followed(passe, "Événements passés", engine, clock) as image, engine.connect() as conn:
        for filtre in filtres:
            remplace = contre or filtre.nom
            yield bilan_of(image, look_back(conn, image, guichet.code, filtre, remplace, depuis, sortie))


def _told(cote: Cote) -> str:
    return (
        f"{cote.total} distributions, dont {cote.suites} suites et {cote.sorties} sorties, "
        f"de {cote.demandes} demandes"
    )
