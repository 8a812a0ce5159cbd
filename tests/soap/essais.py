"""Every act that a partner may ask for, tried: one message for each operation and each act that it may be.

An act that changes something takes a demande of its own, made by a bailleur, or by the guichet itself when
the act belongs to the author of what it changes.
"""

from __future__ import annotations

import base64
import itertools
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import aiohttp
from lxml import etree
from sqlalchemy import Engine

from registry.actes import Acte
from registry.guichets import Guichet, TypeGuichet
from registry.guichets_store import NouveauGuichet, add_guichet
from registry.profils import Profil
from tests.corpus import atelier
from tests.corpus.atelier import CORPS, Message
from tests.registry.dalo import ETAT
from tests.registry.documents_pieces import pdf
from tests.registry.fabrique import BAILLEUR, horloge
from tests.registry.portail import PORTAIL
from tests.registry.test_evenements_store import EVENEMENT, evenements, types
from tests.soap import test_corpus
from tests.soap.conftest import Hub, Pki

DEMANDEUR = f"{CORPS}/personnePhysique/demandeur"
COTITULAIRES = f"{CORPS}/personnePhysique/listeCotitulaire"
ATTRIBUTION = (
    "<attributionLogement><dateSignatureBail>2026-06-30</dateSignatureBail>"
    '<dejaLogeParcBailleur code="NON"/><numeroRpls>0123456789</numeroRpls><accordCollectif code="AUCUN"/>'
    '<typeReservataire code="AUCUN"/><codeSirenBailleur>552046484</codeSirenBailleur></attributionLogement>'
)
COURRIER = "<absenceReponse><dateCourrier>2026-06-01</dateCourrier></absenceReponse>"
RENOUVELLEMENT = "<renouvellement><dateRenouvellement>2026-07-01</dateRenouvellement></renouvellement>"
DALO = '<statutDalo code="ACTIF"/><dateDecisionDalo>2026-06-15</dateDecisionDalo>'
ECRIT = EVENEMENT.format("DESIGN", "A", "")


def radiation(motif: str, suite: str = "") -> list[str]:
    code = f' code="{motif}"' if motif else ""
    xml = f"<dateRadiation>2026-07-01</dateRadiation><motifRadiation{code}/>{suite}"
    return ["ajouter", CORPS, f"<radiation>{xml}</radiation>"]


@dataclass(frozen=True)
class Essai:
    """One message. fichier: typeFichier of a demande, or empty; document: further mutations of it.

    avant: what is done to its demande beforehand. propre: the act belongs to the author of what it changes.
    liste: it answers with what the guichet may read, and hides the rest. depot: it is about a deposit of the
    portal, not about a demande.
    """

    operation: str
    acte: Acte
    fichier: str = ""
    document: tuple[list[str], ...] = ()
    avant: str = ""
    propre: bool = False
    liste: bool = False
    depot: bool = False


