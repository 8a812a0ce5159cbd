"""Generator of valid, realistic, seeded documents, for tests, demonstrations and benches.

The same seed gives the same bytes. Communes are real, people and telephone numbers are not
(`schemas/exemples/PROVENANCE.md`). No clock: documents are of the day `le`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Final, TypedDict, Unpack
from zoneinfo import ZoneInfo

from schemas.ecriture import STYLES, Code, Element, Style, write
from schemas.foyers import Foyer, draw_foyer, wanted_sizes
from schemas.generation_doublons import write_doublon
from schemas.generation_foyer import Contexte, mel, write_adresse, write_personne_physique, write_telephones
from schemas.generation_suites import (
    write_anomalies,
    write_dalo,
    write_handicaps,
    write_radiation,
    write_renouvellement,
)
from schemas.kinds import DEMANDES, DocumentKind
from schemas.tirage import Tirage, lines

__all__ = [
    "LE",
    "STYLES",
    "TYPES_FICHIER",
    "Options",
    "Style",
    "draw_instant",
    "generate_demande",
    "generate_demandes",
]

LE: Final = date(2026, 6, 30)
"""Day of the generated documents unless told otherwise: before any day on which this program may run."""

TYPES_FICHIER: Final = ("CRE", "CRS", "MOD", "RAD", "REN", "SUP", "DIS", "RET", "COP")
"""ListeTypeFichier."""

_PARIS: Final = ZoneInfo("Europe/Paris")
_WITHOUT_NUMBER: Final = frozenset({"CRE", "CRS"})
_MOTIFS: Final = {
    "01": 20.0, "13": 17.0, "09": 12.0, "11": 8.0, "08": 7.0, "12": 8.0, "19": 5.0, "17": 5.0, "05": 3.0,
    "03": 4.0, "14": 3.0, "04": 2.0, "21": 2.0, "18": 1.5, "07": 2.0, "06": 1.5, "20": 1.0, "15": 1.0,
    "10": 1.0, "02": 0.5, "22": 0.5, "16": 0.2, "23": 2.0,
}  # fmt: skip

_PRECISIONS: Final = ("", "", "", "Souhaite se rapprocher de sa mère âgée.", "Dossier suivi par le CCAS.")


class Options(TypedDict, total=False):
    """What a caller may fix; all the rest is drawn.

    territoire: code of 3 characters of the wished communes and the addresses; `111` by default.
    guichet: code of 5 characters; `G1104` by default.
    type_fichier: code of ListeTypeFichier; `CRE` by default.
    kind: version of the demande document; 02.01 by default.
    avec_cotitulaire, association: True or False to have one or not; None draws (associations: False).
    lien: ListeLienDemandeur of the cotitulaire.
    communes, types_logement: exactly these, in this order.
    num_unique: 18 characters; drawn by default for what bears a number.
    date_creation: day of deposit. le: day of the document.
    forcer_doublon: writes the element.
    motif_radiation: ListeMotifsRadiation, empty for a déradiation.
    complet: every element that the version allows.
    style: how the partner writes.
    """

    territoire: str
    guichet: str
    type_fichier: str
    kind: DocumentKind
    avec_cotitulaire: bool | None
    lien: str | None
    association: bool | None
    communes: Sequence[str] | None
    types_logement: Sequence[str] | None
    num_unique: str | None
    date_creation: date | None
    le: date
    forcer_doublon: bool | None
    motif_radiation: str | None
    complet: bool
    style: Style


def generate_demande(seed: random.Random | int | str, **options: Unpack[Options]) -> bytes:
    """One demande. seed: a source of chance, which is advanced, or the seed of a new one.

    Raises ValueError for a kind that is not a demande, an unknown type of file or territory.
    """
    rng = seed if isinstance(seed, random.Random) else random.Random(seed)  # noqa: S311 (no secret is drawn)
    return _draw(rng, options, None)


def generate_demandes(seed: int | str, count: int, **options: Unpack[Options]) -> Iterator[bytes]:
    """`count` demandes of persons no two of whom could pass for the same: nobody in two of them.

    The n-th is the same whatever `count` is.
    """
    rng = random.Random(seed)  # noqa: S311
    seen: set[tuple[str, str, date]] = set()
    for _ in range(count):
        yield _draw(rng, options, seen)


def _draw(rng: random.Random, o: Options, seen: set[tuple[str, str, date]] | None) -> bytes:
    kind = o.get("kind", DocumentKind.DEMANDE_0201)
    type_fichier = o.get("type_fichier", "CRE")
    if kind not in DEMANDES:
        raise ValueError(f"{kind} n'est pas un document de demande")
    if type_fichier not in TYPES_FICHIER:
        raise ValueError(f"typeFichier inconnu : {type_fichier!r}")
    t = Tirage(rng, complet=o.get("complet", False))
    c = Contexte(t, o.get("territoire", "111"), o.get("le", LE), kind == DocumentKind.DEMANDE_0201)
    association = o.get("association", False)
    if association is None:
        association = rng.random() < 0.02
    foyer = None if association else _new_foyer(c, o, seen)
    body = _body(c, o, type_fichier, foyer)
    modifies = frozenset({"telPortable", "montantMoins1", "typeLogement"} if type_fichier == "MOD" else ())
    return write(
        "interfaceNuu",
        [("versionInterface", "02.01" if c.v0201 else "02.00")],
        [
            ("entete", [("typeFichier", type_fichier), ("dateFichier", draw_instant(c))]),
            ("demande", [write_dalo(c) if t.peut(0.03) else None, ("demandeLogement", body)]),
        ],
        o.get("style", Style()),
        modifies,
    )


def _new_foyer(c: Contexte, o: Options, seen: set[tuple[str, str, date]] | None) -> Foyer:
    while True:
        foyer = draw_foyer(c.t, c.le, avec_cotitulaire=o.get("avec_cotitulaire"), lien=o.get("lien"))
        if seen is None:
            return foyer
        # Any name that a search of doublons may compare, with no regard to the order of nom and prénom.
        keys = {
            (min(nom, who.prenom), max(nom, who.prenom), who.date_naissance)
            for who in (foyer.demandeur.identite, *(a.identite for a in foyer.cotitulaires))
            for nom in {who.nom, who.nom_patronymique} - {""}
        }
        if not keys & seen:
            seen |= keys
            return foyer


def _body(c: Contexte, o: Options, type_fichier: str, foyer: Foyer | None) -> list[Element | None]:
    t = c.t
    oldest = 30 if type_fichier in _WITHOUT_NUMBER else 1800
    created = o.get("date_creation") or t.jour(c.le - timedelta(days=oldest), c.le)
    number = o.get("num_unique")
    drawn = f"{c.territoire}{created:%m%y}{t.entre(1, 999_999):06}{o.get('guichet', 'G1104')}"
    if number is None and type_fichier not in _WITHOUT_NUMBER:
        number = drawn
    forced = o.get("forcer_doublon")
    return [
        ("numGuichet", o.get("guichet", "G1104")),
        ("numUnique", number) if number is not None else None,
        ("numUniqueAssocie", drawn) if type_fichier == "CRS" or t.complet else None,
        t.si(0.6, ("refInterne", f"DLS-{t.entre(1, 999_999):06}")),
        ("dateCreationDemande", created.isoformat()),
        ("forcerDoublon", "true" if forced else "false") if forced is not None or t.complet else None,
        t.si(0.3, ("renouvellementElec", t.parmi(("true", "false")))),
        (
            "precision",
            t.parmi(("", "", "", "Souhaite se rapprocher de sa mère âgée.", "Dossier suivi par le CCAS.")),
        ),
        _traitement(c) if c.v0201 and type_fichier not in _WITHOUT_NUMBER and t.peut(0.3) else None,
        _recherche(c, o, foyer),
        _motifs(c) if foyer or t.complet else None,
        write_personne_physique(c, foyer) if foyer else _association(c),
        write_handicaps(c) if foyer and t.peut(0.07) else None,
        write_renouvellement(c.le) if type_fichier == "REN" or t.complet else None,
        write_radiation(c, o.get("motif_radiation")) if type_fichier == "RAD" else None,
        write_anomalies(c) if type_fichier == "RET" and t.peut(0.5) else None,
        ("listeDoublons", [write_doublon(c, o.get("guichet", "G1104"))])
        if type_fichier == "RET" and t.peut(0.2)
        else None,
        t.si(0.05, ("dateDerniereModificationPiece", c.le.isoformat())),
        t.si(0.2, ("incrementFichier", f"{t.entre(0, 999_999):06}")),
    ]


def draw_instant(c: Contexte) -> str:
    """An instant of office hours of the day of the document, as the real system writes it."""
    second = c.t.entre(8 * 3600, 18 * 3600)
    moment = time(second // 3600, second // 60 % 60, second % 60, c.t.entre(0, 999) * 1000)
    return datetime.combine(c.le, moment, _PARIS).isoformat(timespec="milliseconds")


def _traitement(c: Contexte) -> Element:
    t = c.t
    return (
        "informationTraitement",
        [
            ("estDelaiAnormalementLong", t.parmi(("true", "false"))),
            ("estMultiplesAttributionsSousConditions", "false"),
            ("dateCalculIndicateur", f"{c.le.isoformat()}T03:00:00+02:00"),
        ],
    )


def _recherche(c: Contexte, o: Options, foyer: Foyer | None) -> Element:
    t = c.t
    communes = o.get("communes") or t.communes(c.territoire)
    sizes = o.get("types_logement") or wanted_sizes(t, foyer.taille if foyer else t.entre(1, 4))
    places: list[Element | None] = [
        (
            "localisationSouhaite",
            [("commune", Code(code)), t.si(0.05, ("quartier", t.parmi(("Centre", "Gare", "Bellevue"))))],
        )
        for code in communes
    ]
    return (
        "logementRecherche",
        [
            t.si(0.9, ("categorieLogementRecherche", Code(t.pese({"I": 50.0, "A": 38.0, "M": 12.0})))),
            t.si(0.5, ("avecParking", t.parmi(("true", "false")))),
            t.si(0.4, ("rezDeChaussee", t.parmi(("true", "false")))),
            t.si(0.4, ("sansAscenseur", t.parmi(("true", "false")))),
            t.si(0.7, ("montantLoyer", str(t.montant(560, 0.3, 150, 1800)))),
            ("demandeElargie", t.parmi(("true", "false"))),
            ("listeTypeLogement", [("typeLogement", Code(size)) for size in sizes]),
            ("listeLocalisationSouhaite", places),
        ],
    )


def _motifs(c: Contexte) -> Element:
    t = c.t
    count = t.pese({1: 60, 2: 27, 3: 13})
    codes = dict.fromkeys(t.pese(_MOTIFS) for _ in range(count))
    return (
        "principauxMotifDemande",
        [
            ("compDateJugement", (c.le - timedelta(days=t.entre(20, 300))).isoformat())
            if "05" in codes or t.complet
            else None,
            ("compAutreMotif", "Logement mal isolé") if "23" in codes or t.complet else None,
            *(("motifDemande", Code(code)) for code in codes),
        ],
    )


def _association(c: Contexte) -> Element:
    t = c.t
    nom = t.parmi(lines("associations"))[0]
    return (
        "association",
        [
            ("nom", nom),
            *write_telephones(t),
            t.si(0.8, ("mel", mel("contact", nom.replace(" ", "-").replace("&", "et")))),
            write_adresse(t, "adressePostale", t.commune(c.territoire)),
        ],
    )
