"""Restoring a backup: an empty folder and an empty base, filled, then compared with the manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec
from sqlalchemy import Engine, text

from certs.autorite import write_secret
from certs.paire import Paire
from echangeur.config import FICHIER, ConfigurationIncorrecte, load_configuration, render
from echangeur.instance import Instance
from echangeur.sauvegarde import base, coffre, dossier
from echangeur.sauvegarde.manifeste import Fichier, Manifeste
from echangeur.sortie import ConstatNegatif, MauvaisUsage
from registry.database import check_known, upgrade
from registry.reprise import resume
from registry.verification import Rapport, verify


@dataclass(frozen=True, slots=True)
class Restauration:
    """What was restored. rapport: the verification of the whole register, sound. reprise: sequence of the
    journal entry that says where it goes on from; None when nothing was to be passed over."""

    instance: Instance
    rapport: Rapport
    reprise: int | None


def restore(
    sauvegarde: Path,
    manifeste: Manifeste,
    cible: Path,
    paire: Paire,
    *,
    url: str,
    instant: datetime,
    reserve: int,
) -> Restauration:
    """Restore into the folder `cible` and the database `url`, both empty ([EXP-22] [EXP-23] [EXP-24]).

    url: empty for the one of the restored configuration, the embedded one included. instant: now. reserve:
    numbers passed over in each territory and month; 0 when nothing was registered after the backup.

    The configuration comes last: a folder without it is not an instance, and what an interrupted restoration
    left there can be restored again; the base is filled in one transaction. Raises MauvaisUsage when it
    cannot be done, SchemaInconnu for the backup of a later program, ConstatNegatif when what came back is not
    what was saved.
    """
    check_known(manifeste.schema)
    cible = cible.absolute()
    if (cible / FICHIER).exists():
        raise MauvaisUsage(f"{cible} contient déjà une instance.", "Choisissez un autre dossier.")
    if wrong := list(coffre.check(sauvegarde, all_files(manifeste))):
        raise ConstatNegatif(f"La sauvegarde n'est pas entière : {' ; '.join(wrong[:5])}.")
    octets = b"".join(coffre.unseal(sauvegarde, manifeste.dossier, paire))
    cible.mkdir(mode=0o700, parents=True, exist_ok=True)
    ecrite = dossier.unpack(octets, cible)
    instance = _configured(cible, ecrite, url)
    with instance.database() as engine:
        with engine.connect() as conn:
            if not base.is_empty(conn):
                raise MauvaisUsage(
                    "La base où restaurer n'est pas vide.", "Créez-en une autre, et donnez-la par --base."
                )
        base.restore(engine, coffre.unseal(sauvegarde, manifeste.base, paire))
        _compare(engine, manifeste)
        upgrade(engine)
        with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as conn:
            conn.execute(text("ANALYZE"))
        with engine.connect() as conn:
            rapport = verify(conn)
        if not rapport.intact:
            raise ConstatNegatif(
                f"Le registre restauré n'est pas intact : {rapport.chaine.nombre_ruptures} rupture(s) de la"
                f" chaîne, {rapport.nombre_ecarts} écart(s).",
                "Restaurez une sauvegarde plus ancienne, et cherchez ce qui a changé celle-ci.",
            )
        reprise = None
        if reserve:
            with engine.begin() as conn:
                entree = resume(conn, instant=instant, sauvegarde=manifeste.instant, reserve=reserve)
            reprise = entree.sequence
    write_secret(instance.fichier, render(instance.configuration).encode() if url else ecrite.read_bytes())
    ecrite.unlink()
    return Restauration(instance, rapport, reprise)


def all_files(manifeste: Manifeste) -> list[Fichier]:
    """All the files of a backup but its manifest."""
    return [*manifeste.dossier, *manifeste.base]


def _configured(cible: Path, ecrite: Path, url: str) -> Instance:
    """The instance to be; its file does not exist yet. ecrite: where the restored configuration waits."""
    try:
        configuration = load_configuration(ecrite)
    except ConfigurationIncorrecte as error:
        raise MauvaisUsage(
            f"La configuration sauvegardée n'est pas lisible : {error}",
            "Restaurez avec le programme qui a fait la sauvegarde, ou un plus récent.",
        ) from error
    if url:
        replace = msgspec.structs.replace
        configuration = replace(configuration, base=replace(configuration.base, url=url))
    return Instance(cible, cible / FICHIER, configuration)


def _compare(engine: Engine, manifeste: Manifeste) -> None:
    with engine.connect() as conn:
        lignes = base.count_rows(conn)
        journal = base.read_head(conn)
    ecarts = list(_differences(manifeste.lignes, lignes))
    if journal != manifeste.journal:
        ecarts.append(f"tête du journal {journal.sequence}, {manifeste.journal.sequence} sauvegardée")
    if ecarts:
        raise ConstatNegatif(f"Ce qui est restauré n'est pas ce qui a été sauvegardé : {' ; '.join(ecarts)}.")


def _differences(attendues: Mapping[str, int], trouvees: Mapping[str, int]) -> list[str]:
    """The tables whose rows are not as many as they were. Pure."""
    return [
        f"{table} : {trouvees.get(table, 0)} ligne(s), {attendues.get(table, 0)} sauvegardée(s)"
        for table in sorted({*attendues, *trouvees})
        if trouvees.get(table, 0) != attendues.get(table, 0)
    ]
