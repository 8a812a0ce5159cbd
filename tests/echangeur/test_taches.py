"""`echangeur registre taches`, as the operator's scheduler calls it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, insert

from registry.clock import FixedClock
from registry.depots_store import Message
from registry.exchanges_store import record_receptions
from registry.portail import DepotFait, deposit
from registry.tables_references import DELAI_ANORMAL
from tests.echangeur.conftest import Commande
from tests.registry.fabrique import RECU_LE, demande_of, echange_of
from tests.registry.portail import PORTAIL, typed
from tests.registry.vies import accept, created, numero_of, radiation, sent


def test_a_year_of_daily_tasks(
    instance: Commande, guichet: str, engine: Engine, horloge: FixedClock, tmp_path: Path
) -> None:
    """[VIE-65] Tried dry, then done; done twice is done once; the notices are in the file, with their
    persons."""
    document = created(engine, 1, date_creation=date(2026, 6, 15))
    sortie = tmp_path / "preavis.csv"
    horloge.set(datetime(2027, 5, 15, 2, tzinfo=UTC))
    essai = instance("registre", "taches", "--essai", "--json")
    assert essai.code == 0, essai.erreur
    taches = ("radiations", "depots_expires", "avis", "depots_effaces", "demandes_effacees")
    attendu = dict.fromkeys(
        (
            *taches,
            "echanges_effaces",
            "traces_effacees",
            "delais",
            "balayage",
            "avis_certificats",
            "avis_postes",
        ),
        0,
    )
    attendu |= {
        "balayage": 0,
        "balayage_sorties": 0,
        "courriers_effaces": 0,
        "manifestes": 0,
        "manifestes_postes": 0,
    }
    attendu |= {"essai": True, "preavis": 1}
    assert essai.json == attendu
    fait = instance("registre", "taches", "preavis", "--sortie", sortie)
    assert fait.code == 0, fait.erreur
    assert "1 préavis" in fait.sortie
    entete, ligne = sortie.read_text("utf-8").splitlines()
    assert entete.startswith("numero;echeance;rang;canal;nom;prenom")
    assert ligne.startswith(f"{numero_of(document)};2027-06-15;2;")
    horloge.set(datetime(2027, 7, 15, 2, tzinfo=UTC))
    for attendues in (1, 0):
        radie = instance("registre", "taches", "radiations", "effacements", "--json")
        assert radie.code == 0, radie.erreur
        assert radie.json["radiations"] == attendues
    horloge.set(datetime(2028, 7, 15, 2, tzinfo=UTC))
    efface = instance("registre", "taches", "effacements")
    assert efface.code == 0, efface.erreur
    assert "1 demande(s) effacée(s)" in efface.sortie
    assert instance("registre", "verifier").code == 0
    # The notices were read by whoever produced them: that trace outlives the data by a year.
    (trace,) = instance("registre", "lectures", numero_of(document), "--json").json
    assert trace["operation"].endswith("registre taches")
    horloge.set(datetime(2029, 7, 16, 2, tzinfo=UTC))
    assert instance("registre", "taches", "effacements", "--json").json["traces_effacees"] == 1
    assert "Aucune lecture" in instance("registre", "lectures", numero_of(document)).erreur


def test_delays_that_take_effect_are_a_daily_task(
    instance: Commande, guichet: str, engine: Engine, horloge: FixedClock
) -> None:
    """[GPE-33] Tried dry, then done."""
    created(engine, 1, date_creation=date(2026, 6, 15), communes=["75113"])
    instance("partagee", "index")
    with engine.begin() as conn:
        conn.execute(
            insert(DELAI_ANORMAL),
            {"territoire": "111", "zone": "", "typologie": "", "valide_du": date(2026, 12, 1), "mois": 72},
        )
    for jour, attendus in ((29, 0), (30, 1)):
        # Half past midnight in Paris.
        horloge.set(datetime(2026, 11, jour, 23, 30, tzinfo=UTC))
        for essai in (["--essai"], []):
            fait = instance("registre", "taches", "delais", *essai, "--json")
            assert fait.json == {"essai": bool(essai), "delais": attendus}, fait.erreur


def test_notices_are_not_produced_for_nobody(instance: Commande, guichet: str) -> None:
    """[VIE-65] Produced and written nowhere, they would never be sent."""
    refus = instance("registre", "taches", "preavis")
    assert refus.code == 2
    assert "--sortie" in refus.erreur


def test_a_demande_as_it_was(instance: Commande, guichet: str, engine: Engine) -> None:
    """[VIE-6] At any past instant, and as it is; before its registration there is nothing."""
    document = created(engine, 1, communes=["75113"])
    numero = numero_of(document)
    radie = radiation(document, "RADABA", "2026-07-02")
    accept(engine, radie, recu_le=datetime(2026, 7, 2, 9, tzinfo=UTC))
    avant = instance("registre", "demande", numero, "--le", "2026-07-02T00:00:00", "--json")
    assert avant.code == 0, avant.erreur
    assert (avant.json["etat"], avant.json["version"]) == ("active", 1)
    assert instance("registre", "demande", numero, "--json").json["motif_radiation"] == "RADABA"
    assert "radiée" in instance("registre", "demande", numero).sortie
    entier = instance("registre", "demande", numero, "--le", "2026-07-02T00:00:00", "--document")
    assert entier.sortie.strip() == document.decode()
    assert instance("registre", "demande", numero, "--le", "2026-06-01").code == 1


def test_refused_deposits_are_told_by_a_daily_task(
    instance: Commande, engine: Engine, horloge: FixedClock, tmp_path: Path
) -> None:
    """[POR-42] [POR-50] They wait for a file to be written in; then they can be erased."""
    data = typed(1)
    echange = echange_of(PORTAIL, data)
    message = Message(echange.id, PORTAIL.code, "getNumUnique", b"x" * 32, "DEM.xml")
    with engine.begin() as conn:
        record_receptions(conn, [echange])
        assert isinstance(deposit(conn, echange, message, demande_of(data), "", RECU_LE), DepotFait)
    horloge.set(RECU_LE + timedelta(days=91))
    assert instance("registre", "taches", "depots", "avis", "--json").json == {
        "essai": False,
        "depots_expires": 1,
        "avis": 1,
    }
    sortie = tmp_path / "avis.csv"
    assert instance("registre", "taches", "avis", "--avis", sortie, "--json").json["avis"] == 1
    entete, ligne = sortie.read_text("utf-8").splitlines()
    assert entete.startswith("depot;motif;texte;commentaire;canal;nom;prenom;mel;telephone")
    assert ligne.startswith(f"{echange.id};EXPIRE;")
    assert instance("registre", "taches", "avis", "--avis", sortie, "--json").json["avis"] == 0
    horloge.set(RECU_LE + timedelta(days=200))
    assert instance("registre", "taches", "effacements", "--json").json["depots_effaces"] == 1
    assert instance("registre", "verifier").code == 0


def test_changes_of_names_are_shown(instance: Commande, engine: Engine) -> None:
    """[POR-5] And who looked at them is traced."""
    assert "Aucun changement" in instance("registre", "identites").sortie
    document = created(engine, 1, association=False)
    demandeur = demande_of(document).demandeur
    assert demandeur is not None
    prenom = f"<ns1:prenom>{demandeur.prenom}"
    accept(engine, sent(document, "MOD", (prenom, "<ns1:prenom>Autre")))
    assert f"{demandeur.prenom} " in instance("registre", "identites").sortie
    (change,) = instance("registre", "identites", "--numero", numero_of(document), "--json").json
    assert (change["avant"]["prenom"], change["apres"]["prenom"]) == (demandeur.prenom, "Autre")
    assert instance("registre", "identites", "--depuis", "2030-01-01T00:00:00", "--json").json == []
    traces = instance("registre", "lectures", numero_of(document), "--json").json
    assert {trace["operation"].split()[-1] for trace in traces} == {"identites"}
