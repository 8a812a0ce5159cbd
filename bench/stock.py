"""A stock of demandes: an instance whose registry holds as many as wanted, as if they had been registered.

``python -m bench.stock DOSSIER --demandes 3000000`` makes the instance, or goes on where it was stopped.
Every table that the product writes is filled, the journal is sealed, the counters follow. Nothing is sorted
or packed that the product would not: rows lie in the order in which they would have come.

Three steps: the model (bench.modele), then its copies by COPY in several processes, then the seals, one after
the other, and the indexes. Without fsync until the end.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import pickle
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import psycopg
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn

from bench import modele
from bench.gabarits import COPIEES, Gabarit, Tranche, fill, numbers, read_gabarits
from bench.servers import echangeur
from registry import journal
from registry.database import open_engine
from registry.echanges import Canal
from registry.embedded import EmbeddedPostgres
from registry.numero_unique import month_of

GRAINE: Final = "stock"
MODELES: Final = 2000
BRUTS_JOURS: Final = 60
"""Raw bytes of the exchanges are kept for that many days: the older ones are told as purged."""

FAIT: Final = "stock.fait"
"""File of an instance whose stock is complete."""

_BLOC: Final = 1500
_CHARGEMENT: Final = {
    "fsync": "off",
    "full_page_writes": "off",
    "wal_compression": "off",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "1h",
    "autovacuum": "off",
}


@dataclass(frozen=True, slots=True)
class Parametres:
    """What a stock is made of. le: last day of its life. bruts_jours: None keeps all the raw bytes."""

    demandes: int
    le: str
    modeles: int = MODELES
    graine: str = GRAINE
    bruts_jours: int | None = BRUTS_JOURS

    @property
    def jour(self) -> date:
        return date.fromisoformat(self.le)


def plan(gabarits: Sequence[Gabarit], demandes: int) -> list[Tranche]:
    """Where the copies of each gabarit go, in the order of the journal."""
    modeles = 1 + max(gabarit.modele for gabarit in gabarits)
    copies = [demandes // modeles + (rang < demandes % modeles) for rang in range(modeles)]
    premieres: list[int] = []
    pas: list[timedelta] = []
    sequence = 1
    for rang, gabarit in enumerate(gabarits):
        premieres.append(sequence)
        sequence += copies[gabarit.modele]
        suivant = (
            gabarits[rang + 1].instant if rang + 1 < len(gabarits) else gabarit.instant + timedelta(hours=1)
        )
        ecart = int((suivant - gabarit.instant) / timedelta(milliseconds=1))
        pas.append(timedelta(milliseconds=ecart // max(copies[gabarit.modele], 1)))
    places: dict[int, list[int]] = {}
    for rang, gabarit in enumerate(gabarits):
        places.setdefault(gabarit.modele, []).append(rang)
    numeros: dict[tuple[str, str], int] = {}
    donnes: dict[int, int] = {}
    distributions: dict[str, int] = {}
    tranches = []
    for gabarit in gabarits:
        nombre = copies[gabarit.modele]
        if gabarit.rang == 0:
            compteur = (gabarit.territoire, month_of(gabarit.depot))
            donnes[gabarit.modele] = numeros.get(compteur, 0) + 1
            numeros[compteur] = numeros.get(compteur, 0) + nombre
        envois = []
        for guichet in gabarit.distributions:
            envois.append(distributions.get(guichet, 0) + 1)
            distributions[guichet] = distributions.get(guichet, 0) + nombre
        ici = places[gabarit.modele]
        tranches.append(
            Tranche(
                nombre,
                tuple(premieres[place] for place in ici),
                donnes[gabarit.modele],
                tuple(envois),
                tuple(pas[place] for place in ici),
            )
        )
    return tranches


def make_stock(instance: Path, parametres: Parametres, console: Console, processus: int) -> None:
    """Make the instance of a stock, go on with it, or leave it when it is complete.

    Raises ValueError when it is that of another stock.
    """
    fiche = instance / "stock.json"
    if fiche.exists() and json.loads(fiche.read_text()) != asdict(parametres):
        raise ValueError(f"{instance} tient un autre stock : {fiche.read_text()}")
    if (instance / FAIT).exists():
        return
    if not fiche.exists():
        _prepare(instance)
        fiche.write_text(json.dumps(asdict(parametres)), encoding="utf-8")
    with (
        Progress(
            *Progress.get_default_columns(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
        ) as progress,
        _loading(instance) as server,
    ):
        gabarits = _model(server, instance, parametres, progress)
        load(server.url(), instance, gabarits, parametres, progress, processus)
    (instance / FAIT).touch()
    console.print(f"{instance} : {parametres.demandes} demandes")


def _prepare(instance: Path) -> None:
    echangeur("init", str(instance))
    with EmbeddedPostgres(instance / "postgres") as server:
        engine = open_engine(server.url())
        modele.add_guichets(engine, datetime(2020, 1, 1, tzinfo=UTC))
        engine.dispose()
    for code in (modele.NATIONAL, modele.REGIONAL, modele.COMMUNAL):
        dossier = instance / "partenaires" / code
        echangeur("--instance", str(instance), "certificat", "emettre", code, "--dossier", str(dossier))


@contextmanager
def _loading(instance: Path) -> Iterator[EmbeddedPostgres]:
    """The server of the instance, set for loading until the end."""
    with (
        EmbeddedPostgres(instance / "postgres") as server,
        psycopg.connect(server.url(), autocommit=True) as conn,
    ):
        for nom, valeur in _CHARGEMENT.items():
            conn.execute(f"ALTER SYSTEM SET {nom} = '{valeur}'")
    with EmbeddedPostgres(instance / "postgres") as server:
        yield server
        with psycopg.connect(server.url(), autocommit=True) as conn:
            for nom in _CHARGEMENT:
                conn.execute(f"ALTER SYSTEM RESET {nom}")
            conn.execute("CHECKPOINT")
    os.sync()


def _model(
    server: EmbeddedPostgres, instance: Path, parametres: Parametres, progress: Progress
) -> list[Gabarit]:
    """Play the model in a database of its own, once for all the stocks of a folder."""
    memoire = instance.parent / f"modele-{parametres.graine}-{parametres.modeles}-{parametres.le}.pickle"
    if not memoire.exists():
        with psycopg.connect(server.url("template1"), autocommit=True) as conn:
            conn.execute("DROP DATABASE IF EXISTS modele WITH (FORCE)")
            conn.execute("CREATE DATABASE modele TEMPLATE postgres")
        engine = open_engine(server.url("modele"))
        faits = modele.plan_faits(parametres.graine, parametres.modeles, parametres.jour)
        for _ in progress.track(
            modele.play(engine, parametres.graine, faits), total=len(faits), description="modèle"
        ):
            pass
        engine.dispose()
        with psycopg.connect(server.url("modele")) as source:
            memoire.write_bytes(pickle.dumps((read_gabarits(source), read_reprises(source))))
        with psycopg.connect(server.url("template1"), autocommit=True) as conn:
            conn.execute("DROP DATABASE modele WITH (FORCE)")
    gabarits: list[Gabarit]
    gabarits, reprises = pickle.loads(memoire.read_bytes())
    with psycopg.connect(server.url()) as conn:
        adopt(conn, reprises)
    return gabarits


Reprises = dict[str, list[tuple[object, ...]]]


def read_reprises(source: psycopg.Connection) -> Reprises:
    """What of a model its copies share: what decided of its distributions, the dates of its lists."""
    return {
        table: source.execute(f"SELECT * FROM {table}").fetchall()
        for table in ("perimetre", "releve_coupure", "generation")
    }


def adopt(conn: psycopg.Connection, reprises: Reprises) -> None:
    """Put them in a registry, in the place of its own."""
    for table, rows in reprises.items():
        conn.execute(f"TRUNCATE {table}")
        for row in rows:
            conn.execute(f"INSERT INTO {table} VALUES ({', '.join(['%s'] * len(row))})", row)


def load(
    url: str,
    dossier: Path,
    gabarits: Sequence[Gabarit],
    parametres: Parametres,
    progress: Progress,
    processus: int,
) -> None:
    """Write the copies, seal them, build the indexes again; each part that is done already is left."""
    tranches = plan(gabarits, parametres.demandes)
    with psycopg.connect(url, autocommit=True) as conn:
        drop_indexes(conn)
        conn.execute("CREATE TABLE IF NOT EXISTS banc_bloc (rang int PRIMARY KEY, scelles text)")
        faits = {rang for (rang,) in conn.execute("SELECT rang FROM banc_bloc")}
    restants = [rang for rang, tranche in enumerate(tranches) if tranche.copies and rang not in faits]
    total = sum(tranche.copies for tranche in tranches)
    tache = progress.add_task(
        "copies", total=total, completed=total - sum(tranches[r].copies for r in restants)
    )
    memoire = dossier / "plan.pickle"
    memoire.write_bytes(pickle.dumps((gabarits, tranches)))
    with ProcessPoolExecutor(
        processus, mp_context=get_context("spawn"), initializer=_begin, initargs=(url, memoire, parametres)
    ) as pool:
        for fini in as_completed([pool.submit(_copy, groupe) for groupe in _groups(restants, tranches)]):
            progress.advance(tache, fini.result())
    with psycopg.connect(url) as conn:
        _seal(conn, gabarits, tranches, progress)
        _count(conn, gabarits, tranches)
    build_indexes(url, progress)


def _groups(rangs: Sequence[int], tranches: Sequence[Tranche]) -> Iterator[list[int]]:
    groupe: list[int] = []
    taille = 0
    for rang in rangs:
        groupe.append(rang)
        taille += tranches[rang].copies
        if taille >= _BLOC:
            yield groupe
            groupe, taille = [], 0
    if groupe:
        yield groupe


class _Atelier:
    """What a process that copies needs; made once in each."""

    conn: psycopg.Connection
    gabarits: Sequence[Gabarit]
    tranches: Sequence[Tranche]
    parametres: Parametres


def _begin(url: str, memoire: Path, parametres: Parametres) -> None:
    _Atelier.conn = psycopg.connect(url)
    _Atelier.conn.execute("SET synchronous_commit = off")
    _Atelier.conn.execute("SET timezone = 'UTC'")
    _Atelier.conn.commit()
    _Atelier.gabarits, _Atelier.tranches = pickle.loads(memoire.read_bytes())
    _Atelier.parametres = parametres


def _copy(rangs: Sequence[int]) -> int:
    """Write the copies of some gabarits in one transaction. Returns how many."""
    parametres, conn = _Atelier.parametres, _Atelier.conn
    lignes: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    nombre = 0
    with conn.transaction():
        for rang in rangs:
            gabarit, tranche = _Atelier.gabarits[rang], _Atelier.tranches[rang]
            bruts = parametres.bruts_jours is None or (
                gabarit.instant.date() > parametres.jour - timedelta(days=parametres.bruts_jours)
            )
            rempli = fill(gabarit, tranche, parametres.graine, bruts=bruts)
            for cible, rows in rempli.lignes.items():
                lignes.setdefault(cible, []).extend(rows)
            scelles = base64.b64encode(
                b"".join(uuid.UUID(echange).bytes + bytes.fromhex(sha) for _, echange, sha in rempli.scelles)
            ).decode()
            conn.execute("INSERT INTO banc_bloc VALUES (%s, %s)", (rang, scelles))
            nombre += tranche.copies
        for (table, colonnes), rows in lignes.items():
            with conn.cursor().copy(f"COPY {table} ({', '.join(colonnes)}) FROM STDIN") as copie:
                copie.write("\n".join(rows) + "\n")
    return nombre


def _seal(
    conn: psycopg.Connection, gabarits: Sequence[Gabarit], tranches: Sequence[Tranche], progress: Progress
) -> None:
    """Write the journal, each entry sealed by the one before."""
    sequence, precedent = conn.execute("SELECT sequence, empreinte FROM chaine").fetchone() or (0, b"")
    total = sum(tranche.copies for tranche in tranches)
    tache = progress.add_task("sceaux", total=total, completed=sequence)
    for rang, (gabarit, tranche) in enumerate(zip(gabarits, tranches, strict=True)):
        premiere = tranche.sequences[gabarit.rang]
        if not tranche.copies or premiere <= sequence:
            continue
        (scelles,) = conn.execute("SELECT scelles FROM banc_bloc WHERE rang = %s", (rang,)).fetchone() or (
            "",
        )
        octets = base64.b64decode(scelles)
        numeros = numbers(gabarit, tranche)
        modele_entree = gabarit.ecriture
        colonnes, format_ = gabarit.entree
        lignes = []
        for copie in range(tranche.copies):
            bloc = octets[48 * copie : 48 * copie + 48]
            instant = gabarit.instant + copie * tranche.pas[gabarit.rang]
            entree = journal.seal(
                premiere + copie,
                precedent,
                journal.Ecriture(
                    instant=instant,
                    nature=modele_entree["nature"],
                    guichet=modele_entree["guichet"],
                    certificat=modele_entree["certificat"],
                    canal=Canal(modele_entree["canal"]),
                    echange=uuid.UUID(bytes=bloc[:16]),
                    numero=numeros[copie],
                    version=int(modele_entree["version"]),
                    document=bloc[16:],
                    detail=modele_entree["detail"],
                ),
            )
            lignes.append(
                format_
                % {
                    "S": entree.sequence,
                    "precedent": precedent.hex(),
                    "empreinte": entree.empreinte.hex(),
                    f"I{gabarit.rang}+0": instant.isoformat(sep=" ", timespec="milliseconds"),
                    "N": numeros[copie],
                    "U": str(entree.ecriture.echange),
                    "H": bloc[16:].hex(),
                }
            )
            precedent = entree.empreinte
        with conn.cursor().copy(f"COPY journal ({', '.join(colonnes)}) FROM STDIN") as copie_journal:
            copie_journal.write("\n".join(lignes) + "\n")
        conn.execute(
            "UPDATE chaine SET sequence = %s, empreinte = %s", (premiere + tranche.copies - 1, precedent)
        )
        conn.commit()
        progress.advance(tache, tranche.copies)


def _count(conn: psycopg.Connection, gabarits: Sequence[Gabarit], tranches: Sequence[Tranche]) -> None:
    """The counters, as the copies have left them."""
    numeros: dict[tuple[str, str], int] = {}
    distributions: dict[str, int] = {}
    for gabarit, tranche in zip(gabarits, tranches, strict=True):
        if gabarit.rang == 0:
            cle = (gabarit.territoire, month_of(gabarit.depot))
            numeros[cle] = tranche.numero + tranche.copies - 1
        for guichet, premiere in zip(gabarit.distributions, tranche.distributions, strict=True):
            distributions[guichet] = premiere + tranche.copies - 1
    with conn.transaction():
        conn.execute("TRUNCATE compteur_numero, compteur_distribution")
        conn.cursor().executemany(
            "INSERT INTO compteur_numero VALUES (%s, %s, %s)", [(*cle, n) for cle, n in numeros.items()]
        )
        conn.cursor().executemany(
            "INSERT INTO compteur_distribution VALUES (%s, %s)", list(distributions.items())
        )
        conn.execute("DROP TABLE IF EXISTS banc_bloc")


# --- indexes ----------------------------------------------------------------------------------------------

_DEFINITIONS: Final = """
    INSERT INTO banc_index (retire, pose)
    SELECT format('ALTER TABLE %%I DROP CONSTRAINT %%I', r.relname, c.conname),
        format('ALTER TABLE %%I ADD CONSTRAINT %%I %%s', r.relname, c.conname, pg_get_constraintdef(c.oid))
    FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid
    WHERE c.contype IN ('p', 'u') AND r.relname = ANY(%(tables)s)
    UNION ALL
    SELECT format('DROP INDEX %%I', i.relname), pg_get_indexdef(x.indexrelid)
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class r ON r.oid = x.indrelid
    WHERE r.relname = ANY(%(tables)s)
        AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = x.indexrelid)
