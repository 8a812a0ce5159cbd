"""For each published operation, a call that the hub must accept, and what must come of it."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from lxml import etree

from echangeur.demo.fichiers import follow_up, renew, write_event
from registry.controles import PARIS
from schemas.generation import generate_demande
from tests.bout_en_bout.appels import RECU, Appels, content, text_of
from tests.bout_en_bout.essais_portail import ESSAIS_PORTAIL
from tests.registry.dalo import declaration, numbers_in
from tests.registry.documents_pieces import jpeg
from tests.registry.test_evenements_store import types
from tests.registry.test_gestion_partagee import question
from tests.registry.vies import radiation

ETAT = "G7500"
VIDE = {"nomCertificat": "", "certificat": b""}
LOGEMENT = {"LOGEMENT": "9300000042"}
_seeds = itertools.count(1)


def generate() -> bytes:
    """The creation of another person."""
    graine = f"zeep {next(_seeds)}"
    return generate_demande(graine, guichet="G1104", association=False, communes=["93066"])


def register(appels: Appels) -> bytes:
    """A new demande; the document of the answer."""
    return send(appels, generate())


def send(appels: Appels, document: bytes) -> bytes:
    fichier = {"nomFichierDemande": "DEM.xml", "fichierDemande": document}
    return content(appels.call("getNumUnique", **fichier, **VIDE), "fichierDemande")


def numero_of(document: bytes) -> str:
    return text_of(document, "numUnique")


def now() -> datetime:
    return datetime.now(UTC)


# --- demandes -----------------------------------------------------------------------------------------------


def registers_with_an_attestation(appels: Appels) -> None:
    fichier = {"nomFichierDemande": "DEM.xml", "fichierDemande": generate(), "complet": "oui"}
    answer = appels.call("getNumUnique", **fichier, **VIDE)
    numero = numero_of(content(answer, "fichierDemande"))
    assert (numero[:3], numero[-5:]) == ("111", "G1104")
    assert content(answer, "attestation").startswith(b"%PDF")


def reads_a_demande(appels: Appels) -> None:
    document = register(appels)
    answer = appels.call("getDemandeLogement", numUnique=numero_of(document), **VIDE)
    lue = content(answer, "fichierDemande")
    assert (numero_of(lue), text_of(lue, "nom")) == (numero_of(document), text_of(document, "nom"))


def finds_doublons(appels: Appels) -> None:
    document = generate()
    numero = numero_of(send(appels, document))
    answer = appels.call("getDoublons", nomFichierDemande="DEM.xml", fichierDemande=document)
    assert text_of(content(answer, "listeDoublons"), "numUnique") == numero


def declares_a_dalo(appels: Appels) -> str:
    numero = numero_of(register(appels))
    fichier = declaration(numero, guichet=ETAT)
    answer = appels.call(
        "getDeclarationNouveauDalo", guichet=ETAT, nomFichierDalo="a.xml", fichierDalo=fichier, **VIDE
    )
    assert b'code="ACTIF"' in content(answer, "fichierDalo")
    return numero


def lists_new_dalos(appels: Appels) -> None:
    numero = declares_a_dalo(appels)
    depuis = now() - timedelta(days=1)
    answer = appels.call("getNouveauxDaloDepuisLe", dateNouveauDaloDepuisLe=depuis, **VIDE)
    assert numero in numbers_in(content(answer, "fichierNouveauxDalo"))


def lists_radiated(appels: Appels) -> None:
    document = register(appels)
    jour = now().astimezone(PARIS).date().isoformat()
    send(appels, radiation(document, "RADABA", jour, ecrit=now()))
    depuis = now() - timedelta(days=1)
    answer = appels.call(
        "getDemandesRadieesDepuisLe",
        dateRadiationDepuisLe=depuis,
        motifRadiation={"code": "RADABA"},
        statutDalo={},
        typeReservataire={},
        **VIDE,
    )
    assert numero_of(document) in numbers_in(content(answer, "fichierDemandesRadiees"))


# --- search and shared management ---------------------------------------------------------------------------


def ask(appels: Appels, operation: str, fichier: bytes) -> etree._Element:
    answer = appels.call(operation, nomFichier="a.xml", fichierXml=fichier, nomCertificat="")
    return etree.fromstring(content(answer, "fichierXmlRetour"))


def searches(appels: Appels) -> None:
    numero = numero_of(register(appels))
    fichier = question("<communeSouhaitee>93066</communeSouhaitee>")
    found = ask(appels, "rechercheDemandeMulticritere", fichier)
    assert numero in [each.text for each in found.iterfind(f"{RECU}listeDemandes/{RECU}numUnique")]


def lists_national_types(appels: Appels) -> None:
    found = ask(appels, "listerTypesEvenementsNationaux", types())
    assert "CALATT" in [each.text for each in found.iter(f"{RECU}codeTypeEvenement")]


def lists_types_of_a_territory(appels: Appels) -> None:
    # None is declared there: an answer all the same.
    found = ask(appels, "listerTypesEvenementsTerritoriaux", types("111"))
    assert found.findtext(f"{RECU}entete/{RECU}typeFichier")


def adds_an_event(appels: Appels) -> tuple[str, str]:
    """The numbers of the demande and of its event."""
    numero = numero_of(register(appels))
    fichier = write_event(numero, "G1104", now(), "DESIGN", LOGEMENT)
    added = ask(appels, "ajouterEvenementDemande", fichier)
    assert added.findtext(f".//{RECU}natureModification") == "AJOUT"
    return numero, added.findtext(f".//{RECU}idEvenement") or ""


def events_of(appels: Appels, numero: str) -> list[str | None]:
    found = ask(appels, "listerEvenementsDemande", write_event(numero, "G1104", now()))
    return [each.text for each in found.iter(f"{RECU}idEvenement")]


def lists_events(appels: Appels) -> None:
    numero, evenement = adds_an_event(appels)
    assert events_of(appels, numero) == [evenement]


def change_of(numero: str, evenement: str) -> bytes:
    cible = f"<idEvenement>{evenement}</idEvenement><commentaire>vu</commentaire>"
    liste = f"<listeEvenements><evenement>{cible}</evenement></listeEvenements></interfaceNuu>".encode()
    return write_event(numero, "G1104", now()).replace(b"</interfaceNuu>", liste)


def changes_an_event(appels: Appels) -> None:
    numero, evenement = adds_an_event(appels)
    changed = ask(appels, "modifierEvenementDemande", change_of(numero, evenement))
    assert changed.findtext(f".//{RECU}commentaire") == "vu"


def removes_an_event(appels: Appels) -> None:
    numero, evenement = adds_an_event(appels)
    ask(appels, "supprimerEvenementDemande", change_of(numero, evenement))
    assert events_of(appels, numero) == []


# --- pièces -------------------------------------------------------------------------------------------------


def deposits(appels: Appels) -> tuple[dict[str, str], bytes]:
    """Who looks at which pièce, and its content."""
    octets = jpeg(balayage=b"\x12" * 200_000)
    qui = {"numUnique": numero_of(register(appels)), "utilisateur": "a.martin"}
    empreinte = hashlib.sha256(octets).hexdigest()
    stored = appels.call(
        "deposerPiece",
        categorie={"code": "IDE01"},
        nomFichier="carte.jpg",
        fichierPiece=octets,
        empreinte=empreinte,
        **qui,
    )
    assert (stored["empreinte"], stored["typeContenu"]) == (empreinte, "image/jpeg")
    return {**qui, "idPiece": stored["idPiece"]}, octets


def dossier_of(piece: dict[str, str]) -> dict[str, str]:
    return {nom: valeur for nom, valeur in piece.items() if nom != "idPiece"}


def lists_pieces(appels: Appels) -> None:
    piece, _ = deposits(appels)
    liste = content(appels.call("listerPieces", **dossier_of(piece)), "listePieces")
    assert etree.fromstring(liste).findtext(".//{*}idPiece") == piece["idPiece"]


def reads_a_piece(appels: Appels) -> None:
    piece, octets = deposits(appels)
    assert content(appels.call("consulterPiece", **piece), "fichierPiece") == octets


def marks_a_piece(appels: Appels) -> None:
    piece, _ = deposits(appels)
    marked = appels.call("marquerPiece", marque={"code": "OBSOL"}, **piece)
    assert marked["idPiece"] == piece["idPiece"]


def removes_a_piece(appels: Appels) -> None:
    piece, _ = deposits(appels)
    assert appels.call("supprimerPiece", motif="remplacée", **piece)["idPiece"] == piece["idPiece"]
    liste = content(appels.call("listerPieces", **dossier_of(piece)), "listePieces")
    assert etree.fromstring(liste).find(".//{*}idPiece") is None


def tells_what_was_done_with_pieces(appels: Appels) -> None:
    piece, _ = deposits(appels)
    history = content(appels.call("historiquePieces", **dossier_of(piece)), "historiquePieces")
    assert etree.fromstring(history).findtext(".//{*}nature") == "DEPOT"


# --- distributions ------------------------------------------------------------------------------------------


def receives_a_distribution(appels: Appels) -> None:
    document = follow_up(register(appels), "DIS", "G1104", now(), renew(now().date()))
    distribution = {
        "idDistribution": f"essai-{next(_seeds)}",
        "sequence": 1,
        "nomFichierDemande": "DIS.xml",
        "fichierDemande": document,
    }
    for statut in ("RECU", "DEJA_RECU"):
        accuse = appels.call("recevoirDistribution", **distribution)
        assert (accuse["statut"], accuse["empreinte"]) == (statut, hashlib.sha256(document).hexdigest())


def waits_for_the_state(appels: Appels) -> Any:
    """A distribution that waits for the State, which takes all and comes for it."""
    avant = appels.call("situerDistributions", guichet=ETAT)["derniereSequence"]
    numero = numero_of(register(appels))
    answer = appels.call("listerDistributions", guichet=ETAT, apresSequence=avant, nombreMax=5)
    (distribution,) = answer["distribution"]
    contenu = content(distribution, "fichierDemande")
    assert (distribution["numUnique"], numero_of(contenu)) == (numero, numero)
    assert hashlib.sha256(contenu).hexdigest() == distribution["empreinte"]
    return distribution


def acknowledges(appels: Appels) -> None:
    waiting = waits_for_the_state(appels)
    acquit = {"sequence": waiting["sequence"], "empreinte": waiting["empreinte"]}
    (resultat,) = appels.call("acquitterDistributions", guichet=ETAT, acquit=[acquit])
    assert (resultat["sequence"], resultat["statut"]) == (waiting["sequence"], "ACQUITTEE")


def tells_where_it_stands(appels: Appels) -> None:
    waiting = waits_for_the_state(appels)
    stands = appels.call("situerDistributions", guichet=ETAT)
    assert (stands["canal"], stands["derniereSequence"]) == ("retrait", waiting["sequence"])
    assert stands["enAttente"] > 0


def replays(appels: Appels) -> None:
    waiting = waits_for_the_state(appels)
    # It has not failed: it still waits, and is not sent twice.
    assert appels.call("rejouerDistributions", guichet=ETAT, sequence=waiting["sequence"]) == 0


def lists_manifests(appels: Appels) -> None:
    waits_for_the_state(appels)
    # Those of the days that are over: none yet, on the first day.
    answer = appels.call("listerManifestes", guichet=ETAT, apresJour=now().date(), nombreMax=5)
    assert (answer["suite"], answer["manifeste"]) == ("NON", [])


def reconciles(appels: Appels) -> None:
    waiting = waits_for_the_state(appels)
    sequence = waiting["sequence"]
    tenue = {"premiere": sequence, "derniere": sequence, "empreintes": "0" * 64}
    answer = appels.call("rapprocherDistributions", guichet=ETAT, apresSequence=sequence - 1, tranche=[tenue])
    assert (answer["derniereSequence"], answer["suite"], answer["manquante"]) == (sequence, "NON", [])
    assert [each["sequence"] for each in answer["differente"]] == [sequence]
    lost = appels.call("rapprocherDistributions", guichet=ETAT, apresSequence=sequence - 1)
    assert [(each["premiere"], each["etat"]) for each in lost["manquante"]] == [(sequence, "EN_ATTENTE")]


ESSAIS: dict[str, Callable[[Appels], Any]] = {
    "getNumUnique": registers_with_an_attestation,
    "getDemandeLogement": reads_a_demande,
    "getDoublons": finds_doublons,
    "getDeclarationNouveauDalo": declares_a_dalo,
    "getNouveauxDaloDepuisLe": lists_new_dalos,
    "getDemandesRadieesDepuisLe": lists_radiated,
    "rechercheDemandeMulticritere": searches,
    "listerTypesEvenementsNationaux": lists_national_types,
    "listerTypesEvenementsTerritoriaux": lists_types_of_a_territory,
    "listerEvenementsDemande": lists_events,
    "ajouterEvenementDemande": adds_an_event,
    "modifierEvenementDemande": changes_an_event,
    "supprimerEvenementDemande": removes_an_event,
    "deposerPiece": deposits,
    "listerPieces": lists_pieces,
    "consulterPiece": reads_a_piece,
    "marquerPiece": marks_a_piece,
    "supprimerPiece": removes_a_piece,
    "historiquePieces": tells_what_was_done_with_pieces,
    "recevoirDistribution": receives_a_distribution,
    "listerDistributions": waits_for_the_state,
    "acquitterDistributions": acknowledges,
    "situerDistributions": tells_where_it_stands,
    "rejouerDistributions": replays,
    "listerManifestes": lists_manifests,
    "rapprocherDistributions": reconciles,
    **ESSAIS_PORTAIL,
}
"""By operation. tests/test_depot.py checks that every operation of every WSDL has one."""
