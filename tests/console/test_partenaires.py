"""Partners, their certificates and the keys of the hub, page by page: what is shown, refused and done."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import text

from certs.autorite import create_autorite
from certs.trousseau import EtatCle
from console.libelles_partenaires import ROTATIONS
from console.moyens import Moyens
from console.pages.nouveau_guichet import Saisie, place
from console.pages.partenaires import tell_certificats
from console.profils import ProfilCompte
from dispatching.disjoncteur import ReglesDisjoncteur
from dispatching.disjoncteurs import Observation, list_disjoncteurs, record_failures
from dispatching.transport import GenreEchec
from registry.certificats import get_certificat, list_certificats
from registry.guichets import CanalDistribution, Guichet
from registry.guichets_store import get_guichet
from registry.propositions import list_propositions
from tests.console.monde import AILLEURS, AUTRE, NOTRE
from tests.console.navigateur import Navigateur

GESTIONNAIRE = (ProfilCompte.GESTIONNAIRE, "059")
EXPLOITANT = (ProfilCompte.EXPLOITANT, "")
AGENT = (ProfilCompte.GUICHET, NOTRE)
BASE = {"code": "N0001", "nom": "Nouveau", "genre": "bailleur", "territoire": "059", "action": "ajouter"}


def guichet_of(console: Navigateur, code: str) -> Guichet | None:
    with console.services.engine.connect() as conn:
        return get_guichet(conn, code)


def pem_of(console: Navigateur, code: str) -> str:
    now = console.services.clock.now()
    return create_autorite(now=now).issue_guichet(code, now=now).certificat.decode()


async def test_a_guichet_is_added_in_the_territories_of_the_gestionnaire_alone(console: Navigateur) -> None:
    """[RAC-7]"""
    elsewhere = await console.post("/partenaires/nouveau", {**BASE, "territoire": "111"}, GESTIONNAIRE)
    assert elsewhere.statut == 422
    assert "hors de vos territoires : 111 Île-de-France" in elsewhere.texte
    assert guichet_of(console, "N0001") is None
    done = await console.post("/partenaires/nouveau", {**BASE, "nom": "<b>É</b>"}, GESTIONNAIRE)
    assert (done.statut, done.entetes["Location"]) == (
        303,
        "/partenaires/N0001/raccordement?etape=canal",
    )
    again = await console.post("/partenaires/nouveau", BASE, GESTIONNAIRE)
    assert (again.statut, "existe déjà" in again.texte) == (422, True)
    # The operator adds anywhere; a name is a text wherever it is shown.
    there = {**BASE, "code": "N0002", "territoire": "", "territoires": "111 059"}
    assert (await console.post("/partenaires/nouveau", there, EXPLOITANT)).statut == 303
    for page in ("/partenaires", "/partenaires/N0001", "/partenaires/N0001/raccordement"):
        shown = await console.get(page, GESTIONNAIRE)
        assert "<b>É</b>" not in shown.html
        assert "<b>É</b>" in shown.texte or "&lt;b&gt;" in shown.html


async def test_everything_that_is_wrong_with_a_guichet_is_said_at_once(console: Navigateur) -> None:
    """[RAC-7] What was typed stays."""
    champs = {**BASE, "code": "trop long", "nom": "", "siren": "12"}
    page = await console.post("/partenaires/nouveau", champs, GESTIONNAIRE)
    assert page.statut == 422
    for mot in ("TROP LONG", "le nom doit avoir", "9 chiffres attendus"):
        assert mot in page.texte or mot in page.html
    page = await console.post("/partenaires/nouveau", {**BASE, "genre": "licorne"}, GESTIONNAIRE)
    assert "choisissez un type" in page.texte


async def test_a_perimeter_is_found_by_its_name(console: Navigateur) -> None:
    """[RAC-7] Without a script: several places of a name are a question, one is an answer."""
    champs = {**BASE, "genre": "commune", "lieu": "Saint-Martin"}
    page = await console.post("/partenaires/nouveau", champs, EXPLOITANT)
    assert page.statut == 422
    assert page.html.count('name="choisi"') > 1
    partie = await console.get(
        "/partenaires/lieux?genre=commune&lieu=roubaix", GESTIONNAIRE, **{"HX-Request": "true"}
    )
    assert "Roubaix (59512" in partie.texte
    assert "<h1>" not in partie.html
    done = await console.post("/partenaires/nouveau", {**champs, "lieu": "59512"}, GESTIONNAIRE)
    assert done.statut == 303
    found = guichet_of(console, "N0001")
    assert found is not None
    assert {"59512", "59350"} <= found.communes


def test_an_epci_brings_its_siren_and_its_territory() -> None:
    """[RAC-7]"""
    placed = place(Saisie(genre="epci", lieu="Métropole Européenne de Lille"), ())
    assert (placed.choisi, placed.siren, placed.territoires) == ("200093201", "200093201", ("059",))
    assert place(Saisie(genre="bailleur"), ()).erreurs == {}
    assert "perimetre" in place(Saisie(genre="epci", lieu="nulle part"), ()).erreurs


async def test_a_wrong_channel_changes_nothing(console: Navigateur) -> None:
    """[RAC-7] All of the form, or none of it."""
    before = guichet_of(console, NOTRE)
    champs = {
        "canal": "courrier",
        "reception": "https://ailleurs.exemple/",
        "courrier": "pas une adresse",
        "capacites": "moderne",
    }
    page = await console.post(f"/partenaires/{NOTRE}/canal", champs, GESTIONNAIRE)
    assert (page.statut, guichet_of(console, NOTRE)) == (422, before)
    assert "n'est pas une adresse de courrier électronique" in page.texte
    good = {**champs, "courrier": "robot@exemple.fr"}
    assert (await console.post(f"/partenaires/{NOTRE}/canal", good, GESTIONNAIRE)).statut == 303
    after = guichet_of(console, NOTRE)
    assert after is not None
    assert (after.canal, after.capacites) == (CanalDistribution.COURRIER, "moderne")


async def test_a_certificate_is_registered_or_refused_in_words(console: Navigateur) -> None:
    """[RAC-7] [CER-62] PEM, request, and what is neither."""
    chemin = f"/partenaires/{NOTRE}/certificats"
    refused = await console.post(chemin, {"texte": "bonjour"}, GESTIONNAIRE)
    assert (refused.statut, "n'est pas un certificat X.509" in refused.texte) == (422, True)
    assert (await console.post(chemin, {"texte": pem_of(console, NOTRE)}, GESTIONNAIRE)).statut == 303
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    done = await console.post(chemin, {"texte": request.public_bytes(Encoding.PEM).decode()}, GESTIONNAIRE)
    assert done.statut == 303
    with console.services.engine.connect() as conn:
        certificats = list_certificats(conn, NOTRE)
    assert len(certificats) == 3
    # What is given back is the certificate with the authority that made it, and no key.
    issued = next(c for c in certificats if f"CN={NOTRE}" in c.sujet and "O=Guichet" in c.sujet)
    taken = await console.get(f"/certificats/{issued.empreinte}/chaine.pem", AGENT)
    assert taken.octets.count(b"BEGIN CERTIFICATE") == 2
    assert b"PRIVATE" not in taken.octets


async def test_an_agent_proposes_and_the_gestionnaire_decides(console: Navigateur) -> None:
    """[RAC-6]"""
    assert (await console.post(f"/partenaires/{NOTRE}/proposer", {"texte": "x"}, AGENT)).statut == 422
    done = await console.post(f"/partenaires/{NOTRE}/proposer", {"texte": pem_of(console, NOTRE)}, AGENT)
    assert done.statut == 303
    with console.services.engine.connect() as conn:
        (waiting,) = list_propositions(conn, NOTRE)
        assert get_certificat(conn, waiting.empreinte) is None
    assert waiting.proposee_par == "guichet.g0591@exemple.fr"
    assert waiting.sujet in (await console.get("/certificats", GESTIONNAIRE)).texte
    # Of another guichet of the same gestionnaire, it is not found.
    wrong = await console.post(
        f"/partenaires/{AUTRE}/propositions/{waiting.id}", {"decision": "accepter"}, GESTIONNAIRE
    )
    assert wrong.statut == 404
    chemin = f"/partenaires/{NOTRE}/propositions/{waiting.id}"
    assert (await console.post(chemin, {"decision": "accepter"}, GESTIONNAIRE)).statut == 303
    with console.services.engine.connect() as conn:
        assert get_certificat(conn, waiting.empreinte) is not None
    assert (await console.post(chemin, {"decision": "accepter"}, GESTIONNAIRE)).statut == 404


async def test_what_ends_first_is_shown_first_and_withdrawn_with_a_confirmation(console: Navigateur) -> None:
    """[RAC-7] [CER-4]"""
    empreinte = console.monde.certificats[NOTRE]
    instant = console.services.clock.advance(timedelta(days=700))  # type: ignore[attr-defined]
    with console.services.engine.begin() as conn:
        # Certified again meanwhile: an account opens nothing otherwise.
        conn.execute(text("UPDATE compte SET certifie_le = :instant"), {"instant": instant})
    shown = await console.get("/certificats?etat=a_traiter", GESTIONNAIRE)
    assert empreinte[:32] in shown.html
    assert "expire bientôt" in shown.texte
    assert console.monde.certificats[AILLEURS][:32] not in shown.html
    chemin = f"/certificats/{empreinte}/retirer"
    refused = await console.post(chemin, {"motif": "revoquer"}, GESTIONNAIRE)
    assert (refused.statut, "CON301" in refused.texte) == (422, True)
    assert (await console.post(chemin, {"motif": "revoquer", "confirme": "oui"}, GESTIONNAIRE)).statut == 303
    with console.services.engine.connect() as conn:
        found = get_certificat(conn, empreinte)
    assert found is not None
    assert found.revoque_le is not None
    assert "révoqué" in (await console.get(f"/certificats/{empreinte}", AGENT)).texte
    assert tell_certificats([found], found.valide_au + timedelta(days=3))[0].jours == -3


async def test_a_channel_that_fails_is_told_and_lifted(console: Navigateur) -> None:
    """[RAC-7] [DST-43]"""
    now = console.services.clock.now()
    failure = Observation(
        NOTRE, CanalDistribution.PUSH, console.monde.echanges[NOTRE], GenreEchec.INJOIGNABLE, "rien n'écoute"
    )
    with console.services.engine.begin() as conn:
        record_failures(conn, [failure], instant=now, regles=ReglesDisjoncteur(seuil=1))
    for chemin in (f"/partenaires/{NOTRE}", "/partenaires?etat=en_panne"):
        page = await console.get(chemin, GESTIONNAIRE)
        assert "ne répond plus" in page.texte
    assert AUTRE not in (await console.get("/partenaires?etat=en_panne", GESTIONNAIRE)).texte
    assert (await console.post(f"/partenaires/{NOTRE}/reprendre", {}, GESTIONNAIRE)).statut == 303
    with console.services.engine.connect() as conn:
        assert list_disjoncteurs(conn, NOTRE) == ()


async def test_a_guichet_closes_with_its_code_and_opens_again(console: Navigateur) -> None:
    """[RAC-7]"""
    chemin = f"/partenaires/{NOTRE}/fermer"
    assert (await console.post(chemin, {"confirme": "non"}, GESTIONNAIRE)).statut == 422
    assert (await console.post(chemin, {"confirme": NOTRE.lower()}, GESTIONNAIRE)).statut == 303
    found = guichet_of(console, NOTRE)
    assert found is not None
    assert not found.actif
    assert "fermé" in (await console.get(f"/partenaires/{NOTRE}", GESTIONNAIRE)).texte
    await console.post(f"/partenaires/{NOTRE}/rouvrir", {}, GESTIONNAIRE)
    reopened = guichet_of(console, NOTRE)
    assert reopened is not None
    assert reopened.actif


async def test_the_trial_of_an_endpoint_is_kept_and_shown(console: Navigateur) -> None:
    """[RAC-4] [RAC-5] It goes to the declared address; this machine only when the operator allows it."""
    assert (await console.post(f"/partenaires/{NOTRE}/essai", {}, GESTIONNAIRE)).statut == 303
    page = await console.get(f"/partenaires/{NOTRE}/raccordement?etape=essai", GESTIONNAIRE)
    assert "connexion refusée : rien n'écoute sur ce port" in page.texte


async def test_the_sheet_gives_the_addresses_and_no_secret(console: Navigateur, moyens: Moyens) -> None:
    """[RAC-9] To the gestionnaire and to the agent; the mail says the same."""
    for qui in (GESTIONNAIRE, AGENT):
        page = await console.get(f"/partenaires/{NOTRE}/fiche", qui)
        mail = await console.get(f"/partenaires/{NOTRE}/fiche.txt", qui)
        for lu in (page.texte, mail.html):
            assert f"{moyens.services}/services/DemandeLogementImplService?wsdl" in lu
            assert moyens.keys().clefs[0].empreinte in lu
            assert "echangeur@localhost" in lu
        assert "PRIVATE" not in page.html + mail.html
    taken = await console.get("/cles/echangeur-signature.pem", AGENT)
    assert taken.octets.startswith(b"-----BEGIN CERTIFICATE")
    assert (await console.get("/cles/key.pem", AGENT)).statut == 404


async def test_a_rotation_goes_by_the_same_keys_as_the_command_line(
    console: Navigateur, moyens: Moyens
) -> None:
    """[RAC-10] [CER-51] Prepared, shown use by use, put in use with a confirmation."""
    before = moyens.keys()
    page = await console.get("/cles", EXPLOITANT)
    assert all(libelle in page.texte for libelle in ROTATIONS.values())
    assert "nouvelle" not in page.texte
    assert (await console.post("/cles/preparer", {}, EXPLOITANT)).statut == 303
    prepared = [each for each in moyens.keys().clefs if each.etat is EtatCle.PREPARE]
    assert len(prepared) == 2
    page = await console.get("/cles", GESTIONNAIRE)
    assert page.texte.count("nouvelle") == 3
    assert "Une rotation est en cours" in page.texte
    assert all(each.empreinte[:16] in page.html for each in prepared)
    assert "echangeur-signature-suivant.pem" in (await console.get(f"/partenaires/{NOTRE}/fiche", AGENT)).html
    refused = await console.post("/cles/basculer", {}, EXPLOITANT)
    assert (refused.statut, "CON301" in refused.texte) == (422, True)
    assert (await console.post("/cles/basculer", {"confirme": "oui"}, EXPLOITANT)).statut == 303
    after = {each.empreinte: each.etat for each in moyens.keys().clefs}
    assert all(after[each.empreinte] is EtatCle.ACTIF for each in prepared)
    assert all(after[each.empreinte] is EtatCle.RETIRE for each in before.clefs)


@pytest.mark.parametrize("format_", ["csv", "xlsx", "pdf"])
async def test_the_list_is_taken_away(console: Navigateur, format_: str) -> None:
    """[RAC-7] Within the perimeter, as the search narrows it."""
    page = await console.get(f"/partenaires/guichets.{format_}?q={NOTRE}", GESTIONNAIRE)
    assert page.statut == 200
    if format_ == "csv":
        assert NOTRE in page.html
        assert AUTRE not in page.html
        assert AILLEURS not in (await console.get("/partenaires/guichets.csv", GESTIONNAIRE)).html
