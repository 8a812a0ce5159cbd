"""`echangeur courrier`: the asynchronous channel, as its operator sees it."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, TypeVar

import typer
from sqlalchemy import text

from certs.autorite import write_secret
from echangeur.commandes.courrier_vues import (
    count_by_etat,
    entrant_of,
    list_attempts,
    list_files,
    list_notices,
    sortant_of,
)
from echangeur.contexte import Json, contexte_of, instance_of, transaction
from echangeur.francais import Commande, create_group
from echangeur.saisie import Octets, of_paris, read_identifiant
from echangeur.sortie import (
    ConstatNegatif,
    MauvaisUsage,
    print_fiche,
    print_json,
    print_table,
    say,
)
from mailflows import entrants, fermeture, sortants
from mailflows.entrants import Entrant, EtatEntrant
from mailflows.etats import Etat
from mailflows.purge import purge
from mailflows.rejeu import replay_courriers
from registry.constats import Constat
from registry.effacement import limite_of

app = create_group("Le courrier signé : ce qui est arrivé, ce qui est parti, ce qui attend.")

E = TypeVar("E", bound=StrEnum)

_COLONNES = ("identifiant", "reçu le", "guichet", "état", "nature", "fichiers", "code", "motif")


class Sens(StrEnum):
    """Direction of the mail."""

    ENTRANT = "entrant"
    SORTANT = "sortant"


@app.command("lister", cls=Commande)
def list_latest(
    ctx: typer.Context,
    sens: Annotated[Sens, typer.Option("--sens", help="Ce qui est arrivé, ou ce qui part.")] = Sens.ENTRANT,
    guichet: Annotated[str | None, typer.Option("--guichet", help="Ceux de ce guichet seulement.")] = None,
    etat: Annotated[
        str | None, typer.Option("--etat", help="Ceux dans cet état seulement.", show_default=False)
    ] = None,
    limite: Annotated[int, typer.Option("--limite", min=1, max=10_000, help="Nombre de messages.")] = 50,
    json: Json = False,
) -> None:
    """Liste les derniers messages, du plus récent au plus ancien."""
    if sens is Sens.ENTRANT:
        wanted = _state(EtatEntrant, etat)
        with transaction(ctx) as conn:
            _show_entrants(
                entrants.list_entrants(conn, limite=limite, guichet=guichet, etat=wanted), json=json
            )
        return
    with transaction(ctx) as conn:
        found = sortants.list_sortants(conn, limite=limite, guichet=guichet, etat=_state(Etat, etat))
    if json:
        print_json([sortant_of(each) for each in found])
        return
    print_table(
        (
            "identifiant",
            "écrit le",
            "guichet",
            "nature",
            "partie",
            "état",
            "essais",
            "prochain essai",
            "constat",
        ),
        [
            (
                each.id,
                each.cree_le,
                each.guichet,
                each.nature.value,
                f"{each.partie}/{each.parties}",
                each.situation.etat.value,
                each.tentatives,
                each.situation.prochaine,
                each.detail,
            )
            for each in found
        ],
        vide="Aucun message.",
    )


@app.command("montrer", cls=Commande)
def show(
    ctx: typer.Context,
    identifiant: Annotated[str, typer.Argument(metavar="IDENTIFIANT", help="Identifiant d'un message.")],
    octets: Octets = None,
    json: Json = False,
) -> None:
    """Montre un message reçu ou envoyé, ses fichiers, ses réponses ou ses essais."""
    key = read_identifiant(identifiant, "de message")
    with transaction(ctx) as conn:
        entrant = entrants.get_entrant(conn, key)
        sortant = sortants.get_sortant(conn, key)
        if entrant is not None:
            value = entrant_of(entrant) | {"lignes": list_files(conn, key)}
            value["reponses"] = [sortant_of(each) for each in sortants.list_sortants(conn, entrant=key)]
        elif sortant is not None:
            value = sortant_of(sortant) | {
                "lignes": list_attempts(conn, key),
                "avis": list_notices(conn, key),
            }
        else:
            raise ConstatNegatif(f"Aucun message n'a l'identifiant {key}.")
        raw = entrants.read_brut(conn, key) if octets is not None else None
    if octets is not None:
        if raw is None:
            raise ConstatNegatif("Le message tel que reçu n'est plus conservé, ou c'est un message envoyé.")
        write_secret(octets, raw)
    if json:
        print_json(value)
        return
    lignes = value.pop("lignes")
    assert isinstance(lignes, list)
    reponses = value.pop("reponses", [])
    assert isinstance(reponses, list)
    print_fiche([(name.replace("_", " "), found) for name, found in value.items()])
    if lignes:
        print_table(tuple(lignes[0]), [tuple(ligne.values()) for ligne in lignes], vide="")
    for reponse in reponses:
        say(f"Réponse : {reponse['id']} ({reponse['etat']})")


@app.command("quarantaine", cls=Commande)
def list_quarantine(
    ctx: typer.Context,
    limite: Annotated[int, typer.Option("--limite", min=1, max=10_000, help="Nombre de messages.")] = 50,
    json: Json = False,
) -> None:
    """Liste les messages refusés, avec leur raison et ce qu'il reste à faire."""
    with transaction(ctx) as conn:
        found = entrants.list_entrants(conn, limite=limite, etat=EtatEntrant.QUARANTAINE)
    _show_entrants(found, json=json)


