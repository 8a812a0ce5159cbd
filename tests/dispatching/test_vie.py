"""What the partners receive of the life of a demande: who, what, and the marks of what changed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from dispatching.attempts import Bail, take
from dispatching.transport import Envoi
from filters.language import Condition, Filtre
from registry.exchanges_store import record_receptions
from registry.guichets import Guichet
from registry.registration import Enregistrement
from registry.situation import Situation
from registry.vie import change
from schemas.documents import DEMANDES, Document, read_document
from schemas.revision import MODIFIE
from tests.dispatching.scene import DOUAI, LILLE, ROUBAIX, Scene
from tests.registry.fabrique import demande_of
from tests.registry.vies import changement_of, radiation, sent, situation_of


@pytest.fixture
def auteur(scene: Scene) -> Guichet:
    return scene.guichet("G0001")


def changed(scene: Scene, data: bytes, guichet: Guichet) -> None:
    """The file, handled with the real decision."""
    item = changement_of(data, guichet, scene.now)
    with scene.engine.begin() as conn:
        record_receptions(conn, [item.echange])
        (fait,) = change(conn, [item], decideur=scene.distributeur, repondu_le=scene.now)
    assert isinstance(fait, Enregistrement), fait


def received(scene: Scene, guichet: str) -> list[Envoi]:
    """All that is due to a guichet, acknowledged as it comes."""
    envois = []
    while True:
        with scene.engine.begin() as conn:
            pris = take(conn, [guichet], instant=scene.now, porteur=1, bail=Bail())
            conn.execute(text("UPDATE distribution SET etat = 'acquittee' WHERE tentatives > 0"))
        if not pris:
            return envois
        envois += pris


def current(scene: Scene, numero: str) -> Situation:
    scene.clock.advance(timedelta(minutes=10))
    return situation_of(scene.engine, numero)


def test_what_changed_is_marked_in_what_is_distributed(scene: Scene, auteur: Guichet) -> None:
    """[VIE-15] [VIE-5] The holder gets each version, marked against the one before, whatever his filters."""
    scene.guichet("G0002", Filtre("Lille", (Condition("communes", frozenset({LILLE})),)))
    numero = scene.demande(auteur, [LILLE, ROUBAIX])
    avant = current(scene, numero)
    place = f'commune code="{LILLE}"', f'commune code="{DOUAI}"'
    changed(scene, sent(avant.document, "MOD", place, guichet=auteur, ecrit=scene.now), auteur)
    creation, modification = received(scene, "G0002")
    assert MODIFIE.encode().rpartition(b"}")[2] not in creation.contenu
    assert isinstance(read_document(modification.contenu, DEMANDES), Document)
    root = demande_of(modification.contenu).root
    assert [str(e.tag).rpartition("}")[2] for e in root.iter() if MODIFIE in e.attrib] == ["commune"]
    assert b"<ns1:typeFichier>DIS<" in modification.contenu


def test_who_changes_a_demande_gets_its_later_changes(scene: Scene, auteur: Guichet) -> None:
    """[VIE-5] A guichet without any filter, once it has modified."""
    autre = scene.guichet("G0003")
    numero = scene.demande(auteur)
    document = current(scene, numero).document
    changed(scene, sent(document, "MOD", guichet=autre, ecrit=scene.now), autre)
    document = current(scene, numero).document
    jour = scene.now.date().isoformat()
    changed(scene, radiation(document, "RADABA", jour, guichet=auteur, ecrit=scene.now), auteur)
    assert [envoi.numero for envoi in received(scene, "G0003")] == [numero]
    assert [envoi.numero for envoi in received(scene, "G0001")] == [numero]


def test_a_suppression_says_its_name(scene: Scene, auteur: Guichet) -> None:
    """[VIE-51]"""
    scene.guichet("G0002", Filtre("Tout"))
    numero = scene.demande(auteur)
    document = current(scene, numero).document
    changed(scene, sent(document, "SUP", guichet=auteur, ecrit=scene.now), auteur)
    creation, suppression = received(scene, "G0002")
    assert b"<ns1:typeFichier>DIS<" in creation.contenu
    assert b"<ns1:typeFichier>SUP<" in suppression.contenu
