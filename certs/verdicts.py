"""The verdict on a certificate, kept for a while: computing a path with its lists takes about 15 ms.

A verdict is kept five minutes, and never past the moment when something it rests upon changes: the next
update of a list, the end or the beginning of a certificate. New lists or new anchors are a new `Verdicts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from certs.algorithmes import PAR_DEFAUT, Profil
from certs.chemin import SANS_REVOCATION, Ancres, Revocation, validate
from certs.lecture import Certificat
from certs.verification import Usage, Verdict, verify

DUREE: Final = timedelta(minutes=5)

MAX_VERDICTS: Final = 10_000
"""1,600 partners with several certificates and uses; above, all are forgotten and computed again."""


@dataclass(frozen=True, slots=True)
class _Garde:
    verdict: Verdict
    depuis: datetime
    jusque: datetime


class Verdicts:
    """Judges certificates against some anchors and what is known of revocations. May be used from threads.

    ancres: None when the pin alone is asked for: then only the certificate itself is judged.
    """

    def __init__(
        self, ancres: Ancres | None, revocation: Revocation = SANS_REVOCATION, *, duree: timedelta = DUREE
    ) -> None:
        self._ancres = ancres
        self._revocation = revocation
        self._duree = duree
        self._gardes: dict[tuple[str, Usage, str], _Garde] = {}

    def judge(
        self,
        certificat: Certificat,
        usage: Usage,
        *,
        at: datetime,
        intermediaires: Sequence[Certificat] = (),
        profil: Profil = PAR_DEFAUT,
    ) -> Verdict:
        """The verdict at an instant (aware): dates, key and use first, then path and revocation."""
        cle = (certificat.empreinte, usage, profil.nom)
        garde = self._gardes.get(cle)
        if garde is not None and garde.depuis <= at < garde.jusque:
            return garde.verdict
        verdict = verify(certificat, usage, at=at, rsa_min=profil.rsa_min)
        if verdict.accepte and self._ancres is not None:
            verdict = validate(
                certificat,
                intermediaires,
                self._ancres,
                at=at,
                revocation=self._revocation,
                profil=profil,
            )
        # One that is refused may be accepted with better intermediates: only acceptances are kept.
        if verdict.accepte:
            if len(self._gardes) >= MAX_VERDICTS:
                self._gardes.clear()
            self._gardes[cle] = _Garde(verdict, at, self._until(certificat, intermediaires, at))
        return verdict

    def _until(self, certificat: Certificat, intermediaires: Sequence[Certificat], at: datetime) -> datetime:
        moments = [each.prochaine_le for each in self._revocation.lcr if each.prochaine_le is not None]
        moments += [each.valide_au for each in (certificat, *intermediaires)]
        return min([at + self._duree, *(moment for moment in moments if moment >= at)])
