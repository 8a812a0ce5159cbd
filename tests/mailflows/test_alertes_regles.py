"""The rules of the alerts and the life of an alert, as functions of facts and of an instant."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.table import load_table
from dispatching.arrieres import PLAFOND, Arriere
from dispatching.disjoncteur import Disjoncteur
from mailflows.alertes.annonces import Dite, Motif, Sourdine, recipients_of, to_tell, write_mail, write_text
from mailflows.alertes.annonces import write_subject as subject
from mailflows.alertes.calendrier import is_worked, worked_hours
from mailflows.alertes.catalogue import GENRES
from mailflows.alertes.faits import (
    Cle,
    CourriersBloques,
    DernierManifeste,
    Faits,
    Partenaire,
    Presence,
    ProcessusVu,
)
from mailflows.alertes.reglages import Alertes
from mailflows.alertes.regles import Trouvee
from mailflows.alertes.regles_hub import judge
from mailflows.alertes.suivi import Alerte, Etat, follow
from registry.controles import PARIS
from registry.guichets import CanalDistribution
from registry.production import Echeance, EtatProduction, Production
from registry.surveillance_certificats import Avis

LUNDI = datetime(2026, 3, 16, 10, 30, tzinfo=PARIS)
REGLAGES = Alertes(exploitants=("astreinte@hub.example",), groupage=0)
HEURE, MINUTE, JOUR = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)


def facts(instant: datetime = LUNDI, **autres: Any) -> Faits:
    known = {"G1104": Partenaire("G1104", "Habitat", "technique@partenaire.example")}
    return Faits(instant.astimezone(UTC), LUNDI - 60 * JOUR, **{"partenaires": known, **autres})


def codes(faits: Faits, ouvertes: Iterable[Cle] = (), reglages: Alertes = REGLAGES) -> list[str]:
    return sorted(code for code, _ in judge(faits, reglages, frozenset(ouvertes)))


def waiting(canal: CanalDistribution, depuis: datetime, *, attente: int = 3, echec: int = 0) -> Arriere:
    ages = (depuis if attente else None, depuis if echec else None)
    return Arriere("G1104", "Habitat", canal, True, attente, echec, *ages, None)


# -- working time ------------------------------------------------------------------------------------------


def test_working_time_is_that_of_offices() -> None:
    """[ALE-18] Ten hours a day; neither week-ends, nor public holidays, Easter's included."""
    vendredi = datetime(2026, 3, 13, 17, 0, tzinfo=PARIS)
    assert worked_hours(vendredi, LUNDI) == 1 + 2.5
    for ferie in (
        date(2026, 4, 6),
        date(2026, 5, 14),
        date(2026, 5, 25),
        date(2025, 4, 21),
        date(2027, 7, 14),
    ):
        assert not is_worked(ferie)
    assert is_worked(date(2026, 4, 7))
    # The clock goes forward on Sunday 29 March: a day of work lasts ten hours all the same.
    avant = datetime(2026, 3, 27, 8, 0, tzinfo=PARIS)
    assert worked_hours(avant, datetime(2026, 3, 30, 18, 0, tzinfo=PARIS)) == 20


@given(st.lists(st.integers(0, 60 * 24 * 21), min_size=3, max_size=3))
def test_working_time_adds_up(minutes: list[int]) -> None:
    """[ALE-18]"""
    a, b, c = (LUNDI + each * MINUTE for each in sorted(minutes))
    assert worked_hours(a, c) == pytest.approx(worked_hours(a, b) + worked_hours(b, c))


# -- rules -------------------------------------------------------------------------------------------------


