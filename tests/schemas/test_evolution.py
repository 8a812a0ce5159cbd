"""Two sets of schemas held against each other: each class of change is found, said, and told whom it breaks."""

from __future__ import annotations

import re

import pytest
from lxml import etree

from schemas.documents import read_document
from schemas.evolution.comparaison import compare
from schemas.evolution.constats import Effet, Nature
from schemas.evolution.jeu import compile_kinds, published, read_trees
from schemas.evolution.modele import SchemaIllisible, read_modele
from schemas.generation import generate_demande
from schemas.kinds import DocumentKind
from schemas.validation import validate, validate_with

PUBLIES = published()
ARBRES = read_trees(PUBLIES)
CORPS = "/interfaceNuu/demande/demandeLogement"


def changed(nom: str, before: str, after: str) -> dict[str, bytes]:
    """One published file with one text in place of another, where it first stands."""
    text = PUBLIES[nom].decode("utf-8")
    assert before in text, before
    return {nom: text.replace(before, after, 1).encode("utf-8")}


def found(files: dict[str, bytes]) -> set[tuple[str, Nature, Effet]]:
    return {
        (each.chemin, each.nature, each.effet) for each in compare(ARBRES, read_trees({**PUBLIES, **files}))
    }


PRECISION = '<xs:element name="precision" type="Texte255Suivi">'
FORCER = '<xs:element name="forcerDoublon" type="BooleenSuivi" minOccurs="0">'
TYPES = '<xs:element name="typeLogement" type="CodeListeSuivi" maxOccurs="unbounded">'
DEMANDE = "demande-02.01.xsd"
COMMUN = "demande-commun.xsd"
COURRIER = "courrier.xsd"
DOUBLONS = "doublons.xsd"

