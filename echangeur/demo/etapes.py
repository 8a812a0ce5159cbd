"""The life of one demande: what each partner does in turn, and what must come of it.

Every step is a call through the socket, by a SOAP library that knows the address of the WSDL; a step writes
from the last version that its author has, received in a distribution or in an answer. The recipients are
written here by hand.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from lxml import etree

from conformance.client_wsdl import ClientWsdl, Reponse
from echangeur.demo import fichiers
from echangeur.demo.pieces import draw_carte, print_avis
from echangeur.demo.scenario import BAGNOLET, MONTREUIL, PARIS_11, A, B, C, D
from echangeur.instance import Instance
from registry.clock import Clock
from registry.controles import PARIS, format_jour
from registry.rpls import TITRES
from registry.rpls_import import import_rpls
from schemas.demande import Demande, read_demande
from schemas.ecriture import REFERENCE
from schemas.generation import generate_demande
from schemas.parser import parse

_DEMANDE: Final = "DemandeLogementImplService"
_DOSSIER: Final = "DossierUniqueImplService"
_GESTION: Final = "GestionPartageeEVTImplService"
_SANS_CERTIFICAT: Final = {"nomCertificat": "", "certificat": b""}


class EtapeRefusee(Exception):
    """The hub refused what the scenario does. str() is French: codes and texts."""


@dataclass(slots=True)
class Vecu:
    """What the partners have in their hands as the life goes on.

    connues: by code, the last version of the demande that a partner has. documents: where files are left.
    """

    instance: Instance
    clients: Mapping[str, ClientWsdl]
    clock: Clock
    documents: Path
    numero: str = ""
    connues: dict[str, bytes] = field(default_factory=dict)

    @property
    def jour(self) -> date:
        """Today, in Paris."""
        return self.clock.now().astimezone(PARIS).date()

    def call(self, code: str, service: str, operation: str, champs: Mapping[str, object]) -> Reponse:
        """What a partner is answered. Raises EtapeRefusee."""
        reponse = self.clients[code].call(service, operation, champs)
        if reponse.refus:
            raise EtapeRefusee(" ; ".join(f"{code} {texte}" for code, texte in reponse.refus))
        return reponse

    def register(self, code: str, document: bytes, complet: str = "non") -> Reponse:
        """getNumUnique, with an attestation or not; the author knows the version that comes back."""
        nom = f"DEM{code}-{self.clock.now():%Y%m%d%H%M}-000001.xml"
        fichier = {"nomFichierDemande": nom, "fichierDemande": document, "complet": complet}
        reponse = self.call(code, _DEMANDE, "getNumUnique", {**fichier, **_SANS_CERTIFICAT})
        self.connues[code] = reponse.fichiers["fichierDemande"]
        return reponse

    def follow_up(self, code: str, type_fichier: str, change: fichiers.Change) -> Demande:
        """A fact about the demande as this partner knows it; the demande as it is then."""
        data = fichiers.follow_up(self.connues[code], type_fichier, code, self.clock.now(), change)
        return _read(self.register(code, data).fichiers["fichierDemande"])


@dataclass(frozen=True, slots=True)
class Etape:
    """One step. auteur: code of a guichet, or empty for the operator of the hub.

    faire: does it, tells what came back, in French. natures: of the entries that it adds to the journal.
    recue_par: codes of the guichets that must be sent the demande because of it.
    """

    titre: str
    auteur: str
    faire: Callable[[Vecu], list[str]]
    natures: tuple[str, ...] = ()
    recue_par: frozenset[str] = frozenset()


def _create(vecu: Vecu) -> list[str]:
    jour = vecu.jour - timedelta(days=1)
    document = generate_demande(
        "démonstration vie",
        guichet=A,
        communes=[MONTREUIL, PARIS_11],
        types_logement=["T3"],
        le=jour,
        date_creation=jour,
        avec_cotitulaire=True,
        lien="M",
        style=REFERENCE,
    )
    reponse = vecu.register(A, document, complet="oui")
    vecu.numero = _read(reponse.fichiers["fichierDemande"]).num_unique or ""
    attestation = reponse.fichiers["attestation"]
    place = vecu.documents / "attestation.pdf"
    place.write_bytes(attestation)
    return [f"numéro unique {vecu.numero}", f"attestation, {_size(attestation)} : {place}"]


def _modify(vecu: Vecu) -> list[str]:
    demande = vecu.follow_up(B, "MOD", fichiers.wish(BAGNOLET))
    return [f"{len(demande.communes_souhaitees)} communes souhaitées"]


def _deposit(vecu: Vecu) -> list[str]:
    lignes = []
    for categorie, nom, contenu in (
        ("FIS02", "avis.pdf", print_avis()),
        ("IDE01", "carte.jpg", draw_carte()),
    ):
        (vecu.documents / nom).write_bytes(contenu)
        depot = {
            "numUnique": vecu.numero,
            "categorie": {"code": categorie},
            "nomFichier": nom,
            "fichierPiece": contenu,
            "empreinte": hashlib.sha256(contenu).hexdigest(),
            "utilisateur": "accueil",
        }
        deposee = vecu.call(B, _DOSSIER, "deposerPiece", depot)
        voulue = {
            "numUnique": vecu.numero,
            "idPiece": deposee.textes["idPiece"],
            "utilisateur": "instruction",
        }
        lue = vecu.call(C, _DOSSIER, "consulterPiece", voulue)
        if lue.fichiers["fichierPiece"] != contenu:
            raise EtapeRefusee(f"C ne lit pas {nom} tel que B l'a déposé")
        lignes.append(
            f"{nom} ({deposee.textes['typeContenu']}, {_size(contenu)}), que C relit à l'octet près"
        )
    return lignes


def _declare_dalo(vecu: Vecu) -> list[str]:
    lue = vecu.call(D, _DEMANDE, "getDemandeLogement", {"numUnique": vecu.numero, **_SANS_CERTIFICAT})
    change = fichiers.recognise_dalo(vecu.jour)
    data = fichiers.follow_up(lue.fichiers["fichierDemande"], "MOD", D, vecu.clock.now(), change)
    declaration = {"nomFichierDalo": "dalo.xml", "fichierDalo": data, **_SANS_CERTIFICAT}
    reponse = vecu.call(D, _DEMANDE, "getDeclarationNouveauDalo", declaration)
    dalo = _read(reponse.fichiers["fichierDalo"]).dalo
    return [f"statut DALO {dalo.statut if dalo else 'absent'}"]


def _commission(vecu: Vecu) -> list[str]:
    logement = {"LOGEMENT": fichiers.RPLS}
    for type_evenement, champs in (
        ("ODJCAL", {**logement, "DATECAL": vecu.jour.isoformat()}),
        ("CALATT", logement),
    ):
        _exchange_events(vecu, A, "ajouterEvenementDemande", type_evenement, champs)
    lus = _exchange_events(vecu, B, "listerEvenementsDemande")
    return [f"que B lit ainsi : {' ; '.join(lus)}"]


def _exchange_events(
    vecu: Vecu, code: str, operation: str, type_evenement: str = "", champs: dict[str, str] | None = None
) -> list[str]:
    """The labels of the events of the answer."""
    fichier = fichiers.write_event(vecu.numero, code, vecu.clock.now(), type_evenement, champs)
    demande = {"nomFichier": "evenements.xml", "fichierXml": fichier, "nomCertificat": ""}
    reponse = vecu.call(code, _GESTION, operation, demande)
    root = etree.fromstring(reponse.fichiers["fichierXmlRetour"])
    return [each.text or "" for each in root.iterfind(".//{*}libelleTypeEvenement")]


def _renew(vecu: Vecu) -> list[str]:
    demande = vecu.follow_up(C, "REN", fichiers.renew(vecu.jour))
    jour = demande.date_renouvellement
    return [f"renouvelée le {format_jour(jour) if jour else '?'}"]


def _import_directory(vecu: Vecu) -> list[str]:
    fichier = io.StringIO(newline="")
    lignes = csv.DictWriter(fichier, TITRES, restval="", delimiter=";")
    lignes.writeheader()
    lignes.writerow(fichiers.LOGEMENT_RPLS)
    fichier.seek(0)
    with vecu.instance.database() as engine, engine.begin() as conn:
        bilan = import_rpls(conn, fichier, vecu.clock.now())
    return [f"{bilan.nouveaux} logement nouveau, {bilan.nombre_fautes} ligne fautive"]


def _attribute(vecu: Vecu) -> list[str]:
    demande = vecu.follow_up(A, "RAD", fichiers.attribute(vecu.jour))
    attribution = demande.radiation.attribution if demande.radiation else None
    if attribution is None or attribution.surface != int(fichiers.LOGEMENT_RPLS["surface"]):
        raise EtapeRefusee("l'attribution n'est pas complétée depuis le répertoire")
    logement = f"{attribution.type_logement} de {attribution.surface} m², {attribution.montant_loyer} €"
    return [f"logement {attribution.numero_rpls}, complété depuis le répertoire : {logement}"]


ETAPES: Final = (
    Etape("un couple demande un T3 à Montreuil ou Paris 11e", A, _create, ("CRE",), frozenset({B, C})),
    Etape("le couple souhaite aussi Bagnolet", B, _modify, ("MOD",), frozenset({A, C})),
    Etape("avis d'imposition et carte d'identité au dossier", B, _deposit, ("PIE", "PIE")),
    Etape("le droit au logement opposable est reconnu", D, _declare_dalo, ("MOD",), frozenset({A, B, C})),
    Etape("commission : ordre du jour, puis attribution", A, _commission, ("EVT", "EVT")),
    Etape("la demande est renouvelée", C, _renew, ("REN",), frozenset({A, B})),
    Etape("import du répertoire des logements (RPLS)", "", _import_directory),
    Etape("bail signé : radiation pour attribution", A, _attribute, ("RAD",), frozenset({B, C})),
)


def _read(document: bytes) -> Demande:
    root = parse(document)
    assert isinstance(root, etree._Element), "un document émis par l'échangeur se relit"
    return read_demande(root)


def _size(contenu: bytes) -> str:
    return f"{len(contenu):,} octets".replace(",", " ")
