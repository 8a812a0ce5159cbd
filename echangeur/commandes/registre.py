"""`echangeur registre`: the journal, which is the truth of the registry."""

from __future__ import annotations

import sys

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from echangeur.commandes.taches import run_tasks
from echangeur.contexte import Json, instance_of
from echangeur.francais import Commande, create_group
from echangeur.sortie import Code, note, print_json, say
from registry.verification import verify

app = create_group("Le registre des demandes et son journal.")
app.command("taches", cls=Commande)(run_tasks)


@app.command("verifier", cls=Commande)
def check_journal(ctx: typer.Context, json: Json = False) -> None:
    """Vérifie le registre : chaîne du journal, empreintes des documents, accord des demandes avec le journal.

    Peut se lancer pendant que le serveur tourne. Code de retour 1 si une entrée ou une demande a été retirée,
    ajoutée ou changée. Gardez l'empreinte de tête ailleurs : elle prouve plus tard que rien n'a été refait.
    """
    console = Console(file=sys.stderr)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with (
        instance_of(ctx).database() as engine,
        # One picture of the whole register, whatever is registered meanwhile.
        engine.connect().execution_options(isolation_level="REPEATABLE READ") as conn,
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress,
    ):
        task = progress.add_task("Vérification du journal", total=None)
        report = verify(conn, lambda done, total: progress.update(task, completed=done, total=total))
    chaine = report.chaine
    if json:
        print_json(
            {
                "intact": report.intact,
                "entrees": chaine.entrees,
                "documents": chaine.documents,
                "tete": chaine.tete.hex(),
                "nombre_ruptures": chaine.nombre_ruptures,
                "ruptures": chaine.ruptures,
                "nombre_ecarts": report.nombre_ecarts,
                "ecarts": report.ecarts,
            }
        )
    else:
        for rupture in chaine.ruptures:
            say(f"entrée {rupture.sequence} : {rupture.constat}")
        for ecart in report.ecarts:
            say(ecart)
        say(f"{chaine.entrees} entrée(s), {chaine.documents} document(s) relus.")
        say(f"Tête de la chaîne : {chaine.tete.hex()}")
        if report.intact:
            say("Le registre est intact.")
        else:
            note(f"{chaine.nombre_ruptures} rupture(s) de la chaîne, {report.nombre_ecarts} écart(s).")
    if not report.intact:
        raise typer.Exit(Code.CONSTAT)
