"""`echangeur demo` as its user runs it: a process, what it says, how it ends, and what it leaves: nothing."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import ssl
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import typst

from conformance.partenaire_reference import Reception
from echangeur.demo import vie
from echangeur.demo.arrivees import Arrivees
from echangeur.demo.etapes import Etape
from echangeur.demo.pieces import draw_carte

ECHANGEUR = str(Path(sys.executable).with_name("echangeur"))
DELAI = 120
"""Seconds: some fifteen times what a demonstration takes."""
NUMERO = re.compile(r"\b111\d{10}G1104\b")

# The same command, with a scenario that is wrong: the first demande is said to be refused, and the second
# step of the life does what `DEUXIEME` does.
AUTRE_SCENARIO = """
import dataclasses
import os
import signal
from echangeur.cli import main
from echangeur.demo import deroulement, etapes

build = deroulement.build_envois

def wrong(now):
    first, *others = build(now)
    return (dataclasses.replace(first, anomalie="DEM999"), *others)

def nothing(vecu):
    return []

def interrupt(vecu):
    os.kill(os.getpid(), signal.SIGINT)
    return []

def refused(vecu):
    vecu.numero = "1110126999999G1104"
    return etapes._declare_dalo(vecu)

deroulement.build_envois = wrong
first, second, *others = etapes.ETAPES
second = dataclasses.replace(second, faire=DEUXIEME, recue_par=frozenset())
etapes.ETAPES = (first, second, *others)
main()
"""


@pytest.fixture
def temporaire() -> Iterator[Path]:
    """The folder that the demonstration takes for /tmp, so that what it leaves can be seen.

    Not tmp_path: each session of pytest closes its parent to the user of PostgreSQL.
    """
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@contextlib.contextmanager
def started(temporaire: Path, *command: str) -> Iterator[subprocess.Popen[str]]:
    """A process whose temporary folder is `temporaire`; killed if the test fails before its end."""
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(temporaire)},
        # A shell that starts tests in the background has them ignore Ctrl-C, and their processes with them.
        preexec_fn=_hear_interrupts,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate(timeout=DELAI)


def _hear_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def finish(process: subprocess.Popen[str], temporaire: Path) -> tuple[int, str, str]:
    """Wait for the end; the exit code and both outputs. Nothing may be left, neither process nor file."""
    sortie, erreur = process.communicate(timeout=DELAI)
    assert alive(temporaire) == []
    assert list(temporaire.iterdir()) == []
    return process.returncode, sortie, erreur


def alive(temporaire: Path) -> list[str]:
    """Command lines of the processes that work in the folder: hub, postmaster."""
    found = []
    for cmdline in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            words = cmdline.read_bytes()
            if str(temporaire).encode() in words:
                found.append(words.replace(b"\0", b" ").decode())
    return found


def read_until(process: subprocess.Popen[str], text: str) -> list[str]:
    """The lines until the one that holds `text`."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if text in line:
            return lines
    pytest.fail(f"« {text} » n'a pas été dit : {''.join(lines)}")


def test_demo(temporaire: Path, tmp_path: Path) -> None:
    """Numbers, anomalies, distributions as they happen, and why each guichet did or did not receive; then a
    whole life: what each event changed, by whom, to whom it went, and the files that it leaves."""
    with started(temporaire, ECHANGEUR, "demo", "--documents", str(tmp_path)) as process:
        code, sortie, erreur = finish(process, temporaire)
    assert code == 0, erreur
    enregistrements, suite = sortie.split("Toute la vie d'une demande")
    suite, courrier = suite.split("Un partenaire ancien")
    vie, stock = suite.split("D essaie un filtre")
    check_registrations(enregistrements)
    check_life(vie)
    check_stock(stock)
    courrier, console = courrier.split("La console")
    check_mail(courrier)
    check_console(console)
    debuts = {place.name: place.read_bytes()[:4] for place in tmp_path.iterdir()}
    assert debuts == {"attestation.pdf": b"%PDF", "avis.pdf": b"%PDF", "carte.jpg": b"\xff\xd8\xff\xe0"}
    assert f"{tmp_path}/attestation.pdf" in vie
    assert "make run, ou echangeur demo --garder" in console