@app.command("rejouer", cls=Commande)
def replay(
    ctx: typer.Context,
    identifiants: Annotated[
        list[str], typer.Argument(metavar="IDENTIFIANT...", help="Messages en quarantaine, ou en échec.")
    ],
) -> None:
    """Traite de nouveau des messages en quarantaine, ou renvoie des réponses en échec.

    Rien n'est fait deux fois : un fichier déjà accepté reçoit sa première réponse.
    """
    keys = [read_identifiant(each, "de message") for each in identifiants]
    with transaction(ctx) as conn:
        done = replay_courriers(conn, keys, instant=contexte_of(ctx).clock.now())
    for key in keys:
        say(f"{key} : {'rejoué' if key in done else 'ni en quarantaine, ni en échec'}")
    if not done:
        raise ConstatNegatif("Aucun message n'a été rejoué.")


@app.command("relever", cls=Commande)
def collect(ctx: typer.Context) -> None:
    """Relève une fois la boîte à lettres : garde ce qui est nouveau, range ce qui est traité.

    Le serveur le fait de lui-même ; cette commande sert à essayer la configuration.
    """
    from echangeur.courrier import mailbox_of
    from mailflows.boite_imap import BoiteImap, BoiteInjoignable
    from mailflows.releve_imap import ReleveImap

    instance, clock = instance_of(ctx), contexte_of(ctx).clock
    boite = mailbox_of(instance)
    if boite is None:
        raise MauvaisUsage("Aucune boîte n'est configurée.", "Remplissez la section [boite].")

    async def once() -> int:
        with instance.database() as engine:
            releve = ReleveImap(engine, clock, boite, instance.configuration.courrier.taille_max_recue)
            opened = await BoiteImap.open(boite)
            try:
                return await releve.collect(opened)
            finally:
                await opened.close()

    try:
        waiting = asyncio.run(once())
    except BoiteInjoignable as error:
        raise ConstatNegatif(f"La boîte ne se relève pas : {error}.") from error
    say(f"Boîte relevée : {waiting} message{'s' if waiting > 1 else ''} à traiter.")


