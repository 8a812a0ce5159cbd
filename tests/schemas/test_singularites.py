"""Every oddity of the schemas that interface/wire §11 (and §9) lists, one test each."""

from __future__ import annotations

import pytest
from lxml import etree

from schemas.documents import Document, DocumentKind, read_document
from schemas.validation import validate
from schemas.violations import Violation
from tests.schemas.modeles_xml import (
    ADRESSE,
    ASSOCIATION,
    COTITULAIRE,
    DEMANDEUR,
    DOUBLON,
    LOGEMENT_ACTUEL,
    NS,
    RECHERCHE,
    demande,
    doublons,
    evenement,
    recherche,
    type_evenement,
)

ALL = frozenset(DocumentKind)
ETRANGER = """<codePostalEtranger>1000</codePostalEtranger><communeEtranger>Bruxelles</communeEtranger>
<pays>Belgique</pays>"""


def accepted(data: bytes) -> bool:
    return isinstance(read_document(data, ALL), Document)


def rules(data: bytes) -> set[str]:
    result = read_document(data, ALL)
    assert isinstance(result, tuple)
    assert all(isinstance(each, Violation) for each in result)
    return {each.rule for each in result}


def test_the_models_are_valid() -> None:
    for data in (demande(), doublons(), recherche(), evenement(), type_evenement(), demande(qui=ASSOCIATION)):
        assert accepted(data)


@pytest.mark.parametrize("value", ["true", "false", "1", "0"])
def test_modifie_is_a_qualified_attribute(value: str) -> None:
    assert accepted(
        demande(recherche=RECHERCHE.replace("<demandeElargie>", f'<demandeElargie n:modifie="{value}">'))
    )


def test_modifie_without_prefix_is_refused() -> None:
    data = demande(recherche=RECHERCHE.replace("<demandeElargie>", '<demandeElargie modifie="true">'))
    assert rules(data) == {"XSD-ATTRIBUT"}


def test_code_and_version_are_unqualified_attributes() -> None:
    assert rules(demande(recherche=RECHERCHE.replace('code="T3"', 'n:code="T3"'))) == {"XSD-ATTRIBUT"}
    assert "XSD-ATTRIBUT-MANQUANT" in rules(demande().replace(b"versionInterface", b"n:versionInterface"))


def test_propriete_and_nom_are_unqualified_attributes() -> None:
    liste = """<listeAnomalie><anomalie code="A1" propriete="nom"><complement nom="valeur">x</complement>
    <message>m</message></anomalie></listeAnomalie>"""
    assert accepted(demande(liste))
    assert not accepted(demande(liste.replace("propriete=", "n:propriete=")))
    assert not accepted(demande(liste.replace(" nom=", " n:nom=")))


def test_the_root_demande_and_header_refuse_modifie() -> None:
    for name in (b"interfaceNuu", b"entete", b"demande", b"typeFichier", b"dateFichier"):
        data = demande().replace(b"<%b" % name, b'<%b n:modifie="true"' % name, 1)
        assert rules(data) == {"XSD-ATTRIBUT"}, name


def test_code_is_optional_everywhere() -> None:
    assert accepted(demande(demandeur=DEMANDEUR.replace('<civilite code="2"/>', "<civilite/>")))
    assert accepted(demande(recherche=RECHERCHE.replace(' code="93048"', "").replace(' code="T3"', "")))


def test_an_empty_code_is_refused() -> None:
    assert rules(demande(demandeur=DEMANDEUR.replace('code="2"', 'code=""'))) == {"XSD-MOTIF"}


def test_a_deradiation_omits_the_code() -> None:
    radiation = "<radiation><dateRadiation>2026-01-01</dateRadiation><motifRadiation{}/></radiation>"
    assert accepted(demande(radiation.format("")))
    assert accepted(demande(radiation.format(' code="RADABA"')))
    assert not accepted(demande(radiation.format(' code=""')))


def test_the_schemas_do_not_enforce_the_code_lists() -> None:
    assert accepted(demande(demandeur=DEMANDEUR.replace('civilite code="2"', 'civilite code="ZZ"')))


@pytest.mark.parametrize("content", [" ", "\n", "x", "\r\n\t"])
def test_an_element_of_attributes_only_is_really_empty(content: str) -> None:
    data = demande(
        demandeur=DEMANDEUR.replace('<civilite code="2"/>', f'<civilite code="2">{content}</civilite>')
    )
    assert rules(data) == {"XSD-VIDE"}


def test_an_element_of_attributes_only_accepts_a_comment() -> None:
    data = demande(
        demandeur=DEMANDEUR.replace('<civilite code="2"/>', '<civilite code="2"><!-- x --></civilite>')
    )
    assert accepted(data)


