"""The command line in French: titles of the help screens and usage errors of typer.

typer speaks English only, in constants and exceptions; they are said again here, in one place.
"""

from __future__ import annotations

import re
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

_AIDE: Final = "Affiche cette aide."


def speak_french() -> None:
    """Say the screens of help and of errors in French from now on."""
    # Imported here: what draws the screens costs more than the rest of typer, and most commands show none.
    from typer import rich_utils

    rich_utils.ARGUMENTS_PANEL_TITLE = "Arguments"
    rich_utils.OPTIONS_PANEL_TITLE = "Options"
    rich_utils.COMMANDS_PANEL_TITLE = "Commandes"
    rich_utils.ERRORS_PANEL_TITLE = "Erreur"
    rich_utils.DEFAULT_STRING = "[défaut : {}]"
    rich_utils.ENVVAR_STRING = "[variable : {}]"
    rich_utils.REQUIRED_LONG_STRING = "[obligatoire]"
    rich_utils.ABORTED_TEXT = "Interrompu."


class Commande(TyperCommand):
    """A command whose help option is described in French."""

    def get_help_option(self, ctx: Any) -> TyperOption | None:
        return _french_help(super().get_help_option(ctx))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        speak_french()
        super().format_help(ctx, formatter)


class Groupe(TyperGroup):
    """A group of commands, in French."""

    def __init__(self, **attrs: Any) -> None:
        super().__init__(**{**attrs, "subcommand_metavar": "COMMANDE [ARGUMENTS]..."})

    def get_help_option(self, ctx: Any) -> TyperOption | None:
        return _french_help(super().get_help_option(ctx))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        speak_french()
        super().format_help(ctx, formatter)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - as typer calls it
        # Their names only, where typer looks at each: a command may be one that is imported when looked at.
        return list(self.commands)


def create_group(aide: str, *, cls: type[Groupe] = Groupe) -> typer.Typer:
    """A group of sub-commands; without argument it prints its help."""
    return typer.Typer(
        cls=cls,
        help=aide,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["--aide", "--help"]},
    )


def _french_help(option: Any) -> TyperOption | None:
    if not isinstance(option, TyperOption):
        return None
    option.help = _AIDE
    return option


_MESSAGES: Final = (
    (r"Missing argument '?(.+?)'?\.(?: .*)?", "Argument manquant : {0}."),
    (r"Missing option '?(.+?)'?\.(?: .*)?", "Option obligatoire absente : {0}."),
    (r"Missing command\.", "Commande manquante."),
    (r"No such command '(.+?)'\. Did you mean '(.+?)'.*", "Commande inconnue : {0}. Serait-ce {1} ?"),
    (r"No such command '(.+?)'\.", "Commande inconnue : {0}."),
    (r"No such option: (\S+) \(Possible options: (.+)\)", "Option inconnue : {0}. Serait-ce {1} ?"),
    (r"No such option: (\S+)(?: Did you mean (\S+)\?)?", "Option inconnue : {0}."),
    (r"Got unexpected extra argument(?:s|\(s\))? \((.+)\)", "Argument en trop : {0}."),
    (r"Option '(.+?)' requires an argument\.", "L'option {0} attend une valeur."),
    (r"Option '(.+?)' does not take a value\.", "L'option {0} n'attend pas de valeur."),
    (r"Invalid value for '?(.+?)'?: .* is not one of (.+)\.", "Valeur incorrecte pour {0} ; admises : {1}."),
    (
        r"Invalid value for '?(.+?)'?: .* does not exist\.",
        "Valeur incorrecte pour {0} : le fichier n'existe pas.",
    ),
    (r"Invalid value for '?(.+?)'?: (.*)", "Valeur incorrecte pour {0} : {1}"),
    (r"Invalid value: (.*)", "Valeur incorrecte : {0}"),
)


def translate(message: str) -> str:
    """The French text of a usage error of typer; the text itself when it is not a known one."""
    for pattern, french in _MESSAGES:
        found = re.fullmatch(pattern, message, re.DOTALL)
        if found:
            return french.format(*found.groups())
    return message
