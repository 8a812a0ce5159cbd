"""The conformity of a guichet in the console, and the check address that anybody may ask."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from certs.paire import Paire
from certs.signature import sign
from console.debits import Debit
from console.profils import ProfilCompte
from console.rapports import draw_badge
from console.services import Services
from registry.certificats import pin_certificat
from registry.clock import FixedClock
from registry.controle_rapports import Controle, Reponse
from registry.guichets_store import set_adresse_reception
from registry.production import set_exigence
from registry.rapports_deposes import list_reports
from schemas.rapport_conformite import Rapport, Verdict, write_json
from tests.console.chromium import Pilote
from tests.console.monde import AUTRE, NOTRE
from tests.console.navigateur import Navigateur
from tests.registry.fabrique import RECU_LE
from tests.registry.rapports import TOUTES, identity, report, rules, signed

AGENT = (ProfilCompte.GUICHET, NOTRE)
VOISIN = (ProfilCompte.GUICHET, AUTRE)
GESTIONNAIRE = (ProfilCompte.GESTIONNAIRE, "059")
EXPLOITANT = (ProfilCompte.EXPLOITANT, "")
PAGE = f"/partenaires/{NOTRE}/conformite"
JOUR = timedelta(days=1)
EXPLO = identity("EXPLO", now=RECU_LE)
SIENNE = identity(NOTRE, now=RECU_LE)
MALVEILLANT = "<script>alert(1)</script>"


@pytest.fixture
def services(services: Services) -> Services:
    """A hub that asks for a report from in ten days."""
    return replace(services, conformite=rules(EXPLO, a_partir_du=RECU_LE + 10 * JOUR))


@pytest.fixture
def sienne(console: Navigateur) -> None:
    """The key of the guichet NOTRE, registered."""
    with console.services.engine.begin() as conn:
        pin_certificat(conn, NOTRE, SIENNE.certificat.pem, instant=console.services.clock.now())


async def send(console: Navigateur, chemin: str, data: bytes, qui: Any = None, **champs: str) -> Any:
    form = aiohttp.FormData(champs)
    form.add_field("rapport", data, filename="rapport.p7m")
    return await console.post(chemin, form, qui)


def move(console: Navigateur, temps: timedelta) -> None:
    """Let time pass."""
    clock = console.services.clock
    assert isinstance(clock, FixedClock)
    clock.set(clock.now() + temps)


def ours(console: Navigateur, verdicts: Any = None, **autres: object) -> Rapport:
    return msgspec.structs.replace(report(NOTRE, console.services.clock.now(), verdicts), **autres)


async def test_a_guichet_deposits_and_the_operator_alone_vouches(console: Navigateur, sienne: None) -> None:
    """[CNF-4] [CNF-11]"""
    before = await console.get(PAGE, AGENT)
    assert "Un rapport de conformité sera exigé" in before.texte
    assert "Ses messages seront refusés" in (await console.get(f"/partenaires/{NOTRE}", AGENT)).texte
    rapport = ours(console)
    assert (await send(console, PAGE, signed(rapport, SIENNE), AGENT)).statut == 303
    decision = f"{PAGE}/{rapport.identifiant}/contresigner"
    for qui in (AGENT, GESTIONNAIRE):
        assert (await console.post(decision, {}, qui)).statut == 403
        assert "Contresigner" not in (await console.get(PAGE, qui)).texte
    elsewhere = f"/partenaires/{AUTRE}/conformite/{rapport.identifiant}/contresigner"
    assert (await console.post(elsewhere, {}, EXPLOITANT)).statut == 404
    assert (await console.post(decision, {}, EXPLOITANT)).statut == 303
    assert (await console.post(decision, {}, EXPLOITANT)).statut == 422
    after = await console.get(PAGE, AGENT)
    assert "seront refusés" not in (await console.get(f"/partenaires/{NOTRE}", AGENT)).texte
    assert ("La production est ouverte" in after.texte, "en vigueur" in after.texte) == (True, True)
    assert (await console.post(f"{PAGE}/{rapport.identifiant}/revoquer", {}, EXPLOITANT)).statut == 422
    done = await console.post(f"{PAGE}/{rapport.identifiant}/revoquer", {"motif": "clé volée"}, EXPLOITANT)
    assert done.statut == 303
    assert "clé volée" in (await console.get(PAGE, AGENT)).texte
    assert (await console.get(PAGE, VOISIN)).statut == 404


async def test_what_waits_for_a_report_says_so(console: Navigateur) -> None:
    """[CNF-14] On the page of a distribution that nothing else holds."""
    told = []
    with console.services.engine.begin() as conn:
        set_adresse_reception(conn, NOTRE, "https://partenaire.exemple/")
    for closed in (False, True):
        with console.services.engine.begin() as conn:
            instant = console.services.clock.now() + (0 if closed else 1) * JOUR
            set_exigence(conn, NOTRE, instant, par="x", instant=RECU_LE)
        page = await console.get(f"/distributions/de/{NOTRE}/1", EXPLOITANT)
        told.append("La production du guichet est fermée" in page.texte)
    assert told == [False, True]


async def test_what_is_refused_is_said_and_nothing_is_kept(console: Navigateur) -> None:
    """[CNF-2]"""
    page = await send(console, PAGE, signed(ours(console), SIENNE), AGENT)
    assert (page.statut, "ni un certificat en vigueur du guichet" in page.texte) == (422, True)
    assert (await send(console, PAGE, b"", AGENT)).statut == 422
    with console.services.engine.connect() as conn:
        assert list_reports(conn) == ()


async def test_what_is_missing_is_told_with_what_to_run(console: Navigateur, sienne: None) -> None:
    """[CNF-10] Not run, red with clause, found, expected and what to do, green; then a command to copy."""
    page = await console.get(PAGE, AGENT)
    assert page.texte.count("non lancée") == 3
    assert "echangeur-conformite modele --sortie profil.toml" in page.texte
    verdicts = {"C0101": Verdict.REUSSIE, "C0401": Verdict.ECHOUEE}
    rapport = ours(console, verdicts)
    assert (await send(console, PAGE, signed(rapport, SIENNE), AGENT)).statut == 303
    page = await console.get(PAGE, GESTIONNAIRE)
    for mot in ("verte", "rouge", "SOA-1", "le statut : 500", "Conduite de C0401.", "insuffisant"):
        assert mot in page.texte, mot
    assert "--seulement 04 --seulement 07" in page.texte
    assert "/conformite/rapports/{identifiant}" in page.texte
    move(console, timedelta(seconds=1))
    whole = ours(console)
    assert (await send(console, PAGE, signed(whole, EXPLO), GESTIONNAIRE)).statut == 303
    page = await console.get(PAGE, AGENT)
    assert "À lancer maintenant" not in page.texte


async def test_anybody_verifies_a_report(console: Navigateur) -> None:
    """[CNF-1] By identifier, digest or file; in a page, in JSON, in a badge."""
    rapport = ours(console, cible="Logiciel de Mme Martin", adresse="https://interne.exemple")
    data = signed(rapport, EXPLO)
    assert (await send(console, "/conformite", data)).texte.count("non déposé") > 0
    assert (await send(console, PAGE, data, GESTIONNAIRE)).statut == 303
    chemin = f"/conformite/rapports/{rapport.identifiant}"
    pages = [
        await console.get(chemin),
        await send(console, "/conformite", data),
        await send(console, "/conformite", write_json(rapport)),
    ]
    for page in pages:
        assert page.statut == 200
        for mot in ("Rapport de conformité : valable", "02.01", rapport.kit, EXPLO.certificat.sujet, NOTRE):
            assert mot in page.texte, mot
        # [CNF-9] Nothing that the partner wrote of its target.
        assert not {"Martin", "interne"} & set(page.html.split())
        assert "Mme" not in page.html
    told = json.loads((await console.get(chemin + ".json")).octets)
    assert (told["reponse"], told["signature_valide"], told["rapport"]["conforme"]) == ("valable", True, True)
    assert told["rapport"]["totaux"]["réussie"] == len(TOUTES)
    assert "Martin" not in json.dumps(told)
    found = await console.get(f"/conformite/rapports/{told['empreinte']}")
    assert found.statut == 200
    where = await console.get(f"/conformite?reference=%20{rapport.identifiant}%20")
    assert (where.statut, where.entetes["Location"]) == (303, chemin)
    badge = await console.get(chemin + "/badge.svg")
    assert badge.entetes["Content-Type"].startswith("image/svg+xml")
    assert badge.entetes["Cross-Origin-Resource-Policy"] == "cross-origin"
    root = etree.fromstring(badge.octets)
    assert root.get("aria-label", "").startswith("conformité : 02.01, jusqu")
    with console.services.engine.connect() as conn:
        depose = replace(list_reports(conn)[0], expire_le=datetime(2026, 6, 30, 22, 30, tzinfo=UTC))
    assert "01/07/2026" in draw_badge(Controle(Reponse.VALABLE, depose=depose))
    move(console, 400 * JOUR)
    assert "expiré" in (await console.get(chemin)).texte
    assert b"expir\xc3\xa9" in (await console.get(chemin + "/badge.svg")).octets


@pytest.mark.parametrize(
    ("autres", "reponse"),
    [
        ({"version_interface": MALVEILLANT}, "autre version"),
        ({"guichet": MALVEILLANT, "kit": MALVEILLANT}, "non déposé"),
        ({"resultats": (), "totaux": {}, "conforme": False}, "altéré"),
    ],
)
async def test_what_a_file_says_is_a_text(
    console: Navigateur, autres: dict[str, object], reponse: str
) -> None:
    """[CNF-1] [CNF-2]"""
    rapport = msgspec.structs.replace(ours(console), **autres)
    page = await send(console, "/conformite", signed(rapport, EXPLO))
    assert (page.statut, MALVEILLANT in page.html) == (200, False)
    assert f"Rapport de conformité : {reponse}" in page.texte


PROFOND = b"[" * 100_000 + b"]" * 100_000
PIEGES = {
    "identifiant NUL": {"identifiant": "\0"},
    "identifiant sans tirets": {"identifiant": "0" * 32},
    "kit NUL": {"kit": "kit\0"},
    "version NUL": {"version_interface": "02.01\0"},
    "guichet NUL": {"guichet": "\0"},
    "fin dernière": {"fin": "9999-12-31T23:59:59Z", "expire": "9999-12-31T23:59:59Z"},
    "fin première": {"fin": "0001-01-01T00:00:00+14:00"},
    "début premier": {"debut": "0001-01-01T00:00:00+14:00"},
    "expire en l'an 1": {"expire": "0001-01-01T00:00:00Z"},
    "sans fuseau": {"fin": "2026-03-16T09:30:00"},
    "profond": {"inconnu": msgspec.Raw(PROFOND)},
}
"""By name, the members of a report that no kit writes."""


@pytest.mark.parametrize("nom", PIEGES)
async def test_a_report_that_cannot_be_kept_is_none(console: Navigateur, sienne: None, nom: str) -> None:
    """[CNF-2] Alone or signed, at the check address or deposited."""
    members = msgspec.json.decode(write_json(ours(console))) | PIEGES[nom]
    data = msgspec.json.encode(members)
    for each in (data, sign(data, [EXPLO], instant=RECU_LE)):
        page = await send(console, "/conformite", each)
        assert (page.statut, "Rapport de conformité : illisible" in page.texte) == (200, True)
    kept = await send(console, PAGE, sign(data, [SIENNE], instant=RECU_LE), AGENT)
    assert (kept.statut, "ce n'est pas un rapport de conformité" in kept.texte) == (422, True)


_TEXTES = st.sampled_from(("\0", "\ud800", "9" * 36, "0" * 64, "client")) | st.text()
_DATES = st.sampled_from(("9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "2026-03-16T09:30:00")) | (
    st.datetimes(timezones=st.timezones()).map(datetime.isoformat)
)
_VALEURS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(10**4000) | st.floats() | _TEXTES | _DATES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTES, inner, max_size=3),
    max_leaves=6,
)
_CHAMPS = {each.name: each.type for each in msgspec.structs.fields(Rapport)}
_MEMBRES = st.lists(
    st.tuples(st.sampled_from([nom for nom, kind in _CHAMPS.items() if kind is datetime]), _DATES)
    | st.tuples(st.sampled_from(("identifiant", "kit", "version_interface")), _TEXTES)
    | st.tuples(st.sampled_from(list(_CHAMPS)), _VALEURS),
    min_size=1,
    max_size=2,
).map(dict)


async def test_whatever_the_json_there_is_an_answer(console: Navigateur) -> None:
    """[CNF-1] [CNF-2] A part of a report or all of it replaced, alone or signed."""
    loop = asyncio.get_running_loop()

    @settings(max_examples=60, deadline=None)
    @given(
        members=_MEMBRES | _MEMBRES | st.tuples(_VALEURS),
        signataire=st.sampled_from((None, EXPLO)),
        champs=st.sampled_from(({}, {"format": "json"})),
    )
    def answer(
        members: dict[str, Any] | tuple[Any], signataire: Paire | None, champs: dict[str, str]
    ) -> None:
        whole = msgspec.json.decode(write_json(ours(console)))
        data = json.dumps(members[0] if isinstance(members, tuple) else whole | members).encode()
        data = data if signataire is None else sign(data, [signataire], instant=RECU_LE)
        move(console, timedelta(seconds=2))
        asked = asyncio.run_coroutine_threadsafe(send(console, "/conformite", data, **champs), loop)
        assert asked.result().statut == 200

    await asyncio.to_thread(answer)


async def test_a_program_asks_without_a_form(console: Navigateur) -> None:
    """[CNF-1] [CNF-9] From no page of ours, without a cookie: it changes nothing."""
    data = signed(ours(console), EXPLO)
    form = aiohttp.FormData({"format": "json"})
    form.add_field("rapport", data.replace(b"C0101", b"C0909"), filename="rapport.p7m")
    answer = await console.ask("POST", "/conformite", data=form)
    told = json.loads(answer.octets)
    assert (answer.statut, told["reponse"], told["signature_valide"]) == (200, "altéré", False)
    unknown = await console.get("/conformite/rapports/00000000-0000-0000-0000-000000000000.json")
    assert (unknown.statut, json.loads(unknown.octets)["reponse"]) == (404, "inconnu")
    strange = await console.get("/conformite?reference=%3Cscript%3E")
    assert (strange.statut, "<script>" in strange.html.partition("<main")[2]) == (404, False)
    assert (await send(console, "/conformite", b"")).texte.count("illisible") > 0


async def test_the_check_address_is_served_so_many_times_a_minute(console: Navigateur) -> None:
    """[CNF-9]"""
    reference = "/conformite/rapports/00000000-0000-0000-0000-000000000000"
    statuts = [(await console.get(reference)).statut for _ in range(62)]
    assert statuts == [404] * 60 + [429] * 2
    assert "CON304" in (await console.get("/conformite")).texte
    assert (await console.get("/connexion")).statut == 200
    move(console, timedelta(minutes=1))
    assert (await console.get(reference)).statut == 404


def test_all_the_addresses_together_are_bounded_too() -> None:
    """[CNF-9] Whatever comes, no more than that is counted, hence remembered."""
    debit = Debit(par_adresse=3, en_tout=10)
    served = [debit.admits(str(each // 4), instant=RECU_LE) for each in range(40)]
    assert served == [*([True] * 3 + [False]) * 3, True, *[False] * 27]
    assert debit.admits("0", instant=RECU_LE - timedelta(hours=1))


async def test_a_guichet_reads_deposits_and_shows_its_report_in_a_browser(
    console_navigateur: Pilote, sienne: None, tmp_path: Any
) -> None:
    """[CNF-1] [CNF-10] [CNF-11] From what is missing to a page that anybody may be given."""
    console = console_navigateur.console
    red = {"C0101": Verdict.REUSSIE, "C0401": Verdict.ECHOUEE}
    await send(console, PAGE, signed(ours(console, red), SIENNE), AGENT)
    fichier = tmp_path / "rapport.p7m"
    move(console, timedelta(seconds=1))
    fichier.write_bytes(signed(ours(console), EXPLO))
    tab = await console_navigateur.open(f"/partenaires/{NOTRE}", AGENT)
    await tab.get_by_role("link", name="Conformité", exact=True).click()
    await tab.get_by_text("à corriger").wait_for()
    await console_navigateur.capture(tab, "conformite-1-rouge")
    assert await console_navigateur.violations(tab) == []
    await tab.get_by_label("Rapport signé").set_input_files(fichier)
    await tab.get_by_role("button", name="Déposer").click()
    await tab.get_by_text("La production est ouverte").wait_for()
    await console_navigateur.capture(tab, "conformite-2-ouverte")
    await tab.locator("td a.console-code").first.click()
    await tab.get_by_role("heading", name="Rapport de conformité : valable").wait_for()
    await console_navigateur.capture(tab, "conformite-3-verifie")
    assert await console_navigateur.violations(tab) == []
    assert await tab.locator("img[src$='badge.svg']").evaluate("image => image.naturalWidth") > 100
    await console_navigateur.sign_in(None)
    await tab.goto(console.base + "/conformite")
    await tab.get_by_label("Rapport signé").set_input_files(fichier)
    await tab.get_by_role("button", name="Vérifier le fichier").click()
    await tab.get_by_role("heading", name="Rapport de conformité : valable").wait_for()
    assert console_navigateur.plaintes == []


async def test_anybody_reads_how_the_hub_itself_conforms(console: Navigateur) -> None:
    """[CNF-12] The tables of docs/conformite-echangeur.md, which tests compare with what happens."""
    page = await console.get("/conformite/echangeur")
    assert page.statut == 200
    for mot in ("Vie de la demande", "assertions réussies", "JAX-WS RI, mtom", "openssl cms, p256, moderne"):
        assert mot in page.texte, mot
