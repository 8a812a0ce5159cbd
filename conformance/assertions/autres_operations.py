"""Family 12: search, DALO, lists by date, gestion partagée, pièces."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from conformance import message
from conformance.assertion import Capacite, Constat, check, equal, serveur
from conformance.cible import PARIS, Cible
from conformance.donnees import insert, put
from conformance.message import CodeChamp, Message
from conformance.reponse import Lu, valid
from schemas import contract
from schemas.documents import DocumentKind

_NS = 'xmlns="http://nuu.application.i2/" versionInterface="02.00"'


def _document(c: Cible, corps: str, kind: str = "EVT", role: str = "emetteur") -> bytes:
    entete = (
        f"<entete><typeFichier>{kind}</typeFichier><dateFichier>{c.stamp()}</dateFichier>"
        f"<codeGuichet>{c.guichet(role).code}</codeGuichet></entete>"
    )
    return f"<interfaceNuu {_NS}>{entete}{corps}</interfaceNuu>".encode()


def _search(c: Cible, criteres: str, role: str = "emetteur") -> Lu:
    corps = f"<operation><demandeMulticritere>{criteres}</demandeMulticritere></operation>"
    document = _document(c, corps, "RECH", role)
    return c.send(message.fichier(contract.RECHERCHE_DEMANDE, "rechercheDemandeMulticritere", document), role)


def _shared(c: Cible, operation: str, corps: str, role: str = "emetteur") -> Lu:
    document = _document(c, corps, role=role)
    return c.send(message.fichier(contract.GESTION_PARTAGEE, operation, document), role)


_RECHERCHE = (Capacite.RECHERCHE,)
_PARTAGEE = (Capacite.PARTAGEE,)


@serveur(
    "S1201",
    "REC-1",
    "REC-4",
    titre="Une recherche par numéro rend la demande, dans un document valide",
    conduite="Rendre le document envoyé, en-tête RET, avec listeDemandes.",
    exige=_RECHERCHE,
    apres=("S0401",),
)
def search_by_number(c: Cible) -> Iterator[Constat]:
    numero = c.create().numero
    lu = _search(c, f"<numUnique>{numero}</numUnique>")
    yield check("numéros trouvés", numero.encode() in lu.octets and not lu.code, lu.resume, numero)
    yield equal("typeFichier", "RET", lu.text("entete/typeFichier"))
    yield valid("document", lu.octets, frozenset({DocumentKind.RECHERCHE}))


@serveur(
    "S1202",
    "REC-3",
    titre="Une recherche sans critère est refusée (REC203)",
    conduite="Exiger un critère au moins.",
    exige=_RECHERCHE,
)
def no_criterion(c: Cible) -> Iterator[Constat]:
    lu = _search(c, "")
    yield check("anomalies", "REC203" in lu.anomalies, lu.resume, "REC203")


@serveur(
    "S1203",
    "REC-2",
    titre="Une recherche ne trouve que ce que le guichet peut lire",
    conduite="Écarter ce qui est hors du périmètre, sans dire qu'il existe.",
    exige=(*_RECHERCHE, Capacite.EXTERIEUR),
    apres=("S1201",),
)
def search_within_reach(c: Cible) -> Iterator[Constat]:
    numero = c.create().numero
    lu = _search(c, f"<numUnique>{numero}</numUnique>", "exterieur")
    yield equal("anomalies", (), lu.anomalies)
    found = (
        lu.document is not None and lu.document.find("{http://nuu.application.i2/}listeDemandes") is not None
    )
    yield check("listeDemandes", not found, "présente", "absente")


@serveur(
    "S1204",
    "REC-1",
    titre="Le document de recherche porte le guichet du certificat (GUI101)",
    conduite="Comparer entete/codeGuichet au guichet du certificat.",
    exige=_RECHERCHE,
)
def search_for_another(c: Cible) -> Iterator[Constat]:
    corps = "<operation><demandeMulticritere><communeSouhaitee>93066</communeSouhaitee></demandeMulticritere></operation>"
    document = put(_document(c, corps, "RECH"), "codeGuichet", "G9999")
    lu = c.send(message.fichier(contract.RECHERCHE_DEMANDE, "rechercheDemandeMulticritere", document))
    yield check("anomalies", "GUI101" in lu.anomalies, lu.resume, "GUI101")


@serveur(
    "S1205",
    "GPE-1",
    "GPE-4",
    titre="L'action désigne l'opération : les types nationaux et territoriaux ne se confondent pas",
    conduite="Choisir l'opération par l'action : les six ont le même élément.",
    exige=_PARTAGEE,
)
def types(c: Cible) -> Iterator[Constat]:
    national = _shared(c, "listerTypesEvenementsNationaux", "")
    yield check(
        "types nationaux",
        b"codeTypeEvenement" in national.octets and not national.code,
        national.resume,
        "une liste",
    )
    yield valid("document", national.octets, frozenset({DocumentKind.TYPE_EVENEMENT}))
    local = _shared(c, "listerTypesEvenementsTerritoriaux", "")
    yield check("types territoriaux, sans territoire", "GPE201" in local.anomalies, local.resume, "GPE201")


def _event(c: Cible, jour: str = "", kind: str = "DESIGN") -> str:
    return (
        f"<listeEvenements><evenement><codeTypeEvenement>{kind}</codeTypeEvenement>"
        f"<dateSurvenance>{jour or c.day()}</dateSurvenance><listeCaracteristiquesSpecifiques>"
        "<caracteristiqueSpecifique><code>LOGEMENT</code><valeurCaracteristiqueSpecifique>KIT 12"
        "</valeurCaracteristiqueSpecifique></caracteristiqueSpecifique></listeCaracteristiquesSpecifiques>"
        "</evenement></listeEvenements>"
    )


def _about(numero: str) -> str:
    return f"<operation><numUnique>{numero}</numUnique></operation>"


@serveur(
    "S1206",
    "GPE-10",
    "GPE-6",
    titre="Un événement ajouté reçoit son identifiant et se relit",
    conduite="Rendre les événements avec l'identifiant donné, puis les lister.",
    exige=_PARTAGEE,
    apres=("S0401",),
)
def event(c: Cible) -> Iterator[Constat]:
    numero = c.create().numero
    lu = _shared(c, "ajouterEvenementDemande", _about(numero) + _event(c))
    yield equal("anomalies", (), lu.anomalies or (() if not lu.code else lu.resume))
    yield check("idEvenement", b"idEvenement>" in lu.octets, lu.octets[:200], "un identifiant")
    listed = _shared(c, "listerEvenementsDemande", _about(numero))
    yield check("relecture", b"KIT 12" in listed.octets, listed.resume, "l'événement ajouté")


@serveur(
    "S1207",
    "GPE-12",
    titre="Un événement à venir, ou antérieur au dépôt, est refusé (GPE207, GPE208)",
    conduite="Borner le jour de survenance.",
    exige=_PARTAGEE,
    apres=("S0401",),
)
def event_day(c: Cible) -> Iterator[Constat]:
    numero = c.create().numero
    future = (c.donnees.le + timedelta(days=2)).isoformat()
    for quoi, jour, code in (("à venir", future, "GPE207"), ("avant le dépôt", c.day(30), "GPE208")):
        lu = _shared(c, "ajouterEvenementDemande", _about(numero) + _event(c, jour))
        yield check(quoi, code in lu.anomalies, lu.resume, code)


@serveur(
    "S1208",
    "GPE-2",
    titre="Les événements d'une demande hors du périmètre reçoivent le refus d'une inconnue (GUI103)",
    conduite="Ne pas révéler qu'une demande existe.",
    exige=(*_PARTAGEE, Capacite.EXTERIEUR),
    apres=("S0401",),
)
def event_out_of_reach(c: Cible) -> Iterator[Constat]:
    numero = c.create().numero
    for quoi, each in (("hors du périmètre", numero), ("inconnue", "000000000000000000")):
        lu = _shared(c, "listerEvenementsDemande", _about(each), "exterieur")
        yield check(quoi, "GUI103" in lu.anomalies, lu.resume, "GUI103")


@serveur(
    "S1209",
    "GPE-17",
    titre="Le même fichier d'événements renvoyé n'écrit rien de plus",
    conduite="Rendre les événements de la première fois.",
    exige=_PARTAGEE,
    apres=("S1206",),
)
def event_replayed(c: Cible) -> Iterator[Constat]:
    numero = c.create().numero
    document = _document(c, _about(numero) + _event(c))
    msg = message.fichier(contract.GESTION_PARTAGEE, "ajouterEvenementDemande", document)
    c.accepted(c.send(msg), "l'ajout")
    c.accepted(c.send(msg), "le renvoi")
    listed = _shared(c, "listerEvenementsDemande", _about(numero))
    yield equal("événements", 1, listed.octets.count(b"idEvenement>") // 2)


def _dates(operation: str, champ: str, instant: datetime, *more: tuple[str, message.Champ]) -> Message:
    text = instant.astimezone(PARIS).isoformat(timespec="milliseconds")
    return Message(
        contract.DEMANDE_LOGEMENT,
        operation,
        ((champ, text), *more, ("nomCertificat", ""), ("certificat", b"")),
    )


@serveur(
    "S1210",
    "DAL-8",
    "DAL-9",
    titre="Une radiation enregistrée est dans la liste des demandes radiées depuis sa date",
    conduite="Rendre listeDemandes, toujours présent, avec chaque demande entière.",
    apres=("S0513",),
)
def radiated_since(c: Cible) -> Iterator[Constat]:
    since = datetime.now(UTC) - timedelta(minutes=1)
    creee = c.create()
    c.accepted(c.send(message.demande(c.nom, c.radiate(creee, "RADABA"))), "la radiation")
    lu = c.send(_dates("getDemandesRadieesDepuisLe", "dateRadiationDepuisLe", since))
    yield check("demandes radiées", creee.numero.encode() in lu.octets, lu.resume, creee.numero)
    root = lu.document
    yield equal("racine", "{http://nuu.application.i2/}listeDemandes", "" if root is None else str(root.tag))
    other = c.send(
        _dates(
            "getDemandesRadieesDepuisLe",
            "dateRadiationDepuisLe",
            since,
            ("motifRadiation", CodeChamp("RADCON")),
        )
    )
    yield check("restreinte à RADCON", creee.numero.encode() not in other.octets, "présente", "absente")


@serveur(
    "S1211",
    "DAL-12",
    titre="Une date à venir est refusée par une faute (DAL208)",
    conduite="Refuser une date de plus de cinq minutes dans l'avenir.",
)
def future_date(c: Cible) -> Iterator[Constat]:
    later = datetime.now(UTC) + timedelta(hours=1)
    yield equal(
        "code", "DAL208", c.send(_dates("getNouveauxDaloDepuisLe", "dateNouveauDaloDepuisLe", later)).code
    )


@serveur(
    "S1212",
    "DAL-2",
    titre="Un bailleur ne déclare pas de DALO (DAL201)",
    conduite="Réserver la déclaration aux guichets de type état.",
    apres=("S0401",),
)
def not_by_a_bailleur(c: Cible) -> Iterator[Constat]:
    lu = _declare(c, c.create().lu.octets, "emetteur")
    yield check("anomalies", "DAL201" in lu.anomalies, lu.resume, "DAL201")


def _declare(c: Cible, document: bytes, role: str) -> Lu:
    xml = f'<informationDalo><statutDalo code="ACTIF"/><dateDecisionDalo>{c.day(1)}</dateDecisionDalo></informationDalo>'
    sent = put(put(document, "typeFichier", "MOD"), "numGuichet", c.guichet(role).code)
    if b"informationDalo" not in sent:
        sent = insert(sent, "demandeLogement", xml)
    fields = (
        ("nomFichierDalo", "kit.xml"),
        ("fichierDalo", sent),
        ("nomCertificat", ""),
        ("certificat", b""),
    )
    return c.send(Message(contract.DEMANDE_LOGEMENT, "getDeclarationNouveauDalo", fields), role)


@serveur(
    "S1213",
    "DAL-4",
    "DAL-8",
    titre="Une déclaration de l'État s'inscrit dans la demande et dans la liste des nouveaux DALO",
    conduite="Appliquer le seul volet DALO, et lister la demande depuis l'instant de l'enregistrement.",
    exige=(Capacite.ETAT,),
    apres=("S0401",),
)
def declared(c: Cible) -> Iterator[Constat]:
    since = datetime.now(UTC) - timedelta(minutes=1)
    creee = c.create()
    lu = _declare(c, creee.lu.octets, "etat")
    yield equal("anomalies", (), lu.anomalies or (() if not lu.code else lu.resume))
    read = c.send(message.lecture(creee.numero))
    yield check("informationDalo lue", b'statutDalo code="ACTIF"' in read.octets, read.resume, "ACTIF")
    listed = c.send(_dates("getNouveauxDaloDepuisLe", "dateNouveauDaloDepuisLe", since))
    yield check("nouveaux DALO", creee.numero.encode() in listed.octets, listed.resume, creee.numero)


_PIECES = (Capacite.PIECES,)
_PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII="
)


def _deposit(c: Cible, numero: str, contenu: bytes, **champs: message.Champ) -> Lu:
    fields: dict[str, message.Champ] = {
        "numUnique": numero,
        "categorie": CodeChamp("FIS01"),
        "nomFichier": "avis.png",
        "fichierPiece": contenu,
        "utilisateur": "kit",
    }
    if "empreinte" in champs:
        user = fields.pop("utilisateur")
        fields |= {"empreinte": champs["empreinte"], "utilisateur": user}
    return c.send(Message(contract.DOSSIER_UNIQUE, "deposerPiece", tuple(fields.items())))


@serveur(
    "S1214",
    "PIE-22",
    "PIE-21",
    titre="Un programme déposé comme pièce est refusé par une faute",
    conduite="Reconnaître les fichiers à leur contenu ; le nom et le type annoncé ne comptent pas.",
    exige=_PIECES,
    apres=("S0401",),
)
def program(c: Cible) -> Iterator[Constat]:
    lu = _deposit(c, c.create().numero, b"MZ" + bytes(200))
    yield check(
        "dépôt d'un programme",
        lu.faute is not None and lu.code.startswith("PIE"),
        lu.resume,
        "une faute PIE…",
    )


@serveur(
    "S1215",
    "PIE-5",
    titre="Une pièce d'une demande inconnue est refusée comme celle d'une demande hors de portée",
    conduite="Exiger le droit de lire la demande (GUI103).",
    exige=_PIECES,
)
def piece_of_unknown(c: Cible) -> Iterator[Constat]:
    yield equal("code", "GUI103", _deposit(c, "000000000000000000", _PNG).code)


@serveur(
    "S1216",
    "PIE-13",
    titre="L'empreinte annoncée d'une pièce est vérifiée",
    conduite="Refuser un fichier qui n'a pas l'empreinte annoncée.",
    exige=_PIECES,
    apres=("S0401",),
)
def piece_digest(c: Cible) -> Iterator[Constat]:
    lu = _deposit(c, c.create().numero, _PNG, empreinte=hashlib.sha256(b"autre").hexdigest())
    yield check("dépôt", lu.faute is not None, lu.resume, "une faute")