def habit(last: datetime, every: int, days: int = 20) -> Presence:
    """Somebody who comes every so many days, at noon."""
    noons = [last - every * JOUR * rang for rang in range(days // every, -1, -1)]
    return Presence(last, tuple((each, each) for each in noons))


def test_silence_is_measured_by_the_habit() -> None:
    """[ALE-11] Who comes each day is silent after two days; who comes each week, is not after eight."""
    jeudi = datetime(2026, 3, 12, 12, 0, tzinfo=PARIS)
    assert codes(facts(appels={"G1104": habit(jeudi, 1)})) == []
    mardi = jeudi - 2 * JOUR
    assert codes(facts(appels={"G1104": habit(mardi, 1)})) == ["ALE201"]
    assert codes(facts(appels={"G1104": habit(mardi, 7, 28)})) == []
    # A newcomer has no habit, and a closed guichet no duty.
    assert codes(facts(appels={"G1104": habit(mardi, 1, 3), "G9999": habit(mardi, 1)})) == []


def test_silence_may_be_set_for_one_guichet() -> None:
    """[ALE-11] Its own delay wins over its habit; 0 is never."""
    hier = LUNDI - 3 * JOUR
    for silence, found in ((2, ["ALE201"]), (0, []), (None, [])):
        known = {"G1104": Partenaire("G1104", "Habitat", silence=silence)}
        assert codes(facts(partenaires=known, appels={"G1104": habit(hier, 1)})) == found


def test_who_pulls_must_come_and_acknowledge() -> None:
    """[ALE-11]"""
    longtemps = LUNDI - 7 * JOUR
    jamais = facts(arrieres=[waiting(CanalDistribution.RETRAIT, longtemps)])
    assert codes(jamais) == ["ALE202"]
    venu = replace(jamais, passages={"G1104": Presence(LUNDI - HEURE)})
    assert codes(venu) == ["ALE203"]
    assert codes(facts(arrieres=[waiting(CanalDistribution.RETRAIT, LUNDI - HEURE)])) == []
    assert codes(facts(arrieres=[waiting(CanalDistribution.RETRAIT, longtemps, attente=0)])) == []


def test_backlog_opens_at_a_bound_and_closes_at_half() -> None:
    """[ALE-13] [ALE-3] In between, it is what it was."""
    for hours, closed, opened in ((5, ["ALE301"], ["ALE301"]), (3, [], ["ALE301"]), (1, [], [])):
        faits = facts(arrieres=[waiting(CanalDistribution.PUSH, LUNDI - hours * HEURE)])
        assert codes(faits) == closed
        assert codes(faits, [("ALE301", "G1104")]) == opened


def test_a_cut_channel_is_told_once_it_lasts_and_instead_of_the_backlog() -> None:
    """[ALE-13] [ALE-1] What the partner answered is not quoted."""
    coupe = Disjoncteur(
        "G1104", CanalDistribution.PUSH, 7, ouvert_le=LUNDI - HEURE, cause="panne", detail="MARTIN Paul"
    )
    faits = facts(disjoncteurs=[coupe], arrieres=[waiting(CanalDistribution.PUSH, LUNDI - JOUR)])
    (found,) = judge(faits, REGLAGES, frozenset()).values()
    assert (found.genre.code, found.objet, found.au_partenaire) == ("ALE302", "G1104 push", True)
    assert "MARTIN" not in found.constat
    recent = replace(coupe, ouvert_le=LUNDI - 5 * MINUTE)
    assert codes(facts(disjoncteurs=[recent])) == []


def test_what_failed_for_good_grows_worse_tenfold() -> None:
    """[ALE-13] [ALE-4]"""

    def level(number: int) -> int:
        attente = waiting(CanalDistribution.PUSH, LUNDI, attente=0, echec=number)
        (found,) = judge(facts(arrieres=[attente]), REGLAGES, frozenset()).values()
        return found.niveau

    assert level(1) == level(9) < level(10) == level(99) < level(100) < level(PLAFOND + 1)


def test_the_end_of_a_certificate_grows_worse_step_by_step() -> None:
    """[ALE-10] The contact of a guichet whose robot gets the signed notice is not told again."""

    def avis(palier: int, guichet: str | None = "G1104") -> Avis:
        return Avis("ab" * 32, guichet, "CN=G1104", LUNDI, palier)

    levels = []
    for palier in (60, 46, 4, 0, -7):
        (found,) = judge(facts(avis=[avis(palier)]), REGLAGES, frozenset()).values()
        levels.append(found.niveau)
        assert (found.genre.code, found.au_partenaire) == ("ALE101", True)
    assert levels == sorted(set(levels))
    told = {"G1104": Partenaire("G1104", "Habitat", averti=True)}
    (found,) = judge(facts(avis=[avis(60)], partenaires=told), REGLAGES, frozenset()).values()
    assert not found.au_partenaire
    assert codes(facts(avis=[avis(60, None)])) == ["ALE102"]


def test_no_message_of_anybody_in_working_hours() -> None:
    """[ALE-12] Neither at night, nor on a hub that nobody uses yet; what is open lasts through the night."""
    muet = facts(appels={"G1104": Presence(LUNDI - 3 * JOUR)}, jours_servis=12)
    assert codes(muet) == ["ALE204"]
    assert codes(replace(muet, jours_servis=2)) == []
    assert codes(replace(muet, appels={"G1104": Presence(LUNDI - HEURE)})) == []
    soir = replace(muet, instant=LUNDI + 10 * HEURE)
    assert codes(soir) == []
    assert codes(soir, [("ALE204", "")]) == ["ALE204"]


def process(**autres: Any) -> ProcessusVu:
    values: dict[str, Any] = {"roles": ("soap", "worker"), "pret": True, "codes": (), "vu_le": LUNDI}
    return ProcessusVu("hote1", 12, depuis_le=LUNDI - JOUR, **{**values, **autres})


def test_processes_that_are_not_ready_or_are_no_more() -> None:
    """[ALE-14] A dead process is told of when nobody has its roles any more."""
    assert codes(facts(processus=[process()])) == []
    assert codes(facts(processus=[process(pret=False, codes=("HUB203",))])) == ["ALE401"]
    mort = process(vu_le=LUNDI - HEURE, pret=False)
    assert codes(facts(processus=[mort])) == ["ALE402", "ALE402"]
    assert codes(facts(processus=[mort, process(roles=("soap",))])) == ["ALE402"]
    assert codes(facts(processus=[mort, process()])) == []


def test_disk_closes_with_more_room_than_it_opened() -> None:
    """[ALE-17] [ALE-3]"""
    for libre, closed, opened in ((8.0, ["ALE504"], ["ALE504"]), (12.0, [], ["ALE504"]), (16.0, [], [])):
        faits = facts(processus=[process(disque_libre=libre)])
        assert codes(faits) == closed
        assert codes(faits, [("ALE504", "hote1")]) == opened


def test_daily_tasks_manifests_and_journal() -> None:
    """[ALE-15] [ALE-16]"""
    jour = LUNDI.date()
    for retard, found in ((0, []), (1, []), (2, ["ALE501"])):
        assert codes(facts(attendues=["balayage"], taches={"balayage": jour - retard * JOUR})) == found
    assert codes(facts(attendues=["balayage"])) == ["ALE501"]
    neuf = replace(facts(attendues=["balayage"]), veille_depuis=LUNDI)
    assert codes(neuf) == []
    for retard, found in ((1, []), (2, []), (3, ["ALE502"])):
        assert codes(facts(manifestes=[DernierManifeste("G1104", jour - retard * JOUR)])) == found
    assert codes(facts(rupture="entrée 12, le contenu n'est plus celui qui a été scellé")) == ["ALE503"]


def test_mails_that_do_not_leave() -> None:
    """[ALE-7]"""
    assert codes(facts(courriers=CourriersBloques(2, LUNDI - 5 * MINUTE))) == []
    assert codes(facts(courriers=CourriersBloques(2, LUNDI - HEURE))) == ["ALE403"]
    assert codes(facts(courriers=CourriersBloques(0, None, 1))) == ["ALE403"]


def due_report(etat: str) -> Echeance:
    return Echeance("G1104", Production(EtatProduction(etat), LUNDI, LUNDI, LUNDI + 30 * JOUR))


def test_a_report_that_ends_is_told_to_the_partner_worse_and_worse() -> None:
    """[CNF-13]"""
    levels = []
    for etat in ("expire bientôt", "délai de grâce", "fermée"):
        (found,) = judge(facts(rapports=[due_report(etat)]), REGLAGES, frozenset()).values()
        assert (found.genre.code, found.guichet, found.au_partenaire) == ("ALE103", "G1104", True)
        levels.append(found.niveau)
    assert levels == sorted(set(levels))
    assert codes(facts(rapports=[due_report("à déposer")])) == ["ALE103"]


def test_what_is_held_by_a_closed_production_is_not_late() -> None:
    """[CNF-14] [ALE-13] Nor is its channel cut: nothing probes it. Until then both are told."""
    held = {
        "arrieres": [waiting(CanalDistribution.PUSH, LUNDI - JOUR)],
        "disjoncteurs": [Disjoncteur("G1104", CanalDistribution.PUSH, ouvert_le=LUNDI - JOUR)],
    }
    late = {**held, "disjoncteurs": []}
    for etat, found in (("délai de grâce", ["ALE103", "ALE302"]), ("fermée", ["ALE103"])):
        assert codes(facts(rapports=[due_report(etat)], **held)) == found
    assert codes(facts(rapports=[due_report("délai de grâce")], **late)) == ["ALE103", "ALE301"]
    assert codes(facts(rapports=[due_report("fermée")], **late)) == ["ALE103"]


def test_each_alert_leads_to_a_page_of_the_console() -> None:
    """[ALE-1]"""
    everything = facts(
        appels={"G1104": habit(LUNDI - 9 * JOUR, 1)},
        avis=[Avis("ab" * 32, code, "CN=X", LUNDI, 4) for code in ("G1104", None)],
        arrieres=[waiting(CanalDistribution.PUSH, LUNDI - JOUR, echec=2)],
        disjoncteurs=[Disjoncteur("G1104", CanalDistribution.RETRAIT, ouvert_le=LUNDI - JOUR)],
        processus=[process(pret=False, disque_libre=1.0), process(vu_le=LUNDI - JOUR, roles=("console",))],
        courriers=CourriersBloques(1, LUNDI - JOUR),
        attendues=["balayage"],
        manifestes=[DernierManifeste("G1104", LUNDI.date() - 9 * JOUR)],
        rapports=[due_report("délai de grâce")],
        rupture="entrée 1",
        jours_servis=20,
    )
    found = judge(everything, REGLAGES, frozenset()).values()
    assert GENRES.keys() - {each.genre.code for each in found} == {"ALE202", "ALE203"}
    known = {page.chemin for page in load_table()}
    for each in found:
        path = each.page.replace("/G1104", "/{guichet}").replace("ab" * 32, "{empreinte}")
        assert path in known, each.page


# -- the life of an alert ----------------------------------------------------------------------------------


def one(faits: Faits | None = None) -> dict[Cle, Trouvee]:
    return judge(faits or facts(rupture="entrée 1"), REGLAGES, frozenset())


def test_an_alert_opens_once_it_lasts_and_closes_once_it_is_over_for_long() -> None:
    """[ALE-3]"""
    suite = follow((), one(), LUNDI, REGLAGES)
    (naissante,) = suite.alertes
    assert naissante.etat is Etat.NAISSANTE
    assert follow([naissante], {}, LUNDI + MINUTE, REGLAGES).oubliees == (naissante,)
    (ouverte,) = follow([naissante], one(), LUNDI + 5 * MINUTE, REGLAGES).alertes
    assert (ouverte.etat, ouverte.ouverte_le) == (Etat.OUVERTE, LUNDI + 5 * MINUTE)
    (calme,) = follow([ouverte], {}, LUNDI + 10 * MINUTE, REGLAGES).alertes
    assert calme == ouverte
    (revue,) = follow([calme], one(), LUNDI + 15 * MINUTE, REGLAGES).alertes
    assert (revue.etat, revue.derniere_le) == (Etat.OUVERTE, LUNDI + 15 * MINUTE)
    (close,) = follow([revue], {}, LUNDI + 30 * MINUTE, REGLAGES).alertes
    assert (close.etat, close.close_le) == (Etat.CLOSE, LUNDI + 30 * MINUTE)


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_what_comes_and_goes_is_told_little(vues: list[bool]) -> None:
    """[ALE-3] [ALE-4] Whatever comes and goes, minute by minute: a start and an end by turns, the end
    so long after the last sight, and never two alerts about one thing."""
    alertes: tuple[Alerte, ...] = ()
    dites: dict[tuple[int, str], Dite] = {}
    said: list[tuple[int, Motif]] = []
    next_id = 1
    last_seen = LUNDI
    for rang, vue in enumerate(vues):
        instant = LUNDI + rang * MINUTE
        last_seen = instant if vue else last_seen
        suite = follow(alertes, one() if vue else {}, instant, REGLAGES)
        kept = []
        for each in suite.alertes:
            kept.append(replace(each, id=next_id) if not each.id else each)
            next_id += not each.id
        assert len({each.cle for each in kept}) == len(kept)
        told = to_tell(kept, dites, {}, (), {}, instant, REGLAGES)
        for adresse, choses in told.items():
            for each in choses:
                dites[each.alerte.id, adresse] = Dite(each.motif is Motif.FIN, each.alerte.niveau, instant)
                said.append((each.alerte.id, each.motif))
                if each.motif is Motif.FIN:
                    assert instant - last_seen >= 15 * MINUTE
        alertes = tuple(each for each in kept if each.etat is not Etat.CLOSE)
    assert [motif for _, motif in said] == [Motif.NOUVELLE, Motif.FIN] * (len(said) // 2) + [
        Motif.NOUVELLE
    ] * (len(said) % 2)


# -- what is told ------------------------------------------------------------------------------------------


def alert(code: str = "ALE302", guichet: str = "G1104", **autres: Any) -> Alerte:
    values: dict[str, Any] = {"niveau": 0, "au_partenaire": True, "etat": Etat.OUVERTE, "ouverte_le": LUNDI}
    page = f"/partenaires/{guichet}"
    lasting = {"vue_le": LUNDI, "derniere_le": LUNDI, **values, **autres}
    return Alerte(lasting.pop("id", 7), code, guichet, guichet, "canal push", "une réponse", page, **lasting)


CONTACTS = {"G1104": "technique@partenaire.example"}


def told(alerte: Alerte, dite: Dite | None, instant: datetime, *sourdines: Sourdine) -> set[Motif]:
    dites = {} if dite is None else {(alerte.id, "astreinte@hub.example"): dite}
    found = to_tell([alerte], dites, {}, sourdines, {}, instant, REGLAGES)
    return {each.motif for choses in found.values() for each in choses}


def test_who_is_told() -> None:
    """[ALE-2] [ALE-7] The partner of what is his turn; nobody without an operator; no mail about mail."""
    both = ("astreinte@hub.example", "technique@partenaire.example")
    assert recipients_of(alert(), REGLAGES, CONTACTS) == both
    assert recipients_of(alert(au_partenaire=False), REGLAGES, CONTACTS) == both[:1]
    assert recipients_of(alert(), Alertes(exploitants=both[:1], guichets=False), CONTACTS) == both[:1]
    assert recipients_of(alert(), Alertes(), CONTACTS) == ()
    assert recipients_of(alert("ALE403", ""), REGLAGES, CONTACTS) == ()


def test_an_alert_is_told_reminded_and_ended() -> None:
    """[ALE-4] At the stated pace, or when it grows worse; the end only to whom the beginning was told."""
    said = Dite(False, 0, LUNDI)
    assert told(alert(), None, LUNDI) == {Motif.NOUVELLE}
    assert told(alert(), said, LUNDI + 23 * HEURE) == set()
    assert told(alert(), said, LUNDI + 24 * HEURE) == {Motif.RAPPEL}
    assert told(alert(niveau=1), said, LUNDI + MINUTE) == {Motif.RAPPEL}
    assert told(alert("ALE101"), said, LUNDI + 30 * JOUR) == set()
    close = alert(etat=Etat.CLOSE, close_le=LUNDI + HEURE)
    assert told(close, said, LUNDI + HEURE) == {Motif.FIN}
    assert told(close, None, LUNDI + HEURE) == set()
    assert told(close, Dite(True, 0, LUNDI), LUNDI + HEURE) == set()


@pytest.mark.parametrize(
    ("code", "guichet", "covers"),
    [("", "", True), ("ALE302", "", True), ("", "G1104", True), ("ALE301", "", False), ("", "G1226", False)],
)
def test_a_planned_stop_is_silent(code: str, guichet: str, covers: bool) -> None:
    """[ALE-6] From its beginning to its end; then what lasts is told."""
    arret = Sourdine(1, LUNDI, LUNDI + HEURE, code, guichet, "mise à jour", "root")
    assert told(alert(), None, LUNDI, arret) == (set() if covers else {Motif.NOUVELLE})
    assert told(alert(), None, LUNDI + HEURE, arret) == {Motif.NOUVELLE}
    assert told(alert(), None, LUNDI - MINUTE, arret) == {Motif.NOUVELLE}


def test_a_storm_is_one_mail() -> None:
    """[ALE-5] One for each address, which cites some and counts the others; then none for a while."""
    storm = [alert(id=rang, guichet=f"G{rang:04}") for rang in range(1, 1601)]
    contacts = {each.guichet: f"{each.guichet}@partenaire.example" for each in storm[:3]}
    found = to_tell(storm, {}, contacts, (), {}, LUNDI, REGLAGES)
    assert {adresse: len(choses) for adresse, choses in found.items()} == {
        "astreinte@hub.example": 1600,
        **dict.fromkeys(contacts.values(), 1),
    }
    texte = write_text(found["astreinte@hub.example"], LUNDI, "https://console.example")
    assert subject(found["astreinte@hub.example"]) == "Alertes : 1600 nouvelles alertes"
    assert "Et 1560 autres (ALE302 : 1560)." in texte
    grouped = Alertes(exploitants=REGLAGES.exploitants)
    just = {"astreinte@hub.example": LUNDI - 10 * MINUTE}
    assert to_tell(storm, {}, {}, (), just, LUNDI, grouped) == {}
    assert to_tell(storm, {}, {}, (), just, LUNDI + 5 * MINUTE, grouped).keys() == just.keys()


def test_a_mail_says_what_to_do_and_where() -> None:
    """[ALE-1]"""
    (choses,) = to_tell([alert()], {}, {}, (), {}, LUNDI, REGLAGES).values()
    texte = write_text(choses, LUNDI, "https://console.example")
    for said in (
        "[ALE302] Guichet G1104. Le canal du guichet ne répond plus : canal push (attendu : une réponse).",
        "Ouverte le 16/03/2026 à 10:30. C'est au guichet partenaire d'agir : Rétablir le service",
        "https://console.example/partenaires/G1104",
    ):
        assert said in texte
    sujet = subject(choses)
    assert sujet == "Alerte ALE302, guichet G1104"
    identifiant = uuid4()
    mail = write_mail(identifiant, "hub@hub.example", "a@b.example", sujet, texte, LUNDI)
    assert mail == write_mail(identifiant, "hub@hub.example", "a@b.example", sujet, texte, LUNDI)
    assert max(map(len, mail.split(b"\r\n"))) <= 998
