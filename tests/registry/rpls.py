"""Files of the directory of dwellings, for the tests."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from registry.rpls import TITRES

LIGNE = {
    "numero_rpls": "7500000001",
    "identifiant_bailleur": "B-12-A",
    "siret": "55204648400019",
    "commune": "75113",
    "code_postal": "75013",
    "numero_voie": "12",
    "voie": "rue de Tolbiac",
    "complement": "",
    "batiment": "B",
    "escalier": "2",
    "etage": "3",
    "appartement": "31",
    "zus": "2",
    "construction": "C",
    "pieces": "3",
    "surface": "64,5",
    "annee": "1975",
    "occupation": "1",
    "loyer": "512.4",
    "contingent": "2",
}


def ligne(**valeurs: str) -> dict[str, str]:
    return {**LIGNE, **valeurs}


def fichier(lignes: Iterable[dict[str, str]], titres: Iterable[str] = TITRES) -> str:
    sortie = io.StringIO(newline="")
    ecrire = csv.DictWriter(sortie, list(titres), delimiter=";", extrasaction="ignore")
    ecrire.writeheader()
    ecrire.writerows(lignes)
    return sortie.getvalue()
