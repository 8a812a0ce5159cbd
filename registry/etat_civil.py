"""Birth name and first names of the applicant, which only a professional changes (regles §3). Pure.

A change of the one or the others is how a demande, hence its seniority, would pass to another person. What is
no change: case, accents, hyphens and blanks, name and first name inverted, the married name (nom d'usage),
the birth date.
"""

from __future__ import annotations

from dataclasses import dataclass

from registry.identites import normalise
from schemas.demande import Demande


@dataclass(frozen=True, slots=True)
class EtatCivil:
    """nom: the birth name, or the only name given. prenom: the first names. Nominative."""

    nom: str
    prenom: str

    def same_as(self, autre: EtatCivil) -> bool:
        """Is it the same person, as the rules compare?"""
        return self._key() == autre._key()

    def _key(self) -> list[str]:
        return sorted((normalise(self.nom), normalise(self.prenom)))


def etat_civil_of(demande: Demande) -> EtatCivil:
    """That of the demandeur; an association has a name only."""
    if demande.demandeur is not None:
        personne = demande.demandeur
        return EtatCivil(personne.nom_patronymique.strip() or personne.nom, personne.prenom)
    return EtatCivil(demande.association.nom if demande.association else "", "")


def changes(ancienne: Demande, nouvelle: Demande) -> bool:
    """Does the demandeur become another person, or change name or first names?"""
    genre = (ancienne.demandeur is None) is not (nouvelle.demandeur is None)
    return genre or not etat_civil_of(ancienne).same_as(etat_civil_of(nouvelle))
