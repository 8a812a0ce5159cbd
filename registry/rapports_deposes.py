"""The reports of conformity, kept: deposited by a guichet, vouched for, revoked, with all their history."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ARRAY, Connection, Row, Text, cast, select, text, update
from sqlalchemy.dialects.postgresql import insert

from certs.cms import RefusCms
from certs.lecture import Certificat
from certs.signature import ContenuVerifie, verify_signature
from registry.certificats import CertificatEpingle, get_certificat
from registry.conformite import (
    OCTETS_MAX,
    Confiance,
    EtatRapport,
    RapportDepose,
    ReglesConformite,
    end_of,
    etat_of,
    families,
    judge,
    missing,
    proved_channels,
)
from registry.constats import Constat
from registry.generations import Generation, bump
from registry.guichets import CanalDistribution, Guichet
from registry.tables_conformite import RAPPORT_CONFORMITE
from schemas.rapport_conformite import Rapport, read_json

_TABLE: Final = RAPPORT_CONFORMITE.c
_COLONNES: Final = tuple(each for each in _TABLE if each.name != "signe")
_MOTIF_MAX: Final = 500


def open_report(data: bytes) -> tuple[ContenuVerifie, Rapport] | Constat:
    """What a signed report says, once its signature holds, or why it says nothing ([CNF-2])."""
    if len(data) > OCTETS_MAX:
        return Constat("RAPPORT-TAILLE", "rapport", f"il dépasse {OCTETS_MAX} octets")
    opened = verify_signature(data)
    if isinstance(opened, RefusCms):
        return Constat(f"RAPPORT-{opened.motif}", "rapport", opened.texte.rstrip("."))
    rapport = read_json(opened.octets)
    if isinstance(rapport, str):
        return Constat("RAPPORT-ILLISIBLE", "rapport", rapport)
    return opened, rapport


def deposit(
    conn: Connection,
    guichet: Guichet,
    data: bytes,
    regles: ReglesConformite,
    *,
    par: str,
    instant: datetime,
) -> RapportDepose | tuple[Constat, ...]:
    """Keep the signed report of a guichet, sufficient or not, or say why its word is nobody's ([CNF-2]).

    The same one again is the one that is kept already.
    """
    opened = open_report(data)
    if isinstance(opened, Constat):
        return (opened,)
    contenu, rapport = opened
    known = find_report(conn, contenu.empreinte)
    if known is not None and known.guichet == guichet.code:
        return known
    confiance = whose(conn, contenu.signataire, regles, guichet=guichet.code, instant=instant)
    if isinstance(confiance, Constat):
        return (confiance,)
    constats = judge(rapport, regles, guichet=guichet.code, instant=instant)
    canaux = frozenset() if constats else proved_channels(rapport, regles)
    depose = RapportDepose(
        identifiant=uuid.UUID(rapport.identifiant),
        guichet=guichet.code,
        empreinte=contenu.empreinte,
        signataire=contenu.signataire.empreinte,
        signataire_nom=contenu.signataire.sujet,
        confiance=confiance,
        version_interface=rapport.version_interface,
        kit=rapport.kit,
        emis_le=rapport.fin,
        expire_le=end_of(rapport, regles),
        canaux=canaux,
        constats=(*constats, *missing(families(rapport, regles, guichet.canal))),
        depose_par=par,
        depose_le=instant,
    )
    pose = insert(RAPPORT_CONFORMITE).values(signe=data, **_row(depose)).on_conflict_do_nothing()
    if conn.execute(pose.returning(_TABLE.identifiant)).first() is None:
        texte = "un autre rapport déjà déposé porte cet identifiant : relancer une campagne"
        return (Constat("RAPPORT-PRIS", "identifiant", texte),)
    _take_effect(conn, depose, regles, instant=instant)
    return depose


def whose(
    conn: Connection, signataire: Certificat, regles: ReglesConformite, *, guichet: str, instant: datetime
) -> Confiance | Constat:
    """Whose key signed: the operator's, or that of the guichet; the word of anybody else is worth nothing."""
    if signataire.empreinte in regles.signataires:
        return Confiance.EXPLOITANT
    epingle = get_certificat(conn, signataire.empreinte)
    if epingle is not None and epingle.guichet == guichet and _vouches(epingle, instant):
        return Confiance.GUICHET
    texte = (
        f"signé par {signataire.sujet} (empreinte {signataire.empreinte}), qui n'est ni l'exploitant ni un"
        f" certificat en vigueur du guichet {guichet} : --certificat et --cle disent au kit avec quoi signer"
    )
    return Constat("RAPPORT-SIGNATAIRE", "signataire", texte)


def _vouches(epingle: CertificatEpingle, instant: datetime) -> bool:
    """Whether it may speak for its guichet now."""
    dates = epingle.valide_du <= instant <= epingle.valide_au
    return dates and epingle.retire_le is None and epingle.admis


def countersign(
    conn: Connection, identifiant: uuid.UUID, regles: ReglesConformite, *, par: str, instant: datetime
) -> tuple[Constat, ...]:
    """The operator answers for what a guichet signed for itself. Empty answer when done ([CNF-4])."""
    depose = _locked(conn, identifiant)
    if depose is None:
        return (_unknown(identifiant),)
    etat = etat_of(depose, regles, instant=instant)
    if etat is not EtatRapport.A_CONTRESIGNER:
        return (Constat("RAPPORT-ETAT", "rapport", f"il n'est pas à contresigner : il est {etat}"),)
    _change(conn, identifiant, contresigne_par=par, contresigne_le=instant)
    _take_effect(conn, replace(depose, contresigne_par=par, contresigne_le=instant), regles, instant=instant)
    return ()


