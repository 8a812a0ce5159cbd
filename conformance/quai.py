"""Where a hub under test pushes distributions to the kit: every send is kept, and answered as one decides."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from lxml import etree

from certs.tls import server_context
from conformance.ecoute import Appel, Ecoute, Reaction
from conformance.message import SOAP, WS
from conformance.profil import Reception
from schemas import contract
from schemas.parser import Limits, parse

_LIMITES: Final = Limits(max_bytes=32 << 20, max_depth=32, max_elements=1_000)
_TYPE: Final = "application/soap+xml; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Envoi:
    """One send. probleme: what the message has against the WSDL, in French, or empty."""

    appel: Appel
    id: str
    sequence: int
    nom: str
    contenu: bytes
    probleme: str = ""

    @property
    def empreinte(self) -> str:
        """SHA-256 of the file, as an acknowledgement gives it."""
        return hashlib.sha256(self.contenu).hexdigest()


Accueil = Callable[[Envoi, int], Reaction]
"""What to answer to a send, and how many times this identifier has come before it."""


def acknowledge(
    envoi: Envoi, fois: int = 0, *, ident: str = "", empreinte: str = "", statut: str = ""
) -> Reaction:
    """The answer of a good partner, or one with something else in it."""
    statut = statut or ("DEJA_RECU" if fois else "RECU")
    body = (
        f'<ws:distributionReponse xmlns:ws="{WS}"><idDistribution>{escape(ident or envoi.id)}'
        f"</idDistribution><statut>{statut}</statut><empreinte>{empreinte or envoi.empreinte}"
        "</empreinte></ws:distributionReponse>"
    )
    return _envelope(200, body)


def fault(code: str, raison: str, sous_code: str = "") -> Reaction:
    """A SOAP 1.2 fault."""
    sub = f'<s:Subcode><s:Value xmlns:ws="{WS}">ws:{sous_code}</s:Value></s:Subcode>' if sous_code else ""
    return _envelope(
        500,
        f"<s:Fault><s:Code><s:Value>s:{code}</s:Value>{sub}</s:Code>"
        f'<s:Reason><s:Text xml:lang="fr">{escape(raison)}</s:Text></s:Reason></s:Fault>',
    )


def _envelope(statut: int, body: str) -> Reaction:
    text = f'<s:Envelope xmlns:s="{SOAP}"><s:Body>{body}</s:Body></s:Envelope>'
    return Reaction(statut, text.encode(), {"Content-Type": _TYPE})


class Quai:
    """Listens between `start` and `stop`. accueil: how the next sends are answered."""

    def __init__(self, reception: Reception, autorites: str, *, delai: float) -> None:
        self.delai = delai
        context = server_context(Path(reception.certificat), Path(reception.cle), Path(autorites))
        self._ecoute = Ecoute(context, self._answer, reception.hote, reception.port)
        self.accueil: Accueil = acknowledge
        self.envois: list[Envoi] = []

    def start(self) -> None:
        """Listen where the profile says."""
        self._ecoute.start()

    def stop(self) -> None:
        """Stop listening."""
        self._ecoute.stop()

    def about(self, numero: str) -> list[Envoi]:
        """The sends of that demande so far, in the order they came."""
        return [each for each in list(self.envois) if numero.encode() in each.contenu]

    def wait_about(self, numero: str, nombre: int = 1) -> list[Envoi]:
        """Those sends, once there are that many or the time is over."""
        self._ecoute.wait(lambda: len(self.about(numero)) >= nombre, self.delai)
        return self.about(numero)

    def _answer(self, appel: Appel) -> Reaction:
        envoi = read_envoi(appel)
        known = sum(each.id == envoi.id for each in self.envois)
        self.envois.append(envoi)
        return self.accueil(envoi, known)


def read_envoi(appel: Appel) -> Envoi:
    """The distribution of a call."""
    root = parse(appel.corps, _LIMITES)
    if not isinstance(root, etree._Element):
        return Envoi(appel, "", 0, "", b"", root.message)
    wrapper = root.find(f"{{{SOAP}}}Body/{{{WS}}}distributionParametres")
    if wrapper is None:
        return Envoi(appel, "", 0, "", b"", "distributionParametres n'est pas dans le corps")
    probleme = ""
    schema = contract.message_schema(contract.RECEPTION_DISTRIBUTION)
    if not schema.validate(etree.ElementTree(wrapper)):
        probleme = "distributionParametres n'est pas conforme au WSDL"
    try:
        contenu = base64.b64decode(wrapper.findtext("fichierDemande") or "")
        sequence = int(wrapper.findtext("sequence") or 0)
    except ValueError:
        return Envoi(appel, "", 0, "", b"", "fichierDemande ou sequence ne se lit pas")
    return Envoi(
        appel,
        wrapper.findtext("idDistribution") or "",
        sequence,
        wrapper.findtext("nomFichierDemande") or "",
        contenu,
        probleme,
    )
