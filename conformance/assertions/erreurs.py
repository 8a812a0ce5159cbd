"""Family 06: what a refusal says, to whom, and what it must never say."""

from __future__ import annotations

import re
from collections.abc import Iterator

from conformance import message
from conformance.assertion import Capacite, Constat, check, client, equal, one_of, serveur
from conformance.cible import Cible
from conformance.donnees import put, put_code
from conformance.ecoute import Reaction
from conformance.pupitre import Jeu, Pupitre
from conformance.quai import fault
from conformance.reponse import Lu, read
from schemas import contract

_INCONNU = "000000000000000000"
_INTERNE = re.compile(
    rb"Traceback|File \"/|\.py\b|sqlalchemy|psycopg|SELECT |/home/|/usr/|0x[0-9a-f]{8}|java\.|NullPointer"
)


def _faults(c: Cible) -> Iterator[tuple[str, Lu]]:
    """A fault of each kind: of the envelope, of the file, of the register."""
    yield "message sans contenu", c.send(message.lecture(""))
    yield "fichier illisible", c.send(message.demande(c.nom, b"rien"))
    yield "fichier invalide", c.send(message.demande(c.nom, put(c.document(), "dateCreationDemande", "hier")))
    yield "numéro inconnu", c.send(message.lecture(_INCONNU))


@serveur(
    "S0601",
    "SOA-30",
    titre="Une faute est de statut HTTP 500",
    conduite="Répondre 500 à toute faute : des clients ne lisent pas le corps d'une réponse 400.",
)
def status(c: Cible) -> Iterator[Constat]:
    for quoi, lu in _faults(c):
        yield check(quoi, lu.faute is not None, lu.resume, "une faute")
        yield equal(f"statut HTTP, {quoi}", 500, lu.http.statut)


@serveur(
    "S0602",
    "SOA-30",
    titre="Le code de l'anomalie est un sous-code qualifié",
    conduite="Écrire Subcode/Value avec un préfixe déclaré : Java refuse un sous-code sans préfixe.",
)
def qualified_subcode(c: Cible) -> Iterator[Constat]:
    for quoi, lu in _faults(c):
        assert lu.faute is not None, quoi
        yield check(
            f"sous-code, {quoi}", lu.faute.qualifie, lu.faute.sous_code, "qualifié par l'espace des services"
        )
        yield equal(f"code de l'élément anomalie, {quoi}", lu.faute.sous_code, lu.faute.anomalie)


@serveur(
    "S0603",
    "SOA-30",
    titre="La raison est en français",
    conduite="Écrire Reason/Text avec xml:lang fr, une phrase qui dit ce qui a été trouvé.",
)
def reason(c: Cible) -> Iterator[Constat]:
    for quoi, lu in _faults(c):
        assert lu.faute is not None, quoi
        yield equal(f"langue, {quoi}", "fr", lu.faute.langue)
        yield check(f"raison, {quoi}", len(lu.faute.raison) > 20, lu.faute.raison, "une phrase")


@serveur(
    "S0604",
    "SOA-30",
    titre="La faute porte demandeLogementException",
    conduite="Mettre d'abord dans Detail l'élément du contrat, avec le code et le texte.",
)
def exception(c: Cible) -> Iterator[Constat]:
    for quoi, lu in _faults(c):
        assert lu.faute is not None, quoi
        yield check(
            f"message, {quoi}",
            lu.faute.sous_code in lu.faute.exception,
            lu.faute.exception,
            "le code et le texte",
        )


@serveur(
    "S0605",
    "SOA-30",
    titre="La faute dit à qui d'agir, si l'on peut renvoyer, et quoi faire",
    conduite="Remplir tour, rejouable et conduite de chaque anomalie.",
)
def what_to_do(c: Cible) -> Iterator[Constat]:
    for quoi, lu in _faults(c):
        assert lu.faute is not None, quoi
        yield one_of(f"tour, {quoi}", ("partenaire", "gestionnaire", "exploitant"), lu.faute.tour)
        yield one_of(f"rejouable, {quoi}", ("true", "false"), lu.faute.rejouable)
        yield check(f"conduite, {quoi}", bool(lu.faute.conduite), lu.faute.conduite, "une phrase")


