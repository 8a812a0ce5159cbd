"""What a call or a file asks for, and whether that was done already.

A failure, and an anomaly that sending again may cure, happen once for one content: the partner that sends the
very same document again must see what follows. Other anomalies are answered each time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Final

from echangeur.bac_a_sable.horloge import HorlogeDeBac
from registry.anomalies import TypeAnomalie
from soap.envelope import Parametres

PROVOQUEE: Final = "valeur provoquée au bac à sable"
_SOUVENIRS: Final = 10_000


class Souvenirs:
    """What was done once already; forgotten when the stock is put back."""

    def __init__(self, horloge: HorlogeDeBac) -> None:
        self._horloge = horloge
        self._epoque = -1
        self._faits: set[bytes] = set()

    def first(self, code: str, contenus: Iterable[str | bytes]) -> bool:
        """Whether it is the first time for these contents; remembered."""
        epoque = self._horloge.etat.epoque
        if epoque != self._epoque or len(self._faits) >= _SOUVENIRS:
            self._epoque, self._faits = epoque, set()
        digest = hashlib.sha256(code.encode())
        for contenu in contenus:
            octets = contenu.encode() if isinstance(contenu, str) else contenu
            digest.update(len(octets).to_bytes(8, "big") + octets)
        fait = digest.digest()
        if fait in self._faits:
            return False
        self._faits.add(fait)
        return True

    def due(self, anomalie: TypeAnomalie, contenus: Iterable[str | bytes]) -> bool:
        """Whether this anomaly is to be answered now."""
        return not anomalie.rejouable or self.first(anomalie.code, contenus)


def contents_of(parametres: Parametres) -> Iterator[str | bytes]:
    """All texts and files of a call, those of its groups too, in the order of their names."""
    for _, texte in sorted(parametres.textes.items()):
        yield texte
    for _, fichier in sorted(parametres.fichiers.items()):
        yield fichier
    for _, groupes in sorted(parametres.groupes.items()):
        for groupe in groupes:
            yield from contents_of(groupe)
