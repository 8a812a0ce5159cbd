"""The rules about the hub itself: from the facts, what is wrong. Pure, each on its own."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Final

from mailflows.alertes import catalogue
from mailflows.alertes.calendrier import is_working_time, worked_hours
from mailflows.alertes.faits import Cle, CourriersBloques, Faits, ProcessusVu
from mailflows.alertes.reglages import Alertes
from mailflows.alertes.regles import DES_PARTENAIRES, JOURS_HABITUDE, Regle, Trouvee
from registry.controles import PARIS
from registry.moments import say_moment

MUET: Final = timedelta(minutes=5)
"""A process that has not told itself for so long is not held for alive."""
BLOQUE: Final = timedelta(minutes=15)
"""A mail of alerts that has waited for so long does not leave."""
DEPART: Final = f"un départ en {BLOQUE.seconds // 60} minutes"
"""What is expected of them."""
_REPIT_DISQUE: Final = 1.5
"""How many times the bound must be free again."""
_CITES: Final = 5
_PILOTAGE: Final = "/pilotage"
_ALERTES: Final = "/pilotage/alertes"


def no_exchange(faits: Faits, reglages: Alertes, _ouvertes: Collection[Cle]) -> Iterable[Trouvee]:
    """[ALE-12] No message of any guichet in working hours, on a hub that is used."""
    if not reglages.sans_echange or faits.jours_servis < JOURS_HABITUDE or not faits.appels:
        return
    last = max(each.derniere_le for each in faits.appels.values())
    minutes = 60 * worked_hours(last, faits.instant)
    opened = (catalogue.SANS_ECHANGE.code, "") in _ouvertes
    # What opened lasts out of hours: an evening proves nothing.
    if minutes > reglages.sans_echange and (opened or is_working_time(faits.instant)):
        yield Trouvee(
            catalogue.SANS_ECHANGE,
            "",
            f"le dernier est du {say_moment(last)}",
            f"au moins un en {reglages.sans_echange} minutes ouvrées",
            _PILOTAGE,
        )


def not_ready(faits: Faits, _reglages: Alertes, _ouvertes: Collection[Cle]) -> Iterable[Trouvee]:
    """[ALE-14] A process tells that it is not ready."""
    for each in faits.processus:
        if not each.pret and _lives(each, faits):
            yield Trouvee(
                catalogue.NON_PRET,
                f"{each.machine} {' '.join(sorted(each.roles))}",
                f"{each.machine}, processus {each.pid} ({', '.join(sorted(each.roles))}) :"
                f" {', '.join(each.codes) or 'sans code'}",
                "toutes ses épreuves réussies",
                _ALERTES,
            )


def role_missing(faits: Faits, _reglages: Alertes, _ouvertes: Collection[Cle]) -> Iterable[Trouvee]:
    """[ALE-14] The last process of a role has died without a word: one that stops properly says so."""
    served = {role for each in faits.processus if _lives(each, faits) for role in each.roles}
    last: dict[str, ProcessusVu] = {}
    for each in faits.processus:
        for role in set(each.roles) - served:
            if role not in last or last[role].vu_le < each.vu_le:
                last[role] = each
    for role, each in sorted(last.items()):
        yield Trouvee(
            catalogue.ROLE_ABSENT,
            role,
            f"{role}, sur {each.machine}, vu pour la dernière fois le {say_moment(each.vu_le)}",
            "un processus au moins",
            _ALERTES,
        )


def mails_stuck(faits: Faits, _reglages: Alertes, _ouvertes: Collection[Cle]) -> Iterable[Trouvee]:
    """[ALE-7] The very mails that tell do not leave: shown everywhere but by mail."""
    found = faits.courriers
    if is_stuck(found, faits.instant) or found.refuses:
        yield Trouvee(
            catalogue.COURRIER_BLOQUE,
            "",
            f"{found.en_attente} en attente, {found.refuses} refusé(s) depuis un jour",
            DEPART,
            _ALERTES,
        )


def is_stuck(courriers: CourriersBloques, instant: datetime) -> bool:
    """Whether the mails of alerts no longer leave."""
    return courriers.depuis_le is not None and instant - courriers.depuis_le > BLOQUE


def tasks_missed(faits: Faits, _reglages: Alertes, _ouvertes: Collection[Cle]) -> Iterable[Trouvee]:
    """[ALE-15] A daily task was done neither today nor yesterday."""
    today = faits.instant.astimezone(PARIS).date()
    begun = faits.veille_depuis.astimezone(PARIS).date()
    for nom in faits.attendues:
        done = faits.taches.get(nom)
        if today - (done or begun) > timedelta(days=1):
            constat = f"{nom}, faite le {done:%d/%m/%Y}" if done else f"{nom}, jamais faite"
            yield Trouvee(catalogue.TACHE_MANQUEE, nom, constat, "une fois par jour", _ALERTES)


def manifests_missing(faits: Faits, _reglages: Alertes, _ouvertes: Collection[Cle]) -> Iterable[Trouvee]:
    """[ALE-15] The manifest of the day before yesterday is not there: that of yesterday may be being made."""
    due = faits.instant.astimezone(PARIS).date() - timedelta(days=2)
    late = [each for each in faits.manifestes if each.dernier < due]
    if late:
        cites = ", ".join(sorted(each.guichet for each in late)[:_CITES])
        more = f" et {len(late) - _CITES} autres" if len(late) > _CITES else ""
        yield Trouvee(
            catalogue.MANIFESTE_ABSENT,
            "",
            f"guichets {cites}{more}, depuis le {min(each.dernier for each in late):%d/%m/%Y}",
            f"ceux du {due:%d/%m/%Y} et d'avant",
            "/manifestes",
            niveau=len(str(len(late))),
        )


def chain_broken(faits: Faits, _reglages: Alertes, _ouvertes: Collection[Cle]) -> Iterable[Trouvee]:
    """[ALE-16] The journal does not follow its own seals."""
    if faits.rupture:
        yield Trouvee(catalogue.CHAINE_ROMPUE, "", faits.rupture, "une chaîne intacte", _ALERTES)


def disk_full(faits: Faits, reglages: Alertes, ouvertes: Collection[Cle]) -> Iterable[Trouvee]:
    """[ALE-17] Little is left of the disk of the embedded database."""
    for each in faits.processus:
        if each.disque_libre is None or not _lives(each, faits):
            continue
        opened = (catalogue.DISQUE.code, each.machine) in ouvertes
        bound = min(100.0, reglages.disque * (_REPIT_DISQUE if opened else 1.0))
        if each.disque_libre < bound:
            libre = f"{each.disque_libre:.0f} % libres sur {each.machine}"
            yield Trouvee(catalogue.DISQUE, each.machine, libre, f"{reglages.disque} % au moins", _ALERTES)


def _lives(each: ProcessusVu, faits: Faits) -> bool:
    return faits.instant - each.vu_le <= MUET


DU_HUB: Final[tuple[Regle, ...]] = (
    no_exchange,
    not_ready,
    role_missing,
    mails_stuck,
    tasks_missed,
    manifests_missing,
    chain_broken,
    disk_full,
)
REGLES: Final[tuple[Regle, ...]] = (*DES_PARTENAIRES, *DU_HUB)


def judge(faits: Faits, reglages: Alertes, ouvertes: Collection[Cle]) -> dict[Cle, Trouvee]:
    """All that the rules find, each once; the worst of those that are the same. Pure."""
    found: dict[Cle, Trouvee] = {}
    for regle in REGLES:
        for each in regle(faits, reglages, ouvertes):
            known = found.get(each.cle)
            if known is None or known.niveau < each.niveau:
                found[each.cle] = each
    return found
