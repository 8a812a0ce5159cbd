"""The documents of the search and of shared management: read what is asked, write what is answered.

Three documents that share their shape (interface/document-tree §3 to §5): a header with `codeGuichet`, an
`operation`, a list of results, a list of anomalies. The answer keeps the `operation` of the question. Written
as demandes are (schemas.emission): prefix `ns1` on every element, UTF-8, no XML declaration.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from lxml import etree

from schemas.emission import NSMAP, TYPE_RETOUR, AnomalieEmise, format_instant
from schemas.lecture import PREFIX, Noeud, text_of

VERSION: Final = "02.00"
"""The only version of these documents (interface/wire §9)."""

Champs = Sequence["tuple[str, str | Champs | None]"]
"""Children of an element to write: name and text, or name and children; None leaves the child out."""


@dataclass(frozen=True, slots=True)
class Personne:
    """A person looked for. Empty texts and None ask for nothing."""

    nom: str = ""
    prenom: str = ""
    naissance: date | None = None


@dataclass(frozen=True, slots=True)
class Periode:
    """Days, both included; None where there is no bound."""

    debut: date | None = None
    fin: date | None = None

    def __bool__(self) -> bool:
        return self.debut is not None or self.fin is not None


@dataclass(frozen=True, slots=True)
class Criteres:
    """What `demandeMulticritere` asks; an empty text, None or an empty period ask for nothing."""

    num_unique: str = ""
    etat: str = ""
    depot: Periode = Periode()
    renouvellement: Periode = Periode()
    radiation: Periode = Periode()
    motif_demande: str = ""
    motif_radiation: str = ""
    commune_souhaitee: str = ""
    commune_attribution: str = ""
    delai_anormal: bool | None = None
    attributions_multiples: bool | None = None
    association: str = ""
    personne: Personne = Personne()
    pieces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Caracteristique:
    """A field of an event. valeur: empty when the field is given without a value."""

    code: str
    valeur: str


@dataclass(frozen=True, slots=True)
class EvenementRecu:
    """An event as a partner writes it; None for what is absent."""

    id: int | None
    type: str | None
    cree_le: datetime | None
    modifie_le: datetime | None
    survenance: date | None
    commentaire: str | None
    caracteristiques: tuple[Caracteristique, ...] | None


@dataclass(frozen=True, slots=True)
class EnteteRecu:
    """The header of one of these documents."""

    type_fichier: str
    guichet: str


def read_entete(root: etree._Element) -> EnteteRecu:
    """The header of any of the three documents."""
    entete = _noeud(root, "entete")
    return EnteteRecu(entete.texte("typeFichier"), entete.texte("codeGuichet").strip())


def read_criteres(root: etree._Element) -> Criteres:
    """The criteria of a search document."""
    noeud = _noeud(root, "operation").noeud("demandeMulticritere") or _vide()
    personne = noeud.noeud("personneRecherchee") or _vide()
    association = noeud.noeud("association") or _vide()
    pieces = noeud.noeud("piecesJustificatives")
    return Criteres(
        num_unique=noeud.texte("numUnique").strip(),
        etat=noeud.texte("etatDemande"),
        depot=_periode(noeud, "dateDepot"),
        renouvellement=_periode(noeud, "dateRenouvellement"),
        radiation=_periode(noeud, "dateRadiation"),
        motif_demande=noeud.texte("motifDemande").strip(),
        motif_radiation=noeud.texte("motifRadiation").strip(),
        commune_souhaitee=noeud.texte("communeSouhaitee").upper(),
        commune_attribution=noeud.texte("communeAttribution").upper(),
        delai_anormal=noeud.booleen("estDelaiAnormalementLong"),
        attributions_multiples=noeud.booleen("estMultiplesAttributionsSousConditions"),
        association=association.texte("nom"),
        personne=Personne(personne.texte("nom"), personne.texte("prenom"), personne.jour("dateNaissance")),
        pieces=()
        if pieces is None
        else tuple(text_of(child) for child in pieces.element.iterchildren(PREFIX + "codeCategorie")),
    )


def read_num_unique(root: etree._Element) -> str:
    """The number of the demande that a document of events is about."""
    return _noeud(root, "operation").texte("numUnique").strip()


def read_code_territoire(root: etree._Element) -> str:
    """The territory that a document of types of events names, or empty."""
    return _noeud(root, "operation").texte("codeTerritoire").upper()


def read_evenements(root: etree._Element) -> tuple[EvenementRecu, ...]:
    """The events of a document, in its order."""
    return tuple(_evenement(each) for each in Noeud(root).noeuds("listeEvenements", "evenement"))


def write_document(
    root: etree._Element,
    *,
    guichet: str,
    date_fichier: datetime,
    resultat: tuple[str, Champs] | None = None,
    anomalies: Sequence[AnomalieEmise] = (),
) -> bytes:
    """The answer to the document of root `root`.

    resultat: name and children of the list that answers, left out when it has no child (the schemas want one
        at least). date_fichier: aware. Raises ValueError for a date without a zone.
    """
    document = etree.Element(f"{PREFIX}interfaceNuu", nsmap=NSMAP, versionInterface=VERSION)
    entete: Champs = [
        ("typeFichier", TYPE_RETOUR),
        ("dateFichier", format_instant(date_fichier)),
        ("codeGuichet", guichet),
    ]
    _append(document, [("entete", entete)])
    operation = root.find(f"{PREFIX}operation")
    if operation is not None:
        _append(document, [("operation", _echo(operation))])
    if resultat is not None and resultat[1]:
        _append(document, [resultat])
    if anomalies:
        liste = etree.SubElement(document, f"{PREFIX}listeAnomalies")
        for anomalie in anomalies:
            item = etree.SubElement(liste, f"{PREFIX}anomalie", code=anomalie.code)
            etree.SubElement(item, f"{PREFIX}message").text = anomalie.message[:512]
    return etree.tostring(document, encoding="UTF-8", xml_declaration=False)


def _append(parent: etree._Element, champs: Champs) -> None:
    for nom, contenu in champs:
        if contenu is None:
            continue
        element = etree.SubElement(parent, PREFIX + nom)
        if isinstance(contenu, str):
            element.text = contenu
        else:
            _append(element, contenu)


def _echo(element: etree._Element) -> Champs:
    """The children of an element of the question, to be written again: no attribute, blank or comment."""
    return [
        (etree.QName(child).localname, _echo(child) if len(child) else (child.text or ""))
        for child in element.iterchildren("*")
    ]


def write_numeros(numeros: Iterable[str]) -> tuple[str, Champs]:
    """`listeDemandes`."""
    return "listeDemandes", [("numUnique", numero) for numero in numeros]


def oui(valeur: bool) -> str:
    """An xs:boolean."""
    return "true" if valeur else "false"


def _evenement(noeud: Noeud) -> EvenementRecu:
    champs = "listeCaracteristiquesSpecifiques"
    identifiant = noeud.entier("idEvenement")
    return EvenementRecu(
        id=identifiant,
        type=noeud.texte("codeTypeEvenement") if "codeTypeEvenement" in noeud else None,
        cree_le=noeud.instant("dateCreation"),
        modifie_le=noeud.instant("dateModification"),
        survenance=noeud.jour("dateSurvenance"),
        commentaire=noeud.texte("commentaire") if "commentaire" in noeud else None,
        caracteristiques=tuple(
            Caracteristique(each.texte("code"), each.texte("valeurCaracteristiqueSpecifique").strip())
            for each in noeud.noeuds(champs, "caracteristiqueSpecifique")
        )
        if champs in noeud
        else None,
    )


def _periode(noeud: Noeud, nom: str) -> Periode:
    return Periode(noeud.jour(f"{nom}Debut"), noeud.jour(f"{nom}Fin"))


def _noeud(root: etree._Element, nom: str) -> Noeud:
    return Noeud(root).noeud(nom) or _vide()


def _vide() -> Noeud:
    return Noeud(etree.Element(PREFIX + "vide"))
