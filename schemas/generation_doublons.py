"""Generated look-alikes, alone or inside an answer."""

from __future__ import annotations

from datetime import timedelta

from schemas.ecriture import Code, Element
from schemas.foyers import Adulte, draw_foyer
from schemas.generation_foyer import Contexte, write_adresse


def draw_number(c: Contexte, guichet: str) -> str:
    """A numéro unique of the last five years (interface/wire §6)."""
    created = c.t.jour(c.le - timedelta(days=1800), c.le)
    return f"{c.territoire}{created:%m%y}{c.t.entre(1, 999_999):06}{guichet}"


def _identite(adulte: Adulte) -> list[Element | None]:
    who = adulte.identite
    return [
        ("civilite", Code(who.civilite)),
        ("nom", who.nom),
        ("nomPatronymique", who.nom_patronymique) if who.nom_patronymique else None,
        ("prenom", who.prenom),
        ("dateNaissance", who.date_naissance.isoformat()),
    ]


def write_doublon(c: Contexte, guichet: str) -> Element:
    """The element `doublon`, of a household of its own."""
    t = c.t
    foyer = draw_foyer(t, c.le)
    places: list[Element | None] = [
        ("localisationSouhaitee", [("commune", Code(code)), t.si(0.05, ("quartier", "Centre"))])
        for code in t.communes(c.territoire)
    ]
    demandeur: list[Element | None] = [
        *_identite(foyer.demandeur),
        write_adresse(t, "adressePostale", t.commune(c.territoire)),
        t.si(0.1, write_adresse(t, "adresseLogement", t.commune(c.territoire))),
    ]
    return (
        "doublon",
        [
            ("numUnique", draw_number(c, guichet)),
            ("demandeur", demandeur),
            ("listeCotitulaire", [("cotitulaire", _identite(a)) for a in foyer.cotitulaires])
            if foyer.cotitulaires
            else None,
            ("listeLocalisationSouhaitee", places),
        ],
    )
