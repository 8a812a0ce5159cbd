"""Valid calls, from which mutated ones are made: several operations and documents, inline or MTOM."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from random import Random
from typing import Final

from lxml import etree

from echangeur.demo.fichiers import follow_up, renew, wish, write_event
from schemas.ecriture import STYLES
from schemas.generation import generate_demande
from schemas.generation_autres import generate_document
from schemas.kinds import DocumentKind
from soap.faults import NS_SOAP, NS_WS
from tests.fuzz import arbre

XOP: Final = "http://www.w3.org/2004/08/xop/include"
_DEMANDE: Final = "DemandeLogementImplService"
LE: Final = date(2026, 6, 30)
"""The day of the documents."""
_SANS: Final = {"nomCertificat": "", "certificat": b""}


@dataclass(frozen=True)
class Appel:
    """A valid call. champs: fields of its wrapper in order; bytes are files."""

    service: str
    operation: str
    enveloppe: str
    champs: Mapping[str, str | bytes]


@dataclass(frozen=True)
class Message:
    """What is sent."""

    service: str
    content_type: str
    corps: bytes


def _documents(rng: Random, connue: bytes) -> dict[str, bytes]:
    """connue: a demande as the hub emitted it."""
    instant = datetime(2026, 6, 30, 10, tzinfo=UTC)
    graine = rng.randrange(40)
    complet = graine % 4 == 0
    return {
        "CRE": generate_demande(f"fuzz {graine}", le=LE, style=rng.choice(STYLES), complet=complet),
        "MOD": follow_up(connue, "MOD", "G1104", instant, wish("93006")),
        "REN": follow_up(connue, "REN", "G1104", instant, renew(LE)),
        "RECH": generate_document(DocumentKind.RECHERCHE, graine, le=LE, complet=complet),
        "EVT": write_event("1110626000001G1104", "G1104", instant, "ODJCAL", {"DATECAL": "2026-06-30"}),
    }


def num_unique(demande: bytes) -> Appel:
    """The call that registers a demande."""
    champs = {"nomFichierDemande": "a.xml", "fichierDemande": demande, **_SANS, "complet": "non"}
    return Appel(_DEMANDE, "getNumUnique", "numUniqueParametres", champs)


def write_valid(appel: Appel) -> Message:
    """That call inline, as it is."""
    enveloppe, _ = _envelope(appel, appel.champs, mtom=False)
    return Message(appel.service, _inline_type(appel), etree.tostring(enveloppe, encoding="UTF-8"))


def _inline_type(appel: Appel) -> str:
    return f'application/soap+xml; charset=utf-8; action="{NS_WS}{appel.operation}"'


def draw(rng: Random, connue: bytes) -> Appel:
    """A valid call of one of the operations."""
    documents = _documents(rng, connue)
    numero = "1110626000001G1104"
    demande = documents[rng.choice(("CRE", "CRE", "CRE", "MOD", "REN"))]
    appels = (
        num_unique(demande),
        Appel(_DEMANDE, "getDemandeLogement", "demandeLogementParametres", {"numUnique": numero, **_SANS}),
        Appel(
            _DEMANDE,
            "getDoublons",
            "rechercheDoublonsParametres",
            {"nomFichierDemande": "a.xml", "fichierDemande": demande},
        ),
        Appel(
            _DEMANDE,
            "getDeclarationNouveauDalo",
            "declarationNouveauDaloParametres",
            {"nomFichierDalo": "a.xml", "fichierDalo": demande, **_SANS},
        ),
        Appel(
            _DEMANDE,
            "getNouveauxDaloDepuisLe",
            "nouveauxDaloDepuisLeParametres",
            {"dateNouveauDaloDepuisLe": "2026-06-01T00:00:00", **_SANS},
        ),
        Appel(
            "RechercheDemandeImplService",
            "rechercheDemandeMulticritere",
            "fichierXmlParametres",
            {"nomFichier": "r.xml", "fichierXml": documents["RECH"], "nomCertificat": ""},
        ),
        Appel(
            "GestionPartageeEVTImplService",
            "ajouterEvenementDemande",
            "fichierXmlParametres",
            {"nomFichier": "e.xml", "fichierXml": documents["EVT"], "nomCertificat": ""},
        ),
        Appel(
            "GestionPartageeEVTImplService",
            "listerEvenementsDemande",
            "fichierXmlParametres",
            {"nomFichier": "e.xml", "fichierXml": documents["EVT"], "nomCertificat": ""},
        ),
        Appel(
            "PortailImplService",
            "enregistrerBrouillon",
            "enregistrerBrouillonParametres",
            {"nomFichierDemande": "a.xml", "fichierDemande": documents["CRE"]},
        ),
        Appel(
            "DistributionsImplService",
            "listerDistributions",
            "listerDistributionsParametres",
            {"apresSequence": "0", "nombreMax": "10", "etat": "TOUTES"},
        ),
    )
    return rng.choice((*appels, appels[0], appels[0], appels[0]))


def mutate(rng: Random, connue: bytes) -> Message:
    """A valid call, mutated in one place or more: its document, its envelope, its parts."""
    appel = draw(rng, connue)
    niveau = rng.choice(("document", "document", "document", "enveloppe", "parties"))
    champs = dict(appel.champs)
    fichiers = [nom for nom, valeur in champs.items() if isinstance(valeur, bytes) and valeur]
    if niveau == "document" and fichiers:
        root = etree.fromstring(bytes(champs[fichiers[0]]))  # type: ignore[arg-type]
        donneurs = [each for each in root.iter() if isinstance(each.tag, str)]
        champs[fichiers[0]] = arbre.write(arbre.mutate(root, rng, donneurs), rng)
    mtom = bool(fichiers) and (niveau == "parties" or rng.random() < 0.4)
    enveloppe, parties = _envelope(appel, champs, mtom=mtom)
    if niveau == "enveloppe" or (niveau == "document" and not fichiers):
        donneurs = [each for each in enveloppe.iter() if isinstance(each.tag, str)]
        racine = arbre.write(arbre.mutate(enveloppe, rng, donneurs), rng)
    else:
        racine = etree.tostring(enveloppe, encoding="UTF-8")
    action = f"{NS_WS}{appel.operation}"
    if not mtom:
        content_type = _inline_type(appel)
        if niveau == "parties":
            content_type = _damage(content_type.encode(), rng).decode("latin-1")
        return Message(appel.service, _header(content_type), racine)
    content_type = (
        'multipart/related; type="application/xop+xml"; start="<racine>"; start-info="application/soap+xml"; '
        f'boundary="frontiere"; action="{action}"'
    )
    blocs = [(b"<racine>", b'application/xop+xml; charset=UTF-8; type="application/soap+xml"', racine)]
    blocs += [(f"<{nom}@client>".encode(), b"text/xml", contenu) for nom, contenu in parties.items()]
    entetes = [
        b"Content-Type: " + genre + b"\r\nContent-Transfer-Encoding: binary\r\nContent-ID: " + nom
        for nom, genre, _ in blocs
    ]
    if niveau == "parties":
        rang = rng.randrange(len(blocs) + 1)
        if rang < len(blocs):
            entetes[rang] = _damage(entetes[rang], rng)
        else:
            content_type = _header(_damage(content_type.encode(), rng).decode("latin-1"))
        if rng.random() < 0.3:
            rng.shuffle(blocs)
        if rng.random() < 0.2:
            entetes, blocs = entetes * 2, blocs * 2
    corps = b"".join(
        b"--frontiere\r\n" + entete + b"\r\n\r\n" + contenu + b"\r\n"
        for entete, (_, _, contenu) in zip(entetes, blocs, strict=True)
    )
    corps += b"--frontiere--\r\n"
    if niveau == "parties" and rng.random() < 0.2:
        corps = corps[: rng.randrange(len(corps))]
    return Message(appel.service, content_type, corps)


def _envelope(
    appel: Appel, champs: Mapping[str, str | bytes], *, mtom: bool
) -> tuple[etree._Element, dict[str, bytes]]:
    """The envelope, and the contents that its references name."""
    root = etree.Element(f"{{{NS_SOAP}}}Envelope", nsmap={"s": NS_SOAP, "ws": NS_WS})
    etree.SubElement(root, f"{{{NS_SOAP}}}Header")
    corps = etree.SubElement(root, f"{{{NS_SOAP}}}Body")
    wrapper = etree.SubElement(corps, f"{{{NS_WS}}}{appel.enveloppe}")
    parties = {}
    for nom, valeur in champs.items():
        element = etree.SubElement(wrapper, nom)
        if isinstance(valeur, str):
            element.text = valeur
        elif mtom and valeur:
            parties[nom] = valeur
            etree.SubElement(element, f"{{{XOP}}}Include", href=f"cid:{nom}@client")
        else:
            element.text = base64.b64encode(valeur).decode()
    return root, parties


_DEGATS: Final = (
    (b"binary", b"base64"),
    (b"binary", b"quoted-printable"),
    (b"binary", b"x-inconnu"),
    (b"binary", b"7bit"),
    (b"UTF-8", b"utf-16"),
    (b"UTF-8", b"x-inconnu"),
    (b"utf-8", b"iso-8859-1"),
    (b"utf-8", b"utf-7"),
    (b"xop+xml", b"octet-stream"),
    (b"soap+xml", b"json"),
    (b"<racine>", b"racine"),
    (b"<racine>", b"<autre>"),
    (b"@client", b"@autre"),
    (b"frontiere", b"front iere"),
    (b"frontiere", b""),
    (b'"', b""),
    (b"action=", b"acti0n="),
    (b"multipart/related", b"multipart/mixed"),
    (b"Content-ID", b"Content-Id"),
    (b"Content-ID", b"X-Content-ID"),
    (b"Content-Type", b"content-type"),
    (b";", b";;"),
    (b"get", b"set"),
    (b":", b" :"),
)


def _damage(entete: bytes, rng: Random) -> bytes:
    """One damage of a header."""
    known = [each for each in _DEGATS if each[0] in entete]
    match rng.randrange(5):
        case 0 | 1 | 2 if known:
            return entete.replace(*rng.choice(known), rng.choice((1, -1)))
        case 3:
            place = rng.randrange(len(entete))
            return (
                entete[:place]
                + rng.choice((b"\xff", b"=", b'"', b"<", b"a" * 3_000, b"=?x?q?=FF?="))
                + entete[place:]
            )
        case _:
            return entete[: rng.randrange(len(entete))]


def _header(value: str) -> str:
    """What an HTTP client can send: on one line."""
    return "".join(each for each in value if each.isprintable())
