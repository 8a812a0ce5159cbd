"""Registration in the database: one transaction, one order, one answer."""

from __future__ import annotations

import hashlib
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import Connection, Engine, event, func, select, text
from sqlalchemy.exc import DBAPIError

from registry import anomalies_demande as catalogue
from registry.evaluation import DemandeRecue
from registry.exchanges_store import read_octets
from registry.lifecycle import Etat
from registry.numero_unique import parse
from registry.registration import Enregistrement, RefusDemande, register
from registry.tables import COMPTEUR_NUMERO, DEMANDE, DEMANDE_VERSION, DETENTION, IDENTITE, JOURNAL, REJEU
from registry.verification import verify
from schemas.documents import DEMANDES, Document, read_document
from tests.registry.fabrique import (
    AUTRE_BAILLEUR,
    BAILLEUR,
    COMMUNE,
    PARTICULIER,
    RECU_LE,
    DecideurTemoin,
    demande_of,
    generate,
    recue_of,
    register_all,
)

DEPOT = date(2026, 6, 15)


def count(engine: Engine, table: object) -> int:
    with engine.connect() as conn:
        return conn.scalar(select(func.count()).select_from(table))


def test_a_registration_writes_everything_that_depends_on_it(engine: Engine) -> None:
    """[ENR-1]"""
    data = generate(1, avec_cotitulaire=True, lien="M", communes=["75113", "93048"], date_creation=DEPOT)
    recue = recue_of(data)
    temoin = DecideurTemoin()
    (fait,) = register_all(engine, [recue], temoin)
    assert isinstance(fait, Enregistrement)
    assert fait.numero == "1110626000001G1104"
    with engine.connect() as conn:
        demande = conn.execute(select(DEMANDE)).one()
        version = conn.execute(select(DEMANDE_VERSION)).one()
        entree = conn.execute(select(JOURNAL)).one()
        detention = conn.execute(select(DETENTION)).one()
        rejeu = conn.execute(select(REJEU)).one()
        identites = conn.execute(select(IDENTITE)).all()
        assert verify(conn).intact
    assert demande.etat == Etat.ACTIVE
    assert (demande.territoire, demande.guichet, demande.date_depot) == ("111", "G1104", DEPOT)
    assert demande.recue_le == entree.instant == version.instant == RECU_LE
    assert demande.communes == ["75113", "93048"]
    assert demande.types == list(recue.demande.types_logement)
    assert not demande.doublon_force
    assert version.document == fait.fichier.contenu
    assert version.empreinte == entree.document == hashlib.sha256(fait.fichier.contenu).digest()
    assert (entree.numero, entree.version, entree.nature) == (fait.numero, 1, "CRE")
    assert entree.echange == recue.echange.id
    assert (detention.guichet, detention.motif) == ("G1104", "auteur")
    assert (rejeu.numero, rejeu.nom_fichier) == (fait.numero, fait.fichier.nom)
    assert {(i.rang, i.role, i.cle) for i in identites} == {(c.rang, c.role, c.cle) for c in recue.cles}
    (evenement,) = temoin.evenements
    assert (evenement.numero, evenement.version, evenement.nature) == (fait.numero, 1, "CRE")
    assert (evenement.sequence, evenement.territoire, evenement.auteur) == (entree.sequence, "111", "G1104")


def test_the_answer_is_the_demande_with_its_number_valid_and_readable(engine: Engine) -> None:
    """[ENR-1]"""
    (fait,) = register_all(engine, [recue_of(generate(1))])
    assert isinstance(fait, Enregistrement)
    document = read_document(fait.fichier.contenu, DEMANDES)
    assert isinstance(document, Document)
    demande = demande_of(fait.fichier.contenu)
    assert demande.num_unique == fait.numero
    assert demande.type_fichier == "RET"


def test_a_replay_gets_the_first_answer_byte_for_byte(engine: Engine) -> None:
    """[ENR-3]"""
    data = generate(1)
    (premier,) = register_all(engine, [recue_of(data)])
    assert isinstance(premier, Enregistrement)
    tard = recue_of(data, recu_le=RECU_LE + timedelta(days=3))
    with engine.begin() as conn:
        second, troisieme = register(
            conn, [tard, tard], decideur=DecideurTemoin(), repondu_le=RECU_LE + timedelta(days=3)
        )
    assert second == troisieme == replace(premier, rejeu=True)
    assert count(engine, DEMANDE) == count(engine, JOURNAL) == 1