ESSAIS: dict[str, Essai] = {
    "CRE": Essai("getNumUnique", Acte.CREER, "CRE"),
    "CRS": Essai("getNumUnique", Acte.CREER_APRES_SEPARATION, "CRS"),
    "COP": Essai("getNumUnique", Acte.LIRE, "COP"),
    "MOD": Essai("getNumUnique", Acte.MODIFIER, "MOD"),
    "REN": Essai("getNumUnique", Acte.RENOUVELER, "REN", (["ajouter", CORPS, RENOUVELLEMENT],)),
    "RADATT": Essai("getNumUnique", Acte.ATTRIBUER, "RAD", (radiation("RADATT", ATTRIBUTION),)),
    "RADABA": Essai("getNumUnique", Acte.ABANDONNER, "RAD", (radiation("RADABA"),)),
    "RADCON": Essai("getNumUnique", Acte.RADIER_SANS_REPONSE, "RAD", (radiation("RADCON", COURRIER),)),
    "RADIRR": Essai(
        "getNumUnique",
        Acte.DECLARER_IRRECEVABLE,
        "RAD",
        (radiation("RADIRR", '<sousMotifIrrecevabilite code="IRRSEJ"/>'),),
    ),
    "RADREN": Essai("getNumUnique", Acte.RADIER_NON_RENOUVELEE, "RAD", (radiation("RADREN"),)),
    "déradiation": Essai("getNumUnique", Acte.REACTIVER, "RAD", (radiation(""),), avant="RADCON"),
    "SUP": Essai("getNumUnique", Acte.SUPPRIMER, "SUP", propre=True),
    "lecture": Essai("getDemandeLogement", Acte.LIRE),
    "doublons": Essai("getDoublons", Acte.CHERCHER_DOUBLONS, "CRE", liste=True),
    "déclaration": Essai(
        "getDeclarationNouveauDalo",
        Acte.DECLARER_DALO,
        "MOD",
        (["avant", CORPS, f"<informationDalo>{DALO}</informationDalo>"],),
    ),
    "nouveaux": Essai("getNouveauxDaloDepuisLe", Acte.LISTER, liste=True, avant="déclaration"),
    "radiées": Essai("getDemandesRadieesDepuisLe", Acte.LISTER, liste=True, avant="RADCON"),
    "recherche": Essai("rechercheDemandeMulticritere", Acte.RECHERCHER, liste=True),
    "types nationaux": Essai("listerTypesEvenementsNationaux", Acte.LISTER_TYPES),
    "types territoriaux": Essai("listerTypesEvenementsTerritoriaux", Acte.LISTER_TYPES),
    "événements": Essai("listerEvenementsDemande", Acte.LIRE_EVENEMENTS),
    "ajout": Essai("ajouterEvenementDemande", Acte.AJOUTER_EVENEMENT),
    "modification": Essai("modifierEvenementDemande", Acte.MODIFIER_EVENEMENT, avant="ajout", propre=True),
    "suppression": Essai("supprimerEvenementDemande", Acte.SUPPRIMER_EVENEMENT, avant="ajout", propre=True),
    "dépôt": Essai("deposerPiece", Acte.DEPOSER_PIECE),
    "pièces": Essai("listerPieces", Acte.LISTER_PIECES),
    "pièce": Essai("consulterPiece", Acte.CONSULTER_PIECE, avant="dépôt"),
    "marque": Essai("marquerPiece", Acte.MARQUER_PIECE, avant="dépôt"),
    "retrait": Essai("supprimerPiece", Acte.SUPPRIMER_PIECE, avant="dépôt", propre=True),
    "brouillon": Essai("enregistrerBrouillon", Acte.SAISIR, "CRE"),
    "brouillon déposé": Essai("deposerDemande", Acte.CREER, "CRE"),
    "dépôts": Essai("listerDepots", Acte.LIRE_DEPOTS, liste=True, depot=True),
    "un dépôt": Essai("consulterDepot", Acte.LIRE_DEPOTS, depot=True),
    "validation": Essai("validerDepot", Acte.VALIDER, depot=True),
    "invalidation": Essai("invaliderDepot", Acte.VALIDER, depot=True),
    "retrait d'un dépôt": Essai("invaliderDepot", Acte.RETIRER, depot=True, propre=True),
    "historique": Essai("historiquePieces", Acte.VOIR_HISTORIQUE),
    "distributions": Essai("listerDistributions", Acte.LIRE_DISTRIBUTIONS),
    "situation": Essai("situerDistributions", Acte.LIRE_DISTRIBUTIONS),
    "manifestes": Essai("listerManifestes", Acte.LIRE_DISTRIBUTIONS),
    "rapprochement": Essai("rapprocherDistributions", Acte.LIRE_DISTRIBUTIONS),
    "acquit": Essai("acquitterDistributions", Acte.ACQUITTER),
    "rejeu": Essai("rejouerDistributions", Acte.ACQUITTER),
}

LECTURES = frozenset(
    {
        Acte.LIRE,
        Acte.CHERCHER_DOUBLONS,
        Acte.LISTER,
        Acte.RECHERCHER,
        Acte.LISTER_TYPES,
        Acte.LIRE_EVENEMENTS,
        Acte.LISTER_PIECES,
        Acte.CONSULTER_PIECE,
        Acte.VOIR_HISTORIQUE,
        Acte.LIRE_DISTRIBUTIONS,
        Acte.ACQUITTER,
        Acte.LIRE_DEPOTS,
    }
)
"""Acts after which a demande is as it was."""


@dataclass(frozen=True)
class Cible:
    """A demande on which an act is tried, and the event or the pièce that it has."""

    numero: str
    nom: str
    evenement: str = ""
    piece: str = ""
    depot: str = ""


