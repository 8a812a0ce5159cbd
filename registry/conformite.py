"""What a report of conformity is worth to the hub: what is asked of it, whose word it is, where it is in its
life.

All here is pure. What was found wrong at the deposit is judged once and kept; whether the report is in force
is read from its dates each time (docs/decisions/0106).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from registry.constats import Constat
from registry.controles import PARIS, format_jour
from registry.guichets import CanalDistribution
from registry.moments import say_moment
from schemas.kinds import VERSIONS_DEMANDE
from schemas.rapport_conformite import Ligne, Mode, Rapport, Verdict, contradictions

OCTETS_MAX: Final = 4 << 20
"""Bytes of a signed report: some 100 kB are usual; what is larger is not read."""


CAPACITES: Final[Mapping[CanalDistribution, tuple[str, ...]]] = {
    CanalDistribution.PUSH: ("appels", "réception des distributions"),
    CanalDistribution.RETRAIT: ("appels", "retrait des distributions"),
    CanalDistribution.COURRIER: ("courrier",),
}
"""What a guichet must be able to do, by the channel that it declares ([CNF-3]), in the words of a profile
(`conformance.assertion.Capacite`)."""


@dataclass(frozen=True, slots=True)
class Exigee:
    """An assertion that a report must show as held, for the guichets of these channels."""

    id: str
    famille: str
    titre: str
    canaux: frozenset[CanalDistribution]


@dataclass(frozen=True, slots=True)
class ReglesConformite:
    """What this hub asks.

    exigees: by the catalogue of its kit. versions: of the interface, those in force. signataires: the keys of
    the operator, SHA-256 of the certificate by which it is known, and its name. validite: how long a report
    serves at most, from its end. a_partir_du: from when a report is required of every guichet; None: of none.
    alerte: how long before its end it is told. grace: how long after it calls are still served.
    """

    exigees: tuple[Exigee, ...] = ()
    versions: frozenset[str] = frozenset(VERSIONS_DEMANDE)
    signataires: Mapping[str, str] = field(default_factory=dict)
    validite: timedelta = timedelta(days=365)
    a_partir_du: datetime | None = None
    alerte: timedelta = timedelta(days=60)
    grace: timedelta = timedelta(days=30)


SANS_EXIGENCE: Final = ReglesConformite()


class Confiance(StrEnum):
    """Whose key signed. Stored; never renamed."""

    EXPLOITANT = "exploitant"
    """The operator ran the campaign: it proves."""
    GUICHET = "guichet"
    """The guichet signed for itself: it claims, until the operator vouches for it ([CNF-4])."""


class EtatRapport(StrEnum):
    """Where a deposited report is."""

    EN_VIGUEUR = "en vigueur"
    A_CONTRESIGNER = "à contresigner"
    EXPIRE = "expiré"
    REMPLACE = "remplacé"
    REVOQUE = "révoqué"
    AUTRE_VERSION = "d'une autre version"
    INSUFFISANT = "insuffisant"


@dataclass(frozen=True, slots=True)
class RapportDepose:
    """A report that the hub keeps, without its content.

    empreinte: SHA-256 of the JSON, hexadecimal. signataire: that of the certificate. canaux: for which it
    suffices. constats: what was found wrong at the deposit.
    """

    identifiant: uuid.UUID
    guichet: str
    empreinte: str
    signataire: str
    signataire_nom: str
    confiance: Confiance
    version_interface: str
    kit: str
    emis_le: datetime
    expire_le: datetime
    canaux: frozenset[CanalDistribution]
    constats: tuple[Constat, ...]
    depose_par: str
    depose_le: datetime
    contresigne_par: str | None = None
    contresigne_le: datetime | None = None
    remplace_par: uuid.UUID | None = None
    remplace_le: datetime | None = None
    revoque_par: str | None = None
    revoque_le: datetime | None = None
    motif: str = ""

    @property
    def prouve(self) -> bool:
        """Whether somebody else than the guichet answers for it."""
        return self.confiance is Confiance.EXPLOITANT or self.contresigne_le is not None


def etat_of(depose: RapportDepose, regles: ReglesConformite, *, instant: datetime) -> EtatRapport:
    """Where it is at that instant: what was decided about it first, then what its dates say ([CNF-6])."""
    if depose.revoque_le is not None:
        return EtatRapport.REVOQUE
    if depose.remplace_le is not None:
        return EtatRapport.REMPLACE
    if depose.version_interface not in regles.versions:
        return EtatRapport.AUTRE_VERSION
    if instant >= depose.expire_le:
        return EtatRapport.EXPIRE
    if not depose.canaux:
        return EtatRapport.INSUFFISANT
    return EtatRapport.EN_VIGUEUR if depose.prouve else EtatRapport.A_CONTRESIGNER


def judge(
    rapport: Rapport, regles: ReglesConformite, *, guichet: str | None, instant: datetime
) -> tuple[Constat, ...]:
    """All that makes a report worthless whatever the channel; empty when nothing does ([CNF-3]).

    guichet: of which it must be; None: whose it is does not matter.
    """
    found = [Constat("RAPPORT-CONTRADICTOIRE", "resultats", each) for each in contradictions(rapport)]
    if rapport.mode is not Mode.CLIENT:
        texte = "c'est un serveur qui a été éprouvé ; la campagne d'un guichet se lance avec --mode client"
        found.append(Constat("RAPPORT-MODE", "mode", texte))
    if guichet is not None and rapport.guichet != guichet:
        texte = (
            f'il est pour {rapport.guichet or "aucun guichet"} ; attendu : [rapport] guichet = "{guichet}"'
        )
        found.append(Constat("RAPPORT-GUICHET", "guichet", texte))
    if rapport.version_interface not in regles.versions:
        texte = f"il est de la version {rapport.version_interface} ; en vigueur : {_et(regles.versions)}"
        found.append(Constat("RAPPORT-VERSION", "version_interface", texte))
    if not rapport.conforme:
        red = [each.id for each in rapport.resultats if each.verdict is Verdict.ECHOUEE]
        texte = f"il ne conclut pas à la conformité{' : ' + ', '.join(red[:20]) if red else ''}"
        found.append(Constat("RAPPORT-NON-CONFORME", "conforme", texte))
    if rapport.fin > instant + timedelta(hours=1):
        texte = f"la campagne finirait le {say_moment(rapport.fin)}, heure de Paris, qui n'est pas venue"
        found.append(Constat("RAPPORT-DATE", "fin", texte))
    expire_le = end_of(rapport, regles)
    if instant >= expire_le:
        jour = format_jour(expire_le.astimezone(PARIS).date())
        texte = f"il a expiré le {jour} : une nouvelle campagne est attendue"
        found.append(Constat("RAPPORT-EXPIRE", "expire", texte))
    return tuple(found)


def end_of(rapport: Rapport, regles: ReglesConformite) -> datetime:
    """When a report stops serving: as it says, and never later than the hub admits."""
    return min(rapport.expire, rapport.fin + regles.validite)


def proved_channels(rapport: Rapport, regles: ReglesConformite) -> frozenset[CanalDistribution]:
    """The channels for which every assertion asked for held ([CNF-3]); one that the kit cannot try is never
    proved, and nothing is required of it."""
    triable = {canal for each in regles.exigees for canal in each.canaux}
    return frozenset(
        canal
        for canal in triable
        if all(each.etat is EtatFamille.VERTE for each in families(rapport, regles, canal))
    )


class EtatFamille(StrEnum):
    """Where a family of assertions is, for a channel."""

    VERTE = "verte"
    ROUGE = "rouge"
    PARTIELLE = "partielle"
    NON_LANCEE = "non lancée"


@dataclass(frozen=True, slots=True)
class Famille:
    """A family of assertions, for a channel. rouges: those that do not hold. absentes: asked for, and not in
    the report or without object there. exigees: how many are asked for."""

    code: str
    titre: str
    etat: EtatFamille
    exigees: int
    rouges: tuple[Ligne, ...] = ()
    absentes: tuple[str, ...] = ()


_ROUGES: Final = frozenset({Verdict.ECHOUEE, Verdict.NON_CONCLUANTE})


def families(
    rapport: Rapport | None, regles: ReglesConformite, canal: CanalDistribution
) -> tuple[Famille, ...]:
    """What a report, or none, shows of each family that a guichet of this channel is asked for ([CNF-10])."""
    found: dict[str, tuple[str, list[str]]] = {}
    for each in regles.exigees:
        if canal in each.canaux:
            found.setdefault(each.famille, (each.titre, []))[1].append(each.id)
    lines = {} if rapport is None else {each.id: each for each in rapport.resultats}
    return tuple(_famille(code, titre, ids, lines) for code, (titre, ids) in sorted(found.items()))


def _famille(code: str, titre: str, ids: Iterable[str], lines: Mapping[str, Ligne]) -> Famille:
    asked = tuple(ids)
    shown = [lines[each] for each in asked if each in lines]
    rouges = tuple(each for each in shown if each.verdict in _ROUGES)
    held = {each.id for each in shown if each.verdict is Verdict.REUSSIE}
    absentes = tuple(each for each in asked if each not in held and each not in {red.id for red in rouges})
    if rouges:
        etat = EtatFamille.ROUGE
    elif len(absentes) == len(asked):
        etat = EtatFamille.NON_LANCEE
    else:
        etat = EtatFamille.PARTIELLE if absentes else EtatFamille.VERTE
    return Famille(code, titre, etat, len(asked), rouges, absentes)


def missing(familles: Iterable[Famille]) -> tuple[Constat, ...]:
    """The families that keep a report from sufficing, one finding each."""
    return tuple(
        Constat("RAPPORT-FAMILLE", each.code, f"famille {each.code}, {each.titre} : {_tell(each)}")
        for each in familles
        if each.etat is not EtatFamille.VERTE
    )


def _tell(famille: Famille) -> str:
    if famille.rouges:
        return f"{len(famille.rouges)} assertion(s) rouge(s) sur {famille.exigees}"
    if famille.etat is EtatFamille.NON_LANCEE:
        return "non éprouvée"
    return f"non éprouvées : {', '.join(famille.absentes)}"


def _et(values: Iterable[str]) -> str:
    return ", ".join(sorted(values))
