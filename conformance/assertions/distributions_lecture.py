"""Family 07, of a hub: what a guichet finds when it comes for its distributions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from conformance import message
from conformance.assertion import Capacite, Constat, check, equal, serveur
from conformance.cible import Cible
from conformance.releve import (
    acknowledge,
    content,
    distributed,
    entries,
    last,
    list_after,
    situation,
    text,
)
from conformance.reponse import read, valid

_RETRAIT = (Capacite.LECTEUR, Capacite.RETRAIT)


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
    yield valid("document", content(entry))
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
