"""Generated documents other than the demande: doublons, search, events and types of events.

Their code lists are not published (interface/wire §11): the codes used here are examples.
"""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Final

from schemas.ecriture import Attributs, Element, Style, write
from schemas.foyers import draw_foyer
from schemas.generation import LE, draw_instant, generate_demande
from schemas.generation_doublons import draw_number, write_doublon
from schemas.generation_foyer import Contexte
from schemas.kinds import DEMANDES, DocumentKind
from schemas.tirage import Tirage

_EVENEMENTS: Final = {
    "COMMISSION": "Passage en commission d'attribution",
    "VISITE": "Visite du logement",
    "REFUS": "Refus du logement proposé",
    "BAIL": "Signature du bail",
    "RELANCE": "Relance pour une pièce manquante",
}


def generate_document(
    kind: DocumentKind,
    seed: random.Random | int | str,
    *,
    territoire: str = "111",
    guichet: str = "G1104",
    le: date = LE,
    complet: bool = False,
    style: Style | None = None,
) -> bytes:
    """One valid document of any kind; for a demande with more to choose, see `generation.generate_demande`.

    The three kinds of question are drawn as a question or, one time in two, as its answer.
    """
    style = style or Style()
    rng = seed if isinstance(seed, random.Random) else random.Random(seed)  # noqa: S311 (no secret is drawn)
    if kind in DEMANDES:
        return generate_demande(
            rng, kind=kind, territoire=territoire, guichet=guichet, le=le, complet=complet, style=style
        )
    c = Contexte(Tirage(rng, complet=complet), territoire, le, v0201=False)
    if kind == DocumentKind.DOUBLONS:
        count = c.t.entre(1, 3)
        return write("listeDoublons", [], [write_doublon(c, guichet) for _ in range(count)], style)
    bodies = {
        DocumentKind.RECHERCHE: ("RECH", _recherche),
        DocumentKind.EVENEMENT: ("EVT", _evenements),
        DocumentKind.TYPE_EVENEMENT: ("TEVT", _types_evenements),
    }
    type_fichier, body = bodies[DocumentKind(kind)]
    entete: Element = (
        "entete",
        [("typeFichier", type_fichier), ("dateFichier", draw_instant(c)), ("codeGuichet", guichet)],
    )
    return write("interfaceNuu", [("versionInterface", "02.00")], [entete, *body(c, guichet)], style)


def _period(c: Contexte, name: str) -> list[Element | None]:
    end = c.t.jour(c.le - timedelta(days=300), c.le)
    begin = end - timedelta(days=c.t.entre(1, 90))
    return [(f"{name}Debut", begin.isoformat()), (f"{name}Fin", end.isoformat())] if c.t.peut(0.3) else []


def _recherche(c: Contexte, guichet: str) -> list[Element | None]:
    t = c.t
    who = draw_foyer(t, c.le).demandeur.identite
    criteria: list[Element | None] = [
        t.si(0.2, ("numUnique", draw_number(c, guichet))),
        t.si(0.3, ("etatDemande", t.parmi("AR"))),
        *_period(c, "dateDepot"),
        *_period(c, "dateRenouvellement"),
        *_period(c, "dateRadiation"),
        t.si(0.2, ("motifDemande", t.parmi(("01", "09", "13")))),
        t.si(0.2, ("motifRadiation", t.parmi(("RADATT", "RADREN")))),
        t.si(0.4, ("communeSouhaitee", t.commune(c.territoire).code)),
        t.si(0.1, ("communeAttribution", t.commune(c.territoire).code)),
        t.si(0.2, ("estDelaiAnormalementLong", "true")),
        t.si(0.1, ("estMultiplesAttributionsSousConditions", "true")),
        t.si(0.05, ("association", [("nom", "Foyer Les Tilleuls")])),
        t.si(
            0.5,
            (
                "personneRecherchee",
                [
                    ("nom", who.nom[:36]),
                    t.si(0.8, ("prenom", who.prenom)),
                    t.si(0.6, ("dateNaissance", who.date_naissance.isoformat())),
                ],
            ),
        ),
        t.si(0.1, ("piecesJustificatives", [("codeCategorie", "IDENTITE"), ("codeCategorie", "REVENUS")])),
    ]
    found: list[Element | None] = [("numUnique", draw_number(c, guichet)) for _ in range(t.entre(1, 20))]
    return [
        ("operation", [("demandeMulticritere", criteria)]),
        t.si(0.5, ("listeDemandes", found)),
        t.si(0.05, _anomalies()),
    ]


