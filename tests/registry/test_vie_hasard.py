"""No sequence of events, whatever it is, leads where the table does not (docs/cycle-de-vie.md)."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from registry.changement import fact_of
from registry.controles import PARIS
from registry.guichets import Guichet
from registry.histoire import rebuild
from registry.lifecycle import Etat, transition
from registry.numero_unique import parse
from registry.registration import Enregistrement
from registry.situation import Situation
from registry.verification import verify
from tests.registry.fabrique import AUTRE_BAILLEUR, BAILLEUR, COMMUNE, RECU_LE, demande_of
from tests.registry.vies import (
    attribution,
    change_all,
    changement_of,
    created,
    numero_of,
    radiation,
    renewal,
    sent,
    situation_of,
)

GUICHETS = (BAILLEUR, AUTRE_BAILLEUR, COMMUNE, replace(BAILLEUR, numerote=True))
FAITS = ("MOD", "REN", "RADABA", "RADCON", "RADATT", "RADIRR", "RADREN", "DERAD", "DERAD", "SUP")
EVENEMENTS = st.lists(
    st.tuples(
        st.sampled_from(FAITS),
        st.integers(0, 400),
        st.sampled_from(GUICHETS),
        st.integers(0, 9),
    ),
    min_size=50,
    max_size=50,
)
_seeds = itertools.count(1)


def file_of(fait: str, document: bytes, guichet: Guichet, ecrit: datetime) -> bytes:
    """The file that a partner would send at that instant."""
    jour = ecrit.astimezone(PARIS).date().isoformat()
    vieux = (ecrit - timedelta(days=62)).date().isoformat()
    match fait:
        case "MOD" | "SUP":
            return sent(document, fait, guichet=guichet, ecrit=ecrit)
        case "REN":
            return renewal(document, jour, guichet=guichet, ecrit=ecrit)
        case "RADATT":
            return attribution(document, jour, bail=jour, guichet=guichet, ecrit=ecrit)
        case "DERAD":
            return radiation(document, "", jour, guichet=guichet, ecrit=ecrit)
        case "RADCON":
            suite = f"<ns1:absenceReponse><ns1:dateCourrier>{vieux}</ns1:dateCourrier></ns1:absenceReponse>"
        case "RADIRR":
            suite = '<ns1:sousMotifIrrecevabilite code="IRRSEJ"/>'
        case _:
            suite = ""
    return radiation(document, fait, jour, suite, guichet=guichet, ecrit=ecrit)


def check_invariants(avant: Situation, apres: Situation) -> None:
    assert (apres.numero, apres.date_depot, apres.recue_le) == (
        avant.numero,
        avant.date_depot,
        avant.recue_le,
    )
    assert (apres.territoire, apres.guichet, apres.numero_origine) == (
        avant.territoire,
        avant.guichet,
        avant.numero_origine,
    )
    assert (apres.etat is Etat.RADIEE) == (apres.motif_radiation is not None)
    assert (apres.motif_radiation is None) == (apres.date_radiation is None)
    assert apres.sursis is None or apres.etat is Etat.ACTIVE
    if apres.date_renouvellement is not None:
        assert apres.date_depot <= apres.date_renouvellement <= apres.instant.astimezone(PARIS).date()
    if avant.date_renouvellement is not None:
        assert apres.date_renouvellement is not None
        assert apres.date_renouvellement >= avant.date_renouvellement
    numero = parse(apres.numero)
    assert numero is not None
    assert numero.agrees_with(apres.date_depot)


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(evenements=EVENEMENTS)
def test_fifty_events_reach_nothing_that_the_table_forbids(
    module_engine: Engine, evenements: list[tuple[str, int, Guichet, int]]
) -> None:
    """[VIE-2] [VIE-5] [VIE-6] State, dates and number after each event; the past, rebuilt, is what it was."""
    document = created(module_engine, f"hasard-{next(_seeds)}", communes=["93066"], forcer_doublon=True)
    numero = numero_of(document)
    avant = situation_of(module_engine, numero)
    passe = [avant]
    instant = RECU_LE
    for fait, jours, guichet, retard in evenements:
        instant += timedelta(days=jours, minutes=1)
        # One in ten was written long ago: the later of two guichets.
        ecrit = instant - timedelta(seconds=1) if retard else instant - timedelta(days=500)
        data = file_of(fait, avant.document, guichet, ecrit)
        item = changement_of(data, guichet, instant)
        (resultat,) = change_all(module_engine, [item])
        apres = situation_of(module_engine, numero)
        if isinstance(resultat, Enregistrement):
            assert apres.version == avant.version + 1
            assert apres.etat is transition(avant.etat, fact_of(item.demande)[0])
            assert apres.document == resultat.fichier.contenu
            assert demande_of(apres.document).num_unique == numero
            check_invariants(avant, apres)
            passe.append(apres)
        else:
            assert apres == avant
        avant = apres
    with module_engine.connect() as conn:
        assert rebuild(conn, numero) == avant
        for ancienne in passe:
            assert rebuild(conn, numero, ancienne.instant) == ancienne
        assert rebuild(conn, numero, RECU_LE - timedelta(seconds=1)) is None
        assert verify(conn).intact


def test_the_events_drawn_do_something(module_engine: Engine) -> None:
    """A witness: the sequence of a whole life is accepted, so the property above is not empty."""
    document = created(module_engine, "temoin", communes=["93066"])
    numero = numero_of(document)
    instant = RECU_LE
    particulier = GUICHETS[3]
    vecus = []
    for fait in ("MOD", "REN", "RADREN", "DERAD", "REN", "RADATT"):
        instant += timedelta(days=30)
        document = situation_of(module_engine, numero).document
        data = file_of(fait, document, particulier, instant - timedelta(seconds=1))
        (resultat,) = change_all(module_engine, [changement_of(data, particulier, instant)])
        assert isinstance(resultat, Enregistrement), resultat
        vecus.append(situation_of(module_engine, numero).etat)
    active, radiee = Etat.ACTIVE, Etat.RADIEE
    assert vecus == [active, active, radiee, active, active, radiee]
