"""A demande that leaves what a guichet receives: who is told, what, and what follows."""

from __future__ import annotations

import hashlib
import random
import uuid

import pytest
from sqlalchemy import text

from dispatching.acquittement import Acquit, Acquittee, acknowledge
from dispatching.attendus import list_attendus, read_histoire
from dispatching.decision import Distributeur, Sortie
from dispatching.deliveries import NATURE_SORTIE
from dispatching.explanation import explain_distribution
from dispatching.fichier import NOM_SORTIE
from dispatching.recipients import Raison
from dispatching.retraits import Vue, list_readable
from filters.language import Filtre, filtre
from registry.guichets import Guichet, TypeGuichet
from registry.guichets_store import close_guichet
from schemas.documents import DEMANDES, Document, read_document
from tests.dispatching.scene import DOUAI, LILLE, ROUBAIX, Scene
from tests.dispatching.test_vie import changed, current, received
from tests.registry.fabrique import demande_of
from tests.registry.vies import radiation, sent

TOUT = Filtre("Tout")
VALENCIENNES = "59606"


@pytest.fixture
def auteur(scene: Scene) -> Guichet:
    return scene.guichet("G0001")


@pytest.fixture
def commune(scene: Scene) -> Guichet:
    """It reads Roubaix and Lille, not Douai."""
    return scene.guichet("G0002", TOUT, genre=TypeGuichet.COMMUNE, perimetre=ROUBAIX)


def move(scene: Scene, numero: str, avant: str, apres: str, guichet: Guichet) -> None:
    document = current(scene, numero).document
    place = f'commune code="{avant}"', f'commune code="{apres}"'
    changed(scene, sent(document, "MOD", place, guichet=guichet, ecrit=scene.now), guichet)


def made(scene: Scene, code: str = "G0002") -> list[tuple[int, int, str, Raison]]:
    return [(d.sequence, d.version, d.nature, d.raison) for d in scene.distributions(code)]


def held(scene: Scene, numero: str) -> set[str]:
    query = text("SELECT guichet FROM detention WHERE numero = :numero")
    with scene.engine.connect() as conn:
        return set(conn.execute(query, {"numero": numero}).scalars())


@pytest.mark.usefixtures("commune")
def test_out_of_its_rights_a_guichet_is_told_once_then_nothing(scene: Scene, auteur: Guichet) -> None:
    """[DST-110] Then it comes back as a first sending."""
    numero = scene.demande(auteur, [LILLE])
    move(scene, numero, LILLE, ROUBAIX, auteur)
    move(scene, numero, ROUBAIX, DOUAI, auteur)
    assert held(scene, numero) == {"G0001"}
    move(scene, numero, DOUAI, VALENCIENNES, auteur)
    move(scene, numero, VALENCIENNES, LILLE, auteur)
    assert made(scene) == [
        (1, 1, "CRE", Raison.FILTRE),
        (2, 2, "MOD", Raison.DETENTEUR),
        (3, 3, NATURE_SORTIE, Raison.SORTIE_DROITS),
        (4, 5, "MOD", Raison.FILTRE),
    ]
    assert held(scene, numero) == {"G0001", "G0002"}


@pytest.mark.usefixtures("commune")
def test_the_notice_holds_the_number_and_nothing_of_the_demande(scene: Scene, auteur: Guichet) -> None:
    """[DST-111] A valid file, the same by push and by pull, which is acknowledged like any other."""
    numero = scene.demande(auteur, [LILLE])
    move(scene, numero, LILLE, DOUAI, auteur)
    creation, avis = received(scene, "G0002")
    assert isinstance(read_document(avis.contenu, DEMANDES), Document)
    assert avis.nom_fichier.endswith("-000002.xml")
    lue, origine = demande_of(avis.contenu), demande_of(creation.contenu)
    assert (lue.type_fichier, lue.num_unique, lue.date_creation) == ("SUP", numero, origine.date_creation)
    assert lue.association is not None
    assert lue.association.nom == NOM_SORTIE
    assert (lue.communes_souhaitees, lue.demandeur, lue.num_guichet) == ((), None, "G0001")
    complet = current(scene, numero).document.decode()
    personne = demande_of(complet.encode()).demandeur
    assert DOUAI in complet
    for secret in (DOUAI, LILLE, *((personne.nom, personne.prenom) if personne else ())):
        assert secret not in avis.contenu.decode()
    with scene.engine.begin() as conn:
        guichet = scene.distributeur._perimetres.guichets["G0002"]
        echange = uuid.uuid4()
        lot = list_readable(conn, guichet, Vue.TOUTES, apres=1, nombre=9, instant=scene.now, echange=echange)
        (fichier,) = [each.fichier for each in lot.distributions]
        assert fichier is not None
        assert (fichier.contenu, fichier.type_fichier) == (avis.contenu, "SUP")
        empreinte = hashlib.sha256(avis.contenu).hexdigest()
        (answer,) = acknowledge(conn, "G0002", [Acquit(2, empreinte)], instant=scene.now, echange=echange)
    assert isinstance(answer, Acquittee)


