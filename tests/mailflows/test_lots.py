"""Large messages: what a système particulier sends in a day."""

from __future__ import annotations

import asyncio
import random
import uuid
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.partenaire_courrier import Piece
from mailflows.execution import FENETRE
from mailflows.message_lu import LimitesMessage, read_files
from mailflows.resultats import Resultat, Tete, compose, plan
from registry.echanges import Fichier
from registry.guichets import TypeGuichet
from schemas.courrier import Accuse, FichierAccuse, Verdict, read_courrier
from tests.mailflows.monde import Monde
from tests.mailflows.test_reprise import kill_at
from tests.registry.fabrique import generate

NOMBRE = 1_000
GRAND = 2_000
TETE = Tete("lot", bytes(32), datetime(2026, 7, 1, tzinfo=UTC))


async def test_a_batch_of_a_thousand_files(monde: Monde) -> None:
    """[COU-6] [COU-32] [COU-13]"""
    partenaire = monde.partenaire("G1104", genre=TypeGuichet.BAILLEUR)
    pieces = [Piece(f"DEM{rang:04}.xml", generate(f"millier {rang}")) for rang in range(NOMBRE)]
    async with asyncio.timeout(180):
        parts = await partenaire.answer_to(await partenaire.post(*pieces, archive=True))
    fichiers = [fichier for part in parts if part.accuse for fichier in part.accuse.fichiers]
    assert [fichier.nom for fichier in fichiers] == [piece.nom for piece in pieces]
    assert {fichier.verdict for fichier in fichiers} <= {Verdict.ACCEPTE, Verdict.REFUSE}
    answered = {piece.nom: piece.contenu for part in parts for piece in part.fichiers}
    assert all(nom in answered for fichier in fichiers for nom in fichier.reponses)
    accepted = [fichier for fichier in fichiers if fichier.verdict is Verdict.ACCEPTE]
    assert len({fichier.numero for fichier in accepted}) == len(accepted) == monde.count("demande")
    # Two drawn persons may be the same: those are refused as doublons, and nobody else is.
    assert {fichier.code for fichier in fichiers} <= {"", "DBL001"}
    assert len(accepted) > NOMBRE * 0.95


async def test_a_message_of_ten_megabytes(monde: Monde) -> None:
    """[COU-5] [COU-3]"""
    partenaire = monde.partenaire()
    # What does not deflate, so that it is large all the way; refused as no document, byte for byte.
    large = b"<a>" + random.Random(1).randbytes(5 << 20).hex().encode()[: 10 << 20] + b"</a>"
    async with asyncio.timeout(120):
        (recu,) = await partenaire.answer_to(
            await partenaire.post(Piece("DEM1.xml", generate("à côté")), Piece("GROS.xml", large))
        )
    assert recu.accuse is not None
    assert [fichier.verdict for fichier in recu.accuse.fichiers] == [Verdict.ACCEPTE, Verdict.REFUSE]
    (entrant,) = monde.entrants()
    assert entrant.taille > 10 << 20


@pytest.mark.slow
async def test_a_large_batch_killed_in_its_middle(monde: Monde) -> None:
    """[COU-12] [COU-32] [COU-35] Nothing twice, nothing lost, every file answered once, in several mails."""
    assert monde.courrier is not None
    await monde.courrier.stop()
    monde.reglages = replace(monde.reglages, taille_max=1 << 20)
    partenaire = monde.partenaire()
    pieces = [Piece(f"DEM{rang:04}.xml", generate(f"grand lot {rang}")) for rang in range(GRAND)]
    mail = await asyncio.to_thread(partenaire.compose, pieces, archive=True, message_id="lot")
    await kill_at(monde, partenaire, "milieu d'un lot", mail)
    committed = monde.count("demande")
    assert 1_000 < committed < GRAND - 500
    # Four windows were kept, and the fifth was not.
    assert monde.count("courrier_fichier") == 4 * FENETRE
    monde.courrier = await monde.start_courrier(reception=False)
    async with asyncio.timeout(400):
        parts = await partenaire.answer_to("lot@partenaire.example")
    fichiers = [fichier for part in parts if part.accuse for fichier in part.accuse.fichiers]
    assert [fichier.nom for fichier in fichiers] == [piece.nom for piece in pieces]
    assert len(parts) > 2
    accepted = [f for f in fichiers if f.verdict in (Verdict.ACCEPTE, Verdict.REJEU)]
    # What was committed before the death and not kept is a replay, and nothing else is.
    assert 0 < sum(f.verdict is Verdict.REJEU for f in fichiers) <= FENETRE
    assert len({fichier.numero for fichier in accepted}) == len(accepted) == monde.count("demande")
    assert monde.count("journal WHERE nature = 'CRE'") == len(accepted)
    assert {fichier.code for fichier in fichiers} <= {"", "DBL001"}
    assert len({part.id for part in parts}) == len(parts) == len(monde.sortants())


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3_000), st.sampled_from(Verdict)), min_size=1),
    st.integers(30_000, 200_000),
)
def test_the_parts_of_an_answer_hold_all_of_it_once(
    drawn: list[tuple[int, int, Verdict]], taille_max: int
) -> None:
    """[COU-32] [COU-35] In order, whatever the sizes; each says how many there are, and the worst verdict."""
    resultats = [resultat_of(rang, *each) for rang, each in enumerate(drawn, 1)]
    coupe = plan(lambda: resultats, taille_max)
    noms: list[str] = []
    for rang, debut, fin in coupe.parts():
        entite = compose(TETE, coupe, rang, [each for each in resultats if debut < each.rang <= fin])
        assert len(entite) * 1.9 <= taille_max, "signed then encrypted, it is twice in base64 again"
        accuse = accuse_of(entite)
        assert (accuse.partie, accuse.parties) == (rang, len(coupe.fins))
        assert accuse.verdict is max((each[2] for each in drawn), key=list(Verdict).index)
        noms += [fichier.nom for fichier in accuse.fichiers]
    assert noms == [resultat.accuse.nom for resultat in resultats]


def resultat_of(rang: int, nombre: int, taille: int, verdict: Verdict) -> Resultat:
    accuse = FichierAccuse(f"DEM{rang}.xml", bytes(32), verdict, "getNumUnique", str(uuid.UUID(int=rang)))
    contenu = random.Random(rang).randbytes(taille)
    return Resultat(rang, accuse, tuple(Fichier(f"R{rang}-{each}.xml", contenu) for each in range(nombre)))


def accuse_of(entite: bytes) -> Accuse:
    fichiers = read_files(entite, LimitesMessage())
    assert isinstance(fichiers, tuple)
    found = read_courrier(fichiers[0].contenu)
    assert isinstance(found, Accuse)
    return found
