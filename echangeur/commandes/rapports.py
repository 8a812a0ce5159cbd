"""`echangeur raccordement`: the reports of conformity of guichets, and their right to production."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from echangeur.commandes.guichet import Code, find, refusal
from echangeur.conformite import regles_of
from echangeur.contexte import Json, contexte_of, instance_of, machine_account, transaction
from echangeur.francais import Commande, create_group
from echangeur.sortie import ConstatNegatif, print_json, print_table, say
from registry.conformite import EtatFamille, RapportDepose, etat_of, families
from registry.controle_rapports import Reponse, check_file
from registry.controles import PARIS
from registry.production import (
    EtatProduction,
    clear_exigence,
    due_reports,
    production_of,
    read_production,
    read_situations,
    set_exigence,
)
from registry.rapports_deposes import (
    countersign,
    deposit,
    list_reports,
    read_content,
    revoke,
)

app = create_group("Les rapports de conformité des guichets, et leur droit d'échanger en production.")

Fichier = Annotated[
    Path,
    typer.Argument(metavar="RAPPORT", help="Rapport signé (rapport.p7m).", exists=True, dir_okay=False),
]
Identifiant = Annotated[uuid.UUID, typer.Argument(metavar="RAPPORT", help="Identifiant du rapport.")]


@app.command("deposer", cls=Commande)
def deposit_one(ctx: typer.Context, code: Code, rapport: Fichier, json: Json = False) -> None:
    """Dépose le rapport signé d'un guichet. Code de retour 1 s'il ne suffit pas ; il est gardé quand même.

    Signé par l'exploitant, un rapport qui suffit est en vigueur aussitôt ; par le guichet, il attend d'être
    contresigné.
    """
    regles, instant = regles_of(instance_of(ctx)), contexte_of(ctx).clock.now()
    with transaction(ctx) as conn:
        guichet = find(conn, code)
        kept = deposit(conn, guichet, rapport.read_bytes(), regles, par=machine_account(), instant=instant)
    if not isinstance(kept, RapportDepose):
        raise refusal("Le rapport n'est pas déposé", kept)
    etat = etat_of(kept, regles, instant=instant)
    if json:
        print_json({**asdict(kept), "etat": etat})
    else:
        say(f"Rapport {kept.identifiant} du guichet {code} : {etat}, jusqu'au {kept.expire_le:%d/%m/%Y}")
    if guichet.canal not in kept.canaux:
        raise refusal(f"Il ne suffit pas pour le canal {guichet.canal}", kept.constats)


@app.command("rapports", cls=Commande)
def list_all(
    ctx: typer.Context,
    code: Annotated[str, typer.Argument(metavar="[CODE]", help="Un guichet ; sans lui : tous.")] = "",
    json: Json = False,
) -> None:
    """Liste les rapports déposés, et ce qu'ils sont devenus."""
    regles, instant = regles_of(instance_of(ctx)), contexte_of(ctx).clock.now()
    with transaction(ctx) as conn:
        if code:
            find(conn, code)
        found = [(each, etat_of(each, regles, instant=instant)) for each in list_reports(conn, code or None)]
    if json:
        print_json([{**asdict(each), "etat": etat} for each, etat in found])
        return
    print_table(
        ("rapport", "guichet", "état", "canaux", "version", "expire", "signataire", "déposé"),
        [
            (
                str(each.identifiant),
                each.guichet,
                etat.value,
                each.canaux,
                each.version_interface,
                each.expire_le,
                each.signataire_nom,
                each.depose_le,
            )
            for each, etat in found
        ],
        vide="Aucun rapport n'est déposé.",
    )


@app.command("production", cls=Commande)
def show_production(
    ctx: typer.Context,
    a_prevoir: Annotated[
        bool,
        typer.Option("--a-prevoir", help="Seulement ceux qui manquent de rapport, ou vont en manquer."),
    ] = False,
    json: Json = False,
) -> None:
    """Dit, guichet par guichet, si la production est ouverte, et jusqu'à quand ses appels sont servis."""
    regles, instant = regles_of(instance_of(ctx)), contexte_of(ctx).clock.now()
    with transaction(ctx) as conn:
        situations = read_situations(conn, regles)
    if a_prevoir:
        found = [(each.guichet, each.production) for each in due_reports(situations, regles, instant=instant)]
    else:
        found = [(each.guichet, production_of(each, regles, instant=instant)) for each in situations]
    if json:
        print_json([{"guichet": code, **asdict(production)} for code, production in found])
        return
    print_table(
        ("guichet", "production", "rapport exigé depuis", "fin du rapport", "appels servis jusqu'au"),
        [(code, p.etat.value, p.exige_le, p.fin, p.ferme_le) for code, p in found],
        vide="Rien à prévoir.",
    )


