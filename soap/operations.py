"""From an operation of the contract to the handlers that both edges share, and back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Final, Protocol

from certs.chiffrement import RaisonRefus, encrypt_for
from registry.actes import OPERATIONS, SELON_LE_FICHIER
from registry.anomalies import Anomalie
from registry.attestation import Attestable
from registry.clock import Clock
from registry.droits import check_profil, check_type
from registry.echanges import (
    Echange,
    Fichier,
    Refus,
    ReponseDemandeLogement,
    ReponseDoublons,
    ReponseNumUnique,
)
from registry.versions import file_in_version, in_version
from soap.description import Operation
from soap.envelope import FichierEmis, Parametres, Retour
from soap.faults import CERTIFICAT_CHIFFREMENT, OPERATION_NON_ASSUREE

PDF: Final = "application/pdf"

CHIFFRE: Final = "application/pkcs7-mime"
"""Media type of an encrypted file (RFC 8551 §3.2)."""


class Traitement(Protocol):
    """The handlers common to both edges (`registry.handlers`). Each may raise what the database raises."""

    async def receive(self, echange: Echange) -> None:
        """Keep the raw bytes of an exchange, before anything is read of it."""
        ...

    async def get_num_unique(self, echange: Echange, fichier: bytes) -> ReponseNumUnique | Refus: ...

    async def get_demande_logement(
        self, echange: Echange, num_unique: str
    ) -> ReponseDemandeLogement | Refus: ...

    async def get_doublons(self, echange: Echange, fichier: bytes) -> ReponseDoublons | Refus: ...


class Attestateur(Protocol):
    """Makes the attestation of a registration (`registry.attestations`); None when there is to be none."""

    async def attest(self, attestable: Attestable, complet: str) -> Fichier | None: ...


Refuser = Callable[[Echange, tuple[Anomalie, ...]], Awaitable[None]]
"""Keeps the outcome of an exchange that the edge refused before any handler saw it."""


Servie = Callable[[Echange, Parametres], Awaitable[Retour | Refus]]
"""One operation served: parameters of the contract in, answer of the contract out."""


class Operations:
    """The operations that the hub serves; the others are refused with their own anomaly.

    autres: the operations of the further handlers, by name (`soap.operations_dalo` and the like).
    """

    def __init__(
        self,
        traitement: Traitement,
        clock: Clock,
        refuser: Refuser,
        autres: Mapping[str, Servie] | None = None,
        attestations: Attestateur | None = None,
    ) -> None:
        self._traitement = traitement
        self._attestations = attestations
        self._refuser = refuser
        self._clock = clock
        self._served: dict[str, Servie] = {
            "getNumUnique": self._get_num_unique,
            "getDemandeLogement": self._get_demande_logement,
            "getDoublons": self._get_doublons,
            **(autres or {}),
        }
        sans_droits = sorted(self._served.keys() - OPERATIONS.keys())
        if sans_droits:
            raise ValueError(f"registry.actes.OPERATIONS ne dit pas quels actes demandent {sans_droits}")

    async def execute(self, operation: Operation, echange: Echange, parametres: Parametres) -> Retour | Refus:
        """Run one operation. A refusal becomes a fault. Raises what the handlers raise."""
        served = self._served.get(operation.nom)
        if served is None:
            return await self._refuse(echange, OPERATION_NON_ASSUREE(operation.nom))
        actes = OPERATIONS[operation.nom]
        emetteur = echange.emetteur
        juge_apres = operation.nom in SELON_LE_FICHIER
        profil = None if juge_apres else check_profil(emetteur.profil, *actes)
        interdit = profil or check_type(emetteur.guichet, *actes)
        if interdit is not None:
            return await self._refuse(echange, interdit)
        certificat = parametres.fichiers.get("certificat", b"")
        if certificat:
            # Tried before anything is done: a demande must not be registered whose answer cannot leave.
            attempt = encrypt_for(certificat, b"", at=self._clock.now())
            if isinstance(attempt, RaisonRefus):
                return await self._refuse(echange, _certificate_refused(attempt))
        return await served(echange, parametres)

    async def _refuse(self, echange: Echange, anomalie: Anomalie) -> Refus:
        await self._refuser(echange, (anomalie,))
        return Refus((anomalie,))

    async def _get_num_unique(self, echange: Echange, parametres: Parametres) -> Retour | Refus:
        answer = await self._traitement.get_num_unique(echange, parametres.fichiers["fichierDemande"])
        if isinstance(answer, Refus):
            return answer
        retour = self._demande(answer.demande, echange, parametres)
        if isinstance(retour, Refus):
            return retour
        return await attested(self._attestations, echange, answer, parametres, retour, self._clock.now())

    async def _get_demande_logement(self, echange: Echange, parametres: Parametres) -> Retour | Refus:
        # A partner may frame the number with blanks; no number holds one.
        answer = await self._traitement.get_demande_logement(echange, parametres.textes["numUnique"].strip())
        if isinstance(answer, Refus):
            return answer
        return self._demande(answer.demande, echange, parametres)

    async def _get_doublons(self, echange: Echange, parametres: Parametres) -> Retour | Refus:
        answer = await self._traitement.get_doublons(echange, parametres.fichiers["fichierDemande"])
        if isinstance(answer, Refus):
            return answer
        textes: dict[str, str] = {}
        fichiers: dict[str, FichierEmis] = {}
        # getDoublons takes no certificate: its answer is always in clear.
        if answer.doublons is not None:
            textes["nomFichierDoublons"] = answer.doublons.nom
            fichiers["listeDoublons"] = FichierEmis(answer.doublons.contenu)
        if answer.demande is not None:
            textes["nomFichierDemande"] = answer.demande.nom
            contenu = in_version(answer.demande.contenu, echange.emetteur.guichet)
            fichiers["fichierDemande"] = FichierEmis(contenu)
        return Retour(textes, fichiers)

    def _demande(self, fichier: Fichier, echange: Echange, parametres: Parametres) -> Retour | Refus:
        lisible = file_in_version(fichier, echange.emetteur.guichet)
        return carry(lisible, ("nomFichierDemande", "fichierDemande"), parametres, self._clock.now())


async def attested(
    attestations: Attestateur | None,
    echange: Echange,
    answer: ReponseNumUnique,
    parametres: Parametres,
    retour: Retour,
    instant: datetime,
) -> Retour | Refus:
    """The answer of a registration, with its attestation when one is due and wanted."""
    if attestations is None or not answer.numero:
        return retour
    attestation = await attestations.attest(
        Attestable(
            answer.numero,
            answer.nature,
            echange.emetteur.guichet,
            answer.demande.contenu,
            answer.demande.nom,
        ),
        parametres.textes.get("complet", ""),
    )
    if attestation is None:
        return retour
    champs = ("nomAttestation", "attestation")
    emise = carry(attestation, champs, parametres, instant, type_clair=PDF)
    if isinstance(emise, Refus):
        return emise
    return Retour({**retour.textes, **emise.textes}, {**retour.fichiers, **emise.fichiers})


def carry(
    fichier: Fichier,
    champs: tuple[str, str],
    parametres: Parametres,
    instant: datetime,
    *,
    type_clair: str = "",
) -> Retour | Refus:
    """The answer that carries one file, under the names of its two fields: encrypted when the request bears a
    certificate, otherwise in clear ([SOA-20] [ATT-11]).

    type_clair: media type of a file in clear that is no XML.
    """
    nom, contenu = champs
    certificat = parametres.fichiers.get("certificat", b"")
    if not certificat:
        emis = FichierEmis(fichier.contenu)
        if type_clair:
            emis = FichierEmis(fichier.contenu, type_clair, annonce=True)
        return Retour({nom: fichier.nom}, {contenu: emis})
    encrypted = encrypt_for(certificat, fichier.contenu, at=instant)
    if isinstance(encrypted, RaisonRefus):
        # It expired while the request was being handled. Sending again, with another certificate, is a
        # replay and gets the first answer.
        return Refus((_certificate_refused(encrypted),))
    return Retour({nom: f"{fichier.nom}.p7m"}, {contenu: FichierEmis(encrypted, CHIFFRE, annonce=True)})


def _certificate_refused(raison: RaisonRefus) -> Anomalie:
    found = f" ({raison.constat})" if raison.constat else ""
    return CERTIFICAT_CHIFFREMENT(f"{raison.texte.rstrip('.')}{found}", raison.attendu, "certificat")
