"""What the daily tasks do with brouillons and deposits: end, tell, erase ([POR-42], [POR-50], [POR-51])."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Engine, text

from registry import depots_store as store
from registry.controles import PARIS
from registry.depots import MOTIFS, Depot, Motif
from registry.depots_store import read_depot
from registry.documents_gardes import read_kept
from registry.effacement import NATURE
from registry.journal import Chaine, Ecriture
from registry.portail import invalidate
from registry.preavis import CanalPreavis
from registry.recus_portail import channel_of_depot
from registry.regles import Regles
from registry.suites import system

_LOT: Final = 200

# Each is asked for again until nothing comes: what was done no longer meets the condition.
_EXPIRED: Final = text(f"""
    SELECT {store.COLONNES} FROM depot
    WHERE etat = 'attente' AND depose_le < :limite AND id > CAST(:apres AS uuid) ORDER BY id LIMIT :lot
""")  # noqa: S608
_TO_TELL: Final = text(f"""
    SELECT {store.COLONNES} FROM depot
    WHERE etat = 'invalidee' AND avise_le IS NULL AND id > CAST(:apres AS uuid) ORDER BY id LIMIT :lot
""")  # noqa: S608
_TOLD: Final = text("UPDATE depot SET avise_le = :instant WHERE id = ANY(CAST(:ids AS uuid[]))")
_TO_ERASE: Final = text(f"""
    SELECT {store.COLONNES} FROM depot
    WHERE id > CAST(:apres AS uuid) AND (
        (etat = 'brouillon' AND maj_le < :brouillons)
        OR (etat = 'invalidee' AND avise_le IS NOT NULL AND issue_le < :invalides))
    ORDER BY id LIMIT :lot
""")  # noqa: S608


@dataclass(frozen=True, slots=True)
class Avis:
    """An applicant to be told that his deposit was refused. Nominative."""

    depot: str
    motif: str
    texte: str
    commentaire: str
    canal: CanalPreavis
    nom: str
    prenom: str
    mel: str
    telephone: str


Progres = Callable[[int], None] | None


def expire_depots(
    engine: Engine, regles: Regles, instant: datetime, *, essai: bool = False, progress: Progres = None
) -> int:
    """Refuse the deposits that waited too long; how many. essai: how many would be."""
    limite = _days_before(instant, regles.depot_jours)

    def work(conn: Connection, depots: list[Depot]) -> None:
        Chaine.lock(conn)
        for depot in depots:
            # Validated since it was read: the lock of its row tells.
            courant = store.find_depot(conn, str(depot.id))
            if courant is not None:
                invalidate(conn, system(instant), courant, Motif.EXPIRE, "", "")

    return _each(engine, _EXPIRED, {"limite": limite}, None if essai else work, progress)


def tell(engine: Engine, instant: datetime, *, essai: bool = False) -> Iterator[Avis]:
    """Whom to tell, each once; a batch is kept before it comes out, as for notices (registry.preavis)."""
    apres = uuid.UUID(int=0)
    while True:
        with engine.begin() as conn:
            depots = [read_depot(ligne) for ligne in conn.execute(_TO_TELL, {"apres": apres, "lot": _LOT})]
            if depots and not essai:
                conn.execute(_TOLD, {"ids": [depot.id for depot in depots], "instant": instant})
        if not depots:
            return
        apres = depots[-1].id
        yield from map(_notice, depots)


def erase_depots(
    engine: Engine, regles: Regles, instant: datetime, *, essai: bool = False, progress: Progres = None
) -> int:
    """Erase the brouillons left, and the deposits refused long enough ago; how many."""

    def work(conn: Connection, depots: list[Depot]) -> None:
        Chaine.lock(conn).append([_erasure(depot, instant) for depot in depots if depot.sequence_depot])
        store.erase_depots(conn, [depot.id for depot in depots], instant)

    limites = {
        "brouillons": _days_before(instant, regles.brouillon_jours),
        "invalides": _days_before(instant, regles.depot_conservation_jours),
    }
    return _each(engine, _TO_ERASE, limites, None if essai else work, progress)


def _each(
    engine: Engine,
    query: object,
    parametres: dict[str, datetime],
    work: Callable[[Connection, list[Depot]], None] | None,
    progress: Progres,
) -> int:
    nombre, apres = 0, uuid.UUID(int=0)
    while True:
        with engine.begin() as conn:
            lignes = conn.execute(query, {**parametres, "apres": apres, "lot": _LOT}).all()  # type: ignore[call-overload]
            depots = [read_depot(ligne) for ligne in lignes]
            if depots and work is not None:
                work(conn, depots)
        if not depots:
            return nombre
        apres, nombre = depots[-1].id, nombre + len(depots)
        if progress is not None:
            progress(len(depots))


def _erasure(depot: Depot, instant: datetime) -> Ecriture:
    detail = {"entree": depot.sequence_depot, "identifiant": depot.id.hex}
    return system(instant).entry(NATURE, detail=detail)


def _notice(depot: Depot) -> Avis:
    assert depot.document is not None, "un dépôt invalidé garde son document jusqu'à son effacement"
    demande = read_kept(depot.document)
    personne = demande.demandeur
    qui = personne or demande.association
    assert qui is not None, "une demande a un demandeur ou une association"
    assert depot.motif is not None
    return Avis(
        depot=str(depot.id),
        motif=depot.motif,
        texte=MOTIFS[Motif(depot.motif)],
        commentaire=depot.commentaire,
        canal=channel_of_depot(depot),
        nom=qui.nom,
        prenom=personne.prenom if personne else "",
        mel=qui.mel,
        telephone=qui.tel_portable,
    )


def _days_before(instant: datetime, jours: int) -> datetime:
    """Midnight, in Paris, of the day that many days before, the next one: what is of that day is over."""
    jour: date = instant.astimezone(PARIS).date() - timedelta(days=jours - 1)
    return datetime(jour.year, jour.month, jour.day, tzinfo=PARIS).astimezone(UTC)
