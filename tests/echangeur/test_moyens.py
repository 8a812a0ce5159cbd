"""What an instance lends to its console is what its files hold."""

from __future__ import annotations

from pathlib import Path

from certs.autorite import load_autorite
from certs.trousseau import load_trousseau
from console.pages.cles import published
from echangeur.instance import open_instance
from echangeur.moyens import moyens_of


def test_ce_que_l_instance_prete_a_la_console(dossier: Path) -> None:
    """[RAC-9] [RAC-7] Its authority, its keys, its certificates; without its authority, none is issued."""
    moyens = moyens_of(open_instance(dossier))
    autorite = moyens.autorite()
    assert autorite is not None
    assert autorite.pem == load_autorite(dossier / "autorite").pem
    kept = load_trousseau(dossier / "courrier")
    assert [each.empreinte for each in moyens.keys().clefs] == [each.empreinte for each in kept.clefs]
    assert moyens.services == "https://localhost:8443"
    # Mail is not served: only what concerns the services is given to partners.
    assert moyens.courrier == ""
    assert sorted(published(moyens)) == ["echangeur-autorite.pem", "echangeur-client.pem"]
    assert moyens.client_tls() is not None
    (dossier / "autorite" / "ca.key.pem").unlink()
    assert moyens.autorite() is None
    assert not moyens.hub().courrier
