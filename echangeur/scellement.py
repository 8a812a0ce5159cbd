"""The keys that seal second factors, as an instance has them: made, checked against the base, used."""

from __future__ import annotations

import contextlib
from datetime import datetime

from sqlalchemy import Connection, text

from console.coffre import Coffre, CoffreIllisible, ScelleAltere, create_cles
from console.scellement import count_by_key, declare, erase_lost, list_declared, seal_rows
from echangeur.instance import Instance
from echangeur.sortie import MauvaisUsage


def open_coffre(instance: Instance, conn: Connection, *, instant: datetime) -> Coffre:
    """The keys of the instance; made when this base has never had any: new, or older than they are.

    Raises MauvaisUsage when the file cannot be read, or lacks a key that seals in this base.
    """
    fichier = instance.path(instance.configuration.console.scellement)
    if not fichier.exists():
        # Two machines that start for the first time: the second sees what the first has declared.
        conn.execute(text("LOCK TABLE cle_scellement IN EXCLUSIVE MODE"))
        if not list_declared(conn):
            _create(instance)
    hint = (
        "Copiez celui d'une machine qui sert la console, ou reprenez-le d'une sauvegarde ; s'il est perdu :"
        " echangeur compte sceller --cles-perdues"
    )
    try:
        coffre = Coffre(fichier)
    except CoffreIllisible as error:
        raise MauvaisUsage(f"Clés de scellement : {error}.", hint) from error
    missing = sorted((list_declared(conn) | set(count_by_key(conn)) - {""}) - set(coffre.cles))
    if missing:
        raise MauvaisUsage(
            f"{fichier} n'a pas toutes les clés qui scellent les seconds facteurs dans cette base ;"
            f" il manque : {', '.join(missing)}.",
            hint,
        )
    declare(conn, coffre, instant=instant)
    return coffre


def give_up_lost_keys(instance: Instance, conn: Connection) -> int:
    """Do without the keys that the file no longer has: what they sealed is erased; how many secrets.

    Raises MauvaisUsage when the file is there and cannot be read.
    """
    fichier = instance.path(instance.configuration.console.scellement)
    if not fichier.exists():
        return erase_lost(conn, ())
    try:
        return erase_lost(conn, Coffre(fichier).cles)
    except CoffreIllisible as error:
        raise MauvaisUsage(
            f"Clés de scellement : {error}.", "Mettez-le de côté, puis recommencez."
        ) from error


def seal_what_is_not(conn: Connection, coffre: Coffre) -> int:
    """Seal with the current key what is in clear or under another one; how many.

    Raises MauvaisUsage when a secret does not open.
    """
    if set(count_by_key(conn)) <= {coffre.courante}:
        return 0
    try:
        return seal_rows(conn, coffre)
    except ScelleAltere as error:
        raise MauvaisUsage(
            "Un second facteur de la base ne s'ouvre pas : il a été changé, ou mis à la place d'un autre.",
            "Reprenez la base d'une sauvegarde.",
        ) from error


def _create(instance: Instance) -> None:
    fichier = instance.path(instance.configuration.console.scellement)
    try:
        # Unless another process of this machine has just made it.
        with contextlib.suppress(FileExistsError):
            create_cles(fichier)
    except OSError as error:
        raise MauvaisUsage(
            f"Les clés de scellement ne s'écrivent pas dans {fichier} ({error.strerror}).",
            "Corrigez console.scellement.",
        ) from error
