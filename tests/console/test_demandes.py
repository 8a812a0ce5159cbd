"""A demande in the console: found, its life from the journal, its proof, its pièces, its attestation."""

from __future__ import annotations

import hashlib
import json

import pytest
from sqlalchemy import text

from console.pages.demandes import names_of
from console.profils import ProfilCompte
from registry.documents_gardes import read_kept
from registry.pieces_store import list_actions
from registry.projection import rebuild
from registry.traces import list_traces
from tests.console.flux import PDF, add_piece
from tests.console.monde import AILLEURS, AUTRE, NOTRE
from tests.console.navigateur import Navigateur

AGENT = (ProfilCompte.GUICHET, NOTRE)
EXPLOITANT = (ProfilCompte.EXPLOITANT, "")
AUDITEUR = (ProfilCompte.AUDITEUR, "")
SENSIBLE = "FAM03"


def operations(console: Navigateur, numero: str) -> list[str]:
    with console.services.engine.connect() as conn:
        return [trace.operation for trace in list_traces(conn, numero=numero)]


def project(console: Navigateur) -> None:
    """Let the search know the demandes of the small world."""
    with console.services.engine.begin() as conn:
        rebuild(conn, console.services.clock.now().date(), lambda _done, _total: None)


def applicant(console: Navigateur, code: str) -> tuple[str, str, str]:
    """Family name, first name and birth date of the applicant of the demande of that guichet."""
    with console.services.engine.connect() as conn:
        document = conn.scalar(
            text("SELECT document FROM demande_version WHERE numero = :n"),
            {"n": console.monde.demandes[code]},
        )
    personne = read_kept(document).demandeur
    assert personne is not None
    return personne.nom, personne.prenom, str(personne.date_naissance)


async def test_the_life_of_a_demande(console: Navigateur) -> None:
    """[FLX-30] [TRA-1] Certified date, author, channel, position in the journal, recipients, holders."""
    numero = console.monde.demandes[NOTRE]
    page = await console.get(f"/demandes/{numero}", AGENT)
    for said in ("active", "Création", f"{NOTRE}, service web, entrée 1 du journal", f"Distribuée à {AUTRE}"):
        assert said in page.texte, said
    assert applicant(console, NOTRE)[0] in page.texte
    assert f"Guichet {AUTRE} ({AUTRE})" in page.texte
    assert "Elle lui a été distribuée" in page.texte
    assert "Il a enregistré la demande" in page.texte
    assert operations(console, numero) == ["demandes.voir"]


async def test_a_demande_out_of_sight_is_as_one_that_does_not_exist(console: Navigateur) -> None:
    """[CSL-3]"""
    for numero in (console.monde.demandes[AILLEURS], "059012600000100001"):
        page = await console.get(f"/demandes/{numero}", AGENT)
        assert (page.statut, "CON103" in page.texte) == (404, True)
        page = await console.get(f"/demandes?numero={numero}", AGENT)
        assert (page.statut, 'id="erreur-numero"' in page.html) == (422, True)
    numero = console.monde.demandes[NOTRE]
    page = await console.get(f"/demandes?numero=%20{numero.lower()}", AGENT)
    assert (page.statut, page.entetes["Location"]) == (303, f"/demandes/{numero}")


async def test_an_erased_demande_keeps_its_proof(console: Navigateur) -> None:
    """[FLX-30] [FLX-31]"""
    numero = console.monde.demandes[NOTRE]
    with console.services.engine.begin() as conn:
        conn.execute(text("DELETE FROM demande_version WHERE numero = :n"), {"n": numero})
        conn.execute(text("UPDATE demande SET etat = 'purgee' WHERE numero = :n"), {"n": numero})
    page = await console.get(f"/demandes/{numero}", AGENT)
    assert "Ses données sont effacées" in page.texte
    page = await console.get(f"/demandes/{numero}/preuve", AUDITEUR)
    assert "document effacé ou absent" in page.texte
    assert "vient d’être vérifiée" in page.texte
    assert (await console.get(f"/demandes/{numero}/attestation.pdf", AGENT)).statut == 404


async def test_the_search_finds_by_person_within_ones_rights(console: Navigateur) -> None:
    """[FLX-32] [TRA-1] Sent by a form: no name in an address. A gestionnaire looks in his territories."""
    project(console)
    nom, prenom, naissance = applicant(console, AUTRE)
    champs = {"nom": nom, "prenom": prenom, "naissance": naissance}
    numero = console.monde.demandes[AUTRE]
    for qui, found in (
        (AGENT, True),
        ((ProfilCompte.CONSULTANT_SIMPLE, NOTRE), True),
        ((ProfilCompte.GESTIONNAIRE, "059"), True),
        ((ProfilCompte.GUICHET, AILLEURS), False),
        ((ProfilCompte.GESTIONNAIRE, "111"), False),
    ):
        page = await console.post("/demandes/recherche", champs, qui)
        assert (page.statut, numero in page.texte) == (200, found), qui
    assert len(operations(console, numero)) == 3
    assert (await console.post("/demandes/recherche", champs, EXPLOITANT)).statut == 403


@pytest.mark.parametrize(
    ("champs", "champ"),
    [
        ({}, "nom"),
        ({"prenom": "Ève"}, "prenom"),
        ({"commune": "00000"}, "commune"),
        ({"naissance": "hier"}, "naissance"),
        ({"nom": "\x00"}, "nom"),
        ({"nom": "–"}, "nom"),
    ],
)
async def test_a_search_that_makes_no_sense(console: Navigateur, champs: dict[str, str], champ: str) -> None:
    """[FLX-32]"""
    page = await console.post("/demandes/recherche", champs, AGENT)
    assert page.statut == 422
    assert f'id="erreur-{champ}"' in page.html


