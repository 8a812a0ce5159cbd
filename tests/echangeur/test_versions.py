"""02.00 and 02.01 side by side, on a whole hub: every operation, every emitted document, every guichet in the
version that it reads."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
import pytest_asyncio
from lxml import etree
from sqlalchemy import Engine

from certs import tls
from conformance.client_reference import WS
from echangeur.cli import run
from echangeur.instance import open_instance
from echangeur.roles.socle import Socle
from filters.language import Filtre
from filters.store import save_filtre
from mailflows.operations import Demandee
from mailflows.operations import Operations as OperationsCourrier
from registry.clock import FixedClock
from registry.echanges import Canal, Echange, Emetteur, Fichier, Refus
from registry.guichets_store import get_guichet, set_version
from registry.handlers import Traitement
from registry.projection import Projection
from schemas.courrier import Requete
from schemas.generation import generate_demande
from schemas.kinds import DocumentKind
from schemas.validation import validate
from soap.correlation import new_id
from tools import exemples

ANCIEN, NEUF = "G1226", "G1104"
PROPRES = ("informationTraitement", "notifSms", "notifEvt")
DEMANDE, DISTRIBUTIONS, PORTAIL = (
    f"/services/{nom}ImplService" for nom in ("DemandeLogement", "Distributions", "Portail")
)
DEPUIS = "2026-06-01T00:00:00+02:00"
CERTIFICAT = "<nomCertificat>c</nomCertificat><certificat/>"


def parts(corps: bytes) -> list[bytes]:
    """Every demande of an answer, whatever the list that holds it."""
    files = re.findall(
        rb"<fichier(?:Demande|Dalo|DemandesRadiees|NouveauxDalo)[^>]*>([A-Za-z0-9+/=\s]+)<", corps
    )
    whole = b"".join(base64.b64decode(each) for each in files)
    return re.findall(rb"<ns1:interfaceNuu.*?</ns1:interfaceNuu>", whole, re.DOTALL)


def complete(seed: object, guichet: str, type_fichier: str = "CRE", **options: object) -> bytes:
    return generate_demande(
        f"{seed}", guichet=guichet, type_fichier=type_fichier, association=False, complet=True, **options
    )  # type: ignore[arg-type]


@dataclass
class Monde:
    """A hub served over mutual TLS, and its two guichets."""

    engine: Engine
    partenaires: dict[str, exemples.Partenaire]

    async def call(
        self, qui: str, operation: str, champs: str, chemin: str = DEMANDE, enveloppe: str = ""
    ) -> bytes:
        element = enveloppe or f"{operation}Parametres"
        body = (
            f'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:ws="{WS}"><s:Body>'
            f"<ws:{element}>{champs}</ws:{element}></s:Body></s:Envelope>"
        )
        heads = {"Content-Type": f'application/soap+xml; charset=utf-8; action="{WS}{operation}"'}
        _, answer = await asyncio.to_thread(self.partenaires[qui].post, chemin, heads, body.encode())
        return answer

    async def send(self, qui: str, document: bytes) -> bytes:
        return await self.call(
            qui, "getNumUnique", f"{_file('Demande', document)}{CERTIFICAT}<complet>non</complet>",
            enveloppe="numUniqueParametres",
        )  # fmt: skip

    async def read(self, qui: str, numero: str) -> bytes:
        return await self.call(
            qui, "getDemandeLogement", f"<numUnique>{numero}</numUnique>{CERTIFICAT}",
            enveloppe="demandeLogementParametres",
        )  # fmt: skip


def _file(nom: str, document: bytes) -> str:
    return f"<nomFichier{nom}>f.xml</nomFichier{nom}><fichier{nom}>{base64.b64encode(document).decode()}</fichier{nom}>"


def number_of(answer: bytes) -> str:
    (document,) = parts(answer)
    found = re.search(rb"numUnique>(\d{13}[A-Z0-9]{5})<", document)
    assert found is not None, document
    return found[1].decode()


@pytest_asyncio.fixture
async def monde(engine: Engine, database_url: str, tmp_path: Path) -> AsyncIterator[Monde]:
    folder, clock = tmp_path / "instance", FixedClock(exemples.INSTANT)
    exemples.prepare(folder, tmp_path, clock, database_url)
    assert run(["--instance", str(folder), "guichet", "version", ANCIEN, "02.00"], clock=clock) == 0
    with engine.begin() as conn:
        for code in (ANCIEN, NEUF):
            save_filtre(conn, code, Filtre("Tout"), instant=clock.now())
    async with exemples.serve(Socle(open_instance(folder), engine, clock)) as port:
        yield Monde(
            engine,
            {
                code: exemples.Partenaire(
                    port,
                    tls.client_context(*(tmp_path / code / nom for nom in ("ca.pem", "cert.pem", "key.pem"))),
                )
                for code in (ANCIEN, NEUF)
            },
        )


def assert_read(answer: bytes, version: str, number: int = 1) -> None:
    """Each demande of the answer declares that version at most, and is valid in the one that it declares."""
    found = parts(answer)
    assert len(found) >= number, answer[:2000]
    for document in found:
        root = etree.fromstring(document)
        declared = root.get("versionInterface")
        assert declared == version
        assert validate(root, DocumentKind(f"demande-{declared}")) == ()
        if declared == "02.00":
            assert not any(f"ns1:{nom}" in document.decode() for nom in PROPRES)


def assert_told(answer: bytes) -> None:
    """It was accepted."""
    told = re.findall(rb'anomalie code="(\w+)".*?message>([^<]*)<', b"".join(parts(answer)))
    assert parts(answer)
    assert told == []


async def test_every_answer_is_in_the_version_that_the_guichet_reads(monde: Monde) -> None:
    """[SOA-44] The one that reads 02.00 sends 02.01 here, and has others' demandes that hold all of it."""
    registered = await monde.send(NEUF, complete(1, NEUF))
    assert_read(registered, "02.01")
    numero = number_of(registered)
    for qui, version in ((NEUF, "02.01"), (ANCIEN, "02.00")):
        assert_read(await monde.read(qui, numero), version)
        assert_read(await monde.send(qui, complete(f"2-{qui}", qui)), version)
        other = NEUF if qui == ANCIEN else ANCIEN
        # Of another guichet: refused, with the file sent.
        refused = await monde.send(qui, complete(5, other))
        assert b"listeAnomalie" in b"".join(parts(refused))
        assert_read(refused, version)
        copied = await monde.send(qui, complete(1, qui, "COP", num_unique=numero))
        assert_read(copied, version)
        champs = _file("Demande", complete(3, other))
        assert_read(
            await monde.call(qui, "getDoublons", champs, enveloppe="rechercheDoublonsParametres"), version
        )
        dalo = f"{_file('Dalo', complete(1, qui, num_unique=numero))}{CERTIFICAT}"
        answer = await monde.call(
            qui, "getDeclarationNouveauDalo", dalo, enveloppe="declarationNouveauDaloParametres"
        )
        assert_read(answer, version)
        depot = f"{_file('Demande', complete(f'4-{qui}', qui))}<complet>non</complet>"
        assert_read(await monde.call(qui, "deposerDemande", depot, PORTAIL), version)


