"""The sandbox served, in one process for the module: what its screen says, its values, its clock, its stock.

The partner has a certificate of an authority of its own, an endpoint that the hub pushes to, a mail server.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import re
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from sqlalchemy import text

import echangeur.bac_a_sable.serveur  # noqa: F401 - the edges declare their anomalies
from certs import tls
from certs.autorite import create_autorite
from certs.lecture import Certificat, read_certificat
from certs.paire import load_paire
from conformance.partenaire_courrier import Echangeur, PartenaireCourrier, Piece
from conformance.partenaire_reference import CHEMIN, PartenaireReference
from echangeur.bac_a_sable import valeurs
from echangeur.bac_a_sable.dossier import Bac, open_sandbox
from echangeur.bac_a_sable.ecran import APPEL_PY
from echangeur.bac_a_sable.valeurs import D_APPEL, D_ENVOI, DANS_LE_DOCUMENT, DE_COURRIER, EN_VRAI, Panne
from registry.anomalies import CATALOGUE, Tour
from registry.lifecycle import Etat
from schemas.courrier import Verdict
from tests.bac_a_sable.monde import DEMANDE, Appelant, Serveur, command, context_of, read, started

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]


@dataclass
class Monde:
    """What the tests of the module share."""

    bac: Bac
    serveur: Serveur
    appelant: Appelant
    partenaire: PartenaireReference
    robot: PartenaireCourrier
    cert: Path
    key: Path


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def monde() -> AsyncIterator[Monde]:
    # Not tmp_path: each session of pytest closes its parent to the user of PostgreSQL.
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        place.chmod(0o755)
        async with _world(place) as made:
            yield made


@contextlib.asynccontextmanager
async def _world(place: Path) -> AsyncIterator[Monde]:
    now = datetime.now(UTC)
    autorite = create_autorite("Autorité du partenaire", now=now)
    identite = autorite.issue_guichet("G1104", now=now, duree=timedelta(days=3650))
    identite.write(place / "siens")
    cert, key = place / "siens" / "cert.pem", place / "siens" / "key.pem"
    point = place / "point"
    autorite.issue_serveur(now=now).write(point)
    with socket.create_server(("localhost", 0)) as free, socket.create_server(("localhost", 0)) as other:
        ports = [each.getsockname()[1] for each in (free, other)]
    courrier = "robot@guichet.example"
    options = {
        "--dossier": place / "bac",
        "--port": 0,
        "--certificat": cert,
        "--autorite": place / "siens" / "ca.pem",
        "--reception": f"https://localhost:{ports[0]}{CHEMIN}",
        "--courrier": courrier,
        "--serveur-courrier": f"localhost:{ports[1]}",
    }
    words = [word for option in options.items() for word in option]
    async with started(*words, dossier=place / "bac") as serveur:
        bac = open_sandbox(place / "bac")
        endpoint = PartenaireReference(
            tls.server_context(point / "cert.pem", point / "key.pem", bac.partenaire / "ca.pem")
        )
        await endpoint.start("localhost", ports[0])
        hub = Echangeur(
            "echangeur@localhost",
            "localhost",
            int(serveur.find(r"STARTTLS sur \S+:(\d+)")),
            _certificat(bac.partenaire / "echangeur-chiffrement.pem"),
            _certificat(bac.partenaire / "echangeur-signature.pem").empreinte,
            tls.client_context(bac.partenaire / "ca.pem"),
        )
        robot = PartenaireCourrier(courrier, load_paire(identite.chaine, identite.cle), hub)
        await robot.start("localhost", ports[1])
        appelant = Appelant(bac, serveur.base, context_of(bac, cert, key))
        yield Monde(bac, serveur, appelant, endpoint, robot, cert, key)
        await appelant.close()
        await robot.stop()
        await endpoint.stop()
    assert serveur.process.returncode == 0


def _certificat(fichier: Path) -> Certificat:
    lu = read_certificat(fichier.read_bytes())
    assert isinstance(lu, Certificat)
    return lu


async def _until(fact: object, what: str) -> None:
    """Wait for a fact of another process, that nothing tells."""
    assert callable(fact)
    async with asyncio.timeout(120):
        while not fact():
            await asyncio.sleep(0.1)
    assert fact(), what


async def test_what_was_sown_is_listed_and_arrives(monde: Monde) -> None:
    """[BAC-10] [BAC-3] Every state of the life cycle, DALO, doublons; what the filter takes is pushed."""
    lues = json.loads(await command(monde.bac.dossier, "demandes", "--json"))
    assert {each["etat"] for each in lues} == set(Etat) - {Etat.PURGEE}
    titres = " ".join(each["titre"] for each in lues)
    assert all(mot in titres for mot in ("DALO", "doublon", "renouveler", "validation"))
    siennes = {each["numero"] for each in lues if "qui vous arrive" in each["titre"]}
    await _until(
        lambda: siennes <= {each.numero for each in monde.partenaire.receptions.values()}, "les semées"
    )


@pytest.mark.parametrize("seed", ["1", "2"])
async def test_the_same_seed_gives_the_same_demande(monde: Monde, seed: str) -> None:
    """[BAC-10] What is drawn depends on the seed and the day alone."""
    assert monde.appelant.demande(seed) == monde.appelant.demande(seed)
    assert monde.appelant.demande("1") != monde.appelant.demande("2")


async def test_the_first_call_of_the_screen_is_copied(monde: Monde) -> None:
    """[BAC-1] [BAC-2] One command in a fresh folder, then what the screen says, but for the key: that of
    one's own certificate, the sandbox has not."""
    debut = next(rang for rang, ligne in enumerate(monde.serveur.lignes) if ligne.startswith("curl "))
    appel = "\n".join(monde.serveur.lignes[debut : debut + 3]).replace("VOTRE-CLE.pem", str(monde.key))
    process = await asyncio.create_subprocess_shell(appel, stdout=asyncio.subprocess.PIPE)
    sortie, _ = await process.communicate()
    assert process.returncode == 0
    premiere = read(200, sortie)
    assert premiere.numero, premiere.texte
    # The same file by zeep, that knows the address of the WSDL alone: the same answer.
    programme = monde.bac.partenaire / APPEL_PY
    programme.write_text(programme.read_text().replace("VOTRE-CLE.pem", str(monde.key)))
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(programme), stdout=asyncio.subprocess.PIPE
    )
    sortie, _ = await process.communicate()
    assert process.returncode == 0
    assert premiere.numero in sortie.decode()


