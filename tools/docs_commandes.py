"""docs/commandes.md, generated from the command line itself: no command can go undocumented."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, Final

from typer.main import get_command

PAGE: Final = Path("docs/commandes.md")

_ENTETE: Final = """# Commandes

Page engendrée depuis la ligne de commande par `make docs` ; ne pas la modifier à la main.

`echangeur [--instance DOSSIER] COMMANDE …` : l'instance est le dossier créé par `echangeur init`. Elle se
donne avant la commande, ou par la variable `ECHANGEUR_INSTANCE` ; à défaut c'est le dossier `instance`.

| code de retour | sens |
| --- | --- |
| 0 | fait |
| 1 | constat négatif : document invalide, guichet inconnu, chaîne rompue… |
| 2 | mauvais usage : option, configuration, instance absente |

Les résultats vont sur la sortie standard, le reste sur la sortie d'erreur. `--json` existe partout où quelque
chose est listé ou montré.
"""


def render() -> str:
    """The whole page."""
    from echangeur.cli import app

    lines = [_ENTETE]
    for words, command in walk(get_command(app)):
        lines.append(_section(words, command))
    return "\n".join(lines)


def walk(group: Any, words: tuple[str, ...] = ("echangeur",)) -> list[tuple[tuple[str, ...], Any]]:
    """Every command with the words that call it, groups before their commands."""
    found = []
    for name, command in group.commands.items():
        if command.hidden:
            continue
        found.append(((*words, name), command))
        if hasattr(command, "commands"):
            found += walk(command, (*words, name))
    return found


def _section(words: tuple[str, ...], command: Any) -> str:
    name = " ".join(words)
    text = inspect.cleandoc(command.help or "")
    params = [param for param in command.params if not getattr(param, "hidden", False)]
    # A group with parameters does something by itself.
    if hasattr(command, "commands") and not params:
        return f"## `{name}`\n\n{text}\n"
    # A command directly under `echangeur` is a title of its own.
    title = "##" if len(words) == 2 else "###"
    usage = " ".join([name, *(_usage(param) for param in params)])
    lines = [f"{title} `{name}`", "", text, "", "```", usage.strip(), "```", ""]
    if params:
        lines += ["| paramètre | sens |", "| --- | --- |"]
        lines += [f"| `{_names(param)}` | {_sense(param)} |" for param in params]
        lines.append("")
    return "\n".join(lines)


def _is_argument(param: Any) -> bool:
    return bool(param.param_type_name == "argument")


def _metavar(param: Any) -> str:
    return str(param.metavar or param.name.upper())


def _usage(param: Any) -> str:
    if _is_argument(param):
        return _metavar(param) if param.required else f"[{_metavar(param)}]"
    text = param.opts[0] if param.is_flag else f"{param.opts[0]} …"
    return text if param.required else f"[{text}]"


def _names(param: Any) -> str:
    return _metavar(param) if _is_argument(param) else ", ".join(param.opts)


def _sense(param: Any) -> str:
    sense = " ".join((param.help or "").split()).replace("|", "\\|")
    choices = getattr(getattr(param, "type_descriptor", None), "choices", None)
    if choices:
        sense += " Valeurs : " + ", ".join(f"`{choice}`" for choice in choices) + "."
    shown = getattr(param, "show_default", True)
    if isinstance(shown, str):
        sense += f" Défaut : {shown}."
    elif shown and not param.required and param.default not in (None, "", False, ()):
        sense += f" Défaut : `{param.default}`."
    if param.required and not _is_argument(param):
        sense += " Obligatoire."
    return sense
