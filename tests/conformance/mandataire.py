"""A proxy in front of a hub: what passes through it may be changed, both ways.

It ends TLS and opens it again with the same certificate, whose key the test has: to the hub, the caller is
who it was. What it does not understand (no length, too long) passes as it is.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from certs.tls import client_context, server_context
from conformance.ecoute import Reaction
from conformance.partenaire_courrier import Recu
from conformance.quai import Envoi
from schemas.courrier import Verdict


@dataclass
class Demande:
    """A request. role: of the profile, empty without certificate."""

    ligne: str
    entetes: dict[str, str]
    corps: bytes
    role: str


@dataclass
class Retour:
    """An answer."""

    statut: int
    entetes: dict[str, str]
    corps: bytes


def same_request(_demande: Demande) -> Retour | None:
    return None


def same_answer(_demande: Demande, _retour: Retour) -> None:
    return None


@dataclass(frozen=True)
class Deformation:
    """What is changed of a hub. requete may answer by itself; role: who the caller is for the hub; tls: its
    context; serveur: another certificate than its own.

    By mail: envoi, what it makes of a mail that is sent to it, None when it loses it; recu, what comes
    instead of a mail of its own; accuse, what it makes of an accusé; commande, its answer to a dialogue that
    has those options. The first three take the robot that sends or receives, None when one only wants to know
    whether they would change anything. Pushed: pousse, what comes instead of a send that came so many times
    before; reaction, how it takes an answer.
    """

    requete: Callable[[Demande], Retour | None] = same_request
    reponse: Callable[[Demande, Retour], None] = same_answer
    role: Callable[[str], str] = field(default=lambda role: role)
    tls: Callable[[ssl.SSLContext], None] | None = None
    serveur: str = ""
    envoi: Callable[[Any, bytes, str | None], bytes | None] = field(default=lambda _robot, mail, _: mail)
    recu: Callable[[Any, Recu], list[Recu]] = field(default=lambda _robot, recu: [recu])
    accuse: Callable[[Any, Recu, Verdict], tuple[Recu, Verdict] | None] = field(
        default=lambda _robot, recu, verdict: (recu, verdict)
    )
    commande: Callable[[tuple[str, ...], int], int] = field(default=lambda _options, code: code)
    pousse: Callable[[Envoi, int], list[Envoi]] = field(default=lambda envoi, _fois: [envoi])
    reaction: Callable[[Envoi, Reaction], Reaction] = field(default=lambda _envoi, reaction: reaction)


class Mandataire:
    """Listens between `start` and `stop`. postes: folder of cert.pem and key.pem, by role.

    sur_appel: told of each call, of its answer as the hub made it, and whether the call was understood.
    """

    def __init__(self, amont: str, postes: Mapping[str, Path], serveur: Path, autorites: Path) -> None:
        parts = urlsplit(amont)
        self._amont = (parts.hostname or "localhost", parts.port or 443)
        self._own = serveur
        self._autorites = autorites
        self._epingles = [(folder / "cert.pem").read_bytes() for folder in postes.values()]
        self._serveur = self._server_context(Deformation())
        self.sur_appel: Callable[[Demande, Retour, bool], None] = lambda _demande, _retour, _understood: None
        self._contextes = {"": client_context(autorites)}
        self._roles: dict[str, str] = {}
        for role, folder in postes.items():
            self._contextes[role] = client_context(autorites, folder / "cert.pem", folder / "key.pem")
            pem = (folder / "cert.pem").read_text()
            leaf = pem[: pem.index("-----END CERTIFICATE-----") + 26]
            self._roles[hashlib.sha256(ssl.PEM_cert_to_DER_cert(leaf)).hexdigest()] = role
        self._socket = socket.create_server(("localhost", 0))
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._deformation = Deformation()
        self.adresse = f"https://localhost:{self._socket.getsockname()[1]}"

    @property
    def deformation(self) -> Deformation:
        """The defect of the moment."""
        return self._deformation

    @deformation.setter
    def deformation(self, deformation: Deformation) -> None:
        self._deformation = deformation
        self._serveur = self._server_context(deformation)

    def _server_context(self, deformation: Deformation) -> ssl.SSLContext:
        context = server_context(
            self._own / "cert.pem",
            self._own / "key.pem",
            self._autorites,
            epingles=self._epingles,
            dates_verifiees_au_dessus=True,
        )
        if deformation.tls is not None:
            deformation.tls(context)
        if deformation.serveur:
            folder = self._own.parent / deformation.serveur
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.set_ciphers("DEFAULT:@SECLEVEL=0")
            context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
        return context

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._socket.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                raw, _ = self._socket.accept()
                threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError), raw:
            raw.settimeout(60)
            with self._serveur.wrap_socket(raw, server_side=True) as tls:
                self._relay(tls)
                # An orderly end: what was written is read before the connection goes.
                tls.unwrap()

    def _relay(self, tls: ssl.SSLSocket) -> None:
        der = tls.getpeercert(binary_form=True)
        role = self._roles.get(hashlib.sha256(der).hexdigest(), "") if der else ""
        data = b""
        while b"\r\n\r\n" not in data:
            more = tls.recv(65536)
            if not more:
                return
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        ligne, *lines = head.decode("latin-1").split("\r\n")
        entetes = dict(line.split(": ", 1) for line in lines)
        length = int(entetes.get("Content-Length", "0"))
        understood = "Transfer-Encoding" not in entetes and length < 16 << 20
        while understood and len(body) < length:
            more = tls.recv(65536)
            if not more:
                # Cut by the caller: so does the hub see it.
                understood = False
                break
            body += more
        demande = Demande(ligne, entetes, body[:length] if understood else body, role)
        received = copy.deepcopy(demande)
        retour = self.deformation.requete(demande) if understood else None
        if retour is None:
            retour = self._forward(demande, understood=understood)
            self.sur_appel(received, copy.deepcopy(retour), understood)
            self.deformation.reponse(demande, retour)
        retour.entetes["Content-Length"] = str(len(retour.corps))
        text = "".join(f"{k}: {v}\r\n" for k, v in retour.entetes.items())
        tls.sendall(f"HTTP/1.1 {retour.statut} x\r\n{text}\r\n".encode("latin-1") + retour.corps)

    def _forward(self, demande: Demande, *, understood: bool) -> Retour:
        if understood and "Content-Length" in demande.entetes:
            demande.entetes["Content-Length"] = str(len(demande.corps))
        context = self._contextes[self.deformation.role(demande.role)]
        text = "".join(f"{k}: {v}\r\n" for k, v in demande.entetes.items())
        with (
            socket.create_connection(self._amont, timeout=60) as raw,
            context.wrap_socket(raw, server_hostname=self._amont[0]) as tls,
        ):
            tls.sendall(f"{demande.ligne}\r\n{text}\r\n".encode("latin-1") + demande.corps)
            answer = http.client.HTTPResponse(tls, method=demande.ligne.split()[0])
            answer.begin()
            kept = {
                k: v for k, v in answer.getheaders() if k.lower() not in ("transfer-encoding", "connection")
            }
            return Retour(answer.status, kept, answer.read())