async def test_each_anomaly_is_provoked_by_its_value(monde: Monde) -> None:
    """[BAC-20] Every line of the table, by SOAP: in the document or in a fault, as the hub says it
    otherwise."""
    table = valeurs.provoked()
    assert len(table) > 150
    for each in table:
        demande = monde.appelant.demande("valeur", each.code)
        recue = await monde.appelant.num_unique(demande)
        if each.code.startswith(DANS_LE_DOCUMENT):
            assert (recue.statut, recue.anomalies, recue.numero) == (200, [each.code], ""), each.code
        else:
            assert (recue.statut, recue.faute) == (500, each.code)
            attendu = "Receiver" if each.tour is Tour.EXPLOITANT else "Sender"
            assert recue.role == attendu or each.code in ("SOA023", "SOA024"), each.code
        if each.rejouable:
            # Once for one content: sending the same again succeeds, or meets what is true.
            again = await monde.appelant.num_unique(demande)
            assert each.code not in (*again.anomalies, again.faute), each.code


async def test_each_anomaly_is_provoked_by_mail(monde: Monde) -> None:
    """[BAC-20] The same values in the files of mails: each file has its verdict."""
    table = valeurs.provoked(courrier=True)
    codes = {}
    for debut in range(0, len(table), 60):
        pieces = []
        for rang, each in enumerate(table[debut : debut + 60]):
            nom = f"DEMG1104-202601010000-{debut + rang:06d}.xml"
            pieces.append(Piece(nom, monde.appelant.demande("courrier", each.code)))
            codes[nom] = each.code
        message = await monde.robot.post(*pieces, archive=True)
        async with asyncio.timeout(120):
            recus = await monde.robot.answer_to(message)
        for recu in recus:
            assert recu.accuse is not None
            for fichier in recu.accuse.fichiers:
                attendue = CATALOGUE.types[codes.pop(fichier.nom)]
                notre = attendue.tour is Tour.EXPLOITANT
                assert fichier.verdict is (Verdict.ECHEC if notre else Verdict.REFUSE), attendue.code
                assert [each.code for each in fichier.anomalies] == [attendue.code]
    assert codes == {}


