"""Encrypting for several recipients and decrypting what was encrypted for us (CMS EnvelopedData, RFC 5652 §6;
AuthEnvelopedData, RFC 5083 and 5084; elliptic curves, RFC 5753).

Decrypting proves nothing about the sender: 43 % of the mutations of a CBC message decrypt to something. What
comes out is named `octets_non_verifies`, and is only good for `certs.signature`.

No oracle: whatever the reason, a message that we cannot decrypt gets one and the same answer. A content key
that does not come out of its RSA PKCS#1 v1.5 padding is replaced by a random one (RFC 3218 §2.3.2), so that
a bad padding and a bad content are the same failure.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from asn1crypto import algos, cms, core
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_der_x509_certificate

from certs.algorithmes import (
    ACCORDS,
    CONTENUS,
    EMPREINTES,
    ENVELOPPEMENTS,
    PAR_DEFAUT,
    TRANSPORTS,
    Algorithme,
    Profil,
    hachage,
    named,
)
from certs.ber import LIMITES, Limites
from certs.cms import (
    ERREURS_ASN1,
    MAX_DESTINATAIRES,
    Designation,
    MotifCms,
    RefusCms,
    encoded,
    is_absent,
    issuer_and_serial,
    load_content,
    mgf1_digest,
    refused_algorithm,
    too_many,
    unreadable,
)
from certs.lecture import Certificat
from certs.paire import Paire

NONCE: Final = 12
"""Octets of the nonce of GCM (RFC 5084 §3.2 recommends 12)."""

BLOC: Final = 16
"""Octets of a block of AES, and of the initialisation vector of CBC."""

MAX_ESSAIS: Final = 16
"""Private key operations for one message: 200 recipients by 10 keys of ours would be 2,000."""

_DEBUT: Final = re.compile(rb"[A-Za-z][A-Za-z0-9-]{0,76}:|\x30[\x80-\x84]")
"""How what is sealed begins: the header of a mail, or another message in BER or DER. Noise does once in
some 800 times, after the one out of 256 that decrypts at all."""


class GcmParametres(core.Sequence):  # type: ignore[misc] # asn1crypto has no types
    """GCMParameters (RFC 5084 §3.2)."""

    _fields = [("nonce", core.OctetString), ("taille", core.Integer, {"default": 12})]  # noqa: RUF012


class _InfoPartagee(core.Sequence):  # type: ignore[misc]
    """ECC-CMS-SharedInfo (RFC 5753 §7.2)."""

    _fields = [  # noqa: RUF012
        ("cle", core.Any),
        ("ukm", core.OctetString, {"explicit": 0, "optional": True}),
        ("bits", core.OctetString, {"explicit": 2}),
    ]


@dataclass(frozen=True, slots=True)
class Dechiffre:
    """What came out of an envelope. Nobody vouches for it before its signature is verified.

    destinataire: the certificate of ours that it was encrypted for. algorithmes: for the log.
    """

    octets_non_verifies: bytes = field(repr=False)
    destinataire: Certificat
    algorithmes: str


def encrypt(data: bytes, destinataires: Sequence[Certificat], profil: Profil = PAR_DEFAUT) -> bytes:
    """`data` encrypted for all of them, in DER.

    Looks at neither validity nor key usage: `certs.chiffrement.encrypt_for` does, first. Raises ValueError
    without a recipient, or for one whose key is neither RSA nor on an elliptic curve.
    """
    if not destinataires:
        raise ValueError("un message chiffré a au moins un destinataire")
    algorithm = named(CONTENUS, profil.contenu)
    key = secrets.token_bytes(algorithm.octets)
    recipients = [encoded(_recipient(key, each, profil)) for each in destinataires]
    nature, content = (_seal_gcm if algorithm.mode == "gcm" else _seal_cbc)(data, key, algorithm, recipients)
    der = cms.ContentInfo({"content_type": nature, "content": content}).dump()
    assert isinstance(der, bytes)
    return der


def _seal_gcm(
    data: bytes, key: bytes, algorithm: Algorithme, recipients: list[cms.RecipientInfo]
) -> tuple[str, cms.AuthEnvelopedData]:
    nonce = secrets.token_bytes(NONCE)
    encryptor = Cipher(AES(key), modes.GCM(nonce)).encryptor()
    encrypted = encryptor.update(data) + encryptor.finalize()
    parameters = GcmParametres({"nonce": nonce, "taille": len(encryptor.tag)})
    return "authenticated_enveloped_data", cms.AuthEnvelopedData(
        {
            "version": "v0",
            "recipient_infos": recipients,
            "auth_encrypted_content_info": _content_info(algorithm, parameters, encrypted),
            "mac": encryptor.tag,
        }
    )


def _seal_cbc(
    data: bytes, key: bytes, algorithm: Algorithme, recipients: list[cms.RecipientInfo]
) -> tuple[str, cms.EnvelopedData]:
    vector = secrets.token_bytes(BLOC)
    padder, encryptor = PKCS7(8 * BLOC).padder(), Cipher(AES(key), modes.CBC(vector)).encryptor()
    padded = padder.update(data) + padder.finalize()
    encrypted = encryptor.update(padded) + encryptor.finalize()
    # RFC 5652 §6.1: version 0 when every key is transported to an issuer and serial.
    version = "v0" if all(each.name == "ktri" for each in recipients) else "v2"
    return "enveloped_data", cms.EnvelopedData(
        {
            "version": version,
            "recipient_infos": recipients,
            "encrypted_content_info": _content_info(algorithm, core.OctetString(vector), encrypted),
        }
    )


def _content_info(algorithm: Algorithme, parameters: core.Asn1Value, encrypted: bytes) -> dict[str, Any]:
    return {
        "content_type": "data",
        "content_encryption_algorithm": {"algorithm": algorithm.oid, "parameters": parameters},
        "encrypted_content": encrypted,
    }


def _recipient(key: bytes, certificat: Certificat, profil: Profil) -> cms.RecipientInfo:
    publique = load_der_x509_certificate(certificat.der).public_key()
    rid = issuer_and_serial(certificat)
    match publique:
        case rsa.RSAPublicKey():
            return cms.RecipientInfo("ktri", _transport(key, publique, rid, profil))
        case ec.EllipticCurvePublicKey():
            return cms.RecipientInfo("kari", _agreement(key, publique, rid))
        case _:
            raise ValueError(f"clé de destinataire {certificat.cle.famille}")


def _transport(
    key: bytes, publique: rsa.RSAPublicKey, rid: cms.IssuerAndSerialNumber, profil: Profil
) -> cms.KeyTransRecipientInfo:
    algorithm = named(TRANSPORTS, profil.transport)
    method: dict[str, Any] = {"algorithm": algorithm.oid}
    if algorithm.nom == "rsa-oaep":
        method["parameters"] = encoded(
            algos.RSAESOAEPParams(
                {
                    "hash_algorithm": {"algorithm": "sha256"},
                    "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": {"algorithm": "sha256"}},
                }
            )
        )
        mask: padding.AsymmetricPadding = _oaep("sha256", "sha256")
    else:
        mask = padding.PKCS1v15()
    return cms.KeyTransRecipientInfo(
        {
            "version": "v0",
            "rid": cms.RecipientIdentifier("issuer_and_serial_number", rid),
            "key_encryption_algorithm": method,
            "encrypted_key": publique.encrypt(key, mask),
        }
    )


def _agreement(
    key: bytes, publique: ec.EllipticCurvePublicKey, rid: cms.IssuerAndSerialNumber
) -> cms.KeyAgreeRecipientInfo:
    """Ephemeral-static ECDH: the ephemeral key is drawn anew for each recipient (RFC 5753 §3.1)."""
    ephemeral = ec.generate_private_key(publique.curve)
    wrap = named(ENVELOPPEMENTS, "aes-256-wrap")
    agreement = named(ACCORDS, "ecdh", "sha256")
    # The parameters of AES key wrap are absent (RFC 3565 §2.3.2).
    wrapping = cms.KeyEncryptionAlgorithm({"algorithm": wrap.oid})
    kek = _kek(ephemeral.exchange(ec.ECDH(), publique), agreement, wrap, wrapping.dump(), None)
    point = ephemeral.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    spki = ephemeral.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert spki.endswith(point)
    return cms.KeyAgreeRecipientInfo(
        {
            "version": "v3",
            "originator": cms.OriginatorIdentifierOrKey(
                "originator_key", cms.PublicKeyInfo.load(spki).retag({"implicit": 1})
            ),
            "key_encryption_algorithm": {"algorithm": agreement.oid, "parameters": wrapping},
            "recipient_encrypted_keys": [
                {
                    "rid": cms.KeyAgreementRecipientIdentifier("issuer_and_serial_number", rid),
                    "encrypted_key": aes_key_wrap(kek, key),
                }
            ],
        }
    )


def _kek(secret: bytes, agreement: Algorithme, wrap: Algorithme, wrapping: bytes, ukm: bytes | None) -> bytes:
    info = _InfoPartagee(
        {
            "cle": core.Any.load(wrapping),
            "ukm": ukm,
            "bits": (wrap.octets * 8).to_bytes(4),
        }
    )
    return X963KDF(hachage(agreement.empreinte), wrap.octets, info.dump()).derive(secret)


def _oaep(digest: str, mask: str, label: bytes | None = None) -> padding.OAEP:
    return padding.OAEP(padding.MGF1(hachage(mask)), hachage(digest), label)


def decrypt(
    octets: bytes,
    trousseau: Sequence[Paire],
    *,
    profil: Profil = PAR_DEFAUT,
    limites: Limites = LIMITES,
) -> Dechiffre | RefusCms:
    """What `octets` (BER or DER) hold for one of our keys, the first of `trousseau` preferred.

    The key is found by what the message designates, else by trial of each. Recipients of kinds that we do not
    know are passed over. Under a wrong key, one message of 256 without a seal decrypts to noise: on trial,
    what has the beginning of a content is preferred ([CER-22]).
    """
    loaded = load_content(octets, ("authenticated_enveloped_data", "enveloped_data"), limites)
    if isinstance(loaded, RefusCms):
        return loaded
    nature, envelope = loaded
    try:
        recipients = envelope["recipient_infos"]
        if len(recipients) > MAX_DESTINATAIRES:
            return too_many("destinataires", len(recipients), MAX_DESTINATAIRES)
        sealed = _read_sealed(nature, envelope, profil)
    except ERREURS_ASN1 as error:
        return unreadable(f"message chiffré : {type(error).__name__}")
    if isinstance(sealed, RefusCms):
        return sealed
    # Each level of it holds the whole content once more.
    del loaded, envelope
    causes = []
    douteux: Dechiffre | None = None
    for essai, (recipient, paire, designee) in enumerate(_candidates(recipients, trousseau)):
        if essai == MAX_ESSAIS:
            causes.append(f"{MAX_ESSAIS} essais")
            break
        try:
            key, transport = _content_key(recipient, paire, sealed.algorithm, profil)
            data = sealed.open(key)
        except (*ERREURS_ASN1, InvalidTag, InvalidUnwrap) as error:
            causes.append(f"{paire.certificat.empreinte[:16]} : {type(error).__name__} {error}")
            continue
        trouve = Dechiffre(data, paire.certificat, f"{transport}, {sealed.algorithm.nom}")
        if designee or _DEBUT.match(data):
            return trouve
        douteux = douteux or trouve
    if douteux is not None:
        return douteux
    return RefusCms(
        MotifCms.DECHIFFREMENT,
        "Le message n'a pas pu être déchiffré avec les clés de l'échangeur.",
        attendu="un message chiffré pour le certificat de chiffrement en cours de l'échangeur",
        detail=" ; ".join(causes) or "aucun destinataire possible",
    )


@dataclass(frozen=True, slots=True)
class _Scelle:
    """An encrypted content with its algorithm; `sceau` and `joint` are the tag and the data bound to it."""

    algorithm: Algorithme
    vecteur: bytes
    octets: bytes
    sceau: bytes = b""
    joint: bytes = b""

    def open(self, key: bytes) -> bytes:
        """The content. Raises ValueError or InvalidTag."""
        if self.algorithm.mode == "gcm":
            mode = modes.GCM(self.vecteur, self.sceau, min_tag_length=12)
            decryptor = Cipher(AES(key), mode).decryptor()
            decryptor.authenticate_additional_data(self.joint)
            return decryptor.update(self.octets) + decryptor.finalize()
        cipher = TripleDES(key) if self.algorithm.mode == "3des" else AES(key)
        unsealed = Cipher(cipher, modes.CBC(self.vecteur)).decryptor()
        unpadder = PKCS7(cipher.block_size).unpadder()
        padded = unsealed.update(self.octets) + unsealed.finalize()
        return unpadder.update(padded) + unpadder.finalize()


def _read_sealed(nature: str, envelope: Any, profil: Profil) -> _Scelle | RefusCms:
    authenticated = nature == "authenticated_enveloped_data"
    info = envelope["auth_encrypted_content_info" if authenticated else "encrypted_content_info"]
    method = info["content_encryption_algorithm"]
    identifier = method["algorithm"].dotted
    algorithm = CONTENUS.get(identifier)
    if algorithm is None or not profil.accepts(algorithm) or authenticated != (algorithm.mode == "gcm"):
        return refused_algorithm("chiffrement", identifier, algorithm.nom if algorithm else "")
    encrypted = info["encrypted_content"].native
    if encrypted is None:
        return RefusCms(MotifCms.CONTENU, "Le message chiffré est sans contenu.")
    if not authenticated:
        return _Scelle(algorithm, method["parameters"].native, encrypted)
    parameters = GcmParametres.load(method["parameters"].dump())
    tag = envelope["mac"].native
    if len(tag) != parameters["taille"].native:
        raise ValueError("sceau d'une autre taille qu'annoncée")
    attributes = envelope["auth_attrs"]
    # RFC 5083 §2.2: bound as a SET OF, not as the [1] that holds them.
    joint = b"" if is_absent(attributes) else b"\x31" + attributes.dump()[1:]
    return _Scelle(algorithm, parameters["nonce"].native, encrypted, tag, joint)


def _candidates(recipients: Any, trousseau: Sequence[Paire]) -> Iterator[tuple[Any, Paire, bool]]:
    """The recipients with the key of ours to try, and whether they designate it: those that do, else all of
    the right kind."""
    possible: list[tuple[Any, Paire, bool]] = []
    designations = [(paire, Designation.of(paire.certificat)) for paire in trousseau]
    found = False
    reste = MAX_DESTINATAIRES
    for position in range(len(recipients)):
        try:
            entries = _entries(recipients[position])
        except ERREURS_ASN1:
            continue
        # One agreement may be for thousands of keys: they are recipients like the others.
        entries, reste = entries[:reste], max(0, reste - len(entries))
        for rid, recipient, rsa_key in entries:
            for paire, designation in designations:
                if isinstance(paire.cle, rsa.RSAPrivateKey) is not rsa_key:
                    continue
                if designation.answers(rid):
                    found = True
                    yield recipient, paire, True
                else:
                    possible.append((recipient, paire, False))
    if not found:
        yield from possible


def _entries(info: Any) -> list[tuple[Any, Any, bool]]:
    """Identifier, what to decrypt, and whether it takes an RSA key, of each key of one RecipientInfo."""
    chosen = info.chosen
    match info.name:
        case "ktri":
            return [(chosen["rid"], chosen, True)]
        case "kari":
            return [(each["rid"], (chosen, each), False) for each in chosen["recipient_encrypted_keys"]]
        case _:
            return []


def _content_key(recipient: Any, paire: Paire, content: Algorithme, profil: Profil) -> tuple[bytes, str]:
    """The content key, and what carried it. Raises ValueError or InvalidUnwrap."""
    if isinstance(paire.cle, rsa.RSAPrivateKey):
        return _transported_key(recipient, paire.cle, content, profil)
    agreement, entry = recipient
    return _agreed_key(agreement, entry, paire.cle, content, profil)


def _transported_key(
    recipient: Any, cle: rsa.RSAPrivateKey, content: Algorithme, profil: Profil
) -> tuple[bytes, str]:
    method = recipient["key_encryption_algorithm"]
    algorithm = TRANSPORTS.get(method["algorithm"].dotted)
    if algorithm is None or not profil.accepts(algorithm):
        raise ValueError("transport de clé non admis")
    encrypted = recipient["encrypted_key"].native
    if algorithm.nom == "rsa-oaep":
        parameters = method["parameters"]
        if isinstance(parameters, core.Null):
            parameters = algos.RSAESOAEPParams({})
        digest = EMPREINTES[parameters["hash_algorithm"]["algorithm"].dotted].nom
        mask = EMPREINTES[mgf1_digest(parameters)].nom
        label = parameters["p_source_algorithm"]["parameters"].native or None
        key = cle.decrypt(encrypted, _oaep(digest, mask, label))
        if len(key) != content.octets:
            raise ValueError("clé de contenu d'une autre taille")
        return key, f"{algorithm.nom} {digest}"
    substitute = secrets.token_bytes(content.octets)
    try:
        key = cle.decrypt(encrypted, padding.PKCS1v15())
    except ValueError:
        key = substitute
    return key if len(key) == content.octets else substitute, algorithm.nom


def _agreed_key(
    agreement: Any, entry: Any, cle: ec.EllipticCurvePrivateKey, content: Algorithme, profil: Profil
) -> tuple[bytes, str]:
    method = agreement["key_encryption_algorithm"]
    algorithm = ACCORDS.get(method["algorithm"].dotted)
    wrapping = method["parameters"].dump()
    wrap = ENVELOPPEMENTS.get(cms.KeyEncryptionAlgorithm.load(wrapping)["algorithm"].dotted)
    if algorithm is None or wrap is None or not (profil.accepts(algorithm) and profil.accepts(wrap)):
        raise ValueError("accord de clé non admis")
    originator = agreement["originator"]
    if originator.name != "originator_key":
        raise ValueError("accord de clé à deux clés fixes")
    # The parameters may be absent or another: the curve is that of our key (RFC 5753 §7.1.2).
    point = _bit_string(originator.chosen)
    public = ec.EllipticCurvePublicKey.from_encoded_point(cle.curve, point)
    ukm = agreement["ukm"].native
    kek = _kek(cle.exchange(ec.ECDH(), public), algorithm, wrap, wrapping, ukm)
    key = aes_key_unwrap(kek, entry["encrypted_key"].native)
    if len(key) != content.octets:
        raise ValueError("clé de contenu d'une autre taille")
    return key, f"{algorithm.nom} {algorithm.empreinte} {wrap.nom}"


def _bit_string(public_key_info: Any) -> bytes:
    """The octets of the public key, whatever its algorithm says."""
    contents = public_key_info["public_key"].contents
    assert isinstance(contents, bytes)
    return contents[1:]
