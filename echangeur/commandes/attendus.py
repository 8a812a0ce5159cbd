"""`echangeur distribution attendus`: who should have received what at a past instant, and who did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from itertools import islice
from typing import Annotated, Final

import typer
from sqlalchemy import Connection

from dispatching.attendus import Attendu, Hypothese, judge_at, list_attendus, read_histoire
from dispatching.attendus_guichet import Curseur, read_attendus, tell_asked
from dispatching.recipients import Raison, Verdict
from echangeur.contexte import Json, contexte_of, trace_reading, transaction
from echangeur.saisie import of_paris
from echangeur.sortie import Code, MauvaisUsage, note, print_json, print_table, say
from registry.guichets_store import get_guichet

_JOUR: Final = timedelta(days=1)


def show_expected(
    ctx: typer.Context,
    objet: Annotated[
        str, typer.Argument(metavar="GUICHET|NUMERO", help="Code d'un guichet, ou numéro unique.")
    ],
    au: Annotated[
        datetime | None, typer.Option("--au", help="Instant passé, heure de Paris ; maintenant sans lui.")
    ] = None,
    depuis: Annotated[
        datetime | None,
        typer.Option("--depuis", help="Ce qui a été décidé après cet instant ; pour un guichet, la veille."),
    ] = None,
    ecarts: Annotated[bool, typer.Option("--ecarts", help="Seulement ce qui n'est pas acquitté.")] = False,
    limite: Annotated[
        int, typer.Option("--limite", min=1, max=10_000, help="Nombre de lignes au plus, à une page près.")
    ] = 1_000,
    suite: Annotated[
        str | None,
        typer.Option("--suite", help="Reprend un guichet où la lecture précédente s'est arrêtée."),
    ] = None,
    json: Json = False,
) -> None:
    """Dit qui aurait dû recevoir quoi à un instant passé, et qui l'avait reçu.

    Chaque décision est jugée de nouveau avec le document, les filtres, les droits et les détenteurs d'alors,
    puis comparée à ce qui a été distribué et acquitté à cet instant. Pour une demande, aussi : à qui serait
    allé un changement fait à cet instant. Une lecture laisse une trace, qui dit le guichet, l'instant et les
    demandes montrées ; « --suite » prend les lignes d'après. Code de retour 1 si une distribution manque ou
    est de trop.
    """
    instant = contexte_of(ctx).clock.now() if au is None else of_paris(au)
    debut, asked = of_paris(depuis), ""
    reste: Curseur | None = None
    hypothese: Hypothese | None = None
    with transaction(ctx) as conn:
        if get_guichet(conn, objet) is not None:
            curseur = _cursor(suite, debut or instant - _JOUR)
            asked = tell_asked(objet, debut=curseur.instant, au=instant)
            found, reste = _read_whole(conn, objet, curseur, instant, limite)
        else:
            histoire = read_histoire(conn)
            trouves = list_attendus(conn, histoire, au=instant, numero=objet, depuis=debut)
            found = list(islice(trouves, limite))
            hypothese = judge_at(conn, histoire, objet, instant)
        trace_reading(ctx, conn, *sorted({each.numero for each in found}), objet=asked)
    shown = [each for each in found if each.rompu or not _done(each)] if ecarts else found
    if json:
        print_json(
            {
                "au": instant,
                "attendus": list(map(_value, shown)),
                "changement": None if hypothese is None else _hypothesis(hypothese),
                "suite": None if reste is None else str(reste),
            }
        )
    else:
        _tell(shown, hypothese)
        if reste is not None:
            note(f"Il en reste : --suite {reste}")
        elif len(found) == limite:
            note(f"Limité à {limite} lignes : voir --depuis, --limite.")
    if any(each.rompu for each in found):
        raise typer.Exit(Code.CONSTAT)


def _cursor(suite: str | None, debut: datetime) -> Curseur:
    """Where the reading begins. Raises MauvaisUsage for a text that no reading gave."""
    if suite is None:
        return Curseur(debut)
    found = Curseur.read(suite)
    if found is None:
        raise MauvaisUsage(f"« {suite} » n'est pas la suite d'une lecture")
    return found


def _read_whole(
    conn: Connection, guichet: str, curseur: Curseur, au: datetime, limite: int
) -> tuple[list[Attendu], Curseur | None]:
    """The pages of a guichet until there are so many lines, and where the next reading begins."""
    found: list[Attendu] = []
    reste: Curseur | None = curseur
    while reste is not None and len(found) < limite:
        page = read_attendus(conn, guichet, du=reste, au=au)
        found += page.attendus
        reste = page.suite
    return found, reste


def _done(attendu: Attendu) -> bool:
    return attendu.sort is not None and attendu.sort.termine_le is not None


def _tell(shown: list[Attendu], hypothese: Hypothese | None) -> None:
    print_table(
        ("décidé le", "numéro unique", "version", "nature", "guichet", "n°", "pourquoi", "à cet instant"),
        [
            (
                *(each.decidee_le, each.numero, each.version, each.nature, each.guichet),
                *(None if each.sort is None else each.sort.sequence, _reason(each), each.texte),
            )
            for each in shown
        ],
        vide="Rien n'était attendu.",
    )
    if hypothese is None:
        return
    say(f"À cet instant : version {hypothese.version} ({hypothese.nature}).")
    iraient = [code for code, verdict in hypothese.verdicts.items() if verdict.destinataire]
    say(f"Un changement serait allé à : {', '.join(iraient) or 'personne'}.")


def _reason(attendu: Attendu) -> str:
    if attendu.verdict is None:
        return "" if attendu.sort is None else attendu.sort.raison.value
    verdict = attendu.verdict
    if verdict.raison is Raison.FILTRE and verdict.filtre is not None:
        return f"filtre « {verdict.filtre.nom} », version {verdict.filtre.version}"
    return verdict.raison.value


def _value(attendu: Attendu) -> dict[str, object]:
    return {
        "numero": attendu.numero,
        "version": attendu.version,
        "nature": attendu.nature,
        "decidee_le": attendu.decidee_le,
        "guichet": attendu.guichet,
        "attendu": attendu.attendu,
        "pourquoi": _reason(attendu),
        "rompu": attendu.rompu,
        "texte": attendu.texte,
        "distribution": None if attendu.sort is None else asdict(attendu.sort),
    }


def _hypothesis(hypothese: Hypothese) -> dict[str, object]:
    return {
        "version": hypothese.version,
        "nature": hypothese.nature,
        "decidee_le": hypothese.decidee_le,
        "guichets": _verdicts(hypothese.verdicts),
    }


def _verdicts(verdicts: Mapping[str, Verdict]) -> list[dict[str, object]]:
    return [
        {
            "guichet": code,
            "destinataire": verdict.destinataire,
            "raison": verdict.raison.value,
            "filtre": None if verdict.filtre is None else verdict.filtre.nom,
            "droit": None if verdict.droit is None else verdict.droit.texte,
        }
        for code, verdict in verdicts.items()
    ]
