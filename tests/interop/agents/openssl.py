"""`openssl cms`: reads everything that we write; its default cipher is 3DES, its streams are BER."""

from __future__ import annotations

from typing import Final

from tests.interop.agents import Agent
from tests.interop.titulaires import Titulaire

_OAEP: Final = (
    *("-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha256", "-keyopt", "rsa_mgf1_md:sha256"),
)
_CONTENU: Final = {"moderne": "-aes-256-gcm", "compatible": "-aes-256-cbc", "ancien": "-des3"}


class Openssl(Agent):
    nom = "openssl cms"
    outil = "openssl"
    manieres = ("moderne", "compatible", "ancien")

    def version(self) -> str:
        return self.run(("openssl", "version")).decode().split()[1]

    def sign(self, data: bytes, par: Titulaire, profil: str) -> bytes:
        words: list[object] = ["openssl", "cms", "-sign", "-nodetach", "-binary"]
        words += ["-signer", par.certificat, "-inkey", par.cle, "-certfile", par.autorite, "-outform", "DER"]
        words += ["-md", "sha1" if profil == "ancien" else "sha256"]
        if profil == "moderne" and par.nature != "p256":
            words += ["-keyopt", "rsa_padding_mode:pss"]
        else:
            # 3.0 fails to write PSS in a stream.
            words += ["-stream"]
        return self.run(words, entree=data)

    def verify(self, message: bytes, de: Titulaire) -> bytes:
        words = ("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-CAfile", de.autorite)
        return self.run(words, entree=message)

    def encrypt(self, data: bytes, pour: Titulaire, profil: str) -> bytes:
        words: list[object] = ["openssl", "cms", "-encrypt", "-binary", "-stream", "-outform", "DER"]
        words += [_CONTENU[profil], "-recip", pour.certificat]
        if profil == "moderne" and pour.nature != "p256":
            words += _OAEP
        return self.run(words, entree=data)

    def decrypt(self, message: bytes, par: Titulaire) -> bytes:
        words = ("openssl", "cms", "-decrypt", "-binary", "-inform", "DER")
        return self.run((*words, "-recip", par.certificat, "-inkey", par.cle), entree=message)

    def compose(self, entite: bytes, par: Titulaire, pour: Titulaire, profil: str) -> bytes:
        """Written by it from end to end: multipart/signed, then S/MIME."""
        words: list[object] = ["openssl", "cms", "-sign", "-signer", par.certificat, "-inkey", par.cle]
        signed = self.run((*words, "-certfile", par.autorite, "-md", "sha256"), entree=entite)
        words = ["openssl", "cms", "-encrypt", _CONTENU[profil], "-recip", pour.certificat]
        return self.run((*words, *(_OAEP if profil == "moderne" else ())), entree=signed)

    def read(self, mail: bytes, par: Titulaire, de: Titulaire) -> bytes:
        words = (
            "openssl",
            "cms",
            "-decrypt",
            "-inform",
            "SMIME",
            "-recip",
            par.certificat,
            "-inkey",
            par.cle,
        )
        signed = self.run(words, entree=mail)
        return self.run(
            ("openssl", "cms", "-verify", "-inform", "SMIME", "-CAfile", de.autorite), entree=signed
        )
