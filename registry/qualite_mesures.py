"""The indicators of quality, measured between two positions of the journal and kept ([INF-8])."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, func, insert, select, text

from registry.controles import PARIS
from registry.documents_gardes import read_kept
from registry.qualite import DEPOT_JOURS, PIECE_JOURS, TARDIF_JOURS, VALIDITE_MOIS, Mesure
from registry.tables import GUICHET
from registry.tables_infocentre import INFOCENTRE_QUALITE

_LOT: Final = 500
_PARAMETRE: Final = re.compile(r":([a-z]+)")

# Each gives rows of guichet, then pairs (number, base) in the order of its indicators; a base of 0: a volume.
_STATEMENTS: Final[tuple[tuple[tuple[str, ...], str], ...]] = (
    (
        ("creations", "creations_courrier", "doublons_forces", "renouvellements", "modifications"),
        """
        SELECT j.guichet, count(*) FILTER (WHERE creee), 0,
            count(*) FILTER (WHERE creee AND j.canal = 'courrier'), count(*) FILTER (WHERE creee),
            count(*) FILTER (WHERE creee AND d.doublon_force), count(*) FILTER (WHERE creee),
            count(*) FILTER (WHERE nature = 'REN'), 0, count(*) FILTER (WHERE nature = 'MOD'), 0
        FROM (SELECT *, nature IN ('CRE', 'CRS') AS creee FROM journal
              WHERE sequence > :apres AND sequence <= :jusqua AND numero IS NOT NULL) j
            LEFT JOIN demande d ON creee AND d.numero = j.numero
        GROUP BY 1
        """,
    ),
    (
        ("radiations", "reactivations"),
        """
        SELECT guichet, count(*) FILTER (WHERE NOT annule), 0, count(*) FILTER (WHERE annule),
            count(*) FILTER (WHERE NOT annule)
        FROM (SELECT guichet, detail LIKE '%"deradiation"%' AS annule FROM journal
              WHERE sequence > :apres AND sequence <= :jusqua AND nature = 'RAD') r
        GROUP BY 1
        """,
    ),
    (
        ("attributions", "attributions_reservataire", "attributions_dalo"),
        """
        SELECT j.guichet, count(*), 0, count(*) FILTER (WHERE r.type_reservataire <> ''), count(*),
            count(*) FILTER (WHERE r.statut_dalo = 'ACTIF'), count(*)
        FROM releve_radiation r JOIN journal j ON j.sequence = r.sequence
        WHERE r.motif = 'RADATT' AND r.sequence > :apres AND r.sequence <= :jusqua GROUP BY 1
        """,
    ),
    (
        ("stock", "echues"),
        """
        SELECT guichet, count(*), 0, count(*) FILTER (
            WHERE coalesce(date_renouvellement, date_depot) + make_interval(months => :validite) < :jour),
            count(*)
        FROM demande WHERE etat = 'active' GROUP BY 1
        """,
    ),
    (
        ("pieces", "pieces_rapides"),
        """
        SELECT p.guichet, count(*), 0, count(*) FILTER (WHERE p.depose_le < d.recue_le + :piece), count(*)
        FROM piece p JOIN demande d ON d.numero = p.numero
        WHERE p.sequence_journal > :apres AND p.sequence_journal <= :jusqua GROUP BY 1
        """,
    ),
    (
        ("depots_traites", "depots_valides", "depots_rapides"),
        """
        SELECT issue_guichet, count(*), 0, count(*) FILTER (WHERE numero IS NOT NULL), count(*),
            count(*) FILTER (WHERE issue_le < depose_le + :depot), count(*)
        FROM depot WHERE issue_le > :depuis AND issue_le <= :instant AND issue_guichet IS NOT NULL
            AND depose_le IS NOT NULL
        GROUP BY 1
        """,
    ),
    (
        ("echanges", "echanges_refuses"),
        """
        SELECT guichet, count(*), 0, count(*) FILTER (WHERE statut = 'refuse'), count(*)
        FROM echange WHERE recu_le > :depuis AND recu_le <= :instant GROUP BY 1
        """,
    ),
    (
        ("distributions", "distributions_24h", "distributions_echec"),
        """
        SELECT guichet, count(*), 0,
            count(*) FILTER (WHERE etat = 'acquittee' AND termine_le < cree_le + interval '24 hours'),
            count(*), count(*) FILTER (WHERE etat = 'echec'), count(*)
        FROM distribution WHERE cree_le > :depuis AND cree_le <= :instant GROUP BY 1
        """,
    ),
)

_CREATED: Final = text("""
    SELECT v.guichet, v.instant, v.document FROM journal j
    JOIN demande_version v ON v.numero = j.numero AND v.version = j.version
    WHERE j.sequence > :apres AND j.sequence <= :jusqua AND j.nature IN ('CRE', 'CRS')
""")
_LET: Final = text("""
    SELECT v.guichet, v.instant, v.document FROM releve_radiation r
    JOIN journal j ON j.sequence = r.sequence
    JOIN demande_version v ON v.numero = j.numero AND v.version = j.version
    WHERE r.motif = 'RADATT' AND r.sequence > :apres AND r.sequence <= :jusqua