async def test_what_comes_before_a_message_has_its_true_cause(monde: Monde) -> None:
    """[BAC-20] The three lines of the table that no value can provoke."""
    base = monde.serveur.base
    contexte = context_of(monde.bac, monde.cert, monde.key)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=contexte)) as session:
        async with session.post(f"{base}/services/Inconnu", data=b"<a/>") as reponse:
            dites = [await reponse.text()]
        async with session.put(f"{base}/services/DemandeLogementImplService", data=b"<a/>") as reponse:
            dites.append(await reponse.text())
    hote, port = base.removeprefix("https://").split(":")
    reader, writer = await asyncio.open_connection(hote, int(port), ssl=contexte)
    writer.write(b"CECI N'EST PAS DE L'HTTP\r\n\r\n")
    dites.append((await reader.read()).decode())
    writer.close()
    assert [code for code, dite in zip(EN_VRAI, dites, strict=True) if code not in dite] == []


@pytest.mark.parametrize("panne", sorted(D_APPEL))
async def test_each_failure_of_a_call_then_the_same_call_again(monde: Monde, panne: Panne) -> None:
    """[BAC-21] The partner does not get its answer; it sends the same again and gets it, once."""
    demande = monde.appelant.demande(f"panne {panne}", panne.value)
    delai = 1.0 if panne is Panne.SILENCE else 60.0
    match panne:
        case Panne.RECEIVER:
            recue = await monde.appelant.num_unique(demande)
            assert (recue.role, recue.faute) == ("Receiver", "SOA091")
        case Panne.LENTE:
            assert (await monde.appelant.num_unique(demande)).numero
        case _:
            with pytest.raises((aiohttp.ClientError, TimeoutError)):
                await monde.appelant.num_unique(demande, delai=delai)
    # The same person, without the value: looking for it is a call too.
    faites = await _registered(monde, monde.appelant.demande(f"panne {panne}"))
    recue = await monde.appelant.num_unique(demande)
    assert recue.numero, recue.texte
    executee = panne not in (Panne.COUPURE_AVANT, Panne.RECEIVER)
    assert faites == ([recue.numero] if executee else [])


async def _registered(monde: Monde, demande: bytes) -> list[str]:
    """The numbers of the doublons of that demande: what was registered of it."""
    fichier = base64.b64encode(demande).decode()
    recue = await monde.appelant.call(
        DEMANDE,
        "getDoublons",
        "rechercheDoublonsParametres",
        f"<nomFichierDemande>a.xml</nomFichierDemande><fichierDemande>{fichier}</fichierDemande>",
    )
    liste = re.search(r"<listeDoublons[^>]*>([^<]+)<", recue.texte)
    if liste is None:
        assert not recue.faute, recue.texte
        return []
    return re.findall(r"<[^>]*numUnique>(\w+)<", base64.b64decode(liste[1]).decode())


async def test_a_value_in_a_header_is_for_operations_without_text(monde: Monde) -> None:
    """[BAC-20] X-Bac-A-Sable, whatever the operation holds."""
    recue = await monde.appelant.call(
        "DistributionsImplService", "situerDistributions", "situerDistributionsParametres", "", "DIS201"
    )
    assert recue.faute == "DIS201"


