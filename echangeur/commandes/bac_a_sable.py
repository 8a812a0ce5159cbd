"""`echangeur bac-a-sable`: a hub for the machine of a partner's developer."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Annotated, Final

import typer

from echangeur.contexte import Json, contexte_of
from echangeur.francais import Commande, Groupe
from echangeur.sortie import MauvaisUsage, french, note, print_json, print_table, say
from registry.guichets import CODE_GUICHET, CanalDistribution, TypeGuichet

DOSSIER: Final = Path("bac-a-sable")

app = typer.Typer(
    cls=Groupe,
    add_completion=False,
    invoke_without_command=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--aide", "--help"]},
)


@app.callback()
def start(
    ctx: typer.Context,
    dossier: Annotated[
        Path, typer.Option("--dossier", help="Dossier où le bac à sable garde tout.", file_okay=False)
    ] = DOSSIER,
    neuf: Annotated[bool, typer.Option("--neuf", help="Efface le dossier et recommence.")] = False,
    port: Annotated[
        int,
        typer.Option(
            "--port",
            min=0,
            max=65534,
            help="Port des services SOAP, la console étant au suivant ; 0 prend des ports libres.",
        ),
    ] = 8443,
    guichet: Annotated[str, typer.Option("--guichet", help="Code de votre guichet, 5 caractères.")] = "G1104",
    nom: Annotated[str, typer.Option("--nom", help="Nom de votre guichet.")] = "Mon organisme",
    type_guichet: Annotated[
        TypeGuichet, typer.Option("--type", help="Type de votre guichet.")
    ] = TypeGuichet.BAILLEUR,
    siren: Annotated[str, typer.Option("--siren", help="SIREN de votre organisme.")] = "552046484",
    perimetre: Annotated[
        str,
        typer.Option(
            "--perimetre",
            help="Code INSEE pour le type commune, SIREN pour le type epci.",
            show_default=False,
        ),
    ] = "",
    territoire: Annotated[
        str, typer.Option("--territoire", help="Code du territoire : 111, 059, 974…")
    ] = "111",
    certificat: Annotated[
        Path | None,
        typer.Option(
            "--certificat",
            help="Votre certificat, PEM ; sans lui, le bac à sable en émet un.",
            dir_okay=False,
        ),
    ] = None,
    autorite: Annotated[
        Path | None,
        typer.Option(
            "--autorite",
            help="Vos autorités, PEM : pour votre certificat et votre point d'entrée.",
            dir_okay=False,
        ),
    ] = None,
    reception: Annotated[
        str,
        typer.Option("--reception", help="Adresse https où pousser vos distributions.", show_default=False),
    ] = "",
    courrier: Annotated[
        str,
        typer.Option("--courrier", help="Votre adresse de courrier électronique.", show_default=False),
    ] = "",
    canal: Annotated[
        CanalDistribution | None,
        typer.Option(
            "--canal",
            help="Comment vos distributions vous arrivent.",
            show_default="push avec --reception, courrier avec --courrier, sinon retrait",
        ),
    ] = None,
    serveur_courrier: Annotated[
        str,
        typer.Option(
            "--serveur-courrier",
            metavar="HOTE:PORT",
            help="Votre serveur SMTP, en clair, à qui remettre aussi le courrier qui vous est envoyé.",
            show_default=False,
        ),
    ] = "",
    graine: Annotated[str, typer.Option("--graine", help="Ce dont les demandes semées sont tirées.")] = "1",
) -> None:
    """Démarre un échangeur complet sur cette machine, pour mettre au point le logiciel d'un partenaire.

    Base embarquée, services SOAP en TLS mutuel, courrier signé, distributions, console : tout sur la machine,
    sans réseau, jusqu'à Ctrl-C. L'écran dit les adresses, les certificats, les comptes et un premier appel à
    copier. Des demandes sont semées dans tous les états ; des valeurs provoquent chaque anomalie et chaque
    panne ; l'horloge s'avance. Le guichet, le certificat et la graine sont ceux du premier démarrage, jusqu'à
    --neuf. Voir docs/bac-a-sable.md.
    """
    ctx.obj = dossier
    if ctx.invoked_subcommand is not None:
        return
    # Imported here: the services and their libraries take half a second that no other command needs.
    from echangeur.bac_a_sable import ecran
    from echangeur.bac_a_sable.dossier import open_sandbox
    from echangeur.bac_a_sable.lieux import is_sandbox
    from echangeur.bac_a_sable.monde import Choix
    from echangeur.bac_a_sable.preparation import make_sandbox
    from echangeur.bac_a_sable.relais import Suivant
    from echangeur.bac_a_sable.serveur import serve
    from echangeur.composition import Pret

    suivant: Suivant | None = None
    if serveur_courrier:
        hote, _, numero = serveur_courrier.rpartition(":")
        if not hote or not numero.isdigit():
            raise MauvaisUsage(f"« {serveur_courrier} » n'est pas HOTE:PORT.", "Par exemple localhost:2526")
        suivant = Suivant(hote, int(numero))
    if neuf or not is_sandbox(dossier):
        if not CODE_GUICHET.fullmatch(guichet):
            raise MauvaisUsage(
                f"« {guichet} » n'est pas un code de guichet.", "5 lettres ou chiffres : G1104"
            )
        defaut = CanalDistribution.RETRAIT
        if reception or courrier:
            defaut = CanalDistribution.PUSH if reception else CanalDistribution.COURRIER
        choix = Choix(
            graine,
            guichet,
            nom,
            type_guichet,
            siren,
            perimetre,
            territoire,
            "" if certificat is None else str(certificat.absolute()),
            "" if autorite is None else str(autorite.absolute()),
            reception,
            courrier,
            canal or defaut,
        )
        note("Base, certificats et demandes du bac à sable : une dizaine de secondes…")
        bac = make_sandbox(dossier, choix, contexte_of(ctx).clock)
    else:
        bac = open_sandbox(dossier)

    def announce(pret: Pret) -> None:
        ecran.write_first_call(bac, pret.soap.replace("127.0.0.1", "localhost"))
        for line in ecran.lines(bac, pret):
            say(line)

    serve(bac, port=port, suivant=suivant, announce=announce)
    note("Bac à sable arrêté ; son dossier est gardé.")


def dossier_of(ctx: typer.Context) -> Path:
    """The folder that ``--dossier`` names."""
    assert ctx.parent is not None
    found = ctx.parent.obj
    assert isinstance(found, Path)
    return found


@app.command("demandes", cls=Commande)
def list_demandes(ctx: typer.Context, json: Json = False) -> None:
    """Liste les demandes semées : leur histoire, leur numéro, leur état d'aujourd'hui."""
    from echangeur.bac_a_sable.dossier import follow, open_sandbox
    from registry.cycle import LIBELLES
    from registry.lifecycle import Etat

    bac = open_sandbox(dossier_of(ctx))
    with bac.instance.database() as engine, engine.connect() as conn:
        suivies = follow(bac, conn)
    if json:
        print_json(suivies)
        return
    print_table(
        ("numéro ou dépôt", "par", "état", "histoire"),
        [(s.numero or s.depot, s.enregistree_par, LIBELLES[Etat(s.etat)], s.titre) for s in suivies],
        vide="Aucune demande.",
    )


@app.command("valeurs", cls=Commande)
def list_values(ctx: typer.Context, json: Json = False) -> None:  # noqa: ARG001 - as all commands
    """Liste les valeurs qui provoquent chaque anomalie et chaque panne."""
    # The edges declare their anomalies when they are imported.
    import echangeur.bac_a_sable.serveur  # noqa: F401
    from echangeur.bac_a_sable import valeurs

    pannes = [
        {"valeur": f"bac-a-sable:{panne.value}", "effet": dite.effet, "attendu": dite.attendu}
        for panne, dite in valeurs.PANNES.items()
    ]
    anomalies = [
        {"valeur": f"bac-a-sable:{each.code}", "effet": each.texte, "attendu": each.conduite}
        for each in valeurs.provoked()
    ]
    if json:
        print_json([*pannes, *anomalies])
        return
    titres = ("valeur", "ce qui arrive", "ce que fait un bon partenaire")
    print_table(titres, [tuple(each.values()) for each in (*pannes, *anomalies)], vide="Aucune valeur.")


@app.command("distribuer", cls=Commande)
def distribute(
    ctx: typer.Context,
    nombre: Annotated[int, typer.Option("--nombre", min=1, max=1000, help="Combien de demandes.")] = 1,
    valeur: Annotated[
        str,
        typer.Option(
            "--valeur",
            help="Code de la panne que leur distribution provoque : PUSH-DOUBLE…",
            show_default=False,
        ),
    ] = "",
    json: Json = False,
) -> None:
    """Fait enregistrer des demandes par un voisin, que votre filtre retient : elles vous sont distribuées."""
    from echangeur.bac_a_sable import voisin
    from echangeur.bac_a_sable.dossier import open_sandbox
    from echangeur.bac_a_sable.valeurs import D_ENVOI, DE_COURRIER, panne_of

    code = valeur.upper().removeprefix("BAC-A-SABLE:")
    if code and panne_of(code) not in D_ENVOI | DE_COURRIER:
        admises = ", ".join(sorted(D_ENVOI | DE_COURRIER))
        raise MauvaisUsage(f"« {valeur} » n'est pas une panne de distribution.", f"Admises : {admises}")
    bac = open_sandbox(dossier_of(ctx))
    with bac.instance.database(pool_size=4) as engine:
        faites = asyncio.run(voisin.register(engine, bac.fiche.choix, bac.horloge, nombre, code))
    if json:
        print_json(faites)
        return
    for each in faites:
        suite = "ne vous est pas distribuée" if each.sequence is None else f"distribution n° {each.sequence}"
        say(f"{each.numero} : {suite}")


@app.command("horloge", cls=Commande)
def move_clock(
    ctx: typer.Context,
    saut: Annotated[
        str | None,
        typer.Argument(
            metavar="[SAUT]",
            help="+13mois, +3jours, +1an, +2heures ; un jour 2027-01-01 ou un instant 2027-01-01T08:30 ;"
            " reprendre. Rien : dit l'heure.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Dit l'heure du bac à sable, ou l'avance : tous ses processus suivent, et les tâches quotidiennes sont
    faites.

    Un saut est parcouru par semaines au plus. « reprendre » revient à l'heure de la machine ; comme un
    registre ne remonte pas le temps, tout est alors remis comme au départ. Restent à l'heure de la machine :
    la validité des certificats que vos outils vérifient, les délais du réseau.
    """
    from echangeur.bac_a_sable import voyage
    from echangeur.bac_a_sable.dossier import open_sandbox
    from echangeur.bac_a_sable.horloge import parse_jump
    from echangeur.bac_a_sable.vidage import empty
    from echangeur.progression import open_bar

    bac = open_sandbox(dossier_of(ctx))
    faits: Counter[str] = Counter()
    if saut == "reprendre":
        empty(bac.dossier)
    elif saut is not None:
        try:
            but = parse_jump(saut, bac.horloge.now())
            bac.horloge.check(but)
        except ValueError as error:
            raise MauvaisUsage(str(error)) from None
        # Held open on the way: the tasks of each day join it.
        with bac.instance.database() as engine, open_bar() as progress:
            task = progress.add_task("Jours", total=(but - bac.horloge.now()).days)
            faits = voyage.travel(
                bac.horloge,
                but,
                lambda: voyage.daily(bac.dossier, bac.instance.dossier, bac.horloge),
                lambda jours: progress.advance(task, jours),
            )
            voyage.certify_again(engine, bac.horloge.now())
    if json:
        print_json(
            {"instant": bac.horloge.now(), "decalage_s": bac.horloge.etat.decalage, "taches": dict(faits)}
        )
        return
    say(f"Le bac à sable est au {french(bac.horloge.now())}.")
    for nom, nombre in sorted(faits.items()):
        if nombre:
            say(f"  {nom} : {nombre}")


