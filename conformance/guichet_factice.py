"""The hub that the kit plays for a client under test: it answers as the specification says.

It is no hub: it checks nothing and registers nothing. What it is given is looked at by the assertions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from conformance import message
from conformance.appel import Reponse
from conformance.donnees import insert, insert_anomalies, put
from conformance.ecoute import Appel, Reaction
from conformance.message import Champ, Ecriture, Groupe, Message
from conformance.quai import fault
from conformance.reponse import Lu, read
from schemas import contract

_SUITE: Final = "-202603161030-000001"
NUMERO: Final = "1110326000001"
"""What every number of the factice begins with: its guichet ends it."""


def read_call(appel: Appel) -> Lu:
    """A request, read as an answer is: its fields and files."""
    return read(Reponse(200, appel.entetes, appel.corps))


def operation_of(lu: Lu) -> str:
    """Local name of the wrapper of a request, without its ending."""
    if lu.element is None:
        return ""
    return str(lu.element.tag).rpartition("}")[2].removesuffix("Parametres")


def answer(
    service: str, element: str, champs: Sequence[tuple[str, Champ]], lu: Lu, ecriture: Ecriture | None = None
) -> Reaction:
    """An answer in the form of the request. No identifier of a part may read as the name of a document
    (interface/wire §4)."""
    msg = Message(service, element, tuple(champs), element=element)
    headers, body = message.parts(msg, ecriture or Ecriture(cid="hub-{}")) if lu.mtom else message.inline(msg)
    kept = {name: value for name, value in headers.items() if name == "Content-Type"}
    return Reaction(200, body, {**kept, "Echange-Id": "00000000-0000-7000-8000-000000000001"})


@dataclass
class Attente:
    """A distribution that waits. contenu: None when it was withdrawn; annonce: digest told, if not its own;
    refus: code that refuses its acknowledgement; acquis: the digests acknowledged."""

    sequence: int
    contenu: bytes | None
    annonce: str = ""
    refus: str = ""
    acquis: list[str] = field(default_factory=list)


class GuichetFactice:
    """What one guichet sees of a hub."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.anomalie = ""
        self.doublon = b""
        self.attestation = b""
        self.attentes: list[Attente] = []
        self.page = 100

    @property
    def numero(self) -> str:
        """The number that it gives."""
        return NUMERO + self.code

    def answer(self, appel: Appel) -> Reaction:
        """The answer to any call of the three operations and of the distributions."""
        lu = read_call(appel)
        match operation_of(lu):
            case "numUnique":
                return self._registered(lu)
            case "demandeLogement":
                return self._read(lu)
            case "rechercheDoublons":
                fields: list[tuple[str, Champ]] = []
                if self.doublon:
                    fields = [("nomFichierDoublons", "DBL.xml"), ("listeDoublons", self.doublon)]
                return answer(contract.DEMANDE_LOGEMENT, "rechercheDoublonsReponse", fields, lu)
            case "listerDistributions":
                return self._list(lu)
            case "acquitterDistributions":
                return self._acknowledge(lu)
            case _:
                return fault("Sender", "Opération que le kit ne joue pas.", "SOA030")

    def _registered(self, lu: Lu) -> Reaction:
        received = lu.fichiers.get("fichierDemande", b"<x><typeFichier>CRE</typeFichier></x>")
        document = put(received, "typeFichier", "RET")
        if self.anomalie:
            xml = f'<anomalie code="{self.anomalie}"><message>Refusée par le kit.</message></anomalie>'
            document = insert_anomalies(document, f"<listeAnomalie>{xml}</listeAnomalie>")
        else:
            after = "refInterne" if b"refInterne" in document else "dateCreationDemande"
            document = insert(document, after, f"<numUnique>{self.numero}</numUnique>")
        fields: list[tuple[str, Champ]] = [
            ("nomFichierDemande", f"DEM{self.code}{_SUITE}.xml"),
            ("fichierDemande", document),
        ]
        if self.attestation:
            fields.append(("nomAttestation", f"ATT{self.code}{_SUITE}.pdf"))
            fields.append(("attestation", self.attestation))
        how = Ecriture(cid="hub-{}", en_base64=("attestation",))
        return answer(contract.DEMANDE_LOGEMENT, "numUniqueReponse", fields, lu, how)

    def _read(self, lu: Lu) -> Reaction:
        number = lu.champs.get("numUnique", "")
        document = _DEMANDE.format(guichet=self.code, numero=number).encode()
        fields: list[tuple[str, Champ]] = [
            ("nomFichierDemande", f"DEM{self.code}{_SUITE}.xml"),
            ("fichierDemande", document),
        ]
        return answer(contract.DEMANDE_LOGEMENT, "demandeLogementReponse", fields, lu)

    def _list(self, lu: Lu) -> Reaction:
        after = int(lu.champs.get("apresSequence", "0") or 0)
        size = min(self.page, int(lu.champs.get("nombreMax", "100") or 100))
        every = lu.champs.get("etat", "") == "TOUTES"
        waiting = [each for each in self.attentes if each.sequence > after and (every or not each.acquis)]
        shown = waiting[:size]
        fields: list[tuple[str, Champ]] = [
            ("derniereSequence", str(shown[-1].sequence if shown else after)),
            ("suite", "OUI" if len(waiting) > size else "NON"),
        ]
        fields += [("distribution", self._entry(each)) for each in shown]
        return answer(contract.DISTRIBUTIONS, "listerDistributionsReponse", fields, lu)

    def _entry(self, attente: Attente) -> Groupe:
        ident = f"00000000-0000-7000-8000-{attente.sequence:012d}"
        fields: list[tuple[str, Champ]] = [
            ("idDistribution", ident),
            ("sequence", str(attente.sequence)),
            ("etat", "RETIREE" if attente.contenu is None else "EN_ATTENTE"),
            ("dateDistribution", "2026-03-16T10:30:00.000+01:00"),
        ]
        if attente.contenu is not None:
            fields += [
                ("typeFichier", "DIS"),
                ("numUnique", self.numero),
                ("nomFichierDemande", f"DIS{self.code}-202603161030-{attente.sequence:06d}.xml"),
                ("empreinte", attente.annonce or digest(attente.contenu)),
                ("fichierDemande", attente.contenu),
            ]
        return Groupe(fields)

    def _acknowledge(self, lu: Lu) -> Reaction:
        fields: list[tuple[str, Champ]] = []
        known = {each.sequence: each for each in self.attentes}
        for sequence, empreinte in acknowledged(lu):
            attente = known.get(sequence)
            if attente is not None:
                attente.acquis.append(empreinte)
            code = "DIS203" if attente is None else attente.refus
            result: list[tuple[str, Champ]] = [
                ("sequence", str(sequence)),
                ("statut", "REFUSE" if code else "ACQUITTEE"),
            ]
            result += (
                [("code", code), ("motif", "Refusé par le kit.")]
                if code
                else [("dateAcquit", "2026-03-16T10:31:00.000+01:00")]
            )
            fields.append(("resultat", Groupe(result)))
        return answer(contract.DISTRIBUTIONS, "acquitterDistributionsReponse", fields, lu)


def acknowledged(lu: Lu) -> list[tuple[int, str]]:
    """The sequences and digests of a call of acquitterDistributions."""
    found = [] if lu.element is None else lu.element.iterfind("acquit")
    return [(int(each.findtext("sequence") or 0), each.findtext("empreinte") or "") for each in found]


def digest(contenu: bytes) -> str:
    """SHA-256, hexadecimal."""
    return hashlib.sha256(contenu).hexdigest()


_DEMANDE: Final = (
    '<ns1:interfaceNuu xmlns:ns1="http://nuu.application.i2/" versionInterface="02.01"><ns1:entete>'
    "<ns1:typeFichier>RET</ns1:typeFichier><ns1:dateFichier>2026-03-16T10:30:00.000+01:00</ns1:dateFichier>"
    "</ns1:entete><ns1:demande><ns1:demandeLogement><ns1:numGuichet>{guichet}</ns1:numGuichet>"
    "<ns1:numUnique>{numero}</ns1:numUnique><ns1:dateCreationDemande>2026-03-16</ns1:dateCreationDemande>"
    "<ns1:precision>été</ns1:precision></ns1:demandeLogement></ns1:demande></ns1:interfaceNuu>"
)
