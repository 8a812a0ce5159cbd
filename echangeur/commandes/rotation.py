"""`echangeur certificat rotation`: changing the keys of the hub."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from certs.autorite import CLES, P256
from certs.paire import load_paire
from certs.rotation import CLES_DU_COURRIER, prepare_given, prepare_issued
from certs.rotation import purge as purge_keys
from certs.rotation import switch as switch_keys
from certs.trousseau import (
    CONSERVATION,
    SIX_USAGES,
    Clef,
    UsageCle,
    UsageRotation,
)
from echangeur.cles import read_trousseau
from echangeur.contexte import Json, contexte_of, instance_of
from echangeur.francais import Commande, create_group
from echangeur.instance import Instance
from echangeur.lieux import COURRIER, NOM_CLIENT
from echangeur.sortie import ConstatNegatif, MauvaisUsage, print_json, print_table, say

app = create_group("Les clés du courrier de l'échangeur : préparer, basculer, retirer.")


@app.command("etat", cls=Commande)
def show(ctx: typer.Context, json: Json = False) -> None:
    """Montre les clés de l'échangeur et, pour chacun des six usages, celles qui servent maintenant."""
    now, trousseau = contexte_of(ctx).clock.now(), read_trousseau(instance_of(ctx))
    uses = {
        rotation: [paire.certificat.empreinte for paire in trousseau.pour(rotation, now)]
        for rotation, regle in SIX_USAGES.items()
        if regle.proprietaire == "échangeur"
    }
    if json:
        print_json({"cles": [_value(each) for each in trousseau.clefs], "usages": uses})
        return
    print_table(
        ("empreinte", "usages", "état", "valide jusqu'au"),
        [
            (each.empreinte, ", ".join(sorted(each.usages)), each.etat, each.paire.certificat.valide_au)
            for each in trousseau.clefs
        ],
        vide="Aucune clé : echangeur certificat rotation preparer",
    )
    print_table(
        ("usage", "clés"),
        [
            (use, ", ".join(each[:16] for each in uses[use]) or "aucune")
            if use in uses
            else (use, "celles du partenaire")
            for use in UsageRotation
        ],
        vide="",
    )


@app.command("preparer", cls=Commande)
def prepare(
    ctx: typer.Context,
    usage: Annotated[
        list[UsageCle] | None,
        typer.Option("--usage", help="Usage, répétable ; sans lui, une clé par usage du courrier."),
    ] = None,
    cle: Annotated[str, typer.Option("--cle", help=f"Genre de clé : {', '.join(CLES)}.")] = P256,
    identite: Annotated[
        Path | None,
        typer.Option(
            "--identite", help="Dossier (cert.pem, key.pem) d'un certificat émis ailleurs.", file_okay=False
        ),
    ] = None,
) -> None:
    """Prépare la clé suivante : elle déchiffre aussitôt ce qui arrive, et ne signe rien encore.

    Transmettez ensuite son certificat aux partenaires, attendez qu'ils l'aient enregistré, répétez, basculez.
    """
    if cle not in CLES:
        raise MauvaisUsage(f"Le genre de clé « {cle} » n'existe pas.", f"L'un de : {', '.join(CLES)}.")
    instance, now = instance_of(ctx), contexte_of(ctx).clock.now()
    read_trousseau(instance)
    if identite is not None:
        try:
            paire = load_paire((identite / "cert.pem").read_bytes(), (identite / "key.pem").read_bytes())
        except (OSError, ValueError) as error:
            raise MauvaisUsage(f"{identite} : {error}", "cert.pem et key.pem, en PEM.") from error
        prepare_given(_dossier(instance), paire, usage or CLES_DU_COURRIER, instant=now)
        say(f"Clé {paire.certificat.empreinte} préparée.")
        return
    autorite = instance.load_autorite()
    ensembles = [frozenset(usage)] if usage else [frozenset({each}) for each in CLES_DU_COURRIER]
    made = prepare_issued(_dossier(instance), autorite, ensembles, nom=NOM_CLIENT, instant=now, cle=cle)
    for each in made:
        say(f"Clé {each.empreinte} préparée : {', '.join(sorted(each.usages))}.")


@app.command("basculer", cls=Commande)
def switch(
    ctx: typer.Context,
    empreinte: Annotated[
        str | None, typer.Argument(metavar="[EMPREINTE]", help="Clé préparée ; sans elle, toutes.")
    ] = None,
) -> None:
    """Met en service les clés préparées. Celles qu'elles remplacent déchiffrent encore trente jours."""
    instance, now = instance_of(ctx), contexte_of(ctx).clock.now()
    read_trousseau(instance)
    named = () if empreinte is None else (empreinte.replace(":", "").lower(),)
    try:
        done = switch_keys(_dossier(instance), named, instant=now)
    except ValueError as error:
        raise ConstatNegatif(str(error), "Voir : echangeur certificat rotation etat") from None
    if not done:
        raise ConstatNegatif("Aucune clé n'est préparée.", "D'abord : echangeur certificat rotation preparer")
    say(f"{len(done)} clé(s) en service.")


@app.command("purger", cls=Commande)
def purge(ctx: typer.Context) -> None:
    """Détruit les clés remplacées depuis plus de trente jours : aucun message en chemin n'en a besoin."""
    instance, now = instance_of(ctx), contexte_of(ctx).clock.now()
    read_trousseau(instance)
    finies = purge_keys(_dossier(instance), instant=now)
    say(f"{len(finies)} clé(s) détruite(s) ; une clé est gardée {CONSERVATION.days} jours après son retrait.")


def _dossier(instance: Instance) -> Path:
    return instance.dossier / COURRIER


def _value(clef: Clef) -> dict[str, object]:
    return {
        "empreinte": clef.empreinte,
        "usages": sorted(clef.usages),
        "etat": clef.etat,
        "valide_au": clef.paire.certificat.valide_au,
        "prepare_le": clef.prepare_le,
        "actif_le": clef.actif_le,
        "retire_le": clef.retire_le,
    }
