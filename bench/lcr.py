"""What a revocation list of a large authority costs: read once, then searched for each one ([CER-33]).

``python -m bench.lcr`` makes lists of several sizes, reads each, and judges with it certificates that are on
it and others that are not. Milliseconds of processor; the first verdict verifies the signature of the list.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from certs.autorite import Autorite, create_autorite
from certs.chemin import Ancres, Exigence, Revocation, read_lcr, validate
from certs.lecture import Certificat, read_certificat
from certs.verification import Motif

RESULTS: Final = Path(__file__).parent / "results" / "lcr.json"
TAILLES: Final = (1_000, 10_000, 100_000)
INSTANT: Final = datetime(2026, 11, 28, 12, tzinfo=UTC)
T = TypeVar("T")


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Milliseconds of processor, and what it gave."""
    before = time.process_time()
    found = work()
    return 1000 * (time.process_time() - before), found


def issued(autorite: Autorite) -> Certificat:
    """A certificate of a guichet."""
    lu = read_certificat(autorite.issue_guichet("G1104", now=INSTANT - timedelta(days=9)).certificat)
    assert isinstance(lu, Certificat)
    return lu


def measure(taille: int, verdicts: int) -> dict[str, float]:
    """One list of `taille` entries, the last of which is that of a certificate of ours."""
    autorite = create_autorite("Banc", now=INSTANT - timedelta(days=10))
    revoked, good = issued(autorite), issued(autorite)
    builder = x509.CertificateRevocationListBuilder().issuer_name(autorite.certificat.subject)
    builder = builder.last_update(INSTANT - timedelta(days=1)).next_update(INSTANT + timedelta(days=1))
    series = [*(x509.random_serial_number() for _ in range(taille - 1)), revoked.serie]
    entries = [
        x509.RevokedCertificateBuilder(serie, INSTANT - timedelta(days=2), []).build() for serie in series
    ]
    # One by one, the builder copies its list each time.
    builder = x509.CertificateRevocationListBuilder(
        builder._issuer_name, builder._last_update, builder._next_update, [], entries
    )
    der = builder.sign(autorite.cle, hashes.SHA256()).public_bytes(Encoding.DER)
    ancre = read_certificat(autorite.pem)
    assert isinstance(ancre, Certificat)
    ancres = Ancres.of([ancre])
    reading, lue = timed(lambda: read_lcr(der))
    assert lue is not None
    assert lue.entrees == taille
    revocation = Revocation(Exigence.EXIGEE, (lue,))

    def judge(certificat: Certificat) -> Motif:
        return validate(certificat, [], ancres, at=INSTANT, revocation=revocation).motif

    first, motif = timed(lambda: judge(good))
    assert motif is Motif.VALIDE
    found: dict[Motif, list[float]] = {Motif.VALIDE: [], Motif.REVOQUE: []}
    for _ in range(verdicts):
        for certificat in (good, revoked):
            spent, motif = timed(lambda: judge(certificat))  # noqa: B023
            found[motif].append(spent)
    return {
        "entrees": taille,
        "octets": len(der),
        "lecture_ms": round(reading, 1),
        "premier_ms": round(first, 1),
        "bon_ms": round(statistics.median(found[Motif.VALIDE]), 2),
        "revoque_ms": round(statistics.median(found[Motif.REVOQUE]), 2),
    }


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--verdicts", type=int, default=50)
    parser.add_argument("--json", type=Path, default=RESULTS)
    options = parser.parse_args()
    content = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cœurs, Python {platform.python_version()}",
        "mesures": [measure(taille, options.verdicts) for taille in TAILLES],
        "memoire_mio": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    options.json.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(content, ensure_ascii=False, indent=2))


if __name__ == "__main__":
    main()