def revoke(
    conn: Connection, identifiant: uuid.UUID, motif: str, *, par: str, instant: datetime
) -> tuple[Constat, ...]:
    """A report serves no more, for ever, for a reason that is shown to everybody. Empty answer when done."""
    motif = motif.strip()[:_MOTIF_MAX]
    if not motif:
        return (Constat("RAPPORT-MOTIF", "motif", "un motif est attendu : il est montré à qui vérifie"),)
    depose = _locked(conn, identifiant)
    if depose is None:
        return (_unknown(identifiant),)
    if depose.revoque_le is None:
        _change(conn, identifiant, revoque_par=par, revoque_le=instant, motif=motif)
        bump(conn, Generation.IDENTITES)
    return ()


def find_report(conn: Connection, reference: str) -> RapportDepose | None:
    """The report of that identifier, or of that SHA-256 in hexadecimal."""
    key = _uuid(reference)
    where = _TABLE.empreinte == reference.lower() if key is None else _TABLE.identifiant == key
    row = conn.execute(select(*_COLONNES).where(where)).first()
    return None if row is None else _depose(row)


def list_reports(conn: Connection, guichet: str | None = None) -> tuple[RapportDepose, ...]:
    """All of them, or those of a guichet, newest first."""
    query = select(*_COLONNES).order_by(_TABLE.depose_le.desc(), _TABLE.identifiant)
    if guichet is not None:
        query = query.where(_TABLE.guichet == guichet)
    return tuple(_depose(row) for row in conn.execute(query))


def read_signed_report(conn: Connection, identifiant: uuid.UUID) -> bytes | None:
    """The message as it was deposited."""
    return conn.scalar(select(_TABLE.signe).where(_TABLE.identifiant == identifiant))


def read_content(conn: Connection, identifiant: uuid.UUID) -> Rapport | None:
    """What a report that is kept says."""
    signe = read_signed_report(conn, identifiant)
    opened = None if signe is None else open_report(signe)
    return opened[1] if isinstance(opened, tuple) else None


def _take_effect(
    conn: Connection, depose: RapportDepose, regles: ReglesConformite, *, instant: datetime
) -> None:
    """One that comes into force takes the place of the earlier ones of its guichet, unless they prove more
    ([CNF-6])."""
    bump(conn, Generation.IDENTITES)
    if etat_of(depose, regles, instant=instant) is not EtatRapport.EN_VIGUEUR:
        return
    conn.execute(
        update(RAPPORT_CONFORMITE)
        .where(
            _TABLE.guichet == depose.guichet,
            _TABLE.identifiant != depose.identifiant,
            _TABLE.emis_le <= depose.emis_le,
            _TABLE.remplace_le.is_(None),
            _TABLE.revoque_le.is_(None),
            _TABLE.canaux.op("<@")(cast(sorted(depose.canaux), ARRAY(Text))),
        )
        .values(remplace_par=depose.identifiant, remplace_le=instant)
    )


def _locked(conn: Connection, identifiant: uuid.UUID) -> RapportDepose | None:
    # The guichet is locked too: two that come into force together replace one another in some order.
    conn.execute(_VERROU, {"identifiant": identifiant})
    row = conn.execute(select(*_COLONNES).where(_TABLE.identifiant == identifiant)).first()
    return None if row is None else _depose(row)


_VERROU: Final = text("""
    SELECT g.code FROM guichet g JOIN rapport_conformite r ON r.guichet = g.code
    WHERE r.identifiant = :identifiant FOR UPDATE OF g, r
""")


def _change(conn: Connection, identifiant: uuid.UUID, **values: object) -> None:
    conn.execute(update(RAPPORT_CONFORMITE).where(_TABLE.identifiant == identifiant).values(values))


def _unknown(identifiant: uuid.UUID) -> Constat:
    return Constat("RAPPORT-INCONNU", "rapport", f"aucun rapport {identifiant} n'est déposé")


def _row(depose: RapportDepose) -> dict[str, object]:
    constats = [[each.code, each.champ, each.texte] for each in depose.constats]
    return {
        "identifiant": depose.identifiant,
        "guichet": depose.guichet,
        "empreinte": depose.empreinte,
        "signataire": depose.signataire,
        "signataire_nom": depose.signataire_nom,
        "confiance": depose.confiance.value,
        "version_interface": depose.version_interface,
        "kit": depose.kit,
        "emis_le": depose.emis_le,
        "expire_le": depose.expire_le,
        "canaux": sorted(depose.canaux),
        "constats": json.dumps(constats, ensure_ascii=False),
        "depose_par": depose.depose_par,
        "depose_le": depose.depose_le,
    }


def _depose(row: Row[Any]) -> RapportDepose:
    values = dict(row._mapping)
    values |= {
        "confiance": Confiance(row.confiance),
        "canaux": frozenset(CanalDistribution(each) for each in row.canaux),
        "constats": tuple(Constat(*each) for each in json.loads(row.constats)),
    }
    return RapportDepose(**values)


def _uuid(value: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(value) if len(value) == 36 else None
    except ValueError:
        return None
