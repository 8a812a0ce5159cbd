"""The drafts of filters: `echangeur filtre preparer`, `brouillons`, `activer`, `ecarter`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from echangeur.commandes.fichier_filtres import checked, read_effet, read_file
from echangeur.commandes.guichet import refusal
from echangeur.contexte import Json, contexte_of, transaction
from echangeur.saisie import Guichet, GuichetOuTous
from echangeur.sortie import ConstatNegatif, print_json, print_table, say
from filters.brouillons import Brouillon, activate_brouillon, drop_brouillon, keep_brouillon, list_brouillons
from filters.language import conditions_to_json
from filters.store import VersionFiltre
from filters.texts import tell_filtre

Nom = Annotated[str, typer.Argument(metavar="NOM", help="Nom du brouillon.")]


def prepare(
    ctx: typer.Context,
    guichet: Guichet,
    fichier: Annotated[
        Path,
        typer.Argument(metavar="FICHIER", help="Filtres en TOML ou en JSON.", exists=True, dir_okay=False),
    ],
) -> None:
    """Garde des filtres comme brouillons d'un guichet, sans effet, à la place de ceux du même nom."""
    filtres = checked(read_file(fichier))
    now = contexte_of(ctx).clock.now()
    with transaction(ctx) as conn:
        for filtre in filtres:
            kept = keep_brouillon(conn, guichet, filtre, instant=now)
            if not isinstance(kept, Brouillon):
                raise refusal(f"Le brouillon « {filtre.nom} » n'est pas gardé", kept)
    for filtre in filtres:
        say(f"Brouillon « {filtre.nom} » de {guichet}")


def list_all(
    ctx: typer.Context,
    guichet: GuichetOuTous = None,
    json: Json = False,
) -> None:
    """Liste les brouillons de filtres."""
    with transaction(ctx) as conn:
        found = list_brouillons(conn, guichet)
    if json:
        print_json([_value(each) for each in found])
        return
    print_table(
        ("guichet", "filtre", "écrit le", "conditions"),
        [(each.guichet, each.filtre.nom, each.maj_le, tell_filtre(each.filtre)) for each in found],
        vide="Aucun brouillon.",
    )


def activate(
    ctx: typer.Context,
    guichet: Guichet,
    nom: Nom,
    effet: Annotated[
        str,
        typer.Option(
            "--effet",
            help="Instant de prise d'effet, AAAA-MM-JJ ou AAAA-MM-JJTHH:MM, heure de Paris.",
            show_default="maintenant",
        ),
    ] = "",
) -> None:
    """Active un brouillon : il devient une version du filtre de ce nom, à l'instant voulu."""
    with transaction(ctx) as conn:
        version = activate_brouillon(
            conn, guichet, nom, instant=contexte_of(ctx).clock.now(), effet_le=read_effet(effet)
        )
        if not isinstance(version, VersionFiltre):
            raise refusal(f"Le brouillon « {nom} » n'est pas activé", version)
    say(f"Filtre « {version.nom} » de {guichet}, version {version.version}")


def drop(ctx: typer.Context, guichet: Guichet, nom: Nom) -> None:
    """Écarte un brouillon : il n'en reste rien."""
    with transaction(ctx) as conn:
        if drop_brouillon(conn, guichet, nom) is None:
            raise ConstatNegatif(f"Le guichet {guichet} n'a pas de brouillon « {nom} ».")
    say(f"Brouillon « {nom} » de {guichet} écarté.")


def _value(brouillon: Brouillon) -> dict[str, object]:
    return {
        "guichet": brouillon.guichet,
        "nom": brouillon.filtre.nom,
        "maj_le": brouillon.maj_le,
        "conditions": conditions_to_json(brouillon.filtre),
    }
