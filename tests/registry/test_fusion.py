"""Search, merge and setting aside of doublons (docs/specification, clauses DBL)."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select, text

from registry.documents_gardes import read_kept
from registry.fusion import MOTIF_FUSION, Fusion, merge, set_aside
from registry.identites import cles_of
from registry.lifecycle import Etat
from registry.recherche_doublons import Rapprochement, Recherchee, search
from registry.registration import Enregistrement
from registry.suspects import list_suspects
from registry.tables import JOURNAL
from registry.tables_doublons import FUSION
from registry.verification import verify
from tests.registry.fabrique import (
    AUTRE_BAILLEUR,
    BAILLEUR,
    RECU_LE,
    DecideurTemoin,
    demande_of,
    generate,
    recue_of,
    register_all,
)
from tests.registry.vies import situation_of

PERSONNE = ("Martin", "Catherine", "1980-03-11")


def document(
    seed: str, personne: tuple[str, str, str] = PERSONNE, depot: str = "2026-06-01", guichet: str = "G1104"
) -> bytes:
    texte = generate(seed, guichet=BAILLEUR, avec_cotitulaire=False, association=False).decode()
    demandeur = re.search(r"<(\w+:)?demandeur\b.*?</(\w+:)?demandeur>", texte, re.DOTALL)
    assert demandeur is not None
    neuf = demandeur[0]
    for balise, valeur in zip(("nom", "prenom", "dateNaissance"), personne, strict=True):
        neuf = re.sub(rf"(<(?:\w+:)?{balise}\b[^>]*>)[^<]*", rf"\g<1>{valeur}", neuf, count=1)
    neuf = re.sub(r"<(\w+:)?nomPatronymique\b[^>]*>[^<]*</(\w+:)?nomPatronymique>", "", neuf)
    texte = texte.replace(demandeur[0], neuf)
    texte = re.sub(r"(<(?:\w+:)?dateCreationDemande\b[^>]*>)[^<]*", rf"\g<1>{depot}", texte)
    texte = re.sub(r"(<(?:\w+:)?numGuichet\b[^>]*>)[^<]*", rf"\g<1>{guichet}", texte)
    return re.sub(r"<(\w+:)?forcerDoublon\b[^>]*>[^<]*</(\w+:)?forcerDoublon>", "", texte).encode()


def registered(engine: Engine, data: bytes, guichet=BAILLEUR) -> str:  # type: ignore[no-untyped-def]
    (fait,) = register_all(engine, [recue_of(data, guichet)])
    assert isinstance(fait, Enregistrement), fait
    return fait.numero


@pytest.fixture
def deux(engine: Engine) -> tuple[str, str]:
    """The same person twice, with day and month exchanged; the first is the older."""
    ancienne = registered(engine, document("a", depot="2026-05-01"))
    recente = registered(
        engine,
        document("b", ("Martin", "Catherine", "1980-11-03"), guichet="G1226"),
        AUTRE_BAILLEUR,
    )
    return ancienne, recente


def found(engine: Engine, numero: str) -> list[Rapprochement]:
    situation = situation_of(engine, numero)
    cles = cles_of(read_kept(situation.document))
    with engine.connect() as conn:
        return search(conn, ["111"], [Recherchee(cle.cle, cle.role) for cle in cles], sauf=numero)


def test_search_scores_sorts_and_leaves_itself_out(engine: Engine) -> None:
    """[DBL-2] [DBL-3] In the territory, among the active demandes; none of them was refused [DBL-4]."""
    base = registered(engine, document("a"))
    faute = registered(engine, document("b", ("Martin", "Katherine", "1980-03-11")))
    inverse = registered(engine, document("c", ("Martin", "Catherine", "1980-11-03")))
    voisine = registered(engine, document("d", ("Catherine", "Martin", "1980-03-12")))
    registered(engine, document("e", ("Martin", "Paul", "1980-03-11")))
    assert [(each.numero, each.score) for each in found(engine, base)] == [
        (inverse, 90),
        (faute, 85),
        (voisine, 80),
    ]


def test_list_of_a_territory(engine: Engine, deux: tuple[str, str]) -> None:
    """[DBL-6] Exchanged dates are in one group."""
    with engine.connect() as conn:
        (couple,) = list_suspects(conn, "111")
        assert list_suspects(conn, "059") == []
    assert (couple.premiere, couple.seconde) == tuple(sorted(deux))
    assert couple.score == 90


def test_set_aside_is_no_longer_shown(engine: Engine, deux: tuple[str, str]) -> None:
    """[DBL-7] In either order, from either demande; twice changes nothing."""
    for une, autre in (deux, deux[::-1]):
        with engine.begin() as conn:
            assert set_aside(conn, une, autre, auteur="DDT", motif="jumelles", instant=RECU_LE) == ()
    assert found(engine, deux[0]) == found(engine, deux[1]) == []
    with engine.begin() as conn:
        assert list_suspects(conn, "111") == []
        assert set_aside(conn, deux[0], deux[0], auteur="DDT", motif="", instant=RECU_LE)
        assert set_aside(conn, deux[0], "1" * 18, auteur="DDT", motif="", instant=RECU_LE)


def merged(engine: Engine, conservee: str, absorbee: str, decideur: DecideurTemoin | None = None, **options):  # type: ignore[no-untyped-def]
    with engine.begin() as conn:
        return merge(
            conn,
            decideur or DecideurTemoin(),
            conservee=conservee,
            absorbee=absorbee,
            auteur="DDT 75",
            motif="même personne",
            instant=RECU_LE + timedelta(days=1),
            **options,
        )


def test_merge_radiates_one_and_leaves_the_other_as_it_is(engine: Engine, deux: tuple[str, str]) -> None:
    """[DBL-8] Number and seniority of the older one; one fact in the journal, told to the guichets."""
    ancienne, recente = deux
    avant = situation_of(engine, ancienne)
    decideur = DecideurTemoin()
    done = merged(engine, ancienne, recente, decideur)
    assert done == Fusion(ancienne, recente, avant.date_depot, 90)
    assert situation_of(engine, ancienne) == avant
    apres = situation_of(engine, recente)
    assert (apres.etat, apres.motif_radiation, apres.version) == (Etat.RADIEE, MOTIF_FUSION, 2)
    demande = demande_of(apres.document)
    assert demande.radiation is not None
    assert demande.radiation.motif == MOTIF_FUSION
    (evenement,) = decideur.evenements
    assert (evenement.numero, evenement.nature) == (recente, "RAD")
    with engine.connect() as conn:
        detail = conn.scalar(select(JOURNAL.c.detail).order_by(JOURNAL.c.sequence.desc()).limit(1))
        (ligne,) = conn.execute(select(FUSION)).all()
        assert verify(conn).intact
    assert detail is not None
    assert json.loads(detail) == {"motif": MOTIF_FUSION, "fusion": ancienne, "par": "DDT 75"}
    assert (ligne.auteur, ligne.date_anciennete) == ("DDT 75", avant.date_depot)


def test_holders_of_the_radiated_one_hold_the_other(engine: Engine, deux: tuple[str, str]) -> None:
    """[DBL-9]"""
    merged(engine, *deux)
    with engine.connect() as conn:
        holders = set(conn.scalars(text("SELECT guichet FROM detention WHERE numero = :n"), {"n": deux[0]}))
    assert {"G1104", "G1226"} <= holders


def test_merged_demande_is_no_longer_a_doublon(engine: Engine, deux: tuple[str, str]) -> None:
    """[DBL-8] Nor can it be merged again."""
    merged(engine, *deux)
    assert found(engine, deux[0]) == []
    again = merged(engine, *deux)
    assert [constat.code for constat in again] == ["NON-ACTIVE"]


def test_only_the_older_one_is_kept(engine: Engine, deux: tuple[str, str]) -> None:
    """[DBL-8] No seniority moves from one number to another."""
    refus = merged(engine, deux[1], deux[0])
    assert [constat.code for constat in refus] == ["ANCIENNETE"]
    assert deux[0] in refus[0].texte


def test_persons_must_look_alike_unless_the_gestionnaire_insists(engine: Engine) -> None:
    """[DBL-8]"""
    une = registered(engine, document("a", depot="2026-05-01"))
    autre = registered(engine, document("b", ("Durand", "Paul", "1955-01-20")))
    assert [constat.code for constat in merged(engine, une, autre)] == ["PERSONNES"]
    assert isinstance(merged(engine, une, autre, malgre_ecart=True), Fusion)


def test_unknown_and_same_numbers(engine: Engine, deux: tuple[str, str]) -> None:
    """[DBL-8]"""
    assert [constat.code for constat in merged(engine, deux[0], "1" * 18)] == ["DEMANDE-INCONNUE"]
    assert [constat.code for constat in merged(engine, deux[0], deux[0])] == ["MEME-DEMANDE"]