def test_precision_is_mandatory_and_may_be_empty() -> None:
    assert accepted(demande())
    tete = "<numGuichet>G1104</numGuichet><dateCreationDemande>2026-03-15</dateCreationDemande>"
    assert not accepted(demande(tete=tete))
    assert accepted(demande(tete=f"{tete}<precision>{'é' * 255}</precision>"))
    assert rules(demande(tete=f"{tete}<precision>{'é' * 256}</precision>")) == {"XSD-LONGUEUR"}


@pytest.mark.parametrize(
    "name",
    [
        "revenuFiscal",
        "listeRessourceRecue",
        "listeRessourceVersee",
        "listeRessourceRecuePersACharge",
        "listeRessourceVerseePersACharge",
    ],
)
def test_the_lists_and_income_of_the_demandeur_are_mandatory_though_possibly_empty(name: str) -> None:
    assert rules(demande(demandeur=DEMANDEUR.replace(f"<{name}/>", ""))) == {"XSD-MANQUANT"}


def test_a_cotitulaire_has_two_lists_no_mel_no_address_and_an_optional_income() -> None:
    assert accepted(demande(foyer=COTITULAIRE))
    for extra, before in (
        ("<mel>a@b.fr</mel>", "<lienDemandeur"),
        (f"<adressePostale>{ADRESSE}</adressePostale>", "<situationPro"),
        ("<listeRessourceRecuePersACharge/>", "</cotitulaire>"),
    ):
        assert not accepted(demande(foyer=COTITULAIRE.replace(before, extra + before))), extra
    with_income = COTITULAIRE.replace("<listeRessourceRecue/>", "<revenuFiscal/><listeRessourceRecue/>")
    assert accepted(demande(foyer=with_income))
    assert not accepted(demande(foyer=COTITULAIRE.replace("<listeRessourceVersee/>", "")))


@pytest.mark.parametrize(
    ("mel", "valid"),
    [
        ("", True),
        ("zoe.durand@exemple.fr", True),
        ("zoe_d-1@sous.exemple.com", True),
        ("zoe@exemple.info", False),
        ("zoe@exemple.paris", False),
        ("zoe+logement@exemple.fr", False),
        ("zoé@exemple.fr", False),
        ("zoe@exemple", False),
        (" ", False),
    ],
)
def test_the_last_label_of_an_address_has_one_to_three_letters(mel: str, valid: bool) -> None:
    data = demande(demandeur=DEMANDEUR.replace("<adressePostale>", f"<mel>{mel}</mel><adressePostale>"))
    assert accepted(data) is valid


@pytest.mark.parametrize(
    ("tel", "valid"),
    [("", True), ("1", True), ("0612345678", True), ("+33612345678", False), ("06 12 34 56", False)],
)
def test_telephones_have_up_to_ten_digits_and_nothing_else(tel: str, valid: bool) -> None:
    data = demande(
        demandeur=DEMANDEUR.replace("<adressePostale>", f"<telPortable>{tel}</telPortable><adressePostale>")
    )
    assert accepted(data) is valid


@pytest.mark.parametrize(
    ("code", "valid"), [("1", True), ("93100", True), ("", False), ("931000", False), ("2A", False)]
)
def test_a_code_postal_has_one_to_five_digits(code: str, valid: bool) -> None:
    assert accepted(demande(demandeur=DEMANDEUR.replace("93100", code))) is valid


def test_etranger_is_not_tied_to_the_branch_of_the_place() -> None:
    assert accepted(demande(demandeur=DEMANDEUR.replace("<etranger>false", "<etranger>true")))
    french = '<codePostal>93100</codePostal><commune code="93048"/>'
    assert accepted(demande(demandeur=DEMANDEUR.replace(french, ETRANGER)))


def test_the_place_is_of_one_branch_only() -> None:
    french = '<codePostal>93100</codePostal><commune code="93048"/>'
    assert not accepted(demande(demandeur=DEMANDEUR.replace(french, french + ETRANGER)))
    assert not accepted(demande(demandeur=DEMANDEUR.replace(french, "")))
    assert not accepted(demande(demandeur=DEMANDEUR.replace('<commune code="93048"/>', "")))


def test_voie_is_mandatory_in_a_demande_and_all_but_etranger_optional_in_a_doublon() -> None:
    assert not accepted(demande(demandeur=DEMANDEUR.replace("<voie>rue des Lilas</voie>", "")))
    assert accepted(doublons())
    assert not accepted(doublons(DOUBLON.replace("<etranger>false</etranger>", "")))


