"""What the pages of partners and certificates reach on the disk and on the network of the instance.

Given by the composition root (`Services.moyens`). A process that has no keys, or a console alone on its
machine, gives none: the pages then say so, and show what the base tells.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from certs.autorite import Autorite
from certs.repetition import Serveur
from certs.trousseau import Trousseau, load_trousseau
from mailflows.epreuves import Hub
from mailflows.fermeture import Fermeture
from registry.verdicts_certificats import Charge


@dataclass(frozen=True, slots=True)
class Moyens:
    """What an instance has.

    autorite: its authority, or None. trousseau: folder of its keys of mail. nom: the name of the hub in the
    certificates that its authority makes for it. serveur, client: its certificates of TLS, files in PEM.
    client_tls: makes the context that calls partners. services: base address of the SOAP services, as
    partners see it. courrier: its mail address, or empty when it exchanges none. fermeture: as configured.
    juge: what the verdicts on certificates rest upon.
    """

    autorite: Callable[[], Autorite | None]
    trousseau: Path
    nom: str
    serveur: Serveur
    client: Path
    client_tls: Callable[[], ssl.SSLContext]
    services: str
    courrier: str
    juge: Charge
    fermeture: Fermeture | None = None

    def keys(self) -> Trousseau:
        """The keys of mail. Raises OSError or ValueError when they cannot be read."""
        return load_trousseau(self.trousseau)

    def hub(self) -> Hub:
        """What the hub brings to a rehearsal. Raises as `keys`."""
        return Hub(self.keys(), self.serveur, bool(self.courrier), self.fermeture)
