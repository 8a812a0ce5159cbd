"""What the kit presents itself with to a partner under test: its own certificate, or one to be refused."""

from __future__ import annotations

import ssl
import warnings
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from certs.autorite import create_autorite, read_autorite
from certs.tls import client_context, server_context
from conformance.contrefacon import Genre, Trait, client_trait, forge, server_trait
from conformance.profil import Pilotage

BON: Final = "bon"
"""The certificate of the profile, as a hub presents it."""
TLS_ANCIEN: Final = "tls-ancien"
"""The same one, and TLS 1.1 at most."""


class Presentation:
    """The contexts of one campaign. dossier: where certificates that the kit makes are kept."""

    def __init__(self, pilotage: Pilotage, dossier: Path, maintenant: datetime) -> None:
        self._pilotage = pilotage
        self._dossier = dossier
        self._maintenant = maintenant

    def serve(self, chez: str) -> ssl.SSLContext:
        """Of the server that a client calls. chez: `BON`, `TLS_ANCIEN` or a `Genre`."""
        certificat, cle = self._files(chez, server_trait(self._pilotage.hote))
        autorites = Path(self._pilotage.autorites)
        if chez == BON:
            return server_context(certificat, cle, autorites)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        _lower(context, ancien=chez == TLS_ANCIEN)
        context.load_cert_chain(certificat, cle)
        context.load_verify_locations(cafile=autorites)
        context.verify_mode = ssl.CERT_OPTIONAL
        return context

    def call(self, qui: str) -> ssl.SSLContext:
        """Of a caller of the service of reception. qui: as `chez`, or ``""`` for no certificate."""
        context = client_context(Path(self._pilotage.autorites))
        if not qui:
            return context
        if qui != BON:
            _lower(context, ancien=qui == TLS_ANCIEN)
        context.load_cert_chain(*self._files(qui, client_trait("HUB00")))
        return context

    def _files(self, qui: str, trait: Trait) -> tuple[Path, Path]:
        """The certificate and its key; made once, of the authority lent if there is one."""
        if qui in (BON, TLS_ANCIEN):
            return Path(self._pilotage.certificat), Path(self._pilotage.cle)
        folder = self._dossier / f"{trait.usage.dotted_string} {qui}"
        # The last file written: without it the folder is one whose writing was cut.
        if not (folder / "ca.pem").exists():
            lent, now = self._pilotage.autorite, self._maintenant
            autorite = (
                create_autorite("Autorité inconnue", now=now - timedelta(days=400), delegue=True)
                if lent is None
                else read_autorite(Path(lent.certificat), Path(lent.cle))
            )
            forge(Genre(qui), trait, autorite, now=now).write(folder)
        return folder / "cert.pem", folder / "key.pem"


def _lower(context: ssl.SSLContext, *, ancien: bool) -> None:
    """Let the kit present what others must refuse: called before the certificate is loaded. ancien: and speak
    TLS 1.1 at most."""
    if ancien:
        with warnings.catch_warnings():
            # An old version is offered so that it be refused.
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
