"""Verifying the manifests of a guichet against each other, the register and the journal ([DST-64]).

What a partner verifies with its own files, the hub verifies with what it holds: that the days follow each
other, that each was signed as it stands, that the register would still make the same files, and that the
journal is still the one that was sealed then.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import zip_longest
from typing import Final

from sqlalchemy import Connection, text

from certs.cms import RefusCms
from certs.lecture import Certificat
from certs.signature import verify_signature
from dispatching.manifestes import ManifesteSigne, end_of, kept_lines, read_lines, read_manifestes
from schemas.manifeste import (
    SANS_FICHIER,
    EtatCloture,
    Ligne,
    Manifeste,
    condense,
    read_manifeste,
    tranches_of,
)
from schemas.violations import Violation

_LIGNES_MAX: Final = 20
"""Distributions of one manifest that are described; the others are alike, and counted."""

_ENTRY: Final = text("SELECT empreinte FROM journal WHERE sequence = :sequence")


@dataclass(frozen=True, slots=True)
class Ecart:
    """Something that does not hold. texte: French, without nominative data."""

    jour: date
    texte: str


@dataclass(frozen=True, slots=True)
class Controle:
    """What the verification of one manifest found. signataire: None when nobody's signature holds."""

    jour: date
    nombre: int
    signataire: Certificat | None
    ecarts: tuple[Ecart, ...]


def verify_manifestes(
    conn: Connection, guichet: str, *, du: date = date.min, au: date = date.max
) -> Iterator[Controle]:
    """Verify the manifests of these days, in order; the one before the first is taken as it is."""
    precedent: ManifesteSigne | None = None
    apres = date.min
    while found := read_manifestes(conn, guichet, apres=apres).manifestes:
        for manifeste in found:
            if manifeste.jour > au:
                return
            if manifeste.jour >= du:
                yield _verify(conn, manifeste, precedent)
            precedent = manifeste
        apres = found[-1].jour


def _verify(conn: Connection, manifeste: ManifesteSigne, precedent: ManifesteSigne | None) -> Controle:
    verified = verify_signature(manifeste.octets)
    if isinstance(verified, RefusCms):
        ecart = Ecart(manifeste.jour, f"signature : {verified.texte}")
        return Controle(manifeste.jour, manifeste.nombre, None, (ecart,))
    lu = read_manifeste(verified.octets)
    textes: list[str] = []
    if isinstance(lu, Violation):
        textes.append(f"contenu signé : {lu.message}")
    else:
        textes += _content(manifeste, lu, bytes.fromhex(verified.empreinte))
        textes += _chain(manifeste, precedent, lu.precedent)
        textes += _journal(conn, lu)
        textes += _lines(conn, manifeste, lu)
    ecarts = tuple(Ecart(manifeste.jour, texte) for texte in textes)
    return Controle(manifeste.jour, manifeste.nombre, verified.signataire, ecarts)


def _content(manifeste: ManifesteSigne, lu: Manifeste, empreinte: bytes) -> Iterator[str]:
    """The row beside the message says what is signed."""
    signed = (lu.guichet, lu.jour, lu.rang, lu.apres, lu.nombre)
    kept = (manifeste.guichet, manifeste.jour, manifeste.rang, manifeste.apres, manifeste.nombre)
    if signed != kept or empreinte != manifeste.empreinte:
        yield "ce qui est gardé n'est pas ce qui est signé"


def _chain(manifeste: ManifesteSigne, precedent: ManifesteSigne | None, nomme: str) -> Iterator[str]:
    if precedent is None:
        if (manifeste.rang, manifeste.apres, nomme) != (1, 0, ""):
            yield f"c'est le manifeste de rang {manifeste.rang}, et aucun ne le précède"
        return
    if nomme != precedent.empreinte.hex():
        yield f"il ne suit pas le manifeste du {precedent.jour:%d/%m/%Y} : l'empreinte qu'il nomme est autre"
    if (manifeste.jour, manifeste.rang) != (precedent.jour + timedelta(days=1), precedent.rang + 1):
        yield f"il ne suit pas le manifeste du {precedent.jour:%d/%m/%Y}, de rang {precedent.rang}"
    if manifeste.apres != precedent.derniere:
        yield (
            f"il commence après le numéro d'ordre {manifeste.apres}, et le précédent finit à"
            f" {precedent.derniere}"
        )


def _journal(conn: Connection, lu: Manifeste) -> Iterator[str]:
    if lu.journal is None:
        return
    found = conn.execute(_ENTRY, {"sequence": lu.journal.sequence}).scalar_one_or_none()
    if found is None or bytes(found).hex() != lu.journal.empreinte:
        yield f"l'écriture {lu.journal.sequence} du journal n'est plus celle qui avait été scellée"


def _lines(conn: Connection, manifeste: ManifesteSigne, lu: Manifeste) -> Iterator[str]:
    try:
        lignes = list(kept_lines(conn, manifeste))
    except (struct.error, KeyError):
        yield "les lignes gardées ne se lisent pas"
        return
    if condense(lignes) != lu.condensat or tuple(tranches_of(lignes)) != lu.tranches:
        yield "les lignes gardées n'ont pas le condensat signé"
        return
    now = read_lines(conn, manifeste.guichet, manifeste.apres, manifeste.derniere, end_of(manifeste.jour))
    differences = [texte for paire in zip_longest(lignes, now) for texte in _compare(*paire)]
    yield from differences[:_LIGNES_MAX]
    if len(differences) > _LIGNES_MAX:
        yield f"et {len(differences) - _LIGNES_MAX} autres distributions"


def _compare(kept: Ligne | None, now: Ligne | None) -> Iterator[str]:
    """What the register says now against what was signed; what was erased since is no difference."""
    if kept is None or now is None or kept.sequence != now.sequence or kept.id != now.id:
        found = kept or now
        assert found is not None
        yield f"distribution {found.sequence} : elle n'est pas dans le registre sous l'identifiant signé"
    elif now.etat in SANS_FICHIER:
        # Withdrawn by then, or erased since: the register has nothing left to compare with.
        if now.etat is EtatCloture.RETIREE and kept.etat is EtatCloture.ACQUITTEE:
            yield f"distribution {kept.sequence} : signée {kept.etat}, elle est {now.etat}"
    elif kept.etat is not now.etat:
        yield f"distribution {kept.sequence} : signée {kept.etat}, elle est {now.etat}"
    elif kept.empreinte != now.empreinte:
        yield f"distribution {kept.sequence} : le fichier n'a plus l'empreinte signée"
