"""Making a backup, while the hub runs or not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import text

from certs.autorite import write_secret
from certs.lecture import Certificat
from echangeur.instance import Instance
from echangeur.sauvegarde import base, coffre, dossier
from echangeur.sauvegarde.manifeste import FORME, NOM, Manifeste, render
from echangeur.sortie import MauvaisUsage
from registry.database import check_known, read_revision


def back_up(
    instance: Instance, cible: Path, destinataires: Sequence[Certificat], *, instant: datetime
) -> tuple[Manifeste, bytes]:
    """Make a backup in `cible`, a new folder; its manifest, and the bytes of it ([EXP-20] [EXP-21]).

    The base is as it was at one instant, whatever is registered meanwhile; the folder is read after it, so
    that the keys that the base names are there. The manifest is written last.

    Raises MauvaisUsage when `cible` holds something or the base is at a schema that this program does not
    know, ConstatNegatif when PostgreSQL does not give it.
    """
    if cible.exists() and any(cible.iterdir()):
        raise MauvaisUsage(f"{cible} n'est pas vide.", "Donnez un nouveau dossier à chaque sauvegarde.")
    cible.mkdir(mode=0o700, parents=True, exist_ok=True)
    with instance.database() as engine, base.picture(engine) as (conn, snapshot):
        revision = read_revision(conn)
        check_known(revision)
        if revision is None:
            raise MauvaisUsage("Cette base n'a pas encore de registre.", "Servez d'abord : echangeur serve")
        lignes = base.count_rows(conn)
        journal = base.read_head(conn)
        postgresql = str(conn.execute(text("SHOW server_version")).scalar_one())
        with base.dump(engine, snapshot) as stream:
            parts = coffre.seal(stream, cible, "base", destinataires)
    manifeste = Manifeste(
        forme=FORME,
        programme=version("echangeur"),
        schema=revision,
        postgresql=postgresql,
        instant=instant,
        journal=journal,
        lignes=lignes,
        base=parts,
        dossier=coffre.seal(dossier.pack(instance), cible, "dossier", destinataires),
        destinataires=tuple(each.empreinte for each in destinataires),
        hors_dossier=dossier.outside(instance),
    )
    octets = render(manifeste)
    coffre.sync(cible)
    write_secret(cible / NOM, octets)
    coffre.sync(cible)
    return manifeste, octets
