"""`echangeur schema`: the interface specification, usable without an instance."""

from __future__ import annotations

import random
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from echangeur.contexte import Json, contexte_of
from echangeur.francais import Commande, create_group
from echangeur.sortie import PARIS, Code, MauvaisUsage, note, print_json, print_table, say
from schemas.codes import check_codes
from schemas.documents import Document, DocumentKind, read_document
from schemas.violations import Violation

app = create_group("La spécification d'interface : schémas, WSDL, validation, exemples.")


@app.command("valider", cls=Commande)
def validate_file(
    ctx: typer.Context,
    fichier: Annotated[Path, typer.Argument(help="Document à valider.", exists=True, dir_okay=False)],
    le: Annotated[
        str,
        typer.Option("--le", help="Date à laquelle juger les codes, AAAA-MM-JJ.", show_default="aujourd'hui"),
    ] = "",
    json: Json = False,
) -> None:
    """Valide un document : forme XML, nature, schéma, listes de codes.

    Le document est validé comme le ferait l'échangeur à réception. Code de retour 1 s'il est invalide.
    """
    jour = _day(le) if le else contexte_of(ctx).clock.now().astimezone(PARIS).date()
    result = read_document(fichier.read_bytes(), frozenset(DocumentKind))
    if isinstance(result, Document):
        nature = str(result.kind)
        violations: tuple[Violation, ...] = check_codes(result.root, jour)
    else:
        nature = ""
        violations = result
    if json:
        print_json(
            {"fichier": str(fichier), "nature": nature, "valide": not violations, "violations": violations}
        )
    elif violations:
        print_table(
            ("ligne", "règle", "constat", "trouvé", "attendu", "élément"),
            [(v.line, v.rule, v.message, v.found, v.expected, v.path) for v in violations],
            vide="",
        )
        note(f"{fichier} : invalide, {len(violations)} violation(s).")
    else:
        say(f"{fichier} : valide ({nature}).")
    if violations:
        raise typer.Exit(Code.CONSTAT)


@app.command("publier", cls=Commande)
def publish(
    dossier: Annotated[Path, typer.Argument(help="Dossier où écrire ; créé s'il n'existe pas.")],
) -> None:
    """Écrit les schémas XSD et les WSDL de l'interface dans un dossier."""
    dossier.mkdir(parents=True, exist_ok=True)
    for folder in ("xsd", "wsdl"):
        for entry in sorted(files("schemas").joinpath(folder).iterdir(), key=lambda item: item.name):
            if entry.name.endswith((".xsd", ".wsdl")):
                target = dossier / entry.name
                target.write_bytes(entry.read_bytes())
                say(str(target))


@app.command("generer", cls=Commande)
def generate(
    nature: Annotated[DocumentKind, typer.Option("--nature", help="Nature des documents.")] = (
        DocumentKind.DEMANDE_0201
    ),
    nombre: Annotated[int, typer.Option("--nombre", min=1, max=100_000, help="Nombre de documents.")] = 1,
    graine: Annotated[
        int, typer.Option("--graine", help="Graine du tirage : la même donne les mêmes documents.")
    ] = 0,
    territoire: Annotated[str, typer.Option("--territoire", help="Code du territoire.")] = "111",
    guichet: Annotated[str, typer.Option("--guichet", help="Code du guichet.")] = "G1104",
    dossier: Annotated[
        Path | None,
        typer.Option(
            "--dossier",
            help="Dossier où écrire un fichier par document ; sans lui, un seul document"
            " sort sur la sortie standard.",
        ),
    ] = None,
) -> None:
    """Génère des documents vraisemblables et valides, pour essayer un logiciel. Personne n'y est réel."""
    from schemas.generation import generate_demande

    rng = random.Random(graine)  # noqa: S311 - examples, no secret
    if dossier is None:
        if nombre != 1:
            raise MauvaisUsage("Plusieurs documents demandent un dossier.", "Ajoutez --dossier DOSSIER")
        say(generate_demande(rng, territoire=territoire, guichet=guichet, kind=nature).decode("utf-8"))
        return
    dossier.mkdir(parents=True, exist_ok=True)
    for numero in range(1, nombre + 1):
        path = dossier / f"{nature}-{numero:06d}.xml"
        path.write_bytes(generate_demande(rng, territoire=territoire, guichet=guichet, kind=nature))
    say(f"{nombre} document(s) dans {dossier}")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise MauvaisUsage(f"« {text} » n'est pas une date.", "Écrivez-la AAAA-MM-JJ.") from None
