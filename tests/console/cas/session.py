"""Opening and closing a session."""

from tests.console.cas import Cas

CAS = {"session.fermer": Cas()}