def check_console(sortie: str) -> None:
    """The address, a ready account, and that it was tried for good."""
    assert re.search(r"adresse +https://\S+:\d+", sortie)
    assert re.search(r"compte +agent@exemple.fr", sortie)
    assert re.search(r"mot de passe +\S{16}", sortie)
    assert "Connexion essayée : la page d'accueil s'est ouverte." in sortie


def check_registrations(sortie: str) -> None:
    recit, table = sortie.split("Demandes et distributions")
    assert len(set(NUMERO.findall(recit))) == 6
    for anomalie in ("anomalie GUI102 : ", "anomalie DBL101 : ", "faute XML105 : "):
        assert anomalie in recit
    assert recit.count(" acquittée") == 6
    assert "invalide : commune de Lyon" in recit
    assert "6 distributions acquittées, journal de 6 entrées intact" in table
    for reason in ("reçue : ", "non : ", "il suffirait de : "):
        assert reason in table


def check_stock(sortie: str) -> None:
    """A draft tried, put in force, and what it takes of the stock received in order and explained."""
    assert "essayé : 3 demandes retenues sur 6 actives que D peut lire, 3 qu'il n'a pas" in sortie
    recues = re.findall(r"→ D +(\w{18}) \(DIS, séquence (\d)\) acquittée", sortie)
    assert [sequence for _, sequence in recues] == ["1", "2", "3"]
    assert recues[0][0] in sortie.partition("pourquoi ?")[2]
    assert "offerte au guichet avec le stock" in sortie


def check_mail(sortie: str) -> None:
    """Registered by signed mail, distributed to, and three mails refused, each shown with its reason."""
    assert re.search(r"REPONSE G1400 \S+ : ACCEPTE, numéro unique \w{18}", sortie)
    assert "DISTRIBUTION G1400 1, accusé de réception signé" in sortie
    for code in ("COU003", "GUI004", "GUI001"):
        assert re.search(rf"quarantaine +{code} : ", sortie)
    assert "refus signé, COU003 : Le message n'a pas pu être ouvert." in sortie
    assert "refus signé, GUI001" not in sortie


def check_life(sortie: str) -> None:
    recit, table = sortie.split("La vie de la demande ")
    (numero,) = set(NUMERO.findall(recit))
    assert recit.count(f"{numero} (DIS") == recit.count(" acquittée") == 11
    assert table.startswith(numero)
    lignes = [[cell.strip() for cell in line.split("│")[1:-1]] for line in table.splitlines() if "│" in line]
    assert [(*cells[1:3], cells[4]) for cells in lignes if cells[0]] == [
        ("création", "A", "B, C"),
        ("modification", "B", "A, C"),
        ("pièce", "B", "–"),
        ("pièce", "B", "–"),
        ("modification", "D", "A, B, C"),
        ("gestion partagée", "A", "–"),
        ("gestion partagée", "A", "–"),
        ("renouvellement", "C", "A, B"),
        ("radiation", "A", "B, C"),
    ]
    for told in (
        "Bagnolet (93006)",
        "DALO : Actif",
        "Décision : attribution",
        "9300000042 : T3, 64 m², 512 €",
    ):
        assert told in table
    assert "Registre intact : 15 entrées" in table


@pytest.mark.parametrize(
    ("deuxieme", "said"),
    [
        ("nothing", "le journal et les décisions ne disent pas la vie qui a été jouée"),
        ("refused", "« le couple souhaite aussi Bagnolet » : GUI103 "),
    ],
)
def test_a_difference_with_the_scenario_is_a_failure(temporaire: Path, deuxieme: str, said: str) -> None:
    """Exit code 1, and the differences in words: of the registrations, and of the life."""
    scenario = AUTRE_SCENARIO.replace("DEUXIEME", deuxieme)
    with started(temporaire, sys.executable, "-c", scenario, "demo") as process:
        code, _, erreur = finish(process, temporaire)
    assert code == 1
    assert "« personne seule, T2 à Montreuil » devait être refusée avec DEM999" in erreur
    assert said in " ".join(erreur.split())


