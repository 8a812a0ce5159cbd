"""The stock of the bench is worth measuring: its rows are those that the product writes.

A copy is taken, the file that it pretends to have received is sent for good at the same instant, and every
row of every table is compared. The copy is then read, modified, found as a doublon and by criteria.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

import psycopg
import pytest
from rich.progress import Progress
from sqlalchemy import Connection, Engine, text

from bench import modele
from bench.gabarits import COPIEES, Gabarit, TableInconnue, Tranche, read_gabarits
from bench.modele import Acteur, add_guichets, follow, plan_faits, play
from bench.stock import Parametres, adopt, load, plan, read_reprises
from registry import recherche, verification
from registry.controles import PARIS
from registry.guichets import Guichet
from registry.guichets_store import get_guichet
from registry.identites import cles_of
from registry.numero_unique import compose, month_of
from registry.reading import Lecture, read
from registry.recherche_doublons import Recherchee, search
from schemas.demande import Demande, read_demande
from schemas.documents import DEMANDES, Document, read_document
from schemas.gestion_partagee import Criteres, Personne

DEMANDES_DU_STOCK = 300
MODELES = 20
LE = date(2026, 6, 30)
T = TypeVar("T")


@dataclass(frozen=True)
class Monde:
    """modele: where the model was played, and where a copy can be registered for good. stock: its copies."""

    modele: Engine
    stock: Engine
    gabarits: list[Gabarit]
    tranches: list[Tranche]
    index: tuple[list[str], list[str]]


@pytest.fixture(scope="module")
def monde(module_engine: Engine, second_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Monde:
    parametres = Parametres(DEMANDES_DU_STOCK, LE.isoformat(), MODELES, "essai", bruts_jours=None)
    for engine in (module_engine, second_engine):
        add_guichets(engine, datetime(2020, 1, 1, tzinfo=UTC))
    for _ in play(module_engine, parametres.graine, plan_faits(parametres.graine, MODELES, LE)):
        pass
    source_url, url = (_url(engine) for engine in (module_engine, second_engine))
    with psycopg.connect(source_url) as source, psycopg.connect(url) as conn:
        gabarits = read_gabarits(source)
        adopt(conn, read_reprises(source))
    avant = _index(second_engine)
    with Progress(disable=True) as progress:
        load(url, tmp_path_factory.mktemp("stock"), gabarits, parametres, progress, 1)
    apres = _index(second_engine)
    return Monde(module_engine, second_engine, gabarits, plan(gabarits, DEMANDES_DU_STOCK), (avant, apres))


def _url(engine: Engine) -> str:
    return engine.url.set(drivername="postgresql").render_as_string(hide_password=False)


def _index(engine: Engine) -> list[str]:
    with engine.connect() as conn:
        return list(
            conn.scalars(text("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"))
        )


def _copy(monde: Monde, rang: int, copie: int) -> tuple[Gabarit, Tranche, str]:
    gabarit, tranche = monde.gabarits[rang], monde.tranches[rang]
    numero = compose(gabarit.territoire, gabarit.depot, tranche.numero + copie, gabarit.guichet)
    return gabarit, tranche, str(numero)


def _rows(conn: Connection, numero: str) -> dict[str, list[dict[str, Any]]]:
    """Every row about this number, by table, without what only tells the order of the writings."""
    par_numero = conn.scalars(
        text(
            "SELECT table_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND column_name = 'numero' ORDER BY 1"
        )
    ).all()
    rows = {
        table: list(conn.execute(text(f"SELECT * FROM {table} WHERE numero = :n"), {"n": numero}).mappings())
        for table in par_numero
    }
    echanges = [row["id"] for row in rows["echange"]]
    distributions = [row["id"] for row in rows["distribution"]]
    for table, colonne, cles in (
        ("echange_brut", "echange", echanges),
        ("trace_lecture", "echange", echanges),
        ("tentative", "distribution", distributions),
    ):
        rows[table] = list(
            conn.execute(text(f"SELECT * FROM {table} WHERE {colonne} = ANY(:c)"), {"c": cles}).mappings()
        )
    secondaires = {"sequence", "sequence_journal", "evenement", "echange", "distribution", "precedent"}
    found: dict[str, list[dict[str, Any]]] = {}
    for table, lignes in rows.items():
        exclues = secondaires | ({"id"} if table in ("echange", "distribution", "trace_lecture") else set())
        # The seal holds the order; the name of a file, a counter of the process.
        exclues |= {"empreinte"} if table == "journal" else set()
        exclues |= {"nom_fichier"} if table == "rejeu" else set()
        found[table] = sorted(
            ({nom: valeur for nom, valeur in ligne.items() if nom not in exclues} for ligne in lignes),
            key=repr,
        )
    return found


async def _with_acteur(engine: Engine, work: Callable[[Acteur], Any]) -> Any:
    acteur = Acteur(engine)
    await acteur.start()
    try:
        return await work(acteur)
    finally:
        await acteur.stop()


def _author(monde: Monde, code: str) -> Guichet:
    with monde.modele.connect() as conn:
        guichet = get_guichet(conn, code)
    assert guichet is not None
    return replace(guichet, adresse_reception="")


def _received(monde: Monde, numero: str) -> list[bytes]:
    """The files that made the versions of a demande of the stock."""
    with monde.stock.connect() as conn:
        return [
            zlib.decompress(octets)
            for octets in conn.scalars(
                text("""SELECT b.octets FROM journal j JOIN echange_brut b ON b.echange = j.echange
                    WHERE j.numero = :n ORDER BY j.version"""),
                {"n": numero},
            )
        ]


def _demande(data: bytes) -> Demande:
    document = read_document(data, DEMANDES)
    assert isinstance(document, Document)
    return read_demande(document.root)


def test_a_copy_has_the_rows_of_a_demande_registered_for_good(monde: Monde) -> None:
    copie = 13
    vus: set[str] = set()
    natures: set[str] = set()
    for rang, gabarit in enumerate(monde.gabarits):
        if gabarit.rang or not gabarit.cles:
            continue
        gabarit, tranche, numero = _copy(monde, rang, copie)
        with monde.stock.connect() as conn:
            attendu = _rows(conn, numero)
        with monde.modele.begin() as conn:
            # The next number of that month is then that of the copy.
            conn.execute(
                text("UPDATE compteur_numero SET dernier = :d WHERE territoire = :t AND mois = :m"),
                {
                    "d": tranche.numero + copie - 1,
                    "t": gabarit.territoire,
                    "m": month_of(gabarit.depot),
                },
            )
        auteur = _author(monde, gabarit.guichet)
        fichiers = _received(monde, numero)

        async def register(acteur: Acteur) -> None:
            for ordre, fichier in enumerate(fichiers):  # noqa: B023
                instant = gabarit.instants[ordre] + copie * tranche.pas[ordre]  # noqa: B023
                await acteur.send(fichier, auteur, instant)  # noqa: B023

        asyncio.run(_with_acteur(monde.modele, register))
        with monde.modele.connect() as conn:
            assert _rows(conn, numero) == attendu
        vus |= {table for table, rows in attendu.items() if rows}
        natures |= {row["nature"] for row in attendu["journal"]}
    assert natures == {"CRE", "MOD", "REN", "RAD"}
    assert set(COPIEES) - vus <= {"releve_dalo", "dalo_statut"}


def test_the_register_of_a_stock_holds(monde: Monde) -> None:
    """The chain verifies, every version is attested [JRN]; the counters go on after the last number."""
    with monde.stock.connect() as conn:
        rapport = verification.verify(conn)
        assert rapport.intact, (rapport.ecarts, rapport.chaine.ruptures)
        assert conn.scalar(text("SELECT count(*) FROM demande")) == DEMANDES_DU_STOCK
        faux = conn.execute(
            text("""
                SELECT c.* FROM compteur_numero c JOIN (
                    SELECT territoire, substr(numero, 4, 4) AS mois, max(substr(numero, 8, 6)::int) AS dernier
                    FROM demande GROUP BY 1, 2) d USING (territoire, mois) WHERE c.dernier <> d.dernier
            """)
        ).all()
        assert not faux


def test_a_stock_has_the_indexes_of_the_product(monde: Monde) -> None:
    avant, apres = monde.index
    assert apres == avant


def _active_with_person(monde: Monde) -> str:
    with monde.stock.connect() as conn:
        numero = conn.scalar(
            text("""SELECT d.numero FROM demande d JOIN identite i USING (numero)
                WHERE d.etat = 'active' AND d.territoire = '111' ORDER BY 1 LIMIT 1 OFFSET 5""")
        )
    assert isinstance(numero, str)
    return numero


def test_a_copy_is_read_found_and_modified(monde: Monde) -> None:
    numero = _active_with_person(monde)
    national = _author(monde, modele.NATIONAL)
    (fichier, *_) = _received(monde, numero)
    demandeur = _demande(fichier).demandeur
    assert demandeur is not None
    with monde.stock.connect() as conn:
        (lue,) = read(conn, [Lecture(national, numero)])
        assert lue is not None
        assert _demande(lue.document).num_unique == numero
        trouves = search(conn, ["111"], [Recherchee(cle.cle, cle.role) for cle in cles_of(_demande(fichier))])
        assert (numero, 100) in [(trouve.numero, trouve.score) for trouve in trouves]
        personne = Personne(demandeur.nom, demandeur.prenom, demandeur.date_naissance)
        trouvees = recherche.search(conn, national, Criteres(personne=personne), LE)
        assert numero in trouvees.numeros
    document = lue.document

    async def modify(acteur: Acteur) -> bytes:
        instant = datetime.combine(LE, datetime.min.time(), PARIS) + timedelta(days=1)
        fait = modele.Fait(instant, 0, "MOD")
        return await acteur.send(follow(document, fait, national.code), national, instant)

    modele.open_reception(monde.stock)
    asyncio.run(_with_acteur(monde.stock, modify))
    with monde.stock.connect() as conn:
        (apres,) = read(conn, [Lecture(national, numero)])
        assert apres is not None
        assert apres.version == lue.version + 1
        assert verification.verify(conn).intact


def test_a_table_that_the_generator_does_not_know_stops_it(monde: Monde) -> None:
    with psycopg.connect(_url(monde.modele)) as conn:
        conn.execute("INSERT INTO preavis VALUES ('x', '2026-01-01', 1, 'courrier', now())")
        with pytest.raises(TableInconnue, match="preavis"):
            read_gabarits(conn)
        conn.rollback()
