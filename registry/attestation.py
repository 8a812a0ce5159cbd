"""What an attestation says (CCH R441-2-4; regles §4), as plain French texts for the layout. Pure.

The letters of the article: a) applicant, b) registering service, c) number, d) dates, e) bailleurs of the
wished communes, f) cases for the commission de médiation, g) its delay and address, h) validity, i) how to
follow. What never changes is written in the layout (modeles/attestation.typ); what depends on the demande is
here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from registry.delais import find_delai
from registry.guichets import Guichet
from registry.references import References
from registry.regles import Regles
from registry.validite import add_months, echeance
from schemas import cog, territoires
from schemas.adresses import Adresse
from schemas.codes import label
from schemas.demande import Demande
from schemas.menage import Personne

ENREGISTREMENT: Final = "Attestation d'enregistrement d'une demande de logement social"
RENOUVELLEMENT: Final = "Attestation de renouvellement d'une demande de logement social"

FAITS: Final = frozenset({"CRE", "CRS", "REN"})
"""Codes of ListeTypeFichier that give an attestation; a modification gives none (regles §2.2)."""

_ABSENT: Final = "–"

# Far beyond any real demande; keeps a document filled to its limits from making a thousand pages.
_LIGNES_MAX: Final = 60


@dataclass(frozen=True, slots=True)
class Attestable:
    """A registration that deserves an attestation.

    numero: its number. nature: CRE, CRS or REN. guichet: the one that registers. document: emitted form.
    nom_fichier: name of the answer, from which that of the attestation comes.
    """

    numero: str
    nature: str
    guichet: Guichet
    document: bytes
    nom_fichier: str


def name_of(nom_fichier: str) -> str:
    """The name of the attestation that goes with an answer: same guichet, minute and digits ([ATT-5]).

    >>> name_of("DEMG1104-202603161030-000001.xml")
    'ATTG1104-202603161030-000001.pdf'
    """
    return f"ATT{nom_fichier[3:].removesuffix('.xml')}.pdf"


def describe(
    demande: Demande,
    attestable: Attestable,
    references: References,
    *,
    jour: date,
    regles: Regles,
    portail: str,
) -> dict[str, object]:
    """The values that the layout names. jour: that of the registration ([ATT-3] [ATT-4])."""
    communes = [_commune(code) for code in demande.communes_souhaitees]
    renouvellement = demande.date_renouvellement
    if attestable.nature == "REN" and renouvellement is None:
        renouvellement = jour
    territoire = attestable.numero[:3]
    return {
        "titre": RENOUVELLEMENT if attestable.nature == "REN" else ENREGISTREMENT,
        "numero": attestable.numero,
        "territoire": territoires.name(territoire) or territoire,
        "reperes": [
            ["Numéro unique", attestable.numero],
            ["Demande reçue le", _day(demande.date_creation)],
            ["Dernier renouvellement", _ABSENT if renouvellement is None else _day(renouvellement)],
            ["Service enregistreur", f"{attestable.guichet.nom} ({attestable.guichet.code})"],
        ],
        "demandeur": _applicant(demande),
        "service": _service(attestable.guichet, references),
        "duree": "un an" if regles.validite_mois == 12 else f"{regles.validite_mois} mois",
        "echeance": _day(_expiry(demande.date_creation, renouvellement, regles)),
        "portail": portail,
        "communes": communes,
        "bailleurs": [[_commune(code), list(noms)] for code, noms in references.bailleurs.items() if noms][
            :_LIGNES_MAX
        ],
        "sans_bailleur": [_commune(code) for code, noms in references.bailleurs.items() if not noms][
            :_LIGNES_MAX
        ],
        "delais": _delays(demande, references, jour),
        "commissions": [[commission.nom, commission.adresse] for commission in references.commissions],
        "resume": _summary(demande, communes),
        "foyer": _household(demande),
    }


def _day(jour: date) -> str:
    return jour.strftime("%d/%m/%Y") if jour.year >= 1000 else _ABSENT


def _expiry(depot: date, renouvellement: date | None, regles: Regles) -> date:
    try:
        return echeance(depot, renouvellement, regles)
    except ValueError:
        # A date that the XML allows and a calendar of four digits does not; the controls refuse it anyway.
        return date.max


def _commune(code: str) -> str:
    found = cog.commune(code)
    return code if found is None else found.nom


def _applicant(demande: Demande) -> list[str]:
    if demande.association is not None:
        return [demande.association.nom or _ABSENT, *_address(demande.association.adresse_postale)]
    if demande.demandeur is None:
        return [_ABSENT]
    return [full_name(demande.demandeur), *_address(demande.demandeur.adresse_postale)]


def full_name(personne: Personne) -> str:
    """Civility, first name, name, and birth name when it is another."""
    civilite = label("ListeCivilite", personne.civilite) if personne.civilite else None
    ne = personne.nom_patronymique
    naissance = f"(nom de naissance : {ne})" if ne and ne != personne.nom else ""
    words = (civilite or "", personne.prenom, personne.nom, naissance)
    return " ".join(word.strip() for word in words if word.strip()) or _ABSENT


def _address(adresse: Adresse | None) -> list[str]:
    if adresse is None:
        return []
    chez = f"chez {adresse.nom_hebergeant}" if adresse.nom_hebergeant else ""
    dedans = [
        f"{nom} {valeur}"
        for nom, valeur in (
            ("appartement", adresse.appartement),
            ("étage", adresse.etage),
            ("escalier", adresse.escalier),
            ("bâtiment", adresse.batiment),
        )
        if valeur.strip()
    ]
    if adresse.etranger:
        ville = f"{adresse.code_postal_etranger} {adresse.commune_etranger} {adresse.pays}"
    else:
        ville = f"{adresse.code_postal} {_commune(adresse.commune) if adresse.commune else ''}"
    lines = [
        chez,
        ", ".join(dedans),
        adresse.comp_adresse,
        f"{adresse.numero} {adresse.voie}",
        adresse.lieu_dit,
        ville,
    ]
    return [" ".join(line.split()) for line in lines if line.strip()]


def _service(guichet: Guichet, references: References) -> list[str]:
    found = references.coordonnees
    lines = [f"{guichet.nom} (guichet {guichet.code})", *found.adresse.splitlines()]
    lines += [f"Téléphone : {found.telephone}"] if found.telephone else []
    lines += [f"Courriel : {found.mel}"] if found.mel else []
    return lines


def _delays(demande: Demande, references: References, jour: date) -> list[list[str]]:
    """Zone, size, delay, first day; a line for each commune and size, those that say the same once."""
    lignes: dict[tuple[str, str, int], list[str]] = {}
    for commune in demande.communes_souhaitees:
        for typologie in demande.types_logement:
            delai = find_delai(references.delais, commune, typologie, jour)
            if delai is None:
                continue
            try:
                debut = _day(add_months(demande.date_creation, delai.mois))
            except ValueError:
                continue
            zone = _zone(delai.zone)
            libelle = label("ListeTypeLogement", typologie) if delai.typologie else "tous"
            lignes.setdefault(
                (zone, libelle or typologie, delai.mois),
                [zone, libelle or typologie, f"{delai.mois} mois", debut],
            )
    return list(lignes.values())[:_LIGNES_MAX]


def _zone(zone: str) -> str:
    if not zone:
        return "tout le territoire"
    if (commune := cog.commune(zone)) is not None:
        return commune.nom
    if (epci := cog.epci(zone)) is not None:
        return epci.nom
    return cog.departements().get(zone, zone)


def _summary(demande: Demande, communes: list[str]) -> list[list[str]]:
    types = [label("ListeTypeLogement", code) or code for code in demande.types_logement]
    motifs = [label("ListeMotifDemande", code) or code for code in demande.motifs]
    loyer = _ABSENT if demande.loyer_max is None else f"{demande.loyer_max} € par mois"
    elargie = {True: "oui", False: "non", None: _ABSENT}[demande.demande_elargie]
    lines = [
        ["Types de logement recherchés", ", ".join(types) or _ABSENT],
        ["Communes souhaitées, par ordre de préférence", ", ".join(communes[:_LIGNES_MAX]) or _ABSENT],
        ["Accepte d'autres communes", elargie],
        ["Loyer maximal accepté", loyer],
        ["Motifs de la demande", " ; ".join(motifs) or _ABSENT],
    ]
    revenu = demande.revenu_fiscal
    if revenu is not None and revenu.annee_moins1 is not None and revenu.montant_moins1 is not None:
        lines.append([f"Revenu fiscal {revenu.annee_moins1}", f"{revenu.montant_moins1} €"])
    ressources = sum(ressource.montant or 0 for ressource in demande.ressources)
    if ressources:
        lines.append(["Ressources mensuelles du demandeur", f"{ressources} €"])
    return lines


def _household(demande: Demande) -> list[list[str]]:
    lines = []
    if demande.demandeur is not None:
        lines.append([full_name(demande.demandeur), _day(demande.demandeur.date_naissance), "demandeur"])
    for cotitulaire in demande.cotitulaires:
        lien = label("ListeLienDemandeur", cotitulaire.lien) if cotitulaire.lien else None
        lines.append([full_name(cotitulaire), _day(cotitulaire.date_naissance), lien or "cotitulaire"])
    for charge in demande.personnes_a_charge:
        lien = label("ListeLienParente", charge.lien_parente) if charge.lien_parente else None
        nom = f"{charge.prenom} {charge.nom}".strip() or _ABSENT
        ne = _ABSENT if charge.date_naissance is None else _day(charge.date_naissance)
        lines.append([nom, ne, lien or "à charge"])
    return lines[:_LIGNES_MAX]
