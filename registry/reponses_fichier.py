"""What the handlers of one file in and one file out have in common (registry.gestion_partagee)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Engine

from registry import anomalies_demande
from registry.anomalies import Anomalie
from registry.anomalies_document import anomalies_of
from registry.batching import Batcher
from registry.clock import Clock
from registry.echanges import Echange, Fichier, Refus
from registry.exchanges_store import Issue, Lues, Statut
from registry.lots import Echec, conclude
from registry.noms_fichiers import NomsFichiers, Prefixe
from schemas.documents import Document, DocumentKind, read_document
from schemas.emission import AnomalieEmise
from schemas.gestion_partagee import Champs, read_entete, write_document


class ReponsesFichier:
    """Reads the document of an exchange, answers in it, keeps the outcome. `_issues` is to be started and
    stopped by the heir."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._noms = NomsFichiers()
        self._issues: Batcher[Issue, Echec | None] = Batcher(self._conclude, 64, "issues partagées")

    async def _read(self, echange: Echange, fichier: bytes, kind: DocumentKind) -> Document | Refus:
        document = read_document(fichier, frozenset({kind}))
        if isinstance(document, Document):
            return document
        refus = Refus(anomalies_of(document))
        await self._finish(echange, Statut.REFUSE, refus.anomalies[0].code)
        return refus

    def _check_guichet(self, echange: Echange, document: Document) -> tuple[Anomalie, ...]:
        """The document must name the guichet of the certificate (regles §14)."""
        guichet = echange.emetteur.guichet.code
        annonce = read_entete(document.root).guichet
        if annonce == guichet:
            return ()
        return (anomalies_demande.GUICHET_DISCORDANT(annonce, guichet, "/interfaceNuu/entete/codeGuichet"),)

    async def _refuse(
        self, echange: Echange, document: Document, prefixe: Prefixe, anomalies: tuple[Anomalie, ...]
    ) -> Fichier:
        await self._finish(echange, Statut.REFUSE, anomalies[0].code)
        return self._answer(echange, document, prefixe, None, anomalies)

    def _answer(
        self,
        echange: Echange,
        document: Document,
        prefixe: Prefixe,
        resultat: tuple[str, Champs] | None,
        anomalies: Sequence[Anomalie] = (),
    ) -> Fichier:
        guichet = echange.emetteur.guichet.code
        maintenant = self._clock.now()
        contenu = write_document(
            document.root,
            guichet=guichet,
            date_fichier=maintenant,
            resultat=resultat,
            anomalies=[AnomalieEmise(each.code, each.message) for each in anomalies],
        )
        return Fichier(self._noms.name(prefixe, guichet, maintenant), contenu)

    async def _finish(
        self, echange: Echange, statut: Statut, code: str = "", lues: tuple[str, ...] = ()
    ) -> None:
        """lues: the numbers of the demandes that the answer tells of, which are traced ([TRA-1])."""
        numero = lues[0] if lues else ""
        traces = Lues(lues, echange.emetteur.profil)
        issue = await self._issues.submit(
            Issue(echange.id, statut, self._clock.now(), code, numero, lues=traces)
        )
        if isinstance(issue, Echec):
            raise issue.cause

    async def _failed(self, echange: Echange, echec: Echec) -> Exception:
        """Mark the exchange as our failure, if the database still can; the exception to raise."""
        await self._issues.submit(Issue(echange.id, Statut.ECHEC, self._clock.now()))
        return echec.cause

    def _conclude(self, issues: Sequence[Issue]) -> list[Echec | None]:
        return conclude(self._engine, issues)
