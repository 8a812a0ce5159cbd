"""A small world behind the console: two territories, guichets, demandes with their distributions, accounts.

``G0591`` and ``G0592`` are in the territory 059, ``G1111`` in 111. Everything that a page shows can be asked
of one's own and of somebody else's.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection, Engine, insert

from certs.autorite import create_autorite
from console.profils import D_UN_GUICHET, ProfilCompte
from console.tables import COMPTE
from filters.language import Filtre
from registry.certificats import CertificatEpingle, pin_certificat
from registry.clock import FixedClock
from tests.dispatching.scene import Scene

NOTRE, AUTRE, AILLEURS = "G0591", "G0592", "G1111"
TERRITOIRES = {NOTRE: "059", AUTRE: "059", AILLEURS: "111"}
PARIS_13 = "75113"


@dataclass
class Monde:
    """What there is. comptes: account by (profile, guichet or territory, or empty)."""

    scene: Scene
    demandes: dict[str, str] = field(default_factory=dict)
    """Number of a demande registered by that guichet."""
    echanges: dict[str, uuid.UUID] = field(default_factory=dict)
    comptes: dict[tuple[ProfilCompte, str], uuid.UUID] = field(default_factory=dict)
    certificats: dict[str, str] = field(default_factory=dict)


def build_monde(engine: Engine, clock: FixedClock) -> Monde:
    """Build it through the real registration; the clock stays at the instant of the last exchange."""
    scene = Scene(engine, clock)
    monde = Monde(scene)
    guichets = {
        code: scene.guichet(code, Filtre(f"Tout {code}"), territoires=(TERRITOIRES[code],))
        for code in TERRITOIRES
    }
    for code, communes in ((NOTRE, ("59350",)), (AUTRE, ("59512",)), (AILLEURS, (PARIS_13,))):
        recue = scene.recue(guichets[code], communes, territoire=TERRITOIRES[code])
        (monde.demandes[code],) = scene.register([recue])
        monde.echanges[code] = recue.echange.id
    with engine.begin() as conn:
        for profil in ProfilCompte:
            for place in places(profil):
                monde.comptes[profil, place] = _compte(conn, profil, place, scene)
        autorite = create_autorite(now=scene.now)
        for code in TERRITOIRES:
            pem = autorite.issue_guichet(code, now=scene.now).certificat
            pinned = pin_certificat(conn, code, pem, instant=scene.now)
            assert isinstance(pinned, CertificatEpingle), pinned
            monde.certificats[code] = pinned.empreinte
    return monde


def copy_monde(built: Monde, engine: Engine, clock: FixedClock) -> Monde:
    """The same world in a copy of its database."""
    return replace(
        built,
        scene=Scene(engine, clock),
        demandes=dict(built.demandes),
        echanges=dict(built.echanges),
        comptes=dict(built.comptes),
        certificats=dict(built.certificats),
    )


def places(profil: ProfilCompte) -> tuple[str, ...]:
    """Where there is an account of that profile."""
    if profil in D_UN_GUICHET:
        return tuple(TERRITOIRES)
    return ("059", "111") if profil is ProfilCompte.GESTIONNAIRE else ("",)


def _compte(conn: Connection, profil: ProfilCompte, place: str, scene: Scene) -> uuid.UUID:
    identifiant = uuid.uuid4()
    row = {
        "id": identifiant,
        "courriel": f"{profil.value}.{place or 'tout'}@exemple.fr".lower(),
        "nom": f"Compte {profil.value} {place}".strip(),
        "profil": profil.value,
        "guichet": place if profil in D_UN_GUICHET else None,
        "territoires": [place] if profil is ProfilCompte.GESTIONNAIRE else [],
        "habilite": False,
        "cree_le": scene.now,
        "cree_par": "tests",
        "certifie_le": scene.now,
        "certifie_par": "tests",
    }
    conn.execute(insert(COMPTE).values(row))
    return identifiant
