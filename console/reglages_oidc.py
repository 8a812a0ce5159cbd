"""The settings of the provider of identity, a section of the configuration."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct


class Oidc(Struct, frozen=True, forbid_unknown_fields=True):
    """Le fournisseur d'identité de la console, par OpenID Connect : ProConnect, ou celui d'un organisme."""

    emetteur: Annotated[
        str,
        Meta(
            pattern=r"^($|https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$)",
            description="Adresse de l'émetteur, exactement telle que la dit son document de découverte."
            " Vide : on n'entre pas par un fournisseur d'identité.",
        ),
    ] = ""
    client: Annotated[str, Meta(description="Identifiant que le fournisseur a donné à la console.")] = ""
    secret: Annotated[
        str, Meta(extra={"fichier": True}, description="Fichier qui contient le secret donné avec lui.")
    ] = ""
    identification: Annotated[
        Literal["client_secret_post", "client_secret_basic"],
        Meta(description="Comment la console donne son secret au fournisseur."),
    ] = "client_secret_post"
    nom: Annotated[
        str,
        Meta(pattern=r"^[^<>\x00-\x1f]{1,40}$", description="Nom du fournisseur, tel que le dit le bouton."),
    ] = "ProConnect"
    portees: Annotated[
        str,
        Meta(pattern=r"^openid( [a-z_]+)*$", description="Ce qui est demandé de la personne (`scope`)."),
    ] = "openid email"
    niveaux: Annotated[
        str,
        Meta(
            pattern=r"^[!-~ ]*$",
            description="Niveaux d'authentification admis (`acr`), séparés par des espaces ; une identité"
            " d'un autre niveau est refusée. Vide : celui du fournisseur.",
        ),
    ] = ""
    demande_niveaux: Annotated[
        Literal["acr_values", "claims"],
        Meta(description="Par quel paramètre ils sont demandés ; ProConnect veut `claims`."),
    ] = "acr_values"
    signature: Annotated[
        Literal["RS256", "PS256", "ES256", "ES384"],
        Meta(description="L'algorithme dont le fournisseur signe pour la console, tel que convenu avec lui."),
    ] = "RS256"
    courriel_non_dit: Annotated[
        Literal["refuse", "admis"],
        Meta(
            description="Une adresse dont le fournisseur ne dit pas si elle est vérifiée (`email_verified`)."
            " `admis` s'il s'en porte garant par ailleurs, comme ProConnect. Dite non vérifiée, elle est"
            " toujours refusée."
        ),
    ] = "refuse"
    autorites: Annotated[
        str,
        Meta(
            extra={"fichier": True},
            description="Autorités de confiance pour le fournisseur, PEM. Vide : celles du système.",
        ),
    ] = ""
