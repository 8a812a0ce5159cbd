"""The explanation says what was decided then, for receivers and for the others."""

from __future__ import annotations

import random
from datetime import timedelta

from sqlalchemy import text

from dispatching.attempts import Bail, Fin, finish, take
from dispatching.explanation import Explication, explain_distribution
from dispatching.recipients import Raison
from dispatching.transport import Echec, GenreEchec
from filters.language import Condition, Filtre, Intervalle, filtre
from filters.store import withdraw_filtre
from registry.evenements import EvenementDemande
from registry.guichets import TypeGuichet
from registry.guichets_store import close_guichet
from tests.dispatching.scene import DOUAI, LILLE, ROUBAIX, Scene


def _explain(scene: Scene, numero: str, guichet: str) -> Explication:
    with scene.engine.connect() as conn:
        found = explain_distribution(conn, numero, guichet)
    assert found is not None
    return found


def test_every_reason_is_told_in_french(scene: Scene) -> None:
    author = scene.guichet("G0001")
    scene.guichet("G0002", filtre("Lille", communes=[LILLE]))
    scene.guichet("G0003", filtre("Douai T2", communes=[DOUAI], types_logement=["T2"]))
    scene.guichet("G0004")
    scene.guichet("G0005", Filtre("Tout"), genre=TypeGuichet.COMMUNE, perimetre=DOUAI)
    numero = scene.demande(author, [LILLE], ["T2"])
    scene.guichet("G0006", Filtre("Tout"))
    told = {
        code: _explain(scene, numero, code) for code in ("G0001", "G0002", "G0003", "G0004", "G0005", "G0006")
    }
    assert {code: item.verdict and item.verdict.raison for code, item in told.items()} == {
        "G0001": Raison.AUTEUR,
        "G0002": Raison.FILTRE,
        "G0003": Raison.HORS_FILTRES,
        "G0004": Raison.HORS_FILTRES,
        "G0005": Raison.SANS_DROIT,
        "G0006": None,
    }
    assert told["G0001"].texte == "le guichet G0001 est l'auteur de l'événement : il ne lui est pas renvoyé"
    assert told["G0002"].texte == (
        "le filtre « Lille » correspond : commune souhaitée : 59350 (Lille) est dans le filtre"
    )
    assert told["G0002"].conseils == ("filtre « Lille », dans la demande : ôter 59350 (Lille) de communes",)
    assert told["G0003"].texte == (
        "le filtre « Douai T2 » ne correspond pas : commune souhaitée : la demande a 59350 (Lille), "
        "le filtre veut 59178 (Douai)"
    )
    assert told["G0003"].conseils == (
        "filtre « Douai T2 », dans le filtre : ajouter 59350 (Lille) à communes",
        "filtre « Douai T2 », dans la demande : ajouter 59178 (Douai) à communes",
    )
    assert told["G0004"].texte == "le guichet G0004 n'avait aucun filtre en vigueur : il ne reçoit rien"
    assert "n'est dans le périmètre du guichet G0005" in told["G0005"].texte
    assert told["G0006"].texte == "le guichet G0006 n'existait pas à la date de la décision"
    assert [code for code, item in told.items() if item.destinataire] == ["G0002"]
    with scene.engine.connect() as conn:
        assert explain_distribution(conn, "0" * 18, "G0002") is None


def test_it_is_the_decision_of_then_not_of_now(scene: Scene) -> None:
    """[DST-3] Filters replaced or withdrawn, guichets closed or added since: the explanation does not
    move."""
    author = scene.guichet("G0001")
    scene.guichet("G0002", filtre("F", communes=[LILLE]))
    scene.guichet("G0003", filtre("F", communes=[DOUAI]))
    numero = scene.demande(author, [LILLE])
    before = [_explain(scene, numero, code) for code in ("G0002", "G0003")]
    # At the very same instant, then a day later.
    scene.filtre("G0002", filtre("F", communes=[DOUAI]))
    scene.clock.advance(timedelta(days=1))
    scene.filtre("G0003", filtre("F", communes=[LILLE]))
    with scene.engine.begin() as conn:
        withdraw_filtre(conn, "G0002", "F", instant=scene.now)
        close_guichet(conn, "G0002", instant=scene.now)
    scene.demande(author, [ROUBAIX])
    assert [_explain(scene, numero, code) for code in ("G0002", "G0003")] == before
    assert before[0].destinataire


