"""`echangeur filtre`: what each guichet wants to receive."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from echangeur.commandes import brouillon
from echangeur.commandes.essai import try_filtres
from echangeur.commandes.fichier_filtres import checked, read_effet, read_file
from echangeur.commandes.guichet import find as find_guichet
from echangeur.commandes.guichet import refusal
from echangeur.contexte import Json, contexte_of, transaction
from echangeur.francais import Commande, create_group
from echangeur.saisie import Guichet, GuichetOuTous
from echangeur.sortie import Code, ConstatNegatif, MauvaisUsage, note, print_json, print_table, say
from filters.language import Filtre, conditions_to_json
from filters.reading import read_values
from filters.store import VersionFiltre, filtres_in_force, list_versions, save_filtre, withdraw_filtre
from filters.texts import tell_filtre

app = create_group("Les filtres : ce que chaque guichet veut recevoir, dans la limite de ses droits.")

app.command("preparer", cls=Commande)(brouillon.prepare)
app.command("brouillons", cls=Commande)(brouillon.list_all)
app.command("essayer", cls=Commande)(try_filtres)
app.command("activer", cls=Commande)(brouillon.activate)
app.command("ecarter", cls=Commande)(brouillon.drop)

Nom = Annotated[str, typer.Argument(metavar="NOM", help="Nom du filtre.")]
Effet = Annotated[
    str,
    typer.Option(
        "--effet",
        help="Instant de prise d'effet, AAAA-MM-JJ ou AAAA-MM-JJTHH:MM, heure de Paris.",
        show_default="maintenant",
    ),
]


@app.command("ajouter", cls=Commande)
def add(
    ctx: typer.Context,
    guichet: Guichet,
    fichier: Annotated[
        Path | None,
        typer.Argument(metavar="[FICHIER]", help="Filtres en TOML ou en JSON.", exists=True, dir_okay=False),
    ] = None,
    nom: Annotated[str, typer.Option("--nom", help="Nom du filtre, sans fichier.", show_default=False)] = "",
    commune: Annotated[
        list[str] | None, typer.Option("--commune", help="Code INSEE d'une commune souhaitée ; répétable.")
    ] = None,
    epci: Annotated[
        list[str] | None, typer.Option("--epci", help="SIREN d'un EPCI souhaité ; répétable.")
    ] = None,
    territoire: Annotated[
        list[str] | None, typer.Option("--territoire", help="Code d'un territoire ; répétable.")
    ] = None,
    type_logement: Annotated[
        list[str] | None, typer.Option("--type-logement", help="Type de logement souhaité (T2…) ; répétable.")
    ] = None,
    effet: Effet = "",
    json: Json = False,
) -> None:
    """Ajoute des filtres à un guichet, ou remplace la version de ceux qui portent le même nom.

    Les filtres viennent d'un fichier, ou des options : une demande passe si chaque critère donné a au moins
    une de ses valeurs ; un filtre sans critère accepte tout.
    """
    values = {"communes": commune, "epci": epci, "territoires": territoire, "types_logement": type_logement}
    given = {critere: found for critere, found in values.items() if found}
    if fichier is not None:
        if nom or given:
            raise MauvaisUsage("Un fichier et des options de filtre ne vont pas ensemble.")
        filtres = checked(read_file(fichier))
    else:
        if not nom:
            raise MauvaisUsage("Il faut un fichier, ou --nom et des critères.")
        filtres = checked(read_values({"filtre": [{"nom": nom, **given}]}))
    now = contexte_of(ctx).clock.now()
    saved: list[VersionFiltre] = []
    with transaction(ctx) as conn:
        for filtre in filtres:
            version = save_filtre(conn, guichet, filtre, instant=now, effet_le=read_effet(effet))
            if not isinstance(version, VersionFiltre):
                # Leaving the block by an exception rolls back: all the filters of a file, or none.
                raise refusal(f"Le filtre « {filtre.nom} » n'est pas enregistré", version)
            saved.append(version)
    if json:
        print_json([_value(version) for version in saved])
        return
    for version in saved:
        say(f"Filtre « {version.nom} » de {guichet}, version {version.version}")


@app.command("lister", cls=Commande)
def list_all(
    ctx: typer.Context,
    guichet: GuichetOuTous = None,
    le: Annotated[
        str,
        typer.Option("--le", help="Instant auquel regarder, comme --effet.", show_default="maintenant"),
    ] = "",
    json: Json = False,
) -> None:
    """Liste les filtres en vigueur."""
    with transaction(ctx) as conn:
        found = filtres_in_force(conn, read_effet(le) or contexte_of(ctx).clock.now(), guichet)
    if json:
        print_json([_value(version) for version in found])
        return
    print_table(
        ("guichet", "filtre", "version", "depuis le", "conditions"),
        [(v.guichet, v.nom, v.version, v.effet_le, _conditions(v.filtre)) for v in found],
        vide="Aucun filtre en vigueur : seules les demandes déjà détenues sont distribuées.",
    )


@app.command("montrer", cls=Commande)
def show(ctx: typer.Context, guichet: Guichet, nom: Nom, json: Json = False) -> None:
    """Montre toutes les versions d'un filtre, passées, en vigueur et à venir."""
    with transaction(ctx) as conn:
        found = [version for version in list_versions(conn, guichet) if version.nom == nom]
    if not found:
        raise ConstatNegatif(f"Le guichet {guichet} n'a pas de filtre « {nom} ».")
    if json:
        print_json([_value(version) for version in found])
        return
    print_table(
        ("version", "prend effet le", "conditions"),
        [(v.version, v.effet_le, _conditions(v.filtre)) for v in found],
        vide="",
    )


