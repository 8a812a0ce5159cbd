"""`echangeur certificat`: the certificates by which guichets are known."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection

from certs.autorite import CLES, P256, Autorite, export_p12, write_secret
from echangeur.commandes.guichet import find, refusal
from echangeur.confiance import charge_of
from echangeur.contexte import Json, contexte_of, instance_of, transaction
from echangeur.francais import Commande, create_group
from echangeur.sortie import ConstatNegatif, MauvaisUsage, french, note, print_json, print_table, say
from registry.certificats import (
    ALERTE,
    CertificatEpingle,
    list_certificats,
    pin_certificat,
    state_of,
    withdraw_certificat,
)
from registry.emission import Emis, answer_request
from registry.guichets import Guichet
from registry.profils import Profil, default_profil
from registry.profils_store import read_profils, set_profil
from registry.surveillance_certificats import avis_a_envoyer, mark_envoye
from registry.usages_certificats import UsageCertificat
from registry.verdicts_certificats import judge_due

app = create_group("Les certificats : l'empreinte enregistrée désigne le guichet.")

CodeGuichet = Annotated[str, typer.Argument(metavar="CODE", help="Code du guichet.")]


@app.command("emettre", cls=Commande)
def issue(
    ctx: typer.Context,
    code: CodeGuichet,
    dossier: Annotated[
        Path,
        typer.Option("--dossier", help="Dossier où écrire cert.pem, key.pem et ca.pem.", file_okay=False),
    ],
    jours: Annotated[
        int, typer.Option("--jours", min=1, max=3650, help="Durée de validité, en jours.")
    ] = 730,
    cle: Annotated[str, typer.Option("--cle", help=f"Genre de clé : {', '.join(CLES)}.")] = P256,
    demande: Annotated[
        Path | None,
        typer.Option(
            "--demande",
            help="Demande de certificat (PKCS#10) : la clé privée reste chez le guichet.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    p12: Annotated[
        bool, typer.Option("--p12", help="Écrit aussi identite.p12 ; son mot de passe est affiché une fois.")
    ] = False,
) -> None:
    """Émet un certificat pour un guichet avec l'autorité de l'instance, et l'enregistre.

    Le dossier contient ensuite le certificat (chaîne complète), sa clé privée et l'autorité, en PEM : de quoi
    appeler les services, et tenir le service de réception sur localhost. Avec --demande, le certificat est
    fait pour la clé de la demande, et aucune clé privée n'est écrite.
    """
    if cle not in CLES:
        raise MauvaisUsage(f"Le genre de clé « {cle} » n'existe pas.", f"L'un de : {', '.join(CLES)}.")
    if (dossier / "key.pem").exists():
        raise MauvaisUsage(f"{dossier} contient déjà une clé privée.", "Choisissez un autre dossier.")
    autorite = instance_of(ctx).load_autorite()
    now = contexte_of(ctx).clock.now()
    with transaction(ctx) as conn:
        guichet = find(conn, code)
        validite = timedelta(days=jours)
        if demande is not None:
            pinned = _answer(conn, autorite, guichet, demande, dossier, now, validite)
        else:
            identite = autorite.issue_guichet(
                code, now=now, nom=guichet.nom, siren=guichet.siren, duree=validite, cle=cle
            )
            registered = pin_certificat(conn, code, identite.certificat, instant=now)
            if not isinstance(registered, CertificatEpingle):
                raise refusal("Le certificat n'est pas émis", registered)
            pinned = registered
            # Before the commit: a pin whose key was never written would be of no use.
            identite.write(dossier)
        judge_due(conn, charge_of(instance_of(ctx).configuration), instant=now)
    if p12 and demande is None:
        mot_de_passe = secrets.token_urlsafe(12)
        write_secret(dossier / "identite.p12", export_p12(identite, code, mot_de_passe.encode()))
        say(f"Mot de passe de identite.p12 : {mot_de_passe}")
    say(f"Certificat de {code} écrit dans {dossier}, valide jusqu'au {french(pinned.valide_au)}")
    say(f"Empreinte : {pinned.empreinte}")


@app.command("enregistrer", cls=Commande)
def pin(
    ctx: typer.Context,
    code: CodeGuichet,
    fichier: Annotated[
        Path,
        typer.Argument(
            metavar="FICHIER", help="Certificat du partenaire, PEM ou DER.", exists=True, dir_okay=False
        ),
    ],
    usage: Annotated[
        list[UsageCertificat] | None,
        typer.Option("--usage", help="Usage, répétable ; sans lui, tous ceux que permet la clé."),
    ] = None,
    a_partir_du: Annotated[
        datetime | None,
        typer.Option(
            "--a-partir-du",
            formats=["%Y-%m-%d"],
            metavar="AAAA-MM-JJ",
            help="Jour (UTC) où chiffrer pour lui ; d'ici là il est seulement accepté.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Enregistre un certificat émis ailleurs : il parlera pour ce guichet, quelle que soit son autorité.

    Un guichet peut en avoir plusieurs : enregistrez le suivant avant que le précédent n'expire.
    """
    with transaction(ctx) as conn:
        pinned = pin_certificat(
            conn,
            code,
            fichier.read_bytes(),
            instant=contexte_of(ctx).clock.now(),
            usages=frozenset(usage or ()),
            actif_du=None if a_partir_du is None else a_partir_du.replace(tzinfo=UTC),
        )
        judge_due(conn, charge_of(instance_of(ctx).configuration), instant=contexte_of(ctx).clock.now())
    if not isinstance(pinned, CertificatEpingle):
        raise refusal("Le certificat n'est pas enregistré", pinned)
    if json:
        print_json(_value(pinned))
        return
    say(f"Certificat enregistré pour {code} : {pinned.sujet}")
    say(f"Empreinte : {pinned.empreinte}, valide jusqu'au {french(pinned.valide_au)}")


