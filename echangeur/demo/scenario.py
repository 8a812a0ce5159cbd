"""What the demonstration shows first: guichets, filters, the demandes of partner A, what must come of them.

The demandes are generated with a seed, so that each run tells the same story; the expected recipients are
written here by hand, and a difference ends the demonstration in failure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from filters.language import Filtre, filtre
from registry.anomalies_demande import DOUBLON, HORS_TERRITOIRES
from registry.anomalies_document import DOCUMENT_INVALIDE
from registry.guichets import TypeGuichet
from registry.guichets_store import NouveauGuichet
from schemas.ecriture import REFERENCE
from schemas.generation import Options, generate_demande

A: Final = "G1104"
B: Final = "G1226"
C: Final = "G1300"
D: Final = "G7500"
MONTREUIL: Final = "93048"
BAGNOLET: Final = "93006"
PARIS_11: Final = "75111"
BOULOGNE: Final = "92012"
LYON_8: Final = "69388"
EST_ENSEMBLE: Final = "200057875"
_PARIS: Final = ZoneInfo("Europe/Paris")


@dataclass(frozen=True, slots=True)
class Partenaire:
    """A guichet of the demonstration. lettre: how the story names it."""

    lettre: str
    code: str
    nom: str
    type: TypeGuichet
    siren: str
    perimetre: str = ""
    filtres: tuple[Filtre, ...] = ()

    def guichet(self, adresse_reception: str) -> NouveauGuichet:
        """What is registered of it. adresse_reception: empty for one that receives nothing."""
        return NouveauGuichet(
            code=self.code,
            nom=self.nom,
            type=self.type,
            siren=self.siren,
            territoires=frozenset({"111"}),
            perimetre=self.perimetre,
            numerote=False,
            adresse_reception=adresse_reception,
        )


PARTENAIRES: Final = (
    Partenaire("A", A, "Habitat de démonstration", TypeGuichet.BAILLEUR, "552046484"),
    Partenaire(
        *("B", B, "Commune de Montreuil", TypeGuichet.COMMUNE, "219300480"),
        perimetre=MONTREUIL,
        filtres=(filtre("Deux et trois pièces", types_logement=["T2", "T3"]),),
    ),
    Partenaire(
        *("C", C, "Logis de démonstration", TypeGuichet.BAILLEUR, "552046955"),
        filtres=(
            filtre("Paris 11e et Est Ensemble", communes=[PARIS_11], types_logement=["T3", "T4"]),
            filtre("Petits logements d'Est Ensemble", epci=[EST_ENSEMBLE], types_logement=["T1", "T2"]),
        ),
    ),
    Partenaire("D", D, "Service de l'État de démonstration", TypeGuichet.ETAT, "130005481"),
)


@dataclass(frozen=True, slots=True)
class Envoi:
    """One file that partner A sends, and what must come of it.

    anomalie: code of the anomalie or of the fault expected, empty when a number is expected.
    destinataires: codes of the guichets that must receive it.
    comme: title of an earlier one that must have got the same number.
    """

    titre: str
    document: bytes
    destinataires: frozenset[str] = frozenset()
    anomalie: str = ""
    comme: str = ""


def build_envois(now: datetime) -> tuple[Envoi, ...]:
    """The files of partner A, dated of the day before `now`. Pure: the same day gives the same bytes."""
    jour = now.astimezone(_PARIS).date() - timedelta(days=1)

    def draw(seed: str, communes: list[str], types: list[str], **more: object) -> bytes:
        options: Options = {
            "territoire": "111",
            "guichet": A,
            "communes": communes,
            "types_logement": types,
            "le": jour,
            "date_creation": jour,
            "avec_cotitulaire": bool(more.get("couple")),
            "association": bool(more.get("association")),
            "style": REFERENCE,
        }
        if more.get("couple"):
            options["lien"] = "M"
        if more.get("forcer"):
            options["forcer_doublon"] = True
        return generate_demande(f"démonstration {seed}", **options)

    seule = draw("seule", [MONTREUIL], ["T2"])
    return (
        Envoi("personne seule, T2 à Montreuil", seule, frozenset({B, C})),
        Envoi(
            *("couple avec cotitulaire, T3 ou T4, Paris 11e puis Montreuil",),
            draw("couple", [PARIS_11, MONTREUIL], ["T3", "T4"], couple=True),
            frozenset({B, C}),
        ),
        Envoi(
            *("association, T1 à Bagnolet",),
            draw("association", [BAGNOLET], ["T1"], association=True),
            frozenset({B, C}) - {B},
        ),
        Envoi("famille, T4 à Boulogne-Billancourt", draw("famille", [BOULOGNE], ["T4"])),
        Envoi("personne seule, T5 à Montreuil", draw("grand", [MONTREUIL], ["T5"])),
        Envoi(
            *("invalide : commune de Lyon, hors du territoire",),
            draw("ailleurs", [LYON_8], ["T2"]),
            anomalie=HORS_TERRITOIRES.code,
        ),
        Envoi(
            *("invalide : il manque la date de naissance",),
            _without_birth_date(draw("incomplète", [MONTREUIL], ["T2"])),
            anomalie=DOCUMENT_INVALIDE.code,
        ),
        Envoi(
            *("doublon : la première personne, cette fois pour un T3",),
            draw("seule", [MONTREUIL], ["T3"]),
            anomalie=DOUBLON.code,
        ),
        Envoi(
            *("le même doublon, forcé après vérification",),
            draw("seule", [MONTREUIL], ["T3"], forcer=True),
            frozenset({B}),
        ),
        Envoi(
            *("la première demande renvoyée, comme après une coupure",),
            seule,
            comme="personne seule, T2 à Montreuil",
        ),
    )


def _without_birth_date(document: bytes) -> bytes:
    begin = document.index(b"<", document.index(b"demandeur>") + 10)
    opening = document.index(b"dateNaissance>", begin)
    start = document.rindex(b"<", begin, opening)
    end = document.index(b">", document.index(b"dateNaissance>", opening + 14)) + 1
    return document[:start] + document[end:]
