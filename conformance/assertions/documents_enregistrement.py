"""Family 04, of a hub: a demande registered, refused, sent again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from conformance.assertion import Constat, check, equal, serveur
from conformance.cible import Cible
from conformance.donnees import insert, put, put_code
from conformance.reponse import anomaly, intact, valid
from schemas.documents import DEMANDES


@serveur(
    "S0401",
    "ENR-1",
    titre="Une demande valide est enregistrée : numéro unique, typeFichier RET, sans anomalie",
    conduite="Répondre par le document reçu, typeFichier RET, avec numUnique.",
)
def accepted(c: Cible) -> Iterator[Constat]:
    lu = c.register(c.document())
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
    yield valid("document rendu", c.create().lu.octets)


@serveur(
    "S0403",
    "ENR-1",
    titre="Le document rendu est celui qui a été reçu",
    conduite="Ne rien perdre, ajouter ni normaliser : noms, dates, communes, types, ressources.",
    apres=("S0401",),
)
def same_content(c: Cible) -> Iterator[Constat]:
    creee = c.create(complet=False)
    yield intact(creee.envoye, creee.lu.octets, "typeFichier", "dateFichier", "incrementFichier")


@serveur(
    "S0404",
    "ENR-1",
    titre="Les versions 02.00 et 02.01 sont admises",
    conduite="Accepter les deux versions du document de demande.",
)
def both_versions(c: Cible) -> Iterator[Constat]:
    for kind in sorted(DEMANDES):
        lu = c.register(c.document(kind=kind))
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
    lu = c.register(document)
    for code in ("COD101", "DEM103"):
        yield anomaly("anomalies", code, lu)
    yield equal("numUnique", "", lu.numero)


@serveur(
    "S0406",
    "ENR-2",
    titre="Une demande refusée n'est pas enregistrée",
    conduite="Ne rien garder d'une demande refusée qui puisse compter comme un doublon.",
)
def refused_is_not_kept(c: Cible) -> Iterator[Constat]:
    document = c.document()
    refused = c.register(put_code(document, "civilite", "ZZ"))
    yield anomaly("premier envoi", "COD101", refused)
    lu = c.register(document)
    yield check("le même, corrigé", bool(lu.numero), lu.resume, "un numéro unique, sans doublon")


@serveur(
    "S0407",
    "ENR-2",
    titre="Le document refusé revient tel qu'il a été reçu",
    conduite="Rendre le document reçu, avec listeAnomalie, valide selon son schéma.",
)
def refused_as_received(c: Cible) -> Iterator[Constat]:
    document = put_code(c.document(), "civilite", "ZZ")
    lu = c.register(document)
    yield anomaly("anomalies", "COD101", lu)
    yield valid("document rendu", lu.octets)
    yield intact(document, lu.octets, "typeFichier", "dateFichier")


@serveur(
    "S0408",
    "ENR-3",
    titre="Le même fichier renvoyé reçoit la première réponse, octet pour octet",
    conduite="Reconnaître un rejeu au guichet et au SHA-256 du fichier ; rendre la réponse gardée.",
    apres=("S0401",),
)
def replay(c: Cible) -> Iterator[Constat]:
    document = c.document()
    first, again = c.register(document), c.register(document)
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
    yield anomaly("même personne", "DBL101", c.register(document))
    c.accepted(c.register(c.radiate(creee, "RADABA")), "la radiation")
    lu = c.register(document)
    yield check("le même fichier, ensuite", bool(lu.numero), lu.resume, "un numéro unique")
