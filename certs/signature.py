"""Signing a content, and verifying who signed it (CMS SignedData, RFC 5652 §5 and §11, RFC 8551).

Written: one message holds its content (opaque), signed attributes always, the certificate chain carried.
Read: opaque or detached, exactly one signer, signed attributes demanded (without them a signature on one
content is also a signature on another, RFC 5652 §5.4).

Only `SigneNonVerifie.verify` makes a `ContenuVerifie`: what handles a message takes that type, so that no
content is acted upon before its signature is verified. It says who holds the key, not whether we know them:
identity is the pinned fingerprint, then path and revocation.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from asn1crypto import algos, cms, core, tsp
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, padding, rsa
from cryptography.x509 import load_der_x509_certificate

from certs.algorithmes import EMPREINTES, PAR_DEFAUT, SIGNATURES, Algorithme, Profil, hachage, named
from certs.ber import LIMITES, Limites
from certs.cms import (
    ERREURS_ASN1,
    MAX_CERTIFICATS,
    MAX_SIGNATAIRES,
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
from certs.lecture import Certificat, read_certificat
from certs.paire import ClePrivee, Paire

DATA: Final = "1.2.840.113549.1.7.1"

_FIN_UTCTIME: Final = 2050
"""Years before it are written as UTCTime, the others as GeneralizedTime (RFC 5652 §11.3)."""


@dataclass(frozen=True, slots=True)
class ContenuVerifie:
    """A content whose signature was verified.

    octets: the signed content, byte for byte. signataire: the certificate whose key signed; to be identified
    by its fingerprint. signe_le: the instant that the sender claims (aware), or None; a claim, judge at the
    instant of reception. certificats: all those carried, signer included, useful to build its path.
    empreinte: SHA-256 of `octets`, the same whatever the unsigned bytes of the message.
    algorithme: what signed, for the log.
    """

    octets: bytes = field(repr=False)
    signataire: Certificat
    signe_le: datetime | None
    certificats: tuple[Certificat, ...]
    empreinte: str
    algorithme: str


@dataclass(frozen=True, slots=True)
class SigneNonVerifie:
    """A signed message as read, of which nothing is proven.

    annonce: the certificate that the message says it was signed with; it serves to find the partner, its
    profile and its pin before anything is computed. Its content is only to be had from `verify`.
    """

    annonce: Certificat
    certificats: tuple[Certificat, ...]
    _signataire: Any = field(repr=False)
    _contenu: bytes = field(repr=False)
    _type: str = field(repr=False)

    def verify(self, profil: Profil = PAR_DEFAUT) -> ContenuVerifie | RefusCms:
        """The content, if the certificate announced signed it with algorithms that `profil` accepts."""
        try:
            return self._verify(profil)
        except ERREURS_ASN1 as error:
            return unreadable(f"signataire : {type(error).__name__}")

    def _verify(self, profil: Profil) -> ContenuVerifie | RefusCms:
        signer = self._signataire
        digest = EMPREINTES.get(signer["digest_algorithm"]["algorithm"].dotted)
        if digest is None or not profil.accepts(digest):
            return refused_algorithm(
                "empreinte", signer["digest_algorithm"]["algorithm"].dotted, digest.nom if digest else ""
            )
        # Taken before they are looked into: asn1crypto encodes again what it has read, which is slow, and
        # may differ from what was signed.
        held = b"" if is_absent(signer["signed_attrs"]) else signer["signed_attrs"].dump()
        attributes = _attributes(signer)
        if isinstance(attributes, RefusCms):
            return attributes
        found = _check_attributes(attributes, signer, self._type, self.annonce)
        if found is not None:
            return found
        computed = hashlib.new(digest.nom, self._contenu, usedforsecurity=True).digest()
        if not hmac.compare_digest(computed, attributes["message_digest"].native):
            return RefusCms(
                MotifCms.CONTENU_MODIFIE,
                "Le contenu n'est pas celui qui a été signé.",
                f"{digest.nom} {computed.hex()}",
                f"{digest.nom} {attributes['message_digest'].native.hex()}",
            )
        method = _check_signature(signer, held, digest, self.annonce, profil)
        if isinstance(method, RefusCms):
            return method
        signing_time = attributes.get("signing_time")
        return ContenuVerifie(
            self._contenu,
            self.annonce,
            None if signing_time is None else signing_time.native.astimezone(UTC),
            self.certificats,
            hashlib.sha256(self._contenu).hexdigest(),
            method,
        )


def read_signed(
    octets: bytes,
    contenu: bytes | None = None,
    *,
    connus: Sequence[Certificat] = (),
    limites: Limites = LIMITES,
) -> SigneNonVerifie | RefusCms:
    """Read a signed message in BER or DER.

    contenu: of a detached signature, the octets signed, with the CRLF line ends of the canonical form.
    connus: certificates to look the signer up in when the message does not carry it.
    """
    loaded = load_content(octets, ("signed_data",), limites)
    if isinstance(loaded, RefusCms):
        return loaded
    try:
        return _read(loaded[1], contenu, connus)
    except ERREURS_ASN1 as error:
        return unreadable(f"message signé : {type(error).__name__}")


def verify_signature(
    octets: bytes,
    contenu: bytes | None = None,
    *,
    profil: Profil = PAR_DEFAUT,
    connus: Sequence[Certificat] = (),
    limites: Limites = LIMITES,
) -> ContenuVerifie | RefusCms:
    """`read_signed` then `verify`, for a sender whose profile is known beforehand."""
    lu = read_signed(octets, contenu, connus=connus, limites=limites)
    return lu if isinstance(lu, RefusCms) else lu.verify(profil)


def _read(signed: Any, contenu: bytes | None, connus: Sequence[Certificat]) -> SigneNonVerifie | RefusCms:
    signers = signed["signer_infos"]
    if len(signers) > MAX_SIGNATAIRES:
        return too_many("signataires", len(signers), MAX_SIGNATAIRES)
    if len(signers) != 1:
        return RefusCms(MotifCms.SIGNATAIRES, "Le message porte un seul signataire.", str(len(signers)), "1")
    carried = signed["certificates"]
    if len(carried) > MAX_CERTIFICATS:
        return too_many("certificats", len(carried), MAX_CERTIFICATS)
    certificats = tuple(
        lu
        for each in carried
        if each.name == "certificate" and isinstance(lu := read_certificat(each.chosen.dump()), Certificat)
    )
    encapsulated = signed["encap_content_info"]
    inside = encapsulated["content"]
    kind = encapsulated["content_type"].dotted
    if is_absent(inside):
        if contenu is None:
            return RefusCms(MotifCms.CONTENU, "La signature est détachée et son contenu manque.")
    elif contenu is not None:
        return RefusCms(MotifCms.CONTENU, "La signature, annoncée détachée, porte déjà un contenu.")
    else:
        contenu = bytes(inside)
    signer = signers[0]
    for certificat in (*certificats, *connus):
        if Designation.of(certificat).answers(signer["sid"]):
            return SigneNonVerifie(certificat, certificats, signer, contenu, kind)
    return RefusCms(
        MotifCms.CERTIFICAT_ABSENT,
        "Le certificat du signataire n'est ni dans le message, ni parmi ceux qui sont connus.",
        attendu="le certificat du signataire joint au message",
    )


def _attributes(signer: Any) -> dict[str, Any] | RefusCms:
    """The value of each signed attribute, by name. One that comes twice or has two values is refused."""
    attributes: dict[str, Any] = {}
    if is_absent(signer["signed_attrs"]):
        return _bad_attributes("aucun attribut signé")
    for attribute in signer["signed_attrs"]:
        name = str(attribute["type"].native)
        if name in attributes:
            return _bad_attributes(f"{name} deux fois")
        if len(attribute["values"]) != 1:
            return _bad_attributes(f"{name} à {len(attribute['values'])} valeurs")
        attributes[name] = attribute["values"][0]
    for name in ("content_type", "message_digest"):
        if name not in attributes:
            return _bad_attributes(f"{name} absent")
    return attributes


def _check_attributes(
    attributes: dict[str, Any], signer: Any, kind: str, certificat: Certificat
) -> RefusCms | None:
    if attributes["content_type"].dotted != kind:
        return _bad_attributes("type de contenu autre que celui du message")
    protection = attributes.get("cms_algorithm_protection")
    if protection is not None and (
        protection["digest_algorithm"]["algorithm"].dotted != signer["digest_algorithm"]["algorithm"].dotted
        or is_absent(protection["signature_algorithm"])
        or protection["signature_algorithm"]["algorithm"].dotted
        != signer["signature_algorithm"]["algorithm"].dotted
    ):
        return _bad_attributes("algorithmes autres que ceux qui sont protégés (RFC 6211)")
    ess = attributes.get("signing_certificate_v2")
    if ess is not None:
        # RFC 5035 §5: the first one is that of the signer.
        first = ess["certs"][0]
        name = EMPREINTES[first["hash_algorithm"]["algorithm"].dotted].nom
        if hashlib.new(name, certificat.der).digest() != first["cert_hash"].native:
            return _bad_attributes("certificat autre que celui qui est signé (RFC 5035)")
    return None


def _bad_attributes(found: str) -> RefusCms:
    return RefusCms(
        MotifCms.ATTRIBUTS,
        "Les attributs signés ne sont pas ceux d'un message signé.",
        found,
        "contentType et messageDigest, une fois chacun, cohérents avec le message",
    )


def _check_signature(
    signer: Any, attributes: bytes, digest: Algorithme, certificat: Certificat, profil: Profil
) -> str | RefusCms:
    """What the signature was made with, or why it is refused. attributes: as they came."""
    identifier = signer["signature_algorithm"]["algorithm"].dotted
    algorithm = SIGNATURES.get(identifier)
    if algorithm is None or not profil.accepts(algorithm):
        return refused_algorithm("signature", identifier, algorithm.nom if algorithm else "")
    # The attributes are signed as a SET OF, not as the [0] that holds them (RFC 5652 §5.4).
    signed = b"\x31" + attributes[1:]
    signature = signer["signature"].native
    try:
        key = load_der_x509_certificate(certificat.der).public_key()
    except (ValueError, UnsupportedAlgorithm):
        return refused_algorithm("clé", "clé publique illisible")
    hache = hachage(algorithm.empreinte or digest.nom)
    try:
        match algorithm.nom, key:
            case "rsa-pkcs1", rsa.RSAPublicKey():
                if key.key_size < profil.rsa_min:
                    return _weak_key(key.key_size, profil.rsa_min)
                key.verify(signature, signed, padding.PKCS1v15(), hache)
            case "rsa-pss", rsa.RSAPublicKey():
                if key.key_size < profil.rsa_min:
                    return _weak_key(key.key_size, profil.rsa_min)
                parameters = signer["signature_algorithm"]["parameters"]
                pss = _pss(parameters, profil)
                if isinstance(pss, RefusCms):
                    return pss
                mask, hache = pss
                key.verify(signature, signed, mask, hache)
            case "ecdsa", ec.EllipticCurvePublicKey():
                key.verify(signature, signed, ec.ECDSA(hache))
            case "dsa", dsa.DSAPublicKey():
                key.verify(signature, signed, hache)
            case _:
                return refused_algorithm(
                    "signature", identifier, f"{algorithm.nom} avec une clé {certificat.cle.famille}"
                )
    except InvalidSignature:
        return RefusCms(
            MotifCms.SIGNATURE,
            "La signature n'est pas celle du certificat annoncé.",
            f"certificat {certificat.empreinte}",
        )
    return f"{algorithm.nom} {hache.name}"


def _pss(parameters: Any, profil: Profil) -> tuple[padding.PSS, hashes.HashAlgorithm] | RefusCms:
    """Padding and digest that the parameters of RSASSA-PSS ask for (RFC 4056)."""
    found = []
    for identifier in (parameters["hash_algorithm"]["algorithm"].dotted, mgf1_digest(parameters)):
        algorithm = EMPREINTES.get(identifier)
        if algorithm is None or not profil.accepts(algorithm):
            return refused_algorithm("empreinte de PSS", identifier, algorithm.nom if algorithm else "")
        found.append(hachage(algorithm.nom))
    content, mask = found
    return padding.PSS(padding.MGF1(mask), int(parameters["salt_length"].native)), content


def _weak_key(bits: int, minimum: int) -> RefusCms:
    return RefusCms(
        MotifCms.CLE_FAIBLE, "La clé du signataire est trop faible.", f"RSA {bits} bits", f"{minimum} bits"
    )


def sign(
    data: bytes,
    signataires: Sequence[Paire],
    *,
    instant: datetime,
    profil: Profil = PAR_DEFAUT,
    detache: bool = False,
) -> bytes:
    """`data` signed, in DER: opaque, or the signature alone when `detache`.

    instant: signing time (aware). profil: that of the reader. Raises ValueError without a signer.
    """
    if not signataires:
        raise ValueError("un message signé a au moins un signataire")
    digests = {_digest_of(paire.cle) for paire in signataires}
    certificats = {
        each.empreinte: each for paire in signataires for each in (paire.certificat, *paire.chaine)
    }
    # Built with the CMS type: the content of asn1crypto's version 1 is the same on the wire.
    content: dict[str, Any] = {"content_type": "data"}
    if not detache:
        content["content"] = data
    signed = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [{"algorithm": name} for name in sorted(digests)],
            "encap_content_info": content,
            "certificates": [cms.CertificateChoices.load(each.der) for each in certificats.values()],
            "signer_infos": [_signer_info(data, paire, instant, profil) for paire in signataires],
        }
    )
    der = cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump()
    assert isinstance(der, bytes)
    return der


def _digest_of(cle: ClePrivee) -> str:
    """SHA-256, or the digest as strong as the curve."""
    bits = cle.key_size if isinstance(cle, ec.EllipticCurvePrivateKey) else 0
    return "sha512" if bits > 384 else "sha384" if bits > 256 else "sha256"


def _signer_info(data: bytes, paire: Paire, instant: datetime, profil: Profil) -> Any:
    name = _digest_of(paire.cle)
    moment = instant.astimezone(UTC).replace(microsecond=0)
    time = core.UTCTime(moment) if moment.year < _FIN_UTCTIME else core.GeneralizedTime(moment)
    ess = tsp.SigningCertificateV2({"certs": [{"cert_hash": hashlib.sha256(paire.certificat.der).digest()}]})
    values = {
        "content_type": "data",
        "signing_time": cms.Time(name=_time_choice(time), value=time),
        "message_digest": hashlib.new(name, data).digest(),
        "signing_certificate_v2": encoded(ess),
    }
    attributes = encoded(
        cms.CMSAttributes(
            [encoded(cms.CMSAttribute({"type": kind, "values": [each]})) for kind, each in values.items()]
        )
    )
    method, signature = _sign(attributes.dump(), paire.cle, name, profil)
    return encoded(
        cms.SignerInfo(
            {
                "version": "v1",
                "sid": cms.SignerIdentifier("issuer_and_serial_number", issuer_and_serial(paire.certificat)),
                "digest_algorithm": {"algorithm": name},
                "signed_attrs": attributes,
                "signature_algorithm": method,
                "signature": signature,
            }
        )
    )


def _time_choice(time: core.UTCTime | core.GeneralizedTime) -> str:
    return "utc_time" if isinstance(time, core.UTCTime) else "generalized_time"


def _sign(attributes: bytes, cle: ClePrivee, digest: str, profil: Profil) -> tuple[Any, bytes]:
    hache = hachage(digest)
    if isinstance(cle, ec.EllipticCurvePrivateKey):
        oid = named(SIGNATURES, "ecdsa", digest).oid
        return {"algorithm": oid}, cle.sign(attributes, ec.ECDSA(hache))
    if profil.signature_rsa == "rsa-pss":
        # RFC 8551 §2.2 and RFC 4055 §3.1: salt as long as the digest, same digest in the mask.
        parameters = algos.RSASSAPSSParams(
            {
                "hash_algorithm": {"algorithm": digest},
                "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": {"algorithm": digest}},
                "salt_length": hache.digest_size,
            }
        )
        mask = padding.PSS(padding.MGF1(hachage(digest)), hache.digest_size)
        method = {"algorithm": named(SIGNATURES, "rsa-pss").oid, "parameters": encoded(parameters)}
        return method, cle.sign(attributes, mask, hache)
    # rsaEncryption and not sha256WithRSAEncryption: what RFC 3370 §3.2 asks every reader to know.
    return {"algorithm": "1.2.840.113549.1.1.1"}, cle.sign(attributes, padding.PKCS1v15(), hache)
