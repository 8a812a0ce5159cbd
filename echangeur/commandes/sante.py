"""`echangeur sante`: what the running processes of an instance say of themselves."""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
import typer

from echangeur.contexte import contexte_of
from echangeur.lieux import PROCESSUS
from echangeur.sante.reponse import Etat
from echangeur.sortie import ConstatNegatif, MauvaisUsage, note, print_json, print_table

_DELAI = 15.0
"""Seconds for one process: its proofs have ten each, together."""


class Reponse(msgspec.Struct, frozen=True):
    """What one process said. etat: None when it did not answer."""

    processus: int
    adresse: str
    etat: Etat | None


def sante(
    ctx: typer.Context,
    adresse: Annotated[
        str | None,
        typer.Option(
            "--adresse",
            help="Adresse d'administration d'un processus, http://hote:port.",
            show_default="celles des processus de l'instance sur cette machine",
        ),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Écrit en JSON.")] = False,
) -> None:
    """Dit si les processus de l'instance sont prêts, et sinon pourquoi.

    Chacun fait un aller et retour réel de chacun de ses rôles. Code de retour 0 si tous sont prêts, 1 si l'un
    ne l'est pas, ne répond pas, ou si aucun ne tourne.
    """
    places = [(0, adresse)] if adresse else _running(contexte_of(ctx).dossier)
    found = [Reponse(pid, place, _ask(place)) for pid, place in places]
    if json_:
        print_json(found)
    else:
        print_table(
            ("processus", "rôles", "prêt", "phase", "mesuré le"),
            [_row(each) for each in found],
            vide="Aucun processus de l'instance ne tourne sur cette machine.",
        )
        for each in found:
            for constat in (*each.etat.constats, *each.etat.avertissements) if each.etat else ():
                if constat.code:
                    note(f"{each.processus or each.adresse} : {constat.code} {constat.message}")
                    note(f"À faire : {constat.a_faire}")
    if not found or not all(each.etat and each.etat.pret for each in found):
        raise ConstatNegatif("Tout n'est pas prêt.")


def _row(each: Reponse) -> tuple[object, ...]:
    who = each.processus or each.adresse
    if each.etat is None:
        return (who, "", False, "ne répond pas", None)
    return (who, ", ".join(each.etat.roles), each.etat.pret, each.etat.phase, each.etat.mesure_le)


def _running(dossier: Path) -> list[tuple[int, str]]:
    """Process and address of each file; those of processes that are no more are removed."""
    found = []
    for file in sorted((dossier / PROCESSUS).glob("*.json")):
        said = json.loads(file.read_text(encoding="utf-8"))
        if Path(f"/proc/{said['pid']}").exists():
            found.append((int(said["pid"]), str(said["adresse"])))
        else:
            file.unlink(missing_ok=True)
    return found


def _ask(adresse: str) -> Etat | None:
    place = urlsplit(adresse)
    if place.scheme != "http" or not place.hostname or not place.port:
        raise MauvaisUsage(f"L'adresse {adresse} n'est pas de la forme http://hote:port.")
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=_DELAI)
    try:
        connection.request("GET", "/pret")
        return msgspec.json.decode(connection.getresponse().read(), type=Etat)
    except (OSError, http.client.HTTPException, msgspec.DecodeError):
        return None
    finally:
        connection.close()