async def test_who_receives_is_checked() -> None:
    """One too many, one too few, the same twice."""
    un = Reception("1", 1, "a.xml", b"<a/>", "", "1111126000001G1104", "DIS")
    for recues, attendue in (
        ([], frozenset[str]()),
        (["G1226"], frozenset({"G1226"})),
        (["G1226", "G1300"], frozenset({"G1226"})),
        (["G1226", "G1226"], frozenset({"G1226"})),
        (["G1300"], frozenset[str]()),
    ):
        arrivees = Arrivees()
        for code in recues:
            arrivees.add(code, un)
        etape = Etape("un", "", lambda _: [], recue_par=attendue)
        connues: dict[str, bytes] = {}
        ecarts = await vie.receive(etape, connues, arrivees, 0)
        assert (ecarts == []) is (recues == sorted(attendue))
        assert set(connues) == set(recues)


def test_the_carte_is_a_real_image() -> None:
    """typst, which knows nothing of how it is made, draws it."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "carte.typ"
        source.with_name("carte.jpg").write_bytes(draw_carte())
        source.write_text('#set page(width: auto, height: auto, margin: 0pt)\n#image("carte.jpg")')
        dessin = typst.compile(str(source), format="png", ppi=72)
    assert isinstance(dessin, bytes)
    assert dessin[16:24] == (320).to_bytes(4, "big") + (200).to_bytes(4, "big")


def test_kept_open_until_interrupted(temporaire: Path) -> None:
    """The address and the certificate that it shows serve the WSDL; Ctrl-C stops everything."""
    with started(temporaire, ECHANGEUR, "demo", "--garder", "--port", "0") as process:
        shown = "".join(read_until(process, "essai "))
        assert re.search(r"adresse +https://\S+:\d+", shown)
        wsdl = re.search(r"WSDL +(https://\S+)", shown)
        autorite = re.search(r"autorité +(/\S+/ca\.pem)", shown)
        assert wsdl
        assert autorite
        context = ssl.create_default_context(cafile=autorite[1])
        with urllib.request.urlopen(wsdl[1], context=context, timeout=DELAI) as answer:
            assert b"getNumUnique" in answer.read()
        for name in ("certificat", "clé"):
            found = re.search(rf"{name} +(/\S+\.pem)", shown)
            assert found
            assert Path(found[1]).is_file()
        process.send_signal(signal.SIGINT)
        code, _, _ = finish(process, temporaire)
    assert code == 0


def test_interrupted_in_the_middle(temporaire: Path) -> None:
    """Ctrl-C before the end, while the second step of the life is done: said in one word, nothing is left."""
    scenario = AUTRE_SCENARIO.replace("DEUXIEME", "interrupt")
    with started(temporaire, sys.executable, "-c", scenario, "demo") as process:
        code, sortie, erreur = finish(process, temporaire)
    assert "2. le couple souhaite aussi Bagnolet" in sortie
    assert "3. " not in sortie.partition("2. le couple")[2]
    assert code == 130
    assert erreur.strip() == "Interrompu."


# The same command, whose story ends as soon as the hub is there, and which is interrupted at a known step.
INTERROMPU = """
import asyncio.subprocess
import os
import signal
from echangeur.cli import main
from echangeur.demo import deroulement, serveur
from echangeur.sortie import ConstatNegatif

step = "ETAPE"
started, stopped = serveur._ready, asyncio.subprocess.Process.terminate
communicate = asyncio.subprocess.Process.communicate

def interrupt(here):
    if here in step:
        os.kill(os.getpid(), signal.SIGINT)

async def ready(process, dossier):
    interrupt("démarrage")
    base = await started(process, dossier)
    interrupt("prêt")
    return base

def terminate(process):
    stopped(process)
    interrupt("fin demandée")

async def wait(process):
    interrupt("fin attendue")
    return await communicate(process)

async def play(*_):
    raise ConstatNegatif("Rien à montrer.")

serveur._ready = ready
deroulement._play = play
asyncio.subprocess.Process.terminate = terminate
asyncio.subprocess.Process.communicate = wait
main()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "etape", ["démarrage", "prêt", "fin demandée", "fin attendue", "fin demandée, fin attendue"]
)
def test_interrupted_around_the_hub(temporaire: Path, etape: str) -> None:
    """Ctrl-C while the hub starts, serves or stops, or twice: one word, and nothing is left."""
    scenario = INTERROMPU.replace("ETAPE", etape)
    with started(
        temporaire, sys.executable, "-W", "always::ResourceWarning", "-c", scenario, "demo"
    ) as process:
        code, _, erreur = finish(process, temporaire)
    assert code == 130
    assert erreur.strip() == "Interrompu."
