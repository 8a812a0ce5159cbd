"""Family 07: what the hub gives to the guichets that must receive: come for, or pushed."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from lxml import etree

from conformance import message
from conformance.assertion import Capacite, Constat, Empeche, Niveau, check, client, equal, one_of, serveur
from conformance.cible import Cible, Creee
from conformance.donnees import follow, put
from conformance.ecoute import Appel, Reaction
from conformance.guichet_factice import Attente, GuichetFactice, operation_of, read_call
from conformance.message import Groupe, Message
from conformance.pupitre import Pupitre
from conformance.quai import fault
from conformance.reponse import Lu, read, violations_of
from schemas import contract
from schemas.documents import DocumentKind
from schemas.generation import STYLES

_RETRAIT = (Capacite.LECTEUR, Capacite.RETRAIT)
_DEMANDES = (DocumentKind.DEMANDE_0200, DocumentKind.DEMANDE_0201)


def list_after(c: Cible, apres: int = 0, nombre: int = 100, etat: str = "", role: str = "lecteur") -> Lu:
    """listerDistributions."""
    fields: list[tuple[str, message.Champ]] = [("apresSequence", str(apres)), ("nombreMax", str(nombre))]
    if etat:
        fields.append(("etat", etat))
    return c.send(message.distributions("listerDistributions", *fields), role)


def situation(c: Cible, role: str = "lecteur") -> Lu:
    """situerDistributions. Raises Empeche when it is refused."""
    return c.accepted(c.send(message.distributions("situerDistributions"), role), "situerDistributions")


def last(c: Cible, role: str = "lecteur") -> int:
    """The last sequence given to the guichet."""
    return int(situation(c, role).champs.get("derniereSequence", "0"))


def entries(lu: Lu) -> list[etree._Element]:
    """The distributions of an answer."""
    return [] if lu.element is None else list(lu.element.iterfind("distribution"))


def text(entry: etree._Element, name: str) -> str:
    return entry.findtext(name) or ""


def content(entry: etree._Element) -> bytes:
    return base64.b64decode(text(entry, "fichierDemande"))


def distributed(c: Cible, creee: Creee, apres: int) -> etree._Element:
    """The distribution of that demande. Raises Empeche when there is none."""
    for entry in entries(list_after(c, apres)):
        if text(entry, "numUnique") == creee.numero:
            return entry
    raise Empeche("la demande créée n'est pas parmi les distributions du lecteur")


def acknowledge(c: Cible, *couples: tuple[str, str], role: str = "lecteur") -> Lu:
    """acquitterDistributions, of couples (sequence, empreinte)."""
    fields = [("acquit", Groupe((("sequence", s), ("empreinte", e)))) for s, e in couples]
    return c.send(message.distributions("acquitterDistributions", *fields), role)


def results(lu: Lu) -> list[tuple[str, str]]:
    """(statut, code) of each."""
    found = [] if lu.element is None else lu.element.iterfind("resultat")
    return [(text(each, "statut"), text(each, "code")) for each in found]


@serveur(
    "S0701",
    "DST-1",
    "DST-27",
    titre="Une création est distribuée au guichet dont un filtre la retient",
    conduite="Décider dans la transaction, et rendre la distribution à listerDistributions.",
    exige=_RETRAIT,
    apres=("S0401",),
)
def received(c: Cible) -> Iterator[Constat]:
    before = last(c)
    creee = c.create()
    found = [text(each, "numUnique") for each in entries(list_after(c, before))]
    yield check("demandes distribuées", creee.numero in found, found, creee.numero)


@serveur(
    "S0702",
    "DST-1",
    titre="Une création n'est jamais distribuée à son auteur",
    conduite="Écarter l'auteur des destinataires.",
    exige=_RETRAIT,
    apres=("S0701",),
)
def not_to_its_author(c: Cible) -> Iterator[Constat]:
    before = last(c, "emetteur")
    creee = c.create()
    found = [text(each, "numUnique") for each in entries(list_after(c, before, role="emetteur"))]
    yield check("demandes distribuées à l'auteur", creee.numero not in found, found, f"sans {creee.numero}")


@serveur(
    "S0703",
    "DST-10",
    titre="Le fichier distribué est la demande, valide, typeFichier DIS",
    conduite="Écrire le document enregistré sous un en-tête DIS.",
    exige=_RETRAIT,
    apres=("S0701",),
)
def document(c: Cible) -> Iterator[Constat]:
    before = last(c)
    creee = c.create()
    entry = distributed(c, creee, before)
    problem = violations_of(content(entry), *_DEMANDES)
    yield check("document", not problem, problem or "valide", "valide")
    yield equal("typeFichier annoncé", "DIS", text(entry, "typeFichier"))
    yield check("typeFichier du document", b"typeFichier>DIS<" in content(entry), content(entry)[:200], "DIS")
    yield check("numéro du document", creee.numero.encode() in content(entry), "absent", creee.numero)


@serveur(
    "S0704",
    "DST-27",
    "DST-25",
    titre="L'empreinte annoncée est le SHA-256 du fichier",
    conduite="Annoncer l'empreinte des octets mêmes qui sont rendus, en hexadécimal minuscule.",
    exige=_RETRAIT,
    apres=("S0701",),
)
def digest(c: Cible) -> Iterator[Constat]:
    before = last(c)
    entry = distributed(c, c.create(), before)
    yield equal("empreinte", hashlib.sha256(content(entry)).hexdigest(), text(entry, "empreinte"))


@serveur(
    "S0705",
    "DST-27",
    "DST-10",
    titre="Lire ne change rien : la même distribution revient, mêmes octets, même nom, même identifiant",
    conduite="Ne tenir pour reçue que la distribution acquittée.",
    exige=_RETRAIT,
    apres=("S0701",),
)
def reading_changes_nothing(c: Cible) -> Iterator[Constat]:
    before = last(c)
    creee = c.create()
    first, again = distributed(c, creee, before), distributed(c, creee, before)
    for name in ("idDistribution", "sequence", "nomFichierDemande", "fichierDemande"):
        yield equal(f"{name} à la seconde lecture", text(first, name), text(again, name))


@serveur(
    "S0706",
    "DST-25",
    titre="Un acquit juste est accepté, et la distribution n'attend plus",
    conduite="Répondre ACQUITTEE et sortir la distribution de ce qui reste à acquitter.",
    exige=_RETRAIT,
    apres=("S0701",),
)
def acknowledged(c: Cible) -> Iterator[Constat]:
    before = last(c)
    creee = c.create()
    entry = distributed(c, creee, before)
    lu = acknowledge(c, (text(entry, "sequence"), text(entry, "empreinte")))
    yield equal("résultat", [("ACQUITTEE", "")], results(lu) or lu.resume)
    left = [text(each, "numUnique") for each in entries(list_after(c, before))]
    yield check("ce qui reste à acquitter", creee.numero not in left, left, f"sans {creee.numero}")


@serveur(
    "S0707",
    "DST-25",
    titre="Un acquit répété reçoit la même réponse",
    conduite="Rendre ACQUITTEE, avec l'instant du premier acquit.",
    exige=_RETRAIT,
    apres=("S0706",),
)
def acknowledged_twice(c: Cible) -> Iterator[Constat]:
    before = last(c)
    entry = distributed(c, c.create(), before)
    couple = (text(entry, "sequence"), text(entry, "empreinte"))
    first, again = acknowledge(c, couple), acknowledge(c, couple)
    yield equal("second acquit", [("ACQUITTEE", "")], results(again) or again.resume)
    yield equal("dateAcquit", first.champs.get("dateAcquit"), again.champs.get("dateAcquit"))


@serveur(
    "S0708",
    "DST-25",
    titre="L'acquit d'autres octets est refusé, et n'acquitte rien",
    conduite="Comparer l'empreinte donnée à celle du fichier.",
    exige=_RETRAIT,
    apres=("S0706",),
)
def other_bytes(c: Cible) -> Iterator[Constat]:
    before = last(c)
    creee = c.create()
    entry = distributed(c, creee, before)
    lu = acknowledge(c, (text(entry, "sequence"), "0" * 64))
    yield equal("statut", ["REFUSE"], [statut for statut, _ in results(lu)] or lu.resume)
    left = [text(each, "numUnique") for each in entries(list_after(c, before))]
    yield check("ce qui reste à acquitter", creee.numero in left, left, creee.numero)


@serveur(
    "S0709",
    "DST-25",
    titre="L'acquit d'un numéro jamais donné est refusé (DIS203)",
    conduite="Refuser ce numéro seul, et juger les autres.",
    exige=_RETRAIT,
    apres=("S0706",),
)
def unknown_sequence(c: Cible) -> Iterator[Constat]:
    before = last(c)
    entry = distributed(c, c.create(), before)
    good = (text(entry, "sequence"), text(entry, "empreinte"))
    lu = acknowledge(c, ("999999999", "0" * 64), good)
    yield equal("résultats", [("REFUSE", "DIS203"), ("ACQUITTEE", "")], results(lu) or lu.resume)


@serveur(
    "S0710",
    "DST-30",
    titre="Ce qui est acquitté se relit, sans redevenir en attente",
    conduite="Rendre les distributions acquittées à l'état TOUTES ou ACQUITTEE, mêmes octets.",
    exige=_RETRAIT,
    apres=("S0706",),
)
def read_again(c: Cible) -> Iterator[Constat]:
    before = last(c)
    creee = c.create()
    entry = distributed(c, creee, before)
    acknowledge(c, (text(entry, "sequence"), text(entry, "empreinte")))
    again = [
        each
        for each in entries(list_after(c, before, etat="ACQUITTEE"))
        if text(each, "numUnique") == creee.numero
    ]
    yield equal("distributions acquittées relues", 1, len(again))
    yield equal("fichier relu", text(entry, "fichierDemande"), text(again[0], "fichierDemande"))
    yield equal("etat", "ACQUITTEE", text(again[0], "etat"))


@serveur(
    "S0711",
    "DST-31",
    titre="situerDistributions dit le canal, le dernier numéro et ce qui attend",
    conduite="Compter ce qui attend et ce qui est en échec, et nommer la plus ancienne.",
    exige=_RETRAIT,
    apres=("S0706",),
)
def where_it_is(c: Cible) -> Iterator[Constat]:
    before = situation(c)
    creee = c.create()
    entry = distributed(c, creee, int(before.champs["derniereSequence"]))
    after = situation(c)
    yield equal("canal", "retrait", after.champs.get("canal", ""))
    end = int(after.champs.get("derniereSequence", "0"))
    yield check(
        "derniereSequence", end >= int(text(entry, "sequence")), end, f"{text(entry, 'sequence')} au moins"
    )
    waiting = int(after.champs.get("enAttente", "0")) - int(before.champs.get("enAttente", "0"))
    yield check("distributions de plus en attente", waiting >= 1, waiting, "une au moins")
    yield check("premiereEnAttente", "premiereEnAttente" in after.champs, "absente", "un numéro")


@serveur(
    "S0712",
    "DST-27",
    titre="nombreMax hors de 1 à 100 est refusé (DIS201), un état inconnu aussi (DIS202)",
    conduite="Refuser par une faute.",
    exige=_RETRAIT,
)
def bounds(c: Cible) -> Iterator[Constat]:
    for nombre in (0, 101):
        yield equal(f"nombreMax {nombre}", "DIS201", list_after(c, 0, nombre).code)
    yield equal("état inconnu", "DIS202", list_after(c, 0, 10, "PERDUE").code)


@serveur(
    "S0713",
    "DST-27",
    titre="Une page est bornée par nombreMax ; suite et derniereSequence mènent au reste",
    conduite="Rendre les distributions dans l'ordre, suite OUI quand d'autres suivent.",
    exige=_RETRAIT,
    apres=("S0701",),
)
def pages(c: Cible) -> Iterator[Constat]:
    before = last(c)
    numbers = [c.create().numero for _ in range(3)]
    first = list_after(c, before, 2)
    yield equal("première page", 2, len(entries(first)))
    yield equal("suite", "OUI", first.champs.get("suite", ""))
    found = [text(each, "numUnique") for each in entries(first)]
    page = first
    while page.champs.get("suite") == "OUI":
        page = list_after(c, int(page.champs["derniereSequence"]), 2)
        found += [text(each, "numUnique") for each in entries(page)]
    kept = [each for each in found if each in numbers]
    yield equal("les trois demandes, dans l'ordre", ", ".join(numbers), ", ".join(kept))


@serveur(
    "S0714",
    "DST-27",
    titre="Un guichet ne voit que ses distributions",
    conduite="Ne rendre que celles du guichet du certificat.",
    exige=(*_RETRAIT, Capacite.EXTERIEUR),
    apres=("S0701",),
)
def only_its_own(c: Cible) -> Iterator[Constat]:
    before = last(c, "exterieur")
    creee = c.create()
    found = [text(each, "numUnique") for each in entries(list_after(c, before, role="exterieur"))]
    yield check("distributions d'un autre guichet", creee.numero not in found, found, f"sans {creee.numero}")


@serveur(
    "S0715",
    "DST-1",
    "VIE-51",
    titre="Qui a reçu une demande reçoit ses changements, et sa suppression de type SUP",
    conduite="Suivre les détenteurs quels que soient leurs filtres ; dire la suppression par typeFichier SUP.",
    exige=_RETRAIT,
    apres=("S0701", "S0502", "S0522"),
)
def changes_follow(c: Cible) -> Iterator[Constat]:
    before = last(c)
    creee = c.create()
    changed = c.send(message.demande(c.nom, c.follow(creee, "MOD")))
    c.accepted(changed, "la modification")
    c.accepted(c.send(message.demande(c.nom, follow(changed.octets, "SUP", c.stamp()))), "la suppression")
    found = [
        text(each, "typeFichier")
        for each in entries(list_after(c, before))
        if text(each, "numUnique") == creee.numero
    ]
    yield equal("types distribués", "SUP", found[-1] if found else "")
    yield check("création et modification", found.count("DIS") >= 2, found, "DIS, DIS, SUP")


@serveur(
    "S0716",
    "DST-23",
    titre="La réponse a la forme de la requête : MTOM à un message en MTOM",
    conduite="Rendre les fichiers en parties à qui demande en MTOM.",
    exige=_RETRAIT,
    apres=("S0701",),
)
def form(c: Cible) -> Iterator[Constat]:
    before = last(c)
    creee = c.create()
    msg = message.distributions("listerDistributions", ("apresSequence", str(before)), ("nombreMax", "100"))
    headers, body = message.parts(msg)
    lu = read(c.poste("lecteur").post(msg.chemin, body, headers))
    yield equal("réponse en MTOM", True, lu.mtom)
    files = [content(each) for each in entries(lu) if text(each, "numUnique") == creee.numero]
    yield check(
        "fichier de sa partie", bool(files) and b"interfaceNuu" in files[0], len(files), "le document"
    )


@serveur(
    "S0717",
    "DST-32",
    titre="Rejouer ce qui n'est pas en échec ne renvoie rien",
    conduite="Ne compter que les distributions en échec ; refuser un numéro inconnu (DIS203).",
    exige=_RETRAIT,
    apres=("S0701",),
)
def replay(c: Cible) -> Iterator[Constat]:
    c.create()
    lu = c.send(message.distributions("rejouerDistributions"), "lecteur")
    yield one_of("nombre", ("0",), lu.champs.get("nombre", lu.resume))
    unknown = c.send(message.distributions("rejouerDistributions", ("sequence", "999999999")), "lecteur")
    yield equal("numéro inconnu", "DIS203", unknown.code)


# --- the service of reception of a partner ----------------------------------------------------------------

_RECEPTION = (Capacite.RECEPTION,)


def _deliver(p: Pupitre, contenu: bytes, sequence: int, ident: str = "", qui: str = "hub") -> Lu:
    msg = _delivery(p, contenu, sequence, ident)
    headers, body = message.inline(msg)
    return read(p.poste(qui).post(p.chemin, body, headers))


def _delivery(p: Pupitre, contenu: bytes, sequence: int, ident: str = "") -> Message:
    fields = (
        ("idDistribution", ident or p.ident()),
        ("sequence", str(sequence)),
        ("nomFichierDemande", f"DIS{p.code}-202603161030-{sequence:06d}.xml"),
        ("fichierDemande", contenu),
    )
    return Message(contract.RECEPTION_DISTRIBUTION, "recevoirDistribution", fields)


def _taken(quoi: str, lu: Lu, contenu: bytes, *statuts: str) -> Iterator[Constat]:
    """The answer of a partner that has kept the file."""
    yield one_of(f"{quoi} : statut", statuts or ("RECU",), lu.champs.get("statut", lu.resume))
    yield equal(f"{quoi} : empreinte", hashlib.sha256(contenu).hexdigest(), lu.champs.get("empreinte", ""))


def _not_taken(quoi: str, lu: Lu) -> Constat:
    return check(quoi, "statut" not in lu.champs, lu.champs.get("statut", lu.resume), "pas d'accusé")


@client(
    "C0701",
    "DST-12",
    titre="Une distribution valide est accusée : son identifiant, RECU, l'empreinte du fichier",
    conduite="Garder le fichier, puis répondre idDistribution, RECU et le SHA-256 des octets reçus.",
    exige=_RECEPTION,
)
def takes(p: Pupitre) -> Iterator[Constat]:
    contenu, ident = p.document("DIS"), p.ident()
    lu = _deliver(p, contenu, 1, ident)
    yield equal("statut HTTP", 200, lu.http.statut or lu.resume)
    yield equal("idDistribution", ident, lu.champs.get("idDistribution", lu.resume))
    yield from _taken("accusé", lu, contenu)


@client(
    "C0702",
    "DST-12",
    titre="L'accusé suit le WSDL",
    conduite="Valider la réponse selon le schéma du WSDL de ReceptionDistributionService.",
    exige=_RECEPTION,
    apres=("C0701",),
)
def answers_by_the_contract(p: Pupitre) -> Iterator[Constat]:
    lu = _deliver(p, p.document("DIS"), 1)
    schema = contract.message_schema(contract.RECEPTION_DISTRIBUTION)
    valid = lu.element is not None and schema.validate(etree.ElementTree(lu.element))
    found = "conforme" if valid else lu.resume if lu.element is None else str(schema.error_log.last_error)
    yield check("réponse", valid, found, "conforme au schéma du WSDL")


@client(
    "C0703",
    "DST-13",
    titre="La même distribution reçue deux fois est accusée DEJA_RECU, avec la même empreinte",
    conduite="Reconnaître idDistribution, ne pas traiter deux fois, accuser quand même.",
    exige=_RECEPTION,
    apres=("C0701",),
)
def knows_it_again(p: Pupitre) -> Iterator[Constat]:
    contenu, ident = p.document("DIS"), p.ident()
    yield from _taken("première fois", _deliver(p, contenu, 1, ident), contenu)
    for _ in range(2):
        yield from _taken("répétition", _deliver(p, contenu, 1, ident), contenu, "DEJA_RECU")


@client(
    "C0704",
    "DST-11",
    titre="Un numéro d'ordre en avance, puis celui qui manquait, sont tous deux accusés",
    conduite="Un trou signifie qu'un envoi reste à venir : ne pas refuser ce qui le suit.",
    exige=_RECEPTION,
    apres=("C0701",),
)
def out_of_order(p: Pupitre) -> Iterator[Constat]:
    late, early = p.document("DIS"), p.document("DIS")
    yield from _taken("numéro 5002", _deliver(p, early, 5002), early)
    yield from _taken("numéro 5001", _deliver(p, late, 5001), late)


@client(
    "C0705",
    "DST-15",
    titre="Sans certificat client, rien n'est accusé",
    conduite="Exiger le certificat de l'échangeur.",
    exige=_RECEPTION,
    apres=("C0701",),
)
def wants_a_certificate(p: Pupitre) -> Iterator[Constat]:
    yield _not_taken("sans certificat", _deliver(p, p.document("DIS"), 1, qui=""))


@client(
    "C0706",
    "DST-15",
    titre="Un certificat d'une autorité inconnue n'obtient pas d'accusé",
    conduite="N'admettre que l'autorité, ou l'empreinte, de l'échangeur.",
    exige=_RECEPTION,
    apres=("C0701",),
)
def wants_a_known_certificate(p: Pupitre) -> Iterator[Constat]:
    yield _not_taken("certificat inconnu", _deliver(p, p.document("DIS"), 1, qui="inconnu"))


@client(
    "C0707",
    "DST-12",
    titre="Un document contraire à son schéma n'est pas accusé : une faute le refuse",
    conduite="Valider ce qui est reçu ; répondre par une faute Sender, que l'échangeur montre à l'exploitant.",
    exige=_RECEPTION,
    apres=("C0701",),
)
def refuses_invalid(p: Pupitre) -> Iterator[Constat]:
    lu = _deliver(p, put(p.document("DIS"), "dateCreationDemande", "hier"), 1)
    yield check("faute", lu.faute is not None, lu.champs.get("statut", lu.resume), "une faute SOAP")
    yield equal("code SOAP", "Sender", lu.faute.code if lu.faute else "")


@client(
    "C0708",
    "DST-12",
    titre="L'empreinte est celle des octets reçus, fins de ligne et accents compris",
    conduite="Calculer le SHA-256 sur le fichier tel qu'il est reçu, avant toute lecture.",
    exige=_RECEPTION,
    apres=("C0701",),
)
def digests_the_bytes(p: Pupitre) -> Iterator[Constat]:
    for style in STYLES:
        contenu = p.document("DIS", style=style) + b"\r\n"
        yield from _taken(f"style {style.prefixe or 'sans préfixe'}", _deliver(p, contenu, 1), contenu)


@client(
    "C0709",
    "DST-12",
    "SOA-10",
    titre="Ce qui n'est pas une enveloppe SOAP 1.2 reçoit une faute, pas une page nue",
    conduite="Répondre par une faute SOAP 1.2 à tout message illisible.",
    exige=_RECEPTION,
    apres=("C0701",),
)
def refuses_nonsense(p: Pupitre) -> Iterator[Constat]:
    headers, _ = message.inline(_delivery(p, b"<x/>", 1))
    for quoi, body in (("texte", b"bonjour"), ("rien", b""), ("autre XML", b"<x/>")):
        lu = read(p.poste().post(p.chemin, body, headers))
        yield check(quoi, lu.faute is not None, lu.champs.get("statut", lu.resume), "une faute SOAP")


@client(
    "C0710",
    "VIE-51",
    titre="Une suppression, de type SUP, est accusée",
    conduite="Admettre SUP : la demande n'est plus à suivre.",
    exige=_RECEPTION,
    apres=("C0701",),
)
def takes_a_suppression(p: Pupitre) -> Iterator[Constat]:
    contenu = p.document("SUP")
    yield from _taken("SUP", _deliver(p, contenu, 1), contenu)


@client(
    "C0711",
    "DST-111",
    titre="Un avis de sortie est accusé, bien qu'il ne porte que le numéro",
    conduite="Lire typeFichier SUP sans attendre le reste de la demande.",
    exige=_RECEPTION,
    apres=("C0701",),
)
def takes_an_exit(p: Pupitre) -> Iterator[Constat]:
    contenu = p.exit_notice()
    problem = violations_of(contenu, *_DEMANDES)
    if problem:
        raise Empeche(f"l'avis du kit n'est pas valide : {problem}")
    yield from _taken("avis de sortie", _deliver(p, contenu, 1), contenu)


@client(
    "C0712",
    "DST-10",
    titre="Les versions 02.00 et 02.01 sont accusées",
    conduite="Lire les deux versions du document.",
    exige=_RECEPTION,
    apres=("C0701",),
)
def takes_both_versions(p: Pupitre) -> Iterator[Constat]:
    for kind in _DEMANDES:
        contenu = p.document("DIS", kind=kind)
        yield from _taken(str(kind), _deliver(p, contenu, 1), contenu)


@client(
    "C0713",
    "DST-12",
    titre="Un document d'une version inconnue n'est pas accusé",
    conduite="Refuser par une faute une version que le logiciel ne connaît pas ; ne pas la perdre en l'accusant.",
    exige=_RECEPTION,
    apres=("C0701",),
)
def refuses_unknown_version(p: Pupitre) -> Iterator[Constat]:
    contenu = re.sub(rb'versionInterface="[^"]+"', b'versionInterface="99.99"', p.document("DIS"))
    yield _not_taken("version 99.99", _deliver(p, contenu, 1))


@client(
    "C0714",
    "DST-53",
    "DST-13",
    titre="Huit distributions envoyées en même temps sont toutes accusées",
    conduite="Recevoir en parallèle, chacune avec son identifiant et son empreinte.",
    exige=_RECEPTION,
    apres=("C0701",),
)
def takes_in_parallel(p: Pupitre) -> Iterator[Constat]:
    files = [(p.document("DIS"), p.ident()) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda each: _deliver(p, each[0], 1, each[1]), files))
    for (contenu, ident), lu in zip(files, found, strict=True):
        yield equal("idDistribution", ident, lu.champs.get("idDistribution", lu.resume))
        yield from _taken("accusé", lu, contenu)


@client(
    "C0715",
    "DST-13",
    titre="La même distribution envoyée huit fois en même temps n'est RECU qu'une fois",
    conduite="Décider de RECU ou DEJA_RECU dans la transaction qui garde.",
    exige=_RECEPTION,
    apres=("C0703",),
)
def takes_once(p: Pupitre) -> Iterator[Constat]:
    contenu, ident = p.document("DIS"), p.ident()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: _deliver(p, contenu, 1, ident), range(8)))
    told = sorted(each.champs.get("statut", each.resume) for each in found)
    yield equal("statuts", ["DEJA_RECU"] * 7 + ["RECU"], told)


@client(
    "C0716",
    "DST-13",
    titre="Après une réponse perdue, le renvoi est accusé",
    conduite="Garder avant de répondre : le renvoi est alors DEJA_RECU ; sinon RECU.",
    exige=_RECEPTION,
    apres=("C0701",),
)
def answers_after_a_cut(p: Pupitre) -> Iterator[Constat]:
    contenu, ident = p.document("DIS"), p.ident()
    headers, body = message.inline(_delivery(p, contenu, 1, ident))
    fields = {"Host": p.poste().hote, "Content-Length": str(len(body)), **headers}
    head = f"POST {p.chemin} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields.items())
    p.poste().send(head.encode() + b"\r\n" + body, couper=True)
    yield from _taken("renvoi", _deliver(p, contenu, 1, ident), contenu, "RECU", "DEJA_RECU")


@client(
    "C0717",
    "DST-12",
    titre="Un message sans identifiant, ou à la base64 fautive, n'est pas accusé",
    conduite="Valider le message selon le WSDL avant de garder.",
    exige=_RECEPTION,
    apres=("C0701",),
)
def refuses_a_bad_message(p: Pupitre) -> Iterator[Constat]:
    msg = _delivery(p, p.document("DIS"), 1)
    headers, body = message.inline(replace(msg, champs=msg.champs[1:]))
    yield _not_taken("sans idDistribution", read(p.poste().post(p.chemin, body, headers)))
    headers, body = message.inline(msg)
    spoiled = body.replace(b"<fichierDemande>", b"<fichierDemande>*!")
    yield _not_taken("base64 fautive", read(p.poste().post(p.chemin, spoiled, headers)))


@client(
    "C0718",
    "DST-12",
    titre="Un document démesuré n'est pas accusé",
    conduite="Borner ce qui est reçu, et refuser au-delà.",
    exige=_RECEPTION,
    apres=("C0701",),
)
def refuses_the_huge(p: Pupitre) -> Iterator[Constat]:
    contenu = p.document("DIS").replace(b"</", b" " * (2 << 20) + b"</", 1)
    yield _not_taken("document de 2 Mio", _deliver(p, contenu, 1))


@client(
    "C0719",
    "SOA-21",
    "DST-12",
    titre="Un document à DTD n'est pas accusé",
    conduite="Refuser toute DTD, même de l'échangeur.",
    exige=_RECEPTION,
    apres=("C0701",),
)
def refuses_a_dtd(p: Pupitre) -> Iterator[Constat]:
    contenu = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + p.document("DIS")
    yield _not_taken("DTD", _deliver(p, contenu, 1))


@client(
    "C0720",
    "DST-14",
    titre="Après un refus, la distribution suivante est accusée",
    conduite="Un document refusé n'arrête pas ceux qui le suivent.",
    exige=_RECEPTION,
    apres=("C0707",),
)
def goes_on_after_a_refusal(p: Pupitre) -> Iterator[Constat]:
    _deliver(p, b"<x/>", 1)
    contenu = p.document("DIS")
    yield from _taken("suivante", _deliver(p, contenu, 2), contenu)


@client(
    "C0721",
    "DST-12",
    titre="Ce qui a été refusé puis revient corrigé sous le même identifiant est RECU",
    conduite="Ne tenir pour reçu que ce qui a été gardé.",
    exige=_RECEPTION,
    apres=("C0707",),
)
def refused_is_not_known(p: Pupitre) -> Iterator[Constat]:
    contenu, ident = p.document("DIS"), p.ident()
    yield _not_taken("refusée", _deliver(p, put(contenu, "dateCreationDemande", "hier"), 1, ident))
    yield from _taken("corrigée", _deliver(p, contenu, 1, ident), contenu)


@client(
    "C0722",
    "SOA-3",
    titre="Le service publie son WSDL",
    conduite="Servir le contrat par GET avec ?wsdl.",
    niveau=Niveau.DEVRAIT,
    exige=_RECEPTION,
)
def publishes_the_contract(p: Pupitre) -> Iterator[Constat]:
    answer = p.poste().get(f"{p.chemin}?wsdl")
    yield check("WSDL", b"recevoirDistribution" in answer.corps, answer.resume, "le contrat")


@client(
    "C0723",
    "VIE-35",
    "DST-10",
    titre="Une radiation et un renouvellement distribués sont accusés",
    conduite="Lire la demande telle qu'elle est devenue, radiation comprise.",
    exige=_RECEPTION,
    apres=("C0701",),
)
def takes_what_follows(p: Pupitre) -> Iterator[Constat]:
    for kind in ("RAD", "REN", "MOD"):
        contenu = put(p.document(kind), "typeFichier", "DIS")
        yield from _taken(kind, _deliver(p, contenu, 1), contenu)


# --- a partner that comes for its distributions -----------------------------------------------------------

_RETRAIT_CLIENT = (Capacite.RETRAIT,)


def _waiting(p: Pupitre, count: int, page: int = 100) -> GuichetFactice:
    factice = p.factice()
    factice.page = page
    first = p.sequences(count)
    factice.attentes = [Attente(first + rang, p.document("DIS")) for rang in range(count)]
    return factice


@client(
    "C0724",
    "DST-25",
    "DST-27",
    titre="Chaque distribution lue est acquittée, avec le SHA-256 de son fichier",
    conduite="Garder le fichier, puis acquitter sa sequence et son empreinte.",
    exige=_RETRAIT_CLIENT,
)
def acknowledges_each(p: Pupitre) -> Iterator[Constat]:
    factice = _waiting(p, 3)
    p.play("relever", factice.answer)
    for each in factice.attentes:
        assert each.contenu is not None
        expected = [hashlib.sha256(each.contenu).hexdigest()]
        yield equal(f"acquits de {each.sequence}", expected, each.acquis)


@client(
    "C0725",
    "DST-27",
    titre="Les pages se suivent par derniereSequence tant que suite vaut OUI",
    conduite="Redonner derniereSequence dans apresSequence.",
    exige=_RETRAIT_CLIENT,
    apres=("C0724",),
)
def follows_the_pages(p: Pupitre) -> Iterator[Constat]:
    factice = _waiting(p, 5, page=2)
    p.play("relever", factice.answer)
    missing = [each.sequence for each in factice.attentes if not each.acquis]
    yield equal("distributions sans acquit", [], missing)


@client(
    "C0726",
    "DST-25",
    titre="L'empreinte acquittée est celle des octets gardés, pas celle qui est annoncée",
    conduite="Calculer le SHA-256 de ce qui est gardé.",
    exige=_RETRAIT_CLIENT,
    apres=("C0724",),
)
def digests_what_it_keeps(p: Pupitre) -> Iterator[Constat]:
    factice = _waiting(p, 1)
    factice.attentes[0].annonce = "0" * 64
    p.play("relever", factice.answer)
    yield check(
        "empreinte acquittée",
        "0" * 64 not in factice.attentes[0].acquis,
        "celle annoncée",
        "celle du fichier",
    )


@client(
    "C0727",
    "DST-26",
    "DST-28",
    titre="Une distribution retirée, sans fichier, n'est pas acquittée et n'arrête pas les suivantes",
    conduite="Passer ce qui n'a pas de fichier.",
    exige=_RETRAIT_CLIENT,
    apres=("C0724",),
)
def passes_the_withdrawn(p: Pupitre) -> Iterator[Constat]:
    factice = _waiting(p, 3)
    factice.attentes[1].contenu = None
    p.play("relever", factice.answer)
    yield equal("acquits de la retirée", [], factice.attentes[1].acquis)
    yield equal("acquits de la suivante", 1, len(factice.attentes[2].acquis))


@client(
    "C0728",
    "DST-27",
    titre="Après une lecture coupée, rien n'est perdu : le passage suivant relit et acquitte",
    conduite="Recommencer depuis le début : ce qui n'est pas acquitté revient.",
    exige=_RETRAIT_CLIENT,
    apres=("C0724",),
)
def survives_a_cut_list(p: Pupitre) -> Iterator[Constat]:
    factice = _waiting(p, 2)
    p.play("relever", lambda _: Reaction(couper=True))
    yield equal("acquits pendant la coupure", [], factice.attentes[0].acquis)
    p.play("relever", factice.answer)
    yield equal(
        "distributions sans acquit", [], [each.sequence for each in factice.attentes if not each.acquis]
    )


@client(
    "C0729",
    "DST-25",
    titre="Un acquit dont la réponse est perdue est répété, avec la même empreinte",
    conduite="Acquitter de nouveau ce dont la réponse n'est pas venue : l'acquit répété est sans effet.",
    exige=_RETRAIT_CLIENT,
    apres=("C0724",),
)
def repeats_a_lost_acknowledgement(p: Pupitre) -> Iterator[Constat]:
    factice = _waiting(p, 1)

    def lose(appel: Appel) -> Reaction:
        answered = factice.answer(appel)
        return Reaction(couper=True) if factice.attentes[0].acquis else answered

    p.play("relever", lose)
    p.play("relever", factice.answer)
    found = factice.attentes[0].acquis
    yield check("acquits", len(found) >= 2 and len(set(found)) == 1, found, "deux fois la même empreinte")


@client(
    "C0730",
    "DST-28",
    titre="Un acquit refusé parce que retiré (DIS206) n'est pas répété sans fin",
    conduite="Tenir pour finie une distribution dont l'acquit est refusé par DIS206.",
    exige=_RETRAIT_CLIENT,
    apres=("C0724",),
)
def lets_the_withdrawn_go(p: Pupitre) -> Iterator[Constat]:
    factice = _waiting(p, 1)
    factice.attentes[0].refus = "DIS206"
    p.play("relever", factice.answer)
    p.play("relever", factice.answer)
    yield equal("acquits", 1, len(factice.attentes[0].acquis))


@client(
    "C0731",
    "DST-27",
    titre="nombreMax va de 1 à 100, ou manque",
    conduite="Demander 100 distributions au plus.",
    exige=_RETRAIT_CLIENT,
    apres=("C0724",),
)
def asks_for_a_page(p: Pupitre) -> Iterator[Constat]:
    jeu = p.play("relever", _waiting(p, 1).answer)
    for appel in jeu.appels:
        asked = read_call(appel).champs.get("nombreMax", "100") or "100"
        yield check("nombreMax", 1 <= int(asked) <= 100, asked, "de 1 à 100")


@client(
    "C0732",
    "DST-33",
    titre="Une saturation n'est suivie d'aucun acquit",
    conduite="Revenir plus tard : rien n'a été lu.",
    exige=_RETRAIT_CLIENT,
    apres=("C0724",),
)
def nothing_when_saturated(p: Pupitre) -> Iterator[Constat]:
    jeu = p.play("relever", lambda _: fault("Receiver", "L'échangeur est momentanément saturé.", "SOA091"))
    acquits = sum(operation_of(read_call(each)) == "acquitterDistributions" for each in jeu.appels)
    yield equal("acquits de ce passage", 0, acquits)
    yield check("appels", len(jeu.appels) <= 3, len(jeu.appels), "trois au plus")


@client(
    "C0733",
    "DST-27",
    titre="Sans rien en attente, un passage ne fait que lire",
    conduite="Ne rien acquitter quand la liste est vide.",
    exige=_RETRAIT_CLIENT,
)
def nothing_waits(p: Pupitre) -> Iterator[Constat]:
    jeu = p.play("relever", p.factice().answer)
    done = [operation_of(read_call(each)) for each in jeu.appels]
    yield check("opérations", set(done) == {"listerDistributions"}, done, "listerDistributions")
