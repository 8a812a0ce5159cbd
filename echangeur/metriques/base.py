"""What the database says, the same from whichever process is asked: backlog, breakers, quarantine,
certificates, journal. Read when the figures are asked for, at most once in `FRAICHEUR` seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from certs.lecture import Certificat, read_certificat
from dispatching.arrieres import by_canal, list_arrieres
from mailflows.alertes.catalogue import GENRES
from mailflows.alertes.garde import count_ouvertes
from mailflows.alertes.lecture import read_stuck
from registry.clock import Clock

FRAICHEUR: Final = 10.0

PLAFOND: Final = 10_000
"""Distributions of one guichet that are counted: one that was silent for a year has a million, and a scrape
must not walk through them."""
_DISJONCTEURS: Final = text("""
    SELECT canal, count(*) FILTER (WHERE ouvert_le IS NOT NULL) AS ouverts,
        count(*) FILTER (WHERE ouvert_le IS NULL AND suspendu_jusqu_a > :instant) AS en_pause
    FROM disjoncteur GROUP BY canal
""")
_COURRIERS: Final = text("""
    SELECT (SELECT count(*) FROM courrier_entrant WHERE etat = 'quarantaine') AS quarantaine,
        (SELECT count(*) FROM courrier_entrant WHERE etat = 'recu') AS recus,
        (SELECT count(*) FROM courrier_sortant WHERE etat = 'a_envoyer') AS a_envoyer
""")
_CERTIFICATS: Final = text("""
    SELECT extract(epoch FROM min(c.valide_au) - :instant) / 86400 AS jours,
        count(*) FILTER (WHERE c.valide_au < CAST(:instant AS timestamptz) + interval '30 days') AS bientot
    FROM certificat c JOIN guichet g ON g.code = c.guichet
    WHERE c.retire_le IS NULL AND g.ferme_le IS NULL
""")
_JOURNAL: Final = text("""
    SELECT c.sequence, extract(epoch FROM :instant - j.instant) AS age
    FROM chaine c LEFT JOIN journal j ON j.sequence = c.sequence
    ORDER BY c.sequence DESC LIMIT 1
