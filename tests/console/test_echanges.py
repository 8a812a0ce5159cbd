"""Exchanges and mails in the console: found, told in plain words, given as they came to those entitled."""

from __future__ import annotations

import csv
import io
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from console.profils import ProfilCompte
from mailflows.entrants import EtatEntrant, get_entrant
from mailflows.etats import Etat
from mailflows.sortants import get_sortant
from registry.exchanges_store import read_octets
from registry.traces import list_traces
from tests.console.flux import MOTIF, add_quarantaine, add_reponse
from tests.console.monde import AILLEURS, AUTRE, NOTRE
from tests.console.navigateur import Navigateur, Page

AGENT = (ProfilCompte.GUICHET, NOTRE)
EXPLOITANT = (ProfilCompte.EXPLOITANT, "")
GESTIONNAIRE = (ProfilCompte.GESTIONNAIRE, "059")
Lit = Callable[..., Awaitable[Page]]


def refuse(console: Navigateur, code: str = "DEM103", statut: str = "refuse") -> None:
    """The exchange of NOTRE was refused."""
    with console.services.engine.begin() as conn:
        conn.execute(
            text("UPDATE echange SET statut = :statut, code = :code, numero = NULL WHERE guichet = :g"),
            {"statut": statut, "code": code, "g": NOTRE},
        )


async def test_each_sees_the_exchanges_in_his_sight(console: Navigateur) -> None:
    """[FLX-20]"""
    ours, theirs, far = (str(console.monde.echanges[code]) for code in (NOTRE, AUTRE, AILLEURS))
    for qui, expected in (
        (AGENT, (True, False, False)),
        (GESTIONNAIRE, (True, True, False)),
        (EXPLOITANT, (True, True, True)),
    ):
        page = await console.get(f"/echanges?guichet={AUTRE if qui is AGENT else ''}", qui)
        assert (ours in page.html, theirs in page.html, far in page.html) == expected


@pytest.mark.parametrize(
    ("question", "trouve"),
    [
        ("statut=refuse", True),
        ("statut=accepte", False),
        ("code=dem103", True),
        ("code=DEM104", False),
        ("canal=soap", True),
        ("canal=courrier", False),
        ("operation=getDoublons", False),
        ("du={jour}&au={jour}", True),
        ("au={hier}", False),
        ("suite=00000000-0000-7000-8000-000000000000", False),
    ],
)
async def test_searching_exchanges(console: Navigateur, question: str, trouve: bool) -> None:
    """[FLX-20]"""
    refuse(console)
    jour = console.services.clock.now()
    question = question.format(jour=f"{jour:%Y-%m-%d}", hier=f"{jour - timedelta(days=1):%Y-%m-%d}")
    page = await console.get("/echanges?" + question, AGENT)
    assert page.statut == 200
    assert (str(console.monde.echanges[NOTRE]) in page.html) is trouve


async def test_the_exchanges_of_a_demande(console: Navigateur) -> None:
    """[FLX-20] Those that made it, of one's own guichet."""
    numero, echange = console.monde.demandes[NOTRE], str(console.monde.echanges[NOTRE])
    assert echange in (await console.get(f"/echanges?numero={numero}", AGENT)).html
    neighbour = (ProfilCompte.GUICHET, AUTRE)
    assert echange not in (await console.get(f"/echanges?numero={numero}", neighbour)).html


async def test_a_refusal_says_what_to_do_and_whose_turn_it_is(console: Navigateur) -> None:
    """[FLX-21]"""
    refuse(console)
    page = await console.get(f"/echanges/{console.monde.echanges[NOTRE]}", AGENT)
    for said in ("est postérieure au jour de réception", "Corriger dateCreationDemande", "DEM103"):
        assert said in page.texte
    assert "au guichet partenaire d'agir" in page.texte
    assert "serait refusé de nouveau" in page.texte
    refuse(console, "ZZZ999", "echec")
    page = await console.get(f"/echanges/{console.monde.echanges[NOTRE]}", AGENT)
    assert "n’est plus dans le catalogue" in page.texte


async def test_an_accepted_one_says_what_it_made(console: Navigateur) -> None:
    """[FLX-21]"""
    with console.services.engine.begin() as conn:
        conn.execute(
            text("UPDATE echange SET statut = 'accepte', numero = :n WHERE guichet = :g"),
            {"n": console.monde.demandes[NOTRE], "g": NOTRE},
        )
    page = await console.get(f"/echanges/{console.monde.echanges[NOTRE]}", AGENT)
    assert "Ce qu’il a fait" in page.texte
    assert "Création 1 1" in page.texte


