"""What must be true when everything has been registered and delivered, whatever happened meanwhile."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import text

from conformance.client_reference import Lecture
from echangeur.instance import open_instance
from registry.numero_unique import parse
from schemas.emission import emit_demande
from tests.bout_en_bout.conftest import Scene
from tests.bout_en_bout.monde import RECEVEURS, Depot
from tests.bout_en_bout.processus import call, eventually

NUMERO = "demande/demandeLogement/numUnique"
INSTANT = datetime(2026, 1, 1, tzinfo=UTC)


def body_of(document: str) -> str:
    """A document without its header, which tells the type of file and the instant."""
    return document.partition(":entete>")[2].partition(":entete>")[2]


def check_numbers(scene: Scene, depots: Sequence[Depot]) -> dict[int, str]:
    """Every demande has its number, no two the same, the sequences of each counter without gap. By rank."""
    numeros = {rang: lecture.find(NUMERO) for rang, lecture in scene.clients.reponses.items()}
    assert numeros.keys() == {depot.rang for depot in depots}
    assert len(set(numeros.values())) == len(depots)
    sequences = defaultdict(list)
    for depot in depots:
        numero = parse(numeros[depot.rang])
        assert numero is not None, scene.clients.reponses[depot.rang]
        assert (numero.guichet, numero.territoire) == (depot.auteur, depot.territoire)
        assert numero.agrees_with(depot.demande.date_creation)
        sequences[numero.territoire, numero.mois, numero.annee].append(numero.sequence)
    for found in sequences.values():
        assert sorted(found) == list(range(1, len(found) + 1))
    return numeros


def check_documents(scene: Scene, depots: Sequence[Depot], numeros: dict[int, str]) -> None:
    """What each author was told is what it sent, with its number; it is in the register, and is read there.

    All of them in the database, one in four through the service.
    """
    with open_instance(scene.dossier).database() as engine, engine.connect() as conn:
        rows = conn.execute(text("SELECT numero, document FROM demande_version WHERE version = 1"))
        kept = {row.numero: row.document.decode("utf-8") for row in rows}
    assert kept.keys() == set(numeros.values())
    for depot in depots:
        acquittee = scene.clients.reponses[depot.rang]
        found = body_of(kept[numeros[depot.rang]])
        assert found == body_of(acquittee.document) == _expected(depot, acquittee)
    some = depots[::4]
    lues = scene.clients.map(lambda depot: scene.clients.read(depot.auteur, numeros[depot.rang]), some)
    for depot, lue in zip(some, lues, strict=True):
        assert not lue.erreur, lue.erreur
        assert _lasting(lue.document) == _lasting(scene.clients.reponses[depot.rang].document)


# The indicators are computed at each reading ([GPE-32]): they are no part of what was registered.
_INDICATEURS: Final = re.compile(r"<ns1:informationTraitement>.*?</ns1:informationTraitement>\s*", re.DOTALL)


def _lasting(document: str) -> str:
    # Where an element is put in or taken out, so are the blanks beside it.
    return _INDICATEURS.sub("", re.sub(r">\s+<", "><", body_of(document)))


def _expected(depot: Depot, acquittee: Lecture) -> str:
    emitted = emit_demande(
        depot.demande.root,
        type_fichier="RET",
        date_fichier=INSTANT,
        num_unique=acquittee.find(NUMERO),
    )
    # The first version bears its token ([VIE-13]), last in the demande.
    end = "</ns1:demandeLogement>"
    return body_of(emitted.decode("utf-8")).replace(
        end, f"<ns1:incrementFichier>V000001</ns1:incrementFichier>{end}"
    )


def check_deliveries(scene: Scene, depots: Sequence[Depot], numeros: dict[int, str]) -> int:
    """Each guichet has received what the independent evaluation says, once, and numbered without gap.

    Returns how many there are.
    """
    documents = {numeros[rang]: lecture.document for rang, lecture in scene.clients.reponses.items()}
    total = 0
    for bureau in RECEVEURS:
        expected = Counter(numeros[d.rang] for d in depots if bureau.code in d.destinataires)
        receptions = scene.partenaires.receptions(bureau.code)
        assert Counter(reception.numero for reception in receptions) == expected, bureau.code
        assert sorted(r.sequence for r in receptions) == list(range(1, len(expected) + 1)), bureau.code
        for reception in receptions:
            assert reception.type_fichier == "DIS"
            assert body_of(reception.contenu.decode("utf-8")) == body_of(documents[reception.numero])
        total += len(expected)
    return total


def check_journal(scene: Scene, count: int) -> None:
    """The command that verifies the register finds an unbroken chain of exactly these registrations."""
    report = json.loads(call("--instance", scene.dossier, "registre", "verifier", "--json"))
    assert (report["intact"], report["entrees"], report["documents"]) == (True, count, count)


def check_attempts(scene: Scene, count: int) -> None:
    """Everything is acknowledged, and nothing was tried again once its acknowledgement was recorded."""
    again = """
        SELECT count(*) FROM tentative t JOIN tentative suivante
            ON suivante.distribution = t.distribution AND suivante.rang > t.rang
        WHERE t.issue IN ('RECU', 'DEJA_RECU')
    """
    with open_instance(scene.dossier).database() as engine, engine.connect() as conn:

        def acknowledged() -> bool:
            states = conn.execute(text("SELECT etat, count(*) FROM distribution GROUP BY etat")).all()
            conn.rollback()
            return [tuple(state) for state in states] == [("acquittee", count)]

        eventually(acknowledged, "des distributions ne sont pas acquittées")
        assert conn.scalar(text(again)) == 0
        rows = conn.execute(
            text("SELECT distribution::text AS id, count(*) AS essais FROM tentative GROUP BY 1")
        )
        tries: dict[str, int] = {row.id: row.essais for row in rows}
    came = {
        identifier: times
        for endpoint in scene.partenaires.endpoints.values()
        for identifier, times in endpoint.deliveries.items()
    }
    assert came.keys() == tries.keys()
    # Twice for one attempt when the connection is cut: the client cannot tell it from an idle one.
    assert all(times <= 2 * tries[identifier] for identifier, times in came.items())
