"""What filters read of a demande and of its event."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from lxml import etree

from filters.criteria import CRITERES
from filters.genres import CritereCodes
from filters.source import Connu, Contexte, contexte_of
from filters.traits import Traits, traits_of
from schemas.demande import read_demande
from schemas.kinds import NAMESPACE
from tests.registry.fabrique import demande_of, generate

JOUR = date(2026, 7, 1)
CONNU = Connu(prioritaire=False, delai_anormal=True)
FAMILLE = """
<dateCreationDemande>2024-06-15</dateCreationDemande>
<personnePhysique>
  <demandeur>
    <dateNaissance>1990-07-02</dateNaissance><nationalite code="1"/><situationFamiliale code="M"/>
    <adressePostale><commune code="59350"/></adressePostale>
    <situationProfessionnelle><typeContratTravail code="CDI"/><commune code="59512"/>
    </situationProfessionnelle>
    <revenuFiscal><anneeMoins1>2025</anneeMoins1><montantMoins1>18000</montantMoins1>
      <montantMoins2>99999</montantMoins2></revenuFiscal>
    <listeRessourceRecue>
      <detailRessource><ressource code="SAL"/><montant>1500</montant></detailRessource>
      <detailRessource><ressource code="AF"/></detailRessource>
    </listeRessourceRecue>
    <listeRessourceVersee><detailRessource><ressource code="PAV"/><montant>100</montant></detailRessource>
    </listeRessourceVersee>
  </demandeur>
  <listePersonneACharge>
    <personneACharge><dateNaissance>2012-07-01</dateNaissance><lienParente code="E"/></personneACharge>
    <personneACharge><dateNaissance>2012-07-02</dateNaissance><lienParente code="E"/></personneACharge>
    <personneACharge><lienParente code="P"/></personneACharge>
  </listePersonneACharge>
  <listeCotitulaire><cotitulaire>
    <dateNaissance>1988-01-01</dateNaissance><lienDemandeur code="M"/>
    <revenuFiscal><montantMoins2>6000</montantMoins2></revenuFiscal>
    <listeRessourceRecue><detailRessource><ressource code="CHO"/><montant>700</montant></detailRessource>
    </listeRessourceRecue>
  </cotitulaire></listeCotitulaire>
  <logementActuel>
    <listeModeleLogement><modeleLogement code="LP"/></listeModeleLogement>
    <montantMensuelLoyer>610</montantMensuelLoyer><proprietaire>false</proprietaire>
  </logementActuel>
</personnePhysique>
<logementRecherche>
  <listeTypeLogement><typeLogement code="T4"/></listeTypeLogement>
  <categorieLogementRecherche code="I"/><montantLoyer>750</montantLoyer>
  <avecParking>true</avecParking>
  <listeLocalisationSouhaite><localisationSouhaite><commune code="59350"/></localisationSouhaite>
  </listeLocalisationSouhaite>