def _evenements(c: Contexte, guichet: str) -> list[Element | None]:
    events: list[Element | None] = [_evenement(c) for _ in range(c.t.entre(1, 6))]
    return [
        ("operation", [("numUnique", draw_number(c, guichet))]),
        c.t.si(0.5, ("listeEvenements", events)),
        c.t.si(0.05, _anomalies()),
    ]


def _evenement(c: Contexte) -> Element:
    t = c.t
    code = t.parmi(tuple(_EVENEMENTS))
    day = t.jour(c.le - timedelta(days=400), c.le)
    return (
        "evenement",
        [
            t.si(0.9, ("idEvenement", str(t.entre(1, 2**40)))),
            ("codeTypeEvenement", code),
            t.si(0.8, ("libelleTypeEvenement", _EVENEMENTS[code])),
            t.si(0.6, ("auteurCreation", "Service de l'attribution")),
            t.si(0.6, ("dateCreation", f"{day.isoformat()}T10:15:00.000+02:00")),
            t.si(0.3, ("auteurModification", "Service de l'attribution")),
            t.si(0.3, ("dateModification", f"{c.le.isoformat()}T16:40:00.000+02:00")),
            t.si(0.3, ("natureModification", t.parmi(("AJOUT", "MODIF", "SUPPR")))),
            ("dateSurvenance", day.isoformat()),
            t.si(0.3, ("commentaire", "Le ménage confirme sa venue ; l'aîné l'accompagne.")),
            t.si(0.7, ("reglementaire", t.parmi(("true", "false")))),
            t.si(
                0.3,
                (
                    "listeCaracteristiquesSpecifiques",
                    [
                        (
                            "caracteristiqueSpecifique",
                            [
                                ("code", "RANG"),
                                t.si(0.8, ("libelle", "Rang de passage")),
                                t.si(0.3, ("texteDescriptif", "Ordre dans la séance.")),
                                t.si(0.9, ("valeurCaracteristiqueSpecifique", str(t.entre(1, 30)))),
                            ],
                        )
                    ],
                ),
            ),
        ],
    )


def _types_evenements(c: Contexte, _guichet: str) -> list[Element | None]:
    types: list[Element | None] = [_type_evenement(c, code) for code in _EVENEMENTS]
    return [
        c.t.si(0.8, ("operation", [("codeTerritoire", c.territoire)])),
        c.t.si(0.5, ("listeTypesEvenements", types)),
        c.t.si(0.05, _anomalies()),
    ]


def _type_evenement(c: Contexte, code: str) -> Element:
    t = c.t
    validity: list[Element | None] = [
        t.si(0.8, ("dateDebutValidite", "2020-01-01")),
        t.si(0.2, ("dateFinValidite", "2030-12-31")),
    ]
    return (
        "typeEvenement",
        [
            ("codeTypeEvenement", code),
            ("texteDescriptifPGP", _EVENEMENTS[code]),
            ("texteDescriptifSNE", f"{_EVENEMENTS[code]}, saisi par le guichet."),
            ("aPublierSurPGP", t.parmi(("true", "false"))),
            ("utilisableMultiplesAttributionsSousConditions", t.parmi(("true", "false"))),
            ("utilisableRechercheInstruction", t.parmi(("true", "false"))),
            ("reglementaire", t.parmi(("true", "false"))),
            *validity,
            t.si(0.3, ("codeTerritoire", c.territoire)),
            t.si(0.9, ("libelleTypeEvenement", [("libelle", _EVENEMENTS[code])])),
            t.si(
                0.3,
                (
                    "listeCaracteristiquesSpecifiques",
                    [
                        (
                            "caracteristiqueSpecifique",
                            [
                                ("code", "RANG"),
                                ("libelle", "Rang de passage"),
                                ("typeCaracteristiqueSpecifique", "ENT"),
                                ("obligatoire", t.parmi(("true", "false"))),
                                ("texteDescriptif", "Ordre dans la séance."),
                                ("aideALaSaisie", "Un nombre à partir de 1."),
                                *validity,
                            ],
                        )
                    ],
                ),
            ),
        ],
    )


def _anomalies() -> Element:
    item: list[Element | None] = [("message", "Le numéro unique demandé n'est pas connu.")]
    return "listeAnomalies", [("anomalie", Attributs((("code", "NUM001"),), item))]
