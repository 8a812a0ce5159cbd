"""The pages of filters: written, tried, compared, put in force, withdrawn, offered, explained."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import pytest
import pytest_asyncio
from sqlalchemy import Connection, text

from console.apercus import NUMEROS, make_apercu
from console.bancs import Avancement, Banc
from console.profils import ProfilCompte
from dispatching.offres import Offreur
from filters.brouillons import get_brouillon, keep_brouillon
from filters.criteria import CRITERES
from filters.genres import CritereCodes
from filters.image import Image
from filters.language import Condition, Filtre, Intervalle, filtre
from filters.reading import read_json, read_toml
from filters.situations import situations_of
from filters.stock import Stock
from filters.store import list_versions, save_filtre, withdraw_filtre
from registry.controles import PARIS
from registry.guichets import Guichet
from registry.guichets_store import get_guichet
from registry.traces import list_traces
from tests.console.monde import AILLEURS, AUTRE, NOTRE, PARIS_13
from tests.console.navigateur import Navigateur, Page
from tests.dispatching.scene import DOUAI, LILLE, ROUBAIX

AGENT = (ProfilCompte.GUICHET, NOTRE)
GESTIONNAIRE = (ProfilCompte.GESTIONNAIRE, "059")
HTMX = {"HX-Request": "true"}
PETITS = filtre("Petits", types_logement=["T1", "T2"], communes=[LILLE, ROUBAIX])


@pytest_asyncio.fixture
async def rempli(console: Navigateur) -> AsyncIterator[Navigateur]:
    """The world with sixty demandes more, of the guichet next door."""
    scene = console.monde.scene
    autre = guichet_of(console, AUTRE)
    types = ("T1", "T2", "T3", "T4")
    recues = [
        scene.recue(autre, [(LILLE, ROUBAIX, DOUAI)[n % 3]], [types[n % 4]], graine=f"rempli-{n}")
        for n in range(60)
    ]
    scene.register(recues)
    yield console


def guichet_of(console: Navigateur, code: str) -> Guichet:
    with console.services.engine.connect() as conn:
        found = get_guichet(conn, code)
    assert found is not None
    return found


def adresse(page: str, **question: str) -> str:
    return f"/filtres/{NOTRE}/{page}" + (f"?{urlencode(question)}" if question else "")


def keep(console: Navigateur, draft: Filtre, code: str = NOTRE) -> None:
    with console.services.engine.begin() as conn:
        keep_brouillon(conn, code, draft, instant=console.services.clock.now())


def brouillon(console: Navigateur, nom: str) -> Filtre | None:
    with console.services.engine.connect() as conn:
        found = get_brouillon(conn, NOTRE, nom)
    return None if found is None else found.filtre


def in_force(console: Navigateur, nom: str, le: datetime | None = None) -> Filtre | None:
    instant = le or console.services.clock.now()
    with console.services.engine.connect() as conn:
        situations = situations_of(list_versions(conn, NOTRE), instant)
    found = next((each.en_vigueur for each in situations if each.nom == nom), None)
    return None if found is None else found.filtre


async def follow(console: Navigateur, page: Page) -> Page:
    assert page.statut == 303, page.texte
    return await console.get(page.entetes["Location"], AGENT)


async def settled(console: Navigateur, chemin: str) -> Page:
    """A page that tries on an image, asked again until the image is there, as a person would."""
    page = await console.get(chemin, AGENT)
    while any(said in page.texte for said in ("se met à jour", "sont relues", "actualiser")):
        page = await console.get(chemin, AGENT)
    return page


def shown(page: Page) -> int:
    """The number of demandes that the trial shows."""
    found = re.search(r'console-compteur">([^<]*)<', page.html)
    assert found is not None, page.texte
    return int(re.sub(r"\D", "", html.unescape(found[1])))


async def test_a_filter_is_written_without_any_script(rempli: Navigateur) -> None:
    """[CSL-51] [CSL-52] Form by form: each is kept, and the figure beside follows."""
    page = await rempli.post(adresse("creer"), {"nom": "Petits"}, AGENT)
    assert shown(await settled(rempli, page.entetes["Location"])) == 62
    forms: list[tuple[str, Mapping[str, str], int]] = [
        ("types_logement", {"valeurs": "T2"}, 17),
        ("communes", {"geste": "ajouter", "sens": "valeurs", "code": LILLE}, 6),
        ("loyer_max", {"min": "0", "absent": "oui"}, 6),
        ("loyer_max", {"geste": "retirer"}, 6),
        ("communes", {"geste": "oter", "sens": "valeurs", "code": LILLE}, 17),
    ]
    for critere, champs, expected in forms:
        page = await rempli.post(adresse("condition", nom="Petits", critere=critere), champs, AGENT)
        page = await settled(rempli, page.entetes["Location"])
        assert (critere, shown(page)) == (critere, expected)
    assert brouillon(rempli, "Petits") == filtre("Petits", types_logement=["T2"])
    assert in_force(rempli, "Petits") is None


async def test_what_is_wrong_is_said_and_changes_nothing(console: Navigateur) -> None:
    """[CSL-51] [FIL-7]"""
    keep(console, PETITS)
    for critere, champs, said in (
        ("loyer_max", {"min": "deux cents"}, "un nombre entier (euros) est attendu"),
        ("age_demandeur", {"min": "40", "max": "30"}, "plus grand que max"),
        ("types_logement", {"valeurs": "T2<script>"}, "T2<script>"),
        ("communes", {"geste": "ajouter", "sens": "valeurs", "code": "00000"}, "valeur inconnue"),
    ):
        chemin = adresse("condition", nom="Petits", critere=critere)
        for entetes in ({}, HTMX):
            page = await console.post(chemin, champs, AGENT, **entetes)
            assert (page.statut, said in page.texte) == (422, True), page.texte
            assert "<script>" not in page.html.replace("<script src", "")
    assert brouillon(console, "Petits") == PETITS
    for nom in ("", "x" * 101, "\x07"):
        page = await console.post(adresse("creer"), {"nom": nom}, AGENT)
        assert (page.statut, "1 à 100 caractères" in page.texte) == (422, True)
    with console.services.engine.connect() as conn:
        refus = conn.scalars(text("SELECT DISTINCT refus FROM acte_console")).all()
    assert refus == ["422"]


@pytest.mark.parametrize("condition", ["communes", "inconnu"])
async def test_a_draft_or_a_criterion_that_is_not(console: Navigateur, condition: str) -> None:
    """[CSL-3]"""
    page = await console.post(adresse("condition", nom="Rien", critere=condition), {}, AGENT)
    assert page.statut == 404
    for name in ("brouillon", "essai", "passe", "numeros", "activation", "historique", "comparaison"):
        assert (await console.get(adresse(name, nom="Rien"), AGENT)).statut == 404


async def test_every_criterion_of_the_language_has_its_form(console: Navigateur) -> None:
    """[CSL-51] From the table of criteria: name, definition, and its codes with their labels."""
    keep(console, PETITS)
    for critere in CRITERES:
        page = await console.get(adresse("brouillon", nom="Petits", critere=critere.nom), AGENT)
        assert page.statut == 200
        assert critere.definition in page.texte
        if isinstance(critere, CritereCodes):
            for code in critere.codes:
                assert f'value="{code}"' in page.html
                assert critere.designe(code) in page.texte


async def test_places_are_searched_and_ticked(console: Navigateur) -> None:
    """[CSL-50] [CSL-51] By name, by département and by EPCI; alone for htmx."""
    keep(console, Filtre("Lieux"))
    page = await console.get(
        adresse("brouillon", nom="Lieux", critere="communes", cherche="rouba"), AGENT, **HTMX
    )
    assert "Roubaix (59, 59512)" in page.texte
    assert "<h1" not in page.html
    liste = adresse("brouillon", nom="Lieux", critere="communes", departement="59", groupe="200093201")
    assert "à cocher : voulus" in (await console.get(liste, AGENT)).texte
    champs = {
        "geste": "liste",
        "departement": "59",
        "groupe": "200093201",
        "sens": "valeurs",
        "code": ROUBAIX,
    }
    page = await console.post(adresse("condition", nom="Lieux", critere="communes"), champs, AGENT, **HTMX)
    assert "Roubaix" in page.texte
    assert brouillon(console, "Lieux") == filtre("Lieux", communes=[ROUBAIX])
    for critere, code in (("epci", "200093201"), ("departements", "59"), ("territoires", "059")):
        champs = {"geste": "ajouter", "sens": "exclues", "code": code}
        page = await console.post(adresse("condition", nom="Lieux", critere=critere), champs, AGENT)
        assert page.statut == 303
    found = brouillon(console, "Lieux")
    assert found is not None
    assert Condition("epci", exclues=frozenset({"200093201"})) in found.conditions


async def test_two_agents_change_one_draft_at_once(console: Navigateur) -> None:
    """[CSL-51] Neither change is lost."""
    keep(console, Filtre("Deux"))
    changes = [
        ("types_logement", {"valeurs": "T2"}),
        ("categories", {"valeurs": "A"}),
        ("loyer_max", {"min": "9"}),
    ]
    who = [AGENT, GESTIONNAIRE, AGENT]
    await asyncio.gather(
        *(
            console.post(adresse("condition", nom="Deux", critere=critere), champs, qui)
            for (critere, champs), qui in zip(changes, who, strict=True)
        )
    )
    expected = filtre("Deux", Intervalle("loyer_max", 9), types_logement=["T2"], categories=["A"])
    assert brouillon(console, "Deux") == expected


async def test_the_trial_says_what_the_image_says(rempli: Navigateur) -> None:
    """[CSL-52] [FIL-40] [FIL-41] [FIL-46] Figures, difference with the version in force, what each condition
    keeps out; then which ones, by pages, with their reading traced."""
    services = rempli.services
    with services.engine.begin() as conn:
        save_filtre(conn, NOTRE, filtre("Petits", communes=[LILLE]), instant=services.clock.now())
    keep(rempli, PETITS)
    jour = services.clock.now().astimezone(PARIS).date()
    with Stock().follow(services.engine, services.clock.now()) as image, services.engine.connect() as conn:
        notre = get_guichet(conn, NOTRE)
        assert notre is not None
        expected = make_apercu(conn, image, notre, PETITS, filtre("Petits", communes=[LILLE]), jour)
    assert expected.contre is not None
    assert 0 < expected.contre.entrantes < expected.retenues
    assert expected.contre.sortantes > 0
    page = await settled(rempli, adresse("essai", nom="Petits"))
    assert shown(page) == expected.retenues
    assert f"+{expected.contre.entrantes}" in page.texte
    assert f"−{expected.contre.sortantes}" in page.texte
    for relache in expected.relaches:
        assert f"{relache.texte} +{relache.gagnees}" in page.texte
    part = await rempli.get(adresse("essai", nom="Petits"), AGENT, **HTMX)
    assert ("<h1" in part.html, 'id="essai"' in part.html) == (False, True)
    page = await settled(rempli, adresse("numeros", nom="Petits", liste="entrantes"))
    numeros = re.findall(r"\b059\d{4}\d{6}G\d{4}\b", page.texte)
    assert len(numeros) == expected.contre.entrantes
    with services.engine.connect() as conn:
        (trace,) = list_traces(conn)
    assert (trace.operation, set(trace.numeros)) == ("filtre.essayer", set(numeros))


async def test_numbers_by_pages_and_as_a_file(rempli: Navigateur) -> None:
    """[CSL-52] [TRA-1]"""
    page = await settled(rempli, adresse("numeros", nom=f"Tout {NOTRE}"))
    found = re.findall(r"\b059\d{10}G\d{4}\b", page.texte)
    assert len(found) == NUMEROS
    assert found == sorted(found)
    suite = re.search(r'href="([^"]*apres=[^"]*)"', page.html)
    assert suite is not None
    page = await rempli.get(html.unescape(suite[1]), AGENT)
    rest = re.findall(r"\b059\d{10}G\d{4}\b", page.texte)
    assert len(found + rest) == len({*found, *rest}) == 62
    page = await rempli.get(adresse("numeros", nom=f"Tout {NOTRE}", format="csv"), AGENT)
    assert page.octets.decode().split() == ["numero", *found, *rest]
    with rempli.services.engine.connect() as conn:
        assert max(len(trace.numeros) for trace in list_traces(conn)) == 62


async def test_a_gestionnaire_sees_the_numbers_of_his_territories_only(rempli: Navigateur) -> None:
    """[CSL-3] Even of a guichet that reads more; the file too."""
    with rempli.services.engine.begin() as conn:
        conn.execute(text("UPDATE guichet SET territoires = '{059,111}' WHERE code = :code"), {"code": NOTRE})
    for qui, others in ((AGENT, 1), (GESTIONNAIRE, 0)):
        page = await rempli.get(adresse("numeros", nom=f"Tout {NOTRE}", format="csv"), qui)
        while page.entetes["Content-Type"].startswith("text/html"):
            page = await rempli.get(adresse("numeros", nom=f"Tout {NOTRE}", format="csv"), qui)
        numeros = page.octets.decode().split()[1:]
        assert (sum(each.startswith("111") for each in numeros), len(numeros)) == (others, 62 + others)


async def test_the_past_is_tried_on_demand(rempli: Navigateur) -> None:
    """[CSL-52] [FIL-44]"""
    keep(rempli, PETITS)
    page = await settled(rempli, adresse("passe", nom="Petits"))
    # The filter that takes all was in force: the draft adds nothing.
    assert "+0 / −0" in page.texte
    page = await settled(rempli, adresse("passe", nom=f"Tout {NOTRE}"))
    assert "61 sans lui" in page.texte or "61 distributions avec lui" in page.texte


async def test_the_list_counts_what_each_filter_takes(rempli: Navigateur) -> None:
    """[CSL-53]"""
    with rempli.services.engine.begin() as conn:
        save_filtre(conn, NOTRE, PETITS, instant=rempli.services.clock.now())
    page = await rempli.get(f"/filtres/{NOTRE}", AGENT)
    assert "Compter" in page.texte
    page = await settled(rempli, f"/filtres/{NOTRE}?comptes=oui")
    with Stock().follow(rempli.services.engine, rempli.services.clock.now()) as image:
        expected = len(image.select(PETITS, image.all(), date(2026, 7, 1)))
    cells = [cell.strip() for cell in re.findall(r"<td>\s*(\d+)\s*</td>", page.html)]
    assert sorted(map(int, cells)) == sorted([expected, 62])


async def test_filters_are_imported_whole_or_not_at_all(console: Navigateur) -> None:
    """[CSL-54] [FIL-7] Errors name the filter and the condition; TOML or JSON, a file or typed."""
    good = '[[filtre]]\nnom = "Un"\ntypes_logement = ["T2"]\n'
    bad = good + '[[filtre]]\nnom = "Deux"\nloyer_max = { min = 5, max = 1 }\n'
    for content, name in ((bad.encode(), "f.toml"), (b"{", "f.json"), (b"\xff\xfe", "f.toml"), (b"", "")):
        data = aiohttp.FormData()
        data.add_field("texte", "")
        data.add_field("fichier", content, filename=name or "vide")
        page = await console.post(adresse("import"), data, AGENT)
        assert page.statut == 422
        if content == bad.encode():
            assert "filtre « Deux » : loyer_max" in page.texte
        assert brouillon(console, "Un") is None
    data = aiohttp.FormData()
    data.add_field("fichier", good.encode(), filename="f.toml")
    assert (await console.post(adresse("import"), data, AGENT)).statut == 303
    assert brouillon(console, "Un") == filtre("Un", types_logement=["T2"])
    page = await console.post(adresse("import"), {"texte": '{"filtre": [{"nom": "Trois"}]}'}, AGENT)
    assert page.statut == 303
    assert brouillon(console, "Trois") == Filtre("Trois")


async def test_what_is_exported_is_what_there_is(console: Navigateur) -> None:
    """[CSL-54] [FIL-51]"""
    with console.services.engine.begin() as conn:
        save_filtre(conn, NOTRE, PETITS, instant=console.services.clock.now())
    for name, read in (("toml", read_toml), ("json", read_json)):
        page = await console.get(adresse("export", format=name), AGENT)
        assert read(page.octets.decode()).filtres == (PETITS, Filtre(f"Tout {NOTRE}"))
        assert f".{name}" in page.entetes["Content-Disposition"]
    keep(console, Filtre("Petits"))
    page = await console.get(adresse("export", nom="Petits", etat="brouillon"), AGENT)
    assert read_toml(page.octets.decode()).filtres == (Filtre("Petits"),)


async def test_a_draft_is_put_in_force_now_or_later_never_before(console: Navigateur) -> None:
    """[CSL-55] [FIL-8] [FIL-45]"""
    keep(console, PETITS)
    page = await console.get(adresse("activation", nom="Petits"), AGENT)
    assert "Type de logement recherché" in page.texte
    for effet, said in (
        ("2020-01-01T08:00", "ne peut prendre effet dans le passé"),
        ("demain", "Écrivez l’instant"),
    ):
        page = await console.post(adresse("activation", nom="Petits"), {"effet": effet}, AGENT)
        assert (page.statut, said in page.texte) == (422, True)
        assert brouillon(console, "Petits") == PETITS
    page = await console.post(
        adresse("activation", nom="Petits"), {"effet": "2027-01-01T08:00", "rattrapage": "oui"}, AGENT
    )
    assert (page.statut, "activez maintenant" in page.texte) == (422, True)
    page = await console.post(adresse("activation", nom="Petits"), {"effet": "2027-01-01T08:00"}, AGENT)
    listed = await follow(console, page)
    assert "à venir" in listed.texte
    assert brouillon(console, "Petits") is None
    assert in_force(console, "Petits") is None
    assert in_force(console, "Petits", datetime(2027, 1, 1, 7, 0, tzinfo=UTC)) == PETITS


async def test_versions_are_compared_and_kept_after_withdrawal(console: Navigateur) -> None:
    """[CSL-56] [FIL-50] [FIL-8]"""
    clock = console.services.clock
    with console.services.engine.begin() as conn:
        save_filtre(conn, NOTRE, filtre("Petits", types_logement=["T1"]), instant=clock.now())
        save_filtre(conn, NOTRE, PETITS, instant=clock.now())
    keep(console, filtre("Petits", Intervalle("loyer_max", 300), types_logement=["T1", "T3"]))
    page = await console.get(adresse("comparaison", nom="Petits"), AGENT)
    assert "voulues en plus : T3 ; voulues en moins : T2" in page.texte
    assert "3 conditions diffèrent" in page.texte
    page = await console.get(adresse("comparaison", nom="Petits", de="1", a="2"), AGENT)
    assert "2 conditions diffèrent" in page.texte
    page = await console.post(adresse("retirer"), {"nom": "Petits", "effet": "2020-01-01T00:00"}, AGENT)
    assert page.statut == 422
    page = await follow(console, await console.post(adresse("retirer"), {"nom": "Petits"}, AGENT))
    assert in_force(console, "Petits") is None
    assert "retire le filtre" in page.texte
    page = await console.get(adresse("comparaison", nom="Petits", de="2", a="3"), AGENT)
    assert "La version 3" in page.texte
    assert (await console.post(adresse("retirer"), {"nom": "Petits"}, AGENT)).statut == 422
    listed = await console.get(f"/filtres/{NOTRE}", AGENT)
    assert "Retirés" in listed.texte


async def test_the_stock_is_offered_paused_resumed_cancelled(rempli: Navigateur) -> None:
    """[CSL-57] [DST-100] By the same functions as the command line."""
    services, scene = rempli.services, rempli.monde.scene
    with services.engine.begin() as conn:
        withdraw_filtre(conn, NOTRE, f"Tout {NOTRE}", instant=services.clock.now())
        conn.execute(text("DELETE FROM detention WHERE guichet = :code"), {"code": NOTRE})
    page = await rempli.post(adresse("rattrapage"), {"geste": "lancer"}, AGENT)
    assert (page.statut, "aucun filtre" in page.texte) == (422, True)
    keep(rempli, PETITS)
    page = await rempli.post(adresse("activation", nom="Petits"), {"rattrapage": "oui"}, AGENT)
    page = await follow(rempli, page)
    assert "en cours" in page.texte
    assert (await rempli.post(adresse("rattrapage"), {"geste": "lancer"}, AGENT)).statut == 422
    for geste, said in (("suspendre", "suspendu"), ("reprendre", "en cours")):
        page = await follow(rempli, await rempli.post(adresse("rattrapage"), {"geste": geste}, AGENT))
        assert said in page.texte
    assert (await rempli.post(adresse("rattrapage"), {"geste": "reprendre"}, AGENT)).statut == 422
    offreur = Offreur(services.clock)
    while (moved := offreur.step(services.engine)) is None or moved.termine_le is None:
        scene.clock.advance(timedelta(seconds=30))
    page = await rempli.get(adresse("rattrapage"), AGENT)
    assert "terminé" in page.texte
    assert moved.offertes > 0
    for debit in ("0", "abc", "60001"):
        page = await rempli.post(adresse("rattrapage"), {"geste": "lancer", "debit": debit}, AGENT)
        assert (page.statut, "de 1 à 60000" in page.texte) == (422, True)
    await rempli.post(adresse("rattrapage"), {"geste": "lancer", "debit": "7"}, AGENT)
    page = await follow(rempli, await rempli.post(adresse("rattrapage"), {"geste": "annuler"}, AGENT))
    assert "annulé" in page.texte
    assert (await rempli.post(adresse("rattrapage"), {"geste": "autre"}, AGENT)).statut == 400


async def test_why_a_demande_arrived_or_not(rempli: Navigateur) -> None:
    """[CSL-58] [FIL-30] [FIL-32] Each condition with the value compared, the smallest change, the drafts; and
    what may not be read is answered as what is not."""
    scene = rempli.monde.scene
    with rempli.services.engine.begin() as conn:
        withdraw_filtre(conn, NOTRE, f"Tout {NOTRE}", instant=scene.now)
        save_filtre(conn, NOTRE, PETITS, instant=scene.now)
    scene.clock.advance(timedelta(minutes=1))
    autre = guichet_of(rempli, AUTRE)
    taken, left = (scene.demande(autre, [LILLE], [kind]) for kind in ("T2", "T4"))
    page = await rempli.get(adresse("pourquoi", numero=f" {taken[:4]} {taken[4:].lower()} "), AGENT)
    assert "Le guichet l’a reçue" in page.texte
    assert "la retient" in page.texte
    keep(rempli, filtre("Grands", types_logement=["T4"]))
    page = await rempli.get(adresse("pourquoi", numero=left), AGENT)
    assert "Le guichet ne l’a pas reçue" in page.texte
    assert "Type de logement recherché T1, T2 T4 non satisfaite" in page.texte
    assert "ajouter T4 à types_logement" in page.texte
    assert "Brouillon « Grands » la retient" in page.texte
    with rempli.services.engine.connect() as conn:
        assert {numero for trace in list_traces(conn) for numero in trace.numeros} == {taken, left}
    answers = set()
    for numero in (rempli.monde.demandes[AILLEURS], "059072699999900000"):
        page = await rempli.get(adresse("pourquoi", numero=numero), AGENT)
        answers.add((page.statut, page.texte.replace(numero, "")))
    ((statut, said),) = answers
    assert statut == 404
    assert "aucune que vous puissiez lire" in said
    assert (await rempli.get(adresse("pourquoi", numero="12"), AGENT)).statut == 422


async def test_names_are_shown_as_they_are_and_do_nothing(console: Navigateur) -> None:
    """[CSL-20] A name is any printable text: it reaches pages and addresses whole, and runs nowhere."""
    nom = """<img src=x onerror="alert(1)"> & « / ? # % '"""
    page = await console.post(adresse("creer"), {"nom": nom}, AGENT)
    page = await follow(console, page)
    chemin = adresse("condition", nom=nom, critere="types_logement")
    await follow(console, await console.post(chemin, {"valeurs": "T2"}, AGENT))
    assert brouillon(console, nom) == filtre(nom, types_logement=["T2"])
    await follow(console, await console.post(adresse("activation", nom=nom), {}, AGENT))
    keep(console, Filtre(nom))
    for chemin in (
        f"/filtres/{NOTRE}",
        adresse("historique", nom=nom),
        adresse("comparaison", nom=nom),
        adresse("essai", nom=nom),
        adresse("pourquoi", numero=console.monde.demandes[NOTRE]),
    ):
        page = await console.get(chemin, AGENT)
        assert page.statut == 200
        assert "<img src=x" in html.unescape(page.html)
        assert "<img" not in page.html


