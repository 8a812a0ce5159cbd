"""A slice of the campaign: each target on some hundreds of mutations, always the same ones.

RFC 5652; the 100,000 are `make fuzz`. What a campaign found is a test of its own below.
"""

from __future__ import annotations

import io
import time
import zipfile
from dataclasses import replace

import pytest
from asn1crypto import cms

from certs.cms import MAX_DESTINATAIRES, MotifCms, RefusCms
from certs.enveloppe import Dechiffre, decrypt, encrypt
from certs.lecture import CertificatIllisible, read_chaine
from mailflows.message_lu import LimitesMessage, read_files
from registry.anomalies import Anomalie
from tests.fuzz import campagne
from tests.fuzz.campagne import Cible, Issue
from tests.fuzz.cibles import CIBLES, judge_signed, monde
from tests.fuzz.cibles_courrier import COURRIER
from tests.fuzz.der import parse

NOMBRE = 250


@pytest.mark.slow
@pytest.mark.parametrize("cible", [*CIBLES, *COURRIER], ids=lambda cible: cible.nom)
def test_nothing_altered_nothing_raised_nothing_slow(cible: Cible) -> None:
    # A bomb costs some fifty times another message.
    nombre = NOMBRE // 6 if cible.nom == "bombes" else NOMBRE
    bilan = campagne.run(cible, "tranche", range(nombre))
    assert bilan.fautes == []
    assert bilan.essais == nombre
    # Refusing everything, or mutating nothing, would prove nothing.
    assert 0 < bilan.acceptes < nombre


def test_a_mutation_is_made_again_from_its_number() -> None:
    cible = CIBLES[1]
    assert campagne.draw(cible, "a", 7) == campagne.draw(cible, "a", 7)
    assert campagne.draw(cible, "a", 7) != campagne.draw(cible, "b", 7)
    assert len({campagne.draw(cible, "a", numero) for numero in range(50)}) > 40


def test_every_kind_of_fault_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard itself: an altered content, an exception, a slow input, one that never ends."""
    monkeypatch.setattr(campagne, "DELAI", 0.05)
    monkeypatch.setattr(campagne, "ARRET", 0.3)

    def judge(octets: bytes) -> Issue:
        match octets:
            case b"0":
                return Issue(altere="oui")
            case b"1":
                raise RuntimeError("inattendue")
            case b"2":
                _spend(0.06)
            case b"3":
                try:
                    _spend(3600)
                except Exception:  # noqa: BLE001 - what a parser may do
                    return Issue()
        return Issue(motif="refusé")

    numbers = iter(range(5))
    cible = Cible("essai", lambda rng: str(next(numbers)).encode(), judge)
    bilan = campagne.run(cible, "", range(5))
    said = [faute.partition(" : ")[2] for faute in bilan.fautes]
    assert said[:2] == ["contenu altéré accepté, oui", "RuntimeError inattendue"]
    assert all(" s pour 1 octets" in each for each in said[2:])
    assert len(said) == 4
    assert bilan.motifs == {"accepté": 1, "exception": 1, "refusé": 2, "arrêté": 1}


def _spend(seconds: float) -> None:
    before = time.process_time()
    while time.process_time() - before < seconds:
        pass


def test_a_content_changed_under_a_good_signature_is_seen() -> None:
    """The judge itself: without its comparison, a hole in the verification would pass."""
    assert judge_signed(monde().messages[0]).accepte
    world = monde()
    object.__setattr__(world, "signes", frozenset())
    try:
        assert judge_signed(world.messages[0]).altere
    finally:
        monde.cache_clear()


def grown(data: bytes, etiquette: bytes, contenu: bytes) -> list[bytes]:
    """The message with each of its elements of this tag, in turn, holding `contenu`."""
    arbre = parse(data)
    assert arbre is not None
    found = []
    for noeud in arbre.tous:
        if noeud.etiquette == etiquette and noeud.enfants is None:
            kept, noeud.contenu = noeud.contenu, contenu
            found.append(arbre.dump())
            noeud.contenu = kept
    return found


@pytest.mark.parametrize(
    ("etiquette", "contenu"),
    [
        pytest.param(b"\x06", b"\x2a" + b"\xff" * 60_000 + b"\x01", id="identifiant"),
        pytest.param(b"\x0c", b"A" * 1_000_000, id="nom"),
    ],
)
def test_found_one_long_field_made_reading_quadratic(etiquette: bytes, contenu: bytes) -> None:
    """200 KB of one object identifier took 15 s; 1 MB of one name, 2 s for each certificate."""
    world = monde()
    longs = [grown(message, etiquette, contenu) for message in (world.messages[0], world.enveloppes[0])]
    messages = [message for each in longs for message in each]
    numbers = iter(messages)
    cible = Cible("longs", lambda rng: next(numbers), _read)
    assert len(messages) > 3
    assert campagne.run(cible, "", range(len(messages))).fautes == []


def _read(octets: bytes) -> Issue:
    judge_signed(octets)
    decrypt(octets, monde().paires)
    return Issue()


def test_found_a_file_without_a_name_in_an_archive() -> None:
    """The directory of the zip said an empty name: the library raised IndexError."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("x", b"<a/>")
    data = bytearray(packed.getvalue())
    entry = data.index(b"PK\x01\x02")
    data[entry + 28 : entry + 30] = b"\0\0"
    # The octet of the name now belongs to the extra field.
    data[entry + 30 : entry + 32] = b"\x01\0"
    assert isinstance(read_files(bytes(data), LimitesMessage()), Anomalie)


