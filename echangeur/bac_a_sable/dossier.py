"""The folder of a sandbox (`lieux`), as every command that uses its hub finds it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, text

from echangeur.bac_a_sable.comptes import Acces
from echangeur.bac_a_sable.horloge import HorlogeDeBac
from echangeur.bac_a_sable.lieux import DEMANDES, FICHIER, INSTANCE, PARTENAIRE, no_sandbox, other_version
from echangeur.bac_a_sable.monde import Choix
from echangeur.instance import Instance, open_instance
from registry.database import head_revision

ECHANGEUR: Final = "echangeur@localhost"


class Fiche(Struct, frozen=True, forbid_unknown_fields=True):
    """What bac.json holds. revision: of the schema of the database."""

    choix: Choix
    acces: Acces
    fait_le: datetime
    revision: str


@dataclass(frozen=True, slots=True)
class Bac:
    """A sandbox on disk. dossier: absolute."""

    dossier: Path
    fiche: Fiche
    instance: Instance
    horloge: HorlogeDeBac

    @property
    def partenaire(self) -> Path:
        """The files of the partner: cert.pem, key.pem, ca.pem, and the certificates of the hub for mail."""
        return self.dossier / PARTENAIRE


@dataclass(frozen=True, slots=True)
class Suivie:
    """One of the demandes sown, as it is now. etat: in the register."""

    titre: str
    enregistree_par: str
    numero: str
    depot: str
    etat: str


def open_sandbox(dossier: Path) -> Bac:
    """The sandbox of a folder. Raises MauvaisUsage when there is none, or when another version made it."""
    dossier = dossier.absolute()
    try:
        fiche = msgspec.json.decode((dossier / FICHIER).read_bytes(), type=Fiche)
    except FileNotFoundError:
        raise no_sandbox(dossier) from None
    except msgspec.ValidationError:
        raise other_version(dossier) from None
    if fiche.revision != head_revision():
        raise other_version(dossier)
    return Bac(dossier, fiche, open_instance(dossier / INSTANCE), HorlogeDeBac(dossier))


def follow(bac: Bac, conn: Connection) -> list[Suivie]:
    """The demandes sown, as they are now."""
    semees = msgspec.json.decode((bac.dossier / DEMANDES).read_bytes(), type=list[dict[str, str]])
    etats: dict[str, str] = dict(map(tuple, conn.execute(text("SELECT numero, etat FROM demande"))))
    depots = {
        str(identifiant): (etat, numero or "")
        for identifiant, etat, numero in conn.execute(text("SELECT id, etat, numero FROM depot"))
    }
    found = []
    for semee in semees:
        etat_depot, numero_depot = depots.get(semee["depot"], ("effacee", ""))
        numero = semee["numero"] or numero_depot
        etat = etats.get(numero, "effacee") if numero else etat_depot
        found.append(Suivie(semee["titre"], semee["enregistree_par"], numero, semee["depot"], etat))
    return found
