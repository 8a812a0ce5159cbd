"""The weekly figures: the identity of the stock, and what the public may see (43-infocentre.md)."""

from __future__ import annotations

import csv
import io
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from registry import lifecycle
from registry.guichets import Guichet, TypeGuichet
from registry.guichets_store import NouveauGuichet, add_guichet
from registry.infocentre import (
    PARTITIONS,
    RESERVES,
    SEUIL,
    Acte,
    Ligne,
    Tableau,
    balance,
    delta_of,
    flows,
    public,
    week_of,
)
from registry.infocentre_arretes import Arrete, close, read, recount, weeks
from registry.infocentre_export import TITRES, write_files
from registry.lifecycle import Etat, Fait
from registry.qualite import PAR_CODE, Mesure, total
from registry.qualite_mesures import read_guichet, read_week
from registry.registration import Enregistrement
from tests.registry.dalo import DecideurReleves
from tests.registry.fabrique import BAILLEUR, RECU_LE, horloge
from tests.registry.vies import (
    attribution,
    change_all,
    changement_of,
    created,
    radiation,
    renewal,
    sent,
)

SEMAINE_1 = RECU_LE + timedelta(days=1)
SEMAINE_2 = SEMAINE_1 + timedelta(days=7)


def numbers_of(arrete: Arrete, tableau: Tableau) -> dict[str, int]:
    return {ligne.modalite: ligne.nombre for ligne in arrete.lignes if ligne.tableau is tableau}


def two_weeks(engine: Engine) -> tuple[Arrete, Arrete]:
    """Five demandes; then one let, one radiated, reactivated and radiated again, one taken out, one renewed,
    one new."""
    documents = [created(engine, seed) for seed in range(5)]
    premiere = close(engine, SEMAINE_1)

    def happen(data: bytes) -> bytes:
        (fait,) = change_all(engine, [changement_of(data)], DecideurReleves(horloge()))  # type: ignore[arg-type]
        assert isinstance(fait, Enregistrement), [anomalie.code for anomalie in fait.anomalies]
        return fait.fichier.contenu

    happen(attribution(documents[0]))
    courrier = "<ns1:absenceReponse><ns1:dateCourrier>2026-05-01</ns1:dateCourrier></ns1:absenceReponse>"
    radiee = happen(radiation(documents[1], "RADCON", "2026-07-01", courrier))
    happen(radiation(happen(radiation(radiee, "", "2026-07-01")), "RADABA", "2026-07-01"))
    happen(sent(documents[2], "SUP"))
    happen(renewal(documents[3], "2026-07-01"))
    created(engine, "nouvelle")
    return premiere, close(engine, SEMAINE_2)


def test_the_stock_is_what_came_in_less_what_went_out(engine: Engine) -> None:
    """[INF-2] [INF-3] [INF-4]"""
    premiere, seconde = two_weeks(engine)
    (bilan,) = premiere.bilans
    assert (bilan.ouverture, bilan.entrees, bilan.sorties, bilan.cloture, bilan.ecart) == (0, 5, 0, 5, 0)
    (bilan,) = seconde.bilans
    assert (bilan.ouverture, bilan.entrees, bilan.sorties, bilan.cloture, bilan.ecart) == (5, 2, 4, 3, 0)
    assert numbers_of(seconde, Tableau.ENTREE) == {"CRE": 1, "deradiation": 1}
    assert numbers_of(seconde, Tableau.SORTIE) == {"RADATT": 1, "RADCON": 1, "RADABA": 1, "SUP": 1}
    assert numbers_of(seconde, Tableau.ACTE)["REN/soap"] == 1
    assert numbers_of(seconde, Tableau.ATTRIBUTION) == {"AUCUN": 1}
    assert sum(numbers_of(seconde, Tableau.ATTRIBUTION_DELAI).values()) == 1
    assert sum(numbers_of(seconde, Tableau.ANCIENNETE).values()) == 3


