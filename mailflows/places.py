"""What the files of a message ask for, each at its place. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mailflows.anomalies import FICHIER_ABSENT, REQUETE_INVALIDE
from mailflows.conventions import operation_of
from mailflows.operations import Demandee
from registry.anomalies import Anomalie
from registry.echanges import Fichier
from schemas.courrier import Accuse, Repetition, Requete, is_courrier, read_courrier
from schemas.violations import Violation

_NUMERO: Final = re.compile(rb"numUnique[^>]*>\s*([0-9A-Za-z]{10,20})\s*<")


@dataclass(frozen=True, slots=True)
class Place:
    """A file at its place in the message: what it asks for, or why it cannot be asked."""

    rang: int
    demandee: Demandee
    refus: Anomalie | None = None


def sort_files(fichiers: Sequence[Fichier]) -> tuple[list[Accuse], list[Place]]:
    """The accusés of a message, and what its other files ask for, in their order. Pure.

    A requête that names a joined file speaks for it, and is no file of its own.
    """
    recus: list[Accuse] = []
    requetes: dict[str, Requete] = {}
    autres: list[tuple[Fichier, Requete | Violation | None]] = []
    for fichier in fichiers:
        lu = read_courrier(fichier.contenu) if is_courrier(fichier.contenu) else None
        if isinstance(lu, Accuse):
            recus.append(lu)
        elif isinstance(lu, Requete) and any(each.nom == lu.fichier for each in fichiers):
            requetes[lu.fichier] = lu
        elif isinstance(lu, Repetition):
            autres.append((fichier, Violation("XSD-RACINE", "Seul l'échangeur demande une répétition.")))
        else:
            autres.append((fichier, lu))
    return recus, [
        _place(rang, fichier, lu, requetes.get(fichier.nom)) for rang, (fichier, lu) in enumerate(autres, 1)
    ]


def _place(rang: int, fichier: Fichier, lu: Requete | Violation | None, dite: Requete | None) -> Place:
    if isinstance(lu, Violation):
        return Place(rang, Demandee("requete", fichier), REQUETE_INVALIDE(lu.message))
    if lu is not None:
        refus = FICHIER_ABSENT(lu.operation, f"le fichier « {lu.fichier} »") if lu.fichier else None
        return Place(rang, Demandee(lu.operation, fichier, lu), refus)
    operation = dite.operation if dite is not None else operation_of(fichier.nom)
    return Place(rang, Demandee(operation, fichier, dite))


def lane_of(contenu: bytes, rang: int) -> bytes:
    """What must be handled one after the other: the files that name the same demande. Pure.

    A file in UTF-16 does not show its number: those wait for each other.
    """
    if b"\0" in contenu[:64]:
        return b"utf-16"
    found = _NUMERO.search(contenu)
    return found[1] if found else b"#%d" % rang
