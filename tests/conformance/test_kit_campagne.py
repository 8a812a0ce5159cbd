"""The kit itself: its catalogue, its campaigns, its reports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from lxml import etree

from certs.autorite import create_autorite
from certs.paire import Paire, load_paire
from conformance.assertion import (
    Assertion,
    Capacite,
    Constat,
    Empeche,
    Mode,
    Niveau,
    equal,
)
from conformance.assertions import FAMILLES, client_assertions, server_assertions
from conformance.campagne import Reprise, Resultat, Verdict, run, select
from conformance.rapport import Circonstances, make_report, seal, untested, verify_report
from conformance.rapport_html import write_html
from conformance.rapport_junit import write_junit
from schemas.rapport_conformite import Rapport, read_json, write_json
from tools import docs_specification

MAINTENANT = datetime(2026, 11, 29, 4, 0, tzinfo=UTC)
TOUTES = (*server_assertions(), *client_assertions())


class Banc:
    """A terrain that remembers for which assertions it got ready."""

    def __init__(self) -> None:
        self.debuts: list[str] = []

    def lacks(self, exige: Sequence[Capacite]) -> str:
        return "pas de courrier" if Capacite.COURRIER in exige else ""

    def begin(self, ident: str) -> None:
        self.debuts.append(ident)


def holds(_banc: Banc) -> Iterator[Constat]:
    yield equal("un", 1, 1)
    yield equal("deux", 2, 2)


def fails(_banc: Banc) -> Iterator[Constat]:
    yield equal("un", 1, 1)
    yield equal("deux", 2, 3)
    raise AssertionError("ce qui suit un constat qui ne tient pas n'est pas fait")


def hindered(_banc: Banc) -> Iterator[Constat]:
    yield equal("un", 1, 1)
    raise Empeche("la création préalable n'a pas abouti")


def made(ident: str, **changes: object) -> Assertion[Banc]:
    base = Assertion(
        *(ident, Mode.SERVEUR, ("SOA-1",), Niveau.DOIT, f"Titre de {ident}", f"Conduite de {ident}."),
        *((), (), holds),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


BANC = (
    made("S0101"),
    made("S0107", controle=fails),
    made("S0108", apres=("S0107",)),
    made("S0201", exige=(Capacite.COURRIER,)),
    made("S0202", controle=hindered),
    made("S0203", controle=fails, niveau=Niveau.DEVRAIT),
)


def test_each_assertion_is_numbered_and_says_what_to_do() -> None:
    for each in TOUTES:
        assert each.famille in FAMILLES
        assert each.titre, each.id
        assert each.conduite.endswith((".", ").")), each.id
        assert set(each.apres) <= {one.id for one in TOUTES if one.mode is each.mode and one.id != each.id}


def test_each_assertion_cites_clauses_that_exist() -> None:
    known = {clause.code for clause in docs_specification.clauses()}
    cited = {each.id: set(each.clauses) - known for each in TOUTES}
    assert {ident: missing for ident, missing in cited.items() if missing} == {}


def test_a_campaign_gives_a_verdict_to_each() -> None:
    banc = Banc()
    found = {each.id: each for each in run(BANC, banc)}
    assert {ident: each.verdict for ident, each in found.items()} == {
        "S0101": Verdict.REUSSIE,
        "S0107": Verdict.ECHOUEE,
        "S0108": Verdict.NON_CONCLUANTE,
        "S0201": Verdict.SANS_OBJET,
        "S0202": Verdict.NON_CONCLUANTE,
        "S0203": Verdict.ECHOUEE,
    }
    assert (found["S0107"].quoi, found["S0107"].attendu, found["S0107"].trouve) == ("deux", "2", "3")
    assert found["S0201"].raison == "pas de courrier"
    assert "S0107" in found["S0108"].raison
    assert banc.debuts == ["S0101", "S0107", "S0202", "S0203"]


def test_one_a_family_or_all_can_be_chosen_with_what_they_depend_on() -> None:
    assert [each.id for each in select(BANC, ["S0108"])] == ["S0107", "S0108"]
    assert [each.id for each in select(BANC, ["02"])] == ["S0201", "S0202", "S0203"]
    assert select(BANC, []) == BANC
    with pytest.raises(KeyError):
        select(BANC, ["S9999"])


def test_a_campaign_goes_on_where_it_was_cut(tmp_path: Path) -> None:
    """Even cut in the middle of a line; one of another seed begins again."""
    reprise = Reprise(tmp_path / "c.jsonl", "serveur 1 abc")
    reprise.start()
    for each in run(BANC[:3], Banc()):
        reprise.add(each)
    with (tmp_path / "c.jsonl").open("ab") as file:
        file.write(b'{"id":"S0201","verd')
    connus = reprise.load()
    assert list(connus) == ["S0101", "S0107", "S0108"]
    banc = Banc()
    assert len(run(BANC, banc, connus=connus)) == len(BANC)
    assert banc.debuts == ["S0202", "S0203"]
    assert Reprise(tmp_path / "c.jsonl", "serveur 2 abc").load() == {}


# --- reports ----------------------------------------------------------------------------------------------


def report(*resultats: Resultat, assertions: Sequence[Assertion[Banc]] = BANC) -> Rapport:
    found = resultats or run(assertions, Banc())
    autour = Circonstances(
        Mode.SERVEUR,
        "Échangeur <d'essai> & Cie",
        "https://localhost:8443",
        "02.01",
        "graine",
        "0" * 64,
        MAINTENANT,
        MAINTENANT,
        complet=True,
        validite=timedelta(days=30),
        controle="https://exemple.invalid/rapports/{identifiant}",
        guichet="G1104",
    )
    return make_report(assertions, {each.id: each for each in found}, autour)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def paire() -> Paire:
    made = create_autorite("Kit", now=MAINTENANT).issue_guichet("KIT00", now=MAINTENANT)
    return load_paire(made.chaine, made.cle)


def verdicts_of(data: bytes, paire: Paire, jours: int = 1) -> tuple[str, ...]:
    known = frozenset({paire.certificat.empreinte})
    return verify_report(data, signataires=known, instant=MAINTENANT + timedelta(days=jours)).ecarts


def test_a_report_concludes_from_what_must_hold() -> None:
    assert not report().conforme
    assert report(assertions=(BANC[0], BANC[3], BANC[5])).conforme
    assert not report(assertions=(BANC[0], BANC[4])).conforme
    assert not report(assertions=(BANC[3],)).conforme


def test_a_report_is_read_back_as_it_was_written() -> None:
    made = report()
    assert read_json(write_json(made)) == made
    assert made.controle.endswith(made.identifiant)
    assert made.guichet == "G1104"
    assert isinstance(read_json(b"{}"), str)
    # One of before the guichet was written is read still; one of another form is not.
    before = msgspec.json.decode(write_json(made))
    del before["guichet"]
    older = read_json(msgspec.json.encode(before))
    assert isinstance(older, Rapport)
    assert older.guichet == ""
    assert isinstance(read_json(msgspec.json.encode({**before, "format": "autre/1"})), str)
    assert isinstance(read_json(msgspec.json.encode({**before, "fin": "2026-11-29T04:00:00"})), str)
    assert made.resultats[0].regles["SOA-1"].startswith("L'échange se fait en HTTPS")


def test_a_signed_report_is_verified(paire: Paire) -> None:
    assert verdicts_of(seal(write_json(report()), paire, instant=MAINTENANT), paire) == ()


def test_an_expired_report_is_told(paire: Paire) -> None:
    assert "expiré" in verdicts_of(seal(write_json(report()), paire, instant=MAINTENANT), paire, 31)[0]


def test_a_changed_report_is_told(paire: Paire) -> None:
    sealed = seal(write_json(report()), paire, instant=MAINTENANT)
    assert "signature" in verdicts_of(sealed.replace(b"S0101", b"S0909"), paire)[0]


def test_a_report_signed_by_another_is_told(paire: Paire) -> None:
    other = create_autorite("Autre", now=MAINTENANT).issue_guichet("KIT00", now=MAINTENANT)
    sealed = seal(write_json(report()), load_paire(other.chaine, other.cle), instant=MAINTENANT)
    assert "signataire inattendu" in verdicts_of(sealed, paire)[0]


def test_a_report_that_concludes_otherwise_is_told(paire: Paire) -> None:
    """Signed as it should be, by one who would like to be conform."""
    lie = msgspec.structs.replace(report(), conforme=True, totaux={"réussie": 6})
    assert len(verdicts_of(seal(write_json(lie), paire, instant=MAINTENANT), paire)) == 2


def test_the_junit_form_is_valid() -> None:
    strange = Resultat("S0107", Verdict.ECHOUEE, "octets", "\x00\x01 <é>\ud800", "rien")
    found = [*run(BANC, Banc())]
    made = report(*(strange if each.id == "S0107" else each for each in found))
    root = etree.fromstring(write_junit(made))
    etree.XMLSchema(file=str(Path(__file__).parent / "junit.xsd")).assertValid(root)
    assert [(suite.get("tests"), suite.get("failures"), suite.get("skipped")) for suite in root] == [
        ("3", "1", "1"),
        ("3", "0", "3"),
    ]


def test_the_page_holds_everything_and_needs_nothing() -> None:
    page = write_html(report(), "ab" * 32)
    root = etree.HTML(page)
    assert root.xpath("//@src | //link/@href | //script") == []
    assert root.xpath("//a[starts-with(@href, 'https://exemple.invalid/rapports/')]")
    assert {each.get("id") for each in root.xpath("//tr[@id]")} == {each.id for each in BANC}
    assert "Échangeur &lt;d" in page
    assert root.get("lang") == "fr"
    assert root.xpath("count(//h1)") == 1
    assert all(each.get("scope") for each in root.xpath("//th"))


def test_a_family_of_which_nothing_has_an_object_is_told_as_untested() -> None:
    """Never as passed: neither on the screen nor in the page."""
    found = [
        replaced(each, Verdict.SANS_OBJET) if each.id.startswith("S02") else each
        for each in run(BANC, Banc())
    ]
    made = report(*found)
    assert untested(made.resultats) == (FAMILLES["02"][1],)
    assert f"<dt>Non éprouvé</dt><dd>{FAMILLES['02'][1]}</dd>" in write_html(made, "")


def replaced(resultat: Resultat, verdict: Verdict) -> Resultat:
    return Resultat(resultat.id, verdict, raison="pas de courrier")
