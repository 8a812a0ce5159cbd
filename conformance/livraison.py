"""What the hub that the kit plays sends to the service of reception of a partner, and what it answers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from conformance import message
from conformance.assertion import Constat, check, equal, one_of
from conformance.message import Message
from conformance.presentation import BON
from conformance.pupitre import Pupitre
from conformance.reponse import Lu, read
from schemas import contract


def deliver(p: Pupitre, contenu: bytes, sequence: int, ident: str = "", qui: str = BON) -> Lu:
    """Send a distribution; qui: as `Pupitre.poste`."""
    msg = delivery(p, contenu, sequence, ident)
    headers, body = message.inline(msg)
    return read(p.poste(qui).post(p.chemin, body, headers))


def delivery(p: Pupitre, contenu: bytes, sequence: int, ident: str = "") -> Message:
    """recevoirDistribution."""
    fields = (
        ("idDistribution", ident or p.ident()),
        ("sequence", str(sequence)),
        ("nomFichierDemande", f"DIS{p.code}-202603161030-{sequence:06d}.xml"),
        ("fichierDemande", contenu),
    )
    return Message(contract.RECEPTION_DISTRIBUTION, "recevoirDistribution", fields)


def taken(quoi: str, lu: Lu, contenu: bytes, *statuts: str) -> Iterator[Constat]:
    """The answer of a partner that has kept the file."""
    yield one_of(f"{quoi} : statut", statuts or ("RECU",), lu.champs.get("statut", lu.resume))
    yield equal(f"{quoi} : empreinte", hashlib.sha256(contenu).hexdigest(), lu.champs.get("empreinte", ""))


def not_taken(quoi: str, lu: Lu) -> Constat:
    """Holds when the answer is no acknowledgement."""
    return check(quoi, "statut" not in lu.champs, lu.champs.get("statut", lu.resume), "pas d'accusé")
