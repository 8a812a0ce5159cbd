"""No sequence of events, whatever it is, leads where the table does not (docs/cycle-de-vie.md)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine

from registry import portail, validation_depots
from registry.controles import PARIS
from registry.declaration_dalo import DaloDeclare, declare_dalo
from registry.depots import Depot
from registry.depots_store import Message, erase_depots, find_depot
from registry.fusion import Fusion, merge
from registry.guichets import Guichet
from registry.histoire import rebuild
from registry.lifecycle import Etat, Fait, transition
from registry.numero_unique import parse
from registry.portail import DepotFait
from registry.registration import Enregistrement, register
from registry.situation import Situation
from registry.suites import SYSTEME
from registry.verification import verify
from tests.registry.dalo import ETAT, declaration, declaration_recue
from tests.registry.fabrique import (
    AUTRE_BAILLEUR,
    BAILLEUR,
    COMMUNE,
    RECU_LE,
    DecideurTemoin,
    demande_of,
    echange_of,
    recue_of,
)
from tests.registry.portail import PORTAIL, seen, typed
from tests.registry.test_separation import leaving
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
FAITS = (
    *("MOD", "MOD", "REN", "REN", "RADCON", "RADREN", "DERAD", "DERAD"),
    *("DALO", "DALO", "CRS", "CRS", "FUSION"),
    *("RADABA", "RADATT", "RADIRR", "SUP"),
)
"""What leads back to the active state is drawn more often than what ends a life."""
FAIT_DE = {"DALO": Fait.MODIFICATION, "FUSION": Fait.RADIATION, "DERAD": Fait.DERADIATION}
"""The others are named after theirs."""
EVENEMENTS = st.lists(
    st.tuples(
        st.sampled_from(FAITS),
        st.integers(0, 400),
        st.sampled_from(GUICHETS),
        st.integers(0, 9),
        st.integers(0, 9),
    ),
    min_size=50,
    max_size=50,
)
DEBUTS = st.lists(
    st.tuples(
        st.sampled_from(
            (Fait.SAISIE, Fait.DEPOT, Fait.DEPOT, Fait.VALIDATION, Fait.INVALIDATION, Fait.PURGE)
        ),
        st.integers(1, 40),
    ),
    max_size=6,
)
"""What happens before the number; a life that it does not number begins by a creation."""
_seeds = itertools.count(1)


def new_couple(engine: Engine, seed: str) -> bytes:
    """A registered demande; doublons are forced, for whoever leaves is still named by the one he left."""
    couple = {"avec_cotitulaire": True, "lien": "M"}
    return created(engine, seed, communes=["93066"], forcer_doublon=True, **couple)


class Attente:
    """A brouillon or a deposit of the portal, and what each event must make of it."""

    def __init__(self, engine: Engine, seed: str) -> None:
        self._engine, self._seed, self._depot = engine, seed, ""
        self._jour = RECU_LE.date()
        self.numero: str | None = None

    def _data(self, guichet: Guichet) -> bytes:
        return typed(
            self._seed,
            self._jour,
            guichet,
            avec_cotitulaire=True,
            lien="M",
            communes=["93066"],
            forcer_doublon=guichet is not PORTAIL,
        )

    def _etat(self) -> Etat | None:
        with self._engine.connect() as conn:
            depot = find_depot(conn, self._depot)
        return None if depot is None else depot.etat

    def happen(self, fait: Fait, instant: datetime) -> None:
        """Let one thing happen, by whoever may; the table says whether it does."""
        avant, suite = self._etat(), transition(self._etat(), fait)
        nouveau = fait in (Fait.SAISIE, Fait.DEPOT) and suite is None
        fait_ = self._try(fait, instant, nouveau=nouveau)
        assert fait_ is (suite is not None or nouveau), (avant, fait)
        attendu = transition(None, fait) if nouveau else suite or avant
        assert self._etat() is attendu

    def _try(self, fait: Fait, instant: datetime, *, nouveau: bool) -> bool:
        """nouveau: what there was is over, another one begins."""
        identifiant = "" if nouveau else self._depot
        guichet = BAILLEUR if fait in (Fait.VALIDATION, Fait.INVALIDATION) else PORTAIL
        if fait is Fait.DEPOT:
            self._jour = instant.astimezone(PARIS).date()
        data = self._data(guichet)
        echange = echange_of(guichet, data, instant)
        message = Message(echange.id, guichet.code, fait, f"{self._seed} {instant}".encode(), "DEM.xml")
        with self._engine.begin() as conn:
            match fait:
                case Fait.SAISIE:
                    garde = portail.save(conn, echange, message, data, demande_of(data), identifiant)
                    self._depot = str(garde[0].id) if isinstance(garde, tuple) else self._depot
                    return isinstance(garde, tuple)
                case Fait.DEPOT:
                    depose = portail.deposit(conn, echange, message, demande_of(data), identifiant, instant)
                    self._depot = str(depose.depot.id) if isinstance(depose, DepotFait) else self._depot
                    return isinstance(depose, DepotFait)
                case Fait.VALIDATION:
                    resultat, _ = validation_depots.validate(
                        conn,
                        echange,
                        message,
                        identifiant,
                        seen(data),
                        demande_of(data),
                        decideur=DecideurTemoin(),
                        repondu_le=instant,
                    )
                    valide = isinstance(resultat, Enregistrement)
                    self.numero = resultat.numero if isinstance(resultat, Enregistrement) else self.numero
                    return valide
                case Fait.INVALIDATION:
                    refuse = portail.end(conn, echange, identifiant, "ABSENT", "", "a.martin")
                    # A second time, the same refusal is told again and nothing is done.
                    return isinstance(refuse, Depot) and refuse.issue_le == instant
                case _:
                    return self._erase(conn, instant)

    def _erase(self, conn: Connection, instant: datetime) -> bool:
        depot = find_depot(conn, self._depot)
        if depot is None or transition(depot.etat, Fait.PURGE) is None:
            return False
        erase_depots(conn, [depot.id], instant)
        return True


def begin(engine: Engine, debut: list[tuple[Fait, int]], instant: datetime) -> tuple[Situation, datetime]:
    """The first situation of a life that may begin before its number; and the instant that it is then."""
    seed = f"hasard-{next(_seeds)}"
    attente = Attente(engine, seed)
    for fait, jours in debut:
        instant += timedelta(days=jours)
        attente.happen(fait, instant)
        if attente.numero is not None:
            break
    numero = attente.numero or numero_of(new_couple(engine, seed))
    return situation_of(engine, numero), max(instant, RECU_LE)


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


def happen(
    engine: Engine,
    fait: str,
    avant: Situation,
    autre: Situation,
    guichet: Guichet,
    quand: tuple[datetime, datetime],
) -> str | None:
    """Let one thing happen to `avant`, whoever does it; the number concerned, or None when it was refused.

    autre: the demande that a merge keeps. quand: the instant of the file, that of its reception.
    """
    ecrit, instant = quand
    decideur = DecideurTemoin()
    match fait:
        case "DALO":
            statut = ("ACTIF", "CADUC", "NON")[instant.minute % 3]
            recue = declaration_recue(declaration(avant.numero, statut, ecrit.date()), ETAT, instant)
            with engine.begin() as conn:
                (declare,) = declare_dalo(conn, [recue], decideur=decideur, repondu_le=instant)
            return declare.numero if isinstance(declare, DaloDeclare) else None
        case "CRS":
            if not demande_of(avant.document).cotitulaires:
                return None
            depart = recue_of(leaving(avant.document, guichet, ecrit=ecrit), guichet, instant)
            with engine.begin() as conn:
                (resultat,) = register(conn, [depart], decideur=decideur, repondu_le=instant)
        case "FUSION":
            options = {"conservee": autre.numero, "absorbee": avant.numero, "auteur": "gestionnaire"}
            with engine.begin() as conn:
                fusion = merge(conn, decideur, motif="essai", instant=instant, malgre_ecart=True, **options)
            return fusion.absorbee if isinstance(fusion, Fusion) else None
        case _:
            data = file_of(fait, avant.document, guichet, ecrit)
            (resultat,) = change_all(engine, [changement_of(data, guichet, instant)])
    if not isinstance(resultat, Enregistrement):
        return None
    assert situation_of(engine, resultat.numero).document == resultat.fichier.contenu
    return resultat.numero


def check_separated(origine: Situation, nee: Situation) -> None:
    assert (nee.etat, nee.version, nee.numero_origine) == (Etat.ACTIVE, 1, origine.numero)
    assert (nee.date_depot, nee.date_renouvellement) == (origine.date_depot, origine.date_renouvellement)
    numero = parse(nee.numero)
    assert numero is not None
    assert numero.agrees_with(nee.date_depot)


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(debut=DEBUTS, evenements=EVENEMENTS)
@example(debut=[(Fait.SAISIE, 1), (Fait.DEPOT, 9), (Fait.VALIDATION, 40)], evenements=[])
@example(
    debut=[(fait, 1) for fait in (Fait.DEPOT, *[Fait.INVALIDATION] * 2, Fait.PURGE, Fait.INVALIDATION)],
    evenements=[],
)
@example(
    debut=[(Fait.DEPOT, 1), (Fait.INVALIDATION, 2), (Fait.VALIDATION, 1), (Fait.PURGE, 1)], evenements=[]
)
def test_fifty_events_reach_nothing_that_the_table_forbids(
    module_engine: Engine,
    debut: list[tuple[Fait, int]],
    evenements: list[tuple[str, int, Guichet, int, int]],
) -> None:
    """[VIE-2] [VIE-5] [VIE-6] [VIE-73] [POR-34] State, dates and numbers after each event on a couple and on
    those who leave it, whether a partner, the State or the gestionnaire makes it, and before its number when
    it begins on the portal; the past, rebuilt, is what it was."""
    premiere, instant = begin(module_engine, debut, RECU_LE)
    vies: dict[str, list[Situation]] = {premiere.numero: [premiere]}
    for fait, jours, guichet, retard, cible in evenements:
        instant += timedelta(days=jours, minutes=1)
        # One in ten was written long ago: the later of two guichets.
        ecrit = instant - timedelta(seconds=1) if retard else instant - timedelta(days=500)
        actuelles = [passe[-1] for passe in vies.values()]
        avant, autre = (actuelles[rang % len(actuelles)] for rang in (cible, cible // 2))
        numero = happen(module_engine, fait, avant, autre, guichet, (ecrit, instant))
        if fait == "CRS" and numero is not None:
            nee = situation_of(module_engine, numero)
            check_separated(avant, nee)
            vies[numero] = [nee]
        suite = situation_of(module_engine, avant.numero)
        # A declaration that says what is known is accepted, and makes no version.
        if fait != "CRS" and numero is not None and (fait != "DALO" or suite != avant):
            assert suite.version == avant.version + 1
            assert suite.etat is transition(avant.etat, FAIT_DE.get(fait) or Fait(fait[:3]))
            assert demande_of(suite.document).num_unique == numero
            check_invariants(avant, suite)
            vies[numero].append(suite)
        # Whatever happened to one of them, the others are as they were.
        for connu, passe in vies.items():
            assert situation_of(module_engine, connu) == passe[-1]
    check_past(module_engine, vies)


def check_past(engine: Engine, vies: Mapping[str, list[Situation]]) -> None:
    with engine.connect() as conn:
        for numero, passe in vies.items():
            for ancienne in passe:
                assert rebuild(conn, numero, ancienne.instant) == ancienne
            assert rebuild(conn, numero) == passe[-1]
            assert rebuild(conn, numero, passe[0].instant - timedelta(seconds=1)) is None
        assert verify(conn).intact


def test_the_events_drawn_do_something(module_engine: Engine) -> None:
    """A witness: the sequence of a whole life is accepted, so the property above is not empty."""
    document = new_couple(module_engine, "temoin")
    numero = numero_of(document)
    instant = RECU_LE
    particulier = GUICHETS[3]
    vecus, nee = [], ""
    for fait in ("MOD", "DALO", "REN", "CRS", "RADREN", "DERAD", "REN", "FUSION", "RADATT"):
        instant += timedelta(days=30)
        avant = situation_of(module_engine, numero)
        sujet, autre = (situation_of(module_engine, nee), avant) if fait == "FUSION" else (avant, avant)
        quand = (instant - timedelta(seconds=1), instant)
        qui = BAILLEUR if fait == "CRS" else particulier  # who would number the new demande himself
        touchee = happen(module_engine, fait, sujet, autre, qui, quand)
        assert touchee is not None, fait
        nee = touchee if fait == "CRS" else nee
        vecus.append(situation_of(module_engine, touchee).etat)
    active, radiee = Etat.ACTIVE, Etat.RADIEE
    assert vecus == [active, active, active, active, radiee, active, active, radiee, radiee]
    assert situation_of(module_engine, nee).auteur == SYSTEME
