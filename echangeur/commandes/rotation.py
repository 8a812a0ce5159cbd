"""`echangeur certificat rotation`: changing the keys of the hub."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final

import typer

from certs.autorite import CLES, P256
from certs.lecture import Certificat, read_certificat
from certs.paire import load_paire
from certs.trousseau import (
    CONSERVATION,
    SIX_USAGES,
    Clef,
    EtatCle,
    Trousseau,
    UsageCle,
    UsageRotation,
    keep,
    load_trousseau,
    save,
)
from echangeur.contexte import Json, contexte_of, instance_of
from echangeur.francais import Commande, create_group
from echangeur.instance import CLIENT, COURRIER, NOM_CLIENT, SERVEUR, Instance
from echangeur.sortie import ConstatNegatif, MauvaisUsage, print_json, print_table, say
from registry.surveillance_certificats import Surveille
from registry.usages_certificats import UsageCertificat

app = create_group("Les clés du courrier de l'échangeur : préparer, basculer, retirer.")

DUREE: Final = timedelta(days=1095)

CLES_DU_COURRIER: Final = (UsageCle.SIGNATURE, UsageCle.CHIFFREMENT)


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
    dossier, trousseau = _dossier(instance), read_trousseau(instance)
    together = [frozenset(usage)] if usage else [frozenset({each}) for each in CLES_DU_COURRIER]
    if identite is not None:
        try:
            paire = load_paire((identite / "cert.pem").read_bytes(), (identite / "key.pem").read_bytes())
        except (OSError, ValueError) as error:
            raise MauvaisUsage(f"{identite} : {error}", "cert.pem et key.pem, en PEM.") from error
        trousseau = trousseau.prepare(paire, usage or CLES_DU_COURRIER, instant=now)
        save(dossier, trousseau)
        say(f"Clé {paire.certificat.empreinte} préparée.")
        return
    autorite = instance.load_autorite()
    for usages in together:
        made = autorite.issue_guichet(NOM_CLIENT, now=now, nom="Échangeur", duree=DUREE, cle=cle)
        paire = keep(dossier, made)
        trousseau = trousseau.prepare(paire, usages, instant=now)
        say(f"Clé {paire.certificat.empreinte} préparée : {', '.join(sorted(usages))}.")
    save(dossier, trousseau)


@app.command("basculer", cls=Commande)
def switch(
    ctx: typer.Context,
    empreinte: Annotated[
        str | None, typer.Argument(metavar="[EMPREINTE]", help="Clé préparée ; sans elle, toutes.")
    ] = None,
) -> None:
    """Met en service les clés préparées. Celles qu'elles remplacent déchiffrent encore trente jours."""
    instance, now = instance_of(ctx), contexte_of(ctx).clock.now()
    trousseau = read_trousseau(instance)
    wanted = [empreinte.replace(":", "").lower()] if empreinte else _prepared(trousseau)
    if not wanted:
        raise ConstatNegatif("Aucune clé n'est préparée.", "D'abord : echangeur certificat rotation preparer")
    for each in wanted:
        try:
            trousseau = trousseau.basculer(each, instant=now)
        except ValueError as error:
            raise ConstatNegatif(str(error), "Voir : echangeur certificat rotation etat") from None
    save(_dossier(instance), trousseau)
    say(f"{len(wanted)} clé(s) en service.")


@app.command("purger", cls=Commande)
def purge(ctx: typer.Context) -> None:
    """Détruit les clés remplacées depuis plus de trente jours : aucun message en chemin n'en a besoin."""
    instance, now = instance_of(ctx), contexte_of(ctx).clock.now()
    trousseau, finies = read_trousseau(instance).purger(now)
    if finies:
        save(_dossier(instance), trousseau)
    say(f"{len(finies)} clé(s) détruite(s) ; une clé est gardée {CONSERVATION.days} jours après son retrait.")


def read_trousseau(instance: Instance) -> Trousseau:
    """The keys of mail of an instance. Raises MauvaisUsage when they cannot be read."""
    try:
        return load_trousseau(_dossier(instance))
    except (OSError, ValueError) as error:
        raise MauvaisUsage(f"Le trousseau ne se lit pas : {error}", f"Voir {COURRIER}/") from error


def watched_keys(instance: Instance) -> tuple[Surveille, ...]:
    """The certificates of the hub whose end is watched: its keys of mail, its server, its client of TLS."""
    found = [
        Surveille(
            each.empreinte,
            None,
            each.paire.certificat.sujet,
            each.paire.certificat.valide_au,
            frozenset(UsageCertificat(usage) for usage in each.usages),
        )
        for each in read_trousseau(instance).clefs
        if each.etat is not EtatCle.RETIRE
    ]
    for folder in (SERVEUR, CLIENT):
        path = instance.dossier / folder / "cert.pem"
        lu = read_certificat(path.read_bytes()) if path.exists() else None
        if isinstance(lu, Certificat):
            # No use of the registry's: only another file in the same place replaces it.
            found.append(Surveille(lu.empreinte, None, lu.sujet, lu.valide_au, frozenset()))
    return tuple(found)


def _dossier(instance: Instance) -> Path:
    return instance.dossier / COURRIER


def _prepared(trousseau: Trousseau) -> list[str]:
    return [each.empreinte for each in trousseau.clefs if each.etat is EtatCle.PREPARE]


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
