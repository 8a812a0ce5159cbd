"""The handlers of events and of their types, on the real database."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
import pytest_asyncio
from sqlalchemy import Engine, select, text

from registry.clock import FixedClock
from registry.echanges import Fichier, Refus
from registry.effacement import erase, erase_exchanges
from registry.exchanges_store import Statut
from registry.gestion_partagee import GestionPartagee
from registry.guichets import Guichet, TypeGuichet
from registry.recherche import search
from registry.regles import REGLES
from registry.tables import JOURNAL
from registry.tables_recherche import EVENEMENT_PARTAGE
from registry.types_territoriaux import import_types
from registry.verification import verify
from schemas.documents import Document, DocumentKind, read_document
from schemas.gestion_partagee import Criteres
from schemas.types_evenements import types_nationaux
from tests.registry.fabrique import AUTRE_BAILLEUR, BAILLEUR, COMMUNE, RECU_LE, horloge
from tests.registry.test_gestion_partagee import codes, document, outcome, received, registered, valid

EVENEMENT = (
    "<evenement><codeTypeEvenement>{}</codeTypeEvenement><dateSurvenance>2026-06-20</dateSurvenance>"
    "<listeCaracteristiquesSpecifiques><caracteristiqueSpecifique><code>LOGEMENT</code>"
    "<valeurCaracteristiqueSpecifique>{}</valeurCaracteristiqueSpecifique></caracteristiqueSpecifique>"
    "{}</listeCaracteristiquesSpecifiques></evenement>"
)
RANG = (
    "<caracteristiqueSpecifique><code>RANG</code>"
    "<valeurCaracteristiqueSpecifique>2</valeurCaracteristiqueSpecifique></caracteristiqueSpecifique>"
)
AILLEURS = Guichet("G5901", "Ailleurs", TypeGuichet.BAILLEUR, "", frozenset({"059"}))
TYPE_LOCAL = (
    "<listeTypesEvenements><typeEvenement><codeTypeEvenement>LOCAL1</codeTypeEvenement>"
    "<texteDescriptifPGP>Local.</texteDescriptifPGP><texteDescriptifSNE>Local.</texteDescriptifSNE>"
    "<aPublierSurPGP>false</aPublierSurPGP><utilisableMultiplesAttributionsSousConditions>false"
    "</utilisableMultiplesAttributionsSousConditions><utilisableRechercheInstruction>true"
    "</utilisableRechercheInstruction><reglementaire>false</reglementaire><codeTerritoire>{}</codeTerritoire>"
    "<libelleTypeEvenement><libelle>Type local</libelle></libelleTypeEvenement>"
    "<listeCaracteristiquesSpecifiques><caracteristiqueSpecifique><code>LOGEMENT</code>"
    "<libelle>Logement</libelle><typeCaracteristiqueSpecifique>TXT</typeCaracteristiqueSpecifique>"
    "<obligatoire>true</obligatoire><texteDescriptif>x</texteDescriptif><aideALaSaisie>x</aideALaSaisie>"
    "</caracteristiqueSpecifique></listeCaracteristiquesSpecifiques></typeEvenement></listeTypesEvenements>"
)
Handler = Callable[..., Awaitable[Fichier | Refus]]


@pytest.fixture
def clock() -> FixedClock:
    return horloge()


@pytest_asyncio.fixture
async def gestion(engine: Engine, clock: FixedClock) -> AsyncIterator[GestionPartagee]:
    gestion = GestionPartagee(engine, clock)
    await gestion.start()
    yield gestion
    await gestion.stop()


def evenements(numero: str, *corps: str, guichet: str = "G1104") -> bytes:
    liste = f"<listeEvenements>{''.join(corps)}</listeEvenements>" if corps else ""
    return document(f"<operation><numUnique>{numero}</numUnique></operation>{liste}", guichet)


def types(territoire: str = "", guichet: str = "G1104") -> bytes:
    operation = f"<operation><codeTerritoire>{territoire}</codeTerritoire></operation>" if territoire else ""
    return document(operation, guichet)


async def ask(
    engine: Engine,
    handler: Handler,
    fichier: bytes,
    guichet: Guichet = BAILLEUR,
    *,
    kind: DocumentKind = DocumentKind.EVENEMENT,
    apres: timedelta = timedelta(0),
) -> str:
    echange = received(engine, fichier, guichet)
    return valid(await handler(replace(echange, recu_le=RECU_LE + apres), fichier), kind)


def identifiants(texte: str) -> list[int]:
    return [int(each) for each in re.findall("<ns1:idEvenement>([0-9]+)<", texte)]


async def test_an_event_is_added_then_listed(gestion: GestionPartagee, engine: Engine) -> None:
    """[GPE-1] [GPE-2] [GPE-6] [GPE-10] Written by one guichet, read by all who may read the demande."""
    (numero,) = registered(engine, "un")
    lister = evenements(numero)
    vide = await ask(engine, gestion.lister_evenements, lister)
    assert "listeEvenements" not in vide
    assert "listeAnomalies" not in vide
    ajout = evenements(numero, EVENEMENT.format("DESIGN", "A", ""), EVENEMENT.format("VISPROP", "A", ""))
    ecrit = await ask(engine, gestion.ajouter_evenement, ajout)
    assert len(set(identifiants(ecrit))) == 2
    for guichet in (BAILLEUR, AUTRE_BAILLEUR, COMMUNE):
        lu = await ask(engine, gestion.lister_evenements, evenements(numero, guichet=guichet.code), guichet)
        assert identifiants(lu) == sorted(identifiants(ecrit))
        assert "<ns1:libelleTypeEvenement>Désignation</ns1:libelleTypeEvenement>" in lu
        assert "<ns1:auteurCreation>G1104</ns1:auteurCreation>" in lu
        assert "<ns1:natureModification>AJOUT</ns1:natureModification>" in lu


async def test_events_out_of_reach_are_as_those_of_no_demande(
    gestion: GestionPartagee, engine: Engine
) -> None:
    """[GPE-2] Reading and writing alike."""
    (numero,) = registered(engine, "un")
    for handler in (
        gestion.lister_evenements,
        gestion.ajouter_evenement,
        gestion.modifier_evenement,
        gestion.supprimer_evenement,
    ):
        for qui, lequel in ((AILLEURS, numero), (BAILLEUR, "1110626999999G1104")):
            fichier = evenements(lequel, EVENEMENT.format("DESIGN", "A", ""), guichet=qui.code)
            assert codes(await ask(engine, handler, fichier, qui)) == ["GUI103"]
    discordant = evenements(numero, guichet="G9999")
    assert codes(await ask(engine, gestion.lister_evenements, discordant)) == ["GUI101"]


async def test_each_writing_is_journalled_and_makes_no_version(
    gestion: GestionPartagee, engine: Engine
) -> None:
    """[GPE-3] The chain holds, the demande keeps its version, every version of the event is kept."""
    (numero,) = registered(engine, "un")
    ecrit = await ask(
        engine, gestion.ajouter_evenement, evenements(numero, EVENEMENT.format("DESIGN", "A", ""))
    )
    (identifiant,) = identifiants(ecrit)
    cible = f"<evenement><idEvenement>{identifiant}</idEvenement><commentaire>vu</commentaire></evenement>"
    await ask(engine, gestion.modifier_evenement, evenements(numero, cible))
    await ask(engine, gestion.supprimer_evenement, evenements(numero, cible))
    with engine.connect() as conn:
        entrees = conn.execute(
            select(JOURNAL.c.sequence, JOURNAL.c.detail)
            .where(JOURNAL.c.nature == "EVT", JOURNAL.c.numero == numero)
            .order_by(JOURNAL.c.sequence)
        ).all()
        versions = conn.execute(
            select(EVENEMENT_PARTAGE.c.action, EVENEMENT_PARTAGE.c.sequence_journal).order_by(
                EVENEMENT_PARTAGE.c.version
            )
        ).all()
        assert conn.scalar(text("SELECT version FROM demande")) == 1
        assert verify(conn).intact
    assert [action for action, _ in versions] == ["AJOUT", "MODIF", "SUPPR"]
    assert [sequence for sequence, _ in entrees] == [sequence for _, sequence in versions]
    assert identifiant == entrees[0].sequence
    assert "vu" not in "".join(detail for _, detail in entrees)


async def test_an_event_is_changed_then_removed(gestion: GestionPartagee, engine: Engine) -> None:
    """[GPE-6] [GPE-20] [GPE-22] The version that was seen is shown; the later of two is told."""
    (numero,) = registered(engine, "un")
    ecrit = await ask(
        engine, gestion.ajouter_evenement, evenements(numero, EVENEMENT.format("DESIGN", "A", ""))
    )
    (identifiant,) = identifiants(ecrit)
    (vu,) = re.findall("<ns1:dateCreation>(.*?)<", ecrit)
    cible = (
        f"<evenement><idEvenement>{identifiant}</idEvenement><dateCreation>{vu}</dateCreation>"
        "<commentaire>{}</commentaire></evenement>"
    )
    minute = timedelta(minutes=1)
    change = await ask(
        engine, gestion.modifier_evenement, evenements(numero, cible.format("un")), apres=minute
    )
    assert "<ns1:natureModification>MODIF</ns1:natureModification>" in change
    assert "<ns1:commentaire>un</ns1:commentaire>" in change
    tard = evenements(numero, cible.format("deux"))
    assert codes(await ask(engine, gestion.modifier_evenement, tard, apres=2 * minute)) == ["GPE220"]
    retrait = evenements(numero, f"<evenement><idEvenement>{identifiant}</idEvenement></evenement>")
    parti = await ask(engine, gestion.supprimer_evenement, retrait, apres=3 * minute)
    assert "<ns1:natureModification>SUPPR</ns1:natureModification>" in parti
    assert identifiants(await ask(engine, gestion.lister_evenements, evenements(numero))) == []
    assert codes(await ask(engine, gestion.modifier_evenement, tard)) == ["GPE216"]


async def test_a_file_sent_again_writes_nothing(gestion: GestionPartagee, engine: Engine) -> None:
    """[GPE-17]"""
    (numero,) = registered(engine, "un")
    ajout = evenements(numero, EVENEMENT.format("DESIGN", "A", ""))
    premiere = await ask(engine, gestion.ajouter_evenement, ajout)
    echange = received(engine, ajout)
    assert identifiants(valid(await gestion.ajouter_evenement(echange, ajout), DocumentKind.EVENEMENT)) == (
        identifiants(premiere)
    )
    assert outcome(engine, echange).statut is Statut.REJEU
    assert len(identifiants(await ask(engine, gestion.lister_evenements, evenements(numero)))) == 1


async def test_a_file_with_a_fault_writes_nothing(gestion: GestionPartagee, engine: Engine) -> None:
    """[GPE-10] All or nothing."""
    (numero,) = registered(engine, "un")
    mauvais = evenements(numero, EVENEMENT.format("DESIGN", "A", ""), EVENEMENT.format("RIEN", "A", ""))
    assert codes(await ask(engine, gestion.ajouter_evenement, mauvais)) == ["GPE204"]
    assert identifiants(await ask(engine, gestion.lister_evenements, evenements(numero))) == []


async def test_concurrent_files_are_all_kept(gestion: GestionPartagee, engine: Engine) -> None:
    """[GPE-10] Distinct identifiers, an unbroken chain."""
    numeros = registered(engine, "un", "deux")
    fichiers = [
        evenements(numeros[rang % 2], EVENEMENT.format("DESIGN", f"L{rang}", "")) for rang in range(20)
    ]
    textes = await asyncio.gather(*(ask(engine, gestion.ajouter_evenement, each) for each in fichiers))
    assert len({identifiants(each)[0] for each in textes}) == 20
    with engine.connect() as conn:
        assert verify(conn).intact


async def test_conditional_attributions_are_searched(gestion: GestionPartagee, engine: Engine) -> None:
    """[GPE-31] [REC-10] Two dwellings under condition, then one is refused."""
    numero, autre = registered(engine, "un", "deux")
    rangs = [EVENEMENT.format("CALRANG", logement, RANG) for logement in "AB"]
    await ask(engine, gestion.ajouter_evenement, evenements(numero, *rangs))
    await ask(engine, gestion.ajouter_evenement, evenements(autre, rangs[0]))

    def found() -> tuple[str, ...]:
        with engine.begin() as conn:
            return search(conn, BAILLEUR, Criteres(attributions_multiples=True), date(2026, 7, 1)).numeros

    assert found() == (numero,)
    motif = RANG.replace("RANG", "MOTIF")
    await ask(engine, gestion.ajouter_evenement, evenements(numero, EVENEMENT.format("REFUS", "A", motif)))
    assert found() == ()


async def test_national_types_are_listed(gestion: GestionPartagee, engine: Engine) -> None:
    """[GPE-4] [GPE-5] With or without a territory; what is answered reads back as the data."""
    for fichier in (types(), types("111")):
        texte = await ask(engine, gestion.lister_types_nationaux, fichier, kind=DocumentKind.TYPE_EVENEMENT)
        assert re.findall("<ns1:codeTypeEvenement>(.*?)<", texte) == list(types_nationaux())
        assert "<ns1:codeTerritoire>" not in texte.partition("<ns1:listeTypesEvenements>")[2]


async def test_types_of_a_territory(gestion: GestionPartagee, engine: Engine) -> None:
    """[GPE-4] [GPE-11] Listed to its guichets, and usable in its demandes only."""
    (numero,) = registered(engine, "un")
    with engine.begin() as conn:
        for territoire in ("111", "059"):
            lu = read_document(
                document(TYPE_LOCAL.format(territoire)), frozenset({DocumentKind.TYPE_EVENEMENT})
            )
            assert isinstance(lu, Document)
            assert import_types(conn, lu.root, RECU_LE) == [(territoire, "LOCAL1")]
    texte = await ask(
        engine, gestion.lister_types_territoriaux, types("111"), kind=DocumentKind.TYPE_EVENEMENT
    )
    assert re.findall("<ns1:codeTypeEvenement>(.*?)<", texte) == ["LOCAL1"]
    ecrit = await ask(
        engine, gestion.ajouter_evenement, evenements(numero, EVENEMENT.format("LOCAL1", "A", ""))
    )
    assert "<ns1:libelleTypeEvenement>Type local</ns1:libelleTypeEvenement>" in ecrit
    with engine.begin() as conn:
        conn.execute(text("DELETE FROM type_evenement WHERE territoire = '111'"))
    encore = evenements(numero, EVENEMENT.format("LOCAL1", "B", ""))
    assert codes(await ask(engine, gestion.ajouter_evenement, encore)) == ["GPE204"]


@pytest.mark.parametrize(("territoire", "code"), [("", "GPE201"), ("075", "GPE202")])
async def test_types_of_no_territory_of_the_guichet(
    gestion: GestionPartagee, engine: Engine, territoire: str, code: str
) -> None:
    """[GPE-4]"""
    fichier = types(territoire)
    texte = await ask(engine, gestion.lister_types_territoriaux, fichier, kind=DocumentKind.TYPE_EVENEMENT)
    assert codes(texte) == [code]


async def test_the_messages_of_an_event_go_with_it_and_the_questions_before(
    gestion: GestionPartagee, engine: Engine
) -> None:
    """[VIE-64]"""
    (numero,) = registered(engine, "un")
    await ask(engine, gestion.ajouter_evenement, evenements(numero, EVENEMENT.format("DESIGN", "A", "")))
    await ask(engine, gestion.lister_evenements, evenements(numero))
    assert erase_exchanges(engine, REGLES, RECU_LE + timedelta(days=400)) == 1
    with engine.connect() as conn:
        assert conn.execute(text("SELECT count(*) FROM echange_brut")).scalar_one() == 2


async def test_what_is_erased_leaves_no_event(gestion: GestionPartagee, engine: Engine) -> None:
    """[GPE-3] The journal keeps its proofs."""
    (numero,) = registered(engine, "un")
    await ask(engine, gestion.ajouter_evenement, evenements(numero, EVENEMENT.format("DESIGN", "A", "")))
    with engine.begin() as conn:
        conn.execute(text("UPDATE demande SET etat = 'radiee', date_radiation = '2026-06-30'"))
    assert list(erase(engine, REGLES, RECU_LE + timedelta(days=400))) == [numero]
    with engine.connect() as conn:
        for table in ("evenement_partage", "recherche", "echange_brut"):
            assert conn.scalar(text(f"SELECT count(*) FROM {table}")) == 0, table
        assert verify(conn).chaine.intacte
