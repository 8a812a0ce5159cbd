"""NSS `cmsutil` (Thunderbird's library), with its keys in a database of its own."""

from __future__ import annotations

from tests.interop.agents import Agent
from tests.interop.titulaires import MOT_DE_PASSE, Titulaire


class Nss(Agent):
    nom = "NSS cmsutil"
    outil = "nss"
    manieres = ("compatible", "ancien")

    def prepare(self) -> None:
        self._base = f"sql:{self.dossier}"
        certutil = self.program("certutil")
        self.run((certutil, "-N", "-d", self._base, "--empty-password"))
        authority = self.titulaires[0].autorite
        self.run((certutil, "-A", "-d", self._base, "-n", "autorite", "-t", "CT,C,C", "-a", "-i", authority))
        for holder in self.titulaires:
            file = holder.dossier / "moderne.p12"
            words = (self.program("pk12util"), "-d", self._base, "-i", file, "-W", MOT_DE_PASSE, "-K", "")
            self.run(words)

    def version(self) -> str:
        return self.run(("dpkg-query", "-W", "-f", "${Version}", "libnss3")).decode()

    def sign(self, data: bytes, par: Titulaire, profil: str) -> bytes:
        words = (*self._cmsutil("-S"), "-N", par.nom, "-G", "-H", "SHA1" if profil == "ancien" else "SHA256")
        return self._through(words, data)

    def verify(self, message: bytes, de: Titulaire) -> bytes:
        # Without -h 0 it decodes and says nothing of the signers.
        self.run((*self._cmsutil("-D"), "-i", self.file("entree", message), "-n", "-h", "0"))
        return self._through(self._cmsutil("-D"), message)

    def encrypt(self, data: bytes, pour: Titulaire, profil: str) -> bytes:
        return self._through((*self._cmsutil("-E"), "-r", pour.adresse), data)

    def decrypt(self, message: bytes, par: Titulaire) -> bytes:
        return self._through(self._cmsutil("-D"), message)

    def _cmsutil(self, action: str) -> tuple[object, ...]:
        return (self.program("cmsutil"), action, "-d", self._base, "-f", self.file("mot", b"\n"))

    def _through(self, words: tuple[object, ...], data: bytes) -> bytes:
        target = self.file("sortie")
        self.run((*words, "-i", self.file("entree", data), "-o", target))
        return target.read_bytes()
