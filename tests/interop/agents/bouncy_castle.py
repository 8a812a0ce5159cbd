"""Bouncy Castle, the CMS of Java: a program of ours (Agent.java) that calls nothing but it, in one JVM."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.interop.agents import Agent, EchecError
from tests.interop.titulaires import Titulaire

SOURCE = Path(__file__).with_name("Agent.java")
JARS = ("bcprov", "bcpkix", "bcutil", "bcmail")


class BouncyCastle(Agent):
    nom = "Bouncy Castle"
    outil = "bouncy-castle"
    manieres = ("moderne", "compatible", "ancien")

    def prepare(self) -> None:
        jars = [jar for name in JARS if (jar := self.chaine.find(f"usr/share/java/{name}.jar"))]
        path = ":".join(map(str, [*jars, self.dossier]))
        self.run(("javac", "-J-XX:TieredStopAtLevel=1", "-cp", path, "-d", self.dossier, SOURCE))
        self._jvm = subprocess.Popen(
            ("java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", path, "Agent"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=self.chaine.environment(),
        )

    def close(self) -> None:
        self._jvm.communicate()

    def version(self) -> str:
        return self._ask("version")

    def sign(self, data: bytes, par: Titulaire, profil: str) -> bytes:
        return self._through(data, "signer", profil, par.certificat, par.cle, par.autorite)

    def verify(self, message: bytes, de: Titulaire) -> bytes:
        return self._through(message, "verifier", de.autorite)

    def encrypt(self, data: bytes, pour: Titulaire, profil: str) -> bytes:
        return self._through(data, "chiffrer", profil, pour.certificat)

    def decrypt(self, message: bytes, par: Titulaire) -> bytes:
        return self._through(message, "dechiffrer", par.certificat, par.cle)

    def _through(self, data: bytes, *words: object) -> bytes:
        source, target = self.file("entree", data), self.file("sortie")
        self._ask(*words, source, target)
        return target.read_bytes()

    def _ask(self, *words: object) -> str:
        assert self._jvm.stdin is not None
        assert self._jvm.stdout is not None
        self._jvm.stdin.write("\t".join(map(str, words)) + "\n")
        self._jvm.stdin.flush()
        verdict, _, said = self._jvm.stdout.readline().strip().partition(" ")
        if verdict != "ok":
            raise EchecError(said)
        return said
