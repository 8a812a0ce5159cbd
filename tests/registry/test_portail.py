"""The public portal: what it deposits, what guichets validate, on the real database."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
import pytest_asyncio
from lxml import etree
from sqlalchemy import Engine, func, select, text

from registry.clock import FixedClock
from registry.controles import PARIS
from registry.depots_taches import erase_depots, expire_depots, tell
from registry.echanges import Refus, ReponseNumUnique
from registry.effacement import erase, erase_exchanges
from registry.etat_civil import etat_civil_of
from registry.exchanges_store import Statut, get_echange
from registry.guichets import Guichet, TypeGuichet
from registry.handlers import Traitement
from registry.histoire import rebuild
from registry.lifecycle import Etat
from registry.numero_unique import parse
from registry.recus_portail import Brouillon, DepotInvalide, DepotLu, Recherche
from registry.regles import REGLES
from registry.tables import DEMANDE, DEMANDE_VERSION, JOURNAL
from registry.tables_depots import DEPOT
from registry.trace_identites import read_changes
from registry.traces import list_traces
from registry.verification import verify
from schemas.contract import xsd_bytes
from tests.registry.fabrique import (
    AUTRE_BAILLEUR,
    BAILLEUR,
    COMMUNE,
    RECU_LE,
    DecideurTemoin,
    demande_of,
    generate,
    horloge,
    recue_of,
    register_all,
)
from tests.registry.portail import (
    JOUR,
    PORTAIL,
    codes,
    demande_in,
    deposited,
    numbered,
    receive,
    seen,
    send,
    typed,
    validate,
)
from tests.registry.vies import radiation, refused, renewal, sent, situation_of

PLUS_TARD = RECU_LE + timedelta(days=40)


@pytest.fixture
def clock() -> FixedClock:
    return horloge()


@pytest.fixture
def temoin() -> DecideurTemoin:
    return DecideurTemoin()


@pytest_asyncio.fixture
async def hub(engine: Engine, clock: FixedClock, temoin: DecideurTemoin) -> AsyncIterator[Traitement]:
    traitement = Traitement(engine, clock, temoin)
    await traitement.start()
    yield traitement
    await traitement.stop()


def count(engine: Engine, *conditions: object) -> int:
    with engine.connect() as conn:
        return conn.execute(select(func.count()).select_from(DEMANDE)).scalar_one()


# --- depositing -------------------------------------------------------------------------------------------


async def test_a_creation_of_the_portal_is_a_deposit_without_a_number(
    hub: Traitement, engine: Engine, temoin: DecideurTemoin
) -> None:
    """[POR-20] [POR-21] Answered without numUnique, with the identifier of the deposit; not dispatched."""
    answer = await send(hub, typed(1))
    assert (answer.numero, codes(answer)) == ("", [])
    demande = demande_in(answer)
    assert (demande.num_unique, demande.increment_fichier) == (None, answer.depot)
    assert demande.type_fichier == "RET"
    assert temoin.evenements == []
    assert count(engine) == 0
    with engine.connect() as conn:
        (depot,) = conn.execute(select(DEPOT))
        entree = conn.execute(select(JOURNAL).where(JOURNAL.c.nature == "DEPOT")).one()
    assert (str(depot.id), depot.etat, depot.guichet) == (answer.depot, Etat.ATTENTE, "GDPUB")
    assert (entree.instant, entree.numero, entree.guichet) == (RECU_LE, None, "GDPUB")
    assert entree.document == hashlib.sha256(depot.document).digest()
    with engine.connect() as conn:
        assert verify(conn).intact


async def test_a_deposit_sent_again_gets_the_first_answer(hub: Traitement, engine: Engine) -> None:
    """[POR-23] Byte for byte, even validated meanwhile; one deposit."""
    data = typed(2)
    first = await send(hub, data)
    again, once_more = await asyncio.gather(send(hub, data), send(hub, data))
    assert first == again == once_more
    await numbered(hub, first.depot, seen(data), BAILLEUR)
    assert await send(hub, data, at=PLUS_TARD) == first
    with engine.connect() as conn:
        assert conn.execute(select(func.count()).select_from(DEPOT)).scalar_one() == 1


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"jour": JOUR - timedelta(days=2)}, ["POR204"]),
        ({"jour": JOUR - timedelta(days=1)}, []),
        ({"forcer_doublon": True}, ["POR205"]),
        ({"communes": ["13055"]}, ["GUI102"]),
    ],
)
async def test_what_a_deposit_must_be(
    hub: Traitement, options: dict[str, object], expected: list[str]
) -> None:
    """[POR-22] Of the day, without forcerDoublon, and all that a creation must be."""
    assert codes(await send(hub, typed(3, **options))) == expected  # type: ignore[arg-type]


# --- validating -------------------------------------------------------------------------------------------


async def test_a_validated_deposit_is_registered_like_any_other(
    hub: Traitement, engine: Engine, clock: FixedClock, temoin: DecideurTemoin
) -> None:
    """[POR-31] [POR-34] Number, seniority and certified date are those of the deposit; journal, version,
    holders and event are those of a creation."""
    data = typed(4)
    depot = await deposited(hub, data)
    clock.set(PLUS_TARD)
    answer = await validate(hub, depot, seen(data), BAILLEUR, at=PLUS_TARD)
    assert isinstance(answer, ReponseNumUnique)
    numero = parse(answer.numero)
    assert numero is not None
    assert (numero.guichet, numero.mois, numero.annee, numero.territoire) == ("GDPUB", 7, 26, "111")
    assert answer.nature == "CRE"
    situation = situation_of(engine, answer.numero)
    assert (situation.guichet, situation.recue_le, situation.date_depot) == ("GDPUB", RECU_LE, JOUR)
    assert (situation.auteur, situation.instant) == (BAILLEUR.code, PLUS_TARD)
    assert situation.etat is Etat.ACTIVE
    assert demande_in(answer).num_guichet == "GDPUB"
    (event,) = temoin.evenements
    assert (event.nature, event.auteur, event.numero) == ("CRE", BAILLEUR.code, answer.numero)
    with engine.connect() as conn:
        assert rebuild(conn, answer.numero) == situation
        assert rebuild(conn, answer.numero, PLUS_TARD - timedelta(seconds=1)) is None
        assert verify(conn).intact
        holders = conn.execute(text("SELECT guichet FROM detention")).scalars().all()
        kept = conn.execute(select(DEPOT)).one()
    assert sorted(holders) == ["G1104", "GDPUB"]
    assert (kept.etat, kept.numero, kept.document, kept.mel, kept.noms) == (
        "active",
        answer.numero,
        None,
        "",
        [],
    )


async def test_the_certified_date_of_a_validated_deposit_is_verified(hub: Traitement, engine: Engine) -> None:
    """[POR-34] Were it changed, the verification of the register would see it."""
    data = typed(5)
    numero = await numbered(hub, await deposited(hub, data), seen(data), BAILLEUR)
    with engine.begin() as conn:
        conn.execute(
            text("UPDATE demande SET recue_le = recue_le - interval '1 day' WHERE numero = :n"), {"n": numero}
        )
    with engine.connect() as conn:
        assert not verify(conn).intact


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"nom": "Autre"}, ["POR206"]),
        ({"naissance": date(1950, 1, 1)}, ["POR206"]),
        ({"piece": "PERMIS"}, ["POR207"]),
        ({"prenom": "", "naissance": None}, ["POR208"]),
        ({"utilisateur": ""}, ["POR208"]),
    ],
)
async def test_the_guichet_compares_with_the_identity_document(
    hub: Traitement, engine: Engine, changes: dict[str, object], expected: list[str]
) -> None:
    """[POR-31] Which document, and what it bears; a discordance numbers nothing."""
    data = typed(6)
    depot = await deposited(hub, data)
    assert codes(await validate(hub, depot, seen(data, **changes), BAILLEUR)) == expected
    assert count(engine) == 0


async def test_inversion_case_and_accents_are_no_discordance(hub: Traitement) -> None:
    """[POR-31]"""
    data = typed(7)
    vu = seen(data)
    inverted = replace(vu, nom=vu.prenom.upper(), prenom=vu.nom.lower())
    await numbered(hub, await deposited(hub, data), inverted, BAILLEUR)


async def test_a_corrected_file_takes_the_place_of_what_was_typed(hub: Traitement, engine: Engine) -> None:
    """[POR-33] The guichet may correct all but the day of the deposit and the territory."""
    data = typed(8)
    depot = await deposited(hub, data)
    good = typed("corrigée", guichet=BAILLEUR)
    for wrong, expected in (
        (typed("corrigée", JOUR - timedelta(days=1), BAILLEUR), ["VIE203"]),
        (typed("corrigée", guichet=BAILLEUR, communes=["59350"]), ["VIE206"]),
        (typed("corrigée", guichet=AUTRE_BAILLEUR), ["GUI101"]),
    ):
        assert codes(await validate(hub, depot, seen(good), BAILLEUR, wrong)) == expected
    answer = await validate(hub, depot, seen(good), BAILLEUR, good)
    assert isinstance(answer, ReponseNumUnique)
    assert answer.numero.endswith("GDPUB")
    demande = demande_in(answer)
    assert (demande.num_guichet, seen(answer.demande.contenu)) == ("GDPUB", seen(good))


async def test_a_validation_checks_doublons_as_a_creation_does(hub: Traitement, engine: Engine) -> None:
    """[POR-34] The one who validates sees the doublon; forcing is his, in a corrected file."""
    connue = generate(9, BAILLEUR, communes=["93048"], avec_cotitulaire=False, association=False)
    register_all(engine, [recue_of(connue)])
    data = typed(9)
    depot = await deposited(hub, data)
    answer = await validate(hub, depot, seen(data), BAILLEUR)
    assert codes(answer) == ["DBL101"]
    with engine.connect() as conn:
        # What the refusal shows of the other demande is a reading of it.
        assert len(list_traces(conn, guichet=BAILLEUR.code)) == 1
    forced = typed(9, guichet=BAILLEUR, forcer_doublon=True)
    answer = await validate(hub, depot, seen(data), BAILLEUR, forced)
    assert isinstance(answer, ReponseNumUnique)
    assert answer.numero


async def test_of_two_guichets_that_validate_the_later_is_told(hub: Traitement, engine: Engine) -> None:
    """[POR-35] In two processes: nothing is doubled; a replay of the first gets the first answer."""
    data = typed(10)
    depot = await deposited(hub, data)
    voisin = Traitement(engine, horloge(), DecideurTemoin())
    await voisin.start()
    answers = await asyncio.gather(
        *(
            validate(traitement, depot, seen(data), guichet)
            for traitement, guichet in ((hub, BAILLEUR), (voisin, AUTRE_BAILLEUR)) * 3
        )
    )
    await voisin.stop()
    numeros = [answer.numero for answer in answers if isinstance(answer, ReponseNumUnique)]
    refus = [answer for answer in answers if isinstance(answer, Refus)]
    assert (len(numeros), len(set(numeros)), len(refus)) == (3, 1, 3)
    assert {code for answer in refus for code in codes(answer)} == {"POR202"}
    assert numeros[0] in refus[0].anomalies[0].message
    assert count(engine) == 1
    with engine.connect() as conn:
        assert conn.execute(select(func.count()).select_from(DEMANDE_VERSION)).scalar_one() == 1


@pytest.mark.parametrize(
    ("guichet", "expected"),
    [
        (replace(COMMUNE, communes=frozenset({"93048"})), []),
        (replace(COMMUNE, communes=frozenset({"75113"})), ["POR201"]),
        (replace(BAILLEUR, territoires=frozenset({"059"})), ["POR201"]),
        (Guichet("G0001", "État", TypeGuichet.ETAT, "", frozenset({"111"})), []),
        (PORTAIL, ["GUI105"]),
    ],
    ids=["commune", "autre commune", "autre territoire", "État", "portail"],
)
async def test_any_guichet_that_may_read_a_deposit_validates_it(
    hub: Traitement, guichet: Guichet, expected: list[str]
) -> None:
    """[POR-30]"""
    data = typed(11)
    assert codes(await validate(hub, await deposited(hub, data), seen(data), guichet)) == expected


# --- invalidating, withdrawing ----------------------------------------------------------------------------


async def end(hub: Traitement, depot: str, motif: str, guichet: Guichet = BAILLEUR) -> DepotInvalide | Refus:
    echange = await receive(hub, guichet)
    return await hub.portail.invalider(echange, depot, motif, "Pièce floue", "a.martin")


async def test_a_deposit_is_invalidated_with_a_motive_that_the_portal_reads(
    hub: Traitement, engine: Engine
) -> None:
    """[POR-40] [POR-24] Once for all; the channel by which the applicant is told is given back."""
    data = typed(12)
    depot = await deposited(hub, data)
    fait = await end(hub, depot, "ILLISI")
    assert isinstance(fait, DepotInvalide)
    demandeur = demande_of(data).demandeur
    assert demandeur is not None
    assert ("mel" in fait.canal, "sms" in fait.canal) == (bool(demandeur.mel), bool(demandeur.tel_portable))
    assert await end(hub, depot, "ILLISI") == fait
    assert codes(await end(hub, depot, "IDENTI")) == ["POR202"]
    assert codes(await validate(hub, depot, seen(data), BAILLEUR)) == ["POR202"]
    lu = await hub.portail.consulter(await receive(hub, PORTAIL), depot)
    assert isinstance(lu, DepotLu)
    assert (lu.depot.etat, lu.depot.motif, lu.depot.commentaire) == (Etat.INVALIDEE, "ILLISI", "Pièce floue")
    with engine.connect() as conn:
        entree = conn.execute(select(JOURNAL).where(JOURNAL.c.nature == "INVALID")).one()
    assert ("ILLISI" in entree.detail, entree.guichet) == (True, BAILLEUR.code)


async def test_the_portal_withdraws_and_nothing_else(hub: Traitement) -> None:
    """[POR-41]"""
    depot = await deposited(hub, typed(13))
    assert codes(await end(hub, depot, "IDENTI", PORTAIL)) == ["POR207"]
    assert codes(await end(hub, depot, "EXPIRE")) == ["POR207"]
    assert isinstance(await end(hub, depot, "RETRAI", PORTAIL), DepotInvalide)


# --- listing ----------------------------------------------------------------------------------------------


async def listed(hub: Traitement, guichet: Guichet, **criteria: object) -> list[str]:
    answer = await hub.portail.lister(await receive(hub, guichet), Recherche(**criteria))  # type: ignore[arg-type]
    if isinstance(answer, Refus):
        return codes(answer)
    root = etree.fromstring(answer.contenu)
    etree.XMLSchema(etree.fromstring(xsd_bytes("depots.xsd"))).assertValid(root)
    return [each.text or "" for each in root.iter("{*}idDepot")]


async def test_guichets_find_deposits_by_who_where_and_since_when(hub: Traitement, clock: FixedClock) -> None:
    """[POR-32]"""
    data, autre = typed(14), typed(15, communes=["75113"])
    first = await deposited(hub, data)
    clock.set(PLUS_TARD)
    second = await deposited(hub, typed(15, PLUS_TARD.date(), communes=["75113"]), at=PLUS_TARD)
    demandeur = demande_of(data).demandeur
    assert demandeur is not None
    assert await listed(hub, BAILLEUR) == [first, second]
    for criteria in (
        {"mel": demandeur.mel.upper()} if demandeur.mel else {"nom": demandeur.nom},
        {"nom": demandeur.nom.upper()},
        {"prenom": demandeur.prenom, "naissance": demandeur.date_naissance},
        {"depose_avant": RECU_LE + timedelta(days=30)},
    ):
        assert await listed(hub, BAILLEUR, **criteria) == [first], criteria
    assert await listed(hub, BAILLEUR, nom="Personne") == []
    assert await listed(hub, BAILLEUR, territoire="111") == [first, second]
    assert await listed(hub, BAILLEUR, territoire="059") == []
    assert await listed(hub, BAILLEUR, apres=first) == [second]
    assert await listed(hub, BAILLEUR, apres="x") == ["POR210"]
    assert await listed(hub, BAILLEUR, etat="X") == ["POR207"]
    assert demande_of(autre).communes_souhaitees == ("75113",)
    assert await listed(hub, replace(COMMUNE, communes=frozenset({"93048"}))) == [first]
    assert await listed(hub, PORTAIL) == [first, second]
    await end(hub, first, "ABSENT")
    assert await listed(hub, BAILLEUR) == [second]
    assert await listed(hub, PORTAIL, etat="INVALI") == [first]
    assert await listed(hub, BAILLEUR, etat="INVALI") == []


# --- brouillons -------------------------------------------------------------------------------------------

PARTIEL = (
    b'<n:interfaceNuu xmlns:n="http://nuu.application.i2/"><n:entete><n:typeFichier>CRE</n:typeFichier>'
    b"</n:entete><n:demande><n:demandeLogement><n:personnePhysique><n:demandeur><n:nom>Dur</n:nom>"
    b"</n:demandeur></n:personnePhysique></n:demandeLogement></n:demande></n:interfaceNuu>"
)


async def save(
    hub: Traitement, data: bytes, identifiant: str = "", guichet: Guichet = PORTAIL
) -> Brouillon | Refus:
    return await hub.portail.enregistrer_brouillon(await receive(hub, guichet, data), data, identifiant)


async def kept(hub: Traitement, data: bytes, identifiant: str = "", guichet: Guichet = PORTAIL) -> str:
    answer = await save(hub, data, identifiant, guichet)
    assert isinstance(answer, Brouillon), answer
    return str(answer.depot.id)


async def deposit(
    hub: Traitement,
    identifiant: str,
    data: bytes | None = None,
    guichet: Guichet = PORTAIL,
    at: datetime = RECU_LE,
) -> ReponseNumUnique | Refus:
    return await hub.portail.deposer(await receive(hub, guichet, data or b"", at), data, identifiant)


async def test_a_brouillon_may_lack_anything_and_certifies_nothing(hub: Traitement, engine: Engine) -> None:
    """[POR-10] [POR-11] Kept, replaced under its identifier, read by its guichet only; not in the journal."""
    partial = await save(hub, PARTIEL)
    assert isinstance(partial, Brouillon)
    assert partial.manques > 0
    identifiant = str(partial.depot.id)
    assert await kept(hub, PARTIEL) == identifiant
    whole = await save(hub, typed(16), identifiant)
    assert isinstance(whole, Brouillon)
    assert (str(whole.depot.id), whole.manques) == (identifiant, 0)
    lu = await hub.portail.consulter(await receive(hub, PORTAIL), identifiant)
    assert isinstance(lu, DepotLu)
    assert lu.fichier is not None
    assert lu.fichier.contenu == typed(16)
    assert codes(await hub.portail.consulter(await receive(hub, BAILLEUR), identifiant)) == ["POR201"]
    assert await listed(hub, BAILLEUR, etat="BROUIL") == []
    assert await listed(hub, PORTAIL, etat="BROUIL") == [identifiant]
    with engine.connect() as conn:
        assert conn.execute(select(func.count()).select_from(JOURNAL)).scalar_one() == 0


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"<a/>", "POR203"),
        (b"<a", "XML101"),
        (b"<!DOCTYPE a><a/>", "XML102"),
        (PARTIEL.replace(b"CRE", b"MOD"), "POR203"),
        (typed(17, guichet=BAILLEUR), "POR203"),
    ],
)
async def test_what_cannot_be_a_brouillon(hub: Traitement, data: bytes, expected: str) -> None:
    """[POR-10]"""
    assert expected in codes(await save(hub, data))


async def test_a_brouillon_of_the_portal_becomes_a_deposit_of_the_day(
    hub: Traitement, clock: FixedClock
) -> None:
    """[POR-12] [POR-22] As it is, or as the file sent with it; the seniority starts with the deposit."""
    identifiant = await kept(hub, typed(18))
    clock.set(PLUS_TARD)
    answer = await deposit(hub, identifiant, at=PLUS_TARD)
    assert isinstance(answer, ReponseNumUnique)
    assert answer.depot == identifiant
    jour = PLUS_TARD.astimezone(PARIS).date()
    assert demande_in(answer).date_creation == jour
    assert codes(await save(hub, typed(18), identifiant)) == ["POR202"]
    other = await kept(hub, PARTIEL)
    answer = await deposit(hub, other, typed(19, jour), at=PLUS_TARD)
    assert isinstance(answer, ReponseNumUnique)
    assert answer.depot == other
    assert codes(await deposit(hub, "")) == ["POR209"]


async def test_an_incomplete_brouillon_is_no_deposit(hub: Traitement) -> None:
    """[POR-12]"""
    assert codes(await deposit(hub, await kept(hub, PARTIEL)))[0].startswith("XML")


async def test_a_brouillon_of_a_guichet_becomes_a_demande(hub: Traitement, engine: Engine) -> None:
    """[POR-12] Registered at once: its agent has the applicant before him; a replay doubles nothing."""
    data = generate(20, BAILLEUR)
    identifiant = await kept(hub, data, guichet=BAILLEUR)
    assert codes(await deposit(hub, identifiant, guichet=AUTRE_BAILLEUR)) == ["POR201"]
    first = await deposit(hub, identifiant, data, BAILLEUR)
    again = await deposit(hub, identifiant, data, BAILLEUR)
    assert isinstance(first, ReponseNumUnique)
    assert first.numero.endswith("G1104")
    assert first == again
    assert codes(await save(hub, data, identifiant, BAILLEUR)) == ["POR202"]
    assert count(engine) == 1


# --- afterwards: what the portal may do -------------------------------------------------------------------


async def test_the_portal_speaks_for_the_applicant_and_for_nobody_else(
    hub: Traitement, engine: Engine
) -> None:
    """[POR-2] [POR-3] It changes, renews and gives up, and does nothing else with the demandes of its
    territories."""
    data = typed(21)
    numero = await numbered(hub, await deposited(hub, data), seen(data), BAILLEUR)
    document = situation_of(engine, numero).document
    demain = RECU_LE + timedelta(days=1)
    for fait in ("RADCON", "RADIRR", "RADREN", ""):
        file = radiation(document, fait, "2026-07-01", guichet=PORTAIL, ecrit=demain)
        assert set(refused(engine, file, PORTAIL, recu_le=demain)) & {"VIE211", "VIE202"}, fait
    suppression = sent(document, "SUP", guichet=PORTAIL, ecrit=demain)
    assert "VIE211" in refused(engine, suppression, PORTAIL, recu_le=demain)
    for file in (
        sent(
            document, "MOD", ('commune code="93048"', 'commune code="93066"'), guichet=PORTAIL, ecrit=demain
        ),
        renewal(document, "2026-07-02", guichet=PORTAIL, ecrit=demain),
        radiation(document, "RADABA", "2026-07-02", guichet=PORTAIL, ecrit=demain),
    ):
        answer = await send(hub, file, at=demain)
        assert answer.numero == numero, codes(answer)


async def test_the_portal_does_not_change_names(hub: Traitement, engine: Engine) -> None:
    """[POR-4] Nor first names; a married name, a birth date, case and hyphens are another matter."""
    data = typed(22)
    numero = await numbered(hub, await deposited(hub, data), seen(data), BAILLEUR)
    document = situation_of(engine, numero).document
    demandeur = demande_of(document).demandeur
    assert demandeur is not None
    demain = RECU_LE + timedelta(days=1)

    def changed(avant: str, apres: str, type_fichier: str = "MOD", guichet: Guichet = PORTAIL) -> bytes:
        base = document if type_fichier == "MOD" else renewal(document, "2026-07-02")
        return sent(base, type_fichier, (avant, apres), guichet=guichet, ecrit=demain)

    prenom = f"<ns1:prenom>{demandeur.prenom}"
    for type_fichier in ("MOD", "REN"):
        file = changed(prenom, "<ns1:prenom>Autre", type_fichier)
        assert refused(engine, file, PORTAIL, recu_le=demain) == ["VIE230"]
    answer = await send(hub, changed(prenom, prenom.upper().replace("NS1:PRENOM", "ns1:prenom")), at=demain)
    assert codes(answer) == []


async def test_an_exchange_of_the_portal_keeps_its_outcome(hub: Traitement, engine: Engine) -> None:
    """[SOA-32] [POR-23] Accepted, replayed, refused."""
    data = typed(23)
    statuts = []
    for file in (data, data, typed(24, JOUR - timedelta(days=9))):
        echange = await receive(hub, PORTAIL, file)
        await hub.get_num_unique(echange, file)
        with engine.connect() as conn:
            connu = get_echange(conn, echange.id)
        assert connu is not None
        statuts.append(connu.statut)
    assert statuts == [Statut.ACCEPTE, Statut.REJEU, Statut.REFUSE]


# --- identities changed by professionals, daily tasks -------------------------------------------------------


async def test_a_change_of_names_by_a_guichet_is_traced_before_and_after(
    hub: Traitement, engine: Engine
) -> None:
    """[POR-5] The journal tells it without a name; a change of married name is none."""
    data = typed(30)
    numero = await numbered(hub, await deposited(hub, data), seen(data), BAILLEUR)
    document = situation_of(engine, numero).document
    demandeur = demande_of(document).demandeur
    assert demandeur is not None
    demain = RECU_LE + timedelta(days=1)
    prenom = f"<ns1:prenom>{demandeur.prenom}"
    file = sent(document, "MOD", (prenom, "<ns1:prenom>Autre"), ecrit=demain)
    assert (await send(hub, file, BAILLEUR, demain)).numero == numero
    naissance = f"<ns1:dateNaissance>{demandeur.date_naissance}"
    other = sent(
        situation_of(engine, numero).document,
        "MOD",
        (naissance, "<ns1:dateNaissance>1970-01-01"),
        ecrit=demain + timedelta(hours=1),
    )
    assert (await send(hub, other, BAILLEUR, demain + timedelta(hours=2))).numero == numero
    with engine.connect() as conn:
        (change,) = read_changes(conn)
        assert list(read_changes(conn, numero, demain + timedelta(minutes=1))) == []
        details = conn.execute(text("SELECT string_agg(detail, '') FROM journal")).scalar_one()
    assert (change.numero, change.version, change.guichet) == (numero, 2, BAILLEUR.code)
    assert (change.avant.prenom, change.apres.prenom) == (demandeur.prenom, "Autre")
    assert "Autre" not in details
    assert demandeur.nom not in details


async def test_a_name_corrected_by_the_guichet_that_validates_is_traced(
    hub: Traitement, engine: Engine
) -> None:
    """[POR-5] From what was deposited to what was numbered, until the demande is erased; a validation as
    deposited, or that corrects something else, is no change."""
    deposee = typed(35)
    await numbered(hub, await deposited(hub, deposee), seen(deposee), BAILLEUR)
    other = typed(36)
    await validate(hub, await deposited(hub, other), seen(other), BAILLEUR, typed(36, guichet=BAILLEUR))
    data, good = typed(37), typed("corrigée", guichet=BAILLEUR)
    answer = await validate(hub, await deposited(hub, data), seen(good), BAILLEUR, good)
    assert isinstance(answer, ReponseNumUnique)
    with engine.connect() as conn:
        (change,) = read_changes(conn)
        details = conn.execute(text("SELECT string_agg(detail, '') FROM journal")).scalar_one()
        assert verify(conn).intact
    assert (change.numero, change.version, change.guichet) == (answer.numero, 1, BAILLEUR.code)
    assert change.avant == etat_civil_of(demande_of(data))
    assert change.apres == etat_civil_of(demande_of(good))
    assert change.avant.nom not in details
    document = situation_of(engine, answer.numero).document
    demain = RECU_LE + timedelta(days=1)
    await send(hub, radiation(document, "RADABA", "2026-07-02", guichet=PORTAIL, ecrit=demain), at=demain)
    assert list(erase(engine, REGLES, at(400))) == [answer.numero]
    with engine.connect() as conn:
        assert list(read_changes(conn)) == []
        assert set(conn.execute(select(DEPOT.c.nom_depose, DEPOT.c.prenom_depose))) == {(None, None)}


def at(jours: int) -> datetime:
    """Three in the morning, in Paris, that many days after the reception."""
    return datetime(2026, 7, 1, 3, tzinfo=PARIS) + timedelta(days=jours)


async def test_a_deposit_that_waited_too_long_is_refused_then_told_then_erased(
    hub: Traitement, engine: Engine
) -> None:
    """[POR-50] [POR-42] [POR-51] Each once, a dry run doing nothing, and never erased before being told."""
    data = typed(31)
    depot = await deposited(hub, data)
    assert expire_depots(engine, REGLES, at(89)) == 0
    assert expire_depots(engine, REGLES, at(90), essai=True) == 1
    assert expire_depots(engine, REGLES, at(90)) == 1
    assert expire_depots(engine, REGLES, at(90)) == 0
    assert codes(await validate(hub, depot, seen(data), BAILLEUR, at=at(90))) == ["POR202"]
    assert erase_depots(engine, REGLES, at(300)) == 0
    assert len(list(tell(engine, at(90), essai=True))) == 1
    (avis,) = tell(engine, at(90))
    assert list(tell(engine, at(91))) == []
    demandeur = demande_of(data).demandeur
    assert demandeur is not None
    assert (avis.depot, avis.motif, avis.nom, avis.mel) == (depot, "EXPIRE", demandeur.nom, demandeur.mel)
    assert erase_depots(engine, REGLES, at(149)) == 0
    assert erase_depots(engine, REGLES, at(150), essai=True) == 1
    assert erase_depots(engine, REGLES, at(150)) == 1
    lu = await hub.portail.consulter(await receive(hub, PORTAIL), depot)
    assert isinstance(lu, DepotLu)
    assert (lu.depot.etat, lu.fichier, lu.depot.motif) == (Etat.PURGEE, None, "EXPIRE")
    with engine.connect() as conn:
        assert verify(conn).intact
        natures = conn.execute(select(JOURNAL.c.nature).order_by(JOURNAL.c.sequence)).scalars().all()
        left = conn.execute(
            text(
                "SELECT count(*) FROM echange_brut b JOIN echange e ON e.id = b.echange"
                " WHERE e.guichet = 'GDPUB' AND e.taille > 0"
            )
        ).scalar_one()
        rows = conn.execute(text("SELECT mel, noms, prenom, naissance, document FROM depot")).one()
    assert natures == ["DEPOT", "INVALID", "PURGE"]
    assert left == 0
    assert tuple(rows) == ("", [], "", None, None)


async def test_a_brouillon_left_alone_is_erased(hub: Traitement, engine: Engine) -> None:
    """[POR-50] From its last state on; it was in no journal."""
    identifiant = await kept(hub, PARTIEL)
    assert erase_depots(engine, REGLES, at(59)) == 0
    assert erase_depots(engine, REGLES, at(60)) == 1
    with engine.connect() as conn:
        depot = conn.execute(select(DEPOT)).one()
        assert conn.execute(select(func.count()).select_from(JOURNAL)).scalar_one() == 0
    assert (str(depot.id), depot.etat, depot.document) == (identifiant, "purgee", None)


async def test_the_searches_of_deposits_are_erased_and_their_messages_kept(
    hub: Traitement, engine: Engine
) -> None:
    """[VIE-64] Who was looked for is in the question: it stays no longer than a refused message."""
    await deposited(hub, typed(33))
    await kept(hub, typed(34))
    assert len(await listed(hub, BAILLEUR, nom="Martin")) == 0
    assert erase_exchanges(engine, REGLES, at(400)) == 1
    with engine.connect() as conn:
        assert conn.execute(text("SELECT count(*) FROM echange_brut")).scalar_one() == 2


async def test_the_messages_of_a_validated_deposit_go_with_the_demande(
    hub: Traitement, engine: Engine, clock: FixedClock
) -> None:
    """[POR-52]"""
    data = typed(32)
    numero = await numbered(hub, await deposited(hub, data), seen(data), BAILLEUR)
    demain = RECU_LE + timedelta(days=1)
    file = radiation(
        situation_of(engine, numero).document, "RADABA", "2026-07-02", guichet=PORTAIL, ecrit=demain
    )
    await send(hub, file, at=demain)
    assert list(erase(engine, REGLES, at(400))) == [numero]
    with engine.connect() as conn:
        assert conn.execute(text("SELECT count(*) FROM echange_brut")).scalar_one() == 0
        assert conn.execute(text("SELECT count(*) FROM depot_message")).scalar_one() == 0
        assert verify(conn).intact
