"""The attestation: what it says, how it is laid out, when it is given (docs/specification, clauses ATT)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import date

import pytest
import pytest_asyncio
from sqlalchemy import Engine, insert

from echangeur.config import Configuration
from registry.attestation import Attestable, describe, name_of
from registry.attestation_pdf import Imprimeur
from registry.attestations import Attestations, Politique, is_wanted
from registry.delais import Delai, find_delai
from registry.echanges import Fichier
from registry.references import Commission, Coordonnees, References
from registry.regles import REGLES, Regles
from registry.tables_references import BAILLEUR_COMMUNE, COMMISSION_MEDIATION, DELAI_ANORMAL
from schemas.demande import Demande
from schemas.emission import TYPE_RETOUR, emit_demande
from tests.registry.fabrique import BAILLEUR, RECU_LE, demande_of, generate

NUMERO = "1110626000001G1104"
NOM = "DEMG1104-202607011130-000001.xml"
JOUR = date(2026, 7, 1)
SANS_REFERENCE = References(Coordonnees(), {}, (), ())


def attestable_of(data: bytes, nature: str = "CRE", nom: str = NOM) -> Attestable:
    document = emit_demande(
        demande_of(data).root, type_fichier=TYPE_RETOUR, date_fichier=RECU_LE, num_unique=NUMERO
    )
    return Attestable(NUMERO, nature, BAILLEUR, document, nom)


def described(
    data: bytes, nature: str = "CRE", references: References = SANS_REFERENCE
) -> tuple[Demande, dict[str, object]]:
    demande = demande_of(data)
    attestable = attestable_of(data, nature)
    return demande, describe(
        demande, attestable, references, jour=JOUR, regles=REGLES, portail="https://exemple"
    )


def test_it_says_the_applicant_the_number_the_dates_and_the_validity() -> None:
    """[ATT-4] Items a, b, c, d, h of the article."""
    demande, donnees = described(
        generate(1),
        references=References(Coordonnees("1 rue du Port\n59000 Lille", "0320", "a@b.fr"), {}, (), ()),
    )
    assert demande.demandeur is not None
    text = repr(donnees)
    assert demande.demandeur.nom in text
    assert NUMERO in text
    depot = demande.date_creation
    assert ["Demande reçue le", depot.strftime("%d/%m/%Y")] in donnees["reperes"]  # type: ignore[operator]
    assert donnees["echeance"] == depot.replace(year=depot.year + 1).strftime("%d/%m/%Y")
    assert "1 rue du Port" in donnees["service"]  # type: ignore[operator]
    assert donnees["portail"] == "https://exemple"


def test_renewal_has_the_same_content_and_its_own_title() -> None:
    """[ATT-3] Validity runs from the day of the renewal."""
    _, donnees = described(generate(1), "REN")
    assert "renouvellement" in str(donnees["titre"])
    assert ["Dernier renouvellement", "01/07/2026"] in donnees["reperes"]  # type: ignore[operator]
    assert donnees["echeance"] == "01/07/2027"


def test_validity_follows_the_configured_rules() -> None:
    """[ATT-3] An authority may set another validity than a year."""
    demande = demande_of(generate(1))
    donnees = describe(
        demande,
        attestable_of(generate(1), "REN"),
        SANS_REFERENCE,
        jour=JOUR,
        regles=Regles(validite_mois=18),
        portail="",
    )
    assert (donnees["duree"], donnees["echeance"]) == ("18 mois", "01/01/2028")


def test_bailleurs_and_delays_are_those_of_the_wished_communes() -> None:
    """[ATT-6] [ATT-7] Items e and g."""
    demande = demande_of(generate(1))
    commune = demande.communes_souhaitees[0]
    references = References(
        Coordonnees(),
        {code: ("Habitat",) if code == commune else () for code in demande.communes_souhaitees},
        (Commission("75", "Commission de Paris", "5 rue Leblanc"),),
        (Delai(commune, "", date(2020, 1, 1), 24),),
    )
    _, donnees = described(generate(1), references=references)
    assert len(donnees["bailleurs"]) == 1  # type: ignore[arg-type]
    assert len(donnees["sans_bailleur"]) == len(demande.communes_souhaitees) - 1  # type: ignore[arg-type]
    ((zone, taille, mois, debut),) = donnees["delais"]  # type: ignore[misc]
    assert (taille, mois) == ("tous", "24 mois")
    assert zone
    assert debut == demande.date_creation.replace(year=demande.date_creation.year + 2).strftime("%d/%m/%Y")
    assert donnees["commissions"] == [["Commission de Paris", "5 rue Leblanc"]]


def test_the_narrowest_zone_then_the_named_size_then_the_latest_arrete() -> None:
    """[ATT-7] Nantes is in Nantes Métropole (SIREN 244400404), which is in 44."""
    ancien, neuf = date(2020, 1, 1), date(2024, 1, 1)
    delais = [
        Delai("", "", ancien, 32),
        Delai("44", "", ancien, 33),
        Delai("244400404", "", ancien, 35),
        Delai("244400404", "", neuf, 36),
        Delai("244400404", "T4", ancien, 40),
        Delai("244400404", "", date(2030, 1, 1), 99),
    ]

    def months(commune: str, typologie: str, jour: date = JOUR) -> int | None:
        found = find_delai(delais, commune, typologie, jour)
        return None if found is None else found.mois

    assert months("44109", "T2") == 36
    assert months("44109", "T4") == 40
    assert months("44109", "T2", date(2021, 1, 1)) == 35
    assert months("44184", "T2") == 33  # Saint-Nazaire, another EPCI
    assert months("75056", "T2") == 32
    assert find_delai(delais, "44109", "T2", date(2019, 1, 1)) is None


@pytest.mark.parametrize(
    ("complet", "politique", "wanted"),
    [
        ("", Politique.SUR_DEMANDE, False),
        ("true", Politique.SUR_DEMANDE, True),
        (" OUI ", Politique.SUR_DEMANDE, True),
        ("peut-être", Politique.SUR_DEMANDE, False),
        ("", Politique.TOUJOURS, True),
        ("non", Politique.TOUJOURS, False),
        ("peut-être", Politique.TOUJOURS, True),
        ("oui", Politique.JAMAIS, False),
    ],
)
def test_meaning_of_complet(complet: str, politique: Politique, wanted: bool) -> None:
    """[ATT-2]"""
    assert is_wanted(complet, politique) is wanted


def test_the_answer_bears_it_unless_told_otherwise() -> None:
    """[ATT-2] The reference client never sends `complet`, and its applicants are owed one."""
    assert Configuration().attestation.politique == Politique.TOUJOURS


def test_name_goes_with_that_of_the_answer() -> None:
    """[ATT-5]"""
    assert name_of(NOM) == "ATTG1104-202607011130-000001.pdf"


@pytest.fixture(scope="module")
def imprimeur() -> Imprimeur:
    return Imprimeur()


@pytest.mark.parametrize("rang", range(6))
def test_pdf_is_tagged_and_declares_pdf_ua(imprimeur: Imprimeur, rang: int) -> None:
    """[ATT-8] typst refuses to write what breaks the rules of PDF/UA that a program can check."""
    _, donnees = described(generate(f"pdf-{rang}", avec_cotitulaire=rang % 2 == 0, association=rang == 5))
    pdf = imprimeur.render(donnees, instant=RECU_LE)
    assert pdf.startswith(b"%PDF-1.7")
    for mark in (b"/StructTreeRoot", b"/Marked true", b"<pdfuaid:part>1<", b"/Lang"):
        assert mark in pdf, mark
    assert pdf == imprimeur.render(donnees, instant=RECU_LE)


def test_nothing_of_one_attestation_stays_in_the_next(imprimeur: Imprimeur) -> None:
    """[ATT-8] [ATT-9] typst keeps what it laid out from one to the next: never what is somebody's."""
    donnees = [described(generate(f"suite-{rang}"))[1] for rang in range(3)]
    for rang, each in enumerate(donnees):
        each["numero"] = f"111062600000{rang}G1104"
    premiers = [imprimeur.render(each, instant=RECU_LE) for each in donnees]
    for each, pdf in zip(donnees, premiers, strict=True):
        (titre,) = re.findall(rb"<dc:title>.*?<rdf:li[^>]*>(.*?)</rdf:li>", pdf, re.DOTALL)
        assert titre.decode() == f"{each['titre']} – {each['numero']}".replace("'", "&apos;")
        assert sum(str(autre["numero"]).encode() in pdf for autre in donnees) == 1
    assert [imprimeur.render(each, instant=RECU_LE) for each in reversed(donnees)] == premiers[::-1]


