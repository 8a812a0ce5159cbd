"""The table of docs/valeurs.md, generated from the values of the sandbox: none can go undocumented."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Final

from echangeur.bac_a_sable import valeurs
from registry.anomalies import TypeAnomalie
from tools.docs_anomalies import declaring_modules

PAGE: Final = Path("docs/valeurs.md")

_ENTETE: Final = """# Valeurs du bac à sable

Page engendrée depuis le code par `make docs` ; ne pas la modifier à la main.

Ce qui provoque chaque anomalie et chaque panne au [bac à sable](bac-a-sable.md), et là seulement : ailleurs,
ces valeurs sont des textes comme les autres.

- **Par SOAP** : écrivez la valeur dans n'importe quel texte ou fichier de l'appel, `precision` d'une demande
  ou `nomFichierDemande` par exemple ; ou son code dans l'en-tête HTTP `X-Bac-A-Sable`.
- **Par courrier** : dans un fichier, elle donne le verdict de ce fichier ; écrite `bac-a-sable.CODE` dans le
  `Message-ID`, elle dit ce qu'il advient de la réponse.
- **Dans une distribution** : la valeur reste dans `precision`. Un voisin en enregistre une par
  `echangeur bac-a-sable distribuer --valeur PUSH-DOUBLE`.

Une panne, et une anomalie rejouable, n'arrivent qu'une fois pour un même contenu : renvoyez-le, octet pour
octet.
"""

_GROUPES: Final = (
    ("Pannes d'un appel", valeurs.D_APPEL),
    ("Pannes d'une distribution poussée", valeurs.D_ENVOI),
    ("Pannes du courrier", valeurs.DE_COURRIER),
)


def render() -> str:
    """The whole page."""
    for name in declaring_modules():
        import_module(name)
    parts = [_ENTETE]
    for titre, pannes in _GROUPES:
        rows = [
            f"| `bac-a-sable:{panne.value}` | {dite.effet} | {dite.attendu} |"
            for panne, dite in valeurs.PANNES.items()
            if panne in pannes
        ]
        entete = "| valeur | ce qui arrive | ce que fait un bon partenaire |"
        parts.append("\n".join((f"## {titre}\n", entete, "| --- | --- | --- |", *rows, "")))
    par_soap, par_courrier = valeurs.provoked(), valeurs.provoked(courrier=True)
    codes = {each.code: each for each in (*par_soap, *par_courrier)}
    soap, courrier = {each.code for each in par_soap}, {each.code for each in par_courrier}
    rows = [
        f"| `bac-a-sable:{code}` | {_oui(code in soap)} | {_oui(code in courrier)} | {_texte(each)} |"
        for code, each in sorted(codes.items())
    ]
    entete = "| valeur | par SOAP | par courrier | anomalie |"
    parts.append("\n".join(("## Anomalies\n", entete, "| --- | --- | --- | --- |", *rows, "")))
    rows = [f"| `{code}` | {cause} |" for code, cause in valeurs.EN_VRAI.items()]
    parts.append(
        "\n".join(("## Ce qui vient avant tout message\n", "| code | cause |", "| --- | --- |", *rows, ""))
    )
    return "\n".join(parts)


def _oui(value: bool) -> str:
    return "oui" if value else "–"


def _texte(each: TypeAnomalie) -> str:
    texte = each.texte.replace("{constat}", "…").replace("{attendu}", "…").replace("|", "\\|")
    return f"{texte}{' Rejouable.' if each.rejouable else ''}"
