"""To whom each alert is to be told, and in what words: one mail for an address, however many alerts. Pure.

What an address was last told of an alert is kept; the difference with what is now is what it is to be told.
A silence, a mail that waits its turn, an address that is new: all of them are that difference, later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from mailflows.alertes.catalogue import GENRES
from mailflows.alertes.reglages import Alertes
from mailflows.alertes.suivi import Alerte, Etat
from mailflows.message_emis import ENTETE_ID, ENTETE_NATURE
from registry.anomalies import Tour
from registry.moments import say_moment

CITEES_MAX: Final = 40
"""Alerts written out in one mail, of each kind; the others are counted by code."""


class Motif(StrEnum):
    """Why an alert is in a mail."""

    NOUVELLE = "nouvelle"
    RAPPEL = "rappel"
    FIN = "fin"


@dataclass(frozen=True, slots=True)
class Dite:
    """What an address was last told of an alert. close: that it is over."""

    close: bool
    niveau: int
    dite_le: datetime


@dataclass(frozen=True, slots=True)
class Sourdine:
    """A planned stop: nothing is told meanwhile. code, guichet: empty for all of them."""

    id: int
    du: datetime
    au: datetime
    code: str
    guichet: str
    motif: str
    posee_par: str

    def covers(self, alerte: Alerte, instant: datetime) -> bool:
        """Whether that alert is not to be told now."""
        return (
            self.du <= instant < self.au
            and self.code in ("", alerte.code)
            and self.guichet in ("", alerte.guichet)
        )


@dataclass(frozen=True, slots=True)
class ADire:
    """One thing to tell."""

    alerte: Alerte
    motif: Motif


def recipients_of(alerte: Alerte, reglages: Alertes, contacts: Mapping[str, str]) -> tuple[str, ...]:
    """The addresses that an alert concerns. contacts: by guichet. Nobody without an operator: what partners
    are told, somebody here must know ([ALE-2])."""
    if not reglages.exploitants or not GENRES[alerte.code].courrier:
        return ()
    partner = contacts.get(alerte.guichet, "") if alerte.au_partenaire and reglages.guichets else ""
    return tuple(dict.fromkeys((*reglages.exploitants, *([partner] if partner else []))))


def to_tell(
    alertes: Iterable[Alerte],
    dites: Mapping[tuple[int, str], Dite],
    contacts: Mapping[str, str],
    sourdines: Sequence[Sourdine],
    derniers: Mapping[str, datetime],
    instant: datetime,
    reglages: Alertes,
) -> dict[str, list[ADire]]:
    """What each address is to be told now. alertes: those that are kept, those just closed included.
    dites: by alert and address. derniers: when each address was last written to."""
    found: dict[str, list[ADire]] = {}
    for alerte in alertes:
        if alerte.etat is Etat.NAISSANTE or any(each.covers(alerte, instant) for each in sourdines):
            continue
        for adresse in recipients_of(alerte, reglages, contacts):
            motif = _motive(alerte, dites.get((alerte.id, adresse)), instant, reglages)
            if motif is not None:
                found.setdefault(adresse, []).append(ADire(alerte, motif))
    pause = timedelta(minutes=reglages.groupage)
    return {
        adresse: choses
        for adresse, choses in found.items()
        if adresse not in derniers or instant - derniers[adresse] >= pause
    }


def _motive(alerte: Alerte, dite: Dite | None, instant: datetime, reglages: Alertes) -> Motif | None:
    if alerte.etat is Etat.CLOSE:
        return Motif.FIN if dite is not None and not dite.close else None
    if dite is None:
        return Motif.NOUVELLE
    if alerte.niveau > dite.niveau:
        return Motif.RAPPEL
    due = instant - dite.dite_le >= timedelta(hours=reglages.rappel)
    return Motif.RAPPEL if due and GENRES[alerte.code].rappele else None


_TITRES: Final = {
    Motif.NOUVELLE: "Nouvelles alertes",
    Motif.RAPPEL: "Toujours ouvertes",
    Motif.FIN: "Rentré dans l'ordre",
}
_ACCORDS: Final = {
    Motif.NOUVELLE: ("nouvelle alerte", "nouvelles alertes"),
    Motif.RAPPEL: ("rappel", "rappels"),
    Motif.FIN: ("rentrée dans l'ordre", "rentrées dans l'ordre"),
}
_TOURS: Final = {
    Tour.PARTENAIRE: "au guichet partenaire",
    Tour.GESTIONNAIRE: "au gestionnaire territorial",
    Tour.EXPLOITANT: "à l'exploitant de l'échangeur",
}


def write_subject(choses: Sequence[ADire]) -> str:
    """``Alerte ALE302, guichet G1104``, or how many of each. Pure."""
    if len(choses) == 1:
        alerte, motif = choses[0].alerte, choses[0].motif
        end = {Motif.NOUVELLE: "", Motif.RAPPEL: " (rappel)", Motif.FIN: " : rentré dans l'ordre"}[motif]
        return f"Alerte {alerte.code}{f', guichet {alerte.guichet}' if alerte.guichet else ''}{end}"
    counts = {motif: sum(each.motif is motif for each in choses) for motif in Motif}
    said = [f"{n} {_ACCORDS[motif][n > 1]}" for motif, n in counts.items() if n]
    return f"Alertes : {', '.join(said)}"


def write_text(choses: Sequence[ADire], instant: datetime, lien: str) -> str:
    """The whole text of a mail. lien: public address of the console, or empty. Pure."""
    lines = [f"Échangeur, le {say_moment(instant)} (heure de Paris)."]
    for motif, titre in _TITRES.items():
        siennes = [each.alerte for each in choses if each.motif is motif]
        if not siennes:
            continue
        lines += ["", f"== {titre} : {len(siennes)}"]
        for alerte in siennes[:CITEES_MAX]:
            lines += ["", *_told(alerte, motif, lien)]
        rest = siennes[CITEES_MAX:]
        if rest:
            codes = sorted({each.code for each in rest})
            counted = ", ".join(f"{code} : {sum(each.code == code for each in rest)}" for code in codes)
            lines += ["", f"Et {len(rest)} autres ({counted})."]
    lines += [
        "",
        f"Toutes les alertes : {lien}/pilotage/alertes",
        "Message automatique : n'y répondez pas.",
        "",
    ]
    return "\n".join(lines)


def _told(alerte: Alerte, motif: Motif, lien: str) -> list[str]:
    entry = GENRES[alerte.code].type
    head = f"[{alerte.code}]{f' Guichet {alerte.guichet}.' if alerte.guichet else ''}"
    said = f"{head} {entry.texte.format(constat=alerte.constat, attendu=alerte.attendu)}"
    depuis = f"Ouverte le {say_moment(alerte.ouverte_le or alerte.vue_le)}"
    if motif is Motif.FIN:
        return [said, f"{depuis}, close le {say_moment(alerte.close_le or alerte.derniere_le)}."]
    return [said, f"{depuis}. C'est {_TOURS[entry.tour]} d'agir : {entry.conduite}", f"{lien}{alerte.page}"]


def write_mail(
    identifiant: UUID, expediteur: str, destinataire: str, sujet: str, texte: str, cree_le: datetime
) -> bytes:
    """The mail, the same at each attempt. Pure."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = expediteur
    mail["To"] = destinataire
    mail["Subject"] = sujet
    mail["Date"] = format_datetime(cree_le)
    mail["Message-ID"] = f"<{identifiant}@{expediteur.rpartition('@')[2]}>"
    mail[ENTETE_ID] = str(identifiant)
    mail[ENTETE_NATURE] = "alerte"
    # RFC 3834 §5: an automatic message answers none of these.
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(texte)
    return mail.as_bytes()
