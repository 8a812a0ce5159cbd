"""The command line: `echangeur`, its global option, and how errors are said."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from echangeur.contexte import Contexte
from echangeur.francais import Groupe, create_group, translate
from echangeur.sortie import Arret, Code, note, say
from echangeur.tardives import Tardives
from registry.clock import Clock, SystemClock

AIDE = (
    "Échangeur de demandes de logement social avec les partenaires.\n\n"
    "Codes de retour : 0 fait ; 1 constat négatif (document invalide, guichet inconnu, chaîne rompue…) ;"
    " 2 mauvais usage (option, configuration, instance absente)."
)

INTERROMPU: Final = 130
"""Exit code of Ctrl-C, 128 + SIGINT as shells have it; typer turns KeyboardInterrupt into it."""

COMMANDES: Final = {
    "demo": "echangeur.commandes.demo:demo",
    "init": "echangeur.commandes.initialisation:init",
    "serve": "echangeur.commandes.serveur:serve",
    "sante": "echangeur.commandes.sante:sante",
    "specification": "echangeur.commandes.specification:write_specification",
    "bac-a-sable": "echangeur.commandes.bac_a_sable:app",
    "alertes": "echangeur.commandes.alertes:app",
    "sauvegarde": "echangeur.commandes.sauvegarde:app",
    "guichet": "echangeur.commandes.guichet:app",
    "guichet raccordement": "echangeur.commandes.raccordement:show",
    "guichet essayer": "echangeur.commandes.raccordement:rehearse_reception",
    "certificat": "echangeur.commandes.certificat:app",
    "certificat revoquer": "echangeur.commandes.autorite:revoke",
    "certificat lcr": "echangeur.commandes.autorite:write_list",
    "certificat autorite": "echangeur.commandes.autorite:build",
    "certificat repeter": "echangeur.commandes.repetition:rehearse",
    "certificat rotation": "echangeur.commandes.rotation:app",
    "certificat proposition": "echangeur.commandes.proposition:app",
    "certificat confiance": "echangeur.commandes.confiance:app",
    "compte": "echangeur.commandes.compte:app",
    "filtre": "echangeur.commandes.filtre:app",
    "distribution": "echangeur.commandes.distribution:app",
    "distribution rattrapage": "echangeur.commandes.rattrapage:app",
    "echange": "echangeur.commandes.echange:app",
    "courrier": "echangeur.commandes.courrier:app",
    "schema": "echangeur.commandes.schema:app",
    "schema evolution": "echangeur.commandes.evolution:tell_evolution",
    "registre": "echangeur.commandes.registre:app",
    "rpls": "echangeur.commandes.rpls:app",
    "infocentre": "echangeur.commandes.infocentre:app",
    "doublons": "echangeur.commandes.doublons:app",
    "reference": "echangeur.commandes.reference:app",
    "piece": "echangeur.commandes.piece:app",
    "partagee": "echangeur.commandes.partagee:app",
    "conformite": "conformance.commandes:app",
    "raccordement": "echangeur.commandes.rapports:app",
}
"""The words that call a command → where it is (`echangeur.tardives`)."""


class _Racine(Groupe):
    def __init__(self, **attrs: Any) -> None:
        super().__init__(**attrs)
        self.commands = Tardives(COMMANDES)


app = create_group(AIDE, cls=_Racine)


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
