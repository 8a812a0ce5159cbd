"""What is attacked, from which valid messages, and how it is judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from random import Random
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from certs.algorithmes import PROFILS, Profil
from certs.ber import BerIllisible, normalise
from certs.cms import MotifCms, RefusCms
from certs.enveloppe import decrypt, encrypt
from certs.lecture import CertificatIllisible, read_chaine
from certs.paire import Paire
from certs.signature import sign, verify_signature
from tests.fuzz import bombes, der, octets
from tests.fuzz.campagne import Cible, Issue
from tests.fuzz.paires import create_paire

INSTANT: Final = datetime(2026, 3, 16, 9, 30, tzinfo=UTC)
CONTENUS: Final = (
    b"<demande><numUnique>1110626000002G1104</numUnique></demande>\r\n",
    "<nom>Éloïse Lefèvre</nom>\r\n".encode() * 60,
    b"a",
)


@dataclass(frozen=True)
class Monde:
    """Keys and the messages they made. signes: who signed what, as (fingerprint, content)."""

    paires: tuple[Paire, ...]
    messages: tuple[bytes, ...]
    detaches: tuple[tuple[bytes, bytes], ...]
    enveloppes: tuple[bytes, ...]
    signes: frozenset[tuple[str, bytes]]
    donneurs: list[der.Noeud]


@cache
def monde() -> Monde:
    """Made once: keys are new in each process, the structure of the messages is not."""
    paires = (
        create_paire(rsa.generate_private_key(65537, 2048), INSTANT),
        create_paire(ec.generate_private_key(ec.SECP256R1()), INSTANT),
    )
    rng = Random("monde")
    signed, detached, sealed = [], [], []
    pairs = set()
    for paire in paires:
        for profil in PROFILS.values():
            for contenu in CONTENUS:
                message = sign(contenu, [paire], instant=INSTANT, profil=profil)
                signed += [message, der.to_ber(message, rng)]
                detached.append(
                    (sign(contenu, [paire], instant=INSTANT, profil=profil, detache=True), contenu)
                )
                pairs.add((paire.certificat.empreinte, contenu))
            envelope = encrypt(rng.choice(signed), [each.certificat for each in paires], profil)
            sealed += [envelope, der.to_ber(envelope, rng), encrypt(signed[-1], [paire.certificat], profil)]
    donors = [
        noeud
        for message in (*signed[:4], signed[-2], *sealed[:2])
        if (arbre := der.parse(message)) is not None
        for noeud in arbre.tous
    ]
    return Monde(paires, tuple(signed), tuple(detached), tuple(sealed), frozenset(pairs), donors)


def mutate(data: bytes, rng: Random) -> bytes:
    """Between one and four mutations, most of them of the structure; seldom none at all."""
    mutated = data
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        for _ in range(3):
            if rng.random() < 0.7:
                mutated = der.mutate(mutated, rng, monde().donneurs)
            else:
                mutated = octets.mutate(mutated, rng)
            if mutated != data:
                break
    return mutated


_TOUS: Final = (PROFILS["compatible"], PROFILS["ancien"])


def judge_signed(message: bytes, contenu: bytes | None = None, profils: Sequence[Profil] = _TOUS) -> Issue:
    """Whoever is known signed what is handed over, or it is refused."""
    world = monde()
    for profil in profils:
        read = verify_signature(message, contenu, profil=profil)
        if isinstance(read, RefusCms):
            continue
        if (read.signataire.empreinte, read.octets) in world.signes:
            return Issue(accepte=True)
        if read.signataire.empreinte in {paire.certificat.empreinte for paire in world.paires}:
            return Issue(altere=f"{len(read.octets)} octets")
        # A certificate whose own bytes were changed around the same key is nobody's: the pin refuses it.
        known = any(contenu == read.octets for _, contenu in world.signes)
        return (
            Issue(motif="certificat inconnu") if known else Issue(altere="signataire inconnu, autre contenu")
        )
    assert isinstance(read, RefusCms)
    return Issue(motif=read.motif.value)


def _draw_signed(rng: Random) -> bytes:
    return mutate(rng.choice(monde().messages), rng)


def _draw_sealed(rng: Random) -> bytes:
    return mutate(rng.choice(monde().enveloppes), rng)


def _judge_sealed(message: bytes) -> Issue:
    """What comes out of an envelope is only worth what the signature inside says of it."""
    for profil in (PROFILS["compatible"], PROFILS["ancien"]):
        read = decrypt(message, monde().paires, profil=profil)
        if not isinstance(read, RefusCms):
            return judge_signed(read.octets_non_verifies)
    assert isinstance(read, RefusCms)
    return Issue(motif=read.motif.value)


def _draw_signed_inside(rng: Random) -> bytes:
    """A mutated signed message in a good envelope: what a known partner's stack in trouble would send."""
    world = monde()
    profil = PROFILS[rng.choice(("moderne", "compatible"))]
    return encrypt(_draw_signed(rng), [rng.choice(world.paires).certificat], profil)


def _draw_detached(rng: Random) -> bytes:
    """The signature, its content after it behind a mark: either may be mutated."""
    signature, contenu = rng.choice(monde().detaches)
    if rng.random() < 0.3:
        contenu = octets.mutate(contenu, rng)
    else:
        signature = mutate(signature, rng)
    return signature + _MARQUE + contenu


_MARQUE: Final = b"\n====contenu====\n"


def _judge_detached(message: bytes) -> Issue:
    signature, _, contenu = message.rpartition(_MARQUE)
    return judge_signed(signature, contenu)


def _judge_ber(message: bytes) -> Issue:
    """Whatever is read comes out in definite lengths: read again, it does not change."""
    try:
        normal = normalise(message)
    except BerIllisible:
        return Issue(motif="illisible")
    return Issue(accepte=True) if normalise(normal) == normal else Issue(altere="forme instable")


def _draw_certificate(rng: Random) -> bytes:
    certificat = rng.choice(monde().paires).certificat
    if rng.random() < 0.3:
        return octets.mutate(certificat.pem * rng.choice((1, 1, 3, 17)), rng)
    return mutate(certificat.der, rng)


def _judge_certificate(message: bytes) -> Issue:
    read = read_chaine(message)
    return Issue(motif=read.code) if isinstance(read, CertificatIllisible) else Issue(accepte=True)


def _draw_bomb(rng: Random) -> bytes:
    world = monde()
    return bombes.inflate(rng.choice((*world.messages, *world.enveloppes)), rng)


def _judge_bomb(message: bytes) -> Issue:
    """Read once, as it would be: the time is that of one reading."""
    read = decrypt(message, monde().paires)
    if isinstance(read, RefusCms) and read.motif is MotifCms.NATURE:
        return judge_signed(message, profils=_TOUS[:1])
    return Issue(motif=read.motif.value) if isinstance(read, RefusCms) else Issue(accepte=True)


CIBLES: Final[tuple[Cible, ...]] = (
    Cible("ber", _draw_signed, _judge_ber),
    Cible("signature", _draw_signed, judge_signed),
    Cible("signature détachée", _draw_detached, _judge_detached),
    Cible("enveloppe", _draw_sealed, _judge_sealed),
    Cible("signature dans une enveloppe", _draw_signed_inside, _judge_sealed),
    Cible("bombes", _draw_bomb, _judge_bomb, part=1),
    Cible("certificat", _draw_certificate, _judge_certificate),
)