def test_who_registered_or_changed_a_demande_stays(scene: Scene, auteur: Guichet, commune: Guichet) -> None:
    """[DST-110] It had received the demande first, and holds it in its own right since it changed it."""
    numero = scene.demande(auteur, [LILLE])
    move(scene, numero, LILLE, ROUBAIX, commune)
    move(scene, numero, ROUBAIX, DOUAI, auteur)
    assert made(scene) == [(1, 1, "CRE", Raison.FILTRE), (2, 3, "MOD", Raison.DETENTEUR)]


def test_a_closed_guichet_is_told_nothing(scene: Scene, auteur: Guichet, commune: Guichet) -> None:
    """[DST-1] [DST-110]"""
    numero = scene.demande(auteur, [LILLE])
    with scene.engine.begin() as conn:
        close_guichet(conn, commune.code, instant=scene.now)
    move(scene, numero, LILLE, DOUAI, auteur)
    assert len(made(scene)) == 1


@pytest.mark.parametrize("sortie", list(Sortie))
def test_out_of_its_filters_it_is_told_where_the_authority_wants_it(
    scene: Scene, auteur: Guichet, sortie: Sortie
) -> None:
    """[DST-110]"""
    scene.distributeur = Distributeur(scene.clock, sortie)
    scene.guichet("G0002", filtre("Lille", communes=[LILLE], evenements=["CRE"]))
    numero = scene.demande(auteur, [LILLE, ROUBAIX])
    # Not taken as an event, taken as a demande.
    move(scene, numero, ROUBAIX, DOUAI, auteur)
    move(scene, numero, LILLE, "59009", auteur)
    suite = {
        Sortie.DROITS: ("MOD", Raison.DETENTEUR),
        Sortie.FILTRES: (NATURE_SORTIE, Raison.SORTIE_FILTRES),
    }[sortie]
    assert made(scene) == [
        (1, 1, "CRE", Raison.FILTRE),
        (2, 2, "MOD", Raison.DETENTEUR),
        (3, 3, *suite),
    ]
    assert ("G0002" in held(scene, numero)) is (sortie is Sortie.DROITS)


def test_a_radiation_goes_to_all_that_hold_it(scene: Scene, auteur: Guichet) -> None:
    """[DST-110]"""
    scene.distributeur = Distributeur(scene.clock, Sortie.FILTRES)
    scene.guichet("G0002", filtre("T2", types_logement=["T2"]))
    numero = scene.demande(auteur)
    scene.filtre("G0002", filtre("T2", types_logement=["T5"]))
    jour = scene.now.date().isoformat()
    document = current(scene, numero).document
    changed(scene, radiation(document, "RADABA", jour, guichet=auteur, ecrit=scene.now), auteur)
    assert made(scene)[-1] == (2, 2, "RAD", Raison.DETENTEUR)


@pytest.mark.parametrize("sortie", list(Sortie))
def test_explanations_and_time_travel_agree_with_what_was_made(scene: Scene, sortie: Sortie) -> None:
    """[DST-3] [DST-80] [DST-110] On random walks of demandes in and out of rights and filters."""
    rng = random.Random(sortie)
    scene.distributeur = Distributeur(scene.clock, sortie)
    auteurs = [scene.guichet("G0001"), scene.guichet("G0004")]
    codes = ["G0001", "G0002", "G0003", "G0004"]
    scene.guichet("G0002", TOUT, genre=TypeGuichet.COMMUNE, perimetre=ROUBAIX)
    scene.guichet("G0003", filtre("Lille", communes=[LILLE]))
    lieux = [LILLE, ROUBAIX, DOUAI]
    seen = set()
    for _ in range(6):
        ici = rng.choice(lieux)
        numero = scene.demande(auteurs[0], [ici])
        for _ in range(5):
            suivant = rng.choice([lieu for lieu in lieux if lieu != ici])
            move(scene, numero, ici, suivant, rng.choice(auteurs))
            ici = suivant
        with scene.engine.connect() as conn:
            recues = {(d.guichet, d.version): d.raison for d in scene.distributions() if d.numero == numero}
            for code in codes:
                for version in range(1, 7):
                    found = explain_distribution(conn, numero, code, version=version)
                    assert found is not None
                    assert found.verdict is not None
                    raison = recues.get((code, version))
                    assert found.destinataire is (raison is not None)
                    assert found.texte
                    if raison is not None:
                        assert found.verdict.raison is raison
                        seen.add(raison)
            assert not any(
                each.rompu for each in list_attendus(conn, read_histoire(conn), au=scene.now, numero=numero)
            )
    wanted = {Raison.FILTRE, Raison.DETENTEUR, Raison.SORTIE_DROITS}
    assert seen == wanted | ({Raison.SORTIE_FILTRES} if sortie is Sortie.FILTRES else set())
