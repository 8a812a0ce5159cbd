"""Which algorithms are accepted from whom, and which are written to whom: a table, `algorithmes.toml`.

What the table does not list is refused. A partner's capability profile says how far back we listen to it
(`lit`) and what we write to it; the default is `compatible`.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Final

from cryptography.hazmat.primitives import hashes


@dataclass(frozen=True, slots=True)
class Algorithme:
    """One line of the table.

    oid: dotted. statut: recommande, admis or ancien. empreinte: name of the digest that it imposes, or empty.
    octets: length of its key. mode: of a content cipher, `gcm`, `cbc` or `3des`.
    """

    oid: str
    nom: str
    statut: str
    empreinte: str = ""
    octets: int = 0
    mode: str = ""


@dataclass(frozen=True, slots=True)
class Profil:
    """What a partner is known to read and write.

    lit: statuts accepted from it. rsa_min: bits of the smallest RSA key accepted from it.
    contenu, transport, signature_rsa: names of what we write to it.
    """

    nom: str
    lit: frozenset[str]
    rsa_min: int
    contenu: str
    transport: str
    signature_rsa: str

    def accepts(self, algorithme: Algorithme) -> bool:
        """Whether this partner may send it."""
        return algorithme.statut in self.lit


_TABLE: Final = tomllib.loads(resources.files("certs").joinpath("algorithmes.toml").read_text("utf-8"))


def _section(nom: str) -> dict[str, Algorithme]:
    return {line["oid"]: Algorithme(**line) for line in _TABLE[nom]}


EMPREINTES: Final = _section("empreinte")
SIGNATURES: Final = _section("signature")
CONTENUS: Final = _section("contenu")
TRANSPORTS: Final = _section("transport")
ACCORDS: Final = _section("accord")
ENVELOPPEMENTS: Final = _section("enveloppement")

PROFILS: Final = {
    nom: Profil(**{**line, "nom": nom, "lit": frozenset(line["lit"])})
    for nom, line in _TABLE["profil"].items()
}
"""By name: moderne, compatible, ancien."""

PAR_DEFAUT: Final = PROFILS["compatible"]

_HACHAGES: Final[dict[str, type[hashes.HashAlgorithm]]] = {
    "sha1": hashes.SHA1,
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}


def hachage(nom: str) -> hashes.HashAlgorithm:
    """The digest of this name. Raises KeyError for a name that the table does not know."""
    return _HACHAGES[nom]()


def named(section: dict[str, Algorithme], nom: str, empreinte: str = "") -> Algorithme:
    """The first line of a section with this name (and this digest): what we write. Raises KeyError."""
    for algorithme in section.values():
        if algorithme.nom == nom and empreinte in ("", algorithme.empreinte):
            return algorithme
    raise KeyError(nom)
