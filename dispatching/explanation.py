"""Why a guichet received an event of a demande, or did not, as it was decided then.

The answer uses what the decision used: the perimeter of the guichet and the versions of its filters at the
generations that the decision recorded, the document of that version of the demande. The same `judge` gives
the verdict; tests hold it equal to what was distributed, for every guichet.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from dispatching.connu import connu_from_json, read_connu
from dispatching.deliveries import Distribution, list_distributions
from dispatching.perimetres import perimetre_at
from dispatching.recipients import Raison, Sujet, Verdict, judge
from dispatching.retraits import list_readings
from dispatching.tenue import AVANT, Tenue
from filters.explanation import ExplicationFiltre, explain
from filters.language import Filtre
from filters.naive import lasting
from filters.source import contexte_of
from filters.store import VersionFiltre, filtres_in_force
from filters.traits import Traits, traits_of
from registry.controles import PARIS
from registry.documents_gardes import read_kept


@dataclass(frozen=True, slots=True)
class TentativeFaite:
    """One attempt. issue: empty while it lasts; otherwise a Statut, a GenreEchec or « interrompue »."""

    rang: int
    commencee_le: datetime
    terminee_le: datetime | None
    issue: str
    detail: str


@dataclass(frozen=True, slots=True)
class FiltreExplique:
    """A filter of the guichet in force at the decision, and what it said of the demande."""

    version: VersionFiltre
    explication: ExplicationFiltre


@dataclass(frozen=True, slots=True)
class Explication:
    """The decision for one guichet about one event.

    nature: code of ListeTypeFichier. auteur: guichet that sent the event.
    verdict: None when the guichet was unknown to that decision.
    propre: of a holder, whether it held in its own right, and not because it had received the demande.
    filtres: those of the guichet in force then, by name; also when rights alone decided. Of a demande that
    has left them, without their conditions on the event, which do not count.
    distribution, tentatives: what followed, when the guichet is a recipient. lectures: the exchanges by which
    it came for it, and when.
    """

    numero: str
    version: int
    nature: str
    guichet: str
    auteur: str
    decidee_le: datetime
    verdict: Verdict | None
    propre: bool
    filtres: tuple[FiltreExplique, ...]
    distribution: Distribution | None
    tentatives: tuple[TentativeFaite, ...]
    lectures: tuple[tuple[uuid.UUID, datetime], ...]

    @property
    def destinataire(self) -> bool:
        return self.verdict is not None and self.verdict.destinataire

    @property
    def texte(self) -> str:
        """The reason, in one French sentence."""
        if self.verdict is None:
            return f"le guichet {self.guichet} n'existait pas à la date de la décision"
        match self.verdict.raison:
            case Raison.AUTEUR:
                return f"le guichet {self.guichet} est l'auteur de l'événement : il ne lui est pas renvoyé"
            case Raison.SANS_DROIT:
                return f"le guichet n'a pas le droit de lire la demande : {self._droit}"
            case Raison.DETENTEUR:
                titre = _EN_PROPRE if self.propre else "parce qu'il l'avait reçue"
                return (
                    f"le guichet {self.guichet} détenait déjà la demande, {titre} : "
                    "il en reçoit tous les événements"
                )
            case Raison.SORTIE_DROITS:
                return f"le guichet avait reçu la demande et n'a plus le droit de la lire : {self._droit}"
            case Raison.SORTIE_FILTRES | Raison.SORTIE_TEMPS:
                sortie = "le guichet avait reçu la demande et aucun de ses filtres ne la retient plus"
                if self.verdict.raison is Raison.SORTIE_TEMPS:
                    sortie += " depuis ce jour, par le temps qui passe"
                return " ; ".join((sortie, *(f.explication.texte for f in self.filtres)))
            case Raison.FILTRE | Raison.RATTRAPAGE | Raison.BALAYAGE:
                textes = " ; ".join(f.explication.texte for f in self.filtres if f.explication.correspond)
                return f"{_SANS_EVENEMENT.get(self.verdict.raison, '')}{textes}"
            case Raison.REPRISE:
                return "numéro d'ordre donné avant une restauration de la base, à ce qu'elle ne connaît plus"
            case Raison.HORS_FILTRES:
                if not self.filtres:
                    return f"le guichet {self.guichet} n'avait aucun filtre en vigueur : il ne reçoit rien"
                return " ; ".join(f.explication.texte for f in self.filtres)

    @property
    def conseils(self) -> tuple[str, ...]:
        """What would have changed the answer: the smallest change of each side, in French; may be empty."""
        if self.verdict is None or self.verdict.raison not in _FILTRES_DECIDENT:
            return ()
        if not self.filtres:
            return (f"enregistrer un filtre pour le guichet {self.guichet}",)
        concerned = [f for f in self.filtres if f.explication.correspond] or self.filtres
        # To stop receiving, all the filters that take the demande must let go; to receive, or to keep on
        # receiving, one is enough.
        changes = [(c.taille, f, c) for f in concerned for c in f.explication.changements]
        if self.verdict.raison in _UN_SUFFIT and changes:
            fewest = min(taille for taille, _, _ in changes)
            changes = [change for change in changes if change[0] == fewest]
        return tuple(f"filtre « {f.version.nom} », {c.texte}" for _, f, c in changes)

    @property
    def _droit(self) -> str:
        droit = self.verdict.droit if self.verdict is not None else None
        return droit.texte if droit is not None else ""


_SANS_EVENEMENT: Final = {
    Raison.RATTRAPAGE: "offerte au guichet avec le stock : ",
    Raison.BALAYAGE: "retenue depuis ce jour, par le temps qui passe : ",
}
_EN_PROPRE: Final = (
    "de son propre droit (il l'a envoyée ou déposée, ou détenait une demande réunie à celle-ci)"
)
_SORTIES: Final = frozenset({Raison.SORTIE_FILTRES, Raison.SORTIE_TEMPS})
_UN_SUFFIT: Final = _SORTIES | {Raison.HORS_FILTRES}
_FILTRES_DECIDENT: Final = frozenset({Raison.FILTRE, *_UN_SUFFIT, *_SANS_EVENEMENT})

_DECISION: Final = text(f"""
    SELECT d.*, v.document, {AVANT} FROM decision d
    JOIN demande_version v ON v.numero = d.numero AND v.version = d.version
    WHERE d.numero = :numero AND (CAST(:version AS int) IS NULL OR d.version = :version)
    ORDER BY d.version DESC LIMIT 1