def test_a_replay_is_that_of_the_same_guichet_and_the_same_bytes(engine: Engine) -> None:
    """[ENR-3]"""
    data = generate(1, avec_cotitulaire=False)
    register_all(engine, [recue_of(data)])
    (autre,) = register_all(engine, [recue_of(data + b"\n")])
    assert isinstance(autre, RefusDemande)
    assert [a.code for a in autre.anomalies] == [catalogue.DOUBLON.code]


def test_a_file_refused_then_sent_again_is_evaluated_anew(engine: Engine) -> None:
    """[ENR-3] Refused because the number was taken: once it is free, the very same file is accepted."""
    tot = recue_of(generate(1, date_creation=DEPOT), recu_le=RECU_LE.replace(day=14, month=6))
    (refus,) = register_all(engine, [tot])
    assert isinstance(refus, RefusDemande)
    assert [a.code for a in refus.anomalies] == [catalogue.DEPOT_FUTUR.code]
    assert count(engine, JOURNAL) == 0
    (fait,) = register_all(engine, [recue_of(generate(1, date_creation=DEPOT))])
    assert isinstance(fait, Enregistrement)
    assert not fait.rejeu


def test_what_was_accepted_is_replayed_even_when_the_controls_now_refuse_it(engine: Engine) -> None:
    data = generate(1, communes=["75113"])
    (premier,) = register_all(engine, [recue_of(data)])
    perdu = replace(BAILLEUR, territoires=frozenset({"059"}))
    item = recue_of(data, perdu)
    assert item.anomalies
    (second,) = register_all(engine, [item])
    assert isinstance(premier, Enregistrement)
    assert second == replace(premier, rejeu=True)


def test_two_identical_persons_in_one_batch(engine: Engine) -> None:
    un = generate(1, avec_cotitulaire=False)
    deux = generate(1, avec_cotitulaire=False, forcer_doublon=False)
    premier, second = register_all(engine, [recue_of(un), recue_of(deux)])
    assert isinstance(premier, Enregistrement)
    assert isinstance(second, RefusDemande)
    (doublon,) = second.doublons.lisibles
    assert (doublon.numero, doublon.document) == (premier.numero, premier.fichier.contenu)
    assert premier.numero in second.anomalies[0].message
    assert count(engine, DEMANDE) == 1


def test_a_doublon_of_another_guichet_is_found_and_forcing_is_kept(engine: Engine) -> None:
    """[ENR-22]"""
    (premier,) = register_all(engine, [recue_of(generate(1, avec_cotitulaire=False))])
    autre = generate(1, AUTRE_BAILLEUR, avec_cotitulaire=False)
    (refus,) = register_all(engine, [recue_of(autre, AUTRE_BAILLEUR)])
    assert isinstance(refus, RefusDemande)
    force = generate(1, AUTRE_BAILLEUR, avec_cotitulaire=False, forcer_doublon=True)
    (fait,) = register_all(engine, [recue_of(force, AUTRE_BAILLEUR)])
    assert isinstance(premier, Enregistrement)
    assert isinstance(fait, Enregistrement)
    with engine.connect() as conn:
        assert conn.scalar(select(DEMANDE.c.doublon_force).where(DEMANDE.c.numero == fait.numero))
        detail = conn.scalar(select(JOURNAL.c.detail).where(JOURNAL.c.numero == fait.numero))
    assert json.loads(detail) == {"doublons": [premier.numero]}


def test_forcing_without_a_doublon_is_no_fact(engine: Engine) -> None:
    register_all(engine, [recue_of(generate(1, forcer_doublon=True))])
    with engine.connect() as conn:
        assert not conn.scalar(select(DEMANDE.c.doublon_force))
        assert conn.scalar(select(JOURNAL.c.detail)) == ""


def test_the_same_person_in_another_territory_is_no_doublon(engine: Engine) -> None:
    """[ENR-20] One demande per territory (regles §3)."""
    ici = generate(1, communes=["75113"], avec_cotitulaire=False)
    ailleurs = generate(1, communes=["59350"], avec_cotitulaire=False)
    assert all(
        isinstance(r, Enregistrement) for r in register_all(engine, [recue_of(ici), recue_of(ailleurs)])
    )


