"""The element `personnePhysique` of a generated demande, in the order of its schema."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from schemas import cog
from schemas.ecriture import Code, Element
from schemas.foyers import Adulte, Foyer, Identite
from schemas.tirage import Tirage, lines

# Ranges that the ARCEP keeps for works of fiction: nobody is called by a test.
_FIXES: Final = ("019900", "026191", "035301", "046571", "053649")
_MOBILE: Final = "063998"

_TYPES_ACTUELS: Final = {"C": 3, "T1": 15, "T2": 30, "T3": 32, "T4": 15, "T5": 4, "T6P": 1}
_MODELES: Final = {
    "HLM": 32.0, "LP": 27.0, "CPE": 12.0, "CP": 11.0, "SLHT": 4.0, "RS": 4.0, "SH": 3.0, "LTG": 2.0,
    "HOT": 1.0, "POCC": 1.5, "RE": 1.0, "FONC": 0.5, "SD": 1.0, "CAMCAR": 0.3, "RHVS": 0.2, "CDEFCM": 0.3,
    "SQUAT": 0.2,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Contexte:
    """What the parts of one document share. le: day of reference; v0201: elements of 02.01 are allowed."""

    t: Tirage
    territoire: str
    le: date
    v0201: bool


def write_personne_physique(c: Contexte, foyer: Foyer) -> Element:
    """The whole household."""
    t = c.t
    domicile = t.commune(c.territoire)
    enfants = foyer.enfants
    return (
        "personnePhysique",
        [
            _demandeur(c, foyer, domicile),
            write_adresse(t, "adresseLogement", t.commune(c.territoire)) if t.peut(0.07) else None,
            ("listePersonneACharge", [_personne_a_charge(e) for e in enfants])
            if enfants or t.peut(0.5)
            else None,
            _naissances(c) if t.peut(0.05) else None,
            t.si(0.05, ("listePersonneEnGarde", [_personne_en_garde(c) for _ in range(t.entre(1, 2))])),
            ("listeCotitulaire", [_cotitulaire(c, a) for a in foyer.cotitulaires])
            if foyer.cotitulaires or t.peut(0.5)
            else None,
            _logement_actuel(c, foyer),
        ],
    )


def write_adresse(t: Tirage, name: str, commune: cog.Commune) -> Element:
    """An address in that commune; one in two hundred is abroad."""
    etranger = _is_abroad(t)
    content: list[Element | None] = [
        ("etranger", "true" if etranger else "false"),
        t.si(0.4, ("appartement", str(t.entre(1, 99)))),
        t.si(0.4, ("etage", str(t.entre(0, 15)))),
        t.si(0.15, ("escalier", t.parmi("ABCD"))),
        t.si(0.25, ("batiment", t.parmi("ABCDEFGH"))),
        t.si(0.1, ("compAdresse", t.parmi(("Résidence Les Lilas", "Entrée B", "Au fond de la cour")))),
        t.si(0.95, ("numero", f"{t.entre(1, 180)}{t.parmi(('', '', '', 'B', 'T'))}")),
        ("voie", t.parmi(lines("voies"))[0]),
        t.si(0.03, ("lieuDit", "Le Moulin Neuf")),
    ]
    content += _lieu(t, commune, etranger=etranger)
    content.append(("nomHebergeant", f"{t.prenom('F')} {t.nom()}"[:38]) if t.peut(0.08) else None)
    return name, content


def _is_abroad(t: Tirage) -> bool:
    return t.rng.random() < (0.5 if t.complet else 0.005)


def _lieu(t: Tirage, commune: cog.Commune, *, etranger: bool) -> list[Element]:
    """One of the two branches of a place."""
    if etranger:
        ville, pays = t.parmi((("Bruxelles", "Belgique"), ("Köln", "Allemagne"), ("Alger", "Algérie")))
        return [("codePostalEtranger", "1000"), ("communeEtranger", ville), ("pays", pays)]
    return [("codePostal", t.parmi(commune.codes_postaux or ("99999",))), ("commune", Code(commune.code))]


def write_telephones(t: Tirage) -> list[Element | None]:
    """The three numbers, in the ranges kept for fiction; a number may be empty (interface/wire §11)."""
    return [
        t.si(0.3, ("telDomicile", f"{t.parmi(_FIXES)}{t.entre(0, 9999):04}")),
        t.si(0.9, ("telPortable", f"{_MOBILE}{t.entre(0, 9999):04}")),
        t.si(0.05, ("telTravail", "")),
    ]


def mel(prenom: str, nom: str) -> str:
    """An address that nobody owns (RFC 2606 §3), in the letters that the schema admits."""
    plain = unicodedata.normalize("NFD", f"{prenom}.{nom}".lower())
    return "".join(c if c.isascii() and (c.isalnum() or c in ".-") else "" for c in plain) + "@example.org"


def _identite(adulte: Adulte) -> list[Element | None]:
    who = adulte.identite
    return [
        ("civilite", Code(who.civilite)),
        ("nom", who.nom[:36]),
        ("nomPatronymique", who.nom_patronymique[:36]) if who.nom_patronymique else None,
        ("prenom", who.prenom[:36]),
        ("dateNaissance", who.date_naissance.isoformat()),
        ("nationalite", Code(adulte.nationalite)),
        ("situationFamiliale", Code(adulte.situation_familiale)),
    ]


def _demandeur(c: Contexte, foyer: Foyer, domicile: cog.Commune) -> Element:
    t, adulte = c.t, foyer.demandeur
    return (
        "demandeur",
        [
            *_identite(adulte),
            *write_telephones(t),
            t.si(0.75, ("mel", mel(adulte.identite.prenom, adulte.identite.nom))),
            ("notifSms", t.parmi(("true", "false"))) if c.v0201 and t.peut(0.7) else None,
            ("notifEvt", t.parmi(("true", "false"))) if c.v0201 and t.peut(0.7) else None,
            write_adresse(t, "adressePostale", domicile),
            _travail(c, adulte),
            _revenu(c, foyer.revenu_annuel),
            ("listeRessourceRecue", _ressources(c, foyer)),
            ("listeRessourceVersee", [_ressource("PAV", t.entre(80, 400))] if t.peut(0.06) else []),
            ("listeRessourceRecuePersACharge", [_ressource("BE", t.entre(100, 500))] if t.peut(0.02) else []),
            (
                "listeRessourceVerseePersACharge",
                [_ressource("PAV", 90)] if t.peut(0.01) else [],
            ),
        ],
    )


def _cotitulaire(c: Contexte, adulte: Adulte) -> Element:
    t, travail = c.t, adulte.travail
    return (
        "cotitulaire",
        [
            *_identite(adulte),
            *write_telephones(t),
            ("lienDemandeur", Code(adulte.lien)),
            _travail(c, adulte),
            _revenu(c, int(travail.revenu * 10.8)) if t.peut(0.8) else None,
            ("listeRessourceRecue", [_ressource(_ressource_du_contrat(travail.contrat), travail.revenu)]),
            ("listeRessourceVersee", [_ressource("PAV", t.entre(80, 400))] if t.peut(0.03) else []),
        ],
    )


def _travail(c: Contexte, adulte: Adulte) -> Element:
    t, travail = c.t, adulte.travail
    etranger = _is_abroad(t)
    content: list[Element | None] = [
        ("profession", travail.profession) if travail.profession else None,
        ("typeContratTravail", Code(travail.contrat)),
        t.si(0.1, ("multiEmployeur", t.parmi(("true", "false")))),
        ("nomEmployeurPrincipal", travail.employeur) if travail.employeur else None,
        ("etranger", "true" if etranger else "false") if etranger or t.peut(0.3) else None,
    ]
    if etranger or (travail.employeur and t.peut(0.8)):
        content += _lieu(t, t.commune(c.territoire), etranger=etranger)
    if travail.employeur and t.peut(0.2):
        content.append(("nomOrganismeCollecteur", "Action Logement Services"))
    return "situationProfessionnelle", content


def _revenu(c: Contexte, annuel: int) -> Element:
    t, year = c.t, c.le.year - 1
    if not t.peut(0.93):
        return "revenuFiscal", []
    content: list[Element | None] = [("anneeMoins1", str(year)), ("montantMoins1", str(annuel))]
    if t.peut(0.7):
        content += [("anneeMoins2", str(year - 1)), ("montantMoins2", str(int(annuel * 0.97)))]
    return "revenuFiscal", content


def _ressource_du_contrat(contrat: str) -> str:
    return {"CHO": "CHO", "RET": "RET", "ETU": "BE", "AUT": "RSA"}.get(contrat, "SAL")


def _ressource(code: str, montant: int) -> Element:
    return "detailRessource", [("ressource", Code(code)), ("montant", str(montant))]


def _ressources(c: Contexte, foyer: Foyer) -> list[Element | None]:
    t, travail, enfants = c.t, foyer.demandeur.travail, len(foyer.enfants)
    found = [_ressource(_ressource_du_contrat(travail.contrat), travail.revenu)]
    if enfants >= 2:
        found.append(_ressource("AF", 141 + 181 * (enfants - 2)))
    if enfants and not foyer.cotitulaires and t.peut(0.4):
        found.append(_ressource("PAR", t.entre(90, 350)))
    if enfants and any(c.le.year - e.date_naissance.year < 3 for e in foyer.enfants):
        found.append(_ressource("PAJE", 189))
    if t.peut(0.05):
        found.append(_ressource("AAH", t.entre(400, 1016)))
    return [*found]


def _personne_a_charge(who: Identite) -> Element:
    return (
        "personneACharge",
        [
            ("nom", who.nom[:24]),
            ("prenom", who.prenom[:24]),
            ("dateNaissance", who.date_naissance.isoformat()),
            ("sexe", Code(who.sexe)),
            ("lienParente", Code("E")),
        ],
    )


def _personne_en_garde(c: Contexte) -> Element:
    born = c.t.jour(c.le - timedelta(days=17 * 365), c.le - timedelta(days=365))
    return (
        "personneEnGarde",
        [
            ("dateNaissance", born.isoformat()),
            ("sexe", Code(c.t.parmi("FM"))),
            ("coParentalite", Code(c.t.parmi("GD"))),
        ],
    )


def _naissances(c: Contexte) -> Element:
    expected = c.t.jour(c.le, c.le + timedelta(days=200)).isoformat()
    return "personneANaitre", [
        ("nombre", str(c.t.pese({1: 97.0, 2: 3.0}))),
        ("dateNaissancePrevue", expected),
    ]


def _logement_actuel(c: Contexte, foyer: Foyer) -> Element:
    t = c.t
    modele = t.pese(_MODELES)
    rented = modele in ("HLM", "LP", "RS", "SLHT", "RE") or t.complet
    since = t.jour(c.le - timedelta(days=3000), c.le - timedelta(days=30)).isoformat()

    def when(code: str, element: Element) -> Element | None:
        return element if modele == code or t.complet else None

    owner = modele == "POCC" or t.peut(0.02)
    content: list[Element | None] = [
        ("listeModeleLogement", [("modeleLogement", Code(modele))]),
        when("HLM", ("compNomOrgBailleur", "Office public de l'habitat")),
        when("RS", ("compResSocDepuis", since)),
        when("RHVS", ("compResHotDepuis", since)),
        when("SLHT", ("compSousLocDepuis", since)),
        when("SH", ("compStructDepuis", since)),
        when("SH", ("compNomStructure", "L'Escale")),
        when("CDEFCM", ("compCentreDepuis", since)),
        when("CDEFCM", ("compNomCentre", "Les Mimosas")),
        ("montantMensuelLoyer", str(t.montant(520, 0.35, 90, 2500))) if rented else None,
        ("montantMensuelAPL", str(t.entre(20, 420))) if rented and t.peut(0.5) else None,
        ("nombreHabitant", str(foyer.taille + (t.entre(1, 3) if modele in ("CPE", "CP") else 0))),
        ("categorieLogement", Code(t.parmi("AAAAM"))) if modele != "SD" else None,
        (
            "typeLogementActuel",
            Code(t.pese(_TYPES_ACTUELS)),
        ),
        ("surface", str(t.montant(52, 0.35, 9, 180))),
        ("proprietaire", "true" if owner else "false"),
    ]
    if owner:
        etranger = _is_abroad(t)
        content.append(("etranger", "true") if etranger else t.si(0.5, ("etranger", "false")))
        content += _lieu(t, t.commune(c.territoire), etranger=etranger)
        content.append(("typeLogementPossede", Code(t.parmi(("T2", "T3", "T4")))))
    return "logementActuel", content
