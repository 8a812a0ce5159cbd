"""`echangeur distribution`: who gets what, why, and what has not arrived."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer

from dispatching.attente import list_waiting
from dispatching.deliveries import Distribution, Etat, list_distributions, replay
from dispatching.disjoncteurs import lift, list_disjoncteurs
from dispatching.explanation import Explication, explain_distribution
from dispatching.incidents import list_incidents
from dispatching.rebut import summarise
from dispatching.transport import Cause
from echangeur.commandes.attendus import show_expected
from echangeur.commandes.guichet import find
from echangeur.commandes.manifeste import show_manifeste
from echangeur.commandes.rapprochement import reconcile_list
from echangeur.contexte import Json, contexte_of, transaction
from echangeur.francais import Commande, create_group
from echangeur.saisie import Guichet, of_paris, read_identifiant
from echangeur.sortie import (
    ConstatNegatif,
    MauvaisUsage,
    french,
    print_fiche,
    print_json,
    print_table,
    say,
)
from filters.language import condition_to_json
from registry.guichets import CanalDistribution

_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]

app = create_group("Les distributions : qui reçoit chaque demande, et pourquoi.")
app.command("manifeste", cls=Commande)(show_manifeste)
app.command("rapprocher", cls=Commande)(reconcile_list)
app.command("attendus", cls=Commande)(show_expected)


@app.command("lister", cls=Commande)
def list_all(
    ctx: typer.Context,
    guichet: Annotated[str | None, typer.Option("--guichet", help="Celles de ce guichet seulement.")] = None,
    numero: Annotated[str | None, typer.Option("--numero", help="Celles de cette demande seulement.")] = None,
    etat: Annotated[Etat | None, typer.Option("--etat", help="Celles dans cet état seulement.")] = None,
    apres: Annotated[
        int | None,
        typer.Option("--apres", min=0, help="Celles dont le numéro d'ordre chez le guichet suit celui-ci."),
    ] = None,
    limite: Annotated[
        int, typer.Option("--limite", min=1, max=100_000, help="Nombre de distributions.")
    ] = 1_000,
    json: Json = False,
) -> None:
    """Liste les distributions, par guichet et numéro d'ordre."""
    with transaction(ctx) as conn:
        found = list_distributions(
            conn, guichet=guichet, numero=numero, etat=etat, apres=apres, limite=limite
        )
    if json:
        print_json([_value(item) for item in found])
        return
    print_table(
        ("guichet", "n°", "numéro unique", "version", "nature", "raison", "état", "essais", "créée le"),
        [
            (d.guichet, d.sequence, d.numero, d.version, d.nature, d.raison.value, *_progress(d))
            for d in found
        ],
        vide="Aucune distribution.",
    )


@app.command("attente", cls=Commande)
def waiting(ctx: typer.Context, json: Json = False) -> None:
    """Montre, par guichet, ce qui n'est pas arrivé et depuis quand, le plus ancien d'abord.

    Un guichet qui vient chercher ses distributions n'est jamais en échec : seul l'âge de ce qui l'attend, et
    la date de son dernier passage, disent qu'il ne vient plus.
    """
    instant = contexte_of(ctx).clock.now()
    with transaction(ctx) as conn:
        found = list_waiting(conn)
    if json:
        print_json([{**asdict(item), "age_jours": (instant - item.depuis_le).days} for item in found])
        return
    print_table(
        ("guichet", "nom", "canal", "en attente", "en échec", "depuis le", "jours", "venu le", "suspendu"),
        [
            (
                *(item.guichet, item.nom, item.canal.value, item.en_attente, item.en_echec),
                *(item.depuis_le, (instant - item.depuis_le).days, item.retrait_le, item.suspendu_jusqu_a),
            )
            for item in found
        ],
        vide="Tout est arrivé.",
    )