def test_explanation_equals_engine_on_every_pair(scene: Scene) -> None:
    """10 guichets by 30 demandes, filters changing: destinataire if and only if a distribution exists."""
    rng = random.Random(3)
    communes = [LILLE, ROUBAIX, DOUAI, "59009"]
    guichets = []
    for rank in range(10):
        genre = TypeGuichet.COMMUNE if rank % 3 == 2 else TypeGuichet.BAILLEUR
        filtres = [filtre(f"F{n}", communes=rng.sample(communes, 2)) for n in range(rng.randint(0, 2))]
        perimetre = rng.choice(communes) if genre is TypeGuichet.COMMUNE else ""
        guichets.append(scene.guichet(f"G01{rank:02d}", *filtres, genre=genre, perimetre=perimetre))
    numeros = []
    for _ in range(5):
        recues = [scene.recue(guichets[0], [rng.choice(communes)]) for _ in range(6)]
        numeros += scene.register(recues)
        changed = rng.choice(guichets)
        scene.clock.advance(timedelta(minutes=1))
        scene.filtre(changed.code, filtre("F0", communes=rng.sample(communes, 1)))
    made = {(item.numero, item.guichet): item for item in scene.distributions()}
    for numero in numeros:
        for guichet in guichets:
            found = _explain(scene, numero, guichet.code)
            assert found.destinataire == ((numero, guichet.code) in made)
            assert found.distribution == made.get((numero, guichet.code))
            if found.verdict and found.verdict.filtre:
                item = made[numero, guichet.code]
                assert (item.filtre, item.filtre_version) == (
                    found.verdict.filtre.identifiant,
                    found.verdict.filtre.version,
                )
            assert found.texte
    assert len(made) > 20


def test_a_holder_is_told_that_it_holds(scene: Scene) -> None:
    author = scene.guichet("G0001")
    scene.guichet("G0002", Filtre("Tout"))
    recue = scene.recue(author)
    (numero,) = scene.register([recue])
    with scene.engine.begin() as conn:
        withdraw_filtre(conn, "G0002", "Tout", instant=scene.now)
        event = EvenementDemande(2, numero, 2, "MOD", "059", "G0001", scene.now, recue.demande)
        document = {"numero": numero}
        conn.exec_driver_sql(
            "INSERT INTO demande_version SELECT numero, 2, 2, 'MOD', guichet, instant, document, empreinte "
            "FROM demande_version WHERE numero = %(numero)s",
            document,
        )
        scene.distributeur.decide(conn, [event])
    found = _explain(scene, numero, "G0002")
    assert found.version == 2
    assert found.verdict is not None
    assert found.verdict.raison is Raison.DETENTEUR
    assert "détenait déjà" in found.texte
    with scene.engine.connect() as conn:
        first = explain_distribution(conn, numero, "G0002", version=1)
    assert first is not None
    assert first.verdict is not None
    assert first.verdict.raison is Raison.FILTRE


def test_the_attempts_are_told(scene: Scene) -> None:
    author = scene.guichet("G0001")
    scene.guichet("G0002", Filtre("Tout"))
    numero = scene.demande(author)
    with scene.engine.begin() as conn:
        (envoi,) = take(conn, ["G0002"], instant=scene.now, porteur=1, bail=Bail())
        echec = Echec(GenreEchec.INJOIGNABLE, "connexion refusée")
        finish(conn, [Fin(envoi, echec)], instant=scene.now)
    (attempt,) = _explain(scene, numero, "G0002").tentatives
    assert (attempt.rang, attempt.issue, attempt.detail) == (1, "injoignable", "connexion refusée")


