"""The filters, kept: saved, withdrawn, read as they are or as they were.

A filter is never edited: saving makes a new version, effective at an instant that is not before the one of
the version it replaces. Each change increments the generation of filters in the same transaction; the update
of that row orders concurrent changes, so versions of generation g are all committed when g is readable.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Select, Text, and_, cast, insert, select
from sqlalchemy.dialects.postgresql import distinct_on

from filters.language import MAX_FILTRES, Filtre, Lecteur, conditions_to_json
from filters.tables import FILTRE, FILTRE_VERSION
from registry.constats import Constat
from registry.generations import Generation, bump
from registry.tables import GUICHET


class VersionFiltre(msgspec.Struct, frozen=True, gc=False):
    """One version of the filter of a guichet.

    identifiant: that of the filter, the same for all its versions. version: from 1.
    filtre: its conditions, or None when this version withdraws the filter.
    effet_le: instant from which it is in force. generation: see `filters.tables`.
    """

    identifiant: int
    guichet: str
    nom: str
    version: int
    filtre: Filtre | None
    effet_le: datetime
    generation: int


_V: Final = FILTRE_VERSION.c
_COLUMNS: Final = (
    FILTRE.c.id,
    FILTRE.c.guichet,
    FILTRE.c.nom,
    _V.version,
    # As text: `Lecteur` reads it.
    cast(_V.conditions, Text),
    _V.effet_le,
    _V.generation,
)
_VERSIONS: Final = select(*_COLUMNS).join_from(FILTRE, FILTRE_VERSION, FILTRE.c.id == _V.filtre)


def save_filtre(
    conn: Connection, guichet: str, filtre: Filtre, *, instant: datetime, effet_le: datetime | None = None
) -> VersionFiltre | tuple[Constat, ...]:
    """Add the filter of this name, or replace its version; the same conditions again change nothing.

    effet_le: not before `instant`, which it is by default.
    """
    return _save(conn, guichet, filtre.nom, filtre, instant, effet_le or instant)


def withdraw_filtre(
    conn: Connection, guichet: str, nom: str, *, instant: datetime, effet_le: datetime | None = None
) -> VersionFiltre | tuple[Constat, ...]:
    """Withdraw a filter: nothing is sent because of it from `effet_le` on."""
    return _save(conn, guichet, nom, None, instant, effet_le or instant)


def list_versions(
    conn: Connection, guichet: str | Collection[str] | None = None
) -> tuple[VersionFiltre, ...]:
    """All the versions, past, in force and to come, by guichet, name and version: of one guichet, of these,
    or of all."""
    return _read(conn, _of_guichet(_VERSIONS.order_by(FILTRE.c.guichet, FILTRE.c.nom, _V.version), guichet))


def filtres_in_force(
    conn: Connection, instant: datetime, guichet: str | None = None, *, generation: int | None = None
) -> tuple[VersionFiltre, ...]:
    """The filters in force at `instant`, by guichet and name.

    generation: as a decision that used this generation knew them; None: as known now.
    """
    query = _VERSIONS.where(_V.effet_le <= instant)
    if generation is not None:
        query = query.where(_V.generation <= generation)
    query = query.ext(distinct_on(FILTRE.c.guichet, FILTRE.c.nom))
    query = query.order_by(FILTRE.c.guichet, FILTRE.c.nom, _V.version.desc())
    return tuple(found for found in _read(conn, _of_guichet(query, guichet)) if found.filtre is not None)


def versions_between(conn: Connection, after: int, until: int) -> tuple[VersionFiltre, ...]:
    """The versions of the generations after + 1 to `until`, in the order in which they were made."""
    query = _VERSIONS.where(and_(_V.generation > after, _V.generation <= until))
    return _read(conn, query.order_by(_V.generation, FILTRE.c.id, _V.version))


def get_version(conn: Connection, identifiant: int, version: int) -> VersionFiltre | None:
    """One version, or None."""
    found = _read(conn, _VERSIONS.where(and_(FILTRE.c.id == identifiant, _V.version == version)))
    return found[0] if found else None


def _save(
    conn: Connection, guichet: str, nom: str, filtre: Filtre | None, instant: datetime, effet_le: datetime
) -> VersionFiltre | tuple[Constat, ...]:
    if conn.execute(select(GUICHET.c.code).where(GUICHET.c.code == guichet)).first() is None:
        return (Constat("GUICHET-INCONNU", "guichet", f"aucun guichet n'a le code {guichet}"),)
    if effet_le < instant:
        return (Constat("FILTRE-EFFET", "effet", "un filtre ne peut prendre effet dans le passé"),)
    # First: the row lock orders all the changes of filters, hence the versions read below are the last ones.
    generation = bump(conn, Generation.FILTRES)
    known = {item.nom: item for item in list_versions(conn, guichet)}
    last = known.get(nom)
    problem = _refusal(guichet, nom, filtre, effet_le, last, known.values())
    if problem is not None:
        return (problem,)
    if last is not None and filtre is not None and last.filtre == filtre:
        return last
    if last is None:
        identifiant = conn.execute(
            insert(FILTRE).values(guichet=guichet, nom=nom).returning(FILTRE.c.id)
        ).scalar_one()
    else:
        identifiant = last.identifiant
    version = last.version + 1 if last else 1
    conn.execute(
        insert(FILTRE_VERSION).values(
            filtre=identifiant,
            version=version,
            conditions=None if filtre is None else conditions_to_json(filtre),
            effet_le=effet_le,
            cree_le=instant,
            generation=generation,
        )
    )
    return VersionFiltre(identifiant, guichet, nom, version, filtre, effet_le, generation)


def _refusal(
    guichet: str,
    nom: str,
    filtre: Filtre | None,
    effet_le: datetime,
    last: VersionFiltre | None,
    known: Iterable[VersionFiltre],
) -> Constat | None:
    alive = sum(item.filtre is not None for item in known)
    if filtre is None and (last is None or last.filtre is None):
        return Constat("FILTRE-INCONNU", "nom", f"le guichet {guichet} n'a pas de filtre « {nom} »")
    if filtre is not None and alive >= MAX_FILTRES and (last is None or last.filtre is None):
        return Constat(
            "FILTRE-NOMBRE", "nom", f"le guichet {guichet} a déjà {alive} filtres, {MAX_FILTRES} au plus"
        )
    if last is not None and effet_le < last.effet_le:
        return Constat(
            "FILTRE-EFFET",
            "effet",
            f"la version {last.version} du filtre « {nom} » prend effet le "
            f"{last.effet_le:%d/%m/%Y à %H:%M} UTC ; une nouvelle version ne peut prendre effet avant elle",
        )
    return None


def _of_guichet(query: Select[Any], guichet: str | Collection[str] | None) -> Select[Any]:
    if guichet is None:
        return query
    if isinstance(guichet, str):
        return query.where(FILTRE.c.guichet == guichet)
    return query.where(FILTRE.c.guichet.in_(sorted(guichet)))


def _read(conn: Connection, query: Select[Any]) -> tuple[VersionFiltre, ...]:
    lecteur = Lecteur()
    found = []
    for identifiant, guichet, nom, version, said, effet_le, generation in conn.execute(query).all():
        filtre = None if said is None else lecteur.read(nom, said)
        found.append(VersionFiltre(identifiant, guichet, nom, version, filtre, effet_le, generation))
    return tuple(found)
