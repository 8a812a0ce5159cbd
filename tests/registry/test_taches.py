"""The daily jobs: notices, radiations for want of renewal, erasure."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from sqlalchemy import Engine, func, select, text

from registry.controles import PARIS
from registry.effacement import erase, erase_exchanges
from registry.exchanges_store import (
    Issue,
    Statut,
    get_echange,
    read_octets,
    record_outcomes,
    record_receptions,
)
from registry.histoire import rebuild
from registry.lifecycle import Etat
from registry.numero_unique import compose
from registry.preavis import CanalPreavis, channel_of, due_rank, produce_notices
from registry.radiations_office import radiate_expired
from registry.registration import Enregistrement
from registry.regles import REGLES
from registry.tables import DEMANDE, DEMANDE_VERSION, ECHANGE_BRUT, IDENTITE, JOURNAL, REJEU
from registry.verification import verify
from tests.registry.fabrique import (
    PARTICULIER,
    DecideurTemoin,
    demande_of,
    echange_of,
    generate,
    recue_of,
    register_all,
)
from tests.registry.vies import accept, created, numero_of, radiation, renewal, situation_of

DEPOT = date(2026, 6, 15)


def at(jour: str) -> datetime:
    """Three in the morning, in Paris."""
    return datetime.fromisoformat(f"{jour}T03:00:00").replace(tzinfo=PARIS)


@pytest.fixture
def document(engine: Engine) -> bytes:
    return created(engine, date_creation=DEPOT)


def notices(engine: Engine, jour: str, **options: bool) -> list[tuple[str, int]]:
    return [(one.numero, one.rang) for one in produce_notices(engine, REGLES, at(jour), **options)]


def radiate(engine: Engine, jour: str, temoin: DecideurTemoin | None = None, **options: bool) -> list[str]:
    decideur = temoin or DecideurTemoin()
    return [one.numero for one in radiate_expired(engine, REGLES, at(jour), decideur, **options)]


def test_notices_come_two_months_then_one_month_before(engine: Engine, document: bytes) -> None:
    """[VIE-60] Each once; a dry run keeps nothing."""
    numero = numero_of(document)
    assert notices(engine, "2027-04-14") == []
    assert notices(engine, "2027-04-15", essai=True) == [(numero, 1)]
    assert notices(engine, "2027-04-15") == [(numero, 1)]
    assert notices(engine, "2027-04-16") == []
    assert notices(engine, "2027-05-15") == [(numero, 2)]
    assert notices(engine, "2027-05-15") == []


def test_a_renewal_makes_other_notices(engine: Engine, document: bytes) -> None:
    """[VIE-60] Those of the next expiry, and none of the one that passed."""
    notices(engine, "2027-04-15")
    jour = at("2027-05-01")
    accept(engine, renewal(document, "2027-05-01", ecrit=jour), recu_le=jour)
    assert notices(engine, "2027-05-15") == []
    assert notices(engine, "2028-03-01") == [(numero_of(document), 1)]


def test_a_late_first_notice_is_the_tracked_one() -> None:
    """[VIE-60] A month before the expiry, the tracked letter goes whether or not the first notice went."""
    fin = date(2027, 6, 15)
    assert due_rank(fin, date(2027, 5, 20), set(), REGLES) == 2
    assert due_rank(fin, date(2027, 5, 20), {1}, REGLES) == 2
    assert due_rank(fin, date(2027, 5, 20), {1, 2}, REGLES) is None


@pytest.mark.parametrize(
    ("rang", "mel", "telephone", "electronique", "canal"),
    [
        (1, "a@b.fr", "0199000000", False, CanalPreavis.MEL_ET_SMS),
        (1, "a@b.fr", "", False, CanalPreavis.MEL),
        (1, "", "0199000000", False, CanalPreavis.SMS),
        (1, "", "", True, CanalPreavis.LETTRE),
        (2, "a@b.fr", "", False, CanalPreavis.LETTRE_SUIVIE),
        (2, "a@b.fr", "", True, CanalPreavis.MEL),
        (2, "", "", True, CanalPreavis.LETTRE_SUIVIE),
    ],
)
def test_the_channel_is_the_lightest_that_is_lawful(
    rang: int, mel: str, telephone: str, electronique: bool, canal: CanalPreavis
) -> None:
    """[VIE-61]"""
    assert channel_of(rang, mel, telephone, electronique=electronique) is canal


def test_radiation_comes_at_the_thirteenth_month(engine: Engine, document: bytes) -> None:
    """[VIE-62] By the hub, told to the partners, in the journal; never before, never twice."""
    numero = numero_of(document)
    notices(engine, "2027-05-15")
    assert radiate(engine, "2027-07-14") == []
    assert radiate(engine, "2027-07-15", essai=True) == [numero]
    assert situation_of(engine, numero).etat is Etat.ACTIVE
    temoin = DecideurTemoin()
    assert radiate(engine, "2027-07-15", temoin) == [numero]
    assert radiate(engine, "2027-07-16") == []
    situation = situation_of(engine, numero)
    assert (situation.etat, situation.motif_radiation) == (Etat.RADIEE, "RADREN")
    assert situation.date_radiation == date(2027, 7, 15)
    (evenement,) = temoin.evenements
    assert (evenement.nature, evenement.auteur, evenement.version) == ("RAD", "00000", 2)
    trouvee = demande_of(situation.document).radiation
    assert trouvee is not None
    assert trouvee.motif == "RADREN"
    with engine.connect() as conn:
        assert rebuild(conn, numero) == situation
        assert verify(conn).intact


def test_who_was_not_told_is_not_radiated(engine: Engine, document: bytes) -> None:
    """[VIE-62] A notice at least a month before, whatever the delay of the job."""
    assert radiate(engine, "2027-12-01") == []
    assert notices(engine, "2027-12-01") == [(numero_of(document), 2)]
    assert radiate(engine, "2027-12-31") == []
    assert radiate(engine, "2028-01-01") == [numero_of(document)]


def test_a_reactivated_demande_has_a_respite_then_is_radiated_again(engine: Engine, document: bytes) -> None:
    """[VIE-42] [VIE-62]"""
    numero = numero_of(document)
    notices(engine, "2027-05-15")
    radiate(engine, "2027-07-15")
    jour = at("2027-09-01")
    accept(engine, radiation(document, "", "2027-09-01", ecrit=jour), recu_le=jour)
    assert radiate(engine, "2027-12-15") == []
    assert radiate(engine, "2027-12-16") == [numero]


def test_data_are_erased_a_year_after_the_radiation(engine: Engine, document: bytes) -> None:
    """[VIE-63] What proves and counts stays; what names does not."""
    numero = numero_of(document)
    jour = at("2026-07-02")
    accept(engine, radiation(document, "RADABA", "2026-07-02", ecrit=jour), recu_le=jour)
    vivante = created(engine, 2)
    assert list(erase(engine, REGLES, at("2027-07-01"))) == []
    assert list(erase(engine, REGLES, at("2027-07-02"), essai=True)) == [numero]
    assert list(erase(engine, REGLES, at("2027-07-02"))) == [numero]
    assert list(erase(engine, REGLES, at("2027-07-03"))) == []
    with engine.connect() as conn:
        for table in (DEMANDE_VERSION, IDENTITE, REJEU):
            numeros = set(conn.scalars(select(table.c.numero)))
            assert numeros == {numero_of(vivante)}, table.name
        assert conn.scalar(select(func.count()).select_from(ECHANGE_BRUT)) == 1
        ligne = conn.execute(select(DEMANDE).where(DEMANDE.c.numero == numero)).one()
        assert (ligne.etat, ligne.motif_radiation, ligne.date_depot) == (Etat.PURGEE, "RADABA", DEPOT)
        natures = conn.scalars(
            select(JOURNAL.c.nature).where(JOURNAL.c.numero == numero).order_by(JOURNAL.c.sequence)
        )
        assert list(natures) == ["CRE", "RAD", "PURGE"]
        assert rebuild(conn, numero) is None
        assert verify(conn).intact


def test_a_reactivation_cancels_the_erasure(engine: Engine, document: bytes) -> None:
    """[VIE-63]"""
    notices(engine, "2027-05-15")
    radiate(engine, "2027-07-15")
    jour = at("2027-09-01")
    accept(engine, radiation(document, "", "2027-09-01", ecrit=jour), recu_le=jour)
    assert list(erase(engine, REGLES, at("2028-09-01"))) == []


def test_a_false_erasure_is_seen(engine: Engine, document: bytes) -> None:
    """[VIE-63] A demande said erased that the journal does not say erased is a difference."""
    with engine.begin() as conn:
        conn.execute(text("DELETE FROM demande_version"))
        conn.execute(text("UPDATE demande SET etat = 'purgee'"))
    with engine.connect() as conn:
        assert not verify(conn).intact


@pytest.mark.parametrize(
    ("statut", "numero"),
    [(statut, "") for statut in Statut] + [(Statut.REJEU, "0591"), (Statut.ACCEPTE, "0591")],
)
def test_messages_that_brought_nothing_are_erased_after_the_retention(
    engine: Engine, statut: Statut, numero: str
) -> None:
    """[VIE-64] Whatever their outcome, a question included; those that made a version go with their demande,
    not before."""
    created(engine)
    instant = at("2026-07-02")
    sans_suite = echange_of(octets=b"<mel>jeanne@exemple.fr</mel>", recu_le=instant)
    with engine.begin() as conn:
        record_receptions(conn, [sans_suite])
        record_outcomes(conn, [Issue(sans_suite.id, statut, instant, numero=numero)])
    assert erase_exchanges(engine, REGLES, at("2027-07-01")) == 0
    assert erase_exchanges(engine, REGLES, at("2027-07-03"), essai=True) == 1
    with engine.connect() as conn:
        assert read_octets(conn, sans_suite.id) == sans_suite.octets
    assert erase_exchanges(engine, REGLES, at("2027-07-03")) == 1
    assert erase_exchanges(engine, REGLES, at("2027-07-03")) == 0
    with engine.connect() as conn:
        assert read_octets(conn, sans_suite.id) is None
        assert conn.scalar(select(func.count()).select_from(ECHANGE_BRUT)) == 1
        echange = get_echange(conn, sans_suite.id)
    assert echange is not None
    assert echange.taille == len(sans_suite.octets)


def test_those_of_a_systeme_particulier_are_told_and_radiated_like_the_others(engine: Engine) -> None:
    """[ENR-13] On the list of the day, then, for want of a renewal, radiated by the hub; it hears of it."""
    numero = str(compose("059", DEPOT, 500_001, PARTICULIER.code))
    options = {"communes": ["59350"], "date_creation": DEPOT, "avec_cotitulaire": False}
    data = generate(1, PARTICULIER, **options)  # type: ignore[arg-type]
    place = data.index(b"</ns1:numGuichet>") + len(b"</ns1:numGuichet>")
    data = data[:place] + f"<ns1:numUnique>{numero}</ns1:numUnique>".encode() + data[place:]
    (fait,) = register_all(engine, [recue_of(data, PARTICULIER)])
    assert isinstance(fait, Enregistrement), fait
    assert notices(engine, "2027-04-15") == [(numero, 1)]
    assert notices(engine, "2027-05-15") == [(numero, 2)]
    temoin = DecideurTemoin()
    assert radiate(engine, "2027-07-15", temoin) == [numero]
    (event,) = temoin.evenements
    assert (event.nature, event.numero) == ("RAD", numero)