def test_found_a_name_that_the_library_refuses_with_an_undocumented_exception() -> None:
    """A bit string where a name has text: the reading of certificates raised TypeError."""
    world = monde()
    for der in grown(world.paires[0].certificat.der, b"\x0c", b"x"):
        read = read_chaine(der.replace(b"\x0c\x01x", b"\x03\x01\0"))
        assert isinstance(read, CertificatIllisible)


def test_found_signed_attributes_are_those_that_came() -> None:
    """A library may encode again what was signed, when what came is not: each octet of theirs counts."""
    message = monde().messages[0]
    signer = cms.ContentInfo.load(message)["content"]["signer_infos"][0]
    attributes = signer["signed_attrs"].dump()[1:]
    start = message.index(attributes)
    assert judge_signed(message).accepte
    for place in range(start, start + len(attributes)):
        for bit in (0x01, 0x20, 0x80):
            changed = bytearray(message)
            changed[place] ^= bit
            judged = judge_signed(bytes(changed))
            assert not judged.accepte, place - start
            assert not judged.altere
    # The same values with another length of length: encoded again, they would be those that were signed.
    arbre = parse(message)
    assert arbre is not None
    (held,) = (each for each in arbre.tous if each.dump()[1:] == attributes)
    for each in held.walk():
        each.forme = "longue"
        assert not judge_signed(arbre.dump()).accepte
        each.forme = ""
    assert judge_signed(arbre.dump()).accepte


def test_found_recipients_are_counted_before_any_key_is_tried() -> None:
    """Each of 201 recipients would cost an operation of a private key, for each key of ours."""
    paire = monde().paires[0]
    message = encrypt(b"x", [paire.certificat] * (MAX_DESTINATAIRES + 1))
    found = decrypt(message, [replace(paire, cle=_Untouched())] * 16)  # type: ignore[arg-type]
    assert isinstance(found, RefusCms)
    assert found.motif is MotifCms.NOMBRE
    assert isinstance(decrypt(encrypt(b"x", [paire.certificat] * MAX_DESTINATAIRES), [paire]), Dechiffre)


class _Untouched:
    """A private key that nobody may use."""

    def __getattr__(self, name: str) -> object:
        raise AssertionError(name)
