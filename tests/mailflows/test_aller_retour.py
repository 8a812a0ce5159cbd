"""A partner by mail: its files registered, answered, replayed, as over SOAP."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import aiosmtplib
import pytest
from sqlalchemy import text

from certs.enveloppe import encrypt
from certs.signature import sign
from conformance.partenaire_courrier import PartenaireCourrier, Piece, Recu
from mailflows.entrant import Reglages
from registry.echanges import Canal, Echange, Emetteur, ReponseNumUnique
from registry.guichets_store import get_guichet
from schemas.courrier import Requete, Verdict, write_requete
from tests.mailflows.monde import Monde
from tests.registry.fabrique import echange_of, generate


async def answer(partenaire: PartenaireCourrier, *pieces: Piece, archive: bool = False) -> Recu:
    """Send files; the only part of the answer."""
    async with asyncio.timeout(30):
        identifier = await partenaire.post(*pieces, archive=archive)
        (recu,) = await partenaire.answer_to(identifier)
    return recu


async def answer_to_mail(partenaire: PartenaireCourrier, mail: bytes, message_id: str) -> Recu:
    async with asyncio.timeout(30):
        await partenaire.send(mail)
        (recu,) = await partenaire.answer_to(f"{message_id}@partenaire.example")
    return recu


async def test_a_signed_file_gets_its_number_in_a_signed_and_encrypted_answer(monde: Monde) -> None:
    """[COU-1] [COU-2] [COU-30] [COU-33]"""
    partenaire = monde.partenaire()
    recu = await answer(partenaire, Piece("DEMG1104-202606301200-000001.xml", generate("courrier 1")))
    assert recu.chiffre
    assert recu.accuse is not None
    assert recu.accuse.verdict is Verdict.ACCEPTE
    (fichier,) = recu.accuse.fichiers
    assert (fichier.operation, fichier.verdict) == ("getNumUnique", Verdict.ACCEPTE)
    assert len(fichier.numero) == 18
    (reponse,) = recu.fichiers
    assert reponse.nom in fichier.reponses
    assert fichier.numero.encode() in reponse.contenu
    assert recu.sujet == f"[echangeur] REPONSE G1104 {recu.id}"
    (entrant,) = monde.entrants()
    assert (entrant.etat, entrant.guichet, entrant.fichiers) == ("traite", "G1104", 1)
    assert recu.accuse.empreinte == entrant.contenu


async def test_clear_signed_and_bare_cms_are_read_too(monde: Monde) -> None:
    """[COU-1]"""
    partenaire = monde.partenaire()
    mail = partenaire.compose([Piece("DEM.xml", generate("clair"))], detache=True, message_id="clair")
    recu = await answer_to_mail(partenaire, mail, "clair")
    assert recu.accuse is not None
    assert recu.accuse.verdict is Verdict.ACCEPTE

    signed = sign(generate("nu"), [partenaire.paire], instant=monde.now)
    mail = partenaire.wrap(encrypt(signed, [monde.pki.hub.certificat]), message_id="nu")
    recu = await answer_to_mail(partenaire, mail, "nu")
    assert recu.accuse is not None
    assert recu.accuse.verdict is Verdict.ACCEPTE


async def test_what_was_registered_is_read_by_its_number(monde: Monde) -> None:
    """[COU-22]"""
    partenaire = monde.partenaire()
    created = await answer(partenaire, Piece("DEM.xml", generate("courrier 2")))
    assert created.accuse is not None
    numero = created.accuse.fichiers[0].numero
    requete = write_requete(Requete("getDemandeLogement", parametres={"numUnique": numero}))
    recu = await answer(partenaire, Piece("lire.xml", requete))
    assert recu.accuse is not None
    assert recu.accuse.fichiers[0].verdict is Verdict.ACCEPTE
    assert numero.encode() in recu.fichiers[0].contenu


async def test_doublons_and_lists_of_dalo(monde: Monde) -> None:
    """[COU-20] [COU-22]"""
    partenaire = monde.partenaire()
    document = generate("doublon")
    await answer(partenaire, Piece("DEM.xml", document))
    recu = await answer(partenaire, Piece("DBLG1104.xml", document))
    assert recu.accuse is not None
    assert recu.accuse.fichiers[0].operation == "getDoublons"
    assert b"listeDoublons" in recu.fichiers[0].contenu
    depuis = (monde.now - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S")
    lists = [
        Piece(
            "a.xml",
            write_requete(Requete("getNouveauxDaloDepuisLe", "", {"dateNouveauDaloDepuisLe": depuis})),
        ),
        Piece(
            "b.xml",
            write_requete(Requete("getDemandesRadieesDepuisLe", "", {"dateRadiationDepuisLe": depuis})),
        ),
        Piece(
            "c.xml",
            write_requete(Requete("getDemandesRadieesDepuisLe", "", {"dateRadiationDepuisLe": "hier"})),
        ),
    ]
    recu = await answer(partenaire, *lists)
    assert recu.accuse is not None
    verdicts = [(fichier.verdict, fichier.code) for fichier in recu.accuse.fichiers]
    assert verdicts == [(Verdict.ACCEPTE, ""), (Verdict.ACCEPTE, ""), (Verdict.REFUSE, "COU014")]


async def test_a_refusal_is_the_one_that_soap_gives(monde: Monde) -> None:
    """[COU-24]"""
    partenaire = monde.partenaire()
    bad = generate("ailleurs", territoire="069")
    recu = await answer(partenaire, Piece("DEM.xml", bad), Piece("DEM2.xml", b"<interfaceNuu/>"))
    assert recu.accuse is not None
    assert recu.accuse.verdict is Verdict.REFUSE
    with monde.engine.connect() as conn:
        guichet = get_guichet(conn, "G1104")
    assert guichet is not None
    echange = echange_of(guichet, bad)
    await monde.traitement.receive(echange)
    direct = await monde.traitement.get_num_unique(
        Echange(echange.id, Emetteur(guichet, "ab" * 32), Canal.SOAP, "", monde.now, bad), bad
    )
    assert isinstance(direct, ReponseNumUnique)
    first, second = recu.accuse.fichiers
    assert first.code.encode() in direct.demande.contenu
    by_mail = recu.fichiers[0].contenu
    # But for the header, which holds the instant, the same document.
    assert by_mail.partition(b"<demande>")[2] == direct.demande.contenu.partition(b"<demande>")[2]
    # What no document can carry is said by the accusé, with the anomalies.
    assert second.reponses == ()
    assert second.anomalies[0].code == second.code != ""


@pytest.mark.parametrize("archive", [False, True])
async def test_several_files_and_an_archive_of_files(monde: Monde, archive: bool) -> None:
    """[COU-6]"""
    partenaire = monde.partenaire()
    pieces = [Piece(f"DEM{rang}.xml", generate(f"lot {rang}")) for rang in range(5)]
    recu = await answer(partenaire, *pieces, archive=archive)
    assert recu.accuse is not None
    assert [fichier.nom for fichier in recu.accuse.fichiers] == [piece.nom for piece in pieces]
    assert len({fichier.numero for fichier in recu.accuse.fichiers}) == 5
    assert len(recu.fichiers) == 5


async def test_the_same_file_gets_its_first_answer_whatever_mail_brings_it(monde: Monde) -> None:
    """[COU-10]"""
    partenaire = monde.partenaire()
    piece = Piece("DEM.xml", generate("rejeu"))
    first = await answer(partenaire, piece)
    other = await answer(partenaire, Piece("AUTRE.xml", piece.contenu), piece)
    assert first.accuse is not None
    assert other.accuse is not None
    assert other.accuse.verdict is Verdict.REJEU
    assert {f.contenu for f in other.fichiers} == {first.fichiers[0].contenu}
    assert monde.count("demande") == 1


async def test_the_same_content_in_another_mail_is_answered_again(monde: Monde) -> None:
    """[COU-10] Its unsigned bytes differ; what was signed does not."""
    partenaire = monde.partenaire()
    mail = partenaire.compose([Piece("DEM.xml", generate("deux fois"))], message_id="un")
    await answer_to_mail(partenaire, mail, "un")
    monde.clock.advance(timedelta(seconds=1))
    await answer_to_mail(
        partenaire, mail.replace(b"<un@", b"<deux@").replace(b"Subject: envoi", b"Subject: x"), "deux"
    )
    second, first = monde.entrants()
    assert second.doublon_de == first.id
    one, two = (recu.fichiers for recu in partenaire.recus)
    assert one == two
    assert monde.count("demande") == 1


async def test_by_soap_then_by_mail_is_a_replay(monde: Monde) -> None:
    """[COU-50] [COU-10]"""
    partenaire = monde.partenaire()
    document = generate("deux canaux")
    with monde.engine.connect() as conn:
        guichet = get_guichet(conn, "G1104")
    assert guichet is not None
    echange = echange_of(guichet, document, monde.now)
    await monde.traitement.receive(echange)
    direct = await monde.traitement.get_num_unique(echange, document)
    assert isinstance(direct, ReponseNumUnique)
    recu = await answer(partenaire, Piece("DEM.xml", document))
    assert recu.accuse is not None
    assert recu.accuse.verdict is Verdict.REJEU
    assert recu.fichiers[0] == Piece(direct.demande.nom, direct.demande.contenu)


async def test_a_resend_after_a_refusal_is_no_duplicate(monde: Monde) -> None:
    """[COU-11]"""
    partenaire = monde.partenaire(territoires=("059",))
    piece = Piece("DEM.xml", generate("plus tard", territoire="111"))
    refused = await answer(partenaire, piece)
    assert refused.accuse is not None
    assert refused.accuse.verdict is Verdict.REFUSE
    with monde.engine.begin() as conn:
        conn.execute(text("UPDATE guichet SET territoires = '{111,059}'"))
        conn.execute(text("UPDATE generation SET valeur = valeur + 1 WHERE nom = 'identites'"))
    monde.clock.advance(timedelta(seconds=2))
    accepted = await answer(partenaire, piece)
    assert accepted.accuse is not None
    assert accepted.accuse.verdict is Verdict.ACCEPTE


async def test_the_listener_takes_what_is_for_us_and_nothing_else(monde: Monde) -> None:
    """[COU-5]"""
    partenaire = monde.partenaire()
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
        await aiosmtplib.send(
            b"Subject: x\r\n\r\nx",
            sender="a@b.fr",
            recipients=["autre@hub.example"],
            hostname="localhost",
            port=monde.port,
            tls_context=monde.pki.client(),
        )
    with pytest.raises(aiosmtplib.SMTPException):
        await aiosmtplib.send(
            b"Subject: x\r\n\r\nx",
            sender="a@b.fr",
            recipients=["echangeur@hub.example"],
            hostname="localhost",
            port=monde.port,
            start_tls=False,
        )
    with pytest.raises(aiosmtplib.SMTPException, match="552"):
        await partenaire.send(partenaire.compose([Piece("x", b"")]) + b"x" * (33 << 20))
    assert monde.entrants() == ()


async def test_an_answer_too_large_leaves_in_numbered_parts(monde: Monde) -> None:
    """[COU-32]"""
    await monde.restart(Reglages(taille_max=300_000))
    partenaire = monde.partenaire()
    pieces = [Piece(f"DEM{rang}.xml", generate(f"grand lot {rang}")) for rang in range(45)]
    async with asyncio.timeout(60):
        parts = await partenaire.answer_to(await partenaire.post(*pieces))
    assert len(parts) > 1
    accuses = [part.accuse for part in parts if part.accuse is not None]
    assert [accuse.partie for accuse in accuses] == list(range(1, len(parts) + 1))
    assert [f.nom for accuse in accuses for f in accuse.fichiers] == [piece.nom for piece in pieces]
    assert sum(len(part.fichiers) for part in parts) == 45
    assert parts[0].sujet.endswith(f"(1/{len(parts)})")