def test_a_name_in_another_script_is_no_failure(imprimeur: Imprimeur) -> None:
    """[ATT-8] PDF/UA forbids a character without a glyph."""
    _, donnees = described(generate(1))
    assert imprimeur.render({**donnees, "demandeur": ["Madame 李 العربية"]}, instant=RECU_LE)


def test_what_a_name_holds_is_never_markup(imprimeur: Imprimeur) -> None:
    """[ATT-8] A name that looks like code is printed as it is."""
    _, donnees = described(generate(1))
    assert imprimeur.render({**donnees, "demandeur": ['#read("/etc/passwd") *x_ $y </a>']}, instant=RECU_LE)


@pytest_asyncio.fixture
async def attestations(engine: Engine) -> AsyncIterator[Attestations]:
    handler = Attestations(engine)
    await handler.start()
    yield handler
    await handler.stop()


async def test_handler_reads_what_the_attestation_cites(attestations: Attestations, engine: Engine) -> None:
    """[ATT-6] [ATT-7] From the tables to the file; a replay gives the same bytes [ATT-9]."""
    data = generate(1)
    commune = demande_of(data).communes_souhaitees[0]
    bare = await attestations.attest(attestable_of(data), "oui")
    with engine.begin() as conn:
        conn.execute(insert(BAILLEUR_COMMUNE), {"commune": commune, "siren": "552046484", "nom": "Habitat"})
        conn.execute(
            insert(COMMISSION_MEDIATION),
            [{"departement": d, "nom": f"Commission {d}", "adresse": "ici"} for d in ("75", "77", "93")],
        )
        conn.execute(
            insert(DELAI_ANORMAL),
            {"territoire": "111", "zone": "", "typologie": "", "valide_du": date(2020, 1, 1), "mois": 72},
        )
    full = await attestations.attest(attestable_of(data), "oui")
    assert isinstance(bare, Fichier)
    assert isinstance(full, Fichier)
    assert len(full.contenu) > len(bare.contenu)
    assert full == await attestations.attest(attestable_of(data), "oui")


@pytest.mark.parametrize("nature", ["MOD", "RAD", "SUP", "COP"])
async def test_no_attestation_for_what_is_neither_creation_nor_renewal(
    attestations: Attestations, nature: str
) -> None:
    """[ATT-1]"""
    assert await attestations.attest(attestable_of(generate(1), nature), "oui") is None


async def test_database_away_gives_no_attestation_and_no_failure(engine: Engine) -> None:
    """[ATT-9] The registration is done: its answer leaves without the attestation."""
    handler = Attestations(engine)
    await handler.start()
    with engine.begin() as conn:
        conn.exec_driver_sql("DROP TABLE bailleur_commune")
    assert await handler.attest(attestable_of(generate(1)), "oui") is None
    await handler.stop()
