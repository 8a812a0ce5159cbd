"""The rules of the events of shared management: docs/specification/51-gestion-partagee.md. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from registry import anomalies_partagee as catalogue
from registry import evenements_partages
from registry.anomalies import Anomalie, TypeAnomalie
from registry.evenements_partages import (
    Action,
    DemandeSuivie,
    Ecriture,
    EvenementPartage,
    count_attributions,
    evaluate,
)
from registry.guichets import Guichet, TypeGuichet
from schemas.gestion_partagee import Caracteristique, EvenementRecu
from schemas.types_evenements import Format, types_nationaux
from tests.registry.fabrique import AUTRE_BAILLEUR, BAILLEUR, COMMUNE, RECU_LE

DEMANDE = DemandeSuivie("1110626000001G1104", "111", "active", date(2026, 1, 10))
TYPES = types_nationaux()
LOGEMENT = Caracteristique("LOGEMENT", "0123456789")


def recu(**champs: Any) -> EvenementRecu:
    base = EvenementRecu(None, "DESIGN", None, None, date(2026, 6, 1), None, (LOGEMENT,))
    return replace(base, **champs)


def judge(
    *recus: EvenementRecu,
    action: Action = Action.AJOUT,
    guichet: Guichet = BAILLEUR,
    demande: DemandeSuivie = DEMANDE,
    presents: tuple[EvenementPartage, ...] = (),
) -> list[TypeAnomalie] | tuple[EvenementPartage, ...]:
    found = evaluate(
        Ecriture(action, recus, guichet, RECU_LE), demande, TYPES, {each.id: each for each in presents}
    )
    anomalies = [each.type for each in found if isinstance(each, Anomalie)]
    return anomalies or tuple(each for each in found if isinstance(each, EvenementPartage))


def present(**champs: Any) -> EvenementPartage:
    instant = datetime(2026, 6, 2, 8, 0, 0, 123456, tzinfo=UTC)
    base = EvenementPartage(
        id=7,
        version=1,
        type="DESIGN",
        territoire="",
        action=Action.AJOUT,
        auteur="G1104",
        cree_le=instant,
        auteur_modification=None,
        modifie_le=None,
        survenance=date(2026, 6, 1),
        commentaire="premier",
        champs={"LOGEMENT": "0123456789"},
    )
    return replace(base, **champs)


def test_an_event_is_added_with_the_author_and_the_instant_of_the_exchange() -> None:
    """[GPE-10] Whatever the file says of them."""
    (version,) = judge(recu(cree_le=datetime(2020, 1, 1, tzinfo=UTC), commentaire="vu"))
    assert isinstance(version, EvenementPartage)
    assert (version.auteur, version.cree_le, version.version) == ("G1104", RECU_LE, 1)
    assert (version.commentaire, version.champs) == ("vu", {"LOGEMENT": "0123456789"})


@pytest.mark.parametrize(
    ("recus", "attendues"),
    [
        ((), [catalogue.SANS_EVENEMENT]),
        ((recu(id=3),), [catalogue.IDENTIFIANT_PRESENT]),
        ((recu(type="RIEN"),), [catalogue.TYPE_INCONNU]),
        ((recu(type=None),), [catalogue.TYPE_INCONNU]),
        ((recu(survenance=None),), [catalogue.SURVENANCE_ABSENTE]),
        ((recu(survenance=date(2026, 7, 2)),), [catalogue.SURVENANCE_FUTURE]),
        ((recu(survenance=date(2026, 1, 9)),), [catalogue.SURVENANCE_AVANT_DEPOT]),
        ((recu(caracteristiques=None),), [catalogue.CHAMP_ABSENT]),
        ((recu(caracteristiques=(Caracteristique("LOGEMENT", ""),)),), [catalogue.CHAMP_ABSENT]),
        ((recu(caracteristiques=(LOGEMENT, LOGEMENT)),), [catalogue.CHAMP_REPETE]),
        ((recu(caracteristiques=(LOGEMENT, Caracteristique("AUTRE", "1"))),), [catalogue.CHAMP_INCONNU]),
        (
            (recu(caracteristiques=(LOGEMENT, Caracteristique("COMMUNE", "99999"))),),
            [catalogue.CHAMP_MALFORME],
        ),
        ((recu(), recu(id=1), recu(type="X")), [catalogue.IDENTIFIANT_PRESENT, catalogue.TYPE_INCONNU]),
    ],
)
def test_what_may_not_be_added(recus: tuple[EvenementRecu, ...], attendues: list[TypeAnomalie]) -> None:
    """[GPE-10] [GPE-11] [GPE-12] [GPE-13] All the anomalies of the file at once; nothing is taken of it."""
    assert judge(*recus) == attendues


def test_the_bounds_of_the_day_are_included() -> None:
    """[GPE-12]"""
    for jour in (date(2026, 1, 10), date(2026, 7, 1)):
        assert isinstance(judge(recu(survenance=jour))[0], EvenementPartage)


def test_a_type_out_of_its_validity_is_refused() -> None:
    """[GPE-11]"""
    ancienne = replace(DEMANDE, depot=date(2010, 1, 1))
    assert judge(recu(survenance=date(2015, 5, 11)), demande=ancienne)[0] is catalogue.TYPE_PERIME
    assert isinstance(judge(recu(survenance=date(2015, 5, 12)), demande=ancienne)[0], EvenementPartage)


@pytest.mark.parametrize(("code", "connu"), TYPES.items())
@pytest.mark.parametrize("nature", TypeGuichet)
def test_reserved_types(code: str, connu: Any, nature: TypeGuichet) -> None:
    """[GPE-14] Every type by every type of guichet."""
    valeurs = {
        Format.TEXTE: "x",
        Format.JOUR: "2026-07-15",
        Format.ENTIER: "1",
        Format.BOOLEEN: "true",
        Format.COMMUNE: "93066",
    }
    champs = tuple(Caracteristique(c, valeurs[champ.format]) for c, champ in connu.champs.items())
    found = judge(recu(type=code, caracteristiques=champs), guichet=replace(BAILLEUR, type=nature))
    if code == "BAIL":
        habilites = {TypeGuichet.BAILLEUR}
    elif code in {"ODJCAL", "EXAMCAL", "CALATT", "CALRANG", "CALCOND", "CALNON", "CALIRR"}:
        habilites = {TypeGuichet.BAILLEUR, TypeGuichet.EPCI}
    else:
        habilites = set(TypeGuichet)
    if nature in habilites:
        assert isinstance(found[0], EvenementPartage)
    else:
        assert found == [catalogue.AUTEUR_NON_HABILITE]


@pytest.mark.parametrize("action", Action)
def test_only_an_active_demande_changes(action: Action) -> None:
    """[GPE-15]"""
    radiee = replace(DEMANDE, etat="radiee")
    assert judge(recu(id=7), action=action, demande=radiee, presents=(present(),)) == [
        catalogue.DEMANDE_NON_ACTIVE
    ]


def test_the_number_of_events_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """[GPE-16]"""
    monkeypatch.setattr(evenements_partages, "EVENEMENTS_MAX", 2)
    assert len(judge(recu(), presents=(present(),))) == 1
    assert judge(recu(), recu(), presents=(present(),)) == [catalogue.TROP_D_EVENEMENTS]


@pytest.mark.parametrize("action", [Action.MODIFICATION, Action.SUPPRESSION])
@pytest.mark.parametrize(
    ("recus", "guichet", "attendue"),
    [
        ((recu(),), BAILLEUR, catalogue.IDENTIFIANT_ABSENT),
        ((recu(id=8),), BAILLEUR, catalogue.EVENEMENT_INCONNU),
        ((recu(id=7), recu(id=7)), BAILLEUR, catalogue.EVENEMENT_REPETE),
        ((recu(id=7),), AUTRE_BAILLEUR, catalogue.AUTRE_AUTEUR),
        ((recu(id=7),), COMMUNE, catalogue.AUTRE_AUTEUR),
        ((recu(id=7, type="BAIL"),), BAILLEUR, catalogue.TYPE_IMMUABLE),
        ((recu(id=7, modifie_le=datetime(2026, 6, 2, 8, tzinfo=UTC)),), BAILLEUR, catalogue.MODIFIE_DEPUIS),
    ],
)
def test_what_may_not_be_changed(
    action: Action, recus: tuple[EvenementRecu, ...], guichet: Guichet, attendue: TypeAnomalie
) -> None:
    """[GPE-20] [GPE-21] [GPE-22] [GPE-23]"""
    assert judge(*recus, action=action, guichet=guichet, presents=(present(),)) == [attendue]


def test_a_change_shows_the_version_that_was_seen() -> None:
    """[GPE-22] To the millisecond, by the modification, else by the creation."""
    vu = datetime(2026, 6, 2, 8, 0, 0, 123000, tzinfo=UTC)
    (version,) = judge(recu(id=7, cree_le=vu), action=Action.MODIFICATION, presents=(present(),))
    assert isinstance(version, EvenementPartage)
    change = present(modifie_le=present().cree_le + timedelta(hours=1))
    assert judge(recu(id=7, cree_le=vu), action=Action.MODIFICATION, presents=(change,)) == [
        catalogue.MODIFIE_DEPUIS
    ]
    plus_tard = recu(id=7, cree_le=vu, modifie_le=vu + timedelta(hours=1))
    assert isinstance(judge(plus_tard, action=Action.MODIFICATION, presents=(change,))[0], EvenementPartage)


def test_what_a_change_leaves_out_stays() -> None:
    """[GPE-23]"""
    vide = recu(id=7, type=None, survenance=None, caracteristiques=None)
    (version,) = judge(vide, action=Action.MODIFICATION, presents=(present(),))
    assert version == present(
        version=2, action=Action.MODIFICATION, auteur_modification="G1104", modifie_le=RECU_LE
    )
    (version,) = judge(
        replace(vide, commentaire="", caracteristiques=(Caracteristique("LOGEMENT", "B2"),)),
        action=Action.MODIFICATION,
        presents=(present(),),
    )
    assert isinstance(version, EvenementPartage)
    assert (version.commentaire, version.champs) == ("", {"LOGEMENT": "B2"})


def test_attributions_under_condition() -> None:
    """[GPE-31] By dwelling, from the decision to what ends it."""

    def suite(*pas: tuple[str, str]) -> int:
        return count_attributions(
            [
                present(id=rang, type=code, champs={"LOGEMENT": logement} if logement else {})
                for rang, (code, logement) in enumerate(pas, start=1)
            ],
            TYPES,
        )

    assert suite() == 0
    assert suite(("CALRANG", "A")) == 1
    assert suite(("CALRANG", "A"), ("CALCOND", "A")) == 1
    assert suite(("CALRANG", "A"), ("CALCOND", "B")) == 2
    for fin in ("CALATT", "CALNON", "REFUS"):
        assert suite(("CALRANG", "A"), ("CALCOND", "B"), (fin, "A")) == 1
    for fin in ("BAIL", "CALIRR"):
        assert suite(("CALRANG", "A"), ("CALCOND", "B"), (fin, "C")) == 0
    assert suite(("REFUS", "A"), ("CALRANG", "A")) == 1
    assert suite(("VISPROP", "A"), ("DESIGN", "B")) == 0


@pytest.mark.parametrize(
    ("nature", "bonnes", "mauvaises"),
    [
        (Format.TEXTE, ["x", "été"], []),
        (Format.JOUR, ["2026-07-15"], ["15/07/2026", "2026-02-30", "20260715"]),
        (Format.ENTIER, ["0", "12"], ["-1", "1,5", "un", "1234567890"]),
        (Format.BOOLEEN, ["true", "false"], ["oui", "1", "TRUE"]),
        (Format.COMMUNE, ["93066", "2A004"], ["99999", "paris"]),
    ],
)
def test_formats(nature: Format, bonnes: list[str], mauvaises: list[str]) -> None:
    """[GPE-5]"""
    assert all(nature.accepts(each) for each in bonnes)
    assert not any(nature.accepts(each) for each in mauvaises)