@app.command("lister", cls=Commande)
def list_all(
    ctx: typer.Context,
    code: Annotated[
        str | None, typer.Argument(metavar="[CODE]", help="Code du guichet ; sans lui, tous.")
    ] = None,
    json: Json = False,
) -> None:
    """Liste les certificats enregistrés, retirés compris, et signale ceux qui expirent."""
    now = contexte_of(ctx).clock.now()
    with transaction(ctx) as conn:
        found, profils = list_certificats(conn, code), read_profils(conn)
    de = {c.empreinte: profils.get(c.empreinte) or default_profil(c.guichet) for c in found}
    if json:
        print_json([_value(c) | {"profil": de[c.empreinte], "etat": state_of(c, now)} for c in found])
        return
    print_table(
        ("guichet", "empreinte", "sujet", "profil", "valide jusqu'au", "état"),
        [(c.guichet, c.empreinte, c.sujet, de[c.empreinte], c.valide_au, state_of(c, now)) for c in found],
        vide="Aucun certificat.",
    )
    soon = sum(state_of(c, now) == "expire bientôt" for c in found)
    if soon:
        note(f"{soon} certificat(s) expirent dans moins de {ALERTE.days} jours.")


@app.command("retirer", cls=Commande)
def withdraw(
    ctx: typer.Context,
    empreinte: Annotated[str, typer.Argument(metavar="EMPREINTE", help="Empreinte SHA-256 du certificat.")],
) -> None:
    """Retire un certificat : il n'ouvre plus rien, et ne sera jamais rétabli."""
    # As other tools show it: colons, capitals.
    key = empreinte.replace(":", "").lower()
    with transaction(ctx) as conn:
        found = withdraw_certificat(conn, key, instant=contexte_of(ctx).clock.now())
    if found:
        raise refusal("Le certificat n'est pas retiré", found)
    say(f"Certificat {key} retiré.")


@app.command("avis", cls=Commande)
def show_notices(
    ctx: typer.Context,
    transmis: Annotated[
        bool, typer.Option("--transmis", help="Note que ceux qui sont montrés ont été transmis.")
    ] = False,
    json: Json = False,
) -> None:
    """Liste les avis de fin de certificat que leur guichet n'a pas reçus : il n'a pas de courrier."""
    with transaction(ctx) as conn:
        found = avis_a_envoyer(conn)
        for each in found if transmis else ():
            mark_envoye(conn, each, instant=contexte_of(ctx).clock.now())
    if json:
        print_json(
            [
                {"guichet": a.guichet, "empreinte": a.empreinte, "valide_au": a.valide_au, "palier": a.palier}
                for a in found
            ]
        )
        return
    for each in found:
        say(each.texte)
    if not found:
        note("Aucun avis à transmettre.")


@app.command("profil", cls=Commande)
def give_profil(
    ctx: typer.Context,
    empreinte: Annotated[str, typer.Argument(metavar="EMPREINTE", help="Empreinte SHA-256 du certificat.")],
    profil: Annotated[Profil, typer.Argument(metavar="PROFIL", help=f"L'un de : {', '.join(Profil)}.")],
) -> None:
    """Donne à un certificat enregistré son profil, à la place de celui qu'il avait.

    Le profil restreint ce que le type du guichet permet : voir docs/droits.md. Un serveur en marche le suit
    dans la seconde.
    """
    # As other tools show it: colons, capitals.
    key = empreinte.replace(":", "").lower()
    with transaction(ctx) as conn:
        if all(certificat.empreinte != key for certificat in list_certificats(conn)):
            raise ConstatNegatif(f"Aucun certificat d'empreinte {key}.", "Voir : echangeur certificat lister")
        set_profil(conn, key, profil, instant=contexte_of(ctx).clock.now())
    say(f"Le certificat {key} a le profil {profil}.")


def _value(certificat: CertificatEpingle) -> dict[str, object]:
    return {
        "guichet": certificat.guichet,
        "empreinte": certificat.empreinte,
        "sujet": certificat.sujet,
        "valide_du": certificat.valide_du,
        "valide_au": certificat.valide_au,
        "enregistre_le": certificat.enregistre_le,
        "retire_le": certificat.retire_le,
        "revoque_le": certificat.revoque_le,
        "verdict": certificat.motif,
        "constat": certificat.constat,
        "usages": sorted(certificat.usages),
        "actif_du": certificat.actif_du,
    }


def _answer(
    conn: Connection,
    autorite: Autorite,
    guichet: Guichet,
    demande: Path,
    dossier: Path,
    now: datetime,
    duree: timedelta,
) -> CertificatEpingle:
    """The certificate for the key of a request, written; there is no private key to write."""
    emis = answer_request(conn, autorite, guichet, demande.read_bytes(), instant=now, duree=duree)
    if not isinstance(emis, Emis):
        if emis[0].code == "DEMANDE-REFUSEE":
            raise MauvaisUsage(emis[0].texte, "Faites une demande : openssl req -new -key cle.pem")
        raise refusal("Le certificat n'est pas émis", emis)
    dossier.mkdir(parents=True, exist_ok=True)
    (dossier / "cert.pem").write_bytes(emis.chaine)
    (dossier / "ca.pem").write_bytes(autorite.pem)
    return emis.epingle
