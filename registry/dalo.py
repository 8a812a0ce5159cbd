"""The DALO part of a demande: what a declaration must say, and the document that it makes. Pure."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime
from typing import Final

from lxml import etree

from registry import anomalies_dalo as catalogue
from registry import anomalies_demande, numero_unique
from registry.actes import ACTEURS, Acte
from registry.anomalies import Anomalie
from registry.controles import check_guichet
from registry.documents_gardes import read_kept, read_tree
from registry.guichets import Guichet, TypeGuichet
from registry.releves import ACTIF
from schemas.demande import Demande
from schemas.emission import TYPE_RETOUR, emit_demande
from schemas.lecture import PREFIX
from schemas.violations import Violation

DECLARANTS: Final = ACTEURS[Acte.DECLARER_DALO]
"""Who declares, unless configured otherwise: the secretariat of the commission is a State service
(regles §8)."""

_DALO: Final = "/interfaceNuu/demande/informationDalo"
_NUMERO: Final = "/interfaceNuu/demande/demandeLogement/numUnique"
_MODIFIE: Final = f"{PREFIX}modifie"


def check_declaration(
    demande: Demande,
    guichet: Guichet,
    recu_le: date,
    codes: Sequence[Violation] = (),
    declarants: Collection[TypeGuichet] = DECLARANTS,
) -> tuple[Anomalie, ...]:
    """The anomalies of a declaration sent by `guichet`; empty when it may be tried on the demande
    ([DAL-2] [DAL-3]).

    recu_le: day of reception, in Paris. codes: violations of the code lists in the whole document; only those
    of the DALO part matter here, the rest of the document is not applied.
    """
    return tuple(_check(demande, guichet, recu_le, codes, declarants))


def _check(
    demande: Demande,
    guichet: Guichet,
    recu_le: date,
    codes: Sequence[Violation],
    declarants: Collection[TypeGuichet],
) -> Iterator[Anomalie]:
    yield from check_guichet(demande, guichet)
    if guichet.type not in declarants:
        yield catalogue.DALO_DECLARANT(f"{guichet.code} ({guichet.type})", ", ".join(sorted(declarants)))
    numero = demande.num_unique
    if numero is None:
        yield catalogue.DALO_SANS_NUMERO(propriete=_NUMERO)
    elif numero_unique.parse(numero) is None:
        yield anomalies_demande.NUMERO_MALFORME(numero, numero_unique.FORME, _NUMERO)
    dalo = demande.dalo
    if dalo is None or not dalo.statut:
        yield catalogue.DALO_SANS_STATUT(propriete=f"{_DALO}/statutDalo")
        return
    for violation in codes:
        if violation.path.startswith(_DALO):
            yield anomalies_demande.CODE_INCONNU(violation.message, violation.expected, violation.path)
    if dalo.date_decision is None:
        if dalo.statut == ACTIF:
            yield catalogue.DALO_SANS_DATE(dalo.statut, propriete=f"{_DALO}/dateDecisionDalo")
    elif dalo.date_decision > recu_le:
        yield catalogue.DALO_DATE_FUTURE(
            f"{dalo.date_decision:%d/%m/%Y}", f"{recu_le:%d/%m/%Y}", f"{_DALO}/dateDecisionDalo"
        )


def declare(document: bytes, declaration: Demande, numero: str, instant: datetime) -> tuple[bytes, Demande]:
    """The document of a demande with the DALO part of a declaration in place of its own, in emitted form, and
    its typed view. The `modifie` marks are on what changed and nowhere else ([DAL-4] [DAL-5]).

    document: current emitted form. instant: aware, the dateFichier.
    """
    root = read_tree(document)
    etree.strip_attributes(root, _MODIFIE)
    demande = root.find(f"{PREFIX}demande")
    nouveau = declaration.root.find(f"{PREFIX}demande/{PREFIX}informationDalo")
    assert demande is not None
    assert nouveau is not None, "les contrôles exigent un volet DALO"
    nouveau = copy.deepcopy(nouveau)
    etree.strip_attributes(nouveau, _MODIFIE)
    nouveau.tail = None
    ancien = demande.find(f"{PREFIX}informationDalo")
    _mark(nouveau, ancien)
    if ancien is not None:
        demande.replace(ancien, nouveau)
    else:
        demande.insert(0, nouveau)
    emis = emit_demande(root, type_fichier=TYPE_RETOUR, date_fichier=instant, num_unique=numero)
    return emis, read_kept(emis)


def same_dalo(one: Demande, other: Demande) -> bool:
    """Whether both documents say the same of the DALO ([DAL-6])."""
    return one.dalo == other.dalo


def _mark(nouveau: etree._Element, ancien: etree._Element | None) -> None:
    restants = {} if ancien is None else {str(child.tag): child for child in ancien}
    for child in nouveau:
        avant = restants.pop(str(child.tag), None)
        if avant is None or _value(avant) != _value(child):
            child.set(_MODIFIE, "true")
    # What was there and is no more can only be told by the element that held it (schemas/revision.py).
    if ancien is None or restants:
        nouveau.set(_MODIFIE, "true")


def _value(element: etree._Element) -> tuple[str, str | None]:
    return (element.text or "").strip(), element.get("code")
