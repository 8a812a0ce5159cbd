"""Every served operation, by every type of guichet and every profile: what docs/droits.md says.

Through a TLS socket, on the real handlers and the real database; what is expected comes from the tables.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from enum import StrEnum

import pytest
import pytest_asyncio
from sqlalchemy import Engine

from registry.actes import OPERATIONS, PROFILS, SANS_DEMANDE, Acte
from registry.clock import FixedClock
from registry.droits import PAR_COMMUNES, may_do
from registry.echanges import Echange, Refus
from registry.guichets import Guichet, TypeGuichet
from registry.profils import Profil
from registry.regles import REGLES
from soap.envelope import Parametres
from soap.server import create_app
from soap.services import SERVICES
from tests.soap.conftest import FauxIdentites, FauxTraitement, Pki
from tests.soap.essais import ESSAIS, Essai, Monde, open_monde
from tools import docs_droits
from tools.docs import RACINE

GUICHETS = [
    *(
        Guichet("G9999", type_, type_, "552046484", frozenset({"111"}), frozenset({"93066"}))
        for type_ in TypeGuichet
    ),
    Guichet("G9999", "particulier", TypeGuichet.AUTRE, "", frozenset({"111"}), numerote=True),
]
RIEN = "rien"
"""An answer that lets through, and in which there is nothing."""


@pytest_asyncio.fixture
async def monde(engine: Engine, pki: Pki) -> AsyncIterator[Monde]:
    async with open_monde(engine, pki) as monde:
        yield monde


class Portee(StrEnum):
    """Where the demande is for the guichet. VOISINE: in its territory, and it wishes none of its communes."""

    PROCHE = "proche"
    VOISINE = "voisine"
    LOINTAINE = "lointaine"


def places(guichet: Guichet) -> Iterator[tuple[Portee, Guichet]]:
    """The guichet as it stands to the demandes that are tried; a code for each, since who changes a demande
    then holds it."""
    yield Portee.PROCHE, guichet
    if guichet.type in PAR_COMMUNES:
        yield Portee.VOISINE, replace(guichet, code="G7777", communes=frozenset({"75113"}))
    loin = frozenset({"059"}), frozenset({"59350"})
    yield Portee.LOINTAINE, replace(guichet, code="G8888", territoires=loin[0], communes=loin[1])


def expected(essai: Essai, guichet: Guichet, profil: Profil, portee: Portee) -> str:
    """The codes of the anomalies, empty when the act is let through, or RIEN."""
    if essai.acte not in PROFILS[profil]:
        return "GUI104"
    if guichet.type is TypeGuichet.PORTAIL:
        return expected_of_portal(essai, guichet, portee)
    if portee is Portee.LOINTAINE:
        return expected_far(essai, guichet)
    if portee is Portee.VOISINE and essai.acte not in SANS_DEMANDE:
        return expected_beside(essai, guichet)
    if may_do(guichet, essai.acte, profil):
        return ""
    return "DAL201" if essai.acte is Acte.DECLARER_DALO else "VIE211"


def expected_of_portal(essai: Essai, guichet: Guichet, portee: Portee) -> str:
    """All of it comes from the table but the order of refusals: an operation before its demande."""
    loin = portee is Portee.LOINTAINE
    if may_do(guichet, essai.acte):
        return expected_far(essai, guichet) if loin else ""
    if essai.operation != "getNumUnique":
        # What the portal may withdraw it may not refuse: the motive tells.
        return "POR207" if essai.operation == "invaliderDepot" else "GUI105"
    if essai.fichier == "CRS":
        return "GUI102 GUI105" if loin else "GUI105"
    return expected_far(essai, guichet) if loin else "VIE211"


def expected_beside(essai: Essai, guichet: Guichet) -> str:
    if essai.liste:
        # That there is a doublon is said, and nothing of it (DBL).
        return "DBL102" if essai.acte is Acte.CHERCHER_DOUBLONS else RIEN
    if essai.acte is Acte.DECLARER_DALO and not may_do(guichet, essai.acte):
        return "DAL201"
    return "POR201" if essai.depot else "GUI103"


def expected_far(essai: Essai, guichet: Guichet) -> str:
    if essai.acte in (Acte.LIRE_DISTRIBUTIONS, Acte.ACQUITTER):
        # One's own, whatever they are.
        return ""
    if essai.acte is Acte.LISTER_TYPES:
        # The national types are everyone's.
        return "" if essai.operation == "listerTypesEvenementsNationaux" else "GPE202"
    if essai.acte is Acte.SAISIR:
        return ""
    if essai.acte in (Acte.CREER, Acte.CREER_APRES_SEPARATION, Acte.CHERCHER_DOUBLONS):
        return "GUI102"
    if essai.acte in (Acte.MODIFIER, Acte.RENOUVELER, Acte.ATTRIBUER):
        # The file brings the whole demande, whose wishes are out of the territory too.
        return "GUI102 GUI103"
    return expected_beside(essai, guichet)


async def found(monde: Monde, nom: str, guichet: Guichet, profil: Profil, portee: Portee) -> str:
    reponse = await monde.try_act(nom, guichet, profil, proche=portee is Portee.PROCHE)
    if ESSAIS[nom].liste and not reponse.codes and not reponse.shows:
        return RIEN
    return " ".join(sorted(reponse.codes))


@pytest.mark.parametrize("profil", Profil)
async def test_everyone_does_what_the_table_says_and_no_more(monde: Monde, profil: Profil) -> None:
    """[DRO-1] [DRO-2] [DRO-3] [ENR-31] [ENR-32] [VIE-3] [VIE-4] [DAL-2] [REC-2] [GPE-2] [PIE-5] [PIE-6]"""
    assert REGLES.irrecevabilite_bailleur_seul
    wrong = []
    for chacun in GUICHETS:
        for portee, guichet in places(chacun):
            for nom, essai in ESSAIS.items():
                attendu = expected(essai, guichet, profil, portee)
                constat = await found(monde, nom, guichet, profil, portee)
                if constat != attendu:
                    wrong.append(f"{nom}, {guichet.nom}, {portee} : {constat!r} ({attendu!r})")
    assert not wrong, "\n".join(wrong)


def test_every_operation_and_every_act_is_tried() -> None:
    """[DRO-4] A published operation that the tables do not hold, or that nobody tries, fails here."""
    published = {nom for service in SERVICES for nom in service.operations}
    assert published == OPERATIONS.keys()
    tried = {(essai.operation, essai.acte) for essai in ESSAIS.values()}
    assert tried == {(operation, acte) for operation, actes in OPERATIONS.items() for acte in actes}
    assert {acte for _, acte in tried} == set(Acte)


def test_an_edge_does_not_serve_what_the_tables_do_not_hold(clock: FixedClock) -> None:
    """[DRO-4]"""

    async def serve(_echange: Echange, _parametres: Parametres) -> Refus:
        raise NotImplementedError

    with pytest.raises(ValueError, match="nouvelleOperation"):
        create_app(FauxTraitement(), FauxIdentites(), clock, autres={"nouvelleOperation": serve})


def test_the_page_names_every_act_and_every_operation() -> None:
    """[DRO-4]"""
    assert docs_droits.LIBELLES.keys() == set(Acte)
    page = docs_droits.render()
    assert [nom for nom in OPERATIONS if f"`{nom}`" not in page] == []


def test_the_page_is_up_to_date() -> None:
    """`make docs` writes it again."""
    assert (RACINE / docs_droits.PAGE).read_text(encoding="utf-8") == docs_droits.render()
