"""The hub's own keys: several certificates by use, each in its state, kept in a folder of the instance.

A rotation loses no message because each of the six uses follows its own rule (`SIX_USAGES`): what comes in is
accepted with the next, the present and the last key; what goes out is made with one only, the present one. A
key that was replaced still decrypts for `CONSERVATION` after it was last announced, then it is destroyed.

On disk: ``trousseau.json`` (states) and one folder for each certificate, with cert.pem and key.pem.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from certs.autorite import Identite, write_secret
from certs.paire import Paire, load_paire

CONSERVATION: Final = timedelta(days=30)
"""How long a replaced key still decrypts: longer than any message travels, retries included."""

FICHIER: Final = "trousseau.json"

_EMPREINTE: Final = re.compile(r"[0-9a-f]{64}")


class UsageCle(StrEnum):
    """What a key of the hub serves for: one key, one use, where that is possible."""

    TLS = "tls"
    SIGNATURE = "signature"
    CHIFFREMENT = "chiffrement"


class EtatCle(StrEnum):
    """Where a key of the hub is in its life."""

    PREPARE = "prepare"
    ACTIF = "actif"
    RETIRE = "retire"


class UsageRotation(StrEnum):
    """The six uses through which a rotation passes."""

    DECHIFFRER_ENTRANT = "dechiffrer-entrant"
    VERIFIER_ENTRANT = "verifier-entrant"
    SIGNER_ACCUSE = "signer-accuse"
    VERIFIER_ACCUSE = "verifier-accuse"
    SIGNER_SORTANT = "signer-sortant"
    CHIFFRER_SORTANT = "chiffrer-sortant"


@dataclass(frozen=True, slots=True)
class Regle:
    """Of whom are the keys of a use, of which use of theirs, and in which states they serve."""

    proprietaire: str
    usage: UsageCle
    etats: frozenset[EtatCle]


_TOUS: Final = frozenset(EtatCle)
_ACTIF: Final = frozenset({EtatCle.ACTIF})

SIX_USAGES: Final = {
    UsageRotation.DECHIFFRER_ENTRANT: Regle("échangeur", UsageCle.CHIFFREMENT, _TOUS),
    UsageRotation.VERIFIER_ENTRANT: Regle(
        "partenaire", UsageCle.SIGNATURE, frozenset({EtatCle.PREPARE, EtatCle.ACTIF})
    ),
    UsageRotation.SIGNER_ACCUSE: Regle("échangeur", UsageCle.SIGNATURE, _ACTIF),
    UsageRotation.VERIFIER_ACCUSE: Regle(
        "partenaire", UsageCle.SIGNATURE, frozenset({EtatCle.PREPARE, EtatCle.ACTIF})
    ),
    UsageRotation.SIGNER_SORTANT: Regle("échangeur", UsageCle.SIGNATURE, _ACTIF),
    UsageRotation.CHIFFRER_SORTANT: Regle("partenaire", UsageCle.CHIFFREMENT, _ACTIF),
}


@dataclass(frozen=True, slots=True)
class Clef:
    """A key of the hub. prepare_le, actif_le, retire_le: when it came into each state."""

    paire: Paire
    usages: frozenset[UsageCle]
    prepare_le: datetime
    actif_le: datetime | None = None
    retire_le: datetime | None = None

    @property
    def empreinte(self) -> str:
        return self.paire.certificat.empreinte

    @property
    def etat(self) -> EtatCle:
        if self.retire_le is not None:
            return EtatCle.RETIRE
        return EtatCle.PREPARE if self.actif_le is None else EtatCle.ACTIF

    def garde(self, instant: datetime) -> bool:
        """Whether it still serves: always until it was replaced, then for as long as messages travel."""
        return self.retire_le is None or instant <= self.retire_le + CONSERVATION


@dataclass(frozen=True, slots=True)
class Trousseau:
    """The keys of the hub, newest first. A value: `basculer` and the others give a new one."""

    clefs: tuple[Clef, ...] = ()

    def pour(self, rotation: UsageRotation, instant: datetime) -> tuple[Paire, ...]:
        """The pairs of the hub that serve one of the six uses, the preferred one first.

        Empty for the uses whose keys are those of partners (registry.certificats).
        """
        regle = SIX_USAGES[rotation]
        if regle.proprietaire != "échangeur":
            return ()
        found = [
            each
            for each in self.clefs
            if regle.usage in each.usages and each.etat in regle.etats and each.garde(instant)
        ]
        # The present one is the most probable; the next and the last ones follow.
        found.sort(key=lambda each: each.etat is not EtatCle.ACTIF)
        return tuple(each.paire for each in found)

    def active(self, usage: UsageCle) -> Clef | None:
        """The key in use, the last one to have been put in use when there are several."""
        found = [each for each in self.clefs if each.etat is EtatCle.ACTIF and usage in each.usages]
        return max(found, key=lambda each: each.actif_le or each.prepare_le, default=None)

    def prepare(self, paire: Paire, usages: Iterable[UsageCle], *, instant: datetime) -> Trousseau:
        """With one more key, which decrypts at once and signs nothing yet."""
        return Trousseau((Clef(paire, frozenset(usages), instant), *self.clefs))

    def basculer(self, empreinte: str, *, instant: datetime) -> Trousseau:
        """With a prepared key in use, and those it replaces withdrawn from the uses it takes over.

        Raises ValueError (French) when no key prepared has that empreinte.
        """
        nouvelle = next((c for c in self.clefs if c.empreinte == empreinte), None)
        if nouvelle is None or nouvelle.etat is not EtatCle.PREPARE:
            raise ValueError(f"Aucune clé préparée d'empreinte {empreinte}.")
        clefs = []
        for each in self.clefs:
            if each is nouvelle:
                clefs.append(replace(each, actif_le=instant))
            elif each.etat is EtatCle.ACTIF and each.usages <= nouvelle.usages:
                clefs.append(replace(each, retire_le=instant))
            else:
                clefs.append(each)
        return Trousseau(tuple(clefs))

    def purger(self, instant: datetime) -> tuple[Trousseau, tuple[Clef, ...]]:
        """Without the keys that no message in flight can need any more, and those keys."""
        finies = tuple(each for each in self.clefs if not each.garde(instant))
        return Trousseau(tuple(each for each in self.clefs if each.garde(instant))), finies


def load_trousseau(dossier: Path) -> Trousseau:
    """The keys kept in `dossier`; none when there is no keyring yet.

    Without ``trousseau.json``, those of a new instance: ``signature`` and one folder for each key in
    ``chiffrement``, all in use. Raises ValueError (French) when a file of it does not read.
    """
    fichier = dossier / FICHIER
    if not fichier.exists():
        return _first_keys(dossier)
    clefs = []
    for each in json.loads(fichier.read_text("utf-8")):
        folder = dossier / each["empreinte"]
        clefs.append(
            Clef(
                load_paire((folder / "cert.pem").read_bytes(), (folder / "key.pem").read_bytes()),
                frozenset(UsageCle(usage) for usage in each["usages"]),
                datetime.fromisoformat(each["prepare_le"]),
                _moment(each["actif_le"]),
                _moment(each["retire_le"]),
            )
        )
    return Trousseau(tuple(clefs))


def _first_keys(dossier: Path) -> Trousseau:
    folders = [(dossier / UsageCle.SIGNATURE, UsageCle.SIGNATURE)]
    folders += [(each, UsageCle.CHIFFREMENT) for each in sorted((dossier / UsageCle.CHIFFREMENT).glob("*"))]
    clefs = []
    for folder, usage in folders:
        if (folder / "cert.pem").exists():
            paire = load_paire((folder / "cert.pem").read_bytes(), (folder / "key.pem").read_bytes())
            debut = paire.certificat.valide_du
            clefs.append(Clef(paire, frozenset({usage}), debut, debut))
    clefs.sort(key=lambda each: each.prepare_le, reverse=True)
    return Trousseau(tuple(clefs))


def keep(dossier: Path, identite: Identite) -> Paire:
    """Write a new identity in the folder, before `save` names it. Returns its pair."""
    paire = load_paire(identite.chaine, identite.cle)
    identite.write(dossier / paire.certificat.empreinte)
    return paire


def save(dossier: Path, trousseau: Trousseau) -> None:
    """Keep the states; what was there is replaced at once or not at all. The keys that it names no more are
    destroyed."""
    for each in trousseau.clefs:
        # Keys of a new instance are in folders named after their use: given their place once for all.
        folder = dossier / each.empreinte
        if not folder.exists():
            _identite(each.paire).write(folder)
    data = [
        {
            "empreinte": each.empreinte,
            "usages": sorted(each.usages),
            "prepare_le": each.prepare_le.isoformat(),
            "actif_le": None if each.actif_le is None else each.actif_le.isoformat(),
            "retire_le": None if each.retire_le is None else each.retire_le.isoformat(),
        }
        for each in trousseau.clefs
    ]
    dossier.mkdir(parents=True, exist_ok=True)
    neuf = dossier / f"{FICHIER}.neuf"
    write_secret(neuf, json.dumps(data, indent=1).encode("utf-8"))
    neuf.replace(dossier / FICHIER)
    kept = {each.empreinte for each in trousseau.clefs}
    for folder in dossier.iterdir():
        if _EMPREINTE.fullmatch(folder.name) and folder.name not in kept:
            shutil.rmtree(folder)


def _identite(paire: Paire) -> Identite:
    chaine = b"".join(each.pem for each in (paire.certificat, *paire.chaine))
    cle = paire.cle.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Identite(paire.certificat.pem, chaine, cle, b"")


def _moment(texte: str | None) -> datetime | None:
    return None if texte is None else datetime.fromisoformat(texte)