async def test_lists_are_in_the_version_that_the_guichet_reads(monde: Monde) -> None:
    """[SOA-44]"""
    numero = number_of(await monde.send(NEUF, complete(1, NEUF)))
    (read,) = parts(await monde.read(NEUF, numero))
    depot = re.search(rb"dateCreationDemande>([\d-]+)<", read)
    assert depot is not None
    radiation = generate_demande(
        1,
        type_fichier="RAD",
        motif_radiation="RADABA",
        num_unique=numero,
        date_creation=date.fromisoformat(depot[1].decode()),
        guichet=NEUF,
    )
    assert_told(await monde.send(NEUF, radiation))
    champs = f"<dateRadiationDepuisLe>{DEPUIS}</dateRadiationDepuisLe>{CERTIFICAT}"
    for qui, version in ((NEUF, "02.01"), (ANCIEN, "02.00")):
        answer = await monde.call(
            qui, "getDemandesRadieesDepuisLe", champs, enveloppe="demandesRadieesDepuisLeParametres"
        )
        assert_read(answer, version)


async def test_a_distribution_is_in_the_version_read_when_it_was_made(monde: Monde) -> None:
    """[SOA-44] [DST-10] It is acknowledged by the bytes that were given, and keeps them when the guichet
    changes; the next one is in the new version."""

    async def listed(etat: str) -> list[bytes]:
        answer = await monde.call(ANCIEN, "listerDistributions", f"<etat>{etat}</etat>", DISTRIBUTIONS)
        files = re.findall(rb"<fichierDemande[^>]*>([A-Za-z0-9+/=\s]+)<", answer)
        return [base64.b64decode(each) for each in files]

    await monde.send(NEUF, complete(1, NEUF))
    (before,) = await listed("A_ACQUITTER")
    root = etree.fromstring(before)
    assert root.get("versionInterface") == "02.00"
    assert validate(root, DocumentKind.DEMANDE_0200) == ()
    empreinte = hashlib.sha256(before).hexdigest()
    acquit = f"<acquit><sequence>1</sequence><empreinte>{empreinte}</empreinte></acquit>"
    assert b"ACQUITTEE" in await monde.call(ANCIEN, "acquitterDistributions", acquit, DISTRIBUTIONS)
    tenue = (
        f"<tranche><premiere>1</premiere><derniere>1</derniere><empreintes>{empreinte}</empreintes></tranche>"
    )
    compared = await monde.call(ANCIEN, "rapprocherDistributions", tenue, DISTRIBUTIONS)
    assert b"derniereSequence" in compared
    assert b"differente" not in compared
    with monde.engine.begin() as conn:
        assert set_version(conn, ANCIEN, "02.01") == ()
    await monde.send(NEUF, complete(2, NEUF))
    again, after = await listed("TOUTES")
    assert again == before
    assert etree.fromstring(after).get("versionInterface") == "02.01"
    assert b"notifSms" in after


