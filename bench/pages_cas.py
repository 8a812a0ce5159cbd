"""What is asked of each page of the console: what gives content, drawn from the base that is measured.

A page has variants: its list as it opens, narrowed to something rare, a demande with a long life… The
addresses of a variant are asked in turn, so that one answer does not prepare the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, text

from bench.pages_monde import AGENT, TERRITOIRE
from console.profils import D_UN_GUICHET, ProfilCompte
from console.table import Methode, Objet, Page

Parametres = Mapping[str, str]
_NOMBRE: Final = 20

EXCLUES: Final = {
    "session.": "ouvrir et fermer une session ne lit pas le stock",
    "oidc.": "mène au fournisseur d'identité, et ne lit pas le stock",
    "invitation.": "un lien sert une fois, et ne lit pas le stock",
    "conformite.": "un rapport se lit par sa clé, et ne lit pas le stock",
    **dict.fromkeys(
        (
            "filtres.editer",
            "filtres.essai",
            "filtres.passe",
            "filtres.numeros",
            "filtres.activation",
            "filtres.rattrapage",
        ),
        "essaie un filtre sur l'image du stock, que bench.essais mesure",
    ),
    "raccordement.essayer": "appelle le partenaire",
    "raccordement.repeter": "écrit au partenaire",
}
"""Pages that are not measured, by the beginning of their names, and why; the acts are not either, but for
those of `ACTES`: they change a few rows by their keys."""
ACTES: Final = frozenset({"demandes.rechercher", "distributions.rapprocher", "filtres.condition"})
"""POST pages that are measured: they search, or are sent at every change."""


@dataclass(frozen=True, slots=True)
class Demande:
    """One request: parameters of the address, and fields of the form."""

    parametres: Parametres
    champs: Parametres | None = None


@dataclass(frozen=True, slots=True)
class Tirages:
    """What there is to be asked for."""

    demandes: Sequence[str]
    longue: str
    pieces: Sequence[str]
    guichets: Sequence[str]
    echanges: Mapping[str, Sequence[str]]
    certificats: Mapping[str, Sequence[str]]
    courriers: Sequence[str]
    comptes: Sequence[str]
    jours: Sequence[str]
    sequences: Mapping[str, Sequence[str]]
    semaine: str
    maintenant: datetime


def draw(conn: Connection, maintenant: datetime) -> Tirages:
    """Draw them from the base."""

    def column(query: str, **values: Any) -> list[str]:
        return [str(each) for each in conn.scalars(text(query), {"n": _NOMBRE, "t": TERRITOIRE, **values})]

    guichets = [
        AGENT,
        *column(
            "SELECT code FROM guichet WHERE :t = ANY(territoires) AND code <> :a ORDER BY md5(code) LIMIT 5",
            a=AGENT,
        ),
    ]
    longue, *_ = column("SELECT numero FROM demande_version WHERE version = 40 LIMIT 1")
    return Tirages(
        demandes=column(
            "SELECT numero FROM demande TABLESAMPLE SYSTEM (0.5) WHERE territoire = :t AND etat = 'active'"
            " ORDER BY md5(numero) LIMIT :n"
        ),
        longue=longue,
        pieces=column("SELECT id FROM piece WHERE numero = :l ORDER BY id LIMIT :n", l=longue),
        guichets=guichets,
        echanges={
            code: column(
                "SELECT id FROM (SELECT id FROM echange WHERE guichet = :g ORDER BY id DESC LIMIT 2000) AS e"
                " ORDER BY md5(id::text) LIMIT :n",
                g=code,
            )
            for code in guichets
        },
        certificats={
            code: column("SELECT empreinte FROM certificat WHERE guichet = :g", g=code) for code in guichets
        },
        courriers=column("SELECT id FROM courrier_entrant ORDER BY id DESC LIMIT :n"),
        comptes=column(
            "SELECT id FROM compte WHERE guichet = :g AND courriel LIKE lower(:g) || '%'", g=AGENT
        ),
        jours=column(
            "SELECT to_char(jour, 'YYYY-MM-DD') FROM manifeste WHERE guichet = :g"
            " ORDER BY jour DESC LIMIT :n",
            g=AGENT,
        ),
        sequences={
            etat: column(
                "SELECT sequence FROM (SELECT sequence FROM distribution WHERE guichet = :g AND etat = :e"
                " ORDER BY sequence DESC LIMIT 500) AS d ORDER BY md5(sequence::text) LIMIT :n",
                g=AGENT,
                e=etat,
            )
            for etat in ("acquittee", "en_attente", "echec")
        },
        semaine=column("SELECT max(semaine) FROM infocentre_arrete")[0],
        maintenant=maintenant,
    )


def measured(page: Page) -> bool:
    """Whether a page is measured. Pure."""
    if any(page.nom.startswith(each) for each in EXCLUES):
        return False
    return page.methode is Methode.GET or page.nom in ACTES


def cases(page: Page, profil: ProfilCompte | None, t: Tirages) -> dict[str, list[Demande]]:
    """The variants of a page for that profile, the first one unnamed. Pure."""
    mien = profil in D_UN_GUICHET
    objets: list[Parametres] = [{}]
    match page.objet:
        case Objet.GUICHET:
            codes = t.guichets[:1] if mien else t.guichets
            objets = [{"guichet": code} for code in codes]
        case Objet.DEMANDE:
            objets = [{"numero": numero} for numero in t.demandes]
        case Objet.ECHANGE:
            objets = [{"echange": each} for each in t.echanges[AGENT]]
        case Objet.CERTIFICAT:
            objets = [{"empreinte": each} for each in t.certificats[AGENT]]
        case Objet.COMPTE:
            objets = [{"compte": each} for each in t.comptes]
        case _:
            pass
    drawn = _drawn(t, mien=mien)
    variantes = drawn.get(page.nom) or _FIXES.get(page.nom) or {"": [{}]}
    found: dict[str, list[Demande]] = {}
    for nom, propres in variantes.items():
        champs = _CHAMPS.get((page.nom, nom), {}) if page.methode is Methode.POST else None
        # Parameters of one's own may name the object themselves.
        found[nom] = [
            Demande({**objet, **each}, champs)
            for each in propres
            for objet in ([{}] if page.objet.value in each else objets)
        ]
    return found


Variantes = Mapping[str, Sequence[Parametres]]


def _drafts() -> list[Parametres]:
    return [{"guichet": AGENT, "nom": f"Brouillon {rang}"} for rang in range(20)]


def _drawn(t: Tirages, *, mien: bool) -> Mapping[str, Variantes]:
    """The variants that are of things drawn. mien: for an account of one guichet, that asks for no other."""
    toutes: list[Parametres] = [{"numero": each} for each in (*t.demandes, t.longue)]
    longue: Variantes = {"": [{}], "longue vie": [{"numero": t.longue}]}
    courriers: Variantes = {"": [{"courrier": each} for each in t.courriers]}
    autres: list[Parametres] = [{"guichet": each} for each in t.guichets]
    au = f"{t.maintenant - timedelta(days=3):%Y-%m-%dT%H:%M}"
    semaine = f"{t.maintenant - timedelta(days=7):%Y-%m-%dT%H:%M}"
    veille = f"{t.maintenant - timedelta(days=90):%Y-%m-%d}"
    return {
        "demandes.voir": longue,
        "demandes.preuve": longue,
        "demandes.pieces": longue,
        "demandes.piece": {"": [{"numero": t.longue, "piece": each} for each in t.pieces]},
        "distributions.lister": {
            "": [{}],
            "en échec": [{"etat": "echec"}],
            "en attente": [{"etat": "en_attente"}],
            "retirées (aucune)": [{"etat": "retiree"}],
            "d'une demande": toutes,
            "au fond": [{"du": "2026-01-01", "au": veille}],
            **({} if mien else {"d'un guichet": autres}),
            **({} if mien else {"en attente, d'un guichet": [{**g, "etat": "en_attente"} for g in autres]}),
        },
        "distributions.voir": {
            etat: [{"guichet": AGENT, "sequence": each} for each in found]
            for etat, found in t.sequences.items()
        },
        "distributions.expliquer": {
            "": [{"guichet": AGENT}],
            "longue vie": [{"numero": t.longue, "guichet": AGENT}],
        },
        "distributions.attendus": {
            "": [{}],
            "d'une demande": [{**each, "au": au} for each in toutes],
        },
        "distributions.attendus.guichet": {
            "": [{**each, "au": au} for each in (autres[:1] if mien else autres)],
            "une semaine": [{**each, "depuis": semaine} for each in (autres[:1] if mien else autres)],
        },
        "distributions.manifeste": {"": [{"guichet": AGENT, "jour": each} for each in t.jours]},
        "echanges.lister": {
            "": [{}],
            "refusés": [{"statut": "refuse"}],
            "en échec": [{"statut": "echec"}],
            "par courrier (aucun)": [{"canal": "courrier"}],
            "d'une demande": toutes,
            **({} if mien else {"d'un guichet": autres}),
            **({} if mien else {"refusés, d'un guichet": [{**g, "statut": "refuse"} for g in autres]}),
        },
        "courriers.voir": courriers,
        "courriers.message": courriers,
        "filtres.pourquoi": {"": [{"guichet": AGENT, **each} for each in toutes]},
        "lectures.lister": {"": [{}], "d'une demande": toutes},
    }


_CSV: Final[Variantes] = {"": [{"format": "csv"}], "Excel": [{"format": "xlsx"}]}
_SEUL: Final[Variantes] = {"": [{"guichet": AGENT}]}
_VERSIONS: Final[Variantes] = {"": [{"guichet": AGENT, "nom": "Par versions"}]}
_FIXES: Final[Mapping[str, Variantes]] = {
    "demandes.rechercher": {"par nom": [{}], "par commune": [{}]},
    "distributions.exporter": {"": [{}], "en échec": [{"etat": "echec"}]},
    "distributions.rapprocher": _SEUL,
    "echanges.exporter": {"": [{}], "refusés": [{"statut": "refuse"}]},
    "courriers.recus": {"": [{}], "quarantaine": [{"etat": "quarantaine"}]},
    "courriers.envoyes": {"": [{}], "en échec": [{"etat": "echec"}]},
    "filtres.accueil": {"": [{}], "recherche": [{"cherche": "bailleur"}]},
    "filtres.lister": {"": [{}]},
    "filtres.exporter": _SEUL,
    "filtres.historique": _VERSIONS,
    "filtres.comparer": _VERSIONS,
    "filtres.condition": {"": [{**d, "critere": "categories"} for d in _drafts()]},
    "partenaires.lister": {
        "": [{}],
        "recherche": [{"q": "bailleur"}],
        "en panne": [{"etat": "en_panne"}],
        "suite": [{"apres": "G0900"}],
    },
    "partenaires.exporter": _CSV,
    "partenaires.lieux": {"": [{"genre": "commune", "cherche": "saint"}]},
    "certificats.lister": {"": [{}], "à traiter": [{"etat": "a_traiter"}], "retirés": [{"etat": "retires"}]},
    "certificats.publier": {"": [{"fichier": "echangeur-client.pem"}]},
    "pilotage.voir": {"": [{"heures": "24"}], "sept jours": [{"heures": "168"}]},
    "pilotage.exporter": {"": [{"format": "csv"}], "sept jours": [{"format": "csv", "heures": "168"}]},
    "qualite.exporter": _CSV,
    "qualite.guichet.exporter": _CSV,
    "chiffres.voir": {"": [{}], "par commune": [{"tableau": "stock_commune"}]},
    "chiffres.exporter": _CSV,
}
_CHAMPS: Final[Mapping[tuple[str, str], Parametres]] = {
    ("demandes.rechercher", "par nom"): {"nom": "MARTIN", "prenom": "MARIE"},
    ("demandes.rechercher", "par commune"): {"commune": "93066"},
    ("distributions.rapprocher", ""): {"liste": "\n".join(str(rang) for rang in range(1, 101))},
    ("filtres.condition", ""): {"valeurs": "A"},
}
"""Fields of the forms, by page and variant."""
