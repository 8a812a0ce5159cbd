"""What the gestionnaire does with doublons: merge two demandes, or say that they are two persons (DBL).

The demande with the older deposit goes on, with its number and its seniority: nothing is transferred, so no
seniority can be taken from anyone. The other is radiated by the hub, distributed as any radiation, and its
holders become holders of the one that goes on: those who received the person must not lose sight of him.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from lxml import etree
from sqlalchemy import Connection, insert, text

from registry.constats import Constat
from registry.controles import PARIS, format_jour
from registry.cycle import LIBELLES
from registry.documents_gardes import read_kept, read_tree
from registry.evenements import Decideur
from registry.identites import cles_of
from registry.journal import Chaine
from registry.lifecycle import Etat, Fait, transition
from registry.recherche_doublons import Recherchee, score
from registry.ressemblance import SEUIL
from registry.situation import Situation, read_situations
from registry.suites import Registre, Revision, system
from registry.tables_doublons import DOUBLON_ECARTE, FUSION
from schemas.demande import read_demande
from schemas.lecture import PREFIX
from schemas.revision import body_of, mark_changes, put

MOTIF_FUSION: Final = "RADABA"
"""ListeMotifsRadiation has no code for a merge; this is the only one that supposes neither dwelling nor
letter (docs/decisions/0035)."""


@dataclass(frozen=True, slots=True)
class Fusion:
    """A merge done. date_anciennete: that of the demande kept. score: how alike they were."""

    conservee: str
    absorbee: str
    date_anciennete: date
    score: int


def merge(
    conn: Connection,
    decideur: Decideur,
    *,
    conservee: str,
    absorbee: str,
    auteur: str,
    motif: str,
    instant: datetime,
    malgre_ecart: bool = False,
) -> Fusion | tuple[Constat, ...]:
    """Merge two demandes, in the transaction of `conn`, or say all that is against it ([DBL-8] [DBL-9]).

    auteur: the service that decides, never a person: the journal keeps it for ever. motif: why, as it says.
    instant: aware.
    malgre_ecart: merge although the persons do not look alike (a name that marriage changed, say).
    """
    chaine = Chaine.lock(conn)
    situations = read_situations(conn, {conservee, absorbee})
    gardee, autre = situations.get(conservee), situations.get(absorbee)
    if gardee is None or autre is None:
        absents = [numero for numero in (conservee, absorbee) if numero not in situations]
        return tuple(
            Constat("DEMANDE-INCONNUE", "numero", f"la demande {numero} n'existe pas") for numero in absents
        )
    points = compare_demandes(gardee, autre)
    contre = _findings(gardee, autre, points, malgre_ecart=malgre_ecart)
    if contre:
        return contre
    registre = Registre(conn, chaine, instant)
    registre.add(_radiation(autre, conservee, auteur, instant))
    registre.write(decideur)
    conn.execute(
        insert(FUSION),
        {
            "absorbee": absorbee,
            "conservee": conservee,
            "date_anciennete": gardee.date_depot,
            "auteur": auteur,
            "motif": motif,
            "fusionnee_le": instant,
        },
    )
    conn.execute(_HOLDERS, {"conservee": conservee, "absorbee": absorbee, "instant": instant})
    return Fusion(conservee, absorbee, gardee.date_depot, points)


def set_aside(
    conn: Connection, une: str, autre: str, *, auteur: str, motif: str, instant: datetime
) -> tuple[Constat, ...]:
    """Keep that two demandes that look alike are of different persons; the search no longer brings them
    together. Empty when it is done; doing it again changes nothing ([DBL-7])."""
    connus = set(conn.scalars(_KNOWN, {"numeros": [une, autre]}))
    contre = [
        Constat("DEMANDE-INCONNUE", "numero", f"la demande {numero} n'existe pas")
        for numero in (une, autre)
        if numero not in connus
    ]
    if une == autre:
        contre.append(Constat("MEME-DEMANDE", "numero", "les deux numéros sont le même"))
    if contre:
        return tuple(contre)
    premiere, seconde = sorted((une, autre))
    conn.execute(
        _SET_ASIDE,
        {"premiere": premiere, "seconde": seconde, "auteur": auteur, "motif": motif, "ecarte_le": instant},
    )
    return ()


def compare_demandes(une: Situation, autre: Situation) -> int:
    """The best score between the persons of two demandes, 0 when one has none (association)."""
    cherchees = [Recherchee(cle.cle, cle.role) for cle in cles_of(read_kept(une.document))]
    candidats = [(autre.numero, cle.cle, cle.role) for cle in cles_of(read_kept(autre.document))]
    return max((trouve.score for trouve in score(cherchees, candidats)), default=0)


def _findings(gardee: Situation, autre: Situation, points: int, *, malgre_ecart: bool) -> tuple[Constat, ...]:
    if gardee.numero == autre.numero:
        return (Constat("MEME-DEMANDE", "numero", "les deux numéros sont le même"),)
    found = [
        Constat(
            "NON-ACTIVE",
            "etat",
            f"la demande {each.numero} est {LIBELLES[each.etat]}, elle devrait être active",
        )
        for each in (gardee, autre)
        if each.etat is not Etat.ACTIVE
    ]
    if gardee.territoire != autre.territoire:
        found.append(
            Constat(
                "TERRITOIRES",
                "territoire",
                f"les territoires diffèrent : {gardee.territoire} et {autre.territoire}",
            )
        )
    if (gardee.date_depot, gardee.recue_le) > (autre.date_depot, autre.recue_le):
        found.append(
            Constat(
                "ANCIENNETE",
                "conserver",
                f"la demande à conserver est la plus ancienne : {autre.numero}, déposée le "
                f"{format_jour(autre.date_depot)}",
            )
        )
    if points < SEUIL and not malgre_ecart:
        found.append(
            Constat(
                "PERSONNES",
                "identite",
                f"les personnes ne se ressemblent pas assez ({points} sur 100, {SEUIL} attendu)",
            )
        )
    return tuple(found)


def _radiation(situation: Situation, conservee: str, decideur: str, instant: datetime) -> Revision:
    jour = instant.astimezone(PARIS).date()
    ancien = read_tree(situation.document)
    root = copy.deepcopy(ancien)
    radiation = etree.Element(f"{PREFIX}radiation")
    etree.SubElement(radiation, f"{PREFIX}dateRadiation").text = jour.isoformat()
    etree.SubElement(radiation, f"{PREFIX}motifRadiation", code=MOTIF_FUSION)
    put(body_of(root), "radiation", radiation)
    mark_changes(root, ancien)
    etat = transition(situation.etat, Fait.RADIATION)
    assert etat is not None, "la demande est active"
    auteur = system(instant)
    apres = replace(
        situation,
        etat=etat,
        version=situation.version + 1,
        date_radiation=jour,
        motif_radiation=MOTIF_FUSION,
        sursis=None,
        auteur=auteur.guichet,
        instant=instant,
        derniers={**situation.derniers, auteur.guichet: instant},
    )
    return Revision(
        auteur=auteur,
        nature=Fait.RADIATION,
        apres=apres,
        root=root,
        demande=read_demande(root),
        detail={"motif": MOTIF_FUSION, "fusion": conservee, "par": decideur},
    )


_HOLDERS: Final = text("""
    INSERT INTO detention (numero, guichet, depuis_le, motif)
    SELECT :conservee, guichet, :instant, 'fusion' FROM detention WHERE numero = :absorbee
    ON CONFLICT DO NOTHING
""")
_KNOWN: Final = text("SELECT numero FROM demande WHERE numero = ANY(CAST(:numeros AS text[]))")
_SET_ASIDE: Final = text(f"""
    INSERT INTO {DOUBLON_ECARTE.name} (premiere, seconde, auteur, motif, ecarte_le)
    VALUES (:premiere, :seconde, :auteur, :motif, :ecarte_le)
    ON CONFLICT DO NOTHING
""")  # noqa: S608 - a name of ours
