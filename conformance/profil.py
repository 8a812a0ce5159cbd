"""The profile of a target: the TOML file that says where it is, who calls it, and what it claims."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from conformance.assertion import Capacite


class ProfilIncorrect(Exception):
    """The file cannot be used; str() says why, in French."""


class Identite(Struct, frozen=True, forbid_unknown_fields=True):
    """Files of a certificate (full chain) and of its key, in PEM."""

    certificat: str
    cle: str


class Guichet(Struct, frozen=True, forbid_unknown_fields=True):
    """A guichet that the kit plays."""

    code: Annotated[str, Meta(pattern="^[A-Z0-9]{5}$")]
    certificat: str
    cle: str
    territoire: Annotated[str, Meta(pattern="^[0-9AB]{3}$")] = "111"


class Cible(Struct, frozen=True, forbid_unknown_fields=True):
    """The target. delai: seconds after which an answer will not come."""

    nom: str
    adresse: str = ""
    autorites: str = ""
    version: str = "02.01"
    delai: Annotated[float, Meta(gt=0)] = 30.0
    capacites: tuple[str, ...] = ()


class Reception(Struct, frozen=True, forbid_unknown_fields=True):
    """Server under test: where the kit listens to be pushed distributions (`hote`, `port`), the authorities
    of the certificate of the hub that pushes (those of the target if empty), and the seconds in which it
    sends again what failed (`attente`). Client under test: where the partner listens (`adresse`)."""

    certificat: str = ""
    cle: str = ""
    hote: str = "127.0.0.1"
    port: int = 0
    autorites: str = ""
    attente: Annotated[float, Meta(gt=0)] = 120.0
    adresse: str = ""


class Courrier(Struct, frozen=True, forbid_unknown_fields=True):
    """Signed mail. adresse, hote, port: of the target. chiffrement, signature: PEM of the certificates of the
    target. autorites: of its mail server, whose connection is in clear without them. local_adresse,
    local_port: where the kit receives. attente: seconds in which an answer comes."""

    adresse: str
    hote: str
    port: int
    chiffrement: str
    signature: str
    autorites: str = ""
    local_adresse: str = "conformite@kit.example"
    local_hote: str = "localhost"
    local_port: int = 0
    attente: Annotated[float, Meta(gt=0)] = 60.0


class Pilotage(Struct, frozen=True, forbid_unknown_fields=True):
    """Client under test: how the client of the partner is made to act.

    By action, the words of a command, where `{adresse}`, `{document}`, `{numero}` and `{dossier}` are filled;
    an action without a command is asked from the person, who has `attente` seconds. autorite: an authority
    that the partner trusts for the trial, with which the kit makes certificates that must be refused.
    """

    actions: dict[str, list[str]] = {}
    attente: Annotated[float, Meta(gt=0)] = 300.0
    hote: str = "localhost"
    port: int = 0
    certificat: str = ""
    cle: str = ""
    autorites: str = ""
    autorite: Identite | None = None


class Depot(Struct, frozen=True, forbid_unknown_fields=True):
    """What the report is for.

    guichet: for which it is to be deposited. controle: address where anybody has it verified, in which
    ``{identifiant}`` is that of the report.
    """

    guichet: Annotated[str, Meta(pattern="^([A-Z0-9]{5})?$")] = ""
    controle: str = ""


class Profil(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that the file says. guichets: by role."""

    cible: Cible
    guichets: dict[str, Guichet] = {}
    certificats: dict[str, Identite] = {}
    reception: Reception = Reception()
    courrier: Courrier | None = None
    pilotage: Pilotage = Pilotage()
    rapport: Depot = Depot()


ROLES: Final = ("emetteur", "lecteur", "exterieur", "etat", "consultant", "receveur", "courrier")


