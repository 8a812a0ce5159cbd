"""The reference partner that proves that it has all, and repairs what it lost.

Each day it verifies the manifests with its own files; when one does not agree, or when it likes, it compares
what it has with the hub, and reads again what it lacks and what was spoiled.

    python -m conformance.preuve_reference https://localhost:8443 DOSSIER BASE.sqlite EMPREINTE

EMPREINTE is the SHA-256 of the certificate that signs for the hub, as its operator gave it. The base is that
of `conformance.retrait_reference`, which shares no code with the hub but the hardened parser; this one also
takes from it the reading of a signed message and of a manifest.
"""

from __future__ import annotations

import base64
import hashlib
import ssl
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

from lxml import etree

from certs.cms import RefusCms
from certs.signature import verify_signature
from conformance.retrait_reference import RetraitReference
from schemas.manifeste import Ligne, Manifeste, condense, read_manifeste
from schemas.violations import Violation

TRANCHES_MAX: Final = 200
EMPREINTES_MAX: Final = 1_000

_BASE: Final = """
    CREATE TABLE IF NOT EXISTS manifeste (
        jour TEXT PRIMARY KEY, derniere INTEGER NOT NULL, empreinte TEXT NOT NULL, message BLOB NOT NULL)
"""

_REPLACE: Final = "UPDATE distribution SET id = ?, nom = ?, contenu = ?, acquittee = 0 WHERE sequence = ?"


@dataclass(frozen=True, slots=True)
class Jour:
    """A manifest that was verified. ecart: what does not agree, in French; empty when all does."""

    jour: str
    nombre: int
    ecart: str = ""


@dataclass(frozen=True, slots=True)
class Reparation:
    """What a comparison led to, by sequence. retirees: withdrawn since they were received. en_trop: what the
    hub says that it never made: nothing is done of it, a person decides."""

    relues: tuple[int, ...] = ()
    remplacees: tuple[int, ...] = ()
    retirees: tuple[int, ...] = ()
    en_trop: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Fenetre:
    """One call: what is held after `apres` and up to `jusqua`, by runs of (sequence, digest)."""

    apres: int
    jusqua: int | None
    tranches: list[list[tuple[int, str]]]


class PreuveReference:
    """Proves and repairs the base of a partner. empreinte: of the certificate that signs for the hub."""

    def __init__(self, client: RetraitReference, empreinte: str) -> None:
        self._client = client
        self._empreinte = empreinte
        client.base.execute(_BASE)

    # -- the manifests --------------------------------------------------------------------------------------

    def verifier(self) -> list[Jour]:
        """Fetch the new manifests and verify each with what is kept, in order; those that agree are kept.

        Stops at the first that does not: repair, then verify again.
        """
        found: list[Jour] = []
        suite = True
        while suite:
            (apres,) = self._client.base.execute("SELECT max(jour) FROM manifeste").fetchone()
            answer = self._client.call(
                "listerManifestes", f"<apresJour>{apres}</apresJour>" if apres is not None else ""
            )
            suite = answer.findtext("suite") == "OUI"
            for each in answer.iterfind("manifeste"):
                message = base64.b64decode(each.findtext("fichierManifeste") or "")
                found.append(self.verifier_message(message))
                if found[-1].ecart:
                    return found
        return found

    def verifier_message(self, message: bytes) -> Jour:
        """Verify one manifest, however it came, and keep it when it agrees."""
        signe = verify_signature(message)
        if isinstance(signe, RefusCms):
            return Jour("", 0, f"la signature ne vaut rien : {signe.texte}")
        if signe.signataire.empreinte != self._empreinte:
            return Jour("", 0, "le message n'est pas signé par l'échangeur")
        lu = read_manifeste(signe.octets)
        if isinstance(lu, Violation):
            return Jour("", 0, f"le contenu signé n'est pas un manifeste : {lu.message}")
        jour = lu.jour.isoformat()
        ecart = self._chain(lu) or self._digest(lu)
        if not ecart:
            with self._client.base as base:
                base.execute(
                    "INSERT OR REPLACE INTO manifeste VALUES (?, ?, ?, ?)",
                    (jour, lu.derniere, signe.empreinte, message),
                )
        return Jour(jour, lu.nombre, ecart)

    def _chain(self, lu: Manifeste) -> str:
        last = self._client.base.execute(
            "SELECT derniere, empreinte FROM manifeste WHERE jour < ? ORDER BY jour DESC LIMIT 1",
            (lu.jour.isoformat(),),
        ).fetchone()
        derniere, empreinte = last or (0, "")
        if (lu.apres, lu.precedent) != (derniere, empreinte):
            return "il ne suit pas le dernier manifeste gardé"
        return ""

    def _digest(self, lu: Manifeste) -> str:
        kept = {
            sequence: (ident, hashlib.sha256(contenu).hexdigest())
            for sequence, ident, contenu in self._client.base.execute(
                "SELECT sequence, id, contenu FROM distribution WHERE sequence > ? AND sequence <= ?",
                (lu.apres, lu.derniere),
            )
        }
        return compare(lu, kept)

    # -- the comparison -------------------------------------------------------------------------------------

    def rapprocher(self) -> Reparation:
        """Compare all that is kept, digests included, and read again what is lost or spoiled."""
        manquantes: set[int] = set()
        differentes: set[int] = set()
        en_trop: set[int] = set()
        for fenetre in self._windows():
            apres, suite = fenetre.apres, True
            while suite:
                answer = self._client.call("rapprocherDistributions", _fields(fenetre, apres))
                manquantes.update(_numbers(answer.iterfind("manquante")))
                en_trop.update(_numbers(answer.iterfind("enTrop")))
                differentes.update(
                    int(each.findtext("sequence") or 0) for each in answer.iterfind("differente")
                )
                apres, suite = int(answer.findtext("jusqua") or 0), answer.findtext("suite") == "OUI"
        read = {each for plage in _ranges(manquantes | differentes) for each in self._read_again(*plage)}
        return Reparation(
            tuple(sorted(manquantes & read)),
            tuple(sorted(differentes & read)),
            tuple(sorted((manquantes | differentes) - read)),
            tuple(sorted(en_trop)),
        )

    def _windows(self) -> Iterator[_Fenetre]:
        """What is kept, cut into calls that the hub takes; the last one has no end."""
        rows = self._client.base.execute("SELECT sequence, contenu FROM distribution ORDER BY sequence")
        apres = 0
        held: list[tuple[int, str]] = []
        runs = 0
        for sequence, contenu in rows:
            new = not held or sequence != held[-1][0] + 1
            if held and (len(held) == EMPREINTES_MAX or runs + new > TRANCHES_MAX):
                yield _Fenetre(apres, held[-1][0], _runs(held))
                apres, held, runs, new = held[-1][0], [], 0, True
            held.append((sequence, hashlib.sha256(contenu).hexdigest()))
            runs += new
        yield _Fenetre(apres, None, _runs(held))

    def _read_again(self, premiere: int, derniere: int) -> Iterator[int]:
        """Keep what the hub gives under these numbers; those that were not withdrawn.

        A spoiled file is replaced; what is done with it is done once (`RetraitReference`).
        """
        for distribution in self._client.read(premiere, derniere):
            if distribution.contenu is None:
                continue
            if not self._client.keep(distribution):
                kept = (distribution.id, distribution.nom, distribution.contenu, distribution.sequence)
                with self._client.base as base:
                    base.execute(_REPLACE, kept)
            yield distribution.sequence


