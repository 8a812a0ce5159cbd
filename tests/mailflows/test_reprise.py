"""The hub killed by SIGKILL between each step of the pipeline: nothing lost, nothing done twice."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from conformance.partenaire_courrier import PartenaireCourrier, Piece, Recu
from mailflows.entrant import Reglages
from schemas.courrier import Verdict
from tests.mailflows.enfant import ETAPES
from tests.mailflows.monde import Monde
from tests.registry.fabrique import generate

RACINE = Path(__file__).parents[2]


async def child(monde: Monde, etape: str) -> tuple[asyncio.subprocess.Process, int]:
    """The hub that will die at that step, and its port."""
    url = monde.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.mailflows.enfant", url, str(monde.pki.dossier)),
        *(str(monde.port_poste), etape),
        cwd=RACINE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    return process, int(await process.stdout.readline())


async def kill_at(monde: Monde, partenaire: PartenaireCourrier, etape: str, mail: bytes) -> None:
    """Send a mail to a hub that dies at that step."""
    process, port = await child(monde, etape)
    here = partenaire.echangeur
    partenaire.echangeur = type(here)(
        here.adresse, here.hote, port, here.chiffrement, here.empreinte, here.contexte
    )
    async with asyncio.timeout(60):
        await partenaire.send(mail)
        assert await process.wait() == -9
    partenaire.echangeur = here


async def parts_of(partenaire: PartenaireCourrier, message_id: str) -> list[Recu]:
    async with asyncio.timeout(60):
        return await partenaire.answer_to(f"{message_id}@partenaire.example")


@pytest.mark.parametrize("etape", ETAPES)
async def test_killed_at_each_step_of_a_message(monde: Monde, etape: str) -> None:
    """[COU-3] [COU-12] [COU-34]"""
    assert monde.courrier is not None
    await monde.courrier.stop()
    partenaire = monde.partenaire()
    documents = [generate(f"{etape} {rang}") for rang in range(3)]
    mail = partenaire.compose(
        [Piece(f"DEM{rang}.xml", document) for rang, document in enumerate(documents)], message_id="tue"
    )
    await kill_at(monde, partenaire, etape, mail)
    monde.courrier = await monde.start_courrier(reception=False)
    (recu, *_) = await parts_of(partenaire, "tue")
    assert recu.accuse is not None
    assert [fichier.nom for fichier in recu.accuse.fichiers] == ["DEM0.xml", "DEM1.xml", "DEM2.xml"]
    # What was committed before the death is a replay; in any case each demande is there once, with the number
    # that the partner reads.
    assert all(f.verdict in (Verdict.ACCEPTE, Verdict.REJEU) for f in recu.accuse.fichiers)
    with monde.engine.connect() as conn:
        numeros = set(conn.scalars(text("SELECT numero FROM demande")))
        journal = conn.scalars(text("SELECT count(*) FROM journal WHERE nature = 'CRE'")).one()
    assert {fichier.numero for fichier in recu.accuse.fichiers} == numeros
    assert journal == len(documents)
    (sortant,) = monde.sortants()
    await monde.until("envoye", lambda: monde.sortants()[0].situation.etat)
    # The mail that had left before the death leaves again, under the same identifier: never another answer.
    assert {each.id for each in partenaire.recus} == {str(sortant.id)}
    (entrant,) = monde.entrants()
    assert entrant.etat == "traite"


@pytest.mark.parametrize("etape", ["accusé", "accusé enregistré"])
async def test_killed_while_an_accuse_is_taken(monde: Monde, etape: str) -> None:
    """[COU-12] [COU-43]"""
    await monde.restart(Reglages(accuse_attendu=True))
    partenaire = monde.partenaire()
    mail = partenaire.compose([Piece("DEM.xml", generate(etape))], message_id="a-accuser")
    await partenaire.send(mail)
    (recu,) = await parts_of(partenaire, "a-accuser")
    await monde.until("attend_accuse", lambda: monde.sortants()[0].situation.etat)
    assert monde.courrier is not None
    await monde.courrier.stop()
    sent: list[bytes] = []

    async def keep(mail: bytes, expediteur: str | None = None) -> str:
        sent.append(mail)
        return ""

    send = partenaire.send
    partenaire.send = keep  # type: ignore[method-assign]
    await partenaire.acknowledge(recu)
    partenaire.send = send  # type: ignore[method-assign]
    await kill_at(monde, partenaire, etape, sent[0])
    assert monde.sortants()[0].situation.etat == "attend_accuse"
    monde.courrier = await monde.start_courrier(reception=False)
    await monde.until("acquitte", lambda: monde.sortants()[0].situation.etat)


async def test_a_message_that_fails_again_and_again_is_shown(monde: Monde) -> None:
    """[COU-12] [COU-34] It never blocks the others, and its good files are answered."""
    partenaire = monde.partenaire()
    bad = generate("empoisonnée")
    original = monde.traitement.get_num_unique

    async def fail(echange: object, fichier: bytes) -> object:
        if fichier == bad:
            raise RuntimeError("à chaque fois")
        return await original(echange, fichier)  # type: ignore[arg-type]

    monde.traitement.get_num_unique = fail  # type: ignore[method-assign, assignment]
    pieces = [Piece("bon.xml", generate("bonne")), Piece("mauvais.xml", bad)]
    identifier = await partenaire.post(*pieces)
    assert monde.courrier is not None
    for _ in range(3):
        await monde.until(True, lambda: monde.entrants()[0].motif.startswith("interrompu"))
        with monde.engine.begin() as conn:
            conn.execute(
                text("UPDATE courrier_entrant SET motif = '', prochaine_tentative = :i"), {"i": monde.now}
            )
    async with asyncio.timeout(20):
        (recu,) = await partenaire.answer_to(identifier)
    assert recu.accuse is not None
    assert [(f.verdict, f.code) for f in recu.accuse.fichiers] == [
        (Verdict.ACCEPTE, ""),
        (Verdict.ECHEC, "COU090"),
    ]
