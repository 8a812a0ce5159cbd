"""The sections of the configuration about signed mail."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

_ADRESSE = r"^[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$"


class Courrier(Struct, frozen=True, forbid_unknown_fields=True):
    """Le courrier signé et chiffré : la réception et les règles."""

    actif: Annotated[bool, Meta(description="`true` : ce processus reçoit et envoie du courrier.")] = False
    adresse: Annotated[
        str,
        Meta(
            pattern=_ADRESSE,
            description="Adresse de courrier de l'échangeur, celle où les partenaires écrivent.",
        ),
    ] = "echangeur@localhost"
    ecoute: Annotated[
        str,
        Meta(
            description="Adresse d'écoute de la réception directe. Vide : le courrier n'arrive que par la"
            " boîte de la section `[boite]`."
        ),
    ] = "127.0.0.1"
    port: Annotated[
        int, Meta(ge=0, le=65535, description="Port de la réception directe ; 0 en prend un libre.")
    ] = 2525
    protocole: Annotated[
        Literal["smtp", "lmtp"],
        Meta(
            description="`smtp`, pour les partenaires eux-mêmes ou un relais ; `lmtp`, derrière un serveur de"
            " courrier."
        ),
    ] = "smtp"
    tls: Annotated[
        Literal["exige", "offert", "non"],
        Meta(
            description="STARTTLS à la réception directe, avec le certificat de `[serveur]` : `exige`,"
            " `offert` ou `non`."
        ),
    ] = "exige"
    marque: Annotated[
        str,
        Meta(
            pattern=r"^[ -~]{1,40}$",
            description="Début du sujet de tous les messages de l'échangeur, en ASCII.",
        ),
    ] = "[echangeur]"
    taille_max_recue: Annotated[
        int, Meta(ge=65_536, le=1 << 30, description="Taille maximale d'un message reçu, en octets.")
    ] = 32 << 20
    taille_max_emise: Annotated[
        int,
        Meta(
            ge=262_144,
            le=1 << 30,
            description="Taille maximale d'un message envoyé, en octets ; une réponse plus grande part en"
            " plusieurs messages.",
        ),
    ] = 10 << 20
    delai_accuse: Annotated[
        float,
        Meta(
            ge=0.01,
            le=240,
            description="Heures laissées à un partenaire pour accuser réception, avant chaque rappel.",
        ),
    ] = 4.0
    rappels: Annotated[
        int, Meta(ge=0, le=10, description="Rappels d'une réponse avant que son échec soit montré.")
    ] = 2
    accuse_des_reponses: Annotated[
        bool,
        Meta(
            description="`true` : les partenaires accusent aussi réception des réponses ; les distributions,"
            " toujours."
        ),
    ] = False
    refus_par_heure: Annotated[
        int,
        Meta(
            ge=0,
            le=10_000,
            description="Refus de messages entiers envoyés à un guichet en une heure, au plus ; au-delà, la"
            " quarantaine seule les garde. À relever le temps d'un essai de conformité.",
        ),
    ] = 20
    conservation: Annotated[
        int,
        Meta(
            ge=1,
            le=365,
            description="Jours pendant lesquels sont gardés les messages reçus et envoyés, une fois traités.",
        ),
    ] = 30
    fermeture: Annotated[
        str,
        Meta(
            pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2})?)?$",
            description="Jour (`2027-12-01`) ou instant (`2027-12-01T08:00`), heure de Paris, où le canal"
            " ferme pour tous les guichets. Vide : seul `echangeur courrier fermer` annonce une fermeture.",
        ),
    ] = ""


class RelaisCourrier(Struct, frozen=True, forbid_unknown_fields=True):
    """Le relais qui prend le courrier de l'échangeur."""

    hote: Annotated[str, Meta(min_length=1, description="Nom ou adresse du relais.")] = "localhost"
    port: Annotated[int, Meta(ge=1, le=65535, description="Port du relais.")] = 25
    securite: Annotated[
        Literal["starttls", "tls", "aucune"],
        Meta(description="Protection de la liaison ; `aucune` pour un relais de la machine elle-même."),
    ] = "starttls"
    autorites: Annotated[
        str,
        Meta(
            extra={"fichier": True},
            description="Autorités de confiance pour le relais, PEM. Vide : celles du système.",
        ),
    ] = ""
    utilisateur: Annotated[str, Meta(description="Compte. Vide : sans identification.")] = ""
    mot_de_passe: Annotated[
        str, Meta(extra={"fichier": True}, description="Fichier qui contient le mot de passe du compte.")
    ] = ""
    connexions: Annotated[
        int,
        Meta(ge=1, le=50, description="Connexions gardées vers le relais, et messages envoyés à la fois."),
    ] = 4
    delai: Annotated[
        int,
        Meta(ge=1, le=20, description="Secondes laissées au relais pour prendre un message, de 1 à 20."),
    ] = 20


class Boite(Struct, frozen=True, forbid_unknown_fields=True):
    """La boîte à lettres relevée par IMAP, quand le courrier n'arrive pas directement."""

    hote: Annotated[str, Meta(description="Serveur IMAP. Vide : aucune boîte n'est relevée.")] = ""
    port: Annotated[int, Meta(ge=1, le=65535, description="Port, en TLS dès l'ouverture.")] = 993
    autorites: Annotated[
        str,
        Meta(
            extra={"fichier": True},
            description="Autorités de confiance pour le serveur, PEM. Vide : celles du système.",
        ),
    ] = ""
    utilisateur: Annotated[str, Meta(description="Compte.")] = ""
    mot_de_passe: Annotated[
        str, Meta(extra={"fichier": True}, description="Fichier qui contient le mot de passe du compte.")
    ] = ""
    dossier: Annotated[str, Meta(min_length=1, description="Dossier relevé.")] = "INBOX"
    traites: Annotated[str, Meta(min_length=1, description="Dossier où vont les messages traités.")] = (
        "Traites"
    )
    quarantaine: Annotated[str, Meta(min_length=1, description="Dossier où vont les messages refusés.")] = (
        "Quarantaine"
    )