def compare(lu: Manifeste, kept: Mapping[int, tuple[str, str]]) -> str:
    """What of a manifest does not agree with what is kept; empty when all does. kept: by sequence,
    idDistribution and SHA-256."""
    lignes = [
        Ligne(sequence, *kept.get(sequence, ("", "")), tranche.etat)
        for tranche in lu.tranches
        for sequence in range(tranche.premiere, tranche.derniere + 1)
    ]
    if [ligne.sequence for ligne in lignes] != list(range(lu.apres + 1, lu.derniere + 1)):
        return "ses tranches ne disent pas l'état de chaque distribution"
    return "" if condense(lignes) == lu.condensat else "ce qui est gardé n'a pas son condensat"


def _ranges(sequences: set[int]) -> Iterator[tuple[int, int]]:
    for run in _runs([(each, "") for each in sorted(sequences)]):
        yield run[0][0], run[-1][0]


def _runs(held: list[tuple[int, str]]) -> list[list[tuple[int, str]]]:
    grouped = groupby(enumerate(held), key=lambda item: item[1][0] - item[0])
    return [[couple for _, couple in run] for _, run in grouped]


def _fields(fenetre: _Fenetre, apres: int) -> str:
    borne = "" if fenetre.jusqua is None else f"<jusquaSequence>{fenetre.jusqua}</jusquaSequence>"
    tranches = "".join(
        f"<tranche><premiere>{run[0][0]}</premiere><derniere>{run[-1][0]}</derniere>"
        f"<empreintes>{' '.join(empreinte for _, empreinte in run)}</empreintes></tranche>"
        for run in fenetre.tranches
    )
    return f"<apresSequence>{apres}</apresSequence>{borne}{tranches}"


def _numbers(plages: Iterator[etree._Element]) -> Iterator[int]:
    for each in plages:
        yield from range(int(each.findtext("premiere") or 0), int(each.findtext("derniere") or 0) + 1)


def main() -> None:
    """Compare, repair, verify; says what was found. Exit code 1 when something does not agree."""
    adresse, dossier, base, empreinte = sys.argv[1:]
    folder = Path(dossier)
    contexte = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    contexte.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    client = RetraitReference(adresse, contexte, Path(base))
    try:
        preuve = PreuveReference(client, empreinte)
        faite = preuve.rapprocher()
        client.passer()
        jours = preuve.verifier()
    finally:
        client.close()
    sys.stdout.write(
        f"{len(faite.relues)} relue(s), {len(faite.remplacees)} remplacée(s), {len(faite.en_trop)} en trop\n"
    )
    for jour in jours:
        sys.stdout.write(f"{jour.jour} : {jour.ecart or f'{jour.nombre} distribution(s), complet'}\n")
    sys.exit(1 if faite.en_trop or any(jour.ecart for jour in jours) else 0)


if __name__ == "__main__":
    main()