async def test_a_name_is_shown_as_text(console: Navigateur) -> None:
    """[CSL-20]"""
    project(console)
    nom, prenom, naissance = applicant(console, AUTRE)
    champs = {"nom": '"><img src=x onerror=alert(1)>'}
    page = await console.post("/demandes/recherche", champs, AGENT)
    assert "<img" not in page.html
    numero = console.monde.demandes[AUTRE]
    with console.services.engine.begin() as conn:
        document = conn.scalar(
            text("SELECT document FROM demande_version WHERE numero = :n"), {"n": numero}
        ).replace(nom.encode(), b"&lt;script&gt;alert(1)&lt;/script&gt;")
        conn.execute(
            text("UPDATE demande_version SET document = :d WHERE numero = :n"), {"d": document, "n": numero}
        )
    assert "<script>" in " ".join(names_of(read_kept(document)))
    for page in (
        await console.get(f"/demandes/{numero}", AGENT),
        await console.post("/demandes/recherche", {"prenom": prenom, "naissance": naissance}, AGENT),
    ):
        assert "&lt;script&gt;alert(1)" in page.html
        assert "<script>alert" not in page.html


async def test_the_proof_can_be_verified_by_anyone(console: Navigateur) -> None:
    """[FLX-31] An auditor reads it, and no name is in it; what is given is enough to verify it."""
    numero = console.monde.demandes[NOTRE]
    page = await console.get(f"/demandes/{numero}/preuve", AUDITEUR)
    assert "vient d’être vérifiée" in page.texte
    assert applicant(console, NOTRE)[0] not in page.texte
    page = await console.get(f"/demandes/{numero}/preuve.txt", AUDITEUR)
    forme, empreinte = page.octets.decode("ascii").splitlines()
    assert hashlib.sha256(forme.encode()).hexdigest() == empreinte
    assert json.loads(forme)[5] == numero


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE journal SET instant = instant - interval '1 day' WHERE sequence = 1",
        "UPDATE journal SET precedent = empreinte WHERE sequence = 2",
        "UPDATE demande_version SET document = document || ' ' WHERE sequence_journal = 1",
    ],
)
async def test_a_proof_that_no_longer_holds_says_so(console: Navigateur, change: str) -> None:
    """[FLX-31] The entry, the one that follows it, the document: whatever was changed."""
    with console.services.engine.begin() as conn:
        # Whoever may do that is past the guard that keeps the journal from being changed.
        conn.execute(text("SET LOCAL session_replication_role = replica"))
        conn.execute(text(change))
    page = await console.get(f"/demandes/{console.monde.demandes[NOTRE]}/preuve", AUDITEUR)
    assert "La preuve ne tient pas" in page.texte
    assert "rompue" in page.texte


async def test_the_attestation_is_printed_again(console: Navigateur) -> None:
    """[FLX-33] [TRA-1]"""
    numero = console.monde.demandes[NOTRE]
    page = await console.get(f"/demandes/{numero}/attestation.pdf", AGENT)
    assert (page.octets[:5], page.entetes["Content-Type"]) == (b"%PDF-", "application/pdf")
    assert page.entetes["Content-Disposition"].startswith(f'attachment; filename="ATT{NOTRE}-')
    assert operations(console, numero) == ["demandes.attestation"]
    consultant = (ProfilCompte.CONSULTANT_SIMPLE, NOTRE)
    assert (await console.get(f"/demandes/{numero}/attestation.pdf", consultant)).statut == 403


async def test_pieces_by_profile(console: Navigateur) -> None:
    """[FLX-34] [PIE-6] A consultant simple sees neither sensitive pièces nor any content."""
    ordinaire, sensible = (
        add_piece(console.monde, NOTRE),
        add_piece(console.monde, NOTRE, SENSIBLE, b"%PDF-2"),
    )
    numero = console.monde.demandes[NOTRE]
    for qui, listed, read in (
        (AGENT, (True, True), (200, 200)),
        ((ProfilCompte.GESTIONNAIRE, "059"), (True, True), (200, 200)),
        ((ProfilCompte.CONSULTANT_SIMPLE, NOTRE), (True, False), (403, 403)),
        ((ProfilCompte.CONSULTANT_DEMANDE, NOTRE), (True, False), (200, 403)),
        ((ProfilCompte.CONSULTANT_SENSIBLE, NOTRE), (True, True), (200, 200)),
    ):
        page = await console.get(f"/demandes/{numero}/pieces", qui)
        assert page.statut == 200
        assert "titre &lt;b&gt;.pdf" in page.html
        found = tuple(libelle in page.texte for libelle in ("Carte nationale", "sensible"))
        assert found == listed, qui
        given = [
            (await console.get(f"/demandes/{numero}/pieces/{each.id}", qui)).statut
            for each in (ordinaire, sensible)
        ]
        assert tuple(given) == read, qui
    page = await console.get(f"/demandes/{numero}/pieces/{ordinaire.id}", AGENT)
    assert (page.octets, page.entetes["Content-Type"]) == (PDF, "application/octet-stream")
    with console.services.engine.connect() as conn:
        actions = [each for each in list_actions(conn, numero) if each.utilisateur.startswith("gestionnaire")]
    assert [each.action.value for each in actions] == ["LISTE", "CONSULTATION", "CONSULTATION"]