""")  # noqa: S608 (constant columns)
_LAST: Final = text("""
    SELECT v.nature, v.guichet, v.document FROM demande d
    JOIN demande_version v ON v.numero = d.numero AND v.version = d.version WHERE d.numero = :numero
""")
# Of the distributions of one version to one guichet, the last one is told.
_OFFER: Final = text("""
    SELECT d.id, d.cree_le, o.generation_filtres, o.generation_perimetres, o.connu
    FROM distribution d JOIN offre o ON o.distribution = d.id
    WHERE d.numero = :numero AND d.guichet = :guichet AND d.version = :version
    ORDER BY d.sequence DESC LIMIT 1
""")
_ATTEMPTS: Final = text("""
    SELECT rang, commencee_le, terminee_le, coalesce(issue, '') AS issue, detail FROM tentative
    WHERE distribution = :id ORDER BY rang
""")


def explain_distribution(
    conn: Connection, numero: str, guichet: str, *, version: int | None = None
) -> Explication | None:
    """Explain the decision about a version of a demande (by default the last one) for any guichet ([DST-3]).

    None when nothing was decided: unknown number, or unknown version. Nothing is checked about who asks.
    """
    row = conn.execute(_DECISION, {"numero": numero, "version": version}).first()
    if row is None:
        return None
    values = {"numero": numero, "guichet": guichet, "version": row.version}
    offre = conn.execute(_OFFER, values).first()
    # What was offered from the stock was judged later, as the event had left the demande.
    savoir = offre or row
    decidee_le = row.decidee_le if offre is None else offre.cree_le
    demande = read_kept(row.document)
    traits = traits_of(
        demande, contexte_of(row.nature, row.auteur, decidee_le, connu_from_json(savoir.connu))
    )
    filtres = _explained(conn, guichet, decidee_le, savoir.generation_filtres, traits)
    known = perimetre_at(conn, guichet, savoir.generation_perimetres)
    made = [
        found
        for found in list_distributions(conn, numero=numero, guichet=guichet)
        if found.version == row.version
    ]
    distribution = made[-1] if made else None
    verdict = None
    # The first event of a demande finds no holder.
    tenue = Tenue.of(row) if row.version > 1 else Tenue()
    if known is not None:
        lui = frozenset({guichet})
        sujet = Sujet(row.territoire, demande.communes_souhaitees, row.auteur)
        if offre is None:
            sujet = replace(
                sujet,
                detenteurs=lui & tenue.detenteurs,
                recus=lui & tenue.recus,
                # Which of the two rules of leaving was in use then is told by what was made.
                relachees=lui if distribution and distribution.raison is Raison.SORTIE_FILTRES else (),
            )
        matching = [f.version for f in filtres if f.explication.correspond]
        first = min(matching, key=lambda found: found.identifiant, default=None)
        verdict = judge(known, sujet, first)
        if offre is not None and distribution is not None:
            verdict = replace(verdict, raison=distribution.raison)
        if verdict.raison in _SORTIES:
            filtres = tuple(
                FiltreExplique(each.version, explain(lasting(each.explication.filtre), traits))
                for each in filtres
            )
    return Explication(
        numero=numero,
        version=row.version,
        nature=row.nature,
        guichet=guichet,
        auteur=row.auteur,
        decidee_le=decidee_le,
        verdict=verdict,
        propre=guichet in tenue.propres,
        filtres=filtres,
        distribution=distribution,
        tentatives=list_attempts(conn, distribution) if distribution else (),
        lectures=list_readings(conn, distribution.id) if distribution else (),
    )


def explain_filtres(
    conn: Connection, numero: str, filtres: Sequence[Filtre], *, instant: datetime
) -> tuple[ExplicationFiltre, ...]:
    """What filters, such as drafts, would say of a demande as its last event left it, decided at `instant`.

    Empty when the number is unknown. Nothing is checked about who asks."""
    row = conn.execute(_LAST, {"numero": numero}).first()
    if row is None:
        return ()
    connu = read_connu(conn, [numero], instant.astimezone(PARIS).date())[numero]
    traits = traits_of(read_kept(row.document), contexte_of(row.nature, row.guichet, instant, connu))
    return tuple(explain(filtre, traits) for filtre in filtres)


def list_attempts(conn: Connection, distribution: Distribution) -> tuple[TentativeFaite, ...]:
    """The attempts of a distribution, in order."""
    rows = conn.execute(_ATTEMPTS, {"id": distribution.id})
    return tuple(TentativeFaite(r.rang, r.commencee_le, r.terminee_le, r.issue, r.detail) for r in rows)


def _explained(
    conn: Connection, guichet: str, instant: datetime, generation: int, traits: Traits
) -> tuple[FiltreExplique, ...]:
    versions = filtres_in_force(conn, instant, guichet, generation=generation)
    return tuple(
        FiltreExplique(version, explain(version.filtre, traits))
        for version in versions
        if version.filtre is not None
    )
