"""The configuration of an instance: one TOML file, typed, that refuses what it does not know.

The structures below are the only definition: the file written by `echangeur init` and docs/configuration.md
are generated from them. Relative paths are relative to the folder of the file; the settings that hold one are
marked ``extra={"fichier": True}``.
"""

from __future__ import annotations

import re
import textwrap
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal, get_args

import msgspec
from msgspec import Meta, Struct

from console.reglages import Console
from console.reglages_oidc import Oidc
from echangeur.config_courrier import Boite, Courrier, RelaisCourrier
from echangeur.config_raccordement import Raccordement
from echangeur.config_remise import Remise
from echangeur.config_telemetrie import Telemetrie
from mailflows.alertes.reglages import Alertes
from registry.limites import LimitesPieces, LimitesRecherche
from registry.regles import Regles

FICHIER: Final = "echangeur.toml"


class Base(Struct, frozen=True, forbid_unknown_fields=True):
    """La base PostgreSQL."""

    url: Annotated[
        str,
        Meta(
            pattern=r"^($|postgresql(\+psycopg)?://)",
            description="Adresse de la base, `postgresql://utilisateur@hote/base`. Vide : PostgreSQL"
            " embarqué, dont les données sont dans le dossier `postgres` de l'instance.",
        ),
    ] = ""
    connexions: Annotated[
        int, Meta(ge=2, le=200, description="Nombre de connexions que garde un processus, de 2 à 200.")
    ] = 8


class Serveur(Struct, frozen=True, forbid_unknown_fields=True):
    """Les services SOAP."""

    adresse: Annotated[
        str,
        Meta(
            min_length=1,
            description="Adresse d'écoute. `127.0.0.1` n'accepte que la machine elle-même ;"
            " `0.0.0.0` les accepte toutes.",
        ),
    ] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="Port d'écoute ; 0 en prend un libre.")] = 8443
    certificat: Annotated[
        str,
        Meta(
            min_length=1, extra={"fichier": True}, description="Certificat du serveur, chaîne complète, PEM."
        ),
    ] = "serveur/cert.pem"
    cle: Annotated[
        str,
        Meta(
            min_length=1,
            extra={"fichier": True},
            description="Clé privée du serveur, PEM, sans mot de passe.",
        ),
    ] = "serveur/key.pem"
    autorites: Annotated[
        str,
        Meta(
            min_length=1,
            extra={"fichier": True},
            description="Autorités de confiance pour les certificats des partenaires, PEM. Un certificat"
            " enregistré par `echangeur certificat enregistrer` est accepté quelle que soit son autorité.",
        ),
    ] = "autorite/ca.pem"
    mandataires: Annotated[
        tuple[str, ...],
        Meta(
            description="Adresses ou réseaux des mandataires de connexions, qui annoncent d'où vient chaque"
            " appel par le protocole PROXY, version 2 : une connexion qui vient d'eux commence par là."
        ),
    ] = ()
    url_publique: Annotated[
        str,
        Meta(
            pattern=r"^($|https://[A-Za-z0-9.-]+(:[0-9]{1,5})?$)",
            description="Adresse par laquelle les partenaires atteignent les services, telle que la console"
            " la leur donne, `https://services.exemple.fr`. Vide : l'adresse et le port d'écoute.",
        ),
    ] = ""
    taille_max: Annotated[
        int,
        Meta(ge=65_536, le=1 << 30, description="Taille maximale d'un message reçu, en octets."),
    ] = 8 << 20
    delai_lecture: Annotated[
        float,
        Meta(ge=1, le=600, description="Secondes laissées à un partenaire pour envoyer son message."),
    ] = 30.0
    delai_arret: Annotated[
        float,
        Meta(ge=0, le=300, description="Secondes laissées aux échanges en cours quand le serveur s'arrête."),
    ] = 10.0
    delai_retrait: Annotated[
        float,
        Meta(
            ge=0,
            le=300,
            description="Secondes pendant lesquelles un serveur qui va s'arrêter sert encore, en se disant"
            " déjà indisponible : le temps qu'un répartiteur s'en aperçoive.",
        ),
    ] = 0.0


class Administration(Struct, frozen=True, forbid_unknown_fields=True):
    """L'écoute d'administration : santé et chiffres d'un processus, en clair et sans compte."""

    adresse: Annotated[
        str,
        Meta(
            min_length=1,
            description="Adresse d'écoute. Une autre que `127.0.0.1` se protège par le réseau : rien de"
            " nominatif n'y est dit, mais l'état de l'échangeur l'est.",
        ),
    ] = "127.0.0.1"
    port: Annotated[
        int,
        Meta(
            ge=0,
            le=65535,
            description="Port d'écoute ; 0 en prend un libre, que `echangeur sante` retrouve.",
        ),
    ] = 0
    fraicheur: Annotated[
        float,
        Meta(ge=0, le=60, description="Secondes pendant lesquelles une épreuve de santé est resservie."),
    ] = 2.0


