"""Partners, their connection, their certificates, the keys of the hub."""

import uuid

from certs.autorite import create_autorite
from registry.propositions import Proposition, propose
from tests.console.cas import Cas
from tests.console.monde import TERRITOIRES, Monde


def _nouveau(monde: Monde, code: str) -> dict[str, str]:
    """Another code each time: one is never given twice."""
    suivant = "N" + uuid.uuid4().hex[:4].upper()
    return {
        "code": suivant,
        "nom": "Nouveau",
        "genre": "bailleur",
        "territoires": TERRITOIRES[code],
        "action": "ajouter",
    }


def _proposition(monde: Monde, code: str) -> dict[str, str]:
    scene = monde.scene
    pem = create_autorite(now=scene.now).issue_guichet(code, now=scene.now).certificat
    with scene.engine.begin() as conn:
        found = propose(conn, code, pem, par="a@exemple.fr", instant=scene.now)
    # Closed by the case before: any identifier will do, to be refused.
    return {"proposition": str(found.id if isinstance(found, Proposition) else uuid.uuid4())}


def _certificat(monde: Monde, code: str) -> dict[str, str]:
    now = monde.scene.now
    return {"texte": create_autorite(now=now).issue_guichet(code, now=now).certificat.decode()}


FAIT = frozenset({200, 303, 422})
"""Done, or refused for what it says: the account, at least, may."""

CAS = {
    "partenaires.exporter": Cas(parametres=lambda _monde, _code: {"format": "xlsx"}, telechargement=True),
    "partenaires.mien": Cas(),
    "partenaires.ajouter": Cas(champs=_nouveau, statuts=FAIT),
    "partenaires.fermer": Cas(champs=lambda _monde, _code: {"confirme": "non"}, statuts=frozenset({422})),
    "partenaires.rouvrir": Cas(),
    "partenaires.contact": Cas(champs=lambda _monde, _code: {"technique": "contact@exemple.fr"}),
    "partenaires.reprendre": Cas(),
    "raccordement.canal": Cas(champs=lambda _monde, _code: {"canal": "retrait", "capacites": "compatible"}),
    "raccordement.certificat": Cas(champs=_certificat),
    "raccordement.essayer": Cas(statuts=frozenset({303, 422})),
    "raccordement.repeter": Cas(statuts=frozenset({303, 422})),
    "raccordement.texte": Cas(telechargement=True),
    "certificats.prendre": Cas(telechargement=True),
    "certificats.retirer": Cas(
        champs=lambda _monde, _code: {"motif": "retirer", "confirme": "oui"},
    ),
    "certificats.envoyer": Cas(champs=_certificat),
    "certificats.decider": Cas(
        parametres=_proposition,
        champs=lambda _monde, _code: {"decision": "refuser"},
        statuts=frozenset({303}),
    ),
    "certificats.publier": Cas(
        parametres=lambda _monde, _code: {"fichier": "echangeur-client.pem"},
        statuts=frozenset({200, 404}),
        telechargement=True,
    ),
    "cles.preparer": Cas(statuts=frozenset({303, 422})),
    "cles.basculer": Cas(statuts=frozenset({422})),
    "cles.purger": Cas(statuts=frozenset({303, 422})),
}
