"""What enters a filter because time passes: the sweep of each day ([FIL-14]).

An age, a seniority, an abnormal delay reached make a filter take a demande to which nothing happens. Each day
looks only at the filters that depend on time, and for these only at the demandes that cross one of their
thresholds: found by the indexes of the deposits, of the birth dates and of the delays. They are then judged
for good, as they were the day before and as they are: what a filter took already is left to a back-fill.

The ages of those who are not tenants (children, dependants) have no index: they wait for the next event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Engine, Row, text

from dispatching.connu import read_connu
from dispatching.offres import LOT_MAX, Recherche, Trouvee, offer, read_kept
from dispatching.perimetres import Perimetres
from dispatching.recipients import Raison, Sujet, judge
from filters.language import Filtre, Intervalle
from filters.source import contexte_of
from filters.store import VersionFiltre, filtres_in_force
from filters.traits import traits_of
from registry.controles import PARIS
from registry.generations import Generation, read
from registry.guichets import Guichet
from registry.guichets_store import get_guichet
from registry.journal import Chaine
from registry.validite import add_months

NOM: Final = "balayage"

AGES: Final = frozenset({"age_demandeur", "age_plus_age"})
RELATIFS: Final = AGES | {"anciennete", "delai_anormal"}
"""The criteria whose value time alone changes, and that the sweep follows."""

Seuil = tuple[str, int]
"""A criterion and the value from which a condition changes its answer; 0 for a yes or no."""


@dataclass(frozen=True, slots=True)
class _Periode:
    """The days that are swept: after `veille`, up to `jour`."""

    veille: date
    jour: date


def seuils_of(filtres: Iterable[Filtre]) -> frozenset[Seuil]:
    """The thresholds of these filters that time makes demandes cross."""
    found: set[Seuil] = set()
    for condition in (each for filtre in filtres for each in filtre.conditions):
        if condition.critere not in RELATIFS:
            continue
        if isinstance(condition, Intervalle):
            bornes = (condition.mini, None if condition.maxi is None else condition.maxi + 1)
            found |= {(condition.critere, borne) for borne in bornes if borne is not None}
        else:
            found.add((condition.critere, 0))
    return frozenset(found)


def sweep(
    engine: Engine,
    instant: datetime,
    *,
    essai: bool = False,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Offer what entered a filter since the last sweep, up to the day of `instant` (aware); how many.

    Each batch is a transaction; interrupted, it is run again and offers nothing twice. Nights that were
    missed are swept together; the first sweep is of one day. essai: how many would be offered.
    """
    jour = instant.astimezone(PARIS).date()
    with engine.connect() as conn:
        dernier = conn.execute(_LAST, {"nom": NOM}).scalar_one_or_none()
        by_guichet: dict[str, list[VersionFiltre]] = {}
        for version in filtres_in_force(conn, instant):
            by_guichet.setdefault(version.guichet, []).append(version)
    periode = _Periode(dernier or jour - timedelta(days=1), jour)
    if periode.veille >= jour:
        return 0
    perimetres = Perimetres()
    crossed: dict[tuple[str, Seuil], frozenset[str]] = {}
    nombre = 0
    for code, versions in sorted(by_guichet.items()):
        seuils = seuils_of(each.filtre for each in versions if each.filtre is not None)
        if seuils:
            for lot in _entries(engine, code, versions, seuils, periode, crossed, instant):
                nombre += len(lot) if essai else _offer(engine, code, lot, perimetres, instant)
                if progress is not None:
                    progress(len(lot))
    if not essai:
        with engine.begin() as conn:
            conn.execute(_DONE, {"nom": NOM, "jour": jour})
    return nombre


def _entries(
    engine: Engine,
    code: str,
    versions: Sequence[VersionFiltre],
    seuils: frozenset[Seuil],
    periode: _Periode,
    crossed: dict[tuple[str, Seuil], frozenset[str]],
    instant: datetime,
) -> Iterator[list[Trouvee]]:
    """What the filters of a guichet take since these days, a batch at a time."""
    with engine.connect() as conn:
        guichet = get_guichet(conn, code)
        assert guichet is not None, "un guichet ne s'efface pas"
        numeros: set[str] = set()
        for cle in ((territoire, seuil) for territoire in guichet.territoires for seuil in seuils):
            if cle not in crossed:
                crossed[cle] = _crossing(conn, *cle, periode)
            numeros |= crossed[cle]
        recherche = Recherche.of(guichet, versions)
        ordered = sorted(numeros)
        for start in range(0, len(ordered), LOT_MAX):
            lot = ordered[start : start + LOT_MAX]
            rows = conn.execute(_READ, {"numeros": lot, "guichet": code}).all()
            found = _judge(conn, recherche, rows, periode, instant)
            if found:
                yield found


