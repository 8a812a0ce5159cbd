"""The command line: `echangeur`, its global option, and how errors are said."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Final

import typer

from conformance import commandes as conformite
from echangeur.commandes import (
    alertes,
    autorite,
    bac_a_sable,
    certificat,
    compte,
    confiance,
    courrier,
    demo,
    distribution,
    doublons,
    echange,
    evolution,
    filtre,
    guichet,
    infocentre,
    initialisation,
    partagee,
    piece,
    proposition,
    raccordement,
    rapports,
    rattrapage,
    reference,
    registre,
    repetition,
    rotation,
    rpls,
    sante,
    sauvegarde,
    schema,
    serveur,
    specification,
)
from echangeur.contexte import Contexte
from echangeur.francais import Commande, create_group, translate
from echangeur.sortie import Arret, Code, note, say
from registry.clock import Clock, SystemClock

AIDE = (
    "Échangeur de demandes de logement social avec les partenaires.\n\n"
    "Codes de retour : 0 fait ; 1 constat négatif (document invalide, guichet inconnu, chaîne rompue…) ;"
    " 2 mauvais usage (option, configuration, instance absente)."
)

INTERROMPU: Final = 130
"""Exit code of Ctrl-C, 128 + SIGINT as shells have it; typer turns KeyboardInterrupt into it."""

app = create_group(AIDE)


def _print_version(asked: bool) -> None:
    if asked:
        say(f"echangeur {version('echangeur')}")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    instance: Annotated[
        Path,
        typer.Option(
            "--instance", envvar="ECHANGEUR_INSTANCE", help="Dossier de l'instance.", file_okay=False
        ),
    ] = Path("instance"),
    _version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Affiche la version.")
    ] = False,
) -> None:
    if not isinstance(ctx.obj, Contexte):
        clock = ctx.obj if ctx.obj is not None else SystemClock()
        ctx.obj = Contexte(instance, clock)


app.command("demo", cls=Commande)(demo.demo)
app.add_typer(bac_a_sable.app, name="bac-a-sable")
app.command("init", cls=Commande)(initialisation.init)
app.command("serve", cls=Commande)(serveur.serve)
app.command("sante", cls=Commande)(sante.sante)
app.add_typer(alertes.app, name="alertes")
app.add_typer(sauvegarde.app, name="sauvegarde")
app.add_typer(guichet.app, name="guichet")
app.add_typer(certificat.app, name="certificat")
certificat.app.command("revoquer", cls=Commande)(autorite.revoke)
certificat.app.command("lcr", cls=Commande)(autorite.write_list)
certificat.app.command("autorite", cls=Commande)(autorite.build)
certificat.app.command("repeter", cls=Commande)(repetition.rehearse)
certificat.app.add_typer(rotation.app, name="rotation")
certificat.app.add_typer(proposition.app, name="proposition")
guichet.app.command("raccordement", cls=Commande)(raccordement.show)
guichet.app.command("essayer", cls=Commande)(raccordement.rehearse_reception)
certificat.app.add_typer(confiance.app, name="confiance")
app.add_typer(compte.app, name="compte")
app.add_typer(filtre.app, name="filtre")
app.add_typer(distribution.app, name="distribution")
distribution.app.add_typer(rattrapage.app, name="rattrapage")
app.add_typer(echange.app, name="echange")
app.add_typer(courrier.app, name="courrier")
app.add_typer(schema.app, name="schema")
schema.app.command("evolution", cls=Commande)(evolution.tell_evolution)
app.command("specification", cls=Commande)(specification.write_specification)
app.add_typer(registre.app, name="registre")
app.add_typer(rpls.app, name="rpls")
app.add_typer(infocentre.app, name="infocentre")
app.add_typer(doublons.app, name="doublons")
app.add_typer(reference.app, name="reference")
app.add_typer(piece.app, name="piece")
app.add_typer(partagee.app, name="partagee")
app.add_typer(conformite.app, name="conformite")
app.add_typer(rapports.app, name="raccordement")


def run(arguments: Sequence[str], *, clock: Clock | None = None) -> int:
    """Run one command line and return its exit code; `clock` is that of the machine unless given."""
    try:
        result = app(list(arguments), prog_name="echangeur", standalone_mode=False, obj=clock)
    except Arret as error:
        note(f"Erreur : {error.message}")
        if error.conduite:
            note(f"À faire : {error.conduite}")
        return error.code
    except typer.TyperException as error:
        return _say_usage(error)
    except typer.Abort:
        note("Interrompu.")
        return Code.CONSTAT
    except BrokenPipeError:
        # The reader of a pipe has enough (`| head`): nothing to say, and nothing may be said on it any more.
        sys.stderr.close()
        return Code.FAIT
    if result == INTERROMPU:
        note("Interrompu.")
    return result if isinstance(result, int) else Code.FAIT


def _say_usage(error: typer.TyperException) -> int:
    """A usage error of typer, in French; a group called without argument shows its help instead."""
    message = str(getattr(error, "format_message", error.__str__)())
    if type(error).__name__ == "NoArgsIsHelpError":
        return Code.USAGE
    note(f"Erreur : {translate(message)}")
    context = getattr(error, "ctx", None)
    if context is not None:
        note(f"À faire : {context.command_path} --aide")
    return Code.USAGE


def main() -> None:
    """Entry point of the `echangeur` command."""
    sys.exit(run(sys.argv[1:]))