@pytest.mark.parametrize("panne", sorted(D_ENVOI))
async def test_each_failure_of_a_push(monde: Monde, panne: Panne) -> None:
    """[BAC-22] A distribution meets it at its first attempt, and is acknowledged in the end."""
    partenaire = monde.partenaire
    (faite,) = json.loads(await command(monde.bac.dossier, "distribuer", "--valeur", panne.value, "--json"))
    suivante: list[dict[str, int]] = []
    if panne is Panne.PUSH_DESORDRE:
        suivante = json.loads(await command(monde.bac.dossier, "distribuer", "--json"))

    def received() -> dict[str, str]:
        return {each.numero: each.id for each in partenaire.receptions.values()}

    await _until(
        lambda: {faite["numero"], *(each["numero"] for each in suivante)} <= received().keys(), panne
    )
    identifiant = received()[faite["numero"]]
    if panne in (Panne.PUSH_DOUBLE, Panne.PUSH_ACCUSE_PERDU):
        await _until(lambda: partenaire.deliveries[identifiant] == 2, panne)
    if panne is Panne.PUSH_DESORDRE:
        ordre = [each.sequence for each in partenaire.receptions.values()]
        assert ordre.index(suivante[0]["sequence"]) < ordre.index(faite["sequence"])
    sorties = await _attempts(monde, faite["numero"])
    if panne is Panne.PUSH_CERTIFICAT:
        # A server that closes without a TLS alert, as that of Python does, is only one that is not there.
        assert sorties.pop(0) in ("certificat", "injoignable")
    attendu = {
        Panne.PUSH_DOUBLE: ["DEJA_RECU"],
        Panne.PUSH_ACCUSE_PERDU: ["delai", "DEJA_RECU"],
        Panne.PUSH_CERTIFICAT: ["RECU"],
        Panne.PUSH_DESORDRE: ["refus", "RECU"],
    }
    assert sorties == attendu[panne]


async def _attempts(monde: Monde, numero: str) -> list[str | None]:
    """The kinds of failure of the attempts of its distribution, in order; None for one that succeeded."""

    def look() -> list[str | None]:
        query = text(
            "SELECT t.issue FROM tentative t JOIN distribution d ON d.id = t.distribution"
            " WHERE d.guichet = 'G1104' AND d.numero = :numero AND d.etat = 'acquittee' ORDER BY t.rang"
        )
        with monde.bac.instance.database() as engine, engine.connect() as conn:
            return list(conn.scalars(query, {"numero": numero}))

    async with asyncio.timeout(120):
        while not (found := await asyncio.to_thread(look)):
            await asyncio.sleep(0.2)
    return found


@pytest.mark.parametrize("panne", sorted(DE_COURRIER))
async def test_each_failure_of_the_answer_by_mail(monde: Monde, panne: Panne) -> None:
    """[BAC-23] Asked in the Message-ID; the hub has handed the mail over and knows no more."""
    identifiant = f"bac-a-sable.{panne.value}"
    piece = Piece("DEMG1104-202601010000-000001.xml", monde.appelant.demande(f"courrier {panne}"))
    await monde.robot.send(monde.robot.compose([piece], message_id=identifiant))

    def answers() -> int:
        return sum(each.en_reponse_a == f"{identifiant}@partenaire.example" for each in monde.robot.recus)

    if panne is Panne.COURRIER_PERDU:
        # The one after it arrives; it does not.
        message = await monde.robot.post(Piece("DEMG1104-202601010000-000002.xml", piece.contenu))
        async with asyncio.timeout(120):
            await monde.robot.answer_to(message)
        assert answers() == 0
        return
    async with asyncio.timeout(120):
        await monde.robot.wait_for(lambda _: answers() == (2 if panne is Panne.COURRIER_DOUBLE else 1))


async def test_a_lost_distribution_by_mail_comes_again(monde: Monde) -> None:
    """[BAC-23] [BAC-11] Its acknowledgement does not come: it leaves again when its time, moved by the clock,
    has come; every mail is in the box."""
    canal = ("executer", "guichet", "canal", "G1104", "courrier")
    await command(monde.bac.dossier, *canal)
    (faite,) = json.loads(
        await command(monde.bac.dossier, "distribuer", "--valeur", "COURRIER-PERDU", "--json")
    )
    await _sent_once(monde, faite["numero"])
    await command(monde.bac.dossier, "horloge", "+2heures")
    sequence = f"{faite['sequence']}"

    def arrived() -> bool:
        return any(
            each.nature == "distribution" and any(sequence in piece.nom for piece in each.fichiers)
            for each in monde.robot.recus
        )

    async with asyncio.timeout(120):
        await monde.robot.wait_for(lambda _: arrived())
    boite = json.loads(await command(monde.bac.dossier, "boite", "--json"))
    assert any(each["nature"] == "distribution" for each in boite)
    await command(monde.bac.dossier, *canal[:-1], "push")


