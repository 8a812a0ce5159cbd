"""`echangeur filtre essayer`: what a draft of a filter would take, before it is put in force."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer
from sqlalchemy import Connection

from dispatching.bilan import Bilan
from dispatching.essai import Essai, essayer, not_held
from echangeur.commandes.essai_passe import bilan_value, look_at_past, months_of, tell_bilan
from echangeur.commandes.fichier_filtres import checked, read_file
from echangeur.commandes.guichet import find as find_guichet
from echangeur.contexte import Json, contexte_of, instance_of, trace_reading
from echangeur.images import followed
from echangeur.lieux import IMAGE
from echangeur.saisie import Guichet
from echangeur.sortie import ConstatNegatif, MauvaisUsage, print_fiche, print_json, print_table, say
from filters.brouillons import list_brouillons
from filters.criteria import CRITERE
from filters.genres import CritereCodes
from filters.image import Image
from filters.language import Filtre, conditions_to_json
from filters.stock import Stock
from filters.store import filtres_in_force
from filters.tableaux import Lignes
from registry.controles import PARIS

_SHOWN: Final = 10


class Liste(StrEnum):
    """The numbers that may be listed."""

    RETENUES = "retenues"
    NOUVELLES = "nouvelles"
    ENTRANTES = "entrantes"
    SORTANTES = "sortantes"


@dataclass(frozen=True, slots=True)
class _Resultat:
    """What is said of one draft. nouvelles: how many the guichet has not. numeros: those asked for."""

    essai: Essai
    nouvelles: int
    numeros: list[str]
    bilan: Bilan | None


def try_filtres(
    ctx: typer.Context,
    guichet: Guichet,
    fichier: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FICHIER]",
            help="Filtres en TOML ou en JSON ; sans fichier, les brouillons du guichet.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    contre: Annotated[
        str,
        typer.Option(
            "--contre",
            help="Filtre en vigueur auquel comparer.",
            show_default="celui du même nom, s'il existe",
        ),
    ] = "",
    sur: Annotated[
        str,
        typer.Option(
            "--sur",
            help="Dit aussi ce que le filtre aurait fait recevoir : 12-mois, ou moins.",
            show_default=False,
        ),
    ] = "",
    numeros: Annotated[
        Liste | None, typer.Option("--numeros", help="Liste aussi ces demandes, par numéro.")
    ] = None,
    apres: Annotated[str, typer.Option("--apres", help="Liste à partir d'après ce numéro.")] = "",
    limite: Annotated[int, typer.Option("--limite", min=1, max=100_000, help="Nombre de numéros.")] = 50,
    json: Json = False,
) -> None:
    """Essaie des filtres sur les demandes actives, sans rien activer : combien, et ce qui changerait.

    Le premier essai lit tout le registre ; les suivants, ce qui a changé depuis. Avec --sur, les décisions
    des derniers mois sont reprises comme si le filtre avait été en vigueur.
    """
    mois = months_of(sur)
    instance, clock = instance_of(ctx), contexte_of(ctx).clock
    with instance.database() as engine:
        with engine.connect() as conn:
            found = find_guichet(conn, guichet)
            filtres = _drafts(conn, guichet) if fichier is None else checked(read_file(fichier))
            known = {v.nom: v.filtre for v in filtres_in_force(conn, clock.now(), guichet)}
        if contre and len(filtres) > 1:
            raise MauvaisUsage("--contre compare un filtre, et il y en a plusieurs.")
        if contre and contre not in known:
            raise ConstatNegatif(f"Le guichet {guichet} n'a pas de filtre « {contre} » en vigueur.")
        bilans: list[Bilan | None] = [None] * len(filtres)
        if mois:
            bilans = [*look_at_past(instance, engine, clock, found, filtres, contre, mois)]
        jour = clock.now().astimezone(PARIS).date()
        results = []
        stock = Stock(instance.dossier / IMAGE)
        with followed(stock, "Image du stock", engine, clock) as image, engine.begin() as conn:
            for filtre, bilan in zip(filtres, bilans, strict=True):
                essai = essayer(conn, image, found, filtre, known.get(contre or filtre.nom), jour)
                nouvelles = not_held(conn, image, guichet, essai.retenues)
                listed = [] if numeros is None else _list(image, essai, nouvelles, numeros, apres, limite)
                results.append(_Resultat(essai, len(nouvelles), listed, bilan))
            if numeros is not None:
                trace_reading(ctx, conn, *sorted({numero for each in results for numero in each.numeros}))
    if json:
        print_json([_value(result, numeros) for result in results])
        return
    for result in results:
        _tell(result)
        for numero in result.numeros:
            say(numero)


def _drafts(conn: Connection, guichet: str) -> tuple[Filtre, ...]:
    """The drafts that the guichet keeps. Raises ConstatNegatif when it has none."""
    found = list_brouillons(conn, guichet)
    if not found:
        raise ConstatNegatif(
            f"Le guichet {guichet} n'a pas de brouillon de filtre.", "Donnez un fichier, ou préparez-en un."
        )
    return tuple(each.filtre for each in found)


def _list(image: Image, essai: Essai, nouvelles: Lignes, liste: Liste, apres: str, limite: int) -> list[str]:
    return image.numbers_of(_rows(essai, nouvelles, liste), apres, limite)


def _rows(essai: Essai, nouvelles: Lignes, liste: Liste) -> Lignes:
    match liste:
        case Liste.RETENUES:
            return essai.retenues
        case Liste.NOUVELLES:
            return nouvelles
        case Liste.ENTRANTES if essai.contre is not None:
            return essai.contre.entrantes
        case Liste.SORTANTES if essai.contre is not None:
            return essai.contre.sortantes
        case _:
            return essai.retenues[:0]


def _tell(result: _Resultat) -> None:
    essai = result.essai
    lignes: list[tuple[str, object]] = [
        ("filtre", essai.filtre.nom),
        ("demandes actives", essai.stock),
        (f"que {essai.guichet} peut lire", essai.lisibles),
        ("retenues", len(essai.retenues)),
        ("dont il n'a pas encore", result.nouvelles),
    ]
    if essai.contre is not None:
        contre = essai.contre
        lignes += [
            (f"retenues par « {contre.nom} » en vigueur", len(contre.retenues)),
            ("différence", f"+{len(contre.entrantes)} / −{len(contre.sortantes)}"),
        ]
    print_fiche(lignes)
    for critere, counts in essai.par.items():
        if counts:
            found = CRITERE[critere]
            assert isinstance(found, CritereCodes)
            say("")
            print_table((found.libelle, "demandes"), _top(counts, found), vide="")
    if essai.mois:
        say("")
        mois = list(essai.mois.items())[-12:]
        print_table(("mois de dépôt", "demandes"), mois, vide="")
    if result.bilan is not None:
        say("")
        tell_bilan(result.bilan)


def _top(counts: Mapping[str, int], critere: CritereCodes) -> list[tuple[str, int]]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = [(critere.designe(code), count) for code, count in ordered[:_SHOWN]]
    others = len(ordered) - _SHOWN
    return shown if others <= 0 else [*shown, (f"et {others} autres", sum(c for _, c in ordered[_SHOWN:]))]


def _value(result: _Resultat, liste: Liste | None) -> dict[str, object]:
    essai, contre = result.essai, result.essai.contre
    return {
        "filtre": {"nom": essai.filtre.nom, **conditions_to_json(essai.filtre)},
        "guichet": essai.guichet,
        "jour": essai.jour,
        "stock": essai.stock,
        "lisibles": essai.lisibles,
        "retenues": len(essai.retenues),
        "nouvelles": result.nouvelles,
        "par": essai.par,
        "par_mois_de_depot": essai.mois,
        "contre": None
        if contre is None
        else {
            "nom": contre.nom,
            "retenues": len(contre.retenues),
            "entrantes": len(contre.entrantes),
            "sortantes": len(contre.sortantes),
        },
        "passe": None if result.bilan is None else bilan_value(result.bilan),
        **({} if liste is None else {"liste": liste.value, "numeros": result.numeros}),
    }
