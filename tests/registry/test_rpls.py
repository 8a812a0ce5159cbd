"""The directory of dwellings: import, control and completion of attributions, file back (41-rpls.md)."""

from __future__ import annotations

import csv
import io
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from sqlalchemy import Engine, text

from registry.anomalies import Anomalie
from registry.changement import ChangementRecu
from registry.registration import Enregistrement, RefusDemande
from registry.releves import record
from registry.rpls import RESERVATAIRES, TITRES, Logement, read_ligne, type_of
from registry.rpls_controle import check_attributions, check_logement, complete
from registry.rpls_export import export_attributions
from registry.rpls_import import Bilan, FauteLigne, RepertoireIllisible, import_rpls
from registry.vie import change
from schemas.codes import is_valid
from schemas.documents import DEMANDES, Document, read_document
from tests.registry.fabrique import RECU_LE, demande_of, generate
from tests.registry.rpls import LIGNE, fichier, ligne
from tests.registry.vies import attribution, changement_of, created, numero_of

LE = datetime(2026, 7, 1, tzinfo=UTC)
NUMERO = LIGNE["numero_rpls"]
COMPLETES = ("zus", "typeLogement", "surface", "montantLoyer", "adresse")


def load(engine: Engine, *lignes: dict[str, str], texte: str | None = None, le: datetime = LE) -> Bilan:
    with engine.begin() as conn:
        return import_rpls(conn, io.StringIO(texte or fichier(lignes), newline=""), le)


def logement(**valeurs: str) -> Logement:
    found = read_ligne(ligne(**valeurs))
    assert isinstance(found, Logement), found
    return found


# --- lines --------------------------------------------------------------------------------------------------


def test_a_line_makes_a_dwelling() -> None:
    """[RPL-1] codes of the arrêté, decimals rounded, SIREN of the SIRET."""
    found = logement()
    assert (found.numero, found.siren, found.commune) == (NUMERO, "552046484", "75113")
    assert (found.pieces, found.surface, found.loyer, found.contingent) == (3, 64, 512, "2")


def test_9999_is_no_rent() -> None:
    """[RPL-1]"""
    assert logement(loyer="9999").loyer is None


@pytest.mark.parametrize(
    ("titre", "valeur"),
    [
        ("numero_rpls", ""),
        ("numero_rpls", "123456789"),
        ("numero_rpls", "75-0000001"),
        ("siret", "552046484"),
        ("commune", "75999"),
        ("commune", ""),
        ("code_postal", "7501"),
        ("zus", "3"),
        ("construction", "X"),
        ("occupation", "6"),
        ("contingent", "8"),
        ("contingent", "12"),
        ("pieces", ""),
        ("pieces", "0"),
        ("pieces", "trois"),
        ("surface", "10000"),
        ("loyer", "-1"),
        ("annee", "75"),
    ],
)
def test_a_wrong_line_is_told_by_its_column(titre: str, valeur: str) -> None:
    """[RPL-2] what was found and what was expected."""
    found = read_ligne(ligne(**{titre: valeur}))
    assert isinstance(found, str)
    assert found.startswith(titre)


@given(st.fixed_dictionaries({titre: st.text(max_size=20) for titre in TITRES}))
def test_any_line_is_a_dwelling_or_a_sentence(valeurs: dict[str, str]) -> None:
    """[RPL-2] nothing escapes."""
    assert isinstance(read_ligne(valeurs), (Logement, str))


def test_every_code_of_the_tables_is_of_the_interface() -> None:
    """[RPL-8] what completion writes is in the lists."""
    assert all(is_valid("ListeTypeReservataire", code, LE.date()) for code in RESERVATAIRES.values())
    assert all(is_valid("ListeTypeLogementRPLS", type_of(pieces), LE.date()) for pieces in range(1, 15))


# --- import -------------------------------------------------------------------------------------------------


def test_importing_again_changes_nothing(engine: Engine) -> None:
    """[RPL-3] the day of the last change stays; a changed line changes its dwelling alone."""
    deux = (ligne(), ligne(numero_rpls="7500000002"))
    assert load(engine, *deux) == Bilan(lues=2, nouveaux=2)
    assert load(engine, *deux, le=LE + timedelta(days=1)) == Bilan(lues=2, inchanges=2)
    changee = (deux[0], ligne(numero_rpls="7500000002", loyer="9999"))
    assert load(engine, *changee, le=LE + timedelta(days=2)) == Bilan(lues=2, changes=1, inchanges=1)
    with engine.connect() as conn:
        lignes = conn.execute(text("SELECT numero, loyer, maj_le FROM logement_rpls ORDER BY numero")).all()
    assert [tuple(each) for each in lignes] == [
        ("7500000001", 512, LE),
        ("7500000002", None, LE + timedelta(days=2)),
    ]


