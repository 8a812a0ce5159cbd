"""What a demande can be found by: one row of `recherche` a demande, kept in the transaction of each change.

`termes` is an inverted index in one column: one word a criterion that compares for equality, a prefix telling
which. A search is then one inclusion, `termes @> …`, which the GIN index answers by intersecting; one index
to write instead of one a criterion. The words of a person combine name, first name and birth date, so that
the three criteria are met by one same person:

- `c:` wished commune, `m:` motive of the demande, `r:` motive of the radiation, `l:` commune of the
  attributed dwelling, `a:` association;
- `n:` name, `np:` name and first name, `nd:` name and birth date, `npd:` the three, `d:` birth date, `pd:`
  first name and birth date. A name borne of each kind, nom d'usage and nom patronymique, gives its words;
- `b:` birth date of a person who is not a tenant, for what its age changes (dispatching/seuils.py).

`Projection` is a Decideur that comes before another: it sees every change, whoever makes it, in its
transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Final

from sqlalchemy import Connection, Engine, text

from registry.controles import PARIS
from registry.delais import zones_of
from registry.documents_gardes import read_kept
from registry.evenements import Decideur, EvenementDemande
from registry.identites import normalise
from registry.lignes import encode_rows
from schemas.demande import Demande
from schemas.menage import Personne

_LOT: Final = 500


def termes_of(demande: Demande) -> tuple[str, ...]:
    """The words by which a demande is found, each once, in a stable order."""
    termes = [f"c:{commune}" for commune in demande.communes_souhaitees]
    termes += [f"m:{motif}" for motif in demande.motifs]
    radiation = demande.radiation
    if radiation is not None and radiation.motif:
        termes.append(f"r:{radiation.motif}")
        if radiation.attribution is not None and radiation.attribution.commune:
            termes.append(f"l:{radiation.attribution.commune}")
    if demande.association is not None:
        termes.append(terme_association(demande.association.nom))
    if demande.demandeur is not None:
        termes.extend(_termes_of_personne(demande.demandeur))
    for cotitulaire in demande.cotitulaires:
        termes.extend(_termes_of_personne(cotitulaire))
    births = (personne.date_naissance for personne in demande.personnes_a_charge)
    termes.extend(terme_naissance(birth) for birth in births if birth is not None)
    return tuple(dict.fromkeys(termes))


def terme_association(nom: str) -> str:
    """The word of an association of that name."""
    return f"a:{normalise(nom)}"


def terme_naissance(naissance: date) -> str:
    """The word of a person born on that day who is not a tenant."""
    return f"b:{naissance.isoformat()}"


def terme_personne(nom: str, prenom: str, naissance: date | None) -> str:
    """The word of a person of whom that is known; empty texts and None are not. At least one is."""
    connus = {
        "n": normalise(nom),
        "p": normalise(prenom),
        "d": "" if naissance is None else naissance.isoformat(),
    }
    presents = {cle: valeur for cle, valeur in connus.items() if valeur}
    return f"{''.join(presents)}:{'|'.join(presents.values())}"


def _termes_of_personne(personne: Personne) -> Iterator[str]:
    prenom, naissance = personne.prenom, personne.date_naissance
    for nom in (personne.nom, personne.nom_patronymique):
        if normalise(nom):
            yield terme_personne(nom, "", None)
            yield terme_personne(nom, prenom, None)
            yield terme_personne(nom, "", naissance)
            yield terme_personne(nom, prenom, naissance)
    yield terme_personne("", "", naissance)
    yield terme_personne("", prenom, naissance)


# As registry.delais.find_delai for each pair of a wished commune and a wished type, in the statement that
# writes: the narrowest zone wins, then the named type, then the latest arrêté; of the pairs, the shortest.
_ANORMAL: Final = """
    (SELECT (l.depot + make_interval(months => min(trouve.mois)))::date FROM (
        SELECT DISTINCT ON (z.commune, t.code) a.mois
        FROM json_to_recordset(l.zones) AS z(commune text, zone text, rang int)
        CROSS JOIN unnest(l.types) AS t(code)
        JOIN delai_anormal a ON a.territoire = l.territoire AND a.zone = z.zone
            AND a.typologie IN ('', t.code) AND a.valide_du <= CAST(:jour AS date)
        ORDER BY z.commune, t.code, z.rang, a.typologie = '', a.valide_du DESC
    ) AS trouve)
"""
# A new version of the row is an entry more in each of seven indexes, twenty in the GIN: most modifications
# change nothing of what is searched, and then write nothing.
_PROJECT: Final = text(f"""
    INSERT INTO recherche (numero, territoire, depot, renouvellement, radiation, anormal_le, termes)
    SELECT l.numero, l.territoire, l.depot, l.renouvellement, l.radiation, {_ANORMAL}, l.termes
    FROM json_to_recordset(CAST(:lot AS json)) AS l(numero text, territoire text, depot date,
        renouvellement date, radiation date, zones json, types text[], termes text[])
    ON CONFLICT (numero) DO UPDATE SET territoire = excluded.territoire, depot = excluded.depot,
        renouvellement = excluded.renouvellement, radiation = excluded.radiation,
        anormal_le = excluded.anormal_le, termes = excluded.termes
    WHERE (recherche.territoire, recherche.depot, recherche.renouvellement, recherche.radiation,
            recherche.anormal_le, recherche.termes)
        IS DISTINCT FROM (excluded.territoire, excluded.depot, excluded.renouvellement, excluded.radiation,
            excluded.anormal_le, excluded.termes)
