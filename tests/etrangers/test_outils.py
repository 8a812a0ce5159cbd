"""The tools that everybody has: curl sends the bytes of known partners, openssl looks at the TLS edge."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from conformance.client_reference import (
    Lecture,
    build_headers,
    demande_logement_request,
    doublons_request,
    num_unique_request,
    read_answer,
)
from tests.etrangers.conftest import Outil, get_hub
from tests.etrangers.epreuve import Epreuve
from tests.etrangers.hub import SERVICE, Hub
from tests.etrangers.page import CLIENTS, read_table

pytestmark = [pytest.mark.foreign, pytest.mark.slow]

NOM = "DEMG1104-202601010000-000000.xml"
CERTIFICAT = "CERG1104-202601010000.pem"
SANS_CERTIFICAT = "Aucun certificat client n'a été présenté"
DELAI = 60


def curl(hub: Hub, folder: Path, operation: str, body: bytes, root: str = "interfaceNuu") -> Lecture:
    """Send these bytes with the headers of known partners; the answer as they read it."""
    (folder / "corps").write_bytes(body)
    headers = [
        word for name, value in build_headers(operation).items() for word in ("--header", f"{name}: {value}")
    ]
    files = hub.certificats
    words: list[object] = ["curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", str(DELAI)]
    words += ["--cacert", files / "ca.pem", "--cert", files / "cert.pem", "--key", files / "key.pem"]
    words += [*headers, "--data-binary", f"@{folder / 'corps'}", hub.service + "/"]
    done = subprocess.run([str(word) for word in words], capture_output=True, timeout=2 * DELAI)
    assert done.returncode == 0, done.stderr.decode()
    return read_answer(done.stdout, root)


def test_curl_replays_the_bytes_of_known_partners(
    outil: Outil, dossier: Path, request: pytest.FixtureRequest
) -> None:
    """interface/wire §2: the request byte for byte, kept as such; §4: the answer by text search."""
    outil("curl")
    hub = get_hub(request)
    epreuve = Epreuve(dossier / "curl", "curl")

    def send(fichier: str) -> tuple[bytes, Lecture]:
        document = ascii_of((epreuve.dossier / fichier).read_bytes())
        body = num_unique_request(NOM, document, CERTIFICAT)
        return body, curl(hub, dossier, "getNumUnique", body)

    body, lecture = send("demande.xml")
    numero = lecture.find("demande/demandeLogement/numUnique")
    epreuve.write("enregistrer", lecture.document)
    assert hub.received(numero, dossier) == ("getNumUnique", body)
    reading = demande_logement_request(numero, CERTIFICAT)
    epreuve.write("lire", curl(hub, dossier, "getDemandeLogement", reading).document)
    search = doublons_request(NOM, ascii_of((epreuve.dossier / "demande.xml").read_bytes()))
    epreuve.write("doublons", curl(hub, dossier, "getDoublons", search, "listeDoublons").document)
    epreuve.write("anomalie", send("anomalie.xml")[1].document)
    reason = re.search(r"<soap:Text[^>]*>([^<]*)<", send("illisible.xml")[1].erreur)
    epreuve.write("faute", reason[1] if reason else "")
    assert epreuve.constats() == read_table(CLIENTS)["curl, octets des partenaires connus"]


def ascii_of(document: bytes) -> bytes:
    """Accents as decimal references, as known partners send them."""
    return document.decode().encode("ascii", "xmlcharrefreplace")


def s_client(hub: Hub, *words: object, envoi: bytes = b"") -> str:
    """What `openssl s_client` and the hub say."""
    place = urlsplit(hub.adresse).netloc
    command = ["openssl", "s_client", "-connect", place, "-CAfile", hub.certificats / "ca.pem", "-ign_eof"]
    done = subprocess.run(
        [str(word) for word in (*command, *words)], input=envoi, capture_output=True, timeout=DELAI
    )
    return (done.stdout + done.stderr).decode()


def post(body: bytes = b"<a/>") -> bytes:
    head = (
        f"POST {SERVICE}/ HTTP/1.1\r\nHost: hub\r\nContent-Type: application/soap+xml\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


def test_openssl_without_a_certificate_reads_a_french_fault(
    outil: Outil, request: pytest.FixtureRequest
) -> None:
    """The connection opens, and the answer says what is missing."""
    outil("openssl")
    said = s_client(get_hub(request), "-verify_return_error", envoi=post())
    assert "Verify return code: 0 (ok)" in said
    assert "HTTP/1.1 500" in said
    assert "<soap:Value>ws:SOA001</soap:Value>" in said
    assert SANS_CERTIFICAT in said


def test_openssl_refuses_no_tls_older_than_1_2(outil: Outil, request: pytest.FixtureRequest) -> None:
    outil("openssl")
    hub = get_hub(request)
    # At level 0 the tool itself would still speak it: the refusal is that of the hub.
    old = s_client(hub, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0", envoi=post())
    assert "HTTP/1.1" not in old
    assert "HTTP/1.1 500" in s_client(hub, "-tls1_2", envoi=post())


def test_openssl_resumes_the_session_of_a_partner(
    outil: Outil, dossier: Path, request: pytest.FixtureRequest
) -> None:
    """A connection per call is what partners do: the second one is resumed, client certificate included."""
    outil("openssl")
    hub = get_hub(request)
    files = ("-cert", hub.certificats / "cert.pem", "-key", hub.certificats / "key.pem")
    first = s_client(hub, *files, "-sess_out", dossier / "session", envoi=post())
    assert re.search("^New, TLS", first, re.M)
    second = s_client(hub, "-sess_in", dossier / "session", envoi=post())
    assert re.search("^Reused, TLS", second, re.M)
    # Known by the certificate of the first connection: the fault is about the message.
    assert "SOA023" in second
    assert "SOA001" not in second


def test_openssl_with_a_certificate_of_nobody_is_cut_off(
    outil: Outil, dossier: Path, request: pytest.FixtureRequest
) -> None:
    """A finding written in docs/etrangers.md: no HTTP answer can be given, the TLS layer refuses first."""
    outil("openssl")
    hub = get_hub(request)
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    words += ["-subj", "/CN=inconnu", "-days", "2"]
    words += ["-keyout", str(dossier / "key.pem"), "-out", str(dossier / "cert.pem")]
    subprocess.run(words, check=True, capture_output=True, timeout=DELAI)
    for folder, answered in ((dossier, False), (hub.certificats, True)):
        pair = ("-cert", folder / "cert.pem", "-key", folder / "key.pem")
        assert ("HTTP/1.1 500" in s_client(hub, *pair, envoi=post())) == answered