"""


def drop_indexes(conn: psycopg.Connection) -> None:
    """Keep the definitions in a table, once, then drop: they are built faster than they are kept."""
    with conn.transaction():
        if conn.execute("SELECT to_regclass('banc_index')").fetchone() == (None,):
            conn.execute("CREATE TABLE banc_index (retire text, pose text, posee bool DEFAULT false)")
            conn.execute(_DEFINITIONS, {"tables": list(COPIEES)})
            for (retire,) in conn.execute("SELECT retire FROM banc_index").fetchall():
                conn.execute(retire)


def build_indexes(url: str, progress: Progress) -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("SET maintenance_work_mem = '1GB'")
        conn.execute("SET max_parallel_maintenance_workers = 2")
        poses = conn.execute("SELECT pose FROM banc_index WHERE NOT posee").fetchall()
        for (pose,) in progress.track(poses, description="index"):
            with conn.transaction():
                conn.execute(pose)
                conn.execute("UPDATE banc_index SET posee = true WHERE pose = %s", (pose,))
        for table in progress.track(COPIEES, description="statistiques"):
            # What autovacuum does by itself as a table grows: statistics, visibility map.
            conn.execute(f"VACUUM (ANALYZE) {table}")
        conn.execute("DROP TABLE banc_index")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dossier", type=Path, help="instance à créer, ou à compléter")
    parser.add_argument("--demandes", type=int, default=100_000)
    parser.add_argument("--modeles", type=int, default=MODELES, help="demandes du modèle")
    parser.add_argument("--le", default=datetime.now(UTC).date().isoformat(), help="dernier jour du stock")
    parser.add_argument("--processus", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    make_stock(
        options.dossier,
        Parametres(options.demandes, options.le, options.modeles),
        Console(width=120),
        options.processus,
    )


if __name__ == "__main__":
    main()
