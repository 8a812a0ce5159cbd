"""The authorities of partners and their lists, fetched over real HTTP, within bounds."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from sqlalchemy import Engine

from certs.autorite import Autorite, create_autorite
from certs.chemin import Exigence
from certs.lecture import Certificat, read_certificat
from certs.verification import Motif
from echangeur import lcr as module_lcr
from registry.clock import FixedClock
from registry.confiance import AutoriteConfiance, add_autorite, keep_lcr, list_autorites, load_confiance
from registry.database import open_engine
from registry.verdicts_certificats import judge_due
from tests.echangeur.conftest import Commande


class Publication(ThreadingHTTPServer):
    """A server of lists, whose content a test may change."""

    contenu = b""
    statut = 200


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Publication)
        self.send_response(self.server.statut)
        self.send_header("Content-Length", str(len(self.server.contenu)))
        self.end_headers()
        self.wfile.write(self.server.contenu)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def publication() -> Iterator[Publication]:
    with Publication(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def autorite(horloge: FixedClock) -> Autorite:
    return create_autorite("IGC d'un partenaire", now=horloge.now() - timedelta(days=30))


def test_listes_rafraichies_a_la_moitie_de_leur_vie(
    instance: Commande,
    tmp_path: Path,
    horloge: FixedClock,
    autorite: Autorite,
    publication: Publication,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """[CER-33] Fetched, kept, fetched again; a failure keeps the former list and is told."""
    fichier = tmp_path / "ca.pem"
    fichier.write_bytes(autorite.pem)
    url = f"http://127.0.0.1:{publication.server_port}/ca.crl"
    publication.contenu = autorite.list_revoked({7: horloge.now()}, now=horloge.now(), numero=1)
    assert instance("certificat", "confiance", "ajouter", fichier, "--lcr", url).code == 0
    assert "1 liste(s) rafraîchie(s) sur 1" in instance("certificat", "confiance", "rafraichir").sortie
    (listed,) = instance("certificat", "confiance", "lister", "--json").json
    assert (listed["lcr_entrees"], listed["erreur"], listed["confiance"]) == (1, "", True)
    assert "sur 0" in instance("certificat", "confiance", "rafraichir").sortie
    horloge.set(horloge.now() + timedelta(days=3, hours=12))
    publication.statut = 503
    failed = instance("certificat", "confiance", "rafraichir")
    assert failed.code == 1
    assert "répond 503" in failed.erreur
    publication.statut = 200
    monkeypatch.setattr(module_lcr, "MAX_LCR_OCTETS", 100)
    assert "dépasse" in instance("certificat", "confiance", "rafraichir").erreur
    monkeypatch.undo()
    other = create_autorite("IGC d'un partenaire", now=horloge.now())
    publication.contenu = other.list_revoked({}, now=horloge.now(), numero=9)
    assert "n'est pas signée" in instance("certificat", "confiance", "rafraichir").erreur
    (listed,) = instance("certificat", "confiance", "lister", "--json").json
    assert listed["lcr_entrees"] == 1
    assert "n'est pas signée" in instance("certificat", "confiance", "lister").sortie.replace("\n", " ")
    neuve = tmp_path / "neuve.crl"
    neuve.write_bytes(
        autorite.list_revoked({7: horloge.now(), 8: horloge.now()}, now=horloge.now(), numero=2)
    )
    assert instance("certificat", "confiance", "rafraichir", "--fichier", neuve).code == 0
    neuve.write_bytes(b"bonjour")
    assert instance("certificat", "confiance", "rafraichir", "--fichier", neuve).code == 1
    assert instance("certificat", "confiance", "retirer", listed["empreinte"]).code == 0
    assert instance("certificat", "confiance", "retirer", listed["empreinte"]).code == 1
    assert "décide seule" in instance("certificat", "confiance", "lister").erreur


def test_ce_qui_n_est_pas_une_autorite(
    instance: Commande, tmp_path: Path, horloge: FixedClock, autorite: Autorite
) -> None:
    """[CER-31] A leaf, a file that is none, an address that is none."""
    fichier = tmp_path / "c.pem"
    fichier.write_bytes(autorite.issue_guichet("G1104", now=horloge.now()).certificat)
    assert "n'est pas le certificat d'une autorité" in instance(
        "certificat", "confiance", "ajouter", fichier
    ).erreur.replace("\n", " ")
    fichier.write_bytes(autorite.pem)
    assert instance("certificat", "confiance", "ajouter", fichier, "--lcr", "ftp://x/").code == 1
    fichier.write_bytes(b"bonjour")
    assert instance("certificat", "confiance", "ajouter", fichier).code == 1


def test_liste_rejouee_et_verdicts(engine: Engine, horloge: FixedClock, autorite: Autorite) -> None:
    """[CER-31] [CER-33] A former list is not taken back; revoked is refused; no authority, no path."""
    now = horloge.now()
    lu = read_certificat(autorite.issue_guichet("G1104", now=now - timedelta(days=1)).certificat)
    assert isinstance(lu, Certificat)
    before = autorite.list_revoked({}, now=now - timedelta(days=2), numero=1)
    after = autorite.list_revoked({lu.serie: now - timedelta(days=1)}, now=now - timedelta(hours=1), numero=2)
    exigee = Exigence.EXIGEE
    with engine.begin() as conn:
        alone = load_confiance(conn, exigence=exigee)
        assert alone.judge(lu, at=now).motif is Motif.EMETTEUR_INCONNU
        added = add_autorite(conn, autorite.pem, ancre=True, lcr_url="", instant=now)
        assert isinstance(added, AutoriteConfiance)
        none = load_confiance(conn, exigence=exigee)
        assert none.judge(lu, at=now).accepte, "its first list may be as late as any"
        late = load_confiance(conn, exigence=exigee, grace=timedelta(0))
        assert late.judge(lu, at=now).motif is Motif.REVOCATION_INDETERMINEE
        assert keep_lcr(conn, added, before, instant=now) == ()
        good = load_confiance(conn, exigence=exigee)
        assert good.judge(lu, at=now).accepte
        (added,) = list_autorites(conn)
        assert keep_lcr(conn, added, after, instant=now) == ()
        (added,) = list_autorites(conn)
        (refused,) = keep_lcr(conn, added, before, instant=now)
        assert "plus ancienne" in refused.texte
        final = load_confiance(conn, exigence=exigee)
        assert final.judge(lu, at=now).motif is Motif.REVOQUE


def test_juge_quand_quelque_chose_a_change(
    instance: Commande,
    guichet: str,
    tmp_path: Path,
    horloge: FixedClock,
    autorite: Autorite,
    database_url: str,
) -> None:
    """[CER-35] Once; again when a list came, when its grace ends, after six hours; not in between."""
    engine, now = open_engine(database_url), horloge.now()
    fichier = tmp_path / "c.pem"
    fichier.write_bytes(autorite.issue_guichet(guichet, now=now - timedelta(days=1)).certificat)
    assert instance("certificat", "enregistrer", guichet, fichier).code == 0

    def judged(instant: datetime) -> int:
        with engine.begin() as conn:
            return judge_due(conn, load_confiance, instant=instant)

    assert judged(now) == 0, "judged when it was registered"
    with engine.begin() as conn:
        added = add_autorite(conn, autorite.pem, ancre=True, lcr_url="", instant=now - timedelta(days=9))
        assert isinstance(added, AutoriteConfiance)
        assert keep_lcr(conn, added, autorite.list_revoked({}, now=now, numero=1), instant=now) == ()
    assert [judged(now), judged(now), judged(now + timedelta(hours=5))] == [1, 0, 0]
    assert [judged(now + timedelta(hours=each)) for each in (6, 7, 12)] == [1, 0, 1]
    late = now + timedelta(days=7, hours=23)
    assert [judged(late), judged(late + timedelta(minutes=59)), judged(late + timedelta(minutes=61))] == [
        1,
        0,
        1,
    ]
    (listed,) = instance("certificat", "lister", "--json").json
    assert listed["verdict"] == "REVOCATION-PERIMEE"
    engine.dispose()
