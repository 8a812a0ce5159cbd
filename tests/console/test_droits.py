"""Every page × every profile × one's own thing, a neighbour's, somebody else's: from the table of pages.

What is expected is told here from the right that the table gives, without the code that checks it.
"""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text

from console.profils import D_UN_GUICHET, Portee, ProfilCompte
from console.table import Methode, Objet, Page, check_table, load_table
from console.vue import Rendu
from registry.traces import list_traces
from tests.console.cas import Cas, load_cas
from tests.console.monde import AILLEURS, AUTRE, NOTRE, TERRITOIRES, Monde
from tests.console.navigateur import Navigateur, Qui

TABLE = load_table()
CAS = load_cas()
PRIVEES = [page for page in TABLE if not page.publique]


def account(profil: ProfilCompte) -> Qui:
    """The account of that profile that is at home in NOTRE, or in its territory."""
    if profil in D_UN_GUICHET:
        return profil, NOTRE
    return profil, TERRITOIRES[NOTRE] if profil is ProfilCompte.GESTIONNAIRE else ""


def thing(monde: Monde, objet: Objet, code: str, profil: ProfilCompte) -> str:
    """The identifier of the thing of that kind that belongs to the guichet `code`."""
    match objet:
        case Objet.GUICHET:
            return code
        case Objet.DEMANDE:
            return monde.demandes[code]
        case Objet.ECHANGE:
            return str(monde.echanges[code])
        case Objet.CERTIFICAT:
            return monde.certificats[code]
        case Objet.COMPTE:
            return str(monde.comptes[ProfilCompte.GUICHET, code])
        case _:
            return ""


def sees(page: Page, profil: ProfilCompte, code: str) -> bool:
    """What the right says of the thing of the guichet `code`."""
    portee = page.droits[profil]
    if page.objet is Objet.AUCUN or portee is Portee.TOUT:
        return True
    if portee is Portee.SOI:
        return page.objet is Objet.COMPTE and (profil, code) == (ProfilCompte.GUICHET, NOTRE)
    # A bailleur reads the demandes of its whole territory (regles §5); the rest is its own alone.
    if portee is Portee.TERRITOIRE or page.objet is Objet.DEMANDE:
        return TERRITOIRES[code] == TERRITOIRES[NOTRE]
    return code == NOTRE


def address(page: Page, monde: Monde, code: str, profil: ProfilCompte) -> str:
    parametres = dict(CAS.get(page.nom, Cas()).parametres(monde, code))
    if page.objet is not Objet.AUCUN:
        parametres[page.objet.value] = thing(monde, page.objet, code, profil)
    return page.url(**parametres)


async def ask(console: Navigateur, page: Page, code: str, qui: Qui | None, profil: ProfilCompte) -> int:
    cas = CAS.get(page.nom, Cas())
    chemin = address(page, console.monde, code, profil)
    if page.methode is Methode.GET:
        return (await console.get(chemin, qui)).statut
    return (await console.post(chemin, cas.champs(console.monde, code), qui)).statut


@pytest.mark.parametrize("page", PRIVEES, ids=lambda page: page.nom)
async def test_page_by_every_profile_on_everybodys_data(page: Page, console: Navigateur) -> None:
    """[CSL-1] [CSL-2] [CSL-3] [CSL-4] The refusals first: what is allowed may change things."""
    cas = CAS.get(page.nom)
    needs = page.methode is Methode.POST or page.chemin.count("{") > (page.objet is not Objet.AUCUN)
    assert cas is not None or not needs, f"{page.nom} n'a pas de cas dans tests/console/cas"
    sans = await ask(console, page, NOTRE, None, ProfilCompte.GUICHET)
    assert sans == (303 if page.methode is Methode.GET else 401)
    allowed = []
    for profil in ProfilCompte:
        for code in (NOTRE, AUTRE, AILLEURS):
            entitled = not (page.nominative and profil is ProfilCompte.EXPLOITANT)
            if profil in page.droits and entitled and sees(page, profil, code):
                allowed.append((profil, code))
                continue
            found = await ask(console, page, code, account(profil), profil)
            expected = 403 if profil not in page.droits or not entitled else 404
            assert (profil, code, found) == (profil, code, expected)
    assert traces(console.services.engine) == 0
    for profil, code in allowed:
        before = traces(console.services.engine)
        found = await ask(console, page, code, account(profil), profil)
        assert found in (cas or Cas()).statuts, (profil, code, found)
        # [TRA-1] A page of a demande is a reading of it; a list may be empty.
        if page.nominative and page.objet is Objet.DEMANDE:
            assert traces(console.services.engine) > before
        console.forget(account(profil))


async def test_an_entitled_operator_sees_nominative_pages(console: Navigateur) -> None:
    """[CSL-4]"""
    with console.services.engine.begin() as conn:
        conn.execute(text("UPDATE compte SET habilite = true WHERE profil = 'exploitant'"))
    for page in PRIVEES:
        if page.nominative and page.methode is Methode.GET and ProfilCompte.EXPLOITANT in page.droits:
            found = await ask(console, page, NOTRE, (ProfilCompte.EXPLOITANT, ""), ProfilCompte.EXPLOITANT)
            assert found in CAS.get(page.nom, Cas()).statuts


def test_every_case_is_that_of_a_page() -> None:
    assert sorted(CAS.keys() - {page.nom for page in TABLE}) == []


def show(_vue: object) -> Rendu:
    return Rendu("accueil.html")


@pytest.mark.parametrize(
    ("page", "fault"),
    [
        (Page("essai", "/essai", "Essai", show, publique=True), "famille.action"),
        (Page("essai.voir", "/essai", "Essai", show), "a des droits"),
        (Page("essai.voir", "/essai/{guichet}", "Essai", show, publique=True), "l'objet"),
        (Page("essai.voir", "/essai", "Essai", show, publique=True, objet=Objet.DEMANDE), "l'objet"),
        (Page("essai.voir", "/essai", "Essai", show, publique=True, nominative=True), "publique"),
        (Page("essai.faire", "/essai", "Essai", show, publique=True, methode=Methode.POST), "tracé"),
    ],
)
def test_a_line_that_does_not_hold_stops_the_console(page: Page, fault: str) -> None:
    """[CSL-1] A page without its right cannot exist."""
    with pytest.raises(ValueError, match=fault):
        check_table([page])


def traces(engine: Engine) -> int:
    with engine.connect() as conn:
        return len(list_traces(conn, limite=10_000))
