"""What must be true at rest, whatever crashed: judged by what authors were told and what partners got.

The register is only asked to agree. Each sentence names what would be lost, doubled or out of order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from registry.numero_unique import parse
from registry.verification import verify
from schemas.demande import read_demande
from schemas.documents import DEMANDES, Document, read_document
from tests.bout_en_bout.constats import body_of
from tests.secousses.acteurs import Arrivee, Fait
from tests.secousses.seance import POUSSES, RECEVEURS, Seance


def judge(seance: Seance) -> None:
    """Wait until nothing is left to be done, then judge all that happened since the session began."""
    faits = sorted(seance.auteurs.faits, key=lambda fait: (fait.dossier, fait.version))
    seance.wait_quiet(len(faits))
    check_registrations(seance, faits)
    for code in RECEVEURS:
        check_deliveries(code, seance.arrivees(code), faits)
    check_attempts(seance)
    check_register(seance, faits)


def check_registrations(seance: Seance, faits: Sequence[Fait]) -> None:
    """Nothing that was answered is lost, nothing was registered twice.

    One number for each demande, the same at each of its changes; without gap in the sequence of its counter;
    as many entries of the journal as answers; and what is sent again gets its first answer, byte for byte.
    """
    numeros: dict[int, str] = {}
    for fait in faits:
        assert numeros.setdefault(fait.dossier, fait.numero) == fait.numero, fait.nom
    assert len(set(numeros.values())) == len(numeros)
    compteurs: dict[tuple[str, object, object], list[int]] = {}
    for numero in numeros.values():
        lu = parse(numero)
        assert lu is not None, numero
        compteurs.setdefault((lu.territoire, lu.mois, lu.annee), []).append(lu.sequence)
    for sequences in compteurs.values():
        assert sorted(sequences) == list(range(1, len(sequences) + 1))
    journal = {
        tuple(row) for row in seance.query("SELECT numero, version, count(*) FROM journal GROUP BY 1, 2")
    }
    assert journal == {(fait.numero, fait.version, 1) for fait in faits}
    # The last ones: those that the crashes since the last judgement may have touched.
    for fait in faits[-3:]:
        lecture, _ = seance.auteurs.send(fait.nom, fait.envoye)
        assert lecture == fait.recu, fait.nom


def check_deliveries(code: str, arrivees: Sequence[Arrivee], faits: Sequence[Fait]) -> None:
    """A guichet got each event once, numbered from 1 without gap, in order for each demande, as it was."""
    assert len({arrivee.id for arrivee in arrivees}) == len(arrivees)
    assert sorted(arrivee.sequence for arrivee in arrivees) == list(range(1, len(faits) + 1)), code
    expected = {(fait.numero, fait.version): body_of(fait.recu.document) for fait in faits}
    found: dict[str, list[tuple[int, int]]] = {}
    for arrivee in arrivees:
        numero, version, contenu = _read(arrivee)
        found.setdefault(numero, []).append((version, arrivee.sequence))
        assert contenu == expected.pop((numero, version), None), (code, numero, version)
    assert not expected, (code, sorted(expected))
    for numero, events in found.items():
        # In the order of arrival: versions ascend, and their sequences too.
        assert events == sorted(events), (code, numero, events)
        sequences = [sequence for _, sequence in events]
        assert sequences == sorted(sequences), (code, numero, events)


def check_attempts(seance: Seance) -> None:
    """Nothing was tried without having been written first, nothing acknowledged twice, nothing tried again
    once its acknowledgement was recorded."""
    twice = seance.query("""
        SELECT distribution FROM tentative WHERE issue IN ('RECU', 'DEJA_RECU')
        GROUP BY 1 HAVING count(*) > 1
    """)
    assert not twice, twice
    again = seance.query("""
        SELECT t.distribution FROM tentative t JOIN tentative suivante
            ON suivante.distribution = t.distribution AND suivante.rang > t.rang
        WHERE t.issue IN ('RECU', 'DEJA_RECU')
    """)
    assert not again, again
    for code in POUSSES:
        tries = {
            str(row.id): row.tentatives
            for row in seance.query("SELECT id, tentatives FROM distribution WHERE guichet = :g", g=code)
        }
        came = seance.partenaires[code].deliveries
        assert came.keys() == tries.keys()
        # Twice for one attempt when the connection is cut: the client cannot tell it from an idle one.
        over = {each: (times, tries[each]) for each, times in came.items() if times > 2 * tries[each]}
        assert not over, over


def check_register(seance: Seance, faits: Sequence[Fait]) -> None:
    """The register agrees: an unbroken chain, a decision for each event, counters that tell the last
    sequences, an acknowledgement for each distribution and no more."""
    with seance.connect() as conn:
        report = verify(conn)
    assert report.intact, (report.chaine.ruptures, report.ecarts)
    assert report.chaine.entrees == len(faits)
    decisions = Counter(row.evenement for row in seance.query("SELECT evenement FROM decision"))
    assert decisions == Counter(range(1, len(faits) + 1))
    counters = {tuple(row) for row in seance.query("SELECT guichet, dernier FROM compteur_distribution")}
    assert counters == {(code, len(faits)) for code in RECEVEURS}
    assert not seance.query("SELECT FROM distribution WHERE etat <> 'acquittee' OR termine_le IS NULL")


def _read(arrivee: Arrivee) -> tuple[str, int, str]:
    """Number, version and body of what arrived."""
    read = read_document(arrivee.contenu, DEMANDES)
    assert isinstance(read, Document), read
    demande = read_demande(read.root)
    version = int(demande.increment_fichier.removeprefix("V"))
    return demande.num_unique or "", version, body_of(arrivee.contenu.decode())