@app.command("vider", cls=Commande)
def put_back(ctx: typer.Context) -> None:
    """Remet tout comme au départ, serveur en marche ou non : demandes, comptes, filtres, boîtes, horloge."""
    from echangeur.bac_a_sable.vidage import empty

    empty(dossier_of(ctx))
    say("Le bac à sable est comme au départ.")


@app.command("boite", cls=Commande)
def list_mails(ctx: typer.Context, json: Json = False) -> None:
    """Liste les messages que l'échangeur a envoyés : le fichier de chacun, tel qu'il est parti."""
    from echangeur.bac_a_sable.dossier import open_sandbox
    from echangeur.bac_a_sable.lieux import BOITES
    from echangeur.bac_a_sable.relais import read_boxes

    lettres = read_boxes(open_sandbox(dossier_of(ctx)).dossier / BOITES)
    if json:
        print_json(
            [
                {
                    "fichier": str(each.fichier),
                    "destinataire": each.destinataire,
                    "sujet": each.sujet,
                    "nature": each.nature,
                    "en_reponse_a": each.en_reponse_a,
                }
                for each in lettres
            ]
        )
        return
    lignes = [(each.destinataire, each.nature, each.sujet, each.fichier) for each in lettres]
    print_table(("destinataire", "nature", "sujet", "fichier"), lignes, vide="Aucun message.")


