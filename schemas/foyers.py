"""Plausible households: who applies, with whom, on what income, living where.

The shares follow no census: they only keep the generated stock in the shape of the real one (wanted sizes as
in the Nord in 2014, regles §13; a third of the applicants already in social housing).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from schemas.tirage import Tirage, lines

ADULTE: Final = 18


@dataclass(frozen=True, slots=True)
class Identite:
    """Who somebody is. sexe: F or M. nom_patronymique: birth name, empty when it is not told apart."""

    sexe: str
    nom: str
    nom_patronymique: str
    prenom: str
    date_naissance: date

    @property
    def civilite(self) -> str:
        """Code of ListeCivilite."""
        return "2" if self.sexe == "F" else "1"


@dataclass(frozen=True, slots=True)
class Travail:
    """profession may be empty; contrat: ListeTypeContratTravail; revenu: euros per month."""

    profession: str
    contrat: str
    employeur: str
    revenu: int


@dataclass(frozen=True, slots=True)
class Adulte:
    """A person who will sign the lease. lien: ListeLienDemandeur, empty for the applicant."""

    identite: Identite
    nationalite: str
    situation_familiale: str
    travail: Travail
    lien: str = ""


@dataclass(frozen=True, slots=True)
class Foyer:
    """The household of a demande."""

    demandeur: Adulte
    cotitulaires: tuple[Adulte, ...]
    enfants: tuple[Identite, ...]

    @property
    def taille(self) -> int:
        return 1 + len(self.cotitulaires) + len(self.enfants)

    @property
    def revenu_annuel(self) -> int:
        """Tax income of the applicant, euros: after the allowance of 10 % on wages."""
        return int(self.demandeur.travail.revenu * 12 * 0.9)


_SITUATIONS_SEUL: Final = {"C": 55.0, "D": 22.0, "S": 15.0, "V": 8.0}
_SITUATION_DU_LIEN: Final = {"M": "M", "P": "P", "C": "U", "L": "C"}
# Median monthly income by contract, euros.
_REVENUS: Final = {
    "CDI": 1750, "CDD": 1350, "ART": 1500, "CHO": 950, "APP": 850, "ETU": 450, "RET": 1150, "AUT": 600,
}  # fmt: skip


def draw_foyer(
    t: Tirage, le: date, *, avec_cotitulaire: bool | None = None, lien: str | None = None
) -> Foyer:
    """A household as of the day `le`.

    avec_cotitulaire: None draws it. lien: code of ListeLienDemandeur of the cotitulaire, None draws it.
    """
    age = t.pese({22: 12, 28: 22, 36: 26, 46: 20, 58: 13, 72: 7})
    demandeur = draw_identite(t, le, age - 4, age + 6)
    couple = avec_cotitulaire if avec_cotitulaire is not None else t.peut(0.3)
    cotitulaires: tuple[Adulte, ...] = ()
    situation = t.pese(_SITUATIONS_SEUL)
    if couple:
        lien = lien or t.pese({"M": 52.0, "P": 16.0, "C": 26.0, "L": 6.0})
        situation = _SITUATION_DU_LIEN[lien]
        sexe = "M" if demandeur.sexe == "F" else "F"
        autre = draw_identite(t, le, age - 6, age + 8, sexe=t.parmi("FM") if lien == "L" else sexe)
        if lien == "M":
            demandeur, autre = _married(demandeur, autre)
        cotitulaires = (_draw_adulte(t, autre, situation, le, lien),)
    enfants: tuple[Identite, ...] = ()
    if lien != "L" and (couple or age < 60) and t.peut(0.62 if couple else 0.38):
        nom = demandeur.nom
        count = t.pese({1: 44, 2: 35, 3: 15, 4: 5, 5: 1})
        enfants = tuple(
            draw_identite(t, le, 0, max(1, min(20, age - 20)), nom=nom, majeur=False) for _ in range(count)
        )
    return Foyer(_draw_adulte(t, demandeur, situation, le), cotitulaires, enfants)


def draw_identite(
    t: Tirage,
    le: date,
    age_min: int,
    age_max: int,
    *,
    sexe: str | None = None,
    nom: str | None = None,
    majeur: bool = True,
) -> Identite:
    """Somebody of an age between the two bounds on the day `le`."""
    sexe = sexe or t.parmi("FM")
    nom = nom or (t.nom() if t.rng.random() > 0.04 else f"{t.nom()}-{t.nom()}")
    low = max(ADULTE, age_min) if majeur else age_min
    born = t.jour(
        date(le.year - max(low, age_max) - 1, le.month, 1),
        date(le.year - low, le.month, 1) if low else date(le.year - 1, 12, 28),
    )
    patronymique = nom if majeur and t.peut(0.35) else ""
    return Identite(sexe, nom, patronymique, t.prenom(sexe), born)


def wanted_sizes(t: Tirage, taille: int) -> tuple[str, ...]:
    """Codes of ListeTypeLogement that suit a household of that many people."""
    order = ("T1", "T2", "T3", "T4", "T5", "T6P")
    if taille == 1:
        return t.pese({("T1", "T2"): 35, ("T2",): 38, ("T1",): 18, ("T3",): 6, ("C", "T1"): 3})
    middle = min(taille - 1 if taille > 3 else taille - 1 + int(t.rng.random() < 0.4), len(order) - 1)
    return order[middle : middle + 1 + int(t.rng.random() < 0.3)]


def _married(first: Identite, second: Identite) -> tuple[Identite, Identite]:
    """The wife takes her husband's name, and her own becomes the nom patronymique."""
    wife, husband = (first, second) if first.sexe == "F" else (second, first)
    renamed = Identite(
        wife.sexe, husband.nom, wife.nom_patronymique or wife.nom, wife.prenom, wife.date_naissance
    )
    return (renamed, husband) if first.sexe == "F" else (husband, renamed)


def _draw_adulte(t: Tirage, identite: Identite, situation: str, le: date, lien: str = "") -> Adulte:
    age = le.year - identite.date_naissance.year
    profession, contrat = t.parmi(lines("professions"))
    if age >= 64:
        profession, contrat = "Retraité", "RET"
    elif contrat == "RET" or (age > 30 and contrat in ("ETU", "APP")):
        profession, contrat = "Agent d'entretien", "CDI"
    revenu = t.montant(_REVENUS[contrat], 0.28, 0, 6000)
    employeur = t.parmi(lines("employeurs"))[0] if contrat in ("CDI", "CDD", "APP") else ""
    nationalite = t.pese({"1": 78.0, "2": 5.0, "3": 17.0})
    return Adulte(identite, nationalite, situation, Travail(profession, contrat, employeur, revenu), lien)
