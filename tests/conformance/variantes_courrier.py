"""Broken hubs: those that read mail badly, or answer it badly."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from email import message_from_bytes
from typing import TYPE_CHECKING

from conformance.partenaire_courrier import Conduite, Recu
from schemas.courrier import Accuse, FichierAccuse, Verdict
from tests.conformance.mandataire import Deformation, Demande, Retour
from tests.conformance.variante import Variante
from tests.conformance.variantes_serveur import change_files

if TYPE_CHECKING:
    from tests.conformance.cible_deformee import Robot

VARIANTES: list[Variante] = []


def _answers(
    nom: str,
    assertion: str,
    change: Callable[[Recu], Recu | None],
    *consequences: str,
    aussi: tuple[str, ...] = (),
) -> None:
    """Every mail of the hub, changed, or lost."""

    def changed(_robot: Robot | None, recu: Recu) -> list[Recu]:
        found = change(recu)
        return [] if found is None else [found]

    VARIANTES.append(Variante(nom, assertion, Deformation(recu=changed), consequences, aussi))


def _accuses(
    nom: str,
    assertion: str,
    change: Callable[[Accuse], Accuse],
    *consequences: str,
    aussi: tuple[str, ...] = (),
) -> None:
    """Every accusé of the hub, changed."""
    _answers(
        nom,
        assertion,
        lambda recu: recu if recu.accuse is None else replace(recu, accuse=change(recu.accuse)),
        *consequences,
        aussi=aussi,
    )


def _files(
    nom: str,
    assertion: str,
    change: Callable[[FichierAccuse], FichierAccuse],
    *consequences: str,
    aussi: tuple[str, ...] = (),
) -> None:
    """What is said of every file, changed."""
    _accuses(
        nom,
        assertion,
        lambda accuse: replace(accuse, fichiers=tuple(change(each) for each in accuse.fichiers)),
        *consequences,
        aussi=aussi,
    )


def _tolerates(nom: str, assertion: str, *codes: str, aussi: tuple[str, ...] = ()) -> None:
    """What should be refused with one of those codes is answered as if it had been handled."""

    def change(recu: Recu) -> Recu:
        if recu.accuse is None or not {each.code for each in recu.accuse.anomalies} & set(codes):
            return recu
        return replace(
            recu, nature="reponse", accuse=replace(recu.accuse, verdict=Verdict.ACCEPTE, anomalies=())
        )

    _answers(nom, assertion, change, aussi=aussi)


def _loses(nom: str, assertion: str, when: Callable[[bytes, str | None], bool], *consequences: str) -> None:
    """Those mails are not handled, nor answered."""

    def envoi(_robot: Robot | None, mail: bytes, expediteur: str | None) -> bytes | None:
        return None if when(mail, expediteur) else mail

    VARIANTES.append(Variante(nom, assertion, Deformation(envoi=envoi), consequences))


def _answers_to(nom: str, assertion: str, when: Callable[[bytes, str | None], bool]) -> None:
    """Those mails, to which nothing should be said, are answered by a refusal."""

    def envoi(robot: Robot | None, mail: bytes, expediteur: str | None) -> bytes | None:
        if not when(mail, expediteur):
            return mail
        if robot is not None:
            answered = str(message_from_bytes(mail)["Message-ID"]).strip("<>")
            robot.fake(Recu("x", "refus", "", answered, True, None, (), b""))
        return None

    VARIANTES.append(Variante(nom, assertion, Deformation(envoi=envoi)))


def _code(of: str, by: str) -> Callable[[FichierAccuse], FichierAccuse]:
    return lambda each: replace(each, code=by if each.code == of else each.code)


def _cms(mail: bytes) -> bytes:
    content = message_from_bytes(mail).get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


_AUTH_ENVELOPED = bytes.fromhex("060b2a864886f70d0109100117")

# --- answers ----------------------------------------------------------------------------------------------

_answers("les réponses n'arrivent pas", "S0901", lambda recu: None if recu.nature == "reponse" else recu)
_answers("la réponse n'est pas chiffrée", "S0902", lambda recu: replace(recu, chiffre=False), "S0943")
_accuses("l'accusé nomme un autre message", "S0903", lambda accuse: replace(accuse, message="un autre"))
_answers("le sujet ne suit pas la convention", "S0904", lambda recu: replace(recu, sujet="réponse"), "S0943")
_answers(
    "un en-tête porte le numéro unique",
    "S0905",
    lambda recu: (
        replace(recu, entetes={**recu.entetes, "x-numero": recu.accuse.fichiers[0].numero or "-"})
        if recu.accuse and recu.accuse.fichiers
        else recu
    ),
)
_loses(
    "un message d'un autre expéditeur est perdu", "S0906", lambda mail, _: b"From: quelquun@ailleurs" in mail
)
_files(
    "un refus de fichier a un code à lui",
    "S0907",
    lambda each: replace(each, code="COU099") if each.operation == "getNumUnique" and each.code else each,
)
_accuses(
    "le troisième fichier d'un message est dit accepté",
    "S0908",
    lambda accuse: replace(
        accuse,
        fichiers=tuple(
            replace(each, verdict=Verdict.ACCEPTE) if rang == 2 else each
            for rang, each in enumerate(accuse.fichiers)
        ),
    ),
)
_accuses(
    "seul le premier fichier d'un message est traité",
    "S0909",
    lambda accuse: replace(accuse, fichiers=accuse.fichiers[:1]),
    "S0908",
)
_files("le nom ne dit pas l'opération", "S0910", lambda each: replace(each, operation="getNumUnique"))
_answers(
    "une lecture ne rend pas de fichier",
    "S0911",
    lambda recu: (
        replace(recu, fichiers=())
        if recu.accuse and any(each.operation == "getDemandeLogement" for each in recu.accuse.fichiers)
        else recu
    ),
)
_files("un numéro inconnu a un code à lui", "S0912", _code("GUI103", "COU099"))
_files("une opération inconnue est dite mal formée", "S0913", _code("COU009", "COU008"))
_files("une recherche est dite inconnue", "S0914", _code("COU010", "COU009"))
_files("un rapprochement illisible a un code à lui", "S0915", _code("COU016", "COU008"))
_files(
    "un rejeu se dit accepté",
    "S0916",
    lambda each: replace(each, verdict=Verdict.ACCEPTE) if each.verdict is Verdict.REJEU else each,
)


class _UneFois:
    """A message is answered once, however often it comes."""

    def __init__(self) -> None:
        self.vus: dict[str, str] = {}

    def recu(self, _robot: Robot | None, recu: Recu) -> list[Recu]:
        known = self.vus.setdefault(recu.en_reponse_a, recu.id)
        return [recu] if not recu.en_reponse_a or known == recu.id else []


VARIANTES.append(
    Variante("un message remis deux fois est répondu une fois", "S0917", Deformation(recu=_UneFois().recu))
)


def _other_number(demande: Demande, retour: Retour) -> None:
    if demande.role == "courrier" and "getNumUnique" in demande.entetes.get("Content-Type", ""):
        change_files(retour, lambda data: re.sub(rb"(numUnique>\d{5})", rb"\g<1>9", data))


VARIANTES.append(
    Variante(
        "les deux canaux ne partagent pas les numéros",
        "S0918",
        Deformation(reponse=_other_number),
    )
)
_files(
    "tous les refus ont le même échange",
    "S0919",
    lambda each: replace(each, echange="e") if each.code else each,
)
_loses("une signature détachée n'est pas lue", "S0920", lambda mail, _: b"X-Essai: detache" in mail)
_loses("AES-GCM n'est pas lu", "S0921", lambda mail, _: _AUTH_ENVELOPED in _cms(mail))

_loses("le second certificat n'est pas lu", "S0922", lambda mail, _: b"X-Essai: second" in mail)

# --- refusals ---------------------------------------------------------------------------------------------

_tolerates("un message en clair est traité", "S0923", "COU005")
_tolerates(
    "un message qui ne s'ouvre pas est traité", "S0926", "COU003", aussi=("S0924", "S0925", "S0927", "S0929")
)
_tolerates("une signature qui ne se vérifie pas est admise", "S0928", "COU004")
_tolerates("une signature inconnue est admise", "S0930", "GUI001")
_answers_to("un étranger reçoit un refus", "S0931", lambda mail, _: b"From: inconnu@ailleurs" in mail)
_answers_to(
    "un message automatique reçoit un refus",
    "S0932",
    lambda mail, _: b"Auto-Submitted: auto-replied" in mail,
)
_answers_to("un message sans expéditeur reçoit un refus", "S0932", lambda _, expediteur: expediteur == "")
_tolerates("une signature de certificat expiré est admise", "S0933", "GUI004")
_tolerates("une signature de certificat pas encore valide est admise", "S0934", "GUI003")
_tolerates("une signature de certificat retiré est admise", "S0935", "GUI002")
_tolerates("une signature de certificat révoqué est admise", "S0936", "GUI007", "GUI008")
_tolerates("une signature de certificat TLS est admise", "S0937", "GUI006")
_tolerates("un message sans fichier est accusé", "S0938", "COU006")
_tolerates("une archive dans une archive est ouverte", "S0939", "COU007")


class _Bloquee:
    """What is answered next after garbage is a refusal."""

    def __init__(self) -> None:
        self.arrete = False

    def envoi(self, _robot: Robot | None, mail: bytes, expediteur: str | None) -> bytes | None:
        if expediteur == "" and b"Auto-Submitted" not in mail:
            self.arrete = True
            return mail
        lost, self.arrete = self.arrete, False
        return None if lost else mail


VARIANTES.append(
    Variante("après un message refusé, le suivant est perdu", "S0942", Deformation(envoi=_Bloquee().envoi))
)

# --- distributions ----------------------------------------------------------------------------------------

_answers(
    "une distribution n'a pas son sujet",
    "S0943",
    lambda recu: replace(recu, sujet="[echangeur] ENVOI") if recu.nature == "distribution" else recu,
)


def _lost(_robot: Robot | None, _recu: Recu, _verdict: Verdict) -> None:
    return None


def _right(robot: Robot | None, recu: Recu, verdict: Verdict) -> tuple[Recu, Verdict]:
    if robot is not None:
        robot.conduite = Conduite.NORMAL
    return recu, verdict


class _Repete:
    """An accusé that comes again is refused."""

    def __init__(self) -> None:
        self.vus: set[str] = set()

    def accuse(self, robot: Robot | None, recu: Recu, verdict: Verdict) -> tuple[Recu, Verdict] | None:
        if recu.id not in self.vus:
            self.vus.add(recu.id)
            return recu, verdict
        if robot is not None:
            robot.fake(Recu("x", "refus", "", "", True, None, (), b""))
        return None


def _refused(demande: Demande, retour: Retour) -> None:
    if demande.role == "courrier" and b"acquitterDistributions" in demande.corps:
        retour.corps = retour.corps.replace(b">ACQUITTEE<", b">REFUSE<")


_DISTRIBUTIONS = tuple(f"S{number:04}" for number in range(943, 948))
VARIANTES += [
    Variante("les accusés du guichet sont perdus", "S0944", Deformation(accuse=_lost), ("S0945", "S0946")),
    Variante("l'accusé d'autres octets acquitte", "S0945", Deformation(accuse=_right), portee=_DISTRIBUTIONS),
    Variante(
        "un accusé répété est refusé",
        "S0946",
        Deformation(accuse=_Repete().accuse),
        ("S0945",),
        portee=_DISTRIBUTIONS,
    ),
    Variante(
        "un acquit par SOAP est refusé à qui reçoit par courrier", "S0947", Deformation(reponse=_refused)
    ),
    Variante(
        "le courrier est relayé pour tous",
        "S0940",
        Deformation(commande=lambda options, code: code if options else 250),
        portee=("S0940", "S0941"),
    ),
    Variante(
        "la taille annoncée n'est pas regardée",
        "S0941",
        Deformation(commande=lambda options, code: 250 if options else code),
        portee=("S0940", "S0941"),
    ),
]
