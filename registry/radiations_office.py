"""The radiation of what was not renewed, by the hub itself (CDC 2015 §6.1, regles §2.3)."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from lxml import etree
from sqlalchemy import Engine, text

from registry.controles import PARIS
from registry.documents_gardes import read_tree
from registry.evenements import Decideur
from registry.journal import Chaine
from registry.lifecycle import Etat, Fait
from registry.regles import Regles
from registry.situation import Situation, read_situations
from registry.suites import SYSTEME, Registre, Revision, system
from registry.validite import SANS_RENOUVELLEMENT, add_months, radiation_day
from schemas.demande import read_demande
from schemas.lecture import PREFIX
from schemas.revision import body_of, mark_changes, put

_LOT: Final = 100
"""Radiations of one transaction: at some 2 ms each, registrations wait 0.2 s for the chain at most."""


@dataclass(frozen=True, slots=True)
class RadieeDOffice:
    """One demande radiated, and the expiry that it let pass."""

    numero: str
    echeance: date


# Told at least the months of the second notice ago, for that very expiry (compared in Python).
_LATE: Final = text("""
    SELECT d.numero,
        (SELECT json_agg(DISTINCT p.echeance) FROM preavis p
            WHERE p.numero = d.numero AND p.produit_le <= :averti_le) AS averties
    FROM demande d
    WHERE d.etat = 'active' AND d.numero > :apres AND coalesce(d.date_renouvellement, d.date_depot) <= :depart
    ORDER BY d.numero LIMIT :lot
""")


def radiate_expired(
    engine: Engine,
    regles: Regles,
    instant: datetime,
    decideur: Decideur,
    *,
    essai: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Iterator[RadieeDOffice]:
    """Radiate what expired and was told, one transaction a batch; those radiated, as they are ([VIE-62]).

    essai: what would be radiated; nothing is written. Raises what the database and the decideur raise; what
    was committed before stays, and running again goes on from there.
    """
    jour = instant.astimezone(PARIS).date()
    marge = 0 if regles.echeance == "renouvellement" else regles.validite_mois // 2 + 1
    depart = add_months(jour, marge - regles.validite_mois - regles.tolerance_mois)
    # The month of the notice, from midnight to midnight in Paris, whatever the hour of the job.
    averti = add_months(jour, -regles.second_preavis_mois)
    averti_le = datetime(averti.year, averti.month, averti.day, 23, 59, 59, tzinfo=PARIS)
    apres = ""
    while True:
        with engine.begin() as conn:
            chaine = None if essai else Chaine.lock(conn)
            lignes = conn.execute(
                _LATE, {"apres": apres, "depart": depart, "averti_le": averti_le, "lot": _LOT}
            ).all()
            averties = {ligne.numero: set(ligne.averties or ()) for ligne in lignes}
            situations = read_situations(conn, averties)
            dues = [
                situation
                for _, situation in sorted(situations.items())
                if situation.echeance(regles).isoformat() in averties[situation.numero]
                and jour >= radiation_day(situation.echeance(regles), situation.sursis, regles)
            ]
            if chaine is not None and dues:
                registre = Registre(conn, chaine, instant)
                for situation in dues:
                    registre.add(_radiation(situation, jour, instant))
                registre.write(decideur)
        if not lignes:
            return
        apres = lignes[-1].numero
        if progress is not None:
            progress(len(lignes))
        for situation in dues:
            yield RadieeDOffice(situation.numero, situation.echeance(regles))


def _radiation(situation: Situation, jour: date, instant: datetime) -> Revision:
    ancien = read_tree(situation.document)
    root = copy.deepcopy(ancien)
    radiation = etree.Element(f"{PREFIX}radiation")
    etree.SubElement(radiation, f"{PREFIX}dateRadiation").text = jour.isoformat()
    etree.SubElement(radiation, f"{PREFIX}motifRadiation", code=SANS_RENOUVELLEMENT)
    put(body_of(root), "radiation", radiation)
    mark_changes(root, ancien)
    apres = replace(
        situation,
        etat=Etat.RADIEE,
        version=situation.version + 1,
        auteur=SYSTEME,
        instant=instant,
        derniers={**situation.derniers, SYSTEME: instant},
        date_radiation=jour,
        motif_radiation=SANS_RENOUVELLEMENT,
        sursis=None,
    )
    return Revision(
        auteur=system(instant),
        nature=Fait.RADIATION,
        apres=apres,
        root=root,
        demande=read_demande(root),
        detail={"motif": SANS_RENOUVELLEMENT},
    )
