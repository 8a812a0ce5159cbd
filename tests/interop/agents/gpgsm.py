"""`gpgsm` of GnuPG 2.2: reads AES-CBC and RSA PKCS#1 v1.5, writes BER; its keys are in a gpg-agent."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.interop.agents import Agent, EchecError
from tests.interop.titulaires import MOT_DE_PASSE, Titulaire


class Gpgsm(Agent):
    nom = "gpgsm"
    outil = "gpgsm"
    manieres = ("compatible",)

    def prepare(self) -> None:
        # The sockets of its agent want a short address.
        self._maison = Path(tempfile.mkdtemp(prefix="gpgsm-"))
        (self._maison / "gpg-agent.conf").write_text("allow-loopback-pinentry\n")
        (self._maison / "gpgsm.conf").write_text("disable-crl-checks\n")
        # Started now: on a loaded machine, the first command that needs it would not wait for it.
        self.run(("gpgconf", "--homedir", self._maison, "--launch", "gpg-agent"))
        self._gpgsm("--import", self.titulaires[0].autorite)
        listed = self._gpgsm("--list-keys", "--with-colons").decode()
        root = next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr:"))
        (self._maison / "trustlist.txt").write_text(f"{root} S relax\n")
        for holder in self.titulaires:
            self._gpgsm("--import", holder.certificat)
            try:
                self._gpgsm("--import", holder.dossier / "ancien.p12")
            except EchecError:
                # 2.2 imports no key on an elliptic curve.
                if holder.nature != "p256":
                    raise

    def close(self) -> None:
        subprocess.run(
            ("gpgconf", "--homedir", self._maison, "--kill", "gpg-agent"), capture_output=True, timeout=60
        )
        shutil.rmtree(self._maison, ignore_errors=True)

    def version(self) -> str:
        return self._gpgsm("--version").decode().splitlines()[0].removeprefix("gpgsm (GnuPG) ")

    def sign(self, data: bytes, par: Titulaire, profil: str) -> bytes:
        return self._through(data, "--sign", "--local-user", par.adresse)

    def verify(self, message: bytes, de: Titulaire) -> bytes:
        target = self.file("sortie")
        said = self._gpgsm("--status-fd", "1", "--output", target, "--verify", self.file("entree", message))
        if b"[GNUPG:] GOODSIG " not in said or b"[GNUPG:] TRUST_FULLY" not in said:
            raise EchecError(said.decode(errors="replace"))
        return target.read_bytes()

    def encrypt(self, data: bytes, pour: Titulaire, profil: str) -> bytes:
        return self._through(data, "--encrypt", "--recipient", pour.adresse)

    def decrypt(self, message: bytes, par: Titulaire) -> bytes:
        return self._through(message, "--decrypt")

    def _through(self, data: bytes, *words: str) -> bytes:
        target = self.file("sortie")
        self._gpgsm("--output", target, *words, self.file("entree", data))
        return target.read_bytes()

    def _gpgsm(self, *words: object) -> bytes:
        options = ("--homedir", self._maison, "--batch", "--yes", "--pinentry-mode", "loopback")
        word = f"{MOT_DE_PASSE}\n".encode()
        return self.run(("gpgsm", *options, "--passphrase-fd", "0", *words), entree=word)
