"""Does the path of a certificate lead to an authority that we trust, with nothing revoked, at an instant?

RFC 5280 §6 by pyhanko-certvalidator: names, constraints, policies, lists (indirect, partitioned, delta) and
OCSP responses, all given: nothing is fetched here. The library is lax by default and was measured hanging on
path-building bombs, so: no time tolerance, anchors bound by what their own certificate says, sixteen
certificates at most, and a budget of issuers looked up, which unlike a delay is the same on every machine.

Identity is the pin, and comes first; a path only adds that the authority still vouches for the certificate.
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import lru_cache
from typing import Any, Final, TypeVar

from asn1crypto import algos, crl, keys, ocsp, x509
from cryptography.exceptions import InvalidSignature
from pyhanko_certvalidator import errors
from pyhanko_certvalidator.authority import CertTrustAnchor, TrustAnchor
from pyhanko_certvalidator.context import ValidationContext
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.policy_decl import (
    AlgorithmUsageConstraint,
    AlgorithmUsagePolicy,
    CertRevTrustPolicy,
    FreshnessReqType,
    PKIXValidationParams,
    RevocationCheckingPolicy,
    RevocationCheckingRule,
)
from pyhanko_certvalidator.registry import CertificateRegistry, TrustManager
from pyhanko_certvalidator.sig_validate import DefaultSignatureValidator
from pyhanko_certvalidator.validate import async_validate_path

from certs.algorithmes import EMPREINTES, PAR_DEFAUT, SIGNATURES, Profil
from certs.cms import ERREURS_ASN1, MAX_CERTIFICATS
from certs.lecture import Certificat
from certs.verification import Motif, Verdict

MAX_EMETTEURS: Final = 400
"""Issuers looked up for one verdict. A real path of four with its CRLs takes about twenty."""

MAX_CHEMINS: Final = 16
"""Paths tried for one verdict."""

MAX_LCR_OCTETS: Final = 16 * 1024 * 1024
"""A list of 100,000 entries is 4 MB."""


class Exigence(Enum):
    """What is asked of revocation, for every certificate of the path, root excluded."""

    AUCUNE = "aucune"
    SI_DECLAREE = "si-declaree"
    """Where the certificate says where its revocation is published; hard failure there."""
    EXIGEE = "exigee"


_REGLES: Final = {
    Exigence.AUCUNE: RevocationCheckingRule.NO_CHECK,
    Exigence.SI_DECLAREE: RevocationCheckingRule.CHECK_IF_DECLARED,
    Exigence.EXIGEE: RevocationCheckingRule.CRL_OR_OCSP_REQUIRED,
}


@dataclass(frozen=True, slots=True)
class Politiques:
    """Certificate policies that the path must satisfy (RFC 5280 §6.1.1 c to g); by default any."""

    admises: frozenset[str] = frozenset({"any_policy"})
    explicite: bool = False
    sans_equivalence: bool = False
    sans_quelconque: bool = False


@dataclass(frozen=True, eq=False)
class Lcr:
    """A certificate revocation list, parsed once and kept: 100,000 entries take 300 ms.

    emetteur: its issuer, for people. publiee_le, prochaine_le: its thisUpdate and nextUpdate (aware, UTC).
    """

    emetteur: str
    publiee_le: datetime
    prochaine_le: datetime | None
    numero: int | None
    entrees: int
    _liste: Any = field(repr=False)

    @property
    def a_rafraichir_le(self) -> datetime | None:
        """Half of its life: fetched then, a failed fetch leaves the other half to repair it."""
        if self.prochaine_le is None:
            return None
        return self.publiee_le + (self.prochaine_le - self.publiee_le) / 2


@dataclass(frozen=True, slots=True)
class ReponseOcsp:
    """A response of an OCSP responder (RFC 6960), parsed.

    publiee_le, prochaine_le: its thisUpdate and nextUpdate (aware, UTC).
    """

    publiee_le: datetime
    prochaine_le: datetime | None
    _reponse: Any = field(repr=False)


@dataclass(frozen=True, slots=True)
class Revocation:
    """What is known of revocations, and how much of it is demanded.

    grace: how long after its nextUpdate a list or a response still counts; past it the verdict is
        « suspended ».
    feuille: what is demanded of the certificate itself, when more is than of the authorities above it.
    """

    exigence: Exigence = Exigence.AUCUNE
    lcr: tuple[Lcr, ...] = ()
    ocsp: tuple[ReponseOcsp, ...] = ()
    grace: timedelta = timedelta(0)
    feuille: Exigence | None = None
    fraicheur: timedelta | None = None
    """Age that a list may have instead of its own nextUpdate; only set for those within their grace."""


SANS_REVOCATION: Final = Revocation()


def read_lcr(der: bytes) -> Lcr | None:
    """A list in DER, or None when the bytes are not one. Its signature is judged with the path."""
    if len(der) > MAX_LCR_OCTETS:
        return None
    try:
        liste = crl.CertificateList.load(der, strict=True)
        tbs = liste["tbs_cert_list"]
        next_update = tbs["next_update"].native
        return Lcr(
            liste.issuer.human_friendly,
            tbs["this_update"].native.astimezone(UTC),
            None if next_update is None else next_update.astimezone(UTC),
            None if liste.crl_number_value is None else liste.crl_number_value.native,
            len(tbs["revoked_certificates"]) if tbs["revoked_certificates"] else 0,
            liste,
        )
    except ERREURS_ASN1:
        return None


def read_ocsp(der: bytes) -> ReponseOcsp | None:
    """A successful response in DER, or None. Its signature is judged with the path."""
    try:
        response = ocsp.OCSPResponse.load(der, strict=True)
        if response["response_status"].native != "successful" or not response.response_data:
            return None
        single = response.response_data["responses"][0]
        next_update = single["next_update"].native
        return ReponseOcsp(
            single["this_update"].native.astimezone(UTC),
            None if next_update is None else next_update.astimezone(UTC),
            response,
        )
    except (*ERREURS_ASN1, IndexError):
        return None


@dataclass(frozen=True, slots=True)
class Ancres:
    """The authorities that we trust, of several origins. Build with `Ancres.of`."""

    certificats: tuple[Certificat, ...]
    _ancres: tuple[CertTrustAnchor, ...] = field(repr=False)

    @staticmethod
    def of(certificats: Sequence[Certificat]) -> Ancres:
        """Anchors bound by the constraints of their own certificates: dates, path length, names, policies."""
        return Ancres(
            tuple(certificats),
            tuple(
                CertTrustAnchor(x509.Certificate.load(each.der), derive_default_quals_from_cert=True)
                for each in certificats
            ),
        )


def validate(
    certificat: Certificat,
    intermediaires: Sequence[Certificat],
    ancres: Ancres,
    *,
    at: datetime,
    revocation: Revocation = SANS_REVOCATION,
    profil: Profil = PAR_DEFAUT,
    politiques: Politiques | None = None,
) -> Verdict:
    """The verdict on the path of `certificat` at an instant (aware).

    intermediaires: certificates to build the path with, in any order, trusted for nothing.
    profil: algorithms and key lengths accepted in the path.
    """
    if len(intermediaires) > MAX_CERTIFICATS:
        return Verdict(
            Motif.TROP_COMPLEXE,
            "Le certificat est joint à trop d'autres.",
            str(len(intermediaires)),
            f"{MAX_CERTIFICATS} au plus",
        )
    try:
        verdict = _run(_validate(certificat, intermediaires, ancres, at, revocation, profil, politiques))
        if verdict.motif is not Motif.REVOCATION_PERIMEE or not revocation.grace:
            return verdict
        recent = _within_grace(revocation, at)
        again = _run(_validate(certificat, intermediaires, ancres, at, recent, profil, politiques))
    except _BudgetEpuiseError:
        return Verdict(
            Motif.TROP_COMPLEXE,
            "Le chemin de certification est trop complexe pour être vérifié.",
            f"plus de {MAX_EMETTEURS} recherches d'émetteur",
            "une chaîne de certificats simple",
        )
    except ERREURS_ASN1:
        return Verdict(Motif.CHEMIN, "Un certificat du chemin n'est pas lisible.")
    # Without a list within its grace, the first verdict says since when it is stale.
    return verdict if again.suspendu else again


def _within_grace(revocation: Revocation, at: datetime) -> Revocation:
    """Only what is current or within its grace, taken as current."""

    def recent(publiee: datetime, prochaine: datetime | None) -> bool:
        return publiee <= at and (prochaine is None or at <= prochaine + revocation.grace)

    lists = tuple(each for each in revocation.lcr if recent(each.publiee_le, each.prochaine_le))
    responses = tuple(each for each in revocation.ocsp if recent(each.publiee_le, each.prochaine_le))
    oldest = min((*(each.publiee_le for each in lists), *(each.publiee_le for each in responses)), default=at)
    return replace(revocation, lcr=lists, ocsp=responses, fraicheur=at - oldest)


async def _validate(
    certificat: Certificat,
    intermediaires: Sequence[Certificat],
    ancres: Ancres,
    at: datetime,
    revocation: Revocation,
    profil: Profil,
    politiques: Politiques | None,
) -> Verdict:
    context = _context(intermediaires, ancres, at, revocation, profil)
    parameters = _parameters(politiques)
    refusals: list[Verdict] = []
    paths = context.path_builder.async_build_paths_lazy(x509.Certificate.load(certificat.der))
    try:
        async for path in paths:
            refusal = await _try(context, path, parameters, at)
            if refusal is None:
                return Verdict(Motif.VALIDE, "Le certificat est valide.")
            refusals.append(refusal)
            if len(refusals) == MAX_CHEMINS:
                break
    except errors.PathBuildingError:
        return Verdict(
            Motif.EMETTEUR_INCONNU,
            "L'émetteur du certificat n'est pas connu.",
            certificat.emetteur[:200],
            "une chaîne qui mène à une autorité de confiance",
        )
    finally:
        await paths.cancel()  # type: ignore[no-untyped-call]
    return min(refusals, key=lambda verdict: _GRAVITE.index(verdict.motif))


async def _try(
    context: ValidationContext, path: ValidationPath, parameters: PKIXValidationParams, at: datetime
) -> Verdict | None:
    """Why this path is refused, or None."""
    quals = path.trust_anchor.trust_qualifiers
    if quals.valid_until is not None and at > quals.valid_until:
        return _expired("L'autorité de confiance", quals.valid_until, at)
    if quals.valid_from is not None and at < quals.valid_from:
        return _premature("L'autorité de confiance", quals.valid_from, at)
    try:
        await async_validate_path(context, path, parameters)
    except errors.RevokedError as error:
        return Verdict(
            Motif.REVOQUE,
            f"{_who(error)} a été révoqué.",
            f"révoqué le {_moment(error.revocation_dt)}, motif {error.reason.native}",
            "un certificat non révoqué",
        )
    except errors.StaleRevinfoError as error:
        return Verdict(
            Motif.REVOCATION_PERIMEE,
            "La liste de révocation n'est plus à jour : la décision est suspendue.",
            f"à jour jusqu'au {_moment(error.time_cutoff)}",
            f"à jour le {_moment(at)}",
        )
    except errors.InsufficientRevinfoError:
        return Verdict(
            Motif.REVOCATION_INDETERMINEE,
            "Rien ne dit si le certificat est révoqué : la décision est suspendue.",
            "ni liste de révocation utilisable, ni réponse OCSP",
            f"une liste ou une réponse valable le {_moment(at)}",
        )
    except errors.ExpiredError as error:
        return _expired(_who(error), error.expired_dt, at)
    except errors.NotYetValidError as error:
        return _premature(_who(error), error.valid_from, at)
    except errors.DisallowedAlgorithmError:
        return Verdict(
            Motif.ALGORITHME,
            "Un certificat du chemin est signé avec un algorithme ou une clé qui ne sont pas admis.",
            attendu="SHA-256 au moins ; RSA de 2048 bits au moins, ou courbe elliptique",
        )
    except errors.ValidationError as error:
        return _invalid(str(error))
    return None


_GRAVITE: Final = (
    Motif.REVOQUE,
    Motif.REVOCATION_PERIMEE,
    Motif.REVOCATION_INDETERMINEE,
    Motif.EXPIRE,
    Motif.PAS_ENCORE_VALIDE,
    Motif.ALGORITHME,
    Motif.CHEMIN,
)
"""Of several paths that fail, the reason told is that of the one that went furthest."""

_CAUSES: Final = (
    ("signature", "la signature d'un certificat n'est pas celle de son émetteur"),
    ("permitted namespace", "un nom est hors de ceux que l'autorité peut certifier"),
    ("excluded", "un nom est parmi ceux que l'autorité ne peut pas certifier"),
    ("policies", "les politiques de certification ne sont pas celles qui sont admises"),
    ("maximum path length", "la chaîne est plus longue que l'autorité ne le permet"),
    ("is not a CA", "un certificat qui n'est pas celui d'une autorité en a signé un autre"),
    ("key usage", "une clé signe des certificats sans en avoir le droit (keyUsage)"),
    ("extension", "une extension critique n'est pas connue"),
    ("issuer name", "le nom de l'émetteur n'est pas celui de l'autorité"),
)
"""What the library says, and how it is said in French."""


def _invalid(message: str) -> Verdict:
    cause = next(
        (french for english, french in _CAUSES if english in message), "règle de la RFC 5280 §6 non suivie"
    )
    return Verdict(Motif.CHEMIN, "Le chemin de certification n'est pas valide.", cause, "RFC 5280 §6")


def _who(error: errors.PathValidationError) -> str:
    return "Le certificat" if error.is_ee_cert else "Le certificat d'une autorité du chemin"


def _expired(who: str, limit: datetime, at: datetime) -> Verdict:
    return Verdict(
        Motif.EXPIRE, f"{who} a expiré.", f"valide jusqu'au {_moment(limit)}", f"valide le {_moment(at)}"
    )


def _premature(who: str, limit: datetime, at: datetime) -> Verdict:
    return Verdict(
        Motif.PAS_ENCORE_VALIDE,
        f"{who} n'est pas encore valide.",
        f"valide à partir du {_moment(limit)}",
        f"valide le {_moment(at)}",
    )


def _moment(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%d/%m/%Y %H:%M UTC")


def _parameters(politiques: Politiques | None) -> PKIXValidationParams:
    wanted = politiques or Politiques()
    return PKIXValidationParams(
        user_initial_policy_set=wanted.admises,
        initial_explicit_policy=wanted.explicite,
        initial_policy_mapping_inhibit=wanted.sans_equivalence,
        initial_any_policy_inhibit=wanted.sans_quelconque,
    )


def _context(
    intermediaires: Sequence[Certificat], ancres: Ancres, at: datetime, revocation: Revocation, profil: Profil
) -> ValidationContext:
    registry = _RegistreBorne()
    issuers = [x509.Certificate.load(each.der) for each in intermediaires]
    registry.register_multiple(issuers)
    issuers += [each.certificate for each in ancres._ancres]
    algorithmes = _Algorithmes(profil)
    rule = _REGLES[revocation.exigence]
    leaf_rule = rule if revocation.feuille is None else _REGLES[revocation.feuille]
    lists = [each._liste for each in revocation.lcr if _is_genuine(each, issuers, algorithmes, at)]
    policy = CertRevTrustPolicy(
        RevocationCheckingPolicy(leaf_rule, rule),
        freshness=revocation.fraicheur,
        freshness_req_type=FreshnessReqType.MAX_DIFF_REVOCATION_VALIDATION
        if revocation.fraicheur
        else FreshnessReqType.DEFAULT,
    )
    return ValidationContext(
        trust_roots=list(ancres._ancres),
        certificate_registry=registry,
        moment=at,
        crls=lists,
        ocsps=[each._reponse for each in revocation.ocsp],
        revinfo_policy=policy,
        algorithm_usage_policy=algorithmes,
        time_tolerance=timedelta(0),
    )


def _is_genuine(
    lcr: Lcr, issuers: Sequence[x509.Certificate], algorithmes: _Algorithmes, at: datetime
) -> bool:
    """Whether one of the authorities at hand, of the name that the list bears, signed it.

    The library is told nothing of the others. It would take a list for genuine, without verifying its
    signature, when it meets it while validating the issuer of another one; and lists come over plain HTTP.
    """
    name = lcr._liste.issuer.hashable
    method = lcr._liste["signature_algorithm"]
    return any(
        issuer.subject.hashable == name
        and algorithmes.signature_algorithm_allowed(method, at, issuer.public_key)
        and _signed(lcr, issuer.public_key.dump())
        for issuer in issuers
    )


def is_signed_by(lcr: Lcr, autorite: Certificat) -> bool:
    """Whether this authority signed the list, with an algorithm that is accepted."""
    certificate = x509.Certificate.load(autorite.der)
    return _is_genuine(lcr, [certificate], _Algorithmes(PAR_DEFAUT), lcr.publiee_le)


@lru_cache(maxsize=256)
def _signed(lcr: Lcr, key: bytes) -> bool:
    liste = lcr._liste
    try:
        DefaultSignatureValidator().validate_signature(
            signature=liste["signature"].native,
            signed_data=liste["tbs_cert_list"].dump(),
            public_key_info=keys.PublicKeyInfo.load(key),
            signature_algorithm=liste["signature_algorithm"],
        )
    except InvalidSignature:
        return False
    return True


class _BudgetEpuiseError(Exception):
    """More issuers were looked up than any honest path needs."""


class _RegistreBorne(CertificateRegistry):
    """The certificates at hand, which can be searched so many times and no more."""

    def __init__(self) -> None:
        super().__init__()
        self._reste = MAX_EMETTEURS

    def find_potential_issuers(
        self, cert: x509.Certificate, trust_manager: TrustManager
    ) -> Iterator[TrustAnchor | x509.Certificate]:
        self._reste -= 1
        if self._reste < 0:
            raise _BudgetEpuiseError
        return super().find_potential_issuers(cert, trust_manager)


class _Algorithmes(AlgorithmUsagePolicy):
    """The policy of `certs/algorithmes.toml`, for the library."""

    def __init__(self, profil: Profil) -> None:
        self._profil = profil

    def digest_algorithm_allowed(
        self,
        algo: algos.DigestAlgorithm,
        moment: datetime | None,  # noqa: ARG002 - the policy is that of today
    ) -> AlgorithmUsageConstraint:
        digest = EMPREINTES.get(algo["algorithm"].dotted)
        return AlgorithmUsageConstraint(digest is not None and self._profil.accepts(digest))

    def signature_algorithm_allowed(
        self,
        algo: algos.SignedDigestAlgorithm,
        moment: datetime | None,  # noqa: ARG002
        public_key: keys.PublicKeyInfo | None,
    ) -> AlgorithmUsageConstraint:
        method = SIGNATURES.get(algo["algorithm"].dotted)
        if method is None or not self._profil.accepts(method):
            return AlgorithmUsageConstraint(allowed=False)
        if method.nom == "rsa-pss":
            hachage = EMPREINTES.get(algo["parameters"]["hash_algorithm"]["algorithm"].dotted)
            if hachage is None or not self._profil.accepts(hachage):
                return AlgorithmUsageConstraint(allowed=False)
        if method.nom.startswith("rsa") and public_key is not None:
            return AlgorithmUsageConstraint(public_key.bit_size >= self._profil.rsa_min)
        return AlgorithmUsageConstraint(allowed=True)


_Valeur = TypeVar("_Valeur")


def _run(coroutine: Coroutine[Any, Any, _Valeur]) -> _Valeur:
    """The value of a coroutine of the library, which never waits since it may fetch nothing."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        value: _Valeur = done.value
        return value
    raise RuntimeError("la vérification d'un chemin a attendu quelque chose")
