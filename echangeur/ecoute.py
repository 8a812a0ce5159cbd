"""Taking the port: before anything is started, so that a server that cannot listen says so at once."""

from __future__ import annotations

import errno
import socket

from echangeur.sortie import MauvaisUsage

# Partners open one connection per call (interface/wire §1): a burst of them waits here, not in an error.
_BACKLOG = 1024


def bind(adresse: str, port: int) -> socket.socket:
    """A listening socket. Raises MauvaisUsage, in French, when the address or the port cannot be taken."""
    try:
        family, _, _, _, place = socket.getaddrinfo(
            adresse, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError):
        raise MauvaisUsage(
            f"L'adresse d'écoute « {adresse} » n'existe pas.", "Corrigez serveur.adresse ou --adresse."
        ) from None
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        # The port of a server just stopped is taken again at once; that of a running one is not.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(place)
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        raise _refusal(adresse, port, error) from error
    sock.setblocking(False)
    return sock


def url_of(sock: socket.socket) -> str:
    """The https address of a listening socket, as a partner on this machine would write it."""
    host, port = sock.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        host = "localhost"
    return f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"


def _refusal(adresse: str, port: int, error: OSError) -> MauvaisUsage:
    match error.errno:
        case errno.EADDRINUSE:
            return MauvaisUsage(
                f"Le port {port} de {adresse} est déjà pris par un autre programme.",
                "Choisissez-en un autre avec --port, ou arrêtez cet autre programme.",
            )
        case errno.EACCES:
            return MauvaisUsage(
                f"Le port {port} est réservé à l'administrateur du système.",
                "Choisissez un port au-dessus de 1023.",
            )
        case errno.EADDRNOTAVAIL:
            return MauvaisUsage(
                f"L'adresse {adresse} n'est pas une adresse de cette machine.",
                "Corrigez serveur.adresse ou --adresse.",
            )
        case _:
            return MauvaisUsage(f"Impossible d'écouter sur {adresse}:{port} ({error.strerror}).")
