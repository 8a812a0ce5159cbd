"""The handlers of the search and of shared management, on the real database."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
import pytest_asyncio
from sqlalchemy import Engine, text

from registry import anomalies_recherche as catalogue
from registry import recherche
from registry.clock import FixedClock
from registry.echanges import Echange, Fichier, Refus
from registry.exchanges_store import EchangeConnu, Statut, get_echange, record_receptions
from registry.gestion_partagee import GestionPartagee
from registry.guichets import Guichet
from registry.handlers import Traitement
from registry.limites import LimitesRecherche
from registry.projection import Projection
from registry.registration import Enregistrement
from schemas.documents import Document, DocumentKind, read_document
from tests.registry.fabrique import (
    BAILLEUR,
    DecideurTemoin,
    demande_of,
    echange_of,
    generate,
    horloge,
    recue_of,
    register_all,
)

NS = 'xmlns="http://nuu.application.i2/" versionInterface="02.00"'
NOM = re.compile(r"RCHG1104-202607011130-[0-9]{6}\.xml")


@pytest.fixture
def clock() -> FixedClock:
    return horloge()


@pytest_asyncio.fixture
async def gestion(engine: Engine, clock: FixedClock) -> AsyncIterator[GestionPartagee]:
    gestion = GestionPartagee(engine, clock)
    await gestion.start()
    yield gestion
    await gestion.stop()


def document(corps: str, guichet: str = "G1104") -> bytes:
    entete = (
        "<entete><typeFichier>EVT</typeFichier><dateFichier>2026-07-01T11:30:00</dateFichier>"
        f"<codeGuichet>{guichet}</codeGuichet></entete>"
    )
    return f"<interfaceNuu {NS}>{entete}{corps}</interfaceNuu>".encode()


def question(criteres: str, guichet: str = "G1104") -> bytes:
    return document(f"<operation><demandeMulticritere>{criteres}</demandeMulticritere></operation>", guichet)


def received(engine: Engine, fichier: bytes, guichet: Guichet = BAILLEUR) -> Echange:
    echange = replace(echange_of(guichet, fichier), operation="rechercheDemandeMulticritere")
    with engine.begin() as conn:
        record_receptions(conn, [echange])
    return echange


def outcome(engine: Engine, echange: Echange) -> EchangeConnu:
    with engine.connect() as conn:
        connu = get_echange(conn, echange.id)
    assert connu is not None
    return connu


def registered(engine: Engine, *seeds: str) -> list[str]:
    items = [recue_of(generate(seed, communes=["93066"])) for seed in seeds]
    decideur = Projection(DecideurTemoin())
    faits = register_all(engine, items, decideur)  # type: ignore[arg-type]
    assert all(isinstance(each, Enregistrement) for each in faits)
    return [each.numero for each in faits if isinstance(each, Enregistrement)]


def valid(reponse: Fichier | Refus, kind: DocumentKind = DocumentKind.RECHERCHE) -> str:
    """The text of an answer, which is valid under its schema."""
    assert isinstance(reponse, Fichier), reponse
    assert isinstance(read_document(reponse.contenu, frozenset({kind})), Document)
    return reponse.contenu.decode()


def codes(texte: str) -> list[str]:
    return re.findall(r'<ns1:anomalie code="([A-Z0-9]+)"', texte)


async def test_a_search_is_answered_in_the_document_of_its_question(
    gestion: GestionPartagee, engine: Engine
) -> None:
    """[REC-1] The operation comes back, the header is ours, the numbers are sorted, the outcome is kept."""
    numeros = registered(engine, "un", "deux", "trois")
    fichier = question("<etatDemande>A</etatDemande><communeSouhaitee>93066</communeSouhaitee>")
    echange = received(engine, fichier)
    reponse = await gestion.rechercher(echange, fichier)
    texte = valid(reponse)
    assert isinstance(reponse, Fichier)
    assert NOM.fullmatch(reponse.nom)
    assert re.findall("<ns1:numUnique>(.*?)</ns1:numUnique>", texte) == sorted(numeros)
    assert "<ns1:typeFichier>RET</ns1:typeFichier>" in texte
    assert "<ns1:communeSouhaitee>93066</ns1:communeSouhaitee>" in texte
    assert codes(texte) == []
    assert outcome(engine, echange).statut is Statut.ACCEPTE


async def test_nothing_found_is_no_anomaly(gestion: GestionPartagee, engine: Engine) -> None:
    """[REC-1]"""
    fichier = question("<communeSouhaitee>93066</communeSouhaitee>")
    texte = valid(await gestion.rechercher(received(engine, fichier), fichier))
    assert "listeDemandes" not in texte
    assert "listeAnomalies" not in texte


async def test_too_many_carries_an_anomaly(engine: Engine, clock: FixedClock) -> None:
    """[REC-7]"""
    registered(engine, "un", "deux", "trois")
    gestion = GestionPartagee(engine, clock, limites=LimitesRecherche(resultats_max=2))
    await gestion.start()
    fichier = question("<etatDemande>A</etatDemande>")
    texte = valid(await gestion.rechercher(received(engine, fichier), fichier))
    await gestion.stop()
    assert texte.count("<ns1:numUnique>") == 2
    assert codes(texte) == [catalogue.TROP_DE_DEMANDES.code]


async def test_too_long_is_refused_and_the_next_one_answered(
    engine: Engine, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """[REC-8]"""
    registered(engine, "un")
    gestion = GestionPartagee(engine, clock, limites=LimitesRecherche(duree_max=0.5))
    await gestion.start()
    fichier = question("<etatDemande>A</etatDemande>")
    with monkeypatch.context() as lent:
        lent.setattr(recherche, "_conditions", lambda *_: (["pg_sleep(9) IS NULL"], {}))
        echange = received(engine, fichier)
        texte = valid(await gestion.rechercher(echange, fichier))
        assert codes(texte) == [catalogue.RECHERCHE_TROP_LONGUE.code]
        assert outcome(engine, echange).statut is Statut.REFUSE
    assert codes(valid(await gestion.rechercher(received(engine, fichier), fichier))) == []
    await gestion.stop()


@pytest.mark.parametrize(
    ("fichier", "attendu"),
    [
        (question("<etatDemande>A</etatDemande>", "G9999"), ["GUI101"]),
        (question(""), ["REC203"]),
        (question("<etatDemande>Z</etatDemande>"), ["REC204"]),
        (question("<motifDemande>99</motifDemande><motifRadiation>NON</motifRadiation>"), ["COD101"] * 2),
        (question("<personneRecherchee><prenom>Anne</prenom></personneRecherchee>"), ["REC206"]),
    ],
)
async def test_a_search_that_makes_no_sense_is_refused_in_its_document(
    gestion: GestionPartagee, engine: Engine, fichier: bytes, attendu: list[str]
) -> None:
    """[REC-1] [REC-3] [REC-4]"""
    echange = received(engine, fichier)
    texte = valid(await gestion.rechercher(echange, fichier))
    assert codes(texte) == attendu
    assert "listeDemandes" not in texte
    connu = outcome(engine, echange)
    assert (connu.statut, connu.code) == (Statut.REFUSE, attendu[0])


@pytest.mark.parametrize(
    ("fichier", "code"),
    [(b"", "XML101"), (generate(1), "XML104"), (document("<operation/>"), "XML104"), (b"<a/>", "XML104")],
)
async def test_a_file_that_is_no_search_is_a_refusal(
    gestion: GestionPartagee, engine: Engine, fichier: bytes, code: str
) -> None:
    """No document can carry it: the edge says it."""
    reponse = await gestion.rechercher(received(engine, fichier), fichier)
    assert isinstance(reponse, Refus)
    assert [each.code for each in reponse.anomalies] == [code]


async def test_many_searches_at_once(gestion: GestionPartagee, engine: Engine) -> None:
    registered(engine, "un", "deux")
    fichier = question("<communeSouhaitee>93066</communeSouhaitee>")
    echanges = [received(engine, fichier) for _ in range(20)]
    reponses = await asyncio.gather(*(gestion.rechercher(each, fichier) for each in echanges))
    assert {valid(each).count("<ns1:numUnique>") for each in reponses} == {2}


async def test_what_is_read_tells_the_treatment_of_the_demande(
    gestion: GestionPartagee, engine: Engine, clock: FixedClock
) -> None:
    """[GPE-32] The indicators of the day of the reading; none of them for a radiée past its delay."""
    (numero,) = registered(engine, "un")
    traitement = Traitement(engine, clock, DecideurTemoin())
    await traitement.start()

    async def read() -> list[str]:
        reponse = await traitement.get_demande_logement(received(engine, b""), numero)
        assert not isinstance(reponse, Refus)
        lue = demande_of(reponse.demande.contenu)
        assert lue.version_interface == "02.01"
        texte = reponse.demande.contenu.decode()
        return re.findall("<ns1:est(?:Delai|Multiples)[A-Za-z]*>(.*?)<", texte)

    assert await read() == ["false", "false"]
    with engine.begin() as conn:
        conn.execute(text("UPDATE recherche SET anormal_le = '2026-07-02', attributions = 2"))
    assert await read() == ["false", "true"]
    clock.advance(timedelta(days=1))
    assert await read() == ["true", "true"]
    with engine.begin() as conn:
        conn.execute(text("UPDATE demande SET etat = 'radiee'"))
    assert await read() == ["false", "true"]
    await traitement.stop()
