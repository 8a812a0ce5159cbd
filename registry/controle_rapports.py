"""What is answered to whoever holds a report and asks what it is worth ([CNF-1], [CNF-2])."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Final

from sqlalchemy import Connection

from certs.cms import MotifCms
from registry.certificats import get_certificat
from registry.conformite import (
    EtatRapport,
    RapportDepose,
    ReglesConformite,
    etat_of,
    judge,
    proved_channels,
)
from registry.constats import Constat
from registry.rapports_deposes import find_report, open_report, read_content
from schemas.rapport_conformite import Rapport, read_json


class Reponse(StrEnum):
    """The answer, one word of which is always true alone."""

    VALABLE = "valable"
    A_CONTRESIGNER = "à contresigner"
    EXPIRE = "expiré"
    REMPLACE = "remplacé"
    REVOQUE = "révoqué"
    INSUFFISANT = "insuffisant"
    AUTRE_VERSION = "autre version"
    ALTERE = "altéré"
    SIGNATAIRE_INCONNU = "signataire inconnu"
    NON_CONFORME = "non conforme"
    INCOMPLET = "incomplet"
    NON_DEPOSE = "non déposé"
    NON_SIGNE = "non signé"
    ILLISIBLE = "illisible"
    INCONNU = "inconnu"


TEXTES: Final = {
    Reponse.VALABLE: "Ce rapport est en vigueur : son guichet a prouvé sa conformité à l'interface.",
    Reponse.A_CONTRESIGNER: "Ce rapport est intact et déposé ; l'exploitant n'a pas encore répondu de lui.",
    Reponse.EXPIRE: "Ce rapport est intact, mais il a expiré : il ne prouve plus rien.",
    Reponse.REMPLACE: "Ce rapport est intact, mais un rapport plus récent du même guichet l'a remplacé.",
    Reponse.REVOQUE: "Ce rapport a été révoqué par l'exploitant : il ne prouve rien.",
    Reponse.INSUFFISANT: "Ce rapport est intact et déposé, mais il n'ouvre rien : voir ce qui lui manque.",
    Reponse.AUTRE_VERSION: "Ce rapport est intact, mais pas de la version en vigueur de l'interface.",
    Reponse.ALTERE: "Ce n'est pas ce qui a été signé : le rapport a été modifié. Il ne prouve rien.",
    Reponse.SIGNATAIRE_INCONNU: (
        "La signature tient, mais d'une clé que personne ne connaît : le rapport prouve seulement qu'il a"
        " été fait."
    ),
    Reponse.NON_CONFORME: "Ce rapport est intact, mais il ne conclut pas à la conformité.",
    Reponse.INCOMPLET: "Ce rapport est intact, mais il laisse de côté des familles exigées.",
    Reponse.NON_DEPOSE: "Ce rapport est intact et son signataire connu, mais il n'est pas déposé.",
    Reponse.NON_SIGNE: "Ce fichier est un rapport sans sa signature : vérifier plutôt rapport.p7m.",
    Reponse.ILLISIBLE: "Ce fichier n'est pas un rapport de conformité.",
    Reponse.INCONNU: "Aucun rapport déposé ne porte cet identifiant ni cette empreinte.",
}

_SELON_ETAT: Final = {
    EtatRapport.EN_VIGUEUR: Reponse.VALABLE,
    EtatRapport.A_CONTRESIGNER: Reponse.A_CONTRESIGNER,
    EtatRapport.EXPIRE: Reponse.EXPIRE,
    EtatRapport.REMPLACE: Reponse.REMPLACE,
    EtatRapport.REVOQUE: Reponse.REVOQUE,
    EtatRapport.AUTRE_VERSION: Reponse.AUTRE_VERSION,
    EtatRapport.INSUFFISANT: Reponse.INSUFFISANT,
}
_MODIFIE: Final = frozenset(
    f"RAPPORT-{each}" for each in (MotifCms.CONTENU_MODIFIE, MotifCms.SIGNATURE, MotifCms.ATTRIBUTS)
)


@dataclass(frozen=True, slots=True)
class Controle:
    """What is answered. constats: all that was found wrong. signature: whether it holds; None: not looked at.

    depose: the report as the hub keeps it. rapport: its content, kept or sent. signataire: subject of the
    certificate.
    """

    reponse: Reponse
    constats: tuple[Constat, ...] = ()
    signature: bool | None = None
    signataire: str = ""
    empreinte: str = ""
    depose: RapportDepose | None = None
    rapport: Rapport | None = None

    @property
    def texte(self) -> str:
        return TEXTES[self.reponse]

    @property
    def expire_le(self) -> datetime | None:
        """When it stops serving: as the hub admits it, else as it says; None without a report."""
        if self.depose is not None:
            return self.depose.expire_le
        return None if self.rapport is None else self.rapport.expire


def check_state(conn: Connection, reference: str, regles: ReglesConformite, *, instant: datetime) -> Controle:
    """By the identifier, or the SHA-256, of a report that was deposited; without its content."""
    depose = find_report(conn, reference.strip())
    return Controle(Reponse.INCONNU) if depose is None else _of_deposited(depose, regles, instant=instant)


def check_reference(
    conn: Connection, reference: str, regles: ReglesConformite, *, instant: datetime
) -> Controle:
    """The same with its content, read from the message that was deposited."""
    found = check_state(conn, reference, regles, instant=instant)
    if found.depose is None:
        return found
    return replace(found, rapport=read_content(conn, found.depose.identifiant))


def check_file(conn: Connection, data: bytes, regles: ReglesConformite, *, instant: datetime) -> Controle:
    """By the file itself: the signed report, or its JSON alone."""
    opened = open_report(data)
    if isinstance(opened, Constat):
        if opened.code in _MODIFIE:
            return Controle(Reponse.ALTERE, (opened,), signature=False)
        return _of_unsigned(conn, data, regles, opened, instant=instant)
    contenu, rapport = opened
    same = find_report(conn, contenu.empreinte)
    # The same content signed again by another is not what was deposited: its own signature is judged.
    if same is not None and same.signataire == contenu.signataire.empreinte:
        return replace(_of_deposited(same, regles, instant=instant), rapport=rapport)
    around = partial(
        Controle,
        signature=True,
        signataire=contenu.signataire.sujet,
        empreinte=contenu.empreinte,
        rapport=rapport,
    )
    if same is None and find_report(conn, rapport.identifiant) is not None:
        return around(Reponse.ALTERE, (_OTHER_CONTENT,))
    constats = judge(rapport, regles, guichet=None, instant=instant)
    known = contenu.signataire.empreinte in regles.signataires or get_certificat(
        conn, contenu.signataire.empreinte
    )
    return around(_answer(rapport, regles, constats, known=bool(known)), constats)


_OTHER_CONTENT: Final = Constat(
    "RAPPORT-PRIS", "identifiant", "le rapport déposé sous cet identifiant a un autre contenu"
)


def _answer(
    rapport: Rapport, regles: ReglesConformite, constats: tuple[Constat, ...], *, known: bool
) -> Reponse:
    """The gravest thing that is wrong with a report that is not deposited. Pure."""
    codes = {each.code for each in constats}
    checks = (
        ("RAPPORT-CONTRADICTOIRE" in codes, Reponse.ALTERE),
        (not known, Reponse.SIGNATAIRE_INCONNU),
        ("RAPPORT-VERSION" in codes, Reponse.AUTRE_VERSION),
        ("RAPPORT-EXPIRE" in codes, Reponse.EXPIRE),
        ("RAPPORT-NON-CONFORME" in codes, Reponse.NON_CONFORME),
        (bool(codes) or not proved_channels(rapport, regles), Reponse.INCOMPLET),
    )
    return next((reponse for found, reponse in checks if found), Reponse.NON_DEPOSE)


def _of_unsigned(
    conn: Connection, data: bytes, regles: ReglesConformite, refus: Constat, *, instant: datetime
) -> Controle:
    rapport = read_json(data)
    if isinstance(rapport, str):
        return Controle(Reponse.ILLISIBLE, (refus,))
    empreinte = hashlib.sha256(data).hexdigest()
    same = find_report(conn, empreinte)
    if same is not None:
        return replace(_of_deposited(same, regles, instant=instant), rapport=rapport)
    if find_report(conn, rapport.identifiant) is not None:
        return Controle(Reponse.ALTERE, (_OTHER_CONTENT,), empreinte=empreinte, rapport=rapport)
    return Controle(Reponse.NON_SIGNE, empreinte=empreinte, rapport=rapport)


def _of_deposited(depose: RapportDepose, regles: ReglesConformite, *, instant: datetime) -> Controle:
    etat = etat_of(depose, regles, instant=instant)
    return Controle(
        _SELON_ETAT[etat],
        depose.constats,
        # It held when it was deposited, and the bytes are the hub's since.
        signature=True,
        signataire=depose.signataire_nom,
        empreinte=depose.empreinte,
        depose=depose,
    )
