"""`echangeur registre taches`: what the registry does by itself, once a day."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from sqlalchemy import Engine

from dispatching.balayage import sweep
from dispatching.decision import Distributeur, Sortie
from dispatching.manifestes import produce
from echangeur.cles import watched_keys
from echangeur.config import Configuration
from echangeur.contexte import Json, contexte_of, instance_of, trace_reading
from echangeur.courrier import cut_off_of, load_cles
from echangeur.progression import open_spinner
from echangeur.sortie import MauvaisUsage, note, print_json, say
from echangeur.taches import Tache
from mailflows.alertes.lecture import record_tache
from mailflows.avis import post_avis
from mailflows.manifestes import post_manifestes
from mailflows.purge import purge
from registry.controles import PARIS
from registry.depots_taches import Avis, erase_depots, expire_depots, tell
from registry.effacement import erase, erase_exchanges, limite_of
from registry.preavis import Preavis, produce_notices
from registry.projection import Projection, redate
from registry.radiations_office import radiate_expired
from registry.surveillance_certificats import produce_avis
from registry.traces import erase_traces


def run_tasks(
    ctx: typer.Context,
    taches: Annotated[
        list[Tache] | None,
        typer.Argument(metavar="[TACHE]...", help=f"{', '.join(Tache)} ; toutes sans rien."),
    ] = None,
    essai: Annotated[
        bool, typer.Option("--essai", help="Dit ce qui serait fait, sans rien changer.")
    ] = False,
    sortie: Annotated[
        Path | None,
        typer.Option("--sortie", help="Fichier CSV où écrire la liste nominative des préavis à envoyer."),
    ] = None,
    sortie_avis: Annotated[
        Path | None,
        typer.Option(
            "--avis", help="Fichier CSV où écrire la liste nominative des dépôts refusés dont prévenir."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Fait les tâches quotidiennes : manifestes, préavis, radiations, dépôts, avis, effacements, délais,
    balayage, certificats.

    À lancer une fois par jour, serveur en marche ou non ; la relancer ne fait rien deux fois. Les préavis
    sont produits à deux mois et à un mois de l'échéance ; une demande n'est radiée qu'un mois après
    l'échéance et si elle a été prévenue ; ses données nominatives sont effacées un an après sa radiation. Les
    délais anormalement longs en vigueur ce jour sont appliqués à toutes les demandes ; le balayage offre
    celles qu'un âge, une ancienneté ou un délai atteints font entrer dans un filtre, et dit la sortie de
    celles qu'ils en font sortir, si la configuration le veut.

    Les manifestes des jours finis sont établis et signés pour chaque guichet, et envoyés à ceux du canal
    courrier ; les jours en retard sont rattrapés.

    Un dépôt du portail qui n'est pas validé à temps est invalidé ; sans --avis, ceux qu'il faut prévenir
    attendent, et leurs données avec eux. Un brouillon laissé est effacé.

    La fin d'un certificat sans successeur est dite dès 60 jours avant, puis tous les 14 jours ; un guichet
    du canal courrier en est averti par un courrier signé, les autres par vous (`certificat avis`).
    """
    instance, clock = instance_of(ctx), contexte_of(ctx).clock
    regles, instant = instance.configuration.regles, clock.now()
    faits: dict[str, int] = {}
    choisies = [tache for tache in Tache if not taches or tache in taches]
    if Tache.PREAVIS in choisies and not essai and sortie is None:
        raise MauvaisUsage(
            "Les préavis produits doivent être écrits quelque part.",
            "Ajoutez --sortie preavis.csv, ou --essai pour seulement les compter.",
        )
    with instance.database() as engine, _progress() as advance:
        for tache in choisies:
            match tache:
                case Tache.MANIFESTES:
                    faits["manifestes"] = _prove(ctx, engine, essai, advance)
                    faits["manifestes_postes"] = 0
                    if instance.configuration.courrier.actif and not essai:
                        with engine.begin() as conn:
                            fin = cut_off_of(instance)
                            faits["manifestes_postes"] = post_manifestes(
                                conn, instant=instant, configuree=fin
                            )
                case Tache.PREAVIS:
                    trouves = produce_notices(engine, regles, instant, essai=essai, progress=advance)
                    ecrits = _write(trouves, sortie, Preavis)
                    faits["preavis"] = len(ecrits)
                    if sortie is not None and ecrits:
                        with engine.begin() as conn:
                            trace_reading(ctx, conn, *ecrits)
                case Tache.RADIATIONS:
                    decideur = Projection(
                        Distributeur(clock, Sortie(instance.configuration.distribution.sortie))
                    )
                    radiees = radiate_expired(
                        engine, regles, instant, decideur, essai=essai, progress=advance
                    )
                    faits["radiations"] = sum(1 for _ in radiees)
                case Tache.DEPOTS:
                    faits["depots_expires"] = expire_depots(
                        engine, regles, instant, essai=essai, progress=advance
                    )
                case Tache.AVIS:
                    # Without a file they wait: counted, and kept for the day when there is one.
                    a_prevenir = tell(engine, instant, essai=essai or sortie_avis is None)
                    ecrits = _write(a_prevenir, sortie_avis, Avis)
                    faits["avis"] = len(ecrits)
                    if sortie_avis is not None and ecrits:
                        with engine.begin() as conn:
                            trace_reading(ctx, conn, *ecrits)
                case Tache.EFFACEMENTS:
                    effacees = erase(engine, regles, instant, essai=essai, progress=advance)
                    faits["depots_effaces"] = erase_depots(
                        engine, regles, instant, essai=essai, progress=advance
                    )
                    faits["demandes_effacees"] = sum(1 for _ in effacees)
                    faits["echanges_effaces"] = erase_exchanges(engine, regles, instant, essai=essai)
                    faits["courriers_effaces"] = _purge_mail(engine, instance.configuration, instant, essai)
                    faits["traces_effacees"] = erase_traces(
                        engine, regles, instant, essai=essai, progress=advance
                    )
                case Tache.DELAIS:
                    jour = instant.astimezone(PARIS).date()
                    faits["delais"] = redate(engine, jour, essai=essai, progress=advance)
                case Tache.BALAYAGE:
                    sorties = Sortie(instance.configuration.distribution.sortie)
                    balayees = sweep(engine, instant, sorties, essai=essai, progress=advance)
                    faits["balayage"] = balayees.entrees
                    faits["balayage_sorties"] = balayees.sorties
                case Tache.CERTIFICATS:
                    with engine.begin() as conn:
                        avis = produce_avis(conn, instant, siens=watched_keys(instance), essai=essai)
                        par_courrier = instance.configuration.courrier.actif and not essai
                        postes = post_avis(conn, instant=instant) if par_courrier else ()
                    faits["avis_certificats"] = len(avis)
                    faits["avis_postes"] = len(postes)
                    for each in avis:
                        note(f"{each.texte}{' Avis envoyé par courrier.' if each in postes else ''}")
            if not essai:
                with engine.begin() as conn:
                    record_tache(conn, tache, instant)
    if json:
        print_json({"essai": essai, **faits})
        return
    textes = {
        "manifestes": "manifeste(s) de distributions établi(s)",
        "manifestes_postes": "manifeste(s) envoyé(s) par courrier signé",
        "preavis": "préavis produit(s)",
        "radiations": "demande(s) radiée(s) pour non-renouvellement",
        "depots_expires": "dépôt(s) invalidé(s) faute de validation",
        "avis": "demandeur(s) à prévenir d'un dépôt refusé",
        "depots_effaces": "brouillon(s) et dépôt(s) effacé(s)",
        "demandes_effacees": "demande(s) effacée(s)",
        "echanges_effaces": "message(s) reçu(s) sans suite effacé(s)",
        "courriers_effaces": "courrier(s) reçu(s) ou envoyé(s) effacé(s)",
        "traces_effacees": "trace(s) de lecture effacée(s)",
        "delais": "délai(s) anormalement long(s) recalculé(s)",
        "balayage": "demande(s) que le temps fait entrer dans un filtre",
        "balayage_sorties": "demande(s) que le temps fait sortir de tous les filtres de leur détenteur",
        "avis_certificats": "avis de fin de certificat",
        "avis_postes": "avis envoyé(s) au guichet par courrier signé",
    }
    for nom, nombre in faits.items():
        say(f"{nombre} {textes[nom]}{' (essai)' if essai else ''}.")


