"""`echangeur doublons`: what the gestionnaire does about demandes that look alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from dispatching.decision import Distributeur
from echangeur.contexte import Json, contexte_of, instance_of, trace_reading, transaction
from echangeur.francais import Commande, create_group
from echangeur.progression import open_spinner
from echangeur.sortie import ConstatNegatif, print_json, print_table, say
from registry.constats import Constat
from registry.documents_gardes import read_kept
from registry.fusion import Fusion, merge, set_aside
from registry.identites import cles_of
from registry.projection import Projection
from registry.recherche_doublons import Recherchee, search
from registry.ressemblance import SEUIL, describe
from registry.situation import read_situations
from registry.suspects import list_suspects

app = create_group("Les doublons : les chercher, les fusionner, les écarter.")

Numero = Annotated[str, typer.Argument(metavar="NUMERO", help="Numéro unique d'une demande.")]
Auteur = Annotated[
    str, typer.Option("--auteur", help="Le service gestionnaire qui décide, jamais une personne.")
]
Motif = Annotated[str, typer.Option("--motif", help="Pourquoi, en quelques mots.")]
Seuil = Annotated[
    int, typer.Option("--seuil", min=1, max=100, help="Ressemblance à partir de laquelle montrer.")
]


@app.command("chercher", cls=Commande)
def find(ctx: typer.Context, numero: Numero, seuil: Seuil = SEUIL, json: Json = False) -> None:
    """Cherche les demandes actives du même territoire qui ressemblent à celle-ci, et dit pourquoi."""
    with transaction(ctx) as conn:
        situation = read_situations(conn, {numero}).get(numero)
        if situation is None:
            raise ConstatNegatif(f"La demande {numero} n'existe pas.", "Vérifiez le numéro unique.")
        cles = cles_of(read_kept(situation.document))
        cherchees = [Recherchee(cle.cle, cle.role) for cle in cles]
        trouves = search(conn, [situation.territoire], cherchees, sauf=numero, seuil=seuil)
        trace_reading(ctx, conn, numero, *(each.numero for each in trouves))
    if json:
        print_json([{**_fields(each), "texte": describe(each.raisons)} for each in trouves])
        return
    print_table(
        ("demande", "ressemblance", "raisons"),
        [(each.numero, each.score, describe(each.raisons)) for each in trouves],
        vide="Aucune demande ne ressemble à celle-ci.",
    )


@app.command("lister", cls=Commande)
def list_all(
    ctx: typer.Context,
    territoire: Annotated[str, typer.Option("--territoire", help="Code du territoire.")],
    seuil: Seuil = 85,
    json: Json = False,
) -> None:
    """Liste les couples de demandes actives d'un territoire qui se ressemblent, sans ceux déjà écartés."""
    with (
        instance_of(ctx).database() as engine,
        engine.connect() as conn,
        open_spinner("Dates de naissance comparées : {task.completed}") as progress,
    ):
        task = progress.add_task("", total=None)
        found = list_suspects(
            conn, territoire, seuil=seuil, progress=lambda done: progress.update(task, completed=done)
        )
        montres = {numero for each in found for numero in (each.premiere, each.seconde)}
        if montres:
            with engine.begin() as traces:
                trace_reading(ctx, traces, *sorted(montres))
    if json:
        print_json([{**each._asdict(), "texte": describe(each.raisons)} for each in found])
        return
    print_table(
        ("demande", "demande", "ressemblance", "raisons"),
        [(each.premiere, each.seconde, each.score, describe(each.raisons)) for each in found],
        vide="Aucun doublon soupçonné.",
    )


@app.command("fusionner", cls=Commande)
def merge_two(
    ctx: typer.Context,
    conserver: Annotated[str, typer.Option("--conserver", help="La demande qui demeure : la plus ancienne.")],
    radier: Annotated[str, typer.Option("--radier", help="La demande qui est radiée.")],
    auteur: Auteur,
    motif: Motif,
    malgre_ecart: Annotated[
        bool, typer.Option("--malgre-ecart", help="Même si les personnes ne se ressemblent pas assez.")
    ] = False,
    essai: Annotated[bool, typer.Option("--essai", help="Dit ce qui serait fait, sans rien écrire.")] = False,
    json: Json = False,
) -> None:
    """Réunit deux demandes d'une même personne : la plus ancienne demeure avec son numéro et son ancienneté.

    L'autre est radiée, sa radiation distribuée ; ceux qui la détenaient détiennent celle qui demeure.
    """
    clock = contexte_of(ctx).clock
    with instance_of(ctx).database() as engine, engine.connect() as conn:
        done = merge(
            conn,
            Projection(Distributeur(clock)),
            conservee=conserver,
            absorbee=radier,
            auteur=auteur,
            motif=motif,
            instant=clock.now(),
            malgre_ecart=malgre_ecart,
        )
        if not isinstance(done, Fusion):
            raise _refusal("Les demandes ne sont pas fusionnées", done)
        if essai:
            conn.rollback()
        else:
            conn.commit()
    if json:
        print_json(done)
    else:
        verbe = "serait" if essai else "est"
        say(f"La demande {done.absorbee} {verbe} radiée ; {done.conservee} demeure, ancienneté comprise.")


@app.command("ecarter", cls=Commande)
def part(
    ctx: typer.Context,
    une: Numero,
    autre: Annotated[str, typer.Argument(metavar="AUTRE", help="L'autre numéro unique.")],
    auteur: Auteur,
    motif: Motif,
) -> None:
    """Note que deux demandes ressemblantes sont de personnes différentes, qui ne sont plus rapprochées."""
    with transaction(ctx) as conn:
        contre = set_aside(conn, une, autre, auteur=auteur, motif=motif, instant=contexte_of(ctx).clock.now())
    if contre:
        raise _refusal("Rien n'est noté", contre)
    say(f"Les demandes {une} et {autre} ne seront plus rapprochées.")


def _fields(rapprochement: object) -> dict[str, object]:
    return {name: getattr(rapprochement, name) for name in ("numero", "score", "raisons")}


def _refusal(debut: str, constats: Sequence[Constat]) -> ConstatNegatif:
    return ConstatNegatif("\n".join([f"{debut} :", *(f"- {each.champ} : {each.texte}" for each in constats)]))
