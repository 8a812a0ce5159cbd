"""Who may read a demande, and who may do what (regles §1, §5, CCH R441-2-6). Pure.

Three questions, each refused in its own way: what the profile of the certificate allows (`check_profil`),
which demandes the guichet reads (`may_read`), what its type may do to them (`may_do`). The tables are in
registry.actes; docs/droits.md is made from both.

The key is where the household wants to live, never where it lives now. Filters narrow these rights and never
widen them (design, decision 7).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from registry.actes import ACTEURS, PAR_SYSTEME_PARTICULIER, PROFILS, Acte
from registry.anomalies import Anomalie
from registry.anomalies_demande import ACTE_REFUSE, PROFIL_INSUFFISANT
from registry.guichets import Guichet, TypeGuichet
from registry.profils import Profil


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


def may_do(guichet: Guichet, acte: Acte, profil: Profil = Profil.GUICHET) -> bool:
    """May a guichet of that type, by an account of that profile, do the act on a demande that it may read?"""
    par_type = guichet.type in ACTEURS[acte] or (guichet.numerote and acte in PAR_SYSTEME_PARTICULIER)
    return par_type and acte in PROFILS[profil]


def check_profil(profil: Profil, *actes: Acte) -> Anomalie | None:
    """None when the profile allows one of the acts at least; the same refusal whatever is refused."""
    if not PROFILS[profil].isdisjoint(actes):
        return None
    suffisants = [autre for autre in Profil if not PROFILS[autre].isdisjoint(actes)]
    return PROFIL_INSUFFISANT(profil, ", ".join(suffisants))


def check_type(guichet: Guichet, *actes: Acte) -> Anomalie | None:
    """None when the portal may do one of the acts at least, and for any other type: what those may not do,
    the controls of each act say, since some of it is configured."""
    if guichet.type is not TypeGuichet.PORTAIL or any(guichet.type in ACTEURS[acte] for acte in actes):
        return None
    return ACTE_REFUSE(guichet.type)


def may_read(
    guichet: Guichet, territoire: str, communes: Collection[str], *, detenteur: bool = False
) -> Droit:
    """May this guichet read a demande of that territory that wishes those communes (INSEE codes)?

    detenteur: True when the guichet registered the demande; it then always may, unless it is closed
    ([ENR-31]).
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
