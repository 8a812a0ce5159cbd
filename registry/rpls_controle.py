"""The dwelling of an attribution, held against the directory and completed from it ([RPL-5] to [RPL-8])."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Final

from lxml import etree
from sqlalchemy import Connection, text

from registry import anomalies_rpls as catalogue
from registry.anomalies import Anomalie
from registry.changement import ChangementRecu
from registry.rpls import Logement, type_of
from schemas.demande import Demande, read_demande
from schemas.lecture import PREFIX
from schemas.suites import Attribution

_ATTRIBUTION: Final = "/interfaceNuu/demande/demandeLogement/radiation/attributionLogement"
_CHEMIN: Final = "/".join(
    PREFIX + name for name in ("demande", "demandeLogement", "radiation", "attributionLogement")
)
_ORDRE: Final = (
    "dateSignatureBail", "dejaLogeParcBailleur", "numeroRpls", "attribueEnComDALO", "accordCollectif",
    "typeReservataire", "codeSirenBailleur", "zus", "typeLogement", "surface", "montantLoyer", "adresse",
)  # fmt: skip
"""Children of attributionLogement, in the order of the schema."""

_CHAMPS: Final = tuple(champ.name for champ in fields(Logement))
_READ: Final = text(
    f"SELECT {', '.join(_CHAMPS)} FROM logement_rpls WHERE numero = ANY(CAST(:numeros AS text[]))"  # noqa: S608
)
_KNOWN: Final = text("""
    SELECT s FROM unnest(CAST(:sirens AS text[])) s
    WHERE EXISTS (SELECT FROM logement_rpls l WHERE l.siren = s)
""")


def check_attributions(conn: Connection, items: Sequence[ChangementRecu]) -> list[ChangementRecu]:
    """The same facts, in their order: attributions with the anomalies of their dwelling, or completed.

    Two statements for the batch, none when it has no attribution with an identifier.
    """
    attributions = [attribution for item in items if (attribution := _attribution(item.demande)) is not None]
    if not attributions:
        return list(items)
    logements = read_logements(conn, (_numero(each) for each in attributions))
    sirens = sorted({each.siren_bailleur for each in attributions if each.siren_bailleur})
    connus = frozenset(conn.scalars(_KNOWN, {"sirens": sirens})) if sirens else frozenset[str]()
    return [_control(item, logements, connus) for item in items]


def read_logements(conn: Connection, numeros: Iterable[str]) -> dict[str, Logement]:
    """The dwellings of the directory among these numbers."""
    lignes = conn.execute(_READ, {"numeros": sorted(set(numeros))})
    return {ligne.numero: Logement(*ligne) for ligne in lignes}


def _control(
    item: ChangementRecu, logements: Mapping[str, Logement], connus: frozenset[str]
) -> ChangementRecu:
    attribution = _attribution(item.demande)
    if attribution is None:
        return item
    logement = logements.get(_numero(attribution))
    anomalies = tuple(check_logement(attribution, logement, connus))
    if anomalies:
        return replace(item, anomalies=(*item.anomalies, *anomalies))
    return item if logement is None else replace(item, demande=complete(item.demande, logement))


def check_logement(
    attribution: Attribution, logement: Logement | None, connus: frozenset[str]
) -> Iterator[Anomalie]:
    """What the directory has against an attribution that names a dwelling. Pure.

    logement: the dwelling of that identifier, if the directory has it. connus: SIREN of the bailleurs whose
    dwellings it has: of another one, nothing can be said.
    """
    if logement is None:
        if attribution.siren_bailleur in connus:
            yield catalogue.LOGEMENT_INCONNU(
                attribution.numero_rpls, attribution.siren_bailleur, f"{_ATTRIBUTION}/numeroRpls"
            )
        return
    if attribution.commune and attribution.commune != logement.commune:
        yield catalogue.LOGEMENT_AUTRE_COMMUNE(
            attribution.commune, logement.commune, f"{_ATTRIBUTION}/adresse/commune"
        )
    if attribution.siren_bailleur and attribution.siren_bailleur != logement.siren:
        yield catalogue.LOGEMENT_AUTRE_BAILLEUR(
            attribution.siren_bailleur, logement.siren, f"{_ATTRIBUTION}/codeSirenBailleur"
        )


def complete(demande: Demande, logement: Logement) -> Demande:
    """The same demande whose attribution says, of its dwelling, all that the directory says. Pure.

    What the partner wrote stays: he saw the dwelling, the directory is a year old.
    """
    root = copy.deepcopy(demande.root)
    attribution = root.find(_CHEMIN)
    assert attribution is not None, "l'appelant a lu l'attribution"
    _put(attribution, "codeSirenBailleur", texte=logement.siren)
    _put(attribution, "zus", code={"1": "ZUSOUI", "2": "ZUSNON"}.get(logement.zus, ""))
    _put(attribution, "typeLogement", code=type_of(logement.pieces))
    _put(attribution, "surface", texte="" if logement.surface is None else str(logement.surface))
    _put(attribution, "montantLoyer", texte="" if logement.loyer is None else str(logement.loyer))
    if attribution.find(f"{PREFIX}adresse") is None:
        attribution.append(_adresse(logement))
    return read_demande(root)


def _put(attribution: etree._Element, name: str, *, texte: str = "", code: str = "") -> None:
    found = attribution.find(PREFIX + name)
    if found is not None and ((found.text or "").strip() or found.get("code")):
        return
    if found is None and (texte or code):
        found = etree.Element(PREFIX + name)
        rang = _ORDRE.index(name)
        place = sum(1 for child in attribution if _rang(child) < rang)
        attribution.insert(place, found)
    if found is not None:
        if texte:
            found.text = texte
        if code:
            found.set("code", code)


def _rang(child: etree._Element) -> int:
    name = etree.QName(child).localname if isinstance(child.tag, str) else ""
    return _ORDRE.index(name) if name in _ORDRE else -1


def _adresse(logement: Logement) -> etree._Element:
    adresse = etree.Element(f"{PREFIX}adresse")
    for name, valeur in (
        ("appartement", logement.appartement),
        ("etage", logement.etage),
        ("escalier", logement.escalier),
        ("batiment", logement.batiment),
        ("compAdresse", logement.complement),
        ("numero", logement.numero_voie),
        ("voie", logement.voie),
        ("codePostal", logement.code_postal),
    ):
        if valeur:
            etree.SubElement(adresse, PREFIX + name).text = valeur
    etree.SubElement(adresse, f"{PREFIX}commune", code=logement.commune)
    return adresse


def _attribution(demande: Demande) -> Attribution | None:
    """The attribution of a radiation, when it names a dwelling."""
    attribution = demande.radiation.attribution if demande.radiation else None
    return attribution if attribution is not None and _numero(attribution) else None


def _numero(attribution: Attribution) -> str:
    return attribution.numero_rpls.strip().upper()
