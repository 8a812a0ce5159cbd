"""The manifests: one a day for each guichet, signed, each naming the one before ([DST-60] to [DST-63]).

A day ends before the first distribution made after its midnight in Paris; the next one goes on from there, so
that the days of a guichet follow each other without gap nor overlap, whatever the clocks of the hosts. The
state of a distribution at the end of a day is told from what never changes afterwards: a manifest made late
says what one made in time would have said, save for the bytes of what was erased meanwhile.
"""

from __future__ import annotations

import hashlib
import struct
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Engine, Row, text

from certs.paire import Paire
from certs.signature import sign
from dispatching.deliveries import Etat
from dispatching.fichier import write_contenu
from dispatching.retraits import NOMBRE_MAX, OCTETS_MAX
from registry.controles import PARIS
from schemas.manifeste import (
    SANS_FICHIER,
    Ancre,
    EtatCloture,
    Ligne,
    Manifeste,
    condense,
    tranches_of,
    write_manifeste,
)

MARGE: Final = timedelta(minutes=10)
"""How long after its midnight a day is closed: what was being written then is written by now."""

_LUES_ENSEMBLE: Final = 50
"""Documents held at once: one may have 1 MB."""

_LIGNE: Final = struct.Struct("!16s32sc")
_ETATS: Final = {
    EtatCloture.A_ACQUITTER: b"A",
    EtatCloture.ACQUITTEE: b"Q",
    EtatCloture.RETIREE: b"R",
    EtatCloture.EFFACEE: b"E",
}
_CODES: Final = {code: etat for etat, code in _ETATS.items()}


@dataclass(frozen=True, slots=True)
class Precedent:
    """The last manifest of a guichet, as the next one needs it."""

    jour: date
    rang: int
    derniere: int
    empreinte: bytes


@dataclass(frozen=True, slots=True)
class ManifesteSigne:
    """A manifest as kept. octets: the signed message. empreinte: SHA-256 of its content."""

    guichet: str
    jour: date
    rang: int
    etabli_le: datetime
    apres: int
    nombre: int
    empreinte: bytes
    octets: bytes

    @property
    def derniere(self) -> int:
        """Last sequence that it and the earlier ones cover."""
        return self.apres + self.nombre

    @property
    def nom(self) -> str:
        """The name of its file."""
        return name_of(self.guichet, self.jour)


@dataclass(frozen=True, slots=True)
class LotManifestes:
    """An answer. suite: there is more."""

    manifestes: tuple[ManifesteSigne, ...]
    suite: bool


@dataclass(frozen=True, slots=True)
class Etabli:
    """A manifest made. rompu: none could be made, because the sequences of the guichet have a gap."""

    guichet: str
    jour: date
    nombre: int
    rompu: bool = False


@dataclass(frozen=True, slots=True)
class _Guichet:
    code: str
    ferme_le: datetime | None
    precedent: Precedent | None
    premiere_le: datetime


_GUICHETS: Final = text("""
    SELECT c.guichet AS code, g.ferme_le, m.jour, m.rang, m.apres + m.nombre AS derniere, m.empreinte,
        d.cree_le AS premiere_le
    FROM compteur_distribution c
    JOIN guichet g ON g.code = c.guichet
    JOIN LATERAL (
        SELECT cree_le FROM distribution WHERE guichet = c.guichet ORDER BY sequence LIMIT 1) AS d ON true
    LEFT JOIN LATERAL (
        SELECT * FROM manifeste WHERE guichet = c.guichet ORDER BY jour DESC LIMIT 1) AS m ON true
    ORDER BY c.guichet
""")
_LAST: Final = text("""
    SELECT coalesce(
        (SELECT sequence - 1 FROM distribution
        WHERE guichet = :guichet AND sequence > :apres AND cree_le >= :fin ORDER BY sequence LIMIT 1),
        (SELECT dernier FROM compteur_distribution WHERE guichet = :guichet))
""")
_LINES: Final = text("""
    SELECT d.id, d.sequence, d.etat, d.termine_le, d.nature, d.cree_le, d.interface, v.document
    FROM distribution d
    LEFT JOIN demande_version v ON v.numero = d.numero AND v.version = d.version
    WHERE d.guichet = :guichet AND d.sequence > :apres AND d.sequence <= :derniere
    ORDER BY d.sequence
""")
_HEAD: Final = text("SELECT sequence, empreinte FROM chaine WHERE nom = 'registre' AND sequence > 0")
_WRITE: Final = text("""
    INSERT INTO manifeste (guichet, jour, rang, etabli_le, apres, nombre, empreinte, octets, lignes)
    VALUES (:guichet, :jour, :rang, :etabli_le, :apres, :nombre, :empreinte, :octets, :lignes)
    ON CONFLICT DO NOTHING
""")
_COLUMNS: Final = "guichet, jour, rang, etabli_le, apres, nombre, empreinte, octets"
_READ: Final = text(f"""
    SELECT {_COLUMNS} FROM manifeste WHERE guichet = :guichet AND jour > :apres ORDER BY jour LIMIT :limite
""")  # noqa: S608 (constant column list)
_READ_ONE: Final = text(f"""
    SELECT {_COLUMNS} FROM manifeste WHERE guichet = :guichet AND jour = :jour
""")  # noqa: S608 (constant column list)
_DAYS: Final = text("""
    SELECT jour, rang, etabli_le, apres, nombre, empreinte FROM manifeste
    WHERE guichet = :guichet AND jour < :avant ORDER BY jour DESC LIMIT :limite
""")
_READ_LINES: Final = text("SELECT lignes FROM manifeste WHERE guichet = :guichet AND jour = :jour")