@app.command("familles", cls=Commande)
def show_families(ctx: typer.Context, code: Code, json: Json = False) -> None:
    """Dit ce qui manque au dernier rapport d'un guichet, famille par famille."""
    regles, instant = regles_of(instance_of(ctx)), contexte_of(ctx).clock.now()
    with transaction(ctx) as conn:
        guichet = find(conn, code)
        reports = list_reports(conn, code)
        content = read_content(conn, reports[0].identifiant) if reports else None
        production = read_production(conn, code, regles, instant=instant)
    found = families(content, regles, guichet.canal)
    if json:
        print_json({"production": production, "familles": found})
        return
    print_table(
        ("famille", "titre", "état", "rouges", "non éprouvées"),
        [
            (each.code, each.titre, each.etat.value, [red.id for red in each.rouges], each.absentes)
            for each in found
        ],
        vide=f"Le kit n'éprouve rien pour le canal {guichet.canal}.",
    )
    if any(each.etat is not EtatFamille.VERTE for each in found):
        raise ConstatNegatif(
            f"Le dernier rapport du guichet {code} ne suffit pas.",
            "echangeur conformite lancer profil.toml --mode client",
        )
    if production.etat is EtatProduction.FERMEE:
        raise ConstatNegatif(f"La production est fermée au guichet {code}.")


@app.command("contresigner", cls=Commande)
def countersign_one(ctx: typer.Context, rapport: Identifiant) -> None:
    """Répond d'un rapport que son guichet a signé lui-même : il entre en vigueur."""
    regles, instant = regles_of(instance_of(ctx)), contexte_of(ctx).clock.now()
    with transaction(ctx) as conn:
        found = countersign(conn, rapport, regles, par=machine_account(), instant=instant)
    if found:
        raise refusal("Le rapport n'est pas contresigné", found)
    say(f"Rapport {rapport} contresigné : il est en vigueur.")


@app.command("revoquer", cls=Commande)
def revoke_one(
    ctx: typer.Context,
    rapport: Identifiant,
    motif: Annotated[str, typer.Option("--motif", help="Pourquoi ; montré à qui vérifie le rapport.")],
) -> None:
    """Révoque un rapport, pour toujours : il ne prouve plus rien, et la production se ferme sans délai."""
    with transaction(ctx) as conn:
        found = revoke(conn, rapport, motif, par=machine_account(), instant=contexte_of(ctx).clock.now())
    if found:
        raise refusal("Le rapport n'est pas révoqué", found)
    say(f"Rapport {rapport} révoqué.")


@app.command("exiger", cls=Commande)
def require(
    ctx: typer.Context,
    code: Code,
    a_partir_du: Annotated[
        datetime | None,
        typer.Option("--a-partir-du", formats=["%Y-%m-%d"], metavar="JOUR", help="Jour, aaaa-mm-jj."),
    ] = None,
    jamais: Annotated[
        bool, typer.Option("--jamais", help="Aucun rapport n'est exigé de ce guichet.")
    ] = False,
) -> None:
    """Donne à un guichet un jour à lui à partir duquel un rapport est exigé ; sans option, celui de tous."""
    instant = contexte_of(ctx).clock.now()
    du = None if a_partir_du is None else a_partir_du.replace(tzinfo=PARIS)
    with transaction(ctx) as conn:
        find(conn, code)
        if jamais or du is not None:
            set_exigence(conn, code, None if jamais else du, par=machine_account(), instant=instant)
        else:
            clear_exigence(conn, code)
    quand = "jamais" if jamais else "comme des autres" if du is None else f"à partir du {du:%d/%m/%Y}"
    say(f"Guichet {code} : un rapport est exigé {quand}")


@app.command("verifier", cls=Commande)
def verify(ctx: typer.Context, rapport: Fichier, json: Json = False) -> None:
    """Répond, d'un rapport qu'on détient, ce que répond l'adresse publique de vérification."""
    regles, instant = regles_of(instance_of(ctx)), contexte_of(ctx).clock.now()
    with transaction(ctx) as conn:
        found = check_file(conn, rapport.read_bytes(), regles, instant=instant)
    if json:
        print_json({"reponse": found.reponse, "texte": found.texte, "constats": found.constats})
    else:
        say(f"{found.reponse.capitalize()} : {found.texte}")
        for each in found.constats:
            say(f"  - {each.champ} : {each.texte}")
    if found.reponse is not Reponse.VALABLE:
        raise ConstatNegatif("Ce rapport n'ouvre pas la production.")
