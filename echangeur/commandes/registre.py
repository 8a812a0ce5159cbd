"""`echangeur registre`: the journal, which is the truth of the registry."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
import typer
from rich.progress import TimeRemainingColumn

from echangeur.commandes.lectures import list_readings
from echangeur.commandes.taches import run_tasks
from echangeur.contexte import Json, instance_of, trace_reading, transaction
from echangeur.francais import Commande, create_group
from echangeur.progression import open_bar
from echangeur.saisie import of_paris
from echangeur.sortie import PARIS, Code, ConstatNegatif, note, print_fiche, print_json, say
from registry.cycle import LIBELLES
from registry.histoire import rebuild
from registry.trace_identites import read_changes
from registry.verification import verify

app = create_group("Le registre des demandes et son journal.")
app.command("taches", cls=Commande)(run_tasks)
app.command("lectures", cls=Commande)(list_readings)


@app.command("verifier", cls=Commande)
def check_journal(ctx: typer.Context, json: Json = False) -> None:
    """Vérifie le registre : chaîne du journal, empreintes des documents, accord des demandes avec le journal.

    Peut se lancer pendant que le serveur tourne. Code de retour 1 si une entrée ou une demande a été retirée,
    ajoutée ou changée. Gardez l'empreinte de tête ailleurs : elle prouve plus tard que rien n'a été refait.
    """
    with (
        instance_of(ctx).database() as engine,
        # One picture of the whole register, whatever is registered meanwhile.
        engine.connect().execution_options(isolation_level="REPEATABLE READ") as conn,
        open_bar(TimeRemainingColumn()) as progress,
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


@app.command("demande", cls=Commande)
def show_demande(
    ctx: typer.Context,
    numero: Annotated[str, typer.Argument(metavar="NUMERO", help="Numéro unique.")],
    le: Annotated[
        datetime | None,
        typer.Option("--le", help="Instant passé, heure de Paris ; maintenant sans lui."),
    ] = None,
    document: Annotated[bool, typer.Option("--document", help="Écrit le document XML lui-même.")] = False,
    json: Json = False,
) -> None:
    """Reconstruit une demande, telle qu'elle était à un instant passé, du journal et des versions.

    Code de retour 1 si elle n'était pas encore enregistrée ou si ses données sont effacées.
    """
    instant = of_paris(le)
    with transaction(ctx) as conn:
        found = rebuild(conn, numero, instant)
        if found is not None:
            trace_reading(ctx, conn, numero)
    if found is None:
        raise ConstatNegatif(
            f"La demande {numero} n'a pas de version à cet instant.",
            "Vérifiez le numéro et la date ; les données d'une demande radiée sont effacées au bout d'un an.",
        )
    if document:
        say(found.document.decode())
        return
    fiche = {
        "numero": found.numero,
        "etat": LIBELLES[found.etat],
        "version": found.version,
        "depot": found.date_depot,
        "recue_le": found.recue_le,
        "renouvellement": found.date_renouvellement,
        "radiation": found.date_radiation,
        "motif_radiation": found.motif_radiation,
        "communes": found.communes,
        "auteur": found.auteur,
        "instant": found.instant,
    }
    if json:
        print_json(fiche)
        return
    print_fiche([(nom.replace("_", " "), value) for nom, value in fiche.items()])


@app.command("identites", cls=Commande)
def show_identities(
    ctx: typer.Context,
    numero: Annotated[
        str, typer.Option("--numero", help="Une demande seulement, par son numéro unique.")
    ] = "",
    depuis: Annotated[
        datetime | None, typer.Option("--depuis", help="À partir de cet instant, heure de Paris.")
    ] = None,
    json: Json = False,
) -> None:
    """Montre les changements de nom de naissance ou de prénom : avant, après, par qui et quand.

    Liste nominative, pour le gestionnaire, qui y voit si une demande passe à une autre personne.
    """
    debut = of_paris(depuis)
    with transaction(ctx) as conn:
        found = list(read_changes(conn, numero, debut))
        if found:
            trace_reading(ctx, conn, *sorted({each.numero for each in found}))
    if json:
        print_json([msgspec.to_builtins(each) for each in found])
        return
    for each in found:
        say(
            f"{each.instant.astimezone(PARIS):%d/%m/%Y %H:%M}  {each.numero}  {each.guichet}  "
            f"{each.avant.prenom} {each.avant.nom} → {each.apres.prenom} {each.apres.nom}"
        )
    if not found:
        say("Aucun changement.")