@dataclass(frozen=True)
class Reponse:
    """What an answer says. cible: the demande on which the act was tried; codes: of the anomalies."""

    texte: str
    cible: Cible

    def __post_init__(self) -> None:
        assert "Envelope" in self.texte, self.texte

    def _textes(self) -> Iterator[str]:
        yield self.texte
        for each in etree.fromstring(self.texte.encode()).iter():
            if re.fullmatch(r"[A-Za-z0-9+/=\s]{200,}", each.text or ""):
                yield base64.b64decode(each.text or "").decode("utf-8", "replace")

    def find(self, pattern: str) -> list[str]:
        return [found for texte in self._textes() for found in re.findall(pattern, texte)]

    @property
    def codes(self) -> frozenset[str]:
        return frozenset(self.find(r'anomalie\b[^>]* ?code="([A-Z]{3}[0-9]{3})"'))

    @property
    def numeros(self) -> frozenset[str]:
        return frozenset(self.find(r"numUnique>([0-9A-Z]{18})<"))

    @property
    def shows(self) -> bool:
        """The demande, or the deposit, is in the answer."""
        if self.cible.depot:
            return any(self.cible.depot in texte for texte in self._textes())
        return self.cible.numero in self.numeros


@dataclass
class Monde:
    """A hub with its real database, and the demandes on which acts are tried."""

    hub: Hub
    incarner: test_corpus.Incarner
    session: aiohttp.ClientSession
    cibles: dict[tuple[str, str], Cible] = field(default_factory=dict)
    rangs: Iterator[int] = field(default_factory=itertools.count)

    async def try_act(self, nom: str, guichet: Guichet, profil: Profil, *, proche: bool) -> Reponse:
        """The answer to that message of that guichet. proche: it may read the demande."""
        essai = ESSAIS[nom]
        auteur = PORTAIL if essai.depot else BAILLEUR
        if essai.depot and proche and guichet.type is TypeGuichet.PORTAIL:
            auteur = guichet
        elif essai.propre and proche and not essai.depot:
            # As a bailleur, so that it may, whatever it then is.
            auteur = replace(guichet, type=TypeGuichet.BAILLEUR, siren="552046484", numerote=False)
        cle = (nom, auteur.code)
        if cle not in self.cibles:
            self.cibles[cle] = await self._prepare(essai, auteur)
        self.incarner(guichet, profil)
        reponse = await self._send(nom, guichet, self.cibles[cle])
        if not reponse.codes and essai.acte not in LECTURES:
            del self.cibles[cle]
        return reponse

    async def create_again(self, cible: Cible, guichet: Guichet) -> Reponse:
        """The answer to a creation for the person of a demande."""
        self.incarner(guichet)
        return await self._send("CRE", guichet, replace(cible, numero=""))

    async def _prepare(self, essai: Essai, auteur: Guichet) -> Cible:
        self.incarner(auteur)
        nom = f"Durand{''.join(chr(97 + int(each)) for each in str(next(self.rangs)))}"
        if essai.depot:
            depose = await self._send("CRE", auteur, Cible("", nom))
            depot = "".join(depose.find("incrementFichier>(.*?)<"))
            return Cible(depot, nom, depot=depot)
        (numero,) = (await self._send("CRE", auteur, Cible("", nom))).numeros
        cible = Cible(numero, nom)
        if not essai.avant:
            return cible
        qui = ETAT if essai.avant == "déclaration" else auteur
        self.incarner(qui)
        fait = await self._send(essai.avant, qui, cible)
        assert not fait.codes, fait.texte
        return replace(
            cible,
            evenement="".join(fait.find("idEvenement>([0-9]+)<")),
            piece="".join(fait.find("<idPiece>(.*?)<")),
        )

    async def _send(self, nom: str, guichet: Guichet, cible: Cible) -> Reponse:
        essai = ESSAIS[nom]
        message = Message(
            "",
            "",
            operation=essai.operation,
            type=essai.fichier,
            document=list(essai.document),
            champs=self._champs(essai, cible),
        )
        document = self._document(nom, message, guichet, cible)
        if nom == "brouillon déposé":
            message.champs["fichierDemande"] = base64.b64encode(document).decode()
        service, _ = atelier.operation_of(essai.operation)
        async with self.session.post(
            f"{self.hub.adresse}/services/{service.nom}",
            data=atelier.body_of(message, document),
            headers={"Content-Type": atelier.content_type(message)},
        ) as answer:
            return Reponse(await answer.text(), cible)

    def _champs(self, essai: Essai, cible: Cible) -> dict[str, str]:
        if essai.depot or essai.acte is Acte.SAISIR:
            motif = "RETRAI" if essai.acte is Acte.RETIRER else "ABSENT"
            qui = {"nom": cible.nom, "prenom": "Karim", "dateNaissance": "1996-11-12"}
            vu = {"pieceIdentite": "CNI", "utilisateur": "a.martin"} | ({} if essai.liste else qui)
            return {"motif": motif, **vu, **({"idDepot": cible.depot} if cible.depot else {})}
        if essai.operation == "deposerDemande":
            return {}
        if essai.liste:
            depuis = "2026-06-01T00:00:00"
            return {"dateRadiationDepuisLe": depuis, "dateNouveauDaloDepuisLe": depuis}
        if essai.operation == "acquitterDistributions":
            return {"acquit": "", "sequence": "1", "empreinte": "0" * 64}
        return {
            "numUnique": cible.numero,
            "idPiece": cible.piece,
            "utilisateur": "a.martin",
            "categorie": "FIS01",
            "marque": "OBSOL",
            "motif": "charte",
        }

    def _document(self, nom: str, message: Message, guichet: Guichet, cible: Cible) -> bytes:
        code, operation = guichet.code, message.operation
        if operation == "deposerPiece":
            return pdf(graine=next(self.rangs), poids=20)
        if operation == "rechercheDemandeMulticritere":
            return atelier.prepare(replace_depart(message, "recherche"), code)
        if operation.startswith("listerTypes"):
            return types("111" if operation.endswith("Territoriaux") else "", guichet=code)
        if operation.endswith("EvenementDemande") or operation == "listerEvenementsDemande":
            vise = f"<evenement><idEvenement>{cible.evenement}</idEvenement>{{}}</evenement>"
            corps = {
                "ajout": [ECRIT],
                "modification": [vise.format("<commentaire>vu</commentaire>")],
                "suppression": [vise.format("")],
            }
            return evenements(cible.numero, *corps.get(nom, []), guichet=code)
        return self._demande(nom, message, guichet, cible)

    def _demande(self, nom: str, message: Message, guichet: Guichet, cible: Cible) -> bytes:
        """A document about the person of the demande, with the conjoint whom a separation parts from him."""
        epoux = [
            ["mettre", f"{COTITULAIRES}/cotitulaire/nom", f"Epoux{cible.nom}"],
            ["ôter", f"{COTITULAIRES}/cotitulaire/nomPatronymique"],
        ]
        mutations = [["mettre", f"{DEMANDEUR}/nom", cible.nom], *epoux]
        if guichet.type is TypeGuichet.PORTAIL and message.type == "CRE":
            mutations.append(["mettre", f"{CORPS}/dateCreationDemande", "2026-07-01"])
        if nom in ("CRE", "CRS", "brouillon déposé") and guichet.numerote:
            libre = f"1110626{700_000 + next(self.rangs)}{guichet.code}"
            mutations.append(["avant", f"{CORPS}/dateCreationDemande", f"<numUnique>{libre}</numUnique>"])
        if nom in ("CRE", "brouillon", "brouillon déposé") and cible.numero:
            autre = f"Neuf{''.join(chr(97 + int(each)) for each in str(next(self.rangs)))}"
            mutations = [*mutations[3:], ["mettre", f"{DEMANDEUR}/nom", autre], ["ôter", COTITULAIRES]]
        if nom == "CRS":
            associe = f"<numUniqueAssocie>{cible.numero}</numUniqueAssocie>"
            mutations = [
                *mutations[3:],
                ["mettre", f"{DEMANDEUR}/nom", f"Epoux{cible.nom}"],
                ["mettre", f"{DEMANDEUR}/prenom", "Pauline"],
                ["mettre", f"{DEMANDEUR}/dateNaissance", "2000-11-07"],
                ["ôter", COTITULAIRES],
                ["avant", f"{CORPS}/dateCreationDemande", associe],
            ]
        if message.type in atelier.SUITES:
            mutations.append(["mettre", f"{CORPS}/numUnique", cible.numero])
        complete = Message(
            "", "", operation=message.operation, type=message.type, document=[*mutations, *message.document]
        )
        return atelier.mutate(atelier.prepare(complete, guichet.code), complete)


def replace_depart(message: Message, depart: str) -> Message:
    return Message("", "", operation=message.operation, depart=depart)


@asynccontextmanager
async def open_monde(engine: Engine, pki: Pki) -> AsyncIterator[Monde]:
    """A hub of its own, and one connection to it."""
    clock = horloge()
    with engine.begin() as conn:
        for code in ("G9999", "G8888", "G7777"):
            nouveau = NouveauGuichet(code, code, TypeGuichet.AUTRE, "", frozenset({"111"}))
            assert isinstance(add_guichet(conn, nouveau, instant=clock.now()), Guichet)
    async with test_corpus.start(engine, pki, clock) as (hub, incarner):
        connector = aiohttp.TCPConnector(ssl=pki.client("G1104"))
        async with aiohttp.ClientSession(connector=connector) as session:
            yield Monde(hub, incarner, session)
