"""The rules about partners: from the facts, what is wrong. Pure, each on its own.

A rule is told what is open already: what has opened at one threshold closes at a lower one, so that a figure
that wavers about it does not flap.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from dispatching.arrieres import PLAFOND, Arriere
from mailflows.alertes import catalogue
from mailflows.alertes.calendrier import worked_hours
from mailflows.alertes.catalogue import Genre
from mailflows.alertes.faits import Cle, Faits, Partenaire, Presence
from mailflows.alertes.reglages import Alertes
from registry.guichets import CanalDistribution
from registry.moments import say_moment
from registry.production import EtatProduction

JOURS_HABITUDE: Final = 5
"""Days of presence that make a habit."""
FENETRE: Final = timedelta(days=28)
"""Before the last presence: what a habit is read from."""
_MARGE: Final = 2.0
"""How many times its longest silence so far a partner may stay silent."""


@dataclass(frozen=True, slots=True)
class Trouvee:
    """What a rule finds. objet: what it is about, with its code one and the same from turn to turn. guichet:
    the partner concerned, or empty. page: address in the console. niveau: grows as it grows worse.
    au_partenaire: it is told to his contact too."""

    genre: Genre
    objet: str
    constat: str
    attendu: str
    page: str
    guichet: str = ""
    niveau: int = 0
    au_partenaire: bool = False

    @property
    def cle(self) -> Cle:
        return self.genre.code, self.objet


Regle = Callable[[Faits, Alertes, Collection[Cle]], Iterable[Trouvee]]


def ending_certificates(faits: Faits, _reglages: Alertes, _ouvertes: Collection[Cle]) -> Iterable[Trouvee]:
    """[ALE-10] The end of a certificate without successor, at the steps of `surveillance_certificats`."""
    for avis in faits.avis:
        known = faits.partenaires.get(avis.guichet or "")
        yield Trouvee(
            catalogue.CERTIFICAT if avis.guichet else catalogue.CERTIFICAT_HUB,
            avis.empreinte,
            avis.texte,
            "un successeur enregistré avant cette fin",
            f"/certificats/{avis.empreinte}" if avis.guichet else "/cles",
            avis.guichet or "",
            # The steps go down to the end and below.
            -avis.palier,
            au_partenaire=known is not None and not known.averti,
        )


_GRAVITE: Final = {
    EtatProduction.A_VENIR: 0,
    EtatProduction.BIENTOT: 0,
    EtatProduction.GRACE: 1,
    EtatProduction.FERMEE: 2,
}


def ending_reports(faits: Faits, _reglages: Alertes, _ouvertes: Collection[Cle]) -> Iterable[Trouvee]:
    """[CNF-13] A report of conformity that is missing or ends, then has ended, then has closed production."""
    for echeance in faits.rapports:
        code, production = echeance.guichet, echeance.production
        assert production.ferme_le is not None
        closed = production.etat is EtatProduction.FERMEE
        quand = "sont refusés depuis le" if closed else "seront refusés à partir du"
        yield Trouvee(
            catalogue.RAPPORT,
            code,
            f"Les messages du guichet {code} {quand} {say_moment(production.ferme_le)}.",
            "un rapport de conformité en vigueur",
            f"/partenaires/{code}/conformite",
            code,
            _GRAVITE[production.etat],
            au_partenaire=True,
        )


def silent(faits: Faits, reglages: Alertes, _ouvertes: Collection[Cle]) -> Iterable[Trouvee]:
    """[ALE-11] Nothing has come from a partner that used to send, for longer than its habit or its delay."""
    for code, presence in faits.appels.items():
        partenaire = faits.partenaires.get(code)
        limite = None if partenaire is None else _limit(partenaire, presence, reglages)
        if limite is None or worked_hours(presence.derniere_le, faits.instant) <= limite:
            continue
        yield Trouvee(
            catalogue.SILENCE,
            code,
            f"le dernier message est du {say_moment(presence.derniere_le)}",
            f"un message en {limite:.0f} heures ouvrées",
            f"/partenaires/{code}",
            code,
            au_partenaire=True,
        )


def not_fetched(faits: Faits, reglages: Alertes, _ouvertes: Collection[Cle]) -> Iterable[Trouvee]:
    """[ALE-11] A guichet that comes for its distributions does not, or comes and acknowledges nothing."""
    for arriere in faits.arrieres:
        partenaire, depuis = faits.partenaires.get(arriere.guichet), arriere.attend_depuis_le
        if partenaire is None or arriere.canal is not CanalDistribution.RETRAIT or depuis is None:
            continue
        nombre = _count(arriere.en_attente)
        presence = faits.passages.get(arriere.guichet)
        limite = _limit(partenaire, presence, reglages, sans_habitude=True)
        last = max(depuis, presence.derniere_le) if presence else depuis
        if limite is not None and worked_hours(last, faits.instant) > limite:
            passage = (
                f"dernier passage le {say_moment(presence.derniere_le)}" if presence else "aucun passage"
            )
            yield _waiting(
                catalogue.NON_RETIREES,
                arriere,
                f"{nombre} l'attendent, {passage}",
                f"un passage en {limite:.0f} heures ouvrées",
            )
        elif worked_hours(depuis, faits.instant) > reglages.acquittement:
            yield _waiting(
                catalogue.NON_ACQUITTEES,
                arriere,
                f"{nombre} l'attendent, la plus ancienne depuis le {say_moment(depuis)}",
                f"un acquittement en {reglages.acquittement} heures ouvrées",
            )


def _held(faits: Faits) -> set[str]:
    """The guichets to which no distribution is sent meanwhile ([CNF-14]): `ending_reports` tells it."""
    etats = {each.guichet: each.production.etat for each in faits.rapports}
    return {guichet for guichet, etat in etats.items() if etat is EtatProduction.FERMEE}


def late(faits: Faits, reglages: Alertes, ouvertes: Collection[Cle]) -> Iterable[Trouvee]:
    """[ALE-13] What is sent waits beyond the bound, its channel not being cut; it is over at half of it."""
    cut = {(each.guichet, each.canal) for each in faits.disjoncteurs if each.ouvert_le is not None}
    held = _held(faits)
    for arriere in faits.arrieres:
        depuis = arriere.attend_depuis_le
        if arriere.canal is CanalDistribution.RETRAIT or depuis is None:
            continue
        if (arriere.guichet, arriere.canal) in cut or arriere.guichet in held:
            continue
        opened = (catalogue.RETARD.code, arriere.guichet) in ouvertes
        bound = timedelta(minutes=reglages.retard / 2 if opened else reglages.retard)
        if faits.instant - depuis > bound:
            yield _waiting(
                catalogue.RETARD,
                arriere,
                f"{_count(arriere.en_attente)} sur le canal {arriere.canal} du guichet {arriere.guichet}, la"
                f" plus ancienne depuis le {say_moment(depuis)}",
                f"{reglages.retard} minutes d'attente au plus",
                au_partenaire=False,
            )


def cut(faits: Faits, reglages: Alertes, _ouvertes: Collection[Cle]) -> Iterable[Trouvee]:
    """[ALE-13] The circuit breaker of a channel stays open, and is probed."""
    held = _held(faits)
    for each in faits.disjoncteurs:
        if each.ouvert_le is None or each.guichet not in faits.partenaires or each.guichet in held:
            continue
        if faits.instant - each.ouvert_le < timedelta(minutes=reglages.panne):
            continue
        yield Trouvee(
            catalogue.CANAL_COUPE,
            f"{each.guichet} {each.canal}",
            # Not its detail: it may quote what the partner answered.
            f"canal {each.canal}, {each.echecs} échecs de suite ({each.cause}) depuis le"
            f" {say_moment(each.ouvert_le)}",
            "une réponse à la sonde",
            f"/partenaires/{each.guichet}",
            each.guichet,
            au_partenaire=True,
        )


def failed(faits: Faits, _reglages: Alertes, _ouvertes: Collection[Cle]) -> Iterable[Trouvee]:
    """[ALE-13] Distributions have failed for good; it grows worse tenfold by tenfold."""
    for arriere in faits.arrieres:
        if arriere.en_echec:
            yield _waiting(
                catalogue.ECHECS,
                arriere,
                f"{_count(arriere.en_echec)} du guichet {arriere.guichet}",
                "aucune",
                niveau=len(str(arriere.en_echec)),
                au_partenaire=False,
            )


def longest_silence(journees: Sequence[tuple[datetime, datetime]]) -> float | None:
    """The longest working time between two days of presence; None without a habit. Pure."""
    if len(journees) < JOURS_HABITUDE:
        return None
    pairs = pairwise(journees)
    return max(worked_hours(last, first) for (_, last), (first, _) in pairs)


def _limit(
    partenaire: Partenaire, presence: Presence | None, reglages: Alertes, *, sans_habitude: bool = False
) -> float | None:
    """Hours of working time that it may be silent; None: as long as it likes."""
    if partenaire.silence is not None:
        return float(partenaire.silence) or None
    if not reglages.silence:
        return None
    longest = longest_silence(presence.journees) if presence else None
    if longest is None:
        return float(reglages.silence) if sans_habitude else None
    return max(float(reglages.silence), _MARGE * longest)


def _waiting(
    genre: Genre,
    arriere: Arriere,
    constat: str,
    attendu: str,
    *,
    niveau: int = 0,
    au_partenaire: bool = True,
) -> Trouvee:
    page = f"/partenaires/{arriere.guichet}"
    return Trouvee(genre, arriere.guichet, constat, attendu, page, arriere.guichet, niveau, au_partenaire)


def _count(nombre: int) -> str:
    return f"plus de {PLAFOND}" if nombre > PLAFOND else str(nombre)


DES_PARTENAIRES: Final[tuple[Regle, ...]] = (
    ending_certificates,
    ending_reports,
    silent,
    not_fetched,
    late,
    cut,
    failed,
)