CAS = {
    "élément facultatif ajouté": (
        changed(
            DEMANDE, PRECISION, f'<xs:element name="neuf" type="Texte255Suivi" minOccurs="0"/>{PRECISION}'
        ),
        (f"{CORPS}/neuf", Nature.ELEMENT_AJOUTE, Effet.RECEPTEURS),
    ),
    "élément obligatoire ajouté": (
        changed(DEMANDE, PRECISION, f'<xs:element name="neuf" type="Texte255Suivi"/>{PRECISION}'),
        (f"{CORPS}/neuf", Nature.ELEMENT_AJOUTE, Effet.LES_DEUX),
    ),
    "élément facultatif retiré": (
        changed(DEMANDE, 'name="forcerDoublon"', 'name="autreNom"'),
        (f"{CORPS}/forcerDoublon", Nature.ELEMENT_RETIRE, Effet.EMETTEURS),
    ),
    "élément obligatoire retiré": (
        changed(DEMANDE, 'name="precision"', 'name="autreNom"'),
        (f"{CORPS}/precision", Nature.ELEMENT_RETIRE, Effet.LES_DEUX),
    ),
    "rendu obligatoire": (
        changed(DEMANDE, FORCER, FORCER.replace(' minOccurs="0"', "")),
        (f"{CORPS}/forcerDoublon", Nature.RENDU_OBLIGATOIRE, Effet.EMETTEURS),
    ),
    "rendu facultatif": (
        changed(DEMANDE, PRECISION, PRECISION.replace(">", ' minOccurs="0">')),
        (f"{CORPS}/precision", Nature.RENDU_FACULTATIF, Effet.RECEPTEURS),
    ),
    "maximum abaissé": (
        changed(COURRIER, 'maxOccurs="16"', 'maxOccurs="8"'),
        ("/requete/parametre", Nature.MAXIMUM, Effet.EMETTEURS),
    ),
    "maximum relevé": (
        changed(COURRIER, 'maxOccurs="16"', 'maxOccurs="unbounded"'),
        ("/requete/parametre", Nature.MAXIMUM, Effet.RECEPTEURS),
    ),
    "type restreint": (
        changed(
            COURRIER,
            '<xs:element name="avertissement" type="xs:string"',
            '<xs:element name="avertissement" type="xs:token"',
        ),
        ("/accuse/avertissement", Nature.TYPE, Effet.EMETTEURS),
    ),
    "type élargi": (
        changed(
            COURRIER,
            '<xs:element name="avant" type="xs:dateTime"',
            '<xs:element name="avant" type="xs:string"',
        ),
        ("/repetition/avant", Nature.TYPE, Effet.RECEPTEURS),
    ),
    "type changé": (
        changed(
            COURRIER, '<xs:element name="avant" type="xs:dateTime"', '<xs:element name="avant" type="xs:date"'
        ),
        ("/repetition/avant", Nature.TYPE, Effet.LES_DEUX),
    ),
    "longueur abaissée": (
        changed(COURRIER, '<xs:maxLength value="512"/>', '<xs:maxLength value="100"/>'),
        ("/requete/operation", Nature.LONGUEUR, Effet.EMETTEURS),
    ),
    "longueur minimale ajoutée": (
        changed(
            COURRIER, '<xs:maxLength value="512"/>', '<xs:minLength value="1"/><xs:maxLength value="512"/>'
        ),
        ("/requete/operation", Nature.LONGUEUR, Effet.EMETTEURS),
    ),
    "valeur retirée": (
        changed(COURRIER, "RECU|DEJA_RECU|", "RECU|"),
        ("/accuse/verdict", Nature.VALEUR_RETIREE, Effet.EMETTEURS),
    ),
    "valeur ajoutée": (
        changed(COURRIER, "RECU|DEJA_RECU|", "RECU|DEJA_RECU|PERDU|"),
        ("/accuse/verdict", Nature.VALEUR_AJOUTEE, Effet.RECEPTEURS),
    ),
    "motif changé": (
        changed(COURRIER, "[0-9A-Fa-f]{64}", "[0-9a-f]{64}"),
        ("/accuse/empreinte", Nature.MOTIF, Effet.LES_DEUX),
    ),
    "attribut obligatoire ajouté": (
        changed(
            COURRIER,
            '<xs:attribute name="partie"',
            '<xs:attribute name="neuf" use="required"/><xs:attribute name="partie"',
        ),
        ("/accuse/@neuf", Nature.ATTRIBUT_AJOUTE, Effet.LES_DEUX),
    ),
    "attribut retiré": (
        changed(COURRIER, '<xs:attribute name="parties" type="xs:positiveInteger"/>', ""),
        ("/accuse/@parties", Nature.ATTRIBUT_RETIRE, Effet.EMETTEURS),
    ),
    "attribut rendu obligatoire": (
        changed(COURRIER, '<xs:attribute name="parties" ', '<xs:attribute name="parties" use="required" '),
        ("/accuse/@parties", Nature.RENDU_OBLIGATOIRE, Effet.EMETTEURS),
    ),
    "valeur imposée": (
        changed("recherche.xsd", 'fixed="02.00"', 'fixed="03.00"'),
        ("/interfaceNuu/@versionInterface", Nature.VALEUR_FIXE, Effet.LES_DEUX),
    ),
    "choix obligatoire": (
        changed(COMMUN, '<xs:choice minOccurs="0">', "<xs:choice>"),
        (f"{CORPS}/personnePhysique/demandeur/situationProfessionnelle", Nature.CHOIX, Effet.EMETTEURS),
    ),
    "espace de noms changé": (
        changed(COURRIER, 'elementFormDefault="qualified"', 'elementFormDefault="unqualified"'),
        ("/requete/operation", Nature.ESPACE, Effet.LES_DEUX),
    ),
    "racine retirée": (
        changed(COURRIER, '<xs:element name="repetition">', '<xs:element name="essai">'),
        ("/repetition", Nature.RACINE_RETIREE, Effet.EMETTEURS),
    ),
    "racine ajoutée": (
        changed(COURRIER, '<xs:element name="repetition">', '<xs:element name="essai">'),
        ("/essai", Nature.RACINE_AJOUTEE, Effet.RECEPTEURS),
    ),
    "documentation seule": (
        changed(COURRIER, "Instant de la réception.", "Quand il a été reçu."),
        ("/accuse/recuLe", Nature.TEXTE, Effet.COMPATIBLE),
    ),
    "champ d'un service rendu obligatoire": (
        changed(
            "DistributionsImplService.wsdl",
            'name="apresSequence" type="xs:long" minOccurs="0"',
            'name="apresSequence" type="xs:long"',
        ),
        ("/listerDistributionsParametres/apresSequence", Nature.RENDU_OBLIGATOIRE, Effet.EMETTEURS),
    ),
}


