"""Family 09, of a partner: the mails that its robot writes to the hub."""

from __future__ import annotations

import re
from collections.abc import Iterator

from conformance.assertion import Absente, Capacite, Constat, Niveau, check, client, equal
from conformance.pupitre import Pupitre
from conformance.reponse import intact, valid

_COURRIER = (Capacite.COURRIER,)


@client(
    "C0901",
    "COU-1",
    "CER-17",
    titre="Le message est chiffré pour l'échangeur, et à l'intérieur signé par le certificat du guichet",
    conduite="Signer l'ensemble des fichiers, puis chiffrer le message signé pour le certificat de l'échangeur.",
    exige=_COURRIER,
)
def sealed(p: Pupitre) -> Iterator[Constat]:
    # That it was opened proves who it was encrypted for, who signed it, and with what.
    recu, _ = p.written()
    yield equal("chiffré", True, recu.chiffre)
    yield equal("messages qui ne s'ouvrent pas", [], p.boite.partenaire.illisibles)


@client(
    "C0902",
    "COU-21",
    titre="Le fichier d'une demande porte un nom qui vaut getNumUnique",
    conduite="Nommer le fichier DEM…, ou d'un nom qui n'est celui d'aucune autre opération.",
    exige=_COURRIER,
    apres=("C0901",),
)
def named(p: Pupitre) -> Iterator[Constat]:
    recu, _ = p.written()
    yield equal("fichiers joints", 1, len(recu.fichiers))
    begin = recu.fichiers[0].nom[:3].upper()
    others = ("DBL", "DAL", "RAP", "RCH", "EVT", "TEV", "PIL", "PIH")
    yield check("nom", begin not in others, recu.fichiers[0].nom, "DEM…")


@client(
    "C0903",
    "COU-20",
    "COU-24",
    titre="Le document joint est valide, et celui qui a été donné",
    conduite="Joindre le fichier tel qu'il serait envoyé au service.",
    exige=_COURRIER,
    apres=("C0901",),
)
def whole(p: Pupitre) -> Iterator[Constat]:
    recu, document = p.written()
    content = recu.fichiers[0].contenu if recu.fichiers else b""
    yield valid("document", content)
    if p.by_hand("envoyer-courrier"):
        raise Absente("sans commande, le document n'est pas celui du kit")
    yield intact(document, content)


@client(
    "C0904",
    "COU-33",
    titre="Le message a un Message-ID",
    conduite="Écrire Message-ID : la réponse le reprend dans In-Reply-To.",
    exige=_COURRIER,
    apres=("C0901",),
)
def identified(p: Pupitre) -> Iterator[Constat]:
    found = p.written()[0].entetes.get("message-id", "")
    yield check("Message-ID", bool(re.fullmatch(r"<[^<>\s]+@[^<>\s]+>", found)), found, "<…@…>")


@client(
    "C0905",
    "COU-1",
    titre="Aucun en-tête du message ne porte de donnée nominative",
    conduite="Ne rien mettre de la demande dans le sujet ni dans un autre en-tête : ils voyagent en clair.",
    niveau=Niveau.DEVRAIT,
    exige=_COURRIER,
    apres=("C0901",),
)
def discreet(p: Pupitre) -> Iterator[Constat]:
    recu, _ = p.written()
    fields = " ".join(recu.entetes.values())
    yield check("en-têtes", "KITCONFORMITE" not in fields.upper(), recu.sujet, "aucun nom")


@client(
    "C0906",
    "COU-8",
    titre="Le message ne se dit pas automatique",
    conduite="Ne pas écrire Auto-Submitted : un refus n'y serait pas répondu.",
    exige=_COURRIER,
    apres=("C0901",),
)
def not_automatic(p: Pupitre) -> Iterator[Constat]:
    yield equal("Auto-Submitted", "no", p.written()[0].entetes.get("auto-submitted", "no").lower())
