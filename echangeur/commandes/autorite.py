"""`echangeur certificat autorite|revoquer|lcr`: test authorities, and the list of the instance's own."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from certs.lecture import Certificat, read_certificat
from certs.pki import build_pki, read_description
from echangeur.commandes.guichet import refusal
from echangeur.contexte import contexte_of, instance_of, transaction
from echangeur.sortie import MauvaisUsage, say
from registry.certificats import list_certificats, withdraw_certificat


def revoke(
    ctx: typer.Context,
    empreinte: Annotated[str, typer.Argument(metavar="EMPREINTE", help="Empreinte SHA-256 du certificat.")],
) -> None:
    """Révoque un certificat : retiré, et inscrit à la liste de l'autorité de l'instance si elle l'a émis."""
    key = empreinte.replace(":", "").lower()
    with transaction(ctx) as conn:
        found = withdraw_certificat(conn, key, instant=contexte_of(ctx).clock.now(), revoque=True)
    if found:
        raise refusal("Le certificat n'est pas révoqué", found)
    say(f"Certificat {key} révoqué. Publiez la liste : echangeur certificat lcr FICHIER")


def write_list(
    ctx: typer.Context,
    fichier: Annotated[
        Path, typer.Argument(metavar="FICHIER", help="Où écrire la liste, en DER.", dir_okay=False)
    ],
    jours: Annotated[int, typer.Option("--jours", min=1, max=90, help="Durée de vie de la liste.")] = 7,
) -> None:
    """Écrit la liste des certificats révoqués (LCR) de l'autorité de l'instance."""
    autorite, now = instance_of(ctx).load_autorite(), contexte_of(ctx).clock.now()
    emetteur = autorite.certificat.subject.rfc4514_string()
    with transaction(ctx) as conn:
        revoques = {
            lu.serie: epingle.revoque_le
            for epingle in list_certificats(conn)
            if epingle.revoque_le is not None
            and isinstance(lu := read_certificat(epingle.pem), Certificat)
            and lu.emetteur == emetteur
        }
    # The instant is a number that grows, as RFC 5280 §5.2.3 asks, on every host of the instance.
    fichier.write_bytes(
        autorite.list_revoked(revoques, now=now, numero=int(now.timestamp()), duree=timedelta(days=jours))
    )
    say(f"{len(revoques)} certificat(s) révoqué(s) dans {fichier}, à jour pendant {jours} jour(s).")


def build(
    ctx: typer.Context,
    description: Annotated[
        Path,
        typer.Argument(
            metavar="DESCRIPTION", help="Fichier TOML qui décrit les autorités.", exists=True, dir_okay=False
        ),
    ],
    dossier: Annotated[Path, typer.Option("--dossier", help="Dossier où tout écrire.", file_okay=False)],
) -> None:
    """Construit des autorités d'essai et leurs certificats, bons ou mauvais, d'après un fichier.

    De quoi éprouver un échange : certificats expirés, pas encore valides, révoqués, d'un autre usage, d'une
    autorité étrangère, suivants. Rien n'est enregistré.
    """
    now = contexte_of(ctx).clock.now()
    if dossier.exists() and any(dossier.iterdir()):
        raise MauvaisUsage(f"{dossier} n'est pas vide.", "Choisissez un autre dossier.")
    try:
        lue = read_description(description.read_text(encoding="utf-8"))
    except ValueError as error:
        raise MauvaisUsage(f"{description} : {error}", "Voir docs/exploitation/certificats.md") from error
    names = build_pki(lue, dossier, now=now)
    for name in names:
        say(name)
    say(f"{len(lue.autorites)} autorité(s) et {len(lue.certificats)} certificat(s) dans {dossier}.")