async def test_what_0200_cannot_say_is_not_lost(monde: Monde) -> None:
    """[VIE-18] A modification by a guichet that only has 02.00 leaves what it could not have sent."""
    drawn = (generate_demande(seed, guichet=NEUF, association=False) for seed in range(100))
    source = next(each for each in drawn if all(f"{nom}>".encode() in each for nom in PROPRES[1:]))
    numero = number_of(await monde.send(NEUF, source))
    wanted = {nom: re.findall(rf"<ns1:{nom}>(\w+)<".encode(), source)[:1] for nom in PROPRES[1:]}
    assert all(wanted.values())
    (held,) = parts(await monde.read(ANCIEN, numero))
    changed = re.sub(rb"typeFichier>\w+<", b"typeFichier>MOD<", held)
    changed = re.sub(rb"numGuichet>\w+<", f"numGuichet>{ANCIEN}<".encode(), changed)
    answer = await monde.send(ANCIEN, changed)
    assert_told(answer)
    assert_read(answer, "02.00")
    (read,) = parts(await monde.read(NEUF, numero))
    assert {nom: re.findall(rf"<ns1:{nom}[^>]*>(\w+)<".encode(), read)[:1] for nom in wanted} == wanted


async def test_mail_answers_in_the_version_that_the_guichet_reads(monde: Monde) -> None:
    """[SOA-44] The same handlers, by the other edge."""
    numero = number_of(await monde.send(NEUF, complete(1, NEUF)))
    clock = FixedClock(exemples.INSTANT)
    traitement = Traitement(monde.engine, clock, Projection(_Nobody()))
    await traitement.start()
    try:
        for qui, version in ((NEUF, b"02.01"), (ANCIEN, b"02.00")):
            with monde.engine.connect() as conn:
                guichet = get_guichet(conn, qui)
            assert guichet is not None
            edge = OperationsCourrier(traitement, None, None, None, _keep)  # type: ignore[arg-type]
            echange = Echange(
                new_id(clock.now()), Emetteur(guichet, "ab" * 32), Canal.COURRIER, "", clock.now(), b""
            )
            requete = Requete("getDemandeLogement", parametres={"numUnique": numero})
            found = await edge.execute(
                Demandee("getDemandeLogement", Fichier("r.xml", b""), requete), echange
            )
            assert not isinstance(found, Refus)
            assert b'versionInterface="' + version in found[0].contenu
    finally:
        await traitement.stop()


class _Nobody:
    def decide(self, conn: object, evenements: object) -> None: ...


async def _keep(*_: object) -> None: ...


def test_the_version_is_one_that_exists(commande: Callable[..., object], dossier: Path, guichet: str) -> None:
    result = commande("--instance", dossier, "guichet", "version", guichet, "01.00")
    assert result.code == 1  # type: ignore[attr-defined]
    assert "02.00, 02.01" in result.erreur  # type: ignore[attr-defined]


@pytest.mark.parametrize("seed", range(6))
def test_a_complete_demande_becomes_a_valid_0200(seed: int) -> None:
    """[SOA-44] And the second time, nothing changes."""
    from schemas.emission import as_0200, emit_demande

    emitted = emit_demande(
        etree.fromstring(complete(seed, NEUF)),
        type_fichier="RET",
        date_fichier=exemples.INSTANT,
        num_unique="1110626000001G1104",
    )
    older = as_0200(emitted)
    root = etree.fromstring(older)
    assert root.get("versionInterface") == "02.00"
    assert validate(root, DocumentKind.DEMANDE_0200) == ()
    assert as_0200(older) == older
    assert older.count(b"xmlns") == 1
