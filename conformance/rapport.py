"""The report of a campaign: one JSON document, signed, with a day after which it proves nothing any more.

What is signed is the JSON, byte for byte (RFC 5652, opaque form): `openssl cms -verify` reads it. The other
forms, JUnit and HTML, are made from it.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from certs.cms import RefusCms
from certs.lecture import Certificat
from certs.paire import Paire
from certs.signature import sign, verify_signature
from conformance.assertion import Fiche, Mode
from conformance.assertions import FAMILLES
from conformance.campagne import Resultat
from conformance.clauses import rule_of
from schemas.rapport_conformite import (
    FORMAT,
    Ligne,
    Rapport,
    Verdict,
    conforms,
    contradictions,
    count_verdicts,
    read_json,
)

VALIDITE: Final = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Circonstances:
    """What a report says beside the results. profil: SHA-256 of the profile. controle: address, where
    ``{identifiant}`` is that of the report. guichet: for which the report is to be deposited, or empty."""

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
    guichet: str = ""


def make_report(
    assertions: Sequence[Fiche], resultats: Mapping[str, Resultat], autour: Circonstances
) -> Rapport:
    """The report of these results."""
    ordered = sorted(assertions, key=lambda each: (each.famille, each.id))
    lines = tuple(_line(each, resultats[each.id]) for each in ordered if each.id in resultats)
    identifiant = str(
        uuid.uuid5(uuid.NAMESPACE_URL, f"{autour.graine} {autour.profil} {autour.fin.isoformat()}")
    )
    return Rapport(
        format=FORMAT,
        identifiant=identifiant,
        kit=kit_version(),
        mode=autour.mode,
        cible=autour.cible,
        adresse=autour.adresse,
        guichet=autour.guichet,
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


def untested(lignes: Sequence[Ligne]) -> tuple[str, ...]:
    """The families of which nothing had an object: neither held nor failed."""
    tried = {each.famille for each in lignes if each.verdict is not Verdict.SANS_OBJET}
    return tuple(dict.fromkeys(each.famille for each in lignes if each.famille not in tried))


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
    ecarts += contradictions(rapport)
    return Controle(rapport, empreinte, opened.signataire, tuple(ecarts))
