"""Family 08: sequences without a gap, comparison, signed manifests."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import timedelta

from certs.cms import RefusCms
from certs.signature import verify_signature
from conformance import message
from conformance.assertion import Absente, Capacite, Constat, check, equal, serveur
from conformance.cible import Cible
from conformance.releve import compare, distributed, entries, last, list_after, ranges, text
from conformance.reponse import Lu
from schemas.manifeste import Manifeste, read_manifeste

_RETRAIT = (Capacite.LECTEUR, Capacite.RETRAIT)


@serveur(
    "S0801",
    "DST-11",
    titre="Les numéros d'ordre d'un guichet croissent de un en un, sans trou",
    conduite="Donner le numéro dans la transaction qui distribue.",
    exige=_RETRAIT,
    apres=("S0701",),
)
def no_gap(c: Cible) -> Iterator[Constat]:
    before = last(c)
    for _ in range(4):
        c.create()
    found = [int(text(each, "sequence")) for each in entries(list_after(c, before, etat="TOUTES"))]
    yield check("distributions", len(found) >= 4, len(found), "quatre au moins")
    yield equal("numéros d'ordre", list(range(before + 1, before + 1 + len(found))), found)


@serveur(
    "S0802",
    "DST-11",
    titre="Les événements d'une même demande sont distribués dans leur ordre",
    conduite="Garder l'ordre des faits d'une demande.",
    exige=_RETRAIT,
    apres=("S0801", "S0502"),
)
def order(c: Cible) -> Iterator[Constat]:
    before = last(c)
    creee = c.create()
    c.accepted(c.send(message.demande(c.nom, c.follow(creee, "MOD"))), "la modification")
    radiated = c.send(message.demande(c.nom, c.radiate(creee, "RADABA").replace(b"V000001", b"V000002")))
    c.accepted(radiated, "la radiation")
    files = [
        base64.b64decode(text(each, "fichierDemande"))
        for each in entries(list_after(c, before))
        if text(each, "numUnique") == creee.numero
    ]
    versions = [next((v for v in (b"V000001", b"V000002", b"V000003") if v in each), b"?") for each in files]
    yield equal("versions, dans l'ordre reçu", "V000001 V000002 V000003", b" ".join(versions).decode())


@serveur(
    "S0803",
    "DST-70",
    titre="Un rapprochement sans écart ne dit rien",
    conduite="Comparer ce que le guichet dit avoir à ce qui a été fait pour lui.",
    exige=_RETRAIT,
    apres=("S0801",),
)
def nothing_missing(c: Cible) -> Iterator[Constat]:
    before = last(c)
    entry = distributed(c, c.create(), before)
    sequence = int(text(entry, "sequence"))
    end = last(c)
    lu = compare(c, (before + 1, end, ""), apres=before, jusqua=end)
    for name in ("manquante", "enTrop", "differente"):
        yield equal(name, [], ranges(lu, name) or ([] if not lu.code else lu.resume))
    yield check("numéro compris", before < sequence <= end, sequence, f"entre {before + 1} et {end}")


@serveur(
    "S0804",
    "DST-70",
    titre="Un numéro que le guichet n'a pas est dit manquant",
    conduite="Dire les numéros manquants, par tranches.",
    exige=_RETRAIT,
    apres=("S0803",),
)
def missing(c: Cible) -> Iterator[Constat]:
    before = last(c)
    c.create()
    c.create()
    end = last(c)
    lu = compare(c, (end, end, ""), apres=before, jusqua=end)
    yield equal("manquantes", [(before + 1, end - 1)], ranges(lu, "manquante") or lu.resume)


@serveur(
    "S0805",
    "DST-70",
    titre="Un numéro qui n'a jamais été donné est dit en trop",
    conduite="Dire ce que le guichet croit avoir et qui n'a pas été fait.",
    exige=_RETRAIT,
    apres=("S0803",),
)
def too_many(c: Cible) -> Iterator[Constat]:
    end = last(c)
    lu = compare(c, (end + 100, end + 101, ""), apres=end + 50)
    yield equal("en trop", [(end + 100, end + 101)], ranges(lu, "enTrop") or lu.resume)


@serveur(
    "S0806",
    "DST-70",
    "DST-71",
    titre="Un fichier d'une autre empreinte est dit différent, sans donner la bonne",
    conduite="Comparer les empreintes ; ne jamais rendre la bonne.",
    exige=_RETRAIT,
    apres=("S0803",),
)
def different(c: Cible) -> Iterator[Constat]:
    before = last(c)
    entry = distributed(c, c.create(), before)
    sequence = int(text(entry, "sequence"))
    lu = compare(c, (sequence, sequence, "0" * 64), apres=sequence - 1, jusqua=sequence)
    yield equal("différentes", [(sequence, sequence)], ranges(lu, "differente") or lu.resume)
    yield check(
        "empreinte juste", text(entry, "empreinte").encode() not in lu.http.corps, "donnée", "jamais donnée"
    )


@serveur(
    "S0807",
    "DST-72",
    titre="Une tranche qui finit avant de commencer est refusée (DIS210)",
    conduite="Refuser par une faute, sans rien comparer.",
    exige=_RETRAIT,
)
def backwards(c: Cible) -> Iterator[Constat]:
    yield equal("code", "DIS210", compare(c, (5, 3, "")).code)


@serveur(
    "S0808",
    "DST-72",
    titre="Une tranche qui n'a pas une empreinte par numéro est refusée (DIS211)",
    conduite="Exiger une empreinte par numéro, ou aucune.",
    exige=_RETRAIT,
)
def one_digest_each(c: Cible) -> Iterator[Constat]:
    yield equal("code", "DIS211", compare(c, (1, 3, "0" * 64)).code)


@serveur(
    "S0809",
    "DST-70",
    titre="Un rapprochement n'acquitte rien",
    conduite="Ne rien changer : comparer n'est pas acquitter.",
    exige=_RETRAIT,
    apres=("S0803",),
)
def acknowledges_nothing(c: Cible) -> Iterator[Constat]:
    before = last(c)
    creee = c.create()
    entry = distributed(c, creee, before)
    sequence = int(text(entry, "sequence"))
    c.accepted(compare(c, (sequence, sequence, text(entry, "empreinte"))), "le rapprochement")
    left = [text(each, "numUnique") for each in entries(list_after(c, before))]
    yield check("ce qui reste à acquitter", creee.numero in left, left, creee.numero)


def _manifests(c: Cible) -> Lu:
    since = (c.donnees.le - timedelta(days=30)).isoformat()
    lu = c.send(message.distributions("listerManifestes", ("apresJour", since)), "lecteur")
    return c.accepted(lu, "listerManifestes")


@serveur(
    "S0810",
    "DST-65",
    titre="listerManifestes répond, et borne nombreMax (DIS201)",
    conduite="Rendre les manifestes du guichet dans l'ordre des jours.",
    exige=_RETRAIT,
)
def list_of_manifests(c: Cible) -> Iterator[Constat]:
    lu = _manifests(c)
    yield check("suite", lu.champs.get("suite") in ("OUI", "NON"), lu.champs.get("suite", ""), "OUI ou NON")
    days = [] if lu.element is None else [text(each, "jour") for each in lu.element.iterfind("manifeste")]
    yield equal("jours dans l'ordre", sorted(days), days)
    too_many = c.send(message.distributions("listerManifestes", ("nombreMax", "101")), "lecteur")
    yield equal("nombreMax 101", "DIS201", too_many.code)


@serveur(
    "S0811",
    "DST-60",
    "DST-62",
    titre="Chaque manifeste est signé, valide, et suit le précédent",
    conduite="Signer le manifeste de chaque jour fini, chaîné à l'empreinte du précédent.",
    exige=(*_RETRAIT, Capacite.MANIFESTES),
)
def signed_manifests(c: Cible) -> Iterator[Constat]:
    lu = _manifests(c)
    found = [] if lu.element is None else list(lu.element.iterfind("manifeste"))
    if not found:
        raise Absente("aucun jour fini n'a encore de manifeste pour ce guichet")
    suit: tuple[int, str] | None = None
    for each in found:
        opened = verify_signature(base64.b64decode(text(each, "fichierManifeste")))
        yield check(
            f"signature du {text(each, 'jour')}", not isinstance(opened, RefusCms), opened, "vérifiée"
        )
        assert not isinstance(opened, RefusCms)
        manifeste = read_manifeste(opened.octets)
        yield check("document", isinstance(manifeste, Manifeste), manifeste, "un manifeste valide")
        assert isinstance(manifeste, Manifeste)
        yield equal("guichet", c.guichet("lecteur").code, manifeste.guichet)
        yield equal("empreinte annoncée", opened.empreinte, text(each, "empreinte"))
        if suit is not None:
            yield equal("premier numéro, moins un", suit[0], manifeste.apres)
            yield equal("empreinte du précédent", suit[1], manifeste.precedent)
        suit = (manifeste.derniere, opened.empreinte)