async def test_which_guichet(console: Navigateur) -> None:
    """[CSL-53] An agent goes to his own; a gestionnaire chooses among those of his territories."""
    page = await console.get("/filtres", AGENT)
    assert (page.statut, page.entetes["Location"]) == (303, f"/filtres/{NOTRE}")
    page = await console.get("/filtres", GESTIONNAIRE)
    assert (NOTRE in page.texte, AUTRE in page.texte, AILLEURS in page.texte) == (True, True, False)
    page = await console.get("/filtres?cherche=g0592", GESTIONNAIRE)
    assert (NOTRE in page.texte, AUTRE in page.texte) == (False, True)


def count(_conn: Connection, image: Image) -> int:
    return int(image.all().sum())


async def test_a_page_does_not_wait_for_the_image(rempli: Navigateur, tmp_path: Path) -> None:
    """[CSL-52] Whoever asks without patience is told how far it is, and takes the answer by asking again;
    many at once are all answered; what has happened since is known; two processes share the files."""
    services = rempli.services
    banc = Banc(Stock(tmp_path / "image"), "essai")
    first = await banc.ask("un", services.engine, services.clock, count, patience=0)
    assert isinstance(first, Avancement)
    again: int | Avancement = first
    while isinstance(again, Avancement):
        again = await banc.ask("un", services.engine, services.clock, count)
    assert again == 63
    other = Banc(Stock(tmp_path / "image"), "autre")
    asked = [
        each.ask(f"n° {n}", services.engine, services.clock, count, patience=30)
        for n in range(20)
        for each in (banc, other)
    ]
    assert set(await asyncio.gather(*asked)) == {63}
    rempli.monde.scene.demande(guichet_of(rempli, AILLEURS), [PARIS_13])
    assert await other.ask("deux", services.engine, services.clock, count, patience=30) == 64
    banc.close()
    other.close()


async def test_a_bench_that_stops_keeps_what_it_has_read(rempli: Navigateur, tmp_path: Path) -> None:
    """[CSL-52] The console stops in the middle of a first reading: the next one goes on."""
    services = rempli.services
    banc = Banc(Stock(tmp_path), "essai")
    banc.close()
    with pytest.raises(RuntimeError):
        await banc.ask("un", services.engine, services.clock, count)
    after = Banc(Stock(tmp_path), "essai")
    assert await after.ask("un", services.engine, services.clock, count, patience=30) == 63
    after.close()


async def test_answers_that_nobody_takes_are_dropped(rempli: Navigateur) -> None:
    """[CSL-52] A bench holds so many answers and no more; and says it is busy rather than queue for ever."""
    services = rempli.services
    banc = Banc(Stock(), "essai")
    for n in range(200):
        await banc.ask(n, services.engine, services.clock, count, patience=0)
        assert len(banc._asked) <= 64
    banc.close()
