"""The page of the alerts, and the contact on that of a partner."""

from __future__ import annotations

from datetime import timedelta

from console.profils import ProfilCompte
from mailflows.alertes import garde
from mailflows.alertes.reglages import Alertes
from mailflows.alertes.veilleur import Veille, Veilleur
from mailflows.expediteur import Expediteur, Relais
from registry.contacts import Contact, get_contact
from tests.console.monde import AILLEURS, NOTRE
from tests.console.navigateur import Navigateur
from tests.mailflows.test_alertes import cut

GESTIONNAIRE = (ProfilCompte.GESTIONNAIRE, "059")
EXPLOITANT = (ProfilCompte.EXPLOITANT, "")
AGENT = (ProfilCompte.GUICHET, NOTRE)


def watch(console: Navigateur, *guichets: str) -> None:
    """Open an alert about the channel of these."""
    engine, clock = console.services.engine, console.services.clock
    for code in guichets:
        cut(engine, code, clock.now() - timedelta(hours=1))
    reglages = Alertes(confirmation=0, exploitants=("astreinte@hub.example",))
    relais = Expediteur(Relais("127.0.0.1", 9, "hub@hub.example"))
    Veilleur(engine, clock, Veille(reglages, "hub@hub.example", taches=()), relais).keep()


async def test_alerts_are_those_of_the_perimeter(console: Navigateur) -> None:
    """[ALE-8] The operator reads all of them and the mails; the gestionnaire those of his guichets; each is
    also on the page of its guichet."""
    watch(console, NOTRE, AILLEURS)
    page = await console.get("/pilotage/alertes", EXPLOITANT)
    assert page.statut == 200, page.texte
    assert page.texte.count("Le canal du guichet ne répond plus") == 2
    assert "astreinte@hub.example" in page.texte
    assert "Au guichet partenaire d'agir : Rétablir le service" in page.texte
    page = await console.get("/pilotage/alertes", GESTIONNAIRE)
    assert page.texte.count("Le canal du guichet ne répond plus") == 1
    assert "astreinte@hub.example" not in page.texte
    page = await console.get(f"/partenaires/{NOTRE}", AGENT)
    assert "Alerte ALE302" in page.texte


async def test_an_operator_plans_a_stop_and_ends_it(console: Navigateur) -> None:
    """[ALE-6]"""
    for champs, said in (
        ({}, "Un nombre d’heures"),
        ({"heures": "2", "guichet": "g9999"}, "Aucun guichet n’a le code G9999"),
        ({"heures": "2", "du": "2020-01-01T00:00"}, "déjà passé"),
        ({"heures": "2", "code": "ALE999"}, "Choisir une des valeurs"),
    ):
        page = await console.post("/pilotage/alertes/arrets", champs, EXPLOITANT)
        assert (page.statut, said in page.texte) == (422, True), page.texte
    done = {"heures": "2", "guichet": NOTRE, "code": "ALE302", "motif": "<b>bascule</b>"}
    assert (await console.post("/pilotage/alertes/arrets", done, EXPLOITANT)).statut == 303
    page = await console.get("/pilotage/alertes", GESTIONNAIRE)
    assert "<b>bascule</b>" in page.texte
    with console.services.engine.connect() as conn:
        (arret,) = garde.list_sourdines(conn, console.services.clock.now())
    assert (arret.guichet, arret.code, arret.posee_par) == (NOTRE, "ALE302", "exploitant.tout@exemple.fr")
    await console.post("/pilotage/alertes/arrets/fin", {"arret": str(arret.id)}, EXPLOITANT)
    with console.services.engine.connect() as conn:
        assert garde.list_sourdines(conn, console.services.clock.now()) == ()


async def test_the_contact_of_a_guichet(console: Navigateur) -> None:
    """[ALE-2] Kept by who manages it, read by its agents."""
    for champs, said in (
        ({"technique": "pas une adresse"}, "n'est pas une adresse de courrier électronique"),
        ({"silence": "beaucoup"}, "n'est pas un nombre entier"),
    ):
        page = await console.post(f"/partenaires/{NOTRE}/contact", champs, GESTIONNAIRE)
        assert (page.statut, said in page.texte) == (422, True), page.texte
    done = {"technique": "technique@partenaire.example", "silence": "40"}
    assert (await console.post(f"/partenaires/{NOTRE}/contact", done, GESTIONNAIRE)).statut == 303
    with console.services.engine.connect() as conn:
        assert get_contact(conn, NOTRE) == Contact("technique@partenaire.example", 40)
    assert "technique@partenaire.example" in (await console.get(f"/partenaires/{NOTRE}", AGENT)).texte
