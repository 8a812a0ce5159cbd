"""Family 04, of a hub: what is given back: the demande that is read, encrypted, its attestation."""

from __future__ import annotations

from collections.abc import Iterator

from certs.cms import RefusCms
from certs.enveloppe import decrypt
from certs.paire import load_paire
from conformance import message
from conformance.assertion import Capacite, Constat, check, equal, serveur
from conformance.cible import Cible
from conformance.donnees import put_code
from conformance.reponse import anomaly, intact, read, valid

_INCONNU = "000000000000000000"


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
    yield intact(creee.envoye, lu.octets, "typeFichier", "dateFichier", "incrementFichier")
    yield valid("document rendu", lu.octets)


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
    lu = c.register(c.document(), certificat=pem)
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
    yield equal("code", "SOA040", c.register(document, certificat=b"pas un certificat").code)
    lu = c.register(c.twin(document))
    yield check("création qui suit", bool(lu.numero), lu.resume, "un numéro unique : rien n'avait été fait")


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
        lu = c.register(c.document(), complet=value)
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
    lu = c.register(put_code(c.document(), "civilite", "ZZ"), complet="oui")
    yield anomaly("anomalies", "COD101", lu)
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
