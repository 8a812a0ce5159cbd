"""The reference partner by mail that proves that it has all, and repairs what it lost: without SOAP.

What it keeps is in memory: a test loses or spoils some of it. It knows a distribution by the number that ends
the name of its file, which is signed; the subject is signed by nobody.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Final

from certs.cms import RefusCms
from certs.signature import verify_signature
from conformance.partenaire_courrier import PartenaireCourrier, Piece, Recu
from conformance.preuve_reference import compare
from schemas.courrier import Accuse, FichierAccuse, Verdict, write_accuse
from schemas.manifeste import read_manifeste
from schemas.rapprochement import (
    DemandeRapprochement,
    Relue,
    ResultatRapprochement,
    TrancheTenue,
    read_resultat,
    write_demande,
)
from schemas.violations import Violation

_SEQUENCE: Final = re.compile(r"-(\d{6})\.xml")


@dataclass(frozen=True, slots=True)
class Gardee:
    """A distribution that is kept. id: idDistribution."""

    id: str
    contenu: bytes

    @property
    def empreinte(self) -> str:
        return hashlib.sha256(self.contenu).hexdigest()


class PreuveCourrier:
    """What one partner keeps, and how it proves it. gardees: by sequence."""

    def __init__(self, partenaire: PartenaireCourrier) -> None:
        self._partenaire = partenaire
        self._lus = 0
        self._envois = count(1)
        self.gardees: dict[int, Gardee] = {}
        self.manifestes: list[bytes] = []

    def ranger(self) -> None:
        """Keep what came since the last time: distributions, and manifests as signed."""
        nouveaux = self._partenaire.recus[self._lus :]
        self._lus += len(nouveaux)
        for recu in nouveaux:
            if recu.nature == "distribution":
                (piece,) = recu.fichiers
                self.gardees.setdefault(sequence_of(piece.nom), Gardee(recu.id, piece.contenu))
            elif recu.nature == "manifeste":
                self.manifestes += [piece.contenu for piece in recu.fichiers]

    def verifier(self) -> list[str]:
        """What does not agree, manifest by manifest in the order of the days; empty where all does."""
        found: list[str] = []
        apres, precedent = 0, ""
        kept = {sequence: (each.id, each.empreinte) for sequence, each in self.gardees.items()}
        for message in self.manifestes:
            signe = verify_signature(message)
            if isinstance(signe, RefusCms):
                found.append(signe.texte)
                continue
            lu = read_manifeste(signe.octets)
            if isinstance(lu, Violation):
                found.append(lu.message)
            elif signe.signataire.empreinte != self._partenaire.echangeur.empreinte:
                found.append("signé par un autre que l'échangeur")
            elif (lu.apres, lu.precedent) != (apres, precedent):
                found.append("il ne suit pas le précédent")
            else:
                found.append(compare(lu, kept))
                apres, precedent = lu.derniere, signe.empreinte
        return found

    async def rapprocher(self, *, relire: bool = True) -> ResultatRapprochement:
        """Ask once what differs; with `relire`, keep and acknowledge the files that come with the answer."""
        tranches = tuple(
            TrancheTenue(sequence, sequence, (each.empreinte,))
            for sequence, each in sorted(self.gardees.items())
        )
        nom = f"RAP{next(self._envois)}.xml"
        piece = Piece(nom, write_demande(DemandeRapprochement(tranches, relire=relire)))
        (recu,) = await self._partenaire.answer_to(await self._partenaire.post(piece))
        assert recu.accuse is not None
        fichiers = {each.nom: each.contenu for each in recu.fichiers}
        resultat = read_resultat(next(fichiers[each] for each in fichiers if each.startswith("RAP")))
        assert isinstance(resultat, ResultatRapprochement), resultat
        for relue in resultat.relues:
            contenu = fichiers[relue.nom]
            assert hashlib.sha256(contenu).hexdigest() == relue.empreinte
            self.gardees[relue.sequence] = Gardee(relue.id, contenu)
        if resultat.relues:
            await self._acknowledge(recu, resultat.relues)
        return resultat

    async def _acknowledge(self, recu: Recu, relues: tuple[Relue, ...]) -> None:
        """One accusé for each distribution that was read again, in one message."""
        instant = datetime.now(UTC)
        pieces = []
        for rang, relue in enumerate(relues, 1):
            fichier = FichierAccuse(relue.nom, bytes.fromhex(relue.empreinte), Verdict.RECU)
            accuse = Accuse(relue.id, instant, Verdict.RECU, recu.empreinte, fichiers=(fichier,))
            pieces.append(Piece(f"accuse-{rang}.xml", write_accuse(accuse)))
        await self._partenaire.post(*pieces)


def sequence_of(nom: str) -> int:
    """The number of a distribution, from the name of its file; the millions are left out, as they are there.

    Raises ValueError for another name.
    """
    found = _SEQUENCE.search(nom)
    if found is None:
        raise ValueError(nom)
    return int(found[1])
