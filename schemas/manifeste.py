"""The manifest of a day: what was distributed to a guichet, in a form that the guichet computes again.

Its content is XML (distributions.xsd), signed by the hub (`certs.signature`). What it proves is one digest
over a line per distribution: whoever holds the files writes the same lines and finds the same digest, without
the hub.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from schemas.lecture import PREFIX, Noeud, parse_date
from schemas.parser import Limits, parse
from schemas.validation import validate_with
from schemas.violations import Violation

LIMITES: Final = Limits(max_bytes=16 << 20, max_depth=4, max_elements=200_000)
"""Threat: memory. A day of 100,000 distributions has as many tranches at the very worst."""

MANIFESTE: Final = f"{PREFIX}manifeste"

_compiled = threading.local()


class EtatCloture(StrEnum):
    """State of a distribution at the end of a day; told from what never changes afterwards."""

    A_ACQUITTER = "A_ACQUITTER"
    """Made, and not acknowledged by then."""
    ACQUITTEE = "ACQUITTEE"
    RETIREE = "RETIREE"
    """No file any more: nothing is to be delivered."""
    EFFACEE = "EFFACEE"
    """Acknowledged, then erased before the manifest was made: its bytes can no longer be told."""


SANS_FICHIER: Final = frozenset({EtatCloture.RETIREE, EtatCloture.EFFACEE})
"""What is told by its number alone: of a distribution that was withdrawn, a guichet may know nothing else."""


@dataclass(frozen=True, slots=True)
class Ligne:
    """One distribution. id: idDistribution. empreinte: SHA-256 of its file, lower-case hexadecimal."""

    sequence: int
    id: str
    empreinte: str
    etat: EtatCloture

    @property
    def texte(self) -> str:
        """The line that the digest is made of, with its end."""
        if self.etat in SANS_FICHIER:
            return f"{self.sequence};;;{self.etat}\n"
        return f"{self.sequence};{self.id};{self.empreinte};{self.etat}\n"


@dataclass(frozen=True, slots=True)
class Tranche:
    """Consecutive sequences in the same state, both ends included."""

    premiere: int
    derniere: int
    etat: EtatCloture


@dataclass(frozen=True, slots=True)
class Ancre:
    """An entry of the journal of the hub, which seals all those before it. empreinte: lower-case
    hexadecimal."""

    sequence: int
    empreinte: str


@dataclass(frozen=True, slots=True)
class Manifeste:
    """A manifest. apres: last sequence of the earlier ones. condensat, precedent: lower-case hexadecimal;
    precedent is empty in the first one. journal: its last entry then, None when it had none."""

    guichet: str
    jour: date
    rang: int
    etabli_le: datetime
    apres: int
    nombre: int
    condensat: str
    precedent: str
    journal: Ancre | None
    tranches: tuple[Tranche, ...]

    @property
    def derniere(self) -> int:
        """Last sequence that this manifest and the earlier ones cover."""
        return self.apres + self.nombre


def condense(lignes: Iterable[Ligne]) -> str:
    """The digest of distributions in the order of their sequences."""
    digest = hashlib.sha256()
    for ligne in lignes:
        digest.update(ligne.texte.encode("ascii"))
    return digest.hexdigest()


def tranches_of(lignes: Iterable[Ligne]) -> Iterator[Tranche]:
    """The states of distributions in the order of their sequences, run by run."""
    run: Tranche | None = None
    for ligne in lignes:
        if run is not None and run.etat is ligne.etat and ligne.sequence == run.derniere + 1:
            run = Tranche(run.premiere, ligne.sequence, run.etat)
            continue
        if run is not None:
            yield run
        run = Tranche(ligne.sequence, ligne.sequence, ligne.etat)
    if run is not None:
        yield run


def write_manifeste(manifeste: Manifeste) -> bytes:
    """The manifest as XML, in UTF-8. etabli_le is written in its own zone."""
    bornes = {}
    if manifeste.nombre:
        bornes = {"premiereSequence": str(manifeste.apres + 1), "derniereSequence": str(manifeste.derniere)}
    champs = {
        "codeGuichet": manifeste.guichet,
        "jour": manifeste.jour.isoformat(),
        "rang": str(manifeste.rang),
        "dateEtablissement": manifeste.etabli_le.isoformat(timespec="milliseconds"),
        "apresSequence": str(manifeste.apres),
        "nombre": str(manifeste.nombre),
        **bornes,
        "condensat": manifeste.condensat,
        **({"precedent": manifeste.precedent} if manifeste.precedent else {}),
    }
    corps = "".join(f"<ns1:{nom}>{escape(valeur)}</ns1:{nom}>" for nom, valeur in champs.items())
    if manifeste.journal is not None:
        ancre = manifeste.journal
        corps += f'<ns1:journal sequence="{ancre.sequence}" empreinte="{ancre.empreinte}"/>'
    tranches = "".join(
        f"<ns1:tranche premiere={quoteattr(str(each.premiere))} derniere={quoteattr(str(each.derniere))}"
        f" etat={quoteattr(each.etat)}/>"
        for each in manifeste.tranches
    )
    racine = 'xmlns:ns1="http://nuu.application.i2/" versionInterface="01.00"'
    return f"<ns1:manifeste {racine}>{corps}{tranches}</ns1:manifeste>".encode()


def read_manifeste(data: bytes) -> Manifeste | Violation:
    """The manifest in `data`, or the first rule that it breaks."""
    root = parse(data, LIMITES)
    if isinstance(root, Violation):
        return root
    if root.tag != MANIFESTE:
        return Violation("XSD-RACINE", "La racine n'est pas manifeste.", found=str(root.tag)[:200])
    violations = validate_with(distributions_schema(), root)
    if violations:
        return violations[0]
    lu = Noeud(root)
    etabli_le = lu.instant("dateEtablissement")
    if etabli_le is None:
        return Violation("XSD-VALEUR", "dateEtablissement n'est pas une date et une heure.")
    ancre = root.find(f"{PREFIX}journal")
    return Manifeste(
        lu.texte("codeGuichet"),
        parse_date(lu.texte("jour")),
        int(lu.texte("rang")),
        etabli_le,
        int(lu.texte("apresSequence")),
        int(lu.texte("nombre")),
        lu.texte("condensat"),
        lu.texte("precedent"),
        None if ancre is None else Ancre(int(ancre.get("sequence", "")), ancre.get("empreinte", "")),
        tuple(
            Tranche(
                int(each.get("premiere", "")),
                int(each.get("derniere", "")),
                EtatCloture(each.get("etat", "")),
            )
            for each in root.iterchildren(f"{PREFIX}tranche")
        ),
    )


def distributions_schema() -> etree.XMLSchema:
    """The compiled distributions.xsd, one per thread: of the manifest and of the comparison by mail."""
    schema: etree.XMLSchema | None = _compiled.__dict__.get("schema")
    if schema is None:
        # A compiled schema is not shared between threads.
        schema = etree.XMLSchema(
            file=str(Path(str(resources.files("schemas"))) / "xsd" / "distributions.xsd")
        )
        _compiled.schema = schema
    return schema
