"""What signed and encrypted messages have in common (CMS, RFC 5652): reading the outer structure, the typed
refusals, and who an identifier designates.

Bytes in, values out; no I/O. The message of a refusal is for the sender; `detail` is for our log only.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from asn1crypto import cms, core, x509

from certs.ber import LIMITES, BerIllisible, Limites, normalise
from certs.lecture import Certificat

if TYPE_CHECKING:
    from asn1crypto import algos

MAX_CERTIFICATS: Final = 16
MAX_SIGNATAIRES: Final = 4
MAX_DESTINATAIRES: Final = 200

ERREURS_ASN1: Final = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError)
"""What asn1crypto raises on bytes that are not the structure it reads; it has no exception of its own."""


class MotifCms(StrEnum):
    """Why a message was refused; stable codes."""

    FORME = "FORME"
    NATURE = "NATURE"
    NOMBRE = "NOMBRE"
    ALGORITHME = "ALGORITHME"
    CLE_FAIBLE = "CLE-FAIBLE"
    DECHIFFREMENT = "DECHIFFREMENT"
    SIGNATAIRES = "SIGNATAIRES"
    CERTIFICAT_ABSENT = "CERTIFICAT-ABSENT"
    CONTENU = "CONTENU"
    ATTRIBUTS = "ATTRIBUTS"
    CONTENU_MODIFIE = "CONTENU-MODIFIE"
    SIGNATURE = "SIGNATURE"


@dataclass(frozen=True, slots=True)
class RefusCms:
    """A message that is not read. `texte` is French, for the sender; `constat` and `attendu` are the compared
    values; `detail` is the inner cause, never to be sent."""

    motif: MotifCms
    texte: str
    constat: str = ""
    attendu: str = ""
    detail: str = ""


NATURES: Final = {
    "signed_data": "message signé",
    "enveloped_data": "message chiffré",
    "authenticated_enveloped_data": "message chiffré et authentifié",
    "compressed_data": "message compressé",
    "data": "message en clair",
}


def load_content(
    octets: bytes, natures: tuple[str, ...], limites: Limites = LIMITES
) -> tuple[str, Any] | RefusCms:
    """The nature of a CMS message and its asn1crypto structure, or why it is not one of `natures`.

    The structure is parsed as it is read: the caller guards its reading with ERREURS_ASN1.
    """
    try:
        info = cms.ContentInfo.load(normalise(octets, limites))
        nature = str(info["content_type"].native)
        content = info["content"]
    except BerIllisible as error:
        return unreadable(str(error))
    except ERREURS_ASN1 as error:
        return unreadable(type(error).__name__)
    if nature not in natures:
        return RefusCms(
            MotifCms.NATURE,
            "Le message n'est pas de la nature attendue.",
            NATURES.get(nature, "autre"),
            " ou ".join(NATURES[each] for each in natures),
        )
    return nature, content


def is_absent(value: Any) -> bool:
    """Whether an optional field of an asn1crypto structure is not there."""
    return value is None or isinstance(value, core.Void)


def unreadable(detail: str) -> RefusCms:
    """The refusal of bytes that are not a message within the bounds."""
    return RefusCms(MotifCms.FORME, "Le message n'est pas un CMS (S/MIME) lisible.", detail=detail)


def refused_algorithm(role: str, identifiant: str, connu: str = "") -> RefusCms:
    """The refusal of an algorithm by the policy. role: what it does, in French."""
    found = f"{role} : {connu} ({identifiant})" if connu else f"{role} : {identifiant}"
    return RefusCms(
        MotifCms.ALGORITHME,
        "Le message emploie un algorithme qui n'est pas admis.",
        found,
        "un algorithme de la liste admise pour ce partenaire",
    )


def too_many(nom: str, nombre: int, limite: int) -> RefusCms:
    """The refusal of a list longer than its bound."""
    return RefusCms(MotifCms.NOMBRE, f"Le message porte trop de {nom}.", str(nombre), f"{limite} au plus")


@dataclass(frozen=True, slots=True)
class Designation:
    """By what a message may designate a certificate: issuer and serial, or subject key identifier."""

    emetteur: bytes
    serie: int
    identifiant: bytes | None
    nom: tuple[object, ...]

    @staticmethod
    def of(certificat: Certificat) -> Designation:
        """Of a certificate that cryptography already read."""
        lu = x509.Certificate.load(certificat.der)
        return Designation(lu.issuer.dump(), certificat.serie, lu.key_identifier, _comparable(lu.issuer))

    def answers(self, rid: Any) -> bool:
        """Whether a RecipientIdentifier, SignerIdentifier or KeyAgreementRecipientIdentifier means it."""
        try:
            return self._answers(rid)
        except ERREURS_ASN1:
            # A malformed identifier designates nobody: the recipient beside it may be us.
            return False

    def _answers(self, rid: Any) -> bool:
        match rid.name:
            case "issuer_and_serial_number":
                chosen = rid.chosen
                return bool(chosen["serial_number"].native == self.serie) and bool(
                    chosen["issuer"].dump() == self.emetteur
                    # Some agents encode names again, with other string types.
                    or _comparable(chosen["issuer"]) == self.nom
                )
            case "subject_key_identifier":
                return self.identifiant is not None and bool(rid.chosen.native == self.identifiant)
            case "r_key_id":
                identifiant = rid.chosen["subject_key_identifier"].native
                return self.identifiant is not None and bool(identifiant == self.identifiant)
            case _:
                return False


def _comparable(nom: x509.Name) -> tuple[object, ...]:
    """A name in the form in which two are compared (RFC 5280 §7.1).

    Not the comparison of asn1crypto: it prepares strings one character after the other, 2 s for 1 MB.
    """
    return tuple(
        tuple(sorted((each["type"].dotted, _folded(str(each["value"].native))) for each in rdn))
        for rdn in nom.chosen
    )


def _folded(valeur: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", valeur).casefold().split())


def issuer_and_serial(certificat: Certificat) -> cms.IssuerAndSerialNumber:
    """How we designate a certificate: every reader knows this form."""
    lu = x509.Certificate.load(certificat.der)
    return cms.IssuerAndSerialNumber({"issuer": lu.issuer, "serial_number": certificat.serie})


def encoded(value: core.Asn1Value) -> Any:
    """The same value as one that was read: its octets are there. What asn1crypto has built, it encodes again
    at each level that holds it, several times at each: signing a mail took 5 ms for 0.5."""
    return type(value).load(value.dump())


def mgf1_digest(parameters: algos.RSAESOAEPParams | algos.RSASSAPSSParams) -> str:
    """Dotted identifier of the digest of the mask generation, which must be MGF1. Raises ValueError."""
    mask = parameters["mask_gen_algorithm"]
    if mask["algorithm"].native != "mgf1":
        raise ValueError("masque autre que MGF1")
    return str(mask["parameters"]["algorithm"].dotted)