@app.command("etat", cls=Commande)
def state(ctx: typer.Context, json: Json = False) -> None:
    """Dit où en est le canal : messages par état, fermetures, certificats à donner aux partenaires."""
    from echangeur.courrier import cut_off_of, load_cles

    instance, instant = instance_of(ctx), contexte_of(ctx).clock.now()
    configuree = cut_off_of(instance)
    cles = load_cles(instance, contexte_of(ctx).clock)
    with transaction(ctx) as conn:
        value: dict[str, object] = {
            "adresse": instance.configuration.courrier.adresse,
            "actif": instance.configuration.courrier.actif,
            "entrants": count_by_etat(conn, "courrier_entrant"),
            "sortants": count_by_etat(conn, "courrier_sortant"),
            "plus_ancien_a_traiter": conn.execute(
                text("SELECT min(recu_le) FROM courrier_entrant WHERE etat = 'recu'")
            ).scalar_one(),
            "signature": cles.signataire().certificat.empreinte,
            "chiffrement": cles.dechiffrement()[0].certificat.empreinte,
            "fermetures": [
                {
                    "guichet": each.guichet or "tous",
                    "ferme_le": each.ferme_le,
                    "annoncee_le": "configuration" if each is configuree else each.annoncee_le,
                    "ferme": fermeture.is_closed(each, instant),
                }
                for each in (*([configuree] if configuree else ()), *fermeture.list_fermetures(conn))
            ],
        }
    if json:
        print_json(value)
        return
    closures = value.pop("fermetures")
    assert isinstance(closures, list)
    print_fiche(
        [
            (
                name.replace("_", " "),
                ", ".join(f"{n} {etat}" for etat, n in found.items()) if isinstance(found, dict) else found,
            )
            for name, found in value.items()
        ]
    )
    print_table(
        ("guichet", "ferme le", "annoncée le", "fermé"),
        [tuple(each.values()) for each in closures],
        vide="Aucune fermeture annoncée.",
    )


@app.command("fermer", cls=Commande)
def close(
    ctx: typer.Context,
    le: Annotated[
        datetime,
        typer.Option("--le", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="Jour ou instant, heure de Paris."),
    ],
    guichet: Annotated[
        str, typer.Option("--guichet", help="Pour ce guichet.", show_default="tous")
    ] = fermeture.TOUS,
) -> None:
    """Annonce la fermeture du canal à une date : les réponses en avertissent, puis le courrier est refusé."""
    instant = contexte_of(ctx).clock.now()
    with transaction(ctx) as conn:
        constats = fermeture.close(conn, guichet, of_paris(le), annoncee_le=instant)
    _accepted(constats)
    say(f"Fermeture annoncée pour {guichet or 'tous les guichets'}.")


@app.command("rouvrir", cls=Commande)
def reopen(
    ctx: typer.Context,
    guichet: Annotated[
        str, typer.Option("--guichet", help="Pour ce guichet.", show_default="l'annonce faite à tous")
    ] = fermeture.TOUS,
) -> None:
    """Annule l'annonce d'une fermeture, ou la fermeture."""
    with transaction(ctx) as conn:
        constats = fermeture.reopen(conn, guichet)
    _accepted(constats)
    say(f"Canal ouvert pour {guichet or 'tous les guichets'}.")


@app.command("purger", cls=Commande)
def erase(ctx: typer.Context) -> None:
    """Efface les octets des messages terminés depuis plus longtemps que courrier.conservation.

    La tâche quotidienne « registre taches effacements » le fait aussi. Ce qui attend est gardé jusqu'à la fin
    de la conservation du registre ; les empreintes et les issues restent.
    """
    configuration, instant = instance_of(ctx).configuration, contexte_of(ctx).clock.now()
    avant = instant - timedelta(days=configuration.courrier.conservation)
    with transaction(ctx) as conn:
        recus, emis = purge(conn, avant, limite_of(configuration.regles, instant), instant=instant)
    say(f"Effacés : {recus} messages reçus, {emis} messages envoyés.")


def _show_entrants(found: tuple[Entrant, ...], *, json: bool) -> None:
    if json:
        print_json([entrant_of(each) for each in found])
        return
    print_table(
        _COLONNES,
        [(e.id, e.recu_le, e.guichet, e.etat.value, e.nature, e.fichiers, e.code, e.motif) for e in found],
        vide="Aucun message.",
    )


def _state(kind: type[E], etat: str | None) -> E | None:
    if etat is None:
        return None
    try:
        return kind(etat)
    except ValueError:
        connus = ", ".join(each.value for each in kind)
        raise MauvaisUsage(f"« {etat} » n'est pas un état.", f"États : {connus}.") from None


def _accepted(constats: tuple[Constat, ...]) -> None:
    if constats:
        raise ConstatNegatif(" ; ".join(constat.texte for constat in constats).capitalize() + ".")
