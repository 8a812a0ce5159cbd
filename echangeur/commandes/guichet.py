"""`echangeur guichet`: the partner offices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from sqlalchemy import Connection

from certs.algorithmes import PROFILS
from dispatching.canaux import switch_canal
from dispatching.disjoncteurs import list_disjoncteurs
from dispatching.secours import APRES, ReglageRemise, get_reglage, set_debit, set_secours, set_simultanes
from dispatching.voies import SIMULTANES_MAX
from echangeur.contexte import Json, contexte_of, transaction
from echangeur.francais import Commande, create_group
from echangeur.sortie import ConstatNegatif, french, print_fiche, print_json, print_table, say
from registry.constats import Constat
from registry.contacts import SILENCE_MAX, Contact, get_contact, set_contact
from registry.guichets import CanalDistribution, Guichet, TypeGuichet
from registry.guichets_store import (
    NouveauGuichet,
    add_guichet,
    close_guichet,
    get_guichet,
    list_guichets,
    reopen_guichet,
    set_adresse_courrier,
    set_adresse_reception,
    set_capacites,
    set_version,
)
from schemas.kinds import VERSIONS_DEMANDE

app = create_group("Les guichets : les partenaires, leur type, leurs territoires.")

Code = Annotated[str, typer.Argument(metavar="CODE", help="Code du guichet, 5 caractères.")]


@app.command("ajouter", cls=Commande)
def add(
    ctx: typer.Context,
    code: Code,
    nom: Annotated[str, typer.Option("--nom", help="Nom du guichet.")],
    type_guichet: Annotated[TypeGuichet, typer.Option("--type", help="Type du guichet.")],
    territoire: Annotated[
        list[str],
        typer.Option("--territoire", help="Code d'un territoire (111, 059, 02A, 974…) ; peut être répétée."),
    ],
    siren: Annotated[str, typer.Option("--siren", help="SIREN, 9 chiffres.", show_default=False)] = "",
    commune: Annotated[
        str,
        typer.Option("--commune", help="Code INSEE de la commune, pour le type commune.", show_default=False),
    ] = "",
    epci: Annotated[
        str, typer.Option("--epci", help="SIREN de l'EPCI, pour le type epci.", show_default=False)
    ] = "",
    numerote: Annotated[
        bool, typer.Option("--numerote", help="Système particulier : numérote lui-même ses demandes.")
    ] = False,
    adresse_reception: Annotated[
        str,
        typer.Option(
            "--adresse-reception",
            help="Adresse https de réception des distributions ; sans elle, le guichet les retire.",
            show_default=False,
        ),
    ] = "",
    json: Json = False,
) -> None:
    """Ajoute un guichet. Un code déjà donné ne l'est jamais une seconde fois."""
    nouveau = NouveauGuichet(
        code=code,
        nom=nom,
        type=type_guichet,
        siren=siren,
        territoires=frozenset(territoire),
        perimetre=_perimetre(type_guichet, commune, epci),
        numerote=numerote,
        adresse_reception=adresse_reception,
    )
    with transaction(ctx) as conn:
        added = add_guichet(conn, nouveau, instant=contexte_of(ctx).clock.now())
    if not isinstance(added, Guichet):
        raise refusal("Le guichet n'est pas ajouté", added)
    if json:
        print_json(added)
    else:
        say(f"Guichet {added.code} ajouté : {added.nom}")


@app.command("lister", cls=Commande)
def list_all(ctx: typer.Context, json: Json = False) -> None:
    """Liste les guichets, fermés compris."""
    with transaction(ctx) as conn:
        found = list_guichets(conn)
    if json:
        print_json(found)
        return
    print_table(
        ("code", "nom", "type", "territoires", "canal", "réception", "ouvert"),
        [
            (g.code, g.nom, g.type.value, g.territoires, g.canal.value, g.adresse_reception, g.actif)
            for g in found
        ],
        vide="Aucun guichet.",
    )


@app.command("montrer", cls=Commande)
def show(ctx: typer.Context, code: Code, json: Json = False) -> None:
    """Montre un guichet et son périmètre de lecture."""
    instant = contexte_of(ctx).clock.now()
    with transaction(ctx) as conn:
        guichet = find(conn, code)
        breakers = list_disjoncteurs(conn, code)
        reglage = get_reglage(conn, code)
        contact = get_contact(conn, code)
    if json:
        etats = {each.canal.value: each.etat(instant).value for each in breakers}
        print_json({**asdict(guichet), "disjoncteurs": etats, "remise": reglage, "contact": contact})
        return
    perimetre = "tout son territoire" if not guichet.communes else f"{len(guichet.communes)} commune(s)"
    print_fiche(
        [
            ("code", guichet.code),
            ("nom", guichet.nom),
            ("type", guichet.type.value),
            ("SIREN", guichet.siren),
            ("territoires", guichet.territoires),
            ("droit de lecture", perimetre),
            ("communes", guichet.communes),
            ("numérote ses demandes", guichet.numerote),
            ("canal des distributions", guichet.canal.value),
            ("secours", _secours(reglage)),
            ("envois par minute", reglage.debit),
            ("envois simultanés", reglage.simultanes),
            ("disjoncteur", tuple(f"{each.canal} : {each.etat(instant)}" for each in breakers)),
            ("adresse de réception", guichet.adresse_reception),
            ("adresse de courrier", guichet.adresse_courrier),
            ("capacités", guichet.capacites),
            ("version de la demande", guichet.version),
            ("contact technique", contact.technique),
            ("silence admis", _silence(contact)),
            ("ouvert", guichet.actif),
        ]
    )


