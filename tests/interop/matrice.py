"""What each agent and the hub read of each other: ``python -m tests.interop.matrice`` writes the page again.

The tables of docs/interop-courrier.md are runs of this module; test_agents.py compares them cell by cell.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from certs.algorithmes import PROFILS
from certs.autorite import Autorite, create_autorite
from certs.cms import RefusCms
from certs.enveloppe import decrypt, encrypt
from certs.signature import sign, verify_signature
from tests.etrangers.page import COURRIER, VERSIONS
from tests.interop.agents import Agent, EchecError
from tests.interop.agents.bouncy_castle import BouncyCastle
from tests.interop.agents.gpgsm import Gpgsm
from tests.interop.agents.nss import Nss
from tests.interop.agents.openssl import Openssl
from tests.interop.titulaires import CLES, Titulaire, create_titulaire
from tools.etrangers import Absence, Chaine, chaine

AGENTS: Final[tuple[type[Agent], ...]] = (Openssl, Nss, Gpgsm, BouncyCastle)
PAGE: Final = COURRIER
LUS: Final = "Ce que l'échangeur lit de chaque agent"
ECRITS: Final = "Ce que chaque agent lit de l'échangeur"

CONTENU: Final = '<?xml version="1.0" encoding="UTF-8"?>\r\n<nom>Éloïse Lefèvre</nom>\r\n'.encode() * 100
"""Several times the block of a stream, with accents and the line ends of a mail."""

Table = dict[str, dict[str, str]]


@dataclass
class Matrice:
    """lus: what the hub reads, by agent, key and profile. ecrits: what the agent reads, by agent and key."""

    lus: Table = field(default_factory=dict)
    ecrits: Table = field(default_factory=dict)
    versions: Table = field(default_factory=dict)


def create_titulaires(autorite: Autorite, dossier: Path) -> list[Titulaire]:
    """One holder for each kind of key."""
    return [create_titulaire(f"titulaire-{nature}", nature, autorite, dossier / nature) for nature in CLES]


@contextmanager
def opened(
    kind: type[Agent], tools: Chaine, dossier: Path, titulaires: Sequence[Titulaire]
) -> Iterator[Agent]:
    """The agent, ended whatever happens."""
    agent = kind(tools, dossier, titulaires)
    try:
        yield agent
    finally:
        agent.close()


def try_agent(agent: Agent) -> Matrice:
    """Every cell of this agent."""
    found = Matrice()
    for holder in agent.titulaires:
        for profil in agent.manieres:
            found.lus[f"{agent.nom}, {holder.nature}, {profil}"] = {
                "signature": read_signature(agent, holder, profil),
                "chiffrement": read_encryption(agent, holder, profil),
            }
        found.ecrits[f"{agent.nom}, {holder.nature}"] = {
            f"{action} {profil}": written(agent, holder, profil)
            for action, written in (("signature", write_signature), ("chiffrement", write_encryption))
            for profil in PROFILS
        }
    found.versions[agent.nom] = {"outil": agent.outil, "version": agent.version()}
    return found


def read_signature(agent: Agent, holder: Titulaire, profil: str) -> str:
    """Whether the hub reads what the agent signs."""
    try:
        message = agent.sign(CONTENU, holder, profil)
    except EchecError:
        return "—"
    read = verify_signature(message, profil=PROFILS[profil])
    if isinstance(read, RefusCms):
        return f"non : {read.motif}"
    assert read.octets == CONTENU
    assert read.signataire == holder.paire.certificat
    return f"oui : {read.algorithme}"


def read_encryption(agent: Agent, holder: Titulaire, profil: str) -> str:
    """Whether the hub reads what the agent encrypts."""
    try:
        message = agent.encrypt(CONTENU, holder, profil)
    except EchecError:
        return "—"
    read = decrypt(message, [holder.paire], profil=PROFILS[profil])
    if isinstance(read, RefusCms):
        return f"non : {read.motif}"
    assert read.octets_non_verifies == CONTENU
    return f"oui : {read.algorithmes}"


def write_signature(agent: Agent, holder: Titulaire, profil: str) -> str:
    """Whether the agent reads what the hub signs; never a content that was altered."""
    message = sign(CONTENU, [holder.paire], instant=datetime.now(UTC), profil=PROFILS[profil])
    altered = message.replace("Éloïse".encode(), "Eloïse!".encode(), 1)
    assert altered != message
    assert len(altered) == len(message)
    try:
        agent.verify(altered, holder)
    except EchecError:
        pass
    else:
        raise AssertionError(f"{agent.nom} a accepté un contenu altéré : son « oui » ne prouve rien")
    try:
        return "oui" if agent.verify(message, holder) == CONTENU else "autre chose"
    except EchecError:
        return "non"


def write_encryption(agent: Agent, holder: Titulaire, profil: str) -> str:
    """Whether the agent reads what the hub encrypts."""
    message = encrypt(CONTENU, [holder.paire.certificat], PROFILS[profil])
    try:
        return "oui" if agent.decrypt(message, holder) == CONTENU else "autre chose"
    except EchecError:
        return "non"


def write_page(matrices: Sequence[Matrice]) -> None:
    """Put the tables of these runs in the page, in place of those that it has."""
    text = PAGE.read_text(encoding="utf-8")
    for title, name, heads in (
        (LUS, "lus", ("signature", "chiffrement")),
        (ECRITS, "ecrits", tuple(f"{a} {p}" for a in ("signature", "chiffrement") for p in PROFILS)),
        (VERSIONS, "versions", ("outil", "version")),
    ):
        rows: Table = {key: row for each in matrices for key, row in getattr(each, name).items()}
        lines = [f"| agent | {' | '.join(heads)} |", f"| --- |{' --- |' * len(heads)}"]
        lines += [f"| {key} | {' | '.join(row[head] for head in heads)} |" for key, row in rows.items()]
        before, mark, after = text.partition(f"\n## {title}\n")
        assert mark, title
        body, again, rest = after.partition("\n## ")
        prose = [line for line in body.splitlines() if not line.startswith("|")]
        text = before + mark + "\n".join(prose).rstrip() + "\n\n" + "\n".join(lines) + "\n" + again + rest
    PAGE.write_text(text, encoding="utf-8")


def main() -> int:
    """Run every agent and write the page; an agent that cannot be had leaves it as it is."""
    with tempfile.TemporaryDirectory(prefix="matrice-") as temporary:
        folder = Path(temporary)
        holders = create_titulaires(create_autorite("Autorité de banc", now=datetime.now(UTC)), folder)
        matrices = []
        for kind in AGENTS:
            tools = chaine(kind.outil)
            if isinstance(tools, Absence):
                print(f"{kind.nom} absent : {tools.raison}", file=sys.stderr)
                return 1
            with opened(kind, tools, folder / kind.outil, holders) as agent:
                matrices.append(try_agent(agent))
            print(f"{kind.nom} : fait")
    servers = Matrice(versions=server_versions())
    write_page([*matrices, servers])
    return 0


def server_versions() -> Table:
    """What the mail servers say that they are; empty without them."""
    found: Table = {}
    for tool, words in (
        ("dovecot", ("/usr/sbin/dovecot", "--version")),
        ("postfix", ("/usr/sbin/postconf", "-d", "-h", "mail_version")),
    ):
        tools = chaine(tool)
        if isinstance(tools, Chaine):
            said = subprocess.run(tools.overlay(words), capture_output=True, text=True, check=True)
            found[tool] = {"outil": tool, "version": said.stdout.split(" (")[0].strip()}
    return found


if __name__ == "__main__":
    sys.exit(main())
