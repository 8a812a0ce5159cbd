"""Large messages: what a système particulier sends in a day."""

from __future__ import annotations

import asyncio
import random

from conformance.partenaire_courrier import Piece
from registry.guichets import TypeGuichet
from schemas.courrier import Verdict
from tests.mailflows.monde import Monde
from tests.registry.fabrique import generate

NOMBRE = 1_000


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
