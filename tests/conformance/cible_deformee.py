"""A hub that is broken in one place, as the kit sees it, and what passed when it was not.

Over SOAP it is the real hub behind a proxy (`mandataire`). What it writes by mail and pushes is changed where
the kit receives it, and what the kit writes where it leaves: to the assertions it is the same.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from conformance.boite import Boite
from conformance.cible import Cible
from conformance.ecoute import Appel, Reaction
from conformance.partenaire_courrier import PartenaireCourrier, Piece, Recu
from conformance.profil import Profil
from conformance.quai import Envoi, Quai, acknowledge, read_envoi
from schemas.courrier import Verdict
from tests.conformance.mandataire import Deformation, Demande, Mandataire, Retour


@dataclass
class Journal:
    """What passed while an assertion ran, by its number."""

    ident: str = ""
    appels: list[tuple[str, Demande, Retour, bool]] = field(default_factory=list)
    envois: list[tuple[str, bytes, str | None]] = field(default_factory=list)
    recus: list[tuple[str, Recu]] = field(default_factory=list)
    accuses: list[tuple[str, Recu, Verdict]] = field(default_factory=list)
    poussees: list[tuple[str, Envoi, int, Reaction]] = field(default_factory=list)

    def touched(self, deformation: Deformation) -> set[str]:
        """The assertions some octet of which a defect changes: to the others the hub is the same."""
        found = {ident for ident, *call in self.appels if _call_differs(deformation, *call)}
        found |= {i for i, mail, sender in self.envois if deformation.envoi(None, mail, sender) != mail}
        found |= {i for i, recu in self.recus if deformation.recu(None, recu) != [recu]}
        found |= {i for i, recu, told in self.accuses if deformation.accuse(None, recu, told) != (recu, told)}
        for ident, envoi, fois, reaction in self.poussees:
            same = deformation.pousse(envoi, fois) == [envoi]
            if not same or deformation.reaction(envoi, reaction) != reaction:
                found.add(ident)
        return found


def _call_differs(deformation: Deformation, demande: Demande, retour: Retour, understood: bool) -> bool:
    if deformation.role(demande.role) != demande.role:
        return True
    sent, back = copy.deepcopy(demande), copy.deepcopy(retour)
    if understood and (deformation.requete(sent) is not None or sent != demande):
        return True
    deformation.reponse(sent, back)
    return back != retour


class Robot(PartenaireCourrier):
    """The mail of the kit, before a broken hub."""

    deformation: ClassVar[Deformation] = Deformation()
    journal: ClassVar[Journal] = Journal()

    def read(self, mail: bytes) -> Recu | str:
        found = super().read(mail)
        if isinstance(found, str):
            return found
        self.journal.recus.append((self.journal.ident, found))
        changed = self.deformation.recu(self, found)
        if not changed:
            return "perdu"
        self.recus.extend(changed[:-1])
        return changed[-1]

    def compose(self, pieces: Sequence[Piece], **how: Any) -> bytes:
        told = []
        if how.get("detache"):
            told.append("detache")
        signer = how.get("signataire")
        if signer and signer.certificat in [each.certificat for each in self.autres]:
            told.append("second")
        entetes = {**how.pop("entetes", {}), **({"X-Essai": " ".join(told)} if told else {})}
        return super().compose(pieces, entetes=entetes, **how)

    async def send(self, mail: bytes, expediteur: str | None = None) -> str:
        self.journal.envois.append((self.journal.ident, mail, expediteur))
        changed = self.deformation.envoi(self, mail, expediteur)
        return "250" if changed is None else await super().send(changed, expediteur)

    async def acknowledge(self, recu: Recu, verdict: Verdict = Verdict.RECU) -> None:
        self.journal.accuses.append((self.journal.ident, recu, verdict))
        changed = self.deformation.accuse(self, recu, verdict)
        if changed is not None:
            await super().acknowledge(*changed)

    def fake(self, recu: Recu) -> None:
        """Something that the hub would have written."""
        self.recus.append(recu)
        self._changed.set()


class BoiteEssai(Boite):
    """The dialogues of the kit, before a broken hub."""

    deformation: ClassVar[Deformation] = Deformation()

    def command(self, *options: str, destinataire: str = "") -> int:
        return self.deformation.commande(options, super().command(*options, destinataire=destinataire))


class Receveur(Quai):
    """The endpoint of the kit, before a broken hub."""

    deformation: ClassVar[Deformation] = Deformation()
    journal: ClassVar[Journal] = Journal()

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self._fois: dict[str, int] = {}

    def _answer(self, appel: Appel) -> Reaction:
        envoi = read_envoi(appel)
        fois = self._fois.get(envoi.id, 0)
        self._fois[envoi.id] = fois + 1
        shown = self.deformation.pousse(envoi, fois)
        self.envois.extend(shown)
        reaction = self.accueil(envoi, fois) if shown else acknowledge(envoi, fois)
        self.journal.poussees.append((self.journal.ident, envoi, fois, reaction))
        return self.deformation.reaction(envoi, reaction)


class CibleDeformee(Cible):
    """A hub with one defect; the proxy in front of it is told of it."""

    def __init__(
        self, profil: Profil, graine: str, maintenant: datetime, proxy: Mandataire, deformation: Deformation
    ) -> None:
        super().__init__(profil, graine, maintenant)
        self.journal = Journal()
        proxy.deformation = deformation
        proxy.sur_appel = self._note
        how = {"deformation": deformation, "journal": self.journal}
        self.robot = type("Robot", (Robot,), how)
        self.casier = type("Casier", (BoiteEssai,), {"deformation": deformation})
        self.receveur = type("Receveur", (Receveur,), how)

    def begin(self, ident: str) -> None:
        self.journal.ident = ident
        super().begin(ident)

    def _note(self, demande: Demande, retour: Retour, understood: bool) -> None:
        self.journal.appels.append((self.journal.ident, demande, retour, understood))
