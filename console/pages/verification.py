"""The check address: whoever holds a report of conformity asks what it is worth ([CNF-1])."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Final

from console import anomalies
from console.rapports import GENRES, draw_badge, tell_families, tell_json
from console.table import Methode, Page
from console.vue import Contenu, Redirection, Refus, Rendu, Reponse, Vue
from registry.conformite import OCTETS_MAX
from registry.controle_rapports import Controle, check_file, check_reference, check_state
from registry.controle_rapports import Reponse as ReponseControle

_JSON: Final = "application/json; charset=utf-8"
_SVG: Final = "image/svg+xml; charset=utf-8"
_REFERENCE: Final = "{reference:[0-9A-Fa-f-]+}"


def _limited(answer: Callable[[Vue], Reponse]) -> Callable[[Vue], Reponse]:
    """That page, so many times a minute ([CNF-9])."""

    def limited(vue: Vue) -> Reponse:
        if not vue.services.debit.admits(vue.adresse, instant=vue.maintenant):
            return Refus(anomalies.TROP_SOUVENT(), 429)
        return answer(vue)

    return limited


@_limited
def ask(vue: Vue) -> Reponse:
    """The form; with a reference, the page of that report."""
    reference = vue.question.get("reference", "").strip().lower()
    if reference:
        if len(reference) in (36, 64) and all(each in "0123456789abcdef-" for each in reference):
            return Redirection(vue.url("conformite.rapport", reference=reference))
        return Rendu("verification.html", {"erreur": _FORME, "reference": reference[:80]}, statut=404)
    return Rendu("verification.html", {"erreur": "", "reference": ""})


_FORME: Final = "un identifiant de 36 caractères, ou une empreinte SHA-256 de 64, est attendu"


@_limited
def examine(vue: Vue) -> Reponse:
    """What a file is worth."""
    envoi = vue.envois.get("rapport")
    data = b"" if envoi is None else envoi.octets
    controle = check_file(vue.conn, data, vue.services.conformite, instant=vue.maintenant)
    return _answer_json(controle) if vue.champs.get("format") == "json" else _page(vue, controle)


def _asked(vue: Vue) -> Controle:
    reference = vue.parametres["reference"]
    return check_reference(vue.conn, reference, vue.services.conformite, instant=vue.maintenant)


@_limited
def show(vue: Vue) -> Reponse:
    """What a deposited report is worth."""
    return _page(vue, _asked(vue))


@_limited
def show_json(vue: Vue) -> Reponse:
    """The same, for a program."""
    return _answer_json(_asked(vue))


@_limited
def show_badge(vue: Vue) -> Reponse:
    """The same in a picture, which pages of others may show."""
    reference = vue.parametres["reference"]
    controle = check_state(vue.conn, reference, vue.services.conformite, instant=vue.maintenant)
    return Contenu(_SVG, draw_badge(controle).encode(), _status(controle), ailleurs=True)


def _page(vue: Vue, controle: Controle) -> Rendu:
    depose = controle.depose
    valeurs = {
        "controle": controle,
        "genre": GENRES[controle.reponse],
        "familles": tell_families(controle),
        "certificat": "" if depose is None else depose.signataire,
        "expire_le": controle.expire_le,
        "lien": "" if depose is None else vue.url("conformite.rapport", reference=depose.identifiant),
    }
    return Rendu("verification_rapport.html", valeurs, statut=_status(controle))


def _answer_json(controle: Controle) -> Contenu:
    text = json.dumps(tell_json(controle), ensure_ascii=False, indent=2, default=_plain)
    return Contenu(_JSON, text.encode() + b"\n", _status(controle))


def _status(controle: Controle) -> int:
    return 404 if controle.reponse is ReponseControle.INCONNU else 200


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    assert isinstance(value, uuid.UUID | StrEnum), value
    return str(value)


PAGES: Final = (
    Page("conformite.verifier", "/conformite", "Vérifier un rapport de conformité", ask, publique=True),
    Page(
        "conformite.examiner",
        "/conformite",
        "Vérifier un rapport de conformité",
        examine,
        methode=Methode.POST,
        publique=True,
        sans_effet=True,
        trace="vérifier un rapport de conformité",
        taille_max=OCTETS_MAX + (1 << 20),
    ),
    Page(
        "conformite.json",
        f"/conformite/rapports/{_REFERENCE}.json",
        "Rapport de conformité",
        show_json,
        publique=True,
    ),
    Page(
        "conformite.badge",
        f"/conformite/rapports/{_REFERENCE}/badge.svg",
        "Badge de conformité",
        show_badge,
        publique=True,
    ),
    Page(
        "conformite.rapport",
        f"/conformite/rapports/{_REFERENCE}",
        "Rapport de conformité",
        show,
        publique=True,
    ),
)
