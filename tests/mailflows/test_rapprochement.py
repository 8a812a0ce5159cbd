"""A guichet of the mail channel proves that it has all, and repairs what it lost, by mail alone."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence

import pytest
import pytest_asyncio
from sqlalchemy import text

from conformance.partenaire_courrier import PartenaireCourrier, Piece, Recu
from conformance.preuve_courrier import Gardee, PreuveCourrier
from registry.guichets import CanalDistribution
from registry.traces import list_traces
from schemas.courrier import Requete, Verdict, write_requete
from schemas.rapprochement import DemandeRapprochement, TrancheManquante, TrancheTenue, write_demande
from tests.mailflows.monde import Monde
from tests.mailflows.test_distributions import TOUT, distributions, received, register
from tests.mailflows.test_manifestes import nightly

NOMBRE = 4


@pytest_asyncio.fixture
async def partenaire(monde: Monde) -> PartenaireCourrier:
    """One that received and acknowledged four distributions."""
    partenaire = monde.partenaire("G1104", TOUT)
    monde.partenaire("G1300", canal=CanalDistribution.RETRAIT)
    await monde.start_distribution()
    for rang in range(NOMBRE):
        await register(monde, f"rapprochée {rang}")
    await received(partenaire, NOMBRE)
    await monde.until(NOMBRE, lambda: sum(each.etat == "acquittee" for each in distributions(monde)))
    return partenaire


async def test_what_is_lost_or_spoiled_comes_with_the_answer(
    monde: Monde, partenaire: PartenaireCourrier
) -> None:
    """[DST-74] [COU-25] Then the manifest agrees, and what was withdrawn is not missing."""
    preuve = PreuveCourrier(partenaire)
    preuve.ranger()
    nightly(monde)
    async with asyncio.timeout(20):
        await partenaire.wait_for(lambda recus: any(each.nature == "manifeste" for each in recus))
    preuve.ranger()
    assert preuve.verifier() == [""]
    gardees = dict(preuve.gardees)
    del preuve.gardees[1]
    preuve.gardees[3] = Gardee(gardees[3].id, b"abime")
    preuve.gardees[9] = Gardee("x", b"jamais faite")
    assert preuve.verifier() == ["ce qui est gardé n'a pas son condensat"]
    async with asyncio.timeout(20):
        seul = await preuve.rapprocher(relire=False)
        assert (seul.manquantes, seul.en_trop, seul.differentes, seul.relues) == (
            (TrancheManquante(1, 1, "ACQUITTEE"),),
            ((9, 9),),
            (3,),
            (),
        )
        resultat = await preuve.rapprocher()
        assert [each.sequence for each in resultat.relues] == [1, 3]
        del preuve.gardees[9]
        assert preuve.gardees == gardees
        assert preuve.verifier() == [""]
        complet = await preuve.rapprocher()
    assert (complet.derniere, complet.manquantes, complet.differentes, complet.relues) == (NOMBRE, (), (), ())
    with monde.engine.connect() as conn:
        lues = [
            each for each in list_traces(conn, guichet="G1104") if each.operation.startswith("rapprocher")
        ]
    numeros = {each.numero for each in distributions(monde) if each.sequence in (1, 3)}
    assert [set(each.numeros) for each in lues] == [numeros]


async def test_what_was_read_again_is_acknowledged(monde: Monde, partenaire: PartenaireCourrier) -> None:
    """[DST-74] [COU-40] By its own accusé, as if it had come by itself."""
    preuve = PreuveCourrier(partenaire)
    preuve.ranger()
    assert monde.worker is not None
    await monde.worker.stop()
    with monde.engine.begin() as conn:
        conn.execute(text("UPDATE distribution SET etat = 'echec' WHERE sequence = 2"))
    del preuve.gardees[2]
    async with asyncio.timeout(20):
        assert (await preuve.rapprocher()).manquantes == (TrancheManquante(2, 2, "ECHEC"),)
    await monde.until(NOMBRE, lambda: sum(each.etat == "acquittee" for each in distributions(monde)))


async def asked(partenaire: PartenaireCourrier, *pieces: Piece) -> Recu:
    async with asyncio.timeout(20):
        (recu,) = await partenaire.answer_to(await partenaire.post(*pieces))
    return recu


@pytest.mark.parametrize(
    ("contenu", "code"),
    [
        (write_demande(DemandeRapprochement((TrancheTenue(2, 1),))), "DIS210"),
        (write_demande(DemandeRapprochement((TrancheTenue(1, 2, ("0" * 64,)),))), "DIS211"),
        (b"<rapprochement/>", "COU016"),
        (b'<rapprochement xmlns="http://nuu.application.i2/" versionInterface="02.00"/>', "COU016"),
        (b"<", "COU016"),
    ],
)
async def test_a_comparison_that_is_refused_says_why(
    monde: Monde, partenaire: PartenaireCourrier, contenu: bytes, code: str
) -> None:
    """[DST-72] [COU-25]"""
    recu = await asked(partenaire, Piece("RAP1.xml", contenu))
    assert recu.accuse is not None
    (fichier,) = recu.accuse.fichiers
    assert (fichier.verdict, fichier.code, fichier.operation) == (
        Verdict.REFUSE,
        code,
        "rapprocherDistributions",
    )
    assert recu.fichiers == ()


@pytest.mark.parametrize(
    ("parametres", "jours"),
    [({}, ["20260701", "20260702"]), ({"apresJour": "2026-07-01"}, ["20260702"]), ({"apresJour": "x"}, None)],
)
async def test_the_manifests_are_asked_for(
    monde: Monde, partenaire: PartenaireCourrier, parametres: dict[str, str], jours: Sequence[str] | None
) -> None:
    """[DST-66] [COU-22] Those of before, or a mail that was lost."""
    nightly(monde, 2)
    recu = await asked(
        partenaire, Piece("requete.xml", write_requete(Requete("listerManifestes", parametres=parametres)))
    )
    assert recu.accuse is not None
    if jours is None:
        assert recu.accuse.fichiers[0].code == "COU017"
    else:
        assert [piece.nom for piece in recu.fichiers] == [f"MANG1104-{jour}.xml.p7m" for jour in jours]
        assert recu.accuse.fichiers[0].verdict is Verdict.ACCEPTE
        assert len({hashlib.sha256(piece.contenu).digest() for piece in recu.fichiers}) == len(jours)