""")  # noqa: S608 (no value is put in the text)
_REDATE: Final = text(f"""
    UPDATE recherche r SET anormal_le = n.anormal_le
    FROM (SELECT l.numero, {_ANORMAL} AS anormal_le
          FROM json_to_recordset(CAST(:lot AS json)) AS l(numero text, territoire text, depot date,
              zones json, types text[])) AS n
    WHERE r.numero = n.numero AND r.anormal_le IS DISTINCT FROM n.anormal_le
""")  # noqa: S608
_A_DATER: Final = text("""
    SELECT numero, territoire, date_depot AS depot, communes, types FROM demande
    WHERE numero > :apres AND (CAST(:territoire AS text) = '' OR territoire = :territoire)
    ORDER BY numero LIMIT :lot
""")


def project(conn: Connection, demandes: Sequence[tuple[str, str, Demande]], jour: date) -> None:
    """Write the rows of these demandes: number, territory, document. The last of a number wins.

    jour: the day, in Paris, whose delays apply.
    """
    lot = {numero: _row(numero, territoire, demande) for numero, territoire, demande in demandes}
    if lot:
        conn.execute(_PROJECT, {"lot": encode_rows(lot.values()), "jour": jour})


def redate(
    engine: Engine,
    jour: date,
    territoire: str = "",
    *,
    essai: bool = False,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Compute again when the wait of each demande becomes abnormal, by the delays in force on that day, a
    transaction a batch: after they were imported, and each day, since an arrêté may take effect.

    territoire: empty for all. essai: how many would change. Returns how many did ([GPE-33]).
    """
    changes, apres = 0, ""
    while True:
        with engine.connect() as conn:
            lignes = conn.execute(_A_DATER, {"apres": apres, "territoire": territoire, "lot": _LOT}).all()
            if not lignes:
                return changes
            lot = encode_rows(
                {
                    "numero": ligne.numero,
                    "territoire": ligne.territoire,
                    "depot": ligne.depot,
                    "zones": _zones(ligne.communes),
                    "types": ligne.types,
                }
                for ligne in lignes
            )
            changes += conn.execute(_REDATE, {"lot": lot, "jour": jour}).rowcount
            if not essai:
                conn.commit()
        apres = lignes[-1].numero
        if progress is not None:
            progress(len(lignes))


def forget(conn: Connection, numeros: Sequence[str]) -> None:
    """Remove the rows of demandes that are erased: their words are nominative (regles §12)."""
    conn.execute(
        text("DELETE FROM recherche WHERE numero = ANY(CAST(:numeros AS text[]))"), {"numeros": list(numeros)}
    )


_STOCK: Final = text("""
    SELECT d.numero, d.territoire, v.document FROM demande d
    JOIN demande_version v ON v.numero = d.numero AND v.version = d.version
    WHERE d.numero > :apres ORDER BY d.numero LIMIT :lot
""")


def rebuild(conn: Connection, jour: date, progress: Callable[[int, int], None]) -> int:
    """Make all the rows again from the demandes. progress: done and total. Returns how many were read."""
    total = int(conn.execute(text("SELECT count(*) FROM demande")).scalar_one())
    fait, apres = 0, ""
    while lignes := conn.execute(_STOCK, {"apres": apres, "lot": _LOT}).all():
        demandes = []
        for numero, territoire, document in lignes:
            demandes.append((numero, territoire, read_kept(document)))
        project(conn, demandes, jour)
        fait, apres = fait + len(lignes), lignes[-1].numero
        progress(fait, total)
    return fait


class Projection:
    """Keeps `recherche`, then lets the next Decideur decide."""

    def __init__(self, suivant: Decideur) -> None:
        self._suivant = suivant

    def decide(self, conn: Connection, evenements: Sequence[EvenementDemande]) -> None:
        """As registry.evenements.Decideur. Raises what the database and the next one raise."""
        if evenements:
            jour = max(each.instant for each in evenements).astimezone(PARIS).date()
            project(conn, [(each.numero, each.territoire, each.demande) for each in evenements], jour)
        self._suivant.decide(conn, evenements)


def _row(numero: str, territoire: str, demande: Demande) -> dict[str, object]:
    radiation = demande.radiation
    return {
        "numero": numero,
        "territoire": territoire,
        "depot": demande.date_creation,
        "renouvellement": demande.date_renouvellement,
        # A motive left out is a déradiation (interface/wire §11).
        "radiation": radiation.date_radiation if radiation is not None and radiation.motif else None,
        "zones": _zones(demande.communes_souhaitees),
        "types": demande.types_logement,
        "termes": termes_of(demande),
    }


def _zones(communes: Sequence[str]) -> list[dict[str, object]]:
    """The zones of delays that hold each commune, with their rank from the narrowest."""
    return [
        {"commune": commune, "zone": zone, "rang": rang}
        for commune in communes
        for rang, zone in enumerate(zones_of(commune))
    ]
