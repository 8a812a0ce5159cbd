"""`echangeur distribution manifeste`: what was signed of a day, and whether it still holds."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from sqlalchemy import Connection

from dispatching.manifestes import ManifesteSigne, get_manifeste, read_manifestes
from dispatching.manifestes_verification import Controle, verify_manifestes
from echangeur.commandes.guichet import find
from echangeur.contexte import Json, transaction
from echangeur.saisie import Guichet
from echangeur.sortie import Code, ConstatNegatif, MauvaisUsage, note, print_json, print_table, say

_TITRES: Final = ("jour", "rang", "nombre", "premier n°", "dernier n°", "établi le", "empreinte")


def show_manifeste(
    ctx: typer.Context,
    guichet: Guichet,
    jour: Annotated[
        datetime | None,
        typer.Argument(metavar="[JOUR]", formats=["%Y-%m-%d"], help="Jour, AAAA-MM-JJ ; tous sans lui."),
    ] = None,
    verifier: Annotated[
        bool,
        typer.Option("--verifier", help="Vérifie signature, suite des jours, fichiers et journal."),
    ] = False,
    sortie: Annotated[
        Path | None,
        typer.Option("--sortie", help="Fichier où écrire le message signé ; il faut un jour."),
    ] = None,
    json: Json = False,
) -> None:
    """Montre les manifestes signés des distributions d'un guichet, un par jour, et les vérifie.

    --verifier récrit les fichiers depuis le registre et les compare à ce qui a été signé : code de retour 1
    si une distribution, un manifeste ou le journal ont changé depuis. Les manifestes sont établis chaque nuit
    par « echangeur registre taches ».
    """
    if sortie is not None and jour is None:
        raise MauvaisUsage("Un seul manifeste peut être écrit.", "Donnez un jour : AAAA-MM-JJ.")
    voulu = None if jour is None else jour.date()
    with transaction(ctx) as conn:
        find(conn, guichet)
        found = _select(conn, guichet, voulu)
        controles = _verify(conn, guichet, voulu) if verifier else {}
    if voulu is not None and not found:
        raise ConstatNegatif(
            f"Le guichet {guichet} n'a pas de manifeste du {voulu:%d/%m/%Y}.",
            "Ils commencent à sa première distribution ; voir : echangeur registre taches manifestes",
        )
    if sortie is not None:
        sortie.write_bytes(found[0].octets)
        note(f"{found[0].nom} écrit dans {sortie}.")
    if json:
        print_json([_value(signe, controles.get(signe.jour)) for signe in found])
    else:
        print_table(_TITRES, [_row(signe) for signe in found], vide="Aucun manifeste.")
        if verifier:
            _tell(list(controles.values()))
    if any(controle.ecarts for controle in controles.values()):
        raise typer.Exit(Code.CONSTAT)


def _select(conn: Connection, guichet: str, jour: date | None) -> list[ManifesteSigne]:
    if jour is not None:
        found = get_manifeste(conn, guichet, jour)
        return [] if found is None else [found]
    signes: list[ManifesteSigne] = []
    suite = True
    while suite:
        lot = read_manifestes(conn, guichet, apres=signes[-1].jour if signes else date.min)
        signes += lot.manifestes
        suite = lot.suite
    return signes


def _verify(conn: Connection, guichet: str, jour: date | None) -> dict[date, Controle]:
    bornes = {} if jour is None else {"du": jour, "au": jour}
    return {controle.jour: controle for controle in verify_manifestes(conn, guichet, **bornes)}


def _tell(controles: list[Controle]) -> None:
    for controle in controles:
        for ecart in controle.ecarts:
            say(f"{ecart.jour:%d/%m/%Y} : {ecart.texte}.")
    signataires = {each.signataire.empreinte for each in controles if each.signataire is not None}
    for empreinte in sorted(signataires):
        say(f"Signés par le certificat d'empreinte {empreinte}.")
    if not any(controle.ecarts for controle in controles):
        distributions = sum(controle.nombre for controle in controles)
        say(f"{len(controles)} manifeste(s) intact(s), {distributions} distribution(s) relues.")


def _row(signe: ManifesteSigne) -> tuple[object, ...]:
    premiere, derniere = (signe.apres + 1, signe.derniere) if signe.nombre else (None, None)
    jour = f"{signe.jour:%d/%m/%Y}"
    return (jour, signe.rang, signe.nombre, premiere, derniere, signe.etabli_le, signe.empreinte.hex())


def _value(signe: ManifesteSigne, controle: Controle | None) -> dict[str, object]:
    value = {**asdict(signe), "empreinte": signe.empreinte.hex(), "fichier": signe.nom}
    del value["octets"]
    if controle is not None:
        signataire = controle.signataire
        value["signataire"] = None if signataire is None else signataire.empreinte
        value["ecarts"] = [ecart.texte for ecart in controle.ecarts]
    return value