@serveur(
    "S0606",
    "SOA-30",
    titre="L'identifiant de l'échange est dans la faute et dans l'en-tête Echange-Id",
    conduite="Donner à chaque échange un identifiant, le même aux deux places.",
)
def correlation(c: Cible) -> Iterator[Constat]:
    seen = set()
    for quoi, lu in _faults(c):
        assert lu.faute is not None, quoi
        header = lu.http.entetes.get("echange-id", "")
        yield check(f"Echange-Id, {quoi}", bool(header), header, "un identifiant")
        yield equal(f"échange de la faute, {quoi}", header, lu.faute.echange)
        seen.add(header)
    yield equal("identifiants différents", 4, len(seen))


@serveur(
    "S0607",
    "SOA-30",
    titre="Une réponse acceptée porte aussi Echange-Id",
    conduite="Nommer tout échange : c'est ce que le partenaire donne à l'exploitant.",
)
def correlation_of_success(c: Cible) -> Iterator[Constat]:
    header = c.create().lu.http.entetes.get("echange-id", "")
    yield check("Echange-Id", bool(header), header, "un identifiant")


@serveur(
    "S0608",
    "SOA-30",
    titre="Ce qui est du fait de l'appelant est une faute Sender",
    conduite="Garder Receiver pour ce qui peut réussir plus tard sans que l'appelant change rien.",
)
def sender(c: Cible) -> Iterator[Constat]:
    for quoi, lu in _faults(c):
        yield equal(f"code SOAP, {quoi}", "Sender", lu.faute.code if lu.faute else lu.resume)


@serveur(
    "S0609",
    "SOA-31",
    titre="Une faute ne dit rien de l'intérieur",
    conduite="Ne laisser passer ni pile d'appels, ni requête SQL, ni chemin de fichier.",
)
def no_inside(c: Cible) -> Iterator[Constat]:
    for quoi, lu in _faults(c):
        found = _INTERNE.search(lu.http.corps)
        yield check(f"texte de l'intérieur, {quoi}", found is None, found and found[0], "aucun")


@serveur(
    "S0610",
    "SOA-31",
    titre="Une faute ne répète pas les données nominatives du fichier",
    conduite="Nommer l'élément fautif et la règle, sans le nom ni la naissance de la personne.",
)
def no_person(c: Cible) -> Iterator[Constat]:
    document = put(c.document(), "dateCreationDemande", "hier")
    nom = re.search(rb"KITCONFORMITE [A-Z]+", document)
    assert nom is not None
    lu = c.send(message.demande(c.nom, document))
    yield check("faute", lu.faute is not None, lu.resume, "une faute")
    yield check("nom de la personne", nom[0] not in lu.http.corps, "dans la faute", "absent")


@serveur(
    "S0611",
    "ENR-2",
    "SOA-17",
    titre="Le texte d'une anomalie est le premier élément de anomalie, jamais vide",
    conduite="Tout écrire dans message ; un complement placé avant le cacherait à des partenaires.",
)
def readable_anomaly(c: Cible) -> Iterator[Constat]:
    lu = c.send(message.demande(c.nom, put_code(c.document(), "civilite", "ZZ")))
    root = lu.document
    yield check("anomalies", bool(lu.anomalies), lu.resume, "COD101")
    assert root is not None
    for anomalie in root.iter("{http://nuu.application.i2/}anomalie"):
        first = anomalie[0] if len(anomalie) else None
        name = "" if first is None else str(first.tag).rpartition("}")[2]
        yield equal("premier élément", "message", name)
        yield check("texte", bool(first is not None and first.text), "vide", "une phrase")
        code = anomalie.get("code", "")
        yield check("code", 0 < len(code) <= 10, code, "dix caractères au plus")


@serveur(
    "S0612",
    "DRO-1",
    "DRO-2",
    titre="Un consultant ne crée rien : faute GUI104",
    conduite="Juger le profil du certificat avant toute lecture du registre.",
    exige=(Capacite.CONSULTANT,),
)
def consultant(c: Cible) -> Iterator[Constat]:
    lu = c.send(message.demande(c.nom, c.document("consultant")), "consultant")
    yield equal("code", "GUI104", lu.code)
    yield check("faute", lu.faute is not None, lu.resume, "une faute")


