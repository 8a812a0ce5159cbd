"""What is given to run the hub: its units, its containers, and what it tells systemd."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import tomllib
from pathlib import Path

import pytest
from typer.main import get_command

from echangeur.cli import app
from echangeur.roles import notification
from echangeur.roles.noms import RoleDemande
from tools.etrangers import Chaine, chaine

RACINE = Path(__file__).parents[2]
DEPLOIEMENT = RACINE / "deploiement"
UNITES = sorted((DEPLOIEMENT / "systemd").iterdir())
SERVE = get_command(app).commands["serve"]  # type: ignore[attr-defined]


def test_ce_qui_est_dit_a_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """[EXP-10] Ready, reloading with its instant, stopping: on the socket of systemd, or nowhere."""
    notification.notify(notification.PRET)
    place = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(place))
        monkeypatch.setenv("NOTIFY_SOCKET", str(place))
        notification.notify(notification.PRET)
        notification.notify(notification.reloading())
        notification.notify(notification.ARRET)
        said = [systemd.recv(100).decode() for _ in range(3)]
    assert (said[0], said[2]) == ("READY=1", "STOPPING=1")
    assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", said[1])
    place.unlink()
    notification.notify(notification.PRET)


async def test_sans_chien_de_garde_rien_n_est_dit(monkeypatch: pytest.MonkeyPatch) -> None:
    """[EXP-10]"""
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    await notification.keep_alive()


def test_unites_acceptees_par_systemd(tmp_path: Path) -> None:
    """[EXP-10] systemd-analyze reads them, the program and the account of this machine in place of theirs."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze n'est pas sur cette machine (apt-get install systemd)")
    for unite in UNITES:
        text = unite.read_text(encoding="utf-8")
        text = text.replace("/opt/echangeur/.venv/bin/echangeur", "/bin/true")
        (tmp_path / unite.name.replace("@.", "@soap.")).write_text(text, encoding="utf-8")
    names = [str(path) for path in sorted(tmp_path.iterdir()) if path.suffix != ".target"]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *names], capture_output=True, text=True, timeout=120
    )
    ours = [line for line in done.stderr.splitlines() if "echangeur" in line]
    assert ours == []


def test_roles_et_options_des_fichiers_existent() -> None:
    """[EXP-10] A unit or a container never asks for what `serve` does not have."""
    texts = "\n".join(path.read_text(encoding="utf-8") for path in DEPLOIEMENT.rglob("*") if path.is_file())
    known = {option for param in SERVE.params for option in param.opts}
    asked = set(re.findall(r"(--(?:role|port[a-z-]*|adresse))\b", texts))
    assert asked
    assert asked <= known
    roles = set(re.findall(r"--role, (\w+)", texts))
    assert roles == {"soap", "worker", "console"}
    assert roles <= {role.value for role in RoleDemande}


def test_l_image_prend_tout_le_programme() -> None:
    """[EXP-10] What the Dockerfile copies is there, and is every folder that the wheel is made of."""
    text = (DEPLOIEMENT / "conteneurs" / "Dockerfile").read_text(encoding="utf-8")
    lines = re.findall(r"^COPY (?!--from)(.+) (\S+)$", text, re.M)
    copied = {name for sources, _ in lines for name in sources.split()}
    assert [name for name in copied if not (RACINE / name).exists()] == []
    project = tomllib.loads((RACINE / "pyproject.toml").read_text(encoding="utf-8"))
    packages = {name.rstrip("*") for name in project["tool"]["setuptools"]["packages"]["find"]["include"]}
    assert packages <= copied
    assert {project["project"]["readme"], *project["project"]["license-files"]} <= copied


def test_repartiteur_accepte_par_haproxy(tmp_path: Path) -> None:
    """[EXP-10] haproxy reads its configuration, the containers replaced by this machine."""
    found = chaine("haproxy")
    if not isinstance(found, Chaine):
        pytest.skip(found.raison)
    program = found.find("usr/sbin/haproxy")
    assert program is not None
    text = (DEPLOIEMENT / "conteneurs" / "haproxy.cfg").read_text(encoding="utf-8")
    config = tmp_path / "haproxy.cfg"
    config.write_text(re.sub(r"(server \w+ )\w+:", r"\g<1>127.0.0.1:", text), encoding="utf-8")
    done = subprocess.run(
        [program, "-c", "-f", config], env=found.environment(), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
