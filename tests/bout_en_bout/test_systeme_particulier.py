"""The day of a système particulier: its files, one after the other, by plain getNumUnique through TLS."""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine, text

from certs.tls import client_context
from conformance.client_reference import ClientReference, Lecture
from echangeur.instance import open_instance
from registry.controles import PARIS
from registry.numero_unique import compose
from registry.verification import verify
from schemas.generation import generate_demandes
from tests.bout_en_bout.monde import administer
from tests.bout_en_bout.processus import Serveur
from tests.registry.fabrique import PARTICULIER, demande_of
from tests.registry.vies import attribution, radiation, renewal, sent

GUICHET = replace(PARTICULIER, siren="552046484")
FICHIERS = 120
"""Files of the test; run as a program, this module plays a day of 2,000 and tells how long it took."""

FAITS = ("MOD", "REN", "RADABA", "RADATT", "RADREN")


def write_day(count: int) -> list[bytes]:
    """The files of a day, in order: as many creations as other facts, each fact about one of them."""
    now = datetime.now(PARIS)
    jour = now.date().isoformat()
    day = []
    drawn = generate_demandes("particulier", count // 2, guichet=GUICHET.code, territoire="059")
    for rang, data in enumerate(drawn):
        numero = compose("059", demande_of(data).date_creation, 500_000 + rang, GUICHET.code)
        created = numbered(data, str(numero))
        day += [created, _follow(FAITS[rang % len(FAITS)], created, jour, now)]
    return day


def numbered(data: bytes, numero: str) -> bytes:
    """The demande under a number that the système particulier gave."""
    place = data.index(b"</ns1:numGuichet>") + len(b"</ns1:numGuichet>")
    return data[:place] + f"<ns1:numUnique>{numero}</ns1:numUnique>".encode() + data[place:]


def _follow(fait: str, created: bytes, jour: str, now: datetime) -> bytes:
    match fait:
        case "MOD":
            return sent(created, "MOD", guichet=GUICHET, ecrit=now)
        case "REN":
            return renewal(created, jour, guichet=GUICHET, ecrit=now)
        case "RADATT":
            return attribution(created, jour, bail=jour, guichet=GUICHET, ecrit=now)
        case _:
            return radiation(created, fait, jour, guichet=GUICHET, ecrit=now)


@contextmanager
def hub(dossier: Path) -> Iterator[tuple[ClientReference, Engine]]:
    """A hub that serves that système particulier, its client, and its database."""
    administer("init", dossier)
    serveur = Serveur(dossier)
    try:
        serveur.start()
        to_instance = ("--instance", dossier)
        words = ("--nom", "Fichier partagé", "--type", "autre", "--territoire", "059", "--numerote")
        administer(*to_instance, "guichet", "ajouter", GUICHET.code, *words)
        folder = dossier / GUICHET.code
        administer(*to_instance, "certificat", "emettre", GUICHET.code, "--dossier", folder)
        contexte = client_context(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
        with open_instance(dossier).database() as engine:
            yield ClientReference(serveur.adresse, contexte), engine
    finally:
        serveur.close()


def send_all(client: ClientReference, day: Sequence[bytes]) -> list[Lecture]:
    return [client.num_unique(f"DEM{rang:06}.xml", data) for rang, data in enumerate(day)]


def count(engine: Engine) -> dict[str, int]:
    """What a doubled file would make grow."""
    tables = ("journal", "demande", "demande_version", "identite", "rejeu")
    with engine.connect() as conn:
        return {table: conn.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() for table in tables}


def play(dossier: Path, fichiers: int) -> tuple[float, float]:
    """Send a day, then send it again whole, as after a cut; seconds of the one and of the other."""
    day = write_day(fichiers)
    with hub(dossier) as (client, engine):
        debut = time.monotonic()
        first = send_all(client, day)
        milieu = time.monotonic()
        refused = Counter(anomalie for lecture in first for anomalie in lecture.anomalies)
        assert not refused, refused
        assert not [lecture.erreur for lecture in first if lecture.erreur]
        before = count(engine)
        assert (before["journal"], before["demande"]) == (len(day), len(day) // 2)
        again = send_all(client, day)
        fin = time.monotonic()
        assert again == first
        assert count(engine) == before
        with engine.connect() as conn:
            assert verify(conn).intact
            numeros = set(conn.execute(text("SELECT numero FROM demande")).scalars())
            etats = Counter(conn.execute(text("SELECT etat FROM demande")).scalars())
        assert numeros == {str(demande_of(data).num_unique) for data in day}
        assert etats == {"active": len(day) // 5, "radiee": len(day) * 3 // 10}
        # Its numbers are its own: the same one for another demande is refused.
        (autre,) = generate_demandes("intrus", 1, guichet=GUICHET.code, territoire="059")
        pris = str(demande_of(day[0]).num_unique)
        depot = demande_of(day[0]).date_creation.isoformat().encode()
        autre = re.sub(rb"(dateCreationDemande>)[^<]+", rb"\g<1>" + depot, autre, count=1)
        refus = client.num_unique("DEM.xml", numbered(autre, pris))
        assert [code for code, _ in refus.anomalies] == ["NUM105"]
    return milieu - debut, fin - milieu


def test_a_day_is_sent_in_order_then_again_and_nothing_is_doubled(place: Path) -> None:
    """[ENR-3] [ENR-11] [ENR-12] [ENR-13] [VIE-36] Creations under its own numbers, changes, renewals,
    radiations in the name of those behind it; the batch sent again gets the same answers."""
    play(place / "particulier", FICHIERS)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        Path(temporary).chmod(0o755)  # the embedded PostgreSQL may run as another user
        nombre = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
        envoi, renvoi = play(Path(temporary) / "particulier", nombre)
        print(f"{nombre} fichiers : {envoi:.1f} s, renvoyés : {renvoi:.1f} s")