@app.command("adresse", cls=Commande)
def set_address(
    ctx: typer.Context,
    code: Code,
    adresse: Annotated[
        str,
        typer.Argument(
            metavar="ADRESSE",
            help="Adresse https de réception, ou de courrier ; vide : l'ôter.",
        ),
    ],
    courrier: Annotated[
        bool, typer.Option("--courrier", help="C'est l'adresse de courrier électronique signé.")
    ] = False,
) -> None:
    """Change l'adresse où sont envoyées les distributions d'un guichet.

    Une première adresse https ouvre le canal push. Quand l'adresse du canal est ôtée, le guichet passe au
    canal retrait : il vient chercher ses distributions.
    """
    with transaction(ctx) as conn:
        found = (set_adresse_courrier if courrier else set_adresse_reception)(conn, code, adresse)
        if found:
            raise refusal("L'adresse n'est pas changée", found)
        guichet = find(conn, code)
    say(f"Guichet {code} : adresse {adresse or 'ôtée'}, canal {guichet.canal}")


@app.command("canal", cls=Commande)
def change_canal(
    ctx: typer.Context,
    code: Code,
    canal: Annotated[CanalDistribution, typer.Argument(metavar="CANAL", help="push, retrait ou courrier.")],
) -> None:
    """Change le canal par lequel les distributions d'un guichet lui parviennent.

    Rien ne se perd ni ne se double : ce qui attend part aussitôt par le nouveau canal. Quel que soit son
    canal, un guichet peut retirer ses distributions. Un canal qu'aucun processus ne sert laisse attendre.
    """
    with transaction(ctx) as conn:
        found = switch_canal(conn, code, canal, instant=contexte_of(ctx).clock.now())
    if found:
        raise refusal("Le canal n'est pas changé", found)
    say(f"Guichet {code} : canal {canal}")


@app.command("secours", cls=Commande)
def change_secours(
    ctx: typer.Context,
    code: Code,
    canal: Annotated[
        CanalDistribution | None,
        typer.Argument(metavar="[CANAL]", help="push, retrait ou courrier ; sans lui : plus de secours."),
    ] = None,
    apres: Annotated[
        int,
        typer.Option("--apres", min=0, max=10_080, help="Minutes de panne avant la bascule."),
    ] = APRES,
) -> None:
    """Dit par quel autre canal servir un guichet dont le canal ne répond plus, ou qu'il n'y en a pas.

    La bascule se fait seule, et le retour aussi : l'ancien canal est sondé, et repris dès qu'il répond.
    """
    with transaction(ctx) as conn:
        found = set_secours(conn, code, canal, apres, instant=contexte_of(ctx).clock.now())
    if found:
        raise refusal("Le secours n'est pas changé", found)
    say(f"Guichet {code} : {'sans secours' if canal is None else f'secours {canal} après {apres} min'}")


@app.command("debit", cls=Commande)
def change_debit(
    ctx: typer.Context,
    code: Code,
    debit: Annotated[
        int | None,
        typer.Argument(metavar="[N]", min=1, max=60_000, help="Envois par minute ; sans lui : sans limite."),
    ] = None,
) -> None:
    """Limite le nombre d'envois par minute à un guichet.

    Sans limite, un guichet reçoit ce qui l'attend à mesure qu'il répond.
    """
    with transaction(ctx) as conn:
        find(conn, code)
        set_debit(conn, code, debit)
    say(f"Guichet {code} : {'sans limite' if debit is None else f'{debit} envoi(s) par minute'}")


@app.command("simultanes", cls=Commande)
def change_simultanes(
    ctx: typer.Context,
    code: Code,
    simultanes: Annotated[
        int | None,
        typer.Argument(
            metavar="[N]", min=1, max=SIMULTANES_MAX, help="Envois à la fois ; sans lui : la configuration."
        ),
    ] = None,
) -> None:
    """Limite le nombre d'envois en cours à la fois vers un guichet.

    Ils portent sur des demandes différentes. À 1, un envoi part quand le guichet a répondu au précédent.
    """
    with transaction(ctx) as conn:
        find(conn, code)
        set_simultanes(conn, code, simultanes)
    texte = (
        "envois simultanés selon la configuration"
        if simultanes is None
        else f"{simultanes} envoi(s) à la fois"
    )
    say(f"Guichet {code} : {texte}")


