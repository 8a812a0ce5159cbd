"""Who read what: every answer that bears registered data leaves its trace, through a TLS socket."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from sqlalchemy import Engine

from registry.actes import Acte
from registry.guichets import Guichet, TypeGuichet
from registry.profils import Profil
from registry.traces import Trace, list_traces
from tests.soap.conftest import Pki
from tests.soap.essais import ESSAIS, LECTURES, Monde, open_monde

LECTEUR = Guichet("G9999", "État", TypeGuichet.ETAT, "", frozenset({"111"}))
COMMUNE = Guichet("G7777", "Commune", TypeGuichet.COMMUNE, "", frozenset({"111"}), frozenset({"75113"}))

LUS = LECTURES - {Acte.LISTER_TYPES, Acte.LIRE_DISTRIBUTIONS, Acte.ACQUITTER}
"""Distributions are read, and traced, in tests/soap/test_distributions.py."""
LUES = {nom: essai for nom, essai in ESSAIS.items() if essai.acte in LUS}
RELUES = ("MOD", "REN", "RADABA", "RADCON", "déradiation", "SUP", "déclaration")
"""Changes that are answered with the demande as the register holds it."""


@pytest_asyncio.fixture
async def monde(engine: Engine, pki: Pki) -> AsyncIterator[Monde]:
    async with open_monde(engine, pki) as monde:
        yield monde


def traces(engine: Engine, numero: str, guichet: str) -> tuple[Trace, ...]:
    with engine.connect() as conn:
        return list_traces(conn, numero=numero, guichet=guichet)


async def test_what_is_read_is_traced(monde: Monde, engine: Engine) -> None:
    """[TRA-1] [TRA-2] Who, when, by which operation, in which exchange; once."""
    for nom in (*LUES, *RELUES):
        reponse = await monde.try_act(nom, LECTEUR, Profil.GUICHET, proche=True)
        assert not reponse.codes, reponse.texte
        operation = ESSAIS[nom].operation
        trace, *autres = traces(engine, reponse.cible.numero, LECTEUR.code)
        # The lists that come after this one show it too.
        assert operation not in {each.operation for each in autres}, nom
        assert (trace.operation, trace.profil, trace.canal) == (operation, "guichet", "soap")
        assert trace.certificat == monde.hub.pki.empreinte("G1104")
        assert trace.echange is not None
        assert trace.utilisateur == ("a.martin" if "iece" in operation else "")


async def test_what_is_refused_or_hidden_leaves_no_trace(monde: Monde, engine: Engine) -> None:
    """[TRA-2] [TRA-3]"""
    for nom in LUES:
        reponse = await monde.try_act(nom, COMMUNE, Profil.GUICHET, proche=False)
        assert traces(engine, reponse.cible.numero, COMMUNE.code) == (), nom
        await monde.try_act(nom, LECTEUR, Profil.NUMERISEUR, proche=True)
        assert traces(engine, reponse.cible.numero, LECTEUR.code) == (), nom


async def test_a_list_names_all_that_it_shows(monde: Monde, engine: Engine) -> None:
    """[TRA-2] Five radiations and a search, each in one trace."""
    numeros = set()
    for _ in range(5):
        reponse = await monde.try_act("RADABA", LECTEUR, Profil.GUICHET, proche=True)
        numeros.add(reponse.cible.numero)
    for nom in ("radiées", "recherche"):
        reponse = await monde.try_act(nom, LECTEUR, Profil.CONSULTANT_SIMPLE, proche=True)
        (trace,) = [
            each
            for each in traces(engine, min(numeros), LECTEUR.code)
            if each.operation == ESSAIS[nom].operation
        ]
        assert numeros <= set(trace.numeros) == reponse.numeros
        assert trace.profil == Profil.CONSULTANT_SIMPLE


async def test_the_doublons_that_a_refusal_shows_are_traced(monde: Monde, engine: Engine) -> None:
    """[TRA-1] The same person again: the answer bears the demande that exists."""
    premiere = await monde.try_act("COP", LECTEUR, Profil.GUICHET, proche=True)
    refus = await monde.create_again(premiere.cible, LECTEUR)
    assert refus.codes == {"DBL101"}
    operations = [each.operation for each in traces(engine, premiere.cible.numero, LECTEUR.code)]
    assert operations == ["getNumUnique", "getNumUnique"]