def produce(
    engine: Engine,
    signataire: Callable[[], Paire],
    instant: datetime,
    *,
    essai: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Iterator[Etabli]:
    """Make the manifests of all the days that are over at `instant` and have none; what was made, as it is.

    One transaction for each: interrupted, it goes on where it was; run twice, or by two hosts at once, it
    makes each once. A guichet has one a day from its first distribution on, until it is closed, empty days
    included. essai: what would be made. signataire: the key in use, asked for each.
    """
    with engine.connect() as conn:
        guichets = [_guichet(row) for row in conn.execute(_GUICHETS)]
    over = (instant - MARGE).astimezone(PARIS).date() - timedelta(days=1)
    for guichet in guichets:
        precedent = guichet.precedent
        while (jour := _next_day(guichet, precedent)) <= _until(guichet, over):
            with engine.begin() as conn:
                made = _make(conn, guichet.code, jour, precedent, instant, None if essai else signataire)
            if made is None:
                yield Etabli(guichet.code, jour, 0, rompu=True)
                break
            precedent = Precedent(jour, made.rang, made.derniere, made.empreinte)
            if progress is not None:
                progress(1)
            yield Etabli(guichet.code, jour, made.nombre)


def last_days(conn: Connection) -> dict[str, date]:
    """The day of the last manifest of each open guichet; for one that has none yet, the day before its first
    distribution."""
    return {
        guichet.code: _next_day(guichet, guichet.precedent) - timedelta(days=1)
        for guichet in map(_guichet, conn.execute(_GUICHETS))
        if guichet.ferme_le is None
    }


def read_manifestes(
    conn: Connection, guichet: str, *, apres: date = date.min, nombre: int = NOMBRE_MAX
) -> LotManifestes:
    """The manifests of the days after that one, in order: `nombre` and `OCTETS_MAX` at most, one at least."""
    found: list[ManifesteSigne] = []
    octets = 0
    values = {"guichet": guichet, "apres": apres, "limite": nombre + 1}
    with conn.execute(_READ, values, execution_options={"stream_results": True, "yield_per": 10}) as rows:
        for row in rows:
            if len(found) == nombre or octets >= OCTETS_MAX:
                return LotManifestes(tuple(found), suite=True)
            found.append(ManifesteSigne(**row._mapping))
            octets += len(row.octets)
    return LotManifestes(tuple(found), suite=False)


@dataclass(frozen=True, slots=True)
class Journee:
    """A manifest without its bytes."""

    jour: date
    rang: int
    etabli_le: datetime
    apres: int
    nombre: int
    empreinte: bytes


def list_journees(
    conn: Connection, guichet: str, *, avant: date = date.max, limite: int = 62
) -> list[Journee]:
    """The manifests of a guichet before that day, the latest first."""
    values = {"guichet": guichet, "avant": avant, "limite": limite}
    return [Journee(**row._mapping) for row in conn.execute(_DAYS, values)]


def get_manifeste(conn: Connection, guichet: str, jour: date) -> ManifesteSigne | None:
    """The manifest of that day, or None."""
    row = conn.execute(_READ_ONE, {"guichet": guichet, "jour": jour}).first()
    return None if row is None else ManifesteSigne(**row._mapping)


def read_lines(conn: Connection, guichet: str, apres: int, derniere: int, fin: datetime) -> Iterator[Ligne]:
    """The distributions of these sequences as they stood at `fin`, written again from the register."""
    options = {"stream_results": True, "yield_per": _LUES_ENSEMBLE}
    values = {"guichet": guichet, "apres": apres, "derniere": derniere}
    for row in conn.execute(_LINES, values, execution_options=options):
        etat = _etat(row, fin)
        empreinte = ""
        if etat not in SANS_FICHIER:
            contenu = write_contenu(row.document, row.nature, row.cree_le, row.interface)
            empreinte = hashlib.sha256(contenu).hexdigest()
        yield Ligne(row.sequence, str(row.id), empreinte, etat)


def kept_lines(conn: Connection, manifeste: ManifesteSigne) -> Iterator[Ligne]:
    """The lines that a manifest was made of. Raises struct.error or KeyError when they were tampered with."""
    values = {"guichet": manifeste.guichet, "jour": manifeste.jour}
    lignes = conn.execute(_READ_LINES, values).scalar_one()
    for rang, (ident, empreinte, code) in enumerate(_LIGNE.iter_unpack(lignes), 1):
        etat = _CODES[code]
        hexa = "" if etat in SANS_FICHIER else empreinte.hex()
        yield Ligne(manifeste.apres + rang, str(uuid.UUID(bytes=ident)), hexa, etat)


def name_of(guichet: str, jour: date) -> str:
    """The name of the file of a manifest."""
    return f"MAN{guichet}-{jour:%Y%m%d}.xml.p7m"


def end_of(jour: date) -> datetime:
    """The instant at which that day ends, in Paris."""
    suivant = jour + timedelta(days=1)
    return datetime(suivant.year, suivant.month, suivant.day, tzinfo=PARIS).astimezone(UTC)


def _next_day(guichet: _Guichet, precedent: Precedent | None) -> date:
    if precedent is None:
        return guichet.premiere_le.astimezone(PARIS).date()
    return precedent.jour + timedelta(days=1)


def _until(guichet: _Guichet, over: date) -> date:
    return over if guichet.ferme_le is None else min(over, guichet.ferme_le.astimezone(PARIS).date())


def _make(
    conn: Connection,
    guichet: str,
    jour: date,
    precedent: Precedent | None,
    instant: datetime,
    signataire: Callable[[], Paire] | None,
) -> ManifesteSigne | None:
    """Make one, and keep it unless it is only tried; None when a sequence is missing. What another host made
    meanwhile is what is kept."""
    fin = end_of(jour)
    apres = 0 if precedent is None else precedent.derniere
    derniere = int(conn.execute(_LAST, {"guichet": guichet, "apres": apres, "fin": fin}).scalar_one())
    lignes = [] if signataire is None else list(read_lines(conn, guichet, apres, derniere, fin))
    if signataire is not None and len(lignes) != derniere - apres:
        return None
    manifeste = Manifeste(
        guichet=guichet,
        jour=jour,
        rang=1 if precedent is None else precedent.rang + 1,
        etabli_le=instant.astimezone(PARIS),
        apres=apres,
        nombre=derniere - apres,
        condensat=condense(lignes),
        precedent="" if precedent is None else precedent.empreinte.hex(),
        journal=_head(conn),
        tranches=tuple(tranches_of(lignes)),
    )
    contenu = write_manifeste(manifeste)
    signe = ManifesteSigne(
        guichet,
        jour,
        manifeste.rang,
        instant,
        apres,
        manifeste.nombre,
        hashlib.sha256(contenu).digest(),
        b"" if signataire is None else sign(contenu, [signataire()], instant=instant),
    )
    if signataire is None:
        return signe
    row = {nom: getattr(signe, nom) for nom in ManifesteSigne.__dataclass_fields__}
    if conn.execute(_WRITE, {**row, "lignes": b"".join(map(_pack, lignes))}).rowcount == 0:
        kept = get_manifeste(conn, guichet, jour)
        assert kept is not None, "ce qui empêche d'écrire un manifeste est un manifeste du même jour"
        return kept
    return signe


def _head(conn: Connection) -> Ancre | None:
    row = conn.execute(_HEAD).first()
    return None if row is None else Ancre(row.sequence, row.empreinte.hex())


def _etat(row: Row[Any], fin: datetime) -> EtatCloture:
    acquittee = row.etat == Etat.ACQUITTEE
    if row.document is None:
        return EtatCloture.EFFACEE if acquittee else EtatCloture.RETIREE
    if row.etat in (Etat.ACQUITTEE, Etat.RETIREE) and row.termine_le < fin:
        return EtatCloture.ACQUITTEE if acquittee else EtatCloture.RETIREE
    return EtatCloture.A_ACQUITTER


def _pack(ligne: Ligne) -> bytes:
    return _LIGNE.pack(uuid.UUID(ligne.id).bytes, bytes.fromhex(ligne.empreinte), _ETATS[ligne.etat])


def _guichet(row: Row[Any]) -> _Guichet:
    precedent = None if row.jour is None else Precedent(row.jour, row.rang, row.derniere, row.empreinte)
    return _Guichet(row.code, row.ferme_le, precedent, row.premiere_le)