async def test_the_message_is_given_as_it_came_and_never_shown(console: Navigateur) -> None:
    """[FLX-22] [TRA-1] A file that no browser renders; traced even when it was of no demande."""
    refuse(console)
    key = console.monde.echanges[NOTRE]
    page = await console.get(f"/echanges/{key}/message", AGENT)
    assert page.entetes["Content-Type"] == "application/octet-stream"
    assert page.entetes["Content-Disposition"].startswith("attachment")
    assert page.entetes["X-Content-Type-Options"] == "nosniff"
    assert page.entetes["Cache-Control"] == "no-store"
    with console.services.engine.connect() as conn:
        assert page.octets == read_octets(conn, key)
        (trace,) = list_traces(conn)
    assert (trace.operation, trace.utilisateur, trace.echange, trace.numeros) == (
        *("echanges.message", "guichet.g0591@exemple.fr"),
        *(key, ()),
    )
    for qui in ((ProfilCompte.GUICHET, AUTRE), EXPLOITANT, (ProfilCompte.AUDITEUR, "")):
        assert (await console.get(f"/echanges/{key}/message", qui)).statut in (403, 404)
    assert "/message" not in (await console.get(f"/echanges/{key}", EXPLOITANT)).html
    with console.services.engine.begin() as conn:
        conn.execute(text("DELETE FROM echange_brut"))
    page = await console.get(f"/echanges/{key}/message", AGENT)
    assert (page.statut, "CON602" in page.texte) == (404, True)


async def test_exchanges_are_kept_as_a_file(console: Navigateur) -> None:
    """[FLX-3]"""
    refuse(console)
    page = await console.get("/echanges/export.csv?statut=refuse", GESTIONNAIRE)
    rows = list(csv.DictReader(io.StringIO(page.octets.decode("utf-8-sig")), delimiter=";"))
    assert [(row["guichet"], row["code"]) for row in rows] == [(NOTRE, "DEM103")]
    assert "postérieure" in rows[0]["constat"]


async def test_the_quarantine_tells_why_and_what_to_do(console: Navigateur) -> None:
    """[FLX-23] Those of one's guichet; those of nobody known are for whoever sees everything."""
    ours, theirs, nobody = (add_quarantaine(console.monde, code) for code in (NOTRE, AUTRE, None))
    page = await console.get("/courriers/recus?etat=quarantaine", AGENT)
    assert (str(ours) in page.html, str(theirs) in page.html, str(nobody) in page.html) == (
        True,
        False,
        False,
    )
    page = await console.get("/courriers/recus?etat=quarantaine", EXPLOITANT)
    assert [str(key) in page.html for key in (ours, theirs, nobody)] == [True, True, True]
    page = await console.get(f"/courriers/message/{ours}", AGENT)
    assert MOTIF in page.texte
    assert "COU004" in page.texte
    for qui, key in ((AGENT, theirs), (AGENT, nobody), (GESTIONNAIRE, nobody), (AGENT, "x")):
        for suite in ("", "/octets"):
            assert (await console.get(f"/courriers/message/{key}{suite}", qui)).statut == 404
    assert (await console.get(f"/courriers/message/{nobody}", EXPLOITANT)).statut == 200


async def test_a_mail_is_given_as_it_came(console: Navigateur) -> None:
    """[FLX-22] [TRA-1]"""
    key = add_quarantaine(console.monde, NOTRE, b"octets du courrier")
    page = await console.get(f"/courriers/message/{key}/octets", AGENT)
    assert (page.octets, page.entetes["Content-Type"]) == (b"octets du courrier", "application/octet-stream")
    with console.services.engine.connect() as conn:
        assert [trace.echange for trace in list_traces(conn)] == [key]


async def test_the_operator_has_mail_handled_or_sent_again(console: Navigateur) -> None:
    """[FLX-24] Received or sent; the others may not."""
    recu, envoye = add_quarantaine(console.monde, NOTRE), add_reponse(console.monde, NOTRE)
    for key in (recu, envoye):
        assert (await console.post(f"/courriers/message/{key}/rejeu", {}, AGENT)).statut == 403
        page = await console.post(f"/courriers/message/{key}/rejeu", {}, EXPLOITANT)
        assert (page.statut, page.entetes["Location"]) == (303, f"/courriers/message/{key}")
    with console.services.engine.connect() as conn:
        entrant, sortant = get_entrant(conn, recu), get_sortant(conn, envoye)
    assert entrant is not None
    assert entrant.etat is EtatEntrant.RECU
    assert sortant is not None
    assert sortant.situation.etat is Etat.A_ENVOYER


async def test_a_mail_sent_tells_its_attempts(console: Navigateur) -> None:
    """[FLX-23]"""
    key = add_reponse(console.monde, NOTRE)
    page = await console.get("/courriers/envoyes?etat=echec", AGENT)
    assert str(key) in page.html
    page = await console.get(f"/courriers/message/{key}", EXPLOITANT)
    assert "550 boîte fermée" in page.texte
    assert "Envoyer de nouveau" in page.texte
    assert str(key) not in (await console.get("/courriers/envoyes", (ProfilCompte.GUICHET, AUTRE))).html
