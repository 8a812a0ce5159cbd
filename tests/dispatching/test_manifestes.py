"""The manifests: one a day, that follow each other, and that a partner verifies with what it has."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from sqlalchemy import text

from certs.autorite import Autorite, create_autorite
from certs.paire import Paire, load_paire
from certs.signature import ContenuVerifie, verify_signature
from dispatching import manifestes
from dispatching.acquittement import Acquit, acknowledge
from dispatching.manifestes import Etabli, ManifesteSigne, get_manifeste, kept_lines, produce, read_manifestes
from dispatching.manifestes_verification import verify_manifestes
from dispatching.retraits import Lot, Vue, list_readable
from filters.language import Filtre
from registry.guichets import Guichet
from registry.guichets_store import close_guichet
from schemas.contract import xsd_bytes
from schemas.manifeste import (
    Ancre,
    EtatCloture,
    Ligne,
    Manifeste,
    Tranche,
    condense,
    read_manifeste,
    tranches_of,
    write_manifeste,
)
from tests.dispatching.scene import Scene
from tests.dispatching.test_retraits import ECHANGE
from tests.registry.fabrique import RECU_LE

JOUR = date(2026, 7, 1)
MINUIT = datetime(2026, 7, 1, 22, tzinfo=UTC)
"""End of that day in Paris, in summer."""


@pytest.fixture(scope="module")
def autorite() -> Autorite:
    return create_autorite(now=RECU_LE)


@pytest.fixture(scope="module")
def hub(autorite: Autorite) -> Paire:
    identite = autorite.issue_guichet("HUB01", now=RECU_LE)
    return load_paire(identite.chaine, identite.cle)


@pytest.fixture
def auteur(scene: Scene) -> Guichet:
    return scene.guichet("G0001")


@pytest.fixture
def guichet(scene: Scene, auteur: Guichet) -> Guichet:
    """A guichet for which three distributions were made on the first day."""
    found = scene.guichet("G0002", Filtre("Tout"), adresse="")
    scene.register([scene.recue(auteur) for _ in range(3)])
    return found


Faire = Callable[..., list[Etabli]]


@pytest.fixture
def faire(scene: Scene, hub: Paire) -> Faire:
    def call(instant: datetime, *, essai: bool = False) -> list[Etabli]:
        scene.clock.set(instant)
        return list(produce(scene.engine, lambda: hub, instant, essai=essai))

    return call


def kept(scene: Scene, code: str = "G0002") -> tuple[ManifesteSigne, ...]:
    with scene.engine.connect() as conn:
        return read_manifestes(conn, code).manifestes


def opened(signe: ManifesteSigne) -> Manifeste:
    verified = verify_signature(signe.octets)
    assert isinstance(verified, ContenuVerifie)
    lu = read_manifeste(verified.octets)
    assert isinstance(lu, Manifeste)
    return lu


def waiting(scene: Scene, guichet: Guichet, vue: Vue = Vue.TOUTES) -> Lot:
    with scene.engine.begin() as conn:
        return list_readable(conn, guichet, vue, apres=0, nombre=100, instant=scene.now, echange=ECHANGE)


def confirm(scene: Scene, guichet: Guichet, *sequences: int) -> None:
    found = {item.sequence: item.fichier for item in waiting(scene, guichet).distributions}
    acquits = [Acquit(each, fichier.empreinte) for each in sequences if (fichier := found[each])]
    with scene.engine.begin() as conn:
        acknowledge(conn, guichet.code, acquits, instant=scene.now, echange=ECHANGE)


def ecarts(scene: Scene, code: str = "G0002") -> list[str]:
    with scene.engine.connect() as conn:
        return [each.texte for found in verify_manifestes(conn, code) for each in found.ecarts]


def test_a_partner_finds_the_digest_with_its_own_files(scene: Scene, guichet: Guichet, faire: Faire) -> None:
    """[DST-60] [DST-61] Count, bounds, states, and a digest over what the guichet read for itself."""
    confirm(scene, guichet, 2)
    lus = waiting(scene, guichet).distributions
    assert faire(MINUIT + timedelta(hours=1)) == [Etabli("G0002", JOUR, 3)]
    (signe,) = kept(scene)
    lu = opened(signe)
    assert (lu.guichet, lu.jour, lu.rang, lu.apres, lu.nombre, lu.derniere) == ("G0002", JOUR, 1, 0, 3, 3)
    assert (lu.precedent, signe.nom) == ("", "MANG0002-20260701.xml.p7m")
    assert lu.tranches == (
        Tranche(1, 1, EtatCloture.A_ACQUITTER),
        Tranche(2, 2, EtatCloture.ACQUITTEE),
        Tranche(3, 3, EtatCloture.A_ACQUITTER),
    )
    lignes = "".join(
        f"{item.sequence};{item.id};{hashlib.sha256(item.fichier.contenu).hexdigest()};{etat}\n"
        for item, etat in zip(lus, ("A_ACQUITTER", "ACQUITTEE", "A_ACQUITTER"), strict=True)
        if item.fichier is not None
    )
    assert lu.condensat == hashlib.sha256(lignes.encode()).hexdigest()
    assert ecarts(scene) == []


def test_openssl_alone_verifies_a_manifest(
    scene: Scene, guichet: Guichet, faire: Faire, autorite: Autorite, tmp_path: Path
) -> None:
    """[DST-60] No software of ours: the message is signed (RFC 5652), its content is valid, one bit changed
    and it is refused."""
    faire(MINUIT + timedelta(hours=1))
    (signe,) = kept(scene)
    autorite.write(tmp_path)
    (tmp_path / signe.nom).write_bytes(signe.octets)
    words = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", str(tmp_path / signe.nom)]
    trust = ["-CAfile", str(tmp_path / "ca.pem"), "-purpose", "any"]
    trust += ["-attime", str(int(MINUIT.timestamp()))]
    done = subprocess.run([*words, *trust], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert read_manifeste(done.stdout) == opened(signe)
    schema = etree.XMLSchema(etree.fromstring(xsd_bytes("distributions.xsd")))
    schema.assertValid(etree.fromstring(done.stdout))
    (tmp_path / signe.nom).write_bytes(signe.octets.replace(b"<ns1:nombre>3<", b"<ns1:nombre>2<"))
    assert subprocess.run([*words, *trust], capture_output=True, check=False).returncode != 0


def test_days_follow_each_other_empty_ones_included(
    scene: Scene, auteur: Guichet, guichet: Guichet, faire: Faire
) -> None:
    """[DST-62] [DST-63] Late days are caught up, each once; the night of Paris parts them, the change of hour
    included."""
    scene.clock.set(MINUIT - timedelta(seconds=1))
    scene.demande(auteur)
    scene.clock.set(MINUIT)
    scene.demande(auteur)
    scene.clock.set(datetime(2026, 7, 4, 9, tzinfo=UTC))
    scene.demande(auteur)
    late = datetime(2026, 7, 6, 3, tzinfo=UTC)
    tried = faire(late, essai=True)
    assert kept(scene) == ()
    assert (
        faire(late)
        == tried
        == [
            Etabli("G0002", JOUR, 4),
            Etabli("G0002", JOUR + timedelta(days=1), 1),
            Etabli("G0002", JOUR + timedelta(days=2), 0),
            Etabli("G0002", JOUR + timedelta(days=3), 1),
            Etabli("G0002", JOUR + timedelta(days=4), 0),
        ]
    )
    assert faire(late) == []
    lus = [opened(signe) for signe in kept(scene)]
    assert [lu.rang for lu in lus] == [1, 2, 3, 4, 5]
    assert [(lu.apres, lu.derniere) for lu in lus] == [(0, 4), (4, 5), (5, 5), (5, 6), (6, 6)]
    assert [lu.precedent for lu in lus[1:]] == [signe.empreinte.hex() for signe in kept(scene)[:-1]]
    assert ecarts(scene) == []
    # Winter: midnight in Paris is at 23:00 UTC.
    assert faire(datetime(2026, 12, 1, 22, 59, tzinfo=UTC))[-1].jour == date(2026, 11, 30)


def test_a_day_is_closed_some_minutes_after_its_midnight(guichet: Guichet, faire: Faire) -> None:
    """[DST-62] What was being written at midnight is written."""
    assert faire(MINUIT + manifestes.MARGE - timedelta(seconds=1)) == []
    assert faire(MINUIT + manifestes.MARGE) == [Etabli("G0002", JOUR, 3)]


def test_interrupted_it_goes_on_where_it_was(
    scene: Scene, auteur: Guichet, guichet: Guichet, hub: Paire, faire: Faire
) -> None:
    """[DST-63] Each is made once, also by two hosts that read the same beginning."""
    late = MINUIT + timedelta(days=2, hours=1)
    started = produce(scene.engine, lambda: hub, late)
    assert next(started).jour == JOUR
    started.close()
    later = late + timedelta(seconds=1)

    def sign_last() -> Paire:
        # The other host does it all, between the reading of this one and its writing.
        list(produce(scene.engine, lambda: hub, late))
        return hub

    jours = [JOUR + timedelta(days=1), JOUR + timedelta(days=2)]
    assert [each.jour for each in produce(scene.engine, sign_last, later)] == jours
    assert [signe.rang for signe in kept(scene)] == [1, 2, 3]
    assert {signe.etabli_le for signe in kept(scene)} == {late}
    assert ecarts(scene) == []


def test_a_late_manifest_says_what_one_in_time_would_have(
    scene: Scene, guichet: Guichet, faire: Faire
) -> None:
    """[DST-61] Acknowledged, failed, replayed or withdrawn afterwards: it was waiting at the end of the
    day."""
    confirm(scene, guichet, 1)
    scene.clock.set(MINUIT + timedelta(hours=5))
    confirm(scene, guichet, 2)
    with scene.engine.begin() as conn:
        conn.execute(
            text("UPDATE distribution SET etat = 'retiree', termine_le = :instant WHERE sequence = 3"),
            {"instant": scene.now},
        )
    faire(MINUIT + timedelta(hours=9))
    (signe,) = kept(scene)
    with scene.engine.connect() as conn:
        etats = [ligne.etat for ligne in kept_lines(conn, signe)]
    assert etats == ["ACQUITTEE", "A_ACQUITTER", "A_ACQUITTER"]
    assert ecarts(scene) == []


def test_what_is_withdrawn_or_erased_is_told_by_its_number_alone(
    scene: Scene, auteur: Guichet, faire: Faire
) -> None:
    """[DST-61] A guichet that was never given a distribution finds the digest all the same."""
    guichet = scene.guichet("G0002", Filtre("Tout"), adresse="")
    numeros = scene.register([recue := scene.recue(auteur), scene.recue(auteur)])
    confirm(scene, guichet, 1)
    with scene.engine.begin() as conn:
        conn.execute(
            text("UPDATE distribution SET etat = 'retiree', termine_le = :instant WHERE sequence = 2"),
            {"instant": scene.now},
        )
        # Erased before its manifest: a year late.
        conn.execute(text("DELETE FROM demande_version WHERE numero = :numero"), {"numero": numeros[0]})
    assert recue
    faire(MINUIT + timedelta(days=1))
    lu = opened(kept(scene)[0])
    assert [tranche.etat for tranche in lu.tranches] == [EtatCloture.EFFACEE, EtatCloture.RETIREE]
    assert lu.condensat == hashlib.sha256(b"1;;;EFFACEE\n2;;;RETIREE\n").hexdigest()
    assert ecarts(scene) == []


def test_a_manifest_outlives_the_demandes(scene: Scene, guichet: Guichet, faire: Faire) -> None:
    """[DST-64] What was erased since is no difference: the digest is still that of its lines."""
    confirm(scene, guichet, 1, 2)
    faire(MINUIT + timedelta(hours=1))
    with scene.engine.begin() as conn:
        conn.execute(text("DELETE FROM demande_version"))
        conn.execute(text("UPDATE distribution SET etat = 'retiree' WHERE etat = 'en_attente'"))
    assert ecarts(scene) == []


def test_a_closed_guichet_has_one_until_the_day_of_its_end(
    scene: Scene, guichet: Guichet, faire: Faire
) -> None:
    """[DST-62]"""
    scene.clock.set(MINUIT + timedelta(hours=9))
    with scene.engine.begin() as conn:
        close_guichet(conn, "G0002", instant=scene.now)
    assert [each.jour for each in faire(MINUIT + timedelta(days=30))] == [JOUR, JOUR + timedelta(days=1)]


def break_row(scene: Scene, statement: str) -> None:
    with scene.engine.begin() as conn:
        conn.execute(text(statement))


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (
            "DELETE FROM distribution WHERE sequence = 2",
            "n'est pas dans le registre sous l'identifiant signé",
        ),
        ("UPDATE distribution SET id = gen_random_uuid() WHERE sequence = 2", "sous l'identifiant signé"),
        (
            "UPDATE distribution SET cree_le = cree_le - interval '1 hour' WHERE sequence = 2",
            "n'a plus l'emp",
        ),
        (
            "UPDATE distribution SET etat = 'acquittee', termine_le = cree_le WHERE sequence = 2",
            "distribution 2 : signée A_ACQUITTER, elle est ACQUITTEE",
        ),
        (
            "ALTER TABLE journal DISABLE TRIGGER ALL; UPDATE journal SET empreinte = sha256('')",
            "l'écriture 3 du journal n'est plus",
        ),
        ("DELETE FROM manifeste WHERE rang = 1", "et aucun ne le précède"),
        ("DELETE FROM manifeste WHERE rang = 2", "de rang 1"),
        ("UPDATE manifeste SET lignes = substring(lignes FROM 50) WHERE rang = 1", "n'ont pas le condensat"),
        ("UPDATE manifeste SET lignes = '\\x00' WHERE rang = 1", "ne se lisent pas"),
        ("UPDATE manifeste SET nombre = 2 WHERE rang = 1", "n'est pas ce qui est signé"),
        (
            "UPDATE manifeste SET octets = (SELECT octets FROM manifeste WHERE rang = 2)",
            "n'est pas ce qui est",
        ),
        ("UPDATE manifeste SET octets = substring(octets FROM 2) WHERE rang = 1", "signature : "),
    ],
)
def test_what_was_changed_afterwards_is_seen(
    scene: Scene, guichet: Guichet, faire: Faire, statement: str, expected: str
) -> None:
    """[DST-64] In the distributions, in the journal, in the manifests."""
    faire(MINUIT + timedelta(days=2, hours=1))
    assert ecarts(scene) == []
    break_row(scene, statement)
    assert any(expected in texte for texte in ecarts(scene)), ecarts(scene)


def test_a_gap_stops_the_manifests_of_that_guichet_alone(
    scene: Scene, auteur: Guichet, guichet: Guichet, faire: Faire
) -> None:
    """[DST-62] What cannot be proven is not signed, and is told."""
    scene.guichet("G0003", Filtre("Tout"))
    scene.demande(auteur)
    break_row(scene, "DELETE FROM distribution WHERE guichet = 'G0002' AND sequence = 2")
    assert faire(MINUIT + timedelta(hours=1)) == [
        Etabli("G0002", JOUR, 0, rompu=True),
        Etabli("G0003", JOUR, 1),
    ]
    assert (kept(scene), len(kept(scene, "G0003"))) == ((), 1)


def test_one_day_is_found(scene: Scene, guichet: Guichet, faire: Faire) -> None:
    faire(MINUIT + timedelta(days=2, hours=1))
    with scene.engine.connect() as conn:
        found = get_manifeste(conn, "G0002", JOUR + timedelta(days=1))
        assert found is not None
        assert found.rang == 2
        assert get_manifeste(conn, "G0002", JOUR - timedelta(days=1)) is None
        assert get_manifeste(conn, "G0001", JOUR) is None


hexa = st.binary(min_size=32, max_size=32).map(bytes.hex)


@st.composite
def manifests(draw: st.DrawFn) -> Manifeste:
    etats = draw(st.lists(st.sampled_from(EtatCloture), max_size=12))
    apres = draw(st.integers(0, 2**40))
    lignes = [Ligne(apres + rang, "id", "0" * 64, etat) for rang, etat in enumerate(etats, 1)]
    return Manifeste(
        guichet=draw(st.text("G0123456789", min_size=5, max_size=5)),
        jour=draw(st.dates(date(2000, 1, 1), date(2100, 1, 1))),
        rang=draw(st.integers(1, 10**6)),
        etabli_le=datetime(2026, 7, 2, 0, 20, tzinfo=UTC),
        apres=apres,
        nombre=len(etats),
        condensat=condense(lignes),
        precedent=draw(hexa | st.just("")),
        journal=draw(st.none() | st.builds(Ancre, st.integers(1, 2**40), hexa)),
        tranches=tuple(tranches_of(lignes)),
    )


@given(manifests())
def test_what_is_written_is_read(manifeste: Manifeste) -> None:
    """[DST-60] And the tranches tell the state of each."""
    assert read_manifeste(write_manifeste(manifeste)) == manifeste
    told = {n for each in manifeste.tranches for n in range(each.premiere, each.derniere + 1)}
    assert told == set(range(manifeste.apres + 1, manifeste.derniere + 1))