def _prove(ctx: typer.Context, engine: Engine, essai: bool, progress: Callable[[int], None]) -> int:
    """The manifests made; what keeps one from being made is told, and keeps nothing else from being done."""
    clock = contexte_of(ctx).clock
    made = 0
    try:
        cles = load_cles(instance_of(ctx), clock)
    except MauvaisUsage as error:
        note(f"Aucun manifeste ne peut être signé. {error.message}")
        return made
    for etabli in produce(engine, cles.signataire, clock.now(), essai=essai, progress=progress):
        made += not etabli.rompu
        if etabli.rompu:
            note(
                f"Guichet {etabli.guichet} : les numéros d'ordre du {etabli.jour:%d/%m/%Y} ne se suivent"
                " pas ; ce manifeste ne peut être établi, ni les suivants."
            )
    return made


def _purge_mail(engine: Engine, configuration: Configuration, instant: datetime, essai: bool) -> int:
    """Messages received and sent whose bytes are erased ([COU-70])."""
    avant = instant - timedelta(days=configuration.courrier.conservation)
    with engine.connect() as conn:
        nombre = sum(purge(conn, avant, limite_of(configuration.regles, instant), instant=instant))
        if essai:
            conn.rollback()
        else:
            conn.commit()
    return nombre


def _write(trouves: Iterable[Preavis | Avis], sortie: Path | None, ligne: type[Preavis | Avis]) -> list[str]:
    """Write the notices as they come, under the names of their fields; what each is about."""
    if sortie is None:
        return [_about(avis) for avis in trouves]
    ecrits = []
    # Appended to: the list of a task interrupted and run again is the sum of both.
    with sortie.open("a", encoding="utf-8", newline="") as fichier:
        ecrivain = csv.writer(fichier, delimiter=";")
        if fichier.tell() == 0:
            ecrivain.writerow(ligne.__dataclass_fields__)
        for avis in trouves:
            ecrivain.writerow(msgspec.to_builtins(avis).values())
            ecrits.append(_about(avis))
    return ecrits


def _about(avis: Preavis | Avis) -> str:
    return avis.numero if isinstance(avis, Preavis) else avis.depot


@contextmanager
def _progress() -> Iterator[Callable[[int], None]]:
    with open_spinner("{task.description} : {task.completed} examiné(s)") as progress:
        task = progress.add_task("Tâches du registre", total=None)
        yield lambda nombre: progress.advance(task, nombre)
