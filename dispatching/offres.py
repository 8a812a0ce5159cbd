"""What is offered from the stock: one step of a back-fill ([DST-100] to [DST-104]).

A step is one transaction: it takes the row of a back-fill, walks on through the demandes of the territories
of the guichet in the order of their numbers, judges those that it does not hold by its filters and rights of
the moment, and makes distributions of those that they take. Killed anywhere, it is as if it had not begun.

The walk reads without any lock. What it found is then written under the lock of the chain, which orders all
decisions: what changed meanwhile was decided with the same filters by its own event, and is left to it; so a
demande is offered once, in its newest state, and never after an event that told it better. When the filters
or the rights of the guichet (`portee`) are no longer those of the walk, it starts again; what it holds by
then is not offered again.

A sequence is given when a distribution is made, and few are made ahead: no event waits behind the stock.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from lxml import etree
from sqlalchemy import Connection, Engine, Row, text

from dispatching.connu import connu_to_json, read_connu
from dispatching.deliveries import distribute, uuid7s
from dispatching.perimetres import Perimetres
from dispatching.rattrapages import COLONNES, EtatRattrapage, Rattrapage, rattrapage_of
from dispatching.recipients import Raison, Sujet, judge
from filters.criteria import CONNUS
from filters.index import FilterIndex, required_place
from filters.lieux import communes_in
from filters.source import Connu, contexte_of
from filters.store import VersionFiltre, filtres_in_force
from filters.traits import Traits, traits_of
from registry.clock import Clock
from registry.controles import PARIS
from registry.generations import Generation, read
from registry.guichets import Guichet
from registry.guichets_store import get_guichet
from registry.journal import Chaine
from registry.lignes import encode_rows
from schemas.demande import Demande, read_demande
from schemas.parser import parse

LOT_MAX: Final = 100
"""Offers of one step: what the lock of the chain is held for, a few milliseconds."""
PAS_PAR_MINUTE: Final = 12
"""Steps in which the offers of a minute are made, when there are enough of them."""
_TRANCHE: Final = 2_000
"""Demandes looked at in one statement."""
_LUES_MAX: Final = 1_000
"""Documents read in one step: some 300 ms, between which a cancellation is heard."""
_TRANCHES_MAX: Final = 20
_REPIT: Final = timedelta(seconds=5)
"""When the guichet has enough waiting: how long before looking again."""


@dataclass(frozen=True, slots=True)
class Recherche:
    """What to look for: for whom, by which filters. portee: what both come from."""

    guichet: Guichet
    filtres: Sequence[VersionFiltre]
    index: FilterIndex
    portee: str

    @classmethod
    def of(cls, guichet: Guichet, filtres: Sequence[VersionFiltre]) -> Recherche:
        numbered = ((key, each.filtre) for key, each in enumerate(filtres) if each.filtre is not None)
        return cls(guichet, filtres, FilterIndex(numbered), portee_of(guichet, filtres))

    def find(self, traits: Traits) -> VersionFiltre | None:
        """The filter that takes a demande, the oldest if there are several."""
        found = (self.filtres[key] for key in self.index.match(traits))
        return min(found, key=lambda version: version.identifiant, default=None)

    @property
    def communes(self) -> frozenset[str] | None:
        """The communes that a demande must wish one of for some filter to take it; None for any."""
        return _communes_of([version for version in self.filtres if version.filtre is not None])


@dataclass(frozen=True, slots=True)
class Trouvee:
    """A demande to be offered, in the version that was judged."""

    numero: str
    version: int
    nature: str
    filtre: VersionFiltre
    connu: Connu | None


@dataclass(frozen=True, slots=True)
class Parcours:
    """A part of the walk. apres: the last number looked at. fini: there is nothing after it."""

    trouvees: Sequence[Trouvee]
    apres: str
    examinees: int
    fini: bool


def portee_of(guichet: Guichet, filtres: Sequence[VersionFiltre]) -> str:
    """What decides whether a demande of the stock is offered to a guichet, as a digest."""
    parts = [
        str(guichet.actif),
        *sorted(guichet.territoires),
        *sorted(guichet.communes),
        *sorted(f"{version.identifiant}.{version.version}" for version in filtres),
    ]
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()


class Offreur:
    """Moves back-fills on, step by step. Not thread-safe; as many as one likes, in as many processes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._perimetres = Perimetres()
        self._recherche: Recherche | None = None

    def step(self, engine: Engine, guichet: str | None = None) -> Rattrapage | None:
        """Move on the back-fill that has waited longest, or that of this guichet; as it is after the step.

        None when none is due, or when another process moves it on.
        """
        with engine.begin() as conn:
            return self.step_in(conn, guichet)

    def step_in(self, conn: Connection, guichet: str | None = None) -> Rattrapage | None:
        """The same in the transaction of the caller."""
        instant = self._clock.now()
        row = conn.execute(_TAKE, {"instant": instant, "guichet": guichet}).first()
        if row is None:
            return None
        known = rattrapage_of(row)
        moved = self._move(conn, known, instant)
        if moved is not None:
            _keep(conn, moved)
        return moved or known

    def _move(self, conn: Connection, known: Rattrapage, instant: datetime) -> Rattrapage | None:
        """None when what the walk rested on has just changed: nothing of it is kept."""
        generation = read(conn, Generation.FILTRES)
        guichet = get_guichet(conn, known.guichet)
        assert guichet is not None, "un guichet ne s'efface pas"
        recherche = self._prepare(guichet, filtres_in_force(conn, instant, guichet.code))
        if known.portee != recherche.portee:
            known = replace(known, portee=recherche.portee, apres="", examinees=0)
        place = min(_room(conn, known), LOT_MAX, max(1, known.debit // PAS_PAR_MINUTE))
        if not place or not guichet.actif:
            return replace(known, prochain_le=instant + _REPIT)
        parcours = search(conn, recherche, known.apres, place, instant)
        offertes = 0
        if parcours.trouvees:
            Chaine.lock(conn)
            generation = read(conn, Generation.FILTRES)
            self._perimetres.refresh(conn, read(conn, Generation.IDENTITES), _last_perimetre(conn))
            now = filtres_in_force(conn, instant, guichet.code, generation=generation)
            if portee_of(self._perimetres.guichets[guichet.code], now) != recherche.portee:
                return None
            offertes = offer(
                conn,
                guichet.code,
                parcours.trouvees,
                instant=instant,
                rattrapage=known.id,
                filtres=generation,
                perimetres=self._perimetres.retenue,
            )
        return replace(
            known,
            apres=parcours.apres,
            examinees=known.examinees + parcours.examinees,
            offertes=known.offertes + offertes,
            prochain_le=instant + timedelta(minutes=offertes / known.debit),
            etat=EtatRattrapage.TERMINE if parcours.fini else EtatRattrapage.EN_COURS,
            termine_le=instant if parcours.fini else None,
        )

    def _prepare(self, guichet: Guichet, filtres: Sequence[VersionFiltre]) -> Recherche:
        """The index of the filters, kept from one step to the next."""
        if self._recherche is None or self._recherche.portee != portee_of(guichet, filtres):
            self._recherche = Recherche.of(guichet, filtres)
        return self._recherche


def search(conn: Connection, recherche: Recherche, apres: str, place: int, instant: datetime) -> Parcours:
    """Walk on from a number until `place` demandes are found, or enough was read, or the end. No lock."""
    guichet = recherche.guichet
    communes = recherche.communes
    if guichet.communes:
        communes = guichet.communes if communes is None else guichet.communes & communes
    trouvees: list[Trouvee] = []
    examinees = lues = 0
    for _ in range(_TRANCHES_MAX):
        tranche = _next(conn, sorted(guichet.territoires), apres)
        if tranche is None:
            return Parcours(trouvees, apres, examinees, fini=True)
        debut, fin, nombre = tranche
        rows = _read(conn, guichet.code, debut, fin, communes)
        connus = _connus(conn, recherche, rows, instant)
        arret = rows[-1].numero if len(rows) == _PAGE else fin
        for row in rows:
            lues += 1
            found = _judge(recherche, row, connus.get(row.numero), instant)
            if found is not None:
                trouvees.append(found)
                if len(trouvees) == place:
                    arret = row.numero
                    break
        if arret != fin:
            nombre = conn.execute(_COUNT, {"apres": debut, "fin": arret}).scalar_one()
        apres = arret
        examinees += nombre
        if len(trouvees) == place or lues >= _LUES_MAX:
            break
    return Parcours(trouvees, apres, examinees, fini=False)


def count_offers(conn: Connection, code: str, instant: datetime, progress: Callable[[int], None]) -> int:
    """How many demandes a back-fill of that guichet would offer now. progress: demandes looked at."""
    guichet = get_guichet(conn, code)
    assert guichet is not None, "le guichet existe"
    recherche = Recherche.of(guichet, filtres_in_force(conn, instant, code))
    nombre, apres, fini = 0, "", False
    while not fini:
        parcours = search(conn, recherche, apres, _LUES_MAX, instant)
        nombre, apres, fini = nombre + len(parcours.trouvees), parcours.apres, parcours.fini
        progress(parcours.examinees)
    return nombre


def _next(conn: Connection, territoires: Sequence[str], apres: str) -> tuple[str, str, int] | None:
    """The demandes to be looked at next: after which number, up to which, how many; None at the end."""
    for territoire in territoires:
        if territoire >= apres[:3]:
            debut = max(apres, territoire)
            values = {"apres": debut, "fin": f"{territoire}{_APRES_TOUT}", "lot": _TRANCHE}
            nombre, fin = conn.execute(_TRANCHE_DE, values).one()
            if nombre:
                return debut, fin, nombre
    return None


def offer(
    conn: Connection,
    guichet: str,
    trouvees: Sequence[Trouvee],
    *,
    instant: datetime,
    rattrapage: int | None,
    raison: Raison = Raison.RATTRAPAGE,
    filtres: int,
    perimetres: int,
) -> int:
    """Make the distributions of those that are still as they were judged and that the guichet still does not
    hold; how many. To be called under the lock of the chain.

    filtres, perimetres: the generations that judged.
    """
    lot = encode_rows({"numero": each.numero, "version": each.version} for each in trouvees)
    same = set(conn.execute(_STILL, {"lot": lot, "guichet": guichet}).scalars())
    kept = [each for each in trouvees if each.numero in same]
    if not kept:
        return 0
    dernier = conn.execute(_COUNT_UP, {"guichet": guichet, "nombre": len(kept)}).scalar_one()
    rows, origins = [], []
    for rang, (identifiant, each) in enumerate(zip(uuid7s(instant, len(kept)), kept, strict=True), start=1):
        rows.append(
            {
                "id": identifiant,
                "guichet": guichet,
                "sequence": dernier - len(kept) + rang,
                "numero": each.numero,
                "version": each.version,
                "nature": each.nature,
                "raison": raison,
                "filtre": each.filtre.identifiant,
                "filtre_version": each.filtre.version,
            }
        )
        origins.append(
            {
                "distribution": identifiant,
                "connu": None if each.connu is None else connu_to_json(each.connu),
            }
        )
    distribute(conn, rows, instant=instant)
    conn.execute(
        _ORIGINS,
        {
            "lot": encode_rows(origins),
            "rattrapage": rattrapage,
            "filtres": filtres,
            "perimetres": perimetres,
        },
    )
    return len(kept)


def _judge(recherche: Recherche, row: Row[Any], connu: Connu | None, instant: datetime) -> Trouvee | None:
    """The demande as its last event left it, on the day of `instant`."""
    demande = read_kept(row.document)
    sujet = Sujet(row.territoire, demande.communes_souhaitees, row.auteur)
    contexte = contexte_of(row.nature, row.auteur, instant, connu)
    version = recherche.find(traits_of(demande, contexte))
    if version is None or not judge(recherche.guichet, sujet, version).destinataire:
        return None
    return Trouvee(row.numero, row.version, row.nature, version, connu)


def _connus(
    conn: Connection, recherche: Recherche, rows: Sequence[Row[Any]], instant: datetime
) -> dict[str, Connu]:
    if not rows or CONNUS.isdisjoint(recherche.index.criteres):
        return {}
    return read_connu(conn, (row.numero for row in rows), instant.astimezone(PARIS).date())


def _communes_of(filtres: Sequence[VersionFiltre]) -> frozenset[str] | None:
    found: set[str] = set()
    for version in filtres:
        assert version.filtre is not None
        place = required_place(version.filtre)
        if place is None:
            return None
        found |= communes_in(place.critere, place.valeurs)
    return frozenset(found)


def _room(conn: Connection, rattrapage: Rattrapage) -> int:
    """How many distributions may be made before enough of them wait for the guichet, whatever made them."""
    values = {"guichet": rattrapage.guichet, "attente": rattrapage.attente}
    return rattrapage.attente - int(conn.execute(_WAITING, values).scalar_one())


def _last_perimetre(conn: Connection) -> int:
    return int(conn.execute(_PERIMETRES).scalar_one())


def _read(
    conn: Connection, guichet: str, apres: str, fin: str, communes: frozenset[str] | None
) -> Sequence[Row[Any]]:
    return conn.execute(
        _READ,
        {
            "guichet": guichet,
            "apres": apres,
            "fin": fin,
            "partout": communes is None,
            "communes": sorted(communes or ()),
            "page": _PAGE,
        },
    ).all()


def _keep(conn: Connection, rattrapage: Rattrapage) -> None:
    conn.execute(
        _KEEP,
        {
            "id": rattrapage.id,
            "etat": rattrapage.etat.value,
            "apres": rattrapage.apres,
            "portee": rattrapage.portee,
            "examinees": rattrapage.examinees,
            "offertes": rattrapage.offertes,
            "prochain_le": rattrapage.prochain_le,
            "termine_le": rattrapage.termine_le,
        },
    )


def read_kept(document: bytes) -> Demande:
    """A demande as the registry keeps it."""
    root = parse(document)
    assert isinstance(root, etree._Element), "le registre ne garde que des documents lisibles"
    return read_demande(root)


_PAGE: Final = 200
"""Documents read at once."""
_APRES_TOUT: Final = "Z" * 15
"""After any number of a territory, in any collation that puts letters after digits."""

_TAKE: Final = text(f"""
    SELECT {COLONNES} FROM rattrapage
    WHERE etat = 'en_cours' AND prochain_le <= :instant
        AND (CAST(:guichet AS text) IS NULL OR guichet = :guichet)
    ORDER BY prochain_le, id LIMIT 1 FOR UPDATE SKIP LOCKED
""")  # noqa: S608 (constant column list)
_KEEP: Final = text("""
    UPDATE rattrapage SET etat = :etat, apres = :apres, portee = :portee, examinees = :examinees,
        offertes = :offertes, prochain_le = :prochain_le, termine_le = :termine_le
    WHERE id = :id
""")
_WAITING: Final = text("""
    SELECT count(*) FROM (
        SELECT FROM distribution WHERE guichet = :guichet AND etat = 'en_attente' LIMIT :attente) AS t
""")
_PERIMETRES: Final = text("SELECT coalesce(max(generation), 0) FROM perimetre")
_TRANCHE_DE: Final = text("""
    SELECT count(*), max(numero) FROM (
        SELECT numero FROM demande WHERE numero > :apres AND numero <= :fin ORDER BY numero LIMIT :lot) AS t
""")
_COUNT: Final = text("SELECT count(*) FROM demande WHERE numero > :apres AND numero <= :fin")
_READ: Final = text("""
    SELECT d.numero, d.version, d.territoire, v.nature, v.guichet AS auteur, v.document
    FROM demande d JOIN demande_version v ON v.numero = d.numero AND v.version = d.version
    WHERE d.numero > :apres AND d.numero <= :fin AND d.etat = 'active'
        AND (:partout OR EXISTS (
            SELECT FROM unnest(d.communes) AS c WHERE c = ANY(CAST(:communes AS text[]))))
        AND NOT EXISTS (SELECT FROM detention h WHERE h.numero = d.numero AND h.guichet = :guichet)
    ORDER BY d.numero LIMIT :page
""")
_STILL: Final = text("""
    SELECT d.numero FROM json_to_recordset(CAST(:lot AS json)) AS t(numero text, version int)
    JOIN demande d ON d.numero = t.numero AND d.version = t.version AND d.etat = 'active'
    WHERE NOT EXISTS (SELECT FROM detention h WHERE h.numero = t.numero AND h.guichet = :guichet)
""")
_COUNT_UP: Final = text("""
    INSERT INTO compteur_distribution (guichet, dernier) VALUES (:guichet, :nombre)
    ON CONFLICT (guichet) DO UPDATE SET dernier = compteur_distribution.dernier + excluded.dernier
    RETURNING dernier
""")
_ORIGINS: Final = text("""
    INSERT INTO offre (distribution, rattrapage, generation_filtres, generation_perimetres, connu)
    SELECT distribution, CAST(:rattrapage AS bigint), :filtres, :perimetres, connu
    FROM json_to_recordset(CAST(:lot AS json)) AS t(distribution uuid, connu jsonb)
""")