def test_a_week_is_closed_once(engine: Engine) -> None:
    """[INF-1] closed again, by whomever, it is what it was; what came since is of the next week."""
    premiere, seconde = two_weeks(engine)
    assert close(engine, SEMAINE_2 + timedelta(hours=1)) == seconde
    with engine.connect() as conn:
        assert weeks(conn) == [premiere.semaine, seconde.semaine]
        assert read(conn, premiere.semaine) == premiere


def test_what_was_changed_without_the_journal_is_seen(engine: Engine) -> None:
    """[INF-4] [INF-5] the demandes and the journal are counted apart."""
    two_weeks(engine)
    with engine.begin() as conn:
        assert recount(conn, week_of(SEMAINE_2)) == {}
        conn.execute(text("UPDATE demande SET etat = 'radiee' WHERE etat = 'active' AND numero ="
                          " (SELECT min(numero) FROM demande WHERE etat = 'active')"))  # fmt: skip
    troisieme = close(engine, SEMAINE_2 + timedelta(days=7))
    assert [bilan.ecart for bilan in troisieme.ecarts] == [-1]
    with engine.connect() as conn:
        (comptes,) = recount(conn, troisieme.semaine).values()
    assert comptes == (2, 3)


def test_each_fact_has_its_effect_on_the_stock() -> None:
    """[INF-3] for every transition of the life cycle, the fact alone tells it."""
    for (avant, fait), apres in lifecycle.TRANSITIONS.items():
        assert delta_of(fait) == (apres is Etat.ACTIVE) - (avant is Etat.ACTIVE), (avant, fait)
    assert delta_of(None) == 0


def test_what_is_no_fact_of_the_life_cycle_moves_nothing() -> None:
    """[INF-3] a declaration DALO or a notice is in the journal too."""
    assert flows([Acte("075", "DALO", "soap", False, "", 3)]) == []


@pytest.mark.parametrize(
    ("instant", "semaine"),
    [
        (datetime(2026, 11, 29, 22, 59, tzinfo=UTC), "2026-W48"),
        (datetime(2026, 11, 29, 23, 0, tzinfo=UTC), "2026-W49"),
        (datetime(2027, 1, 3, 12, 0, tzinfo=UTC), "2026-W53"),
    ],
)
def test_the_week_is_that_of_paris(instant: datetime, semaine: str) -> None:
    """[INF-1]"""
    assert week_of(instant) == semaine


LIGNES = st.lists(
    st.builds(
        Ligne,
        st.sampled_from(Tableau),
        st.sampled_from(["075", "093"]),
        st.sampled_from("abcdef"),
        st.integers(1, 40),
    ),
    unique_by=lambda ligne: (ligne.tableau, ligne.territoire, ligne.modalite),
    max_size=40,
)


@given(LIGNES)
def test_no_small_number_is_published_nor_can_be_found(lignes: list[Ligne]) -> None:
    """[INF-6] what is hidden in a sum that is known is two lines at least, for SEUIL demandes or more."""
    publiees = public(lignes)
    assert all(ligne.nombre >= SEUIL and ligne.tableau not in RESERVES for ligne in publiees)
    cachees: dict[tuple[str, str], list[int]] = {}
    gardees: Counter[tuple[str, str]] = Counter()
    for ligne in lignes:
        if famille := PARTITIONS.get(ligne.tableau):
            cle = (famille, ligne.territoire)
            gardees[cle] += ligne in publiees
            if ligne not in publiees:
                cachees.setdefault(cle, []).append(ligne.nombre)
    for cle, nombres in cachees.items():
        assert not gardees[cle] or (len(nombres) > 1 and sum(nombres) >= SEUIL)
    hors = [each for each in lignes if each.tableau not in PARTITIONS | dict.fromkeys(RESERVES)]
    assert all((ligne in publiees) == (ligne.nombre >= SEUIL) for ligne in hors)


