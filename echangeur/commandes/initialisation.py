"""`echangeur init`: a new instance."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from echangeur.contexte import contexte_of
from echangeur.instance import create_instance
from echangeur.sortie import note, say


def init(
    ctx: typer.Context,
    dossier: Annotated[Path, typer.Argument(help="Dossier de l'instance ; créé s'il n'existe pas.")],
    base: Annotated[
        str,
        typer.Option(
            "--base",
            help="Adresse d'une base PostgreSQL, postgresql://utilisateur@hote/base ; sans elle, PostgreSQL"
            " embarqué.",
            show_default=False,
        ),
    ] = "",
) -> None:
    """Crée une instance : configuration, base de données, autorité de certification, certificat du serveur.

    Le certificat du serveur vaut pour localhost et 127.0.0.1 ; pour un autre nom, remplacez les fichiers que
    désigne la configuration.
    """
    note("Création de la base de données…")
    instance = create_instance(dossier, now=contexte_of(ctx).clock.now(), url=base)
    say(f"Instance créée dans {instance.dossier}")
    name = shlex.quote(str(dossier))
    note(
        f"Ensuite :\n"
        f"  echangeur --instance {name} guichet ajouter G1104 --nom '…' --type bailleur"
        f" --siren 552046484 --territoire 111\n"
        f"  echangeur --instance {name} certificat emettre G1104 --dossier SORTIE\n"
        f"  echangeur --instance {name} serve"
    )