def test_wrong_lines_are_left_out_and_told(engine: Engine) -> None:
    """[RPL-2] with their number in the file; the others are imported."""
    texte = fichier([ligne(), ligne(numero_rpls="x"), ligne(), ligne(numero_rpls="7500000002")])
    texte += "trop;peu\r\n"
    bilan = load(engine, texte=texte)
    assert (bilan.lues, bilan.nouveaux, bilan.nombre_fautes) == (5, 2, 3)
    assert [(faute.ligne, faute.constat.split(" ")[0]) for faute in bilan.fautes] == [
        (3, "numero_rpls"),
        (4, "numero_rpls"),
        (6, "la"),
    ]


def test_faults_beyond_a_hundred_are_counted_and_handed_over(engine: Engine) -> None:
    """[RPL-2]"""
    toutes: list[FauteLigne] = []
    with engine.begin() as conn:
        texte = fichier(ligne(pieces="") for _ in range(150))
        bilan = import_rpls(conn, io.StringIO(texte, newline=""), LE, refuse=toutes.append)
    assert (len(bilan.fautes), bilan.nombre_fautes, len(toutes)) == (100, 150, 150)


@pytest.mark.parametrize("texte", ["", "autre;chose\r\n", fichier([], [t for t in TITRES if t != "siret"])])
def test_a_file_without_its_titles_is_refused(engine: Engine, texte: str) -> None:
    """[RPL-3] nothing is imported."""
    with pytest.raises(RepertoireIllisible, match="Titres manquants"), engine.begin() as conn:
        import_rpls(conn, io.StringIO(texte, newline=""), LE)


def test_titles_come_in_any_order_among_others(engine: Engine) -> None:
    """[RPL-1]"""
    titres = ["programme", *reversed(TITRES)]
    assert load(engine, texte=fichier([{**LIGNE, "programme": "Les Lilas"}], titres)).nouveaux == 1


def test_thousands_of_lines_in_bounded_memory(engine: Engine) -> None:
    """[RPL-4] 12,000 lines, several batches: the progress is told, memory is that of a batch."""

    def lignes() -> Iterator[str]:
        yield ";".join(TITRES) + "\n"
        for rang in range(12_000):
            yield ";".join({**LIGNE, "numero_rpls": f"75{rang:08d}"}.values()) + "\n"

    class Flux(io.TextIOBase):
        def __iter__(self) -> Iterator[str]:
            return lignes()

    avances: list[int] = []
    with engine.begin() as conn:
        tracemalloc.start()
        try:
            bilan = import_rpls(conn, Flux(), LE, progress=avances.append)  # type: ignore[arg-type]
            pointe = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert (bilan.nouveaux, avances) == (12_000, [5000, 10_000, 12_000])
    assert pointe < 32 << 20


# --- control and completion ---------------------------------------------------------------------------------


@pytest.fixture
def document(engine: Engine) -> bytes:
    return created(engine, communes=["75113"])


def send(engine: Engine, *fichiers: bytes) -> list[Enregistrement | RefusDemande]:
    """As the thread of the life of demandes does (registry/traitement_vie.py)."""
    with engine.begin() as conn:
        lot = check_attributions(conn, [changement_of(each) for each in fichiers])
        return change(conn, lot, decideur=Releves(), repondu_le=RECU_LE + timedelta(hours=2))


class Releves:
    def decide(self, conn: object, evenements: object) -> None:
        record(conn, evenements, RECU_LE)  # type: ignore[arg-type]


def codes(resultat: Enregistrement | RefusDemande) -> list[str]:
    return [each.code for each in resultat.anomalies] if isinstance(resultat, RefusDemande) else []


def test_an_unknown_dwelling_of_a_known_bailleur_is_refused(engine: Engine, document: bytes) -> None:
    """[RPL-5]"""
    load(engine, ligne())
    (refus,) = send(engine, attribution(document, rpls="7500000009"))
    assert codes(refus) == ["RPL201"]


def test_without_the_dwellings_of_the_bailleur_nothing_is_controlled(engine: Engine, document: bytes) -> None:
    """[RPL-5] the directory may not hold them, or not yet."""
    load(engine, ligne(siret="99999999900019"))
    (fait,) = send(engine, attribution(document, rpls="7500000009"))
    assert isinstance(fait, Enregistrement)


@pytest.mark.parametrize(
    ("reste", "siren", "attendus"),
    [
        ('<ns1:adresse><ns1:commune code="75114"/></ns1:adresse>', "552046484", ["RPL202"]),
        ("", "123456789", ["RPL203"]),
        ('<ns1:adresse><ns1:commune code="75114"/></ns1:adresse>', "123456789", ["RPL202", "RPL203"]),
        ('<ns1:adresse><ns1:commune code="75113"/></ns1:adresse>', "552046484", []),
    ],
)
def test_the_dwelling_is_where_and_whose_the_file_says(
    document: bytes, reste: str, siren: str, attendus: list[str]
) -> None:
    """[RPL-6] [RPL-7] both told at once."""
    radiation = demande_of(attribution(document, rpls=NUMERO, siren=siren, reste=reste)).radiation
    assert radiation is not None
    assert radiation.attribution is not None
    found: list[Anomalie] = list(check_logement(radiation.attribution, logement(), frozenset()))
    assert [each.code for each in found] == attendus


