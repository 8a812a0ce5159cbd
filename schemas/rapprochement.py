"""The comparison by file: what a guichet says it has, and what the hub answers (distributions.xsd).

The services say the same in the elements of their messages; by mail it is a document in each direction.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from lxml import etree

from schemas.lecture import PREFIX, Noeud, text_of
from schemas.manifeste import distributions_schema
from schemas.parser import Limits, parse
from schemas.validation import validate_with
from schemas.violations import Violation

LIMITES: Final = Limits(max_bytes=2 << 20, max_depth=4, max_elements=10_000)
"""Threat: memory. 200 ranges with 1,000 digests take some 90 KB; an answer, some 3,000 elements."""

DEMANDE: Final = f"{PREFIX}rapprochement"
RESULTAT: Final = f"{PREFIX}resultatRapprochement"
_RACINE: Final = 'xmlns:ns1="http://nuu.application.i2/" versionInterface="01.00"'


@dataclass(frozen=True, slots=True)
class TrancheTenue:
    """Sequences that the guichet has, both ends included. empreintes: SHA-256 of each file, or none."""

    premiere: int
    derniere: int
    empreintes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DemandeRapprochement:
    """What a guichet asks. relire: the files that it lacks or has spoiled are to be joined to the answer."""

    tranches: tuple[TrancheTenue, ...] = ()
    apres: int = 0
    jusqua: int | None = None
    relire: bool = False


@dataclass(frozen=True, slots=True)
class TrancheManquante:
    """Sequences that the guichet lacks. etat: EN_ATTENTE, ECHEC or ACQUITTEE."""

    premiere: int
    derniere: int
    etat: str


@dataclass(frozen=True, slots=True)
class Relue:
    """A file that is joined to the answer. empreinte: SHA-256, lower-case hexadecimal."""

    sequence: int
    id: str
    nom: str
    empreinte: str


@dataclass(frozen=True, slots=True)
class ResultatRapprochement:
    """What the hub answers. jusqua, suite: as the operation of the service says."""

    derniere: int
    jusqua: int
    suite: bool
    manquantes: tuple[TrancheManquante, ...] = ()
    en_trop: tuple[tuple[int, int], ...] = ()
    differentes: tuple[int, ...] = ()
    relues: tuple[Relue, ...] = ()


def write_demande(demande: DemandeRapprochement) -> bytes:
    """As XML, in UTF-8."""
    relire = ' relire="true"' if demande.relire else ""
    bornes = f"<ns1:apresSequence>{demande.apres}</ns1:apresSequence>" if demande.apres else ""
    if demande.jusqua is not None:
        bornes += f"<ns1:jusquaSequence>{demande.jusqua}</ns1:jusquaSequence>"
    tranches = "".join(
        f'<ns1:tranche premiere="{each.premiere}" derniere="{each.derniere}">'
        f"{escape(' '.join(each.empreintes))}</ns1:tranche>"
        for each in demande.tranches
    )
    return f"<ns1:rapprochement {_RACINE}{relire}>{bornes}{tranches}</ns1:rapprochement>".encode()


def read_demande_rapprochement(data: bytes) -> DemandeRapprochement | Violation:
    """What is asked in `data`, or the first rule that it breaks."""
    root = _read(data, DEMANDE)
    if isinstance(root, Violation):
        return root
    lu = Noeud(root)
    return DemandeRapprochement(
        tuple(
            TrancheTenue(_int(each, "premiere"), _int(each, "derniere"), tuple(text_of(each).split()))
            for each in root.iterchildren(f"{PREFIX}tranche")
        ),
        lu.entier("apresSequence") or 0,
        lu.entier("jusquaSequence"),
        root.get("relire") in ("true", "1"),
    )


def write_resultat(resultat: ResultatRapprochement) -> bytes:
    """As XML, in UTF-8."""
    suite = "true" if resultat.suite else "false"
    corps = [
        f"<ns1:derniereSequence>{resultat.derniere}</ns1:derniereSequence>",
        f"<ns1:jusqua>{resultat.jusqua}</ns1:jusqua><ns1:suite>{suite}</ns1:suite>",
        *(
            f'<ns1:manquante premiere="{each.premiere}" derniere="{each.derniere}" etat="{each.etat}"/>'
            for each in resultat.manquantes
        ),
        *(
            f'<ns1:enTrop premiere="{premiere}" derniere="{derniere}"/>'
            for premiere, derniere in resultat.en_trop
        ),
        *(f'<ns1:differente sequence="{sequence}"/>' for sequence in resultat.differentes),
        *(
            f'<ns1:relue sequence="{each.sequence}" idDistribution="{each.id}" nomFichier="{each.nom}"'
            f' empreinte="{each.empreinte}"/>'
            for each in resultat.relues
        ),
    ]
    return f"<ns1:resultatRapprochement {_RACINE}>{''.join(corps)}</ns1:resultatRapprochement>".encode()


def read_resultat(data: bytes) -> ResultatRapprochement | Violation:
    """What is answered in `data`, or the first rule that it breaks."""
    root = _read(data, RESULTAT)
    if isinstance(root, Violation):
        return root
    lu = Noeud(root)
    return ResultatRapprochement(
        lu.entier("derniereSequence") or 0,
        lu.entier("jusqua") or 0,
        lu.booleen("suite") is True,
        tuple(
            TrancheManquante(_int(each, "premiere"), _int(each, "derniere"), each.get("etat", ""))
            for each in _all(root, "manquante")
        ),
        tuple((_int(each, "premiere"), _int(each, "derniere")) for each in _all(root, "enTrop")),
        tuple(_int(each, "sequence") for each in _all(root, "differente")),
        tuple(
            Relue(
                _int(each, "sequence"),
                each.get("idDistribution", ""),
                each.get("nomFichier", ""),
                each.get("empreinte", ""),
            )
            for each in _all(root, "relue")
        ),
    )


def _read(data: bytes, racine: str) -> etree._Element | Violation:
    root = parse(data, LIMITES)
    if isinstance(root, Violation):
        return root
    if root.tag != racine:
        attendue = racine.rpartition("}")[2]
        return Violation("XSD-RACINE", f"La racine n'est pas {attendue}.", found=str(root.tag)[:200])
    violations = validate_with(distributions_schema(), root)
    return violations[0] if violations else root


def _all(root: etree._Element, nom: str) -> Iterable[etree._Element]:
    return root.iterchildren(f"{PREFIX}{nom}")


def _int(element: etree._Element, nom: str) -> int:
    return int(element.get(nom, ""))
