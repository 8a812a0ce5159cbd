"""The settings of the console, a section of the configuration."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class Console(Struct, frozen=True, forbid_unknown_fields=True):
    """La console web."""

    active: Annotated[bool, Meta(description="`false` : ce processus ne sert pas la console.")] = True
    adresse: Annotated[
        str,
        Meta(
            min_length=1,
            description="Adresse d'écoute. `127.0.0.1` n'accepte que la machine elle-même ;"
            " `0.0.0.0` les accepte toutes.",
        ),
    ] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="Port d'écoute ; 0 en prend un libre.")] = 8444
    certificat: Annotated[
        str,
        Meta(
            min_length=1,
            extra={"fichier": True},
            description="Certificat de la console, chaîne complète, PEM.",
        ),
    ] = "serveur/cert.pem"
    cle: Annotated[
        str,
        Meta(
            min_length=1,
            extra={"fichier": True},
            description="Clé privée correspondante, PEM, sans mot de passe.",
        ),
    ] = "serveur/key.pem"
    scellement: Annotated[
        str,
        Meta(
            min_length=1,
            extra={"fichier": True},
            description="Clés qui scellent dans la base les seconds facteurs des comptes. Le même fichier"
            " pour tous les processus qui servent la console ; jamais avec les sauvegardes de la base.",
        ),
    ] = "console/scellement.cles"
    mandataires: Annotated[
        tuple[str, ...],
        Meta(description="Comme dans `[serveur]`."),
    ] = ()
    url_publique: Annotated[
        str,
        Meta(
            pattern=r"^($|https://[A-Za-z0-9.-]+(:[0-9]{1,5})?$)",
            description="Adresse par laquelle les agents l'atteignent, `https://console.exemple.fr`, quand un"
            " mandataire est devant elle. Vide : celle que dit le navigateur.",
        ),
    ] = ""
    certification: Annotated[
        int,
        Meta(
            ge=30,
            le=1096,
            description="Jours au bout desquels un compte n'ouvre plus rien, sauf certifié de nouveau.",
        ),
    ] = 365
    inactivite: Annotated[
        int,
        Meta(
            ge=1, le=1440, description="Minutes sans rien demander au bout desquelles une session se ferme."
        ),
    ] = 30
    duree_session: Annotated[
        int,
        Meta(ge=1, le=72, description="Heures au bout desquelles une session se ferme, quoi qu'il arrive."),
    ] = 10
    essais_locaux: Annotated[
        bool,
        Meta(
            description="`true` : l'essai d'une adresse de réception peut viser la machine de l'échangeur"
            " elle-même ; pour une démonstration."
        ),
    ] = False


def base_of(url_publique: str, adresse: str, port: int) -> str:
    """The base address of a server as those who call it see it: the one that was set, else where it listens;
    one that listens to this machine alone, or to any address, is called here."""
    hote = "localhost" if adresse in ("127.0.0.1", "0.0.0.0", "::", "::1") else adresse  # noqa: S104
    return url_publique or f"https://{hote}:{port}"
