"""`echangeur serve`: the server of an instance."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from echangeur.contexte import contexte_of
from echangeur.instance import open_instance
from echangeur.sortie import note, say


def serve(
    ctx: typer.Context,
    port: Annotated[
        int | None,
        typer.Option(
            "--port", min=0, max=65535, help="Port d'écoute.", show_default="celui de la configuration"
        ),
    ] = None,
    adresse: Annotated[
        str | None,
        typer.Option("--adresse", help="Adresse d'écoute.", show_default="celle de la configuration"),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", help="Autre fichier de configuration que celui de l'instance.", dir_okay=False
        ),
    ] = None,
) -> None:
    """Démarre le serveur : services SOAP, courrier signé et distributions, en un seul processus.

    S'arrête proprement sur SIGTERM ou Ctrl-C : les échanges en cours finissent, les nouveaux sont refusés.
    Plusieurs serveurs peuvent partager une base. Le serveur écrit « Prêt » sur la sortie standard quand il
    accepte les connexions.
    """
    # Imported here: the services and their libraries take half a second that no other command needs.
    from echangeur.composition import run

    contexte = contexte_of(ctx)
    instance = open_instance(contexte.dossier, config)

    def announce(base: str, services: tuple[str, ...], reception: str) -> None:
        for service in services:
            say(f"WSDL : {base}/services/{service}?wsdl")
        if reception:
            say(f"Courrier : {reception}")
        say(f"Prêt : {base}")

    run(instance, contexte.clock, adresse=adresse, port=port, announce=announce)
    note("Serveur arrêté.")