def test_a_demande_no_longer_active_is_no_doublon(engine: Engine) -> None:
    """[ENR-20]"""
    register_all(engine, [recue_of(generate(1, avec_cotitulaire=False))])
    with engine.begin() as conn:
        conn.execute(IDENTITE.update().values(active=False))
    (fait,) = register_all(engine, [recue_of(generate(1, avec_cotitulaire=False, forcer_doublon=False))])
    assert isinstance(fait, Enregistrement)


def test_a_doublon_out_of_reach_is_counted_and_not_shown(engine: Engine) -> None:
    """[ENR-21]"""
    (premier,) = register_all(engine, [recue_of(generate(1, communes=["75113"], avec_cotitulaire=False))])
    assert isinstance(premier, Enregistrement)
    sien = generate(1, COMMUNE, communes=["93066"], avec_cotitulaire=False)
    (refus,) = register_all(engine, [recue_of(sien, COMMUNE)])
    assert isinstance(refus, RefusDemande)
    assert (refus.doublons.lisibles, refus.doublons.caches) == ((), 1)
    assert [a.code for a in refus.anomalies] == [catalogue.DOUBLON_HORS_PERIMETRE.code]
    assert premier.numero not in refus.anomalies[0].message


def test_foreign_numbers_are_kept_and_never_given_again(engine: Engine) -> None:
    """[ENR-11]"""
    etranger = generate(
        1, PARTICULIER, num_unique="1110626000002G1104", communes=["75113"], date_creation=DEPOT
    )
    (venu,) = register_all(engine, [recue_of(etranger, PARTICULIER)])
    assert isinstance(venu, Enregistrement)
    assert venu.numero == "1110626000002G1104"
    notres = register_all(
        engine, [recue_of(generate(seed, communes=["75113"], date_creation=DEPOT)) for seed in (2, 3)]
    )
    assert [r.numero for r in notres if isinstance(r, Enregistrement)] == [
        "1110626000001G1104",
        "1110626000003G1104",
    ]
    double = generate(
        4, PARTICULIER, num_unique="1110626000003G1104", communes=["75113"], date_creation=DEPOT
    )
    (refus,) = register_all(engine, [recue_of(double, PARTICULIER)])
    assert isinstance(refus, RefusDemande)
    assert [a.code for a in refus.anomalies] == [catalogue.NUMERO_PRIS.code]


def test_counters_are_by_territory_and_month(engine: Engine) -> None:
    """[ENR-10]"""
    lot = [
        recue_of(generate(1, communes=["75113"], date_creation=date(2026, 6, 1))),
        recue_of(generate(2, communes=["75113"], date_creation=date(2026, 5, 31))),
        recue_of(generate(3, communes=["59350"], date_creation=date(2026, 6, 1))),
        recue_of(generate(4, communes=["75113"], date_creation=date(2026, 6, 30))),
    ]
    numeros = [r.numero for r in register_all(engine, lot) if isinstance(r, Enregistrement)]
    assert numeros == [
        "1110626000001G1104",
        "1110526000001G1104",
        "0590626000001G1104",
        "1110626000002G1104",
    ]


def test_an_exhausted_month_refuses_and_says_so(engine: Engine) -> None:
    """[ENR-10]"""
    with engine.begin() as conn:
        conn.execute(COMPTEUR_NUMERO.insert().values(territoire="111", mois="0626", dernier=999_999))
    (refus,) = register_all(engine, [recue_of(generate(1, communes=["75113"], date_creation=DEPOT))])
    assert isinstance(refus, RefusDemande)
    assert [a.code for a in refus.anomalies] == [catalogue.NUMEROS_EPUISES.code]
    assert count(engine, DEMANDE) == 0


