"""Modifications: what changes, what does not, what is marked, and two guichets on one demande."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from sqlalchemy import Engine, func, select

from registry import anomalies_demande, anomalies_vie
from registry.lifecycle import Etat
from registry.registration import Enregistrement
from registry.tables import DEMANDE, DEMANDE_VERSION, DETENTION, IDENTITE, JOURNAL
from registry.verification import verify
from schemas.documents import DEMANDES, Document, read_document
from schemas.revision import MODIFIE
from tests.registry.fabrique import AUTRE_BAILLEUR, COMMUNE, RECU_LE, DecideurTemoin, demande_of
from tests.registry.vies import (
    accept,
    change_all,
    changement_of,
    created,
    numero_of,
    refused,
    sent,
    situation_of,
)


def marked(document: bytes) -> list[str]:
    root = demande_of(document).root
    return [str(e.tag).rpartition("}")[2] for e in root.iter() if MODIFIE in e.attrib]


def test_a_modification_makes_a_version(engine: Engine) -> None:
    """[VIE-10] Journal, version, situation, holder and event; the certified date stays the first."""
    document = created(engine)
    data = sent(document, "MOD", guichet=AUTRE_BAILLEUR)
    temoin = DecideurTemoin()
    (fait,) = change_all(engine, [changement_of(data, AUTRE_BAILLEUR)], temoin)
    assert isinstance(fait, Enregistrement)
    with engine.connect() as conn:
        demande = conn.execute(select(DEMANDE)).one()
        version = conn.execute(select(DEMANDE_VERSION).where(DEMANDE_VERSION.c.version == 2)).one()
        entree = conn.execute(select(JOURNAL).where(JOURNAL.c.version == 2)).one()
        detenteurs = set(conn.scalars(select(DETENTION.c.guichet)))
        assert verify(conn).intact
    assert (demande.etat, demande.version, demande.recue_le) == (Etat.ACTIVE, 2, RECU_LE)
    assert version.document == fait.fichier.contenu
    assert version.empreinte == entree.document == hashlib.sha256(fait.fichier.contenu).digest()
    assert (entree.nature, entree.guichet, entree.numero) == ("MOD", "G1226", fait.numero)
    assert detenteurs == {"G1104", "G1226"}
    (evenement,) = temoin.evenements
    assert (evenement.version, evenement.nature, evenement.auteur) == (2, "MOD", "G1226")
    assert isinstance(read_document(fait.fichier.contenu, DEMANDES), Document)


def test_exactly_what_changed_is_marked(engine: Engine) -> None:
    """[VIE-15] The mark of the request is not believed: what differs is marked, and nothing else."""
    document = created(engine, communes=["75113", "93066"])
    assert marked(document) == []
    data = sent(
        document,
        "MOD",
        ('<ns1:commune code="93066"', '<ns1:commune code="93048"'),
        ("<ns1:precision", '<ns1:precision ns1:modifie="true"'),
    )
    reponse = accept(engine, data)
    assert marked(reponse) == ["commune"]
    assert marked(accept(engine, sent(reponse, "MOD"))) == []
    assert situation_of(engine, numero_of(document)).communes == ("75113", "93048")


def test_what_is_gone_marks_what_held_it(engine: Engine) -> None:
    """[VIE-15]"""
    document = created(engine, communes=["75113", "93066", "92012"])
    place = '<ns1:localisationSouhaite><ns1:commune code="75113"/></ns1:localisationSouhaite>'
    if place not in document.decode():
        raise AssertionError(document.decode())
    assert marked(accept(engine, sent(document, "MOD", (place, "")))) == ["listeLocalisationSouhaite"]


def test_a_replayed_modification_gets_the_first_answer(engine: Engine) -> None:
    """[VIE-16]"""
    document = created(engine)
    data = sent(document, "MOD")
    premier = accept(engine, data)
    accept(engine, sent(document, "MOD", ecrit=RECU_LE + timedelta(hours=3)))
    second, troisieme = change_all(
        engine, [changement_of(data), changement_of(data, recu_le=RECU_LE + timedelta(days=3))]
    )
    assert isinstance(second, Enregistrement)
    assert isinstance(troisieme, Enregistrement)
    assert second.rejeu
    assert second.fichier.contenu == troisieme.fichier.contenu == premier
    with engine.connect() as conn:
        assert conn.scalar(select(func.count()).select_from(JOURNAL)) == 3


def test_the_later_of_two_guichets_is_told(engine: Engine) -> None:
    """[VIE-14] Written before the other's change was certified, the file is refused; nothing is lost."""
    document = created(engine)
    tard = sent(document, "MOD", guichet=AUTRE_BAILLEUR, ecrit=RECU_LE + timedelta(hours=1))
    accept(engine, sent(document, "MOD"), recu_le=RECU_LE + timedelta(hours=2))
    avant = situation_of(engine, numero_of(document))
    (refus,) = change_all(engine, [changement_of(tard, AUTRE_BAILLEUR, RECU_LE + timedelta(hours=3))])
    assert not isinstance(refus, Enregistrement)
    (anomalie,) = refus.anomalies
    assert anomalie.code == anomalies_vie.CONFLIT.code
    assert "version 2" in anomalie.message
    assert "G1104" in anomalie.message
    assert situation_of(engine, numero_of(document)) == avant
    relu = sent(avant.document, "MOD", guichet=AUTRE_BAILLEUR, ecrit=RECU_LE + timedelta(hours=4))
    accept(engine, relu, AUTRE_BAILLEUR, recu_le=RECU_LE + timedelta(hours=5))


