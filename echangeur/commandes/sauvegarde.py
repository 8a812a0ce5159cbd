"""`echangeur sauvegarde`: backups of an instance, their restoration, and what must follow one."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from certs.lecture import Certificat, CertificatIllisible, read_certificat
from certs.paire import Paire, load_paire
from certs.verification import Usage, verify
from dispatching.reprise import pass_over
from echangeur.commandes.guichet import find
from echangeur.contexte import Json, contexte_of, instance_of, transaction
from echangeur.francais import Commande, create_group
from echangeur.saisie import Guichet, of_paris
from echangeur.sauvegarde import coffre
from echangeur.sauvegarde.faire import back_up
from echangeur.sauvegarde.manifeste import NOM, Manifeste, empreinte_of, read_manifeste
from echangeur.sauvegarde.restaurer import all_files, restore
from echangeur.sortie import ConstatNegatif, MauvaisUsage, french, note, print_json, say
from registry.database import SchemaInconnu
from registry.reprise import RESERVE, resume

app = create_group("Sauvegarder une instance, la restaurer, reprendre après une restauration.")

Sauvegarde = Annotated[
    Path, typer.Argument(metavar="SAUVEGARDE", exists=True, file_okay=False, help="Dossier d'une sauvegarde.")
]
Reserve = Annotated[
    int,
    typer.Option(
        "--reserve",
        min=0,
        max=900_000,
        help="Numéros uniques passés par territoire et par mois, peut-être donnés après la sauvegarde.",
    ),
]
Empreinte = Annotated[
    str,
    typer.Option("--empreinte", help="Empreinte que la sauvegarde doit avoir.", show_default="non vérifiée"),
]


@app.command("faire", cls=Commande)
def make(
    ctx: typer.Context,
    cible: Annotated[Path, typer.Argument(metavar="DOSSIER", help="Dossier nouveau, où écrire.")],
    pour: Annotated[
        list[Path],
        typer.Option(
            "--pour",
            exists=True,
            dir_okay=False,
            help="Certificat de chiffrement de qui pourra restaurer ; répétez l'option pour plusieurs.",
        ),
    ],
    json: Json = False,
) -> None:
    """Sauvegarde la base et le dossier de l'instance, chiffrés, pendant que l'échangeur tourne ou non.

    Écrit l'empreinte de la sauvegarde : notez-la ailleurs, elle prouve à la restauration que rien n'y a été
    changé.
    """
    instant = contexte_of(ctx).clock.now()
    destinataires = [_recipient(path, instant) for path in pour]
    try:
        manifeste, octets = back_up(instance_of(ctx), cible, destinataires, instant=instant)
    except SchemaInconnu as error:
        raise MauvaisUsage(str(error), "Sauvegardez avec le programme qui sert cette base.") from error
    _tell(manifeste, octets, json=json)
    for path in manifeste.hors_dossier:
        note(f"Hors du dossier de l'instance, à sauvegarder à part : {path}")


@app.command("verifier", cls=Commande)
def check(
    sauvegarde: Sauvegarde,
    empreinte: Empreinte = "",
    json: Json = False,
) -> None:
    """Vérifie qu'une sauvegarde est entière, sans la clé qui l'ouvre.

    Code de retour 1 si un fichier manque ou a changé.
    """
    manifeste = read_manifeste(sauvegarde, empreinte)
    if wrong := list(coffre.check(sauvegarde, all_files(manifeste))):
        for constat in wrong:
            say(constat)
        raise ConstatNegatif(f"{len(wrong)} fichier(s) à reprendre d'une autre copie.")
    _tell(manifeste, (sauvegarde / NOM).read_bytes(), json=json)


@app.command("restaurer", cls=Commande)
def bring_back(
    ctx: typer.Context,
    sauvegarde: Sauvegarde,
    cible: Annotated[Path, typer.Argument(metavar="DOSSIER", help="Dossier de la nouvelle instance.")],
    certificat: Annotated[
        Path,
        typer.Option("--certificat", exists=True, dir_okay=False, help="Un des certificats de --pour, PEM."),
    ],
    cle: Annotated[
        Path, typer.Option("--cle", exists=True, dir_okay=False, help="Clé privée de ce certificat, PEM.")
    ],
    mot_de_passe: Annotated[
        Path | None,
        typer.Option(
            "--mot-de-passe", exists=True, dir_okay=False, help="Fichier du mot de passe de la clé."
        ),
    ] = None,
    base: Annotated[
        str,
        typer.Option(
            "--base",
            help="Adresse d'une base PostgreSQL vide.",
            show_default="celle de la configuration sauvegardée",
        ),
    ] = "",
    reserve: Reserve = RESERVE,
    empreinte: Empreinte = "",
) -> None:
    """Restaure une sauvegarde dans un dossier et une base vides, et prouve que tout y est.

    Les lignes de chaque table et la tête du journal sont comparées au manifeste, puis tout le registre est
    vérifié. `--reserve 0` si l'échangeur était arrêté avant la sauvegarde : rien n'a été enregistré depuis.
    """
    manifeste = read_manifeste(sauvegarde, empreinte)
    paire = _load(certificat, cle, mot_de_passe)
    try:
        done = restore(
            sauvegarde,
            manifeste,
            cible,
            paire,
            url=base,
            instant=contexte_of(ctx).clock.now(),
            reserve=reserve,
        )
    except SchemaInconnu as error:
        raise MauvaisUsage(str(error), "Restaurez avec le programme qui a fait cette sauvegarde.") from error
    chaine = done.rapport.chaine
    say(f"Instance restaurée dans {done.instance.dossier}, telle que le {french(manifeste.instant)}.")
    say(f"{chaine.entrees} entrée(s), {chaine.documents} document(s) relus. Le registre est intact.")
    say(f"Tête de la chaîne sauvegardée : {manifeste.journal.tete}")
    for path in manifeste.hors_dossier:
        note(f"Nommé par la configuration, et pas dans la sauvegarde : {path}")
    if done.reprise is None:
        return
    say(f"{reserve} numéros uniques passés par territoire et par mois (entrée {done.reprise} du journal).")
    note(
        "Ce qui a été reçu et distribué après la sauvegarde n'y est pas. Avant de servir, demandez aux"
        " guichets leur dernier numéro d'ordre, puis echangeur sauvegarde reprendre GUICHET DERNIER."
    )


@app.command("reserver", cls=Commande)
def reserve_numbers(
    ctx: typer.Context,
    depuis: Annotated[
        datetime,
        typer.Argument(metavar="INSTANT", help="Dernier instant que la base connaît, heure de Paris."),
    ],
    reserve: Reserve = RESERVE,
) -> None:
    """Passe des numéros uniques, après une base restaurée par les outils de PostgreSQL.

    `echangeur sauvegarde restaurer` le fait de lui-même. Le journal le dit.
    """
    sauvegarde = of_paris(depuis)
    with transaction(ctx) as conn:
        entree = resume(conn, instant=contexte_of(ctx).clock.now(), sauvegarde=sauvegarde, reserve=reserve)
    say(f"{reserve} numéros uniques passés par territoire et par mois (entrée {entree.sequence} du journal).")


@app.command("reprendre", cls=Commande)
def resume_orders(
    ctx: typer.Context,
    guichet: Guichet,
    dernier: Annotated[
        int, typer.Argument(metavar="DERNIER", min=1, help="Dernier numéro d'ordre que le guichet a reçu.")
    ],
) -> None:
    """Reprend la suite des numéros d'ordre d'un guichet, après une restauration, là où il en est.

    Ceux que la base ne connaît plus sont dits retirés : la suite n'a pas de trou, et rien de nouveau ne porte
    un numéro que le guichet a déjà. Code de retour 1 si certains ont été donnés de nouveau entre-temps.
    """
    with transaction(ctx) as conn:
        find(conn, guichet)
        done = pass_over(conn, guichet, dernier, instant=contexte_of(ctx).clock.now())
    if done.derniere > done.apres:
        say(f"{guichet} : {done.apres + 1} à {done.derniere} passés.")
    else:
        say(f"{guichet} : rien à passer, la base est au numéro {done.derniere}.")
    if done.doublees:
        raise ConstatNegatif(
            f"{done.doublees} numéro(s) jusqu'à {dernier} ont été donnés de nouveau depuis la restauration.",
            "Dites-le au guichet : sous ces numéros, il a deux distributions, d'identifiants différents.",
        )


def _recipient(path: Path, instant: datetime) -> Certificat:
    lu = read_certificat(path.read_bytes())
    if isinstance(lu, CertificatIllisible):
        raise MauvaisUsage(f"{path} : {lu.message}")
    verdict = verify(lu, Usage.CHIFFREMENT, at=instant)
    if not verdict.accepte:
        raise MauvaisUsage(f"{path} : {verdict.texte}", "Voir docs/exploitation/sauvegarder.md")
    return lu


def _load(certificat: Path, cle: Path, mot_de_passe: Path | None) -> Paire:
    secret = mot_de_passe.read_bytes().rstrip(b"\r\n") if mot_de_passe else None
    try:
        return load_paire(certificat.read_bytes(), cle.read_bytes(), secret)
    except ValueError as error:
        raise MauvaisUsage(str(error)) from None


def _tell(manifeste: Manifeste, octets: bytes, *, json: bool) -> None:
    taille = sum(fichier.octets for fichier in all_files(manifeste))
    if json:
        print_json(
            {
                "empreinte": empreinte_of(octets),
                "instant": manifeste.instant,
                "schema": manifeste.schema,
                "journal": manifeste.journal,
                "fichiers": len(all_files(manifeste)),
                "octets": taille,
                "hors_dossier": manifeste.hors_dossier,
            }
        )
        return
    say(f"Sauvegarde du {french(manifeste.instant)}, schéma {manifeste.schema}.")
    say(f"{manifeste.journal.sequence} entrée(s) au journal, tête de la chaîne {manifeste.journal.tete}")
    say(f"{len(all_files(manifeste))} fichier(s), {taille} octets.")
    say(f"Empreinte de la sauvegarde : {empreinte_of(octets)}")
