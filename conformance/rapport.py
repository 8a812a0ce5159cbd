"""The report of a campaign: one JSON document, signed, with a day after which it proves nothing any more.

What is signed is the JSON, byte for byte (RFC 5652, opaque form): `openssl cms -verify` reads it. The other
forms, JUnit and HTML, are made from it.
"""

from __future__ import annotations

import hashlib
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from typing import Final

import msgspec

from certs.cms import RefusCms
from certs.lecture import Certificat
from certs.paire import Paire
from certs.signature import sign, verify_signature
from conformance.assertion import Fiche, Mode, Niveau
from conformance.assertions import FAMILLES
from conformance.campagne import Resultat, Verdict
from conformance.clauses import rule_of

VALIDITE: Final = timedelta(days=365)


class Ligne(msgspec.Struct, frozen=True):
    """One assertion of a report. regles: by clause, its rule."""

    id: str
    famille: str
    titre: str
    niveau: Niveau
    clauses: tuple[str, ...]
    regles: dict[str, str]
    conduite: str
    verdict: Verdict
    quoi: str
    attendu: str
    trouve: str
    raison: str


class Rapport(msgspec.Struct, frozen=True):
    """A whole report.

    identifiant: drawn once. conforme: no assertion of level « doit » failed, and each was decided or without
    object. complet: every assertion of the mode is in it. controle: where its state can be asked for.
    """

    format: str
    identifiant: str
    kit: str
    mode: Mode
    cible: str
    adresse: str
    version_interface: str
    graine: str
    profil: str
    debut: datetime
    fin: datetime
    expire: datetime
    complet: bool
    conforme: bool
    totaux: dict[str, int]
    controle: str
    resultats: tuple[Ligne, ...]


@dataclass(frozen=True, slots=True)
class Circonstances:
    """What a report says beside the results. profil: SHA-256 of the profile. controle: address, where
    ``{identifiant}`` is that of the report."""

    mode: Mode
    cible: str
    adresse: str
    version_interface: str
    graine: str
    profil: str
    debut: datetime
    fin: datetime
    complet: bool
    validite: timedelta = VALIDITE
    controle: str = ""


def make_report(
    assertions: Sequence[Fiche], resultats: Mapping[str, Resultat], autour: Circonstances
) -> Rapport:
    """The report of these results."""
    lines = tuple(_line(each, resultats[each.id]) for each in assertions if each.id in resultats)
    identifiant = str(
        uuid.uuid5(uuid.NAMESPACE_URL, f"{autour.graine} {autour.profil} {autour.fin.isoformat()}")
    )
    return Rapport(
        format="echangeur-conformite/1",
        identifiant=identifiant,
        kit=kit_version(),
        mode=autour.mode,
        cible=autour.cible,
        adresse=autour.adresse,
        version_interface=autour.version_interface,
        graine=autour.graine,
        profil=autour.profil,
        debut=autour.debut,
        fin=autour.fin,
        expire=autour.fin + autour.validite,
        complet=autour.complet,
        conforme=conforms(lines),
        totaux=count_verdicts(lines),
        controle=autour.controle.replace("{identifiant}", identifiant),
        resultats=lines,
    )


def conforms(lignes: Sequence[Ligne]) -> bool:
    """Nothing that must hold failed or was left undecided, and something held."""
    must = [each.verdict for each in lignes if each.niveau is Niveau.DOIT]
    return Verdict.REUSSIE in must and not {Verdict.ECHOUEE, Verdict.NON_CONCLUANTE} & set(must)


def count_verdicts(lignes: Sequence[Ligne]) -> dict[str, int]:
    """How many of each verdict, all four there."""
    counted = Counter(each.verdict for each in lignes)
    return {str(verdict): counted[verdict] for verdict in Verdict}


def _line(assertion: Fiche, resultat: Resultat) -> Ligne:
    return Ligne(
        assertion.id,
        FAMILLES[assertion.famille][1],
        assertion.titre,
        assertion.niveau,
        assertion.clauses,
        {clause: rule_of(clause) for clause in assertion.clauses},
        assertion.conduite,
        resultat.verdict,
        resultat.quoi,
        resultat.attendu,
        resultat.trouve,
        resultat.raison,
    )


def kit_version() -> str:
    """Version of the installed kit, alone or as a part of the hub."""
    for name in ("echangeur-conformite", "echangeur"):
        try:
            return f"{name} {version(name)}"
        except PackageNotFoundError:
            continue
    return "inconnue"


def write_json(rapport: Rapport) -> bytes:
    """The report as indented JSON in UTF-8: what is signed."""
    return msgspec.json.format(msgspec.json.encode(rapport), indent=2) + b"\n"


def read_json(data: bytes) -> Rapport | str:
    """The report in `data`, or why it is none, in French."""
    try:
        return msgspec.json.decode(data, type=Rapport)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return f"ce n'est pas un rapport de conformité : {error}"


def seal(data: bytes, paire: Paire, *, instant: datetime) -> bytes:
    """The JSON, signed: a CMS message in DER."""
    return sign(data, [paire], instant=instant)


@dataclass(frozen=True, slots=True)
class Controle:
    """What is thought of a signed report. ecarts: all that is wrong, in French; none when it is good.

    empreinte: SHA-256 of the JSON. signataire: the certificate that signed, None when nothing can be read.
    """

    rapport: Rapport | None
    empreinte: str
    signataire: Certificat | None
    ecarts: tuple[str, ...]


def verify_report(data: bytes, *, signataires: frozenset[str], instant: datetime) -> Controle:
    """Verify a signed report: its seal, signer and date, and that it concludes from its results.

    signataires: fingerprints of the certificates that may sign.
    """
    opened = verify_signature(data)
    if isinstance(opened, RefusCms):
        return Controle(None, "", None, (f"signature : {opened.texte}",))
    empreinte = hashlib.sha256(opened.octets).hexdigest()
    rapport = read_json(opened.octets)
    if isinstance(rapport, str):
        return Controle(None, empreinte, opened.signataire, (rapport,))
    ecarts = []
    if opened.signataire.empreinte not in signataires:
        ecarts.append(f"signataire inattendu : {opened.signataire.empreinte}")
    if instant >= rapport.expire:
        ecarts.append(f"expiré depuis le {rapport.expire:%d/%m/%Y}")
    if rapport.conforme is not conforms(rapport.resultats):
        ecarts.append("sa conclusion ne suit pas de ses résultats")
    if rapport.totaux != count_verdicts(rapport.resultats):
        ecarts.append("ses totaux ne sont pas ceux de ses résultats")
    return Controle(rapport, empreinte, opened.signataire, tuple(ecarts))