@app.command("expliquer", cls=Commande)
def explain(
    ctx: typer.Context,
    numero: Annotated[str, typer.Argument(metavar="NUMERO", help="Numéro unique de la demande.")],
    guichet: Guichet,
    version: Annotated[
        int | None,
        typer.Option("--version", min=1, help="Version de la demande.", show_default="la dernière"),
    ] = None,
    json: Json = False,
) -> None:
    """Explique pourquoi un guichet a reçu une demande, ou ne l'a pas reçue.

    L'explication est celle de la décision d'alors : droits et filtres tels qu'ils étaient, valeurs comparées,
    et le plus petit changement qui aurait donné l'inverse.
    """
    with transaction(ctx) as conn:
        found = explain_distribution(conn, numero, guichet, version=version)
        if found is None or found.verdict is None:
            find(conn, guichet)
    if found is None:
        raise ConstatNegatif(f"Rien n'a été décidé pour la demande {numero}{_of_version(version)}.")
    if json:
        print_json(_explanation(found))
        return
    say(f"{'Reçoit' if found.destinataire else 'Ne reçoit pas'} : {found.texte}.")
    for conseil in found.conseils:
        say(f"L'inverse si : {conseil}.")
    droit = found.verdict.droit if found.verdict else None
    print_fiche(
        [
            ("demande", f"{found.numero}, version {found.version} ({found.nature})"),
            ("envoyée par", found.auteur),
            ("décidé le", found.decidee_le),
            ("droit de lecture", droit.texte if droit else ""),
            ("distribution", found.distribution.id if found.distribution else ""),
            ("état", found.distribution.etat.value if found.distribution else ""),
        ]
    )
    for essai in found.tentatives:
        issue = essai.issue or "en cours"
        say(f"essai {essai.rang} du {french(essai.commencee_le)} : {issue} {essai.detail}".rstrip())
    for echange, lu_le in found.lectures:
        say(f"lue par le guichet le {french(lu_le)} : échange {echange}")


@app.command("rejouer", cls=Commande)
def replay_failed(
    ctx: typer.Context,
    identifiants: Annotated[
        list[str] | None, typer.Argument(metavar="[IDENTIFIANT]...", help="Distributions à reprendre.")
    ] = None,
    guichet: Annotated[str | None, typer.Option("--guichet", help="Celles de ce guichet.")] = None,
    cause: Annotated[Cause | None, typer.Option("--cause", help="Celles qui ont échoué ainsi.")] = None,
    depuis: Annotated[
        datetime | None,
        typer.Option("--depuis", formats=_FORMATS, help="Celles en échec depuis cet instant."),
    ] = None,
    avant: Annotated[
        datetime | None, typer.Option("--avant", formats=_FORMATS, help="Celles en échec avant cet instant.")
    ] = None,
    tout: Annotated[bool, typer.Option("--tout", help="Toutes celles de tous les guichets.")] = False,
) -> None:
    """Reprend des distributions en échec : celles désignées, ou celles qui répondent à tous les critères.

    Elles repartent avec le même identifiant et le même numéro d'ordre ; leurs essais et leur échéance
    recommencent. Ce qui a été acquitté n'est jamais renvoyé.
    """
    criteres = any(each is not None for each in (guichet, cause, depuis, avant))
    if sum((bool(identifiants), criteres, tout)) != 1:
        raise MauvaisUsage(
            "Donnez des identifiants, ou --guichet, --cause, --depuis et --avant, ou bien --tout."
        )
    ids = [read_identifiant(text, "de distribution") for text in identifiants] if identifiants else None
    with transaction(ctx) as conn:
        if guichet is not None:
            find(conn, guichet)
        count = replay(
            conn,
            instant=contexte_of(ctx).clock.now(),
            guichet=guichet,
            ids=ids,
            cause=cause,
            depuis=of_paris(depuis),
            avant=of_paris(avant),
        )
    say(f"{count} distribution(s) reprise(s).")


@app.command("rebut", cls=Commande)
def failed(ctx: typer.Context, json: Json = False) -> None:
    """Compte ce qui est en échec, par guichet et par cause, avec la période ; `rejouer` le reprend."""
    with transaction(ctx) as conn:
        found = summarise(conn)
    if json:
        print_json([asdict(item) for item in found])
        return
    print_table(
        ("guichet", "cause", "nombre", "depuis le", "jusqu'au"),
        [(item.guichet, item.cause, item.nombre, item.premier_le, item.dernier_le) for item in found],
        vide="Rien n'est en échec.",
    )


