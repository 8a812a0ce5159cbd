"""What this instance asks of the reports of its guichets: catalogue of its kit, settings, keys."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Final

from certs.lecture import Certificat, read_certificat
from conformance.assertion import Niveau
from conformance.assertions import FAMILLES, client_assertions
from echangeur.config_raccordement import starts_on
from echangeur.instance import Instance
from echangeur.sortie import MauvaisUsage
from registry.conformite import CAPACITES, Exigee, ReglesConformite

_PEM: Final = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@cache
def exigees() -> tuple[Exigee, ...]:
    """The assertions that a report must show as held: those of level « doit » about a client, each for the
    channels that bring what it needs."""
    found = []
    for each in client_assertions():
        needs = frozenset(each.exige)
        canaux = frozenset(canal for canal, brings in CAPACITES.items() if needs and needs.issubset(brings))
        if each.niveau is Niveau.DOIT and canaux:
            found.append(Exigee(each.id, each.famille, FAMILLES[each.famille][1], canaux))
    return tuple(found)


def regles_of(instance: Instance) -> ReglesConformite:
    """The rules of an instance. Raises MauvaisUsage when its settings name a day that does not exist, or a
    file of certificates that cannot be read."""
    reglage = instance.configuration.raccordement
    try:
        a_partir_du = starts_on(reglage)
    except ValueError:
        raise MauvaisUsage(f"[raccordement] rapport_exige : {reglage.rapport_exige} n'existe pas.") from None
    return ReglesConformite(
        exigees=exigees(),
        signataires=_signataires(instance.path(reglage.signataires)),
        validite=timedelta(days=reglage.validite),
        a_partir_du=a_partir_du,
        alerte=timedelta(days=reglage.alerte),
        grace=timedelta(days=reglage.grace),
    )


def _signataires(fichier: Path) -> dict[str, str]:
    """By the SHA-256 of the certificate, its subject; none when there is no file."""
    try:
        data = fichier.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise MauvaisUsage(f"{fichier} ne se lit pas : {error.strerror}") from None
    found = {}
    for pem in _PEM.findall(data):
        lu = read_certificat(pem)
        if not isinstance(lu, Certificat):
            raise MauvaisUsage(f"{fichier} : {lu.message}")
        found[lu.empreinte] = lu.sujet
    if data.strip() and not found:
        raise MauvaisUsage(f"{fichier} ne contient aucun certificat PEM.")
    return found
