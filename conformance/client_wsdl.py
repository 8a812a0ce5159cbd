"""An ordinary partner: a SOAP library (zeep) that knows nothing but the address of the WSDL.

Beside `client_reference`, which sends byte for byte what the poorest known partner sends, and knows three
operations. This one calls any operation of any published service.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import requests
import zeep
import zeep.exceptions
from lxml import etree
from zeep.xsd import CompoundValue

_ANOMALIE: Final = ".//{*}listeAnomalie/{*}anomalie"
_ANOMALIES: Final = ".//{*}listeAnomalies/{*}anomalie"


@dataclass(frozen=True, slots=True)
class Reponse:
    """What came back: the fields of the answer, or a refusal.

    textes, fichiers: by name of field, empty for the field of an answer of one; dates are texts.
    refus: pairs (code, text), from the fault or from the anomalies of the document that came back; empty when
    the operation was done.
    """

    textes: Mapping[str, str]
    fichiers: Mapping[str, bytes]
    refus: tuple[tuple[str, str], ...] = ()


class ClientWsdl:
    """One partner, between ``with`` and its end. Loads a WSDL at the first call of its service."""

    def __init__(self, adresse: str, certificat: Path, cle: Path, autorite: Path) -> None:
        """adresse: ``https://localhost:8443``; the rest: PEM files of the client and of the authority."""
        self._adresse = adresse
        self._session = requests.Session()
        self._session.trust_env = False  # REQUESTS_CA_BUNDLE would win over `verify`
        self._session.cert = (str(certificat), str(cle))
        self._session.verify = str(autorite)
        self._services: dict[str, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._session.close()

    def call(self, service: str, operation: str, champs: Mapping[str, object]) -> Reponse:
        """Call an operation; files are bytes, codes are ``{"code": …}``.

        Raises requests.RequestException when the hub cannot be reached, and what zeep raises when a field is
        not of the contract.
        """
        try:
            answer = getattr(self._service(service), operation)(**champs)
        except zeep.exceptions.Fault as fault:
            code = fault.subcodes[0].localname if fault.subcodes else str(fault.code)
            return Reponse({}, {}, ((code, fault.message),))
        textes: dict[str, str] = {}
        fichiers: dict[str, bytes] = {}
        fields = (
            {name: answer[name] for name in answer} if isinstance(answer, CompoundValue) else {"": answer}
        )
        for name, value in fields.items():
            if value is not None and hasattr(value, "_value_1"):
                fichiers[name] = value["_value_1"]
            elif value is not None:
                textes[name] = str(value)
        return Reponse(textes, fichiers, tuple(_refusals(fichiers)))

    def _service(self, name: str) -> Any:
        if name not in self._services:
            transport = zeep.Transport(session=self._session)  # type: ignore[no-untyped-call]
            address = f"{self._adresse}/services/{name}?wsdl"
            client = zeep.Client(address, transport=transport)  # type: ignore[no-untyped-call]
            self._services[name] = client.service
        return self._services[name]


def _refusals(fichiers: Mapping[str, bytes]) -> list[tuple[str, str]]:
    """The anomalies of the documents of an answer."""
    found = []
    for contenu in fichiers.values():
        if contenu.lstrip().startswith(b"<"):
            root = etree.fromstring(contenu)
            for anomalie in (*root.iterfind(_ANOMALIE), *root.iterfind(_ANOMALIES)):
                code = anomalie.get("code") or anomalie.findtext("{*}code") or ""
                found.append((code, anomalie.findtext("{*}message") or anomalie.findtext("{*}libelle") or ""))
    return found
