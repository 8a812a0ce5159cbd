"""The making of a sandbox: instance, certificates, guichets, accounts, demandes, snapshot."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Final

import msgspec

from certs.autorite import write_secret
from echangeur.bac_a_sable import cliche
from echangeur.bac_a_sable.comptes import create_accounts
from echangeur.bac_a_sable.dossier import ECHANGEUR, Bac, Fiche
from echangeur.bac_a_sable.horloge import HORIZON, HorlogeDeBac
from echangeur.bac_a_sable.lieux import DEMANDES, FICHIER, INSTANCE, PARTENAIRE, TOUS
from echangeur.bac_a_sable.monde import Choix, read_given, settle
from echangeur.bac_a_sable.stock import DEBUT, Semee, Semeur
from echangeur.config import Configuration, render
from echangeur.courrier import load_cles
from echangeur.instance import Instance, create_instance
from echangeur.sortie import MauvaisUsage
from registry.clock import Clock
from registry.database import head_revision

_CONFIANCE: Final = "autorite/confiance.pem"
"""The authority of the sandbox, and those that the developer gave."""
_ACCUSE_H: Final = 0.02
"""Hours left to acknowledge a distribution by mail: 72 s, where a hub leaves hours."""


def make_sandbox(dossier: Path, choix: Choix, clock: Clock) -> Bac:
    """Make one, in place of what an interrupted making may have left. Raises MauvaisUsage when the folder
    holds something else."""
    dossier = dossier.absolute()
    clear(dossier)
    now = clock.now()
    dossier.mkdir(parents=True, exist_ok=True)
    # The embedded PostgreSQL runs as another user when we are root: it must reach its folder.
    dossier.chmod(0o755)
    instance = create_instance(dossier / INSTANCE, now=now, duree=HORIZON)
    autorite = instance.load_autorite()
    siennes = read_given(choix.autorite) if choix.autorite else b""
    instance.path(_CONFIANCE).write_bytes(autorite.pem + siennes)
    configuration = _configuration(instance.configuration)
    write_secret(instance.fichier, render(configuration).encode("utf-8"))
    instance = Instance(instance.dossier, instance.fichier, configuration)
    with instance.database(pool_size=4) as engine:
        with engine.begin() as conn:
            emetteurs = settle(conn, choix, autorite, dossier / PARTENAIRE, debut=now - DEBUT, now=now)
            acces = create_accounts(conn, instance, choix.guichet, now)
        semees = asyncio.run(Semeur(engine, choix, emetteurs, now).sow())
        cliche.take(engine)
    _write_keys(instance, dossier / PARTENAIRE, clock)
    write_secret(dossier / DEMANDES, msgspec.json.encode([_sown(each) for each in semees]))
    fiche = Fiche(choix, acces, now, head_revision())
    write_secret(dossier / FICHIER, msgspec.json.encode(fiche))
    return Bac(dossier, fiche, instance, HorlogeDeBac(dossier))


def clear(dossier: Path) -> None:
    """Remove the sandbox of a folder, or the half of one. Raises MauvaisUsage when it holds something
    else."""
    if not dossier.exists():
        return
    autres = sorted(each.name for each in dossier.iterdir() if each.name not in TOUS)
    if autres:
        raise MauvaisUsage(
            f"{dossier} contient autre chose qu'un bac à sable : {', '.join(autres[:5])}.",
            "Choisissez un autre dossier : echangeur bac-a-sable --dossier DOSSIER",
        )
    # First what makes it a sandbox: an interrupted removal is not one any more.
    (dossier / FICHIER).unlink(missing_ok=True)
    shutil.rmtree(dossier)


def _sown(semee: Semee) -> dict[str, str]:
    kept = asdict(semee)
    del kept["connue"]
    return kept


def _configuration(configuration: Configuration) -> Configuration:
    replace = msgspec.structs.replace
    return replace(
        configuration,
        serveur=replace(configuration.serveur, autorites=_CONFIANCE),
        distribution=replace(configuration.distribution, autorites=_CONFIANCE),
        courrier=replace(configuration.courrier, actif=True, adresse=ECHANGEUR, delai_accuse=_ACCUSE_H),
        relais=replace(configuration.relais, hote="127.0.0.1", securite="aucune"),
        console=replace(configuration.console, essais_locaux=True),
    )


def _write_keys(instance: Instance, dossier: Path, clock: Clock) -> None:
    """The certificates of the hub that a partner by mail needs: to encrypt for it, to check its signature."""
    cles = load_cles(instance, clock)
    for nom, certificat in (
        ("echangeur-chiffrement.pem", cles.dechiffrement()[0].certificat),
        ("echangeur-signature.pem", cles.signataire().certificat),
    ):
        (dossier / nom).write_bytes(certificat.pem)