@app.command("code", cls=Commande)
def show_code(
    ctx: typer.Context,
    courriel: Annotated[
        str, typer.Argument(metavar="[COURRIEL]", help="Compte de la console.")
    ] = "agent@bac.example",
) -> None:
    """Dit le code à six chiffres que la console demande, à l'heure du bac à sable."""
    from echangeur.bac_a_sable.dossier import open_sandbox

    bac = open_sandbox(dossier_of(ctx))
    if courriel not in bac.fiche.acces.secrets:
        raise MauvaisUsage(
            f"{courriel} n'a pas de compte.", f"Comptes : {', '.join(bac.fiche.acces.secrets)}"
        )
    say(bac.fiche.acces.code(courriel, bac.horloge.now()))


@app.command(
    "executer", cls=Commande, context_settings={"allow_extra_args": True, "ignore_unknown_options": True}
)
def execute(
    ctx: typer.Context,
    commande: Annotated[
        list[str],
        typer.Argument(metavar="COMMANDE...", help="Une commande d'echangeur : registre taches --essai…"),
    ],
) -> None:
    """Exécute une commande de l'échangeur sur l'instance du bac à sable, à son heure."""
    from echangeur.bac_a_sable.dossier import open_sandbox
    from echangeur.cli import run

    bac = open_sandbox(dossier_of(ctx))
    raise typer.Exit(run(["--instance", str(bac.instance.dossier), *commande], clock=bac.horloge))