class Distribution(Struct, frozen=True, forbid_unknown_fields=True):
    """L'envoi des demandes aux guichets destinataires."""

    active: Annotated[
        bool,
        Meta(description="`false` : ce processus enregistre mais n'envoie rien ; un autre doit le faire."),
    ] = True
    certificat: Annotated[
        str,
        Meta(
            min_length=1,
            extra={"fichier": True},
            description="Certificat que l'échangeur présente aux partenaires, PEM.",
        ),
    ] = "client/cert.pem"
    cle: Annotated[
        str,
        Meta(
            min_length=1,
            extra={"fichier": True},
            description="Clé privée correspondante, PEM, sans mot de passe.",
        ),
    ] = "client/key.pem"
    autorites: Annotated[
        str,
        Meta(
            extra={"fichier": True},
            description="Autorités de confiance pour les serveurs des partenaires, PEM."
            " Vide : celles du système.",
        ),
    ] = "autorite/ca.pem"
    sortie: Annotated[
        Literal["droits", "filtres"],
        Meta(
            description="Quand un guichet qui a reçu une demande cesse de la suivre, et en reçoit l'avis :"
            " `droits`, quand il n'a plus le droit de la lire ; `filtres`, aussi quand aucun de ses filtres"
            " ne la retient plus."
        ),
    ] = "droits"
    rattrapage_debit: Annotated[
        int,
        Meta(
            ge=1,
            le=60_000,
            description="Demandes du stock offertes au plus à un guichet, par minute, pendant un rattrapage.",
        ),
    ] = 600
    rattrapage_attente: Annotated[
        int,
        Meta(
            ge=1,
            le=100_000,
            description="Distributions en attente chez un guichet au-delà desquelles son rattrapage n'offre"
            " plus rien : ce qui arrive pendant ce temps n'attend jamais derrière davantage.",
        ),
    ] = 200
    rattrapage_attente_retrait: Annotated[
        int,
        Meta(
            ge=1,
            le=1_000_000,
            description="La même limite pour un guichet qui vient chercher ses distributions.",
        ),
    ] = 10_000


class Attestation(Struct, frozen=True, forbid_unknown_fields=True):
    """L'attestation d'enregistrement ou de renouvellement, en PDF."""

    politique: Annotated[
        Literal["sur-demande", "toujours", "jamais"],
        Meta(
            description="Quand la joindre à la réponse de getNumUnique : `toujours`, sauf si `complet` la"
            " refuse ; `sur-demande`, si `complet` la demande ; `jamais`."
        ),
    ] = "toujours"
    portail: Annotated[
        str,
        Meta(description="Adresse en ligne où le demandeur suit sa demande, telle que l'attestation la dit."),
    ] = "https://www.demande-logement-social.gouv.fr"


class Confiance(Struct, frozen=True, forbid_unknown_fields=True):
    """Ce qui est demandé aux autorités de confiance des partenaires."""

    revocation: Annotated[
        Literal["si-declaree", "exigee", "aucune"],
        Meta(
            description="Quand la révocation d'un certificat doit être connue : `si-declaree`, s'il dit où"
            " elle est publiée ou si la liste de son autorité est donnée ; `exigee`, toujours ; `aucune`,"
            " jamais."
        ),
    ] = "si-declaree"
    grace: Annotated[
        int,
        Meta(
            ge=0,
            le=720,
            description="Heures pendant lesquelles une liste ou une réponse qui n'est plus à jour compte"
            " encore. Passé ce délai, ce qui en dépend attend.",
        ),
    ] = 24


class Configuration(Struct, frozen=True, forbid_unknown_fields=True):
    """Tout ce que règle `echangeur.toml`."""

    base: Base = Base()
    serveur: Serveur = Serveur()
    console: Console = Console()
    oidc: Oidc = Oidc()
    administration: Administration = Administration()
    distribution: Distribution = Distribution()
    remise: Remise = Remise()
    courrier: Courrier = Courrier()
    relais: RelaisCourrier = RelaisCourrier()
    boite: Boite = Boite()
    alertes: Alertes = Alertes()
    telemetrie: Telemetrie = Telemetrie()
    attestation: Attestation = Attestation()
    confiance: Confiance = Confiance()
    raccordement: Raccordement = Raccordement()
    regles: Regles = Regles()
    pieces: LimitesPieces = LimitesPieces()
    recherche: LimitesRecherche = LimitesRecherche()


@dataclass(frozen=True, slots=True)
class Faute:
    """One fault of a configuration: `cle` such as ``serveur.port``, `message` in French."""

    cle: str
    message: str


class ConfigurationIncorrecte(Exception):
    """The configuration cannot be used. `fichier` and every fault found; str() is the French text."""

    def __init__(self, fichier: Path, fautes: tuple[Faute, ...]) -> None:
        self.fichier = fichier
        self.fautes = fautes
        lines = [f"La configuration {fichier} est incorrecte :"]
        lines += [
            f"  - {faute.cle} : {faute.message}" if faute.cle else f"  - {faute.message}" for faute in fautes
        ]
        super().__init__("\n".join(lines))


