"""A report of conformity as it is told to everybody: nothing nominative, nothing that the partner wrote of
its target. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Final

from registry.controle_rapports import Controle, Reponse
from registry.controles import PARIS, format_jour
from schemas.rapport_conformite import Verdict

Fait = str | bool | datetime | None


@dataclass(frozen=True, slots=True)
class LigneFamille:
    """A family of assertions in the frozen result. comptes: by verdict, all four there."""

    titre: str
    comptes: dict[str, int]


def tell_families(controle: Controle) -> list[LigneFamille]:
    """The frozen result, by family, in the order of the report."""
    found: dict[str, Counter[str]] = {}
    for each in controle.rapport.resultats if controle.rapport else ():
        found.setdefault(each.famille, Counter())[each.verdict] += 1
    return [
        LigneFamille(titre, {str(verdict): comptes[verdict] for verdict in Verdict})
        for titre, comptes in found.items()
    ]


def tell_json(controle: Controle) -> dict[str, object]:
    """The same answer, for a program."""
    depose, rapport = controle.depose, controle.rapport
    told: dict[str, object] = {
        "reponse": controle.reponse,
        "texte": controle.texte,
        "signature_valide": controle.signature,
        "signataire": controle.signataire or None,
        "empreinte": controle.empreinte or None,
        "constats": [
            {"code": each.code, "champ": each.champ, "texte": each.texte} for each in controle.constats
        ],
    }
    if rapport is not None:
        told["rapport"] = {
            "identifiant": rapport.identifiant,
            "guichet": rapport.guichet or None,
            "mode": rapport.mode,
            "version_interface": rapport.version_interface,
            "kit": rapport.kit,
            "emis_le": rapport.fin,
            "expire_le": controle.expire_le,
            "conforme": rapport.conforme,
            "totaux": rapport.totaux,
            "familles": [{"titre": each.titre, **each.comptes} for each in tell_families(controle)],
        }
    if depose is not None:
        told["depot"] = {
            "depose_le": depose.depose_le,
            "confiance": depose.confiance,
            "certificat": depose.signataire,
            "canaux": sorted(depose.canaux),
            "contresigne_le": depose.contresigne_le,
            "remplace_par": depose.remplace_par,
            "remplace_le": depose.remplace_le,
            "revoque_le": depose.revoque_le,
            "motif": depose.motif or None,
        }
    return told


GENRES: Final = {
    Reponse.VALABLE: "success",
    Reponse.A_CONTRESIGNER: "info",
    Reponse.NON_DEPOSE: "info",
    Reponse.NON_SIGNE: "warning",
    Reponse.EXPIRE: "warning",
    Reponse.REMPLACE: "warning",
    Reponse.INSUFFISANT: "warning",
    Reponse.AUTRE_VERSION: "warning",
    Reponse.INCOMPLET: "warning",
    Reponse.SIGNATAIRE_INCONNU: "error",
    Reponse.NON_CONFORME: "error",
    Reponse.ALTERE: "error",
    Reponse.REVOQUE: "error",
    Reponse.ILLISIBLE: "error",
    Reponse.INCONNU: "error",
}
"""The kind of alert that says each answer."""

_COULEURS: Final = {"success": "#18753c", "info": "#0063cb", "warning": "#b34000", "error": "#ce0500"}
_CARACTERE: Final = 6.6
"""Points that a character takes at most, in the face of the badge."""


def draw_badge(controle: Controle) -> str:
    """The badge, as SVG: green while the report is in force, and otherwise what it has become."""
    gauche = "conformité"
    droite = controle.reponse.value
    if controle.reponse is Reponse.VALABLE and controle.depose is not None:
        jour = format_jour(controle.depose.expire_le.astimezone(PARIS).date())
        droite = f"{controle.depose.version_interface}, jusqu'au {jour}"
    un, deux = (round(len(each) * _CARACTERE + 12) for each in (gauche, droite))
    couleur = _COULEURS[GENRES[controle.reponse]]
    titre = escape(f"{gauche} : {droite}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{un + deux}" height="20" role="img"'
        f' aria-label="{titre}"><title>{titre}</title>'
        f'<rect width="{un}" height="20" fill="#3a3a3a"/>'
        f'<rect x="{un}" width="{deux}" height="20" fill="{couleur}"/>'
        '<g fill="#fff" text-anchor="middle" font-family="Marianne,Verdana,sans-serif" font-size="11">'
        f'<text x="{un / 2:g}" y="14">{escape(gauche)}</text>'
        f'<text x="{un + deux / 2:g}" y="14">{escape(droite)}</text></g></svg>\n'
    )
