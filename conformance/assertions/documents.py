"""Family 04: a demande registered, read, refused; its number; doublons; the attestation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

from certs.cms import RefusCms
from certs.enveloppe import decrypt
from certs.paire import load_paire
from conformance import message
from conformance.assertion import Absente, Capacite, Constat, Empeche, check, client, equal, serveur
from conformance.cible import Cible
from conformance.donnees import insert, put, put_code
from conformance.ecoute import Reaction
from conformance.guichet_factice import read_call
from conformance.pupitre import Pupitre
from conformance.reponse import Lu, read, violations_of
from schemas.documents import DocumentKind
from schemas.ecriture import Style
from schemas.generation_autres import generate_document

_CORPS = "demande/demandeLogement"
_INCONNU = "000000000000000000"
_DEMANDES = (DocumentKind.DEMANDE_0200, DocumentKind.DEMANDE_0201)


def _register(c: Cible, document: bytes, **champs: message.Champ) -> Lu:
    return c.send(message.demande(c.nom, document, **champs))


def _anomaly(quoi: str, code: str, lu: Lu) -> Constat:
    return check(quoi, code in lu.anomalies, lu.resume, code)


@serveur(
    "S0401",
    "ENR-1",
    titre="Une demande valide est enregistrée : numéro unique, typeFichier RET, sans anomalie",
    conduite="Répondre par le document reçu, typeFichier RET, avec numUnique.",
)
def accepted(c: Cible) -> Iterator[Constat]:
    lu = _register(c, c.document())
    yield equal("anomalies", (), lu.anomalies)
    yield check("numUnique", len(lu.numero) == 18, lu.numero or lu.resume, "18 caractères")
    yield equal("typeFichier", "RET", lu.text("entete/typeFichier"))


@serveur(
    "S0402",
    "ENR-1",
    titre="Le document rendu est valide selon son schéma",
    conduite="Valider ce qui est émis, comme ce qui est reçu.",
    apres=("S0401",),
)
def valid_answer(c: Cible) -> Iterator[Constat]:
    problem = violations_of(c.create().lu.octets, *_DEMANDES)
    yield check("document rendu", not problem, problem or "valide", "valide")


@serveur(
    "S0403",
    "ENR-1",
    titre="Le document rendu est celui qui a été reçu",
    conduite="Ne rien perdre, ajouter ni normaliser : noms, dates, communes, types, ressources.",
    apres=("S0401",),
)
def same_content(c: Cible) -> Iterator[Constat]:
    creee = c.create(complet=False)
    envoye, rendu = _leaves(creee.envoye), _leaves(creee.lu.octets)
    lost = [
        each
        for each in envoye
        if each not in rendu and each[0] not in ("typeFichier", "dateFichier", "incrementFichier")
    ]
    yield check("valeurs perdues ou changées", not lost, lost, "aucune")


def _leaves(document: bytes) -> list[tuple[str, str]]:
    from lxml import etree

    root = etree.fromstring(document)
    return [
        (etree.QName(each).localname, each.get("code") or (each.text or "").strip())
        for each in root.iter()
        if not len(each)
    ]


@serveur(
    "S0404",
    "ENR-1",
    titre="Les versions 02.00 et 02.01 sont admises",
    conduite="Accepter les deux versions du document de demande.",
)
def both_versions(c: Cible) -> Iterator[Constat]:
    for kind in _DEMANDES:
        lu = _register(c, c.document(kind=kind))
        yield check(f"création en {kind}", bool(lu.numero), lu.resume, "un numéro unique")


@serveur(
    "S0405",
    "ENR-2",
    titre="Une demande refusée revient avec toutes ses anomalies à la fois",
    conduite="Ne pas s'arrêter à la première anomalie.",
)
def all_anomalies(c: Cible) -> Iterator[Constat]:
    tomorrow = (c.donnees.le + timedelta(days=1)).isoformat()
    document = put(put_code(c.document(), "civilite", "ZZ"), "dateCreationDemande", tomorrow)
    lu = _register(c, document)
    for code in ("COD101", "DEM103"):
        yield _anomaly("anomalies", code, lu)
    yield equal("numUnique", "", lu.numero)


@serveur(
    "S0406",
    "ENR-2",
    titre="Une demande refusée n'est pas enregistrée",
    conduite="Ne rien garder d'une demande refusée qui puisse compter comme un doublon.",
)
def refused_is_not_kept(c: Cible) -> Iterator[Constat]:
    document = c.document()
    refused = _register(c, put_code(document, "civilite", "ZZ"))
    yield _anomaly("premier envoi", "COD101", refused)
    lu = _register(c, document)
    yield check("le même, corrigé", bool(lu.numero), lu.resume, "un numéro unique, sans doublon")


@serveur(
    "S0407",
    "ENR-2",
    titre="Le document refusé revient tel qu'il a été reçu",
    conduite="Rendre le document reçu, avec listeAnomalie, valide selon son schéma.",
)
def refused_as_received(c: Cible) -> Iterator[Constat]:
    document = put_code(c.document(), "civilite", "ZZ")
    lu = _register(c, document)
    yield _anomaly("anomalies", "COD101", lu)
    problem = violations_of(lu.octets, *_DEMANDES)
    yield check("document rendu", not problem, problem or "valide", "valide")
    lost = [
        each
        for each in _leaves(document)
        if each not in _leaves(lu.octets) and each[0] not in ("typeFichier", "dateFichier")
    ]
    yield check("valeurs perdues ou changées", not lost, lost, "aucune")


@serveur(
    "S0408",
    "ENR-3",
    titre="Le même fichier renvoyé reçoit la première réponse, octet pour octet",
    conduite="Reconnaître un rejeu au guichet et au SHA-256 du fichier ; rendre la réponse gardée.",
    apres=("S0401",),
)
def replay(c: Cible) -> Iterator[Constat]:
    document = c.document()
    first, again = _register(c, document), _register(c, document)
    yield equal("numUnique du second envoi", first.numero, again.numero or again.resume)
    yield check("fichier rendu", first.octets == again.octets, "autres octets", "les mêmes octets")


@serveur(
    "S0409",
    "ENR-3",
    titre="Un fichier refusé puis renvoyé est évalué de nouveau",
    conduite="Ne tenir pour un rejeu que ce qui a été accepté.",
    apres=("S0401", "S0421"),
)
def refused_then_accepted(c: Cible) -> Iterator[Constat]:
    creee = c.create()
    # The same person, another file: refused as long as the first demande is active.
    document = (
        insert(
            put(creee.envoye, "dateFichier", c.stamp()), "dateCreationDemande", "<refInterne>KIT</refInterne>"
        )
        if b"refInterne" not in creee.envoye
        else put(put(creee.envoye, "dateFichier", c.stamp()), "refInterne", "KIT")
    )
    yield _anomaly("même personne", "DBL101", _register(c, document))
    c.accepted(_register(c, c.radiate(creee, "RADABA")), "la radiation")
    lu = _register(c, document)
    yield check("le même fichier, ensuite", bool(lu.numero), lu.resume, "un numéro unique")


@serveur(
    "S0410",
    "ENR-4",
    titre="Le document doit porter le guichet du certificat (GUI101)",
    conduite="Comparer numGuichet au guichet que le certificat désigne.",
)
def other_guichet(c: Cible) -> Iterator[Constat]:
    yield _anomaly("anomalies", "GUI101", _register(c, put(c.document(), "numGuichet", "G9999")))


@serveur(
    "S0411",
    "ENR-5",
    titre="Une commune souhaitée hors des territoires du guichet est refusée (GUI102)",
    conduite="Vérifier chaque commune souhaitée avec le code officiel géographique.",
)
def other_territory(c: Cible) -> Iterator[Constat]:
    elsewhere = "59350" if c.emetteur.territoire != "059" else "13055"
    yield _anomaly("anomalies", "GUI102", _register(c, put_code(c.document(), "commune", elsewhere)))


@serveur(
    "S0412",
    "ENR-6",
    titre="Une date de dépôt à venir est refusée (DEM103)",
    conduite="Comparer au jour de réception, à Paris.",
)
def future_deposit(c: Cible) -> Iterator[Constat]:
    tomorrow = (c.donnees.le + timedelta(days=2)).isoformat()
    yield _anomaly("anomalies", "DEM103", _register(c, put(c.document(), "dateCreationDemande", tomorrow)))


@serveur(
    "S0413",
    "ENR-6",
    titre="Une date de dépôt antérieure à 1990 est refusée (DEM104)",
    conduite="Refuser un dépôt antérieur au 1er janvier 1990.",
)
def old_deposit(c: Cible) -> Iterator[Constat]:
    yield _anomaly(
        "anomalies", "DEM104", _register(c, put(c.document(), "dateCreationDemande", "1989-12-31"))
    )


@serveur(
    "S0414",
    "ENR-6",
    titre="Personne n'est né après le dépôt (DEM105)",
    conduite="Comparer chaque date de naissance à la date de dépôt.",
)
def born_later(c: Cible) -> Iterator[Constat]:
    document = put(c.document(), "dateNaissance", c.day(0))
    yield _anomaly("anomalies", "DEM105", _register(c, document))


@serveur(
    "S0415",
    "ENR-6",
    titre="Un nom sans lettre ni chiffre est refusé (DEM106)",
    conduite="Exiger une lettre ou un chiffre dans chaque nom et prénom.",
)
def no_letter(c: Cible) -> Iterator[Constat]:
    yield _anomaly("anomalies", "DEM106", _register(c, put(c.document(), "prenom", "---")))


@serveur(
    "S0416",
    "ENR-6",
    titre="Un code hors de sa liste est refusé (COD101)",
    conduite="Vérifier chaque code avec sa liste : le schéma ne le fait pas.",
)
def unknown_code(c: Cible) -> Iterator[Constat]:
    for element in ("civilite", "typeLogement", "motifDemande"):
        yield _anomaly(
            f"code ZZ pour {element}", "COD101", _register(c, put_code(c.document(), element, "ZZ"))
        )


@serveur(
    "S0417",
    "ENR-10",
    titre="Le numéro porte le territoire, le mois et l'année du dépôt, un rang et le guichet",
    conduite="Composer : territoire (3), MMAA du dépôt, rang (6 chiffres), guichet (5).",
    apres=("S0401",),
)
def number(c: Cible) -> Iterator[Constat]:
    creee = c.create()
    month = (c.donnees.le - timedelta(days=3)).strftime("%m%y")
    pattern = rf"{c.emetteur.territoire}{month}\d{{6}}{c.emetteur.code}"
    yield check("numUnique", re.fullmatch(pattern, creee.numero) is not None, creee.numero, pattern)


@serveur(
    "S0418",
    "ENR-10",
    titre="Deux demandes n'ont jamais le même numéro, et les rangs croissent",
    conduite="Donner le rang dans la transaction qui enregistre.",
    apres=("S0417",),
)
def distinct_numbers(c: Cible) -> Iterator[Constat]:
    numbers = [c.create().numero for _ in range(3)]
    ranks = [each[7:13] for each in numbers]
    yield check(
        "rangs", len(set(ranks)) == 3 and ranks == sorted(ranks), ", ".join(ranks), "croissants et distincts"
    )


@serveur(
    "S0419",
    "ENR-11",
    titre="Un guichet qui ne numérote pas n'apporte pas de numéro (NUM101)",
    conduite="Refuser numUnique dans une création, sauf d'un système particulier.",
)
def brought_number(c: Cible) -> Iterator[Constat]:
    number = f"{c.emetteur.territoire}0118999999{c.emetteur.code}"
    document = insert(c.document(), "dateCreationDemande", f"<numUnique>{number}</numUnique>")
    if b"refInterne" in document:
        document = re.sub(rb"<(\w+:)?refInterne>.*?</(\w+:)?refInterne>", b"", document)
    yield _anomaly("anomalies", "NUM101", _register(c, document))


@serveur(
    "S0420",
    "ENR-4",
    "DRO-3",
    titre="Le guichet du numéro de fichier ou du nom de certificat ne décide de rien",
    conduite="Ne tirer l'identité que du certificat de la connexion.",
)
def name_of_certificate(c: Cible) -> Iterator[Constat]:
    lu = _register(c, c.document(), nomCertificat="CERG9999-201708311530.pem")
    yield check("création", bool(lu.numero), lu.resume, "un numéro unique")
    yield equal("numGuichet", c.emetteur.code, lu.text(f"{_CORPS}/numGuichet"))


def _twin(c: Cible, document: bytes) -> bytes:
    """Another file about the same person."""
    return put(document, "dateFichier", c.stamp())


@serveur(
    "S0421",
    "ENR-21",
    titre="Un doublon refuse la création (DBL101) et revient dans listeDoublons",
    conduite="Chercher dans le territoire, parmi les demandes actives, le demandeur et le conjoint.",
    apres=("S0401",),
)
def doublon(c: Cible) -> Iterator[Constat]:
    creee = c.create()
    lu = _register(c, _twin(c, creee.envoye))
    yield _anomaly("anomalies", "DBL101", lu)
    yield equal("numUnique", "", lu.numero)
    shown = creee.numero.encode() in lu.octets and b"listeDoublons" in lu.octets
    yield check("listeDoublons", shown, "sans la première demande", f"contient {creee.numero}")


@serveur(
    "S0422",
    "ENR-20",
    titre="Casse, accents, tirets, espaces et inversion du nom et du prénom ne comptent pas",
    conduite="Comparer les noms normalisés, sans ordre entre nom et prénom.",
    apres=("S0421",),
)
def doublon_by_other_writing(c: Cible) -> Iterator[Constat]:
    creee = c.create()
    document = _twin(c, creee.envoye)
    root = creee.lu.document
    assert root is not None
    demandeur = f"{_CORPS}/personnePhysique/demandeur"
    nom, prenom = creee.lu.text(f"{demandeur}/nom"), creee.lu.text(f"{demandeur}/prenom")
    # The first two elements of those names are those of the demandeur.
    swapped = put(put(document, "nom", prenom.lower()), "prenom", nom.replace(" ", "-").lower())
    for quoi, sent in (
        ("inversion et casse", swapped),
        ("tiret", put(document, "nom", nom.replace(" ", "-"))),
    ):
        yield _anomaly(quoi, "DBL101", _register(c, sent))


@serveur(
    "S0423",
    "ENR-22",
    titre="forcerDoublon enregistre malgré le doublon",
    conduite="Enregistrer quand forcerDoublon vaut true, et le garder.",
    apres=("S0421",),
)
def forced(c: Cible) -> Iterator[Constat]:
    creee = c.create(forcer_doublon=False)
    lu = _register(c, put(_twin(c, creee.envoye), "forcerDoublon", "true"))
    yield check("création forcée", bool(lu.numero), lu.resume, "un numéro unique")
    yield check("numéro", lu.numero != creee.numero, lu.numero, f"autre que {creee.numero}")


@serveur(
    "S0424",
    "ENR-23",
    titre="getDoublons rend les doublons dans un document à eux, valide",
    conduite="Rendre listeDoublons, racine listeDoublons, quand il y en a.",
    apres=("S0401",),
)
def list_of_doublons(c: Cible) -> Iterator[Constat]:
    creee = c.create()
    lu = c.send(message.doublons(c.nom, _twin(c, creee.envoye)))
    liste = lu.fichiers.get("listeDoublons", b"")
    yield check("listeDoublons", creee.numero.encode() in liste, lu.resume, f"contient {creee.numero}")
    problem = violations_of(liste, DocumentKind.DOUBLONS)
    yield check("document", not problem, problem or "valide", "valide")


@serveur(
    "S0425",
    "ENR-23",
    titre="Sans doublon, getDoublons répond sans fichier",
    conduite="Ne joindre aucun fichier : le schéma interdit une liste vide.",
)
def no_doublon(c: Cible) -> Iterator[Constat]:
    lu = c.send(message.doublons(c.nom, c.document()))
    yield equal("code", "", lu.code)
    yield equal("fichiers", [], list(lu.fichiers))


@serveur(
    "S0426",
    "ENR-23",
    titre="Chercher les doublons n'enregistre rien",
    conduite="getDoublons ne doit rien écrire de ce qu'il reçoit.",
)
def search_keeps_nothing(c: Cible) -> Iterator[Constat]:
    document = c.document()
    c.accepted(c.send(message.doublons(c.nom, document)), "la recherche")
    lu = c.send(message.doublons(c.nom, _twin(c, document)))
    yield equal("fichiers de la seconde recherche", [], list(lu.fichiers))


@serveur(
    "S0427",
    "ENR-30",
    titre="getDemandeLogement rend la demande entière, typeFichier RET",
    conduite="Rendre le document enregistré sous un nouvel en-tête.",
    apres=("S0401",),
)
def reading(c: Cible) -> Iterator[Constat]:
    creee = c.create()
    lu = c.send(message.lecture(creee.numero))
    yield equal("numUnique", creee.numero, lu.numero or lu.resume)
    yield equal("typeFichier", "RET", lu.text("entete/typeFichier"))
    ignored = ("typeFichier", "dateFichier", "incrementFichier")
    lost = [
        each for each in _leaves(creee.envoye) if each not in _leaves(lu.octets) and each[0] not in ignored
    ]
    yield check("valeurs perdues ou changées", not lost, lost, "aucune")
    problem = violations_of(lu.octets, *_DEMANDES)
    yield check("document rendu", not problem, problem or "valide", "valide")


@serveur(
    "S0428",
    "ENR-32",
    titre="Un numéro inconnu est refusé par une faute (GUI103)",
    conduite="Répondre par la faute GUI103.",
)
def unknown_number(c: Cible) -> Iterator[Constat]:
    lu = c.send(message.lecture(_INCONNU))
    yield equal("code", "GUI103", lu.code)
    yield check("faute", lu.faute is not None, lu.resume, "une faute")


@serveur(
    "S0429",
    "ENR-32",
    titre="Hors du périmètre, le refus est exactement celui d'un numéro inconnu",
    conduite="Ne pas révéler qu'une demande existe : même code, même texte.",
    exige=(Capacite.EXTERIEUR,),
    apres=("S0401", "S0428"),
)
def out_of_reach(c: Cible) -> Iterator[Constat]:
    numero = c.create().numero
    seen = c.send(message.lecture(numero), "exterieur")
    unknown = c.send(message.lecture(numero[:7] + "999999" + numero[13:]), "exterieur")
    yield equal("code", "GUI103", seen.code)
    for quoi, text in (("raison", "raison"), ("conduite", "conduite"), ("à qui d'agir", "tour")):
        left = getattr(unknown.faute, text, "").replace("999999", numero[7:13])
        yield equal(f"{quoi} du refus", left, getattr(seen.faute, text, ""))


@serveur(
    "S0430",
    "ENR-31",
    titre="Un autre bailleur du territoire lit la demande",
    conduite="Un bailleur lit tout son territoire.",
    exige=(Capacite.LECTEUR,),
    apres=("S0401",),
)
def other_reader(c: Cible) -> Iterator[Constat]:
    numero = c.create().numero
    yield equal("numUnique lu", numero, c.send(message.lecture(numero), "lecteur").numero)


@serveur(
    "S0431",
    "SOA-20",
    titre="Avec un certificat dans la requête, le fichier rendu est chiffré pour lui et nommé .p7m",
    conduite="Chiffrer (CMS) le fichier pour ce certificat ; ajouter .p7m à son nom.",
    apres=("S0401",),
)
def encrypted(c: Cible) -> Iterator[Constat]:
    pem, key = c.key_pair()
    lu = _register(c, c.document(), certificat=pem)
    name = lu.champs.get("nomFichierDemande", "")
    yield check("nomFichierDemande", name.endswith(".p7m"), name or lu.resume, "….p7m")
    opened = decrypt(lu.octets, [load_paire(pem, key)])
    found = opened.texte if isinstance(opened, RefusCms) else opened.octets_non_verifies
    yield check(
        "fichier déchiffré",
        b"interfaceNuu" in found if isinstance(found, bytes) else False,
        found,
        "le document",
    )


@serveur(
    "S0432",
    "SOA-20",
    titre="Un certificat de chiffrement inutilisable est refusé avant que rien soit fait (SOA040)",
    conduite="Vérifier le certificat avant de traiter.",
    apres=("S0401",),
)
def unusable_certificate(c: Cible) -> Iterator[Constat]:
    document = c.document()
    yield equal("code", "SOA040", _register(c, document, certificat=b"pas un certificat").code)
    lu = _register(c, _twin(c, document))
    yield check("création qui suit", bool(lu.numero), lu.resume, "un numéro unique : rien n'avait été fait")


@serveur(
    "S0433",
    "SOA-21",
    titre="Un fichier qui n'est pas du XML est refusé par une faute (XML101)",
    conduite="Répondre par une faute : aucun document ne peut porter l'anomalie.",
)
def not_xml(c: Cible) -> Iterator[Constat]:
    for quoi, data in (("texte", b"bonjour"), ("document coupé", c.document()[:-30])):
        yield equal(quoi, "XML101", _register(c, data).code)


@serveur(
    "S0434",
    "SOA-21",
    titre="Un fichier à DTD ou à entité est refusé par une faute (XML102)",
    conduite="Refuser toute DTD avant d'analyser le fichier.",
)
def document_dtd(c: Cible) -> Iterator[Constat]:
    external = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + c.document()
    yield equal("code", "XML102", _register(c, external).code)


@serveur(
    "S0435",
    "SOA-21",
    titre="Un fichier démesuré est refusé par une faute (XML103)",
    conduite="Borner taille, profondeur et nombre d'éléments.",
)
def huge_document(c: Cible) -> Iterator[Constat]:
    data = c.document()
    yield equal("taille", "XML103", _register(c, data.replace(b"</", b" " * (1 << 20) + b"</", 1)).code)
    yield equal("profondeur", "XML103", _register(c, b"<a>" * 200 + b"</a>" * 200).code)


@serveur(
    "S0436",
    "SOA-21",
    titre="Un document d'une autre nature est refusé par une faute (XML104)",
    conduite="Reconnaître le document par sa racine et son contenu.",
)
def other_kind(c: Cible) -> Iterator[Constat]:
    yield equal("code", "XML104", _register(c, b'<listeDoublons xmlns="http://nuu.application.i2/"/>').code)
    yield equal("racine étrangère", "XML104", _register(c, b"<facture/>").code)


@serveur(
    "S0437",
    "SOA-21",
    titre="Un document contraire à son schéma est refusé par une faute (XML105)",
    conduite="Valider selon le schéma 02.01 quelle que soit la version annoncée.",
)
def invalid_document(c: Cible) -> Iterator[Constat]:
    yield equal("date", "XML105", _register(c, put(c.document(), "dateCreationDemande", "hier")).code)
    yield equal("élément", "XML105", _register(c, insert(c.document(), "precision", "<inventee/>")).code)


@serveur(
    "S0438",
    "ATT-1",
    "ATT-5",
    titre="Une création acceptée porte son attestation, un PDF nommé comme la demande",
    conduite="Rendre nomAttestation (ATT au lieu de DEM, .pdf) et attestation.",
    exige=(Capacite.ATTESTATION,),
    apres=("S0401",),
)
def attestation(c: Cible) -> Iterator[Constat]:
    lu = c.create().lu
    pdf = lu.fichiers.get("attestation", b"")
    yield check("attestation", pdf.startswith(b"%PDF-"), pdf[:8], "un PDF")
    expected = "ATT" + lu.champs.get("nomFichierDemande", "")[3:].replace(".xml", ".pdf")
    yield equal("nomAttestation", expected, lu.champs.get("nomAttestation", ""))


@serveur(
    "S0439",
    "ATT-2",
    titre="complet à non refuse l'attestation, en toute casse",
    conduite="Lire complet sans casse ni blancs autour.",
    exige=(Capacite.ATTESTATION,),
    apres=("S0438",),
)
def without_attestation(c: Cible) -> Iterator[Constat]:
    for value in ("non", " NON ", "0", "False"):
        lu = _register(c, c.document(), complet=value)
        yield check(f"création, complet « {value} »", bool(lu.numero), lu.resume, "un numéro unique")
        yield equal("attestation", False, "attestation" in lu.fichiers)


@serveur(
    "S0440",
    "ATT-1",
    titre="Une demande refusée n'a pas d'attestation",
    conduite="N'attester que ce qui est enregistré.",
    exige=(Capacite.ATTESTATION,),
)
def refused_without_attestation(c: Cible) -> Iterator[Constat]:
    lu = _register(c, put_code(c.document(), "civilite", "ZZ"), complet="oui")
    yield _anomaly("anomalies", "COD101", lu)
    yield equal("attestation", False, "attestation" in lu.fichiers)


@serveur(
    "S0441",
    "ATT-10",
    titre="En MTOM, l'attestation est une partie application/pdf codée en base64",
    conduite="Coder en base64 la partie de l'attestation : des partenaires lisent toute la réponse en UTF-8.",
    exige=(Capacite.ATTESTATION,),
    apres=("S0438",),
)
def attestation_part(c: Cible) -> Iterator[Constat]:
    msg = message.demande(c.nom, c.document(), complet="oui")
    headers, body = message.parts(msg)
    lu = read(c.poste().post(msg.chemin, body, headers))
    found = [encoding for kind, encoding in lu.parties if kind == "application/pdf"]
    yield equal("encodage de la partie PDF", ["base64"], found)


@serveur(
    "S0442",
    "ENR-20",
    titre="Une personne d'un autre prénom ou d'une autre naissance n'est pas un doublon",
    conduite="N'opposer un doublon qu'à la même identité : le reste se montre, et ne refuse pas.",
    apres=("S0401",),
)
def not_a_doublon(c: Cible) -> Iterator[Constat]:
    creee = c.create()
    for quoi, element, value in (
        ("prénom", "prenom", "Zéphirine"),
        ("naissance", "dateNaissance", "1951-02-03"),
    ):
        lu = _register(c, put(_twin(c, creee.envoye), element, value))
        yield check(f"autre {quoi}", bool(lu.numero), lu.resume, "un numéro unique")


# --- the client of a partner ------------------------------------------------------------------------------

_APPELS = (Capacite.APPELS,)


def _sent(p: Pupitre, action: str) -> Lu:
    jeu, _ = p.observe(action)
    if not jeu.appels:
        raise Empeche("le client n'a pas appelé")
    return read_call(jeu.appels[0])


@client(
    "C0401",
    "SOA-21",
    titre="Le document envoyé est valide selon son schéma",
    conduite="Valider avant d'envoyer, selon le schéma 02.01.",
    exige=_APPELS,
)
def sends_a_valid_document(p: Pupitre) -> Iterator[Constat]:
    problem = violations_of(_sent(p, "enregistrer").fichiers.get("fichierDemande", b""), *_DEMANDES)
    yield check("document", not problem, problem or "valide", "valide")


@client(
    "C0402",
    "ENR-4",
    titre="Le document porte le guichet du certificat",
    conduite="Écrire dans numGuichet le code du guichet du certificat.",
    exige=_APPELS,
)
def sends_its_own_code(p: Pupitre) -> Iterator[Constat]:
    yield equal("numGuichet", p.code, _sent(p, "enregistrer").text(f"{_CORPS}/numGuichet"))


@client(
    "C0403",
    "ENR-11",
    titre="Une création ne porte pas de numéro",
    conduite="Laisser l'échangeur donner le numéro.",
    exige=_APPELS,
)
def sends_no_number(p: Pupitre) -> Iterator[Constat]:
    lu = _sent(p, "enregistrer")
    yield equal("typeFichier", "CRE", lu.text("entete/typeFichier"))
    yield equal("numUnique", "", lu.numero)


@client(
    "C0404",
    "ENR-1",
    titre="Le document voyage sans perte",
    conduite="Ne rien changer du document entre sa composition et l'envoi : accents, caractères réservés, blancs.",
    exige=_APPELS,
)
def sends_everything(p: Pupitre) -> Iterator[Constat]:
    jeu, document = p.observe("enregistrer")
    if jeu.compte.reussi is None:
        raise Absente("sans commande, le document n'est pas celui du kit")
    sent = _leaves(_sent(p, "enregistrer").fichiers.get("fichierDemande", b"<x/>"))
    lost = [each for each in _leaves(document) if each not in sent]
    yield check("valeurs perdues ou changées", not lost, lost, "aucune")


@client(
    "C0405",
    "ENR-30",
    titre="La lecture demande le numéro voulu, et rend la demande",
    conduite="Écrire le numéro dans numUnique, tel quel.",
    exige=_APPELS,
)
def asks_for_the_number(p: Pupitre) -> Iterator[Constat]:
    jeu, _ = p.observe("lire")
    number = f"{p.profil.guichets['emetteur'].territoire}0326000001{p.code}"
    yield equal("numUnique", number, _sent(p, "lire").champs.get("numUnique", ""))
    told = number in jeu.compte.sortie or jeu.compte.reussi is None
    yield check("demande comprise", told, jeu.compte.sortie, number)


@client(
    "C0406",
    "ENR-3",
    titre="Sans réponse, le client renvoie le même document, octet pour octet",
    conduite="Garder le document envoyé et le renvoyer tel quel : un autre dateFichier en ferait un doublon.",
    exige=_APPELS,
)
def sends_the_same_again(p: Pupitre) -> Iterator[Constat]:
    document = p.document()
    lost = p.play("enregistrer", lambda _: Reaction(couper=True), document=document)
    again = p.play("enregistrer", p.factice().answer, document=document)
    calls = (*lost.appels, *again.appels)
    yield check("envois", len(calls) >= 2, len(calls), "deux au moins")
    files = {read_call(each).fichiers.get("fichierDemande", b"") for each in calls}
    yield equal("documents différents", 1, len(files))


@client(
    "C0407",
    "ENR-2",
    titre="Une demande refusée n'est pas tenue pour enregistrée, et son code est dit",
    conduite="Lire listeAnomalie avant numUnique ; montrer le code et le texte.",
    exige=_APPELS,
)
def understands_a_refusal(p: Pupitre) -> Iterator[Constat]:
    factice = p.factice()
    factice.anomalie = "COD101"
    jeu = p.play("enregistrer", factice.answer, document=p.document())
    yield equal("réussite annoncée", False, jeu.reussi)
    yield check("code compris", "COD101" in jeu.compte.sortie, jeu.compte.sortie, "COD101")


@client(
    "C0408",
    "ENR-2",
    titre="Une demande refusée n'est pas renvoyée telle quelle",
    conduite="Corriger avant de renvoyer : la même demande aurait le même refus.",
    exige=_APPELS,
)
def does_not_insist(p: Pupitre) -> Iterator[Constat]:
    factice = p.factice()
    factice.anomalie = "COD101"
    jeu = p.play("enregistrer", factice.answer, document=p.document())
    yield equal("envois", 1, len(jeu.appels))


@client(
    "C0409",
    "ENR-23",
    titre="Les doublons rendus sont lus",
    conduite="Lire listeDoublons dans son document à lui.",
    exige=_APPELS,
)
def reads_doublons(p: Pupitre) -> Iterator[Constat]:
    factice = p.factice()
    factice.doublon = generate_document(DocumentKind.DOUBLONS, 1, guichet=p.code, style=Style())
    number = re.findall(rb"numUnique>([^<]+)<", factice.doublon)[0].decode()
    jeu = p.play("doublons", factice.answer, document=p.document())
    yield equal("réussite annoncée", True, jeu.reussi)
    yield check("doublon compris", number in jeu.compte.sortie, jeu.compte.sortie, number)
