"""What every sub-command is given: the folder of the instance and the clock.

What opens an instance is imported when one is: the root command needs none of it.
"""

from __future__ import annotations

import os
import pwd
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from registry.clock import Clock

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from echangeur.instance import Instance

Json = Annotated[bool, typer.Option("--json", help="Écrit le résultat en JSON.")]


@dataclass(frozen=True, slots=True)
class Contexte:
    """Set by the root command, read by the others."""

    dossier: Path
    clock: Clock


def contexte_of(ctx: typer.Context) -> Contexte:
    """The context set by the root command."""
    found = ctx.find_root().obj
    assert isinstance(found, Contexte)
    return found


def instance_of(ctx: typer.Context) -> Instance:
    """The instance that ``--instance`` names. Raises MauvaisUsage when there is none."""
    from echangeur.instance import open_instance

    return open_instance(contexte_of(ctx).dossier)


def machine_account() -> str:
    """The account of the machine that runs this command."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def trace_reading(
    ctx: typer.Context,
    conn: Connection,
    *numeros: str,
    echange: uuid.UUID | None = None,
    objet: str = "",
) -> None:
    """Keep that this command shows these demandes, or a message, to whoever runs it ([TRA-4]).

    objet: what was asked for, when it was more than these demandes ([TRA-7]).
    """
    from registry.traces import record_command

    record_command(
        conn,
        ctx.command_path,
        machine_account(),
        numeros,
        instant=contexte_of(ctx).clock.now(),
        echange=echange,
        objet=objet,
    )


@contextmanager
def transaction(ctx: typer.Context) -> Iterator[Connection]:
    """One transaction on the database of the instance, committed when the block ends well."""
    with instance_of(ctx).database() as engine, engine.begin() as conn:
        yield conn
