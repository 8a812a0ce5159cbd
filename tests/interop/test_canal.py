"""Signed mail through real servers, from the partner's mail to the answer in its mailbox."""

from __future__ import annotations

import pytest

from schemas.courrier import Verdict
from schemas.generation import generate_demandes
from tests.interop.canal import PAR_IMAP, Canal
from tests.interop.serveurs import eventually

pytestmark = [pytest.mark.foreign, pytest.mark.slow]


def test_from_the_mail_of_a_partner_to_the_answer_in_its_mailbox(canal: Canal) -> None:
    """[COU-3] [COU-8]"""
    partner = canal.correspondant(canal.next_code())
    before = canal.demandes()
    demandes = list(generate_demandes(f"canal {partner.code}", 3, guichet=partner.code, association=False))
    partner.post("une", demandes[0])
    canal.postfix.send(
        partner.compose("claire", demandes[1], detache=True), canal.adresse, partner.robot.adresse
    )
    partner.post("deux", demandes[2], b"<pas-du-xml")
    eventually(lambda: {"une", "claire", "deux"} <= set(partner.collect()), canal.journal, 90)
    for cle in ("une", "claire"):
        (recu,) = partner.vus[cle]
        assert recu.chiffre
        assert recu.accuse is not None
        assert recu.accuse.verdict is Verdict.ACCEPTE
    accuse = partner.vus["deux"][0].accuse
    assert accuse is not None
    assert [fichier.verdict for fichier in accuse.fichiers] == [Verdict.ACCEPTE, Verdict.REFUSE]
    assert len(canal.demandes()) == len(before) + 3
    if canal.adresse == PAR_IMAP:
        eventually(lambda: canal.dovecot.count("echangeur", "Traites") == 3, canal.dovecot.journal)
        assert canal.dovecot.count("echangeur") == 0