def _crossing(conn: Connection, territoire: str, seuil: Seuil, periode: _Periode) -> frozenset[str]:
    """The active demandes that may cross the threshold: all that do, and a few that do not."""
    critere, valeur = seuil
    if critere == "anciennete":
        # The end of a short month moves a threshold by three days at most.
        de, a = add_months(periode.veille, -valeur) - timedelta(days=3), add_months(periode.jour, -valeur)
        query, bornes = _DEPOSITED, {"de": de, "a": a + timedelta(days=3)}
    elif critere in AGES:
        query = _BORN
        de, a = add_months(periode.veille, -12 * valeur), add_months(periode.jour, -12 * valeur)
        bornes = {"de": de - timedelta(days=1), "a": a + timedelta(days=1)}
    else:
        query, bornes = _LATE, {"de": periode.veille, "a": periode.jour}
    textes = {nom: borne.isoformat() for nom, borne in bornes.items()}
    return frozenset(conn.execute(query, {"territoire": territoire, **textes}).scalars())


def _judge(
    conn: Connection,
    recherche: Recherche,
    rows: Sequence[Row[Any]],
    periode: _Periode,
    instant: datetime,
) -> list[Trouvee]:
    numeros = [row.numero for row in rows]
    avant, maintenant = (read_connu(conn, numeros, jour) for jour in (periode.veille, periode.jour))
    # Noon: the day is what counts.
    veille = datetime(periode.veille.year, periode.veille.month, periode.veille.day, 12, tzinfo=PARIS)
    found = []
    for row in rows:
        demande = read_kept(row.document)
        base = (row.nature, row.auteur)
        version = recherche.find(traits_of(demande, contexte_of(*base, instant, maintenant.get(row.numero))))
        if version is None:
            continue
        if recherche.find(traits_of(demande, contexte_of(*base, veille, avant.get(row.numero)))) is not None:
            continue
        sujet = Sujet(row.territoire, demande.communes_souhaitees, row.auteur)
        if judge(recherche.guichet, sujet, version).destinataire:
            connu = maintenant.get(row.numero)
            found.append(Trouvee(row.numero, row.version, row.nature, version, connu))
    return found


def _offer(
    engine: Engine, code: str, lot: Sequence[Trouvee], perimetres: Perimetres, instant: datetime
) -> int:
    """Offer them, unless the right or the filters are no longer those that judged: the next event decides."""
    with engine.begin() as conn:
        Chaine.lock(conn)
        filtres = read(conn, Generation.FILTRES)
        known = {(each.identifiant, each.version) for each in filtres_in_force(conn, instant, code)}
        perimetres.refresh(conn, read(conn, Generation.IDENTITES), last_perimetre(conn))
        guichet: Guichet = perimetres.guichets[code]
        kept = [each for each in lot if (each.filtre.identifiant, each.filtre.version) in known]
        if not guichet.actif or not kept:
            return 0
        return offer(
            conn,
            code,
            kept,
            raison=Raison.BALAYAGE,
            instant=instant,
            rattrapage=None,
            filtres=filtres,
            perimetres=perimetres.retenue,
        )


def last_perimetre(conn: Connection) -> int:
    """Generation of the last row of `perimetre`."""
    return int(conn.execute(text("SELECT coalesce(max(generation), 0) FROM perimetre")).scalar_one())


_LAST: Final = text("SELECT jour FROM tache_du_jour WHERE nom = :nom")
_DONE: Final = text("""
    INSERT INTO tache_du_jour (nom, jour) VALUES (:nom, :jour)
    ON CONFLICT (nom) DO UPDATE SET jour = greatest(tache_du_jour.jour, excluded.jour)
""")
_DEPOSITED: Final = text("""
    SELECT numero FROM recherche WHERE territoire = :territoire
        AND depot BETWEEN CAST(:de AS date) AND CAST(:a AS date)
""")
_BORN: Final = text("""
    SELECT DISTINCT numero FROM identite
    WHERE active AND territoire = :territoire AND right(cle, 10) BETWEEN :de AND :a
""")
_LATE: Final = text("""
    SELECT numero FROM recherche WHERE territoire = :territoire
        AND anormal_le > CAST(:de AS date) AND anormal_le <= CAST(:a AS date)
""")
_READ: Final = text("""
    SELECT d.numero, d.version, d.territoire, v.nature, v.guichet AS auteur, v.document
    FROM demande d JOIN demande_version v ON v.numero = d.numero AND v.version = d.version
    WHERE d.numero = ANY(CAST(:numeros AS text[])) AND d.etat = 'active'
        AND NOT EXISTS (SELECT FROM detention h WHERE h.numero = d.numero AND h.guichet = :guichet)
    ORDER BY d.numero
""")
