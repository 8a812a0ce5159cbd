"""Who may read a demande (regles §5, CCH R441-2-6). Pure.

The key is where the household wants to live, never where it lives now. Filters narrow these rights and never
widen them (design, decision 7).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from registry.guichets import Guichet, TypeGuichet


class Motif(StrEnum):
    """Why a right is granted or not."""

    DETENTEUR = "detenteur"
    TERRITOIRE = "territoire"
    COMMUNE = "commune"
    GUICHET_FERME = "guichet-ferme"
    HORS_TERRITOIRE = "hors-territoire"
    HORS_COMMUNES = "hors-communes"


@dataclass(frozen=True, slots=True)
class Droit:
    """A decision on a right.

    accorde: True when the guichet may read.
    motif: the reason, as a code.
    texte: the reason, in French, with the compared values.
    communes: wished communes that give the right, for a commune or an EPCI; otherwise empty.
    """

    accorde: bool
    motif: Motif
    texte: str
    communes: tuple[str, ...] = ()


_PAR_COMMUNES = frozenset({TypeGuichet.COMMUNE, TypeGuichet.EPCI})


def may_read(
    guichet: Guichet, territoire: str, communes: Collection[str], *, detenteur: bool = False
) -> Droit:
    """May this guichet read a demande of that territory that wishes those communes (INSEE codes)?

    detenteur: True when the guichet registered the demande; it then always may, unless it is closed.
    A bailleur, the State and other reservation holders read the whole territory; a commune and an EPCI read
    what wishes one of their communes (`Guichet.communes`, already resolved).
    """
    if not guichet.actif:
        return Droit(False, Motif.GUICHET_FERME, f"le guichet {guichet.code} est fermé")
    if detenteur:
        return Droit(True, Motif.DETENTEUR, f"le guichet {guichet.code} a enregistré la demande")
    if territoire not in guichet.territoires:
        siens = ", ".join(sorted(guichet.territoires)) or "aucun"
        return Droit(
            False,
            Motif.HORS_TERRITOIRE,
            f"la demande est du territoire {territoire} ; ceux du guichet {guichet.code} : {siens}",
        )
    if guichet.type not in _PAR_COMMUNES:
        return Droit(
            True,
            Motif.TERRITOIRE,
            f"le guichet {guichet.code} ({guichet.type}) lit tout le territoire {territoire}",
        )
    communs = tuple(sorted(guichet.communes.intersection(communes)))
    if communs:
        return Droit(
            True,
            Motif.COMMUNE,
            f"communes souhaitées dans le périmètre du guichet {guichet.code} : {', '.join(communs)}",
            communs,
        )
    return Droit(
        False,
        Motif.HORS_COMMUNES,
        f"aucune des communes souhaitées ({', '.join(sorted(communes))}) n'est dans le périmètre du guichet "
        f"{guichet.code} ({guichet.type})",
    )
