"""`echangeur alertes`: what is wrong now, what was, and the planned stops."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Annotated

import typer

from echangeur.alertes import create_veilleur
from echangeur.contexte import Json, contexte_of, instance_of, machine_account, transaction
from echangeur.francais import Commande, create_group
from echangeur.saisie import of_paris
from echangeur.sortie import Code, ConstatNegatif, MauvaisUsage, note, print_json, print_table, say
from mailflows.alertes.catalogue import GENRES
from mailflows.alertes.garde import add_sourdine, end_sourdine, list_closes, list_ouvertes, list_sourdines
from mailflows.alertes.regles import Trouvee
from mailflows.alertes.suivi import Alerte
from registry.guichets_store import get_guichet

app = create_group("Les alertes : ce qui ne va pas, ce qui est rentré dans l'ordre, les arrêts prévus.")

Guichet = Annotated[str, typer.Option("--guichet", help="Code du guichet concerné.", show_default=False)]


@app.command("lister", cls=Commande)
def list_all(
    ctx: typer.Context,
    guichet: Guichet = "",
    closes: Annotated[
        bool, typer.Option("--closes", help="Les alertes closes, les dernières d'abord.")
    ] = False,
    limite: Annotated[int, typer.Option("--limite", min=1, max=10_000, help="Alertes closes au plus.")] = 100,
    json: Json = False,
) -> None:
    """Liste les alertes ouvertes. Code de retour 1 s'il y en a."""
    wanted = [guichet] if guichet else None
    with transaction(ctx) as conn:
        found = list_closes(conn, wanted, limite=limite) if closes else list_ouvertes(conn, wanted)
    if json:
        print_json(found)
    else:
        print_table(
            ("code", "guichet", "ouverte le", "close le", "alerte"),
            [(each.code, each.guichet, each.ouverte_le, each.close_le, sentence(each)) for each in found],
            vide="Aucune alerte.",
        )
    if found and not closes:
        raise typer.Exit(Code.CONSTAT)


@app.command("evaluer", cls=Commande)
def watch_once(
    ctx: typer.Context,
    essai: Annotated[
        bool, typer.Option("--essai", help="Dit ce qui est trouvé, sans rien garder ni envoyer.")
    ] = False,
    json: Json = False,
) -> None:
    """Fait un tour de surveillance maintenant, et envoie ce qui est dû.

    Les processus `worker` et `courrier` en font un à chaque `alertes.cadence` ; un seul processus à la fois
    le fait.
    """
    instance = instance_of(ctx)
    with instance.database() as engine:
        veilleur = create_veilleur(instance, engine, contexte_of(ctx).clock)
        if essai:
            found = veilleur.try_out()
            _show_found(found, json)
            return
        bilan = asyncio.run(veilleur.tour())
    if bilan is None:
        raise ConstatNegatif("Un autre processus fait ce tour en ce moment.", "Relancez dans un instant.")
    if json:
        print_json(bilan)
        return
    say(
        f"{bilan.ouvertes} alerte(s) ouverte(s), dont {bilan.nouvelles} nouvelle(s) ; {bilan.closes} close(s)"
        f" ; {bilan.courriers} courrier(s) envoyé(s)."
    )


@app.command("taire", cls=Commande)
def mute(
    ctx: typer.Context,
    du: Annotated[
        datetime | None, typer.Option("--du", help="Début, heure de Paris ; maintenant sans lui.")
    ] = None,
    au: Annotated[datetime | None, typer.Option("--au", help="Fin, heure de Paris.")] = None,
    heures: Annotated[
        float | None, typer.Option("--heures", min=0.1, max=2_000, help="Durée, au lieu de la fin.")
    ] = None,
    guichet: Guichet = "",
    code: Annotated[
        str, typer.Option("--code", help="Code de l'alerte ; toutes sans lui.", show_default=False)
    ] = "",
    motif: Annotated[str, typer.Option("--motif", help="Pourquoi, pour les autres exploitants.")] = "",
) -> None:
    """N'envoie rien pendant un arrêt prévu, d'un guichet, d'un code, ou de tous.

    Les alertes s'ouvrent et se lisent tout de même ; ce qui dure encore après l'arrêt est dit alors.
    """
    now = contexte_of(ctx).clock.now()
    debut = now if du is None else of_paris(du)
    fin = debut + timedelta(hours=heures) if heures is not None else of_paris(au)
    if fin is None or (au is not None and heures is not None):
        raise MauvaisUsage("Il faut la fin de l'arrêt, ou sa durée.", "Ajoutez --au ou --heures.")
    if fin <= max(debut, now):
        raise MauvaisUsage("L'arrêt finit avant de commencer, ou est déjà passé.", "Corrigez --au.")
    if code and code not in GENRES:
        raise MauvaisUsage(f"Aucune alerte n'a le code {code}.", f"L'un de : {', '.join(GENRES)}")
    with transaction(ctx) as conn:
        if guichet and get_guichet(conn, guichet) is None:
            raise ConstatNegatif(f"Aucun guichet n'a le code {guichet}.")
        identifiant = add_sourdine(
            conn, du=debut, au=fin, code=code, guichet=guichet, motif=motif, par=machine_account()
        )
    say(f"Arrêt {identifiant} : rien ne sera envoyé avant sa fin.")


@app.command("arrets", cls=Commande)
def list_mutes(ctx: typer.Context, json: Json = False) -> None:
    """Liste les arrêts prévus ou en cours."""
    with transaction(ctx) as conn:
        found = list_sourdines(conn, contexte_of(ctx).clock.now())
    if json:
        print_json(found)
        return
    print_table(
        ("arrêt", "du", "au", "guichet", "code", "motif", "par"),
        [(s.id, s.du, s.au, s.guichet or "tous", s.code or "tous", s.motif, s.posee_par) for s in found],
        vide="Aucun arrêt prévu.",
    )


@app.command("reprendre", cls=Commande)
def unmute(
    ctx: typer.Context,
    arret: Annotated[int, typer.Argument(metavar="ARRET", help="Numéro de l'arrêt, de `arrets`.")],
) -> None:
    """Finit un arrêt avant son terme, ou y renonce : ce qui est ouvert est dit au prochain tour."""
    with transaction(ctx) as conn:
        ended = end_sourdine(conn, arret, instant=contexte_of(ctx).clock.now())
    if not ended:
        raise ConstatNegatif(f"Aucun arrêt {arret} n'est en cours ni prévu.", "echangeur alertes arrets")
    say(f"Arrêt {arret} fini.")


def sentence(alerte: Alerte | Trouvee) -> str:
    """What an alert says."""
    code = alerte.code if isinstance(alerte, Alerte) else alerte.genre.code
    return GENRES[code].type.texte.format(constat=alerte.constat, attendu=alerte.attendu)


def _show_found(found: Collection[Trouvee], json: bool) -> None:
    lines = [
        {"code": each.genre.code, "guichet": each.guichet, "objet": each.objet, "alerte": sentence(each)}
        for each in found
    ]
    if json:
        print_json(lines)
        return
    print_table(
        ("code", "guichet", "objet", "alerte"), [tuple(each.values()) for each in lines], vide="Rien."
    )
    note("Essai : rien n'est gardé ni envoyé.")