def test_the_same_schemas_have_no_difference() -> None:
    assert compare(ARBRES, read_trees(PUBLIES)) == []


@pytest.mark.parametrize("nom", CAS)
def test_each_class_of_change_is_found(nom: str) -> None:
    """[SOA-43]"""
    files, expected = CAS[nom]
    assert expected in found(files)


def test_order_is_a_change_for_both() -> None:
    """[SOA-43]"""
    text = PUBLIES[COURRIER].decode()
    first = re.search(r'<xs:element name="signer".*?</xs:element>', text, re.DOTALL)
    assert first is not None
    moved = text.replace(first[0], "").replace(
        '<xs:element name="avant"', f'{first[0]}<xs:element name="avant"'
    )
    assert found({COURRIER: moved.encode()}) == {("/repetition", Nature.ORDRE, Effet.LES_DEUX)}


def test_from_0200_to_0201_only_strict_readers_are_broken() -> None:
    """[SOA-43] interface/wire §9: six optional elements more."""
    files = {"demande-02.00.xsd": PUBLIES["demande-02.01.xsd"]}
    added = {each for each in found(files) if each[1] is not Nature.TEXTE}
    assert {effet for _, _, effet in added} == {Effet.RECEPTEURS}
    assert {chemin.rpartition("/")[2] for chemin, _, _ in added} == {
        "informationTraitement",
        "notifSms",
        "notifEvt",
    }


def test_what_is_below_an_addition_is_not_told_again() -> None:
    """[SOA-43] The type of the new element has children of its own."""
    files = changed(DEMANDE, PRECISION, f'<xs:element name="neuf" type="Entete" minOccurs="0"/>{PRECISION}')
    assert found(files) == {(f"{CORPS}/neuf", Nature.ELEMENT_AJOUTE, Effet.RECEPTEURS)}


def test_models_have_the_paths_of_the_interface() -> None:
    """interface/document-tree: 337 paths in 02.01, 331 in 02.00, attributes apart."""
    paths = {nom: len(read_modele(nom, ARBRES)) for nom in ("demande-02.01.xsd", "demande-02.00.xsd")}
    assert paths == {"demande-02.01.xsd": 337, "demande-02.00.xsd": 331}


def test_the_published_set_compiles_to_what_is_served() -> None:
    compiled = compile_kinds(PUBLIES)
    root = etree.fromstring(generate_demande(1))
    assert validate_with(compiled[DocumentKind.DEMANDE_0201], root) == ()
    root.append(etree.Element("neuf"))
    assert validate_with(compiled[DocumentKind.DEMANDE_0201], root) == validate(
        root, DocumentKind.DEMANDE_0201
    )
    assert isinstance(read_document(generate_demande(1), frozenset(DocumentKind)), tuple) is False


@pytest.mark.parametrize(
    "text",
    [
        "<a/>",
        "<a",
        '<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>',
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:include schemaLocation="https://ailleurs/x.xsd"/></xs:schema>',
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:include schemaLocation="../x.xsd"/></xs:schema>',
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:include schemaLocation="absent.xsd"/></xs:schema>',
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="a"><xs:complexType><xs:group ref="b"/></xs:complexType></xs:element></xs:schema>',
    ],
    ids=["no schema", "malformed", "entity", "elsewhere", "above", "absent", "undefined"],
)
def test_what_is_no_schema_is_refused(text: str) -> None:
    """Nothing is fetched, nothing outside of the folder is read."""
    with pytest.raises(SchemaIllisible):
        compare(ARBRES, read_trees({**PUBLIES, "x.xsd": text.encode()}))


def test_a_type_that_holds_itself_ends() -> None:
    text = (
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:complexType name="T"><xs:sequence>'
        '<xs:element name="t" type="T" minOccurs="0"/></xs:sequence></xs:complexType>'
        '<xs:element name="t" type="T"/></xs:schema>'
    )
    assert 10 < len(read_modele("x.xsd", read_trees({"x.xsd": text.encode()}))) < 50