@app.command("contact", cls=Commande)
def change_contact(
    ctx: typer.Context,
    code: Code,
    adresse: Annotated[
        str | None,
        typer.Argument(
            metavar="[ADRESSE]", help="Adresse de courrier électronique ; vide : l'ôter.", show_default=False
        ),
    ] = None,
    silence: Annotated[
        int | None,
        typer.Option(
            "--silence",
            min=0,
            max=SILENCE_MAX,
            help="Heures ouvrées sans rien du guichet avant une alerte ; 0 : jamais.",
            show_default="inchangé",
        ),
    ] = None,
    habitude: Annotated[
        bool, typer.Option("--habitude", help="Sans délai à lui : selon son habitude et la configuration.")
    ] = False,
) -> None:
    """Change le contact technique d'un guichet, à qui sont dites les alertes qui le concernent."""
    with transaction(ctx) as conn:
        before = get_contact(conn, find(conn, code).code)
        after = Contact(
            before.technique if adresse is None else adresse.strip(),
            None if habitude else before.silence if silence is None else silence,
        )
        found = set_contact(conn, code, after)
    if found:
        raise refusal("Le contact n'est pas changé", found)
    say(f"Guichet {code} : contact {after.technique or 'absent'}, {_silence(after)}")


@app.command("capacites", cls=Commande)
def change_capacites(
    ctx: typer.Context,
    code: Code,
    profil: Annotated[str, typer.Argument(metavar="PROFIL", help=f"L'un de : {', '.join(PROFILS)}.")],
) -> None:
    """Dit ce qu'un guichet sait lire et écrire de courriers signés et chiffrés.

    `moderne` reçoit AES-GCM, OAEP et PSS ; `compatible` ce que lisent tous les logiciels ; d'un guichet
    `ancien` sont en plus acceptés SHA-1, 3DES et les clés RSA de 1024 bits.
    """
    with transaction(ctx) as conn:
        found = set_capacites(conn, code, profil)
    if found:
        raise refusal("Les capacités ne sont pas changées", found)
    say(f"Guichet {code} : capacités {profil}")


@app.command("version", cls=Commande)
def change_version(
    ctx: typer.Context,
    code: Code,
    version: Annotated[
        str, typer.Argument(metavar="VERSION", help=f"L'une de : {', '.join(VERSIONS_DEMANDE)}.")
    ],
) -> None:
    """Dit la version de la demande que lit un guichet : il ne reçoit rien d'une version plus récente.

    Vaut pour les réponses et pour les distributions faites ensuite ; celles qui l'étaient déjà gardent leurs
    octets.
    """
    with transaction(ctx) as conn:
        found = set_version(conn, code, version)
    if found:
        raise refusal("La version n'est pas changée", found)
    say(f"Guichet {code} : demandes en version {version} au plus")


@app.command("fermer", cls=Commande)
def close(ctx: typer.Context, code: Code) -> None:
    """Ferme un guichet : il ne peut plus rien envoyer, lire ni recevoir. Ce qu'il a fait reste."""
    with transaction(ctx) as conn:
        found = close_guichet(conn, code, instant=contexte_of(ctx).clock.now())
    if found:
        raise refusal("Le guichet n'est pas fermé", found)
    say(f"Guichet {code} fermé.")


@app.command("rouvrir", cls=Commande)
def reopen(ctx: typer.Context, code: Code) -> None:
    """Rouvre un guichet fermé, avec les certificats et le canal qu'il avait."""
    with transaction(ctx) as conn:
        found = reopen_guichet(conn, code)
    if found:
        raise refusal("Le guichet n'est pas rouvert", found)
    say(f"Guichet {code} rouvert.")


def _silence(contact: Contact) -> str:
    if contact.silence is None:
        return "silence selon son habitude"
    return f"silence de {contact.silence} heures ouvrées" if contact.silence else "silence sans limite"


def _secours(reglage: ReglageRemise) -> str:
    if reglage.secours is None:
        return ""
    text = f"{reglage.secours} après {reglage.secours_apres} min"
    if reglage.principal is None or reglage.bascule_le is None:
        return text
    return f"{text} ; en service depuis le {french(reglage.bascule_le)} à la place de {reglage.principal}"


def find(conn: Connection, code: str) -> Guichet:
    """The guichet of this code. Raises ConstatNegatif when there is none."""
    guichet = get_guichet(conn, code)
    if guichet is None:
        raise ConstatNegatif(
            f"Aucun guichet n'a le code {code}.", "echangeur guichet lister les montre tous."
        )
    return guichet


def refusal(intitule: str, found: Sequence[Constat]) -> ConstatNegatif:
    """What the registry found, as the end of a command."""
    return ConstatNegatif(f"{intitule} :\n" + "\n".join(f"  - {item.champ} : {item.texte}" for item in found))


def _perimetre(type_guichet: TypeGuichet, commune: str, epci: str) -> str:
    """The perimeter of the type. An option of another type is handed on too, to be refused in words."""
    return epci or commune if type_guichet is TypeGuichet.EPCI else commune or epci
