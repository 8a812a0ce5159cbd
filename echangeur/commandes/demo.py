"""`echangeur demo`: see the whole exchange on one's own machine, with nothing to configure."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from echangeur.contexte import contexte_of


def demo(
    ctx: typer.Context,
    garder: Annotated[
        bool, typer.Option("--garder", help="Laisse ensuite le serveur ouvert, jusqu'à Ctrl-C.")
    ] = False,
    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            min=0,
            max=65535,
            help="Port du serveur.",
            show_default="8443 avec --garder, sinon libre",
        ),
    ] = None,
) -> None:
    """Montre l'échange complet sur cette machine : base, autorité, serveur en TLS mutuel, trois partenaires.

    Le partenaire A enregistre des demandes par SOAP ; B et C reçoivent celles que leurs droits et leurs
    filtres retiennent ; le tableau final dit pourquoi. Code de retour 1 si quelque chose ne se passe pas
    comme prévu.
    """
    # Imported here: the services and their libraries take half a second that no other command needs.
    from echangeur.demo.deroulement import run

    dossier = Path(tempfile.mkdtemp(prefix="echangeur-demo-"))
    # The embedded PostgreSQL runs as another user when we are root: it must reach its folder.
    dossier.chmod(0o755)
    try:
        asyncio.run(
            run(
                dossier / "instance",
                contexte_of(ctx).clock,
                garder=garder,
                port=port if port is not None else 8443 if garder else 0,
            )
        )
    finally:
        shutil.rmtree(dossier, ignore_errors=True)
