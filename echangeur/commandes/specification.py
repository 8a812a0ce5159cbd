"""`echangeur specification`: what a server publishes, written in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from echangeur.sortie import say
from schemas.specification.site import Site


def write_specification(
    dossier: Annotated[Path, typer.Argument(metavar="DOSSIER", help="Dossier où écrire ; créé au besoin.")],
    adresse: Annotated[
        str, typer.Option("--adresse", help="Adresse des services, écrite dans leurs WSDL.")
    ] = "https://localhost:8443",
) -> None:
    """Écrit la spécification (page et PDF), les schémas et les WSDL, comme un serveur les publie.

    Un serveur les publie à `/specification/`, sans certificat. Le dossier se sert tel quel.
    """
    site = Site()
    for chemin in site.chemins:
        publie = site.find(chemin, adresse)
        assert publie is not None
        path = dossier / (chemin or "index.html")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(publie.octets)
        say(str(path))
