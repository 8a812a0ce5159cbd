"""Whole test authorities from a file: what a partner needs to try its software against good and bad
certificates. Nobody trusts them but who is told to.

The description is TOML: `[autorites.NOM]` and `[certificats.NOM]`; days count from the instant of building.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, TypeVar

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from certs.autorite import CLES, P256, Autorite, Identite, create_autorite, export_p12, write_secret

MOT_DE_PASSE: Final = b"essai"
"""Of the PKCS#12 files, the same for all: these identities protect nothing."""

USAGES: Final[Mapping[str, x509.ObjectIdentifier]] = {
    "client": ExtendedKeyUsageOID.CLIENT_AUTH,
    "serveur": ExtendedKeyUsageOID.SERVER_AUTH,
    "courrier": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "code": ExtendedKeyUsageOID.CODE_SIGNING,
}
"""Extended key usages by their name in a description; `code` is there to be wrong."""


@dataclass(frozen=True, slots=True)
class DescriptionAutorite:
    """emetteur: name of the authority above, empty for a root. jours: lifetime, from `depuis` days ago."""

    nom: str = ""
    emetteur: str = ""
    cle: str = P256
    depuis: int = 1
    jours: int = 3650


@dataclass(frozen=True, slots=True)
class DescriptionCertificat:
    """depuis: days since it is valid, negative for one that is not yet. revoque: days since it was revoked,
    negative when it is not."""

    emetteur: str
    code: str = ""
    nom: str = ""
    siren: str = ""
    cle: str = P256
    usages: tuple[str, ...] = ("client", "serveur", "courrier")
    depuis: int = 1
    jours: int = 730
    revoque: int = -1


@dataclass(frozen=True, slots=True)
class Description:
    """What to build, in the order of the file: an authority comes after the one that issues it."""

    autorites: Mapping[str, DescriptionAutorite]
    certificats: Mapping[str, DescriptionCertificat]


_Element = TypeVar("_Element", DescriptionAutorite, DescriptionCertificat)


def read_description(texte: str) -> Description:
    """Read a description. Raises ValueError (French) for what it does not understand."""
    try:
        lu = tomllib.loads(texte)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"ce n'est pas du TOML ({error})") from None
    _refuse(lu, {"autorites", "certificats"}, "à la racine")
    autorites: dict[str, DescriptionAutorite] = {}
    for nom, table in _tables(lu, "autorites"):
        autorite = _element(DescriptionAutorite, f"autorites.{nom}", table)
        _known(autorite.emetteur, autorites, f"autorites.{nom}", vide=True)
        autorites[nom] = autorite
    certificats: dict[str, DescriptionCertificat] = {}
    for nom, table in _tables(lu, "certificats"):
        certificat = _element(DescriptionCertificat, f"certificats.{nom}", table)
        _known(certificat.emetteur, autorites, f"certificats.{nom}")
        if inconnus := set(certificat.usages) - USAGES.keys():
            raise ValueError(f"certificats.{nom} : usage inconnu {sorted(inconnus)}")
        certificats[nom] = certificat
    return Description(autorites, certificats)


def build_pki(description: Description, dossier: Path, *, now: datetime) -> tuple[str, ...]:
    """Make all of it in `dossier`; what was made, one line each, for people.

    ``autorites/NOM.pem``, ``NOM.key.pem`` and ``NOM.crl``; ``NOM/cert.pem``, ``key.pem``, ``ca.pem`` and
    ``identite.p12`` for each certificate.
    """
    places = dossier / "autorites"
    places.mkdir(parents=True, exist_ok=True)
    delegues = {each.emetteur for each in description.autorites.values()}
    autorites: dict[str, Autorite] = {}
    revoques: dict[str, dict[int, datetime]] = {nom: {} for nom in description.autorites}
    lignes = []
    for nom, each in description.autorites.items():
        autorites[nom] = create_autorite(
            each.nom or nom,
            now=now - timedelta(days=each.depuis),
            duree=timedelta(days=each.jours),
            cle=each.cle,
            emetteur=autorites.get(each.emetteur),
            delegue=nom in delegues,
        )
        (places / f"{nom}.pem").write_bytes(autorites[nom].pem)
        write_secret(places / f"{nom}.key.pem", autorites[nom].key_pem())
        lignes.append(f"autorité {nom} : {places / nom}.pem")
    for nom, one in description.certificats.items():
        identite = autorites[one.emetteur].issue_guichet(
            one.code or nom,
            now=now - timedelta(days=one.depuis),
            nom=one.nom,
            siren=one.siren,
            duree=timedelta(days=one.jours),
            usages=[USAGES[usage] for usage in one.usages],
            cle=one.cle,
        )
        write_identite(identite, dossier / nom, nom)
        if one.revoque >= 0:
            serie = x509.load_pem_x509_certificate(identite.certificat).serial_number
            revoques[one.emetteur][serie] = now - timedelta(days=one.revoque)
        lignes.append(f"certificat {nom} : {dossier / nom}")
    for nom, autorite in autorites.items():
        liste = autorite.list_revoked(revoques[nom], now=now, numero=1)
        (places / f"{nom}.crl").write_bytes(liste)
    return tuple(lignes)


def write_identite(identite: Identite, dossier: Path, nom: str) -> None:
    """cert.pem, key.pem, ca.pem and identite.p12."""
    identite.write(dossier)
    write_secret(dossier / "identite.p12", export_p12(identite, nom, MOT_DE_PASSE))


def _tables(lu: Mapping[str, object], nom: str) -> list[tuple[str, Mapping[str, object]]]:
    section = lu.get(nom, {})
    if not isinstance(section, dict) or not all(isinstance(each, dict) for each in section.values()):
        raise ValueError(f"{nom} : des tables [{nom}.NOM] sont attendues")
    for key in section:
        # It becomes the name of a folder.
        if not all(letter.isalnum() or letter in "-_" for letter in key):
            raise ValueError(f"{nom}.{key} : lettres, chiffres et tirets seulement")
    return list(section.items())


def _element(genre: type[_Element], place: str, table: Mapping[str, object]) -> _Element:
    types = {each.name: each.type for each in fields(genre)}
    _refuse(table, set(types), place)
    values: dict[str, object] = {}
    for key, value in table.items():
        if types[key] == "tuple[str, ...]":
            if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
                raise ValueError(f"{place}.{key} : une liste de textes est attendue")
            values[key] = tuple(value)
        elif type(value).__name__ != types[key]:
            raise ValueError(f"{place}.{key} : {types[key]} attendu, {type(value).__name__} trouvé")
        else:
            values[key] = value
    if genre is DescriptionCertificat and "emetteur" not in values:
        raise ValueError(f"{place} : emetteur manque")
    if values.get("cle", P256) not in CLES:
        raise ValueError(f"{place}.cle : l'un de {', '.join(CLES)}")
    return genre(**values)  # type: ignore[arg-type]


def _refuse(table: Mapping[str, object], connus: set[str], place: str) -> None:
    if inconnus := set(table) - connus:
        raise ValueError(f"{place} : clé inconnue {', '.join(sorted(inconnus))}")


def _known(emetteur: str, autorites: Mapping[str, object], place: str, *, vide: bool = False) -> None:
    if emetteur not in autorites and not (vide and not emetteur):
        raise ValueError(f"{place} : l'autorité « {emetteur} » n'est pas décrite avant")
