"""Signed mail in and out, on one core, per kind of key and profile, with the share of the primitives.

``python -m bench.courrier`` prints a table and writes ``bench/results/courrier.json``. In: from the octets of
a mail to its verified files (header, CMS, decryption, signature, MIME), database not included. Out: from a
file to the octets of the mail. The primitives are measured alone, on octets of the same size. Peer in the
same run: `openssl cms -decrypt` then `-verify`, a process each, as the script of a partner does it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import secrets
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from rich.console import Console
from rich.table import Table

from certs.algorithmes import PROFILS, Profil
from certs.paire import Paire
from mailflows.message_emis import Enveloppe, seal, write_entity, write_mail
from mailflows.message_lu import Exterieur, LimitesMessage, read_encrypted, read_files, read_outside
from mailflows.ouverture import decipher
from registry.echanges import Fichier
from schemas.generation import generate_demande
from tests.fuzz.paires import create_paire

RESULTS: Final = Path(__file__).parent / "results" / "courrier.json"
CLES: Final[dict[str, Callable[[], rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey]]] = {
    "RSA-2048": lambda: rsa.generate_private_key(65537, 2048),
    "RSA-3072": lambda: rsa.generate_private_key(65537, 3072),
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
}


def write(paire: Paire, fichier: Fichier, profil: Profil) -> bytes:
    """A mail from the file."""
    instant = datetime.now(UTC)
    smime, cms = seal(write_entity([fichier]), paire, [paire.certificat], instant=instant, profil=profil)
    envelope = Enveloppe(uuid.uuid4(), "a@a.example", "b@b.example", "banc", "reponse", instant, "a.example")
    return write_mail(envelope, smime, cms)


def read(mail: bytes, paire: Paire, profil: Profil) -> tuple[Fichier, ...]:
    """The files of the mail, its signature verified."""
    outside = read_outside(mail)
    assert isinstance(outside, Exterieur)
    deciphered = decipher(outside, [paire])
    verified = deciphered.signe.verify(profil)  # type: ignore[union-attr]
    return read_files(verified.octets, LimitesMessage())  # type: ignore[return-value, union-attr]


def primitives(paire: Paire, size: int, profil: Profil, *, entree: bool) -> Callable[[], None]:
    """What no writing of ours can spare: one operation of each key, the cipher and the digests."""
    data, key, iv = secrets.token_bytes(size), secrets.token_bytes(32), secrets.token_bytes(16)
    gcm = profil.contenu.endswith("gcm")
    digest = hashes.SHA256()

    def symmetric() -> None:
        mode = modes.GCM(iv[:12]) if gcm else modes.CBC(iv)
        cipher = Cipher(algorithms.AES(key), mode).encryptor()
        cipher.update(data[: size - size % 16])
        cipher.finalize()
        hashlib.sha256(data).digest()

    private = paire.cle
    if isinstance(private, rsa.RSAPrivateKey):
        public = private.public_key()
        oaep = padding.OAEP(padding.MGF1(digest), digest, None)
        transport = oaep if profil.transport == "rsa-oaep" else padding.PKCS1v15()
        pss = padding.PSS(padding.MGF1(digest), 32)
        signing = pss if profil.signature_rsa == "rsa-pss" else padding.PKCS1v15()
        sealed, signature = public.encrypt(key, transport), private.sign(data, signing, digest)

        def rsa_in() -> None:
            private.decrypt(sealed, transport)
            public.verify(signature, data, signing, digest)
            symmetric()

        def rsa_out() -> None:
            public.encrypt(key, transport)
            private.sign(data, signing, digest)
            symmetric()

        return rsa_in if entree else rsa_out
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    signature = private.sign(data, ec.ECDSA(digest))

    def ec_in() -> None:
        private.exchange(ec.ECDH(), other)
        private.public_key().verify(signature, data, ec.ECDSA(digest))
        symmetric()

    def ec_out() -> None:
        ec.generate_private_key(ec.SECP256R1()).exchange(ec.ECDH(), other)
        private.sign(data, ec.ECDSA(digest))
        symmetric()

    return ec_in if entree else ec_out


def cost(work: Callable[[], object], seconds: float) -> float:
    """Seconds of processor of one call, the best of five batches that last `seconds` in all."""
    work()
    best, until = float("inf"), time.process_time() + seconds
    while time.process_time() < until:
        count, before = 0, time.process_time()
        while (spent := time.process_time() - before) < seconds / 5:
            work()
            count += 1
        best = min(best, spent / count)
    return best


def openssl(mail: bytes, paire: Paire, folder: Path, times: int) -> float:
    """Mails read in a second by two processes of `openssl cms`, wall clock."""
    outside = read_outside(mail)
    assert isinstance(outside, Exterieur)
    cms = read_encrypted(outside)
    assert isinstance(cms, bytes)
    (folder / "m").write_bytes(cms)
    (folder / "c").write_bytes(paire.certificat.pem)
    pem = paire.cle.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "k").write_bytes(pem)
    decipher_words = [
        "openssl",
        "cms",
        "-decrypt",
        "-inform",
        "DER",
        "-in",
        "m",
        "-recip",
        "c",
        "-inkey",
        "k",
    ]
    verify_words = ["openssl", "cms", "-verify", "-in", "s", "-noverify", "-out", "x"]
    before = time.monotonic()
    for _ in range(times):
        subprocess.run([*decipher_words, "-binary", "-out", "s"], cwd=folder, check=True, capture_output=True)
        subprocess.run(verify_words, cwd=folder, check=True, capture_output=True)
    return times / (time.monotonic() - before)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--secondes", type=float, default=2.0, help="processeur par mesure")
    parser.add_argument("--json", type=Path, default=RESULTS)
    options = parser.parse_args()
    console = Console(width=120)
    document = Fichier("DEM.xml", generate_demande("banc", guichet="G1104"))
    lines = []
    with tempfile.TemporaryDirectory() as temporary:
        for nom, create in CLES.items():
            paire = create_paire(create(), datetime.now(UTC))
            for profil in (PROFILS["compatible"], PROFILS["moderne"]):
                mail = write(paire, document, profil)
                assert read(mail, paire, profil) == (document,)
                entering = cost(lambda: read(mail, paire, profil), options.secondes)  # noqa: B023
                leaving = cost(lambda: write(paire, document, profil), options.secondes)  # noqa: B023
                size = 2 * len(document.contenu)
                inside = cost(primitives(paire, size, profil, entree=True), options.secondes / 2)
                outside = cost(primitives(paire, size, profil, entree=False), options.secondes / 2)
                lines.append(
                    {
                        "cle": nom,
                        "profil": profil.nom,
                        "entree_par_s": round(1 / entering),
                        "entree_crypto": round(100 * inside / entering),
                        "sortie_par_s": round(1 / leaving),
                        "sortie_crypto": round(100 * outside / leaving),
                        "openssl_par_s": round(openssl(mail, paire, Path(temporary), 20)),
                    }
                )
                console.print(lines[-1])
    table = Table(title=f"Courriers de {len(document.contenu)} octets, un cœur")
    for head in lines[0]:
        table.add_column(head)
    for line in lines:
        table.add_row(*(str(value) for value in line.values()))
    console.print(table)
    content = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cœurs, Python {platform.python_version()}",
        "octets": len(document.contenu),
        "octets_du_courrier": len(mail),
        "mesures": lines,
    }
    options.json.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    console.print(f"Résultats : {options.json}")


if __name__ == "__main__":
    main()
