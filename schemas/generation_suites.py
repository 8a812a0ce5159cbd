"""What surrounds the household in a generated demande: DALO, disabilities, renewal, radiation, anomalies."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from schemas.ecriture import Attributs, Code, Element
from schemas.generation_foyer import Contexte
from schemas.tirage import lines

_MOTIFS_RADIATION: Final = {"RADREN": 55.1, "RADATT": 43.1, "RADABA": 1.7, "RADIRR": 0.05, "RADCON": 0.05}
"""Shares of the Nord-Pas-de-Calais in 2013-2014 (regles §2.3)."""


def write_dalo(c: Contexte) -> Element:
    t = c.t
    statut = t.pese({"NON": 20.0, "ACTIF": 60.0, "CADUC": 8.0, "ACTREL": 12.0})
    return (
        "informationDalo",
        [
            ("statutDalo", Code(statut)),
            t.si(0.9, ("dateDecisionDalo", t.jour(c.le - timedelta(900), c.le).isoformat())),
            t.si(0.5, ("diagnosticSocialDalo", t.parmi(("true", "false")))),
            t.si(0.5, ("accompagnementSocialDalo", t.parmi(("true", "false")))),
            t.si(0.7, ("typologieLogementDalo", Code(t.parmi(("01", "02", "03", "04", "41", "42", "22"))))),
        ],
    )


def write_handicaps(c: Contexte) -> Element:
    t = c.t
    moteur, sensoriel = t.peut(0.7), t.peut(0.25)
    return (
        "listeHandicap",
        [
            (
                "handicap",
                [
                    t.si(0.8, ("dateNaissance", t.jour(date(1940, 1, 1), c.le).isoformat())),
                    _referent(c) if t.peut(0.3) else None,
                    t.si(0.1, ("compAutreNature", "Insuffisance cardiaque"[:21])),
                    ("etatHandicap", Code(t.parmi(("STA", "EVO")))),
                    ("capaciteMarcheHandicap", Code(t.parmi("1234"))),
                    t.si(0.5, ("accompagne", t.parmi(("true", "false")))),
                    ("handicapMoteur", "true" if moteur else "false"),
                    ("handicapSensoriel", "true" if sensoriel else "false"),
                    ("handicapAutre", "true" if t.peut(0.1) else "false"),
                    (
                        "listeNatureHandicapSensoriel",
                        [("natureHandicapSensoriel", Code(t.parmi(("DA", "DV"))))],
                    )
                    if sensoriel
                    else None,
                    ("listeNatureHandicapMoteur", [("natureHandicapMoteur", Code(t.parmi(("MS", "MI"))))])
                    if moteur
                    else None,
                    ("listeAideTechniqueHandicap", [("aideTechniqueHandicap", Code(t.parmi("1234567")))]),
                    t.si(0.8, ("listeEquipementHandicap", [("equipementHandicap", Code(t.parmi("123456")))])),
                    (
                        "besoinParticulier",
                        "Logement accessible en fauteuil, près d'un centre de soins.",
                    )
                    if t.peut(0.3)
                    else None,
                    t.si(0.1, ("besoinAutre", "Chambre pour un aidant")),
                ],
            )
        ],
    )


def write_renouvellement(le: date) -> Element:
    return "renouvellement", [("dateRenouvellement", le.isoformat())]


def write_radiation(c: Contexte, motif: str | None = None) -> Element:
    """motif: code of ListeMotifsRadiation, None draws one; an empty one cancels the radiation."""
    t = c.t
    motif = t.pese(_MOTIFS_RADIATION) if motif is None else motif
    return (
        "radiation",
        [
            ("dateRadiation", c.le.isoformat()),
            ("motifRadiation", Code(motif or None)),
            ("sousMotifIrrecevabilite", Code(t.parmi(("IRRSEJ", "IRRRES"))))
            if motif == "RADIRR" or t.complet
            else None,
            ("absenceReponse", [("dateCourrier", (c.le - timedelta(days=62)).isoformat())])
            if motif == "RADCON" or t.complet
            else None,
            _attribution(c) if motif == "RADATT" or t.complet else None,
        ],
    )


def write_anomalies(c: Contexte) -> Element:
    """As the real system answers; its anomalies may hold complements."""
    item: list[Element | None] = [
        ("complement", Attributs((("nom", "codeCommune"),), "99999")) if c.t.complet else None,
        ("message", "La commune souhaitée n'appartient pas au territoire du guichet."),
    ]
    return "listeAnomalie", [
        ("anomalie", Attributs((("code", "COM001"), ("propriete", "localisationSouhaite")), item))
    ]


def _referent(c: Contexte) -> Element:
    t = c.t
    return (
        "referent",
        [
            ("handicapReconnu", "true"),
            ("procheDomicile", t.parmi(("true", "false"))),
            ("nom", f"Dr {t.nom()}"[:40]),
            ("adresse", f"{t.entre(1, 90)} {t.parmi(lines('voies'))[0]}"[:40]),
            ("tel", f"019900{t.entre(0, 9999):04}"),
            ("mel", "referent@example.org"),
        ],
    )


def _attribution(c: Contexte) -> Element:
    t = c.t
    place = t.commune(c.territoire)
    sizes = {"T1": 10, "T2": 25, "T3": 36, "T4": 22, "T5": 6, "T6": 1}
    return (
        "attributionLogement",
        [
            ("dateSignatureBail", (c.le - timedelta(days=t.entre(0, 40))).isoformat()),
            ("dejaLogeParcBailleur", Code(t.pese({"NON": 70, "OUI": 27, "NONDOC": 3}))),
            t.si(0.9, ("numeroRpls", f"{t.entre(1, 10**10 - 1):010}")),
            t.si(0.3, ("attribueEnComDALO", t.parmi(("true", "false")))),
            ("accordCollectif", Code(t.pese({"AUCUN": 80, "ACD": 12, "ACI": 3, "NONDOC": 5}))),
            (
                "typeReservataire",
                Code(t.parmi(("COLTER", "COLACT", "PPRIOR", "PFONCT", "AUTRES", "AUCUN"))),
            ),
            ("codeSirenBailleur", "552046484"),
            t.si(0.6, ("zus", Code(t.parmi(("ZUSOUI", "ZUSNON", "ZUSNSP"))))),
            ("typeLogement", Code(t.pese(sizes))),
            ("surface", str(t.montant(58, 0.3, 15, 160))),
            ("montantLoyer", str(t.montant(420, 0.3, 120, 1200))),
            (
                "adresse",
                [
                    t.si(0.7, ("appartement", str(t.entre(1, 80)))),
                    t.si(0.7, ("etage", str(t.entre(0, 12)))),
                    t.si(0.2, ("escalier", t.parmi("ABC"))),
                    t.si(0.3, ("batiment", t.parmi("ABCD"))),
                    t.si(0.2, ("compAdresse", "Résidence du Parc")),
                    ("numero", str(t.entre(1, 120))),
                    ("voie", t.parmi(lines("voies"))[0]),
                    t.si(0.05, ("lieuDit", "La Croix")),
                    ("codePostal", t.parmi(place.codes_postaux or ("99999",))),
                    ("commune", Code(place.code)),
                ],
            )
            if t.peut(0.8)
            else None,
        ],
    )
