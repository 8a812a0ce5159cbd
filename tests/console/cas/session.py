"""Opening and closing a session. The console of these tests has no provider of identity."""

from tests.console.cas import Cas

CAS = {
    "session.fermer": Cas(),
    "oidc.partir": Cas(statuts=frozenset({404})),
    "oidc.revenir": Cas(statuts=frozenset({404})),
}
