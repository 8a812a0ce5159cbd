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
    documents: Annotated[
        Path | None,
        typer.Option(
            "--documents",
            file_okay=False,
            help="Dossier où laisser l'attestation et les pièces ; sans lui, elles sont effacées à la fin.",
        ),
    ] = None,
) -> None:
    """Montre l'échange complet sur cette machine : base, autorité, serveur en TLS mutuel, quatre partenaires.

    Le partenaire A enregistre des demandes par SOAP ; B et C reçoivent celles que leurs droits et leurs
    filtres retiennent ; un tableau dit pourquoi. Puis une demande vit toute sa vie : modification, pièces,
    DALO, commission, renouvellement, radiation pour attribution ; un tableau la raconte d'après le journal.
    Code de retour 1 si quelque chose ne se passe pas comme prévu.
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
                dossier / "documents" if documents is None else documents.absolute(),
                contexte_of(ctx).clock,
                garder=garder,
                port=port if port is not None else 8443 if garder else 0,
            )
        )
    finally:
        shutil.rmtree(dossier, ignore_errors=True)
