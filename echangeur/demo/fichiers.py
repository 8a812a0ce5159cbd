"""The files that partners write about a demande that they know, each from the last version that they have."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Final

from lxml import etree

from schemas.emission import emit_demande, format_instant
from schemas.kinds import NAMESPACE
from schemas.lecture import PREFIX
from schemas.parser import parse
from schemas.revision import body_of, put, unmark

Change = Callable[[etree._Element], None]
"""Changes `interfaceNuu` in place."""

RPLS: Final = "9300000042"
"""The dwelling of the story, in the directory of partner A."""

LOGEMENT_RPLS: Final = {
    "numero_rpls": RPLS,
    "identifiant_bailleur": "LIL-B-31",
    "siret": "55204648400019",
    "commune": "93048",
    "code_postal": "93100",
    "numero_voie": "12",
    "voie": "rue des Lilas",
    "batiment": "B",
    "etage": "3",
    "appartement": "31",
    "zus": "2",
    "construction": "C",
    "pieces": "3",
    "surface": "64",
    "annee": "1975",
    "occupation": "1",
    "loyer": "512",
    "contingent": "2",
}
"""Its line, by column."""

_ATTRIBUTION: Final = (
    "<attributionLogement><dateSignatureBail>{jour}</dateSignatureBail>"
    '<dejaLogeParcBailleur code="NON"/><numeroRpls>{rpls}</numeroRpls>'
    '<accordCollectif code="AUCUN"/><typeReservataire code="PPRIOR"/></attributionLogement>'
)


def follow_up(connue: bytes, type_fichier: str, guichet: str, instant: datetime, change: Change) -> bytes:
    """A file about the demande of `connue`, a document that the hub emitted.

    type_fichier: code of ListeTypeFichier. instant: aware, that of the file.
    """
    root = parse(connue)
    assert isinstance(root, etree._Element), "un document émis par l'échangeur se relit"
    unmark(root)
    change(root)
    numero = body_of(root).findtext(f"{PREFIX}numUnique")
    return emit_demande(
        root, type_fichier=type_fichier, date_fichier=instant, num_unique=numero, guichet=guichet
    )


def wish(commune: str) -> Change:
    """One more wished commune, the last one. commune: INSEE code."""

    def change(root: etree._Element) -> None:
        liste = body_of(root).find(f"{PREFIX}logementRecherche/{PREFIX}listeLocalisationSouhaite")
        assert liste is not None, "toute demande souhaite un lieu"
        liste.append(_element(f'<localisationSouhaite><commune code="{commune}"/></localisationSouhaite>'))

    return change


def recognise_dalo(decision: date) -> Change:
    """The right to housing, recognised that day."""

    def change(root: etree._Element) -> None:
        demande = root.find(f"{PREFIX}demande")
        assert demande is not None, "le schéma l'exige"
        jour = decision.isoformat()
        volet = f'<statutDalo code="ACTIF"/><dateDecisionDalo>{jour}</dateDecisionDalo>'
        demande.insert(0, _element(f"<informationDalo>{volet}</informationDalo>"))

    return change


def renew(jour: date) -> Change:
    """A renewal of that day."""
    texte = f"<dateRenouvellement>{jour.isoformat()}</dateRenouvellement>"
    element = _element(f"<renouvellement>{texte}</renouvellement>")
    return lambda root: put(body_of(root), "renouvellement", element)


def attribute(jour: date) -> Change:
    """A radiation because the dwelling RPLS is let; nothing of it but its identifier."""
    attribution = _ATTRIBUTION.format(jour=jour.isoformat(), rpls=RPLS)
    dates = f'<dateRadiation>{jour.isoformat()}</dateRadiation><motifRadiation code="RADATT"/>'
    element = _element(f"<radiation>{dates}{attribution}</radiation>")
    return lambda root: put(body_of(root), "radiation", element)


def write_event(
    numero: str,
    guichet: str,
    instant: datetime,
    type_evenement: str = "",
    champs: dict[str, str] | None = None,
) -> bytes:
    """A file of gestion partagée: one event of that day, or none, to ask for those there are."""
    jour = instant.date().isoformat()
    valeurs = "".join(
        f"<caracteristiqueSpecifique><code>{code}</code><valeurCaracteristiqueSpecifique>{valeur}"
        "</valeurCaracteristiqueSpecifique></caracteristiqueSpecifique>"
        for code, valeur in (champs or {}).items()
    )
    liste = (
        f"<listeEvenements><evenement><codeTypeEvenement>{type_evenement}</codeTypeEvenement>"
        f"<dateSurvenance>{jour}</dateSurvenance><listeCaracteristiquesSpecifiques>{valeurs}"
        "</listeCaracteristiquesSpecifiques></evenement></listeEvenements>"
        if type_evenement
        else ""
    )
    return (
        f'<interfaceNuu xmlns="{NAMESPACE}" versionInterface="02.00"><entete><typeFichier>EVT</typeFichier>'
        f"<dateFichier>{format_instant(instant)}</dateFichier><codeGuichet>{guichet}</codeGuichet></entete>"
        f"<operation><numUnique>{numero}</numUnique></operation>{liste}</interfaceNuu>"
    ).encode()


def _element(xml: str) -> etree._Element:
    """That element and its children, in the namespace of the interface."""
    return etree.fromstring(xml.replace(">", f' xmlns="{NAMESPACE}">', 1))
