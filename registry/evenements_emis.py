"""The events of shared management as they are answered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from registry.evenements_partages import EvenementPartage
from schemas.emission import format_instant
from schemas.gestion_partagee import Champs, oui
from schemas.types_evenements import TypeEvenement


def write_evenements(
    evenements: Iterable[EvenementPartage], types: Mapping[str, TypeEvenement]
) -> tuple[str, Champs]:
    """`listeEvenements`."""
    return "listeEvenements", [("evenement", _write(each, types.get(each.type))) for each in evenements]


def _write(each: EvenementPartage, connu: TypeEvenement | None) -> Champs:
    return [
        ("idEvenement", str(each.id)),
        ("codeTypeEvenement", each.type),
        ("libelleTypeEvenement", None if connu is None else connu.libelle),
        ("auteurCreation", each.auteur),
        ("dateCreation", format_instant(each.cree_le)),
        ("auteurModification", each.auteur_modification),
        ("dateModification", None if each.modifie_le is None else format_instant(each.modifie_le)),
        ("natureModification", each.action.value),
        ("dateSurvenance", each.survenance.isoformat()),
        ("commentaire", each.commentaire or None),
        ("reglementaire", None if connu is None else oui(connu.reglementaire)),
        (
            "listeCaracteristiquesSpecifiques",
            [("caracteristiqueSpecifique", _write_champ(code, each, connu)) for code in each.champs] or None,
        ),
    ]


def _write_champ(code: str, each: EvenementPartage, connu: TypeEvenement | None) -> Champs:
    champ = None if connu is None else connu.champs.get(code)
    return [
        ("code", code),
        ("libelle", None if champ is None else champ.libelle),
        ("texteDescriptif", None if champ is None else champ.texte),
        ("valeurCaracteristiqueSpecifique", each.champs[code] or None),
    ]