def test_what_depends_on_the_event_is_explained_as_it_was_decided(scene: Scene) -> None:
    """[FIL-10] [FIL-31] Author, nature and seniority are those of the decision, however late."""
    author = scene.guichet("G0001")
    scene.guichet("G0002", filtre("Récentes", Intervalle("anciennete", maxi=3), auteurs=["G0001"]))
    scene.guichet("G0003", filtre("Anciennes", Intervalle("anciennete", mini=12), evenements=["CRE"]))
    recue = scene.recue(author)
    depot = recue.demande.date_creation
    months = (scene.now.year - depot.year) * 12 + scene.now.month - depot.month - (scene.now.day < depot.day)
    (numero,) = scene.register([recue])
    expected = {"G0002": months <= 3, "G0003": months >= 12}
    assert {item.guichet for item in scene.distributions()} == {g for g, taken in expected.items() if taken}
    scene.clock.advance(timedelta(days=800))
    for guichet, taken in expected.items():
        assert _explain(scene, numero, guichet).destinataire is taken


def test_what_the_registry_knew_is_kept_with_the_decision(scene: Scene) -> None:
    """[FIL-13] [FIL-31] Priority and abnormal delay decide; what changes later explains nothing."""
    author = scene.guichet("G0001")
    recue = next(r for r in (scene.recue(author) for _ in range(50)) if r.demande.dalo is None)
    (numero,) = scene.register([recue])
    wanted = {"prioritaire": "G0002", "delai_anormal": "G0003"}
    for critere, guichet in wanted.items():
        scene.guichet(guichet, Filtre(critere, (Condition(critere, frozenset({"OUI"})),)))

    def decide(version: int) -> set[str]:
        event = EvenementDemande(
            version, numero, version, "MOD", "059", author.code, scene.now, recue.demande
        )
        known = {"numero": numero, "version": version}
        with scene.engine.begin() as conn:
            conn.execute(_NEXT_VERSION, known)
            scene.distributeur.decide(conn, [event])
        return {item.guichet for item in scene.distributions() if item.version == version}

    def learn(statement: str) -> None:
        with scene.engine.begin() as conn:
            conn.execute(text(statement), {"numero": numero, "now": scene.now})

    assert decide(2) == set()
    learn(
        "INSERT INTO recherche (numero, territoire, depot, anormal_le, termes) "
        "VALUES (:numero, '059', :now, :now, '{}')"
    )
    assert decide(3) == {"G0003"}
    learn(
        "INSERT INTO evenement_partage (id, version, numero, type, territoire, action, auteur, cree_le, "
        "survenance, commentaire, champs, sequence_journal, fichier, courante) VALUES "
        "(1, 1, :numero, 'PRIORITE', '', 'ajout', 'G0001', :now, :now, '', '{}', 1, '', true)"
    )
    assert decide(4) == {"G0002", "G0003"}
    learn("UPDATE recherche SET anormal_le = NULL")
    learn("UPDATE evenement_partage SET courante = false")
    found = {
        (guichet, version): _one_filter_takes(scene, numero, guichet, version)
        for guichet in wanted.values()
        for version in (2, 3, 4)
    }
    assert {key for key, taken in found.items() if taken} == {("G0003", 3), ("G0002", 4), ("G0003", 4)}


_NEXT_VERSION = text("""
    INSERT INTO demande_version SELECT (jsonb_populate_record(v, jsonb_build_object(
        'version', CAST(:version AS int)))).* FROM demande_version v
    WHERE numero = :numero AND version = 1
""")


def _one_filter_takes(scene: Scene, numero: str, guichet: str, version: int) -> bool:
    """Whether a filter of the guichet took that version, as explained now."""
    with scene.engine.connect() as conn:
        found = explain_distribution(conn, numero, guichet, version=version)
    assert found is not None
    return any(item.explication.correspond for item in found.filtres)
