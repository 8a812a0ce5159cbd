"""Family 03: MTOM, as every known stack of a partner writes it, and as the poorest one reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import message_from_bytes
from urllib.parse import quote

from conformance import client_reference, message
from conformance.assertion import Absente, Capacite, Constat, check, client, equal, serveur
from conformance.cible import Cible
from conformance.guichet_factice import read_call
from conformance.message import Ecriture, Message
from conformance.pupitre import Pupitre, first_call
from conformance.reponse import Lu, read


def _send(c: Cible, ecriture: Ecriture, msg: Message | None = None) -> Lu:
    msg = msg or message.demande(c.nom, c.document())
    headers, body = message.parts(msg, ecriture)
    return read(c.poste().post(msg.chemin, body, headers))


def _registered(quoi: str, lu: Lu) -> Constat:
    return check(quoi, bool(lu.numero), lu.resume, "un numéro unique")


@serveur(
    "S0301",
    "SOA-10",
    titre="À un message en MTOM, la réponse est en MTOM, la racine d'abord",
    conduite="Répondre multipart/related de type application/xop+xml ; la racine est la première partie.",
)
def mtom_answer(c: Cible) -> Iterator[Constat]:
    lu = _send(c, Ecriture())
    yield _registered("création", lu)
    kind = lu.http.entetes.get("content-type", "")
    yield check("type de contenu", kind.lower().startswith("multipart/related"), kind, "multipart/related")
    yield equal("type de la première partie", "application/xop+xml", lu.parties[0][0])
    yield check("parties", len(lu.parties) >= 2, len(lu.parties), "la racine et le document")


@serveur(
    "S0302",
    "SOA-13",
    titre="Le paramètre start s'écrit avec ou sans chevrons, ou manque",
    conduite="Comparer sans les chevrons ; sans start, la racine est la première partie.",
)
def start(c: Cible) -> Iterator[Constat]:
    for value in ("racine@kit", "<racine@kit>", ""):
        yield _registered(f"start « {value} »", _send(c, Ecriture(start=value)))


@serveur(
    "S0303",
    "SOA-13",
    titre="Les parties viennent dans tout ordre",
    conduite="Trouver la racine par start, et les autres par leur Content-ID, jamais par leur rang.",
)
def any_order(c: Cible) -> Iterator[Constat]:
    yield _registered("racine en dernier", _send(c, Ecriture(racine_en_tete=False)))


@serveur(
    "S0304",
    "SOA-13",
    titre="L'encodage de transfert base64 est admis, en toute casse",
    conduite="Décoder base64, BASE64 et Base64.",
)
def base64_parts(c: Cible) -> Iterator[Constat]:
    for encoding in ("base64", "BASE64"):
        yield _registered(f"encodage {encoding}", _send(c, Ecriture(encodage=encoding)))


@serveur(
    "S0305",
    "SOA-13",
    titre="L'encodage de transfert quoted-printable est admis",
    conduite="Décoder quoted-printable.",
)
def quoted_printable(c: Cible) -> Iterator[Constat]:
    yield _registered("encodage quoted-printable", _send(c, Ecriture(encodage="quoted-printable")))


@serveur(
    "S0306",
    "SOA-13",
    titre="Les encodages de transfert 8bit et binary sont admis",
    conduite="Prendre les octets tels qu'ils sont.",
)
def plain_parts(c: Cible) -> Iterator[Constat]:
    for encoding in ("8bit", "Binary"):
        yield _registered(f"encodage {encoding}", _send(c, Ecriture(encodage=encoding)))


@serveur(
    "S0307",
    "SOA-13",
    titre="La référence cid: est encodée ou non",
    conduite="Comparer le Content-ID à la référence, telle quelle et décodée des %xx.",
)
def encoded_cid(c: Cible) -> Iterator[Constat]:
    yield _registered("cid encodé", _send(c, Ecriture(cid="{} fichier+1@kit", href=_quoted())))


def _quoted() -> str:
    return "cid:" + quote("fichierDemande fichier+1@kit")


@serveur(
    "S0308",
    "SOA-13",
    titre="Un Content-ID de toute syntaxe est admis",
    conduite="Ne pas exiger d'arobase dans un Content-ID.",
)
def any_cid(c: Cible) -> Iterator[Constat]:
    for cid in ("xml_id", "1.urn:uuid:8f2c-{}"):
        yield _registered(f"Content-ID {cid}", _send(c, Ecriture(cid=cid)))


@serveur(
    "S0309",
    "SOA-13",
    "SOA-17",
    titre="Le message du client de référence, octet pour octet, est admis et sa réponse lui est lisible",
    conduite="Essayer avec ce message : délimiteur constant, start sans chevrons, certificat vide, pas de fin de ligne.",
)
def reference_client(c: Cible) -> Iterator[Constat]:
    document = c.document()
    body = client_reference.num_unique_request(c.nom, _ascii(document), "")
    headers = {k: v for k, v in client_reference.build_headers("getNumUnique").items() if k != "Connection"}
    answer = c.poste().post("/services/DemandeLogementImplService/", body, headers)
    yield equal("statut HTTP", 200, answer.statut or answer.resume)
    try:
        lecture = client_reference.read_answer(answer.corps)
        found, error = lecture.find("demande/demandeLogement/numUnique"), lecture.erreur
    except (UnicodeDecodeError, ValueError, SyntaxError) as unreadable:
        found, error = "", f"{type(unreadable).__name__} : {unreadable}"
    yield check("numéro lu par le client de référence", len(found) == 18, error or found, "18 caractères")


def _ascii(document: bytes) -> bytes:
    return document.decode().encode("ascii", "xmlcharrefreplace")


@serveur(
    "S0310",
    "SOA-13",
    titre="Une référence à une partie absente est refusée (SOA013)",
    conduite="Refuser par une faute ; ne jamais lire un fichier vide à la place.",
)
def unknown_cid(c: Cible) -> Iterator[Constat]:
    yield equal("code de la faute", "SOA013", _send(c, Ecriture(href="cid:absent@kit")).code)


@serveur(
    "S0311",
    "SOA-13",
    titre="Une référence dans un message sans parties est refusée (SOA012)",
    conduite="Refuser par une faute ; ne jamais lire un fichier vide à la place.",
)
def no_parts(c: Cible) -> Iterator[Constat]:
    msg = message.demande(c.nom, b"")
    headers, body = message.inline(msg)
    include = f'<xop:Include xmlns:xop="{message.XOP}" href="cid:x"/>'.encode()
    body = body.replace(
        b"<fichierDemande></fichierDemande>", b"<fichierDemande>" + include + b"</fichierDemande>"
    )
    yield equal("code de la faute", "SOA012", read(c.poste().post(msg.chemin, body, headers)).code)


@serveur(
    "S0312",
    "SOA-18",
    titre="Une racine introuvable est refusée (SOA011)",
    conduite="Refuser quand start ne désigne aucune partie.",
)
def no_root(c: Cible) -> Iterator[Constat]:
    msg = message.demande(c.nom, c.document())
    headers, body = message.parts(msg)
    headers["Content-Type"] = headers["Content-Type"].replace("<racine@kit>", "<ailleurs@kit>")
    yield equal("code de la faute", "SOA011", read(c.poste().post(msg.chemin, body, headers)).code)


@serveur(
    "S0313",
    "SOA-18",
    titre="Un multipart tronqué est refusé (SOA010)",
    conduite="Exiger le délimiteur de fin : sans lui, le fichier a pu être coupé.",
)
def truncated(c: Cible) -> Iterator[Constat]:
    msg = message.demande(c.nom, c.document())
    headers, body = message.parts(msg)
    for quoi, data in (("sans délimiteur de fin", body[:-30]), ("sans aucun délimiteur", b"x" * 50)):
        yield equal(quoi, "SOA010", read(c.poste().post(msg.chemin, data, headers)).code)


@serveur(
    "S0314",
    "SOA-18",
    titre="Deux parties de même Content-ID sont refusées (SOA014)",
    conduite="Refuser : rien ne dit laquelle est le fichier.",
)
def same_cid(c: Cible) -> Iterator[Constat]:
    msg = message.demande(c.nom, c.document())
    headers, body = message.parts(msg)
    extra = (
        b"--kit-de-conformite\r\nContent-Type: text/xml\r\nContent-ID: <fichierDemande@kit>\r\n\r\n<x/>\r\n"
    )
    body = body.replace(b"--kit-de-conformite--", extra + b"--kit-de-conformite--")
    yield equal("code de la faute", "SOA014", read(c.poste().post(msg.chemin, body, headers)).code)


@serveur(
    "S0315",
    "SOA-18",
    titre="Un encodage de transfert inconnu est refusé (SOA016)",
    conduite="Refuser ce qui ne se décode pas ; ne pas le prendre tel quel.",
)
def unknown_encoding(c: Cible) -> Iterator[Constat]:
    yield equal("code de la faute", "SOA016", _send(c, Ecriture(encodage="x-uuencode")).code)


@serveur(
    "S0316",
    "SOA-18",
    titre="Une référence ailleurs que cid: est refusée (SOA015)",
    conduite="Ne jamais aller chercher ce qu'une référence désigne hors du message.",
)
def remote_reference(c: Cible) -> Iterator[Constat]:
    for href in ("http://127.0.0.1:9/fichier", "file:///etc/passwd"):
        yield equal(href, "SOA015", _send(c, Ecriture(href=href)).code)


@serveur(
    "S0317",
    "SOA-11",
    titre="L'action peut être dans la partie racine, ou dans start-info",
    conduite="Chercher l'action dans le type de contenu, la partie racine, start-info, puis SOAPAction.",
)
def action_places(c: Cible) -> Iterator[Constat]:
    root = Ecriture(action="", action_racine="getNumUnique")
    yield _registered("action de la partie racine", _send(c, root))
    yield _registered("action de start-info", _send(c, Ecriture(action="", action_start_info=True)))


@serveur(
    "S0318",
    "SOA-13",
    titre="Des blancs autour de xop:Include sont admis",
    conduite="Ignorer les blancs entre fichierDemande et xop:Include : des outils indentent.",
)
def blanks(c: Cible) -> Iterator[Constat]:
    msg = message.demande(c.nom, c.document())
    headers, body = message.parts(msg)
    body = body.replace(b"<xop:Include", b"\r\n   <xop:Include").replace(
        b"/></fichierDemande>", b"/>\n</fichierDemande>"
    )
    yield _registered("Include indenté", read(c.poste().post(msg.chemin, body, headers)))


@serveur(
    "S0319",
    "SOA-17",
    titre="La réponse entière se décode en UTF-8, et le document y est tel quel",
    conduite="Mettre le document dans sa partie, sans base64, avec un préfixe de trois caractères déclaré sur sa racine.",
)
def readable_answer(c: Cible) -> Iterator[Constat]:
    body = _send(c, Ecriture()).http.corps
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        yield check("codage de la réponse", False, error, "UTF-8 de bout en bout")
        return
    yield check("document en clair", ":interfaceNuu" in text, text[:200], "…:interfaceNuu dans sa partie")
    found = re.search(r"<(\w*):?interfaceNuu(\s)?", text)
    yield equal("longueur du préfixe", 3, len(found[1]) if found else 0)
    yield check(
        "espaces de noms sur la racine",
        bool(found and found[2]),
        found and found[0],
        "déclarés sur la racine",
    )


@serveur(
    "S0320",
    "SOA-10",
    titre="Une faute répond en clair, même à un message en MTOM",
    conduite="Répondre application/soap+xml : des piles ne lisent pas une faute en MTOM.",
)
def fault_inline(c: Cible) -> Iterator[Constat]:
    lu = _send(c, Ecriture(), message.demande(c.nom, b"<rien/>"))
    yield check("faute", lu.faute is not None, lu.resume, "une faute")
    yield equal("réponse en MTOM", False, lu.mtom)


# --- the client of a partner ------------------------------------------------------------------------------

_APPELS = (Capacite.APPELS,)


@client(
    "C0301",
    "SOA-13",
    "SOA-18",
    titre="En MTOM, la racine est là, chaque référence désigne une partie, et le message est entier",
    conduite="Faire désigner par start la partie racine, par cid: chaque fichier, et finir par le délimiteur de fin.",
    exige=_APPELS,
)
def sends_whole_parts(p: Pupitre) -> Iterator[Constat]:
    appel = first_call(p)
    lu = read_call(appel)
    if not lu.mtom:
        raise Absente("le client envoie en clair")
    yield check("racine", not lu.probleme, lu.probleme or "lue", "une enveloppe")
    whole = bool(lu.fichiers.get("fichierDemande"))
    yield check("fichier joint", whole, "présent" if whole else "vide ou absent", "le document")
    head = b"Content-Type: " + appel.entetes["content-type"].encode() + b"\r\n\r\n"
    end = f"--{message_from_bytes(head).get_boundary()}--".encode()
    tail = appel.corps[-len(end) - 4 :]
    yield check("délimiteur de fin", end in tail, tail, end.decode())


@client(
    "C0302",
    "SOA-17",
    titre="Le client lit le numéro dans la réponse",
    conduite="Lire le document de la réponse, dans la forme de la requête.",
    exige=_APPELS,
)
def reads_the_number(p: Pupitre) -> Iterator[Constat]:
    jeu, _ = p.observe("enregistrer")
    yield equal("réussite annoncée", True, jeu.reussi)
    number = p.factice().numero
    yield check("numéro compris", number in jeu.compte.sortie, jeu.compte.sortie, number)


@client(
    "C0303",
    "ATT-10",
    titre="Une attestation jointe n'empêche pas de lire le numéro",
    conduite="Chercher le document par sa référence ; admettre d'autres parties.",
    exige=_APPELS,
    apres=("C0302",),
)
def reads_beside_an_attestation(p: Pupitre) -> Iterator[Constat]:
    factice = p.factice()
    factice.attestation = b"%PDF-1.7\n" + bytes(range(128, 256)) * 8
    jeu = p.play("enregistrer", factice.answer, document=p.document())
    read = factice.numero in jeu.compte.sortie and jeu.reussi
    yield check("numéro compris", read, jeu.compte.sortie, factice.numero)