def test_an_identifier_is_enough_to_describe_the_dwelling(engine: Engine, document: bytes) -> None:
    """[RPL-8] completed before the other controls, which want the SIREN; the answer is valid."""
    load(engine, ligne())
    data = attribution(document, rpls=NUMERO).replace(
        b"<ns1:codeSirenBailleur>552046484</ns1:codeSirenBailleur>", b""
    )
    (fait,) = send(engine, data)
    assert isinstance(fait, Enregistrement), codes(fait)
    assert isinstance(read_document(fait.fichier.contenu, DEMANDES), Document)
    radiation = demande_of(fait.fichier.contenu).radiation
    assert radiation is not None
    trouve = radiation.attribution
    assert trouve is not None
    assert (trouve.siren_bailleur, trouve.type_logement, trouve.surface) == ("552046484", "T3", 64)
    assert (trouve.montant_loyer, trouve.commune) == (512, "75113")
    assert b"rue de Tolbiac" in fait.fichier.contenu
    assert b"ZUSNON" in fait.fichier.contenu


def test_what_the_partner_wrote_stays(document: bytes) -> None:
    """[RPL-8] he saw the dwelling, the directory is a year old."""
    reste = (
        '<ns1:zus code="ZUSOUI"/><ns1:typeLogement code="T2"/><ns1:surface>50</ns1:surface>'
        '<ns1:montantLoyer>400</ns1:montantLoyer><ns1:adresse><ns1:commune code="75113"/></ns1:adresse>'
    )
    demande = demande_of(attribution(document, rpls=NUMERO, reste=reste))
    assert etree.tostring(complete(demande, logement()).root) == etree.tostring(demande.root)


@given(
    presents=st.sets(st.sampled_from(COMPLETES)),
    inconnus=st.sets(st.sampled_from(["surface", "loyer", "zus"])),
)
def test_completion_is_valid_and_done_once(presents: set[str], inconnus: set[str]) -> None:
    """[RPL-8] whatever is there already, whatever the directory lacks: in the order of the schema, and
    completing again changes nothing."""
    elements = {
        "zus": '<ns1:zus code="ZUSOUI"/>',
        "typeLogement": '<ns1:typeLogement code="T2"/>',
        "surface": "<ns1:surface>50</ns1:surface>",
        "montantLoyer": "<ns1:montantLoyer>400</ns1:montantLoyer>",
        "adresse": '<ns1:adresse><ns1:commune code="75113"/></ns1:adresse>',
    }
    reste = "".join(xml for name, xml in elements.items() if name in presents)
    demande = demande_of(attribution(generate("rpls"), rpls=NUMERO, reste=reste))
    found = complete(demande, logement(**dict.fromkeys(inconnus, "")))
    document = read_document(etree.tostring(found.root), DEMANDES)
    assert isinstance(document, Document), document
    assert etree.tostring(complete(found, logement()).root) == etree.tostring(
        complete(complete(found, logement()), logement()).root
    )


def test_a_batch_without_dwelling_costs_no_statement(document: bytes) -> None:
    """[RPL-5] the directory is looked at for attributions that name a dwelling, and for nothing else."""

    class Muette:
        def __getattr__(self, name: str) -> object:
            raise AssertionError(f"{name} ne devait pas être appelée")

    lot: list[ChangementRecu] = [changement_of(attribution(document, rpls=""))]
    assert check_attributions(Muette(), lot) == lot  # type: ignore[arg-type]


# --- the file back ------------------------------------------------------------------------------------------


def exported(engine: Engine, depuis: datetime, jusqu_au: datetime) -> list[dict[str, str]]:
    sortie = io.StringIO(newline="")
    with engine.connect() as conn:
        nombre = export_attributions(conn, sortie, depuis, jusqu_au)
    sortie.seek(0)
    lignes = list(csv.DictReader(sortie, delimiter=";"))
    assert len(lignes) == nombre
    return lignes


def test_attributions_go_back_to_the_directory(engine: Engine, document: bytes) -> None:
    """[RPL-9] [RPL-10] the dwelling as completed; the period is that of the registration of the radiation."""
    load(engine, ligne())
    data = attribution(document, rpls=NUMERO)
    reserve = b'<ns1:typeReservataire code="%s"/>'
    (fait,) = send(engine, data.replace(reserve % b"AUCUN", reserve % b"PPRIOR"))
    assert isinstance(fait, Enregistrement), codes(fait)
    (trouvee,) = exported(engine, RECU_LE, RECU_LE + timedelta(seconds=1))
    assert trouvee == {
        "numero_rpls": NUMERO,
        "siren_bailleur": "552046484",
        "date_bail": "2026-06-30",
        "numero_unique": numero_of(document),
        "commune": "75113",
        "type_logement": "T3",
        "surface": "64",
        "loyer": "512",
        "zus": "ZUSNON",
        "deja_locataire": "NON",
        "accord_collectif": "AUCUN",
        "dalo": "",
        "contingent": "PPRIOR",
        "contingent_rpls": "2",
    }
    assert exported(engine, RECU_LE + timedelta(seconds=1), RECU_LE + timedelta(days=1)) == []
    assert exported(engine, RECU_LE - timedelta(days=1), RECU_LE) == []
