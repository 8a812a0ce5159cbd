"""Every served operation, by every type of guichet, through a TLS socket: what docs/droits.md says."""

from __future__ import annotations

import base64
import re
from dataclasses import replace

import pytest
from lxml import etree
from sqlalchemy import Engine

from registry.droits import Acte, may_do
from registry.guichets import Guichet, TypeGuichet
from registry.regles import REGLES
from soap.services import SERVICES
from tests.corpus import atelier
from tests.corpus.atelier import CORPS, Message
from tests.registry.fabrique import BAILLEUR, horloge
from tests.soap import test_corpus as corpus
from tests.soap.conftest import Hub, Pki, Reponse
from tools import docs_droits
from tools.docs import RACINE

DEMANDEUR = f"{CORPS}/personnePhysique/demandeur"
COMMUNE = "93066"

PAS_LE_DROIT = {"VIE211", "DAL201", "GUI102", "GUI103"}
"""What a guichet is told when it may not."""

LECTEURS = [
    *(
        Guichet("G9999", type_, type_, "552046484", frozenset({"111"}), frozenset({COMMUNE}))
        for type_ in TypeGuichet
    ),
    Guichet("G9999", "particulier", TypeGuichet.AUTRE, "", frozenset({"111"}), numerote=True),
]
ATTRIBUTION = (
    "<attributionLogement><dateSignatureBail>2026-06-30</dateSignatureBail>"
    '<dejaLogeParcBailleur code="NON"/><numeroRpls>0123456789</numeroRpls><accordCollectif code="AUCUN"/>'
    '<typeReservataire code="AUCUN"/><codeSirenBailleur>552046484</codeSirenBailleur></attributionLogement>'
)
COURRIER = "<absenceReponse><dateCourrier>2026-06-01</dateCourrier></absenceReponse>"


def radiation(motif: str, suite: str = "", jour: str = "2026-07-01") -> list[str]:
    xml = f'<dateRadiation>{jour}</dateRadiation><motifRadiation code="{motif}"/>{suite}'
    return ["ajouter", CORPS, f"<radiation>{xml}</radiation>"]


RENOUVELLEMENT = "<renouvellement><dateRenouvellement>2026-07-01</dateRenouvellement></renouvellement>"
DALO = '<statutDalo code="ACTIF"/><dateDecisionDalo>2026-06-15</dateDecisionDalo>'
SUR_DEMANDE = {
    Acte.LIRE: Message("", "", operation="getDemandeLogement"),
    Acte.MODIFIER: Message("", "", type="MOD"),
    Acte.RENOUVELER: Message("", "", type="REN", document=[["ajouter", CORPS, RENOUVELLEMENT]]),
    Acte.ATTRIBUER: Message("", "", type="RAD", document=[radiation("RADATT", ATTRIBUTION)]),
    Acte.ABANDONNER: Message("", "", type="RAD", document=[radiation("RADABA")]),
    Acte.RADIER_SANS_REPONSE: Message("", "", type="RAD", document=[radiation("RADCON", COURRIER)]),
    Acte.DECLARER_IRRECEVABLE: Message(
        "", "", type="RAD", document=[radiation("RADIRR", '<sousMotifIrrecevabilite code="IRRSEJ"/>')]
    ),
    Acte.RADIER_NON_RENOUVELEE: Message("", "", type="RAD", document=[radiation("RADREN")]),
    Acte.DECLARER_DALO: Message(
        "",
        "",
        operation="getDeclarationNouveauDalo",
        type="MOD",
        document=[["avant", CORPS, f"<informationDalo>{DALO}</informationDalo>"]],
    ),
}
"""Acts on one demande, each on a demande of its own."""

LISTES = {
    Acte.RECHERCHER: Message("", "", operation="rechercheDemandeMulticritere", depart="recherche"),
    Acte.CHERCHER_DOUBLONS: Message("", "", operation="getDoublons"),
    Acte.LISTER: Message(
        "",
        "",
        operation="getDemandesRadieesDepuisLe",
        champs={"dateRadiationDepuisLe": "2026-06-01T00:00:00"},
    ),
}
"""Acts that give what the guichet may read and hide the rest."""

AUTRES_MATRICES = {"DistributionsImplService", "DossierUniqueImplService", "GestionPartageeEVTImplService"}
"""Services whose rights are told and tested with them."""


def named(message: Message, name: str) -> Message:
    """The same, of another person without cotitulaire."""
    if message.operation == "getDemandeLogement" or message.depart == "recherche" or message.champs:
        return message
    person = [["mettre", f"{DEMANDEUR}/nom", name], ["ôter", f"{CORPS}/personnePhysique/listeCotitulaire"]]
    return replaced(message, document=[*person, *message.document])