def test_the_place_of_work_and_of_the_dwelling_owned_are_optional() -> None:
    french = '<codePostal>93100</codePostal><commune code="93048"/>'
    for place in ("", french, ETRANGER):
        work = DEMANDEUR.replace(
            '<typeContratTravail code="CDI"/>', f'<typeContratTravail code="CDI"/>{place}'
        )
        assert accepted(demande(demandeur=work)), place
        owned = LOGEMENT_ACTUEL.replace("</proprietaire>", f"</proprietaire>{place}")
        assert accepted(demande(logement=owned)), place


def test_the_address_of_the_allocated_dwelling_has_no_foreign_branch() -> None:
    radiation = """<radiation><dateRadiation>2026-01-01</dateRadiation><motifRadiation code="RADATT"/>
    <attributionLogement><dateSignatureBail>2026-01-01</dateSignatureBail><dejaLogeParcBailleur code="NON"/>
    <accordCollectif code="AUCUN"/><typeReservataire code="AUCUN"/><adresse>{}</adresse>
    </attributionLogement></radiation>"""
    assert accepted(demande(radiation.format("")))
    assert accepted(demande(radiation.format("<voie>rue</voie><codePostal>93100</codePostal>")))
    assert not accepted(demande(radiation.format("<etranger>false</etranger>")))
    assert not accepted(demande(radiation.format(ETRANGER)))


def test_the_spelling_of_places_wanted_differs_in_a_doublon() -> None:
    assert not accepted(demande(recherche=RECHERCHE.replace("Souhaite>", "Souhaitee>")))
    assert not accepted(doublons(DOUBLON.replace("Souhaitee>", "Souhaite>")))


def test_the_list_of_anomalies_may_be_empty_in_a_demande_only() -> None:
    assert accepted(demande("<listeAnomalie/>"))
    assert not accepted(demande("<listeAnomalies/>"))
    anomaly = '<listeAnomalies><anomalie code="A1"><message>m</message></anomalie></listeAnomalies>'
    for make in (evenement, type_evenement):
        assert accepted(make(anomaly))
        assert not accepted(make("<listeAnomalies/>"))
        assert not accepted(make("<listeAnomalie/>"))
    assert accepted(recherche(suite=anomaly))
    assert not accepted(recherche(suite="<listeAnomalies/>"))


def test_the_label_of_an_event_type_is_a_text_in_one_document_and_an_element_in_the_other() -> None:
    event = """<listeEvenements><evenement><libelleTypeEvenement>{}</libelleTypeEvenement></evenement>
    </listeEvenements>"""
    assert accepted(evenement(event.format("Visite")))
    assert not accepted(evenement(event.format("<libelle>Visite</libelle>")))
    flags = "".join(
        f"<{name}>true</{name}>"
        for name in (
            "aPublierSurPGP",
            "utilisableMultiplesAttributionsSousConditions",
            "utilisableRechercheInstruction",
            "reglementaire",
        )
    )
    kind = f"""<listeTypesEvenements><typeEvenement>
    <codeTypeEvenement>VIS</codeTypeEvenement><texteDescriptifPGP/>
    <texteDescriptifSNE/>{flags}<libelleTypeEvenement>{{}}</libelleTypeEvenement></typeEvenement>
    </listeTypesEvenements>"""
    assert accepted(type_evenement(kind.format("<libelle>Visite</libelle>")))
    assert not accepted(type_evenement(kind.format("Visite")))


@pytest.mark.parametrize(
    ("make", "longest"), [(recherche, "A1b2"), (type_evenement, "A1b2"), (evenement, "A1b")]
)
def test_type_fichier_of_the_other_documents_is_short_and_alphanumeric(make: object, longest: str) -> None:
    assert callable(make)
    assert accepted(make(type_fichier="A"))
    assert accepted(make(type_fichier=longest))
    for bad in ("", f"{longest}9", "é", "A B", "A-"):
        assert not accepted(make(type_fichier=bad)), bad


@pytest.mark.parametrize("type_fichier", ["CR", "CREA", "C-E", ""])
def test_type_fichier_of_a_demande_has_exactly_three_characters(type_fichier: str) -> None:
    assert not accepted(demande(type_fichier=type_fichier))


def test_the_three_other_documents_fix_their_version() -> None:
    """interface/wire §9."""
    for make in (recherche, evenement, type_evenement):
        assert rules(make(version="02.01")) == {"XSD-FIXE"}


def test_liste_doublons_is_also_a_root_of_the_demande_schemas() -> None:
    root = etree.fromstring(doublons())
    for kind in (DocumentKind.DEMANDE_0200, DocumentKind.DEMANDE_0201, DocumentKind.DOUBLONS):
        assert validate(root, kind) == ()


