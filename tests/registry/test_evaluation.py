"""The batch is decided as if its items had come one after the other (registry.evaluation)."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from registry import anomalies_demande as catalogue
from registry.evaluation import Accord, Connaissances, DemandeRecue, Rejet, Rejeu, ReponseDonnee, evaluate
from registry.numero_unique import parse
from tests.registry.fabrique import BAILLEUR, PARTICULIER, RECU_LE, generate, recue_of

DEPOT = date(2026, 6, 15)
COMPTEUR = ("111", "0626")


def item(seed: int, *, forcer: bool | None = None) -> DemandeRecue:
    options = {} if forcer is None else {"forcer_doublon": forcer}
    return recue_of(
        generate(seed, date_creation=DEPOT, communes=["75113"], avec_cotitulaire=False, **options)
    )


def foreign(seed: int, numero: str) -> DemandeRecue:
    data = generate(seed, PARTICULIER, date_creation=DEPOT, communes=["75113"], num_unique=numero)
    return recue_of(data, PARTICULIER)


POOL = [
    item(0),
    item(0, forcer=True),
    item(0, forcer=False),
    item(1),
    item(2),
    item(3),
    foreign(4, "1110626000002G1104"),
    foreign(5, "1110626000002G1104"),
    foreign(0, "1110626000007G0590"),
]


def test_numbers_follow_the_counter_without_gap() -> None:
    """[ENR-10]"""
    evaluation = evaluate([item(1), item(2), item(3)], Connaissances(derniers={COMPTEUR: 41}))
    numeros = [d.numero for d in evaluation.decisions if isinstance(d, Accord)]
    assert numeros == ["1110626000042G1104", "1110626000043G1104", "1110626000044G1104"]
    assert evaluation.derniers == {COMPTEUR: 44}


def test_two_identical_persons_in_one_batch_make_one_demande_and_one_doublon() -> None:
    premier, second = evaluate([item(0), item(0, forcer=False)], Connaissances()).decisions
    assert isinstance(premier, Accord)
    assert second == Rejet((), (premier.numero,))


def test_forcing_registers_and_keeps_the_fact() -> None:
    premier, second = evaluate([item(0), item(0, forcer=True)], Connaissances()).decisions
    assert isinstance(premier, Accord)
    assert isinstance(second, Accord)
    assert second.doublons == (premier.numero,)


def test_the_same_file_twice_in_one_batch_is_one_demande_and_its_replay() -> None:
    premier, second = evaluate([item(1), item(1)], Connaissances()).decisions
    assert isinstance(premier, Accord)
    assert second == Rejeu(None, 0)


def test_a_file_already_accepted_is_replayed_even_if_the_controls_now_refuse_it() -> None:
    """The perimeter of the guichet may have changed since: what was accepted stays so."""
    refuse = recue_of(generate(1, communes=["2A004"]))
    assert refuse.anomalies
    donnee = ReponseDonnee("1110626000001G1104", 1, RECU_LE, "DEM.xml")
    evaluation = evaluate([refuse], Connaissances(rejeux={refuse.cle_rejeu: donnee}))
    assert evaluation.decisions == (Rejeu(donnee),)


def test_a_file_refused_earlier_in_the_batch_is_evaluated_anew() -> None:
    """A refusal is no answer to be replayed: what refused it may have gone."""
    connues = Connaissances(doublons={("111", cle.cle): ("1110326000001G1226",) for cle in item(1).cles})
    premier, second = evaluate([item(1), item(1)], connues).decisions
    assert isinstance(premier, Rejet)
    assert isinstance(second, Rejet)


def test_a_foreign_number_is_accepted_once() -> None:
    """[ENR-11]"""
    premier, second = evaluate(
        [foreign(4, "1110626000002G1104"), foreign(5, "1110626000002G1104")], Connaissances()
    ).decisions
    assert premier == Accord("1110626000002G1104", ())
    assert isinstance(second, Rejet)
    assert [anomalie.code for anomalie in second.anomalies] == [catalogue.NUMERO_PRIS.code]


def test_a_number_already_taken_by_a_foreign_demande_is_passed_over() -> None:
    decisions = evaluate(
        [foreign(4, "1110626000001G1104"), item(1), item(2)], Connaissances(pris={"1110626000002G1104"})
    ).decisions
    assert [d.numero for d in decisions if isinstance(d, Accord)] == [
        "1110626000001G1104",
        "1110626000003G1104",
        "1110626000004G1104",
    ]


def test_the_last_sequence_is_given_then_the_month_is_exhausted() -> None:
    evaluation = evaluate([item(1), item(2)], Connaissances(derniers={COMPTEUR: 999_998}))
    dernier, apres = evaluation.decisions
    assert isinstance(dernier, Accord)
    assert dernier.numero == "1110626999999G1104"
    assert isinstance(apres, Rejet)
    assert [anomalie.code for anomalie in apres.anomalies] == [catalogue.NUMEROS_EPUISES.code]
    assert evaluation.derniers == {COMPTEUR: 999_999}


def test_a_demande_refused_for_want_of_a_number_is_no_doublon_of_the_next() -> None:
    etranger = foreign(0, "1110626000007G0590")
    decisions = evaluate([item(0), etranger], Connaissances(derniers={COMPTEUR: 999_999})).decisions
    assert isinstance(decisions[0], Rejet)
    assert decisions[1] == Accord("1110626000007G0590", ())


@settings(max_examples=60)
@given(st.lists(st.sampled_from(POOL), max_size=12), st.integers(0, 5))
def test_whatever_the_batch_numbers_are_distinct_contiguous_and_refusals_take_none(
    lot: list[DemandeRecue], dernier: int
) -> None:
    """[ENR-2] [ENR-10]"""
    evaluation = evaluate(lot, Connaissances(derniers={COMPTEUR: dernier}))
    assert len(evaluation.decisions) == len(lot)
    accords = [
        (recue, decision)
        for recue, decision in zip(lot, evaluation.decisions, strict=True)
        if isinstance(decision, Accord)
    ]
    numeros = [decision.numero for _, decision in accords]
    assert len(set(numeros)) == len(numeros)
    donnes = [parse(d.numero) for recue, d in accords if recue.guichet == BAILLEUR.code]
    sequences = [numero.sequence for numero in donnes if numero is not None]
    portes = {parse(d.numero) for recue, d in accords if recue.guichet != BAILLEUR.code}
    for avant, apres in pairwise([dernier, *sequences]):
        sautes = range(avant + 1, apres)
        assert avant < apres
        assert all(any(n and n.sequence == saute for n in portes) for saute in sautes)
    for place, decision in enumerate(evaluation.decisions):
        if isinstance(decision, Rejeu):
            assert decision.premier is not None
            assert decision.premier < place
            assert lot[decision.premier].cle_rejeu == lot[place].cle_rejeu
            assert isinstance(evaluation.decisions[decision.premier], Accord)
        if isinstance(decision, Rejet):
            assert decision.anomalies or decision.doublons
            assert not lot[place].demande.forcer_doublon or decision.anomalies
            assert set(decision.doublons) <= set(numeros)


@settings(max_examples=40)
@given(st.lists(st.sampled_from(POOL), max_size=10), st.integers(0, 10))
def test_cutting_a_batch_in_two_changes_nothing(lot: list[DemandeRecue], coupe: int) -> None:
    """What a batch knows of itself is what the database would have told the second half."""
    entier = evaluate(lot, Connaissances())
    debut = evaluate(lot[:coupe], Connaissances())
    rejeux, pris, doublons = {}, set(), {}
    for recue, decision in zip(lot, debut.decisions, strict=False):
        if isinstance(decision, Accord):
            rejeux[recue.cle_rejeu] = ReponseDonnee(decision.numero, 1, RECU_LE, "")
            pris.add(decision.numero)
            for cle in recue.cles:
                doublons.setdefault((recue.territoire, cle.cle), []).append(decision.numero)
    fin = evaluate(
        lot[coupe:],
        Connaissances(rejeux, pris, {cle: tuple(n) for cle, n in doublons.items()}, debut.derniers),
    )
    assert [_sense(d) for d in entier.decisions] == [_sense(d) for d in (*debut.decisions, *fin.decisions)]


def _sense(decision: Accord | Rejet | Rejeu) -> object:
    return Rejeu if isinstance(decision, Rejeu) else decision