</logementRecherche>
"""


def traits(corps: str, contexte: Contexte | None = None, suite: str = "") -> Traits:
    """The traits of a document of that body."""
    text = (
        f'<interfaceNuu xmlns="{NAMESPACE}"><demande><demandeLogement>{corps}</demandeLogement>{suite}'
        "</demande></interfaceNuu>"
    )
    return traits_of(read_demande(etree.fromstring(text)), contexte or Contexte("CRE", "G0001", JOUR))


@pytest.mark.parametrize(
    ("critere", "expected"),
    [
        ("communes", {"59350"}),
        ("departements", {"59"}),
        ("types_logement", {"T4"}),
        ("categories", {"I", "A", "M"}),
        ("loyer_max", 750),
        ("parking", {"OUI"}),
        ("rez_de_chaussee", set()),
        ("motifs", set()),
        ("nature_demandeur", {"PERSONNE"}),
        ("nombre_personnes", 5),
        ("composition", {"FAMILLE"}),
        ("nombre_enfants", 2),
        ("naissances", 0),
        ("age_demandeur", 35),
        ("age_plus_jeune", 13),
        ("age_plus_age", 38),
        ("situation_familiale", {"M"}),
        ("nationalite", {"1"}),
        ("revenu_fiscal", 24_000),
        ("ressources_mensuelles", 2_100),
        # 1 + 0.5 (cotitulaire) + 0.5 (14 that very day) + 0.3 (13) + 0.5 (parent without a birth date): 2.8.
        ("ressources_uc", 9_000),
        ("types_ressources", {"SAL", "AF", "CHO"}),
        ("contrats", {"CDI"}),
        ("communes_travail", {"59512"}),
        ("communes_residence", {"59350"}),
        ("logement_actuel", {"LP"}),
        ("loyer_actuel", 610),
        ("surface_actuelle", None),
        ("proprietaire", {"NON"}),
        ("handicap", {"NON"}),
        ("dalo", {"NON"}),
        ("typologies_dalo", set()),
        ("anciennete", 24),
        ("evenements", {"CRE"}),
        ("motifs_radiation", set()),
        ("auteurs", {"G0001"}),
        ("portail", {"NON"}),
    ],
)
def test_a_family(critere: str, expected: set[str] | int | None) -> None:
    """[FIL-10] [FIL-12]"""
    assert traits(FAMILLE)[critere] == expected


@pytest.mark.parametrize(
    ("jour", "age", "anciennete"),
    [
        (date(2026, 7, 1), 35, 24),
        (date(2026, 7, 2), 36, 24),
        (date(2026, 6, 14), 35, 23),
        (date(2026, 6, 15), 35, 24),
        (date(1980, 1, 1), None, None),
        (None, None, None),
    ],
)
def test_ages_and_seniority_are_those_of_the_day(
    jour: date | None, age: int | None, anciennete: int | None
) -> None:
    """[FIL-10]"""
    found = traits(FAMILLE, Contexte(jour=jour))
    assert (found["age_demandeur"], found["anciennete"]) == (age, anciennete)


def test_the_day_is_that_of_paris() -> None:
    """[FIL-10]"""
    assert contexte_of("CRE", "G0001", datetime(2026, 6, 30, 22, 30, tzinfo=UTC)).jour == date(2026, 7, 1)


@pytest.mark.parametrize(
    ("foyer", "expected"),
    [
        ("<demandeur/>", "SEUL"),
        ("<demandeur/>{enfant}", "MONO"),
        ("<demandeur/>{C}", "COUPLE"),
        ("<demandeur/>{enfant}{P}", "FAMILLE"),
        ("<demandeur/>{enfant}{L}", "COLOC"),
    ],
)
def test_composition(foyer: str, expected: str) -> None:
    """[FIL-12]"""
    enfant = (
        "<listePersonneACharge><personneACharge><lienParente code='E'/></personneACharge>"
        "</listePersonneACharge>"
    )
    liens = {
        lien: f"<listeCotitulaire><cotitulaire><lienDemandeur code='{lien}'/></cotitulaire>"
        "</listeCotitulaire>"
        for lien in "CPL"
    }
    found = traits(f"<personnePhysique>{foyer.format(enfant=enfant, **liens)}</personnePhysique>")
    assert found["composition"] == {expected}


def test_an_association_has_no_household() -> None:
    """[FIL-12]"""
    found = traits("<association><nom>Un toit</nom></association>")
    assert found["nature_demandeur"] == {"ASSOCIATION"}
    silent = {c.nom for c in CRITERES if c.rubrique in ("Ménage", "Ressources", "Situation actuelle")}
    assert {nom for nom in silent if found[nom]} == {"nature_demandeur"}
    assert found["handicap"] == frozenset()


@pytest.mark.parametrize(
    ("connu", "dalo", "prioritaire", "delai"),
    [
        (None, "ACTIF", set(), set()),
        (Connu(prioritaire=False, delai_anormal=True), "NON", {"NON"}, {"OUI"}),
        (Connu(prioritaire=True, delai_anormal=False), "NON", {"OUI"}, {"NON"}),
        (Connu(prioritaire=False, delai_anormal=False), "ACTIF", {"OUI"}, {"NON"}),
    ],
)
def test_what_the_registry_knows_beyond_the_document(
    connu: Connu | None, dalo: str, prioritaire: set[str], delai: set[str]
) -> None:
    """[FIL-13]"""
    suite = f"<informationDalo><statutDalo code='{dalo}'/></informationDalo>"
    found = traits("", Contexte("MOD", "G0001", JOUR, connu), suite)
    assert (found["prioritaire"], found["delai_anormal"]) == (prioritaire, delai)


def test_dalo_and_portal() -> None:
    """[FIL-2]"""
    dalo = "<informationDalo><statutDalo code='ACTIF'/><typologieLogementDalo code='03'/></informationDalo>"
    found = traits("", Contexte("MOD", "GDPUB", JOUR), dalo)
    assert found["dalo"] == {"ACTIF"}
    assert found["typologies_dalo"] == {"03"}
    assert found["portail"] == {"OUI"}


def test_generated_demandes_say_values_that_filters_may_name() -> None:
    """[FIL-2] Every code read is one that the language accepts; every criterion is said by some demande."""
    said = set()
    for rank in range(150):
        found = traits_of(demande_of(generate(f"source-{rank}")), Contexte("CRE", "G0001", JOUR, CONNU))
        for critere in CRITERES:
            value = found[critere.nom]
            if isinstance(critere, CritereCodes):
                assert isinstance(value, frozenset)
                assert all(map(critere.connait, value)), (critere.nom, value)
            if value:
                said.add(critere.nom)
    assert {critere.nom for critere in CRITERES} - said <= {"motifs_radiation"}
