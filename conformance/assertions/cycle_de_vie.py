"""Family 05: what happens to a demande after its creation: change, renewal, radiation, suppression, copy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

from lxml import etree

from conformance import message
from conformance.assertion import Capacite, Constat, check, equal, serveur
from conformance.cible import Cible
from conformance.donnees import follow, insert, insert_fact, put
from conformance.reponse import NUU, Lu

_CORPS = "demande/demandeLogement"
_INCONNU = "000000000000000000"


def _send(c: Cible, document: bytes, role: str = "emetteur") -> Lu:
    return c.send(message.demande(c.nom, document), role)


def _anomaly(quoi: str, code: str, lu: Lu) -> Constat:
    return check(quoi, code in lu.anomalies or lu.code == code, lu.resume, code)


def _by(c: Cible, role: str, document: bytes) -> bytes:
    """The document as the guichet of that role sends it."""
    return put(document, "numGuichet", c.guichet(role).code)


def _done(quoi: str, lu: Lu) -> Constat:
    return check(quoi, bool(lu.numero) and not lu.code, lu.resume, "accepté, sans anomalie")


def _drop(document: bytes, element: str) -> bytes:
    """Without the first element of that name."""
    pattern = rf"<((?:\w+:)?){element}(?:\s[^>]*)?(?:/>|>.*?</\1{element}>)".encode()
    return re.sub(pattern, b"", document, count=1, flags=re.DOTALL)


def _change(document: bytes, valeur: str = "KIT: changée") -> bytes:
    """Another precision."""
    return re.sub(
        rb"<((?:\w+:)?)precision(?:\s[^>]*)?(?:/>|>[^<]*</(?:\w+:)?precision>)",
        rb"<\1precision>" + valeur.encode() + rb"</\1precision>",
        document,
        count=1,
    )


@serveur(
    "S0501",
    "VIE-1",
    titre="Un fichier MOD, REN, RAD ou SUP sans numéro unique est refusé (VIE201)",
    conduite="Exiger numUnique pour tout fait d'une demande existante.",
)
def no_number(c: Cible) -> Iterator[Constat]:
    document = c.document()
    for kind in ("MOD", "REN", "RAD", "SUP"):
        yield _anomaly(kind, "VIE201", _send(c, put(document, "typeFichier", kind)))


@serveur(
    "S0502",
    "VIE-5",
    "VIE-10",
    titre="Une modification rend la demande telle qu'elle est devenue",
    conduite="Enregistrer le document entier comme nouvelle version, et le rendre.",
    apres=("S0401",),
)
def modification(c: Cible) -> Iterator[Constat]:
    creee = c.create()
    lu = _send(c, _change(c.follow(creee, "MOD")))
    yield _done("modification", lu)
    yield equal("precision rendue", "KIT: changée", lu.text(f"{_CORPS}/precision"))
    yield equal(
        "precision lue ensuite",
        "KIT: changée",
        c.send(message.lecture(creee.numero)).text(f"{_CORPS}/precision"),
    )


@serveur(
    "S0503",
    "VIE-10",
    titre="Une modification ne produit pas d'attestation",
    conduite="N'attester qu'une création et un renouvellement.",
    exige=(Capacite.ATTESTATION,),
    apres=("S0502",),
)
def no_attestation(c: Cible) -> Iterator[Constat]:
    lu = c.send(message.demande(c.nom, _change(c.follow(c.create(), "MOD")), complet="oui"))
    yield _done("modification", lu)
    yield equal("attestation", False, "attestation" in lu.fichiers)


@serveur(
    "S0504",
    "VIE-12",
    titre="La date de dépôt ne change jamais (VIE203)",
    conduite="Refuser une autre dateCreationDemande : l'ancienneté décide de l'attribution.",
    apres=("S0502",),
)
def deposit_is_fixed(c: Cible) -> Iterator[Constat]:
    document = put(c.follow(c.create(), "MOD"), "dateCreationDemande", c.day(30))
    yield _anomaly("autre date de dépôt", "VIE203", _send(c, document))


@serveur(
    "S0505",
    "VIE-13",
    titre="Le document émis porte sa version, V et six chiffres, qui croît",
    conduite="Écrire incrementFichier : V000001, puis V000002.",
    apres=("S0502",),
)
def token(c: Cible) -> Iterator[Constat]:
    creee = c.create()
    yield equal("version après création", "V000001", creee.lu.text(f"{_CORPS}/incrementFichier"))
    lu = c.accepted(_send(c, _change(c.follow(creee, "MOD"))), "la modification")
    yield equal("version après modification", "V000002", lu.text(f"{_CORPS}/incrementFichier"))


@serveur(
    "S0506",
    "VIE-13",
    titre="Un fichier parti d'une version dépassée est refusé (VIE204)",
    conduite="Comparer le jeton rapporté à la version enregistrée, quel que soit l'auteur.",
    apres=("S0505",),
)
def stale(c: Cible) -> Iterator[Constat]:
    creee = c.create()
    c.accepted(_send(c, _change(c.follow(creee, "MOD"))), "la première modification")
    lu = _send(c, _change(c.follow(creee, "MOD"), "KIT: en retard"))
    yield _anomaly("jeton V000001", "VIE204", lu)
    kept = c.send(message.lecture(creee.numero)).text(f"{_CORPS}/precision")
    yield equal("precision enregistrée", "KIT: changée", kept)


@serveur(
    "S0507",
    "VIE-14",
    titre="Sans jeton, un fichier antérieur au changement d'un autre guichet est refusé (VIE204)",
    conduite="Comparer dateFichier au dernier changement fait par un autre guichet.",
    exige=(Capacite.LECTEUR,),
    apres=("S0502",),
)
def older_than_the_change_of_another(c: Cible) -> Iterator[Constat]:
    creee = c.create()
    before = c.stamp()
    other = _by(
        c, "lecteur", put(_change(c.follow(creee, "MOD"), "KIT: par un autre"), "dateFichier", c.stamp())
    )
    c.accepted(_send(c, other, "lecteur"), "la modification de l'autre guichet")
    mine = _drop(put(_change(c.follow(creee, "MOD")), "dateFichier", before), "incrementFichier")
    yield _anomaly("fichier daté d'avant", "VIE204", _send(c, mine))


@serveur(
    "S0508",
    "VIE-15",
    titre="modifie est porté par ce qui a changé, et par rien d'autre",
    conduite="Comparer à la version précédente ; ne pas croire les marques reçues.",
    apres=("S0502",),
)
def marks(c: Cible) -> Iterator[Constat]:
    creee = c.create()
    yield equal("marques d'une création", [], _marked(creee.lu))
    lu = c.accepted(_send(c, _change(c.follow(creee, "MOD"))), "la modification")
    yield equal("marques de la modification", ["precision"], _marked(lu))


def _marked(lu: Lu) -> list[str]:
    assert lu.document is not None
    return [etree.QName(each).localname for each in lu.document.iter() if each.get(f"{NUU}modifie")]


@serveur(
    "S0509",
    "VIE-16",
    titre="La même modification reçue deux fois ne fait qu'une version",
    conduite="Un rejeu reçoit la première réponse, octet pour octet.",
    apres=("S0502",),
)
def modification_replayed(c: Cible) -> Iterator[Constat]:
    document = _change(c.follow(c.create(), "MOD"))
    first, again = _send(c, document), _send(c, document)
    yield _done("première fois", first)
    yield check("seconde réponse", first.octets == again.octets, again.resume, "les mêmes octets")


@serveur(
    "S0510",
    "VIE-21",
    titre="Un renouvellement porte sa date, du renouvellement précédent à ce jour",
    conduite="Exiger dateRenouvellement (VIE207), comprise entre le dépôt et le jour de réception (VIE208).",
    apres=("S0401",),
)
def renewal_date(c: Cible) -> Iterator[Constat]:
    creee = c.create()
    yield _anomaly("sans date", "VIE207", _send(c, c.follow(creee, "REN")))
    tomorrow = (c.donnees.le + timedelta(days=2)).isoformat()
    yield _anomaly("à venir", "VIE208", _send(c, _renewal(c, creee.lu.octets, tomorrow)))
    yield _anomaly("avant le dépôt", "VIE208", _send(c, _renewal(c, creee.lu.octets, c.day(10))))


def _renewal(c: Cible, document: bytes, day: str) -> bytes:
    renewed = follow(document, "REN", c.stamp())
    xml = f"<renouvellement><dateRenouvellement>{day}</dateRenouvellement></renouvellement>"
    return insert_fact(renewed, xml)


@serveur(
    "S0511",
    "VIE-20",
    "VIE-22",
    titre="Un renouvellement garde le numéro et la date de dépôt",
    conduite="Ne changer ni numUnique ni dateCreationDemande.",
    apres=("S0401",),
)
def renewal(c: Cible) -> Iterator[Constat]:
    creee = c.create()
    lu = _send(c, _renewal(c, creee.lu.octets, c.day(0)))
    yield _done("renouvellement", lu)
    yield equal("numUnique", creee.numero, lu.numero)
    yield equal("date de dépôt", c.day(3), lu.text(f"{_CORPS}/dateCreationDemande"))


@serveur(
    "S0512",
    "VIE-30",
    titre="Un fichier RAD porte radiation (VIE209), datée du dépôt à ce jour (VIE210)",
    conduite="Exiger radiation et borner sa date.",
    apres=("S0401",),
)
def radiation_required(c: Cible) -> Iterator[Constat]:
    creee = c.create()
    yield _anomaly("sans radiation", "VIE209", _send(c, c.follow(creee, "RAD")))
    future = (c.donnees.le + timedelta(days=2)).isoformat()
    yield _anomaly("à venir", "VIE210", _send(c, c.radiate(creee, "RADABA", jour=future)))


@serveur(
    "S0513",
    "VIE-35",
    "VIE-5",
    titre="Une radiation pour abandon est acceptée et se lit",
    conduite="Rendre la demande avec sa radiation.",
    apres=("S0401",),
)
def abandon(c: Cible) -> Iterator[Constat]:
    creee = c.create()
    yield _done("radiation", _send(c, c.radiate(creee, "RADABA")))
    lu = c.send(message.lecture(creee.numero))
    yield equal("date de radiation lue", c.day(0), lu.text(f"{_CORPS}/radiation/dateRadiation") or lu.resume)


@serveur(
    "S0514",
    "VIE-2",
    titre="Une demande radiée ne se modifie ni ne se renouvelle (VIE202)",
    conduite="Refuser tout fait que le tableau du cycle de vie ne permet pas dans cet état.",
    apres=("S0513",),
)
def radiated_is_closed(c: Cible) -> Iterator[Constat]:
    creee = c.create()
    lu = c.accepted(_send(c, c.radiate(creee, "RADABA")), "la radiation")
    yield _anomaly("MOD", "VIE202", _send(c, _change(follow(lu.octets, "MOD", c.stamp()))))
    yield _anomaly("REN", "VIE202", _send(c, _renewal(c, lu.octets, c.day(0))))


@serveur(
    "S0515",
    "VIE-37",
    titre="Une demande radiée n'est plus un doublon",
    conduite="Ne chercher les doublons que parmi les demandes actives.",
    apres=("S0421", "S0513"),
)
def radiated_is_no_doublon(c: Cible) -> Iterator[Constat]:
    creee = c.create()
    c.accepted(_send(c, c.radiate(creee, "RADABA")), "la radiation")
    yield _done(
        "nouvelle création de la même personne", _send(c, put(creee.envoye, "dateFichier", c.stamp()))
    )


@serveur(
    "S0516",
    "VIE-41",
    titre="Une radiation pour abandon ne s'annule pas (VIE218)",
    conduite="N'annuler que RADREN et RADCON.",
    apres=("S0513",),
)
def abandon_is_final(c: Cible) -> Iterator[Constat]:
    creee = c.create()
    lu = c.accepted(_send(c, c.radiate(creee, "RADABA")), "la radiation")
    yield _anomaly("déradiation", "VIE218", _send(c, _deradiate(c, lu)))


def _deradiate(c: Cible, lu: Lu) -> bytes:
    document = follow(lu.octets, "RAD", c.stamp())
    return re.sub(rb"(<(?:\w+:)?motifRadiation)[^/>]*", rb"\1", document, count=1)


@serveur(
    "S0517",
    "VIE-40",
    "VIE-41",
    titre="Une radiation sans réponse s'annule : numéro et ancienneté sont conservés",
    conduite="Un fichier RAD dont motifRadiation n'a pas de code réactive la demande.",
    apres=("S0513",),
)
def cancelled(c: Cible) -> Iterator[Constat]:
    creee = c.create(date_creation=c.donnees.le - timedelta(days=90))
    lu = c.accepted(_send(c, c.radiate(creee, "RADCON", courrier=c.day(40))), "la radiation")
    back = _send(c, _deradiate(c, lu))
    yield _done("déradiation", back)
    yield equal("numUnique", creee.numero, back.numero)
    yield equal("date de dépôt", c.day(90), back.text(f"{_CORPS}/dateCreationDemande"))


@serveur(
    "S0518",
    "VIE-34",
    titre="Sans réponse : le courrier précède la radiation d'un mois (VIE217)",
    conduite="Exiger absenceReponse/dateCourrier, un mois au moins avant la radiation.",
    apres=("S0401",),
)
def letter_too_recent(c: Cible) -> Iterator[Constat]:
    creee = c.create(date_creation=c.donnees.le - timedelta(days=90))
    yield _anomaly(
        "courrier de cinq jours", "VIE217", _send(c, c.radiate(creee, "RADCON", courrier=c.day(5)))
    )


@serveur(
    "S0519",
    "VIE-36",
    titre="Un guichet ne radie pas pour non-renouvellement (VIE211)",
    conduite="Réserver RADREN à l'échangeur et aux systèmes particuliers.",
    apres=("S0401",),
)
def not_by_a_guichet(c: Cible) -> Iterator[Constat]:
    yield _anomaly("RADREN", "VIE211", _send(c, c.radiate(c.create(), "RADREN")))


@serveur(
    "S0520",
    "VIE-31",
    titre="Une attribution décrit le logement attribué (VIE212)",
    conduite="Exiger attributionLogement pour RADATT.",
    apres=("S0401",),
)
def attribution(c: Cible) -> Iterator[Constat]:
    yield _anomaly("RADATT sans logement", "VIE212", _send(c, c.radiate(c.create(), "RADATT")))


@serveur(
    "S0521",
    "VIE-33",
    titre="Une irrecevabilité porte son sous-motif (VIE216)",
    conduite="Exiger sousMotifIrrecevabilite pour RADIRR.",
    apres=("S0401",),
)
def irrecevable(c: Cible) -> Iterator[Constat]:
    yield _anomaly("RADIRR sans sous-motif", "VIE216", _send(c, c.radiate(c.create(), "RADIRR")))


@serveur(
    "S0522",
    "VIE-50",
    titre="Le guichet qui vient d'enregistrer une demande peut la supprimer ; elle ne change plus ensuite",
    conduite="Supprimer : la demande ne se modifie plus (VIE202) et n'est plus un doublon.",
    apres=("S0421",),
)
def suppression(c: Cible) -> Iterator[Constat]:
    creee = c.create()
    lu = _send(c, c.follow(creee, "SUP"))
    yield check("suppression", not lu.code, lu.resume, "acceptée")
    yield _anomaly("modification ensuite", "VIE202", _send(c, _change(c.follow(creee, "MOD"))))
    again = _send(c, put(creee.envoye, "dateFichier", c.stamp()))
    yield _done("nouvelle création de la même personne", again)
    yield check("numéro", again.numero != creee.numero, again.numero, "un autre numéro")


@serveur(
    "S0523",
    "VIE-50",
    titre="Un autre guichet ne supprime pas (VIE211)",
    conduite="Réserver la suppression au guichet qui a enregistré.",
    exige=(Capacite.LECTEUR,),
    apres=("S0522",),
)
def suppression_by_another(c: Cible) -> Iterator[Constat]:
    creee = c.create()
    yield _anomaly(
        "SUP d'un autre guichet", "VIE211", _send(c, _by(c, "lecteur", c.follow(creee, "SUP")), "lecteur")
    )
    yield equal("lecture ensuite", creee.numero, c.send(message.lecture(creee.numero)).numero)


@serveur(
    "S0524",
    "VIE-80",
    titre="Une copie rend la demande telle qu'elle est enregistrée, de type COP",
    conduite="Rendre le document, sans rien changer.",
    apres=("S0401",),
)
def copy(c: Cible) -> Iterator[Constat]:
    creee = c.create()
    lu = _send(c, _change(c.follow(creee, "COP"), "KIT: ne doit pas rester"))
    yield _done("copie", lu)
    yield equal("typeFichier", "COP", lu.text("entete/typeFichier"))
    kept = c.send(message.lecture(creee.numero)).text(f"{_CORPS}/precision")
    yield check("precision enregistrée", kept != "KIT: ne doit pas rester", kept, "celle d'avant")


@serveur(
    "S0525",
    "VIE-4",
    titre="Un fait sur une demande inconnue reçoit le même refus qu'une lecture (GUI103)",
    conduite="Ne pas révéler qu'une demande existe.",
    apres=("S0401",),
)
def unknown_demande(c: Cible) -> Iterator[Constat]:
    document = insert(
        put(c.document(), "typeFichier", "MOD"), "dateCreationDemande", f"<numUnique>{_number(c)}</numUnique>"
    )
    if b"refInterne" in document:
        document = _drop(document, "refInterne")
    yield _anomaly("MOD d'un numéro inconnu", "GUI103", _send(c, document))


def _number(c: Cible) -> str:
    return f"{c.emetteur.territoire}0118999998{c.emetteur.code}"


@serveur(
    "S0526",
    "VIE-17",
    titre="Un changement d'identité qui fait un doublon est refusé (DBL101)",
    conduite="Chercher les doublons quand nom, prénom ou naissance changent.",
    apres=("S0421", "S0502"),
)
def identity_change(c: Cible) -> Iterator[Constat]:
    one, two = c.create(), c.create()
    demandeur = f"{_CORPS}/personnePhysique/demandeur"
    document = c.follow(two, "MOD")
    for element in ("nom", "prenom", "dateNaissance"):
        document = put(document, element, one.lu.text(f"{demandeur}/{element}"))
    document = _drop(document, "nomPatronymique")
    yield _anomaly("identité d'une autre demande", "DBL101", _send(c, document))


@serveur(
    "S0527",
    "VIE-2",
    titre="Les types DIS et RET, réservés à l'échangeur, sont refusés (DEM102)",
    conduite="Refuser qu'un partenaire renvoie ce qu'il a reçu.",
)
def reserved(c: Cible) -> Iterator[Constat]:
    document = c.document()
    for kind in ("DIS", "RET"):
        yield _anomaly(kind, "DEM102", _send(c, put(document, "typeFichier", kind)))


@serveur(
    "S0528",
    "VIE-11",
    titre="Une modification ne reprend pas le volet DALO du fichier",
    conduite="Garder informationDalo : il appartient à sa déclaration.",
    apres=("S0502",),
)
def dalo_is_kept(c: Cible) -> Iterator[Constat]:
    creee = c.create()
    document = _change(c.follow(creee, "MOD"))
    xml = '<informationDalo><statutDalo code="ACTIF"/><dateDecisionDalo>2020-01-15</dateDecisionDalo></informationDalo>'
    lu = _send(
        c, insert(document, "demandeLogement", xml) if b"informationDalo" not in document else document
    )
    yield _done("modification", lu)
    read = c.send(message.lecture(creee.numero))
    yield check("informationDalo", b"2020-01-15" not in read.octets, "repris du fichier", "celui du registre")


@serveur(
    "S0529",
    "VIE-70",
    titre="Une création après séparation nomme la demande du couple (VIE221)",
    conduite="Exiger numUniqueAssocie pour un fichier CRS.",
)
def separation(c: Cible) -> Iterator[Constat]:
    yield _anomaly("CRS sans numUniqueAssocie", "VIE221", _send(c, put(c.document(), "typeFichier", "CRS")))


@serveur(
    "S0530",
    "VIE-3",
    "VIE-4",
    titre="Un autre bailleur du territoire modifie la demande",
    conduite="Qui peut lire une demande peut la modifier, selon le type de guichet, jamais selon le numéro.",
    exige=(Capacite.LECTEUR,),
    apres=("S0502",),
)
def by_another(c: Cible) -> Iterator[Constat]:
    creee = c.create()
    yield _done("modification", _send(c, _by(c, "lecteur", _change(c.follow(creee, "MOD"))), "lecteur"))