@given(st.dictionaries(st.sampled_from(["075", "093"]), st.integers(0, 50)), LIGNES)
def test_the_identity_is_that_of_each_territory(avant: dict[str, int], lignes: list[Ligne]) -> None:
    """[INF-4]"""

    def total(tableau: Tableau, territoire: str) -> int:
        return sum(
            ligne.nombre for ligne in lignes if (ligne.tableau, ligne.territoire) == (tableau, territoire)
        )

    for bilan in balance(avant, lignes):
        assert bilan.ecart == (
            total(Tableau.STOCK, bilan.territoire)
            - avant.get(bilan.territoire, 0)
            - total(Tableau.ENTREE, bilan.territoire)
            + total(Tableau.SORTIE, bilan.territoire)
        )


def test_the_files_say_the_same_in_both_formats(engine: Engine, tmp_path: Path) -> None:
    """[INF-7] and again, the same bytes ([INF-1])."""
    _, seconde = two_weeks(engine)
    sommaire = write_files(seconde, tmp_path)
    assert write_files(seconde, tmp_path / "encore") == sommaire
    for diffusion, attendues in (("complet", len(seconde.lignes)), ("public", len(public(seconde.lignes)))):
        base = tmp_path / f"infocentre-{seconde.semaine}-{diffusion}"
        csv_lu = list(csv.DictReader(io.StringIO(base.with_suffix(".csv").read_text()), delimiter=";"))
        parquet_lu = pq.read_table(base.with_suffix(".parquet"))
        assert tuple(parquet_lu.column_names) == TITRES
        assert [{k: str(v) for k, v in row.items()} for row in parquet_lu.to_pylist()] == csv_lu
        assert len(csv_lu) == attendues
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == sorted(
        [f.nom for f in sommaire.fichiers] + [f"infocentre-{seconde.semaine}.json"]
    )


def test_facts_are_read_as_the_history_reads_them() -> None:
    """[INF-3] a déradiation is written as a RAD."""
    lignes = flows([Acte("075", "RAD", "soap", True, "", 2), Acte("075", "RAD", "tache", False, "RADREN", 4)])
    assert Ligne(Tableau.ENTREE, "075", Fait.DERADIATION, 2) in lignes
    assert Ligne(Tableau.SORTIE, "075", "RADREN", 4) in lignes


def test_the_quality_of_each_guichet_is_measured_since_the_closing_before(engine: Engine) -> None:
    """[INF-8] volumes, and shares with what they are a share of."""
    with engine.begin() as conn:
        nouveau = NouveauGuichet("G1104", "Bailleur", TypeGuichet.BAILLEUR, "", BAILLEUR.territoires)
        assert isinstance(add_guichet(conn, nouveau, instant=RECU_LE), Guichet)
    premiere, seconde = two_weeks(engine)
    with engine.connect() as conn:
        avant, apres = (
            {m.indicateur: (m.nombre, m.base) for m in read_week(conn, arrete.semaine)}
            for arrete in (premiere, seconde)
        )
        suite = read_guichet(conn, "G1104", 5)
    assert avant["creations"] == (5, 0)
    assert avant["sans_contact"][1] == 5
    assert avant["echanges"][0] == 5
    attendus = {
        "creations": (1, 0),
        "renouvellements": (1, 0),
        "radiations": (3, 0),
        "reactivations": (1, 3),
        "attributions": (1, 0),
        "attributions_rpls": (1, 1),
        "attributions_reservataire": (1, 1),
        "attributions_tardives": (0, 1),
        "attributions_dalo": (0, 1),
        "stock": (3, 0),
        "doublons_forces": (0, 1),
    }
    assert {code: apres[code] for code in attendus} == attendus
    assert list(suite) == [premiere.semaine, seconde.semaine]
    assert {m.indicateur for m in suite[seconde.semaine]} <= set(PAR_CODE)


def test_the_share_of_many_is_that_of_all_their_demandes() -> None:
    """[INF-8] no average of averages."""
    sommes = total([Mesure("G1", "sans_contact", 1, 1), Mesure("G2", "sans_contact", 0, 99)])
    assert sommes["sans_contact"].part == 0.01
    assert total([Mesure("G1", "creations", 2)])["creations"].part is None