def read_profil(fichier: Path) -> tuple[Profil, str]:
    """The profile, its paths made absolute from its own folder, and the SHA-256 of the file.

    Raises ProfilIncorrect when it cannot be read or says what it may not.
    """
    try:
        data = fichier.read_bytes()
        raw = tomllib.loads(data.decode("utf-8"))
        profil = msgspec.convert(_absolute(raw, fichier.resolve().parent), Profil)
    except OSError as error:
        raise ProfilIncorrect(f"{fichier} ne se lit pas : {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ProfilIncorrect(f"{fichier} n'est pas du TOML en UTF-8 : {error}") from None
    except msgspec.ValidationError as error:
        raise ProfilIncorrect(f"{fichier} : {error}") from None
    if unknown := set(profil.guichets) - set(ROLES):
        raise ProfilIncorrect(f"{fichier} : rôle inconnu {', '.join(sorted(unknown))} ; {', '.join(ROLES)}")
    if unknown := set(profil.cible.capacites) - set(Capacite):
        raise ProfilIncorrect(f"{fichier} : capacité inconnue {', '.join(sorted(unknown))}")
    return profil, hashlib.sha256(data).hexdigest()


_FICHIERS: Final = frozenset({"certificat", "cle", "autorites", "chiffrement", "signature"})


def _absolute(value: object, folder: Path, key: str = "") -> object:
    if isinstance(value, dict):
        return {name: _absolute(each, folder, name) for name, each in value.items()}
    if key in _FICHIERS and isinstance(value, str) and value:
        return str(folder / value)
    return value


MODELE: Final = """\
# Profil d'une cible du kit de conformité. Les chemins partent du dossier de ce fichier.

[cible]
nom = "Échangeur de recette"
# Serveur à l'essai : l'adresse de base de ses services, et les autorités (PEM) de son certificat.
adresse = "https://localhost:8443"
autorites = "ca.pem"
# Version de l'interface annoncée.
version = "02.01"
# Secondes au bout desquelles une réponse ne viendra plus.
delai = 30.0
# Ce que la cible offre au-delà de l'enregistrement et de la lecture. Ce qui n'est pas dit est « sans objet ».
# Serveur : attestation, recherche, gestion partagée, pièces, retrait des distributions,
#   réception des distributions, manifestes, courrier.
# Client : appels, réception des distributions, retrait des distributions, manifestes, courrier.
capacites = ["attestation", "recherche", "gestion partagée", "retrait des distributions"]

# Ce que dit le rapport : le guichet pour lequel le déposer, et l'adresse où quiconque le fait vérifier.
#[rapport]
#guichet = "G1104"
#controle = "https://console.exemple.fr/conformite/rapports/{identifiant}"

# Les guichets que le kit joue, par rôle. Seul emetteur est obligatoire pour un serveur.
# emetteur : un bailleur, qui enregistre des demandes dans son territoire.
[guichets.emetteur]
code = "G1104"
certificat = "emetteur/cert.pem"
cle = "emetteur/key.pem"
territoire = "111"

# lecteur : un autre bailleur du même territoire, au canal retrait, dont un filtre retient tout.
#[guichets.lecteur]
#code = "G1226"
#certificat = "lecteur/cert.pem"
#cle = "lecteur/key.pem"

# exterieur : un guichet qui ne lit aucune demande de ce territoire.
# etat : un service de l'État du même territoire, qui déclare les DALO.
# consultant : un certificat de profil consultant_simple, du guichet emetteur.
# receveur : un guichet du canal push, dont l'adresse de réception est celle du kit ([reception]).
# courrier : un guichet du canal courrier ([courrier]). Tous deux du territoire d'emetteur ou d'exterieur, qui
# enregistre ce qu'ils reçoivent ; un filtre y retient tout.

# D'autres certificats de l'émetteur : retire, expire, futur, revoque, chemin, autre_usage, second, prepare.
# Du guichet courrier : courrier_retire, courrier_expire, courrier_futur, courrier_revoque, courrier_tls,
# courrier_second. docs/conformite.md dit ce qu'est chacun.
#[certificats.retire]
#certificat = "retire/cert.pem"
#cle = "retire/key.pem"

# Serveur : où le kit reçoit les distributions poussées, et en combien de secondes un envoi manqué revient.
# Client : adresse de votre service de réception.
#[reception]
#certificat = "serveur/cert.pem"
#cle = "serveur/key.pem"
#port = 9443
#attente = 120.0
#adresse = "https://localhost:9443/services/ReceptionDistributionService/"

# Serveur : l'adresse et les certificats de courrier de l'échangeur. Client : ceux de votre robot.
#[courrier]
#adresse = "echangeur@localhost"
#hote = "localhost"
#port = 2525
#chiffrement = "courrier-chiffrement.pem"
#signature = "courrier-signature.pem"
#local_adresse = "conformite@kit.example"
#local_port = 2526

# Client à l'essai : comment faire agir votre logiciel. Une action sans commande vous est demandée à l'écran.
# La commande écrit sur sa sortie ce qu'elle a compris : le numéro unique, ou les codes d'anomalies ;
# son code de retour est 0 quand l'opération a réussi.
#[pilotage]
#attente = 300.0
# Une autorité que votre logiciel connaît le temps de l'essai ; le kit en tire les certificats à refuser.
#[pilotage.autorite]
#certificat = "essai/ca.pem"
#cle = "essai/ca.key.pem"
#[pilotage.actions]
#enregistrer = ["mon-client", "enregistrer", "{adresse}", "{document}"]
#lire = ["mon-client", "lire", "{adresse}", "{numero}"]
#doublons = ["mon-client", "doublons", "{adresse}", "{document}"]
#relever = ["mon-client", "relever", "{adresse}"]
#rapprocher = ["mon-client", "rapprocher", "{adresse}"]
#envoyer-courrier = ["mon-robot", "envoyer", "{document}"]
"""
