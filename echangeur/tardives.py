"""Commands that are imported when they are called: starting the program must not cost what all of them need.

Importing every command, with the services, the matching index and what writes PDF, took ten times what most
of them take to do their work.
"""

from __future__ import annotations

from collections import UserDict
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

import typer
from typer.main import get_group

from echangeur.francais import Commande, Groupe, create_group


class Tardives(UserDict[str, Any]):
    """The commands of a group, by name and in order: those that it has, then those of a table.

    table: the words that call a command, without `echangeur` → ``module:attribute``, a group or the function
    of a command. mots: the words of this group, each followed by a space. Names are told without an import;
    commands are not typed: typer carries its own copy of click, whose classes are private.
    """

    def __init__(self, table: Mapping[str, str], mots: str = "", siennes: Mapping[str, Any] | None = None):
        super().__init__(siennes or {})
        self._table: Final = table
        self._mots: Final = mots
        for chemin, adresse in table.items():
            nom = chemin.removeprefix(mots)
            if chemin.startswith(mots) and " " not in nom:
                self.data[nom] = adresse

    def __getitem__(self, nom: str) -> Any:
        found = self.data[nom]
        if isinstance(found, str):
            found = self.data[nom] = self._load(nom, found)
        return found

    def get(self, key: str, default: Any = None) -> Any:
        # Until Python 3.12 the one inherited takes a KeyError of the module imported for a command that there
        # is not.
        if key not in self:
            return default
        return self[key]

    def _load(self, nom: str, adresse: str) -> Any:
        module, _, attribut = adresse.partition(":")
        objet = getattr(import_module(module), attribut)
        seule = create_group("")
        if isinstance(objet, typer.Typer):
            seule.add_typer(objet, name=nom)
        else:
            seule.command(nom, cls=Commande)(objet)
        command = get_group(seule).commands[nom]
        if isinstance(command, Groupe):
            command.commands = Tardives(self._table, f"{self._mots}{nom} ", command.commands)
        return command
