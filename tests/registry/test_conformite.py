"""The reports of conformity that guichets deposit, what they open, and what is answered about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, text

from certs.paire import Paire
from registry.anomalies import Anomalie
from registry.certificats import Identites, pin_certificat, withdraw_certificat
from registry.clock import FixedClock
from registry.conformite import (
    EtatFamille,
    EtatRapport,
    RapportDepose,
    ReglesConformite,
    etat_of,
    families,
)
from registry.constats import Constat
from registry.controle_rapports import Controle, Reponse, check_file, check_reference
from registry.guichets import CanalDistribution, Guichet, TypeGuichet
from registry.guichets_store import NouveauGuichet, add_guichet, set_adresse_reception, set_canal
from registry.production import (
    EtatProduction,
    Production,
    Situation,
    clear_exigence,
    due_reports,
    production_of,
    read_production,
    read_situations,
    set_exigence,
)
from registry.rapports_deposes import (
    countersign,
    deposit,
    find_report,
    list_reports,
    open_report,
    read_signed_report,
    revoke,
)
from schemas.rapport_conformite import Mode, Rapport, Verdict, write_json
from tests.registry.rapports import TOUTES, identity, report, rules, signed

JOUR = timedelta(days=1)
CODE = "G1104"


class Scene:
    """A guichet that pulls, its certificate, the key of the operator, and that of a stranger."""

    def __init__(self, conn: Connection, clock: FixedClock, cles: Mapping[str, Paire]) -> None:
        self.conn, self.clock = conn, clock
        self.exploitant, self.sienne, self.inconnue = (cles[each] for each in ("EXPLO", CODE, "AUTRE"))
        self.regles = rules(self.exploitant)
        nouveau = NouveauGuichet(CODE, "Logis", TypeGuichet.BAILLEUR, "552046484", frozenset({"111"}))
        added = add_guichet(conn, nouveau, instant=clock.now())
        assert isinstance(added, Guichet)
        self.guichet = added
        pin_certificat(conn, CODE, self.sienne.certificat.pem, instant=clock.now())

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def report(self, verdicts: Mapping[str, Verdict] | None = None, **autres: object) -> Rapport:
        return msgspec.structs.replace(report(CODE, self.now, verdicts), **autres)

    def deposit(self, data: bytes) -> RapportDepose | tuple[str, ...]:
        """What is kept, or the codes of the refusal."""
        kept = deposit(self.conn, self.guichet, data, self.regles, par="a@exemple.fr", instant=self.now)
        return kept if isinstance(kept, RapportDepose) else tuple(each.code for each in kept)

    def kept(self, rapport: Rapport, paire: Paire) -> RapportDepose:
        found = self.deposit(signed(rapport, paire))
        assert isinstance(found, RapportDepose), found
        return found

    def etat(self, depose: RapportDepose, *, after: timedelta = timedelta()) -> EtatRapport:
        found = find_report(self.conn, str(depose.identifiant))
        assert found is not None
        return etat_of(found, self.regles, instant=self.now + after)

    def file(self, data: bytes) -> Controle:
        return check_file(self.conn, data, self.regles, instant=self.now)

    def production(self, regles: ReglesConformite, *, after: timedelta = timedelta()) -> Production:
        return read_production(self.conn, CODE, regles, instant=self.now + after)


@pytest.fixture(scope="module")
def cles() -> Mapping[str, Paire]:
    now = datetime.fromisoformat("2026-03-16T09:30:00+00:00")
    return {nom: identity(nom, now=now) for nom in ("EXPLO", CODE, "AUTRE")}


@pytest.fixture
def scene(engine: Engine, clock: FixedClock, cles: Mapping[str, Paire]) -> Scene:  # type: ignore[misc]
    with engine.connect() as conn:
        yield Scene(conn, clock, cles)


def test_the_word_of_the_operator_is_enough_and_that_of_a_guichet_waits(scene: Scene) -> None:
    """[CNF-4]"""
    ours = scene.kept(scene.report(), scene.exploitant)
    assert scene.etat(ours) is EtatRapport.EN_VIGUEUR
    assert ours.canaux == {CanalDistribution.PUSH, CanalDistribution.RETRAIT}
    theirs = scene.kept(scene.report(), scene.sienne)
    assert scene.etat(theirs) is EtatRapport.A_CONTRESIGNER
    assert scene.etat(ours) is EtatRapport.EN_VIGUEUR
    assert (
        countersign(scene.conn, theirs.identifiant, scene.regles, par="exploitant", instant=scene.now) == ()
    )
    assert (scene.etat(theirs), scene.etat(ours)) == (EtatRapport.EN_VIGUEUR, EtatRapport.REMPLACE)
    (again,) = countersign(scene.conn, theirs.identifiant, scene.regles, par="x", instant=scene.now)
    assert "en vigueur" in again.texte


def test_a_report_of_nobody_is_not_kept(scene: Scene) -> None:
    """[CNF-2] Not of a stranger, nor of a certificate that was withdrawn."""
    assert scene.deposit(signed(scene.report(), scene.inconnue)) == ("RAPPORT-SIGNATAIRE",)
    whole = signed(scene.report(), scene.exploitant)
    assert scene.deposit(whole.replace(b"C0101", b"C0909")) == ("RAPPORT-CONTENU-MODIFIE",)
    assert scene.deposit(write_json(scene.report()))[0].startswith("RAPPORT-")  # type: ignore[index]
    assert scene.deposit(whole + b"\0" * (5 << 20)) == ("RAPPORT-TAILLE",)
    withdraw_certificat(scene.conn, scene.sienne.certificat.empreinte, instant=scene.now)
    assert scene.deposit(signed(scene.report(), scene.sienne)) == ("RAPPORT-SIGNATAIRE",)
    assert list_reports(scene.conn) == ()


def test_a_report_is_kept_once_as_it_came(scene: Scene) -> None:
    """[CNF-5] Another content under the same identifier is refused."""
    rapport = scene.report()
    data = signed(rapport, scene.exploitant)
    first = scene.deposit(data)
    assert scene.deposit(data) == first
    other = report(CODE, scene.now, identifiant=rapport.identifiant, graine="autre")
    assert scene.deposit(signed(other, scene.exploitant)) == ("RAPPORT-PRIS",)
    assert isinstance(first, RapportDepose)
    assert read_signed_report(scene.conn, first.identifiant) == data
    assert [each.identifiant for each in list_reports(scene.conn, CODE)] == [first.identifiant]


SANS_PUSH = {each: Verdict.REUSSIE for each in TOUTES if each != "C0701"}


@pytest.mark.parametrize(
    ("verdicts", "autres", "canaux", "codes"),
    [
        (None, {}, {"push", "retrait"}, set()),
        (SANS_PUSH, {}, {"retrait"}, set()),
        ({**SANS_PUSH, "C0701": Verdict.SANS_OBJET}, {}, {"retrait"}, set()),
        ({"C0101": Verdict.REUSSIE}, {}, set(), {"RAPPORT-FAMILLE"}),
        (
            {**SANS_PUSH, "C0724": Verdict.ECHOUEE},
            {},
            set(),
            {"RAPPORT-NON-CONFORME", "RAPPORT-FAMILLE"},
        ),
        (None, {"version_interface": "01.00"}, set(), {"RAPPORT-VERSION"}),
        (None, {"mode": Mode.SERVEUR}, set(), {"RAPPORT-MODE"}),
        (None, {"guichet": "G9999"}, set(), {"RAPPORT-GUICHET"}),
        (None, {"conforme": False}, set(), {"RAPPORT-CONTRADICTOIRE", "RAPPORT-NON-CONFORME"}),
    ],
)
def test_what_a_report_proves_and_what_is_wrong_with_it(
    scene: Scene,
    verdicts: Mapping[str, Verdict] | None,
    autres: dict[str, object],
    canaux: set[str],
    codes: set[str],
) -> None:
    """[CNF-3] By channel: what the channel needs, and nothing that it does not."""
    kept = scene.kept(scene.report(verdicts, **autres), scene.exploitant)
    assert {each.value for each in kept.canaux} == canaux
    assert {each.code for each in kept.constats} == codes
    assert bool(canaux) is (scene.etat(kept) is EtatRapport.EN_VIGUEUR)


def test_a_report_lasts_as_long_as_it_says_and_never_longer_than_the_hub_admits(scene: Scene) -> None:
    """[CNF-6] One that has ended, or that is of the future, opens nothing."""
    long = scene.kept(scene.report(expire=scene.now + 900 * JOUR), scene.exploitant)
    assert long.expire_le == scene.now + scene.regles.validite
    assert scene.etat(long, after=365 * JOUR - timedelta(seconds=1)) is EtatRapport.EN_VIGUEUR
    assert scene.etat(long, after=365 * JOUR) is EtatRapport.EXPIRE
    late = scene.kept(report(CODE, scene.now - 400 * JOUR), scene.exploitant)
    assert (late.canaux, scene.etat(late)) == (frozenset(), EtatRapport.EXPIRE)
    early = scene.kept(report(CODE, scene.now + 2 * JOUR), scene.exploitant)
    assert {each.code for each in early.constats} == {"RAPPORT-DATE"}


def test_a_finding_tells_the_hour_of_paris_wherever_the_report_was_made(scene: Scene) -> None:
    """[CNF-2] As the pages do."""
    loin = timezone(timedelta(hours=14))
    early = scene.kept(report(CODE, datetime(2026, 3, 19, 13, 0, tzinfo=loin)), scene.exploitant)
    assert "le 19/03/2026 à 00:00, heure de Paris" in early.constats[0].texte
    late = scene.kept(report(CODE, datetime(2025, 3, 1, 12, 0, tzinfo=loin)), scene.exploitant)
    assert "le 28/02/2026" in late.constats[0].texte


def test_a_report_takes_the_place_of_earlier_ones_that_prove_no_more(scene: Scene) -> None:
    """[CNF-6] An earlier campaign deposited later takes no place; what proved more stays."""
    whole = scene.kept(scene.report(), scene.exploitant)
    scene.clock.set(scene.now + 10 * JOUR)
    less = scene.kept(scene.report(SANS_PUSH), scene.exploitant)
    assert (scene.etat(whole), scene.etat(less)) == (EtatRapport.EN_VIGUEUR, EtatRapport.EN_VIGUEUR)
    older = scene.kept(report(CODE, scene.now - 20 * JOUR), scene.exploitant)
    assert scene.etat(whole) is EtatRapport.EN_VIGUEUR
    newest = scene.kept(scene.report(), scene.exploitant)
    assert [scene.etat(each) for each in (whole, less, older)] == [EtatRapport.REMPLACE] * 3
    revoke(scene.conn, newest.identifiant, "faux", par="x", instant=scene.now)
    # What was replaced does not come back.
    assert scene.etat(whole) is EtatRapport.REMPLACE


def test_a_revoked_report_says_why_for_ever(scene: Scene) -> None:
    """[CNF-6]"""
    kept = scene.kept(scene.report(), scene.exploitant)
    (found,) = revoke(scene.conn, kept.identifiant, "  ", par="x", instant=scene.now)
    assert found.code == "RAPPORT-MOTIF"
    assert revoke(scene.conn, kept.identifiant, "clé volée", par="x", instant=scene.now) == ()
    assert revoke(scene.conn, kept.identifiant, "autre motif", par="y", instant=scene.now + JOUR) == ()
    told = check_reference(scene.conn, str(kept.identifiant), scene.regles, instant=scene.now)
    assert (told.reponse, told.depose and told.depose.motif) == (Reponse.REVOQUE, "clé volée")


# --- what is answered -------------------------------------------------------------------------------------


def test_each_case_has_its_answer(scene: Scene) -> None:
    """[CNF-1] [CNF-2] Altered, of a stranger, of another version, incomplete, and the rest told apart."""
    whole = signed(scene.report(), scene.exploitant)
    lie = scene.report({"C0101": Verdict.ECHOUEE}, conforme=True)
    cases = {
        whole: Reponse.NON_DEPOSE,
        whole.replace(b"C0101", b"C0909"): Reponse.ALTERE,
        signed(lie, scene.exploitant): Reponse.ALTERE,
        signed(scene.report(), scene.inconnue): Reponse.SIGNATAIRE_INCONNU,
        signed(scene.report(version_interface="01.00"), scene.exploitant): Reponse.AUTRE_VERSION,
        signed(scene.report({"C0101": Verdict.REUSSIE}), scene.exploitant): Reponse.INCOMPLET,
        signed(scene.report({"C0101": Verdict.ECHOUEE}), scene.exploitant): Reponse.NON_CONFORME,
        signed(report(CODE, scene.now - 400 * JOUR), scene.exploitant): Reponse.EXPIRE,
        write_json(scene.report()): Reponse.NON_SIGNE,
        b"": Reponse.ILLISIBLE,
        b"<html>": Reponse.ILLISIBLE,
        b"\x30\x82": Reponse.ILLISIBLE,
    }
    for data, expected in cases.items():
        found = scene.file(data)
        assert found.reponse is expected, (expected, found)
        assert found.texte
    assert scene.file(whole).signataire == scene.exploitant.certificat.sujet


def test_a_deposited_report_is_recognised_by_file_digest_and_identifier(scene: Scene) -> None:
    """[CNF-1]"""
    rapport = scene.report()
    data = signed(rapport, scene.exploitant)
    kept = scene.kept(rapport, scene.exploitant)
    for reference in (str(kept.identifiant), kept.empreinte, kept.empreinte.upper()):
        found = check_reference(scene.conn, reference, scene.regles, instant=scene.now)
        assert (found.reponse, found.rapport) == (Reponse.VALABLE, rapport)
    assert scene.file(data).reponse is Reponse.VALABLE
    assert scene.file(write_json(rapport)).reponse is Reponse.VALABLE
    changed = write_json(rapport).replace(b'"02.01"', b'"02.00"')
    assert scene.file(changed).reponse is Reponse.ALTERE
    other = report(CODE, scene.now, identifiant=rapport.identifiant, graine="autre")
    assert scene.file(signed(other, scene.inconnue)).reponse is Reponse.ALTERE
    assert scene.file(signed(rapport, scene.inconnue)).reponse is Reponse.SIGNATAIRE_INCONNU
    for reference in ("", "x", "0" * 64, "00000000-0000-0000-0000-000000000000"):
        found = check_reference(scene.conn, reference, scene.regles, instant=scene.now)
        assert found.reponse is Reponse.INCONNU
    scene.clock.set(scene.now + 400 * JOUR)
    assert scene.file(data).reponse is Reponse.EXPIRE


@given(st.binary(max_size=200), st.integers(0, 3000))
def test_no_byte_of_a_report_may_be_changed(cles: Mapping[str, Paire], autres: bytes, place: int) -> None:
    """[CNF-2] Whatever is written over it, what is read is what was signed, or nothing is."""
    now = datetime.fromisoformat("2026-03-16T09:30:00+00:00")
    rapport = report(CODE, now, identifiant="6b9b2a52-0d5b-4a5c-9f2e-0d1c1f3b7a11")
    data = signed(rapport, cles["EXPLO"])
    opened = open_report(data[:place] + autres + data[place + len(autres) :])
    assert isinstance(opened, Constat) or opened[1] == rapport


# --- production -------------------------------------------------------------------------------------------


def codes(identites: Identites, empreinte: str) -> str:
    found = identites.identify(empreinte)
    return found.code if isinstance(found, Anomalie) else ""


def test_production_opens_by_a_report_and_closes_without(
    engine: Engine, clock: FixedClock, cles: Mapping[str, Paire]
) -> None:
    """[CNF-7] Its calls, whatever they ask, have an anomaly of their own; the others are served."""
    with engine.begin() as conn:
        scene = Scene(conn, clock, cles)
    empreinte = scene.sienne.certificat.empreinte
    free = Identites(engine, clock)
    regles = replace(scene.regles, a_partir_du=scene.now + 10 * JOUR)
    asked = Identites(engine, clock, regles)
    assert (codes(free, empreinte), codes(asked, empreinte)) == ("", "")
    clock.set(clock.now() + 10 * JOUR)
    assert (codes(free, empreinte), codes(asked, empreinte)) == ("", "GUI010")
    # A mail that came before is served.
    assert not isinstance(asked.identify(empreinte, recu_le=clock.now() - JOUR), Anomalie)
    with engine.begin() as conn:
        kept = deposit(
            conn, scene.guichet, signed(scene.report(), scene.sienne), regles, par="a", instant=clock.now()
        )
        assert isinstance(kept, RapportDepose)
    clock.set(clock.now() + timedelta(seconds=1))
    assert codes(asked, empreinte) == "GUI010"
    with engine.begin() as conn:
        assert countersign(conn, kept.identifiant, regles, par="x", instant=clock.now()) == ()
    clock.set(clock.now() + timedelta(seconds=1))
    assert codes(asked, empreinte) == ""
    with engine.begin() as conn:
        revoke(conn, kept.identifiant, "clé volée", par="x", instant=clock.now())
    clock.set(clock.now() + timedelta(seconds=1))
    assert codes(asked, empreinte) == "GUI010"


def test_a_guichet_may_have_a_day_of_its_own(scene: Scene) -> None:
    """[CNF-8] A hub that begins to ask cuts nobody off before the day that was said."""
    regles = replace(scene.regles, a_partir_du=scene.now)
    assert scene.production(scene.regles).etat is EtatProduction.NON_EXIGE
    assert scene.production(regles).etat is EtatProduction.FERMEE
    set_exigence(scene.conn, CODE, scene.now + 90 * JOUR, par="x", instant=scene.now)
    assert scene.production(regles).etat is EtatProduction.A_VENIR
    assert scene.production(regles, after=90 * JOUR).etat is EtatProduction.FERMEE
    # Even where nothing is asked of the others.
    assert scene.production(scene.regles, after=90 * JOUR).etat is EtatProduction.FERMEE
    set_exigence(scene.conn, CODE, None, par="x", instant=scene.now)
    assert scene.production(regles).etat is EtatProduction.NON_EXIGE
    clear_exigence(scene.conn, CODE)
    assert scene.production(regles).etat is EtatProduction.FERMEE


def test_the_end_of_a_report_is_told_then_forgiven_then_closes(scene: Scene) -> None:
    """[CNF-8]"""
    regles = replace(scene.regles, a_partir_du=scene.now)
    kept = scene.kept(scene.report(), scene.exploitant)
    days = {0: "ouverte", 304: "ouverte", 305: "expire bientôt", 365: "délai de grâce", 395: "fermée"}
    assert {day: scene.production(regles, after=day * JOUR).etat.value for day in days} == days
    situations = read_situations(scene.conn, regles)
    assert due_reports(situations, regles, instant=scene.now) == ()
    (due,) = due_reports(situations, regles, instant=scene.now + 310 * JOUR)
    assert (due.guichet, due.production.fin) == (CODE, kept.expire_le)


def test_a_report_counts_for_the_channel_in_use_fallback_aside(scene: Scene) -> None:
    """[CNF-3] [CNF-7]"""
    regles = replace(scene.regles, a_partir_du=scene.now)
    scene.kept(scene.report(SANS_PUSH), scene.exploitant)
    assert scene.production(regles).etat is EtatProduction.OUVERTE
    set_adresse_reception(scene.conn, CODE, "https://partenaire.exemple/")
    assert scene.production(regles).etat is EtatProduction.FERMEE
    scene.conn.execute(
        text(
            "INSERT INTO remise_guichet (guichet, secours, secours_apres, principal)"
            " VALUES ('G1104', 'push', 1, 'retrait')"
        )
    )
    assert scene.production(regles).etat is EtatProduction.OUVERTE
    scene.conn.execute(text("DELETE FROM remise_guichet"))
    # What the kit cannot try is not asked for.
    scene.conn.execute(text("UPDATE guichet SET adresse_courrier = 'g@exemple.fr'"))
    assert set_canal(scene.conn, CODE, CanalDistribution.COURRIER) == ()
    assert scene.production(regles).etat is EtatProduction.NON_EXIGE


INSTANTS = st.integers(-800, 800).map(
    lambda days: datetime.fromisoformat("2026-03-16T09:30:00+00:00") + days * JOUR
)


@given(INSTANTS, INSTANTS, st.none() | INSTANTS, st.none() | INSTANTS, st.booleans())
def test_calls_are_served_until_the_instant_that_is_told(
    a_partir_du: datetime, instant: datetime, sien: datetime | None, fin: datetime | None, deroge: bool
) -> None:
    """[CNF-8] The state and the instant never contradict each other; a longer report never closes sooner."""
    regles = rules(a_partir_du=a_partir_du)
    situation = Situation(CODE, CanalDistribution.PUSH, deroge, sien, fin)
    found = production_of(situation, regles, instant=instant)
    closed = found.ferme_le is not None and instant >= found.ferme_le
    assert closed is (found.etat is EtatProduction.FERMEE)
    if fin is not None and found.ferme_le is not None:
        later = production_of(replace(situation, fin=fin + JOUR), regles, instant=instant)
        assert later.ferme_le is not None
        assert later.ferme_le >= found.ferme_le


def test_what_is_missing_is_told_by_family(scene: Scene) -> None:
    """[CNF-10]"""
    canal = CanalDistribution.RETRAIT
    none = families(None, scene.regles, canal)
    assert {each.code: each.etat for each in none} == dict.fromkeys(
        ("01", "04", "07"), EtatFamille.NON_LANCEE
    )
    content = scene.report({"C0101": Verdict.REUSSIE, "C0401": Verdict.ECHOUEE})
    found = {each.code: each for each in families(content, scene.regles, canal)}
    assert [found[each].etat.value for each in ("01", "04", "07")] == ["verte", "rouge", "non lancée"]
    (red,) = found["04"].rouges
    assert (red.trouve, red.attendu, red.conduite) == ("500", "200", "Conduite de C0401.")
    assert found["07"].absentes == ("C0724",)
