"""How long the first image of the stock takes: every active document read once, from a registry.

``python -m bench.premiere_image`` prints and writes ``bench/results/premiere_image.json``. Option:
``--demandes``. The registry holds only what the image reads: the demandes and their documents, which are
those of some thousands of generated demandes, kept as the registry keeps them; each is parsed again.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import Progress
from sqlalchemy import Engine, text

from filters.stock import Stock
from registry.database import open_engine, upgrade
from registry.embedded import EmbeddedPostgres
from schemas.documents import DEMANDES, Document, read_document
from schemas.emission import emit_demande
from schemas.generation import generate_demandes

RESULTS: Final = Path(__file__).parent / "results" / "premiere_image.json"
INSTANT: Final = datetime(2026, 11, 28, 12, tzinfo=UTC)
MODELES: Final = 4_000
_TERRITOIRES: Final = ("111", "059", "062", "069")


def draw_documents(count: int) -> list[bytes]:
    """Documents as the registry keeps them."""
    found = []
    for rang, territoire in enumerate(_TERRITOIRES):
        for data in generate_demandes(f"image {rang}", count // len(_TERRITOIRES), territoire=territoire):
            document = read_document(data, DEMANDES)
            assert isinstance(document, Document)
            numero = f"{territoire}1126{len(found):06}G1104"
            found.append(
                emit_demande(document.root, type_fichier="RET", date_fichier=INSTANT, num_unique=numero)
            )
    return found


def fill(engine: Engine, documents: list[bytes], demandes: int, console: Console) -> None:
    """So many active demandes, whose documents are these by turns."""
    with engine.begin() as conn:
        # Only what the image reads is there: no journal, no exchange.
        conn.execute(text("SET LOCAL session_replication_role = replica"))
        cursor = conn.connection.cursor()
        numeros = [
            f"{_TERRITOIRES[rang * 4 // demandes]}1126{rang:06}G1104"[-18:] for rang in range(demandes)
        ]
        columns = "numero, territoire, guichet, date_depot, recue_le, etat, version, communes, types"
        columns += ", doublon_force, sequence_journal, maj_le"
        with cursor.copy(f"COPY demande ({columns}) FROM STDIN") as copy:
            for numero in numeros:
                row = (numero, numero[:3], "G1104", date(2026, 1, 5), INSTANT, "active", 1, [], [])
                copy.write_row((*row, False, 1, INSTANT))
        columns = "numero, version, sequence_journal, nature, guichet, instant, document, empreinte"
        with (
            cursor.copy(f"COPY demande_version ({columns}) FROM STDIN (FORMAT binary)") as copy,
            Progress(console=console, transient=True) as progress,
        ):
            copy.set_types(["text", "int4", "int8", "text", "text", "timestamptz", "bytea", "bytea"])
            for rang, numero in enumerate(progress.track(numeros, description="documents")):
                document = documents[rang % len(documents)]
                copy.write_row((numero, 1, 1, "CRE", "G1104", INSTANT, document, b""))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.execute(text("VACUUM ANALYZE demande"))
        conn.execute(text("VACUUM ANALYZE demande_version"))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--demandes", type=int, default=3_000_000)
    parser.add_argument("--json", type=Path, default=RESULTS, help="fichier de résultats")
    options = parser.parse_args()
    console = Console(width=120)
    with tempfile.TemporaryDirectory(prefix="banc-") as temporary:
        root = Path(temporary)
        root.chmod(0o755)  # the embedded PostgreSQL may run as another user
        with EmbeddedPostgres(root / "postgres") as server:
            engine = open_engine(server.url())
            upgrade(engine)
            fill(engine, draw_documents(MODELES), options.demandes, console)
            found = measure(engine, root / "image", options.demandes, console)
            engine.dispose()
    content = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        **found,
    }
    console.print(content)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def measure(engine: Engine, dossier: Path, demandes: int, console: Console) -> dict[str, float]:
    """Make the image, then open it again as the next command does. Seconds."""
    begin, used = time.perf_counter(), time.process_time()
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("image", total=demandes)
        with Stock(dossier).follow(
            engine, INSTANT, lambda done, total: progress.update(task, completed=done, total=total)
        ) as image:
            assert image.taille == demandes
    wait, cpu = time.perf_counter() - begin, time.process_time() - used
    again = time.perf_counter()
    with Stock(dossier).follow(engine, INSTANT) as image:
        assert image.taille == demandes
    disk = sum(file.stat().st_blocks * 512 for file in dossier.iterdir()) / 2**20
    return {
        "demandes": demandes,
        "attente": round(wait, 1),
        "processeur": round(cpu, 1),
        "rouvrir": round(time.perf_counter() - again, 3),
        "disque": round(disk, 1),
    }


if __name__ == "__main__":
    main()
