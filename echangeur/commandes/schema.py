"""`echangeur schema`: the interface specification, usable without an instance."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from echangeur.contexte import Json, contexte_of
from echangeur.francais import Commande, create_group
from echangeur.saisie import read_day
from echangeur.sortie import PARIS, Code, MauvaisUsage, note, print_json, print_table, say
from schemas.codes import check_codes
from schemas.contract import OWN_SERVICES, PARTNER_SERVICES, SERVICES, wsdl_source, xsd_bytes, xsd_names
from schemas.documents import DEMANDES, Document, DocumentKind, read_document
from schemas.generation import generate_demandes
from schemas.generation_autres import generate_document
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
    jour = read_day(le) if le else contexte_of(ctx).clock.now().astimezone(PARIS).date()
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
    dossier: Annotated[Path, typer.Argument(metavar="DOSSIER", help="Dossier où écrire ; créé au besoin.")],
) -> None:
    """Écrit les schémas XSD et les WSDL de l'interface dans un dossier.

    Les WSDL sont tels qu'au dépôt ; un serveur publie les siens à `?wsdl`, avec son adresse.
    """
    dossier.mkdir(parents=True, exist_ok=True)
    texts = {name: xsd_bytes(name) for name in xsd_names()}
    texts |= {
        f"{service}.wsdl": wsdl_source(service) for service in (*SERVICES, *OWN_SERVICES, *PARTNER_SERVICES)
    }
    for name, data in sorted(texts.items()):
        (dossier / name).write_bytes(data)
        say(str(dossier / name))


@app.command("generer", cls=Commande)
def generate(
    nature: Annotated[
        DocumentKind, typer.Option("--nature", help="Nature des documents.")
    ] = DocumentKind.DEMANDE_0201,
    type_fichier: Annotated[
        str,
        typer.Option("--type-fichier", help="Pour une demande, code de ListeTypeFichier (CRE, MOD, REN…)."),
    ] = "CRE",
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
            help="Dossier où écrire un fichier par document ; sans lui, un seul sort sur la sortie standard.",
        ),
    ] = None,
) -> None:
    """Génère des documents vraisemblables et valides, pour essayer un logiciel. Personne n'y est réel.

    Deux demandes d'un même tirage ne sont jamais des doublons l'une de l'autre.
    """
    if dossier is None and nombre != 1:
        raise MauvaisUsage("Plusieurs documents demandent un dossier.", "Ajoutez --dossier DOSSIER")
    try:
        for rang, document in enumerate(
            _draw(nature, type_fichier, nombre, graine, territoire, guichet), start=1
        ):
            if dossier is None:
                say(document.decode("utf-8"))
                return
            dossier.mkdir(parents=True, exist_ok=True)
            (dossier / f"{nature}-{rang:06d}.xml").write_bytes(document)
    except ValueError as error:
        raise MauvaisUsage(f"{error}.") from error
    say(f"{nombre} document(s) dans {dossier}")


def _draw(
    nature: DocumentKind, type_fichier: str, nombre: int, graine: int, territoire: str, guichet: str
) -> Iterator[bytes]:
    if nature in DEMANDES:
        yield from generate_demandes(
            graine, nombre, kind=nature, type_fichier=type_fichier, territoire=territoire, guichet=guichet
        )
    else:
        for rang in range(nombre):
            yield generate_document(nature, f"{graine}-{rang}", territoire=territoire, guichet=guichet)