def test_a_list_of_doublons_is_never_empty() -> None:
    assert rules(doublons("")) == {"XSD-MANQUANT"}
    assert accepted(demande(f"<listeDoublons>{DOUBLON}</listeDoublons>"))
    assert not accepted(demande("<listeDoublons/>"))


def test_a_doublon_refuses_modifie() -> None:
    data = doublons(DOUBLON.replace("<nom/>", f'<nom xmlns:n="{NS}" n:modifie="true"/>'))
    assert rules(data) == {"XSD-ATTRIBUT"}


def test_strings_keep_their_blanks_and_lengths_count_characters() -> None:
    result = read_document(demande(demandeur=DEMANDEUR.replace("DURAND", "  É\u00e9 \U00010348  ")), ALL)
    assert isinstance(result, Document)
    assert result.root.findtext(f".//{{{NS}}}nom") == "  Éé \U00010348  "
    assert accepted(demande(demandeur=DEMANDEUR.replace("DURAND", "\U00010348" * 36)))
    assert rules(demande(demandeur=DEMANDEUR.replace("DURAND", " " * 37))) == {"XSD-LONGUEUR"}


@pytest.mark.parametrize(
    "value", ["1990-02-28", "1990-02-28Z", "1990-02-28+02:00", " 1990-02-28", "\n1990-02-28\t "]
)
def test_dates_may_carry_a_zone_and_blanks(value: str) -> None:
    """libxml2 alone refuses the blanks that XML Schema allows."""
    result = read_document(demande(demandeur=DEMANDEUR.replace("1990-02-28", value)), ALL)
    assert isinstance(result, Document)
    assert result.root.findtext(f".//{{{NS}}}dateNaissance") == value.strip()


@pytest.mark.parametrize(
    "value", ["", "1990-02-29", "28/02/1990", "1990-2-28", "1990-02-28T00:00:00", "1990- 02-28"]
)
def test_dates_that_do_not_exist_or_of_another_form_are_refused(value: str) -> None:
    assert rules(demande(demandeur=DEMANDEUR.replace("1990-02-28", value))) == {"XSD-TYPE"}


@pytest.mark.parametrize(
    "value", ["2017-08-31T15:30:00.0+02:00", " 2026-03-15T16:54:06 ", "2026-03-15T24:00:00"]
)
def test_instants_as_partners_write_them(value: str) -> None:
    """interface/wire §2 and §8."""
    assert accepted(demande(date_fichier=value))


def test_blanks_around_numbers_and_booleans_are_accepted() -> None:
    data = RECHERCHE.replace(
        "<demandeElargie>true", "<montantLoyer> 700\n</montantLoyer><demandeElargie> true "
    )
    assert accepted(demande(recherche=data))


@pytest.mark.parametrize(
    ("value", "rule"), [("10000", "XSD-BORNES"), ("-1", "XSD-BORNES"), ("7e2", "XSD-TYPE"), ("", "XSD-TYPE")]
)
def test_amounts_have_bounds(value: str, rule: str) -> None:
    data = RECHERCHE.replace("<demandeElargie>", f"<montantLoyer>{value}</montantLoyer><demandeElargie>")
    assert rules(demande(recherche=data)) == {rule}


def test_a_demande_is_of_a_person_or_of_an_association() -> None:
    assert not accepted(demande(qui=""))
    assert not accepted(demande(qui=ASSOCIATION + ASSOCIATION))
    person = f"<personnePhysique>{DEMANDEUR}{LOGEMENT_ACTUEL}</personnePhysique>"
    assert not accepted(demande(qui=ASSOCIATION + person))


def test_a_document_that_declares_02_00_may_hold_elements_of_02_01() -> None:
    """interface/wire §7 and §9: received demandes are validated under 02.01 whatever they declare."""
    new = DEMANDEUR.replace("<adressePostale>", "<notifSms>true</notifSms><adressePostale>")
    data = demande(demandeur=new, version="02.00")
    result = read_document(data, ALL)
    assert isinstance(result, Document)
    assert result.kind is DocumentKind.DEMANDE_0200
    (violation,) = validate(result.root, DocumentKind.DEMANDE_0200)
    assert violation.rule == "XSD-ELEMENT"


def test_the_public_sample_lacks_three_mandatory_elements() -> None:
    """interface/wire §8: what the real system circulates is invalid for these and nothing else."""
    tete = "<dateCreationDemande>2018-03-15</dateCreationDemande>"
    data = demande(tete=tete, recherche="", version="02.00").replace(b"<typeFichier>CRE</typeFichier>", b"")
    result = read_document(data, ALL)
    assert isinstance(result, tuple)
    assert {each.rule for each in result} <= {"XSD-MANQUANT", "XSD-ELEMENT"}