@app.command("retirer", cls=Commande)
def withdraw(ctx: typer.Context, guichet: Guichet, nom: Nom, effet: Effet = "") -> None:
    """Retire un filtre : plus rien n'est envoyé à cause de lui. Ses versions restent consultables."""
    with transaction(ctx) as conn:
        find_guichet(conn, guichet)
        done = withdraw_filtre(
            conn, guichet, nom, instant=contexte_of(ctx).clock.now(), effet_le=read_effet(effet)
        )
        if not isinstance(done, VersionFiltre):
            raise refusal(f"Le filtre « {nom} » n'est pas retiré", done)
    say(f"Filtre « {nom} » de {guichet} retiré.")


@app.command("valider", cls=Commande)
def check(
    fichier: Annotated[
        Path,
        typer.Argument(metavar="FICHIER", help="Filtres en TOML ou en JSON.", exists=True, dir_okay=False),
    ],
    json: Json = False,
) -> None:
    """Valide un fichier de filtres, sans rien enregistrer. Code de retour 1 s'il est incorrect."""
    lecture = read_file(fichier)
    if json:
        print_json(
            {
                "valide": not lecture.erreurs,
                "filtres": [{"nom": f.nom, **conditions_to_json(f)} for f in lecture.filtres],
                "erreurs": lecture.erreurs,
            }
        )
    else:
        for erreur in lecture.erreurs:
            note(str(erreur))
        for filtre in lecture.filtres:
            say(f"« {filtre.nom} » : {_conditions(filtre)}")
    if lecture.erreurs:
        raise typer.Exit(Code.CONSTAT)


@app.command("schema", cls=Commande)
def print_schema() -> None:
    """Écrit le schéma JSON des filtres."""
    say(files("filters").joinpath("filtre.schema.json").read_text(encoding="utf-8").rstrip())


def _value(version: VersionFiltre) -> dict[str, object]:
    return {
        "guichet": version.guichet,
        "nom": version.nom,
        "version": version.version,
        "effet_le": version.effet_le,
        "retire": version.filtre is None,
        "conditions": {} if version.filtre is None else conditions_to_json(version.filtre),
    }


def _conditions(filtre: Filtre | None) -> str:
    return "retiré" if filtre is None else tell_filtre(filtre)