def test_two_guichets_in_one_batch(engine: Engine) -> None:
    """[VIE-14] The second of a batch sees what the first made."""
    document = created(engine)
    un = changement_of(sent(document, "MOD"))
    deux = changement_of(sent(document, "MOD", guichet=AUTRE_BAILLEUR), AUTRE_BAILLEUR)
    premier, second = change_all(engine, [un, deux])
    assert isinstance(premier, Enregistrement)
    assert not isinstance(second, Enregistrement)
    assert [a.code for a in second.anomalies] == [anomalies_vie.CONFLIT.code]


def test_an_old_file_is_told_even_after_one_s_own_newer_file(engine: Engine) -> None:
    """[VIE-14] What counts is the last change by another, not who made the current version."""
    document = created(engine)
    vieux = sent(document, "MOD", guichet=AUTRE_BAILLEUR, ecrit=RECU_LE + timedelta(minutes=5))
    deux = accept(engine, sent(document, "MOD"), recu_le=RECU_LE + timedelta(hours=2))
    frais = sent(deux, "MOD", guichet=AUTRE_BAILLEUR, ecrit=RECU_LE + timedelta(hours=3))
    accept(engine, frais, AUTRE_BAILLEUR, recu_le=RECU_LE + timedelta(hours=4))
    codes = refused(engine, vieux, AUTRE_BAILLEUR, recu_le=RECU_LE + timedelta(hours=5))
    assert codes == [anomalies_vie.CONFLIT.code]


def test_the_token_of_the_version_is_exact(engine: Engine) -> None:
    """[VIE-13] Brought back, incrementFichier decides alone: the same guichet is told too."""
    document = created(engine)
    assert demande_of(document).increment_fichier == "V000001"
    deux = accept(engine, sent(document, "MOD", jeton=True))
    assert demande_of(deux).increment_fichier == "V000002"
    codes = refused(engine, sent(document, "MOD", jeton=True, ecrit=RECU_LE + timedelta(days=1)))
    assert codes == [anomalies_vie.CONFLIT.code]
    accept(
        engine,
        sent(deux, "MOD", jeton=True, ecrit=RECU_LE - timedelta(days=9), guichet=AUTRE_BAILLEUR),
        AUTRE_BAILLEUR,
    )