def replaced(message: Message, **fields: object) -> Message:
    return Message(**{**{name: getattr(message, name) for name in Message.__struct_fields__}, **fields})


def numbered(message: Message, numero: str) -> Message:
    if message.operation == "getDemandeLogement":
        return replaced(message, champs={"numUnique": numero})
    return replaced(message, document=[["mettre", f"{CORPS}/numUnique", numero], *message.document])


async def send(hub: Hub, message: Message, guichet: Guichet) -> Reponse:
    document = atelier.mutate(atelier.prepare(message, guichet.code), message)
    service, _ = atelier.operation_of(message.operation)
    body = atelier.body_of(message, document)
    return await hub.post(body, atelier.content_type(message), chemin=f"/services/{service.nom}")


def numbers_in(answer: Reponse) -> set[str]:
    """The numbers of all the files of an answer."""
    root = etree.fromstring(answer.corps)
    files = [base64.b64decode(each.text or "") for each in root.iter() if len(each.text or "") > 200]
    return {each.decode() for file in files for each in re.findall(rb"numUnique>([0-9A-Z]{18})<", file)}


async def outcomes(engine: Engine, pki: Pki, guichet: Guichet) -> dict[Acte, bool]:
    """Whether each act was let through, on demandes that another guichet registered."""
    found = {}
    async with corpus.start(engine, pki, horloge()) as (hub, act_as):
        act_as(BAILLEUR)
        numeros = {}
        for rang, acte in enumerate(SUR_DEMANDE):
            answer = await send(hub, named(Message("", ""), f"Durand{'abcdefghijkl'[rang]}"), BAILLEUR)
            (numeros[acte],) = numbers_in(answer)
        radiee = named(Message("", ""), "Durandz")
        (numero,) = numbers_in(await send(hub, radiee, BAILLEUR))
        abandon = numbered(named(SUR_DEMANDE[Acte.ABANDONNER], "Durandz"), numero)
        assert numbers_in(await send(hub, abandon, BAILLEUR)) == {numero}
        act_as(guichet)
        found[Acte.LISTER] = bool(numbers_in(await send(hub, LISTES[Acte.LISTER], guichet)))
        found[Acte.CHERCHER_DOUBLONS] = bool(
            numbers_in(await send(hub, named(LISTES[Acte.CHERCHER_DOUBLONS], "Duranda"), guichet))
        )
        found[Acte.RECHERCHER] = bool(numbers_in(await send(hub, LISTES[Acte.RECHERCHER], guichet)))
        for rang, (acte, message) in enumerate(SUR_DEMANDE.items()):
            sent = numbered(named(message, f"Durand{'abcdefghijkl'[rang]}"), numeros[acte])
            verdict = corpus.verdict_of(await send(hub, sent, guichet))
            codes = {code for code, _ in verdict}
            assert codes <= PAS_LE_DROIT, (acte, verdict)
            found[acte] = not codes
    return found


@pytest.mark.parametrize("guichet", LECTEURS, ids=lambda each: each.nom)
async def test_within_its_reach_a_guichet_does_what_the_table_says(
    engine: Engine, pki: Pki, guichet: Guichet
) -> None:
    """[ENR-31] [VIE-3] [VIE-4] [DAL-2] [REC-2]"""
    found = await outcomes(engine, pki, guichet)
    assert REGLES.irrecevabilite_bailleur_seul
    assert found == {acte: may_do(guichet, acte) for acte in found}


@pytest.mark.parametrize("guichet", LECTEURS, ids=lambda each: each.nom)
async def test_out_of_its_reach_a_guichet_does_nothing(engine: Engine, pki: Pki, guichet: Guichet) -> None:
    """[ENR-32] [VIE-4] [REC-2]"""
    lointain = replace(guichet, territoires=frozenset({"059"}), communes=frozenset({"59350"}))
    found = await outcomes(engine, pki, lointain)
    assert not any(found.values()), found


def test_every_act_is_tried_and_documented() -> None:
    """Creating supposes the territory only: it is tried by the corpus and by every other test."""
    assert {*SUR_DEMANDE, *LISTES, Acte.CREER} == set(Acte) == docs_droits.LIBELLES.keys()


def test_every_served_operation_is_in_the_table() -> None:
    table = "".join(docs_droits.LIBELLES.values())
    served = [
        operation.nom
        for service in SERVICES
        for operation in service.operations.values()
        if operation.assuree and service.nom not in AUTRES_MATRICES
    ]
    assert [nom for nom in served if f"`{nom}`" not in table and f"`{nom}" not in table] == []


def test_the_page_is_up_to_date() -> None:
    """`make docs` writes it again."""
    assert (RACINE / docs_droits.PAGE).read_text(encoding="utf-8") == docs_droits.render()
