"""`echangeur serve`: the server of an instance."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from echangeur.contexte import contexte_of
from echangeur.instance import open_instance
from echangeur.roles.noms import RoleDemande
from echangeur.sortie import note, say

if TYPE_CHECKING:
    from echangeur.composition import Pret


def serve(
    ctx: typer.Context,
    role: Annotated[
        list[RoleDemande] | None,
        typer.Option(
            "--role",
            help="Rôle de ce processus ; répétez l'option pour plusieurs.",
            show_default="all : tout ce que la configuration allume",
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            min=0,
            max=65535,
            help="Port d'écoute des services SOAP.",
            show_default="celui de la configuration",
        ),
    ] = None,
    port_console: Annotated[
        int | None,
        typer.Option(
            "--port-console",
            min=0,
            max=65535,
            help="Port d'écoute de la console.",
            show_default="celui de la configuration, ou 0 si --port l'est",
        ),
    ] = None,
    port_administration: Annotated[
        int | None,
        typer.Option(
            "--port-administration",
            min=0,
            max=65535,
            help="Port d'écoute de l'administration : santé et chiffres.",
            show_default="celui de la configuration",
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
    """Démarre un serveur : services SOAP, courrier signé, distributions et console, ou certains de ces rôles.

    S'arrête proprement sur SIGTERM ou Ctrl-C : les échanges en cours finissent, les nouveaux sont refusés.
    Sur SIGHUP, relit les fichiers de certificats. Plusieurs serveurs peuvent partager une base. Le serveur
    écrit « Prêt » sur la sortie standard quand il accepte les connexions.
    """
    # Imported here: the services and their libraries take half a second that no other command needs.
    from echangeur.composition import Ports, run

    contexte = contexte_of(ctx)
    instance = open_instance(contexte.dossier, config)
    ports = Ports(adresse, port, port_console, port_administration)
    run(instance, contexte.clock, roles=role or (), ports=ports, announce=_announce)
    note("Serveur arrêté.")


def _announce(pret: Pret) -> None:
    for service in pret.services:
        say(f"WSDL : {pret.soap}/services/{service}?wsdl")
    if pret.reception:
        say(f"Courrier : {pret.reception}")
    if pret.console:
        say(f"Console : {pret.console}")
    say(f"Prêt : {pret.soap}" if pret.soap else "Prêt.")
