"""What mail keeps of a demande goes with it; what waits too long goes too."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import text

from conformance.partenaire_courrier import Conduite, PartenaireCourrier, Piece, Recu
from mailflows.entrants import Depot, Source, record, replay
from mailflows.purge import purge
from registry.controles import PARIS
from registry.effacement import erase
from registry.regles import REGLES
from schemas.courrier import Requete, write_requete
from tests.mailflows.monde import Monde
from tests.registry.fabrique import generate

RADIATION = date(2026, 7, 2)
ECHUE = datetime(2027, 7, 2, 3, tzinfo=PARIS)


async def answered(partenaire: PartenaireCourrier, *pieces: Piece) -> Recu:
    async with asyncio.timeout(20):
        (recu,) = await partenaire.answer_to(await partenaire.post(*pieces))
    return recu


def numero_of(recu: Recu) -> str:
    assert recu.accuse is not None
    return recu.accuse.fichiers[0].numero


def radiate(monde: Monde, numero: str) -> None:
    with monde.engine.begin() as conn:
        conn.execute(
            text("UPDATE demande SET etat = 'radiee', date_radiation = :jour WHERE numero = :numero"),
            {"jour": RADIATION, "numero": numero},
        )


def kept(monde: Monde) -> tuple[int, int]:
    return monde.count("courrier_brut"), monde.count("courrier_contenu")


async def test_the_mails_of_a_demande_go_with_it(monde: Monde) -> None:
    """[COU-71] In and out, those that only named it included; those of the others stay."""
    partenaire = monde.partenaire()
    numero = numero_of(await answered(partenaire, Piece("DEM Jeanne Martin.xml", generate("effacée"))))
    requete = Requete("getDemandeLogement", parametres={"numUnique": numero})
    await answered(partenaire, Piece("requete.xml", write_requete(requete)))
    await answered(partenaire, Piece("DEM autre.xml", generate("gardée")))
    await monde.until({"envoye"}, lambda: {each.situation.etat for each in monde.sortants()})
    radiate(monde, numero)
    assert list(erase(monde.engine, REGLES, ECHUE, essai=True)) == [numero]
    assert kept(monde) == (3, 3)
    assert list(erase(monde.engine, REGLES, ECHUE)) == [numero]
    assert kept(monde) == (1, 1)
    with monde.engine.connect() as conn:
        noms = conn.scalars(text("SELECT nom FROM courrier_fichier"))
        assert sorted(noms) == ["", "", "DEM autre.xml"]
        empreintes = conn.scalars(text("SELECT octet_length(empreinte) FROM courrier_fichier"))
        assert list(empreintes) == [32, 32, 32]


async def test_an_answer_that_waited_never_leaves(monde: Monde) -> None:
    """[COU-71]"""
    partenaire = monde.partenaire()
    partenaire.conduite = Conduite.EN_PANNE
    await partenaire.post(Piece("DEM.xml", generate("en panne")))
    await monde.until(1, lambda: sum("451" in each.detail for each in monde.sortants()))
    with monde.engine.connect() as conn:
        numero = conn.scalars(text("SELECT numero FROM demande")).one()
    radiate(monde, numero)
    assert list(erase(monde.engine, REGLES, ECHUE)) == [numero]
    assert kept(monde) == (0, 0)
    (sortant,) = monde.sortants()
    assert (sortant.situation.etat, sortant.situation.prochaine) == ("echec", None)
    assert sortant.detail == "effacé avec une demande"


@pytest.mark.parametrize("etat", ["recu", "quarantaine"])
async def test_what_is_older_than_the_retention_goes_whatever_it_waits_for(monde: Monde, etat: str) -> None:
    """[COU-70] [COU-71] And is not handled again."""
    assert monde.courrier is not None
    await monde.courrier.stop()
    partenaire = monde.partenaire()
    mail = partenaire.compose([Piece("DEM.xml", generate("oubliée"))])
    with monde.engine.begin() as conn:
        identifiant = record(conn, Depot(Source.SMTP, mail, partenaire.adresse, monde.now))
        assert identifiant is not None
        conn.execute(text("UPDATE courrier_entrant SET etat = :etat"), {"etat": etat})
    later = monde.now + timedelta(days=1)
    with monde.engine.begin() as conn:
        assert purge(conn, monde.now, monde.now, instant=later) == (0, 0)
        assert purge(conn, monde.now, later, instant=later) == (1, 0)
        assert replay(conn, [identifiant], instant=later) == []
    assert monde.entrants()[0].etat == "quarantaine"
