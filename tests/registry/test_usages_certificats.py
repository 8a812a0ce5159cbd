"""Certificates by use and by window, and the watch over their end."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, Engine, update

from certs.autorite import Autorite, create_autorite
from registry.anomalies import Anomalie
from registry.certificats import (
    CertificatEpingle,
    Identites,
    certificat_de_chiffrement,
    list_certificats,
    pin_certificat,
    withdraw_certificat,
)
from registry.clock import FixedClock
from registry.guichets import Guichet, TypeGuichet
from registry.guichets_store import NouveauGuichet, add_guichet, get_guichet, set_capacites
from registry.surveillance_certificats import (
    Avis,
    Surveille,
    avis_a_envoyer,
    due,
    mark_envoye,
    palier_of,
    produce_avis,
)
from registry.tables import CERTIFICAT
from registry.usages_certificats import EtatCertificat, UsageCertificat
from tests.certs.identites import rsa_de

TLS, SIGNATURE, CHIFFREMENT = UsageCertificat
JOUR = timedelta(days=1)


@pytest.fixture
def autorite(clock: FixedClock) -> Autorite:
    return create_autorite(now=clock.now())


@pytest.fixture
def guichet(engine: Engine, clock: FixedClock) -> Guichet:
    nouveau = NouveauGuichet("G1104", "Logis", TypeGuichet.BAILLEUR, "552046484", frozenset({"111"}))
    with engine.begin() as conn:
        added = add_guichet(conn, nouveau, instant=clock.now())
    assert isinstance(added, Guichet)
    return added


def pin(
    conn: Connection,
    autorite: Autorite,
    instant: datetime,
    *usages: UsageCertificat,
    actif_du: datetime | None = None,
    jours: int = 730,
) -> CertificatEpingle:
    made = autorite.issue_guichet("G1104", now=instant, duree=timedelta(days=jours))
    pinned = pin_certificat(
        conn, "G1104", made.certificat, instant=instant, usages=frozenset(usages), actif_du=actif_du
    )
    assert isinstance(pinned, CertificatEpingle), pinned
    return pinned


def test_un_certificat_par_usage(
    engine: Engine, clock: FixedClock, autorite: Autorite, guichet: Guichet
) -> None:
    """[CER-1] One registered for the signature opens no TLS, and inversely; without a use named, all."""
    identites, now = Identites(engine, clock), clock.now()
    with engine.begin() as conn:
        signe, tous = pin(conn, autorite, now, SIGNATURE), pin(conn, autorite, now)
    assert signe.usages == {SIGNATURE}
    assert tous.usages == {TLS, SIGNATURE, CHIFFREMENT}
    refused = identites.identify(signe.empreinte)
    assert isinstance(refused, Anomalie)
    assert (refused.code, refused.attendu) == ("GUI006", "signature")
    assert not isinstance(identites.identify(signe.empreinte, SIGNATURE), Anomalie)
    assert not isinstance(identites.identify(tous.empreinte, SIGNATURE), Anomalie)
    with engine.connect() as conn:
        assert list_certificats(conn, "G1104") == (signe, tous)


def test_epingle_d_avant_les_usages_garde_les_siens(
    engine: Engine, clock: FixedClock, autorite: Autorite, guichet: Guichet
) -> None:
    """[CER-1] A row written before the migration has all the uses that its key allows."""
    with engine.begin() as conn:
        pinned = pin(conn, autorite, clock.now())
        conn.execute(update(CERTIFICAT).values(usages=None, actif_du=None))
        assert list_certificats(conn, "G1104") == (pinned,)


def test_prepare_est_accepte_et_pas_encore_employe(
    engine: Engine, clock: FixedClock, autorite: Autorite, guichet: Guichet
) -> None:
    """[CER-2] [CER-3] The next certificate speaks at once; we encrypt for it from its day on."""
    identites, now = Identites(engine, clock), clock.now()
    with engine.begin() as conn:
        present = pin(conn, autorite, now)
        suivant = pin(conn, autorite, now, actif_du=now + 10 * JOUR)
        assert suivant.etat(now) is EtatCertificat.PREPARE
        assert _chosen(conn, now) == present.empreinte
        assert _chosen(conn, now + 10 * JOUR) == suivant.empreinte
        assert certificat_de_chiffrement(conn, "G9999", instant=now) is None
    for each in (present, suivant):
        assert not isinstance(identites.identify(each.empreinte), Anomalie)


def _chosen(conn: Connection, instant: datetime) -> str | None:
    found = certificat_de_chiffrement(conn, "G1104", instant=instant)
    return None if found is None else found.empreinte


def test_choix_du_certificat_de_chiffrement(
    engine: Engine, clock: FixedClock, autorite: Autorite, guichet: Guichet
) -> None:
    """[CER-3] Neither withdrawn, nor ended, nor of another use."""
    now = clock.now()
    with engine.begin() as conn:
        long = pin(conn, autorite, now)
        court = pin(conn, autorite, now + JOUR, jours=5)
        pin(conn, autorite, now + 2 * JOUR, SIGNATURE)
        assert _chosen(conn, now + 3 * JOUR) == court.empreinte
        assert _chosen(conn, now + 30 * JOUR) == long.empreinte
        withdraw_certificat(conn, long.empreinte, instant=now)
        assert _chosen(conn, now + 30 * JOUR) is None


def test_revoque_se_dit(engine: Engine, clock: FixedClock, autorite: Autorite, guichet: Guichet) -> None:
    """[CER-4] Revoked is withdrawn, and told with its date."""
    identites = Identites(engine, clock)
    with engine.begin() as conn:
        pinned = pin(conn, autorite, clock.now())
        assert withdraw_certificat(conn, pinned.empreinte, instant=clock.now(), revoque=True) == ()
        (row,) = list_certificats(conn)
    assert row.etat(clock.now()) is EtatCertificat.REVOQUE
    found = identites.identify(pinned.empreinte)
    assert isinstance(found, Anomalie)
    assert found.code == "GUI007"


def test_capacites_d_un_guichet(engine: Engine, clock: FixedClock, guichet: Guichet) -> None:
    """[CER-17] By default `compatible`; a key of 1024 bits only for a flagged guichet."""
    weak = rsa_de(1024).certificat.pem
    with engine.begin() as conn:
        assert guichet.capacites == "compatible"
        refused = pin_certificat(conn, "G1104", weak, instant=clock.now())
        assert isinstance(refused, tuple)
        assert refused[0].code == "CERTIFICAT-CLE-FAIBLE"
        assert [each.code for each in set_capacites(conn, "G1104", "futuriste")] == ["GUICHET-CAPACITES"]
        assert set_capacites(conn, "G1104", "ancien") == ()
        found = get_guichet(conn, "G1104")
        assert found is not None
        assert found.capacites == "ancien"
        assert isinstance(pin_certificat(conn, "G1104", weak, instant=clock.now()), CertificatEpingle)


@pytest.mark.parametrize(
    ("jours", "palier"),
    [
        (61, None),
        (60, 60),
        (47, 60),
        (46, 46),
        (5, 18),
        (4, 4),
        (1, 4),
        (0, 0),
        (-6, 0),
        (-7, -7),
        (-90, -84),
    ],
)
def test_paliers(clock: FixedClock, jours: int, palier: int | None) -> None:
    """[CER-54] 60 days before, then every 14; after the end, every 7 for 90 days."""
    now = clock.now()
    assert palier_of(now + jours * JOUR, now) == palier
    assert palier_of(now - 91 * JOUR, now) is None


def test_pas_d_avis_quand_le_suivant_est_la(clock: FixedClock) -> None:
    """[CER-54] Its successors must do all that it does, and last."""
    now = clock.now()

    def one(nom: str, jours: int, *usages: UsageCertificat) -> Surveille:
        return Surveille(nom, "G1104", nom, now + jours * JOUR, frozenset(usages))

    fini = one("fini", 10, TLS, SIGNATURE)
    assert len(due([fini], now)) == 1
    assert len(due([fini, one("tls", 300, TLS)], now)) == 1
    assert due([fini, one("tls", 300, TLS), one("signature", 300, SIGNATURE)], now) == ()
    assert len(due([fini, one("court", 20, TLS, SIGNATURE)], now)) == 2
    other = Surveille("autre", "G1226", "autre", now + 300 * JOUR, fini.usages)
    assert [avis.empreinte for avis in due([fini, other], now)] == ["fini"]


def test_avis_une_fois_par_palier(
    engine: Engine, clock: FixedClock, autorite: Autorite, guichet: Guichet
) -> None:
    """[CER-54] Kept, given once, until sent; those of the hub are for the operator alone."""
    now = clock.now()
    sien = Surveille("ab" * 32, None, "CN=ECHANGEUR", now + 50 * JOUR, frozenset({SIGNATURE}))
    with engine.begin() as conn:
        pinned = pin(conn, autorite, now, jours=50)
        assert len(produce_avis(conn, now, siens=[sien], essai=True)) == 2
        assert {avis.guichet for avis in produce_avis(conn, now, siens=[sien])} == {"G1104", None}
        assert produce_avis(conn, now + JOUR, siens=[sien]) == ()
        (avis,) = avis_a_envoyer(conn)
        assert (avis.empreinte, avis.palier) == (pinned.empreinte, 60)
        assert "G1104" in avis.texte
        mark_envoye(conn, avis, instant=now)
        assert avis_a_envoyer(conn) == ()
        assert [avis.palier for avis in produce_avis(conn, now + 5 * JOUR)] == [46]
        withdraw_certificat(conn, pinned.empreinte, instant=now)
        assert produce_avis(conn, now + 40 * JOUR) == ()
    assert isinstance(avis, Avis)
