"""The search of demandes by criteria that add up, within the rights of the one who asks.

Clauses [REC-…] of docs/specification/50-recherche.md. `check` is pure; `search` is two statements at most, on
indexes: each criterion is a word of `recherche.termes` or a dated column with its index. What the guichet may
read by its perimeter, then what it holds out of it, each with its own index, because an OR between them would
let neither be used; the second only when the first leaves room in the answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from time import monotonic
from typing import Final

from sqlalchemy import Connection, text

from registry import anomalies_demande
from registry import anomalies_recherche as catalogue
from registry.anomalies import Anomalie
from registry.droits import PAR_COMMUNES
from registry.guichets import Guichet
from registry.identites import normalise
from registry.limites import LIMITES_RECHERCHE, LimitesRecherche
from registry.projection import terme_association, terme_personne
from schemas import cog, territoires
from schemas.gestion_partagee import Criteres, Periode
from schemas.violations import Violation

ETATS: Final = {"A": "active", "E": "active, terme dépassé", "R": "radiée"}
"""Codes of etatDemande [REC-5]: the interface publishes none."""

_CRITERES: Final = "/interfaceNuu/operation/demandeMulticritere"


@dataclass(frozen=True, slots=True)
class Trouvees:
    """What a search found. numeros: sorted, `resultats_max` at most. entier: False when there are more."""

    numeros: tuple[str, ...]
    entier: bool


def check(criteres: Criteres, codes: tuple[Violation, ...] = ()) -> tuple[Anomalie, ...]:
    """The anomalies of a search; empty when it makes sense. codes: violations of the code lists."""
    return (
        *_checked(criteres),
        *(anomalies_demande.CODE_INCONNU(v.message, v.expected, v.path) for v in codes),
    )


def _checked(criteres: Criteres) -> Iterator[Anomalie]:
    if criteres == Criteres():
        yield catalogue.SANS_CRITERE(propriete=_CRITERES)
    if criteres.etat and criteres.etat not in ETATS:
        attendu = ", ".join(f"{code} ({libelle})" for code, libelle in ETATS.items())
        yield catalogue.ETAT_INCONNU(criteres.etat, attendu, f"{_CRITERES}/etatDemande")
    for nom, periode in _periodes(criteres):
        if periode.debut is not None and periode.fin is not None and periode.debut > periode.fin:
            yield catalogue.PERIODE_RENVERSEE(
                _jour(periode.debut), _jour(periode.fin), f"{_CRITERES}/{nom}Debut"
            )
    for nom, commune in (
        ("communeSouhaitee", criteres.commune_souhaitee),
        ("communeAttribution", criteres.commune_attribution),
    ):
        if commune and cog.commune(commune) is None:
            yield catalogue.COMMUNE_INCONNUE(commune, "", f"{_CRITERES}/{nom}")
    personne = criteres.personne
    for chemin, texte in (
        ("association/nom", criteres.association),
        ("personneRecherchee/nom", personne.nom),
        ("personneRecherchee/prenom", personne.prenom),
    ):
        if texte and not normalise(texte):
            yield catalogue.CRITERE_VIDE(texte, "", f"{_CRITERES}/{chemin}")
    if personne.prenom and not personne.nom and personne.naissance is None:
        yield catalogue.PRENOM_SEUL(propriete=f"{_CRITERES}/personneRecherchee")


def search(
    conn: Connection,
    guichet: Guichet,
    criteres: Criteres,
    jour: date,
    limites: LimitesRecherche = LIMITES_RECHERCHE,
) -> Trouvees:
    """The demandes that meet all the criteria and that the guichet may read
    ([REC-2] [REC-7] [REC-8] [REC-9] [REC-10] [REC-11]).

    jour: today, in Paris. criteres: without anomaly. Raises what the database raises; DBAPIError of SQLSTATE
    57014 when the search lasts more than `duree_max`. Threat: criteria that single out nothing would have the
    database read the whole stock of 3 million, about 6 s of one processor, again and again.
    """
    if not guichet.actif:
        return Trouvees((), True)
    conditions, valeurs = _conditions(criteres, jour)
    perimetre, bornes = _perimetre(guichet)
    filtre = " AND ".join(["r.numero = d.numero", *conditions])
    valeurs |= {**bornes, "guichet": guichet.code, "limite": limites.resultats_max + 1}
    valeurs |= {f"t{rang}": code for rang, code in enumerate(sorted(guichet.territoires))}
    lisibles = f"SELECT r.numero FROM recherche r, demande d WHERE {filtre} AND {perimetre} LIMIT :limite"  # noqa: S608
    requetes = (lisibles, _held(guichet, filtre))
    # Planned for these criteria: a plan for any of them would read the whole stock for some.
    conn.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))
    numeros: set[str] = set()
    fin = monotonic() + limites.duree_max
    for requete in requetes:
        # What is held out of the perimeter is rare: it is looked for only when the answer has room for it.
        if len(numeros) <= limites.resultats_max:
            reste = max(round(1000 * (fin - monotonic())), 1)
            conn.execute(text(f"SET LOCAL statement_timeout = {reste}"))
            numeros.update(conn.scalars(text(requete), valeurs))
    conn.execute(text("SET LOCAL statement_timeout = 0"))
    return Trouvees(tuple(sorted(numeros)[: limites.resultats_max]), len(numeros) <= limites.resultats_max)


def _held(guichet: Guichet, filtre: str) -> str:
    """The statement that finds what the guichet holds, out of its perimeter when that can be told beforehand.

    A guichet that reads by territories holds next to nothing elsewhere, and the number begins with the
    territory: the index gives it at once, whatever the criteria and the size of the stock. OFFSET 0 keeps the
    planner, which knows no guichet that holds nothing, from beginning with the criteria.
    """
    if guichet.type in PAR_COMMUNES:
        return f"""
            SELECT r.numero FROM recherche r, demande d, detention h
            WHERE {filtre} AND h.numero = r.numero AND h.guichet = :guichet LIMIT :limite
        """  # noqa: S608 (conditions are texts of this module, values are bound)
    return f"""
        WITH tenues AS MATERIALIZED ({_elsewhere(len(guichet.territoires))})
        SELECT trouvee.numero FROM tenues t CROSS JOIN LATERAL (
            SELECT r.numero FROM recherche r, demande d WHERE {filtre} AND r.numero = t.numero OFFSET 0
        ) AS trouvee LIMIT :limite
    """  # noqa: S608


def _elsewhere(nombre: int) -> str:
    """What a guichet holds out of its territories, :t0, :t1… in their order: one range of the index between
    each two of them."""
    entre = (f"left(numero, 3) > :t{rang} AND left(numero, 3) < :t{rang + 1}" for rang in range(nombre - 1))
    return " UNION ALL ".join(
        f"SELECT numero FROM detention WHERE guichet = :guichet AND {bornes}"  # noqa: S608
        for bornes in ("left(numero, 3) < :t0", *entre, f"left(numero, 3) > :t{nombre - 1}")
    )


def _perimetre(guichet: Guichet) -> tuple[str, dict[str, object]]:
    """The rule of registry.droits.may_read as a condition on a row."""
    if guichet.type not in PAR_COMMUNES:
        return "r.territoire = ANY(CAST(:territoires AS text[]))", {
            "territoires": sorted(guichet.territoires)
        }
    # A commune is of one territory: those outside the territories of the guichet give no right.
    communes = [c for c in sorted(guichet.communes) if territoires.territoire_of(c) in guichet.territoires]
    return "r.termes && CAST(:perimetre AS text[])", {"perimetre": [f"c:{c}" for c in communes]}


def _conditions(criteres: Criteres, jour: date) -> tuple[list[str], dict[str, object]]:
    conditions: list[str] = []
    valeurs: dict[str, object] = {}
    termes = list(_termes(criteres))
    if termes:
        conditions.append("r.termes @> CAST(:termes AS text[])")
        valeurs["termes"] = termes
    if criteres.num_unique:
        conditions.append("r.numero = :numero")
        valeurs["numero"] = criteres.num_unique
    if criteres.etat == "R":
        conditions.append("d.etat = 'radiee'")
    elif criteres.etat:
        conditions.append("d.etat = 'active'")
        if criteres.etat == "E":
            conditions.append(
                "greatest(r.depot, r.renouvellement) + interval '12 months' < CAST(:jour AS date)"
            )
            valeurs["jour"] = jour
    else:
        conditions.append("d.etat IN ('active', 'radiee')")
    for colonne, periode in (
        ("depot", criteres.depot),
        ("renouvellement", criteres.renouvellement),
        ("radiation", criteres.radiation),
    ):
        for borne, operateur, valeur in (("debut", ">=", periode.debut), ("fin", "<=", periode.fin)):
            if valeur is not None:
                conditions.append(f"r.{colonne} {operateur} :{colonne}_{borne}")
                valeurs[f"{colonne}_{borne}"] = valeur
    if criteres.delai_anormal is not None:
        anormal = "d.etat = 'active' AND r.anormal_le IS NOT NULL AND r.anormal_le <= :jour"
        conditions.append(anormal if criteres.delai_anormal else f"NOT ({anormal})")
        valeurs["jour"] = jour
    if criteres.attributions_multiples is not None:
        conditions.append("r.attributions > 1" if criteres.attributions_multiples else "r.attributions <= 1")
    for rang, categorie in enumerate(dict.fromkeys(criteres.pieces)):
        conditions.append(
            "EXISTS (SELECT FROM piece p WHERE p.numero = r.numero AND p.supprimee_le IS NULL"
            f" AND p.categorie = :piece_{rang})"
        )
        valeurs[f"piece_{rang}"] = categorie
    return conditions, valeurs


def _termes(criteres: Criteres) -> Iterator[str]:
    for prefixe, valeur in (
        ("c", criteres.commune_souhaitee),
        ("m", criteres.motif_demande),
        ("r", criteres.motif_radiation),
        ("l", criteres.commune_attribution),
    ):
        if valeur:
            yield f"{prefixe}:{valeur}"
    if criteres.association:
        yield terme_association(criteres.association)
    personne = criteres.personne
    if personne.nom or personne.prenom or personne.naissance is not None:
        yield terme_personne(personne.nom, personne.prenom, personne.naissance)


def _periodes(criteres: Criteres) -> tuple[tuple[str, Periode], ...]:
    return (
        ("dateDepot", criteres.depot),
        ("dateRenouvellement", criteres.renouvellement),
        ("dateRadiation", criteres.radiation),
    )


def _jour(jour: date) -> str:
    return f"{jour.day:02d}/{jour.month:02d}/{jour.year:04d}"
