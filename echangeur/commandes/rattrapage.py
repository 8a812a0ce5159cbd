"""`echangeur distribution rattrapage`: the stock offered to a guichet whose filters are new or wider."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Final, Protocol

import typer
from rich.progress import TaskID
from sqlalchemy import Connection, Engine

from dispatching.offres import Offreur
from dispatching.parcours import count_offers
from dispatching.rattrapages import (
    EtatRattrapage,
    Rattrapage,
    Rythme,
    ask_rattrapage,
    cancel_rattrapage,
    check_rattrapage,
    list_rattrapages,
    pause_rattrapage,
    resume_rattrapage,
)
from echangeur.commandes.guichet import find, refusal
from echangeur.contexte import Json, contexte_of, instance_of, transaction
from echangeur.francais import Commande, create_group
from echangeur.progression import open_bar
from echangeur.saisie import Guichet, GuichetOuTous
from echangeur.sortie import ConstatNegatif, print_json, print_table, say
from registry.constats import Constat

app = create_group("Le rattrapage : offrir à un guichet le stock que ses filtres retiennent.")


_PAUSE: Final = 1.0


@app.command("lancer", cls=Commande)
def ask(
    ctx: typer.Context,
    guichet: Guichet,
    debit: Annotated[
        int | None,
        typer.Option(
            "--debit",
            min=1,
            max=60_000,
            help="Demandes offertes par minute, au plus.",
            show_default="la configuration",
        ),
    ] = None,
    attente: Annotated[
        int | None,
        typer.Option(
            "--attente",
            min=1,
            max=1_000_000,
            help="Distributions en attente au-delà desquelles rien de plus n'est offert.",
            show_default="la configuration",
        ),
    ] = None,
    essai: Annotated[
        bool, typer.Option("--essai", help="Compte ce qui serait offert, sans rien offrir.")
    ] = False,
    json: Json = False,
) -> None:
    """Offre à un guichet les demandes actives que ses filtres retiennent et qu'il ne détient pas.

    Le serveur les offre peu à peu, ce qui arrive entre-temps passant devant ; sans serveur, voyez
    `rattrapage faire`.
    """
    instance, instant = instance_of(ctx), contexte_of(ctx).clock.now()
    settings = instance.configuration.distribution
    with instance.database() as engine:
        if essai:
            with engine.connect() as conn, open_bar() as progress:
                known = check_rattrapage(conn, guichet, instant=instant)
                if isinstance(known, Constat):
                    raise refusal("Rien ne peut être offert", (known,))
                task = progress.add_task(f"Stock pour {guichet}", total=None)
                nombre = count_offers(conn, guichet, instant, lambda lues: progress.advance(task, lues))
            if json:
                print_json({"guichet": guichet, "offertes": nombre, "essai": True})
            else:
                say(f"{nombre} demande(s) seraient offertes à {guichet} (essai).")
            return
        rythme = Rythme(
            debit or settings.rattrapage_debit,
            attente or settings.rattrapage_attente,
            attente or settings.rattrapage_attente_retrait,
        )
        with engine.begin() as conn:
            asked = ask_rattrapage(conn, guichet, instant=instant, rythme=rythme)
    if isinstance(asked, Constat):
        raise refusal("Le rattrapage n'est pas lancé", (asked,))
    if json:
        print_json(_value(asked))
    else:
        say(f"Rattrapage {asked.id} de {guichet} lancé : {asked.total} demande(s) à examiner.")


@app.command("suivre", cls=Commande)
def follow(
    ctx: typer.Context,
    guichet: GuichetOuTous = None,
    json: Json = False,
) -> None:
    """Montre où en sont les rattrapages, le dernier demandé d'abord."""
    with transaction(ctx) as conn:
        found = list_rattrapages(conn, guichet)
    if json:
        print_json([_value(item) for item in found])
        return
    print_table(
        ("n°", "guichet", "état", "demandé le", "examinées", "sur", "offertes", "par minute", "fini le"),
        [
            (
                *(r.id, r.guichet, r.etat.value, r.demande_le, r.examinees, r.total, r.offertes, r.debit),
                r.termine_le,
            )
            for r in found
        ],
        vide="Aucun rattrapage.",
    )


@app.command("suspendre", cls=Commande)
def pause(ctx: typer.Context, guichet: Guichet) -> None:
    """Suspend le rattrapage en cours d'un guichet ; `rattrapage reprendre` le continue où il en était."""
    _move(ctx, guichet, pause_rattrapage, "suspendu", "en cours")


@app.command("reprendre", cls=Commande)
def resume(ctx: typer.Context, guichet: Guichet) -> None:
    """Reprend le rattrapage suspendu d'un guichet."""
    _move(ctx, guichet, resume_rattrapage, "repris", "suspendu")


@app.command("annuler", cls=Commande)
def cancel(ctx: typer.Context, guichet: Guichet) -> None:
    """Annule le rattrapage d'un guichet. Ce qui est déjà offert le reste."""
    _move(ctx, guichet, cancel_rattrapage, "annulé", "en cours")


@app.command("faire", cls=Commande)
def run(
    ctx: typer.Context,
    guichet: GuichetOuTous = None,
) -> None:
    """Fait avancer les rattrapages ici, à leur débit, jusqu'à leur fin, sans attendre un serveur.

    Peut s'interrompre et se relancer, serveur en marche ou non : rien n'est offert deux fois. Attend tant que
    le guichet a plus de distributions en attente que sa limite.
    """
    offreur = Offreur(contexte_of(ctx).clock)
    taches: dict[int, TaskID] = {}
    with instance_of(ctx).database() as engine, open_bar() as progress:
        while ouverts := _open(engine, guichet):
            for item in ouverts:
                if item.id not in taches:
                    taches[item.id] = progress.add_task(f"Rattrapage de {item.guichet}", total=item.total)
                progress.update(taches[item.id], completed=item.examinees)
            moved = offreur.step(engine, guichet)
            if moved is None:
                pause_for(_PAUSE)
            elif moved.termine_le is not None:
                say(f"Rattrapage de {moved.guichet} terminé : {moved.offertes} demande(s) offerte(s).")


def _open(engine: Engine, guichet: str | None) -> list[Rattrapage]:
    with engine.connect() as conn:
        found = list_rattrapages(conn, guichet)
    return [item for item in found if item.etat is EtatRattrapage.EN_COURS]


def pause_for(seconds: float) -> None:
    """Nothing is due yet."""
    time.sleep(seconds)


class _Mouvement(Protocol):
    def __call__(self, conn: Connection, guichet: str, *, instant: datetime) -> Rattrapage | None: ...


def _move(ctx: typer.Context, guichet: str, mouvement: _Mouvement, fait: str, attendu: str) -> None:
    with transaction(ctx) as conn:
        find(conn, guichet)
        done = mouvement(conn, guichet, instant=contexte_of(ctx).clock.now())
    if done is None:
        raise ConstatNegatif(f"Le guichet {guichet} n'a pas de rattrapage {attendu}.")
    say(f"Rattrapage de {guichet} {fait} : {done.offertes} demande(s) offerte(s).")


def _value(item: Rattrapage) -> dict[str, object]:
    value = asdict(item)
    del value["portee"], value["apres"]
    return value