def test_a_counter_of_the_partner_is_no_token(engine: Engine) -> None:
    """[VIE-13]"""
    document = created(engine)
    accept(engine, sent(document, "MOD", ("V000001", "000042"), jeton=True))


def test_what_never_changes_is_refused(engine: Engine) -> None:
    """[VIE-12] Date of deposit, territory, associated number, renewal and radiation."""
    document = created(engine, date_creation=RECU_LE.date() - timedelta(days=3))
    jour = "<ns1:dateCreationDemande>2026-06-28"
    assert refused(engine, sent(document, "MOD", (jour, jour[:-1] + "7"))) == [
        anomalies_vie.DEPOT_DISCORDANT.code
    ]
    assert refused(
        engine,
        sent(
            document,
            "MOD",
            ("</ns1:numUnique>", "</ns1:numUnique><ns1:numUniqueAssocie>1</ns1:numUniqueAssocie>"),
        ),
    ) == [anomalies_vie.PARTIE_RESERVEE.code]


def test_another_territory_is_another_demande(engine: Engine) -> None:
    """[VIE-12]"""
    document = created(engine, communes=["75113"])
    assert refused(engine, sent(document, "MOD", ('commune code="75113"', 'commune code="59350"'))) == [
        anomalies_vie.AUTRE_TERRITOIRE.code
    ]


def test_a_demande_out_of_reach_does_not_exist(engine: Engine) -> None:
    """[VIE-4] Unknown or not readable: the same refusal."""
    document = created(engine, communes=["75113"])
    absent = document.replace(numero_of(document).encode(), b"1110626999999G1104")
    assert refused(engine, sent(absent, "MOD")) == [anomalies_demande.DEMANDE_HORS_PORTEE.code]
    assert refused(engine, sent(document, "MOD", guichet=COMMUNE), COMMUNE) == [
        anomalies_demande.DEMANDE_HORS_PORTEE.code
    ]


def test_a_file_without_number_is_told(engine: Engine) -> None:
    """[VIE-1]"""
    document = created(engine)
    sans = sent(document, "MOD", (f"<ns1:numUnique>{numero_of(document)}</ns1:numUnique>", ""))
    assert refused(engine, sans) == [anomalies_vie.SANS_NUMERO.code]


def test_a_changed_identity_is_searched_for_doublons(engine: Engine) -> None:
    """[VIE-17] A change of name may make a doublon; forced, it is registered, and the journal says so."""
    un, autre = created(engine, 1), created(engine, 2)
    personne = demande_of(autre).demandeur
    moi = demande_of(un).demandeur
    assert personne is not None
    assert moi is not None
    changes = [
        (f"<ns1:nom>{moi.nom}</ns1:nom>", f"<ns1:nom>{personne.nom}</ns1:nom>"),
        (f"<ns1:prenom>{moi.prenom}</ns1:prenom>", f"<ns1:prenom>{personne.prenom}</ns1:prenom>"),
        (f"<ns1:dateNaissance>{moi.date_naissance}", f"<ns1:dateNaissance>{personne.date_naissance}"),
    ]
    assert refused(engine, sent(un, "MOD", *changes)) == [anomalies_demande.DOUBLON.code]
    force = ("<ns1:precision", "<ns1:forcerDoublon>true</ns1:forcerDoublon><ns1:precision")
    if "forcerDoublon" not in un.decode():
        ordre = "<ns1:renouvellementElec" if "<ns1:renouvellementElec" in un.decode() else "<ns1:precision"
        force = (ordre, f"<ns1:forcerDoublon>true</ns1:forcerDoublon>{ordre}")
    accept(engine, sent(un, "MOD", *changes, force))
    with engine.connect() as conn:
        cles = set(conn.scalars(select(IDENTITE.c.cle).where(IDENTITE.c.numero == numero_of(un))))
        detail = conn.scalar(select(JOURNAL.c.detail).where(JOURNAL.c.version == 2))
    assert any(personne.date_naissance.isoformat() in cle for cle in cles)
    assert detail == '{"etat_civil":"change","identite":"changee"}'
