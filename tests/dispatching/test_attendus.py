"""Time travel: what was to be received at any instant is what the engine decided, and what came of it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from dispatching.acquittement import Acquit, acknowledge
from dispatching.attempts import Bail, Fin, finish, take
from dispatching.attendus import Attendu, judge_at, list_attendus, read_histoire
from dispatching.attendus_guichet import Curseur, read_attendus
from dispatching.decision import Distributeur
from dispatching.recipients import SORTIES, Raison
from dispatching.retraits import Vue, list_readable
from dispatching.sort import Stade
from dispatching.transport import Echec, GenreEchec
from filters.language import Filtre, filtre
from filters.store import save_filtre, withdraw_filtre
from registry.clock import FixedClock
from registry.exchanges_store import record_receptions
from registry.guichets import Guichet, TypeGuichet
from registry.guichets_store import close_guichet, get_guichet
from registry.registration import Enregistrement
from registry.vie import change
from tests.dispatching.scene import DOUAI, LILLE, ROUBAIX, Scene
from tests.dispatching.test_vie import changed, current
from tests.registry.vies import changement_of, sent, situation_of

COMMUNES = (LILLE, ROUBAIX, DOUAI)
EN_TROP = "distribuée sans qu'aucune règle d'alors ne le veuille"


def attendus(
    scene: Scene, au: datetime | None = None, guichet: str | None = None, **choix: object
) -> list[Attendu]:
    with scene.engine.connect() as conn:
        histoire = read_histoire(conn, None if guichet is None else (guichet,))
        return list(list_attendus(conn, histoire, au=au or scene.now, **choix))  # type: ignore[arg-type]


def told(found: list[Attendu]) -> list[tuple[str, int, str]]:
    return [(each.guichet, each.version, each.texte) for each in found]


def test_who_should_have_received_and_who_did(scene: Scene) -> None:
    """[DST-80] [DST-81] The same demande at three instants: waiting, tried and read, acknowledged."""
    auteur = scene.guichet("G0001")
    par_appel = scene.guichet("G0002", filtre("Lille", communes=[LILLE]))
    vient = scene.guichet("G0003", Filtre("Tout"), adresse="")
    scene.guichet("G0004", filtre("Douai", communes=[DOUAI]))
    before = scene.now - timedelta(seconds=1)
    numero = scene.demande(auteur, [LILLE])
    made = scene.now
    assert attendus(scene, before, numero=numero) == []
    rien = "pas encore acquittée : ni envoyée, ni lue par le guichet"
    assert told(attendus(scene, made, numero=numero)) == [("G0002", 1, rien), ("G0003", 1, rien)]
    scene.clock.advance(timedelta(minutes=1))
    with scene.engine.begin() as conn:
        (envoi,) = take(conn, ["G0002"], instant=scene.now, porteur=1, bail=Bail())
        lot = list_readable(
            conn, vient, Vue.A_ACQUITTER, apres=0, nombre=1, instant=scene.now, echange=uuid.uuid4()
        )
    during = scene.now
    scene.clock.advance(timedelta(minutes=1))
    with scene.engine.begin() as conn:
        finish(conn, [Fin(envoi, Echec(GenreEchec.DELAI, "muet"))], instant=scene.now)
    failed = scene.now
    scene.clock.advance(timedelta(minutes=1))
    (item,) = lot.distributions
    assert item.fichier is not None
    with scene.engine.begin() as conn:
        acquit = Acquit(1, item.fichier.empreinte)
        acknowledge(conn, "G0003", [acquit], instant=scene.now, echange=uuid.uuid4())
    lue = "lue par le guichet le 01/07/2026 à 11:31:00 et non acquittée"
    assert told(attendus(scene, during, numero=numero)) == [
        ("G0002", 1, "pas encore acquittée : 1 essai(s), le dernier : en cours"),
        ("G0003", 1, f"pas encore acquittée : {lue}"),
    ]
    assert told(attendus(scene, failed, numero=numero))[0][2].endswith("1 essai(s), le dernier : delai")
    assert told(attendus(scene, guichet="G0003")) == [("G0003", 1, "acquittée le 01/07/2026 à 11:33:00")]
    # The past does not move.
    assert told(attendus(scene, made, numero=numero)) == [("G0002", 1, rien), ("G0003", 1, rien)]
    assert par_appel.code == "G0002"


def test_the_rules_are_those_of_then(scene: Scene) -> None:
    """[DST-80] Filters replaced, a guichet closed since: what was to be received stays so."""
    auteur = scene.guichet("G0001")
    scene.guichet("G0002", filtre("F", communes=[LILLE]))
    numero = scene.demande(auteur, [LILLE])
    scene.clock.advance(timedelta(minutes=1))
    scene.filtre("G0002", filtre("F", communes=[DOUAI]))
    with scene.engine.begin() as conn:
        close_guichet(conn, "G0002", instant=scene.now)
    scene.clock.advance(timedelta(minutes=1))
    autre = scene.demande(auteur, [DOUAI])
    assert [each.numero for each in attendus(scene)] == [numero]
    assert attendus(scene, numero=autre) == []
    assert attendus(scene, depuis=scene.now - timedelta(seconds=1)) == []


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("DELETE FROM distribution WHERE guichet = 'G0002'", "aurait dû être distribuée, et ne l'a pas été"),
        ("UPDATE distribution SET guichet = 'G0003'", EN_TROP),
        ("UPDATE decision SET territoire = '111'", EN_TROP),
    ],
)
def test_what_does_not_agree_is_told(scene: Scene, statement: str, expected: str) -> None:
    """[DST-82] It is judged anew, and not read from what was made."""
    auteur = scene.guichet("G0001")
    scene.guichet("G0002", Filtre("Tout"))
    scene.guichet("G0003")
    scene.demande(auteur)
    assert not any(each.rompu for each in attendus(scene))
    with scene.engine.begin() as conn:
        conn.execute(text(statement))
    assert any(each.rompu and each.texte.startswith(expected) for each in attendus(scene))


def test_a_change_made_then_would_have_gone_to(scene: Scene) -> None:
    """[DST-84] By the filters and the rights of that instant, also between two events."""
    auteur = scene.guichet("G0001")
    scene.guichet("G0002", filtre("Lille", communes=[LILLE]))
    scene.guichet("G0003", filtre("Douai", communes=[DOUAI]))
    scene.guichet("G0004", Filtre("Tout"), territoires=("111",))
    numero = scene.demande(auteur, [LILLE])
    made = scene.now
    scene.clock.advance(timedelta(minutes=1))
    scene.filtre("G0003", filtre("Douai", communes=[LILLE]))
    with scene.engine.connect() as conn:
        assert judge_at(conn, read_histoire(conn), numero, made - timedelta(seconds=1)) is None
        then, now = (judge_at(conn, read_histoire(conn), numero, au) for au in (made, scene.now))
    assert then is not None
    assert now is not None
    assert {code: verdict.raison for code, verdict in then.verdicts.items()} == {
        "G0001": Raison.DETENTEUR,
        "G0002": Raison.DETENTEUR,
        "G0003": Raison.HORS_FILTRES,
        "G0004": Raison.SANS_DROIT,
    }
    assert now.verdicts["G0003"].raison is Raison.FILTRE
    assert (now.version, now.nature, now.decidee_le) == (1, "CRE", made)


def test_what_is_erased_can_no_longer_be_judged(scene: Scene) -> None:
    """[DST-82] What was made of it is still told."""
    auteur = scene.guichet("G0001")
    scene.guichet("G0002", Filtre("Tout"))
    scene.demande(auteur)
    with scene.engine.begin() as conn:
        conn.execute(text("DELETE FROM demande_version"))
    (found,) = attendus(scene)
    assert (found.guichet, found.verdict, found.rompu) == ("G0002", None, False)


def test_who_holds_by_an_event_of_the_same_batch_gets_the_next_one(scene: Scene) -> None:
    """[DST-83] [DST-1] Two changes of one demande registered together: who enters by the first
    gets the second, whatever its filters."""
    auteur = scene.guichet("G0001")
    scene.guichet("G0002", filtre("Douai", communes=[DOUAI]))
    numero = scene.demande(auteur, [LILLE])
    document = current(scene, numero).document
    enters = sent(document, "MOD", (f'code="{LILLE}"', f'code="{DOUAI}"'), guichet=auteur, ecrit=scene.now)
    leaves = sent(document, "MOD", guichet=auteur, ecrit=scene.now + timedelta(seconds=1))
    items = [changement_of(data, auteur, scene.now) for data in (enters, leaves)]
    with scene.engine.begin() as conn:
        record_receptions(conn, [item.echange for item in items])
        facts = change(conn, items, decideur=scene.distributeur, repondu_le=scene.now)
    assert all(isinstance(fact, Enregistrement) and not fact.rejeu for fact in facts)
    made = [(item.version, item.raison) for item in scene.distributions("G0002")]
    assert made == [(2, Raison.FILTRE), (3, Raison.DETENTEUR)]
    assert not any(each.rompu for each in attendus(scene))


def by_pages(scene: Scene, code: str, du: datetime, limite: int) -> list[Attendu]:
    """All that a guichet was to receive, a page at a time."""
    found: list[Attendu] = []
    suite: Curseur | None = Curseur(du)
    with scene.engine.connect() as conn:
        while suite is not None:
            page = read_attendus(conn, code, du=suite, au=scene.now, limite=limite)
            assert len({(each.numero, each.version) for each in page.attendus}) <= limite
            found += page.attendus
            suite = Curseur.read(str(page.suite)) if page.suite else None
    return found


def test_a_guichet_whole_is_read_by_pages(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """[DST-85] Days and windows apart; what it holds out of its territories, and what others alone get."""
    auteur = scene.guichet("G0001", territoires=("059", "111"))
    scene.guichet("G0002", filtre("Lille", communes=[LILLE]))
    before = scene.now - timedelta(seconds=1)
    numeros = [scene.demande(auteur, [LILLE]), scene.demande(auteur, [DOUAI])]
    scene.clock.advance(timedelta(days=5))
    numeros += scene.register([scene.recue(auteur, [LILLE]) for _ in range(4)])
    with scene.engine.begin() as conn:
        conn.execute(text("UPDATE decision SET territoire = '111' WHERE numero = :n"), {"n": numeros[3]})
    monkeypatch.setattr("dispatching.attendus_guichet.LUES", 2)
    whole = attendus(scene, guichet="G0002")
    assert {each.numero for each in whole} == {*numeros} - {numeros[1]}
    for limite in (1, 2, 50):
        assert by_pages(scene, "G0002", before, limite) == whole
    assert [each.numero for each in by_pages(scene, "G0002", scene.now, 50)] == []


@pytest.mark.parametrize(
    "texte",
    [
        *("", "x", "2026-07-01T09:30:00_1", "2026-07-01T09:30:00+00:00_", "_1"),
        # Instants that have no next day, or none at Paris.
        *("9999-12-31T23:59:59+00:00_1", "0001-01-01T00:00:00+14:00_1"),
    ],
)
def test_a_cursor_that_does_not_read(texte: str) -> None:
    """[DST-85]"""
    assert Curseur.read(texte) is None


# -- any history ---------------------------------------------------------------------------------------------


@dataclass
class Histoire:
    """One random history, in guichets of its own; what was true at each instant."""

    scene: Scene
    auteurs: list[Guichet]
    guichets: list[str]
    numeros: list[str] = field(default_factory=list)
    photos: list[tuple[datetime, dict[tuple[str, int, str], Stade]]] = field(default_factory=list)

    def do(self, operation: str, choix: int) -> None:
        scene = self.scene
        scene.clock.advance(timedelta(seconds=60))
        code = self.guichets[choix % len(self.guichets)]
        commune = COMMUNES[choix // 7 % 3]
        match operation:
            case "créer":
                auteur = self.auteurs[choix % 2]
                communes = sorted({commune, COMMUNES[choix % 3]})
                self.numeros += scene.register([scene.recue(auteur, communes) for _ in range(1 + choix % 2)])
            case "changer" if self.numeros:
                self._change(self.numeros[choix % len(self.numeros)], self.auteurs[choix // 3 % 2], commune)
            case "ensemble" if self.numeros:
                self._together(self.numeros[choix % len(self.numeros)], choix)
            case "filtrer":
                delai = timedelta(seconds=60 * (choix % 4))
                with scene.engine.begin() as conn:
                    voulu = filtre(f"F{choix % 2}", communes=[commune])
                    save_filtre(conn, code, voulu, instant=scene.now, effet_le=scene.now + delai)
            case "ôter":
                with scene.engine.begin() as conn:
                    withdraw_filtre(conn, code, f"F{choix % 2}", instant=scene.now)
            case "fermer" if choix % 3 == 0:
                with scene.engine.begin() as conn:
                    close_guichet(conn, code, instant=scene.now)
            case "périmètre":
                with scene.engine.begin() as conn:
                    conn.execute(
                        text("UPDATE guichet SET communes = :communes WHERE code = :code"),
                        {"communes": [commune], "code": code},
                    )
                    conn.execute(text("UPDATE generation SET valeur = valeur + 1 WHERE nom = 'identites'"))
            case "acquitter":
                self._acknowledge(code)
            case "recommencer":
                scene.distributeur = Distributeur(scene.clock)
        self._photo()

    def _change(self, numero: str, auteur: Guichet, commune: str) -> None:
        document = situation_of(self.scene.engine, numero).document
        data = sent(document, "MOD", *_moved(document, commune), guichet=auteur, ecrit=self.scene.now)
        changed(self.scene, data, auteur)

    def _together(self, numero: str, choix: int) -> None:
        """Several changes of one demande in one transaction, by both authors."""
        scene = self.scene
        document = situation_of(scene.engine, numero).document
        items = []
        for rang in range(2 + choix % 2):
            auteur = self.auteurs[(choix + rang) % 2]
            commune = COMMUNES[(choix + rang) % 3]
            ecrit = scene.now + timedelta(seconds=rang)
            data = sent(document, "MOD", *_moved(document, commune), guichet=auteur, ecrit=ecrit)
            items.append(changement_of(data, auteur, scene.now))
        with scene.engine.begin() as conn:
            record_receptions(conn, [item.echange for item in items])
            change(conn, items, decideur=scene.distributeur, repondu_le=scene.now)

    def _acknowledge(self, code: str) -> None:
        with self.scene.engine.begin() as conn:
            guichet = get_guichet(conn, code)
            assert guichet is not None
            instant = self.scene.now
            lot = list_readable(
                conn, guichet, Vue.A_ACQUITTER, apres=0, nombre=2, instant=instant, echange=uuid.uuid4()
            )
            files = [(each.sequence, each.fichier) for each in lot.distributions]
            acquits = [Acquit(sequence, fichier.empreinte) for sequence, fichier in files if fichier]
            acknowledge(conn, code, acquits, instant=instant, echange=uuid.uuid4())

    def _photo(self) -> None:
        """What is made and where it stands, as it is now."""
        stades = {"acquittee": Stade.ACQUITTEE, "retiree": Stade.RETIREE}
        vues = {
            (each.numero, each.version, each.guichet): stades.get(each.etat, Stade.EN_ATTENTE)
            for each in self.scene.distributions()
            if each.guichet in self.guichets or each.numero in self.numeros
        }
        self.photos.append((self.scene.now, vues))


def _moved(document: bytes, commune: str) -> list[tuple[str, str]]:
    """One of its wished communes becomes another, unless it is wished already."""
    for each in COMMUNES:
        if f'commune code="{each}"'.encode() in document and commune.encode() not in document:
            return [(f'commune code="{each}"', f'commune code="{commune}"')]
    return []


def _change_at_once(scene: Scene, numero: str, instant: datetime, found: list[Attendu]) -> None:
    """Had it changed again at that very instant, those of its last event would have received it, and its
    author with them: all hold it."""
    with scene.engine.connect() as conn:
        hypothese = judge_at(conn, read_histoire(conn), numero, instant)
    assert hypothese is not None
    # Those that were told that the demande left them hold it no more.
    recus = {
        each.guichet
        for each in found
        if each.numero == numero
        and each.version == hypothese.version
        and (each.sort is None or each.sort.raison not in SORTIES)
    }
    destinataires = {code for code, verdict in hypothese.verdicts.items() if verdict.destinataire}
    assert recus <= destinataires
    others = {
        code
        for code, verdict in hypothese.verdicts.items()
        if verdict.raison is Raison.FILTRE and code not in recus
    }
    assert others == set()


OPERATIONS = (
    *("créer", "créer", "changer", "changer", "ensemble", "filtrer", "filtrer", "ôter", "fermer"),
    *("périmètre", "acquitter", "acquitter", "recommencer"),
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(OPERATIONS), st.integers(0, 255)), min_size=4, max_size=25),
    st.lists(st.tuples(st.sampled_from(COMMUNES), st.booleans()), min_size=3, max_size=4),
)
def test_time_travel_at_every_instant_is_what_was_decided(
    module_engine: Engine, pas: list[tuple[str, int]], filtres: list[tuple[str, bool]]
) -> None:
    """[DST-80] [DST-81] [DST-83] [DST-84] [DST-85] Random filters, rights, events, batches and
    acknowledgements; looked at from the end, every instant gives what was there then."""
    with module_engine.begin() as conn:
        conn.execute(
            text("TRUNCATE distribution, decision, detention, compteur_distribution, perimetre, retrait")
        )
        conn.execute(text("UPDATE guichet SET ferme_le = now() WHERE ferme_le IS NULL"))
        rang = conn.execute(text("SELECT count(*) FROM guichet")).scalar_one()
        conn.execute(text("UPDATE generation SET valeur = valeur + 1"))
    scene = Scene(module_engine, FixedClock(datetime.fromisoformat("2026-07-01T09:30:00+00:00")))
    auteurs = [scene.guichet(f"G{1000 + rang + each}") for each in range(2)]
    codes = []
    for place, (commune, seule) in enumerate(filtres):
        code = f"G{1002 + rang + place}"
        genre = TypeGuichet.COMMUNE if seule else TypeGuichet.BAILLEUR
        scene.guichet(code, filtre("F0", communes=[commune]), genre=genre, perimetre=commune if seule else "")
        codes.append(code)
    histoire = Histoire(scene, auteurs, codes)
    for operation, choix in pas:
        histoire.do(operation, choix)
    for instant, vues in histoire.photos:
        found = attendus(scene, instant)
        assert [each for each in found if each.rompu] == []
        assert {
            (each.numero, each.version, each.guichet): each.sort.stade for each in found if each.sort
        } == vues
        for numero in {each.numero for each in found if each.decidee_le == instant}:
            _change_at_once(scene, numero, instant, found)
    debut = histoire.photos[0][0] - timedelta(days=1)
    for code in codes:
        # [DST-85] A page of its own for every two decisions tells the same.
        assert by_pages(scene, code, debut, 2) == attendus(scene, guichet=code)
