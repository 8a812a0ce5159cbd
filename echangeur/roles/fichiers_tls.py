"""The TLS contexts of an instance, read from the files that its configuration names."""

from __future__ import annotations

import contextlib
import ssl
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from certs import tls
from certs.autorite import Identite
from echangeur.instance import Instance
from echangeur.sortie import MauvaisUsage


def server_tls(instance: Instance, pins: Iterable[bytes]) -> ssl.SSLContext:
    """The TLS context of the SOAP services. Raises MauvaisUsage when its files cannot be read."""
    settings = instance.configuration.serveur
    return _listening(instance, "serveur", settings.certificat, settings.cle, pins)


def console_tls(instance: Instance, pins: Iterable[bytes]) -> ssl.SSLContext:
    """The TLS context of the console: a certificate is asked for, and who has none signs in otherwise.

    Raises MauvaisUsage when its files cannot be read.
    """
    settings = instance.configuration.console
    return _listening(instance, "console", settings.certificat, settings.cle, pins)


def _listening(
    instance: Instance, section: str, certificat: str, cle: str, pins: Iterable[bytes]
) -> ssl.SSLContext:
    files = [instance.path(each) for each in (certificat, cle, instance.configuration.serveur.autorites)]
    with readable(section, *files):
        # Identites judges the dates at its own clock and says so in words.
        return tls.server_context(*files, epingles=pins, dates_verifiees_au_dessus=True)


def mail_tls(instance: Instance) -> ssl.SSLContext | None:
    """The TLS context of the reception of mail: no certificate is asked of the sender, the signature is what
    identifies. None when it is in clear. Raises MauvaisUsage when its files cannot be read."""
    settings = instance.configuration.serveur
    if instance.configuration.courrier.tls == "non":
        return None
    certificat, cle, autorites = map(instance.path, (settings.certificat, settings.cle, settings.autorites))
    with readable("serveur", certificat, cle):
        context = tls.server_context(certificat, cle, autorites)
    context.verify_mode = ssl.CERT_NONE
    return context


def client_tls(instance: Instance) -> ssl.SSLContext:
    """The TLS context that pushes to partners. Raises MauvaisUsage when its files cannot be read."""
    settings = instance.configuration.distribution
    certificat, cle = instance.path(settings.certificat), instance.path(settings.cle)
    autorites = instance.path(settings.autorites) if settings.autorites else None
    with readable("distribution", certificat, cle, *([autorites] if autorites else [])):
        return tls.client_context(autorites, certificat, cle)


def present_again(context: ssl.SSLContext, instance: Instance, certificat: str, cle: str) -> None:
    """Have `context` present what these files now hold, to the connections that are yet to come.

    To be called once a new context was made of the same files: a certificate that does not go with its key
    would leave this one with half of each.
    """
    context.load_cert_chain(instance.path(certificat), instance.path(cle))


@contextlib.contextmanager
def readable(section: str, *files: Path) -> Iterator[None]:
    """Turn what ssl raises about these files into MauvaisUsage."""
    for file in files:
        if not file.is_file():
            raise MauvaisUsage(f"Le fichier {file} n'existe pas.", f"Corrigez la section [{section}].")
    try:
        yield
    except (OSError, ValueError) as error:
        names = ", ".join(str(file) for file in files)
        raise MauvaisUsage(
            f"Un certificat ou une clé ne se lit pas, ou ils ne vont pas ensemble : {names}.",
            f"Corrigez la section [{section}].",
        ) from error


def sonde_tls(sonde: Identite, certificat: Path) -> ssl.SSLContext:
    """The TLS context by which a process calls itself: it expects the certificate that it presents, or one of
    its issuer. Raises MauvaisUsage when it cannot be read."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # The name is that of the outside, and the call goes to the loopback: the certificate itself is expected.
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    with readable("serveur", certificat), tempfile.TemporaryDirectory() as folder:
        context.load_verify_locations(cafile=certificat)
        sonde.write(Path(folder))
        context.load_cert_chain(Path(folder, "cert.pem"), Path(folder, "key.pem"))
    return context