def load_configuration(fichier: Path) -> Configuration:
    """Read a file. Raises ConfigurationIncorrecte with every unknown key, or else the first bad value."""
    try:
        text = fichier.read_bytes().decode("utf-8")
        data = tomllib.loads(text)
    except FileNotFoundError:
        raise ConfigurationIncorrecte(fichier, (Faute("", "le fichier n'existe pas"),)) from None
    except OSError as error:
        raise ConfigurationIncorrecte(
            fichier, (Faute("", f"le fichier ne se lit pas ({error.strerror})"),)
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigurationIncorrecte(fichier, (Faute("", "le fichier n'est pas en UTF-8"),)) from error
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"line (\d+), column (\d+)", str(error))
        place = f"ligne {where[1]}, colonne {where[2]}" if where else "à la fin du fichier"
        raise ConfigurationIncorrecte(fichier, (Faute("", f"ce n'est pas du TOML ({place})"),)) from error
    unknown = _unknown_keys(data, Configuration)
    if unknown:
        raise ConfigurationIncorrecte(fichier, unknown)
    try:
        return msgspec.convert(data, Configuration)
    except msgspec.ValidationError as error:
        raise ConfigurationIncorrecte(fichier, (_french(str(error)),)) from error


def _unknown_keys(data: dict[str, object], kind: type[Struct], prefix: str = "") -> tuple[Faute, ...]:
    fields = {field.name: field.type for field in msgspec.structs.fields(kind)}
    faults: list[Faute] = []
    for key, value in data.items():
        if key not in fields:
            known = ", ".join(fields)
            faults.append(Faute(prefix + key, f"clé inconnue ; les clés admises ici sont {known}"))
            continue
        inner = fields[key]
        if isinstance(value, dict) and isinstance(inner, type) and issubclass(inner, Struct):
            faults += _unknown_keys(value, inner, f"{prefix}{key}.")
    return tuple(faults)


_TYPES: Final = {
    "int": "un nombre entier",
    "float": "un nombre",
    "str": "un texte entre guillemets",
    "bool": "true ou false",
    "object": "une section",
    "array": "une liste",
    "null": "rien",
}

_MESSAGES: Final = (
    (re.compile(r"Expected `(\w+)`, got `(\w+)`"), "attendu : {0} ; reçu : {1}"),
    (re.compile(r"Expected `\w+` >= (\S+)"), "la valeur est trop petite (au moins {0})"),
    (re.compile(r"Expected `\w+` <= (\S+)"), "la valeur est trop grande (au plus {0})"),
    (re.compile(r"Expected `str` of length >= \d+"), "le texte est vide"),
    (
        re.compile(r"Expected `str` matching regex"),
        "le texte n'a pas la forme attendue ; voir docs/configuration.md",
    ),
)


def _french(message: str) -> Faute:
    """A validation error of msgspec, whose text is ``Expected … - at `$.serveur.port```."""
    text, _, place = message.partition(" - at `$.")
    for pattern, french in _MESSAGES:
        found = pattern.match(text)
        if found:
            values = [_TYPES.get(value, value) for value in found.groups()]
            return Faute(place.rstrip("`"), french.format(*values))
    return Faute(place.rstrip("`"), "valeur incorrecte")


def render(configuration: Configuration) -> str:
    """The annotated file of a new instance: every key with its value, as TOML."""
    lines = ["# Configuration de l'échangeur. Les chemins partent du dossier de ce fichier.", ""]
    for section in msgspec.structs.fields(Configuration):
        assert isinstance(section.type, type)
        lines += [f"# {section.type.__doc__}", f"[{section.name}]"]
        values = getattr(configuration, section.name)
        for name, description, _ in settings_of(section.type):
            lines += textwrap.wrap(description, 100, initial_indent="# ", subsequent_indent="# ")
            lines.append(f"{name} = {_toml(getattr(values, name))}")
        lines.append("")
    return "\n".join(lines)


def files_named(configuration: Configuration) -> list[str]:
    """The files that a configuration names, as it writes them."""
    found = []
    for section in msgspec.structs.fields(Configuration):
        values = getattr(configuration, section.name)
        for field in msgspec.structs.fields(section.type):
            marked = any(isinstance(each, Meta) and each.extra for each in get_args(field.type))
            if marked and (name := getattr(values, field.name)):
                found.append(name)
    return found


def settings_of(kind: type[Struct]) -> list[tuple[str, str, str]]:
    """Name, French description and default (as written in TOML) of each key of a section."""
    found: list[tuple[str, str, str]] = []
    for field in msgspec.structs.fields(kind):
        schema = msgspec.json.schema(field.type)
        found.append((field.name, str(schema["description"]), _toml(field.default)))
    return found


def _toml(value: object) -> str:
    # For texts, numbers and booleans, JSON is TOML.
    return msgspec.json.encode(value).decode("utf-8")