""")
_FILTRES: Final = text("SELECT valeur FROM generation WHERE nom = 'filtres'")


class Base(Collector):
    """Reads the database for the figures; says so when it cannot. siens: the certificates of the hub, PEM."""

    def __init__(self, engine: Engine, clock: Clock, siens: Sequence[Path]) -> None:
        self._engine = engine
        self._clock = clock
        self._siens = siens
        self._lock = threading.Lock()
        self._read: tuple[float, tuple[Metric, ...]] | None = None

    def describe(self) -> Iterable[Metric]:
        """Nothing: the database is not to be asked at the registration."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """The figures, at most `FRAICHEUR` seconds old. Whoever asks meanwhile waits for the same reading."""
        with self._lock:
            if self._read is None or time.monotonic() - self._read[0] > FRAICHEUR:
                self._read = time.monotonic(), tuple(self._measure())
            return self._read[1]

    def _measure(self) -> Iterable[Metric]:
        instant = self._clock.now()
        yield _certificats_de_l_echangeur(self._siens, instant)
        joignable = _gauge("echangeur_base_joignable", "1 si la base a répondu à cette lecture.")
        try:
            with self._engine.connect() as conn:
                figures = tuple(_figures(conn, instant))
        except SQLAlchemyError:
            joignable.add_metric((), 0)
        else:
            joignable.add_metric((), 1)
            yield from figures
        yield joignable


def _figures(conn: Connection, instant: datetime) -> Iterable[Metric]:
    at = {"instant": instant}
    borne = f"par canal ; {PLAFOND} par guichet au plus."
    attente = _gauge("echangeur_distributions_en_attente", f"Distributions à remettre, {borne}", "canal")
    echec = _gauge("echangeur_distributions_en_echec", f"Distributions au rebut, {borne}", "canal")
    age = _gauge("echangeur_distributions_age_secondes", "Âge de la plus ancienne en attente.", "canal")
    for canal, arrieres in by_canal(list_arrieres(conn, plafond=PLAFOND)):
        depuis = [each.attend_depuis_le for each in arrieres if each.attend_depuis_le is not None]
        attente.add_metric((canal.value,), sum(min(each.en_attente, PLAFOND) for each in arrieres))
        echec.add_metric((canal.value,), sum(min(each.en_echec, PLAFOND) for each in arrieres))
        age.add_metric((canal.value,), max((instant - min(depuis)).total_seconds(), 0.0) if depuis else 0.0)
    disjoncteurs = _gauge("echangeur_disjoncteurs", "Canaux de guichets suspendus.", "canal", "etat")
    for row in conn.execute(_DISJONCTEURS, at):
        disjoncteurs.add_metric((row.canal, "ouvert"), row.ouverts)
        disjoncteurs.add_metric((row.canal, "pause"), row.en_pause)
    courriers = _gauge("echangeur_courriers", "Courriers qui attendent, par état.", "etat")
    row = conn.execute(_COURRIERS).one()
    for etat in ("quarantaine", "recus", "a_envoyer"):
        courriers.add_metric((etat,), getattr(row, etat))
    jours = _gauge("echangeur_certificats_guichets_jours", "Jours avant la première fin d'un certificat.")
    bientot = _gauge("echangeur_certificats_guichets_30_jours", "Certificats qui finissent sous 30 jours.")
    row = conn.execute(_CERTIFICATS, at).one()
    if row.jours is not None:
        jours.add_metric((), float(row.jours))
    bientot.add_metric((), row.bientot)
    sequence = _gauge("echangeur_journal_sequence", "Dernière entrée du journal.")
    dernier = _gauge("echangeur_journal_age_secondes", "Temps depuis la dernière entrée du journal.")
    for row in conn.execute(_JOURNAL, at):
        sequence.add_metric((), row.sequence)
        dernier.add_metric((), float(row.age or 0))
    filtres = _gauge("echangeur_filtres_generation_en_base", "Génération des filtres dans la base.")
    filtres.add_metric((), conn.execute(_FILTRES).scalar_one())
    figures = (attente, echec, age, disjoncteurs, courriers, jours, bientot, sequence, dernier, filtres)
    return (*figures, *_alertes(conn, instant))


def _alertes(conn: Connection, instant: datetime) -> Iterable[Metric]:
    """Those that are open, each code at zero when none is; and the mails that tell them, which wait."""
    ouvertes = _gauge("echangeur_alertes", "Alertes ouvertes, par code.", "code")
    counts = count_ouvertes(conn)
    for code in GENRES:
        ouvertes.add_metric((code,), counts.get(code, 0))
    stuck = read_stuck(conn, instant)
    attente = _gauge("echangeur_alertes_courriers", "Courriers d'alerte qui attendent de partir.")
    attente.add_metric((), stuck.en_attente)
    age = _gauge("echangeur_alertes_courriers_age_secondes", "Âge du plus ancien d'entre eux.")
    age.add_metric((), (instant - (stuck.depuis_le or instant)).total_seconds())
    return (ouvertes, attente, age)


def _certificats_de_l_echangeur(siens: Sequence[Path], instant: datetime) -> Metric:
    """Days left to each certificate of the hub, by the folder that holds it."""
    jours = _gauge("echangeur_certificats_jours", "Jours de validité des certificats de l'échangeur.", "de")
    for fichier in siens:
        try:
            lu = read_certificat(fichier.read_bytes())
        except OSError:
            continue
        if isinstance(lu, Certificat):
            jours.add_metric((fichier.parent.name,), (lu.valide_au - instant).total_seconds() / 86_400)
    return jours


def _gauge(nom: str, texte: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(nom, texte, labels=labels)
