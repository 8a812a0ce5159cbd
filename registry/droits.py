"""Who may read a demande, and which type of guichet may do what (regles §5, CCH R441-2-6). Pure.

docs/droits.md is made from here.

The key is where the household wants to live, never where it lives now. Filters narrow these rights and never
widen them (design, decision 7).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

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


PAR_COMMUNES: Final = frozenset({TypeGuichet.COMMUNE, TypeGuichet.EPCI})
"""Types that read what wishes one of their communes; the others read their whole territories."""


class Acte(StrEnum):
    """What a partner may ask for."""

    CREER = "creer"
    LIRE = "lire"
    CHERCHER_DOUBLONS = "chercher-doublons"
    RECHERCHER = "rechercher"
    LISTER = "lister"
    MODIFIER = "modifier"
    RENOUVELER = "renouveler"
    ATTRIBUER = "attribuer"
    ABANDONNER = "abandonner"
    RADIER_SANS_REPONSE = "radier-sans-reponse"
    DECLARER_IRRECEVABLE = "declarer-irrecevable"
    RADIER_NON_RENOUVELEE = "radier-non-renouvelee"
    DECLARER_DALO = "declarer-dalo"


_TOUS: Final = frozenset(TypeGuichet)

ACTEURS: Final[Mapping[Acte, frozenset[TypeGuichet]]] = MappingProxyType(
    {
        **dict.fromkeys(Acte, _TOUS),
        Acte.ATTRIBUER: frozenset({TypeGuichet.BAILLEUR}),
        Acte.DECLARER_IRRECEVABLE: frozenset({TypeGuichet.BAILLEUR}),
        Acte.RADIER_NON_RENOUVELEE: frozenset(),
        Acte.DECLARER_DALO: frozenset({TypeGuichet.ETAT}),
    }
)
"""Types of guichet that may do an act on a demande that they may read."""

PAR_SYSTEME_PARTICULIER: Final = frozenset(
    {Acte.ATTRIBUER, Acte.DECLARER_IRRECEVABLE, Acte.RADIER_NON_RENOUVELEE}
)
"""Acts of bailleurs, or of the hub, that a système particulier reports for those behind it (regles §7)."""


def may_do(guichet: Guichet, acte: Acte) -> bool:
    """May a guichet of that type do the act, on a demande that it may read?"""
    return guichet.type in ACTEURS[acte] or (guichet.numerote and acte in PAR_SYSTEME_PARTICULIER)


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
    if guichet.type not in PAR_COMMUNES:
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