""")


def measure(conn: Connection, apres: int, jusqua: int, depuis: datetime, instant: datetime) -> list[Mesure]:
    """The indicators of every guichet that did something; what the hub did by itself is nobody's.

    apres, jusqua: positions of the journal. depuis, instant: aware, for what the journal does not order.
    Memory holds a batch of documents.
    """
    valeurs = {
        "apres": apres,
        "jusqua": jusqua,
        "depuis": depuis,
        "instant": instant,
        "jour": instant.astimezone(PARIS).date(),
        "validite": VALIDITE_MOIS,
        "piece": timedelta(days=PIECE_JOURS),
        "depot": timedelta(days=DEPOT_JOURS),
    }
    mesures: list[Mesure] = []
    for codes, statement in _STATEMENTS:
        parametres = {name: valeurs[name] for name in _PARAMETRE.findall(statement)}
        for row in conn.execute(text(statement), parametres):
            pairs = zip(codes, row[1::2], row[2::2], strict=True)
            mesures += [Mesure(row[0], code, number, base) for code, number, base in pairs]
    bornes = {"apres": apres, "jusqua": jusqua}
    options = {"stream_results": True, "yield_per": _LOT}
    mesures += _read_created(conn.execute(_CREATED, bornes, execution_options=options))
    mesures += _read_let(conn.execute(_LET, bornes, execution_options=options))
    connus = set(conn.scalars(select(GUICHET.c.code)))
    return sorted(mesure for mesure in mesures if mesure.guichet in connus)


def _read_created(rows: Iterable[Row[Any]]) -> list[Mesure]:
    lus, sans = defaultdict[str, int](int), defaultdict[str, int](int)
    for row in rows:
        personne = read_kept(row.document).demandeur
        if personne is not None:
            lus[row.guichet] += 1
            sans[row.guichet] += not any(
                (personne.tel_domicile, personne.tel_portable, personne.tel_travail, personne.mel)
            )
    return [Mesure(guichet, "sans_contact", sans[guichet], base) for guichet, base in lus.items()]


def _read_let(rows: Iterable[Row[Any]]) -> list[Mesure]:
    lus, rpls, dates, tardives = (defaultdict[str, int](int) for _ in range(4))
    for row in rows:
        radiation = read_kept(row.document).radiation
        attribution = radiation.attribution if radiation is not None else None
        if attribution is None:
            continue
        lus[row.guichet] += 1
        rpls[row.guichet] += bool(attribution.numero_rpls.strip())
        bail = attribution.date_signature_bail
        if bail is not None:
            dates[row.guichet] += 1
            tardives[row.guichet] += (row.instant.astimezone(PARIS).date() - bail).days > TARDIF_JOURS
    return [
        *(Mesure(guichet, "attributions_rpls", rpls[guichet], lus[guichet]) for guichet in lus),
        *(
            Mesure(guichet, "attributions_tardives", tardives[guichet], base)
            for guichet, base in dates.items()
        ),
    ]


def keep(conn: Connection, semaine: str, mesures: Iterable[Mesure]) -> None:
    """Write the measures of a week."""
    rows = [
        {
            "semaine": semaine,
            "guichet": mesure.guichet,
            "indicateur": mesure.indicateur,
            "nombre": mesure.nombre,
            "base": mesure.base,
        }
        for mesure in mesures
    ]
    if rows:
        conn.execute(insert(INFOCENTRE_QUALITE), rows)


def read_week(conn: Connection, semaine: str, indicateur: str = "") -> list[Mesure]:
    """The measures of a week, of every guichet: all of them, or those of one indicator."""
    query = select(INFOCENTRE_QUALITE).filter_by(semaine=semaine)
    if indicateur:
        query = query.filter_by(indicateur=indicateur)
    return sorted(Mesure(row.guichet, row.indicateur, row.nombre, row.base) for row in conn.execute(query))


def read_total(conn: Connection, semaine: str, territoires: Collection[str]) -> list[Mesure]:
    """What the guichets of these territories did together in a week, summed by the base: those of a country
    have tens of thousands of measures."""
    colonnes = INFOCENTRE_QUALITE.c
    leurs = select(GUICHET.c.code).where(GUICHET.c.territoires.bool_op("&&")(sorted(territoires)))
    query = (
        select(
            colonnes.indicateur,
            func.sum(colonnes.nombre).label("nombre"),
            func.sum(colonnes.base).label("base"),
        )
        .where(colonnes.semaine == semaine, colonnes.guichet.in_(leurs))
        .group_by(colonnes.indicateur)
    )
    return [Mesure("", row.indicateur, int(row.nombre), int(row.base)) for row in conn.execute(query)]


def read_guichet(conn: Connection, guichet: str, semaines: int) -> dict[str, list[Mesure]]:
    """The measures of a guichet by week, of its last `semaines` weeks, the oldest first."""
    colonnes = INFOCENTRE_QUALITE.c
    dernieres = (
        select(colonnes.semaine)
        .distinct()
        .where(colonnes.guichet == guichet)
        .order_by(colonnes.semaine.desc())
        .limit(semaines)
    )
    query = (
        select(INFOCENTRE_QUALITE)
        .where(colonnes.guichet == guichet, colonnes.semaine.in_(dernieres))
        .order_by(colonnes.semaine)
    )
    found: dict[str, list[Mesure]] = {}
    for row in conn.execute(query):
        found.setdefault(row.semaine, []).append(Mesure(row.guichet, row.indicateur, row.nombre, row.base))
    return found
