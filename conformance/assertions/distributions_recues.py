"""Family 07, of a partner: what its service of reception must take, and acknowledge."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from lxml import etree

from conformance import message
from conformance.assertion import Capacite, Constat, Empeche, check, client, equal
from conformance.donnees import put
from conformance.livraison import deliver, delivery, taken
from conformance.pupitre import Pupitre
from conformance.reponse import violations_of
from schemas import contract
from schemas.documents import DEMANDES
from schemas.generation import STYLES

_RECEPTION = (Capacite.RECEPTION,)


@client(
    "C0701",
    "DST-12",
    titre="Une distribution valide est accusée : son identifiant, RECU, l'empreinte du fichier",
    conduite="Garder le fichier, puis répondre idDistribution, RECU et le SHA-256 des octets reçus.",
    exige=_RECEPTION,
)
def takes(p: Pupitre) -> Iterator[Constat]:
    contenu, ident = p.document("DIS"), p.ident()
    lu = deliver(p, contenu, 1, ident)
    yield equal("statut HTTP", 200, lu.http.statut or lu.resume)
    yield equal("idDistribution", ident, lu.champs.get("idDistribution", lu.resume))
    yield from taken("accusé", lu, contenu)


@client(
    "C0702",
    "DST-12",
    titre="L'accusé suit le WSDL",
    conduite="Valider la réponse selon le schéma du WSDL de ReceptionDistributionService.",
    exige=_RECEPTION,
    apres=("C0701",),
)
def answers_by_the_contract(p: Pupitre) -> Iterator[Constat]:
    lu = deliver(p, p.document("DIS"), 1)
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
    yield from taken("première fois", deliver(p, contenu, 1, ident), contenu)
    for _ in range(2):
        yield from taken("répétition", deliver(p, contenu, 1, ident), contenu, "DEJA_RECU")


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
    yield from taken("numéro 5002", deliver(p, early, 5002), early)
    yield from taken("numéro 5001", deliver(p, late, 5001), late)


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
        yield from taken(f"style {style.prefixe or 'sans préfixe'}", deliver(p, contenu, 1), contenu)


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
    yield from taken("SUP", deliver(p, contenu, 1), contenu)


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
    problem = violations_of(contenu)
    if problem:
        raise Empeche(f"l'avis du kit n'est pas valide : {problem}")
    yield from taken("avis de sortie", deliver(p, contenu, 1), contenu)


@client(
    "C0712",
    "DST-10",
    titre="Les versions 02.00 et 02.01 sont accusées",
    conduite="Lire les deux versions du document.",
    exige=_RECEPTION,
    apres=("C0701",),
)
def takes_both_versions(p: Pupitre) -> Iterator[Constat]:
    for kind in sorted(DEMANDES):
        contenu = p.document("DIS", kind=kind)
        yield from taken(str(kind), deliver(p, contenu, 1), contenu)


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
        found = list(pool.map(lambda each: deliver(p, each[0], 1, each[1]), files))
    for (contenu, ident), lu in zip(files, found, strict=True):
        yield equal("idDistribution", ident, lu.champs.get("idDistribution", lu.resume))
        yield from taken("accusé", lu, contenu)


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
        found = list(pool.map(lambda _: deliver(p, contenu, 1, ident), range(8)))
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
    headers, body = message.inline(delivery(p, contenu, 1, ident))
    fields = {"Host": p.poste().hote, "Content-Length": str(len(body)), **headers}
    head = f"POST {p.chemin} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields.items())
    p.poste().send(head.encode() + b"\r\n" + body, couper=True)
    yield from taken("renvoi", deliver(p, contenu, 1, ident), contenu, "RECU", "DEJA_RECU")


@client(
    "C0720",
    "DST-14",
    titre="Après un refus, la distribution suivante est accusée",
    conduite="Un document refusé n'arrête pas ceux qui le suivent.",
    exige=_RECEPTION,
    apres=("C0707",),
)
def goes_on_after_a_refusal(p: Pupitre) -> Iterator[Constat]:
    deliver(p, b"<x/>", 1)
    contenu = p.document("DIS")
    yield from taken("suivante", deliver(p, contenu, 2), contenu)


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
        yield from taken(kind, deliver(p, contenu, 1), contenu)