@serveur(
    "S0613",
    "DRO-1",
    titre="Un consultant lit ce que son guichet peut lire",
    conduite="Un profil restreint les actes, pas le périmètre.",
    exige=(Capacite.CONSULTANT,),
    apres=("S0401",),
)
def consultant_reads(c: Cible) -> Iterator[Constat]:
    numero = c.create().numero
    yield equal("numUnique lu", numero, c.send(message.lecture(numero), "consultant").numero)


@serveur(
    "S0614",
    "SOA-31",
    titre="Aucune entrée absurde ne reçoit une page d'erreur nue",
    conduite="Répondre à tout POST d'un guichet connu par une faute SOAP lisible.",
)
def never_bare(c: Cible) -> Iterator[Constat]:
    headers, _ = message.inline(message.lecture(_INCONNU))
    place = f"/services/{contract.DEMANDE_LOGEMENT}"
    for quoi, body in (
        ("octets nuls", b"\0" * 64),
        ("rien", b""),
        ("binaire", bytes(range(256))),
        ("JSON", b"{}"),
    ):
        lu = read(c.poste().post(place, body, headers))
        yield check(quoi, lu.faute is not None, lu.resume, "une faute SOAP")


# --- the client of a partner ------------------------------------------------------------------------------

_APPELS = (Capacite.APPELS,)


def _refused(p: Pupitre, reaction: Reaction) -> Jeu:
    return p.play("enregistrer", lambda _: reaction, document=p.document())


@client(
    "C0601",
    "SOA-30",
    titre="Une faute est lue malgré le statut 500, et sa raison est dite",
    conduite="Lire le corps d'une réponse 500 ; montrer le code, la raison et la conduite.",
    exige=_APPELS,
)
def reads_a_fault(p: Pupitre) -> Iterator[Constat]:
    jeu = _refused(
        p, fault("Sender", "Le certificat présenté n'est enregistré pour aucun guichet.", "GUI001")
    )
    yield equal("réussite annoncée", False, jeu.reussi)
    told = "GUI001" in jeu.compte.sortie or "aucun guichet" in jeu.compte.sortie
    yield check("faute comprise", told, jeu.compte.sortie, "GUI001 ou sa raison")


@client(
    "C0602",
    "SOA-31",
    titre="Une saturation n'est pas suivie d'une rafale",
    conduite="Renvoyer le même message une minute plus tard, pas aussitôt.",
    exige=_APPELS,
)
def waits_when_told(p: Pupitre) -> Iterator[Constat]:
    jeu = _refused(p, fault("Receiver", "L'échangeur est momentanément saturé.", "SOA091"))
    yield check("envois", len(jeu.appels) <= 3, len(jeu.appels), "trois au plus")


@client(
    "C0603",
    "SOA-31",
    titre="Une erreur inattendue n'est pas un succès",
    conduite="Reconnaître la faute SOA090 et garder le document pour le renvoyer.",
    exige=_APPELS,
)
def unexpected(p: Pupitre) -> Iterator[Constat]:
    text = "Une erreur inattendue est survenue lors du traitement de la demande."
    yield equal("réussite annoncée", False, _refused(p, fault("Receiver", text, "SOA090")).reussi)


@client(
    "C0604",
    "SOA-31",
    titre="Une page d'erreur d'un relais n'est pas un succès",
    conduite="Traiter comme une panne toute réponse qui n'est pas du SOAP.",
    exige=_APPELS,
)
def page_of_a_proxy(p: Pupitre) -> Iterator[Constat]:
    html = Reaction(502, b"<html><body>Bad gateway</body></html>", {"Content-Type": "text/html"})
    yield equal("réussite annoncée", False, _refused(p, html).reussi)


@client(
    "C0605",
    "SOA-31",
    titre="Une réponse vide n'est pas un succès",
    conduite="Traiter comme une panne une réponse sans enveloppe, même de statut 200.",
    exige=_APPELS,
)
def empty_answer(p: Pupitre) -> Iterator[Constat]:
    empty = Reaction(200, b"", {"Content-Type": "application/soap+xml"})
    yield equal("réussite annoncée", False, _refused(p, empty).reussi)
