"""Broken hubs: those that admit certificates, or versions of TLS, that they should not; or present a bad one."""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Callable

from tests.conformance.mandataire import Deformation
from tests.conformance.variante import Variante

_FAMILLE = ("10",)


def _role(of: str, by: str) -> Callable[[str], str]:
    return lambda role: by if role == of else role


def _tls(change: Callable[[ssl.SSLContext], None]) -> Deformation:
    def apply(context: ssl.SSLContext) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            change(context)

    return Deformation(tls=apply)


def _old(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("DEFAULT:@SECLEVEL=0")


def _not_12(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_3


def _not_13(context: ssl.SSLContext) -> None:
    context.maximum_version = ssl.TLSVersion.TLSv1_2


def _empty(context: ssl.SSLContext) -> None:
    context.set_ciphers("ALL:eNULL:aNULL:@SECLEVEL=0")


def _nobody(context: ssl.SSLContext) -> None:
    context.verify_mode = ssl.CERT_NONE


VARIANTES = [
    *(
        Variante(nom, assertion, Deformation(role=_role(role, "emetteur")))
        for nom, assertion, role in (
            ("un certificat expiré sert encore", "S1001", "expire"),
            ("un certificat sert avant d'être valide", "S1002", "futur"),
            ("un certificat révoqué sert encore", "S1003", "revoque"),
            ("un certificat de signature ouvre TLS", "S1004", "autre_usage"),
            ("le chemin du certificat n'est pas vérifié", "S1005", "chemin"),
        )
    ),
    Variante("un guichet n'a qu'un certificat", "S1006", Deformation(role=_role("second", ""))),
    Variante("un certificat préparé est refusé", "S1007", Deformation(role=_role("prepare", ""))),
    Variante(
        "tout certificat désigne l'émetteur",
        "S0105",
        Deformation(tls=_nobody, role=lambda _: "emetteur"),
        aussi=("S1008", "S1009", "S0113", *(f"S100{rang}" for rang in range(1, 6))),
        portee=_FAMILLE,
    ),
    Variante("TLS 1.0 et 1.1 sont admis", "S0102", _tls(_old), aussi=("S1010",), portee=_FAMILLE),
    Variante("TLS 1.2 est refusé", "S0103", _tls(_not_12), portee=_FAMILLE),
    Variante("TLS 1.3 est refusé", "S0104", _tls(_not_13), portee=_FAMILLE),
    Variante("les suites sans chiffrement sont admises", "S1011", _tls(_empty), portee=_FAMILLE),
    Variante(
        "le certificat du serveur porte un autre nom",
        "S1012",
        Deformation(serveur="autre-nom"),
        aussi=("S0103", "S0104"),
        portee=("S1012", "S0103", "S0104"),
    ),
    Variante(
        "la clé du serveur est trop courte", "S1013", Deformation(serveur="cle-faible"), portee=("S1013",)
    ),
]