@app.command("disjoncteurs", cls=Commande)
def breakers(
    ctx: typer.Context,
    guichet: Annotated[str | None, typer.Option("--guichet", help="Ceux de ce guichet seulement.")] = None,
    json: Json = False,
) -> None:
    """Montre les canaux qui échouent : disjoncteur fermé, ouvert ou demi-ouvert, cause, prochaine sonde."""
    instant = contexte_of(ctx).clock.now()
    with transaction(ctx) as conn:
        found = list_disjoncteurs(conn, guichet)
    if json:
        print_json([{"etat": item.etat(instant).value, **asdict(item)} for item in found])
        return
    print_table(
        (
            "guichet",
            "canal",
            "disjoncteur",
            "échecs",
            "refus",
            "ouvert le",
            "rien avant le",
            "cause",
            "détail",
        ),
        [
            (
                *(item.guichet, item.canal.value, item.etat(instant).value, item.echecs, item.refus),
                *(item.ouvert_le, item.suspendu_jusqu_a, item.cause, item.detail),
            )
            for item in found
        ],
        vide="Aucun canal n'échoue.",
    )


@app.command("lever", cls=Commande)
def lift_breaker(
    ctx: typer.Context,
    guichet: Guichet,
    canal: Annotated[
        CanalDistribution | None,
        typer.Option("--canal", help="Celui de ce canal seulement.", show_default="tous"),
    ] = None,
) -> None:
    """Lève le disjoncteur d'un guichet : ce qui l'attend repart aussitôt, sans sonde."""
    with transaction(ctx) as conn:
        find(conn, guichet)
        count = lift(conn, guichet, canal, instant=contexte_of(ctx).clock.now())
    say(f"Guichet {guichet} : {count} disjoncteur(s) levé(s).")


@app.command("incidents", cls=Commande)
def incidents(
    ctx: typer.Context,
    guichet: Annotated[str | None, typer.Option("--guichet", help="Ceux de ce guichet seulement.")] = None,
    limite: Annotated[int, typer.Option("--limite", min=1, max=10_000, help="Nombre d'incidents.")] = 100,
    json: Json = False,
) -> None:
    """Montre ce qui est arrivé aux canaux des guichets, le plus récent d'abord."""
    with transaction(ctx) as conn:
        found = list_incidents(conn, guichet, limite=limite)
    if json:
        print_json([asdict(item) for item in found])
        return
    print_table(
        ("le", "guichet", "canal", "incident", "détail"),
        [(item.le, item.guichet, item.canal.value, item.genre.value, item.detail) for item in found],
        vide="Aucun incident.",
    )


def _of_version(version: int | None) -> str:
    return "" if version is None else f" en version {version}"


def _explanation(found: Explication) -> dict[str, object]:
    verdict = found.verdict
    return {
        "numero": found.numero,
        "version": found.version,
        "nature": found.nature,
        "guichet": found.guichet,
        "auteur": found.auteur,
        "decidee_le": found.decidee_le,
        "destinataire": found.destinataire,
        "raison": verdict.raison.value if verdict else "inconnu-alors",
        "texte": found.texte,
        "conseils": found.conseils,
        "droit": None
        if verdict is None or verdict.droit is None
        else {
            "accorde": verdict.droit.accorde,
            "motif": verdict.droit.motif.value,
            "texte": verdict.droit.texte,
        },
        "filtres": [
            {
                "nom": item.version.nom,
                "version": item.version.version,
                "correspond": item.explication.correspond,
                "conditions": [
                    {
                        "critere": constat.condition.critere,
                        "satisfaite": constat.satisfaite,
                        "filtre": condition_to_json(constat.condition),
                        "demande": sorted(constat.valeur)
                        if isinstance(constat.valeur, frozenset)
                        else constat.valeur,
                        "texte": constat.texte,
                    }
                    for constat in item.explication.constats
                ],
                "changements": [changement.texte for changement in item.explication.changements],
            }
            for item in found.filtres
        ],
        "distribution": _value(found.distribution) if found.distribution else None,
        "tentatives": found.tentatives,
        "lectures": [{"echange": str(echange), "lu_le": lu_le} for echange, lu_le in found.lectures],
    }


def _progress(item: Distribution) -> tuple[object, ...]:
    return (item.etat.value, item.tentatives, item.cree_le)


def _value(item: Distribution) -> dict[str, object]:
    return {
        "id": str(item.id),
        "guichet": item.guichet,
        "sequence": item.sequence,
        "numero": item.numero,
        "version": item.version,
        "nature": item.nature,
        "raison": item.raison.value,
        "filtre": item.filtre,
        "filtre_version": item.filtre_version,
        "etat": item.etat.value,
        "cree_le": item.cree_le,
        "prochaine_tentative": item.prochaine_tentative,
        "tentatives": item.tentatives,
        "termine_le": item.termine_le,
        "cause": item.cause and item.cause.value,
    }
