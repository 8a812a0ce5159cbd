"""A hub in its own process, a guichet for every role of the kit, and the profile that tells the kit of it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from certs.lecture import Certificat, read_certificat
from tests.bout_en_bout.monde import administer
from tests.bout_en_bout.processus import Serveur

GUICHETS = {
    "emetteur": ("G1104", "bailleur", "111", ("--siren", "552046484")),
    "lecteur": ("G1226", "bailleur", "111", ()),
    "exterieur": ("G0590", "bailleur", "059", ()),
    "etat": ("G7500", "etat", "111", ()),
}
"""By role: code, type, territory, further options."""

CAPACITES = (
    *("attestation", "recherche", "gestion partagée", "pièces"),
    *("retrait des distributions",),
)


@contextmanager
def serve(folder: Path) -> Iterator[Path]:
    """A hub that serves; the path of its profile."""
    instance = folder / "instance"
    administer("init", instance)
    serveur = Serveur(instance)
    try:
        serveur.start()
        avant = serveur.adresse
        profil = _settle(folder, instance, avant)
        # A hub that runs takes up to a second to follow a withdrawal: started again, it knows all of it.
        serveur.end(signal.SIGTERM)
        serveur.start()
        profil.write_text(profil.read_text("utf-8").replace(avant, serveur.adresse), encoding="utf-8")
        yield profil
    finally:
        serveur.close()


def _settle(folder: Path, instance: Path, adresse: str) -> Path:
    here = ("--instance", instance)
    lines = [
        "[cible]",
        'nom = "Échangeur d\'essai"',
        f'adresse = "{adresse}"',
        'autorites = "emetteur/ca.pem"',
        # A busy machine takes its time: what is proved here is not a speed.
        "delai = 120.0",
        f"capacites = {list(CAPACITES)}",
    ]
    for role, (code, kind, territoire, more) in GUICHETS.items():
        words = ("--nom", f"Guichet {code}", "--type", kind, "--territoire", territoire, *more)
        administer(*here, "guichet", "ajouter", code, *words)
        administer(*here, "certificat", "emettre", code, "--dossier", folder / role)
        lines += _identite(f"guichets.{role}", role, code, territoire)
    code = GUICHETS["emetteur"][0]
    administer(*here, "certificat", "emettre", code, "--dossier", folder / "consultant")
    administer(*here, "certificat", "profil", _empreinte(folder / "consultant"), "consultant_simple")
    lines += _identite("guichets.consultant", "consultant", code, "111")
    administer(*here, "certificat", "emettre", code, "--dossier", folder / "retire")
    administer(*here, "certificat", "retirer", _empreinte(folder / "retire"))
    lines += _identite("certificats.retire", "retire")
    administer(*here, "filtre", "ajouter", GUICHETS["lecteur"][0], "--nom", "Tout")
    profil = folder / "profil.toml"
    profil.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return profil


def _identite(section: str, dossier: str, code: str = "", territoire: str = "") -> list[str]:
    named = [f'code = "{code}"', f'territoire = "{territoire}"'] if code else []
    return [f"[{section}]", *named, f'certificat = "{dossier}/cert.pem"', f'cle = "{dossier}/key.pem"']


def _empreinte(folder: Path) -> str:
    lu = read_certificat((folder / "cert.pem").read_bytes())
    assert isinstance(lu, Certificat)
    return lu.empreinte
