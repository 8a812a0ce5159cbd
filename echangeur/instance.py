"""An instance: the folder that holds one hub (`lieux`), and the way to its database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
from sqlalchemy import Engine
from sqlalchemy.exc import ArgumentError, OperationalError

from certs.autorite import (
    DUREE_AUTORITE,
    DUREE_GUICHET,
    Autorite,
    create_autorite,
    load_autorite,
    write_secret,
)
from echangeur.config import (
    FICHIER,
    Base,
    Configuration,
    ConfigurationIncorrecte,
    load_configuration,
    render,
)
from echangeur.lieux import AUTORITE, CLIENT, COURRIER, NOM_CLIENT, POSTGRES, SERVEUR
from echangeur.sortie import MauvaisUsage
from echangeur.trousseau import create_trousseau
from registry.database import open_engine, upgrade
from registry.embedded import EmbeddedError, EmbeddedPostgres


@dataclass(frozen=True, slots=True)
class Instance:
    """One hub on disk. `dossier` is absolute; `fichier` is its configuration file."""

    dossier: Path
    fichier: Path
    configuration: Configuration

    def path(self, name: str) -> Path:
        """A path of the configuration: relative ones start from the folder of the file."""
        return self.fichier.parent / name

    def load_autorite(self) -> Autorite:
        """The authority of the instance. Raises MauvaisUsage when it has none."""
        try:
            return load_autorite(self.dossier / AUTORITE)
        except FileNotFoundError:
            raise MauvaisUsage(
                f"L'instance {self.dossier} n'a pas d'autorité de certification.",
                "Enregistrez un certificat émis ailleurs : echangeur certificat enregistrer CODE FICHIER",
            ) from None

    @contextmanager
    def database(self, *, pool_size: int = 2, repos_max: timedelta | None = None) -> Iterator[Engine]:
        """An engine on the database of the instance, starting the embedded server if nobody has.

        pool_size, repos_max: as in `registry.database.open_engine`.

        Raises MauvaisUsage when the database cannot be reached.
        """
        url = self.configuration.base.url
        try:
            if url:
                with _engine(url, pool_size, repos_max) as engine:
                    yield engine
            else:
                with (
                    EmbeddedPostgres(self.dossier / POSTGRES) as server,
                    _engine(server.url(), pool_size, repos_max) as engine,
                ):
                    yield engine
        except EmbeddedError as error:
            raise MauvaisUsage(f"La base embarquée ne démarre pas : {error}") from error
        except (OperationalError, psycopg.OperationalError) as error:
            raise MauvaisUsage(
                "La base de données ne répond pas ou refuse la connexion.",
                f"Vérifiez base.url dans {self.fichier}",
            ) from error


@contextmanager
def _engine(url: str, pool_size: int, repos_max: timedelta | None) -> Iterator[Engine]:
    try:
        engine = open_engine(url, pool_size=pool_size, repos_max=repos_max)
    except (ValueError, ArgumentError):
        # Not quoted: an address may hold a password.
        raise MauvaisUsage(
            "L'adresse de la base n'est pas celle d'un PostgreSQL.",
            "Écrivez postgresql://utilisateur@hote/base",
        ) from None
    try:
        yield engine
    finally:
        engine.dispose()


def open_instance(dossier: Path, fichier: Path | None = None) -> Instance:
    """The instance of a folder; `fichier` replaces its echangeur.toml.

    Raises MauvaisUsage when there is none or its configuration is incorrect.
    """
    dossier = dossier.absolute()
    path = (fichier or dossier / FICHIER).absolute()
    if fichier is None and not path.exists():
        raise MauvaisUsage(
            f"Il n'y a pas d'instance dans {dossier} (fichier {FICHIER} absent).",
            "Créez-la : echangeur init DOSSIER ; puis désignez-la : echangeur --instance DOSSIER …",
        )
    try:
        return Instance(dossier, path, load_configuration(path))
    except ConfigurationIncorrecte as error:
        raise MauvaisUsage(str(error), "Voir docs/configuration.md") from error


def create_instance(
    dossier: Path, *, now: datetime, url: str = "", duree: timedelta = DUREE_GUICHET
) -> Instance:
    """Make a new instance: configuration, authority, certificates, database migrated.

    url: address of the PostgreSQL to use; empty for the embedded one. duree: of the certificates of the hub,
    but that of its server.

    The configuration comes last: a folder without it is not an instance, so that what an interrupted creation
    left can be created again. Raises MauvaisUsage when the folder already holds an instance.
    """
    dossier = dossier.absolute()
    fichier = dossier / FICHIER
    if fichier.exists():
        raise MauvaisUsage(f"{dossier} contient déjà une instance.", "Choisissez un autre dossier.")
    dossier.mkdir(parents=True, exist_ok=True)
    autorite = create_autorite(now=now, duree=max(duree, DUREE_AUTORITE))
    autorite.write(dossier / AUTORITE)
    autorite.issue_serveur(now=now).write(dossier / SERVEUR)
    autorite.issue_guichet(NOM_CLIENT, now=now, nom="Échangeur", duree=duree).write(dossier / CLIENT)
    create_trousseau(autorite, dossier / COURRIER, NOM_CLIENT, now=now, duree=duree)
    configuration = Configuration(base=Base(url=url))
    instance = Instance(dossier, fichier, configuration)
    with instance.database() as engine:
        upgrade(engine)
    # Private: the address of the database may hold a password.
    write_secret(fichier, render(configuration).encode("utf-8"))
    return instance
