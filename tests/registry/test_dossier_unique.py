"""The dossier unique on a real database: rights, one copy of each, marks, deletion, history, journal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
import pytest_asyncio
from lxml import etree
from sqlalchemy import Engine, select, text

from registry import journal
from registry import pieces_store as store
from registry.acces_pieces import Acteur
from registry.annexes import BLOC, Contenu
from registry.clock import FixedClock
from registry.dossier_unique import Depot
from registry.echanges import Echange, Fichier, Refus
from registry.effacement import erase, erase_exchanges
from registry.exchanges_store import Statut, get_echange, read_octets, record_receptions
from registry.guichets import Guichet, TypeGuichet
from registry.handlers_pieces import DossierUnique
from registry.limites import LIMITES_PIECES, LimitesPieces
from registry.pieces import DROITS, Action, Portee, categories, narrows
from registry.pieces_store import Piece
from registry.profils import Profil, default_profil
from registry.registration import Enregistrement
from registry.regles import Regles
from registry.tables import JOURNAL
from registry.tables_pieces import PIECE_ACTION, PIECE_BLOC
from registry.verification import verify
from schemas.contract import xsd_bytes
from tests.registry.documents_pieces import jpeg, pdf, png
from tests.registry.fabrique import (
    AUTRE_BAILLEUR,
    BAILLEUR,
    COMMUNE,
    RECU_LE,
    echange_of,
    generate,
    horloge,
    recue_of,
    register_all,
)

NS = "{http://nuu.application.i2/}"
AILLEURS = Guichet("G0690", "Bailleur du Rhône", TypeGuichet.BAILLEUR, "", frozenset({"069"}))
PORTAIL = Guichet("GDPUB", "Portail", TypeGuichet.AUTRE, "", frozenset({"111"}))
ORDINAIRE, SENSIBLE = "FIS01", "MOT04"


@pytest.fixture
def clock() -> FixedClock:
    return horloge()


@pytest_asyncio.fixture
async def dossier(engine: Engine, clock: FixedClock) -> AsyncIterator[DossierUnique]:
    traitement = DossierUnique(engine, clock)
    await traitement.start()
    yield traitement
    await traitement.stop()


@pytest.fixture
def numero(engine: Engine) -> str:
    (resultat,) = register_all(engine, [recue_of(generate(1))])
    assert isinstance(resultat, Enregistrement)
    return resultat.numero


def acteur(
    engine: Engine,
    guichet: Guichet = BAILLEUR,
    profil: str = "",
    qui: str = "a.martin",
    compte: Profil | None = None,
) -> Acteur:
    """A new exchange of that guichet, received. compte: the profile of its certificate."""
    echange: Echange = echange_of(guichet)
    emetteur = replace(echange.emetteur, profil=compte or default_profil(guichet.code))
    echange = replace(echange, emetteur=emetteur)
    with engine.begin() as conn:
        record_receptions(conn, [echange])
    return Acteur(echange, qui, profil)


def depot(
    numero: str, octets: bytes | None = None, categorie: str = ORDINAIRE, nom: str = "avis.pdf"
) -> Depot:
    return Depot(numero, categorie, nom, Contenu.of(pdf() if octets is None else octets))


async def put(dossier: DossierUnique, engine: Engine, piece: Depot, guichet: Guichet = BAILLEUR) -> Piece:
    answer = await dossier.deposer(acteur(engine, guichet), piece)
    assert isinstance(answer, Piece), answer
    return answer


def code(answer: object) -> str:
    """The code of a refusal, or empty."""
    return answer.anomalies[0].code if isinstance(answer, Refus) else ""


def ids(answer: Fichier | Refus) -> list[str]:
    assert isinstance(answer, Fichier), answer
    root = etree.fromstring(answer.contenu)
    schema = etree.XMLSchema(etree.fromstring(xsd_bytes("dossier-unique.xsd")))
    schema.assertValid(root)
    return [piece.findtext(f"{NS}idPiece") or "" for piece in root.iter(f"{NS}piece")]


async def test_a_piece_is_given_once_and_read_by_another_guichet(
    dossier: DossierUnique, engine: Engine, numero: str
) -> None:
    """[PIE-1] [PIE-10] One copy for all who may read the demande."""
    octets = pdf(poids=3 * BLOC + 5)
    piece = await put(dossier, engine, depot(numero, octets, nom="C:\\Documents\\avis.pdf"))
    assert (piece.nom, piece.type, piece.taille) == ("avis.pdf", "application/pdf", len(octets))
    assert ids(await dossier.lister(acteur(engine, AUTRE_BAILLEUR), numero)) == [str(piece.id)]
    qui = acteur(engine, AUTRE_BAILLEUR)
    found = await dossier.consulter(qui, numero, str(piece.id))
    assert not isinstance(found, Refus)
    (sortie,) = qui.echange.annexes.sorties
    assert sortie.jeton == found[1]
    blocs = [sortie.lire(rang) for rang in range(-(-sortie.taille // BLOC))]
    assert b"".join(blocs) == octets
    assert max(map(len, blocs)) == BLOC


async def test_the_same_file_twice_is_refused_in_one_dossier(
    dossier: DossierUnique, engine: Engine, numero: str
) -> None:
    """[PIE-11] By its hash, whatever its name, its category and who sends it; again admitted once deleted."""
    piece = await put(dossier, engine, depot(numero))
    answer = await dossier.deposer(acteur(engine, AUTRE_BAILLEUR), depot(numero, categorie=SENSIBLE, nom="x"))
    assert code(answer) == "PIE207"
    assert isinstance(answer, Refus)
    assert str(piece.id) in answer.anomalies[0].message
    await dossier.supprimer(acteur(engine), numero, str(piece.id), "erreur")
    await put(dossier, engine, depot(numero))


async def test_two_deposits_of_one_file_at_once_give_one_piece(
    dossier: DossierUnique, engine: Engine, numero: str
) -> None:
    """[PIE-11]"""
    answers = await asyncio.gather(*(dossier.deposer(acteur(engine), depot(numero)) for _ in range(6)))
    assert sorted(map(code, answers)) == ["", *["PIE207"] * 5]


async def test_an_unreadable_demande_is_refused_like_one_that_does_not_exist(
    dossier: DossierUnique, engine: Engine, numero: str
) -> None:
    """[PIE-5] The right to read the demande comes first, for every operation."""
    piece = await put(dossier, engine, depot(numero))
    for qui, cible in ((AILLEURS, numero), (COMMUNE, "1" * 18), (BAILLEUR, "1" * 18)):
        answers = [
            await dossier.deposer(acteur(engine, qui), depot(cible, png())),
            await dossier.lister(acteur(engine, qui), cible),
            await dossier.consulter(acteur(engine, qui), cible, str(piece.id)),
            await dossier.marquer(
                acteur(engine, qui), cible, str(piece.id), marque="OBSOL", categorie="", note=""
            ),
            await dossier.supprimer(acteur(engine, qui), cible, str(piece.id), "x"),
            await dossier.historique(acteur(engine, qui), cible),
        ]
        assert [code(answer) for answer in answers] == ["GUI103"] * 6


@pytest.mark.parametrize("profil", Profil)
async def test_each_profile_does_what_the_table_says_and_no_more(
    dossier: DossierUnique, engine: Engine, numero: str, profil: Profil
) -> None:
    """[PIE-6] Every profile × action × sensitivity × own or not, through the handlers."""
    autres = [await put(dossier, engine, depot(numero, png(), ORDINAIRE), AUTRE_BAILLEUR)]
    autres.append(await put(dossier, engine, depot(numero, jpeg(), SENSIBLE), AUTRE_BAILLEUR))
    propre = await put(dossier, engine, depot(numero, pdf(), SENSIBLE))
    droits = DROITS[profil]

    def qui() -> Acteur:
        return acteur(engine, compte=profil)

    def expected(action: Action, piece: Piece) -> str:
        sensible = categories()[piece.categorie].sensible
        permis = {
            Portee.TOUTES: True,
            Portee.ORDINAIRES: not sensible,
            Portee.PROPRES: piece is propre,
            Portee.AUCUNE: False,
        }[droits[action]]
        refus = "GUI104" if droits[action] is Portee.AUCUNE else "PIE201"
        return "" if permis else refus

    listed = await dossier.lister(qui(), numero)
    if droits[Action.LISTE] is Portee.AUCUNE:
        assert code(listed) == "GUI104"
    else:
        visible = [p for p in (*autres, propre) if not expected(Action.LISTE, p)]
        assert ids(listed) == [str(piece.id) for piece in sorted(visible, key=lambda p: p.id)]
    assert (code(await dossier.historique(qui(), numero)) == "") == (
        droits[Action.HISTORIQUE] is Portee.TOUTES
    )
    for piece in (*autres, propre):
        read = await dossier.consulter(qui(), numero, str(piece.id))
        assert code(read) == expected(Action.CONSULTATION, piece)
        marked = await dossier.marquer(qui(), numero, str(piece.id), marque="OBSOL", categorie="", note="")
        assert code(marked) == expected(Action.MARQUE, piece)
        removed = await dossier.supprimer(qui(), numero, str(piece.id), "charte")
        assert code(removed) == expected(Action.SUPPRESSION, piece)
    deposited = await dossier.deposer(qui(), depot(numero, pdf(poids=9)))
    assert (code(deposited) == "") == (droits[Action.DEPOT] is Portee.TOUTES)


def test_consultants_and_digitiser_as_the_rules_have_them() -> None:
    """[PIE-6] regles §1: simple = list of non-sensitive; demande = their content; sensible = all; and §11."""
    consultant = DROITS[Profil.CONSULTANT_SIMPLE]
    assert (consultant[Action.LISTE], consultant[Action.CONSULTATION]) == (Portee.ORDINAIRES, Portee.AUCUNE)
    consultant = DROITS[Profil.CONSULTANT_DEMANDE]
    assert (consultant[Action.LISTE], consultant[Action.CONSULTATION]) == (Portee.ORDINAIRES,) * 2
    consultant = DROITS[Profil.CONSULTANT_SENSIBLE]
    assert (consultant[Action.LISTE], consultant[Action.CONSULTATION]) == (Portee.TOUTES,) * 2
    permis = {action for action, portee in DROITS[Profil.NUMERISEUR].items() if portee is not Portee.AUCUNE}
    assert permis == {Action.DEPOT}


async def test_a_profile_may_be_narrowed_by_the_message_and_never_widened(
    dossier: DossierUnique, engine: Engine, numero: str
) -> None:
    """[PIE-7]"""
    piece = await put(dossier, engine, depot(numero, categorie=SENSIBLE))
    assert ids(await dossier.lister(acteur(engine, profil="consultant_simple"), numero)) == []
    answer = await dossier.consulter(acteur(engine, profil="consultant_demande"), numero, str(piece.id))
    assert code(answer) == "PIE201"
    for profil in ("gestionnaire", "inconnu"):
        assert code(await dossier.lister(acteur(engine, profil=profil), numero)) == "PIE202"
    for profil in Profil:
        assert narrows(profil, Profil.GESTIONNAIRE)
        assert narrows(profil, profil)
        assert narrows(profil, Profil.CONSULTANT_SIMPLE) == (profil is Profil.CONSULTANT_SIMPLE)


async def test_the_portal_speaks_for_the_applicant(
    dossier: DossierUnique, engine: Engine, numero: str
) -> None:
    """[PIE-8] Deposits, reads, deletes his own, does not mark."""
    sienne = await put(dossier, engine, depot(numero, categorie=SENSIBLE), PORTAIL)
    autre = await put(dossier, engine, depot(numero, png()))
    mark = {"marque": "OBSOL", "categorie": "", "note": ""}
    assert code(await dossier.marquer(acteur(engine, PORTAIL), numero, str(sienne.id), **mark)) == "GUI104"
    assert code(await dossier.supprimer(acteur(engine, PORTAIL), numero, str(autre.id), "x")) == "PIE201"
    assert code(await dossier.supprimer(acteur(engine, PORTAIL), numero, str(sienne.id), "x")) == ""


@pytest.mark.parametrize("qui", ["", "x" * 101])
async def test_who_acts_is_always_said(dossier: DossierUnique, engine: Engine, numero: str, qui: str) -> None:
    """[PIE-9]"""
    assert code(await dossier.lister(acteur(engine, qui=qui), numero)) == "PIE203"


@pytest.mark.parametrize("categorie", ["", "XXX99", "IDE90", "fis01"])
async def test_a_category_outside_the_list_of_the_day_is_refused(
    dossier: DossierUnique, engine: Engine, numero: str, categorie: str
) -> None:
    """[PIE-3] IDE90 was closed in 2022."""
    assert code(await dossier.deposer(acteur(engine), depot(numero, categorie=categorie))) == "PIE204"


def test_categories_are_dated_and_some_are_sensitive() -> None:
    """[PIE-3] [PIE-4]"""
    assert all(len(code) == 5 for code in categories())
    assert categories()["IDE90"].is_open(date(2022, 4, 20))
    assert not categories()["IDE90"].is_open(date(2022, 4, 21))
    assert not categories()["MOT09"].is_open(date(2020, 12, 21))
    assert {"MOT04", "MOT05", "RES06"} <= {code for code, each in categories().items() if each.sensible}


async def test_a_file_that_is_refused_leaves_nothing(
    dossier: DossierUnique, engine: Engine, numero: str
) -> None:
    """[PIE-21] Neither content nor row; the exchange keeps the code."""
    qui = acteur(engine)
    assert code(await dossier.deposer(qui, depot(numero, b"MZ" + bytes(100)))) == "PIE223"
    with engine.connect() as conn:
        assert conn.execute(select(PIECE_BLOC)).all() == []
        assert store.list_pieces(conn, numero) == ()
        kept = get_echange(conn, qui.echange.id)
    assert kept is not None
    assert (kept.statut, kept.code, kept.numero) == (Statut.REFUSE, "PIE223", numero)


async def test_what_is_received_can_be_set(engine: Engine, clock: FixedClock, numero: str) -> None:
    """[PIE-12] [PIE-20] [PIE-34] Size, types, number of pièces present: each refusal says the bound."""
    limites = LimitesPieces(taille_max=1 << 20, nombre_max=10, types=("application/pdf",))
    dossier = DossierUnique(engine, clock, limites=limites)
    await dossier.start()
    gros = Contenu((1 << 20) + 1, bytes(32), b"")
    assert code(await dossier.deposer(acteur(engine), replace(depot(numero), contenu=gros))) == "PIE220"
    image = await dossier.deposer(acteur(engine), depot(numero, png()))
    assert isinstance(image, Refus)
    assert (image.anomalies[0].code, "application/pdf" in image.anomalies[0].message) == ("PIE227", True)
    pieces = [await put(dossier, engine, depot(numero, pdf(graine=rang, poids=9))) for rang in range(10)]
    assert code(await dossier.deposer(acteur(engine), depot(numero, pdf(graine=99, poids=9)))) == "PIE212"
    await dossier.supprimer(acteur(engine), numero, str(pieces[0].id), "obsolète")
    await put(dossier, engine, depot(numero, pdf(graine=99, poids=9)))
    await dossier.stop()


async def test_size_and_announced_hash(dossier: DossierUnique, engine: Engine, numero: str) -> None:
    """[PIE-12] [PIE-13]"""
    gros = Contenu(LIMITES_PIECES.taille_max + 1, bytes(32), b"")
    assert code(await dossier.deposer(acteur(engine), replace(depot(numero), contenu=gros))) == "PIE220"
    assert code(await dossier.deposer(acteur(engine), depot(numero), "ab" * 32)) == "PIE211"
    empreinte = Contenu.of(pdf()).empreinte.hex().upper()
    assert code(await dossier.deposer(acteur(engine), depot(numero), f" {empreinte} ")) == ""


async def test_marks_and_corrections(dossier: DossierUnique, engine: Engine, numero: str) -> None:
    """[PIE-14] A mark, a new category, both; the label is the category and is editable."""
    piece = await put(dossier, engine, depot(numero))

    async def mark(marque: str = "", categorie: str = "", note: str = "", cible: str = str(piece.id)) -> str:
        qui = acteur(engine, AUTRE_BAILLEUR)
        return code(await dossier.marquer(qui, numero, cible, marque=marque, categorie=categorie, note=note))

    assert await mark("INEXPL", note="page coupée") == ""
    assert await mark(categorie=SENSIBLE) == ""
    with engine.connect() as conn:
        (kept,) = store.list_pieces(conn, numero)
    assert (kept.marque, kept.categorie) == ("INEXPL", SENSIBLE)
    assert await mark() == "PIE209"
    assert await mark("AUTRE") == "PIE209"
    assert await mark("OBSOL", note="x" * 301) == "PIE209"
    assert await mark(categorie="IDE90") == "PIE204"
    assert await mark("OBSOL", cible="rien") == "PIE205"
    assert await mark("OBSOL", cible="018f0000-0000-7000-8000-000000000000") == "PIE205"


async def test_deletion_erases_the_content_and_keeps_the_facts(
    dossier: DossierUnique, engine: Engine, numero: str
) -> None:
    """[PIE-15] A motive is needed; read afterwards, the pièce is said to be deleted."""
    piece = await put(dossier, engine, depot(numero))
    assert code(await dossier.supprimer(acteur(engine), numero, str(piece.id), "")) == "PIE210"
    assert code(await dossier.supprimer(acteur(engine), numero, str(piece.id), "illisible")) == ""
    with engine.connect() as conn:
        assert conn.execute(select(PIECE_BLOC)).all() == []
        # A pièce that came inline was in the message too.
        assert read_octets(conn, piece.id) is None
    assert ids(await dossier.lister(acteur(engine), numero)) == []
    assert code(await dossier.consulter(acteur(engine), numero, str(piece.id))) == "PIE206"


async def test_every_action_is_in_the_history(dossier: DossierUnique, engine: Engine, numero: str) -> None:
    """[PIE-16] Readings too, with the agent, the guichet and the profile."""
    piece = await put(dossier, engine, depot(numero))
    await dossier.lister(acteur(engine, AUTRE_BAILLEUR, "consultant_simple", "b.<petit>"), numero)
    await dossier.consulter(acteur(engine), numero, str(piece.id))
    await dossier.marquer(acteur(engine), numero, str(piece.id), marque="OBSOL", categorie="", note="vu")
    await dossier.supprimer(acteur(engine), numero, str(piece.id), "remplacée")
    answer = await dossier.historique(acteur(engine), numero)
    ids(answer)
    assert isinstance(answer, Fichier)
    actions = list(etree.fromstring(answer.contenu).iter(f"{NS}action"))
    read = [
        tuple(
            action.findtext(f"{NS}{nom}") for nom in ("nature", "guichet", "utilisateur", "profil", "detail")
        )
        for action in actions
    ]
    assert read == [
        ("DEPOT", "G1104", "a.martin", "guichet", ORDINAIRE),
        ("LISTE", "G1226", "b.<petit>", "consultant_simple", ""),
        ("CONSULTATION", "G1104", "a.martin", "guichet", ""),
        ("MARQUE", "G1104", "a.martin", "guichet", "OBSOL vu"),
        ("SUPPRESSION", "G1104", "a.martin", "guichet", "remplacée"),
        ("HISTORIQUE", "G1104", "a.martin", "guichet", ""),
    ]


async def test_what_changes_a_dossier_is_sealed_in_the_journal(
    dossier: DossierUnique, engine: Engine, numero: str
) -> None:
    """[PIE-17] With the hash of the content and without the category; the register still verifies."""
    piece = await put(dossier, engine, depot(numero, categorie=SENSIBLE))
    await dossier.supprimer(acteur(engine), numero, str(piece.id), "remplacée")
    with engine.connect() as conn:
        lines = conn.execute(select(JOURNAL).where(JOURNAL.c.nature == "PIE")).all()
        assert journal.verify(conn).intacte
        assert verify(conn).intact
    assert [line.document for line in lines] == [piece.empreinte] * 2
    assert SENSIBLE not in "".join(line.detail for line in lines)


async def test_a_closed_demande_is_only_consulted(
    dossier: DossierUnique, engine: Engine, numero: str
) -> None:
    """[PIE-18]"""
    piece = await put(dossier, engine, depot(numero))
    with engine.begin() as conn:
        conn.execute(text("UPDATE demande SET etat = 'radiee'"))
    assert code(await dossier.deposer(acteur(engine), depot(numero, png()))) == "PIE208"
    assert code(await dossier.supprimer(acteur(engine), numero, str(piece.id), "x")) == "PIE208"
    assert code(await dossier.consulter(acteur(engine), numero, str(piece.id))) == ""


async def test_the_message_of_a_piece_goes_with_it_and_the_questions_before(
    dossier: DossierUnique, engine: Engine, numero: str
) -> None:
    """[VIE-64]"""
    piece = await put(dossier, engine, depot(numero))
    await dossier.consulter(acteur(engine), numero, str(piece.id))
    assert erase_exchanges(engine, Regles(), RECU_LE + timedelta(days=400)) == 1
    with engine.connect() as conn:
        assert read_octets(conn, piece.id) is not None


async def test_a_dossier_is_erased_with_its_demande(
    dossier: DossierUnique, engine: Engine, numero: str
) -> None:
    """[PIE-19] regles §12: nothing nominative stays, history included."""
    piece = await put(dossier, engine, depot(numero))
    with engine.begin() as conn:
        conn.execute(text("UPDATE demande SET etat = 'radiee', date_radiation = '2024-01-01'"))
    assert list(erase(engine, Regles(), RECU_LE)) == [numero]
    with engine.connect() as conn:
        assert conn.execute(select(PIECE_BLOC)).all() == []
        assert conn.execute(select(PIECE_ACTION)).all() == []
        assert read_octets(conn, piece.id) is None
        assert store.list_pieces(conn, numero) == ()


async def test_a_failure_of_ours_leaves_nothing_and_says_so(
    dossier: DossierUnique, engine: Engine, numero: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """[PIE-21] Content, row, history and journal commit together or not at all."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("panne")

    qui = acteur(engine)
    with monkeypatch.context() as patch:
        patch.setattr(store, "add_piece", broken)
        with pytest.raises(RuntimeError, match="panne"):
            await dossier.deposer(qui, depot(numero))
        patch.setattr(store, "list_pieces", broken)
        with pytest.raises(RuntimeError, match="panne"):
            await dossier.lister(acteur(engine), numero)
    with engine.connect() as conn:
        kept = get_echange(conn, qui.echange.id)
        assert kept is not None
        assert kept.statut is Statut.ECHEC
        assert conn.execute(select(PIECE_BLOC)).all() == []
        assert conn.execute(select(PIECE_ACTION)).all() == []
        assert conn.execute(select(JOURNAL).where(JOURNAL.c.nature == "PIE")).all() == []
    await put(dossier, engine, depot(numero))
