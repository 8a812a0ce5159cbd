"""Every certificate of a running exchange is rotated, by the commands of the guide: no message is lost.

One hub process serves SOAP and mail. A partner registers by SOAP and is pushed to; another registers by mail
and is written to. Both go on without a pause while each key goes from old to overlap to new, and old is
destroyed.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Engine, text

from certs.autorite import load_autorite, write_secret
from certs.lecture import Certificat
from certs.paire import Paire, load_paire
from certs.tls import client_context, server_context
from certs.trousseau import EtatCle, UsageCle, UsageRotation, load_trousseau
from conformance.partenaire_courrier import Echangeur, PartenaireCourrier, Piece
from conformance.partenaire_reference import PartenaireReference
from echangeur.cli import run
from echangeur.config import load_configuration, render
from echangeur.lieux import COURRIER
from registry.clock import FixedClock, SystemClock
from registry.database import open_engine
from schemas.courrier import Verdict
from schemas.generation import generate_demande
from tests.echangeur.test_serve import add_bailleur, administer, call, context_of, registration, serving

SOAP, MAIL = "G1226", "G1104"
HUB = "echangeur@localhost"
DELAI = 60.0


@dataclass
class Trafic:
    """What was sent by each side, and what came back. client: the folder that the SOAP partner uses now."""

    client: Path
    port: int
    partenaire: PartenaireCourrier
    soap: list[str] = field(default_factory=list)
    mails: dict[str, int] = field(default_factory=dict)
    stop: bool = False
    tours: Counter[str] = field(default_factory=Counter)

    def document(self, seed: str, guichet: str) -> bytes:
        return generate_demande(seed, guichet=guichet, le=datetime.now(UTC).date())

    async def register_by_soap(self) -> None:
        while not self.stop:
            body = registration(self.document(f"soap {len(self.soap)}", SOAP))
            status, answer = await asyncio.to_thread(
                call, self.port, context_of(self.client), "getNumUnique", body
            )
            assert status == 200, answer
            self.soap.append(answer)
            self.tours["soap"] += 1

    async def register_by_mail(self) -> None:
        while not self.stop:
            piece = Piece("DEM.xml", self.document(f"courrier {len(self.mails)}", MAIL))
            key = await self.partenaire.post(piece)
            self.mails[key] = 0
            async with asyncio.timeout(DELAI):
                (recu,) = await self.partenaire.answer_to(key)
            assert recu.accuse is not None
            assert recu.accuse.verdict is Verdict.ACCEPTE, recu.accuse
            self.tours["courrier"] += 1

    async def go_on(self, *taches: asyncio.Task[None]) -> None:
        """Until each side has had two exchanges begun and ended from now on, besides the one in progress."""
        self.tours.clear()
        async with asyncio.timeout(DELAI):
            while not all(self.tours[side] >= 3 for side in ("soap", "courrier")):
                for tache in taches:
                    if tache.done():
                        tache.result()
                await asyncio.sleep(0.05)


@pytest.fixture
def dossier(tmp_path: Path, database_url: str) -> Path:
    folder = tmp_path / "instance"
    assert run(["init", str(folder), "--base", database_url], clock=SystemClock()) == 0
    return folder


def configure(dossier: Path, port: int, relais: int) -> None:
    fichier = dossier / "echangeur.toml"
    before = load_configuration(fichier)
    courrier = msgspec.structs.replace(
        before.courrier, actif=True, ecoute="localhost", port=port, adresse=HUB
    )
    relay = msgspec.structs.replace(before.relais, port=relais, autorites="autorite/ca.pem")
    write_secret(fichier, render(msgspec.structs.replace(before, courrier=courrier, relais=relay)).encode())


def pair_of(folder: Path) -> Paire:
    return load_paire((folder / "cert.pem").read_bytes(), (folder / "key.pem").read_bytes())


def hub_key(dossier: Path, usage: UsageCle, etat: EtatCle) -> Certificat:
    """The newest key of the hub in that state for that use: what is told to partners."""
    found = [c for c in load_trousseau(dossier / COURRIER).clefs if usage in c.usages and c.etat is etat]
    return max(found, key=lambda each: each.prepare_le).paire.certificat


def prepare(dossier: Path, code: str, folder: Path) -> Paire:
    """The next identity of a guichet, not registered yet."""
    load_autorite(dossier / "autorite").issue_guichet(code, now=datetime.now(UTC)).write(folder)
    return pair_of(folder)


def come_into_use(engine: Engine, empreinte: str) -> None:
    """The day that was told comes: the clock of the process is that of the machine."""
    with engine.begin() as conn:
        done = conn.execute(
            text("UPDATE certificat SET actif_du = now() WHERE empreinte = :e AND actif_du > now()"),
            {"e": empreinte},
        )
        assert done.rowcount == 1


async def command(dossier: Path, *words: object) -> None:
    """A command beside the running exchange."""
    await asyncio.to_thread(administer, dossier, *words)


async def settled(engine: Engine) -> None:
    """Until nothing waits: neither a mail, nor an answer, nor a distribution."""
    query = text("""
        SELECT (SELECT count(*) FROM courrier_entrant WHERE etat = 'recu')
            + (SELECT count(*) FROM courrier_sortant WHERE etat = 'a_envoyer')
            + (SELECT count(*) FROM distribution WHERE etat <> 'acquittee')
    """)

    def waiting() -> int:
        with engine.connect() as conn:
            return int(conn.execute(query).scalar_one())

    async with asyncio.timeout(DELAI):
        while await asyncio.to_thread(waiting):
            await asyncio.sleep(0.1)


@asynccontextmanager
async def exchange(dossier: Path, tmp_path: Path) -> AsyncIterator[tuple[Trafic, PartenaireReference]]:
    """The hub process and both partners."""
    push, robot = tmp_path / "soap-1", tmp_path / "courrier-1"
    add_bailleur(dossier, SOAP, push)
    add_bailleur(dossier, MAIL, robot)
    recepteur = PartenaireReference(server_context(push / "cert.pem", push / "key.pem", push / "ca.pem"))
    administer(dossier, "guichet", "adresse", SOAP, await recepteur.start())
    contexte = server_context(robot / "cert.pem", robot / "key.pem", robot / "ca.pem")
    with socket.create_server(("localhost", 0)) as free:
        port = free.getsockname()[1]
    hub = Echangeur(
        HUB,
        "localhost",
        port,
        hub_key(dossier, UsageCle.CHIFFREMENT, EtatCle.ACTIF),
        hub_key(dossier, UsageCle.SIGNATURE, EtatCle.ACTIF).empreinte,
        client_context(robot / "ca.pem"),
    )
    partenaire = PartenaireCourrier("robot@guichet.example", pair_of(robot), hub, contexte=contexte)
    configure(dossier, port, await partenaire.start())
    administer(dossier, "guichet", "adresse", MAIL, partenaire.adresse, "--courrier")
    administer(dossier, "guichet", "canal", MAIL, "courrier")
    for code in (SOAP, MAIL):
        administer(dossier, "filtre", "ajouter", code, "--nom", "Tout")
    with serving(dossier, "--port", "0") as serveur:
        try:
            yield Trafic(push, serveur.port, partenaire), recepteur
        finally:
            await partenaire.stop()
            await recepteur.stop()


async def test_toutes_les_cles_d_un_echange_en_marche(
    dossier: Path, tmp_path: Path, database_url: str
) -> None:
    """[CER-51] [CER-52] [CER-53] Six uses and TLS, on each side: every message has its answer, once."""
    engine = open_engine(database_url)
    async with exchange(dossier, tmp_path) as (trafic, recepteur):
        partenaire, ancien_client = trafic.partenaire, trafic.client
        taches = (
            asyncio.create_task(trafic.register_by_soap()),
            asyncio.create_task(trafic.register_by_mail()),
        )
        await trafic.go_on(*taches)

        # The hub prepares its next keys; the partner is told, accepts both, then encrypts for the new one.
        await command(dossier, "certificat", "rotation", "preparer")
        suivante = hub_key(dossier, UsageCle.SIGNATURE, EtatCle.PREPARE)
        partenaire.echangeurs = frozenset({suivante.empreinte})
        await trafic.go_on(*taches)
        chiffrement = hub_key(dossier, UsageCle.CHIFFREMENT, EtatCle.PREPARE)
        partenaire.echangeur = replace(partenaire.echangeur, chiffrement=chiffrement)
        await trafic.go_on(*taches)
        await command(dossier, "certificat", "repeter", MAIL)
        await command(dossier, "certificat", "rotation", "basculer")
        await trafic.go_on(*taches)
        vieille = partenaire.echangeur.empreinte
        partenaire.echangeur = replace(partenaire.echangeur, empreinte=suivante.empreinte)
        partenaire.echangeurs = frozenset()

        # The next certificate of the robot: prepared, it signs at once, and is written to from its day on.
        ancienne, nouvelle = partenaire.paire, tmp_path / "courrier-2"
        suivant = prepare(dossier, MAIL, nouvelle)
        partenaire.autres = (ancienne, suivant)
        jour = datetime.now(UTC) + timedelta(days=2)
        await command(
            dossier,
            *(
                "certificat",
                "enregistrer",
                MAIL,
                nouvelle / "cert.pem",
                "--a-partir-du",
                f"{jour:%Y-%m-%d}",
            ),
        )
        partenaire.paire = suivant
        await trafic.go_on(*taches)
        await asyncio.to_thread(come_into_use, engine, suivant.certificat.empreinte)
        await trafic.go_on(*taches)

        # That of the partner of SOAP, beside the former one, then alone.
        client = tmp_path / "soap-2"
        await command(dossier, "certificat", "emettre", SOAP, "--dossier", client)
        await trafic.go_on(*taches)
        trafic.client = client
        await trafic.go_on(*taches)

        # What is old is destroyed, on each side.
        for ancien in (ancienne.certificat, pair_of(ancien_client).certificat):
            await command(dossier, "certificat", "retirer", ancien.empreinte)
        partenaire.autres = ()
        later = FixedClock(datetime.now(UTC) + timedelta(days=31))
        words = ["--instance", str(dossier), "certificat", "rotation", "purger"]
        assert await asyncio.to_thread(run, words, clock=later) == 0
        assert {c.etat for c in load_trousseau(dossier / COURRIER).clefs} == {EtatCle.ACTIF}
        assert vieille not in {c.empreinte for c in load_trousseau(dossier / COURRIER).clefs}
        await trafic.go_on(*taches)

        trafic.stop = True
        await asyncio.gather(*taches)
        await settled(engine)
    with engine.connect() as conn:
        refused = conn.execute(text("SELECT code, motif FROM courrier_entrant WHERE etat = 'quarantaine'"))
        assert refused.all() == []
        assert conn.execute(text("SELECT count(*) FROM demande")).scalar_one() == len(trafic.soap) + len(
            trafic.mails
        )
        rows = conn.execute(text("SELECT guichet, count(*) FROM distribution GROUP BY guichet"))
        by_guichet = {row[0]: row[1] for row in rows}
    assert partenaire.illisibles == []
    answers = Counter(each.en_reponse_a for each in partenaire.recus if each.nature == "reponse")
    assert answers == Counter(dict.fromkeys(trafic.mails, 1))
    written = Counter(each.id for each in partenaire.recus if each.nature == "distribution")
    assert set(written.values()) == {1}
    assert set(recepteur.deliveries.values()) == {1}
    assert by_guichet == {SOAP: len(recepteur.deliveries), MAIL: len(written)}
    engine.dispose()


async def rehearsal(dossier: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    """The command, in this process: how it ends, and all that it said."""
    words = ["--instance", str(dossier), "certificat", "repeter", MAIL, *options]
    code = await asyncio.to_thread(run, words, clock=SystemClock())
    said = capsys.readouterr()
    return code, said.out + said.err


async def test_repetition_par_de_vrais_courriers(
    dossier: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """[CER-57] [CER-58] By the command, beside the server: unanswered, asked again, then use by use."""
    async with exchange(dossier, tmp_path) as (trafic, _):
        partenaire = trafic.partenaire
        await command(dossier, "certificat", "rotation", "preparer")
        suivant = prepare(dossier, MAIL, tmp_path / "courrier-2")
        await command(dossier, "certificat", "enregistrer", MAIL, tmp_path / "courrier-2" / "cert.pem")

        # Its robot knows nothing of the next keys.
        code, said = await rehearsal(dossier, capsys, "--attente", "0")
        assert code == 1
        assert "n'a pas encore répondu" in said
        async with asyncio.timeout(DELAI):
            while not partenaire.illisibles:
                await asyncio.sleep(0.05)
        code, said = await rehearsal(dossier, capsys, "--attente", "0", "--json")
        assert code == 1
        waiting = {each["epreuve"]: each["reussie"] for each in json.loads(said[: said.rindex("]") + 1])}
        assert {waiting[usage] for usage in UsageRotation} == {None}
        assert waiting["tls"]

        # Told of them, it answers, but the message is not sent twice for that: another one is.
        partenaire.autres = (suivant,)
        partenaire.echangeurs = frozenset({hub_key(dossier, UsageCle.SIGNATURE, EtatCle.PREPARE).empreinte})
        partenaire.chiffrements = (hub_key(dossier, UsageCle.CHIFFREMENT, EtatCle.PREPARE),)
        code, said = await rehearsal(dossier, capsys, "--recommencer", "--attente", str(int(DELAI)))
        assert code == 0, said
        assert all(usage in said for usage in UsageRotation)
        assert suivant.certificat.empreinte in said
        # The result is kept.
        code, again = await rehearsal(dossier, capsys, "--attente", "0")
        assert code == 0
        assert again.splitlines()[1:] == said.splitlines()[1:]
        assert [each.nature for each in partenaire.recus] == ["repetition", "repetition"]
        states = {c.etat for c in load_trousseau(dossier / COURRIER).clefs}
        assert states == {EtatCle.ACTIF, EtatCle.PREPARE}
        # Nothing travels when it is asked to stay here.
        code, said = await rehearsal(dossier, capsys, "--sur-place")
        assert code == 0, said
        assert "Rien n'a voyagé" in said
        assert len(partenaire.recus) == 2
