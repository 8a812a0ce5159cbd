"""Register, read, search, be refused and fail: each foreign client, from the published WSDL.

interface/services (the contract), interface/wire §2 (the forms of a request that a server takes).
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.etrangers.conftest import Outil, get_hub
from tests.etrangers.epreuve import Epreuve
from tests.etrangers.hub import Hub
from tests.etrangers.page import CLIENTS, read_table
from tools.etrangers import Chaine

pytestmark = [pytest.mark.foreign, pytest.mark.slow]

SOURCES = Path(__file__).parent / "clients"
DELAI = 120
"""Seconds after which a client hangs: some twenty times what the slowest takes."""
FORMES = ("base64", "mtom")
JARS = (
    *(
        "jaxws-tools",
        "jaxws-rt",
        "jaxws-api",
        "jaxb-xjc",
        "jaxb-runtime",
        "jaxb-core",
        "jaxb-impl",
        "jaxb-api",
    ),
    *("javax.xml.soap-api", "saaj-impl", "stax-ex", "stax2-api", "woodstox-core", "streambuffer", "txw2"),
    *("istack-commons-runtime", "istack-commons-tools", "relaxngDatatype", "rngom", "xsom", "dtd-parser"),
    *("codemodel", "metro-policy", "mimepull", "jws-api", "javax.activation", "FastInfoset", "gmbal"),
    *("glassfish-management-api", "geronimo-annotation-1.3-spec", "xml-resolver"),
)


def run(words: Sequence[object], chaine: Chaine, folder: Path, more: Mapping[str, str] | None = None) -> None:
    """Run a program of the toolchain; what it says is the text of the failure."""
    done = subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        env={**chaine.environment(), **(more or {})},
        capture_output=True,
        text=True,
        timeout=DELAI,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def find(chaine: Chaine, *motifs: str) -> Path:
    found = chaine.find(*motifs)
    assert found is not None, motifs
    return found


def judge(client: str, forme: str, epreuve: Epreuve, hub: Hub) -> None:
    """What the client understood is what the page says, and its message had the form that is claimed."""
    assert epreuve.constats() == read_table(CLIENTS)[f"{client}, {forme}"]
    operation, octets = hub.received(epreuve.numero, epreuve.dossier)
    assert operation == "getNumUnique"
    document = (epreuve.dossier / "demande.xml").read_bytes()
    if forme == "mtom":
        assert document in octets
        assert re.search(rb"Include[^>]+href=.cid:", octets)
    else:
        assert document not in octets
        assert octets.lstrip().startswith(b"<")


def test_php(outil: Outil, dossier: Path, request: pytest.FixtureRequest) -> None:
    """PHP's SoapClient has no MTOM: inline base64 both ways."""
    php = outil("php")
    hub = get_hub(request)
    extension = find(php, "usr/lib/php/*/soap.so")
    epreuve = Epreuve(dossier / "php", "php")
    words = (
        *(find(php, "usr/bin/php[0-9].[0-9]*"), "-n", "-d", f"extension_dir={extension.parent}"),
        *("-d", "extension=soap.so", SOURCES / "client.php", hub.wsdl, hub.certificats, epreuve.dossier),
    )
    run(words, php, dossier)
    judge("PHP SoapClient", "base64", epreuve, hub)


@pytest.mark.parametrize("forme", FORMES)
def test_node(outil: Outil, dossier: Path, request: pytest.FixtureRequest, forme: str) -> None:
    node = outil("node-soap")
    hub = get_hub(request)
    epreuve = Epreuve(dossier / forme, f"node {forme}")
    words = ("node", SOURCES / "client.js", hub.wsdl, hub.certificats, epreuve.dossier, forme)
    run(words, node, dossier, {"NODE_PATH": str(find(node, "node_modules"))})
    judge("node-soap", forme, epreuve, hub)


def test_jaxws(outil: Outil, dossier: Path, request: pytest.FixtureRequest) -> None:
    """MTOM on and off; the classes are made once of the published WSDL."""
    java = outil("jax-ws")
    hub = get_hub(request)
    jars = [jar for name in JARS if (jar := java.find(f"usr/share/java/{name}.jar"))]
    path = ":".join(map(str, [*jars, dossier / "classes"]))
    for name in ("sources", "classes"):
        (dossier / name).mkdir()
    # Short-lived programs: the first compiler of the JVM is enough.
    jvm = ("java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", path)
    words: tuple[object, ...] = (
        "-extension",
        "-keep",
        "-Xnocompile",
        "-quiet",
        "-s",
        "sources",
        "-p",
        "demande",
    )
    contract = hub.download_contract(dossier)
    run((*jvm, "com.sun.tools.ws.WsImport", *words, contract), java, dossier)
    sources = sorted((dossier / "sources" / "demande").glob("*.java"))
    words = ("-J-XX:TieredStopAtLevel=1", "-nowarn", "-proc:none", "-cp", path, "-d", "classes")
    run(("javac", *words, *sources, SOURCES / "Client.java"), java, dossier)
    for forme in FORMES:
        epreuve = Epreuve(dossier / forme, f"java {forme}")
        run((*jvm, "Client", hub.wsdl, hub.certificats, epreuve.dossier, forme), java, dossier)
        judge("JAX-WS RI", forme, epreuve, hub)


def test_gsoap(outil: Outil, dossier: Path, request: pytest.FixtureRequest) -> None:
    """C, MTOM on and off; the code is made once of the published WSDL."""
    gsoap = outil("gsoap")
    hub = get_hub(request)
    share = find(gsoap, "usr/share/gsoap")
    contract = hub.download_contract(dossier)
    words: tuple[object, ...] = (
        "-c",
        "-P",
        "-t",
        share / "WS" / "typemap.dat",
        "-o",
        "demande.h",
        contract.name,
    )
    run((find(gsoap, "usr/bin/wsdl2h"), *words), gsoap, dossier)
    words = ("-2", "-c", "-C", "-L", "-x", "-I", f"{share / 'import'}:{share}", "demande.h")
    run((find(gsoap, "usr/bin/soapcpp2"), *words), gsoap, dossier)
    headers = [f"-I{path}" for path in gsoap.folders("usr/include", "usr/include/*-linux-gnu")]
    sources = (SOURCES / "client.c", "soapC.c", "soapClient.c")
    # The libraries that run, by their names: the machine has them, not always their development links.
    libraries = ("-l:libssl.so.3", "-l:libcrypto.so.3", "-l:libz.so.1")
    archive = find(gsoap, "usr/lib/*/libgsoapssl.a", "usr/lib/libgsoapssl.a")
    run(
        ("gcc", "-w", "-DWITH_OPENSSL", "-I.", *headers, "-o", "client", *sources, archive, *libraries),
        gsoap,
        dossier,
    )
    for forme in FORMES:
        epreuve = Epreuve(dossier / forme, f"gsoap {forme}")
        run(("./client", hub.service, hub.certificats, epreuve.dossier, forme), gsoap, dossier)
        judge("gSOAP", forme, epreuve, hub)