async def _sent_once(monde: Monde, numero: str) -> None:
    def look() -> int:
        query = text(
            "SELECT count(*) FROM tentative t JOIN distribution d ON d.id = t.distribution"
            " WHERE d.guichet = 'G1104' AND d.numero = :numero AND t.terminee_le IS NOT NULL"
        )
        with monde.bac.instance.database() as engine, engine.connect() as conn:
            return int(conn.scalar(query, {"numero": numero}) or 0)

    async with asyncio.timeout(120):
        while not await asyncio.to_thread(look):
            await asyncio.sleep(0.2)


async def test_time_passes_for_every_part_then_all_is_put_back(monde: Monde) -> None:
    """[BAC-11] [BAC-12] Two months on: what was late is radiated, a demande of that day is registered by the
    running hub, and its console asks for the code of that hour; then everything is as it was made."""
    avant = json.loads(await command(monde.bac.dossier, "demandes", "--json"))
    saut = json.loads(await command(monde.bac.dossier, "horloge", "+2mois", "--json"))
    assert saut["decalage_s"] > 55 * 86_400
    assert saut["taches"]["radiations"] >= 1
    assert saut["taches"]["preavis"] >= 1
    recue = await monde.appelant.num_unique(monde.appelant.demande("dans deux mois"))
    instant = datetime.fromisoformat(saut["instant"])
    assert recue.numero[3:7] == f"{instant:%m%y}", recue.texte
    apres = json.loads(await command(monde.bac.dossier, "demandes", "--json"))
    (echue,) = [each["etat"] for each in apres if "échue depuis 20 jours" in each["titre"]]
    assert echue == "radiee"
    await _sign_in(monde)
    await command(monde.bac.dossier, "vider")
    assert monde.bac.horloge.etat.decalage == 0
    assert json.loads(await command(monde.bac.dossier, "demandes", "--json")) == avant
    # The running hub serves what was put back: the number given after it is taken again.
    encore = await monde.appelant.num_unique(monde.appelant.demande("après avoir vidé"))
    assert encore.numero, encore.texte
    lue = await monde.appelant.call(
        DEMANDE,
        "getDemandeLogement",
        "demandeLogementParametres",
        f"<numUnique>{recue.numero}</numUnique><nomCertificat></nomCertificat><certificat></certificat>",
    )
    assert lue.faute == "GUI103"


async def _sign_in(monde: Monde) -> None:
    console = monde.serveur.find(r"^Console : (\S+)")
    mot_de_passe = monde.serveur.find(r"mot de passe (\S+)")
    code = (await command(monde.bac.dossier, "code")).strip()
    contexte = tls.client_context(monde.bac.partenaire / "ca.pem")
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=contexte), cookie_jar=jar) as client:
        async with client.get(f"{console}/connexion") as page:
            jeton = re.search(r'name="jeton" value="([^"]+)"', await page.text())
        assert jeton is not None
        formulaire = {
            "jeton": jeton[1],
            "courriel": "agent@bac.example",
            "mot_de_passe": mot_de_passe,
            "code": code,
        }
        async with client.post(f"{console}/connexion", data=formulaire, headers={"Origin": console}) as page:
            assert page.url.path != "/connexion", await page.text()


async def test_the_values_are_nothing_to_a_hub_that_is_no_sandbox(monde: Monde) -> None:
    """[BAC-30] The very instance of the sandbox, served by `echangeur serve` beside it: a value is a text."""
    options = ("--port", 0, "--role", "soap")
    async with started(
        *(monde.bac.instance.dossier, "serve", *options), dossier=monde.bac.dossier, commande="--instance"
    ) as serveur:
        appelant = Appelant(monde.bac, serveur.base, context_of(monde.bac, monde.cert, monde.key))
        try:
            for code in ("VIE204", "SOA091", "COUPURE-AVANT"):
                recue = await appelant.num_unique(
                    monde.appelant.demande(f"ordinaire {code}", code), entete=code
                )
                assert recue.numero, recue.texte
        finally:
            await appelant.close()
