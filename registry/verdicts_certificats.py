"""What the authorities of partners say of the certificates pinned, judged apart from any request and kept.

A verdict holds until something that it rests upon changes: an authority or a list (generation « confiance »),
a response of OCSP, or the hour (a list past its grace, the end of an authority). Only those are judged again:
a path with its lists takes about 15 ms, and there are thousands of pins.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Engine, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from certs.algorithmes import PAR_DEFAUT, PROFILS
from certs.chemin import ReponseOcsp, read_ocsp
from certs.lecture import Certificat, read_certificat
from certs.verification import Motif, Verdict
from registry.certificats import list_certificats
from registry.confiance import AutoriteConfiance, Confiance
from registry.constats import Constat
from registry.generations import Generation, bump, read
from registry.guichets_store import list_guichets
from registry.tables import CERTIFICAT
from registry.tables_certificats import REPONSE_OCSP, VERDICT_CERTIFICAT
from registry.usages_certificats import ADMIS

LOT: Final = 100
"""Certificates judged in one transaction."""


Charge = Callable[[Connection], Confiance]
"""Reads what to judge with; called only when something is to be judged: a long list takes 300 ms to read."""


def judge_due(conn: Connection, load: Charge, *, instant: datetime) -> int:
    """Judge the certificates whose verdict is missing or no longer holds, LOT at most; how many it was.

    The processes are told (generation « identites ») only when one is no longer worth what it was.
    """
    generation = read(conn, Generation.CONFIANCE)
    due = _due(conn, generation, instant)
    if not due:
        return 0
    confiance = load(conn)
    profils = {guichet.code: PROFILS[guichet.capacites] for guichet in list_guichets(conn)}
    known = {each.empreinte: each for each in list_certificats(conn)}
    reponses = _reponses(conn, due)
    changed = False
    for empreinte in due:
        epingle = known[empreinte]
        lu = read_certificat(epingle.pem)
        assert isinstance(lu, Certificat)
        mine = reponses.get(empreinte, ())
        # Its own dates are told by themselves: judged when it is valid, or not at all.
        within = epingle.valide_du <= instant <= epingle.valide_au
        motif, constat, attendu = Motif.VALIDE, "", ""
        if within:
            profil = profils.get(epingle.guichet, PAR_DEFAUT)
            verdict = confiance.judge(
                lu, at=instant, profil=profil, reponses=mine, connu_le=epingle.enregistre_le
            )
            motif = verdict.motif
            constat, attendu = _said(verdict), verdict.attendu
        same = epingle.motif is motif
        changed |= not same and (epingle.motif not in ADMIS or motif not in ADMIS)
        values = {
            "motif": motif,
            "constat": constat,
            "attendu": attendu,
            "depuis": epingle.juge_depuis if same and epingle.juge_depuis else instant,
            "jusque": confiance.next_change(lu, instant, mine, epingle.enregistre_le),
            "generation": generation,
        }
        pose = insert(VERDICT_CERTIFICAT).values(empreinte=empreinte, **values)
        conn.execute(pose.on_conflict_do_update(index_elements=["empreinte"], set_=values))
    if changed:
        bump(conn, Generation.IDENTITES)
    return len(due)


def judge_all(engine: Engine, load: Charge, *, instant: datetime) -> None:
    """Judge all that is due, one transaction for each lot."""
    while True:
        with engine.begin() as conn:
            if judge_due(conn, load, instant=instant) < LOT:
                return


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be asked of the responder of an authority: is this certificate revoked?"""

    certificat: Certificat
    autorite: AutoriteConfiance


def questions_due(conn: Connection, confiance: Confiance, *, instant: datetime) -> tuple[Question, ...]:
    """The certificates in force about which a responder must be asked: never, or past half of the answer."""
    table = REPONSE_OCSP.c
    kept = {
        row.empreinte: row
        for row in conn.execute(select(table.empreinte, table.publiee_le, table.prochaine_le))
    }
    found = []
    for epingle in list_certificats(conn):
        if epingle.retire_le is not None or not epingle.valide_du <= instant <= epingle.valide_au:
            continue
        row = kept.get(epingle.empreinte)
        if row is not None and row.prochaine_le is not None:
            half = row.publiee_le + (row.prochaine_le - row.publiee_le) / 2
            if instant < half:
                continue
        lu = read_certificat(epingle.pem)
        assert isinstance(lu, Certificat)
        autorite = confiance.responder_of(lu)
        if autorite is not None:
            found.append(Question(lu, autorite))
    return tuple(found)


def keep_ocsp(
    conn: Connection, question: Question, der: bytes, confiance: Confiance, *, instant: datetime
) -> tuple[Constat, ...]:
    """Keep the answer to a question, about a certificate that is then judged again; or say why not."""
    reponse = read_ocsp(der)
    if reponse is None:
        return (Constat("OCSP-REFUSEE", "ocsp", "ce n'est pas une réponse OCSP lisible"),)
    empreinte = question.certificat.empreinte
    table = REPONSE_OCSP.c
    former = conn.execute(select(table.publiee_le).where(table.empreinte == empreinte)).scalar_one_or_none()
    # A former answer replayed would forget a revocation.
    if former is not None and reponse.publiee_le < former:
        return (Constat("OCSP-REFUSEE", "ocsp", "la réponse est plus ancienne que celle qui est gardée"),)
    if not confiance.is_usable(question.certificat, reponse, at=instant):
        texte = "la réponse n'est pas utilisable : elle est d'un autre, ou finie, ou sur un autre certificat"
        return (Constat("OCSP-REFUSEE", "ocsp", texte),)
    values = {
        "reponse": der,
        "publiee_le": reponse.publiee_le,
        "prochaine_le": reponse.prochaine_le,
        "obtenue_le": instant,
    }
    pose = insert(REPONSE_OCSP).values(empreinte=empreinte, **values)
    conn.execute(pose.on_conflict_do_update(index_elements=["empreinte"], set_=values))
    verdict = VERDICT_CERTIFICAT.c
    conn.execute(update(VERDICT_CERTIFICAT).where(verdict.empreinte == empreinte).values(jusque=instant))
    return ()


def _due(conn: Connection, generation: int, instant: datetime) -> list[str]:
    verdict = VERDICT_CERTIFICAT.c
    query = (
        select(CERTIFICAT.c.empreinte)
        .outerjoin(VERDICT_CERTIFICAT, verdict.empreinte == CERTIFICAT.c.empreinte)
        .where(CERTIFICAT.c.retire_le.is_(None))
        .where(or_(func.coalesce(verdict.generation, -1) != generation, verdict.jusque <= instant))
        .order_by(CERTIFICAT.c.empreinte)
        .limit(LOT)
    )
    return list(conn.execute(query).scalars())


def _said(verdict: Verdict) -> str:
    return (
        f"{verdict.texte.rstrip('.')} ({verdict.constat})" if verdict.constat else verdict.texte.rstrip(".")
    )


def _reponses(conn: Connection, empreintes: list[str]) -> dict[str, tuple[ReponseOcsp, ...]]:
    table = REPONSE_OCSP.c
    rows = conn.execute(select(table.empreinte, table.reponse).where(table.empreinte.in_(empreintes)))
    read_ones = {row.empreinte: read_ocsp(row.reponse) for row in rows}
    return {empreinte: (each,) for empreinte, each in read_ones.items() if each is not None}
