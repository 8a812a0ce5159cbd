"""Family 09, of a hub: what is asked by mail, and what is answered."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from certs.algorithmes import PROFILS
from certs.enveloppe import encrypt
from conformance import message
from conformance.assertion import Capacite, Constat, check, equal, serveur
from conformance.cible import Cible
from conformance.courrier import answered, ask, demande, only, pair, registered, requete, told
from conformance.donnees import put
from conformance.partenaire_courrier import Piece, signed_entity
from conformance.reponse import valid
from schemas.courrier import Verdict

_COURRIER = (Capacite.COURRIER,)


@serveur(
    "S0901",
    "COU-1",
    "COU-30",
    titre="Une demande envoyée signée puis chiffrée est enregistrée, et la réponse porte le document RET",
    conduite="Ouvrir le message, enregistrer ses fichiers, répondre par accuse.xml et les fichiers de réponse.",
    exige=_COURRIER,
)
def accepted(c: Cible) -> Iterator[Constat]:
    pli = c.boite.compose(demande(c))
    c.boite.send(pli)
    recu = c.boite.answer(pli)
    yield check("réponse", recu is not None, "aucune", "une réponse")
    assert recu is not None
    yield equal("nature", "reponse", recu.nature)
    found = only(recu)
    yield equal("verdict", str(Verdict.ACCEPTE), str(found.verdict))
    yield check("numéro unique", len(found.numero) == 18, found.numero, "18 caractères")
    yield equal("fichiers de réponse", sorted(found.reponses), sorted(each.nom for each in recu.fichiers))
    documents = [each.contenu for each in recu.fichiers if each.nom.endswith(".xml")]
    yield equal("documents", 1, len(documents))
    yield valid("document", documents[0])
    yield check("typeFichier", b"typeFichier>RET<" in documents[0], documents[0][:200], "RET")


@serveur(
    "S0902",
    "COU-30",
    "COU-31",
    titre="La réponse est signée par l'échangeur et chiffrée pour le guichet",
    conduite="Signer avec la clé annoncée, chiffrer pour le plus récent certificat du guichet.",
    exige=_COURRIER,
    apres=("S0901",),
)
def sealed(c: Cible) -> Iterator[Constat]:
    before = len(c.boite.partenaire.illisibles)
    recu = ask(c, c.boite.compose(demande(c)))
    yield equal("chiffrée", True, recu.chiffre)
    yield equal("messages qui ne s'ouvrent pas", [], c.boite.partenaire.illisibles[before:])
    yield check(
        "empreinte signée",
        "sha1" not in recu.algorithme.replace("-", ""),
        recu.algorithme,
        "SHA-256 au moins",
    )


@serveur(
    "S0903",
    "COU-30",
    titre="L'accusé dit le message, l'empreinte de son contenu signé, et chaque fichier par son nom et son empreinte",
    conduite="Remplir accuse.xml selon courrier.xsd.",
    exige=_COURRIER,
    apres=("S0901",),
)
def told_exactly(c: Cible) -> Iterator[Constat]:
    piece = demande(c)
    pli = c.boite.compose(piece)
    recu = ask(c, pli)
    assert recu.accuse is not None
    yield equal("message", pli.id, recu.accuse.message)
    found = only(recu)
    yield equal("nom du fichier", piece.nom, found.nom)
    yield equal("empreinte du fichier", hashlib.sha256(piece.contenu).hexdigest(), found.empreinte.hex())
    yield equal("opération", "getNumUnique", found.operation)
    yield check("échange", bool(found.echange), found.echange, "un identifiant")
    yield equal("longueur de l'empreinte du contenu", 32, len(recu.accuse.empreinte))


@serveur(
    "S0904",
    "COU-33",
    titre="Sujet, X-Echangeur-Id, X-Echangeur-Nature et In-Reply-To suivent la convention",
    conduite="Sujet « [marque] REPONSE GUICHET IDENTIFIANT » ; In-Reply-To du message reçu.",
    exige=_COURRIER,
    apres=("S0901",),
)
def subject(c: Cible) -> Iterator[Constat]:
    recu = ask(c, c.boite.compose(demande(c)))
    words = recu.sujet.split()
    code = c.guichet("courrier").code
    yield check("sujet", words[-3:-1] == ["REPONSE", code], recu.sujet, f"… REPONSE {code} …")
    yield equal("identifiant du sujet", recu.id, words[-1])
    yield equal("X-Echangeur-Nature", "reponse", recu.nature)


@serveur(
    "S0905",
    "COU-33",
    titre="Aucun en-tête de la réponse ne porte de donnée nominative",
    conduite="Ne mettre dans les en-têtes que le guichet et des identifiants de message.",
    exige=_COURRIER,
    apres=("S0901",),
)
def discreet(c: Cible) -> Iterator[Constat]:
    recu = ask(c, c.boite.compose(demande(c)))
    fields = " ".join(recu.entetes.values())
    yield check("numéro unique", only(recu).numero not in fields, recu.sujet, "absent des en-têtes")
    yield check("nom", "KITCONFORMITE" not in fields.upper(), recu.sujet, "absent des en-têtes")


@serveur(
    "S0906",
    "COU-1",
    "COU-2",
    titre="From, le sujet et l'enveloppe ne décident de rien : l'émetteur est celui qui a signé",
    conduite="Ne lire que ce qui est signé ; répondre à l'adresse déclarée du guichet.",
    exige=_COURRIER,
    apres=("S0901",),
)
def by_signature(c: Cible) -> Iterator[Constat]:
    fields = {"From": "quelquun@ailleurs.example", "Subject": "getDoublons DBL"}
    pli = c.boite.compose(demande(c), entetes=fields)
    yield from answered(c, "autre expéditeur", pli, "quelquun@ailleurs.example")


@serveur(
    "S0907",
    "COU-24",
    titre="Un refus de fichier est celui des services : même code, et le document refusé revient",
    conduite="Traiter un fichier de courrier par les mêmes règles qu'un appel.",
    exige=_COURRIER,
    apres=("S0901",),
)
def same_refusal(c: Cible) -> Iterator[Constat]:
    document = put(c.document("courrier"), "numGuichet", "G9999")
    lu = c.send(message.demande("DEM.xml", document), "courrier")
    found = only(ask(c, c.boite.compose(Piece("DEM.xml", document))))
    yield equal("verdict", str(Verdict.REFUSE), str(found.verdict))
    yield equal("code", lu.code, found.code)


@serveur(
    "S0908",
    "COU-6",
    "COU-30",
    titre="Plusieurs fichiers joints : chacun a son verdict, sous son nom",
    conduite="Traiter chaque fichier, et dire de chacun ce qu'il est devenu.",
    exige=_COURRIER,
    apres=("S0901",),
)
def several(c: Cible) -> Iterator[Constat]:
    bad = Piece("DEM-3.xml", put(c.document("courrier"), "numGuichet", "G9999"))
    pieces = [demande(c, "DEM-1.xml"), demande(c, "DEM-2.xml"), bad]
    found = {each.nom: str(each.verdict) for each in told(ask(c, c.boite.compose(*pieces)))}
    yield equal("verdicts", {"DEM-1.xml": "ACCEPTE", "DEM-2.xml": "ACCEPTE", "DEM-3.xml": "REFUSE"}, found)


@serveur(
    "S0909",
    "COU-6",
    titre="Une archive zip est ouverte, et chacun de ses fichiers traité",
    conduite="Lire l'archive dans les limites de l'interface.",
    exige=_COURRIER,
    apres=("S0901",),
)
def archive(c: Cible) -> Iterator[Constat]:
    pieces = [demande(c, "DEM-1.xml"), demande(c, "DEM-2.xml")]
    found = {each.nom: str(each.verdict) for each in told(ask(c, c.boite.compose(*pieces, archive=True)))}
    yield equal("verdicts", {"DEM-1.xml": "ACCEPTE", "DEM-2.xml": "ACCEPTE"}, found)


@serveur(
    "S0910",
    "COU-21",
    titre="Les trois premières lettres du nom disent l'opération ; tout autre nom vaut DEM",
    conduite="DBL demande getDoublons ; un nom quelconque, getNumUnique.",
    exige=_COURRIER,
    apres=("S0901",),
)
def names(c: Cible) -> Iterator[Constat]:
    for nom, operation in (
        ("DBL-1.xml", "getDoublons"),
        ("dem-1.xml", "getNumUnique"),
        ("lot 3.xml", "getNumUnique"),
    ):
        found = only(ask(c, c.boite.compose(demande(c, nom))))
        yield equal(f"opération de {nom}", operation, found.operation)


@serveur(
    "S0911",
    "COU-20",
    "COU-22",
    titre="Une requête lit une demande par son numéro",
    conduite="Lire requete (courrier.xsd) et répondre comme getDemandeLogement.",
    exige=_COURRIER,
    apres=("S0901",),
)
def reads(c: Cible) -> Iterator[Constat]:
    numero = registered(c, demande(c)).numero
    recu = ask(c, c.boite.compose(requete("getDemandeLogement", numUnique=numero)))
    yield equal("verdict", str(Verdict.ACCEPTE), str(only(recu).verdict))
    contents = b"".join(each.contenu for each in recu.fichiers)
    yield check("document lu", numero.encode() in contents, len(recu.fichiers), numero)


@serveur(
    "S0912",
    "COU-22",
    "COU-24",
    titre="Une requête d'un numéro inconnu reçoit l'anomalie du service (GUI103)",
    conduite="Refuser ce fichier seul, par le même code que le service.",
    exige=_COURRIER,
    apres=("S0901",),
)
def unknown_number(c: Cible) -> Iterator[Constat]:
    found = only(ask(c, c.boite.compose(requete("getDemandeLogement", numUnique="0" * 18))))
    yield equal("verdict", str(Verdict.REFUSE), str(found.verdict))
    yield equal("code", "GUI103", found.code)


@serveur(
    "S0913",
    "COU-24",
    titre="Une requête mal formée (COU008) ou d'une opération inconnue (COU009) est refusée",
    conduite="Valider la requête selon courrier.xsd, puis connaître son opération.",
    exige=_COURRIER,
    apres=("S0901",),
)
def bad_request(c: Cible) -> Iterator[Constat]:
    broken = requete("getDemandeLogement", numUnique="1")
    broken = Piece(broken.nom, broken.contenu.replace(b"operation>", b"operations>"))
    yield equal("requête mal formée", "COU008", only(ask(c, c.boite.compose(broken))).code)
    unknown = requete("getToutLeRegistre")
    yield equal("opération inconnue", "COU009", only(ask(c, c.boite.compose(unknown))).code)


@serveur(
    "S0914",
    "COU-23",
    titre="La recherche, la gestion partagée et les pièces ne passent pas par courrier (COU010)",
    conduite="Refuser leur fichier seul.",
    exige=_COURRIER,
    apres=("S0901",),
)
def not_by_mail(c: Cible) -> Iterator[Constat]:
    found = only(ask(c, c.boite.compose(demande(c, "RCH-1.xml"))))
    yield equal("code", "COU010", found.code)


@serveur(
    "S0915",
    "COU-25",
    titre="Un rapprochement illisible est refusé (COU016)",
    conduite="Valider le rapprochement selon distributions.xsd.",
    exige=_COURRIER,
    apres=("S0901",),
)
def bad_comparison(c: Cible) -> Iterator[Constat]:
    found = only(ask(c, c.boite.compose(Piece("RAP-1.xml", b"<rapprochement/>"))))
    yield equal("code", "COU016", found.code)


@serveur(
    "S0916",
    "COU-10",
    titre="Un fichier déjà accepté reçoit sa première réponse, octet pour octet, dans un autre message",
    conduite="Reconnaître le fichier par guichet, opération et SHA-256 ; répondre REJEU.",
    exige=_COURRIER,
    apres=("S0901",),
)
def replayed(c: Cible) -> Iterator[Constat]:
    piece = demande(c)
    first = ask(c, c.boite.compose(piece))
    again = ask(c, c.boite.compose(Piece("DEM-autre-nom.xml", piece.contenu)))
    yield equal("verdict", str(Verdict.REJEU), str(only(again).verdict))
    yield equal("numéro unique", only(first).numero, only(again).numero)
    digests = [
        sorted(hashlib.sha256(one.contenu).hexdigest() for one in each.fichiers) for each in (first, again)
    ]
    yield equal("empreintes des fichiers de réponse", digests[0], digests[1])


@serveur(
    "S0917",
    "COU-10",
    titre="Le même message remis deux fois n'enregistre qu'une demande, et chaque remise est répondue",
    conduite="Ne pas se fier à Message-ID : le second est un rejeu.",
    exige=_COURRIER,
    apres=("S0916",),
)
def same_message(c: Cible) -> Iterator[Constat]:
    pli = c.boite.compose(demande(c))
    first = ask(c, pli)
    c.boite.send(pli)
    came = c.boite.wait(lambda recus: sum(each.en_reponse_a == pli.id for each in recus) >= 2)
    yield check("réponse à la seconde remise", came, "aucune", "une réponse")
    again = c.boite.answers(pli)[-1]
    yield equal("verdict", str(Verdict.REJEU), str(only(again).verdict))
    yield equal("numéro unique", only(first).numero, only(again).numero)


@serveur(
    "S0918",
    "COU-50",
    "COU-10",
    titre="Le fichier enregistré par SOAP est un rejeu par courrier, et l'inverse",
    conduite="Partager l'identité des fichiers entre les deux canaux.",
    exige=_COURRIER,
    apres=("S0916",),
)
def both_channels(c: Cible) -> Iterator[Constat]:
    piece = demande(c)
    lu = c.send(message.demande("DEM.xml", piece.contenu), "courrier")
    c.accepted(lu, "l'enregistrement par SOAP")
    found = only(ask(c, c.boite.compose(piece)))
    yield equal("par SOAP puis par courrier", str(Verdict.REJEU), str(found.verdict))
    yield equal("numéro unique", lu.numero, found.numero)
    other = demande(c)
    numero = registered(c, other).numero
    yield equal(
        "par courrier puis par SOAP",
        numero,
        c.send(message.demande("DEM.xml", other.contenu), "courrier").numero,
    )


@serveur(
    "S0919",
    "COU-11",
    titre="Un fichier renvoyé après un refus est traité de nouveau",
    conduite="Ne tenir pour fait que ce qui a été accepté.",
    exige=_COURRIER,
    apres=("S0907",),
)
def again_after_refusal(c: Cible) -> Iterator[Constat]:
    piece = Piece("DEM.xml", put(c.document("courrier"), "numGuichet", "G9999"))
    first, again = (only(ask(c, c.boite.compose(piece))) for _ in range(2))
    yield equal("verdict du renvoi", str(Verdict.REFUSE), str(again.verdict))
    yield check("échange du renvoi", again.echange != first.echange, again.echange, "un autre échange")


@serveur(
    "S0920",
    "COU-1",
    "CER-11",
    titre="La signature en clair (multipart/signed) est admise",
    conduite="Vérifier la signature détachée sur la forme canonique (CRLF).",
    exige=_COURRIER,
    apres=("S0901",),
)
def clear_signed(c: Cible) -> Iterator[Constat]:
    yield from answered(c, "signature en clair", c.boite.compose(demande(c), detache=True))


@serveur(
    "S0921",
    "CER-21",
    "CER-22",
    titre="AES-GCM est lu comme AES-CBC, et le message peut avoir d'autres destinataires",
    conduite="Lire les deux contenus chiffrés ; trouver sa clé parmi les destinataires.",
    exige=_COURRIER,
    apres=("S0901",),
)
def forms(c: Cible) -> Iterator[Constat]:
    hub = c.boite.partenaire.echangeur.chiffrement
    for nom in ("moderne", "compatible"):
        signed = signed_entity(c.boite.sign(demande(c)))
        for_all = encrypt(signed, [c.stranger().certificat, hub], PROFILS[nom])
        yield from answered(c, f"profil {nom}", c.boite.carry(for_all))


@serveur(
    "S0922",
    "CER-1",
    "CER-3",
    titre="Deux certificats valides côte à côte signent tous deux pour le guichet",
    conduite="Admettre tous les certificats en service d'un guichet : une rotation n'interrompt rien.",
    exige=_COURRIER,
    apres=("S0901",),
)
def rotation(c: Cible) -> Iterator[Constat]:
    second = pair(c, "courrier_second")
    yield from answered(c, "premier certificat", c.boite.compose(demande(c)))
    yield from answered(c, "second certificat", c.boite.compose(demande(c), signataire=second))
