"""A violation of the interface specification, as a value.

Parsing and validation never raise for a bad document: they return violations, which the edges turn into
faults, anomalies or lines of a report.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule that a document breaks.

    rule: stable code of the rule, upper case, for instance ``XML-DTD`` or ``XSD-ORDRE``.
    message: French sentence for the person who reads it; may quote the document, hence never logged.
    path: path of the element, ``/interfaceNuu/demande/…``, or empty when there is none yet.
    line: line in the received bytes, from 1, or None when unknown.
    found, expected: what was read and what the rule wants, in French, at most 200 characters each.
    """

    rule: str
    message: str
    path: str = ""
    line: int | None = None
    found: str = ""
    expected: str = ""
