"""Signed reports of conformity, made for a test: what the kit writes, about a few assertions."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from certs.autorite import create_autorite
from certs.paire import Paire, load_paire
from certs.signature import sign
from registry.conformite import Exigee, ReglesConformite
from registry.guichets import CanalDistribution
from schemas.rapport_conformite import (
    FORMAT,
    Ligne,
    Mode,
    Niveau,
    Rapport,
    Verdict,
    conforms,
    count_verdicts,
    write_json,
)

APPELS = frozenset({CanalDistribution.PUSH, CanalDistribution.RETRAIT})
EXIGEES = (
    Exigee("C0101", "01", "Connexion", APPELS),
    Exigee("C0401", "04", "Documents", APPELS),
    Exigee("C0701", "07", "Distributions", frozenset({CanalDistribution.PUSH})),
    Exigee("C0724", "07", "Distributions", frozenset({CanalDistribution.RETRAIT})),
)
TOUTES = tuple(each.id for each in EXIGEES)


def identity(nom: str, *, now: datetime) -> Paire:
    """A key and its certificate, of an authority of its own."""
    made = create_autorite(now=now).issue_guichet(nom, now=now)
    return load_paire(made.chaine, made.cle)


def rules(*signataires: Paire, **autres: object) -> ReglesConformite:
    """What the hub asks; the operator signs with those keys."""
    known = {each.certificat.empreinte: each.certificat.sujet for each in signataires}
    return ReglesConformite(exigees=EXIGEES, signataires=known, **autres)  # type: ignore[arg-type]


def line(ident: str, verdict: Verdict = Verdict.REUSSIE) -> Ligne:
    titres = {each.id: each.titre for each in EXIGEES}
    return Ligne(
        ident,
        titres.get(ident, "Autre"),
        f"Titre de {ident}",
        Niveau.DOIT,
        ("SOA-1",),
        {"SOA-1": "règle"},
        f"Conduite de {ident}.",
        verdict,
        "le statut",
        "200",
        "500" if verdict is Verdict.ECHOUEE else "200",
        "",
    )


def report(
    guichet: str, fin: datetime, verdicts: Mapping[str, Verdict] | None = None, **autres: object
) -> Rapport:
    """A report of a client, as the kit concludes; all that is asked for holds unless `verdicts` says."""
    shown = dict.fromkeys(TOUTES, Verdict.REUSSIE) if verdicts is None else verdicts
    lignes = tuple(line(ident, verdict) for ident, verdict in shown.items())
    made = Rapport(
        format=FORMAT,
        identifiant=str(uuid.uuid4()),
        kit="echangeur-conformite 1.0",
        mode=Mode.CLIENT,
        cible="Logiciel <b>d'essai</b>",
        adresse="",
        guichet=guichet,
        version_interface="02.01",
        graine="graine",
        profil="0" * 64,
        debut=fin - timedelta(minutes=5),
        fin=fin,
        expire=fin + timedelta(days=365),
        complet=True,
        conforme=conforms(lignes),
        totaux=count_verdicts(lignes),
        controle="",
        resultats=lignes,
    )
    return msgspec.structs.replace(made, **autres)


def signed(rapport: Rapport, paire: Paire) -> bytes:
    """As the kit signs it."""
    return sign(write_json(rapport), [paire], instant=rapport.fin)