def test_nothing_is_written_when_the_decision_fails(engine: Engine) -> None:
    """[ENR-1] Journal, number, demande and distribution hold together or not at all (design, decision 4)."""
    recue = recue_of(generate(1))
    temoin = DecideurTemoin()
    temoin.refuse = {recue.demande.ref_interne}
    with pytest.raises(DBAPIError):
        register_all(engine, [recue], temoin)
    tables = (DEMANDE, DEMANDE_VERSION, JOURNAL, DETENTION, IDENTITE, REJEU, COMPTEUR_NUMERO)
    assert [count(engine, table) for table in tables] == [0] * 7
    (fait,) = register_all(engine, [recue_of(generate(1))])
    assert isinstance(fait, Enregistrement)
    numero = parse(fait.numero)
    assert numero is not None
    assert numero.sequence == 1


def test_a_batch_that_registers_nothing_does_not_take_the_chain(engine: Engine) -> None:
    mauvaise = recue_of(generate(1, communes=["99999"]))
    with engine.connect() as autre, autre.begin():
        autre.execute(text("SELECT * FROM chaine FOR UPDATE"))
        with engine.begin() as conn:
            conn.execute(text("SET LOCAL lock_timeout = '1s'"))
            (refus,) = register(conn, [mauvaise], decideur=DecideurTemoin(), repondu_le=RECU_LE)
    assert isinstance(refus, RefusDemande)


def test_what_is_read_under_the_lock_includes_what_the_previous_holder_wrote(engine: Engine) -> None:
    """The one that waits for the chain began before the other committed: READ COMMITTED, lock first."""
    un = recue_of(generate(1, avec_cotitulaire=False))
    deux = recue_of(generate(1, AUTRE_BAILLEUR, avec_cotitulaire=False), AUTRE_BAILLEUR)
    attend = threading.Event()

    def second() -> object:
        with engine.begin() as conn:

            @event.listens_for(conn, "before_cursor_execute")
            def _note(*_: object) -> None:
                attend.set()

            return register(conn, [deux], decideur=DecideurTemoin(), repondu_le=RECU_LE)

    with ThreadPoolExecutor(1) as pool:
        with engine.begin() as conn:
            register(conn, [un], decideur=DecideurTemoin(), repondu_le=RECU_LE)
            resultat = pool.submit(second)
            assert attend.wait(10)
            _until_blocked(conn)
        (refus,) = resultat.result(10)
    assert isinstance(refus, RefusDemande)
    assert [a.code for a in refus.anomalies] == [catalogue.DOUBLON.code]


def _until_blocked(conn: Connection) -> None:
    """Until another backend of this database waits for a lock."""
    requete = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND wait_event_type = 'Lock'"
    )
    while not conn.scalar(requete):
        conn.execute(text("SELECT pg_stat_clear_snapshot()"))


def test_an_association_may_hold_several_demandes(engine: Engine) -> None:
    """[ENR-20]"""
    un = recue_of(generate(1, association=True))
    deux = recue_of(generate(1, association=True, forcer_doublon=False))
    assert all(isinstance(r, Enregistrement) for r in register_all(engine, [un, deux]))


def test_sixteen_threads_and_one_chain(engine: Engine) -> None:
    """Distinct numbers, an unbroken chain, contiguous sequences, whoever arrives first."""
    lots = [
        [recue_of(generate(100 * fil + rang, date_creation=DEPOT, communes=["75113"])) for rang in range(12)]
        for fil in range(16)
    ]

    def travail(lot: list[DemandeRecue]) -> list[str]:
        numeros = []
        for debut in range(0, len(lot), 3):
            for resultat in register_all(engine, lot[debut : debut + 3]):
                if isinstance(resultat, Enregistrement):
                    numeros.append(resultat.numero)
        return numeros

    with ThreadPoolExecutor(16) as pool:
        numeros = [numero for donnes in pool.map(travail, lots) for numero in donnes]
    sequences = sorted(numero.sequence for numero in map(parse, numeros) if numero is not None)
    assert sequences == list(range(1, len(numeros) + 1))
    with engine.connect() as conn:
        rapport = verify(conn)
        assert rapport.intact
        assert (
            rapport.chaine.entrees == len(numeros) == conn.scalar(select(func.count()).select_from(DEMANDE))
        )


def test_the_raw_echange_is_known(engine: Engine) -> None:
    """The journal names the exchange whose raw bytes are kept."""
    recue = recue_of(generate(1))
    register_all(engine, [recue])
    with engine.connect() as conn:
        echange = conn.scalar(select(JOURNAL.c.echange))
        assert read_octets(conn, echange) == recue.echange.octets
