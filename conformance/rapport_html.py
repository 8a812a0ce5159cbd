"""The report as one HTML page that needs nothing else: readable offline, by a keyboard and by a screen reader."""

from __future__ import annotations

from datetime import datetime
from html import escape
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo

from conformance.rapport import untested
from schemas.rapport_conformite import Ligne, Rapport, Verdict

_PARIS: Final = ZoneInfo("Europe/Paris")
_CLASSES: Final = {
    Verdict.REUSSIE: "ok",
    Verdict.ECHOUEE: "ko",
    Verdict.SANS_OBJET: "so",
    Verdict.NON_CONCLUANTE: "nc",
}
_SIGNES: Final = {
    Verdict.REUSSIE: "✓",
    Verdict.ECHOUEE: "✗",
    Verdict.SANS_OBJET: "–",
    Verdict.NON_CONCLUANTE: "?",
}

_STYLE: Final = """
:root{--bleu:#000091;--gris:#3a3a3a;--fond:#f6f6f6;--trait:#ddd}
*{box-sizing:border-box}body{margin:0;font:1rem/1.5 Marianne,arial,sans-serif;color:#161616;background:#fff}
a{color:var(--bleu)}.evitement{position:absolute;left:-999px}.evitement:focus{left:1rem;top:1rem;background:#fff;padding:.5rem}
header{border-bottom:1px solid var(--trait);padding:1rem 0}header p,header h1{margin:.25rem 0}
.cadre{max-width:75rem;margin:0 auto;padding:0 1rem}h1{font-size:1.75rem}h2{font-size:1.375rem;margin-top:2rem}
.verdict{border-left:.25rem solid;padding:.75rem 1rem;background:var(--fond);font-weight:700;font-size:1.125rem}
.verdict.ok{border-color:#18753c}.verdict.ko{border-color:#ce0500}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem}dt{font-weight:700}dd{margin:0;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%;font-size:.875rem}caption{text-align:left;font-weight:700;padding:.5rem 0}
th,td{border-bottom:1px solid var(--trait);padding:.5rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}
thead th{background:var(--fond);border-bottom:2px solid #161616}
th,summary{white-space:nowrap;overflow-wrap:normal}td details{min-width:6rem}
.b{display:inline-block;padding:0 .5rem;border-radius:.25rem;font-weight:700;white-space:nowrap}
.b.ok{background:#b8fec9;color:#18753c}.b.ko{background:#ffe9e9;color:#ce0500}.b.so{background:#eee;color:var(--gris)}.b.nc{background:#feebd0;color:#695240}
details{margin:.25rem 0}summary{cursor:pointer;color:var(--bleu)}.f{max-width:48rem}
@media print{details{display:block}.evitement{display:none}}@media(max-width:45rem){thead{display:none}tr,td,th{display:block}dl{grid-template-columns:1fr}}
"""


def write_html(rapport: Rapport, empreinte: str) -> str:
    """The page. empreinte: SHA-256 of the JSON of the report, hexadecimal."""
    failed = [each for each in rapport.resultats if each.verdict is Verdict.ECHOUEE]
    title = f"Rapport de conformité de {rapport.cible}"
    return (
        '<!DOCTYPE html>\n<html lang="fr"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>"
        '<a class="evitement" href="#resultats">Aller aux résultats</a>'
        f'<header role="banner"><div class="cadre"><p>Kit de conformité de l\'interface</p><h1>{escape(title)}</h1>'
        f'</div></header><main class="cadre">{_summary(rapport, empreinte)}'
        f'{_to_do(failed)}<div id="resultats">{"".join(_families(rapport.resultats))}</div></main></body></html>\n'
    )


def _summary(rapport: Rapport, empreinte: str) -> str:
    counts = rapport.totaux
    verdict = "Conforme" if rapport.conforme else "Non conforme"
    if not rapport.complet:
        verdict += " sur la partie essayée (campagne partielle)"
    rows = (
        ("Mode", f"{rapport.mode} à l'essai"),
        ("Adresse", rapport.adresse or "–"),
        ("Version de l'interface", rapport.version_interface),
        ("Assertions", ", ".join(f"{counts[str(each)]} {each}" for each in Verdict)),
        ("Non éprouvé", ", ".join(untested(rapport.resultats)) or "–"),
        ("Campagne", f"du {_moment(rapport.debut)} au {_moment(rapport.fin)}, graine {rapport.graine}"),
        ("Valable jusqu'au", _moment(rapport.expire)),
        ("Identifiant", rapport.identifiant),
        ("Empreinte SHA-256", empreinte),
        ("Kit", rapport.kit),
        ("Guichet", rapport.guichet or "–"),
    )
    items = "".join(f"<dt>{escape(key)}</dt><dd>{escape(value)}</dd>" for key, value in rows)
    items += f"<dt>Vérifier</dt><dd>{_controle(rapport.controle)}</dd>"
    kind = "ok" if rapport.conforme else "ko"
    return f'<p class="verdict {kind}">{escape(verdict)}</p><dl>{items}</dl>'


def _controle(adresse: str) -> str:
    if adresse.startswith("https://"):
        return f'<a href="{escape(adresse)}">{escape(adresse)}</a>'
    return escape(adresse or "echangeur conformite verifier, avec le rapport signé")


def _moment(instant: datetime) -> str:
    return instant.astimezone(_PARIS).strftime("%d/%m/%Y %H:%M")


def _to_do(lignes: list[Ligne]) -> str:
    if not lignes:
        return ""
    items = "".join(
        f'<li><a href="#{each.id}">{each.id}</a> {escape(each.titre)} : {escape(each.conduite)}</li>'
        for each in lignes
    )
    return f"<h2>À faire</h2><ul>{items}</ul>"


def _families(lignes: tuple[Ligne, ...]) -> list[str]:
    out = []
    for titre, members in groupby(lignes, key=lambda each: each.famille):
        rows = "".join(_row(each) for each in members)
        out.append(
            f'<h2>{escape(titre)}</h2><table><caption class="f">Assertions : {escape(titre)}</caption><thead><tr>'
            '<th scope="col">N°</th><th scope="col">Assertion</th><th scope="col">Clauses</th>'
            f'<th scope="col">Verdict</th><th scope="col">Constat</th></tr></thead><tbody>{rows}</tbody></table>'
        )
    return out


def _row(ligne: Ligne) -> str:
    clauses = "".join(
        f"<details><summary>{escape(clause)}</summary>{escape(rule)}</details>"
        for clause, rule in ligne.regles.items()
    )
    found = escape(ligne.raison)
    if ligne.verdict is Verdict.ECHOUEE:
        found = (
            f"<p>{escape(ligne.quoi)}</p><p><b>Trouvé</b> : {escape(ligne.trouve)}</p>"
            f"<p><b>Attendu</b> : {escape(ligne.attendu)}</p><p><b>À faire</b> : {escape(ligne.conduite)}</p>"
        )
    elif ligne.verdict is Verdict.REUSSIE:
        found = escape(f"{ligne.quoi} : {ligne.trouve}")
    badge = f'<span class="b {_CLASSES[ligne.verdict]}">{_SIGNES[ligne.verdict]} {ligne.verdict}</span>'
    return (
        f'<tr id="{ligne.id}"><th scope="row">{ligne.id}</th><td>{escape(ligne.titre)} <small>({ligne.niveau})</small>'
        f"</td><td>{clauses}</td><td>{badge}</td><td>{found}</td></tr>"
    )
