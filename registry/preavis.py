"""The notices of expiry: who must be told, when, by which channel (regles §2.2, CCH R441-2-7).

Two months before the expiry by the lightest channel that the demande gives; one month before, if it is still
not renewed, by a tracked letter, unless the applicant chose electronic reminders. The hub makes the list;
posting and sending are not its affair. No demande is radiated for want of renewal that was not told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, Engine, text

from registry.controles import PARIS
from registry.documents_gardes import read_kept
from registry.lignes import encode_rows
from registry.regles import Regles
from registry.validite import add_months, echeance
from schemas.adresses import Adresse
from schemas.demande import Demande

_LOT: Final = 500


class CanalPreavis(StrEnum):
    """How the applicant is told. Stored; never renamed."""

    MEL_ET_SMS = "mel+sms"
    MEL = "mel"
    SMS = "sms"
    LETTRE = "lettre"
    LETTRE_SUIVIE = "lettre-suivie"


@dataclass(frozen=True, slots=True)
class Preavis:
    """One notice to be sent. rang: 1, two months before; 2, one month before. Nominative."""

    numero: str
    echeance: date
    rang: int
    canal: CanalPreavis
    nom: str
    prenom: str
    mel: str
    telephone: str
    adresse: str


_DUE: Final = text("""
    SELECT d.numero, d.date_depot, d.date_renouvellement, v.document,
        (SELECT json_agg(json_build_array(p.echeance, p.rang)) FROM preavis p WHERE p.numero = d.numero)
            AS connus
    FROM demande d JOIN demande_version v ON v.numero = d.numero AND v.version = d.version
    WHERE d.etat = 'active' AND d.numero > :apres AND coalesce(d.date_renouvellement, d.date_depot) <= :depart
    ORDER BY d.numero LIMIT :lot
""")
_KEEP: Final = text("""
    INSERT INTO preavis (numero, echeance, rang, canal, produit_le)
    SELECT numero, echeance, rang, canal, :instant FROM json_to_recordset(CAST(:lot AS json))
        AS t(numero text, echeance date, rang smallint, canal text)
    ON CONFLICT DO NOTHING
""")


def produce_notices(
    engine: Engine,
    regles: Regles,
    instant: datetime,
    *,
    essai: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Iterator[Preavis]:
    """The notices due on the day of `instant` (aware), each once, kept batch by batch as they come out.

    essai: nothing is kept, the same list comes out again. A batch is committed before its notices are given:
    one interrupted between the two is the price of never sending the same letter twice.
    """
    jour = instant.astimezone(PARIS).date()
    # On an anniversary the validity may be up to half a period shorter.
    marge = 0 if regles.echeance == "renouvellement" else regles.validite_mois // 2 + 1
    depart = add_months(jour, regles.premier_preavis_mois - regles.validite_mois + marge)
    apres = ""
    while True:
        with engine.begin() as conn:
            lignes = conn.execute(_DUE, {"apres": apres, "depart": depart, "lot": _LOT}).all()
            trouves = []
            for ligne in lignes:
                fin = echeance(ligne.date_depot, ligne.date_renouvellement, regles)
                connus = {rang for quand, rang in ligne.connus or () if quand == fin.isoformat()}
                rang = due_rank(fin, jour, connus, regles)
                if rang is not None:
                    trouves.append(_notice(ligne.numero, fin, rang, read_kept(ligne.document)))
            if not essai:
                _keep(conn, trouves, instant)
        if not lignes:
            return
        apres = lignes[-1].numero
        if progress is not None:
            progress(len(lignes))
        yield from trouves


def due_rank(fin: date, jour: date, connus: set[int], regles: Regles) -> int | None:
    """The notice due on that day for a demande that expires on `fin`, given those already produced
    ([VIE-60])."""
    if jour >= add_months(fin, -regles.second_preavis_mois):
        return None if 2 in connus else 2
    if jour >= add_months(fin, -regles.premier_preavis_mois):
        return None if connus else 1
    return None


def _keep(conn: Connection, trouves: list[Preavis], instant: datetime) -> None:
    if trouves:
        lot = encode_rows(
            {"numero": one.numero, "echeance": one.echeance, "rang": one.rang, "canal": one.canal}
            for one in trouves
        )
        conn.execute(_KEEP, {"lot": lot, "instant": instant})


def _notice(numero: str, fin: date, rang: int, demande: Demande) -> Preavis:
    personne, association = demande.demandeur, demande.association
    qui = personne or association
    assert qui is not None, "une demande a un demandeur ou une association"
    telephone = qui.tel_portable
    return Preavis(
        numero=numero,
        echeance=fin,
        rang=rang,
        canal=channel_of(rang, qui.mel, telephone, electronique=demande.renouvellement_elec or False),
        nom=qui.nom,
        prenom=personne.prenom if personne else "",
        mel=qui.mel,
        telephone=telephone,
        adresse=_one_line(qui.adresse_postale),
    )


def channel_of(rang: int, mel: str, telephone: str, *, electronique: bool) -> CanalPreavis:
    """electronique: the applicant agreed to be told by electronic means only (renouvellementElec)
    ([VIE-61])."""
    if mel and telephone:
        leger = CanalPreavis.MEL_ET_SMS
    elif mel:
        leger = CanalPreavis.MEL
    elif telephone:
        leger = CanalPreavis.SMS
    else:
        leger = CanalPreavis.LETTRE
    if rang == 1 or (electronique and leger is not CanalPreavis.LETTRE):
        return leger
    return CanalPreavis.LETTRE_SUIVIE


def _one_line(adresse: Adresse | None) -> str:
    if adresse is None:
        return ""
    parts = (
        adresse.comp_adresse,
        f"{adresse.numero} {adresse.voie}".strip(),
        adresse.lieu_dit,
        adresse.code_postal or adresse.code_postal_etranger,
        adresse.commune or adresse.commune_etranger,
        adresse.pays,
    )
    return ", ".join(part for part in parts if part)
