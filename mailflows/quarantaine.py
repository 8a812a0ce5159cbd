"""Messages that are not handled: put aside with their reason, a known partner told; or tried again later."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, text

from dispatching.deliveries import uuid7s
from mailflows import entrants, resultats, sortants
from mailflows.anomalies import ERREUR_INATTENDUE
from mailflows.entrants import EtatEntrant, Pris, Source
from mailflows.message_lu import Exterieur
from mailflows.ouverture import Etranger, Refuse, addressee_of, owner_of
from mailflows.resultats import Tete
from mailflows.sortants import ASortir, NatureSortant
from registry.clock import Clock
from registry.guichets_store import get_guichet


class Quarantaine:
    """refus_par_heure: refusals sent to one guichet in an hour; beyond, it is told nothing."""

    def __init__(self, engine: Engine, clock: Clock, refus_par_heure: int) -> None:
        self._engine = engine
        self._clock = clock
        self._refus_par_heure = refus_par_heure

    def put_aside(
        self,
        pris: Pris,
        exterieur: Exterieur | None,
        refus: Etranger | Refuse,
        empreinte: bytes = b"",
    ) -> None:
        """Put a message aside with its reason, and tell a known partner."""
        instant = self._clock.now()
        anomalie = refus.anomalie
        with self._engine.begin() as conn:
            proven = owner_of(conn, refus.certificat) if isinstance(refus, Refuse) else None
            ended = entrants.conclude(
                conn,
                pris.id,
                EtatEntrant.QUARANTAINE,
                instant=instant,
                code=anomalie.code,
                motif=refus.motif or anomalie.message,
                guichet=proven,
                certificat=refus.certificat if isinstance(refus, Refuse) else None,
                message_id="" if exterieur is None else exterieur.message_id,
            )
            if not ended or exterieur is None or exterieur.automatique:
                return
            expediteur = exterieur.retour if pris.source is Source.IMAP else pris.expediteur
            told = proven or addressee_of(conn, expediteur)
            if not expediteur or told is None:
                return
            connu = get_guichet(conn, told)
            if connu is None or not connu.adresse_courrier or self._told_enough(conn, told, instant):
                return
            tete = Tete(exterieur.identifiant or exterieur.message_id, empreinte, pris.recu_le)
            entite = resultats.refuse(tete, (anomalie,))
            (identifiant,) = uuid7s(instant, 1)
            sortants.write(
                conn,
                [ASortir(identifiant, told, NatureSortant.REFUS, pris.id, 1, 1, entite)],
                instant=instant,
            )

    def wait(self, pris: Pris, exterieur: Exterieur, refus: Refuse) -> None:
        """Keep a message until its signer may be judged ([CER-37]); put it aside when that took too long."""
        with self._engine.begin() as conn:
            if entrants.postpone(conn, pris, refus.anomalie.message, instant=self._clock.now()):
                return
        self.put_aside(pris, exterieur, refus)

    def _told_enough(self, conn: Connection, guichet: str, instant: datetime) -> bool:
        nombre = conn.execute(
            text("""
                SELECT count(*) FROM courrier_sortant
                WHERE guichet = :guichet AND nature = 'refus' AND cree_le > :depuis
            """),
            {"guichet": guichet, "depuis": instant - timedelta(hours=1)},
        ).scalar_one()
        return int(nombre) >= self._refus_par_heure

    def postpone(self, pris: Pris, cause: str) -> None:
        """Try again later; a message tried enough waits for the operator."""
        instant = self._clock.now()
        with self._engine.begin() as conn:
            if not entrants.postpone(conn, pris, f"interrompu ({cause})", instant=instant):
                entrants.conclude(
                    conn,
                    pris.id,
                    EtatEntrant.QUARANTAINE,
                    instant=instant,
                    code=ERREUR_INATTENDUE.code,
                    motif=f"{pris.tentatives} essais, le dernier interrompu ({cause})",
                )
