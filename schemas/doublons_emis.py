"""What an answer says of a doublon: who applied, where he lives, with whom, for which communes.

The schema of doublons spells some names in its own way (`listeLocalisationSouhaitee`) and makes most of an
address optional (interface/wire §11).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lxml import etree

from schemas.adresses import Adresse
from schemas.demande import Demande
from schemas.lecture import PREFIX
from schemas.menage import Cotitulaire, Personne


@dataclass(frozen=True, slots=True)
class DoublonEmis:
    """One demande that looks like the one asked about.

    num_unique: its number. localisations: INSEE code and quartier, in order of preference.
    """

    num_unique: str
    demandeur: Personne
    adresse_logement: Adresse | None
    cotitulaires: tuple[Cotitulaire, ...]
    localisations: tuple[tuple[str | None, str], ...]


def doublon_of(num_unique: str, demande: Demande) -> DoublonEmis:
    """What to say of a registered demande.

    Raises ValueError for the demande of an association: the schema of doublons has room for persons only.
    """
    if demande.demandeur is None:
        raise ValueError("un doublon est la demande d'une personne physique")
    return DoublonEmis(
        num_unique,
        demande.demandeur,
        demande.adresse_logement,
        demande.cotitulaires,
        demande.localisations,
    )


def append_doublons(parent: etree._Element, doublons: Iterable[DoublonEmis]) -> etree._Element:
    """Fill a `listeDoublons` element, which declares the namespace; returns it."""
    for doublon in doublons:
        item = _sub(parent, "doublon")
        _text(item, "numUnique", doublon.num_unique)
        demandeur = _sub(item, "demandeur")
        _append_identity(demandeur, doublon.demandeur)
        # Mandatory, in a demande too; but incomplete demandes circulate (interface/wire §8).
        postale = doublon.demandeur.adresse_postale or Adresse(etranger=False)
        _append_address(demandeur, "adressePostale", postale)
        if doublon.adresse_logement is not None:
            _append_address(demandeur, "adresseLogement", doublon.adresse_logement)
        if doublon.cotitulaires:
            liste = _sub(item, "listeCotitulaire")
            for cotitulaire in doublon.cotitulaires:
                _append_identity(_sub(liste, "cotitulaire"), cotitulaire)
        liste = _sub(item, "listeLocalisationSouhaitee")
        for commune, quartier in doublon.localisations or ((None, ""),):
            place = _sub(liste, "localisationSouhaitee")
            _code(place, "commune", commune)
            _optional(place, "quartier", quartier)
    return parent


def _append_identity(parent: etree._Element, personne: Personne) -> None:
    _code(parent, "civilite", personne.civilite)
    _text(parent, "nom", personne.nom)
    _optional(parent, "nomPatronymique", personne.nom_patronymique)
    _text(parent, "prenom", personne.prenom)
    _text(parent, "dateNaissance", personne.date_naissance.isoformat())


def _append_address(parent: etree._Element, name: str, adresse: Adresse) -> None:
    item = _sub(parent, name)
    _text(item, "etranger", "true" if adresse.etranger else "false")
    _optional(item, "appartement", adresse.appartement)
    _optional(item, "etage", adresse.etage)
    _optional(item, "escalier", adresse.escalier)
    _optional(item, "batiment", adresse.batiment)
    _optional(item, "compAdresse", adresse.comp_adresse)
    _optional(item, "numero", adresse.numero)
    _optional(item, "voie", adresse.voie)
    _optional(item, "lieuDit", adresse.lieu_dit)
    # One branch only, whatever `etranger` says: the two are not tied (interface/wire §11).
    if adresse.code_postal or adresse.commune:
        _optional(item, "codePostal", adresse.code_postal)
        if adresse.commune:
            _code(item, "commune", adresse.commune)
    else:
        _optional(item, "codePostalEtranger", adresse.code_postal_etranger)
        _optional(item, "communeEtranger", adresse.commune_etranger)
        _optional(item, "pays", adresse.pays)
    _optional(item, "nomHebergeant", adresse.nom_hebergeant)


def _sub(parent: etree._Element, name: str) -> etree._Element:
    return etree.SubElement(parent, PREFIX + name)


def _text(parent: etree._Element, name: str, text: str) -> None:
    _sub(parent, name).text = text


def _optional(parent: etree._Element, name: str, text: str) -> None:
    if text:
        _text(parent, name, text)


def _code(parent: etree._Element, name: str, code: str | None) -> None:
    item = _sub(parent, name)
    if code:
        item.set("code", code)
